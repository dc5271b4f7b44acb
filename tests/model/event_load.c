/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads of whole views, from events.
 *
 * Owns what a view has after one: the loaded events, which are of the cut, and what
 * was written since.
 * Keeps some of what was there, so that a load is not all new.
 * Never guesses what was known before the cut.
 */
#include "event_world.h"

#include <string.h>

#define LOADED_MAX 60
#define PIECE      20

struct loading {
    struct view *view;
    uint32_t since;   /* events from it on are written while it is built */
    int64_t cut_time; /* of the newest commit then */
    uint32_t count;
    struct happened rows[LOADED_MAX];
};

/* One that the view has, or another one. */
static struct happened
draw_row(struct event_world *world, const struct view *view)
{
    for (uint32_t tries = 0; tries < 4 && world->count; tries++) {
        uint32_t index = dice_below(&world->dice, world->count);
        const struct happened *event = &world->events[index];

        if (is_in(view, event, index) && event->retract_time == NEVER &&
            dice_chance(&world->dice, 80))
            return *event;
    }
    return draw_happened(world, view->kind);
}

static void
draw_rows(struct event_world *world, struct loading *loading)
{
    uint32_t count = dice_below(&world->dice, LOADED_MAX + 1);

    while (count--) {
        struct happened row = draw_row(world, loading->view);

        if (row.ts > world->now)
            continue;
        row.id = -1; /* as no id is learnt */
        row.only_view = (int)loading->view->serial;
        row.commit_time = loading->cut_time;
        loading->rows[loading->count++] = row;
    }
}

static feature_status
append_rows(feature_store *store, feature_load *load,
            const struct loading *loading, struct feature_error *error)
{
    feature_status status = FEATURE_OK;

    for (uint32_t at = 0; !status && at < loading->count; at += PIECE) {
        uint32_t left = loading->count - at;
        feature_batch *batch = NULL;

        status =
            make_event_batch(store, FEATURE_EVENT, &loading->rows[at],
                             left < PIECE ? left : PIECE, true, &batch, error);
        if (!status)
            status = feature_load_append(load, batch, error);
        feature_batch_free(batch);
    }
    return status;
}

/* --- the view, from now on ----------------------------------------------------- */

static void
forget_view(struct view *view, const struct loading *loading)
{
    view->known_since = loading->cut_time;
    view->history_since = view->purged = NEVER;
    view->horizon = view->history ? loading->cut_time - view->history : NEVER;
    view->barrier_count = 0;
    for (uint32_t i = 0; i < KEYS; i++) {
        view->wm[i] = NEVER;
        view->is_buried[i] = view->is_unsure[i] = view->has_odd[i] = false;
        for (uint32_t j = 0; j < view->count; j++)
            view->specs[j].mark[i] = NEVER;
    }
}

static void
take_row(struct event_world *world, struct view *view,
         const struct happened *event)
{
    int key = key_of(view, event);

    if (key >= 0)
        take_event(view, (uint32_t)key, event->ts,
                   is_late(world, view, (uint32_t)key, event->ts));
}

/* The loaded events are before all that was written since. */
static void
take_load(struct event_world *world, const struct loading *loading)
{
    struct view *view = loading->view;
    uint32_t written = world->count;

    forget_view(view, loading);
    if (world->plant != EVENT_PLANT_LOAD)
        view->born = loading->since;
    world->merges++;
    for (uint32_t i = 0; i < loading->count; i++) {
        struct happened *event = &world->events[world->count];

        *event = loading->rows[i];
        event->order = world->count++ - world->merges * INT64_C(1000000);
        take_row(world, view, event);
    }
    for (uint32_t i = loading->since; i < written; i++)
        if (is_in(view, &world->events[i], i))
            take_row(world, view, &world->events[i]);
}

/* --- one load -------------------------------------------------------------------- */

static bool
load_rows(struct event_world *world, const struct loading *loading)
{
    struct feature_load_options options = {
        .struct_size = sizeof options,
        .memory = dice_chance(&world->dice, 50) ? 1 : 0};
    feature_store *store = any_store(world);
    struct feature_error error = {0};
    feature_load *load = NULL;
    uint32_t writes = dice_below(&world->dice, 3);
    feature_status status = feature_load_begin(
        store, view_name(world, loading->view), &options, &load, &error);
    bool same = true;

    if (!status)
        status = append_rows(store, load, loading, &error);
    while (!status && same && writes--)
        same = run_event_write(world);
    if (!status && same)
        status = feature_load_commit(load, NULL, &error);
    feature_load_free(load);
    return same && expect_good(world, "a load", status, &error);
}

bool
run_event_load(struct event_world *world)
{
    static struct loading loading;
    struct view *view = any_view(world);

    if (!view || world->count + 3 * LOADED_MAX > EVENTS_MAX)
        return true;
    if (!learn_commit_time(world))
        return false;
    loading = (struct loading){
        .view = view, .since = world->count, .cut_time = world->commit_time};
    draw_rows(world, &loading);
    say(world, "load %u events into %s\n", loading.count,
        view_name(world, view));
    if (!load_rows(world, &loading))
        return false;
    take_load(world, &loading);
    for (uint32_t i = 0; i < loading.count; i++)
        say_row(world, &loading.rows[i], "loaded", 0);
    forget_follower(world);
    world->counts.loads++;
    return true;
}
