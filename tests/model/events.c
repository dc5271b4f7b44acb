/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The model test of events and windows: random operations on a store and on a
 * list of all events.
 *
 *     events [--operations N] [--seed S] [--plant NAME] [--loud]
 *     events --self-test        every plant has to be found and shrunk
 *     events --seed S --keep LIST     replays a shrunk episode
 *     events N                  the self-test, then N operations
 *
 * With --fork every run is a process of its own, and a crash is a difference
 * that shrinks like any other.
 *
 * Owns the command line, the mix of operations, and shrinking.
 * Keeps a run repeatable: the seed it prints makes it again.
 * Never goes on after a difference: it shrinks the episode and exits with 1.
 */
#include "event_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define OPERATIONS_DEFAULT 4000
#define PLANT_OPERATIONS   12000 /* in which a plant has to be found */
#define PLANT_SHRUNK       14    /* operations it has to shrink to */
#define EPISODE_MAX        240
#define NOWHERE            UINT32_MAX

const char *const event_plant_names[EVENT_PLANTS] = {
    "none",     "tail",      "end",      "tie",       "late",    "zone",
    "cumulate", "condition", "null-key", "duplicate", "forget",  "future-id",
    "skew",     "retract",   "delete",   "barrier",   "partial", "reborn",
    "known",    "scored",    "half",     "merge",     "load",    "past"};

struct arguments {
    const char *program, *keep;
    uint64_t operations, seed;
    enum event_plant plant;
    bool is_loud, tests_plants, runs, forks;
};

/* What a run is of, and what it found. */
struct episode {
    uint64_t seed;
    uint32_t length;
    enum event_plant plant;
    bool is_loud;
    bool kept[EPISODE_MAX];
};

struct found {
    uint32_t at, progress;
    uint64_t operations[EVENT_OPERATIONS];
    struct event_counts counts;
    char complaint[4096];
};

/* --- one run ----------------------------------------------------------------- */

/* How often an operation comes: in some episodes more, in some less. */
static void
draw_weights(struct dice *dice, uint32_t *weights)
{
    static const uint32_t usual[EVENT_OPERATIONS] = {
        [EVENT_WRITE] = 30, [EVENT_RETRACT] = 5, [EVENT_DELETE] = 2,
        [EVENT_READ] = 30,  [EVENT_SCORE] = 4,   [EVENT_SCAN] = 3,
        [EVENT_JOIN] = 4,   [EVENT_CLOCK] = 8,   [EVENT_MAINTAIN] = 2,
        [EVENT_APPLY] = 4,  [EVENT_REOPEN] = 1,  [EVENT_FOLLOW] = 3,
        [EVENT_COPY] = 1,   [EVENT_MERGE] = 2,   [EVENT_LOAD] = 2};
    static const uint32_t factors[] = {0, 1, 2, 2, 2, 4, 8};

    for (uint32_t i = 0; i < EVENT_OPERATIONS; i++)
        weights[i] = usual[i] * (i == EVENT_WRITE || i == EVENT_READ
                                     ? 2
                                     : factors[dice_below(dice, 7)]);
}

static void
run_kept(const struct episode *episode, struct found *found)
{
    static struct event_world world;
    struct dice dice = {episode->seed};
    uint32_t weights[EVENT_OPERATIONS];

    draw_weights(&dice, weights);
    event_world_begin(&world, dice_next(&dice), episode->plant,
                      episode->is_loud);
    for (uint32_t i = 0; i < episode->length; i++) {
        enum event_operation operation =
            dice_weighted(&dice, weights, EVENT_OPERATIONS);
        uint64_t seed = dice_next(&dice);

        if (!episode->kept[i])
            continue;
        found->progress = i;
        found->operations[operation]++;
        say(&world, "#%u %s\n", i, event_operation_names[operation]);
        if (event_world_run(&world, operation, seed))
            continue;
        found->at = i;
        snprintf(found->complaint, sizeof found->complaint, "%s",
                 world.complaint.data);
        break;
    }
    found->counts = world.counts;
    event_world_end(&world);
}

static void
begin_found(struct found *found)
{
    memset(found, 0, sizeof *found);
    found->at = NOWHERE;
}

/* In a process of its own, so that a crash is a difference. */
static void
run_apart(const struct episode *episode, struct found *found)
{
    struct found *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE,
                                MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int status = 0;
    pid_t child;

    if (shared == MAP_FAILED)
        exit(2);
    begin_found(shared);
    child = fork();
    if (child == 0) {
        run_kept(episode, shared);
        _exit(0);
    }
    if (child < 0 || waitpid(child, &status, 0) < 0)
        exit(2);
    *found = *shared;
    munmap(shared, sizeof *shared);
    if (!status)
        return;
    found->at = found->progress;
    snprintf(found->complaint, sizeof found->complaint,
             "the process ended with %#x\n", (unsigned)status);
}

static void
run_once(const struct arguments *arguments, const struct episode *episode,
         struct found *found)
{
    begin_found(found);
    if (arguments->forks)
        run_apart(episode, found);
    else
        run_kept(episode, found);
}

static void
begin_episode(struct episode *episode, uint64_t seed, uint64_t left,
              enum event_plant plant)
{
    struct dice dice = {~seed};
    uint32_t length = 40 + dice_below(&dice, EPISODE_MAX - 40 + 1);

    memset(episode, 0, sizeof *episode);
    episode->seed = seed;
    episode->plant = plant;
    episode->length = left < length ? (uint32_t)left : length;
    memset(episode->kept, true, sizeof episode->kept);
}

/* --- shrinking --------------------------------------------------------------- */

static bool
still_differs(const struct arguments *arguments, struct episode *episode)
{
    struct found found;

    run_once(arguments, episode, &found);
    if (found.at == NOWHERE)
        return false;
    for (uint32_t i = found.at + 1; i < episode->length; i++)
        episode->kept[i] = false;
    return true;
}

static bool
drop_chunk(const struct arguments *arguments, struct episode *episode,
           uint32_t first, uint32_t count)
{
    bool kept[EPISODE_MAX], any = false;

    memcpy(kept, episode->kept, sizeof kept);
    for (uint32_t i = first; i < first + count && i < episode->length; i++) {
        any |= episode->kept[i];
        episode->kept[i] = false;
    }
    if (!any || still_differs(arguments, episode))
        return any;
    memcpy(episode->kept, kept, sizeof kept);
    return false;
}

/* How many operations are left. */
static uint32_t
shrink(const struct arguments *arguments, struct episode *episode)
{
    uint32_t left = 0;
    bool more = true;

    for (uint32_t chunk = episode->length / 2; chunk; chunk /= 2)
        for (uint32_t i = 0; i < episode->length; i += chunk)
            (void)drop_chunk(arguments, episode, i, chunk);
    while (more) {
        more = false;
        for (uint32_t i = episode->length; i--;)
            more |= drop_chunk(arguments, episode, i, 1);
    }
    for (uint32_t i = 0; i < episode->length; i++)
        left += episode->kept[i];
    return left;
}

static void
print_replay(const struct arguments *arguments, const struct episode *episode)
{
    const char *before = "";

    printf("replay with:\n  %s --seed %llu", arguments->program,
           (unsigned long long)episode->seed);
    if (episode->plant)
        printf(" --plant %s", event_plant_names[episode->plant]);
    printf(" --loud --keep ");
    for (uint32_t i = 0; i < episode->length; i++)
        if (episode->kept[i]) {
            printf("%s%u", before, i);
            before = ",";
        }
    printf("\n");
    fflush(stdout);
}

static bool
replay(const struct arguments *arguments)
{
    struct episode episode;
    struct found found;
    const char *list = arguments->keep;
    char *end;

    begin_episode(&episode, arguments->seed, EPISODE_MAX, arguments->plant);
    memset(episode.kept, false, sizeof episode.kept);
    while (*list) {
        unsigned long at = strtoul(list, &end, 10);

        if (end == list || at >= EPISODE_MAX)
            exit(2);
        episode.kept[at] = true;
        list = *end ? end + 1 : end;
    }
    episode.is_loud = arguments->is_loud;
    run_once(arguments, &episode, &found);
    printf("=> %s", found.at == NOWHERE ? "no difference\n" : found.complaint);
    return found.at == NOWHERE;
}

static void
report(const struct arguments *arguments, struct episode *episode,
       const struct found *found)
{
    printf("not ok: they differ at operation %u of the episode with seed "
           "%llu:\n%s",
           found->at, (unsigned long long)episode->seed, found->complaint);
    fflush(stdout);
    printf("%u operations are left\n", shrink(arguments, episode));
    print_replay(arguments, episode);
}

/* --- runs -------------------------------------------------------------------- */

static void
add_counts(struct event_counts *total, const struct event_counts *counts)
{
    uint64_t *to = (uint64_t *)total;
    const uint64_t *from = (const uint64_t *)counts;

    for (size_t i = 0; i < sizeof *total / sizeof *to; i++)
        to[i] += from[i];
}

static void
print_total(const struct event_counts *counts, const uint64_t *operations,
            double seconds)
{
    uint64_t total = 0;

    for (uint32_t i = 0; i < EVENT_OPERATIONS; i++)
        total += operations[i];
    printf("ok: %llu operations, %.1f s:", (unsigned long long)total, seconds);
    for (uint32_t i = 0; i < EVENT_OPERATIONS; i++)
        printf(" %llu %s,", (unsigned long long)operations[i],
               event_operation_names[i]);
    printf(
        " %llu retracts refused, %llu merged; %llu events written, %llu "
        "rows unknown, %llu partial, %llu cells compared\n",
        (unsigned long long)counts->refused, (unsigned long long)counts->merges,
        (unsigned long long)counts->rows, (unsigned long long)counts->unknown,
        (unsigned long long)counts->partial, (unsigned long long)counts->cells);
}

static double
now_seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static bool
run(const struct arguments *arguments)
{
    uint64_t left = arguments->operations, seed = arguments->seed;
    uint64_t operations[EVENT_OPERATIONS] = {0};
    struct event_counts total = {0};
    double begin = now_seconds();

    printf("seed %llu\n", (unsigned long long)seed);
    fflush(stdout);
    while (left) {
        struct episode episode;
        struct found found;

        begin_episode(&episode, seed++, left, arguments->plant);
        run_once(arguments, &episode, &found);
        if (found.at != NOWHERE) {
            report(arguments, &episode, &found);
            return false;
        }
        for (uint32_t i = 0; i < EVENT_OPERATIONS; i++)
            operations[i] += found.operations[i];
        add_counts(&total, &found.counts);
        left -= episode.length;
    }
    print_total(&total, operations, now_seconds() - begin);
    return true;
}

/* Finds one plant and shrinks it. */
static bool
test_plant(const struct arguments *arguments, enum event_plant plant)
{
    uint64_t seed = 1, left = PLANT_OPERATIONS;
    struct episode episode;
    struct found found = {.at = NOWHERE};
    uint32_t kept;

    while (left && found.at == NOWHERE) {
        begin_episode(&episode, seed++, left, plant);
        run_once(arguments, &episode, &found);
        left -= episode.length;
    }
    if (found.at == NOWHERE) {
        printf("not ok: the plant %s was not found\n",
               event_plant_names[plant]);
        return false;
    }
    kept = shrink(arguments, &episode);
    printf("%s: the plant %s is found and shrinks to %u operations\n",
           kept <= PLANT_SHRUNK ? "ok" : "not ok", event_plant_names[plant],
           kept);
    if (kept > PLANT_SHRUNK)
        print_replay(arguments, &episode);
    fflush(stdout);
    return kept <= PLANT_SHRUNK;
}

static bool
test_plants(const struct arguments *arguments)
{
    bool found = true;

    for (int plant = EVENT_PLANT_NONE + 1; plant < EVENT_PLANTS; plant++)
        found &= test_plant(arguments, (enum event_plant)plant);
    return found;
}

/* --- the command line -------------------------------------------------------- */

static void
usage(const char *program)
{
    fprintf(stderr,
            "usage: %s [--operations N] [--seed S] [--plant NAME] [--keep LIST]"
            " [--self-test] [--fork] [--loud] [N]\nplants:",
            program);
    for (int i = EVENT_PLANT_NONE + 1; i < EVENT_PLANTS; i++)
        fprintf(stderr, " %s", event_plant_names[i]);
    fputs("\n", stderr);
    exit(2);
}

static uint64_t
read_number(const struct arguments *arguments, const char *text)
{
    char *end = NULL;
    uint64_t number = text ? strtoull(text, &end, 10) : 0;

    if (!text || end == text || *end)
        usage(arguments->program);
    return number;
}

static enum event_plant
read_plant(const struct arguments *arguments, const char *name)
{
    for (int i = 0; name && i < EVENT_PLANTS; i++)
        if (!strcmp(event_plant_names[i], name))
            return (enum event_plant)i;
    usage(arguments->program);
    return EVENT_PLANT_NONE;
}

static int
take_argument(struct arguments *arguments, const char *name, const char *value)
{
    if (!strcmp(name, "--loud")) {
        arguments->is_loud = true;
    } else if (!strcmp(name, "--fork")) {
        arguments->forks = true;
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
