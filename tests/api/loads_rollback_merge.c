/* SPDX-License-Identifier: Apache-2.0 */
/* Rollback over states of other stores that were merged in: they count once in the
 * version that is gone back to, whatever the view was since. */
#include "loads.h"
#include "tiles.h"

#define COLUMNS "card_id, event_timestamp, amount"
#define PAYMENT                           \
    "CREATE ENTITY card (card_id INT64);" \
    "CREATE EVENT payment (card_id INT64, amount INT64);"
#define V                                                             \
    "CREATE FEATURE VIEW v (n = COUNT(*) OVER '1 hour', spent = "     \
    "SUM(amount) OVER '1 day', most = MAX(amount) OVER '1 day') FOR " \
    "card FROM payment"

static void
write_events(struct fixture *f, int32_t operation, const char *rows)
{
    feature_batch *batch = make_events(f, operation, "payment", COLUMNS, rows);

    write_batch(f, batch);
    feature_batch_free(batch);
}

static void
load_events(struct fixture *f, const char *rows)
{
    feature_load *load = begin_load(f, (struct feature_load_options){0});
    feature_batch *batch =
        make_events(f, FEATURE_EVENT, "payment", COLUMNS, rows);

    must(feature_load_append(load, batch, &problem));
    feature_batch_free(batch);
    commit_load(load);
}

/* A version with an event, and over it a load; then states are merged in. */
static void
merge_since(struct fixture *f, const char *before)
{
    struct fixture *other = begin_store(PAYMENT V ";");

    define(f, FED PAYMENT V ";");
    if (before)
        write_events(f, FEATURE_EVENT, before);
    load_events(f, "2 @-70 1");
    write_events(f, FEATURE_EVENT, "1 @-65 1\n2 @-65 4");
    write_events(other, FEATURE_EVENT, "1 @-60 5\n1 @-50 6\n3 @-40 9");
    ship(other, f, "v");
    end_store(other);
    write_events(f, FEATURE_EVENT, "1 @-30 2");
}

static void
merged_states_are_in_the_version_that_comes(void **state)
{
    struct fixture *f = *state;

    merge_since(f, "1 @-80 7");
    roll_back(f, 0);
    expect_rows(f, "v(*)", "1\n2\n3",
                "present 5 21 7\npresent 1 4 4\npresent 1 9 9");
    expect_good(f);
}

static void
history_that_began_behind_them_is_no_obstacle(void **state)
{
    struct fixture *f = *state;

    merge_since(f, "1 @-80 7");
    define(f, V " WITH (history = '3 days');");
    write_events(f, FEATURE_EVENT, "1 @-20 3");
    roll_back(f, 0);
    expect_rows(f, "v(*)", "1\n2\n3",
                "present 6 24 7\npresent 1 4 4\npresent 1 9 9");
    expect_good(f);
}

/* Nobody can tell what of the row's count lies before the delete that comes with
 * the states. */
static void
a_delete_that_comes_with_them_may_end_it(void **state)
{
    static const char view[] =
        "CREATE FEATURE VIEW v (ever = COUNT(*)) FOR card FROM payment;";
    struct fixture *f = *state, *other = begin_store(PAYMENT);

    define(f, FED PAYMENT);
    define(f, view);
    define(other, view);
    write_events(f, FEATURE_EVENT, "1 @-864000 1\n1 @-90 1");
    load_events(f, "2 @-70 3");
    write_events(other, FEATURE_EVENT, "1 @-60 5");
    erase(other, "v", "card_id, event_timestamp", "1 @-55");
    write_events(other, FEATURE_EVENT, "1 @-50 5");
    ship(other, f, "v");
    end_store(other);
    must_fail(feature_store_rollback(f->store, "v", NULL, NULL, &problem),
              FEATURE_CONFLICT, "deleted");
    assert_non_null(strstr(problem.message, "feature view v: "));
    expect_rows(f, "v(*)", "1", "present 1");
    expect_good(f);
    roll_back(f, FEATURE_ROLLBACK_AS_IT_WAS);
    expect_rows(f, "v(*)", "1", "present 2");
    expect_good(f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(merged_states_are_in_the_version_that_comes),
        TEST(history_that_began_behind_them_is_no_obstacle),
        TEST(a_delete_that_comes_with_them_may_end_it)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
