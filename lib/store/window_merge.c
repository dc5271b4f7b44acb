/* SPDX-License-Identifier: Apache-2.0 */
/*
 * States of another store into the rows of a view.
 *
 * Owns the order of the two sides: what comes in was committed before what is
 * stored.
 * Keeps the result equal to that of all events in one store, to the byte.
 * Never merges into a view that keeps events: they would not be all.
 */
#include "store/window_merge.h"

#include "store/journal.h"

/* --- checks ------------------------------------------------------------------- */

/* It is in full, as what travels. */
static feature_status
check_state(struct lf_form *form, struct lf_state *state,
            const struct lf_row *row, bool *is_sound, bool *has_marks,
            struct feature_error *error)
{
    enum lf_tile_status status;

    lf_state_use_beside(state, NULL);
    status = lf_state_check(state, row->bytes + LF_ROW_HEADER_SIZE,
                            row->size - LF_ROW_HEADER_SIZE, row->timestamp);
    lf_state_use_beside(state, &form->sides->beside);
    *is_sound = status == LF_TILE_OK;
    *has_marks = *is_sound && lf_state_has_marks(state);
    return status == LF_TILE_CORRUPT ? FEATURE_OK
                                     : lf_form_fail(form, status, error);
}

static feature_status
check_older(struct lf_form *form, const struct lf_row *row, bool *is_sound,
            bool *has_marks, struct feature_error *error)
{
    const struct lf_tile_plan *plan;
    struct lf_state *state;
    feature_status status;

    LF_TRY(lf_form_plan(form, row->version, &plan, error));
    state = lf_state_make(plan);
    if (!state)
        return lf_fail_memory(error);
    status = check_state(form, state, row, is_sound, has_marks, error);
    lf_state_free(state);
    return status;
}

feature_status
lf_window_check(struct lf_form *form, const struct lf_row *row, bool *is_sound,
                bool *has_marks, struct feature_error *error)
{
    struct lf_state *state;

    *has_marks = false;
    *is_sound =
        row->flags == LF_ROW_TOMBSTONE && row->size == LF_ROW_HEADER_SIZE;
    if (*is_sound || row->flags != LF_ROW_WINDOW)
        return FEATURE_OK;
    if (row->version != form->layout.version)
        return check_older(form, row, is_sound, has_marks, error);
    LF_TRY(lf_form_state(form, &state, error));
    return check_state(form, state, row, is_sound, has_marks, error);
}

/* --- merging ------------------------------------------------------------------ */

static feature_status
tell(struct lf_rows *rows, const uint8_t *key, size_t key_size,
     const struct lf_row *earlier, struct feature_error *error)
{
    struct lf_change change = {
        .view = rows->form->view->id,
        .operation = LF_CHANGE_MERGE,
        .time = earlier->timestamp,
        .key = {key, key_size},
        .after = {earlier->bytes + 4, earlier->size - 4}};

    rows->commit->written++;
    return lf_feed_wants(rows->commit)
               ? lf_feed_change(rows->commit, &change, error)
               : FEATURE_OK;
}

/* A delete after the cut erases all of the earlier side, and its barrier is at
 * the newest event of both. */
static feature_status
add_later(struct lf_rows *rows, struct lf_state *state,
          const struct lf_state *later, struct feature_error *error)
{
    enum lf_tile_status status;

    if (lf_state_is_buried(later)) {
        lf_state_bury(state, lf_state_barrier(later));
        return FEATURE_OK;
    }
    status = lf_state_merge(state, later);
    if (status != LF_TILE_REFUSED)
        return lf_form_fail(rows->form, status, error);
    return lf_fail(
        error, FEATURE_CONFLICT, "deleted",
        "its row was deleted before the tiles came, and holds events "
        "since that the delete cannot be told from: merge the tiles "
        "first");
}

/* Takes up what comes in, whose body is in full; room is for its slim one. */
static feature_status
take_earlier(struct lf_rows *rows, struct lf_buffer *room,
             const struct lf_row *earlier, struct lf_state **state,
             struct feature_error *error)
{
    struct lf_stored incoming = {.found = true, .row = *earlier};

    if (earlier->flags & LF_ROW_TOMBSTONE)
        return lf_window_load(rows, &incoming, state, error);
    LF_TRY(lf_sides_deflate(rows->sides, rows->form, earlier, room, error));
    incoming.row.bytes = room->data;
    incoming.row.size = (uint32_t)room->size;
    return lf_window_load(rows, &incoming, state, error);
}

static feature_status
fail_size(const struct lf_rows *rows, size_t size, uint64_t limit,
          struct feature_error *error)
{
    if (size > limit)
        return lf_fail(error, FEATURE_INVALID, "row-size",
                       "merged, its row has %zu bytes, the limit is %llu", size,
                       (unsigned long long)limit);
    return lf_fail(error, FEATURE_INVALID, "row-size",
                   "merged, its row has %llu bytes with the states that lie "
                   "beside it, the limit is %u MiB",
                   (unsigned long long)rows->sides->beside.full_size,
                   LF_FULL_SIZE_LIMIT >> 20);
}

feature_status
lf_window_merge(struct lf_rows *rows, struct lf_buffer *room,
                const uint8_t *key, size_t key_size,
                const struct lf_row *earlier, uint64_t limit,
                struct feature_error *error)
{
    struct lf_stored stored;
    struct lf_meta_view *meta = &rows->meta;
    struct lf_state *state, *later;
    bool fits;

    LF_TRY(lf_rows_find(rows, key, key_size, &stored, error));
    LF_TRY(lf_form_later(rows->form, &later, error));
    LF_TRY(lf_window_take(rows, &stored, later, error));
    LF_TRY(take_earlier(rows, room, earlier, &state, error));
    LF_TRY(add_later(rows, state, later, error));
    LF_TRY(lf_window_encode(rows, limit, state, room, &fits, error));
    if (!fits)
        return fail_size(rows, room->size, limit, error);
    LF_TRY(tell(rows, key, key_size, earlier, error));
    LF_TRY(lf_rows_put(rows, key, key_size, &stored, room, error));
    meta->applied++;
    if (earlier->timestamp > meta->newest)
        meta->newest = earlier->timestamp;
    return FEATURE_OK;
}
