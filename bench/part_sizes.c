/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The number of rows, and the memory limit at the largest.
 *
 * Owns the stores of 1e5 and 1e7 rows.
 * Keeps all sizes in one contest, so that their ratios are of one run.
 * Never runs the memory limit with huge pages, which a mapped file lacks.
 */
#include "speed.h"

#define BATCH 100

static struct timed
time_on(struct reader *reader, struct workload *workload)
{
    return (struct timed){.reader = reader, .workload = workload};
}

void
part_sizes(struct bed *base)
{
    struct dataset small = base_data("small", bench_choose(100000, 10000));
    struct dataset large = base_data("large", bench_choose(10000000, 1000000));
    struct contest contest = {.name = "number of rows, batch 100",
                              .unit = "ns/row",
                              .place = report_place(settings.reads)};
    struct bed beds[2];
    struct bed *const all[] = {&beds[0], base, &beds[1]};
    static const char *const names[][2] = {
        {"raw mdb_get, 1e5", "libfeature, 1e5"},
        {"raw mdb_get, 1e6", "libfeature, 1e6"},
        {"raw mdb_get, 1e7", "libfeature, 1e7"}};
    struct workload workloads[3];
    struct timed timed[7];
    unsigned count = 0;

    bed_make(&beds[0], &small, settings.reads);
    bed_make(&beds[1], &large, settings.reads);
    for (unsigned i = 0; i < 3; i++) {
        struct reader *raw = reader_raw(all[i]->raw, 1, false);
        struct reader *ours =
            reader_libfeature(&all[i]->data, all[i]->store, 1);

        workload_init(&workloads[i], &all[i]->data, UNIFORM, BATCH, SAMPLE,
                      300 + i);
        timed[count] = time_on(raw, &workloads[i]);
        contest_add(&contest, names[i][0], timed_run, &timed[count++]);
        timed[count] = time_on(ours, &workloads[i]);
        contest_add(&contest, names[i][1], timed_run, &timed[count++]);
    }
    timed[count] = time_on(reader_memory(&large), &workloads[2]);
    contest_add(&contest, "hash probe + row copy, 1e7", timed_run,
                &timed[count++]);
    contest_run(&contest);
    report_ratio(
        "memory_limit_1e7",
        contest_ratio(&contest, names[2][1], "hash probe + row copy, 1e7"));
    report_ratio("rows1e7_vs_1e5",
                 contest_ratio(&contest, names[2][1], names[0][1]));
    while (count--)
        reader_close(timed[count].reader);
    for (unsigned i = 0; i < 3; i++)
        workload_free(&workloads[i]);
    bed_remove(&beds[0]);
    bed_remove(&beds[1]);
}
