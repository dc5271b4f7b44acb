/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DDSketch, to bytes and back.
 *
 * Owns the canonical bytes of a sketch: buckets in order, none that is empty.
 * Keeps equal sketches equal bytes, and takes no other bytes.
 * Never counts beyond 2^63 values.
 */
#include <string.h>

#include "base/varint.h"
#include "format/ddsketch.h"

#define COUNT_MAX (UINT64_C(1) << 63)

enum part { ZEROS = 1, POSITIVE = 2, NEGATIVE = 4, PARTS = 7 };

/* What a pass over bytes learns of them. */
struct seen {
    uint64_t total;
    int32_t first[2], last[2]; /* of the positive and the negative store */
    bool has[2];
};

static bool
put_number(struct lf_buffer *to, uint64_t number)
{
    uint8_t bytes[LF_VARINT_MAX];

    return lf_buffer_append(to, bytes,
                            (size_t)(lf_varint_put(bytes, number) - bytes));
}

static uint64_t
count_at(const struct lf_dd_store *store, uint32_t i)
{
    return *lf_dd_bucket(store, store->first + (int32_t)i);
}

static uint32_t
filled(const struct lf_dd_store *store)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < lf_dd_buckets(store); i++)
        count += count_at(store, i) != 0;
    return count;
}

static bool
put_store(struct lf_buffer *to, const struct lf_dd_store *store,
          uint32_t buckets)
{
    int64_t last = 0;
    bool begun = false;

    if (!put_number(to, buckets - 1))
        return false;
    for (uint32_t i = 0; i < lf_dd_buckets(store); i++) {
        uint64_t count = count_at(store, i), gap;

        if (!count)
            continue;
        if (!begun && !put_number(to, lf_zigzag(store->first + (int64_t)i)))
            return false;
        gap = begun ? (uint64_t)(i - last - 1) : 0;
        if (!put_number(to, (count - 1) << 1 | (gap != 0)) ||
            (gap && !put_number(to, gap - 1)))
            return false;
        begun = true;
        last = i;
    }
    return true;
}

bool
lf_dd_encode(const struct lf_dd *sketch, struct lf_buffer *to)
{
    uint32_t positive = filled(&sketch->positive);
    uint32_t negative = filled(&sketch->negative);
    uint8_t parts =
        (uint8_t)((sketch->zeros ? ZEROS : 0) | (positive ? POSITIVE : 0) |
                  (negative ? NEGATIVE : 0));
    size_t was = to->size;

    if (lf_buffer_append(to, &parts, 1) &&
        (!sketch->zeros || put_number(to, sketch->zeros)) &&
        (!positive || put_store(to, &sketch->positive, positive)) &&
        (!negative || put_store(to, &sketch->negative, negative)))
        return true;
    to->size = was;
    return false;
}

/* Behind a store, or NULL. Its counts are added where `to` is given. */
static const uint8_t *
take_store(const struct lf_dd_mapping *mapping, const uint8_t *at,
           const uint8_t *end, int which, struct seen *seen,
           struct lf_dd_store *to)
{
    uint64_t buckets, first, count, gap;
    int64_t index;

    at = lf_varint_get(at, end, &buckets);
    at = at ? lf_varint_get(at, end, &first) : NULL;
    if (!at || buckets > (uint64_t)(mapping->highest - mapping->lowest))
        return NULL;
    index = lf_unzigzag(first);
    if (index < mapping->lowest || index > mapping->highest)
        return NULL;
    seen->first[which] = (int32_t)index;
    for (uint64_t i = 0; i <= buckets; i++, index++) {
        at = lf_varint_get(at, end, &count);
        if (!at || (count & 1 && !i))
            return NULL;
        if (count & 1) {
            at = lf_varint_get(at, end, &gap);
            if (!at || gap > (uint64_t)(mapping->highest - mapping->lowest))
                return NULL;
            index += (int64_t)gap + 1;
        }
        count = (count >> 1) + 1;
        if (index > mapping->highest || count > COUNT_MAX - seen->total)
            return NULL;
        seen->total += count;
        if (to)
            *lf_dd_bucket(to, (int32_t)index) += count;
        seen->last[which] = (int32_t)index;
    }
    seen->has[which] = true;
    return at;
}

static const uint8_t *
take_all(const struct lf_dd_mapping *mapping, const uint8_t *from, size_t size,
         struct seen *seen, struct lf_dd *to)
{
    const uint8_t *at = from, *end = from + size;
    uint64_t zeros = 0;
    uint8_t parts;

    if (!size || *at > PARTS)
        return NULL;
    parts = *at++;
    if (parts & ZEROS) {
        at = lf_varint_get(at, end, &zeros);
        if (!at || !zeros || zeros > COUNT_MAX)
            return NULL;
        seen->total = zeros;
    }
    if (parts & POSITIVE)
        at = take_store(mapping, at, end, 0, seen, to ? &to->positive : NULL);
    if (at && parts & NEGATIVE)
        at = take_store(mapping, at, end, 1, seen, to ? &to->negative : NULL);
    if (at && to) {
        to->zeros += zeros;
        to->count += seen->total;
    }
    return at;
}

size_t
lf_dd_check(const struct lf_dd_mapping *mapping, const uint8_t *from,
            size_t size)
{
    struct seen seen = {0};
    const uint8_t *end = take_all(mapping, from, size, &seen, NULL);

    return end ? (size_t)(end - from) : 0;
}

bool
lf_dd_merge_bytes(struct lf_dd *sketch, const uint8_t *from, size_t size)
{
    struct seen seen = {0};

    if (!take_all(&sketch->mapping, from, size, &seen, NULL) ||
        seen.total > COUNT_MAX - sketch->count ||
        (seen.has[0] &&
         !lf_dd_reserve(&sketch->positive, seen.first[0], seen.last[0])) ||
        (seen.has[1] &&
         !lf_dd_reserve(&sketch->negative, seen.first[1], seen.last[1])))
        return false;
    seen = (struct seen){0};
    take_all(&sketch->mapping, from, size, &seen, sketch);
    return true;
}
