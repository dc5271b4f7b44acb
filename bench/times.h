/* SPDX-License-Identifier: Apache-2.0 */
/* What the programs behind bench/times.py share. */
#ifndef BENCH_TIMES_H
#define BENCH_TIMES_H

#include <stddef.h>
#include <stdint.h>

#include "libfeature.h"

#define TIMES_COLUMNS 4
#define TIMES_FIRST   INT64_C(1700000000000000)
#define TIMES_SPAN    INT64_C(7776000000000) /* 90 days */

struct times_rows {
    size_t count;
    int64_t *keys, *times;
    double *values[TIMES_COLUMNS];
};

extern struct feature_error times_error;

__attribute__((format(printf, 1, 2), noreturn)) void times_die(
    const char *format, ...);
void times_must(feature_status status); /* or the program ends */
void *times_room(size_t size);          /* zeroed */
double times_now(void);                 /* seconds */
uint64_t times_mix(uint64_t x);

struct times_rows times_new_rows(size_t count, int with_values);

/* All entities, then all of them again: times of one entity differ, for versions
 * lie in slots of their own. */
struct times_rows times_history(int64_t entities, int64_t versions);

/* Entities as they come, at times that grow. */
struct times_rows times_updates(int64_t entities, size_t count);

/* The first rows and the others of the same arrays. */
struct times_rows times_slice(const struct times_rows *rows, size_t first,
                              size_t count);

/* A store with the view v of entity e, or the one that is there. */
feature_store *times_store(const char *path, const char *view_options,
                           const char *more);

/* In commits of so many rows. */
void times_write(feature_store *store, const struct times_rows *rows,
                 size_t chunk);

#endif
