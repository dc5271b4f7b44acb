/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rule of windows, over the list of all events.
 *
 * Owns which events count at a time, which are late, and what a store has to
 * know.
 * Keeps to docs/windows.md: floor(t - W, h) <= ts < t.
 * Never looks at how a store keeps anything.
 */
#include "event_world.h"

int
key_of(const struct view *view, const struct happened *event)
{
    if ((view->entity != BY_SHOP && event->card < 0) ||
        (view->entity != BY_CARD && event->shop < 0))
        return -1;
    if (view->entity == BY_CARD)
        return event->card;
    if (view->entity == BY_SHOP)
        return event->shop;
    return event->card * SHOPS + event->shop;
}

int64_t
floor_to(int64_t x, int64_t hop, int64_t zone)
{
    int64_t rest = (((x + zone) % hop) + hop) % hop;

    return x - rest;
}

void
bounds_of(const struct event_world *world, const struct view *view,
          const struct span *span, int64_t t, int64_t *from, int64_t *to)
{
    int64_t zone = world->plant == EVENT_PLANT_ZONE ? 0 : view->zone;

    *from = INT64_MIN;
    *to = t;
    if (span->shape == SLIDING) {
        *from = floor_to(t - span->size, span->hop, zone);
    } else if (span->shape == TUMBLE) {
        *to = floor_to(t, span->size, zone);
        *from = *to - span->size;
    } else if (span->shape == CUMULATE) {
        *from = floor_to(t, span->size, zone);
        if (world->plant == EVENT_PLANT_CUMULATE)
            *from += SECOND;
    }
}

bool
is_in(const struct view *view, const struct happened *event, uint32_t index)
{
    if (index < view->born)
        return false;
    return event->only_view ? (uint32_t)event->only_view == view->serial
                            : event->kind == view->kind;
}

/* --- late -------------------------------------------------------------------- */

static bool
has_lifetime(const struct view *view)
{
    for (uint32_t i = 0; i < view->count; i++)
        if (view->specs[i].span->shape == LIFETIME)
            return true;
    return false;
}

/* Below floor(wm - longest - slack, the longest hop). */
static int64_t
bound_of(const struct view *view, int64_t wm)
{
    int64_t longest = 0, hop = 1, slack = view->slack;

    if (slack < event_kinds[view->kind].max_skew)
        slack = event_kinds[view->kind].max_skew;
    for (uint32_t i = 0; i < view->count; i++) {
        const struct span *span = view->specs[i].span;
        int64_t size = span->shape == TUMBLE ? 2 * span->size : span->size;

        if (span->shape == LIFETIME)
            continue;
        longest = size > longest ? size : longest;
        hop = span->hop > hop ? span->hop : hop;
    }
    return floor_to(wm - longest - slack, hop, view->zone);
}

static int64_t
barrier_of(const struct view *view, uint32_t key)
{
    int64_t time = NEVER;

    for (uint32_t i = 0; i < view->barrier_count; i++)
        if (view->barriers[i].key == key && view->barriers[i].time > time)
            time = view->barriers[i].time;
    return time;
}

bool
is_late(const struct event_world *world, const struct view *view, uint32_t key,
        int64_t ts)
{
    if (view->wm[key] == NEVER)
        return false;
    if (ts <= barrier_of(view, key))
        return true;
    if (world->plant == EVENT_PLANT_LATE && ts < view->wm[key])
        return true;
    return ts < view->wm[key] && !has_lifetime(view) &&
           ts < bound_of(view, view->wm[key]);
}

void
take_event(struct view *view, uint32_t key, int64_t ts, bool is_late)
{
    if (is_late)
        return;
    view->is_buried[key] = false;
    if (ts > view->wm[key])
        view->wm[key] = ts;
}

/* --- what counts ------------------------------------------------------------- */

static int64_t
deleted_until(const struct event_world *world, const struct asked *asked)
{
    const struct view *view = asked->view;
    int64_t time = NEVER;

    if (world->plant == EVENT_PLANT_BARRIER)
        return NEVER;
    for (uint32_t i = 0; i < view->barrier_count; i++) {
        const struct barrier *barrier = &view->barriers[i];

        if (barrier->key == asked->key &&
            (barrier->time < asked->t || !asked->as_of) &&
            barrier->time > time &&
            (!asked->known_by || barrier->commit_time <= asked->known_by))
            time = barrier->time;
    }
    return time;
}

static bool
is_known(const struct event_world *world, const struct happened *event,
         int64_t known_by)
{
    bool keeps = world->plant == EVENT_PLANT_RETRACT;

    if (known_by &&
        (event->commit_time > known_by ||
         (world->plant == EVENT_PLANT_KNOWN && event->commit_time == known_by)))
        return false;
    return event->retract_time == NEVER || keeps ||
           (known_by && event->retract_time > known_by);
}

static bool
is_after(const struct event_world *world, const struct happened *a,
         const struct happened *b)
{
    if (a->ts != b->ts)
        return a->ts > b->ts;
    if (world->plant == EVENT_PLANT_TIE)
        return a->order < b->order;
    return a->order > b->order;
}

static void
add_sorted(const struct event_world *world, struct gathered *all,
           const struct happened *event)
{
    uint32_t at = all->count++;

    for (; at && is_after(world, all->events[at - 1], event); at--)
        all->events[at] = all->events[at - 1];
    all->events[at] = event;
}

void
gather(const struct event_world *world, const struct asked *asked,
       struct gathered *all)
{
    int64_t deleted = deleted_until(world, asked);

    all->count = 0;
    for (uint32_t i = 0; i < world->count; i++) {
        const struct happened *event = &world->events[i];

        if (is_in(asked->view, event, i) && event->ts > deleted &&
            key_of(asked->view, event) == (int)asked->key &&
            is_known(world, event, asked->known_by))
            add_sorted(world, all, event);
    }
    if (asked->extra && world->plant != EVENT_PLANT_SCORED &&
        asked->extra->ts > deleted &&
        key_of(asked->view, asked->extra) == (int)asked->key)
        add_sorted(world, all, asked->extra);
}

bool
is_visible(const struct event_world *world, const struct asked *asked,
           const struct gathered *all)
{
    for (uint32_t i = 0; i < asked->view->count; i++) {
        int64_t from, to;

        bounds_of(world, asked->view, asked->view->specs[i].span, asked->t,
                  &from, &to);
        for (uint32_t j = 0; j < all->count; j++)
            if (all->events[j]->ts >= from && all->events[j]->ts < to)
                return true;
    }
    return false;
}

/* --- what has to be known ---------------------------------------------------- */

/* Kept events answer a window that begins at from. */
static bool
is_kept(const struct view *view, int64_t from)
{
    if (!view->history || (view->horizon != NEVER && from <= view->horizon))
        return false;
    return view->history_since == NEVER ||
           from > view->history_since + event_kinds[view->kind].max_skew;
}

bool
knows_nothing(const struct asked *asked)
{
    const struct view *view = asked->view;

    return asked->known_by && view->known_since != NEVER &&
           view->history_since == NEVER && asked->known_by < view->known_since;
}

bool
has_to_know(const struct event_world *world, const struct asked *asked,
            int64_t from)
{
    const struct view *view = asked->view;
    int64_t wm = view->wm[asked->key];

    if (knows_nothing(asked))
        return false;
    if (world->plant == EVENT_PLANT_PAST || is_kept(view, from))
        return true;
    if (asked->known_by)
        return false;
    if (asked->as_of && view->purged != NEVER && asked->t < view->purged)
        return false;
    if (wm == NEVER)
        return true;
    for (uint32_t i = 0; i < view->barrier_count && asked->as_of; i++)
        if (view->barriers[i].key == asked->key &&
            asked->t <= view->barriers[i].time)
            return false;
    return asked->t > wm - event_kinds[view->kind].max_skew;
}

/* Whether a window reaches what may have gone before its feature came. */
static bool
may_reach(const struct asked *asked, const struct spec *spec, int64_t from)
{
    return from <= spec->mark[asked->key] ||
           (asked->view->purged != NEVER && from <= asked->view->purged);
}

static bool
reaches_mark(const struct event_world *world, const struct asked *asked,
             const struct spec *spec, int64_t *from)
{
    int64_t to;

    bounds_of(world, asked->view, spec->span, asked->t, from, &to);
    return spec->is_later && world->plant != EVENT_PLANT_PARTIAL &&
           may_reach(asked, spec, *from);
}

bool
may_be_partial(const struct event_world *world, const struct asked *asked,
               const struct spec *spec)
{
    int64_t from;

    return reaches_mark(world, asked, spec, &from) &&
           !is_kept(asked->view, from);
}

void
view_knowledge(const struct event_world *world, const struct asked *asked,
               bool *knows, bool *is_partial)
{
    bool all_kept = true;

    *knows = true;
    *is_partial = false;
    for (uint32_t i = 0; i < asked->view->count; i++) {
        int64_t from;

        *is_partial |=
            reaches_mark(world, asked, &asked->view->specs[i], &from);
        *knows &= has_to_know(world, asked, from);
        all_kept &= is_kept(asked->view, from);
    }
    *is_partial &= !all_kept;
}
