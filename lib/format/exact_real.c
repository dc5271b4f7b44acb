/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exact sums and sums of squares of doubles.
 *
 * Owns how a double and its square become limbs: an integer times 2^-1074, and
 * one times 2^-2148.
 * Keeps every sum exact; what is read of one is rounded once.
 * Never takes a NaN or an infinity: its callers refuse them.
 */
#include "format/exact.h"

#include <assert.h>
#include <string.h>

#include "format/limbs.h"

static struct lf_fixed
of_sum(const struct lf_real_sum *sum)
{
    return (struct lf_fixed){(struct lf_limbs *)(uintptr_t)&sum->limbs,
                             (int64_t *)(uintptr_t)sum->limb, LF_REAL_LIMBS,
                             1074};
}

static struct lf_fixed
of_squares(const struct lf_real_squares *squares)
{
    return (struct lf_fixed){(struct lf_limbs *)(uintptr_t)&squares->limbs,
                             (int64_t *)(uintptr_t)squares->limb,
                             LF_REAL_SQUARES_LIMBS, 2148};
}

struct parts {
    uint64_t mantissa;
    uint32_t shift; /* x is mantissa * 2^(shift - 1074) */
    int64_t sign;   /* 0 or -1 */
};

static inline struct parts
parts_of(double x)
{
    struct parts parts;
    uint64_t bits;
    uint32_t exponent;

    memcpy(&bits, &x, sizeof bits);
    exponent = (uint32_t)(bits >> 52) & 0x7ff;
    assert(exponent < 0x7ff);
    parts.mantissa = bits & ((UINT64_C(1) << 52) - 1);
    parts.mantissa |= (uint64_t)(exponent > 0) << 52;
    parts.shift = exponent - (exponent > 0);
    parts.sign = -(int64_t)(bits >> 63);
    return parts;
}

static inline void
add_real(struct lf_real_sum *sum, double x, int64_t sign)
{
    struct parts parts = parts_of(x);
    uint32_t at = parts.shift / 32;
    lf_u128 value = (lf_u128)parts.mantissa << (parts.shift % 32);

    if (!parts.mantissa)
        return;
    lf_fixed_touch(of_sum(sum), at, at + 3);
    sign ^= parts.sign;
    lf_fixed_add(sum->limb + at, (uint64_t)value, sign);
    lf_fixed_add(sum->limb + at + 1, (uint64_t)(value >> 32), sign);
    lf_fixed_add(sum->limb + at + 2, (uint64_t)(value >> 64), sign);
}

void
lf_real_sum_add(struct lf_real_sum *sum, double x)
{
    add_real(sum, x, 0);
}

void
lf_real_sum_subtract(struct lf_real_sum *sum, double x)
{
    add_real(sum, x, -1);
}

static void
add_square(struct lf_real_squares *squares, double x, int64_t sign)
{
    struct parts parts = parts_of(x);
    uint32_t at = 2 * parts.shift / 32, rest = 2 * parts.shift % 32;
    lf_u128 square = (lf_u128)parts.mantissa * parts.mantissa;
    lf_u128 low = square << rest;
    uint64_t top = rest ? (uint64_t)(square >> (128 - rest)) : 0;

    if (!parts.mantissa)
        return;
    lf_fixed_touch(of_squares(squares), at, at + 5);
    lf_fixed_add(squares->limb + at, (uint64_t)low, sign);
    lf_fixed_add(squares->limb + at + 1, (uint64_t)(low >> 32), sign);
    lf_fixed_add(squares->limb + at + 2, (uint64_t)(low >> 64), sign);
    lf_fixed_add(squares->limb + at + 3, (uint64_t)(low >> 96), sign);
    lf_fixed_add(squares->limb + at + 4, top, sign);
}

void
lf_real_squares_add(struct lf_real_squares *squares, double x)
{
    add_square(squares, x, 0);
}

void
lf_real_squares_subtract(struct lf_real_squares *squares, double x)
{
    add_square(squares, x, -1);
}

void
lf_real_sum_clear(struct lf_real_sum *sum)
{
    lf_fixed_clear(of_sum(sum));
}

void
lf_real_squares_clear(struct lf_real_squares *squares)
{
    lf_fixed_clear(of_squares(squares));
}

void
lf_real_sum_merge(struct lf_real_sum *sum, const struct lf_real_sum *other)
{
    lf_fixed_merge(of_sum(sum), of_sum(other), 0);
}

void
lf_real_sum_unmerge(struct lf_real_sum *sum, const struct lf_real_sum *other)
{
    lf_fixed_merge(of_sum(sum), of_sum(other), -1);
}

void
lf_real_squares_merge(struct lf_real_squares *squares,
                      const struct lf_real_squares *other)
{
    lf_fixed_merge(of_squares(squares), of_squares(other), 0);
}

void
lf_real_squares_unmerge(struct lf_real_squares *squares,
                        const struct lf_real_squares *other)
{
    lf_fixed_merge(of_squares(squares), of_squares(other), -1);
}

static double
quotient(struct lf_fixed sum, uint64_t count)
{
    struct lf_wide wide;
    int32_t exponent;
    bool is_negative = lf_fixed_widen(sum, &wide, &exponent);
    double value = lf_wide_round(&wide, exponent, count, false);

    return is_negative ? -value : value;
}

static bool
is_finite(double value)
{
    return value - value == 0;
}

bool
lf_real_sum_double(const struct lf_real_sum *sum, double *value)
{
    *value = quotient(of_sum(sum), 1);
    return is_finite(*value);
}

bool
lf_real_squares_double(const struct lf_real_squares *squares, double *value)
{
    *value = quotient(of_squares(squares), 1);
    return is_finite(*value);
}

size_t
lf_real_sum_encode(const struct lf_real_sum *sum, uint8_t *to)
{
    return lf_fixed_encode(of_sum(sum), to);
}

size_t
lf_real_squares_encode(const struct lf_real_squares *squares, uint8_t *to)
{
    return lf_fixed_encode(of_squares(squares), to);
}

size_t
lf_real_sum_merge_bytes(struct lf_real_sum *sum, const uint8_t *from,
                        size_t size)
{
    return lf_fixed_merge_bytes(of_sum(sum), from, size);
}

size_t
lf_real_squares_merge_bytes(struct lf_real_squares *squares,
                            const uint8_t *from, size_t size)
{
    return lf_fixed_merge_bytes(of_squares(squares), from, size);
}

size_t
lf_real_sum_decode(struct lf_real_sum *sum, const uint8_t *from, size_t size)
{
    struct lf_real_sum made = {0};
    size_t taken = lf_real_sum_merge_bytes(&made, from, size);

    if (taken) {
        lf_real_sum_clear(sum);
        lf_real_sum_merge(sum, &made);
    }
    return taken;
}

size_t
lf_real_squares_decode(struct lf_real_squares *squares, const uint8_t *from,
                       size_t size)
{
    struct lf_real_squares made = {0};
    size_t taken = lf_real_squares_merge_bytes(&made, from, size);

    if (taken) {
        lf_real_squares_clear(squares);
        lf_real_squares_merge(squares, &made);
    }
    return taken;
}

double
lf_real_mean(const struct lf_real_sum *sum, uint64_t count)
{
    return quotient(of_sum(sum), count);
}

/* To the lower of two exponents. */
static int32_t
align(struct lf_wide *a, int32_t exponent_a, struct lf_wide *b,
      int32_t exponent_b)
{
    if (exponent_a > exponent_b) {
        lf_wide_shift(a, (uint32_t)(exponent_a - exponent_b));
        return exponent_b;
    }
    lf_wide_shift(b, (uint32_t)(exponent_b - exponent_a));
    return exponent_a;
}

static double
spread(const struct lf_real_sum *sum, const struct lf_real_squares *squares,
       uint64_t count, bool of_sample, bool is_root)
{
    struct lf_wide sums, squared, all;
    int32_t exponent, exponent_all;

    lf_fixed_widen(of_sum(sum), &sums, &exponent);
    lf_wide_square(&squared, &sums);
    if (lf_fixed_widen(of_squares(squares), &all, &exponent_all))
        return 0;
    lf_wide_times(&all, count);
    exponent = align(&all, exponent_all, &squared, 2 * exponent);
    if (!lf_wide_subtract(&all, &squared))
        return 0;
    return lf_wide_round(&all, exponent, (lf_u128)count * (count - of_sample),
                         is_root);
}

double
lf_real_variance(const struct lf_real_sum *sum,
                 const struct lf_real_squares *squares, uint64_t count,
                 bool of_sample)
{
    return spread(sum, squares, count, of_sample, false);
}

double
lf_real_deviation(const struct lf_real_sum *sum,
                  const struct lf_real_squares *squares, uint64_t count,
                  bool of_sample)
{
    return spread(sum, squares, count, of_sample, true);
}
