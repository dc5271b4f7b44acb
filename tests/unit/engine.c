/* SPDX-License-Identifier: Apache-2.0 */
/* Opening a store: what is made, what is shared, what is refused. */
#include "engine_fixture.h"

static void
a_missing_directory_is_no_store(void **state)
{
    struct fixture *f = *state;

    refused(f, open_flags(f, f->path, 0, &f->environment), FEATURE_NOT_FOUND,
            "no-store");
    assert_int_equal(access(f->path, F_OK), -1);
}

static void
a_directory_without_data_is_no_store(void **state)
{
    struct fixture *f = *state;
    char name[256];

    assert_int_equal(mkdir(f->path, 0700), 0);
    refused(f, open_flags(f, f->path, 0, &f->environment), FEATURE_NOT_FOUND,
            "no-store");
    name_of(f, "open.lock", name);
    assert_int_equal(access(name, F_OK), -1);
}

static void
an_empty_data_file_is_no_store(void **state)
{
    struct fixture *f = *state;
    char name[256];

    assert_int_equal(mkdir(f->path, 0700), 0);
    name_of(f, "data.mdb", name);
    close(open(name, O_CREAT | O_WRONLY, 0600));
    refused(f, open_flags(f, f->path, 0, &f->environment), FEATURE_NOT_FOUND,
            "no-store");
    create_store(f);
    assert_reads(f, "rows", "a", "1");
}

static void
a_file_in_place_of_the_directory_is_invalid(void **state)
{
    struct fixture *f = *state;

    close(open(f->path, O_CREAT | O_WRONLY, 0600));
    refused(f, open_flags(f, f->path, 0, &f->environment), FEATURE_INVALID,
            "argument");
    refused(f, open_flags(f, f->path, FEATURE_OPEN_CREATE, &f->environment),
            FEATURE_INVALID, "argument");
}

static void
only_the_last_directory_is_made(void **state)
{
    struct fixture *f = *state;
    char deep[256];

    name_of(f, "deeper", deep);
    refused(f, open_flags(f, deep, FEATURE_OPEN_CREATE, &f->environment),
            FEATURE_NOT_FOUND, "no-store");
    assert_int_equal(access(f->path, F_OK), -1);
}

static mode_t
mode_of(const struct fixture *f, const char *name)
{
    struct stat at = {0};
    char path[256];

    name_of(f, name, path);
    assert_int_equal(stat(path, &at), 0);
    return at.st_mode & 07777;
}

static void
files_are_private_whatever_the_umask(void **state)
{
    struct fixture *f = *state;
    mode_t before = umask(0);

    create_store(f);
    umask(before);
    assert_int_equal(mode_of(f, "."), 0700);
    assert_int_equal(mode_of(f, "data.mdb"), 0600);
    assert_int_equal(mode_of(f, "lock.mdb"), 0600);
    assert_int_equal(mode_of(f, "open.lock"), 0600);
}

static void
the_mode_option_shares_all_files(void **state)
{
    struct fixture *f = *state;
    struct lf_environment_options options = {.flags = FEATURE_OPEN_CREATE,
                                             .mode = 0660};
    mode_t before = umask(077);

    must(f, open_with(f, f->path, options, &f->environment, NULL));
    umask(before);
    assert_int_equal(mode_of(f, "."), 0770);
    assert_int_equal(mode_of(f, "data.mdb"), 0660);
    assert_int_equal(mode_of(f, "lock.mdb"), 0660);
    assert_int_equal(mode_of(f, "open.lock"), 0660);
}

static void
a_read_only_open_never_creates(void **state)
{
    struct fixture *f = *state;
    uint32_t flags = FEATURE_OPEN_CREATE | FEATURE_OPEN_READ_ONLY;

    refused(f, open_flags(f, f->path, flags, &f->environment),
            FEATURE_NOT_FOUND, "no-store");
    assert_int_equal(access(f->path, F_OK), -1);
}

static void
a_directory_with_other_files_becomes_a_store(void **state)
{
    struct fixture *f = *state;
    char name[256];

    assert_int_equal(mkdir(f->path, 0700), 0);
    name_of(f, "README", name);
    close(open(name, O_CREAT | O_WRONLY, 0600));
    create_store(f);
    assert_int_equal(access(name, F_OK), 0);
}

static void
an_immutable_open_leaves_no_trace(void **state)
{
    const uint32_t flags = FEATURE_OPEN_READ_ONLY | FEATURE_OPEN_IMMUTABLE;
    struct fixture *f = *state;
    struct lf_environment *other = NULL;
    struct lf_writer *writer;
    char name[256];

    refused(f, open_flags(f, f->path, flags, &f->environment),
            FEATURE_NOT_FOUND, "no-store");
    create_store(f);
    close_store(f);
    name_of(f, "lock.mdb", name);
    assert_int_equal(unlink(name), 0);
    name_of(f, "open.lock", name);
    assert_int_equal(unlink(name), 0);
    must(f, open_flags(f, f->path, flags, &f->environment));
    must(f, open_flags(f, f->path, flags, &other));
    assert_ptr_equal(other, f->environment);
    assert_reads(f, "rows", "a", "1");
    refused(f, lf_writer_begin(f->environment, 0, &writer, &f->error),
            FEATURE_INVALID, "argument");
    assert_int_equal(access(name, F_OK), -1);
    name_of(f, "lock.mdb", name);
    assert_int_equal(access(name, F_OK), -1);
    lf_environment_close(other);
    refused(f, open_flags(f, f->path, FEATURE_OPEN_READ_ONLY, &other),
            FEATURE_CONFLICT, "in-use");
    close_store(f);
    create_store(f);
    must(f, open_flags(f, f->path, flags, &other)); /* shares, with locks */
    must(f, put(f->environment, "rows", "a", "2", &f->error));
    assert_reads(f, "rows", "a", "2");
    lf_environment_close(other);
}

static int
open_immutable(struct fixture *f)
{
    feature_status status =
        open_flags(f, f->path, FEATURE_OPEN_READ_ONLY | FEATURE_OPEN_IMMUTABLE,
                   &f->environment);

    return status == FEATURE_CONFLICT && !strcmp(f->error.reason, "in-use") ? 0
                                                                            : 1;
}

static void
what_others_have_open_is_not_immutable(void **state)
{
    struct fixture *f = *state;

    create_store(f);
    close_store(f);
    must(f, open_flags(f, f->path, 0, &f->environment));
    assert_int_equal(wait_child(fork_child(open_immutable, f)), 0);
}

static int
write_once(struct fixture *f)
{
    child_must(f, open_flags(f, f->path, 0, &f->environment));
    child_must(f, put(f->environment, "rows", "a", "2", &f->error));
    close_store(f);
    return 0;
}

static void
a_write_to_an_immutable_store_is_noticed(void **state)
{
    const uint32_t flags = FEATURE_OPEN_READ_ONLY | FEATURE_OPEN_IMMUTABLE;
    struct fixture *f = *state;
    struct lf_reader *reader;

    create_store(f);
    close_store(f);
    must(f, open_flags(f, f->path, flags, &f->environment));
    assert_reads(f, "rows", "a", "1");
    assert_int_equal(wait_child(fork_child(write_once, f)), 0);
    refused(f, lf_reader_begin(f->environment, &reader, &f->error),
            FEATURE_UNSUPPORTED, "immutable-changed");
    close_store(f);
    must(f, open_flags(f, f->path, flags, &f->environment));
    assert_reads(f, "rows", "a", "2");
}

static void
a_directory_others_can_write_is_refused(void **state)
{
    struct fixture *f = *state;

    create_store(f);
    close_store(f);
    chmod(f->path, 0777);
    refused(f, open_flags(f, f->path, 0, &f->environment), FEATURE_UNSUPPORTED,
            "mode");
}

static void
files_others_can_write_are_refused(void **state)
{
    static const char *const names[] = {"data.mdb", "lock.mdb", "open.lock"};
    struct fixture *f = *state;
    char name[256];
    size_t i;

    create_store(f);
    close_store(f);
    for (i = 0; i < 3; i++) {
        name_of(f, names[i], name);
        chmod(name, 0620);
        refused(f, open_flags(f, f->path, 0, &f->environment),
                FEATURE_UNSUPPORTED, "mode");
        chmod(name, 0600);
    }
    must(f, open_flags(f, f->path, 0, &f->environment));
}

static void
files_of_another_user_are_refused(void **state)
{
    struct fixture *f = *state;
    char name[256];

    create_store(f);
    close_store(f);
    name_of(f, "data.mdb", name);
    if (chown(name, 12345, 12345)) {
        print_message("not root: nothing can be given to another user\n");
        skip();
    }
    refused(f, open_flags(f, f->path, 0, &f->environment), FEATURE_UNSUPPORTED,
            "owner");
    assert_int_equal(chown(name, 0, 0), 0);
    assert_int_equal(chown(f->path, 12345, 12345), 0);
    refused(f, open_flags(f, f->path, 0, &f->environment), FEATURE_UNSUPPORTED,
            "owner");
}

static void
a_link_to_the_directory_is_followed_and_shares(void **state)
{
    struct fixture *f = *state;
    struct lf_environment *other;
    char link[256];

    create_store(f);
    snprintf(link, sizeof link, "%s/current", f->root);
    assert_int_equal(symlink("store", link), 0);
    must(f, open_flags(f, link, 0, &other));
    assert_ptr_equal(other, f->environment);
    lf_environment_close(other);
}

static void
a_link_in_place_of_a_file_is_refused(void **state)
{
    struct fixture *f = *state;
    char name[256], other[256];

    create_store(f);
    close_store(f);
    name_of(f, "data.mdb", name);
    snprintf(other, sizeof other, "%s/elsewhere", f->root);
    assert_int_equal(rename(name, other), 0);
    assert_int_equal(symlink(other, name), 0);
    refused(f, open_flags(f, f->path, 0, &f->environment), FEATURE_INVALID,
            "argument");
}

static void
every_path_to_one_file_is_one_environment(void **state)
{
    struct fixture *f = *state;
    struct lf_environment *relative, *linked;
    char here[256], twin[256], data[256], other[256];

    create_store(f);
    assert_non_null(getcwd(here, sizeof here));
    assert_int_equal(chdir(f->root), 0);
    must(f, open_flags(f, "./store/../store", 0, &relative));
    assert_int_equal(chdir(here), 0);
    assert_ptr_equal(relative, f->environment);

    snprintf(twin, sizeof twin, "%s/twin", f->root);
    snprintf(other, sizeof other, "%s/twin/data.mdb", f->root);
    name_of(f, "data.mdb", data);
    assert_int_equal(mkdir(twin, 0700), 0);
    assert_int_equal(link(data, other), 0);
    must(f, open_flags(f, twin, 0, &linked));
    assert_ptr_equal(linked, f->environment);

    lf_environment_close(linked);
    lf_environment_close(relative);
    assert_reads(f, "rows", "a", "1");
}

static void
writing_beside_a_read_only_environment_is_a_conflict(void **state)
{
    struct fixture *f = *state;
    struct lf_environment *other;
    struct lf_writer *writer;

    create_store(f);
    close_store(f);
    must(f, open_flags(f, f->path, FEATURE_OPEN_READ_ONLY, &f->environment));
    refused(f, open_flags(f, f->path, 0, &other), FEATURE_CONFLICT, "in-use");
    refused(f, lf_writer_begin(f->environment, 0, &writer, &f->error),
            FEATURE_INVALID, "argument");
    refused(f, lf_environment_sync(f->environment, &f->error), FEATURE_INVALID,
            "argument");
    assert_reads(f, "rows", "a", "1");
}

static void
a_weaker_sync_level_is_not_shared(void **state)
{
    struct fixture *f = *state;
    struct lf_environment_options weak = {.sync = FEATURE_SYNC_LAST_TXN};
    struct lf_environment *other;

    create_store(f);
    must(f, open_with(f, f->path, weak, &other, NULL)); /* gets the stronger */
    lf_environment_close(other);
    close_store(f);
    must(f, open_with(f, f->path, weak, &f->environment, NULL));
    refused(f, open_flags(f, f->path, 0, &other), FEATURE_CONFLICT, "in-use");
    must(f, put(f->environment, "rows", "a", "2", &f->error));
    must(f, lf_environment_sync(f->environment, &f->error));
}

static void
a_mode_that_makes_no_sense_is_refused(void **state)
{
    static const uint32_t modes[] = {0400, 0700, 0755, 066, 04600, 0xffffffff};
    struct lf_environment_options options = {.flags = FEATURE_OPEN_CREATE};
    struct fixture *f = *state;
    size_t i;

    for (i = 0; i < sizeof modes / sizeof *modes; i++) {
        options.mode = modes[i];
        refused(f, open_with(f, f->path, options, &f->environment, NULL),
                FEATURE_INVALID, "argument");
    }
}

static void
a_store_nobody_wrote_to_is_created_again(void **state)
{
    struct fixture *f = *state;
    struct lf_environment_options options = {.flags = FEATURE_OPEN_CREATE};
    bool created = false;

    must(f, open_with(f, f->path, options, &f->environment, &created));
    assert_true(created);
    close_store(f);
    refused(f, open_flags(f, f->path, 0, &f->environment), FEATURE_NOT_FOUND,
            "no-store");
    must(f, open_with(f, f->path, options, &f->environment, &created));
    assert_true(created);
    must(f, put(f->environment, "rows", "a", "1", &f->error));
    close_store(f);
    must(f, open_with(f, f->path, options, &f->environment, &created));
    assert_false(created);
}

static void
what_a_cut_creation_left_is_no_hindrance(void **state)
{
    struct fixture *f = *state;
    char name[256];
    int file;

    assert_int_equal(mkdir(f->path, 0700), 0);
    name_of(f, "new.mdb", name);
    file = open(name, O_CREAT | O_WRONLY, 0600);
    assert_int_equal(write(file, "torn", 4), 4);
    close(file);
    create_store(f);
    assert_int_equal(access(name, F_OK), -1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_missing_directory_is_no_store),
        TEST(a_directory_without_data_is_no_store),
        TEST(an_empty_data_file_is_no_store),
        TEST(a_file_in_place_of_the_directory_is_invalid),
        TEST(only_the_last_directory_is_made),
        TEST(files_are_private_whatever_the_umask),
        TEST(the_mode_option_shares_all_files),
        TEST(a_read_only_open_never_creates),
        TEST(a_directory_with_other_files_becomes_a_store),
        TEST(an_immutable_open_leaves_no_trace),
        TEST(what_others_have_open_is_not_immutable),
        TEST(a_write_to_an_immutable_store_is_noticed),
        TEST(a_directory_others_can_write_is_refused),
        TEST(files_others_can_write_are_refused),
        TEST(files_of_another_user_are_refused),
        TEST(a_link_to_the_directory_is_followed_and_shares),
        TEST(a_link_in_place_of_a_file_is_refused),
        TEST(every_path_to_one_file_is_one_environment),
        TEST(writing_beside_a_read_only_environment_is_a_conflict),
        TEST(a_weaker_sync_level_is_not_shared),
        TEST(a_mode_that_makes_no_sense_is_refused),
        TEST(a_store_nobody_wrote_to_is_created_again),
        TEST(what_a_cut_creation_left_is_no_hindrance),
    };

    return cmocka_run_group_tests_name("engine", tests, NULL, NULL);
}
