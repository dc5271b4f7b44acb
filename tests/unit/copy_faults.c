/* SPDX-License-Identifier: Apache-2.0 */
/* Copies whose last sync fails, that of the directory with the new name. The
 * program's own fsync stands before that of the C library. */
#include <errno.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "api/rows.h"

static const char *in_directory; /* whose syncs fail */
static const char *with_name;    /* once this is there, */
static ino_t other_than;         /* and another file */

int
fsync(int file)
{
    struct stat at, failing, named;

    if (in_directory && !fstat(file, &at) && !stat(in_directory, &failing) &&
        at.st_ino == failing.st_ino && at.st_dev == failing.st_dev &&
        !stat(with_name, &named) && named.st_ino != other_than) {
        errno = EIO;
        return -1;
    }
    return (int)syscall(SYS_fsync, file);
}

static int
begin(void **state)
{
    if (fixture_begin(state))
        return -1;
    define(*state, "CREATE ENTITY e (k INT64);"
                   "CREATE FEATURE VIEW v (a INT64) FOR e;");
    upsert(*state, "v", NULL, "1 100 1\n2 100 2");
    in_directory = NULL;
    other_than = 0;
    return 0;
}

/* The call failed once it had given the name, and says so. */
static void
expect_unknown(feature_status status)
{
    in_directory = NULL;
    assert_int_equal(status, FEATURE_IO);
    assert_string_equal(problem.reason, "outcome-unknown");
    assert_int_equal(problem.os_error, EIO);
    assert_non_null(strstr(problem.message, "a loss of power may"));
}

static void
expect_good(const char *path)
{
    struct feature_verify_report report = {.struct_size = sizeof report};

    must(feature_store_verify(path, NULL, &report, NULL, &problem));
    assert_int_equal(report.findings, 0);
    assert_int_equal(report.rows, 2);
}

static void
a_snapshot_and_a_restore_tell_that_the_name_is_there(void **state)
{
    struct fixture *f = *state;
    char file[TEST_PATH_SIZE + 16], copy[TEST_PATH_SIZE + 16];

    snprintf(file, sizeof file, "%s/snapshot", f->directory);
    snprintf(copy, sizeof copy, "%s/copy", f->directory);
    in_directory = f->directory;
    with_name = file;
    expect_unknown(
        feature_store_snapshot(f->store, file, NULL, NULL, NULL, &problem));
    in_directory = f->directory;
    with_name = copy;
    expect_unknown(
        feature_store_restore(file, copy, NULL, NULL, NULL, &problem));
    expect_good(copy);
    must_fail(feature_store_restore(file, copy, NULL, NULL, NULL, &problem),
              FEATURE_CONFLICT, "in-use");
}

static void
a_compaction_tells_that_the_new_file_is_in_place(void **state)
{
    struct fixture *f = *state;
    char data[TEST_PATH_SIZE + 16];
    struct stat before, after;

    close_store(f);
    snprintf(data, sizeof data, "%s/data.mdb", f->path);
    assert_int_equal(stat(data, &before), 0);
    in_directory = f->path;
    with_name = data;
    other_than = before.st_ino;
    expect_unknown(feature_store_compact(f->path, NULL, NULL, NULL, &problem));
    assert_int_equal(stat(data, &after), 0);
    assert_true(before.st_ino != after.st_ino);
    expect_good(f->path);
    open_store(f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_snapshot_and_a_restore_tell_that_the_name_is_there, begin,
            fixture_end),
        cmocka_unit_test_setup_teardown(
            a_compaction_tells_that_the_new_file_is_in_place, begin,
            fixture_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
