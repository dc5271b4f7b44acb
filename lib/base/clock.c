/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clocks.
 *
 * Owns the two clocks of the library: the system's and a steady one.
 * Keeps event time and deadlines apart: they are different functions.
 * Never fails: both clocks exist on every supported system.
 */
#include "base/clock.h"

#include <time.h>

int64_t
lf_clock_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t
lf_clock_steady_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t
lf_clock_steady_ms(void)
{
    return lf_clock_steady_us() / 1000;
}
