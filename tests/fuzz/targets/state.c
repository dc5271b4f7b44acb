/* SPDX-License-Identifier: Apache-2.0 */
/*
 * States of windowed views: a number that draws a view, wm, a row's body.
 *
 * Property: no body is read outside of its bytes; one that is what it would be
 * written as still is after it was read and written, and takes an event.
 */
#include "target.h"

#include "../windows.h"

static struct world world;

static void
try_reads(const struct lf_tile_plan *plan, const uint8_t *body, size_t size,
          int64_t wm)
{
    const struct lf_feature *features[FEATURES_MAX];
    struct lf_reading *reading;

    for (uint32_t i = 0; i < plan->feature_count; i++)
        features[i] = plan->features[i].feature;
    reading = lf_reading_make(plan, features, plan->feature_count);
    if (!reading)
        abort();
    (void)lf_reading_row(reading, body, size, wm, wm, NULL);
    (void)lf_reading_row(reading, body, size, wm, INT64_MAX, NULL);
    (void)lf_reading_row(reading, body, size, wm, INT64_MIN, NULL);
    lf_reading_free(reading);
}

static void
try_writes(struct lf_state *state, const uint8_t *body, size_t size, int64_t wm)
{
    struct happening happening;
    struct lf_tile_event event = {wm, COLUMNS, happening.cells};
    struct lf_buffer row = {0};
    uint8_t outcome;

    expect(!lf_state_load(state, body, size, wm) &&
               !lf_state_encode(state, &row) && row.size == size &&
               !memcmp(row.data, body, size),
           "a body comes back");
    memset(&happening, 0, sizeof happening);
    world_happen(&world, &happening, wm);
    expect(!lf_state_apply(state, &event, 1, &outcome), "a state takes events");
    row.size = 0;
    expect(!lf_state_encode(state, &row) &&
               !lf_state_check(state, row.data, row.size, lf_state_wm(state)),
           "with one event more it is a body");
    lf_buffer_free(&row);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct input input = {bytes, bytes + size};
    struct lf_tile_plan *plan;
    struct lf_state *state;
    const uint8_t *body;
    int64_t wm;

    random_seed(take_u16(&input));
    world_make(&world, false);
    wm = (int64_t)take_u64(&input);
    size = left_of(&input);
    body = input.at;     /* to its end: what is beyond, nobody may touch */
    if (wm == INT64_MIN) /* no time of an event */
        wm++;
    if (lf_tile_plan_make(&plan, &world.event, &world.view, 1))
        abort();
    state = lf_state_make(plan);
    if (!state)
        abort();
    try_reads(plan, body, size, wm);
    if (!lf_state_check(state, body, size, wm))
        try_writes(state, body, size, wm);
    lf_state_free(state);
    lf_tile_plan_free(plan);
    return 0;
}
