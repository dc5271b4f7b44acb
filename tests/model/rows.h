/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of a view: last-writer-wins cells. */
#ifndef MODEL_ROWS_H
#define MODEL_ROWS_H

#include "catalog.h"

#define BUCKETS 64

/* A ghost is the cell of a feature dropped since the row was last written: its
 * time still counts for the row, its value is gone. */
struct cell {
    uint32_t feature; /* id */
    bool is_ghost;
    int64_t time; /* TIME_UNSET: nobody wrote it */
    struct value value;
};

/* Never changes once it is in an entry. */
struct row {
    bool is_tombstone;
    int64_t deleted; /* a tombstone's time */
    uint32_t count;
    struct cell *cells;
};

/* What was asked of a row of a view with history, in the order of the calls. */
struct version {
    const struct version *before; /* the one asked before it */
    bool is_base;                 /* the row when history began */
    int64_t time;
    int64_t commit_time;
    uint32_t next_feature; /* of the view then */
    const struct row *row; /* with TIME_UNSET where it says nothing */
};

struct rows_entry {
    struct rows_entry *next;
    uint32_t key_size;
    const uint8_t *key;
    const struct row *row;      /* NULL: none */
    const struct version *past; /* NULL: none is kept */
};

struct rows {
    struct rows_entry *buckets[BUCKETS];
    uint64_t applied;
    uint64_t late;
};

/* A write of one row, and what it brings for each feature of the view. */
struct row_write {
    int32_t operation;
    int64_t time;
    const struct view *view;
    const struct value *values;
    const bool *has; /* which of them the batch has */
    enum plant plant;
};

struct rows *rows_create(struct arena *arena);

/* One join key after the other: its size as u32, its bytes. */
void key_add(struct text *key, struct value part);

/* NULL: never written. */
struct rows_entry *rows_find(const struct rows *rows, const uint8_t *key,
                             uint32_t size);
struct rows_entry *rows_entry(struct arena *arena, struct rows *rows,
                              const uint8_t *key, uint32_t size);

/* The row that a write makes of another (or of NULL); NULL: no cell was
 * written. */
const struct row *row_write(struct arena *arena, const struct row *old,
                            const struct row_write *write);

/* The cell of a feature; unset where there is none. */
struct cell row_cell(const struct row *row, uint32_t feature);

/* The newest time of a cell, or the newest that is not after a time;
 * TIME_UNSET: none. */
int64_t row_newest(const struct row *row);
int64_t row_newest_until(const struct row *row, int64_t time);

/* Adds what a write asks for to what was asked before. */
const struct version *past_add(struct arena *arena,
                               const struct rows_entry *entry,
                               const struct row_write *write,
                               int64_t commit_time);

/* Whether a row was there before its view kept history. */
bool past_has_base(const struct rows_entry *entry);

/* Whether versions hold cells of features that were dropped since. */
bool past_has_ghosts(const struct version *past);

/* The row as of a time, by what was committed until known_by (0: all); NULL:
 * there was none. */
const struct row *past_row(struct arena *arena, const struct version *past,
                           int64_t time, int64_t known_by,
                           const struct view *view, enum plant plant);

/* Rows and tombstones. */
void rows_count(const struct rows *rows, uint64_t *live, uint64_t *tombstones);

/* Takes rows from one definition of their view to the next. */
void rows_follow(struct arena *arena, struct view *before, struct view *after,
                 enum plant plant);

#endif
