/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A definition text applied to a catalog.
 *
 * Owns the order in which a set of statements takes effect: drops of whole
 * objects, entities, events, views, drops of features, services.
 * Keeps the catalog it started from untouched, whatever happens.
 * Never removes what a text merely leaves out.
 */
#include "model/define.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "model/evolve.h"

enum object_kind { OBJECT_ENTITY, OBJECT_EVENT, OBJECT_VIEW, OBJECT_SERVICE };

static const char *const kind_names[] = {
    [OBJECT_ENTITY] = "an entity",
    [OBJECT_EVENT] = "an event",
    [OBJECT_VIEW] = "a feature view",
    [OBJECT_SERVICE] = "a feature service",
};

void
lf_change_add(struct lf_change *change, const char *format, ...)
{
    char line[512];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    change->count++;
    lf_text_add(&change->lines, "%s\n", line);
}

feature_status
lf_change_conflict(const struct lf_change *change, struct lf_place at,
                   const char *format, ...)
{
    char message[200];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    return lf_fail_at(change->error, FEATURE_CONFLICT, "definition", at.line,
                      at.column, "%s", message);
}

feature_status
lf_change_invalid(const struct lf_change *change, struct lf_place at,
                  const char *format, ...)
{
    char message[200];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    return lf_fail_at(change->error, FEATURE_INVALID, "argument", at.line,
                      at.column, "%s", message);
}

feature_status
lf_change_fixed(const struct lf_change *change,
                const struct lf_option_clause *clause, enum lf_option option,
                const char *name, int64_t old)
{
    struct lf_text text = {0};
    feature_status status;

    if (!clause->is_set || clause->value == old)
        return FEATURE_OK;
    lf_option_print(&text, option, old);
    lf_text_add(&text, " in the store and ");
    lf_option_print(&text, option, clause->value);
    if (text.failed)
        status = lf_fail_memory(change->error);
    else
        status = lf_change_conflict(change, clause->at,
                                    "%s of %s is %.*s in this text: it never "
                                    "changes",
                                    lf_option_name(option), name,
                                    (int)text.bytes.size,
                                    (const char *)text.bytes.data);
    lf_text_free(&text);
    return status;
}

feature_status
lf_change_take_id(struct lf_change *change, uint32_t *id)
{
    if (change->after->next_id == UINT32_MAX)
        return lf_fail(change->error, FEATURE_CONFLICT, "definition",
                       "the ids of this store are used up");
    *id = change->after->next_id++;
    return FEATURE_OK;
}

/* Whether a statement creates or drops a named object, and of which kind. */
static bool
names_object(const struct lf_statement *statement, enum object_kind *kind)
{
    switch (statement->kind) {
    case LF_CREATE_ENTITY:
    case LF_DROP_ENTITY:
        *kind = OBJECT_ENTITY;
        return true;
    case LF_CREATE_EVENT:
    case LF_DROP_EVENT:
        *kind = OBJECT_EVENT;
        return true;
    case LF_CREATE_VIEW:
    case LF_DROP_VIEW:
        *kind = OBJECT_VIEW;
        return true;
    case LF_CREATE_SERVICE:
    case LF_DROP_SERVICE:
        *kind = OBJECT_SERVICE;
        return true;
    case LF_STORE_WITH:
    case LF_DROP_FEATURE:
        return false;
    }
    return false;
}

static bool
is_create(const struct lf_statement *statement)
{
    return statement->kind == LF_CREATE_ENTITY ||
           statement->kind == LF_CREATE_EVENT ||
           statement->kind == LF_CREATE_VIEW ||
           statement->kind == LF_CREATE_SERVICE;
}

/* The kind of every name that the store holds. */
static feature_status
index_kinds(const struct lf_change *change, struct lf_names *kinds)
{
    const struct lf_catalog *after = change->after;
    bool done = true;

    for (uint32_t i = 0; done && i < after->entity_count; i++)
        done = lf_names_add(kinds, change->scratch, after->entities[i].name,
                            OBJECT_ENTITY);
    for (uint32_t i = 0; done && i < after->event_count; i++)
        done = lf_names_add(kinds, change->scratch, after->events[i].name,
                            OBJECT_EVENT);
    for (uint32_t i = 0; done && i < after->view_count; i++)
        done = lf_names_add(kinds, change->scratch, after->views[i].name,
                            OBJECT_VIEW);
    for (uint32_t i = 0; done && i < after->service_count; i++)
        done = lf_names_add(kinds, change->scratch, after->services[i].name,
                            OBJECT_SERVICE);
    return done ? FEATURE_OK : lf_fail_memory(change->error);
}

static feature_status
check_kind(const struct lf_change *change, const struct lf_statement *statement,
           enum object_kind kind, const struct lf_names *kinds)
{
    const struct lf_name *name = &statement->name;
    uint32_t held;

    if (!lf_names_find(kinds, name->text, &held) || held == kind)
        return FEATURE_OK;
    if (is_create(statement))
        return lf_change_conflict(change, name->at, "%s is already %s",
                                  name->text, kind_names[held]);
    return lf_change_conflict(change, name->at, "%s is %s, not %s", name->text,
                              kind_names[held], kind_names[kind]);
}

/* One namespace, in the store and in the text. Leaves the names of the text in
 * written, with the number of their statement. */
static feature_status
check_names(struct lf_change *change, const struct lf_definitions *definitions,
            struct lf_names *written)
{
    struct lf_names kinds = {0};

    LF_TRY(index_kinds(change, &kinds));
    for (uint32_t i = 0; i < definitions->count; i++) {
        const struct lf_statement *statement = &definitions->statements[i];
        const struct lf_name *name = &statement->name;
        enum object_kind kind;
        uint32_t other;

        if (!names_object(statement, &kind))
            continue;
        LF_TRY(check_kind(change, statement, kind, &kinds));
        if (!lf_names_find(written, name->text, &other)) {
            if (!lf_names_add(written, change->scratch, name->text, i))
                return lf_fail_memory(change->error);
            continue;
        }
        if (is_create(statement) != is_create(&definitions->statements[other]))
            return lf_change_invalid(change, name->at,
                                     "this text creates %s and drops it",
                                     name->text);
        if (is_create(statement))
            return lf_change_invalid(change, name->at,
                                     "this text creates %s twice", name->text);
    }
    return FEATURE_OK;
}

static uint32_t
count_of(const struct lf_definitions *definitions, enum lf_statement_kind kind)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < definitions->count; i++)
        count += definitions->statements[i].kind == kind;
    return count;
}

/* Room for everything that the text may create. */
static feature_status
make_room(struct lf_change *change, const struct lf_definitions *definitions)
{
    struct lf_catalog *after = change->after;
    uint32_t entities = count_of(definitions, LF_CREATE_ENTITY);
    uint32_t views = count_of(definitions, LF_CREATE_VIEW);
    uint32_t services = count_of(definitions, LF_CREATE_SERVICE);
    uint32_t events = count_of(definitions, LF_CREATE_EVENT);

    after->entities =
        lf_list_extend(&after->arena, after->entities, after->entity_count,
                       entities, sizeof *after->entities);
    after->views =
        lf_list_extend(&after->arena, after->views, after->view_count, views,
                       sizeof *after->views);
    after->services =
        lf_list_extend(&after->arena, after->services, after->service_count,
                       services, sizeof *after->services);
    after->events =
        lf_list_extend(&after->arena, after->events, after->event_count, events,
                       sizeof *after->events);
    change->views = lf_arena_array(change->scratch, after->view_count + views,
                                   sizeof *change->views);
    if (!after->entities || !after->views || !after->services ||
        !after->events || !change->views)
        return lf_fail_memory(change->error);
    return FEATURE_OK;
}

/* Lets a function have every statement of a kind. */
static feature_status
apply_each(struct lf_change *change, const struct lf_definitions *definitions,
           enum lf_statement_kind kind,
           feature_status (*apply)(struct lf_change *,
                                   const struct lf_statement *))
{
    for (uint32_t i = 0; i < definitions->count; i++)
        if (definitions->statements[i].kind == kind)
            LF_TRY(apply(change, &definitions->statements[i]));
    return FEATURE_OK;
}

static void
change_store_option(struct lf_change *change,
                    const struct lf_statement *statement, enum lf_option option,
                    int64_t old)
{
    lf_text_add(&change->lines, "change store %s from ",
                lf_option_name(option));
    lf_option_print(&change->lines, option, old);
    lf_text_add(&change->lines, " to ");
    lf_option_print(&change->lines, option, statement->options[option].value);
    lf_text_add(&change->lines, "\n");
    change->count++;
}

static feature_status
apply_store(struct lf_change *change, const struct lf_definitions *definitions)
{
    const struct lf_option_clause *changes, *changes_size, *max_size;
    const struct lf_statement *found = NULL;
    struct lf_catalog *after = change->after;

    for (uint32_t i = 0; i < definitions->count; i++) {
        const struct lf_statement *statement = &definitions->statements[i];

        if (statement->kind != LF_STORE_WITH)
            continue;
        if (found)
            return lf_change_invalid(change, statement->at,
                                     "STORE WITH is here twice");
        found = statement;
    }
    if (!found)
        return FEATURE_OK;
    changes = &found->options[LF_OPTION_CHANGES];
    changes_size = &found->options[LF_OPTION_CHANGES_SIZE];
    max_size = &found->options[LF_OPTION_MAX_SIZE];
    if (changes->is_set && changes->value != after->changes) {
        change_store_option(change, found, LF_OPTION_CHANGES, after->changes);
        after->changes = changes->value;
    }
    if (changes_size->is_set &&
        (uint64_t)changes_size->value != after->changes_size) {
        change_store_option(change, found, LF_OPTION_CHANGES_SIZE,
                            (int64_t)after->changes_size);
        after->changes_size = (uint64_t)changes_size->value;
    }
    if (max_size->is_set && (uint64_t)max_size->value != after->max_size) {
        change_store_option(change, found, LF_OPTION_MAX_SIZE,
                            (int64_t)after->max_size);
        after->max_size = (uint64_t)max_size->value;
    }
    return FEATURE_OK;
}

static feature_status
apply_all(struct lf_change *change, const struct lf_definitions *definitions)
{
    LF_TRY(apply_each(change, definitions, LF_DROP_SERVICE, lf_drop_service));
    LF_TRY(apply_each(change, definitions, LF_DROP_VIEW, lf_drop_view));
    LF_TRY(apply_each(change, definitions, LF_DROP_EVENT, lf_drop_event));
    LF_TRY(apply_each(change, definitions, LF_DROP_ENTITY, lf_drop_entity));
    LF_TRY(apply_each(change, definitions, LF_CREATE_ENTITY, lf_evolve_entity));
    LF_TRY(apply_each(change, definitions, LF_CREATE_EVENT, lf_evolve_event));
    LF_TRY(apply_each(change, definitions, LF_CREATE_VIEW, lf_evolve_view));
    LF_TRY(apply_each(change, definitions, LF_DROP_FEATURE, lf_drop_feature));
    LF_TRY(lf_evolve_schemas(change));
    LF_TRY(
        apply_each(change, definitions, LF_CREATE_SERVICE, lf_evolve_service));
    return apply_store(change, definitions);
}

static void
keep(struct lf_change *change, const struct lf_names *written, const char *kind,
     const char *name)
{
    if (!lf_names_find(written, name, NULL))
        lf_text_add(&change->lines, "kept, not in this text: %s %s\n", kind,
                    name);
}

static void
keep_features(struct lf_change *change, const struct lf_view *view,
              const struct lf_view_change *of_view)
{
    for (uint32_t i = 0; of_view->statement && i < view->feature_count; i++)
        if (!lf_names_find(&of_view->declared, view->features[i].name, NULL) &&
            !(view->features[i].aggregate &&
              view->features[i].aggregate->is_keys))
            lf_text_add(&change->lines,
                        "kept, not in this text: feature %s:%s\n", view->name,
                        view->features[i].name);
}

/* The columns of an event that its statement leaves out. */
static void
keep_columns(struct lf_change *change, const struct lf_event *event,
             const struct lf_statement *statement)
{
    uint32_t at;

    if (statement->kind != LF_CREATE_EVENT)
        return;
    for (uint32_t i = 0; i < event->column_count; i++) {
        for (at = 0; at < statement->count; at++)
            if (!strcmp(statement->columns[at].name.text,
                        event->columns[i].name))
                break;
        if (at == statement->count)
            lf_text_add(&change->lines,
                        "kept, not in this text: column %s:%s\n", event->name,
                        event->columns[i].name);
    }
}

static void
keep_event(struct lf_change *change, const struct lf_names *written,
           const struct lf_event *event, const struct lf_definitions *all)
{
    uint32_t statement;

    if (lf_names_find(written, event->name, &statement))
        keep_columns(change, event, &all->statements[statement]);
    else
        keep(change, written, "event", event->name);
}

/* What the store holds and the text leaves out. */
static void
keep_all(struct lf_change *change, const struct lf_names *written,
         const struct lf_definitions *definitions)
{
    const struct lf_catalog *after = change->after;

    for (uint32_t i = 0; i < after->entity_count; i++)
        keep(change, written, "entity", after->entities[i].name);
    for (uint32_t i = 0; i < after->event_count; i++)
        keep_event(change, written, &after->events[i], definitions);
    for (uint32_t i = 0; i < after->view_count; i++) {
        keep(change, written, "feature view", after->views[i].name);
        keep_features(change, &after->views[i], &change->views[i]);
    }
    for (uint32_t i = 0; i < after->service_count; i++)
        keep(change, written, "feature service", after->services[i].name);
}

static feature_status
run(struct lf_change *change, const char *text)
{
    struct lf_definitions definitions = {0};
    struct lf_names written = {0};

    LF_TRY(lf_parse_definitions(text, change->scratch, &definitions,
                                change->error));
    LF_TRY(check_names(change, &definitions, &written));
    LF_TRY(make_room(change, &definitions));
    LF_TRY(apply_all(change, &definitions));
    keep_all(change, &written, &definitions);
    return change->lines.failed ? lf_fail_memory(change->error) : FEATURE_OK;
}

/* Hands the lines over: the one step that may still fail. */
static feature_status
give_lines(const struct lf_text *made, struct lf_text *lines,
           struct feature_error *error)
{
    if (!lines || !made->bytes.size)
        return FEATURE_OK;
    if (!lf_buffer_append(&lines->bytes, made->bytes.data, made->bytes.size))
        return lf_fail_memory(error);
    return FEATURE_OK;
}

feature_status
lf_define(const struct lf_catalog *before, const char *text,
          struct lf_catalog **after, struct lf_text *lines,
          struct feature_error *error)
{
    struct lf_arena scratch = {0};
    struct lf_change change = {.scratch = &scratch, .error = error};
    feature_status status;

    change.after = lf_catalog_copy(before);
    if (!change.after)
        return lf_fail_memory(error);
    status = run(&change, text);
    if (status)
        goto out;
    status = give_lines(&change.lines, lines, error);
    if (status)
        goto out;
    *after = NULL;
    if (change.count) {
        change.after->version++;
        *after = change.after;
        change.after = NULL;
    }
out:
    lf_catalog_release(change.after);
    lf_text_free(&change.lines);
    lf_arena_free(&scratch);
    return status;
}
