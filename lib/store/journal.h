/* SPDX-License-Identifier: Apache-2.0 */
/* What a write call, a record that is followed, or upkeep does to rows, one by
 * one, for those who keep it: the history of a view, the change feed. */
#ifndef LF_STORE_JOURNAL_H
#define LF_STORE_JOURNAL_H

#include "store/rows.h"

/* One row of a batch that was applied or came late. */
struct lf_written {
    int32_t operation;
    int64_t time;
    const uint8_t *key;
    size_t key_size;
    /* What was asked, in the form of a row that is not sealed: a cell that a
     * PATCH does not name is null and has the time LF_TIME_UNSET; a DELETE is a
     * tombstone. Its event timestamp is `time` in any case. */
    const struct lf_buffer *row;
    /* The row as it was before the batch; in a follower, to whom a record says
     * nothing of batches, before this change. */
    const struct lf_stored *before;
    /* The row was there, and neither it nor a row of the batch before this one
     * is newer. False says nothing: a follower does not look. */
    bool is_newest;
};

/* Whether anybody keeps what is written to these rows. */
bool lf_journal_wants(const struct lf_rows *rows);

/* A row or tombstone that upkeep removes for good. */
feature_status lf_journal_expire(struct lf_rows *rows, const uint8_t *key,
                                 size_t key_size, struct feature_error *error);

/* A history that upkeep made shorter. */
feature_status lf_journal_trim(struct lf_rows *rows, const uint8_t *key,
                               size_t key_size, int64_t horizon,
                               struct feature_error *error);

/* In the order of the rows of one key. The row's ordinal within its commit is
 * commit->written, which counts up. */
feature_status lf_journal_add(struct lf_rows *rows,
                              const struct lf_written *written,
                              struct feature_error *error);

#endif
