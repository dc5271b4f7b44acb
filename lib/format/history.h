/* SPDX-License-Identifier: Apache-2.0 */
/* Entries of a view's history, to bytes and back. See docs/format.md. */
#ifndef LF_FORMAT_HISTORY_H
#define LF_FORMAT_HISTORY_H

#include "format/row.h"

#define LF_HISTORY_PLACE_SIZE  20 /* what a key has behind the join key */
#define LF_HISTORY_KEY_MAX     (480 + LF_HISTORY_PLACE_SIZE)
#define LF_HISTORY_HEADER_SIZE 16
#define LF_HISTORY_IMAGE_SIZE  16 /* more, before the row, with an image */
#define LF_HISTORY_RUN         16 /* entries that a fold looks at, at most */
#define LF_HISTORY_SIZE_LIMIT \
    (LF_HISTORY_HEADER_SIZE + LF_HISTORY_IMAGE_SIZE + 2 * LF_ROW_SIZE_LIMIT)

enum lf_history_kind {
    LF_HISTORY_VERSION = 1,
    LF_HISTORY_BLOCK = 2 /* see format/block.h */
};

/* Beside FEATURE_UPSERT, FEATURE_PATCH and FEATURE_DELETE, and, of a view FROM
 * an event, FEATURE_EVENT and FEATURE_RETRACT with the event's payload
 * (format/event.h): the row that was there when history began. */
#define LF_HISTORY_BASE 0

enum lf_history_flag { LF_HISTORY_HAS_IMAGE = 1 };

/* Where an entry lies among those of its join key: newest first. */
struct lf_history_place {
    int64_t time; /* event timestamp; LF_TIME_UNSET: the base */
    uint64_t sequence;
    uint32_t ordinal;
};

/* An entry, opened: its rows point into its bytes. */
struct lf_history_entry {
    struct lf_history_place place;
    int32_t operation;
    int64_t commit_time; /* of a base: when history began */
    struct lf_row row;   /* as written, with zeros for its checksum */
    bool has_image;
    int64_t image_time;  /* commit time of the newest version in the image */
    struct lf_row image; /* what this entry and all older ones add up to */
};

/* Appends a place to a join key. */
void lf_history_put_place(uint8_t to[LF_HISTORY_PLACE_SIZE],
                          const struct lf_history_place *place);
struct lf_history_place lf_history_get_place(const uint8_t *from);

/* What an entry says of itself has to agree. */
bool lf_history_is_consistent(const struct lf_history_entry *entry);

/* What entries are checked against besides their own bytes. */
uint32_t lf_history_seed(uint32_t view);

/*
 * Checks and opens the value of a whole key (join key and place). NULL, or the
 * reason word of what is wrong: "checksum", "structure". The rows are opened, not
 * yet checked against their layouts.
 */
const char *lf_history_open(struct lf_history_entry *entry, uint32_t seed,
                            const uint8_t *key, size_t key_size,
                            const uint8_t *value, size_t size);

/*
 * Encodes and seals an entry under a whole key; image is NULL for none. Only
 * the operation and times of the entry are looked at, its rows are given as
 * encoded. False: no memory.
 */
bool lf_history_encode(const struct lf_history_entry *entry, uint32_t seed,
                       const uint8_t *key, size_t key_size, const uint8_t *row,
                       size_t row_size, const struct lf_buffer *image,
                       struct lf_buffer *value);

/* The term an entry adds to its view's history hash. Images do not count: they
 * follow from the versions, and are there for speed. */
struct lf_hash128 lf_history_hash(uint32_t view, const uint8_t *key,
                                  size_t key_size,
                                  const struct lf_history_entry *entry);

#endif
