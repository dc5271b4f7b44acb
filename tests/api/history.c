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
open_history(struct fixture *f, const int64_t *keys, uint32_t rows,
             struct asked *asked)
{
    struct scan scan = {0};

    must(try_history(f, LIST, keys, rows, asked, &scan.stream));
    assert_int_equal(scan.stream.get_schema(&scan.stream, &scan.schema), 0);
    check_schema(&scan.schema);
    return scan;
}

#define KEYS(...)                   \
    (const int64_t[]){__VA_ARGS__}, \
        sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t)

static void
expect_at(struct fixture *f, const int64_t *keys, uint32_t rows,
          struct asked asked, const char *expected, const char *file, int line)
{
    struct scan scan = open_history(f, keys, rows, &asked);

    expect_rest_at(&scan, expected, file, line);
    close_scan(&scan);
}

#define expect_history(f, keys, how, expected) \
    expect_at((f), keys, (how), (expected), __FILE__, __LINE__)
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

static void
versions_come_newest_first(void **state)
{
    struct fixture *f = *state;

    write_some(f);
    expect_history(f, KEYS(1, 2), ALL,
                   "1 400 5 1767268803000000 3 x07 null null null\n"
                   "1 300 3 1767268801000000 2 x02 null null null\n"
                   "1 200 4 1767268802000000 2 x01 7 null null\n"
                   "1 100 2 1767268800000001 1 x07 5 6 x\n"
                   "2 100 2 1767268800000001 1 x07 1 1 one");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        HISTORY(versions_come_newest_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
