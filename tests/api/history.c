/* SPDX-License-Identifier: Apache-2.0 */
/* feature_query_history(): which versions, in which order, with which columns. */
#include "arrow_stream.h"

#define VIEW                                                             \
    "CREATE ENTITY e (k INT64);"                                         \
    "CREATE FEATURE VIEW v (a INT64 DEFAULT 9, b INT64, s STRING) FOR e" \
    " WITH (ttl = '1 s', history = '30 days');"

#define LIST "v(*)"

/* A commit a call: its time is the clock's. */
static int64_t clock_now;

static void
tick(struct fixture *f)
{
    clock_now += SECOND;
    move_clock(f, clock_now);
}

static int
begin(void **state)
{
    struct fixture *f;

    if (fixture_begin(state))
        return -1;
    f = *state;
    clock_now = NOON;
    define(f, VIEW);
    return 0;
}

#define HISTORY(name) cmocka_unit_test_setup_teardown(name, begin, fixture_end)

struct asked {
    struct feature_history_options options;
    int64_t known_by;
    struct feature_history_report report;
};

static feature_status
try_history(struct fixture *f, const char *features, const int64_t *keys,
            uint32_t rows, struct asked *asked, struct ArrowArrayStream *stream)
{
    struct feature_query_options with = {.struct_size = sizeof with,
                                         .known_by = asked->known_by};
    struct feature_column column = {
        .values = keys, .rows = rows, .type = FEATURE_TYPE_INT64};
    feature_query *query;
    feature_status status;

    asked->options.struct_size = sizeof asked->options;
    asked->report.struct_size = sizeof asked->report;
    must(feature_query_create(f->store, features, &with, &query, &problem));
    problem = (struct feature_error){.row = -1};
    status = feature_query_history(query, &column, 1, &asked->options,
                                   &asked->report, stream, &problem);
    feature_query_free(query);
    return status;
}

static struct scan
open_of(struct fixture *f, const char *features, const int64_t *keys,
        uint32_t rows, struct asked *asked)
{
    struct scan scan = {0};

    must(try_history(f, features, keys, rows, asked, &scan.stream));
    assert_int_equal(scan.stream.get_schema(&scan.stream, &scan.schema), 0);
    check_schema(&scan.schema);
    return scan;
}

#define open_history(f, keys, asked) open_of((f), LIST, keys, (asked))
#define KEYS(...)                   \
    (const int64_t[]){__VA_ARGS__}, \
        sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t)

static void
expect_at(struct fixture *f, const char *features, const int64_t *keys,
          uint32_t rows, struct asked asked, const char *expected,
          const char *file, int line)
{
    struct scan scan = open_of(f, features, keys, rows, &asked);

    expect_rest_at(&scan, expected, file, line);
    close_scan(&scan);
}

#define expect_history(f, keys, how, expected) \
    expect_at((f), LIST, keys, (how), (expected), __FILE__, __LINE__)
#define ALL ((struct asked){.known_by = 0})

/* Key 1: written, patched, late, deleted; key 2: once. */
static void
write_some(struct fixture *f)
{
    upsert(f, "v", NULL, "1 100 5 6 x\n2 100 1 1 one");
    tick(f);
    patch(f, "v", "k, event_timestamp, b", "1 300 null");
    tick(f);
    patch(f, "v", "k, event_timestamp, a", "1 200 7");
    tick(f);
    erase(f, "v", "k, event_timestamp", "1 400");
}

#define V400     "1 400 5 1767268803000000 3 x07 null null null"
#define V300     "1 300 3 1767268801000000 2 x02 null null null"
#define V200     "1 200 4 1767268802000000 2 x01 7 null null"
#define V100     "1 100 2 1767268800000001 1 x07 5 6 x"
#define ALL_OF_1 V400 "\n" V300 "\n" V200 "\n" V100
#define ALL_OF_2 "2 100 2 1767268800000001 1 x07 1 1 one"

static void
versions_come_newest_first(void **state)
{
    struct fixture *f = *state;
    struct asked asked = ALL;
    struct scan scan;
    char text[256];

    write_some(f);
    expect_history(f, KEYS(1, 2), ALL, ALL_OF_1 "\n" ALL_OF_2);
    expect_history(f, KEYS(2, 1, 3, 2), ALL,
                   ALL_OF_2 "\n" ALL_OF_1 "\n" ALL_OF_2);
    scan = open_history(f, KEYS(1), &asked);
    print_schema(&scan.schema, text, sizeof text);
    assert_string_equal(text, "k l, event_timestamp tsu:UTC, _sequence l?, "
                              "_commit_time tsu:UTC, _operation i, _written z, "
                              "a l?, b l?, s u?");
    close_scan(&scan);
    assert_int_equal(asked.report.sequence, 5);
    assert_int_equal(asked.report.since, NOON + 1);
    assert_int_equal(asked.report.horizon, INT64_MIN);
}

static void
chunks_make_no_difference(void **state)
{
    struct fixture *f = *state;

    write_some(f);
    for (uint32_t rows = 1; rows < 7; rows++) {
        struct asked asked = {.options.chunk_rows = rows};

        expect_history(f, KEYS(1, 2), asked, ALL_OF_1 "\n" ALL_OF_2);
        asked.options.last = 2;
        expect_history(f, KEYS(1, 2, 1), asked,
                       V400 "\n" V300 "\n" ALL_OF_2 "\n" V400 "\n" V300);
    }
}

static void
ranges_have_both_ends(void **state)
{
    struct fixture *f = *state;
    struct asked asked = {.options = {.since = 200, .until = 300}};

    write_some(f);
    expect_history(f, KEYS(1, 2), asked, V300 "\n" V200);
    asked.options.since = 201;
    asked.options.until = 299;
    expect_history(f, KEYS(1, 2), asked, "");
    asked.options.since = 0;
    expect_history(f, KEYS(1, 2), asked, V200 "\n" V100 "\n" ALL_OF_2);
    asked.options.last = 1;
    expect_history(f, KEYS(1, 2), asked, V200 "\n" ALL_OF_2);
    asked.options = (struct feature_history_options){.since = 400};
    expect_history(f, KEYS(1, 2), asked, V400);
}

static void
known_by_leaves_out_later_commits(void **state)
{
    struct fixture *f = *state;
    struct asked asked = {.known_by = NOON + SECOND};

    write_some(f);
    expect_history(f, KEYS(1, 2), asked, V300 "\n" V100 "\n" ALL_OF_2);
    asked.options.last = 1;
    asked.known_by = NOON + 2 * SECOND - 1;
    expect_history(f, KEYS(1, 2), asked, V300 "\n" ALL_OF_2);
    asked.known_by = NOON;
    expect_history(f, KEYS(1, 2), asked, "");
}

/* Rows from before: one that changed since, one that did not, one deleted. */
static void
rows_from_before_history_come_last(void **state)
{
    struct fixture *f = *state;
    struct asked asked = ALL;

    define(f, "CREATE FEATURE VIEW w (a INT64, b INT64) FOR e;");
    upsert(f, "w", NULL, "1 100 1 2\n2 200 3 4\n3 300 5 6");
    patch(f, "w", "k, event_timestamp, a", "1 150 7");
    erase(f, "w", "k, event_timestamp", "3 310");
    clock_now += SECOND;
    move_clock(f, clock_now);
    define(f, "CREATE FEATURE VIEW w (a INT64, b INT64) FOR e"
              " WITH (history = '1 day');");
    patch(f, "w", "k, event_timestamp, b", "1 120 8");
    expect_at(f, "w(*)", KEYS(1, 2, 3), asked,
              "1 120 7 1767268801000001 2 x02 null 8\n"
              "1 150 null 1767268801000000 0 x03 7 2\n"
              "2 200 null 1767268801000000 0 x03 3 4\n"
              "3 310 null 1767268801000000 3 x03 null null",
              __FILE__, __LINE__);
    asked.options.since = 130;
    asked.options.until = 200;
    expect_at(f, "w(*)", KEYS(1, 2, 3), asked,
              "1 150 null 1767268801000000 0 x03 7 2\n"
              "2 200 null 1767268801000000 0 x03 3 4",
              __FILE__, __LINE__);
    asked = (struct asked){.known_by = NOON};
    expect_at(f, "w(*)", KEYS(1, 2, 3), asked, "", __FILE__, __LINE__);
}

static void
refusals_say_why(void **state)
{
    struct fixture *f = *state;
    struct ArrowArrayStream stream = {0};
    struct asked asked = ALL;

    define(f, "CREATE FEATURE VIEW w (a INT64) FOR e;");
    assert_int_equal(try_history(f, "w(*)", KEYS(1), &asked, &stream),
                     FEATURE_NOT_FOUND);
    assert_string_equal(problem.reason, "history");
    assert_int_equal(
        try_history(f, "v(a), w(a AS c)", KEYS(1), &asked, &stream),
        FEATURE_INVALID);
    asked.options.flags = 1;
    assert_int_equal(try_history(f, LIST, KEYS(1), &asked, &stream),
                     FEATURE_INVALID);
    asked.options.flags = 0;
    asked.options.since = INT64_MIN;
    assert_int_equal(try_history(f, LIST, KEYS(1), &asked, &stream),
                     FEATURE_INVALID);
    must_fail(
        feature_query_history(NULL, NULL, 0, NULL, NULL, &stream, &problem),
        FEATURE_INVALID, "argument");
    assert_null(stream.release);
    asked = ALL;
    expect_history(f, KEYS(1), ALL, "");
    assert_int_equal(try_history(f, LIST, NULL, 0, &asked, &stream), 0);
    assert_int_equal(asked.report.since, INT64_MIN);
    stream.release(&stream);
}

static void
a_stream_is_of_one_commit_for_so_long(void **state)
{
    struct fixture *f = *state;
    struct asked asked = {.options = {.chunk_rows = 2, .max_age_ms = 1000}};
    struct scan scan;
    struct ArrowArray batch;

    write_some(f);
    scan = open_history(f, KEYS(1), &asked);
    batch = next_batch(&scan);
    batch.release(&batch);
    patch(f, "v", "k, event_timestamp, a", "1 150 1\n1 500 2");
    expect_rest(&scan, V200 "\n" V100);
    close_scan(&scan);
    scan = open_history(f, KEYS(1), &asked);
    close_store(f);
    expect_error(&scan, EINVAL, "closed");
    close_scan(&scan);
    open_store(f);
}

static void
features_that_came_later_were_not_written(void **state)
{
    struct fixture *f = *state;

    upsert(f, "v", NULL, "1 100 5 6 x");
    define(f, "CREATE FEATURE VIEW v (c INT64) FOR e;");
    patch(f, "v", "k, event_timestamp, c", "1 200 7");
    expect_history(f, KEYS(1), ALL,
                   "1 200 4 1767268800000003 2 x08 null null null 7\n"
                   "1 100 2 1767268800000001 1 x07 5 6 x null");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        HISTORY(versions_come_newest_first),
        HISTORY(chunks_make_no_difference),
        HISTORY(ranges_have_both_ends),
        HISTORY(known_by_leaves_out_later_commits),
        HISTORY(rows_from_before_history_come_last),
        HISTORY(features_that_came_later_were_not_written),
        HISTORY(a_stream_is_of_one_commit_for_so_long),
        HISTORY(refusals_say_why),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
