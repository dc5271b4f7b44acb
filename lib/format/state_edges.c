/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the levels of a state end: by the rule, or later because of tiles of an
 * older plan that are coarser than the rule has them.
 *
 * Owns those edges, their bytes, and what a tile that is running can hold.
 * Keeps every event below the start of the next newer entry, so that a reader
 * knows of any time what is before it.
 * Never lowers an edge; it is forgotten once the rule has come as far.
 */
#include "format/state_work.h"

/* --- of a body -------------------------------------------------------------*/

/* Whether a level can begin there: where one of its tiles does, or at the end. */
static bool
is_edge(const struct lf_tile_plan *plan, uint32_t level, int64_t edge)
{
    return lf_tile_start(edge, plan->hops[level], plan->zone) == edge ||
           edge == INT64_MAX;
}

/* What is at wm is of level 0. */
bool
lf_edges_get(struct lf_body *body, int64_t wm)
{
    const struct lf_tile_plan *plan = body->plan;

    if (plan->level_count < 2 || plan->level_count > LF_LEVELS_MAX)
        return false;
    body->has_edges = true;
    for (uint32_t i = 0; i + 1 < plan->level_count; i++)
        if (!lf_time_get(&body->in, wm, &body->edges[i]) ||
            !is_edge(plan, i, body->edges[i]))
            return false;
    return body->edges[0] <= wm;
}

bool
lf_edges_put(const struct lf_body *body, int64_t wm, struct lf_buffer *to)
{
    for (uint32_t i = 0; i + 1 < body->plan->level_count; i++)
        if (!lf_time_put(to, wm, body->edges[i]))
            return false;
    return true;
}

int64_t
lf_entry_last(const struct lf_tile_plan *plan, const struct lf_entry *entry,
              const int64_t *bounds, uint32_t count)
{
    int64_t last = entry->start;
    uint32_t finer = entry->level < count ? entry->level : count;

    if (entry->level == plan->level_count)
        return last;
    if (last == INT64_MIN) /* it may begin below */
        last = lf_tile_last(last, plan->hops[entry->level], plan->zone);
    else if (__builtin_add_overflow(last, plan->hops[entry->level] - 1, &last))
        last = INT64_MAX;
    for (uint32_t i = 0; i < finer; i++) /* it may be running */
        if (entry->start < bounds[i] && bounds[i] <= last)
            last = bounds[i] - 1;
    return last;
}

/* --- of a state ------------------------------------------------------------*/

void
lf_state_set_bounds(struct lf_state *state)
{
    const struct lf_body *body = &state->body;

    lf_tile_bounds(state->plan, state->wm, state->bounds);
    for (uint32_t i = 0; body->has_edges && i + 1 < state->plan->level_count;
         i++)
        if (body->edges[i] > state->bounds[i])
            state->bounds[i] = body->edges[i];
}

void
lf_state_set_edge(struct lf_state *state, uint32_t level, int64_t edge)
{
    struct lf_body *body = &state->body;

    for (uint32_t i = 0; !body->has_edges && i + 1 < state->plan->level_count;
         i++)
        body->edges[i] = INT64_MIN;
    body->has_edges = true;
    if (edge <= body->edges[level])
        return;
    body->edges[level] = edge;
    state->is_settled = false;
    lf_state_set_bounds(state);
}

void
lf_state_forget_edges(struct lf_state *state)
{
    struct lf_body *body = &state->body;
    bool is_needed = false;

    for (uint32_t i = 0; body->has_edges && i + 1 < state->plan->level_count;
         i++) {
        body->edges[i] = state->bounds[i];
        is_needed |=
            state->bounds[i] > lf_tile_bound(state->plan, i, state->wm);
    }
    body->has_edges = is_needed;
}
