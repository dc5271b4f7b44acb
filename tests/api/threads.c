/* SPDX-License-Identifier: Apache-2.0 */
/* Threads: shared queries, writers beside readers, definitions beside both. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "common.h"

#define DEFINITIONS              \
    "CREATE ENTITY e (k INT64);" \
    "CREATE FEATURE VIEW v (a INT64 DEFAULT 0, b INT64, s STRING) FOR e;"

#define READERS 4
#define KEYS    64
#define COMMITS 200

static int
begin(void **state)
{
    if (fixture_begin(state))
        return -1;
    define(*state, DEFINITIONS);
    return 0;
}

#define THREADS(name) cmocka_unit_test_setup_teardown(name, begin, fixture_end)

/* cmocka's assertions belong to the main thread: others count what is wrong. */
struct shared {
    struct fixture *f;
    const feature_query *query;
    atomic_int is_over;
    atomic_uint wrong;
    atomic_uint reads;
    atomic_uint writes;
};

static void
check(struct shared *shared, int is_right, const char *what)
{
    if (is_right)
        return;
    if (!atomic_fetch_add(&shared->wrong, 1))
        print_error("%s: %d %s %s\n", what, problem.status, problem.reason,
                    problem.message);
}

#define CHECK(shared, expression) check((shared), (expression), #expression)

/* All rows of a snapshot are of one commit: a and b agree in all of them. */
static void
check_snapshot(struct shared *shared, const feature_request *request,
               uint64_t *last)
{
    struct feature_column columns[3];
    const int64_t *a, *b;

    CHECK(shared, !feature_request_columns(request, columns, 3, &problem));
    a = columns[0].values;
    b = columns[1].values;
    for (uint32_t i = 0; i < KEYS; i++) {
        CHECK(shared, a[i] == a[0]);
        CHECK(shared, b[i] == -a[0]);
    }
    CHECK(shared, feature_request_commit(request) >= *last);
    *last = feature_request_commit(request);
}

static void *
read_all_the_time(void *argument)
{
    struct shared *shared = argument;
    feature_request *request = NULL;
    int64_t keys[KEYS];
    uint64_t last = 0;

    for (int i = 0; i < KEYS; i++)
        keys[i] = i;
    CHECK(shared, !feature_request_create(shared->query, &request, &problem));
    CHECK(shared, !feature_request_set_key(request, 0, FEATURE_TYPE_INT64, keys,
                                           NULL, NULL, KEYS, &problem));
    do {
        CHECK(shared, !feature_request_read(request, &problem));
        check_snapshot(shared, request, &last);
        atomic_fetch_add(&shared->reads, 1);
    } while (!atomic_load(&shared->is_over));
    feature_request_free(request);
    return NULL;
}

/* Every commit gives all keys one number, and b its opposite. */
static void
write_number(struct shared *shared, feature_batch *batch, int64_t number)
{
    int64_t keys[KEYS], a[KEYS], b[KEYS];

    for (int i = 0; i < KEYS; i++) {
        keys[i] = KEYS - 1 - i;
        a[i] = number;
        b[i] = -number;
    }
    CHECK(shared, !feature_batch_set(batch, 0, FEATURE_TYPE_INT64, keys, NULL,
                                     NULL, KEYS, &problem));
    CHECK(shared, !feature_batch_set(batch, 1, FEATURE_TYPE_INT64, a, NULL,
                                     NULL, KEYS, &problem));
    CHECK(shared, !feature_batch_set(batch, 2, FEATURE_TYPE_INT64, b, NULL,
                                     NULL, KEYS, &problem));
    CHECK(shared, !feature_store_write(shared->f->store, &batch, 1, NULL, NULL,
                                       &problem));
    atomic_fetch_add(&shared->writes, 1);
}

static void *
write_all_the_time(void *argument)
{
    struct shared *shared = argument;
    feature_batch *batch = NULL;

    CHECK(shared, !feature_batch_create(shared->f->store, "v", "k, a, b",
                                        FEATURE_PATCH, &batch, &problem));
    for (int64_t i = 1; i <= COMMITS; i++)
        write_number(shared, batch, i);
    feature_batch_free(batch);
    return NULL;
}

/* Definitions that leave the query what it was. */
static void *
apply_all_the_time(void *argument)
{
    struct shared *shared = argument;
    char text[128];

    for (int i = 0; i < COMMITS / 4; i++) {
        snprintf(text, sizeof text,
                 "CREATE FEATURE VIEW v (a INT64 DEFAULT 0, new%d INT64) FOR e"
                 " WITH (ttl = '%d days')",
                 i, i % 7 + 1);
        CHECK(shared, !feature_store_apply(shared->f->store, text, NULL, NULL,
                                           &problem));
        snprintf(text, sizeof text, "DROP FEATURE v:new%d", i);
        CHECK(shared, !feature_store_apply(shared->f->store, text, NULL, NULL,
                                           &problem));
    }
    return NULL;
}

static void
start(pthread_t *thread, void *(*work)(void *), struct shared *shared)
{
    assert_int_equal(pthread_create(thread, NULL, work, shared), 0);
}

static void
prepare(struct shared *shared, struct fixture *f, struct reader *reader)
{
    feature_batch *batch;

    memset(shared, 0, sizeof *shared);
    shared->f = f;
    *reader = open_reader(f, "v(a, b, s)", FEATURE_FILL_STALE, NULL);
    shared->query = reader->query;
    batch = make_batch(f, FEATURE_PATCH, "v", "k, a, b", NULL);
    write_number(shared, batch, 0);
    feature_batch_free(batch);
}

static void
readers_see_whole_commits_while_others_write_and_define(void **state)
{
    struct fixture *f = *state;
    pthread_t readers[READERS], writer, definer;
    struct shared shared;
    struct reader reader;

    prepare(&shared, f, &reader);
    for (int i = 0; i < READERS; i++)
        start(&readers[i], read_all_the_time, &shared);
    start(&writer, write_all_the_time, &shared);
    start(&definer, apply_all_the_time, &shared);
    pthread_join(writer, NULL);
    pthread_join(definer, NULL);
    atomic_store(&shared.is_over, 1);
    for (int i = 0; i < READERS; i++)
        pthread_join(readers[i], NULL);
    assert_int_equal(atomic_load(&shared.wrong), 0);
    assert_true(atomic_load(&shared.reads) >= READERS);
    assert_int_equal(stats_of(f).sequence, 2 + COMMITS + COMMITS / 2);
    close_reader(&reader);
}

/* Each thread has keys of its own, and every commit its own number. */
struct own_writer {
    struct shared *shared;
    int64_t first;
    uint64_t sequences[COMMITS];
};

static void *
write_own_rows(void *argument)
{
    struct own_writer *own = argument;
    struct shared *shared = own->shared;
    feature_batch *batch = NULL;

    CHECK(shared, !feature_batch_create(shared->f->store, "v", "k, a",
                                        FEATURE_PATCH, &batch, &problem));
    for (int i = 0; i < COMMITS; i++) {
        struct feature_commit commit = {.struct_size = sizeof commit};
        int64_t key = own->first + i;

        CHECK(shared, !feature_batch_set(batch, 0, FEATURE_TYPE_INT64, &key,
                                         NULL, NULL, 1, &problem));
        CHECK(shared, !feature_batch_set(batch, 1, FEATURE_TYPE_INT64, &key,
                                         NULL, NULL, 1, &problem));
        CHECK(shared, !feature_store_write(shared->f->store, &batch, 1, NULL,
                                           &commit, &problem));
        CHECK(shared, commit.applied == 1);
        CHECK(shared, !i || commit.sequence > own->sequences[i - 1]);
        CHECK(shared, *feature_batch_outcomes(batch) == 1);
        own->sequences[i] = commit.sequence;
    }
    feature_batch_free(batch);
    return NULL;
}

static void
every_call_of_many_writers_is_a_commit_of_its_own(void **state)
{
    static struct own_writer own[READERS];
    struct fixture *f = *state;
    pthread_t threads[READERS];
    uint8_t seen[READERS * COMMITS + 2] = {0};
    struct shared shared = {.f = f};

    for (int i = 0; i < READERS; i++) {
        own[i] = (struct own_writer){.shared = &shared,
                                     .first = (int64_t)i * COMMITS};
        assert_int_equal(
            pthread_create(&threads[i], NULL, write_own_rows, &own[i]), 0);
    }
    for (int i = 0; i < READERS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&shared.wrong), 0);
    for (int i = 0; i < READERS; i++)
        for (int j = 0; j < COMMITS; j++) {
            assert_in_range(own[i].sequences[j], 2, READERS * COMMITS + 1);
            assert_int_equal(seen[own[i].sequences[j]]++, 0);
        }
    assert_int_equal(stats_of(f).sequence, READERS * COMMITS + 1);
    assert_int_equal(stats_of(f).rows, READERS * COMMITS);
}

static void *
free_own_request(void *argument)
{
    struct shared *shared = argument;
    feature_request *request = NULL;
    int64_t key = 1;

    CHECK(shared, !feature_request_create(shared->query, &request, &problem));
    CHECK(shared, !feature_request_set_key(request, 0, FEATURE_TYPE_INT64, &key,
                                           NULL, NULL, 1, &problem));
    CHECK(shared, !feature_request_read(request, &problem));
    atomic_fetch_add(&shared->reads, 1);
    while (!atomic_load(&shared->is_over))
        sched_yield();
    CHECK(shared, feature_request_read(request, &problem) == FEATURE_INVALID);
    CHECK(shared, !strcmp(problem.reason, "closed"));
    feature_request_free(request);
    return NULL;
}

static void
a_store_is_closed_beside_requests_that_are_idle(void **state)
{
    struct fixture *f = *state;
    pthread_t threads[READERS];
    struct shared shared;
    struct reader reader;

    prepare(&shared, f, &reader);
    for (int i = 0; i < READERS; i++)
        start(&threads[i], free_own_request, &shared);
    while (atomic_load(&shared.reads) < READERS)
        sched_yield();
    close_store(f);
    atomic_store(&shared.is_over, 1);
    for (int i = 0; i < READERS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&shared.wrong), 0);
    close_reader(&reader);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        THREADS(readers_see_whole_commits_while_others_write_and_define),
        THREADS(every_call_of_many_writers_is_a_commit_of_its_own),
        THREADS(a_store_is_closed_beside_requests_that_are_idle),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
