/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exact sums and sums of squares of integers.
 *
 * Owns their bytes: zigzag of two's complement, in groups of 7 bits.
 * Keeps equal sums equal bytes, whatever was added or taken out on the way.
 * Never rounds before a read.
 */
#include "format/exact.h"

#include <string.h>

#include "format/wide.h"

#define WORDS 3 /* of the longer kind */

static void
add_words(uint64_t *to, const uint64_t *from, uint32_t count)
{
    uint64_t carry = 0;

    for (uint32_t i = 0; i < count; i++) {
        lf_u128 sum = (lf_u128)to[i] + from[i] + carry;

        to[i] = (uint64_t)sum;
        carry = (uint64_t)(sum >> 64);
    }
}

static void
negate_words(uint64_t *words, uint32_t count)
{
    uint64_t carry = 1;

    for (uint32_t i = 0; i < count; i++) {
        words[i] = ~words[i] + carry;
        carry = carry && !words[i];
    }
}

static void
subtract_words(uint64_t *to, const uint64_t *from, uint32_t count)
{
    uint64_t negated[WORDS];

    memcpy(negated, from, count * sizeof *from);
    negate_words(negated, count);
    add_words(to, negated, count);
}

static int
compare_words(const uint64_t *a, const uint64_t *b, uint32_t count)
{
    int64_t high_a = (int64_t)a[count - 1], high_b = (int64_t)b[count - 1];

    if (high_a != high_b)
        return high_a < high_b ? -1 : 1;
    for (uint32_t i = count - 1; i--;)
        if (a[i] != b[i])
            return a[i] < b[i] ? -1 : 1;
    return 0;
}

static size_t
encode_words(const uint64_t *words, uint32_t count, uint8_t *to)
{
    uint64_t sign = words[count - 1] >> 63 ? UINT64_MAX : 0;
    uint64_t rest[WORDS + 1] = {0};
    size_t size = 0;

    for (uint32_t i = 0; i < count; i++)
        rest[i] = (words[i] << 1 | (i ? words[i - 1] >> 63 : 0)) ^ sign;
    do {
        uint64_t above = 0;

        to[size] = rest[0] & 0x7f;
        for (uint32_t i = 0; i < count; i++) {
            rest[i] = rest[i] >> 7 | rest[i + 1] << 57;
            above |= rest[i];
        }
        if (!above)
            return size + 1;
        to[size++] |= 0x80;
    } while (true);
}

static size_t
decode_words(uint64_t *words, uint32_t count, const uint8_t *from, size_t size)
{
    uint64_t made[WORDS + 1] = {0}, sign;
    size_t at = 0;

    for (uint32_t bit = 0; at < size && bit < 64 * count; bit += 7) {
        uint64_t seven = from[at] & 0x7f;

        made[bit / 64] |= seven << (bit % 64);
        if (bit % 64 > 57)
            made[bit / 64 + 1] |= seven >> (64 - bit % 64);
        if (from[at++] & 0x80)
            continue;
        if (made[count] || (!seven && at > 1))
            return 0;
        sign = made[0] & 1 ? UINT64_MAX : 0;
        for (uint32_t i = 0; i < count; i++)
            words[i] = (made[i] >> 1 | made[i + 1] << 63) ^ sign;
        return at;
    }
    return 0;
}

/* The magnitude; true: the sum is negative. */
static bool
set_wide(struct lf_wide *wide, const uint64_t *words, uint32_t count)
{
    uint64_t magnitude[WORDS];
    bool is_negative = words[count - 1] >> 63;

    memcpy(magnitude, words, count * sizeof *words);
    if (is_negative)
        negate_words(magnitude, count);
    lf_wide_set(wide, magnitude, count);
    return is_negative;
}

static double
round_words(const uint64_t *words, uint32_t count, uint64_t divisor)
{
    struct lf_wide wide;
    bool is_negative = set_wide(&wide, words, count);
    double magnitude = lf_wide_round(&wide, 0, divisor, false);

    return is_negative ? -magnitude : magnitude;
}

void
lf_sum_merge(struct lf_sum *sum, const struct lf_sum *other)
{
    add_words(sum->word, other->word, 2);
}

void
lf_sum_unmerge(struct lf_sum *sum, const struct lf_sum *other)
{
    subtract_words(sum->word, other->word, 2);
}

int
lf_sum_compare(const struct lf_sum *a, const struct lf_sum *b)
{
    return compare_words(a->word, b->word, 2);
}

double
lf_sum_double(const struct lf_sum *sum)
{
    int64_t value;

    if (lf_sum_int64(sum, &value))
        return (double)value;
    return round_words(sum->word, 2, 1);
}

size_t
lf_sum_encode(const struct lf_sum *sum, uint8_t *to)
{
    return encode_words(sum->word, 2, to);
}

size_t
lf_sum_decode(struct lf_sum *sum, const uint8_t *from, size_t size)
{
    return decode_words(sum->word, 2, from, size);
}

size_t
lf_sum_merge_bytes(struct lf_sum *sum, const uint8_t *from, size_t size)
{
    struct lf_sum other;
    size_t taken = lf_sum_decode(&other, from, size);

    if (taken)
        lf_sum_merge(sum, &other);
    return taken;
}

static struct lf_squares
square_of(int64_t x)
{
    uint64_t magnitude = x < 0 ? -(uint64_t)x : (uint64_t)x;
    lf_u128 square = (lf_u128)magnitude * magnitude;

    return (struct lf_squares){{(uint64_t)square, (uint64_t)(square >> 64), 0}};
}

void
lf_squares_add(struct lf_squares *squares, int64_t x)
{
    struct lf_squares square = square_of(x);

    lf_squares_merge(squares, &square);
}

void
lf_squares_subtract(struct lf_squares *squares, int64_t x)
{
    struct lf_squares square = square_of(x);

    lf_squares_unmerge(squares, &square);
}

void
lf_squares_merge(struct lf_squares *squares, const struct lf_squares *other)
{
    add_words(squares->word, other->word, 3);
}

void
lf_squares_unmerge(struct lf_squares *squares, const struct lf_squares *other)
{
    subtract_words(squares->word, other->word, 3);
}

int
lf_squares_compare(const struct lf_squares *a, const struct lf_squares *b)
{
    return compare_words(a->word, b->word, 3);
}

double
lf_squares_double(const struct lf_squares *squares)
{
    return round_words(squares->word, 3, 1);
}

size_t
lf_squares_encode(const struct lf_squares *squares, uint8_t *to)
{
    return encode_words(squares->word, 3, to);
}

size_t
lf_squares_decode(struct lf_squares *squares, const uint8_t *from, size_t size)
{
    return decode_words(squares->word, 3, from, size);
}

size_t
lf_squares_merge_bytes(struct lf_squares *squares, const uint8_t *from,
                       size_t size)
{
    struct lf_squares other;
    size_t taken = lf_squares_decode(&other, from, size);

    if (taken)
        lf_squares_merge(squares, &other);
    return taken;
}

double
lf_sum_mean(const struct lf_sum *sum, uint64_t count)
{
    int64_t value, exact = INT64_C(1) << 53;

    /* Two doubles without error: their quotient is rounded once already. */
    if (lf_sum_int64(sum, &value) && value >= -exact && value <= exact &&
        count <= (uint64_t)exact)
        return (double)value / (double)count;
    return round_words(sum->word, 2, count);
}

static double
spread(const struct lf_sum *sum, const struct lf_squares *squares,
       uint64_t count, bool of_sample, bool is_root)
{
    struct lf_wide sums, squared, all;

    set_wide(&sums, sum->word, 2);
    lf_wide_square(&squared, &sums);
    if (set_wide(&all, squares->word, 3))
        return 0;
    lf_wide_times(&all, count);
    if (!lf_wide_subtract(&all, &squared))
        return 0;
    return lf_wide_round(&all, 0, (lf_u128)count * (count - of_sample),
                         is_root);
}

double
lf_sum_variance(const struct lf_sum *sum, const struct lf_squares *squares,
                uint64_t count, bool of_sample)
{
    return spread(sum, squares, count, of_sample, false);
}

double
lf_sum_deviation(const struct lf_sum *sum, const struct lf_squares *squares,
                 uint64_t count, bool of_sample)
{
    return spread(sum, squares, count, of_sample, true);
}
