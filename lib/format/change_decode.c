/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Change records as they are read.
 *
 * Owns the checks between foreign bytes and a record.
 * Keeps every size, number and hash of a part checked before anybody acts on
 * it.
 * Never takes more memory for a part than a fixed multiple of its size.
 */
#include <string.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/error.h"
#include "format/change.h"
#include "format/changes.pb-c.h"
#include "format/row.h"

static feature_status
damaged(struct feature_error *error, const char *problem)
{
    return lf_fail(error, FEATURE_CORRUPT, "structure",
                   "the change record is damaged: %s", problem);
}

size_t
lf_frame_size(const uint8_t *bytes, size_t size)
{
    uint32_t message;

    if (size < LF_FRAME_SIZE)
        return 0;
    message = lf_load_u32(bytes + 4);
    if (message > LF_CHANGE_SIZE_LIMIT || message > size - LF_FRAME_SIZE)
        return 0;
    return LF_FRAME_SIZE + message;
}

static struct lf_slice
slice(ProtobufCBinaryData data)
{
    return (struct lf_slice){.bytes = data.data, .size = data.len};
}

static feature_status
take_head(struct lf_part *part, const Lf__Commit *message,
          struct feature_error *error)
{
    struct lf_change_head *head = &part->head;

    if (message->previous_chain.len != LF_CHAIN_SIZE)
        return damaged(error, "its chain has not 32 bytes");
    if (message->store.len != sizeof head->store)
        return damaged(error, "its store has not 16 bytes");
    if (!message->epoch)
        return damaged(error, "it has no epoch");
    memcpy(head->previous, message->previous_chain.data, LF_CHAIN_SIZE);
    memcpy(head->store, message->store.data, sizeof head->store);
    head->commit_time = message->commit_time;
    head->epoch = message->epoch;
    head->catalog_version = message->catalog_version;
    return FEATURE_OK;
}

static feature_status
take_sources(struct lf_part *part, const Lf__Commit *message,
             struct feature_error *error)
{
    ProtobufCAllocator *allocator = &part->budget.allocator;

    if (!message->n_sources)
        return FEATURE_OK;
    part->sources = allocator->alloc(
        allocator->allocator_data, message->n_sources * sizeof *part->sources);
    if (!part->sources)
        return part->budget.no_memory ? lf_fail_memory(error)
                                      : damaged(error, "too many sources");
    part->source_count = (uint32_t)message->n_sources;
    for (uint32_t i = 0; i < part->source_count; i++) {
        const Lf__SourceOffset *source = message->sources[i];
        size_t size = strlen(source->name);

        if (!size || size > LF_SOURCE_NAME_MAX)
            return damaged(error, "a source has a bad name");
        if (source->position.len > LF_POSITION_MAX ||
            source->first_offset > source->next_offset)
            return damaged(error, "a source has a bad position");
        part->sources[i] = (struct feature_source){
            .name = source->name,
            .position = source->position.data,
            .first_offset = source->first_offset,
            .next_offset = source->next_offset,
            .partition = source->partition,
            .position_size = (uint32_t)source->position.len};
    }
    return FEATURE_OK;
}

static feature_status
take(struct lf_part *part, struct feature_error *error)
{
    const Lf__Commit *message = part->message;

    if (!message->sequence)
        return damaged(error, "it has no sequence");
    part->head.sequence = message->sequence;
    part->number = message->part;
    part->has_more = message->more;
    part->change_count = (uint32_t)message->n_changes;
    if (!part->number)
        LF_TRY(take_head(part, message, error));
    else if (message->n_sources || !message->n_changes)
        return damaged(error, "a later part holds what it cannot");
    return take_sources(part, message, error);
}

feature_status
lf_part_open(struct lf_part *part, const uint8_t *frame, size_t size,
             struct feature_error *error)
{
    feature_status status;

    memset(part, 0, sizeof *part);
    if (!size || lf_frame_size(frame, size) != size)
        return damaged(error, "its size is wrong");
    if (lf_load_u32(frame) != lf_crc32c(0, frame + 4, size - 4))
        return lf_fail(error, FEATURE_CORRUPT, "checksum",
                       "the change record is damaged: its checksum is wrong");
    lf_budget_init(&part->budget, size);
    part->message = lf__commit__unpack(
        &part->budget.allocator, size - LF_FRAME_SIZE, frame + LF_FRAME_SIZE);
    if (!part->message)
        return part->budget.no_memory ? lf_fail_memory(error)
                                      : damaged(error, "it is no message");
    status = take(part, error);
    if (status)
        lf_part_free(part);
    return status;
}

void
lf_part_free(struct lf_part *part)
{
    ProtobufCAllocator *allocator = &part->budget.allocator;

    if (part->sources)
        allocator->free(allocator->allocator_data, part->sources);
    if (part->message)
        lf__commit__free_unpacked(part->message, allocator);
    part->sources = NULL;
    part->message = NULL;
}

/* Encodes the payload again: its hash is of the form that the writer has. */
static feature_status
check_hash(const struct lf_change *change, const Lf__Change *message,
           struct lf_buffer *scratch, struct feature_error *error)
{
    uint8_t hash[sizeof change->hash];

    scratch->size = 0;
    if (!lf_part_add(scratch, change, hash))
        return lf_fail_memory(error);
    if (memcmp(hash, message->payload_hash.data, sizeof hash) != 0)
        return damaged(error, "a change does not have its hash");
    return FEATURE_OK;
}

feature_status
lf_part_change(const struct lf_part *part, uint32_t index,
               struct lf_buffer *scratch, struct lf_change *change,
               struct feature_error *error)
{
    const Lf__Commit *commit = part->message;
    const Lf__Change *message = commit->changes[index];

    *change = (struct lf_change){.view = message->view,
                                 .operation = (int32_t)message->operation,
                                 .time = message->event_timestamp,
                                 .key = slice(message->key),
                                 .after = slice(message->after),
                                 .before = slice(message->before),
                                 .is_erased = message->erased};
    if (message->payload_hash.len != sizeof change->hash)
        return damaged(error, "a change has no hash");
    memcpy(change->hash, message->payload_hash.data, sizeof change->hash);
    if (change->after.size > LF_ROW_SIZE_LIMIT ||
        change->before.size > LF_ROW_SIZE_LIMIT)
        return damaged(error, "a row is too large");
    if (change->is_erased)
        return change->key.size || change->after.size || change->before.size
                   ? damaged(error, "an erased change has a payload")
                   : FEATURE_OK;
    return check_hash(change, message, scratch, error);
}
