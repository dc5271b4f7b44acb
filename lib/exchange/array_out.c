/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arrays that we export.
 *
 * Owns the memory of their buffers: copies, at addresses of 64 bytes and with
 * zeros up to the next, as Arrow recommends.
 * Keeps a whole batch in one block, which goes with the last of its arrays:
 * whoever moves a child out may keep it for as long as he likes.
 * Never frees a struct that a consumer owns, and never looks at one twice:
 * after its release an array is not touched.
 */
#include "exchange/out.h"

#include <stdatomic.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bits.h"
#include "base/bytes.h"

#define ALIGNMENT 64

/* One column and, for a vector or a list, its items. */
struct node {
    struct ArrowArray array;
    struct ArrowArray item;
    struct ArrowArray *items[1];
    const void *buffers[3];
    const void *item_buffers[3];
};

/* The pointers to the columns, the columns and their buffers lie behind it. */
struct block {
    atomic_uint holders; /* arrays that were not released yet */
    const void *buffers[1];
    struct ArrowArray *children[];
};

static void
release(struct ArrowArray *array)
{
    struct block *block = array->private_data;

    for (int64_t i = 0; i < array->n_children; i++)
        if (array->children[i]->release)
            array->children[i]->release(array->children[i]);
    array->release = NULL;
    if (atomic_fetch_sub(&block->holders, 1) == 1)
        lf_free(block);
}

static void
init(struct ArrowArray *array, struct block *block, const void **buffers,
     int64_t buffer_count, int64_t length, int64_t null_count)
{
    *array = (struct ArrowArray){.length = length,
                                 .null_count = null_count,
                                 .n_buffers = buffer_count,
                                 .buffers = buffers,
                                 .release = release,
                                 .private_data = block};
    atomic_fetch_add_explicit(&block->holders, 1, memory_order_relaxed);
}

/* The sizes of a column's buffers; a size of 0 is a buffer that is left out. */
struct sizes {
    size_t validity;
    size_t offsets;
    size_t child_offsets;
    size_t values;
    size_t elements; /* of a vector or list */
};

static bool
is_text(struct lf_type type)
{
    return type.code == FEATURE_TYPE_STRING || type.code == FEATURE_TYPE_BYTES;
}

static size_t
end_of(const void *offsets, size_t count)
{
    return lf_load_u32((const uint8_t *)offsets + 4 * count);
}

static struct sizes
measure(struct lf_type type, const struct lf_out_column *column, uint32_t rows)
{
    struct sizes sizes = {.elements = (size_t)rows * type.width};

    if (column->null_count)
        sizes.validity = lf_bits_size(rows);
    if (lf_type_is_variable(type)) {
        sizes.offsets = 4 * ((size_t)rows + 1);
        sizes.elements = end_of(column->offsets, rows);
    }
    if (type.is_list && is_text(type)) {
        sizes.child_offsets = 4 * (sizes.elements + 1);
        sizes.values = end_of(column->child_offsets, sizes.elements);
    } else if (is_text(type)) {
        sizes.values = sizes.elements;
    } else if (type.code == FEATURE_TYPE_BOOL) {
        sizes.values = lf_bits_size(sizes.elements);
    } else {
        sizes.values = sizes.elements * lf_type_element_size(type.code);
    }
    return sizes;
}

static size_t
padded(size_t size)
{
    return (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

/* Values are there even if empty: some readers take NULL for damage. */
static size_t
padded_values(size_t size)
{
    return padded(size ? size : 1);
}

/* What the buffers of a column take, from one multiple of 64 to another. */
static size_t
measure_room(struct lf_type type, const struct lf_out_column *column,
             uint32_t rows)
{
    const struct sizes sizes = measure(type, column, rows);

    return padded(sizes.validity) + padded(sizes.offsets) +
           padded(sizes.child_offsets) + padded_values(sizes.values);
}

/* Copies a buffer to *room, which moves past it. */
static const void *
put(uint8_t **room, const void *from, size_t size, size_t whole)
{
    uint8_t *to = *room;

    if (size)
        memcpy(to, from, size);
    memset(to + size, 0, whole - size);
    *room += whole;
    return to;
}

/* Offsets, where there are some, and values: of a column or of its items. */
static void
put_values(uint8_t **room, const void **buffers, const void *offsets,
           size_t offsets_size, const void *values, size_t size)
{
    if (offsets_size)
        *++buffers = put(room, offsets, offsets_size, padded(offsets_size));
    *++buffers = put(room, values, size, padded_values(size));
}

static void
put_items(uint8_t **room, struct block *block, struct node *node,
          struct lf_type type, const struct lf_out_column *column,
          const struct sizes *sizes)
{
    put_values(room, node->item_buffers, column->child_offsets,
               sizes->child_offsets, column->values, sizes->values);
    init(&node->item, block, node->item_buffers,
         2 + (sizes->child_offsets != 0), (int64_t)sizes->elements, 0);
    node->items[0] = &node->item;
    if (type.is_list)
        node->buffers[1] =
            put(room, column->offsets, sizes->offsets, padded(sizes->offsets));
    node->array.children = node->items;
    node->array.n_children = 1;
}

static void
put_column(uint8_t **room, struct block *block, struct node *node,
           struct lf_type type, const struct lf_out_column *column,
           uint32_t rows)
{
    const struct sizes sizes = measure(type, column, rows);
    bool is_nested = type.is_list || type.width > 1;

    init(&node->array, block, node->buffers,
         is_nested ? 1 + type.is_list : 2 + (sizes.offsets != 0), rows,
         column->null_count);
    if (sizes.validity)
        node->buffers[0] =
            put(room, column->validity, sizes.validity, padded(sizes.validity));
    if (is_nested)
        put_items(room, block, node, type, column, &sizes);
    else
        put_values(room, node->buffers, column->offsets, sizes.offsets,
                   column->values, sizes.values);
}

bool
lf_array_export(const struct lf_out_field *fields,
                const struct lf_out_column *columns, uint32_t count,
                uint32_t rows, struct ArrowArray *array)
{
    size_t head = sizeof(struct block) +
                  count * (sizeof(struct ArrowArray *) + sizeof(struct node));
    size_t size = head + ALIGNMENT;
    struct block *block;
    struct node *nodes;
    uint8_t *room;

    for (uint32_t i = 0; i < count; i++)
        size += measure_room(fields[i].type, &columns[i], rows);
    block = lf_realloc_array(NULL, size, 1);
    if (!block)
        return false;
    memset(block, 0, head);
    nodes = (struct node *)(void *)(block->children + count);
    room = (uint8_t *)block + head;
    room += (ALIGNMENT - (uintptr_t)room % ALIGNMENT) % ALIGNMENT;
    for (uint32_t i = 0; i < count; i++) {
        put_column(&room, block, &nodes[i], fields[i].type, &columns[i], rows);
        block->children[i] = &nodes[i].array;
    }
    init(array, block, block->buffers, 1, rows, 0);
    array->children = block->children;
    array->n_children = count;
    return true;
}
