/* SPDX-License-Identifier: Apache-2.0 */
/* What events leave, in change records as JSON, in snapshots and compact stores. */
#include <unistd.h>

#include "events.h"

#define DEFINITIONS                                                  \
    "STORE WITH (changes = '365 days');"                             \
    "CREATE ENTITY card (card_id INT64);"                            \
    "CREATE EVENT payment (payment_id STRING, card_id INT64, "       \
    "amount FLOAT64) WITH (dedupe = payment_id);"                    \
    "CREATE FEATURE VIEW spend (spent = SUM(amount) OVER '1 hour', " \
    "last = LAST(amount, 3)) FOR card FROM payment "                 \
    "WITH (history = '30 days');"

static void
write_some(struct fixture *f)
{
    define(f, DEFINITIONS);
    expect_events(f, FEATURE_EVENT, "payment", NULL,
                  "a 7 1 @-60\nb 7 2 @-50\nnull 8 3 @-40\nc 7 2 @-4000",
                  "AAAA");
    expect_events(f, FEATURE_RETRACT, "payment", NULL, "b 7 2 @-50", "A");
    erase(f, "spend", "card_id, event_timestamp", "8 @0");
    expect_events(f, FEATURE_EVENT, "payment", NULL, "d 7 9 @0\ne 9 9 @0",
                  "AA");
}

static void
expect_json(struct fixture *f, uint64_t since, const char *expected)
{
    struct feature_changes_options options = {.struct_size = sizeof options,
                                              .since = since};
    struct feature_change_record record;
    feature_changes *changes = NULL;
    char *text = NULL;
    const char *from;

    must(feature_changes_open(f->store, &options, &changes, &problem));
    must(feature_changes_next(changes, &record, &problem));
    must(feature_changes_json(changes, record.bytes, (size_t)record.size, &text,
                              &problem));
    from = strstr(text, "\"changes\":");
    assert_non_null(from);
    assert_string_equal(from, expected);
    feature_free(text);
    feature_changes_free(changes);
}

static void
an_event_is_json_with_its_columns(void **state)
{
    struct fixture *f = *state;

    define(f, DEFINITIONS);
    write_rows(f, FEATURE_EVENT, "payment", NULL, "a\"b 7 2.5 100");
    expect_json(f, 1,
                "\"changes\":[{\"operation\":\"EVENT\",\"event\":\"payment\","
                "\"event_timestamp\":100,\"after\":{\"payment_id\":\"a\\\"b\","
                "\"card_id\":7,\"amount\":2.5}}]}");
    define(f, "CREATE EVENT payment (ok BOOL);");
    write_rows(f, FEATURE_EVENT, "payment", NULL, "c 7 2.5 true 100");
    write_rows(f, FEATURE_RETRACT, "payment", NULL, "c 7 2.5 true 100");
    expect_json(f, 4,
                "\"changes\":[{\"operation\":\"RETRACT\",\"event\":\"payment\","
                "\"event_timestamp\":100,\"after\":{\"payment_id\":\"c\","
                "\"card_id\":7,\"amount\":2.5,\"ok\":true}}]}");
    define(f, "DROP FEATURE VIEW spend; DROP EVENT payment;");
    expect_json(
        f, 1,
        "\"changes\":[{\"operation\":\"EVENT\",\"event\":2,"
        "\"event_timestamp\":100,\"after\":"
        "\"0300000064000000000000000000000000000000070000000000000000000000"
        "0000044003000000612262\"}]}");
    expect_good(f);
}

/* The other store goes on as this one would: ids, windows, kept events. */
static void
expect_goes_on(struct fixture *f, const char *path)
{
    char *ours = NULL, *theirs = NULL;
    feature_store *mine = f->store;
    struct feature_options options = f->options;

    options.struct_size = sizeof options;
    options.fixed_now = NOON + MINUTE;
    must(feature_store_content(f->store, &ours, &problem));
    must(feature_store_open(path, &options, &f->store, &problem));
    must(feature_store_content(f->store, &theirs, &problem));
    assert_string_equal(ours, theirs);
    expect_events(f, FEATURE_EVENT, "payment", NULL, "d 7 9 @0\nz 7 9 @1",
                  "DA");
    expect_events(f, FEATURE_RETRACT, "payment", NULL, "b 7 2 @-50\nd 7 9 @0",
                  "DA");
    feature_store_close(f->store);
    f->store = mine;
    feature_free(ours);
    feature_free(theirs);
}

static void
a_snapshot_has_ids_windows_and_kept_events(void **state)
{
    struct fixture *f = *state;
    char directory[TEST_PATH_SIZE], file[TEST_PATH_SIZE + 16],
        path[TEST_PATH_SIZE + 16];

    write_some(f);
    test_directory(directory);
    snprintf(file, sizeof file, "%s/copy", directory);
    snprintf(path, sizeof path, "%s/store", directory);
    must(feature_store_snapshot(f->store, file, NULL, NULL, NULL, &problem));
    must(feature_store_restore(file, path, NULL, NULL, NULL, &problem));
    expect_goes_on(f, path);
    remove_directory(path);
    unlink(file);
    remove_directory(directory);
}

static void
compact_keeps_all_of_it(void **state)
{
    struct fixture *f = *state;
    char *before = NULL, *after = NULL;

    write_some(f);
    must(feature_store_content(f->store, &before, &problem));
    close_store(f);
    must(feature_store_compact(f->path, NULL, NULL, NULL, &problem));
    open_store(f);
    must(feature_store_content(f->store, &after, &problem));
    assert_string_equal(before, after);
    feature_free(before);
    feature_free(after);
    expect_good(f);
    expect_followed(f);
    expect_events(f, FEATURE_EVENT, "payment", NULL, "d 7 9 @0\nz 7 9 @1",
                  "DA");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_event_is_json_with_its_columns),
        TEST(a_snapshot_has_ids_windows_and_kept_events),
        TEST(compact_keeps_all_of_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
