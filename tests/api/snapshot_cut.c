/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshots, restores and compactions cut short: by a kill, by a full disk. */
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "snapshot_numbers.h"

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
        BUSY(a_killed_snapshot_leaves_the_old_file),
        BUSY(a_killed_restore_leaves_no_store),
        BUSY(a_killed_compaction_leaves_the_store),
        BUSY(no_room_leaves_nothing_behind),
        BUSY(a_full_file_system_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
