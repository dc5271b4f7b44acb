/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The change feed, as commits write it.
 *
 * Owns the record of the commit at hand, and where it goes.
 * Keeps one record for each sequence number from the first one on, and the
 * chain over all of them, in the same transaction as what they tell.
 * Never holds more of a record than its last part.
 */
#include "store/feed.h"

#include <stdio.h>
#include <string.h>

#include "store/journal.h"

#define SEGMENT_BYTES      (64u << 20)
#define SEGMENT_BYTES_MIN  (64u << 10)
#define SEGMENT_COMMITS    65536
#define CHANGE_ROOM        128 /* of a change, besides its bytes */
#define SEGMENTS_OF_A_FEED 16  /* of its size, or of its age */

void
lf_segment_tree(uint64_t first, char name[LF_TREE_NAME_SIZE])
{
    snprintf(name, LF_TREE_NAME_SIZE, "changes/%016llx",
             (unsigned long long)first);
}

feature_status
lf_feed_read(struct lf_commit *commit, struct feature_error *error)
{
    struct lf_feed *feed = &commit->feed;
    const uint8_t *value;
    size_t size;

    LF_TRY(lf_tree_get(commit->tree, LF_FEED_KEY, strlen(LF_FEED_KEY),
                       &feed->is_known, &value, &size, error));
    if (feed->is_known && !lf_meta_feed_decode(&feed->meta, value, size))
        return lf_fail(error, FEATURE_CORRUPT, "checksum",
                       "the record of the change feed is damaged");
    feed->durable = feed->meta.head;
    return FEATURE_OK;
}

feature_status
lf_feed_write(struct lf_commit *commit, struct feature_error *error)
{
    struct lf_feed *feed = &commit->feed;
    uint8_t bytes[LF_META_FEED_SIZE];
    bool is_changed = feed->is_changed;

    lf_feed_free(feed);
    if (!is_changed)
        return FEATURE_OK;
    feed->meta.served = lf_environment_is_synced(commit->store->environment)
                            ? feed->meta.head
                            : feed->durable;
    lf_meta_feed_encode(&feed->meta, bytes);
    return lf_tree_put(commit->tree, LF_FEED_KEY, strlen(LF_FEED_KEY), bytes,
                       sizeof bytes, false, error);
}

void
lf_feed_free(struct lf_feed *feed)
{
    lf_buffer_free(&feed->part);
    lf_buffer_free(&feed->last);
    lf_buffer_free(&feed->stored);
}

feature_status
lf_feed_check_leader(const struct lf_commit *commit,
                     struct feature_error *error)
{
    if (!(commit->feed.meta.flags & LF_FEED_FOLLOWER))
        return FEATURE_OK;
    return lf_fail(error, FEATURE_CONFLICT, "follower",
                   "the store follows another one; promote it to write to it");
}

static bool
is_wanted(const struct lf_catalog *catalog)
{
    return catalog->changes || catalog->changes_size;
}

/* The feed begins with this commit, or ended before it. */
static feature_status
turn(struct lf_commit *commit, const struct lf_catalog *after,
     struct feature_error *error)
{
    struct lf_feed *feed = &commit->feed;
    struct lf_meta_feed *meta = &feed->meta;
    bool is_on = meta->flags & LF_FEED_ON, wanted = is_wanted(after);

    if (is_on == wanted)
        return FEATURE_OK;
    feed->is_changed = true;
    meta->flags ^= LF_FEED_ON;
    if (is_on)
        LF_TRY(lf_feed_drop(commit, error));
    meta->first = wanted ? commit->meta.sequence : 0;
    meta->head = wanted ? commit->meta.sequence - 1 : 0;
    feed->durable = meta->head;
    meta->bytes = meta->segment = meta->segment_bytes = 0;
    meta->segment_time = 0;
    meta->oldest_last = 0;
    return FEATURE_OK;
}

feature_status
lf_feed_begin(struct lf_commit *commit, const struct lf_catalog *after,
              const struct feature_source *sources, uint32_t source_count,
              struct feature_error *error)
{
    struct lf_feed *feed = &commit->feed;

    LF_TRY(turn(commit, after, error));
    feed->is_logging = is_wanted(after);
    feed->is_begun = false;
    feed->after = after;
    feed->sources = sources;
    feed->source_count = source_count;
    feed->last.size = 0;
    return FEATURE_OK;
}

bool
lf_feed_wants(const struct lf_commit *commit)
{
    return commit->feed.is_logging;
}

void
lf_feed_cancel(struct lf_commit *commit)
{
    commit->feed.is_logging = false;
}

/* Where a feed's segments end, so that retention has something to drop. */
static bool
is_full(const struct lf_meta_feed *meta, const struct lf_catalog *catalog,
        uint64_t sequence, int64_t time)
{
    uint64_t part = catalog->changes_size / SEGMENTS_OF_A_FEED;
    uint64_t most =
        catalog->changes_size && part < SEGMENT_BYTES ? part : SEGMENT_BYTES;
    int64_t age;

    if (most < SEGMENT_BYTES_MIN)
        most = SEGMENT_BYTES_MIN;
    if (meta->segment_bytes >= most ||
        sequence - meta->segment >= SEGMENT_COMMITS)
        return true;
    return catalog->changes &&
           !__builtin_sub_overflow(time, meta->segment_time, &age) &&
           age >= catalog->changes / SEGMENTS_OF_A_FEED;
}

static feature_status
close_segment(struct lf_commit *commit, struct feature_error *error)
{
    struct lf_meta_feed *meta = &commit->feed.meta;
    struct lf_segment segment = {.first = meta->segment,
                                 .last = meta->head,
                                 .last_time = meta->head_time,
                                 .bytes = meta->segment_bytes};
    uint8_t bytes[LF_SEGMENT_SIZE];
    char key[LF_FEED_KEY_SIZE];

    lf_segment_key(segment.last, key);
    lf_segment_encode(&segment, bytes);
    if (!meta->oldest_last) {
        meta->oldest_last = segment.last;
        meta->oldest_time = meta->head_time;
    }
    meta->segment = 0;
    return lf_tree_put(commit->tree, key, strlen(key), bytes, sizeof bytes,
                       false, error);
}

/* The segment of the commit that begins: a new one, or the newest. */
static feature_status
use_segment(struct lf_commit *commit, struct feature_error *error)
{
    struct lf_feed *feed = &commit->feed;
    struct lf_meta_feed *meta = &feed->meta;
    uint64_t sequence = commit->meta.sequence;
    int64_t time = commit->meta.commit_time;
    char tree[LF_TREE_NAME_SIZE];

    if (meta->segment && is_full(meta, feed->after, sequence, time))
        LF_TRY(close_segment(commit, error));
    if (!meta->segment) {
        meta->segment = sequence;
        meta->segment_time = time;
        meta->segment_bytes = 0;
    }
    lf_segment_tree(meta->segment, tree);
    feed->is_changed = true;
    return lf_writer_tree(commit->writer, tree, true, &feed->tree, error);
}

static feature_status
put_part(struct lf_commit *commit, uint32_t number, const uint8_t *frame,
         size_t size, struct feature_error *error)
{
    struct lf_feed *feed = &commit->feed;
    uint8_t key[LF_CHANGE_KEY_SIZE];

    lf_change_key(commit->meta.sequence, number, key);
    feed->meta.bytes += sizeof key + size;
    feed->meta.segment_bytes += sizeof key + size;
    return lf_tree_put(feed->tree, key, sizeof key, frame, size, true, error);
}

static feature_status
begin_record(struct lf_commit *commit, struct feature_error *error)
{
    struct lf_feed *feed = &commit->feed;
    struct lf_change_head *head = &feed->head;

    LF_TRY(use_segment(commit, error));
    head->sequence = commit->meta.sequence;
    head->commit_time = commit->meta.commit_time;
    head->epoch = commit->meta.epoch;
    head->catalog_version = commit->meta.catalog_version;
    memcpy(head->store, commit->meta.uuid, sizeof head->store);
    memcpy(head->previous, feed->meta.chain, LF_CHAIN_SIZE);
    lf_chain_begin(&feed->chain, head, feed->sources, feed->source_count);
    feed->number = 0;
    feed->is_begun = true;
    feed->has_change = false;
    if (!lf_part_begin(&feed->part, head, feed->sources, feed->source_count))
        return lf_fail_memory(error);
    return FEATURE_OK;
}

static feature_status
flush(struct lf_commit *commit, bool more, struct feature_error *error)
{
    struct lf_feed *feed = &commit->feed;

    if (!lf_part_end(&feed->part, more))
        return lf_fail_memory(error);
    LF_TRY(put_part(commit, feed->number, feed->part.data, feed->part.size,
                    error));
    if (more &&
        !lf_part_begin_next(&feed->part, commit->meta.sequence, ++feed->number))
        return lf_fail_memory(error);
    return FEATURE_OK;
}

feature_status
lf_feed_change(struct lf_commit *commit, const struct lf_change *change,
               struct feature_error *error)
{
    struct lf_feed *feed = &commit->feed;
    size_t size = change->key.size + change->after.size + change->before.size;
    uint8_t hash[16];

    if (!feed->is_begun)
        LF_TRY(begin_record(commit, error));
    if (feed->has_change &&
        feed->part.size + size + CHANGE_ROOM > LF_CHANGE_PART_SIZE)
        LF_TRY(flush(commit, true, error));
    feed->has_change = true;
    if (!lf_part_add(&feed->part, change, hash))
        return lf_fail_memory(error);
    lf_chain_add(&feed->chain, hash);
    return FEATURE_OK;
}

static struct lf_slice
without_checksum(const uint8_t *row, size_t size)
{
    return (struct lf_slice){.bytes = row + 4, .size = size - 4};
}

void
lf_feed_begin_batch(struct lf_commit *commit)
{
    commit->feed.last.size = 0;
}

/* Whether the change before this one in its batch was to the same row. */
static feature_status
is_repeated(struct lf_feed *feed, uint32_t view, const struct lf_slice *key,
            bool *is_same, struct feature_error *error)
{
    struct lf_buffer *last = &feed->last;

    *is_same = last->size == sizeof view + key->size &&
               lf_load_u32(last->data) == view &&
               memcmp(last->data + sizeof view, key->bytes, key->size) == 0;
    if (*is_same)
        return FEATURE_OK;
    last->size = 0;
    if (!lf_buffer_append(last, &view, sizeof view) ||
        !lf_buffer_append(last, key->bytes, key->size))
        return lf_fail_memory(error);
    return FEATURE_OK;
}

/* The image is of the row before the first of its changes in a batch. */
static feature_status
add_before(struct lf_rows *rows, const struct lf_stored *before,
           struct lf_change *change, struct feature_error *error)
{
    bool is_same;

    LF_TRY(is_repeated(&rows->commit->feed, change->view, &change->key,
                       &is_same, error));
    if (!is_same && before && before->found)
        change->before = without_checksum(before->row.bytes, before->row.size);
    return FEATURE_OK;
}

feature_status
lf_feed_add(struct lf_rows *rows, const struct lf_written *written,
            struct feature_error *error)
{
    const struct lf_view *view = rows->form->view;
    struct lf_change change = {
        .view = view->id,
        .operation = written->operation,
        .time = written->time,
        .key = {written->key, written->key_size},
        .after = without_checksum(written->row->data, written->row->size)};

    if (!rows->commit->feed.is_logging)
        return FEATURE_OK;
    if (view->changes)
        LF_TRY(add_before(rows, written->before, &change, error));
    return lf_feed_change(rows->commit, &change, error);
}

feature_status
lf_feed_define(struct lf_commit *commit, const uint8_t *key, size_t key_size,
               const uint8_t *bytes, size_t size, struct feature_error *error)
{
    struct lf_change change = {.operation = LF_CHANGE_DEFINE,
                               .key = {key, key_size},
                               .after = {bytes, size}};

    return commit->feed.is_logging ? lf_feed_change(commit, &change, error)
                                   : FEATURE_OK;
}

static feature_status
end_record(struct lf_commit *commit, struct feature_error *error)
{
    struct lf_feed *feed = &commit->feed;
    uint32_t dropped;

    feed->meta.head = commit->meta.sequence;
    feed->meta.head_time = commit->meta.commit_time;
    feed->is_logging = false;
    if (commit->store->leaves_upkeep)
        return FEATURE_OK;
    return lf_feed_upkeep(commit, feed->after, 1, &dropped, error);
}

feature_status
lf_feed_end(struct lf_commit *commit, struct feature_error *error)
{
    struct lf_feed *feed = &commit->feed;

    if (!feed->is_logging)
        return FEATURE_OK;
    if (!feed->is_begun)
        LF_TRY(begin_record(commit, error));
    LF_TRY(flush(commit, false, error));
    lf_chain_end(&feed->chain, feed->meta.chain);
    return end_record(commit, error);
}

feature_status
lf_feed_copy(struct lf_commit *commit, const struct lf_catalog *after,
             const uint8_t *record, size_t size,
             const uint8_t chain[LF_CHAIN_SIZE], struct feature_error *error)
{
    struct lf_feed *feed = &commit->feed;
    uint32_t number = 0;

    memcpy(feed->meta.chain, chain, LF_CHAIN_SIZE);
    feed->is_changed = true;
    LF_TRY(lf_feed_begin(commit, after, NULL, 0, error));
    if (!feed->is_logging)
        return FEATURE_OK;
    LF_TRY(use_segment(commit, error));
    while (size) {
        size_t frame = lf_frame_size(record, size);

        LF_TRY(put_part(commit, number++, record, frame, error));
        record += frame;
        size -= frame;
    }
    return end_record(commit, error);
}
