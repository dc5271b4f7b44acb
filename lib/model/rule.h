/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Quality rules: what has to hold of the rows of a feature view, as the catalog
 * keeps it. What each figure means: docs/quality.md.
 *
 * Numbers of figures and operators are stored: they never change.
 */
#ifndef LF_MODEL_RULE_H
#define LF_MODEL_RULE_H

#include "base/buffer.h"
#include "model/type.h"

#define LF_RULES_MAX 256 /* of a view */

struct lf_entity;
struct lf_view;

enum lf_figure {
    LF_ROWS = 1,
    LF_ROW_RATIO = 2, /* to the version before */
    LF_AGE = 3,       /* of the newest row, microseconds */
    LF_NULLS = 4,     /* share of rows */
    LF_LEAST = 5,
    LF_GREATEST = 6,
    LF_DISTINCT = 7, /* values, about */
    LF_PSI = 8       /* against the version before */
};

enum lf_rule_op {
    LF_RULE_EQUAL = 1,
    LF_RULE_NOT_EQUAL = 2,
    LF_RULE_LESS = 3,
    LF_RULE_LESS_EQUAL = 4,
    LF_RULE_GREATER = 5,
    LF_RULE_GREATER_EQUAL = 6,
    LF_RULE_BETWEEN = 7 /* both ends in */
};

/* A number that loses nothing: real has a fraction, or no int64 holds it. */
struct lf_amount {
    bool is_real;
    int64_t whole;
    double real;
};

/* figure op low, or figure BETWEEN low AND high. */
struct lf_rule {
    enum lf_figure figure;
    uint32_t feature; /* id; 0: of none */
    uint32_t key;     /* place of the join key, from 1; 0: of none */
    enum lf_rule_op op;
    struct lf_amount low;
    struct lf_amount high; /* BETWEEN alone, else 0 */
};

struct lf_amount lf_amount_whole(int64_t whole);
struct lf_amount lf_amount_real(double real); /* no NaN */

/* Below 0, 0 or above, exactly. */
int lf_amount_compare(struct lf_amount a, struct lf_amount b);

bool lf_rule_equal(const struct lf_rule *a, const struct lf_rule *b);
bool lf_rule_holds(const struct lf_rule *rule, struct lf_amount figure);

/* "nulls", for messages and texts. */
const char *lf_figure_name(enum lf_figure figure);

/* Whether a figure is one of a feature or a join key. */
bool lf_figure_has_name(enum lf_figure figure);

/* NULL, or why a view cannot have the rule. */
const char *lf_rule_problem(const struct lf_rule *rule,
                            const struct lf_view *view,
                            const struct lf_entity *entity);

/* Prints a rule, or an amount in its unit, as a text has it: "age <= 2 days". */
void lf_rule_print(struct lf_text *text, const struct lf_rule *rule,
                   const struct lf_view *view, const struct lf_entity *entity);
void lf_amount_print(struct lf_text *text, enum lf_figure figure,
                     struct lf_amount amount);

/* All of a view's rules, "; " between them; 'none' where there is none, and
 * both in quotes. */
void lf_rules_print(struct lf_text *text, const struct lf_view *view,
                    const struct lf_entity *entity);

/* The first rule that names a feature, or NULL. */
const struct lf_rule *lf_rule_using(const struct lf_view *view,
                                    uint32_t feature);

#endif
