/* SPDX-License-Identifier: Apache-2.0 */
/*
 * descent [COUNT] [SEED]: the library's look-up against mdb_get, key by key, in
 * the same snapshot of random trees, alone and while a thread and a process
 * commit. Then each planted fault has to be found.
 *
 * Owns the batches: which keys of which trees go together.
 * Keeps a run repeatable as far as it is alone: what others commit in between
 * depends on time.
 * Never knows an answer itself.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/selfcheck.h"
#include "oracle.h"
#include "plants.h"

#define SEED       20260801
#define MOST_JOBS  400
#define PER_ROUND  20000 /* look-ups, at least */
#define ROUNDS     100   /* at most, where there are enough look-ups */
#define PER_COMMIT 20    /* batches, while alone */
#define PER_CHECK  60    /* batches until trees are new to the library */
#define CONTROL    20000 /* look-ups for a planted fault to show */

struct rig {
    struct forest forest;
    struct dice dice;
    char path[RIG_PATH_SIZE];
    struct lf_environment *environment;
    struct oracle oracle;
    atomic_bool *stop; /* for thread and child; shared */
    _Atomic(uint64_t) *commits;
    uint64_t batches;
    uint64_t reads; /* of the library by mdb_get, before this batch */
    uint64_t look_ups, found, by_lmdb, differences;
    uint32_t trees, deepest;
    struct lf_job jobs[MOST_JOBS];
    uint8_t keys[MOST_JOBS][LF_KEY_MAX + 1];
};

/* A key that is there, one that never was, or one beside another. */
static uint32_t
draw_key(struct rig *rig, uint32_t tree, uint8_t *key)
{
    uint32_t most = rig->forest.trees[tree].size + 1, size;
    uint32_t way = dice_below(&rig->dice, 10);

    size = forest_key(&rig->forest, tree,
                      dice_below(&rig->dice, way ? most : 2 * most), key);
    if (way > 2)
        return size;
    switch (dice_below(&rig->dice, 5)) {
    case 0:
        key[size - 1]++;
        return size;
    case 1:
        key[dice_below(&rig->dice, size)] ^=
            (uint8_t)(1u << dice_below(&rig->dice, 8));
        return size;
    case 2:
        key[size] = 0;
        return size + (size < LF_KEY_MAX);
    case 3:
        return dice_below(&rig->dice, size + 1);
    default:
        memset(key, dice_chance(&rig->dice, 50) ? 0xff : 0, size);
        return size;
    }
}

static uint32_t
draw_count(struct dice *dice)
{
    static const uint32_t counts[] = {1, 1, 2, 3, 8, 15, 16, 17, 33, 100, 400};

    return counts[dice_below(dice, sizeof counts / sizeof *counts)];
}

/* Jobs of a batch, in some of the trees; one in ten repeats another. */
static uint32_t
draw_jobs(struct rig *rig, uint32_t trees[FOREST_TREES + 1],
          uint32_t *tree_count)
{
    uint32_t count = draw_count(&rig->dice);

    *tree_count = 1 + dice_below(&rig->dice, FOREST_TREES + 1);
    for (uint32_t i = 0; i < *tree_count; i++)
        trees[i] = dice_below(&rig->dice, FOREST_TREES + 1);
    for (uint32_t i = 0; i < count; i++) {
        struct lf_job *job = &rig->jobs[i];
        uint32_t tree = dice_below(&rig->dice, *tree_count);

        if (i && dice_chance(&rig->dice, 10)) {
            *job = rig->jobs[dice_below(&rig->dice, i)];
            continue;
        }
        *job = (struct lf_job){.key = rig->keys[i], .tree = tree};
        job->key_size = draw_key(
            rig, trees[tree] == FOREST_TREES ? 0 : trees[tree], rig->keys[i]);
        job->value = rig->keys[i]; /* has to go */
    }
    return count;
}

static void
report(const struct rig *rig, const struct lf_job *job, uint32_t tree)
{
    printf("# a difference: seed %llu, batch %llu, tree %s, key of %u bytes, "
           "%s of %u\n",
           (unsigned long long)rig->forest.seed,
           (unsigned long long)rig->batches, forest_name(tree), job->key_size,
           job->value ? "a value" : "nothing", job->size);
}

static void
compare(struct rig *rig, const uint32_t *trees, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct lf_job *job = &rig->jobs[i];
        bool found;

        rig->look_ups++;
        if (!oracle_agrees(&rig->oracle, trees[job->tree], job, &found) &&
            rig->differences++ < 3 && plant == PLANT_NONE)
            report(rig, job, trees[job->tree]);
        rig->found += found;
    }
}

/* The plain walk of single keys has the same answers. */
static void
compare_walk(struct rig *rig, struct lf_reader *reader, const uint32_t *trees)
{
    struct lf_job job = rig->jobs[0];
    struct feature_error error;
    bool found;
    size_t size;

    if (!job.key_size)
        return;
    if (lf_reader_get(reader, forest_name(trees[job.tree]), job.key,
                      job.key_size, &found, &job.value, &size, &error))
        rig_give_up("lf_reader_get", error.message);
    job.size = (uint32_t)size;
    rig->look_ups++;
    rig->differences +=
        !oracle_agrees(&rig->oracle, trees[job.tree], &job, &found);
}

/* The library forgets which trees it checked, and takes this path or that. */
static void
switch_path(struct rig *rig)
{
    struct lf_fallback *fallback = &rig->environment->fallback;

    fallback->is_forced = dice_chance(&rig->dice, 25);
    atomic_store(&fallback->joins, fallback->is_forced);
    lf_selfcheck_forget(rig->environment);
}

/* Whether the batch that was just run went to LMDB, or a part of it. */
static bool
has_fallen_back(struct rig *rig)
{
    uint64_t reads = atomic_load(&rig->environment->fallback.reads);
    bool more = reads > rig->reads;

    rig->reads = reads;
    return more;
}

/* As if many look-ups had gone before: the next one gets the trees' indexes, of
 * their leaf parents first and of their leaves then. */
static void
heat(struct lf_reader *reader)
{
    for (uint32_t i = 0; i < reader->known_count; i++)
        reader->known[i].heat = UINT32_MAX / 2;
}

static void
run_batch(struct rig *rig)
{
    uint32_t trees[FOREST_TREES + 1], tree_count, count;
    uint32_t times = 1 + dice_below(&rig->dice, 3);
    const char *names[FOREST_TREES + 1];
    struct feature_error error;
    struct lf_reader *reader;
    feature_status status = FEATURE_OK;

    count = draw_jobs(rig, trees, &tree_count);
    for (uint32_t i = 0; i < tree_count; i++)
        names[i] = forest_name(trees[i]);
    oracle_join(&rig->oracle, &reader);
    for (uint32_t i = 0; i < times && !status; i++) {
        if (i)
            heat(reader);
        status = lf_reader_lookup(reader, names, tree_count, rig->jobs, count,
                                  &error);
        if (status && status != LF_AGAIN)
            rig_give_up("lf_reader_lookup", error.message);
        if (!status)
            compare(rig, trees, count);
    }
    if (!status) {
        compare_walk(rig, reader, trees);
        rig->by_lmdb += has_fallen_back(rig) ? count : 0;
    }
    lf_reader_end(reader);
    rig->batches++;
}

static void
commit_one(struct rig *rig, struct dice *dice)
{
    struct feature_error error;

    if (forest_change(&rig->forest, rig->environment, dice, &error))
        rig_give_up("a commit", error.message);
    atomic_fetch_add(rig->commits, 1);
}

static void *
commit_on(void *context)
{
    struct rig *rig = context;
    struct dice dice = {.state = mix(rig->forest.seed, 3)};

    while (!atomic_load(rig->stop)) {
        commit_one(rig, &dice);
        usleep(50);
    }
    return NULL;
}

static void
open_store(struct rig *rig, uint32_t flags)
{
    struct lf_environment_options options = {.flags = flags, .wait_ms = 60000};
    struct feature_error error;
    bool created;

    if (lf_environment_open(rig->path, &options, &rig->environment, &created,
                            &error))
        rig_give_up("lf_environment_open", error.message);
}

/* Another process: it opens the store for itself. */
static pid_t
begin_child(struct rig *rig)
{
    struct dice dice = {.state = mix(rig->forest.seed, 4)};
    pid_t child;

    fflush(stdout);
    child = fork();
    if (child)
        return child;
    lf_environment_close(rig->environment);
    open_store(rig, 0);
    while (!atomic_load(rig->stop) && getppid() != 1) {
        commit_one(rig, &dice);
        usleep(50);
    }
    lf_environment_close(rig->environment);
    _exit(0);
}

static void
run_alone(struct rig *rig, uint64_t until)
{
    struct dice dice = {.state = mix(rig->forest.seed, 5)};

    while (rig->look_ups < until) {
        run_batch(rig);
        if (rig->batches % PER_COMMIT == 0)
            commit_one(rig, &dice);
        if (rig->batches % PER_CHECK == 0)
            switch_path(rig);
    }
}

static void
run_in_company(struct rig *rig, uint64_t until)
{
    pthread_t thread;
    pid_t child;
    int status;

    atomic_store(rig->stop, false);
    child = begin_child(rig);
    if (child < 0 || pthread_create(&thread, NULL, commit_on, rig))
        rig_give_up("company", "cannot be had");
    while (rig->look_ups < until) {
        run_batch(rig);
        if (rig->batches % PER_CHECK == 0)
            switch_path(rig);
    }
    atomic_store(rig->stop, true);
    pthread_join(thread, NULL);
    if (waitpid(child, &status, 0) != child || status)
        rig_give_up("the committing process", "failed");
}

static void
begin_round(struct rig *rig, uint64_t seed)
{
    struct feature_error error;

    rig->dice.state = mix(seed, 6);
    rig->reads = 0;
    forest_draw(&rig->forest, seed);
    rig_directory(rig->path);
    open_store(rig, FEATURE_OPEN_CREATE);
    if (forest_fill(&rig->forest, rig->environment, &error))
        rig_give_up("forest_fill", error.message);
    oracle_open(&rig->oracle, rig->environment, rig->path);
}

static void
end_round(struct rig *rig)
{
    struct lf_reader *reader;

    oracle_join(&rig->oracle, &reader);
    for (uint32_t tree = 0; tree < FOREST_TREES; tree++) {
        uint32_t depth = oracle_depth(&rig->oracle, tree);

        rig->trees += depth > 0;
        rig->deepest = depth > rig->deepest ? depth : rig->deepest;
    }
    lf_reader_end(reader);
    oracle_close(&rig->oracle);
    lf_environment_close(rig->environment);
    rig_remove(rig->path);
}

static void
run_rounds(struct rig *rig, uint64_t count, uint64_t seed)
{
    uint64_t each = count / ROUNDS > PER_ROUND ? count / ROUNDS : PER_ROUND;

    for (uint64_t round = 0; rig->look_ups < count; round++) {
        uint64_t from = rig->look_ups;

        begin_round(rig, mix(seed, round));
        run_alone(rig, from + each / 4);
        run_in_company(rig, from + each);
        end_round(rig);
    }
}

/* A fault that comes after the self-check shows as differences; one that is
 * there before is kept out by it. */
static bool
is_found(struct rig *rig, enum plant kind, bool before)
{
    uint64_t until, by_lmdb;

    rig->differences = 0;
    plant = PLANT_NONE;
    run_batch(rig);
    lf_selfcheck_forget(rig->environment);
    rig->environment->fallback.is_forced = false;
    atomic_store(&rig->environment->fallback.joins, false);
    until = rig->look_ups + CONTROL;
    by_lmdb = atomic_load(&rig->environment->fallback.reads);
    plant = before ? kind : PLANT_NONE;
    for (uint32_t i = 0; i < 200; i++)
        run_batch(rig);
    plant = kind;
    while (rig->look_ups < until && !rig->differences)
        run_batch(rig);
    plant = PLANT_NONE;
    return before ? atomic_load(&rig->environment->fallback.reads) > by_lmdb
                  : rig->differences > 0;
}

/* The look-ups are in trees that never change, so that they are checked once.
 */
static bool
run_controls(struct rig *rig, uint64_t seed)
{
    bool all = true;

    for (enum plant kind = PLANT_COMPARE; kind < PLANT_BOUNDS; kind++) {
        bool late = false, early = false;

        for (uint64_t tries = 0; tries < 10 && !(late && early); tries++) {
            begin_round(rig, mix(seed, 1000 + tries));
            late |= is_found(rig, kind, false);
            early |= is_found(rig, kind, true);
            end_round(rig);
        }
        printf("%sok the fault \"%s\" is %s by the comparison and %s by the "
               "self-check\n",
               late && early ? "" : "not ", plant_names[kind],
               late ? "found" : "MISSED", early ? "found" : "MISSED");
        all &= late && early;
    }
    return all;
}

int
main(int argc, char **argv)
{
    uint64_t count = argc > 1 ? strtoull(argv[1], NULL, 10) : 200000;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : SEED;
    struct rig *rig = calloc(1, sizeof *rig);
    uint64_t differences;

    if (!rig)
        return 1;
    rig->stop = rig_share(sizeof *rig->stop);
    rig->commits = rig_share(sizeof *rig->commits);
    run_rounds(rig, count, seed);
    differences = rig->differences;
    printf("%sok %llu look-ups (%llu found, %llu by mdb_get) in %u trees of up "
           "to %u levels, %llu commits: %llu differences, seed %llu\n",
           differences ? "not " : "", (unsigned long long)rig->look_ups,
           (unsigned long long)rig->found, (unsigned long long)rig->by_lmdb,
           rig->trees, rig->deepest,
           (unsigned long long)atomic_load(rig->commits),
           (unsigned long long)differences, (unsigned long long)seed);
    if (!run_controls(rig, seed))
        differences++;
    free(rig);
    return differences != 0;
}
