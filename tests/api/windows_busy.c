/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A key of 120,000 events in one minute, which is the hop of its windows: its row
 * stays small, and what is promised of it is exact.
 */
#include "events.h"

#define EVENTS 120000
#define CHUNK  2000
#define STEP   INT64_C(500) /* microseconds from event to event */
#define SKEW   INT64_C(10000)
#define NEWEST (NOON + (EVENTS - 1) * STEP)

#define CLICKS                                                              \
    "CREATE ENTITY page (id INT64);"                                        \
    "CREATE EVENT click (id INT64, ms INT64)"                               \
    " WITH (max_skew = '10 milliseconds');"                                 \
    "CREATE FEATURE VIEW busy (n = COUNT(*) OVER '1 hour' HOP '1 minute',"  \
    " total = SUM(ms) OVER '1 hour' HOP '1 minute',"                        \
    " last = LAST(ms) OVER '1 hour' HOP '1 minute') FOR page FROM click"    \
    " WITH (slack = '2 minutes');"                                          \
    "CREATE FEATURE VIEW sharp (n = COUNT(*) OVER '20 milliseconds' EXACT," \
    " total = SUM(ms) OVER '1 hour' HOP '1 minute',"                        \
    " last = LAST(ms) OVER '1 hour' HOP '1 minute') FOR page FROM click"    \
    " WITH (slack = '10 milliseconds');"

static int64_t
amount_of(int64_t i)
{
    return i % 7 + 1;
}

/* Two earlier ones of 100 and 1,000, then those of the minute, by CHUNK, or from
 * the newest one back. No row may have more than 1,500 bytes, at any time. */
static void
write_minute(struct fixture *f, int backwards)
{
    static int64_t keys[CHUNK], amounts[CHUNK], times[CHUNK];
    feature_batch *batch;

    f->options.max_row_size = 1500;
    start_again(f);
    move_clock(f, NOON + 60 * SECOND);
    define(f, CLICKS);
    write_rows(f, FEATURE_EVENT, "click", "id, event_timestamp, ms",
               "1 @-90 100\n1 @-30 1000");
    for (int64_t done = 0; done < EVENTS; done += CHUNK) {
        for (int64_t i = 0; i < CHUNK; i++) {
            int64_t which = backwards ? EVENTS - 1 - done - i : done + i;

            keys[i] = 1;
            amounts[i] = amount_of(which);
            times[i] = NOON + which * STEP;
        }
        must(feature_batch_create(f->store, "click", "id, ms, event_timestamp",
                                  FEATURE_EVENT, &batch, &problem));
        must(feature_batch_set(batch, 0, FEATURE_TYPE_INT64, keys, NULL, NULL,
                               CHUNK, &problem));
        must(feature_batch_set(batch, 1, FEATURE_TYPE_INT64, amounts, NULL,
                               NULL, CHUNK, &problem));
        must(feature_batch_set(batch, 2, FEATURE_TYPE_TIMESTAMP, times, NULL,
                               NULL, CHUNK, &problem));
        write_batch(f, batch);
        feature_batch_free(batch);
    }
}

/* Events of the minute that are below a time. */
static int64_t
count_below(int64_t t)
{
    int64_t count = t <= NOON ? 0 : (t - NOON + STEP - 1) / STEP;

    return count < EVENTS ? count : EVENTS;
}

static int64_t
sum_below(int64_t t)
{
    int64_t sum = 0;

    for (int64_t i = 0, count = count_below(t); i < count; i++)
        sum += amount_of(i);
    return sum;
}

static void
expect_at(struct reader *reader, int64_t t, const char *expected)
{
    must(feature_request_set_as_of(reader->request, &t, 1, &problem));
    expect_read(reader, expected);
}

/* What the whole minute holds below t, the earlier two included, and others. */
static void
expect_more(struct reader *reader, int64_t t, int64_t count, int64_t sum,
            int64_t last)
{
    char expected[120];

    snprintf(expected, sizeof expected,
             "present %" PRId64 " %" PRId64 " %" PRId64,
             count_below(t) + 2 + count, sum_below(t) + 1100 + sum, last);
    expect_at(reader, t, expected);
}

static void
expect_exact(struct reader *reader, int64_t t)
{
    int64_t count = count_below(t);

    expect_more(reader, t, 0, 0, count ? amount_of(count - 1) : 1000);
}

static void
a_minute_of_many_events_is_read_as_promised(void **state)
{
    struct fixture *f = *state;
    struct reader reader;

    write_minute(f, 0);
    reader = open_reader(f, "busy(n, total, last)", 0, "1");
    for (int64_t t = NEWEST - SKEW; t <= NEWEST + 2; t += 251)
        expect_exact(&reader, t);
    expect_exact(&reader, NEWEST - SKEW);
    expect_exact(&reader, NEWEST);
    expect_exact(&reader, NEWEST + 1);
    expect_exact(&reader, NOON + 60 * SECOND);
    expect_exact(&reader, NOON + 58 * MINUTE);
    /* On the grid of minutes. */
    expect_exact(&reader, NOON);
    expect_at(&reader, NOON - MINUTE, "present 1 100 100");
    /* Between, nobody knows. */
    expect_at(&reader, NEWEST - 2 * SKEW, "no_history null null null");
    expect_at(&reader, NOON + 30 * SECOND, "no_history null null null");
    expect_at(&reader, NOON + 1, "no_history null null null");
    close_reader(&reader);
    expect_good(f);
}

/* Of windows that are EXACT, any microsecond back to the slack is. */
static void
an_exact_window_of_many_events_is_exact(void **state)
{
    struct fixture *f = *state;
    struct reader reader;
    char expected[40];

    write_minute(f, 0);
    reader = open_reader(f, "sharp(n)", 0, "1");
    for (int64_t t = NEWEST - SKEW; t < NEWEST + 20000; t += 333) {
        snprintf(expected, sizeof expected, "present %" PRId64,
                 count_below(t) - count_below(t - 20000));
        expect_at(&reader, t, expected);
    }
    expect_at(&reader, NEWEST + 20000, "present 1");
    expect_at(&reader, NEWEST + 20001, "present 0");
    close_reader(&reader);
    reader = open_reader(f, "sharp(n, total, last)", 0, "1");
    expect_at(&reader, NOON + 30 * SECOND, "no_history null null null");
    close_reader(&reader);
    expect_good(f);
}

#define LATE "1 @0 5\n1 @30 6"
#define NEXT "1 @61 9\n1 @59 8"

static void
write_clicks(struct fixture *f, const char *rows)
{
    write_rows(f, FEATURE_EVENT, "click", "id, event_timestamp, ms", rows);
}

/* Some into the tile that is running, then what ends it and one behind that: the
 * row is that of the same events in another order. */
static void
late_ones_find_their_place(void **state)
{
    struct fixture *f = *state;
    struct reader reader;
    struct held busy, sharp;

    write_minute(f, 0);
    write_clicks(f, LATE);
    reader = open_reader(f, "busy(n, total, last)", 0, "1");
    expect_exact(&reader, NOON);
    expect_at(&reader, NOON + 30 * SECOND, "no_history null null null");
    expect_more(&reader, NEWEST - SKEW, 2, 11, 6);
    expect_more(&reader, NEWEST + 1, 2, 11, amount_of(EVENTS - 1));
    close_reader(&reader);
    move_clock(f, NOON + 2 * MINUTE);
    write_clicks(f, NEXT);
    reader = open_reader(f, "busy(n, total, last)", 0, "1");
    expect_more(&reader, NOON + MINUTE, 3, 19, amount_of(EVENTS - 1));
    expect_at(&reader, NOON + 30 * SECOND, "no_history null null null");
    expect_more(&reader, NOON + 62 * SECOND, 4, 28, 9);
    close_reader(&reader);
    expect_good(f);
    busy = held_of(f, "busy");
    sharp = held_of(f, "sharp");

    write_minute(f, 1);
    move_clock(f, NOON + 2 * MINUTE);
    write_clicks(f, NEXT);
    write_clicks(f, LATE);
    expect_good(f);
    expect_equal_rows(busy, held_of(f, "busy"));
    expect_equal_rows(sharp, held_of(f, "sharp"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_minute_of_many_events_is_read_as_promised),
        TEST(an_exact_window_of_many_events_is_exact),
        TEST(late_ones_find_their_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
