/* SPDX-License-Identifier: Apache-2.0 */
/* LMDB's own look-up: a second, read-only view of the file, and its handles. */
#ifndef LF_ENGINE_WITNESS_H
#define LF_ENGINE_WITNESS_H

#include "engine/reader.h"

/*
 * All of it happens within a running reader, whose snapshot keeps the pages of
 * every later one in place as well: the witness needs no reader slot.
 */

/* Begins the reader's second transaction on the reader's own snapshot. LF_AGAIN:
 * there is a newer one. */
feature_status lf_witness_join(struct lf_reader *reader,
                               struct feature_error *error);

/* The handle of a tree in the reader's second transaction: the one that has
 * joined or, for a reader that has not, one that is begun here on the newest
 * snapshot. LF_AGAIN: that has no such tree, or a reader that has joined needs
 * another snapshot for a new handle. */
feature_status lf_witness_handle(struct lf_reader *reader, const char *name,
                                 MDB_dbi *handle, struct feature_error *error);

/* Gives up all handles: the next reader opens new ones. */
void lf_witness_retire(struct lf_reader *reader);

/* Ends the second transaction. is_kept: the next reader will want one. */
void lf_witness_end(struct lf_reader *reader, bool is_kept);

/* Before the next try to join: a while, and a writer that died is cleared out of
 * the way. */
void lf_witness_wait(struct lf_environment *environment, int tries);

#endif
