/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order of labels.
 *
 * Owns the sort: radix by eight bytes of the keys at a time, then by the times
 * of each key, newest first, as histories lie.
 * Keeps labels of one key and time in the order that they came in.
 * Never compares two keys of 8 bytes, and skips the bits that all have.
 */
#include "store/asof_order.h"

#include <string.h>

#include "base/bytes.h"

#define DIGIT_BITS 11
#define DIGITS     (1u << DIGIT_BITS)
#define FEW        48 /* that are sorted by insertion */
#define TIME_SIGN  (UINT64_C(1) << 63)

struct sort {
    const struct lf_job *jobs;
    struct lf_label *room; /* as many as are sorted */
};

/* --- radix -------------------------------------------------------------------- */

static void
scatter(const struct lf_label *from, uint32_t count, struct lf_label *to,
        uint32_t shift, uint32_t *places)
{
    uint32_t at = 0;

    for (uint32_t i = 0; i < DIGITS; i++) {
        uint32_t size = places[i];

        places[i] = at;
        at += size;
    }
    for (uint32_t i = 0; i < count; i++)
        to[places[from[i].prefix >> shift & (DIGITS - 1)]++] = from[i];
}

/* By prefix, stably: least digits first, those alone in which some differ. */
static void
sort_prefixes(const struct sort *sort, struct lf_label *labels, uint32_t count)
{
    struct lf_label *from = labels, *to = sort->room, *other;
    uint64_t differ = 0;

    for (uint32_t i = 1; i < count; i++)
        differ |= labels[i].prefix ^ labels[0].prefix;
    for (uint32_t shift = 0; shift < 64 && differ >> shift;
         shift += DIGIT_BITS) {
        uint32_t places[DIGITS] = {0};

        if (!(differ >> shift & (DIGITS - 1)))
            continue;
        for (uint32_t i = 0; i < count; i++)
            places[from[i].prefix >> shift & (DIGITS - 1)]++;
        scatter(from, count, to, shift, places);
        other = from;
        from = to;
        to = other;
    }
    if (from != labels)
        memcpy(labels, from, count * sizeof *labels);
}

/* --- times of one key ---------------------------------------------------------- */

static void
insert_times(struct lf_label *labels, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        struct lf_label label = labels[i];
        uint32_t at = i;

        for (; at && labels[at - 1].time < label.time; at--)
            labels[at] = labels[at - 1];
        labels[at] = label;
    }
}

static void
sort_times(const struct sort *sort, struct lf_label *labels, uint32_t count)
{
    if (count <= FEW) {
        insert_times(labels, count);
        return;
    }
    for (uint32_t i = 0; i < count; i++)
        labels[i].prefix = ~((uint64_t)labels[i].time ^ TIME_SIGN);
    sort_prefixes(sort, labels, count);
}

/* --- keys ---------------------------------------------------------------------- */

/* Bytes of a key from depth on, zeros behind its end. */
static uint64_t
prefix_of(const struct lf_job *job, uint32_t depth)
{
    uint8_t bytes[8] = {0};
    uint32_t rest = job->key_size - depth;

    if (rest >= 8)
        return lf_load_big_u64(job->key + depth);
    memcpy(bytes, job->key + depth, rest);
    return lf_load_big_u64(bytes);
}

static int
compare(const struct sort *sort, const struct lf_label *a,
        const struct lf_label *b, uint32_t depth)
{
    const struct lf_job *of_a = &sort->jobs[a->job],
                        *of_b = &sort->jobs[b->job];
    uint32_t size_a = of_a->key_size - depth, size_b = of_b->key_size - depth;
    int order = memcmp(of_a->key + depth, of_b->key + depth,
                       size_a < size_b ? size_a : size_b);

    if (order)
        return order;
    return a->time > b->time ? -1 : a->time < b->time;
}

static void
insert_keys(const struct sort *sort, struct lf_label *labels, uint32_t count,
            uint32_t depth)
{
    for (uint32_t i = 1; i < count; i++) {
        struct lf_label label = labels[i];
        uint32_t at = i;

        for (; at && compare(sort, &labels[at - 1], &label, depth) > 0; at--)
            labels[at] = labels[at - 1];
        labels[at] = label;
    }
}

/* Labels whose keys are equal before depth. Since no key begins another, those
 * with equal prefixes all end within them or all go on. */
static void
sort_keys(const struct sort *sort, struct lf_label *labels, uint32_t count,
          uint32_t depth)
{
    uint32_t end;

    if (depth && count <= FEW) {
        insert_keys(sort, labels, count, depth);
        return;
    }
    for (uint32_t i = 0; i < count; i++)
        labels[i].prefix = prefix_of(&sort->jobs[labels[i].job], depth);
    sort_prefixes(sort, labels, count);
    for (uint32_t begin = 0; begin < count; begin = end) {
        uint64_t prefix = labels[begin].prefix;

        for (end = begin + 1; end < count && labels[end].prefix == prefix;)
            end++;
        if (sort->jobs[labels[begin].job].key_size <= depth + 8)
            sort_times(sort, labels + begin, end - begin);
        else if (end - begin > 1)
            sort_keys(sort, labels + begin, end - begin, depth + 8);
    }
}

bool
lf_labels_order(struct lf_label *labels, uint32_t count,
                const struct lf_job *jobs, struct lf_buffer *room)
{
    struct sort sort = {.jobs = jobs};

    if (!lf_buffer_reserve(room, count * sizeof *labels + 1))
        return false;
    sort.room = (struct lf_label *)(void *)room->data;
    sort_keys(&sort, labels, count, 0);
    return true;
}
