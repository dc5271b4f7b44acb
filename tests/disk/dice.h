/* SPDX-License-Identifier: Apache-2.0 */
/* Random numbers that a run repeats (splitmix64). */
#ifndef TESTS_DISK_DICE_H
#define TESTS_DISK_DICE_H

#include <stdbool.h>
#include <stdint.h>

struct dice {
    uint64_t state;
};

static inline uint64_t
mix(uint64_t a, uint64_t b)
{
    uint64_t value = (a ^ b * 0x9e3779b97f4a7c15u) + 0x9e3779b97f4a7c15u;

    value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9u;
    value = (value ^ value >> 27) * 0x94d049bb133111ebu;
    return value ^ value >> 31;
}

static inline uint64_t
dice_draw(struct dice *dice)
{
    return mix(++dice->state, 0x5eed);
}

static inline uint32_t
dice_below(struct dice *dice, uint32_t limit)
{
    return (uint32_t)((dice_draw(dice) >> 32) * limit >> 32);
}

#endif
