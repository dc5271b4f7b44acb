/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Aggregates: what they take, what they give, when two are one.
 *
 * Owns the table of aggregates and the rules of windows.
 * Keeps texts and records to one judgement of what may be stored.
 * Never knows where in a text, or in which record, something was found.
 */
#include "model/aggregate.h"

#include <math.h>
#include <string.h>

#include "base/bytes.h"
#include "model/literal.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct {
    const char *name;
    struct lf_bounds bounds; /* what NULL: takes none */
    enum { ANY, NUMBERS, LISTED } takes;
    bool may_group; /* BY */
} known[] = {
    [LF_COUNT] = {"COUNT", {0}, ANY, true},
    [LF_SUM] = {"SUM", {0}, NUMBERS, true},
    [LF_AVG] = {"AVG", {0}, NUMBERS, true},
    [LF_MIN] = {"MIN", {0}, ANY, true},
    [LF_MAX] = {"MAX", {0}, ANY, true},
    [LF_STDDEV] = {"STDDEV", {0}, NUMBERS, false},
    [LF_STDDEV_POP] = {"STDDEV_POP", {0}, NUMBERS, false},
    [LF_FIRST] = {"FIRST", {"k", 1, LF_WINDOW_K_MAX, 0, false}, ANY, false},
    [LF_LAST] = {"LAST", {"k", 1, LF_WINDOW_K_MAX, 0, false}, ANY, false},
    [LF_TOP] = {"TOP", {"k", 1, LF_WINDOW_K_MAX, 0, true}, LISTED, false},
    [LF_BOTTOM] = {"BOTTOM", {"k", 1, LF_WINDOW_K_MAX, 0, true}, LISTED, false},
    [LF_COUNT_DISTINCT] = {"COUNT",
                           {"cap", 1, LF_WINDOW_K_MAX, LF_DISTINCT_CAP, false},
                           ANY,
                           false},
    [LF_APPROX_COUNT_DISTINCT] = {"APPROX_COUNT_DISTINCT",
                                  {"p", LF_PRECISION_MIN, LF_PRECISION_MAX,
                                   LF_PRECISION, false},
                                  ANY,
                                  false},
    [LF_APPROX_PERCENTILE] = {"APPROX_PERCENTILE", {0}, NUMBERS, false},
};

static bool
is_known(enum lf_aggregate_kind kind)
{
    return kind >= LF_COUNT && kind <= LF_APPROX_PERCENTILE;
}

const char *
lf_aggregate_name(enum lf_aggregate_kind kind)
{
    return is_known(kind) ? known[kind].name : NULL;
}

bool
lf_aggregate_bounds(enum lf_aggregate_kind kind, struct lf_bounds *bounds)
{
    *bounds = known[kind].bounds;
    return bounds->what != NULL;
}

static bool
is_number(int32_t code)
{
    return code >= FEATURE_TYPE_INT32 && code <= FEATURE_TYPE_FLOAT64;
}

static bool
has_list(int32_t code)
{
    return is_number(code) || code == FEATURE_TYPE_STRING;
}

static bool
is_group(const struct lf_aggregate *aggregate)
{
    return aggregate->by != LF_NO_COLUMN;
}

/* The type of one value of a column of the type code. */
static int32_t
value_code(enum lf_aggregate_kind kind, int32_t code)
{
    switch (kind) {
    case LF_COUNT:
    case LF_COUNT_DISTINCT:
    case LF_APPROX_COUNT_DISTINCT:
        return FEATURE_TYPE_INT64;
    case LF_SUM:
        return code == FEATURE_TYPE_INT32 || code == FEATURE_TYPE_INT64
                   ? FEATURE_TYPE_INT64
                   : FEATURE_TYPE_FLOAT64;
    case LF_AVG:
    case LF_STDDEV:
    case LF_STDDEV_POP:
    case LF_APPROX_PERCENTILE:
        return FEATURE_TYPE_FLOAT64;
    case LF_MIN:
    case LF_MAX:
    case LF_FIRST:
    case LF_LAST:
    case LF_TOP:
    case LF_BOTTOM:
        return code;
    }
    return 0;
}

static bool
gives_list(const struct lf_aggregate *aggregate)
{
    switch (aggregate->kind) {
    case LF_FIRST:
    case LF_LAST:
    case LF_TOP:
    case LF_BOTTOM:
        return aggregate->k != 0;
    default:
        return is_group(aggregate);
    }
}

/* BY, and the type of its keys. */
static bool
check_group(const struct lf_event *event, const struct lf_aggregate *aggregate,
            int32_t *key, struct lf_misfit *misfit)
{
    int32_t code = lf_event_column_code(event, aggregate->by);

    misfit->is_by = true;
    misfit->rule = "groups by INT32, INT64 or STRING";
    if (code != FEATURE_TYPE_INT32 && code != FEATURE_TYPE_INT64 &&
        code != FEATURE_TYPE_STRING)
        return false;
    *key = code == FEATURE_TYPE_STRING ? code : FEATURE_TYPE_INT64;
    return true;
}

bool
lf_aggregate_type(const struct lf_event *event,
                  const struct lf_aggregate *aggregate, struct lf_type *type,
                  struct lf_misfit *misfit)
{
    int32_t code = 0, key = 0;

    if (aggregate->column != LF_NO_COLUMN)
        code = lf_event_column_code(event, aggregate->column);
    *misfit = (struct lf_misfit){.rule = "takes numbers"};
    if (known[aggregate->kind].takes == NUMBERS && !is_number(code))
        return false;
    *type = (struct lf_type){.code = value_code(aggregate->kind, code),
                             .width = 1,
                             .is_list = gives_list(aggregate)};
    misfit->rule = is_group(aggregate) ? "with BY gives a list, which holds "
                                         "numbers or STRING"
                                       : "gives a list, which holds numbers or "
                                         "STRING";
    if (type->is_list && !has_list(type->code))
        return false;
    if (!is_group(aggregate))
        return true;
    if (!check_group(event, aggregate, &key, misfit))
        return false;
    if (aggregate->is_keys)
        type->code = key;
    return true;
}

int64_t
lf_window_hop(int64_t size)
{
    static const int64_t hops[] = {INT64_C(86400000000),
                                   INT64_C(43200000000),
                                   INT64_C(21600000000),
                                   INT64_C(10800000000),
                                   INT64_C(3600000000),
                                   1200000000,
                                   300000000,
                                   60000000,
                                   10000000,
                                   1000000,
                                   100000,
                                   10000,
                                   1000};

    for (size_t i = 0; i < COUNT(hops); i++)
        if (hops[i] <= size / 50 && size % hops[i] == 0)
            return hops[i];
    return 1;
}

static bool
is_window(const struct lf_window *window)
{
    int64_t size = window->size, hop = window->hop;

    switch (window->kind) {
    case LF_LIFETIME:
        return size == 0 && hop == 0;
    case LF_SLIDING:
        return size > 0 && size <= LF_WINDOW_MAX && hop > 0 && size % hop == 0;
    case LF_TUMBLE:
    case LF_CUMULATE:
        return size > 0 && size <= LF_WINDOW_MAX && hop == size;
    }
    return false;
}

static bool
is_column(const struct lf_event *event, uint32_t column)
{
    return column < event->column_count || column == LF_TIME_COLUMN;
}

/* Finite, and not -0.0. */
static bool
is_plain_float(const struct lf_literal *literal, int32_t code)
{
    double value = code == FEATURE_TYPE_FLOAT32
                       ? (double)lf_load_f32(literal->bytes)
                       : lf_load_f64(literal->bytes);

    return isfinite(value) && !(value == 0 && signbit(value));
}

static bool
is_operand(const struct lf_literal *literal, int32_t code)
{
    struct lf_type type = {.code = code, .width = 1};

    if (!literal->is_set || !lf_literal_is_valid(literal, type))
        return false;
    return (code != FEATURE_TYPE_FLOAT32 && code != FEATURE_TYPE_FLOAT64) ||
           is_plain_float(literal, code);
}

static bool
takes_count(const struct lf_term *term, int32_t code)
{
    uint32_t count = term->literal_count;

    switch (term->op) {
    case LF_EQUAL:
    case LF_NOT_EQUAL:
        return count == 1;
    case LF_LESS:
    case LF_LESS_EQUAL:
    case LF_GREATER:
    case LF_GREATER_EQUAL:
        return count == 1 && code != FEATURE_TYPE_BOOL;
    case LF_IN:
        return count >= 1 && count <= LF_LITERALS_MAX;
    case LF_IS_NULL:
    case LF_IS_NOT_NULL:
        return count == 0;
    }
    return false;
}

bool
lf_term_is_valid(const struct lf_event *event, const struct lf_term *term)
{
    int32_t code;

    if (!is_column(event, term->column))
        return false;
    code = lf_event_column_code(event, term->column);
    if (!takes_count(term, code))
        return false;
    for (uint32_t i = 0; i < term->literal_count; i++)
        if (!is_operand(&term->literals[i], code) ||
            (i && lf_literal_compare(&term->literals[i - 1],
                                     &term->literals[i]) >= 0))
            return false;
    return true;
}

/* Numbers that only APPROX_PERCENTILE has. */
static bool
has_right_numbers(const struct lf_aggregate *aggregate)
{
    if (aggregate->kind != LF_APPROX_PERCENTILE)
        return aggregate->quantile == 0 && aggregate->error == 0;
    return aggregate->quantile >= 0 && aggregate->quantile <= 1 &&
           !signbit(aggregate->quantile) && aggregate->error >= LF_ERROR_MIN &&
           aggregate->error <= LF_ERROR_MAX;
}

static bool
has_right_k(const struct lf_aggregate *aggregate)
{
    struct lf_bounds bounds;

    if (!lf_aggregate_bounds(aggregate->kind, &bounds))
        return aggregate->k == 0;
    if (aggregate->k == 0)
        return !bounds.needed && !bounds.standard;
    return aggregate->k >= bounds.low && aggregate->k <= bounds.high;
}

static bool
has_right_group(const struct lf_event *event,
                const struct lf_aggregate *aggregate)
{
    if (!is_group(aggregate))
        return aggregate->by_cap == 0 && !aggregate->is_keys;
    return known[aggregate->kind].may_group && aggregate->by_cap >= 1 &&
           aggregate->by_cap <= LF_WINDOW_K_MAX &&
           aggregate->by < event->column_count;
}

bool
lf_aggregate_is_valid(const struct lf_event *event,
                      const struct lf_aggregate *aggregate)
{
    struct lf_misfit misfit;
    struct lf_type type;

    if (!is_known(aggregate->kind) || !is_window(&aggregate->window) ||
        !has_right_numbers(aggregate) || !has_right_k(aggregate) ||
        !has_right_group(event, aggregate) ||
        aggregate->term_count > LF_TERMS_MAX)
        return false;
    if (!is_column(event, aggregate->column) &&
        (aggregate->column != LF_NO_COLUMN || aggregate->kind != LF_COUNT))
        return false;
    for (uint32_t i = 0; i < aggregate->term_count; i++)
        if (!lf_term_is_valid(event, &aggregate->terms[i]) ||
            (i && lf_term_compare(&aggregate->terms[i - 1],
                                  &aggregate->terms[i]) >= 0))
            return false;
    return lf_aggregate_type(event, aggregate, &type, &misfit);
}

int
lf_literal_compare(const struct lf_literal *a, const struct lf_literal *b)
{
    uint32_t size = a->size < b->size ? a->size : b->size;
    int order = size ? memcmp(a->bytes, b->bytes, size) : 0;

    return order ? order : (a->size > b->size) - (a->size < b->size);
}

int
lf_term_compare(const struct lf_term *a, const struct lf_term *b)
{
    if (a->column != b->column)
        return a->column < b->column ? -1 : 1;
    if (a->op != b->op)
        return a->op < b->op ? -1 : 1;
    for (uint32_t i = 0; i < a->literal_count && i < b->literal_count; i++) {
        int order = lf_literal_compare(&a->literals[i], &b->literals[i]);

        if (order)
            return order;
    }
    return (a->literal_count > b->literal_count) -
           (a->literal_count < b->literal_count);
}

bool
lf_aggregate_equal(const struct lf_aggregate *a, const struct lf_aggregate *b)
{
    if (a->kind != b->kind || a->column != b->column || a->k != b->k ||
        a->quantile != b->quantile || a->error != b->error || a->by != b->by ||
        a->by_cap != b->by_cap || a->is_keys != b->is_keys ||
        a->window.kind != b->window.kind || a->window.size != b->window.size ||
        a->window.hop != b->window.hop || a->term_count != b->term_count)
        return false;
    for (uint32_t i = 0; i < a->term_count; i++)
        if (lf_term_compare(&a->terms[i], &b->terms[i]) != 0)
            return false;
    return true;
}

/* Hops that divide each other at least double: 64 are more than there are. */
bool
lf_features_chain(const struct lf_feature *features, uint32_t count,
                  const struct lf_feature **one,
                  const struct lf_feature **other)
{
    const struct lf_feature *chain[64];
    uint32_t size = 0, at;

    for (uint32_t i = 0; i < count; i++) {
        int64_t hop = features[i].aggregate->window.hop;

        if (!hop)
            continue;
        *one = &features[i];
        for (at = 0; at < size; at++) {
            *other = chain[at];
            if (chain[at]->aggregate->window.hop >= hop)
                break;
            if (hop % chain[at]->aggregate->window.hop)
                return false;
        }
        if (at < size && chain[at]->aggregate->window.hop % hop)
            return false;
        if (at < size && chain[at]->aggregate->window.hop == hop)
            continue;
        memmove(&chain[at + 1], &chain[at], (size - at) * sizeof *chain);
        chain[at] = &features[i];
        size++;
    }
    return true;
}
