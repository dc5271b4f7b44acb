/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Evolution in the model: what CREATE does to what is there already.
 *
 * Owns which changes of a feature view and of a service are allowed.
 * Keeps feature ids: a name that comes back gets a new one.
 * Never removes what a text leaves out.
 */
#include "evolve.h"

#include <string.h>

#include "rows.h"
#include "select.h"

#define MAX_SKEW_DEFAULT (86400 * SECOND)

static void
fault(struct change *change, feature_status status)
{
    change->faults |= OUTCOME(status);
}

static void
add_feature(struct change *change, struct view *view, bool is_new,
            const struct feature_clause *clause)
{
    struct feature *made = &view->features[view->feature_count];

    if (!is_new && clause->not_null && clause->fallback.is_null) {
        fault(change, FEATURE_CONFLICT);
        return;
    }
    if (view->feature_count == FEATURES_MAX) {
        change->faults |= OUTCOME_BEYOND;
        return;
    }
    *made = (struct feature){.id = view->next_feature++,
                             .name = clause->name,
                             .type = clause->type,
                             .not_null = clause->not_null,
                             .fallback = clause->fallback};
    if (change->plant == PLANT_DROPPED_STAYS && view->dropped.name &&
        !strcmp(view->dropped.name, made->name) &&
        type_equal(view->dropped.type, made->type))
        made->id = view->dropped.id;
    view->feature_count++;
    change->changed = true;
}

static void
change_feature(struct change *change, struct feature *feature,
               const struct feature_clause *clause)
{
    struct value fallback = clause->fallback;
    bool widens = type_widens(feature->type, clause->type);

    if (!widens && !type_equal(feature->type, clause->type))
        fault(change, FEATURE_CONFLICT);
    if (clause->not_null && !feature->not_null)
        fault(change, FEATURE_CONFLICT);
    if (clause->not_null && !feature->fallback.is_null && fallback.is_null)
        fault(change, FEATURE_CONFLICT);
    if (change->faults)
        return;
    if (widens || feature->not_null != clause->not_null ||
        !value_equal(&feature->fallback, &fallback))
        change->changed = true;
    if (change->plant == PLANT_OLD_DEFAULT && !feature->fallback.is_null &&
        !fallback.is_null)
        fallback = value_widen(change->arena, feature->type, clause->type,
                               feature->fallback);
    feature->type = clause->type;
    feature->not_null = clause->not_null;
    feature->fallback = fallback;
}

static void
evolve_feature(struct change *change, struct view *view, struct view *old,
               const struct feature_clause *clause)
{
    struct feature *found = find_feature(old, clause->name);
    struct feature *feature;
    bool is_rename = !found && clause->renamed_from;

    if (is_rename)
        found = find_feature(old, clause->renamed_from);
    if (!found) {
        add_feature(change, view, old->feature_count == 0, clause);
        return;
    }
    feature = find_feature_id(view, found->id);
    if (!feature) { /* taken by another clause, which is a fault by itself */
        fault(change, FEATURE_INVALID);
        return;
    }
    if (is_rename) {
        feature->name = clause->name;
        change->changed = true;
    }
    change_feature(change, feature, clause);
    if (is_rename && change->plant == PLANT_RENAME_LOSES)
        feature->id = view->next_feature++;
}

/* Each name once, no join key, none both old and new. */
static void
check_clauses(struct change *change, const struct statement *statement,
              const struct entity *entity)
{
    for (uint32_t i = 0; i < statement->count; i++) {
        const struct feature_clause *a = &statement->features[i];

        for (uint32_t j = 0; j < entity->key_count; j++)
            if (!strcmp(entity->keys[j].name, a->name))
                fault(change, FEATURE_INVALID);
        for (uint32_t j = 0; j < statement->count; j++) {
            const struct feature_clause *b = &statement->features[j];

            if (j < i && !strcmp(a->name, b->name))
                fault(change, FEATURE_INVALID);
            if (a->renamed_from && !strcmp(a->renamed_from, b->name))
                fault(change, FEATURE_INVALID);
            if (j < i && a->renamed_from && b->renamed_from &&
                !strcmp(a->renamed_from, b->renamed_from))
                fault(change, FEATURE_INVALID);
        }
    }
}

static void
set_option(struct change *change, const struct statement *statement,
           enum option option, int64_t none, int64_t *value)
{
    int64_t asked = statement->options.of[option];

    if (!asked)
        return;
    if (asked == OPTION_NONE)
        asked = none;
    if (asked != *value)
        change->changed = true;
    *value = asked;
}

static struct view *
take_view(struct change *change, const struct statement *statement,
          const struct entity *entity)
{
    struct catalog *after = change->after;
    struct view *view = find_view(after, statement->name);

    if (view && view->entity != entity->id)
        fault(change, FEATURE_CONFLICT);
    if (view)
        return view;
    if (after->view_count == VIEWS_MAX) {
        change->faults |= OUTCOME_BEYOND;
        return NULL;
    }
    view = &after->views[after->view_count++];
    *view = (struct view){.id = after->next_id++,
                          .name = statement->name,
                          .entity = entity->id,
                          .max_skew = MAX_SKEW_DEFAULT,
                          .next_feature = 1,
                          .rows = rows_create(change->arena)};
    change->changed = true;
    return view;
}

void
evolve_view(struct change *change, const struct statement *statement)
{
    const struct entity *entity = find_entity(change->after, statement->entity);
    struct view *view, old;

    if (!entity) {
        fault(change, FEATURE_NOT_FOUND);
        return;
    }
    view = take_view(change, statement, entity);
    if (!view)
        return;
    old = *view;
    check_clauses(change, statement, entity);
    for (uint32_t i = 0; i < statement->count; i++)
        evolve_feature(change, view, &old, &statement->features[i]);
    set_option(change, statement, OPTION_TTL, 0, &view->ttl);
    set_option(change, statement, OPTION_HISTORY, 0, &view->history);
    set_option(change, statement, OPTION_MAX_SKEW, OPTION_NONE,
               &view->max_skew);
}

static bool
is_same_name(const char *a, const char *b)
{
    return !a || !b ? a == b : !strcmp(a, b);
}

static bool
is_same_role(const struct resolved_item *a, const struct resolved_item *b)
{
    if (a->view != b->view || !is_same_name(a->alias, b->alias))
        return false;
    for (uint32_t i = 0; i < KEYS_MAX; i++)
        if (!is_same_name(a->keys[i], b->keys[i]))
            return false;
    return true;
}

/* A list as its columns, one by one, each with its role. */
struct cursor {
    const struct resolved_item *items;
    uint32_t count;
    uint32_t item;
    uint32_t column;
};

static bool
cursor_at(struct cursor *cursor)
{
    while (cursor->item < cursor->count &&
           cursor->column == cursor->items[cursor->item].count) {
        cursor->item++;
        cursor->column = 0;
    }
    return cursor->item < cursor->count;
}

static bool
is_same_list(const struct service *old, const struct service *made)
{
    struct cursor a = {.items = old->items, .count = old->item_count};
    struct cursor b = {.items = made->items, .count = made->item_count};
    bool more_a = cursor_at(&a), more_b = cursor_at(&b);

    for (; more_a && more_b; more_a = cursor_at(&a), more_b = cursor_at(&b)) {
        const struct resolved_item *left = &a.items[a.item];
        const struct resolved_item *right = &b.items[b.item];

        if (!is_same_role(left, right) ||
            left->features[a.column] != right->features[b.column] ||
            strcmp(left->names[a.column], right->names[b.column]) != 0)
            return false;
        a.column++;
        b.column++;
    }
    return more_a == more_b;
}

/* The list in one way of writing: view:feature as view(feature). */
static const char *
canonical(struct change *change, const struct statement *statement)
{
    struct item_clause *items =
        arena_copy(change->arena, statement->items,
                   statement->count * sizeof *statement->items);
    struct text text = {0};
    const char *written;

    for (uint32_t i = 0; i < statement->count; i++)
        items[i].is_reference = false;
    items_print(&text, items, statement->count);
    written = arena_copy(change->arena, text.data, text.size + 1);
    text_free(&text);
    return written;
}

static outcomes
resolve_list(struct change *change, const struct statement *statement,
             struct service *made)
{
    struct selection *selection = arena_alloc(change->arena, sizeof *selection);
    outcomes found = 0;

    made->items =
        arena_array(change->arena, statement->count, sizeof *made->items);
    made->item_count = statement->count;
    for (uint32_t i = 0; i < statement->count; i++) {
        outcomes one = resolve_item(change->arena, change->after,
                                    &statement->items[i], &made->items[i]);

        if (one == OUTCOME_OK)
            one = selection_add(change->arena, change->after, &made->items[i],
                                selection);
        found |= one;
    }
    return found & ~OUTCOME_OK;
}

void
create_service(struct change *change, const struct statement *statement)
{
    struct catalog *after = change->after;
    const struct service *old = find_service(after, statement->name);
    struct service made = {.name = statement->name,
                           .written = canonical(change, statement)};
    outcomes found = 0;

    for (uint32_t i = 0; i < statement->count; i++)
        if (statement->items[i].is_bare)
            found |= OUTCOME(FEATURE_INVALID);
    if (!found && old && !strcmp(old->written, made.written))
        return;
    found |= resolve_list(change, statement, &made);
    if (!found && old && !is_same_list(old, &made))
        found = OUTCOME(FEATURE_CONFLICT);
    if (!found && !old && after->service_count == SERVICES_MAX)
        found = OUTCOME_BEYOND;
    change->faults |= found;
    if (found || old)
        return;
    made.id = after->next_id++;
    after->services[after->service_count++] = made;
    change->changed = true;
}
