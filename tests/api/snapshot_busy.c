/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshots beside writers, and what is left when they are cut short: by a
 * kill, by a full disk. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "peer.h"
#include "snapshot.h"

#define ROWS  700
#define VIEWS 2

#define DEFINITIONS                                    \
    "CREATE ENTITY n (k INT64);"                       \
    "CREATE FEATURE VIEW n0 (a INT64, b INT64) FOR n;" \
    "CREATE FEATURE VIEW n1 (a INT64, b INT64) FOR n;"

static int
begin(void **state)
{
    if (fixture_begin(state))
        return -1;
    define(*state, DEFINITIONS);
    return 0;
}

#define BUSY(name) cmocka_unit_test_setup_teardown(name, begin, fixture_end)

/* --- commits whose rows are all of one number --------------------------------- */

static void
set_numbers(feature_batch *batch, uint32_t rows, int64_t value)
{
    int64_t *cells = malloc(4 * rows * sizeof *cells);

    assert_non_null(cells);
    for (uint32_t i = 0; i < rows; i++) {
        cells[i] = i;
        cells[rows + i] = NOON;
        cells[2 * rows + i] = value;
        cells[3 * rows + i] = i * 3 + value;
    }
    feature_batch_clear(batch);
    for (uint32_t c = 0; c < 4; c++)
        must(feature_batch_set(
            batch, c, c == 1 ? FEATURE_TYPE_TIMESTAMP : FEATURE_TYPE_INT64,
            cells + c * rows, NULL, NULL, rows, &problem));
    free(cells);
}

/* One commit over both views. */
static void
write_number(struct fixture *f, uint32_t rows, int64_t value)
{
    feature_batch *batches[VIEWS];
    const char *const names[VIEWS] = {"n0", "n1"};

    for (int i = 0; i < VIEWS; i++) {
        must(feature_batch_create(f->store, names[i], NULL, FEATURE_UPSERT,
                                  &batches[i], &problem));
        set_numbers(batches[i], rows, value);
    }
    must(feature_store_write(f->store, batches, VIEWS, NULL, NULL, &problem));
    for (int i = 0; i < VIEWS; i++)
        feature_batch_free(batches[i]);
}

/* The definitions were commit 1; commit s wrote the number s. */
static void
expect_one_commit(struct fixture *f, uint32_t rows)
{
    int64_t sequence = (int64_t)stats_of(f).sequence;

    for (int view = 0; view < VIEWS; view++)
        expect_numbered(f, view, rows, sequence);
}

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

/* --- kill -9 --------------------------------------------------------------------- */

#define KILLS     25
#define MANY_ROWS 15000

static char kill_file[PATH_SIZE], kill_path[PATH_SIZE];

static void
take_in_peer(struct fixture *f, struct peer *peer)
{
    open_store(f);
    give_turn(peer);
    must(feature_store_snapshot(f->store, kill_file, NULL, NULL, NULL,
                                &problem));
}

static void
restore_in_peer(struct fixture *f, struct peer *peer)
{
    (void)f;
    give_turn(peer);
    must(feature_store_restore(kill_file, kill_path, NULL, NULL, NULL,
                               &problem));
}

static void
compact_in_peer(struct fixture *f, struct peer *peer)
{
    give_turn(peer);
    must(feature_store_compact(f->path, NULL, NULL, NULL, &problem));
}

/* Kills work after a while that grows from round to round. */
static void
kill_work(struct fixture *f, void (*work)(struct fixture *, struct peer *),
          unsigned round)
{
    struct peer peer = start_peer(f, work);
    int status;

    take_turn(&peer);
    usleep(round * round * 60);
    kill(peer.pid, SIGKILL);
    close(peer.to);
    close(peer.from);
    assert_int_equal(waitpid(peer.pid, &status, 0), peer.pid);
}

static void
a_killed_snapshot_leaves_the_old_file(void **state)
{
    struct fixture *f = *state;
    uint8_t *whole, *bytes;
    size_t size, got;
    int old = 0, new = 0;

    write_number(f, MANY_ROWS, 2);
    take_snapshot(f, "whole.snap", NULL);
    whole = read_whole(f, "whole.snap", &size);
    close_store(f);
    path_of(f, "k.snap", kill_file);
    for (unsigned i = 0; i < KILLS; i++) {
        write_file(kill_file, "old", 3);
        kill_work(f, take_in_peer, i);
        bytes = read_whole(f, "k.snap", &got);
        if (got == 3 && !memcmp(bytes, "old", 3))
            old++;
        else if (got == size && !memcmp(bytes, whole, size))
            new ++;
        else
            fail_msg("a killed snapshot left %zu bytes", got);
        free(bytes);
    }
    free(whole);
    print_message("killed %d times: %d old files, %d new ones\n", KILLS, old,
                  new);
    assert_true(old > 0);
}

static void
a_killed_restore_leaves_no_store(void **state)
{
    struct fixture *f = *state;
    struct fixture copy = *f;
    int none = 0;

    write_number(f, MANY_ROWS, 2);
    take_snapshot(f, "k.snap", NULL);
    path_of(f, "k.snap", kill_file);
    path_of(f, "copy", kill_path);
    memcpy(copy.path, kill_path, sizeof copy.path);
    for (unsigned i = 0; i < KILLS; i++) {
        kill_work(f, restore_in_peer, i);
        if (access(kill_path, F_OK)) {
            none++;
            continue;
        }
        copy.store = NULL;
        copy.options.flags = 0;
        open_store(&copy);
        expect_one_commit(&copy, MANY_ROWS);
        close_store(&copy);
        remove_directory(kill_path);
    }
    print_message("killed %d times: %d without a store\n", KILLS, none);
    assert_true(none > 0);
}

static void
a_killed_compaction_leaves_the_store(void **state)
{
    struct fixture *f = *state;
    char path[PATH_SIZE];

    write_number(f, MANY_ROWS, 2);
    for (unsigned i = 0; i < KILLS; i++) {
        close_store(f);
        kill_work(f, compact_in_peer, i);
        open_store(f);
        expect_one_commit(f, MANY_ROWS);
        write_number(f, MANY_ROWS, (int64_t)stats_of(f).sequence + 1);
    }
    close_store(f);
    must(feature_store_compact(f->path, NULL, NULL, NULL, &problem));
    snprintf(path, sizeof path, "%s/compact.tmp", f->path);
    assert_int_not_equal(access(path, F_OK), 0);
    open_store(f);
    expect_one_commit(f, MANY_ROWS);
}

/* --- full disks ------------------------------------------------------------------ */

/* A limit on the size of files is a disk that is full at any byte we like. */
static void
limit_files(rlim_t size)
{
    struct rlimit limit;

    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = size < limit.rlim_max ? size : limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void
no_room_leaves_nothing_behind(void **state)
{
    struct fixture *f = *state;
    feature_status status;

    write_number(f, MANY_ROWS, 2);
    take_snapshot(f, "a.snap", NULL);
    path_of(f, "a.snap", kill_file);
    path_of(f, "copy", kill_path);
    for (rlim_t size = 70000; size < 2000000; size += 150000) {
        limit_files(size);
        status = feature_store_restore(kill_file, kill_path, NULL, NULL, NULL,
                                       &problem);
        limit_files(RLIM_INFINITY);
        if (!status)
            break;
        /* LMDB tells a short write as EIO. */
        assert_true(status == FEATURE_FULL || status == FEATURE_IO);
        assert_int_equal(count_names(f, "copy"), 0);
    }
    assert_int_equal(access(kill_path, F_OK), 0);
    path_of(f, "b.snap", kill_file);
    limit_files(20000);
    status =
        feature_store_snapshot(f->store, kill_file, NULL, NULL, NULL, &problem);
    limit_files(RLIM_INFINITY);
    assert_int_equal(status, FEATURE_FULL);
    assert_int_equal(count_names(f, "b.snap"), 0);
    close_store(f);
    limit_files(400000);
    status = feature_store_compact(f->path, NULL, NULL, NULL, &problem);
    limit_files(RLIM_INFINITY);
    assert_true(status == FEATURE_FULL || status == FEATURE_IO);
    open_store(f);
    expect_one_commit(f, MANY_ROWS);
}

static void
a_full_file_system_is_told(void **state)
{
    struct fixture *f = *state;
    char small[PATH_SIZE];

    path_of(f, "small", small);
    assert_int_equal(mkdir(small, 0700), 0);
    if (mount("none", small, "tmpfs", 0, "size=256k")) {
        print_message("not run: mounting a tmpfs needs root\n");
        skip();
    }
    write_number(f, MANY_ROWS, 2);
    take_snapshot(f, "a.snap", NULL);
    path_of(f, "a.snap", kill_file);
    path_of(f, "small/copy", kill_path);
    must_fail(
        feature_store_restore(kill_file, kill_path, NULL, NULL, NULL, &problem),
        FEATURE_FULL, "disk-full");
    assert_int_equal(rmdir(kill_path), -1); /* it never had the name */
    umount(small);
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
        BUSY(a_killed_snapshot_leaves_the_old_file),
        BUSY(a_killed_restore_leaves_no_store),
        BUSY(a_killed_compaction_leaves_the_store),
        BUSY(no_room_leaves_nothing_behind),
        BUSY(a_full_file_system_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
