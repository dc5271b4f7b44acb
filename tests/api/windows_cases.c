/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cases that other systems are known for.
 *
 * Owns small sets of events whose answers are on paper, by the name of where they
 * are from.
 * Keeps the answers exact: none of them is within a tolerance.
 * Never tries many events; windows.c does, against brute force.
 */
#include "common.h"

#define DRIVER "CREATE ENTITY driver (driver_id INT64);"
#define RIDE   DRIVER "CREATE EVENT ride (driver_id INT64, fare INT64);"

static void
write_events(struct fixture *f, const char *event, const char *columns,
             const char *rows, const char *outcomes)
{
    feature_batch *batch = make_batch(f, FEATURE_EVENT, event, columns, rows);

    write_batch(f, batch);
    expect_outcomes(batch, outcomes);
    feature_batch_free(batch);
}

/* Of driver 1 at so many microseconds after NOON. */
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

/* --- Feast -------------------------------------------------------------------- */

#define FEAST "max_10m, min_10m, spread_10m, avg_10m, rides_10m"

static void
define_feast(struct fixture *f)
{
    move_clock(f, NOON + HOUR);
    define(f, RIDE "CREATE FEATURE VIEW stats ("
                   "max_10m = MAX(fare) OVER '10 minutes',"
                   "min_10m = MIN(fare) OVER '10 minutes',"
                   "spread_10m = STDDEV(fare) OVER '10 minutes',"
                   "avg_10m = AVG(fare) OVER '10 minutes',"
                   "sum_10m = SUM(fare) OVER '10 minutes',"
                   "rides_10m = COUNT(*) OVER '10 minutes',"
                   "max_5m = MAX(fare) OVER '10 minutes' HOP '5 minutes',"
                   "spread_5m = STDDEV(fare) OVER '10 minutes' HOP '5 minutes',"
                   "max_exact = MAX(fare) OVER '10 minutes' EXACT,"
                   "spread_exact = STDDEV(fare) OVER '10 minutes' EXACT,"
                   "rides_1h = COUNT(*) OVER '1 hour'"
                   ") FOR driver FROM ride WITH (slack = '1 hour');");
}

/* Events of 10, 20, 30 and 5 every five minutes; tiles that hold running sums of
 * all columns, and MAX and MIN among them, answered 65, 65 and 17.5. */
static void
the_feast_case_of_max_min_and_stddev_over_running_sums(void **state)
{
    struct fixture *f = *state;

    define_feast(f);
    write_events(f, "ride", "driver_id, event_timestamp, fare",
                 "1 @0 10\n1 @300 20\n1 @600 30\n1 @900 5", "AAAA");
    expect_at(f, "stats(" FEAST ")", 20 * MINUTE,
              "present 30 5 17.677669529663689 17.5 2");
    expect_at(f, "stats(max_5m, spread_5m, max_exact, spread_exact)",
              20 * MINUTE,
              "present 30 17.677669529663689 30 17.677669529663689");
    /* While they come: 10; 10, 20; then 20, 30; each right after its event. */
    expect_at(f, "stats(max_exact, spread_exact)", 1, "present 10 null");
    expect_at(f, "stats(max_exact, spread_exact)", 5 * MINUTE + 1,
              "present 20 7.0710678118654755");
    expect_at(f, "stats(max_exact, spread_exact)", 10 * MINUTE + 1,
              "present 30 7.0710678118654755");
    expect_at(f, "stats(max_exact, spread_exact)", 15 * MINUTE + 1,
              "present 30 17.677669529663689");
    /* On the grid of five minutes the event of minute 5 is in as well. */
    expect_at(f, "stats(max_5m, spread_5m)", 15 * MINUTE + 1,
              "present 30 12.583057392117917");
}

/* One is left, then none: an empty window is null there, and not 0. */
static void
the_feast_case_of_empty_windows(void **state)
{
    struct fixture *f = *state;

    define_feast(f);
    write_events(f, "ride", "driver_id, event_timestamp, fare",
                 "1 @0 10\n1 @300 20\n1 @600 30\n1 @900 5", "AAAA");
    expect_at(f, "stats(" FEAST ", sum_10m)", 25 * MINUTE,
              "present 5 5 null 5 1 5");
    expect_at(f, "stats(" FEAST ", sum_10m, rides_1h)", 26 * MINUTE,
              "present null null null null 0 null 4");
    expect_at(f, "stats(" FEAST ")", 90 * MINUTE,
              "not_found null null null null 0");
}

/* --- Chronon ------------------------------------------------------------------ */

/* Rows of the stream that are older than the last batch were dropped there until
 * the next one: here the batch has yesterday until midnight, and two rides of
 * yesterday come after it, one of them after rides of today. */
static void
the_chronon_case_of_late_events_behind_the_batch(void **state)
{
    struct fixture *f = *state;

    move_clock(f, NOON + DAY);
    define(f, RIDE "CREATE FEATURE VIEW stats ("
                   "rides_12h = COUNT(*) OVER '12 hours',"
                   "fares_7d = SUM(fare) OVER '7 days'"
                   ") FOR driver FROM ride;");
    write_events(f, "ride", "driver_id, event_timestamp, fare",
                 "1 @-40000 1\n1 @-36000 2\n1 @0 4", "AAA");
    expect_at(f, "stats(rides_12h, fares_7d)", 12 * HOUR, "present 1 7");
    write_events(f, "ride", "driver_id, event_timestamp, fare", "1 @-3600 8",
                 "A");
    write_events(f, "ride", "driver_id, event_timestamp, fare",
                 "1 @36000 16\n1 @-30000 32", "AA");
    expect_at(f, "stats(rides_12h, fares_7d)", 12 * HOUR, "present 2 63");
}

/* Nothing here is older than its window by more than a fiftieth; there a window
 * of 12 hours may be 8 % too long. */
static void
the_chronon_case_of_the_true_length_of_a_window(void **state)
{
    static const int64_t sizes[] = {HOUR, 12 * HOUR, DAY, 12 * DAY, 30 * DAY};
    struct fixture *f = *state;
    struct reader reader;

    define(f, RIDE "CREATE FEATURE VIEW stats (a = COUNT(*) OVER '1 hour',"
                   "b = COUNT(*) OVER '12 hours', c = COUNT(*) OVER '1 day',"
                   "d = COUNT(*) OVER '12 days', e = COUNT(*) OVER '30 days'"
                   ") FOR driver FROM ride WITH (history = '90 days');");
    reader = open_reader(f, "stats(a, b, c, d, e)", 0, "1");
    for (int64_t t = NOON - DAY; t < NOON; t += 7 * MINUTE + 13) {
        must(feature_request_set_as_of(reader.request, &t, 1, &problem));
        must(feature_request_read(reader.request, &problem));
        for (uint32_t i = 0; i < 5; i++) {
            int64_t from, to;

            must(feature_request_window(reader.request, i, 0, &from, &to,
                                        &problem));
            assert_int_equal(to, t);
            assert_true(to - from >= sizes[i]);
            assert_true(to - from <= sizes[i] + sizes[i] / 50);
        }
    }
    close_reader(&reader);
}

/* --- OpenMLDB ----------------------------------------------------------------- */

/* ROWS_RANGE is closed at both ends and has the row of the request in it. */
static void
the_openmldb_case_of_a_range_with_its_own_row(void **state)
{
    struct fixture *f = *state;
    feature_batch *own;
    struct reader reader;
    int64_t t = NOON + HOUR + 1;

    move_clock(f, NOON + HOUR);
    define(f, RIDE "CREATE FEATURE VIEW stats ("
                   "open = SUM(fare) OVER '1 hour' EXACT,"
                   "range = SUM(fare) OVER '3600000001 us' EXACT"
                   ") FOR driver FROM ride;");
    write_events(f, "ride", "driver_id, event_timestamp, fare",
                 "1 @-1 1\n1 @0 2\n1 @1800 4", "AAA");
    own = make_batch(f, FEATURE_EVENT, "ride",
                     "driver_id, event_timestamp, fare", "1 @3600 8");
    expect_at(f, "stats(open)", HOUR, "present 6");
    expect_at(f, "stats(range)", HOUR + 1, "present 6");
    reader = open_reader(f, "stats(open, range)", 0, "1");
    must(feature_request_set_as_of(reader.request, &t, 1, &problem));
    must(feature_request_set_events(reader.request, own, &problem));
    expect_read(&reader, "present 12 14");
    close_reader(&reader);
    /* Stored, it is no other row. */
    write_batch(f, own);
    feature_batch_free(own);
    expect_at(f, "stats(open, range)", HOUR, "present 6 6");
    expect_at(f, "stats(open, range)", HOUR + 1, "present 12 14");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_feast_case_of_max_min_and_stddev_over_running_sums),
        TEST(the_feast_case_of_empty_windows),
        TEST(the_chronon_case_of_late_events_behind_the_batch),
        TEST(the_chronon_case_of_the_true_length_of_a_window),
        TEST(the_openmldb_case_of_a_range_with_its_own_row),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
