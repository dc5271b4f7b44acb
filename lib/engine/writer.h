/* SPDX-License-Identifier: Apache-2.0 */
/* A write transaction and the trees it has looked at. */
#ifndef LF_ENGINE_WRITER_H
#define LF_ENGINE_WRITER_H

#include "engine/environment.h"

struct lf_tree {
    struct lf_tree *next;
    struct lf_writer *writer;
    MDB_cursor *cursor; /* NULL after a drop */
    MDB_dbi handle;
    bool is_past; /* the cursor looked for a key past the last one */
    char name[LF_TREE_NAME_SIZE];
};

struct lf_writer {
    struct lf_environment *environment;
    MDB_txn *txn;
    struct lf_tree *trees;
    uint32_t slot;    /* of the gate */
    int cancel_state; /* of the thread, before */
};

/* Closes the cursors and frees the trees, before the transaction ends. */
void lf_trees_free(struct lf_writer *writer);

/* Closes all handles, after the transaction, where there are many: each costs
 * every later read transaction 1.4 ns. */
void lf_trees_trim(struct lf_environment *environment);

/* Takes LMDB's mutex over from a writer that died, if no other one is at work;
 * waits for nobody. */
void lf_writer_take_over(struct lf_environment *environment);

#endif
