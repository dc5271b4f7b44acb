/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a store says of its change feed and its sources.
 *
 * Owns the way from their records to figures.
 * Keeps to one snapshot, that of all other figures.
 * Never reads a change record.
 */
#include <string.h>

#include "store/figures.h"

static feature_status
damaged(struct feature_error *error)
{
    return lf_fail(error, FEATURE_CORRUPT, "checksum",
                   "a record of the change feed or of a source is damaged");
}

static feature_status
take_consumer(void *context, const uint8_t *key, size_t key_size,
              const uint8_t *value, size_t size, struct feature_error *error)
{
    struct lf_feed_figures *figures = context;
    size_t head = strlen(LF_CONSUMER_PREFIX);
    struct lf_consumer_figures each = {.name = ""};

    if (key_size <= head || key_size > head + LF_CONSUMER_MAX ||
        memcmp(key, LF_CONSUMER_PREFIX, head) != 0)
        return LF_ENOUGH;
    if (!lf_consumer_decode(&each.consumer, key, key_size, value, size))
        return damaged(error);
    memcpy(each.name, key + head, key_size - head);
    if (!lf_buffer_append(&figures->consumers, &each, sizeof each))
        return lf_fail_memory(error);
    return FEATURE_OK;
}

static feature_status
take_offset(void *context, const uint8_t *key, size_t key_size,
            const uint8_t *value, size_t size, struct feature_error *error)
{
    struct lf_feed_figures *figures = context;
    struct lf_offset offset;

    if (!lf_offset_decode(&offset, key, key_size, value, size))
        return damaged(error);
    figures->sources++;
    figures->jumps += offset.jumps;
    return FEATURE_OK;
}

feature_status
lf_feed_figures_read(struct lf_reader *reader, struct lf_feed_figures *figures,
                     struct feature_error *error)
{
    const uint8_t *value;
    bool found;
    size_t size;

    LF_TRY(lf_reader_get(reader, LF_META_TREE, LF_FEED_KEY, strlen(LF_FEED_KEY),
                         &found, &value, &size, error));
    if (found && !lf_meta_feed_decode(&figures->meta, value, size))
        return damaged(error);
    LF_TRY(lf_reader_scan_from(reader, LF_META_TREE, LF_CONSUMER_PREFIX,
                               strlen(LF_CONSUMER_PREFIX), take_consumer,
                               figures, error));
    return lf_reader_scan(reader, LF_OFFSETS_TREE, take_offset, figures, error);
}
