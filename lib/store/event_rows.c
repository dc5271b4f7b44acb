/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of an event, made ready for its views.
 *
 * Owns the keys that a row has in each view FROM its event.
 * Keeps rows of one key in the order they were given.
 * Never asks where the rows come from.
 */
#include "store/event_rows.h"

#include <string.h>

#include "format/key.h"

static void
free_views(struct lf_event_rows *rows)
{
    for (uint32_t i = 0; i < rows->view_count; i++) {
        struct lf_event_view *view = &rows->views[i];

        lf_form_free(&view->form);
        lf_buffer_free(&view->keys);
        lf_buffer_free(&view->ends);
        lf_buffer_free(&view->order);
    }
    rows->view_count = 0;
    lf_arena_free(&rows->arena);
}

void
lf_event_rows_free(struct lf_event_rows *rows)
{
    free_views(rows);
    lf_buffer_free(&rows->times);
    lf_buffer_free(&rows->ordinals);
    lf_buffer_free(&rows->marks);
    lf_buffer_free(&rows->payload);
}

static feature_status
bind_views(struct lf_event_rows *rows, const struct lf_catalog *catalog,
           struct feature_error *error)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < catalog->view_count; i++)
        count += catalog->views[i].event == rows->event->id;
    rows->views = lf_arena_array(&rows->arena, count, sizeof *rows->views);
    if (!rows->views)
        return lf_fail_memory(error);
    for (uint32_t i = 0; i < catalog->view_count; i++) {
        const struct lf_view *view = &catalog->views[i];

        if (view->event == rows->event->id)
            LF_TRY(lf_form_bind(&rows->views[rows->view_count++].form, catalog,
                                view, error));
    }
    return FEATURE_OK;
}

feature_status
lf_event_rows_bind(struct lf_event_rows *rows, const struct lf_catalog *catalog,
                   const struct lf_event *event, struct feature_error *error)
{
    uint32_t count = event->column_count;

    free_views(rows);
    rows->event = event;
    rows->cells = lf_arena_array(&rows->arena, count, sizeof *rows->cells);
    rows->slots = lf_arena_array(&rows->arena, count, sizeof *rows->slots);
    if (!rows->cells || !rows->slots ||
        !lf_event_layout_init(&rows->layout, event, count, &rows->arena))
        return lf_fail_memory(error);
    for (uint32_t i = 0; i < count; i++)
        rows->cells[i].is_null = true;
    return bind_views(rows, catalog, error);
}

size_t
lf_event_key_size(const uint32_t *columns, uint32_t count,
                  const struct lf_event *event, const struct lf_cell *cells)
{
    size_t size = 0;

    for (uint32_t i = 0; i < count; i++) {
        const struct lf_cell *cell = &cells[columns[i]];

        if (cell->is_null)
            return 0;
        size += event->columns[columns[i]].code == FEATURE_TYPE_INT64
                    ? LF_KEY_INT64_SIZE
                    : lf_key_bytes_size(cell->bytes, cell->size);
    }
    return size;
}

static void
put_key(const uint32_t *columns, uint32_t count, const struct lf_event *event,
        const struct lf_cell *cells, uint8_t *to)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct lf_cell *cell = &cells[columns[i]];

        if (event->columns[columns[i]].code == FEATURE_TYPE_INT64) {
            lf_key_put_int64(to, lf_load_i64(cell->bytes));
            to += LF_KEY_INT64_SIZE;
        } else {
            to = lf_key_put_bytes(to, cell->bytes, cell->size);
        }
    }
}

static feature_status
add_key(struct lf_event_rows *rows, struct lf_event_view *view, uint32_t row,
        struct feature_error *error)
{
    const uint32_t *columns = view->form.view->key_columns;
    uint32_t count = view->form.key_count;
    size_t size = lf_event_key_size(columns, count, rows->event, rows->cells);
    uint8_t *to;

    if (size) {
        to = lf_buffer_extend(&view->keys, size);
        if (!to || !lf_buffer_append(&view->order, &row, sizeof row))
            return lf_fail_memory(error);
        put_key(columns, count, rows->event, rows->cells, to);
    }
    lf_store_u64(view->ends.data + 8 * (size_t)row + 8, view->keys.size);
    return FEATURE_OK;
}

static feature_status
begin_keys(struct lf_event_rows *rows, struct feature_error *error)
{
    for (uint32_t i = 0; i < rows->view_count; i++) {
        struct lf_event_view *view = &rows->views[i];

        view->keys.size = view->ends.size = view->order.size = 0;
        if (!lf_buffer_extend(&view->ends, 8 * ((size_t)rows->count + 1)) ||
            !lf_buffer_reserve(&view->keys, 1))
            return lf_fail_memory(error);
        lf_store_u64(view->ends.data, 0);
    }
    return FEATURE_OK;
}

static feature_status
sort_keys(struct lf_event_view *view, struct feature_error *error)
{
    struct lf_row_keys keys = {view->keys.data, view->ends.data};
    size_t count = view->order.size / 4;

    if (count < 2 || lf_row_keys_sort(&keys, view->order.data, (uint32_t)count))
        return FEATURE_OK;
    return lf_fail_memory(error);
}

feature_status
lf_event_rows_order(struct lf_event_rows *rows, struct feature_error *error)
{
    LF_TRY(begin_keys(rows, error));
    for (uint32_t i = 0; i < rows->count; i++) {
        bool is_wanted = rows->outcomes[i] == FEATURE_OUTCOME_NONE;

        if (is_wanted)
            rows->take(rows->from, i, rows->cells);
        for (uint32_t j = 0; j < rows->view_count; j++) {
            struct lf_event_view *view = &rows->views[j];

            if (is_wanted)
                LF_TRY(add_key(rows, view, i, error));
            else
                lf_store_u64(view->ends.data + 8 * (size_t)i + 8,
                             view->keys.size);
        }
    }
    for (uint32_t i = 0; i < rows->view_count; i++)
        LF_TRY(sort_keys(&rows->views[i], error));
    return FEATURE_OK;
}

feature_status
lf_event_payload(struct lf_event_rows *rows, const struct lf_cell *cells,
                 int64_t time, struct feature_error *error)
{
    rows->payload.size = 0;
    return lf_event_encode(&rows->layout, cells, time, rows->slots,
                           &rows->payload)
               ? FEATURE_OK
               : lf_fail_memory(error);
}
