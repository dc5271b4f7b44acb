/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The records of loads, on the way of a copy.
 *
 * Owns which of them a copy has: those of loads that were committed, so that
 * their ids stay known.
 * Keeps damage from being carried on, as for rows.
 * Never takes along what is under way or has ended badly: a copy has none of it.
 */
#include <string.h>

#include "format/load.h"
#include "store/copy.h"

feature_status
lf_copy_loads(struct lf_copy *copy, struct feature_error *error)
{
    copy->last_size = 0;
    return copy->sink ? copy->sink->loads(copy->to, error) : FEATURE_OK;
}

/* Keys have one size: their order is that of their bytes. */
static bool
is_right(const struct lf_copy *copy, const struct lf_load_record *record,
         const uint8_t *key)
{
    return (!copy->last_size ||
            memcmp(copy->last, key, LF_LOAD_KEY_SIZE) < 0) &&
           record->sequence <= copy->manifest.meta.sequence &&
           lf_catalog_view_by_id(copy->catalog, record->view);
}

feature_status
lf_copy_load(struct lf_copy *copy, const uint8_t *key, size_t key_size,
             const uint8_t *value, size_t size, struct feature_error *error)
{
    struct lf_arena arena = {0};
    struct lf_load_record record;
    feature_status status =
        lf_load_decode(&record, &arena, key, key_size, value, size, error);

    if (!status && !is_right(copy, &record, key))
        status = lf_fail(error, FEATURE_CORRUPT, "structure",
                         "the record of load %llu is out of place",
                         (unsigned long long)record.number);
    if (!status) {
        memcpy(copy->last, key, key_size);
        copy->last_size = key_size;
    }
    if (!status && record.state == LF_LOAD_COMMITTED) {
        copy->bytes += key_size + size;
        if (copy->sink)
            status =
                copy->sink->put(copy->to, key, key_size, value, size, error);
    }
    lf_arena_free(&arena);
    return status;
}
