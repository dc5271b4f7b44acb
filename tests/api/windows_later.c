/* SPDX-License-Identifier: Apache-2.0 */
/* Windows of features that come and go, of rows that left, and at a clock behind
 * the newest event: what random operations found (tests/model/events). */
#include "events.h"

#define BEGIN                             \
    "CREATE ENTITY card (card_id INT64);" \
    "CREATE EVENT payment (card_id INT64, amount INT64);"
#define HOURLY                                                      \
    "CREATE FEATURE VIEW spend (n = COUNT(*) OVER '1 hour' HOP '1 " \
    "minute')"
#define FROM    " FOR card FROM payment;"
#define KEPT    " FOR card FROM payment WITH (history = '30 days');"
#define COLUMNS "card_id, event_timestamp, amount"

static void
pay(struct fixture *f, const char *rows)
{
    write_rows(f, FEATURE_EVENT, "payment", COLUMNS, rows);
}

static void
expect_at(struct fixture *f, const char *features, int64_t after,
          const char *expected)
{
    struct reader reader = open_reader(f, features, 0, "1");
    int64_t t = NOON + after;

    must(feature_request_set_as_of(reader.request, &t, 1, &problem));
    expect_read(&reader, expected);
    close_reader(&reader);
}

static void
sweep(struct fixture *f)
{
    struct feature_maintain_options options = {.struct_size = sizeof options,
                                               .flags = FEATURE_MAINTAIN_ALL};

    must(feature_store_maintain(f->store, &options, NULL, &problem));
    assert_int_equal(stats_of(f).rows, 0);
}

/* --- features that come and go ------------------------------------------------- */

static void
nothing_is_visible_in_the_window_of_a_feature_that_was_dropped(void **state)
{
    struct fixture *f = *state;

    define(f, BEGIN HOURLY FROM);
    define(f, "CREATE FEATURE VIEW spend (week = COUNT(*) OVER '7 days' HOP '1 "
              "day', ever = SUM(amount))" FROM);
    pay(f, "1 @-7200 10");
    expect_rows(f, "spend(n, week)", "1", "present 0 1");
    define(f, "DROP FEATURE spend:week; DROP FEATURE spend:ever;");
    expect_rows(f, "spend(n)", "1", "not_found 0");
    pay(f, "1 @-7100 10"); /* which makes a row of this version of it */
    expect_rows(f, "spend(n)", "1", "not_found 0");
}

static void
a_feature_that_comes_after_the_row_was_swept_is_partial(void **state)
{
    struct fixture *f = *state;

    define(f, BEGIN HOURLY FROM);
    pay(f, "1 @-7200 10");
    sweep(f);
    define(f, "CREATE FEATURE VIEW spend (ever = SUM(amount), day = COUNT(*) "
              "OVER '1 day' HOP '1 hour')" FROM);
    expect_rows(f, "spend(n, ever, day)", "1", "partial 0 null null");
    move_clock(f, NOON + DAY);
    expect_rows(f, "spend(n, day)", "1", "present 0 0"); /* who knows of ever */
    expect_rows(f, "spend(ever)", "1", "partial null");
}

/* What went with the row is not in the one that a late event makes. */
static void
a_late_row_after_the_sweep_lacks_what_was_swept(void **state)
{
    struct fixture *f = *state;

    define(f, BEGIN HOURLY FROM);
    pay(f, "1 @-7200 10");
    sweep(f);
    pay(f, "1 @-172800 7");
    define(f, "CREATE FEATURE VIEW spend (day = COUNT(*) OVER '1 day' HOP '1 "
              "hour')" FROM);
    expect_rows(f, "spend(n, day)", "1", "partial 0 null");
    pay(f, "1 @-172700 7");
    expect_rows(f, "spend(n, day)", "1", "partial 0 null");
    pay(f, "1 @-60 7");
    expect_rows(f, "spend(n, day)", "1", "partial 1 null");
    move_clock(f, NOON + DAY - HOUR);
    expect_rows(f, "spend(n, day)", "1", "present 0 1");
}

static void
nothing_is_left_of_a_later_feature_when_all_was_taken_back(void **state)
{
    struct fixture *f = *state;

    define(f, BEGIN HOURLY FROM);
    define(f, "CREATE FEATURE VIEW spend (day = COUNT(*) OVER '1 day' HOP '1 "
              "hour')" FROM);
    pay(f, "1 @-60 10");
    expect_events(f, FEATURE_RETRACT, "payment", COLUMNS, "1 @-60 10", "A");
    expect_rows(f, "spend(*)", "1", "not_found 0 0");
    expect_at(f, "spend(*)", -59 * SECOND, "not_found 0 0");
}

/* Tiles of an hour go to those of a day when nothing has hops of an hour any
 * more; windows of finer hops are answered all the same, now and back to max_skew
 * before the newest event. */
static void
a_hop_that_goes_leaves_the_windows_of_others_known(void **state)
{
    struct fixture *f = *state;

    define(f, BEGIN HOURLY FROM);
    define(f, "CREATE FEATURE VIEW spend (hour = COUNT(*) OVER TUMBLE '1 hour',"
              " week = COUNT(*) OVER '7 days' HOP '1 day')" FROM);
    pay(f, "1 @-9000 1\n1 @-8900 2\n1 @-60 4");
    expect_rows(f, "spend(n, hour, week)", "1", "present 1 1 3");
    define(f, "DROP FEATURE spend:hour;");
    expect_rows(f, "spend(n, week)", "1", "present 1 3");
    pay(f, "1 @-50 8"); /* the row is one of the new version now */
    expect_rows(f, "spend(n, week)", "1", "present 2 4");
    expect_at(f, "spend(n, week)", -52 * SECOND, "present 1 3");
    expect_at(f, "spend(n)", -2 * HOUR, "no_history null"); /* within a day */
    move_clock(f, NOON + HOUR);
    pay(f, "1 @3590 8");
    expect_rows(f, "spend(n, week)", "1", "present 1 5");
}

/* An event that was late by the windows of today is in no tile of theirs. */
static void
a_row_of_longer_windows_does_not_know_what_was_late_since(void **state)
{
    struct fixture *f = *state;

    define(f, BEGIN HOURLY FROM);
    define(f, "CREATE FEATURE VIEW spend (week = COUNT(*) OVER '7 days' HOP '1 "
              "minute')" FROM);
    pay(f, "1 @-60 10\n2 @-60 10\n2 @-43200 7");
    expect_at(f, "spend(n)", -43140 * SECOND, "present 0");
    define(f, "DROP FEATURE spend:week;");
    expect_events(f, FEATURE_EVENT, "payment", COLUMNS, "1 @-43200 7", "L");
    expect_at(f, "spend(n)", -43140 * SECOND, "no_history null");
    expect_events(f, FEATURE_RETRACT, "payment", COLUMNS, "2 @-43200 7", "L");
    expect_rows(f, "spend(n)", "1\n2", "present 1\npresent 1");
    expect_good(f);
}

/* Nobody knows whether the count of all events has one of before it. */
static void
what_a_later_count_may_not_have_is_not_taken_back(void **state)
{
    struct fixture *f = *state;
    feature_batch *batch;

    define(f, BEGIN HOURLY FROM);
    expect_events(f, FEATURE_EVENT, "payment", COLUMNS,
                  "1 @-60 1\n1 @-86400 null", "AL");
    define(f, "CREATE FEATURE VIEW spend (ever = COUNT(amount))" FROM);
    pay(f, "1 @-90000 2\n1 @-90060 3");
    batch =
        make_batch(f, FEATURE_RETRACT, "payment", COLUMNS, "1 @-86400 null");
    must_fail(feature_store_write(f->store, &batch, 1, NULL, NULL, &problem),
              FEATURE_INVALID, "argument");
    feature_batch_free(batch);
    expect_rows(f, "spend(n, ever)", "1", "partial 1 null");
    expect_good(f);
}

/* --- deletes of what is not there any more -------------------------------------- */

static void
a_delete_after_the_sweep_does_not_know_what_was_swept(void **state)
{
    struct fixture *f = *state;

    define(f, BEGIN HOURLY " FOR card FROM payment WITH (slack = '1 day');");
    pay(f, "1 @-7200 10");
    sweep(f);
    erase(f, "spend", "card_id, event_timestamp", "1 @-10000");
    expect_at(f, "spend(n)", -7000 * SECOND, "no_history null");
    pay(f, "1 @-60 7");
    expect_at(f, "spend(n)", -7000 * SECOND, "no_history null");
    expect_rows(f, "spend(n)", "1", "present 1");
}

static void
nor_does_a_feature_that_comes_after_it(void **state)
{
    struct fixture *f = *state;

    define(f, BEGIN HOURLY FROM);
    pay(f, "1 @-7200 10");
    sweep(f);
    erase(f, "spend", "card_id, event_timestamp", "1 @-10000\n2 @-60");
    define(f, "CREATE FEATURE VIEW spend (day = COUNT(*) OVER '1 day' HOP '1 "
              "hour')" FROM);
    expect_rows(f, "spend(n, day)", "1\n2", "partial 0 null\nnot_found 0 0");
    pay(f, "1 @-50 7\n2 @-50 7");
    expect_rows(f, "spend(n, day)", "1\n2", "partial 1 null\npresent 1 1");
    move_clock(f, NOON + DAY - HOUR);
    expect_rows(f, "spend(n, day)", "1\n2", "present 0 1\npresent 0 1");
}

static void
what_was_deleted_before_the_sweep_does_not_come_back(void **state)
{
    struct fixture *f = *state;

    define(f, BEGIN HOURLY KEPT);
    pay(f, "1 @-7200 10");
    erase(f, "spend", "card_id, event_timestamp", "1 @-7100");
    pay(f, "1 @-7000 3\n1 @-6900 4");
    sweep(f);
    define(f, "CREATE FEATURE VIEW spend (ever = SUM(amount))" KEPT);
    pay(f, "1 @-60 1");
    expect_rows(f, "spend(n, ever)", "1", "present 1 8");
    expect_events(f, FEATURE_RETRACT, "payment", COLUMNS, "1 @-7000 3", "A");
    expect_rows(f, "spend(n, ever)", "1", "present 1 5");
    expect_good(f);
}

/* --- deletes ahead of the clock ------------------------------------------------ */

static void
a_delete_counts_now_though_its_barrier_is_ahead_of_the_clock(void **state)
{
    struct fixture *f = *state;

    define(f, BEGIN HOURLY FROM);
    pay(f, "1 @3 10\n1 @-60 10");
    erase(f, "spend", "card_id, event_timestamp", "1 @-1000");
    expect_rows(f, "spend(n)", "1", "not_found 0");
    pay(f, "1 @4 10");
    expect_rows(f, "spend(n)", "1", "not_found 0");
    move_clock(f, NOON + 5 * SECOND);
    expect_rows(f, "spend(n)", "1", "present 1");
}

static void
kept_events_behind_such_a_delete_do_not_count_now(void **state)
{
    struct feature_query_options options = {.struct_size = sizeof options};
    struct fixture *f = *state;
    struct feature_stats stats;
    struct reader reader;

    define(f, BEGIN "CREATE FEATURE VIEW spend (n = COUNT(*) OVER '1 hour' HOP "
                    "'1 minute', ever = SUM(amount))" KEPT);
    pay(f, "1 @3 10\n1 @-60 10");
    erase(f, "spend", "card_id, event_timestamp", "1 @-1000");
    stats = stats_of(f);
    pay(f, "1 @-30 1\n2 @0 1");
    options.known_by = stats.commit_time;
    must(feature_query_create(f->store, "spend(n, ever)", &options,
                              &reader.query, &problem));
    must(feature_request_create(reader.query, &reader.request, &problem));
    set_keys(&reader, "1");
    expect_read(&reader, "not_found 0 null");
    close_reader(&reader);
    expect_at(f, "spend(n, ever)", 0, "present 2 11"); /* before the delete */
    expect_at(f, "spend(n, ever)", 4 * SECOND, "not_found 0 null");
}

/* --- times that cut a tile ----------------------------------------------------- */

static void
what_a_cut_tile_has_is_no_proof_that_anything_is_visible(void **state)
{
    struct fixture *f = *state;

    define(f, BEGIN
           "CREATE FEATURE VIEW spend (n = COUNT(*) OVER '1 minute' "
           "HOP '1 second', yesterday = COUNT(*) OVER TUMBLE '1 day')" KEPT);
    pay(f, "1 @-80000 1\n1 @-79000 2\n1 @-60 4");
    expect_at(f, "spend(n, yesterday)", -79500 * SECOND, "not_found 0 0");
    expect_at(f, "spend(yesterday)", -79500 * SECOND, "not_found 0");
    expect_at(f, "spend(n, yesterday)", -78999 * SECOND, "present 1 0");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_is_visible_in_the_window_of_a_feature_that_was_dropped),
        TEST(a_feature_that_comes_after_the_row_was_swept_is_partial),
        TEST(a_late_row_after_the_sweep_lacks_what_was_swept),
        TEST(nothing_is_left_of_a_later_feature_when_all_was_taken_back),
        TEST(a_hop_that_goes_leaves_the_windows_of_others_known),
        TEST(a_row_of_longer_windows_does_not_know_what_was_late_since),
        TEST(what_a_later_count_may_not_have_is_not_taken_back),
        TEST(a_delete_after_the_sweep_does_not_know_what_was_swept),
        TEST(nor_does_a_feature_that_comes_after_it),
        TEST(what_was_deleted_before_the_sweep_does_not_come_back),
        TEST(a_delete_counts_now_though_its_barrier_is_ahead_of_the_clock),
        TEST(kept_events_behind_such_a_delete_do_not_count_now),
        TEST(what_a_cut_tile_has_is_no_proof_that_anything_is_visible),
    };

    return cmocka_run_group_tests_name("windows_later", tests, NULL, NULL);
}
