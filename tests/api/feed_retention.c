/* SPDX-License-Identifier: Apache-2.0 */
/* What feature_store_maintain() drops of a change feed: by age, by size, and not
 * before the slowest consumer, whose claim ends. Writes leave it alone. The clock
 * is the test's. */
#include "common.h"

/* A segment is a sixteenth of it: an hour. */
#define BY_AGE  "STORE WITH (changes = '16 hours');"
#define BY_SIZE "changes_size = '1 MB'"
#define DEFINITIONS              \
    "CREATE ENTITY e (k INT64);" \
    "CREATE FEATURE VIEW v (a STRING) FOR e;"

static int
begin(void **state)
{
    struct fixture *f;

    if (fixture_begin(state))
        return -1;
    f = *state;
    close_store(f);
    f->options.flags |= FEATURE_OPEN_NO_UPKEEP;
    open_store(f);
    return 0;
}

/* A number of the metrics. */
static uint64_t
figure(struct fixture *f, const char *name)
{
    char *text = NULL, line[80];
    const char *at;
    uint64_t number;

    must(feature_store_metrics(f->store, &text, &problem));
    snprintf(line, sizeof line, "\nfeature_feed_%s ", name);
    at = strstr(text, line);
    assert_non_null(at);
    number = strtoull(at + strlen(line), NULL, 10);
    feature_free(text);
    return number;
}

static void
write_row(struct fixture *f, int key, size_t size)
{
    static char row[40000];
    int begin = snprintf(row, sizeof row, "%d 100 ", key);

    memset(row + begin, 'x', size);
    row[(size_t)begin + size] = '\0';
    upsert(f, "v", NULL, row);
}

/* The definitions at noon, sequence 1, and a commit at each full hour after. */
static void
write_hours(struct fixture *f, const char *store)
{
    char text[200];

    snprintf(text, sizeof text, "%s" DEFINITIONS, store);
    define(f, text);
    for (int hour = 1; hour <= 24; hour++) {
        move_clock(f, NOON + hour * HOUR);
        write_row(f, hour, 1);
    }
    assert_int_equal(figure(f, "first"), 1); /* writes dropped nothing */
    assert_int_equal(figure(f, "head"), 25);
}

static uint64_t
maintain(struct fixture *f)
{
    struct feature_maintain_report report = {.struct_size = sizeof report};

    must(feature_store_maintain(f->store, NULL, &report, &problem));
    assert_int_equal(report.commits, 0); /* takes no sequence number */
    return report.segments_dropped;
}

/* Every record from first on can be read, none before it. */
static void
expect_first(struct fixture *f, uint64_t first)
{
    struct feature_changes_options options = {.struct_size = sizeof options,
                                              .since = first - 1};
    struct feature_change_record record;
    feature_changes *changes = NULL;

    must(feature_changes_open(f->store, &options, &changes, &problem));
    for (uint64_t next = first; next <= figure(f, "head"); next++) {
        must(feature_changes_next(changes, &record, &problem));
        assert_non_null(record.bytes);
        assert_int_equal(record.sequence, next);
    }
    feature_changes_free(changes);
    options.since = first - 2;
    if (first > 1)
        must_fail(feature_changes_open(f->store, &options, &changes, &problem),
                  FEATURE_GAP, "feed-truncated");
    assert_int_equal(figure(f, "first"), first);
}

static void
records_go_when_they_are_older_than_the_feed_keeps(void **state)
{
    struct fixture *f = *state;

    write_hours(f, BY_AGE);
    /* That of eight o'clock, sequence 9, is as old as the feed keeps. */
    assert_int_equal(maintain(f), 8);
    expect_first(f, 9);
    assert_int_equal(maintain(f), 0);
    move_clock(f, NOON + 24 * HOUR + 1);
    assert_int_equal(maintain(f), 1);
    expect_first(f, 10);
    /* The newest segment stays, however old it is. */
    move_clock(f, NOON + 1000 * HOUR);
    assert_int_equal(maintain(f), 15);
    expect_first(f, 25);
}

static void
records_go_when_the_feed_is_larger_than_it_may_be(void **state)
{
    struct fixture *f = *state;
    uint64_t before;

    define(f, "STORE WITH (" BY_SIZE ");" DEFINITIONS);
    for (int i = 0; i < 100; i++)
        write_row(f, i, 30000);
    before = figure(f, "bytes");
    assert_in_range(before, 3000000, 3100000);
    assert_in_range(maintain(f), 20, 25); /* of three rows each */
    /* One segment more than there may be was the last one to go. */
    assert_in_range(figure(f, "bytes"), 1000000 - 100000, 1 << 20);
    expect_first(f, figure(f, "first"));
    assert_int_equal(maintain(f), 0);
}

static void
acknowledge(struct fixture *f, const char *consumer, uint64_t claim_ms,
            uint64_t sequence)
{
    struct feature_changes_options options = {.struct_size = sizeof options,
                                              .since = sequence,
                                              .consumer = consumer,
                                              .claim_ms = claim_ms};
    feature_changes *changes = NULL;

    must(feature_changes_open(f->store, &options, &changes, &problem));
    feature_changes_free(changes);
}

/* The slow one has the records up to 4, and a claim for ten hours more. */
static void
the_slowest_consumer_holds_records_until_his_claim_ends(void **state)
{
    struct fixture *f = *state;

    write_hours(f, BY_AGE);
    acknowledge(f, "fast", 100 * (uint64_t)(HOUR / 1000), 20);
    acknowledge(f, "slow", 10 * (uint64_t)(HOUR / 1000), 4);
    assert_int_equal(maintain(f), 4);
    expect_first(f, 5);
    move_clock(f, NOON + 34 * HOUR - 1);
    assert_int_equal(maintain(f), 0);
    move_clock(f, NOON + 34 * HOUR);
    assert_int_equal(maintain(f), 14); /* to that of eighteen o'clock */
    expect_first(f, 19);
    /* Then the fast one holds what he has not got. */
    move_clock(f, NOON + 50 * HOUR);
    assert_int_equal(maintain(f), 2);
    expect_first(f, 21);
    move_clock(f, NOON + 124 * HOUR);
    assert_int_equal(maintain(f), 4);
    expect_first(f, 25);
}

static void
no_claim_holds_more_than_the_feed_may_have(void **state)
{
    struct fixture *f = *state;

    define(f, "STORE WITH (changes = '3 days', " BY_SIZE ");" DEFINITIONS);
    acknowledge(f, "slow", 0, 1);
    for (int i = 0; i < 100; i++)
        write_row(f, i, 30000);
    assert_in_range(maintain(f), 20, 25);
    assert_in_range(figure(f, "bytes"), 1, 1 << 20);
    expect_first(f, figure(f, "first"));
}

static void
a_store_that_follows_drops_segments_too(void **state)
{
    struct fixture *f = *state;
    struct feature_change_record record;
    feature_changes *changes = NULL;
    feature_store *leader;
    char path[TEST_PATH_SIZE + 16];

    write_hours(f, BY_AGE);
    leader = f->store;
    snprintf(path, sizeof path, "%s/replica", f->directory);
    must(feature_store_open(path, &f->options, &f->store, &problem));
    must(feature_changes_open(leader, NULL, &changes, &problem));
    for (;;) {
        must(feature_changes_next(changes, &record, &problem));
        if (!record.bytes)
            break;
        must(feature_store_follow(f->store, record.bytes, (size_t)record.size,
                                  NULL, &problem));
    }
    feature_changes_free(changes);
    feature_store_close(leader);
    assert_int_equal(figure(f, "first"), 1);
    assert_int_equal(maintain(f), 8);
    expect_first(f, 9);
}

#define RETENTION(name) \
    cmocka_unit_test_setup_teardown(name, begin, fixture_end)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        RETENTION(records_go_when_they_are_older_than_the_feed_keeps),
        RETENTION(records_go_when_the_feed_is_larger_than_it_may_be),
        RETENTION(the_slowest_consumer_holds_records_until_his_claim_ends),
        RETENTION(no_claim_holds_more_than_the_feed_may_have),
        RETENTION(a_store_that_follows_drops_segments_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
