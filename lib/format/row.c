/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One row of a feature view, to bytes and back.
 *
 * Owns the row layout: no other file knows where a value lies.
 * Keeps decode(encode(row)) equal to row, the same cells the same bytes, and
 * calls bytes damaged whose cells would not lie within them.
 * Never reads a clock, or looks past the size it was given.
 *
 * 0        4         6       8                 16
 * | crc32c | version | flags | event timestamp | null bitmap | fixed | ends ...
 *                                   ... | variable bytes | cell times, if flagged
 *
 * Cell times: u16 count k >= 2 | k x i64, newest first | per slot its rank, u8
 * (u16 where k > 256).
 */
#include "format/row.h"

#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "base/crc32c.h"

#define KIND_ROWS    'r'
#define BYTE_RANKS   256 /* more distinct times need two bytes a rank */
#define PICKED_TIMES 8   /* more are sorted */

uint32_t
lf_row_seed(uint32_t view)
{
    uint8_t head[9] = {KIND_ROWS};

    lf_store_u64(head + 1, view);
    return lf_crc32c(0, head, sizeof head);
}

uint32_t
lf_row_checksum(uint32_t seed, const void *key, size_t key_size,
                const uint8_t *row, size_t size)
{
    return lf_crc32c(lf_crc32c(seed, key, key_size), row + 4, size - 4);
}

struct lf_hash128
lf_row_hash(uint32_t view, const void *key, size_t key_size, const uint8_t *row,
            size_t size)
{
    struct lf_hash128 seed = lf_hash128(view, key, key_size);

    return lf_hash128(seed.low, row + 4, size - 4);
}

static uint32_t
rank(const struct lf_row *row, uint32_t slot)
{
    if (row->time_count > BYTE_RANKS)
        return lf_load_u16(row->ranks + 2 * (size_t)slot);
    return row->ranks[slot];
}

static void
take_times(struct lf_row *row, uint32_t at)
{
    row->time_count = lf_load_u16(row->bytes + at);
    row->times = row->bytes + at + 2;
    row->ranks = row->times + 8 * (size_t)row->time_count;
}

void
lf_row_find_times(struct lf_row *row, const struct lf_layout *layout)
{
    uint32_t at = layout->data_offset;

    if (!(row->flags & LF_ROW_CELL_TIMES))
        return;
    if (layout->variable_count)
        at += lf_load_u32(row->bytes + layout->data_offset - 4);
    take_times(row, at);
}

/* The times block ends the row: its size has to fit exactly, times have to
 * fall, and every rank has to name one. */
static bool
check_times(struct lf_row *row, const struct lf_layout *layout, uint32_t at)
{
    size_t count, width;

    if (row->size - at < 2)
        return false;
    count = lf_load_u16(row->bytes + at);
    width = count > BYTE_RANKS ? 2 : 1;
    if (count < 2 || count > layout->count ||
        row->size - at != 2 + 8 * count + width * layout->count)
        return false;
    take_times(row, at);
    if (lf_load_i64(row->times) != row->timestamp)
        return false;
    for (size_t i = 1; i < count; i++)
        if (lf_load_i64(row->times + 8 * i) >=
            lf_load_i64(row->times + 8 * (i - 1)))
            return false;
    for (uint32_t i = 0; i < layout->count; i++)
        if (rank(row, i) >= count)
            return false;
    return true;
}

static bool
check_variable(const struct lf_row *row, const struct lf_layout *layout,
               uint32_t slot, uint32_t begin, uint32_t end)
{
    struct lf_type type = layout->slots[slot].type;
    const uint8_t *bytes = row->bytes + layout->data_offset + begin;

    if (lf_row_is_null(row, slot))
        return begin == end;
    if (!type.is_list)
        return true;
    if (type.code == FEATURE_TYPE_STRING)
        return lf_type_is_string_list(bytes, end - begin);
    return (end - begin) % lf_type_element_size(type.code) == 0;
}

/* Finds the end of the variable bytes, checking each on the way. */
static bool
check_ends(const struct lf_row *row, const struct lf_layout *layout,
           uint32_t *total)
{
    uint32_t room = row->size - layout->data_offset, begin = 0;

    for (uint32_t i = layout->count - layout->variable_count; i < layout->count;
         i++) {
        uint32_t end = lf_load_u32(row->bytes + layout->ends_offset +
                                   4 * (size_t)layout->slots[i].offset);

        if (end < begin || end > room ||
            !check_variable(row, layout, i, begin, end))
            return false;
        begin = end;
    }
    *total = begin;
    return true;
}

bool
lf_row_check(struct lf_row *row, const struct lf_layout *layout)
{
    uint32_t total;

    if (row->flags & LF_ROW_TOMBSTONE)
        return true;
    if (row->flags & LF_ROW_WINDOW)
        return false;
    if (row->size < layout->data_offset || !check_ends(row, layout, &total))
        return false;
    if (row->flags & LF_ROW_CELL_TIMES)
        return check_times(row, layout, layout->data_offset + total);
    return row->size == layout->data_offset + total;
}

int64_t
lf_row_time(const struct lf_row *row, uint32_t slot)
{
    if (!row->times)
        return row->timestamp;
    return lf_load_i64(row->times + 8 * (size_t)rank(row, slot));
}

struct lf_cell
lf_row_cell(const struct lf_row *row, const struct lf_layout *layout,
            uint32_t slot)
{
    const struct lf_slot *at = &layout->slots[slot];
    struct lf_cell cell = {.is_null = lf_row_is_null(row, slot),
                           .time = lf_row_time(row, slot)};
    const uint8_t *ends = row->bytes + layout->ends_offset;
    uint32_t begin;

    if (cell.is_null)
        return cell;
    if (at->size) {
        cell.bytes = row->bytes + at->offset;
        cell.size = at->size;
        return cell;
    }
    begin = at->offset ? lf_load_u32(ends + 4 * (size_t)(at->offset - 1)) : 0;
    cell.bytes = row->bytes + layout->data_offset + begin;
    cell.size = lf_load_u32(ends + 4 * (size_t)at->offset) - begin;
    return cell;
}

static bool
times_differ(const struct lf_layout *layout, const struct lf_cell *cells)
{
    for (uint32_t i = 1; i < layout->count; i++)
        if (cells[i].time != cells[0].time)
            return true;
    return false;
}

static int64_t
newest_time(const struct lf_layout *layout, const struct lf_cell *cells)
{
    int64_t newest = cells[0].time;

    for (uint32_t i = 1; i < layout->count; i++)
        if (cells[i].time > newest)
            newest = cells[i].time;
    return newest;
}

static int
compare_newer(const void *left, const void *right)
{
    int64_t a = lf_load_i64(left), b = lf_load_i64(right);

    return a > b ? -1 : a < b;
}

static uint32_t
sort_times(const struct lf_layout *layout, const struct lf_cell *cells,
           int64_t *times)
{
    uint32_t count = 1;

    for (uint32_t i = 0; i < layout->count; i++)
        times[i] = cells[i].time;
    qsort(times, layout->count, sizeof *times, compare_newer);
    for (uint32_t i = 1; i < layout->count; i++)
        if (times[i] != times[count - 1])
            times[count++] = times[i];
    return count;
}

/* The newest time of the cells before one; false: there is none. */
static bool
next_time(const struct lf_layout *layout, const struct lf_cell *cells,
          int64_t before, int64_t *time)
{
    bool found = false;

    for (uint32_t i = 0; i < layout->count; i++)
        if (cells[i].time < before && (!found || cells[i].time > *time)) {
            *time = cells[i].time;
            found = true;
        }
    return found;
}

/* The distinct times of the cells, newest first. Rows rarely hold more than two
 * or three, which are picked faster than sorted. */
static uint32_t
distinct_times(const struct lf_layout *layout, const struct lf_cell *cells,
               int64_t times[LF_FEATURES_MAX])
{
    int64_t time = newest_time(layout, cells);
    uint32_t count = 0;

    do {
        if (count == PICKED_TIMES)
            return sort_times(layout, cells, times);
        times[count++] = time;
    } while (next_time(layout, cells, time, &time));
    return count;
}

static uint64_t
values_size(const struct lf_layout *layout, const struct lf_cell *cells)
{
    uint64_t size = layout->data_offset;

    for (uint32_t i = layout->count - layout->variable_count; i < layout->count;
         i++)
        size += cells[i].is_null ? 0 : cells[i].size;
    return size;
}

static size_t
limit_size(uint64_t size)
{
    return size > LF_ROW_SIZE_LIMIT ? SIZE_MAX : (size_t)size;
}

size_t
lf_row_size_at(const struct lf_layout *layout, const struct lf_cell *cells)
{
    return limit_size(values_size(layout, cells));
}

size_t
lf_row_size(const struct lf_layout *layout, const struct lf_cell *cells)
{
    uint64_t size = values_size(layout, cells);

    if (times_differ(layout, cells)) {
        int64_t times[LF_FEATURES_MAX];
        uint32_t count = distinct_times(layout, cells, times);

        size += 2 + 8 * (uint64_t)count +
                (count > BYTE_RANKS ? 2 : 1) * (uint64_t)layout->count;
    }
    return limit_size(size);
}

static bool
encode_times(const struct lf_layout *layout, const struct lf_cell *cells,
             struct lf_buffer *row)
{
    int64_t times[LF_FEATURES_MAX];
    uint32_t count = distinct_times(layout, cells, times);
    size_t width = count > BYTE_RANKS ? 2 : 1;
    uint8_t *to =
        lf_buffer_extend(row, 2 + 8 * (size_t)count + width * layout->count);

    if (!to)
        return false;
    lf_store_u16(to, (uint16_t)count);
    memcpy(to + 2, times, 8 * (size_t)count);
    to += 2 + 8 * (size_t)count;
    for (uint32_t i = 0; i < layout->count; i++) {
        uint16_t at = 0;

        while (times[at] != cells[i].time)
            at++;
        memcpy(to + width * i, &at, width);
    }
    return true;
}

static void
encode_header(uint8_t *to, uint16_t version, uint16_t flags, int64_t time)
{
    lf_store_u32(to, 0);
    lf_store_u16(to + 4, version);
    lf_store_u16(to + 6, flags);
    lf_store_i64(to + 8, time);
}

/* Most cells have one of three sizes: these are moves, not calls. */
static inline void
copy_cell(uint8_t *to, const uint8_t *from, uint32_t size)
{
    if (size == 8)
        memcpy(to, from, 8);
    else if (size == 4)
        memcpy(to, from, 4);
    else if (size == 1)
        *to = *from;
    else
        memcpy(to, from, size);
}

/* Nulls, fixed values and ends; nulls stay zero below. */
static void
encode_fixed(const struct lf_layout *layout, const struct lf_cell *cells,
             uint8_t *to)
{
    uint32_t end = 0;

    memset(to + LF_ROW_HEADER_SIZE, 0,
           layout->data_offset - LF_ROW_HEADER_SIZE);
    for (uint32_t i = 0; i < layout->count; i++) {
        const struct lf_slot *slot = &layout->slots[i];

        if (cells[i].is_null)
            lf_bit_set(to + LF_ROW_HEADER_SIZE, i);
        else if (slot->size)
            copy_cell(to + slot->offset, cells[i].bytes, slot->size);
        else
            end += cells[i].size;
        if (!slot->size)
            lf_store_u32(to + layout->ends_offset + 4 * (size_t)slot->offset,
                         end);
    }
}

/* All but the times block. */
static bool
encode_values(const struct lf_layout *layout, const struct lf_cell *cells,
              uint16_t flags, int64_t time, struct lf_buffer *row)
{
    uint8_t *to;

    row->size = 0;
    to = lf_buffer_extend(row, layout->data_offset);
    if (!to)
        return false;
    encode_header(to, layout->version, flags, time);
    encode_fixed(layout, cells, to);
    for (uint32_t i = layout->count - layout->variable_count; i < layout->count;
         i++)
        if (!cells[i].is_null &&
            !lf_buffer_append(row, cells[i].bytes, cells[i].size))
            return false;
    return true;
}

bool
lf_row_encode_at(const struct lf_layout *layout, const struct lf_cell *cells,
                 int64_t time, struct lf_buffer *row)
{
    return encode_values(layout, cells, 0, time, row);
}

bool
lf_row_encode(const struct lf_layout *layout, const struct lf_cell *cells,
              struct lf_buffer *row)
{
    bool differ = times_differ(layout, cells);

    return encode_values(layout, cells, differ ? LF_ROW_CELL_TIMES : 0,
                         newest_time(layout, cells), row) &&
           (!differ || encode_times(layout, cells, row));
}

bool
lf_row_encode_columns(const struct lf_layout *layout,
                      const struct lf_fixed_column *sources, size_t index,
                      int64_t time, struct lf_buffer *row)
{
    uint8_t *to;

    row->size = 0;
    to = lf_buffer_extend(row, layout->data_offset);
    if (!to)
        return false;
    encode_header(to, layout->version, 0, time);
    memset(to + LF_ROW_HEADER_SIZE, 0,
           layout->data_offset - LF_ROW_HEADER_SIZE);
    for (uint32_t i = 0; i < layout->count; i++) {
        const struct lf_slot *slot = &layout->slots[i];
        const struct lf_fixed_column *from = &sources[i];

        if (!from->values ||
            (from->validity && !lf_bit_get(from->validity, (uint32_t)index)))
            lf_bit_set(to + LF_ROW_HEADER_SIZE, i);
        else
            copy_cell(to + slot->offset, from->values + slot->size * index,
                      slot->size);
    }
    return true;
}

bool
lf_row_encode_tombstone(uint16_t version, int64_t time, struct lf_buffer *row)
{
    uint8_t *to;

    row->size = 0;
    to = lf_buffer_extend(row, LF_ROW_HEADER_SIZE);
    if (to)
        encode_header(to, version, LF_ROW_TOMBSTONE, time);
    return to != NULL;
}

void
lf_row_seal(uint32_t seed, const void *key, size_t key_size,
            struct lf_buffer *row)
{
    lf_store_u32(row->data,
                 lf_row_checksum(seed, key, key_size, row->data, row->size));
}
