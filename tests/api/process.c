/* SPDX-License-Identifier: Apache-2.0 */
/* Several processes and several handles on one store. */
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "peer.h"
#include "stand_in.h"

#define DEFINITIONS              \
    "CREATE ENTITY e (k INT64);" \
    "CREATE FEATURE VIEW v (a INT64, b INT64) FOR e;"

static int
begin(void **state)
{
    if (fixture_begin(state))
        return -1;
    define(*state, DEFINITIONS);
    return 0;
}

#define PROCESS(name) cmocka_unit_test_setup_teardown(name, begin, fixture_end)

/* --- a process that can be stopped in the middle of a commit --------------- */

static struct peer *stopped_for;

static int
before_commit(void)
{
    if (stopped_for)
        pass_turn(stopped_for);
    return 0;
}

/* Stops within a write until it gets its turn again. */
static void
write_and_stop(struct fixture *f, struct peer *peer)
{
    feature_batch *batch;

    open_store(f);
    batch = make_batch(f, FEATURE_UPSERT, "v", NULL, "7 200 1 2\n8 200 3 4");
    take_turn(peer);
    stopped_for = peer;
    write_batch(f, batch);
    stopped_for = NULL;
    give_turn(peer);
    feature_batch_free(batch);
    close_store(f);
}

static struct peer
start_stopped_writer(struct fixture *f)
{
    struct peer peer;

    close_store(f);
    peer = start_peer(f, write_and_stop);
    f->options.write_wait_ms = 20;
    open_store(f);
    upsert(f, "v", NULL, "7 100 5 6");
    pass_turn(&peer);
    return peer;
}

static void
a_second_writer_waits_until_its_deadline(void **state)
{
    struct fixture *f = *state;
    struct peer peer = start_stopped_writer(f);
    struct feature_write_options options = {.struct_size = sizeof options,
                                            .wait_ms = 30000};
    struct feature_commit commit = {.struct_size = sizeof commit};
    feature_batch *batch =
        make_batch(f, FEATURE_PATCH, "v", "k, event_timestamp, a", "7 300 9");

    must_fail(feature_store_write(f->store, &batch, 1, NULL, &commit, &problem),
              FEATURE_BUSY, "writer-gate");
    assert_int_equal(commit.sequence, 0);
    assert_null(feature_batch_outcomes(batch));
    must_fail(feature_store_apply(f->store, "CREATE ENTITY x (k INT64)", NULL,
                                  NULL, &problem),
              FEATURE_BUSY, "writer-gate");
    expect_rows(f, "v(*)", "7\n8", "present 5 6\nnot_found null null");
    give_turn(&peer);
    must(feature_store_write(f->store, &batch, 1, &options, &commit, &problem));
    assert_int_equal(commit.sequence, 4);
    expect_rows(f, "v(*)", "7\n8", "present 9 2\npresent 3 4");
    feature_batch_free(batch);
    take_turn(&peer);
    end_peer(&peer);
}

static void
a_writer_that_dies_leaves_nothing_behind(void **state)
{
    struct fixture *f = *state;
    struct peer peer = start_stopped_writer(f);
    int status;

    assert_int_equal(kill(peer.pid, SIGKILL), 0);
    assert_int_equal(waitpid(peer.pid, &status, 0), peer.pid);
    close(peer.to);
    close(peer.from);
    expect_rows(f, "v(*)", "7\n8", "present 5 6\nnot_found null null");
    assert_int_equal(upsert(f, "v", NULL, "8 100 1 1").sequence, 3);
    expect_rows(f, "v(*)", "7\n8", "present 5 6\npresent 1 1");
}

static void
an_open_waits_for_others_that_open_until_its_deadline(void **state)
{
    struct fixture *f = *state;
    char path[TEST_PATH_SIZE + 16];
    int file;

    /* Another process that opens or closes the store holds this lock. */
    snprintf(path, sizeof path, "%s/open.lock", f->path);
    file = open(path, O_RDWR | O_CLOEXEC);
    assert_true(file >= 0);
    close_store(f);
    assert_int_equal(flock(file, LOCK_EX), 0);
    f->options.write_wait_ms = 20;
    must_fail(feature_store_open(f->path, &f->options, &f->store, &problem),
              FEATURE_BUSY, "open-lock");
    assert_null(f->store);
    close(file);
    open_store(f);
}

/* --- readers and writers beside each other --------------------------------- */

#define READERS 6
#define ROUNDS  20

static void
expect_commit(const struct reader *reader, int value)
{
    char expected[64];

    snprintf(expected, sizeof expected, "present %d %d", value, -value);
    expect_read(reader, expected);
    assert_int_equal(feature_request_commit(reader->request), value + 2);
}

static void
read_after_every_commit(struct fixture *f, struct peer *peer)
{
    struct reader reader;

    f->options.flags = FEATURE_OPEN_READ_ONLY;
    open_store(f);
    reader = open_reader(f, "v(*)", 0, "1");
    for (int i = 0; i < ROUNDS; i++) {
        take_turn(peer);
        expect_commit(&reader, i);
        give_turn(peer);
    }
    close_reader(&reader);
    close_store(f);
}

static void
every_reader_sees_a_commit_at_its_next_read(void **state)
{
    struct fixture *f = *state;
    struct peer peers[READERS];
    char row[64];

    close_store(f);
    for (int i = 0; i < READERS; i++)
        peers[i] = start_peer(f, read_after_every_commit);
    open_store(f);
    for (int i = 0; i < ROUNDS; i++) {
        snprintf(row, sizeof row, "1 100 %d %d", i, -i);
        upsert(f, "v", NULL, row);
        for (int j = 0; j < READERS; j++)
            give_turn(&peers[j]);
        for (int j = 0; j < READERS; j++)
            take_turn(&peers[j]);
    }
    for (int i = 0; i < READERS; i++)
        end_peer(&peers[i]);
}

#define COMMITS 150

/* Commits without waiting for anybody; what each did is its own. */
static void
write_many(struct fixture *f, int key)
{
    uint64_t last = 0;
    int64_t time = 0;
    char row[64];

    for (int i = 0; i < COMMITS; i++) {
        struct feature_commit commit;

        snprintf(row, sizeof row, "%d %d %d 0", key + i, i, i);
        commit = upsert(f, "v", NULL, row);
        assert_true(commit.sequence > last);
        assert_true(commit.time > time);
        assert_int_equal(commit.applied, 1);
        last = commit.sequence;
        time = commit.time;
    }
}

static void
write_many_as_another(struct fixture *f, struct peer *peer)
{
    open_store(f);
    write_many(f, (int)getpid() * COMMITS);
    give_turn(peer);
    close_store(f);
}

static void
writers_of_several_processes_share_one_dense_sequence(void **state)
{
    struct fixture *f = *state;
    struct peer peers[3];

    close_store(f);
    for (int i = 0; i < 3; i++)
        peers[i] = start_peer(f, write_many_as_another);
    open_store(f);
    write_many(f, 0);
    for (int i = 0; i < 3; i++) {
        take_turn(&peers[i]);
        end_peer(&peers[i]);
    }
    assert_int_equal(stats_of(f).sequence, 1 + 4 * COMMITS);
    assert_int_equal(stats_of(f).rows, 4 * COMMITS);
}

/* --- several handles in one process ---------------------------------------- */

static void
two_paths_to_one_store_share_one_environment(void **state)
{
    struct fixture *f = *state;
    char path[TEST_PATH_SIZE + 16];
    struct fixture other = *f;
    struct reader reader;

    snprintf(path, sizeof path, "%s/link", f->directory);
    assert_int_equal(symlink(f->path, path), 0);
    must(feature_store_open(path, &f->options, &other.store, &problem));
    reader = open_reader(&other, "v(*)", 0, "1");
    for (int i = 0; i < 3; i++) {
        char row[32], expected[32];

        snprintf(row, sizeof row, "1 100 %d 0", i);
        snprintf(expected, sizeof expected, "present %d 0", i);
        upsert(i % 2 ? &other : f, "v", NULL, row);
        expect_read(&reader, expected);
    }
    define(&other, "CREATE FEATURE VIEW v (c INT64 DEFAULT 4) FOR e");
    expect_rows(f, "v(*)", "1", "present 2 0 4*");
    close_store(f);
    upsert(&other, "v", NULL, "1 100 9 9 9");
    expect_read(&reader, "present 9 9");
    open_store(f);
    expect_rows(f, "v(*)", "1", "present 9 9 9");
    close_reader(&reader);
    feature_store_close(other.store);
    upsert(f, "v", NULL, "1 100 1 1 1");
}

static void
a_read_only_handle_reads_and_never_writes(void **state)
{
    struct fixture *f = *state;
    struct fixture reader = *f;
    feature_batch *batch;

    reader.options.flags = FEATURE_OPEN_READ_ONLY;
    reader.store = NULL;
    open_store(&reader);
    upsert(f, "v", NULL, "1 100 5 6");
    expect_rows(&reader, "v(*)", "1", "present 5 6");
    batch = make_batch(&reader, FEATURE_UPSERT, "v", NULL, "1 200 7 8");
    must_fail(
        feature_store_write(reader.store, &batch, 1, NULL, NULL, &problem),
        FEATURE_INVALID, "argument");
    must_fail(feature_store_apply(reader.store, "CREATE ENTITY x (k INT64)",
                                  NULL, NULL, &problem),
              FEATURE_INVALID, "argument");
    must_fail(feature_store_sync(reader.store, &problem), FEATURE_INVALID,
              "argument");
    feature_batch_free(batch);
    close_store(f);
    expect_rows(&reader, "v(*)", "1", "present 5 6");
    close_store(&reader);
    open_store(&reader);
    must_fail(feature_store_open(f->path, &f->options, &f->store, &problem),
              FEATURE_CONFLICT, "in-use");
    close_store(&reader);
    open_store(f);
    upsert(f, "v", NULL, "1 200 7 8");
}

static void
open_creates_only_when_asked_to(void **state)
{
    struct fixture *f = *state;
    struct feature_options options = {.struct_size = sizeof options};
    char path[TEST_PATH_SIZE + 16];
    feature_store *store = NULL;
    struct stat at;

    snprintf(path, sizeof path, "%s/new", f->directory);
    must_fail(feature_store_open(path, NULL, &store, &problem),
              FEATURE_NOT_FOUND, "no-store");
    assert_int_equal(stat(path, &at), -1);
    assert_int_equal(mkdir(path, 0700), 0);
    must_fail(feature_store_open(path, &options, &store, &problem),
              FEATURE_NOT_FOUND, "no-store");
    assert_int_equal(rmdir(path), 0); /* nothing was left in it */
    options.flags = FEATURE_OPEN_CREATE;
    must(feature_store_open(path, &options, &store, &problem));
    feature_store_close(store);
    options.flags = 0;
    must(feature_store_open(path, &options, &store, &problem));
    feature_store_close(store);
    store = NULL;
    snprintf(path, sizeof path, "%s/no/new", f->directory);
    options.flags = FEATURE_OPEN_CREATE;
    must_fail(feature_store_open(path, &options, &store, &problem),
              FEATURE_NOT_FOUND, "no-store");
    assert_null(store);
}

static void
create_at_the_same_time(struct fixture *f, struct peer *peer)
{
    char row[64];

    take_turn(peer);
    open_store(f);
    define(f, DEFINITIONS);
    snprintf(row, sizeof row, "%d 100 1 2", (int)getpid());
    upsert(f, "v", NULL, row);
    close_store(f);
}

static void
processes_that_create_one_store_at_once_all_find_it(void **state)
{
    struct fixture *f = *state;
    struct peer peers[READERS];

    for (int round = 0; round < 5; round++) {
        close_store(f);
        remove_directory(f->path);
        for (int i = 0; i < READERS; i++)
            peers[i] = start_peer(f, create_at_the_same_time);
        for (int i = 0; i < READERS; i++)
            give_turn(&peers[i]);
        for (int i = 0; i < READERS; i++)
            end_peer(&peers[i]);
        open_store(f);
        assert_int_equal(stats_of(f).sequence, 1 + READERS);
        assert_int_equal(stats_of(f).rows, READERS);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        PROCESS(a_second_writer_waits_until_its_deadline),
        PROCESS(a_writer_that_dies_leaves_nothing_behind),
        PROCESS(an_open_waits_for_others_that_open_until_its_deadline),
        PROCESS(every_reader_sees_a_commit_at_its_next_read),
        PROCESS(writers_of_several_processes_share_one_dense_sequence),
        PROCESS(two_paths_to_one_store_share_one_environment),
        PROCESS(a_read_only_handle_reads_and_never_writes),
        PROCESS(open_creates_only_when_asked_to),
        PROCESS(processes_that_create_one_store_at_once_all_find_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
