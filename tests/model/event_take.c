/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events that are taken back, and keys that are deleted.
 *
 * Owns which event a RETRACT is of, and where a DELETE puts its barrier.
 * Keeps to what the views may refuse: it changes nothing then.
 * Never takes back what a view of the event cannot know.
 */
#include "event_world.h"

#include <string.h>

/* --- taking back ------------------------------------------------------------- */

static bool
is_same_event(const struct happened *a, const struct happened *b)
{
    return a->kind == b->kind && a->id == b->id && a->card == b->card &&
           a->shop == b->shop && a->ok == b->ok && a->ts == b->ts &&
           a->has_amount == b->has_amount && a->has_price == b->has_price &&
           (!a->has_amount || a->amount == b->amount) &&
           (!a->has_price || a->price == b->price);
}

/* One that all views of its event know, if they have a key for it. */
static bool
can_go(const struct event_world *world, uint32_t index)
{
    const struct happened *event = &world->events[index];

    if (event->retract_time != NEVER || event->only_view)
        return false;
    for (uint32_t i = 0; i < SLOTS; i++)
        if (world->views[i].serial && world->views[i].kind == event->kind &&
            index < world->views[i].born)
            return false;
    return true;
}

/* The last one of those that are alike, or the count. */
static uint32_t
draw_written(struct event_world *world)
{
    uint32_t index = dice_below(&world->dice, world->count);

    if (dice_chance(&world->dice, 50))
        index = world->count - 1 - index % (index / 4 + 1);
    for (uint32_t i = world->count; i-- > index;)
        if (world->events[i].retract_time == NEVER &&
            !world->events[i].only_view &&
            is_same_event(&world->events[i], &world->events[index]))
            return can_go(world, i) ? i : world->count;
    return world->count;
}

/* What the views make of it: outcomes, and whether it may be refused. */
static uint32_t
predict_retract(struct event_world *world, const struct happened *event,
                bool *may_refuse)
{
    uint32_t late = 0, keys = 0;
    bool is_unsure = false;

    *may_refuse = false;
    for (uint32_t i = 0; i < SLOTS; i++) {
        struct view *view = &world->views[i];
        int key = key_of(view, event);

        if (!view->serial || view->kind != event->kind || key < 0)
            continue;
        keys++;
        is_unsure |= view->is_unsure[key];
        *may_refuse |= view->is_unsure[key]; /* a late one made a row anew */
        if (view->wm[key] == NEVER ||
            is_late(world, view, (uint32_t)key, event->ts)) {
            late++;
            continue;
        }
        *may_refuse |= view->history != 900 * DAY ||
                       view->history_since != NEVER || is_unsure;
    }
    if (is_unsure)
        return MAY(FEATURE_OUTCOME_APPLIED) | MAY(FEATURE_OUTCOME_LATE);
    return keys && late == keys ? MAY(FEATURE_OUTCOME_LATE)
                                : MAY(FEATURE_OUTCOME_APPLIED);
}

static void
forget_event(struct event_world *world, struct happened *event, int64_t time)
{
    event->retract_time = time;
    for (uint32_t i = 0; i < SLOTS; i++) {
        int key = key_of(&world->views[i], event);

        if (!world->views[i].serial || world->views[i].kind != event->kind ||
            key < 0)
            continue;
        world->views[i].has_odd[key] = true;
        /* A state that is made anew knows of events that were swept. */
        world->views[i].is_unsure[key] |=
            world->views[i].history && world->views[i].purged != NEVER;
    }
}

static bool
judge_retract(struct event_world *world, struct happened *event, uint32_t may,
              bool may_refuse, feature_status status, uint8_t outcome,
              int64_t time, const struct feature_error *error)
{
    say_row(world, event, "retract", outcome);
    world->counts.retracts++;
    if (status == FEATURE_INVALID && may_refuse) {
        world->counts.refused++;
        return true;
    }
    if (!expect_good(world, "a RETRACT", status, error))
        return false;
    if (see_id(world, event, true, time))
        may = MAY(FEATURE_OUTCOME_DUPLICATE);
    else
        forget_event(world, event, time);
    if (!(may >> outcome & 1))
        return differ(world, "a RETRACT at %lld: outcome %u, not one of %#x",
                      (long long)event->ts, outcome, may);
    return true;
}

bool
run_event_retract(struct event_world *world)
{
    struct feature_commit commit = {.struct_size = sizeof commit};
    feature_store *store = any_store(world);
    struct feature_error error = {0};
    feature_batch *batch = NULL;
    struct happened *event;
    feature_status status;
    bool may_refuse, same;
    uint32_t index, may;
    int64_t time;

    index = world->count ? draw_written(world) : 0;
    if (index == world->count)
        return true;
    if (!learn_commit_time(world))
        return false;
    time =
        world->now > world->commit_time ? world->now : world->commit_time + 1;
    event = &world->events[index];
    may = predict_retract(world, event, &may_refuse);
    status = make_event_batch(store, FEATURE_RETRACT, event, 1, true, &batch,
                              &error);
    if (!status)
        status = feature_store_write(store, &batch, 1, NULL, &commit, &error);
    same = judge_retract(world, event, may, may_refuse, status,
                         status ? 0 : feature_batch_outcomes(batch)[0], time,
                         &error);
    feature_batch_free(batch);
    return same;
}

/* --- deletes ----------------------------------------------------------------- */

static feature_status
make_delete(struct event_world *world, feature_store *store,
            const struct view *view, uint32_t key, int64_t ts,
            feature_batch **batch, struct feature_error *error)
{
    static const char *const columns[ENTITIES] = {
        "event_timestamp, card_id", "event_timestamp, name",
        "event_timestamp, card_id, shop"};
    int64_t card = view->entity == BY_CARD ? key : key / SHOPS;
    const char *shop = shop_names[key % SHOPS];
    int32_t ends[2] = {0, (int32_t)strlen(shop)};
    feature_status status = feature_batch_create(store, view_name(world, view),
                                                 columns[view->entity],
                                                 FEATURE_DELETE, batch, error);

    if (!status)
        status = feature_batch_set(*batch, 0, FEATURE_TYPE_TIMESTAMP, &ts, NULL,
                                   NULL, 1, error);
    if (!status && view->entity != BY_SHOP)
        status = feature_batch_set(*batch, 1, FEATURE_TYPE_INT64, &card, NULL,
                                   NULL, 1, error);
    if (!status && view->entity != BY_CARD)
        status =
            feature_batch_set(*batch, view->entity == BY_SHOP ? 1 : 2,
                              FEATURE_TYPE_STRING, shop, ends, NULL, 1, error);
    return status;
}

static bool
judge_delete(struct event_world *world, struct view *view, uint32_t key,
             int64_t ts, uint8_t outcome, int64_t time)
{
    bool is_applied = !view->is_buried[key] || ts >= view->wm[key];
    int64_t until = ts;

    say(world, "  delete of %s key %u at %lld: %u\n", view_name(world, view),
        key, (long long)ts, outcome);
    if (outcome !=
        (is_applied ? FEATURE_OUTCOME_APPLIED : FEATURE_OUTCOME_LATE))
        return differ(world, "a DELETE of %s key %u at %lld: outcome %u",
                      view_name(world, view), key, (long long)ts, outcome);
    if (view->wm[key] > until && world->plant != EVENT_PLANT_DELETE)
        until = view->wm[key];
    if (!is_applied)
        return true;
    view->barriers[view->barrier_count++] = (struct barrier){key, until, time};
    /* Scans do not look for events of a row that was swept. */
    view->is_unsure[key] |= view->wm[key] == NEVER && view->purged != NEVER;
    view->wm[key] = until;
    view->is_buried[key] = true;
    return true;
}

bool
run_event_delete(struct event_world *world)
{
    struct feature_commit commit = {.struct_size = sizeof commit};
    feature_store *store = any_store(world);
    struct view *view = any_view(world);
    struct feature_error error = {0};
    feature_batch *batch = NULL;
    feature_status status;
    int64_t ts, time;
    uint32_t key;
    bool same;

    if (!view || view->barrier_count == BARRIERS_MAX ||
        !learn_commit_time(world))
        return !world->complaint.size;
    key = dice_below(&world->dice, view->entity == BY_CARD   ? CARDS
                                   : view->entity == BY_SHOP ? SHOPS
                                                             : KEYS);
    if (view->is_unsure[key])
        return true;
    ts = world->now - (int64_t)(dice_next(&world->dice) % (uint64_t)(2 * DAY));
    time =
        world->now > world->commit_time ? world->now : world->commit_time + 1;
    status = make_delete(world, store, view, key, ts, &batch, &error);
    if (!status)
        status = feature_store_write(store, &batch, 1, NULL, &commit, &error);
    same = expect_good(world, "a DELETE", status, &error) &&
           judge_delete(world, view, key, ts, feature_batch_outcomes(batch)[0],
                        time);
    feature_batch_free(batch);
    return same;
}
