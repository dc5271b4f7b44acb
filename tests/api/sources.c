/* SPDX-License-Identifier: Apache-2.0 */
/* Source offsets: a record of a source counts once. */
#include <pthread.h>
#include <stdbool.h>

#include "common.h"

#define TRIPS                             \
    "CREATE ENTITY trip (trip_id INT64);" \
    "CREATE FEATURE VIEW trips (n INT64) FOR trip;"

static struct feature_source
source_of(const char *name, uint32_t partition, uint64_t first, uint64_t next)
{
    return (struct feature_source){.name = name,
                                   .partition = partition,
                                   .first_offset = first,
                                   .next_offset = next};
}

static feature_status
write_from(struct fixture *f, const char *row,
           const struct feature_source *sources, uint32_t count,
           struct feature_commit *commit)
{
    struct feature_write_options options = {.struct_size = sizeof options,
                                            .sources = sources,
                                            .source_count = count};
    feature_batch *batch = NULL;
    feature_status status;

    if (row)
        batch = make_batch(f, FEATURE_UPSERT, "trips", NULL, row);
    *commit = (struct feature_commit){.struct_size = sizeof *commit};
    status = feature_store_write(f->store, &batch, batch != NULL, &options,
                                 commit, &problem);
    feature_batch_free(batch);
    return status;
}

static void
expect_offset(struct fixture *f, const char *name, uint32_t partition,
              uint64_t expected)
{
    uint64_t next = 0;

    must(feature_store_offset(f->store, name, partition, &next, NULL, NULL,
                              &problem));
    assert_int_equal(next, expected);
}

/* One partition, stored up to 10, then each kind of call. */
static void
a_source_is_read_on_replayed_refused_or_jumped(void **state)
{
    static const struct {
        uint64_t first, next;
        int outcome; /* 0: applied, 1: a replay, 2: refused */
    } calls[] = {{10, 20, 0}, {0, 10, 1},  {5, 10, 1}, {0, 5, 1},
                 {10, 10, 1}, {9, 11, 2},  {0, 20, 2}, {15, 20, 0},
                 {11, 11, 0}, {10, 11, 0}, {7, 7, 1},  {0, 0, 1}};
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        struct feature_source stored = source_of("orders", 3, 0, 10);
        struct feature_source next =
            source_of("orders", 3, calls[i].first, calls[i].next);
        struct feature_commit commit;

        start_again(f);
        define(f, TRIPS);
        must(write_from(f, "1 1 1", &stored, 1, &commit));
        assert_int_equal(commit.sequence, 2);
        if (calls[i].outcome == 2) {
            must_fail(write_from(f, "1 2 2\n2 2 2", &next, 1, &commit),
                      FEATURE_CONFLICT, "overlap");
        } else {
            must(write_from(f, "1 2 2\n2 2 2", &next, 1, &commit));
            assert_int_equal(commit.duplicate, calls[i].outcome ? 2 : 0);
            assert_int_equal(commit.applied, calls[i].outcome ? 0 : 2);
            assert_int_equal(commit.sequence, calls[i].outcome ? 2 : 3);
        }
        expect_offset(f, "orders", 3, calls[i].outcome ? 10 : calls[i].next);
        expect_rows(f, "trips(*)", "1",
                    calls[i].outcome ? "present 1" : "present 2");
        assert_int_equal(stats_of(f).sequence, calls[i].outcome ? 2 : 3);
    }
}

static void
an_offset_alone_is_a_commit(void **state)
{
    struct fixture *f = *state;
    struct feature_source source = source_of("orders", 0, 0, 4);
    struct feature_commit commit;
    uint64_t next = 99;

    must_fail(feature_store_offset(f->store, "orders", 0, &next, NULL, NULL,
                                   &problem),
              FEATURE_NOT_FOUND, "name");
    assert_int_equal(next, 99);
    must(write_from(f, NULL, &source, 1, &commit));
    assert_int_equal(commit.sequence, 1);
    must(write_from(f, NULL, &source, 1, &commit));
    assert_int_equal(commit.sequence, 1);
    expect_offset(f, "orders", 0, 4);
}

static void
sources_of_one_call_are_all_new_or_all_replayed(void **state)
{
    struct fixture *f = *state;
    struct feature_source two[] = {source_of("a", 0, 0, 10),
                                   source_of("a", 1, 0, 10)};
    struct feature_commit commit;

    define(f, TRIPS);
    must(write_from(f, "1 1 1", two, 2, &commit));
    must(write_from(f, "1 2 2", two, 2, &commit));
    assert_int_equal(commit.duplicate, 1);
    two[1] = source_of("a", 1, 10, 20);
    must_fail(write_from(f, "1 2 2", two, 2, &commit), FEATURE_CONFLICT,
              "overlap");
    assert_non_null(strstr(problem.message, "\"a\" partition 0"));
    two[0] = source_of("a", 0, 10, 20);
    must(write_from(f, "1 2 2", two, 2, &commit));
    assert_int_equal(commit.applied, 1);
    two[1] = two[0];
    must_fail(write_from(f, "1 3 3", two, 2, &commit), FEATURE_INVALID,
              "argument");
    two[0] = source_of("", 0, 0, 1);
    must_fail(write_from(f, "1 3 3", two, 1, &commit), FEATURE_INVALID,
              "argument");
    two[0] = source_of("a", 0, 31, 30);
    must_fail(write_from(f, "1 3 3", two, 1, &commit), FEATURE_INVALID,
              "argument");
}

static void
a_failed_call_leaves_the_offset_where_it_was(void **state)
{
    struct fixture *f = *state;
    struct feature_source source = source_of("a", 0, 0, 10);
    struct feature_write_options options = {
        .struct_size = sizeof options, .sources = &source, .source_count = 1};
    feature_batch *batch;
    uint64_t next;

    define(f, "CREATE ENTITY t (k STRING);"
              "CREATE FEATURE VIEW v (s STRING NOT NULL) FOR t;");
    batch = make_batch(f, FEATURE_UPSERT, "v", NULL, "a 1 null");
    must_fail(
        feature_store_write(f->store, &batch, 1, &options, NULL, &problem),
        FEATURE_INVALID, NULL);
    must_fail(
        feature_store_offset(f->store, "a", 0, &next, NULL, NULL, &problem),
        FEATURE_NOT_FOUND, "name");
    feature_batch_free(batch);
}

static void
a_position_comes_back_byte_for_byte(void **state)
{
    struct fixture *f = *state;
    struct feature_source source = source_of("binlog", 0, 0, 1);
    struct feature_commit commit;
    uint32_t size = 0;
    char *position = NULL;
    uint64_t next;

    source.position = "a\0b";
    source.position_size = 4;
    must(write_from(f, NULL, &source, 1, &commit));
    open_again(f);
    must(feature_store_offset(f->store, "binlog", 0, &next, &position, &size,
                              &problem));
    assert_int_equal(size, 4);
    assert_memory_equal(position, "a\0b", 4);
    feature_free(position);
}

#define THREADS 8
#define CALLS   40

struct worker {
    struct fixture *f;
    uint32_t partition;
    bool failed;
};

/* Each call twice: once it counts. */
static void *
ingest(void *context)
{
    struct worker *worker = context;
    feature_batch *batch = NULL;
    int64_t key = worker->partition, time, n;

    worker->failed = feature_batch_create(worker->f->store, "trips", NULL,
                                          FEATURE_UPSERT, &batch, NULL) != 0;
    for (uint64_t i = 0; i < CALLS * 2 && !worker->failed; i++) {
        struct feature_source source =
            source_of("topic", worker->partition, i / 2, i / 2 + 1);
        struct feature_write_options options = {.struct_size = sizeof options,
                                                .sources = &source,
                                                .source_count = 1};
        struct feature_commit commit = {.struct_size = sizeof commit};

        n = (int64_t)i;
        time = 1000 + (int64_t)i;
        worker->failed = feature_batch_set(batch, 0, FEATURE_TYPE_INT64, &key,
                                           NULL, NULL, 1, NULL) ||
                         feature_batch_set(batch, 1, FEATURE_TYPE_TIMESTAMP,
                                           &time, NULL, NULL, 1, NULL) ||
                         feature_batch_set(batch, 2, FEATURE_TYPE_INT64, &n,
                                           NULL, NULL, 1, NULL) ||
                         feature_store_write(worker->f->store, &batch, 1,
                                             &options, &commit, NULL) ||
                         commit.applied != 1 - (i & 1) ||
                         commit.duplicate != (i & 1);
    }
    feature_batch_free(batch);
    return NULL;
}

static void
calls_that_share_a_transaction_keep_their_offsets_apart(void **state)
{
    struct fixture *f = *state;
    struct worker workers[THREADS];
    pthread_t threads[THREADS];
    struct feature_verify_report report = {.struct_size = sizeof report};
    char *text = NULL;

    define(f, TRIPS "STORE WITH (changes = '1 day');");
    for (uint32_t i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.f = f, .partition = i};
        assert_int_equal(pthread_create(&threads[i], NULL, ingest, &workers[i]),
                         0);
    }
    for (uint32_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (uint32_t i = 0; i < THREADS; i++) {
        assert_false(workers[i].failed);
        expect_offset(f, "topic", i, CALLS);
    }
    assert_int_equal(stats_of(f).sequence, 1 + THREADS * CALLS);
    /* Its change feed has each of them, in one chain. */
    must(feature_store_verify(f->path, NULL, &report, &text, &problem));
    assert_string_equal(text, "");
    feature_free(text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_source_is_read_on_replayed_refused_or_jumped),
        TEST(an_offset_alone_is_a_commit),
        TEST(sources_of_one_call_are_all_new_or_all_replayed),
        TEST(a_failed_call_leaves_the_offset_where_it_was),
        TEST(a_position_comes_back_byte_for_byte),
        TEST(calls_that_share_a_transaction_keep_their_offsets_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
