/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Kafka topic into a feature view, each record once.
 *
 * The truth about where to go on is in the store: rows and offsets are one
 * commit. Nothing is committed to Kafka.
 */
#ifndef KAFKA_INGEST_H
#define KAFKA_INGEST_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include <libfeature.h>
#include <librdkafka/rdkafka.h>

#include "rows.h"

#define PARTITIONS_MAX 1024 /* of one write of the library */

struct settings {
    const char *store, *view, *columns, *topic, *brokers, *group, *source;
    const char *partitions;   /* "0,1,2"; NULL: all, or what the group gives */
    const char *dead_letters; /* NULL: stop at a bad record */
    const char *properties[64]; /* of librdkafka: name=value */
    uint32_t property_count;
    uint32_t batch; /* records of one commit, at most */
    int linger_ms;  /* wait for more of them */
    int report_s;
    int32_t operation;
    bool accept_loss, until_end;
};

/* Reads the command line; false after a message. */
bool read_settings(struct settings *settings, int argc, char **argv);

struct partition {
    int32_t id;
    uint64_t stored;   /* where the store goes on */
    uint64_t position; /* where the records at hand end */
    bool at_end;
};

/* A record at hand, until its commit. */
struct record {
    rd_kafka_message_t *message;
    bool is_bad;
    char reason[REASON_SIZE];
};

struct letters; /* records that cannot be rows: letters.c */

struct totals {
    uint64_t commits, applied, late, duplicate, future;
    uint64_t dead;   /* records that became dead letters */
    uint64_t lost;   /* offsets that were jumped over by --accept-loss */
    uint64_t gaps;   /* offsets without a record, as in a compacted topic */
    uint64_t fenced; /* batches dropped because another consumer was faster */
};

struct ingest {
    struct settings settings;
    feature_store *store;
    struct rows rows;
    struct letters *letters;
    rd_kafka_t *kafka;
    struct partition *partitions; /* assigned: PARTITIONS_MAX of them */
    uint32_t partition_count;
    bool was_assigned;
    struct record *records; /* settings.batch of them */
    uint32_t record_count;
    uint32_t fenced_in_a_row;
    struct totals totals;
    bool failed; /* after a message: end with what is committed */
};

extern volatile sig_atomic_t stop_asked;

/* Prints a line to stderr and sets failed. */
void fail(struct ingest *ingest, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Prints a line to stderr. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* --- consume.c: from Kafka ------------------------------------------------- */

/* Connects, and begins where the store says. */
bool consume_begin(struct ingest *ingest);
void consume_end(struct ingest *ingest);

/* Waits for one message and puts it to the records at hand. */
void consume_next(struct ingest *ingest, int wait_ms);

/* Goes on from what the store says now, with the partitions there are. */
void consume_again(struct ingest *ingest);

bool all_at_end(const struct ingest *ingest);
void print_lag(const struct ingest *ingest);

/* --- commit.c: to the store ------------------------------------------------ */

/* Commits the records at hand with their offsets; at hand are then none. */
void commit_records(struct ingest *ingest);
void drop_records(struct ingest *ingest);

/* --- letters.c -------------------------------------------------------------- */

/* NULL after a message. */
struct letters *letters_open(const char *path, const char *topic);
void letters_close(struct letters *letters);

/* Appends a line unless the file has that record already; and makes what was
 * appended durable. */
bool letters_add(struct letters *letters, int32_t partition, int64_t offset,
                 const char *reason, const char *bytes, size_t size);
bool letters_sync(struct letters *letters);

#endif
