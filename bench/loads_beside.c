/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What goes on beside a load.
 *
 * Owns the loop of a stream that writes one row at a time, with a pause of a
 * millisecond between two, and that of a service that reads a hundred.
 * Keeps making rows and keys out of its times.
 * Never stops while a call is under way.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "loads.h"

#define KEYS 100
#define MOST (1u << 20) /* calls between "go" and "stop" that are counted */

static double times[MOST];
static uint64_t drawn;

static int64_t
draw_key(uint64_t rows)
{
    return (int64_t)(times_mix(++drawn) % rows);
}

static bool
has_input(void)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};

    return poll(&input, 1, 0) > 0;
}

static int
by_value(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;

    return a < b ? -1 : a > b;
}

/* Microseconds: median, 99th percentile, the longest; and how many. */
static void
tell(size_t count)
{
    qsort(times, count, sizeof *times, by_value);
    if (!count)
        times_die("loads: nothing was measured");
    printf("%.3f %.3f %.3f %zu\n", 1e6 * times[count / 2],
           1e6 * times[count * 99 / 100], 1e6 * times[count - 1], count);
    fflush(stdout);
}

/* Calls, for as long as it is asked to; a call returns what it took. */
static void
serve(double (*call)(void *context), void *context)
{
    char line[64];

    puts("ready");
    fflush(stdout);
    while (fgets(line, sizeof line, stdin)) { /* go */
        size_t count = 0;

        while (!has_input()) {
            double took = call(context);

            if (count < MOST)
                times[count++] = took;
        }
        if (!fgets(line, sizeof line, stdin)) /* stop */
            return;
        tell(count);
    }
}

/* --- writing -------------------------------------------------------------------- */

struct writer {
    feature_store *store;
    feature_batch *batch;
    uint64_t rows;
};

static void
set(feature_batch *batch, uint32_t column, int32_t type, const void *value)
{
    times_must(feature_batch_set(batch, column, type, value, NULL, NULL, 1,
                                 &times_error));
}

static void
fill_batch(struct writer *writer)
{
    const char *pattern = LOADS_PATTERN;
    uint64_t value = times_mix(++drawn) & 0xffff;
    int64_t key = draw_key(writer->rows), i64 = (int64_t)value;
    int64_t when = LOADS_TIME + INT64_C(1000000000) + (int64_t)drawn;
    int32_t i32 = (int32_t)value;
    float f32 = (float)value;
    double f64 = (double)value;
    uint8_t bit = value & 1;

    feature_batch_clear(writer->batch);
    set(writer->batch, 0, FEATURE_TYPE_INT64, &key);
    set(writer->batch, 1, FEATURE_TYPE_TIMESTAMP, &when);
    for (uint32_t i = 0; i < LOADS_FEATURES; i++)
        switch (pattern[i]) {
        case 'f':
            set(writer->batch, 2 + i, FEATURE_TYPE_FLOAT32, &f32);
            break;
        case 'd':
            set(writer->batch, 2 + i, FEATURE_TYPE_FLOAT64, &f64);
            break;
        case 'i':
            set(writer->batch, 2 + i, FEATURE_TYPE_INT64, &i64);
            break;
        case 'w':
            set(writer->batch, 2 + i, FEATURE_TYPE_INT32, &i32);
            break;
        default:
            set(writer->batch, 2 + i, FEATURE_TYPE_BOOL, &bit);
        }
}

static double
write_one(void *context)
{
    static const struct timespec pause = {.tv_nsec = 1000000};
    struct writer *writer = context;
    double begun;

    fill_batch(writer);
    nanosleep(&pause, NULL);
    begun = times_now();
    times_must(feature_store_write(writer->store, &writer->batch, 1, NULL, NULL,
                                   &times_error));
    return times_now() - begun;
}

void
loads_write(feature_store *store, uint64_t rows)
{
    struct writer writer = {.store = store, .rows = rows};

    times_must(feature_batch_create(store, "v", NULL, FEATURE_UPSERT,
                                    &writer.batch, &times_error));
    serve(write_one, &writer);
    feature_batch_free(writer.batch);
}

/* --- reading -------------------------------------------------------------------- */

struct reader {
    feature_request *request;
    uint64_t rows;
};

static double
read_keys(void *context)
{
    static float matrix[KEYS * LOADS_FEATURES];
    struct reader *reader = context;
    int64_t keys[KEYS];
    double begun;

    for (int i = 0; i < KEYS; i++)
        keys[i] = draw_key(reader->rows);
    begun = times_now();
    times_must(feature_request_set_key(reader->request, 0, FEATURE_TYPE_INT64,
                                       keys, NULL, NULL, KEYS, &times_error));
    times_must(feature_request_read_matrix(reader->request, matrix,
                                           LOADS_FEATURES, &times_error));
    return times_now() - begun;
}

void
loads_read(feature_store *store, uint64_t rows)
{
    struct feature_query_options options = {.struct_size = sizeof options,
                                            .flags = FEATURE_QUERY_MATRIX};
    struct reader reader = {.rows = rows};
    feature_query *query;

    times_must(
        feature_query_create(store, "v(*)", &options, &query, &times_error));
    times_must(feature_request_create(query, &reader.request, &times_error));
    serve(read_keys, &reader);
    feature_request_free(reader.request);
    feature_query_free(query);
}
