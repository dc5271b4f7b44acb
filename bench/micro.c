/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pieces of a read, one by one: decoding, checksum, transactions.
 *
 * Owns the only look of the bench into the library; the rest of it uses the
 * public API alone.
 * Keeps its hundred rows in the nearest caches, so that instructions count and
 * memory does not.
 * Never prints for people: `speed` runs it and reads its lines.
 *
 *     micro [--quick] DIRECTORY
 */
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"
#include "store.h"

#include "base/crc32c.h"
#include "store/request.h"

#define ROWS    100
#define REPEAT  300 /* turns over all rows in a sample */
#define CALLS   20000
#define HANDLES 1024 /* maxdbs of the library */

/* A request that was read once, whose rows stay where they are. */
struct hot {
    struct dataset data;
    char path[PATH_SIZE];
    feature_store *store;
    feature_query *query;
    feature_request *request;
    int64_t keys[ROWS];
    float matrix[ROWS * BLOCK];
    uint8_t copies[ROWS * 256];
};

/* For `speed`: name, unit, spread, discarded, rounds; then the methods. */
void
report_contest(const struct contest *contest)
{
    printf("contest\t%s\t%s\t%s\t%f\t%u\t%u\t%u\n", contest->name,
           contest->unit, contest->place, contest->spread, contest->discarded,
           contest->rounds, contest->baseline);
    for (unsigned i = 0; i < contest->count; i++) {
        printf("method\t%s", contest->methods[i].name);
        for (unsigned j = 0; j < contest->rounds; j++)
            printf("\t%f", contest->methods[i].values[j]);
        printf("\n");
    }
}

static void
read_hot(struct hot *hot, uint32_t rows)
{
    struct feature_error error;

    bench_must(feature_request_set_key(hot->request, 0, FEATURE_TYPE_INT64,
                                       hot->keys, NULL, NULL, rows, &error),
               &error);
    bench_must(
        feature_request_read_matrix(hot->request, hot->matrix, BLOCK, &error),
        &error);
}

static void
make_hot(struct hot *hot, const char *directory, const char *name,
         uint32_t vector)
{
    struct feature_query_options options = {.struct_size = sizeof options,
                                            .flags = FEATURE_QUERY_MATRIX};
    struct feature_error error;
    char *features;

    hot->data = (struct dataset){.name = name,
                                 .rows = ROWS,
                                 .views = 1,
                                 .shape = {.blocks = 1, .vector = vector}};
    store_path(hot->path, directory, name, "");
    store_build(&hot->data, hot->path);
    hot->store = store_open(hot->path, 0);
    features = dataset_query(&hot->data, 1);
    bench_must(feature_query_create(hot->store, features, &options, &hot->query,
                                    &error),
               &error);
    bench_must(feature_request_create(hot->query, &hot->request, &error),
               &error);
    free(features);
    for (uint32_t i = 0; i < ROWS; i++)
        hot->keys[i] = dataset_number(i);
    read_hot(hot, ROWS);
}

static void
free_hot(struct hot *hot)
{
    feature_request_free(hot->request);
    feature_query_free(hot->query);
    feature_store_close(hot->store);
    store_remove(hot->path);
}

static void
use(const void *memory)
{
    __asm__ volatile("" : : "r"(memory) : "memory");
}

static double
per_row(uint64_t begun)
{
    return (double)(bench_clock() - begun) / REPEAT / ROWS;
}

static double
run_memcpy(void *context)
{
    struct hot *hot = context;
    const struct lf_job *jobs = lf_request_jobs(hot->request);
    uint64_t begun = bench_clock();

    for (int turn = 0; turn < REPEAT; turn++)
        for (int i = 0; i < ROWS; i++) {
            memcpy(hot->copies + i * 256, jobs[i].value, jobs[i].size);
            use(hot->copies);
        }
    return per_row(begun);
}

static double
run_decode(void *context)
{
    struct hot *hot = context;
    struct lf_sink sink = {.matrix = hot->matrix, .stride = BLOCK};
    uint64_t begun = bench_clock();

    for (int turn = 0; turn < REPEAT; turn++) {
        if (lf_answer_view(hot->request, 0, &sink, NULL))
            bench_fail("a row did not decode");
        use(hot->matrix);
    }
    return per_row(begun);
}

static double
run_by_hand(void *context)
{
    struct hot *hot = context;
    const struct lf_job *jobs = lf_request_jobs(hot->request);
    uint64_t begun = bench_clock();

    for (int turn = 0; turn < REPEAT; turn++)
        for (int i = 0; i < ROWS; i++) {
            rows_decode(&hot->data.shape, jobs[i].value,
                        hot->matrix + i * BLOCK);
            use(hot->matrix);
        }
    return per_row(begun);
}

static double
run_checksum(void *context)
{
    struct hot *hot = context;
    const struct lf_job *jobs = lf_request_jobs(hot->request);
    uint64_t begun = bench_clock();
    uint32_t sum = 0;

    for (int turn = 0; turn < REPEAT; turn++)
        for (int i = 0; i < ROWS; i++)
            sum ^= lf_row_checksum(1, jobs[i].key, jobs[i].key_size,
                                   jobs[i].value, jobs[i].size);
    use(&sum);
    return per_row(begun);
}

/* The same, as a machine without the instruction has it. */
static double
run_table(void *context)
{
    struct hot *hot = context;
    const struct lf_job *jobs = lf_request_jobs(hot->request);
    uint64_t begun = bench_clock();
    uint32_t sum = 0;

    for (int turn = 0; turn < REPEAT; turn++)
        for (int i = 0; i < ROWS; i++)
            sum ^= lf_crc32c_table(
                lf_crc32c_table(1, jobs[i].key, jobs[i].key_size),
                jobs[i].value + 4, jobs[i].size - 4);
    use(&sum);
    return per_row(begun);
}

static void
run_rows(struct hot *narrow, struct hot *full)
{
    struct contest contest = {.name = "100 hot rows, 20 features",
                              .unit = "ns/row",
                              .place = "L1/L2"};

    contest_add(&contest, "memcpy of 125 bytes", run_memcpy, narrow);
    contest_add(&contest, "decode of 125 bytes, libfeature", run_decode,
                narrow);
    contest_add(&contest, "decode of 125 bytes, by hand", run_by_hand, narrow);
    contest_add(&contest, "checksum of 125 bytes", run_checksum, narrow);
    contest_add(&contest, "checksum of 125 bytes, table code", run_table,
                narrow);
    contest_add(&contest, "memcpy of 253 bytes", run_memcpy, full);
    contest_add(&contest, "checksum of 253 bytes", run_checksum, full);
    contest_add(&contest, "checksum of 253 bytes, table code", run_table, full);
    contest_run(&contest);
}

static double
run_reader(void *context)
{
    struct hot *hot = context;
    uint64_t begun = bench_clock();

    for (int i = 0; i < CALLS; i++) {
        struct lf_reader *reader;

        if (lf_reader_begin(hot->store->environment, &reader, NULL))
            bench_fail("no read transaction");
        lf_reader_end(reader);
    }
    return (double)(bench_clock() - begun) / CALLS;
}

static double
run_call(void *context)
{
    uint64_t begun = bench_clock();

    for (int i = 0; i < CALLS; i++)
        read_hot(context, 1);
    return (double)(bench_clock() - begun) / CALLS;
}

static double
run_set_key(void *context)
{
    struct hot *hot = context;
    uint64_t begun = bench_clock();

    for (int i = 0; i < CALLS; i++)
        feature_request_set_key(hot->request, 0, FEATURE_TYPE_INT64, hot->keys,
                                NULL, NULL, 1, NULL);
    return (double)(bench_clock() - begun) / CALLS;
}

static void
must(int code)
{
    if (code)
        bench_fail("LMDB: %s", mdb_strerror(code));
}

static double
run_renew(void *context)
{
    uint64_t begun = bench_clock();

    for (int i = 0; i < CALLS; i++) {
        must(mdb_txn_renew(context));
        mdb_txn_reset(context);
    }
    return (double)(bench_clock() - begun) / CALLS;
}

static double
run_begin(void *context)
{
    uint64_t begun = bench_clock();

    for (int i = 0; i < CALLS; i++) {
        MDB_txn *txn;

        must(mdb_txn_begin(context, NULL, MDB_RDONLY, &txn));
        mdb_txn_abort(txn);
    }
    return (double)(bench_clock() - begun) / CALLS;
}

static void
run_calls(struct hot *hot, const char *directory)
{
    struct contest contest = {.name = "what a read call costs by itself",
                              .unit = "ns/call",
                              .place = "L1/L2"};
    char path[PATH_SIZE];
    MDB_txn *txn;
    MDB_env *env;

    store_path(path, directory, "micro", "-raw");
    store_directory(path);
    must(mdb_env_create(&env));
    must(mdb_env_set_maxdbs(env, HANDLES));
    must(mdb_env_open(env, path, MDB_NOTLS, 0600));
    must(mdb_txn_begin(env, NULL, MDB_RDONLY, &txn));
    mdb_txn_reset(txn);
    contest_add(&contest, "mdb_txn_renew and reset", run_renew, txn);
    contest_add(&contest, "mdb_txn_begin and abort, maxdbs 1,024", run_begin,
                env);
    contest_add(&contest, "libfeature's reader, begin and end", run_reader,
                hot);
    contest_add(&contest, "feature_request_set_key, one key", run_set_key, hot);
    contest_add(&contest, "set_key and read_matrix, one hot key", run_call,
                hot);
    contest_run(&contest);
    mdb_txn_abort(txn);
    mdb_env_close(env);
    store_remove(path);
}

int
main(int count, char **arguments)
{
    static struct hot narrow, full;
    const char *directory = arguments[count - 1];

    if (count < 2)
        bench_fail("micro [--quick] DIRECTORY");
    settings.quick = count > 2;
    bench_pin(0);
    make_hot(&narrow, directory, "micro", 0);
    make_hot(&full, directory, "micro-full", 32);
    run_rows(&narrow, &full);
    run_calls(&full, directory);
    free_hot(&narrow);
    free_hot(&full);
    return 0;
}
