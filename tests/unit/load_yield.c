/* SPDX-License-Identifier: Apache-2.0 */
/* Who waits to write while a load goes on comes before its next commit. The waiter
 * is this program: its own pwrite and nanosleep stand before those of the C
 * library, and tell of each commit and of each pause. It has open.lock open once
 * more, so that its locks meet those of the store as another process's would. */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "support.h"

#define GATE   (1 << 30) /* bytes of open.lock */
#define WANTED (GATE + 1)

#define ROWS  24000
#define BATCH 2000
#define SIZE  1000 /* bytes of a text: a row is a little larger */

static feature_store *watched; /* NULL: nobody waits */
static int lock_file;
static bool waits;
static int commits;    /* of the load */
static int before;     /* those that were made while somebody waited */
static int writes;     /* of the waiter */
static bool is_paused; /* the pause at hand is the waiter's */

static int
lock_byte(short type, off_t at)
{
    struct flock lock = {
        .l_type = type, .l_whence = SEEK_SET, .l_start = at, .l_len = 1};

    return fcntl(lock_file, F_OFD_SETLK, &lock);
}

/* A meta page is the end of each commit. */
ssize_t
pwrite(int file, const void *bytes, size_t size, off_t at)
{
    if (watched && !is_paused && at < 8192 && size > 32 && size < 4096) {
        commits++;
        before += waits;
        waits = true;
        assert_int_equal(lock_byte(F_RDLCK, WANTED), 0);
    }
    return syscall(SYS_pwrite64, file, bytes, size, at);
}

static void write_one(feature_store *store);

int
nanosleep(const struct timespec *wanted, struct timespec *left)
{
    if (!watched)
        return (int)syscall(SYS_nanosleep, wanted, left);
    assert_false(is_paused); /* the gate is free: the write waits for nobody */
    if (!waits)
        return 0;
    assert_int_equal(lock_byte(F_WRLCK, GATE), 0);
    assert_int_equal(lock_byte(F_UNLCK, GATE), 0);
    is_paused = true;
    write_one(watched);
    is_paused = waits = false;
    assert_int_equal(lock_byte(F_UNLCK, WANTED), 0);
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

static void
write_one(feature_store *store)
{
    struct feature_write_options options = {.struct_size = sizeof options,
                                            .wait_ms = 1};
    feature_batch *batch = new_batch(store, "v");

    fill_batch(batch, writes++, 1);
    must(feature_store_write(store, &batch, 1, &options, NULL, &problem));
    feature_batch_free(batch);
}

static void
load_all(struct fixture *f, bool backwards)
{
    struct feature_load_report report = {.struct_size = sizeof report};
    feature_batch *batch = new_batch(f->store, "v");
    feature_load *load = NULL;

    must(feature_load_begin(f->store, "v", NULL, &load, &problem));
    for (int64_t first = 0; first < ROWS; first += BATCH) {
        fill_batch(batch, backwards ? ROWS - BATCH - first : first, BATCH);
        must(feature_load_append(load, batch, &problem));
    }
    must(feature_load_commit(load, &report, &problem));
    assert_int_equal(report.rows, ROWS);
    feature_load_free(load);
    feature_batch_free(batch);
}

/* The load that was watched made so many commits, each of them after a write of
 * the one that waited by then. */
static void
expect_turns(struct fixture *f, bool backwards, int least)
{
    commits = before = writes = 0;
    waits = false;
    watched = f->store;
    load_all(f, backwards);
    watched = NULL;
    (void)lock_byte(F_UNLCK, WANTED);
    assert_int_equal(before, 0);
    assert_true(commits >= least);
    assert_in_range(writes, commits - 1, commits); /* the load ends meanwhile */
}

/* --- promises ------------------------------------------------------------------------- */

static void
a_writer_that_waits_comes_before_the_next_commit(void **state)
{
    struct fixture *f = *state;

    for (int backwards = 0; backwards < 2; backwards++)
        expect_turns(f, backwards, ROWS / 4000);
}

static void
also_while_history_is_written(void **state)
{
    struct fixture *f = *state;

    define(f, "CREATE FEATURE VIEW v (a STRING) FOR e "
              "WITH (history = '30 days');");
    load_all(f, false);
    expect_turns(f, false, ROWS / 2000);
}

static int
begin(void **state)
{
    char path[TEST_PATH_SIZE + 16];
    struct fixture *f;

    if (fixture_begin(state))
        return -1;
    f = *state;
    define(f, "CREATE ENTITY e (k INT64);"
              "CREATE FEATURE VIEW v (a STRING) FOR e;"
              "STORE WITH (changes = '1 day');");
    snprintf(path, sizeof path, "%s/open.lock", f->path);
    lock_file = open(path, O_RDWR | O_CLOEXEC);
    return lock_file < 0;
}

static int
end(void **state)
{
    close(lock_file);
    return fixture_end(state);
}

#define WATCHED(name) cmocka_unit_test_setup_teardown(name, begin, end)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        WATCHED(a_writer_that_waits_comes_before_the_next_commit),
        WATCHED(also_while_history_is_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
