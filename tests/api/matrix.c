/* SPDX-License-Identifier: Apache-2.0 */
/* The dense float32 matrix. */
#include <math.h>

#include "common.h"

#define DEFINITIONS                                                    \
    "CREATE ENTITY e (k INT64);"                                       \
    "CREATE FEATURE VIEW v (b BOOL, i INT32 DEFAULT 9, l INT64,"       \
    " f FLOAT32, d FLOAT64, t TIMESTAMP, vec FLOAT32[2],"              \
    " wide INT64[3] DEFAULT [1, 2, 3], s STRING, y BYTES, li INT32[])" \
    " FOR e WITH (ttl = '1 h');"                                       \
    "CREATE FEATURE VIEW w (x FLOAT32) FOR e;"

#define NUMBERS "v(b, i, l, f, d, t, vec, wide)"
#define WIDTH   11

static int
begin(void **state)
{
    if (fixture_begin(state))
        return -1;
    define(*state, DEFINITIONS);
    return 0;
}

#define MATRIX(name) cmocka_unit_test_setup_teardown(name, begin, fixture_end)

static struct reader
open_matrix(struct fixture *f, const char *features, int32_t fill,
            const char *keys)
{
    struct feature_query_options options = {.struct_size = sizeof options,
                                            .fill = fill,
                                            .flags = FEATURE_QUERY_MATRIX};
    struct reader reader = {0};

    must(feature_query_create(f->store, features, &options, &reader.query,
                              &problem));
    must(feature_request_create(reader.query, &reader.request, &problem));
    set_keys(&reader, keys);
    return reader;
}

/* Compares floats, a NaN with any NaN. */
static void
expect_floats_at(const float *got, const float *expected, size_t count,
                 int line)
{
    for (size_t i = 0; i < count; i++)
        if (isnan(expected[i]) ? !isnan(got[i])
                               : memcmp(&got[i], &expected[i], sizeof *got)) {
            print_error("float %zu is %.9g, expected %.9g\n", i, (double)got[i],
                        (double)expected[i]);
            _fail(__FILE__, line);
        }
}

#define expect_floats(got, ...)                           \
    expect_floats_at((got), (const float[]){__VA_ARGS__}, \
                     sizeof((const float[]){__VA_ARGS__}) / 4, __LINE__)

static void
numbers_are_cast_and_vectors_flattened(void **state)
{
    struct fixture *f = *state;
    struct reader reader;
    float row[2 * WIDTH];

    upsert(f, "v", "k, event_timestamp, b, i, l, f, d, t, vec, wide",
           "1 @0 true -7 16777217 0.1 0.1 @-90 [1.5,-2] [4,5,6]\n"
           "2 @0 false 16777219 -5 -0 1e300 @30 [inf,nan] [7,8,9]");
    reader = open_matrix(f, NUMBERS, 0, "1\n2");
    assert_int_equal(feature_query_matrix_width(reader.query), WIDTH);
    must(feature_request_read_matrix(reader.request, row, WIDTH, &problem));
    expect_floats(row, 1, -7, 16777216, 0.1f, 0.1f, 90, 1.5f, -2, 4, 5, 6, 0,
                  16777220, -5, -0.0f, INFINITY, -30, INFINITY, NAN, 7, 8, 9);
    close_reader(&reader);
}

static void
nulls_are_nan_and_defaults_are_numbers(void **state)
{
    struct fixture *f = *state;
    struct reader reader;
    float row[3 * WIDTH];

    upsert(f, "v", "k, event_timestamp, f", "1 @0 0.5\n2 @-3601 0.5");
    reader = open_matrix(f, NUMBERS, 0, "1\n2\nnull");
    must(feature_request_read_matrix(reader.request, row, WIDTH, &problem));
    expect_floats(row, NAN, 9, NAN, 0.5f, NAN, NAN, NAN, NAN, 1, 2, 3, NAN, 9,
                  NAN, NAN, NAN, NAN, NAN, NAN, 1, 2, 3, NAN, 9, NAN, NAN, NAN,
                  NAN, NAN, NAN, 1, 2, 3);
    assert_int_equal(feature_request_states(reader.request, 0)[0],
                     FEATURE_STATE_PRESENT);
    assert_int_equal(feature_request_states(reader.request, 0)[1],
                     FEATURE_STATE_OUTSIDE_MAX_AGE);
    assert_int_equal(feature_request_states(reader.request, 0)[2],
                     FEATURE_STATE_NO_KEY);
    assert_true(feature_request_timestamps(reader.request, 0)[0] == NOON);
    assert_int_equal(feature_request_commit(reader.request), 2);
    assert_int_equal(feature_request_row_count(reader.request), 3);
    close_reader(&reader);
    reader = open_matrix(f, "v(i, f)", FEATURE_FILL_NULLS, "1\n2");
    must(feature_request_read_matrix(reader.request, row, 2, &problem));
    expect_floats(row, NAN, 0.5f, NAN, NAN);
    close_reader(&reader);
    reader = open_matrix(f, "v(i, f)", FEATURE_FILL_STALE, "1\n2");
    must(feature_request_read_matrix(reader.request, row, 2, &problem));
    expect_floats(row, 9, 0.5f, 9, 0.5f);
    close_reader(&reader);
}

static void
a_wider_stride_leaves_the_rest_of_each_row_alone(void **state)
{
    struct fixture *f = *state;
    struct reader reader;
    float rows[12];

    for (int i = 0; i < 12; i++)
        rows[i] = -1;
    upsert(f, "v", "k, event_timestamp, vec", "1 @0 [1,2]\n2 @0 [3,4]");
    upsert(f, "w", NULL, "1 @0 5\n2 @0 6");
    reader = open_matrix(f, "v(vec), w(x)", 0, "1\n2");
    assert_int_equal(feature_query_matrix_width(reader.query), 3);
    must(feature_request_read_matrix(reader.request, rows, 5, &problem));
    expect_floats(rows, 1, 2, 5, -1, -1, 3, 4, 6, -1, -1, -1, -1);
    close_reader(&reader);
}

static void
an_age_counts_from_the_time_of_its_row(void **state)
{
    struct fixture *f = *state;
    struct reader reader;
    float rows[3];

    upsert(f, "v", "k, event_timestamp, t", "1 @-60 @-60\n2 @-60 null");
    reader = open_matrix(f, "v(t)", 0, "1");
    must(feature_request_read_matrix(reader.request, rows, 1, &problem));
    expect_floats(rows, 60);
    must(feature_request_set_as_of(
        reader.request,
        (const int64_t[]){NOON - 60 * SECOND, NOON - 59 * SECOND - 500000,
                          NOON - 61 * SECOND},
        3, &problem));
    must(feature_request_read_matrix(reader.request, rows, 1, &problem));
    expect_floats(rows, 0, 0.5f, NAN);
    assert_int_equal(feature_request_states(reader.request, 0)[2],
                     FEATURE_STATE_NO_HISTORY);
    close_reader(&reader);
}

static void
an_age_past_every_number_is_still_a_number(void **state)
{
    struct fixture *f = *state;
    struct reader reader;
    float rows[2];

    upsert(f, "v", "k, event_timestamp, t",
           "1 @0 -9223372036854775808\n2 @0 9223372036854775807");
    reader = open_matrix(f, "v(t)", 0, "1\n2");
    must(feature_request_read_matrix(reader.request, rows, 1, &problem));
    assert_true(rows[0] > 9.2e12f && rows[0] < 9.3e12f);
    assert_true(rows[1] < -9.2e12f && rows[1] > -9.3e12f);
    close_reader(&reader);
}

static void
texts_and_lists_do_not_fit_a_matrix(void **state)
{
    static const char *const features[] = {"v(f, s)", "v(y)", "v(li)", "v(*)"};
    struct feature_query_options options = {.struct_size = sizeof options,
                                            .flags = FEATURE_QUERY_MATRIX};
    struct fixture *f = *state;
    feature_query *query = NULL;

    for (size_t i = 0; i < 4; i++) {
        must_fail(feature_query_create(f->store, features[i], &options, &query,
                                       &problem),
                  FEATURE_INVALID, "argument");
        assert_null(query);
    }
    assert_non_null(strstr(problem.message, "column s is STRING"));
}

static void
the_matrix_is_untouched_by_a_failure(void **state)
{
    struct fixture *f = *state;
    struct reader reader, plain;
    float rows[4] = {-1, -1, -1, -1};

    upsert(f, "v", "k, event_timestamp, vec", "1 @0 [1,2]\n2 @0 [3,4]");
    reader = open_matrix(f, "v(vec)", 0, "1\n2");
    plain = open_reader(f, "v(vec)", 0, "1\n2");
    assert_int_equal(feature_query_matrix_width(plain.query), 0);
    must_fail(feature_request_read_matrix(plain.request, rows, 2, &problem),
              FEATURE_INVALID, "argument");
    must_fail(feature_request_read_matrix(reader.request, rows, 1, &problem),
              FEATURE_INVALID, "argument");
    must_fail(feature_request_read_matrix(reader.request, NULL, 2, &problem),
              FEATURE_INVALID, "argument");
    define(f, "DROP FEATURE v:vec");
    must_fail(feature_request_read_matrix(reader.request, rows, 2, &problem),
              FEATURE_CONFLICT, "schema-changed");
    expect_floats(rows, -1, -1, -1, -1);
    close_reader(&reader);
    close_reader(&plain);
}

static void
a_matrix_has_no_columns_but_its_query_has(void **state)
{
    struct fixture *f = *state;
    struct feature_column column;
    struct reader reader;
    float rows[2];

    upsert(f, "v", "k, event_timestamp, vec", "1 @0 [1,2]");
    reader = open_matrix(f, "v(vec)", 0, "1");
    expect_read(&reader, "present [1,2]");
    must(feature_request_read_matrix(reader.request, rows, 2, &problem));
    must_fail(feature_request_column(reader.request, 0, &column, &problem),
              FEATURE_INVALID, "argument");
    expect_read(&reader, "present [1,2]");
    close_reader(&reader);
}

static void
widened_features_are_cast_from_what_is_stored(void **state)
{
    struct fixture *f = *state;
    struct reader reader;
    float rows[6];

    upsert(f, "v", "k, event_timestamp, i, f, vec", "1 @0 -7 0.5 [1,2]");
    reader = open_matrix(f, "v(i, vec)", 0, "1\n2");
    define(f, "CREATE FEATURE VIEW v (i FLOAT64 DEFAULT 0.25, f FLOAT64,"
              " vec FLOAT64[2]) FOR e");
    upsert(f, "v", "k, event_timestamp, i, f, vec", "2 @0 0.5 0.5 [3,4]");
    must(feature_request_read_matrix(reader.request, rows, 3, &problem));
    expect_floats(rows, -7, 1, 2, 0.5f, 3, 4);
    set_keys(&reader, "3");
    must(feature_request_read_matrix(reader.request, rows, 3, &problem));
    expect_floats(rows, 0.25f, NAN, NAN);
    close_reader(&reader);
}

/* Side by side in the row, not in the matrix, and the other way round. */
static void
columns_come_in_the_order_they_are_asked_in(void **state)
{
    struct fixture *f = *state;
    struct reader reader;
    float rows[6];

    define(f, "CREATE FEATURE VIEW m (a FLOAT32, b FLOAT32, c FLOAT64,"
              " d FLOAT32) FOR e;");
    upsert(f, "m", "k, event_timestamp, a, b, c, d", "1 @0 1 2 3 4");
    reader = open_matrix(f, "m(b, a, c, d)", 0, "1");
    must(feature_request_read_matrix(reader.request, rows, 4, &problem));
    expect_floats(rows, 2, 1, 3, 4);
    close_reader(&reader);
    reader = open_matrix(f, "m(a, c, b, d)", 0, "1");
    must(feature_request_read_matrix(reader.request, rows, 4, &problem));
    expect_floats(rows, 1, 3, 2, 4);
    close_reader(&reader);
}

static void
a_feature_younger_than_the_row_is_filled_in(void **state)
{
    struct fixture *f = *state;
    struct reader reader;
    float rows[6];

    upsert(f, "w", "k, event_timestamp, x", "1 @0 5");
    define(f, "CREATE FEATURE VIEW w (x FLOAT32, n FLOAT32,"
              " y INT64 DEFAULT 7) FOR e;");
    upsert(f, "w", "k, event_timestamp, x, n, y", "2 @0 6 1 8");
    reader = open_matrix(f, "w(n, x, y)", 0, "1\n2");
    must(feature_request_read_matrix(reader.request, rows, 3, &problem));
    expect_floats(rows, NAN, 5, 7, 1, 6, 8);
    close_reader(&reader);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        MATRIX(numbers_are_cast_and_vectors_flattened),
        MATRIX(nulls_are_nan_and_defaults_are_numbers),
        MATRIX(a_wider_stride_leaves_the_rest_of_each_row_alone),
        MATRIX(an_age_counts_from_the_time_of_its_row),
        MATRIX(an_age_past_every_number_is_still_a_number),
        MATRIX(texts_and_lists_do_not_fit_a_matrix),
        MATRIX(the_matrix_is_untouched_by_a_failure),
        MATRIX(a_matrix_has_no_columns_but_its_query_has),
        MATRIX(columns_come_in_the_order_they_are_asked_in),
        MATRIX(a_feature_younger_than_the_row_is_filled_in),
        MATRIX(widened_features_are_cast_from_what_is_stored),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
