/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Schema evolution: the quality rules of a view.
 *
 * Owns the way from names in rules to features and join keys.
 * Keeps rules apart from data: they may change at any time, in any way.
 * Never leaves a rule of a feature that is not there.
 */
#include <string.h>

#include "base/error.h"
#include "model/evolve.h"
#include "model/rule_text.h"
#include "model/suggest.h"

static feature_status
find_subject(const struct lf_view *view, const struct lf_entity *entity,
             const struct lf_rule_clause *clause, struct lf_rule *rule,
             struct feature_error *error)
{
    const char *name = clause->name.text;
    const struct lf_feature *feature = lf_view_feature(view, name);
    struct lf_suggestion near;

    for (uint32_t i = 0; i < entity->key_count; i++)
        if (!strcmp(entity->keys[i].name, name))
            rule->key = i + 1;
    if (feature)
        rule->feature = feature->id;
    if (feature || rule->key)
        return FEATURE_OK;
    lf_suggestion_begin(&near, name);
    for (uint32_t i = 0; i < view->feature_count; i++)
        lf_suggestion_offer(&near, view->features[i].name);
    for (uint32_t i = 0; i < entity->key_count; i++)
        lf_suggestion_offer(&near, entity->keys[i].name);
    return lf_suggestion_fail(&near, clause->name.at, error,
                              "%s has no feature %s", view->name, name);
}

static feature_status
resolve_rule(const struct lf_view *view, const struct lf_entity *entity,
             const struct lf_rule_clause *clause, struct lf_rule *rule,
             struct feature_error *error)
{
    const char *problem;

    *rule = clause->made;
    if (clause->name.text)
        LF_TRY(find_subject(view, entity, clause, rule, error));
    problem = lf_rule_problem(rule, view, entity);
    return problem
               ? lf_fail_at(error, FEATURE_INVALID, "argument", clause->at.line,
                            clause->at.column, "%s", problem)
               : FEATURE_OK;
}

feature_status
lf_resolve_rules(const struct lf_option_clause *clause,
                 const struct lf_view *view, const struct lf_entity *entity,
                 struct lf_rule *rules, struct feature_error *error)
{
    for (uint32_t i = 0; i < clause->rule_count; i++)
        LF_TRY(resolve_rule(view, entity, &clause->rules[i], &rules[i], error));
    return FEATURE_OK;
}

static bool
are_equal(const struct lf_view *view, const struct lf_rule *rules,
          uint32_t count)
{
    if (view->rule_count != count)
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (!lf_rule_equal(&view->rules[i], &rules[i]))
            return false;
    return true;
}

feature_status
lf_evolve_rules(struct lf_change *change, struct lf_view *view,
                const struct lf_view_change *of_view,
                const struct lf_entity *entity)
{
    const struct lf_option_clause *clause =
        &of_view->statement->options[LF_OPTION_CHECK];
    struct lf_rule *rules;

    if (!clause->is_set)
        return FEATURE_OK;
    rules = lf_arena_array(&change->after->arena, clause->rule_count,
                           sizeof *rules);
    if (!rules)
        return lf_fail_memory(change->error);
    LF_TRY(lf_resolve_rules(clause, view, entity, rules, change->error));
    if (are_equal(view, rules, clause->rule_count))
        return FEATURE_OK;
    if (!of_view->is_new) {
        change->count++;
        lf_text_add(&change->lines, "change check of %s from ", view->name);
        lf_rules_print(&change->lines, view, entity);
    }
    view->rules = rules;
    view->rule_count = clause->rule_count;
    if (!of_view->is_new) {
        lf_text_add(&change->lines, " to ");
        lf_rules_print(&change->lines, view, entity);
        lf_text_add(&change->lines, "\n");
    }
    return FEATURE_OK;
}
