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

static enum lf_acc_op
op_of(const struct lf_acc *acc)
{
    bool is_double = is_real(acc) && acc->input->code == FEATURE_TYPE_FLOAT64;

    if (acc->state->kind == LF_STATE_COUNT)
        return LF_OP_COUNT;
    if (!acc->input || acc->input->class == LF_CLASS_TEXT)
        return LF_OP_OTHER;
    switch (acc->state->kind) {
    case LF_STATE_SUM:
        return is_real(acc) ? LF_OP_REAL_SUM : LF_OP_SUM;
    case LF_STATE_MIN:
        return is_double      ? LF_OP_REAL_LEAST
               : is_real(acc) ? LF_OP_OTHER
                              : LF_OP_LEAST;
    case LF_STATE_MAX:
        return is_double      ? LF_OP_REAL_MOST
               : is_real(acc) ? LF_OP_OTHER
                              : LF_OP_MOST;
    default:
        return LF_OP_OTHER;
    }
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
    acc->op = op_of(acc);
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

/* Integers are words, lowest bytes first, without zero bytes at their end. */
static bool
load_words(const struct lf_bytes_in *in, uint64_t *words, uint32_t count)
{
    size_t size = (size_t)(in->end - in->at);

    if (size > 8 * (size_t)count || (size && in->end[-1] == 0))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        size_t some = size < 8 * (size_t)i ? 0 : size - 8 * (size_t)i;

        words[i] = lf_word_load(in->at + 8 * (size_t)i, some < 8 ? some : 8);
    }
    return true;
}

static bool
put_words(const uint64_t *words, uint32_t count, struct lf_buffer *to)
{
    uint8_t bytes[24] = {0};
    size_t size = 8 * (size_t)count;

    for (uint32_t i = 0; i < count; i++)
        lf_store_u64(bytes + 8 * (size_t)i, words[i]);
    while (size && !bytes[size - 1])
        size--;
    return !size || lf_buffer_append(to, bytes, size);
}

/* A sum is a zigzag of 128 bits. */
static bool
add_sum(struct lf_acc *acc, struct lf_bytes_in *in)
{
    uint64_t words[2], sign;
    struct lf_sum sum;

    if (!load_words(in, words, 2))
        return false;
    sign = words[0] & 1 ? UINT64_MAX : 0;
    sum.word[0] = (words[0] >> 1 | words[1] << 63) ^ sign;
    sum.word[1] = words[1] >> 1 ^ sign;
    lf_sum_merge(&acc->sum, &sum);
    in->at = in->end;
    return true;
}

static bool
put_sum(const struct lf_acc *acc, struct lf_buffer *to)
{
    const uint64_t *word = acc->sum.word;
    uint64_t sign = word[1] >> 63 ? UINT64_MAX : 0;
    uint64_t words[2] = {word[0] << 1 ^ sign,
                         (word[1] << 1 | word[0] >> 63) ^ sign};

    return put_words(words, 2, to);
}

static bool
add_squares(struct lf_acc *acc, struct lf_bytes_in *in)
{
    struct lf_squares squares;

    if (!load_words(in, squares.word, 3))
        return false;
    lf_squares_merge(&acc->squares, &squares);
    in->at = in->end;
    return true;
}

static bool
add_moment_bytes(struct lf_acc *acc, struct lf_bytes_in *in)
{
    size_t size = (size_t)(in->end - in->at), used;
    bool is_sum = acc->state->kind == LF_STATE_SUM;

    if (!is_real(acc))
        return is_sum ? add_sum(acc, in) : add_squares(acc, in);
    used = is_sum
               ? lf_real_sum_merge_bytes(&acc->real_sum, in->at, size)
               : lf_real_squares_merge_bytes(&acc->real_squares, in->at, size);
    in->at += used;
    return used > 1; /* one byte is the sum of nothing, which is left out */
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

static bool
add_sketch_bytes(struct lf_acc *acc, struct lf_bytes_in *in)
{
    const uint8_t *from = in->at;
    size_t used = check_sketch(acc, from, (size_t)(in->end - from));
    bool added;

    if (!used)
        return false;
    if (acc->state->kind == LF_STATE_DISTINCT)
        added = lf_distinct_merge_bytes(&acc->distinct, from, used);
    else if (acc->state->kind == LF_STATE_HLL)
        added = lf_hll_merge_bytes(&acc->hll, acc->state->k, from, used);
    else
        added = lf_dd_merge_bytes(&acc->dd, from, used);
    acc->failed |= !added;
    in->at += used;
    return true;
}

/* How many events do not count. */
static bool
add_count(struct lf_acc *acc, struct lf_bytes_in *in, uint64_t events)
{
    uint64_t less;

    if (!load_words(in, &less, 1) || less > events)
        return false;
    acc->count += events - less;
    in->at = in->end;
    return true;
}

bool
lf_acc_add_bytes(struct lf_acc *acc, struct lf_bytes_in *in, int64_t base,
                 uint64_t events, bool before)
{
    bool is_sound;

    if (acc->state->kind == LF_STATE_COUNT)
        return add_count(acc, in, events);
    if (in->at == in->end)
        return true;
    switch (acc->state->kind) {
    case LF_STATE_SUM:
    case LF_STATE_SQUARES:
        is_sound = add_moment_bytes(acc, in);
        break;
    case LF_STATE_DISTINCT:
    case LF_STATE_HLL:
    case LF_STATE_DDSKETCH:
        is_sound = add_sketch_bytes(acc, in);
        break;
    default:
        is_sound = lf_items_add_bytes(acc, in, base, before);
    }
    return is_sound && in->at == in->end;
}

static bool
put_moment(const struct lf_acc *acc, struct lf_buffer *to)
{
    uint8_t bytes[LF_REAL_SQUARES_SIZE_MAX];
    bool is_sum = acc->state->kind == LF_STATE_SUM;
    size_t size;

    if (!is_real(acc))
        return is_sum ? put_sum(acc, to) : put_words(acc->squares.word, 3, to);
    size = is_sum ? lf_real_sum_encode(&acc->real_sum, bytes)
                  : lf_real_squares_encode(&acc->real_squares, bytes);
    return size == 1 || lf_buffer_append(to, bytes, size);
}

bool
lf_acc_encode(struct lf_acc *acc, int64_t base, uint64_t events,
              struct lf_buffer *to)
{
    uint64_t less;

    switch (acc->state->kind) {
    case LF_STATE_COUNT:
        less = events - acc->count;
        return put_words(&less, 1, to);
    case LF_STATE_SUM:
    case LF_STATE_SQUARES:
        return put_moment(acc, to);
    case LF_STATE_DISTINCT:
        return acc->distinct.count == 0 ||
               lf_distinct_encode(&acc->distinct, to);
    case LF_STATE_HLL:
        return (acc->hll.count == 0 && !acc->hll.has_registers) ||
               lf_hll_encode(&acc->hll, to);
    case LF_STATE_DDSKETCH:
        return acc->dd.count == 0 || lf_dd_encode(&acc->dd, to);
    default:
        return acc->count == 0 || lf_items_encode(acc, base, to);
    }
}
