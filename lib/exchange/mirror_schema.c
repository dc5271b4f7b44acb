/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Columns of two schemas, given on as one; and the shape of trees.
 *
 * Owns copies of the structs of somebody else's schemas, in one block, and a
 * share in both that they came from; and the check that a tree can be walked.
 * Keeps names, formats, flags and metadata as their producer wrote them.
 * Never walks a tree that was not checked.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "exchange/mirror.h"

#define DEPTH_MAX 64

/* Pointers to children, nodes and metadata lie behind it. */
struct block {
    atomic_uint holders; /* schemas that were not released yet */
    struct lf_held_schema *parts[2];
    struct ArrowSchema **children; /* the next to be given out */
    struct ArrowSchema *nodes;
};

struct lf_held_schema *
lf_schema_hold(struct ArrowSchema *schema)
{
    struct lf_held_schema *held = lf_alloc(sizeof *held);

    if (!held) {
        schema->release(schema);
        return NULL;
    }
    atomic_init(&held->holders, 1);
    held->schema = *schema;
    schema->release = NULL;
    return held;
}

void
lf_schema_let_go(struct lf_held_schema *held)
{
    if (!held || atomic_fetch_sub(&held->holders, 1) != 1)
        return;
    held->schema.release(&held->schema);
    lf_free(held);
}

static void
release(struct ArrowSchema *schema)
{
    struct block *block = schema->private_data;

    for (int64_t i = 0; i < schema->n_children; i++)
        if (schema->children[i]->release)
            schema->children[i]->release(schema->children[i]);
    if (schema->dictionary && schema->dictionary->release)
        schema->dictionary->release(schema->dictionary);
    schema->release = NULL;
    if (atomic_fetch_sub(&block->holders, 1) != 1)
        return;
    lf_schema_let_go(block->parts[0]);
    lf_schema_let_go(block->parts[1]);
    lf_free(block);
}

static size_t
count_nodes(const struct ArrowSchema *schema)
{
    size_t count = (size_t)schema->n_children;

    for (int64_t i = 0; i < schema->n_children; i++)
        count += count_nodes(schema->children[i]);
    if (schema->dictionary)
        count += 1 + count_nodes(schema->dictionary);
    return count;
}

static void
copy_tree(struct block *block, const struct ArrowSchema *from,
          struct ArrowSchema *to)
{
    *to = *from;
    to->release = release;
    to->private_data = block;
    atomic_fetch_add_explicit(&block->holders, 1, memory_order_relaxed);
    to->children = block->children;
    block->children += from->n_children;
    for (int64_t i = 0; i < from->n_children; i++) {
        to->children[i] = block->nodes++;
        copy_tree(block, from->children[i], to->children[i]);
    }
    if (from->dictionary) {
        to->dictionary = block->nodes++;
        copy_tree(block, from->dictionary, to->dictionary);
    }
}

/* --- metadata: i32 count, then key and value, each behind its i32 size -------- */

struct pair {
    const char *key, *begin, *end;
    int32_t key_size;
};

static uint32_t
pair_count(const char *metadata)
{
    int32_t count = metadata ? lf_load_i32(metadata) : 0;

    return count > 0 ? (uint32_t)count : 0;
}

static const char *
first_pair(const char *metadata)
{
    return metadata ? metadata + 4 : NULL;
}

static int32_t
size_at(const char *at)
{
    int32_t size = lf_load_i32(at);

    return size > 0 ? size : 0;
}

static struct pair
pair_at(const char *at)
{
    struct pair pair = {.begin = at, .key = at + 4, .key_size = size_at(at)};
    const char *value = pair.key + pair.key_size;

    pair.end = value + 4 + size_at(value);
    return pair;
}

static bool
has_key(const char *metadata, const struct pair *pair)
{
    const char *at = first_pair(metadata);

    for (uint32_t i = pair_count(metadata); i > 0; i--) {
        struct pair other = pair_at(at);

        if (other.key_size == pair->key_size &&
            !memcmp(other.key, pair->key, (size_t)pair->key_size))
            return true;
        at = other.end;
    }
    return false;
}

/* Puts pairs at to, save those that but has; returns their bytes. Without to it
 * only counts. */
static size_t
put_pairs(const char *metadata, const char *but, char *to, uint32_t *pairs)
{
    const char *at = first_pair(metadata);
    size_t size = 0;

    for (uint32_t i = pair_count(metadata); i > 0; i--) {
        struct pair pair = pair_at(at);

        at = pair.end;
        if (but && has_key(but, &pair))
            continue;
        if (to)
            memcpy(to + size, pair.begin, (size_t)(pair.end - pair.begin));
        size += (size_t)(pair.end - pair.begin);
        ++*pairs;
    }
    return size;
}

static size_t
put_metadata(const char *first, const char *second, char *to)
{
    uint32_t pairs = 0;
    size_t size = 4;

    size += put_pairs(first, second, to ? to + size : NULL, &pairs);
    size += put_pairs(second, NULL, to ? to + size : NULL, &pairs);
    if (to)
        lf_store_i32(to, (int32_t)pairs);
    return size;
}

/* --- the columns of both ------------------------------------------------------ */

static struct block *
make_block(struct lf_held_schema *const parts[2], size_t *columns,
           char **metadata)
{
    const struct ArrowSchema *first = &parts[0]->schema;
    const struct ArrowSchema *second = &parts[1]->schema;
    size_t nodes = count_nodes(first) + count_nodes(second);
    struct block *block =
        lf_alloc(sizeof *block +
                 nodes * (sizeof *block->nodes + sizeof *block->children) +
                 put_metadata(first->metadata, second->metadata, NULL));

    if (!block)
        return NULL;
    *columns = (size_t)(first->n_children + second->n_children);
    block->nodes = (struct ArrowSchema *)(void *)(block + 1);
    block->children = (struct ArrowSchema **)(void *)(block->nodes + nodes);
    *metadata = (char *)(block->children + nodes);
    put_metadata(first->metadata, second->metadata, *metadata);
    atomic_init(&block->holders, 1);
    return block;
}

bool
lf_schema_combine(struct lf_held_schema *const parts[2],
                  struct ArrowSchema *schema)
{
    char *metadata;
    size_t columns, at = 0;
    struct block *block = make_block(parts, &columns, &metadata);

    if (!block)
        return false;
    *schema = (struct ArrowSchema){.format = "+s",
                                   .name = "",
                                   .metadata = metadata,
                                   .n_children = (int64_t)columns,
                                   .children = block->children,
                                   .release = release,
                                   .private_data = block};
    block->children += columns;
    for (int i = 0; i < 2; i++) {
        const struct ArrowSchema *from = &parts[i]->schema;

        atomic_fetch_add_explicit(&parts[i]->holders, 1, memory_order_relaxed);
        block->parts[i] = parts[i];
        for (int64_t j = 0; j < from->n_children; j++) {
            schema->children[at] = block->nodes++;
            copy_tree(block, from->children[j], schema->children[at++]);
        }
    }
    return true;
}

/* --- shapes ------------------------------------------------------------------- */

static bool
is_whole(const struct ArrowSchema *schema, uint32_t depth)
{
    if (!schema || !schema->format || depth > DEPTH_MAX ||
        schema->n_children < 0 || (schema->n_children && !schema->children))
        return false;
    for (int64_t i = 0; i < schema->n_children; i++)
        if (!is_whole(schema->children[i], depth + 1))
            return false;
    return !schema->dictionary || is_whole(schema->dictionary, depth + 1);
}

feature_status
lf_schema_check_tree(const struct ArrowSchema *schema, const char *name,
                     struct feature_error *error)
{
    if (is_whole(schema, 0))
        return FEATURE_OK;
    return lf_fail(error, FEATURE_INVALID, "arrow",
                   "column \"%s\" of the stream: its type lacks a part, or is "
                   "nested more than %d deep",
                   name, DEPTH_MAX);
}

static bool
fits(const struct ArrowArray *array, const struct ArrowSchema *schema)
{
    if (!array || !array->release || array->n_children != schema->n_children ||
        (array->n_children && !array->children) ||
        !array->dictionary != !schema->dictionary)
        return false;
    for (int64_t i = 0; i < array->n_children; i++)
        if (!fits(array->children[i], schema->children[i]))
            return false;
    return !array->dictionary || fits(array->dictionary, schema->dictionary);
}

feature_status
lf_array_check_tree(const struct ArrowArray *array,
                    const struct ArrowSchema *schema, const char *name,
                    struct feature_error *error)
{
    if (fits(array, schema))
        return FEATURE_OK;
    return lf_fail(error, FEATURE_INVALID, "arrow",
                   "column \"%s\" of the stream is not of the shape that its "
                   "type has",
                   name);
}
