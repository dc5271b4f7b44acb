/* SPDX-License-Identifier: Apache-2.0 */
/* Loads between processes: readers, writers, owners that die, and full disks. */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "loads.h"
#include "peer.h"

#define KEYS    300
#define READERS 8
#define SWAPS   12

/* Every row of the version has its number. */
static struct feature_load_report
load_version(struct fixture *f, int version)
{
    static char rows[KEYS * 32];
    size_t size = 0;

    for (int i = 0; i < KEYS; i++)
        size += (size_t)sprintf(rows + size, "%s%d %d x", i ? "\n" : "", i,
                                version);
    return load_rows(f, rows);
}

/* --- readers --------------------------------------------------------------------- */

struct shared {
    atomic_int is_over;
    atomic_int reads[READERS];
    atomic_int versions[READERS];
};

static struct shared *shared;
static int reader_number;

/* Whatever one read answers is of one version. */
static int32_t
read_version(struct reader *reader, int64_t least)
{
    struct feature_column column;
    const int64_t *values;

    must(feature_request_read(reader->request, &problem));
    must(feature_request_column(reader->request, 0, &column, &problem));
    values = column.values;
    for (int i = 0; i < KEYS; i++) {
        assert_true(!column.validity || bit_at(column.validity, (uint32_t)i));
        assert_int_equal(values[i], values[0]);
    }
    assert_true(values[0] >= least);
    return (int32_t)values[0];
}

static void
read_on(struct fixture *f, struct peer *peer)
{
    static char keys[KEYS * 8];
    struct reader reader;
    int32_t last = 1, now, number = reader_number;
    size_t size = 0;

    for (int i = 0; i < KEYS; i++)
        size += (size_t)sprintf(keys + size, "%s%d", i ? "\n" : "", i);
    open_store(f);
    reader = open_reader(f, "v(a)", 0, keys);
    give_turn(peer);
    do {
        now = read_version(&reader, last);
        if (now != last)
            atomic_fetch_add(&shared->versions[number], 1);
        last = now;
        atomic_fetch_add(&shared->reads[number], 1);
    } while (!atomic_load(&shared->is_over));
    assert_int_equal(read_version(&reader, last), SWAPS);
    close_reader(&reader);
    close_store(f);
}

static void
readers_see_one_version_at_a_time(void **state)
{
    struct fixture *f = *state;
    struct peer peers[READERS];

    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(shared != MAP_FAILED);
    define(f, E PLAIN);
    load_version(f, 1);
    close_store(f);
    for (reader_number = 0; reader_number < READERS; reader_number++)
        peers[reader_number] = start_peer(f, read_on);
    for (int i = 0; i < READERS; i++)
        take_turn(&peers[i]);
    open_store(f);
    for (int i = 2; i <= SWAPS; i++) {
        load_version(f, i);
        for (int j = 0; j < READERS; j++) { /* each gets to read it */
            int before = atomic_load(&shared->reads[j]);

            while (atomic_load(&shared->reads[j]) < before + 2 &&
                   !waitpid(peers[j].pid, NULL, WNOHANG))
                sched_yield();
        }
    }
    atomic_store(&shared->is_over, 1);
    for (int i = 0; i < READERS; i++) {
        end_peer(&peers[i]);
        assert_true(atomic_load(&shared->versions[i]) > 0);
    }
    expect_good(f);
    munmap(shared, sizeof *shared);
}

/* --- writers ---------------------------------------------------------------------- */

/* Has handles of the trees that serve, and writes again after the swaps. */
static void
write_before_and_after(struct fixture *f, struct peer *peer)
{
    open_store(f);
    upsert(f, "v", "k, a, b", "1 1 peer");
    give_turn(peer);
    take_turn(peer);
    upsert(f, "v", "k, a, b", "2 2 peer");
    pass_turn(peer);
    upsert(f, "v", "k, a, b", "3 3 peer");
    pass_turn(peer);
    upsert(f, "v", "k, a, b", "4 4 peer");
    close_store(f);
}

static void
nobody_writes_into_a_version_that_was_replaced(void **state)
{
    struct fixture *f = *state;
    struct feature_maintain_options all = {.struct_size = sizeof all,
                                           .flags = FEATURE_MAINTAIN_ALL};
    struct peer peer;

    define(f, FED E "CREATE FEATURE VIEW v (a INT64, b STRING) FOR e "
                    "WITH (keep_versions = 0);");
    close_store(f);
    peer = start_peer(f, write_before_and_after);
    take_turn(&peer);
    open_store(f);
    load_rows(f, "1 10 load\n9 9 load"); /* drops the tree at once */
    pass_turn(&peer);
    expect_rows(f, "v(*)", "1\n2\n9",
                "present 10 load\npresent 2 peer\npresent 9 load");
    expect_good(f);
    load_rows(f, "1 11 load");
    load_rows(f, "1 12 load");
    pass_turn(&peer);
    expect_rows(f, "v(*)", "1\n2\n3",
                "present 12 load\nnot_found null null\npresent 3 peer");
    expect_good(f);
    define(f, "CREATE FEATURE VIEW v (a INT64, b STRING) FOR e "
              "WITH (keep_versions = 1);");
    load_rows(f, "1 13 load");
    roll_back(f, 0);
    must(feature_store_maintain(f->store, &all, NULL, &problem));
    give_turn(&peer);
    end_peer(&peer);
    expect_rows(f, "v(*)", "1\n3\n4",
                "present 12 load\npresent 3 peer\npresent 4 peer");
    expect_good(f);
}

/* Two processes: the load of the other one is named, and taken away once it is
 * dead. */
static void
begin_and_wait(struct fixture *f, struct peer *peer)
{
    feature_load *load;

    open_store(f);
    load = begin_load(f, (struct feature_load_options){.id = "theirs"});
    append(f, load, "k, a, b", "1 1 theirs");
    give_turn(peer);
    take_turn(peer);
    feature_load_free(load);
}

static void
an_owner_that_dies_leaves_the_old_version_and_its_name(void **state)
{
    struct fixture *f = *state;
    feature_load *load = NULL;
    struct peer peer;

    define(f, E PLAIN);
    upsert(f, "v", "k, a, b", "1 1 one");
    close_store(f);
    peer = start_peer(f, begin_and_wait);
    take_turn(&peer);
    open_store(f);
    must_fail(feature_load_begin(f->store, "v", NULL, &load, &problem),
              FEATURE_BUSY, "load");
    assert_non_null(strstr(problem.message, "theirs"));
    must(feature_store_maintain(f->store, NULL, NULL, &problem));
    assert_true(has_load(f, "\"state\":\"building\""));
    assert_true(has_metric(f, "loads{view=\"v\",state=\"building\"} 1"));
    assert_true(has_metric(f, "load_leftovers{view=\"v\"} 0"));
    kill(peer.pid, SIGKILL);
    waitpid(peer.pid, NULL, 0);
    expect_good(f);
    assert_true(has_load(f, "\"state\":\"interrupted\""));
    assert_true(has_metric(f, "loads{view=\"v\",state=\"interrupted\"} 1"));
    assert_true(has_metric(f, "loads{view=\"v\",state=\"building\"} 0"));
    assert_true(has_metric(f, "load_leftovers{view=\"v\"} 1"));
    expect_rows(f, "v(*)", "1", "present 1 one");
    must(feature_store_maintain(f->store, NULL, NULL, &problem));
    assert_false(has_load(f, "\"state\":\"interrupted\""));
    assert_true(has_metric(f, "load_leftovers{view=\"v\"} 0"));
    load = begin_load(f, (struct feature_load_options){.id = "theirs"});
    append(f, load, "k, a, b", "1 2 ours");
    commit_load(load);
    expect_rows(f, "v(*)", "1", "present 2 ours");
    expect_good(f);
    close(peer.to);
    close(peer.from);
}

static void
a_child_does_no_harm_to_its_parents_load(void **state)
{
    struct fixture *f = *state;
    feature_load *load;
    int status;
    pid_t child;

    define(f, E PLAIN);
    load = begin_load(f, (struct feature_load_options){.id = "x"});
    append(f, load, "k, a, b", "1 1 one");
    child = fork();
    if (!child) {
        struct feature_error error = {0};
        feature_status got = feature_load_commit(load, NULL, &error);

        feature_load_free(load);
        _exit(got == FEATURE_INVALID && !strcmp(error.reason, "forked") ? 0
                                                                        : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && !WEXITSTATUS(status));
    assert_true(has_load(f, "\"state\":\"building\""));
    append(f, load, "k, a, b", "2 2 two");
    assert_int_equal(commit_load(load).rows, 2);
    expect_good(f);
}

/* --- threads ------------------------------------------------------------------------ */

struct stream {
    struct fixture *f;
    atomic_int is_over;
    int written;
    uint64_t sequence[KEYS]; /* of the last write of a key; 0: none */
    int value[KEYS];
};

static void *
write_stream(void *context)
{
    struct stream *stream = context;

    while (!atomic_load(&stream->is_over) || stream->written < 50) {
        int key = stream->written % KEYS, value = 1000000 + stream->written;
        char row[40];

        snprintf(row, sizeof row, "%d %d stream", key, value);
        stream->sequence[key] = upsert(stream->f, "v", "k, a, b", row).sequence;
        stream->value[key] = value;
        stream->written++;
    }
    return NULL;
}

/* A key has what the stream wrote after the cut, or what was loaded. */
static void
expect_seam(const struct stream *stream, int version, uint64_t cut)
{
    char key[16], expected[40];

    for (int i = 0; i < KEYS; i += 7) {
        snprintf(key, sizeof key, "%d", i);
        if (stream->sequence[i] > cut)
            snprintf(expected, sizeof expected, "present %d stream",
                     stream->value[i]);
        else
            snprintf(expected, sizeof expected, "present %d x", version);
        expect_rows(stream->f, "v(*)", key, expected);
    }
    expect_good(stream->f);
}

static void
no_write_of_a_stream_is_lost(void **state)
{
    struct fixture *f = *state;
    struct stream stream = {.f = f};
    struct feature_load_report last, before;
    pthread_t thread;

    define(f, FED E PLAIN);
    last = load_version(f, 0);
    assert_int_equal(pthread_create(&thread, NULL, write_stream, &stream), 0);
    for (int i = 1; i < 12; i++) {
        before = last;
        last = load_version(f, i);
        if (i % 3 == 0)
            roll_back(f, 0);
    }
    atomic_store(&stream.is_over, 1);
    pthread_join(thread, NULL);
    expect_seam(&stream, 11, last.cut);
    roll_back(f, 0);
    expect_seam(&stream, 10, before.cut);
    roll_back(f, 0);
    expect_seam(&stream, 11, last.cut);
}

/* --- room ---------------------------------------------------------------------------- */

static void
a_full_store_keeps_the_old_version(void **state)
{
    struct fixture *f = *state;
    enum { ROWS = 1000 };
    static char rows[ROWS * 1100];
    feature_status status = FEATURE_OK;
    feature_load *load;
    feature_batch *batch;

    define(f, "STORE WITH (max_size = '16 MB');" E PLAIN);
    upsert(f, "v", "k, a, b", "1 1 one");
    load = begin_load(f, (struct feature_load_options){0});
    for (int part = 0; part < 40 && !status; part++) {
        size_t size = 0;

        for (int i = 0; i < ROWS; i++)
            size += (size_t)sprintf(rows + size, "%s%d %d %01000d",
                                    i ? "\n" : "", part * ROWS + i, i, i);
        batch = batch_of(f, "k, a, b", rows);
        status = feature_load_append(load, batch, &problem);
        feature_batch_free(batch);
    }
    assert_int_equal(status, FEATURE_FULL);
    must_fail(feature_load_commit(load, NULL, &problem), FEATURE_FULL,
              "map-full");
    feature_load_free(load);
    expect_good(f);
    expect_rows(f, "v(*)", "1\n2", "present 1 one\nnot_found null null");
    load_rows(f, "2 2 two");
    expect_rows(f, "v(*)", "1\n2", "not_found null null\npresent 2 two");
    expect_good(f);
}

/* There is no room for the list of those that a version gives back. */
static void
a_full_store_is_rid_of_a_large_load(void **state)
{
    struct fixture *f = *state;
    enum { ROWS = 9000, PARTS = 6, SIZE = 1000, AT_ONCE = 200 };
    static char rows[ROWS * (SIZE + 24)];
    struct feature_load_options options = {0};
    feature_status status = FEATURE_OK;
    feature_load *load;

    define(f, "STORE WITH (max_size = '80 MB');" E PLAIN
              "CREATE FEATURE VIEW w (b STRING) FOR e;");
    upsert(f, "v", "k, a, b", "1 1 one");
    load = begin_load(f, options);
    for (int part = 0; part < PARTS; part++) {
        for (int i = 0, at = 0; i < ROWS; i++)
            at += sprintf(rows + at, "%s%d 0 %0*d", i ? "\n" : "",
                          part * ROWS + i, SIZE, i);
        append(f, load, "k, a, b", rows);
    }
    for (int key = 0; !status; key++) {
        feature_batch *batch;

        for (int i = 0, at = 0; i < AT_ONCE; i++)
            at += sprintf(rows + at, "%s%d %0*d", i ? "\n" : "",
                          key * AT_ONCE + i, SIZE, i);
        batch = make_batch(f, FEATURE_UPSERT, "w", "k, b", rows);
        status = feature_store_write(f->store, &batch, 1, NULL, NULL, &problem);
        feature_batch_free(batch);
    }
    assert_int_equal(status, FEATURE_FULL);
    must(feature_load_abort(load, &problem));
    feature_load_free(load);
    assert_true(has_load(f, "\"aborted\""));
    expect_good(f);
    load_rows(f, "2 2 two");
    expect_rows(f, "v(*)", "1\n2", "not_found null null\npresent 2 two");
    expect_good(f);
}

static void
a_directory_for_sorting_that_is_not_there_is_named(void **state)
{
    struct fixture *f = *state;
    struct feature_load_options options = {.memory = 1,
                                           .directory = "/nowhere/at/all"};
    enum { ROWS = 2000 };
    static char rows[ROWS * 140];
    feature_status status;
    feature_load *load;
    feature_batch *batch;
    size_t size = 0;

    define(f, E PLAIN);
    load = begin_load(f, options);
    for (int i = ROWS; i > 0; i--)
        size += (size_t)sprintf(rows + size, "%s%d %d %0100d",
                                i < ROWS ? "\n" : "", i, i, i);
    batch = batch_of(f, "k, a, b", rows);
    status = feature_load_append(load, batch, &problem);
    if (!status)
        status = feature_load_commit(load, NULL, &problem);
    assert_int_equal(status, FEATURE_NOT_FOUND);
    assert_non_null(strstr(problem.message, "/nowhere/at/all"));
    feature_batch_free(batch);
    feature_load_free(load);
    expect_good(f);
}

/* --- pace ------------------------------------------------------------------------------ */

static void
a_load_keeps_to_its_pace(void **state)
{
    struct fixture *f = *state;
    struct feature_load_options options = {.rows_per_second = 3000};
    struct timespec begun, ended;
    feature_load *load;

    define(f, E PLAIN);
    clock_gettime(CLOCK_MONOTONIC, &begun);
    load = begin_load(f, options);
    for (int i = 0; i < 600; i++) {
        char row[40];

        snprintf(row, sizeof row, "%d %d x", i, i);
        append(f, load, "k, a, b", row);
    }
    commit_load(load);
    clock_gettime(CLOCK_MONOTONIC, &ended);
    assert_true((ended.tv_sec - begun.tv_sec) * 1000 +
                    (ended.tv_nsec - begun.tv_nsec) / 1000000 >=
                199);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(readers_see_one_version_at_a_time),
        TEST(nobody_writes_into_a_version_that_was_replaced),
        TEST(an_owner_that_dies_leaves_the_old_version_and_its_name),
        TEST(a_child_does_no_harm_to_its_parents_load),
        TEST(no_write_of_a_stream_is_lost),
        TEST(a_full_store_keeps_the_old_version),
        TEST(a_full_store_is_rid_of_a_large_load),
        TEST(a_directory_for_sorting_that_is_not_there_is_named),
        TEST(a_load_keeps_to_its_pace),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
