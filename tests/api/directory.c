/* SPDX-License-Identifier: Apache-2.0 */
/* Directories that are no stores, or that cannot be used as one. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "peer.h"

#define DEFINITIONS              \
    "CREATE ENTITY e (k INT64);" \
    "CREATE FEATURE VIEW v (a INT64) FOR e;"

#define NOBODY 65534

static const char *
path_in(struct fixture *f, const char *name)
{
    static char path[2 * TEST_PATH_SIZE];

    snprintf(path, sizeof path, "%s/%s", f->directory, name);
    return path;
}

static void
write_file(const char *path, const void *bytes, size_t size)
{
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_true(file >= 0);
    assert_int_equal(write(file, bytes, size), size);
    assert_int_equal(close(file), 0);
}

static int64_t
file_size(const char *path)
{
    struct stat at;

    assert_int_equal(stat(path, &at), 0);
    return at.st_size;
}

static void
expect_no_open(const char *path, uint32_t flags, feature_status status,
               const char *reason)
{
    struct feature_options options = {.struct_size = sizeof options,
                                      .flags = flags};
    feature_store *store = NULL;

    must_fail(feature_store_open(path, &options, &store, &problem), status,
              reason);
    assert_null(store);
}

static void
a_directory_of_something_else_is_no_store(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(mkdir(path_in(f, "photos"), 0700), 0);
    write_file(path_in(f, "photos/cat.jpg"), "cat", 3);
    expect_no_open(path_in(f, "photos"), 0, FEATURE_NOT_FOUND, "no-store");
    expect_no_open(path_in(f, "photos"), FEATURE_OPEN_READ_ONLY,
                   FEATURE_NOT_FOUND, "no-store");
    assert_int_equal(file_size(path_in(f, "photos/cat.jpg")), 3);
}

static void
a_file_is_no_store(void **state)
{
    struct fixture *f = *state;

    write_file(path_in(f, "file"), "x", 1);
    expect_no_open(path_in(f, "file"), 0, FEATURE_INVALID, "argument");
    expect_no_open(path_in(f, "file"), FEATURE_OPEN_CREATE, FEATURE_INVALID,
                   "argument");
    expect_no_open(path_in(f, "file/store"), FEATURE_OPEN_CREATE,
                   FEATURE_NOT_FOUND, "no-store");
    assert_int_equal(file_size(path_in(f, "file")), 1);
}

static void
a_missing_directory_is_not_made_without_being_asked(void **state)
{
    struct fixture *f = *state;
    struct stat at;

    expect_no_open(path_in(f, "missing"), 0, FEATURE_NOT_FOUND, "no-store");
    expect_no_open(path_in(f, "missing"), FEATURE_OPEN_READ_ONLY,
                   FEATURE_NOT_FOUND, "no-store");
    assert_int_equal(stat(path_in(f, "missing"), &at), -1);
}

static void
a_data_file_of_other_bytes_is_refused_and_kept(void **state)
{
    static uint8_t bytes[20000];
    struct fixture *f = *state;

    memset(bytes, 0x5a, sizeof bytes);
    assert_int_equal(mkdir(path_in(f, "other"), 0700), 0);
    write_file(path_in(f, "other/data.mdb"), bytes, sizeof bytes);
    expect_no_open(path_in(f, "other"), 0, FEATURE_VERSION, "format");
    expect_no_open(path_in(f, "other"), FEATURE_OPEN_CREATE, FEATURE_VERSION,
                   "format");
    write_file(path_in(f, "other/data.mdb"), bytes, 100);
    expect_no_open(path_in(f, "other"), FEATURE_OPEN_CREATE, FEATURE_VERSION,
                   "format");
    assert_int_equal(file_size(path_in(f, "other/data.mdb")), 100);
}

static void
a_store_that_was_cut_short_is_corrupt(void **state)
{
    struct fixture *f = *state;
    char path[2 * TEST_PATH_SIZE];
    int64_t size;

    define(f, DEFINITIONS);
    upsert(f, "v", NULL, "1 100 5");
    close_store(f);
    snprintf(path, sizeof path, "%s/data.mdb", f->path);
    size = file_size(path);
    assert_int_equal(truncate(path, size - 4096), 0);
    expect_no_open(f->path, 0, FEATURE_CORRUPT, "truncated");
    expect_no_open(f->path, FEATURE_OPEN_CREATE, FEATURE_CORRUPT, "truncated");
    expect_no_open(f->path, FEATURE_OPEN_READ_ONLY, FEATURE_CORRUPT,
                   "truncated");
}

static void
an_empty_data_file_is_a_store_to_be_made(void **state)
{
    struct fixture *f = *state;

    close_store(f);
    remove_directory(f->path);
    assert_int_equal(mkdir(f->path, 0700), 0);
    write_file(path_in(f, "store/data.mdb"), "", 0);
    expect_no_open(f->path, 0, FEATURE_NOT_FOUND, "no-store");
    open_store(f);
    define(f, DEFINITIONS);
}

static void
links_inside_a_store_are_refused(void **state)
{
    struct fixture *f = *state;

    close_store(f);
    assert_int_equal(mkdir(path_in(f, "other"), 0700), 0);
    assert_int_equal(symlink("../store/data.mdb", path_in(f, "other/data.mdb")),
                     0);
    expect_no_open(path_in(f, "other"), FEATURE_OPEN_CREATE, FEATURE_INVALID,
                   "argument");
}

static mode_t
mode_of(const char *path)
{
    struct stat at;

    assert_int_equal(stat(path, &at), 0);
    return at.st_mode & 07777;
}

static void
a_store_is_its_owners_unless_its_mode_says_otherwise(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(mode_of(f->path), 0700);
    assert_int_equal(mode_of(path_in(f, "store/data.mdb")), 0600);
    assert_int_equal(mode_of(path_in(f, "store/lock.mdb")), 0600);
    assert_int_equal(mode_of(path_in(f, "store/open.lock")), 0600);
    close_store(f);
    remove_directory(f->path);
    f->options.mode = 0660;
    open_store(f);
    assert_int_equal(mode_of(f->path), 0770);
    assert_int_equal(mode_of(path_in(f, "store/data.mdb")), 0660);
    assert_int_equal(mode_of(path_in(f, "store/lock.mdb")), 0660);
    assert_int_equal(mode_of(path_in(f, "store/open.lock")), 0660);
    close_store(f);
    expect_no_open(f->path, 0, FEATURE_UNSUPPORTED, "mode");
    open_store(f);
}

/* Below its own directory, whatever may be above it. */
static void
become_nobody(struct fixture *f)
{
    if (geteuid())
        return;
    assert_int_equal(chmod(f->directory, 0755), 0);
    assert_int_equal(chdir(f->directory), 0);
    assert_int_equal(setgid(NOBODY), 0);
    assert_int_equal(setuid(NOBODY), 0);
}

static void
make_read_only(struct fixture *f)
{
    assert_int_equal(mkdir(path_in(f, "locked"), 0500), 0);
    if (!geteuid())
        assert_int_equal(chown(path_in(f, "locked"), NOBODY, NOBODY), 0);
}

static void
open_a_read_only_directory(struct fixture *f, struct peer *peer)
{
    (void)peer;
    f->store = NULL; /* the parent's */
    assert_int_equal(chdir(f->directory), 0);
    become_nobody(f);
    expect_no_open("locked", FEATURE_OPEN_CREATE, FEATURE_IO, "permission");
    assert_int_equal(problem.os_error, EACCES);
    expect_no_open("locked/store", FEATURE_OPEN_CREATE, FEATURE_IO,
                   "permission");
    expect_no_open("locked", 0, FEATURE_NOT_FOUND, "no-store");
    expect_no_open("locked/store", 0, FEATURE_NOT_FOUND, "no-store");
}

static void
a_read_only_directory_says_permission(void **state)
{
    struct fixture *f = *state;

    make_read_only(f);
    run_peer(f, open_a_read_only_directory);
}

static void
open_without_permission(struct fixture *f, struct peer *peer)
{
    (void)peer;
    become_nobody(f);
    expect_no_open("store", 0, FEATURE_IO, "permission");
    expect_no_open("store", FEATURE_OPEN_CREATE, FEATURE_IO, "permission");
    assert_int_equal(problem.os_error, EACCES);
}

static void
a_strangers_store_says_permission(void **state)
{
    struct fixture *f = *state;

    if (geteuid())
        skip();
    close_store(f);
    run_peer(f, open_without_permission);
}

static void
open_what_is_somebody_elses(struct fixture *f, struct peer *peer)
{
    (void)peer;
    become_nobody(f);
    expect_no_open("store", 0, FEATURE_UNSUPPORTED, "owner");
}

static void
a_strangers_open_store_says_owner(void **state)
{
    struct fixture *f = *state;

    if (geteuid())
        skip();
    close_store(f);
    assert_int_equal(chmod(f->path, 0755), 0);
    run_peer(f, open_what_is_somebody_elses);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_directory_of_something_else_is_no_store),
        TEST(a_file_is_no_store),
        TEST(a_missing_directory_is_not_made_without_being_asked),
        TEST(a_data_file_of_other_bytes_is_refused_and_kept),
        TEST(a_store_that_was_cut_short_is_corrupt),
        TEST(an_empty_data_file_is_a_store_to_be_made),
        TEST(links_inside_a_store_are_refused),
        TEST(a_store_is_its_owners_unless_its_mode_says_otherwise),
        TEST(a_read_only_directory_says_permission),
        TEST(a_strangers_store_says_permission),
        TEST(a_strangers_open_store_says_owner),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
