/* SPDX-License-Identifier: Apache-2.0 */
/* Writes and syncs that fail under LMDB. The program's own pwrite,
 * writev and fdatasync stand before those of the C library. */
#include "engine_fixture.h"

#include <errno.h>
#include <sys/syscall.h>
#include <sys/uio.h>

static bool fail_meta; /* writes within the two meta pages */
static bool fail_data; /* all other writes */
static bool fail_sync;

ssize_t
pwrite(int file, const void *bytes, size_t size, off_t at)
{
    bool is_meta = at < 8192;

    if ((is_meta && fail_meta) || (!is_meta && fail_data)) {
        errno = EIO;
        return -1;
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
a_failed_write_of_the_meta_page_is_told_until_the_store_is_reopened(
    void **state)
{
    struct fixture *f = *state;
    struct lf_environment *other;
    struct lf_writer *writer;
    char text[256];

    create_store(f);
    fail_meta = true;
    refused(f, put(f->environment, "rows", "a", "2", &f->error), FEATURE_IO,
            "outcome-unknown");
    fail_meta = false;
    assert_int_equal(f->error.os_error, EIO);
    refused(f, get(f->environment, "rows", "a", text, &f->error), FEATURE_IO,
            "outcome-unknown");
    refused(f, lf_writer_begin(f->environment, 0, &writer, &f->error),
            FEATURE_IO, "outcome-unknown");
    refused(f, open_flags(f, f->path, 0, &other), FEATURE_IO,
            "outcome-unknown");
    close_store(f);
    must(f, open_flags(f, f->path, 0, &f->environment));
    assert_reads(f, "rows", "a", "1");
    must(f, put(f->environment, "rows", "a", "3", &f->error));
    assert_reads(f, "rows", "a", "3");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_failed_write_of_data_changes_nothing),
        TEST(a_failed_sync_changes_nothing),
        TEST(
            a_failed_write_of_the_meta_page_is_told_until_the_store_is_reopened),
    };

    return cmocka_run_group_tests_name("engine_faults", tests, NULL, NULL);
}
