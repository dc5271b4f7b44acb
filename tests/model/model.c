/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The model test: random operations on a store and on a model of it.
 *
 *     model [--operations N] [--seed S] [--plant NAME] [--verbose]
 *     model --self-test         every plant has to be found and shrunk
 *     model --seed S --operations N --keep LIST    replays a shrunk trace
 *     model N                   the self-test, then N operations
 *
 * Owns the command line, and the cutting of a run into episodes, each with a
 * store and a seed of its own.
 * Keeps a run repeatable: the seed it prints makes it again.
 * Never goes on after a difference: it shrinks the episode and exits with 1.
 */
#include "trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define OPERATIONS_DEFAULT 20000
#define PLANT_OPERATIONS   20000 /* in which a plant has to be found */
#define PLANT_SHRUNK       12    /* operations it has to shrink to */
#define PLANT_SEED         1
#define EPISODE_SHORTEST   150

struct arguments {
    const char *program;
    uint64_t operations;
    uint64_t seed;
    enum plant plant;
    const char *keep;
    bool is_verbose;
    bool tests_plants;
    bool runs;
};

/* What a whole run came to. */
struct total {
    struct counts counts;
    uint64_t episodes;
};

static uint32_t
episode_length(uint64_t seed, uint64_t left)
{
    struct dice dice = {.state = ~seed};
    uint32_t length = EPISODE_SHORTEST + dice_below(&dice, 8 * 150);

    return left < length ? (uint32_t)left : length;
}

static void
add_counts(struct total *total, const struct counts *counts)
{
    for (uint32_t i = 0; i < OPERATION_KINDS; i++)
        total->counts.operations[i] += counts->operations[i];
    total->counts.rows_written += counts->rows_written;
    total->counts.cells_read += counts->cells_read;
    total->counts.conflicts += counts->conflicts;
    total->episodes++;
}

/* One episode on both sides; where they differ, or NOWHERE. */
static uint32_t
run_episode(uint64_t seed, uint32_t length, enum plant plant,
            struct total *total, struct text *complaint)
{
    struct arena arena = {0};
    uint32_t at = NOWHERE;
    struct maker maker;
    struct world world;

    world_begin(&world, true, plant);
    maker_begin(&maker, seed, &arena, &world);
    for (uint32_t i = 0; at == NOWHERE && i < length; i++) {
        struct operation operation = maker_next(&maker);

        if (!world_run(&world, &operation))
            at = i;
    }
    if (at == NOWHERE && !world_finish(&world))
        at = length - 1;
    if (at != NOWHERE)
        text_add(complaint, "%s", world.complaint.data);
    add_counts(total, &world.counts);
    world_end(&world);
    arena_free(&arena);
    return at;
}

static void
print_replay(const struct arguments *arguments, const struct trace *trace)
{
    struct text text = {0};

    trace_print_kept(trace, &text);
    printf("replay with:\n  %s --seed %llu --operations %u", arguments->program,
           (unsigned long long)trace->seed, trace->count);
    if (trace->plant)
        printf(" --plant %s", plant_names[trace->plant]);
    printf(" --keep %s\n", text.data);
    text_free(&text);
}

static void
print_trace(const struct trace *trace, const struct text *complaint)
{
    struct text text = {0};

    trace_print(trace, &text);
    fwrite(text.data, 1, text.size, stdout);
    printf("=> %s", complaint->data
                        ? complaint->data
                        : "no difference (the first run saw one)\n");
    text_free(&text);
}

static void
report(const struct arguments *arguments, uint64_t seed, uint32_t at,
       const char *first)
{
    struct text complaint = {0};
    struct trace trace;

    printf("not ok: they differ at operation %u of the episode with seed "
           "%llu:\n%s",
           at, (unsigned long long)seed, first);
    fflush(stdout);
    trace_make(&trace, seed, at + 1, arguments->plant);
    trace_shrink(&trace, at);
    (void)trace_replay(&trace, &complaint);
    printf("%u operations are left:\n", trace_kept(&trace));
    print_trace(&trace, &complaint);
    print_replay(arguments, &trace);
    text_free(&complaint);
    trace_free(&trace);
}

static void
print_total(const struct total *total, double seconds)
{
    static const char *const names[OPERATION_KINDS] = {
        [OP_APPLY] = "applies",        [OP_DESCRIBE] = "descriptions",
        [OP_MAKE_BATCH] = "batches",   [OP_WRITE] = "writes",
        [OP_MAKE_QUERY] = "queries",   [OP_READ] = "reads",
        [OP_STATS] = "stats",          [OP_REOPEN] = "reopens",
        [OP_SECOND_HANDLE] = "handles"};
    uint64_t operations = 0;

    for (uint32_t i = 0; i < OPERATION_KINDS; i++)
        operations += total->counts.operations[i];
    printf("ok: %llu operations in %llu episodes, %.1f s:",
           (unsigned long long)operations, (unsigned long long)total->episodes,
           seconds);
    for (uint32_t i = 0; i < OPERATION_KINDS; i++)
        printf(" %llu %s,", (unsigned long long)total->counts.operations[i],
               names[i]);
    printf(" %llu rows written, %llu cells compared, %llu schema changes "
           "noticed\n",
           (unsigned long long)total->counts.rows_written,
           (unsigned long long)total->counts.cells_read,
           (unsigned long long)total->counts.conflicts);
}

static double
now_seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Whether the sides never differed. */
static bool
run(const struct arguments *arguments)
{
    uint64_t seed = arguments->seed, left = arguments->operations;
    double begin = now_seconds();
    struct text complaint = {0};
    struct total total = {0};

    printf("seed %llu\n", (unsigned long long)seed);
    fflush(stdout);
    for (; left; seed++) {
        uint32_t length = episode_length(seed, left);
        uint32_t at;

        if (arguments->is_verbose) {
            printf("  episode %llu: %u operations\n", (unsigned long long)seed,
                   length);
            fflush(stdout);
        }
        at = run_episode(seed, length, arguments->plant, &total, &complaint);
        if (at != NOWHERE) {
            report(arguments, seed, at, complaint.data);
            text_free(&complaint);
            return false;
        }
        left -= length;
    }
    print_total(&total, now_seconds() - begin);
    return true;
}

static bool
replay(const struct arguments *arguments)
{
    struct text complaint = {0};
    struct trace trace;
    uint32_t at = NOWHERE;

    trace_make(&trace, arguments->seed, (uint32_t)arguments->operations,
               arguments->plant);
    if (!trace_read_kept(&trace, arguments->keep)) {
        fprintf(stderr, "%s: bad list: %s\n", arguments->program,
                arguments->keep);
        exit(2);
    }
    at = trace_replay(&trace, &complaint);
    print_trace(&trace, at == NOWHERE ? &(struct text){.data = "the same\n"}
                                      : &complaint);
    text_free(&complaint);
    trace_free(&trace);
    return at == NOWHERE;
}

/* Finds one plant and shrinks it. */
static bool
test_plant(const struct arguments *arguments, enum plant plant)
{
    uint64_t seed = PLANT_SEED, left = PLANT_OPERATIONS;
    uint32_t at = NOWHERE, length, kept;
    struct text complaint = {0};
    struct total total = {0};
    struct trace trace;

    for (; left && at == NOWHERE; left -= length, seed++) {
        length = episode_length(seed, left);
        at = run_episode(seed, length, plant, &total, &complaint);
    }
    text_free(&complaint);
    if (at == NOWHERE) {
        printf("not ok: the plant %s was not found\n", plant_names[plant]);
        return false;
    }
    trace_make(&trace, seed - 1, at + 1, plant);
    trace_shrink(&trace, at);
    kept = trace_kept(&trace);
    printf("%s: the plant %s is found and shrinks to %u operations\n",
           kept <= PLANT_SHRUNK ? "ok" : "not ok", plant_names[plant], kept);
    if (kept > PLANT_SHRUNK || arguments->is_verbose)
        print_replay(arguments, &trace);
    fflush(stdout);
    trace_free(&trace);
    return kept <= PLANT_SHRUNK;
}

static bool
test_plants(const struct arguments *arguments)
{
    bool found = true;

    for (int plant = PLANT_NONE + 1; plant < PLANTS; plant++)
        found &= test_plant(arguments, (enum plant)plant);
    return found;
}

static void
usage(const char *program)
{
    fprintf(stderr,
            "usage: %s [--operations N] [--seed S] [--plant NAME] [--keep LIST]"
            " [--self-test] [--verbose] [N]\nplants:",
            program);
    for (int i = PLANT_NONE + 1; i < PLANTS; i++)
        fprintf(stderr, " %s", plant_names[i]);
    fputs("\n", stderr);
    exit(2);
}

static uint64_t
read_number(const struct arguments *arguments, const char *text)
{
    char *end;
    uint64_t number = text ? strtoull(text, &end, 10) : 0;

    if (!text || end == text || *end)
        usage(arguments->program);
    return number;
}

static enum plant
read_plant(const struct arguments *arguments, const char *name)
{
    for (int i = 0; name && i < PLANTS; i++)
        if (!strcmp(plant_names[i], name))
            return (enum plant)i;
    usage(arguments->program);
    return PLANT_NONE;
}

/* Takes one argument and, where it has one, its value. */
static int
take_argument(struct arguments *arguments, const char *name, const char *value)
{
    if (!strcmp(name, "--verbose")) {
        arguments->is_verbose = true;
    } else if (!strcmp(name, "--self-test")) {
        arguments->tests_plants = true;
        arguments->runs = false;
    } else if (*name != '-') {
        arguments->tests_plants = true;
        arguments->operations = read_number(arguments, name);
    } else if (!strcmp(name, "--operations")) {
        arguments->operations = read_number(arguments, value);
        return 2;
    } else if (!strcmp(name, "--seed")) {
        arguments->seed = read_number(arguments, value);
        return 2;
    } else if (!strcmp(name, "--plant")) {
        arguments->plant = read_plant(arguments, value);
        return 2;
    } else if (!strcmp(name, "--keep") && value) {
        arguments->keep = value;
        return 2;
    } else {
        usage(arguments->program);
    }
    return 1;
}

int
main(int count, char **values)
{
    struct arguments arguments = {.program = values[0],
                                  .operations = OPERATIONS_DEFAULT,
                                  .seed = dice_seed(),
                                  .runs = true};
    bool good = true;

    for (int i = 1; i < count;)
        i += take_argument(&arguments, values[i], values[i + 1]);
    if (arguments.keep)
        return replay(&arguments) ? 0 : 1;
    if (arguments.tests_plants)
        good = test_plants(&arguments);
    if (arguments.runs)
        good &= run(&arguments);
    return good ? 0 : 1;
}
