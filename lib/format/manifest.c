/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A snapshot's manifest.
 *
 * Owns the mapping between the records of `meta` and the message.
 * Keeps decode(encode(manifest)) equal to manifest, its views in order of id.
 * Never trusts a size or an order that was stored.
 */
#include "format/manifest.h"

#include <string.h>

#include "base/error.h"
#include "format/budget.h"
#include "format/load.h"
#include "format/snapshot.pb-c.h"

static void
fill_view(const struct lf_manifest_view *view, Lf__SnapshotView *message)
{
    const struct lf_meta_view *meta = &view->meta;

    lf__snapshot_view__init(message);
    message->id = view->id;
    message->row_entries = meta->row_entries;
    message->tombstones = meta->tombstones;
    message->content_low = meta->content.low;
    message->content_high = meta->content.high;
    message->newest = meta->newest;
    message->commit = meta->commit;
    message->purge_horizon = meta->purge_horizon;
    message->history_horizon = meta->history_horizon;
    message->applied = meta->applied;
    message->late = meta->late;
    message->history_entries = meta->history_entries;
    message->history_since = meta->history_since;
    message->history_bases = meta->history_bases;
    message->history_low = meta->history.low;
    message->history_high = meta->history.high;
    message->purge_time = meta->purge_time;
    message->tile_entries = meta->tile_entries;
}

static void
fill_store(const struct lf_meta_store *meta, Lf__SnapshotManifest *message)
{
    lf__snapshot_manifest__init(message);
    message->store_format = meta->format;
    message->uuid.len = sizeof meta->uuid;
    message->uuid.data = (uint8_t *)(uintptr_t)meta->uuid;
    message->epoch = meta->epoch;
    message->incarnation = meta->incarnation;
    message->sequence = meta->sequence;
    message->commit_time = meta->commit_time;
    message->catalog_version = meta->catalog_version;
    message->shard_index = meta->shard_index;
    message->shard_count = meta->shard_count;
    message->compatible = meta->compatible;
    message->write_incompatible = meta->write_incompatible;
    message->incompatible = meta->incompatible;
}

static bool
fill_records(const struct lf_manifest *manifest, struct lf_arena *arena,
             Lf__SnapshotManifest *message)
{
    uint32_t count = manifest->record_count;
    Lf__SnapshotRecord *records = lf_arena_array(arena, count, sizeof *records);

    message->records = lf_arena_array(arena, count, sizeof(void *));
    if (!records || !message->records)
        return false;
    message->n_records = count;
    for (uint32_t i = 0; i < count; i++) {
        const struct lf_manifest_record *record = &manifest->records[i];

        lf__snapshot_record__init(&records[i]);
        records[i].is_offset = record->is_offset;
        records[i].key.len = record->key.size;
        records[i].key.data = (uint8_t *)(uintptr_t)record->key.bytes;
        records[i].value.len = record->value.size;
        records[i].value.data = (uint8_t *)(uintptr_t)record->value.bytes;
        message->records[i] = &records[i];
    }
    return true;
}

static feature_status
encode_with(const struct lf_manifest *manifest, struct lf_arena *arena,
            struct lf_buffer *to, struct feature_error *error)
{
    uint32_t count = manifest->view_count;
    Lf__SnapshotManifest message;
    Lf__SnapshotView *views, **list;
    uint8_t *bytes;
    size_t size;

    views = lf_arena_array(arena, count, sizeof *views);
    list = lf_arena_array(arena, count, sizeof(void *));
    if (!views || !list)
        return lf_fail_memory(error);
    fill_store(&manifest->meta, &message);
    for (uint32_t i = 0; i < count; i++) {
        fill_view(&manifest->views[i], &views[i]);
        list[i] = &views[i];
    }
    message.n_views = count;
    message.views = list;
    if (!fill_records(manifest, arena, &message))
        return lf_fail_memory(error);
    size = lf__snapshot_manifest__get_packed_size(&message);
    if (size > LF_MANIFEST_MAX)
        return lf_fail(
            error, FEATURE_FULL, "output-size",
            "the offsets of the store's sources take %zu bytes, more "
            "than the %u of a snapshot's manifest",
            size, LF_MANIFEST_MAX);
    bytes = lf_buffer_extend(to, size);
    if (!bytes)
        return lf_fail_memory(error);
    lf__snapshot_manifest__pack(&message, bytes);
    return FEATURE_OK;
}

feature_status
lf_manifest_encode(const struct lf_manifest *manifest, struct lf_buffer *to,
                   struct feature_error *error)
{
    struct lf_arena arena = {0};
    feature_status status = encode_with(manifest, &arena, to, error);

    lf_arena_free(&arena);
    return status;
}

static feature_status
damaged(struct feature_error *error, const char *what)
{
    return lf_fail(error, FEATURE_CORRUPT, "structure",
                   "the manifest is damaged: %s", what);
}

static feature_status
take_view(const Lf__SnapshotView *message, struct lf_manifest *manifest,
          struct feature_error *error)
{
    struct lf_manifest_view *view = &manifest->views[manifest->view_count];

    if (!message->id || (manifest->view_count && message->id <= view[-1].id))
        return damaged(error, "its views are not in order");
    if (message->tombstones > message->row_entries)
        return damaged(error, "a view has more tombstones than rows");
    *view = (struct lf_manifest_view){
        .id = message->id,
        .meta = {.row_entries = message->row_entries,
                 .tombstones = message->tombstones,
                 .content = {message->content_low, message->content_high},
                 .newest = message->newest,
                 .commit = message->commit,
                 .purge_horizon = message->purge_horizon,
                 .history_horizon = message->history_horizon,
                 .applied = message->applied,
                 .late = message->late,
                 .history_entries = message->history_entries,
                 .history_since = message->history_since,
                 .history_bases = message->history_bases,
                 .history = {message->history_low, message->history_high},
                 .purge_time = message->purge_time,
                 .tile_entries = message->tile_entries}};
    manifest->view_count++;
    return FEATURE_OK;
}

static feature_status
take_store(const Lf__SnapshotManifest *message, struct lf_meta_store *meta,
           struct feature_error *error)
{
    if (message->uuid.len != sizeof meta->uuid)
        return damaged(error, "its uuid has not 16 bytes");
    *meta = (struct lf_meta_store){.format = message->store_format,
                                   .shard_index = message->shard_index,
                                   .shard_count = message->shard_count,
                                   .compatible = message->compatible,
                                   .write_incompatible =
                                       message->write_incompatible,
                                   .incompatible = message->incompatible,
                                   .epoch = message->epoch,
                                   .incarnation = message->incarnation,
                                   .sequence = message->sequence,
                                   .commit_time = message->commit_time,
                                   .catalog_version = message->catalog_version};
    memcpy(meta->uuid, message->uuid.data, sizeof meta->uuid);
    return FEATURE_OK;
}

/* Whether the bytes are what they have to be under their key. */
static bool
is_record(const struct lf_manifest_record *record)
{
    const uint8_t *key = record->key.bytes, *value = record->value.bytes;
    struct lf_consumer consumer;
    struct lf_meta_feed feed;
    struct lf_offset offset;
    uint64_t number;

    if (record->value.size < 4)
        return false;
    if (record->is_offset)
        return lf_offset_decode(&offset, key, record->key.size, value,
                                record->value.size);
    if (record->key.size == strlen(LF_FEED_KEY) &&
        memcmp(key, LF_FEED_KEY, record->key.size) == 0)
        return lf_meta_feed_decode(&feed, value, record->value.size);
    if (lf_loads_number_is_key(key, record->key.size))
        return lf_loads_number_decode(&number, value, record->value.size);
    return record->key.size > strlen(LF_CONSUMER_PREFIX) &&
           memcmp(key, LF_CONSUMER_PREFIX, strlen(LF_CONSUMER_PREFIX)) == 0 &&
           lf_consumer_decode(&consumer, key, record->key.size, value,
                              record->value.size);
}

static bool
copy_slice(struct lf_arena *arena, ProtobufCBinaryData from,
           struct lf_slice *to)
{
    to->bytes = (const uint8_t *)lf_arena_copy(arena, from.data, from.len);
    to->size = from.len;
    return to->bytes;
}

static feature_status
take_records(const Lf__SnapshotManifest *message, struct lf_arena *arena,
             struct lf_manifest *manifest, struct feature_error *error)
{
    manifest->records =
        lf_arena_array(arena, message->n_records, sizeof *manifest->records);
    if (!manifest->records)
        return lf_fail_memory(error);
    for (size_t i = 0; i < message->n_records; i++) {
        struct lf_manifest_record *record = &manifest->records[i];
        const Lf__SnapshotRecord *each = message->records[i];

        record->is_offset = each->is_offset;
        if (!copy_slice(arena, each->key, &record->key) ||
            !copy_slice(arena, each->value, &record->value))
            return lf_fail_memory(error);
        if (!is_record(record))
            return damaged(error, "a record of its feed or its sources is not "
                                  "one");
        manifest->record_count++;
    }
    return FEATURE_OK;
}

static feature_status
take(const Lf__SnapshotManifest *message, struct lf_arena *arena,
     struct lf_manifest *manifest, struct feature_error *error)
{
    *manifest = (struct lf_manifest){0};
    LF_TRY(take_store(message, &manifest->meta, error));
    manifest->views =
        lf_arena_array(arena, message->n_views, sizeof *manifest->views);
    if (!manifest->views)
        return lf_fail_memory(error);
    for (size_t i = 0; i < message->n_views; i++)
        LF_TRY(take_view(message->views[i], manifest, error));
    return take_records(message, arena, manifest, error);
}

feature_status
lf_manifest_decode(const uint8_t *bytes, size_t size, struct lf_arena *arena,
                   struct lf_manifest *manifest, struct feature_error *error)
{
    Lf__SnapshotManifest *message;
    struct lf_budget budget;
    feature_status status;

    if (size > LF_MANIFEST_MAX)
        return damaged(error, "it is too large");
    lf_budget_init(&budget, size);
    message = lf__snapshot_manifest__unpack(&budget.allocator, size, bytes);
    if (!message)
        return budget.no_memory ? lf_fail_memory(error)
                                : damaged(error, "it is no message");
    status = take(message, arena, manifest, error);
    lf__snapshot_manifest__free_unpacked(message, &budget.allocator);
    return status;
}
