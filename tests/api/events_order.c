/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a view holds is a function of its events: not of the order in which they
 * came, of batches and calls, or of whom they came from. Deletes and events taken
 * back; definitions that grow; upkeep.
 */
#include "events.h"

#define DEFINITIONS                                                         \
    "STORE WITH (changes = '365 days');"                                    \
    "CREATE ENTITY card (card_id INT64);"                                   \
    "CREATE EVENT payment (card_id INT64, amount FLOAT64, merchant STRING)" \
    " WITH (max_skew = 'none');"

/* Groups: an event can be taken back. */
#define SUMS                                                             \
    "CREATE FEATURE VIEW sums (spent = SUM(amount) OVER '1 hour', "      \
    "n = COUNT(*) OVER '1 day', spread = STDDEV(amount) OVER '7 days', " \
    "ever = COUNT(*)) FOR card FROM payment;"

#define MIXED                                                              \
    "CREATE FEATURE VIEW mixed (low = MIN(amount) OVER '1 hour', "         \
    "shops = COUNT(DISTINCT merchant, 40) OVER '1 day', "                  \
    "last5 = LAST(amount, 5) OVER '7 days', first = FIRST(merchant) OVER " \
    "'7 days', p = APPROX_PERCENTILE(amount, 0.9) OVER '1 day', "          \
    "hll = APPROX_COUNT_DISTINCT(merchant) OVER '7 days', "                \
    "big = SUM(amount) WHERE amount > 50 OVER '1 day', "                   \
    "by_shop = SUM(amount) BY merchant OVER '1 day') "                     \
    "FOR card FROM payment"

#define EVENTS 400

struct event {
    int64_t card, time;
    double amount;
    int merchant;
};

static uint64_t seed = 7;

static uint32_t
roll(uint32_t most)
{
    seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (uint32_t)(seed >> 33) % most;
}

/* Distinct times, from a few seconds to nine days ago. */
static void
make_story(struct event events[EVENTS])
{
    static const int64_t reach[] = {HOUR, DAY, 9 * DAY};

    for (int i = 0; i < EVENTS; i++)
        events[i] = (struct event){
            .card = roll(7),
            .time = NOON -
                    (int64_t)roll((uint32_t)(reach[roll(3)] / 1000)) * 1000 - i,
            .amount = (double)roll(10000) / 100,
            .merchant = (int)roll(30)};
}

static void
shuffle(struct event *events, int count)
{
    for (int i = count; i-- > 1;) {
        int other = (int)roll((uint32_t)i + 1);
        struct event swap = events[i];

        events[i] = events[other];
        events[other] = swap;
    }
}

static feature_batch *
batch_of(struct fixture *f, int32_t operation, const struct event *events,
         int count)
{
    char *text = claim((size_t)count * 80 + 1);
    size_t size = 0;
    feature_batch *batch;

    for (int i = 0; i < count; i++)
        size += (size_t)sprintf(text + size, "%s%" PRId64 " %.2f m%d %" PRId64,
                                i ? "\n" : "", events[i].card, events[i].amount,
                                events[i].merchant, events[i].time);
    batch = make_events(f, operation, "payment", NULL, text);
    free(text);
    return batch;
}

static void
write_story(struct fixture *f, const struct event *events, int count, int chunk)
{
    for (int i = 0; i < count; i += chunk) {
        feature_batch *batch = batch_of(f, FEATURE_EVENT, events + i,
                                        count - i < chunk ? count - i : chunk);

        write_batch(f, batch);
        feature_batch_free(batch);
    }
}

static void
begin(struct fixture *f, const char *more)
{
    start_again(f);
    define(f, DEFINITIONS SUMS MIXED ";");
    if (more)
        define(f, more);
}

static void
any_order_and_any_chunks_give_the_same_rows(void **state)
{
    struct fixture *f = *state;
    struct event events[EVENTS];
    struct held sums, mixed;

    make_story(events);
    begin(f, NULL);
    write_story(f, events, EVENTS, EVENTS);
    sums = held_of(f, "sums");
    mixed = held_of(f, "mixed");
    assert_int_equal(sums.rows, 7);
    for (int i = 0; i < 12; i++) {
        static const int chunks[] = {1, 3, 17, 100, 256, 257, 399};

        shuffle(events, EVENTS);
        begin(f, NULL);
        write_story(f, events, EVENTS, chunks[i % 7]);
        expect_equal_rows(held_of(f, "sums"), sums);
        expect_equal_rows(held_of(f, "mixed"), mixed);
    }
    expect_good(f);
    expect_followed(f);
}

/* Several batches of one call, and several calls of one batch. */
static void
batches_of_a_call_are_as_one(void **state)
{
    struct fixture *f = *state;
    struct event events[EVENTS];
    feature_batch *batches[4];
    struct held mixed;

    make_story(events);
    begin(f, NULL);
    write_story(f, events, EVENTS, EVENTS);
    mixed = held_of(f, "mixed");
    begin(f, NULL);
    for (int i = 0; i < 4; i++)
        batches[i] = batch_of(f, FEATURE_EVENT, events + 100 * i, 100);
    must(feature_store_write(f->store, batches, 4, NULL, NULL, &problem));
    for (int i = 0; i < 4; i++)
        feature_batch_free(batches[i]);
    expect_equal_rows(held_of(f, "mixed"), mixed);
    expect_followed(f);
}

static void
an_event_that_is_taken_back_was_never_there(void **state)
{
    struct fixture *f = *state;
    /* The newest ones stay, since the newest time does. */
    struct event gone[] = {{1, NOON - 100, 3.5, 1},
                           {1, NOON - 5 * MINUTE, 70, 2},
                           {1, NOON - 20 * DAY, 8, 3}};
    struct event events[EVENTS];
    struct held sums;
    feature_batch *batch;

    make_story(events);
    for (int i = 0; i < 7; i++)
        events[i] = (struct event){i, NOON, 1, 1};
    /* A tile of three gives one back; of two, it would have to know the other. */
    for (int i = 7; i < 13; i++)
        events[i] = gone[i % 2];
    for (int i = 7; i < 13; i++)
        events[i].time -= i;
    start_again(f);
    define(f, DEFINITIONS SUMS);
    write_story(f, events, EVENTS, 50);
    sums = held_of(f, "sums");
    for (int i = 0; i < 3; i++) {
        write_story(f, &gone[i], 1, 1);
        assert_string_not_equal(held_of(f, "sums").hash, sums.hash);
        batch = batch_of(f, FEATURE_RETRACT, &gone[i], 1);
        write_batch(f, batch);
        expect_outcomes(batch, "A");
        feature_batch_free(batch);
        expect_equal_rows(held_of(f, "sums"), sums);
    }
    expect_good(f);
    expect_followed(f);
}

/* Aggregates that forget nothing are made again of the events that are kept. */
static void
with_history_any_event_can_be_taken_back(void **state)
{
    struct fixture *f = *state;
    struct event events[EVENTS];
    struct held mixed;
    feature_batch *batch;

    make_story(events);
    for (int i = 0; i < 7; i++)
        events[i] = (struct event){i, NOON, 1, 1};
    start_again(f);
    define(f, DEFINITIONS MIXED " WITH (history = '90 days');");
    write_story(f, events, EVENTS - 40, 60);
    mixed = held_of(f, "mixed");
    write_story(f, events + EVENTS - 40, 40, 13);
    assert_int_equal(held_of(f, "mixed").history, EVENTS);
    batch = batch_of(f, FEATURE_RETRACT, events + EVENTS - 40, 40);
    write_batch(f, batch);
    for (int i = 0; i < 40; i++)
        assert_in_range(feature_batch_outcomes(batch)[i],
                        FEATURE_OUTCOME_APPLIED, FEATURE_OUTCOME_LATE);
    feature_batch_free(batch);
    expect_equal_rows(held_of(f, "mixed"), mixed);
    assert_int_equal(held_of(f, "mixed").history, EVENTS + 40);
    expect_good(f);
    expect_followed(f);
}

/* A view that keeps its events knows what was never there, or is gone already;
 * the sum of reads now stays that of reads as of a time. */
static void
with_history_nothing_else_can_be_taken_back(void **state)
{
    struct fixture *f = *state;
    struct feature_write_options options = {
        .struct_size = sizeof options, .flags = FEATURE_WRITE_SKIP_INVALID};
    feature_batch *batch;

    start_again(f);
    define(f, DEFINITIONS
           "CREATE FEATURE VIEW spend (s = SUM(amount) OVER '1 day' HOP '1 "
           "hour') FOR card FROM payment WITH (history = '9 days');");
    write_rows(f, FEATURE_EVENT, "payment", NULL,
               "1 1 a @-7000\n1 2 a @-7001\n1 4 a @-7002\n1 8 a @-7003\n"
               "1 8 a @-7003\n1 16 a @-1");
    batch = make_events(f, FEATURE_RETRACT, "payment", NULL,
                        "1 3 a @-7000\n1 1 a @-7004\n1 1 b @-7000\n"
                        "1 8 a @-7003\n1 8 a @-7003\n1 8 a @-7003");
    must_fail(feature_store_write(f->store, &batch, 1, NULL, NULL, &problem),
              FEATURE_INVALID, "argument");
    assert_non_null(strstr(problem.message, "no event that the view keeps"));
    must(feature_store_write(f->store, &batch, 1, &options, NULL, &problem));
    expect_outcomes(batch, "RRRAAR");
    feature_batch_free(batch);
    expect_rows(f, "spend(s)", "1", "present 23");
    expect_good(f);
    expect_followed(f);
}

static void
without_it_a_retract_is_refused_with_a_name(void **state)
{
    struct fixture *f = *state;
    struct feature_write_options options = {
        .struct_size = sizeof options, .flags = FEATURE_WRITE_SKIP_INVALID};
    struct event event = {1, NOON - 2 * MINUTE, 3, 1}, other = event;
    struct held before;
    feature_batch *batch;

    start_again(f);
    define(f, DEFINITIONS MIXED ";");
    other.time += SECOND;
    write_story(f, &event, 1, 1);
    write_story(f, &other, 1, 1);
    event.time -= HOUR;
    write_story(f, &event, 1, 1);
    event.time++;
    write_story(f, &event, 1, 1);
    before = held_of(f, "mixed");
    batch = batch_of(f, FEATURE_RETRACT, &event, 1);
    must_fail(feature_store_write(f->store, &batch, 1, NULL, NULL, &problem),
              FEATURE_INVALID, "argument");
    assert_non_null(strstr(problem.message, "mixed"));
    expect_equal_rows(held_of(f, "mixed"), before);
    must(feature_store_write(f->store, &batch, 1, &options, NULL, &problem));
    expect_outcomes(batch, "R");
    must_fail(feature_batch_problem(batch, 0, &problem), FEATURE_INVALID,
              "argument");
    feature_batch_free(batch);
    expect_equal_rows(held_of(f, "mixed"), before);
    expect_good(f);
}

static void
a_delete_is_a_barrier(void **state)
{
    struct fixture *f = *state;
    struct held held;

    start_again(f);
    define(f, DEFINITIONS MIXED " WITH (history = '90 days');");
    write_rows(f, FEATURE_EVENT, "payment", NULL, "7 1 s @-60\n7 2 s @-10");
    /* Past the newest event, wherever it was asked for. */
    erase(f, "mixed", "card_id, event_timestamp", "7 @-3600");
    held = held_of(f, "mixed");
    assert_int_equal(held.rows, 0);
    assert_int_equal(held.tombstones, 1);
    expect_events(f, FEATURE_EVENT, "payment", NULL, "7 1 s @-10\n7 1 s @-11",
                  "LL");
    expect_equal_rows(held_of(f, "mixed"), held);
    expect_events(f, FEATURE_RETRACT, "payment", NULL, "7 2 s @-10", "L");
    expect_events(f, FEATURE_EVENT, "payment", NULL, "7 5 s @-9\n7 6 s @-10",
                  "AL");
    assert_int_equal(held_of(f, "mixed").rows, 1);
    expect_followed(f);
    erase(f, "mixed", "card_id, event_timestamp", "7 @0");
    assert_int_equal(held_of(f, "mixed").tombstones, 1);
    erase(f, "mixed", "card_id, event_timestamp", "7 @-1\n8 @-1");
    assert_int_equal(held_of(f, "mixed").tombstones, 2);
    /* Where there was nothing, the barrier is at the time asked for. */
    expect_events(f, FEATURE_EVENT, "payment", NULL, "8 1 s @-1", "L");
    assert_int_equal(held_of(f, "mixed").tombstones, 2);
    expect_good(f);
    expect_followed(f);
}

static void
rows_are_planned_anew_when_they_are_written(void **state)
{
    struct fixture *f = *state;
    struct event events[EVENTS];

    make_story(events);
    begin(f, NULL);
    write_story(f, events, EVENTS / 2, 100);
    define(f, "CREATE EVENT payment (tip FLOAT64);"
              "DROP FEATURE mixed:low;"
              "CREATE FEATURE VIEW mixed (tips = SUM(tip) OVER '1 day', "
              "high = MAX(amount) OVER '30 days') FOR card FROM payment;");
    expect_good(f);
    expect_followed(f);
    for (int i = EVENTS / 2; i < EVENTS; i++) {
        char row[96];

        snprintf(row, sizeof row, "%" PRId64 " %.2f m%d %d %" PRId64,
                 events[i].card, events[i].amount, events[i].merchant, i,
                 events[i].time);
        write_rows(f, FEATURE_EVENT, "payment", NULL, row);
    }
    expect_good(f);
    expect_followed(f);
}

static void
keep_up(struct fixture *f)
{
    struct feature_maintain_options options = {.struct_size = sizeof options,
                                               .flags = FEATURE_MAINTAIN_ALL};

    must(feature_store_maintain(f->store, &options, NULL, &problem));
}

static void
rows_leave_when_no_window_reaches_them(void **state)
{
    struct fixture *f = *state;
    struct event events[EVENTS];

    make_story(events);
    start_again(f);
    define(f, DEFINITIONS MIXED ";");
    write_story(f, events, EVENTS, 100);
    erase(f, "mixed", "card_id, event_timestamp", "99 @0");
    keep_up(f);
    assert_int_equal(held_of(f, "mixed").rows, 7);
    move_clock(f, NOON + 6 * DAY);
    keep_up(f);
    assert_int_equal(held_of(f, "mixed").rows, 7);
    move_clock(f, NOON + 8 * DAY);
    keep_up(f);
    assert_int_equal(held_of(f, "mixed").rows, 0);
    assert_int_equal(held_of(f, "mixed").tombstones, 1);
    expect_good(f);
    move_clock(f, NOON + 31 * DAY);
    keep_up(f);
    assert_int_equal(held_of(f, "mixed").tombstones, 0);
    /* What comes after is there again. */
    write_story(f, events, EVENTS, 100);
    assert_int_equal(held_of(f, "mixed").rows, 7);
    expect_good(f);
    expect_followed(f);
}

/* A window of 60 days on a grid of 60 days reaches back up to 120. */
static void
a_barrier_lasts_as_long_as_windows_reach_it(void **state)
{
    struct fixture *f = *state;
    int64_t grid = (NOON / (60 * DAY) + 1) * (60 * DAY);
    char row[64];

    start_again(f);
    define(f, DEFINITIONS
           "CREATE FEATURE VIEW slow (n = COUNT(*) OVER '60 days' HOP "
           "'60 days') FOR card FROM payment;");
    move_clock(f, grid + 10 * DAY);
    snprintf(row, sizeof row, "1 2 s %" PRId64, grid + 3 * DAY);
    expect_events(f, FEATURE_EVENT, "payment", NULL, row, "A");
    snprintf(row, sizeof row, "1 %" PRId64, grid + 9 * DAY);
    erase(f, "slow", "card_id, event_timestamp", row);
    move_clock(f, grid + 119 * DAY);
    keep_up(f);
    assert_int_equal(held_of(f, "slow").tombstones, 1);
    snprintf(row, sizeof row, "1 2 s %" PRId64, grid + 5 * DAY);
    expect_events(f, FEATURE_EVENT, "payment", NULL, row, "L");
    move_clock(f, grid + 120 * DAY);
    keep_up(f);
    assert_int_equal(held_of(f, "slow").tombstones, 0);
    expect_followed(f);
}

static void
kept_events_leave_by_age(void **state)
{
    struct fixture *f = *state;
    struct event events[EVENTS];
    unsigned old = 0;

    make_story(events);
    start_again(f);
    define(f, DEFINITIONS MIXED " WITH (history = '2 days');");
    write_story(f, events, EVENTS, 100);
    for (int i = 0; i < EVENTS; i++)
        old += events[i].time <= NOON - 2 * DAY;
    assert_int_equal(held_of(f, "mixed").history, EVENTS);
    keep_up(f);
    assert_int_equal(held_of(f, "mixed").history, EVENTS - old);
    expect_good(f);
    expect_followed(f);
    erase(f, "mixed", "card_id, event_timestamp", "1 @0");
    move_clock(f, NOON + 40 * DAY);
    keep_up(f);
    assert_int_equal(held_of(f, "mixed").history, 0);
    assert_int_equal(held_of(f, "mixed").tombstones, 0);
    expect_good(f);
    expect_followed(f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(any_order_and_any_chunks_give_the_same_rows),
        TEST(batches_of_a_call_are_as_one),
        TEST(an_event_that_is_taken_back_was_never_there),
        TEST(with_history_any_event_can_be_taken_back),
        TEST(with_history_nothing_else_can_be_taken_back),
        TEST(without_it_a_retract_is_refused_with_a_name),
        TEST(a_delete_is_a_barrier),
        TEST(rows_are_planned_anew_when_they_are_written),
        TEST(rows_leave_when_no_window_reaches_them),
        TEST(a_barrier_lasts_as_long_as_windows_reach_it),
        TEST(kept_events_leave_by_age),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
