/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs: tiles of one level, read many at a time.
 *
 * Owns the short way of a read: tiles whose heads are a byte or two and whose states
 * are a few bytes each, and single events among them, are listed first, then folded
 * state by state (or added up at once: state_lone.c).
 * Keeps what entry by entry gives: it stops before any entry that is not plain,
 * and where the tail of the next window may cut a tile.
 * Never takes a state in which the order of entries shows.
 *
 * Measured through the API, 12 features of rows of 384 and 549 bytes: single events
 * in runs - 18 and - 30 %; to go on past a tail - 5 %; tiles in one loop and events
 * in another, numbers by PEXT, - 5 %. No gain had: the end of an event found by SSE2
 * ahead of its numbers (+ 4 %).
 */
#include "format/state_list.h"

#define STEP (INT64_C(1) << 48) /* longest hop of a step in two bytes */

static struct lf_run_input
find_input(const struct lf_tile_input *input)
{
    struct lf_run_input made = {LF_RUN_INTEGER, INT64_MIN, UINT64_MAX};

    if (input->column == LF_TIME_COLUMN)
        made.kind = LF_RUN_TIME;
    else if (input->class == LF_CLASS_REAL)
        made.kind =
            input->code == FEATURE_TYPE_FLOAT32 ? LF_RUN_FLOAT : LF_RUN_DOUBLE;
    else if (input->code == FEATURE_TYPE_INT32)
        made = (struct lf_run_input){LF_RUN_INTEGER, INT32_MIN, UINT32_MAX};
    else if (input->code == FEATURE_TYPE_BOOL)
        made = (struct lf_run_input){LF_RUN_INTEGER, 0, 1};
    return made;
}

/* Which bits of an event a state counts with; false: its inputs are not a few
 * numbers. */
static bool
find_needs(struct lf_read *read)
{
    const struct lf_tile_plan *plan = read->plan;

    if (plan->input_count > LF_RUN_INPUTS ||
        plan->condition_count + plan->input_count - 1 > 7)
        return false;
    for (uint32_t i = 0; i < plan->input_count; i++) {
        if (plan->inputs[i].class == LF_CLASS_TEXT)
            return false;
        read->run.inputs[i] = find_input(&plan->inputs[i]);
    }
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
    read->run.is_fast = lf_varint_has_fast();
    lf_lone_make(read);
    return true;
}

/* --- entry by entry --------------------------------------------------------*/

/* Takes up what follows a head: events and sizes; false: it is not plain. */
LF_INLINE bool
list_tile(struct lf_run *run, struct lf_cursor *cursor, const uint8_t *at,
          uint32_t states, uint64_t words)
{
    uint64_t sizes, events;

    if (!lf_take_events(&at, &events) || !lf_sizes_load(at, states, &sizes) ||
        (sizes >> 3 & (sizes | sizes >> 1 | sizes >> 2) & words))
        return false;
    at += lf_sizes_size(states);
    run->at[cursor->count] = at;
    run->sizes[cursor->count] = sizes;
    run->events[cursor->count] = events;
    at += lf_sizes_sum(sizes);
    if (at > cursor->end)
        return false;
    cursor->count++;
    cursor->at = at;
    return true;
}

/* Lists tiles of one level; false: the run ends here. */
LF_INLINE bool
list_tiles(struct lf_read *read, struct lf_cursor *cursor, uint32_t level)
{
    uint32_t bits = read->plan->level_bits, mask = (1u << bits) - 1;
    uint32_t states = read->plan->state_count;
    int64_t hop = read->plan->hops[level], start = cursor->last;
    uint64_t words = read->words;

    if (level != cursor->level)
        start = lf_tile_of(read, level, start);
    do {
        const uint8_t *at = cursor->at;
        uint32_t head;

        if (!lf_take_head(&at, &head))
            return false;
        start -= (head >> bits) * hop;
        if (start < cursor->until)
            return lf_stop_below(cursor, start, hop);
        if (!list_tile(&read->run, cursor, at, states, words))
            return false;
        cursor->last = start;
        cursor->level = level;
    } while (cursor->at < cursor->end && cursor->count < LF_RUN &&
             (*cursor->at & mask) == level);
    return true;
}

/* A number of up to 8 bytes; false: it is not plain, or none. */
LF_INLINE bool
take_value(const struct lf_run_input *input, int64_t ts, const uint8_t **at,
           uint64_t *word, bool is_fast)
{
    double real;

    if (input->kind == LF_RUN_INTEGER)
        return lf_take_integer(input, at, word, is_fast);
    if (input->kind == LF_RUN_TIME) {
        *word = (uint64_t)ts;
        return true;
    }
    real = input->kind == LF_RUN_FLOAT ? (double)lf_load_f32(*at)
                                       : lf_load_f64(*at);
    *at += input->kind == LF_RUN_FLOAT ? 4 : 8;
    memcpy(word, &real, sizeof real);
    return lf_fold_is_number(*word);
}

/* The numbers of an event. */
LF_INLINE bool
take_values(struct lf_read *read, uint32_t has, int64_t ts, const uint8_t **at,
            uint32_t which, bool is_fast)
{
    struct lf_run *run = &read->run;

    for (uint32_t i = 0; i < read->plan->input_count; i++)
        if (has >> i & 1 &&
            !take_value(&run->inputs[i], ts, at, &run->singles.values[i][which],
                        is_fast))
            return false;
    return true;
}

/* Lists single events; false: the run ends here. */
LF_INLINE bool
list_singles(struct lf_read *read, struct lf_cursor *cursor, bool is_fast)
{
    const struct lf_tile_plan *plan = read->plan;
    uint32_t level = plan->level_count, conditions = plan->condition_count;
    uint32_t bits = plan->level_bits, mask = (1u << bits) - 1;

    do {
        const uint8_t *at = cursor->at;
        uint64_t head;
        uint8_t has;
        int64_t ts;

        if (!lf_varint_peek_as(&at, &head, is_fast))
            return false;
        ts = cursor->last - (int64_t)(head >> bits);
        if (ts < cursor->until)
            return lf_stop_below(cursor, ts, 1);
        has = *at++;
        if (!take_values(read, (uint32_t)has >> conditions, ts, &at,
                         cursor->singles, is_fast) ||
            at > cursor->end)
            return false;
        read->run.singles.bits[cursor->singles++] = has;
        cursor->all &= has;
        cursor->at = at;
        cursor->last = ts;
        cursor->level = level;
    } while (cursor->at < cursor->end && cursor->singles < LF_RUN &&
             (*cursor->at & mask) == level);
    return true;
}

/* Lists entries down to `until`, up to one that is not plain. No tile holds what
 * is at the start of the entry before it or above, also where it reaches so far.
 * LF_RUN_ROOM bytes behind end can be read. */
LF_INLINE void
list_as(struct lf_read *read, struct lf_cursor *to, const uint8_t *end,
        bool is_fast)
{
    uint32_t levels = read->plan->level_count;
    uint32_t mask = (1u << read->plan->level_bits) - 1;
    struct lf_cursor cursor = *to;
    bool goes_on = true;

    cursor.end = end;
    while (goes_on && cursor.at < end && cursor.count < LF_RUN &&
           cursor.singles < LF_RUN) {
        uint32_t level = *cursor.at & mask;

        if (level < levels)
            goes_on = list_tiles(read, &cursor, level);
        else
            goes_on = level == levels && read->run.has_singles &&
                      list_singles(read, &cursor, is_fast);
    }
    *to = cursor;
}

static void
list_plain(struct lf_read *read, struct lf_cursor *cursor, const uint8_t *end)
{
    list_as(read, cursor, end, false);
}

#if defined(__x86_64__)
__attribute__((target("bmi,bmi2"))) static void
list_fast(struct lf_read *read, struct lf_cursor *cursor, const uint8_t *end)
{
    list_as(read, cursor, end, true);
}
#else
#define list_fast list_plain
#endif

static void
list_run(struct lf_read *read, struct lf_cursor *cursor, const uint8_t *end)
{
    if (read->run.lone.is_on)
        lf_lone_run(read, cursor, end);
    else if (read->run.is_fast)
        list_fast(read, cursor, end);
    else
        list_plain(read, cursor, end);
}

/* Lists entries of a row; its last bytes are moved to where it can be read
 * beyond them. */
static void
list_row(struct lf_read *read, struct lf_body *body, struct lf_cursor *cursor,
         int64_t until)
{
    struct lf_run *run = &read->run;
    const uint8_t *end = body->in.end, *tail = run->tail + LF_RUN_TAIL;
    size_t left;

    *cursor = (struct lf_cursor){.at = body->in.at,
                                 .last = body->last,
                                 .level = body->last_level,
                                 .count = run->count,
                                 .singles = run->singles.count,
                                 .all = run->singles.all,
                                 .until = until};
    if (end - cursor->at > LF_RUN_ROOM)
        list_run(read, cursor, end - LF_RUN_ROOM);
    left = (size_t)(end - cursor->at);
    if (left <= LF_RUN_TAIL && !cursor->is_below) {
        cursor->at = memcpy(run->tail + LF_RUN_TAIL - left, cursor->at, left);
        list_run(read, cursor, tail);
        cursor->at = end - (tail - cursor->at);
    }
    body->in.at = cursor->at;
    body->last = cursor->last;
    body->last_level = cursor->level;
    run->count = cursor->count;
    run->singles.count = cursor->singles;
    run->singles.all = (uint8_t)cursor->all;
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
run_to(struct lf_read *read, struct lf_body *body, struct lf_cursor *cursor,
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

/* Answers windows that begin after all that follows. */
static void
pass_by(struct lf_read *read, struct lf_stream *stream, int64_t last)
{
    while (stream->next < stream->count && stream->from > last)
        lf_read_window(read, stream);
}

bool
lf_read_run(struct lf_read *read, struct lf_body *body)
{
    struct lf_stream *stream = &read->streams[0];
    struct lf_cursor cursor = {.is_below = true};

    pass_by(read, stream, body->last);
    while (cursor.is_below && stream->next < stream->count &&
           body->last < stream->to && shows(read, stream)) {
        int64_t until = stream->from > LF_RUN_FAR ? stream->from : LF_RUN_FAR;

        if (body->last < until)
            break;
        if (!run_to(read, body, &cursor, until))
            return false;
        if (cursor.is_below)
            pass_by(read, stream, cursor.last_below);
        if (stream->from > cursor.below || cursor.below < LF_RUN_FAR)
            break; /* it may be cut */
    }
    return true;
}
