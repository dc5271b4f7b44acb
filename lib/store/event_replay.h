/* SPDX-License-Identifier: Apache-2.0 */
/* Events of change records, done again: some at a time. */
#ifndef LF_STORE_EVENT_REPLAY_H
#define LF_STORE_EVENT_REPLAY_H

#include "format/change.h"
#include "store/event_apply.h"

/* Zeroed: nothing is gathered. */
struct lf_event_replay {
    bool is_bound;
    struct lf_event_rows rows; /* of what is gathered */
    struct lf_buffer payloads; /* each with a place for a checksum */
    struct lf_buffer ends;     /* u64 */
    struct lf_buffer outcomes;
};

/* Takes up an EVENT or RETRACT; what was gathered before goes first where the two
 * cannot go together. */
feature_status lf_event_replay_add(struct lf_event_replay *replay,
                                   struct lf_commit *commit,
                                   const struct lf_catalog *catalog,
                                   const struct lf_change *change,
                                   struct feature_commit *report,
                                   struct feature_error *error);

/* Applies what is gathered. */
feature_status lf_event_replay_flush(struct lf_event_replay *replay,
                                     struct lf_commit *commit,
                                     struct feature_commit *report,
                                     struct feature_error *error);
void lf_event_replay_free(struct lf_event_replay *replay);

#endif
