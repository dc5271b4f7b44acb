/* SPDX-License-Identifier: Apache-2.0 */
/* Runs of a key's versions as one entry of history: blocks. See
 * docs/format.md. */
#ifndef LF_FORMAT_BLOCK_H
#define LF_FORMAT_BLOCK_H

#include "format/history.h"

#define LF_BLOCK_VERSIONS    64 /* in a block, at most */
#define LF_BLOCK_HEADER_SIZE 16
#define LF_BLOCK_MOST        (1u << 20) /* bytes, before they are packed */
#define LF_DICTIONARY_MAX    (16u << 10)

/* A block, unpacked: entries newest first, whose rows lie in bytes. Zero is
 * empty; kept from block to block. */
struct lf_versions_block {
    uint32_t count;
    struct lf_buffer bytes;
    struct lf_history_entry entries[LF_BLOCK_VERSIONS];
};

static inline bool
lf_is_block(const uint8_t *value, size_t size)
{
    return size > 4 && value[4] == LF_HISTORY_BLOCK;
}

void lf_versions_block_free(struct lf_versions_block *block);

/* The columns of entries that follow each other, newest first, none of them a
 * base; oldest is the place of the last one. False: no memory. */
bool lf_columns_put(const struct lf_history_entry *entries, uint32_t count,
                    struct lf_buffer *to);

/* The way back. NULL, or the reason word: "structure", LF_FRAME_NO_MEMORY. */
const char *lf_columns_get(struct lf_versions_block *block,
                           const struct lf_history_place *oldest,
                           uint32_t count, const uint8_t *from, size_t size);

/* The first version of a block that is no newer than a place; its number where
 * all are. */
uint32_t lf_block_find(const struct lf_versions_block *block,
                       const struct lf_history_place *place);

/* --- block_pack.c ---------------------------------------------------------- */

/* What packs and unpacks the blocks of a view. */
struct lf_press;
struct lf_press *lf_press_create(void);
void lf_press_free(struct lf_press *press); /* NULL is fine */

/* The dictionary for what follows, by its sum; 0: none. False: no memory. */
bool lf_press_use(struct lf_press *press, uint32_t sum,
                  const uint8_t *dictionary, size_t size);
uint32_t lf_press_sum(const struct lf_press *press);

/* Seals a block of what lf_columns_put wrote, under the key of its oldest
 * version. False: no memory. */
bool lf_block_seal(struct lf_press *press, const struct lf_buffer *columns,
                   uint32_t count, uint32_t seed, const uint8_t *key,
                   size_t key_size, struct lf_buffer *value);

/* Checks a block but for its versions, and tells the sum of the dictionary it
 * needs; 0: none. NULL, or "checksum", "structure". */
const char *lf_block_check(uint32_t seed, const uint8_t *key, size_t key_size,
                           const uint8_t *value, size_t size, uint32_t *sum);

/* Unpacks one that was checked. NULL, or "structure", LF_FRAME_NO_MEMORY, and
 * "dictionary" where another one is in use than it needs. */
const char *lf_block_unpack(struct lf_press *press,
                            struct lf_versions_block *block, const uint8_t *key,
                            size_t key_size, const uint8_t *value, size_t size);

/* Trains a dictionary by columns, whose sizes are given. Its size; 0: there is
 * none that makes them smaller. to has LF_DICTIONARY_MAX bytes. */
size_t lf_dictionary_train(const uint8_t *columns, const size_t *sizes,
                           uint32_t count, uint8_t *to);

/* --- the record meta/dictionary/<view> ------------------------------------- */

#define LF_DICTIONARY_PREFIX   "dictionary/"
#define LF_DICTIONARY_KEY_SIZE 28 /* with its NUL */

void lf_dictionary_key(uint32_t view, char key[LF_DICTIONARY_KEY_SIZE]);

/* The sum that a record of these bytes begins with. */
uint32_t lf_dictionary_sum(uint32_t view, const uint8_t *dictionary,
                           size_t size);

/* What a record says its sum is; 0: there is none. */
uint32_t lf_dictionary_stated(const uint8_t *record, size_t size);

/* Whether it is. */
bool lf_dictionary_is_sound(uint32_t view, const uint8_t *record, size_t size);

#endif
