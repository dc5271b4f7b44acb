/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store that the bindings bench reads: bindings_store PATH [ROWS].
 *
 * Owns its shape: two views of 20 float features and ROWS rows (100,000), one
 * by an INT64 key from 0 on (`items`), one by a STRING key (`users`), and a
 * view of 50 (`wide`, INT64) of a tenth of the rows, at most 10,000.
 * Keeps every value a function of its row and column, so that any language can
 * check what it read: row + column / 64.
 * Never overwrites a store.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libfeature.h"

#include "bindings_keys.h"

#define CHUNK 10000

static struct feature_error error;

static void
check(feature_status status)
{
    if (!status)
        return;
    fprintf(stderr, "bindings_store: %s: %s\n", feature_status_name(status),
            error.message);
    exit(1);
}

static void
define_view(feature_store *store, const char *entity, const char *key,
            const char *view, int features)
{
    char text[4096];
    int size;

    size = snprintf(text, sizeof text,
                    "CREATE ENTITY %s (%s);\nCREATE FEATURE VIEW %s (", entity,
                    key, view);
    for (int i = 0; i < features; i++)
        size += snprintf(text + size, sizeof text - (size_t)size,
                         "%sf%d FLOAT32", i ? ", " : "", i);
    snprintf(text + size, sizeof text - (size_t)size, ") FOR %s;", entity);
    check(feature_store_apply(store, text, NULL, NULL, &error));
}

static void
set_features(feature_batch *batch, int features, int64_t first, uint32_t rows)
{
    static float values[CHUNK];

    for (int f = 0; f < features; f++) {
        for (uint32_t i = 0; i < rows; i++)
            values[i] = (float)(first + i) + (float)f / 64;
        check(feature_batch_set(batch, (uint32_t)f + 1, FEATURE_TYPE_FLOAT32,
                                values, NULL, NULL, rows, &error));
    }
}

static void
set_keys(feature_batch *batch, int is_text, int64_t first, uint32_t rows)
{
    static int64_t numbers[CHUNK];
    static char bytes[CHUNK * 32];
    static int32_t offsets[CHUNK + 1];

    for (uint32_t i = 0; i < rows; i++) {
        numbers[i] = first + i;
        offsets[i + 1] =
            offsets[i] + bench_key_text(bytes + offsets[i], 32, first + i);
    }
    if (is_text)
        check(feature_batch_set(batch, 0, FEATURE_TYPE_STRING, bytes, offsets,
                                NULL, rows, &error));
    else
        check(feature_batch_set(batch, 0, FEATURE_TYPE_INT64, numbers, NULL,
                                NULL, rows, &error));
}

static void
fill_view(feature_store *store, const char *view, const char *key, int features,
          int64_t rows)
{
    char columns[1024];
    feature_batch *batch;
    int size = snprintf(columns, sizeof columns, "%s", key);

    for (int i = 0; i < features; i++)
        size +=
            snprintf(columns + size, sizeof columns - (size_t)size, ", f%d", i);
    check(feature_batch_create(store, view, columns, FEATURE_UPSERT, &batch,
                               &error));
    for (int64_t first = 0; first < rows; first += CHUNK) {
        uint32_t count =
            (uint32_t)(rows - first < CHUNK ? rows - first : CHUNK);

        set_keys(batch, !strcmp(key, "name"), first, count);
        set_features(batch, features, first, count);
        check(feature_store_write(store, &batch, 1, NULL, NULL, &error));
    }
    feature_batch_free(batch);
}

int
main(int argc, char **argv)
{
    struct feature_options options = {.struct_size = sizeof options,
                                      .flags = FEATURE_OPEN_CREATE};
    struct feature_stats stats = {.struct_size = sizeof stats};
    int64_t rows = argc > 2 ? strtoll(argv[2], NULL, 10) : 100000;
    int64_t wide = rows / 10 < 10000 ? rows / 10 : 10000;
    feature_store *store;

    if (argc < 2 || rows < 1) {
        fprintf(stderr, "usage: bindings_store PATH [ROWS]\n");
        return 2;
    }
    check(feature_store_open(argv[1], &options, &store, &error));
    check(feature_store_stats(store, &stats, &error));
    if (stats.sequence) {
        fprintf(stderr, "bindings_store: there is a store in %s\n", argv[1]);
        return 1;
    }
    define_view(store, "item", "id INT64", "items", 20);
    define_view(store, "user", "name STRING", "users", 20);
    define_view(store, "part", "part INT64", "wide", 50);
    fill_view(store, "items", "id", 20, rows);
    fill_view(store, "users", "name", 20, rows);
    fill_view(store, "wide", "part", 50, wide);
    feature_store_close(store);
    return 0;
}
