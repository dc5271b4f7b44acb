/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the engine share: a store in a fresh directory. */
#ifndef LF_TESTS_ENGINE_FIXTURE_H
#define LF_TESTS_ENGINE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/engine.h"

#define UNUSED __attribute__((unused))

struct fixture {
    char root[128]; /* fresh, removed at the end */
    char path[160]; /* of the store, in root */
    struct lf_environment *environment;
    struct feature_error error;
};

static UNUSED int
start(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    const char *parent = getenv("TMPDIR");

    if (!f)
        return -1;
    if (!access("/dev/shm", W_OK))
        parent = "/dev/shm";
    snprintf(f->root, sizeof f->root, "%s/lf-engine-XXXXXX",
             parent ? parent : "/tmp");
    if (!mkdtemp(f->root))
        return -1;
    snprintf(f->path, sizeof f->path, "%s/store", f->root);
    *state = f;
    return 0;
}

static UNUSED void
remove_all(const char *path)
{
    DIR *directory = opendir(path);
    struct dirent *entry;
    char name[512];

    while (directory && (entry = readdir(directory))) {
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
            continue;
        snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        if (entry->d_type == DT_DIR)
            remove_all(name);
        else
            unlink(name);
    }
    if (directory)
        closedir(directory);
    rmdir(path);
}

static UNUSED int
finish(void **state)
{
    struct fixture *f = *state;

    lf_environment_close(f->environment);
    remove_all(f->root);
    free(f);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, finish)

/* The call succeeds, or the test fails with its message. */
#define must(f, call)                                          \
    do {                                                       \
        if (call)                                              \
            fail_msg("%s: %s (%s)", #call, (f)->error.message, \
                     (f)->error.reason);                       \
    } while (0)

/* The call is refused with that status and reason. */
#define refused(f, call, code, word)                  \
    do {                                              \
        memset(&(f)->error, 0, sizeof(f)->error);     \
        assert_int_equal(call, code);                 \
        assert_int_equal((f)->error.status, code);    \
        assert_string_equal((f)->error.reason, word); \
    } while (0)

static UNUSED feature_status
open_with(struct fixture *f, const char *path,
          struct lf_environment_options options,
          struct lf_environment **environment, bool *created)
{
    bool made;

    if (!options.wait_ms)
        options.wait_ms = 5000;
    return lf_environment_open(path, &options, environment,
                               created ? created : &made, &f->error);
}

static UNUSED feature_status
open_flags(struct fixture *f, const char *path, uint32_t flags,
           struct lf_environment **environment)
{
    return open_with(f, path, (struct lf_environment_options){.flags = flags},
                     environment, NULL);
}

/* One value in one commit. */
static UNUSED feature_status
put(struct lf_environment *environment, const char *tree, const char *key,
    const char *value, struct feature_error *error)
{
    struct lf_writer *writer;
    struct lf_tree *at;
    feature_status status = lf_writer_begin(environment, 5000, &writer, error);

    if (status)
        return status;
    status = lf_writer_tree(writer, tree, true, &at, error);
    if (!status)
        status = lf_tree_put(at, key, strlen(key), value, strlen(value), false,
                             error);
    if (!status)
        return lf_writer_commit(writer, error);
    lf_writer_abort(writer);
    return status;
}

/* "" for nothing. */
static UNUSED feature_status
get(struct lf_environment *environment, const char *tree, const char *key,
    char text[256], struct feature_error *error)
{
    struct lf_reader *reader;
    const uint8_t *value;
    bool found;
    size_t size;
    feature_status status = lf_reader_begin(environment, &reader, error);

    if (status)
        return status;
    status = lf_reader_get(reader, tree, key, strlen(key), &found, &value,
                           &size, error);
    text[0] = '\0';
    if (!status && found)
        snprintf(text, 256, "%.*s", (int)size, (const char *)value);
    lf_reader_end(reader);
    return status;
}

static UNUSED feature_status
drop(struct lf_environment *environment, const char *tree,
     struct feature_error *error)
{
    struct lf_writer *writer;
    feature_status status = lf_writer_begin(environment, 5000, &writer, error);

    if (status)
        return status;
    status = lf_writer_drop(writer, tree, error);
    if (!status)
        return lf_writer_commit(writer, error);
    lf_writer_abort(writer);
    return status;
}

#define assert_reads(f, tree, key, text)                              \
    do {                                                              \
        char got_[256];                                               \
        must(f, get((f)->environment, tree, key, got_, &(f)->error)); \
        assert_string_equal(got_, text);                              \
    } while (0)

/* A store with one value, open in f. */
static UNUSED void
create_store(struct fixture *f)
{
    must(f, open_flags(f, f->path, FEATURE_OPEN_CREATE, &f->environment));
    must(f, put(f->environment, "rows", "a", "1", &f->error));
}

static UNUSED struct lf_writer *
begin_write(struct fixture *f)
{
    struct lf_writer *writer = NULL;

    must(f, lf_writer_begin(f->environment, 5000, &writer, &f->error));
    return writer;
}

static UNUSED struct lf_tree *
tree_of(struct fixture *f, struct lf_writer *writer, const char *name)
{
    struct lf_tree *tree = NULL;

    must(f, lf_writer_tree(writer, name, true, &tree, &f->error));
    return tree;
}

static UNUSED void
put_text(struct fixture *f, struct lf_tree *tree, const char *key,
         const char *value)
{
    must(f, lf_tree_put(tree, key, strlen(key), value, strlen(value), false,
                        &f->error));
}

static UNUSED void
close_store(struct fixture *f)
{
    lf_environment_close(f->environment);
    f->environment = NULL;
}

static UNUSED void
name_of(const struct fixture *f, const char *name, char path[256])
{
    snprintf(path, 256, "%s/%s", f->path, name);
}

/* Runs action in a child; it returns the exit status. */
static UNUSED pid_t
fork_child(int (*action)(struct fixture *), struct fixture *f)
{
    pid_t child = fork();

    if (!child)
        _exit(action(f));
    return child;
}

static UNUSED int
wait_child(pid_t child)
{
    int status;

    if (waitpid(child, &status, 0) != child)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* In a child: says what went wrong, which the parent sees as exit status 1. */
#define child_must(f, call)                                                    \
    do {                                                                       \
        if (call) {                                                            \
            fprintf(stderr, "child: %s: %s (%s)\n", #call, (f)->error.message, \
                    (f)->error.reason);                                        \
            return 1;                                                          \
        }                                                                      \
    } while (0)

#endif
