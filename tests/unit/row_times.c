/* SPDX-License-Identifier: Apache-2.0 */
/* Cell times: each cell keeps the time it was written at. */
#include "sample.h"

/* A schema of BOOLs, whose rows are little but times. */
static void
sample_of_bools(struct sample *sample, uint32_t count)
{
    sample_begin(sample, 1, count);
    for (uint32_t i = 0; i < count; i++)
        sample->schema.fields[i].type =
            (struct lf_type){.code = FEATURE_TYPE_BOOL, .width = 1};
    sample_lay_out(sample);
    sample_draw(sample, 2, 1);
}

/* Gives the cells exactly count different times, in no order. */
static void
draw_times(struct sample *sample, uint32_t count, bool with_unset)
{
    uint32_t cells = sample->schema.count;

    for (uint32_t i = 0; i < cells; i++) {
        uint32_t which = i < count ? i : draw_below(count);

        sample->fields[i].time = NOON - 1000 * (int64_t)which;
        if (with_unset && which == count - 1)
            sample->fields[i].time = LF_TIME_UNSET;
    }
    for (uint32_t i = cells; i-- > 1;) {
        uint32_t other = draw_below(i + 1);
        int64_t time = sample->fields[i].time;

        sample->fields[i].time = sample->fields[other].time;
        sample->fields[other].time = time;
    }
    sample_arrange(sample);
}

static uint32_t
encoded_time_count(const struct sample *sample, const struct lf_buffer *bytes)
{
    struct lf_row row;

    assert_true(lf_row_open(&row, bytes->data, bytes->size));
    assert_true(lf_row_check(&row, &sample->layout));
    return row.time_count;
}

static void
a_row_of_one_time_keeps_it_in_its_header_alone(void **state)
{
    struct lf_buffer row = {0};
    struct sample sample;

    (void)state;
    sample_of_bools(&sample, 20);
    draw_times(&sample, 1, false);
    expect_round_trip(&sample, &row);
    assert_int_equal(row.size, sample.layout.data_offset);
    assert_int_equal(lf_load_u16(row.data + 6), 0);
    assert_int_equal(encoded_time_count(&sample, &row), 0);
    sample_end(&sample);
    lf_buffer_free(&row);
}

static void
any_number_of_different_times_comes_back(void **state)
{
    struct lf_buffer row = {0};
    struct sample sample;

    (void)state;
    sample_of_bools(&sample, 300);
    for (uint32_t count = 2; count <= 300; count++) {
        draw_times(&sample, count, draw_one_in(2));
        expect_round_trip(&sample, &row);
        assert_int_equal(encoded_time_count(&sample, &row), count);
    }
    sample_end(&sample);
    lf_buffer_free(&row);
}

static void
ranks_take_two_bytes_past_256_times(void **state)
{
    struct lf_buffer row = {0};
    struct sample sample;

    (void)state;
    sample_of_bools(&sample, 1000);
    draw_times(&sample, 256, false);
    expect_round_trip(&sample, &row);
    assert_int_equal(row.size, sample.layout.data_offset + 2 + 8 * 256 + 1000);
    draw_times(&sample, 257, false);
    expect_round_trip(&sample, &row);
    assert_int_equal(row.size,
                     sample.layout.data_offset + 2 + 8 * 257 + 2 * 1000);
    sample_end(&sample);
    lf_buffer_free(&row);
}

static void
four_thousand_cells_may_all_differ_in_time(void **state)
{
    struct lf_buffer row = {0};
    struct sample sample;

    (void)state;
    sample_of_bools(&sample, LF_FEATURES_MAX);
    draw_times(&sample, LF_FEATURES_MAX, true);
    expect_round_trip(&sample, &row);
    assert_int_equal(encoded_time_count(&sample, &row), LF_FEATURES_MAX);
    sample_end(&sample);
    lf_buffer_free(&row);
}

static void
the_time_of_a_row_is_its_newest(void **state)
{
    struct lf_buffer bytes = {0};
    struct sample sample;
    struct lf_row row;

    (void)state;
    sample_of_bools(&sample, 7);
    for (uint32_t newest = 0; newest < 7; newest++) {
        for (uint32_t i = 0; i < 7; i++)
            sample.slots[i].time = i == newest ? NOON : NOON - 5;
        assert_true(lf_row_encode(&sample.layout, sample.slots, &bytes));
        assert_true(lf_row_open(&row, bytes.data, bytes.size));
        assert_true(row.timestamp == NOON);
        assert_true(lf_row_check(&row, &sample.layout));
        assert_true(lf_load_i64(row.times) == NOON);
        assert_true(lf_load_i64(row.times + 8) == NOON - 5);
    }
    sample_end(&sample);
    lf_buffer_free(&bytes);
}

static void
the_ends_of_time_are_times(void **state)
{
    struct lf_buffer row = {0};
    struct sample sample;

    (void)state;
    sample_of_bools(&sample, 4);
    sample.fields[0].time = INT64_MAX;
    sample.fields[1].time = LF_TIME_UNSET;
    sample.fields[2].time = INT64_MIN + 1;
    sample.fields[3].time = -1;
    sample_arrange(&sample);
    expect_round_trip(&sample, &row);
    assert_int_equal(encoded_time_count(&sample, &row), 4);
    sample_end(&sample);
    lf_buffer_free(&row);
}

static void
a_row_with_all_cells_but_one_never_written_comes_back(void **state)
{
    struct lf_buffer row = {0};

    (void)state;
    for (uint32_t count = 2; count < 70; count++) {
        struct sample sample;
        uint32_t written = draw_below(count);

        sample_begin(&sample, 1, count);
        sample_draw(&sample, 0, 1);
        for (uint32_t i = 0; i < count; i++)
            if (i != written) {
                sample.fields[i].is_null = true;
                sample.fields[i].time = LF_TIME_UNSET;
            }
        sample_arrange(&sample);
        expect_round_trip(&sample, &row);
        sample_end(&sample);
    }
    lf_buffer_free(&row);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        DRAWN(a_row_of_one_time_keeps_it_in_its_header_alone),
        DRAWN(any_number_of_different_times_comes_back),
        DRAWN(ranks_take_two_bytes_past_256_times),
        DRAWN(four_thousand_cells_may_all_differ_in_time),
        DRAWN(the_time_of_a_row_is_its_newest),
        DRAWN(the_ends_of_time_are_times),
        DRAWN(a_row_with_all_cells_but_one_never_written_comes_back),
    };

    draw_begin();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
