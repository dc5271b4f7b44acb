/* SPDX-License-Identifier: Apache-2.0 */
/* What was asked of one view, and what was answered. */
#ifndef MODEL_EVENT_READ_H
#define MODEL_EVENT_READ_H

#include "event_world.h"

struct reading {
    struct view *view;
    feature_query *query;
    feature_request *request;    /* NULL: a scan or a join answered */
    uint32_t columns[SPECS_MAX]; /* specs of the view */
    uint32_t count, rows;
    bool fills, as_of, is_scored;
    int64_t known_by;
    int card[READ_ROWS], shop[READ_ROWS]; /* below 0: null */
    int64_t times[READ_ROWS];
    struct happened events[READ_ROWS];
    /* the answer */
    bool has_states;
    int states[READ_ROWS];
    int64_t newest[READ_ROWS];
    int64_t now;
    int64_t seen_by; /* ids that were seen are forgotten by this time */
    struct feature_column values[SPECS_MAX];
};

void draw_reading(struct event_world *world, struct reading *reading,
                  bool is_scored);
feature_status make_event_query(struct event_world *world,
                                struct reading *reading, feature_store *store,
                                struct feature_error *error);
bool judge_reading(struct event_world *world, const struct reading *reading);

#endif
