/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Join keys to bytes and back.
 *
 * Owns the key layout: parts follow each other in the order of the join keys.
 * Keeps memcmp order equal to tuple order, and different tuples different.
 * Never hashes, cuts, or looks past the size it was given.
 *
 * INT64         8 bytes, big-endian, sign bit flipped
 * STRING BYTES  the bytes, 00 written as 00 ff, then 00 01
 *
 * The terminator 00 01 sorts before every byte that can follow a prefix (00 ff
 * or 01 and up). A terminator of a lone 00 would not do: with an INT64 that
 * begins with ff after it, "a" and "a\0" would meet.
 */
#include "format/key.h"

#include <string.h>

#define ESCAPE     0xff
#define TERMINATOR 0x01

size_t
lf_key_bytes_size(const void *bytes, size_t size)
{
    const uint8_t *at = bytes, *end = at + size;
    size_t total = size + 2;

    while (size && (at = memchr(at, 0, (size_t)(end - at)))) {
        total++;
        at++;
    }
    return total;
}

uint8_t *
lf_key_put_bytes(uint8_t *to, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;

    for (size_t i = 0; i < size; i++) {
        *to++ = at[i];
        if (!at[i])
            *to++ = ESCAPE;
    }
    *to++ = 0;
    *to++ = TERMINATOR;
    return to;
}

bool
lf_key_get_int64(const uint8_t **at, const uint8_t *end, int64_t *value)
{
    if (end - *at < LF_KEY_INT64_SIZE)
        return false;
    *value = (int64_t)(lf_load_big_u64(*at) ^ LF_KEY_SIGN);
    *at += LF_KEY_INT64_SIZE;
    return true;
}

bool
lf_key_get_bytes(const uint8_t **at, const uint8_t *end, uint8_t *to,
                 size_t *size)
{
    const uint8_t *from = *at;
    size_t used = 0;

    for (; end - from >= 2; from++) {
        to[used] = *from;
        if (!*from) {
            from++;
            if (*from == TERMINATOR) {
                *at = from + 1;
                *size = used;
                return true;
            }
            if (*from != ESCAPE)
                return false;
        }
        used++;
    }
    return false;
}
