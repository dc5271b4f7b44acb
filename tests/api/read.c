/* SPDX-License-Identifier: Apache-2.0 */
/* What a read answers: states, max age, fill policies, shapes of requests. */
#include "common.h"

#define DEFINITIONS                                            \
    "CREATE ENTITY e (k INT64);"                               \
    "CREATE FEATURE VIEW v (a INT64 DEFAULT 1, b INT64) FOR e" \
    " WITH (ttl = '60 s');"                                    \
    "CREATE FEATURE VIEW w (c STRING DEFAULT 'none') FOR e;"   \
    "CREATE ENTITY pair (k INT64, p STRING);"                  \
    "CREATE FEATURE VIEW x (n INT64) FOR pair;"

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

#define READ(name) cmocka_unit_test_setup_teardown(name, begin, fixture_end)

static void
expect_filled(struct fixture *f, int32_t fill, const char *features,
              const char *keys, const char *expected)
{
    struct reader reader = open_reader(f, features, fill, keys);

    expect_read(&reader, expected);
    close_reader(&reader);
}

static void
each_state_says_why(void **state)
{
    struct fixture *f = *state;

    upsert(f, "v", NULL, "1 @0 5 6\n2 @0 null null\n3 @-61 7 8\n4 @0 9 9");
    erase(f, "v", NULL, "4 @0");
    expect_rows(f, "v(*)", "1\n2\n3\n4\n5\nnull",
                "present 5 6\nnull 1* null\noutside 1* null\n"
                "not_found 1* null\nnot_found 1* null\nno_key 1* null");
    expect_rows(f, "v(b)", "1\n2", "present 6\nnull null");
    upsert(f, "v", NULL, "2 @0 null 3");
    expect_rows(f, "v(a)", "2", "null 1*");
    expect_rows(f, "v(a, b)", "2", "present 1* 3");
}

static void
the_newest_row_answers_whatever_its_timestamp(void **state)
{
    struct fixture *f = *state;

    upsert(f, "w", NULL, "1 @3600 ahead\n2 -9223372036854775807 old");
    upsert(f, "v", NULL, "1 @3600 5 6");
    expect_rows(f, "w(*), v(b)", "1\n2",
                "present,present ahead 6\npresent,not_found old null");
}

/* Writes one row of v just so old; what a read then answers. */
static void
expect_aged(struct fixture *f, int64_t age, const char *expected)
{
    char row[64];

    snprintf(row, sizeof row, "1 %" PRId64 " 5 6", NOON - age);
    upsert(f, "v", NULL, row);
    expect_rows(f, "v(*)", "1", expected);
    define(f, "DROP FEATURE VIEW v");
    define(f, DEFINITIONS);
}

static void
a_cell_exactly_as_old_as_the_ttl_is_inside(void **state)
{
    struct fixture *f = *state;

    expect_aged(f, 60 * SECOND - 1, "present 5 6");
    expect_aged(f, 60 * SECOND, "present 5 6");
    expect_aged(f, 60 * SECOND + 1, "outside 1* null");
    expect_aged(f, -30 * SECOND, "present 5 6");
    upsert(f, "v", NULL, "1 -9223372036854775807 5 6");
    expect_rows(f, "v(*)", "1", "outside 1* null");
}

static void
time_that_passes_takes_values_away(void **state)
{
    struct fixture *f = *state;

    upsert(f, "v", NULL, "1 @0 5 6");
    move_clock(f, NOON + 60 * SECOND);
    expect_rows(f, "v(*)", "1", "present 5 6");
    move_clock(f, NOON + 60 * SECOND + 1);
    expect_rows(f, "v(*)", "1", "outside 1* null");
}

static void
cells_age_one_by_one_and_the_row_with_the_last(void **state)
{
    struct fixture *f = *state;

    patch(f, "v", A, "1 @-90 5");
    patch(f, "v", B, "1 @-30 6");
    expect_rows(f, "v(*)", "1", "present 1* 6");
    expect_rows(f, "v(a)", "1", "present 1*");
    expect_filled(f, FEATURE_FILL_STALE, "v(*)", "1", "present 5* 6");
    move_clock(f, NOON + 31 * SECOND);
    expect_rows(f, "v(*)", "1", "outside 1* null");
    expect_filled(f, FEATURE_FILL_STALE, "v(*)", "1", "outside 5* 6*");
}

static void
the_fill_policy_says_what_is_served_instead(void **state)
{
    static const char *const keys = "1\n2\n3\n4\nnull";
    struct fixture *f = *state;

    upsert(f, "v", NULL, "1 @0 5 6\n2 @0 null null\n3 @-61 7 null");
    expect_filled(f, FEATURE_FILL_DEFAULTS, "v(*)", keys,
                  "present 5 6\nnull 1* null\noutside 1* null\n"
                  "not_found 1* null\nno_key 1* null");
    expect_filled(f, FEATURE_FILL_NULLS, "v(*)", keys,
                  "present 5 6\nnull null null\noutside null null\n"
                  "not_found null null\nno_key null null");
    expect_filled(f, FEATURE_FILL_STALE, "v(*)", keys,
                  "present 5 6\nnull 1* null\noutside 7* null\n"
                  "not_found 1* null\nno_key 1* null");
}

static void
stale_texts_and_lists_are_served_too(void **state)
{
    struct fixture *f = *state;

    define(f, "CREATE FEATURE VIEW y (s STRING, l STRING[], vec INT32[2],"
              " b BOOL) FOR e WITH (ttl = '1 s')");
    upsert(f, "y", NULL, "1 @-2 a [b,c] [1,2] true\n2 @0 d [] [3,4] false");
    expect_filled(f, FEATURE_FILL_STALE, "y(*)", "1\n2\n3",
                  "outside a* [b,c]* [1,2]* true*\n"
                  "present d [] [3,4] false\n"
                  "not_found null null null null");
    expect_rows(f, "y(*)", "1\n2",
                "outside null null null null\npresent d [] [3,4] false");
}

static void
one_key_stands_for_all_rows(void **state)
{
    struct fixture *f = *state;
    struct reader reader;

    upsert(f, "x", NULL, "1 a 100 10\n1 b 100 11\n2 a 100 20");
    upsert(f, "w", NULL, "1 100 one");
    reader = open_reader(f, "x(n), w(c)", 0, NULL);
    must(feature_request_set_key(reader.request, 0, FEATURE_TYPE_INT64,
                                 &(int64_t){1}, NULL, NULL, 1, &problem));
    must(feature_request_set_key(reader.request, 1, FEATURE_TYPE_STRING, "abca",
                                 (const int32_t[]){0, 1, 2, 3, 4}, NULL, 4,
                                 &problem));
    expect_read(&reader, "present,present 10 one\npresent,present 11 one\n"
                         "not_found,present null one\npresent,present 10 one");
    must(feature_request_set_key(reader.request, 1, FEATURE_TYPE_STRING, "a",
                                 (const int32_t[]){0, 1}, NULL, 1, &problem));
    must(feature_request_set_key(reader.request, 0, FEATURE_TYPE_INT64,
                                 (const int64_t[]){1, 2, 3}, NULL,
                                 (uint8_t[]){3}, 3, &problem));
    expect_read(&reader, "present,present 10 one\npresent,not_found 20 none*\n"
                         "no_key,no_key null none*");
    must(feature_request_set_key(reader.request, 0, FEATURE_TYPE_INT64, NULL,
                                 NULL, NULL, 0, &problem));
    expect_read(&reader, "");
    close_reader(&reader);
}

static void
one_null_key_stands_for_all_rows_too(void **state)
{
    struct fixture *f = *state;
    struct reader reader = open_reader(f, "x(n), w(c)", 0, NULL);

    must(feature_request_set_key(reader.request, 0, FEATURE_TYPE_INT64,
                                 &(int64_t){1}, NULL, (uint8_t[]){0}, 1,
                                 &problem));
    must(feature_request_set_key(reader.request, 1, FEATURE_TYPE_STRING, "ab",
                                 (const int32_t[]){0, 1, 2}, NULL, 2,
                                 &problem));
    expect_read(&reader, "no_key,no_key null none*\nno_key,no_key null none*");
    close_reader(&reader);
}

static void
rows_answer_in_order_duplicates_too(void **state)
{
    struct fixture *f = *state;

    upsert(f, "w", NULL, "1 100 a\n2 100 b\n3 100 c");
    expect_rows(f, "w(*)", "3\n1\n3\n9\n2\n1\n3",
                "present c\npresent a\npresent c\nnot_found none*\n"
                "present b\npresent a\npresent c");
}

static void
no_rows_are_a_fine_answer(void **state)
{
    struct fixture *f = *state;
    struct reader reader = open_reader(f, "v(a), w(c)", 0, "");
    struct feature_column column;

    must(feature_request_read(reader.request, &problem));
    assert_int_equal(feature_request_row_count(reader.request), 0);
    assert_int_equal(feature_request_commit(reader.request), 1);
    must(feature_request_column(reader.request, 1, &column, &problem));
    assert_int_equal(column.rows, 0);
    assert_int_equal(column.null_count, 0);
    assert_non_null(column.validity);
    assert_int_equal(column.offsets[0], 0);
    close_reader(&reader);
}

static void
keys_stay_until_they_are_set_again(void **state)
{
    struct fixture *f = *state;
    struct reader reader;

    upsert(f, "x", NULL, "1 a 100 10\n2 b 100 20");
    reader = open_reader(f, "x(n)", 0, "1 a\n2 b");
    expect_read(&reader, "present 10\npresent 20");
    expect_read(&reader, "present 10\npresent 20");
    upsert(f, "x", NULL, "2 b 101 21");
    expect_read(&reader, "present 10\npresent 21");
    must(feature_request_set_key(reader.request, 0, FEATURE_TYPE_INT64,
                                 (const int64_t[]){2, 2}, NULL, NULL, 2,
                                 &problem));
    expect_read(&reader, "not_found null\npresent 21");
    close_reader(&reader);
}

static void
unequal_rows_are_refused_and_leave_no_answer(void **state)
{
    struct fixture *f = *state;
    struct reader reader = open_reader(f, "x(n)", 0, "1 a\n2 b");

    must(feature_request_read(reader.request, &problem));
    must(feature_request_set_key(reader.request, 0, FEATURE_TYPE_INT64,
                                 (const int64_t[]){1, 2, 3}, NULL, NULL, 3,
                                 &problem));
    must_fail(feature_request_read(reader.request, &problem), FEATURE_INVALID,
              "argument");
    assert_non_null(strstr(problem.message, "\"p\""));
    assert_int_equal(feature_request_row_count(reader.request), 0);
    assert_null(feature_request_states(reader.request, 0));
    close_reader(&reader);
}

static void
requests_of_one_query_do_not_disturb_each_other(void **state)
{
    struct fixture *f = *state;
    struct reader one, two;

    upsert(f, "w", NULL, "1 100 a\n2 100 b");
    one = open_reader(f, "w(*)", 0, "1");
    two.query = one.query;
    must(feature_request_create(one.query, &two.request, &problem));
    set_keys(&two, "2");
    expect_read(&one, "present a");
    expect_read(&two, "present b");
    expect_answer(one.request, "present a");
    feature_request_free(two.request);
    expect_answer(one.request, "present a");
    close_reader(&one);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        READ(each_state_says_why),
        READ(the_newest_row_answers_whatever_its_timestamp),
        READ(a_cell_exactly_as_old_as_the_ttl_is_inside),
        READ(time_that_passes_takes_values_away),
        READ(cells_age_one_by_one_and_the_row_with_the_last),
        READ(the_fill_policy_says_what_is_served_instead),
        READ(stale_texts_and_lists_are_served_too),
        READ(one_key_stands_for_all_rows),
        READ(one_null_key_stands_for_all_rows_too),
        READ(rows_answer_in_order_duplicates_too),
        READ(no_rows_are_a_fine_answer),
        READ(keys_stay_until_they_are_set_again),
        READ(unequal_rows_are_refused_and_leave_no_answer),
        READ(requests_of_one_query_do_not_disturb_each_other),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
