/* SPDX-License-Identifier: Apache-2.0 */
/* Wide numbers without a sign, and their way back into a double: private to
 * the exact sums. */
#ifndef LF_FORMAT_WIDE_H
#define LF_FORMAT_WIDE_H

#include <stdbool.h>
#include <stdint.h>

/* 2^64 squares of the largest double, times 2^64. */
#define LF_WIDE_WORDS 72

__extension__ typedef unsigned __int128 lf_u128;

/* Words, lowest first; the highest one is not 0. */
struct lf_wide {
    uint32_t count; /* 0: the number is 0 */
    uint64_t word[LF_WIDE_WORDS];
};

/* Takes count words, of which the highest may be 0. */
void lf_wide_set(struct lf_wide *wide, const uint64_t *word, uint32_t count);

/* What does not fit is left out: callers know their bounds. */
void lf_wide_shift(struct lf_wide *wide, uint32_t bits);
void lf_wide_times(struct lf_wide *wide, uint64_t factor);
void lf_wide_square(struct lf_wide *square, const struct lf_wide *wide);

/* False: other is larger, and wide is as it was. */
bool lf_wide_subtract(struct lf_wide *wide, const struct lf_wide *other);

/* wide * 2^exponent / divisor, or its square root, rounded once, half to even;
 * an infinity beyond the largest double. 0 < divisor < 2^127. A root's exponent
 * may be odd. */
double lf_wide_round(const struct lf_wide *wide, int32_t exponent,
                     lf_u128 divisor, bool is_root);

#endif
