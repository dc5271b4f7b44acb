/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random operations that fit what the model's store holds.
 *
 * Owns the profile of an episode and the choice of the next operation.
 * Keeps to the seed and the model: nothing the store answers decides anything.
 * Never makes everything valid, nor everything invalid.
 */
#include "make.h"

#include <stdio.h>
#include <string.h>

#define ELSEWHERE_ONE_IN 500 /* operations: a fork takes its time */

const char *
make_name(struct maker *maker, char letter, uint32_t number)
{
    return arena_print(maker->arena, "%c%u", letter, number);
}

struct value
make_number(struct maker *maker, int64_t value)
{
    return (struct value){.size = sizeof value,
                          .bytes =
                              arena_copy(maker->arena, &value, sizeof value)};
}

int64_t
make_time(struct maker *maker)
{
    static const int64_t edges[] = {INT64_MIN + 1, INT64_MAX, 0, -1,
                                    INT64_MAX - 1};
    struct dice *dice = &maker->dice;
    const struct world *world = maker->world;

    if (dice_below(dice, 300) == 0)
        return edges[dice_below(dice, COUNT(edges))];
    if (dice_chance(dice, 6) && world->sequence)
        return world->commit_time + dice_between(dice, -1, 1);
    if (dice_chance(dice, 2))
        return world->now + dice_between(dice, -1, 1);
    return world->now + dice_between(dice, -maker->profile.span, 3) * SECOND;
}

/* The same few keys, some of them close to each other as bytes. */
struct value
make_key(struct maker *maker, int32_t code)
{
    static const int64_t numbers[] = {7,         -1, 0,  INT64_MAX,
                                      INT64_MIN, 8,  -7, 256};
    static const struct {
        const char *bytes;
        uint32_t size;
    } texts[] = {{"a", 1},    {"", 0},  {"a\0", 2}, {"ab", 2},
                 {"\0\1", 2}, {"b", 1}, {"\0", 1},  {"\303\251", 2}};
    uint32_t index = dice_below(&maker->dice, maker->profile.keys);
    uint8_t *bytes;

    if (code == FEATURE_TYPE_INT64)
        return make_number(maker, index < COUNT(numbers) ? numbers[index]
                                                         : (int64_t)index);
    if (dice_below(&maker->dice, 400) == 0)
        return value_long(maker->arena, 470 + dice_below(&maker->dice, 12));
    if (index >= COUNT(texts)) {
        char *made = arena_print(maker->arena, "key %u", index);

        return (struct value){.size = (uint32_t)strlen(made),
                              .bytes = (uint8_t *)made};
    }
    bytes = arena_copy(maker->arena, texts[index].bytes, texts[index].size);
    return (struct value){.size = texts[index].size, .bytes = bytes};
}

struct type
make_set_type(struct maker *maker, struct type type)
{
    if (!dice_chance(&maker->dice, 20))
        return type;
    if (type.code == FEATURE_TYPE_TIMESTAMP)
        type.code = FEATURE_TYPE_INT64;
    else if (type.code == FEATURE_TYPE_INT64)
        type.code = FEATURE_TYPE_INT32;
    else if (type.code == FEATURE_TYPE_FLOAT64)
        type.code = dice_chance(&maker->dice, 50) ? FEATURE_TYPE_INT32
                                                  : FEATURE_TYPE_FLOAT32;
    return type;
}

/* NULL: there is none. */
struct view *
make_any_view(struct maker *maker)
{
    struct catalog *catalog = &maker->world->catalog;

    if (!catalog->view_count)
        return NULL;
    return &catalog->views[dice_below(&maker->dice, catalog->view_count)];
}

void
maker_begin(struct maker *maker, uint64_t seed, struct arena *arena,
            struct world *world)
{
    static const uint32_t usual[OPERATION_KINDS] = {
        [OP_APPLY] = 8,  [OP_DESCRIBE] = 1,   [OP_MAKE_BATCH] = 4,
        [OP_WRITE] = 36, [OP_MAKE_QUERY] = 5, [OP_READ] = 38,
        [OP_STATS] = 4,  [OP_REOPEN] = 2,     [OP_SECOND_HANDLE] = 1};
    struct dice *dice;

    *maker =
        (struct maker){.dice = {.state = seed}, .arena = arena, .world = world};
    dice = &maker->dice;
    for (uint32_t i = 0; i < OPERATION_KINDS; i++)
        maker->profile.weights[i] = usual[i] * (dice_chance(dice, 20)   ? 4
                                                : dice_chance(dice, 20) ? 1
                                                                        : 2);
    maker->profile.views = 1 + dice_below(dice, 5);
    maker->profile.features =
        1 + dice_below(dice, dice_chance(dice, 4) ? 70 : 9);
    maker->profile.names = maker->profile.features < 10 ? 10 : 75;
    maker->profile.keys = 1 + dice_below(dice, dice_chance(dice, 20) ? 40 : 6);
    maker->profile.span = dice_between(dice, 1, 12);
    maker->profile.null_rate = dice_below(dice, 3) * 15;
    maker->profile.fault_rate = dice_below(dice, 4) * 5;
    maker->profile.plain_rate = dice_chance(dice, 30) ? 90 : 20;
}

static void
make_description(struct maker *maker, struct operation *operation)
{
    static const char letters[] = "evs";
    struct dice *dice = &maker->dice;

    if (dice_chance(dice, 50))
        operation->name =
            make_name(maker, letters[dice_below(dice, 3)], dice_below(dice, 4));
}

/* A clock stands still, or goes on a little, or a lot. */
static int64_t
make_delay(struct dice *dice)
{
    if (dice_chance(dice, 30))
        return 0;
    if (dice_chance(dice, 10))
        return dice_between(dice, 1, 5);
    return dice_between(dice, 1, 4) * SECOND;
}

/* Most handles agree on the time. */
static int64_t
make_skew(struct dice *dice)
{
    return dice_chance(dice, 60) ? 0 : dice_between(dice, -2, 2) * SECOND;
}

/* Another process has no batches and queries of this one. */
static bool
may_be_elsewhere(const struct operation *operation)
{
    for (uint32_t i = 0; operation->kind == OP_WRITE && i < operation->count;
         i++)
        if (operation->entries[i].from_slot)
            return false;
    return operation->kind == OP_APPLY || operation->kind == OP_WRITE ||
           operation->kind == OP_DESCRIBE ||
           (operation->kind == OP_READ && operation->has_query);
}

struct operation
maker_next(struct maker *maker)
{
    struct dice *dice = &maker->dice;
    const struct world *world = maker->world;
    struct operation made = {
        .kind = dice_weighted(dice, maker->profile.weights, OPERATION_KINDS)};

    if (!world->catalog.view_count && dice_chance(dice, 90))
        made.kind = OP_APPLY;
    if (world->handles[1].is_open)
        made.handle = dice_below(dice, HANDLES);
    made.style = (uint32_t)dice_next(dice);
    switch (made.kind) {
    case OP_APPLY:
        make_apply(maker, &made);
        break;
    case OP_DESCRIBE:
        make_description(maker, &made);
        break;
    case OP_MAKE_BATCH:
        made.slot = dice_below(dice, BATCH_SLOTS);
        make_batch(maker, &made.batch);
        break;
    case OP_WRITE:
        make_write(maker, &made);
        break;
    case OP_MAKE_QUERY:
        made.slot = dice_below(dice, QUERY_SLOTS);
        make_query(maker, &made.query);
        break;
    case OP_READ:
        make_read(maker, &made);
        break;
    case OP_REOPEN:
        made.now = world->clock + make_delay(dice);
        break;
    case OP_SECOND_HANDLE:
        made.now = world->clock + make_skew(dice);
        break;
    case OP_STATS:
    case OPERATION_KINDS:
        break;
    }
    if (made.kind == OP_REOPEN || made.kind == OP_SECOND_HANDLE)
        made.handle = 0;
    if (dice_below(dice, ELSEWHERE_ONE_IN) == 0)
        made.is_elsewhere = may_be_elsewhere(&made);
    return made;
}
