/* SPDX-License-Identifier: Apache-2.0 */
/* Versions of the libraries that a process found. The linker puts the three
 * functions here before those of the libraries (see the Makefile). */
#include <lmdb.h>
#include <protobuf-c/protobuf-c.h>
#include <stdio.h>
#include <unistd.h>
#include <zstd.h>

#include "support.h"

static unsigned zstd_version;
static uint32_t protobuf_version;
static int lmdb_version[3];

unsigned __wrap_ZSTD_versionNumber(void);
uint32_t __wrap_protobuf_c_version_number(void);
char *__wrap_mdb_version(int *major, int *minor, int *patch);

unsigned
__wrap_ZSTD_versionNumber(void)
{
    return zstd_version;
}

uint32_t
__wrap_protobuf_c_version_number(void)
{
    return protobuf_version;
}

char *
__wrap_mdb_version(int *major, int *minor, int *patch)
{
    static char text[] = "of the test";

    *major = lmdb_version[0];
    *minor = lmdb_version[1];
    *patch = lmdb_version[2];
    return text;
}

/* The oldest that will do. */
static int
begin(void **state)
{
    zstd_version = 10308;
    protobuf_version = 1004001;
    lmdb_version[0] = 0;
    lmdb_version[1] = 9;
    lmdb_version[2] = 24;
    return fixture_begin(state);
}

static void
snapshot_name(const struct fixture *f, char name[TEST_PATH_SIZE + 16])
{
    snprintf(name, TEST_PATH_SIZE + 16, "%s/a.snap", f->directory);
}

/* Neither an open nor a restore begins. */
static void
expect_refusal(struct fixture *f, const char *reason, const char *message)
{
    char file[TEST_PATH_SIZE + 16], path[TEST_PATH_SIZE + 16];
    feature_store *store = NULL;

    snapshot_name(f, file);
    snprintf(path, sizeof path, "%s/restored", f->directory);
    must_fail(feature_store_open(f->path, &f->options, &store, &problem),
              FEATURE_VERSION, reason);
    assert_null(store);
    assert_string_equal(problem.message, message);
    must_fail(feature_store_restore(file, path, NULL, NULL, NULL, &problem),
              FEATURE_VERSION, reason);
    assert_string_equal(problem.message, message);
    assert_int_equal(access(path, F_OK), -1);
}

static void
the_oldest_releases_are_accepted(void **state)
{
    struct feature_restore_options options = {
        .struct_size = sizeof options, .flags = FEATURE_RESTORE_VERIFY_ONLY};
    struct fixture *f = *state;
    char file[TEST_PATH_SIZE + 16];

    close_store(f);
    open_store(f);
    snapshot_name(f, file);
    must(feature_store_snapshot(f->store, file, NULL, NULL, NULL, &problem));
    must(feature_store_restore(file, NULL, &options, NULL, NULL, &problem));
    zstd_version = 20000; /* a newer one keeps its promises */
    protobuf_version = 2000000;
    close_store(f);
    open_store(f);
}

static void
an_older_one_is_refused_by_name(void **state)
{
    struct fixture *f = *state;
    char file[TEST_PATH_SIZE + 16];

    snapshot_name(f, file);
    must(feature_store_snapshot(f->store, file, NULL, NULL, NULL, &problem));
    close_store(f);
    zstd_version = 10307;
    expect_refusal(f, "format",
                   "this process has zstd 1.3.7, libfeature needs 1.3.8 or "
                   "later");
    zstd_version = 10505;
    protobuf_version = 1003003;
    expect_refusal(f, "format",
                   "this process has protobuf-c 1.3.3, libfeature needs 1.4.1 "
                   "or later");
    protobuf_version = 1004001;
    lmdb_version[2] = 23;
    expect_refusal(f, "lmdb-version",
                   "this process has LMDB 0.9.23, libfeature needs 0.9.24 or a "
                   "later 0.9");
    lmdb_version[1] = 10;
    lmdb_version[2] = 24;
    expect_refusal(f, "lmdb-version",
                   "this process has LMDB 0.10.24, libfeature needs 0.9.24 or "
                   "a later 0.9");
    lmdb_version[1] = 9;
    open_store(f);
}

/* Without a store that is open, bytes reach zstd and protobuf-c all the same. */
static void
checks_alone_are_refused_as_well(void **state)
{
    struct feature_verify_report report = {.struct_size = sizeof report};
    struct feature_restore_options options = {
        .struct_size = sizeof options, .flags = FEATURE_RESTORE_VERIFY_ONLY};
    struct fixture *f = *state;
    char file[TEST_PATH_SIZE + 16];

    snapshot_name(f, file);
    must(feature_store_snapshot(f->store, file, NULL, NULL, NULL, &problem));
    protobuf_version = 0;
    must_fail(feature_store_restore(file, NULL, &options, NULL, NULL, &problem),
              FEATURE_VERSION, "format");
    must_fail(feature_store_verify(f->path, NULL, &report, NULL, &problem),
              FEATURE_VERSION, "format");
}

#define VERSION(name) cmocka_unit_test_setup_teardown(name, begin, fixture_end)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        VERSION(the_oldest_releases_are_accepted),
        VERSION(an_older_one_is_refused_by_name),
        VERSION(checks_alone_are_refused_as_well),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
