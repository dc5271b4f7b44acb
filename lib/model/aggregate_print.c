/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Aggregates as canonical text.
 *
 * Owns how an aggregate looks when the library writes it: every default is
 * there, so that a later default does not change what a text means.
 * Keeps parse(print(aggregate)) equal to aggregate.
 * Never prints the name of the feature.
 */
#include <inttypes.h>

#include "model/aggregate.h"
#include "model/literal.h"
#include "model/number.h"
#include "model/quantity.h"

static void
print_arguments(struct lf_text *text, const struct lf_event *event,
                const struct lf_aggregate *aggregate)
{
    char number[LF_NUMBER_SIZE];

    if (aggregate->column == LF_NO_COLUMN) {
        lf_text_add(text, "(*)");
        return;
    }
    lf_text_add(text, "(%s%s",
                aggregate->kind == LF_COUNT_DISTINCT ? "DISTINCT " : "",
                lf_event_column_name(event, aggregate->column));
    if (aggregate->k)
        lf_text_add(text, ", %" PRIu32, aggregate->k);
    if (aggregate->kind == LF_APPROX_PERCENTILE) {
        lf_text_add(text, ", %s",
                    lf_number_print_float64(number, aggregate->quantile));
        lf_text_add(text, ", %s",
                    lf_number_print_float64(number, aggregate->error));
    }
    lf_text_add(text, ")");
}

static const char *const operators[] = {
    [LF_EQUAL] = "=",
    [LF_NOT_EQUAL] = "<>",
    [LF_LESS] = "<",
    [LF_LESS_EQUAL] = "<=",
    [LF_GREATER] = ">",
    [LF_GREATER_EQUAL] = ">=",
    [LF_IN] = "IN (",
    [LF_IS_NULL] = "IS NULL",
    [LF_IS_NOT_NULL] = "IS NOT NULL",
};

static void
print_term(struct lf_text *text, const struct lf_event *event,
           const struct lf_term *term)
{
    struct lf_type type = {.code = lf_event_column_code(event, term->column),
                           .width = 1};

    lf_text_add(text, "%s %s", lf_event_column_name(event, term->column),
                operators[term->op]);
    if (term->literal_count && term->op != LF_IN)
        lf_text_add(text, " ");
    for (uint32_t i = 0; i < term->literal_count; i++) {
        lf_text_add(text, i ? ", " : "");
        lf_literal_print(text, type, &term->literals[i]);
    }
    if (term->op == LF_IN)
        lf_text_add(text, ")");
}

static void
print_window(struct lf_text *text, const struct lf_window *window)
{
    char size[LF_QUANTITY_SIZE], hop[LF_QUANTITY_SIZE];

    if (window->kind == LF_LIFETIME) {
        lf_text_add(text, " OVER LIFETIME");
        return;
    }
    lf_duration_print(size, window->size);
    if (window->kind != LF_SLIDING)
        lf_text_add(text, " OVER %s '%s'",
                    window->kind == LF_TUMBLE ? "TUMBLE" : "CUMULATE", size);
    else if (window->hop == 1)
        lf_text_add(text, " OVER '%s' EXACT", size);
    else
        lf_text_add(text, " OVER '%s' HOP '%s'", size,
                    lf_duration_print(hop, window->hop));
}

void
lf_aggregate_print(struct lf_text *text, const struct lf_event *event,
                   const struct lf_aggregate *aggregate)
{
    lf_text_add(text, "%s", lf_aggregate_name(aggregate->kind));
    print_arguments(text, event, aggregate);
    if (aggregate->by != LF_NO_COLUMN)
        lf_text_add(text, " BY %s LIMIT %" PRIu32,
                    lf_event_column_name(event, aggregate->by),
                    aggregate->by_cap);
    for (uint32_t i = 0; i < aggregate->term_count; i++) {
        lf_text_add(text, i ? " AND " : " WHERE ");
        print_term(text, event, &aggregate->terms[i]);
    }
    print_window(text, &aggregate->window);
}
