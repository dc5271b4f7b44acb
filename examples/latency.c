/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a read costs: the inputs of a model, by batches of several sizes.
 *
 *     cc latency.c common/departures.c -o latency \
 *         $(pkg-config --cflags --libs libfeature)
 *     ./latency build/demo/store examples/data/departures.csv
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <libfeature.h>

#include "common/departures.h"

#define ROUNDS 500

static struct feature_error error;

static void
check(feature_status status)
{
    if (!status)
        return;
    fprintf(stderr, "latency: %s: %s (%s)\n", feature_status_name(status),
            error.message, error.reason);
    exit(1);
}

static int
by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double
microseconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

/* One round, in microseconds: keys in, a dense matrix out. The request and its
 * memory are the same every time, as in a service. */
static double
round_trip(feature_request *request, float *matrix, uint32_t width,
           const struct flight *flights, uint32_t count, uint32_t rows)
{
    double begin = microseconds();

    check(set_keys(request, flights, count, rows, &error));
    check(feature_request_read_matrix(request, matrix, width, &error));
    return microseconds() - begin;
}

static void
measure(feature_request *request, float *matrix, uint32_t width,
        const struct flight *flights, uint32_t count, uint32_t rows)
{
    double times[ROUNDS] = {0};

    for (int i = 0; i < 10; i++) /* to warm up */
        round_trip(request, matrix, width, flights, count, rows);
    for (int i = 0; i < ROUNDS; i++)
        times[i] =
            round_trip(request, matrix, width, flights, count, rows) / rows;
    qsort(times, ROUNDS, sizeof *times, by_value);
    printf("%6u %11.2f us %8.2f us\n", rows, times[ROUNDS / 2],
           times[ROUNDS * 99 / 100]);
}

int
main(int argc, char **argv)
{
    static struct flight flights[ROWS_MAX];
    struct feature_options options = {.struct_size = sizeof options,
                                      .flags = FEATURE_OPEN_READ_ONLY};
    struct feature_query_options dense = {.struct_size = sizeof dense,
                                          .flags = FEATURE_QUERY_MATRIX};
    feature_store *store;
    feature_query *query;
    feature_request *request;
    uint32_t count, width;
    float *matrix;

    if (argc != 3) {
        fprintf(stderr, "usage: latency STORE DEPARTURES.csv\n");
        return 2;
    }
    count = load_flights(argv[2], flights);
    if (!count)
        return 1;
    check(feature_store_open(argv[1], &options, &store, &error));
    check(feature_query_create(store, "departure_v1", &dense, &query, &error));
    check(feature_request_create(query, &request, &error));
    width = feature_query_matrix_width(query);
    matrix = calloc((size_t)ROWS_MAX * width, sizeof *matrix);
    if (!matrix)
        return 1;

    printf("A row of departure_v1 is %u look-ups and %u numbers; time per "
           "row:\n\n batch       median         p99\n",
           feature_query_view_count(query), width);
    for (uint32_t rows = 1; rows <= ROWS_MAX; rows *= 10)
        measure(request, matrix, width, flights, count, rows);

    free(matrix);
    feature_request_free(request);
    feature_query_free(query);
    feature_store_close(store);
    return 0;
}
