/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arrays that we export.
 *
 * Owns the memory of their buffers: copies, at addresses of 64 bytes and with
 * zeros up to the next, as Arrow recommends.
 * Keeps a column in a block of its own, so that one that was moved out of its
 * struct array keeps no other in memory.
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

/* The memory of one array, or of a column and its items. */
struct block {
    atomic_uint holders; /* arrays in it that were not released yet */
    const void *buffers[3];
    struct ArrowArray item;
    struct ArrowArray *items[1];
    const void *item_buffers[3];
};

/* The memory of the struct array; its children lie behind it. */
struct root {
    struct block block;
    struct ArrowArray *children[];
};

/* A block's buffers, one after the other. */
struct room {
    uint8_t *at;
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

/* Where the buffers of a block begin. */
static uint8_t *
first_buffer(void *memory, size_t head)
{
    uintptr_t at = (uintptr_t)memory + head;

    return (uint8_t *)memory + head + (ALIGNMENT - at % ALIGNMENT) % ALIGNMENT;
}

static const void *
put(struct room *room, const void *from, size_t size, size_t whole)
{
    uint8_t *to = room->at;

    if (size)
        memcpy(to, from, size);
    memset(to + size, 0, whole - size);
    room->at += whole;
    return to;
}

/* Offsets, elements or bytes, as the type of the column or of its items. */
static void
put_values(struct room *room, const void **buffers, const void *offsets,
           size_t offsets_size, const void *values, size_t size)
{
    buffers[0] = NULL;
    if (offsets)
        *++buffers = put(room, offsets, offsets_size, padded(offsets_size));
    *++buffers = put(room, values, size, padded_values(size));
}

static void
put_items(struct room *room, struct block *block, struct lf_type type,
          const struct lf_out_column *column, const struct sizes *sizes)
{
    const void *offsets = sizes->child_offsets ? column->child_offsets : NULL;

    put_values(room, block->item_buffers, offsets, sizes->child_offsets,
               column->values, sizes->values);
    init(&block->item, block, block->item_buffers, offsets ? 3 : 2,
         (int64_t)sizes->elements, 0);
    block->items[0] = &block->item;
    if (type.is_list)
        block->buffers[1] =
            put(room, column->offsets, sizes->offsets, padded(sizes->offsets));
}

static bool
export_column(struct lf_type type, const struct lf_out_column *column,
              uint32_t rows, struct ArrowArray *array)
{
    const struct sizes sizes = measure(type, column, rows);
    bool is_nested = type.is_list || type.width > 1;
    size_t size = sizeof(struct block) + ALIGNMENT + padded(sizes.validity) +
                  padded(sizes.offsets) + padded(sizes.child_offsets) +
                  padded_values(sizes.values);
    struct block *block = lf_realloc_array(NULL, size, 1);
    struct room room;

    if (!block)
        return false;
    memset(block, 0, sizeof *block);
    room.at = first_buffer(block, sizeof *block);
    if (is_nested)
        put_items(&room, block, type, column, &sizes);
    else
        put_values(&room, block->buffers,
                   sizes.offsets ? column->offsets : NULL, sizes.offsets,
                   column->values, sizes.values);
    if (sizes.validity)
        block->buffers[0] = put(&room, column->validity, sizes.validity,
                                padded(sizes.validity));
    init(array, block, block->buffers,
         is_nested ? 1 + type.is_list : 2 + (sizes.offsets != 0), rows,
         column->null_count);
    if (is_nested) {
        array->children = block->items;
        array->n_children = 1;
    }
    return true;
}

bool
lf_array_export(const struct lf_out_field *fields,
                const struct lf_out_column *columns, uint32_t count,
                uint32_t rows, struct ArrowArray *array)
{
    size_t pointers = count * sizeof(struct ArrowArray *);
    struct root *root =
        lf_alloc(sizeof *root + pointers + count * sizeof(struct ArrowArray));
    struct ArrowArray made, *children;

    if (!root)
        return false;
    children = (struct ArrowArray *)(void *)(root->children + count);
    init(&made, &root->block, root->block.buffers, 1, rows, 0);
    made.children = root->children;
    for (uint32_t i = 0; i < count; i++) {
        if (!export_column(fields[i].type, &columns[i], rows, &children[i])) {
            made.release(&made);
            return false;
        }
        root->children[i] = &children[i];
        made.n_children++;
    }
    *array = made;
    return true;
}
