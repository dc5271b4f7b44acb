/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DDSketch: buckets of magnitudes, and what they answer.
 *
 * Owns the mapping from values to buckets and back.
 * Keeps a quantile within its relative error, and each bucket's count what was
 * added less what was taken out.
 * Never calls the C library's math, and never merges two buckets.
 */
#include "format/ddsketch.h"

#include <string.h>

#include "base/bytes.h"

/* Log2 of 1 + s, about; its slope lets no bucket get wider than at s = 0. */
#define A (6.0 / 35)
#define B (-3.0 / 5)
#define C (10.0 / 7)

#define LN2        0.69314718055994530942
#define COUNT_MAX  (UINT64_C(1) << 63)
#define COUNT_SIZE sizeof(uint64_t)

/* ln of (1 + x) / (1 - x), 0 <= x <= 0.5: twice the inverse of tanh, the least
 * term first. */
static double
log_ratio(double x)
{
    double square = x * x, sum = 0;

    for (int k = 61; k > 0; k -= 2)
        sum = sum * square + 1.0 / k;
    return 2 * x * sum;
}

/* e^x, |x| < 2. */
static double
power(double x)
{
    double sum = 1;

    for (int k = 40; k > 0; k--)
        sum = 1 + sum * x / k;
    return sum;
}

static inline int32_t
round_down(double x)
{
    int32_t whole = (int32_t)x;

    return whole - (x < whole);
}

/* Of a magnitude, which is clamped. */
static inline int32_t
index_of(const struct lf_dd_mapping *mapping, double x)
{
    uint64_t bits, one = UINT64_C(1023) << 52;
    double s, exponent;

    x = x < LF_DD_LOW ? LF_DD_LOW : x > LF_DD_HIGH ? LF_DD_HIGH : x;
    bits = 0;
    memcpy(&bits, &x, sizeof bits);
    exponent = (double)((int32_t)(bits >> 52) - 1023);
    bits = (bits & ((UINT64_C(1) << 52) - 1)) | one;
    memcpy(&s, &bits, sizeof s);
    s -= 1;
    return round_down((((A * s + B) * s + C) * s + exponent) *
                      mapping->multiplier);
}

/* The lower end of a bucket, times 1 + error: no value of it is farther. */
static double
value_of(const struct lf_dd_mapping *mapping, int32_t index)
{
    double y = index / mapping->multiplier, s, scale;
    int32_t exponent = round_down(y);
    uint64_t bits = (uint64_t)(exponent + 1023) << 52;

    y -= exponent;
    s = y;
    for (int i = 0; i < 6; i++) /* Newton: two more digits with each */
        s -= (((A * s + B) * s + C) * s - y) / ((3 * A * s + 2 * B) * s + C);
    memcpy(&scale, &bits, sizeof scale);
    return (1 + s) * scale * (1 + mapping->error);
}

bool
lf_dd_map(struct lf_dd_mapping *mapping, double error)
{
    if (!(error >= LF_DD_ERROR_MIN && error <= LF_DD_ERROR_MAX))
        return false;
    mapping->error = error;
    mapping->multiplier = 7 / (10 * log_ratio(error));
    mapping->gamma = power(LN2 / mapping->multiplier);
    mapping->lowest = index_of(mapping, LF_DD_LOW);
    mapping->highest = index_of(mapping, LF_DD_HIGH);
    return true;
}

bool
lf_dd_map_gamma(struct lf_dd_mapping *mapping, double gamma)
{
    double logarithm, multiplier, error, plain, off;

    if (!(gamma > 1 && gamma < 3))
        return false;
    logarithm = log_ratio((gamma - 1) / (gamma + 1));
    multiplier = LN2 / logarithm;
    error = 1 - 2 / (1 + power(logarithm * 7 / (10 * LN2)));
    /* The number that somebody wrote, if it is one of 12 digits. */
    plain = (double)(int64_t)(error * 1e12 + 0.5) / 1e12;
    if (lf_dd_map(mapping, plain)) {
        off = mapping->multiplier / multiplier - 1;
        if (off < 1e-10 && off > -1e-10)
            return true;
    }
    if (!lf_dd_map(mapping, error))
        return false;
    off = mapping->multiplier / multiplier - 1;
    return off < 1e-10 && off > -1e-10;
}

bool
lf_dd_init(struct lf_dd *sketch, double error)
{
    struct lf_dd made = {.count = 0};

    if (!lf_dd_map(&made.mapping, error))
        return false;
    *sketch = made;
    return true;
}

void
lf_dd_clear(struct lf_dd *sketch)
{
    sketch->count = sketch->zeros = 0;
    sketch->positive.counts.size = 0;
    sketch->negative.counts.size = 0;
}

void
lf_dd_free(struct lf_dd *sketch)
{
    lf_buffer_free(&sketch->positive.counts);
    lf_buffer_free(&sketch->negative.counts);
    sketch->count = sketch->zeros = 0;
}

uint32_t
lf_dd_buckets(const struct lf_dd_store *store)
{
    return (uint32_t)(store->counts.size / COUNT_SIZE);
}

static uint64_t *
counts_of(const struct lf_dd_store *store)
{
    return (uint64_t *)(void *)store->counts.data;
}

bool
lf_dd_reserve(struct lf_dd_store *store, int32_t first, int32_t last)
{
    uint32_t had = lf_dd_buckets(store), before = 0, all;
    size_t was = store->counts.size;
    uint64_t *counts;

    if (!had) {
        store->first = first;
    } else {
        int32_t end = store->first + (int32_t)had - 1;

        before = first < store->first ? (uint32_t)(store->first - first) : 0;
        first = before ? first : store->first;
        last = last > end ? last : end;
    }
    all = (uint32_t)(last - first) + 1;
    if (all == had)
        return true;
    if (!lf_buffer_extend(&store->counts, (all - had) * COUNT_SIZE))
        return false;
    counts = counts_of(store);
    memmove(counts + before, counts, was);
    memset(counts, 0, before * COUNT_SIZE);
    memset(counts + before + had, 0, (all - had - before) * COUNT_SIZE);
    store->first = first;
    return true;
}

uint64_t *
lf_dd_bucket(const struct lf_dd_store *store, int32_t index)
{
    uint64_t at = (uint64_t)((int64_t)index - store->first);

    return at < lf_dd_buckets(store) ? counts_of(store) + at : NULL;
}

/* The count that x belongs to; NULL: it has no room yet, or no memory. */
static inline uint64_t *
place_of(struct lf_dd *sketch, double x, bool make_room)
{
    struct lf_dd_store *store = x < 0 ? &sketch->negative : &sketch->positive;
    uint64_t *bucket;
    int32_t index;

    if (x == 0)
        return &sketch->zeros;
    index = index_of(&sketch->mapping, x < 0 ? -x : x);
    bucket = lf_dd_bucket(store, index);
    if (!bucket && make_room && lf_dd_reserve(store, index, index))
        bucket = lf_dd_bucket(store, index);
    return bucket;
}

bool
lf_dd_expect(struct lf_dd *sketch, double x)
{
    return sketch->count < COUNT_MAX && place_of(sketch, x, true);
}

bool
lf_dd_add(struct lf_dd *sketch, double x)
{
    uint64_t *count = place_of(sketch, x, true);

    if (!count || sketch->count >= COUNT_MAX)
        return false;
    ++*count;
    sketch->count++;
    return true;
}

bool
lf_dd_subtract(struct lf_dd *sketch, double x)
{
    uint64_t *count = place_of(sketch, x, false);

    if (!count || !*count)
        return false;
    --*count;
    sketch->count--;
    return true;
}

static bool
reserve_all(struct lf_dd_store *store, const struct lf_dd_store *other)
{
    uint32_t buckets = lf_dd_buckets(other);

    return !buckets || lf_dd_reserve(store, other->first,
                                     other->first + (int32_t)buckets - 1);
}

static void
add_store(struct lf_dd_store *store, const struct lf_dd_store *other)
{
    const uint64_t *from = counts_of(other);
    uint32_t buckets = lf_dd_buckets(other);
    uint64_t *to = buckets ? lf_dd_bucket(store, other->first) : NULL;

    for (uint32_t i = 0; i < buckets; i++)
        to[i] += from[i];
}

bool
lf_dd_merge(struct lf_dd *sketch, const struct lf_dd *other)
{
    if (other->count > COUNT_MAX - sketch->count ||
        !reserve_all(&sketch->positive, &other->positive) ||
        !reserve_all(&sketch->negative, &other->negative))
        return false;
    add_store(&sketch->positive, &other->positive);
    add_store(&sketch->negative, &other->negative);
    sketch->zeros += other->zeros;
    sketch->count += other->count;
    return true;
}

static bool
holds(const struct lf_dd_store *store, const struct lf_dd_store *other)
{
    const uint64_t *from = counts_of(other);

    for (uint32_t i = 0; i < lf_dd_buckets(other); i++) {
        uint64_t *own = lf_dd_bucket(store, other->first + (int32_t)i);

        if (from[i] > (own ? *own : 0))
            return false;
    }
    return true;
}

static void
take_store(struct lf_dd_store *store, const struct lf_dd_store *other)
{
    const uint64_t *from = counts_of(other);

    for (uint32_t i = 0; i < lf_dd_buckets(other); i++)
        if (from[i])
            *lf_dd_bucket(store, other->first + (int32_t)i) -= from[i];
}

bool
lf_dd_unmerge(struct lf_dd *sketch, const struct lf_dd *other)
{
    if (other->zeros > sketch->zeros ||
        !holds(&sketch->positive, &other->positive) ||
        !holds(&sketch->negative, &other->negative))
        return false;
    take_store(&sketch->positive, &other->positive);
    take_store(&sketch->negative, &other->negative);
    sketch->zeros -= other->zeros;
    sketch->count -= other->count;
    return true;
}

/* The bucket with the value of this rank; the highest one first, if reversed. */
static bool
find_rank(const struct lf_dd_store *store, bool reversed, uint64_t *rank,
          int32_t *index)
{
    const uint64_t *counts = counts_of(store);
    uint32_t buckets = lf_dd_buckets(store);

    for (uint32_t i = 0; i < buckets; i++) {
        uint32_t at = reversed ? buckets - 1 - i : i;

        if (*rank < counts[at]) {
            *index = store->first + (int32_t)at;
            return true;
        }
        *rank -= counts[at];
    }
    return false;
}

double
lf_dd_quantile(const struct lf_dd *sketch, double q)
{
    double at = q * (double)(sketch->count - 1);
    uint64_t rank = (uint64_t)at;
    int32_t index = 0;

    if (rank > sketch->count - 1)
        rank = sketch->count - 1;
    if (find_rank(&sketch->negative, true, &rank, &index))
        return -value_of(&sketch->mapping, index);
    if (rank < sketch->zeros)
        return 0;
    rank -= sketch->zeros;
    find_rank(&sketch->positive, false, &rank, &index);
    return value_of(&sketch->mapping, index);
}
