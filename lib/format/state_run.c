/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs: tiles of one level, read many at a time.
 *
 * Owns the short way of a read: tiles whose heads are a byte and whose states are
 * a few bytes each are listed first, then folded state by state.
 * Keeps what entry by entry gives: it stops before any entry that is not plain,
 * at the tail of the next window and where a row ends.
 * Never takes a state in which the order of entries shows.
 */
#include "format/state_fold.h"
#include "format/state_read.h"

__extension__ typedef __int128 lf_s128;

#define FAR  (INT64_MIN / 2)    /* no step overflows above it */
#define STEP (INT64_C(1) << 54) /* longest hop of a step in a byte */

bool
lf_run_is_for(const struct lf_read *read, const struct lf_stream *stream,
              uint64_t *words)
{
    uint32_t states = read->plan->state_count;

    *words = 0;
    if (read->stream_count != 1 || states - 1 >= LF_FOLD_STATES ||
        read->plan->hops[read->plan->level_count - 1] > STEP)
        return false;
    for (uint32_t i = 0; i < states; i++) {
        if (stream->steps[i].acc && stream->steps[i].op == LF_OP_OTHER)
            return false;
        if (stream->steps[i].acc && stream->steps[i].op < LF_OP_REAL_SUM)
            *words |= UINT64_C(1) << 4 * i;
    }
    return true;
}

/* --- state by state --------------------------------------------------------*/

struct column {
    struct lf_run *run;
    uint32_t shift; /* where its sizes are */
};

static inline uint64_t
next_word(struct column column, uint32_t i, size_t *size)
{
    const uint8_t *at = column.run->at[i];

    *size = column.run->sizes[i] >> column.shift & 15;
    column.run->at[i] = at + *size;
    return lf_word_peek(at, *size);
}

static bool
fold_counts(struct lf_acc *acc, struct column column)
{
    const struct lf_run *run = column.run;
    uint64_t less, all = 0, excess = 0;
    size_t size;

    for (uint32_t i = 0; i < run->count; i++) {
        less = next_word(column, i, &size);
        excess |= less > run->events[i];
        all += less;
    }
    acc->count -= all;
    return !excess;
}

static void
fold_sums(struct lf_acc *acc, struct column column)
{
    lf_s128 total = 0;
    struct lf_sum sum;
    size_t size;

    for (uint32_t i = 0; i < column.run->count; i++)
        total += (lf_s128)lf_unzigzag(next_word(column, i, &size));
    sum.word[0] = (uint64_t)total;
    sum.word[1] = (uint64_t)((lf_u128)total >> 64);
    lf_sum_merge(&acc->sum, &sum);
}

static inline void
fold_integers(struct lf_acc *acc, struct column column, bool is_least)
{
    int64_t none = is_least ? INT64_MAX : INT64_MIN;
    int64_t best = acc->count ? acc->items[0].value.integer : none;
    size_t size, any = 0;

    for (uint32_t i = 0; i < column.run->count; i++) {
        int64_t number = lf_unzigzag(next_word(column, i, &size));

        number = size ? number : none;
        any |= size;
        best = (is_least ? number < best : number > best) ? number : best;
    }
    acc->items[0].value.integer = best;
    acc->count |= any > 0;
}

static inline bool
fold_doubles(struct lf_acc *acc, struct column column, bool is_least)
{
    size_t size;

    for (uint32_t i = 0; i < column.run->count; i++) {
        uint64_t bits = next_word(column, i, &size);

        if (size && (size != 8 || !lf_fold_bits(acc, bits, is_least)))
            return false;
    }
    return true;
}

static bool
fold_real_sums(struct lf_acc *acc, struct column column)
{
    struct lf_run *run = column.run;

    for (uint32_t i = 0; i < run->count; i++) {
        size_t size = run->sizes[i] >> column.shift & 15;
        struct lf_bytes_in in = {run->at[i], run->at[i] + size};

        run->at[i] = in.end;
        if (size &&
            !lf_fixed_add_short(&acc->real_sum.limbs, acc->real_sum.limb, in.at,
                                size) &&
            !lf_acc_add_bytes(acc, &in, 0, 0, true))
            return false;
    }
    return true;
}

static void
skip_column(struct column column)
{
    struct lf_run *run = column.run;

    for (uint32_t i = 0; i < run->count; i++)
        run->at[i] += run->sizes[i] >> column.shift & 15;
}

static bool
fold_column(const struct lf_step *step, struct column column)
{
    if (!step->acc) {
        skip_column(column);
        return true;
    }
    switch (step->op) {
    case LF_OP_COUNT:
        return fold_counts(step->acc, column);
    case LF_OP_SUM:
        fold_sums(step->acc, column);
        return true;
    case LF_OP_LEAST:
        fold_integers(step->acc, column, true);
        return true;
    case LF_OP_MOST:
        fold_integers(step->acc, column, false);
        return true;
    case LF_OP_REAL_LEAST:
        return fold_doubles(step->acc, column, true);
    case LF_OP_REAL_MOST:
        return fold_doubles(step->acc, column, false);
    default:
        return fold_real_sums(step->acc, column);
    }
}

static bool
fold_run(struct lf_read *read)
{
    const struct lf_step *steps = read->streams[0].steps;
    struct lf_run *run = &read->run;
    uint64_t events = 0, any = 0;
    bool is_sound = true;

    for (uint32_t i = 0; i < run->count; i++) {
        events += run->events[i];
        any |= run->sizes[i];
    }
    for (uint32_t i = 0; i < read->plan->state_count; i++) {
        if (steps[i].acc && steps[i].op == LF_OP_COUNT)
            steps[i].acc->count += events;
        if (any >> 4 * i & 15)
            is_sound &= fold_column(&steps[i], (struct column){run, 4 * i});
    }
    run->count = 0;
    return is_sound;
}

/* --- entry by entry --------------------------------------------------------*/

/* Where a run has come to, in registers. */
struct cursor {
    const uint8_t *at;
    int64_t last;
    uint32_t level;
    uint32_t count;
};

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

/* Lists tiles down to `until`, up to one that is not plain. No tile holds what is
 * at the start of the entry before it or above, also where it reaches so far. */
static void
list_run(struct lf_read *read, struct lf_body *body, int64_t until)
{
    const struct lf_tile_plan *plan = read->plan;
    struct cursor cursor = {body->in.at, body->last, body->last_level,
                            read->run.count};
    const uint8_t *end = body->in.end - LF_FOLD_ROOM;
    uint32_t bits = plan->level_bits, mask = (1u << bits) - 1;

    while (cursor.count < LF_RUN && cursor.at < end) {
        uint32_t head = *cursor.at, level = head & mask;
        int64_t hop, start = cursor.last;

        if (head > 127 || level >= plan->level_count)
            break;
        hop = plan->hops[level];
        if (level != cursor.level)
            start = lf_tile_start(start, hop, plan->zone);
        start -= (head >> bits) * hop;
        if (start < until || !list_tile(read, &cursor, plan->state_count, end))
            break;
        cursor.last = start;
        cursor.level = level;
    }
    read->run.count = cursor.count;
    body->in.at = cursor.at;
    body->last = cursor.last;
    body->last_level = cursor.level;
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

bool
lf_read_run(struct lf_read *read, struct lf_body *body)
{
    const struct lf_stream *stream = &read->streams[0];
    int64_t until = stream->from > FAR ? stream->from : FAR;

    if (body->in.end - body->in.at < LF_FOLD_ROOM || body->last < until ||
        body->last >= stream->to)
        return true;
    do {
        list_run(read, body, until);
        while (read->run.count == LF_RUN) {
            if (!fold_run(read))
                return false;
            list_run(read, body, until);
        }
    } while (take_single(read, body, until));
    return fold_run(read);
}
