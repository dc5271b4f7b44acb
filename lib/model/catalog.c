/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The catalog as a value: its life and its look-ups.
 *
 * Owns the arena in which all of a catalog's definitions lie.
 * Keeps names and ids apart: a look-up says by which.
 * Never changes a definition.
 */
#include "model/catalog.h"

#include <string.h>

#include "base/alloc.h"

struct lf_catalog *
lf_catalog_empty(void)
{
    struct lf_catalog *made = lf_alloc(sizeof *made);

    if (!made)
        return NULL;
    atomic_init(&made->references, 1);
    made->next_id = 1;
    return made;
}

struct lf_catalog *
lf_catalog_hold(struct lf_catalog *catalog)
{
    atomic_fetch_add_explicit(&catalog->references, 1, memory_order_relaxed);
    return catalog;
}

void
lf_catalog_release(struct lf_catalog *catalog)
{
    if (!catalog || atomic_fetch_sub_explicit(&catalog->references, 1,
                                              memory_order_acq_rel) != 1)
        return;
    lf_arena_free(&catalog->arena);
    lf_free(catalog);
}

const struct lf_entity *
lf_catalog_entity(const struct lf_catalog *catalog, const char *name)
{
    for (uint32_t i = 0; i < catalog->entity_count; i++)
        if (!strcmp(catalog->entities[i].name, name))
            return &catalog->entities[i];
    return NULL;
}

const struct lf_view *
lf_catalog_view(const struct lf_catalog *catalog, const char *name)
{
    for (uint32_t i = 0; i < catalog->view_count; i++)
        if (!strcmp(catalog->views[i].name, name))
            return &catalog->views[i];
    return NULL;
}

const struct lf_service *
lf_catalog_service(const struct lf_catalog *catalog, const char *name)
{
    for (uint32_t i = 0; i < catalog->service_count; i++)
        if (!strcmp(catalog->services[i].name, name))
            return &catalog->services[i];
    return NULL;
}

const struct lf_event *
lf_catalog_event(const struct lf_catalog *catalog, const char *name)
{
    for (uint32_t i = 0; i < catalog->event_count; i++)
        if (!strcmp(catalog->events[i].name, name))
            return &catalog->events[i];
    return NULL;
}

const struct lf_event *
lf_catalog_event_by_id(const struct lf_catalog *catalog, uint32_t id)
{
    for (uint32_t i = 0; i < catalog->event_count; i++)
        if (catalog->events[i].id == id)
            return &catalog->events[i];
    return NULL;
}

const struct lf_entity *
lf_catalog_entity_by_id(const struct lf_catalog *catalog, uint32_t id)
{
    for (uint32_t i = 0; i < catalog->entity_count; i++)
        if (catalog->entities[i].id == id)
            return &catalog->entities[i];
    return NULL;
}

const struct lf_view *
lf_catalog_view_by_id(const struct lf_catalog *catalog, uint32_t id)
{
    for (uint32_t i = 0; i < catalog->view_count; i++)
        if (catalog->views[i].id == id)
            return &catalog->views[i];
    return NULL;
}

const struct lf_feature *
lf_view_feature(const struct lf_view *view, const char *name)
{
    for (uint32_t i = 0; i < view->feature_count; i++)
        if (!strcmp(view->features[i].name, name))
            return &view->features[i];
    return NULL;
}

const struct lf_feature *
lf_view_feature_by_id(const struct lf_view *view, uint32_t id)
{
    /* Where nothing was ever dropped, ids and places agree. */
    if (id && id <= view->feature_count && view->features[id - 1].id == id)
        return &view->features[id - 1];
    for (uint32_t i = 0; i < view->feature_count; i++)
        if (view->features[i].id == id)
            return &view->features[i];
    return NULL;
}

const struct lf_schema *
lf_view_schema(const struct lf_view *view, uint16_t version)
{
    if (version == 0 || version > view->schema_count)
        return NULL;
    return &view->schemas[version - 1];
}

const struct lf_schema *
lf_view_current_schema(const struct lf_view *view)
{
    return &view->schemas[view->schema_count - 1];
}

const struct lf_feature *
lf_view_definition(const struct lf_view *view, uint32_t id)
{
    const struct lf_feature *feature = lf_view_feature_by_id(view, id);

    for (uint32_t i = 0; !feature && i < view->retired_count; i++)
        if (view->retired[i].id == id)
            feature = &view->retired[i];
    return feature;
}

uint16_t
lf_feature_since(const struct lf_view *view, uint32_t id)
{
    for (uint32_t i = 0; i < view->schema_count; i++)
        for (uint32_t j = 0; j < view->schemas[i].count; j++)
            if (view->schemas[i].fields[j].feature == id)
                return view->schemas[i].version;
    return 0;
}

uint32_t
lf_event_column(const struct lf_event *event, const char *name)
{
    if (!strcmp(name, "event_timestamp"))
        return LF_TIME_COLUMN;
    for (uint32_t i = 0; i < event->column_count; i++)
        if (!strcmp(event->columns[i].name, name))
            return i;
    return LF_NO_COLUMN;
}

const char *
lf_event_column_name(const struct lf_event *event, uint32_t column)
{
    return column == LF_TIME_COLUMN ? "event_timestamp"
                                    : event->columns[column].name;
}

int32_t
lf_event_column_code(const struct lf_event *event, uint32_t column)
{
    return column == LF_TIME_COLUMN ? FEATURE_TYPE_TIMESTAMP
                                    : event->columns[column].code;
}
