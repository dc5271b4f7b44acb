/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of a feature view, to bytes and back. See docs/format.md. */
#ifndef LF_FORMAT_ROW_H
#define LF_FORMAT_ROW_H

#include "base/buffer.h"
#include "base/bytes.h"
#include "base/hash.h"
#include "model/catalog.h"

#define LF_ROW_HEADER_SIZE  16
#define LF_ROW_SIZE_DEFAULT (1u << 20)
#define LF_ROW_SIZE_LIMIT   (64u << 20)
#define LF_TIME_UNSET       INT64_MIN /* of a cell that was never written */
#define LF_NO_SLOT          UINT32_MAX

enum lf_row_flag {
    LF_ROW_TOMBSTONE = 1,
    LF_ROW_WINDOW = 2, /* behind the header: window state (format/state.h) */
    LF_ROW_CELL_TIMES = 8,
    LF_ROW_KNOWN_FLAGS = LF_ROW_TOMBSTONE | LF_ROW_WINDOW | LF_ROW_CELL_TIMES
};

/* Where one feature lies in the rows of one schema version. The index of a slot
 * is its null bit. */
struct lf_slot {
    uint32_t feature; /* id */
    struct lf_type type;
    uint32_t size;   /* bytes in the fixed area; 0: variable */
    uint32_t offset; /* fixed: from the start of the row; variable: index */
};

/* The layout of one schema version. */
struct lf_layout {
    uint16_t version;
    uint32_t count;          /* of slots */
    uint32_t variable_count; /* of them */
    uint32_t ends_offset;    /* of the u32 ends of variable values */
    uint32_t data_offset;    /* of their bytes */
    struct lf_slot *slots;
};

/* False: no memory. The slots lie in arena. */
bool lf_layout_init(struct lf_layout *layout, const struct lf_schema *schema,
                    struct lf_arena *arena);

/* The slot of a feature, or LF_NO_SLOT. */
uint32_t lf_layout_slot(const struct lf_layout *layout, uint32_t feature);

/* One value with the time it was written at. A null cell has no bytes. */
struct lf_cell {
    const uint8_t *bytes;
    uint32_t size;
    bool is_null;
    int64_t time;
};

/* What a row is checked against besides its own bytes: begin with the view,
 * then the key. */
uint32_t lf_row_seed(uint32_t view);
uint32_t lf_row_checksum(uint32_t seed, const void *key, size_t key_size,
                         const uint8_t *row, size_t size);

/* The term a row adds to its view's content hash. */
struct lf_hash128 lf_row_hash(uint32_t view, const void *key, size_t key_size,
                              const uint8_t *row, size_t size);

/* A stored row, opened: pointers into its bytes. */
struct lf_row {
    const uint8_t *bytes;
    uint32_t size;
    uint16_t version;
    uint16_t flags;
    int64_t timestamp;    /* newest of the cell times */
    const uint8_t *times; /* distinct cell times, newest first; or NULL */
    const uint8_t *ranks; /* per slot, which of them */
    uint32_t time_count;
};

/* Opens a row's header; false: too short, or unknown flags. The layout of
 * row->version is needed to go on, save for a tombstone. */
static inline bool
lf_row_open(struct lf_row *row, const uint8_t *bytes, size_t size)
{
    if (size < LF_ROW_HEADER_SIZE || size > LF_ROW_SIZE_LIMIT)
        return false;
    row->bytes = bytes;
    row->size = (uint32_t)size;
    row->version = lf_load_u16(bytes + 4);
    row->flags = lf_load_u16(bytes + 6);
    row->timestamp = lf_load_i64(bytes + 8);
    row->times = NULL;
    row->ranks = NULL;
    row->time_count = 0;
    if (row->flags & LF_ROW_TOMBSTONE)
        return row->flags == LF_ROW_TOMBSTONE && size == LF_ROW_HEADER_SIZE;
    if (row->flags & LF_ROW_WINDOW)
        return row->flags == LF_ROW_WINDOW;
    return !(row->flags & ~LF_ROW_KNOWN_FLAGS);
}

/* Checks every size and offset of the row against its layout and finds the cell
 * times. Afterwards the accessors are safe. Window state has no layout: false. */
bool lf_row_check(struct lf_row *row, const struct lf_layout *layout);

/* Finds the cell times of a row that lf_row_check accepted before. */
void lf_row_find_times(struct lf_row *row, const struct lf_layout *layout);

static inline bool
lf_row_is_null(const struct lf_row *row, uint32_t slot)
{
    return row->bytes[LF_ROW_HEADER_SIZE + slot / 8] >> (slot & 7) & 1;
}

int64_t lf_row_time(const struct lf_row *row, uint32_t slot);

/* One cell of a checked row that is not a tombstone. */
struct lf_cell lf_row_cell(const struct lf_row *row,
                           const struct lf_layout *layout, uint32_t slot);

/* Bytes that lf_row_encode would write; SIZE_MAX: over the limit of the
 * format. */
size_t lf_row_size(const struct lf_layout *layout, const struct lf_cell *cells);

/* Encodes a row of cells, one a slot, with zeros for its checksum. False: no
 * memory. */
bool lf_row_encode(const struct lf_layout *layout, const struct lf_cell *cells,
                   struct lf_buffer *row);

/* The same for a row whose cells were all written at one time; theirs is not
 * looked at. */
size_t lf_row_size_at(const struct lf_layout *layout,
                      const struct lf_cell *cells);
bool lf_row_encode_at(const struct lf_layout *layout,
                      const struct lf_cell *cells, int64_t time,
                      struct lf_buffer *row);

/* A column of a slot's fixed values, side by side. NULL: the slot is null. */
struct lf_fixed_column {
    const uint8_t *values;
    const uint8_t *validity; /* bits; NULL: no value is null */
};

/* The same for a layout without variable slots, from place index of a source a
 * slot. */
bool lf_row_encode_columns(const struct lf_layout *layout,
                           const struct lf_fixed_column *sources, size_t index,
                           int64_t time, struct lf_buffer *row);

/* Rows [first, first + count) of the same, one behind the other, each of the
 * layout's data_offset bytes; times are theirs, from the first of them on. */
bool lf_row_encode_block(const struct lf_layout *layout,
                         const struct lf_fixed_column *sources, size_t first,
                         size_t count, const int64_t *times,
                         struct lf_buffer *rows);

bool lf_row_encode_tombstone(uint16_t version, int64_t time,
                             struct lf_buffer *row);

/* Writes the checksum into an encoded row. */
void lf_row_seal(uint32_t seed, const void *key, size_t key_size,
                 struct lf_buffer *row);

#endif
