/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bench's tools: clock, random numbers, and contests in rounds.
 *
 * Owns the method of measurement: every method once a round, in a new order
 * each time, and the median over the rounds.
 * Keeps a contest whose baseline moved by more than its limit out of the
 * results as long as another try is left, and says so where none is.
 * Never times the making of keys: a method makes them before it starts its
 * clock.
 */
#include "harness.h"

#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "report.h"

struct settings settings;
void (*bench_last_words)(void);

uint64_t
bench_choose(uint64_t full, uint64_t quick)
{
    return settings.quick ? quick : full;
}

uint64_t
bench_clock(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void
bench_pin(unsigned core)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    cpu_set_t set;

    if (cores < 2)
        return;
    CPU_ZERO(&set);
    CPU_SET(core % (unsigned)cores, &set);
    sched_setaffinity(0, sizeof set, &set);
}

void
bench_unpin(void)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    for (size_t i = 0; i < CPU_SETSIZE; i++)
        CPU_SET(i, &set);
    sched_setaffinity(0, sizeof set, &set);
}

void
bench_fail(const char *format, ...)
{
    va_list arguments;

    fflush(stdout);
    fprintf(stderr, "bench: ");
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fprintf(stderr, "\n");
    if (bench_last_words) {
        void (*speak)(void) = bench_last_words;

        bench_last_words = NULL; /* it may fail, too */
        speak();
    }
    exit(1);
}

void
bench_must(feature_status status, const struct feature_error *error)
{
    if (status)
        bench_fail("libfeature: %s %s: %s", feature_status_name(status),
                   error->reason, error->message);
}

void *
bench_alloc(size_t count, size_t size)
{
    void *memory = calloc(count ? count : 1, size);

    if (!memory)
        bench_fail("no memory for %zu x %zu bytes", count, size);
    return memory;
}

void
bench_append(char *text, size_t size, const char *format, ...)
{
    size_t used = strlen(text);
    va_list arguments;
    int added;

    va_start(arguments, format);
    added = vsnprintf(text + used, size - used, format, arguments);
    va_end(arguments);
    if (added < 0 || (size_t)added >= size - used)
        bench_fail("a text of over %zu bytes", size);
}

/* The finaliser of MurmurHash3. */
uint64_t
bench_mix(uint64_t value)
{
    value ^= value >> 33;
    value *= 0xff51afd7ed558ccdu;
    value ^= value >> 33;
    value *= 0xc4ceb9fe1a85ec53u;
    return value ^ value >> 33;
}

uint64_t
bench_unmix(uint64_t value)
{
    value ^= value >> 33;
    value *= 0x9cb4b2f8129337dbu;
    value ^= value >> 33;
    value *= 0x4f74430c22a54005u;
    return value ^ value >> 33;
}

uint64_t
random_next(struct random *random)
{
    random->state += 0x9e3779b97f4a7c15u;
    return bench_mix(random->state);
}

uint64_t
random_below(struct random *random, uint64_t limit)
{
    return (uint64_t)((unsigned __int128)random_next(random) * limit >> 64);
}

static int
compare(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;

    return (a > b) - (a < b);
}

double
percentile_of(double *values, size_t count, double share)
{
    size_t at = (size_t)(share * (double)(count - 1) + 0.5);

    qsort(values, count, sizeof *values, compare);
    return values[at];
}

double
median_of(const double *values, size_t count)
{
    double sorted[ROUNDS_MAX];

    memcpy(sorted, values, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, compare);
    return (sorted[(count - 1) / 2] + sorted[count / 2]) / 2;
}

double
least_of(const double *values, size_t count)
{
    double least = values[0];

    for (size_t i = 1; i < count; i++)
        least = values[i] < least ? values[i] : least;
    return least;
}

double
most_of(const double *values, size_t count)
{
    double most = values[0];

    for (size_t i = 1; i < count; i++)
        most = values[i] > most ? values[i] : most;
    return most;
}

struct method *
contest_add(struct contest *contest, const char *name, double (*run)(void *),
            void *context)
{
    struct method *method = &contest->methods[contest->count];

    if (contest->count == METHODS_MAX)
        bench_fail("%s: too many methods", contest->name);
    contest->count++;
    *method = (struct method){.name = name, .run = run, .context = context};
    return method;
}

/* A method warms caches for the next one on the same file, so that nobody
 * always follows the same other. */
static void
shuffle(unsigned order[METHODS_MAX], unsigned count, struct random *random)
{
    for (unsigned i = 0; i < count; i++) {
        unsigned other = (unsigned)random_below(random, i + 1);

        order[i] = order[other];
        order[other] = i;
    }
}

static void
run_round(struct contest *contest, unsigned round, struct random *random)
{
    unsigned order[METHODS_MAX];

    shuffle(order, contest->count, random);
    for (unsigned i = 0; i < contest->count; i++) {
        struct method *method = &contest->methods[order[i]];

        if (!method->is_derived)
            method->values[round] = method->run(method->context);
    }
    for (unsigned i = 0; i < contest->count; i++)
        if (contest->methods[i].is_derived)
            contest->methods[i].values[round] =
                contest->methods[i].run(contest->methods[i].context);
}

static double
run_once(struct contest *contest)
{
    const double *base = contest->methods[contest->baseline].values;
    struct random random = {5};

    run_round(contest, 0, &random); /* warms what is still cold */
    for (unsigned i = 0; i < contest->rounds; i++)
        run_round(contest, i, &random);
    return most_of(base, contest->rounds) / least_of(base, contest->rounds);
}

void
contest_run(struct contest *contest)
{
    double limit = contest->limit > 0 ? contest->limit : 1.25;
    static struct contest best;
    unsigned tries = 0, most = (unsigned)bench_choose(3, 2);

    if (!contest->rounds)
        contest->rounds = (unsigned)bench_choose(9, 3);
    best.spread = 0;
    do {
        contest->spread = run_once(contest);
        contest->discarded = tries++;
        if (best.spread <= 0 || contest->spread < best.spread)
            best = *contest;
    } while (contest->spread > limit && tries < most);
    best.discarded = contest->discarded;
    *contest = best;
    report_contest(contest);
}

const struct method *
contest_find(const struct contest *contest, const char *name)
{
    for (unsigned i = 0; i < contest->count; i++)
        if (!strcmp(contest->methods[i].name, name))
            return &contest->methods[i];
    return NULL;
}

double
contest_ratio(const struct contest *contest, const char *name, const char *base)
{
    const struct method *above = contest_find(contest, name);
    const struct method *below = contest_find(contest, base);
    double ratios[ROUNDS_MAX];

    if (!above || !below)
        return 0;
    for (unsigned i = 0; i < contest->rounds; i++)
        ratios[i] = above->values[i] / below->values[i];
    return median_of(ratios, contest->rounds);
}
