/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wide states, beside their row.
 *
 * Owns which states those are, what stands for them, and the ways between a slim
 * body and a full one.
 * Keeps a slim body a function of the full one: a state is named by its bytes,
 * wherever it lies and however it came to be.
 * Never fetches a state that nobody folds.
 */
#include "format/state_wide.h"

#include "format/state_read.h"
#include "format/state_work.h"

/* --- sets ------------------------------------------------------------------*/

static uint32_t
bucket_of(const struct lf_beside_ref *ref)
{
    return ref->hash[0] % LF_BESIDE_BUCKETS;
}

static bool
is_same(const struct lf_beside_ref *a, const struct lf_beside_ref *b)
{
    return a->size == b->size &&
           memcmp(a->hash, b->hash, LF_BESIDE_HASH_SIZE) == 0;
}

struct lf_beside_item *
lf_beside_set_find(const struct lf_beside_set *set,
                   const struct lf_beside_ref *ref)
{
    size_t count;
    struct lf_beside_item *items = lf_beside_set_items(set, &count);
    uint32_t at = set->buckets[bucket_of(ref)];

    while (at && !is_same(&items[at - 1].ref, ref))
        at = items[at - 1].next;
    return at ? &items[at - 1] : NULL;
}

bool
lf_beside_set_add(struct lf_beside_set *set, const struct lf_beside_ref *ref,
                  const uint8_t *bytes)
{
    uint32_t *bucket = &set->buckets[bucket_of(ref)];
    struct lf_beside_item item = {.ref = *ref, .next = *bucket, .bytes = bytes};

    if (lf_beside_set_find(set, ref))
        return true;
    if (!lf_buffer_append(&set->items, &item, sizeof item))
        return false;
    *bucket = (uint32_t)(set->items.size / sizeof item);
    return true;
}

void
lf_beside_set_clear(struct lf_beside_set *set)
{
    if (!set->items.size)
        return;
    set->items.size = 0;
    memset(set->buckets, 0, sizeof set->buckets);
}

/* --- one key ---------------------------------------------------------------*/

void
lf_beside_begin(struct lf_beside *wide)
{
    wide->is_used = wide->has_no_memory = false;
    lf_beside_set_clear(&wide->refs);
    lf_beside_set_clear(&wide->made);
    lf_arena_free(&wide->arena);
}

void
lf_beside_free(struct lf_beside *wide)
{
    lf_buffer_free(&wide->refs.items);
    lf_buffer_free(&wide->made.items);
    lf_arena_free(&wide->arena);
}

void
lf_state_use_beside(struct lf_state *state, struct lf_beside *wide)
{
    state->accs.wide = wide;
}

void
lf_reading_use_beside(struct lf_reading *reading, struct lf_beside *wide)
{
    struct lf_read *read = (struct lf_read *)reading;

    read->measure.wide = wide;
}

struct lf_beside_ref
lf_beside_ref_of(const uint8_t *bytes, size_t size)
{
    struct lf_hash128 hash = lf_hash128(0, bytes, size);
    struct lf_beside_ref ref = {.size = (uint32_t)size};

    lf_store_u64(ref.hash, hash.low);
    lf_store_u64(ref.hash + 8, hash.high);
    return ref;
}

/* --- in the kernel ---------------------------------------------------------*/

bool
lf_beside_get(struct lf_beside *wide, uint64_t size, struct lf_bytes_in *state)
{
    struct lf_beside_ref ref = {.size = (uint32_t)size};
    const struct lf_beside_item *made;
    enum lf_tile_status status = LF_TILE_OK;
    const uint8_t *bytes = NULL;

    memcpy(ref.hash, state->at, LF_BESIDE_HASH_SIZE);
    made = lf_beside_set_find(&wide->made, &ref);
    if (made)
        bytes = made->bytes;
    else
        status = wide->fetch(wide->context, &ref, &bytes);
    wide->has_no_memory |= status == LF_TILE_MEMORY;
    if (status)
        return false;
    *state = (struct lf_bytes_in){bytes, bytes + size};
    return true;
}

/* Bytes that were made, and what stands for them. */
static bool
make_ref(struct lf_beside *wide, const uint8_t *bytes, size_t size,
         struct lf_beside_ref *ref)
{
    const uint8_t *copy;

    *ref = lf_beside_ref_of(bytes, size);
    wide->is_used = true;
    if (lf_beside_set_find(&wide->made, ref))
        return true;
    copy = (const uint8_t *)lf_arena_copy(&wide->arena, bytes, size);
    return copy && lf_beside_set_add(&wide->made, ref, copy);
}

bool
lf_beside_put(struct lf_beside *wide, struct lf_buffer *to, size_t begin)
{
    struct lf_beside_ref ref;

    if (!make_ref(wide, to->data + begin, to->size - begin, &ref))
        return false;
    memcpy(to->data + begin, ref.hash, sizeof ref.hash);
    to->size = begin + sizeof ref.hash;
    return true;
}

enum lf_tile_status
lf_beside_note(struct lf_beside *wide, const struct lf_tile_plan *plan,
               uint8_t *body, size_t size, int64_t wm)
{
    enum lf_tile_status status;

    lf_beside_set_clear(&wide->refs);
    status =
        lf_beside_list(plan, body, size, wm, &wide->refs, &wide->full_size);
    if (!status && wide->refs.items.size)
        body[0] |= LF_PART_WIDE;
    return status;
}

/* --- bodies as a whole -----------------------------------------------------*/

enum way { LIST, DEFLATE, INFLATE };

/* A body, on its way into another form. */
struct walk {
    enum way way;
    struct lf_accs accs;   /* to measure with */
    struct lf_beside none; /* no more than a sign that a body is slim */
    struct lf_beside *wide;
    struct lf_beside_set *set;
    struct lf_buffer *to;
    uint64_t full_size;
    bool has_refs;
};

static bool
put(const struct walk *walk, const uint8_t *from, const uint8_t *until)
{
    return walk->way == LIST || from == until ||
           lf_buffer_append(walk->to, from, (size_t)(until - from));
}

/* A state that lies beside the row, or is to. */
static enum lf_tile_status
pass_wide(struct walk *walk, struct lf_bytes_in state, uint64_t size)
{
    struct lf_beside_ref ref = {.size = (uint32_t)size};

    walk->has_refs = true;
    if (walk->way == DEFLATE)
        return make_ref(walk->wide, state.at, size, &ref) &&
                       lf_buffer_append(walk->to, ref.hash, sizeof ref.hash)
                   ? LF_TILE_OK
                   : LF_TILE_MEMORY;
    walk->full_size += size - LF_BESIDE_HASH_SIZE;
    if (walk->full_size > LF_FULL_SIZE_LIMIT && walk->way == INFLATE)
        return LF_TILE_CORRUPT;
    if (walk->way == LIST) {
        memcpy(ref.hash, state.at, sizeof ref.hash);
        return lf_beside_set_add(walk->set, &ref, NULL) ? LF_TILE_OK
                                                        : LF_TILE_MEMORY;
    }
    if (!lf_beside_get(walk->wide, size, &state))
        return LF_TILE_CORRUPT;
    return put(walk, state.at, state.end) ? LF_TILE_OK : LF_TILE_MEMORY;
}

/* The states of an entry, or of all time: sizes stay, bytes may not. */
static enum lf_tile_status
pass_states(struct walk *walk, const uint8_t *bytes, uint32_t size,
            uint32_t count)
{
    size_t sizes = lf_sizes_size(count);
    struct lf_bytes_in in = {bytes + sizes, bytes + size}, state;

    if (!put(walk, bytes, in.at))
        return LF_TILE_MEMORY;
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *before = in.at;
        uint64_t beside;

        if (!lf_state_take(bytes, i, &in, &walk->accs, &state, &beside))
            return LF_TILE_CORRUPT;
        if (walk->way == DEFLATE &&
            (uint64_t)(state.end - state.at) >= LF_BESIDE_FROM)
            beside = (uint64_t)(state.end - state.at);
        if (!put(walk, before, beside ? state.at : in.at))
            return LF_TILE_MEMORY;
        if (beside)
            LF_TILE_TRY(pass_wide(walk, state, beside));
    }
    return LF_TILE_OK;
}

static enum lf_tile_status
pass_body(struct walk *walk, const uint8_t *bytes, size_t size, int64_t wm)
{
    const struct lf_accs *accs = &walk->accs;
    const uint8_t *at = bytes;
    struct lf_entry entry;
    struct lf_body body;

    if (!lf_body_open(&body, accs, bytes, size, wm))
        return LF_TILE_CORRUPT;
    if (body.lifetime_count) {
        if (!put(walk, at, body.lifetime))
            return LF_TILE_MEMORY;
        LF_TILE_TRY(pass_states(walk, body.lifetime, body.lifetime_size,
                                accs->states[1]));
        at = body.lifetime + body.lifetime_size;
    }
    while (lf_body_next(&body, accs, &entry)) {
        if (entry.level == accs->plan->level_count)
            continue;
        if (!put(walk, at, entry.bytes))
            return LF_TILE_MEMORY;
        LF_TILE_TRY(
            pass_states(walk, entry.bytes, entry.size, accs->states[0]));
        at = entry.bytes + entry.size;
    }
    if (body.is_damaged)
        return LF_TILE_CORRUPT;
    return put(walk, at, bytes + size) ? LF_TILE_OK : LF_TILE_MEMORY;
}

static enum lf_tile_status
run(struct walk *walk, const struct lf_tile_plan *plan, const uint8_t *body,
    size_t size, int64_t wm)
{
    walk->full_size = size;
    walk->accs.plan = plan;
    walk->accs.wide = walk->way == DEFLATE ? NULL : &walk->none;
    walk->accs.states[0] = plan->state_count;
    for (uint32_t i = 0; i < plan->state_count; i++)
        walk->accs.states[1] += plan->states[i].is_lifetime;
    return pass_body(walk, body, size, wm);
}

enum lf_tile_status
lf_beside_list(const struct lf_tile_plan *plan, const uint8_t *body,
               size_t size, int64_t wm, struct lf_beside_set *set,
               uint64_t *full_size)
{
    struct walk walk = {.way = LIST, .set = set};
    enum lf_tile_status status = run(&walk, plan, body, size, wm);

    *full_size = walk.full_size;
    return status;
}

enum lf_tile_status
lf_beside_deflate(const struct lf_tile_plan *plan, struct lf_beside *wide,
                  const uint8_t *body, size_t size, int64_t wm,
                  struct lf_buffer *to)
{
    struct walk walk = {.way = DEFLATE, .wide = wide, .to = to};
    size_t begin = to->size;

    LF_TILE_TRY(run(&walk, plan, body, size, wm));
    if (walk.has_refs)
        to->data[begin] |= LF_PART_WIDE;
    return LF_TILE_OK;
}

enum lf_tile_status
lf_beside_inflate(const struct lf_tile_plan *plan, struct lf_beside *wide,
                  const uint8_t *body, size_t size, int64_t wm,
                  struct lf_buffer *to)
{
    struct walk walk = {.way = INFLATE, .wide = wide, .to = to};
    size_t begin = to->size;

    LF_TILE_TRY(run(&walk, plan, body, size, wm));
    to->data[begin] &= (uint8_t)~LF_PART_WIDE;
    return LF_TILE_OK;
}
