/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commits whose rows follow from their number, and what a store has to hold
 * after one of them.
 *
 * Commit s writes five rows of `left` and three of `right`; which keys and which
 * values is a function of s. With definitions, every fourth commit is an apply: it
 * makes two views and drops the two of the apply before.
 */
#ifndef TESTS_CRASH_KILL_ROWS_H
#define TESTS_CRASH_KILL_ROWS_H

#include <stdatomic.h>

#include "children.h"

#define KILL_KEYS 48

/* What rigs plant: the first three are faults of the writer. */
enum plant {
    PLANT_NONE,
    PLANT_EARLY, /* acknowledges before it commits */
    PLANT_TORN,  /* a batch, or an apply, as two commits */
    PLANT_COPY   /* files are copied to their names, byte by byte */
};

/* What parent and children tell each other; the parent opens no store. */
struct board {
    _Atomic(uint64_t) started;      /* commit that was begun last */
    _Atomic(uint64_t) acknowledged; /* commit that was told to be durable */
    _Atomic(uint64_t) durable;      /* commit that the verifier found */
    _Atomic(uint64_t) within;       /* a long call is under way */
    _Atomic(uint64_t) done;         /* so many of them have ended */
    _Atomic(uint64_t) snapshot;     /* commit of the last snapshot told done */
    _Atomic(uint64_t) restored;     /* stores of snapshots that were read */
    _Atomic(uint64_t) reads;        /* snapshots that were compared */
    _Atomic(uint64_t) bad_reads;    /* of readers, that are of no one commit */
    _Atomic(uint64_t) torn;         /* the same of verifiers */
    _Atomic(uint64_t) lost;     /* acknowledged commits that are not there */
    _Atomic(uint64_t) surfaced; /* commits in flight that the next write
                                       brought to light */
    _Atomic(uint64_t) beyond;   /* commits that nobody had begun */
    _Atomic(uint64_t) findings; /* of feature_store_verify() */
    _Atomic(uint64_t) broken;   /* snapshots, restored stores that are not
                                       whole */
};

struct rig {
    struct board *board;
    char directory[SCRATCH_SIZE];
    char path[SCRATCH_SIZE + 16]; /* of the store */
    char file[SCRATCH_SIZE + 16]; /* of the snapshot */
    char copy[SCRATCH_SIZE + 16]; /* of what was restored from it */
    bool has_definitions;
    bool verifies;    /* this round, with feature_store_verify() */
    uint32_t ballast; /* rows of a third view, that never change */
    enum plant plant;
    uint64_t dice;
};

/* A reader of both views. */
struct kill_reader {
    feature_store *store;
    feature_query *query;
    feature_request *request;
};

feature_store *kill_open(const char *path, uint32_t flags);

/* Makes the store: commit 0. */
void kill_create(const struct rig *rig);

/* Begins to write, and has nothing to write. */
void kill_settle(feature_store *store);

/* Commits until it is killed, or `count` times. */
void kill_write(struct rig *rig, feature_store *store, uint64_t count);

/* One snapshot of both views, compared with what it has to be. Returns false, and
 * says so on standard error, where it is of no one commit; *number becomes that
 * commit. */
void kill_reader_open(struct kill_reader *reader, const char *path);
bool kill_reader_check(const struct rig *rig, struct kill_reader *reader,
                       uint64_t *number);
void kill_reader_close(struct kill_reader *reader);

/* Whether the definitions are those of commit `number`, all or nothing. */
bool kill_definitions_check(const struct rig *rig, feature_store *store,
                            uint64_t number);

#endif
