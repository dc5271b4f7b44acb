/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events into a view.
 *
 * Owns the way from the rows of one join key to the stored state of that key:
 * one look-up, one fold, one put.
 * Keeps to the kernel's verdict on what is late, and tells the history of each
 * event, late or not.
 * Never takes memory for an event: room for some is used again and again.
 */
#include "store/event_fold.h"

#include <string.h>

#include "base/alloc.h"
#include "store/event_history.h"

/* --- a row of window state ---------------------------------------------------- */

feature_status
lf_window_take(struct lf_rows *rows, const struct lf_stored *stored,
               struct lf_state *state, struct feature_error *error)
{
    const struct lf_row *row = &stored->row;
    const struct lf_tile_plan *plan;
    const uint8_t *body;
    size_t size;

    if (!stored->found) {
        lf_state_begin(state);
        if (rows->meta.purge_horizon != INT64_MIN)
            lf_state_purged(state, rows->meta.purge_horizon);
        return FEATURE_OK;
    }
    if (row->flags & LF_ROW_TOMBSTONE) {
        lf_state_begin(state);
        lf_state_bury(state, row->timestamp);
        /* There may have been no row to delete: what was swept is not known. */
        if (rows->meta.purge_horizon > row->timestamp)
            lf_state_purged(state, rows->meta.purge_horizon);
        return FEATURE_OK;
    }
    body = row->bytes + LF_ROW_HEADER_SIZE;
    size = row->size - LF_ROW_HEADER_SIZE;
    if (row->version == rows->form->layout.version)
        return lf_form_fail(rows->form,
                            lf_state_load(state, body, size, row->timestamp),
                            error);
    LF_TRY(lf_form_plan(rows->form, row->version, &plan, error));
    LF_TRY(lf_form_fail(
        rows->form, lf_state_replan(state, plan, body, size, row->timestamp),
        error));
    lf_state_purged_before(state, rows->meta.purge_horizon);
    return FEATURE_OK;
}

feature_status
lf_window_load(struct lf_rows *rows, const struct lf_stored *stored,
               struct lf_state **state, struct feature_error *error)
{
    LF_TRY(lf_form_state(rows->form, state, error));
    return lf_window_take(rows, stored, *state, error);
}

feature_status
lf_window_encode(const struct lf_rows *rows, uint64_t limit,
                 struct lf_state *state, struct lf_buffer *row, bool *fits,
                 struct feature_error *error)
{
    uint16_t version = rows->form->layout.version;
    uint8_t *head;

    *fits = true;
    if (lf_state_is_buried(state))
        return lf_row_encode_tombstone(version, lf_state_barrier(state), row)
                   ? FEATURE_OK
                   : lf_fail_memory(error);
    row->size = 0;
    head = lf_buffer_extend(row, LF_ROW_HEADER_SIZE);
    if (!head)
        return lf_fail_memory(error);
    lf_store_u32(head, 0);
    lf_store_u16(head + 4, version);
    lf_store_u16(head + 6, LF_ROW_WINDOW);
    lf_store_i64(head + 8, lf_state_wm(state));
    LF_TRY(lf_form_fail(rows->form, lf_state_encode(state, row), error));
    *fits = row->size <= limit && (!rows->sides->beside.is_used ||
                                   rows->sides->beside.full_size <=
                                       LF_FULL_SIZE_LIMIT - LF_ROW_HEADER_SIZE);
    return FEATURE_OK;
}

/* --- runs --------------------------------------------------------------------- */

void
lf_fold_take(struct lf_fold *fold, uint32_t row, uint32_t at)
{
    const struct lf_event_rows *events = fold->events;
    uint32_t columns = events->event->column_count;
    struct lf_cell *cells = fold->cells + (size_t)at * columns;

    events->take(events->from, row, cells);
    fold->batch[at] = (struct lf_tile_event){.ts = lf_event_time(events, row),
                                             .cell_count = columns,
                                             .cells = cells};
}

/* Applies those of the room to the state. */
static feature_status
apply_some(struct lf_fold *fold, const uint32_t *rows, uint32_t count,
           struct feature_error *error)
{
    struct lf_meta_view *meta = &fold->rows.meta;

    LF_TRY(lf_form_fail(
        fold->rows.form,
        lf_state_apply(fold->state, fold->batch, count, fold->outcomes),
        error));
    for (uint32_t i = 0; i < count; i++) {
        lf_fold_mark(fold, rows[i], fold->outcomes[i]);
        if (fold->outcomes[i] != FEATURE_OUTCOME_APPLIED)
            continue;
        fold->applied++;
        if (fold->batch[i].ts > meta->newest)
            meta->newest = fold->batch[i].ts;
    }
    return FEATURE_OK;
}

static feature_status
apply_run(struct lf_fold *fold, const struct lf_event_run *run,
          struct feature_error *error)
{
    uint32_t rows[LF_FOLD_ROWS], count = 0;

    for (uint32_t i = run->first; i < run->end; i++) {
        uint32_t row = lf_fold_row(fold, i);

        if (!lf_fold_is_pending(fold, row))
            continue;
        fold->seen++;
        rows[count] = row;
        lf_fold_take(fold, row, count++);
        if (count < fold->room)
            continue;
        LF_TRY(apply_some(fold, rows, count, error));
        count = 0;
    }
    return count ? apply_some(fold, rows, count, error) : FEATURE_OK;
}

feature_status
lf_fold_keep(struct lf_fold *fold, const struct lf_event_run *run, uint32_t row,
             struct feature_error *error)
{
    struct lf_event_rows *events = fold->events;
    int64_t time = lf_event_time(events, row);

    if (!fold->rows.history)
        return FEATURE_OK;
    events->take(events->from, row, events->cells);
    LF_TRY(lf_event_payload(events, events->cells, time, error));
    return lf_event_history_add(
        &fold->rows, events->operation, run->key, run->key_size, time,
        lf_load_u32(events->ordinals.data + 4 * (size_t)row), &events->payload,
        &fold->kept, error);
}

/* Late ones too: a read as of the past may need them. */
static feature_status
keep_run(struct lf_fold *fold, const struct lf_event_run *run,
         struct feature_error *error)
{
    for (uint32_t i = run->first; fold->rows.history && i < run->end; i++) {
        uint32_t row = lf_fold_row(fold, i);

        if (lf_fold_is_pending(fold, row))
            LF_TRY(lf_fold_keep(fold, run, row, error));
    }
    return FEATURE_OK;
}

static feature_status
find_row(struct lf_fold *fold, const struct lf_event_run *run,
         struct lf_stored *stored, struct feature_error *error)
{
    uint32_t row = lf_fold_row(fold, run->first);
    feature_status status =
        lf_rows_find(&fold->rows, run->key, run->key_size, stored, error);

    if (!status)
        status = lf_window_load(&fold->rows, stored, &fold->state, error);
    if (status != FEATURE_CORRUPT)
        return status;
    lf_error_prefix(error, "row %u: ", row);
    lf_error_place(error, 0, row, 0);
    return status;
}

/* Whether an event was late by the bounds of a definition that the row is not
 * of: it has to say so from now on. */
static bool
is_outdated(const struct lf_fold *fold, const struct lf_stored *stored)
{
    return fold->seen > fold->applied && stored->found &&
           !(stored->row.flags & LF_ROW_TOMBSTONE) &&
           stored->row.version != fold->rows.form->layout.version;
}

/* What is taken back may make the bytes of a sum longer: max_row_size is for
 * what comes in. */
static feature_status
put_run(struct lf_fold *fold, const struct lf_event_run *run,
        const struct lf_stored *stored, struct feature_error *error)
{
    bool grows = fold->events->operation == FEATURE_EVENT && fold->applied > 0;
    bool fits;

    if (!fold->applied && !is_outdated(fold, stored))
        return FEATURE_OK;
    LF_TRY(lf_window_encode(&fold->rows,
                            grows ? fold->limit : LF_ROW_SIZE_LIMIT,
                            fold->state, &fold->row, &fits, error));
    if (!fits && !fold->applied)
        return FEATURE_OK;
    if (!fits)
        return lf_fold_overflow(fold, run, stored, error);
    return lf_rows_put(&fold->rows, run->key, run->key_size, stored, &fold->row,
                       error);
}

static feature_status
fold_run(struct lf_fold *fold, const struct lf_event_run *run,
         struct feature_error *error)
{
    bool is_event = fold->events->operation == FEATURE_EVENT;
    struct lf_meta_view *meta = &fold->rows.meta;
    struct lf_stored stored;

    if (!fold->is_begun)
        LF_TRY(lf_rows_begin(&fold->rows, &fold->view->form, fold->rows.commit,
                             error));
    fold->is_begun = true;
    fold->seen = fold->applied = 0;
    LF_TRY(find_row(fold, run, &stored, error));
    LF_TRY(is_event ? apply_run(fold, run, error)
                    : lf_fold_retract(fold, run, stored.found, error));
    meta->applied += fold->applied;
    meta->late += fold->seen - fold->applied;
    LF_TRY(put_run(fold, run, &stored, error));
    return is_event ? keep_run(fold, run, error) : FEATURE_OK;
}

/* The next run that has a row to be applied; found = false: none. */
static bool
next_run(const struct lf_fold *fold, struct lf_event_run *run)
{
    const struct lf_event_view *view = fold->view;
    struct lf_row_keys keys = {view->keys.data, view->ends.data};
    uint32_t count = (uint32_t)(view->order.size / 4);
    bool is_wanted = false;

    while (!is_wanted && run->end < count) {
        run->first = run->end++;
        run->key =
            lf_row_key(&keys, lf_fold_row(fold, run->first), &run->key_size);
        is_wanted = lf_fold_is_pending(fold, lf_fold_row(fold, run->first));
        for (; run->end < count; run->end++) {
            uint32_t row = lf_fold_row(fold, run->end);
            size_t size;
            const uint8_t *key = lf_row_key(&keys, row, &size);

            if (size != run->key_size || memcmp(key, run->key, size) != 0)
                break;
            is_wanted |= lf_fold_is_pending(fold, row);
        }
    }
    return is_wanted;
}

static feature_status
make_room(struct lf_fold *fold, struct feature_error *error)
{
    size_t columns = fold->events->event->column_count;
    size_t cells;

    fold->room =
        fold->events->count < LF_FOLD_ROWS ? fold->events->count : LF_FOLD_ROWS;
    cells = fold->room * columns;
    fold->batch = lf_alloc_array(fold->room, sizeof *fold->batch);
    fold->cells = lf_alloc_array(cells, sizeof *fold->cells);
    if (!fold->batch || !fold->cells)
        return lf_fail_memory(error);
    for (size_t i = 0; i < cells; i++)
        fold->cells[i].is_null = true;
    return FEATURE_OK;
}

static feature_status
fold_runs(struct lf_fold *fold, struct feature_error *error)
{
    struct lf_event_run run = {0};

    if (!fold->view->order.size)
        return FEATURE_OK;
    LF_TRY(make_room(fold, error));
    while (next_run(fold, &run))
        LF_TRY(fold_run(fold, &run, error));
    return fold->is_begun ? lf_rows_end(&fold->rows, error) : FEATURE_OK;
}

feature_status
lf_fold_view(struct lf_event_rows *events, struct lf_event_view *view,
             struct lf_commit *commit, const struct lf_fold_options *options,
             bool *has_refused, struct feature_error *error)
{
    struct lf_fold fold = {.events = events,
                           .view = view,
                           .rows = {.commit = commit},
                           .limit = options->limit,
                           .skip_invalid = options->skip_invalid};
    feature_status status = fold_runs(&fold, error);

    *has_refused = fold.has_refused;
    lf_free(fold.batch);
    lf_free(fold.cells);
    lf_buffer_free(&fold.row);
    lf_buffer_free(&fold.kept);
    return status;
}
