/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of an event within a commit. */
#ifndef LF_STORE_EVENT_APPLY_H
#define LF_STORE_EVENT_APPLY_H

#include "store/dedupe.h"
#include "store/event_fold.h"

/* Whether a time is more than max_skew ahead of the clock. */
bool lf_event_is_future(const struct lf_event *event, int64_t now,
                        int64_t time);

/* Decides what each row that is still NONE becomes, logs what is taken, folds it
 * into the views, and adds all rows to the report. is_certain: they were taken
 * elsewhere, and nothing is asked again. has_refused: rows became REJECTED
 * halfway, and the transaction has to be begun anew. */
feature_status lf_events_apply(struct lf_event_rows *rows,
                               struct lf_commit *commit,
                               const struct lf_fold_options *options,
                               bool is_certain, struct feature_commit *report,
                               bool *touched, bool *has_refused,
                               struct feature_error *error);

#endif
