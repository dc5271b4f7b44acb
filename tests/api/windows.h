/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Windows by brute force: every event is kept, and a feature is a fold of those
 * with from <= ts < to, in order of ts and, where equal, of the writes.
 */
#ifndef TESTS_API_WINDOWS_H
#define TESTS_API_WINDOWS_H

#include "common.h"

#include <math.h>

#define EVENTS_MAX 4096
#define SPECS_MAX  24

#define WHOLE_EVENT "card_id, amount, price, shop, status, event_timestamp"

enum fold {
    COUNT_ALL,
    COUNT_OK, /* of a condition */
    COUNT_AMOUNT,
    SUM_AMOUNT,
    SUM_PRICE,
    AVG_AMOUNT,
    MIN_AMOUNT,
    MAX_PRICE,
    FIRST_SHOP,
    LAST_AMOUNT,
    LAST_AMOUNTS,
    FIRST_AMOUNTS,
    LAST_SHOPS,
    TOP_AMOUNTS,
    BOTTOM_PRICES,
    DISTINCT_SHOPS,
    STDDEV_AMOUNT,
    SUM_BY_SHOP,
    SUM_BY_SHOP_KEYS,
    FOLDS
};

enum kind { SLIDING, TUMBLE, CUMULATE, LIFETIME };

struct window {
    enum kind kind;
    int64_t size, hop;
    const char *text;
};

struct spec {
    enum fold fold;
    struct window window;
    uint32_t since; /* the define that brought it, from 0 */
};

struct event {
    int64_t key, ts, amount;
    double price;
    int has_amount, has_price, shop /* -1: null */, is_ok;
    int64_t commit_time;
    int64_t retract_time; /* of the commit; 0: it was not */
};

/* A DELETE: what is at or before it is gone for every later t. */
struct barrier {
    int64_t key, time, commit_time;
};

static const char *const fold_texts[FOLDS] = {
    "COUNT(*)",
    "COUNT(*) WHERE status = 'ok' AND amount >= 0",
    "COUNT(amount)",
    "SUM(amount)",
    "SUM(price)",
    "AVG(amount)",
    "MIN(amount)",
    "MAX(price)",
    "FIRST(shop)",
    "LAST(amount)",
    "LAST(amount, 3)",
    "FIRST(amount, 2)",
    "LAST(shop, 2)",
    "TOP(amount, 3)",
    "BOTTOM(price, 2)",
    "COUNT(DISTINCT shop, 3)",
    "STDDEV(amount)",
    "SUM(amount) BY shop LIMIT 3",
    ""};

static const char *const shop_names[] = {"a", "bb", "", "dd", "e"};

#define SHOPS ((int)(sizeof shop_names / sizeof *shop_names))

/* --- the rule ---------------------------------------------------------------- */

static inline int64_t
floor_to(int64_t x, int64_t hop, int64_t zone)
{
    int64_t local = x + zone, rest = ((local % hop) + hop) % hop;

    return x - rest;
}

static inline void
bounds_of(const struct window *window, int64_t zone, int64_t t, int64_t *from,
          int64_t *to)
{
    *from = INT64_MIN;
    *to = t;
    switch (window->kind) {
    case SLIDING:
        *from = floor_to(t - window->size, window->hop, zone);
        return;
    case TUMBLE:
        *to = floor_to(t, window->size, zone);
        *from = *to - window->size;
        return;
    case CUMULATE:
        *from = floor_to(t, window->size, zone);
        return;
    case LIFETIME:
        return;
    }
}

/* --- folds ------------------------------------------------------------------- */

struct picked {
    uint32_t count;
    const struct event *events[EVENTS_MAX];
};

/* Whether an event counts, by the commits that are known. */
static inline int
counts(const struct event *event, int64_t known_by)
{
    if (known_by && event->commit_time > known_by)
        return 0;
    return !event->retract_time || (known_by && event->retract_time > known_by);
}

/* In order of ts; equal ones in the order of the array. */
static inline void
pick(struct picked *picked, const struct event *events, uint32_t count,
     int64_t key, int64_t from, int64_t to, int64_t known_by)
{
    picked->count = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = picked->count;

        if (events[i].key != key || !counts(&events[i], known_by) ||
            events[i].ts < from || events[i].ts >= to)
            continue;
        for (; at && picked->events[at - 1]->ts > events[i].ts; at--)
            picked->events[at] = picked->events[at - 1];
        picked->events[at] = &events[i];
        picked->count++;
    }
}

static inline int
compare_numbers(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* The values of a column, in the order of the events. */
static inline uint32_t
numbers_of(const struct picked *picked, int price, double *numbers)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < picked->count; i++) {
        const struct event *event = picked->events[i];

        if (price ? event->has_price : event->has_amount)
            numbers[count++] = price ? event->price : (double)event->amount;
    }
    return count;
}

static inline double
sum_of(const double *numbers, uint32_t count)
{
    double sum = 0;

    for (uint32_t i = 0; i < count; i++)
        sum += numbers[i];
    return sum;
}

static inline double
deviation_of(const double *numbers, uint32_t count)
{
    double mean = sum_of(numbers, count) / count, sum = 0;

    for (uint32_t i = 0; i < count; i++)
        sum += (numbers[i] - mean) * (numbers[i] - mean);
    return sqrt(sum / (count - 1));
}

static inline void
print_some(struct printer *to, const double *numbers, uint32_t count,
           int backwards, uint32_t most)
{
    print_to(to, "[");
    for (uint32_t i = 0; i < count && i < most; i++)
        print_to(to, "%s%.17g", i ? "," : "",
                 numbers[backwards ? count - 1 - i : i]);
    print_to(to, "]");
}

static inline void
print_shop(struct printer *to, int shop)
{
    print_to(to, "%s", *shop_names[shop] ? shop_names[shop] : "''");
}

static inline void
fold_shops(struct printer *to, enum fold fold, const struct picked *picked)
{
    uint32_t seen = 0, listed = 0;
    const struct event *event;

    for (uint32_t i = 0; i < picked->count; i++) {
        int backwards = fold == LAST_SHOPS;

        event = picked->events[backwards ? picked->count - 1 - i : i];
        if (event->shop < 0)
            continue;
        seen |= 1u << event->shop;
        if (fold == FIRST_SHOP && !listed++)
            print_shop(to, event->shop);
        if (fold == LAST_SHOPS && listed < 2) {
            print_to(to, "%s", listed++ ? "," : "[");
            print_shop(to, event->shop);
        }
    }
    if (fold == FIRST_SHOP && !listed)
        print_to(to, "null");
    if (fold == LAST_SHOPS)
        print_to(to, "%s", listed ? "]" : "[]");
    if (fold == DISTINCT_SHOPS && __builtin_popcount(seen) > 3)
        print_to(to, "null");
    else if (fold == DISTINCT_SHOPS)
        print_to(to, "%d", __builtin_popcount(seen));
}

/* Keys by their bytes. */
static inline void
fold_by(struct printer *to, int keys, const struct picked *picked)
{
    static const int order[] = {2, 0, 1, 3, 4};
    int64_t sums[5] = {0};
    uint32_t seen = 0, listed = 0;

    for (uint32_t i = 0; i < picked->count; i++) {
        const struct event *event = picked->events[i];

        if (event->shop < 0 || !event->has_amount)
            continue;
        seen |= 1u << event->shop;
        sums[event->shop] += event->amount;
    }
    if (__builtin_popcount(seen) > 3) {
        print_to(to, "null");
        return;
    }
    print_to(to, "[");
    for (int i = 0; i < 5; i++) {
        int shop = order[i];

        if (!(seen >> shop & 1))
            continue;
        if (listed++)
            print_to(to, ",");
        if (keys)
            print_shop(to, shop);
        else
            print_to(to, "%" PRId64, sums[shop]);
    }
    print_to(to, "]");
}

static inline void
fold_numbers(struct printer *to, enum fold fold, const struct picked *picked)
{
    static double numbers[EVENTS_MAX];
    int price = fold == SUM_PRICE || fold == MAX_PRICE || fold == BOTTOM_PRICES;
    uint32_t count = numbers_of(picked, price, numbers);
    int is_list = fold == LAST_AMOUNTS || fold == FIRST_AMOUNTS ||
                  fold == TOP_AMOUNTS || fold == BOTTOM_PRICES;

    if (fold == LAST_AMOUNT && count)
        numbers[0] = numbers[count - 1];
    else if (fold == MIN_AMOUNT || fold == MAX_PRICE || fold == TOP_AMOUNTS ||
             fold == BOTTOM_PRICES)
        qsort(numbers, count, sizeof *numbers, compare_numbers);
    if (is_list)
        print_some(to, numbers, count,
                   fold == LAST_AMOUNTS || fold == TOP_AMOUNTS,
                   fold == FIRST_AMOUNTS || fold == BOTTOM_PRICES ? 2 : 3);
    else if (!count || (fold == STDDEV_AMOUNT && count < 2))
        print_to(to, "null");
    else if (fold == STDDEV_AMOUNT)
        print_to(to, "%.17g", deviation_of(numbers, count));
    else if (fold == AVG_AMOUNT)
        print_to(to, "%.17g", sum_of(numbers, count) / count);
    else if (fold == SUM_AMOUNT || fold == SUM_PRICE)
        print_to(to, "%.17g", sum_of(numbers, count));
    else
        print_to(to, "%.17g", numbers[fold == MAX_PRICE ? count - 1 : 0]);
}

static inline void
fold_counts(struct printer *to, enum fold fold, const struct picked *picked)
{
    int count = 0;

    for (uint32_t i = 0; i < picked->count; i++) {
        const struct event *event = picked->events[i];

        count += fold == COUNT_ALL ||
                 (event->has_amount && (fold == COUNT_AMOUNT ||
                                        (event->is_ok && event->amount >= 0)));
    }
    print_to(to, "%d", count);
}

static inline void
fold_events(char text[ANSWER_SIZE], enum fold fold, const struct picked *picked)
{
    struct printer to = {.text = text};

    text[0] = 0;
    if (fold <= COUNT_AMOUNT)
        fold_counts(&to, fold, picked);
    else if (fold == FIRST_SHOP || fold == LAST_SHOPS || fold == DISTINCT_SHOPS)
        fold_shops(&to, fold, picked);
    else if (fold >= SUM_BY_SHOP)
        fold_by(&to, fold == SUM_BY_SHOP_KEYS, picked);
    else
        fold_numbers(&to, fold, picked);
}

/* Texts that are equal, or doubles that are nearly. */
static inline int
same_cell(const char *a, const char *b, enum fold fold)
{
    double x, y;

    if (!strcmp(a, b))
        return 1;
    if (fold != STDDEV_AMOUNT || !strcmp(a, "null") || !strcmp(b, "null"))
        return 0;
    x = strtod(a, NULL);
    y = strtod(b, NULL);
    return fabs(x - y) <= 1e-9 * (fabs(x) + 1);
}

/* --- writing ----------------------------------------------------------------- */

/* Sets the columns of WHOLE_EVENT from count events. */
static inline void
fill_events(feature_batch *batch, const struct event *events, uint32_t count)
{
    static int64_t keys[EVENTS_MAX], amounts[EVENTS_MAX], times[EVENTS_MAX];
    static double prices[EVENTS_MAX];
    static int32_t shop_ends[EVENTS_MAX + 1], status_ends[EVENTS_MAX + 1];
    static char shops[2 * EVENTS_MAX], statuses[3 * EVENTS_MAX];
    static uint8_t has[3][EVENTS_MAX / 8 + 1];

    memset(has, 0, sizeof has);
    for (uint32_t i = 0; i < count; i++) {
        const struct event *event = &events[i];
        const char *shop = event->shop < 0 ? "" : shop_names[event->shop];
        const char *status = event->is_ok ? "ok" : "no";
        uint8_t bit = (uint8_t)(1u << (i & 7));

        keys[i] = event->key;
        amounts[i] = event->amount;
        prices[i] = event->price;
        times[i] = event->ts;
        shop_ends[i + 1] = shop_ends[i] + (int32_t)strlen(shop);
        memcpy(shops + shop_ends[i], shop, strlen(shop));
        status_ends[i + 1] = status_ends[i] + 2;
        memcpy(statuses + status_ends[i], status, 2);
        has[0][i / 8] |= event->has_amount ? bit : 0;
        has[1][i / 8] |= event->has_price ? bit : 0;
        has[2][i / 8] |= event->shop >= 0 ? bit : 0;
    }
    must(feature_batch_set(batch, 0, FEATURE_TYPE_INT64, keys, NULL, NULL,
                           count, &problem));
    must(feature_batch_set(batch, 1, FEATURE_TYPE_INT64, amounts, NULL, has[0],
                           count, &problem));
    must(feature_batch_set(batch, 2, FEATURE_TYPE_FLOAT64, prices, NULL, has[1],
                           count, &problem));
    must(feature_batch_set(batch, 3, FEATURE_TYPE_STRING, shops, shop_ends,
                           has[2], count, &problem));
    must(feature_batch_set(batch, 4, FEATURE_TYPE_STRING, statuses, status_ends,
                           NULL, count, &problem));
    must(feature_batch_set(batch, 5, FEATURE_TYPE_TIMESTAMP, times, NULL, NULL,
                           count, &problem));
}

static inline feature_batch *
event_batch(feature_store *store, int32_t operation, const struct event *events,
            uint32_t count)
{
    feature_batch *batch;

    must(feature_batch_create(store, "payment", WHOLE_EVENT, operation, &batch,
                              &problem));
    fill_events(batch, events, count);
    return batch;
}

#endif
