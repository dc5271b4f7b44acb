/* SPDX-License-Identifier: Apache-2.0 */
/* Loads that are refused, or end badly. */
#include "loads.h"

static void
two_rows_of_one_key_are_refused(void **state)
{
    struct fixture *f = *state;
    feature_load *load;
    feature_batch *batch;

    define(f, E PLAIN);
    upsert(f, "v", "k, a, b", "1 1 one");
    load = begin_load(f, (struct feature_load_options){0});
    append(f, load, "k, a, b", "1 1 a");
    batch = batch_of(f, "k, a, b", "2 2 b\n2 3 c");
    must_fail(feature_load_append(load, batch, &problem), FEATURE_CONFLICT,
              "duplicate-key");
    assert_int_equal(problem.batch, 1);
    assert_int_equal(problem.row, 1);
    must_fail(feature_load_commit(load, NULL, &problem), FEATURE_CONFLICT,
              "duplicate-key");
    feature_load_free(load);
    load = begin_load(f, (struct feature_load_options){0});
    append(f, load, "k, a, b", "2 2 b\n1 1 a");
    append(f, load, "k, a, b", "3 2 b\n1 5 e");
    must_fail(feature_load_commit(load, NULL, &problem), FEATURE_CONFLICT,
              "duplicate-key");
    assert_int_equal(problem.batch, 1);
    assert_int_equal(problem.row, 1);
    feature_load_free(load);
    feature_batch_free(batch);
    expect_rows(f, "v(*)", "1\n2", "present 1 one\nnot_found null null");
    assert_true(has_load(f, "\"state\":\"failed\""));
    expect_good(f);
}

static void
a_promised_order_is_checked(void **state)
{
    struct fixture *f = *state;
    struct feature_load_options options = {.flags = FEATURE_LOAD_SORTED};
    feature_load *load;
    feature_batch *batch;

    define(f, E PLAIN);
    load = begin_load(f, options);
    batch = batch_of(f, "k, a, b", "1 1 a\n3 3 c\n2 2 b");
    must_fail(feature_load_append(load, batch, &problem), FEATURE_INVALID,
              "order");
    assert_int_equal(problem.row, 2);
    must_fail(feature_load_append(load, batch, &problem), FEATURE_INVALID,
              "order");
    feature_batch_free(batch);
    feature_load_free(load);
    expect_good(f);
}

static void
a_row_that_is_refused_takes_its_batch_along_and_no_more(void **state)
{
    struct fixture *f = *state;
    feature_load *load;
    feature_batch *batch;

    define(f, E PLAIN);
    load = begin_load(f, (struct feature_load_options){0});
    append(f, load, "k, event_timestamp, a, b", "1 @0 1 a");
    batch = batch_of(f, "k, event_timestamp, a, b", "2 @0 2 b\n3 @100000 3 c");
    must_fail(feature_load_append(load, batch, &problem), FEATURE_INVALID,
              "future");
    assert_int_equal(problem.row, 1);
    feature_batch_free(batch);
    append(f, load, "k, a, b", "3 3 c");
    assert_int_equal(commit_load(load).rows, 2);
    expect_rows(f, "v(*)", "1\n2\n3",
                "present 1 a\nnot_found null null\npresent 3 c");
    expect_good(f);
}

static void
batches_of_others_are_refused(void **state)
{
    struct fixture *f = *state;
    feature_load *load;
    feature_batch *batch = NULL;

    define(f, E PLAIN "CREATE FEATURE VIEW w (a INT64) FOR e;");
    load = begin_load(f, (struct feature_load_options){0});
    must(feature_batch_create(f->store, "w", "k, a", FEATURE_UPSERT, &batch,
                              &problem));
    must_fail(feature_load_append(load, batch, &problem), FEATURE_INVALID,
              "argument");
    feature_batch_free(batch);
    must(feature_batch_create(f->store, "v", "k, a", FEATURE_PATCH, &batch,
                              &problem));
    must_fail(feature_load_append(load, batch, &problem), FEATURE_INVALID,
              "argument");
    feature_batch_free(batch);
    must_fail(feature_load_append(NULL, NULL, &problem), FEATURE_INVALID,
              "argument");
    feature_load_free(load);
    feature_load_free(NULL);
}

static void
two_loads_of_one_view_do_not_meet(void **state)
{
    struct fixture *f = *state;
    struct feature_load_options options = {.id = "first"};
    feature_load *load, *other = NULL;

    define(f, E PLAIN "CREATE FEATURE VIEW w (a INT64) FOR e;");
    load = begin_load(f, options);
    must_fail(feature_load_begin(f->store, "v", NULL, &other, &problem),
              FEATURE_BUSY, "load");
    assert_non_null(strstr(problem.message, "first"));
    must_fail(feature_store_discard_load(f->store, "v", "first", &problem),
              FEATURE_BUSY, "load");
    must_fail(feature_store_rollback(f->store, "v", NULL, NULL, &problem),
              FEATURE_BUSY, "load");
    must(feature_load_begin(f->store, "w", NULL, &other, &problem));
    feature_load_free(other);
    assert_true(has_load(f, "\"state\":\"building\""));
    append(f, load, "k, a, b", "1 1 a");
    commit_load(load);
    load = begin_load(f, (struct feature_load_options){0});
    feature_load_free(load);
}

static void
a_view_that_changes_ends_its_load(void **state)
{
    struct fixture *f = *state;
    feature_load *load;
    feature_batch *batch;

    define(f, E PLAIN);
    upsert(f, "v", "k, a, b", "1 1 one");
    load = begin_load(f, (struct feature_load_options){0});
    append(f, load, "k, a, b", "1 2 two");
    define(f, "CREATE ENTITY other (k INT64);");
    append(f, load, "k, a, b", "2 2 two");
    define(f, "CREATE FEATURE VIEW v (a INT64, b STRING, c INT64) FOR e;");
    must_fail(feature_load_commit(load, NULL, &problem), FEATURE_CONFLICT,
              "schema-changed");
    feature_load_free(load);
    expect_rows(f, "v(a)", "1", "present 1");
    expect_good(f);

    load = begin_load(f, (struct feature_load_options){0});
    batch = batch_of(f, "k, a, b", "1 3 three");
    must(feature_load_append(load, batch, &problem));
    feature_batch_free(batch);
    define(f, "DROP FEATURE VIEW v;");
    expect_good(f);
    must_fail(feature_load_commit(load, NULL, &problem), FEATURE_CONFLICT,
              "schema-changed");
    feature_load_free(load);
    expect_good(f);
}

static void
a_closed_store_ends_its_load(void **state)
{
    struct fixture *f = *state;
    feature_load *load;
    feature_batch *batch;

    define(f, E PLAIN);
    load = begin_load(f, (struct feature_load_options){.id = "x"});
    append(f, load, "k, a, b", "1 2 two");
    batch = batch_of(f, "k, a, b", "2 3 three");
    close_store(f);
    must_fail(feature_load_append(load, batch, &problem), FEATURE_INVALID,
              "closed");
    must_fail(feature_load_commit(load, NULL, &problem), FEATURE_INVALID,
              "closed");
    feature_batch_free(batch);
    feature_load_free(load);
    open_store(f);
    expect_good(f);
    assert_true(has_load(f, "\"state\":\"interrupted\""));
    must_fail(feature_store_discard_load(f->store, "v", "y", &problem),
              FEATURE_NOT_FOUND, "load");
    must(feature_store_discard_load(f->store, "v", "x", &problem));
    assert_false(has_load(f, "\"state\":\"interrupted\""));
    must_fail(feature_store_discard_load(f->store, "v", NULL, &problem),
              FEATURE_NOT_FOUND, "load");
    expect_good(f);
}

static void
a_store_that_is_read_only_takes_no_load(void **state)
{
    struct fixture *f = *state;
    feature_load *load = NULL;
    char *text = NULL;

    define(f, E PLAIN);
    load_rows(f, "1 1 a");
    close_store(f);
    f->options.flags = FEATURE_OPEN_READ_ONLY;
    open_store(f);
    must_fail(feature_load_begin(f->store, "v", NULL, &load, &problem),
              FEATURE_INVALID, "argument");
    must_fail(feature_store_rollback(f->store, "v", NULL, NULL, &problem),
              FEATURE_INVALID, "argument");
    must(feature_store_loads(f->store, NULL, &text, &problem));
    assert_non_null(strstr(text, "\"state\":\"committed\""));
    assert_non_null(strstr(text, "\"serving\":true"));
    feature_free(text);
}

static void
a_missing_view_is_not_found(void **state)
{
    struct fixture *f = *state;
    feature_load *load = NULL;
    char *text = NULL;

    must_fail(feature_load_begin(f->store, "v", NULL, &load, &problem),
              FEATURE_NOT_FOUND, "name");
    must_fail(feature_store_rollback(f->store, "v", NULL, NULL, &problem),
              FEATURE_NOT_FOUND, "name");
    must_fail(feature_store_loads(f->store, "v", &text, &problem),
              FEATURE_NOT_FOUND, "name");
    must_fail(feature_store_discard_load(f->store, "v", NULL, &problem),
              FEATURE_NOT_FOUND, "name");
    must(feature_store_loads(f->store, NULL, &text, &problem));
    assert_string_equal(text, "");
    feature_free(text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(two_rows_of_one_key_are_refused),
        TEST(a_promised_order_is_checked),
        TEST(a_row_that_is_refused_takes_its_batch_along_and_no_more),
        TEST(batches_of_others_are_refused),
        TEST(two_loads_of_one_view_do_not_meet),
        TEST(a_view_that_changes_ends_its_load),
        TEST(a_closed_store_ends_its_load),
        TEST(a_store_that_is_read_only_takes_no_load),
        TEST(a_missing_view_is_not_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
