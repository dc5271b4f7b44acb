/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entries of history, to bytes and back.
 *
 * Owns the place behind a join key, and the value: a header, the row as it was
 * written, and maybe an image, the row that it and all older entries make.
 * Keeps memcmp order of places newest first: by event timestamp, then commit
 * sequence, then ordinal within the commit, each complemented.
 * Never believes a byte before the checksum over kind, view, key and value.
 */
#include "format/history.h"

#include <string.h>

#include "base/crc32c.h"
#include "format/key.h"

#define KIND_HISTORY 'h'

void
lf_history_put_place(uint8_t to[LF_HISTORY_PLACE_SIZE],
                     const struct lf_history_place *place)
{
    lf_store_big_u64(to, ~((uint64_t)place->time ^ LF_KEY_SIGN));
    lf_store_big_u64(to + 8, ~place->sequence);
    lf_store_big_u32(to + 16, ~place->ordinal);
}

struct lf_history_place
lf_history_get_place(const uint8_t *from)
{
    return (struct lf_history_place){
        .time = (int64_t)(~lf_load_big_u64(from) ^ LF_KEY_SIGN),
        .sequence = ~lf_load_big_u64(from + 8),
        .ordinal = ~lf_load_big_u32(from + 16)};
}

uint32_t
lf_history_seed(uint32_t view)
{
    uint8_t head[9] = {KIND_HISTORY};

    lf_store_u64(head + 1, view);
    return lf_crc32c(0, head, sizeof head);
}

/* A row within an entry has no checksum of its own. */
static bool
open_row(struct lf_row *row, const uint8_t *bytes, size_t size)
{
    return lf_row_open(row, bytes, size) && !lf_load_u32(bytes);
}

/* A version is at its own time; a base at none, and what it has is older than
 * the history. */
bool
lf_history_is_consistent(const struct lf_history_entry *entry)
{
    const struct lf_history_place *place = &entry->place;
    bool is_tombstone = entry->row.flags & LF_ROW_TOMBSTONE;

    if (entry->operation == LF_HISTORY_BASE)
        return place->time == LF_TIME_UNSET && !place->sequence &&
               !place->ordinal && !entry->has_image;
    return place->time != LF_TIME_UNSET &&
           is_tombstone == (entry->operation == FEATURE_DELETE) &&
           entry->row.timestamp == place->time &&
           (entry->operation <= FEATURE_DELETE || !entry->has_image) &&
           (!entry->has_image || entry->image_time >= entry->commit_time);
}

static bool
open_rows(struct lf_history_entry *entry, const uint8_t *at, size_t size)
{
    size_t row_size = size;

    if (entry->has_image) {
        if (size < LF_HISTORY_IMAGE_SIZE || lf_load_u32(at + 4))
            return false;
        row_size = lf_load_u32(at);
        entry->image_time = lf_load_i64(at + 8);
        at += LF_HISTORY_IMAGE_SIZE;
        size -= LF_HISTORY_IMAGE_SIZE;
        if (row_size > size ||
            !open_row(&entry->image, at + row_size, size - row_size))
            return false;
    }
    return open_row(&entry->row, at, row_size);
}

const char *
lf_history_open(struct lf_history_entry *entry, uint32_t seed,
                const uint8_t *key, size_t key_size, const uint8_t *value,
                size_t size)
{
    uint16_t flags;

    if (key_size <= LF_HISTORY_PLACE_SIZE || size < LF_HISTORY_HEADER_SIZE ||
        size > LF_HISTORY_SIZE_LIMIT)
        return "structure";
    if (lf_load_u32(value) != lf_row_checksum(seed, key, key_size, value, size))
        return "checksum";
    flags = lf_load_u16(value + 6);
    if (value[4] != LF_HISTORY_VERSION || value[5] > FEATURE_RETRACT ||
        (flags & ~LF_HISTORY_HAS_IMAGE))
        return "structure";
    entry->place = lf_history_get_place(key + key_size - LF_HISTORY_PLACE_SIZE);
    entry->operation = value[5];
    entry->has_image = flags & LF_HISTORY_HAS_IMAGE;
    entry->commit_time = lf_load_i64(value + 8);
    if (!open_rows(entry, value + LF_HISTORY_HEADER_SIZE,
                   size - LF_HISTORY_HEADER_SIZE) ||
        !lf_history_is_consistent(entry))
        return "structure";
    return NULL;
}

static bool
put_row(struct lf_buffer *value, const uint8_t *row, size_t size)
{
    uint8_t *to = lf_buffer_extend(value, size);

    if (!to)
        return false;
    memcpy(to, row, size);
    lf_store_u32(to, 0);
    return true;
}

bool
lf_history_encode(const struct lf_history_entry *entry, uint32_t seed,
                  const uint8_t *key, size_t key_size, const uint8_t *row,
                  size_t row_size, const struct lf_buffer *image,
                  struct lf_buffer *value)
{
    uint8_t head[LF_HISTORY_HEADER_SIZE + LF_HISTORY_IMAGE_SIZE] = {0};

    head[4] = LF_HISTORY_VERSION;
    head[5] = (uint8_t)entry->operation;
    head[6] = image ? LF_HISTORY_HAS_IMAGE : 0;
    lf_store_i64(head + 8, entry->commit_time);
    lf_store_u32(head + 16, (uint32_t)row_size);
    lf_store_i64(head + 24, entry->image_time);
    value->size = 0;
    if (!lf_buffer_append(value, head,
                          image ? sizeof head : LF_HISTORY_HEADER_SIZE) ||
        !put_row(value, row, row_size) ||
        (image && !put_row(value, image->data, image->size)))
        return false;
    lf_store_u32(value->data, lf_row_checksum(seed, key, key_size, value->data,
                                              value->size));
    return true;
}

struct lf_hash128
lf_history_hash(uint32_t view, const uint8_t *key, size_t key_size,
                const struct lf_history_entry *entry)
{
    struct lf_hash128 seed = lf_hash128(view, key, key_size);
    uint8_t head[16] = {0};

    lf_store_u64(head, (uint64_t)entry->operation);
    lf_store_i64(head + 8, entry->commit_time);
    seed = lf_hash128(seed.low, head, sizeof head);
    return lf_hash128(seed.low, entry->row.bytes + 4, entry->row.size - 4);
}
