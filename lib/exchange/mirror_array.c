/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Columns of several record batches, given on as one.
 *
 * Owns copies of the structs of somebody else's arrays, in one block for a
 * record batch, and a share in each batch that they came from.
 * Keeps values where they are: a slice is another offset and another length.
 * Never moves a child out of its producer's array: any number of slices may be
 * made of it, and each may be moved and released by itself.
 */
#include <string.h>

#include "base/alloc.h"
#include "exchange/mirror.h"

/* The parts, pointers to children and nodes lie behind it. */
struct block {
    atomic_uint holders; /* arrays that were not released yet */
    uint32_t part_count;
    struct lf_held_array **parts;
    struct ArrowArray **children; /* the next to be given out */
    struct ArrowArray *nodes;
    const void *buffers[1];
};

struct lf_held_array *
lf_array_hold(struct ArrowArray *array)
{
    struct lf_held_array *held = lf_alloc(sizeof *held);

    if (!held) {
        array->release(array);
        return NULL;
    }
    atomic_init(&held->holders, 1);
    held->array = *array;
    array->release = NULL;
    return held;
}

struct lf_held_array *
lf_array_share(struct lf_held_array *held)
{
    atomic_fetch_add_explicit(&held->holders, 1, memory_order_relaxed);
    return held;
}

void
lf_array_let_go(struct lf_held_array *held)
{
    if (!held || atomic_fetch_sub(&held->holders, 1) != 1)
        return;
    held->array.release(&held->array);
    lf_free(held);
}

static void
release(struct ArrowArray *array)
{
    struct block *block = array->private_data;

    for (int64_t i = 0; i < array->n_children; i++)
        if (array->children[i]->release)
            array->children[i]->release(array->children[i]);
    if (array->dictionary && array->dictionary->release)
        array->dictionary->release(array->dictionary);
    array->release = NULL;
    if (atomic_fetch_sub(&block->holders, 1) != 1)
        return;
    for (uint32_t i = 0; i < block->part_count; i++)
        lf_array_let_go(block->parts[i]);
    lf_free(block);
}

/* Nodes below an array, its dictionary's too. */
static size_t
count_nodes(const struct ArrowArray *array)
{
    size_t count = (size_t)array->n_children;

    for (int64_t i = 0; i < array->n_children; i++)
        count += count_nodes(array->children[i]);
    if (array->dictionary)
        count += 1 + count_nodes(array->dictionary);
    return count;
}

static void
copy_tree(struct block *block, const struct ArrowArray *from,
          struct ArrowArray *to)
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

/* How many nulls a part of a column has is not counted here. */
static void
cut(struct ArrowArray *column, size_t first, size_t rows)
{
    if (first == 0 && column->length == (int64_t)rows)
        return;
    column->offset += (int64_t)first;
    column->length = (int64_t)rows;
    if (column->null_count != 0)
        column->null_count = -1;
}

static struct block *
make_block(const struct lf_array_part *parts, uint32_t count, size_t *columns)
{
    size_t nodes = 0;
    struct block *block;

    *columns = 0;
    for (uint32_t i = 0; i < count; i++) {
        nodes += count_nodes(&parts[i].held->array);
        *columns += (size_t)parts[i].held->array.n_children;
    }
    block = lf_alloc(sizeof *block + count * sizeof *block->parts +
                     nodes * (sizeof *block->nodes + sizeof *block->children));
    if (!block)
        return NULL;
    block->part_count = count;
    block->nodes = (struct ArrowArray *)(void *)(block + 1);
    block->children = (struct ArrowArray **)(void *)(block->nodes + nodes);
    block->parts = (struct lf_held_array **)(void *)(block->children + nodes);
    atomic_init(&block->holders, 1);
    return block;
}

bool
lf_array_combine(const struct lf_array_part *parts, uint32_t count, size_t rows,
                 struct ArrowArray *array)
{
    size_t columns, at = 0;
    struct block *block = make_block(parts, count, &columns);

    if (!block)
        return false;
    *array = (struct ArrowArray){.length = (int64_t)rows,
                                 .n_buffers = 1,
                                 .n_children = (int64_t)columns,
                                 .buffers = block->buffers,
                                 .children = block->children,
                                 .release = release,
                                 .private_data = block};
    block->children += columns;
    for (uint32_t i = 0; i < count; i++) {
        const struct ArrowArray *from = &parts[i].held->array;

        block->parts[i] = lf_array_share(parts[i].held);
        for (int64_t j = 0; j < from->n_children; j++) {
            struct ArrowArray *to = array->children[at++] = block->nodes++;

            copy_tree(block, from->children[j], to);
            cut(to, (size_t)from->offset + parts[i].first, rows);
        }
    }
    return true;
}
