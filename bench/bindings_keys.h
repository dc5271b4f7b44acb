/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the programs of the bindings bench agree on, whatever their language.
 *
 * A program is called with STORE FEATURES FIRST LAST [ROUNDS]. FEATURES has one
 * join key, INT64 or STRING. Key number i of the bench is
 *
 *     n = FIRST + mix(i) % (LAST - FIRST)
 *
 * as an INT64, or as the text "user-" and n in eight decimal digits; call
 * number c of `keys` keys takes the keys from (c % CALLS) x keys on. A call is
 * timed as one: keys set, read, the answer touched. In each of ROUNDS rounds
 * every method runs a few calls of every size, one after the other, so that a
 * slow moment of the machine meets all of them; what is printed is the median
 * over the rounds, in nanoseconds a call, a line of JSON each:
 *
 *     {"language":"c","key":"int64","keys":100,"what":"matrix","ns":12345.6}
 *
 * `what` is matrix (a dense matrix), columns (all columns, the first and last
 * value of each looked at), or matrix_from_strings (the same as matrix, from
 * the language's own list of strings).
 */
#ifndef BENCH_BINDINGS_KEYS_H
#define BENCH_BINDINGS_KEYS_H

#include <stdint.h>
#include <stdio.h>

#define CALLS      64 /* different sets of keys of a size */
#define SIZES      4
#define KEYS_MAX   1000
#define ROUNDS     15
#define ROUNDS_MAX 99

static const uint32_t bench_sizes[SIZES] = {1, 10, 100, KEYS_MAX};

/* Calls of one sample: about a millisecond. */
static const uint32_t bench_calls[SIZES] = {1280, 512, 128, 32};

/* The finalizer of splitmix64. */
static inline uint64_t
bench_key_mix(uint64_t i)
{
    i += UINT64_C(0x9e3779b97f4a7c15);
    i = (i ^ (i >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    i = (i ^ (i >> 27)) * UINT64_C(0x94d049bb133111eb);
    return i ^ (i >> 31);
}

static inline int64_t
bench_key(uint64_t i, int64_t first, int64_t last)
{
    return first + (int64_t)(bench_key_mix(i) % (uint64_t)(last - first));
}

static inline int
bench_key_text(char *text, size_t size, int64_t number)
{
    return snprintf(text, size, "user-%08lld", (long long)number);
}

#endif
