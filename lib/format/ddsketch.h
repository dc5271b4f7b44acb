/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DDSketch: quantiles with a relative error. A group: what was added can be
 * subtracted.
 *
 * Each value is counted in the bucket of its magnitude; magnitudes are clamped to
 * 1e-9 .. 1e12, zeros have a bucket of their own. Buckets are cut by a cubic of
 * the mantissa and never by a log() of the C library, whose last bit differs
 * between machines. Source: C. Masson, J. E. Rim, H. K. Lee, DDSketch, VLDB 2019,
 * and the cubic interpolation of DataDog's sketches.
 *
 * Encoded: a byte of parts (1 zeros, 2 positive, 4 negative), then varint of the
 * zeros, then for each store varint of its buckets - 1, zigzag varint of the
 * first index, and for each bucket varint of (count - 1) << 1 | gap, behind
 * which, where gap is 1, is varint of the empty buckets before it - 1. Equal sets
 * of values give equal bytes.
 */
#ifndef LF_FORMAT_DDSKETCH_H
#define LF_FORMAT_DDSKETCH_H

#include "base/buffer.h"

#define LF_DD_ERROR_DEFAULT 0.01
#define LF_DD_ERROR_MIN     0.0001
#define LF_DD_ERROR_MAX     0.5
#define LF_DD_LOW           1e-9
#define LF_DD_HIGH          1e12

/* Where the buckets of an error lie. */
struct lf_dd_mapping {
    double error;
    double gamma;      /* of the published message: 2^(1 / multiplier) */
    double multiplier; /* buckets of a doubling, about */
    int32_t lowest;    /* index of LF_DD_LOW */
    int32_t highest;   /* index of LF_DD_HIGH */
};

/* Counts of the buckets first to first + size / 8 - 1. */
struct lf_dd_store {
    int32_t first;
    struct lf_buffer counts; /* uint64_t */
};

struct lf_dd {
    struct lf_dd_mapping mapping;
    uint64_t count; /* of all values; never overflows: see lf_dd_merge */
    uint64_t zeros;
    struct lf_dd_store positive;
    struct lf_dd_store negative;
};

/* The mapping of an error, or of a message's gamma. False: there is none. */
bool lf_dd_map(struct lf_dd_mapping *mapping, double error);
bool lf_dd_map_gamma(struct lf_dd_mapping *mapping, double gamma);

/* For those who read and write stores: how many buckets lie in memory, room for
 * buckets first to last (false: no memory), and one of those, or NULL. */
uint32_t lf_dd_buckets(const struct lf_dd_store *store);
bool lf_dd_reserve(struct lf_dd_store *store, int32_t first, int32_t last);
uint64_t *lf_dd_bucket(const struct lf_dd_store *store, int32_t index);

/* False: no error between LF_DD_ERROR_MIN and _MAX. */
bool lf_dd_init(struct lf_dd *sketch, double error);
void lf_dd_clear(struct lf_dd *sketch); /* keeps the error and the memory */
void lf_dd_free(struct lf_dd *sketch);

/* x is not a NaN. False: no memory, and nothing was added. */
bool lf_dd_add(struct lf_dd *sketch, double x);

/* Makes room for x. False: no memory, or no more counts. */
bool lf_dd_expect(struct lf_dd *sketch, double x);

/* False: x is not in it, which is as it was. */
bool lf_dd_subtract(struct lf_dd *sketch, double x);

/* Adds or takes out all of another sketch of the same error. False: no memory
 * or over 2^63 values, and not all of it is in this one; it is as it was. */
bool lf_dd_merge(struct lf_dd *sketch, const struct lf_dd *other);
bool lf_dd_unmerge(struct lf_dd *sketch, const struct lf_dd *other);

/* The value of rank floor(q * (count - 1)), within the error; count > 0, q is 0
 * to 1. */
double lf_dd_quantile(const struct lf_dd *sketch, double q);

/* Appends the encoded sketch. False: no memory. */
bool lf_dd_encode(const struct lf_dd *sketch, struct lf_buffer *to);

/* How many bytes an encoded sketch of this mapping takes at the begin of from,
 * or 0 where there is none. Reads all of it. */
size_t lf_dd_check(const struct lf_dd_mapping *mapping, const uint8_t *from,
                   size_t size);

/* Adds an encoded sketch that was checked. False: as lf_dd_merge. */
bool lf_dd_merge_bytes(struct lf_dd *sketch, const uint8_t *from, size_t size);

/* The published protobuf message, DDSketch.proto of DataDog's sketches.
 * False: no memory. */
bool lf_dd_to_message(const struct lf_dd *sketch, struct lf_buffer *to);

/* What such a message holds, with cubic interpolation; sketch is all-zero
 * memory. NULL, or what is wrong with it; LF_DD_NO_MEMORY and LF_DD_MAPPING (of
 * another kind) are among the answers. */
extern const char LF_DD_NO_MEMORY[];
extern const char LF_DD_MAPPING[];
const char *lf_dd_from_message(struct lf_dd *sketch, const uint8_t *from,
                               size_t size);

#endif
