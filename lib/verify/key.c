/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of a join key.
 *
 * Owns the way back: decoded and encoded again they have to be the same.
 * Keeps to the key types of the entity.
 * Never looks past the size it was given.
 */
#include "format/key.h"

#include <string.h>

#include "base/utf8.h"
#include "verify/verify.h"

/* Reads one part and writes it again. */
static const char *
check_part(int32_t code, const uint8_t **at, const uint8_t *end, uint8_t **to)
{
    uint8_t bytes[LF_KEY_MAX];
    int64_t number;
    size_t size;

    if (code == FEATURE_TYPE_INT64) {
        if (!lf_key_get_int64(at, end, &number))
            return "the key ends within an INT64";
        lf_key_put_int64(*to, number);
        *to += LF_KEY_INT64_SIZE;
        return NULL;
    }
    if (!lf_key_get_bytes(at, end, bytes, &size))
        return "the key is no encoded STRING or BYTES";
    if (code == FEATURE_TYPE_STRING && !lf_utf8_valid(bytes, size))
        return "the key is not UTF-8";
    *to = lf_key_put_bytes(*to, bytes, size);
    return NULL;
}

const char *
lf_verify_key(const struct lf_entity *entity, const uint8_t *key, size_t size)
{
    const uint8_t *at = key, *end = key + size;
    uint8_t again[LF_KEY_MAX], *to = again;

    if (!size || size > LF_KEY_MAX)
        return "the key's size is impossible";
    for (uint32_t i = 0; i < entity->key_count; i++) {
        const char *problem = check_part(entity->keys[i].code, &at, end, &to);

        if (problem)
            return problem;
    }
    if (at != end)
        return "the key goes on after its last part";
    if ((size_t)(to - again) != size || memcmp(again, key, size) != 0)
        return "the key is not what its values encode to";
    return NULL;
}
