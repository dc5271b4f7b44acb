/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Data sets as files.
 *
 * Owns the store of a data set and the copy that the raw loop reads.
 * Keeps both warm and checked before anything is timed, and the files in memory
 * by the same way.
 * Never leaves files behind: bed_remove takes them away.
 */
#include <stdio.h>

#include "speed.h"

struct dataset
base_data(const char *name, uint64_t rows)
{
    return (struct dataset){.name = name,
                            .rows = rows,
                            .views = 1,
                            .shape = {.blocks = 1, .vector = 32}};
}

void
bed_open(struct bed *bed)
{
    bed->store = store_open(bed->store_path, 0);
    bed->raw = raw_open(&bed->data, bed->raw_path);
}

void
bed_close(struct bed *bed)
{
    feature_store_close(bed->store);
    raw_close(bed->raw);
    bed->store = NULL;
    bed->raw = NULL;
}

static void
check(struct bed *bed)
{
    struct reader *reader =
        reader_libfeature(&bed->data, bed->store, bed->data.views);
    struct reader *raw = reader_raw(bed->raw, bed->data.views, true);

    reader_check(reader, &bed->data, bed->data.views);
    reader_check(raw, &bed->data, bed->data.views);
    reader_close(reader);
    reader_close(raw);
}

void
bed_make(struct bed *bed, const struct dataset *data, const char *directory)
{
    uint64_t begun = bench_clock();

    bed->data = *data;
    store_path(bed->store_path, directory, data->name, "");
    store_path(bed->raw_path, directory, data->name, "-raw");
    store_build(data, bed->store_path);
    store_copy(bed->store_path, bed->raw_path);
    store_heat(bed->store_path);
    store_heat(bed->raw_path);
    bed_open(bed);
    check(bed);
    printf("\n(data set %s: %llu rows, %u view%s, %u bytes a row; built and "
           "checked in %.1f s)\n",
           data->name, (unsigned long long)data->rows, data->views,
           data->views > 1 ? "s" : "", rows_size(&data->shape),
           (double)(bench_clock() - begun) / 1e9);
    fflush(stdout);
}

void
bed_remove(struct bed *bed)
{
    bed_close(bed);
    store_remove(bed->store_path);
    store_remove(bed->raw_path);
}
