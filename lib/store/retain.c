/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long change records are kept.
 *
 * Owns the end of segments and of consumers' claims.
 * Keeps a segment that a consumer has not acknowledged, until his claim
 * expires or the feed is larger than it may be.
 * Never removes a record alone: a segment goes as a whole.
 */
#include <string.h>

#include "store/commit.h"

struct oldest {
    struct lf_segment segment;
    bool found;
};

static feature_status
damaged(struct feature_error *error)
{
    return lf_fail(error, FEATURE_CORRUPT, "checksum",
                   "a record of the change feed is damaged");
}

static bool
has_prefix(const uint8_t *key, size_t size, const char *prefix)
{
    return size > strlen(prefix) && memcmp(key, prefix, strlen(prefix)) == 0;
}

static feature_status
take_oldest(void *context, const uint8_t *key, size_t key_size,
            const uint8_t *value, size_t size, struct feature_error *error)
{
    struct oldest *oldest = context;

    if (!has_prefix(key, key_size, LF_SEGMENT_PREFIX))
        return LF_ENOUGH;
    if (!lf_segment_decode(&oldest->segment, key, key_size, value, size))
        return damaged(error);
    oldest->found = true;
    return LF_ENOUGH;
}

static feature_status
find_oldest(struct lf_commit *commit, struct oldest *oldest,
            struct feature_error *error)
{
    oldest->found = false;
    return lf_tree_scan_from(commit->tree, LF_SEGMENT_PREFIX,
                             strlen(LF_SEGMENT_PREFIX), take_oldest, oldest,
                             error);
}

static feature_status
drop_oldest(struct lf_commit *commit, struct feature_error *error)
{
    struct lf_meta_feed *meta = &commit->feed.meta;
    struct oldest oldest;
    char key[LF_FEED_KEY_SIZE], tree[LF_TREE_NAME_SIZE];

    LF_TRY(find_oldest(commit, &oldest, error));
    if (!oldest.found || oldest.segment.last != meta->oldest_last)
        return damaged(error);
    lf_segment_key(oldest.segment.last, key);
    lf_segment_tree(oldest.segment.first, tree);
    LF_TRY(lf_writer_drop(commit->writer, tree, error));
    LF_TRY(lf_tree_delete(commit->tree, key, strlen(key), error));
    meta->first = oldest.segment.last + 1;
    meta->bytes -= oldest.segment.bytes;
    LF_TRY(find_oldest(commit, &oldest, error));
    meta->oldest_last = oldest.found ? oldest.segment.last : 0;
    meta->oldest_time = oldest.found ? oldest.segment.last_time : 0;
    commit->feed.is_changed = true;
    return FEATURE_OK;
}

feature_status
lf_feed_drop(struct lf_commit *commit, struct feature_error *error)
{
    const struct lf_meta_feed *meta = &commit->feed.meta;
    char tree[LF_TREE_NAME_SIZE];

    while (meta->oldest_last)
        LF_TRY(drop_oldest(commit, error));
    if (!meta->segment)
        return FEATURE_OK;
    lf_segment_tree(meta->segment, tree);
    return lf_writer_drop(commit->writer, tree, error);
}

struct claims {
    int64_t now;
    uint64_t slowest;
};

static feature_status
take_claim(void *context, const uint8_t *key, size_t key_size,
           const uint8_t *value, size_t size, struct feature_error *error)
{
    struct claims *claims = context;
    struct lf_consumer consumer;

    if (!has_prefix(key, key_size, LF_CONSUMER_PREFIX))
        return LF_ENOUGH;
    if (!lf_consumer_decode(&consumer, key, key_size, value, size))
        return damaged(error);
    if (consumer.expires > claims->now &&
        consumer.acknowledged < claims->slowest)
        claims->slowest = consumer.acknowledged;
    return FEATURE_OK;
}

static feature_status
is_due(struct lf_commit *commit, const struct lf_catalog *catalog, bool *due,
       struct feature_error *error)
{
    const struct lf_meta_feed *meta = &commit->feed.meta;
    struct claims claims = {.now = commit->now, .slowest = UINT64_MAX};
    int64_t horizon;

    *due = false;
    if (!meta->oldest_last)
        return FEATURE_OK;
    if (catalog->changes_size && meta->bytes > catalog->changes_size) {
        *due = true;
        return FEATURE_OK;
    }
    if (!catalog->changes ||
        __builtin_sub_overflow(commit->now, catalog->changes, &horizon) ||
        meta->oldest_time >= horizon)
        return FEATURE_OK;
    LF_TRY(lf_tree_scan_from(commit->tree, LF_CONSUMER_PREFIX,
                             strlen(LF_CONSUMER_PREFIX), take_claim, &claims,
                             error));
    *due = meta->oldest_last <= claims.slowest;
    return FEATURE_OK;
}

feature_status
lf_feed_upkeep(struct lf_commit *commit, const struct lf_catalog *catalog,
               uint32_t most, uint32_t *dropped, struct feature_error *error)
{
    bool due = true;

    *dropped = 0;
    while (*dropped < most) {
        LF_TRY(is_due(commit, catalog, &due, error));
        if (!due)
            return FEATURE_OK;
        LF_TRY(drop_oldest(commit, error));
        ++*dropped;
    }
    return FEATURE_OK;
}
