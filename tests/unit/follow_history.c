/* SPDX-License-Identifier: Apache-2.0 */
/* Followers of stores whose views keep history: the histories are equal, too. */
#include "feed.h"

#define VIEWS                                                             \
    FEED_ON "CREATE ENTITY trip (trip_id INT64);"                         \
            "CREATE FEATURE VIEW bare (a INT64) FOR trip;"                \
            "CREATE FEATURE VIEW kept (b INT64, c INT64) FOR trip WITH (" \
            "history = '9 days');"

static void
follow_from_the_start(struct fixture *f)
{
    feature_store *replica = open_beside(f, "replica");
    struct records records;

    read_records(f->store, 0, &records);
    follow_all(replica, &records);
    expect_same(f->store, replica);
    free_records(&records);
    feature_store_close(replica);
}

/* The ordinals of versions count the rows of all views of a call. */
static void
a_call_may_have_rows_of_views_without_history(void **state)
{
    struct fixture *f = *state;
    feature_batch *batches[3];

    define(f, VIEWS);
    batches[0] = make_batch(f, FEATURE_UPSERT, "bare", NULL, "1 100 1\n2 90 2");
    batches[1] =
        make_batch(f, FEATURE_UPSERT, "kept", NULL, "1 100 1 1\n1 100 2 2");
    batches[2] = make_batch(f, FEATURE_PATCH, "kept",
                            "trip_id, event_timestamp, c", "1 50 3\n2 70 4");
    must(feature_store_write(f->store, batches, 3, NULL, NULL, &problem));
    for (int i = 0; i < 3; i++)
        feature_batch_free(batches[i]);
    follow_from_the_start(f);
}

static void
history_may_be_switched_on_and_off(void **state)
{
    struct fixture *f = *state;

    define(f, VIEWS);
    upsert(f, "bare", NULL, "1 100 1\n2 90 2");
    upsert(f, "kept", NULL, "1 100 1 1\n2 90 2 2");
    define(f, "CREATE FEATURE VIEW bare (a INT64) FOR trip WITH (history = "
              "'9 days');"
              "CREATE FEATURE VIEW kept (b INT64, c INT64) FOR trip WITH ("
              "history = 'none');");
    upsert(f, "bare", NULL, "1 50 1\n1 60 2\n3 90 3");
    upsert(f, "kept", NULL, "1 110 1 1");
    define(f, "CREATE FEATURE VIEW kept (b INT64, c INT64) FOR trip WITH ("
              "history = '9 days');");
    erase(f, "kept", "trip_id, event_timestamp", "1 105\n2 95");
    patch(f, "kept", "trip_id, event_timestamp, c", "2 80 3\n2 99 4");
    follow_from_the_start(f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_call_may_have_rows_of_views_without_history),
        TEST(history_may_be_switched_on_and_off),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
