/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshots beside writers, and compaction. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "snapshot_numbers.h"

static void
check_snapshot(struct fixture *f, uint32_t workers)
{
    struct feature_snapshot_options options = {.struct_size = sizeof options,
                                               .workers = workers};
    struct fixture copy;

    take_snapshot(f, "a.snap", &options);
    copy = restore_copy(f, "a.snap", "copy");
    expect_one_commit(&copy, ROWS);
    close_store(&copy);
    remove_directory(copy.path);
}

struct writing {
    struct fixture *f;
    atomic_bool is_over;
    _Atomic(int64_t) written;
};

static void *
write_on(void *context)
{
    struct writing *writing = context;

    for (int64_t n = 3; !atomic_load(&writing->is_over); n++) {
        write_number(writing->f, ROWS, n);
        atomic_store(&writing->written, n);
    }
    return NULL;
}

static void
a_snapshot_is_of_one_commit_while_threads_write(void **state)
{
    struct fixture *f = *state;
    struct writing writing = {.f = f};
    pthread_t thread;

    write_number(f, ROWS, 2);
    assert_int_equal(pthread_create(&thread, NULL, write_on, &writing), 0);
    for (uint32_t i = 0; i < 12; i++)
        check_snapshot(f, 1 + i % 3);
    atomic_store(&writing.is_over, true);
    pthread_join(thread, NULL);
    assert_true(atomic_load(&writing.written) > 3);
    check_snapshot(f, 2);
}

static void
write_in_peer(struct fixture *f, struct peer *peer)
{
    open_store(f);
    write_number(f, ROWS, 2);
    pass_turn(peer);
    for (int64_t n = 3; n < 60; n++)
        write_number(f, ROWS, n);
    close_store(f);
}

static void
a_snapshot_is_of_one_commit_while_a_process_writes(void **state)
{
    struct fixture *f = *state;
    struct peer peer;

    close_store(f);
    peer = start_peer(f, write_in_peer);
    take_turn(&peer);
    open_store(f);
    give_turn(&peer);
    for (uint32_t i = 0; i < 8; i++)
        check_snapshot(f, 1 + i % 2);
    end_peer(&peer);
    assert_int_equal(stats_of(f).sequence, 59);
    check_snapshot(f, 2);
}

/* Stands in front of the system's: a hook in the middle of a snapshot. */
static void (*at_write)(struct fixture *);
static struct fixture *at_fixture;
static int writes_left;
static bool has_changed;

ssize_t
write(int file, const void *bytes, size_t size)
{
    ssize_t (*original)(int, const void *, size_t);
    void *found = dlsym(RTLD_NEXT, "write");

    if (!found)
        abort();
    memcpy(&original, &found, sizeof original);
    if (at_write && !writes_left--) {
        void (*hook)(struct fixture *) = at_write;

        at_write = NULL;
        hook(at_fixture);
    }
    return original(file, bytes, size);
}

/* A change of the map waits for all who read, but not for a snapshot. */
static void
change_the_map(struct fixture *f)
{
    uint64_t before = stats_of(f).map_size;

    define(f, "STORE WITH (max_size = '200 MB')");
    /* A failure within the library's call would never return from it. */
    has_changed = stats_of(f).map_size != before;
    if (!has_changed)
        return;
    fill_numbered(f, 0, 0, 80000, 6);
    define(f, "CREATE FEATURE VIEW n1 (c INT64) FOR n");
}

static void
the_store_goes_on_in_the_middle_of_a_snapshot(void **state)
{
    struct feature_snapshot_options options = {.struct_size = sizeof options,
                                               .workers = 1};
    struct feature_snapshot_report report;
    struct fixture *f = *state;
    struct fixture copy;

    fill_numbered(f, 0, 0, 80000, 5);
    at_fixture = f;
    writes_left = 8; /* within the rows of n0 */
    at_write = change_the_map;
    report = take_snapshot(f, "a.snap", &options);
    assert_null(at_write);
    assert_true(has_changed);
    assert_int_equal(report.sequence, 2);
    assert_int_equal(report.lag, 3);
    copy = restore_copy(f, "a.snap", "copy");
    expect_numbered(&copy, 0, 80000, 5);
    expect_numbered(f, 0, 80000, 6);
    close_store(&copy);
}

/* --- compaction ---------------------------------------------------------------- */

static void
compaction_takes_free_pages_away(void **state)
{
    struct fixture *f = *state;
    struct feature_snapshot_report report = {.struct_size = sizeof report};
    struct feature_stats before;
    char path[PATH_SIZE];

    for (int64_t n = 2; n < 30; n++)
        write_number(f, 5000, n);
    before = stats_of(f);
    must_fail(feature_store_compact(f->path, NULL, NULL, NULL, &problem),
              FEATURE_BUSY, "in-use");
    expect_one_commit(f, 5000);
    close_store(f);
    snprintf(path, sizeof path, "%s/compact.tmp", f->path);
    assert_int_equal(mkdir(path, 0700), 0); /* as an earlier cut leaves it */
    must(feature_store_compact(f->path, NULL, NULL, &report, &problem));
    assert_int_not_equal(access(path, F_OK), 0);
    assert_int_equal(report.source_size, before.file_size);
    assert_true(report.size < before.file_size);
    open_store(f);
    assert_int_equal(stats_of(f).file_size, report.size);
    assert_int_equal(stats_of(f).sequence, before.sequence);
    expect_one_commit(f, 5000);
    write_number(f, 5000, (int64_t)before.sequence + 1);
    expect_one_commit(f, 5000);
}

static void
hold_open(struct fixture *f, struct peer *peer)
{
    open_store(f);
    pass_turn(peer);
    close_store(f);
}

static void
compaction_wants_the_store_alone(void **state)
{
    struct fixture *f = *state;
    struct peer peer;

    close_store(f);
    peer = start_peer(f, hold_open);
    take_turn(&peer);
    must_fail(feature_store_compact(f->path, NULL, NULL, NULL, &problem),
              FEATURE_BUSY, "in-use");
    give_turn(&peer);
    end_peer(&peer);
    must(feature_store_compact(f->path, NULL, NULL, NULL, &problem));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        BUSY(a_snapshot_is_of_one_commit_while_threads_write),
        BUSY(a_snapshot_is_of_one_commit_while_a_process_writes),
        BUSY(the_store_goes_on_in_the_middle_of_a_snapshot),
        BUSY(compaction_takes_free_pages_away),
        BUSY(compaction_wants_the_store_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
