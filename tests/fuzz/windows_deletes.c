/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deletes between events, and what a purge or a new plan leaves PARTIAL: states
 * against plain arrays.
 *
 * Owns the oracle of barriers: who was deleted, who came too late.
 * Keeps order and committed those of the events that are left.
 */
#include "windows_rig.h"

/* An event, or a delete. */
struct act {
    bool is_delete;
    int64_t ts;
    uint32_t which; /* happening */
};

enum { DELETES_MAX = 3, ACTS_MAX = EVENTS_MAX + DELETES_MAX };

static struct act acts[ACTS_MAX];
static uint32_t act_count;

static struct {
    int64_t wm;
    int64_t barrier;
    uint32_t count; /* of events that are left: in order and committed */
} left;

static void
draw_acts(void)
{
    uint32_t deletes = 1 + random_below(DELETES_MAX);

    act_count = 0;
    for (uint32_t i = 0; i < world.event_count; i++) {
        acts[act_count++] =
            (struct act){.ts = world.happenings[i].ts, .which = i};
        if (deletes && random_one_in(1 + world.event_count / 3)) {
            uint32_t near = random_below(world.event_count);

            deletes--;
            acts[act_count++] =
                (struct act){.is_delete = true,
                             .ts = random_one_in(2) ? world.happenings[near].ts
                                                    : world.happenings[i].ts};
        }
    }
}

/* By the letter: a delete takes all events that were committed, and its time is
 * at least that of the newest of them. */
static void
play_acts(void)
{
    left.wm = left.barrier = INT64_MIN;
    left.count = 0;
    for (uint32_t i = 0; i < act_count; i++) {
        const struct act *act = &acts[i];
        const struct happening *happening = &world.happenings[act->which];

        if (act->is_delete) {
            if (act->ts > left.barrier)
                left.barrier = act->ts;
            if (left.wm > left.barrier)
                left.barrier = left.wm;
            left.wm = INT64_MIN;
            left.count = 0;
        } else if (act->ts > left.barrier) {
            if (act->ts > left.wm)
                left.wm = act->ts;
            order[left.count] = happening;
            committed[left.count++] = (struct lf_tile_event){
                happening->ts, COLUMNS, happening->cells};
        }
    }
}

/* As a store does: a tombstone is a time, anything else a row. */
static void
store_and_load(struct lf_state *state)
{
    struct lf_buffer row = {0};
    int64_t wm = lf_state_wm(state);

    if (lf_state_is_buried(state)) {
        int64_t barrier = lf_state_barrier(state);

        lf_state_begin(state);
        lf_state_bury(state, barrier);
    } else if (wm > INT64_MIN &&
               (lf_state_encode(state, &row) ||
                lf_state_load(state, row.data, row.size, wm))) {
        wrong("a row with a barrier cannot be written and read");
    }
    lf_buffer_free(&row);
}

static void
act_on(struct lf_state *state, uint32_t begin, uint32_t end)
{
    for (uint32_t i = begin; i < end; i++) {
        const struct happening *happening = &world.happenings[acts[i].which];
        struct lf_tile_event event = {happening->ts, COLUMNS, happening->cells};

        if (acts[i].is_delete)
            lf_state_bury(state, acts[i].ts);
        else
            apply(state, &event, 1);
        if (random_one_in(4))
            store_and_load(state);
    }
}

static void
expect_same(struct lf_state *state, struct lf_state *other, const char *what)
{
    struct lf_buffer a = {0}, b = {0};

    if (lf_state_is_buried(state) != lf_state_is_buried(other) ||
        lf_state_wm(state) != lf_state_wm(other) ||
        lf_state_barrier(state) != lf_state_barrier(other))
        wrong("%s: another wm or barrier", what);
    else if (lf_state_encode(state, &a) || lf_state_encode(other, &b) ||
             a.size != b.size || (a.size && memcmp(a.data, b.data, a.size)))
        wrong("%s: other bytes", what);
    lf_buffer_free(&a);
    lf_buffer_free(&b);
}

/* Whether the later side may hide, in a tile or in its lifetime state, events that
 * a delete of the earlier one makes late. */
static bool
may_refuse(const struct lf_tile_plan *plan, int64_t barrier, uint32_t cut)
{
    int64_t hop = plan->hops[plan->level_count - 1];

    for (uint32_t i = cut; barrier > INT64_MIN && i < act_count; i++)
        if (!acts[i].is_delete &&
            (plan->has_lifetime ||
             lf_tile_start(acts[i].ts, hop, plan->zone) <= barrier))
            return true;
    return false;
}

/* Acts before a cut (+) acts after it. */
static void
try_cut_acts(const struct lf_tile_plan *plan, struct lf_state *all)
{
    struct lf_state *state = must(lf_state_make(plan));
    struct lf_state *later = must(lf_state_make(plan));
    uint32_t cut = random_below(act_count + 1);
    enum lf_tile_status status;

    act_on(state, 0, cut);
    act_on(later, cut, act_count);
    status = lf_state_merge(state, later);
    if (!status)
        expect_same(state, all, "a cut between deletes");
    else if (status != LF_TILE_REFUSED || !may_refuse(plan, left.barrier, cut))
        wrong("states with deletes do not merge: %d", (int)status);
    if (status)
        tally.refused++;
    else
        tally.merged++;
    lf_state_free(state);
    lf_state_free(later);
}

static void
read_left(const struct lf_tile_plan *plan, struct lf_state *state)
{
    const struct lf_feature *features[FEATURES_MAX];
    uint32_t all = world.event_count;
    struct lf_buffer row = {0};
    struct lf_reading *reading;

    if (lf_state_encode(state, &row))
        wrong("no row behind a barrier");
    world.event_count = left.count;
    windows_barrier = left.barrier;
    read_all(plan, &row, left.wm, 1, 4);
    windows_barrier = INT64_MIN;
    world.event_count = all;
    list_features(1, features);
    reading = must(lf_reading_make(plan, features, count_features(1)));
    if (left.barrier > INT64_MIN && left.barrier < left.wm &&
        lf_tile_bound(plan, plan->level_count - 1, left.wm) < left.barrier) {
        if (lf_reading_row(reading, row.data, row.size, left.wm, left.barrier,
                           NULL))
            wrong("a row cannot be read at its barrier");
        for (uint32_t i = 0; i < reading->count; i++)
            if (reading->answers[i].kind != LF_ANSWER_PAST)
                wrong("feature %u is told at a delete", i);
    }
    lf_reading_free(reading);
    lf_buffer_free(&row);
}

void
try_deletes(const struct lf_tile_plan *plan)
{
    struct lf_state *state = must(lf_state_make(plan));
    uint32_t count = world.event_count;

    draw_acts();
    play_acts();
    act_on(state, 0, act_count);
    if (lf_state_wm(state) != left.wm ||
        lf_state_barrier(state) != left.barrier)
        wrong("wm or barrier of a delete");
    if (left.wm > INT64_MIN)
        read_left(plan, state);
    try_cut_acts(plan, state);
    tally.deletes++;
    for (uint32_t i = 0; i < count; i++) {
        order[i] = &world.happenings[i];
        committed[i] =
            (struct lf_tile_event){order[i]->ts, COLUMNS, order[i]->cells};
    }
    lf_state_free(state);
}

/* --- PARTIAL ---------------------------------------------------------------*/

/* What is PARTIAL in a row of version 2 where features that version 1 had not
 * lack events up to mark. */
void
expect_partial(const struct lf_tile_plan *next, const struct lf_buffer *row,
               int64_t wm, int64_t mark)
{
    const struct lf_feature *features[FEATURES_MAX];
    struct lf_reading *reading;

    list_features(2, features);
    reading = must(lf_reading_make(next, features, count_features(2)));
    for (int i = 0; i < 3; i++) {
        int64_t t = draw_t(next, wm);

        if (!arrays_promises(next, wm, t))
            continue;
        if (lf_reading_row(reading, row->data, row->size, wm, t, NULL))
            wrong("a row of a newer plan cannot be read");
        for (uint32_t j = 0; j < reading->count; j++) {
            const struct lf_window *window = &features[j]->aggregate->window;
            wide_int from, to;
            bool lacks;

            arrays_bounds(&world, window, t, &from, &to);
            lacks = mark > INT64_MIN && !is_in_first(features[j]->id) &&
                    (window->kind == LF_LIFETIME || from <= mark);
            if (windows_planted == PLANT_PARTIAL)
                lacks = false;
            if (reading->answers[j].kind != LF_ANSWER_PAST &&
                reading->answers[j].is_partial != lacks)
                wrong("feature %u at %lld is %s", j, (long long)t,
                      lacks ? "not PARTIAL" : "PARTIAL");
            tally.partials += lacks;
        }
    }
    lf_reading_free(reading);
}

/* A fresh row of version 2 where the view was purged up to a time. */
void
try_purge(void)
{
    struct lf_tile_plan *next;
    struct lf_state *state;
    struct lf_buffer row = {0};
    int64_t horizon, wm;

    if (!count_features(2) ||
        lf_tile_plan_make(&next, &world.event, &world.view, 2))
        return;
    horizon = order[random_below(world.event_count)]->ts;
    state = must(lf_state_make(next));
    lf_state_purged(state, horizon);
    ingest(state, committed, world.event_count, &row);
    wm = lf_state_wm(state);
    expect_partial(next, &row, wm, horizon);
    lf_buffer_free(&row);
    lf_state_free(state);
    lf_tile_plan_free(next);
}
