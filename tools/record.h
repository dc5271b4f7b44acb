/* SPDX-License-Identifier: Apache-2.0 */
/* Change records in files: the size (u64, little-endian), then the record. */
#ifndef TOOL_RECORD_H
#define TOOL_RECORD_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Zeroed before the first read; its memory is used again. */
struct record {
    uint8_t *bytes;
    uint64_t size;
    uint64_t capacity;
};

enum record_read { RECORD_END, RECORD_READ, RECORD_HALF, RECORD_FAILED };

/* Reads the next one. RECORD_HALF: the file ends within it, or holds something
 * else; RECORD_FAILED: memory, explained. */
enum record_read record_read(FILE *file, struct record *record);

/* What its first part says of itself; false where it says no sequence. The
 * bytes are not checked: feature_store_follow() does that. */
bool record_head(const struct record *record, uint64_t *sequence,
                 int64_t *time);

void record_free(struct record *record);

#endif
