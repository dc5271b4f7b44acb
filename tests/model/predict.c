/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the model answers to batches and writes.
 *
 * Owns outcomes row by row, in the order of the batches and of their rows.
 * Keeps a call whole: what fails leaves no trace in the model.
 * Never groups or sorts rows: that is the library's business.
 */
#include "world.h"

#include <string.h>

/* An entry's row before the call changed it. */
struct undo {
    struct undo *next;
    struct rows_entry *entry;
    const struct row *row;
    const struct version *past;
};

/* One call under way. */
struct writing {
    struct world *world;
    bool skip_invalid;
    int64_t time; /* of the commit */
    struct undo *undo;
    struct write_result *result;
};

static const struct column_data *
find_data(const struct batch_spec *spec, const char *name)
{
    for (uint32_t i = 0; i < spec->column_count; i++)
        if (!strcmp(spec->columns[i].name, name))
            return &spec->columns[i];
    return NULL;
}

/* One column by its name; false where there is none of that name. */
static bool
resolve_column(const struct entity *entity, struct view *view, const char *name,
               struct batch_column *column)
{
    const struct feature *feature = find_feature(view, name);

    *column = (struct batch_column){
        .name = name,
        .not_null = true,
        .type = {.code = FEATURE_TYPE_TIMESTAMP, .width = 1}};
    for (uint32_t i = 0; i < entity->key_count; i++)
        if (!strcmp(entity->keys[i].name, name)) {
            column->role = FEATURE_ROLE_JOIN_KEY;
            column->key = i;
            column->type.code = entity->keys[i].code;
            return true;
        }
    column->role = FEATURE_ROLE_EVENT_TIMESTAMP;
    if (!strcmp(name, "event_timestamp"))
        return true;
    if (!feature)
        return false;
    column->role = FEATURE_ROLE_FEATURE;
    column->feature = feature->id;
    column->type = feature->type;
    column->not_null = feature->not_null;
    return true;
}

static outcomes
add_column(const struct entity *entity, struct view *view,
           const struct batch_spec *spec, const char *name,
           struct live_batch *live)
{
    struct batch_column *column = &live->columns[live->column_count];

    if (!resolve_column(entity, view, name, column))
        return OUTCOME(FEATURE_NOT_FOUND);
    if (column->role == FEATURE_ROLE_FEATURE &&
        spec->operation == FEATURE_DELETE)
        return OUTCOME(FEATURE_INVALID);
    column->data = find_data(spec, name);
    live->column_count++;
    return 0;
}

static outcomes
add_columns(const struct entity *entity, struct view *view,
            const struct batch_spec *spec, struct live_batch *live)
{
    bool features = spec->operation != FEATURE_DELETE;
    outcomes found = 0;

    if (spec->lists_columns) {
        for (uint32_t i = 0; i < spec->column_count; i++) {
            const struct column_data *column = &spec->columns[i];

            found |= add_column(entity, view, spec, column->name, live);
            if (find_data(spec, column->name) != column)
                found |= OUTCOME(FEATURE_INVALID); /* it is there twice */
        }
        return found;
    }
    for (uint32_t i = 0; i < entity->key_count; i++)
        found |= add_column(entity, view, spec, entity->keys[i].name, live);
    found |= add_column(entity, view, spec, "event_timestamp", live);
    for (uint32_t i = 0; features && i < view->feature_count; i++)
        found |= add_column(entity, view, spec, view->features[i].name, live);
    return found;
}

static bool
has_column(const struct live_batch *live, const char *name)
{
    for (uint32_t i = 0; i < live->column_count; i++)
        if (!strcmp(live->columns[i].name, name))
            return true;
    return false;
}

static bool
has_feature(const struct live_batch *live)
{
    for (uint32_t i = 0; i < live->column_count; i++)
        if (live->columns[i].role == FEATURE_ROLE_FEATURE)
            return true;
    return false;
}

outcomes
batch_resolve(struct world *world, const struct batch_spec *spec,
              struct live_batch *live)
{
    struct view *view = find_view(&world->catalog, spec->view);
    const struct entity *entity;
    outcomes found;

    *live = (struct live_batch){.operation = spec->operation};
    if (!view)
        return OUTCOME(FEATURE_NOT_FOUND);
    entity = find_entity_id(&world->catalog, view->entity);
    live->view = view->id;
    live->columns = arena_array(
        &world->arena, spec->column_count + KEYS_MAX + FEATURES_MAX + 1,
        sizeof *live->columns);
    found = add_columns(entity, view, spec, live);
    for (uint32_t i = 0; i < entity->key_count; i++)
        if (!has_column(live, entity->keys[i].name))
            found |= OUTCOME(FEATURE_INVALID);
    if (spec->operation == FEATURE_PATCH && !has_feature(live))
        found |= OUTCOME(FEATURE_INVALID);
    for (uint32_t i = 0;
         spec->operation == FEATURE_UPSERT && i < view->feature_count; i++)
        if (view->features[i].not_null && view->features[i].fallback.is_null &&
            !has_column(live, view->features[i].name))
            found |= OUTCOME(FEATURE_INVALID);
    return found ? found : OUTCOME_OK;
}

/* Sets the columns' types and NOT NULL to those of now. */
static outcomes
follow_view(struct live_batch *live, struct view *view)
{
    for (uint32_t i = 0; i < live->column_count; i++) {
        struct batch_column *column = &live->columns[i];
        const struct feature *feature;

        if (column->role != FEATURE_ROLE_FEATURE)
            continue;
        feature = find_feature_id(view, column->feature);
        if (!feature)
            return OUTCOME(FEATURE_CONFLICT);
        column->type = feature->type;
        column->not_null = feature->not_null;
    }
    return 0;
}

static outcomes
check_columns(const struct live_batch *live, uint32_t *rows)
{
    *rows = 0;
    for (uint32_t i = 0; i < live->column_count; i++) {
        const struct column_data *data = live->columns[i].data;

        if (!data || data->rows != live->columns[0].data->rows)
            return OUTCOME(FEATURE_INVALID);
        *rows = data->rows;
    }
    return 0;
}

/* INT64: eight bytes. Others: a NUL takes two bytes, the end two more. */
static uint32_t
stored_key_size(struct type type, struct value value)
{
    uint32_t size = value.size + 2;

    if (!type_is_text(type.code))
        return 8;
    for (uint32_t i = 0; i < value.size; i++)
        size += value.bytes[i] == 0;
    return size;
}

/* Whether a row can be stored at all. */
static bool
is_valid_row(const struct live_batch *live, uint32_t row)
{
    uint32_t key_size = 0;
    int64_t time;

    for (uint32_t i = 0; i < live->column_count; i++) {
        const struct batch_column *column = &live->columns[i];
        struct value value = column->data->values[row];

        if (value.is_null && column->not_null)
            return false;
        if (!value_is_text(column->data->type, value))
            return false;
        if (column->role == FEATURE_ROLE_JOIN_KEY)
            key_size += stored_key_size(column->type, value);
        if (column->role != FEATURE_ROLE_EVENT_TIMESTAMP)
            continue;
        memcpy(&time, value.bytes, sizeof time);
        if (time == TIME_UNSET)
            return false;
    }
    return key_size <= KEY_SIZE_MAX;
}

/* The row's timestamp; false where the batch has none. */
static bool
row_time(const struct live_batch *live, uint32_t row, int64_t *time)
{
    for (uint32_t i = 0; i < live->column_count; i++)
        if (live->columns[i].role == FEATURE_ROLE_EVENT_TIMESTAMP) {
            memcpy(time, live->columns[i].data->values[row].bytes,
                   sizeof *time);
            return true;
        }
    return false;
}

static bool
is_future(const struct writing *writing, const struct view *view, int64_t time)
{
    int64_t edge;

    if (view->max_skew == OPTION_NONE ||
        __builtin_add_overflow(writing->world->now, view->max_skew, &edge))
        return false;
    if (writing->world->plant == PLANT_SKEW_EDGE)
        return time >= edge;
    return time > edge;
}

static struct rows_entry *
entry_of(struct world *world, const struct live_batch *live, struct view *view,
         uint32_t row)
{
    uint32_t keys = find_entity_id(&world->catalog, view->entity)->key_count;
    struct rows_entry *entry;
    struct text key = {0};

    for (uint32_t k = 0; k < keys; k++)
        for (uint32_t i = 0; i < live->column_count; i++) {
            const struct batch_column *column = &live->columns[i];

            if (column->role == FEATURE_ROLE_JOIN_KEY && column->key == k)
                key_add(&key,
                        value_widen(&world->scratch, column->data->type,
                                    column->type, column->data->values[row]));
        }
    entry = rows_entry(&world->arena, view->rows, (const uint8_t *)key.data,
                       (uint32_t)key.size);
    text_free(&key);
    return entry;
}

static void
take_values(struct world *world, const struct live_batch *live,
            const struct view *view, uint32_t row, struct value *values,
            bool *has)
{
    for (uint32_t i = 0; i < view->feature_count; i++) {
        values[i] = null_value;
        has[i] = false;
        for (uint32_t j = 0; j < live->column_count; j++) {
            const struct batch_column *column = &live->columns[j];

            if (column->role != FEATURE_ROLE_FEATURE ||
                column->feature != view->features[i].id)
                continue;
            values[i] = value_widen(&world->arena, column->data->type,
                                    column->type, column->data->values[row]);
            has[i] = true;
        }
    }
}

/* A row that holds a value larger than any row may be. */
static bool
is_giant(const struct row *row)
{
    for (uint32_t i = 0; i < row->count; i++)
        if (!row->cells[i].value.is_null &&
            row->cells[i].value.size > MAX_ROW_SIZE)
            return true;
    return false;
}

static bool
holds_giant(const struct value *values, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (!values[i].is_null && values[i].size > MAX_ROW_SIZE)
            return true;
    return false;
}

static uint8_t
write_row(struct writing *writing, const struct live_batch *live,
          struct view *view, uint32_t row)
{
    struct world *world = writing->world;
    struct value values[FEATURES_MAX];
    bool has[FEATURES_MAX];
    struct row_write write = {.operation = live->operation,
                              .time = writing->time,
                              .view = view,
                              .values = values,
                              .has = has,
                              .plant = world->plant};
    bool has_time = row_time(live, row, &write.time);
    struct rows_entry *entry;
    const struct row *made;
    struct undo *undo;

    if (has_time && is_future(writing, view, write.time))
        return FEATURE_OUTCOME_FUTURE;
    entry = entry_of(world, live, view, row);
    take_values(world, live, view, row, values, has);
    made = row_write(&world->arena, entry->row, &write);
    if (holds_giant(values, view->feature_count) || (made && is_giant(made)))
        return FEATURE_OUTCOME_REJECTED;
    undo = arena_alloc(&world->scratch, sizeof *undo);
    *undo = (struct undo){.next = writing->undo,
                          .entry = entry,
                          .row = entry->row,
                          .past = entry->past};
    writing->undo = undo;
    if (view->history && (made || world->plant != PLANT_PAST_LATE))
        entry->past = past_add(&world->arena, entry, &write, writing->time);
    if (!made)
        return FEATURE_OUTCOME_LATE;
    entry->row = made;
    return FEATURE_OUTCOME_APPLIED;
}

static void
fail_at(struct write_result *result, outcomes found, uint32_t batch,
        uint32_t row)
{
    result->knows_place = result->status == 0 && row != UINT32_MAX;
    result->status |= found;
    result->batch = batch;
    result->row = row;
}

/* What can be told before any row is written. */
static void
check_batch(struct writing *writing, struct live_batch *live, uint32_t index)
{
    struct write_result *result = writing->result;
    struct view *view = find_view_id(&writing->world->catalog, live->view);
    outcomes found = view ? follow_view(live, view) : OUTCOME(FEATURE_CONFLICT);

    if (!found)
        found = check_columns(live, &live->rows);
    if (found) {
        fail_at(result, found, index, UINT32_MAX);
        return;
    }
    result->outcomes[index] =
        arena_alloc(&writing->world->arena, live->rows + 1);
    for (uint32_t i = 0; i < live->rows; i++) {
        if (is_valid_row(live, i))
            continue;
        result->outcomes[index][i] = FEATURE_OUTCOME_REJECTED;
        if (writing->skip_invalid)
            continue;
        fail_at(result, OUTCOME(FEATURE_INVALID), index, i);
        return;
    }
}

static void
write_batch(struct writing *writing, struct live_batch *live, uint32_t index)
{
    struct view *view = find_view_id(&writing->world->catalog, live->view);
    uint8_t *made = writing->result->outcomes[index];

    for (uint32_t i = 0; i < live->rows; i++) {
        if (made[i] == FEATURE_OUTCOME_REJECTED)
            continue;
        made[i] = write_row(writing, live, view, i);
        if (made[i] != FEATURE_OUTCOME_REJECTED || writing->skip_invalid)
            continue;
        fail_at(writing->result, OUTCOME(FEATURE_INVALID), index, i);
        return;
    }
}

static void
count_batch(struct writing *writing, struct live_batch *live, uint32_t index)
{
    struct feature_commit *commit = &writing->result->commit;
    struct rows *rows =
        find_view_id(&writing->world->catalog, live->view)->rows;
    const uint8_t *made = writing->result->outcomes[index];
    uint64_t counts[FEATURE_OUTCOME_REJECTED + 1] = {0};

    for (uint32_t i = 0; i < live->rows; i++)
        counts[made[i]]++;
    commit->applied += counts[FEATURE_OUTCOME_APPLIED];
    commit->late += counts[FEATURE_OUTCOME_LATE];
    commit->future += counts[FEATURE_OUTCOME_FUTURE];
    commit->rejected += counts[FEATURE_OUTCOME_REJECTED];
    rows->applied += counts[FEATURE_OUTCOME_APPLIED];
    rows->late += counts[FEATURE_OUTCOME_LATE];
    live->outcomes = made;
    writing->world->counts.rows_written += live->rows;
}

static void
go_back(struct writing *writing)
{
    if (writing->world->plant == PLANT_HALF_WRITTEN)
        return;
    for (struct undo *at = writing->undo; at; at = at->next) {
        at->entry->row = at->row;
        at->entry->past = at->past;
    }
}

/* Two batches that are one, or one of another handle. */
static bool
are_fit(struct live_batch *const *batches, uint32_t count, uint32_t handle)
{
    for (uint32_t i = 0; i < count; i++) {
        if (batches[i]->handle != handle)
            return false;
        for (uint32_t j = 0; j < i; j++)
            if (batches[i] == batches[j])
                return false;
    }
    return true;
}

void
predict_write(struct world *world, struct live_batch *const *batches,
              uint32_t count, uint32_t handle, bool skip_invalid,
              struct write_result *result)
{
    struct writing writing = {.world = world,
                              .skip_invalid = skip_invalid,
                              .time = next_commit_time(world),
                              .result = result};
    bool is_free;

    *result = (struct write_result){
        .outcomes =
            arena_array(&world->scratch, count + 1, sizeof *result->outcomes)};
    if (!are_fit(batches, count, handle))
        result->status = OUTCOME(FEATURE_INVALID);
    for (uint32_t i = 0; !result->status && i < count; i++)
        check_batch(&writing, batches[i], i);
    for (uint32_t i = 0; !result->status && i < count; i++)
        write_batch(&writing, batches[i], i);
    if (result->status) {
        go_back(&writing);
        return;
    }
    result->status = OUTCOME_OK;
    for (uint32_t i = 0; i < count; i++)
        count_batch(&writing, batches[i], i);
    is_free = !result->commit.applied && !result->commit.late;
    if (world->plant == PLANT_LATE_IS_FREE && !result->commit.applied)
        is_free = true;
    if (!is_free)
        take_commit(world);
    result->commit.sequence = world->sequence;
    result->commit.time = world->commit_time;
}
