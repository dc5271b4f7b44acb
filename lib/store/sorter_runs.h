/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a sorter: the order of records in memory, runs of them in a file,
 * and the merge of runs. */
#ifndef LF_STORE_SORTER_RUNS_H
#define LF_STORE_SORTER_RUNS_H

#include <stdbool.h>
#include <string.h>

#include "base/buffer.h"
#include "base/bytes.h"
#include "store/sorter.h"

/* --- records --------------------------------------------------------------------- */

/* In memory and in the file alike: value size u32, key size u16, key, value. */
#define LF_PACKED_HEAD 6

static inline size_t
lf_packed_key_size(const uint8_t *record)
{
    return lf_load_u16(record + 4);
}

static inline size_t
lf_packed_size(const uint8_t *record)
{
    return LF_PACKED_HEAD + lf_packed_key_size(record) +
           (size_t)lf_load_u32(record);
}

static inline int
lf_key_order(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size)
{
    int order = memcmp(a, b, a_size < b_size ? a_size : b_size);

    if (order || a_size == b_size)
        return order;
    return a_size < b_size ? -1 : 1;
}

/* The first eight bytes as a number, zeros behind the end. Fewer are not copied
 * together first: to load what was stored in parts takes long. */
static inline uint64_t
lf_key_prefix(const uint8_t *key, size_t size)
{
    if (size >= 8)
        return lf_load_big_u64(key);
    if (size >= 4)
        return (uint64_t)lf_load_big_u32(key) << 32 |
               (uint64_t)lf_load_big_u32(key + size - 4) << 8 * (8 - size);
    if (!size)
        return 0;
    return (uint64_t)key[0] << 56 |
           (uint64_t)key[size / 2] << 8 * (7 - size / 2) |
           (uint64_t)key[size - 1] << 8 * (8 - size);
}

/* How many of the first size bytes are the same. */
static inline size_t
lf_key_common(const uint8_t *a, const uint8_t *b, size_t size)
{
    size_t same = 0;

    while (same + 8 <= size && lf_load_u64(a + same) == lf_load_u64(b + same))
        same += 8;
    while (same < size && a[same] == b[same])
        same++;
    return same;
}

/* --- the order in memory (sorter_order.c) ------------------------------------------ */

/* Where a record lies, and what it is sorted by meanwhile. */
struct lf_spot {
    uint64_t prefix;
    uint64_t at; /* use lf_spot_at */
};

#define LF_SPOT_BITS 56

static inline size_t
lf_spot_at(const struct lf_spot *spot)
{
    return (size_t)(spot->at & ((UINT64_C(1) << LF_SPOT_BITS) - 1));
}

#define LF_SPOT_WHOLE 9 /* the key goes on behind the prefix */

/* What is sorted by first: eight bytes of the key from depth on, and how much of
 * it there was for them. */
static inline void
lf_spot_set_key(struct lf_spot *spot, size_t at, const uint8_t *key,
                size_t size, size_t depth)
{
    size_t rest = size - depth;

    spot->prefix = lf_key_prefix(key + depth, rest);
    spot->at = at | (uint64_t)(rest < LF_SPOT_WHOLE ? rest : LF_SPOT_WHOLE)
                        << LF_SPOT_BITS;
}

static inline void
lf_spot_set(struct lf_spot *spot, const uint8_t *records, size_t at,
            size_t depth)
{
    lf_spot_set_key(spot, at, records + at + LF_PACKED_HEAD,
                    lf_packed_key_size(records + at), depth);
}

/* Sorts spots by the keys of their records, of which the first common bytes are
 * the same in all; stably. room is for count more. With prefixes, lf_spot_set was
 * called for each with that depth; else they have their places alone. */
void lf_spots_order(struct lf_spot *spots, size_t count, struct lf_spot *room,
                    const uint8_t *records, size_t common, bool has_prefixes);

/* --- the file (sorter_file.c) ------------------------------------------------------- */

struct lf_run {
    uint64_t at; /* in the file */
    uint64_t size;
};

/* Runs, one behind the other as their records came in. */
struct lf_runs {
    char *directory;
    int file;              /* -1: none yet */
    uint64_t size;         /* of it, with what is given back already */
    bool keeps;            /* its file system cannot give back a part */
    struct lf_buffer list; /* struct lf_run */
    uint8_t last[LF_SORTER_KEY_MAX]; /* the key at the end of the last run */
    size_t last_size;
};

static inline struct lf_run *
lf_runs_list(const struct lf_runs *runs)
{
    return (struct lf_run *)(void *)runs->list.data;
}

static inline size_t
lf_runs_count(const struct lf_runs *runs)
{
    return runs->list.size / sizeof(struct lf_run);
}

feature_status lf_runs_append(struct lf_runs *runs, const uint8_t *bytes,
                              size_t size, struct feature_error *error);
feature_status lf_runs_read(const struct lf_runs *runs, uint64_t at,
                            uint8_t *bytes, size_t size,
                            struct feature_error *error);

/* What was read and is not needed again. */
void lf_runs_forget(struct lf_runs *runs, uint64_t from, uint64_t to);

/* A run of what was appended from `begin` on, whose keys are first to last: a new
 * one, or the last one made longer where it ends before it. */
feature_status lf_runs_close(struct lf_runs *runs, uint64_t begin,
                             const uint8_t *first, size_t first_size,
                             const uint8_t *last, size_t last_size,
                             struct feature_error *error);

void lf_runs_free(struct lf_runs *runs);

/* --- merging (sorter_merge.c) -------------------------------------------------------- */

struct lf_run_merge {
    struct lf_runs *runs;
    struct lf_run_reader *readers;
    struct lf_run_player *tree; /* of losers; the winner is the first */
    uint32_t count;
    bool begun;
    size_t common;          /* bytes that all keys begin with */
    struct lf_buffer large; /* the record that no window can hold */
};

/* Runs [first, first + count) through windows in memory of size bytes. A merge
 * that is zero is freed well. */
feature_status lf_run_merge_begin(struct lf_run_merge *merge,
                                  struct lf_runs *runs, size_t first,
                                  size_t count, size_t common, uint8_t *memory,
                                  size_t size, struct feature_error *error);

/* The next record as it lies in the file, or NULL at the end. */
feature_status lf_run_merge_next(struct lf_run_merge *merge,
                                 const uint8_t **record,
                                 struct feature_error *error);

void lf_run_merge_free(struct lf_run_merge *merge);

#endif
