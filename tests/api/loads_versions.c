/* SPDX-License-Identifier: Apache-2.0 */
/* Versions that were replaced: rollback, what is kept, copies, followers. */
#include "loads.h"
#include "snapshot.h"

static void
a_rollback_undoes_a_load_and_another_one_the_rollback(void **state)
{
    struct fixture *f = *state;
    struct feature_load_report report;

    define(f, E PLAIN);
    upsert(f, "v", "k, a, b", "1 1 one");
    load_rows(f, "2 2 two");
    assert_true(has_load(f, "\"serving\":true"));
    report = roll_back(f, 0);
    assert_int_equal(report.sequence, stats_of(f).sequence);
    expect_rows(f, "v(*)", "1\n2", "present 1 one\nnot_found null null");
    assert_true(has_load(f, "\"kept\":true"));
    assert_true(has_load(f, "\"rolled_back\":true"));
    expect_good(f);
    roll_back(f, 0);
    expect_rows(f, "v(*)", "1\n2", "not_found null null\npresent 2 two");
    expect_good(f);
    close_store(f);
    open_store(f);
    expect_rows(f, "v(*)", "1\n2", "not_found null null\npresent 2 two");
}

static void
a_rollback_keeps_what_was_written_since(void **state)
{
    struct fixture *f = *state;
    struct feature_load_report report;

    define(f, FED E PLAIN);
    upsert(f, "v", "k, a, b", "1 1 one\n2 2 two");
    load_rows(f, "1 10 ONE\n3 30 THREE");
    upsert(f, "v", "k, a, b", "2 21 twone");
    patch(f, "v", "k, a", "1 11");
    erase(f, "v", "k", "3");
    report = roll_back(f, 0);
    assert_int_equal(report.caught_up, 3);
    expect_rows(f, "v(*)", "1\n2\n3",
                "present 11 one\npresent 21 twone\nnot_found null null");
    expect_good(f);
    upsert(f, "v", "k, a, b", "4 4 four");
    report = roll_back(f, 0);
    assert_int_equal(report.caught_up, 1);
    expect_rows(f, "v(*)", "1\n2\n3\n4",
                "present 11 ONE\npresent 21 twone\nnot_found null null\n"
                "present 4 four");
    expect_good(f);
}

static void
without_a_feed_a_rollback_loses_nothing_in_silence(void **state)
{
    struct fixture *f = *state;

    define(f, E PLAIN);
    upsert(f, "v", "k, a, b", "1 1 one");
    load_rows(f, "1 10 ONE");
    upsert(f, "v", "k, a, b", "1 11 eleven");
    must_fail(feature_store_rollback(f->store, "v", NULL, NULL, &problem),
              FEATURE_CONFLICT, "no-feed");
    expect_rows(f, "v(*)", "1", "present 11 eleven");
    roll_back(f, FEATURE_ROLLBACK_AS_IT_WAS);
    expect_rows(f, "v(*)", "1", "present 1 one");
    expect_good(f);
}

/* The load of a version that is there stays on record, ways back to it do not. */
static void
rollbacks_are_not_recorded_without_end(void **state)
{
    struct fixture *f = *state;
    char *text = NULL;
    int lines = 0;

    define(f, E PLAIN);
    load_rows(f, "1 1 one");
    load_rows(f, "1 2 two");
    for (int i = 0; i < 100; i++)
        roll_back(f, 0);
    must(feature_store_loads(f->store, "v", &text, &problem));
    for (char *at = text; (at = strchr(at, '\n')); at++)
        lines++;
    feature_free(text);
    assert_in_range(lines, 60, 64);
    assert_true(has_load(f, "{\"number\":1,"));
    assert_true(has_load(f, "{\"number\":2,"));
    expect_good(f);
}

static void
nothing_is_kept_where_nothing_was_replaced(void **state)
{
    struct fixture *f = *state;
    struct feature_rollback_options options = {.struct_size = sizeof options,
                                               .flags = 8};

    define(f, E PLAIN);
    must_fail(feature_store_rollback(f->store, "v", NULL, NULL, &problem),
              FEATURE_NOT_FOUND, "no-version");
    must_fail(feature_store_rollback(f->store, "v", &options, NULL, &problem),
              FEATURE_INVALID, "argument");
}

static int
count_kept(struct fixture *f)
{
    char *text = NULL;
    int count = 0;

    must(feature_store_metrics(f->store, &text, &problem));
    feature_free(text);
    must(feature_store_loads(f->store, "v", &text, &problem));
    for (char *at = text; (at = strstr(at, "\"kept\":true")); at++)
        count++;
    feature_free(text);
    return count;
}

static void
as_many_versions_are_kept_as_the_view_says(void **state)
{
    struct fixture *f = *state;

    define(f, E "CREATE FEATURE VIEW v (a INT64, b STRING) FOR e "
                "WITH (keep_versions = 2);");
    for (int i = 0; i < 5; i++) {
        load_rows(f, i & 1 ? "1 1 odd" : "1 0 even");
        expect_good(f);
    }
    assert_int_equal(count_kept(f), 2);
    expect_rows(f, "v(*)", "1", "present 0 even");
    roll_back(f, 0);
    assert_int_equal(count_kept(f), 2);
    expect_rows(f, "v(*)", "1", "present 1 odd");
    define(f, "CREATE FEATURE VIEW v (a INT64, b STRING) FOR e "
              "WITH (keep_versions = 0);");
    must(feature_store_maintain(f->store, NULL, NULL, &problem));
    assert_int_equal(count_kept(f), 0);
    expect_good(f);
    load_rows(f, "1 7 seven");
    assert_int_equal(count_kept(f), 0);
    must_fail(feature_store_rollback(f->store, "v", NULL, NULL, &problem),
              FEATURE_NOT_FOUND, "no-version");
    must_fail(feature_store_apply(f->store,
                                  "CREATE FEATURE VIEW v (a INT64, b STRING) "
                                  "FOR e WITH (keep_versions = 9);",
                                  NULL, NULL, &problem),
              FEATURE_INVALID, NULL);
    expect_good(f);
}

static void
a_schema_that_grew_is_no_matter(void **state)
{
    struct fixture *f = *state;

    define(f, FED E PLAIN);
    upsert(f, "v", "k, a, b", "1 1 one");
    load_rows(f, "1 10 ONE");
    define(f, "CREATE FEATURE VIEW v (a INT64, b STRING, c INT64 DEFAULT 5) "
              "FOR e;");
    roll_back(f, 0);
    expect_rows(f, "v(*)", "1", "present 1 one 5*");
    upsert(f, "v", "k, a, b, c", "2 2 two 2");
    define(f, "CREATE FEATURE VIEW v (a INT64, b STRING, c INT64 DEFAULT 5, "
              "d INT64) FOR e;");
    upsert(f, "v", "k, a, b, c, d", "3 3 three 3 30");
    roll_back(f, 0);
    expect_rows(f, "v(*)", "1\n2\n3",
                "present 10 ONE 5* null\npresent 2 two 2 null\n"
                "present 3 three 3 30");
    expect_good(f);
}

static void
a_dropped_view_takes_its_versions_along(void **state)
{
    struct fixture *f = *state;
    char *text = NULL;

    define(f, E PLAIN);
    load_rows(f, "1 1 one");
    load_rows(f, "1 2 two");
    define(f, "DROP FEATURE VIEW v;");
    must(feature_store_loads(f->store, NULL, &text, &problem));
    assert_string_equal(text, "");
    feature_free(text);
    expect_good(f);
    define(f, PLAIN);
    load_rows(f, "1 3 three");
    expect_rows(f, "v(*)", "1", "present 3 three");
    expect_good(f);
}

static void
a_snapshot_has_the_version_that_serves(void **state)
{
    struct fixture *f = *state;
    struct fixture copy;
    feature_load *load;

    define(f, FED E PLAIN);
    upsert(f, "v", "k, a, b", "1 1 one");
    load_rows(f, "1 10 ONE");
    load = begin_load(f, (struct feature_load_options){0});
    append(f, load, "k, a, b", "1 100 staged");
    take_snapshot(f, "file", NULL);
    copy = restore_copy(f, "file", "copy");
    expect_rows(&copy, "v(*)", "1", "present 10 ONE");
    expect_good(&copy);
    load_rows(&copy, "1 7 seven");
    expect_rows(&copy, "v(*)", "1", "present 7 seven");
    expect_good(&copy);
    close_store(&copy);
    feature_load_free(load);
    expect_good(f);
}

static void
a_compacted_store_has_what_serves(void **state)
{
    struct fixture *f = *state;

    define(f, E PLAIN);
    upsert(f, "v", "k, a, b", "1 1 one");
    load_rows(f, "1 10 ONE");
    close_store(f);
    must(feature_store_compact(f->path, NULL, NULL, NULL, &problem));
    open_store(f);
    expect_rows(f, "v(*)", "1", "present 10 ONE");
    expect_good(f);
    load_rows(f, "1 7 seven");
    expect_rows(f, "v(*)", "1", "present 7 seven");
    expect_good(f);
}

static void
expect_known(struct fixture *f, uint64_t number)
{
    struct feature_load_report report = {.struct_size = sizeof report};
    feature_load *load =
        begin_load(f, (struct feature_load_options){.id = "nightly/1"});

    must(feature_load_status(load, &report, &problem));
    assert_int_equal(report.flags, FEATURE_LOADED_DUPLICATE);
    assert_int_equal(report.number, number);
    feature_load_free(load);
}

/* What is under way in the store is not in its copies. */
static void
ids_stay_known_in_copies(void **state)
{
    struct fixture *f = *state;
    struct fixture copy = *f;
    char file[PATH_SIZE];
    feature_load *load;
    uint64_t number;

    define(f, E PLAIN);
    load_rows(f, "1 1 one");
    load = begin_load(f, (struct feature_load_options){.id = "nightly/1"});
    append(f, load, "k, a, b", "1 2 two");
    number = commit_load(load).number;
    load = begin_load(f, (struct feature_load_options){.id = "nightly/2"});
    path_of(f, "snapshot", file);
    snprintf(copy.path, sizeof copy.path, "%.200s/copy", f->directory);
    must(feature_store_snapshot(f->store, file, NULL, NULL, NULL, &problem));
    must(feature_store_restore(file, copy.path, NULL, NULL, NULL, &problem));
    copy.store = NULL;
    open_store(&copy);
    expect_known(&copy, number);
    assert_false(has_load(&copy, "nightly/2"));
    load_rows(&copy, "1 3 three");
    expect_rows(&copy, "v(*)", "1", "present 3 three");
    expect_good(&copy);
    define(&copy, "DROP FEATURE VIEW v;");
    expect_good(&copy);
    close_store(&copy);
    close_store(f);
    feature_load_free(load);
    must(feature_store_compact(f->path, NULL, NULL, NULL, &problem));
    open_store(f);
    expect_known(f, number);
    assert_false(has_load(f, "nightly/2"));
    expect_good(f);
}

/* Brings the follower up to date; the reason of its failure, or "". */
static const char *
follow(struct fixture *f, struct fixture *copy, char **json)
{
    struct feature_changes_options options = {.struct_size = sizeof options,
                                              .since = stats_of(copy).sequence};
    struct feature_change_record record;
    feature_changes *changes = NULL;
    const char *reason = "";

    must(feature_changes_open(f->store, &options, &changes, &problem));
    for (;;) {
        must(feature_changes_next(changes, &record, &problem));
        if (!record.bytes)
            break;
        if (feature_store_follow(copy->store, record.bytes, record.size, NULL,
                                 &problem)) {
            reason = problem.reason;
            must(feature_changes_json(changes, record.bytes, record.size, json,
                                      &problem));
            break;
        }
    }
    feature_changes_free(changes);
    return reason;
}

static void
a_follower_asks_for_a_snapshot(void **state)
{
    struct fixture *f = *state;
    struct fixture copy;
    feature_load *load = NULL;
    char *json = NULL;

    define(f, FED E PLAIN);
    upsert(f, "v", "k, a, b", "1 1 one");
    take_snapshot(f, "file", NULL);
    copy = restore_copy(f, "file", "copy");
    upsert(f, "v", "k, a, b", "2 2 two");
    assert_string_equal(follow(f, &copy, &json), "");
    must_fail(feature_load_begin(copy.store, "v", NULL, &load, &problem),
              FEATURE_CONFLICT, "follower");
    must_fail(feature_store_rollback(copy.store, "v", NULL, NULL, &problem),
              FEATURE_CONFLICT, "follower");
    load = begin_load(f, (struct feature_load_options){.id = "n/1"});
    append(f, load, "k, a, b", "1 10 ONE");
    commit_load(load);
    assert_string_equal(follow(f, &copy, &json), "load");
    assert_non_null(strstr(json, "\"operation\":\"VERSION\",\"view\":\"v\","
                                 "\"id\":\"n/1\",\"version\":2"));
    feature_free(json);
    expect_good(&copy);
    expect_rows(&copy, "v(*)", "1\n2", "present 1 one\npresent 2 two");
    close_store(&copy);
    expect_good(f);
}

static void
sources_say_where_the_cut_is(void **state)
{
    struct fixture *f = *state;
    struct feature_source source = {.name = "s", .next_offset = 10};
    struct feature_write_options write = {
        .struct_size = sizeof write, .sources = &source, .source_count = 1};
    struct feature_load_options options = {.sources = &source,
                                           .source_count = 1};
    struct feature_load_report report;
    feature_batch *batch;
    feature_load *load;
    uint64_t next = 0, cut = 0;

    define(f, FED E PLAIN);
    for (int i = 0; i < 4; i++) {
        char row[40];

        snprintf(row, sizeof row, "%d %d w%d", i, i, i);
        batch = batch_of(f, "k, a, b", row);
        must(feature_store_write(f->store, &batch, 1, &write, NULL, &problem));
        feature_batch_free(batch);
        if (i == 1)
            cut = stats_of(f).sequence;
        source.first_offset += 10;
        source.next_offset += 10;
    }
    source.first_offset = 0;
    source.next_offset = 25; /* the commit of 20 is in, that of 30 is not */
    load = begin_load(f, options);
    append(f, load, "k, a, b", "0 100 l0\n1 101 l1\n2 102 l2");
    report = commit_load(load);
    assert_int_equal(report.cut, cut);
    assert_int_equal(report.caught_up, 2);
    expect_rows(f, "v(*)", "0\n1\n2\n3",
                "present 100 l0\npresent 101 l1\npresent 2 w2\npresent 3 w3");
    must(feature_store_offset(f->store, "s", 0, &next, NULL, NULL, &problem));
    assert_int_equal(next, 40);
    source.next_offset = 70;
    load = begin_load(f, options);
    append(f, load, "k, a, b", "0 0 l");
    commit_load(load);
    must(feature_store_offset(f->store, "s", 0, &next, NULL, NULL, &problem));
    assert_int_equal(next, 70);
    expect_good(f);
}

static void
the_past_of_what_went_is_not_guessed(void **state)
{
    struct fixture *f = *state;
    struct reader reader;
    int64_t then = NOON - 5 * SECOND;

    define(f, E PLAIN);
    upsert(f, "v", "k, event_timestamp, a, b", "1 @-10 1 one");
    load_rows(f, "2 2 two");
    reader = open_reader(f, "v(*)", 0, "1");
    must(feature_request_set_as_of(reader.request, &then, 1, &problem));
    expect_read(&reader, "no_history null null");
    close_reader(&reader);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_rollback_undoes_a_load_and_another_one_the_rollback),
        TEST(a_rollback_keeps_what_was_written_since),
        TEST(without_a_feed_a_rollback_loses_nothing_in_silence),
        TEST(rollbacks_are_not_recorded_without_end),
        TEST(nothing_is_kept_where_nothing_was_replaced),
        TEST(as_many_versions_are_kept_as_the_view_says),
        TEST(a_schema_that_grew_is_no_matter),
        TEST(a_dropped_view_takes_its_versions_along),
        TEST(a_snapshot_has_the_version_that_serves),
        TEST(ids_stay_known_in_copies),
        TEST(a_compacted_store_has_what_serves),
        TEST(a_follower_asks_for_a_snapshot),
        TEST(sources_say_where_the_cut_is),
        TEST(the_past_of_what_went_is_not_guessed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
