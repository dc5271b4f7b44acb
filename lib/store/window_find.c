/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Views FROM an event, read.
 *
 * Owns the t of each row, what the stored state says of it at t, and whether
 * that may be believed.
 * Keeps every answer as a cell until all views were read: a caller's matrix is
 * written only when nothing can fail any more.
 * Never answers from a state what the state cannot know.
 */
#include <string.h>

#include "base/alloc.h"
#include "store/request.h"

#define TOMBSTONE_AGE INT64_C(2592000000000) /* 30 days: none goes sooner */

feature_status
lf_windows_fail(const struct lf_window_pass *pass, uint32_t row,
                enum lf_tile_status status, struct feature_error *error)
{
    feature_status reason = lf_sides_failure(pass->view->sides, error);

    if (!reason && status == LF_TILE_MEMORY)
        return lf_fail_memory(error);
    if (!reason)
        reason = lf_fail(error, FEATURE_CORRUPT, "structure",
                         "row %u of %s: the stored state has an unknown form",
                         row, pass->view->definition->name);
    if (reason == FEATURE_CORRUPT)
        lf_error_place(error, 0, row, 0);
    return reason;
}

/* --- cells -------------------------------------------------------------------- */

static uint8_t
kind_of(const struct lf_tile_answer *answer)
{
    if (answer->kind == LF_ANSWER_PAST)
        return LF_WINDOW_PAST;
    if (answer->is_partial)
        return LF_WINDOW_PARTIAL;
    return answer->kind == LF_ANSWER_VALUE ? LF_WINDOW_VALUE : LF_WINDOW_NULL;
}

static bool
take_value(struct lf_windows *windows, const struct lf_tile_answer *answer,
           struct lf_window_cell *cell)
{
    cell->size = answer->size;
    if (answer->bytes == (const uint8_t *)&answer->word) {
        cell->value = answer->word;
        return true;
    }
    if (answer->size <= sizeof cell->value) {
        cell->value = 0;
        if (answer->size)
            memcpy(&cell->value, answer->bytes, answer->size);
        return true;
    }
    cell->value = windows->bytes.size;
    return lf_buffer_append(&windows->bytes, answer->bytes, answer->size);
}

static inline bool
take(struct lf_windows *windows, const struct lf_tile_answer *answer,
     struct lf_window_cell *cell)
{
    cell->kind = kind_of(answer);
    cell->is_overflow = answer->is_overflow;
    return cell->kind != LF_WINDOW_VALUE || take_value(windows, answer, cell);
}

bool
lf_windows_take(struct lf_windows *windows, const struct lf_tile_answer *answer,
                struct lf_window_cell *cell)
{
    return take(windows, answer, cell);
}

static void
set_all(const struct lf_window_pass *pass, uint32_t row, uint8_t kind)
{
    uint32_t columns = pass->view->column_count;
    struct lf_window_cell *cells =
        lf_windows_cells(pass->windows, columns, row);

    for (uint32_t i = 0; i < columns; i++) {
        cells[i].kind = kind;
        cells[i].is_overflow = false;
    }
}

/* --- what may be believed ------------------------------------------------------ */

/* Whether a t is of before a DELETE whose tombstone may have gone. */
static bool
is_before_purged(const struct lf_meta_view *meta, int64_t t)
{
    int64_t deleted;

    return __builtin_sub_overflow(meta->purge_time, TOMBSTONE_AGE, &deleted) ||
           t <= deleted;
}

/* Whether a window at t reaches what went with rows for good. A row that is
 * there knows since when it is. */
static bool
reaches_purged(const struct lf_window_pass *pass,
               const struct lf_feature *feature, int64_t t, bool has_row)
{
    const struct lf_meta_view *meta = &pass->windows->meta;
    int64_t from, to;

    lf_window_bounds(&feature->aggregate->window, pass->view->definition->zone,
                     t, &from, &to);
    return from < to && ((!has_row && from < meta->purge_horizon) ||
                         is_before_purged(meta, t));
}

/* What a state lacks may have gone, for a t before that. */
static void
doubt_purged(const struct lf_window_pass *pass, uint32_t row, bool has_row)
{
    const struct lf_meta_view *meta = &pass->windows->meta;
    const struct lf_tile_plan *plan = pass->current->tiles;
    uint32_t columns = pass->view->column_count;
    struct lf_window_row *at = lf_windows_row(pass->windows, row);
    struct lf_window_cell *cells =
        lf_windows_cells(pass->windows, columns, row);

    if (!pass->exact || !meta->purge_time || at->t >= meta->purge_time)
        return;
    for (uint32_t i = 0; i < columns; i++)
        if (reaches_purged(pass, pass->view->features[i], at->t, has_row))
            cells[i].kind = LF_WINDOW_PAST;
    for (uint32_t i = 0;
         i < plan->feature_count && at->found == LF_FOUND_NOTHING; i++)
        if (reaches_purged(pass, plan->features[i].feature, at->t, false))
            at->found = LF_FOUND_UNKNOWN;
}

/* A state tells for sure that nothing is visible where it holds all that the
 * longest window can reach. */
static bool
is_sure(const struct lf_tile_plan *plan, int64_t wm, int64_t t)
{
    int64_t bound = lf_tile_bound(plan, plan->level_count - 1, wm);

    if (t > wm || plan->shows_lifetime)
        return true;
    for (uint32_t i = 0; i < plan->feature_count; i++) {
        int64_t from, to;

        if (plan->features[i].is_retired)
            continue;
        lf_window_bounds(&plan->features[i].feature->aggregate->window,
                         plan->zone, t, &from, &to);
        if (from < bound)
            return false;
    }
    return true;
}

/* The window of a feature that came after a version may reach events up to wm
 * that are not there any more, though nothing of what is there is visible. */
static enum lf_found
find_later(const struct lf_tile_plan *plan, uint16_t version, int64_t wm,
           int64_t t)
{
    for (uint32_t i = 0; i < plan->feature_count; i++) {
        int64_t from, to;

        lf_window_bounds(&plan->features[i].feature->aggregate->window,
                         plan->zone, t, &from, &to);
        if (plan->features[i].since > version && from <= wm)
            return LF_FOUND_UNKNOWN;
    }
    return LF_FOUND_NOTHING;
}

/* plan is that of the row, which has a state. */
static enum lf_found
found_in(const struct lf_window_pass *pass, const struct lf_tile_plan *plan,
         bool is_unsure, int64_t wm, int64_t t)
{
    if (is_unsure || (pass->exact && !is_sure(plan, wm, t)))
        return LF_FOUND_UNKNOWN;
    return find_later(pass->current->tiles, plan->version, wm, t);
}

static void
close_row(const struct lf_window_pass *pass, uint32_t row)
{
    uint32_t columns = pass->view->column_count;
    struct lf_window_row *at = lf_windows_row(pass->windows, row);
    const struct lf_window_cell *cells =
        lf_windows_cells(pass->windows, columns, row);

    for (uint32_t i = 0; i < columns; i++) {
        at->is_open |= cells[i].kind >= LF_WINDOW_PAST;
        if (cells[i].kind == LF_WINDOW_PAST) /* t may cut a tile, too */
            at->found = LF_FOUND_UNKNOWN;
    }
    at->is_open |= at->found == LF_FOUND_UNKNOWN;
}

/* A key may have had a row that was swept before a feature came: what it held of
 * the feature's window went with it. version is that of the row which is there,
 * or 1, so that it reads as the next event's row will say. */
static void
doubt_swept(const struct lf_window_pass *pass, uint32_t row, uint16_t version)
{
    int64_t horizon = pass->windows->meta.purge_horizon;
    const struct lf_tile_plan *plan = pass->current->tiles;
    uint32_t columns = pass->view->column_count;
    struct lf_window_row *at = lf_windows_row(pass->windows, row);
    struct lf_window_cell *cells =
        lf_windows_cells(pass->windows, columns, row);

    if (plan->version <= version || horizon == INT64_MIN)
        return;
    for (uint32_t i = 0; i < columns; i++) {
        const struct lf_feature *feature = pass->view->features[i];
        int64_t from, to;

        lf_window_bounds(&feature->aggregate->window, plan->zone, at->t, &from,
                         &to);
        if (plan->features[lf_tile_feature(plan, feature->id)].since >
                version &&
            from <= horizon && cells[i].kind < LF_WINDOW_PAST)
            cells[i].kind = LF_WINDOW_PARTIAL;
    }
    if (at->found == LF_FOUND_NOTHING)
        at->found = find_later(plan, version, horizon, at->t);
}

/* --- rows --------------------------------------------------------------------- */

/* What a job says of a row: its state, or none. */
struct stored {
    const uint8_t *body;
    size_t size;
    int64_t wm;
    bool is_deleted; /* up to wm */
};

static feature_status
open_stored(struct lf_window_pass *pass, const struct lf_job *job,
            struct stored *stored, struct feature_error *error)
{
    struct lf_row row;

    *stored = (struct stored){.wm = LF_TIME_UNSET};
    if (!job->value || !lf_row_open(&row, job->value, job->size))
        return FEATURE_OK; /* what is stored was opened before */
    stored->wm = row.timestamp;
    stored->is_deleted = row.flags & LF_ROW_TOMBSTONE;
    if (stored->is_deleted)
        return FEATURE_OK;
    stored->body = row.bytes + LF_ROW_HEADER_SIZE;
    stored->size = row.size - LF_ROW_HEADER_SIZE;
    if (lf_sides_has(&row))
        lf_sides_begin(pass->view->sides, job->key, job->key_size);
    if (pass->rows->layout.version == row.version)
        return FEATURE_OK;
    return lf_plan_rows(pass->request->plan, pass->view, row.version,
                        &pass->rows, error);
}

static feature_status
take_row(struct lf_window_pass *pass, uint32_t row,
         const struct lf_reading *reading, struct feature_error *error)
{
    uint32_t columns = pass->view->column_count;
    struct lf_window_cell *cells =
        lf_windows_cells(pass->windows, columns, row);

    for (uint32_t i = 0; i < columns; i++)
        if (!take(pass->windows, &reading->answers[i], &cells[i]))
            return lf_fail_memory(error);
    return FEATURE_OK;
}

/* A row of an older version has no event in the windows of the features that it
 * does not know, if those are answered: the one that is not stored is alone. */
static feature_status
take_extra(struct lf_window_pass *pass, uint32_t row,
           const struct lf_tile_plan *older, const struct lf_tile_event *extra,
           struct feature_error *error)
{
    struct lf_reading *reading = pass->current->reading;
    uint32_t columns = pass->view->column_count;
    struct lf_window_cell *cells =
        lf_windows_cells(pass->windows, columns, row);
    struct lf_window_row *at = lf_windows_row(pass->windows, row);

    if (lf_reading_events(reading, extra, 1, at->t))
        return lf_fail_memory(error);
    if (reading->is_visible)
        at->found = LF_FOUND_SOMETHING;
    for (uint32_t i = 0; i < columns; i++)
        if (cells[i].kind < LF_WINDOW_PAST &&
            lf_tile_feature(older, pass->view->features[i]->id) ==
                LF_TILE_NONE &&
            !lf_windows_take(pass->windows, &reading->answers[i], &cells[i]))
            return lf_fail_memory(error);
    return FEATURE_OK;
}

static feature_status
read_state(struct lf_window_pass *pass, uint32_t row,
           const struct stored *stored, const struct lf_tile_event *extra,
           struct feature_error *error)
{
    struct lf_window_row *at = lf_windows_row(pass->windows, row);
    const struct lf_row_plan *plan = stored->body ? pass->rows : pass->current;
    int64_t wm = stored->body ? stored->wm : INT64_MIN;
    enum lf_tile_status status;

    if (extra && stored->is_deleted && extra->ts <= stored->wm)
        extra = NULL;
    plan->reading->is_now = !pass->exact;
    status = lf_reading_row(plan->reading, stored->body, stored->size, wm,
                            at->t, extra);
    if (status)
        return lf_windows_fail(pass, row, status, error);
    at->found =
        plan->reading->is_visible ? LF_FOUND_SOMETHING : LF_FOUND_NOTHING;
    if (at->found == LF_FOUND_NOTHING && stored->body)
        at->found =
            found_in(pass, plan->tiles, plan->reading->is_unsure, wm, at->t);
    at->newest = stored->wm;
    if (pass->exact && at->newest >= at->t)
        at->newest = LF_TIME_UNSET;
    if (extra && extra->ts > at->newest)
        at->newest = extra->ts;
    LF_TRY(take_row(pass, row, plan->reading, error));
    if (extra && plan != pass->current && extra->ts > wm)
        return take_extra(pass, row, plan->tiles, extra, error);
    return FEATURE_OK;
}

/* What is known is of a time before the view was loaded, or may be: a key that is
 * not there may have been there then. */
static bool
is_of_before(const struct lf_window_pass *pass)
{
    int64_t since = pass->windows->meta.history_since;

    return pass->view->definition->version > 1 &&
           (since == INT64_MIN || pass->request->query->known_by < since);
}

/* Whether a state says nothing of t: one that was deleted since, or one that may
 * have commits which do not count. */
static bool
is_hidden(const struct lf_window_pass *pass, const struct stored *stored,
          int64_t t)
{
    if (pass->is_restricted)
        return stored->wm != LF_TIME_UNSET || pass->windows->meta.purge_time ||
               is_of_before(pass);
    return pass->exact && stored->is_deleted && t <= stored->wm;
}

static feature_status
read_row(struct lf_window_pass *pass, uint32_t row, const struct lf_job *job,
         struct feature_error *error)
{
    struct lf_window_row *at = lf_windows_row(pass->windows, row);
    const struct lf_tile_event *extra;
    struct lf_tile_event event;
    struct stored stored;

    *at = (struct lf_window_row){.newest = LF_TIME_UNSET,
                                 .has_key = job->key != NULL};
    extra =
        lf_scored_event(pass->request, pass->index, row, job, &event, &at->t);
    if (!at->has_key) {
        set_all(pass, row, LF_WINDOW_NULL);
        return FEATURE_OK;
    }
    LF_TRY(open_stored(pass, job, &stored, error));
    if (is_hidden(pass, &stored, at->t)) {
        set_all(pass, row, LF_WINDOW_PAST);
        at->found = LF_FOUND_UNKNOWN;
    } else {
        LF_TRY(read_state(pass, row, &stored, extra, error));
        doubt_purged(pass, row, stored.body != NULL);
        if (!stored.is_deleted || pass->windows->meta.purge_horizon > stored.wm)
            doubt_swept(pass, row,
                        stored.body ? pass->rows->tiles->version : 1);
    }
    close_row(pass, row);
    return FEATURE_OK;
}

static feature_status
read_rows(struct lf_window_pass *pass, struct feature_error *error)
{
    const feature_request *request = pass->request;
    const struct lf_job_range *range = &request->ranges[pass->index];
    const struct lf_job *jobs = lf_request_jobs(request) + range->first;
    bool is_open = false;

    for (uint32_t row = 0; row < request->rows; row++) {
        LF_TRY(read_row(pass, row, &jobs[range->count == 1 ? 0 : row], error));
        is_open |= lf_windows_row(pass->windows, row)->is_open;
    }
    return is_open ? lf_windows_reopen(pass, error) : FEATURE_OK;
}

/* --- views -------------------------------------------------------------------- */

static feature_status
find_view(struct lf_window_pass *pass, struct feature_error *error)
{
    feature_request *request = pass->request;
    struct lf_windows *windows = pass->windows;
    const struct lf_view *view = pass->view->definition;
    size_t rows = request->rows, columns = pass->view->column_count;
    feature_status status;

    windows->bytes.size = 0;
    if (!lf_buffer_reserve(&windows->rows,
                           rows * sizeof(struct lf_window_row)) ||
        !lf_buffer_reserve(&windows->cells,
                           rows * columns * sizeof(struct lf_window_cell) + 1))
        return lf_fail_memory(error);
    LF_TRY(lf_plan_rows(request->plan, pass->view,
                        lf_view_current_schema(view)->version, &pass->current,
                        error));
    pass->rows = pass->current;
    windows->meta.purge_horizon = INT64_MIN;
    if (pass->exact || pass->is_restricted || pass->current->tiles->version > 1)
        LF_TRY(
            lf_store_read_view(pass->reader, view->id, &windows->meta, error));
    lf_sides_in_reader(pass->view->sides, pass->reader);
    status = read_rows(pass, error);
    lf_sides_leave(pass->view->sides);
    return status;
}

feature_status
lf_windows_find(feature_request *request, struct lf_reader *reader,
                struct feature_error *error)
{
    uint32_t views = request->query->selection->view_count;
    int64_t known_by = request->query->known_by;
    bool has_begun = false;
    struct lf_window_pass pass = {
        .request = request,
        .reader = reader,
        .exact = request->as_of_rows != 0,
        .is_restricted = known_by && known_by < request->commit_time};

    for (uint32_t i = 0; i < views; i++) {
        if (!request->plan->views[i].event)
            continue;
        if (!request->windows)
            request->windows = lf_alloc_array(views, sizeof *request->windows);
        if (!request->windows)
            return lf_fail_memory(error);
        if (!has_begun)
            LF_TRY(lf_scored_begin(request, reader, error));
        has_begun = true;
        pass.index = i;
        pass.view = &request->plan->views[i];
        pass.windows = &request->windows[i];
        LF_TRY(find_view(&pass, error));
    }
    return FEATURE_OK;
}

static void
free_windows(struct lf_windows *windows)
{
    lf_buffer_free(&windows->rows);
    lf_buffer_free(&windows->cells);
    lf_buffer_free(&windows->bytes);
    lf_buffer_free(&windows->open);
    lf_buffer_free(&windows->room);
    lf_buffer_free(&windows->scored);
    lf_kept_free(&windows->kept);
}

void
lf_windows_free(feature_request *request)
{
    uint32_t views = request->query->selection->view_count;

    for (uint32_t i = 0; request->windows && i < views; i++)
        free_windows(&request->windows[i]);
    lf_free(request->windows);
}
