/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Durable commits on the real disk.
 *
 * Owns the writer threads, and a copy of the base point's store to write to.
 * Keeps every commit synchronous; what the disk does to them is part of the
 * figure.
 * Never compares these with figures on tmpfs.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "raw.h"
#include "speed.h"

#define WRITERS 32
#define SAMPLES 200000 /* latencies kept */
#define MAP     ((uint64_t)16 << 30)

/* Writers of one row a commit, for a stretch of time. */
struct durable {
    const struct dataset *data;
    feature_store *store;
    struct raw_writer *raw; /* instead of the store */
    uint32_t view_id;
    unsigned writers;
    uint64_t nanoseconds;
    uint64_t until;
    _Atomic(int64_t) *time; /* ever later, of all of them */
    _Atomic(uint64_t) commits;
    double *latencies; /* microseconds */
};

static void
keep_latency(struct durable *durable, uint64_t begun)
{
    uint64_t at = durable->commits++;

    if (at < SAMPLES)
        durable->latencies[at] = (double)(bench_clock() - begun) / 1000;
}

static void *
run_writer(void *context)
{
    struct durable *durable = context;
    struct columns *columns = columns_make(durable->data, 1);
    feature_batch *batch = store_batch(durable->store, 0);
    struct random random = {(uint64_t)++ * durable->time};
    struct feature_error error;

    while (bench_clock() < durable->until) {
        uint64_t id = random_below(&random, durable->data->rows), begun;

        columns_fill(columns, 0, &id, 1, ++*durable->time);
        begun = bench_clock();
        columns_set(columns, batch);
        bench_must(
            feature_store_write(durable->store, &batch, 1, NULL, NULL, &error),
            &error);
        keep_latency(durable, begun);
    }
    feature_batch_free(batch);
    columns_free(columns);
    return NULL;
}

static void *
run_raw_writer(void *context)
{
    struct durable *durable = context;
    struct encoded *encoded = encoded_make(durable->data, 1);
    struct random random = {950};

    while (bench_clock() < durable->until) {
        uint64_t id = random_below(&random, durable->data->rows), begun;

        encoded_fill(encoded, durable->data, durable->view_id, &id, 1,
                     ++*durable->time);
        begun = bench_clock();
        raw_writer_upsert(durable->raw, encoded);
        keep_latency(durable, begun);
    }
    encoded_free(encoded);
    return NULL;
}

/* Commits a second. */
static double
run_durable(void *context)
{
    struct durable *durable = context;
    uint64_t before = durable->commits, begun = bench_clock();
    pthread_t threads[WRITERS];

    durable->until = begun + durable->nanoseconds;
    for (unsigned i = 0; i < durable->writers; i++)
        if (pthread_create(&threads[i], NULL,
                           durable->raw ? run_raw_writer : run_writer, durable))
            bench_fail("no thread");
    for (unsigned i = 0; i < durable->writers; i++)
        pthread_join(threads[i], NULL);
    return (double)(durable->commits - before) * 1e9 /
           (double)(bench_clock() - begun);
}

static void
report_latencies(const char *name, struct durable *durable)
{
    size_t count = durable->commits < SAMPLES ? durable->commits : SAMPLES;
    char line[100];

    snprintf(line, sizeof line, "%s: p50 of a commit", name);
    report_fact(line, percentile_of(durable->latencies, count, 0.5), "us");
    snprintf(line, sizeof line, "%s: p99 of a commit", name);
    report_fact(line, percentile_of(durable->latencies, count, 0.99), "us");
    free(durable->latencies);
}

static void
run_group(struct bed *bed, struct raw_writer *raw)
{
    static const char *const names[] = {
        "raw LMDB, 1 writer", "libfeature, 1 writer", "libfeature, 32 writers"};
    struct contest contest = {.name = "durable commits of one row",
                              .unit = "commits/s",
                              .place = report_place(settings.disk),
                              .rounds = (unsigned)bench_choose(5, 3),
                              .limit = 1000};
    static _Atomic(int64_t) time = FIRST_TIME + 1000000000;
    struct durable all[3];

    for (unsigned i = 0; i < 3; i++) {
        all[i] =
            (struct durable){.data = &bed->data,
                             .store = bed->store,
                             .raw = i ? NULL : raw,
                             .view_id = raw_view_id(bed->raw, 0),
                             .writers = i == 2 ? WRITERS : 1,
                             .nanoseconds = bench_choose(1000000000, 500000000),
                             .time = &time,
                             .latencies = bench_alloc(SAMPLES, sizeof(double))};
        contest_add(&contest, names[i], run_durable, &all[i]);
    }
    contest_run(&contest);
    report_ratio("group_commit_32",
                 contest_ratio(&contest, names[2], names[1]));
    for (unsigned i = 0; i < 3; i++)
        report_latencies(names[i], &all[i]);
}

/* Bytes this process has handed to write calls. The line write_bytes counts
 * whole folios of the page cache, up to a megabyte for one page. */
static double
written_bytes(void)
{
    FILE *file = fopen("/proc/self/io", "r");
    char line[128];
    double bytes = 0;

    while (file && fgets(line, sizeof line, file))
        if (!strncmp(line, "wchar:", 6))
            bytes = strtod(line + 6, NULL);
    if (file)
        fclose(file);
    return bytes;
}

/* Bytes written for each byte of the rows, at one size of commit. */
static void
run_amplification(struct bed *bed, struct raw_writer *raw, uint32_t rows,
                  unsigned commits, int64_t time)
{
    double payload = (double)rows * commits * rows_size(&bed->data.shape);
    struct columns *columns = columns_make(&bed->data, rows);
    struct encoded *encoded = encoded_make(&bed->data, rows);
    feature_batch *batch = store_batch(bed->store, 0);
    uint64_t *ids = bench_alloc(rows, sizeof *ids);
    struct random random = {rows};
    double ours = 0, theirs = 0, before;
    char name[100];

    for (unsigned i = 0; i < commits; i++) {
        for (uint32_t j = 0; j < rows; j++)
            ids[j] = random_below(&random, bed->data.rows);
        columns_fill(columns, 0, ids, rows, time + i);
        columns_set(columns, batch);
        encoded_fill(encoded, &bed->data, raw_view_id(bed->raw, 0), ids, rows,
                     time + i);
        before = written_bytes();
        store_write(bed->store, batch);
        ours += written_bytes() - before;
        before = written_bytes();
        raw_writer_upsert(raw, encoded);
        theirs += written_bytes() - before;
    }
    snprintf(name, sizeof name,
             "libfeature: bytes written per row byte, "
             "%u a commit",
             rows);
    report_fact(name, ours / payload, "x");
    snprintf(name, sizeof name,
             "raw LMDB: bytes written per row byte, "
             "%u a commit",
             rows);
    report_fact(name, theirs / payload, "x");
    feature_batch_free(batch);
    columns_free(columns);
    encoded_free(encoded);
    free(ids);
}

void
part_commits(struct bed *base)
{
    int64_t later = FIRST_TIME + INT64_C(1000000000000);
    struct bed bed = *base;
    char raw_path[PATH_SIZE];
    struct raw_writer *raw;

    bench_unpin();
    store_path(bed.store_path, settings.disk, "commits", "");
    store_path(raw_path, settings.disk, "commits", "-raw");
    store_copy(base->raw_path, bed.store_path);
    store_copy(base->raw_path, raw_path);
    bed.store = store_open(bed.store_path, 0);
    raw = raw_writer_open(raw_path, MAP);
    run_group(&bed, raw);
    run_amplification(&bed, raw, 1, 100, later);
    run_amplification(&bed, raw, 100, 20, later + 1000);
    run_amplification(&bed, raw, 10000, 3, later + 2000);
    feature_store_close(bed.store);
    raw_writer_close(raw);
    store_remove(bed.store_path);
    store_remove(raw_path);
    bench_pin(0);
}
