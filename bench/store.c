/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stores of the bench.
 *
 * Owns the loading of a data set through the public API, and the files.
 * Keeps a store and its copy page for page the same, so that the library and
 * the raw loop walk equal trees.
 * Never opens a store's file with LMDB: a process must not have one file in two
 * environments.
 */
#include "store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK 100000    /* rows of a commit of a load */
#define COPY  (1 << 18) /* bytes at once, as LMDB writes: 64 pages */

static size_t
element_size(char type)
{
    return type == 'i' || type == 'd' ? 8 : 4;
}

struct columns *
columns_make(const struct dataset *data, uint32_t room)
{
    struct columns *columns = bench_alloc(1, sizeof *columns);
    uint32_t width = rows_width(&data->shape);

    columns->data = data;
    columns->room = room;
    columns->numbers = bench_alloc(room, 8);
    columns->times = bench_alloc(room, 8);
    columns->text = bench_alloc(room, TEXT_SIZE);
    columns->offsets = bench_alloc(room + 1, 4);
    for (uint32_t i = 0; i < width; i++)
        columns->features[i] =
            bench_alloc(room, element_size(PATTERN[i % BLOCK]));
    if (data->shape.vector)
        columns->features[width] =
            bench_alloc(room, sizeof(float) * data->shape.vector);
    return columns;
}

void
columns_free(struct columns *columns)
{
    for (uint32_t i = 0; i < FEATURES_MAX; i++)
        free(columns->features[i]);
    free(columns->numbers);
    free(columns->times);
    free(columns->text);
    free(columns->offsets);
    free(columns);
}

static void
put_feature(void *feature, char type, uint32_t row, uint64_t value)
{
    switch (type) {
    case 'b':
        if (value & 1)
            ((uint8_t *)feature)[row / 8] |= (uint8_t)(1 << (row & 7));
        else
            ((uint8_t *)feature)[row / 8] &= (uint8_t) ~(1 << (row & 7));
        break;
    case 'f':
        ((float *)feature)[row] = rows_float(value, type);
        break;
    case 'd':
        ((double *)feature)[row] = rows_double(value);
        break;
    case 'w':
        ((int32_t *)feature)[row] = (int32_t)value;
        break;
    default:
        ((int64_t *)feature)[row] = (int64_t)value;
    }
}

void
columns_fill(struct columns *columns, uint32_t view, const uint64_t *ids,
             uint32_t rows, int64_t time)
{
    const struct shape *shape = &columns->data->shape;
    uint32_t width = rows_width(shape);
    float *vector = columns->features[width];

    columns->view = view;
    columns->rows = rows;
    for (uint32_t row = 0; row < rows; row++) {
        columns->times[row] = time;
        columns->numbers[row] = dataset_number(ids[row]);
        dataset_text(ids[row], columns->text + (size_t)row * TEXT_SIZE);
        columns->offsets[row + 1] = (int32_t)((row + 1) * TEXT_SIZE);
        for (uint32_t i = 0; i < width; i++)
            put_feature(columns->features[i], PATTERN[i % BLOCK], row,
                        rows_value(ids[row], view, i));
        for (uint32_t i = 0; i < shape->vector; i++)
            vector[(size_t)row * shape->vector + i] = rows_vector(ids[row], i);
    }
}

static int32_t
type_code(char type)
{
    switch (type) {
    case 'b':
        return FEATURE_TYPE_BOOL;
    case 'f':
        return FEATURE_TYPE_FLOAT32;
    case 'd':
        return FEATURE_TYPE_FLOAT64;
    case 'w':
        return FEATURE_TYPE_INT32;
    default:
        return FEATURE_TYPE_INT64;
    }
}

void
columns_set(const struct columns *columns, feature_batch *batch)
{
    const struct shape *shape = &columns->data->shape;
    uint32_t width = rows_width(shape), rows = columns->rows;
    struct feature_error error;

    if (columns->data->text_keys)
        bench_must(feature_batch_set(batch, 0, FEATURE_TYPE_STRING,
                                     columns->text, columns->offsets, NULL,
                                     rows, &error),
                   &error);
    else
        bench_must(feature_batch_set(batch, 0, FEATURE_TYPE_INT64,
                                     columns->numbers, NULL, NULL, rows,
                                     &error),
                   &error);
    bench_must(feature_batch_set(batch, 1, FEATURE_TYPE_TIMESTAMP,
                                 columns->times, NULL, NULL, rows, &error),
               &error);
    for (uint32_t i = 0; i < width + (shape->vector > 0); i++) {
        int32_t type =
            i < width ? type_code(PATTERN[i % BLOCK]) : FEATURE_TYPE_FLOAT32;

        bench_must(feature_batch_set(batch, 2 + i, type, columns->features[i],
                                     NULL, NULL, rows, &error),
                   &error);
    }
}

feature_store *
store_open(const char *path, uint32_t flags)
{
    struct feature_options options = {
        .struct_size = sizeof options, .flags = flags, .write_wait_ms = 60000};
    struct feature_error error;
    feature_store *store;

    bench_must(feature_store_open(path, &options, &store, &error), &error);
    return store;
}

feature_batch *
store_batch(feature_store *store, uint32_t view)
{
    struct feature_error error;
    feature_batch *batch;
    char name[16];

    snprintf(name, sizeof name, "v%u", view);
    bench_must(
        feature_batch_create(store, name, NULL, FEATURE_UPSERT, &batch, &error),
        &error);
    return batch;
}

void
store_write(feature_store *store, feature_batch *batch)
{
    struct feature_commit commit = {.struct_size = sizeof commit};
    struct feature_error error;

    bench_must(feature_store_write(store, &batch, 1, NULL, &commit, &error),
               &error);
    if (commit.late || commit.future || commit.rejected)
        bench_fail("rows were late, future or rejected");
}

static void
load_view(feature_store *store, const struct dataset *data, uint32_t view,
          const uint64_t *order)
{
    struct columns *columns = columns_make(data, CHUNK);
    feature_batch *batch = store_batch(store, view);

    for (uint64_t at = 0; at < data->rows; at += CHUNK) {
        uint64_t left = data->rows - at;

        columns_fill(columns, view, order + at,
                     (uint32_t)(left < CHUNK ? left : CHUNK), FIRST_TIME);
        columns_set(columns, batch);
        store_write(store, batch);
    }
    feature_batch_free(batch);
    columns_free(columns);
}

void
store_build(const struct dataset *data, const char *path)
{
    uint64_t *order = dataset_order(data);
    char *definitions = dataset_definitions(data);
    struct feature_error error;
    feature_store *store;

    store_remove(path);
    store = store_open(path, FEATURE_OPEN_CREATE);
    bench_must(feature_store_apply(store, definitions, NULL, NULL, &error),
               &error);
    for (uint32_t i = 0; i < data->views; i++)
        load_view(store, data, i, order);
    feature_store_close(store);
    free(definitions);
    free(order);
}

void
store_path(char path[PATH_SIZE], const char *directory, const char *name,
           const char *suffix)
{
    *path = 0;
    bench_append(path, PATH_SIZE, "%s/%s%s", directory, name, suffix);
}

void
store_remove(const char *path)
{
    DIR *directory = opendir(path);
    struct dirent *entry;
    char file[PATH_SIZE];

    while (directory && (entry = readdir(directory))) {
        if (entry->d_name[0] == '.')
            continue;
        store_path(file, path, entry->d_name, "");
        unlink(file);
    }
    if (directory)
        closedir(directory);
    rmdir(path);
}

void
store_directory(const char *path)
{
    store_remove(path);
    if (mkdir(path, 0700) && errno != EEXIST)
        bench_fail("cannot make %s: %s", path, strerror(errno));
}

static int
open_data(const char *path, int flags)
{
    char file[PATH_SIZE];
    int handle;

    store_path(file, path, "data.mdb", "");
    handle = open(file, flags | O_CLOEXEC, 0600);
    if (handle < 0)
        bench_fail("cannot open %s: %s", file, strerror(errno));
    return handle;
}

void
store_copy(const char *from, const char *to)
{
    static uint8_t buffer[COPY];
    int in, out;
    ssize_t size;

    store_directory(to);
    in = open_data(from, O_RDONLY);
    out = open_data(to, O_WRONLY | O_CREAT | O_TRUNC);
    while ((size = read(in, buffer, sizeof buffer)) > 0)
        if (write(out, buffer, (size_t)size) != size)
            bench_fail("cannot copy %s: %s", from, strerror(errno));
    fdatasync(out); /* its writing back must not fall into a measurement */
    close(in);
    close(out);
}

void
store_chill(const char *path)
{
    int handle = open_data(path, O_RDONLY);

    fdatasync(handle);
    posix_fadvise(handle, 0, 0, POSIX_FADV_DONTNEED);
    close(handle);
}

void
store_heat(const char *path)
{
    static uint8_t buffer[COPY];
    int handle;

    store_chill(path);
    handle = open_data(path, O_RDONLY);
    while (read(handle, buffer, sizeof buffer) > 0)
        continue;
    close(handle);
}

uint64_t
store_file_size(const char *path)
{
    int handle = open_data(path, O_RDONLY);
    struct stat at;
    int code = fstat(handle, &at);

    close(handle);
    return code ? 0 : (uint64_t)at.st_size;
}
