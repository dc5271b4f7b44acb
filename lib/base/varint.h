/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers in groups of 7 bits, lowest first, each number in one form only. */
#ifndef LF_BASE_VARINT_H
#define LF_BASE_VARINT_H

#include <stddef.h>
#include <stdint.h>

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
