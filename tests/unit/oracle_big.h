/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers of 5,120 bits, in the slowest and plainest way, and what "rounded
 * once" means: no other double is nearer, and of two as near the even one.
 * Shares no code with the library.
 */
#ifndef LF_TESTS_ORACLE_BIG_H
#define LF_TESTS_ORACLE_BIG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BIG_DIGITS 320 /* of 16 bits */

struct big {
    uint32_t digit[BIG_DIGITS];
};

static inline void
big_carry(struct big *a)
{
    uint32_t carry = 0;

    for (int i = 0; i < BIG_DIGITS; i++) {
        carry += a->digit[i];
        a->digit[i] = carry & 0xffff;
        carry >>= 16;
    }
    if (carry)
        abort();
}

static inline struct big
big_of(uint64_t value, uint32_t shift)
{
    struct big a = {{0}};

    for (uint32_t i = 0; i < 64; i++)
        if (value >> i & 1)
            a.digit[(shift + i) / 16] |= 1u << ((shift + i) % 16);
    return a;
}

static inline struct big
big_add(struct big a, const struct big *b)
{
    for (int i = 0; i < BIG_DIGITS; i++)
        a.digit[i] += b->digit[i];
    big_carry(&a);
    return a;
}

static inline int
big_compare(const struct big *a, const struct big *b)
{
    for (int i = BIG_DIGITS; i--;)
        if (a->digit[i] != b->digit[i])
            return a->digit[i] < b->digit[i] ? -1 : 1;
    return 0;
}

/* a - b, which is not negative. */
static inline struct big
big_subtract(struct big a, const struct big *b)
{
    uint32_t borrow = 0;

    for (int i = 0; i < BIG_DIGITS; i++) {
        uint32_t taken = b->digit[i] + borrow;

        borrow = a.digit[i] < taken;
        a.digit[i] += (borrow << 16) - taken;
    }
    if (borrow)
        abort();
    return a;
}

static inline struct big
big_multiply(const struct big *a, const struct big *b)
{
    struct big product = {{0}};
    int top = BIG_DIGITS;

    while (top && !b->digit[top - 1])
        top--;
    for (int i = 0; i < BIG_DIGITS; i++) {
        uint32_t carry = 0;

        if (!a->digit[i])
            continue;
        for (int j = 0; i + j < BIG_DIGITS && (j < top || carry); j++) {
            carry += product.digit[i + j] + a->digit[i] * b->digit[j];
            product.digit[i + j] = carry & 0xffff;
            carry >>= 16;
        }
    }
    return product;
}

/* A number with a sign. */
struct signed_big {
    bool is_negative;
    struct big size;
};

static inline void
signed_add(struct signed_big *a, const struct big *b, bool is_negative)
{
    if (a->is_negative == is_negative) {
        a->size = big_add(a->size, b);
    } else if (big_compare(&a->size, b) >= 0) {
        a->size = big_subtract(a->size, b);
    } else {
        a->size = big_subtract(*b, &a->size);
        a->is_negative = is_negative;
    }
}

/* Unit of what follows: 2^-1075, half of the least double. */
static inline void
split(double x, uint64_t *mantissa, uint32_t *shift)
{
    uint64_t bits;

    memcpy(&bits, &x, sizeof bits);
    *shift = (uint32_t)(bits >> 52) & 0x7ff;
    *mantissa = bits & ((UINT64_C(1) << 52) - 1);
    if (*shift)
        *mantissa |= UINT64_C(1) << 52;
    *shift -= *shift > 0;
}

static inline struct big
big_real(double x)
{
    uint64_t mantissa;
    uint32_t shift;

    split(x, &mantissa, &shift);
    return big_of(mantissa, shift + 1);
}

/* Whether r >= 0 is the double nearest to a / b (a in units), or to the root of
 * it (a in units squared). */
static inline bool
is_nearest(double r, const struct big *a, const struct big *b, bool is_root)
{
    uint64_t mantissa;
    uint32_t shift;
    struct big low, high;
    int from, to;
    bool is_infinite = r - r != 0;

    split(is_infinite ? 1.7976931348623157e308 : r, &mantissa, &shift);
    high = big_of(2 * mantissa + 1, shift);
    low = mantissa == UINT64_C(1) << 52 && shift
              ? big_of(4 * mantissa - 1, shift - 1)
              : big_of(mantissa ? 2 * mantissa - 1 : 0, shift);
    if (is_root) {
        high = big_multiply(&high, &high);
        low = big_multiply(&low, &low);
    }
    high = big_multiply(&high, b);
    low = big_multiply(&low, b);
    from = big_compare(&low, a);
    to = big_compare(a, &high);
    if (is_infinite)
        return to >= 0;
    return (from < 0 || (from == 0 && (!(mantissa & 1)))) &&
           (to < 0 || (to == 0 && !(mantissa & 1)));
}

#endif
