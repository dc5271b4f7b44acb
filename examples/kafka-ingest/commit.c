/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The records at hand, and the offsets behind them, as one commit.
 *
 * Owns the records at hand.
 * Keeps rows and offsets together: one call of feature_store_write() has both.
 * Never passes an offset whose record is neither a row nor a dead letter.
 */
#include <inttypes.h>
#include <string.h>

#include "ingest.h"

void
drop_records(struct ingest *ingest)
{
    for (uint32_t i = 0; i < ingest->record_count; i++)
        rd_kafka_message_destroy(ingest->records[i].message);
    ingest->record_count = 0;
}

/* The good records become rows, in the same order. */
static void
make_rows(struct ingest *ingest)
{
    rows_clear(&ingest->rows);
    for (uint32_t i = 0; i < ingest->record_count; i++) {
        struct record *record = &ingest->records[i];

        if (record->is_bad)
            continue;
        record->is_bad = !rows_add(&ingest->rows, record->message->payload,
                                   record->message->len, record->reason);
    }
}

static struct record *
record_of_row(struct ingest *ingest, int64_t row)
{
    for (uint32_t i = 0; i < ingest->record_count; i++)
        if (!ingest->records[i].is_bad && row-- == 0)
            return &ingest->records[i];
    return NULL;
}

static struct record *
first_bad(struct ingest *ingest)
{
    for (uint32_t i = 0; i < ingest->record_count; i++)
        if (ingest->records[i].is_bad)
            return &ingest->records[i];
    return NULL;
}

/* Without dead letters the records before the bad one are the last. */
static void
stop_at(struct ingest *ingest, struct record *bad)
{
    const rd_kafka_message_t *message = bad->message;
    uint32_t kept = (uint32_t)(bad - ingest->records);

    fail(ingest,
         "%s, partition %" PRId32 ", offset %" PRId64
         ": %s (--dead-letter FILE puts such records aside)",
         ingest->settings.topic, message->partition, message->offset,
         bad->reason);
    for (uint32_t i = ingest->record_count; i > kept; i--) {
        rd_kafka_message_t *dropped = ingest->records[i - 1].message;

        for (uint32_t p = 0; p < ingest->partition_count; p++)
            if (ingest->partitions[p].id == dropped->partition)
                ingest->partitions[p].position = (uint64_t)dropped->offset;
        rd_kafka_message_destroy(dropped);
    }
    ingest->record_count = kept;
}

static bool
bury(struct ingest *ingest)
{
    for (uint32_t i = 0; i < ingest->record_count; i++) {
        const struct record *record = &ingest->records[i];
        const rd_kafka_message_t *message = record->message;

        if (record->is_bad &&
            !letters_add(ingest->letters, message->partition, message->offset,
                         record->reason, message->payload, message->len))
            return false;
    }
    return letters_sync(ingest->letters);
}

static uint32_t
list_sources(const struct ingest *ingest, struct feature_source *sources)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < ingest->partition_count; i++) {
        const struct partition *partition = &ingest->partitions[i];

        if (partition->position == partition->stored)
            continue;
        sources[count++] = (struct feature_source){
            .name = ingest->settings.source,
            .partition = (uint32_t)partition->id,
            .first_offset = partition->stored,
            .next_offset = partition->position,
        };
    }
    return count;
}

/* Rows of all partitions, and one source for each of them. */
static feature_status
write_rows(struct ingest *ingest, struct feature_commit *commit,
           struct feature_error *error)
{
    static struct feature_source sources[PARTITIONS_MAX];
    struct feature_write_options options = {.struct_size = sizeof options,
                                            .sources = sources};
    feature_status status = rows_set(&ingest->rows, error);

    options.source_count = list_sources(ingest, sources);
    if (status || !options.source_count)
        return status;
    do
        status = feature_store_write(ingest->store, &ingest->rows.batch,
                                     ingest->rows.count > 0, &options, commit,
                                     error);
    while (status == FEATURE_BUSY && !stop_asked);
    return status;
}

static void
count(struct ingest *ingest, const struct feature_commit *commit)
{
    struct totals *totals = &ingest->totals;

    totals->commits += commit->sequence && !commit->duplicate;
    totals->applied += commit->applied;
    totals->late += commit->late;
    totals->duplicate += commit->duplicate;
    totals->future += commit->future;
    if (!commit->duplicate)
        for (uint32_t i = 0; i < ingest->record_count; i++)
            totals->dead += ingest->records[i].is_bad;
    for (uint32_t i = 0; i < ingest->partition_count; i++)
        ingest->partitions[i].stored = ingest->partitions[i].position;
    ingest->fenced_in_a_row = 0;
    drop_records(ingest);
}

/* Another consumer of this source has written some of these records: what is at
 * hand is forgotten, and the store says where to go on. */
static void
give_way(struct ingest *ingest, const struct feature_error *error)
{
    say("%s: another consumer was faster; going on behind it", error->message);
    ingest->totals.fenced++;
    drop_records(ingest);
    if (++ingest->fenced_in_a_row > 10)
        fail(ingest, "another consumer goes on writing source %s",
             ingest->settings.source);
    else
        consume_again(ingest);
}

static bool
is_about_a_row(const struct feature_error *error)
{
    return error->status == FEATURE_INVALID && error->row >= 0;
}

void
commit_records(struct ingest *ingest)
{
    for (;;) {
        struct feature_commit commit = {.struct_size = sizeof commit};
        struct feature_error error = {.row = -1};
        struct record *bad;

        make_rows(ingest);
        if (ingest->rows.is_short) {
            fail(ingest, "no memory for %" PRIu32 " records",
                 ingest->record_count);
            return;
        }
        bad = first_bad(ingest);
        if (bad && !ingest->letters) {
            stop_at(ingest, bad);
            continue;
        }
        if (bad && !bury(ingest)) {
            fail(ingest, "%s cannot be written", ingest->settings.dead_letters);
            return;
        }
        if (!write_rows(ingest, &commit, &error)) {
            count(ingest, &commit);
            return;
        }
        bad = is_about_a_row(&error) ? record_of_row(ingest, error.row) : NULL;
        if (bad) {
            bad->is_bad = true;
            snprintf(bad->reason, sizeof bad->reason, "%s", error.message);
        } else if (error.status == FEATURE_CONFLICT &&
                   !strcmp(error.reason, "overlap")) {
            give_way(ingest, &error);
            return;
        } else {
            fail(ingest, "%s: %s (%s)", ingest->settings.store, error.message,
                 error.reason);
            return;
        }
    }
}
