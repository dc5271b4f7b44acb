/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading beside a writer.
 *
 * Owns the committers of a round.
 * Keeps the reader on one core and the writer on the other, same store.
 * Never counts a stretch in which nothing was committed.
 */
#include <stdio.h>

#include "speed.h"

#define BATCH 100

struct beside {
    struct timed timed;
    struct committer *committer;
};

static double
run_beside(void *context)
{
    struct beside *beside = context;
    double value;

    committer_resume(beside->committer);
    value = timed_run(&beside->timed);
    committer_pause(beside->committer);
    return value;
}

void
part_writer(struct bed *base)
{
    struct contest contest = {.name = "a writer commits durably, batch 100",
                              .unit = "ns/row",
                              .place = report_place(settings.disk)};
    struct reader *ours = reader_libfeature(&base->data, base->store, 1);
    struct reader *raw = reader_raw(base->raw, 1, false);
    struct workload workload;
    struct timed alone = {.reader = ours, .workload = &workload};
    struct timed plain = {.reader = raw, .workload = &workload};
    struct beside beside = {.timed = alone};
    uint64_t commits, begun;

    workload_init(&workload, &base->data, UNIFORM, BATCH, 5 * SAMPLE, 700);
    beside.committer = committer_start(&base->data, base->store, 1);
    contest_add(&contest, "raw mdb_get, alone", timed_run, &plain);
    contest_add(&contest, "libfeature, alone", timed_run, &alone);
    contest_add(&contest, "libfeature, one-row commits", run_beside, &beside);
    begun = bench_clock();
    contest_run(&contest);
    commits = committer_stop(beside.committer);
    report_ratio("with_writer",
                 contest_ratio(&contest, "libfeature, one-row commits",
                               "libfeature, alone"));
    report_fact("one-row commits beside the reader", (double)commits,
                "commits");
    report_fact("the contest beside them took",
                (double)(bench_clock() - begun) / 1e9, "s");
    reader_close(ours);
    reader_close(raw);
    workload_free(&workload);
}
