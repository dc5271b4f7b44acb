/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Request mode: features as if an event had been written.
 *
 * Owns copies of the events, and the t at which they are just visible.
 * Keeps an event to the rows whose key it has: the keys of the request rule. One
 * whose id was seen is in the store, and does not count twice.
 * Never writes anything.
 */
#include "store/scored.h"

#include <string.h>

#include "format/event.h"
#include "format/key.h"
#include "store/batch.h"
#include "store/dedupe.h"
#include "store/request.h"

void
lf_scored_free(struct lf_scored *scored)
{
    lf_buffer_free(&scored->times);
    lf_buffer_free(&scored->cells);
    lf_buffer_free(&scored->bytes);
    lf_buffer_free(&scored->key);
    lf_buffer_free(&scored->known);
}

/* --- setting ------------------------------------------------------------------ */

/* The cells of a row; their bytes are a place in scored->bytes so far. */
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
    lf_batch_take_event(batch, row, cells);
    for (uint32_t i = 0; i < scored->columns; i++) {
        uint8_t *to;

        if (cells[i].is_null)
            continue;
        to = lf_buffer_extend(&scored->bytes, cells[i].size);
        if (!to)
            return lf_fail_memory(error);
        if (cells[i].size)
            memcpy(to, cells[i].bytes, cells[i].size);
        lf_tile_cell_normalize(batch->of_event->event.columns[i].code, to);
    }
    return FEATURE_OK;
}

/* Their bytes lie one after the other, as they were taken. */
static void
place_cells(struct lf_scored *scored)
{
    struct lf_cell *cells = (struct lf_cell *)(void *)scored->cells.data;
    const uint8_t *at = scored->bytes.data;

    for (size_t i = 0; i < (size_t)scored->rows * scored->columns; i++)
        if (!cells[i].is_null) {
            cells[i].bytes = at;
            at += cells[i].size;
        }
}

static feature_status
copy_batch(struct lf_scored *scored, const feature_batch *batch, uint32_t rows,
           struct feature_error *error)
{
    struct lf_checks checks;

    *scored = (struct lf_scored){.event = batch->view,
                                 .rows = rows,
                                 .columns = batch->of_event->event.column_count,
                                 .has_times = batch->timestamp != UINT32_MAX};
    lf_batch_find_checks(batch, &checks);
    for (uint32_t row = 0; row < rows; row++) {
        LF_TRY(lf_batch_check_row(batch, row, &checks, error));
        LF_TRY(take_row(scored, batch, row, error));
    }
    place_cells(scored);
    return FEATURE_OK;
}

/* Binds the batch to its event as it is now. */
static feature_status
bind(feature_batch *batch, struct feature_error *error)
{
    struct lf_catalog *catalog = NULL;
    const struct lf_event *event;
    feature_status status = lf_store_catalog(batch->store, &catalog, error);

    if (status)
        return status;
    event = lf_catalog_event_by_id(catalog, batch->view);
    if (event)
        status = lf_batch_bind_event(batch, catalog, event, error);
    else
        status = lf_fail(error, FEATURE_CONFLICT, "schema-changed",
                         "event %s was dropped after the batch was made",
                         batch->view_name);
    lf_catalog_release(catalog);
    return status;
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

static feature_status
copy_rows(struct lf_scored *made, feature_batch *batch,
          struct feature_error *error)
{
    feature_status status;
    uint32_t rows;

    LF_TRY(lf_batch_rows(batch, &rows, error));
    if (!rows)
        return FEATURE_OK;
    LF_TRY(lf_store_enter(batch->store, error));
    status = bind(batch, error);
    if (!status)
        status = copy_batch(made, batch, rows, error);
    lf_store_leave(batch->store);
    return status;
}

feature_status
feature_request_set_events(feature_request *request, feature_batch *batch,
                           struct feature_error *error)
{
    struct lf_scored made = {0};
    feature_status status = FEATURE_OK;

    LF_TRY(check_call(request, batch, error));
    if (batch)
        status = copy_rows(&made, batch, error);
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

/* Ids are forgotten by the times of commits, which may be ahead of the clock: an
 * id that upkeep took away must be over for a read, too. */
static int64_t
dedupe_time(const feature_request *request)
{
    return request->now > request->commit_time ? request->now
                                               : request->commit_time;
}

static feature_status
find_known(feature_request *request, const struct lf_event *event,
           struct lf_cursor *cursor, struct feature_error *error)
{
    struct lf_scored *scored = &request->scored;
    int64_t known_by = request->query->known_by, since = 0;
    const struct lf_cell *cells =
        (const struct lf_cell *)(void *)scored->cells.data;
    bool *known = (bool *)lf_buffer_extend(&scored->known, scored->rows);

    if (!known)
        return lf_fail_memory(error);
    for (uint32_t i = 0; i < scored->rows; i++) {
        const struct lf_cell *id =
            &cells[(size_t)i * scored->columns + event->dedupe];

        LF_TRY(lf_dedupe_find(event, cursor, id, dedupe_time(request),
                              &known[i], &since, error));
        known[i] = known[i] && (!known_by || since <= known_by);
    }
    return FEATURE_OK;
}

feature_status
lf_scored_begin(feature_request *request, struct lf_reader *reader,
                struct feature_error *error)
{
    struct lf_scored *scored = &request->scored;
    const struct lf_event *event = NULL;
    char tree[LF_TREE_NAME_SIZE];
    struct lf_cursor *cursor;
    feature_status status;

    scored->known.size = 0;
    if (!lf_buffer_reserve(&scored->key, LF_KEY_MAX))
        return lf_fail_memory(error);
    if (scored->rows)
        event = lf_catalog_event_by_id(request->plan->catalog, scored->event);
    if (!event || !lf_dedupe_applies(event))
        return FEATURE_OK;
    lf_dedupe_tree(event, tree);
    LF_TRY(lf_cursor_open(reader, tree, &cursor, error));
    status = find_known(request, event, cursor, error);
    lf_cursor_close(cursor);
    return status;
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
    if (scored->known.size && scored->known.data[at])
        return NULL;
    return first->key_size && is_key(plan, asked->key_count, scored,
                                     event->cells, first->key, first->key_size)
               ? event
               : NULL;
}
