/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values of the side tree.
 *
 * Owns their bytes, and those of their keys.
 * Keeps a value to its key: the checksum covers both, and the view.
 * Never says what a state is: the row does.
 */
#include "format/side.h"

#include <string.h>

#include "base/bytes.h"
#include "base/crc32c.h"

#define KIND_TILES 't'

uint32_t
lf_side_seed(uint32_t view)
{
    uint8_t head[9] = {KIND_TILES};

    lf_store_u64(head + 1, view);
    return lf_crc32c(0, head, sizeof head);
}

size_t
lf_side_key(uint8_t *key, size_t key_size, const struct lf_beside_ref *ref)
{
    memcpy(key + key_size, ref->hash, LF_BESIDE_HASH_SIZE);
    return key_size + LF_BESIDE_HASH_SIZE;
}

bool
lf_side_encode(uint32_t seed, const uint8_t *key, size_t key_size,
               const uint8_t *bytes, size_t size, struct lf_buffer *value)
{
    uint32_t sum = lf_crc32c(lf_crc32c(seed, key, key_size), bytes, size);
    uint8_t *head;

    value->size = 0;
    head = lf_buffer_extend(value, LF_SIDE_HEAD_SIZE);
    if (!head)
        return false;
    lf_store_u32(head, sum);
    return lf_buffer_append(value, bytes, size);
}

const char *
lf_side_open(uint32_t seed, const uint8_t *key, size_t key_size,
             const uint8_t *value, size_t size, const uint8_t **bytes)
{
    if (size < LF_SIDE_HEAD_SIZE + LF_BESIDE_FROM ||
        size > LF_SIDE_HEAD_SIZE + (size_t)LF_ROW_SIZE_LIMIT)
        return "structure";
    *bytes = value + LF_SIDE_HEAD_SIZE;
    return lf_load_u32(value) == lf_crc32c(lf_crc32c(seed, key, key_size),
                                           *bytes, size - LF_SIDE_HEAD_SIZE)
               ? NULL
               : "checksum";
}
