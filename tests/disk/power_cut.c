/* SPDX-License-Identifier: Apache-2.0 */
/*
 * power_cut WORKLOAD COUNT [SEED [FIRST]] [--ignore-syncs]
 *     [--ignore-directories] [--tear-meta] [--workers N]: cuts the power COUNT
 * times, at random points of recorded workloads: `full` and `last_txn` write,
 * `life` and `life_last_txn` snapshot, restore and compact too, `faulty` and
 * `faulty_last_txn` write while syncs fail.
 *
 * Owns the choice of cuts, and the counts.
 * Keeps a cut reproducible: its number and SEED decide all about it, so
 * `power_cut WORKLOAD 1 SEED NUMBER` repeats it.
 * Never counts a cut of which no verdict came as good.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "disk/image.h"
#include "disk/story.h"

#define CUTS_OF_TAPE 100
#define WORKERS_MAX  8
#define WHYS         3 /* told of each kind of end, and worker */

struct plan {
    const char *workload;
    uint64_t seed;
    uint32_t first, count, workers;
    struct image_rules rules;
    bool tears_meta; /* atoms of 16 bytes, cuts at meta pages */
    bool is_control; /* of any kind */
    bool is_life;
    int32_t sync;
};

struct totals {
    _Atomic(uint32_t) ends[STORY_ENDS];
    _Atomic(uint32_t) most_back;
};

struct trial {
    const struct plan *plan;
    const char *root;
    struct story_facts facts;
    struct story_verdict *verdict; /* shared with the child */
};

static void
judge(void *context)
{
    struct trial *trial = context;

    story_judge(trial->root, trial->plan->sync, trial->plan->is_life,
                &trial->facts, trial->verdict);
}

/* A write of one of the two meta pages, and not of the page whole. */
static bool
is_meta(const struct tape_event *event)
{
    return event->kind == TAPE_WRITE && event->is_durable &&
           event->offset < 8192 && event->size < 512;
}

/* One cut in eight is within the creation, which is short. Not in a control:
 * before the first acknowledgement there is no promise to break. */
static uint32_t
choose(const struct tape *tape, const struct plan *plan, struct dice *dice)
{
    uint32_t ready = story_facts_at(tape, tape->count).ready_at, cut;

    if (!plan->is_control)
        return dice_below(dice, 8) ? dice_below(dice, tape->count + 1)
                                   : dice_below(dice, ready + 1);
    do
        cut = ready + dice_below(dice, tape->count - ready);
    while (plan->tears_meta && !is_meta(&tape->events[cut]));
    return cut;
}

static void
count(struct totals *totals, const struct plan *plan, uint32_t number,
      uint32_t cut, const struct story_verdict *verdict)
{
    uint32_t most = atomic_load(&totals->most_back);

    while (
        verdict->back > most &&
        !atomic_compare_exchange_weak(&totals->most_back, &most, verdict->back))
        ;
    if (atomic_fetch_add(&totals->ends[verdict->end], 1) < WHYS &&
        verdict->end != STORY_GOOD)
        fprintf(stderr, "%s, seed %llu, cut %u (event %u): %s: %s\n",
                plan->workload, (unsigned long long)plan->seed, number, cut,
                story_end_names[verdict->end], verdict->why);
}

static void
try_cut(const struct plan *plan, struct image *image, uint32_t number,
        struct totals *totals, struct story_verdict *verdict)
{
    struct dice dice = {mix(plan->seed, number)};
    uint32_t cut = choose(image->tape, plan, &dice);
    struct trial trial = {.plan = plan, .verdict = verdict};
    struct image_rules rules = plan->rules;
    char root[RIG_PATH_SIZE];
    int ended;

    rig_directory(root);
    trial.root = root;
    trial.facts = story_facts_at(image->tape, cut);
    *verdict = (struct story_verdict){.end = STORY_CRASHED};
    rules.from = trial.facts.ready_at;
    image_cut(image, cut, &rules, &dice);
    image_write(image, root);
    ended = rig_child(judge, &trial);
    if (ended) {
        verdict->end = ended < 0 ? STORY_HUNG : STORY_CRASHED;
        snprintf(verdict->why, sizeof verdict->why, "signal or exit %d", ended);
    }
    count(totals, plan, number, cut, verdict);
    rig_remove(root);
}

static void
record(const struct plan *plan, uint32_t number, struct tape *tape,
       struct image *image)
{
    struct dice dice = {mix(plan->seed, UINT64_C(1) << 40 | number)};
    char root[RIG_PATH_SIZE];

    rig_directory(root);
    tape_begin(tape, root);
    if (plan->is_life)
        story_life(root, plan->sync, &dice);
    else if (!strncmp(plan->workload, "faulty", 6))
        story_faulty(root, plan->sync, &dice);
    else
        story_writes(root, plan->sync, &dice);
    tape_end(tape);
    image_begin(image, tape);
    if (!image_is_complete(image, root))
        rig_give_up("power_cut", "the recording is not what the disk holds");
    rig_remove(root);
}

/* The cuts of one tape after the other, this worker's. */
static void
work(const struct plan *plan, uint32_t worker, struct totals *totals)
{
    struct story_verdict *verdict = rig_share(sizeof *verdict);
    uint32_t end = plan->first + plan->count;

    for (uint32_t at = plan->first; at < end;) {
        uint32_t number = at / CUTS_OF_TAPE, last = (number + 1) * CUTS_OF_TAPE;
        struct tape tape;
        struct image image;

        last = last < end ? last : end;
        if (number % plan->workers == worker) {
            record(plan, number, &tape, &image);
            for (uint32_t i = at; i < last; i++)
                try_cut(plan, &image, i, totals, verdict);
            image_end(&image);
            tape_free(&tape);
        }
        at = last;
    }
}

static bool
run(const struct plan *plan, struct totals *totals)
{
    pid_t children[WORKERS_MAX];
    bool good = true;
    int status;

    for (uint32_t i = 0; i < plan->workers; i++) {
        children[i] = fork();
        if (children[i] < 0)
            rig_give_up("fork", "failed");
        if (!children[i]) {
            work(plan, i, totals);
            _exit(0);
        }
    }
    for (uint32_t i = 0; i < plan->workers; i++)
        good &= waitpid(children[i], &status, 0) == children[i] && !status;
    return good;
}

static struct plan
read_arguments(int count, char **words)
{
    struct plan plan = {.seed = 1, .workers = 1, .rules = {.atom = 512}};
    uint32_t at = 0;

    for (int i = 1; i < count; i++) {
        if (!strcmp(words[i], "--ignore-syncs"))
            plan.rules.ignores_syncs = true;
        else if (!strcmp(words[i], "--ignore-directories"))
            plan.rules.ignores_directories = true;
        else if (!strcmp(words[i], "--tear-meta"))
            plan.tears_meta = true, plan.rules.atom = 16;
        else if (!strcmp(words[i], "--workers") && i + 1 < count)
            plan.workers = (uint32_t)atoi(words[++i]);
        else if (at++ == 0)
            plan.workload = words[i];
        else if (at == 2)
            plan.count = (uint32_t)atoi(words[i]);
        else if (at == 3)
            plan.seed = strtoull(words[i], NULL, 10);
        else
            plan.first = (uint32_t)atoi(words[i]);
    }
    if (at < 2 || !plan.count || !plan.workers || plan.workers > WORKERS_MAX)
        rig_give_up("power_cut", "WORKLOAD COUNT [SEED [FIRST]] [OPTIONS]");
    plan.is_control = plan.rules.ignores_syncs ||
                      plan.rules.ignores_directories || plan.tears_meta;
    plan.is_life = !strncmp(plan.workload, "life", 4);
    plan.sync = strstr(plan.workload, "last_txn") ? FEATURE_SYNC_LAST_TXN
                                                  : FEATURE_SYNC_FULL;
    return plan;
}

int
main(int argc, char **argv)
{
    struct totals *totals = rig_share(sizeof *totals);
    struct plan plan;
    uint32_t bad = 0;

    rig_preload(argv);
    plan = read_arguments(argc, argv);
    if (!run(&plan, totals))
        rig_give_up("power_cut", "a worker failed");
    printf("cuts=%u", plan.count);
    for (int i = STORY_GOOD + 1; i < STORY_ENDS; i++) {
        uint32_t ends = atomic_load(&totals->ends[i]);

        printf(" %s=%u", story_end_names[i], ends);
        bad += ends;
    }
    if (bad + atomic_load(&totals->ends[STORY_GOOD]) != plan.count)
        rig_give_up("power_cut", "cuts are missing");
    printf(" bad=%u most_back=%u seed=%llu\n", bad,
           atomic_load(&totals->most_back), (unsigned long long)plan.seed);
    return bad > 0;
}
