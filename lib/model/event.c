/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events: what writers send, and views are computed from.
 *
 * Owns the creation of events and the columns that are added to them.
 * Keeps the place of a column for good: stored aggregates name it.
 * Never changes max_skew or dedupe: which events counted would change.
 */
#include "model/evolve.h"

#include <string.h>

#include "base/error.h"
#include "model/suggest.h"

static feature_status
find_column(const struct lf_change *change, const struct lf_event *event,
            const struct lf_name *name, uint32_t *column)
{
    struct lf_suggestion near;

    *column = lf_event_column(event, name->text);
    if (*column == LF_TIME_COLUMN)
        return lf_change_invalid(change, name->at,
                                 "event_timestamp tells no two events apart: "
                                 "dedupe is by a column");
    if (*column != LF_NO_COLUMN)
        return FEATURE_OK;
    lf_suggestion_begin(&near, name->text);
    lf_suggestion_offer_columns(&near, event);
    return lf_suggestion_fail(&near, name->at, change->error,
                              "%s has no column %s", event->name, name->text);
}

static feature_status
add_column(struct lf_change *change, struct lf_event *event,
           const struct lf_column_clause *clause)
{
    struct lf_event_column *made = &event->columns[event->column_count];
    const char *name = clause->name.text;

    if (event->column_count == LF_EVENT_COLUMNS_MAX)
        return lf_change_conflict(change, clause->name.at,
                                  "%s would have more than %d columns",
                                  event->name, LF_EVENT_COLUMNS_MAX);
    made->name = lf_arena_copy(&change->after->arena, name, strlen(name));
    made->code = clause->code;
    if (!made->name)
        return lf_fail_memory(change->error);
    event->column_count++;
    return FEATURE_OK;
}

/* Columns that are there stay what they are; the others are added. */
static feature_status
evolve_columns(struct lf_change *change, struct lf_event *event,
               const struct lf_statement *statement, bool is_new)
{
    event->columns = lf_list_extend(&change->after->arena, event->columns,
                                    event->column_count, statement->count,
                                    sizeof *event->columns);
    if (!event->columns)
        return lf_fail_memory(change->error);
    for (uint32_t i = 0; i < statement->count; i++) {
        const struct lf_column_clause *clause = &statement->columns[i];
        uint32_t old = lf_event_column(event, clause->name.text);

        if (old == LF_NO_COLUMN) {
            LF_TRY(add_column(change, event, clause));
            if (!is_new)
                lf_change_add(change, "add column %s:%s %s", event->name,
                              clause->name.text,
                              lf_type_code_name(clause->code));
        } else if (event->columns[old].code != clause->code) {
            return lf_change_conflict(
                change, clause->name.at,
                "%s:%s is %s in the store and %s in this text", event->name,
                clause->name.text, lf_type_code_name(event->columns[old].code),
                lf_type_code_name(clause->code));
        }
    }
    return FEATURE_OK;
}

static feature_status
check_options(const struct lf_change *change, const struct lf_event *event,
              const struct lf_option_clause *options)
{
    const struct lf_name *dedupe = &options[LF_OPTION_DEDUPE].name;
    uint32_t column;

    LF_TRY(lf_change_fixed(change, &options[LF_OPTION_EVENT_SKEW],
                           LF_OPTION_EVENT_SKEW, event->name, event->max_skew));
    if (!dedupe->text)
        return FEATURE_OK;
    LF_TRY(find_column(change, event, dedupe, &column));
    if (column != event->dedupe)
        return lf_change_conflict(
            change, dedupe->at,
            "dedupe of %s is %s in the store and %s in this text: it never "
            "changes",
            event->name,
            event->dedupe == LF_NO_COLUMN ? "'none'"
                                          : event->columns[event->dedupe].name,
            dedupe->text);
    return lf_change_fixed(change, &options[LF_OPTION_DEDUPE_FOR],
                           LF_OPTION_DEDUPE_FOR, event->name,
                           event->dedupe_for);
}

static void
report_event(struct lf_change *change, const struct lf_event *event)
{
    change->count++;
    lf_text_add(&change->lines, "create event %s (", event->name);
    for (uint32_t i = 0; i < event->column_count; i++)
        lf_text_add(&change->lines, "%s%s %s", i ? ", " : "",
                    event->columns[i].name,
                    lf_type_code_name(event->columns[i].code));
    lf_text_add(&change->lines, ")\n");
}

/* The array of events has room. */
static feature_status
create_event(struct lf_change *change, const struct lf_statement *statement)
{
    const struct lf_option_clause *options = statement->options;
    struct lf_catalog *after = change->after;
    struct lf_event made = {.max_skew = LF_SKEW_EVENT, .dedupe = LF_NO_COLUMN};
    const char *name = statement->name.text;

    if (after->event_count == LF_EVENTS_MAX)
        return lf_change_conflict(change, statement->name.at,
                                  "a store has at most %d events",
                                  LF_EVENTS_MAX);
    made.name = lf_arena_copy(&after->arena, name, strlen(name));
    if (!made.name)
        return lf_fail_memory(change->error);
    LF_TRY(lf_change_take_id(change, &made.id));
    LF_TRY(evolve_columns(change, &made, statement, true));
    if (options[LF_OPTION_EVENT_SKEW].is_set)
        made.max_skew = options[LF_OPTION_EVENT_SKEW].value;
    if (options[LF_OPTION_DEDUPE].is_set) {
        LF_TRY(find_column(change, &made, &options[LF_OPTION_DEDUPE].name,
                           &made.dedupe));
        made.dedupe_for = LF_DEDUPE_FOR;
    }
    if (options[LF_OPTION_DEDUPE_FOR].is_set)
        made.dedupe_for = options[LF_OPTION_DEDUPE_FOR].value;
    after->events[after->event_count++] = made;
    report_event(change, &made);
    return FEATURE_OK;
}

feature_status
lf_evolve_event(struct lf_change *change, const struct lf_statement *statement)
{
    struct lf_catalog *after = change->after;
    const struct lf_event *old = lf_catalog_event(after, statement->name.text);
    struct lf_event *event;

    if (!old)
        return create_event(change, statement);
    event = &after->events[old - after->events];
    LF_TRY(evolve_columns(change, event, statement, false));
    return check_options(change, event, statement->options);
}
