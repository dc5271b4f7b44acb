/* SPDX-License-Identifier: Apache-2.0 */
/* Opens that run out of memory or descriptors, and what they leave behind. */
#include <sys/resource.h>
#include <unistd.h>

#include "common.h"

static const char *const names[] = {"lock.mdb", "open.lock"};

static int
exists(struct fixture *f, const char *name)
{
    char path[TEST_PATH_SIZE + 16];

    snprintf(path, sizeof path, "%s/%s", f->path, name);
    return access(path, F_OK) == 0;
}

static void
remove_locks(struct fixture *f)
{
    char path[TEST_PATH_SIZE + 16];

    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", f->path, names[i]);
        assert_int_equal(unlink(path), 0);
    }
}

static void
a_refused_open_leaves_a_store_as_it_was(void **state)
{
    struct fixture *f = *state;
    feature_status status = FEATURE_NO_MEMORY;
    uint64_t before = 0;
    int failures = 0;

    define(f, "CREATE ENTITY e (k INT64)");
    close_store(f);
    remove_locks(f);
    for (int64_t n = 0; status || allocation_count() - before > (uint64_t)n;
         n++) {
        if (!status) { /* it did without */
            close_store(f);
            remove_locks(f);
        }
        before = allocation_count();
        if (!allocation_fail(n))
            skip();
        status = feature_store_open(f->path, &f->options, &f->store, &problem);
        allocation_fail(-1);
        for (int i = 0; i < 2; i++)
            assert_int_equal(exists(f, names[i]), !status);
        failures += status == FEATURE_NO_MEMORY;
        assert_true(!status || status == FEATURE_NO_MEMORY);
    }
    assert_true(failures > 10);
}

static void
a_refused_creation_leaves_nothing_or_a_whole_store(void **state)
{
    struct fixture *f = *state;
    feature_status status;

    close_store(f);
    for (int64_t n = 0; n < 1000; n++) {
        struct feature_verify_report report = {.struct_size = sizeof report};

        remove_directory(f->path);
        if (!allocation_fail_from(n))
            skip();
        status = feature_store_open(f->path, &f->options, &f->store, &problem);
        allocation_fail(-1);
        if (!status) {
            assert_true(n > 10);
            return;
        }
        assert_int_equal(status, FEATURE_NO_MEMORY);
        if (access(f->path, F_OK) == 0) {
            must(feature_store_verify(f->path, NULL, &report, NULL, &problem));
            assert_int_equal(report.findings, 0);
        }
    }
    fail_msg("no end of allocations");
}

static void
too_few_descriptors_are_io(void **state)
{
    struct fixture *f = *state;
    struct rlimit before, few;
    feature_status status = FEATURE_IO;
    int failures = 0;

    close_store(f);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    few = before;
    for (few.rlim_cur = 3; status && few.rlim_cur < 64; few.rlim_cur++) {
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
        status = feature_store_open(f->path, &f->options, &f->store, &problem);
        if (!status)
            break;
        assert_int_equal(status, FEATURE_IO);
        assert_string_equal(problem.reason, "io");
        failures++;
    }
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_true(failures > 2);
    open_store(f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_refused_open_leaves_a_store_as_it_was),
        TEST(a_refused_creation_leaves_nothing_or_a_whole_store),
        TEST(too_few_descriptors_are_io),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
