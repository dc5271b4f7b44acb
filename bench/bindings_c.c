/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads through the C API, for the bindings bench: see bindings_keys.h.
 *
 * Owns what other languages are compared with.
 * Keeps to what a careful C program does: one request, one matrix.
 * Never counts the making of keys: they are there before the clock runs.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "libfeature.h"

#include "bindings_keys.h"

#define COLUMNS_MAX 64

/* A size, and its keys in Arrow's layout. */
struct size {
    uint32_t keys;
    uint32_t calls;
    int64_t *numbers;
    char *bytes;
    int32_t *offsets; /* keys + 1 for each call, from 0 */
    size_t width;     /* bytes of a text */
};

struct bench {
    feature_query *query;
    feature_request *matrices;
    feature_request *columns;
    float *matrix;
    uint32_t width;
    int32_t key_type;
    double sum; /* of what was looked at */
};

static struct feature_error error;

static void
check(feature_status status)
{
    if (!status)
        return;
    fprintf(stderr, "bindings_c: %s: %s\n", feature_status_name(status),
            error.message);
    exit(1);
}

static double
nanoseconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void *
claim(size_t size)
{
    void *memory = calloc(1, size);

    if (!memory)
        exit(1);
    return memory;
}

static void
make_keys(struct size *size, int64_t first, int64_t last)
{
    size_t count = (size_t)CALLS * size->keys;

    size->width = 13;
    size->numbers = claim(count * sizeof *size->numbers);
    size->bytes = claim(count * size->width + 1);
    size->offsets = claim((size->keys + 1) * sizeof *size->offsets);
    for (size_t i = 0; i < count; i++) {
        size->numbers[i] = bench_key(i, first, last);
        bench_key_text(size->bytes + i * size->width, size->width + 1,
                       size->numbers[i]);
    }
    for (uint32_t i = 0; i <= size->keys; i++)
        size->offsets[i] = (int32_t)(i * size->width);
}

static void
free_keys(struct size *size)
{
    free(size->numbers);
    free(size->bytes);
    free(size->offsets);
}

static void
set_keys(const struct bench *bench, feature_request *request,
         const struct size *size, uint32_t call)
{
    size_t first = (size_t)(call % CALLS) * size->keys;

    if (bench->key_type == FEATURE_TYPE_INT64)
        check(feature_request_set_key(request, 0, FEATURE_TYPE_INT64,
                                      size->numbers + first, NULL, NULL,
                                      size->keys, &error));
    else
        check(feature_request_set_key(request, 0, FEATURE_TYPE_STRING,
                                      size->bytes + first * size->width,
                                      size->offsets, NULL, size->keys, &error));
}

static double
time_matrix(struct bench *bench, const struct size *size)
{
    double begin = nanoseconds();

    for (uint32_t call = 0; call < size->calls; call++) {
        set_keys(bench, bench->matrices, size, call);
        check(feature_request_read_matrix(bench->matrices, bench->matrix,
                                          bench->width, &error));
        bench->sum += (double)bench->matrix[0];
    }
    return (nanoseconds() - begin) / size->calls;
}

static double
time_columns(struct bench *bench, const struct size *size)
{
    uint32_t count = feature_query_column_count(bench->query);
    struct feature_column columns[COLUMNS_MAX];
    double begin = nanoseconds();

    for (uint32_t call = 0; call < size->calls; call++) {
        set_keys(bench, bench->columns, size, call);
        check(feature_request_read(bench->columns, &error));
        check(feature_request_columns(bench->columns, columns, count, &error));
        for (uint32_t i = 0; i < count; i++) {
            const float *values = columns[i].values;

            bench->sum += (double)(values[0] + values[size->keys - 1]);
        }
    }
    return (nanoseconds() - begin) / size->calls;
}

static const struct {
    const char *name;
    double (*run)(struct bench *, const struct size *);
} methods[] = {{"matrix", time_matrix}, {"columns", time_columns}};

#define METHODS (sizeof methods / sizeof *methods)

static int
by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void
run(struct bench *bench, const struct size *sizes, int rounds)
{
    static double times[METHODS][SIZES][ROUNDS_MAX];

    for (int round = -1; round < rounds; round++) /* the first warms up */
        for (int s = 0; s < SIZES; s++)
            for (size_t m = 0; m < METHODS; m++) {
                double took = methods[m].run(bench, &sizes[s]);

                if (round >= 0)
                    times[m][s][round] = took;
            }
    for (size_t m = 0; m < METHODS; m++)
        for (int s = 0; s < SIZES; s++) {
            qsort(times[m][s], (size_t)rounds, sizeof(double), by_value);
            printf("{\"language\":\"c\",\"key\":\"%s\",\"keys\":%u,"
                   "\"what\":\"%s\",\"ns\":%.1f}\n",
                   bench->key_type == FEATURE_TYPE_INT64 ? "int64" : "string",
                   sizes[s].keys, methods[m].name, times[m][s][rounds / 2]);
        }
}

static void
open_bench(struct bench *bench, feature_store *store, const char *features)
{
    struct feature_query_options options = {.struct_size = sizeof options,
                                            .flags = FEATURE_QUERY_MATRIX};
    struct feature_field key;

    check(
        feature_query_create(store, features, &options, &bench->query, &error));
    check(feature_query_key(bench->query, 0, &key, &error));
    check(feature_request_create(bench->query, &bench->matrices, &error));
    check(feature_request_create(bench->query, &bench->columns, &error));
    bench->key_type = key.type;
    bench->width = feature_query_matrix_width(bench->query);
    bench->matrix = claim(sizeof(float) * bench->width * KEYS_MAX);
    if (feature_query_column_count(bench->query) > COLUMNS_MAX)
        exit(1);
}

int
main(int argc, char **argv)
{
    struct feature_options options = {.struct_size = sizeof options,
                                      .flags = FEATURE_OPEN_READ_ONLY};
    int rounds = argc > 5 ? atoi(argv[5]) : ROUNDS;
    struct bench bench = {0};
    struct size sizes[SIZES];
    feature_store *store;

    if (argc < 5 || rounds < 1 || rounds > ROUNDS_MAX) {
        fprintf(stderr,
                "usage: bindings_c STORE FEATURES FIRST LAST [ROUNDS]\n");
        return 2;
    }
    check(feature_store_open(argv[1], &options, &store, &error));
    open_bench(&bench, store, argv[2]);
    for (int s = 0; s < SIZES; s++) {
        sizes[s].keys = bench_sizes[s];
        sizes[s].calls = bench_calls[s];
        make_keys(&sizes[s], strtoll(argv[3], NULL, 10),
                  strtoll(argv[4], NULL, 10));
    }
    run(&bench, sizes, rounds);
    for (int s = 0; s < SIZES; s++)
        free_keys(&sizes[s]);
    free(bench.matrix);
    feature_request_free(bench.columns);
    feature_request_free(bench.matrices);
    feature_query_free(bench.query);
    feature_store_close(store);
    return bench.sum < 0; /* looked at, so that nothing is left out */
}
