/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image [COUNT] [SEED] [FIRST]: damaged files through the code that reads pages, in
 * memory that ends where the file does. Whatever it answers, it never leaves
 * that memory. Then the fault "bounds" has to show as crashes.
 *
 * Owns the pages of the trial at hand.
 * Keeps to the engine's innermost functions: no file, no lock, no LMDB.
 * Never judges an answer: damage.c and the checksum of rows do.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "damage.h"
#include "engine/descent.h"
#include "forest.h"
#include "engine/index.h"
#include "plants.h"

#define SEED    20260802
#define JOBS    64
#define SINGLES 12
#define CONTROL 600

struct counts {
    _Atomic(uint64_t) look_ups, values, refused, bytes;
};

struct rig {
    struct forest forest;
    struct image image;
    struct image fenced; /* of the trial at hand */
    uint64_t seed;
    struct counts *counts;
};

/* The pages of one trial, as a reader would have them. */
struct trial {
    struct rig *rig;
    struct dice dice;
    struct lf_environment environment; /* its file cannot be asked */
    struct lf_pages pages;
    struct lf_root main;
    struct lf_root roots[FOREST_TREES];
    struct lf_job jobs[JOBS];
    uint8_t keys[JOBS][LF_KEY_MAX];
};

static void
touch(struct trial *trial, const uint8_t *value, size_t size)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < size; i++)
        sum += value[i];
    atomic_fetch_add(&trial->rig->counts->values, 1);
    atomic_fetch_add(&trial->rig->counts->bytes, sum & 1);
}

static void
note(struct trial *trial, feature_status status)
{
    if (status)
        atomic_fetch_add(&trial->rig->counts->refused, 1);
}

static void
find_roots(struct trial *trial, const uint8_t *base)
{
    const uint8_t *meta = base;
    uint32_t size = trial->pages.page_size;
    struct lf_node node;
    bool found;

    if (lf_load_u64(base + size + LF_META_TRANSACTION) >
        lf_load_u64(base + LF_META_TRANSACTION))
        meta += size;
    trial->pages.last = lf_load_u64(meta + LF_META_LAST_PAGE);
    note(trial, lf_root_read(meta + LF_META_MAIN, &trial->main, NULL));
    for (uint32_t i = 0; i < FOREST_TREES; i++) {
        const char *name = forest_name(i);

        trial->roots[i] = (struct lf_root){.page = UINT64_MAX};
        if (lf_tree_find(&trial->pages, &trial->main, name, strlen(name),
                         &found, &node, NULL) ||
            !found || node.size != LF_RECORD_SIZE ||
            lf_root_read(node.data, &trial->roots[i], NULL) ||
            trial->roots[i].flags)
            trial->roots[i].depth = 0;
    }
}

/* An index of damaged pages, where one can be made of them. */
static void
take_indexes(struct trial *trial)
{
    for (uint32_t i = 0; i < FOREST_TREES; i++)
        lf_index_take(&trial->pages, 1, &trial->roots[i],
                      dice_below(&trial->dice, 2), &trial->roots[i].index);
}

static void
drop_indexes(struct trial *trial)
{
    for (uint32_t i = 0; i < FOREST_TREES; i++)
        lf_index_drop(trial->roots[i].index);
    lf_indexes_free(&trial->environment);
}

static void
draw_jobs(struct trial *trial)
{
    const struct forest *forest = &trial->rig->forest;

    for (uint32_t i = 0; i < JOBS; i++) {
        uint32_t tree = dice_below(&trial->dice, FOREST_TREES);
        uint32_t most = forest->trees[tree].size + 5;

        trial->jobs[i] = (struct lf_job){.key = trial->keys[i], .tree = tree};
        trial->jobs[i].key_size = forest_key(
            forest, tree, dice_below(&trial->dice, most), trial->keys[i]);
    }
}

static void
descend(struct trial *trial, struct lf_job *jobs, uint32_t count)
{
    feature_status status = lf_descend(&trial->pages, trial->roots, 0,
                                       FOREST_TREES, jobs, count, NULL);

    note(trial, status);
    atomic_fetch_add(&trial->rig->counts->look_ups, count);
    for (uint32_t i = 0; i < count && !status; i++)
        if (jobs[i].value)
            touch(trial, jobs[i].value, jobs[i].size);
}

static void
walk_to(struct trial *trial, const struct lf_job *job)
{
    const struct lf_root *root = &trial->roots[job->tree];
    struct lf_inspected inspected = {.count = 0};
    const uint8_t *value;
    struct lf_node node;
    bool found;

    if (!lf_tree_find(&trial->pages, root, job->key, job->key_size, &found,
                      &node, NULL) &&
        found && !lf_page_value(&trial->pages, &node, &value, NULL))
        touch(trial, value, node.size);
    note(trial, lf_tree_inspect(&trial->pages, root, job->key, job->key_size,
                                &inspected, &found, &node, NULL));
    note(trial, lf_tree_sample(&trial->pages, root, job->tree % 3, 3,
                               trial->rig->seed, &inspected, &node, NULL));
}

static feature_status
visit(void *context, const uint8_t *key, size_t key_size, const uint8_t *value,
      size_t size, struct feature_error *error)
{
    (void)error;
    touch(context, key, key_size);
    touch(context, value, size);
    return FEATURE_OK;
}

static void
run_trial(void *context, uint32_t number)
{
    struct rig *rig = context;
    struct trial *trial = calloc(1, sizeof *trial);
    struct image image = rig->fenced;

    if (!trial)
        rig_give_up("a trial", "no memory");
    trial->rig = rig;
    trial->dice.state = mix(rig->seed, number);
    memcpy(image.bytes, rig->image.bytes, image.size);
    image_damage(&image, &trial->dice);
    trial->pages = (struct lf_pages){.environment = &trial->environment,
                                     .base = image.bytes,
                                     .page_size = image.page_size,
                                     .limit = image.size / image.page_size};
    find_roots(trial, image.bytes);
    draw_jobs(trial);
    descend(trial, trial->jobs, JOBS);
    take_indexes(trial);
    descend(trial, trial->jobs, JOBS);
    for (uint32_t i = 0; i < SINGLES; i++) {
        descend(trial, &trial->jobs[i], 1);
        walk_to(trial, &trial->jobs[i]);
    }
    if (plant == PLANT_NONE && number % 8 == 0)
        for (uint32_t i = 0; i < FOREST_TREES; i++)
            note(trial, lf_tree_walk(&trial->pages, &trial->roots[i], visit,
                                     trial, NULL));
    drop_indexes(trial);
    free(trial);
}

/* Small trees: damage is to hit what is looked up. */
static void
make_image(struct rig *rig)
{
    struct lf_environment_options options = {.flags = FEATURE_OPEN_CREATE,
                                             .wait_ms = 10000};
    struct lf_environment *environment;
    struct feature_error error;
    char path[RIG_PATH_SIZE];
    bool created;

    forest_draw(&rig->forest, rig->seed);
    for (uint32_t i = 0; i < FOREST_TREES; i++) {
        struct forest_tree *tree = &rig->forest.trees[i];

        tree->keys = i % KEYS_KINDS;
        tree->value = i % 2 ? 300 : 20;
        tree->size = i % 3 ? 60 : 600;
    }
    rig_directory(path);
    if (lf_environment_open(path, &options, &environment, &created, &error) ||
        forest_fill(&rig->forest, environment, &error))
        rig_give_up("a store", error.message);
    lf_environment_close(environment);
    rig->image = image_read(path);
    rig->fenced = image_fence(&rig->image);
    rig_remove(path);
}

int
main(int argc, char **argv)
{
    uint32_t count = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 10000;
    struct rig rig = {.seed = argc > 2 ? strtoull(argv[2], NULL, 10) : SEED};
    uint32_t first = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 0;
    uint32_t crashed, hung, planted;

    rig.counts = rig_share(sizeof *rig.counts);
    make_image(&rig);
    crashed = rig_run(first, first + count, run_trial, &rig, &hung);
    printf("%sok %u damaged images of %zu pages: %llu look-ups, %llu values, "
           "%llu refusals, %u crashes, %u hangs, seed %llu\n",
           crashed || hung ? "not " : "", count,
           rig.image.size / rig.image.page_size,
           (unsigned long long)rig.counts->look_ups,
           (unsigned long long)rig.counts->values,
           (unsigned long long)rig.counts->refused, crashed, hung,
           (unsigned long long)rig.seed);
    crashed += hung;
    plant = PLANT_BOUNDS;
    planted = rig_run(0, CONTROL, run_trial, &rig, &hung);
    printf("%sok the fault \"bounds\" shows: %u crashes, %u hangs in %d "
           "images\n",
           planted ? "" : "not ", planted, hung, CONTROL);
    free(rig.image.bytes);
    return crashed || !planted;
}
