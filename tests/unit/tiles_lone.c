/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of one integer are added up as they are read, others are listed first; both
 * give what the events give that they were made of, on any processor. */
#include "draw.h"

#include "base/varint.h"
#include "format/state_read.h"

#define MINUTE   INT64_C(60000000)
#define HOUR     (60 * MINUTE)
#define DAY      (24 * HOUR)
#define NOON     (INT64_C(1767268800) * 1000000)
#define FEATURES 21
#define EVENTS   400
#define ROUNDS   600

struct scene {
    struct lf_event_column columns[2];
    struct lf_event event;
    struct lf_aggregate aggregates[FEATURES];
    struct lf_feature features[FEATURES];
    const struct lf_feature *asked[FEATURES];
    struct lf_schema_field fields[FEATURES];
    struct lf_schema schema;
    struct lf_view view;
    uint32_t count;
    struct lf_tile_plan *plan;
    struct lf_tile_event events[EVENTS];
    struct lf_cell cells[EVENTS][2];
    int64_t numbers[EVENTS][2];
};

static struct scene scene;

/* --- views -------------------------------------------------------------------*/

static void
add_feature(uint32_t which)
{
    static const enum lf_aggregate_kind kinds[] = {LF_SUM, LF_COUNT, LF_MIN,
                                                   LF_MAX, LF_COUNT, LF_AVG};
    static const struct lf_window windows[] = {{LF_SLIDING, HOUR, MINUTE},
                                               {LF_SLIDING, DAY, 20 * MINUTE},
                                               {LF_SLIDING, 7 * DAY, 3 * HOUR}};
    struct lf_aggregate *aggregate = &scene.aggregates[scene.count];
    struct lf_feature *feature = &scene.features[scene.count];

    *aggregate = (struct lf_aggregate){.kind = kinds[which % 6],
                                       .by = LF_NO_COLUMN,
                                       .window = windows[which / 6 % 3]};
    if (which % 6 == 1)
        aggregate->column = LF_NO_COLUMN;
    *feature = (struct lf_feature){.id = scene.count + 1,
                                   .type = {aggregate->kind == LF_AVG
                                                ? FEATURE_TYPE_FLOAT64
                                                : FEATURE_TYPE_INT64,
                                            1, false},
                                   .aggregate = aggregate};
    scene.asked[scene.count] = feature;
    scene.fields[scene.count] =
        (struct lf_schema_field){feature->id, feature->type};
    scene.count++;
}

/* Some of all features; with another column, the view is not of one integer. */
static void
draw_view(bool is_lone)
{
    uint32_t share = 1 + draw_below(4);

    memset(&scene, 0, sizeof scene);
    scene.columns[0] = (struct lf_event_column){"amount", FEATURE_TYPE_INT64};
    scene.columns[1] = (struct lf_event_column){"other", FEATURE_TYPE_INT64};
    scene.event.columns = scene.columns;
    scene.event.column_count = 2;
    for (uint32_t i = 0; i < 18; i++)
        if (draw_one_in(share))
            add_feature(i);
    if (!scene.count)
        add_feature(0);
    if (!is_lone) {
        add_feature(2 + 6 * draw_below(3));
        scene.aggregates[scene.count - 1].column = 1;
    }
    scene.schema = (struct lf_schema){
        .version = 1, .fields = scene.fields, .count = scene.count};
    scene.view = (struct lf_view){.features = scene.features,
                                  .feature_count = scene.count,
                                  .schemas = &scene.schema,
                                  .schema_count = 1,
                                  .slack = 10 * MINUTE,
                                  .zone = draw_one_in(2) ? 0 : -7 * HOUR / 2};
    assert_int_equal(
        lf_tile_plan_make(&scene.plan, &scene.event, &scene.view, 1),
        LF_TILE_OK);
}

/* --- events ------------------------------------------------------------------*/

/* Of any size, and now and then the largest of all. */
static int64_t
draw_number(void)
{
    int64_t number = (int64_t)(draw() >> draw_below(64));

    if (draw_one_in(16))
        return draw_one_in(2) ? INT64_MAX : INT64_MIN;
    return draw_one_in(2) ? -number : number;
}

/* Gaps of any size, up to a day or so; none is left out of the longest window. */
static uint32_t
draw_events(void)
{
    uint32_t count = 1 + draw_below(draw_one_in(3) ? EVENTS : 40);
    uint32_t small = draw_below(30);
    int64_t ts = NOON;

    for (uint32_t i = count; i-- > 0;) {
        struct lf_tile_event *event = &scene.events[i];

        if (ts < NOON - 6 * DAY)
            ts = NOON - 6 * DAY;
        *event = (struct lf_tile_event){ts, 2, scene.cells[i]};
        for (int j = 0; j < 2; j++) {
            scene.numbers[i][j] = draw_number();
            scene.cells[i][j] =
                (struct lf_cell){.bytes = (const uint8_t *)&scene.numbers[i][j],
                                 .size = 8,
                                 .is_null = draw_one_in(5)};
        }
        ts -= (int64_t)(draw() >> (27 + draw_below(small + 1)));
    }
    return count;
}

static int64_t
make_row(uint32_t count, struct lf_buffer *row)
{
    struct lf_state *state = lf_state_make(scene.plan);
    uint8_t outcomes[EVENTS];
    int64_t wm;

    assert_non_null(state);
    assert_int_equal(lf_state_apply(state, scene.events, count, outcomes),
                     LF_TILE_OK);
    assert_int_equal(lf_state_encode(state, row), LF_TILE_OK);
    wm = lf_state_wm(state);
    lf_state_free(state);
    return wm;
}

/* --- answers -----------------------------------------------------------------*/

static void
expect_same(const struct lf_reading *got, const struct lf_reading *wanted)
{
    assert_int_equal(got->is_visible, wanted->is_visible);
    for (uint32_t i = 0; i < got->count; i++) {
        const struct lf_tile_answer *a = &got->answers[i];
        const struct lf_tile_answer *b = &wanted->answers[i];

        assert_int_equal(a->kind, b->kind);
        assert_int_equal(a->is_overflow, b->is_overflow);
        assert_int_equal(a->size, b->size);
        assert_false(a->is_overflow && a->kind != LF_ANSWER_NULL);
        if (a->kind == LF_ANSWER_VALUE)
            assert_memory_equal(a->bytes, b->bytes, a->size);
    }
}

/* One row at several t, as this processor does it, and as any does. */
static void
read_row(void)
{
    struct lf_buffer row = {0};
    uint32_t count = draw_events();
    int64_t wm = make_row(count, &row);
    struct lf_reading *row_of =
        lf_reading_make(scene.plan, scene.asked, scene.count);
    struct lf_reading *events_of =
        lf_reading_make(scene.plan, scene.asked, scene.count);
    struct lf_read *read = (struct lf_read *)row_of;

    assert_non_null(row_of);
    assert_non_null(events_of);
    assert_true(read->has_runs);
    assert_int_equal(read->run.lone.is_on, scene.plan->input_count == 1);
    for (uint32_t i = 0; i < 6; i++) {
        int64_t t = wm + 1 + (int64_t)(draw() >> (24 + draw_below(40)));

        read->run.is_fast = i % 2 && lf_varint_has_fast();
        assert_int_equal(
            lf_reading_row(row_of, row.data, row.size, wm, t, NULL),
            LF_TILE_OK);
        assert_int_equal(lf_reading_events(events_of, scene.events, count, t),
                         LF_TILE_OK);
        expect_same(row_of, events_of);
    }
    lf_reading_free(row_of);
    lf_reading_free(events_of);
    lf_buffer_free(&row);
}

static void
rows_of_one_integer_are_read_as_their_events(void **state)
{
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        draw_view(true);
        read_row();
        lf_tile_plan_free(scene.plan);
    }
}

static void
rows_of_two_are_too(void **state)
{
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        draw_view(false);
        read_row();
        lf_tile_plan_free(scene.plan);
    }
}

/* --- numbers -----------------------------------------------------------------*/

static void
expect_number(const uint8_t *bytes, bool is_fast)
{
    const uint8_t *end, *at = bytes;
    uint64_t wanted = 0, got = 0;

    end = lf_varint_get(bytes, bytes + 8, &wanted);
    assert_int_equal(lf_varint_peek_as(&at, &got, is_fast), end != NULL);
    if (!end)
        return;
    assert_true(got == wanted);
    assert_ptr_equal(at, end);
}

static void
numbers_are_taken_apart_in_both_ways(void **state)
{
    bool has_fast = lf_varint_has_fast();

    (void)state;
    for (int i = 0; i < 200000; i++) {
        static const uint8_t edges[] = {0, 1, 0x7f, 0x80, 0x81, 0xff};
        uint32_t nibbles = (uint32_t)(draw() >> draw_below(64));
        uint8_t bytes[16] = {0};

        if (draw_one_in(2)) /* as they are written */
            lf_varint_put(bytes, draw() >> (8 + draw_below(56)));
        else
            for (int j = 0; j < 8; j++)
                bytes[j] = draw_one_in(2) ? (uint8_t)draw()
                                          : edges[draw_below(sizeof edges)];
        expect_number(bytes, false);
        for (int j = 0; j < 8; j++)
            assert_int_equal(lf_nibbles_spread(nibbles) >> 8 * j & 255,
                             nibbles >> 4 * j & 15);
        if (!has_fast)
            continue;
        expect_number(bytes, true);
        assert_true(lf_nibbles_spread_fast(nibbles) ==
                    lf_nibbles_spread(nibbles));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        DRAWN(rows_of_one_integer_are_read_as_their_events),
        DRAWN(rows_of_two_are_too),
        DRAWN(numbers_are_taken_apart_in_both_ways),
    };

    draw_begin();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
