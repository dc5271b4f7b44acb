/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The record of a view's upkeep.
 *
 * Owns the bytes of meta/upkeep/<view>.
 * Keeps to the view: a record under another key does not decode.
 * Never says what there is to do, only how far it was done.
 */
#include "format/upkeep.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/crc32c.h"

static uint32_t
checksum(uint32_t view, const uint8_t *bytes, size_t size)
{
    char key[LF_UPKEEP_KEY_SIZE];

    lf_upkeep_key(view, key);
    return lf_crc32c(lf_crc32c(0, key, strlen(key)), bytes + 4, size - 4);
}

void
lf_upkeep_clear(struct lf_upkeep *upkeep)
{
    for (int i = 0; i < LF_PASSES; i++) {
        upkeep->passes[i].begun = INT64_MIN;
        upkeep->passes[i].done = INT64_MIN;
        upkeep->passes[i].size = 0;
    }
}

void
lf_upkeep_key(uint32_t view, char key[LF_UPKEEP_KEY_SIZE])
{
    snprintf(key, LF_UPKEEP_KEY_SIZE, LF_UPKEEP_PREFIX "%016" PRIx64,
             (uint64_t)view);
}

size_t
lf_upkeep_encode(const struct lf_upkeep *upkeep, uint32_t view,
                 uint8_t to[LF_UPKEEP_SIZE_MAX])
{
    uint8_t *at = to + LF_UPKEEP_HEAD;

    memset(to, 0, LF_UPKEEP_HEAD);
    for (int i = 0; i < LF_PASSES; i++) {
        const struct lf_pass *pass = &upkeep->passes[i];

        lf_store_i64(to + 8 + 16 * i, pass->begun);
        lf_store_i64(to + 16 + 16 * i, pass->done);
        lf_store_u32(to + 40 + 4 * i, pass->size);
        memcpy(at, pass->place, pass->size);
        at += pass->size;
    }
    lf_store_u32(to, checksum(view, to, (size_t)(at - to)));
    return (size_t)(at - to);
}

bool
lf_upkeep_decode(struct lf_upkeep *upkeep, uint32_t view, const uint8_t *bytes,
                 size_t size)
{
    const uint8_t *at = bytes + LF_UPKEEP_HEAD;

    if (size < LF_UPKEEP_HEAD || size > LF_UPKEEP_SIZE_MAX ||
        lf_load_u32(bytes) != checksum(view, bytes, size))
        return false;
    for (int i = 0; i < LF_PASSES; i++) {
        struct lf_pass *pass = &upkeep->passes[i];

        pass->begun = lf_load_i64(bytes + 8 + 16 * i);
        pass->done = lf_load_i64(bytes + 16 + 16 * i);
        pass->size = lf_load_u32(bytes + 40 + 4 * i);
        if (pass->size > LF_UPKEEP_PLACE ||
            pass->size > (size_t)(bytes + size - at))
            return false;
        memcpy(pass->place, at, pass->size);
        at += pass->size;
    }
    return at == bytes + size;
}
