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

#define FAR (INT64_MIN / 2) /* no step of a byte overflows above it */

bool
lf_run_is_for(const struct lf_read *read, const struct lf_stream *stream,
              uint64_t *words)
{
    uint32_t states = read->plan->state_count;

    *words = 0;
    if (read->stream_count != 1 || states - 1 >= LF_FOLD_STATES)
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
    uint64_t total = 0, excess = 0;
    size_t size;

    for (uint32_t i = 0; i < run->count; i++) {
        uint64_t less = next_word(column, i, &size);

        excess |= less > run->events[i];
        total += run->events[i] - less;
    }
    acc->count += total;
    return !excess;
}

static void
fold_sums(struct lf_acc *acc, struct column column)
{
    size_t size;

    for (uint32_t i = 0; i < column.run->count; i++)
        lf_sum_add(&acc->sum, lf_unzigzag(next_word(column, i, &size)));
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

        if (size && (size != 8 || !lf_fold_double(acc, bits, is_least)))
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
fold_run(struct lf_read *read, struct lf_run *run)
{
    const struct lf_stream *stream = &read->streams[0];
    bool is_sound = true;

    for (uint32_t i = 0; run->count && i < read->plan->state_count; i++)
        is_sound &= fold_column(&stream->steps[i], (struct column){run, 4 * i});
    run->count = 0;
    return is_sound;
}

/* --- entry by entry --------------------------------------------------------*/

/* Lists tiles from body->last on while they are plain, down to `until`. */
static void
list_run(struct lf_read *read, struct lf_body *body, int64_t until)
{
    const struct lf_tile_plan *plan = read->plan;
    uint32_t states = plan->state_count, level = body->last_level;
    size_t head_size = lf_sizes_size(states);
    const uint8_t *at = body->in.at, *end = body->in.end;
    uint8_t mask = (uint8_t)((1u << plan->level_bits) - 1);
    int64_t hop = plan->hops[level], last = body->last;
    struct lf_run *run = &read->run;
    uint32_t count = 0;

    while (count < LF_RUN && end - at >= 2 + 8) {
        uint8_t head = at[0], events = at[1];
        const uint8_t *sizes_at = at + 2;
        int64_t start = last - (head >> plan->level_bits) * hop;
        uint64_t sizes, many = events & 127u;
        size_t size;

        if (head > 127 || (head & mask) != level || start < until)
            break;
        if (events > 127) {
            many |= (uint64_t)at[2] << 7;
            if (at[2] > 127)
                break;
            sizes_at++;
        }
        if (end - sizes_at < 8 || !lf_sizes_load(sizes_at, states, &sizes) ||
            (sizes >> 3 & (sizes | sizes >> 1 | sizes >> 2) & read->words))
            break;
        size = head_size + lf_sizes_sum(sizes);
        if (end - sizes_at < (ptrdiff_t)(size + LF_FOLD_ROOM))
            break;
        run->at[count] = sizes_at + head_size;
        run->sizes[count] = sizes;
        run->events[count++] = many + 2;
        at = sizes_at + size;
        last = start;
    }
    run->count = count;
    body->in.at = at;
    body->last = last;
}

bool
lf_read_run(struct lf_read *read, struct lf_body *body)
{
    const struct lf_stream *stream = &read->streams[0];
    int64_t until = stream->from > FAR ? stream->from : FAR;

    if (body->last_level >= read->plan->level_count || body->last < until ||
        body->last >= stream->to || read->plan->hops[body->last_level] > -(FAR / 256))
        return true;
    do {
        list_run(read, body, until);
        if (!read->run.count)
            return true;
        if (!fold_run(read, &read->run))
            return false;
    } while (true);
}
