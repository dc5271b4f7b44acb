/* SPDX-License-Identifier: Apache-2.0 */
/* Bitmaps in Arrow's order: bit i is bit i % 8 of byte i / 8. */
#ifndef LF_BASE_BITS_H
#define LF_BASE_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline size_t
lf_bits_size(size_t count)
{
    return (count + 7) / 8;
}

static inline bool
lf_bit_get(const uint8_t *bits, size_t i)
{
    return bits[i >> 3] >> (i & 7) & 1;
}

static inline void
lf_bit_set(uint8_t *bits, size_t i)
{
    bits[i >> 3] |= (uint8_t)(1u << (i & 7));
}

static inline void
lf_bit_clear(uint8_t *bits, size_t i)
{
    bits[i >> 3] &= (uint8_t) ~(1u << (i & 7));
}

static inline void
lf_bit_put(uint8_t *bits, size_t i, bool value)
{
    if (value)
        lf_bit_set(bits, i);
    else
        lf_bit_clear(bits, i);
}

#endif
