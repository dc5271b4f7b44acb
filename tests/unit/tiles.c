/* SPDX-License-Identifier: Apache-2.0 */
/* Windows, one promise at a time; tests/fuzz/windows.c has them at random. */
#include "draw.h"

#include <math.h>

#include "format/state.h"

#define SECOND INT64_C(1000000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
#define NOON   (INT64_C(1767268800) * SECOND) /* 2026-01-01 12:00 UTC */
#define MOST   8

struct scene {
    struct lf_event_column columns[2]; /* amount INT64, price FLOAT64 */
    struct lf_event event;
    struct lf_view view;
    struct lf_feature features[MOST];
    struct lf_aggregate aggregates[MOST];
    struct lf_schema schemas[2];
    struct lf_schema_field fields[2][MOST];
    struct lf_tile_plan *plan;
    struct lf_state *state;
    struct lf_buffer row;
    struct lf_reading *reading;
};

static void
begin(struct scene *scene)
{
    memset(scene, 0, sizeof *scene);
    scene->columns[0] = (struct lf_event_column){"amount", FEATURE_TYPE_INT64};
    scene->columns[1] = (struct lf_event_column){"price", FEATURE_TYPE_FLOAT64};
    scene->event.columns = scene->columns;
    scene->event.column_count = 2;
    scene->event.max_skew = 5 * SECOND;
    scene->view.features = scene->features;
    scene->view.slack = 10 * MINUTE;
    scene->view.schemas = scene->schemas;
    scene->view.schema_count = 1;
    for (uint16_t i = 0; i < 2; i++) {
        scene->schemas[i].version = (uint16_t)(i + 1);
        scene->schemas[i].fields = scene->fields[i];
    }
}

/* A feature of amount, FLOAT64 for AVG and STDDEV. */
static void
add(struct scene *scene, enum lf_aggregate_kind kind,
    enum lf_window_kind window, int64_t size, int64_t hop)
{
    uint32_t which = scene->view.feature_count++;
    struct lf_feature *feature = &scene->features[which];
    struct lf_aggregate *aggregate = &scene->aggregates[which];
    bool is_real = kind == LF_AVG || kind == LF_STDDEV;

    *aggregate = (struct lf_aggregate){.kind = kind,
                                       .column = 0,
                                       .by = LF_NO_COLUMN,
                                       .window = {window, size, hop}};
    feature->id = which + 1;
    feature->aggregate = aggregate;
    feature->type.code = is_real ? FEATURE_TYPE_FLOAT64 : FEATURE_TYPE_INT64;
    feature->type.width = 1;
    for (uint32_t i = scene->view.schema_count - 1; i < 2; i++) {
        struct lf_schema *schema = &scene->schemas[i];

        schema->fields[schema->count++] =
            (struct lf_schema_field){which + 1, feature->type};
    }
}

static void
open_scene(struct scene *scene, uint16_t version)
{
    const struct lf_feature *asked[MOST];

    assert_int_equal(
        lf_tile_plan_make(&scene->plan, &scene->event, &scene->view, version),
        LF_TILE_OK);
    for (uint32_t i = 0; i < scene->view.feature_count; i++)
        asked[i] = &scene->features[i];
    scene->state = lf_state_make(scene->plan);
    scene->reading =
        lf_reading_make(scene->plan, asked, scene->view.feature_count);
    assert_non_null(scene->state);
    assert_non_null(scene->reading);
}

static void
close_scene(struct scene *scene)
{
    lf_reading_free(scene->reading);
    lf_state_free(scene->state);
    lf_tile_plan_free(scene->plan);
    lf_buffer_free(&scene->row);
}

static uint8_t
happen(struct scene *scene, int64_t ts, int64_t amount)
{
    struct lf_cell cells[2] = {{(const uint8_t *)&amount, 8, false, 0},
                               {NULL, 0, true, 0}};
    struct lf_tile_event event = {ts, 2, cells};
    uint8_t outcome = 0;

    assert_int_equal(lf_state_apply(scene->state, &event, 1, &outcome),
                     LF_TILE_OK);
    return outcome;
}

static const struct lf_tile_answer *
ask(struct scene *scene, int64_t t, uint32_t which)
{
    scene->row.size = 0;
    assert_int_equal(lf_state_encode(scene->state, &scene->row), LF_TILE_OK);
    assert_int_equal(lf_reading_row(scene->reading, scene->row.data,
                                    scene->row.size, lf_state_wm(scene->state),
                                    t, NULL),
                     LF_TILE_OK);
    return &scene->reading->answers[which];
}

static void
expect(struct scene *scene, int64_t t, uint32_t which, int64_t value)
{
    const struct lf_tile_answer *answer = ask(scene, t, which);

    assert_int_equal(answer->kind, LF_ANSWER_VALUE);
    assert_int_equal(answer->size, 8);
    assert_int_equal(lf_load_i64(answer->bytes), value);
}

/* Feast's tiling (tile_subtraction.py at f0bc0700) said 65, 65 and 17.5. */
static void
the_feast_case_max_min_and_deviation_of_ten_minutes(void **state)
{
    static const int64_t amounts[] = {10, 20, 30, 5};
    struct scene scene;
    double deviation;

    (void)state;
    begin(&scene);
    add(&scene, LF_MAX, LF_SLIDING, 10 * MINUTE, 5 * MINUTE);
    add(&scene, LF_MIN, LF_SLIDING, 10 * MINUTE, 5 * MINUTE);
    add(&scene, LF_STDDEV, LF_SLIDING, 10 * MINUTE, 5 * MINUTE);
    open_scene(&scene, 1);
    for (int i = 0; i < 4; i++)
        happen(&scene, NOON + i * 5 * MINUTE, amounts[i]);
    expect(&scene, NOON + 20 * MINUTE, 0, 30);
    expect(&scene, NOON + 20 * MINUTE, 1, 5);
    memcpy(&deviation, ask(&scene, NOON + 20 * MINUTE, 2)->bytes, 8);
    assert_true(fabs(deviation - 17.67766952966369) < 1e-12);
    close_scene(&scene);
}

static void
an_empty_window_counts_none_and_sums_to_null(void **state)
{
    struct scene scene;

    (void)state;
    begin(&scene);
    add(&scene, LF_COUNT, LF_SLIDING, HOUR, MINUTE);
    add(&scene, LF_SUM, LF_SLIDING, HOUR, MINUTE);
    open_scene(&scene, 1);
    happen(&scene, NOON, 7);
    expect(&scene, NOON + 3 * HOUR, 0, 0);
    assert_int_equal(ask(&scene, NOON + 3 * HOUR, 1)->kind, LF_ANSWER_NULL);
    assert_false(scene.reading->is_visible);
    expect(&scene, NOON + 1, 1, 7);
    assert_true(scene.reading->is_visible);
    close_scene(&scene);
}

static void
the_tail_is_inside_and_the_read_time_is_not(void **state)
{
    struct scene scene;

    (void)state;
    begin(&scene);
    add(&scene, LF_SUM, LF_SLIDING, HOUR, MINUTE);
    open_scene(&scene, 1);
    happen(&scene, NOON, 1);
    happen(&scene, NOON - 1, 10);
    happen(&scene, NOON + HOUR, 100);
    expect(&scene, NOON + HOUR, 0, 1);
    expect(&scene, NOON + HOUR + 1, 0, 101);
    close_scene(&scene);
}

static void
a_day_of_a_zone_begins_at_its_midnight(void **state)
{
    int64_t from, to, zone = 8 * HOUR;
    struct lf_window day = {LF_TUMBLE, DAY, DAY};

    (void)state;
    lf_window_bounds(&day, zone, NOON, &from, &to);
    assert_int_equal(to, NOON - 12 * HOUR + 16 * HOUR - DAY);
    assert_int_equal(from, to - DAY);
    day.kind = LF_CUMULATE;
    lf_window_bounds(&day, zone, to, &from, &to);
    assert_int_equal(from, to);
}

static void
bounds_hold_at_the_ends_of_time(void **state)
{
    int64_t from, to;
    struct lf_window week = {LF_SLIDING, 7 * DAY, DAY};

    (void)state;
    lf_window_bounds(&week, 0, INT64_MIN + 5, &from, &to);
    assert_int_equal(from, INT64_MIN);
    assert_int_equal(lf_tile_start(-1, DAY, 0), -DAY);
    assert_int_equal(lf_tile_start(INT64_MIN + 5, DAY, 0), INT64_MIN);
    assert_int_equal(lf_tile_last(INT64_MAX - 5, DAY, 0), INT64_MAX);
    assert_int_equal(lf_tile_start(INT64_MAX, 7, 3) % 7, (7 - 3) % 7);
    assert_int_equal(lf_tail(INT64_MIN, INT64_MAX, 1, 0), INT64_MIN);
}

static void
a_sum_that_does_not_fit_is_null_and_an_overflow(void **state)
{
    struct scene scene;

    (void)state;
    begin(&scene);
    add(&scene, LF_SUM, LF_SLIDING, HOUR, MINUTE);
    open_scene(&scene, 1);
    happen(&scene, NOON, INT64_MAX);
    happen(&scene, NOON + 1, 1);
    assert_int_equal(ask(&scene, NOON + 2, 0)->kind, LF_ANSWER_NULL);
    assert_true(ask(&scene, NOON + 2, 0)->is_overflow);
    happen(&scene, NOON + 2, -1);
    expect(&scene, NOON + 3, 0, INT64_MAX);
    close_scene(&scene);
}

static void
an_event_without_a_place_is_late_and_changes_nothing(void **state)
{
    struct scene scene;

    (void)state;
    begin(&scene);
    add(&scene, LF_SUM, LF_SLIDING, HOUR, MINUTE);
    open_scene(&scene, 1);
    assert_int_equal(happen(&scene, NOON, 1), FEATURE_OUTCOME_APPLIED);
    assert_int_equal(happen(&scene, NOON - HOUR - 10 * MINUTE, 1),
                     FEATURE_OUTCOME_APPLIED);
    assert_int_equal(happen(&scene, NOON - HOUR - 10 * MINUTE - 1, 1),
                     FEATURE_OUTCOME_LATE);
    assert_int_equal(lf_state_count(scene.state), 2);
    close_scene(&scene);
}

static void
a_lifetime_takes_what_no_window_holds(void **state)
{
    struct scene scene;

    (void)state;
    begin(&scene);
    add(&scene, LF_SUM, LF_SLIDING, HOUR, MINUTE);
    add(&scene, LF_SUM, LF_LIFETIME, 0, 0);
    open_scene(&scene, 1);
    happen(&scene, NOON, 1);
    assert_int_equal(happen(&scene, NOON - 400 * DAY, 10),
                     FEATURE_OUTCOME_APPLIED);
    expect(&scene, NOON + 1, 0, 1);
    expect(&scene, NOON + 1, 1, 11);
    assert_int_equal(ask(&scene, NOON - 30 * DAY, 1)->kind, LF_ANSWER_PAST);
    assert_false(lf_tile_is_over(scene.plan, NOON, INT64_MAX));
    close_scene(&scene);
}

static void
a_delete_is_a_barrier_that_stays(void **state)
{
    struct scene scene;

    (void)state;
    begin(&scene);
    add(&scene, LF_SUM, LF_LIFETIME, 0, 0);
    open_scene(&scene, 1);
    happen(&scene, NOON, 1);
    lf_state_bury(scene.state, NOON - DAY);
    assert_true(lf_state_is_buried(scene.state));
    assert_int_equal(lf_state_barrier(scene.state), NOON);
    assert_int_equal(happen(&scene, NOON, 10), FEATURE_OUTCOME_LATE);
    assert_true(lf_state_is_buried(scene.state));
    assert_int_equal(happen(&scene, NOON + 5, 100), FEATURE_OUTCOME_APPLIED);
    assert_false(lf_state_is_buried(scene.state));
    expect(&scene, NOON + 6, 0, 100);
    assert_int_equal(ask(&scene, NOON, 0)->kind, LF_ANSWER_PAST);
    assert_int_equal(
        lf_state_load(scene.state, scene.row.data, scene.row.size, NOON + 5),
        LF_TILE_OK);
    assert_int_equal(happen(&scene, NOON - 1, 1000), FEATURE_OUTCOME_LATE);
    expect(&scene, NOON + 6, 0, 100);
    close_scene(&scene);
}

static void
a_row_is_over_when_its_newest_event_leaves_the_longest_window(void **state)
{
    struct scene scene;

    (void)state;
    begin(&scene);
    add(&scene, LF_SUM, LF_SLIDING, HOUR, MINUTE);
    add(&scene, LF_SUM, LF_SLIDING, DAY, 20 * MINUTE);
    open_scene(&scene, 1);
    assert_false(lf_tile_is_over(scene.plan, NOON, NOON + DAY));
    assert_false(
        lf_tile_is_over(scene.plan, NOON, NOON + DAY + 20 * MINUTE - 1));
    assert_true(lf_tile_is_over(scene.plan, NOON, NOON + DAY + 20 * MINUTE));
    close_scene(&scene);
}

/* The row is of version 1; the feature of version 2 is asked for. */
static void
a_feature_that_came_later_is_partial_until_its_window_is_new(void **state)
{
    struct scene scene, next;
    int64_t wm = NOON;

    (void)state;
    begin(&scene);
    add(&scene, LF_SUM, LF_SLIDING, HOUR, MINUTE);
    scene.view.schema_count = 2;
    add(&scene, LF_COUNT, LF_SLIDING, HOUR, MINUTE);
    open_scene(&scene, 1);
    happen(&scene, wm, 1);
    expect(&scene, wm + 1, 1, 0);
    assert_true(scene.reading->answers[1].is_partial);
    assert_false(scene.reading->answers[0].is_partial);
    expect(&scene, wm + HOUR + MINUTE, 1, 0);
    assert_false(scene.reading->answers[1].is_partial);

    next = scene;
    next.row = (struct lf_buffer){0};
    open_scene(&next, 2);
    assert_int_equal(lf_state_replan(next.state, scene.plan, scene.row.data,
                                     scene.row.size, wm),
                     LF_TILE_OK);
    happen(&next, wm + MINUTE, 10);
    expect(&next, wm + MINUTE + 1, 0, 11);
    assert_false(next.reading->answers[0].is_partial);
    assert_true(next.reading->answers[1].is_partial);
    happen(&next, wm + 2 * HOUR, 100);
    expect(&next, wm + 2 * HOUR + 1, 1, 1);
    assert_false(next.reading->answers[1].is_partial);
    close_scene(&next);
    close_scene(&scene);
}

static void
a_fresh_row_of_a_purged_view_may_lack_events(void **state)
{
    struct scene scene;

    (void)state;
    begin(&scene);
    add(&scene, LF_SUM, LF_SLIDING, HOUR, MINUTE);
    scene.view.schema_count = 2;
    add(&scene, LF_SUM, LF_SLIDING, DAY, 20 * MINUTE);
    open_scene(&scene, 2);
    lf_state_purged(scene.state, NOON - HOUR);
    happen(&scene, NOON, 1);
    expect(&scene, NOON + 1, 0, 1);
    assert_false(scene.reading->answers[0].is_partial);
    assert_true(scene.reading->answers[1].is_partial);
    close_scene(&scene);
}

static void
an_event_that_is_not_stored_is_the_latest_of_its_instant(void **state)
{
    int64_t amount = 9;
    struct lf_cell cell = {(const uint8_t *)&amount, 8, false, 0};
    struct lf_tile_event extra = {NOON, 1, &cell};
    struct scene scene;

    (void)state;
    begin(&scene);
    add(&scene, LF_LAST, LF_SLIDING, HOUR, MINUTE);
    add(&scene, LF_FIRST, LF_SLIDING, HOUR, MINUTE);
    open_scene(&scene, 1);
    happen(&scene, NOON, 1);
    happen(&scene, NOON, 2);
    expect(&scene, NOON + 1, 0, 2);
    assert_int_equal(lf_reading_row(scene.reading, scene.row.data,
                                    scene.row.size, NOON, NOON + 1, &extra),
                     LF_TILE_OK);
    assert_int_equal(lf_load_i64(scene.reading->answers[0].bytes), 9);
    assert_int_equal(lf_load_i64(scene.reading->answers[1].bytes), 1);
    close_scene(&scene);
}

static void
what_has_no_order_is_no_value(void **state)
{
    double values[] = {NAN, INFINITY, -INFINITY, 1.5};
    uint8_t zero[8];

    (void)state;
    for (int i = 0; i < 4; i++) {
        struct lf_cell cell = {(const uint8_t *)&values[i], 8, false, 0};

        assert_int_equal(lf_tile_cell_is_valid(FEATURE_TYPE_FLOAT64, &cell),
                         i == 3);
    }
    lf_store_f64(zero, -0.0);
    lf_tile_cell_normalize(FEATURE_TYPE_FLOAT64, zero);
    assert_int_equal(lf_load_u64(zero), 0);
}

static void
definitions_that_do_not_fit_make_no_plan(void **state)
{
    struct lf_tile_plan *plan;
    struct scene scene;

    (void)state;
    begin(&scene);
    add(&scene, LF_SUM, LF_SLIDING, HOUR, MINUTE);
    add(&scene, LF_SUM, LF_SLIDING, HOUR, 90 * SECOND);
    assert_int_equal(lf_tile_plan_make(&plan, &scene.event, &scene.view, 1),
                     LF_TILE_INVALID);
    scene.aggregates[1].window.hop = 2 * MINUTE;
    scene.aggregates[1].column = 2;
    assert_int_equal(lf_tile_plan_make(&plan, &scene.event, &scene.view, 1),
                     LF_TILE_INVALID);
    assert_int_equal(lf_tile_plan_make(&plan, &scene.event, &scene.view, 7),
                     LF_TILE_INVALID);
}

/* A sum and its average hold one state of counts and one of sums. */
static void
features_of_equal_inputs_share_their_states(void **state)
{
    struct scene scene;

    (void)state;
    begin(&scene);
    add(&scene, LF_SUM, LF_SLIDING, HOUR, MINUTE);
    add(&scene, LF_AVG, LF_SLIDING, DAY, 20 * MINUTE);
    add(&scene, LF_STDDEV, LF_LIFETIME, 0, 0);
    add(&scene, LF_COUNT, LF_TUMBLE, HOUR, HOUR);
    open_scene(&scene, 1);
    assert_int_equal(scene.plan->state_count, 3);
    assert_int_equal(scene.plan->level_count, 4);
    assert_true(scene.plan->is_group);
    close_scene(&scene);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_feast_case_max_min_and_deviation_of_ten_minutes),
        cmocka_unit_test(an_empty_window_counts_none_and_sums_to_null),
        cmocka_unit_test(the_tail_is_inside_and_the_read_time_is_not),
        cmocka_unit_test(a_day_of_a_zone_begins_at_its_midnight),
        cmocka_unit_test(bounds_hold_at_the_ends_of_time),
        cmocka_unit_test(a_sum_that_does_not_fit_is_null_and_an_overflow),
        cmocka_unit_test(an_event_without_a_place_is_late_and_changes_nothing),
        cmocka_unit_test(a_lifetime_takes_what_no_window_holds),
        cmocka_unit_test(a_delete_is_a_barrier_that_stays),
        cmocka_unit_test(
            a_row_is_over_when_its_newest_event_leaves_the_longest_window),
        cmocka_unit_test(
            a_feature_that_came_later_is_partial_until_its_window_is_new),
        cmocka_unit_test(a_fresh_row_of_a_purged_view_may_lack_events),
        cmocka_unit_test(
            an_event_that_is_not_stored_is_the_latest_of_its_instant),
        cmocka_unit_test(what_has_no_order_is_no_value),
        cmocka_unit_test(definitions_that_do_not_fit_make_no_plan),
        cmocka_unit_test(features_of_equal_inputs_share_their_states),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
