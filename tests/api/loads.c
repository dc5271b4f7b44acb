/* SPDX-License-Identifier: Apache-2.0 */
/* Loads of views of rows: what serves before, during and after. */
#include "loads.h"

static void
a_load_takes_the_place_of_all_rows(void **state)
{
    struct fixture *f = *state;
    struct feature_load_report report;

    define(f, E PLAIN);
    upsert(f, "v", "k, a, b", "1 1 one\n2 2 two");
    report = load_rows(f, "2 20 TWO\n3 30 THREE");
    assert_int_equal(report.rows, 2);
    assert_int_equal(report.flags, 0);
    assert_int_equal(report.sequence, stats_of(f).sequence);
    expect_rows(f, "v(*)", "1\n2\n3",
                "not_found null null\npresent 20 TWO\npresent 30 THREE");
    assert_int_equal(stats_of(f).rows, 2);
    expect_good(f);
    close_store(f);
    open_store(f);
    expect_rows(f, "v(*)", "2", "present 20 TWO");
}

static void
nothing_is_seen_before_the_commit(void **state)
{
    struct fixture *f = *state;
    feature_load *load;

    define(f, E PLAIN);
    upsert(f, "v", "k, a, b", "1 1 one");
    load = begin_load(f, (struct feature_load_options){0});
    append(f, load, "k, a, b", "1 10 ONE\n2 20 TWO");
    expect_rows(f, "v(*)", "1\n2", "present 1 one\nnot_found null null");
    expect_good(f);
    must(feature_load_abort(load, &problem));
    must_fail(feature_load_commit(load, NULL, &problem), FEATURE_INVALID,
              "argument");
    feature_load_free(load);
    expect_rows(f, "v(*)", "1\n2", "present 1 one\nnot_found null null");
    assert_true(has_load(f, "\"state\":\"aborted\""));
    expect_good(f);
}

static void
rows_in_any_order_are_the_same_version(void **state)
{
    struct fixture *f = *state;
    char *sorted = NULL, *unsorted = NULL;

    define(f, E PLAIN);
    load_rows(f, "1 1 a\n2 2 b\n3 3 c\n4 4 d");
    must(feature_store_content(f->store, &sorted, &problem));
    load_rows(f, "3 3 c\n1 1 a\n4 4 d\n2 2 b");
    must(feature_store_content(f->store, &unsorted, &problem));
    expect_rows(f, "v(*)", "1\n2\n3\n4",
                "present 1 a\npresent 2 b\npresent 3 c\npresent 4 d");
    feature_free(sorted);
    feature_free(unsorted);
    expect_good(f);
}

/* A part of the rows is in the tree by then. */
static void
order_may_end_late(void **state)
{
    struct fixture *f = *state;
    struct feature_load_options options = {.flags = FEATURE_LOAD_LAST_WINS,
                                           .memory = 1};
    enum { ROWS = 60000 };
    static char rows[ROWS * 140];
    feature_load *load;
    size_t size = 0;

    define(f, E PLAIN);
    load = begin_load(f, options);
    for (int i = 0; i < ROWS; i++)
        size += (size_t)sprintf(rows + size, "%s%d %d %0100d", i ? "\n" : "", i,
                                i, i);
    append(f, load, "k, a, b", rows);
    append(f, load, "k, a, b",
           "5 -5 five\n-1 -1 first\n70000 7 last\n5 -6 six");
    assert_int_equal(commit_load(load).rows, ROWS + 2);
    expect_rows(f, "v(a)", "-1\n5\n70000\n59999",
                "present -1\npresent -6\npresent 7\npresent 59999");
    assert_int_equal(stats_of(f).rows, ROWS + 2);
    expect_good(f);
}

static void
the_last_of_one_key_wins_by_choice(void **state)
{
    struct fixture *f = *state;
    struct feature_load_options options = {.flags = FEATURE_LOAD_LAST_WINS};
    feature_load *load;

    define(f, E PLAIN);
    load = begin_load(f, options);
    append(f, load, "k, a, b", "1 1 a\n1 2 b\n2 3 c\n2 4 d\n1 5 e\n2 6 f");
    assert_int_equal(commit_load(load).rows, 2);
    expect_rows(f, "v(*)", "1\n2", "present 5 e\npresent 6 f");
    expect_good(f);
    load = begin_load(f, options);
    append(f, load, "k, a, b", "1 1 a\n1 2 b");
    assert_int_equal(commit_load(load).rows, 1);
    expect_rows(f, "v(*)", "1\n2", "present 2 b\nnot_found null null");
    expect_good(f);
}

static void
an_id_is_loaded_once(void **state)
{
    struct fixture *f = *state;
    struct feature_load_options options = {.id = "2026-01-01/v",
                                           .fingerprint = "abc"};
    struct feature_load_report first, report = {.struct_size = sizeof report};
    feature_load *load;

    define(f, E PLAIN);
    load = begin_load(f, options);
    append(f, load, "k, a, b", "1 1 a");
    first = commit_load(load);
    upsert(f, "v", "k, a, b", "1 2 b");
    load = begin_load(f, options);
    must(feature_load_status(load, &report, &problem));
    assert_int_equal(report.flags, FEATURE_LOADED_DUPLICATE);
    append(f, load, "k, a, b", "1 9 z");
    report = commit_load(load);
    assert_int_equal(report.flags, FEATURE_LOADED_DUPLICATE);
    assert_int_equal(report.number, first.number);
    assert_int_equal(report.sequence, first.sequence);
    expect_rows(f, "v(*)", "1", "present 2 b");
    options.fingerprint = "abd";
    options.struct_size = sizeof options;
    must_fail(feature_load_begin(f->store, "v", &options, &load, &problem),
              FEATURE_CONFLICT, "load-id");
    options.id = "no space";
    must_fail(feature_load_begin(f->store, "v", &options, &load, &problem),
              FEATURE_INVALID, "argument");
}

/* Rows that come too late are not lost in silence. */
static void
a_committed_load_takes_no_more_rows(void **state)
{
    struct fixture *f = *state;
    feature_batch *batch;
    feature_load *load;

    define(f, E PLAIN);
    load = begin_load(f, (struct feature_load_options){0});
    append(f, load, "k, a, b", "1 1 a");
    must(feature_load_commit(load, NULL, &problem));
    batch = batch_of(f, "k, a, b", "2 2 b");
    must_fail(feature_load_append(load, batch, &problem), FEATURE_INVALID,
              "argument");
    feature_batch_free(batch);
    must(feature_load_commit(load, NULL, &problem));
    feature_load_free(load);
    expect_rows(f, "v(*)", "1\n2", "present 1 a\nnot_found null null");
}

static void
an_id_that_failed_may_come_again(void **state)
{
    struct fixture *f = *state;
    struct feature_load_options options = {.id = "nightly"};
    feature_load *load;

    define(f, E PLAIN);
    load = begin_load(f, options);
    append(f, load, "k, a, b", "1 1 a");
    feature_load_free(load);
    load = begin_load(f, options);
    append(f, load, "k, a, b", "1 2 b");
    assert_int_equal(commit_load(load).flags, 0);
    expect_rows(f, "v(*)", "1", "present 2 b");
}

static void
an_empty_load_empties_the_view(void **state)
{
    struct fixture *f = *state;

    define(f, E PLAIN);
    upsert(f, "v", "k, a, b", "1 1 one");
    commit_load(begin_load(f, (struct feature_load_options){0}));
    expect_rows(f, "v(*)", "1", "not_found null null");
    assert_int_equal(stats_of(f).rows, 0);
    expect_good(f);
    upsert(f, "v", "k, a, b", "1 1 one");
    expect_rows(f, "v(*)", "1", "present 1 one");
    expect_good(f);
}

static void
rows_have_the_time_of_the_cut(void **state)
{
    struct fixture *f = *state;
    feature_load *load;

    define(f, E PLAIN);
    upsert(f, "v", "k, event_timestamp, a, b", "1 @-60 1 one");
    load = begin_load(f, (struct feature_load_options){.time = NOON - 1});
    append(f, load, "k, a, b", "1 2 two");
    commit_load(load);
    upsert(f, "v", "k, event_timestamp, a, b", "1 @-1 3 three");
    expect_rows(f, "v(*)", "1", "present 2 two");
    expect_good(f);
}

static void
feeds_are_needed_where_others_write(void **state)
{
    struct fixture *f = *state;
    feature_load *load;

    define(f, E PLAIN "CREATE FEATURE VIEW w (a INT64) FOR e;");
    load = begin_load(f, (struct feature_load_options){0});
    append(f, load, "k, a, b", "1 2 two");
    upsert(f, "w", "k, a", "1 1");
    commit_load(load);
    load = begin_load(f, (struct feature_load_options){0});
    append(f, load, "k, a, b", "1 3 three");
    upsert(f, "v", "k, a, b", "9 9 nine");
    must_fail(feature_load_commit(load, NULL, &problem), FEATURE_CONFLICT,
              "no-feed");
    feature_load_free(load);
    expect_rows(f, "v(*)", "1\n9", "present 2 two\npresent 9 nine");
    expect_good(f);
}

static void
what_is_written_meanwhile_is_written_over_the_load(void **state)
{
    struct fixture *f = *state;
    struct feature_load_report report;
    feature_load *load;

    define(f, FED E PLAIN);
    upsert(f, "v", "k, a, b", "1 1 one\n2 2 two\n3 3 three");
    load = begin_load(f, (struct feature_load_options){0});
    append(f, load, "k, a, b", "1 10 ONE\n2 20 TWO\n3 30 THREE\n4 40 FOUR");
    upsert(f, "v", "k, a, b", "2 21 twone");
    patch(f, "v", "k, a", "3 31");
    erase(f, "v", "k", "4");
    upsert(f, "v", "k, a, b", "5 51 fifth");
    report = commit_load(load);
    assert_int_equal(report.caught_up, 4);
    expect_rows(f, "v(*)", "1\n2\n3\n4\n5",
                "present 10 ONE\npresent 21 twone\npresent 31 THREE\n"
                "not_found null null\npresent 51 fifth");
    expect_good(f);
}

static void
a_load_of_an_older_cut_is_caught_up(void **state)
{
    struct fixture *f = *state;
    struct feature_load_options options = {0};
    feature_load *load;

    define(f, FED E PLAIN);
    upsert(f, "v", "k, a, b", "1 1 one");
    options.cut = stats_of(f).sequence;
    upsert(f, "v", "k, a, b", "2 2 two");
    load = begin_load(f, options);
    append(f, load, "k, a, b", "1 10 ONE\n2 20 TWO");
    assert_int_equal(commit_load(load).caught_up, 1);
    expect_rows(f, "v(*)", "1\n2", "present 10 ONE\npresent 2 two");
    options.cut = stats_of(f).sequence - 1;
    load = begin_load(f, options);
    append(f, load, "k, a, b", "1 10 ONE");
    must_fail(feature_load_commit(load, NULL, &problem), FEATURE_CONFLICT,
              "load-cut");
    feature_load_free(load);
    options.cut = stats_of(f).sequence + 1;
    options.struct_size = sizeof options;
    must_fail(feature_load_begin(f->store, "v", &options, &load, &problem),
              FEATURE_INVALID, "argument");
    expect_good(f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_load_takes_the_place_of_all_rows),
        TEST(nothing_is_seen_before_the_commit),
        TEST(rows_in_any_order_are_the_same_version),
        TEST(order_may_end_late),
        TEST(the_last_of_one_key_wins_by_choice),
        TEST(an_id_is_loaded_once),
        TEST(a_committed_load_takes_no_more_rows),
        TEST(an_id_that_failed_may_come_again),
        TEST(an_empty_load_empties_the_view),
        TEST(rows_have_the_time_of_the_cut),
        TEST(feeds_are_needed_where_others_write),
        TEST(what_is_written_meanwhile_is_written_over_the_load),
        TEST(a_load_of_an_older_cut_is_caught_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
