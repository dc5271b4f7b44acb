/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The distinct values of a set, up to a cap; above it only that they are too
 * many. No group: what is above the cap cannot come back.
 *
 * Values are words (8 bytes: lf_element_word of format/element.h) or texts of
 * any bytes. Encoded: varint of the count, cap + 1 for "full", then the values
 * in ascending order, words little-endian, texts as varint of the size and
 * bytes. Words are in order as unsigned numbers, texts by memcmp, shorter ones
 * first. The form is a function of the set and the cap alone.
 */
#ifndef LF_FORMAT_DISTINCT_H
#define LF_FORMAT_DISTINCT_H

#include "base/buffer.h"

#define LF_DISTINCT_CAP_MAX 65536

struct lf_distinct {
    bool is_text;
    uint32_t cap;
    uint32_t count;          /* cap + 1: full */
    struct lf_buffer values; /* as they are encoded */
};

/* Zeroed memory that was set up with _init needs only lf_distinct_free. */
void lf_distinct_init(struct lf_distinct *set, bool is_text, uint32_t cap);
void lf_distinct_clear(struct lf_distinct *set); /* keeps the memory */
void lf_distinct_free(struct lf_distinct *set);

/* Each is false where memory ran out; the set is as it was. */
bool lf_distinct_add_word(struct lf_distinct *set, uint64_t word);
bool lf_distinct_add_text(struct lf_distinct *set, const void *text,
                          size_t size);
bool lf_distinct_merge(struct lf_distinct *set,
                       const struct lf_distinct *other);

static inline bool
lf_distinct_is_full(const struct lf_distinct *set)
{
    return set->count > set->cap;
}

/* Appends the encoded set. False: no memory. */
bool lf_distinct_encode(const struct lf_distinct *set, struct lf_buffer *to);

/* How many bytes an encoded set of this kind and cap takes at the begin of
 * from, or 0 where there is none. Reads every value. */
size_t lf_distinct_check(bool is_text, uint32_t cap, const uint8_t *from,
                         size_t size);

/* The same and the set's count (cap + 1: full), without reading the order. */
size_t lf_distinct_measure(bool is_text, uint32_t cap, const uint8_t *from,
                           size_t size, uint32_t *count);

/* Unites the set with an encoded one that was checked; size is what the check
 * answered. False: no memory. */
bool lf_distinct_merge_bytes(struct lf_distinct *set, const uint8_t *from,
                             size_t size);

#endif
