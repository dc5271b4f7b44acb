/* SPDX-License-Identifier: Apache-2.0 */
/* Several processes on one store, and what a fork does. */
#include "engine_fixture.h"

#include <signal.h>
#include <sys/file.h>
#include <time.h>

/* Two processes take turns: each waits for the other's word. */
struct pair {
    int to_child[2];
    int to_parent[2];
    pid_t child;
};

static struct pair pair;

static void
say(int *to)
{
    if (write(to[1], "x", 1) != 1)
        _exit(9);
}

static int
hear(int *from)
{
    char word;

    return read(from[0], &word, 1) == 1 ? 0 : -1;
}

static void
start_child(int (*action)(struct fixture *), struct fixture *f)
{
    assert_int_equal(pipe(pair.to_child), 0);
    assert_int_equal(pipe(pair.to_parent), 0);
    pair.child = fork_child(action, f);
}

static int
end_child(void)
{
    int status = wait_child(pair.child);

    close(pair.to_child[0]);
    close(pair.to_child[1]);
    close(pair.to_parent[0]);
    close(pair.to_parent[1]);
    return status;
}

static int64_t
now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int
hold_writer(struct fixture *f)
{
    struct lf_writer *writer;

    child_must(f, open_flags(f, f->path, 0, &f->environment));
    child_must(f, lf_writer_begin(f->environment, 1000, &writer, &f->error));
    say(pair.to_parent);
    hear(pair.to_child);
    lf_writer_abort(writer);
    lf_environment_close(f->environment);
    return 0;
}

static void
a_second_writer_waits_no_longer_than_asked(void **state)
{
    struct fixture *f = *state;
    struct lf_writer *writer;
    int64_t begin;

    create_store(f);
    close_store(f);
    start_child(hold_writer, f);
    hear(pair.to_parent);
    must(f, open_flags(f, f->path, 0, &f->environment));
    begin = now_ms();
    refused(f, lf_writer_begin(f->environment, 100, &writer, &f->error),
            FEATURE_BUSY, "writer-gate");
    assert_in_range(now_ms() - begin, 100, 5000);
    assert_reads(f, "rows", "a", "1");
    say(pair.to_child);
    assert_int_equal(end_child(), 0);
    must(f, lf_writer_begin(f->environment, 100, &writer, &f->error));
    lf_writer_abort(writer);
}

static void
a_killed_writer_stops_nobody(void **state)
{
    struct fixture *f = *state;

    create_store(f);
    close_store(f);
    start_child(hold_writer, f);
    hear(pair.to_parent);
    must(f, open_flags(f, f->path, 0, &f->environment));
    kill(pair.child, SIGKILL);
    assert_int_equal(end_child(), -SIGKILL);
    must(f, put(f->environment, "rows", "a", "2", &f->error));
    assert_reads(f, "rows", "a", "2");
}

static int
use_inherited(struct fixture *f)
{
    struct lf_environment_info info;
    struct lf_reader *reader;
    struct lf_writer *writer;
    struct lf_environment *own;
    char text[256];

    if (lf_environment_check(f->environment, &f->error) != FEATURE_INVALID ||
        strcmp(f->error.reason, "forked"))
        return 2;
    if (lf_reader_begin(f->environment, &reader, NULL) != FEATURE_INVALID ||
        lf_writer_begin(f->environment, 0, &writer, NULL) != FEATURE_INVALID ||
        lf_environment_sync(f->environment, NULL) != FEATURE_INVALID ||
        lf_environment_limit(f->environment, 0, NULL) != FEATURE_INVALID ||
        lf_environment_info(f->environment, &info, NULL) != FEATURE_INVALID)
        return 3;
    child_must(f, open_flags(f, f->path, 0, &own));
    child_must(f, get(own, "rows", "a", text, &f->error));
    if (strcmp(text, "1"))
        return 4;
    lf_environment_close(f->environment);
    child_must(f, put(own, "rows", "a", "child", &f->error));
    lf_environment_close(own);
    return 0;
}

static void
a_child_is_refused_and_opens_its_own(void **state)
{
    struct fixture *f = *state;
    struct lf_reader *reader;
    const uint8_t *value;
    bool found;
    size_t size;

    create_store(f);
    must(f, lf_reader_begin(f->environment, &reader, &f->error));
    assert_int_equal(wait_child(fork_child(use_inherited, f)), 0);
    must(f, lf_reader_get(reader, "rows", "a", 1, &found, &value, &size,
                          &f->error));
    assert_true(found);
    assert_memory_equal(value, "1", 1);
    lf_reader_end(reader);
    assert_reads(f, "rows", "a", "child");
}

static int
end_inherited(struct fixture *f)
{
    (void)f;
    return 0;
}

static struct lf_reader *inherited_reader;
static struct lf_writer *inherited_writer;

static int
end_inherited_transactions(struct fixture *f)
{
    const uint8_t *value;
    size_t size;
    bool found;

    if (lf_reader_get(inherited_reader, "rows", "a", 1, &found, &value, &size,
                      NULL) != FEATURE_INVALID)
        return 2;
    lf_reader_end(inherited_reader);
    lf_writer_abort(inherited_writer);
    lf_environment_close(f->environment);
    return 0;
}

static void
transactions_inherited_by_a_child_are_the_parents(void **state)
{
    struct fixture *f = *state;
    struct lf_tree *tree;

    create_store(f);
    must(f, lf_reader_begin(f->environment, &inherited_reader, &f->error));
    must(f, lf_writer_begin(f->environment, 0, &inherited_writer, &f->error));
    must(f, lf_writer_tree(inherited_writer, "rows", true, &tree, &f->error));
    must(f, lf_tree_put(tree, "a", 1, "2", 1, false, &f->error));
    assert_int_equal(wait_child(fork_child(end_inherited_transactions, f)), 0);
    must(f, lf_tree_put(tree, "b", 1, "3", 1, false, &f->error));
    must(f, lf_writer_commit(inherited_writer, &f->error));
    lf_reader_end(inherited_reader);
    assert_reads(f, "rows", "a", "2");
    assert_reads(f, "rows", "b", "3");
}

static void
a_child_that_lives_on_holds_no_lock(void **state)
{
    struct fixture *f = *state;
    struct lf_environment *other;

    create_store(f);
    start_child(end_inherited, f);
    assert_int_equal(end_child(), 0);
    must(f, put(f->environment, "rows", "a", "2", &f->error));
    must(f, open_flags(f, f->path, 0, &other));
    lf_environment_close(other);
    close_store(f);
    must(f, open_flags(f, f->path, 0, &f->environment));
}

static int
open_lock_file(const struct fixture *f)
{
    char name[256];

    name_of(f, "open.lock", name);
    return open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
}

static void
lock_byte(int file, off_t at)
{
    struct flock lock = {
        .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = at, .l_len = 1};

    assert_int_equal(fcntl(file, F_OFD_SETLK, &lock), 0);
}

static void
a_second_copy_of_the_library_is_refused(void **state)
{
    struct fixture *f = *state;
    int file;

    create_store(f);
    close_store(f);
    file = open_lock_file(f);
    lock_byte(file, getpid());
    refused(f, open_flags(f, f->path, 0, &f->environment), FEATURE_UNSUPPORTED,
            "second-copy");
    close(file);
    must(f, open_flags(f, f->path, 0, &f->environment));
}

/* Somebody with another owner record has the store open. */
static void
refuse_owner(struct fixture *f, off_t at, uint32_t value, feature_status status,
             const char *reason)
{
    int file;

    create_store(f);
    close_store(f);
    file = open_lock_file(f);
    lock_byte(file, getpid() + 1);
    assert_int_equal(pwrite(file, &value, 4, at), 4);
    refused(f, open_flags(f, f->path, 0, &f->environment), status, reason);
    close(file);
    must(f, open_flags(f, f->path, 0, &f->environment)); /* nobody has, now */
}

static void
another_pid_namespace_is_refused(void **state)
{
    refuse_owner(*state, 16, 12345, FEATURE_UNSUPPORTED, "pid-namespace");
}

static void
another_c_library_is_refused(void **state)
{
    refuse_owner(*state, 8, 12345, FEATURE_UNSUPPORTED, "libc");
}

static void
another_lock_protocol_is_refused(void **state)
{
    refuse_owner(*state, 4, 12345, FEATURE_VERSION, "format");
}

static void
an_open_waits_for_another_no_longer_than_asked(void **state)
{
    struct fixture *f = *state;
    struct lf_environment_options options = {.wait_ms = 50};
    int file;

    create_store(f);
    close_store(f);
    file = open_lock_file(f);
    assert_int_equal(flock(file, LOCK_EX), 0);
    refused(f, open_with(f, f->path, options, &f->environment, NULL),
            FEATURE_BUSY, "open-lock");
    close(file);
    must(f, open_with(f, f->path, options, &f->environment, NULL));
}

static int
open_made_store(struct fixture *f)
{
    struct lf_environment_options options = {.flags = FEATURE_OPEN_CREATE};
    bool created = true;
    char text[256];

    say(pair.to_parent);
    child_must(f, open_with(f, f->path, options, &f->environment, &created));
    child_must(f, get(f->environment, "rows", "a", text, &f->error));
    lf_environment_close(f->environment);
    return created || strcmp(text, "1") ? 2 : 0;
}

static void
a_store_being_made_is_not_met_half_made(void **state)
{
    struct fixture *f = *state;
    struct lf_environment_options options = {.flags = FEATURE_OPEN_CREATE};
    struct timespec pause = {.tv_nsec = 100000000};
    bool created;

    must(f, open_with(f, f->path, options, &f->environment, &created));
    assert_true(created);
    start_child(open_made_store, f);
    hear(pair.to_parent);
    nanosleep(&pause, NULL);
    must(f, put(f->environment, "rows", "a", "1", &f->error));
    assert_int_equal(end_child(), 0);
}

static int
write_much(struct fixture *f)
{
    static char big[1 << 20];
    struct lf_environment_options options = {.map_size = 256 << 20};
    struct lf_writer *writer;
    struct lf_tree *tree;
    uint32_t i;

    child_must(f, open_with(f, f->path, options, &f->environment, NULL));
    hear(pair.to_child);
    child_must(f, lf_writer_begin(f->environment, 1000, &writer, &f->error));
    child_must(f, lf_writer_tree(writer, "big", true, &tree, &f->error));
    for (i = 0; i < 20; i++)
        child_must(f, lf_tree_put(tree, &i, sizeof i, big, sizeof big, false,
                                  &f->error));
    child_must(f, lf_writer_commit(writer, &f->error));
    say(pair.to_parent);
    hear(pair.to_child);
    lf_environment_close(f->environment);
    return 0;
}

static void
grow_elsewhere(struct fixture *f)
{
    struct lf_environment_options options = {.map_size = 4 << 20};

    create_store(f);
    close_store(f);
    start_child(write_much, f);
    must(f, open_with(f, f->path, options, &f->environment, NULL));
    assert_reads(f, "rows", "a", "1");
    say(pair.to_child);
    hear(pair.to_parent);
}

static void
a_reader_follows_a_map_that_grew_elsewhere(void **state)
{
    struct fixture *f = *state;
    struct lf_environment_info info;

    grow_elsewhere(f);
    assert_reads(f, "rows", "a", "1");
    must(f, lf_environment_info(f->environment, &info, &f->error));
    assert_true(info.map_size >= 256 << 20);
    say(pair.to_child);
    assert_int_equal(end_child(), 0);
}

static void
a_writer_follows_a_map_that_grew_elsewhere(void **state)
{
    struct fixture *f = *state;

    grow_elsewhere(f);
    must(f, put(f->environment, "rows", "a", "2", &f->error));
    assert_reads(f, "rows", "a", "2");
    say(pair.to_child);
    assert_int_equal(end_child(), 0);
}

static int
drop_elsewhere(struct fixture *f)
{
    child_must(f, open_flags(f, f->path, 0, &f->environment));
    child_must(f, drop(f->environment, "rows", &f->error));
    lf_environment_close(f->environment);
    return 0;
}

/* LMDB alone would put through the old handle into a ghost of the tree. */
static void
a_tree_dropped_elsewhere_stays_dropped(void **state)
{
    struct fixture *f = *state;
    struct lf_writer *writer;
    struct lf_tree *tree;
    char text[256];

    create_store(f);
    start_child(drop_elsewhere, f); /* opens its own after the fork */
    assert_int_equal(end_child(), 0);
    assert_reads(f, "rows", "a", "");
    must(f, lf_writer_begin(f->environment, 1000, &writer, &f->error));
    must(f, lf_writer_tree(writer, "rows", false, &tree, &f->error));
    assert_null(tree);
    lf_writer_abort(writer);
    must(f, put(f->environment, "rows", "b", "2", &f->error));
    must(f, get(f->environment, "rows", "a", text, &f->error));
    assert_string_equal(text, "");
    assert_reads(f, "rows", "b", "2");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_second_writer_waits_no_longer_than_asked),
        TEST(a_killed_writer_stops_nobody),
        TEST(a_child_is_refused_and_opens_its_own),
        TEST(transactions_inherited_by_a_child_are_the_parents),
        TEST(a_child_that_lives_on_holds_no_lock),
        TEST(a_second_copy_of_the_library_is_refused),
        TEST(another_pid_namespace_is_refused),
        TEST(another_c_library_is_refused),
        TEST(another_lock_protocol_is_refused),
        TEST(an_open_waits_for_another_no_longer_than_asked),
        TEST(a_store_being_made_is_not_met_half_made),
        TEST(a_reader_follows_a_map_that_grew_elsewhere),
        TEST(a_writer_follows_a_map_that_grew_elsewhere),
        TEST(a_tree_dropped_elsewhere_stays_dropped),
    };

    return cmocka_run_group_tests_name("engine_locks", tests, NULL, NULL);
}
