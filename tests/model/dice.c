/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random numbers that a seed repeats.
 *
 * Owns the generator (splitmix64, by Sebastiano Vigna).
 * Keeps the same numbers for the same seed, on every machine.
 * Never reads a clock.
 */
#include "dice.h"

#include <stddef.h>
#include <sys/random.h>

uint64_t
dice_next(struct dice *dice)
{
    uint64_t mixed = dice->state += 0x9e3779b97f4a7c15u;

    mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9u;
    mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebu;
    return mixed ^ mixed >> 31;
}

uint32_t
dice_below(struct dice *dice, uint32_t count)
{
    return (uint32_t)((dice_next(dice) >> 32) * count >> 32);
}

int32_t
dice_between(struct dice *dice, int32_t low, int32_t high)
{
    return low + (int32_t)dice_below(dice, (uint32_t)(high - low + 1));
}

bool
dice_chance(struct dice *dice, uint32_t percent)
{
    return dice_below(dice, 100) < percent;
}

uint32_t
dice_weighted(struct dice *dice, const uint32_t *weights, uint32_t count)
{
    uint32_t total = 0, at;

    for (uint32_t i = 0; i < count; i++)
        total += weights[i];
    at = dice_below(dice, total);
    for (uint32_t i = 0; i < count; i++) {
        if (at < weights[i])
            return i;
        at -= weights[i];
    }
    return count - 1;
}

uint64_t
dice_seed(void)
{
    uint32_t seed = 1;

    if (getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed)
        return 1;
    return seed;
}
