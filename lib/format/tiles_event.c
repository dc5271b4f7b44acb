/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events: what of their cells enters a state.
 *
 * Owns conditions, the inputs of a plan, and the form in which the entry of one
 * event keeps them.
 * Keeps of an event what a state of the plan uses, and nothing else.
 * Never takes in a value that has no place in an order: NaN and infinities.
 */
#include "format/state_parts.h"

#include <math.h>

#include "base/alloc.h"
#include "base/bits.h"

bool
lf_put_varint(struct lf_buffer *to, uint64_t value)
{
    uint8_t bytes[LF_VARINT_MAX];

    return lf_buffer_append(to, bytes,
                            (size_t)(lf_varint_put(bytes, value) - bytes));
}

/* --- cells -----------------------------------------------------------------*/

bool
lf_tile_cell_is_valid(int32_t code, const struct lf_cell *cell)
{
    size_t size = lf_type_element_size(code);

    if (cell->is_null || size == 0)
        return true;
    if (cell->size != size)
        return false;
    if (code == FEATURE_TYPE_FLOAT32)
        return isfinite(lf_load_f32(cell->bytes));
    if (code == FEATURE_TYPE_FLOAT64)
        return isfinite(lf_load_f64(cell->bytes));
    return true;
}

void
lf_tile_cell_normalize(int32_t code, uint8_t *bytes)
{
    if (code == FEATURE_TYPE_FLOAT32)
        lf_store_f32(bytes, lf_load_f32(bytes) + 0.0f);
    else if (code == FEATURE_TYPE_FLOAT64)
        lf_store_f64(bytes, lf_load_f64(bytes) + 0.0);
}

static enum lf_tile_class
load_value(int32_t code, const uint8_t *bytes, uint32_t size,
           struct lf_tile_value *value)
{
    value->size = 0;
    switch (code) {
    case FEATURE_TYPE_BOOL:
        value->integer = *bytes != 0;
        return LF_CLASS_INT;
    case FEATURE_TYPE_INT32:
        value->integer = lf_load_i32(bytes);
        return LF_CLASS_INT;
    case FEATURE_TYPE_INT64:
    case FEATURE_TYPE_TIMESTAMP:
        value->integer = lf_load_i64(bytes);
        return LF_CLASS_INT;
    case FEATURE_TYPE_FLOAT32:
        value->real = (double)lf_load_f32(bytes) + 0.0;
        return LF_CLASS_REAL;
    case FEATURE_TYPE_FLOAT64:
        value->real = lf_load_f64(bytes) + 0.0;
        return LF_CLASS_REAL;
    default:
        value->text = bytes;
        value->size = size;
        return LF_CLASS_TEXT;
    }
}

int
lf_value_compare(enum lf_tile_class class, const struct lf_tile_value *a,
                 const struct lf_tile_value *b)
{
    uint32_t shorter;
    int order;

    switch (class) {
    case LF_CLASS_INT:
        return (a->integer > b->integer) - (a->integer < b->integer);
    case LF_CLASS_REAL:
        return (a->real > b->real) - (a->real < b->real);
    default:
        shorter = a->size < b->size ? a->size : b->size;
        order = shorter ? memcmp(a->text, b->text, shorter) : 0;
        return order ? order : (a->size > b->size) - (a->size < b->size);
    }
}

/* --- conditions ------------------------------------------------------------*/

/* A column of the event; false: null. */
static bool
load_column(const struct lf_event *kind, const struct lf_tile_event *event,
            uint32_t column, struct lf_tile_value *value,
            enum lf_tile_class *class, int32_t *code)
{
    const struct lf_cell *cell;

    if (column == LF_TIME_COLUMN) {
        value->integer = event->ts;
        value->size = 0;
        *class = LF_CLASS_INT;
        *code = FEATURE_TYPE_TIMESTAMP;
        return true;
    }
    if (column >= event->cell_count)
        return false;
    cell = &event->cells[column];
    *code = kind->columns[column].code;
    if (cell->is_null)
        return false;
    *class = load_value(*code, cell->bytes, cell->size, value);
    return true;
}

static bool
compares(enum lf_operator op, int order)
{
    switch (op) {
    case LF_EQUAL:
    case LF_IN:
        return order == 0;
    case LF_NOT_EQUAL:
        return order != 0;
    case LF_LESS:
        return order < 0;
    case LF_LESS_EQUAL:
        return order <= 0;
    case LF_GREATER:
        return order > 0;
    case LF_GREATER_EQUAL:
        return order >= 0;
    default:
        return false;
    }
}

static bool
term_holds(const struct lf_event *kind, const struct lf_term *term,
           const struct lf_tile_event *event)
{
    struct lf_tile_value value, literal;
    enum lf_tile_class class;
    int32_t code;
    bool has = load_column(kind, event, term->column, &value, &class, &code);

    if (term->op == LF_IS_NULL)
        return !has;
    if (term->op == LF_IS_NOT_NULL || !has)
        return has;
    for (uint32_t i = 0; i < term->literal_count; i++) {
        load_value(code, term->literals[i].bytes, term->literals[i].size,
                   &literal);
        if (compares(term->op, lf_value_compare(class, &value, &literal)))
            return true;
    }
    return false;
}

bool
lf_tile_holds(const struct lf_tile_plan *plan, uint32_t condition,
              const struct lf_tile_event *event)
{
    const struct lf_tile_condition *terms = &plan->conditions[condition];

    for (uint32_t i = 0; i < terms->term_count; i++)
        if (!term_holds(plan->event, &terms->terms[i], event))
            return false;
    return true;
}

/* --- inputs ----------------------------------------------------------------*/

bool
lf_inputs_init(struct lf_inputs *inputs, const struct lf_tile_plan *plan)
{
    inputs->holds = lf_alloc_array(plan->condition_count + 1, sizeof(bool));
    inputs->has =
        lf_alloc_array(2 * (size_t)plan->input_count + 1, sizeof(bool));
    inputs->values =
        lf_alloc_array(plan->input_count + 1, sizeof *inputs->values);
    return inputs->holds && inputs->has && inputs->values;
}

void
lf_inputs_free(struct lf_inputs *inputs)
{
    lf_free(inputs->holds);
    lf_free(inputs->has);
    lf_free(inputs->values);
}

void
lf_inputs_trim(struct lf_inputs *inputs, const struct lf_tile_plan *plan)
{
    bool *used = inputs->has + plan->input_count;

    memset(used, 0, plan->input_count * sizeof *used);
    for (uint32_t i = 0; i < plan->state_count; i++) {
        const struct lf_tile_state *state = &plan->states[i];

        if (state->input == LF_TILE_NONE && state->by == LF_TILE_NONE)
            continue;
        if ((state->condition != LF_TILE_NONE &&
             !inputs->holds[state->condition]) ||
            (state->by != LF_TILE_NONE && !inputs->has[state->by]) ||
            (state->input != LF_TILE_NONE && !inputs->has[state->input]))
            continue;
        if (state->input != LF_TILE_NONE)
            used[state->input] = true;
        if (state->by != LF_TILE_NONE)
            used[state->by] = true;
    }
    memcpy(inputs->has, used, plan->input_count * sizeof *used);
}

void
lf_inputs_of_event(struct lf_inputs *inputs, const struct lf_tile_plan *plan,
                   const struct lf_tile_event *event)
{
    enum lf_tile_class class;
    int32_t code;

    inputs->ts = event->ts;
    for (uint32_t i = 0; i < plan->condition_count; i++)
        inputs->holds[i] = lf_tile_holds(plan, i, event);
    for (uint32_t i = 0; i < plan->input_count; i++)
        inputs->has[i] = load_column(plan->event, event, plan->inputs[i].column,
                                     &inputs->values[i], &class, &code);
    lf_inputs_trim(inputs, plan);
}

bool
lf_inputs_put(const struct lf_inputs *inputs, const struct lf_tile_plan *plan,
              struct lf_buffer *to)
{
    uint32_t conditions = plan->condition_count;
    size_t size = lf_bits_size(conditions + plan->input_count);
    uint8_t *bits = size ? lf_buffer_extend(to, size) : NULL;

    if (size && !bits)
        return false;
    if (!size)
        return true;
    memset(bits, 0, size);
    for (uint32_t i = 0; i < conditions; i++)
        lf_bit_put(bits, i, inputs->holds[i]);
    for (uint32_t i = 0; i < plan->input_count; i++)
        lf_bit_put(bits, conditions + i, inputs->has[i]);
    for (uint32_t i = 0; i < plan->input_count; i++)
        if (inputs->has[i] && plan->inputs[i].column != LF_TIME_COLUMN &&
            !lf_value_put(&plan->inputs[i], &inputs->values[i], to))
            return false;
    return true;
}

bool
lf_inputs_get(struct lf_inputs *inputs, const struct lf_tile_plan *plan,
              struct lf_bytes_in *in)
{
    uint32_t conditions = plan->condition_count;
    size_t size = lf_bits_size(conditions + plan->input_count);
    const uint8_t *bits = in->at;

    if ((size_t)(in->end - in->at) < size)
        return false;
    in->at += size;
    for (uint32_t i = 0; i < conditions; i++)
        inputs->holds[i] = lf_bit_get(bits, i);
    for (uint32_t i = 0; i < plan->input_count; i++) {
        inputs->has[i] = lf_bit_get(bits, conditions + i);
        if (!inputs->has[i])
            continue;
        if (plan->inputs[i].column == LF_TIME_COLUMN)
            inputs->values[i].integer = inputs->ts;
        else if (!lf_value_get(&plan->inputs[i], &inputs->values[i], in))
            return false;
    }
    return true;
}

/* --- values in bytes -------------------------------------------------------*/

bool
lf_value_put(const struct lf_tile_input *input,
             const struct lf_tile_value *value, struct lf_buffer *to)
{
    float narrow;

    switch (input->class) {
    case LF_CLASS_INT:
        return lf_put_varint(to, lf_zigzag(value->integer));
    case LF_CLASS_REAL:
        if (input->code != FEATURE_TYPE_FLOAT32)
            return lf_buffer_append(to, &value->real, sizeof value->real);
        narrow = (float)value->real;
        return lf_buffer_append(to, &narrow, sizeof narrow);
    default:
        return lf_put_varint(to, value->size) &&
               (!value->size || lf_buffer_append(to, value->text, value->size));
    }
}

static bool
get_real(const struct lf_tile_input *input, struct lf_tile_value *value,
         struct lf_bytes_in *in)
{
    size_t size = input->code == FEATURE_TYPE_FLOAT32 ? 4 : 8;

    if ((size_t)(in->end - in->at) < size)
        return false;
    value->real = size == 4 ? (double)lf_load_f32(in->at) : lf_load_f64(in->at);
    in->at += size;
    return isfinite(value->real) && !(value->real == 0 && signbit(value->real));
}

bool
lf_value_get(const struct lf_tile_input *input, struct lf_tile_value *value,
             struct lf_bytes_in *in)
{
    uint64_t number;

    value->size = 0;
    switch (input->class) {
    case LF_CLASS_INT:
        if (!lf_in_varint(in, &number))
            return false;
        value->integer = lf_unzigzag(number);
        return input->code == FEATURE_TYPE_INT32
                   ? value->integer == (int32_t)value->integer
                   : input->code != FEATURE_TYPE_BOOL || number == 0 ||
                         number == 2;
    case LF_CLASS_REAL:
        return get_real(input, value, in);
    default:
        if (!lf_in_varint(in, &number) || number > (uint64_t)(in->end - in->at))
            return false;
        value->text = in->at;
        value->size = (uint32_t)number;
        in->at += number;
        return true;
    }
}
