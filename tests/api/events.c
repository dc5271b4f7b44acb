/* SPDX-License-Identifier: Apache-2.0 */
/* Events: what becomes of each row, and what the views FROM them hold. */
#include "events.h"

#define DEFINITIONS                                                  \
    "CREATE ENTITY card (card_id INT64);"                            \
    "CREATE ENTITY shop (shop_id STRING);"                           \
    "CREATE EVENT payment (payment_id STRING, card_id INT64, "       \
    "amount FLOAT64, merchant STRING);"                              \
    "CREATE FEATURE VIEW spend (spent = SUM(amount) OVER '1 hour', " \
    "n = COUNT(*) OVER '1 day') FOR card FROM payment;"

static void
an_event_makes_a_row(void **state)
{
    struct fixture *f = *state;
    struct feature_commit commit;
    struct held held;

    define(f, DEFINITIONS);
    commit = write_rows(f, FEATURE_EVENT, "payment", NULL,
                        "p1 7 2.5 shop @-60\n"
                        "p2 7 1.5 shop @-30\n"
                        "p3 8 9 other @-30");
    assert_int_equal(commit.applied, 3);
    assert_int_equal(commit.sequence, 2);
    held = held_of(f, "spend");
    assert_int_equal(held.rows, 2);
    assert_int_equal(held.sequence, 2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_event_makes_a_row),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
