/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Quality rules: figure op bound; figure BETWEEN bound AND bound; ...
 *
 * Owns the grammar within the quotes of check = '...'.
 * Keeps the place of a mistake that of the whole text.
 * Never knows which features there are.
 */
#include "model/parse.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "model/names.h"
#include "model/number.h"
#include "model/quantity.h"
#include "model/rule_text.h"

#define DURATION_MAX 40

static feature_status
parse_figure(struct lf_lexer *lexer, struct lf_arena *arena,
             struct lf_rule_clause *rule)
{
    const char *names[LF_PSI];

    rule->at = lexer->token.at;
    for (int i = LF_ROWS; i <= LF_PSI; i++) {
        names[i - 1] = lf_figure_name((enum lf_figure)i);
        if (lf_lexer_is_word(lexer, names[i - 1]))
            rule->made.figure = (enum lf_figure)i;
    }
    if (!rule->made.figure)
        return lf_lexer_expected_word(lexer,
                                      "rows, row_ratio, age, nulls, min, max, "
                                      "distinct or psi",
                                      names, LF_PSI);
    LF_TRY(lf_lexer_next(lexer));
    if (!lf_figure_has_name(rule->made.figure))
        return FEATURE_OK;
    LF_TRY(lf_lexer_take_mark(lexer, '('));
    LF_TRY(
        lf_lexer_take_name(lexer, arena, "the name of a feature", &rule->name));
    return lf_lexer_take_mark(lexer, ')');
}

static feature_status
parse_operator(struct lf_lexer *lexer, enum lf_rule_op *op)
{
    static const char *const marks[] = {
        [LF_RULE_EQUAL] = "=",   [LF_RULE_NOT_EQUAL] = "<>",
        [LF_RULE_LESS] = "<",    [LF_RULE_LESS_EQUAL] = "<=",
        [LF_RULE_GREATER] = ">", [LF_RULE_GREATER_EQUAL] = ">="};
    bool found;

    LF_TRY(lf_lexer_skip_word(lexer, "BETWEEN", &found));
    if (found) {
        *op = LF_RULE_BETWEEN;
        return FEATURE_OK;
    }
    for (int i = LF_RULE_EQUAL; i <= LF_RULE_GREATER_EQUAL; i++)
        if (lf_lexer_is_marks(lexer, marks[i])) {
            *op = (enum lf_rule_op)i;
            return lf_lexer_next(lexer);
        }
    return lf_lexer_expected(lexer, "=, <>, <, <=, >, >= or BETWEEN");
}

/* A number and a unit, without quotes of their own. */
static feature_status
parse_age(struct lf_lexer *lexer, struct lf_amount *amount)
{
    struct lf_lexer start = *lexer;
    const struct lf_token *unit = &lexer->token;
    char duration[DURATION_MAX];
    const char *problem;
    int size;

    if (lexer->token.kind != LF_TOKEN_NUMBER)
        return lf_lexer_expected(lexer, "a duration such as 2 days");
    LF_TRY(lf_lexer_next(lexer));
    if (unit->kind != LF_TOKEN_WORD)
        return lf_lexer_expected(lexer, "a unit, as in 2 days");
    size =
        snprintf(duration, sizeof duration, "%.*s %.*s", (int)start.token.size,
                 start.token.text, (int)unit->size, unit->text);
    if (size >= (int)sizeof duration)
        return lf_lexer_fail(&start, "expected a duration such as 2 days");
    problem = lf_duration_parse(duration, &amount->whole);
    if (problem)
        return lf_lexer_fail(&start, "%s", problem);
    return lf_lexer_next(lexer);
}

static feature_status
parse_bound(struct lf_lexer *lexer, enum lf_figure figure,
            struct lf_amount *amount)
{
    const struct lf_token *token = &lexer->token;
    double real = 0;

    if (figure == LF_AGE)
        return parse_age(lexer, amount);
    if (token->kind != LF_TOKEN_NUMBER)
        return lf_lexer_expected(lexer, "a number");
    if (lf_number_is_whole(token->text, token->size) &&
        lf_number_parse_int64(token->text, token->size, &amount->whole))
        return lf_lexer_next(lexer);
    if (!lf_number_parse_float64(token->text, token->size, &real))
        return lf_lexer_fail(lexer, "the number is out of range");
    *amount = lf_amount_real(real);
    return lf_lexer_next(lexer);
}

static feature_status
parse_rule(struct lf_lexer *lexer, struct lf_arena *arena,
           struct lf_rule_clause *rule)
{
    LF_TRY(parse_figure(lexer, arena, rule));
    LF_TRY(parse_operator(lexer, &rule->made.op));
    LF_TRY(parse_bound(lexer, rule->made.figure, &rule->made.low));
    if (rule->made.op != LF_RULE_BETWEEN)
        return FEATURE_OK;
    LF_TRY(lf_lexer_take_word(lexer, "AND"));
    return parse_bound(lexer, rule->made.figure, &rule->made.high);
}

/* A lexer of what is between the quotes. Quotes within stay doubled: no rule
 * has any. */
static feature_status
enter_string(const struct lf_lexer *outer, struct lf_lexer *lexer)
{
    *lexer = *outer;
    lexer->line = outer->token.at.line;
    lexer->line_begin = outer->token.text + 1 - outer->token.at.column;
    lexer->at = outer->token.text + 1;
    lexer->end = outer->token.text + outer->token.size - 1;
    return lf_lexer_next(lexer);
}

static feature_status
parse_rules(struct lf_lexer *lexer, struct lf_arena *arena,
            struct lf_option_clause *option)
{
    bool more = true;

    while (more) {
        if (option->rule_count == LF_RULES_MAX)
            return lf_lexer_fail(lexer, "a feature view has at most %d rules",
                                 LF_RULES_MAX);
        option->rules = lf_list_room(arena, option->rules, option->rule_count,
                                     sizeof *option->rules);
        if (!option->rules)
            return lf_fail_memory(lexer->error);
        option->rules[option->rule_count] =
            (struct lf_rule_clause){.made.op = 0};
        LF_TRY(parse_rule(lexer, arena, &option->rules[option->rule_count]));
        option->rule_count++;
        LF_TRY(lf_lexer_skip_mark(lexer, ';', &more));
        more = more && lexer->token.kind != LF_TOKEN_END;
    }
    return lexer->token.kind == LF_TOKEN_END
               ? FEATURE_OK
               : lf_lexer_expected(lexer, "\";\" between rules");
}

feature_status
lf_parse_rules(struct lf_lexer *lexer, struct lf_arena *arena,
               struct lf_option_clause *option)
{
    const struct lf_token *token = &lexer->token;
    struct lf_lexer inner;

    if (token->kind != LF_TOKEN_STRING)
        return lf_lexer_expected(lexer, "rules such as 'rows >= 1000'");
    if (token->size != 6 || strncasecmp(token->text, "'none'", 6) != 0) {
        LF_TRY(enter_string(lexer, &inner));
        LF_TRY(parse_rules(&inner, arena, option));
    }
    return lf_lexer_next(lexer);
}

feature_status
lf_parse_rule_text(const char *text, struct lf_arena *arena,
                   struct lf_option_clause *clause, struct feature_error *error)
{
    struct lf_lexer lexer;

    LF_TRY(lf_lexer_begin(&lexer, text, error));
    return parse_rules(&lexer, arena, clause);
}
