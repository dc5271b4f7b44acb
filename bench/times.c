/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads at past times, from C.
 *
 *     times make DIRECTORY ENTITIES VERSIONS LABELS FEW
 *     times join STORE LABELS
 *
 * Owns the data that all contestants get, and the library's own join through
 * the C API. bench/times.py runs it and prints what comes of it.
 * Keeps to one thread, and to what a program would call.
 * Never puts the making of data, or a check sum, into a time.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "times.h"

#define CHUNK 100000 /* rows of a commit that loads */

static struct times_rows
make_labels(int64_t entities, size_t count, uint64_t seed)
{
    struct times_rows rows = times_new_rows(count, 0);

    for (size_t i = 0; i < count; i++) {
        rows.keys[i] = (int64_t)(times_mix(seed + 2 * i) % (uint64_t)entities);
        rows.times[i] = TIMES_FIRST + (int64_t)(times_mix(seed + 2 * i + 1) %
                                                (uint64_t)TIMES_SPAN);
    }
    return rows;
}

static void
save(const char *directory, const char *name, const struct times_rows *rows)
{
    char path[4096];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", directory, name);
    file = fopen(path, "wb");
    if (!file)
        times_die("times: no %s", path);
    fwrite(rows->keys, 8, rows->count, file);
    fwrite(rows->times, 8, rows->count, file);
    for (int i = 0; i < TIMES_COLUMNS && rows->values[i]; i++)
        fwrite(rows->values[i], 8, rows->count, file);
    if (fclose(file))
        times_die("times: %s cannot be written", path);
}

static struct times_rows
load_labels(const char *path)
{
    struct stat about;
    struct times_rows rows;
    FILE *file = fopen(path, "rb");

    if (!file || fstat(fileno(file), &about))
        times_die("times: no %s", path);
    rows = times_new_rows((size_t)about.st_size / 16, 0);
    if (fread(rows.keys, 8, rows.count, file) != rows.count ||
        fread(rows.times, 8, rows.count, file) != rows.count)
        times_die("times: %s is too short", path);
    fclose(file);
    return rows;
}

static void
make(const char *directory, int64_t entities, int64_t versions, size_t labels,
     size_t few)
{
    struct times_rows history = times_history(entities, versions);
    struct times_rows many = make_labels(entities, labels, 1u << 20);
    struct times_rows some = make_labels(entities, few, UINT64_C(1) << 40);
    feature_store *store;
    char path[4096];
    double begun;

    save(directory, "history.bin", &history);
    save(directory, "labels.bin", &many);
    save(directory, "few.bin", &some);
    snprintf(path, sizeof path, "%s/store", directory);
    store = times_store(path, " WITH (history = '36500 days')", "");
    begun = times_now();
    times_write(store, &history, CHUNK);
    printf("%.3f\n", times_now() - begun);
    feature_store_close(store);
}

/* --- the join ------------------------------------------------------------------ */

static double
join_once(feature_request *request, const struct times_rows *labels,
          struct feature_column *columns)
{
    double begun = times_now();
    uint32_t rows = (uint32_t)labels->count;

    times_must(feature_request_set_key(request, 0, FEATURE_TYPE_INT64,
                                       labels->keys, NULL, NULL, rows,
                                       &times_error));
    times_must(
        feature_request_set_as_of(request, labels->times, rows, &times_error));
    times_must(feature_request_read(request, &times_error));
    times_must(
        feature_request_columns(request, columns, TIMES_COLUMNS, &times_error));
    return times_now() - begun;
}

static uint64_t
proc_kib(const char *name)
{
    FILE *file = fopen("/proc/self/status", "r");
    char line[256];
    uint64_t kib = 0;

    while (file && fgets(line, sizeof line, file))
        if (!strncmp(line, name, strlen(name)))
            kib = strtoull(line + strlen(name), NULL, 10);
    if (file)
        fclose(file);
    return kib;
}

/* A line for each line that comes in: seconds, hits, sum, KiB at most, KiB of
 * them that are pages of the file. */
static void
join(const char *path, const char *labels_path)
{
    struct feature_options options = {.struct_size = sizeof options,
                                      .flags = FEATURE_OPEN_READ_ONLY};
    struct times_rows labels = load_labels(labels_path);
    struct feature_column columns[TIMES_COLUMNS];
    feature_request *request;
    feature_store *store;
    feature_query *query;
    char line[16];

    times_must(feature_store_open(path, &options, &store, &times_error));
    times_must(feature_query_create(store, "v(a, b, c, d)", NULL, &query,
                                    &times_error));
    times_must(feature_request_create(query, &request, &times_error));
    while (fgets(line, sizeof line, stdin)) {
        double took = join_once(request, &labels, columns), sum = 0;
        uint64_t hits = 0;

        for (size_t i = 0; i < labels.count; i++)
            hits += columns[0].validity[i / 8] >> (i & 7) & 1;
        for (int c = 0; c < TIMES_COLUMNS; c++)
            for (size_t i = 0; i < labels.count; i++)
                sum += ((const double *)columns[c].values)[i];
        printf("%.6f %" PRIu64 " %.4f %" PRIu64 " %" PRIu64 "\n", took, hits,
               sum, proc_kib("VmHWM:"),
               proc_kib("RssFile:") + proc_kib("RssShmem:"));
        fflush(stdout);
    }
    feature_request_free(request);
    feature_query_free(query);
    feature_store_close(store);
}

int
main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";

    if (!strcmp(what, "make") && argc == 7)
        make(argv[2], atoll(argv[3]), atoll(argv[4]), (size_t)atoll(argv[5]),
             (size_t)atoll(argv[6]));
    else if (!strcmp(what, "join") && argc == 4)
        join(argv[2], argv[3]);
    else
        times_die("usage: see the top of bench/times.c");
    return 0;
}
