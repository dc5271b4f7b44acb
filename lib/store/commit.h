/* SPDX-License-Identifier: Apache-2.0 */
/* One commit: a write transaction and the store's record in it. */
#ifndef LF_STORE_COMMIT_H
#define LF_STORE_COMMIT_H

#include "store/feed.h"
#include "store/store.h"

/* One write transaction with the store's record in it. */
struct lf_commit {
    feature_store *store;
    struct lf_writer *writer;
    struct lf_tree *tree; /* meta */
    struct lf_meta_store meta;
    int64_t now;      /* the clock, read once */
    bool has_number;  /* its token tells whether it was made */
    uint32_t written; /* rows of the call that the journal was told of */
    bool is_kept_up;  /* it had its slice of upkeep */
    struct lf_feed feed;
};

/* Begins a write transaction and checks that this library may write. wait_ms 0
 * means the store's. */
feature_status lf_commit_begin(struct lf_commit *commit, feature_store *store,
                               uint32_t wait_ms, struct feature_error *error);

/* The same for one of many commits in a row that nobody is in a hurry for: whoever
 * waits to write comes first. */
feature_status lf_commit_begin_after(struct lf_commit *commit,
                                     feature_store *store, uint32_t wait_ms,
                                     struct feature_error *error);

/* The catalog in it; one reference for the caller. */
feature_status lf_commit_catalog(struct lf_commit *commit,
                                 struct lf_catalog **catalog,
                                 struct feature_error *error);

/* Writes the records of the catalog that differ, and tells the feed. */
feature_status lf_commit_write_catalog(struct lf_commit *commit,
                                       const struct lf_catalog *before,
                                       const struct lf_catalog *after,
                                       struct feature_error *error);

/* A dropped view takes its rows and its record along, an event its ids. */
feature_status lf_commit_drop_views(struct lf_commit *commit,
                                    const struct lf_catalog *before,
                                    const struct lf_catalog *after,
                                    struct feature_error *error);

/* Takes the next sequence number and commit time into meta. */
void lf_commit_number(struct lf_commit *commit);
int64_t lf_commit_time(const struct lf_commit *commit);

/* Writes meta and commits, or aborts. The transaction is over either way. */
feature_status lf_commit_finish(struct lf_commit *commit,
                                struct feature_error *error);

/* After a transaction that failed and is over: makes the map larger where it was
 * too small. True: it is worth another try. status and error, which is not
 * NULL, may become those of the growth. */
bool lf_commit_grow(feature_store *store, feature_status *status,
                    struct feature_error *error);

/* Makes the newest commit durable after one that failed: a sync alone proves
 * nothing then. */
feature_status lf_commit_repair(feature_store *store,
                                struct feature_error *error);

void lf_commit_abort(struct lf_commit *commit);

#endif
