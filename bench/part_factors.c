/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One factor varied: Zipf keys, string keys, wide rows, long rows.
 *
 * Owns a data set for each factor that needs one, one at a time.
 * Keeps everything else as at the base point.
 * Never compares with the base point of another run: the raw loop is beside it.
 */
#include <stdio.h>

#include "speed.h"

#define BATCH 100

static void
compare(struct bed *bed, enum distribution distribution, const char *name)
{
    struct contest contest = {.unit = "ns/row",
                              .place = report_place(settings.reads)};
    struct workload workload;
    struct timed timed[3];

    snprintf(contest.name, sizeof contest.name, "%s, batch 100", name);
    workload_init(&workload, &bed->data, distribution, BATCH, SAMPLE, 400);
    timed[0] = (struct timed){.reader = reader_raw(bed->raw, 1, false),
                              .workload = &workload};
    timed[1] = (struct timed){.reader = reader_raw(bed->raw, 1, true),
                              .workload = &workload};
    timed[2] =
        (struct timed){.reader = reader_libfeature(&bed->data, bed->store, 1),
                       .workload = &workload};
    for (unsigned i = 0; i < 3; i++)
        contest_add(&contest, timed[i].reader->name, timed_run, &timed[i]);
    contest_run(&contest);
    for (unsigned i = 0; i < 3; i++)
        reader_close(timed[i].reader);
    workload_free(&workload);
}

static void
compare_with(const struct dataset *data, const char *name)
{
    struct bed bed;

    bed_make(&bed, data, settings.reads);
    compare(&bed, UNIFORM, name);
    bed_remove(&bed);
}

void
part_factors(struct bed *base)
{
    struct dataset text = base_data("text", base->data.rows);
    struct dataset wide = base_data("wide", base->data.rows);
    struct dataset tall = base_data("long", base->data.rows);

    text.text_keys = true;
    wide.shape = (struct shape){.blocks = 10};
    tall.shape.vector = 224;
    compare(base, ZIPF, "Zipf 0.99");
    compare_with(&text, "string keys of 21 bytes");
    compare_with(&wide, "200 features");
    compare_with(&tall, "rows of 1 KiB, 20 features read");
}
