/* SPDX-License-Identifier: Apache-2.0 */
/*
 * States that lie beside their row: a number that draws a view, wm, a body that
 * is slim or full.
 *
 * Property: no body is read outside of its bytes; what is a state in full is one
 * in its slim form too, comes back from it to the byte, and refers to just what
 * was taken out; a slim one that is what it would be written as comes back.
 */
#include "target.h"

#include "../windows.h"
#include "base/hash.h"

static struct world world;

/* Of what nobody made: bytes that follow from the hash. */
static enum lf_tile_status
invent(void *context, const struct lf_beside_ref *ref, const uint8_t **bytes)
{
    struct lf_beside *beside = context;
    uint8_t *made;

    if (ref->size > 65536)
        return LF_TILE_CORRUPT;
    made = lf_arena_alloc(&beside->arena, ref->size);
    if (!made)
        return LF_TILE_MEMORY;
    for (uint32_t i = 0; i < ref->size; i++)
        made[i] = ref->hash[i % LF_BESIDE_HASH_SIZE];
    *bytes = made;
    return LF_TILE_OK;
}

static enum lf_tile_status
refuse(void *context, const struct lf_beside_ref *ref, const uint8_t **bytes)
{
    (void)context;
    (void)ref;
    (void)bytes;
    return LF_TILE_CORRUPT;
}

static void
try_slim(const struct lf_tile_plan *plan, struct lf_state *state,
         const uint8_t *body, size_t size, int64_t wm)
{
    const struct lf_feature *features[FEATURES_MAX];
    struct lf_beside beside = {.fetch = invent, .context = &beside};
    struct lf_buffer row = {0};
    struct lf_reading *reading;

    for (uint32_t i = 0; i < plan->feature_count; i++)
        features[i] = plan->features[i].feature;
    reading = lf_reading_make(plan, features, plan->feature_count);
    if (!reading)
        abort();
    lf_reading_use_beside(reading, &beside);
    lf_beside_begin(&beside);
    (void)lf_reading_row(reading, body, size, wm, wm, NULL);
    (void)lf_reading_row(reading, body, size, wm, INT64_MAX, NULL);
    lf_reading_free(reading);
    lf_state_use_beside(state, &beside);
    lf_beside_begin(&beside);
    if (!lf_state_check(state, body, size, wm))
        expect(!lf_state_load(state, body, size, wm) &&
                   !lf_state_encode(state, &row) && row.size == size &&
                   !memcmp(row.data, body, size),
               "a slim body comes back");
    lf_beside_begin(&beside);
    row.size = 0;
    (void)lf_beside_inflate(plan, &beside, body, size, wm, &row);
    lf_beside_free(&beside);
    lf_buffer_free(&row);
}

static void
try_full(const struct lf_tile_plan *plan, struct lf_state *state,
         const uint8_t *body, size_t size, int64_t wm)
{
    struct lf_beside beside = {.fetch = refuse};
    struct lf_beside_set refs = {.items = {0}};
    struct lf_buffer slim = {0}, full = {0};
    uint64_t full_size;
    size_t made, listed;

    lf_beside_begin(&beside);
    expect(!lf_beside_deflate(plan, &beside, body, size, wm, &slim),
           "a full body becomes a slim one");
    expect(!lf_beside_list(plan, slim.data, slim.size, wm, &refs, &full_size) &&
               full_size == size,
           "a slim body says how large it is in full");
    (void)lf_beside_set_items(&beside.made, &made);
    (void)lf_beside_set_items(&refs, &listed);
    expect(made == listed && !made == !lf_beside_is_slim(slim.data, slim.size),
           "it refers to what was taken out");
    expect(!lf_beside_inflate(plan, &beside, slim.data, slim.size, wm, &full) &&
               full.size == size && !memcmp(full.data, body, size),
           "it comes back");
    lf_state_use_beside(state, &beside);
    expect(!lf_state_check(state, slim.data, slim.size, wm),
           "the slim one is a state too");
    lf_beside_set_clear(&refs);
    lf_buffer_free(&refs.items);
    lf_buffer_free(&slim);
    lf_buffer_free(&full);
    lf_beside_free(&beside);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct input input = {bytes, bytes + size};
    struct lf_tile_plan *plan;
    struct lf_state *state;
    int64_t wm;

    random_seed(take_u16(&input));
    world_make(&world, false);
    wm = (int64_t)take_u64(&input);
    if (wm == INT64_MIN) /* no time of an event */
        wm++;
    size = left_of(&input);
    if (lf_tile_plan_make(&plan, &world.event, &world.view, 1))
        abort();
    state = lf_state_make(plan);
    if (!state)
        abort();
    try_slim(plan, state, input.at, size, wm);
    lf_state_use_beside(state, NULL);
    if (!lf_state_check(state, input.at, size, wm))
        try_full(plan, state, input.at, size, wm);
    lf_state_free(state);
    lf_tile_plan_free(plan);
    return 0;
}
