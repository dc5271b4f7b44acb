/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happens to a state: events, deletes, events taken back, another state.
 *
 * Owns the rule of what is late, the barrier of a delete and the group law.
 * Keeps a batch equal to its events one by one, and a merge equal to the
 * events of both sides in turn.
 * Never settles before it must: entries pile up until they are encoded.
 */
#include "format/state_work.h"

static enum lf_tile_status
add_event(struct lf_state *state, const struct lf_tile_event *event)
{
    struct lf_entry *entry;
    const uint8_t *bytes;

    lf_inputs_of_event(&state->inputs, state->plan, event);
    state->scratch.size = 0;
    if (!lf_inputs_put(&state->inputs, state->plan, &state->scratch))
        return LF_TILE_MEMORY;
    bytes =
        lf_pool_copy(&state->pool, state->scratch.data, state->scratch.size);
    entry = bytes ? lf_entries_add(&state->added) : NULL;
    if (!entry)
        return LF_TILE_MEMORY;
    *entry = (struct lf_entry){.start = event->ts,
                               .level = state->plan->level_count,
                               .count = 1,
                               .bytes = bytes,
                               .size = (uint32_t)state->scratch.size};
    return LF_TILE_OK;
}

enum lf_tile_status
lf_state_apply(struct lf_state *state, const struct lf_tile_event *events,
               size_t count, uint8_t *outcomes)
{
    uint32_t last = state->plan->level_count - 1;

    for (size_t i = 0; i < count; i++) {
        int64_t ts = events[i].ts;
        bool is_late = ts <= state->body.barrier;

        if (!is_late) {
            lf_state_set_wm(state, ts);
            is_late = ts < state->bounds[last] && !state->plan->has_lifetime;
        }
        outcomes[i] = is_late ? FEATURE_OUTCOME_LATE : FEATURE_OUTCOME_APPLIED;
        if (!is_late)
            LF_TILE_TRY(add_event(state, &events[i]));
    }
    return LF_TILE_OK;
}

void
lf_state_bury(struct lf_state *state, int64_t ts)
{
    int64_t barrier = state->body.barrier;

    if (ts > barrier)
        barrier = ts;
    if (state->wm > barrier)
        barrier = state->wm;
    lf_state_begin(state);
    state->body.barrier = barrier;
}

/* --- taking back -----------------------------------------------------------*/

/* An event that some of the features never counted leaves more of theirs than
 * there are. */
static enum lf_tile_status
subtract(struct lf_state *state, bool lifetime)
{
    struct lf_accs *accs = &state->accs;

    accs->events--;
    for (uint32_t i = 0; i < state->plan->state_count; i++)
        if ((!lifetime || state->plan->states[i].is_lifetime) &&
            (!lf_acc_subtract(&accs->accs[i], &state->inputs) ||
             accs->accs[i].count > accs->events))
            return LF_TILE_REFUSED;
    return LF_TILE_OK;
}

static enum lf_tile_status
put_back(struct lf_state *state, int64_t base, bool lifetime,
         const uint8_t **bytes, uint32_t *size)
{
    const uint8_t *copy;

    state->scratch.size = 0;
    if (!lf_accs_put(&state->accs, base, lifetime, &state->scratch))
        return LF_TILE_MEMORY;
    copy = lf_pool_copy(&state->pool, state->scratch.data, state->scratch.size);
    if (!copy)
        return LF_TILE_MEMORY;
    *bytes = copy;
    *size = (uint32_t)state->scratch.size;
    return LF_TILE_OK;
}

static enum lf_tile_status
retract_lifetime(struct lf_state *state)
{
    struct lf_body *body = &state->body;
    enum lf_tile_status status;

    if (!state->plan->has_lifetime)
        return LF_TILE_OK;
    if (!body->lifetime_count)
        return LF_TILE_REFUSED;
    lf_accs_clear(&state->accs);
    if (!lf_accs_add_states(&state->accs, body->lifetime, body->lifetime_size,
                            0, body->lifetime_count, true, false))
        return LF_TILE_CORRUPT;
    status = subtract(state, true);
    if (!status)
        status =
            put_back(state, 0, true, &body->lifetime, &body->lifetime_size);
    if (!status)
        body->lifetime_count = state->accs.events;
    return status;
}

/* A single event goes if it is the same one. */
static enum lf_tile_status
retract_single(struct lf_state *state, size_t at)
{
    struct lf_entry *entry = &state->old.items[at];

    state->scratch.size = 0;
    if (!lf_inputs_put(&state->inputs, state->plan, &state->scratch))
        return LF_TILE_MEMORY;
    if (entry->start != state->inputs.ts ||
        entry->size != state->scratch.size ||
        (entry->size &&
         memcmp(entry->bytes, state->scratch.data, entry->size) != 0))
        return LF_TILE_REFUSED;
    state->old.count--;
    memmove(entry, entry + 1, (state->old.count - at) * sizeof *entry);
    return LF_TILE_OK;
}

static enum lf_tile_status
retract_tile(struct lf_state *state, struct lf_entry *entry)
{
    enum lf_tile_status status;

    if (entry->count <= 2 || state->inputs.ts > lf_state_last(state, entry))
        return LF_TILE_REFUSED;
    lf_accs_clear(&state->accs);
    if (!lf_accs_add_states(&state->accs, entry->bytes, entry->size,
                            entry->start, entry->count, false, false))
        return LF_TILE_CORRUPT;
    status = subtract(state, false);
    if (!status)
        status =
            put_back(state, entry->start, false, &entry->bytes, &entry->size);
    if (!status)
        entry->count = state->accs.events;
    return status;
}

enum lf_tile_status
lf_state_retract(struct lf_state *state, const struct lf_tile_event *event)
{
    uint32_t levels = state->plan->level_count;
    size_t at = 0, end;

    LF_TILE_TRY(lf_state_settle(state));
    LF_TILE_TRY(lf_state_pull(state, INT64_MIN));
    if (event->ts <= state->body.barrier)
        return LF_TILE_OK;
    if (event->ts < state->body.covered)
        return LF_TILE_REFUSED;
    lf_inputs_of_event(&state->inputs, state->plan, event);
    if (event->ts < state->bounds[levels - 1])
        return retract_lifetime(state);
    for (end = state->old.count; at < end;) {
        size_t middle = at + (end - at) / 2;

        if (state->old.items[middle].start <= event->ts)
            at = middle + 1;
        else
            end = middle;
    }
    if (at == 0)
        return LF_TILE_REFUSED;
    at--;
    return state->old.items[at].level == levels
               ? retract_single(state, at)
               : retract_tile(state, &state->old.items[at]);
}

/* --- (+) -------------------------------------------------------------------*/

static int64_t
most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* The features of each version lack what they lack on either side. */
static void
merge_marks(struct lf_body *body, const struct lf_body *other)
{
    struct lf_mark marks[LF_MARKS_MAX];
    uint32_t count = 0;
    uint16_t base = body->base < other->base ? body->base : other->base;
    int64_t last = INT64_MIN;

    for (uint32_t version = body->plan->version; version > base; version--) {
        int64_t wm = most(lf_body_mark(body, (uint16_t)version),
                          lf_body_mark(other, (uint16_t)version));

        if (wm == INT64_MIN)
            continue;
        if (count && wm == last)
            continue;
        if (count == LF_MARKS_MAX)
            break;
        marks[count++] = (struct lf_mark){(uint16_t)version, wm};
        last = wm;
    }
    body->base = base;
    body->mark_count = count;
    for (uint32_t i = 0; i < count; i++)
        body->marks[i] = marks[count - 1 - i];
}

static enum lf_tile_status
merge_lifetime(struct lf_state *state, const struct lf_body *other)
{
    struct lf_body *body = &state->body;
    uint64_t count = body->lifetime_count + other->lifetime_count;
    enum lf_tile_status status;

    if (!other->lifetime_count)
        return LF_TILE_OK;
    lf_accs_clear(&state->accs);
    if ((body->lifetime_count &&
         !lf_accs_add_states(&state->accs, body->lifetime, body->lifetime_size,
                             0, body->lifetime_count, true, false)) ||
        !lf_accs_add_states(&state->accs, other->lifetime, other->lifetime_size,
                            0, other->lifetime_count, true, false))
        return LF_TILE_CORRUPT;
    status = put_back(state, 0, true, &body->lifetime, &body->lifetime_size);
    if (!status)
        body->lifetime_count = count;
    return status;
}

/* An entry of the later side; what a delete of the earlier one forbids is left
 * out, where it can be told. */
static enum lf_tile_status
take(struct lf_state *state, const struct lf_state *later,
     const struct lf_entry *entry)
{
    int64_t barrier = state->body.barrier;
    struct lf_entry *to;

    if (barrier > later->body.barrier && entry->start <= barrier) {
        if (lf_state_last(later, entry) <= barrier)
            return LF_TILE_OK;
        return LF_TILE_REFUSED;
    }
    to = lf_entries_add(&state->added);
    if (!to)
        return LF_TILE_MEMORY;
    *to = *entry;
    to->bytes = lf_pool_copy(&state->pool, entry->bytes, entry->size);
    return to->bytes ? LF_TILE_OK : LF_TILE_MEMORY;
}

enum lf_tile_status
lf_state_merge(struct lf_state *state, const struct lf_state *later)
{
    const struct lf_body *other = &later->body;
    struct lf_body body = later->body;
    struct lf_entry entry;

    /* The later side's delete takes all of this one, as it would have. */
    if (other->barrier > INT64_MIN)
        lf_state_bury(state, other->barrier);
    if (state->body.barrier > INT64_MIN && other->lifetime_count &&
        state->body.barrier != other->barrier)
        return LF_TILE_REFUSED;
    /* What leaves the windows of this side is earlier than the other's. */
    if (later->wm > state->body.barrier)
        lf_state_set_wm(state, later->wm);
    LF_TILE_TRY(lf_state_settle(state));
    LF_TILE_TRY(merge_lifetime(state, other));
    while (lf_body_next(&body, &later->accs, &entry))
        LF_TILE_TRY(take(state, later, &entry));
    if (body.is_damaged)
        return LF_TILE_CORRUPT;
    for (size_t i = 0; i < later->old.count; i++)
        LF_TILE_TRY(take(state, later, &later->old.items[i]));
    for (size_t i = 0; i < later->added.count; i++)
        LF_TILE_TRY(take(state, later, &later->added.items[i]));
    for (uint32_t i = 0; other->has_edges && i + 1 < state->plan->level_count;
         i++)
        lf_state_set_edge(state, i, other->edges[i]);
    if (state->body.mark_count || other->mark_count)
        merge_marks(&state->body, other);
    state->body.covered = most(state->body.covered, other->covered);
    return lf_state_settle(state);
}
