/* SPDX-License-Identifier: Apache-2.0 */
/* Writes and syncs that fail under LMDB. The program's own pwrite,
 * writev, fsync and fdatasync stand before those of the C library. */
#include "engine_fixture.h"

#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/uio.h>

static bool fail_meta; /* writes within the two meta pages */
static bool fail_data; /* all other writes */
static bool fail_sync;
static bool die_after_meta; /* written, and nobody told */
static int synced_directories, synced_files;
static int whole;   /* writes of a meta page by a descriptor that syncs them */
static int renewed; /* writes of both meta pages at once */

ssize_t
pwrite(int file, const void *bytes, size_t size, off_t at)
{
    bool is_meta = at < 8192;

    whole += is_meta && fcntl(file, F_GETFL) & O_DSYNC;
    renewed += at == 0 && size == 8192;
    if ((is_meta && fail_meta) || (!is_meta && fail_data)) {
        errno = EIO;
        return -1;
    }
    if (is_meta && die_after_meta) {
        syscall(SYS_pwrite64, file, bytes, size, at);
        raise(SIGKILL);
    }
    return syscall(SYS_pwrite64, file, bytes, size, at);
}

/* For several pages in a row. */
ssize_t
writev(int file, const struct iovec *parts, int count)
{
    if (fail_data) {
        errno = EIO;
        return -1;
    }
    return syscall(SYS_writev, file, parts, count);
}

int
fdatasync(int file)
{
    if (fail_sync) {
        errno = EIO;
        return -1;
    }
    return (int)syscall(SYS_fdatasync, file);
}

int
fsync(int file)
{
    struct stat at;

    if (!fstat(file, &at))
        *(S_ISDIR(at.st_mode) ? &synced_directories : &synced_files) += 1;
    return (int)syscall(SYS_fsync, file);
}

static void
a_new_store_is_synced_with_its_names(void **state)
{
    struct fixture *f = *state;

    synced_directories = synced_files = 0;
    create_store(f);
    assert_int_equal(synced_files, 1);       /* data.mdb, before its rename */
    assert_int_equal(synced_directories, 2); /* the store and its parent */
    close_store(f);
    must(f, open_flags(f, f->path, FEATURE_OPEN_CREATE, &f->environment));
    assert_int_equal(synced_directories, 2);
}

static void
a_failed_write_of_data_changes_nothing(void **state)
{
    struct fixture *f = *state;
    struct lf_writer *writer;
    struct lf_tree *tree;
    char big[16384] = {0};

    create_store(f);
    must(f, lf_writer_begin(f->environment, 0, &writer, &f->error));
    must(f, lf_writer_tree(writer, "rows", false, &tree, &f->error));
    must(f, lf_tree_put(tree, "a", 1, big, sizeof big, false, &f->error));
    fail_data = true;
    assert_int_equal(lf_writer_commit(writer, &f->error), FEATURE_IO);
    fail_data = false;
    assert_string_equal(f->error.reason, "io");
    assert_int_equal(f->error.os_error, EIO);
    assert_reads(f, "rows", "a", "1");
    must(f, put(f->environment, "rows", "a", "2", &f->error));
    assert_reads(f, "rows", "a", "2");
}

static void
a_failed_sync_changes_nothing(void **state)
{
    struct fixture *f = *state;

    create_store(f);
    fail_sync = true;
    refused(f, put(f->environment, "rows", "a", "2", &f->error), FEATURE_IO,
            "io");
    fail_sync = false;
    assert_reads(f, "rows", "a", "1");
    must(f, put(f->environment, "rows", "a", "3", &f->error));
    assert_reads(f, "rows", "a", "3");
}

static void
a_failed_write_of_the_meta_page_is_told_until_the_store_recovers(void **state)
{
    struct fixture *f = *state;
    struct lf_environment *other = NULL;

    create_store(f);
    fail_meta = true;
    refused(f, put(f->environment, "rows", "a", "2", &f->error), FEATURE_IO,
            "outcome-unknown");
    fail_meta = false;
    assert_int_equal(f->error.os_error, EIO);
    refused(f, lf_environment_check(f->environment, &f->error), FEATURE_IO,
            "outcome-unknown");
    assert_reads(f, "rows", "a", "1"); /* opens it again */
    must(f, lf_environment_check(f->environment, &f->error));
    assert_true(lf_environment_is_doubtful(f->environment));
    must(f, put(f->environment, "rows", "a", "2", &f->error));
    assert_false(lf_environment_is_doubtful(f->environment));
    fail_meta = true;
    refused(f, put(f->environment, "rows", "a", "3", &f->error), FEATURE_IO,
            "outcome-unknown");
    fail_meta = false;
    must(f, open_flags(f, f->path, 0, &other)); /* recovers too */
    lf_environment_close(other);
    assert_reads(f, "rows", "a", "2");
    must(f, put(f->environment, "rows", "a", "3", &f->error));
    assert_reads(f, "rows", "a", "3");
}

static void
a_parked_reader_loses_its_snapshot_to_a_recovery(void **state)
{
    struct fixture *f = *state;
    struct lf_reader *parked, *dropped;

    create_store(f);
    must(f, lf_reader_begin(f->environment, &parked, &f->error));
    lf_reader_park(parked);
    must(f, lf_reader_begin(f->environment, &dropped, &f->error));
    lf_reader_park(dropped);
    fail_meta = true;
    refused(f, put(f->environment, "rows", "a", "2", &f->error), FEATURE_IO,
            "outcome-unknown");
    fail_meta = false;
    refused(f, lf_reader_resume(parked, &f->error), FEATURE_IO,
            "outcome-unknown");
    must(f, lf_environment_recover(f->environment, 1000, &f->error));
    refused(f, lf_reader_resume(parked, &f->error), FEATURE_IO, "io");
    lf_reader_drop(parked);
    lf_reader_drop(dropped);
    assert_reads(f, "rows", "a", "1");
}

static void
a_store_that_cannot_be_opened_again_stays_out_of_service(void **state)
{
    struct fixture *f = *state;
    struct lf_environment_info info;
    struct lf_writer *writer;
    struct lf_reader *parked;
    char data[256], aside[256], text[256];

    create_store(f);
    name_of(f, "data.mdb", data);
    name_of(f, "aside", aside);
    must(f, lf_reader_begin(f->environment, &parked, &f->error));
    lf_reader_park(parked);
    fail_meta = true;
    refused(f, put(f->environment, "rows", "a", "2", &f->error), FEATURE_IO,
            "outcome-unknown");
    fail_meta = false;
    assert_int_equal(rename(data, aside), 0);
    refused(f, lf_environment_recover(f->environment, 1000, &f->error),
            FEATURE_IO, "io");
    refused(f, get(f->environment, "rows", "a", text, &f->error), FEATURE_IO,
            "io");
    refused(f, lf_writer_begin(f->environment, 0, &writer, &f->error),
            FEATURE_IO, "io");
    refused(f, lf_environment_info(f->environment, &info, &f->error),
            FEATURE_IO, "outcome-unknown");
    lf_reader_drop(parked);
    assert_int_equal(rename(aside, data), 0);
    must(f, lf_environment_recover(f->environment, 1000, &f->error));
    assert_reads(f, "rows", "a", "1");
}

static void
after_a_failed_sync_the_next_commit_is_synced_whole(void **state)
{
    struct fixture *f = *state;
    struct lf_environment_options options = {.sync = FEATURE_SYNC_LAST_TXN};

    create_store(f);
    close_store(f);
    must(f, open_with(f, f->path, options, &f->environment, NULL));
    must(f, put(f->environment, "rows", "a", "1", &f->error));
    whole = renewed = 0;
    must(f, put(f->environment, "rows", "a", "2", &f->error));
    assert_int_equal(whole, 0);
    fail_sync = true;
    refused(f, put(f->environment, "rows", "a", "3", &f->error), FEATURE_IO,
            "io");
    fail_sync = false;
    assert_int_equal(renewed, 0);
    must(f, put(f->environment, "rows", "a", "4", &f->error));
    assert_int_equal(whole, 1);
    assert_int_equal(renewed, 1); /* the page that the sync may have dropped */
    must(f, put(f->environment, "rows", "a", "5", &f->error));
    assert_int_equal(whole, 1);
    assert_int_equal(renewed, 1);
    assert_reads(f, "rows", "a", "5");
}

/* Its sync may have failed in a process that is no more. */
static void
the_first_commit_of_an_open_is_synced_whole(void **state)
{
    struct fixture *f = *state;
    struct lf_environment_options options = {.sync = FEATURE_SYNC_LAST_TXN};

    create_store(f);
    close_store(f);
    must(f, open_with(f, f->path, options, &f->environment, NULL));
    assert_true(lf_environment_is_doubtful(f->environment));
    whole = renewed = 0;
    must(f, put(f->environment, "rows", "a", "2", &f->error));
    assert_int_equal(whole, 1);
    assert_int_equal(renewed, 1);
    assert_false(lf_environment_is_doubtful(f->environment));
    must(f, put(f->environment, "rows", "a", "3", &f->error));
    assert_int_equal(whole, 1);
}

/* The system would call a second sync done without having written anything. */
static void
a_sync_of_the_store_that_fails_leaves_a_doubt(void **state)
{
    struct fixture *f = *state;
    struct lf_environment_options options = {.sync = FEATURE_SYNC_LAST_TXN};

    create_store(f);
    close_store(f);
    must(f, open_with(f, f->path, options, &f->environment, NULL));
    must(f, put(f->environment, "rows", "a", "2", &f->error));
    must(f, lf_environment_sync(f->environment, &f->error));
    assert_false(lf_environment_is_doubtful(f->environment));
    fail_sync = true;
    refused(f, lf_environment_sync(f->environment, &f->error), FEATURE_IO,
            "io");
    fail_sync = false;
    assert_true(lf_environment_is_doubtful(f->environment));
    must(f, put(f->environment, "rows", "a", "3", &f->error));
    assert_false(lf_environment_is_doubtful(f->environment));
}

static int
die_in_commit(struct fixture *f)
{
    struct lf_environment *environment;

    child_must(f, open_flags(f, f->path, 0, &environment));
    die_after_meta = true;
    child_must(f, put(environment, "rows", "a", "2", &f->error));
    return 0;
}

static void
look_up(struct fixture *f, char text[256])
{
    const char *tree = "rows";
    feature_status status;

    do {
        struct lf_job job = {.key = (const uint8_t *)"a", .key_size = 1};
        struct lf_reader *reader;

        must(f, lf_reader_begin(f->environment, &reader, &f->error));
        status = lf_reader_lookup(reader, &tree, 1, &job, 1, &f->error);
        if (!status)
            snprintf(text, 256, "%.*s", (int)job.size, (const char *)job.value);
        lf_reader_end(reader);
    } while (status == LF_AGAIN);
    must(f, status);
}

/* LMDB's readers are told of a commit by the lock table, the witness by the meta
 * page: a writer that died between the two would keep them apart for good. */
static void
a_writer_that_dies_after_its_meta_page_stops_no_look_up_by_mdb_get(void **state)
{
    struct fixture *f = *state;
    const char *path = getenv("FEATURE_READ_PATH");
    char text[256];

    setenv("FEATURE_READ_PATH", "mdb_get", 1);
    create_store(f);
    if (!path)
        unsetenv("FEATURE_READ_PATH");
    look_up(f, text);
    assert_string_equal(text, "1");
    assert_int_equal(wait_child(fork_child(die_in_commit, f)), -SIGKILL);
    look_up(f, text);
    assert_string_equal(text, "2");
    must(f, put(f->environment, "rows", "a", "3", &f->error));
    look_up(f, text);
    assert_string_equal(text, "3");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_new_store_is_synced_with_its_names),
        TEST(a_failed_write_of_data_changes_nothing),
        TEST(a_failed_sync_changes_nothing),
        TEST(a_failed_write_of_the_meta_page_is_told_until_the_store_recovers),
        TEST(a_parked_reader_loses_its_snapshot_to_a_recovery),
        TEST(a_store_that_cannot_be_opened_again_stays_out_of_service),
        TEST(after_a_failed_sync_the_next_commit_is_synced_whole),
        TEST(the_first_commit_of_an_open_is_synced_whole),
        TEST(a_sync_of_the_store_that_fails_leaves_a_doubt),
        TEST(
            a_writer_that_dies_after_its_meta_page_stops_no_look_up_by_mdb_get),
    };

    return cmocka_run_group_tests_name("engine_faults", tests, NULL, NULL);
}
