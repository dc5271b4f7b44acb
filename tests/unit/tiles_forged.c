/* SPDX-License-Identifier: Apache-2.0 */
/* States that nobody's events make: what they say is refused, or some answer. */
#include "draw.h"

#include "base/varint.h"
#include "format/exact.h"
#include "format/state.h"

#define MINUTE INT64_C(60000000)
#define HOUR   (60 * MINUTE)
#define NOON   (INT64_C(1767268800) * 1000000)

/* mean = AVG(amount) BY amount OVER '1 hour' HOP '1 minute'. */
struct scene {
    struct lf_event_column column;
    struct lf_event event;
    struct lf_aggregate aggregate;
    struct lf_feature feature;
    struct lf_schema_field field;
    struct lf_schema schema;
    struct lf_view view;
    struct lf_tile_plan *plan;
    struct lf_reading *reading;
    struct lf_buffer body;
};

static void
begin(struct scene *scene)
{
    const struct lf_feature *asked = &scene->feature;

    memset(scene, 0, sizeof *scene);
    scene->column = (struct lf_event_column){"amount", FEATURE_TYPE_INT64};
    scene->event.columns = &scene->column;
    scene->event.column_count = 1;
    scene->aggregate = (struct lf_aggregate){
        .kind = LF_AVG, .by_cap = 4, .window = {LF_SLIDING, HOUR, MINUTE}};
    scene->feature.id = 1;
    scene->feature.aggregate = &scene->aggregate;
    scene->feature.type = (struct lf_type){
        .code = FEATURE_TYPE_FLOAT64, .width = 1, .is_list = true};
    scene->field = (struct lf_schema_field){1, scene->feature.type};
    scene->schema =
        (struct lf_schema){.version = 1, .fields = &scene->field, .count = 1};
    scene->view.features = &scene->feature;
    scene->view.feature_count = 1;
    scene->view.schemas = &scene->schema;
    scene->view.schema_count = 1;
    scene->view.slack = 10 * MINUTE;
    assert_int_equal(
        lf_tile_plan_make(&scene->plan, &scene->event, &scene->view, 1),
        LF_TILE_OK);
    scene->reading = lf_reading_make(scene->plan, &asked, 1);
    assert_non_null(scene->reading);
}

static void
end(struct scene *scene)
{
    lf_reading_free(scene->reading);
    lf_tile_plan_free(scene->plan);
    lf_buffer_free(&scene->body);
}

static void
put(struct lf_buffer *to, uint64_t number)
{
    uint8_t bytes[LF_VARINT_MAX];

    assert_true(lf_buffer_append(
        to, bytes, (size_t)(lf_varint_put(bytes, number) - bytes)));
}

/* A tile so many minutes before the one before it: one key, and what it says of
 * its values. */
static void
put_tile(struct scene *scene, uint64_t step, uint64_t count, int64_t sum)
{
    struct lf_sum total = {{0}};
    struct lf_buffer state = {0};
    uint8_t bytes[LF_REAL_SIZE_MAX];

    lf_sum_add(&total, sum);
    put(&state, 1);
    put(&state, lf_zigzag(5));
    put(&state, count);
    assert_true(lf_buffer_append(&state, bytes, lf_sum_encode(&total, bytes)));
    put(&scene->body, step << scene->plan->level_bits | 1);
    put(&scene->body, 0);
    put(&scene->body, state.size < 15 ? state.size : 15);
    if (state.size >= 15)
        put(&scene->body, state.size - 15);
    assert_true(lf_buffer_append(&scene->body, state.data, state.size));
    lf_buffer_free(&state);
}

static enum lf_tile_status
read_it(struct scene *scene)
{
    return lf_reading_row(scene->reading, scene->body.data, scene->body.size,
                          NOON, NOON + 1, NULL);
}

static void
a_count_of_a_key_has_an_end(void **state)
{
    struct scene scene;

    (void)state;
    begin(&scene);
    put(&scene.body, 0);
    put_tile(&scene, 30, UINT64_MAX, INT64_C(1) << 60);
    assert_int_equal(read_it(&scene), LF_TILE_OK);
    put_tile(&scene, 1, 1, INT64_C(1) << 60); /* nothing in all, to divide by */
    assert_int_equal(read_it(&scene), LF_TILE_CORRUPT);
    end(&scene);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_count_of_a_key_has_an_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
