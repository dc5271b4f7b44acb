/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sketches FILE: how wrong sketches are, how large, and how long they take, as
 * JSON. Seeds are fixed: errors and sizes are the same in every run.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "libfeature.h"

#define MOST   1000000
#define TRIALS 40

static FILE *out;
static const char *comma = "";

static void
must(feature_status status, const struct feature_error *error)
{
    if (!status)
        return;
    fprintf(stderr, "sketches: %s\n", error->message);
    exit(1);
}

static uint64_t drawn;

static uint64_t
draw(void)
{
    uint64_t value = drawn += 0x9e3779b97f4a7c15u;

    value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9u;
    value = (value ^ value >> 27) * 0x94d049bb133111ebu;
    return value ^ value >> 31;
}

static double
now(void)
{
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec * 1e9 + (double)at.tv_nsec;
}

static feature_sketch *
make(int32_t kind, uint32_t precision)
{
    const struct feature_sketch_options options = {
        .struct_size = sizeof options, .kind = kind, .precision = precision};
    struct feature_error error;
    feature_sketch *sketch;

    must(feature_sketch_create(&options, &sketch, &error), &error);
    return sketch;
}

static uint64_t
size_of(feature_sketch *sketch)
{
    struct feature_error error;
    struct feature_sketch_data data;

    must(feature_sketch_bytes(sketch, FEATURE_SKETCH_NATIVE, &data, &error),
         &error);
    return data.size;
}

static double
add(feature_sketch *sketch, int32_t type, const void *values, uint32_t count)
{
    struct feature_error error;
    double begin = now();

    must(feature_sketch_add(sketch, type, values, NULL, NULL, count, &error),
         &error);
    return (now() - begin) / count;
}

static void
distinct(uint32_t precision, uint32_t count)
{
    int64_t *values = malloc(count * sizeof *values);
    double squares = 0, each = 1e9, merged, told;
    uint32_t trials = count > 100000 ? TRIALS / 4 : TRIALS;
    struct feature_error error;
    feature_sketch *sketch, *other = make(FEATURE_SKETCH_DISTINCT, precision);
    uint64_t size = 0, estimate;

    for (uint32_t trial = 0; values && trial < trials; trial++) {
        double spent;

        for (uint32_t i = 0; i < count; i++)
            values[i] = (int64_t)draw();
        sketch = make(FEATURE_SKETCH_DISTINCT, precision);
        spent = add(sketch, FEATURE_TYPE_INT64, values, count);
        each = spent < each ? spent : each;
        told = now();
        must(feature_sketch_estimate(sketch, &estimate, &error), &error);
        told = now() - told;
        merged = now();
        must(feature_sketch_merge(other, sketch, &error), &error);
        merged = now() - merged;
        squares += pow((double)estimate / count - 1, 2);
        size = size_of(sketch);
        feature_sketch_free(sketch);
    }
    fprintf(
        out,
        "%s\n  {\"sketch\": \"distinct\", \"precision\": %u, \"values\": %u,"
        " \"error\": %.5f, \"bytes\": %llu, \"add_ns\": %.1f,"
        " \"estimate_ns\": %.0f, \"merge_ns\": %.0f}",
        comma, precision, count, sqrt(squares / trials),
        (unsigned long long)size, each, told, merged);
    comma = ",";
    feature_sketch_free(other);
    free(values);
}

static int
ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double
draw_real(const char *kind)
{
    double u = ((double)(draw() >> 11) + 0.5) / 9007199254740992.0;
    double v = ((double)(draw() >> 11) + 0.5) / 9007199254740992.0;

    if (!strcmp(kind, "uniform"))
        return 1 + 999 * u;
    if (!strcmp(kind, "heavy tail"))
        return pow(u, -1 / 1.1);
    return exp(3 + sqrt(-2 * log(u)) * cos(6.283185307179586 * v));
}

static void
quantiles(const char *kind, uint32_t count)
{
    double *values = malloc(count * sizeof *values), worst = 0, each, told;
    feature_sketch *sketch = make(FEATURE_SKETCH_QUANTILES, 0);
    struct feature_error error;

    if (!values)
        exit(1);
    for (uint32_t i = 0; i < count; i++)
        values[i] = draw_real(kind);
    each = add(sketch, FEATURE_TYPE_FLOAT64, values, count);
    qsort(values, count, sizeof *values, ascending);
    told = now();
    for (int i = 0; i <= 1000; i++) {
        double value, truth = values[(uint32_t)(i / 1000.0 * (count - 1))];

        must(feature_sketch_quantile(sketch, i / 1000.0, &value, &error),
             &error);
        worst = fmax(worst, fabs(value / truth - 1));
    }
    told = (now() - told) / 1001;
    fprintf(out,
            "%s\n  {\"sketch\": \"quantiles\", \"values_are\": \"%s\","
            " \"values\": %u, \"worst_error\": %.5f, \"bytes\": %llu,"
            " \"add_ns\": %.1f, \"quantile_ns\": %.0f}",
            comma, kind, count, worst, (unsigned long long)size_of(sketch),
            each, told);
    feature_sketch_free(sketch);
    free(values);
}

int
main(int count, char **arguments)
{
    static const char *const kinds[] = {"uniform", "lognormal", "heavy tail"};

    out = count > 1 ? fopen(arguments[1], "w") : stdout;
    if (!out) {
        perror(arguments[1]);
        return 1;
    }
    fprintf(out, "[");
    for (uint32_t precision = 10; precision <= 14; precision += 2)
        for (uint32_t n = 100; n <= MOST; n *= 10)
            distinct(precision, n);
    for (int i = 0; i < 3; i++)
        for (uint32_t n = 100; n <= MOST; n *= 10)
            quantiles(kinds[i], n);
    fprintf(out, "\n]\n");
    return fclose(out) ? 1 : 0;
}
