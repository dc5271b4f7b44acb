/* SPDX-License-Identifier: Apache-2.0 */
/* Versions that are kept: which of them a rollback goes to, and what becomes of
 * those that are too many, were interrupted, or know another definition. */
#include "loads.h"
#include "snapshot.h"

#define KEEP3                                    \
    "CREATE FEATURE VIEW v (a INT64, b STRING) " \
    "FOR e WITH (keep_versions = 3);"

static feature_status
go_to(struct fixture *f, uint32_t version, const char *id)
{
    struct feature_rollback_options options = {
        .struct_size = sizeof options, .version = version, .id = id};

    return feature_store_rollback(f->store, "v", &options, NULL, &problem);
}

static void
load_as(struct fixture *f, const char *id, const char *rows)
{
    feature_load *load = begin_load(f, (struct feature_load_options){.id = id});

    append(f, load, "k, a, b", rows);
    commit_load(load);
}

static void
one_that_is_not_kept_is_named_with_those_that_are(void **state)
{
    struct fixture *f = *state;

    define(f, FED E KEEP3);
    load_as(f, "n/1", "1 2 two");
    load_as(f, "n/2", "1 3 three");
    load_as(f, "n/3", "1 4 four");
    load_as(f, "n/4", "1 5 five");
    must_fail(go_to(f, 1, NULL), FEATURE_NOT_FOUND, "no-version");
    assert_string_equal(problem.message, "version 1 is not kept; kept of v: "
                                         "4 (n/3), 3 (n/2), 2 (n/1)");
    must_fail(go_to(f, 5, NULL), FEATURE_NOT_FOUND, "no-version");
    assert_non_null(strstr(problem.message, "version 5 serves already"));
    must_fail(go_to(f, 0, "n/4"), FEATURE_NOT_FOUND, "no-version");
    assert_non_null(strstr(problem.message, "of load n/4 serves already"));
    must_fail(go_to(f, 77, NULL), FEATURE_NOT_FOUND, "no-version");
    must_fail(go_to(f, 0, "other"), FEATURE_NOT_FOUND, "no-version");
    assert_non_null(strstr(problem.message, "no load other on record; kept: "
                                            "4 (n/3), 3 (n/2), 2 (n/1)"));
    must_fail(go_to(f, 2, "n/1"), FEATURE_INVALID, "argument");
    must_fail(go_to(f, 0, "a b"), FEATURE_INVALID, "argument");
    must_fail(go_to(f, 0, ""), FEATURE_INVALID, "argument");
    expect_rows(f, "v(*)", "1", "present 5 five");
    must(go_to(f, 0, "n/1"));
    expect_rows(f, "v(*)", "1", "present 2 two");
    must_fail(go_to(f, 2, NULL), FEATURE_NOT_FOUND, "no-version");
    assert_non_null(strstr(problem.message, "version 2 serves already; kept "
                                            "of v: 5 (n/4), 4 (n/3), 3 (n/2)"));
    roll_back(f, 0); /* undoes it */
    expect_rows(f, "v(*)", "1", "present 5 five");
    expect_good(f);
}

/* A long list is cut off, and says so. */
static void
names_that_are_long_are_cut_off(void **state)
{
    struct fixture *f = *state;
    char id[129];

    memset(id, 'x', 128);
    id[128] = '\0';
    define(f, E KEEP3);
    for (int i = 0; i < 4; i++) {
        id[0] = (char)('a' + i);
        load_as(f, id, "1 2 two");
    }
    must_fail(go_to(f, 9, NULL), FEATURE_NOT_FOUND, "no-version");
    assert_non_null(strstr(problem.message, "kept of v: ..."));
}

/* The oldest goes, never the one before. */
static void
what_is_too_much_goes_in_the_order_it_was_replaced(void **state)
{
    struct fixture *f = *state;

    define(f, FED E KEEP3);
    load_as(f, "n/1", "1 2 two");
    load_as(f, "n/2", "1 3 three");
    load_as(f, "n/3", "1 4 four");
    upsert(f, "v", "k, a, b", "2 2 new");
    must(go_to(f, 1, NULL));
    expect_rows(f, "v(*)", "1\n2", "not_found null null\npresent 2 new");
    define(f, "CREATE FEATURE VIEW v (a INT64, b STRING) FOR e WITH "
              "(keep_versions = 1);");
    must(feature_store_maintain(f->store, NULL, NULL, &problem));
    expect_good(f);
    must_fail(go_to(f, 2, NULL), FEATURE_NOT_FOUND, "no-version");
    assert_string_equal(problem.message,
                        "version 2 is not kept; kept of v: 4 (n/3)");
    roll_back(f, 0);
    expect_rows(f, "v(*)", "1\n2", "present 4 four\npresent 2 new");
    expect_good(f);
}

static void
without_a_feed_an_older_one_is_gone_back_to_as_it_was(void **state)
{
    struct fixture *f = *state;
    struct feature_rollback_options options = {.struct_size = sizeof options,
                                               .flags =
                                                   FEATURE_ROLLBACK_AS_IT_WAS,
                                               .version = 2};

    define(f, E KEEP3);
    load_as(f, "n/1", "1 2 two");
    load_as(f, "n/2", "1 3 three");
    load_as(f, "n/3", "1 4 four");
    must_fail(go_to(f, 2, NULL), FEATURE_CONFLICT, "no-feed");
    assert_non_null(strstr(problem.message, "loaded or rolled back since"));
    must(feature_store_rollback(f->store, "v", &options, NULL, &problem));
    expect_rows(f, "v(*)", "1", "present 2 two");
    roll_back(f, 0);
    expect_rows(f, "v(*)", "1", "present 4 four");
    expect_good(f);
}

/* So many rows of 1 kB. */
static void
write_many(struct fixture *f, uint32_t first, uint32_t count)
{
    static char rows[64 * 1100];

    for (uint32_t i = first; i < first + count; i += 50) {
        char *at = rows;

        for (uint32_t j = i; j < i + 50; j++)
            at += sprintf(at, "%u 0 %01000u\n", j, j);
        upsert(f, "v", "k, a, b", rows);
    }
}

static void
limit(struct fixture *f, uint64_t size)
{
    char text[64];

    snprintf(text, sizeof text, "STORE WITH (max_size = '%" PRIu64 " kB');",
             size / 1024);
    define(f, text);
}

/* How far it came counts for nothing but the next try. */
static void
one_that_was_interrupted_keeps_its_place(void **state)
{
    struct fixture *f = *state;
    struct feature_load_report report = {.struct_size = sizeof report};

    define(f, FED E KEEP3);
    load_as(f, "n/1", "1 2 two");
    load_as(f, "n/2", "1 3 three");
    load_as(f, "n/3", "1 4 four");
    write_many(f, 100, 3000);
    limit(f, stats_of(f).file_size + (3 << 20));
    must_fail(go_to(f, 1, NULL), FEATURE_FULL, "map-full");
    expect_rows(f, "v(a)", "1\n100\n3099", "present 4\npresent 0\npresent 0");
    expect_good(f);
    limit(f, 64 << 20);
    must(feature_store_rollback(f->store, "v", NULL, &report, &problem));
    expect_rows(f, "v(a)", "1\n100\n3099", "present 3\npresent 0\npresent 0");
    define(f, "CREATE FEATURE VIEW v (a INT64, b STRING) FOR e WITH "
              "(keep_versions = 2);");
    must(feature_store_maintain(f->store, NULL, NULL, &problem));
    must_fail(go_to(f, 1, NULL), FEATURE_NOT_FOUND, "no-version");
    assert_non_null(strstr(problem.message, "kept of v: 4 (n/3), 2 (n/1)"));
    expect_good(f);
}

/* What was caught up with is not caught up with again. */
static void
one_that_was_interrupted_goes_on_from_there(void **state)
{
    struct fixture *f = *state;
    struct feature_load_report report = {.struct_size = sizeof report};
    struct feature_rollback_options options = {.struct_size = sizeof options,
                                               .version = 1};

    define(f, FED E KEEP3);
    load_as(f, "n/1", "1 2 two");
    load_as(f, "n/2", "1 3 three");
    define(f, "CREATE FEATURE VIEW v (a INT64, b STRING, d INT64) FOR e WITH "
              "(keep_versions = 3);");
    write_many(f, 100, 3000);
    limit(f, stats_of(f).file_size + (3 << 20));
    must_fail(go_to(f, 1, NULL), FEATURE_FULL, "map-full");
    define(f, "CREATE FEATURE VIEW v (a INT64, b STRING, d INT64, c INT64) "
              "FOR e WITH (keep_versions = 3);");
    limit(f, 64 << 20);
    upsert(f, "v", "k, a, b, d, c", "1 7 seven 9 8");
    must(feature_store_rollback(f->store, "v", &options, &report, &problem));
    assert_in_range(report.caught_up, 1, 2999);
    expect_rows(f, "v(a, c)", "1\n100\n3099",
                "present 7 8\npresent 0 null\npresent 0 null");
    expect_good(f);
}

/* Rows that a load knows of already are in the feed, and count once for each. */
static void
writes_that_a_later_load_contains_are_written_too(void **state)
{
    struct fixture *f = *state;

    define(f, FED E KEEP3);
    upsert(f, "v", "k, event_timestamp, a, b", "1 10 1 one\n2 10 2 two");
    load_as(f, "n/1", "1 100 ONE");
    patch(f, "v", "k, a", "1 7");
    load_as(f, "n/2", "1 7 ONE\n3 30 three");
    erase(f, "v", "k", "2");
    must(go_to(f, 1, NULL));
    expect_rows(f, "v(*)", "1\n2\n3",
                "present 7 one\nnot_found null null\nnot_found null null");
    must(go_to(f, 0, "n/1"));
    expect_rows(f, "v(*)", "1\n2\n3",
                "present 7 ONE\nnot_found null null\nnot_found null null");
    expect_good(f);
}

/* A number is given once, also when the load that had it is gone with its view. */
static void
numbers_of_loads_are_given_once(void **state)
{
    struct fixture *f = *state;
    struct fixture copy;

    define(f, FED E PLAIN "CREATE FEATURE VIEW w (a INT64) FOR e;");
    assert_int_equal(load_rows(f, "1 1 one").number, 1);
    assert_int_equal(load_rows(f, "1 2 two").number, 2);
    assert_int_equal(roll_back(f, 0).number, 3);
    define(f, "DROP FEATURE VIEW v;");
    open_again(f);
    define(f, PLAIN);
    assert_int_equal(load_rows(f, "1 1 one").number, 4);
    define(f, "DROP FEATURE VIEW v;");
    define(f, PLAIN);
    take_snapshot(f, "file", NULL);
    copy = restore_copy(f, "file", "copy");
    assert_int_equal(load_rows(&copy, "1 1 one").number, 5);
    expect_good(&copy);
    close_store(&copy);
    close_store(f);
    must(feature_store_compact(f->path, NULL, NULL, NULL, &problem));
    open_store(f);
    assert_int_equal(load_rows(f, "1 1 one").number, 5);
    expect_good(f);
}

static void
a_view_that_was_never_written_to_is_a_version_too(void **state)
{
    struct fixture *f = *state;

    define(f, FED E "CREATE FEATURE VIEW v (a INT64, b STRING) FOR e "
                    "WITH (max_skew = 'none', history = '90 days');");
    load_as(f, "n/1", "1 1 one");
    roll_back(f, 0);
    expect_rows(f, "v(*)", "1", "not_found null null");
    expect_good(f);
    upsert(f, "v", "k, a, b", "2 2 two");
    roll_back(f, 0);
    expect_rows(f, "v(*)", "1\n2", "present 1 one\npresent 2 two");
    roll_back(f, 0);
    expect_rows(f, "v(*)", "1\n2", "not_found null null\npresent 2 two");
    expect_good(f);
}

static void
history_that_begins_begins_in_kept_versions(void **state)
{
    struct fixture *f = *state;

    define(f, FED E "CREATE FEATURE VIEW v (a INT64, b STRING) FOR e "
                    "WITH (max_skew = 'none');");
    upsert(f, "v", "k, event_timestamp, a, b", "1 10 1 one");
    load_as(f, "n/1", "1 100 ONE");
    define(f, "CREATE FEATURE VIEW v (a INT64, b STRING) FOR e "
              "WITH (max_skew = 'none', history = '900 days');");
    upsert(f, "v", "k, event_timestamp, a, b", "1 20 2 two\n2 30 3 three");
    roll_back(f, 0);
    expect_rows(f, "v(*)", "1\n2", "present 2 two\npresent 3 three");
    expect_good(f);
    upsert(f, "v", "k, event_timestamp, a, b", "1 40 4 four");
    expect_rows(f, "v(*)", "1\n2", "present 4 four\npresent 3 three");
    expect_good(f);
    roll_back(f, 0);
    expect_good(f);
}

#define PAST                                               \
    FED E "CREATE FEATURE VIEW v (a INT64) FOR e "         \
          "WITH (max_skew = 'none', history = '90 days', " \
          "keep_versions = 2);"

static void
expect_past(struct fixture *f, int64_t time, const char *expected)
{
    struct reader reader = open_reader(f, "v(*)", 0, "1\n2\n3");
    const int64_t times[] = {time, time, time};

    must(feature_request_set_as_of(reader.request, times, 3, &problem));
    expect_read(&reader, expected);
    close_reader(&reader);
}

/* What was kept of it is gone; rows are not, and begin a history anew. */
static void
history_that_ends_ends_in_kept_versions(void **state)
{
    struct fixture *f = *state;
    feature_load *load;

    define(f, PAST);
    upsert(f, "v", "k, event_timestamp, a", "1 10 1\n2 20 2");
    load = begin_load(f, (struct feature_load_options){.time = 30});
    append(f, load, "k, event_timestamp, a", "1 5 100\n3 25 300");
    commit_load(load);
    define(f, E "CREATE FEATURE VIEW v (a INT64) FOR e "
                "WITH (max_skew = 'none', history = 'none', "
                "keep_versions = 2);");
    expect_good(f);
    define(f, E "CREATE FEATURE VIEW v (a INT64) FOR e WITH (max_skew = "
                "'none', history = '90 days', keep_versions = 2);");
    expect_good(f);
    roll_back(f, FEATURE_ROLLBACK_AS_IT_WAS);
    expect_rows(f, "v(*)", "1\n2\n3", "present 1\npresent 2\nnot_found null");
    expect_past(f, 9, "no_history null\nno_history null\nno_history null");
    expect_good(f);
    upsert(f, "v", "k, event_timestamp, a", "1 40 11");
    expect_past(f, 39, "present 1\nno_history null\nno_history null");
    expect_good(f);
    roll_back(f, 0);
    expect_rows(f, "v(*)", "1\n2\n3",
                "present 11\nnot_found null\npresent 300");
    expect_good(f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_that_is_not_kept_is_named_with_those_that_are),
        TEST(names_that_are_long_are_cut_off),
        TEST(what_is_too_much_goes_in_the_order_it_was_replaced),
        TEST(without_a_feed_an_older_one_is_gone_back_to_as_it_was),
        TEST(one_that_was_interrupted_keeps_its_place),
        TEST(one_that_was_interrupted_goes_on_from_there),
        TEST(writes_that_a_later_load_contains_are_written_too),
        TEST(numbers_of_loads_are_given_once),
        TEST(a_view_that_was_never_written_to_is_a_version_too),
        TEST(history_that_begins_begins_in_kept_versions),
        TEST(history_that_ends_ends_in_kept_versions)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
