/* SPDX-License-Identifier: Apache-2.0 */
/* Upkeep of rows and history within a write transaction. */
#ifndef LF_STORE_UPKEEP_H
#define LF_STORE_UPKEEP_H

#include "format/upkeep.h"
#include "store/commit.h"

/* What was done. */
struct lf_upkeep_work {
    uint64_t rows_expired;
    uint64_t tombstones_removed;
    uint64_t versions_dropped;
    uint64_t versions_packed;
    uint64_t trainings; /* of dictionaries, for better or worse */
    uint64_t seen;      /* rows and keys of histories */
};

/* How much one step does at most. */
struct lf_upkeep_bounds {
    uint64_t seen;
    uint64_t changes;
    uint64_t looks; /* entries of one history to look at, to pack */
    bool may_train;
};

/* The record of a view; an empty one where there is none, or none that holds. */
feature_status lf_upkeep_read(struct lf_commit *commit, uint32_t view,
                              struct lf_upkeep *upkeep,
                              struct feature_error *error);
feature_status lf_upkeep_write(struct lf_commit *commit, uint32_t view,
                               const struct lf_upkeep *upkeep,
                               struct feature_error *error);

/* The view is gone. */
feature_status lf_upkeep_forget(struct lf_commit *commit, uint32_t view,
                                struct feature_error *error);

/* A pass is under way, or the last one was long enough ago. */
bool lf_upkeep_is_due(const struct lf_view *view,
                      const struct lf_upkeep *upkeep, enum lf_pass_kind kind,
                      int64_t now);

/* Whether there can be anything to do. */
bool lf_upkeep_applies(const struct lf_view *view, enum lf_pass_kind kind);

/*
 * Goes on with a pass, or begins it, in a commit that has its number. The pass is
 * over where it is not under way any more. changed: rows or history are others.
 */
feature_status lf_upkeep_step(struct lf_commit *commit,
                              const struct lf_catalog *catalog,
                              const struct lf_view *view,
                              struct lf_upkeep *upkeep, enum lf_pass_kind kind,
                              const struct lf_upkeep_bounds *most,
                              struct lf_upkeep_work *work, bool *changed,
                              struct feature_error *error);

/* The slice that a write call does for one view, once a transaction. */
feature_status lf_upkeep_ride(struct lf_commit *commit,
                              const struct lf_catalog *catalog,
                              struct feature_error *error);

#endif
