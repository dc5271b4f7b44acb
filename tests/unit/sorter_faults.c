/* SPDX-License-Identifier: Apache-2.0 */
/* The external sort on full disks, damaged files and without memory. The
 * program's own pread stands before that of the C library. */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/bytes.h"
#include "store/sorter.h"
#include "support.h"

#include "draw.h"

#define RECORDS 20000
#define SIZE    50 /* bytes of a value */

static char directory[TEST_PATH_SIZE];

/* --- a disk that lies ------------------------------------------------------------- */

enum damage { NONE, FAILS, ENDS, KEY_GROWS, VALUE_GROWS, KEY_SHRINKS };

static enum damage damage;

ssize_t
pread(int file, void *bytes, size_t size, off_t at)
{
    uint8_t *head = bytes;
    ssize_t got = syscall(SYS_pread64, file, bytes, size, at);

    if (at || got < 6)
        return got;
    if (damage == FAILS)
        errno = EIO;
    if (damage == FAILS || damage == ENDS)
        return damage == FAILS ? -1 : 0;
    if (damage == VALUE_GROWS)
        lf_store_u32(head, UINT32_MAX);
    if (damage == KEY_GROWS)
        lf_store_u16(head + 4, UINT16_MAX);
    if (damage == KEY_SHRINKS)
        lf_store_u16(head + 4, 0);
    return got;
}

/* --- one sort ------------------------------------------------------------------------ */

/* The whole way; how many records came back, in order, is left in *count. */
static feature_status
sort_all(const char *where, uint64_t memory, uint32_t records, uint32_t *count)
{
    struct lf_sorter *sorter = NULL;
    struct lf_sorted record;
    uint8_t key[8], value[SIZE] = {0};
    uint64_t last = 0;
    feature_status status = lf_sorter_make(where, memory, &sorter, &problem);

    *count = 0;
    for (uint32_t i = 0; !status && i < records; i++) {
        lf_store_big_u64(key, (UINT64_C(1) << 63) + draw_below(1000000));
        status = lf_sorter_add(sorter, key, 8, value, SIZE, &problem);
    }
    if (!status)
        status = lf_sorter_end(sorter, &problem);
    while (!status) {
        status = lf_sorter_next(sorter, &record, &problem);
        if (status || !record.key)
            break;
        assert_true(lf_load_big_u64(record.key) >= last);
        last = lf_load_big_u64(record.key);
        ++*count;
    }
    lf_sorter_free(sorter);
    return status;
}

static int
open_files(void)
{
    DIR *opened = opendir("/proc/self/fd");
    int count = 0;

    assert_non_null(opened);
    while (readdir(opened))
        count++;
    closedir(opened);
    return count;
}

static void
limit_files(rlim_t size)
{
    struct rlimit limit;

    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = size < limit.rlim_max ? size : limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* --- promises ------------------------------------------------------------------------ */

static void
a_full_disk_is_named_and_leaves_nothing(void **unused)
{
    int before = open_files();
    uint32_t count, failures = 0;
    feature_status status;

    (void)unused;
    for (rlim_t size = 0;; size += 200001) {
        limit_files(size);
        status = sort_all(directory, 0, RECORDS, &count);
        limit_files(RLIM_INFINITY);
        assert_int_equal(open_files(), before);
        if (!status)
            break;
        assert_int_equal(status, FEATURE_FULL);
        assert_string_equal(problem.reason, "disk-full");
        assert_int_equal(problem.os_error, EFBIG);
        failures++;
    }
    assert_int_equal(count, RECORDS);
    assert_true(failures >= 10); /* while runs are made, and merged */
}

static void
a_directory_that_is_not_there_is_named(void **unused)
{
    char where[TEST_PATH_SIZE + 8];
    uint32_t count;

    (void)unused;
    snprintf(where, sizeof where, "%s/none", directory);
    must_fail(sort_all(where, 0, RECORDS, &count), FEATURE_NOT_FOUND,
              "no-file");
}

static void
expect_damage(enum damage kind, feature_status status, const char *reason)
{
    int before = open_files();
    int64_t live = allocation_live();
    uint32_t count;

    for (uint64_t memory = 0; memory < 2u << 20; memory += 1u << 20) {
        damage = kind;
        must_fail(sort_all(directory, memory, RECORDS, &count), status, reason);
        assert_int_equal(count, 0);
        damage = NONE;
        assert_int_equal(open_files(), before);
        assert_int_equal(allocation_live(), live);
    }
}

static void
a_file_that_cannot_be_read_back_is_named(void **unused)
{
    (void)unused;
    expect_damage(FAILS, FEATURE_IO, "io");
    assert_int_equal(problem.os_error, EIO);
    expect_damage(ENDS, FEATURE_IO, "io");
}

static void
sizes_in_the_file_are_not_trusted(void **unused)
{
    (void)unused;
    expect_damage(KEY_GROWS, FEATURE_CORRUPT, "structure");
    expect_damage(VALUE_GROWS, FEATURE_CORRUPT, "structure");
    expect_damage(KEY_SHRINKS, FEATURE_CORRUPT, "structure");
}

static void
every_allocation_may_fail(void **unused)
{
    feature_status status = FEATURE_NO_MEMORY;
    int64_t live;
    int before = open_files();
    uint32_t count;

    (void)unused;
    if (!allocation_fail(-1))
        skip();
    live = allocation_live();
    for (int64_t after = 0; status; after++) {
        allocation_fail(after);
        status = sort_all(directory, 0, RECORDS, &count);
        allocation_fail(-1);
        if (status)
            assert_int_equal(status, FEATURE_NO_MEMORY);
        else
            assert_int_equal(count, RECORDS);
        assert_int_equal(allocation_live(), live);
        assert_int_equal(open_files(), before);
        assert_true(after < 1000);
    }
}

/* No allocation is made for a record, nor for a hundred. */
static void
memory_does_not_grow_with_the_records(void **unused)
{
    uint64_t few, many;
    uint32_t count;

    (void)unused;
    few = allocation_count();
    must(sort_all(directory, 1u << 20, RECORDS, &count));
    few = allocation_count() - few;
    many = allocation_count();
    must(sort_all(directory, 1u << 20, 20 * RECORDS, &count));
    many = allocation_count() - many;
    assert_int_equal(count, 20 * RECORDS);
    assert_true(many < few + 20);
}

static int
begin(void **state)
{
    (void)state;
    test_directory(directory);
    return 0;
}

static int
end(void **state)
{
    (void)state;
    remove_directory(directory);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        DRAWN(a_full_disk_is_named_and_leaves_nothing),
        DRAWN(a_directory_that_is_not_there_is_named),
        DRAWN(a_file_that_cannot_be_read_back_is_named),
        DRAWN(sizes_in_the_file_are_not_trusted),
        DRAWN(every_allocation_may_fail),
        DRAWN(memory_does_not_grow_with_the_records),
    };

    draw_begin();
    return cmocka_run_group_tests(tests, begin, end);
}
