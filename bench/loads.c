/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a load costs, beside LMDB alone.
 *
 *     loads load STORE ROWS sorted|shuffled [ROWS_PER_SECOND [BYTES_PER_SECOND]]
 *     loads append STORE TO COMMIT_BYTES
 *     loads write STORE ROWS
 *     loads read STORE ROWS
 *
 * Owns the contestants of bench/loads.py. `load` takes rows of 20 features from
 * an Arrow stream into a view, which it makes where there is none, and prints
 * seconds, those of the stream itself, those of the commit, rows, bytes, the
 * highest heap above what there was before, the microseconds of the swap and the
 * changes that were caught up with. `append` puts the rows that the store
 * serves into LMDB alone and prints seconds, at each line of its input. `write` and `read` go on beside a
 * load, between a line "go" and a line "stop" of their input.
 * Keeps the making of rows out of every time but that of keys and times, which is
 * within that of the load.
 * Never looks at the heap of a process that does anything else.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loads.h"

static uint64_t
number(const char *text)
{
    return strtoull(text, NULL, 10);
}

static feature_store *
open_store(const char *path)
{
    struct feature_options options = {.struct_size = sizeof options,
                                      .flags = FEATURE_OPEN_CREATE};
    feature_store *store = NULL;

    times_must(feature_store_open(path, &options, &store, &times_error));
    times_must(feature_store_apply(store, loads_definitions(), NULL, NULL,
                                   &times_error));
    return store;
}

static void
measure_load(feature_store *store, struct loads_stream *made,
             const struct feature_load_options *options)
{
    struct feature_load_report report = {.struct_size = sizeof report};
    struct ArrowArrayStream stream;
    feature_load *load = NULL;
    double begun, appended;
    uint64_t heap;

    loads_stream_open(made, &stream);
    heap = loads_heap();
    loads_heap_begin();
    begun = times_now();
    times_must(feature_load_begin(store, "v", options, &load, &times_error));
    times_must(feature_load_append_arrow(load, &stream, NULL, &times_error));
    appended = times_now();
    times_must(feature_load_commit(load, &report, &times_error));
    appended = times_now() - appended;
    begun = times_now() - begun;
    feature_load_free(load);
    printf("%.6f %.6f %.6f %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64
           " %" PRIu64 "\n",
           begun, loads_stream_seconds(made), appended, report.rows,
           report.bytes, loads_heap_peak() - heap, report.swap_us,
           report.caught_up);
}

static void
run_load(int count, char **arguments)
{
    struct feature_load_options options = {.struct_size = sizeof options};
    uint64_t rows = number(arguments[3]);
    enum loads_order order =
        strcmp(arguments[4], "sorted") ? LOADS_SHUFFLED : LOADS_SORTED;
    struct loads_stream *made = loads_stream_make(rows, order);
    feature_store *store = open_store(arguments[2]);

    options.rows_per_second = count > 5 ? number(arguments[5]) : 0;
    options.bytes_per_second = count > 6 ? number(arguments[6]) : 0;
    measure_load(store, made, &options);
    feature_store_close(store);
}

static void
run_beside(char **arguments)
{
    feature_store *store = open_store(arguments[2]);

    if (!strcmp(arguments[1], "write"))
        loads_write(store, number(arguments[3]));
    else
        loads_read(store, number(arguments[3]));
    feature_store_close(store);
}

int
main(int count, char **arguments)
{
    if (count >= 5 && count <= 7 && !strcmp(arguments[1], "load"))
        run_load(count, arguments);
    else if (count == 5 && !strcmp(arguments[1], "append"))
        loads_append(arguments[2], arguments[3], (size_t)number(arguments[4]));
    else if (count == 4 &&
             (!strcmp(arguments[1], "write") || !strcmp(arguments[1], "read")))
        run_beside(arguments);
    else
        times_die("loads: see the beginning of bench/loads.c");
    return 0;
}
