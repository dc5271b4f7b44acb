/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stored keys as columns of an answer.
 *
 * Owns how the parts of a key come out of its bytes.
 * Keeps a key whole: bytes that are left over make it none of the entity's.
 * Never believes a key: its bytes may be anything.
 */
#include "store/key_answer.h"

#include "base/bytes.h"
#include "format/key.h"

static bool
reserve_part(struct lf_answer *answer, int32_t code, uint32_t rows)
{
    answer->values.size = 0;
    if (code == FEATURE_TYPE_INT64)
        return lf_buffer_reserve(&answer->values,
                                 LF_KEY_INT64_SIZE * (size_t)rows);
    if (!lf_buffer_reserve(&answer->values, 1) ||
        !lf_buffer_reserve(&answer->offsets, 4 * ((size_t)rows + 1)))
        return false;
    lf_store_u32(answer->offsets.data, 0);
    return true;
}

bool
lf_keys_reserve(struct lf_answer *keys, const struct lf_selection *selection,
                uint32_t rows)
{
    const struct lf_selection_view *view = &selection->views[0];

    for (uint32_t i = 0; i < view->key_count; i++)
        if (!reserve_part(&keys[i], selection->keys[view->keys[i]].code, rows))
            return false;
    return true;
}

/* Takes one part of a row's key off its bytes. */
static feature_status
take_part(struct lf_answer *answer, int32_t code, uint32_t row,
          const uint8_t **at, const uint8_t *end, bool *is_part,
          struct feature_error *error)
{
    size_t size, begin = answer->values.size;
    uint8_t *to;
    int64_t number;

    if (code == FEATURE_TYPE_INT64) {
        *is_part = lf_key_get_int64(at, end, &number);
        if (*is_part)
            lf_store_i64(answer->values.data + 8 * (size_t)row, number);
        return FEATURE_OK;
    }
    to = lf_buffer_extend(&answer->values, (size_t)(end - *at) + 1);
    if (!to)
        return lf_fail_memory(error);
    *is_part = lf_key_get_bytes(at, end, to, &size);
    if (!*is_part)
        return FEATURE_OK;
    answer->values.size = begin + size;
    lf_store_u32(answer->offsets.data + 4 * ((size_t)row + 1),
                 (uint32_t)answer->values.size);
    return FEATURE_OK;
}

feature_status
lf_keys_take(struct lf_answer *keys, const struct lf_selection *selection,
             uint32_t row, const uint8_t *key, size_t size, bool *is_key,
             struct feature_error *error)
{
    const struct lf_selection_view *view = &selection->views[0];
    const uint8_t *at = key, *end = key + size;

    *is_key = true;
    for (uint32_t i = 0; i < view->key_count && *is_key; i++)
        LF_TRY(take_part(&keys[i], selection->keys[view->keys[i]].code, row,
                         &at, end, is_key, error));
    *is_key &= at == end;
    return FEATURE_OK;
}

void
lf_keys_free(struct lf_answer *keys)
{
    for (uint32_t i = 0; i < LF_KEYS_MAX; i++) {
        lf_buffer_free(&keys[i].values);
        lf_buffer_free(&keys[i].offsets);
    }
}
