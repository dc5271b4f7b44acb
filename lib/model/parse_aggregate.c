/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Features that are aggregates: name = SUM(amount) BY ... WHERE ... OVER ...
 *
 * Owns the grammar of aggregates and the hints for those of other databases.
 * Keeps the places of values whose type only the event can tell.
 * Never knows the columns of an event.
 */
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "model/aggregate.h"
#include "model/number.h"
#include "model/parse.h"
#include "model/select.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct {
    const char *name;
    const char *hint;
} foreign[] = {
    {"MEAN", "AVG"},
    {"AVERAGE", "AVG"},
    {"STDDEV_SAMP", "STDDEV"},
    {"MEDIAN", "APPROX_PERCENTILE(column, 0.5)"},
    {"PERCENTILE", "APPROX_PERCENTILE(column, 0.99)"},
    {"QUANTILE", "APPROX_PERCENTILE(column, 0.99)"},
    {"COUNT_DISTINCT", "COUNT(DISTINCT column)"},
    {"APPROX_DISTINCT", "APPROX_COUNT_DISTINCT(column)"},
    {"ARRAY_AGG", "LAST(column, 10)"},
    {"LAST_VALUE", "LAST"},
    {"FIRST_VALUE", "FIRST"},
};

static feature_status
refuse_kind(const struct lf_lexer *lexer)
{
    const char *names[LF_APPROX_PERCENTILE];
    const struct lf_token *token = &lexer->token;
    char quoted[LF_QUOTE_SIZE];
    size_t count = 0;

    for (size_t i = 0; i < COUNT(foreign); i++)
        if (lf_lexer_is_word(lexer, foreign[i].name))
            return lf_lexer_fail(
                lexer, "unknown aggregate \"%s\"; did you mean %s?",
                lf_quote(quoted, token->text, token->size), foreign[i].hint);
    for (int kind = LF_COUNT; kind <= LF_APPROX_PERCENTILE; kind++)
        if (kind != LF_COUNT_DISTINCT)
            names[count++] = lf_aggregate_name((enum lf_aggregate_kind)kind);
    return lf_lexer_expected_word(
        lexer, "an aggregate such as SUM(column) or COUNT(*)", names, count);
}

static feature_status
parse_kind(struct lf_lexer *lexer, struct lf_aggregate *made)
{
    for (int kind = LF_COUNT; kind <= LF_APPROX_PERCENTILE; kind++)
        if (kind != LF_COUNT_DISTINCT &&
            lf_lexer_is_word(lexer,
                             lf_aggregate_name((enum lf_aggregate_kind)kind))) {
            made->kind = (enum lf_aggregate_kind)kind;
            return lf_lexer_next(lexer);
        }
    return refuse_kind(lexer);
}

/* COUNT(DISTINCT x): but a column may be called distinct. */
static feature_status
parse_distinct(struct lf_lexer *lexer, struct lf_aggregate *made)
{
    struct lf_lexer ahead = *lexer;

    if (made->kind != LF_COUNT || !lf_lexer_is_word(lexer, "DISTINCT"))
        return FEATURE_OK;
    LF_TRY(lf_lexer_next(&ahead));
    if (ahead.token.kind != LF_TOKEN_WORD)
        return FEATURE_OK;
    made->kind = LF_COUNT_DISTINCT;
    *lexer = ahead;
    return FEATURE_OK;
}

static feature_status
parse_column(struct lf_lexer *lexer, struct lf_arena *arena,
             struct lf_aggregate_clause *clause)
{
    const char *name = lf_aggregate_name(clause->made.kind);

    if (!lf_lexer_is_mark(lexer, '*'))
        return lf_lexer_take_name(lexer, arena,
                                  clause->made.kind == LF_COUNT
                                      ? "\"*\" or the name of a column"
                                      : "the name of a column",
                                  &clause->column);
    if (clause->made.kind != LF_COUNT)
        return lf_lexer_fail(lexer, "%s is of a column; COUNT alone takes *",
                             name);
    return lf_lexer_next(lexer);
}

static feature_status
parse_whole(struct lf_lexer *lexer, const char *name,
            const struct lf_bounds *bounds, uint32_t *value)
{
    const struct lf_token *token = &lexer->token;
    int64_t number = 0;

    if (token->kind != LF_TOKEN_NUMBER ||
        !lf_number_is_whole(token->text, token->size))
        return lf_lexer_expected(lexer, "a whole number");
    if (!lf_number_parse_int64(token->text, token->size, &number) ||
        number < bounds->low || number > bounds->high)
        return lf_lexer_fail(lexer, "the %s of %s is %u to %u", bounds->what,
                             name, bounds->low, bounds->high);
    *value = (uint32_t)number;
    return lf_lexer_next(lexer);
}

static feature_status
parse_fraction(struct lf_lexer *lexer, const char *what, double low,
               double high, double *value)
{
    const struct lf_token *token = &lexer->token;

    if (token->kind != LF_TOKEN_NUMBER)
        return lf_lexer_expected(lexer, "a number");
    if (!lf_number_parse_float64(token->text, token->size, value) ||
        !(*value >= low && *value <= high))
        return lf_lexer_fail(lexer, "the %s of APPROX_PERCENTILE is %g to %g",
                             what, low, high);
    *value += 0.0; /* no -0.0 */
    return lf_lexer_next(lexer);
}

/* (x, q) or (x, q, error), behind x. */
static feature_status
parse_percentile(struct lf_lexer *lexer, struct lf_aggregate *made)
{
    bool has_error;

    if (!lf_lexer_is_mark(lexer, ','))
        return lf_lexer_fail(lexer, "APPROX_PERCENTILE needs to know which: "
                                    "write APPROX_PERCENTILE(column, 0.99)");
    LF_TRY(lf_lexer_next(lexer));
    LF_TRY(parse_fraction(lexer, "quantile", 0, 1, &made->quantile));
    made->error = LF_ERROR;
    LF_TRY(lf_lexer_skip_mark(lexer, ',', &has_error));
    return has_error ? parse_fraction(lexer, "error", LF_ERROR_MIN,
                                      LF_ERROR_MAX, &made->error)
                     : FEATURE_OK;
}

static feature_status
parse_more(struct lf_lexer *lexer, struct lf_aggregate *made)
{
    const char *name = lf_aggregate_name(made->kind);
    struct lf_bounds bounds;
    bool more;

    if (made->kind == LF_APPROX_PERCENTILE)
        return parse_percentile(lexer, made);
    if (!lf_aggregate_bounds(made->kind, &bounds))
        return FEATURE_OK;
    made->k = bounds.standard;
    LF_TRY(lf_lexer_skip_mark(lexer, ',', &more));
    if (!more && bounds.needed)
        return lf_lexer_fail(lexer,
                             "%s needs to know how many: write "
                             "%s(column, 3)",
                             name, name);
    return more ? parse_whole(lexer, name, &bounds, &made->k) : FEATURE_OK;
}

static feature_status
parse_call(struct lf_lexer *lexer, struct lf_arena *arena,
           struct lf_aggregate_clause *clause)
{
    LF_TRY(parse_kind(lexer, &clause->made));
    LF_TRY(lf_lexer_take_mark(lexer, '('));
    LF_TRY(parse_distinct(lexer, &clause->made));
    LF_TRY(parse_column(lexer, arena, clause));
    if (clause->column.text)
        LF_TRY(parse_more(lexer, &clause->made));
    return lf_lexer_take_mark(lexer, ')');
}

static feature_status
parse_by(struct lf_lexer *lexer, struct lf_arena *arena,
         struct lf_aggregate_clause *clause)
{
    static const struct lf_bounds bounds = {
        .what = "LIMIT", .low = 1, .high = LF_WINDOW_K_MAX};
    enum lf_aggregate_kind kind = clause->made.kind;
    bool has_limit;

    if (kind < LF_COUNT || kind > LF_MAX)
        return lf_lexer_fail(lexer, "BY goes with COUNT, SUM, AVG, MIN and "
                                    "MAX");
    LF_TRY(lf_lexer_next(lexer));
    LF_TRY(
        lf_lexer_take_name(lexer, arena, "the name of a column", &clause->by));
    clause->made.by_cap = LF_BY_CAP;
    LF_TRY(lf_lexer_skip_word(lexer, "LIMIT", &has_limit));
    return has_limit ? parse_whole(lexer, "BY", &bounds, &clause->made.by_cap)
                     : FEATURE_OK;
}

feature_status
lf_parse_value_place(struct lf_lexer *lexer, struct lf_lexer *place)
{
    bool is_list;

    *place = *lexer;
    LF_TRY(lf_lexer_skip_mark(lexer, '[', &is_list));
    while (is_list && lexer->token.kind != LF_TOKEN_END &&
           !lf_lexer_is_mark(lexer, ']') && !lf_lexer_is_mark(lexer, ';'))
        LF_TRY(lf_lexer_next(lexer));
    if (is_list)
        return lf_lexer_take_mark(lexer, ']');
    if (lexer->token.kind != LF_TOKEN_NUMBER &&
        lexer->token.kind != LF_TOKEN_STRING &&
        lexer->token.kind != LF_TOKEN_HEX && !lf_lexer_is_word(lexer, "TRUE") &&
        !lf_lexer_is_word(lexer, "FALSE") && !lf_lexer_is_word(lexer, "NULL"))
        return lf_lexer_expected(lexer, "a value");
    return lf_lexer_next(lexer);
}

enum clause_kind { BY, WHERE, OVER, DEFAULT, RENAMED, CLAUSES };

static feature_status
parse_clause(struct lf_lexer *lexer, struct lf_arena *arena,
             struct lf_feature_clause *feature, int kind)
{
    struct lf_aggregate_clause *clause = feature->written;

    if (kind == BY)
        return parse_by(lexer, arena, clause);
    LF_TRY(lf_lexer_next(lexer));
    switch (kind) {
    case WHERE:
        return lf_parse_condition(lexer, arena, clause);
    case OVER:
        return lf_parse_window(lexer, arena, clause);
    case DEFAULT:
        clause->has_fallback = true;
        return lf_parse_value_place(lexer, &clause->fallback);
    default:
        LF_TRY(lf_lexer_take_word(lexer, "FROM"));
        return lf_lexer_take_name(lexer, arena, "the name it had",
                                  &feature->renamed_from);
    }
}

static feature_status
parse_clauses(struct lf_lexer *lexer, struct lf_arena *arena,
              struct lf_feature_clause *feature)
{
    static const char *const words[] = {"BY", "WHERE", "OVER", "DEFAULT",
                                        "RENAMED"};
    bool is_seen[CLAUSES] = {false};
    int kind;

    while (!lf_lexer_is_mark(lexer, ',') && !lf_lexer_is_mark(lexer, ')')) {
        for (kind = 0; kind < CLAUSES; kind++)
            if (lf_lexer_is_word(lexer, words[kind]))
                break;
        if (lf_lexer_is_word(lexer, "NOT"))
            return lf_lexer_fail(lexer,
                                 "a window may be empty, so %s cannot "
                                 "be NOT NULL; it may have a DEFAULT",
                                 feature->name.text);
        if (kind == CLAUSES)
            return lf_lexer_expected_word(lexer,
                                          "BY, WHERE, OVER, DEFAULT, RENAMED "
                                          "FROM, \",\" or \")\"",
                                          words, COUNT(words));
        if (is_seen[kind])
            return lf_lexer_fail(lexer, "%s is here twice", words[kind]);
        is_seen[kind] = true;
        LF_TRY(parse_clause(lexer, arena, feature, kind));
    }
    return FEATURE_OK;
}

feature_status
lf_parse_aggregate(struct lf_lexer *lexer, struct lf_arena *arena,
                   struct lf_feature_clause *feature)
{
    struct lf_aggregate_clause *clause = lf_arena_alloc(arena, sizeof *clause);

    if (!clause)
        return lf_fail_memory(lexer->error);
    feature->written = clause;
    clause->made.by = LF_NO_COLUMN;
    clause->made.column = LF_NO_COLUMN;
    clause->made.window.kind = LF_LIFETIME;
    clause->window_at = lexer->token.at;
    LF_TRY(parse_call(lexer, arena, clause));
    return parse_clauses(lexer, arena, feature);
}
