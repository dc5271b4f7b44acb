/* SPDX-License-Identifier: Apache-2.0 */
/* The pace of a load, by a clock that stands still but for pauses and commits. The
 * program's own clock_gettime and nanosleep stand before those of the C library. */
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "support.h"

#define ROWS  24000
#define BATCH 2000
#define SIZE  1000 /* bytes of a text: a row is a little larger */

#define SECONDS INT64_C(1000000000)

static bool is_fake;
static int64_t now, paused; /* nanoseconds */
static int pauses, writes;
static int64_t per_look;         /* that pass with each look at the clock */
static feature_store *writes_to; /* in each pause */

int
clock_gettime(clockid_t id, struct timespec *at)
{
    if (!is_fake || id != CLOCK_MONOTONIC)
        return (int)syscall(SYS_clock_gettime, id, at);
    now += per_look;
    *at = (struct timespec){.tv_sec = now / SECONDS, .tv_nsec = now % SECONDS};
    return 0;
}

static void write_one(feature_store *store);

int
nanosleep(const struct timespec *wanted, struct timespec *left)
{
    int64_t took = (int64_t)wanted->tv_sec * SECONDS + wanted->tv_nsec;

    (void)left;
    assert_true(is_fake);
    assert_in_range(took, 1, SECONDS / 2); /* somebody may end the load */
    now += took;
    paused += took;
    pauses++;
    if (writes_to)
        write_one(writes_to);
    return 0;
}

/* --- rows --------------------------------------------------------------------------- */

static feature_batch *
new_batch(feature_store *store, const char *view)
{
    feature_batch *batch = NULL;

    must(feature_batch_create(store, view, NULL, FEATURE_UPSERT, &batch,
                              &problem));
    return batch;
}

static void
fill_batch(feature_batch *batch, int64_t first, uint32_t rows)
{
    static char text[BATCH * SIZE];
    int32_t offsets[BATCH + 1];
    int64_t keys[BATCH], times[BATCH];

    offsets[0] = 0;
    for (uint32_t i = 0; i < rows; i++) {
        keys[i] = first + i;
        times[i] = NOON - DAY;
        offsets[i + 1] = offsets[i] + SIZE;
    }
    memset(text, 'x', sizeof text);
    feature_batch_clear(batch);
    must(feature_batch_set(batch, 0, FEATURE_TYPE_INT64, keys, NULL, NULL, rows,
                           &problem));
    must(feature_batch_set(batch, 1, FEATURE_TYPE_TIMESTAMP, times, NULL, NULL,
                           rows, &problem));
    must(feature_batch_set(batch, 2, FEATURE_TYPE_STRING, text, offsets, NULL,
                           rows, &problem));
}

/* The gate is free: the write does not wait for it at all. */
static void
write_one(feature_store *store)
{
    struct feature_write_options options = {.struct_size = sizeof options,
                                            .wait_ms = 1};
    feature_batch *batch = new_batch(store, "beside");

    fill_batch(batch, writes++, 1);
    must(feature_store_write(store, &batch, 1, &options, NULL, &problem));
    feature_batch_free(batch);
}

/* Loads all rows; answers the nanoseconds that passed. */
static int64_t
load_all(struct fixture *f, bool backwards, uint64_t rows_per_second,
         uint64_t bytes_per_second)
{
    struct feature_load_options options = {.struct_size = sizeof options,
                                           .rows_per_second = rows_per_second,
                                           .bytes_per_second =
                                               bytes_per_second};
    struct feature_load_report report = {.struct_size = sizeof report};
    feature_batch *batch = new_batch(f->store, "v");
    feature_load *load = NULL;
    int64_t begun;

    pauses = 0;
    paused = 0;
    is_fake = true;
    begun = now;
    must(feature_load_begin(f->store, "v", &options, &load, &problem));
    for (int64_t first = 0; first < ROWS; first += BATCH) {
        fill_batch(batch, backwards ? ROWS - BATCH - first : first, BATCH);
        must(feature_load_append(load, batch, &problem));
    }
    must(feature_load_commit(load, &report, &problem));
    is_fake = false;
    assert_int_equal(report.rows, ROWS);
    feature_load_free(load);
    feature_batch_free(batch);
    return now - begun;
}

static void
expect_seconds(int64_t passed, double seconds)
{
    double found = (double)passed / (double)SECONDS;

    assert_true(found > 0.9 * seconds);
    assert_true(found < 1.1 * seconds);
}

/* --- promises ------------------------------------------------------------------------- */

static void
rows_come_at_the_pace_that_was_asked_for(void **state)
{
    struct fixture *f = *state;

    for (uint64_t rate = 1000; rate < 1000000; rate *= 30)
        for (int backwards = 0; backwards < 2; backwards++)
            expect_seconds(load_all(f, backwards, rate, 0),
                           (double)ROWS / (double)rate);
}

static void
bytes_come_at_the_pace_that_was_asked_for(void **state)
{
    struct fixture *f = *state;

    for (uint64_t rate = 300000; rate < 100000000; rate *= 30)
        expect_seconds(load_all(f, false, 0, rate),
                       (double)ROWS * (SIZE + 36) / (double)rate);
}

static void
the_slower_of_two_paces_counts(void **state)
{
    struct fixture *f = *state;

    expect_seconds(load_all(f, false, 2000, 1u << 30), ROWS / 2000.0);
    expect_seconds(load_all(f, false, 1u << 30, 1u << 20),
                   (double)ROWS * (SIZE + 36) / (1 << 20));
    expect_seconds(load_all(f, false, 2000, 2000 * (SIZE + 36)), ROWS / 2000.0);
}

/* The time that work takes is a part of the pace, not added to it. */
static void
work_counts_as_time_that_passes(void **state)
{
    struct fixture *f = *state;
    int64_t passed;

    per_look = SECONDS / 100;
    passed = load_all(f, false, 5000, 0);
    per_look = 0;
    expect_seconds(passed, ROWS / 5000.0);
    assert_true(paused < passed - SECONDS / 20);
}

static void
a_load_without_a_pace_never_pauses(void **state)
{
    load_all(*state, false, 0, 0);
    assert_int_equal(pauses, 0);
}

static void
others_write_while_a_load_pauses(void **state)
{
    struct fixture *f = *state;

    writes_to = f->store;
    writes = 0;
    load_all(f, false, 4000, 0);
    writes_to = NULL;
    assert_true(writes > 3);
}

static int
begin(void **state)
{
    if (fixture_begin(state))
        return -1;
    define(*state, "CREATE ENTITY e (k INT64);"
                   "CREATE FEATURE VIEW v (a STRING) FOR e;"
                   "CREATE FEATURE VIEW beside (a STRING) FOR e;");
    return 0;
}

#define PACED(name) cmocka_unit_test_setup_teardown(name, begin, fixture_end)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        PACED(rows_come_at_the_pace_that_was_asked_for),
        PACED(bytes_come_at_the_pace_that_was_asked_for),
        PACED(the_slower_of_two_paces_counts),
        PACED(work_counts_as_time_that_passes),
        PACED(a_load_without_a_pace_never_pauses),
        PACED(others_write_while_a_load_pauses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
