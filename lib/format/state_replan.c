/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A row of an older schema version under a newer plan.
 *
 * Owns which state of the one is which of the other, and the marks of what new
 * features lack.
 * Keeps what features of both versions read: where tiles of the older one do
 * not fit into the new levels, the state says that it does not reach there.
 * Never invents an event for a state that was not kept.
 */
#include "format/state_work.h"

#include "base/alloc.h"

static bool
same_condition(const struct lf_tile_plan *a, uint32_t x,
               const struct lf_tile_plan *b, uint32_t y)
{
    const struct lf_tile_condition *p, *q;

    if (x == LF_TILE_NONE || y == LF_TILE_NONE)
        return x == y;
    p = &a->conditions[x];
    q = &b->conditions[y];
    return p->term_count == q->term_count &&
           lf_terms_equal(p->terms, q->terms, p->term_count);
}

static uint32_t
column_of(const struct lf_tile_plan *plan, uint32_t input)
{
    return input == LF_TILE_NONE ? LF_NO_COLUMN : plan->inputs[input].column;
}

/* The state of the older plan that is this one of the newer, or LF_TILE_NONE. */
static uint32_t
same_state(const struct lf_tile_plan *plan, uint32_t which,
           const struct lf_tile_plan *old)
{
    const struct lf_tile_state *a = &plan->states[which];

    for (uint32_t i = 0; i < old->state_count; i++) {
        const struct lf_tile_state *b = &old->states[i];

        if (a->kind == b->kind && a->k == b->k &&
            memcmp(&a->error, &b->error, sizeof a->error) == 0 &&
            column_of(plan, a->input) == column_of(old, b->input) &&
            column_of(plan, a->by) == column_of(old, b->by) &&
            same_condition(plan, a->condition, old, b->condition))
            return i;
    }
    return LF_TILE_NONE;
}

/* --- entries ---------------------------------------------------------------*/

static enum lf_tile_status
finish_entry(struct lf_state *state, struct lf_entry *entry)
{
    entry->bytes =
        lf_pool_copy(&state->pool, state->scratch.data, state->scratch.size);
    entry->size = (uint32_t)state->scratch.size;
    return entry->bytes ? LF_TILE_OK : LF_TILE_MEMORY;
}

static enum lf_tile_status
replan_single(struct lf_state *state, struct lf_entry *entry)
{
    struct lf_state *from = state->previous;
    const struct lf_tile_plan *plan = state->plan, *old = from->plan;
    struct lf_bytes_in in = {entry->bytes, entry->bytes + entry->size};
    struct lf_inputs *a = &from->inputs, *b = &state->inputs;

    a->ts = b->ts = entry->start;
    if (!lf_inputs_get(a, old, &in))
        return LF_TILE_CORRUPT;
    for (uint32_t i = 0; i < plan->condition_count; i++) {
        b->holds[i] = false;
        for (uint32_t j = 0; j < old->condition_count; j++)
            if (a->holds[j] && same_condition(plan, i, old, j))
                b->holds[i] = true;
    }
    for (uint32_t i = 0; i < plan->input_count; i++) {
        b->has[i] = false;
        for (uint32_t j = 0; j < old->input_count; j++)
            if (a->has[j] && plan->inputs[i].column == old->inputs[j].column) {
                b->has[i] = true;
                b->values[i] = a->values[j];
            }
    }
    lf_inputs_trim(b, plan);
    state->scratch.size = 0;
    if (!lf_inputs_put(b, plan, &state->scratch))
        return LF_TILE_MEMORY;
    entry->level = plan->level_count;
    return finish_entry(state, entry);
}

/* Where each state of the older plan lies in bytes. */
static bool
find_states(struct lf_state *from, const struct lf_entry *entry, bool lifetime,
            struct lf_bytes_in *places)
{
    const struct lf_tile_plan *old = from->plan;
    struct lf_bytes_in in;
    uint32_t which = 0;
    uint64_t beside;

    in.at = entry->bytes + lf_sizes_size(from->accs.states[lifetime]);
    in.end = entry->bytes + entry->size;
    for (uint32_t i = 0; i < old->state_count; i++)
        if ((!lifetime || old->states[i].is_lifetime) &&
            (!lf_state_take(entry->bytes, which++, &in, &from->accs, &places[i],
                            &beside) ||
             (beside && !lf_beside_get(from->accs.wide, beside, &places[i]))))
            return false;
    return true;
}

static enum lf_tile_status
replan_states(struct lf_state *state, const struct lf_entry *entry,
              bool lifetime, int64_t base, struct lf_bytes_in *places)
{
    struct lf_state *from = state->previous;
    struct lf_accs *accs = &state->accs;

    if (!find_states(from, entry, lifetime, places))
        return LF_TILE_CORRUPT;
    lf_accs_clear(accs);
    accs->events = entry->count;
    for (uint32_t i = 0; i < state->plan->state_count; i++) {
        uint32_t which = same_state(state->plan, i, from->plan);

        if (which != LF_TILE_NONE &&
            (!lifetime || from->plan->states[which].is_lifetime) &&
            !lf_acc_add_bytes(&accs->accs[i], &places[which],
                              lifetime ? 0 : entry->start, entry->count, false))
            return LF_TILE_CORRUPT;
    }
    state->scratch.size = 0;
    return lf_accs_put(accs, base, lifetime, &state->scratch) ? LF_TILE_OK
                                                              : LF_TILE_MEMORY;
}

/* The finest level whose tiles hold those of the older level whole. */
static uint32_t
fitting_level(const struct lf_tile_plan *plan, int64_t hop)
{
    uint32_t level = 0;

    while (level < plan->level_count && plan->hops[level] % hop != 0)
        level++;
    return level;
}

/* What the rule of the new plan has at finer levels than this tile's begins after
 * it. last: the newest that it can hold. */
static void
set_edges(struct lf_state *state, const struct lf_entry *entry, int64_t last)
{
    const struct lf_tile_plan *plan = state->plan;

    for (uint32_t i = 0; i < entry->level; i++) {
        int64_t end = lf_tile_last(last, plan->hops[i], plan->zone);

        if (lf_tile_bound(plan, i, state->previous->wm) <= last)
            lf_state_set_edge(state, i, end < INT64_MAX ? end + 1 : end);
    }
}

/* A tile that fits nowhere is not kept, and the state begins after it. */
static enum lf_tile_status
replan_tile(struct lf_state *state, struct lf_entry *entry, bool *is_kept,
            struct lf_bytes_in *places)
{
    const struct lf_tile_plan *plan = state->plan;
    const struct lf_state *from = state->previous;
    int64_t last = lf_state_last(from, entry);
    uint32_t level = fitting_level(plan, from->plan->hops[entry->level]);
    enum lf_tile_status status;
    int64_t start;

    *is_kept = level < plan->level_count;
    if (!*is_kept) {
        if (last >= state->body.covered)
            state->body.covered = last < INT64_MAX ? last + 1 : last;
        level = 0;
    }
    start = *is_kept
                ? lf_tile_start(entry->start, plan->hops[level], plan->zone)
                : entry->start;
    status = replan_states(state, entry, false, start, places);
    if (status)
        return status;
    entry->start = start;
    entry->level = level;
    set_edges(state, entry, last);
    return finish_entry(state, entry);
}

/* Into the lifetime state with a tile that no level holds. */
static enum lf_tile_status
absorb(struct lf_state *state, const struct lf_entry *entry)
{
    struct lf_body *body = &state->body;

    if (!state->plan->has_lifetime)
        return LF_TILE_OK;
    lf_accs_clear(&state->accs);
    if ((body->lifetime_count &&
         !lf_accs_add_states(&state->accs, body->lifetime, body->lifetime_size,
                             0, body->lifetime_count, true, false)) ||
        !lf_accs_add_states(&state->accs, entry->bytes, entry->size,
                            entry->start, entry->count, false, false))
        return LF_TILE_CORRUPT;
    state->scratch.size = 0;
    if (!lf_accs_put(&state->accs, 0, true, &state->scratch))
        return LF_TILE_MEMORY;
    body->lifetime_count += entry->count;
    body->lifetime_size = (uint32_t)state->scratch.size;
    body->lifetime =
        lf_pool_copy(&state->pool, state->scratch.data, state->scratch.size);
    return body->lifetime ? LF_TILE_OK : LF_TILE_MEMORY;
}

/* --- marks -----------------------------------------------------------------*/

static void
add_mark(struct lf_state *state, int64_t wm)
{
    const struct lf_tile_plan *plan = state->plan;
    struct lf_body *body = &state->body;
    bool is_needed = false;

    for (uint32_t i = 0; i < plan->feature_count; i++)
        is_needed |= plan->features[i].since > state->previous->plan->version;
    if (!is_needed) {
        if (!body->mark_count)
            body->base = plan->version;
        return;
    }
    if (body->mark_count == LF_MARKS_MAX)
        memmove(body->marks, body->marks + 1,
                --body->mark_count * sizeof *body->marks);
    body->marks[body->mark_count++] = (struct lf_mark){plan->version, wm};
}

static enum lf_tile_status
take_over(struct lf_state *state, struct lf_bytes_in *places)
{
    struct lf_state *from = state->previous;
    struct lf_body *body = &state->body;
    struct lf_entry lifetime = {.count = from->body.lifetime_count,
                                .bytes = from->body.lifetime,
                                .size = from->body.lifetime_size};
    uint32_t last = from->plan->level_count - 1;

    *body = from->body;
    body->plan = state->plan;
    body->in.at = body->in.end;
    body->lifetime_count = 0;
    body->has_edges = false;
    if (from->bounds[last] > body->covered)
        body->covered = from->bounds[last];
    add_mark(state, from->wm);
    if (lifetime.count && state->plan->has_lifetime) {
        LF_TILE_TRY(replan_states(state, &lifetime, true, 0, places));
        LF_TILE_TRY(finish_entry(state, &lifetime));
        body->lifetime_count = lifetime.count;
        body->lifetime = lifetime.bytes;
        body->lifetime_size = lifetime.size;
    }
    for (size_t i = 0; i < from->old.count; i++) {
        struct lf_entry entry = from->old.items[i], *to;
        bool is_kept = true;

        if (entry.level == from->plan->level_count)
            LF_TILE_TRY(replan_single(state, &entry));
        else
            LF_TILE_TRY(replan_tile(state, &entry, &is_kept, places));
        if (!is_kept) {
            LF_TILE_TRY(absorb(state, &entry));
            continue;
        }
        to = lf_entries_add(&state->added);
        if (!to)
            return LF_TILE_MEMORY;
        *to = entry;
    }
    lf_state_set_wm(state, from->wm);
    return lf_state_settle(state);
}

enum lf_tile_status
lf_state_replan(struct lf_state *state, const struct lf_tile_plan *old,
                const uint8_t *body, size_t size, int64_t wm)
{
    struct lf_bytes_in *places;
    enum lf_tile_status status;

    lf_state_begin(state);
    if (!state->previous || state->previous->plan != old) {
        lf_state_free(state->previous);
        state->previous = lf_state_make(old);
    }
    if (state->previous)
        state->previous->accs.wide = state->accs.wide;
    places = lf_alloc_array(old->state_count + 1, sizeof *places);
    status = state->previous && places
                 ? lf_state_load(state->previous, body, size, wm)
                 : LF_TILE_MEMORY;
    if (!status)
        status = lf_state_pull(state->previous, INT64_MIN);
    if (!status)
        status = take_over(state, places);
    if (status)
        lf_state_begin(state);
    lf_free(places);
    return status;
}
