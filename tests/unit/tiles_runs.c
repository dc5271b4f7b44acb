/* SPDX-License-Identifier: Apache-2.0 */
/* Rows whose plain entries are read many at a time: where that has to stop, and
 * what it has to refuse. */
#include "draw.h"

#include <math.h>

#include "base/varint.h"
#include "format/state.h"

#define MINUTE INT64_C(60000000)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
#define NOON   (INT64_C(1767268800) * 1000000)

/* MAX(amount) OVER '1 hour' HOP '1 minute', and over 7 days by 3 hours. */
struct scene {
    struct lf_event_column column;
    struct lf_event event;
    struct lf_aggregate aggregates[2];
    struct lf_feature features[2];
    struct lf_schema_field fields[2];
    struct lf_schema schemas[2];
    struct lf_view view;
    struct lf_tile_plan *plan;
    struct lf_state *state;
    struct lf_reading *reading;
    struct lf_buffer row;
};

/* known: features of the plan; both are asked for. */
static void
begin(struct scene *scene, int32_t code, uint32_t known)
{
    const struct lf_feature *asked[2] = {&scene->features[0],
                                         &scene->features[1]};

    memset(scene, 0, sizeof *scene);
    scene->column = (struct lf_event_column){"amount", code};
    scene->event.columns = &scene->column;
    scene->event.column_count = 1;
    for (uint32_t i = 0; i < 2; i++) {
        scene->aggregates[i] = (struct lf_aggregate){
            .kind = LF_MAX,
            .by = LF_NO_COLUMN,
            .window = {LF_SLIDING, i ? 7 * DAY : HOUR, i ? 3 * HOUR : MINUTE}};
        scene->features[i].id = i + 1;
        scene->features[i].aggregate = &scene->aggregates[i];
        scene->features[i].type = (struct lf_type){.code = code, .width = 1};
        scene->fields[i] =
            (struct lf_schema_field){i + 1, scene->features[i].type};
        scene->schemas[i] = (struct lf_schema){.version = (uint16_t)(i + 1),
                                               .fields = scene->fields,
                                               .count = i ? 2 : known};
    }
    scene->view.features = scene->features;
    scene->view.feature_count = 2;
    scene->view.schemas = scene->schemas;
    scene->view.schema_count = 2;
    scene->view.slack = 10 * MINUTE;
    assert_int_equal(
        lf_tile_plan_make(&scene->plan, &scene->event, &scene->view, 1),
        LF_TILE_OK);
    scene->state = lf_state_make(scene->plan);
    scene->reading = lf_reading_make(scene->plan, asked, 2);
    assert_non_null(scene->state);
    assert_non_null(scene->reading);
}

static void
end(struct scene *scene)
{
    lf_reading_free(scene->reading);
    lf_state_free(scene->state);
    lf_tile_plan_free(scene->plan);
    lf_buffer_free(&scene->row);
}

static void
happen(struct scene *scene, int64_t ts, int64_t amount)
{
    struct lf_cell cell = {(const uint8_t *)&amount, 8, false, 0};
    struct lf_tile_event event = {ts, 1, &cell};
    uint8_t outcome = 0;

    assert_int_equal(lf_state_apply(scene->state, &event, 1, &outcome),
                     LF_TILE_OK);
}

static const struct lf_tile_answer *
ask(struct scene *scene, int64_t t)
{
    scene->row.size = 0;
    assert_int_equal(lf_state_encode(scene->state, &scene->row), LF_TILE_OK);
    assert_int_equal(lf_reading_row(scene->reading, scene->row.data,
                                    scene->row.size, lf_state_wm(scene->state),
                                    t, NULL),
                     LF_TILE_OK);
    return scene->reading->answers;
}

/* The tail lies in a tile of 3 hours, which cannot tell what came after it. */
static void
a_run_stops_at_a_tile_that_a_tail_cuts(void **state)
{
    const int64_t tile = NOON - 2 * DAY, t = tile + 3 * HOUR + 10 * MINUTE;
    const struct lf_tile_answer *answers;
    struct scene scene;

    (void)state;
    begin(&scene, FEATURE_TYPE_INT64, 2);
    happen(&scene, tile + 10 * MINUTE, 9);
    happen(&scene, tile + 170 * MINUTE, 5);
    happen(&scene, tile + 185 * MINUTE, 7);
    happen(&scene, NOON, 1);
    assert_int_equal(ask(&scene, t)[0].kind, LF_ANSWER_PAST);
    answers = ask(&scene, NOON + 1);
    assert_int_equal(answers[0].kind, LF_ANSWER_VALUE);
    assert_int_equal(lf_load_i64(answers[0].bytes), 1);
    assert_int_equal(lf_load_i64(answers[1].bytes), 9);
    end(&scene);
}

/* Two rows at one t, then another t, with one reading. */
static void
bounds_follow_t(void **state)
{
    struct scene scene;

    (void)state;
    begin(&scene, FEATURE_TYPE_INT64, 2);
    happen(&scene, NOON - 30 * MINUTE, 4);
    happen(&scene, NOON, 3);
    assert_int_equal(lf_load_i64(ask(&scene, NOON + 1)[0].bytes), 4);
    assert_int_equal(lf_load_i64(ask(&scene, NOON + 1)[0].bytes), 4);
    assert_int_equal(lf_load_i64(ask(&scene, NOON + 45 * MINUTE)[0].bytes), 3);
    assert_int_equal(ask(&scene, NOON + 2 * HOUR)[0].kind, LF_ANSWER_NULL);
    assert_int_equal(lf_load_i64(ask(&scene, NOON + 1)[0].bytes), 4);
    end(&scene);
}

static void
the_window_of_an_unknown_feature_shows_nothing(void **state)
{
    struct scene scene;

    (void)state;
    begin(&scene, FEATURE_TYPE_INT64, 1);
    happen(&scene, NOON - 30 * MINUTE, 4);
    happen(&scene, NOON - 20 * MINUTE, 5);
    happen(&scene, NOON, 3);
    assert_true(ask(&scene, NOON + 1)[1].is_partial);
    assert_true(scene.reading->is_visible);
    ask(&scene, NOON + 2 * HOUR);
    assert_false(scene.reading->is_visible);
    end(&scene);
}

/* --- forged rows -------------------------------------------------------------*/

/* A row of one event at wm with a value of these bytes, and so many in front. */
static enum lf_tile_status
read_forged(struct scene *scene, uint8_t bits, const void *value, size_t size,
            uint32_t before)
{
    uint8_t head = (uint8_t)scene->plan->level_count;

    scene->row.size = 0;
    lf_buffer_append(&scene->row, "", 1);
    for (uint32_t i = 0; i <= before; i++) {
        lf_buffer_append(&scene->row, &head, 1);
        lf_buffer_append(&scene->row, i < before ? "" : (const char *)&bits, 1);
    }
    assert_true(!size || lf_buffer_append(&scene->row, value, size));
    return lf_reading_row(scene->reading, scene->row.data, scene->row.size,
                          NOON, NOON + 1, NULL);
}

static enum lf_tile_status
read_number(int32_t code, int64_t number, uint32_t before)
{
    uint8_t bytes[LF_VARINT_MAX];
    size_t size = (size_t)(lf_varint_put(bytes, lf_zigzag(number)) - bytes);
    enum lf_tile_status status;
    struct scene scene;

    begin(&scene, code, 2);
    status = read_forged(&scene, 1, bytes, size, before);
    if (!status)
        assert_int_equal(scene.reading->answers[0].size,
                         lf_type_element_size(code));
    end(&scene);
    return status;
}

static enum lf_tile_status
read_real(double number, size_t size, uint32_t before)
{
    enum lf_tile_status status;
    struct scene scene;

    begin(&scene, FEATURE_TYPE_FLOAT64, 2);
    status = read_forged(&scene, 1, &number, size, before);
    end(&scene);
    return status;
}

static void
numbers_that_no_column_has_are_damage(void **state)
{
    (void)state;
    for (uint32_t before = 0; before < 80; before += 13) {
        int64_t most = INT32_MAX;

        assert_false(read_number(FEATURE_TYPE_INT32, most, before));
        assert_int_equal(read_number(FEATURE_TYPE_INT32, most + 1, before),
                         LF_TILE_CORRUPT);
        assert_false(read_number(FEATURE_TYPE_BOOL, 1, before));
        assert_int_equal(read_number(FEATURE_TYPE_BOOL, 2, before),
                         LF_TILE_CORRUPT);
        assert_false(read_number(FEATURE_TYPE_INT64, INT64_MIN, before));
        assert_false(read_real(-1.5, 8, before));
        assert_int_equal(read_real(-0.0, 8, before), LF_TILE_CORRUPT);
        assert_int_equal(read_real((double)INFINITY, 8, before),
                         LF_TILE_CORRUPT);
    }
}

static void
a_row_that_ends_within_an_event_is_damage(void **state)
{
    (void)state;
    for (uint32_t before = 0; before < 80; before += 13)
        for (size_t size = 0; size < 8; size++)
            assert_int_equal(read_real(1.5, size, before), LF_TILE_CORRUPT);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_stops_at_a_tile_that_a_tail_cuts),
        cmocka_unit_test(bounds_follow_t),
        cmocka_unit_test(the_window_of_an_unknown_feature_shows_nothing),
        cmocka_unit_test(numbers_that_no_column_has_are_damage),
        cmocka_unit_test(a_row_that_ends_within_an_event_is_damage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
