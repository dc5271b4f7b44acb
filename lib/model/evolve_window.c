/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of a view FROM an event may change, and what may not.
 *
 * Owns the rule that whatever would change a stored result is a conflict.
 * Keeps the hops of a view one chain.
 * Never changes anything itself.
 */
#include <string.h>

#include "base/error.h"
#include "model/aggregate.h"
#include "model/evolve.h"
#include "model/quantity.h"

static const char *
show_event(char shown[LF_NAME_MAX + 8], const char *name)
{
    struct lf_text text = {0};
    size_t size;

    lf_text_add(&text, name ? "FROM %s" : "of rows", name);
    size = text.failed ? 0 : text.bytes.size;
    if (size)
        memcpy(shown, text.bytes.data, size);
    shown[size] = '\0';
    lf_text_free(&text);
    return shown;
}

static feature_status
check_event(const struct lf_change *change,
            const struct lf_statement *statement, const struct lf_view *view,
            const struct lf_event *event)
{
    const struct lf_event *old =
        lf_catalog_event_by_id(change->after, view->event);
    char stored[LF_NAME_MAX + 8], written[LF_NAME_MAX + 8];

    if (old == event)
        return FEATURE_OK;
    return lf_change_conflict(
        change, event ? statement->event.at : statement->name.at,
        "%s is %s in the store and %s in this text", view->name,
        show_event(stored, old ? old->name : NULL),
        show_event(written, event ? event->name : NULL));
}

static feature_status
check_keys(const struct lf_change *change, const struct lf_statement *statement,
           const struct lf_view *view, const struct lf_origin *origin)
{
    const struct lf_entity *entity =
        lf_catalog_entity_by_id(change->after, view->entity);

    for (uint32_t i = 0; i < entity->key_count; i++)
        if (view->key_columns[i] != origin->key_columns[i])
            return lf_change_conflict(
                change, statement->entity.at,
                "the join key %s of %s is the column %s in the store and %s in "
                "this text",
                entity->keys[i].name, view->name,
                origin->event->columns[view->key_columns[i]].name,
                origin->event->columns[origin->key_columns[i]].name);
    return FEATURE_OK;
}

feature_status
lf_check_origin(const struct lf_change *change,
                const struct lf_statement *statement,
                const struct lf_view *view, const struct lf_origin *origin)
{
    LF_TRY(check_event(change, statement, view, origin->event));
    if (!origin->event)
        return FEATURE_OK;
    LF_TRY(check_keys(change, statement, view, origin));
    LF_TRY(lf_change_fixed(change, &statement->options[LF_OPTION_SLACK],
                           LF_OPTION_SLACK, view->name, view->slack));
    return lf_change_fixed(change, &statement->options[LF_OPTION_ZONE],
                           LF_OPTION_ZONE, view->name, view->zone);
}

/* The later of two places, where the text has both features. */
static struct lf_place
place_of(const struct lf_view_change *of_view, const struct lf_feature *one,
         const struct lf_feature *other)
{
    const struct lf_statement *statement = of_view->statement;
    struct lf_place found = of_view->changed_at;

    for (uint32_t i = 0; statement && i < statement->count; i++)
        if (!strcmp(statement->features[i].name.text, one->name) ||
            !strcmp(statement->features[i].name.text, other->name))
            found = statement->features[i].written->window_at;
    return found;
}

feature_status
lf_check_hops(const struct lf_change *change, const struct lf_view *view,
              const struct lf_view_change *of_view)
{
    const struct lf_feature *one = NULL, *other = NULL, *swap;
    char small[LF_QUANTITY_SIZE], large[LF_QUANTITY_SIZE];

    if (lf_features_chain(view->features, view->feature_count, &one, &other))
        return FEATURE_OK;
    if (one->aggregate->window.hop > other->aggregate->window.hop) {
        swap = one;
        one = other;
        other = swap;
    }
    return lf_change_invalid(
        change, place_of(of_view, one, other),
        "hops of one view divide each other, and %s has '%s', %s '%s'",
        one->name, lf_duration_print(small, one->aggregate->window.hop),
        other->name, lf_duration_print(large, other->aggregate->window.hop));
}

static const char *
show_aggregate(char shown[LF_QUOTE_SIZE], const struct lf_event *event,
               const struct lf_aggregate *aggregate)
{
    struct lf_text text = {0};

    lf_aggregate_print(&text, event, aggregate);
    lf_quote(shown, text.bytes.data, text.bytes.size);
    lf_text_free(&text);
    return shown;
}

feature_status
lf_check_aggregate(const struct lf_change *change, const struct lf_view *view,
                   const struct lf_feature *feature,
                   const struct lf_feature_clause *clause)
{
    const struct lf_event *event =
        lf_catalog_event_by_id(change->after, view->event);
    char stored[LF_QUOTE_SIZE], written[LF_QUOTE_SIZE];

    if (lf_aggregate_equal(feature->aggregate, clause->aggregate))
        return FEATURE_OK;
    return lf_change_conflict(
        change, clause->name.at, "%s:%s is %s in the store and %s in this text",
        view->name, clause->name.text,
        show_aggregate(stored, event, feature->aggregate),
        show_aggregate(written, event, clause->aggregate));
}

const struct lf_feature *
lf_feature_pair(const struct lf_view *view, const struct lf_feature *feature)
{
    for (uint32_t i = 0; i < view->feature_count; i++) {
        const struct lf_feature *other = &view->features[i];
        const struct lf_feature *keys = feature, *values = other;
        size_t size;

        if (!feature->aggregate || feature->aggregate->by == LF_NO_COLUMN ||
            feature->aggregate->is_keys == other->aggregate->is_keys)
            continue;
        if (other->aggregate->is_keys) {
            keys = other;
            values = feature;
        }
        size = strlen(values->name);
        if (!strncmp(keys->name, values->name, size) &&
            !strcmp(keys->name + size, LF_KEYS_SUFFIX))
            return other;
    }
    return NULL;
}

/* How long the rows that exist lack what came before the feature. */
static void
report_wait(struct lf_text *lines, const struct lf_window *window)
{
    char shown[LF_QUANTITY_SIZE];
    int64_t wait = window->size;

    if (window->kind == LF_LIFETIME) {
        lf_text_add(lines, " (rows that exist read PARTIAL: its window has no "
                           "beginning)\n");
        return;
    }
    if (window->kind != LF_CUMULATE)
        wait += window->hop > 1 ? window->hop : 0;
    lf_text_add(lines,
                " (rows that exist read PARTIAL until '%s' of events "
                "came)\n",
                lf_duration_print(shown, wait));
}

void
lf_report_window(struct lf_change *change, const struct lf_view *view,
                 const struct lf_feature *feature)
{
    const struct lf_event *event =
        lf_catalog_event_by_id(change->after, view->event);
    char type[LF_TYPE_NAME_SIZE];

    change->count++;
    lf_text_add(&change->lines, "add feature %s:%s %s = %s", view->name,
                feature->name, lf_type_name(type, feature->type),
                feature->aggregate->is_keys ? "keys of " : "");
    lf_aggregate_print(&change->lines, event, feature->aggregate);
    report_wait(&change->lines, &feature->aggregate->window);
}
