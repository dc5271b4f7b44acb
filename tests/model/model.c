/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The model test: random operations on a store and on a model of it.
 *
 *     model [--operations N] [--seed S] [--plant NAME] [--verbose]
 *     model --self-test         every plant has to be found and shrunk
 *     model --seed S --operations N --keep LIST    replays a shrunk trace
 *     model N                   the self-test, then N operations
 *
 * With --fork every run is a process of its own, and a crash is a difference
 * that shrinks like any other.
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
#define PLANT_SHRUNK       14    /* operations it has to shrink to */
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
    total->counts.elsewhere += counts->elsewhere;
    total->episodes++;
}

/* One episode, before it is a trace. */
struct episode {
    uint64_t seed;
    uint32_t length;
    enum plant plant;
};

static void
run_operations(void *context, struct findings *findings)
{
    const struct episode *episode = context;
    struct arena arena = {0};
    struct maker maker;
    struct world world;

    world_begin(&world, true, episode->plant);
    maker_begin(&maker, episode->seed, &arena, &world);
    for (uint32_t i = 0; i < episode->length; i++) {
        struct operation operation = maker_next(&maker);

        if (!findings_step(findings, &world, &operation, i))
            break;
    }
    findings_finish(findings, &world, episode->length);
    arena_free(&arena);
}

/* One episode on both sides. */
static void
run_episode(struct episode episode, struct total *total,
            struct findings *findings)
{
    isolate(run_operations, &episode, findings);
    add_counts(total, &findings->counts);
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
print_trace(const struct trace *trace, const struct findings *findings)
{
    struct text text = {0};

    trace_print(trace, &text);
    fwrite(text.data, 1, text.size, stdout);
    printf("=> %s",
           findings->at != NOWHERE ? findings->complaint : "no difference\n");
    text_free(&text);
}

static void
report(const struct arguments *arguments, const struct episode *episode,
       const struct findings *first)
{
    struct findings findings;
    struct trace trace;

    printf("not ok: they differ at operation %u of the episode with seed "
           "%llu:\n%s",
           first->at, (unsigned long long)episode->seed, first->complaint);
    fflush(stdout);
    trace_make(&trace, episode->seed, first->at + 1, episode->plant);
    trace_shrink(&trace, first->at);
    trace_replay(&trace, &findings);
    printf("%u operations are left:\n", trace_kept(&trace));
    print_trace(&trace, &findings);
    print_replay(arguments, &trace);
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
    printf(" %llu of them in other processes; %llu rows written, %llu cells "
           "compared, %llu schema changes noticed\n",
           (unsigned long long)total->counts.elsewhere,
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
    struct episode episode = {.seed = arguments->seed,
                              .plant = arguments->plant};
    uint64_t left = arguments->operations;
    double begin = now_seconds();
    struct total total = {0};

    printf("seed %llu\n", (unsigned long long)arguments->seed);
    fflush(stdout);
    for (; left; left -= episode.length, episode.seed++) {
        struct findings findings;

        episode.length = episode_length(episode.seed, left);
        if (arguments->is_verbose)
            printf("  episode %llu: %u operations\n",
                   (unsigned long long)episode.seed, episode.length);
        fflush(stdout);
        run_episode(episode, &total, &findings);
        if (findings.at != NOWHERE) {
            report(arguments, &episode, &findings);
            return false;
        }
    }
    print_total(&total, now_seconds() - begin);
    return true;
}

static bool
replay(const struct arguments *arguments)
{
    struct findings findings;
    struct trace trace;

    trace_make(&trace, arguments->seed, (uint32_t)arguments->operations,
               arguments->plant);
    if (!trace_read_kept(&trace, arguments->keep)) {
        fprintf(stderr, "%s: bad list: %s\n", arguments->program,
                arguments->keep);
        exit(2);
    }
    trace_replay(&trace, &findings);
    print_trace(&trace, &findings);
    trace_free(&trace);
    return findings.at == NOWHERE;
}

/* Finds one plant and shrinks it. */
static bool
test_plant(const struct arguments *arguments, enum plant plant)
{
    struct episode episode = {.seed = PLANT_SEED, .plant = plant};
    uint64_t left = PLANT_OPERATIONS;
    struct findings findings = {.at = NOWHERE};
    struct total total = {0};
    struct trace trace;
    uint32_t kept;

    for (; left && findings.at == NOWHERE; left -= episode.length) {
        episode.length = episode_length(episode.seed, left);
        run_episode(episode, &total, &findings);
        episode.seed += findings.at == NOWHERE;
    }
    if (findings.at == NOWHERE) {
        printf("not ok: the plant %s was not found\n", plant_names[plant]);
        return false;
    }
    trace_make(&trace, episode.seed, findings.at + 1, plant);
    trace_shrink(&trace, findings.at);
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
            " [--self-test] [--fork] [--verbose] [N]\nplants:",
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
    } else if (!strcmp(name, "--fork")) {
        isolates = true;
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
