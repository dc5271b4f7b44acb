/* SPDX-License-Identifier: Apache-2.0 */
/* The commit up to which a load knows what was written. */
#ifndef LF_STORE_LOAD_CUT_H
#define LF_STORE_LOAD_CUT_H

#include "store/commit.h"

struct lf_cut {
    uint64_t sequence;
    int64_t time; /* event timestamp of rows without one */
};

/* What the options ask for, in a transaction that has taken no number. time 0:
 * that of the cut. */
feature_status lf_cut_find(struct lf_commit *commit, uint64_t sequence,
                           int64_t time, const struct feature_source *sources,
                           uint32_t source_count, struct lf_cut *cut,
                           struct feature_error *error);

#endif
