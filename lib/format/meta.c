/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The records of the tree `meta`.
 *
 * Owns the bytes of meta/store, meta/view/<id> and those of versions: crc32c u32 over key and
 * payload, then fields of fixed size in the order of the structs' encoders.
 * Keeps the format fixed: later fields append, guarded by a feature bit.
 * Never judges a feature bit: that is for who opens the store.
 */
#include "format/meta.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/crc32c.h"

static uint32_t
checksum(const char *key, const uint8_t *bytes, size_t size)
{
    return lf_crc32c(lf_crc32c(0, key, strlen(key)), bytes + 4, size - 4);
}

static uint8_t *
put_u64(uint8_t *to, uint64_t value)
{
    lf_store_u64(to, value);
    return to + 8;
}

static uint64_t
take_u64(const uint8_t **from)
{
    *from += 8;
    return lf_load_u64(*from - 8);
}

void
lf_meta_store_encode(const struct lf_meta_store *meta,
                     uint8_t to[LF_META_STORE_SIZE])
{
    uint8_t *at = to + 4;

    lf_store_u32(at, meta->format);
    lf_store_u32(at + 4, meta->shard_index);
    lf_store_u32(at + 8, meta->shard_count);
    at = put_u64(at + 12, meta->compatible);
    at = put_u64(at, meta->write_incompatible);
    at = put_u64(at, meta->incompatible);
    memcpy(at, meta->uuid, sizeof meta->uuid);
    at = put_u64(at + sizeof meta->uuid, meta->epoch);
    at = put_u64(at, meta->incarnation);
    at = put_u64(at, meta->sequence);
    at = put_u64(at, (uint64_t)meta->commit_time);
    at = put_u64(at, meta->catalog_version);
    for (int i = 0; i < LF_COMMITS_KEPT; i++) {
        at = put_u64(at, meta->tokens[i].sequence);
        at = put_u64(at, meta->tokens[i].token);
    }
    lf_store_u32(to, checksum(LF_META_STORE_KEY, to, LF_META_STORE_SIZE));
}

bool
lf_meta_store_decode(struct lf_meta_store *meta, const uint8_t *bytes,
                     size_t size)
{
    const uint8_t *at = bytes + 16;

    if (size != LF_META_STORE_SIZE ||
        lf_load_u32(bytes) != checksum(LF_META_STORE_KEY, bytes, size))
        return false;
    meta->format = lf_load_u32(bytes + 4);
    meta->shard_index = lf_load_u32(bytes + 8);
    meta->shard_count = lf_load_u32(bytes + 12);
    meta->compatible = take_u64(&at);
    meta->write_incompatible = take_u64(&at);
    meta->incompatible = take_u64(&at);
    memcpy(meta->uuid, at, sizeof meta->uuid);
    at += sizeof meta->uuid;
    meta->epoch = take_u64(&at);
    meta->incarnation = take_u64(&at);
    meta->sequence = take_u64(&at);
    meta->commit_time = (int64_t)take_u64(&at);
    meta->catalog_version = take_u64(&at);
    for (int i = 0; i < LF_COMMITS_KEPT; i++) {
        meta->tokens[i].sequence = take_u64(&at);
        meta->tokens[i].token = take_u64(&at);
    }
    return true;
}

void
lf_meta_view_key(uint32_t view, char key[LF_META_KEY_SIZE])
{
    snprintf(key, LF_META_KEY_SIZE, "view/%016" PRIx64, (uint64_t)view);
}

static const char *const standings[] = {
    [LF_STAGED] = "staged/", [LF_KEPT] = "version/"};

void
lf_meta_version_key(enum lf_standing standing, uint32_t view, uint32_t version,
                    char key[LF_META_KEY_SIZE])
{
    snprintf(key, LF_META_KEY_SIZE, "%s%016" PRIx64 "/%016" PRIx64,
             standings[standing], (uint64_t)view, (uint64_t)version);
}

bool
lf_meta_version_read_key(const uint8_t *key, size_t size,
                         enum lf_standing *standing, uint32_t *view,
                         uint32_t *version)
{
    char text[LF_META_KEY_SIZE] = "", again[LF_META_KEY_SIZE];
    unsigned long long id, number;
    const char *slash;

    if (size >= sizeof text)
        return false;
    memcpy(text, key, size);
    *standing = text[0] == 's' ? LF_STAGED : LF_KEPT;
    slash = strchr(text, '/');
    if (!slash || strlen(slash) != 1 + 16 + 1 + 16)
        return false;
    id = strtoull(slash + 1, NULL, 16);
    number = strtoull(slash + 18, NULL, 16);
    if (!id || !number || id > UINT32_MAX || number > UINT32_MAX)
        return false;
    *view = (uint32_t)id;
    *version = (uint32_t)number;
    lf_meta_version_key(*standing, *view, *version, again);
    return strlen(again) == size && !memcmp(again, text, size);
}

/* One that is kept says when it was replaced, too. */
static size_t
size_under(const char *key)
{
    return strncmp(key, standings[LF_KEPT], strlen(standings[LF_KEPT])) == 0
               ? LF_META_VERSION_SIZE
               : LF_META_VIEW_SIZE;
}

static size_t
encode_view(const struct lf_meta_view *meta, const char *key, uint8_t *to)
{
    uint8_t *at = to + 4;
    size_t size = size_under(key);

    at = put_u64(at, meta->row_entries);
    at = put_u64(at, meta->history_entries);
    at = put_u64(at, meta->tile_entries);
    at = put_u64(at, meta->tombstones);
    at = put_u64(at, meta->content.low);
    at = put_u64(at, meta->content.high);
    at = put_u64(at, (uint64_t)meta->newest);
    at = put_u64(at, meta->commit);
    at = put_u64(at, (uint64_t)meta->purge_horizon);
    at = put_u64(at, (uint64_t)meta->history_horizon);
    at = put_u64(at, meta->applied);
    at = put_u64(at, meta->late);
    at = put_u64(at, (uint64_t)meta->history_since);
    at = put_u64(at, meta->history_bases);
    at = put_u64(at, meta->history.low);
    at = put_u64(at, meta->history.high);
    at = put_u64(at, (uint64_t)meta->purge_time);
    if (size == LF_META_VERSION_SIZE)
        put_u64(put_u64(at, meta->left), meta->schema);
    lf_store_u32(to, checksum(key, to, size));
    return size;
}

void
lf_meta_view_encode(const struct lf_meta_view *meta, uint32_t view,
                    uint8_t to[LF_META_VIEW_SIZE])
{
    char key[LF_META_KEY_SIZE];

    lf_meta_view_key(view, key);
    (void)encode_view(meta, key, to);
}

size_t
lf_meta_version_encode(const struct lf_meta_view *meta, const char *key,
                       uint8_t to[LF_META_VERSION_SIZE])
{
    return encode_view(meta, key, to);
}

static bool
decode_view(struct lf_meta_view *meta, const char *key, const uint8_t *bytes,
            size_t size)
{
    const uint8_t *at = bytes + 4;

    if (size != size_under(key) ||
        lf_load_u32(bytes) != checksum(key, bytes, size))
        return false;
    meta->row_entries = take_u64(&at);
    meta->history_entries = take_u64(&at);
    meta->tile_entries = take_u64(&at);
    meta->tombstones = take_u64(&at);
    meta->content.low = take_u64(&at);
    meta->content.high = take_u64(&at);
    meta->newest = (int64_t)take_u64(&at);
    meta->commit = take_u64(&at);
    meta->purge_horizon = (int64_t)take_u64(&at);
    meta->history_horizon = (int64_t)take_u64(&at);
    meta->applied = take_u64(&at);
    meta->late = take_u64(&at);
    meta->history_since = (int64_t)take_u64(&at);
    meta->history_bases = take_u64(&at);
    meta->history.low = take_u64(&at);
    meta->history.high = take_u64(&at);
    meta->purge_time = (int64_t)take_u64(&at);
    meta->left = size == LF_META_VERSION_SIZE ? take_u64(&at) : 0;
    meta->schema = size == LF_META_VERSION_SIZE ? take_u64(&at) : 0;
    return true;
}

bool
lf_meta_view_decode(struct lf_meta_view *meta, uint32_t view,
                    const uint8_t *bytes, size_t size)
{
    char key[LF_META_KEY_SIZE];

    lf_meta_view_key(view, key);
    return decode_view(meta, key, bytes, size);
}

bool
lf_meta_version_decode(struct lf_meta_view *meta, const char *key,
                       const uint8_t *bytes, size_t size)
{
    return decode_view(meta, key, bytes, size);
}

struct lf_meta_view
lf_meta_view_empty(void)
{
    return (struct lf_meta_view){.newest = INT64_MIN,
                                 .purge_horizon = INT64_MIN,
                                 .history_horizon = INT64_MIN,
                                 .history_since = INT64_MIN};
}
