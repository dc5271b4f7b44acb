/* SPDX-License-Identifier: Apache-2.0 */
/* What a reading is made of; for state_read.c and state_answer.c alone. */
#ifndef LF_FORMAT_STATE_READ_H
#define LF_FORMAT_STATE_READ_H

#include "format/state_parts.h"

__extension__ typedef __int128 lf_s128;

/* A feature that is asked for. */
struct lf_wanted {
    const struct lf_feature *feature;
    uint32_t of;              /* in plan->features, or LF_TILE_NONE */
    uint32_t stream;          /* which of the accumulators */
    uint32_t window;          /* which of the windows */
    int64_t from;             /* its tail at t */
    const uint64_t *counted;  /* how many it is of; NULL: no plain number */
    const struct lf_acc *acc; /* of a sum, whose number may not fit */
    const uint64_t *number;   /* or of another */
    uint64_t mask;            /* what of it is the answer */
    uint32_t size;            /* of the answer */
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

/* How a number of an event is stored. */
enum lf_run_kind { LF_RUN_INTEGER, LF_RUN_TIME, LF_RUN_FLOAT, LF_RUN_DOUBLE };

struct lf_run_input {
    enum lf_run_kind kind;
    int64_t least; /* integers from here on, */
    uint64_t span; /* so far */
};

/* Single events that are folded together. */
struct lf_run_singles {
    uint32_t count;
    uint8_t all;          /* what each of them has */
    uint8_t bits[LF_RUN]; /* conditions and inputs, as stored */
    uint64_t values[LF_RUN_INPUTS][LF_RUN]; /* int64, or a double */
};

/* States of one integer. */
enum lf_lone_state {
    LF_LONE_EVENTS, /* COUNT(*) */
    LF_LONE_VALUES, /* COUNT(x) */
    LF_LONE_SUM,
    LF_LONE_LEAST,
    LF_LONE_MOST,
    LF_LONE_STATES
};

/* What entries add up to: few enough for registers. */
struct lf_lone_sums {
    uint64_t events;  /* of tiles */
    uint64_t singles; /* events one by one */
    int64_t total;
    int64_t least, most;
    uint64_t has_least, has_most; /* not 0: a tile has one */
};

/* Where an event is one integer. */
struct lf_lone {
    bool is_on;
    bool is_damaged;
    uint32_t shifts[LF_LONE_STATES];     /* where the size of a state is */
    uint32_t mask;                       /* bits of all sizes */
    uint32_t counts;                     /* and of both counts */
    uint32_t room;                       /* bytes of the sizes */
    struct lf_acc *accs[LF_LONE_STATES]; /* NULL: not asked for */
    struct lf_lone_sums sums;
    uint64_t fewer[2]; /* events of tiles that a count leaves out */
    uint64_t nulls;    /* of single events */
    lf_s128 total;     /* what did not fit sums.total */
};

/* Tiles that are folded together, and single events among them. */
struct lf_run {
    uint32_t count;
    const uint8_t *at[LF_RUN]; /* the next state */
    uint64_t sizes[LF_RUN];
    uint64_t events[LF_RUN];
    bool is_fast; /* numbers are taken apart by lf_varint_join_fast */
    bool has_singles;
    struct lf_lone lone;
    struct lf_run_singles singles;
    struct lf_run_input inputs[LF_RUN_INPUTS];
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
    bool is_judged;       /* some of what is wanted is past, or partial */
    bool has_bytes;       /* an answer lies in out */
    const uint8_t *end;   /* of the row */
    size_t *offsets;      /* of the answers in out */
    struct lf_buffer out; /* their bytes */
    bool failed;
    bool has_runs;
    uint64_t words; /* sizes of states that are numbers: bit 0 of each */
    struct lf_run run;
    struct lf_spans spans; /* of lf_reading_keep */
};

#define LF_RUN_FAR (INT64_MIN / 2) /* no step overflows above it */

struct lf_cursor;

/* Whether all that is read comes from one integer of the events; if so, runs are
 * added up by lf_lone_run at once, and lists stay empty. */
void lf_lone_make(struct lf_read *read);
void lf_lone_run(struct lf_read *read, struct lf_cursor *cursor,
                 const uint8_t *end);

/* Adds it to the accumulators, and begins anew; false: damage. */
bool lf_lone_fold(struct lf_read *read);

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

/* Answers all that begin where the next does. */
void lf_read_window(struct lf_read *read, struct lf_stream *stream);

/* lf_reading_part, where bodies are full. */
enum lf_tile_status lf_read_part(struct lf_read *read, size_t first,
                                 size_t count, int64_t t);

/* Answers what is wanted from its accumulators. */
void lf_read_answer(struct lf_read *read, uint32_t which);

#endif
