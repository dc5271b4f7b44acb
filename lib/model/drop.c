/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DROP: what a text removes.
 *
 * Owns the rule that nothing goes which something that remains still needs.
 * Keeps ids and arrays in order.
 * Never minds a name that is not there: it is gone already.
 */
#include "model/evolve.h"

#include <string.h>

#include "base/error.h"

static feature_status
refuse_drop(const struct lf_change *change,
            const struct lf_statement *statement, const char *kind,
            const char *user)
{
    return lf_fail_at(change->error, FEATURE_CONFLICT, "in-use",
                      statement->name.at.line, statement->name.at.column,
                      "the %s %s still uses %s", kind, user,
                      statement->name.text);
}

feature_status
lf_drop_service(struct lf_change *change, const struct lf_statement *statement)
{
    struct lf_catalog *after = change->after;
    const struct lf_service *service =
        lf_catalog_service(after, statement->name.text);
    uint32_t index;

    if (!service)
        return FEATURE_OK;
    index = (uint32_t)(service - after->services);
    lf_change_add(change, "drop feature service %s", service->name);
    after->service_count--;
    memmove(&after->services[index], &after->services[index + 1],
            (after->service_count - index) * sizeof *after->services);
    return FEATURE_OK;
}

feature_status
lf_drop_view(struct lf_change *change, const struct lf_statement *statement)
{
    struct lf_catalog *after = change->after;
    const struct lf_view *view = lf_catalog_view(after, statement->name.text);
    const struct lf_service *user;
    uint32_t index;

    if (!view)
        return FEATURE_OK;
    user = lf_service_using(after, view->id, 0);
    if (user)
        return refuse_drop(change, statement, "feature service", user->name);
    index = (uint32_t)(view - after->views);
    lf_change_add(change, "drop feature view %s", view->name);
    after->view_count--;
    memmove(&after->views[index], &after->views[index + 1],
            (after->view_count - index) * sizeof *after->views);
    return FEATURE_OK;
}

feature_status
lf_drop_event(struct lf_change *change, const struct lf_statement *statement)
{
    struct lf_catalog *after = change->after;
    const struct lf_event *event =
        lf_catalog_event(after, statement->name.text);
    uint32_t index;

    if (!event)
        return FEATURE_OK;
    for (uint32_t i = 0; i < after->view_count; i++)
        if (after->views[i].event == event->id)
            return refuse_drop(change, statement, "feature view",
                               after->views[i].name);
    index = (uint32_t)(event - after->events);
    lf_change_add(change, "drop event %s", event->name);
    after->event_count--;
    memmove(&after->events[index], &after->events[index + 1],
            (after->event_count - index) * sizeof *after->events);
    return FEATURE_OK;
}

feature_status
lf_drop_entity(struct lf_change *change, const struct lf_statement *statement)
{
    struct lf_catalog *after = change->after;
    const struct lf_entity *entity =
        lf_catalog_entity(after, statement->name.text);
    uint32_t index;

    if (!entity)
        return FEATURE_OK;
    for (uint32_t i = 0; i < after->view_count; i++)
        if (after->views[i].entity == entity->id)
            return refuse_drop(change, statement, "feature view",
                               after->views[i].name);
    index = (uint32_t)(entity - after->entities);
    lf_change_add(change, "drop entity %s", entity->name);
    after->entity_count--;
    memmove(&after->entities[index], &after->entities[index + 1],
            (after->entity_count - index) * sizeof *after->entities);
    return FEATURE_OK;
}

static bool
is_before(struct lf_place a, struct lf_place b)
{
    return a.line != b.line ? a.line < b.line : a.column < b.column;
}

/* A text may not declare what it drops; the second place is wrong. */
static feature_status
check_undeclared(const struct lf_change *change,
                 const struct lf_view_change *of_view,
                 const struct lf_name *name)
{
    const struct lf_statement *statement = of_view->statement;

    for (uint32_t i = 0; statement && i < statement->count; i++) {
        const struct lf_feature_clause *clause = &statement->features[i];
        const struct lf_name *other = &clause->name;

        if (clause->renamed_from.text &&
            !strcmp(clause->renamed_from.text, name->text))
            other = &clause->renamed_from;
        else if (strcmp(clause->name.text, name->text) != 0)
            continue;
        return lf_change_invalid(
            change, is_before(other->at, name->at) ? name->at : other->at,
            "this text declares the feature %s and drops it", name->text);
    }
    return FEATURE_OK;
}

static feature_status
refuse_ruled(const struct lf_change *change, const struct lf_view *view,
             const struct lf_feature *feature, struct lf_place at)
{
    struct lf_text text = {0};
    feature_status status;

    lf_rule_print(&text, lf_rule_using(view, feature->id), view,
                  lf_catalog_entity_by_id(change->after, view->entity));
    if (text.failed)
        status = lf_fail_memory(change->error);
    else
        status = lf_fail_at(change->error, FEATURE_CONFLICT, "in-use", at.line,
                            at.column, "the rule %.*s of %s still uses %s",
                            (int)text.bytes.size, (const char *)text.bytes.data,
                            view->name, feature->name);
    lf_text_free(&text);
    return status;
}

static feature_status
check_unused(const struct lf_change *change, const struct lf_view *view,
             const struct lf_feature *feature, struct lf_place at)
{
    const struct lf_service *user =
        lf_service_using(change->after, view->id, feature->id);

    if (user)
        return lf_fail_at(change->error, FEATURE_CONFLICT, "in-use", at.line,
                          at.column, "the feature service %s still uses %s:%s",
                          user->name, view->name, feature->name);
    return lf_rule_using(view, feature->id)
               ? refuse_ruled(change, view, feature, at)
               : FEATURE_OK;
}

/* Rows of older schema versions are decoded by what their features were. */
static feature_status
retire(struct lf_change *change, struct lf_view *view,
       const struct lf_feature *feature)
{
    if (!feature->aggregate || !lf_feature_since(view, feature->id))
        return FEATURE_OK;
    view->retired =
        lf_list_extend(&change->after->arena, view->retired,
                       view->retired_count, 1, sizeof *view->retired);
    if (!view->retired)
        return lf_fail_memory(change->error);
    view->retired[view->retired_count] = *feature;
    view->retired[view->retired_count++].fallback = (struct lf_literal){0};
    return FEATURE_OK;
}

static feature_status
remove_feature(struct lf_change *change, struct lf_view *view,
               const struct lf_feature *feature)
{
    uint32_t index = (uint32_t)(feature - view->features);

    lf_change_add(change, "drop feature %s:%s", view->name, feature->name);
    LF_TRY(retire(change, view, feature));
    view->feature_count--;
    memmove(&view->features[index], &view->features[index + 1],
            (view->feature_count - index) * sizeof *view->features);
    return FEATURE_OK;
}

static feature_status
drop_feature(struct lf_change *change, struct lf_view *view,
             const struct lf_feature *feature, struct lf_place at)
{
    const struct lf_feature *pair = lf_feature_pair(view, feature);
    uint32_t pair_id = pair ? pair->id : 0;

    if (pair && feature->aggregate->is_keys)
        return lf_change_conflict(change, at,
                                  "%s are the keys of %s: drop that, they go "
                                  "with it",
                                  feature->name, pair->name);
    LF_TRY(check_unused(change, view, feature, at));
    if (pair)
        LF_TRY(check_unused(change, view, pair, at));
    if (view->feature_count == (pair ? 2 : 1))
        return lf_change_conflict(change, at,
                                  "%s is the last feature of %s: drop the "
                                  "feature view",
                                  feature->name, view->name);
    LF_TRY(remove_feature(change, view, feature));
    return pair_id ? remove_feature(change, view,
                                    lf_view_feature_by_id(view, pair_id))
                   : FEATURE_OK;
}

feature_status
lf_drop_feature(struct lf_change *change, const struct lf_statement *statement)
{
    const struct lf_view *found =
        lf_catalog_view(change->after, statement->name.text);
    struct lf_view_change *of_view;
    const struct lf_feature *feature;
    struct lf_view *view;
    uint32_t index;

    if (!found)
        return FEATURE_OK;
    index = (uint32_t)(found - change->after->views);
    view = &change->after->views[index];
    of_view = &change->views[index];
    LF_TRY(check_undeclared(change, of_view, &statement->feature));
    feature = lf_view_feature(view, statement->feature.text);
    if (!feature)
        return FEATURE_OK;
    of_view->layout_changed = true;
    of_view->changed_at = statement->feature.at;
    return drop_feature(change, view, feature, statement->feature.at);
}
