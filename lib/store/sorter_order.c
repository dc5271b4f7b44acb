/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records in memory, put in order of key.
 *
 * Owns the sort: radix by eight bytes of the keys at a time, insertion where few
 * are left.
 * Keeps records of one key in the order that they came in, and tells a key from
 * one that it begins.
 * Never moves a record, nor looks at one again whose eight bytes told.
 */
#include "store/sorter_runs.h"

#define BITS_MOST 12 /* of a digit */
#define BITS_FEW  8  /* of one, where records are few */
#define MANY      16384
#define FEW       32 /* that are sorted by insertion */
#define AHEAD     12 /* records that are fetched before their turn */

struct sort {
    const uint8_t *records;
    struct lf_spot *room; /* as many as are sorted */
};

static inline uint64_t
rest_of(const struct lf_spot *spot)
{
    return spot->at >> LF_SPOT_BITS;
}

/* --- radix -------------------------------------------------------------------- */

/* What a spot is sorted by at a time. */
struct digit {
    uint32_t shift, bits;
    bool is_rest; /* of the rest, not of the prefix */
};

static inline size_t
digit_of(const struct lf_spot *spot, const struct digit *digit)
{
    return (digit->is_rest ? rest_of(spot) : spot->prefix >> digit->shift) &
           ((1u << digit->bits) - 1);
}

/* By one digit. from and to change roles. */
static void
scatter(struct lf_spot **from, struct lf_spot **to, size_t count,
        struct digit digit)
{
    size_t begins[1u << BITS_MOST], at = 0;
    struct lf_spot *source = *from, *target = *to;

    memset(begins, 0, sizeof *begins << digit.bits);
    for (size_t i = 0; i < count; i++)
        begins[digit_of(&source[i], &digit)]++;
    for (uint32_t i = 0; i < 1u << digit.bits; i++) {
        size_t size = begins[i];

        begins[i] = at;
        at += size;
    }
    for (size_t i = 0; i < count; i++)
        target[begins[digit_of(&source[i], &digit)]++] = source[i];
    *from = target;
    *to = source;
}

/* By the bits in which some differ: as many digits as it takes, of one size. */
static void
scatter_all(struct lf_spot **from, struct lf_spot **to, size_t count,
            uint64_t differ)
{
    uint32_t low = (uint32_t)__builtin_ctzll(differ);
    uint32_t span = 64 - (uint32_t)__builtin_clzll(differ) - low;
    uint32_t most = count < MANY ? BITS_FEW : BITS_MOST;
    uint32_t passes = (span + most - 1) / most;
    struct digit digit = {.shift = low, .bits = (span + passes - 1) / passes};

    for (; passes; passes--, digit.shift += digit.bits)
        if (differ >> digit.shift & ((1u << digit.bits) - 1))
            scatter(from, to, count, digit);
}

/* By prefix and, where that is the same, by how much of the key there was for it;
 * least digits first. */
static void
sort_prefixes(const struct sort *sort, struct lf_spot *spots, size_t count)
{
    struct lf_spot *from = spots, *to = sort->room;
    uint64_t differ = 0, rests = 0;

    for (size_t i = 1; i < count; i++) {
        differ |= spots[i].prefix ^ spots[0].prefix;
        rests |= rest_of(&spots[i]) ^ rest_of(&spots[0]);
    }
    if (rests)
        scatter(&from, &to, count, (struct digit){.bits = 4, .is_rest = true});
    if (differ)
        scatter_all(&from, &to, count, differ);
    if (from != spots)
        memcpy(spots, from, count * sizeof *spots);
}

/* --- few ---------------------------------------------------------------------- */

static bool
is_after(const struct sort *sort, const struct lf_spot *a,
         const struct lf_spot *b, size_t depth)
{
    const uint8_t *left = sort->records + lf_spot_at(a);
    const uint8_t *right = sort->records + lf_spot_at(b);

    return lf_key_order(left + LF_PACKED_HEAD + depth,
                        lf_packed_key_size(left) - depth,
                        right + LF_PACKED_HEAD + depth,
                        lf_packed_key_size(right) - depth) > 0;
}

static void
insert(const struct sort *sort, struct lf_spot *spots, size_t count,
       size_t depth)
{
    for (size_t i = 1; i < count; i++) {
        struct lf_spot spot = spots[i];
        size_t at = i;

        for (; at && is_after(sort, &spots[at - 1], &spot, depth); at--)
            spots[at] = spots[at - 1];
        spots[at] = spot;
    }
}

/* --- all ---------------------------------------------------------------------- */

static void
set_prefixes(const struct sort *sort, struct lf_spot *spots, size_t count,
             size_t depth)
{
    for (size_t i = 0; i < count; i++) {
        if (i + AHEAD < count)
            __builtin_prefetch(sort->records + lf_spot_at(&spots[i + AHEAD]));
        lf_spot_set(&spots[i], sort->records, lf_spot_at(&spots[i]), depth);
    }
}

/* Records whose keys are the same before depth, and end nowhere before it. A step
 * deeper is at most one for every eight bytes of a key. */
static void
order(const struct sort *sort, struct lf_spot *spots, size_t count,
      size_t depth, bool has_prefixes)
{
    size_t end;

    if (count <= FEW) {
        insert(sort, spots, count, depth);
        return;
    }
    if (!has_prefixes)
        set_prefixes(sort, spots, count, depth);
    sort_prefixes(sort, spots, count);
    for (size_t begin = 0; begin < count; begin = end) {
        const struct lf_spot *first = &spots[begin];

        for (end = begin + 1; end < count; end++)
            if (spots[end].prefix != first->prefix ||
                rest_of(&spots[end]) != rest_of(first))
                break;
        if (end - begin > 1 && rest_of(first) == LF_SPOT_WHOLE)
            order(sort, spots + begin, end - begin, depth + 8, false);
    }
}

void
lf_spots_order(struct lf_spot *spots, size_t count, struct lf_spot *room,
               const uint8_t *records, size_t common, bool has_prefixes)
{
    struct sort sort = {.records = records, .room = room};

    order(&sort, spots, count, common, has_prefixes);
}
