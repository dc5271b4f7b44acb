/* SPDX-License-Identifier: Apache-2.0 */
/* Who waits for the writer gate, as another process sees it. */
#include "engine_fixture.h"

#include "engine/environment.h"
#include "engine/locks.h"

static int to_child[2], to_parent[2];

static void
say(int *to)
{
    if (write(to[1], "x", 1) != 1)
        _exit(9);
}

static void
hear(int *from)
{
    char word;

    if (read(from[0], &word, 1) != 1)
        _exit(9);
}

static int
wait_for_writer(struct fixture *f)
{
    struct lf_writer *writer;

    hear(to_child);
    child_must(f, open_flags(f, f->path, 0, &f->environment));
    child_must(f, lf_writer_begin(f->environment, 60000, &writer, &f->error));
    lf_writer_abort(writer);
    say(to_parent);
    hear(to_child);
    lf_environment_close(f->environment);
    return 0;
}

static void
it_is_seen_that_another_process_waits_to_write(void **state)
{
    struct fixture *f = *state;
    struct lf_writer *writer;
    int lock_file;
    pid_t child;

    create_store(f);
    close_store(f);
    assert_int_equal(pipe(to_child), 0);
    assert_int_equal(pipe(to_parent), 0);
    child = fork_child(wait_for_writer, f);
    must(f, open_flags(f, f->path, 0, &f->environment));
    lock_file = f->environment->lock_file;
    must(f, lf_writer_begin(f->environment, 1000, &writer, &f->error));
    assert_false(lf_writer_gate_is_wanted(lock_file));
    say(to_child);
    while (!lf_writer_gate_is_wanted(lock_file))
        assert_int_equal(waitpid(child, NULL, WNOHANG), 0);
    lf_writer_abort(writer);
    hear(to_parent);
    assert_false(lf_writer_gate_is_wanted(lock_file));
    lf_writer_yield(f->environment);
    say(to_child);
    assert_int_equal(wait_child(child), 0);
    for (int i = 0; i < 2; i++) {
        close(to_child[i]);
        close(to_parent[i]);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_is_seen_that_another_process_waits_to_write),
    };

    return cmocka_run_group_tests_name("engine_gate", tests, NULL, NULL);
}
