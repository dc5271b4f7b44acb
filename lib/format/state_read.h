/* SPDX-License-Identifier: Apache-2.0 */
/* What a reading is made of; for state_read.c and state_answer.c alone. */
#ifndef LF_FORMAT_STATE_READ_H
#define LF_FORMAT_STATE_READ_H

#include "format/state_parts.h"

/* A feature that is asked for. */
struct lf_wanted {
    const struct lf_feature *feature;
    uint32_t of;              /* in plan->features, or LF_TILE_NONE */
    uint32_t stream;          /* which of the accumulators */
    uint32_t window;          /* which of the windows */
    int64_t from;             /* its tail at t */
    const struct lf_acc *acc; /* of a number that is read as it is, or NULL */
    const struct lf_acc *counted; /* that many are in it; NULL: a COUNT */
    uint32_t size;                /* of the number */
    bool is_past;
    bool is_partial;
};

/* Where a state is folded into; NULL: no feature needs it. */
struct lf_step {
    struct lf_acc *acc;
    enum lf_acc_op op;
};

/* Windows that end at the same time share accumulators, from which each is read
 * when its tail is reached. */
struct lf_stream {
    int64_t tumble; /* size of the bucket; 0: it ends at t */
    int64_t to;
    uint32_t count;
    uint32_t *order; /* of what is wanted: the latest tail first */
    uint32_t next;   /* in order: those before are answered */
    int64_t from;    /* the tail of the next; INT64_MIN where there is none */
    struct lf_step *steps; /* one a state */
    struct lf_accs accs;
};

#define LF_RUN        64
#define LF_RUN_INPUTS 4
#define LF_RUN_ROOM   48 /* bytes behind an entry that may be read */
#define LF_RUN_TAIL   64
#define LF_RUN_STATES 16

/* Single events that are folded together. */
struct lf_run_singles {
    uint32_t count;
    uint8_t all;          /* what each of them has */
    uint8_t bits[LF_RUN]; /* conditions and inputs, as stored */
    uint64_t values[LF_RUN_INPUTS][LF_RUN]; /* int64, or a double */
};

/* Tiles that are folded together, and single events among them. */
struct lf_run {
    uint32_t count;
    const uint8_t *at[LF_RUN]; /* the next state */
    uint64_t sizes[LF_RUN];
    uint64_t events[LF_RUN];
    bool has_singles;
    struct lf_run_singles singles;
    uint8_t needs[LF_RUN_STATES];  /* bits of an event that a state counts */
    int64_t shifts[LF_LEVELS_MAX]; /* of the grid of a level */
    uint8_t tail[LF_RUN_TAIL + LF_RUN_ROOM]; /* the end of a row, then zeros */
};

struct lf_read;

#define LF_SPAN        16
#define LF_SPAN_LEVELS 6 /* the last of 16 million events */

/* Events that lie side by side, and where their states are. */
struct lf_span {
    int64_t first, last; /* ts */
    size_t at;
    uint32_t size;
};

struct lf_spans {
    const struct lf_tile_event *events;
    size_t count;
    struct lf_buffer levels[LF_SPAN_LEVELS]; /* struct lf_span */
    struct lf_buffer bytes;
    struct lf_buffer room; /* of the block that is made */
};

/* Whether a block tells if the entity is visible at t, as its events would; and
 * if so, notes it. */
bool lf_span_look(struct lf_read *read, const struct lf_span *block, int64_t t);

void lf_spans_free(struct lf_spans *spans);

static inline size_t
lf_spans_count(const struct lf_spans *spans, uint32_t level)
{
    return spans->levels[level].size / sizeof(struct lf_span);
}

static inline const struct lf_span *
lf_spans_at(const struct lf_spans *spans, uint32_t level, size_t index)
{
    return (const struct lf_span *)(const void *)spans->levels[level].data +
           index;
}

struct lf_read {
    struct lf_reading reading;
    const struct lf_tile_plan *plan;
    struct lf_wanted *wanted;
    uint32_t stream_count;
    struct lf_stream *streams;
    uint32_t open; /* streams with something left to answer */
    uint32_t window_count;
    uint32_t visible_count;           /* of them: those of the plan */
    const struct lf_window **windows; /* different ones */
    int64_t *bounds;                  /* from and to of each */
    bool has_time;
    int64_t t;      /* what they are of */
    int64_t oldest; /* what a row has to reach to answer all */
    struct lf_inputs inputs;
    struct lf_accs measure;
    const uint8_t *end;   /* of the row */
    size_t *offsets;      /* of the answers in out */
    struct lf_buffer out; /* their bytes */
    bool failed;
    bool has_runs;
    uint64_t words; /* sizes of states that are numbers: bit 0 of each */
    struct lf_run run;
    struct lf_spans spans; /* of lf_reading_keep */
};

/* Makes ready for runs; false: tiles cannot be folded so. */
bool lf_run_make(struct lf_read *read);

/* Folds what is listed, and empties the list; false: damage. */
bool lf_run_fold(struct lf_read *read);

/* Folds tiles of one level from where body is, none to many; false: damage. The
 * entity is visible, and body->last lies in the windows. */
bool lf_read_run(struct lf_read *read, struct lf_body *body);

/* Notes where it can be read as it is, if it can. */
void lf_read_plain(const struct lf_read *read, struct lf_wanted *wanted);

/* Where windows lie at t, and in which order they are answered. */
void lf_read_set_time(struct lf_read *read, int64_t t);

/* Which features a row cannot answer at t, and which lack events. */
void lf_read_judge(struct lf_read *read, const struct lf_body *body, int64_t wm,
                   int64_t t);

/* Answers what is next of a stream. */
void lf_read_next(struct lf_read *read, struct lf_stream *stream);

/* lf_reading_part, where bodies are full. */
enum lf_tile_status lf_read_part(struct lf_read *read, size_t first,
                                 size_t count, int64_t t);

/* Answers what is wanted from its accumulators. */
void lf_read_answer(struct lf_read *read, uint32_t which);

#endif
