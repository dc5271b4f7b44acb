/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A catalog as canonical text.
 *
 * Owns how definitions look when the library writes them.
 * Keeps the text true: applied back it changes nothing, and applied to an empty
 * store it gives the same definitions.
 * Never prints what is at its default.
 */
#include "model/define.h"

#include <string.h>

#include "base/error.h"
#include "model/aggregate.h"
#include "model/evolve.h"
#include "model/literal.h"
#include "model/suggest.h"

static void
print_entity(struct lf_text *text, const struct lf_entity *entity)
{
    lf_text_add(text, "CREATE ENTITY %s (", entity->name);
    for (uint32_t i = 0; i < entity->key_count; i++)
        lf_text_add(text, "%s%s %s", i ? ", " : "", entity->keys[i].name,
                    lf_type_code_name(entity->keys[i].code));
    lf_text_add(text, ");\n");
}

static void
print_feature(struct lf_text *text, const struct lf_event *event,
              const struct lf_feature *feature, int width)
{
    char type[LF_TYPE_NAME_SIZE];

    lf_text_add(text, "    %-*s ", width, feature->name);
    if (feature->aggregate) {
        lf_text_add(text, "= ");
        lf_aggregate_print(text, event, feature->aggregate);
    } else {
        lf_text_add(text, "%s%s", lf_type_name(type, feature->type),
                    feature->not_null ? " NOT NULL" : "");
    }
    if (feature->fallback.is_set) {
        lf_text_add(text, " DEFAULT ");
        lf_literal_print(text, feature->type, &feature->fallback);
    }
}

static void
print_option(struct lf_text *text, enum lf_option option, int64_t value,
             int64_t standard, const char **between)
{
    if (value == standard)
        return;
    lf_text_add(text, "%s%s = ", *between, lf_option_name(option));
    lf_option_print(text, option, value);
    *between = ", ";
}

static void
print_event(struct lf_text *text, const struct lf_event *event)
{
    const char *between = " WITH (";

    lf_text_add(text, "CREATE EVENT %s (", event->name);
    for (uint32_t i = 0; i < event->column_count; i++)
        lf_text_add(text, "%s%s %s", i ? ", " : "", event->columns[i].name,
                    lf_type_code_name(event->columns[i].code));
    lf_text_add(text, ")");
    print_option(text, LF_OPTION_EVENT_SKEW, event->max_skew, LF_SKEW_EVENT,
                 &between);
    if (event->dedupe != LF_NO_COLUMN) {
        lf_text_add(text, "%sdedupe = %s", between,
                    event->columns[event->dedupe].name);
        between = ", ";
        print_option(text, LF_OPTION_DEDUPE_FOR, event->dedupe_for,
                     LF_DEDUPE_FOR, &between);
    }
    lf_text_add(text, *between == ',' ? ");\n" : ";\n");
}

/* What the text of a view says; keys come with the feature beside them. */
static bool
is_written(const struct lf_feature *feature)
{
    return !feature->aggregate || !feature->aggregate->is_keys;
}

static void
print_features(struct lf_text *text, const struct lf_event *event,
               const struct lf_view *view)
{
    const char *between = "";
    size_t width = 0;

    for (uint32_t i = 0; i < view->feature_count; i++)
        if (is_written(&view->features[i]) &&
            strlen(view->features[i].name) > width)
            width = strlen(view->features[i].name);
    for (uint32_t i = 0; i < view->feature_count; i++) {
        if (!is_written(&view->features[i]))
            continue;
        lf_text_add(text, "%s", between);
        print_feature(text, event, &view->features[i], (int)width);
        between = ",\n";
    }
}

/* FOR entity (key = column) FROM event; all keys where one has another name. */
static void
print_origin(struct lf_text *text, const struct lf_entity *entity,
             const struct lf_event *event, const struct lf_view *view)
{
    bool by_name = true;

    lf_text_add(text, "\n) FOR %s", entity->name);
    if (!event)
        return;
    for (uint32_t i = 0; i < entity->key_count; i++)
        by_name &= !strcmp(entity->keys[i].name,
                           event->columns[view->key_columns[i]].name);
    for (uint32_t i = 0; !by_name && i < entity->key_count; i++)
        lf_text_add(text, "%s%s = %s", i ? ", " : " (", entity->keys[i].name,
                    event->columns[view->key_columns[i]].name);
    lf_text_add(text, "%s FROM %s", by_name ? "" : ")", event->name);
}

static void
print_view(struct lf_text *text, const struct lf_catalog *catalog,
           const struct lf_view *view)
{
    const struct lf_event *event = lf_catalog_event_by_id(catalog, view->event);
    const struct lf_entity *entity =
        lf_catalog_entity_by_id(catalog, view->entity);
    const char *between = " WITH (";

    lf_text_add(text, "CREATE FEATURE VIEW %s (\n", view->name);
    print_features(text, event, view);
    print_origin(text, entity, event, view);
    print_option(text, LF_OPTION_TTL, view->ttl, 0, &between);
    print_option(text, LF_OPTION_HISTORY, view->history, 0, &between);
    print_option(text, LF_OPTION_MAX_SKEW, view->max_skew, LF_SKEW_VIEW,
                 &between);
    if (event) {
        print_option(text, LF_OPTION_SLACK, view->slack, LF_SLACK_DEFAULT,
                     &between);
        print_option(text, LF_OPTION_ZONE, view->zone, 0, &between);
    }
    print_option(text, LF_OPTION_VIEW_CHANGES, view->changes, 0, &between);
    print_option(text, LF_OPTION_KEEP_VERSIONS, view->keep_versions,
                 LF_KEEP_DEFAULT, &between);
    if (view->rule_count) {
        lf_text_add(text, "%scheck = ", between);
        lf_rules_print(text, view, entity);
        between = ", ";
    }
    lf_text_add(text, *between == ',' ? ");\n" : ";\n");
}

static void
print_service(struct lf_text *text, const struct lf_catalog *catalog,
              const struct lf_service *service)
{
    lf_text_add(text, "CREATE FEATURE SERVICE %s AS", service->name);
    for (uint32_t i = 0; i < service->item_count; i++) {
        lf_text_add(text, i ? ",\n    " : "\n    ");
        lf_service_item_print(text, catalog, &service->items[i]);
    }
    lf_text_add(text, ";\n");
}

static void
print_store(struct lf_text *text, const struct lf_catalog *catalog)
{
    const char *between = "STORE WITH (";

    print_option(text, LF_OPTION_CHANGES, catalog->changes, 0, &between);
    print_option(text, LF_OPTION_CHANGES_SIZE, (int64_t)catalog->changes_size,
                 0, &between);
    print_option(text, LF_OPTION_MAX_SIZE, (int64_t)catalog->max_size, 0,
                 &between);
    lf_text_add(text, ");\n");
}

/* An empty line between statements, save between entities. */
static void
separate(struct lf_text *text)
{
    if (text->bytes.size)
        lf_text_add(text, "\n");
}

static void
print_catalog(struct lf_text *text, const struct lf_catalog *catalog)
{
    for (uint32_t i = 0; i < catalog->entity_count; i++)
        print_entity(text, &catalog->entities[i]);
    for (uint32_t i = 0; i < catalog->event_count; i++) {
        separate(text);
        print_event(text, &catalog->events[i]);
    }
    for (uint32_t i = 0; i < catalog->view_count; i++) {
        separate(text);
        print_view(text, catalog, &catalog->views[i]);
    }
    for (uint32_t i = 0; i < catalog->service_count; i++) {
        separate(text);
        print_service(text, catalog, &catalog->services[i]);
    }
    if (catalog->changes || catalog->changes_size || catalog->max_size) {
        separate(text);
        print_store(text, catalog);
    }
}

static feature_status
unknown_name(const struct lf_catalog *catalog, const char *name,
             struct feature_error *error)
{
    struct lf_suggestion near;
    char quoted[LF_QUOTE_SIZE];

    lf_suggestion_begin(&near, name);
    lf_suggestion_offer_entities(&near, catalog);
    lf_suggestion_offer_events(&near, catalog);
    lf_suggestion_offer_views(&near, catalog);
    lf_suggestion_offer_services(&near, catalog);
    lf_quote(quoted, name, strnlen(name, LF_QUOTE_SIZE));
    if (near.found)
        return lf_fail(error, FEATURE_NOT_FOUND, "name",
                       "nothing is named \"%s\"; did you mean %s?", quoted,
                       near.found);
    return lf_fail(error, FEATURE_NOT_FOUND, "name", "nothing is named \"%s\"",
                   quoted);
}

static feature_status
print_object(struct lf_text *text, const struct lf_catalog *catalog,
             const char *name, struct feature_error *error)
{
    const struct lf_entity *entity = lf_catalog_entity(catalog, name);
    const struct lf_event *event = lf_catalog_event(catalog, name);
    const struct lf_view *view = lf_catalog_view(catalog, name);
    const struct lf_service *service = lf_catalog_service(catalog, name);

    if (entity)
        print_entity(text, entity);
    else if (event)
        print_event(text, event);
    else if (view)
        print_view(text, catalog, view);
    else if (service)
        print_service(text, catalog, service);
    else
        return unknown_name(catalog, name, error);
    return FEATURE_OK;
}

feature_status
lf_describe(const struct lf_catalog *catalog, const char *name,
            struct lf_text *text, struct feature_error *error)
{
    struct lf_text made = {0};
    feature_status status = FEATURE_OK;

    if (name)
        status = print_object(&made, catalog, name, error);
    else
        print_catalog(&made, catalog);
    if (status)
        goto out;
    if (made.failed ||
        (made.bytes.size &&
         !lf_buffer_append(&text->bytes, made.bytes.data, made.bytes.size)))
        status = lf_fail_memory(error);
out:
    lf_text_free(&made);
    return status;
}
