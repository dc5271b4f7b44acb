/* SPDX-License-Identifier: Apache-2.0 */
/* Change records, done again. */
#ifndef LF_STORE_REPLAY_H
#define LF_STORE_REPLAY_H

#include "store/event_replay.h"
#include "store/journal.h"
#include "store/window_delete.h"

struct lf_replay {
    struct lf_commit *commit;
    struct lf_catalog *before; /* of the commit's beginning */
    struct lf_catalog *after;  /* at its end; may be the same */
    struct feature_commit *report;
    bool has_defined;
    bool has_view; /* the four below are bound to one */
    struct lf_form form;
    struct lf_rows rows;
    struct lf_merge merge;
    struct lf_buffer slots; /* cells of the merge, cells asked for, own */
    struct lf_buffer asked;
    struct lf_buffer row;
    struct lf_window_delete room;
    struct lf_event_replay events;
};

/* In a commit that has its number. */
feature_status lf_replay_change(struct lf_replay *replay,
                                const struct lf_change *change,
                                struct feature_error *error);

/* After the last one: makes after. */
feature_status lf_replay_end(struct lf_replay *replay, uint64_t catalog_version,
                             struct feature_error *error);
void lf_replay_free(struct lf_replay *replay);

#endif
