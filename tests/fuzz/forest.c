/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random trees.
 *
 * Owns the shapes: how keys and values of each tree look.
 * Keeps keys a function of the seed, the tree and a number, so that nobody has
 * to remember what was written.
 * Never knows what is in the store: LMDB says that.
 */
#include "forest.h"

#include <string.h>

#include "base/bytes.h"
#include "base/error.h"

#define MOST_BYTES (4u << 20) /* of one tree */
#define VALUE_MAX  20000
#define PER_COMMIT 4000

/* From 1 to limit, each order of size as likely as the others. */
static uint32_t
draw_size(struct dice *dice, uint32_t limit)
{
    uint32_t bits = 1;

    while (bits < 32 && limit >> bits)
        bits++;
    return 1 + dice_below(dice, 1u << dice_below(dice, bits)) % limit;
}

static void
draw_tree(struct forest_tree *tree, struct dice *dice)
{
    static const uint32_t values[] = {0, 8, 64, 250, 250, 1000, 2030, 6000};
    uint32_t bytes;

    *tree = (struct forest_tree){
        .keys = dice_below(dice, KEYS_KINDS),
        .prefix = dice_below(dice, 440),
        .value = values[dice_below(dice, sizeof values / sizeof *values)]};
    bytes = tree->value + (tree->keys >= KEYS_LONG ? 300 : 30);
    tree->size = dice_chance(dice, 25) ? MOST_BYTES / bytes
                                       : draw_size(dice, MOST_BYTES / bytes);
    if (dice_chance(dice, 5))
        tree->size = 0;
}

void
forest_draw(struct forest *forest, uint64_t seed)
{
    struct dice dice = {.state = mix(seed, 1)};

    forest->seed = seed;
    for (uint32_t i = 0; i < FOREST_TREES; i++)
        draw_tree(&forest->trees[i], &dice);
}

const char *
forest_name(uint32_t tree)
{
    static const char *const names[FOREST_TREES + 1] = {
        "rows/1/1", "rows/2/1",   "rows/17/3", "t",
        "late",     "windows/99", "missing"};

    return names[tree];
}

static void
put_random(uint8_t *to, uint32_t size, uint64_t from)
{
    for (uint32_t i = 0; i < size; i++)
        to[i] = (uint8_t)(mix(from, i / 8) >> i % 8 * 8);
}

static uint32_t
put_short(uint8_t *key, uint64_t random)
{
    static const uint8_t letters[] = {0, 1, 'a', 'b', 0x7f, 0x80, 0xfe, 0xff};
    uint32_t size = 1 + (uint32_t)(random % 6);

    for (uint32_t i = 0; i < size; i++)
        key[i] = letters[random >> (8 + 3 * i) & 7];
    return size;
}

static uint32_t
put_long(uint8_t *key, uint32_t prefix, uint64_t random)
{
    uint32_t tail = 1 + (uint32_t)(random % 40);

    memset(key, 'x', prefix);
    put_random(key + prefix, tail, random);
    return prefix + tail;
}

static uint32_t
put_nested(uint8_t *key, uint64_t random)
{
    uint32_t size = 1 + (uint32_t)(random % 200);

    memset(key, 0, size);
    key[size - 1] = (uint8_t)(random >> 8 & 3);
    if (random >> 16 & 1)
        key[size / 2] = (uint8_t)(random >> 24);
    return size;
}

uint32_t
forest_key(const struct forest *forest, uint32_t tree, uint32_t index,
           uint8_t key[LF_KEY_MAX])
{
    uint64_t random = mix(forest->seed + tree, index);
    uint32_t size;

    switch (forest->trees[tree].keys) {
    case KEYS_DENSE:
        lf_store_big_u64(key, (UINT64_C(1) << 63) + index - 50);
        return 8;
    case KEYS_SPARSE:
        lf_store_big_u64(key, random);
        return 8;
    case KEYS_SHORT:
        return put_short(key, random);
    case KEYS_LONG:
        return put_long(key, forest->trees[tree].prefix, random);
    case KEYS_NESTED:
        return put_nested(key, random);
    case KEYS_ANY:
    case KEYS_KINDS:
        break;
    }
    size = 1 + (uint32_t)(random % LF_KEY_MAX);
    put_random(key, size, random);
    return size;
}

/* At the limit where a value moves to pages of its own, or of any size. */
static uint32_t
value_size(const struct forest_tree *tree, uint32_t key_size, struct dice *dice)
{
    uint32_t spread = tree->value / 4 + 1;

    if (dice_chance(dice, 4) && key_size < 2030)
        return 2030 - key_size + dice_below(dice, 5) - 2;
    if (dice_chance(dice, 4))
        return draw_size(dice, VALUE_MAX);
    return tree->value + dice_below(dice, spread);
}

static feature_status
put(const struct forest *forest, struct lf_tree *to, uint32_t tree,
    uint32_t index, struct dice *dice, struct feature_error *error)
{
    uint8_t key[LF_KEY_MAX], value[VALUE_MAX + 1];
    uint32_t key_size = forest_key(forest, tree, index, key);
    uint32_t size = value_size(&forest->trees[tree], key_size, dice);

    memset(value, (int)dice_draw(dice), size);
    return lf_tree_put(to, key, key_size, value, size, false, error);
}

static feature_status
put_range(const struct forest *forest, struct lf_writer *writer, uint32_t tree,
          uint32_t from, uint32_t count, struct dice *dice,
          struct feature_error *error)
{
    struct lf_tree *to;

    LF_TRY(lf_writer_tree(writer, forest_name(tree), true, &to, error));
    for (uint32_t i = from; i < from + count; i++)
        LF_TRY(put(forest, to, tree, i, dice, error));
    return FEATURE_OK;
}

static feature_status
commit_range(const struct forest *forest, struct lf_environment *environment,
             uint32_t tree, uint32_t from, struct dice *dice,
             struct feature_error *error)
{
    uint32_t left = forest->trees[tree].size - from;
    struct lf_writer *writer;
    feature_status status;

    LF_TRY(lf_writer_begin(environment, 60000, &writer, error));
    status = put_range(forest, writer, tree, from,
                       left < PER_COMMIT ? left : PER_COMMIT, dice, error);
    if (!status)
        return lf_writer_commit(writer, error);
    lf_writer_abort(writer);
    return status;
}

feature_status
forest_fill(const struct forest *forest, struct lf_environment *environment,
            struct feature_error *error)
{
    struct dice dice = {.state = mix(forest->seed, 2)};

    for (uint32_t tree = 0; tree < FOREST_TREES; tree++) {
        uint32_t from = 0;

        do {
            LF_TRY(commit_range(forest, environment, tree, from, &dice, error));
            from += PER_COMMIT;
        } while (from < forest->trees[tree].size);
    }
    return FEATURE_OK;
}

static feature_status
delete_some(const struct forest *forest, struct lf_writer *writer,
            uint32_t tree, uint32_t from, uint32_t count,
            struct feature_error *error)
{
    uint8_t key[LF_KEY_MAX];
    struct lf_tree *at;

    LF_TRY(lf_writer_tree(writer, forest_name(tree), true, &at, error));
    for (uint32_t i = from; i < from + count; i++)
        LF_TRY(
            lf_tree_delete(at, key, forest_key(forest, tree, i, key), error));
    return FEATURE_OK;
}

static feature_status
change(const struct forest *forest, struct lf_writer *writer, struct dice *dice,
       struct feature_error *error)
{
    uint32_t steps = 1 + dice_below(dice, 6);

    for (uint32_t i = 0; i < steps; i++) {
        uint32_t tree = dice_below(dice, FOREST_TREES);
        uint32_t size = forest->trees[tree].size + 1;
        uint32_t from = dice_below(dice, size);
        uint32_t count = 1 + dice_below(dice, size - from);

        if (count > 3)
            count = dice_chance(dice, 80) ? 3 : count < 60 ? count : 60;
        if (dice_chance(dice, 1))
            count = size - from < 4000 ? size - from : 4000;
        if (dice_chance(dice, 1))
            LF_TRY(lf_writer_drop(writer, forest_name(tree), error));
        else if (dice_chance(dice, 40))
            LF_TRY(delete_some(forest, writer, tree, from, count, error));
        else
            LF_TRY(put_range(forest, writer, tree, from, count, dice, error));
    }
    return FEATURE_OK;
}

feature_status
forest_change(const struct forest *forest, struct lf_environment *environment,
              struct dice *dice, struct feature_error *error)
{
    struct lf_writer *writer;
    feature_status status;

    LF_TRY(lf_writer_begin(environment, 60000, &writer, error));
    status = change(forest, writer, dice, error);
    if (!status)
        return lf_writer_commit(writer, error);
    lf_writer_abort(writer);
    return status;
}
