/* SPDX-License-Identifier: Apache-2.0 */
/* mdb_get, in the same snapshot as a reader of the library. */
#ifndef TESTS_FUZZ_ORACLE_H
#define TESTS_FUZZ_ORACLE_H

#include <lmdb.h>

#include "engine/reader.h"
#include "forest.h"

struct oracle {
    struct lf_environment *environment;
    MDB_env *lmdb;
    MDB_txn *txn; /* NULL before the first join */
    MDB_dbi main;
    MDB_dbi handles[FOREST_TREES];
    bool has_handle[FOREST_TREES];
};

/* A second environment on the store's file, read-only and without locks. */
void oracle_open(struct oracle *oracle, struct lf_environment *environment,
                 const char *path);
void oracle_close(struct oracle *oracle);

/* Begins a reader, and the oracle's transaction on the same snapshot. */
void oracle_join(struct oracle *oracle, struct lf_reader **reader);

/* How deep a tree is in that snapshot; 0: missing or empty. */
uint32_t oracle_depth(const struct oracle *oracle, uint32_t tree);

/* Whether a job of a tree has the answer that mdb_get gives: the same bytes of
 * the same page. *found: there is such a key. */
bool oracle_agrees(const struct oracle *oracle, uint32_t tree,
                   const struct lf_job *job, bool *found);

#endif
