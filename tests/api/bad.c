/* SPDX-License-Identifier: Apache-2.0 */
/* Bad input to batches and requests: each refused by name and place, none with
 * an effect. And odd input that is good. */
#include "common.h"

#define DEFINITIONS                                                    \
    "CREATE ENTITY e (k INT64);"                                       \
    "CREATE ENTITY place (p STRING, y BYTES);"                         \
    "CREATE FEATURE VIEW v (a INT64, s STRING, l INT64[], t STRING[]," \
    " b BOOL, f FLOAT32, d FLOAT64, ts TIMESTAMP) FOR e"               \
    " WITH (max_skew = 'none');"                                       \
    "CREATE FEATURE VIEW w (n INT64) FOR place;"

static int
begin(void **state)
{
    if (fixture_begin(state))
        return -1;
    define(*state, DEFINITIONS);
    return 0;
}

#define BAD(name) cmocka_unit_test_setup_teardown(name, begin, fixture_end)

/* --- names and columns ------------------------------------------------------ */

struct wish {
    const char *view;
    const char *columns;
    int32_t operation;
    feature_status status;
    const char *reason;
    uint32_t column;
    const char *says;
};

static const struct wish wishes[] = {
    {"x", NULL, 1, 2, "name", 0, "\"x\""},
    {"V", NULL, 1, 2, "name", 0, "\"V\""},
    {"", NULL, 1, 2, "name", 0, "\"\""},
    {"e", NULL, 1, 2, "name", 0, "\"e\""},
    {"\x01\xff", NULL, 1, 2, "name", 0, "\\x01\\xff"},
    {"v", "", 1, 1, "argument", 1, "expected"},
    {"v", "k,", 1, 1, "argument", 3, "expected"},
    {"v", "k a", 1, 1, "argument", 3, "expected"},
    {"v", "k, a, k", 1, 1, "argument", 7, "twice"},
    {"v", "k, event_timestamps", 1, 2, "name", 4, "event_timestamp"},
    {"v", "k, zz", 1, 2, "name", 4, "zz"},
    {"v", "a", 1, 1, "argument", 0, "\"k\""},
    {"w", "p, n", 2, 1, "argument", 0, "\"y\""},
    {"v", "k", 2, 1, "argument", 0, "PATCH"},
    {"v", "k, event_timestamp", 2, 1, "argument", 0, "PATCH"},
    {"v", "k, a", 3, 1, "argument", 4, "DELETE"},
};

static void
batches_of_what_is_not_there_say_where(void **state)
{
    struct fixture *f = *state;
    feature_batch *batch = NULL;

    for (size_t i = 0; i < sizeof wishes / sizeof *wishes; i++) {
        const struct wish *at = &wishes[i];

        must_fail(feature_batch_create(f->store, at->view, at->columns,
                                       at->operation, &batch, &problem),
                  at->status, at->reason);
        if (problem.column != at->column || !strstr(problem.message, at->says))
            fail_msg("%s (%s) gives %u: %s", at->view,
                     at->columns ? at->columns : "all", problem.column,
                     problem.message);
        assert_null(batch);
    }
}

static void
columns_can_be_listed_in_any_order_and_described(void **state)
{
    static const char *const names[] = {"s", "event_timestamp", "t", "k"};
    static const int32_t roles[] = {3, 2, 3, 1}, types[] = {6, 8, 6, 3};
    static const uint32_t flags[] = {0, 2, 1, 2};
    struct fixture *f = *state;
    feature_batch *batch =
        make_batch(f, FEATURE_PATCH, "v", " s,event_timestamp , t,k", NULL);
    struct feature_field field;

    for (uint32_t i = 0; i < 4; i++) {
        must(feature_batch_column(batch, i, &field, &problem));
        assert_string_equal(field.name, names[i]);
        assert_int_equal(field.role, roles[i]);
        assert_int_equal(field.type, types[i]);
        assert_int_equal(field.flags, flags[i]);
        assert_int_equal(field.width, 1);
    }
    must_fail(feature_batch_column(batch, 4, &field, &problem),
              FEATURE_NOT_FOUND, "name");
    fill_batch(batch, "x 100 [a] 1");
    write_batch(f, batch);
    expect_rows(f, "v(s, t)", "1", "present x [a]");
    feature_batch_free(batch);
}

/* --- buffers ---------------------------------------------------------------- */

/* One refused set, which leaves the column's good values where they were. */
#define keeps_out(batch, call_with)                        \
    do {                                                   \
        must_fail(call_with, FEATURE_INVALID, "argument"); \
        write_batch(f, batch);                             \
    } while (0)

static void
buffers_of_another_type_are_refused(void **state)
{
    struct fixture *f = *state;
    feature_batch *batch = make_batch(f, FEATURE_PATCH, "v", "k, a, s, l, b, f",
                                      "1 5 x [1] true 2");
    static const int64_t zero[4] = {0};
    static const int32_t offsets[] = {0, 0};

    for (int32_t type = -1; type < 12; type++) {
        if (type != FEATURE_TYPE_INT64 && type != FEATURE_TYPE_INT32) {
            keeps_out(batch, feature_batch_set(batch, 0, type, zero, offsets,
                                               NULL, 1, &problem));
            keeps_out(batch,
                      feature_batch_set_list(batch, 3, type, zero, offsets,
                                             offsets, NULL, 1, &problem));
        }
        if (type != FEATURE_TYPE_STRING)
            keeps_out(batch, feature_batch_set(batch, 2, type, zero, offsets,
                                               NULL, 1, &problem));
        if (type != FEATURE_TYPE_BOOL)
            keeps_out(batch, feature_batch_set(batch, 4, type, zero, offsets,
                                               NULL, 1, &problem));
        if (type != FEATURE_TYPE_FLOAT32)
            keeps_out(batch, feature_batch_set(batch, 5, type, zero, offsets,
                                               NULL, 1, &problem));
    }
    keeps_out(batch, feature_batch_set(batch, 3, FEATURE_TYPE_INT64, zero,
                                       offsets, NULL, 1, &problem));
    keeps_out(batch, feature_batch_set_list(batch, 1, FEATURE_TYPE_INT64, zero,
                                            offsets, NULL, NULL, 1, &problem));
    keeps_out(batch, feature_batch_set(batch, 6, FEATURE_TYPE_INT64, zero,
                                       offsets, NULL, 1, &problem));
    keeps_out(batch, feature_batch_set(batch, UINT32_MAX, FEATURE_TYPE_INT64,
                                       zero, offsets, NULL, 1, &problem));
    expect_rows(f, "v(a, s, l, b, f)", "1", "present 5 x [1] true 2");
    feature_batch_free(batch);
}

static void
offsets_must_not_fall_or_be_missing(void **state)
{
    static const int32_t falls[] = {0, 2, 1}, negative[] = {-1, 0, 1},
                         overflows[] = {0, INT32_MAX, INT32_MIN},
                         good[] = {0, 1, 2};
    struct fixture *f = *state;
    feature_batch *batch = make_batch(f, FEATURE_PATCH, "v", "k, s, l, t",
                                      "1 x [1] [a]\n2 y [2,3] [b,c]");
    static const int64_t numbers[] = {4, 5};

    keeps_out(batch, feature_batch_set(batch, 1, FEATURE_TYPE_STRING, "abc",
                                       falls, NULL, 2, &problem));
    assert_int_equal(problem.row, 1);
    keeps_out(batch, feature_batch_set(batch, 1, FEATURE_TYPE_STRING, "abc",
                                       negative, NULL, 2, &problem));
    keeps_out(batch, feature_batch_set(batch, 1, FEATURE_TYPE_STRING, "abc",
                                       overflows, NULL, 2, &problem));
    keeps_out(batch, feature_batch_set(batch, 1, FEATURE_TYPE_STRING, "abc",
                                       NULL, NULL, 2, &problem));
    keeps_out(batch, feature_batch_set(batch, 1, FEATURE_TYPE_STRING, NULL,
                                       good, NULL, 2, &problem));
    keeps_out(batch, feature_batch_set(batch, 0, FEATURE_TYPE_INT64, NULL, NULL,
                                       NULL, 2, &problem));
    keeps_out(batch,
              feature_batch_set_list(batch, 2, FEATURE_TYPE_INT64, numbers,
                                     falls, NULL, NULL, 2, &problem));
    keeps_out(batch,
              feature_batch_set_list(batch, 2, FEATURE_TYPE_INT64, numbers,
                                     negative, NULL, NULL, 2, &problem));
    keeps_out(batch, feature_batch_set_list(batch, 2, FEATURE_TYPE_INT64, NULL,
                                            good, NULL, NULL, 2, &problem));
    keeps_out(batch, feature_batch_set_list(batch, 3, FEATURE_TYPE_STRING, "ab",
                                            good, falls, NULL, 2, &problem));
    keeps_out(batch, feature_batch_set_list(batch, 3, FEATURE_TYPE_STRING, "ab",
                                            good, negative, NULL, 2, &problem));
    keeps_out(batch, feature_batch_set_list(batch, 3, FEATURE_TYPE_STRING, "ab",
                                            good, NULL, NULL, 2, &problem));
    keeps_out(batch, feature_batch_set_list(batch, 3, FEATURE_TYPE_STRING, NULL,
                                            good, good, NULL, 2, &problem));
    expect_rows(f, "v(s, l, t)", "1\n2",
                "present x [1] [a]\npresent y [2,3] [b,c]");
    feature_batch_free(batch);
}

static void
columns_have_to_agree_on_the_number_of_rows(void **state)
{
    struct fixture *f = *state;
    feature_batch *batch =
        make_batch(f, FEATURE_PATCH, "v", "k, a", "1 5\n2 6");
    const int64_t numbers[9] = {1, 2, 3};

    must(feature_batch_set(batch, 1, FEATURE_TYPE_INT64, numbers, NULL,
                           (uint8_t[]){0xff, 0xff}, 9, &problem));
    must_fail(feature_store_write(f->store, &batch, 1, NULL, NULL, &problem),
              FEATURE_INVALID, "argument");
    assert_non_null(strstr(problem.message, "2 rows in column \"k\" and 9"));
    must(feature_batch_set(batch, 0, FEATURE_TYPE_INT64, NULL, NULL, NULL, 0,
                           &problem));
    must_fail(feature_store_write(f->store, &batch, 1, NULL, NULL, &problem),
              FEATURE_INVALID, "argument");
    feature_batch_free(batch);
    batch = make_batch(f, FEATURE_PATCH, "v", "k, a", NULL);
    must(feature_batch_set(batch, 0, FEATURE_TYPE_INT64, numbers, NULL, NULL, 3,
                           &problem));
    must_fail(feature_store_write(f->store, &batch, 1, NULL, NULL, &problem),
              FEATURE_INVALID, "argument");
    assert_non_null(strstr(problem.message, "\"a\""));
    assert_int_equal(stats_of(f).sequence, 1);
    feature_batch_free(batch);
}

static void
validity_bits_past_the_rows_mean_nothing(void **state)
{
    struct fixture *f = *state;
    feature_batch *batch = make_batch(f, FEATURE_PATCH, "v", "k, a", NULL);
    const int64_t numbers[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};

    must(feature_batch_set(batch, 0, FEATURE_TYPE_INT64, numbers, NULL,
                           (uint8_t[]){0xff, 0x01}, 9, &problem));
    must(feature_batch_set(batch, 1, FEATURE_TYPE_INT64, numbers, NULL,
                           (uint8_t[]){0x7f, 0xfe}, 9, &problem));
    write_batch(f, batch);
    expect_rows(f, "v(a)", "7\n8\n9", "present 7\nnull null\nnull null");
    /* The nulls of one set are gone with the next. */
    must(feature_batch_set(batch, 1, FEATURE_TYPE_INT64, numbers, NULL, NULL, 9,
                           &problem));
    write_batch(f, batch);
    expect_rows(f, "v(a)", "7\n8\n9", "present 7\npresent 8\npresent 9");
    feature_batch_free(batch);
}

static void
an_empty_batch_is_no_mistake(void **state)
{
    struct fixture *f = *state;
    feature_batch *batch =
        make_batch(f, FEATURE_PATCH, "v", "k, a, s, l, t", NULL);
    struct feature_commit commit;

    for (uint32_t i = 0; i < 5; i++)
        if (i < 3)
            must(feature_batch_set(batch, i, i < 2 ? 3 : 6, NULL, NULL, NULL, 0,
                                   &problem));
        else
            must(feature_batch_set_list(batch, i, i < 4 ? 3 : 6, NULL, NULL,
                                        NULL, NULL, 0, &problem));
    commit = write_batch(f, batch);
    assert_int_equal(commit.sequence, 1);
    assert_int_equal(commit.applied + commit.late + commit.rejected, 0);
    feature_batch_free(batch);
}

/* --- requests --------------------------------------------------------------- */

static void
keys_of_requests_are_checked_alike(void **state)
{
    static const int32_t good[] = {0, 1}, falls[] = {1, 0};
    struct fixture *f = *state;
    struct reader reader = open_reader(f, "v(a), w(n)", 0, "1 x x00");
    feature_request *request = reader.request;
    static const int64_t one = 1;

    expect_read(&reader, "not_found,not_found null null");
    for (int32_t type = -1; type < 12; type++) {
        if (type != FEATURE_TYPE_INT64 && type != FEATURE_TYPE_INT32)
            must_fail(feature_request_set_key(request, 0, type, &one, good,
                                              NULL, 1, &problem),
                      FEATURE_INVALID, "argument");
        if (type != FEATURE_TYPE_STRING)
            must_fail(feature_request_set_key(request, 1, type, &one, good,
                                              NULL, 1, &problem),
                      FEATURE_INVALID, "argument");
        if (type != FEATURE_TYPE_BYTES)
            must_fail(feature_request_set_key(request, 2, type, &one, good,
                                              NULL, 1, &problem),
                      FEATURE_INVALID, "argument");
    }
    must_fail(
        feature_request_set_key(request, 3, 3, &one, NULL, NULL, 1, &problem),
        FEATURE_INVALID, "argument");
    must_fail(
        feature_request_set_key(request, 1, 6, "x", falls, NULL, 1, &problem),
        FEATURE_INVALID, "argument");
    must_fail(
        feature_request_set_key(request, 1, 6, "x", NULL, NULL, 1, &problem),
        FEATURE_INVALID, "argument");
    must_fail(
        feature_request_set_key(request, 0, 3, NULL, NULL, NULL, 1, &problem),
        FEATURE_INVALID, "argument");
    must_fail(
        feature_request_set_key(request, 1, 6, "\xff", good, NULL, 1, &problem),
        FEATURE_INVALID, "argument");
    assert_int_equal(problem.row, 0);
    expect_read(&reader, "not_found,not_found null null");
    /* Under a null there may be anything. */
    must(feature_request_set_key(request, 1, 6, "\xff", good, (uint8_t[]){0}, 1,
                                 &problem));
    expect_read(&reader, "not_found,no_key null null");
    close_reader(&reader);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        BAD(batches_of_what_is_not_there_say_where),
        BAD(columns_can_be_listed_in_any_order_and_described),
        BAD(buffers_of_another_type_are_refused),
        BAD(offsets_must_not_fall_or_be_missing),
        BAD(columns_have_to_agree_on_the_number_of_rows),
        BAD(validity_bits_past_the_rows_mean_nothing),
        BAD(an_empty_batch_is_no_mistake),
        BAD(keys_of_requests_are_checked_alike),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
