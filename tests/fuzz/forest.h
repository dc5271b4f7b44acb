/* SPDX-License-Identifier: Apache-2.0 */
/* Random trees of all shapes in one store. */
#ifndef TESTS_FUZZ_FOREST_H
#define TESTS_FUZZ_FOREST_H

#include "engine/engine.h"
#include "rig.h"

#define FOREST_TREES 6

enum forest_keys {
    KEYS_DENSE,  /* eight bytes, a small range */
    KEYS_SPARSE, /* eight bytes, anywhere */
    KEYS_SHORT,  /* one to six bytes of few kinds */
    KEYS_LONG,   /* up to 480 bytes, most of them the same */
    KEYS_ANY,    /* 1 to 480 bytes */
    KEYS_NESTED, /* beginnings of each other */
    KEYS_KINDS
};

struct forest_tree {
    enum forest_keys keys;
    uint32_t size;   /* keys [0, size) are there, save for what was deleted */
    uint32_t prefix; /* bytes that all KEYS_LONG share */
    uint32_t value;  /* usual size; one in eight is of any size */
    uint32_t depth;  /* deepest that was met */
};

struct forest {
    uint64_t seed;
    struct forest_tree trees[FOREST_TREES];
};

void forest_draw(struct forest *forest, uint64_t seed);

/* tree FOREST_TREES: one that is never there. */
const char *forest_name(uint32_t tree);

/* Key `index` of a tree: its size. Two indexes may have the same key. */
uint32_t forest_key(const struct forest *forest, uint32_t tree, uint32_t index,
                    uint8_t key[LF_KEY_MAX]);

/* Writes all trees, in a few commits. */
feature_status forest_fill(const struct forest *forest,
                           struct lf_environment *environment,
                           struct feature_error *error);

/* One commit: some puts, deletes, and now and then a tree dropped and made
 * again. */
feature_status forest_change(const struct forest *forest,
                             struct lf_environment *environment,
                             struct dice *dice, struct feature_error *error);

#endif
