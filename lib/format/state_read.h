/* SPDX-License-Identifier: Apache-2.0 */
/* What a reading is made of; for state_read.c and state_answer.c alone. */
#ifndef LF_FORMAT_STATE_READ_H
#define LF_FORMAT_STATE_READ_H

#include "format/state_parts.h"

#define LF_READ_VARINTS 64 /* states that are read at once */

/* A feature that is asked for. */
struct lf_wanted {
    const struct lf_feature *feature;
    uint32_t of;     /* in plan->features, or LF_TILE_NONE */
    uint32_t stream; /* which of the accumulators */
    uint32_t window; /* which of the windows */
    int64_t from;    /* its tail at t */
    bool is_past;
    bool is_partial;
};

/* Windows that end at the same time share accumulators, from which each is read
 * when its tail is reached. */
struct lf_stream {
    int64_t tumble; /* size of the bucket; 0: it ends at t */
    int64_t to;
    uint32_t count;
    uint32_t *order; /* of what is wanted: the latest tail first */
    uint32_t next;   /* in order: those before are answered */
    bool *is_used;   /* states */
    struct lf_accs accs;
};

struct lf_read {
    struct lf_reading reading;
    const struct lf_tile_plan *plan;
    struct lf_wanted *wanted;
    uint32_t stream_count;
    struct lf_stream *streams;
    uint32_t window_count;
    uint32_t visible_count;           /* of them: those of the plan */
    const struct lf_window **windows; /* different ones */
    int64_t *bounds;                  /* from and to of each */
    struct lf_inputs inputs;
    struct lf_accs measure;
    bool is_fast;         /* states are a varint each */
    size_t *offsets;      /* of the answers in out */
    struct lf_buffer out; /* their bytes */
    bool failed;
};

/* Answers what is wanted from its accumulators. */
void lf_read_answer(struct lf_read *read, uint32_t which);

#endif
