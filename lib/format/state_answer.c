/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers: accumulators to the cells of features.
 *
 * Owns what each aggregate says of an empty window, of too much and of too many.
 * Keeps one rounding: sums are exact until here.
 * Never answers with a number that does not fit: it is null and an overflow.
 */
#include "format/state_read.h"

#include <math.h>

static bool
put(struct lf_read *read, const void *bytes, size_t size)
{
    if (size && !lf_buffer_append(&read->out, bytes, size))
        read->failed = true;
    return !read->failed;
}

static enum lf_answer_kind
put_integer(struct lf_read *read, int64_t value)
{
    put(read, &value, sizeof value);
    return LF_ANSWER_VALUE;
}

static enum lf_answer_kind
put_real(struct lf_read *read, struct lf_tile_answer *answer, double value)
{
    if (!isfinite(value)) {
        answer->is_overflow = true;
        return LF_ANSWER_NULL;
    }
    put(read, &value, sizeof value);
    return LF_ANSWER_VALUE;
}

static void
put_value(struct lf_read *read, const struct lf_tile_input *input,
          const struct lf_tile_value *value)
{
    float narrow;

    switch (input->class) {
    case LF_CLASS_INT: /* little-endian: the low bytes come first */
        put(read, &value->integer, lf_type_element_size(input->code));
        break;
    case LF_CLASS_REAL:
        narrow = (float)value->real;
        if (input->code == FEATURE_TYPE_FLOAT32)
            put(read, &narrow, sizeof narrow);
        else
            put(read, &value->real, sizeof value->real);
        break;
    default:
        put(read, value->text, value->size);
    }
}

/* --- moments ---------------------------------------------------------------*/

static bool
is_real(const struct lf_acc *acc)
{
    return acc->input && acc->input->class == LF_CLASS_REAL;
}

static enum lf_answer_kind
put_sum(struct lf_read *read, struct lf_tile_answer *answer,
        const struct lf_acc *acc)
{
    int64_t integer;
    double real;

    if (is_real(acc)) {
        lf_real_sum_double(&acc->real_sum, &real);
        return put_real(read, answer, real);
    }
    if (lf_sum_int64(&acc->sum, &integer))
        return put_integer(read, integer);
    answer->is_overflow = true;
    return LF_ANSWER_NULL;
}

static enum lf_answer_kind
put_moments(struct lf_read *read, struct lf_tile_answer *answer,
            const struct lf_acc *accs, const struct lf_tile_feature *feature)
{
    enum lf_aggregate_kind kind = feature->feature->aggregate->kind;
    uint64_t count = accs[feature->states[0]].count;
    const struct lf_acc *sum, *squares;
    bool of_sample = kind == LF_STDDEV;

    if (kind == LF_COUNT)
        return put_integer(read, (int64_t)count);
    if (count == 0 || (of_sample && count < 2))
        return LF_ANSWER_NULL;
    sum = &accs[feature->states[1]];
    if (kind == LF_SUM)
        return put_sum(read, answer, sum);
    if (kind == LF_AVG)
        return put_real(read, answer,
                        is_real(sum) ? lf_real_mean(&sum->real_sum, count)
                                     : lf_sum_mean(&sum->sum, count));
    squares = &accs[feature->states[2]];
    return put_real(
        read, answer,
        is_real(sum)
            ? lf_real_deviation(&sum->real_sum, &squares->real_squares, count,
                                of_sample)
            : lf_sum_deviation(&sum->sum, &squares->squares, count, of_sample));
}

/* --- lists -----------------------------------------------------------------*/

/* A STRING[]: count, ends, texts. */
static void
put_texts(struct lf_read *read, const struct lf_acc *acc, bool most)
{
    uint32_t count = (uint32_t)acc->count, end = 0;

    put(read, &count, sizeof count);
    for (uint32_t i = 0; i < count; i++) {
        end += most ? acc->items[i].most.size : acc->items[i].value.size;
        put(read, &end, sizeof end);
    }
    for (uint32_t i = 0; i < count; i++) {
        const struct lf_tile_value *value =
            most ? &acc->items[i].most : &acc->items[i].value;

        put(read, value->text, value->size);
    }
}

static enum lf_answer_kind
put_list(struct lf_read *read, const struct lf_acc *acc,
         const struct lf_tile_input *input, bool most)
{
    if (input->class == LF_CLASS_TEXT) {
        put_texts(read, acc, most);
        return LF_ANSWER_VALUE;
    }
    for (uint64_t i = 0; i < acc->count; i++)
        put_value(read, input,
                  most ? &acc->items[i].most : &acc->items[i].value);
    return LF_ANSWER_VALUE;
}

/* A sum or a mean of each key. */
static enum lf_answer_kind
put_sums(struct lf_read *read, struct lf_tile_answer *answer,
         const struct lf_acc *acc, bool is_mean)
{
    for (uint64_t i = 0; i < acc->count; i++) {
        const struct lf_item *item = &acc->items[i];
        enum lf_answer_kind kind;
        int64_t integer;
        double real;

        if (acc->reals && is_mean)
            real = lf_real_mean(&acc->reals[item->place], item->count);
        else if (acc->reals)
            lf_real_sum_double(&acc->reals[item->place], &real);
        else if (is_mean)
            real = lf_sum_mean(&item->sum, item->count);
        if (acc->reals || is_mean) {
            kind = put_real(read, answer, real);
        } else if (lf_sum_int64(&item->sum, &integer)) {
            kind = put_integer(read, integer);
        } else {
            answer->is_overflow = true;
            kind = LF_ANSWER_NULL;
        }
        if (kind == LF_ANSWER_NULL)
            return kind;
    }
    return LF_ANSWER_VALUE;
}

static enum lf_answer_kind
put_by(struct lf_read *read, struct lf_tile_answer *answer,
       const struct lf_acc *acc, const struct lf_aggregate *aggregate)
{
    if (acc->count > acc->state->k)
        return LF_ANSWER_NULL;
    if (aggregate->is_keys)
        return put_list(read, acc, acc->by, false);
    switch (aggregate->kind) {
    case LF_COUNT:
        for (uint64_t i = 0; i < acc->count; i++)
            put_integer(read, (int64_t)acc->items[i].count);
        return LF_ANSWER_VALUE;
    case LF_MIN:
    case LF_MAX:
        return put_list(read, acc, acc->input, true);
    default:
        return put_sums(read, answer, acc, aggregate->kind == LF_AVG);
    }
}

/* --- by aggregate ----------------------------------------------------------*/

static enum lf_answer_kind
put_empty(struct lf_read *read, const struct lf_feature *feature)
{
    uint32_t none = 0;

    switch (feature->aggregate->kind) {
    case LF_COUNT:
    case LF_COUNT_DISTINCT:
    case LF_APPROX_COUNT_DISTINCT:
        if (!feature->type.is_list)
            return put_integer(read, 0);
        break;
    default:
        break;
    }
    if (!feature->type.is_list)
        return LF_ANSWER_NULL;
    if (lf_type_element_size(feature->type.code) == 0)
        put(read, &none, sizeof none);
    return LF_ANSWER_VALUE;
}

static enum lf_answer_kind
put_answer(struct lf_read *read, struct lf_tile_answer *answer,
           const struct lf_acc *accs, const struct lf_tile_feature *feature)
{
    const struct lf_aggregate *aggregate = feature->feature->aggregate;
    const struct lf_acc *acc = &accs[feature->states[0]];

    if (aggregate->by != LF_NO_COLUMN)
        return put_by(read, answer, acc, aggregate);
    switch (acc->state->kind) {
    case LF_STATE_COUNT:
        return put_moments(read, answer, accs, feature);
    case LF_STATE_DISTINCT:
        return lf_distinct_is_full(&acc->distinct)
                   ? LF_ANSWER_NULL
                   : put_integer(read, acc->distinct.count);
    case LF_STATE_HLL:
        return put_integer(read, (int64_t)lf_hll_estimate(&acc->hll));
    case LF_STATE_DDSKETCH:
        return acc->dd.count == 0
                   ? LF_ANSWER_NULL
                   : put_real(read, answer,
                              lf_dd_quantile(&acc->dd, aggregate->quantile));
    default:
        break;
    }
    if (aggregate->k > 0 && aggregate->kind != LF_MIN &&
        aggregate->kind != LF_MAX)
        return put_list(read, acc, acc->input, false);
    if (acc->count == 0)
        return LF_ANSWER_NULL;
    put_value(read, acc->input, &acc->items[0].value);
    return LF_ANSWER_VALUE;
}

/* --- numbers as they are ---------------------------------------------------*/

/* A COUNT counts itself; it is never nothing. */
static void
find_number(struct lf_wanted *wanted, const struct lf_acc *acc,
            const struct lf_acc *counted)
{
    static const uint64_t always = 1;

    wanted->size = acc->op == LF_OP_COUNT || acc->op == LF_OP_SUM
                       ? 8
                       : (uint32_t)lf_type_element_size(acc->input->code);
    wanted->mask = UINT64_MAX >> (64 - 8 * wanted->size);
    wanted->counted = counted ? &counted->count : &always;
    wanted->acc = acc->op == LF_OP_SUM ? acc : NULL;
    if (acc->op == LF_OP_COUNT)
        wanted->number = &acc->count;
    else if (acc->op != LF_OP_SUM) /* of a double, too; low bytes come first */
        wanted->number = (const uint64_t *)&acc->items[0].value.integer;
}

void
lf_read_plain(const struct lf_read *read, struct lf_wanted *wanted)
{
    const struct lf_acc *accs = read->streams[wanted->stream].accs.accs, *acc;
    const uint32_t *states;

    wanted->counted = NULL;
    if (wanted->of == LF_TILE_NONE ||
        wanted->feature->aggregate->by != LF_NO_COLUMN)
        return;
    states = read->plan->features[wanted->of].states;
    if (wanted->feature->aggregate->kind == LF_COUNT) {
        find_number(wanted, &accs[states[0]], NULL);
        return;
    }
    acc = wanted->feature->aggregate->kind == LF_SUM ? &accs[states[1]]
                                                     : &accs[states[0]];
    if (acc->op >= LF_OP_SUM && acc->op <= LF_OP_REAL_MOST)
        find_number(wanted, acc, &accs[states[0]]);
}

/* A COUNT, SUM, MIN or MAX of plain numbers; all but the first are null where
 * nothing was counted. */
static void
answer_plain(const struct lf_wanted *wanted, struct lf_tile_answer *answer)
{
    bool has_value = *wanted->counted > 0;
    int64_t sum;

    answer->is_partial = wanted->is_partial;
    answer->is_overflow = false;
    answer->bytes = (const uint8_t *)&answer->word;
    if (!wanted->acc) {
        answer->word = *wanted->number & wanted->mask;
    } else {
        answer->is_overflow = !lf_sum_int64(&wanted->acc->sum, &sum);
        answer->word = (uint64_t)sum;
        has_value = has_value && !answer->is_overflow;
    }
    answer->kind = has_value ? LF_ANSWER_VALUE : LF_ANSWER_NULL;
    answer->size = has_value ? wanted->size : 0;
}

/* --- all of them -----------------------------------------------------------*/

/* Not into lf_read_answer, which has no use for registers that are saved. */
__attribute__((noinline)) static void
answer_other(struct lf_read *read, uint32_t which)
{
    const struct lf_wanted *wanted = &read->wanted[which];
    struct lf_tile_answer *answer = &read->reading.answers[which];
    size_t before = read->out.size;

    *answer = (struct lf_tile_answer){.is_partial = wanted->is_partial};
    if (wanted->is_past)
        answer->kind = LF_ANSWER_PAST;
    else if (wanted->of == LF_TILE_NONE)
        answer->kind = put_empty(read, wanted->feature);
    else
        answer->kind =
            put_answer(read, answer, read->streams[wanted->stream].accs.accs,
                       &read->plan->features[wanted->of]);
    read->has_bytes = true;
    if (answer->kind != LF_ANSWER_VALUE)
        read->out.size = before;
    if (answer->kind == LF_ANSWER_PAST)
        answer->is_partial = false;
    read->offsets[which] = before;
    answer->size = (uint32_t)(read->out.size - before);
}

void
lf_read_answer(struct lf_read *read, uint32_t which)
{
    const struct lf_wanted *wanted = &read->wanted[which];

    if (wanted->counted && !wanted->is_past)
        answer_plain(wanted, &read->reading.answers[which]);
    else
        answer_other(read, which);
}
