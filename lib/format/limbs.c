/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signed fixed-point numbers in limbs, and their bytes.
 *
 * Owns the limbs, 32 bits each in 64 so that carries can wait, and the form of
 * their bytes: varint of (size << 1 | is negative), zigzag varint of the lowest
 * byte's place from that of 2^0, and the magnitude without zero bytes at its ends.
 * Keeps equal numbers equal bytes.
 * Never lets a limb overflow: after 2^30 additions carries are taken up.
 */
#include "format/limbs.h"

#include <string.h>

#include "base/varint.h"

/* Leaves 32 bits in each limb but the highest, which has the sign. */
void
lf_fixed_carry(struct lf_fixed sum)
{
    struct lf_limbs *limbs = sum.limbs;
    int64_t carry = 0;

    for (uint32_t i = limbs->first; i < limbs->end; i++) {
        int64_t value = sum.limb[i] + carry;

        carry = 0;
        if (i + 1 < limbs->end || value > UINT32_MAX || value < INT32_MIN) {
            int64_t kept = value & UINT32_MAX;

            carry = (value - kept) / (INT64_C(1) << 32);
            value = kept;
        }
        sum.limb[i] = value;
    }
    if (carry && limbs->end < sum.room)
        sum.limb[limbs->end++] = carry;
    limbs->pending = 0;
}

void
lf_fixed_clear(struct lf_fixed sum)
{
    for (uint32_t i = sum.limbs->first; i < sum.limbs->end; i++)
        sum.limb[i] = 0;
    memset(sum.limbs, 0, sizeof *sum.limbs);
}

void
lf_fixed_merge(struct lf_fixed sum, struct lf_fixed other, int64_t sign)
{
    uint32_t first = other.limbs->first, end = other.limbs->end;
    int64_t limb[LF_REAL_SQUARES_LIMBS];
    struct lf_limbs limbs = *other.limbs;

    if (!end)
        return;
    if (limbs.pending >= LF_LIMBS_PENDING / 2) {
        memcpy(limb, other.limb, sizeof *limb * end);
        other = (struct lf_fixed){&limbs, limb, other.room, other.unit};
        lf_fixed_carry(other);
        end = limbs.end;
    }
    if (sum.limbs->pending >= LF_LIMBS_PENDING / 2)
        lf_fixed_carry(sum);
    lf_fixed_touch(sum, first, end);
    sum.limbs->pending += limbs.pending;
    for (uint32_t i = first; i < end; i++)
        sum.limb[i] += (other.limb[i] ^ sign) - sign;
}

/* A sum's magnitude: 32 bits a limb, from its own first limb on. */
struct magnitude {
    bool is_negative;
    uint32_t first; /* limb */
    uint32_t count; /* of limbs; 0: the sum is 0 */
    uint32_t limb[LF_REAL_SQUARES_LIMBS + 1];
};

static void
negate(struct magnitude *magnitude)
{
    uint32_t carry = 1;

    for (uint32_t i = 0; i < magnitude->count; i++) {
        magnitude->limb[i] = ~magnitude->limb[i] + carry;
        carry = carry && !magnitude->limb[i];
    }
}

static void
measure(struct lf_fixed sum, struct magnitude *magnitude)
{
    int64_t carry = 0;

    magnitude->first = sum.limbs->first;
    magnitude->count = 0;
    for (uint32_t i = sum.limbs->first; i < sum.limbs->end; i++) {
        carry += sum.limb[i];
        magnitude->limb[magnitude->count++] = (uint32_t)carry;
        carry >>= 32;
    }
    magnitude->limb[magnitude->count++] = (uint32_t)carry;
    magnitude->is_negative = carry < 0;
    if (magnitude->is_negative)
        negate(magnitude);
    if (magnitude->first + magnitude->count > sum.room)
        magnitude->count = sum.room - magnitude->first;
    while (magnitude->count && !magnitude->limb[magnitude->count - 1])
        magnitude->count--;
}

bool
lf_fixed_widen(struct lf_fixed sum, struct lf_wide *wide, int32_t *exponent)
{
    uint64_t word[LF_REAL_SQUARES_LIMBS / 2 + 1] = {0};
    struct magnitude magnitude;

    measure(sum, &magnitude);
    for (uint32_t i = 0; i < magnitude.count; i++)
        word[i / 2] |= (uint64_t)magnitude.limb[i] << (i % 2 * 32);
    lf_wide_set(wide, word, (magnitude.count + 1) / 2);
    *exponent = (int32_t)magnitude.first * 32 - sum.unit;
    return magnitude.is_negative;
}

size_t
lf_fixed_encode(struct lf_fixed sum, uint8_t *to)
{
    struct magnitude magnitude;
    uint8_t *end;
    uint32_t low = 0, size;

    measure(sum, &magnitude);
    size = 4 * magnitude.count;
    if (!size) {
        *to = 0;
        return 1;
    }
    while (!((uint8_t *)magnitude.limb)[low])
        low++;
    while (!((uint8_t *)magnitude.limb)[size - 1])
        size--;
    size -= low;
    end = lf_varint_put(to, (uint64_t)size << 1 | magnitude.is_negative);
    end = lf_varint_put(
        end, lf_zigzag((int64_t)(4 * magnitude.first + low) - sum.unit / 8));
    memcpy(end, (uint8_t *)magnitude.limb + low, size);
    return (size_t)(end - to) + size;
}

/* Adds size bytes of magnitude, the lowest of them at place `low`. */
static void
add_bytes(struct lf_fixed sum, const uint8_t *bytes, uint32_t low,
          uint32_t size, int64_t sign)
{
    uint32_t limb[LF_REAL_SQUARES_LIMBS + 1];
    uint32_t first = low / 4, end = (low + size + 3) / 4;

    limb[0] = 0;
    limb[end - first - 1] = 0;
    memcpy((uint8_t *)limb + low % 4, bytes, size);
    lf_fixed_touch(sum, first, end);
    for (uint32_t i = first; i < end; i++)
        lf_fixed_add(sum.limb + i, limb[i - first], sign);
}

size_t
lf_fixed_merge_bytes(struct lf_fixed sum, const uint8_t *from, size_t size)
{
    const uint8_t *end = from + size, *at;
    uint64_t head, place;
    int64_t low;

    at = lf_varint_get(from, end, &head);
    if (!at || head == 0)
        return at ? 1 : 0;
    at = lf_varint_get(at, end, &place);
    if (!at || head >> 1 > 4 * sum.room || place > 8 * sum.room)
        return 0;
    low = lf_unzigzag(place) + sum.unit / 8;
    size = head >> 1;
    if (!size || low < 0 || (uint64_t)low + size > 4 * sum.room ||
        size > (size_t)(end - at) || !at[0] || !at[size - 1])
        return 0;
    add_bytes(sum, at, (uint32_t)low, (uint32_t)size, -(int64_t)(head & 1));
    return (size_t)(at + size - from);
}
