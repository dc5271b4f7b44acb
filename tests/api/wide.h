/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A view whose states lie beside its rows, sparse and dense sketches of two
 * cards, and what is known of it without tiles: a sketch of all events of a
 * window.
 */
#ifndef TESTS_API_WIDE_H
#define TESTS_API_WIDE_H

#include "../unit/draw.h"
#include "tiles.h"

#define WIDE_MAX   24000
#define WIDE_TILES 14 /* of 3 minutes */

#define WIDE_EVENT                                                  \
    "STORE WITH (changes = '365 days');"                            \
    "CREATE ENTITY card (card_id INT64);"                           \
    "CREATE EVENT payment (card_id INT64, u INT64, price FLOAT64) " \
    "WITH (max_skew = '1 second');"
#define WIDE_FEATURES                                                       \
    "n = COUNT(*) OVER '5 minutes' HOP '1 minute', "                        \
    "d = APPROX_COUNT_DISTINCT(u) OVER '5 minutes' HOP '1 minute', "        \
    "p = APPROX_PERCENTILE(price, 0.5) OVER '20 minutes' HOP '5 minutes', " \
    "ever = APPROX_COUNT_DISTINCT(u) OVER LIFETIME"
#define WIDE_VIEW(options)                                                  \
    WIDE_EVENT "CREATE FEATURE VIEW spend (" WIDE_FEATURES                  \
               ") FOR card FROM payment WITH (slack = '10 minutes'" options \
               ");"

struct payment {
    int64_t card, u, ts;
    double price;
};

struct payments {
    uint32_t count;
    struct payment list[WIDE_MAX];
};

/* Every third tile has dense sketches, the others sparse ones beside the row or
 * within it. */
static inline void
draw_payments(struct payments *made)
{
    static const uint32_t sizes[] = {1200, 250, 40};

    made->count = 0;
    for (uint32_t i = 0; i < 2 * WIDE_TILES; i++) {
        int64_t begin = NOON - (int64_t)(i / 2 + 1) * 3 * MINUTE;

        for (uint32_t j = 0; j < sizes[i / 2 % 3]; j++) {
            struct payment *payment = &made->list[made->count++];

            assert_true(made->count < WIDE_MAX);
            *payment = (struct payment){
                .card = 7 + i % 2,
                .u = (int64_t)draw_below(1u << 30),
                .price = (double)(1 + draw_below(1000000)) / 64,
                .ts = begin + (int64_t)draw_below((uint64_t)(3 * MINUTE))};
        }
    }
}

static inline void
shuffle_payments(struct payments *list)
{
    for (uint32_t i = list->count; i > 1; i--) {
        uint32_t j = (uint32_t)draw_below(i);
        struct payment swap = list->list[i - 1];

        list->list[i - 1] = list->list[j];
        list->list[j] = swap;
    }
}

static inline void
set_payments(feature_batch *batch, const struct payment *list, uint32_t count)
{
    int64_t *numbers = claim(3 * sizeof *numbers * count);
    double *prices = claim(sizeof *prices * count);

    for (uint32_t i = 0; i < count; i++) {
        numbers[i] = list[i].card;
        numbers[count + i] = list[i].u;
        numbers[2 * count + i] = list[i].ts;
        prices[i] = list[i].price;
    }
    must(feature_batch_set(batch, 0, FEATURE_TYPE_INT64, numbers, NULL, NULL,
                           count, &problem));
    must(feature_batch_set(batch, 1, FEATURE_TYPE_INT64, numbers + count, NULL,
                           NULL, count, &problem));
    must(feature_batch_set(batch, 2, FEATURE_TYPE_FLOAT64, prices, NULL, NULL,
                           count, &problem));
    must(feature_batch_set(batch, 3, FEATURE_TYPE_TIMESTAMP,
                           numbers + 2 * (size_t)count, NULL, NULL, count,
                           &problem));
    free(numbers);
    free(prices);
}

static inline struct feature_commit
pay(struct fixture *f, int32_t operation, const struct payment *list,
    uint32_t count)
{
    struct feature_commit commit;
    feature_batch *batch;

    must(feature_batch_create(f->store, "payment",
                              "card_id, u, price, event_timestamp", operation,
                              &batch, &problem));
    set_payments(batch, list, count);
    commit = write_batch(f, batch);
    feature_batch_free(batch);
    return commit;
}

/* Writes all, some rows a call. */
static inline void
pay_all(struct fixture *f, const struct payments *list, uint32_t rows)
{
    for (uint32_t i = 0; i < list->count; i += rows)
        pay(f, FEATURE_EVENT, list->list + i,
            list->count - i < rows ? list->count - i : rows);
}

/* --- what is right ------------------------------------------------------------ */

struct sketches {
    feature_sketch *distinct, *quantiles, *ever;
    int64_t count;
};

static inline feature_sketch *
new_sketch(int32_t kind)
{
    const struct feature_sketch_options options = {
        .struct_size = sizeof options, .kind = kind};
    feature_sketch *sketch;

    must(feature_sketch_create(&options, &sketch, &problem));
    return sketch;
}

/* Of the windows at t. */
static inline struct sketches
sketch_payments(const struct payments *list, int64_t card, int64_t t)
{
    int64_t five = floor_to(t - 5 * MINUTE, MINUTE, 0);
    int64_t twenty = floor_to(t - 20 * MINUTE, 5 * MINUTE, 0);
    struct sketches made = {new_sketch(FEATURE_SKETCH_DISTINCT),
                            new_sketch(FEATURE_SKETCH_QUANTILES),
                            new_sketch(FEATURE_SKETCH_DISTINCT), 0};

    for (uint32_t i = 0; i < list->count; i++) {
        const struct payment *at = &list->list[i];

        if (at->card != card || at->ts >= t)
            continue;
        must(feature_sketch_add(made.ever, FEATURE_TYPE_INT64, &at->u, NULL,
                                NULL, 1, &problem));
        if (at->ts >= twenty)
            must(feature_sketch_add(made.quantiles, FEATURE_TYPE_FLOAT64,
                                    &at->price, NULL, NULL, 1, &problem));
        if (at->ts < five)
            continue;
        made.count++;
        must(feature_sketch_add(made.distinct, FEATURE_TYPE_INT64, &at->u, NULL,
                                NULL, 1, &problem));
    }
    return made;
}

static inline void
print_payments(const struct payments *list, int64_t card, int64_t t, char *text,
               size_t size)
{
    struct sketches right = sketch_payments(list, card, t);
    uint64_t distinct, ever;
    double middle;

    must(feature_sketch_estimate(right.distinct, &distinct, &problem));
    must(feature_sketch_estimate(right.ever, &ever, &problem));
    must(feature_sketch_quantile(right.quantiles, 0.5, &middle, &problem));
    snprintf(text, size, "present %" PRId64 " %" PRIu64 " %.17g %" PRIu64,
             right.count, distinct, middle, ever);
    feature_sketch_free(right.distinct);
    feature_sketch_free(right.quantiles);
    feature_sketch_free(right.ever);
}

/* Both cards, as of t. */
static inline void
expect_payments_at(struct fixture *f, const struct payments *list, int64_t t,
                   const char *file, int line)
{
    struct reader reader = open_reader(f, "spend(n, d, p, ever)", 0, "7\n8");
    char one[200], other[200], both[408];

    print_payments(list, 7, t, one, sizeof one);
    print_payments(list, 8, t, other, sizeof other);
    snprintf(both, sizeof both, "%s\n%s", one, other);
    must(feature_request_set_as_of(reader.request, &t, 1, &problem));
    expect_read_at(&reader, both, file, line);
    close_reader(&reader);
}

#define expect_payments(f, list, t) \
    expect_payments_at((f), (list), (t), __FILE__, __LINE__)

/* How many trees the store's file has. */
static inline uint64_t
count_trees(struct fixture *f)
{
    struct feature_verify_report report = {.struct_size = sizeof report};

    must(feature_store_verify(f->path, NULL, &report, NULL, &problem));
    return report.trees;
}

#endif
