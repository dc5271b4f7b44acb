/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The columns of a batch.
 *
 * Owns what a name in a list of columns means: a join key, a feature or the
 * timestamp of a view; a column of an event.
 * Keeps its own copy of every name, so that a batch outlives its catalog.
 * Never takes a batch whose rows could not be written for want of a column.
 */
#include <string.h>

#include "model/select.h"
#include "model/suggest.h"
#include "store/batch.h"

struct builder {
    feature_batch *batch;
    const struct lf_entity *entity;
    const struct lf_view *view;
    const struct lf_event *event; /* instead of the two above, or NULL */
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
    struct lf_suggestion near;

    lf_suggestion_begin(&near, name);
    for (uint32_t i = 0; builder->event && i < builder->event->column_count;
         i++)
        lf_suggestion_offer(&near, builder->event->columns[i].name);
    for (uint32_t i = 0; !builder->event && i < builder->entity->key_count; i++)
        lf_suggestion_offer(&near, builder->entity->keys[i].name);
    lf_suggestion_offer(&near, LF_EVENT_TIMESTAMP);
    for (uint32_t i = 0; !builder->event && i < builder->view->feature_count;
         i++)
        lf_suggestion_offer(&near, builder->view->features[i].name);
    return near.found;
}

static feature_status
fail_unknown(const struct builder *builder, const char *name, uint32_t position,
             struct feature_error *error)
{
    const char *near = nearest_column(builder, name);
    char quoted[LF_QUOTE_SIZE];

    lf_fail(
        error, FEATURE_NOT_FOUND, "name", "%s %s has no column \"%s\"%s%s%s",
        builder->event ? "event" : "feature view", builder->batch->view_name,
        lf_quote(quoted, name, strlen(name)), near ? ", did you mean \"" : "",
        near ? near : "", near ? "\"?" : "");
    lf_error_place(error, 0, -1, position);
    return FEATURE_NOT_FOUND;
}

static void
resolve_timestamp(struct lf_batch_column *column)
{
    column->role = FEATURE_ROLE_EVENT_TIMESTAMP;
    column->input.type =
        (struct lf_type){.code = FEATURE_TYPE_TIMESTAMP, .width = 1};
}

static feature_status
resolve_event_column(const struct builder *builder, const char *name,
                     uint32_t position, struct lf_batch_column *column,
                     struct feature_error *error)
{
    uint32_t place = lf_event_column(builder->event, name);

    if (place == LF_NO_COLUMN)
        return fail_unknown(builder, name, position, error);
    if (place == LF_TIME_COLUMN) {
        resolve_timestamp(column);
        return FEATURE_OK;
    }
    column->role = FEATURE_ROLE_EVENT_COLUMN;
    column->not_null = false;
    column->feature = place;
    column->input.type = (struct lf_type){
        .code = builder->event->columns[place].code, .width = 1};
    return FEATURE_OK;
}

/* Fills one column from its name. */
static feature_status
resolve_column(const struct builder *builder, const char *name,
               uint32_t position, struct lf_batch_column *column,
               struct feature_error *error)
{
    const struct lf_feature *feature;

    column->not_null = true;
    if (builder->event)
        return resolve_event_column(builder, name, position, column, error);
    for (uint32_t i = 0; i < builder->entity->key_count; i++) {
        if (strcmp(builder->entity->keys[i].name, name) != 0)
            continue;
        column->role = FEATURE_ROLE_JOIN_KEY;
        column->input.type =
            (struct lf_type){.code = builder->entity->keys[i].code, .width = 1};
        return FEATURE_OK;
    }
    if (strcmp(name, LF_EVENT_TIMESTAMP) == 0) {
        resolve_timestamp(column);
        return FEATURE_OK;
    }
    feature = lf_view_feature(builder->view, name);
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
add_event_columns(struct builder *builder, struct feature_error *error)
{
    const struct lf_event *event = builder->event;

    LF_TRY(make_columns(builder, event->column_count + 1, error));
    for (uint32_t i = 0; i < event->column_count; i++)
        LF_TRY(add_column(builder, event->columns[i].name, 0, error));
    return add_column(builder, LF_EVENT_TIMESTAMP, 0, error);
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

/* Finds the columns of the join keys. */
static feature_status
find_keys(struct builder *builder, struct feature_error *error)
{
    feature_batch *batch = builder->batch;
    const struct lf_entity *entity = builder->entity;

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
    return FEATURE_OK;
}

/* Finds the keys' columns and what a batch may not lack. */
static feature_status
check_columns(struct builder *builder, struct feature_error *error)
{
    feature_batch *batch = builder->batch;
    bool has_feature = false;

    LF_TRY(find_keys(builder, error));
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

/* The kind of thing a batch is for follows from its operation; a name of the
 * other kind gets a hint. */
static feature_status
fail_name(const struct lf_catalog *catalog,
          const struct lf_batch_wanted *wanted, struct feature_error *error)
{
    bool is_event = lf_operation_is_event(wanted->operation);
    struct lf_suggestion near;
    char quoted[LF_QUOTE_SIZE];

    lf_suggestion_begin(&near, wanted->name);
    for (uint32_t i = 0; !is_event && i < catalog->view_count; i++)
        lf_suggestion_offer(&near, catalog->views[i].name);
    for (uint32_t i = 0; is_event && i < catalog->event_count; i++)
        lf_suggestion_offer(&near, catalog->events[i].name);
    return lf_fail(error, FEATURE_NOT_FOUND, "name", "no %s \"%s\"%s%s%s",
                   is_event ? "event" : "feature view",
                   lf_quote(quoted, wanted->name, strlen(wanted->name)),
                   near.found ? ", did you mean \"" : "",
                   near.found ? near.found : "", near.found ? "\"?" : "");
}

static feature_status
find_event(struct builder *builder, const struct lf_catalog *catalog,
           const struct lf_batch_wanted *wanted, struct feature_error *error)
{
    const struct lf_view *view = lf_catalog_view(catalog, wanted->name);
    const struct lf_event *source =
        view && view->event ? lf_catalog_event_by_id(catalog, view->event)
                            : NULL;

    builder->event = lf_catalog_event(catalog, wanted->name);
    if (builder->event)
        return FEATURE_OK;
    if (source)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "%s is a feature view FROM %s: write events to %s",
                       view->name, source->name, source->name);
    if (view)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "%s is a feature view and takes no events: UPSERT or "
                       "PATCH its rows",
                       view->name);
    return fail_name(catalog, wanted, error);
}

static feature_status
find_view(struct builder *builder, const struct lf_catalog *catalog,
          const struct lf_batch_wanted *wanted, struct feature_error *error)
{
    const struct lf_view *view = lf_catalog_view(catalog, wanted->name);
    const struct lf_event *event;

    builder->view = view;
    if (!view && lf_catalog_event(catalog, wanted->name))
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "%s is an event: the operation is EVENT or RETRACT",
                       wanted->name);
    if (!view)
        return fail_name(catalog, wanted, error);
    builder->entity = lf_catalog_entity_by_id(catalog, view->entity);
    event = view->event ? lf_catalog_event_by_id(catalog, view->event) : NULL;
    if (!builder->entity || !event != !view->event)
        return lf_fail(error, FEATURE_CORRUPT, "structure",
                       "feature view %s has no %s", view->name,
                       builder->entity ? "event" : "entity");
    if (event && wanted->operation != FEATURE_DELETE)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "feature view %s is FROM %s: write EVENTs to %s, or "
                       "DELETE its rows",
                       view->name, event->name, event->name);
    return FEATURE_OK;
}

static feature_status
add_columns(struct builder *builder, const struct lf_batch_wanted *wanted,
            struct feature_error *error)
{
    if (wanted->list)
        return add_listed_columns(builder, wanted->list, error);
    if (wanted->text)
        return add_written_columns(builder, wanted->text, error);
    return builder->event ? add_event_columns(builder, error)
                          : add_all_columns(builder, error);
}

feature_status
lf_batch_build(feature_batch *batch, const struct lf_catalog *catalog,
               const struct lf_batch_wanted *wanted,
               struct feature_error *error)
{
    struct builder builder = {.batch = batch};

    batch->is_event = lf_operation_is_event(wanted->operation);
    batch->view_name =
        lf_arena_copy(&batch->arena, wanted->name, strlen(wanted->name));
    if (!batch->view_name)
        return lf_fail_memory(error);
    LF_TRY(batch->is_event ? find_event(&builder, catalog, wanted, error)
                           : find_view(&builder, catalog, wanted, error));
    batch->view = batch->is_event ? builder.event->id : builder.view->id;
    LF_TRY(add_columns(&builder, wanted, error));
    if (!batch->is_event)
        return check_columns(&builder, error);
    batch->timestamp = column_named(batch, LF_EVENT_TIMESTAMP);
    /* A batch may be checked that is never written. */
    return lf_batch_bind_event(batch, catalog, builder.event, error);
}
