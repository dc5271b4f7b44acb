/* SPDX-License-Identifier: Apache-2.0 */
/* Where level 0 ends, and what the tile that runs there can hold. */
#include "draw.h"

#include "format/tiles.h"

#define SECOND INT64_C(1000000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define NOON   (INT64_C(1767268800) * SECOND) /* 2026-01-01 12:00 UTC */

/* A count over an hour by minutes, and over a minute by another hop unless 0. */
static struct lf_tile_plan *
make_plan(int64_t skew, int64_t hop)
{
    static struct lf_aggregate aggregates[2];
    static struct lf_feature features[2];
    static struct lf_schema_field fields[2];
    static struct lf_schema schema;
    static struct lf_event event;
    static struct lf_view view;
    struct lf_tile_plan *plan;

    for (uint32_t i = 0; i < 2; i++) {
        aggregates[i] =
            (struct lf_aggregate){.kind = LF_COUNT,
                                  .column = LF_NO_COLUMN,
                                  .by = LF_NO_COLUMN,
                                  .window = {LF_SLIDING, HOUR, MINUTE}};
        features[i] =
            (struct lf_feature){.id = i + 1,
                                .type = {FEATURE_TYPE_INT64, 1, false},
                                .aggregate = &aggregates[i]};
        fields[i] = (struct lf_schema_field){i + 1, features[i].type};
    }
    aggregates[1].window = (struct lf_window){LF_SLIDING, MINUTE, hop};
    schema = (struct lf_schema){
        .version = 1, .count = hop ? 2 : 1, .fields = fields};
    event = (struct lf_event){.max_skew = skew};
    view = (struct lf_view){.features = features,
                            .feature_count = schema.count,
                            .schemas = &schema,
                            .schema_count = 1};
    assert_int_equal(lf_tile_plan_make(&plan, &event, &view, 1), LF_TILE_OK);
    return plan;
}

static void
expect_grain(int64_t skew, int64_t hop, int64_t grain)
{
    struct lf_tile_plan *plan = make_plan(skew, hop);

    assert_int_equal(plan->grain, grain);
    lf_tile_plan_free(plan);
}

static void
a_grain_is_a_quarter_of_what_is_kept_or_less(void **state)
{
    (void)state;
    expect_grain(5 * SECOND, 0, 5 * SECOND / 4);
    expect_grain(5 * SECOND, 10 * SECOND, 5 * SECOND / 4);
    expect_grain(7 * SECOND, 0, 3 * SECOND / 2); /* 1.75 divides no minute */
    expect_grain(HOUR, 0, MINUTE);
    expect_grain(3, 0, 1);
    expect_grain(LF_SKEW_NONE, 0, 1);
    expect_grain(0, 1, MINUTE / 4); /* EXACT: a minute is kept */
}

static void
a_tile_that_runs_ends_where_level_0_begins(void **state)
{
    struct lf_tile_plan *plan = make_plan(5 * SECOND, 10 * SECOND);
    int64_t bounds[3], begin = NOON + 25 * SECOND / 4;

    (void)state;
    assert_int_equal(plan->level_count, 3);
    lf_tile_bounds(plan, NOON + 12 * SECOND, bounds);
    assert_int_equal(bounds[0], begin);
    assert_int_equal(lf_tile_newest(plan, 1, NOON, bounds), begin - 1);
    assert_int_equal(lf_tile_newest(plan, 1, NOON + 3, bounds), begin - 1);
    assert_int_equal(lf_tile_newest(plan, 1, NOON - 1, bounds), NOON - 1);
    assert_int_equal(lf_tile_newest(plan, 0, NOON, bounds), NOON);
    assert_int_equal(lf_tile_newest(plan, 2, NOON - 1, bounds), NOON - 1);
    /* What is promised lies at or after it. */
    for (int64_t wm = NOON; wm < NOON + MINUTE; wm += 999983) {
        lf_tile_bounds(plan, wm, bounds);
        assert_in_range(wm - bounds[0], plan->skew,
                        plan->skew + plan->grain - 1);
        assert_true(bounds[1] <= bounds[0] && bounds[2] <= bounds[1]);
    }
    lf_tile_plan_free(plan);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_grain_is_a_quarter_of_what_is_kept_or_less),
        cmocka_unit_test(a_tile_that_runs_ends_where_level_0_begins),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
