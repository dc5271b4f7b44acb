/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Request mode: features as if an event had been written.
 *
 * Owns copies of the events, and the t at which they are just visible.
 * Keeps an event to the rows whose key it has: the keys of the request rule.
 * Never writes anything.
 */
#include "store/scored.h"

#include <string.h>

#include "format/event.h"
#include "format/key.h"
#include "store/batch.h"
#include "store/request.h"

void
lf_scored_free(struct lf_scored *scored)
{
    lf_buffer_free(&scored->times);
    lf_buffer_free(&scored->cells);
    lf_buffer_free(&scored->bytes);
    lf_buffer_free(&scored->key);
}

/* --- setting ------------------------------------------------------------------ */

static feature_status
fail_cell(const struct lf_batch_column *column, uint32_t row, const char *what,
          struct feature_error *error)
{
    lf_fail(error, FEATURE_INVALID, "argument", "row %u, column \"%s\": %s",
            row, column->name, what);
    lf_error_place(error, 0, row, 0);
    return FEATURE_INVALID;
}

/* A cell of a batch's column; its bytes are a place in scored->bytes so far. */
static feature_status
take_cell(struct lf_scored *scored, const struct lf_batch_column *column,
          uint32_t row, struct lf_cell *cell, struct feature_error *error)
{
    const char *what;
    uint8_t *to;
    size_t size;

    if (lf_input_is_null(&column->input, row))
        return FEATURE_OK;
    cell->bytes = lf_input_cell(&column->input, row, &size);
    cell->size = (uint32_t)size;
    cell->is_null = false;
    what = lf_event_cell_problem(column->input.type.code, cell);
    if (what)
        return fail_cell(column, row, what, error);
    to = lf_buffer_extend(&scored->bytes, size);
    if (!to)
        return lf_fail_memory(error);
    if (size)
        memcpy(to, cell->bytes, size);
    lf_tile_cell_normalize(column->input.type.code, to);
    return FEATURE_OK;
}

static feature_status
take_row(struct lf_scored *scored, const feature_batch *batch, uint32_t row,
         struct feature_error *error)
{
    struct lf_cell *cells = (struct lf_cell *)(void *)lf_buffer_extend(
        &scored->cells, scored->columns * sizeof *cells);
    int64_t time = lf_batch_time(batch, row, 0);

    if (!cells || !lf_buffer_append(&scored->times, &time, sizeof time))
        return lf_fail_memory(error);
    for (uint32_t i = 0; i < scored->columns; i++)
        cells[i] = (struct lf_cell){.is_null = true};
    for (uint32_t i = 0; i < batch->column_count; i++) {
        const struct lf_batch_column *column = &batch->columns[i];

        if (i != batch->timestamp)
            LF_TRY(take_cell(scored, column, row, &cells[column->feature],
                             error));
    }
    return FEATURE_OK;
}

/* Cells lie one after the other, as they were taken. */
static void
place_cells(struct lf_scored *scored, const feature_batch *batch)
{
    struct lf_cell *cells = (struct lf_cell *)(void *)scored->cells.data;
    const uint8_t *at = scored->bytes.data;

    for (uint32_t row = 0; row < scored->rows; row++)
        for (uint32_t i = 0; i < batch->column_count; i++) {
            struct lf_cell *cell;

            if (i == batch->timestamp)
                continue;
            cell = &cells[(size_t)row * scored->columns +
                          batch->columns[i].feature];
            if (cell->is_null)
                continue;
            cell->bytes = at;
            at += cell->size;
        }
}

static uint32_t
count_columns(const feature_batch *batch)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < batch->column_count; i++)
        if (i != batch->timestamp && batch->columns[i].feature >= count)
            count = batch->columns[i].feature + 1;
    return count;
}

static feature_status
copy_batch(struct lf_scored *scored, const feature_batch *batch, uint32_t rows,
           struct feature_error *error)
{
    struct lf_checks checks;

    *scored = (struct lf_scored){.event = batch->view,
                                 .rows = rows,
                                 .columns = count_columns(batch),
                                 .has_times = batch->timestamp != UINT32_MAX};
    lf_batch_find_checks(batch, &checks);
    for (uint32_t row = 0; row < rows; row++) {
        LF_TRY(lf_batch_check_row(batch, row, &checks, error));
        LF_TRY(take_row(scored, batch, row, error));
    }
    place_cells(scored, batch);
    return FEATURE_OK;
}

static feature_status
check_call(const feature_request *request, const feature_batch *batch,
           struct feature_error *error)
{
    if (!request)
        return lf_fail(error, FEATURE_INVALID, "argument", "request is needed");
    if (atomic_load(&request->store->closed))
        return lf_fail(error, FEATURE_INVALID, "closed",
                       "the store was closed");
    if (!batch)
        return FEATURE_OK;
    if (batch->store != request->store)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "the batch is of another store");
    if (batch->operation != FEATURE_EVENT)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "a batch of EVENT rows is needed, not of %s",
                       batch->view_name);
    return FEATURE_OK;
}

feature_status
feature_request_set_events(feature_request *request, const feature_batch *batch,
                           struct feature_error *error)
{
    struct lf_scored made = {0};
    feature_status status = FEATURE_OK;
    uint32_t rows = 0;

    LF_TRY(check_call(request, batch, error));
    if (batch)
        LF_TRY(lf_batch_rows(batch, &rows, error));
    if (rows)
        status = copy_batch(&made, batch, rows, error);
    if (status) {
        lf_scored_free(&made);
        return status;
    }
    lf_scored_free(&request->scored);
    request->scored = made;
    return FEATURE_OK;
}

/* --- reading ------------------------------------------------------------------ */

static int64_t
asked_time(const feature_request *request, uint32_t row)
{
    if (!request->as_of_rows)
        return request->now;
    return lf_load_i64(request->as_of.data +
                       (request->as_of_rows == 1 ? 0 : 8 * (size_t)row));
}

/* Whether the cells of an event make a key, part by part. */
static bool
is_key(const struct lf_view_plan *view, uint32_t parts,
       const struct lf_scored *scored, const struct lf_cell *cells,
       const uint8_t *key, size_t size)
{
    uint8_t *at = scored->key.data;

    for (uint32_t i = 0; i < parts; i++) {
        uint32_t column = view->definition->key_columns[i];
        const struct lf_cell *cell = &cells[column];
        size_t room = size - (size_t)(at - scored->key.data);

        if (column >= scored->columns || cell->is_null)
            return false;
        if (view->event->columns[column].code == FEATURE_TYPE_INT64) {
            if (room < LF_KEY_INT64_SIZE)
                return false;
            lf_key_put_int64(at, lf_load_i64(cell->bytes));
            at += LF_KEY_INT64_SIZE;
        } else {
            if (room < lf_key_bytes_size(cell->bytes, cell->size))
                return false;
            at = lf_key_put_bytes(at, cell->bytes, cell->size);
        }
    }
    return at == scored->key.data + size &&
           memcmp(scored->key.data, key, size) == 0;
}

feature_status
lf_scored_begin(feature_request *request, struct feature_error *error)
{
    return lf_buffer_reserve(&request->scored.key, LF_KEY_MAX)
               ? FEATURE_OK
               : lf_fail_memory(error);
}

const struct lf_tile_event *
lf_scored_event(feature_request *request, uint32_t view, uint32_t row,
                const struct lf_job *job, struct lf_tile_event *event,
                int64_t *t)
{
    const struct lf_selection_view *asked =
        &request->query->selection->views[view];
    const struct lf_view_plan *plan = &request->plan->views[view];
    const struct lf_scored *scored = &request->scored;
    const struct lf_job *first = job - job->twin;
    size_t at = scored->rows == 1 ? 0 : row;

    *t = asked_time(request, row);
    if (!scored->rows || scored->event != plan->event->id)
        return NULL;
    event->ts = scored->has_times ? lf_load_i64(scored->times.data + 8 * at)
                                  : request->now;
    event->cell_count = scored->columns;
    event->cells = (const struct lf_cell *)(void *)scored->cells.data +
                   at * scored->columns;
    if (*t <= event->ts)
        *t = event->ts + (event->ts < INT64_MAX);
    return first->key_size && is_key(plan, asked->key_count, scored,
                                     event->cells, first->key, first->key_size)
               ? event
               : NULL;
}
