/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a value is to a sketch: its identity in bytes, the same on every
 * machine and in every release.
 *
 *   BOOL                      1 byte, 0 or 1
 *   INT32, INT64, TIMESTAMP   8 bytes, little-endian int64
 *   FLOAT32, FLOAT64          8 bytes, little-endian double; -0.0 is 0.0
 *   STRING, BYTES             the bytes
 */
#ifndef LF_FORMAT_ELEMENT_H
#define LF_FORMAT_ELEMENT_H

#include "base/bytes.h"

/* MurmurHash64A of the bytes with Redis' seed, as PFADD hashes an element.
 * Source: Austin Appleby, MurmurHash2. */
uint64_t lf_element_hash(const void *bytes, size_t size);

/* The same of 8 bytes. */
uint64_t lf_element_hash_word(uint64_t word);

/* A double's word; x is not a NaN. */
static inline uint64_t
lf_element_real(double x)
{
    uint64_t word;

    x += 0.0; /* -0.0 becomes 0.0 */
    memcpy(&word, &x, sizeof word);
    return word;
}

#endif
