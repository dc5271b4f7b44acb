/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Upkeep, followers, snapshots and tiles of other stores.
 *
 * Owns what each of them must leave the same, and what it may forget.
 * Keeps one follower through an episode, which catches up now and then.
 * Never compares a copy by anything but what it holds.
 */
#include "event_world.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../api/arrow_abi.h"

/* --- upkeep ------------------------------------------------------------------ */

/* Nothing up to wm is in a window at the clock or later. */
static bool
is_over(const struct event_world *world, const struct view *view, int64_t wm,
        int64_t clock)
{
    for (uint32_t i = 0; i < view->count; i++) {
        int64_t from, to;

        if (view->specs[i].span->shape == LIFETIME)
            return false;
        bounds_of(world, view, view->specs[i].span, clock, &from, &to);
        if (wm >= from)
            return false;
    }
    return true;
}

static void
purge(struct event_world *world, struct view *view, bool is_whole)
{
    int64_t horizon;

    for (uint32_t i = 0; i < KEYS; i++) {
        bool is_gone = is_over(world, view, view->wm[i], world->now);

        if (view->wm[i] == NEVER || view->is_buried[i] ||
            !is_over(world, view, view->wm[i], world->now + MINUTE))
            continue;
        view->purged = world->now + MINUTE;
        view->has_odd[i] = false;
        if (is_gone && is_whole && !view->is_unsure[i]) {
            view->wm[i] = NEVER;
            /* A delete before it is forgotten too. */
            for (uint32_t j = 0; j < view->barrier_count; j++)
                if (view->barriers[j].key == i)
                    view->is_unsure[i] = true;
        } else {
            view->is_unsure[i] = true;
        }
    }
    horizon =
        world->now - view->history + event_kinds[view->kind].max_skew + MINUTE;
    if (view->history && horizon > view->horizon)
        view->horizon = horizon;
}

bool
run_event_maintain(struct event_world *world)
{
    struct feature_maintain_options options = {.struct_size = sizeof options};
    struct feature_maintain_report report = {.struct_size = sizeof report};
    struct feature_error error = {0};
    feature_status status;
    bool is_whole = dice_chance(&world->dice, 70);

    if (!is_whole)
        options.max_rows = 1 + dice_below(&world->dice, 6);
    if (dice_chance(&world->dice, 50))
        options.flags = FEATURE_MAINTAIN_ALL;
    status =
        feature_store_maintain(any_store(world), &options, &report, &error);
    if (!expect_good(world, "feature_store_maintain", status, &error))
        return false;
    say(world, "maintain: %llu rows expired, %llu versions dropped\n",
        (unsigned long long)report.rows_expired,
        (unsigned long long)report.versions_dropped);
    for (uint32_t i = 0; i < SLOTS; i++)
        if (world->views[i].serial)
            purge(world, &world->views[i],
                  is_whole && !world->is_halfway &&
                      (options.flags & FEATURE_MAINTAIN_ALL));
    world->is_halfway = !is_whole;
    return true;
}

/* --- followers --------------------------------------------------------------- */

static bool
catch_up(struct event_world *world)
{
    struct feature_changes_options options = {.struct_size = sizeof options,
                                              .since = world->followed};
    struct feature_change_record record = {0};
    struct feature_error error = {0};
    feature_changes *changes = NULL;
    feature_status status =
        feature_changes_open(world->stores[0], &options, &changes, &error);

    while (!status) {
        status = feature_changes_next(changes, &record, &error);
        if (status || !record.bytes)
            break;
        status = feature_store_follow(world->follower, record.bytes,
                                      (size_t)record.size, NULL, &error);
        world->followed = record.sequence;
    }
    feature_changes_free(changes);
    return expect_good(world, "a follower", status, &error);
}

bool
run_event_follow(struct event_world *world)
{
    world->counts.follows++;
    say(world, "follow from %llu on\n", (unsigned long long)world->followed);
    if (!world->follower && !world->followed && world->needs_copy)
        return true;
    if (!world->follower && !event_open(world, world->other, &world->follower))
        return false;
    return catch_up(world) &&
           same_content(world, world->follower, "the follower") &&
           (!dice_chance(&world->dice, 30) ||
            expect_whole(world, world->other));
}

/* --- snapshots --------------------------------------------------------------- */

static void
remove_store(const char *path)
{
    static const char *const names[] = {"data.mdb", "lock.mdb", "open.lock"};
    char file[PATH_SIZE + 16];

    for (uint32_t i = 0; i < 3; i++) {
        snprintf(file, sizeof file, "%s/%s", path, names[i]);
        unlink(file);
    }
    rmdir(path);
}

static void
drop_follower(struct event_world *world)
{
    feature_store_close(world->follower);
    world->follower = NULL;
    world->followed = 0;
    remove_store(world->other);
}

void
forget_follower(struct event_world *world)
{
    drop_follower(world);
    world->needs_copy = true;
}

/* The restored store is the follower from now on, or the store itself. */
bool
run_event_copy(struct event_world *world)
{
    struct feature_snapshot_report report = {.struct_size = sizeof report};
    struct feature_error error = {0};
    bool takes_over = dice_chance(&world->dice, 40);
    feature_status status;

    world->counts.copies++;
    say(world, "snapshot and restore%s\n", takes_over ? ", to go on with" : "");
    status = feature_store_snapshot(any_store(world), world->file, NULL, NULL,
                                    &report, &error);
    if (!expect_good(world, "feature_store_snapshot", status, &error))
        return false;
    drop_follower(world);
    status = feature_store_restore(world->file, world->other, NULL, NULL, NULL,
                                   &error);
    unlink(world->file);
    if (!expect_good(world, "feature_store_restore", status, &error) ||
        !event_open(world, world->other, &world->follower))
        return false;
    world->followed = report.sequence;
    if (!same_content(world, world->follower, "the restored store"))
        return false;
    if (!takes_over)
        return true;
    feature_store_close(world->follower);
    world->follower = NULL;
    event_close(world);
    remove_store(world->path);
    if (rename(world->other, world->path))
        return differ(world, "the restored store cannot be moved");
    world->needs_copy = true;
    world->followed = 0;
    return event_open(world, world->path, &world->stores[0]);
}

/* --- tiles ------------------------------------------------------------------- */

static bool
has_barrier(const struct view *view, int key)
{
    for (uint32_t i = 0; i < view->barrier_count; i++)
        if ((int)view->barriers[i].key == key)
            return true;
    return false;
}

/* Events of the other side: before all that are here, in this view alone. */
static uint32_t
draw_tiles(struct event_world *world, struct view *view)
{
    uint32_t first = world->count, count = 1 + dice_below(&world->dice, 30);

    world->merges++;
    while (count-- && world->count + 100 < EVENTS_MAX) {
        struct happened event = draw_happened(world, view->kind);
        int key = key_of(view, &event);
        int64_t order = (int64_t)world->count;
        const struct happened *tie =
            &world->events[dice_below(&world->dice, world->count + 1)];

        /* At the time of one that is here, and of its key, more often than not. */
        if (tie->commit_time && key_of(view, tie) >= 0 &&
            dice_chance(&world->dice, 60)) {
            event.card = tie->card;
            event.shop = tie->shop;
            event.ts = tie->ts;
            key = key_of(view, &event);
        }

        if (event.ts > world->now || key < 0 || has_barrier(view, key))
            continue;
        event.only_view = (int)view->serial;
        event.id = -1;
        event.order = order - world->merges * INT64_C(1000000);
        if (world->plant == EVENT_PLANT_MERGE)
            event.order = order;
        world->events[world->count++] = event;
    }
    return first;
}

static feature_status
ship(struct event_world *world, const struct view *view, uint32_t first,
     feature_store *other, struct feature_commit *commit,
     struct feature_error *error)
{
    struct ArrowArrayStream stream = {0};
    const char *name = view_name(world, view);
    feature_status status = FEATURE_OK;

    for (uint32_t at = first; !status && at < world->count; at += 20) {
        uint32_t count = world->count - at < 20 ? world->count - at : 20;
        feature_batch *batch = NULL;

        status = make_event_batch(other, FEATURE_EVENT, &world->events[at],
                                  count, true, &batch, error);
        if (!status)
            status = feature_store_write(other, &batch, 1, NULL, NULL, error);
        feature_batch_free(batch);
    }
    if (!status)
        status = feature_store_tiles_arrow(other, name, NULL, &stream, error);
    if (!status)
        status = feature_store_merge_tiles(any_store(world), name, &stream,
                                           NULL, commit, error);
    return status;
}

static void
take_tiles(struct event_world *world, struct view *view, uint32_t first,
           int64_t time)
{
    for (uint32_t i = first; i < world->count; i++) {
        struct happened *event = &world->events[i];
        int key = key_of(view, event);

        event->commit_time = time;
        view->is_buried[key] = false;
        if (event->ts > view->wm[key])
            view->wm[key] = event->ts;
    }
}

/* Only of a view that is as it was made: the other store gets one text. */
bool
run_event_merge(struct event_world *world)
{
    struct feature_commit commit = {.struct_size = sizeof commit};
    struct feature_error error = {0};
    struct view *view = any_view(world);
    feature_store *other = NULL;
    char path[PATH_SIZE + 8];
    feature_status status;
    uint32_t first;
    bool same;

    if (!view || view->history || view->changes)
        return true;
    snprintf(path, sizeof path, "%s-tiles", world->path);
    if (!event_open(world, path, &other))
        return false;
    same = define_other(world, view, other);
    first = draw_tiles(world, view);
    say(world, "merge %u events into %s\n", world->count - first,
        view_name(world, view));
    if (same && first < world->count) {
        status = ship(world, view, first, other, &commit, &error);
        same = expect_good(world, "feature_store_merge_tiles", status, &error);
        take_tiles(world, view, first, commit.time);
        world->counts.merges++;
    }
    feature_store_close(other);
    remove_store(path);
    return same;
}
