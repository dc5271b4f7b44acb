/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records of loads.
 *
 * Owns the mapping between a record and its message.
 * Keeps decode(encode(record)) equal to record; the number that was given last
 * has a record of its own, which outlives those of the loads.
 * Never trusts a size, a name or a state that was stored.
 */
#include "format/load.h"

#include <string.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/error.h"
#include "format/budget.h"
#include "format/loads.pb-c.h"

void
lf_load_key(uint64_t number, uint8_t key[LF_LOAD_KEY_SIZE])
{
    lf_store_big_u64(key, number);
}

/* --- the last number -------------------------------------------------------------- */

static uint32_t
number_sum(const uint8_t *bytes)
{
    return lf_crc32c(lf_crc32c(0, LF_LOADS_KEY, strlen(LF_LOADS_KEY)),
                     bytes + 4, LF_LOADS_NUMBER_SIZE - 4);
}

void
lf_loads_number_encode(uint64_t number, uint8_t to[LF_LOADS_NUMBER_SIZE])
{
    lf_store_u64(to + 4, number);
    lf_store_u32(to, number_sum(to));
}

bool
lf_loads_number_decode(uint64_t *number, const uint8_t *bytes, size_t size)
{
    if (size != LF_LOADS_NUMBER_SIZE || lf_load_u32(bytes) != number_sum(bytes))
        return false;
    *number = lf_load_u64(bytes + 4);
    return true;
}

bool
lf_loads_number_is_key(const uint8_t *key, size_t size)
{
    return size == strlen(LF_LOADS_KEY) && !memcmp(key, LF_LOADS_KEY, size);
}

/* --- records ---------------------------------------------------------------------- */

static ProtobufCBinaryData
data_of(struct lf_slice slice)
{
    return (ProtobufCBinaryData){.len = slice.size,
                                 .data = (uint8_t *)(uintptr_t)slice.bytes};
}

static void
fill(const struct lf_load_record *record, Lf__LoadRecord *message)
{
    lf__load_record__init(message);
    message->number = record->number;
    message->view = record->view;
    message->id = data_of(record->id);
    message->fingerprint = data_of(record->fingerprint);
    message->state = (Lf__LoadRecord__State)record->state;
    message->version = record->version;
    message->previous = record->previous;
    message->cut = record->cut;
    message->cut_time = record->cut_time;
    message->began = record->began;
    message->ended = record->ended;
    message->sequence = record->sequence;
    message->time = record->time;
    message->rows = record->rows;
    message->bytes = record->bytes;
    message->content_low = record->content.low;
    message->content_high = record->content.high;
    message->caught_up = record->caught_up;
    message->swap_us = record->swap_us;
    message->gates = record->gates;
    message->gates_failed = record->gates_failed;
    message->figures = data_of(record->figures);
    message->forced = record->is_forced;
    message->rolled_back = record->is_rollback;
    message->token = record->token;
    message->pid = record->pid;
    message->problem = data_of(record->problem);
}

static bool
fill_sources(const struct lf_load_record *record, struct lf_arena *arena,
             Lf__LoadRecord *message)
{
    uint32_t count = record->source_count;
    Lf__LoadSource *sources = lf_arena_array(arena, count, sizeof *sources);

    message->sources = lf_arena_array(arena, count, sizeof(void *));
    if (!sources || !message->sources)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        lf__load_source__init(&sources[i]);
        sources[i].name = (char *)(uintptr_t)record->sources[i].name;
        sources[i].partition = record->sources[i].partition;
        sources[i].next_offset = record->sources[i].next_offset;
        message->sources[i] = &sources[i];
    }
    message->n_sources = count;
    return true;
}

feature_status
lf_load_encode_message(const struct lf_load_record *record,
                       struct lf_buffer *to, struct feature_error *error)
{
    struct lf_arena arena = {0};
    Lf__LoadRecord message;
    uint8_t *bytes = NULL;

    fill(record, &message);
    if (fill_sources(record, &arena, &message))
        bytes =
            lf_buffer_extend(to, lf__load_record__get_packed_size(&message));
    if (bytes)
        lf__load_record__pack(&message, bytes);
    lf_arena_free(&arena);
    return bytes ? FEATURE_OK : lf_fail_memory(error);
}

static uint32_t
checksum(const uint8_t *key, const uint8_t *bytes, size_t size)
{
    return lf_crc32c(lf_crc32c(0, key, LF_LOAD_KEY_SIZE), bytes, size);
}

feature_status
lf_load_encode(const struct lf_load_record *record, struct lf_buffer *to,
               struct feature_error *error)
{
    size_t begin = to->size;
    uint8_t key[LF_LOAD_KEY_SIZE];

    if (!lf_buffer_extend(to, 4))
        return lf_fail_memory(error);
    LF_TRY(lf_load_encode_message(record, to, error));
    lf_load_key(record->number, key);
    lf_store_u32(to->data + begin,
                 checksum(key, to->data + begin + 4, to->size - begin - 4));
    return FEATURE_OK;
}

static feature_status
damaged(struct feature_error *error)
{
    return lf_fail(error, FEATURE_CORRUPT, "structure",
                   "the record of a load is damaged");
}

static bool
is_sound(const Lf__LoadRecord *message)
{
    return message->number && message->view && message->version &&
           (int)message->state >= LF_LOAD_BUILDING &&
           (int)message->state <= LF_LOAD_ABORTED &&
           message->id.len <= LF_LOAD_ID_MAX &&
           message->fingerprint.len <= LF_LOAD_FINGERPRINT_MAX;
}

static bool
take_slice(struct lf_arena *arena, ProtobufCBinaryData from,
           struct lf_slice *to)
{
    to->bytes = (const uint8_t *)lf_arena_copy(arena, from.data, from.len);
    to->size = from.len;
    return to->bytes;
}

static bool
take_sources(struct lf_load_record *record, struct lf_arena *arena,
             const Lf__LoadRecord *message)
{
    size_t count = message->n_sources;
    struct lf_load_source *sources =
        lf_arena_array(arena, count, sizeof *sources);

    if (!sources)
        return false;
    for (size_t i = 0; i < count; i++) {
        const Lf__LoadSource *from = message->sources[i];

        sources[i] = (struct lf_load_source){
            .name = lf_arena_copy(arena, from->name, strlen(from->name)),
            .partition = from->partition,
            .next_offset = from->next_offset};
        if (!sources[i].name)
            return false;
    }
    record->source_count = (uint32_t)count;
    record->sources = sources;
    return true;
}

static bool
take(struct lf_load_record *record, struct lf_arena *arena,
     const Lf__LoadRecord *message)
{
    *record = (struct lf_load_record){
        .number = message->number,
        .view = message->view,
        .state = (int32_t)message->state,
        .version = message->version,
        .previous = message->previous,
        .cut = message->cut,
        .cut_time = message->cut_time,
        .began = message->began,
        .ended = message->ended,
        .sequence = message->sequence,
        .time = message->time,
        .rows = message->rows,
        .bytes = message->bytes,
        .content = {message->content_low, message->content_high},
        .caught_up = message->caught_up,
        .swap_us = message->swap_us,
        .gates = message->gates,
        .gates_failed = message->gates_failed,
        .is_forced = message->forced,
        .is_rollback = message->rolled_back,
        .token = message->token,
        .pid = message->pid};
    return take_slice(arena, message->id, &record->id) &&
           take_slice(arena, message->fingerprint, &record->fingerprint) &&
           take_slice(arena, message->figures, &record->figures) &&
           take_slice(arena, message->problem, &record->problem) &&
           take_sources(record, arena, message);
}

feature_status
lf_load_decode_message(struct lf_load_record *record, struct lf_arena *arena,
                       const uint8_t *bytes, size_t size,
                       struct feature_error *error)
{
    struct lf_budget budget;
    Lf__LoadRecord *message;
    bool sound, taken;

    if (size > LF_LOAD_SIZE_LIMIT)
        return damaged(error);
    lf_budget_init(&budget, size);
    message = lf__load_record__unpack(&budget.allocator, size, bytes);
    if (!message)
        return budget.no_memory ? lf_fail_memory(error) : damaged(error);
    sound = is_sound(message);
    taken = sound && take(record, arena, message);
    lf__load_record__free_unpacked(message, &budget.allocator);
    if (!sound)
        return damaged(error);
    return taken ? FEATURE_OK : lf_fail_memory(error);
}

feature_status
lf_load_decode(struct lf_load_record *record, struct lf_arena *arena,
               const uint8_t *key, size_t key_size, const uint8_t *bytes,
               size_t size, struct feature_error *error)
{
    if (key_size != LF_LOAD_KEY_SIZE || size < 4 ||
        lf_load_u32(bytes) != checksum(key, bytes + 4, size - 4))
        return lf_fail(error, FEATURE_CORRUPT, "checksum",
                       "the record of a load is damaged");
    LF_TRY(lf_load_decode_message(record, arena, bytes + 4, size - 4, error));
    return record->number == lf_load_big_u64(key) ? FEATURE_OK : damaged(error);
}
