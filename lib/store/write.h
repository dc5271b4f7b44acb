/* SPDX-License-Identifier: Apache-2.0 */
/* Write calls, and how several of them become one commit. */
#ifndef LF_STORE_WRITE_H
#define LF_STORE_WRITE_H

#include "store/target.h"

/* One call of feature_store_write(), checked and ready. */
struct lf_write {
    feature_store *store;
    struct lf_write *next; /* in the queue */
    size_t count;
    struct lf_target *targets;
    struct lf_catalog *catalog; /* the targets are bound to */
    bool skip_invalid;
    const struct feature_source *sources; /* the caller's */
    uint32_t source_count;
    uint32_t wait_ms;
    int64_t deadline_ms; /* of the wait for other writers */
    uint64_t rows;
    bool is_taken;   /* in the group of a leader */
    bool is_settled; /* the leader knows status */
    bool is_done;    /* and nobody will look at it again */
    feature_status status;
    struct feature_error error;
    struct feature_commit report;
};

/*
 * Commits a write, together with those that other threads of this handle have
 * queued meanwhile: one transaction, one sync, a sequence number each. Returns
 * the write's own status; its error and report are in it.
 */
feature_status lf_write_commit(struct lf_write *write);

#endif
