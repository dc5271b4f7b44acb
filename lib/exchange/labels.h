/* SPDX-License-Identifier: Apache-2.0 */
/* The labels of a join: a stream of keys, times and anything else. */
#ifndef LF_EXCHANGE_LABELS_H
#define LF_EXCHANGE_LABELS_H

#include "exchange/import.h"
#include "exchange/mirror.h"
#include "store/request.h"

/* Rows of one record batch that are asked for together. */
struct lf_label_piece {
    struct lf_held_array *from;
    uint32_t record_batch; /* its index in the stream */
    size_t first;          /* row of it */
    uint32_t count;
};

struct lf_labels {
    struct ArrowArrayStream stream;
    bool is_over; /* it ended or failed: it is asked for nothing more */
    struct lf_held_schema *schema;
    struct lf_arena arena;        /* of the columns that are read */
    struct feature_batch columns; /* join keys, then the time */
    struct lf_intake intake;
    int64_t *children;        /* per column: which of the stream */
    uint32_t next;            /* index of the next record batch */
    struct lf_buffer waiting; /* struct lf_label_piece, to be taken */
    struct lf_buffer taken;   /* the same, in the intake */
};

/* Takes the stream's schema and finds the keys of the query in it, and the time
 * by its name. The stream is moved here, whatever the answer. */
feature_status lf_labels_open(struct lf_labels *labels,
                              struct ArrowArrayStream *stream,
                              const feature_query *query, const char *time,
                              struct feature_error *error);

/* Takes limit rows at most, and a bounded number of record batches; none at the
 * end of the stream. After a failure nothing is taken. */
feature_status lf_labels_take(struct lf_labels *labels, uint32_t limit,
                              struct feature_error *error);

/* Sets what was taken as keys and times of a request of the query. */
void lf_labels_set(struct lf_labels *labels, feature_request *request);

/* Puts what was taken back before what waits. */
feature_status lf_labels_untake(struct lf_labels *labels,
                                struct feature_error *error);

/* The error of a row of the request, as one of the stream. */
void lf_labels_place(const struct lf_labels *labels,
                     struct feature_error *error);

/* Rows that were just appended: texts have to be UTF-8, times there, and whole
 * microseconds. */
feature_status lf_label_check_texts(const struct lf_intake *intake,
                                    uint32_t column, uint32_t row,
                                    uint32_t count,
                                    struct feature_error *error);
feature_status lf_label_check_times(const struct lf_intake *intake,
                                    uint32_t column, uint32_t row,
                                    uint32_t count,
                                    struct feature_error *error);

void lf_labels_close(struct lf_labels *labels);

static inline uint32_t
lf_labels_pieces(const struct lf_labels *labels)
{
    return (uint32_t)(labels->taken.size / sizeof(struct lf_label_piece));
}

static inline struct lf_label_piece *
lf_labels_piece(const struct lf_labels *labels, uint32_t index)
{
    return (struct lf_label_piece *)labels->taken.data + index;
}

#endif
