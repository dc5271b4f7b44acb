/* SPDX-License-Identifier: Apache-2.0 */
/* Records of the tree `loads` (format/loads.proto): to bytes and back. */
#ifndef LF_FORMAT_LOAD_H
#define LF_FORMAT_LOAD_H

#include "base/hash.h"
#include "format/change.h"

#define LF_LOADS_TREE           "loads"
#define LF_LOAD_KEY_SIZE        8
#define LF_LOAD_ID_MAX          128
#define LF_LOAD_FINGERPRINT_MAX 255
#define LF_LOAD_SIZE_LIMIT      (1u << 20) /* of a record */

/* The record of the last number that was given, in `meta`. */
#define LF_LOADS_KEY         "loads"
#define LF_LOADS_NUMBER_SIZE 12

void lf_loads_number_encode(uint64_t number, uint8_t to[LF_LOADS_NUMBER_SIZE]);
bool lf_loads_number_decode(uint64_t *number, const uint8_t *bytes,
                            size_t size);

/* Whether it is the key of that record. */
bool lf_loads_number_is_key(const uint8_t *key, size_t size);

enum lf_load_state {
    LF_LOAD_BUILDING = 1,
    LF_LOAD_COMMITTED = 2,
    LF_LOAD_FAILED = 3,
    LF_LOAD_ABORTED = 4
};

struct lf_load_source {
    const char *name;
    uint32_t partition;
    uint64_t next_offset;
};

struct lf_load_record {
    uint64_t number;
    uint32_t view; /* id */
    int32_t state; /* lf_load_state */
    struct lf_slice id;
    struct lf_slice fingerprint;
    uint32_t version;
    uint32_t previous;
    uint64_t cut;
    int64_t cut_time;
    uint32_t source_count;
    const struct lf_load_source *sources;
    int64_t began; /* clock */
    int64_t ended; /* clock; 0: it has not */
    uint64_t sequence;
    int64_t time;
    uint64_t rows;
    uint64_t bytes;
    struct lf_hash128 content;
    uint64_t caught_up;
    uint64_t swap_us;
    uint64_t gates;
    uint64_t gates_failed;
    struct lf_slice figures; /* of the gates, as JSON */
    bool is_forced;
    bool is_rollback;
    uint64_t token;
    int64_t pid;
    struct lf_slice problem;
};

void lf_load_key(uint64_t number, uint8_t key[LF_LOAD_KEY_SIZE]);

/* Appends the stored bytes, or the message alone. */
feature_status lf_load_encode(const struct lf_load_record *record,
                              struct lf_buffer *to,
                              struct feature_error *error);
feature_status lf_load_encode_message(const struct lf_load_record *record,
                                      struct lf_buffer *to,
                                      struct feature_error *error);

/* Any bytes are safe: CORRUPT for what is no record of the key. What it points to
 * is copied into the arena. */
feature_status lf_load_decode(struct lf_load_record *record,
                              struct lf_arena *arena, const uint8_t *key,
                              size_t key_size, const uint8_t *bytes,
                              size_t size, struct feature_error *error);
feature_status lf_load_decode_message(struct lf_load_record *record,
                                      struct lf_arena *arena,
                                      const uint8_t *bytes, size_t size,
                                      struct feature_error *error);

#endif
