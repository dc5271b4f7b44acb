/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wide numbers and their rounding.
 *
 * Owns the one rounding of exact sums: the highest bits of a quotient or a root,
 * and whether anything lies below them.
 * Keeps every answer the double nearest to the exact number, half to even,
 * subnormal or not.
 * Never uses floating-point arithmetic on the way, so all machines agree.
 */
#include "format/wide.h"

#include <string.h>

#define DIVIDED_WORDS  4  /* of the part that is divided */
#define QUOTIENT_BITS  66 /* 53, one to round by, and some to spare */
#define ROOTED_BITS    127
#define MANTISSA_BITS  53
#define LEAST_EXPONENT (-1074)
#define INFINITE       (UINT64_C(0x7ff) << 52)

static uint32_t
bits_of(lf_u128 value)
{
    uint64_t high = (uint64_t)(value >> 64), low = (uint64_t)value;

    if (high)
        return 128 - (uint32_t)__builtin_clzll(high);
    return low ? 64 - (uint32_t)__builtin_clzll(low) : 0;
}

static uint32_t
wide_bits(const struct lf_wide *wide)
{
    uint64_t top = wide->word[wide->count - 1];

    return wide->count * 64 - (uint32_t)__builtin_clzll(top);
}

static void
trim(struct lf_wide *wide)
{
    while (wide->count && !wide->word[wide->count - 1])
        wide->count--;
}

static void
append(struct lf_wide *wide, uint64_t word)
{
    if (word && wide->count < LF_WIDE_WORDS)
        wide->word[wide->count++] = word;
}

void
lf_wide_set(struct lf_wide *wide, const uint64_t *word, uint32_t count)
{
    memcpy(wide->word, word, count * sizeof *word);
    wide->count = count;
    trim(wide);
}

void
lf_wide_shift(struct lf_wide *wide, uint32_t bits)
{
    uint32_t words = bits / 64, rest = bits % 64;
    uint64_t carry = 0;

    if (!wide->count || wide->count + words > LF_WIDE_WORDS)
        return;
    memmove(wide->word + words, wide->word, wide->count * sizeof *wide->word);
    memset(wide->word, 0, words * sizeof *wide->word);
    wide->count += words;
    if (!rest)
        return;
    for (uint32_t i = words; i < wide->count; i++) {
        uint64_t word = wide->word[i];

        wide->word[i] = word << rest | carry;
        carry = word >> (64 - rest);
    }
    append(wide, carry);
}

void
lf_wide_times(struct lf_wide *wide, uint64_t factor)
{
    lf_u128 carry = 0;

    for (uint32_t i = 0; i < wide->count; i++) {
        carry += (lf_u128)wide->word[i] * factor;
        wide->word[i] = (uint64_t)carry;
        carry >>= 64;
    }
    append(wide, (uint64_t)carry);
    trim(wide);
}

void
lf_wide_square(struct lf_wide *square, const struct lf_wide *wide)
{
    uint32_t n = wide->count;

    memset(square, 0, sizeof *square);
    if (2 * n > LF_WIDE_WORDS)
        return;
    for (uint32_t i = 0; i < n; i++) {
        lf_u128 carry = 0;

        for (uint32_t j = 0; j < n; j++) {
            carry += (lf_u128)wide->word[i] * wide->word[j];
            carry += square->word[i + j];
            square->word[i + j] = (uint64_t)carry;
            carry >>= 64;
        }
        square->word[i + n] = (uint64_t)carry;
    }
    square->count = 2 * n;
    trim(square);
}

static int
compare(const struct lf_wide *a, const struct lf_wide *b)
{
    if (a->count != b->count)
        return a->count < b->count ? -1 : 1;
    for (uint32_t i = a->count; i--;)
        if (a->word[i] != b->word[i])
            return a->word[i] < b->word[i] ? -1 : 1;
    return 0;
}

bool
lf_wide_subtract(struct lf_wide *wide, const struct lf_wide *other)
{
    uint64_t borrow = 0;

    if (compare(wide, other) < 0)
        return false;
    for (uint32_t i = 0; i < wide->count; i++) {
        uint64_t taken = i < other->count ? other->word[i] : 0;
        lf_u128 rest = (lf_u128)wide->word[i] - taken - borrow;

        wide->word[i] = (uint64_t)rest;
        borrow = (uint64_t)(rest >> 64) & 1;
    }
    trim(wide);
    return true;
}

/* The highest `want` bits as words, lowest first; fewer bits are shifted up.
 * True: a bit that is not 0 lies below them. */
static bool
take_top(const struct lf_wide *wide, uint32_t want, uint64_t top[DIVIDED_WORDS])
{
    int64_t at = (int64_t)wide_bits(wide) - want; /* their lowest bit */
    bool lost = false;

    for (uint32_t i = 0; i < DIVIDED_WORDS; i++) {
        int64_t from = at + 64 * (int64_t)i, word = from >> 6;
        uint32_t shift = (uint32_t)(from & 63);
        uint64_t low, high;

        low = word >= 0 && word < wide->count ? wide->word[word] : 0;
        word++;
        high = word >= 0 && word < wide->count ? wide->word[word] : 0;
        top[i] = shift ? low >> shift | high << (64 - shift) : low;
    }
    for (int64_t i = 0; i < at >> 6; i++)
        lost |= wide->word[i] != 0;
    if (at > 0 && at & 63)
        lost |= wide->word[at >> 6] << (64 - (at & 63)) != 0;
    return lost;
}

/* top / divisor, which fits; true: there is a rest. */
static bool
divide_by_word(const uint64_t top[DIVIDED_WORDS], uint64_t divisor,
               lf_u128 *quotient)
{
    lf_u128 rest = 0;

    *quotient = 0;
    for (uint32_t i = DIVIDED_WORDS; i--;) {
        rest = rest << 64 | top[i];
        *quotient = *quotient << 64 | (uint64_t)(rest / divisor);
        rest %= divisor;
    }
    return rest != 0;
}

static bool
divide(const uint64_t top[DIVIDED_WORDS], lf_u128 divisor, lf_u128 *quotient)
{
    lf_u128 rest = 0;

    if (!(divisor >> 64))
        return divide_by_word(top, (uint64_t)divisor, quotient);
    *quotient = 0;
    for (uint32_t i = DIVIDED_WORDS * 64; i--;) {
        rest = rest << 1 | (top[i / 64] >> (i % 64) & 1);
        *quotient <<= 1;
        if (rest >= divisor) {
            rest -= divisor;
            *quotient |= 1;
        }
    }
    return rest != 0;
}

/* The root of a number of 126 bits or more, rounded down, a bit at a time. */
static uint64_t
root_of(lf_u128 value)
{
    lf_u128 root = 0, bit = (lf_u128)1 << 126;

    for (; bit; bit >>= 2) {
        if (value >= root + bit) {
            value -= root + bit;
            root = (root >> 1) + bit;
        } else {
            root >>= 1;
        }
    }
    return (uint64_t)root;
}

/* value * 2^exponent; rest: a part of the lowest bit is missing, and value has
 * more bits than a mantissa. */
static double
round_once(lf_u128 value, bool rest, int64_t exponent)
{
    int64_t lowest = exponent + bits_of(value) - MANTISSA_BITS, drop;
    uint64_t kept;
    double result;

    if (lowest < LEAST_EXPONENT)
        lowest = LEAST_EXPONENT;
    drop = lowest - exponent;
    if (drop <= 0) {
        kept = (uint64_t)value << -drop;
    } else if (drop > 128) {
        kept = 0;
    } else {
        lf_u128 half = (lf_u128)1 << (drop - 1);
        lf_u128 below = value & (half - 1);

        kept = drop == 128 ? 0 : (uint64_t)(value >> drop);
        if (value & half && (below || rest || kept & 1))
            kept++;
    }
    if (lowest - LEAST_EXPONENT > 2045)
        kept = INFINITE;
    else /* the highest bit of a mantissa counts the exponent up by one */
        kept += (uint64_t)(lowest - LEAST_EXPONENT) << 52;
    if (kept > INFINITE)
        kept = INFINITE;
    memcpy(&result, &kept, sizeof result);
    return result;
}

double
lf_wide_round(const struct lf_wide *wide, int32_t exponent, lf_u128 divisor,
              bool is_root)
{
    uint64_t top[DIVIDED_WORDS];
    lf_u128 quotient;
    int64_t scale;
    uint32_t want;
    bool rest;

    if (!wide->count)
        return 0;
    want = bits_of(divisor) + (is_root ? ROOTED_BITS : QUOTIENT_BITS);
    scale = (int64_t)exponent + wide_bits(wide) - want;
    if (is_root && scale & 1) {
        want--;
        scale++;
    }
    rest = take_top(wide, want, top);
    rest |= divide(top, divisor, &quotient);
    if (is_root) {
        uint64_t root = root_of(quotient);

        rest |= (lf_u128)root * root != quotient;
        quotient = root;
        scale /= 2;
    }
    return round_once(quotient, rest, scale);
}
