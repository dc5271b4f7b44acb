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
lf_window_load(struct lf_rows *rows, const struct lf_stored *stored,
               struct lf_state **state, struct feature_error *error)
{
    const struct lf_row *row = &stored->row;
    const uint8_t *body = row->bytes + LF_ROW_HEADER_SIZE;
    size_t size = row->size - LF_ROW_HEADER_SIZE;
    const struct lf_tile_plan *plan;

    LF_TRY(lf_form_state(rows->form, state, error));
    if (!stored->found) {
        lf_state_begin(*state);
        if (rows->meta.purge_horizon != INT64_MIN)
            lf_state_purged(*state, rows->meta.purge_horizon);
        return FEATURE_OK;
    }
    if (row->flags & LF_ROW_TOMBSTONE) {
        lf_state_begin(*state);
        lf_state_bury(*state, row->timestamp);
        return FEATURE_OK;
    }
    if (row->version == rows->form->layout.version)
        return lf_form_fail(rows->form,
                            lf_state_load(*state, body, size, row->timestamp),
                            error);
    LF_TRY(lf_form_plan(rows->form, row->version, &plan, error));
    return lf_form_fail(
        rows->form, lf_state_replan(*state, plan, body, size, row->timestamp),
        error);
}

feature_status
lf_window_encode(const struct lf_rows *rows, struct lf_state *state,
                 struct lf_buffer *row, struct feature_error *error)
{
    uint16_t version = rows->form->layout.version;
    uint8_t *head;

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
    if (row->size <= rows->commit->store->max_row_size)
        return FEATURE_OK;
    return lf_fail(error, FEATURE_FULL, "row-size",
                   "the row of %s would be larger than max_row_size, %llu "
                   "bytes",
                   rows->form->view->name,
                   (unsigned long long)rows->commit->store->max_row_size);
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

static bool
is_pending(const struct lf_fold *fold, uint32_t row)
{
    return fold->events->outcomes[row] == FEATURE_OUTCOME_NONE;
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
apply_run(struct lf_fold *fold, const struct lf_event_run *run, uint64_t *seen,
          struct feature_error *error)
{
    uint32_t rows[LF_FOLD_ROWS], count = 0;

    for (uint32_t i = run->first; i < run->end; i++) {
        uint32_t row = lf_fold_row(fold, i);

        if (!is_pending(fold, row))
            continue;
        ++*seen;
        rows[count] = row;
        lf_fold_take(fold, row, count++);
        if (count < LF_FOLD_ROWS)
            continue;
        LF_TRY(apply_some(fold, rows, count, error));
        count = 0;
    }
    return count ? apply_some(fold, rows, count, error) : FEATURE_OK;
}

/* Late ones too: they may count where less is kept in the state. */
static feature_status
keep_run(struct lf_fold *fold, const struct lf_event_run *run,
         struct feature_error *error)
{
    struct lf_event_rows *events = fold->events;

    for (uint32_t i = run->first; fold->rows.history && i < run->end; i++) {
        uint32_t row = lf_fold_row(fold, i);
        int64_t time = lf_event_time(events, row);

        if (!is_pending(fold, row))
            continue;
        events->take(events->from, row, events->cells);
        LF_TRY(lf_event_payload(events, events->cells, time, error));
        LF_TRY(lf_event_history_add(
            &fold->rows, events->operation, run->key, run->key_size, time,
            lf_load_u32(events->ordinals.data + 4 * (size_t)row),
            &events->payload, error));
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

static feature_status
put_run(struct lf_fold *fold, const struct lf_event_run *run,
        const struct lf_stored *stored, struct feature_error *error)
{
    struct feature_error problem;
    feature_status status =
        lf_window_encode(&fold->rows, fold->state, &fold->row, &problem);

    if (status == FEATURE_FULL && !strcmp(problem.reason, "row-size"))
        return lf_fold_overflow(fold, run, stored, error);
    if (status && error)
        *error = problem;
    if (status)
        return status;
    return lf_rows_put(&fold->rows, run->key, run->key_size, stored, &fold->row,
                       error);
}

static feature_status
fold_run(struct lf_fold *fold, const struct lf_event_run *run,
         struct feature_error *error)
{
    struct lf_meta_view *meta = &fold->rows.meta;
    struct lf_stored stored;
    uint64_t seen = 0;

    if (!fold->is_begun)
        LF_TRY(lf_rows_begin(&fold->rows, &fold->view->form, fold->rows.commit,
                             error));
    fold->is_begun = true;
    LF_TRY(find_row(fold, run, &stored, error));
    fold->applied = 0;
    if (fold->events->operation == FEATURE_RETRACT) {
        LF_TRY(lf_fold_retract(fold, run, stored.found, error));
        seen = run->end - run->first;
    } else {
        LF_TRY(apply_run(fold, run, &seen, error));
    }
    meta->applied += fold->applied;
    meta->late += seen - fold->applied;
    if (fold->applied)
        LF_TRY(put_run(fold, run, &stored, error));
    return keep_run(fold, run, error);
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
        is_wanted = is_pending(fold, lf_fold_row(fold, run->first));
        for (; run->end < count; run->end++) {
            uint32_t row = lf_fold_row(fold, run->end);
            size_t size;
            const uint8_t *key = lf_row_key(&keys, row, &size);

            if (size != run->key_size || memcmp(key, run->key, size) != 0)
                break;
            is_wanted |= is_pending(fold, row);
        }
    }
    return is_wanted;
}

static feature_status
fold_runs(struct lf_fold *fold, struct feature_error *error)
{
    uint32_t columns = fold->events->event->column_count;
    struct lf_event_run run = {0};

    fold->batch = lf_alloc_array(LF_FOLD_ROWS, sizeof *fold->batch);
    fold->cells =
        lf_alloc_array(LF_FOLD_ROWS * (size_t)columns, sizeof *fold->cells);
    if (!fold->batch || !fold->cells)
        return lf_fail_memory(error);
    while (next_run(fold, &run))
        LF_TRY(fold_run(fold, &run, error));
    return fold->is_begun ? lf_rows_end(&fold->rows, error) : FEATURE_OK;
}

feature_status
lf_fold_view(struct lf_event_rows *events, struct lf_event_view *view,
             struct lf_commit *commit, bool skip_invalid, bool *has_refused,
             struct feature_error *error)
{
    struct lf_fold fold = {.events = events,
                           .view = view,
                           .rows = {.commit = commit},
                           .skip_invalid = skip_invalid};
    feature_status status = fold_runs(&fold, error);

    *has_refused = fold.has_refused;
    lf_free(fold.batch);
    lf_free(fold.cells);
    lf_buffer_free(&fold.row);
    lf_buffer_free(&fold.taken);
    return status;
}
