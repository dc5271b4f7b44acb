/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of one batch, applied within a commit.
 *
 * Owns the outcome of each row.
 * Keeps rows of one key in the order they were given, and puts each key once.
 * Never takes a stored row apart that a row of the batch replaces whole.
 */
#include <string.h>

#include "store/event_target.h"
#include "store/journal.h"
#include "store/target.h"
#include "store/window_delete.h"

#define APPEND_FROM 16 /* rows; below, finding the last key does not pay */

/* A batch at work in a write transaction. */
struct work {
    struct lf_target *target;
    struct lf_commit *commit;
    struct feature_commit *report;
    bool skip_invalid;
    bool is_whole; /* a row of the batch has every cell of its view */
    bool is_fixed; /* none of them is variable: rows come from the sources */
    bool is_kept;  /* somebody keeps what is written: the journal */
    bool check_last;
    int64_t commit_time;
    int64_t newest; /* of the run: time of the stored row and of those kept */
    struct lf_rows rows;
    struct lf_merge merge;
    struct lf_buffer row;   /* encoded */
    struct lf_buffer asked; /* a row of the batch, for the journal */
    struct lf_buffer edge;  /* copy of the last key */
    struct lf_window_delete room;
};

/* Rows of one key: places [first, end) of the order. */
struct run {
    uint32_t first;
    uint32_t end;
    const uint8_t *key;
    size_t key_size;
};

/* Fetches the stored row of a run. */
static feature_status
find_row(struct work *work, const struct run *run, struct lf_stored *stored,
         struct feature_error *error)
{
    uint32_t row = lf_target_row(work->target, run->first);
    feature_status status =
        lf_rows_find(&work->rows, run->key, run->key_size, stored, error);

    if (status != FEATURE_CORRUPT)
        return status;
    lf_error_prefix(error, "row %u: ", row);
    lf_error_place(error, 0, row, 0);
    return lf_target_name(work->target, status, error);
}

static bool
is_future(const struct work *work, int64_t time)
{
    const struct lf_form *form = &work->target->form;
    int64_t skew = form->event ? form->event->max_skew : form->view->max_skew;
    int64_t edge;

    if (skew == LF_SKEW_NONE ||
        __builtin_add_overflow(work->commit->now, skew, &edge))
        return false;
    return time > edge;
}

static bool
over_limit(const struct work *work, const struct lf_cell *cells)
{
    return lf_row_size(&work->target->form.layout, cells) >
           work->target->batch->store->max_row_size;
}

/* A row that is too large by itself is refused wherever it would go. */
static bool
is_giant(const struct work *work)
{
    return lf_row_size_at(&work->target->form.layout, work->target->incoming) >
           work->target->batch->store->max_row_size;
}

static feature_status
reject(struct work *work, uint32_t row, struct feature_error *error)
{
    if (!work->skip_invalid)
        return lf_target_name(
            work->target,
            lf_batch_fail_row_size(work->target->batch, row, error), error);
    work->target->outcomes.data[row] = FEATURE_OUTCOME_REJECTED;
    return FEATURE_OK;
}

static void
mark_applied(struct work *work, uint32_t row, int64_t time)
{
    work->target->outcomes.data[row] = FEATURE_OUTCOME_APPLIED;
    if (time > work->rows.meta.newest)
        work->rows.meta.newest = time;
}

/* What a row of the batch asks for, in the form that the journal keeps. */
static bool
encode_asked(struct work *work, int64_t time)
{
    struct lf_target *target = work->target;
    const struct lf_layout *layout = &target->form.layout;
    int32_t operation = target->batch->operation;

    if (operation == FEATURE_DELETE)
        return lf_row_encode_tombstone(layout->version, time, &work->asked);
    for (uint32_t i = 0; i < layout->count; i++) {
        bool own = operation == FEATURE_UPSERT || target->own[i];

        target->incoming[i].time = own ? time : LF_TIME_UNSET;
    }
    return lf_row_encode(layout, target->incoming, &work->asked);
}

static feature_status
keep(struct work *work, const struct run *run, const struct lf_stored *stored,
     int64_t time, const struct lf_buffer *asked, struct feature_error *error)
{
    bool is_newest = stored->found && time >= work->newest;
    struct lf_written written = {.operation = work->target->batch->operation,
                                 .time = time,
                                 .key = run->key,
                                 .key_size = run->key_size,
                                 .row = asked,
                                 .before = stored,
                                 .is_newest = is_newest};

    if (is_newest)
        work->newest = time;
    return lf_journal_add(&work->rows, &written, error);
}

/* One row into the merge under way; its outcome. */
static feature_status
merge_row(struct work *work, uint32_t row, struct feature_error *error)
{
    struct lf_target *target = work->target;
    struct lf_merge *merge = &work->merge;
    int32_t operation = target->batch->operation;
    int64_t time = lf_batch_time(target->batch, row, work->commit_time);
    size_t size = target->form.layout.count * sizeof *merge->cells;
    bool tombstone = merge->is_tombstone, exists = merge->exists;
    bool written;

    if (operation != FEATURE_DELETE) {
        lf_target_take_cells(target, row);
        if (is_giant(work))
            return reject(work, row, error);
    }
    memcpy(target->backup, merge->cells, size);
    written = lf_merge_write(merge, operation, time, target->incoming,
                             operation == FEATURE_PATCH ? target->own : NULL);
    if (written && !merge->is_tombstone && over_limit(work, merge->cells)) {
        memcpy(merge->cells, target->backup, size);
        merge->is_tombstone = tombstone;
        merge->exists = exists;
        return reject(work, row, error);
    }
    if (written)
        mark_applied(work, row, time);
    else
        target->outcomes.data[row] = FEATURE_OUTCOME_LATE;
    return FEATURE_OK;
}

static bool
is_pending(const struct work *work, uint32_t row)
{
    return work->target->outcomes.data[row] == FEATURE_OUTCOME_NONE;
}

/* Whether the only row of a run replaces every cell of the stored one, which
 * then need not be taken apart. */
static bool
replaces_all(const struct work *work, const struct run *run,
             const struct lf_stored *stored)
{
    uint32_t row = lf_target_row(work->target, run->first);

    return run->end - run->first == 1 && work->is_whole &&
           (!stored->found ||
            stored->row.timestamp <=
                lf_batch_time(work->target->batch, row, work->commit_time));
}

/* No merge: its cells go straight into the stored form. */
static feature_status
replace_row(struct work *work, const struct run *run,
            const struct lf_stored *stored, struct feature_error *error)
{
    uint32_t row = lf_target_row(work->target, run->first);
    int64_t time = lf_batch_time(work->target->batch, row, work->commit_time);

    if (!is_pending(work, row))
        return FEATURE_OK;
    if (!lf_target_fits(work->target, work->is_fixed, row))
        return reject(work, row, error);
    if (!lf_target_encode(work->target, work->is_fixed, row, time, &work->row))
        return lf_fail_memory(error);
    mark_applied(work, row, time);
    if (work->is_kept)
        LF_TRY(keep(work, run, stored, time, &work->row, error));
    return lf_rows_put(&work->rows, run->key, run->key_size, stored, &work->row,
                       error);
}

static feature_status
merge_next(struct work *work, const struct run *run,
           const struct lf_stored *stored, uint32_t row, bool *written,
           struct feature_error *error)
{
    const uint8_t *outcome = work->target->outcomes.data + row;
    int64_t time = lf_batch_time(work->target->batch, row, work->commit_time);

    LF_TRY(merge_row(work, row, error));
    *written |= *outcome == FEATURE_OUTCOME_APPLIED;
    if (!work->is_kept || *outcome == FEATURE_OUTCOME_REJECTED)
        return FEATURE_OK;
    if (!encode_asked(work, time))
        return lf_fail_memory(error);
    return keep(work, run, stored, time, &work->asked, error);
}

static feature_status
merge_run(struct work *work, const struct run *run,
          const struct lf_stored *stored, struct feature_error *error)
{
    bool written = false;

    if (!stored->found)
        lf_merge_clear(&work->merge);
    else if (!lf_merge_load(&work->merge, &stored->row, stored->migration))
        return lf_fail_memory(error);
    for (uint32_t i = run->first; i < run->end; i++) {
        uint32_t row = lf_target_row(work->target, i);

        if (is_pending(work, row))
            LF_TRY(merge_next(work, run, stored, row, &written, error));
    }
    if (!written)
        return FEATURE_OK;
    if (!lf_merge_encode(&work->merge, &work->row))
        return lf_fail_memory(error);
    return lf_rows_put(&work->rows, run->key, run->key_size, stored, &work->row,
                       error);
}

/* Of a view FROM an event, which takes nothing but DELETE. */
static feature_status
delete_run(struct work *work, const struct run *run,
           struct feature_error *error)
{
    for (uint32_t i = run->first; i < run->end; i++) {
        uint32_t row = lf_target_row(work->target, i);
        struct lf_stored stored;
        bool is_applied;

        if (!is_pending(work, row))
            continue;
        LF_TRY(find_row(work, run, &stored, error));
        LF_TRY(lf_window_delete(
            &work->rows, &work->room, run->key, run->key_size, &stored,
            lf_batch_time(work->target->batch, row, work->commit_time),
            &is_applied, error));
        work->target->outcomes.data[row] =
            is_applied ? FEATURE_OUTCOME_APPLIED : FEATURE_OUTCOME_LATE;
    }
    return FEATURE_OK;
}

static feature_status
apply_run(struct work *work, const struct run *run, struct feature_error *error)
{
    struct lf_stored stored;

    if (work->target->form.event)
        return delete_run(work, run, error);
    LF_TRY(find_row(work, run, &stored, error));
    work->newest = stored.found ? stored.row.timestamp : LF_TIME_UNSET;
    if (replaces_all(work, run, &stored))
        return replace_row(work, run, &stored, error);
    return merge_run(work, run, &stored, error);
}

/* Ahead of the clock: marked before any look-up. */
static void
mark_future(struct work *work)
{
    struct lf_target *target = work->target;

    if (target->batch->timestamp == UINT32_MAX)
        return;
    for (uint32_t i = 0; i < target->rows; i++)
        if (is_pending(work, i) &&
            is_future(work, lf_batch_time(target->batch, i, 0)))
            target->outcomes.data[i] = FEATURE_OUTCOME_FUTURE;
}

/* Remembers the tree's last key, if appending may pay. */
static feature_status
find_edge(struct work *work, struct feature_error *error)
{
    const uint8_t *key;
    size_t size;
    bool found;

    if (!work->target->is_sorted || work->target->rows < APPEND_FROM)
        return FEATURE_OK;
    LF_TRY(lf_tree_last(work->rows.tree, &found, &key, &size, error));
    work->rows.append = !found;
    work->check_last = found;
    if (found && !lf_buffer_append(&work->edge, key, size))
        return lf_fail_memory(error);
    return FEATURE_OK;
}

static void
pass_edge(struct work *work, const struct run *run)
{
    size_t size =
        work->edge.size < run->key_size ? work->edge.size : run->key_size;
    int order = memcmp(run->key, work->edge.data, size);

    work->rows.append =
        order > 0 || (order == 0 && run->key_size > work->edge.size);
    work->check_last = !work->rows.append;
}

static feature_status
apply_runs(struct work *work, struct feature_error *error)
{
    struct lf_target *target = work->target;
    struct run run = {0};

    for (; run.first < target->rows; run.first = run.end) {
        uint32_t row = lf_target_row(target, run.first);

        run.end = run.first + 1;
        if (!is_pending(work, row))
            continue;
        run.key = lf_target_key(target, row, &run.key_size);
        for (; run.end < target->rows; run.end++) {
            size_t size;
            const uint8_t *key =
                lf_target_key(target, lf_target_row(target, run.end), &size);

            if (size != run.key_size || memcmp(key, run.key, size) != 0)
                break;
        }
        if (work->check_last)
            pass_edge(work, &run);
        LF_TRY(apply_run(work, &run, error));
    }
    return FEATURE_OK;
}

static void
count_outcomes(struct work *work)
{
    const struct lf_target *target = work->target;
    uint64_t counts[FEATURE_OUTCOME_REJECTED + 1] = {0};

    for (uint32_t i = 0; i < target->rows; i++)
        counts[target->outcomes.data[i]]++;
    work->report->applied += counts[FEATURE_OUTCOME_APPLIED];
    work->report->late += counts[FEATURE_OUTCOME_LATE];
    work->report->duplicate += counts[FEATURE_OUTCOME_DUPLICATE];
    work->report->future += counts[FEATURE_OUTCOME_FUTURE];
    work->report->rejected += counts[FEATURE_OUTCOME_REJECTED];
    work->rows.meta.applied += counts[FEATURE_OUTCOME_APPLIED];
    work->rows.meta.late += counts[FEATURE_OUTCOME_LATE];
}

static feature_status
apply_work(struct work *work, bool *touched, struct feature_error *error)
{
    uint64_t before = work->report->applied + work->report->late;

    work->is_whole = work->target->batch->operation == FEATURE_UPSERT;
    work->is_fixed = work->is_whole && lf_target_find_sources(work->target);
    mark_future(work);
    LF_TRY(
        lf_rows_begin(&work->rows, &work->target->form, work->commit, error));
    lf_feed_begin_batch(work->commit);
    work->is_kept = lf_journal_wants(&work->rows);
    LF_TRY(find_edge(work, error));
    LF_TRY(apply_runs(work, error));
    count_outcomes(work);
    if (work->report->applied + work->report->late == before)
        return FEATURE_OK;
    *touched = true;
    return lf_rows_end(&work->rows, error);
}

feature_status
lf_target_apply(struct lf_target *target, struct lf_commit *commit,
                bool skip_invalid, struct feature_commit *report, bool *touched,
                struct feature_error *error)
{
    struct work work = {.target = target,
                        .commit = commit,
                        .report = report,
                        .skip_invalid = skip_invalid,
                        .commit_time = commit->meta.commit_time};
    feature_status status;

    if (target->batch->is_event)
        return lf_event_target_apply(target, commit, skip_invalid, report,
                                     touched, error);
    lf_merge_init(&work.merge, &target->form.layout, target->cells);
    status = apply_work(&work, touched, error);
    lf_merge_free(&work.merge);
    lf_buffer_free(&work.row);
    lf_buffer_free(&work.asked);
    lf_buffer_free(&work.edge);
    lf_window_delete_free(&work.room);
    return status;
}
