/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parts of events that were kept, against the fold over the events themselves:
 * the same bits, whatever the windows, the ties and the t.
 */
#include "model.h"

#include "format/state.h"

#define MINUTE INT64_C(60000000)
#define EVENTS 700
#define ROUNDS 60
#define READS  60

#define BEGIN                                                            \
    "CREATE ENTITY card (card_id INT64);"                                \
    "CREATE EVENT payment (card_id INT64, amount INT64, price FLOAT64, " \
    "shop STRING) WITH (max_skew = '5 seconds');"                        \
    "CREATE FEATURE VIEW v ("

static const char *const aggregates[] = {"COUNT(*)",
                                         "COUNT(*) WHERE amount < 5",
                                         "SUM(amount)",
                                         "SUM(price)",
                                         "AVG(price)",
                                         "STDDEV(amount)",
                                         "MIN(amount)",
                                         "MAX(price)",
                                         "FIRST(shop)",
                                         "LAST(amount)",
                                         "LAST(shop, 3)",
                                         "FIRST(price, 40)",
                                         "TOP(amount, 4)",
                                         "BOTTOM(shop, 2)",
                                         "COUNT(DISTINCT shop, 20)",
                                         "APPROX_COUNT_DISTINCT(shop)",
                                         "APPROX_PERCENTILE(price, 0.5)",
                                         "SUM(amount) BY shop LIMIT 20",
                                         "MAX(price) BY shop LIMIT 9"};

static const char *const windows[] = {"OVER '10 seconds' EXACT",
                                      "OVER '1 minute' HOP '1 second'",
                                      "OVER '5 minutes' HOP '1 minute'",
                                      "OVER '1 minute' EXACT",
                                      "OVER TUMBLE '1 minute'",
                                      "OVER CUMULATE '5 minutes'",
                                      "OVER LIFETIME"};

#define COUNT(list) (sizeof(list) / sizeof *(list))

struct scene {
    struct lf_catalog *catalog;
    const struct lf_view *view;
    struct lf_tile_plan *plan;
    struct lf_reading *parts, *whole; /* of some of the features */
    struct lf_tile_event events[EVENTS];
    struct lf_cell cells[EVENTS][4];
    int64_t amounts[EVENTS];
    double prices[EVENTS];
    uint32_t count;
};

static void
draw_view(struct scene *scene)
{
    const struct lf_feature *asked[16];
    char text[4096] = BEGIN;
    uint32_t features = 1 + draw_below(6), count = 0;
    size_t size = strlen(text);

    for (uint32_t i = 0; i < features; i++)
        size += (size_t)snprintf(text + size, sizeof text - size,
                                 "%sf%u = %s %s", i ? ", " : "", i,
                                 aggregates[draw_below(COUNT(aggregates))],
                                 windows[draw_below(COUNT(windows))]);
    snprintf(text + size, sizeof text - size, ") FOR card FROM payment;");
    scene->catalog = defined(text);
    scene->view = lf_catalog_view(scene->catalog, "v");
    assert_int_equal(lf_tile_plan_make(&scene->plan, &scene->catalog->events[0],
                                       scene->view, 1),
                     LF_TILE_OK);
    for (uint32_t i = 0; i < scene->view->feature_count; i++)
        if (!count || !draw_one_in(3))
            asked[count++] = &scene->view->features[i];
    scene->parts = lf_reading_make(scene->plan, asked, count);
    scene->whole = lf_reading_make(scene->plan, asked, count);
    assert_non_null(scene->parts);
    assert_non_null(scene->whole);
}

/* Some at the same time, on the grid of minutes and seconds, far apart. */
static int64_t
draw_step(void)
{
    if (draw_one_in(3))
        return 0;
    if (draw_one_in(20))
        return draw_below(3 * MINUTE);
    return draw_one_in(2) ? MINUTE / 60 : draw_below(MINUTE / 60);
}

static void
draw_events(struct scene *scene)
{
    static const char shops[] = "abcdefghijklmnopqrstuvwxyz";
    int64_t ts = 1000 * MINUTE;

    scene->count = draw_below(EVENTS);
    for (uint32_t i = 0; i < scene->count; i++) {
        struct lf_cell *cells = scene->cells[i];

        if (draw_one_in(8))
            ts -= ts % MINUTE - MINUTE;
        ts += draw_step();
        scene->amounts[i] = draw_below(20) - 5;
        scene->prices[i] = draw_below(64) / 4.0;
        cells[0] = (struct lf_cell){.is_null = true};
        cells[1] = (struct lf_cell){.bytes = (uint8_t *)&scene->amounts[i],
                                    .size = 8,
                                    .is_null = draw_one_in(9)};
        cells[2] = (struct lf_cell){.bytes = (uint8_t *)&scene->prices[i],
                                    .size = 8,
                                    .is_null = draw_one_in(9)};
        cells[3] =
            (struct lf_cell){.bytes = (const uint8_t *)shops + draw_below(24),
                             .size = draw_below(3)};
        scene->events[i] = (struct lf_tile_event){ts, 4, cells};
    }
}

static int64_t
draw_t(const struct scene *scene)
{
    int64_t t;

    if (!scene->count)
        return 1000 * MINUTE;
    t = scene->events[draw_below(scene->count)].ts;
    switch (draw_below(5)) {
    case 0:
        return t;
    case 1:
        return t + 1;
    case 2: /* so that it is a tail */
        return t + (draw_one_in(2) ? MINUTE : MINUTE / 6);
    case 3:
        return t - t % MINUTE + MINUTE;
    default:
        return t + draw_below(2 * MINUTE);
    }
}

static void
expect_same(const struct scene *scene, size_t first, size_t count, int64_t t)
{
    const struct lf_reading *parts = scene->parts, *whole = scene->whole;

    if (parts->is_visible != whole->is_visible)
        fail_msg("%zu events from %zu on: visible %d", count, first,
                 parts->is_visible);
    for (uint32_t i = 0; i < parts->count; i++) {
        const struct lf_tile_answer *a = &parts->answers[i];
        const struct lf_tile_answer *b = &whole->answers[i];

        if (a->kind != b->kind || a->size != b->size ||
            a->is_overflow != b->is_overflow ||
            (a->kind == LF_ANSWER_VALUE && a->size &&
             memcmp(a->bytes, b->bytes, a->size) != 0))
            fail_msg("%zu events from %zu on at %lld: feature %u of %u differs",
                     count, first, (long long)t, i, parts->count);
    }
}

static void
read_part(const struct scene *scene)
{
    int64_t t = draw_t(scene);
    size_t first = draw_one_in(3) ? 0 : draw_below(scene->count + 1);
    size_t last = first;

    if (first < scene->count && !draw_one_in(3))
        first -= first % 16;
    while (last < scene->count && scene->events[last].ts < t)
        last++;
    assert_int_equal(lf_reading_part(scene->parts, first, last - first, t),
                     LF_TILE_OK);
    assert_int_equal(
        lf_reading_events(scene->whole, scene->events + first, last - first, t),
        LF_TILE_OK);
    expect_same(scene, first, last - first, t);
}

static void
a_part_reads_as_its_events(void **state)
{
    static struct scene scene;

    (void)state;
    for (uint32_t i = 0; i < ROUNDS; i++) {
        draw_view(&scene);
        for (uint32_t j = 0; j < 3; j++) {
            draw_events(&scene);
            assert_int_equal(
                lf_reading_keep(scene.parts, scene.events, scene.count),
                LF_TILE_OK);
            for (uint32_t k = 0; k < READS; k++)
                read_part(&scene);
        }
        lf_reading_free(scene.parts);
        lf_reading_free(scene.whole);
        lf_tile_plan_free(scene.plan);
        lf_catalog_release(scene.catalog);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {DRAWN(a_part_reads_as_its_events)};

    draw_begin();
    return cmocka_run_group_tests_name("state_span", tests, NULL, NULL);
}
