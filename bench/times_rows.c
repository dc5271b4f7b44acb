/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the benches of times share.
 *
 * Owns the rows that are written, and the store that takes them.
 * Keeps to numbers that are drawn from the same seeds on every machine.
 * Never measures anything itself.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "times.h"

struct feature_error times_error;

static const char definitions[] =
    "CREATE ENTITY e (k INT64);"
    "CREATE FEATURE VIEW v (a FLOAT64, b FLOAT64, c FLOAT64, d FLOAT64)"
    " FOR e%s;%s";

void
times_die(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(1);
}

void
times_must(feature_status status)
{
    if (status)
        times_die("times: %s: %s", times_error.reason, times_error.message);
}

void *
times_room(size_t size)
{
    void *memory = calloc(1, size ? size : 1);

    if (!memory)
        times_die("times: no memory");
    return memory;
}

double
times_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

uint64_t
times_mix(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

/* --- rows ---------------------------------------------------------------------- */

struct times_rows
times_new_rows(size_t count, int with_values)
{
    struct times_rows rows = {.count = count};

    rows.keys = times_room(8 * count);
    rows.times = times_room(8 * count);
    for (int i = 0; with_values && i < TIMES_COLUMNS; i++)
        rows.values[i] = times_room(8 * count);
    return rows;
}

struct times_rows
times_history(int64_t entities, int64_t versions)
{
    struct times_rows rows = times_new_rows((size_t)(entities * versions), 1);
    int64_t slot = TIMES_SPAN / versions;
    size_t at = 0;

    for (int64_t version = 0; version < versions; version++)
        for (int64_t k = 0; k < entities; k++, at++) {
            uint64_t drawn = times_mix((uint64_t)(k * versions + version));

            rows.keys[at] = k;
            rows.times[at] = TIMES_FIRST + version * slot +
                             (int64_t)(drawn % (uint64_t)slot);
            for (int i = 0; i < TIMES_COLUMNS; i++)
                rows.values[i][at] =
                    (double)(times_mix(drawn + (uint64_t)i) >> 40) / 16.0;
        }
    return rows;
}

struct times_rows
times_updates(int64_t entities, size_t count)
{
    struct times_rows rows = times_new_rows(count, 1);

    for (size_t i = 0; i < count; i++) {
        uint64_t drawn = times_mix((UINT64_C(3) << 40) + i);

        rows.keys[i] = (int64_t)(drawn % (uint64_t)entities);
        rows.times[i] = TIMES_FIRST + TIMES_SPAN + (int64_t)i;
        for (int c = 0; c < TIMES_COLUMNS; c++)
            rows.values[c][i] =
                (double)(times_mix(drawn + (uint64_t)c) >> 40) / 16.0;
    }
    return rows;
}

struct times_rows
times_slice(const struct times_rows *rows, size_t first, size_t count)
{
    struct times_rows slice = *rows;

    slice.count = count;
    slice.keys += first;
    slice.times += first;
    for (int c = 0; c < TIMES_COLUMNS; c++)
        slice.values[c] += first;
    return slice;
}

/* --- stores -------------------------------------------------------------------- */

feature_store *
times_store(const char *path, const char *view_options, const char *more)
{
    struct feature_options options = {.struct_size = sizeof options,
                                      .flags = FEATURE_OPEN_CREATE,
                                      .fixed_now =
                                          TIMES_FIRST + 2 * TIMES_SPAN};
    char text[1024];
    feature_store *store;

    snprintf(text, sizeof text, definitions, view_options, more);
    times_must(feature_store_open(path, &options, &store, &times_error));
    times_must(feature_store_apply(store, text, NULL, NULL, &times_error));
    return store;
}

void
times_write(feature_store *store, const struct times_rows *rows, size_t chunk)
{
    feature_batch *batch;

    times_must(feature_batch_create(store, "v",
                                    "k, event_timestamp, a, b, c, d",
                                    FEATURE_UPSERT, &batch, &times_error));
    for (size_t at = 0; at < rows->count; at += chunk) {
        size_t left = rows->count - at;
        uint32_t count = (uint32_t)(left < chunk ? left : chunk);

        times_must(feature_batch_set(batch, 0, FEATURE_TYPE_INT64,
                                     rows->keys + at, NULL, NULL, count,
                                     &times_error));
        times_must(feature_batch_set(batch, 1, FEATURE_TYPE_TIMESTAMP,
                                     rows->times + at, NULL, NULL, count,
                                     &times_error));
        for (uint32_t i = 0; i < TIMES_COLUMNS; i++)
            times_must(feature_batch_set(batch, 2 + i, FEATURE_TYPE_FLOAT64,
                                         rows->values[i] + at, NULL, NULL,
                                         count, &times_error));
        times_must(
            feature_store_write(store, &batch, 1, NULL, NULL, &times_error));
    }
    feature_batch_free(batch);
}
