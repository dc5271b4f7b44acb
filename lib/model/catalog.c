/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The catalog as a value: its life, its copies, its look-ups.
 *
 * Owns the arena in which all of a catalog's definitions lie.
 * Keeps a copy free of pointers into what it was copied from.
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
copy_feature(struct lf_arena *arena, struct lf_feature *feature)
{
    struct lf_literal *fallback = &feature->fallback;

    if (!copy_text(arena, &feature->name))
        return false;
    if (!fallback->is_set)
        return true;
    fallback->bytes = copy_items(arena, fallback->bytes, fallback->size, 1);
    return fallback->bytes != NULL;
}

static bool
copy_view(struct lf_arena *arena, struct lf_view *view)
{
    if (!copy_text(arena, &view->name) ||
        !COPY_ITEMS(arena, view->features, view->feature_count) ||
        !COPY_ITEMS(arena, view->schemas, view->schema_count))
        return false;
    for (uint32_t i = 0; i < view->feature_count; i++)
        if (!copy_feature(arena, &view->features[i]))
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

/* The three arrays still point into the original here. */
static bool
copy_definitions(struct lf_catalog *made)
{
    struct lf_arena *arena = &made->arena;

    if (!COPY_ITEMS(arena, made->entities, made->entity_count) ||
        !COPY_ITEMS(arena, made->views, made->view_count) ||
        !COPY_ITEMS(arena, made->services, made->service_count))
        return false;
    for (uint32_t i = 0; i < made->entity_count; i++)
        if (!copy_entity(arena, &made->entities[i]))
            return false;
    for (uint32_t i = 0; i < made->view_count; i++)
        if (!copy_view(arena, &made->views[i]))
            return false;
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
    if (!copy_definitions(made)) {
        lf_catalog_release(made);
        return NULL;
    }
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
