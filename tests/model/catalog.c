/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The model's catalog: what a set of statements makes of definitions.
 *
 * Owns which statements contradict each other or the store.
 * Keeps the catalog it starts from untouched.
 * Never touches rows.
 */
#include "evolve.h"

#include <string.h>

const struct entity *
find_entity(const struct catalog *catalog, const char *name)
{
    for (uint32_t i = 0; i < catalog->entity_count; i++)
        if (!strcmp(catalog->entities[i].name, name))
            return &catalog->entities[i];
    return NULL;
}

const struct entity *
find_entity_id(const struct catalog *catalog, uint32_t id)
{
    for (uint32_t i = 0; i < catalog->entity_count; i++)
        if (catalog->entities[i].id == id)
            return &catalog->entities[i];
    return NULL;
}

struct view *
find_view(struct catalog *catalog, const char *name)
{
    for (uint32_t i = 0; i < catalog->view_count; i++)
        if (!strcmp(catalog->views[i].name, name))
            return &catalog->views[i];
    return NULL;
}

struct view *
find_view_id(struct catalog *catalog, uint32_t id)
{
    for (uint32_t i = 0; i < catalog->view_count; i++)
        if (catalog->views[i].id == id)
            return &catalog->views[i];
    return NULL;
}

const struct service *
find_service(const struct catalog *catalog, const char *name)
{
    for (uint32_t i = 0; i < catalog->service_count; i++)
        if (!strcmp(catalog->services[i].name, name))
            return &catalog->services[i];
    return NULL;
}

struct feature *
find_feature(struct view *view, const char *name)
{
    for (uint32_t i = 0; i < view->feature_count; i++)
        if (!strcmp(view->features[i].name, name))
            return &view->features[i];
    return NULL;
}

struct feature *
find_feature_id(struct view *view, uint32_t id)
{
    for (uint32_t i = 0; i < view->feature_count; i++)
        if (view->features[i].id == id)
            return &view->features[i];
    return NULL;
}

enum object { OBJECT_NONE, OBJECT_ENTITY, OBJECT_VIEW, OBJECT_SERVICE };

static enum object
object_of(enum statement_kind kind)
{
    if (kind == CREATE_ENTITY || kind == DROP_ENTITY)
        return OBJECT_ENTITY;
    if (kind == CREATE_VIEW || kind == DROP_VIEW)
        return OBJECT_VIEW;
    if (kind == CREATE_SERVICE || kind == DROP_SERVICE)
        return OBJECT_SERVICE;
    return OBJECT_NONE;
}

static enum object
object_named(struct catalog *catalog, const char *name)
{
    if (find_entity(catalog, name))
        return OBJECT_ENTITY;
    if (find_view(catalog, name))
        return OBJECT_VIEW;
    return find_service(catalog, name) ? OBJECT_SERVICE : OBJECT_NONE;
}

static bool
is_create(enum statement_kind kind)
{
    return kind == CREATE_ENTITY || kind == CREATE_VIEW ||
           kind == CREATE_SERVICE;
}

/* One namespace, in the store and in the text. */
static void
check_names(struct change *change, const struct statement *statements,
            uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct statement *a = &statements[i];
        enum object held = object_named(change->after, a->name);

        if (!object_of(a->kind))
            continue;
        if (held && held != object_of(a->kind))
            change->faults |= OUTCOME(FEATURE_CONFLICT);
        for (uint32_t j = 0; j < i; j++) {
            const struct statement *b = &statements[j];

            if (object_of(b->kind) && !strcmp(a->name, b->name) &&
                (is_create(a->kind) || is_create(b->kind)))
                change->faults |= OUTCOME(FEATURE_INVALID);
        }
    }
}

static bool
service_uses(const struct service *service, uint32_t view, uint32_t feature)
{
    for (uint32_t i = 0; i < service->item_count; i++) {
        const struct resolved_item *item = &service->items[i];

        if (item->view != view)
            continue;
        if (!feature)
            return true;
        for (uint32_t j = 0; j < item->count; j++)
            if (item->features[j] == feature)
                return true;
    }
    return false;
}

/* Whether a service needs a view (feature 0) or one of its features. */
static bool
is_used(const struct catalog *catalog, uint32_t view, uint32_t feature)
{
    for (uint32_t i = 0; i < catalog->service_count; i++)
        if (service_uses(&catalog->services[i], view, feature))
            return true;
    return false;
}

static void
drop_service(struct change *change, const struct statement *statement)
{
    struct catalog *after = change->after;

    for (uint32_t i = 0; i < after->service_count; i++)
        if (!strcmp(after->services[i].name, statement->name)) {
            after->service_count--;
            memmove(&after->services[i], &after->services[i + 1],
                    (after->service_count - i) * sizeof *after->services);
            change->changed = true;
        }
}

static void
drop_view(struct change *change, const struct statement *statement)
{
    struct catalog *after = change->after;
    struct view *view = find_view(after, statement->name);
    uint32_t index;

    if (!view)
        return;
    if (is_used(after, view->id, 0)) {
        change->faults |= OUTCOME(FEATURE_CONFLICT);
        return;
    }
    index = (uint32_t)(view - after->views);
    after->view_count--;
    memmove(view, view + 1, (after->view_count - index) * sizeof *view);
    change->changed = true;
}

static void
drop_entity(struct change *change, const struct statement *statement)
{
    struct catalog *after = change->after;
    const struct entity *entity = find_entity(after, statement->name);
    uint32_t index;

    if (!entity)
        return;
    for (uint32_t i = 0; i < after->view_count; i++)
        if (after->views[i].entity == entity->id) {
            change->faults |= OUTCOME(FEATURE_CONFLICT);
            return;
        }
    index = (uint32_t)(entity - after->entities);
    after->entity_count--;
    memmove(&after->entities[index], &after->entities[index + 1],
            (after->entity_count - index) * sizeof *after->entities);
    change->changed = true;
}

static void
create_entity(struct change *change, const struct statement *statement)
{
    struct catalog *after = change->after;
    const struct entity *old = find_entity(after, statement->name);
    bool is_same = old && old->key_count == statement->count;

    for (uint32_t i = 0; is_same && i < statement->count; i++)
        is_same = !strcmp(old->keys[i].name, statement->keys[i].name) &&
                  old->keys[i].code == statement->keys[i].code;
    if (old) {
        change->faults |= is_same ? 0 : OUTCOME(FEATURE_CONFLICT);
        return;
    }
    if (after->entity_count == ENTITIES_MAX) {
        change->faults |= OUTCOME_BEYOND;
        return;
    }
    after->entities[after->entity_count++] =
        (struct entity){.id = after->next_id++,
                        .name = statement->name,
                        .key_count = statement->count,
                        .keys = statement->keys};
    change->changed = true;
}

/* A text may not declare what it drops. */
static bool
is_declared(const struct change *change, const struct statement *drop)
{
    for (uint32_t i = 0; i < change->count; i++) {
        const struct statement *statement = &change->statements[i];

        if (statement->kind != CREATE_VIEW ||
            strcmp(statement->name, drop->name) != 0)
            continue;
        for (uint32_t j = 0; j < statement->count; j++) {
            const struct feature_clause *clause = &statement->features[j];

            if (!strcmp(clause->name, drop->feature) ||
                (clause->renamed_from &&
                 !strcmp(clause->renamed_from, drop->feature)))
                return true;
        }
    }
    return false;
}

static void
drop_feature(struct change *change, const struct statement *statement)
{
    struct view *view = find_view(change->after, statement->name);
    struct feature *feature;
    uint32_t index;

    if (!view)
        return;
    feature = find_feature(view, statement->feature);
    if (is_declared(change, statement))
        change->faults |= OUTCOME(FEATURE_INVALID);
    if (!feature)
        return;
    if (is_used(change->after, view->id, feature->id) ||
        view->feature_count == 1) {
        change->faults |= OUTCOME(FEATURE_CONFLICT);
        return;
    }
    index = (uint32_t)(feature - view->features);
    view->dropped = *feature;
    view->feature_count--;
    memmove(feature, feature + 1,
            (view->feature_count - index) * sizeof *feature);
    change->changed = true;
}

static void
set_store(struct change *change, const struct statement *statement)
{
    int64_t asked = statement->options.of[OPTION_CHANGES];

    if (change->sets_store)
        change->faults |= OUTCOME(FEATURE_INVALID);
    change->sets_store = true;
    if (asked == OPTION_NONE)
        asked = 0;
    if (asked != change->after->changes)
        change->changed = true;
    change->after->changes = asked;
}

static void
apply_each(struct change *change, enum statement_kind kind,
           void (*apply)(struct change *, const struct statement *))
{
    for (uint32_t i = 0; i < change->count; i++)
        if (change->statements[i].kind == kind)
            apply(change, &change->statements[i]);
}

outcomes
catalog_apply(struct arena *arena, const struct catalog *before,
              const struct statement *statements, uint32_t count,
              enum plant plant, struct catalog *after, bool *changed)
{
    struct change change = {.arena = arena,
                            .after = after,
                            .statements = statements,
                            .count = count,
                            .plant = plant};

    *after = *before;
    *changed = false;
    for (uint32_t i = 0; i < count; i++)
        if (statements[i].kind == NONSENSE)
            return OUTCOME(statements[i].count);
    check_names(&change, statements, count);
    apply_each(&change, DROP_SERVICE, drop_service);
    apply_each(&change, DROP_VIEW, drop_view);
    apply_each(&change, DROP_ENTITY, drop_entity);
    apply_each(&change, CREATE_ENTITY, create_entity);
    apply_each(&change, CREATE_VIEW, evolve_view);
    apply_each(&change, DROP_FEATURE, drop_feature);
    apply_each(&change, CREATE_SERVICE, create_service);
    apply_each(&change, STORE_WITH, set_store);
    if (change.faults)
        return change.faults;
    *changed = change.changed;
    after->version += change.changed;
    return OUTCOME_OK;
}
