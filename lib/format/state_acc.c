/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Accumulators: one fold for tiles, merges, reads and kept events.
 *
 * Owns how an event and an encoded state enter an accumulator, and its bytes.
 * Keeps an accumulator a function of the events in it: adding their tiles or
 * the events themselves gives the same bytes and the same answer.
 * Never follows bytes that it did not check.
 */
#include "format/state_parts.h"

#include "base/alloc.h"
#include "format/element.h"

static bool
is_real(const struct lf_acc *acc)
{
    return acc->input && acc->input->class == LF_CLASS_REAL;
}

static bool
init_items(struct lf_acc *acc)
{
    size_t k = acc->state->k;

    acc->items = lf_alloc_array(k + 1, sizeof *acc->items);
    acc->spare = lf_alloc_array(2 * k + 1, sizeof *acc->items);
    if (acc->state->kind == LF_STATE_BY_SUM && is_real(acc)) {
        acc->reals = lf_alloc_array(k + 1, sizeof *acc->reals);
        if (!acc->reals)
            return false;
    }
    return acc->items && acc->spare;
}

bool
lf_acc_init(struct lf_acc *acc, const struct lf_tile_plan *plan, uint32_t which)
{
    const struct lf_tile_state *state = &plan->states[which];

    acc->state = state;
    if (state->input != LF_TILE_NONE)
        acc->input = &plan->inputs[state->input];
    if (state->by != LF_TILE_NONE)
        acc->by = &plan->inputs[state->by];
    acc->is_varint =
        state->kind == LF_STATE_COUNT ||
        (acc->input && acc->input->class == LF_CLASS_INT &&
         (state->kind == LF_STATE_SUM || state->kind == LF_STATE_SQUARES ||
          state->kind == LF_STATE_MIN || state->kind == LF_STATE_MAX));
    if (lf_state_has_items(state->kind))
        return init_items(acc);
    if (state->kind == LF_STATE_DISTINCT)
        lf_distinct_init(&acc->distinct, acc->input->class == LF_CLASS_TEXT,
                         state->k);
    else if (state->kind == LF_STATE_HLL)
        lf_hll_init(&acc->hll, state->k);
    else if (state->kind == LF_STATE_DDSKETCH)
        return lf_dd_init(&acc->dd, state->error);
    return true;
}

void
lf_acc_free(struct lf_acc *acc)
{
    lf_free(acc->items);
    lf_free(acc->spare);
    lf_free(acc->reals);
    if (!acc->state)
        return;
    if (acc->state->kind == LF_STATE_DISTINCT)
        lf_distinct_free(&acc->distinct);
    else if (acc->state->kind == LF_STATE_HLL)
        lf_hll_free(&acc->hll);
    else if (acc->state->kind == LF_STATE_DDSKETCH)
        lf_dd_free(&acc->dd);
}

void
lf_acc_clear(struct lf_acc *acc)
{
    acc->failed = false;
    acc->count = 0;
    switch (acc->state->kind) {
    case LF_STATE_SUM:
        if (is_real(acc))
            lf_real_sum_clear(&acc->real_sum);
        else
            acc->sum = (struct lf_sum){{0}};
        break;
    case LF_STATE_SQUARES:
        if (is_real(acc))
            lf_real_squares_clear(&acc->real_squares);
        else
            acc->squares = (struct lf_squares){{0}};
        break;
    case LF_STATE_DISTINCT:
        lf_distinct_clear(&acc->distinct);
        break;
    case LF_STATE_HLL:
        lf_hll_clear(&acc->hll);
        break;
    case LF_STATE_DDSKETCH:
        lf_dd_clear(&acc->dd);
        break;
    default:
        break;
    }
}

/* --- one event -------------------------------------------------------------*/

static bool
takes(const struct lf_acc *acc, const struct lf_inputs *inputs)
{
    const struct lf_tile_state *state = acc->state;

    return (state->condition == LF_TILE_NONE ||
            inputs->holds[state->condition]) &&
           (state->input == LF_TILE_NONE || inputs->has[state->input]) &&
           (state->by == LF_TILE_NONE || inputs->has[state->by]);
}

static uint64_t
hash_of(const struct lf_tile_input *input, const struct lf_tile_value *value)
{
    uint8_t byte;

    if (input->class == LF_CLASS_TEXT)
        return lf_element_hash(value->text, value->size);
    if (input->class == LF_CLASS_REAL)
        return lf_element_hash_word(lf_element_real(value->real));
    byte = (uint8_t)value->integer;
    return input->code == FEATURE_TYPE_BOOL
               ? lf_element_hash(&byte, 1)
               : lf_element_hash_word((uint64_t)value->integer);
}

static bool
add_distinct(struct lf_acc *acc, const struct lf_tile_value *value)
{
    if (acc->input->class == LF_CLASS_TEXT)
        return lf_distinct_add_text(&acc->distinct, value->text, value->size);
    return lf_distinct_add_word(&acc->distinct,
                                is_real(acc) ? lf_element_real(value->real)
                                             : (uint64_t)value->integer);
}

static double
number_of(const struct lf_acc *acc, const struct lf_tile_value *value)
{
    return is_real(acc) ? value->real : (double)value->integer;
}

static void
add_moment(struct lf_acc *acc, const struct lf_tile_value *value)
{
    bool is_sum = acc->state->kind == LF_STATE_SUM;

    if (is_sum && is_real(acc))
        lf_real_sum_add(&acc->real_sum, value->real);
    else if (is_sum)
        lf_sum_add(&acc->sum, value->integer);
    else if (is_real(acc))
        lf_real_squares_add(&acc->real_squares, value->real);
    else
        lf_squares_add(&acc->squares, value->integer);
}

void
lf_acc_add(struct lf_acc *acc, const struct lf_inputs *inputs, bool before)
{
    const struct lf_tile_value *value = NULL;

    if (!takes(acc, inputs))
        return;
    if (acc->input)
        value = &inputs->values[acc->state->input];
    switch (acc->state->kind) {
    case LF_STATE_COUNT:
        acc->count++;
        break;
    case LF_STATE_SUM:
    case LF_STATE_SQUARES:
        add_moment(acc, value);
        break;
    case LF_STATE_DISTINCT:
        acc->failed |= !add_distinct(acc, value);
        break;
    case LF_STATE_HLL:
        acc->failed |= !lf_hll_add(&acc->hll, hash_of(acc->input, value));
        break;
    case LF_STATE_DDSKETCH:
        acc->failed |= !lf_dd_add(&acc->dd, number_of(acc, value));
        break;
    default:
        lf_items_add(acc, inputs, before);
    }
}

static bool
subtract_moment(struct lf_acc *acc, const struct lf_tile_value *value)
{
    bool is_sum = acc->state->kind == LF_STATE_SUM;

    if (is_sum && is_real(acc))
        lf_real_sum_subtract(&acc->real_sum, value->real);
    else if (is_sum)
        lf_sum_subtract(&acc->sum, value->integer);
    else if (is_real(acc))
        lf_real_squares_subtract(&acc->real_squares, value->real);
    else
        lf_squares_subtract(&acc->squares, value->integer);
    return true;
}

bool
lf_acc_subtract(struct lf_acc *acc, const struct lf_inputs *inputs)
{
    const struct lf_tile_value *value = NULL;

    if (!takes(acc, inputs))
        return true;
    if (acc->input)
        value = &inputs->values[acc->state->input];
    switch (acc->state->kind) {
    case LF_STATE_COUNT:
        return acc->count > 0 && acc->count--;
    case LF_STATE_SUM:
    case LF_STATE_SQUARES:
        return subtract_moment(acc, value);
    case LF_STATE_DDSKETCH:
        return lf_dd_subtract(&acc->dd, number_of(acc, value));
    case LF_STATE_BY_COUNT:
    case LF_STATE_BY_SUM:
        return lf_items_subtract(acc, inputs);
    default:
        return false;
    }
}

/* --- bytes -----------------------------------------------------------------*/

/* Most sums fit an int64, which is then their varint. */
static bool
add_small_sum(struct lf_acc *acc, struct lf_bytes_in *in)
{
    uint64_t value;

    if (acc->state->kind != LF_STATE_SUM || is_real(acc) ||
        !lf_in_varint(in, &value))
        return false;
    lf_sum_add(&acc->sum, lf_unzigzag(value));
    return true;
}

static size_t
add_moment_bytes(struct lf_acc *acc, const uint8_t *from, size_t size)
{
    bool is_sum = acc->state->kind == LF_STATE_SUM;

    if (is_sum && is_real(acc))
        return lf_real_sum_merge_bytes(&acc->real_sum, from, size);
    if (is_sum)
        return lf_sum_merge_bytes(&acc->sum, from, size);
    if (is_real(acc))
        return lf_real_squares_merge_bytes(&acc->real_squares, from, size);
    return lf_squares_merge_bytes(&acc->squares, from, size);
}

static size_t
check_sketch(const struct lf_acc *acc, const uint8_t *from, size_t size)
{
    if (acc->state->kind == LF_STATE_DISTINCT)
        return lf_distinct_check(acc->distinct.is_text, acc->distinct.cap, from,
                                 size);
    if (acc->state->kind == LF_STATE_HLL)
        return lf_hll_check(acc->state->k, from, size);
    return lf_dd_check(&acc->dd.mapping, from, size);
}

static size_t
add_sketch_bytes(struct lf_acc *acc, const uint8_t *from, size_t size)
{
    size_t used = check_sketch(acc, from, size);
    bool added;

    if (!used)
        return 0;
    if (acc->state->kind == LF_STATE_DISTINCT)
        added = lf_distinct_merge_bytes(&acc->distinct, from, used);
    else if (acc->state->kind == LF_STATE_HLL)
        added = lf_hll_merge_bytes(&acc->hll, acc->state->k, from, used);
    else
        added = lf_dd_merge_bytes(&acc->dd, from, used);
    acc->failed |= !added;
    return used;
}

bool
lf_acc_add_bytes(struct lf_acc *acc, struct lf_bytes_in *in, int64_t base,
                 uint64_t events, bool before)
{
    size_t used, room = (size_t)(in->end - in->at);
    uint64_t less;

    switch (acc->state->kind) {
    case LF_STATE_COUNT:
        if (!lf_in_varint(in, &less) || less > events)
            return false;
        acc->count += events - less;
        return true;
    case LF_STATE_SUM:
    case LF_STATE_SQUARES:
        if (add_small_sum(acc, in))
            return true;
        used = add_moment_bytes(acc, in->at, room);
        break;
    case LF_STATE_DISTINCT:
    case LF_STATE_HLL:
    case LF_STATE_DDSKETCH:
        used = add_sketch_bytes(acc, in->at, room);
        break;
    default:
        return lf_items_add_bytes(acc, in, base, before);
    }
    in->at += used;
    return used > 0;
}

void
lf_acc_add_none(struct lf_acc *acc, uint64_t events)
{
    if (acc->state->kind == LF_STATE_COUNT)
        acc->count += events;
}

/* Integers are one varint, of any length; sums of doubles tell their size. */
static bool
skip_moment(const struct lf_acc *acc, struct lf_bytes_in *in)
{
    uint64_t size, place;

    if (!is_real(acc)) {
        while (in->at < in->end)
            if (*in->at++ < 128)
                return true;
        return false;
    }
    if (!lf_in_varint(in, &size))
        return false;
    if (size == 0)
        return true;
    if (!lf_in_varint(in, &place) || size / 2 > (uint64_t)(in->end - in->at))
        return false;
    in->at += size / 2;
    return true;
}

bool
lf_acc_skip(const struct lf_acc *acc, struct lf_bytes_in *in)
{
    size_t used, room = (size_t)(in->end - in->at);
    uint64_t less;

    switch (acc->state->kind) {
    case LF_STATE_COUNT:
        return lf_in_varint(in, &less);
    case LF_STATE_SUM:
    case LF_STATE_SQUARES:
        return skip_moment(acc, in);
    case LF_STATE_DISTINCT:
    case LF_STATE_HLL:
    case LF_STATE_DDSKETCH:
        used = check_sketch(acc, in->at, room);
        break;
    default:
        return lf_items_skip(acc, in);
    }
    in->at += used;
    return used > 0;
}

static size_t
moment_bytes(const struct lf_acc *acc, uint8_t *bytes)
{
    bool is_sum = acc->state->kind == LF_STATE_SUM;

    if (is_sum && is_real(acc))
        return lf_real_sum_encode(&acc->real_sum, bytes);
    if (is_sum)
        return lf_sum_encode(&acc->sum, bytes);
    if (is_real(acc))
        return lf_real_squares_encode(&acc->real_squares, bytes);
    return lf_squares_encode(&acc->squares, bytes);
}

/* A sum of nothing, or of what cancels, is one zero. */
static bool
is_zero(const struct lf_acc *acc)
{
    uint8_t bytes[LF_REAL_SQUARES_SIZE_MAX];

    return moment_bytes(acc, bytes) == 1 && bytes[0] == 0;
}

bool
lf_acc_is_none(const struct lf_acc *acc, uint64_t events)
{
    switch (acc->state->kind) {
    case LF_STATE_COUNT:
        return acc->count == events;
    case LF_STATE_SUM:
    case LF_STATE_SQUARES:
        return is_zero(acc);
    case LF_STATE_DISTINCT:
        return acc->distinct.count == 0;
    case LF_STATE_HLL:
        return acc->hll.count == 0 && !acc->hll.has_registers;
    case LF_STATE_DDSKETCH:
        return acc->dd.count == 0;
    default:
        return acc->count == 0;
    }
}

bool
lf_acc_encode(struct lf_acc *acc, int64_t base, uint64_t events,
              struct lf_buffer *to)
{
    uint8_t bytes[LF_REAL_SQUARES_SIZE_MAX];

    switch (acc->state->kind) {
    case LF_STATE_COUNT:
        return lf_put_varint(to, events - acc->count);
    case LF_STATE_SUM:
    case LF_STATE_SQUARES:
        return lf_buffer_append(to, bytes, moment_bytes(acc, bytes));
    case LF_STATE_DISTINCT:
        return lf_distinct_encode(&acc->distinct, to);
    case LF_STATE_HLL:
        return lf_hll_encode(&acc->hll, to);
    case LF_STATE_DDSKETCH:
        return lf_dd_encode(&acc->dd, to);
    default:
        return lf_items_encode(acc, base, to);
    }
}
