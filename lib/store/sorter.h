/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records in order of key, however many there are: what does not fit into memory
 * waits in a file that has no name. Records of one key come out as they came in.
 *
 *     lf_sorter_make(directory, memory, &sorter, error)
 *     lf_sorter_add(...)      for each record
 *     lf_sorter_end(...)      there are no more
 *     lf_sorter_next(...)     until record.key is NULL
 *     lf_sorter_free(sorter)
 *
 * After a call that failed there is nothing to do but to free.
 */
#ifndef LF_STORE_SORTER_H
#define LF_STORE_SORTER_H

#include <stddef.h>
#include <stdint.h>

#include "libfeature.h"

#define LF_SORTER_KEY_MAX    1024
#define LF_SORTER_MEMORY_MIN (64u << 10)

struct lf_sorter;

struct lf_sorted {
    const uint8_t *key; /* NULL: that was the last one */
    const uint8_t *bytes;
    size_t key_size;
    size_t size;
};

/* Uses memory bytes of heap (LF_SORTER_MEMORY_MIN at least), and room for one
 * record where that does not fit in. The directory, which is copied, is touched
 * when memory is full and not before. */
feature_status lf_sorter_make(const char *directory, uint64_t memory,
                              struct lf_sorter **sorter,
                              struct feature_error *error);

struct lf_sorter_part {
    const void *bytes;
    size_t size;
};

/* Copies a record, of several parts or of one. Keys have LF_SORTER_KEY_MAX bytes at most, and may be empty. */
feature_status lf_sorter_add(struct lf_sorter *sorter, const uint8_t *key,
                             size_t key_size, const uint8_t *bytes, size_t size,
                             struct feature_error *error);
feature_status lf_sorter_add_parts(struct lf_sorter *sorter, const uint8_t *key,
                                   size_t key_size,
                                   const struct lf_sorter_part *parts,
                                   uint32_t count, struct feature_error *error);

feature_status lf_sorter_end(struct lf_sorter *sorter,
                             struct feature_error *error);

/* The next record, which stays until the next call. */
feature_status lf_sorter_next(struct lf_sorter *sorter,
                              struct lf_sorted *record,
                              struct feature_error *error);

/* What has been written to the file so far, more than once where runs were merged
 * into longer ones; 0: there is no file. */
uint64_t lf_sorter_spilled(const struct lf_sorter *sorter);

void lf_sorter_free(struct lf_sorter *sorter);

#endif
