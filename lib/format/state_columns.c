/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Columns: what a run has listed, folded state by state.
 *
 * Owns the loops over one state of many tiles, and over one input of many events.
 * Keeps what a fold of one entry after the other gives.
 * Never takes a state in which the order of entries shows.
 */
#include <math.h>

#include "format/state_fold.h"
#include "format/state_read.h"

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
    double none = is_least ? INFINITY : -INFINITY;
    double best = acc->count ? acc->items[0].value.real : none;
    bool is_sound = true;
    size_t size, any = 0;

    for (uint32_t i = 0; i < column.run->count; i++) {
        uint64_t bits = next_word(column, i, &size);
        double number;

        is_sound &= !size || (size == 8 && lf_fold_is_number(bits));
        memcpy(&number, &bits, sizeof number);
        number = size ? number : none;
        any |= size;
        best = (is_least ? number < best : number > best) ? number : best;
    }
    acc->items[0].value.real = best;
    acc->count |= any > 0;
    return is_sound;
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
fold_tiles(struct lf_read *read)
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

/* --- single events ---------------------------------------------------------*/

/* Those events of a run that a state counts. */
struct values {
    const struct lf_run_singles *singles;
    const uint64_t *words;
    uint8_t needs;
};

static inline bool
counts(struct values values, uint32_t i)
{
    return (values.singles->bits[i] & values.needs) == values.needs;
}

static uint64_t
count_values(struct values values)
{
    uint64_t count = 0;

    if ((values.singles->all & values.needs) == values.needs)
        return values.singles->count;
    for (uint32_t i = 0; i < values.singles->count; i++)
        count += counts(values, i);
    return count;
}

static void
sum_values(struct lf_acc *acc, struct values values)
{
    lf_s128 total = 0;
    struct lf_sum sum;

    for (uint32_t i = 0; i < values.singles->count; i++)
        total += counts(values, i) ? (int64_t)values.words[i] : 0;
    sum.word[0] = (uint64_t)total;
    sum.word[1] = (uint64_t)((lf_u128)total >> 64);
    lf_sum_merge(&acc->sum, &sum);
}

static inline void
select_integer(struct lf_acc *acc, struct values values, bool is_least)
{
    int64_t none = is_least ? INT64_MAX : INT64_MIN;
    int64_t best = acc->count ? acc->items[0].value.integer : none;

    for (uint32_t i = 0; i < values.singles->count; i++) {
        int64_t number = counts(values, i) ? (int64_t)values.words[i] : none;

        best = (is_least ? number < best : number > best) ? number : best;
    }
    acc->items[0].value.integer = best;
    acc->count |= count_values(values) > 0;
}

static inline void
select_double(struct lf_acc *acc, struct values values, bool is_least)
{
    double none = is_least ? INFINITY : -INFINITY;
    double best = acc->count ? acc->items[0].value.real : none;

    for (uint32_t i = 0; i < values.singles->count; i++) {
        double number;

        memcpy(&number, &values.words[i], sizeof number);
        number = counts(values, i) ? number : none;
        best = (is_least ? number < best : number > best) ? number : best;
    }
    acc->items[0].value.real = best;
    acc->count |= count_values(values) > 0;
}

static void
sum_doubles(struct lf_acc *acc, struct values values)
{
    for (uint32_t i = 0; i < values.singles->count; i++) {
        double number;

        memcpy(&number, &values.words[i], sizeof number);
        if (counts(values, i))
            lf_real_sum_add(&acc->real_sum, number);
    }
}

static void
fold_values(const struct lf_step *step, struct values values)
{
    switch (step->op) {
    case LF_OP_COUNT:
        step->acc->count += count_values(values);
        break;
    case LF_OP_SUM:
        sum_values(step->acc, values);
        break;
    case LF_OP_LEAST:
        select_integer(step->acc, values, true);
        break;
    case LF_OP_MOST:
        select_integer(step->acc, values, false);
        break;
    case LF_OP_REAL_LEAST:
        select_double(step->acc, values, true);
        break;
    case LF_OP_REAL_MOST:
        select_double(step->acc, values, false);
        break;
    default:
        sum_doubles(step->acc, values);
    }
}

/* All that is asked of integers that all events of a run have. */
struct summary {
    bool is_made;
    lf_s128 total;
    int64_t least, most;
};

static void
summarize(struct summary *summary, const uint64_t *words, uint32_t count)
{
    int64_t least = INT64_MAX, most = INT64_MIN;
    lf_s128 total = 0;

    for (uint32_t i = 0; i < count; i++) {
        int64_t number = (int64_t)words[i];

        total += number;
        least = number < least ? number : least;
        most = number > most ? number : most;
    }
    *summary = (struct summary){true, total, least, most};
}

static void
fold_summary(const struct lf_step *step, const struct summary *summary)
{
    struct lf_sum sum = {
        {(uint64_t)summary->total, (uint64_t)((lf_u128)summary->total >> 64)}};

    if (step->op == LF_OP_SUM)
        lf_sum_merge(&step->acc->sum, &sum);
    else if (step->op == LF_OP_LEAST)
        lf_fold_integer(step->acc, summary->least, true);
    else
        lf_fold_integer(step->acc, summary->most, false);
}

/* Loops are short, and each that ends costs a wrong guess: integers that all
 * events have are gone through once for all states (measured: - 3 % of a read
 * through the API where a row has 40 events one by one). */
static void
fold_singles(struct lf_read *read)
{
    const struct lf_tile_plan *plan = read->plan;
    const struct lf_step *steps = read->streams[0].steps;
    struct lf_run_singles *singles = &read->run.singles;
    struct summary summaries[LF_RUN_INPUTS] = {0};

    for (uint32_t i = 0; i < plan->state_count; i++) {
        uint32_t input = plan->states[i].input;
        uint8_t needs = read->run.needs[i];

        if (!steps[i].acc)
            continue;
        input = input == LF_TILE_NONE ? 0 : input;
        if ((singles->all & needs) == needs && steps[i].op >= LF_OP_SUM &&
            steps[i].op <= LF_OP_MOST) {
            if (!summaries[input].is_made)
                summarize(&summaries[input], singles->values[input],
                          singles->count);
            fold_summary(&steps[i], &summaries[input]);
            continue;
        }
        fold_values(&steps[i],
                    (struct values){singles, singles->values[input], needs});
    }
    singles->count = 0;
    singles->all = UINT8_MAX;
}

bool
lf_run_fold(struct lf_read *read)
{
    if (read->run.lone.is_on)
        return lf_lone_fold(read);
    if (read->run.singles.count)
        fold_singles(read);
    return !read->run.count || fold_tiles(read);
}
