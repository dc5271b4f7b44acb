/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several views of one entity, and what a service sees of them.
 *
 * Owns a store of ten views.
 * Keeps one request to one call: all views of the entities at once.
 * Never drops a slow call from the percentiles.
 */
#include <stdio.h>
#include <stdlib.h>

#include "speed.h"

#define CALLS     20000 /* of a stretch whose latencies are kept */
#define STRETCHES 5

static void
compare(struct bed *bed, uint32_t views, size_t batch)
{
    struct contest contest = {.unit = "ns/entity",
                              .place = report_place(settings.disk)};
    struct workload workload;
    struct timed timed[2];

    snprintf(contest.name, sizeof contest.name,
             "%zu %s x %u views x 20 features", batch,
             batch > 1 ? "entities" : "entity", views);
    workload_init(&workload, &bed->data, UNIFORM, batch, SAMPLE, 500 + views);
    timed[0] = (struct timed){.reader = reader_raw(bed->raw, views, false),
                              .workload = &workload};
    timed[1] = (struct timed){
        .reader = reader_libfeature(&bed->data, bed->store, views),
        .workload = &workload};
    for (unsigned i = 0; i < 2; i++)
        contest_add(&contest, timed[i].reader->name, timed_run, &timed[i]);
    contest_run(&contest);
    if (views == 5 && batch == 1)
        report_ratio("views5_vs_mdb_get",
                     contest_ratio(&contest, "libfeature", "raw mdb_get"));
    for (unsigned i = 0; i < 2; i++)
        reader_close(timed[i].reader);
    workload_free(&workload);
}

/* Latencies of single calls, for percentiles. */
struct latencies {
    const char *name;
    struct reader *reader;
    struct committer *committer; /* runs meanwhile, or NULL */
    double *values;
    size_t count;
};

static void
measure(struct latencies *latencies, struct workload *workload)
{
    workload_fill(workload);
    if (latencies->committer)
        committer_resume(latencies->committer);
    for (size_t i = 0; i < CALLS; i++) {
        uint64_t begun = bench_clock();

        latencies->reader->read(latencies->reader, &workload->keys, i, 1,
                                workload->matrix);
        latencies->values[latencies->count++] =
            (double)(bench_clock() - begun) / 1000;
    }
    if (latencies->committer)
        committer_pause(latencies->committer);
}

static void
report_latencies(struct latencies *latencies)
{
    static const double shares[] = {0.5, 0.99, 0.999};
    static const char *const names[] = {"p50", "p99", "p99.9"};
    char name[100];

    for (unsigned i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "%s, %s", latencies->name, names[i]);
        report_fact(
            name, percentile_of(latencies->values, latencies->count, shares[i]),
            "us");
    }
    free(latencies->values);
}

/* One entity, ten views, 200 features in all: the call of a scoring
 * service. */
static void
serve(struct bed *bed)
{
    struct reader *ours = reader_libfeature(&bed->data, bed->store, VIEWS_MAX);
    struct reader *raw = reader_raw(bed->raw, VIEWS_MAX, false);
    struct committer *committer = committer_start(&bed->data, bed->store, 1);
    struct latencies all[3] = {{.name = "raw mdb_get", .reader = raw},
                               {.name = "libfeature", .reader = ours},
                               {.name = "libfeature, a writer committing",
                                .reader = ours,
                                .committer = committer}};
    struct workload workload;
    uint64_t commits;

    workload_init(&workload, &bed->data, UNIFORM, 1, CALLS, 510);
    for (unsigned i = 0; i < 3; i++)
        all[i].values = bench_alloc(STRETCHES * CALLS, sizeof(double));
    for (unsigned round = 0; round < STRETCHES; round++)
        for (unsigned i = 0; i < 3; i++)
            measure(&all[i], &workload);
    commits = committer_stop(committer);
    printf("\none entity x 10 views x 20 features, a call [%u calls each, "
           "%llu durable one-row commits meanwhile]\n",
           STRETCHES * CALLS, (unsigned long long)commits);
    for (unsigned i = 0; i < 3; i++)
        report_latencies(&all[i]);
    reader_close(ours);
    reader_close(raw);
    workload_free(&workload);
}

void
part_views(struct bed *base)
{
    struct dataset data = base_data("views", base->data.rows);
    struct bed bed;

    data.views = VIEWS_MAX;
    if (settings.quick)
        data.rows /= 4;
    bed_make(&bed, &data);
    compare(&bed, 5, 1);
    compare(&bed, 5, 100);
    compare(&bed, 10, 1);
    compare(&bed, 10, 100);
    serve(&bed);
    bed_remove(&bed);
}
