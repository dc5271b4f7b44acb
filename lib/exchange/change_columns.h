/* SPDX-License-Identifier: Apache-2.0 */
/* The changes of a view as columns to export. */
#ifndef LF_EXCHANGE_CHANGE_COLUMNS_H
#define LF_EXCHANGE_CHANGE_COLUMNS_H

#include "exchange/out.h"
#include "store/change_rows.h"

struct lf_change_columns {
    struct lf_change_rows *rows; /* borrowed */
    struct lf_arena arena;       /* of fields, columns and names */
    struct lf_out_field *fields;
    struct lf_out_column *columns;
    uint32_t count;
    /* What a change says besides its rows, a chunk at a time. */
    struct lf_buffer names, name_ends, late, late_known, timed;
    struct lf_buffer sequences, ordinals, commit_times, times, times_before;
    struct lf_buffer timed_before;
};

/* The fields, of which the columns come later. */
feature_status lf_change_columns_begin(struct lf_change_columns *columns,
                                       struct lf_change_rows *rows,
                                       struct feature_error *error);

/* The columns of the chunk that was read last; they borrow from it. */
feature_status lf_change_columns_take(struct lf_change_columns *columns,
                                      struct feature_error *error);

void lf_change_columns_end(struct lf_change_columns *columns);

#endif
