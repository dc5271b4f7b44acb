/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Known trees.
 *
 * Owns what a reader remembers of the trees of its snapshot: their roots, how to
 * look them up, how much they are asked for, and so when they get an index.
 * Keeps nothing from one snapshot to the next, nor beyond the checks that it
 * rests on.
 * Never replaces a tree: the call under way may use its index.
 */
#include "engine/known.h"

#include <string.h>

#define STEPS     2          /* indexes of a tree, one after the other */
#define HEAT_MOST (1u << 24) /* of one call */

/* Reads of one snapshot ask for the same trees in the same order: most are
 * found at the first glance, which spares the walk through the main tree. */
static struct lf_known_tree *
find(struct lf_reader *reader, const char *name)
{
    uint32_t at = reader->known_next;

    for (uint32_t i = 0; i < reader->known_count; i++, at++) {
        at = at < reader->known_count ? at : 0;
        if (strcmp(reader->known[at].name, name) == 0) {
            reader->known_next = at + 1;
            return &reader->known[at];
        }
    }
    return NULL;
}

/* Up to LF_KNOWN_TREES of a snapshot; none is ever replaced: the call under way
 * may use its index. */
void
lf_known_remember(struct lf_reader *reader, const char *name,
                  const struct lf_root *root, enum lf_route route)
{
    struct lf_known_tree *known;

    if (reader->known_count == LF_KNOWN_TREES ||
        strlen(name) >= sizeof known->name)
        return;
    known = &reader->known[reader->known_count++];
    strcpy(known->name, name);
    known->root = *root;
    known->route = route;
    known->heat = 0;
    known->step = 0;
    reader->known_next = reader->known_count;
}

/* An index costs about as much as it spares this many look-ups. It is made once
 * so many were made in the tree on one snapshot, and dropped with that: the
 * first one of the leaf parents, the second one of the leaves. */
static uint64_t
worth(const struct lf_root *root, uint32_t step)
{
    return step ? 1024 + root->entries / 128 : 64 + root->entries / 4096;
}

static void
warm_up(struct lf_reader *reader, struct lf_known_tree *known, size_t count)
{
    struct lf_index *index;

    known->heat += count < HEAT_MOST ? (uint32_t)count : HEAT_MOST;
    if (known->heat < worth(&known->root, known->step))
        return;
    if (!lf_index_take(&reader->pages, reader->transaction, &known->root,
                       known->step ? 0 : 1, &index)) {
        known->heat = HEAT_MOST; /* the next call asks again */
        return;
    }
    known->heat = 0;
    known->step++;
    if (!index)
        return;
    lf_index_drop(known->root.index);
    known->root.index = index;
}

const struct lf_known_tree *
lf_known_recall(struct lf_reader *reader, const char *name, size_t count)
{
    struct lf_known_tree *known = find(reader, name);

    if (known && known->route == LF_ROUTE_DESCENT && known->step < STEPS)
        warm_up(reader, known, count);
    return known;
}

void
lf_known_forget(struct lf_reader *reader)
{
    for (uint32_t i = 0; i < reader->known_count; i++)
        lf_index_drop(reader->known[i].root.index);
    reader->known_count = 0;
    reader->known_next = 0;
}

/* Known trees are those of one snapshot, and of checks that still count. */
void
lf_known_follow(struct lf_reader *reader)
{
    uint32_t forgotten = atomic_load_explicit(
        &reader->environment->fallback.forgotten, memory_order_relaxed);

    if (reader->known_transaction == reader->transaction &&
        reader->known_forgotten == forgotten)
        return;
    lf_known_forget(reader);
    reader->known_transaction = reader->transaction;
    reader->known_forgotten = forgotten;
}
