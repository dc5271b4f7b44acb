/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The population stability index.
 *
 * Owns where the bins are cut and what each one's share comes to.
 * Keeps the index 0 for equal distributions, and never below.
 * Never calls the C library's math.
 */
#include "format/psi.h"

#include <string.h>

#define LN2  0.69314718055994530942
#define LAST INT64_MAX /* no value is past it */

/* One step through a sketch's buckets, in order of their values: a negative
 * place below 0, zeros at 0, a positive one above. */
struct walk {
    const struct lf_dd *sketch;
    int64_t at;
    uint64_t count;
};

struct cuts {
    uint32_t count;
    int64_t ends[LF_PSI_BINS]; /* place of the last bucket of each bin */
};

static int64_t
first_place(const struct lf_dd *sketch)
{
    uint32_t count = lf_dd_buckets(&sketch->negative);

    if (!count)
        return 0;
    return -((int64_t)sketch->negative.first + count - sketch->mapping.lowest);
}

static int64_t
last_place(const struct lf_dd *sketch)
{
    uint32_t count = lf_dd_buckets(&sketch->positive);

    if (!count)
        return 0;
    return (int64_t)sketch->positive.first + count - sketch->mapping.lowest;
}

static void
begin(struct walk *walk, const struct lf_dd *sketch)
{
    walk->sketch = sketch;
    walk->at = first_place(sketch) - 1;
    walk->count = 0;
}

static uint64_t
count_at(const struct lf_dd *sketch, int64_t place)
{
    const struct lf_dd_store *store =
        place < 0 ? &sketch->negative : &sketch->positive;
    int64_t index = (place < 0 ? -place : place) - 1 + sketch->mapping.lowest;
    const uint64_t *count;

    if (place == 0)
        return sketch->zeros;
    count = lf_dd_bucket(store, (int32_t)index);
    return count ? *count : 0;
}

static bool
step(struct walk *walk)
{
    if (walk->at >= last_place(walk->sketch))
        return false;
    walk->at++;
    walk->count = count_at(walk->sketch, walk->at);
    return true;
}

/* A decile that falls into a bucket ends a bin with it. */
static void
cut(const struct lf_dd *sketch, struct cuts *cuts)
{
    uint64_t sum = 0, tenth = sketch->count / LF_PSI_BINS;
    uint64_t rest = sketch->count % LF_PSI_BINS;
    uint32_t decile = 1;
    struct walk walk;

    cuts->count = 0;
    begin(&walk, sketch);
    while (step(&walk) && sum + walk.count < sketch->count) {
        bool ends = false;

        sum += walk.count;
        while (decile < LF_PSI_BINS &&
               sum >= tenth * decile +
                          (rest * decile + LF_PSI_BINS - 1) / LF_PSI_BINS) {
            decile++;
            ends = true;
        }
        if (ends)
            cuts->ends[cuts->count++] = walk.at;
    }
    cuts->ends[cuts->count++] = LAST;
}

static void
fill(const struct lf_dd *sketch, const struct cuts *cuts,
     uint64_t bins[LF_PSI_BINS])
{
    struct walk walk;
    uint32_t bin = 0;

    memset(bins, 0, LF_PSI_BINS * sizeof *bins);
    begin(&walk, sketch);
    while (step(&walk)) {
        while (walk.at > cuts->ends[bin])
            bin++;
        bins[bin] += walk.count;
    }
}

/* Of a positive, normal number: its exponent, and a series for the rest. */
static double
logarithm(double x)
{
    double y, square, sum = 0;
    int32_t exponent;
    uint64_t bits;

    memcpy(&bits, &x, sizeof bits);
    exponent = (int32_t)(bits >> 52) - 1023;
    bits = (bits & ((UINT64_C(1) << 52) - 1)) | UINT64_C(1023) << 52;
    memcpy(&x, &bits, sizeof x);
    y = (x - 1) / (x + 1);
    square = y * y;
    for (int k = 41; k > 0; k -= 2)
        sum = sum * square + 1.0 / k;
    return exponent * LN2 + 2 * y * sum;
}

static double
part(uint64_t before, double all_before, uint64_t now, double all_now)
{
    double expected = (double)before / all_before;
    double actual = (double)now / all_now;

    expected = expected < LF_PSI_FLOOR ? LF_PSI_FLOOR : expected;
    actual = actual < LF_PSI_FLOOR ? LF_PSI_FLOOR : actual;
    return (actual - expected) * logarithm(actual / expected);
}

double
lf_psi(const struct lf_distribution *before, const struct lf_distribution *now)
{
    double all_before = (double)before->values.count + (double)before->nulls;
    double all_now = (double)now->values.count + (double)now->nulls;
    uint64_t old[LF_PSI_BINS], new[LF_PSI_BINS];
    struct cuts cuts;
    double sum;

    cut(&before->values, &cuts);
    fill(&before->values, &cuts, old);
    fill(&now->values, &cuts, new);
    sum = part(before->nulls, all_before, now->nulls, all_now);
    for (uint32_t i = 0; i < cuts.count; i++)
        sum += part(old[i], all_before, new[i], all_now);
    return sum;
}
