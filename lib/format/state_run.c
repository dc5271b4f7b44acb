/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs: tiles of one level, read many at a time.
 *
 * Owns the short way of a read: tiles whose heads are a byte and whose states are
 * a few bytes each, and single events among them, are listed first, then folded
 * state by state.
 * Keeps what entry by entry gives: it stops before any entry that is not plain,
 * and where the tail of the next window may cut a tile.
 * Never takes a state in which the order of entries shows.
 *
 * Measured through the API, 12 features of rows of 384 and 549 bytes: single events
 * in runs - 18 and - 30 %; to go on past a tail - 5 %. No gain had: the cursor in
 * registers, the end of an event found by SSE2 ahead of its numbers (+ 4 %).
 */
#include "format/state_fold.h"
#include "format/state_read.h"

#define FAR  (INT64_MIN / 2)    /* no step overflows above it */
#define STEP (INT64_C(1) << 54) /* longest hop of a step in a byte */

/* Which bits of an event a state counts with; false: its inputs are not a few
 * numbers. */
static bool
find_needs(struct lf_read *read)
{
    const struct lf_tile_plan *plan = read->plan;

    if (plan->input_count > LF_RUN_INPUTS ||
        plan->condition_count + plan->input_count - 1 > 7)
        return false;
    for (uint32_t i = 0; i < plan->input_count; i++)
        if (plan->inputs[i].class == LF_CLASS_TEXT)
            return false;
    for (uint32_t i = 0; i < plan->state_count; i++) {
        const struct lf_tile_state *state = &plan->states[i];
        uint32_t needs = 0;

        if (state->condition != LF_TILE_NONE)
            needs |= 1u << state->condition;
        if (state->input != LF_TILE_NONE)
            needs |= 1u << (plan->condition_count + state->input);
        read->run.needs[i] = (uint8_t)needs;
    }
    return true;
}

bool
lf_run_make(struct lf_read *read)
{
    const struct lf_tile_plan *plan = read->plan;
    const struct lf_stream *stream = &read->streams[0];

    if (read->stream_count != 1 || plan->state_count - 1 >= LF_RUN_STATES ||
        plan->level_count > LF_LEVELS_MAX ||
        plan->hops[plan->level_count - 1] > STEP)
        return false;
    for (uint32_t i = 0; i < plan->state_count; i++) {
        if (stream->steps[i].acc && stream->steps[i].op == LF_OP_OTHER)
            return false;
        if (stream->steps[i].acc && stream->steps[i].op < LF_OP_REAL_SUM)
            read->words |= UINT64_C(1) << 4 * i;
    }
    for (uint32_t i = 0; i < plan->level_count; i++) {
        int64_t shift = plan->zone % plan->hops[i];

        read->run.shifts[i] = shift < 0 ? shift + plan->hops[i] : shift;
    }
    read->run.singles.all = UINT8_MAX;
    read->run.has_singles = find_needs(read);
    return true;
}

/* --- entry by entry --------------------------------------------------------*/

/* Where a run has come to, in registers. */
struct cursor {
    const uint8_t *at;
    int64_t last;
    uint32_t level;
    uint32_t count;
    bool is_below;      /* what follows is plain, and begins below `until` */
    int64_t below;      /* where it begins */
    int64_t last_below; /* where it ends at the latest */
};

static inline bool
stop_below(struct cursor *cursor, int64_t start, int64_t hop)
{
    cursor->is_below = true;
    cursor->below = start;
    if (__builtin_add_overflow(start, hop - 1, &cursor->last_below))
        cursor->last_below = INT64_MAX;
    return false;
}

/* Takes up what follows a head of one byte: its events and sizes; false: it is
 * not plain. */
static inline bool
list_tile(struct lf_read *read, struct cursor *cursor, uint32_t states,
          const uint8_t *end)
{
    const uint8_t *at = cursor->at + 2;
    uint64_t sizes, events = at[-1];
    struct lf_run *run = &read->run;

    if (events > 127) {
        if (*at > 127)
            return false;
        events = (events & 127) | (uint64_t)*at++ << 7;
    }
    if (!lf_sizes_load(at, states, &sizes) ||
        (sizes >> 3 & (sizes | sizes >> 1 | sizes >> 2) & read->words))
        return false;
    at += lf_sizes_size(states);
    run->at[cursor->count] = at;
    run->sizes[cursor->count] = sizes;
    run->events[cursor->count] = events + 2;
    at += lf_sizes_sum(sizes);
    if (at > end)
        return false;
    cursor->count++;
    cursor->at = at;
    return true;
}

/* A number of up to 8 bytes; false: it is not plain, or none. */
static inline bool
take_value(const struct lf_tile_input *input, const uint8_t **at,
           uint64_t *word)
{
    uint64_t number;
    int64_t value;
    double real;

    if (input->class == LF_CLASS_REAL) {
        bool is_narrow = input->code == FEATURE_TYPE_FLOAT32;

        real = is_narrow ? (double)lf_load_f32(*at) : lf_load_f64(*at);
        *at += is_narrow ? 4 : 8;
        memcpy(word, &real, sizeof real);
        return lf_fold_is_number(*word);
    }
    if (!lf_varint_peek(at, &number))
        return false;
    value = lf_unzigzag(number);
    *word = (uint64_t)value;
    return input->code == FEATURE_TYPE_INT32
               ? value == (int32_t)value
               : input->code != FEATURE_TYPE_BOOL || number == 0 || number == 2;
}

/* Takes up a single event down to `until`; false: it is not plain. */
static inline bool
list_single(struct lf_read *read, struct cursor *cursor, int64_t until,
            const uint8_t *end)
{
    const struct lf_tile_plan *plan = read->plan;
    struct lf_run_singles *singles = &read->run.singles;
    const uint8_t *at = cursor->at;
    uint32_t bits, has, which = singles->count;
    uint64_t head;
    int64_t ts;

    if (!lf_varint_peek(&at, &head))
        return false;
    ts = cursor->last - (int64_t)(head >> plan->level_bits);
    if (ts < until)
        return stop_below(cursor, ts, 1);
    bits = *at++;
    has = bits >> plan->condition_count;
    for (uint32_t i = 0; i < plan->input_count; i++) {
        if (!(has >> i & 1))
            continue;
        if (plan->inputs[i].column == LF_TIME_COLUMN)
            singles->values[i][which] = (uint64_t)ts;
        else if (!take_value(&plan->inputs[i], &at, &singles->values[i][which]))
            return false;
    }
    if (at > end)
        return false;
    singles->bits[which] = (uint8_t)bits;
    singles->all &= (uint8_t)bits;
    singles->count = which + 1;
    cursor->at = at;
    cursor->last = ts;
    cursor->level = plan->level_count;
    return true;
}

/* The tile of a level that a time above FAR lies in. */
static inline int64_t
tile_of(const struct lf_read *read, uint32_t level, int64_t time)
{
    int64_t hop = read->plan->hops[level], rest = time % hop;

    rest += read->run.shifts[level] + (rest < 0 ? hop : 0);
    return time - (rest >= hop ? rest - hop : rest);
}

/* Lists entries down to `until`, up to one that is not plain. No tile holds what
 * is at the start of the entry before it or above, also where it reaches so far.
 * LF_RUN_ROOM bytes behind end can be read. */
static void
list_run(struct lf_read *read, struct cursor *cursor, int64_t until,
         const uint8_t *end)
{
    const struct lf_tile_plan *plan = read->plan;
    uint32_t bits = plan->level_bits, mask = (1u << bits) - 1;

    while (cursor->count < LF_RUN && read->run.singles.count < LF_RUN &&
           cursor->at < end) {
        uint32_t head = *cursor->at, level = head & mask;
        int64_t start = cursor->last;

        if (level == plan->level_count && read->run.has_singles) {
            if (!list_single(read, cursor, until, end))
                break;
            continue;
        }
        if (head > 127 || level >= plan->level_count)
            break;
        if (level != cursor->level)
            start = tile_of(read, level, start);
        start -= (head >> bits) * plan->hops[level];
        if (start < until)
            stop_below(cursor, start, plan->hops[level]);
        if (start < until || !list_tile(read, cursor, plan->state_count, end))
            break;
        cursor->last = start;
        cursor->level = level;
    }
}

/* Lists entries of a row; its last bytes are moved to where it can be read
 * beyond them. */
static void
list_row(struct lf_read *read, struct lf_body *body, struct cursor *cursor,
         int64_t until)
{
    struct lf_run *run = &read->run;
    const uint8_t *end = body->in.end, *tail = run->tail + LF_RUN_TAIL;
    size_t left;

    *cursor = (struct cursor){.at = body->in.at,
                              .last = body->last,
                              .level = body->last_level,
                              .count = run->count};
    if (end - cursor->at > LF_RUN_ROOM)
        list_run(read, cursor, until, end - LF_RUN_ROOM);
    left = (size_t)(end - cursor->at);
    if (left <= LF_RUN_TAIL && !cursor->is_below) {
        cursor->at = memcpy(run->tail + LF_RUN_TAIL - left, cursor->at, left);
        list_run(read, cursor, until, tail);
        cursor->at = end - (tail - cursor->at);
    }
    body->in.at = cursor->at;
    body->last = cursor->last;
    body->last_level = cursor->level;
    run->count = cursor->count;
}

/* Folds one event; false: it is not plain, or lies below `until`. */
static bool
take_single(struct lf_read *read, struct lf_body *body, int64_t until)
{
    const struct lf_step *steps = read->streams[0].steps;
    uint32_t bits = read->plan->level_bits;
    struct lf_bytes_in in = body->in;
    uint64_t head;

    if (in.end - in.at < 8 ||
        (*in.at & ((1u << bits) - 1)) != read->plan->level_count ||
        !lf_varint_peek(&in.at, &head))
        return false;
    read->inputs.ts = body->last - (int64_t)(head >> bits);
    if (read->inputs.ts < until ||
        !lf_inputs_get(&read->inputs, read->plan, &in))
        return false;
    for (uint32_t i = 0; i < read->plan->state_count; i++)
        if (steps[i].acc)
            lf_acc_fold_event(steps[i].acc, steps[i].op, &read->inputs, true);
    body->last = read->inputs.ts;
    body->last_level = read->plan->level_count;
    body->in.at = in.at;
    return true;
}

/* Whether what lies in the next window makes the entity visible. */
static bool
shows(const struct lf_read *read, const struct lf_stream *stream)
{
    return read->reading.is_visible ||
           read->wanted[stream->order[stream->next]].window <
               read->visible_count;
}

/* Down to `until`. */
static bool
run_to(struct lf_read *read, struct lf_body *body, struct cursor *cursor,
       int64_t until)
{
    const struct lf_run *run = &read->run;
    const uint8_t *begin = body->in.at;

    do {
        list_row(read, body, cursor, until);
        while (run->count == LF_RUN || run->singles.count == LF_RUN) {
            if (!lf_run_fold(read))
                return false;
            list_row(read, body, cursor, until);
        }
    } while (!cursor->is_below && take_single(read, body, until));
    read->reading.is_visible |= body->in.at > begin;
    return lf_run_fold(read);
}

bool
lf_read_run(struct lf_read *read, struct lf_body *body)
{
    struct lf_stream *stream = &read->streams[0];
    struct cursor cursor = {.is_below = true};

    while (cursor.is_below && stream->next < stream->count &&
           body->last < stream->to && shows(read, stream)) {
        int64_t until = stream->from > FAR ? stream->from : FAR;

        if (body->last < until)
            break;
        if (!run_to(read, body, &cursor, until))
            return false;
        while (cursor.is_below && stream->next < stream->count &&
               stream->from > cursor.last_below)
            lf_read_next(read, stream);
        if (stream->from > cursor.below || cursor.below < FAR)
            break; /* it may be cut */
    }
    return true;
}
