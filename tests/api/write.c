/* SPDX-License-Identifier: Apache-2.0 */
/* What one write call promises: one commit, its number, its time, all or
 * nothing. */
#include "common.h"

#define DEFINITIONS                                                      \
    "CREATE ENTITY e (k INT64);"                                         \
    "CREATE FEATURE VIEW v (a INT64, s STRING) FOR e;"                   \
    "CREATE FEATURE VIEW w (n INT64 NOT NULL, d INT64 NOT NULL"          \
    " DEFAULT 4) FOR e;"                                                 \
    "CREATE FEATURE VIEW free (a INT64) FOR e WITH (max_skew = 'none');" \
    "CREATE FEATURE VIEW strict (a INT64) FOR e WITH (max_skew = '5s');"

static int
begin(void **state)
{
    if (fixture_begin(state))
        return -1;
    define(*state, DEFINITIONS);
    return 0;
}

#define WRITE(name) cmocka_unit_test_setup_teardown(name, begin, fixture_end)

static feature_status
skip_invalid(struct fixture *f, feature_batch **batches, size_t count,
             struct feature_commit *commit)
{
    struct feature_write_options options = {
        .struct_size = sizeof options, .flags = FEATURE_WRITE_SKIP_INVALID};

    return feature_store_write(f->store, batches, count, &options, commit,
                               &problem);
}

static void
batches_of_several_views_are_one_commit(void **state)
{
    struct fixture *f = *state;
    struct feature_commit commit = {.struct_size = sizeof commit};
    feature_batch *batches[3];

    batches[0] = make_batch(f, FEATURE_UPSERT, "v", NULL,
                            "1 100 5 x\n2 100 6 y\n2 99 0 z");
    batches[1] = make_batch(f, FEATURE_UPSERT, "w", NULL, "1 100 7 8");
    batches[2] = make_batch(f, FEATURE_DELETE, "v", NULL, "1 100\n3 @172800");
    must(feature_store_write(f->store, batches, 3, NULL, &commit, &problem));
    assert_int_equal(commit.sequence, 2);
    assert_int_equal(commit.time, NOON + 1);
    assert_int_equal(commit.applied, 4);
    assert_int_equal(commit.late, 1);
    assert_int_equal(commit.future, 1);
    assert_int_equal(commit.duplicate + commit.rejected, 0);
    expect_outcomes(batches[0], "AAL");
    expect_outcomes(batches[1], "A");
    expect_outcomes(batches[2], "AF");
    expect_rows(f, "v(*), w(*)", "1\n2",
                "not_found,present null null 7 8\n"
                "present,not_found 6 y null 4*");
    for (int i = 0; i < 3; i++)
        feature_batch_free(batches[i]);
}

static void
calls_that_change_nothing_take_no_number(void **state)
{
    struct fixture *f = *state;
    struct feature_commit commit = {.struct_size = sizeof commit};

    assert_int_equal(upsert(f, "v", NULL, "1 100 5 x").sequence, 2);
    commit = upsert(f, "v", NULL, "");
    assert_int_equal(commit.sequence, 2);
    assert_int_equal(commit.time, NOON + 1);
    assert_int_equal(commit.applied, 0);
    commit = upsert(f, "v", NULL, "1 @172800 5 x");
    assert_int_equal(commit.sequence, 2);
    assert_int_equal(commit.future, 1);
    commit.sequence = 0;
    must(feature_store_write(f->store, NULL, 0, NULL, &commit, &problem));
    assert_int_equal(commit.sequence, 2);
    assert_int_equal(commit.future, 0);
    assert_int_equal(stats_of(f).sequence, 2);
    /* Late rows do: they will enter history. */
    commit = upsert(f, "v", NULL, "1 99 5 x");
    assert_int_equal(commit.sequence, 3);
    assert_int_equal(commit.late, 1);
    assert_int_equal(upsert(f, "v", NULL, "1 100 5 x").sequence, 4);
}

static void
commit_times_rise_though_the_clock_stands_still(void **state)
{
    struct fixture *f = *state;
    int64_t last = NOON;

    for (int i = 0; i < 5; i++) {
        struct feature_commit commit = upsert(f, "v", NULL, "1 100 5 x");

        assert_true(commit.time > last);
        last = commit.time;
    }
    move_clock(f, NOON - HOUR);
    assert_int_equal(upsert(f, "v", NULL, "1 100 5 x").time, last + 1);
    move_clock(f, NOON + HOUR);
    assert_int_equal(upsert(f, "v", NULL, "1 100 5 x").time, NOON + HOUR);
}

static void
without_timestamps_rows_take_the_time_of_their_commit(void **state)
{
    struct fixture *f = *state;
    struct feature_commit one = upsert(f, "v", "k, a, s", "1 5 x\n2 6 y");
    struct reader reader = open_reader(f, "v(*)", 0, "1\n2");
    struct feature_commit two;

    expect_read(&reader, "present 5 x\npresent 6 y");
    assert_int_equal(feature_request_timestamps(reader.request, 0)[0],
                     one.time);
    assert_int_equal(feature_request_timestamps(reader.request, 0)[1],
                     one.time);
    two = patch(f, "v", "k, a", "1 7");
    assert_true(two.time > one.time);
    expect_read(&reader, "present 7 x\npresent 6 y");
    assert_int_equal(feature_request_timestamps(reader.request, 0)[0],
                     two.time);
    erase(f, "v", "k", "1");
    expect_read(&reader, "not_found null null\npresent 6 y");
    close_reader(&reader);
}

/* Writes one row at a time; its outcome. */
static void
expect_at(struct fixture *f, const char *view, int64_t time,
          const char *outcome)
{
    char row[64];
    feature_batch *batch;

    snprintf(row, sizeof row, "1 %" PRId64 " 5", time);
    batch = make_batch(f, FEATURE_UPSERT, view, "k, event_timestamp, a", row);
    write_batch(f, batch);
    expect_outcomes(batch, outcome);
    feature_batch_free(batch);
}

static void
rows_ahead_of_the_clock_wait_outside(void **state)
{
    struct fixture *f = *state;

    expect_at(f, "v", NOON + DAY + 1, "F");
    expect_at(f, "v", NOON + DAY, "A");
    expect_at(f, "strict", NOON + 5 * SECOND + 1, "F");
    expect_at(f, "strict", NOON + 5 * SECOND, "A");
    expect_at(f, "strict", INT64_MAX, "F");
    expect_at(f, "free", NOON + 1000 * DAY, "A");
    expect_at(f, "free", INT64_MAX, "A");
    expect_rows(f, "v:a AS v, strict:a AS s, free:a", "1",
                "present,present,present 5 5 5");
    define(f, "CREATE FEATURE VIEW strict (a INT64) FOR e"
              " WITH (max_skew = '10s');"
              "CREATE FEATURE VIEW free (a INT64) FOR e"
              " WITH (max_skew = '1s')");
    expect_at(f, "strict", NOON + 10 * SECOND, "A");
    expect_at(f, "strict", NOON + 10 * SECOND + 1, "F");
    expect_at(f, "free", INT64_MAX, "F");
}

static void
an_invalid_row_stops_the_whole_call(void **state)
{
    struct fixture *f = *state;
    struct feature_commit commit = {.struct_size = sizeof commit, .time = 77};
    feature_batch *batches[2];

    batches[0] = make_batch(f, FEATURE_UPSERT, "v", NULL, "1 100 5 x");
    batches[1] =
        make_batch(f, FEATURE_UPSERT, "w", NULL, "1 100 7 8\n2 100 null 8");
    must_fail(
        feature_store_write(f->store, batches, 2, NULL, &commit, &problem),
        FEATURE_INVALID, "argument");
    assert_int_equal(problem.batch, 1);
    assert_int_equal(problem.row, 1);
    assert_int_equal(problem.column, 2);
    assert_string_equal(problem.message,
                        "batch 1, row 1, column \"n\": null in a feature that "
                        "is NOT NULL");
    assert_int_equal(commit.time, 77);
    assert_int_equal(commit.sequence, 0);
    assert_null(feature_batch_outcomes(batches[0]));
    assert_int_equal(stats_of(f).sequence, 1);
    expect_rows(f, "v(*), w(*)", "1", "not_found,not_found null null null 4*");
    feature_batch_free(batches[0]);
    feature_batch_free(batches[1]);
}

static void
skip_invalid_rejects_rows_one_by_one_with_a_reason(void **state)
{
    struct fixture *f = *state;
    struct feature_commit commit = {.struct_size = sizeof commit};
    feature_batch *batch = make_batch(
        f, FEATURE_UPSERT, "w", NULL,
        "1 100 7 8\nnull 100 7 8\n2 100 null 8\n3 null 7 8\n4 100 7 null\n"
        "1 99 1 1\n5 @172800 1 1\n6 100 9 9");

    must(skip_invalid(f, &batch, 1, &commit));
    expect_outcomes(batch, "ARRRRLFA");
    assert_int_equal(commit.applied, 2);
    assert_int_equal(commit.rejected, 4);
    assert_int_equal(commit.late, 1);
    assert_int_equal(commit.future, 1);
    must_fail(feature_batch_problem(batch, 1, &problem), FEATURE_INVALID,
              "argument");
    assert_string_equal(problem.message,
                        "row 1, column \"k\": a join key is null");
    assert_int_equal(problem.row, 1);
    assert_int_equal(problem.column, 0);
    must_fail(feature_batch_problem(batch, 3, &problem), FEATURE_INVALID,
              "argument");
    assert_int_equal(problem.column, 1);
    must_fail(feature_batch_problem(batch, 4, &problem), FEATURE_INVALID,
              "argument");
    assert_int_equal(problem.column, 3);
    must(feature_batch_problem(batch, 0, &problem));
    must(feature_batch_problem(batch, 5, &problem));
    must(feature_batch_problem(batch, 8, &problem));
    expect_rows(f, "w(*)", "1\n2\n4\n6",
                "present 7 8\nnot_found null 4*\nnot_found null 4*\n"
                "present 9 9");
    feature_batch_free(batch);
}

static void
not_null_features_need_a_value_or_a_default(void **state)
{
    struct fixture *f = *state;
    feature_batch *batch = NULL;

    must_fail(feature_batch_create(f->store, "w", "k, d", FEATURE_UPSERT,
                                   &batch, &problem),
              FEATURE_INVALID, "argument");
    assert_non_null(strstr(problem.message, "\"n\""));
    assert_null(batch);
    upsert(f, "w", "k, event_timestamp, n", "1 100 7");
    patch(f, "w", "k, event_timestamp, d", "2 100 8");
    expect_rows(f, "w(*)", "1\n2", "present 7 4*\npresent null 8");
}

static void
a_batch_is_filled_and_written_again(void **state)
{
    struct fixture *f = *state;
    feature_batch *batch =
        make_batch(f, FEATURE_UPSERT, "v", NULL, "1 100 5 long-enough-to-grow");

    write_batch(f, batch);
    expect_outcomes(batch, "A");
    write_batch(f, batch);
    expect_outcomes(batch, "A");
    must(feature_batch_set(batch, 0, FEATURE_TYPE_INT64, &(int64_t){2}, NULL,
                           NULL, 1, &problem));
    assert_null(feature_batch_outcomes(batch));
    write_batch(f, batch);
    fill_batch(batch, "1 101 null y\n3 101 7 null\n4 101 8 ''");
    write_batch(f, batch);
    feature_batch_clear(batch);
    assert_null(feature_batch_outcomes(batch));
    must_fail(feature_store_write(f->store, &batch, 1, NULL, NULL, &problem),
              FEATURE_INVALID, "argument");
    fill_batch(batch, "5 102 9 z");
    write_batch(f, batch);
    expect_rows(f, "v(*)", "1\n2\n3\n4\n5",
                "present null y\npresent 5 long-enough-to-grow\n"
                "present 7 null\npresent 8 ''\npresent 9 z");
    feature_batch_free(batch);
}

static void
a_row_over_the_limit_is_refused_and_the_rest_goes_on(void **state)
{
    struct fixture *f = *state;
    struct feature_commit commit = {.struct_size = sizeof commit};
    feature_batch *batch;
    char rows[700], text[301];

    close_store(f);
    f->options.max_row_size = 256;
    open_store(f);
    memset(text, 'x', 300);
    text[300] = '\0';
    snprintf(rows, sizeof rows, "1 100 5 a\n1 101 6 %s\n1 102 7 b\n2 100 8 %s",
             text, text);
    batch = make_batch(f, FEATURE_UPSERT, "v", NULL, rows);
    must_fail(feature_store_write(f->store, &batch, 1, NULL, NULL, &problem),
              FEATURE_INVALID, "row-size");
    assert_int_equal(problem.row, 1);
    assert_int_equal(stats_of(f).rows, 0);
    must(skip_invalid(f, &batch, 1, &commit));
    expect_outcomes(batch, "ARAR");
    assert_int_equal(commit.rejected, 2);
    must_fail(feature_batch_problem(batch, 3, &problem), FEATURE_INVALID,
              "row-size");
    assert_int_equal(problem.row, 3);
    expect_rows(f, "v(*)", "1\n2", "present 7 b\nnot_found null null");
    feature_batch_free(batch);
    snprintf(rows, sizeof rows, "1 200 c\n1 201 %s\n1 200 d\n1 199 e", text);
    batch = make_batch(f, FEATURE_PATCH, "v", "k, event_timestamp, s", rows);
    must(skip_invalid(f, &batch, 1, &commit));
    expect_outcomes(batch, "ARAL");
    expect_rows(f, "v(*)", "1", "present 7 d");
    feature_batch_free(batch);
}

static void
batches_belong_to_the_store_they_were_made_from(void **state)
{
    struct fixture *f = *state;
    feature_batch *batch = make_batch(f, FEATURE_UPSERT, "v", NULL, "1 1 1 x");
    feature_batch *twice[] = {batch, batch}, *none[] = {batch, NULL};
    feature_store *other = NULL;

    must(feature_store_open(f->path, &f->options, &other, &problem));
    must_fail(feature_store_write(other, &batch, 1, NULL, NULL, &problem),
              FEATURE_INVALID, "argument");
    must_fail(feature_store_write(f->store, twice, 2, NULL, NULL, &problem),
              FEATURE_INVALID, "argument");
    assert_int_equal(problem.batch, 1);
    must_fail(feature_store_write(f->store, none, 2, NULL, NULL, &problem),
              FEATURE_INVALID, "argument");
    assert_int_equal(stats_of(f).sequence, 1);
    feature_store_close(other);
    feature_batch_free(batch);
}

static void
a_full_store_says_so_and_stays_as_it_was(void **state)
{
    struct fixture *f = *state;
    static char text[900000];
    feature_batch *batch;
    feature_status status = FEATURE_OK;
    struct feature_stats before;
    char *rows = NULL;
    int key;

    define(f, "STORE WITH (max_size = '8 MiB')");
    memset(text, 'x', sizeof text - 1);
    rows = malloc(sizeof text + 64);
    assert_non_null(rows);
    upsert(f, "v", NULL, "0 100 5 x");
    for (key = 1; key < 100 && !status; key++) {
        before = stats_of(f);
        snprintf(rows, sizeof text + 64, "0 %d 6 y\n%d 100 6 %s", 100 + key,
                 key, text);
        batch = make_batch(f, FEATURE_UPSERT, "v", NULL, rows);
        problem = (struct feature_error){0};
        status = feature_store_write(f->store, &batch, 1, NULL, NULL, &problem);
        assert_int_equal(feature_batch_outcomes(batch) != NULL, !status);
        feature_batch_free(batch);
    }
    assert_int_equal(status, FEATURE_FULL);
    assert_string_equal(problem.reason, "map-full");
    assert_in_range(key, 3, 12);
    assert_int_equal(stats_of(f).rows, before.rows);
    assert_int_equal(stats_of(f).sequence, before.sequence);
    define(f, "STORE WITH (max_size = '64 MiB')");
    upsert(f, "v", NULL, rows);
    assert_int_equal(stats_of(f).rows, before.rows + 1);
    free(rows);
}

static void
the_last_commit_may_be_synced_later(void **state)
{
    struct fixture *f = *state;

    close_store(f);
    f->options.sync = FEATURE_SYNC_LAST_TXN;
    open_store(f);
    upsert(f, "v", NULL, "1 100 5 x");
    must(feature_store_sync(f->store, &problem));
    close_store(f);
    open_store(f);
    expect_rows(f, "v(*)", "1", "present 5 x");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        WRITE(batches_of_several_views_are_one_commit),
        WRITE(calls_that_change_nothing_take_no_number),
        WRITE(commit_times_rise_though_the_clock_stands_still),
        WRITE(without_timestamps_rows_take_the_time_of_their_commit),
        WRITE(rows_ahead_of_the_clock_wait_outside),
        WRITE(an_invalid_row_stops_the_whole_call),
        WRITE(skip_invalid_rejects_rows_one_by_one_with_a_reason),
        WRITE(not_null_features_need_a_value_or_a_default),
        WRITE(a_batch_is_filled_and_written_again),
        WRITE(a_row_over_the_limit_is_refused_and_the_rest_goes_on),
        WRITE(batches_belong_to_the_store_they_were_made_from),
        WRITE(a_full_store_says_so_and_stays_as_it_was),
        WRITE(the_last_commit_may_be_synced_later),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
