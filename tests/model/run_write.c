/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Batches and writes, on both sides.
 *
 * Owns the calls that fill batches, and the comparison of outcomes.
 * Keeps a batch that lives on until its slot is taken again.
 * Never predicts anything: predict.c does.
 */
#include "world.h"

#include <string.h>

#define ENTRIES_MAX 8
#define SETS_TWICE  8u /* a bit of a style: set, cleared, set again */

static const char *
columns_text(struct arena *arena, const struct batch_spec *spec)
{
    struct text text = {0};
    const char *made;

    if (!spec->lists_columns)
        return NULL;
    text_add_bytes(&text, NULL, 0);
    for (uint32_t i = 0; i < spec->column_count; i++)
        text_add(&text, "%s%s", i ? ", " : "", spec->columns[i].name);
    made = arena_copy(arena, text.data, text.size + 1);
    text_free(&text);
    return made;
}

static bool
compare_field(struct world *world, const struct batch_column *column,
              const struct feature_field *field)
{
    uint32_t flags = (column->type.is_list ? FEATURE_FIELD_LIST : 0u) |
                     (column->not_null ? FEATURE_FIELD_NOT_NULL : 0u);

    if (strcmp(field->name, column->name) != 0 ||
        field->type != column->type.code ||
        field->width != column->type.width || field->role != column->role ||
        field->flags != flags)
        return complain(world,
                        "batch column %s: type %d, width %u, role %d, flags "
                        "%u; the model has %s: %d, %u, %d, %u",
                        field->name, field->type, field->width, field->role,
                        field->flags, column->name, column->type.code,
                        column->type.width, column->role, flags);
    return true;
}

static bool
compare_columns(struct world *world, const struct live_batch *live)
{
    struct feature_error error = {0};
    struct feature_field field;

    for (uint32_t i = 0; i < live->column_count; i++)
        if (!expect_status(world, "feature_batch_column",
                           feature_batch_column(live->batch, i, &field, &error),
                           &error, OUTCOME_OK) ||
            !compare_field(world, &live->columns[i], &field))
            return false;
    return expect_status(
        world, "feature_batch_column past the last",
        feature_batch_column(live->batch, live->column_count, &field, &error),
        &error, OUTCOME(FEATURE_NOT_FOUND));
}

static outcomes
set_outcome(const struct batch_column *column, const struct column_data *data)
{
    if (data->type.is_list != column->type.is_list ||
        !type_accepts(column->type.code, data->type.code))
        return OUTCOME(FEATURE_INVALID);
    return OUTCOME_OK;
}

/* Sets one column. *done: it could be set. */
static bool
set_column(struct world *world, struct live_batch *live, uint32_t index,
           uint32_t style, bool *done)
{
    const struct batch_column *column = &live->columns[index];
    const struct column_data *data = column->data;
    outcomes expected = set_outcome(column, data);
    struct feature_error error = {0};
    struct buffers buffers;
    feature_status status;

    *done = expected == OUTCOME_OK;
    /* A vector of another width is a buffer of another size. */
    if (data->type.width != column->type.width)
        *done = false;
    if (!world->has_store || data->type.width != column->type.width)
        return true;
    buffers = buffers_make(&world->scratch, data, style + index);
    if (data->type.is_list)
        status = feature_batch_set_list(live->batch, index, data->type.code,
                                        buffers.values, buffers.offsets,
                                        buffers.child_offsets, buffers.validity,
                                        data->rows, &error);
    else
        status = feature_batch_set(live->batch, index, data->type.code,
                                   buffers.values, buffers.offsets,
                                   buffers.validity, data->rows, &error);
    return expect_status(world, "feature_batch_set", status, &error, expected);
}

static bool
set_columns(struct world *world, struct live_batch *live, uint32_t style)
{
    for (uint32_t i = 0; i < live->column_count; i++) {
        bool done;

        if (!live->columns[i].data)
            continue;
        if (!set_column(world, live, i, style, &done))
            return false;
        if (!done)
            live->columns[i].data = NULL;
    }
    return true;
}

/* Makes a batch on both sides; it exists where both could. */
static bool
make_batch(struct world *world, const struct batch_spec *spec, uint32_t handle,
           uint32_t style, struct live_batch *live)
{
    outcomes expected = batch_resolve(world, spec, live);
    const char *columns = columns_text(&world->scratch, spec);
    struct feature_error error = {0};

    live->exists = expected == OUTCOME_OK;
    live->handle = handle;
    if (world->has_store &&
        !expect_status(world, "feature_batch_create",
                       feature_batch_create(
                           world->handles[handle].store, spec->view, columns,
                           spec->operation, &live->batch, &error),
                       &error, expected))
        return false;
    if (!live->exists)
        return true;
    if (world->has_store && !compare_columns(world, live))
        return false;
    if (style & SETS_TWICE) {
        if (!set_columns(world, live, style))
            return false;
        feature_batch_clear(live->batch);
    }
    return set_columns(world, live, style);
}

bool
run_make_batch(struct world *world, const struct operation *operation)
{
    struct live_batch *live = &world->batches[operation->slot];

    feature_batch_free(live->batch);
    *live = (struct live_batch){0};
    return make_batch(world, &operation->batch, operation->handle,
                      operation->style, live);
}

static bool
compare_outcomes(struct world *world, const struct live_batch *live,
                 uint32_t index)
{
    static const char *const names[] = {"NONE",      "APPLIED", "LATE",
                                        "DUPLICATE", "FUTURE",  "REJECTED"};
    const uint8_t *got = feature_batch_outcomes(live->batch);
    struct feature_error error = {0};

    if (!got != !live->outcomes)
        return complain(world, "batch %u has %s outcomes, the model %s", index,
                        got ? "" : "no", live->outcomes ? "has" : "has none");
    for (uint32_t i = 0; got && i < live->rows; i++) {
        uint8_t model = live->outcomes[i];

        if (got[i] != model)
            return complain(world, "batch %u, row %u is %s, in the model %s",
                            index, i, got[i] < 6 ? names[got[i]] : "?",
                            names[model]);
        if (!expect_status(
                world, "feature_batch_problem",
                feature_batch_problem(live->batch, i, &error), &error,
                OUTCOME(model == FEATURE_OUTCOME_REJECTED ? FEATURE_INVALID
                                                          : FEATURE_OK)))
            return complain(world, "of batch %u, row %u", index, i);
        if (model == FEATURE_OUTCOME_REJECTED && error.row != (int64_t)i)
            return complain(world, "the problem of row %u names row %lld: %s",
                            i, (long long)error.row, error.message);
    }
    return true;
}

static bool
compare_failure(struct world *world, const struct write_result *model,
                const struct feature_error *error)
{
    if (error->status == FEATURE_CONFLICT) {
        world->counts.conflicts++;
        if (strcmp(error->reason, "schema-changed") != 0)
            return complain(world, "the write gives the reason \"%s\"",
                            error->reason);
    }
    if (model->knows_place &&
        (error->batch != model->batch || error->row != (int64_t)model->row))
        return complain(
            world,
            "the error names batch %u and row %lld (%s), the model %u and %u",
            error->batch, (long long)error->row, error->message, model->batch,
            model->row);
    return true;
}

static bool
write_store(struct world *world, const struct operation *operation,
            struct live_batch *const *lives, uint32_t count,
            const struct write_result *model)
{
    struct feature_write_options options = {.struct_size = sizeof options};
    struct feature_commit commit = {.struct_size = sizeof commit};
    feature_batch *batches[ENTRIES_MAX];
    struct feature_error error = {0};
    feature_status status;
    bool same;

    if (operation->skip_invalid)
        options.flags = FEATURE_WRITE_SKIP_INVALID;
    for (uint32_t i = 0; i < count; i++)
        batches[i] = lives[i]->batch;
    status = feature_store_write(world->handles[operation->handle].store,
                                 batches, count, &options, &commit, &error);
    same = expect_status(world, "feature_store_write", status, &error,
                         model->status);
    if (same && status)
        same = compare_failure(world, model, &error);
    if (same) /* after a failure: untouched */
        same = compare_commit(world, "feature_store_write", &commit,
                              &model->commit);
    for (uint32_t i = 0; same && i < count; i++)
        same = compare_outcomes(world, lives[i], i);
    return same;
}

/* Makes the batches of the write that are not there yet. *ready: all are. */
static bool
gather(struct world *world, const struct operation *operation,
       struct live_batch *made, struct live_batch **lives, uint32_t *count,
       bool *ready)
{
    for (uint32_t i = 0; i < operation->count; i++) {
        const struct write_entry *entry = &operation->entries[i];
        struct live_batch *live = &made[i];

        if (entry->from_slot) {
            live = &world->batches[entry->slot];
            if (!live->exists)
                continue;
        } else if (!make_batch(world, &entry->batch, operation->handle,
                               operation->style + i, live)) {
            return false;
        } else if (!live->exists) {
            *ready = false;
            return true;
        }
        lives[(*count)++] = live;
    }
    return true;
}

bool
run_write(struct world *world, const struct operation *operation)
{
    struct live_batch made[ENTRIES_MAX] = {0}, *lives[ENTRIES_MAX];
    struct write_result model;
    bool same, ready = true;
    uint32_t count = 0;

    same = gather(world, operation, made, lives, &count, &ready);
    if (same && ready) {
        predict_write(world, lives, count, operation->handle,
                      operation->skip_invalid, &model);
        if (world->has_store)
            same = write_store(world, operation, lives, count, &model);
    }
    for (uint32_t i = 0; i < operation->count; i++)
        feature_batch_free(made[i].batch);
    return same;
}
