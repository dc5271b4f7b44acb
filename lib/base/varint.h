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

/* The groups of a number of 8 bytes at most, moved together. */
static inline uint64_t
lf_varint_join(uint64_t word)
{
    word &= UINT64_C(0x7f7f7f7f7f7f7f7f);
    word -= (word & UINT64_C(0x7f007f007f007f00)) >> 1;
    word -= ((word & UINT64_C(0x3fff00003fff0000)) >> 2) * 3;
    return (word & UINT32_MAX) | word >> 32 << 28;
}

/* Whether lf_varint_join_fast may be called, and is fast: some processors take
 * hundreds of cycles for it. */
static inline bool
lf_varint_has_fast(void)
{
#if defined(__x86_64__)
    return __builtin_cpu_supports("bmi2") && !__builtin_cpu_is("znver1") &&
           !__builtin_cpu_is("znver2") && !__builtin_cpu_is("bdver4");
#else
    return false;
#endif
}

/* lf_varint_join in one instruction. */
static inline uint64_t
lf_varint_join_fast(uint64_t word)
{
#if defined(__x86_64__)
    uint64_t made;

    __asm__("pextq %2, %1, %0"
            : "=r"(made)
            : "r"(word), "r"(UINT64_C(0x7f7f7f7f7f7f7f7f)));
    return made;
#else
    return lf_varint_join(word);
#endif
}

/* 4 bits each to 8 bits each. */
static inline uint64_t
lf_nibbles_spread(uint32_t nibbles)
{
    uint64_t word = nibbles;

    word = (word | word << 16) & UINT64_C(0x0000ffff0000ffff);
    word = (word | word << 8) & UINT64_C(0x00ff00ff00ff00ff);
    return (word | word << 4) & UINT64_C(0x0f0f0f0f0f0f0f0f);
}

/* The same in one, where lf_varint_has_fast(). */
static inline uint64_t
lf_nibbles_spread_fast(uint32_t nibbles)
{
#if defined(__x86_64__)
    uint64_t made;

    __asm__("pdepq %2, %1, %0"
            : "=r"(made)
            : "r"((uint64_t)nibbles), "r"(UINT64_C(0x0f0f0f0f0f0f0f0f)));
    return made;
#else
    return lf_nibbles_spread(nibbles);
#endif
}

/* lf_varint_get for a number of 8 bytes at most, where 8 can be read, without a
 * guess at how many they are. False: it is longer, or not of the shortest form. */
__attribute__((always_inline)) static inline bool
lf_varint_peek_as(const uint8_t **from, uint64_t *value, bool is_fast)
{
    uint64_t word, ends, mask;

    memcpy(&word, *from, sizeof word);
    ends = ~word & UINT64_C(0x8080808080808080);
    if (!ends)
        return false;
    mask = ends ^ (ends - 1);
    word &= mask;
    if (word <= mask >> 8 && mask > 0xff)
        return false; /* its last group is 0 */
    *from += ((uint64_t)__builtin_ctzll(ends) >> 3) + 1;
    *value = is_fast ? lf_varint_join_fast(word) : lf_varint_join(word);
    return true;
}

static inline bool
lf_varint_peek(const uint8_t **from, uint64_t *value)
{
    return lf_varint_peek_as(from, value, false);
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
