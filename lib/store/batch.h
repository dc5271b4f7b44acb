/* SPDX-License-Identifier: Apache-2.0 */
/* Batches: rows on their way into a view. */
#ifndef LF_STORE_BATCH_H
#define LF_STORE_BATCH_H

#include "format/event.h"
#include "store/input.h"
#include "store/store.h"

#define LF_EVENT_TIMESTAMP "event_timestamp"

struct lf_batch_column {
    const char *name;
    int32_t role;
    uint32_t feature; /* id, of a feature; of an event's column its place */
    bool not_null;
    struct lf_input input;
};

/* What a row of an event is checked against. */
struct lf_batch_keys {
    const char *view;
    uint32_t count;
    uint32_t *columns; /* of the event */
};

struct lf_batch_event {
    struct lf_arena arena;
    uint64_t catalog;      /* its version */
    struct lf_event event; /* without a name */
    struct lf_event_layout layout;
    struct lf_cell *cells; /* room for a row */
    uint32_t key_count;
    struct lf_batch_keys *keys; /* one a view FROM the event */
};

struct feature_batch {
    feature_store *store;
    struct lf_arena arena; /* columns, names */
    bool is_event;         /* EVENT or RETRACT: view is an event instead */
    const char *view_name;
    uint32_t view; /* id */
    int32_t operation;
    uint32_t column_count;
    struct lf_batch_column *columns;
    uint32_t key_count;
    uint32_t *keys;     /* per join key of the entity: its column */
    uint32_t timestamp; /* its column, or UINT32_MAX */
    struct lf_batch_event *of_event; /* of the catalog that wrote it last */
    bool is_written;                 /* outcomes tell of the last write */
    struct lf_buffer outcomes;
    struct lf_buffer refused; /* bit per row: it came with what no column can
                                 hold; may be shorter */
};

/* Columns by name. */
struct lf_column_list {
    uint32_t count;
    const char *const *names;
    const uint32_t *positions; /* bytes in a text, from 1; 0: in none */
};

static inline bool
lf_operation_is_event(int32_t operation)
{
    return operation == FEATURE_EVENT || operation == FEATURE_RETRACT;
}

/* What a batch is made for: columns by name, or in a text, or all. */
struct lf_batch_wanted {
    const char *name; /* of a view, or of an event */
    const char *text;
    const struct lf_column_list *list;
    int32_t operation;
};

/* Fills the columns of a new batch. */
feature_status lf_batch_build(feature_batch *batch,
                              const struct lf_catalog *catalog,
                              const struct lf_batch_wanted *wanted,
                              struct feature_error *error);

/* feature_batch_create() for columns that were found elsewhere than in a text
 * of names. */
feature_status lf_batch_create(feature_store *store, const char *view,
                               const struct lf_column_list *columns,
                               int32_t operation, feature_batch **batch,
                               struct feature_error *error);

/* Rows of the batch; INVALID where a column is missing or of another length. */
feature_status lf_batch_rows(const feature_batch *batch, uint32_t *rows,
                             struct feature_error *error);

/* The columns that can hold something a row must not have; most cannot. */
#define LF_CHECKS_MOST 64

struct lf_checks {
    uint32_t columns[LF_CHECKS_MOST];
    uint32_t count;
    bool all; /* more than these */
};

/* Valid until the batch's columns are set again. */
void lf_batch_find_checks(const feature_batch *batch, struct lf_checks *checks);

/*
 * What is wrong with one row by itself: a null key or timestamp, a null where
 * NOT NULL, text that is not UTF-8, a key over the limit. FEATURE_OK: nothing.
 */
feature_status lf_batch_check_row(const feature_batch *batch, uint32_t row,
                                  const struct lf_checks *checks,
                                  struct feature_error *error);

/* The row's event timestamp; commit_time where the batch has no column. */
int64_t lf_batch_time(const feature_batch *batch, uint32_t row,
                      int64_t commit_time);

/* Whether the key is one INT64 that is there in every row. */
bool lf_batch_has_number_key(const feature_batch *batch);

/* Bytes of the row's encoded key, and the key itself. */
size_t lf_batch_key_size(const feature_batch *batch, uint32_t row);
uint8_t *lf_batch_put_key(const feature_batch *batch, uint32_t row,
                          uint8_t *to);

/* --- of an event -------------------------------------------------------------- */

/* Takes over what a catalog says of the batch's event. */
feature_status lf_batch_bind_event(feature_batch *batch,
                                   const struct lf_catalog *catalog,
                                   const struct lf_event *event,
                                   struct feature_error *error);
void lf_batch_free_event(feature_batch *batch);

/* The cells of a row, one a column of the event. Those of columns that the batch
 * has not are left alone: they begin as null. */
void lf_batch_take_event(const feature_batch *batch, uint32_t row,
                         struct lf_cell *cells);

/* Its keys, its id, its size; what is wrong with single cells is checked
 * before. */
feature_status lf_batch_check_event(const feature_batch *batch, uint32_t row,
                                    struct feature_error *error);

/* INVALID `row-size`, at a row of a batch. */
feature_status lf_batch_fail_row_size(const feature_batch *batch, uint32_t row,
                                      struct feature_error *error);

#endif
