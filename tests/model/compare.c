/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers of both sides, byte for byte.
 *
 * Owns the reading of columns and matrices in their published layout.
 * Keeps to bits: a NaN is not another NaN, and zero is not minus zero.
 * Never looks past the rows that were asked for.
 */
#include "world.h"

#include <math.h>
#include <string.h>

static bool
bit(const uint8_t *bits, uint32_t i)
{
    return bits[i / 8] >> i % 8 & 1;
}

/* Where a cell is, for a complaint. */
struct place {
    const struct column *column;
    uint32_t row;
};

static bool
differ(struct world *world, struct place place, struct type type,
       struct value got, struct value model)
{
    struct text a = {0}, b = {0};

    value_print(&a, type, got);
    value_print(&b, type, model);
    complain(world, "row %u, column %s: the store answers %s, the model %s%s",
             place.row, place.column->name, a.data, b.data,
             strcmp(a.data, b.data) != 0 ? "" : " (other bits)");
    text_free(&a);
    text_free(&b);
    return false;
}

/* STRING[] from the store to the model's form. */
static struct value
take_strings(struct arena *arena, const struct feature_column *column,
             uint32_t row)
{
    const int32_t *ends = column->child_offsets;
    int32_t first = column->offsets[row], last = column->offsets[row + 1];
    uint8_t *bytes = arena_alloc(arena, (size_t)(ends[last] - ends[first]) +
                                            4 * (size_t)(last - first));
    uint32_t size = 0;

    for (int32_t i = first; i < last; i++) {
        uint32_t one = (uint32_t)(ends[i + 1] - ends[i]);

        memcpy(bytes + size, &one, sizeof one);
        if (one)
            memcpy(bytes + size + 4, (const uint8_t *)column->values + ends[i],
                   one);
        size += 4 + one;
    }
    return (struct value){.size = size, .bytes = bytes};
}

/* The bytes of a row, be it null or not. */
static struct value
take_value(struct arena *arena, const struct feature_column *column,
           struct type type, uint32_t row)
{
    uint32_t size = element_size(type.code);
    const uint8_t *values = column->values;
    uint8_t *made;

    if (type.is_list && type_is_text(type.code))
        return take_strings(arena, column, row);
    if (type_is_variable(type)) {
        size = size ? size : 1;
        return (struct value){
            .bytes = values + size * (size_t)column->offsets[row],
            .size = size * (uint32_t)(column->offsets[row + 1] -
                                      column->offsets[row])};
    }
    if (type.code != FEATURE_TYPE_BOOL)
        return (struct value){.bytes = values + (size_t)row * size * type.width,
                              .size = size * type.width};
    made = arena_alloc(arena, 1);
    *made = bit(values, row);
    return (struct value){.bytes = made, .size = 1};
}

static bool
is_zero(const struct value *value)
{
    for (uint32_t i = 0; i < value->size; i++)
        if (value->bytes[i])
            return false;
    return true;
}

static bool
compare_cell(struct world *world, struct place place,
             const struct feature_column *got, const struct answer_cell *cell)
{
    struct type type = place.column->type;
    struct value value = take_value(&world->scratch, got, type, place.row);
    bool is_null = !bit(got->validity, place.row);
    bool is_defaulted = got->defaulted && bit(got->defaulted, place.row);
    struct value model;

    answer_fits(&world->scratch, cell, type, &model);
    if (is_null && !is_zero(&value))
        return complain(world, "row %u, column %s: bytes under a null",
                        place.row, place.column->name);
    if (is_null && type_is_variable(type) && value.size)
        return complain(world, "row %u, column %s: a null has a size",
                        place.row, place.column->name);
    value.is_null = is_null;
    if (!value_equal(&value, &model))
        return differ(world, place, type, value, model);
    if (is_defaulted != cell->is_defaulted)
        return complain(world,
                        "row %u, column %s: defaulted is %d, in the "
                        "model %d",
                        place.row, place.column->name, is_defaulted,
                        cell->is_defaulted);
    return true;
}

static bool
compare_head(struct world *world, const struct column *column,
             const struct feature_column *got, uint32_t rows, uint32_t nulls,
             bool any_defaulted)
{
    bool is_variable = type_is_variable(column->type);
    bool is_strings = column->type.is_list && type_is_text(column->type.code);

    if (got->rows != rows || got->type != column->type.code ||
        got->width != column->type.width || got->null_count != nulls ||
        !got->validity || !got->offsets == is_variable ||
        !got->child_offsets == is_strings || !got->defaulted == any_defaulted)
        return complain(world,
                        "column %s: %u rows, type %d, width %u, %u nulls%s; "
                        "the model has %u, %d, %u, %u%s",
                        column->name, got->rows, got->type, got->width,
                        got->null_count, got->defaulted ? ", defaults" : "",
                        rows, column->type.code, column->type.width, nulls,
                        any_defaulted ? ", defaults" : "");
    if ((is_variable && got->offsets[0]) ||
        (is_strings && got->child_offsets[0]))
        return complain(world, "column %s: the offsets do not begin at 0",
                        column->name);
    return true;
}

/* Whether all buffers are there that the type needs. */
static bool
is_readable(const struct column *column, const struct feature_column *got,
            uint32_t rows)
{
    bool is_strings = column->type.is_list && type_is_text(column->type.code);

    return got->rows == rows && got->validity &&
           (got->offsets || !type_is_variable(column->type)) &&
           (got->child_offsets || !is_strings);
}

static bool
compare_column(struct world *world, const struct column *column,
               const struct feature_column *got, uint32_t rows,
               const struct answer_cell *cells)
{
    bool any_defaulted = false;
    uint32_t nulls = 0;

    for (uint32_t i = 0; i < rows; i++) {
        nulls += cells[i].value.is_null;
        any_defaulted |= cells[i].is_defaulted;
    }
    for (uint32_t i = 0; is_readable(column, got, rows) && i < rows; i++)
        if (!compare_cell(world, (struct place){column, i}, got, &cells[i]))
            return false;
    return compare_head(world, column, got, rows, nulls, any_defaulted);
}

/* States, timestamps, commit and clock. */
static bool
compare_rows(struct world *world, const struct live_query *live,
             const struct read *read, const struct answer *answer)
{
    feature_request *request = live->request;

    if (feature_request_row_count(request) != read->rows ||
        feature_request_commit(request) != world->sequence ||
        feature_request_now(request) != world->now)
        return complain(
            world,
            "%u rows of commit %llu at %lld; the model has %u, %llu, "
            "%lld",
            feature_request_row_count(request),
            (unsigned long long)feature_request_commit(request),
            (long long)feature_request_now(request), read->rows,
            (unsigned long long)world->sequence, (long long)world->now);
    for (uint32_t i = 0; i < live->selection->role_count; i++) {
        const uint8_t *states = feature_request_states(request, i);
        const int64_t *times = feature_request_timestamps(request, i);
        const char *name = live->selection->roles[i].name;

        for (uint32_t j = 0; j < read->rows; j++) {
            size_t at = (size_t)i * read->rows + j;

            if (states[j] != answer->states[at])
                return complain(world,
                                "row %u, view %s: state %u, in the "
                                "model %u",
                                j, name, states[j], answer->states[at]);
            if (times[j] != answer->timestamps[at])
                return complain(world,
                                "row %u, view %s: timestamp %lld, in "
                                "the model %lld",
                                j, name, (long long)times[j],
                                (long long)answer->timestamps[at]);
        }
    }
    return true;
}

bool
compare_answer(struct world *world, const struct live_query *live,
               const struct read *read, const struct answer *answer)
{
    const struct selection *selection = live->selection;
    struct feature_column got[COLUMNS_MAX], one;
    struct feature_error error = {0};

    if (answer->is_loose)
        return true;
    if (!compare_rows(world, live, read, answer))
        return false;
    if (!expect_status(world, "feature_request_columns",
                       feature_request_columns(live->request, got,
                                               selection->column_count, &error),
                       &error, OUTCOME_OK))
        return false;
    for (uint32_t i = 0; i < selection->column_count; i++)
        if (!compare_column(world, &selection->columns[i], &got[i], read->rows,
                            answer->cells + (size_t)i * read->rows))
            return false;
    if (!expect_status(world, "feature_request_column",
                       feature_request_column(live->request,
                                              selection->column_count - 1, &one,
                                              &error),
                       &error, OUTCOME_OK))
        return false;
    if (memcmp(&one, &got[selection->column_count - 1], sizeof one) != 0)
        return complain(world, "the last column alone differs");
    return true;
}

static bool
compare_floats(struct world *world, struct place place, const float *got,
               const float *model)
{
    uint32_t width = place.column->type.width;

    if (memcmp(got, model, width * sizeof *got) == 0)
        return true;
    for (uint32_t i = 0; i < width; i++)
        if (memcmp(&got[i], &model[i], sizeof *got) != 0)
            return complain(world,
                            "matrix, row %u, column %s, %u: %a, in the "
                            "model %a",
                            place.row, place.column->name, i, (double)got[i],
                            (double)model[i]);
    return false;
}

static bool
compare_matrix_row(struct world *world, const struct live_query *live,
                   const struct read *read, const struct answer *answer,
                   const float *got, uint32_t row)
{
    const struct selection *selection = live->selection;
    int64_t at = read->now;
    float model[WIDTH_MAX];

    if (read->times)
        at = read->times[read->time_rows == 1 ? 0 : row];
    for (uint32_t i = 0; i < selection->column_count; i++) {
        const struct column *column = &selection->columns[i];
        const struct answer_cell *cell =
            &answer->cells[(size_t)i * read->rows + row];

        value_floats(cell->stored, cell->value, at, model);
        if (!compare_floats(world, (struct place){column, row}, got, model))
            return false;
        got += column->type.width;
    }
    return true;
}

bool
compare_matrix(struct world *world, const struct live_query *live,
               const struct read *read, const struct answer *answer,
               const float *matrix, size_t stride)
{
    size_t width = feature_query_matrix_width(live->query);

    if (answer->is_loose)
        return true;
    if (!compare_rows(world, live, read, answer))
        return false;
    for (uint32_t i = 0; i < read->rows; i++) {
        const float *row = matrix + i * stride;

        if (!compare_matrix_row(world, live, read, answer, row, i))
            return false;
        for (size_t j = width; j < stride; j++)
            if (row[j] != 0)
                return complain(world, "matrix, row %u: written past its end",
                                i);
    }
    return true;
}

static bool
compare_field(struct world *world, const struct feature_field *got,
              const struct feature_field *model)
{
    if (!strcmp(got->name, model->name) && got->type == model->type &&
        got->width == model->width && got->role == model->role &&
        got->view == model->view && got->flags == model->flags)
        return true;
    return complain(world,
                    "field %s: type %d, width %u, role %d, view %u, flags %u; "
                    "the model has %s: %d, %u, %d, %u, %u",
                    got->name, got->type, got->width, got->role, got->view,
                    got->flags, model->name, model->type, model->width,
                    model->role, model->view, model->flags);
}

static bool
compare_fields(struct world *world, const struct live_query *live)
{
    const struct selection *selection = live->selection;
    struct feature_field got = {0};

    for (uint32_t i = 0; i < selection->key_count; i++) {
        struct feature_field model = {.name = selection->keys[i].name,
                                      .type = selection->keys[i].code,
                                      .width = 1,
                                      .role = FEATURE_ROLE_JOIN_KEY,
                                      .flags = FEATURE_FIELD_NOT_NULL};

        feature_query_key(live->query, i, &got, NULL);
        if (!compare_field(world, &got, &model))
            return false;
    }
    for (uint32_t i = 0; i < selection->role_count; i++) {
        struct feature_field model = {.name = selection->roles[i].name,
                                      .role = FEATURE_ROLE_VIEW,
                                      .view = i};

        feature_query_view(live->query, i, &got, NULL);
        if (!compare_field(world, &got, &model))
            return false;
    }
    for (uint32_t i = 0; i < selection->column_count; i++) {
        const struct column *column = &selection->columns[i];
        struct feature_field model = {
            .name = column->name,
            .type = column->type.code,
            .width = column->type.width,
            .role = FEATURE_ROLE_FEATURE,
            .view = column->role,
            .flags = (column->type.is_list ? FEATURE_FIELD_LIST : 0u) |
                     (column->not_null ? FEATURE_FIELD_NOT_NULL : 0u)};

        feature_query_column(live->query, i, &got, NULL);
        if (!compare_field(world, &got, &model))
            return false;
    }
    return true;
}

/* Equal numbers mean equal keys and columns, and the other way round. */
static bool
compare_fingerprint(struct world *world, const struct live_query *live)
{
    const struct selection *selection = live->selection;
    uint64_t number = feature_query_fingerprint(live->query);
    struct fingerprint *at = world->fingerprints;
    struct text text = {0};
    bool same = true;

    for (uint32_t i = 0; i < selection->key_count; i++)
        text_add(&text, "%s %d;", selection->keys[i].name,
                 selection->keys[i].code);
    for (uint32_t i = 0; i < selection->column_count; i++) {
        text_add(&text, "|%s ", selection->columns[i].name);
        type_print(&text, selection->columns[i].type);
    }
    while (at && same) {
        same = (at->number == number) == !strcmp(at->signature, text.data);
        if (!same || at->number == number)
            break;
        at = at->next;
    }
    if (!same)
        complain(world, "one fingerprint of %s and %s", at->signature,
                 text.data);
    if (!at) {
        at = arena_alloc(&world->arena, sizeof *at);
        at->number = number;
        at->signature = arena_copy(&world->arena, text.data, text.size + 1);
        at->next = world->fingerprints;
        world->fingerprints = at;
    }
    text_free(&text);
    return same;
}

bool
compare_query(struct world *world, const struct live_query *live)
{
    const struct selection *selection = live->selection;
    uint32_t width = 0;

    for (uint32_t i = 0; live->is_matrix && i < selection->column_count; i++)
        width += selection->columns[i].type.width;
    if (feature_query_key_count(live->query) != selection->key_count ||
        feature_query_column_count(live->query) != selection->column_count ||
        feature_query_view_count(live->query) != selection->role_count ||
        feature_query_matrix_width(live->query) != width)
        return complain(world, "the query has %u keys, %u columns, %u views",
                        feature_query_key_count(live->query),
                        feature_query_column_count(live->query),
                        feature_query_view_count(live->query));
    return compare_fields(world, live) && compare_fingerprint(world, live);
}
