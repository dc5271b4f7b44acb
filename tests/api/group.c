/* SPDX-License-Identifier: Apache-2.0 */
/* Write calls of several threads that meet: each keeps its own number, its own
 * outcomes, its own failure and its own deadline. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/syscall.h>

#include "asleep.h"
#include "peer.h"
#include "stand_in.h"

#define DEFINITIONS              \
    "CREATE ENTITY e (k INT64);" \
    "CREATE FEATURE VIEW v (a INT64, s STRING) FOR e;"

static int
begin(void **state)
{
    struct fixture *f;

    if (fixture_begin(state))
        return -1;
    f = *state;
    close_store(f);
    f->options.max_row_size = 256;
    open_store(f);
    define(f, DEFINITIONS);
    return 0;
}

#define GROUP(name) cmocka_unit_test_setup_teardown(name, begin, fixture_end)

/* --- a commit that is held -------------------------------------------------- */

static atomic_int hold, is_held, commits, failure;

static int
before_commit(void)
{
    atomic_fetch_add(&commits, 1);
    while (atomic_load(&hold)) {
        atomic_store(&is_held, 1);
        sched_yield();
    }
    return atomic_load(&failure);
}

/* --- calls of other threads ------------------------------------------------- */

/* cmocka's assertions belong to the main thread: calls are judged there. */
struct call {
    struct fixture *f;
    pthread_t thread;
    atomic_int id; /* of the thread, for the system */
    feature_batch *batch;
    uint32_t wait_ms;
    feature_status status;
    struct feature_commit commit;
    struct feature_error error;
};

static void *
run_call(void *argument)
{
    struct call *call = argument;
    struct feature_write_options options = {.struct_size = sizeof options,
                                            .wait_ms = call->wait_ms};

    atomic_store(&call->id, (int)syscall(SYS_gettid));
    call->commit.struct_size = sizeof call->commit;
    call->status = feature_store_write(call->f->store, &call->batch, 1,
                                       &options, &call->commit, &call->error);
    return NULL;
}

static void
start_call(struct call *call, struct fixture *f, const char *rows,
           uint32_t wait_ms)
{
    *call = (struct call){.f = f, .wait_ms = wait_ms};
    call->batch = make_batch(f, FEATURE_UPSERT, "v", NULL, rows);
    assert_int_equal(pthread_create(&call->thread, NULL, run_call, call), 0);
}

static void
end_call(struct call *call)
{
    assert_int_equal(pthread_join(call->thread, NULL), 0);
}

/* A call that is in the middle of its commit until release(). */
static void
start_held_call(struct call *call, struct fixture *f)
{
    atomic_store(&is_held, 0);
    atomic_store(&hold, 1);
    start_call(call, f, "1 100 7 x", 0);
    while (!atomic_load(&is_held))
        sched_yield();
}

static void
release_call(struct call *call)
{
    atomic_store(&hold, 0);
    end_call(call);
    assert_int_equal(call->status, FEATURE_OK);
    feature_batch_free(call->batch);
}

static void
a_call_behind_a_long_commit_gives_up_at_its_deadline(void **state)
{
    struct fixture *f = *state;
    struct call held, late;

    start_held_call(&held, f);
    start_call(&late, f, "1 200 5 y", 20);
    end_call(&late);
    assert_int_equal(late.status, FEATURE_BUSY);
    assert_string_equal(late.error.reason, "writer-gate");
    assert_int_equal(late.commit.sequence, 0);
    assert_null(feature_batch_outcomes(late.batch));
    expect_rows(f, "v(*)", "1", "not_found null null");
    release_call(&held);
    expect_rows(f, "v(*)", "1", "present 7 x");
    assert_int_equal(write_batch(f, late.batch).sequence, 3);
    expect_rows(f, "v(*)", "1", "present 5 y");
    feature_batch_free(late.batch);
}

static void
an_apply_and_another_handle_give_up_too(void **state)
{
    struct fixture *f = *state;
    struct fixture other = *f;
    feature_batch *batch;
    struct call held;

    other.store = NULL;
    other.options.write_wait_ms = 20;
    open_store(&other);
    batch = make_batch(&other, FEATURE_UPSERT, "v", NULL, "1 200 5 y");
    start_held_call(&held, f);
    must_fail(feature_store_apply(other.store, "CREATE ENTITY x (k INT64)",
                                  NULL, NULL, &problem),
              FEATURE_BUSY, "writer-gate");
    must_fail(feature_store_write(other.store, &batch, 1, NULL, NULL, &problem),
              FEATURE_BUSY, "writer-gate");
    release_call(&held);
    write_batch(&other, batch);
    expect_rows(f, "v(*)", "1", "present 5 y");
    feature_batch_free(batch);
    close_store(&other);
}

/* --- calls that wait together ----------------------------------------------- */

#define CALLS 5

/* Rows of each call; %s is a text over the row limit. */
static const char *const call_rows[CALLS] = {"2 100 1 a\n2 99 2 b", "3 100 3 c",
                                             "4 @172800 4 d", "5 100 5 %s",
                                             "6 100 6 e\n1 50 0 f"};

static const char *const call_outcomes[CALLS] = {"AL", "A", "F", NULL, "AL"};

static void
start_calls(struct call *calls, struct fixture *f)
{
    char text[300], rows[400];

    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    for (int i = 0; i < CALLS; i++) {
        if (strstr(call_rows[i], "%s"))
            snprintf(rows, sizeof rows, "5 100 5 %s", text);
        else
            snprintf(rows, sizeof rows, "%s", call_rows[i]);
        start_call(&calls[i], f, rows, 0);
    }
}

/* Judges the calls after a held one that took number 2. */
static void
check_calls(struct call *calls)
{
    uint64_t numbers = 0;

    for (int i = 0; i < CALLS; i++) {
        end_call(&calls[i]);
        if (!call_outcomes[i]) {
            assert_int_equal(calls[i].status, FEATURE_INVALID);
            assert_string_equal(calls[i].error.reason, "row-size");
            assert_int_equal(calls[i].error.row, 0);
            assert_int_equal(calls[i].commit.sequence, 0);
            assert_null(feature_batch_outcomes(calls[i].batch));
        } else {
            assert_int_equal(calls[i].status, FEATURE_OK);
            expect_outcomes(calls[i].batch, call_outcomes[i]);
            assert_in_range(calls[i].commit.sequence, 2, 5);
        }
        if (call_outcomes[i] && *call_outcomes[i] == 'A')
            numbers |= 1u << calls[i].commit.sequence;
        feature_batch_free(calls[i].batch);
    }
    assert_int_equal(numbers, 1u << 3 | 1u << 4 | 1u << 5);
    assert_int_equal(calls[0].commit.applied, 1);
    assert_int_equal(calls[0].commit.late, 1);
    assert_int_equal(calls[2].commit.future, 1);
}

static void
calls_that_wait_together_stay_apart(void **state)
{
    struct fixture *f = *state;
    struct call held, calls[CALLS];
    int fewest = 100;

    for (int round = 0; round < 10; round++) {
        start_held_call(&held, f);
        start_calls(calls, f);
        for (int i = 0; i < CALLS; i++)
            wait_until_asleep(&calls[i].id);
        atomic_store(&commits, 0);
        release_call(&held);
        check_calls(calls);
        if (atomic_load(&commits) < fewest)
            fewest = atomic_load(&commits);
        assert_int_equal(stats_of(f).sequence, 5);
        assert_int_equal(stats_of(f).rows, 4);
        expect_rows(f, "v(*)", "1\n2\n3\n4\n5\n6",
                    "present 7 x\npresent 1 a\npresent 3 c\n"
                    "not_found null null\nnot_found null null\npresent 6 e");
        start_again(f);
        define(f, DEFINITIONS);
    }
    assert_in_range(fewest, 1, 3);
}

static void
a_commit_that_fails_fails_for_all_that_are_in_it(void **state)
{
    struct fixture *f = *state;
    struct call held, calls[3];

    start_held_call(&held, f);
    start_call(&calls[0], f, "2 100 1 a", 0);
    start_call(&calls[1], f, "3 100 1 a\n3 50 2 b", 0);
    start_call(&calls[2], f, "4 @172800 1 a", 0);
    for (int i = 0; i < 3; i++)
        wait_until_asleep(&calls[i].id);
    atomic_store(&failure, ENOSPC);
    atomic_store(&hold, 0);
    end_call(&held);
    for (int i = 0; i < 3; i++)
        end_call(&calls[i]);
    atomic_store(&failure, 0);
    assert_int_equal(held.status, FEATURE_FULL);
    assert_string_equal(held.error.reason, "disk-full");
    for (int i = 0; i < 2; i++) {
        assert_int_equal(calls[i].status, FEATURE_FULL);
        assert_string_equal(calls[i].error.reason, "disk-full");
        assert_int_equal(calls[i].error.os_error, ENOSPC);
        assert_int_equal(calls[i].commit.sequence, 0);
        assert_null(feature_batch_outcomes(calls[i].batch));
    }
    assert_int_equal(stats_of(f).sequence, 1);
    assert_int_equal(stats_of(f).rows, 0);
    assert_int_equal(write_batch(f, calls[1].batch).sequence, 2);
    expect_rows(f, "v(*)", "1\n2\n3",
                "not_found null null\n"
                "not_found null null\npresent 1 a");
    feature_batch_free(held.batch);
    for (int i = 0; i < 3; i++)
        feature_batch_free(calls[i].batch);
}

/* --- fork while they wait --------------------------------------------------- */

/* Two handles of one environment, and all that was made from them. */
struct waiting {
    struct fixture other;
    struct call held, queued, behind;
};

static void
close_what_was_inherited(struct fixture *f, struct peer *peer)
{
    struct waiting *waiting = f->context;

    (void)peer;
    alarm(5); /* a close that waits for the parent's threads waits for ever */
    must_fail(feature_store_sync(f->store, &problem), FEATURE_INVALID,
              "forked");
    feature_batch_free(waiting->held.batch);
    feature_batch_free(waiting->queued.batch);
    close_store(f);
    feature_batch_free(waiting->behind.batch);
    close_store(&waiting->other);
}

static void
a_child_closes_though_its_parents_threads_wait(void **state)
{
    struct fixture *f = *state;
    struct waiting waiting = {.other = *f};
    struct peer peer;
    char end;

    waiting.other.store = NULL;
    open_store(&waiting.other);
    f->context = &waiting;
    start_held_call(&waiting.held, f);
    start_call(&waiting.queued, f, "2 100 1 a", 0);
    start_call(&waiting.behind, &waiting.other, "3 100 1 a", 0);
    wait_until_asleep(&waiting.queued.id);
    wait_until_asleep(&waiting.behind.id);
    peer = start_peer(f, close_what_was_inherited);
    /* Only the other end of its pipe says whether it is still there. */
    assert_int_equal(read(peer.from, &end, 1), 0);
    release_call(&waiting.held);
    end_call(&waiting.queued);
    end_call(&waiting.behind);
    end_peer(&peer);
    assert_int_equal(waiting.queued.status, FEATURE_OK);
    assert_int_equal(waiting.behind.status, FEATURE_OK);
    feature_batch_free(waiting.queued.batch);
    feature_batch_free(waiting.behind.batch);
    close_store(&waiting.other);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        GROUP(a_call_behind_a_long_commit_gives_up_at_its_deadline),
        GROUP(an_apply_and_another_handle_give_up_too),
        GROUP(calls_that_wait_together_stay_apart),
        GROUP(a_commit_that_fails_fails_for_all_that_are_in_it),
        GROUP(a_child_closes_though_its_parents_threads_wait),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
