/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Selections: the keys, look-ups and columns that items give together.
 *
 * Owns the naming of columns, the union of join keys and the merging of roles.
 * Keeps names unique: two columns of one name are refused, never renamed.
 * Never points into the catalog once it is done.
 */
#include "model/select.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "model/resolve.h"
#include "model/suggest.h"

static const char *
key_name(const struct lf_service_item *item, const char *key)
{
    for (uint32_t i = 0; i < item->renamed_count; i++)
        if (!strcmp(item->renamed[i].key, key))
            return item->renamed[i].as;
    return key;
}

/* The name of the first view that has a key. */
static const char *
key_user(const struct lf_selection *selection, uint32_t key)
{
    for (uint32_t i = 0; i < selection->view_count; i++)
        for (uint32_t j = 0; j < selection->views[i].key_count; j++)
            if (selection->views[i].keys[j] == key)
                return selection->views[i].name;
    return "another view";
}

/* Finds or adds one join key of the selection. */
static feature_status
add_key(struct lf_selector *selector, const char *name, int32_t code,
        const char *user, struct lf_place at, uint32_t *index)
{
    struct lf_selection *selection = selector->selection;
    struct lf_arena *arena = &selection->arena;
    struct lf_selection_key *key;

    if (lf_names_find(&selector->keys, name, index)) {
        if (selection->keys[*index].code == code)
            return FEATURE_OK;
        return lf_fail_at(
            selector->error, FEATURE_CONFLICT, "definition", at.line, at.column,
            "the join key %s is %s for %s and %s for %s", name,
            lf_type_code_name(selection->keys[*index].code),
            key_user(selection, *index), lf_type_code_name(code), user);
    }
    key =
        lf_list_room(arena, selection->keys, selection->key_count, sizeof *key);
    if (!key)
        return lf_fail_memory(selector->error);
    selection->keys = key;
    *index = selection->key_count;
    key += *index;
    key->name = lf_arena_copy(arena, name, strlen(name));
    key->code = code;
    if (!key->name || !lf_names_add(&selector->keys, arena, key->name, *index))
        return lf_fail_memory(selector->error);
    selection->key_count++;
    return FEATURE_OK;
}

/* The keys of an item as indices, one for each join key of its entity. */
static feature_status
add_keys(struct lf_selector *selector, const struct lf_service_item *item,
         const struct lf_view *view, struct lf_place at, uint32_t *keys,
         uint32_t *count)
{
    const struct lf_entity *entity =
        lf_catalog_entity_by_id(selector->catalog, view->entity);
    const char *user = item->alias ? item->alias : view->name;

    for (uint32_t i = 0; i < entity->key_count; i++) {
        const char *name = key_name(item, entity->keys[i].name);

        for (uint32_t j = 0; j < i; j++)
            if (!strcmp(key_name(item, entity->keys[j].name), name))
                return lf_fail_at(
                    selector->error, FEATURE_CONFLICT, "definition", at.line,
                    at.column, "two join keys of %s are named %s", user, name);
        LF_TRY(
            add_key(selector, name, entity->keys[i].code, user, at, &keys[i]));
    }
    *count = entity->key_count;
    return FEATURE_OK;
}

static bool
is_same_role(const struct lf_selector *selector, uint32_t index,
             const struct lf_service_item *item, const uint32_t *keys)
{
    const struct lf_selection_view *view = &selector->selection->views[index];
    const char *alias = selector->aliases[index];

    if (view->view != item->view || !alias != !item->alias)
        return false;
    return (!alias || !strcmp(alias, item->alias)) &&
           !memcmp(view->keys, keys, view->key_count * sizeof *keys);
}

static feature_status
add_role(struct lf_selector *selector, const struct lf_service_item *item,
         const struct lf_view *view, const uint32_t *keys, uint32_t key_count,
         struct lf_place at)
{
    struct lf_selection *selection = selector->selection;
    struct lf_arena *arena = &selection->arena;
    const char *name = item->alias ? item->alias : view->name;
    struct lf_selection_view *made;
    const char **aliases;

    if (selection->view_count == LF_ITEMS_MAX)
        return lf_fail_at(selector->error, FEATURE_INVALID, "argument", at.line,
                          at.column, "a list has at most %d feature views",
                          LF_ITEMS_MAX);
    made = lf_list_room(arena, selection->views, selection->view_count,
                        sizeof *made);
    aliases = lf_list_room(arena, selector->aliases, selection->view_count,
                           sizeof *aliases);
    if (!made || !aliases)
        return lf_fail_memory(selector->error);
    selection->views = made;
    selector->aliases = aliases;
    made += selection->view_count;
    made->view = view->id;
    made->name = lf_arena_copy(arena, name, strlen(name));
    made->key_count = key_count;
    made->keys = lf_list_extend(arena, keys, key_count, 0, sizeof *keys);
    if (!made->name || !made->keys)
        return lf_fail_memory(selector->error);
    aliases[selection->view_count++] = item->alias ? made->name : NULL;
    return FEATURE_OK;
}

/* Finds or adds the look-up of an item. */
static feature_status
find_role(struct lf_selector *selector, const struct lf_service_item *item,
          const struct lf_view *view, struct lf_place at, uint32_t *index)
{
    uint32_t keys[LF_KEYS_MAX] = {0}, key_count = 0;

    LF_TRY(add_keys(selector, item, view, at, keys, &key_count));
    for (*index = 0; *index < selector->selection->view_count; ++*index)
        if (is_same_role(selector, *index, item, keys))
            return FEATURE_OK;
    return add_role(selector, item, view, keys, key_count, at);
}

/* "view:feature" of a column, for messages. */
static void
describe_column(const struct lf_selector *selector,
                const struct lf_selection_column *column,
                const struct lf_view **view, const struct lf_feature **feature)
{
    uint32_t id = selector->selection->views[column->view].view;

    *view = lf_catalog_view_by_id(selector->catalog, id);
    *feature = lf_view_feature_by_id(*view, column->feature);
}

static feature_status
refuse_column(const struct lf_selector *selector,
              const struct lf_selection_column *column, uint32_t other,
              struct lf_place at)
{
    const struct lf_feature *feature, *taken;
    const struct lf_view *view, *taken_view;

    describe_column(selector, column, &view, &feature);
    describe_column(selector, &selector->selection->columns[other], &taken_view,
                    &taken);
    return lf_fail_at(
        selector->error, FEATURE_CONFLICT, "definition", at.line, at.column,
        "%s:%s and %s:%s would both be the column %s; give one "
        "an alias with AS",
        taken_view->name, taken->name, view->name, feature->name, column->name);
}

static const char *
column_name(struct lf_arena *arena, const char *alias, const char *name)
{
    struct lf_text text = {0};
    const char *made = NULL;

    if (!alias)
        return lf_arena_copy(arena, name, strlen(name));
    lf_text_add(&text, "%s__%s", alias, name);
    if (!text.failed)
        made = lf_arena_copy(arena, text.bytes.data, text.bytes.size);
    lf_text_free(&text);
    return made;
}

/* The k values of LAST(x, k) and its kin have k places. */
static uint32_t
count_floats(const struct lf_feature *feature)
{
    const struct lf_aggregate *aggregate = feature->aggregate;

    if (!lf_type_is_variable(feature->type))
        return feature->type.width;
    if (!aggregate || aggregate->by != LF_NO_COLUMN ||
        lf_type_element_size(feature->type.code) == 0)
        return 0;
    return aggregate->k;
}

static feature_status
add_column(struct lf_selector *selector, const struct lf_view *view,
           uint32_t role, const struct lf_selected *selected,
           struct lf_place at)
{
    const struct lf_feature *feature =
        lf_view_feature_by_id(view, selected->feature);
    struct lf_selection *selection = selector->selection;
    struct lf_arena *arena = &selection->arena;
    struct lf_selection_column made = {.view = role,
                                       .feature = feature->id,
                                       .type = feature->type,
                                       .not_null = feature->not_null,
                                       .floats = count_floats(feature)};
    struct lf_selection_column *columns;
    uint32_t other;

    if (selection->column_count == LF_COLUMNS_MAX)
        return lf_fail_at(selector->error, FEATURE_INVALID, "argument", at.line,
                          at.column, "a list has at most %d columns",
                          LF_COLUMNS_MAX);
    made.name = column_name(arena, selector->aliases[role],
                            selected->as ? selected->as : feature->name);
    columns = lf_list_room(arena, selection->columns, selection->column_count,
                           sizeof *columns);
    if (!made.name || !columns)
        return lf_fail_memory(selector->error);
    selection->columns = columns;
    if (lf_names_find(&selector->columns, made.name, &other))
        return refuse_column(selector, &made, other, at);
    if (!lf_names_add(&selector->columns, arena, made.name,
                      selection->column_count))
        return lf_fail_memory(selector->error);
    columns[selection->column_count++] = made;
    return FEATURE_OK;
}

feature_status
lf_selector_add(struct lf_selector *selector,
                const struct lf_service_item *item, struct lf_place at,
                const struct lf_place *places)
{
    const struct lf_view *view =
        lf_catalog_view_by_id(selector->catalog, item->view);
    uint32_t role = 0;

    LF_TRY(find_role(selector, item, view, at, &role));
    for (uint32_t i = 0; i < item->selected_count; i++)
        LF_TRY(add_column(selector, view, role, &item->selected[i],
                          places ? places[i] : at));
    return FEATURE_OK;
}

static feature_status
add_service(struct lf_selector *selector, const struct lf_service *service,
            struct lf_place at)
{
    for (uint32_t i = 0; i < service->item_count; i++)
        LF_TRY(lf_selector_add(selector, &service->items[i], at, NULL));
    return FEATURE_OK;
}

static feature_status
refuse_name(const struct lf_selector *selector, const struct lf_name *name)
{
    struct lf_suggestion near;

    lf_suggestion_begin(&near, name->text);
    lf_suggestion_offer_services(&near, selector->catalog);
    lf_suggestion_offer_views(&near, selector->catalog);
    return lf_suggestion_fail(&near, name->at, selector->error,
                              "there is no feature service %s", name->text);
}

static feature_status
add_item(struct lf_selector *selector, const struct lf_item_clause *clause,
         struct lf_arena *scratch)
{
    const struct lf_name *name = &clause->view;
    const struct lf_service *service;
    struct lf_resolved_item resolved;

    if (clause->is_bare) {
        service = lf_catalog_service(selector->catalog, name->text);
        if (service)
            return add_service(selector, service, name->at);
        if (!lf_catalog_view(selector->catalog, name->text))
            return refuse_name(selector, name);
    }
    LF_TRY(lf_resolve_item(selector->catalog, clause, scratch, &resolved,
                           selector->error));
    return lf_selector_add(selector, &resolved.item, resolved.at,
                           resolved.places);
}

static feature_status
parse_query(const char *text, struct lf_arena *arena,
            struct lf_item_clause **items, uint32_t *count,
            struct feature_error *error)
{
    struct lf_lexer lexer;
    bool has_end;

    LF_TRY(lf_lexer_begin(&lexer, text, error));
    LF_TRY(lf_parse_items(&lexer, arena, items, count));
    LF_TRY(lf_lexer_skip_mark(&lexer, ';', &has_end));
    if (lexer.token.kind != LF_TOKEN_END)
        return lf_lexer_expected(&lexer, "\",\" or the end of the text");
    return FEATURE_OK;
}

feature_status
lf_select(const struct lf_catalog *catalog, const char *text,
          struct lf_selection **selection, struct feature_error *error)
{
    struct lf_selector selector = {.catalog = catalog, .error = error};
    struct lf_item_clause *items = NULL;
    struct lf_arena scratch = {0};
    feature_status status;
    uint32_t count = 0;

    selector.selection = lf_alloc(sizeof *selector.selection);
    if (!selector.selection)
        return lf_fail_memory(error);
    status = parse_query(text, &scratch, &items, &count, error);
    if (status)
        goto out;
    for (uint32_t i = 0; i < count; i++) {
        status = add_item(&selector, &items[i], &scratch);
        if (status)
            goto out;
    }
    *selection = selector.selection;
    selector.selection = NULL;
out:
    lf_selection_free(selector.selection);
    lf_arena_free(&scratch);
    return status;
}

void
lf_selection_free(struct lf_selection *selection)
{
    if (!selection)
        return;
    lf_arena_free(&selection->arena);
    lf_free(selection);
}

/* One more name of the list; each only once. */
static feature_status
add_name(struct lf_lexer *lexer, struct lf_arena *arena, struct lf_names *seen,
         const char ***names, uint32_t **positions, uint32_t *count)
{
    struct lf_lexer start = *lexer;
    struct lf_name name;

    *names = lf_list_room(arena, *names, *count, sizeof **names);
    *positions = lf_list_room(arena, *positions, *count, sizeof **positions);
    if (!*names || !*positions)
        return lf_fail_memory(lexer->error);
    LF_TRY(lf_lexer_take_name(lexer, arena, "the name of a column", &name));
    if (lf_names_find(seen, name.text, NULL))
        return lf_lexer_fail(&start, "the column %s is here twice", name.text);
    if (!lf_names_add(seen, arena, name.text, *count))
        return lf_fail_memory(lexer->error);
    (*names)[*count] = name.text;
    (*positions)[(*count)++] = name.at.column;
    return FEATURE_OK;
}

feature_status
lf_name_list(struct lf_arena *arena, const char *text, const char ***names,
             uint32_t **positions, uint32_t *count, struct feature_error *error)
{
    uint32_t *made_positions = NULL, made_count = 0;
    const char **made_names = NULL;
    struct lf_names seen = {0};
    struct lf_lexer lexer;
    bool more = true;

    LF_TRY(lf_lexer_begin(&lexer, text, error));
    while (more) {
        LF_TRY(add_name(&lexer, arena, &seen, &made_names, &made_positions,
                        &made_count));
        LF_TRY(lf_lexer_skip_mark(&lexer, ',', &more));
    }
    if (lexer.token.kind != LF_TOKEN_END)
        return lf_lexer_expected(&lexer, "\",\" or the end of the text");
    *names = made_names;
    *positions = made_positions;
    *count = made_count;
    return FEATURE_OK;
}
