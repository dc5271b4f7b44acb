/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deep copies of definitions.
 *
 * Owns what a copy of each definition takes along: all that it points to.
 * Keeps a copy free of pointers into what it was copied from.
 * Never changes a definition.
 */
#include "model/aggregate.h"

#include <string.h>

static bool
copy_text(struct lf_arena *arena, const char **text)
{
    if (!*text)
        return true;
    *text = lf_arena_copy(arena, *text, strlen(*text));
    return *text != NULL;
}

/* A copy of count items, as they are, or NULL. */
static void *
copy_items(struct lf_arena *arena, const void *items, size_t count, size_t size)
{
    void *copy = lf_arena_array(arena, count, size);

    if (copy && count)
        memcpy(copy, items, count * size);
    return copy;
}

#define COPY_ITEMS(arena, items, count) \
    ((items) = copy_items((arena), (items), (count), sizeof *(items)))

static bool
copy_entity(struct lf_arena *arena, struct lf_entity *entity)
{
    if (!copy_text(arena, &entity->name) ||
        !COPY_ITEMS(arena, entity->keys, entity->key_count))
        return false;
    for (uint32_t i = 0; i < entity->key_count; i++)
        if (!copy_text(arena, &entity->keys[i].name))
            return false;
    return true;
}

static bool
copy_literal(struct lf_arena *arena, struct lf_literal *literal)
{
    return !literal->is_set || COPY_ITEMS(arena, literal->bytes, literal->size);
}

struct lf_aggregate *
lf_aggregate_copy(struct lf_arena *arena, const struct lf_aggregate *aggregate)
{
    struct lf_aggregate *made = copy_items(arena, aggregate, 1, sizeof *made);

    if (!made || !COPY_ITEMS(arena, made->terms, made->term_count))
        return NULL;
    for (uint32_t i = 0; i < made->term_count; i++) {
        struct lf_term *term = &made->terms[i];

        if (!COPY_ITEMS(arena, term->literals, term->literal_count))
            return NULL;
        for (uint32_t j = 0; j < term->literal_count; j++)
            if (!copy_literal(arena, &term->literals[j]))
                return NULL;
    }
    return made;
}

static bool
copy_features(struct lf_arena *arena, struct lf_feature **features,
              uint32_t count)
{
    if (!COPY_ITEMS(arena, *features, count))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        struct lf_feature *feature = &(*features)[i];

        if (!copy_text(arena, &feature->name) ||
            !copy_literal(arena, &feature->fallback))
            return false;
        if (!feature->aggregate)
            continue;
        feature->aggregate = lf_aggregate_copy(arena, feature->aggregate);
        if (!feature->aggregate)
            return false;
    }
    return true;
}

static bool
copy_event(struct lf_arena *arena, struct lf_event *event)
{
    if (!copy_text(arena, &event->name) ||
        !COPY_ITEMS(arena, event->columns, event->column_count))
        return false;
    for (uint32_t i = 0; i < event->column_count; i++)
        if (!copy_text(arena, &event->columns[i].name))
            return false;
    return true;
}

/* The key columns are as many as the entity's join keys. */
static bool
copy_view(struct lf_arena *arena, struct lf_view *view, uint32_t keys)
{
    if (!copy_text(arena, &view->name) ||
        !copy_features(arena, &view->features, view->feature_count) ||
        !copy_features(arena, &view->retired, view->retired_count) ||
        !COPY_ITEMS(arena, view->schemas, view->schema_count) ||
        !COPY_ITEMS(arena, view->rules, view->rule_count))
        return false;
    if (view->event && !COPY_ITEMS(arena, view->key_columns, keys))
        return false;
    for (uint32_t i = 0; i < view->schema_count; i++)
        if (!COPY_ITEMS(arena, view->schemas[i].fields, view->schemas[i].count))
            return false;
    return true;
}

static bool
copy_item(struct lf_arena *arena, struct lf_service_item *item)
{
    if (!copy_text(arena, &item->alias) ||
        !COPY_ITEMS(arena, item->selected, item->selected_count) ||
        !COPY_ITEMS(arena, item->renamed, item->renamed_count))
        return false;
    for (uint32_t i = 0; i < item->selected_count; i++)
        if (!copy_text(arena, &item->selected[i].as))
            return false;
    for (uint32_t i = 0; i < item->renamed_count; i++)
        if (!copy_text(arena, &item->renamed[i].key) ||
            !copy_text(arena, &item->renamed[i].as))
            return false;
    return true;
}

static bool
copy_service(struct lf_arena *arena, struct lf_service *service)
{
    if (!copy_text(arena, &service->name) ||
        !copy_text(arena, &service->written) ||
        !COPY_ITEMS(arena, service->items, service->item_count))
        return false;
    for (uint32_t i = 0; i < service->item_count; i++)
        if (!copy_item(arena, &service->items[i]))
            return false;
    return true;
}

/* The four arrays still point into the original here. */
static bool
copy_definitions(struct lf_catalog *made)
{
    struct lf_arena *arena = &made->arena;
    const struct lf_entity *entity;

    if (!COPY_ITEMS(arena, made->entities, made->entity_count) ||
        !COPY_ITEMS(arena, made->views, made->view_count) ||
        !COPY_ITEMS(arena, made->services, made->service_count) ||
        !COPY_ITEMS(arena, made->events, made->event_count))
        return false;
    for (uint32_t i = 0; i < made->entity_count; i++)
        if (!copy_entity(arena, &made->entities[i]))
            return false;
    for (uint32_t i = 0; i < made->event_count; i++)
        if (!copy_event(arena, &made->events[i]))
            return false;
    for (uint32_t i = 0; i < made->view_count; i++) {
        entity = lf_catalog_entity_by_id(made, made->views[i].entity);
        if (!copy_view(arena, &made->views[i], entity->key_count))
            return false;
    }
    for (uint32_t i = 0; i < made->service_count; i++)
        if (!copy_service(arena, &made->services[i]))
            return false;
    return true;
}

struct lf_catalog *
lf_catalog_copy(const struct lf_catalog *catalog)
{
    struct lf_catalog *made = lf_catalog_empty();

    if (!made)
        return NULL;
    made->version = catalog->version;
    made->next_id = catalog->next_id;
    made->changes = catalog->changes;
    made->changes_size = catalog->changes_size;
    made->max_size = catalog->max_size;
    made->entity_count = catalog->entity_count;
    made->entities = catalog->entities;
    made->view_count = catalog->view_count;
    made->views = catalog->views;
    made->service_count = catalog->service_count;
    made->services = catalog->services;
    made->event_count = catalog->event_count;
    made->events = catalog->events;
    if (!copy_definitions(made)) {
        lf_catalog_release(made);
        return NULL;
    }
    return made;
}
