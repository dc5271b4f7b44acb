/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Change records as they are written.
 *
 * Owns the bytes of a record: frames, messages, hashes and the chain.
 * Keeps equal commits equal bytes: fields in order of number, none at its
 * default.
 * Never holds more than one part of a record.
 */
#include "format/change.h"

#include <string.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/hash.h"

enum wire { VARINT = 0, FIXED64 = 1, BYTES = 2 };

#define VARINT_MAX 10
#define HASH_SIZE  16

static uint8_t *
put_varint(uint8_t *to, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        *to++ = (uint8_t)(value | 0x80);
    *to++ = (uint8_t)value;
    return to;
}

static uint8_t *
put_number(uint8_t *to, unsigned field, uint64_t value)
{
    if (!value)
        return to;
    *to++ = (uint8_t)(field << 3 | VARINT);
    return put_varint(to, value);
}

static uint8_t *
put_bytes(uint8_t *to, unsigned field, const void *bytes, size_t size)
{
    if (!size)
        return to;
    *to++ = (uint8_t)(field << 3 | BYTES);
    to = put_varint(to, size);
    memcpy(to, bytes, size);
    return to + size;
}

static uint64_t
zigzag(int64_t value)
{
    uint64_t doubled = (uint64_t)value << 1;

    return value < 0 ? ~doubled : doubled;
}

/* Room for bytes that end at `to`; lf_buffer_cut gives back what is left. */
static uint8_t *
make_room(struct lf_buffer *buffer, size_t size)
{
    return lf_buffer_extend(buffer, size);
}

static void
cut(struct lf_buffer *buffer, const uint8_t *end)
{
    buffer->size = (size_t)(end - buffer->data);
}

static size_t
source_room(const struct feature_source *source)
{
    return 5 * VARINT_MAX + 5 + strlen(source->name) + source->position_size;
}

static uint8_t *
put_source(uint8_t *to, const struct feature_source *source)
{
    to = put_bytes(to, 1, source->name, strlen(source->name));
    to = put_number(to, 2, source->partition);
    to = put_number(to, 3, source->first_offset);
    to = put_number(to, 4, source->next_offset);
    return put_bytes(to, 5, source->position, source->position_size);
}

/* A field whose size is not known before it is written: the size comes to stand
 * behind the tag, and what was written moves. */
static uint8_t *
close_field(uint8_t *tag, uint8_t *end, unsigned field)
{
    uint8_t head[1 + VARINT_MAX], *after;
    size_t size = (size_t)(end - tag);

    head[0] = (uint8_t)(field << 3 | BYTES);
    after = put_varint(head + 1, size);
    memmove(tag + (after - head), tag, size);
    memcpy(tag, head, (size_t)(after - head));
    return end + (after - head);
}

static bool
add_source(struct lf_buffer *part, const struct feature_source *source)
{
    uint8_t *at = make_room(part, source_room(source) + 1 + VARINT_MAX);

    if (!at)
        return false;
    cut(part, close_field(at, put_source(at, source), 7));
    return true;
}

bool
lf_part_begin(struct lf_buffer *part, const struct lf_change_head *head,
              const struct feature_source *sources, uint32_t count)
{
    uint8_t *at;

    part->size = 0;
    at = make_room(part, LF_FRAME_SIZE + 3 * (1 + VARINT_MAX) + 9 + 4 +
                             LF_CHAIN_SIZE + sizeof head->store);
    if (!at)
        return false;
    at = put_number(at + LF_FRAME_SIZE, 1, head->sequence);
    at = put_bytes(at, 2, head->previous, LF_CHAIN_SIZE);
    *at++ = 3 << 3 | FIXED64;
    lf_store_i64(at, head->commit_time);
    at = put_bytes(at + 8, 4, head->store, sizeof head->store);
    at = put_number(at, 5, head->epoch);
    cut(part, put_number(at, 6, head->catalog_version));
    for (uint32_t i = 0; i < count; i++)
        if (!add_source(part, &sources[i]))
            return false;
    return true;
}

bool
lf_part_begin_next(struct lf_buffer *part, uint64_t sequence, uint32_t number)
{
    uint8_t *at;

    part->size = 0;
    at = make_room(part, LF_FRAME_SIZE + 2 * (1 + VARINT_MAX));
    if (!at)
        return false;
    at = put_number(at + LF_FRAME_SIZE, 1, sequence);
    cut(part, put_number(at, 9, number));
    return true;
}

static uint8_t *
put_payload(uint8_t *to, const struct lf_change *change)
{
    to = put_number(to, 1, change->view);
    to = put_bytes(to, 2, change->key.bytes, change->key.size);
    to = put_number(to, 3, (uint64_t)change->operation);
    to = put_number(to, 4, zigzag(change->time));
    to = put_bytes(to, 5, change->after.bytes, change->after.size);
    return put_bytes(to, 6, change->before.bytes, change->before.size);
}

static size_t
payload_room(const struct lf_change *change)
{
    return 6 * (1 + VARINT_MAX) + change->key.size + change->after.size +
           change->before.size;
}

static void
hash_payload(const uint8_t *bytes, size_t size, uint8_t hash[HASH_SIZE])
{
    struct lf_hash128 sum = lf_hash128(0, bytes, size);

    lf_store_u64(hash, sum.low);
    lf_store_u64(hash + 8, sum.high);
}

bool
lf_part_add(struct lf_buffer *part, const struct lf_change *change,
            uint8_t hash[HASH_SIZE])
{
    uint8_t *tag = make_room(part, payload_room(change) + 2 * (1 + VARINT_MAX) +
                                       1 + HASH_SIZE);
    uint8_t *end;

    if (!tag)
        return false;
    end = put_payload(tag, change);
    hash_payload(tag, (size_t)(end - tag), hash);
    end = put_bytes(end, 9, hash, HASH_SIZE);
    cut(part, close_field(tag, end, 8));
    return true;
}

bool
lf_part_end(struct lf_buffer *part, bool more)
{
    uint8_t *at = make_room(part, 1 + VARINT_MAX);
    size_t size;

    if (!at)
        return false;
    cut(part, put_number(at, 10, more));
    size = part->size - LF_FRAME_SIZE;
    lf_store_u32(part->data + 4, (uint32_t)size);
    lf_store_u32(part->data, lf_crc32c(0, part->data + 4, size + 4));
    return true;
}

void
lf_change_key(uint64_t sequence, uint32_t part, uint8_t key[LF_CHANGE_KEY_SIZE])
{
    lf_store_big_u64(key, sequence);
    lf_store_big_u32(key + 8, part);
}

/* In a form of its own: protobuf promises no order of fields. */
void
lf_chain_begin(struct lf_chain *chain, const struct lf_change_head *head,
               const struct feature_source *sources, uint32_t count)
{
    uint8_t bytes[32];

    lf_sha256_begin(&chain->sum);
    lf_sha256_add(&chain->sum, head->previous, LF_CHAIN_SIZE);
    lf_sha256_add(&chain->sum, head->store, sizeof head->store);
    lf_store_u64(bytes, head->sequence);
    lf_store_i64(bytes + 8, head->commit_time);
    lf_store_u64(bytes + 16, head->epoch);
    lf_store_u64(bytes + 24, head->catalog_version);
    lf_sha256_add(&chain->sum, bytes, sizeof bytes);
    for (uint32_t i = 0; i < count; i++) {
        const struct feature_source *source = &sources[i];

        lf_store_u32(bytes, (uint32_t)strlen(source->name));
        lf_store_u32(bytes + 4, source->partition);
        lf_store_u64(bytes + 8, source->first_offset);
        lf_store_u64(bytes + 16, source->next_offset);
        lf_store_u64(bytes + 24, source->position_size);
        lf_sha256_add(&chain->sum, bytes, sizeof bytes);
        lf_sha256_add(&chain->sum, source->name, strlen(source->name));
        lf_sha256_add(&chain->sum, source->position, source->position_size);
    }
}

void
lf_chain_add(struct lf_chain *chain, const uint8_t hash[HASH_SIZE])
{
    lf_sha256_add(&chain->sum, hash, HASH_SIZE);
}

void
lf_chain_end(struct lf_chain *chain, uint8_t to[LF_CHAIN_SIZE])
{
    lf_sha256_end(&chain->sum, to);
}
