/* SPDX-License-Identifier: Apache-2.0 */
/*
 * States without memory: each allocation of a row's life fails once.
 *
 * Owns the loop that fails the first allocation, the second, and so on, until
 * all goes well.
 * Keeps to the promise: LF_TILE_MEMORY or NULL, and loaded anew it is as it was.
 */
#include "windows_rig.h"

#undef HOUR
#include "support.h"

/* What went wrong, if anything: no memory. */
static bool
went_through(enum lf_tile_status status)
{
    if (status && status != LF_TILE_MEMORY) {
        allocation_fail(-1);
        wrong("without memory: %d", (int)status);
    }
    return !status;
}

/* Reads, with all that they need made for them. */
static bool
read_once(const struct lf_tile_plan *plan, const struct lf_buffer *row,
          int64_t wm)
{
    const struct lf_feature *features[FEATURES_MAX];
    struct lf_reading *reading;
    bool done;

    list_features(1, features);
    reading = lf_reading_make(plan, features, count_features(1));
    if (!reading)
        return false;
    done = went_through(
        lf_reading_row(reading, row->data, row->size, wm, wm, NULL));
    done = done && went_through(lf_reading_row(reading, row->data, row->size,
                                               wm, INT64_MAX, committed));
    lf_reading_free(reading);
    return done;
}

/* Loads the row, changes it in each way, and writes it. */
static bool
change_once(const struct lf_tile_plan *plan, struct lf_state *state,
            struct lf_state *other, const struct lf_buffer *row, int64_t wm,
            struct lf_buffer *out)
{
    static uint8_t outcomes[EVENTS_MAX];
    enum lf_tile_status status;

    if (!went_through(lf_state_load(state, row->data, row->size, wm)) ||
        !went_through(lf_state_load(other, row->data, row->size, wm)) ||
        !went_through(lf_state_apply(other, committed, 1, outcomes)) ||
        !went_through(lf_state_merge(state, other)) ||
        !went_through(
            lf_state_apply(state, committed, world.event_count / 2, outcomes)))
        return false;
    status = lf_state_retract(state, committed);
    if (status != LF_TILE_REFUSED && !went_through(status))
        return false;
    out->size = 0;
    return went_through(lf_state_encode(state, out)) &&
           went_through(lf_state_replan(other, plan, row->data, row->size, wm));
}

static bool
live_once(const struct lf_tile_plan *plan, const struct lf_buffer *row,
          int64_t wm, struct lf_buffer *out)
{
    struct lf_tile_plan *again = NULL;
    struct lf_state *state, *other;
    bool done;

    if (!went_through(lf_tile_plan_make(&again, &world.event, &world.view, 1)))
        return false;
    state = lf_state_make(plan);
    other = lf_state_make(plan);
    done = state && other && change_once(plan, state, other, row, wm, out) &&
           read_once(plan, row, wm);
    lf_state_free(state);
    lf_state_free(other);
    lf_tile_plan_free(again);
    return done;
}

void
try_memory(const struct lf_tile_plan *plan, const struct lf_buffer *row,
           int64_t wm)
{
    struct lf_buffer out = {0}, all = {0};
    bool done = false;
    int64_t live;

    if (!live_once(plan, row, wm, &all))
        wrong("a row has no life");
    for (int64_t after = 0; !done && !tally.wrong; after++) {
        lf_buffer_free(&out);
        out = (struct lf_buffer){0};
        live = allocation_live();
        if (!allocation_fail(after))
            break;
        done = live_once(plan, row, wm, &out);
        allocation_fail(-1);
        tally.failures += !done;
        if (allocation_live() != live + (out.data != NULL))
            wrong("without memory, memory is left");
    }
    if (done && (out.size != all.size || memcmp(out.data, all.data, out.size)))
        wrong("a failed allocation shows in later bytes");
    lf_buffer_free(&out);
    lf_buffer_free(&all);
}
