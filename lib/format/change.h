/* SPDX-License-Identifier: Apache-2.0 */
/* Change records (format/changes.proto): to bytes and back. */
#ifndef LF_FORMAT_CHANGE_H
#define LF_FORMAT_CHANGE_H

#include "base/buffer.h"
#include "base/sha256.h"
#include "format/budget.h"
#include "libfeature.h"

#define LF_CHANGE_DEFINE  6 /* beside feature_operation */
#define LF_CHANGE_VERSION 7
#define LF_CHANGE_EXPIRE  8
#define LF_CHANGE_TRIM    9
#define LF_CHANGE_MERGE   10

#define LF_FRAME_SIZE       8            /* crc32c u32, size u32 */
#define LF_CHANGE_KEY_SIZE  12           /* sequence u64, part u32 */
#define LF_CHANGE_PART_SIZE (256u << 10) /* save where one change is larger */
/* Of a frame's message: a row, the one before it and the sources, and some. */
#define LF_CHANGE_SIZE_LIMIT (256u << 20)
#define LF_CHAIN_SIZE        32
#define LF_SOURCE_NAME_MAX   255
#define LF_POSITION_MAX      (64u << 10)

struct lf_slice {
    const uint8_t *bytes;
    size_t size;
};

struct lf_change {
    uint32_t view;
    int32_t operation;
    int64_t time;
    struct lf_slice key;
    struct lf_slice after;
    struct lf_slice before;
    uint8_t hash[16]; /* from lf_part_change() */
    bool is_erased;
};

struct lf_change_head {
    uint64_t sequence;
    uint8_t previous[LF_CHAIN_SIZE];
    int64_t commit_time;
    uint8_t store[16];
    uint64_t epoch;
    uint64_t catalog_version;
};

/* The hash that a record ends with and the next one begins with. */
struct lf_chain {
    struct lf_sha256 sum;
};

void lf_chain_begin(struct lf_chain *chain, const struct lf_change_head *head,
                    const struct feature_source *sources, uint32_t count);
void lf_chain_add(struct lf_chain *chain, const uint8_t hash[16]);
void lf_chain_end(struct lf_chain *chain, uint8_t to[LF_CHAIN_SIZE]);

/* A part under way: begin, changes, end. False: no memory. */
bool lf_part_begin(struct lf_buffer *part, const struct lf_change_head *head,
                   const struct feature_source *sources, uint32_t count);
bool lf_part_begin_next(struct lf_buffer *part, uint64_t sequence,
                        uint32_t number);
bool lf_part_add(struct lf_buffer *part, const struct lf_change *change,
                 uint8_t hash[16]);
bool lf_part_end(struct lf_buffer *part, bool more);

void lf_change_key(uint64_t sequence, uint32_t part,
                   uint8_t key[LF_CHANGE_KEY_SIZE]);

/* The size of the frame that bytes begin with; 0: they do not. */
size_t lf_frame_size(const uint8_t *bytes, size_t size);

/* A part, taken apart. Everything is borrowed from it; the struct must not
 * move. */
struct lf_part {
    struct lf_budget budget;
    struct lf_change_head head; /* of part 0; else the sequence alone */
    uint32_t number;
    bool has_more;
    uint32_t source_count;
    struct feature_source *sources;
    uint32_t change_count;
    void *message;
};

/* Any bytes are safe: what is no whole frame is FEATURE_CORRUPT. After OK the
 * caller owes lf_part_free(). */
feature_status lf_part_open(struct lf_part *part, const uint8_t *frame,
                            size_t size, struct feature_error *error);
void lf_part_free(struct lf_part *part);

/* One change, its hash checked; scratch is for that. */
feature_status lf_part_change(const struct lf_part *part, uint32_t index,
                              struct lf_buffer *scratch,
                              struct lf_change *change,
                              struct feature_error *error);

#endif
