/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random numbers that repeat: every test begins at the program's seed, which
 * FEATURE_TEST_SEED sets, so that one test alone fails the way it failed among
 * others.
 */
#ifndef LF_TESTS_DRAW_H
#define LF_TESTS_DRAW_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint64_t draw_seed = 20260101;
static uint64_t draw_state;

/* SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom numbers). */
static inline uint64_t
draw(void)
{
    uint64_t value = draw_state += 0x9e3779b97f4a7c15u;

    value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9u;
    value = (value ^ value >> 27) * 0x94d049bb133111ebu;
    return value ^ value >> 31;
}

/* 0 to limit - 1. */
static inline uint32_t
draw_below(uint64_t limit)
{
    return (uint32_t)(draw() % limit);
}

static inline bool
draw_one_in(uint32_t count)
{
    return draw_below(count) == 0;
}

static inline void
draw_bytes(void *bytes, size_t size)
{
    uint8_t *at = bytes;

    while (size--)
        *at++ = (uint8_t)draw();
}

static inline int
draw_again(void **state)
{
    (void)state;
    draw_state = draw_seed;
    return 0;
}

static inline void
draw_begin(void)
{
    const char *seed = getenv("FEATURE_TEST_SEED");

    if (seed && *seed)
        draw_seed = strtoull(seed, NULL, 0);
    printf("FEATURE_TEST_SEED=%llu\n", (unsigned long long)draw_seed);
}

/* A test that draws. */
#define DRAWN(name) cmocka_unit_test_setup(name, draw_again)

#endif
