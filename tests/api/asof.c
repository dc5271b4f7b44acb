/* SPDX-License-Identifier: Apache-2.0 */
/* Reads as of a time, answered from current rows or not at all. */
#include "common.h"

#include <malloc.h>

#define DEFINITIONS                                               \
    "CREATE ENTITY e (k INT64);"                                  \
    "CREATE FEATURE VIEW v (a INT64 DEFAULT 1, b INT64) FOR e;"   \
    "CREATE FEATURE VIEW aged (a INT64 DEFAULT 1, b INT64) FOR e" \
    " WITH (ttl = '60 s');"

#define A "k, event_timestamp, a"
#define B "k, event_timestamp, b"

static int
begin(void **state)
{
    if (fixture_begin(state))
        return -1;
    define(*state, DEFINITIONS);
    return 0;
}

#define AS_OF(name) cmocka_unit_test_setup_teardown(name, begin, fixture_end)

/* Reads key 1 at count times. */
static void
expect_at(struct fixture *f, const char *features, const int64_t *times,
          uint32_t count, const char *expected)
{
    struct reader reader = open_reader(f, features, 0, "1");

    must(feature_request_set_as_of(reader.request, times, count, &problem));
    expect_read(&reader, expected);
    close_reader(&reader);
}

#define TIMES(...)                  \
    (const int64_t[]){__VA_ARGS__}, \
        sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t)

static void
each_row_answers_at_its_own_time(void **state)
{
    struct fixture *f = *state;
    struct reader reader;

    upsert(f, "v", NULL, "1 100 5 6\n2 200 7 8");
    reader = open_reader(f, "v(*)", 0, "1\n2\n1\n2\n3");
    must(feature_request_set_as_of(
        reader.request, (const int64_t[]){100, 200, 99, 199, 0}, 5, &problem));
    expect_read(&reader, "present 5 6\npresent 7 8\nno_history null null\n"
                         "no_history null null\nnot_found 1* null");
    must(feature_request_set_as_of(reader.request, &(int64_t){150}, 1,
                                   &problem));
    expect_read(&reader, "present 5 6\nno_history null null\npresent 5 6\n"
                         "no_history null null\nnot_found 1* null");
    close_reader(&reader);
}

static void
as_of_times_stay_until_they_are_taken_back(void **state)
{
    struct fixture *f = *state;
    struct reader reader;

    upsert(f, "v", NULL, "1 100 5 6");
    reader = open_reader(f, "v(*)", 0, "1");
    must(
        feature_request_set_as_of(reader.request, &(int64_t){99}, 1, &problem));
    expect_read(&reader, "no_history null null");
    expect_read(&reader, "no_history null null");
    must(feature_request_set_as_of(reader.request, NULL, 0, &problem));
    expect_read(&reader, "present 5 6");
    must(
        feature_request_set_as_of(reader.request, &(int64_t){99}, 1, &problem));
    feature_request_clear(reader.request);
    set_keys(&reader, "1");
    expect_read(&reader, "present 5 6");
    close_reader(&reader);
}

static void
one_key_is_asked_at_many_times(void **state)
{
    struct fixture *f = *state;

    upsert(f, "v", NULL, "1 100 5 6");
    expect_at(f, "v(*)", TIMES(99, 100, 101, INT64_MAX, -INT64_MAX),
              "no_history null null\npresent 5 6\npresent 5 6\npresent 5 6\n"
              "no_history null null");
}

static void
cells_are_known_from_their_own_times_on(void **state)
{
    struct fixture *f = *state;

    patch(f, "v", A, "1 100 5");
    patch(f, "v", B, "1 300 6");
    expect_at(f, "v(*)", TIMES(99, 100, 299, 300),
              "no_history null null\nno_history 5 null\nno_history 5 null\n"
              "present 5 6");
    expect_at(f, "v(a)", TIMES(99, 100, 299, 300),
              "no_history null\npresent 5\npresent 5\npresent 5");
    expect_at(f, "v(b)", TIMES(99, 100, 299, 300),
              "no_history null\nno_history null\nno_history null\npresent 6");
    patch(f, "v", A, "1 150 null");
    expect_at(f, "v(a)", TIMES(149, 150), "no_history null\nnull 1*");
}

static void
timestamps_are_those_of_the_answer(void **state)
{
    struct fixture *f = *state;
    struct reader reader;
    const int64_t *times;

    patch(f, "v", A, "1 100 5");
    patch(f, "v", B, "1 300 6");
    reader = open_reader(f, "v(*)", 0, "1");
    must(feature_request_set_as_of(reader.request, TIMES(99, 200, 300, 400),
                                   &problem));
    must(feature_request_read(reader.request, &problem));
    times = feature_request_timestamps(reader.request, 0);
    assert_true(times[0] == INT64_MIN);
    assert_int_equal(times[1], 100);
    assert_int_equal(times[2], 300);
    assert_int_equal(times[3], 300);
    close_reader(&reader);
}

static void
a_cell_nobody_wrote_was_null_at_every_time(void **state)
{
    struct fixture *f = *state;

    patch(f, "v", A, "1 100 5");
    expect_at(f, "v(*)", TIMES(99, 100),
              "no_history null null\npresent 5 null");
    expect_at(f, "v(b)", TIMES(100), "null null");
}

static void
a_deleted_row_is_gone_from_then_on_and_unknown_before(void **state)
{
    struct fixture *f = *state;

    upsert(f, "v", NULL, "1 100 5 6");
    erase(f, "v", NULL, "1 200");
    expect_at(f, "v(*)", TIMES(99, 150, 199, 200, 300),
              "no_history null null\nno_history null null\n"
              "no_history null null\nnot_found 1* null\nnot_found 1* null");
    patch(f, "v", A, "1 400 7");
    expect_at(f, "v(*)", TIMES(199, 400),
              "no_history null null\npresent 7 null");
}

static void
max_age_counts_from_the_time_asked(void **state)
{
    struct fixture *f = *state;

    upsert(f, "aged", NULL, "1 100 5 6");
    expect_at(f, "aged(*)",
              TIMES(100, 100 + 60 * SECOND, 101 + 60 * SECOND, NOON),
              "present 5 6\npresent 5 6\noutside 1* null\noutside 1* null");
    define(f, "DROP FEATURE VIEW aged");
    define(f, DEFINITIONS);
    patch(f, "aged", A, "1 0 5");
    patch(f, "aged", B, "1 100000000 6");
    expect_at(f, "aged(*)",
              TIMES(60 * SECOND, 60 * SECOND + 1, 100 * SECOND, 160 * SECOND,
                    160 * SECOND + 1),
              "no_history 5 null\nno_history 1* null\npresent 1* 6\n"
              "present 1* 6\noutside 1* null");
    expect_at(f, "aged(a)", TIMES(60 * SECOND, 60 * SECOND + 1),
              "present 5\noutside 1*");
}

static void
time_has_no_edge_to_fall_off(void **state)
{
    struct fixture *f = *state;

    upsert(f, "aged", NULL, "1 -9223372036854775807 5 6");
    expect_at(f, "aged(*)", TIMES(-INT64_MAX, -INT64_MAX + 1, INT64_MAX),
              "present 5 6\npresent 5 6\noutside 1* null");
}

static void
what_is_unknown_is_null_under_every_fill_policy(void **state)
{
    struct fixture *f = *state;

    upsert(f, "aged", NULL, "1 100 5 6");
    for (int32_t fill = 0; fill <= FEATURE_FILL_STALE; fill++) {
        struct reader reader = open_reader(f, "aged(*)", fill, "1");

        must(feature_request_set_as_of(reader.request, &(int64_t){99}, 1,
                                       &problem));
        expect_read(&reader, "no_history null null");
        close_reader(&reader);
    }
}

static void
null_keys_have_no_history_either(void **state)
{
    struct fixture *f = *state;
    struct reader reader = open_reader(f, "v(*)", 0, "null\n1");

    must(
        feature_request_set_as_of(reader.request, &(int64_t){99}, 1, &problem));
    expect_read(&reader, "no_key 1* null\nnot_found 1* null");
    close_reader(&reader);
}

static void
with_one_clock_now_and_as_of_now_agree(void **state)
{
    struct fixture *f = *state;
    struct reader now, as_of;
    static char answer[ANSWER_SIZE];

    upsert(f, "aged", NULL, "1 @-30 5 6\n2 @-61 5 6\n3 @0 null null");
    patch(f, "aged", A, "4 @-90 7\n5 @0 9");
    patch(f, "aged", B, "4 @-1 8");
    erase(f, "aged", NULL, "6 @-5");
    now = open_reader(f, "aged(*)", 0, "1\n2\n3\n4\n5\n6\n7\nnull");
    as_of = open_reader(f, "aged(*)", 0, "1\n2\n3\n4\n5\n6\n7\nnull");
    must(feature_request_set_as_of(as_of.request, &(int64_t){NOON}, 1,
                                   &problem));
    must(feature_request_read(now.request, &problem));
    print_answer(now.request, answer);
    expect_read(&as_of, answer);
    assert_memory_equal(feature_request_timestamps(now.request, 0),
                        feature_request_timestamps(as_of.request, 0), 8 * 8);
    expect_answer(now.request, "present 5 6\noutside 1* null\nnull 1* null\n"
                               "present 1* 8\npresent 9 null\n"
                               "not_found 1* null\nnot_found 1* null\n"
                               "no_key 1* null");
    close_reader(&now);
    close_reader(&as_of);
}

static void
features_of_a_later_schema_are_unknown_before_the_row(void **state)
{
    struct fixture *f = *state;

    upsert(f, "v", NULL, "1 100 5 6");
    define(f, "CREATE FEATURE VIEW v (c INT64 DEFAULT 3) FOR e");
    expect_at(f, "v(*)", TIMES(99, 100),
              "no_history null null null\npresent 5 6 3*");
}

static void
unequal_and_impossible_times_are_refused(void **state)
{
    struct fixture *f = *state;
    struct reader reader;

    upsert(f, "v", NULL, "1 100 5 6");
    reader = open_reader(f, "v(*)", 0, "1\n2\n3");
    must(feature_request_set_as_of(reader.request, TIMES(99, 100), &problem));
    must_fail(feature_request_read(reader.request, &problem), FEATURE_INVALID,
              "argument");
    must_fail(feature_request_set_as_of(reader.request, TIMES(1, INT64_MIN),
                                        &problem),
              FEATURE_INVALID, "argument");
    assert_int_equal(problem.row, 1);
    must_fail(feature_request_set_as_of(reader.request, NULL, 1, &problem),
              FEATURE_INVALID, "argument");
    /* The times that were set before are still there. */
    set_keys(&reader, "1\n1");
    expect_read(&reader, "no_history null null\npresent 5 6");
    close_reader(&reader);
}

#define VERSIONS 24

/* Each row of another schema version, read from the oldest to the newest and
 * again: what is kept of a version is made once. */
static void
many_schema_versions_take_no_more_memory_each_time(void **state)
{
    struct fixture *f = *state;
    int64_t times[VERSIONS];
    struct reader reader;
    char text[160];
    size_t before = 0;

    define(f, "CREATE FEATURE VIEW w (a INT64) FOR e WITH (history = '9 d');");
    for (int i = 0; i < VERSIONS; i++) {
        times[i] = 100 + i;
        snprintf(text, sizeof text, "1 %d %d", 100 + i, i);
        patch(f, "w", A, text);
        snprintf(text, sizeof text,
                 "CREATE FEATURE VIEW w (a INT64, f%d INT64) FOR e;", i);
        define(f, text);
    }
    upsert(f, "w", A, "1 1000 0");
    reader = open_reader(f, "w(a)", 0, "1");
    must(feature_request_set_as_of(reader.request, times, VERSIONS, &problem));
    for (int i = 0; i < 20; i++) {
        must(feature_request_read(reader.request, &problem));
        if (i == 10)
            before = mallinfo2().uordblks;
    }
    assert_true(mallinfo2().uordblks <= before);
    close_reader(&reader);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        AS_OF(each_row_answers_at_its_own_time),
        AS_OF(as_of_times_stay_until_they_are_taken_back),
        AS_OF(one_key_is_asked_at_many_times),
        AS_OF(cells_are_known_from_their_own_times_on),
        AS_OF(timestamps_are_those_of_the_answer),
        AS_OF(a_cell_nobody_wrote_was_null_at_every_time),
        AS_OF(a_deleted_row_is_gone_from_then_on_and_unknown_before),
        AS_OF(max_age_counts_from_the_time_asked),
        AS_OF(time_has_no_edge_to_fall_off),
        AS_OF(what_is_unknown_is_null_under_every_fill_policy),
        AS_OF(null_keys_have_no_history_either),
        AS_OF(with_one_clock_now_and_as_of_now_agree),
        AS_OF(features_of_a_later_schema_are_unknown_before_the_row),
        AS_OF(unequal_and_impossible_times_are_refused),
        AS_OF(many_schema_versions_take_no_more_memory_each_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
