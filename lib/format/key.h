/* SPDX-License-Identifier: Apache-2.0 */
/* Join keys as bytes that sort like the tuples they stand for. */
#ifndef LF_FORMAT_KEY_H
#define LF_FORMAT_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

#define LF_KEY_INT64_SIZE 8
#define LF_KEY_SIGN       0x8000000000000000u

/* Writes an INT64 part; to has LF_KEY_INT64_SIZE bytes. */
static inline void
lf_key_put_int64(uint8_t *to, int64_t value)
{
    lf_store_big_u64(to, (uint64_t)value ^ LF_KEY_SIGN);
}

/* Bytes of a STRING or BYTES part. */
size_t lf_key_bytes_size(const void *bytes, size_t size);

/* Writes a STRING or BYTES part: lf_key_bytes_size bytes. Returns its end. */
uint8_t *lf_key_put_bytes(uint8_t *to, const void *bytes, size_t size);

/* Reads an INT64 part at *at, which moves past it. False: not one. */
bool lf_key_get_int64(const uint8_t **at, const uint8_t *end, int64_t *value);

/* Reads a STRING or BYTES part into to, which has end - *at bytes of room. */
bool lf_key_get_bytes(const uint8_t **at, const uint8_t *end, uint8_t *to,
                      size_t *size);

#endif
