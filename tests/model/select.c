/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Selections: what a query asks for.
 *
 * Owns the union of join keys, the naming of columns and the expansion of `*`.
 * Keeps a selection as it was made, whatever becomes of the catalog.
 * Never refuses with one status where another fault is in the text as well.
 */
#include "select.h"

#include <string.h>

static outcomes
resolve_selected(struct arena *arena, struct view *view,
                 const struct item_clause *clause,
                 struct resolved_item *resolved)
{
    uint32_t most = view->feature_count * clause->selected_count;
    outcomes found = 0;

    resolved->features = arena_array(arena, most + clause->selected_count,
                                     sizeof *resolved->features);
    resolved->names = arena_array(arena, most + clause->selected_count,
                                  sizeof *resolved->names);
    for (uint32_t i = 0; i < clause->selected_count; i++) {
        const struct selected_clause *selected = &clause->selected[i];
        const struct feature *feature;

        for (uint32_t j = 0; !selected->feature && j < view->feature_count;
             j++) {
            resolved->features[resolved->count] = view->features[j].id;
            resolved->names[resolved->count++] = view->features[j].name;
        }
        if (!selected->feature)
            continue;
        feature = find_feature(view, selected->feature);
        if (!feature) {
            found |= OUTCOME(FEATURE_NOT_FOUND);
            continue;
        }
        resolved->features[resolved->count] = feature->id;
        resolved->names[resolved->count++] =
            selected->as ? selected->as : feature->name;
    }
    return found;
}

static outcomes
resolve_renamed(const struct entity *entity, const struct item_clause *clause,
                struct resolved_item *resolved)
{
    outcomes found = 0;

    for (uint32_t i = 0; i < entity->key_count; i++)
        resolved->keys[i] = entity->keys[i].name;
    for (uint32_t i = 0; i < clause->renamed_count; i++) {
        uint32_t at = 0;

        while (at < entity->key_count &&
               strcmp(entity->keys[at].name, clause->renamed[i].key) != 0)
            at++;
        if (at == entity->key_count) {
            found |= OUTCOME(FEATURE_NOT_FOUND);
            continue;
        }
        for (uint32_t j = 0; j < i; j++)
            if (!strcmp(clause->renamed[i].key, clause->renamed[j].key))
                found |= OUTCOME(FEATURE_INVALID);
        resolved->keys[at] = clause->renamed[i].as;
    }
    return found;
}

outcomes
resolve_item(struct arena *arena, struct catalog *catalog,
             const struct item_clause *clause, struct resolved_item *resolved)
{
    struct view *view = find_view(catalog, clause->name);
    outcomes found;

    *resolved = (struct resolved_item){.alias = clause->alias};
    if (!view)
        return OUTCOME(FEATURE_NOT_FOUND);
    if (clause->is_bare)
        return OUTCOME(FEATURE_INVALID);
    resolved->view = view->id;
    found = resolve_selected(arena, view, clause, resolved);
    found |= resolve_renamed(find_entity_id(catalog, view->entity), clause,
                             resolved);
    return found ? found : OUTCOME_OK;
}

static outcomes
add_key(struct selection *selection, const char *name, int32_t code,
        uint32_t *index)
{
    for (*index = 0; *index < selection->key_count; ++*index)
        if (!strcmp(selection->keys[*index].name, name))
            return selection->keys[*index].code == code
                       ? 0
                       : OUTCOME(FEATURE_CONFLICT);
    if (*index == COUNT(selection->keys))
        return OUTCOME_BEYOND;
    selection->keys[selection->key_count++] =
        (struct key_clause){.name = name, .code = code};
    return 0;
}

static bool
is_same_role(const struct role *a, const struct role *b)
{
    if (a->view != b->view || !a->alias != !b->alias ||
        (a->alias && strcmp(a->alias, b->alias) != 0))
        return false;
    return !memcmp(a->keys, b->keys, sizeof a->keys);
}

static outcomes
add_role(struct catalog *catalog, const struct resolved_item *item,
         struct selection *selection, uint32_t *index)
{
    const struct view *view = find_view_id(catalog, item->view);
    const struct entity *entity = find_entity_id(catalog, view->entity);
    struct role role = {.view = view->id,
                        .alias = item->alias,
                        .name = item->alias ? item->alias : view->name,
                        .key_count = entity->key_count};
    outcomes found = 0;

    for (uint32_t i = 0; i < entity->key_count; i++) {
        found |= add_key(selection, item->keys[i], entity->keys[i].code,
                         &role.keys[i]);
        for (uint32_t j = 0; j < i; j++)
            if (!strcmp(item->keys[i], item->keys[j]))
                found |= OUTCOME(FEATURE_CONFLICT);
    }
    for (*index = 0; *index < selection->role_count; ++*index)
        if (is_same_role(&selection->roles[*index], &role))
            return found;
    if (*index == ROLES_MAX)
        return OUTCOME_BEYOND;
    selection->roles[selection->role_count++] = role;
    return found;
}

static outcomes
add_column(struct arena *arena, const struct feature *feature, uint32_t role,
           const char *name, struct selection *selection)
{
    const char *alias = selection->roles[role].alias;

    if (alias)
        name = arena_print(arena, "%s__%s", alias, name);
    if (selection->column_count == COLUMNS_MAX)
        return OUTCOME_BEYOND;
    for (uint32_t i = 0; i < selection->column_count; i++)
        if (!strcmp(selection->columns[i].name, name))
            return OUTCOME(FEATURE_CONFLICT);
    selection->columns[selection->column_count++] =
        (struct column){.name = name,
                        .role = role,
                        .feature = feature->id,
                        .type = feature->type,
                        .not_null = feature->not_null};
    return 0;
}

outcomes
selection_add(struct arena *arena, struct catalog *catalog,
              const struct resolved_item *item, struct selection *selection)
{
    struct view *view = find_view_id(catalog, item->view);
    outcomes found;
    uint32_t role;

    found = add_role(catalog, item, selection, &role);
    if (found & OUTCOME_BEYOND)
        return found;
    for (uint32_t i = 0; i < item->count; i++)
        found |= add_column(arena, find_feature_id(view, item->features[i]),
                            role, item->names[i], selection);
    return found ? found : OUTCOME_OK;
}

static outcomes
select_service(struct arena *arena, struct catalog *catalog,
               const struct service *service, struct selection *selection)
{
    outcomes found = 0;

    for (uint32_t i = 0; i < service->item_count; i++)
        found |= selection_add(arena, catalog, &service->items[i], selection);
    return found;
}

static outcomes
select_item(struct arena *arena, struct catalog *catalog,
            const struct item_clause *item, struct selection *selection)
{
    const struct service *service = find_service(catalog, item->name);
    struct resolved_item resolved;
    outcomes found;

    if (item->is_bare && service)
        return select_service(arena, catalog, service, selection);
    found = resolve_item(arena, catalog, item, &resolved);
    if (found != OUTCOME_OK)
        return found;
    return selection_add(arena, catalog, &resolved, selection);
}

outcomes
select_items(struct arena *arena, struct catalog *catalog,
             const struct item_clause *items, uint32_t count, bool is_matrix,
             struct selection *selection)
{
    outcomes found = 0;

    *selection = (struct selection){0};
    for (uint32_t i = 0; i < count; i++)
        found |= select_item(arena, catalog, &items[i], selection);
    found &= ~OUTCOME_OK;
    if (found)
        return found;
    for (uint32_t i = 0; is_matrix && i < selection->column_count; i++)
        if (type_is_variable(selection->columns[i].type))
            return OUTCOME(FEATURE_INVALID);
    return OUTCOME_OK;
}
