/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A store as the beginning of a copy.
 *
 * Owns the walk over all trees of one snapshot, a chunk at a time.
 * Keeps the reader parked save while a chunk is read into memory: a writer that
 * needs a larger map waits for a few milliseconds, whatever the disk of the
 * snapshot or the level of its compression.
 * Never hands on a pointer into the map.
 */
#include <string.h>

#include "base/alloc.h"
#include "format/load.h"
#include "format/upkeep.h"
#include "store/copy.h"
#include "store/history.h"

#define CHUNK (1u << 20)

/* Records as key size u32, value size u32, key, value. */
struct chunk {
    struct lf_buffer bytes;
    uint8_t from[LF_HISTORY_KEY_MAX + 1]; /* no key below it is left to read */
    size_t from_size;
    size_t most; /* bytes of a value */
    bool is_full;
    struct lf_copy *rows; /* of a view FROM an event, or NULL */
};

static feature_status
gather(void *context, const uint8_t *key, size_t key_size, const uint8_t *value,
       size_t size, struct feature_error *error)
{
    struct chunk *chunk = context;
    uint8_t *to;

    if (key_size > LF_HISTORY_KEY_MAX || size > chunk->most)
        return lf_fail(error, FEATURE_CORRUPT, "structure",
                       "a key of %zu bytes with a value of %zu cannot be",
                       key_size, size);
    if (chunk->rows)
        LF_TRY(lf_copy_fill(chunk->rows, key, key_size, &value, &size, error));
    to = lf_buffer_extend(&chunk->bytes, 8 + key_size + size);
    if (!to)
        return lf_fail_memory(error);
    lf_store_u32(to, (uint32_t)key_size);
    lf_store_u32(to + 4, (uint32_t)size);
    memcpy(to + 8, key, key_size);
    memcpy(to + 8 + key_size, value, size);
    chunk->is_full = chunk->bytes.size >= CHUNK;
    if (!chunk->is_full)
        return FEATURE_OK;
    /* The next key there can be: this one and a zero. */
    memcpy(chunk->from, key, key_size);
    chunk->from[key_size] = 0;
    chunk->from_size = key_size + 1;
    return LF_ENOUGH;
}

static feature_status
read_chunk(struct lf_reader *reader, const char *tree, struct chunk *chunk,
           struct feature_error *error)
{
    feature_status status;

    chunk->bytes.size = 0;
    chunk->is_full = false;
    LF_TRY(lf_reader_resume(reader, error));
    if (chunk->rows)
        lf_sides_in_reader(&chunk->rows->sides, reader);
    status = lf_reader_scan_from(reader, tree, chunk->from, chunk->from_size,
                                 gather, chunk, error);
    if (chunk->rows)
        lf_sides_leave(&chunk->rows->sides);
    lf_reader_park(reader);
    return status;
}

static feature_status
hand_on(struct lf_copy *copy, const struct chunk *chunk,
        lf_copy_entry take_record, struct feature_error *error)
{
    const uint8_t *at = chunk->bytes.data;
    /* An empty chunk has no memory, and NULL + 0 no meaning. */
    const uint8_t *end = at ? at + chunk->bytes.size : NULL;

    while (at < end) {
        size_t key_size = lf_load_u32(at), size = lf_load_u32(at + 4);

        LF_TRY(take_record(copy, at + 8, key_size, at + 8 + key_size, size,
                           error));
        at += 8 + key_size + size;
    }
    return lf_copy_tell(copy, error);
}

static feature_status
copy_tree(struct lf_copy *copy, struct lf_reader *reader, const char *tree,
          struct chunk *chunk, lf_copy_entry take_record,
          struct feature_error *error)
{
    chunk->from_size = 0;
    do {
        LF_TRY(read_chunk(reader, tree, chunk, error));
        LF_TRY(hand_on(copy, chunk, take_record, error));
    } while (chunk->is_full);
    return FEATURE_OK;
}

/* Records of meta and of the sources, as they are found. */
struct collection {
    struct lf_arena *arena;
    struct lf_buffer views;
    struct lf_buffer records;
    struct lf_buffer dictionaries;
    const struct lf_meta_store *meta;
    bool keeps_feed, keeps_blocks;
    bool is_offsets;
};

static feature_status
collect_view(struct collection *to, const uint8_t *key, size_t key_size,
             const uint8_t *value, size_t size, struct feature_error *error)
{
    struct lf_manifest_view view = {0};
    enum lf_standing standing;
    uint32_t id, version;
    char expected[LF_META_KEY_SIZE];

    if (key_size > strlen(LF_UPKEEP_PREFIX) &&
        memcmp(key, LF_UPKEEP_PREFIX, strlen(LF_UPKEEP_PREFIX)) == 0)
        return FEATURE_OK; /* the copy begins anew */
    if (lf_meta_version_read_key(key, key_size, &standing, &id, &version))
        return FEATURE_OK; /* the copy has what serves */
    if (key_size < 5 || memcmp(key, "view/", 5) != 0)
        return lf_fail(error, FEATURE_VERSION, "format",
                       "the store has a record of a newer libfeature");
    for (size_t i = 5; i < key_size; i++)
        view.id = view.id * 16 + (key[i] & 15u) + (key[i] > '9' ? 9u : 0u);
    lf_meta_view_key(view.id, expected);
    if (strlen(expected) != key_size || memcmp(key, expected, key_size) != 0 ||
        !lf_meta_view_decode(&view.meta, view.id, value, size))
        return lf_fail(error, FEATURE_CORRUPT, "checksum",
                       "the record of a view is damaged");
    if (!lf_buffer_append(&to->views, &view, sizeof view))
        return lf_fail_memory(error);
    return FEATURE_OK;
}

static feature_status
add_record(struct collection *to, const uint8_t *key, size_t key_size,
           const uint8_t *value, size_t size, struct feature_error *error)
{
    struct lf_manifest_record record = {
        .is_offset = to->is_offsets,
        .key = {(const uint8_t *)lf_arena_copy(to->arena, key, key_size),
                key_size},
        .value = {(const uint8_t *)lf_arena_copy(to->arena, value, size),
                  size}};

    if (!record.key.bytes || !record.value.bytes ||
        !lf_buffer_append(&to->records, &record, sizeof record))
        return lf_fail_memory(error);
    return FEATURE_OK;
}

/* A copy without the feed's records has its position: the feed of a store that
 * is made of it begins after the commit that was copied. */
static feature_status
collect_feed(struct collection *to, const uint8_t *value, size_t size,
             struct feature_error *error)
{
    const uint8_t *key = (const uint8_t *)LF_FEED_KEY;
    struct lf_meta_feed feed, position;
    uint8_t bytes[LF_META_FEED_SIZE];

    if (!lf_meta_feed_decode(&feed, value, size))
        return lf_fail(error, FEATURE_CORRUPT, "checksum",
                       "the record of the change feed is damaged");
    if (to->keeps_feed)
        return add_record(to, key, strlen(LF_FEED_KEY), value, size, error);
    position = (struct lf_meta_feed){.flags = feed.flags};
    memcpy(position.chain, feed.chain, LF_CHAIN_SIZE);
    if (feed.flags & LF_FEED_ON) {
        position.first = to->meta->sequence + 1;
        position.head = position.served = to->meta->sequence;
        position.head_time = to->meta->commit_time;
    }
    lf_meta_feed_encode(&position, bytes);
    return add_record(to, key, strlen(LF_FEED_KEY), bytes, sizeof bytes, error);
}

static bool
has_prefix(const uint8_t *key, size_t size, const char *prefix)
{
    return size > strlen(prefix) && memcmp(key, prefix, strlen(prefix)) == 0;
}

/* A copy with blocks takes it along, any other needs it while it is made. */
static feature_status
collect_dictionary(struct collection *to, const uint8_t *key, size_t key_size,
                   const uint8_t *value, size_t size,
                   struct feature_error *error)
{
    struct lf_dictionary_copy made = {.size = size};

    if (key_size >= sizeof made.key)
        return lf_fail(error, FEATURE_CORRUPT, "structure",
                       "a record of a dictionary has too long a key");
    memcpy(made.key, key, key_size);
    made.record = (const uint8_t *)lf_arena_copy(to->arena, value, size);
    if (!made.record ||
        !lf_buffer_append(&to->dictionaries, &made, sizeof made))
        return lf_fail_memory(error);
    return to->keeps_blocks ? add_record(to, key, key_size, value, size, error)
                            : FEATURE_OK;
}

static feature_status
collect(void *context, const uint8_t *key, size_t key_size,
        const uint8_t *value, size_t size, struct feature_error *error)
{
    struct collection *to = context;

    if (to->is_offsets || has_prefix(key, key_size, LF_CONSUMER_PREFIX))
        return add_record(to, key, key_size, value, size, error);
    if (has_prefix(key, key_size, LF_DICTIONARY_PREFIX))
        return collect_dictionary(to, key, key_size, value, size, error);
    if (has_prefix(key, key_size, LF_SEGMENT_PREFIX))
        return to->keeps_feed
                   ? add_record(to, key, key_size, value, size, error)
                   : FEATURE_OK;
    if (key_size == strlen(LF_META_STORE_KEY) &&
        memcmp(key, LF_META_STORE_KEY, key_size) == 0)
        return FEATURE_OK;
    if (key_size == strlen(LF_FEED_KEY) &&
        memcmp(key, LF_FEED_KEY, key_size) == 0)
        return collect_feed(to, value, size, error);
    if (lf_loads_number_is_key(key, key_size))
        return add_record(to, key, key_size, value, size, error);
    return collect_view(to, key, key_size, value, size, error);
}

/* Of what was collected, in the arena. */
static void *
settle(struct lf_arena *arena, const struct lf_buffer *from, size_t each,
       uint32_t *count)
{
    void *made;

    *count = (uint32_t)(from->size / each);
    made = lf_arena_array(arena, *count, each);
    if (made && from->size)
        memcpy(made, from->data, from->size);
    return made;
}

/* The keys have digits of a fixed number: their order is that of the ids. */
static feature_status
read_manifest(struct lf_copy *copy, struct lf_reader *reader,
              struct feature_error *error)
{
    struct lf_manifest *manifest = &copy->manifest;
    struct collection found = {.arena = &copy->arena,
                               .meta = &manifest->meta,
                               .keeps_feed = copy->keeps_feed,
                               .keeps_blocks = copy->keeps_blocks};
    feature_status status;

    LF_TRY(lf_store_read_meta(reader, &manifest->meta, error));
    memset(manifest->meta.tokens, 0, sizeof manifest->meta.tokens);
    status = lf_reader_scan(reader, LF_META_TREE, collect, &found, error);
    found.is_offsets = true;
    if (!status)
        status =
            lf_reader_scan(reader, LF_OFFSETS_TREE, collect, &found, error);
    manifest->views = settle(&copy->arena, &found.views,
                             sizeof *manifest->views, &manifest->view_count);
    manifest->records =
        settle(&copy->arena, &found.records, sizeof *manifest->records,
               &manifest->record_count);
    copy->dictionaries =
        settle(&copy->arena, &found.dictionaries, sizeof *copy->dictionaries,
               &copy->dictionary_count);
    if (!status &&
        (!manifest->views || !manifest->records || !copy->dictionaries))
        status = lf_fail_memory(error);
    lf_buffer_free(&found.dictionaries);
    lf_buffer_free(&found.views);
    lf_buffer_free(&found.records);
    return status;
}

static feature_status
copy_views(struct lf_copy *copy, struct lf_reader *reader, struct chunk *chunk,
           struct feature_error *error)
{
    while (copy->view < copy->manifest.view_count) {
        char tree[LF_TREE_NAME_SIZE];

        LF_TRY(lf_copy_view(copy, error));
        lf_rows_tree(copy->definition, tree);
        chunk->rows = copy->definition->event ? copy : NULL;
        LF_TRY(copy_tree(copy, reader, tree, chunk, lf_copy_row, error));
        chunk->rows = NULL;
        if (copy->definition->history) {
            LF_TRY(lf_copy_history(copy, error));
            LF_TRY(lf_copy_blocks(copy, error));
            lf_history_tree(copy->definition, tree);
            LF_TRY(
                copy_tree(copy, reader, tree, chunk, lf_copy_version, error));
        }
        LF_TRY(lf_copy_view_end(copy, error));
    }
    return FEATURE_OK;
}

static feature_status
copy_ids(struct lf_copy *copy, struct lf_reader *reader, struct chunk *chunk,
         struct feature_error *error)
{
    for (uint32_t i = 0; i < copy->catalog->event_count; i++) {
        const struct lf_event *event = &copy->catalog->events[i];
        char tree[LF_TREE_NAME_SIZE];

        if (!lf_dedupe_applies(event))
            continue;
        lf_dedupe_tree(event, tree);
        LF_TRY(lf_copy_ids(copy, event->id, error));
        LF_TRY(copy_tree(copy, reader, tree, chunk, lf_copy_id, error));
    }
    return FEATURE_OK;
}

static feature_status
copy_loads(struct lf_copy *copy, struct lf_reader *reader, struct chunk *chunk,
           struct feature_error *error)
{
    LF_TRY(lf_copy_loads(copy, error));
    return copy_tree(copy, reader, LF_LOADS_TREE, chunk, lf_copy_load, error);
}

feature_status
lf_copy_store(struct lf_copy *copy, struct lf_reader *reader,
              struct feature_error *error)
{
    struct chunk chunk = {.most = LF_HISTORY_SIZE_LIMIT};
    feature_status status;

    LF_TRY(lf_reader_resume(reader, error));
    status = read_manifest(copy, reader, error);
    lf_reader_park(reader);
    if (!status)
        status = lf_copy_begin(copy, error);
    if (!status)
        status = copy_tree(copy, reader, LF_CATALOG_TREE, &chunk,
                           lf_copy_record, error);
    if (!status)
        status = lf_copy_catalog(copy, error);
    if (!status)
        status = copy_views(copy, reader, &chunk, error);
    if (!status)
        status = copy_ids(copy, reader, &chunk, error);
    if (!status)
        status = copy_loads(copy, reader, &chunk, error);
    lf_buffer_free(&chunk.bytes);
    return status;
}

feature_status
lf_copy_raw(struct lf_copy *copy, struct lf_reader *reader, const char *tree,
            lf_copy_entry put, struct feature_error *error)
{
    struct chunk chunk = {.most = LF_FRAME_SIZE + LF_CHANGE_SIZE_LIMIT};
    feature_status status = copy_tree(copy, reader, tree, &chunk, put, error);

    lf_buffer_free(&chunk.bytes);
    return status;
}
