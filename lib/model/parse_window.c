/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What follows WHERE and OVER.
 *
 * Owns the grammar of conditions and windows.
 * Keeps every window one whose hop divides it.
 * Never knows the columns of an event.
 */
#include <string.h>

#include "base/error.h"
#include "model/aggregate.h"
#include "model/names.h"
#include "model/parse.h"
#include "model/quantity.h"

static feature_status
parse_operand(struct lf_lexer *lexer, struct lf_arena *arena,
              struct lf_term_clause *term)
{
    if (term->count == LF_LITERALS_MAX)
        return lf_lexer_fail(lexer, "IN takes at most %d values",
                             LF_LITERALS_MAX);
    if (lf_lexer_is_word(lexer, "NULL"))
        return lf_lexer_fail(lexer, "nothing equals NULL: write IS NULL or IS "
                                    "NOT NULL");
    term->literals = lf_list_room(arena, term->literals, term->count,
                                  sizeof *term->literals);
    if (!term->literals)
        return lf_fail_memory(lexer->error);
    return lf_parse_value_place(lexer, &term->literals[term->count++]);
}

/* IN (value, ...), behind IN. */
static feature_status
parse_in(struct lf_lexer *lexer, struct lf_arena *arena,
         struct lf_term_clause *term)
{
    bool more = true;

    term->op = LF_IN;
    LF_TRY(lf_lexer_take_mark(lexer, '('));
    while (more) {
        LF_TRY(parse_operand(lexer, arena, term));
        LF_TRY(lf_lexer_skip_mark(lexer, ',', &more));
    }
    if (!lf_lexer_is_mark(lexer, ')'))
        return lf_lexer_expected(lexer, "\",\" or \")\"");
    return lf_lexer_next(lexer);
}

static feature_status
parse_term(struct lf_lexer *lexer, struct lf_arena *arena,
           struct lf_term_clause *term)
{
    static const char *const marks[] = {
        [LF_EQUAL] = "=",   [LF_NOT_EQUAL] = "<>",
        [LF_LESS] = "<",    [LF_LESS_EQUAL] = "<=",
        [LF_GREATER] = ">", [LF_GREATER_EQUAL] = ">="};
    bool is_in, is_is, is_not;

    LF_TRY(lf_lexer_take_name(lexer, arena, "the name of a column",
                              &term->column));
    term->op_at = lexer->token.at;
    LF_TRY(lf_lexer_skip_word(lexer, "IN", &is_in));
    if (is_in)
        return parse_in(lexer, arena, term);
    LF_TRY(lf_lexer_skip_word(lexer, "IS", &is_is));
    if (is_is) {
        LF_TRY(lf_lexer_skip_word(lexer, "NOT", &is_not));
        term->op = is_not ? LF_IS_NOT_NULL : LF_IS_NULL;
        return lf_lexer_take_word(lexer, "NULL");
    }
    for (int op = LF_EQUAL; op <= LF_GREATER_EQUAL; op++)
        if (lf_lexer_is_marks(lexer, marks[op])) {
            term->op = (enum lf_operator)op;
            LF_TRY(lf_lexer_next(lexer));
            return parse_operand(lexer, arena, term);
        }
    return lf_lexer_expected(lexer, "=, <>, <, <=, >, >=, IN or IS");
}

feature_status
lf_parse_condition(struct lf_lexer *lexer, struct lf_arena *arena,
                   struct lf_aggregate_clause *clause)
{
    bool more = true;

    while (more) {
        if (clause->term_count == LF_TERMS_MAX)
            return lf_lexer_fail(lexer, "a condition has at most %d terms",
                                 LF_TERMS_MAX);
        clause->terms = lf_list_room(arena, clause->terms, clause->term_count,
                                     sizeof *clause->terms);
        if (!clause->terms)
            return lf_fail_memory(lexer->error);
        LF_TRY(parse_term(lexer, arena, &clause->terms[clause->term_count++]));
        if (lf_lexer_is_word(lexer, "OR"))
            return lf_lexer_fail(lexer, "there is no OR: write IN, or a "
                                        "feature for each");
        LF_TRY(lf_lexer_skip_word(lexer, "AND", &more));
    }
    return FEATURE_OK;
}

static feature_status
parse_duration(struct lf_lexer *lexer, struct lf_arena *arena,
               const char *wanted, int64_t *duration)
{
    struct lf_lexer start = *lexer;
    const char *text, *problem;
    uint32_t size;

    LF_TRY(lf_lexer_take_string(lexer, arena, wanted, &text, &size));
    problem = lf_duration_parse(text, duration);
    if (problem)
        return lf_lexer_fail(&start, "%s", problem);
    if (*duration > LF_WINDOW_MAX)
        return lf_lexer_fail(&start, "a window is at most '36525 days'; "
                                     "LIFETIME has no end");
    return FEATURE_OK;
}

static feature_status
parse_hop(struct lf_lexer *lexer, struct lf_arena *arena,
          struct lf_window *window)
{
    char hop[LF_QUANTITY_SIZE], size[LF_QUANTITY_SIZE];
    struct lf_lexer start = *lexer;

    LF_TRY(parse_duration(lexer, arena, "a duration such as '1 minute'",
                          &window->hop));
    if (window->size % window->hop == 0)
        return FEATURE_OK;
    return lf_lexer_fail(&start, "HOP '%s' does not divide '%s'",
                         lf_duration_print(hop, window->hop),
                         lf_duration_print(size, window->size));
}

feature_status
lf_parse_window(struct lf_lexer *lexer, struct lf_arena *arena,
                struct lf_aggregate_clause *clause)
{
    struct lf_window *window = &clause->made.window;
    bool is_tumble, is_cumulate, found;

    clause->window_at = lexer->token.at;
    LF_TRY(lf_lexer_skip_word(lexer, "LIFETIME", &found));
    if (found)
        return FEATURE_OK;
    is_cumulate = lf_lexer_is_word(lexer, "CUMULATE");
    is_tumble = lf_lexer_is_word(lexer, "TUMBLE");
    if (is_tumble || is_cumulate)
        LF_TRY(lf_lexer_next(lexer));
    LF_TRY(parse_duration(lexer, arena,
                          is_tumble || is_cumulate
                              ? "a duration such as '1 day'"
                              : "a duration such as '1 hour', TUMBLE, CUMULATE "
                                "or LIFETIME",
                          &window->size));
    window->kind = is_tumble     ? LF_TUMBLE
                   : is_cumulate ? LF_CUMULATE
                                 : LF_SLIDING;
    window->hop = window->size;
    if (window->kind != LF_SLIDING)
        return FEATURE_OK;
    window->hop = lf_window_hop(window->size);
    LF_TRY(lf_lexer_skip_word(lexer, "HOP", &found));
    if (found)
        return parse_hop(lexer, arena, window);
    LF_TRY(lf_lexer_skip_word(lexer, "EXACT", &found));
    if (found)
        window->hop = 1;
    return FEATURE_OK;
}
