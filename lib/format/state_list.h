/* SPDX-License-Identifier: Apache-2.0 */
/* How runs go from entry to entry; for state_run.c and state_lone.c alone. */
#ifndef LF_FORMAT_STATE_LIST_H
#define LF_FORMAT_STATE_LIST_H

#include "format/state_fold.h"
#include "format/state_read.h"

#define LF_INLINE __attribute__((always_inline)) static inline

/* Where a run has come to, and what it looks at: in registers, as nothing else
 * points to it (a store of a byte would have all of it loaded anew). */
struct lf_cursor {
    const uint8_t *at;
    int64_t last;
    uint32_t level;
    uint32_t count;   /* tiles that are listed */
    uint32_t singles; /* events that are */
    uint32_t all;     /* what each of those has */
    int64_t until;
    const uint8_t *end;
    bool is_below;      /* what follows is plain, and begins below `until` */
    int64_t below;      /* where it begins */
    int64_t last_below; /* where it ends at the latest */
};

LF_INLINE bool
lf_stop_below(struct lf_cursor *cursor, int64_t start, int64_t hop)
{
    cursor->is_below = true;
    cursor->below = start;
    if (__builtin_add_overflow(start, hop - 1, &cursor->last_below))
        cursor->last_below = INT64_MAX;
    return false;
}

/* The tile of a level that a time above LF_RUN_FAR lies in. */
LF_INLINE int64_t
lf_tile_of(const struct lf_read *read, uint32_t level, int64_t time)
{
    int64_t hop = read->plan->hops[level], rest = time % hop;

    rest += read->run.shifts[level] + (rest < 0 ? hop : 0);
    return time - (rest >= hop ? rest - hop : rest);
}

/* A head of one byte or two; false: it is longer, or not of the shortest form. */
LF_INLINE bool
lf_take_head(const uint8_t **at, uint32_t *head)
{
    uint32_t more;

    *head = *(*at)++;
    if (*head < 128)
        return true;
    more = *(*at)++;
    *head = (*head & 127) | more << 7;
    return more - 1 < 127;
}

/* Events of a tile, but two of them; false: as above. */
LF_INLINE bool
lf_take_events(const uint8_t **at, uint64_t *events)
{
    uint32_t count;

    if (!lf_take_head(at, &count))
        return false;
    *events = (uint64_t)count + 2;
    return true;
}

/* An integer of an event; false: it is not plain, or none. is_fast: see
 * lf_varint_has_fast. */
LF_INLINE bool
lf_take_integer(const struct lf_run_input *input, const uint8_t **at,
                uint64_t *word, bool is_fast)
{
    uint64_t number;

    if (!lf_varint_peek_as(at, &number, is_fast))
        return false;
    number = (uint64_t)lf_unzigzag(number);
    *word = number;
    return number - (uint64_t)input->least <= input->span;
}

#endif
