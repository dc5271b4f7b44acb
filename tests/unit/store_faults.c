/* SPDX-License-Identifier: Apache-2.0 */
/* Commits during which the disk fails: what the call answers, and that the store
 * goes on. The program's own pwrite and flock stand before those of the C
 * library; a peer is another process that has the store open. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/file.h>
#include <sys/syscall.h>

#include "api/peer.h"

#define DEFINITIONS              \
    "CREATE ENTITY e (k INT64);" \
    "CREATE FEATURE VIEW v (a INT64) FOR e;"

static int failures;            /* writes of a meta page yet to fail; -1: all */
static bool is_written;         /* and yet they are on the disk */
static struct peer *in_between; /* runs when the store is opened again */

ssize_t
pwrite(int file, const void *bytes, size_t size, off_t at)
{
    if (at < 8192 && size < 4096 && size > 32 && failures) {
        failures -= failures > 0;
        if (is_written)
            syscall(SYS_pwrite64, file, bytes, size, at);
        is_written = false; /* what is written back after it is not */
        errno = EIO;
        return -1;
    }
    return syscall(SYS_pwrite64, file, bytes, size, at);
}

int
flock(int file, int operation)
{
    struct peer *peer = in_between;

    if (peer && operation & LOCK_EX) {
        in_between = NULL;
        pass_turn(peer);
    }
    return (int)syscall(SYS_flock, file, operation);
}

static int
begin(void **state)
{
    if (fixture_begin(state))
        return -1;
    define(*state, DEFINITIONS);
    upsert(*state, "v", NULL, "1 100 1");
    failures = 0;
    is_written = false;
    return 0;
}

#define FAULTS(name) cmocka_unit_test_setup_teardown(name, begin, fixture_end)

/* Writes one row; the answer of the call, with its commit. */
static feature_status
try_write(struct fixture *f, const char *row, struct feature_commit *commit)
{
    feature_batch *batch = make_batch(f, FEATURE_UPSERT, "v", NULL, row);
    feature_status status;

    *commit = (struct feature_commit){.struct_size = sizeof *commit};
    problem = (struct feature_error){0};
    status = feature_store_write(f->store, &batch, 1, NULL, commit, &problem);
    feature_batch_free(batch);
    return status;
}

static void
a_commit_that_was_not_made_has_changed_nothing(void **state)
{
    struct fixture *f = *state;
    struct feature_commit commit;
    struct reader reader = open_reader(f, "v(*)", 0, "1");

    expect_read(&reader, "present 1");
    failures = 2;
    assert_int_equal(try_write(f, "1 200 2", &commit), FEATURE_IO);
    assert_string_equal(problem.reason, "io");
    assert_int_equal(problem.os_error, EIO);
    assert_int_equal(commit.sequence, 0);
    expect_read(&reader, "present 1");
    assert_int_equal(stats_of(f).sequence, 2);
    must_at(try_write(f, "1 200 3", &commit), "write", __FILE__, __LINE__);
    assert_int_equal(commit.sequence, 3);
    expect_read(&reader, "present 3");
    close_reader(&reader);
    open_again(f);
    expect_rows(f, "v(*)", "1", "present 3");
}

static void
a_commit_that_was_made_is_answered_so(void **state)
{
    struct fixture *f = *state;
    struct feature_commit commit;

    failures = 2;
    is_written = true;
    must_at(try_write(f, "1 200 2", &commit), "write", __FILE__, __LINE__);
    assert_int_equal(failures, 0);
    assert_int_equal(commit.sequence, 3);
    expect_rows(f, "v(*)", "1", "present 2");
    assert_int_equal(upsert(f, "v", NULL, "1 300 3").sequence, 4);
    open_again(f);
    expect_rows(f, "v(*)", "1", "present 3");
}

static void
definitions_are_answered_the_same_way(void **state)
{
    struct fixture *f = *state;

    failures = 2;
    must_fail(feature_store_apply(f->store, "CREATE ENTITY x (k INT64)", NULL,
                                  NULL, &problem),
              FEATURE_IO, "io");
    assert_int_equal(stats_of(f).entities, 1);
    failures = 2;
    is_written = true;
    define(f, "CREATE ENTITY x (k INT64)");
    assert_int_equal(stats_of(f).entities, 2);
}

static void
a_disk_that_stays_broken_leaves_the_outcome_unknown(void **state)
{
    struct fixture *f = *state;
    struct feature_commit commit;

    failures = -1;
    assert_int_equal(try_write(f, "1 200 2", &commit), FEATURE_IO);
    assert_string_equal(problem.reason, "outcome-unknown");
    assert_int_equal(try_write(f, "1 200 2", &commit), FEATURE_IO);
    expect_rows(f, "v(*)", "1", "present 1");
    failures = 0;
    must(feature_store_sync(f->store, &problem));
    must_at(try_write(f, "1 200 3", &commit), "write", __FILE__, __LINE__);
    expect_rows(f, "v(*)", "1", "present 3");
}

/* It takes no number: that of the commit before, which this handle made, says
 * nothing of it. */
static void
a_claim_that_may_be_lost_is_not_confirmed(void **state)
{
    struct fixture *f = *state;
    struct feature_changes_options options = {
        .struct_size = sizeof options, .since = 3, .consumer = "c"};
    struct feature_change_record record;
    feature_changes *changes = NULL;

    define(f, "STORE WITH (changes = '3 days');");
    must(feature_changes_open(f->store, &options, &changes, &problem));
    upsert(f, "v", NULL, "1 200 2");
    must(feature_changes_next(changes, &record, &problem));
    failures = 2;
    must_fail(feature_changes_acknowledge(changes, record.sequence, &problem),
              FEATURE_IO, "outcome-unknown");
    assert_int_equal(failures, 0);
    must(feature_changes_acknowledge(changes, record.sequence, &problem));
    feature_changes_free(changes);
}

static void
other_handles_and_scans_go_on(void **state)
{
    struct fixture *f = *state;
    struct fixture other = *f;
    struct feature_commit commit;

    other.store = NULL;
    open_store(&other);
    failures = 2;
    assert_int_equal(try_write(f, "1 200 2", &commit), FEATURE_IO);
    assert_int_equal(upsert(&other, "v", NULL, "1 200 3").sequence, 3);
    expect_rows(f, "v(*)", "1", "present 3");
    close_store(&other);
}

/* --- threads ---------------------------------------------------------------- */

#define THREADS 3
#define ROUNDS  60

static atomic_bool is_done;
static atomic_int refusals;

static void *
read_on(void *context)
{
    struct reader *reader = context;
    struct feature_error error;

    while (!atomic_load(&is_done))
        if (feature_request_read(reader->request, &error)) {
            print_error("%s: %s\n", error.reason, error.message);
            atomic_fetch_add(&refusals, 1);
        }
    return NULL;
}

static void
readers_take_no_notice_of_a_recovery(void **state)
{
    struct fixture *f = *state;
    struct reader readers[THREADS];
    pthread_t threads[THREADS];
    struct feature_commit commit;
    char row[64];

    atomic_store(&is_done, false);
    for (int i = 0; i < THREADS; i++) {
        readers[i] = open_reader(f, "v(*)", 0, "1");
        assert_int_equal(
            pthread_create(&threads[i], NULL, read_on, &readers[i]), 0);
    }
    for (int i = 0; i < ROUNDS; i++) {
        bool written = i % 2;

        snprintf(row, sizeof row, "1 %d %d", 200 + i, i);
        failures = 2;
        is_written = written;
        assert_int_equal(try_write(f, row, &commit),
                         written ? FEATURE_OK : FEATURE_IO);
    }
    atomic_store(&is_done, true);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        close_reader(&readers[i]);
    }
    assert_int_equal(atomic_load(&refusals), 0);
    assert_int_equal(stats_of(f).sequence, 2 + ROUNDS / 2);
    snprintf(row, sizeof row, "present %d", ROUNDS - 1);
    expect_rows(f, "v(*)", "1", row);
}

/* --- another process ---------------------------------------------------------- */

static void
commit_in_between(struct fixture *f, struct peer *peer)
{
    int count = *(int *)f->context;
    char row[64];

    open_store(f);
    give_turn(peer);
    take_turn(peer);
    for (int i = 0; i < count; i++) {
        snprintf(row, sizeof row, "2 %d %d", 200 + i, i);
        upsert(f, "v", NULL, row);
    }
    give_turn(peer);
    take_turn(peer);
    expect_rows(f, "v(*)", "1", "present 4");
    close_store(f);
}

/* A peer makes count commits between the failure and the recovery. */
static void
fail_beside_a_peer(struct fixture *f, int count, bool written,
                   const char *reason)
{
    struct feature_commit commit;
    struct peer peer;

    f->context = &count;
    close_store(f);
    peer = start_peer(f, commit_in_between);
    open_store(f);
    take_turn(&peer);
    failures = 2;
    is_written = written;
    in_between = &peer;
    assert_int_equal(try_write(f, "1 200 2", &commit), FEATURE_IO);
    assert_null(in_between);
    assert_string_equal(problem.reason, reason);
    expect_rows(f, "v(*)", "1", "present 1");
    assert_int_equal(upsert(f, "v", NULL, "1 300 4").sequence,
                     (uint64_t)count + 3);
    give_turn(&peer);
    end_peer(&peer);
}

static void
a_number_that_another_process_took_was_not_ours(void **state)
{
    fail_beside_a_peer(*state, 1, false, "io");
}

static void
what_only_the_disk_knows_is_overwritten(void **state)
{
    /* For the peer, whose lock table goes on, the commit never was. */
    fail_beside_a_peer(*state, 0, true, "io");
}

static void
after_too_many_commits_of_others_nobody_can_tell(void **state)
{
    fail_beside_a_peer(*state, 70, false, "outcome-unknown");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        FAULTS(a_commit_that_was_not_made_has_changed_nothing),
        FAULTS(a_commit_that_was_made_is_answered_so),
        FAULTS(definitions_are_answered_the_same_way),
        FAULTS(a_disk_that_stays_broken_leaves_the_outcome_unknown),
        FAULTS(a_claim_that_may_be_lost_is_not_confirmed),
        FAULTS(other_handles_and_scans_go_on),
        FAULTS(readers_take_no_notice_of_a_recovery),
        FAULTS(a_number_that_another_process_took_was_not_ours),
        FAULTS(what_only_the_disk_knows_is_overwritten),
        FAULTS(after_too_many_commits_of_others_nobody_can_tell),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
