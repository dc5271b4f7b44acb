/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settling: entries of any order and level become those of the level rule.
 *
 * Owns the one way in which entries merge, and what leaves the last window.
 * Keeps the result a function of the events in the entries and of wm: whoever
 * came first, and however often it was settled before, shows in no byte.
 * Never splits a tile: levels only coarsen with age.
 */
#include "format/state_work.h"

static bool
is_single(const struct lf_state *state, const struct lf_entry *entry)
{
    return entry->level == state->plan->level_count;
}

/* Tiles come before single events of their first microsecond, coarse ones
 * first: each holds what follows. */
static int
compare(const struct lf_state *state, const struct lf_entry *a,
        const struct lf_entry *b)
{
    uint32_t single = state->plan->level_count;
    uint32_t x = a->level == single ? 0 : a->level + 1;
    uint32_t y = b->level == single ? 0 : b->level + 1;

    if (a->start != b->start)
        return a->start < b->start ? -1 : 1;
    return (x < y) - (x > y);
}

/* --- the order of what was added -------------------------------------------*/

static bool
is_sorted(const struct lf_state *state)
{
    const struct lf_entries *added = &state->added;

    for (size_t i = 1; i < added->count; i++)
        if (compare(state, &added->items[i - 1], &added->items[i]) > 0)
            return false;
    return true;
}

static void
merge_runs(const struct lf_state *state, const struct lf_entry *from,
           struct lf_entry *to, size_t middle, size_t end)
{
    size_t i = 0, j = middle;

    for (size_t out = 0; out < end; out++) {
        bool left =
            j == end || (i < middle && compare(state, &from[i], &from[j]) <= 0);

        to[out] = left ? from[i++] : from[j++];
    }
}

/* A stable merge sort: equal ones stay in commit order. */
static bool
sort_added(struct lf_state *state)
{
    struct lf_entries *added = &state->added, *other = &state->made;
    size_t count = added->count;

    if (is_sorted(state))
        return true;
    other->count = 0;
    while (other->count < count)
        if (!lf_entries_add(other))
            return false;
    for (size_t run = 1; run < count; run *= 2) {
        struct lf_entries swap = *added;

        for (size_t at = 0; at < count; at += 2 * run) {
            size_t middle = count - at < run ? count - at : run;
            size_t end = count - at < 2 * run ? count - at : 2 * run;

            merge_runs(state, added->items + at, other->items + at, middle,
                       end);
        }
        *added = *other;
        *other = swap;
    }
    return true;
}

/* --- folding ---------------------------------------------------------------*/

static enum lf_tile_status
fold_entries(struct lf_state *state, const struct lf_entry *entries,
             size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct lf_entry *entry = &entries[i];
        struct lf_bytes_in in = {entry->bytes, entry->bytes + entry->size};

        if (!is_single(state, entry)) {
            if (!lf_accs_add_states(&state->accs, entry->bytes, entry->size,
                                    entry->start, entry->count, false, false))
                return LF_TILE_CORRUPT;
            continue;
        }
        state->inputs.ts = entry->start;
        if (!lf_inputs_get(&state->inputs, state->plan, &in))
            return LF_TILE_CORRUPT;
        lf_accs_add_inputs(&state->accs, &state->inputs, false);
    }
    return LF_TILE_OK;
}

static enum lf_tile_status
put_states(struct lf_state *state, int64_t base, bool lifetime,
           const uint8_t **bytes, uint32_t *size)
{
    state->scratch.size = 0;
    if (!lf_accs_put(&state->accs, base, lifetime, &state->scratch))
        return LF_TILE_MEMORY;
    *bytes =
        lf_pool_copy(&state->pool, state->scratch.data, state->scratch.size);
    *size = (uint32_t)state->scratch.size;
    return *bytes ? LF_TILE_OK : LF_TILE_MEMORY;
}

/* What has left the last window: the first ones of both lists. */
static enum lf_tile_status
expire(struct lf_state *state, size_t old, size_t added)
{
    struct lf_body *body = &state->body;
    enum lf_tile_status status;

    if ((!old && !added) || !state->plan->has_lifetime)
        return LF_TILE_OK;
    lf_accs_clear(&state->accs);
    if (body->lifetime_count &&
        !lf_accs_add_states(&state->accs, body->lifetime, body->lifetime_size,
                            0, body->lifetime_count, true, false))
        return LF_TILE_CORRUPT;
    status = fold_entries(state, state->old.items, old);
    if (!status)
        status = fold_entries(state, state->added.items, added);
    body->lifetime_count = state->accs.events;
    return status ? status
                  : put_states(state, 0, true, &body->lifetime,
                               &body->lifetime_size);
}

/* --- grouping --------------------------------------------------------------*/

static uint32_t
level_at(const struct lf_state *state, const int64_t *bounds,
         const struct lf_entry *entry)
{
    uint32_t level = is_single(state, entry) ? 0 : entry->level;

    while (level < state->plan->level_count && entry->start < bounds[level])
        level++;
    return level;
}

/* A group of entries, those of each list side by side, becomes one. */
static enum lf_tile_status
make_entry(struct lf_state *state, uint32_t level, const struct lf_entry *old,
           size_t old_count, const struct lf_entry *added, size_t added_count)
{
    const struct lf_entry *first = old_count ? old : added;
    struct lf_entry *made = lf_entries_add(&state->made);
    enum lf_tile_status status;
    int64_t start;

    if (!made)
        return LF_TILE_MEMORY;
    *made = *first;
    if (old_count + added_count == 1 &&
        (is_single(state, first) || first->level == level))
        return LF_TILE_OK;
    if (old_count && added_count && added->start < old->start)
        first = added;
    start = lf_tile_start(first->start, state->plan->hops[level],
                          state->plan->zone);
    lf_accs_clear(&state->accs);
    status = fold_entries(state, old, old_count);
    if (!status)
        status = fold_entries(state, added, added_count);
    made->start = start;
    made->level = level;
    made->count = state->accs.events;
    return status ? status
                  : put_states(state, start, false, &made->bytes, &made->size);
}

static size_t
run_until(const struct lf_entries *entries, size_t at, int64_t last)
{
    size_t end = at;

    while (end < entries->count && entries->items[end].start <= last)
        end++;
    return end - at;
}

/* Nothing about this old entry can have changed: its level is as it was, the next
 * one was not of a finer level, from which it could have come into this tile,
 * and nothing was added before the next one. */
static bool
is_as_it_was(const struct lf_state *state, size_t i, size_t j, uint32_t level)
{
    const struct lf_entries *old = &state->old, *added = &state->added;
    const struct lf_entry *next =
        i + 1 < old->count ? &old->items[i + 1] : NULL;

    return state->is_tidy &&
           level_at(state, state->tidy_bounds, &old->items[i]) == level &&
           (level == 0 || !next ||
            level_at(state, state->tidy_bounds, next) >= level) &&
           (j == added->count ||
            (next && next->start <= added->items[j].start));
}

static enum lf_tile_status
group(struct lf_state *state, size_t i, size_t j)
{
    const struct lf_entries *old = &state->old, *added = &state->added;
    enum lf_tile_status status = LF_TILE_OK;

    while (!status && (i < old->count || j < added->count)) {
        bool is_old = j == added->count ||
                      (i < old->count &&
                       compare(state, &old->items[i], &added->items[j]) <= 0);
        const struct lf_entry *first =
            is_old ? &old->items[i] : &added->items[j];
        uint32_t level = level_at(state, state->bounds, first);
        size_t old_count = 1, added_count = 0;

        if (!is_old || !is_as_it_was(state, i, j, level)) {
            int64_t last =
                lf_tile_newest(state->plan, level, first->start, state->bounds);

            old_count = run_until(old, i, last);
            added_count = run_until(added, j, last);
        }
        status = make_entry(state, level, old->items + i, old_count,
                            added->items + j, added_count);
        i += old_count;
        j += added_count;
    }
    return status;
}

/* Takes up the stored entries that can change: those from below the lowest bound
 * that has moved, where a tile may be running, and what is around the oldest that
 * was added. One more is taken: the older ones' bytes tell steps from its start. */
static enum lf_tile_status
pull_changed(struct lf_state *state)
{
    uint32_t last = state->plan->level_count - 1;
    int64_t until = INT64_MAX;

    if (state->body.in.at == state->body.in.end)
        return LF_TILE_OK;
    if (!state->is_tidy || state->bounds[last] != state->tidy_bounds[last])
        return lf_state_pull(state, INT64_MIN);
    if (state->added.count)
        until = state->added.items[0].start;
    for (uint32_t i = 0; i < last; i++)
        if (state->bounds[i] != state->tidy_bounds[i] &&
            state->tidy_bounds[i] <= until)
            until = state->tidy_bounds[i] - (state->tidy_bounds[i] > INT64_MIN);
    return lf_state_pull(state, until);
}

enum lf_tile_status
lf_state_settle(struct lf_state *state)
{
    uint32_t levels = state->plan->level_count;
    int64_t bound = state->bounds[levels - 1];
    struct lf_entries swap;
    enum lf_tile_status status;
    size_t i = 0, j = 0;

    if (state->is_settled && !state->added.count)
        return LF_TILE_OK;
    if (!sort_added(state))
        return LF_TILE_MEMORY;
    status = pull_changed(state);
    if (status)
        return status;
    while (i < state->old.count && state->old.items[i].start < bound)
        i++;
    while (j < state->added.count && state->added.items[j].start < bound)
        j++;
    state->made.count = 0;
    status = expire(state, i, j);
    if (!status)
        status = group(state, i, j);
    if (status)
        return status;
    swap = state->old;
    state->old = state->made;
    state->made = swap;
    state->added.count = 0;
    state->is_settled = state->is_tidy = true;
    memcpy(state->tidy_bounds, state->bounds, levels * sizeof(int64_t));
    return LF_TILE_OK;
}
