/* SPDX-License-Identifier: Apache-2.0 */
/* Who waits for the writer gate, as another process sees it, and in which order the
 * writers of one process come. */
#include <pthread.h>

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

/* --- writers of this process ------------------------------------------------------- */

#define THREADS 4
#define TURNS   50

static int order[TURNS * (THREADS + 1)], turns; /* within a transaction */

struct caller {
    struct lf_environment *environment;
    int number;
};

static void
take_turn(const struct caller *caller)
{
    struct feature_error error;
    struct lf_writer *writer;

    if (lf_writer_begin(caller->environment, 60000, &writer, &error))
        abort();
    order[turns++] = caller->number;
    lf_writer_abort(writer);
}

static void *
write_once(void *caller)
{
    take_turn(caller);
    return NULL;
}

/* Also one that has just written, and writes again. */
static void
writers_come_in_the_order_in_which_they_began_to_wait(void **state)
{
    struct fixture *f = *state;
    struct caller callers[THREADS], last = {.number = THREADS + 1};
    struct lf_writer *writer;
    pthread_t threads[THREADS];

    create_store(f);
    last.environment = f->environment;
    turns = 0;
    for (int turn = 0; turn < TURNS; turn++) {
        must(f, lf_writer_begin(f->environment, 1000, &writer, &f->error));
        for (uint32_t i = 0; i < THREADS; i++) {
            callers[i] = (struct caller){f->environment, (int)i + 1};
            assert_int_equal(
                pthread_create(&threads[i], NULL, write_once, &callers[i]), 0);
            while (lf_queue_length(&f->environment->queue) <= i)
                sched_yield();
        }
        lf_writer_abort(writer);
        take_turn(&last);
        for (int i = 0; i < THREADS; i++)
            assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    for (int i = 0; i < turns; i++)
        assert_int_equal(order[i], i % (THREADS + 1) + 1);
    assert_int_equal(turns, TURNS * (THREADS + 1));
}

/* It is passed on to nobody who has given up. */
static void
who_gives_up_keeps_nobody_waiting(void **state)
{
    struct fixture *f = *state;
    struct lf_writer *writer, *other;

    create_store(f);
    must(f, lf_writer_begin(f->environment, 1000, &writer, &f->error));
    assert_int_equal(lf_writer_begin(f->environment, 5, &other, &f->error),
                     FEATURE_BUSY);
    assert_int_equal(lf_queue_length(&f->environment->queue), 0);
    lf_writer_abort(writer);
    for (int i = 0; i < 2; i++) {
        must(f, lf_writer_begin(f->environment, 0, &writer, &f->error));
        lf_writer_abort(writer);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_is_seen_that_another_process_waits_to_write),
        TEST(writers_come_in_the_order_in_which_they_began_to_wait),
        TEST(who_gives_up_keeps_nobody_waiting),
    };

    return cmocka_run_group_tests_name("engine_gate", tests, NULL, NULL);
}
