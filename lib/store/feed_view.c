/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the change feed from within the store.
 *
 * Owns the way from a sequence to the tree of its record, for a snapshot and for
 * a write transaction alike.
 * Keeps to what is there: a record that is not is an error with a name.
 * Never asks what a cut of power could take back: who reads here commits behind
 * it.
 */
#include "store/feed_view.h"

#include <string.h>

#include "base/bytes.h"

static feature_status
get(const struct lf_feed_view *view, const char *key, bool *found,
    const uint8_t **value, size_t *size, struct feature_error *error)
{
    if (view->reader)
        return lf_reader_get(view->reader, LF_META_TREE, key, strlen(key),
                             found, value, size, error);
    return lf_tree_get(view->commit->tree, key, strlen(key), found, value, size,
                       error);
}

static feature_status
scan(const struct lf_feed_view *view, const char *tree, const void *from,
     size_t size, lf_visit visit, void *context, struct feature_error *error)
{
    struct lf_tree *within = NULL;

    if (view->reader)
        return lf_reader_scan_from(view->reader, tree, from, size, visit,
                                   context, error);
    LF_TRY(lf_writer_tree(view->commit->writer, tree, false, &within, error));
    return within ? lf_tree_scan_from(within, from, size, visit, context, error)
                  : FEATURE_OK;
}

feature_status
lf_feed_view_open(struct lf_feed_view *view, struct feature_error *error)
{
    const uint8_t *value;
    size_t size;
    bool found;

    LF_TRY(get(view, LF_FEED_KEY, &found, &value, &size, error));
    if (found && !lf_meta_feed_decode(&view->meta, value, size))
        return lf_fail(error, FEATURE_CORRUPT, "checksum",
                       "the record of the change feed is damaged");
    view->is_on = found && view->meta.flags & LF_FEED_ON;
    return FEATURE_OK;
}

feature_status
lf_feed_view_check(const struct lf_feed_view *view, uint64_t from,
                   const char *what, struct feature_error *error)
{
    if (!view->is_on)
        return lf_fail(error, FEATURE_CONFLICT, "no-feed",
                       "the store keeps no change feed, and %s: apply STORE "
                       "WITH (changes = '3 days')",
                       what);
    if (from < view->meta.first)
        return lf_fail(error, FEATURE_GAP, "feed-truncated",
                       "the change feed begins at sequence %llu, and %s; %llu "
                       "is needed",
                       (unsigned long long)view->meta.first, what,
                       (unsigned long long)from);
    return FEATURE_OK;
}

static feature_status
take_segment(void *context, const uint8_t *key, size_t key_size,
             const uint8_t *value, size_t size, struct feature_error *error)
{
    if (key_size < strlen(LF_SEGMENT_PREFIX) ||
        memcmp(key, LF_SEGMENT_PREFIX, strlen(LF_SEGMENT_PREFIX)) != 0)
        return LF_ENOUGH;
    if (!lf_segment_decode(context, key, key_size, value, size))
        return lf_fail(error, FEATURE_CORRUPT, "checksum",
                       "a record of the change feed is damaged");
    return LF_ENOUGH;
}

feature_status
lf_feed_view_scan(const struct lf_feed_view *view, uint64_t sequence,
                  uint32_t part, lf_visit visit, void *context,
                  struct feature_error *error)
{
    struct lf_segment segment = {.first = view->meta.segment};
    char key[LF_FEED_KEY_SIZE], tree[LF_TREE_NAME_SIZE];
    uint8_t from[LF_CHANGE_KEY_SIZE];

    if (sequence < view->meta.segment || !view->meta.segment) {
        lf_segment_key(sequence, key);
        LF_TRY(scan(view, LF_META_TREE, key, strlen(key), take_segment,
                    &segment, error));
    }
    lf_segment_tree(segment.first, tree);
    lf_change_key(sequence, part, from);
    return scan(view, tree, from, sizeof from, visit, context, error);
}
