/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One row of a batch of events: its cells, and what is wrong with it.
 *
 * Owns the checks of a row against its event: the keys of all views, the id, the
 * size.
 * Keeps a copy of what the catalog said, so that the answer to what was wrong
 * outlives it.
 * Never looks at the store.
 */
#include <string.h>

#include "base/alloc.h"
#include "store/batch.h"
#include "store/event_rows.h"

void
lf_batch_free_event(feature_batch *batch)
{
    if (!batch->of_event)
        return;
    lf_arena_free(&batch->of_event->arena);
    lf_free(batch->of_event);
    batch->of_event = NULL;
}

static bool
add_keys(struct lf_batch_event *made, const struct lf_catalog *catalog,
         const struct lf_view *view)
{
    const struct lf_entity *entity =
        lf_catalog_entity_by_id(catalog, view->entity);
    struct lf_batch_keys *keys = &made->keys[made->key_count++];

    keys->count = entity->key_count;
    keys->view = lf_arena_copy(&made->arena, view->name, strlen(view->name));
    keys->columns =
        lf_arena_array(&made->arena, keys->count, sizeof *keys->columns);
    if (!keys->view || !keys->columns)
        return false;
    memcpy(keys->columns, view->key_columns,
           keys->count * sizeof *keys->columns);
    return true;
}

static bool
copy_event(struct lf_batch_event *made, const struct lf_event *event)
{
    size_t count = event->column_count;

    made->event = *event;
    made->event.name = NULL;
    made->event.columns =
        lf_arena_array(&made->arena, count, sizeof *event->columns);
    made->cells = lf_arena_array(&made->arena, count, sizeof *made->cells);
    if (!made->event.columns || !made->cells)
        return false;
    for (size_t i = 0; i < count; i++) {
        made->event.columns[i].code = event->columns[i].code;
        made->cells[i].is_null = true;
    }
    return lf_event_layout_init(&made->layout, &made->event,
                                event->column_count, &made->arena);
}

static bool
fill(struct lf_batch_event *made, const struct lf_catalog *catalog,
     const struct lf_event *event)
{
    uint32_t count = 0;

    made->catalog = catalog->version;
    if (!copy_event(made, event))
        return false;
    for (uint32_t i = 0; i < catalog->view_count; i++)
        count += catalog->views[i].event == event->id;
    made->keys = lf_arena_array(&made->arena, count, sizeof *made->keys);
    if (!made->keys)
        return false;
    for (uint32_t i = 0; i < catalog->view_count; i++)
        if (catalog->views[i].event == event->id &&
            !add_keys(made, catalog, &catalog->views[i]))
            return false;
    return true;
}

feature_status
lf_batch_bind_event(feature_batch *batch, const struct lf_catalog *catalog,
                    const struct lf_event *event, struct feature_error *error)
{
    struct lf_batch_event *made;

    if (batch->of_event && batch->of_event->catalog == catalog->version)
        return FEATURE_OK;
    made = lf_alloc(sizeof *made);
    if (!made)
        return lf_fail_memory(error);
    if (!fill(made, catalog, event)) {
        lf_arena_free(&made->arena);
        lf_free(made);
        return lf_fail_memory(error);
    }
    lf_batch_free_event(batch);
    batch->of_event = made;
    return FEATURE_OK;
}

void
lf_batch_take_event(const feature_batch *batch, uint32_t row,
                    struct lf_cell *cells)
{
    for (uint32_t i = 0; i < batch->column_count; i++) {
        const struct lf_batch_column *column = &batch->columns[i];
        struct lf_cell *cell = &cells[column->feature];
        size_t size = 0;

        if (column->role != FEATURE_ROLE_EVENT_COLUMN)
            continue;
        cell->is_null = lf_input_is_null(&column->input, row);
        if (cell->is_null)
            continue;
        cell->bytes = lf_input_cell(&column->input, row, &size);
        /* A giant keeps a size that every limit refuses. */
        cell->size =
            (uint32_t)(size < LF_ROW_SIZE_LIMIT ? size : LF_ROW_SIZE_LIMIT);
    }
}

static feature_status
fail_key(uint32_t row, const char *what, size_t size,
         struct feature_error *error)
{
    lf_fail(error, FEATURE_INVALID, "key-size",
            "row %u: %s has %zu bytes, the limit is %d", row, what, size,
            LF_KEY_MAX);
    lf_error_place(error, 0, row, 0);
    return FEATURE_INVALID;
}

feature_status
lf_batch_check_event(const feature_batch *batch, uint32_t row,
                     struct feature_error *error)
{
    const struct lf_batch_event *of = batch->of_event;
    const struct lf_event *event = &of->event;

    lf_batch_take_event(batch, row, of->cells);
    for (uint32_t i = 0; i < of->key_count; i++) {
        const struct lf_batch_keys *keys = &of->keys[i];
        size_t size =
            lf_event_key_size(keys->columns, keys->count, event, of->cells);

        if (size > LF_KEY_MAX)
            return fail_key(row, keys->view, size, error);
    }
    if (event->dedupe != LF_NO_COLUMN && !of->cells[event->dedupe].is_null &&
        of->cells[event->dedupe].size > LF_KEY_MAX)
        return fail_key(row, "its id", of->cells[event->dedupe].size, error);
    if (lf_event_size(&of->layout, of->cells) <= batch->store->max_row_size)
        return FEATURE_OK;
    return lf_batch_fail_row_size(batch, row, error);
}
