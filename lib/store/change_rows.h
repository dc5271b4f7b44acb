/* SPDX-License-Identifier: Apache-2.0 */
/* The changes of one view, or of an event, as rows of columns, a chunk at a
 * time. */
#ifndef LF_STORE_CHANGE_ROWS_H
#define LF_STORE_CHANGE_ROWS_H

#include "store/changes.h"
#include "store/request.h"

/* What a change says besides its key and its rows. */
struct lf_change_taken {
    uint64_t sequence;
    uint64_t ordinal; /* in its commit, changes of other views too */
    int64_t commit_time;
    int64_t time; /* of the event; LF_TIME_UNSET: it has none */
    int32_t operation;
    int8_t late; /* 1, 0, or -1: it cannot be told */
    uint32_t key_size, after_size, before_size; /* 0: there is none */
    size_t key, after, before;                  /* where, in the bytes */
};

struct lf_change_rows {
    uint32_t event; /* id of what is asked for; 0: it is a view */
    feature_query *query;
    feature_request *after;  /* rows as they were written */
    feature_request *before; /* and before that; NULL: not asked for */
    struct lf_answer keys[LF_KEYS_MAX];
    struct lf_answer written; /* STRING[]: the features a PATCH names */
    struct lf_buffer taken;   /* lf_change_taken, a row each */
    uint32_t rows;            /* of the chunk */

    feature_changes *changes;
    struct feature_change_record record; /* under way; no bytes: none is */
    size_t part;                         /* its part under way: where */
    uint32_t index;                      /* the next change in that */
    uint64_t ordinal;                    /* and in the record */
    uint64_t skip; /* changes of the record that were served before */
    uint64_t next; /* sequence of the record under way, or to come */
    uint64_t until;
    uint32_t chunk_rows;
    size_t row_bytes; /* of a row in a chunk, besides what is stored of it */
    size_t gathered;  /* bytes of the chunk so far */
    struct lf_buffer bytes; /* of keys and rows */
    struct lf_buffer scratch;
};

/* Options are whole: of our struct_size. */
feature_status lf_change_rows_create(
    feature_store *store, const char *features,
    const struct feature_changes_arrow_options *options,
    struct lf_change_rows **rows, struct feature_error *error);

/* Reads the next chunk; rows is 0 at the end. A failure leaves all where it
 * was. */
feature_status lf_change_rows_next(struct lf_change_rows *rows,
                                   struct feature_error *error);

void lf_change_rows_free(struct lf_change_rows *rows); /* NULL is fine */

/* The next change of the view into the chunk under way (change_row.c). */
feature_status lf_change_rows_take(struct lf_change_rows *rows,
                                   const struct lf_change *change,
                                   struct feature_error *error);

static inline const struct lf_change_taken *
lf_change_rows_taken(const struct lf_change_rows *rows)
{
    return (const struct lf_change_taken *)rows->taken.data;
}

#endif
