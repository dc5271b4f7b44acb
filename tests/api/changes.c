/* SPDX-License-Identifier: Apache-2.0 */
/* The calls of the change feed, as users make them: arguments, ends of life,
 * and what a record says as JSON. */
#include "common.h"

#define TRIPS                                                            \
    "STORE WITH (changes = '3 days');"                                   \
    "CREATE ENTITY trip (trip_id INT64, line STRING);"                   \
    "CREATE FEATURE VIEW trips (fare FLOAT64, tags STRING[], raw BYTES," \
    " v FLOAT32[2], ok BOOL) FOR trip WITH (changes = 'before_after');"

static feature_changes *
open_changes(struct fixture *f, uint64_t since)
{
    struct feature_changes_options options = {.struct_size = sizeof options,
                                              .since = since};
    feature_changes *changes = NULL;

    must(feature_changes_open(f->store, &options, &changes, &problem));
    return changes;
}

static void
expect_json(struct fixture *f, uint64_t since, const char *expected)
{
    feature_changes *changes = open_changes(f, since);
    struct feature_change_record record;
    const char *from;
    char *text = NULL;

    must(feature_changes_next(changes, &record, &problem));
    assert_non_null(record.bytes);
    must(feature_changes_json(changes, record.bytes, (size_t)record.size, &text,
                              &problem));
    from = strstr(text, "\"changes\":");
    assert_non_null(from);
    assert_string_equal(from, expected);
    feature_free(text);
    feature_changes_free(changes);
}

static void
a_record_is_json_with_the_names_of_the_definitions(void **state)
{
    struct fixture *f = *state;

    define(f, TRIPS);
    upsert(f, "trips", NULL, "1 a\"b 100 2.5 [x,y] x00ff [1,2] true");
    expect_json(f, 1,
                "\"changes\":[{\"operation\":\"UPSERT\",\"view\":\"trips\","
                "\"key\":{\"trip_id\":1,\"line\":\"a\\\"b\"},"
                "\"event_timestamp\":100,\"after\":{\"fare\":2.5,"
                "\"ok\":true,\"v\":[1,2],\"tags\":[\"x\",\"y\"],"
                "\"raw\":\"00ff\"}}]}");
    patch(f, "trips", "trip_id, line, event_timestamp, fare",
          "1 a\"b 200 null");
    expect_json(f, 2,
                "\"changes\":[{\"operation\":\"PATCH\",\"view\":\"trips\","
                "\"key\":{\"trip_id\":1,\"line\":\"a\\\"b\"},"
                "\"event_timestamp\":200,\"after\":{\"fare\":null},"
                "\"before\":{\"fare\":2.5,\"ok\":true,\"v\":[1,2],"
                "\"tags\":[\"x\",\"y\"],\"raw\":\"00ff\"}}]}");
    erase(f, "trips", "trip_id, line, event_timestamp", "7 z 300");
    expect_json(f, 3,
                "\"changes\":[{\"operation\":\"DELETE\",\"view\":\"trips\","
                "\"key\":{\"trip_id\":7,\"line\":\"z\"},"
                "\"event_timestamp\":300}]}");
    define(f, "DROP FEATURE VIEW trips;");
    expect_json(f, 3,
                "\"changes\":[{\"operation\":\"DELETE\",\"view\":2,"
                "\"key\":\"80000000000000077a0001\","
                "\"event_timestamp\":300}]}");
}

/* Two batches of one call: what the second one found is what the first one left,
 * whether or not another row lies between. Within a batch only the first of its
 * changes to a row has it. */
static void
each_batch_of_a_call_has_its_own_row_before(void **state)
{
    struct fixture *f = *state;
    const char *some = "k, event_timestamp, a";
    feature_batch *batches[3];

    define(f, "STORE WITH (changes = '3 days');"
              "CREATE ENTITY e (k INT64);"
              "CREATE FEATURE VIEW v (a INT64) FOR e"
              " WITH (changes = 'before_after');");
    upsert(f, "v", NULL, "1 100 5");
    batches[0] = make_batch(f, FEATURE_UPSERT, "v", some, "1 200 6\n1 201 7");
    batches[1] = make_batch(f, FEATURE_UPSERT, "v", some, "1 300 8\n2 300 9");
    batches[2] =
        make_batch(f, FEATURE_DELETE, "v", "k, event_timestamp", "1 400");
    must(feature_store_write(f->store, batches, 3, NULL, NULL, &problem));
    for (int i = 0; i < 3; i++)
        feature_batch_free(batches[i]);
#define ROW(operation, key, time)                              \
    "{\"operation\":\"" operation "\",\"view\":\"v\",\"key\":" \
    "{\"k\":" key "},\"event_timestamp\":" time
    expect_json(
        f, 2,
        "\"changes\":[" ROW(
            "UPSERT", "1",
            "200") ",\"after\":{\"a\":6},"
                   "\"before\":{\"a\":5}}," ROW(
                       "UPSERT", "1",
                       "201") ","
                              "\"after\":{\"a\":7}}," ROW(
                                  "UPSERT", "1",
                                  "300") ","
                                         "\"after\":{\"a\":8},\"before\":{"
                                         "\"a\":7}}," ROW(
                                             "UPSERT", "2",
                                             "300") ","
                                                    "\"after\":{\"a\":9}}," ROW(
                                                        "DELETE", "1",
                                                        "400") ","
                                                               "\"before\":{"
                                                               "\"a\":8}}]}");
}

static void
the_end_of_the_feed_is_no_failure_and_more_may_come(void **state)
{
    struct fixture *f = *state;
    struct feature_change_record record;
    feature_changes *changes;

    define(f, TRIPS);
    changes = open_changes(f, 1);
    must(feature_changes_next(changes, &record, &problem));
    assert_null(record.bytes);
    must(feature_changes_wait(changes, 1, &problem));
    erase(f, "trips", "trip_id, line, event_timestamp", "7 z 300");
    must(feature_changes_wait(changes, 600000, &problem));
    must(feature_changes_next(changes, &record, &problem));
    assert_int_equal(record.sequence, 2);
    assert_int_equal(record.time, NOON + 1);
    must(feature_changes_next(changes, &record, &problem));
    assert_null(record.bytes);
    feature_changes_free(changes);
}

static void
wrong_arguments_are_refused(void **state)
{
    struct fixture *f = *state;
    struct feature_changes_options options = {.struct_size = sizeof options};
    struct feature_change_record record;
    feature_changes *changes = NULL, *none = NULL;
    uint64_t number;
    char *text;

    define(f, TRIPS);
    changes = open_changes(f, 0);
    must_fail(feature_changes_open(NULL, NULL, &none, &problem),
              FEATURE_INVALID, "argument");
    must_fail(feature_changes_open(f->store, NULL, NULL, &problem),
              FEATURE_INVALID, "argument");
    options.flags = 2;
    must_fail(feature_changes_open(f->store, &options, &none, &problem),
              FEATURE_INVALID, "argument");
    options.flags = FEATURE_CHANGES_RESUME;
    must_fail(feature_changes_open(f->store, &options, &none, &problem),
              FEATURE_INVALID, "argument");
    options.flags = 0;
    options.since = UINT64_MAX;
    must_fail(feature_changes_open(f->store, &options, &none, &problem),
              FEATURE_INVALID, "argument");
    options.since = 2;
    must_fail(feature_changes_open(f->store, &options, &none, &problem),
              FEATURE_CONFLICT, "epoch");
    must_fail(feature_changes_next(NULL, &record, &problem), FEATURE_INVALID,
              "argument");
    must_fail(feature_changes_next(changes, NULL, &problem), FEATURE_INVALID,
              "argument");
    must_fail(feature_changes_wait(NULL, 0, &problem), FEATURE_INVALID,
              "argument");
    must_fail(feature_changes_acknowledge(changes, 0, &problem),
              FEATURE_INVALID, "argument");
    must_fail(feature_changes_json(changes, "x", 1, &text, &problem),
              FEATURE_CORRUPT, "structure");
    must_fail(feature_changes_json(changes, NULL, 1, &text, &problem),
              FEATURE_INVALID, "argument");
    must_fail(feature_store_follow(f->store, NULL, 0, NULL, &problem),
              FEATURE_INVALID, "argument");
    must_fail(feature_store_follow(f->store, "", 0, NULL, &problem),
              FEATURE_CORRUPT, "structure");
    must_fail(feature_store_promote(NULL, NULL, &problem), FEATURE_INVALID,
              "argument");
    must_fail(
        feature_store_offset(f->store, "", 0, &number, NULL, NULL, &problem),
        FEATURE_INVALID, "argument");
    assert_null(none);
    feature_changes_free(NULL);
    close_store(f);
    must_fail(feature_changes_next(changes, &record, &problem), FEATURE_INVALID,
              "closed");
    must_fail(feature_changes_wait(changes, 0, &problem), FEATURE_INVALID,
              "closed");
    feature_changes_free(changes);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_record_is_json_with_the_names_of_the_definitions),
        TEST(each_batch_of_a_call_has_its_own_row_before),
        TEST(the_end_of_the_feed_is_no_failure_and_more_may_come),
        TEST(wrong_arguments_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
