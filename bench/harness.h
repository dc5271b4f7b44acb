/* SPDX-License-Identifier: Apache-2.0 */
/* What every part of the bench shares: settings, clock, random numbers, and
 * contests, which are methods measured in interleaved rounds. */
#ifndef BENCH_HARNESS_H
#define BENCH_HARNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libfeature.h"

#define PATH_SIZE   1024
#define ROUNDS_MAX  15
#define METHODS_MAX 20

struct settings {
    bool quick;            /* small sizes, few rounds */
    char reads[PATH_SIZE]; /* data sets that are only read */
    char disk[PATH_SIZE];  /* everything durable, and everything cold */
    char tmpfs[PATH_SIZE]; /* write figures without the cost of a sync */
    char results[PATH_SIZE];
    char micro[PATH_SIZE]; /* the program of that name */
    char self[PATH_SIZE];  /* this program, for reader processes */
    const char *only;      /* a part's name, or NULL */
};

extern struct settings settings;

/* full, or quick where the settings say so. */
uint64_t bench_choose(uint64_t full, uint64_t quick);

uint64_t bench_clock(void); /* nanoseconds, steady */

/* Runs this thread on one core, where there is more than one. */
void bench_pin(unsigned core);
void bench_unpin(void);

/* Ends the bench; what bench_last_words names is called first. */
extern void (*bench_last_words)(void);
_Noreturn void bench_fail(const char *format, ...)
    __attribute__((format(printf, 1, 2)));
void bench_must(feature_status status, const struct feature_error *error);

/* Zeroed, or the bench ends. */
void *bench_alloc(size_t count, size_t size);

/* Appends formatted text to a text of size bytes; fails when it is full. */
void bench_append(char *text, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A bijection of 64 bits that scatters, and its inverse. */
uint64_t bench_mix(uint64_t value);
uint64_t bench_unmix(uint64_t value);

struct random {
    uint64_t state;
};
uint64_t random_next(struct random *random);
uint64_t random_below(struct random *random, uint64_t limit);

/* One value a round; run does its own timing and answers in the contest's
 * unit. */
struct method {
    const char *name;
    double (*run)(void *context);
    void *context;
    bool is_derived; /* reads off what a method of this round left */
    double values[ROUNDS_MAX];
};

struct contest {
    char name[80];
    const char *unit;
    const char *place; /* the file system the data is on */
    unsigned rounds;
    unsigned baseline; /* index of the method whose steadiness counts */
    double limit;      /* of the baseline's max / min; 0: 1.25 */
    unsigned count;
    unsigned discarded; /* runs thrown away before this one */
    double spread;      /* of the baseline in the run that was kept */
    struct method methods[METHODS_MAX];
};

struct method *contest_add(struct contest *contest, const char *name,
                           double (*run)(void *), void *context);

/* Runs all methods round by round; again, a few times at most, while the
 * baseline is unsteady. Reports the result. */
void contest_run(struct contest *contest);

const struct method *contest_find(const struct contest *contest,
                                  const char *name);

/* Median over the rounds of one method's value over another's. */
double contest_ratio(const struct contest *contest, const char *name,
                     const char *base);

double median_of(const double *values, size_t count);
double least_of(const double *values, size_t count);
double most_of(const double *values, size_t count);

/* values is sorted on the way; share: 0.5, 0.99. */
double percentile_of(double *values, size_t count, double share);

#endif
