/* SPDX-License-Identifier: Apache-2.0 */
/* What exact sums of doubles and of their squares have in common: a signed
 * fixed-point number in limbs. Private to format/exact_real.c. */
#ifndef LF_FORMAT_LIMBS_H
#define LF_FORMAT_LIMBS_H

#include "format/exact.h"
#include "format/wide.h"

#define LF_LIMBS_PENDING (UINT32_C(1) << 30)

/* A sum of either kind. */
struct lf_fixed {
    struct lf_limbs *limbs;
    int64_t *limb;
    uint32_t room; /* limbs */
    int32_t unit;  /* the lowest bit is 2^-unit */
};

/* Leaves 32 bits in each limb but the highest, which has the sign. */
void lf_fixed_carry(struct lf_fixed sum);

/* Before one more addition to limbs first to end - 1. */
static inline void
lf_fixed_touch(struct lf_fixed sum, uint32_t first, uint32_t end)
{
    struct lf_limbs *limbs = sum.limbs;

    if (limbs->pending >= LF_LIMBS_PENDING)
        lf_fixed_carry(sum);
    limbs->pending++;
    if (!limbs->end || first < limbs->first)
        limbs->first = (uint16_t)first;
    if (end > limbs->end)
        limbs->end = (uint16_t)end;
}

/* Adds 32 bits, or takes them away where sign is -1. */
static inline void
lf_fixed_add(int64_t *limb, uint64_t bits, int64_t sign)
{
    *limb += ((int64_t)(bits & UINT32_MAX) ^ sign) - sign;
}

void lf_fixed_clear(struct lf_fixed sum);

/* Adds another sum, which is only read, or takes it away: sign is 0 or -1. */
void lf_fixed_merge(struct lf_fixed sum, struct lf_fixed other, int64_t sign);

/* The magnitude and the exponent of its lowest bit; true: it is negative. */
bool lf_fixed_widen(struct lf_fixed sum, struct lf_wide *wide,
                    int32_t *exponent);

size_t lf_fixed_encode(struct lf_fixed sum, uint8_t *to);
size_t lf_fixed_merge_bytes(struct lf_fixed sum, const uint8_t *from,
                            size_t size);

#endif
