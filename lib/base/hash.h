/* SPDX-License-Identifier: Apache-2.0 */
/* Hashes that are part of the format: the same bytes give the same number on
 * every machine and in every release. */
#ifndef LF_BASE_HASH_H
#define LF_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

struct lf_hash128 {
    uint64_t low;
    uint64_t high;
};

/* MurmurHash3_x64_128 of the bytes. Source: Austin Appleby, MurmurHash3. */
struct lf_hash128 lf_hash128(uint64_t seed, const void *bytes, size_t size);

/* 128-bit addition and subtraction: a set of rows hashes to the sum of its
 * rows, in any order. */
void lf_hash128_add(struct lf_hash128 *sum, struct lf_hash128 term);
void lf_hash128_subtract(struct lf_hash128 *sum, struct lf_hash128 term);

#endif
