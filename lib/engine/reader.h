/* SPDX-License-Identifier: Apache-2.0 */
/* A read transaction and what its snapshot may touch. */
#ifndef LF_ENGINE_READER_H
#define LF_ENGINE_READER_H

#include "engine/index.h"

#define LF_KNOWN_TREES 64

/* A tree of a snapshot that was found by name before, and how to look it up. */
struct lf_known_tree {
    char name[LF_TREE_NAME_SIZE];
    struct lf_root root;
    uint32_t route; /* lf_route */
    uint32_t heat;  /* keys that were looked up in it */
    uint32_t step;  /* indexes that were asked for so far */
};

struct lf_reader {
    struct lf_environment *environment;
    MDB_txn *txn;
    uint64_t transaction;
    struct lf_pages pages;
    struct lf_root main; /* of the main database: names of trees */
    struct lf_root free; /* of the free list */
    uint32_t slot;       /* of the gate */
    uint32_t handles;    /* second has those below */
    bool has_joined;     /* second is of the same snapshot */
    MDB_txn *second;     /* of the witness, by which LMDB looks up itself */
    struct lf_witness *witness;
    struct lf_reader *next; /* of the parked ones */
    struct lf_reader **link;
    uint64_t known_transaction; /* the trees below are of it */
    uint32_t known_forgotten;   /* and of the checks since then */
    uint32_t known_count;
    uint32_t known_next; /* where the next one asked for is, most likely */
    struct lf_known_tree known[LF_KNOWN_TREES];
};

/* The root of a tree that is walked here, empty where it is missing. */
feature_status lf_reader_root(struct lf_reader *reader, const char *tree,
                              struct lf_root *root,
                              struct feature_error *error);

/* In a forked child: frees the memory of the idle readers, and no more. */
void lf_readers_abandon(struct lf_environment *environment);

/* Ends and frees the idle readers of an environment. */
void lf_readers_free(struct lf_environment *environment);

/* A reader's view of another snapshot than its own, which must not be older and
 * lasts as long as the reader. False: the snapshot's roots are gone already, or
 * its pages are beyond the map. */
bool lf_reader_view(const struct lf_reader *reader, uint64_t transaction,
                    struct lf_reader *view);

/* Ends the snapshots of all parked readers, which their owners learn when they
 * resume. The gate is closed. */
void lf_readers_lose(struct lf_environment *environment);

/* Ends a reader that nobody will use again, whether it has a transaction or
 * not. */
void lf_reader_free(struct lf_reader *reader);

/* Refuses a file whose used pages reach past its end. */
feature_status lf_reader_check_size(struct lf_reader *reader,
                                    struct feature_error *error);

#endif
