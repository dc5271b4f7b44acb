/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Items, from names to ids.
 *
 * Owns the look-up of views, features and join keys in items.
 * Keeps a resolved item complete: `*` is expanded, every column has a name.
 * Never judges what several items give together.
 */
#include "model/resolve.h"

#include <string.h>

#include "base/error.h"
#include "model/suggest.h"

feature_status
lf_find_view(const struct lf_catalog *catalog, const struct lf_name *name,
             const struct lf_view **view, struct feature_error *error)
{
    struct lf_suggestion near;

    *view = lf_catalog_view(catalog, name->text);
    if (*view)
        return FEATURE_OK;
    if (lf_catalog_service(catalog, name->text))
        return lf_fail_at(
            error, FEATURE_NOT_FOUND, "name", name->at.line, name->at.column,
            "%s is a feature service, not a feature view", name->text);
    if (lf_catalog_entity(catalog, name->text))
        return lf_fail_at(error, FEATURE_NOT_FOUND, "name", name->at.line,
                          name->at.column,
                          "%s is an entity, not a feature view", name->text);
    lf_suggestion_begin(&near, name->text);
    lf_suggestion_offer_views(&near, catalog);
    return lf_suggestion_fail(&near, name->at, error,
                              "there is no feature view %s", name->text);
}

static feature_status
unknown_feature(const struct lf_view *view, const struct lf_name *name,
                struct feature_error *error)
{
    struct lf_suggestion near;

    lf_suggestion_begin(&near, name->text);
    for (uint32_t i = 0; i < view->feature_count; i++)
        lf_suggestion_offer(&near, view->features[i].name);
    return lf_suggestion_fail(&near, name->at, error,
                              "there is no feature %s:%s", view->name,
                              name->text);
}

/* Columns that an item gives; 0: too many. */
static uint32_t
count_columns(const struct lf_item_clause *clause, const struct lf_view *view)
{
    uint64_t count = 0;

    for (uint32_t i = 0; i < clause->selected_count; i++)
        count += clause->selected[i].feature.text ? 1 : view->feature_count;
    return count <= LF_COLUMNS_MAX ? (uint32_t)count : 0;
}

static bool
add_column(struct lf_resolved_item *resolved, struct lf_arena *arena,
           uint32_t feature, const char *as, struct lf_place at)
{
    uint32_t index = resolved->item.selected_count++;
    struct lf_selected *selected = &resolved->item.selected[index];

    selected->feature = feature;
    selected->as = lf_arena_copy(arena, as, strlen(as));
    resolved->places[index] = at;
    return selected->as != NULL;
}

static feature_status
resolve_selected(const struct lf_selected_clause *clause,
                 const struct lf_view *view, struct lf_arena *arena,
                 struct lf_resolved_item *resolved, struct feature_error *error)
{
    const struct lf_feature *feature;
    const char *as = clause->as.text;

    if (!clause->feature.text) {
        for (uint32_t i = 0; i < view->feature_count; i++)
            if (!add_column(resolved, arena, view->features[i].id,
                            view->features[i].name, clause->feature.at))
                return lf_fail_memory(error);
        return FEATURE_OK;
    }
    feature = lf_view_feature(view, clause->feature.text);
    if (!feature)
        return unknown_feature(view, &clause->feature, error);
    if (!add_column(resolved, arena, feature->id, as ? as : feature->name,
                    clause->feature.at))
        return lf_fail_memory(error);
    return FEATURE_OK;
}

static feature_status
resolve_columns(const struct lf_item_clause *clause, const struct lf_view *view,
                struct lf_arena *arena, struct lf_resolved_item *resolved,
                struct feature_error *error)
{
    struct lf_service_item *item = &resolved->item;
    uint32_t count = count_columns(clause, view);

    if (!count)
        return lf_fail_at(error, FEATURE_INVALID, "argument",
                          clause->view.at.line, clause->view.at.column,
                          "a list has at most %d columns", LF_COLUMNS_MAX);
    item->selected = lf_arena_array(arena, count, sizeof *item->selected);
    resolved->places = lf_arena_array(arena, count, sizeof *resolved->places);
    if (!item->selected || !resolved->places)
        return lf_fail_memory(error);
    for (uint32_t i = 0; i < clause->selected_count; i++)
        LF_TRY(resolve_selected(&clause->selected[i], view, arena, resolved,
                                error));
    return FEATURE_OK;
}

static feature_status
find_key(const struct lf_view *view, const struct lf_entity *entity,
         const struct lf_name *name, uint32_t *index,
         struct feature_error *error)
{
    struct lf_suggestion near;

    lf_suggestion_begin(&near, name->text);
    for (*index = 0; *index < entity->key_count; ++*index) {
        if (!strcmp(entity->keys[*index].name, name->text))
            return FEATURE_OK;
        lf_suggestion_offer(&near, entity->keys[*index].name);
    }
    return lf_suggestion_fail(&near, name->at, error, "%s has no join key %s",
                              view->name, name->text);
}

/* The new names of an entity's keys, NULL where a key keeps its own. */
static feature_status
find_renamed(const struct lf_item_clause *clause, const struct lf_view *view,
             const struct lf_entity *entity, const char **names,
             struct feature_error *error)
{
    uint32_t index = 0;

    for (uint32_t i = 0; i < clause->renamed_count; i++) {
        const struct lf_name *key = &clause->renamed[i].key;

        LF_TRY(find_key(view, entity, key, &index, error));
        if (names[index])
            return lf_fail_at(error, FEATURE_INVALID, "argument", key->at.line,
                              key->at.column,
                              "the join key %s is renamed twice", key->text);
        names[index] = clause->renamed[i].as.text;
    }
    return FEATURE_OK;
}

/* In order of the entity's keys, so that equal renamings look equal. */
static feature_status
resolve_renamed(const struct lf_item_clause *clause, const struct lf_view *view,
                const struct lf_entity *entity, struct lf_arena *arena,
                struct lf_service_item *item, struct feature_error *error)
{
    const char *names[LF_KEYS_MAX] = {NULL};

    LF_TRY(find_renamed(clause, view, entity, names, error));
    item->renamed =
        lf_arena_array(arena, clause->renamed_count, sizeof *item->renamed);
    if (!item->renamed)
        return lf_fail_memory(error);
    for (uint32_t i = 0; i < entity->key_count; i++) {
        const char *key = entity->keys[i].name;
        struct lf_renamed_key *made = &item->renamed[item->renamed_count];

        if (!names[i] || !strcmp(names[i], key))
            continue;
        made->key = lf_arena_copy(arena, key, strlen(key));
        made->as = lf_arena_copy(arena, names[i], strlen(names[i]));
        if (!made->key || !made->as)
            return lf_fail_memory(error);
        item->renamed_count++;
    }
    return FEATURE_OK;
}

static feature_status
refuse_bare(const struct lf_view *view, const struct lf_name *name,
            struct feature_error *error)
{
    return lf_fail_at(error, FEATURE_INVALID, "argument", name->at.line,
                      name->at.column,
                      "%s is a feature view; write %s(*) for all its features",
                      view->name, view->name);
}

feature_status
lf_resolve_item(const struct lf_catalog *catalog,
                const struct lf_item_clause *clause, struct lf_arena *arena,
                struct lf_resolved_item *resolved, struct feature_error *error)
{
    struct lf_service_item *item = &resolved->item;
    const char *alias = clause->alias.text;
    const struct lf_entity *entity;
    const struct lf_view *view;

    memset(resolved, 0, sizeof *resolved);
    resolved->at = clause->view.at;
    LF_TRY(lf_find_view(catalog, &clause->view, &view, error));
    if (clause->is_bare)
        return refuse_bare(view, &clause->view, error);
    item->view = view->id;
    item->alias = alias ? lf_arena_copy(arena, alias, strlen(alias)) : NULL;
    if (alias && !item->alias)
        return lf_fail_memory(error);
    LF_TRY(resolve_columns(clause, view, arena, resolved, error));
    entity = lf_catalog_entity_by_id(catalog, view->entity);
    return resolve_renamed(clause, view, entity, arena, item, error);
}
