/* SPDX-License-Identifier: Apache-2.0 */
/* feature_store_changes_arrow() of events: what the feed has of them, as columns. */
#include "arrow_stream.h"

#define EVENTS                                                        \
    "STORE WITH (changes = '3 days');"                                \
    "CREATE ENTITY card (card_id INT64);"                             \
    "CREATE EVENT payment (id STRING, card_id INT64, amount INT32)"   \
    " WITH (dedupe = id);"                                            \
    "CREATE EVENT login (card_id INT64);"                             \
    "CREATE FEATURE VIEW limits (day INT64) FOR card;"                \
    "CREATE FEATURE VIEW spend (n = COUNT(*) OVER '1 hour') FOR card" \
    " FROM payment WITH (history = '1 day');"
#define COLUMNS "id, card_id, amount, event_timestamp"
#define META                                                             \
    "_op u, _seq l, _ordinal l, _commit_time tsu:UTC, _event_timestamp " \
    "tsu:UTC?, _late b?, _written +l?(u)"

static void
send(struct fixture *f, int32_t operation, const char *event,
     const char *columns, const char *rows)
{
    feature_batch *batch = make_batch(f, operation, event, columns, rows);

    write_batch(f, batch);
    feature_batch_free(batch);
}

/* Commits 2 to 5: two of three lines of the first count. */
static void
write_some(struct fixture *f)
{
    define(f, EVENTS);
    send(f, FEATURE_EVENT, "payment", COLUMNS,
         "p1 1 5 @-1\np1 1 5 @-1\n'' null 7 @-7200");
    upsert(f, "limits", NULL, "1 @0 500");
    send(f, FEATURE_EVENT, "login", "card_id, event_timestamp", "1 @-5");
    send(f, FEATURE_RETRACT, "payment", COLUMNS, "p1 1 5 @-1");
}

static struct scan
open_changes(struct fixture *f, const char *features, uint64_t since,
             uint32_t chunk_rows)
{
    struct feature_changes_arrow_options options = {.struct_size =
                                                        sizeof options,
                                                    .since = since,
                                                    .chunk_rows = chunk_rows};
    struct scan scan = {0};

    must(feature_store_changes_arrow(f->store, features, &options, NULL,
                                     &scan.stream, &problem));
    assert_int_equal(scan.stream.get_schema(&scan.stream, &scan.schema), 0);
    check_schema(&scan.schema);
    return scan;
}

static void
expect_changes_at(struct fixture *f, const char *features, uint64_t since,
                  uint32_t chunk_rows, const char *expected, const char *file,
                  int line)
{
    struct scan scan = open_changes(f, features, since, chunk_rows);

    expect_rest_at(&scan, expected, file, line);
    close_scan(&scan);
}

#define expect_changes(f, features, since, chunk_rows, expected)          \
    expect_changes_at((f), (features), (since), (chunk_rows), (expected), \
                      __FILE__, __LINE__)

#define P1 "p1 1 5 EVENT 2 0 1767268800000001 1767268799000000 null null"
#define P2 "'' null 7 EVENT 2 1 1767268800000001 1767261600000000 null null"
#define P3 "p1 1 5 RETRACT 5 0 1767268800000004 1767268799000000 null null"

static void
events_come_as_they_were_written(void **state)
{
    struct fixture *f = *state;
    static char text[1000];
    struct scan scan;

    write_some(f);
    scan = open_changes(f, "payment(*)", 0, 0);
    print_schema(&scan.schema, text, sizeof text);
    assert_string_equal(text, "id u?, card_id l?, amount i?, " META);
    close_scan(&scan);
    expect_changes(f, "payment(*)", 0, 0, P1 "\n" P2 "\n" P3);
    expect_changes(f, "payment(*)", 0, 1, P1 "\n--\n" P2 "\n--\n" P3 "\n--");
    expect_changes(f, "payment(*)", 2, 0, P3);
    expect_changes(f, "payment(amount AS euros)", 2, 0,
                   "5 RETRACT 5 0 1767268800000004 1767268799000000 null null");
    expect_changes(f, "login:card_id", 0, 0,
                   "1 EVENT 4 0 1767268800000003 1767268795000000 null null");
    expect_changes(f, "limits(*)", 0, 0,
                   "1 500 UPSERT 3 0 1767268800000002 1767268800000000 null "
                   "null");
}

static void
columns_that_came_later_are_null_before(void **state)
{
    struct fixture *f = *state;
    struct scan scan;

    write_some(f);
    scan = open_changes(f, "payment(*)", 2, 0);
    define(f, "CREATE EVENT payment (id STRING, card_id INT64, amount INT32,"
              " shop STRING) WITH (dedupe = id);");
    send(f, FEATURE_EVENT, "payment", COLUMNS ", shop", "p9 2 6 @-3 oslo");
    expect_changes(f, "payment(amount, shop)", 2, 0,
                   "5 null RETRACT 5 0 1767268800000004 1767268799000000 null "
                   "null\n"
                   "6 oslo EVENT 7 0 1767268800000006 1767268797000000 null "
                   "null");
    expect_rest(&scan, P3);
    close_scan(&scan);
}

static void
what_has_no_rows_is_refused(void **state)
{
    struct feature_changes_arrow_options options = {
        .struct_size = sizeof options, .flags = FEATURE_CHANGES_BEFORE};
    struct fixture *f = *state;
    struct ArrowArrayStream stream;
    feature_store *store = f->store;

    write_some(f);
    must_fail(feature_store_changes_arrow(store, "payment(*)", &options, NULL,
                                          &stream, &problem),
              FEATURE_INVALID, "argument");
    must_fail(feature_store_changes_arrow(store, "spend(*)", NULL, NULL,
                                          &stream, &problem),
              FEATURE_INVALID, "event");
    assert_non_null(strstr(problem.message, "changes of payment"));
    must_fail(feature_store_changes_arrow(store, "payment(none)", NULL, NULL,
                                          &stream, &problem),
              FEATURE_NOT_FOUND, NULL);
    must_fail(feature_store_changes_arrow(store, "pay(*)", NULL, NULL, &stream,
                                          &problem),
              FEATURE_NOT_FOUND, NULL);
    must_fail(feature_store_changes_arrow(store, "payments(*)", NULL, NULL,
                                          &stream, &problem),
              FEATURE_NOT_FOUND, NULL);
    must_fail(feature_store_changes_arrow(store, "payment(*), login(*)", NULL,
                                          NULL, &stream, &problem),
              FEATURE_NOT_FOUND, NULL);
}

static void
an_event_of_old_that_was_dropped_is_gone(void **state)
{
    struct fixture *f = *state;
    struct ArrowArrayStream stream;

    write_some(f);
    define(f, "DROP EVENT login;");
    must_fail(feature_store_changes_arrow(f->store, "login(*)", NULL, NULL,
                                          &stream, &problem),
              FEATURE_NOT_FOUND, NULL);
    define(f, "CREATE EVENT login (name STRING);");
    expect_changes(f, "login(*)", 0, 0, "");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(events_come_as_they_were_written),
        TEST(columns_that_came_later_are_null_before),
        TEST(what_has_no_rows_is_refused),
        TEST(an_event_of_old_that_was_dropped_is_gone),
    };

    return cmocka_run_group_tests_name("events_changes", tests, NULL, NULL);
}
