/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events, and the features that are aggregates over windows of them, as the
 * catalog holds them. What they mean: docs/windows.md. Times are microseconds.
 *
 * Numbers of aggregates, frames and operators are stored: they never change.
 */
#ifndef LF_MODEL_WINDOW_H
#define LF_MODEL_WINDOW_H

#include "model/type.h"

#define LF_EVENT_COLUMNS_MAX 256
#define LF_SKEW_EVENT        5000000   /* default max_skew: '5 seconds' */
#define LF_SLACK_DEFAULT     600000000 /* default slack: '10 minutes' */
#define LF_NO_COLUMN         UINT32_MAX
#define LF_TIME_COLUMN       (UINT32_MAX - 1) /* event_timestamp */
#define LF_WINDOW_K_MAX      1024 /* k of LAST, TOP ..., cap of DISTINCT, BY */
#define LF_DISTINCT_CAP      256  /* the default */
#define LF_BY_CAP            64   /* the default */
#define LF_PRECISION         12   /* p of APPROX_COUNT_DISTINCT, the default */
#define LF_PRECISION_MIN     4
#define LF_PRECISION_MAX     16
#define LF_ERROR             0.01 /* of APPROX_PERCENTILE, the default */
#define LF_ERROR_MIN         0.001
#define LF_ERROR_MAX         0.1
#define LF_KEYS_SUFFIX       "_keys" /* spent_by, spent_by_keys */
#define LF_TERMS_MAX         64      /* of a condition */
#define LF_LITERALS_MAX      1024    /* of one IN */
#define LF_WINDOW_MAX        INT64_C(3155760000000000) /* 36525 days */
#define LF_ZONE_MAX          INT64_C(50400000000)      /* 14 hours */
#define LF_DEDUPE_FOR        INT64_C(3600000000)       /* default: '1 hour' */

struct lf_literal; /* model/catalog.h */

/* Its id is its place in the event, from 0: columns are added at the end and
 * never taken away. BOOL, INT32, INT64, FLOAT32, FLOAT64, TIMESTAMP, STRING or
 * BYTES. */
struct lf_event_column {
    const char *name;
    int32_t code;
};

struct lf_event {
    uint32_t id; /* in the numbers of entities, views and services */
    const char *name;
    int64_t max_skew;   /* or LF_SKEW_NONE */
    uint32_t dedupe;    /* column, or LF_NO_COLUMN */
    int64_t dedupe_for; /* how long an id is remembered; 0: no dedupe */
    uint32_t column_count;
    struct lf_event_column *columns;
};

enum lf_aggregate_kind {
    LF_COUNT = 1, /* of no column: COUNT(*) */
    LF_SUM = 2,
    LF_AVG = 3,
    LF_MIN = 4,
    LF_MAX = 5,
    LF_STDDEV = 6,
    LF_STDDEV_POP = 7,
    LF_FIRST = 8, /* k 0: one value; else a list of up to k */
    LF_LAST = 9,
    LF_TOP = 10,
    LF_BOTTOM = 11,
    LF_COUNT_DISTINCT = 12,        /* k: cap */
    LF_APPROX_COUNT_DISTINCT = 13, /* k: p */
    LF_APPROX_PERCENTILE = 14      /* quantile, error */
};

enum lf_window_kind {
    LF_LIFETIME = 1, /*                  ts < t              */
    LF_SLIDING = 2,  /* floor(t - W, h) <= ts < t; EXACT: h 1 */
    LF_TUMBLE = 3,   /* floor(t, W) - W <= ts < floor(t, W)   */
    LF_CUMULATE = 4  /* floor(t, W)     <= ts < t             */
};

struct lf_window {
    enum lf_window_kind kind;
    int64_t size; /* W; 0: LIFETIME */
    int64_t hop;  /* h, chosen where the text has none; W for the last two */
};

enum lf_operator {
    LF_EQUAL = 1,
    LF_NOT_EQUAL = 2,
    LF_LESS = 3,
    LF_LESS_EQUAL = 4,
    LF_GREATER = 5,
    LF_GREATER_EQUAL = 6,
    LF_IN = 7,
    LF_IS_NULL = 8,
    LF_IS_NOT_NULL = 9
};

/* column op literals; one of them save for IN (one or more, sorted by memcmp of
 * their bytes, without repeats) and IS (none). Literals are cells of the
 * column's type. */
struct lf_term {
    uint32_t column; /* or LF_TIME_COLUMN */
    enum lf_operator op;
    uint32_t literal_count;
    struct lf_literal *literals;
};

/* What a feature of a view FROM an event is. Terms are joined by AND, in a
 * canonical order (column, op, literals), so equal conditions are equal
 * values. */
struct lf_aggregate {
    enum lf_aggregate_kind kind;
    uint32_t column; /* LF_NO_COLUMN for COUNT(*), LF_TIME_COLUMN */
    uint32_t k;
    double quantile;
    double error;
    uint32_t by;     /* column of BY, or LF_NO_COLUMN */
    uint32_t by_cap; /* most keys of BY */
    bool is_keys;    /* the column of keys beside a feature with BY */
    uint32_t term_count;
    struct lf_term *terms;
    struct lf_window window;
};

/* floor(x / h) * h for any sign of x, without overflow: INT64_MIN where the
 * result would be below it. */
static inline int64_t
lf_floor(int64_t x, int64_t h)
{
    int64_t rest = x % h;

    if (rest == 0)
        return x;
    if (rest < 0)
        rest += h;
    return x < INT64_MIN + rest ? INT64_MIN : x - rest;
}

#endif
