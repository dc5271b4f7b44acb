/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of fixed size, many at a time.
 *
 * Owns the way from columns to rows where no value is variable: a column after the
 * other, so that what a column is gets asked once for all rows.
 * Keeps to the bytes that lf_row_encode_columns makes.
 * Never makes a row with times of its own cells.
 */
#include <string.h>

#include "base/bits.h"
#include "format/row.h"

/* Where a column goes: into so many rows of the same size. */
struct block {
    uint8_t *rows;
    size_t stride;
    size_t count;
};

static void
put_heads(const struct block *block, uint16_t version, const int64_t *times)
{
    memset(block->rows, 0, block->stride * block->count);
    for (size_t i = 0; i < block->count; i++) {
        lf_store_u16(block->rows + i * block->stride + 4, version);
        lf_store_i64(block->rows + i * block->stride + 8, times[i]);
    }
}

static void
put_null(const struct block *block, size_t row, uint32_t slot)
{
    lf_bit_set(block->rows + row * block->stride + LF_ROW_HEADER_SIZE, slot);
}

/* Loops that know the size of what they move. */
static void
put_values(const struct block *block, size_t offset, const uint8_t *from,
           size_t size)
{
    uint8_t *to = block->rows + offset;

    switch (size) {
    case 8:
        for (size_t i = 0; i < block->count; i++, to += block->stride)
            memcpy(to, from + 8 * i, 8);
        break;
    case 4:
        for (size_t i = 0; i < block->count; i++, to += block->stride)
            memcpy(to, from + 4 * i, 4);
        break;
    case 1:
        for (size_t i = 0; i < block->count; i++, to += block->stride)
            *to = from[i];
        break;
    default:
        for (size_t i = 0; i < block->count; i++, to += block->stride)
            memcpy(to, from + size * i, size);
    }
}

static void
put_column(const struct block *block, uint32_t index,
           const struct lf_slot *slot, const struct lf_fixed_column *from,
           size_t first)
{
    size_t size = slot->size;

    if (from->values && !from->validity) {
        put_values(block, slot->offset, from->values + size * first, size);
        return;
    }
    for (size_t i = 0; i < block->count; i++)
        if (!from->values || !lf_bit_get(from->validity, first + i))
            put_null(block, i, index);
        else
            memcpy(block->rows + i * block->stride + slot->offset,
                   from->values + size * (first + i), size);
}

bool
lf_row_encode_block(const struct lf_layout *layout,
                    const struct lf_fixed_column *sources, size_t first,
                    size_t count, const int64_t *times, struct lf_buffer *rows)
{
    struct block block = {.stride = layout->data_offset, .count = count};

    rows->size = 0;
    block.rows = lf_buffer_extend(rows, block.stride * count);
    if (!block.rows)
        return false;
    put_heads(&block, layout->version, times);
    for (uint32_t i = 0; i < layout->count; i++)
        put_column(&block, i, &layout->slots[i], &sources[i], first);
    return true;
}
