/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Batches of events.
 *
 * Owns the way from the columns of a batch to rows of its event.
 * Keeps what can be done before the write transaction out of it: cells, keys,
 * their order.
 * Never changes the batch, save for the sign of a zero.
 */
#include "store/event_target.h"

#include <string.h>

#include "format/tiles.h"
#include "store/event_apply.h"

/* The cells of a row; those of columns that the batch has not stay null. */
static void
take_cells(const void *from, uint32_t row, struct lf_cell *cells)
{
    const feature_batch *batch = from;

    lf_batch_take_event(batch, row, cells);
}

static feature_status
fail_changed(const struct lf_target *target, struct feature_error *error)
{
    lf_fail(error, FEATURE_CONFLICT, "schema-changed",
            "event %s was dropped after the batch was made",
            target->batch->view_name);
    return lf_target_name(target, FEATURE_CONFLICT, error);
}

feature_status
lf_event_target_resolve(struct lf_target *target,
                        const struct lf_catalog *catalog,
                        struct feature_error *error)
{
    const struct lf_event *event =
        lf_catalog_event_by_id(catalog, target->batch->view);

    if (!event)
        return fail_changed(target, error);
    target->is_ordered = false;
    LF_TRY(lf_batch_bind_event(target->batch, catalog, event, error));
    return lf_event_rows_bind(&target->events, catalog, event, error);
}

void
lf_event_target_normalize(struct lf_target *target)
{
    feature_batch *batch = target->batch;

    for (uint32_t i = 0; i < batch->column_count; i++) {
        struct lf_input *input = &batch->columns[i].input;
        int32_t code = input->type.code;
        size_t size = code == FEATURE_TYPE_FLOAT32 ? 4 : 8;

        if (code == FEATURE_TYPE_FLOAT32 || code == FEATURE_TYPE_FLOAT64)
            for (uint32_t j = 0; j < target->rows; j++)
                lf_tile_cell_normalize(code, input->values.data + size * j);
    }
}

feature_status
lf_event_target_order(struct lf_target *target, struct feature_error *error)
{
    struct lf_event_rows *rows = &target->events;

    rows->operation = target->batch->operation;
    rows->count = target->rows;
    rows->take = take_cells;
    rows->from = target->batch;
    rows->outcomes = target->outcomes.data;
    target->is_ordered = true;
    return lf_event_rows_order(rows, error);
}

static feature_status
set_times(struct lf_target *target, int64_t commit_time,
          struct feature_error *error)
{
    struct lf_buffer *times = &target->events.times;

    times->size = 0;
    if (!lf_buffer_extend(times, 8 * (size_t)target->rows))
        return lf_fail_memory(error);
    for (uint32_t i = 0; i < target->rows; i++)
        if (target->outcomes.data[i] == FEATURE_OUTCOME_NONE)
            lf_store_i64(times->data + 8 * (size_t)i,
                         lf_batch_time(target->batch, i, commit_time));
    return FEATURE_OK;
}

/* What became REJECTED stays so when the call is applied again. */
static feature_status
remember_refused(struct lf_target *target, struct feature_error *error)
{
    target->checked.size = 0;
    if (!lf_buffer_append(&target->checked, target->outcomes.data,
                          target->rows))
        return lf_fail_memory(error);
    for (uint32_t i = 0; i < target->rows; i++)
        if (target->checked.data[i] != FEATURE_OUTCOME_REJECTED)
            target->checked.data[i] = FEATURE_OUTCOME_NONE;
    return LF_AGAIN;
}

feature_status
lf_event_target_apply(struct lf_target *target, struct lf_commit *commit,
                      bool skip_invalid, struct feature_commit *report,
                      bool *touched, struct feature_error *error)
{
    struct lf_fold_options options = {.skip_invalid = skip_invalid,
                                      .limit =
                                          target->batch->store->max_row_size};
    feature_status status;
    bool has_refused;

    if (!target->is_ordered) {
        LF_TRY(lf_target_check_rows(target, skip_invalid, error));
        LF_TRY(lf_event_target_order(target, error));
    }
    LF_TRY(set_times(target, commit->meta.commit_time, error));
    status = lf_events_apply(&target->events, commit, &options, false, report,
                             touched, &has_refused, error);
    if (status)
        return lf_target_name(target, status, error);
    return has_refused ? remember_refused(target, error) : FEATURE_OK;
}
