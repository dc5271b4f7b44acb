/* SPDX-License-Identifier: Apache-2.0 */
/* Events: what becomes of each row, and what the views FROM them hold. */
#include <math.h>

#include "events.h"

#define DEFINITIONS                                                         \
    "STORE WITH (changes = '3 days');"                                      \
    "CREATE ENTITY card (card_id INT64);"                                   \
    "CREATE ENTITY shop (shop_id STRING);"                                  \
    "CREATE EVENT payment (payment_id STRING, card_id INT64, "              \
    "amount FLOAT64, merchant STRING) WITH (dedupe = payment_id);"          \
    "CREATE FEATURE VIEW spend (spent = SUM(amount) OVER '1 hour', "        \
    "n = COUNT(*) OVER '1 day') FOR card FROM payment;"                     \
    "CREATE FEATURE VIEW traffic (cards = COUNT(DISTINCT card_id, 9) OVER " \
    "'1 day', best = MAX(amount) OVER '1 hour') "                           \
    "FOR shop (shop_id = merchant) FROM payment;"

static void
an_event_feeds_every_view_in_one_commit(void **state)
{
    struct fixture *f = *state;
    struct feature_commit commit;
    struct held spend, traffic;

    define(f, DEFINITIONS);
    commit = write_rows(f, FEATURE_EVENT, "payment", NULL,
                        "p1 7 2.5 shop @-60\n"
                        "p2 7 1.5 shop @-30\n"
                        "p3 8 9 other @-30");
    assert_int_equal(commit.applied, 3);
    assert_int_equal(commit.sequence, 2);
    spend = held_of(f, "spend");
    traffic = held_of(f, "traffic");
    assert_int_equal(spend.rows, 2);
    assert_int_equal(traffic.rows, 2);
    assert_int_equal(spend.sequence, 2);
    assert_int_equal(traffic.sequence, 2);
    expect_good(f);
    expect_followed(f);
}

static void
every_row_has_its_outcome(void **state)
{
    struct fixture *f = *state;
    struct held spend;

    define(f, DEFINITIONS);
    expect_events(f, FEATURE_EVENT, "payment", NULL,
                  "a 7 1 s @0\n"          /* applied */
                  "b 7 1 s @5\n"          /* within max_skew */
                  "c 7 1 s @6\n"          /* ahead of it */
                  "a 7 2 s @0\n"          /* seen */
                  "null 7 1 s @-10\n"     /* no id */
                  "null 7 1 s @-10\n"     /* nor this one */
                  "d null 1 null @0\n"    /* no key anywhere */
                  "e 7 1 null @-200000\n" /* too old for the only view */
                  "f 7 1 s @-200000",     /* but not for the first of shop */
                  "AAFDAAALL");
    spend = held_of(f, "spend");
    assert_int_equal(spend.rows, 1);
    expect_events(f, FEATURE_EVENT, "payment", NULL, "b 7 1 s @1\nc 7 1 s @1",
                  "DA");
    expect_good(f);
    expect_followed(f);
}

/* A call in which every event was refused takes no number. */
static void
what_is_refused_takes_no_number(void **state)
{
    struct fixture *f = *state;
    struct feature_commit commit;

    define(f, DEFINITIONS);
    commit = write_rows(f, FEATURE_EVENT, "payment", NULL, "a 7 1 s @60");
    assert_int_equal(commit.future, 1);
    assert_int_equal(commit.sequence, 1);
    /* A refused id was not seen. */
    expect_events(f, FEATURE_EVENT, "payment", NULL, "a 7 1 s @-60", "A");
}

static void
ids_are_forgotten_after_dedupe_for(void **state)
{
    struct fixture *f = *state;
    struct feature_maintain_report report = {.struct_size = sizeof report};

    define(f, DEFINITIONS);
    expect_events(f, FEATURE_EVENT, "payment", NULL, "a 7 1 s @0", "A");
    move_clock(f, NOON + HOUR); /* its commit was at NOON + 1 */
    expect_events(f, FEATURE_EVENT, "payment", NULL, "a 7 1 s @0", "D");
    move_clock(f, NOON + HOUR + 1);
    expect_events(f, FEATURE_EVENT, "payment", NULL, "a 7 1 s @0\nb 7 1 s @0",
                  "AA");
    expect_events(f, FEATURE_EVENT, "payment", NULL, "a 7 1 s @0", "D");
    expect_good(f);
    move_clock(f, NOON + 2 * HOUR + 1);
    must(feature_store_maintain(f->store, NULL, &report, &problem));
    expect_good(f);
    expect_events(f, FEATURE_EVENT, "payment", NULL, "a 7 1 s @0", "A");
    expect_followed(f);
}

static void
expect_refused(struct fixture *f, const char *rows, const char *word)
{
    feature_batch *batch = make_events(f, FEATURE_EVENT, "payment", NULL, rows);

    must_fail(feature_store_write(f->store, &batch, 1, NULL, NULL, &problem),
              FEATURE_INVALID, NULL);
    if (!strstr(problem.message, word))
        fail_msg("no %s in: %s", word, problem.message);
    assert_int_equal(problem.row, 1);
    feature_batch_free(batch);
}

static void
an_invalid_row_is_named_or_skipped(void **state)
{
    struct fixture *f = *state;
    struct feature_write_options options = {
        .struct_size = sizeof options, .flags = FEATURE_WRITE_SKIP_INVALID};
    char rows[1600], key[500];
    feature_batch *batch;

    define(f, DEFINITIONS);
    memset(key, 'k', sizeof key - 1);
    key[sizeof key - 1] = '\0';
    expect_refused(f, "a 7 1 s @0\nb 7 nan s @0", "amount");
    expect_refused(f, "a 7 1 s @0\nb 7 inf s @0", "infinity");
    expect_refused(f, "a 7 1 s @0\nb 7 1 s null", "event_timestamp");
    snprintf(rows, sizeof rows, "a 7 1 s @0\nb 7 1 %s @0", key);
    expect_refused(f, rows, "traffic");
    snprintf(rows, sizeof rows, "a 7 1 s @0\n%s 7 1 s @0", key);
    expect_refused(f, rows, "its id");
    snprintf(rows, sizeof rows,
             "a 7 1 s @0\nb 7 nan s @0\nc 7 1 %s @0\n%s 7 1 s @0\nd 7 1 s @0",
             key, key);
    batch = make_events(f, FEATURE_EVENT, "payment", NULL, rows);
    must(feature_store_write(f->store, &batch, 1, &options, NULL, &problem));
    expect_outcomes(batch, "ARRRA");
    must_fail(feature_batch_problem(batch, 2, &problem), FEATURE_INVALID,
              "key-size");
    must(feature_batch_problem(batch, 0, &problem));
    feature_batch_free(batch);
    expect_good(f);
}

/* Where a state has no room for an event, that one is REJECTED, and the others
 * are as if it had never come. */
static void
an_event_without_room_is_rejected(void **state)
{
    struct fixture *f = *state;
    struct feature_write_options options = {
        .struct_size = sizeof options, .flags = FEATURE_WRITE_SKIP_INVALID};
    struct held small, large;
    feature_batch *batch;
    char rows[4000] = "";
    size_t size = 0;

    for (int i = 0; i < 60; i++)
        size += (size_t)snprintf(rows + size, sizeof rows - size,
                                 "%sp%d %d %d s @-%d", i ? "\n" : "", i,
                                 i < 50 ? 7 : 8, i, 60 * (60 - i));
    close_store(f);
    f->options.max_row_size = 200;
    open_store(f);
    define(f, DEFINITIONS);
    batch = make_events(f, FEATURE_EVENT, "payment",
                        "payment_id, card_id, amount, merchant, "
                        "event_timestamp",
                        rows);
    must_fail(feature_store_write(f->store, &batch, 1, NULL, NULL, &problem),
              FEATURE_INVALID, "row-size");
    assert_int_equal(held_of(f, "spend").rows, 0);
    must(feature_store_write(f->store, &batch, 1, &options, NULL, &problem));
    small = held_of(f, "spend");
    must_fail(feature_batch_problem(batch, 49, &problem), FEATURE_INVALID,
              "row-size");
    /* The rows that were taken, by themselves. */
    size = 0;
    for (int i = 0; i < 60; i++)
        if (feature_batch_outcomes(batch)[i] == FEATURE_OUTCOME_APPLIED)
            size += (size_t)snprintf(rows + size, sizeof rows - size,
                                     "%sp%d %d %d s @-%d", size ? "\n" : "", i,
                                     i < 50 ? 7 : 8, i, 60 * (60 - i));
        else
            assert_int_equal(feature_batch_outcomes(batch)[i],
                             FEATURE_OUTCOME_REJECTED);
    feature_batch_free(batch);
    expect_good(f);
    start_again(f);
    define(f, DEFINITIONS);
    write_rows(f, FEATURE_EVENT, "payment", NULL, rows);
    large = held_of(f, "spend");
    expect_equal_rows(small, large);
}

/* What is taken back may make a row longer: a sum that was small grows. It has
 * room all the same, beside a row that is known already. */
static void
what_is_taken_back_has_room(void **state)
{
    struct fixture *f = *state;
    struct feature_write_options options = {
        .struct_size = sizeof options, .flags = FEATURE_WRITE_SKIP_INVALID};
    static const char events[] = "a 7 1152921504606846976 @-1800\n"
                                 "b 7 -1152921504606846976 @-1799\n"
                                 "c 7 5 @-1798\nd 7 6 @-1797\ne 7 1 @-1";
    char sums[1600];
    feature_batch *batch;
    feature_status status;
    size_t size;

    size = (size_t)snprintf(
        sums, sizeof sums,
        "CREATE ENTITY card (card_id INT64);"
        "CREATE EVENT gain (id STRING, card_id INT64, x INT64) WITH (dedupe = "
        "id); CREATE FEATURE VIEW sums (a = SUM(x) OVER '1 hour'");
    for (int i = 0; i < 12; i++)
        size += (size_t)snprintf(sums + size, sizeof sums - size,
                                 ", s%d = SUM(x) WHERE x <> %d OVER '1 hour'",
                                 i, 100 + i);
    snprintf(sums + size, sizeof sums - size, ") FOR card FROM gain;");
    do { /* the least that has room for the events */
        start_again(f);
        close_store(f);
        f->options.max_row_size += f->options.max_row_size ? 1 : 32;
        open_store(f);
        define(f, sums);
        batch = make_events(f, FEATURE_EVENT, "gain", NULL, events);
        status = feature_store_write(f->store, &batch, 1, NULL, NULL, &problem);
        feature_batch_free(batch);
    } while (status == FEATURE_INVALID && f->options.max_row_size < 200);
    assert_int_equal(status, FEATURE_OK);
    expect_events(f, FEATURE_RETRACT, "gain", NULL, "d 7 6 @-1797", "A");
    batch = make_events(f, FEATURE_RETRACT, "gain", NULL,
                        "d 7 6 @-1797\nb 7 -1152921504606846976 @-1799");
    must(feature_store_write(f->store, &batch, 1, &options, NULL, &problem));
    expect_outcomes(batch, "DA");
    feature_batch_free(batch);
    expect_rows(f, "sums(a)", "7", "present 1152921504606846982");
    expect_good(f);
}

static void
a_name_of_the_other_kind_gets_a_hint(void **state)
{
    struct fixture *f = *state;
    feature_batch *batch = NULL;
    struct feature_field field;

    define(f, DEFINITIONS "CREATE FEATURE VIEW plain (a INT64) FOR card;");
    must_fail(feature_batch_create(f->store, "spend", NULL, FEATURE_EVENT,
                                   &batch, &problem),
              FEATURE_INVALID, "argument");
    assert_non_null(strstr(problem.message, "payment"));
    must_fail(feature_batch_create(f->store, "plain", NULL, FEATURE_RETRACT,
                                   &batch, &problem),
              FEATURE_INVALID, "argument");
    must_fail(feature_batch_create(f->store, "payment", NULL, FEATURE_UPSERT,
                                   &batch, &problem),
              FEATURE_INVALID, "argument");
    assert_non_null(strstr(problem.message, "EVENT"));
    must_fail(feature_batch_create(f->store, "spend", NULL, FEATURE_PATCH,
                                   &batch, &problem),
              FEATURE_INVALID, "argument");
    must_fail(feature_batch_create(f->store, "paymnt", NULL, FEATURE_EVENT,
                                   &batch, &problem),
              FEATURE_NOT_FOUND, "name");
    assert_non_null(strstr(problem.message, "did you mean \"payment\""));
    must_fail(feature_batch_create(f->store, "payment", "amont", FEATURE_EVENT,
                                   &batch, &problem),
              FEATURE_NOT_FOUND, "name");
    assert_non_null(strstr(problem.message, "did you mean \"amount\""));
    must(feature_batch_create(f->store, "payment", "amount, event_timestamp",
                              FEATURE_EVENT, &batch, &problem));
    must(feature_batch_column(batch, 0, &field, &problem));
    assert_int_equal(field.role, FEATURE_ROLE_EVENT_COLUMN);
    assert_int_equal(field.type, FEATURE_TYPE_FLOAT64);
    must(feature_batch_column(batch, 1, &field, &problem));
    assert_int_equal(field.role, FEATURE_ROLE_EVENT_TIMESTAMP);
    feature_batch_free(batch);
}

/* Columns that are left out are null; without event_timestamp a row has the time
 * of its commit. */
static void
columns_may_be_left_out(void **state)
{
    struct fixture *f = *state;
    struct feature_commit commit;
    struct held first, second;
    char row[64];

    define(f, DEFINITIONS);
    commit = write_rows(f, FEATURE_EVENT, "payment", "amount, card_id", "5 7");
    snprintf(row, sizeof row, "null 7 5 null %" PRId64, commit.time);
    first = held_of(f, "spend");
    assert_int_equal(held_of(f, "traffic").rows, 0);
    start_again(f);
    define(f, DEFINITIONS);
    write_rows(f, FEATURE_EVENT, "payment", NULL, row);
    second = held_of(f, "spend");
    expect_equal_rows(first, second);
}

static void
a_zero_has_no_sign(void **state)
{
    struct fixture *f = *state;
    struct held first, second;

    define(f, DEFINITIONS);
    write_rows(f, FEATURE_EVENT, "payment", NULL, "a 7 -0.0 s @0");
    first = held_of(f, "traffic");
    start_again(f);
    define(f, DEFINITIONS);
    write_rows(f, FEATURE_EVENT, "payment", NULL, "a 7 0 s @0");
    second = held_of(f, "traffic");
    expect_equal_rows(first, second);
}

/* Events, deletes and rows of another view in one call are one commit. */
static void
a_call_of_many_batches_is_one_commit(void **state)
{
    struct fixture *f = *state;
    struct feature_commit commit = {.struct_size = sizeof commit};
    feature_batch *batches[4];

    define(f, DEFINITIONS "CREATE FEATURE VIEW plain (a INT64) FOR card;");
    batches[0] = make_events(f, FEATURE_EVENT, "payment", NULL,
                             "a 7 1 s @0\nb 8 1 s @0");
    batches[1] = make_batch(f, FEATURE_UPSERT, "plain", NULL, "7 @0 3");
    batches[2] = make_batch(f, FEATURE_DELETE, "spend", NULL, "7 @0");
    batches[3] = make_events(f, FEATURE_EVENT, "payment", NULL,
                             "c 7 1 s @0\nd 7 1 s @1");
    must(feature_store_write(f->store, batches, 4, NULL, &commit, &problem));
    assert_int_equal(commit.sequence, 2);
    assert_int_equal(commit.applied, 6);
    expect_outcomes(batches[3], "AA"); /* c is late for spend alone */
    for (int i = 0; i < 4; i++)
        feature_batch_free(batches[i]);
    assert_int_equal(held_of(f, "spend").rows, 2);
    expect_good(f);
    expect_followed(f);
}

static void
a_promoted_follower_knows_the_ids(void **state)
{
    struct fixture *f = *state;
    feature_store *leader = f->store;
    char path[TEST_PATH_SIZE];

    define(f, DEFINITIONS);
    write_rows(f, FEATURE_EVENT, "payment", NULL, "a 7 1 s @0\nb 7 1 s @0");
    feature_store_close(follow_all(f, path));
    f->options.struct_size = sizeof f->options;
    must(feature_store_open(path, &f->options, &f->store, &problem));
    must(feature_store_promote(f->store, NULL, &problem));
    expect_events(f, FEATURE_EVENT, "payment", NULL, "b 7 1 s @0\nc 7 1 s @0",
                  "DA");
    feature_store_close(f->store);
    f->store = leader;
    remove_directory(path);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_event_feeds_every_view_in_one_commit),
        TEST(every_row_has_its_outcome),
        TEST(what_is_refused_takes_no_number),
        TEST(ids_are_forgotten_after_dedupe_for),
        TEST(an_invalid_row_is_named_or_skipped),
        TEST(an_event_without_room_is_rejected),
        TEST(what_is_taken_back_has_room),
        TEST(a_name_of_the_other_kind_gets_a_hint),
        TEST(columns_may_be_left_out),
        TEST(a_zero_has_no_sign),
        TEST(a_call_of_many_batches_is_one_commit),
        TEST(a_promoted_follower_knows_the_ids),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
