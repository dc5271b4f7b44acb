/* SPDX-License-Identifier: Apache-2.0 */
/* Loads from streams of record batches. */
#include "arrow_producer.h"
#include "loads.h"

#define KEYS(rows, ...)                                           \
    &(const struct column)                                        \
    {                                                             \
        "k", "l", rows, PIECES({0}, VALUES(int64_t, __VA_ARGS__)) \
    }
#define INTS(rows, ...)                                           \
    &(const struct column)                                        \
    {                                                             \
        "a", "l", rows, PIECES({0}, VALUES(int64_t, __VA_ARGS__)) \
    }

static feature_status
append_stream(feature_load *load, struct producer *producer,
              const char *columns)
{
    struct feature_arrow_options options = {.struct_size = sizeof options,
                                            .columns = columns};
    struct ArrowArrayStream stream;
    feature_status status;

    produce(producer, &stream);
    status = feature_load_append_arrow(load, &stream, &options, &problem);

    expect_released(producer, &stream);
    return status;
}

static void
record_batches_become_a_version(void **state)
{
    struct producer p = {
        .batches = {RECORD(2, KEYS(2, 1, 2), INTS(2, 10, 20)),
                    RECORD(2, KEYS(2, 4, 3), INTS(2, 40, 30))}};
    struct fixture *f = *state;
    feature_load *load;

    define(f, E PLAIN);
    upsert(f, "v", "k, a, b", "9 9 nine");
    load = begin_load(f, (struct feature_load_options){0});
    must(append_stream(load, &p, NULL));
    assert_int_equal(commit_load(load).rows, 4);
    expect_rows(f, "v(*)", "1\n3\n4\n9",
                "present 10 null\npresent 30 null\npresent 40 null\n"
                "not_found null null");
    expect_good(f);
}

static void
columns_can_have_other_names(void **state)
{
    struct producer p = {.batches = {RECORD(2, KEYS(2, 1, 2), INTS(2, 1, 2))}};
    struct fixture *f = *state;
    feature_load *load;

    define(f, E "CREATE FEATURE VIEW v (x INT64) FOR e;");
    load = begin_load(f, (struct feature_load_options){0});
    must(append_stream(load, &p, "k, x = a"));
    commit_load(load);
    expect_rows(f, "v(*)", "2", "present 2");
}

static void
a_stream_that_breaks_leaves_what_came_before(void **state)
{
    struct producer p = {.batches = {RECORD(1, KEYS(1, 1), INTS(1, 10)),
                                     RECORD(1, KEYS(1, 2), INTS(1, 20))},
                         .fail_at = 3,
                         .fail_code = EIO};
    struct producer q = {.batches = {RECORD(1, KEYS(1, 3), INTS(1, 30))}};
    struct fixture *f = *state;
    feature_load *load;

    define(f, E PLAIN);
    load = begin_load(f, (struct feature_load_options){0});
    assert_int_equal(append_stream(load, &p, NULL), FEATURE_IO);
    assert_string_equal(problem.reason, "stream");
    must(append_stream(load, &q, NULL));
    assert_int_equal(commit_load(load).rows, 3);
    expect_rows(f, "v(a)", "1\n2\n3", "present 10\npresent 20\npresent 30");
    expect_good(f);
}

static void
errors_name_batch_and_row_of_the_stream(void **state)
{
    struct producer p = {
        .batches = {RECORD(1, KEYS(1, 1), INTS(1, 10)),
                    RECORD(2, KEYS(2, 2, 2), INTS(2, 20, 21))}};
    struct producer empty = {.batches = {RECORD(0, KEYS(1, 0), INTS(1, 0))}};
    struct fixture *f = *state;
    feature_load *load;

    define(f, E PLAIN);
    load = begin_load(f, (struct feature_load_options){0});
    must(append_stream(load, &empty, NULL));
    assert_int_equal(append_stream(load, &p, NULL), FEATURE_CONFLICT);
    assert_string_equal(problem.reason, "duplicate-key");
    assert_int_equal(problem.batch, 1);
    assert_int_equal(problem.row, 1);
    assert_int_equal(append_stream(load, &empty, NULL), FEATURE_CONFLICT);
    feature_load_free(load);
    expect_good(f);
}

static void
other_options_are_refused(void **state)
{
    struct feature_arrow_options options = {.struct_size = sizeof options,
                                            .commit_rows = 5};
    struct producer p = {.batches = {RECORD(1, KEYS(1, 1), INTS(1, 10))}};
    struct fixture *f = *state;
    struct ArrowArrayStream stream;
    feature_load *load;

    define(f, E PLAIN);
    load = begin_load(f, (struct feature_load_options){0});
    produce(&p, &stream);
    must_fail(feature_load_append_arrow(load, &stream, &options, &problem),
              FEATURE_INVALID, "argument");
    must_fail(feature_load_append_arrow(load, &stream, NULL, &problem),
              FEATURE_INVALID, "argument");
    expect_released(&p, &stream);
    feature_load_free(load);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(record_batches_become_a_version),
        TEST(columns_can_have_other_names),
        TEST(a_stream_that_breaks_leaves_what_came_before),
        TEST(errors_name_batch_and_row_of_the_stream),
        TEST(other_options_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
