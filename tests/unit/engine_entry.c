/* SPDX-License-Identifier: Apache-2.0 */
/* A refused open leaves nothing behind, and nobody without the lock. */
#include "engine_fixture.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/mount.h>

static int
count_names(const char *path)
{
    DIR *directory = opendir(path);
    struct dirent *entry;
    int count = 0;

    if (!directory)
        return -1;
    while ((entry = readdir(directory)))
        count += entry->d_name[0] != '.';
    closedir(directory);
    return count;
}

static void
write_text(const struct fixture *f, const char *name, const char *text)
{
    char path[256];
    int file;

    name_of(f, name, path);
    file = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0600);
    assert_true(write(file, text, strlen(text)) == (ssize_t)strlen(text));
    close(file);
}

static void
a_refused_file_stays_alone(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(mkdir(f->path, 0700), 0);
    write_text(f, "data.mdb", "not a store at all, and no LMDB file either");
    refused(f, open_flags(f, f->path, 0, &f->environment), FEATURE_VERSION,
            "format");
    assert_int_equal(count_names(f->path), 1);
    refused(f, open_flags(f, f->path, FEATURE_OPEN_CREATE, &f->environment),
            FEATURE_VERSION, "format");
    assert_int_equal(count_names(f->path), 1);
}

static void
a_store_that_cannot_be_made_leaves_no_directory(void **state)
{
    struct fixture *f = *state;
    struct lf_environment_options options = {.flags = FEATURE_OPEN_CREATE,
                                             .max_readers = 65536};

    if (mount("none", f->root, "tmpfs", 0, "size=1m,mode=0700")) {
        print_message("not root: no file system can be mounted\n");
        skip();
    }
    refused(f, open_with(f, f->path, options, &f->environment, NULL),
            FEATURE_FULL, "disk-full");
    assert_int_equal(count_names(f->path), -1);
    assert_int_equal(mkdir(f->path, 0700), 0);
    refused(f, open_with(f, f->path, options, &f->environment, NULL),
            FEATURE_FULL, "disk-full");
    assert_int_equal(count_names(f->path), 0);
    options.max_readers = 100;
    must(f, open_with(f, f->path, options, &f->environment, NULL));
    must(f, put(f->environment, "rows", "a", "1", &f->error));
    close_store(f);
    assert_int_equal(umount(f->root), 0);
}

static void
what_was_there_before_stays(void **state)
{
    struct fixture *f = *state;
    char name[256];

    create_store(f);
    close_store(f);
    name_of(f, "data.mdb", name);
    assert_int_equal(truncate(name, 8192), 0);
    refused(f, open_flags(f, f->path, 0, &f->environment), FEATURE_CORRUPT,
            "truncated");
    assert_int_equal(count_names(f->path), 3);
}

/* Somebody waits for the lock of a file that is removed meanwhile. */
static void *
open_beside(void *context)
{
    struct fixture *f = context;

    return open_flags(f, f->path, 0, &f->environment) ? f : NULL;
}

/* In a child: somebody marked the file as that of a store in use. */
static int
expect_open(struct fixture *f)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    char name[256];
    int file;

    name_of(f, "open.lock", name);
    file = open(name, O_RDWR | O_CLOEXEC);
    lock.l_start = getppid();
    lock.l_len = 1;
    return file >= 0 && !fcntl(file, F_OFD_GETLK, &lock) &&
                   lock.l_type == F_WRLCK
               ? 0
               : 1;
}

static void
a_lock_of_a_removed_file_is_no_lock(void **state)
{
    struct fixture *f = *state;
    char name[256];
    struct stat now;
    pthread_t thread;
    void *failed;
    int file;

    create_store(f);
    close_store(f);
    name_of(f, "open.lock", name);
    file = open(name, O_RDWR | O_CLOEXEC);
    assert_true(file >= 0);
    assert_int_equal(flock(file, LOCK_EX), 0);
    assert_int_equal(pthread_create(&thread, NULL, open_beside, f), 0);
    usleep(20000);
    assert_int_equal(unlink(name), 0);
    close(file);
    assert_int_equal(pthread_join(thread, &failed), 0);
    assert_null(failed);
    /* The name leads to a file that the opener made and marked. */
    assert_int_equal(stat(name, &now), 0);
    assert_int_equal(now.st_nlink, 1);
    assert_true(now.st_size > 0);
    assert_int_equal(wait_child(fork_child(expect_open, f)), 0);
}

/* --- another pid namespace ------------------------------------------------- */

static int
open_elsewhere(struct fixture *f)
{
    struct lf_environment *environment;
    feature_status status = open_flags(f, f->path, 0, &environment);

    return status == FEATURE_UNSUPPORTED &&
                   (!strcmp(f->error.reason, "pid-namespace") ||
                    !strcmp(f->error.reason, "second-copy"))
               ? 0
               : 1;
}

static int
enter_namespace(struct fixture *f)
{
    if (unshare(CLONE_NEWPID))
        return 77;
    return wait_child(fork_child(open_elsewhere, f));
}

static void
a_container_with_pids_of_its_own_is_refused(void **state)
{
    struct fixture *f = *state;
    int code;

    create_store(f);
    code = wait_child(fork_child(enter_namespace, f));
    if (code == 77) {
        print_message("not root: no namespace can be made\n");
        skip();
    }
    assert_int_equal(code, 0);
    assert_reads(f, "rows", "a", "1");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_refused_file_stays_alone),
        TEST(a_store_that_cannot_be_made_leaves_no_directory),
        TEST(what_was_there_before_stays),
        TEST(a_lock_of_a_removed_file_is_no_lock),
        TEST(a_container_with_pids_of_its_own_is_refused),
    };

    return cmocka_run_group_tests_name("engine_entry", tests, NULL, NULL);
}
