/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cold starts: from opening to the first answer, and the thousand after it; what
 * opening many views costs.
 *
 * Owns the dropping of page caches.
 * Keeps both sides alike: files closed, dropped, opened, asked.
 * Never trusts a drop: the share of the file that stayed resident is reported.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "speed.h"

#define FIRST 1000 /* keys after the first answer */

struct cold {
    struct bed *bed;
    bool raw;
    bool is_warm; /* the page cache keeps the file */
    bool populate;
    struct workload one, many;
    double after; /* microseconds a row of the keys after the first */
};

static double
resident_share(const char *directory)
{
    uint64_t size = store_file_size(directory), pages, resident = 0;
    unsigned char *vector;
    char path[PATH_SIZE];
    void *map;
    int file;

    store_path(path, directory, "data.mdb", "");
    file = open(path, O_RDONLY | O_CLOEXEC);
    map = mmap(NULL, size, PROT_READ, MAP_SHARED, file, 0);
    if (file < 0 || map == MAP_FAILED)
        bench_fail("cannot map %s", path);
    pages = (size + 4095) / 4096;
    vector = bench_alloc(pages, 1);
    if (mincore(map, size, vector))
        bench_fail("mincore");
    for (uint64_t i = 0; i < pages; i++)
        resident += vector[i] & 1;
    munmap(map, size);
    close(file);
    free(vector);
    return (double)resident / (double)pages;
}

static struct reader *
open_reader(struct cold *cold)
{
    struct bed *bed = cold->bed;

    if (cold->raw) {
        bed->raw = raw_open(&bed->data, bed->raw_path);
        return reader_raw(bed->raw, 1, false);
    }
    bed->store =
        store_open(bed->store_path, cold->populate ? FEATURE_OPEN_WARM : 0);
    return reader_libfeature(&bed->data, bed->store, 1);
}

/* Microseconds from opening to the first answer. */
static double
run_cold(void *context)
{
    struct cold *cold = context;
    struct reader *reader;
    uint64_t begun;
    double first;

    workload_fill(&cold->one);
    workload_fill(&cold->many);
    if (!cold->is_warm)
        store_chill(cold->raw ? cold->bed->raw_path : cold->bed->store_path);
    begun = bench_clock();
    reader = open_reader(cold);
    workload_run(&cold->one, reader);
    first = (double)(bench_clock() - begun) / 1000;
    cold->after = workload_run(&cold->many, reader) / 1000;
    reader_close(reader);
    bed_close(cold->bed);
    return first;
}

static double
read_after(void *context)
{
    return ((struct cold *)context)->after;
}

static void
run_contest(struct cold *all, unsigned count)
{
    struct contest contest = {
        .name = "opening to the first answer; then 1,000 keys by 100",
        .unit = "us; us/row",
        .place = report_place(settings.disk),
        .rounds = 5,
        .limit = 1000};
    static const char *const names[] = {
        "raw LMDB, cold disk", "libfeature, cold disk",
        "libfeature, cold, WARM", "raw LMDB, page cache warm",
        "libfeature, page cache warm"};
    static const char *const after[] = {
        "then a row: raw, cold", "then a row: libfeature, cold",
        "then a row: libfeature, WARM", "then a row: raw, cache warm",
        "then a row: libfeature, cache warm"};

    for (unsigned i = 0; i < count; i++)
        contest_add(&contest, names[i], run_cold, &all[i]);
    for (unsigned i = 0; i < count; i++)
        contest_add(&contest, after[i], read_after, &all[i])->is_derived = true;
    contest_run(&contest);
}

/* Milliseconds that opening takes by itself. */
static double
run_open(void *context)
{
    const char *path = context;
    feature_store *store;
    uint64_t begun;
    double value;

    store_chill(path);
    begun = bench_clock();
    store = store_open(path, 0);
    value = (double)(bench_clock() - begun) / 1e6;
    feature_store_close(store);
    return value;
}

static void
time_opening(void)
{
    struct dataset data = base_data("hundred", 500);
    struct contest contest = {.name = "opening a store of 100 views",
                              .unit = "ms",
                              .place = report_place(settings.disk),
                              .rounds = 5,
                              .limit = 1000};
    char path[PATH_SIZE];

    data.views = 100;
    store_path(path, settings.disk, data.name, "");
    store_build(&data, path);
    contest_add(&contest, "libfeature, cold disk", run_open, path);
    contest_run(&contest);
    store_remove(path);
}

void
part_cold(struct bed *base)
{
    struct cold all[5] = {{.raw = true},
                          {.raw = false},
                          {.populate = true},
                          {.raw = true, .is_warm = true},
                          {.is_warm = true}};

    bed_close(base);
    for (unsigned i = 0; i < 5; i++) {
        all[i].bed = base;
        workload_init(&all[i].one, &base->data, UNIFORM, 1, 1, 800 + i);
        workload_init(&all[i].many, &base->data, UNIFORM, 100, FIRST, 810 + i);
    }
    store_chill(base->store_path);
    report_fact("share of the file still in the page cache after the drop",
                resident_share(base->store_path), "");
    run_contest(all, 5);
    time_opening();
    for (unsigned i = 0; i < 5; i++) {
        workload_free(&all[i].one);
        workload_free(&all[i].many);
    }
    bed_open(base);
}
