/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Queries and reads, on both sides.
 *
 * Owns the calls that make queries, set keys and times, and read.
 * Keeps a request between reads: what one does not set stays as it was.
 * Never judges a value: compare.c does.
 */
#include "world.h"

#include <stdlib.h>
#include <string.h>

static bool
make_query(struct world *world, const struct query_spec *spec, uint32_t handle,
           struct live_query *live)
{
    struct feature_query_options options = {
        .struct_size = sizeof options,
        .fill = spec->fill,
        .known_by = spec->known_by,
        .flags = spec->is_matrix ? FEATURE_QUERY_MATRIX : 0};
    struct selection *selection = arena_alloc(&world->arena, sizeof *selection);
    outcomes expected =
        select_items(&world->arena, &world->catalog, spec->items, spec->count,
                     spec->is_matrix, selection);
    struct feature_error error = {0};
    struct text text = {0};
    feature_status status;

    *live = (struct live_query){.handle = handle,
                                .selection = selection,
                                .fill = spec->fill,
                                .known_by = spec->known_by,
                                .is_matrix = spec->is_matrix};
    if (!spec->count || expected & OUTCOME_BEYOND)
        return true;
    live->exists = expected == OUTCOME_OK;
    live->keys =
        arena_array(&world->arena, selection->key_count, sizeof *live->keys);
    if (!world->has_store)
        return true;
    items_print(&text, spec->items, spec->count);
    status = feature_query_create(world->handles[handle].store, text.data,
                                  &options, &live->query, &error);
    text_free(&text);
    if (!expect_status(world, "feature_query_create", status, &error, expected))
        return false;
    if (!live->exists)
        return true;
    return expect_status(
               world, "feature_request_create",
               feature_request_create(live->query, &live->request, &error),
               &error, OUTCOME_OK) &&
           compare_query(world, live);
}

static void
free_query(struct live_query *live)
{
    feature_request_free(live->request);
    feature_query_free(live->query);
    *live = (struct live_query){0};
}

bool
run_make_query(struct world *world, const struct operation *operation)
{
    struct live_query *live = &world->queries[operation->slot];

    free_query(live);
    return make_query(world, &operation->query, operation->handle, live);
}

static bool
are_texts(const struct column_data *data)
{
    for (uint32_t i = 0; i < data->rows; i++)
        if (!value_is_text(data->type, data->values[i]))
            return false;
    return true;
}

static bool
set_key(struct world *world, struct live_query *live, uint32_t index,
        const struct column_data *data, uint32_t style)
{
    struct type type = {.code = live->selection->keys[index].code, .width = 1};
    bool accepts = type_accepts(type.code, data->type.code) && are_texts(data);
    struct feature_error error = {0};
    struct buffers buffers;
    struct value *values;

    if (accepts) {
        values = arena_array(&world->arena, data->rows, sizeof *values);
        for (uint32_t i = 0; i < data->rows; i++)
            values[i] =
                value_widen(&world->arena, data->type, type, data->values[i]);
        live->keys[index] = (struct key_values){
            .is_set = true, .rows = data->rows, .values = values};
    }
    if (!world->has_store)
        return true;
    buffers = buffers_make(&world->scratch, data, style + index);
    return expect_status(
        world, "feature_request_set_key",
        feature_request_set_key(live->request, index, data->type.code,
                                buffers.values, buffers.offsets,
                                buffers.validity, data->rows, &error),
        &error, accepts ? OUTCOME_OK : OUTCOME(FEATURE_INVALID));
}

static bool
set_times(struct world *world, struct live_query *live,
          const struct read_spec *spec)
{
    outcomes expected = OUTCOME_OK;
    struct feature_error error = {0};
    uint32_t rows = 0;

    if (spec->times_action == TIMES_KEEP)
        return true;
    if (spec->times_action == TIMES_SET)
        rows = spec->time_rows;
    for (uint32_t i = 0; i < rows; i++)
        if (spec->times[i] == TIME_UNSET)
            expected = OUTCOME(FEATURE_INVALID);
    if (expected == OUTCOME_OK) {
        live->time_rows = rows;
        live->times = spec->times;
    }
    return !world->has_store ||
           expect_status(world, "feature_request_set_as_of",
                         feature_request_set_as_of(live->request, spec->times,
                                                   rows, &error),
                         &error, expected);
}

static bool
set_request(struct world *world, struct live_query *live,
            const struct read_spec *spec, uint32_t style)
{
    if (spec->clears) {
        feature_request_clear(live->request);
        memset(live->keys, 0, live->selection->key_count * sizeof *live->keys);
        live->time_rows = 0;
    }
    for (uint32_t i = 0; i < live->selection->key_count && i < spec->key_count;
         i++)
        if (spec->sets_key[i] &&
            !set_key(world, live, i, &spec->keys[i], style))
            return false;
    return set_times(world, live, spec);
}

/* How many rows the read has: any key without rows empties it. Counts that
 * contradict each other while there is an empty one are not asked for. */
static outcomes
count_rows(const struct live_query *live, uint32_t *rows)
{
    outcomes expected = OUTCOME_OK;
    bool is_empty = false;

    *rows = live->time_rows > 1 ? live->time_rows : 1;
    for (uint32_t i = 0; i < live->selection->key_count; i++) {
        const struct key_values *key = &live->keys[i];

        if (!key->is_set)
            return OUTCOME(FEATURE_INVALID);
        is_empty |= key->rows == 0;
        if (key->rows <= 1)
            continue;
        if (*rows > 1 && *rows != key->rows)
            expected = OUTCOME(FEATURE_INVALID);
        *rows = key->rows;
    }
    if (is_empty && expected != OUTCOME_OK)
        return OUTCOME_BEYOND;
    *rows = is_empty ? 0 : *rows;
    return expected;
}

static outcomes
predict(struct world *world, const struct live_query *live, bool as_matrix,
        struct read *read, struct answer *answer)
{
    const struct selection *selection = live->selection;
    outcomes expected;
    struct value value;

    *read = (struct read){
        .catalog = &world->catalog,
        .selection = selection,
        .keys = live->keys,
        .time_rows = live->time_rows,
        .times = live->time_rows ? live->times : NULL,
        .fill = live->fill,
        .now = world->now,
        .known_by = live->known_by < world->commit_time ? live->known_by : 0,
        .plant = world->plant};
    if (as_matrix && !live->is_matrix)
        return OUTCOME(FEATURE_INVALID);
    expected = count_rows(live, &read->rows);
    if (expected != OUTCOME_OK)
        return expected;
    expected = read_answer(&world->scratch, read, answer);
    if (expected != OUTCOME_OK || as_matrix)
        return expected;
    for (uint32_t i = 0; i < selection->column_count * read->rows; i++)
        if (!answer_fits(&world->scratch, &answer->cells[i],
                         selection->columns[i / read->rows].type, &value))
            return OUTCOME(FEATURE_CONFLICT);
    return OUTCOME_OK;
}

static bool
compare_failure(struct world *world, const struct live_query *live,
                const struct feature_error *error)
{
    if (error->status == FEATURE_CONFLICT) {
        world->counts.conflicts++;
        if (strcmp(error->reason, "schema-changed") != 0)
            return complain(world, "the read gives the reason \"%s\"",
                            error->reason);
    }
    if (feature_request_states(live->request, 0) ||
        feature_request_timestamps(live->request, 0) ||
        feature_request_row_count(live->request) ||
        feature_request_commit(live->request) ||
        feature_request_now(live->request))
        return complain(world, "a request answers after a failed read");
    return true;
}

static bool
read_columns(struct world *world, struct live_query *live,
             const struct read *read, const struct answer *answer,
             outcomes expected)
{
    struct feature_error error = {0};
    feature_status status = feature_request_read(live->request, &error);

    if (!expect_status(world, "feature_request_read", status, &error, expected))
        return false;
    if (status)
        return compare_failure(world, live, &error);
    return compare_answer(world, live, read, answer);
}

#define STRIDE_SPARE 2 /* floats after a row, which have to stay as they are */

static bool
read_matrix(struct world *world, struct live_query *live,
            const struct read *read, const struct answer *answer,
            outcomes expected)
{
    size_t stride =
        feature_query_matrix_width(live->query) + (size_t)STRIDE_SPARE;
    float *matrix =
        arena_array(&world->scratch, (read->rows + 1) * stride, sizeof *matrix);
    struct feature_error error = {0};
    feature_status status =
        feature_request_read_matrix(live->request, matrix, stride, &error);

    if (!expect_status(world, "feature_request_read_matrix", status, &error,
                       expected))
        return false;
    for (size_t i = 0; status && i < (read->rows + 1) * stride; i++)
        if (matrix[i] != 0)
            return complain(world, "a failed read wrote into the matrix");
    if (status)
        return error.status == FEATURE_INVALID ||
               compare_failure(world, live, &error);
    return compare_matrix(world, live, read, answer, matrix, stride);
}

static bool
read_both(struct world *world, struct live_query *live,
          const struct operation *operation)
{
    bool as_matrix = operation->read.as_matrix;
    struct answer answer = {0};
    struct read read = {0};
    outcomes expected;

    if (!set_request(world, live, &operation->read, operation->style))
        return false;
    expected = predict(world, live, as_matrix, &read, &answer);
    if (expected & OUTCOME_BEYOND)
        return true;
    if (expected == OUTCOME_OK) {
        world->handles[operation->handle].reads++;
        world->handles[operation->handle].read_rows += read.rows;
    }
    if (!world->has_store)
        return true;
    world->counts.cells_read +=
        (uint64_t)read.rows * live->selection->column_count;
    if (as_matrix)
        return read_matrix(world, live, &read, &answer, expected);
    return read_columns(world, live, &read, &answer, expected);
}

bool
run_read(struct world *world, const struct operation *operation)
{
    struct live_query made = {0}, *live = &world->queries[operation->slot];
    bool same = true;

    if (operation->has_query) {
        live = &made;
        same = make_query(world, &operation->query, operation->handle, live);
    }
    if (same && live->exists && live->handle == operation->handle)
        same = read_both(world, live, operation);
    free_query(&made);
    return same;
}
