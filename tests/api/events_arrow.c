/* SPDX-License-Identifier: Apache-2.0 */
/* Events by feature_store_write_arrow(): an event's name in place of a view's. */
#include "arrow_producer.h"
#include "events.h"

#define DEFINITIONS                                                        \
    "CREATE ENTITY card (card_id INT64);"                                  \
    "CREATE EVENT payment (payment_id INT64, card_id INT64, amount INT64)" \
    " WITH (dedupe = payment_id);"                                         \
    "CREATE FEATURE VIEW spend (spent = SUM(amount) OVER '1 hour') "       \
    "FOR card FROM payment;"

#define LONGS(label, rows, ...)                                     \
    &(const struct column)                                          \
    {                                                               \
        label, "l", rows, PIECES({0}, VALUES(int64_t, __VA_ARGS__)) \
    }
#define TIMES(rows, ...)                              \
    &(const struct column)                            \
    {                                                 \
        "event_timestamp", "tsu:UTC", rows,           \
            PIECES({0}, VALUES(int64_t, __VA_ARGS__)) \
    }

static void
a_stream_of_events_is_as_a_batch(void **state)
{
    struct fixture *f = *state;
    struct feature_commit commit = {.struct_size = sizeof commit};
    struct producer p = {
        .batches = {
            RECORD(2, LONGS("payment_id", 2, 1, 2), LONGS("card_id", 2, 7, 8),
                   LONGS("amount", 2, 5, 6), TIMES(2, NOON, NOON + DAY)),
            RECORD(2, LONGS("payment_id", 2, 3, 1), LONGS("card_id", 2, 7, 7),
                   LONGS("amount", 2, 9, 5), TIMES(2, NOON - SECOND, NOON))}};
    struct held held;

    define(f, DEFINITIONS);
    must(import(f, "payment", FEATURE_EVENT, &p, NULL, &commit));
    assert_int_equal(commit.sequence, 2);
    assert_int_equal(commit.applied, 2);
    assert_int_equal(commit.future, 1);
    assert_int_equal(commit.duplicate, 1);
    held = held_of(f, "spend");
    must_fail(import(f, "spend", FEATURE_EVENT, &p, NULL, NULL),
              FEATURE_INVALID, "argument");
    must_fail(import(f, "payment", FEATURE_UPSERT, &p, NULL, NULL),
              FEATURE_INVALID, "argument");
    start_again(f);
    define(f, DEFINITIONS);
    write_rows(f, FEATURE_EVENT, "payment", NULL, "1 7 5 @0\n3 7 9 @-1");
    expect_equal_rows(held_of(f, "spend"), held);
    must(import(f, "payment", FEATURE_RETRACT, &p, NULL, &commit));
    assert_int_equal(commit.applied, 2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {TEST(a_stream_of_events_is_as_a_batch)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
