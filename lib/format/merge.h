/* SPDX-License-Identifier: Apache-2.0 */
/* What a write does to a row: last-writer-wins, cell by cell. */
#ifndef LF_FORMAT_MERGE_H
#define LF_FORMAT_MERGE_H

#include "format/row.h"

/* How the rows of an older layout turn into cells of the current one. */
struct lf_migration {
    struct lf_layout from;
    uint32_t *slots; /* per current slot: the old one, or LF_NO_SLOT */
};

/* False: no memory. Everything lies in arena. */
bool lf_migration_init(struct lf_migration *migration,
                       const struct lf_schema *schema,
                       const struct lf_layout *current, struct lf_arena *arena);

/*
 * Widens the stored bytes of a value (any shape) from one type to another, into
 * to, which is emptied. Equal types are copied. False: no memory, or types that
 * do not widen.
 */
bool lf_widen(struct lf_type from, struct lf_type to, const uint8_t *bytes,
              size_t size, struct lf_buffer *out);

/* The row under way: the cells of the current layout. */
struct lf_merge {
    const struct lf_layout *layout;
    struct lf_cell *cells; /* layout->count */
    bool exists;           /* there is a row or a tombstone */
    bool is_tombstone;
    struct lf_arena scratch; /* widened values */
};

/* Begins with no row. */
void lf_merge_init(struct lf_merge *merge, const struct lf_layout *layout,
                   struct lf_cell *cells);
void lf_merge_clear(struct lf_merge *merge);
void lf_merge_free(struct lf_merge *merge);

/* Begins with a stored row, checked against migration->from. Its bytes have to
 * stay until the merge is encoded. False: no memory. */
bool lf_merge_load(struct lf_merge *merge, const struct lf_row *row,
                   const struct lf_migration *migration);

/*
 * Applies one write at one time. cells holds one cell a slot (times ignored);
 * own, where not NULL, tells which slots a PATCH names. Both are unused for a
 * DELETE. Returns whether a cell was written; false is a late write.
 */
bool lf_merge_write(struct lf_merge *merge, int32_t operation, int64_t time,
                    const struct lf_cell *cells, const bool *own);

/*
 * Applies a write in the form of a row, checked against migration->from: each
 * of its cells with its own time, those with LF_TIME_UNSET not at all; a
 * tombstone is a DELETE. Its bytes have to stay as those of lf_merge_load.
 * changed: what the row under way says is another thing now. False: no memory.
 */
bool lf_merge_row(struct lf_merge *merge, const struct lf_row *row,
                  const struct lf_migration *migration, bool *changed);

/* Encodes the result, unsealed. False: no memory. */
bool lf_merge_encode(const struct lf_merge *merge, struct lf_buffer *row);

#endif
