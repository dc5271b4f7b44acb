/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers in groups of 7 bits, lowest first, each number in one form only. */
#ifndef LF_BASE_VARINT_H
#define LF_BASE_VARINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define LF_VARINT_MAX 10

static inline uint8_t *
lf_varint_put(uint8_t *to, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        *to++ = (uint8_t)(value | 0x80);
    *to++ = (uint8_t)value;
    return to;
}

/* Behind the number, or NULL where there is none of the shortest form. */
static inline const uint8_t *
lf_varint_get(const uint8_t *from, const uint8_t *end, uint64_t *value)
{
    uint64_t made = 0;

    for (unsigned shift = 0; from < end && shift < 64; shift += 7) {
        uint8_t byte = *from++;

        made |= (uint64_t)(byte & 0x7f) << shift;
        if (byte & 0x80)
            continue;
        if ((!byte && shift) || (shift == 63 && byte > 1))
            return NULL;
        *value = made;
        return from;
    }
    return NULL;
}

/* The same for a number of 8 bytes at most, where 8 can be read, without a guess
 * at how many they are. False: it is longer, or not of the shortest form. */
static inline bool
lf_varint_peek(const uint8_t **from, uint64_t *value)
{
    uint64_t word, ends, size;

    memcpy(&word, *from, sizeof word);
    ends = ~word & UINT64_C(0x8080808080808080);
    if (!ends)
        return false;
    size = (uint64_t)__builtin_ctzll(ends) / 8 + 1;
    word &= ends ^ (ends - 1);
    if (size > 1 && word >> (8 * size - 8) == 0)
        return false;
    word = (word & UINT64_C(0x007f007f007f007f)) |
           (word & UINT64_C(0x7f007f007f007f00)) >> 1;
    word = (word & UINT64_C(0x00003fff00003fff)) |
           (word & UINT64_C(0x3fff00003fff0000)) >> 2;
    word = (word & UINT64_C(0x000000000fffffff)) |
           (word & UINT64_C(0x0fffffff00000000)) >> 4;
    *from += size;
    *value = word;
    return true;
}

/* Signed numbers of small magnitude as small numbers. */
static inline uint64_t
lf_zigzag(int64_t value)
{
    uint64_t doubled = (uint64_t)value << 1;

    return value < 0 ? ~doubled : doubled;
}

static inline int64_t
lf_unzigzag(uint64_t value)
{
    return (int64_t)(value >> 1 ^ (~(value & 1) + 1));
}

#endif
