/* SPDX-License-Identifier: Apache-2.0 */
/* Events that a request counts without storing them. */
#ifndef LF_STORE_SCORED_H
#define LF_STORE_SCORED_H

#include "engine/engine.h"
#include "format/state.h"

struct feature_request;

struct lf_scored {
    uint32_t event; /* id */
    uint32_t rows;  /* 0: none were set; 1 stands for all rows */
    uint32_t columns;
    bool has_times;         /* else each is at the request's clock */
    struct lf_buffer times; /* i64 */
    struct lf_buffer cells; /* struct lf_cell, rows x columns */
    struct lf_buffer bytes; /* of them */
    struct lf_buffer key;
    struct lf_buffer known; /* bool per row, or empty: no id was seen */
};

/*
 * The t at which a view FROM an event is read for a row, and the event that it
 * counts besides those stored: NULL where there is none of the row's key. job
 * is the row's.
 */
const struct lf_tile_event *lf_scored_event(struct feature_request *request,
                                            uint32_t view, uint32_t row,
                                            const struct lf_job *job,
                                            struct lf_tile_event *event,
                                            int64_t *t);

/* Finds out which of the events are stored already, and makes room for what
 * lf_scored_event takes: before the first call of a read. */
feature_status lf_scored_begin(struct feature_request *request,
                               struct lf_reader *reader,
                               struct feature_error *error);

void lf_scored_free(struct lf_scored *scored);

#endif
