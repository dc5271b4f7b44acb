/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Batches: their columns and life.
 *
 * Owns the resolution of column names against a view, once, at creation.
 * Keeps its own copy of every name and value, so that it outlives a change of
 * the catalog and the close of its store.
 * Never writes: that is feature_store_write()'s.
 */
#include "store/batch.h"

#include <string.h>

#include "base/alloc.h"
#include "model/select.h"

struct builder {
    feature_batch *batch;
    const struct lf_entity *entity;
    const struct lf_view *view;
};

static feature_status
fail_column(struct feature_error *error, feature_status status,
            const char *reason, uint32_t position, const char *message,
            const char *name)
{
    char quoted[LF_QUOTE_SIZE];

    lf_fail(error, status, reason, message,
            lf_quote(quoted, name, strlen(name)));
    if (position)
        lf_error_place(error, 0, -1, position);
    return status;
}

static const char *
nearest_column(const struct builder *builder, const char *name)
{
    const char *candidates[LF_KEYS_MAX + 1 + LF_FEATURES_MAX];
    size_t count = 0;

    for (uint32_t i = 0; i < builder->entity->key_count; i++)
        candidates[count++] = builder->entity->keys[i].name;
    candidates[count++] = LF_EVENT_TIMESTAMP;
    for (uint32_t i = 0; i < builder->view->feature_count; i++)
        candidates[count++] = builder->view->features[i].name;
    return lf_suggest(name, candidates, count);
}

static feature_status
fail_unknown(const struct builder *builder, const char *name, uint32_t position,
             struct feature_error *error)
{
    const char *near = nearest_column(builder, name);
    char quoted[LF_QUOTE_SIZE];

    lf_fail(error, FEATURE_NOT_FOUND, "name",
            "feature view %s has no column \"%s\"%s%s%s", builder->view->name,
            lf_quote(quoted, name, strlen(name)),
            near ? ", did you mean \"" : "", near ? near : "",
            near ? "\"?" : "");
    lf_error_place(error, 0, -1, position);
    return FEATURE_NOT_FOUND;
}

/* What a batch is made for: columns by name, or in a text, or all. */
struct wanted {
    const char *view;
    const char *text;
    const struct lf_column_list *list;
    int32_t operation;
};

/* Fills one column from its name. */
static feature_status
resolve_column(const struct builder *builder, const char *name,
               uint32_t position, struct lf_batch_column *column,
               struct feature_error *error)
{
    const struct lf_feature *feature = lf_view_feature(builder->view, name);

    column->not_null = true;
    for (uint32_t i = 0; i < builder->entity->key_count; i++) {
        if (strcmp(builder->entity->keys[i].name, name) != 0)
            continue;
        column->role = FEATURE_ROLE_JOIN_KEY;
        column->input.type =
            (struct lf_type){.code = builder->entity->keys[i].code, .width = 1};
        return FEATURE_OK;
    }
    if (strcmp(name, LF_EVENT_TIMESTAMP) == 0) {
        column->role = FEATURE_ROLE_EVENT_TIMESTAMP;
        column->input.type =
            (struct lf_type){.code = FEATURE_TYPE_TIMESTAMP, .width = 1};
        return FEATURE_OK;
    }
    if (!feature)
        return fail_unknown(builder, name, position, error);
    if (builder->batch->operation == FEATURE_DELETE)
        return fail_column(error, FEATURE_INVALID, "argument", position,
                           "a DELETE takes no feature, \"%s\" is one", name);
    column->role = FEATURE_ROLE_FEATURE;
    column->feature = feature->id;
    column->not_null = feature->not_null;
    column->input.type = feature->type;
    return FEATURE_OK;
}

static feature_status
add_column(const struct builder *builder, const char *name, uint32_t position,
           struct feature_error *error)
{
    feature_batch *batch = builder->batch;
    struct lf_batch_column *column = &batch->columns[batch->column_count];

    for (uint32_t i = 0; i < batch->column_count; i++)
        if (strcmp(batch->columns[i].name, name) == 0)
            return fail_column(error, FEATURE_INVALID, "argument", position,
                               "column \"%s\" stands twice in the list", name);
    LF_TRY(resolve_column(builder, name, position, column, error));
    column->name = lf_arena_copy(&batch->arena, name, strlen(name));
    if (!column->name)
        return lf_fail_memory(error);
    batch->column_count++;
    return FEATURE_OK;
}

static feature_status
make_columns(struct builder *builder, uint32_t count,
             struct feature_error *error)
{
    feature_batch *batch = builder->batch;

    batch->columns =
        lf_arena_array(&batch->arena, count, sizeof *batch->columns);
    if (!batch->columns)
        return lf_fail_memory(error);
    return FEATURE_OK;
}

static feature_status
add_all_columns(struct builder *builder, struct feature_error *error)
{
    const struct lf_view *view = builder->view;
    bool features = builder->batch->operation != FEATURE_DELETE;

    LF_TRY(make_columns(
        builder, builder->entity->key_count + 1 + view->feature_count, error));
    for (uint32_t i = 0; i < builder->entity->key_count; i++)
        LF_TRY(add_column(builder, builder->entity->keys[i].name, 0, error));
    LF_TRY(add_column(builder, LF_EVENT_TIMESTAMP, 0, error));
    for (uint32_t i = 0; features && i < view->feature_count; i++)
        LF_TRY(add_column(builder, view->features[i].name, 0, error));
    return FEATURE_OK;
}

static feature_status
add_listed_columns(struct builder *builder, const struct lf_column_list *list,
                   struct feature_error *error)
{
    LF_TRY(make_columns(builder, list->count, error));
    for (uint32_t i = 0; i < list->count; i++)
        LF_TRY(add_column(builder, list->names[i], list->positions[i], error));
    return FEATURE_OK;
}

static feature_status
add_written_columns(struct builder *builder, const char *text,
                    struct feature_error *error)
{
    struct lf_arena arena = {0};
    struct lf_column_list list;
    const char **names;
    uint32_t *positions;
    feature_status status =
        lf_name_list(&arena, text, &names, &positions, &list.count, error);

    if (!status) {
        list.names = names;
        list.positions = positions;
        status = add_listed_columns(builder, &list, error);
    }
    lf_arena_free(&arena);
    return status;
}

static uint32_t
column_named(const feature_batch *batch, const char *name)
{
    for (uint32_t i = 0; i < batch->column_count; i++)
        if (strcmp(batch->columns[i].name, name) == 0)
            return i;
    return UINT32_MAX;
}

/* Finds the keys' columns and what a batch may not lack. */
static feature_status
check_columns(struct builder *builder, struct feature_error *error)
{
    feature_batch *batch = builder->batch;
    const struct lf_entity *entity = builder->entity;
    bool has_feature = false;

    batch->keys =
        lf_arena_array(&batch->arena, entity->key_count, sizeof *batch->keys);
    if (!batch->keys)
        return lf_fail_memory(error);
    batch->key_count = entity->key_count;
    for (uint32_t i = 0; i < entity->key_count; i++) {
        batch->keys[i] = column_named(batch, entity->keys[i].name);
        if (batch->keys[i] == UINT32_MAX)
            return fail_column(error, FEATURE_INVALID, "argument", 0,
                               "the columns lack the join key \"%s\"",
                               entity->keys[i].name);
    }
    batch->timestamp = column_named(batch, LF_EVENT_TIMESTAMP);
    for (uint32_t i = 0; i < batch->column_count; i++)
        has_feature |= batch->columns[i].role == FEATURE_ROLE_FEATURE;
    if (batch->operation == FEATURE_PATCH && !has_feature)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "a PATCH needs at least one feature");
    for (uint32_t i = 0;
         batch->operation == FEATURE_UPSERT && i < builder->view->feature_count;
         i++) {
        const struct lf_feature *feature = &builder->view->features[i];

        if (feature->not_null && !feature->fallback.is_set &&
            column_named(batch, feature->name) == UINT32_MAX)
            return fail_column(error, FEATURE_INVALID, "argument", 0,
                               "an UPSERT needs feature \"%s\": it is NOT NULL "
                               "and has no DEFAULT",
                               feature->name);
    }
    return FEATURE_OK;
}

static feature_status
find_view(const struct lf_catalog *catalog, const char *name,
          const struct lf_view **view, struct feature_error *error)
{
    const char *candidates[LF_VIEWS_MAX], *near;
    char quoted[LF_QUOTE_SIZE];

    *view = lf_catalog_view(catalog, name);
    if (*view)
        return FEATURE_OK;
    for (uint32_t i = 0; i < catalog->view_count; i++)
        candidates[i] = catalog->views[i].name;
    if (lf_catalog_event(catalog, name))
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "%s is an event: only EVENT batches are written to it",
                       name);
    near = lf_suggest(name, candidates, catalog->view_count);
    return lf_fail(
        error, FEATURE_NOT_FOUND, "name", "no feature view \"%s\"%s%s%s",
        lf_quote(quoted, name, strlen(name)), near ? ", did you mean \"" : "",
        near ? near : "", near ? "\"?" : "");
}

/* Rows of a view FROM an event are made of events alone. */
static feature_status
check_view(const struct lf_catalog *catalog, const struct lf_view *view,
           int32_t operation, struct feature_error *error)
{
    if (!view->event)
        return FEATURE_OK;
    if (operation == FEATURE_DELETE)
        return lf_fail(error, FEATURE_UNSUPPORTED, "not-yet",
                       "%s is computed FROM an event: DELETE of its rows is "
                       "not supported yet",
                       view->name);
    return lf_fail(error, FEATURE_INVALID, "argument",
                   "%s is computed FROM %s: write EVENT batches to %s",
                   view->name,
                   lf_catalog_event_by_id(catalog, view->event)->name,
                   lf_catalog_event_by_id(catalog, view->event)->name);
}

static feature_status
build(feature_batch *batch, const struct lf_catalog *catalog,
      const struct wanted *wanted, struct feature_error *error)
{
    struct builder builder = {.batch = batch};

    LF_TRY(find_view(catalog, wanted->view, &builder.view, error));
    LF_TRY(check_view(catalog, builder.view, wanted->operation, error));
    builder.entity = lf_catalog_entity_by_id(catalog, builder.view->entity);
    if (!builder.entity)
        return lf_fail(error, FEATURE_CORRUPT, "structure",
                       "feature view %s has no entity", wanted->view);
    batch->view = builder.view->id;
    batch->view_name =
        lf_arena_copy(&batch->arena, wanted->view, strlen(wanted->view));
    if (!batch->view_name)
        return lf_fail_memory(error);
    if (wanted->list)
        LF_TRY(add_listed_columns(&builder, wanted->list, error));
    else if (wanted->text)
        LF_TRY(add_written_columns(&builder, wanted->text, error));
    else
        LF_TRY(add_all_columns(&builder, error));
    return check_columns(&builder, error);
}

static feature_status
check_operation(int32_t operation, struct feature_error *error)
{
    if (operation == FEATURE_EVENT || operation == FEATURE_RETRACT)
        return lf_fail(error, FEATURE_UNSUPPORTED, "not-yet",
                       "events are not supported yet");
    if (operation < FEATURE_UPSERT || operation > FEATURE_DELETE)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "%d is not an operation", operation);
    return FEATURE_OK;
}

static feature_status
create(feature_store *store, const struct wanted *wanted, feature_batch **batch,
       struct feature_error *error)
{
    struct lf_catalog *catalog = NULL;
    feature_batch *made = NULL;
    feature_status status;

    LF_TRY(check_operation(wanted->operation, error));
    LF_TRY(lf_store_enter(store, error));
    made = lf_alloc(sizeof *made);
    if (!made) {
        status = lf_fail_memory(error);
        goto out;
    }
    made->operation = wanted->operation;
    status = lf_store_hold(store, &made->store, error);
    if (!status)
        status = lf_store_catalog(store, &catalog, error);
    if (!status)
        status = build(made, catalog, wanted, error);
    if (status)
        goto out;
    *batch = made;
    made = NULL;
out:
    lf_catalog_release(catalog);
    lf_store_leave(store);
    feature_batch_free(made);
    return status;
}

feature_status
lf_batch_create(feature_store *store, const char *view,
                const struct lf_column_list *columns, int32_t operation,
                feature_batch **batch, struct feature_error *error)
{
    struct wanted wanted = {
        .view = view, .list = columns, .operation = operation};

    return create(store, &wanted, batch, error);
}

feature_status
feature_batch_create(feature_store *store, const char *view,
                     const char *columns, int32_t operation,
                     feature_batch **batch, struct feature_error *error)
{
    struct wanted wanted = {
        .view = view, .text = columns, .operation = operation};

    if (!store || !view || !batch)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "store, view and batch are needed");
    return create(store, &wanted, batch, error);
}

static feature_status
set_column(feature_batch *batch, uint32_t column,
           const struct lf_arrays *arrays, struct feature_error *error)
{
    if (!batch)
        return lf_fail(error, FEATURE_INVALID, "argument", "batch is needed");
    if (atomic_load(&batch->store->closed))
        return lf_fail(error, FEATURE_INVALID, "closed",
                       "the store was closed");
    if (column >= batch->column_count)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "the batch has %u columns, there is no column %u",
                       batch->column_count, column);
    LF_TRY(lf_input_set(&batch->columns[column].input,
                        batch->columns[column].name, arrays, error));
    batch->is_written = false;
    return FEATURE_OK;
}

feature_status
feature_batch_set(feature_batch *batch, uint32_t column, int32_t type,
                  const void *values, const int32_t *offsets,
                  const uint8_t *validity, uint32_t rows,
                  struct feature_error *error)
{
    struct lf_arrays arrays = {.type = type,
                               .values = values,
                               .offsets = offsets,
                               .validity = validity,
                               .rows = rows};

    return set_column(batch, column, &arrays, error);
}

feature_status
feature_batch_set_list(feature_batch *batch, uint32_t column, int32_t type,
                       const void *values, const int32_t *offsets,
                       const int32_t *child_offsets, const uint8_t *validity,
                       uint32_t rows, struct feature_error *error)
{
    struct lf_arrays arrays = {.type = type,
                               .values = values,
                               .offsets = offsets,
                               .child_offsets = child_offsets,
                               .validity = validity,
                               .rows = rows,
                               .is_list = true};

    return set_column(batch, column, &arrays, error);
}

feature_status
feature_batch_column(const feature_batch *batch, uint32_t column,
                     struct feature_field *field, struct feature_error *error)
{
    const struct lf_batch_column *at;

    if (!batch || !field)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "batch and field are needed");
    if (column >= batch->column_count)
        return lf_fail(error, FEATURE_NOT_FOUND, "name",
                       "the batch has %u columns, there is no column %u",
                       batch->column_count, column);
    at = &batch->columns[column];
    *field = (struct feature_field){
        .name = at->name,
        .type = at->input.type.code,
        .width = at->input.type.width,
        .role = at->role,
        .flags = (at->input.type.is_list ? FEATURE_FIELD_LIST : 0u) |
                 (at->not_null ? FEATURE_FIELD_NOT_NULL : 0u)};
    return FEATURE_OK;
}

const uint8_t *
feature_batch_outcomes(const feature_batch *batch)
{
    return batch && batch->is_written ? batch->outcomes.data : NULL;
}

void
feature_batch_clear(feature_batch *batch)
{
    if (!batch)
        return;
    for (uint32_t i = 0; i < batch->column_count; i++)
        lf_input_clear(&batch->columns[i].input);
    batch->refused.size = 0;
    batch->is_written = false;
}

void
feature_batch_free(feature_batch *batch)
{
    if (!batch)
        return;
    for (uint32_t i = 0; i < batch->column_count; i++)
        lf_input_free(&batch->columns[i].input);
    lf_buffer_free(&batch->outcomes);
    lf_buffer_free(&batch->refused);
    lf_arena_free(&batch->arena);
    lf_store_release(batch->store);
    lf_free(batch);
}
