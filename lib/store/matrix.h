/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of a matrix: what is decided once per schema version. */
#ifndef LF_STORE_MATRIX_H
#define LF_STORE_MATRIX_H

#include "format/row.h"

struct lf_view_plan;
struct lf_row_plan;
struct lf_plan;

/* What becomes of a stored element on its way to a float. */
enum lf_cast {
    LF_CAST_FLOAT64,
    LF_CAST_INT64,
    LF_CAST_AGE, /* of a TIMESTAMP, in seconds */
    LF_CAST_FLOAT32,
    LF_CAST_INT32,
    LF_CAST_BOOL,
    LF_CASTS
};

/* Elements side by side: from a byte of the row to a float of the matrix row. */
struct lf_move {
    uint32_t from;
    uint32_t to;
    uint32_t count;
};

/* The way of plain rows of one schema version into a matrix. */
struct lf_matrix_plan {
    struct lf_move *moves;   /* those of one cast side by side */
    uint32_t ends[LF_CASTS]; /* where those of a cast end */
    uint32_t *absent;        /* columns that the version lacks */
    uint32_t absent_count;
    uint32_t words;    /* of the null bitmap */
    uint64_t *asked;   /* null bits of the view's columns */
    uint32_t *by_slot; /* columns, in order of their slots */
    uint32_t *first;   /* per slot, and one more: index into by_slot */
};

/* Plans the matrix rows of a schema version whose cells are planned. */
feature_status lf_matrix_plan(struct lf_plan *plan,
                              const struct lf_view_plan *view,
                              struct lf_row_plan *rows,
                              struct feature_error *error);

/* The age of a TIMESTAMP at a time, in seconds. */
float lf_matrix_age(int64_t at, int64_t timestamp);

#endif
