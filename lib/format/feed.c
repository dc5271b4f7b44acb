/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records about the change feed and the sources.
 *
 * Owns the bytes of meta/feed, meta/changes/<last>, meta/consumer/<name> and of
 * the tree offsets: crc32c u32 over key and payload, then fixed fields.
 * Keeps the keys of closed segments in order of their last sequence, so that
 * one search finds the segment of a sequence.
 * Never accepts a record under another key than its own.
 */
#include "format/feed.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/crc32c.h"

static uint32_t
checksum(const void *key, size_t key_size, const uint8_t *bytes, size_t size)
{
    return lf_crc32c(lf_crc32c(0, key, key_size), bytes + 4, size - 4);
}

static bool
is_sound(const void *key, size_t key_size, const uint8_t *bytes, size_t size)
{
    return lf_load_u32(bytes) == checksum(key, key_size, bytes, size);
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
lf_meta_feed_encode(const struct lf_meta_feed *feed,
                    uint8_t to[LF_META_FEED_SIZE])
{
    uint8_t *at = put_u64(to + 4, feed->flags);

    at = put_u64(at, feed->first);
    at = put_u64(at, feed->head);
    at = put_u64(at, feed->served);
    memcpy(at, feed->chain, LF_CHAIN_SIZE);
    at = put_u64(at + LF_CHAIN_SIZE, feed->bytes);
    at = put_u64(at, feed->segment);
    at = put_u64(at, feed->segment_bytes);
    at = put_u64(at, (uint64_t)feed->segment_time);
    at = put_u64(at, feed->oldest_last);
    at = put_u64(at, (uint64_t)feed->oldest_time);
    put_u64(at, (uint64_t)feed->head_time);
    lf_store_u32(
        to, checksum(LF_FEED_KEY, strlen(LF_FEED_KEY), to, LF_META_FEED_SIZE));
}

bool
lf_meta_feed_decode(struct lf_meta_feed *feed, const uint8_t *bytes,
                    size_t size)
{
    const uint8_t *at = bytes + 4;

    if (size != LF_META_FEED_SIZE ||
        !is_sound(LF_FEED_KEY, strlen(LF_FEED_KEY), bytes, size))
        return false;
    feed->flags = take_u64(&at);
    feed->first = take_u64(&at);
    feed->head = take_u64(&at);
    feed->served = take_u64(&at);
    memcpy(feed->chain, at, LF_CHAIN_SIZE);
    at += LF_CHAIN_SIZE;
    feed->bytes = take_u64(&at);
    feed->segment = take_u64(&at);
    feed->segment_bytes = take_u64(&at);
    feed->segment_time = (int64_t)take_u64(&at);
    feed->oldest_last = take_u64(&at);
    feed->oldest_time = (int64_t)take_u64(&at);
    feed->head_time = (int64_t)take_u64(&at);
    return !(feed->flags & ~(uint64_t)LF_FEED_KNOWN);
}

void
lf_segment_key(uint64_t last, char key[LF_FEED_KEY_SIZE])
{
    snprintf(key, LF_FEED_KEY_SIZE, LF_SEGMENT_PREFIX "%016" PRIx64, last);
}

void
lf_segment_encode(const struct lf_segment *segment, uint8_t to[LF_SEGMENT_SIZE])
{
    char key[LF_FEED_KEY_SIZE];
    uint8_t *at = put_u64(to + 4, segment->first);

    at = put_u64(at, segment->last);
    at = put_u64(at, (uint64_t)segment->last_time);
    put_u64(at, segment->bytes);
    lf_segment_key(segment->last, key);
    lf_store_u32(to, checksum(key, strlen(key), to, LF_SEGMENT_SIZE));
}

bool
lf_segment_decode(struct lf_segment *segment, const uint8_t *key,
                  size_t key_size, const uint8_t *bytes, size_t size)
{
    char expected[LF_FEED_KEY_SIZE];
    const uint8_t *at = bytes + 4;

    if (size != LF_SEGMENT_SIZE || !is_sound(key, key_size, bytes, size))
        return false;
    segment->first = take_u64(&at);
    segment->last = take_u64(&at);
    segment->last_time = (int64_t)take_u64(&at);
    segment->bytes = take_u64(&at);
    lf_segment_key(segment->last, expected);
    return segment->first <= segment->last && strlen(expected) == key_size &&
           memcmp(expected, key, key_size) == 0;
}

static bool
is_word(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '_' || byte == '-' ||
           byte == '.';
}

bool
lf_consumer_key(const char *name, char key[LF_FEED_KEY_SIZE])
{
    size_t size = strnlen(name, LF_CONSUMER_MAX + 1);

    if (!size || size > LF_CONSUMER_MAX)
        return false;
    for (size_t i = 0; i < size; i++)
        if (!is_word(name[i]))
            return false;
    snprintf(key, LF_FEED_KEY_SIZE, LF_CONSUMER_PREFIX "%s", name);
    return true;
}

void
lf_consumer_encode(const struct lf_consumer *consumer, const char *key,
                   uint8_t to[LF_CONSUMER_SIZE])
{
    uint8_t *at = put_u64(to + 4, consumer->acknowledged);

    at = put_u64(at, (uint64_t)consumer->expires);
    put_u64(at, 0);
    lf_store_u32(to, checksum(key, strlen(key), to, LF_CONSUMER_SIZE));
}

bool
lf_consumer_decode(struct lf_consumer *consumer, const uint8_t *key,
                   size_t key_size, const uint8_t *bytes, size_t size)
{
    const uint8_t *at = bytes + 4;

    if (size != LF_CONSUMER_SIZE || !is_sound(key, key_size, bytes, size))
        return false;
    consumer->acknowledged = take_u64(&at);
    consumer->expires = (int64_t)take_u64(&at);
    return true;
}

size_t
lf_offset_key(const char *name, uint32_t partition,
              uint8_t key[LF_OFFSET_KEY_SIZE])
{
    size_t size = strlen(name);

    memcpy(key, name, size + 1);
    lf_store_big_u32(key + size + 1, partition);
    return size + 5;
}

bool
lf_offset_encode(const struct lf_offset *offset, const uint8_t *key,
                 size_t key_size, struct lf_buffer *to)
{
    uint8_t *bytes, *at;

    to->size = 0;
    bytes = lf_buffer_extend(to, LF_OFFSET_SIZE + offset->position.size);
    if (!bytes)
        return false;
    at = put_u64(bytes + 4, offset->next_offset);
    at = put_u64(at, offset->sequence);
    at = put_u64(at, offset->jumps);
    at = put_u64(at, 0);
    if (offset->position.size)
        memcpy(at, offset->position.bytes, offset->position.size);
    lf_store_u32(bytes, checksum(key, key_size, bytes, to->size));
    return true;
}

bool
lf_offset_decode(struct lf_offset *offset, const uint8_t *key, size_t key_size,
                 const uint8_t *bytes, size_t size)
{
    const uint8_t *at = bytes + 4;

    if (key_size < 6 || key_size > LF_OFFSET_KEY_SIZE || key[key_size - 5] ||
        memchr(key, 0, key_size - 5) || size < LF_OFFSET_SIZE ||
        size > LF_OFFSET_SIZE + LF_POSITION_MAX ||
        !is_sound(key, key_size, bytes, size))
        return false;
    offset->next_offset = take_u64(&at);
    offset->sequence = take_u64(&at);
    offset->jumps = take_u64(&at);
    offset->position.bytes = at + 8;
    offset->position.size = size - LF_OFFSET_SIZE;
    return true;
}
