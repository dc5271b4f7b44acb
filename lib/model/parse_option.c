/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options: WITH (name = 'value', ...), and back.
 *
 * Owns which options there are, whose they are and what 'none' means.
 * Keeps every value in the unit of the catalog.
 * Never fills in an option that was left out: who does depends on the store.
 */
#include "model/parse.h"

#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "model/literal.h"
#include "model/number.h"
#include "model/quantity.h"

/* The only word there is so far, as 1. */
#define BEFORE_AFTER "before_after"

static const struct {
    const char *name;
    enum lf_option_owner owner;
    enum { DURATION, SIZE, WORD, ZONE, COLUMN, COUNT, RULES } kind;
    int64_t none;
} options_known[LF_OPTION_COUNT] = {
    [LF_OPTION_TTL] = {"ttl", LF_OF_VIEW, DURATION, 0},
    [LF_OPTION_HISTORY] = {"history", LF_OF_VIEW, DURATION, 0},
    [LF_OPTION_MAX_SKEW] = {"max_skew", LF_OF_VIEW, DURATION, LF_SKEW_NONE},
    [LF_OPTION_VIEW_CHANGES] = {"changes", LF_OF_VIEW, WORD, 0},
    [LF_OPTION_KEEP_VERSIONS] = {"keep_versions", LF_OF_VIEW, COUNT, 0},
    [LF_OPTION_CHECK] = {"check", LF_OF_VIEW, RULES, 0},
    [LF_OPTION_SLACK] = {"slack", LF_OF_VIEW, DURATION, 0},
    [LF_OPTION_ZONE] = {"zone", LF_OF_VIEW, ZONE, 0},
    [LF_OPTION_EVENT_SKEW] = {"max_skew", LF_OF_EVENT, DURATION, LF_SKEW_NONE},
    [LF_OPTION_DEDUPE] = {"dedupe", LF_OF_EVENT, COLUMN, 0},
    [LF_OPTION_DEDUPE_FOR] = {"dedupe_for", LF_OF_EVENT, DURATION, 0},
    [LF_OPTION_CHANGES] = {"changes", LF_OF_STORE, DURATION, 0},
    [LF_OPTION_CHANGES_SIZE] = {"changes_size", LF_OF_STORE, SIZE, 0},
    [LF_OPTION_MAX_SIZE] = {"max_size", LF_OF_STORE, SIZE, 0},
};

static const char *const choices[] = {
    [LF_OF_STORE] = "changes, changes_size or max_size",
    [LF_OF_VIEW] = "ttl, history, max_skew, changes, keep_versions, check, "
                   "slack or zone",
    [LF_OF_EVENT] = "max_skew, dedupe or dedupe_for",
};

const char *
lf_option_name(enum lf_option option)
{
    return options_known[option].name;
}

void
lf_option_print(struct lf_text *text, enum lf_option option, int64_t value)
{
    char buffer[LF_QUANTITY_SIZE];

    if (options_known[option].kind == COUNT)
        lf_text_add(text, "%d", (int)value);
    else if (options_known[option].kind == ZONE)
        lf_text_add(text, "'%s'", lf_zone_print(buffer, value));
    else if (value == options_known[option].none)
        lf_text_add(text, "'none'");
    else if (options_known[option].kind == WORD)
        lf_text_add(text, "'%s'", BEFORE_AFTER);
    else if (options_known[option].kind == SIZE)
        lf_text_add(text, "'%s'", lf_size_print(buffer, (uint64_t)value));
    else
        lf_text_add(text, "'%s'", lf_duration_print(buffer, value));
}

static feature_status
find_option(const struct lf_lexer *lexer, enum lf_option_owner owner,
            int *option)
{
    const char *names[LF_OPTION_COUNT];
    size_t count = 0;

    for (int i = 0; i < LF_OPTION_COUNT; i++) {
        if (options_known[i].owner != owner)
            continue;
        names[count++] = options_known[i].name;
        if (lf_lexer_is_word(lexer, options_known[i].name)) {
            *option = i;
            return FEATURE_OK;
        }
    }
    return lf_lexer_expected_word(lexer, choices[owner], names, count);
}

static const char *
parse_text(int kind, const char *text, int64_t *value)
{
    const char *problem = NULL;
    uint64_t bytes = 0;

    if (kind == DURATION)
        return lf_duration_parse(text, value);
    if (kind == SIZE) {
        problem = lf_size_parse(text, &bytes);
        *value = (int64_t)bytes;
        return problem;
    }
    if (kind == ZONE)
        return lf_zone_parse(text, value);
    *value = 1;
    return strcasecmp(text, BEFORE_AFTER) ? "expected '" BEFORE_AFTER
                                            "' or 'none'"
                                          : NULL;
}

static feature_status
parse_value(struct lf_lexer *lexer, struct lf_arena *arena, int option,
            int64_t *value)
{
    static const char *const wanted[] = {
        [DURATION] = "a duration such as '2 hours'",
        [SIZE] = "a size such as '200 GB'",
        [WORD] = "'" BEFORE_AFTER "' or 'none'",
        [ZONE] = "an offset such as '+08:00'"};
    struct lf_lexer start = *lexer;
    const char *text, *problem;
    uint32_t size;

    LF_TRY(lf_lexer_take_string(
        lexer, arena, wanted[options_known[option].kind], &text, &size));
    if (!strcasecmp(text, "none") && options_known[option].kind != ZONE) {
        *value = options_known[option].none;
        return FEATURE_OK;
    }
    problem = parse_text(options_known[option].kind, text, value);
    return problem ? lf_lexer_fail(&start, "%s", problem) : FEATURE_OK;
}

/* Without quotes, as any number. */
static feature_status
parse_count(struct lf_lexer *lexer, int64_t *value)
{
    const struct lf_token *token = &lexer->token;

    if (token->kind != LF_TOKEN_NUMBER ||
        !lf_number_is_whole(token->text, token->size))
        return lf_lexer_expected(lexer, "a number of versions, 0 to 8");
    if (!lf_number_parse_int64(token->text, token->size, value) || *value < 0 ||
        *value > LF_KEEP_MAX)
        return lf_lexer_fail(lexer, "a feature view keeps 0 to %d versions",
                             LF_KEEP_MAX);
    return lf_lexer_next(lexer);
}

feature_status
lf_parse_options(struct lf_lexer *lexer, struct lf_arena *arena,
                 enum lf_option_owner owner, struct lf_option_clause *options)
{
    bool more = true;
    int option = 0;

    LF_TRY(lf_lexer_take_mark(lexer, '('));
    while (more) {
        LF_TRY(find_option(lexer, owner, &option));
        if (options[option].is_set)
            return lf_lexer_fail(lexer, "%s is set twice",
                                 options_known[option].name);
        options[option].at = lexer->token.at;
        LF_TRY(lf_lexer_next(lexer));
        LF_TRY(lf_lexer_take_mark(lexer, '='));
        if (options_known[option].kind == COLUMN)
            LF_TRY(lf_lexer_take_name(lexer, arena, "the name of a column",
                                      &options[option].name));
        else if (options_known[option].kind == RULES)
            LF_TRY(lf_parse_rules(lexer, arena, &options[option]));
        else if (options_known[option].kind == COUNT)
            LF_TRY(parse_count(lexer, &options[option].value));
        else
            LF_TRY(parse_value(lexer, arena, option, &options[option].value));
        options[option].is_set = true;
        LF_TRY(lf_lexer_skip_mark(lexer, ',', &more));
    }
    if (!lf_lexer_is_mark(lexer, ')'))
        return lf_lexer_expected(lexer, "\",\" or \")\"");
    return lf_lexer_next(lexer);
}
