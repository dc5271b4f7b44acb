/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a scoring service sees: one entity, ten views, 200 features, a call.
 *
 * Owns a store of ten views on the disk, and the committer that writes to it.
 * Keeps every call's latency, with a writer and without, in turns.
 * Never drops a slow call from the percentiles.
 */
#include <stdio.h>
#include <stdlib.h>

#include "speed.h"

#define CALLS     20000 /* of a stretch */
#define STRETCHES 5

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
    printf("\none entity x 10 views x 20 features, a call [%d calls each, "
           "%llu durable one-row commits meanwhile]\n",
           STRETCHES * CALLS, (unsigned long long)commits);
    for (unsigned i = 0; i < 3; i++)
        report_latencies(&all[i]);
    reader_close(ours);
    reader_close(raw);
    workload_free(&workload);
}

void
part_service(struct bed *disk)
{
    struct dataset data = base_data("service", disk->data.rows / 10);
    struct bed bed;

    data.views = VIEWS_MAX;
    bed_make(&bed, &data, settings.disk);
    serve(&bed);
    bed_remove(&bed);
}
