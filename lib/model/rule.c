/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Quality rules as values: compared, judged, printed.
 *
 * Owns what a rule may be of, and what an amount is.
 * Keeps parse(print(rule)) equal to rule, and comparisons exact: no int64 is
 * rounded to a double.
 * Never looks at a row.
 */
#include "model/rule.h"

#include <inttypes.h>
#include <string.h>

#include "model/catalog.h"
#include "model/number.h"
#include "model/quantity.h"

#define WHOLE_END 9223372036854775808.0 /* 2^63 */

static const char *const figures[] = {
    [LF_ROWS] = "rows",         [LF_ROW_RATIO] = "row_ratio",
    [LF_AGE] = "age",           [LF_NULLS] = "nulls",
    [LF_LEAST] = "min",         [LF_GREATEST] = "max",
    [LF_DISTINCT] = "distinct", [LF_PSI] = "psi"};

static const char *const operators[] = {
    [LF_RULE_EQUAL] = "=",        [LF_RULE_NOT_EQUAL] = "<>",
    [LF_RULE_LESS] = "<",         [LF_RULE_LESS_EQUAL] = "<=",
    [LF_RULE_GREATER] = ">",      [LF_RULE_GREATER_EQUAL] = ">=",
    [LF_RULE_BETWEEN] = "BETWEEN"};

const char *
lf_figure_name(enum lf_figure figure)
{
    return figures[figure];
}

bool
lf_figure_has_name(enum lf_figure figure)
{
    return figure >= LF_NULLS;
}

struct lf_amount
lf_amount_whole(int64_t whole)
{
    return (struct lf_amount){.whole = whole};
}

struct lf_amount
lf_amount_real(double real)
{
    if (real >= -WHOLE_END && real < WHOLE_END && (double)(int64_t)real == real)
        return lf_amount_whole((int64_t)real);
    return (struct lf_amount){.is_real = true, .real = real};
}

/* The part of the real before its point is exact. */
static int
compare_mixed(int64_t whole, double real)
{
    int64_t cut;

    if (real >= WHOLE_END)
        return -1;
    if (real < -WHOLE_END)
        return 1;
    cut = (int64_t)real;
    if (whole != cut)
        return whole < cut ? -1 : 1;
    return (double)cut < real ? -1 : (double)cut > real;
}

int
lf_amount_compare(struct lf_amount a, struct lf_amount b)
{
    if (a.is_real && b.is_real)
        return a.real < b.real ? -1 : a.real > b.real;
    if (a.is_real)
        return -compare_mixed(b.whole, a.real);
    if (b.is_real)
        return compare_mixed(a.whole, b.real);
    return a.whole < b.whole ? -1 : a.whole > b.whole;
}

bool
lf_rule_equal(const struct lf_rule *a, const struct lf_rule *b)
{
    return a->figure == b->figure && a->feature == b->feature &&
           a->key == b->key && a->op == b->op &&
           lf_amount_compare(a->low, b->low) == 0 &&
           lf_amount_compare(a->high, b->high) == 0;
}

bool
lf_rule_holds(const struct lf_rule *rule, struct lf_amount figure)
{
    int order = lf_amount_compare(figure, rule->low);

    switch (rule->op) {
    case LF_RULE_EQUAL:
        return order == 0;
    case LF_RULE_NOT_EQUAL:
        return order != 0;
    case LF_RULE_LESS:
        return order < 0;
    case LF_RULE_LESS_EQUAL:
        return order <= 0;
    case LF_RULE_GREATER:
        return order > 0;
    case LF_RULE_GREATER_EQUAL:
        return order >= 0;
    case LF_RULE_BETWEEN:
        return order >= 0 && lf_amount_compare(figure, rule->high) <= 0;
    }
    return false;
}

/* Of one number a row, which has an order. */
static const char *
type_problem(enum lf_figure figure, struct lf_type type)
{
    bool is_one = !type.is_list && type.width == 1;
    bool is_number =
        type.code >= FEATURE_TYPE_INT32 && type.code <= FEATURE_TYPE_FLOAT64;

    switch (figure) {
    case LF_LEAST:
    case LF_GREATEST:
        return is_one && (is_number || type.code == FEATURE_TYPE_TIMESTAMP)
                   ? NULL
                   : "min and max are of features that are one number or "
                     "TIMESTAMP";
    case LF_PSI:
        return is_one && (is_number || type.code == FEATURE_TYPE_BOOL)
                   ? NULL
                   : "psi is of features that are one number or BOOL";
    case LF_ROWS:
    case LF_ROW_RATIO:
    case LF_AGE:
    case LF_NULLS:
    case LF_DISTINCT:
        break;
    }
    return NULL;
}

static const char *
name_problem(const struct lf_rule *rule, const struct lf_view *view,
             const struct lf_entity *entity)
{
    const struct lf_feature *feature;

    if (!lf_figure_has_name(rule->figure))
        return rule->feature || rule->key ? "it names what it is not of" : NULL;
    if (rule->key) {
        if (rule->key > entity->key_count || rule->feature)
            return "it is of no join key";
        return rule->figure == LF_DISTINCT
                   ? NULL
                   : "of a join key there is distinct alone";
    }
    if (view->event)
        return "a feature view FROM an event has rules of rows, row_ratio, age "
               "and distinct of a join key: its features have a value at each "
               "time";
    feature = lf_view_feature_by_id(view, rule->feature);
    return feature ? type_problem(rule->figure, feature->type)
                   : "a feature of it is not there";
}

static const char *
bound_problem(const struct lf_rule *rule)
{
    const struct lf_amount zero = {0}, one = {.whole = 1};
    struct lf_amount last =
        rule->op == LF_RULE_BETWEEN ? rule->high : rule->low;

    if (rule->op != LF_RULE_BETWEEN && lf_amount_compare(rule->high, zero) != 0)
        return "it has two bounds";
    if (lf_amount_compare(rule->low, last) > 0)
        return "the first bound is above the second";
    if (rule->figure == LF_NULLS && (lf_amount_compare(rule->low, zero) < 0 ||
                                     lf_amount_compare(last, one) > 0))
        return "nulls is a share of the rows, 0 to 1";
    if (rule->figure == LF_AGE &&
        (rule->low.is_real || last.is_real || rule->low.whole <= 0))
        return "age is compared with durations";
    return NULL;
}

const char *
lf_rule_problem(const struct lf_rule *rule, const struct lf_view *view,
                const struct lf_entity *entity)
{
    const char *problem = name_problem(rule, view, entity);

    return problem ? problem : bound_problem(rule);
}

void
lf_amount_print(struct lf_text *text, enum lf_figure figure,
                struct lf_amount amount)
{
    char number[LF_NUMBER_SIZE], quantity[LF_QUANTITY_SIZE];

    if (amount.is_real && amount.real - amount.real != 0)
        lf_text_add(text, amount.real < 0 ? "-Infinity" : "Infinity");
    else if (amount.is_real)
        lf_text_add(text, "%s", lf_number_print_float64(number, amount.real));
    else if (figure == LF_AGE && amount.whole > 0)
        lf_text_add(text, "%s", lf_duration_print(quantity, amount.whole));
    else
        lf_text_add(text, "%" PRId64, amount.whole);
}

void
lf_rule_print(struct lf_text *text, const struct lf_rule *rule,
              const struct lf_view *view, const struct lf_entity *entity)
{
    const char *name = NULL;

    if (rule->key)
        name = entity->keys[rule->key - 1].name;
    else if (rule->feature)
        name = lf_view_feature_by_id(view, rule->feature)->name;
    lf_text_add(text, "%s%s%s%s %s ", figures[rule->figure], name ? "(" : "",
                name ? name : "", name ? ")" : "", operators[rule->op]);
    lf_amount_print(text, rule->figure, rule->low);
    if (rule->op != LF_RULE_BETWEEN)
        return;
    lf_text_add(text, " AND ");
    lf_amount_print(text, rule->figure, rule->high);
}

void
lf_rules_print(struct lf_text *text, const struct lf_view *view,
               const struct lf_entity *entity)
{
    lf_text_add(text, view->rule_count ? "'" : "'none");
    for (uint32_t i = 0; i < view->rule_count; i++) {
        lf_text_add(text, i ? "; " : "");
        lf_rule_print(text, &view->rules[i], view, entity);
    }
    lf_text_add(text, "'");
}

const struct lf_rule *
lf_rule_using(const struct lf_view *view, uint32_t feature)
{
    for (uint32_t i = 0; i < view->rule_count; i++)
        if (view->rules[i].feature == feature)
            return &view->rules[i];
    return NULL;
}
