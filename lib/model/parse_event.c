/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events, and what ties a feature view to one.
 *
 * Owns the columns of an event and the clause that takes join keys from them.
 * Keeps views of rows and views FROM an event apart, clause by clause.
 * Never knows which events there are.
 */
#include <string.h>

#include "base/error.h"
#include "model/names.h"
#include "model/parse.h"

static feature_status
fail_at(const struct lf_lexer *lexer, struct lf_place at, const char *message)
{
    return lf_fail_at(lexer->error, FEATURE_INVALID, "argument", at.line,
                      at.column, "%s", message);
}

static feature_status
parse_column(struct lf_lexer *lexer, struct lf_arena *arena,
             struct lf_column_clause *column)
{
    char name[LF_TYPE_NAME_SIZE];
    struct lf_lexer start = *lexer;
    struct lf_type type;

    LF_TRY(lf_lexer_take_name(lexer, arena, "the name of a column",
                              &column->name));
    if (!strcmp(column->name.text, "event_timestamp"))
        return lf_lexer_fail(&start,
                             "every event has an event_timestamp: it is "
                             "no column");
    start = *lexer;
    LF_TRY(lf_parse_type(lexer, &type));
    if (type.is_list || type.width > 1)
        return lf_lexer_fail(&start,
                             "a column of an event is one value, not %s",
                             lf_type_name(name, type));
    column->code = type.code;
    return FEATURE_OK;
}

static feature_status
parse_columns(struct lf_lexer *lexer, struct lf_arena *arena,
              struct lf_statement *statement)
{
    bool more = true;

    while (more) {
        struct lf_lexer start = *lexer;
        struct lf_column_clause *made;

        if (statement->count == LF_EVENT_COLUMNS_MAX)
            return lf_lexer_fail(lexer, "an event has at most %d columns",
                                 LF_EVENT_COLUMNS_MAX);
        statement->columns = lf_list_room(arena, statement->columns,
                                          statement->count, sizeof *made);
        if (!statement->columns)
            return lf_fail_memory(lexer->error);
        made = &statement->columns[statement->count];
        LF_TRY(parse_column(lexer, arena, made));
        for (uint32_t i = 0; i < statement->count; i++)
            if (!strcmp(statement->columns[i].name.text, made->name.text))
                return lf_lexer_fail(&start, "the column %s is here twice",
                                     made->name.text);
        statement->count++;
        LF_TRY(lf_lexer_skip_mark(lexer, ',', &more));
    }
    return FEATURE_OK;
}

/* What dedupe and dedupe_for need of each other. */
static feature_status
check_options(const struct lf_lexer *lexer,
              const struct lf_option_clause *options)
{
    const struct lf_option_clause *window = &options[LF_OPTION_DEDUPE_FOR];

    if (!window->is_set)
        return FEATURE_OK;
    if (!options[LF_OPTION_DEDUPE].is_set)
        return fail_at(lexer, window->at,
                       "dedupe_for says how long ids are remembered: write "
                       "dedupe = column too");
    if (!window->value)
        return fail_at(lexer, window->at,
                       "ids that are not remembered cannot be told apart: "
                       "dedupe_for is a duration");
    return FEATURE_OK;
}

feature_status
lf_parse_event(struct lf_lexer *lexer, struct lf_arena *arena,
               struct lf_statement *statement)
{
    bool has_options;

    statement->kind = LF_CREATE_EVENT;
    LF_TRY(lf_lexer_take_name(lexer, arena, "the name of an event",
                              &statement->name));
    LF_TRY(lf_lexer_take_mark(lexer, '('));
    LF_TRY(parse_columns(lexer, arena, statement));
    if (!lf_lexer_is_mark(lexer, ')'))
        return lf_lexer_expected(lexer, "\",\" or \")\"");
    LF_TRY(lf_lexer_next(lexer));
    LF_TRY(lf_lexer_skip_word(lexer, "WITH", &has_options));
    if (!has_options)
        return FEATURE_OK;
    LF_TRY(lf_parse_options(lexer, arena, LF_OF_EVENT, statement->options));
    return check_options(lexer, statement->options);
}

feature_status
lf_parse_sources(struct lf_lexer *lexer, struct lf_arena *arena,
                 struct lf_statement *statement)
{
    bool more = true;

    statement->sources =
        lf_arena_array(arena, LF_KEYS_MAX, sizeof *statement->sources);
    if (!statement->sources)
        return lf_fail_memory(lexer->error);
    LF_TRY(lf_lexer_take_mark(lexer, '('));
    while (more) {
        struct lf_source_clause *made =
            &statement->sources[statement->source_count];
        struct lf_lexer start = *lexer;

        if (statement->source_count == LF_KEYS_MAX)
            return lf_lexer_fail(lexer, "an entity has at most %d join keys",
                                 LF_KEYS_MAX);
        LF_TRY(lf_lexer_take_name(lexer, arena, "the name of a join key",
                                  &made->key));
        LF_TRY(lf_lexer_take_mark(lexer, '='));
        LF_TRY(lf_lexer_take_name(lexer, arena, "the name of a column",
                                  &made->column));
        for (uint32_t i = 0; i < statement->source_count; i++)
            if (!strcmp(statement->sources[i].key.text, made->key.text))
                return lf_lexer_fail(&start, "the join key %s is here twice",
                                     made->key.text);
        statement->source_count++;
        LF_TRY(lf_lexer_skip_mark(lexer, ',', &more));
    }
    if (!lf_lexer_is_mark(lexer, ')'))
        return lf_lexer_expected(lexer, "\",\" or \")\"");
    return lf_lexer_next(lexer);
}

static feature_status
check_rows_view(const struct lf_lexer *lexer,
                const struct lf_statement *statement)
{
    const struct lf_option_clause *options = statement->options;

    for (uint32_t i = 0; i < statement->count; i++)
        if (statement->features[i].written)
            return fail_at(lexer, statement->features[i].name.at,
                           "an aggregate is of an event: write FROM and its "
                           "name behind FOR");
    if (statement->source_count)
        return fail_at(lexer, statement->sources[0].key.at,
                       "join keys are taken from an event: write FROM and its "
                       "name");
    if (options[LF_OPTION_SLACK].is_set)
        return fail_at(lexer, options[LF_OPTION_SLACK].at,
                       "slack is of a feature view FROM an event");
    if (options[LF_OPTION_ZONE].is_set)
        return fail_at(lexer, options[LF_OPTION_ZONE].at,
                       "zone is of a feature view FROM an event");
    return FEATURE_OK;
}

feature_status
lf_check_view(const struct lf_lexer *lexer,
              const struct lf_statement *statement)
{
    const struct lf_option_clause *options = statement->options;

    if (!statement->event.text)
        return check_rows_view(lexer, statement);
    for (uint32_t i = 0; i < statement->count; i++)
        if (!statement->features[i].written)
            return fail_at(lexer, statement->features[i].name.at,
                           "the features of a view FROM an event are "
                           "aggregates, as in spent = SUM(amount)");
    if (options[LF_OPTION_TTL].is_set)
        return fail_at(lexer, options[LF_OPTION_TTL].at,
                       "a feature view FROM an event has no ttl: its windows "
                       "are its age limits");
    if (options[LF_OPTION_MAX_SKEW].is_set)
        return fail_at(lexer, options[LF_OPTION_MAX_SKEW].at,
                       "max_skew is the event's: write it in CREATE EVENT");
    if (options[LF_OPTION_SLACK].value > LF_WINDOW_MAX)
        return fail_at(lexer, options[LF_OPTION_SLACK].at,
                       "slack is at most '36525 days'");
    return FEATURE_OK;
}
