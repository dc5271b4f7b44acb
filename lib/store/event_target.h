/* SPDX-License-Identifier: Apache-2.0 */
/* One batch of events on its way into a commit: the parts of lf_target_* that
 * are of events. */
#ifndef LF_STORE_EVENT_TARGET_H
#define LF_STORE_EVENT_TARGET_H

#include "store/target.h"

feature_status lf_event_target_resolve(struct lf_target *target,
                                       const struct lf_catalog *catalog,
                                       struct feature_error *error);

/* Before any row is checked: what equal events write differently. */
void lf_event_target_normalize(struct lf_target *target);

/* The keys of the rows that passed their checks. */
feature_status lf_event_target_order(struct lf_target *target,
                                     struct feature_error *error);

/* LF_AGAIN: rows became REJECTED, which target->checked knows; the transaction
 * has to be begun anew. */
feature_status lf_event_target_apply(
    struct lf_target *target, struct lf_commit *commit, bool skip_invalid,
    struct feature_commit *report, bool *touched, struct feature_error *error);

#endif
