/* SPDX-License-Identifier: Apache-2.0 */
/* Writers of one event in several threads: each id counts once, whoever sends it
 * first, and the rows are those of one writer. And definitions that change while a
 * write waits for them. */
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "asleep.h"
#include "events.h"
#include "stand_in.h"

#define DEFINITIONS                                                          \
    "STORE WITH (changes = '30 days');"                                      \
    "CREATE ENTITY card (card_id INT64);"                                    \
    "CREATE ENTITY shop (shop STRING);"                                      \
    "CREATE EVENT payment (payment_id STRING, card_id INT64, shop STRING,"   \
    " amount INT64) WITH (dedupe = payment_id);"                             \
    "CREATE FEATURE VIEW spend (n = COUNT(*) OVER '1 hour', total ="         \
    " SUM(amount), last = LAST(amount, 3), by_shop = SUM(amount) BY shop)"   \
    " FOR card FROM payment;"                                                \
    "CREATE FEATURE VIEW traffic (cards = COUNT(DISTINCT card_id) OVER '1 "  \
    "day', least = MIN(amount) OVER TUMBLE '1 hour') FOR shop FROM payment " \
    "WITH (history = '30 days');"

#define WRITERS 4
#define CALLS   40 /* of each */
#define ROWS    3  /* of each call */
#define IDS     (WRITERS * CALLS * ROWS / 2)

/* --- a commit that is held, so that the calls behind it meet -------------------- */

static atomic_int hold, is_held;

static int
before_commit(void)
{
    while (atomic_load(&hold)) {
        atomic_store(&is_held, 1);
        sched_yield();
    }
    return 0;
}

/* --- writers -------------------------------------------------------------------- */

/* cmocka's assertions belong to the main thread: calls are judged there. */
struct writer {
    struct fixture *f;
    pthread_t thread;
    int index;
    feature_batch *batches[CALLS];
    feature_status status;
    atomic_int begun;
};

/* The event of an id, the same whoever sends it; a time for each. */
static void
print_event(char *text, size_t size, int id)
{
    snprintf(text, size, "i%d %d shop%d %d @%d\n", id, id % 5, id % 3,
             (id * 37) % 101 - 50, -id * 7);
}

/* Each id is in two calls, of different writers. */
static int
id_at(int writer, int call, int row)
{
    return ((writer * CALLS + call) * ROWS + row) % IDS;
}

static void
make_batches(struct writer *writer)
{
    for (int call = 0; call < CALLS; call++) {
        char rows[ROWS * 64] = "", line[64];

        for (int row = 0; row < ROWS; row++) {
            print_event(line, sizeof line, id_at(writer->index, call, row));
            strcat(rows, line);
        }
        writer->batches[call] =
            make_batch(writer->f, FEATURE_EVENT, "payment", NULL, rows);
    }
}

static void *
run_writer(void *argument)
{
    struct writer *writer = argument;

    atomic_store(&writer->begun, 1);
    for (int call = 0; call < CALLS && !writer->status; call++) {
        struct feature_commit commit = {.struct_size = sizeof commit};
        struct feature_error error;

        writer->status = feature_store_write(
            writer->f->store, &writer->batches[call], 1, NULL, &commit, &error);
    }
    return NULL;
}

static void
run_writers(struct writer *writers, struct fixture *f)
{
    for (int i = 0; i < WRITERS; i++) {
        memset(&writers[i], 0, sizeof writers[i]);
        writers[i].f = f;
        writers[i].index = i;
        make_batches(&writers[i]);
    }
    atomic_store(&hold, 1);
    for (int i = 0; i < WRITERS; i++)
        assert_int_equal(
            pthread_create(&writers[i].thread, NULL, run_writer, &writers[i]),
            0);
    for (int i = 0; i < WRITERS; i++)
        while (!atomic_load(&writers[i].begun))
            sched_yield();
    atomic_store(&hold, 0);
    for (int i = 0; i < WRITERS; i++)
        assert_int_equal(pthread_join(writers[i].thread, NULL), 0);
}

/* Each id was applied once, and was a duplicate once. */
static void
judge_writers(const struct writer *writers)
{
    static int applied[IDS], twice[IDS];

    memset(applied, 0, sizeof applied);
    memset(twice, 0, sizeof twice);
    for (int i = 0; i < WRITERS; i++) {
        assert_int_equal(writers[i].status, FEATURE_OK);
        for (int call = 0; call < CALLS; call++) {
            const uint8_t *outcomes =
                feature_batch_outcomes(writers[i].batches[call]);

            for (int row = 0; row < ROWS; row++) {
                int id = id_at(i, call, row);

                applied[id] += outcomes[row] == FEATURE_OUTCOME_APPLIED;
                twice[id] += outcomes[row] == FEATURE_OUTCOME_DUPLICATE;
            }
        }
    }
    for (int id = 0; id < IDS; id++) {
        assert_int_equal(applied[id], 1);
        assert_int_equal(twice[id], 1);
    }
}

/* A store to which one writer gave all of it, in one call. */
static void
write_alone(struct fixture *f)
{
    static char rows[IDS * 64], line[64];

    rows[0] = '\0';
    for (int id = 0; id < IDS; id++) {
        print_event(line, sizeof line, id);
        strcat(rows, line);
    }
    define(f, DEFINITIONS);
    write_rows(f, FEATURE_EVENT, "payment", NULL, rows);
}

static void
events_of_writers_that_meet_are_those_of_one(void **state)
{
    static struct writer writers[WRITERS];
    struct fixture *f = *state, *alone;
    void *other = NULL;

    define(f, DEFINITIONS);
    run_writers(writers, f);
    judge_writers(writers);
    assert_int_equal(fixture_begin(&other), 0);
    alone = other;
    write_alone(alone);
    expect_equal_rows(held_of(f, "spend"), held_of(alone, "spend"));
    expect_equal_rows(held_of(f, "traffic"), held_of(alone, "traffic"));
    assert_int_equal(held_of(f, "traffic").history,
                     held_of(alone, "traffic").history);
    assert_int_equal(stats_of(f).applied, stats_of(alone).applied);
    assert_int_equal(fixture_end(&other), 0);
    expect_good(f);
    expect_followed(f);
    for (int i = 0; i < WRITERS; i++)
        for (int call = 0; call < CALLS; call++)
            feature_batch_free(writers[i].batches[call]);
}

/* --- definitions that change under a write -------------------------------------- */

/* Definitions of another handle, and a write of this one, in threads. */
struct meeting {
    struct fixture other;
    struct fixture *f;
    const char *definitions;
    feature_batch *batch;
    feature_status applied, written;
    struct feature_error error;
    atomic_int id; /* of the thread that writes, for the system */
};

static void *
run_apply(void *argument)
{
    struct meeting *meeting = argument;
    struct feature_error error;

    meeting->applied = feature_store_apply(
        meeting->other.store, meeting->definitions, NULL, NULL, &error);
    return NULL;
}

static void *
run_write(void *argument)
{
    struct meeting *meeting = argument;

    atomic_store(&meeting->id, (int)syscall(SYS_gettid));
    meeting->written = feature_store_write(meeting->f->store, &meeting->batch,
                                           1, NULL, NULL, &meeting->error);
    return NULL;
}

/* Writes a row that was made ready before the definitions were committed: the
 * write begins while their commit is held. Answers what the write does. */
static feature_status
write_amid(struct fixture *f, int32_t operation, const char *row,
           const char *definitions, const char *outcome)
{
    struct meeting meeting = {.other = *f, .f = f, .definitions = definitions};
    pthread_t applies, writes;

    meeting.other.store = NULL;
    open_store(&meeting.other);
    meeting.batch = make_batch(f, operation, "payment",
                               "card_id, shop, amount, event_timestamp", row);
    atomic_store(&is_held, 0);
    atomic_store(&hold, 1);
    assert_int_equal(pthread_create(&applies, NULL, run_apply, &meeting), 0);
    while (!atomic_load(&is_held))
        sched_yield();
    assert_int_equal(pthread_create(&writes, NULL, run_write, &meeting), 0);
    wait_until_asleep(&meeting.id);
    atomic_store(&hold, 0);
    assert_int_equal(pthread_join(applies, NULL), 0);
    assert_int_equal(pthread_join(writes, NULL), 0);
    assert_int_equal(meeting.applied, FEATURE_OK);
    if (!meeting.written)
        expect_outcomes(meeting.batch, outcome);
    else
        assert_string_equal(meeting.error.reason, "schema-changed");
    feature_batch_free(meeting.batch);
    close_store(&meeting.other);
    return meeting.written;
}

static int
begin(void **state)
{
    if (fixture_begin(state))
        return -1;
    define(*state, DEFINITIONS);
    return 0;
}

#define AMID(name) cmocka_unit_test_setup_teardown(name, begin, fixture_end)

#define ROW "7 a 5 @-60"

static void
a_view_that_comes_amid_a_write_has_the_event(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(write_amid(f, FEATURE_EVENT, ROW,
                                "CREATE FEATURE VIEW late (n = COUNT(*) OVER "
                                "'1 hour') FOR card FROM payment;",
                                "A"),
                     FEATURE_OK);
    expect_rows(f, "late(n) AS l, spend(n)", "7", "present,present 1 1");
    expect_good(f);
    expect_followed(f);
}

static void
a_view_that_goes_amid_a_write_is_left_out(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(
        write_amid(f, FEATURE_EVENT, ROW, "DROP FEATURE VIEW traffic;", "A"),
        FEATURE_OK);
    expect_rows(f, "spend(n)", "7", "present 1");
    assert_int_equal(stats_of(f).rows, 1);
    assert_int_equal(
        write_amid(f, FEATURE_EVENT, ROW, "DROP FEATURE VIEW spend;", "A"),
        FEATURE_OK); /* it is in the feed alone */
    assert_int_equal(stats_of(f).rows, 0);
    expect_good(f);
    expect_followed(f);
}

static void
a_view_made_again_amid_a_write_begins_with_it(void **state)
{
    struct fixture *f = *state;

    write_rows(f, FEATURE_EVENT, "payment", NULL, "i1 7 a 5 @-50");
    assert_int_equal(
        write_amid(f, FEATURE_EVENT, ROW, "DROP FEATURE VIEW spend;", "A"),
        FEATURE_OK);
    assert_int_equal(write_amid(f, FEATURE_EVENT, ROW,
                                "CREATE FEATURE VIEW spend (n = COUNT(*) OVER "
                                "'1 hour') FOR card FROM payment;",
                                "A"),
                     FEATURE_OK);
    expect_rows(f, "spend(n)", "7", "present 1");
    expect_good(f);
    expect_followed(f);
}

static void
features_and_columns_that_come_amid_a_write(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(
        write_amid(f, FEATURE_EVENT, ROW,
                   "CREATE EVENT payment (note STRING);"
                   "CREATE FEATURE VIEW spend (notes = COUNT(note) OVER '1 "
                   "hour', most = MAX(amount) OVER '1 hour') FOR card FROM "
                   "payment;",
                   "A"),
        FEATURE_OK);
    expect_rows(f, "spend(n, notes, most)", "7", "present 1 0 5");
    expect_good(f);
    expect_followed(f);
}

static void
an_event_that_goes_amid_a_write_is_a_conflict(void **state)
{
    struct fixture *f = *state;
    uint64_t sequence;

    assert_int_equal(
        write_amid(f, FEATURE_EVENT, ROW,
                   "DROP FEATURE VIEW spend; DROP FEATURE VIEW traffic;"
                   "DROP EVENT payment;",
                   "A"),
        FEATURE_CONFLICT);
    define(f, DEFINITIONS);
    sequence = stats_of(f).sequence;
    define(f, "DROP FEATURE VIEW spend; DROP FEATURE VIEW traffic;"
              "DROP EVENT payment;");
    assert_int_equal(stats_of(f).sequence, sequence + 1);
    expect_good(f);
    expect_followed(f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(events_of_writers_that_meet_are_those_of_one),
        AMID(a_view_that_comes_amid_a_write_has_the_event),
        AMID(a_view_that_goes_amid_a_write_is_left_out),
        AMID(a_view_made_again_amid_a_write_begins_with_it),
        AMID(features_and_columns_that_come_amid_a_write),
        AMID(an_event_that_goes_amid_a_write_is_a_conflict),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
