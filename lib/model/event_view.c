/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An event as a feature view: what is asked of views can be asked of it.
 *
 * Owns the catalog that has it, and it alone: a view without keys, whose features
 * are the columns by their places, whose schema versions are how many it had.
 * Keeps nothing of the event's own catalog.
 * Never is stored: no row lies under that view.
 */
#include <string.h>

#include "model/select.h"

/* Of all versions alike: columns are only added. */
static struct lf_schema_field *
make_fields(struct lf_arena *arena, const struct lf_event *event)
{
    struct lf_schema_field *fields =
        lf_arena_array(arena, event->column_count, sizeof *fields);

    for (uint32_t i = 0; fields && i < event->column_count; i++)
        fields[i] = (struct lf_schema_field){
            .feature = i, .type = {.code = event->columns[i].code, .width = 1}};
    return fields;
}

static bool
make_schemas(struct lf_arena *arena, const struct lf_event *event,
             struct lf_view *view)
{
    struct lf_schema_field *fields = make_fields(arena, event);

    view->schemas =
        lf_arena_array(arena, event->column_count, sizeof *view->schemas);
    if (!fields || !view->schemas)
        return false;
    for (uint32_t i = 0; i < event->column_count; i++)
        view->schemas[i] = (struct lf_schema){
            .version = (uint16_t)(i + 1), .count = i + 1, .fields = fields};
    view->schema_count = event->column_count;
    return true;
}

static bool
make_features(struct lf_arena *arena, const struct lf_event *event,
              struct lf_view *view)
{
    view->features =
        lf_arena_array(arena, event->column_count, sizeof *view->features);
    for (uint32_t i = 0; view->features && i < event->column_count; i++) {
        const char *name = event->columns[i].name;

        view->features[i] = (struct lf_feature){
            .id = i,
            .name = lf_arena_copy(arena, name, strlen(name)),
            .type = {.code = event->columns[i].code, .width = 1}};
        if (!view->features[i].name)
            return false;
    }
    view->feature_count = view->next_feature = event->column_count;
    return view->features != NULL;
}

static bool
fill(struct lf_catalog *catalog, const struct lf_event *event)
{
    struct lf_arena *arena = &catalog->arena;
    struct lf_entity *entity = lf_arena_alloc(arena, sizeof *entity);
    struct lf_view *view = lf_arena_alloc(arena, sizeof *view);

    if (!entity || !view)
        return false;
    *view = (struct lf_view){
        .id = event->id,
        .name = lf_arena_copy(arena, event->name, strlen(event->name)),
        .max_skew = event->max_skew};
    *entity = (struct lf_entity){.name = view->name};
    catalog->entities = entity;
    catalog->views = view;
    catalog->entity_count = catalog->view_count = 1;
    return view->name && make_features(arena, event, view) &&
           make_schemas(arena, event, view);
}

struct lf_catalog *
lf_event_catalog(const struct lf_event *event)
{
    struct lf_catalog *made = lf_catalog_empty();

    if (made && !fill(made, event)) {
        lf_catalog_release(made);
        made = NULL;
    }
    return made;
}

const struct lf_event *
lf_event_of_text(const struct lf_catalog *catalog, const char *text)
{
    size_t begin = strspn(text, " \t\r\n"), size;
    const char *name = text + begin;

    for (uint32_t i = 0; i < catalog->event_count; i++) {
        const struct lf_event *event = &catalog->events[i];

        size = strlen(event->name);
        if (!strncmp(name, event->name, size) &&
            (!name[size] || strchr(" \t\r\n(:,;-", name[size])) &&
            !lf_catalog_view(catalog, event->name) &&
            !lf_catalog_service(catalog, event->name))
            return event;
    }
    return NULL;
}
