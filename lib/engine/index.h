/* SPDX-License-Identifier: Apache-2.0 */
/* Short cuts into the trees of a snapshot. */
#ifndef LF_ENGINE_INDEX_H
#define LF_ENGINE_INDEX_H

#include "engine/page.h"

#define LF_INDEX_HEADS  8 /* in a line of cache */
#define LF_INDEX_PAGES  5 /* the same, with their heads */
#define LF_INDEX_LEVELS 6

/* Some pages of one level of a tree, in order, with the separators that lead to
 * them: their first eight bytes, as numbers. One line of cache. */
struct lf_index_line {
    uint64_t heads[LF_INDEX_PAGES];
    uint32_t pages[LF_INDEX_PAGES]; /* their numbers */
    uint32_t count;
};

/*
 * A static search tree over such lines: level 0 has the first head of every
 * line, each further level the first head of every line of the one below. The
 * last level is bisected, of the others one line is read. Immutable, and shared
 * by the readers of the snapshot.
 */
struct lf_index {
    _Atomic(uint32_t) references; /* one of the environment, one a reader */
    uint32_t above; /* levels below these pages: 1 leaf parents, 0 leaves */
    uint64_t transaction;
    uint64_t root; /* page */
    bool is_exact; /* no separator has more or less than eight bytes */
    uint32_t levels;
    uint32_t counts[LF_INDEX_LEVELS]; /* of heads */
    const struct lf_index_line *lines;
    const uint64_t *heads[LF_INDEX_LEVELS]; /* rising; the first is 0 */
};

/* Takes a reference to the index of that level, which is made where there is
 * none yet. False: another thread is making one; ask again. *index is NULL
 * where there will be none: for want of memory or sound pages, because the tree
 * is too small or too large, or the snapshot no longer the newest. */
bool lf_index_take(struct lf_pages *pages, uint64_t transaction,
                   const struct lf_root *root, uint32_t above,
                   struct lf_index **index);

void lf_index_drop(struct lf_index *index); /* NULL is fine */

/* At the end of an environment, whose readers are gone. */
void lf_indexes_free(struct lf_environment *environment);

#endif
