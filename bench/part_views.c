/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several views of one entity, in one call.
 *
 * Owns a store of ten views.
 * Keeps one request to one call: all views of the entities at once.
 * Never asks the raw loop for more than one mdb_get a view.
 */
#include <stdio.h>

#include "speed.h"

static void
compare(struct bed *bed, uint32_t views, size_t batch)
{
    struct contest contest = {.unit = "ns/entity",
                              .place = report_place(settings.reads)};
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

void
part_views(struct bed *base)
{
    struct dataset data = base_data("views", base->data.rows);
    struct bed bed;

    data.views = VIEWS_MAX;
    if (settings.quick)
        data.rows /= 4;
    bed_make(&bed, &data, settings.reads);
    compare(&bed, 5, 1);
    compare(&bed, 5, 100);
    compare(&bed, 10, 1);
    compare(&bed, 10, 100);
    bed_remove(&bed);
}
