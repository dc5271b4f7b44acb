/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exact sums and sums of squares: of integers in 128 and 192 bits, of doubles
 * as fixed-point numbers over the whole range of a double.
 *
 * All are groups: what was added can be subtracted, in any order, and equal
 * sets give equal bytes. A read rounds once, half to even. All-zero memory is
 * the empty sum, of every struct here.
 *
 * Encoded forms are canonical and end themselves: _encode writes at most
 * ..._SIZE_MAX bytes and returns how many; _decode replaces the sum and returns
 * how many bytes it took, or 0 for bytes that no sum encodes to, which leave
 * the sum as it was; _merge_bytes adds an encoded sum under the same rule.
 */
#ifndef LF_FORMAT_EXACT_H
#define LF_FORMAT_EXACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* --- integers --- */

#define LF_SUM_SIZE_MAX     19
#define LF_SQUARES_SIZE_MAX 28

/* A sum of int64, modulo 2^128: two's complement. */
struct lf_sum {
    uint64_t word[2];
};

/* A sum of squares of int64, modulo 2^192: two's complement. */
struct lf_squares {
    uint64_t word[3];
};

static inline void
lf_sum_add(struct lf_sum *sum, int64_t x)
{
    uint64_t low = sum->word[0] + (uint64_t)x;

    sum->word[1] += (x < 0 ? UINT64_MAX : 0) + (low < (uint64_t)x);
    sum->word[0] = low;
}

static inline void
lf_sum_subtract(struct lf_sum *sum, int64_t x)
{
    uint64_t low = sum->word[0] - (uint64_t)x;

    sum->word[1] -= (x < 0 ? UINT64_MAX : 0) + (sum->word[0] < (uint64_t)x);
    sum->word[0] = low;
}

void lf_sum_merge(struct lf_sum *sum, const struct lf_sum *other);
void lf_sum_unmerge(struct lf_sum *sum, const struct lf_sum *other);
int lf_sum_compare(const struct lf_sum *a, const struct lf_sum *b);

/* False: it does not fit, *value is the nearest int64. */
static inline bool
lf_sum_int64(const struct lf_sum *sum, int64_t *value)
{
    int64_t low = (int64_t)sum->word[0], high = (int64_t)sum->word[1];

    if (high == (low < 0 ? -1 : 0)) {
        *value = low;
        return true;
    }
    *value = high < 0 ? INT64_MIN : INT64_MAX;
    return false;
}

double lf_sum_double(const struct lf_sum *sum);

size_t lf_sum_encode(const struct lf_sum *sum, uint8_t *to);
size_t lf_sum_decode(struct lf_sum *sum, const uint8_t *from, size_t size);
size_t lf_sum_merge_bytes(struct lf_sum *sum, const uint8_t *from, size_t size);

void lf_squares_add(struct lf_squares *squares, int64_t x);
void lf_squares_subtract(struct lf_squares *squares, int64_t x);
void lf_squares_merge(struct lf_squares *squares,
                      const struct lf_squares *other);
void lf_squares_unmerge(struct lf_squares *squares,
                        const struct lf_squares *other);
int lf_squares_compare(const struct lf_squares *a, const struct lf_squares *b);
double lf_squares_double(const struct lf_squares *squares);

size_t lf_squares_encode(const struct lf_squares *squares, uint8_t *to);
size_t lf_squares_decode(struct lf_squares *squares, const uint8_t *from,
                         size_t size);
size_t lf_squares_merge_bytes(struct lf_squares *squares, const uint8_t *from,
                              size_t size);

/* --- doubles --- */

/* Limbs of 32 bits from 2^-1074 and from 2^-2148 on, with room for 2^64
 * values of the largest magnitude. */
#define LF_REAL_LIMBS            68
#define LF_REAL_SQUARES_LIMBS    135
#define LF_REAL_SIZE_MAX         (4 + 4 * LF_REAL_LIMBS)
#define LF_REAL_SQUARES_SIZE_MAX (4 + 4 * LF_REAL_SQUARES_LIMBS)

/* Which limbs are not zero: first to end - 1. */
struct lf_limbs {
    uint16_t first;
    uint16_t end;     /* 0: none */
    uint32_t pending; /* additions since carries were last taken up */
};

struct lf_real_sum {
    struct lf_limbs limbs;
    int64_t limb[LF_REAL_LIMBS];
};

struct lf_real_squares {
    struct lf_limbs limbs;
    int64_t limb[LF_REAL_SQUARES_LIMBS];
};

/* x is finite: a sum has no place for anything else. FLOAT32 widens. */
void lf_real_sum_add(struct lf_real_sum *sum, double x);
void lf_real_sum_subtract(struct lf_real_sum *sum, double x);
void lf_real_sum_merge(struct lf_real_sum *sum,
                       const struct lf_real_sum *other);
void lf_real_sum_unmerge(struct lf_real_sum *sum,
                         const struct lf_real_sum *other);

/* Empties it; faster than zeroing the memory. */
void lf_real_sum_clear(struct lf_real_sum *sum);

/* False: beyond the largest double, *value is an infinity. */
bool lf_real_sum_double(const struct lf_real_sum *sum, double *value);

size_t lf_real_sum_encode(const struct lf_real_sum *sum, uint8_t *to);
size_t lf_real_sum_decode(struct lf_real_sum *sum, const uint8_t *from,
                          size_t size);
size_t lf_real_sum_merge_bytes(struct lf_real_sum *sum, const uint8_t *from,
                               size_t size);

void lf_real_squares_add(struct lf_real_squares *squares, double x);
void lf_real_squares_subtract(struct lf_real_squares *squares, double x);
void lf_real_squares_merge(struct lf_real_squares *squares,
                           const struct lf_real_squares *other);
void lf_real_squares_unmerge(struct lf_real_squares *squares,
                             const struct lf_real_squares *other);
void lf_real_squares_clear(struct lf_real_squares *squares);
bool lf_real_squares_double(const struct lf_real_squares *squares,
                            double *value);

size_t lf_real_squares_encode(const struct lf_real_squares *squares,
                              uint8_t *to);
size_t lf_real_squares_decode(struct lf_real_squares *squares,
                              const uint8_t *from, size_t size);
size_t lf_real_squares_merge_bytes(struct lf_real_squares *squares,
                                   const uint8_t *from, size_t size);

/* --- statistics --- */

/*
 * Each is the exact rational number (n * squares - sum^2 and so on, in wide
 * integers) rounded once: correct in the last bit, whatever cancels. count > 0,
 * and > 1 for a sample's. Of sums that belong to no set (a negative variance)
 * the answer is 0. A variance beyond the largest double is an infinity.
 */
double lf_sum_mean(const struct lf_sum *sum, uint64_t count);
double lf_sum_variance(const struct lf_sum *sum,
                       const struct lf_squares *squares, uint64_t count,
                       bool of_sample);
double lf_sum_deviation(const struct lf_sum *sum,
                        const struct lf_squares *squares, uint64_t count,
                        bool of_sample);

double lf_real_mean(const struct lf_real_sum *sum, uint64_t count);
double lf_real_variance(const struct lf_real_sum *sum,
                        const struct lf_real_squares *squares, uint64_t count,
                        bool of_sample);
double lf_real_deviation(const struct lf_real_sum *sum,
                         const struct lf_real_squares *squares, uint64_t count,
                         bool of_sample);

#endif
