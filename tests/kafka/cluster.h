/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Kafka cluster in a process of its own (librdkafka's mock), consumers that die,
 * and what became of the records.
 *
 * Record NUMBER of partition PART is known by these two: every 37th is bad. The
 * change feed of the store has every row that was ever written, in order; so the
 * rows of a partition there have to be its good records, each once, in order.
 */
#ifndef TESTS_KAFKA_CLUSTER_H
#define TESTS_KAFKA_CLUSTER_H

#include <stdatomic.h>

#include "children.h"

#define TOPIC      "records"
#define PARTITIONS 3
#define BAD_EACH   37

struct shared {
    char brokers[128];
    _Atomic(uint64_t) wanted; /* records, one partition after the other */
    _Atomic(uint64_t) made;
    _Atomic(uint32_t) flood_wanted; /* of 60 kB, to partition 0 */
    _Atomic(uint32_t) flood_made;
};

struct cluster {
    struct shared *shared;
    pid_t broker;
    char directory[SCRATCH_SIZE];
    char store[SCRATCH_SIZE + 16], letters[SCRATCH_SIZE + 16],
        said[SCRATCH_SIZE + 16];
    uint32_t store_number;
};

/* What the store and the dead letters have. */
struct tally {
    uint64_t rows[PARTITIONS];   /* good records in a row, from the first on */
    uint64_t lost, twice, wrong; /* a row behind its turn is in both */
    uint64_t letters;            /* dead letters; those twice are in twice */
    int64_t sum;                 /* of the amounts of the rows */
};

/* How a consumer is started. */
struct start {
    const char *options[12]; /* beside store, view, topic and brokers */
    const char *plant;       /* KAFKA_PLANT */
    uint32_t kill_at;        /* KAFKA_KILL_AT; 0: never */
};

void cluster_begin(struct cluster *cluster);
void cluster_end(struct cluster *cluster);

/* An empty store and no dead letters. */
void fresh_store(struct cluster *cluster);

/* Has so many records made, all in all, and waits for it. */
void make_records(struct cluster *cluster, uint64_t count);

/* Has the beginning of partition 0 truncated. */
void truncate_partition(struct cluster *cluster);

pid_t start_consumer(struct cluster *cluster, const struct start *start);

/* Runs it to its end, which waitpid() tells. */
int run_consumer(struct cluster *cluster, const struct start *start);

/* A figure of the last line that a consumer printed; -1: there is none. */
int64_t figure(const struct cluster *cluster, const char *name);

/* Whether a consumer has said that, on stderr. */
bool has_said(const struct cluster *cluster, const char *text);

/* Reads the store. */
struct tally tally_store(const struct cluster *cluster);

/* Good records among the first `count` of a partition. */
uint64_t good_of(uint64_t count);

/* Whether the store has exactly the records that were made, and each bad one is a
 * dead letter; says what is wrong. */
bool is_exact(const struct cluster *cluster);

#endif
