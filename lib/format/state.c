/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state of one key under way.
 *
 * Owns what is known of the key: its entries, oldest first, what left its
 * windows, marks, barrier; and the memory of their bytes until the next key.
 * Keeps one form: lf_state_settle makes of any entries the ones that the level
 * rule says at wm. All that changes a state adds entries and settles.
 * Never looks at a store or a clock.
 */
#include "format/state_work.h"

#include "base/alloc.h"
#include "base/utf8.h"

#define POOL_CHUNK 65536

/* --- memory ----------------------------------------------------------------*/

struct lf_pool_chunk {
    struct lf_pool_chunk *next;
    size_t size;
    size_t used;
    uint8_t bytes[];
};

static struct lf_pool_chunk *
new_chunk(size_t size)
{
    struct lf_pool_chunk *chunk;

    if (size < POOL_CHUNK)
        size = POOL_CHUNK;
    chunk = lf_realloc_array(NULL, 1, sizeof *chunk + size);
    if (chunk) {
        chunk->next = NULL;
        chunk->size = size;
        chunk->used = 0;
    }
    return chunk;
}

uint8_t *
lf_pool_copy(struct lf_pool *pool, const uint8_t *bytes, size_t size)
{
    struct lf_pool_chunk *chunk = pool->at;
    uint8_t *to;

    while (chunk && chunk->size - chunk->used < size && chunk->next) {
        chunk = chunk->next;
        chunk->used = 0;
    }
    if (!chunk || chunk->size - chunk->used < size) {
        struct lf_pool_chunk *more = new_chunk(size);

        if (!more)
            return NULL;
        if (chunk)
            chunk->next = more;
        else
            pool->first = more;
        chunk = more;
    }
    pool->at = chunk;
    to = chunk->bytes + chunk->used;
    chunk->used += size;
    if (size)
        memcpy(to, bytes, size);
    return to;
}

static void
empty_pool(struct lf_pool *pool)
{
    pool->at = pool->first;
    if (pool->at)
        pool->at->used = 0;
}

static void
free_pool(struct lf_pool *pool)
{
    while (pool->first) {
        struct lf_pool_chunk *next = pool->first->next;

        lf_free(pool->first);
        pool->first = next;
    }
}

struct lf_entry *
lf_entries_add(struct lf_entries *entries)
{
    if (entries->count == entries->room) {
        size_t room = entries->room ? 2 * entries->room : 64;
        struct lf_entry *more =
            lf_realloc_array(entries->items, room, sizeof *more);

        if (!more)
            return NULL;
        entries->items = more;
        entries->room = room;
    }
    return &entries->items[entries->count++];
}

/* --- begin and end ---------------------------------------------------------*/

struct lf_state *
lf_state_make(const struct lf_tile_plan *plan)
{
    struct lf_state *state = lf_alloc(sizeof *state);

    if (!state)
        return NULL;
    state->plan = plan;
    state->bounds = lf_alloc_array(plan->level_count, sizeof(int64_t));
    state->tidy_bounds = lf_alloc_array(plan->level_count, sizeof(int64_t));
    if (!state->bounds || !state->tidy_bounds ||
        !lf_accs_init(&state->accs, plan) ||
        !lf_inputs_init(&state->inputs, plan)) {
        lf_state_free(state);
        return NULL;
    }
    lf_state_begin(state);
    return state;
}

void
lf_state_free(struct lf_state *state)
{
    if (!state)
        return;
    if (state->accs.plan)
        lf_accs_free(&state->accs);
    lf_inputs_free(&state->inputs);
    lf_free(state->bounds);
    lf_free(state->tidy_bounds);
    lf_state_free(state->previous);
    lf_free(state->old.items);
    lf_free(state->added.items);
    lf_free(state->made.items);
    lf_buffer_free(&state->scratch);
    lf_buffer_free(&state->other);
    free_pool(&state->pool);
    lf_free(state);
}

void
lf_state_begin(struct lf_state *state)
{
    struct lf_body *body = &state->body;

    empty_pool(&state->pool);
    state->old.count = state->added.count = state->made.count = 0;
    memset(body, 0, sizeof *body);
    body->plan = state->plan;
    body->base = state->plan->version;
    body->covered = body->barrier = INT64_MIN;
    state->wm = INT64_MIN;
    state->is_settled = true;
    state->is_tidy = false;
    lf_state_set_bounds(state);
}

void
lf_state_purged(struct lf_state *state, int64_t horizon)
{
    struct lf_body *body = &state->body;

    body->covered = horizon;
    if (state->plan->version < 2)
        return;
    body->base = 1;
    body->mark_count = 1;
    body->marks[0] = (struct lf_mark){state->plan->version, horizon};
}

void
lf_state_purged_before(struct lf_state *state, int64_t horizon)
{
    struct lf_body *body = &state->body;
    struct lf_mark *mark;

    if (!body->mark_count)
        return;
    mark = &body->marks[body->mark_count - 1];
    if (mark->version == state->plan->version && mark->wm < horizon)
        mark->wm = horizon;
}

int64_t
lf_state_wm(const struct lf_state *state)
{
    return state->wm;
}

int64_t
lf_state_barrier(const struct lf_state *state)
{
    return state->body.barrier;
}

bool
lf_state_has_marks(const struct lf_state *state)
{
    return state->body.mark_count > 0;
}

bool
lf_state_is_buried(const struct lf_state *state)
{
    return state->body.barrier > INT64_MIN && state->wm <= state->body.barrier;
}

uint64_t
lf_state_count(const struct lf_state *state)
{
    uint64_t count = state->body.lifetime_count;
    struct lf_body body = state->body;
    struct lf_entry entry;

    for (size_t i = 0; i < state->old.count; i++)
        count += state->old.items[i].count;
    for (size_t i = 0; i < state->added.count; i++)
        count += state->added.items[i].count;
    while (lf_body_next(&body, &state->accs, &entry))
        count += entry.count;
    return count;
}

void
lf_state_set_wm(struct lf_state *state, int64_t wm)
{
    if (wm <= state->wm)
        return;
    state->wm = wm;
    state->is_settled = false;
    lf_state_set_bounds(state);
}

/* --- bytes -----------------------------------------------------------------*/

/* What was taken up, newest first, goes before the rest. */
static bool
put_before(struct lf_entries *old, const struct lf_entries *taken)
{
    size_t count = old->count;

    for (size_t i = 0; i < taken->count; i++)
        if (!lf_entries_add(old))
            return false;
    if (!taken->count)
        return true;
    memmove(old->items + taken->count, old->items, count * sizeof *old->items);
    for (size_t i = 0; i < taken->count; i++)
        old->items[i] = taken->items[taken->count - 1 - i];
    return true;
}

enum lf_tile_status
lf_state_pull(struct lf_state *state, int64_t until)
{
    struct lf_entries *taken = &state->made;
    struct lf_entry entry, *at;
    int below = 0;

    for (size_t i = 0; i < state->old.count && below < 2; i++)
        below += until > INT64_MIN && state->old.items[i].start <= until;
    taken->count = 0;
    while (below < 2 && lf_body_next(&state->body, &state->accs, &entry)) {
        at = lf_entries_add(taken);
        if (!at)
            return LF_TILE_MEMORY;
        *at = entry;
        below += until > INT64_MIN && entry.start <= until;
    }
    if (state->body.is_damaged)
        return LF_TILE_CORRUPT;
    return put_before(&state->old, taken) ? LF_TILE_OK : LF_TILE_MEMORY;
}

/* Opens a body whose bytes stay. */
static enum lf_tile_status
open_body(struct lf_state *state, const uint8_t *bytes, size_t size, int64_t wm)
{
    if (!lf_body_open(&state->body, &state->accs, bytes, size, wm))
        return LF_TILE_CORRUPT;
    lf_state_set_wm(state, wm);
    state->is_settled = state->is_tidy = true;
    memcpy(state->tidy_bounds, state->bounds,
           state->plan->level_count * sizeof(int64_t));
    return LF_TILE_OK;
}

enum lf_tile_status
lf_state_load(struct lf_state *state, const uint8_t *body, size_t size,
              int64_t wm)
{
    enum lf_tile_status status;
    uint8_t *copy;

    lf_state_begin(state);
    copy = lf_pool_copy(&state->pool, body, size);
    status = copy ? open_body(state, copy, size, wm) : LF_TILE_MEMORY;
    if (status)
        lf_state_begin(state);
    return status;
}

/* What can matter no more at wm is left out: a rule of wm alone. */
static void
forget_past(struct lf_state *state)
{
    const struct lf_tile_plan *plan = state->plan;
    struct lf_body *body = &state->body;
    int64_t bound = state->bounds[plan->level_count - 1];
    bool keeps = plan->has_lifetime;

    if (body->covered <= bound)
        body->covered = INT64_MIN;
    lf_state_forget_edges(state);
    if (body->mark_count && !keeps &&
        body->marks[body->mark_count - 1].wm < bound) {
        body->mark_count = 0;
        body->base = plan->version;
    }
}

static enum lf_tile_status
encode(struct lf_state *state, struct lf_buffer *to)
{
    enum lf_tile_status status = lf_state_settle(state);
    struct lf_entry first = {.start = state->wm, .level = LF_TILE_NONE};
    const struct lf_entry *last = &first;

    if (status)
        return status;
    forget_past(state);
    if (!lf_body_put(&state->body, state->wm, to))
        return LF_TILE_MEMORY;
    for (size_t i = state->old.count; i-- > 0; last = &state->old.items[i])
        if (!lf_entry_put(state->plan, &state->old.items[i], last, to))
            return LF_TILE_MEMORY;
    return state->body.in.at == state->body.in.end ||
                   lf_buffer_append(
                       to, state->body.in.at,
                       (size_t)(state->body.in.end - state->body.in.at))
               ? LF_TILE_OK
               : LF_TILE_MEMORY;
}

enum lf_tile_status
lf_state_encode(struct lf_state *state, struct lf_buffer *to)
{
    size_t begin = to->size;
    enum lf_tile_status status = encode(state, to);

    return status || !state->accs.wide || !state->accs.wide->is_used
               ? status
               : lf_beside_note(state->accs.wide, state->plan, to->data + begin,
                                to->size - begin, state->wm);
}

/* Whoever reads a STRING trusts that it is text. */
static bool
inputs_are_text(const struct lf_tile_plan *plan, const struct lf_inputs *inputs)
{
    for (uint32_t i = 0; i < plan->input_count; i++)
        if (inputs->has[i] && plan->inputs[i].code == FEATURE_TYPE_STRING &&
            !lf_utf8_valid(inputs->values[i].text, inputs->values[i].size))
            return false;
    return true;
}

static bool
accs_are_text(const struct lf_accs *accs)
{
    for (uint32_t i = 0; i < accs->plan->state_count; i++)
        if (!lf_items_are_text(&accs->accs[i]))
            return false;
    return true;
}

/* Every state of an entry anew, from what its bytes say. */
static enum lf_tile_status
encode_anew(struct lf_state *state, struct lf_entry *entry, bool lifetime)
{
    bool is_single = entry->level == state->plan->level_count && !lifetime;
    struct lf_bytes_in in = {entry->bytes, entry->bytes + entry->size};

    state->scratch.size = 0;
    if (is_single) {
        state->inputs.ts = entry->start;
        if (!lf_inputs_get(&state->inputs, state->plan, &in) ||
            !inputs_are_text(state->plan, &state->inputs))
            return LF_TILE_CORRUPT;
        lf_inputs_trim(&state->inputs, state->plan);
        if (!lf_inputs_put(&state->inputs, state->plan, &state->scratch))
            return LF_TILE_MEMORY;
    } else {
        lf_accs_clear(&state->accs);
        if (!lf_accs_add_states(&state->accs, entry->bytes, entry->size,
                                lifetime ? 0 : entry->start, entry->count,
                                lifetime, false) ||
            !accs_are_text(&state->accs))
            return LF_TILE_CORRUPT;
        if (!lf_accs_put(&state->accs, lifetime ? 0 : entry->start, lifetime,
                         &state->scratch))
            return LF_TILE_MEMORY;
    }
    return state->scratch.size == entry->size &&
                   (!entry->size ||
                    memcmp(state->scratch.data, entry->bytes, entry->size) == 0)
               ? LF_TILE_OK
               : LF_TILE_CORRUPT;
}

enum lf_tile_status
lf_state_check(struct lf_state *state, const uint8_t *body, size_t size,
               int64_t wm)
{
    enum lf_tile_status status = lf_state_load(state, body, size, wm);
    struct lf_body *opened = &state->body;
    struct lf_entry lifetime = {.count = opened->lifetime_count,
                                .bytes = opened->lifetime,
                                .size = opened->lifetime_size};

    if (!status)
        status = lf_state_pull(state, INT64_MIN);
    if (!status && lifetime.count && !state->plan->has_lifetime)
        status = LF_TILE_CORRUPT;
    if (!status && lifetime.count)
        status = encode_anew(state, &lifetime, true);
    for (size_t i = 0; !status && i < state->old.count; i++)
        status = encode_anew(state, &state->old.items[i], false);
    if (status)
        return status;
    state->is_settled = state->is_tidy = false;
    state->other.size = 0;
    status = lf_state_encode(state, &state->other);
    if (!status && (state->other.size != size ||
                    memcmp(state->other.data, body, size) != 0))
        status = LF_TILE_CORRUPT;
    return status;
}
