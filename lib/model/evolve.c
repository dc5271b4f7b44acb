/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Schema evolution: a feature view becomes what a text says.
 *
 * Owns the rules of what may change, and the schema versions.
 * Keeps feature ids stable: a name that comes back gets a new one.
 * Never removes what a text merely leaves out.
 */
#include "model/evolve.h"

#include <string.h>

#include "base/error.h"
#include "model/aggregate.h"
#include "model/literal.h"
#include "model/suggest.h"

static const char *
copy_name(struct lf_change *change, const char *name)
{
    return lf_arena_copy(&change->after->arena, name, strlen(name));
}

/* A value on one line, cut where it is long. */
static const char *
show_value(char shown[LF_QUOTE_SIZE], struct lf_type type,
           const struct lf_literal *literal)
{
    struct lf_text text = {0};

    if (literal->is_set)
        lf_literal_print(&text, type, literal);
    else
        lf_text_add(&text, "none");
    lf_quote(shown, text.bytes.data, text.bytes.size);
    lf_text_free(&text);
    return shown;
}

static feature_status
set_default(struct lf_change *change, struct lf_feature *feature,
            const struct lf_literal *literal)
{
    struct lf_literal made = *literal;

    if (made.is_set) {
        made.bytes = (const uint8_t *)lf_arena_copy(&change->after->arena,
                                                    made.bytes, made.size);
        if (!made.bytes)
            return lf_fail_memory(change->error);
    }
    feature->fallback = made;
    return FEATURE_OK;
}

static void
report_added(struct lf_change *change, const struct lf_view *view,
             const struct lf_feature *feature)
{
    char type[LF_TYPE_NAME_SIZE], value[LF_QUOTE_SIZE];
    bool has_default = feature->fallback.is_set;

    lf_type_name(type, feature->type);
    show_value(value, feature->type, &feature->fallback);
    lf_change_add(change, "add feature %s:%s %s%s%s%s", view->name,
                  feature->name, type, feature->not_null ? " NOT NULL" : "",
                  has_default ? " DEFAULT " : "", has_default ? value : "");
}

/* The array of features has room. */
static feature_status
add_feature(struct lf_change *change, struct lf_view *view,
            struct lf_view_change *of_view,
            const struct lf_feature_clause *clause)
{
    struct lf_feature *made = &view->features[view->feature_count];

    if (!of_view->is_new && clause->not_null && !clause->fallback.is_set)
        return lf_change_conflict(
            change, clause->name.at,
            "%s:%s is new and NOT NULL: it needs a DEFAULT, as rows may exist",
            view->name, clause->name.text);
    if (view->next_feature == UINT32_MAX)
        return lf_change_conflict(change, clause->name.at,
                                  "the feature ids of %s are used up",
                                  view->name);
    *made = (struct lf_feature){.id = view->next_feature++,
                                .name = copy_name(change, clause->name.text),
                                .type = clause->type,
                                .not_null = clause->not_null};
    if (clause->aggregate)
        made->aggregate =
            lf_aggregate_copy(&change->after->arena, clause->aggregate);
    if (!made->name || (clause->aggregate && !made->aggregate))
        return lf_fail_memory(change->error);
    LF_TRY(set_default(change, made, &clause->fallback));
    view->feature_count++;
    of_view->layout_changed = true;
    of_view->changed_at = clause->name.at;
    if (!of_view->is_new && made->aggregate)
        lf_report_window(change, view, made);
    else if (!of_view->is_new)
        report_added(change, view, made);
    return FEATURE_OK;
}

static feature_status
change_type(struct lf_change *change, const struct lf_view *view,
            struct lf_feature *feature, struct lf_view_change *of_view,
            const struct lf_feature_clause *clause)
{
    char from[LF_TYPE_NAME_SIZE], to[LF_TYPE_NAME_SIZE];

    if (lf_type_equal(feature->type, clause->type))
        return FEATURE_OK;
    lf_type_name(from, feature->type);
    lf_type_name(to, clause->type);
    if (!lf_type_widens(feature->type, clause->type))
        return lf_change_conflict(change, clause->name.at,
                                  "%s:%s is %s in the store and %s in this "
                                  "text",
                                  view->name, clause->name.text, from, to);
    feature->type = clause->type;
    of_view->layout_changed = true;
    of_view->changed_at = clause->name.at;
    lf_change_add(change, "widen feature %s:%s from %s to %s", view->name,
                  feature->name, from, to);
    return FEATURE_OK;
}

static feature_status
change_null(struct lf_change *change, const struct lf_view *view,
            struct lf_feature *feature, const struct lf_feature_clause *clause)
{
    if (!feature->not_null && clause->not_null)
        return lf_change_conflict(change, clause->name.at,
                                  "%s:%s is nullable in the store and NOT NULL "
                                  "in this text",
                                  view->name, clause->name.text);
    if (clause->not_null && feature->fallback.is_set &&
        !clause->fallback.is_set)
        return lf_change_conflict(change, clause->name.at,
                                  "%s:%s is NOT NULL and rows may rely on its "
                                  "DEFAULT, which is not in this text",
                                  view->name, clause->name.text);
    if (feature->not_null && !clause->not_null) {
        feature->not_null = false;
        lf_change_add(change, "relax NOT NULL of %s:%s", view->name,
                      feature->name);
    }
    return FEATURE_OK;
}

/* After widening, bytes differ where the value does not: what is shown is what
 * is compared. */
static feature_status
change_default(struct lf_change *change, const struct lf_view *view,
               struct lf_feature *feature, struct lf_type old_type,
               const struct lf_feature_clause *clause)
{
    char from[LF_QUOTE_SIZE], to[LF_QUOTE_SIZE];
    bool is_widened = !lf_type_equal(old_type, feature->type);

    if (!is_widened && lf_literal_equal(&feature->fallback, &clause->fallback))
        return FEATURE_OK;
    show_value(from, old_type, &feature->fallback);
    show_value(to, clause->type, &clause->fallback);
    LF_TRY(set_default(change, feature, &clause->fallback));
    if (!is_widened || strcmp(from, to) != 0)
        lf_change_add(change, "change DEFAULT of %s:%s from %s to %s",
                      view->name, feature->name, from, to);
    return FEATURE_OK;
}

static feature_status
change_feature(struct lf_change *change, const struct lf_view *view,
               struct lf_feature *feature, struct lf_view_change *of_view,
               const struct lf_feature_clause *clause)
{
    struct lf_type old_type = feature->type;

    if (feature->aggregate)
        LF_TRY(lf_check_aggregate(change, view, feature, clause));
    LF_TRY(change_type(change, view, feature, of_view, clause));
    LF_TRY(change_null(change, view, feature, clause));
    return change_default(change, view, feature, old_type, clause);
}

static feature_status
evolve_feature(struct lf_change *change, struct lf_view *view,
               struct lf_view_change *of_view, const struct lf_names *existing,
               const struct lf_feature_clause *clause)
{
    const char *old = clause->renamed_from.text;
    struct lf_feature *feature;
    uint32_t index;

    if (lf_names_find(existing, clause->name.text, &index))
        return change_feature(change, view, &view->features[index], of_view,
                              clause);
    if (!old || !lf_names_find(existing, old, &index))
        return add_feature(change, view, of_view, clause);
    feature = &view->features[index];
    feature->name = copy_name(change, clause->name.text);
    if (!feature->name)
        return lf_fail_memory(change->error);
    lf_change_add(change, "rename feature %s:%s to %s", view->name, old,
                  feature->name);
    return change_feature(change, view, feature, of_view, clause);
}

/* Names of the statement's features: each once, no join key among them. */
static feature_status
declare_features(struct lf_change *change, const struct lf_statement *statement,
                 const struct lf_entity *entity, struct lf_view_change *of_view)
{
    for (uint32_t i = 0; i < statement->count; i++) {
        const struct lf_name *name = &statement->features[i].name;

        if (lf_names_find(&of_view->declared, name->text, NULL))
            return lf_change_invalid(
                change, name->at, "the feature %s is here twice", name->text);
        for (uint32_t j = 0; j < entity->key_count; j++)
            if (!strcmp(entity->keys[j].name, name->text))
                return lf_change_invalid(change, name->at,
                                         "%s is a join key of %s and cannot "
                                         "be a feature",
                                         name->text, entity->name);
        if (!lf_names_add(&of_view->declared, change->scratch, name->text, i))
            return lf_fail_memory(change->error);
    }
    return FEATURE_OK;
}

/* A text is a set: no name may be both an old and a new one. */
static feature_status
check_renames(struct lf_change *change, const struct lf_statement *statement,
              const struct lf_names *declared)
{
    struct lf_names olds = {0};

    for (uint32_t i = 0; i < statement->count; i++) {
        const struct lf_name *old = &statement->features[i].renamed_from;

        if (!old->text)
            continue;
        if (lf_names_find(declared, old->text, NULL))
            return lf_change_invalid(change, old->at,
                                     "%s is the old name of a feature and a "
                                     "feature of this text too",
                                     old->text);
        if (lf_names_find(&olds, old->text, NULL))
            return lf_change_invalid(
                change, old->at, "two features are renamed from %s", old->text);
        if (!lf_names_add(&olds, change->scratch, old->text, i))
            return lf_fail_memory(change->error);
    }
    return FEATURE_OK;
}

static feature_status
evolve_features(struct lf_change *change, struct lf_view *view,
                struct lf_view_change *of_view)
{
    const struct lf_statement *statement = of_view->statement;
    struct lf_names existing = {0};

    for (uint32_t i = 0; i < view->feature_count; i++)
        if (!lf_names_add(&existing, change->scratch, view->features[i].name,
                          i))
            return lf_fail_memory(change->error);
    view->features = lf_list_extend(&change->after->arena, view->features,
                                    view->feature_count, statement->count,
                                    sizeof *view->features);
    if (!view->features)
        return lf_fail_memory(change->error);
    for (uint32_t i = 0; i < statement->count; i++)
        LF_TRY(evolve_feature(change, view, of_view, &existing,
                              &statement->features[i]));
    return FEATURE_OK;
}

/* What the times before a change of the option history come to. */
static const char *
history_note(enum lf_option option, int64_t from, int64_t to)
{
    if (option != LF_OPTION_HISTORY || (from && to))
        return "";
    return to ? " (history begins with this change: earlier times answer "
                "NO_HISTORY)"
              : " (drops the history there is)";
}

static void
change_option(struct lf_change *change, const struct lf_view *view,
              const struct lf_view_change *of_view, enum lf_option option,
              int64_t *value)
{
    const struct lf_option_clause *clause =
        &of_view->statement->options[option];
    int64_t old = *value;

    if (!clause->is_set || clause->value == old)
        return;
    *value = clause->value;
    if (of_view->is_new)
        return;
    change->count++;
    lf_text_add(&change->lines, "change %s of %s from ", lf_option_name(option),
                view->name);
    lf_option_print(&change->lines, option, old);
    lf_text_add(&change->lines, " to ");
    lf_option_print(&change->lines, option, *value);
    lf_text_add(&change->lines, "%s\n", history_note(option, old, *value));
}

static feature_status
find_entity(const struct lf_change *change, const struct lf_name *name,
            const struct lf_entity **entity)
{
    struct lf_suggestion near;

    *entity = lf_catalog_entity(change->after, name->text);
    if (*entity)
        return FEATURE_OK;
    lf_suggestion_begin(&near, name->text);
    lf_suggestion_offer_entities(&near, change->after);
    return lf_suggestion_fail(&near, name->at, change->error,
                              "there is no entity %s", name->text);
}

static feature_status
set_origin(struct lf_change *change, const struct lf_statement *statement,
           const struct lf_entity *entity, const struct lf_origin *origin,
           struct lf_view *view)
{
    const struct lf_option_clause *slack = &statement->options[LF_OPTION_SLACK];

    if (!origin->event)
        return FEATURE_OK;
    view->event = origin->event->id;
    view->slack = slack->is_set ? slack->value : LF_SLACK_DEFAULT;
    view->zone = statement->options[LF_OPTION_ZONE].value;
    view->key_columns =
        lf_list_extend(&change->after->arena, origin->key_columns,
                       entity->key_count, 0, sizeof *view->key_columns);
    return view->key_columns ? FEATURE_OK : lf_fail_memory(change->error);
}

/* The array of views has room. */
static feature_status
create_view(struct lf_change *change, const struct lf_statement *statement,
            const struct lf_entity *entity, const struct lf_origin *origin,
            uint32_t *index)
{
    struct lf_catalog *after = change->after;
    struct lf_view made = {.name = copy_name(change, statement->name.text),
                           .entity = entity->id,
                           .version = 1,
                           .next_feature = 1,
                           .max_skew = LF_SKEW_VIEW,
                           .keep_versions = LF_KEEP_DEFAULT};

    if (after->view_count == LF_VIEWS_MAX)
        return lf_change_conflict(change, statement->name.at,
                                  "a store has at most %d feature views",
                                  LF_VIEWS_MAX);
    if (!made.name)
        return lf_fail_memory(change->error);
    LF_TRY(set_origin(change, statement, entity, origin, &made));
    LF_TRY(lf_change_take_id(change, &made.id));
    *index = after->view_count++;
    after->views[*index] = made;
    change->views[*index] = (struct lf_view_change){.is_new = true};
    lf_change_add(change, "create feature view %s (%u feature%s) for %s%s%s",
                  made.name, statement->count, statement->count == 1 ? "" : "s",
                  entity->name, origin->event ? " from " : "",
                  origin->event ? origin->event->name : "");
    return FEATURE_OK;
}

static feature_status
find_view(struct lf_change *change, const struct lf_statement *statement,
          const struct lf_entity *entity, const struct lf_origin *origin,
          uint32_t *index)
{
    const struct lf_catalog *after = change->after;
    const struct lf_view *view = lf_catalog_view(after, statement->name.text);

    if (!view)
        return create_view(change, statement, entity, origin, index);
    *index = (uint32_t)(view - after->views);
    if (view->entity == entity->id)
        return lf_check_origin(change, statement, view, origin);
    return lf_change_conflict(
        change, statement->entity.at,
        "%s is for %s in the store and for %s in this text", view->name,
        lf_catalog_entity_by_id(after, view->entity)->name, entity->name);
}

feature_status
lf_evolve_view(struct lf_change *change, const struct lf_statement *statement)
{
    const struct lf_entity *entity;
    struct lf_view_change *of_view;
    struct lf_origin origin = {0};
    struct lf_view *view;
    uint32_t index = 0;

    LF_TRY(find_entity(change, &statement->entity, &entity));
    if (statement->event.text)
        LF_TRY(lf_resolve_origin(change, entity, &statement, &origin));
    LF_TRY(find_view(change, statement, entity, &origin, &index));
    view = &change->after->views[index];
    of_view = &change->views[index];
    of_view->statement = statement;
    LF_TRY(declare_features(change, statement, entity, of_view));
    LF_TRY(check_renames(change, statement, &of_view->declared));
    LF_TRY(evolve_features(change, view, of_view));
    change_option(change, view, of_view, LF_OPTION_TTL, &view->ttl);
    change_option(change, view, of_view, LF_OPTION_HISTORY, &view->history);
    change_option(change, view, of_view, LF_OPTION_MAX_SKEW, &view->max_skew);
    change_option(change, view, of_view, LF_OPTION_VIEW_CHANGES,
                  &view->changes);
    change_option(change, view, of_view, LF_OPTION_KEEP_VERSIONS,
                  &view->keep_versions);
    return lf_evolve_rules(change, view, of_view, entity);
}
