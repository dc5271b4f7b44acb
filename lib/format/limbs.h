/* SPDX-License-Identifier: Apache-2.0 */
/* What exact sums of doubles and of their squares have in common: a signed
 * fixed-point number in limbs. For format/exact_real.c and state_fold.h. */
#ifndef LF_FORMAT_LIMBS_H
#define LF_FORMAT_LIMBS_H

#include <string.h>

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

/* Adds an encoded sum of doubles of the usual length; false, and nothing was
 * added: it is another. 16 bytes from `from` on can be read. */
static inline bool
lf_fixed_add_short(struct lf_limbs *limbs, int64_t *limb, const uint8_t *from,
                   size_t size)
{
    struct lf_fixed sum = {limbs, limb, LF_REAL_LIMBS, 1074};
    uint32_t head = from[0], place = from[1], bytes = head >> 1, first;
    int64_t sign = -(int64_t)(head & 1);
    int32_t low = (int32_t)(place >> 1 ^ (~(place & 1) + 1)) + 1074 / 8;
    uint64_t words[2];
    lf_u128 value;

    if (((head | place) & 0x80) || bytes < 1 || bytes > 12 ||
        size != bytes + 2 || !from[2] || !from[bytes + 1])
        return false;
    memcpy(words, from + 2, sizeof words);
    value = (lf_u128)words[1] << 64 | words[0];
    value = value << (128 - 8 * bytes) >> (128 - 8 * bytes) << (low % 4 * 8);
    first = (uint32_t)low / 4;
    lf_fixed_touch(sum, first, first + 4);
    lf_fixed_add(limb + first, (uint64_t)value, sign);
    lf_fixed_add(limb + first + 1, (uint64_t)(value >> 32), sign);
    lf_fixed_add(limb + first + 2, (uint64_t)(value >> 64), sign);
    lf_fixed_add(limb + first + 3, (uint64_t)(value >> 96), sign);
    return true;
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
