/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Folds of events, the plain way, and what a store answered, as texts.
 *
 * Owns each aggregate and each condition, by looking at one event after the
 * other.
 * Keeps both sides in one form, so that a comparison is one of texts.
 * Never shares a state between two features.
 */
#include "event_world.h"

#include <stdlib.h>
#include <string.h>

enum {
    COUNT_ALL,
    COUNT_PRICE,
    SUM_AMOUNT,
    SUM_PRICE,
    AVG_AMOUNT,
    MIN_AMOUNT,
    MAX_PRICE,
    FIRST_SHOP,
    LAST_AMOUNT,
    LAST_TIME,
    LAST_AMOUNTS,
    FIRST_SHOPS,
    TOP_PRICES,
    BOTTOM_AMOUNTS,
    DISTINCT_SHOPS,
    APPROX_SHOPS,
    SUM_BY_SHOP,
    COUNT_BY_CARD
};

const struct aggregate aggregates[AGGREGATES] = {
    {"COUNT(*)", "", FEATURE_TYPE_INT64, false},
    {"COUNT(price)", "", FEATURE_TYPE_INT64, false},
    {"SUM(amount)", "", FEATURE_TYPE_INT64, false},
    {"SUM(price)", "", FEATURE_TYPE_FLOAT64, false},
    {"AVG(amount)", "", FEATURE_TYPE_FLOAT64, false},
    {"MIN(amount)", "", FEATURE_TYPE_INT64, false},
    {"MAX(price)", "", FEATURE_TYPE_FLOAT64, false},
    {"FIRST(shop)", "", FEATURE_TYPE_STRING, false},
    {"LAST(amount)", "", FEATURE_TYPE_INT64, false},
    {"LAST(event_timestamp)", "", FEATURE_TYPE_TIMESTAMP, false},
    {"LAST(amount, 3)", "", FEATURE_TYPE_INT64, true},
    {"FIRST(shop, 2)", "", FEATURE_TYPE_STRING, true},
    {"TOP(price, 3)", "", FEATURE_TYPE_FLOAT64, true},
    {"BOTTOM(amount, 2)", "", FEATURE_TYPE_INT64, true},
    {"COUNT(DISTINCT shop, 3)", "", FEATURE_TYPE_INT64, false},
    {"APPROX_COUNT_DISTINCT(shop)", "", FEATURE_TYPE_INT64, false},
    {"SUM(amount)", " BY shop LIMIT 3", FEATURE_TYPE_INT64, true},
    {"COUNT(*)", " BY card_id LIMIT 3", FEATURE_TYPE_INT64, true}};

const char *const conditions[CONDITIONS] = {
    "",
    " WHERE ok = TRUE",
    " WHERE amount >= 100 AND price IS NOT NULL",
    " WHERE shop IN ('a', 'bb')",
    " WHERE shop IS NULL",
    " WHERE amount <> 5",
    " WHERE ok = FALSE AND price < 12.5"};

static bool
holds(const struct event_world *world, uint32_t condition,
      const struct happened *e)
{
    bool of_null = world->plant == EVENT_PLANT_CONDITION;

    switch (condition) {
    case 1:
        return e->ok == 1 || (of_null && e->ok < 0);
    case 2:
        return (e->has_amount ? e->amount >= 100 : of_null) && e->has_price;
    case 3:
        return e->shop == 1 || e->shop == 2;
    case 4:
        return e->shop < 0;
    case 5:
        return e->has_amount ? e->amount != 5 : of_null;
    case 6:
        return (e->ok == 0 || (of_null && e->ok < 0)) &&
               (e->has_price ? e->price < 12.5 : of_null);
    default:
        return true;
    }
}

/* --- values ------------------------------------------------------------------ */

struct number {
    bool is_real;
    int64_t whole;
    double real;
};

struct numbers {
    uint32_t count;
    struct number *items;
};

static void
print_number(struct text *text, struct number number)
{
    if (number.is_real)
        text_add(text, "%.17g", number.real);
    else
        text_add(text, "%lld", (long long)number.whole);
}

static void
print_shop(struct text *text, int shop)
{
    text_add(text, "'%s'", shop_names[shop]);
}

static bool
takes_price(uint32_t aggregate)
{
    return aggregate == COUNT_PRICE || aggregate == SUM_PRICE ||
           aggregate == MAX_PRICE || aggregate == TOP_PRICES;
}

static void
take_numbers(uint32_t aggregate, const struct gathered *picked,
             struct numbers *numbers)
{
    for (uint32_t i = 0; i < picked->count; i++) {
        const struct happened *e = picked->events[i];
        struct number number = {.whole = e->amount};

        if (aggregate == LAST_TIME)
            number.whole = e->ts;
        else if (takes_price(aggregate))
            number = (struct number){true, 0, e->price};
        if (aggregate == LAST_TIME ||
            (number.is_real ? e->has_price : e->has_amount))
            numbers->items[numbers->count++] = number;
    }
}

static int
compare_numbers(const void *left, const void *right)
{
    const struct number *a = left, *b = right;

    if (a->is_real)
        return (a->real > b->real) - (a->real < b->real);
    return (a->whole > b->whole) - (a->whole < b->whole);
}

static struct number
sum_of(const struct numbers *numbers)
{
    struct number sum = numbers->items[0];

    for (uint32_t i = 1; i < numbers->count; i++) {
        sum.whole += numbers->items[i].whole;
        sum.real += numbers->items[i].real;
    }
    return sum;
}

static void
print_some(struct text *text, const struct numbers *numbers, bool backwards,
           uint32_t most)
{
    text_add(text, "[");
    for (uint32_t i = 0; i < numbers->count && i < most; i++) {
        text_add(text, "%s", i ? "," : "");
        print_number(text,
                     numbers->items[backwards ? numbers->count - 1 - i : i]);
    }
    text_add(text, "]");
}

static void
fold_numbers(uint32_t aggregate, const struct numbers *numbers,
             struct text *text)
{
    uint32_t count = numbers->count;

    if (aggregate == MIN_AMOUNT || aggregate == MAX_PRICE ||
        aggregate == TOP_PRICES || aggregate == BOTTOM_AMOUNTS)
        qsort(numbers->items, count, sizeof *numbers->items, compare_numbers);
    if (aggregate == COUNT_PRICE)
        text_add(text, "%u", count);
    else if (aggregate == LAST_AMOUNTS || aggregate == TOP_PRICES)
        print_some(text, numbers, true, 3);
    else if (aggregate == BOTTOM_AMOUNTS)
        print_some(text, numbers, false, 2);
    else if (!count)
        text_add(text, "null");
    else if (aggregate == AVG_AMOUNT)
        text_add(text, "%.17g", (double)sum_of(numbers).whole / count);
    else if (aggregate == SUM_AMOUNT || aggregate == SUM_PRICE)
        print_number(text, sum_of(numbers));
    else
        print_number(text,
                     numbers->items[aggregate == MIN_AMOUNT ? 0 : count - 1]);
}

static void
fold_shops(uint32_t aggregate, const struct gathered *picked, struct text *text)
{
    uint32_t seen = 0, listed = 0;

    for (uint32_t i = 0; i < picked->count; i++) {
        int shop = picked->events[i]->shop;

        if (shop < 0)
            continue;
        seen |= 1u << shop;
        if (listed == (aggregate == FIRST_SHOPS  ? 2u
                       : aggregate == FIRST_SHOP ? 1u
                                                 : 0u))
            continue;
        if (aggregate == FIRST_SHOPS)
            text_add(text, "%s", listed ? "," : "[");
        print_shop(text, shop);
        listed++;
    }
    if (aggregate == FIRST_SHOPS)
        text_add(text, listed ? "]" : "[]");
    else if (aggregate == FIRST_SHOP && !listed)
        text_add(text, "null");
    else if (aggregate == DISTINCT_SHOPS && __builtin_popcount(seen) > 3)
        text_add(text, "null");
    else if (aggregate >= DISTINCT_SHOPS)
        text_add(text, "%d", __builtin_popcount(seen));
}

/* Shops by their bytes: that is their order. */
static void
fold_by(uint32_t aggregate, bool keys, const struct gathered *picked,
        struct text *text)
{
    int64_t sums[CARDS + SHOPS] = {0};
    uint32_t seen = 0, listed = 0;

    for (uint32_t i = 0; i < picked->count; i++) {
        const struct happened *e = picked->events[i];
        int by = aggregate == SUM_BY_SHOP ? e->shop : e->card;

        if (by < 0 || (aggregate == SUM_BY_SHOP && !e->has_amount))
            continue;
        seen |= 1u << by;
        sums[by] += aggregate == SUM_BY_SHOP ? e->amount : 1;
    }
    if (__builtin_popcount(seen) > 3) {
        text_add(text, "null");
        return;
    }
    text_add(text, "[");
    for (int by = 0; by < CARDS + SHOPS; by++) {
        if (!(seen >> by & 1))
            continue;
        text_add(text, "%s", listed++ ? "," : "");
        if (keys && aggregate == SUM_BY_SHOP)
            print_shop(text, by);
        else
            text_add(text, "%lld", keys ? (long long)by : (long long)sums[by]);
    }
    text_add(text, "]");
}

void
fold(const struct event_world *world, const struct spec *spec,
     const struct gathered *all, int64_t from, int64_t to, struct text *text)
{
    static struct number items[EVENTS_MAX + 1];
    static struct gathered picked;
    struct numbers numbers = {.items = items};
    uint32_t aggregate = spec->aggregate;

    picked.count = 0;
    for (uint32_t i = 0; i < all->count; i++)
        if (all->events[i]->ts >= from && all->events[i]->ts < to &&
            holds(world, spec->condition, all->events[i]))
            picked.events[picked.count++] = all->events[i];
    if (aggregate == COUNT_ALL) {
        text_add(text, "%u", picked.count);
    } else if (aggregate >= SUM_BY_SHOP) {
        fold_by(aggregate, spec->is_keys, &picked, text);
    } else if (aggregate == FIRST_SHOP || aggregate == FIRST_SHOPS ||
               aggregate == DISTINCT_SHOPS || aggregate == APPROX_SHOPS) {
        fold_shops(aggregate, &picked, text);
    } else {
        take_numbers(aggregate, &picked, &numbers);
        fold_numbers(aggregate, &numbers, text);
    }
}

/* --- what a store answered --------------------------------------------------- */

static bool
bit_at(const uint8_t *bits, size_t i)
{
    return bits[i / 8] >> (i & 7) & 1;
}

static void
print_element(struct text *text, const struct feature_column *column, size_t i)
{
    const int32_t *ends =
        column->child_offsets ? column->child_offsets : column->offsets;
    const char *bytes = column->values;
    int64_t whole;
    double real;

    if (column->type == FEATURE_TYPE_STRING) {
        text_add(text, "'%.*s'", (int)(ends[i + 1] - ends[i]), bytes + ends[i]);
    } else if (column->type == FEATURE_TYPE_FLOAT64) {
        memcpy(&real, bytes + i * sizeof real, sizeof real);
        text_add(text, "%.17g", real);
    } else {
        memcpy(&whole, bytes + i * sizeof whole, sizeof whole);
        text_add(text, "%lld", (long long)whole);
    }
}

void
print_column(struct text *text, const struct feature_column *column,
             uint32_t row)
{
    bool is_list = column->offsets && (column->type != FEATURE_TYPE_STRING ||
                                       column->child_offsets);

    if (!bit_at(column->validity, row)) {
        text_add(text, "null");
    } else if (is_list) {
        text_add(text, "[");
        for (int32_t i = column->offsets[row]; i < column->offsets[row + 1];
             i++) {
            text_add(text, "%s", i > column->offsets[row] ? "," : "");
            print_element(text, column, (size_t)i);
        }
        text_add(text, "]");
    } else {
        print_element(text, column, row);
    }
    if (column->defaulted && bit_at(column->defaulted, row))
        text_add(text, "*");
}
