/* SPDX-License-Identifier: Apache-2.0 */
/* Random numbers of kinds that make sums hard. */
#ifndef LF_TESTS_NUMBERS_H
#define LF_TESTS_NUMBERS_H

#include "draw.h"

#include <float.h>
#include <math.h>

static inline double
real_of(uint64_t bits)
{
    double x;

    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline double
draw_finite(void)
{
    double x;

    do
        x = real_of(draw());
    while (x - x != 0);
    return x;
}

static const double real_edges[] = {
    0.0,     -0.0, DBL_MAX, -DBL_MAX, DBL_MIN, DBL_TRUE_MIN,      -DBL_TRUE_MIN,
    1.0,     -1.0, 0.1,     0x1p53,   0x1p-53, 1.0 + DBL_EPSILON, 0x1p1023,
    -0x1p970};

/* Of a kind that a round has in common. */
static inline double
draw_real(uint32_t kind)
{
    switch (kind) {
    case 0:
        return (double)draw_below(2000) / 100;
    case 1:
        return draw_finite();
    case 2: /* near each other: the variance cancels */
        return 1e15 + (double)draw_below(3) / 8;
    case 3: /* subnormals */
        return real_of(draw() & 0x800fffffffffffff);
    case 4:
        return real_edges[draw_below(sizeof real_edges / sizeof *real_edges)];
    case 5: /* ties of a sum */
        return ldexp((double)draw_below(8), (int)draw_below(60));
    default:
        return ldexp((double)(int64_t)draw() / 3, (int)draw_below(40) - 20);
    }
}

static inline int64_t
draw_integer(uint32_t kind)
{
    static const int64_t ends[] = {INT64_MIN, INT64_MAX, 0, 1, -1};

    switch (kind % 4) {
    case 0:
        return (int64_t)draw_below(1000);
    case 1:
        return (int64_t)draw();
    case 2:
        return ends[draw_below(5)];
    default:
        return INT64_MAX - (int64_t)draw_below(4);
    }
}

#endif
