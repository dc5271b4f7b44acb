/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Views FROM an event, checked.
 *
 * Owns the question whether bytes are what the library writes.
 * Keeps one state for each schema version that rows have.
 * Never trusts bytes before their checksum: that is its caller's to compare.
 */
#include "store/window_check.h"

#include <string.h>

#include "format/state.h"

feature_status
lf_window_check_begin(struct lf_window_check *check,
                      const struct lf_catalog *catalog,
                      const struct lf_view *view, struct feature_error *error)
{
    size_t columns;

    lf_window_check_free(check);
    LF_TRY(lf_form_bind(&check->form, catalog, view, error));
    columns = check->form.event->column_count;
    check->states = lf_arena_array(&check->form.arena, view->schema_count,
                                   sizeof(struct lf_state *));
    check->cells =
        lf_arena_array(&check->form.arena, columns, sizeof *check->cells);
    check->slots =
        lf_arena_array(&check->form.arena, columns, sizeof *check->slots);
    return check->states && check->cells && check->slots &&
                   lf_event_layouts_init(&check->layouts, check->form.event)
               ? FEATURE_OK
               : lf_fail_memory(error);
}

void
lf_window_check_free(struct lf_window_check *check)
{
    for (uint32_t i = 0; check->states && i < check->form.plan_count; i++)
        lf_state_free(check->states[i]);
    check->states = NULL;
    lf_form_free(&check->form);
    lf_event_layouts_free(&check->layouts);
    lf_buffer_free(&check->again);
}

feature_status
lf_window_check_row(struct lf_window_check *check, const struct lf_row *row,
                    bool *is_right, struct feature_error *error)
{
    const struct lf_tile_plan *plan;
    struct lf_state **state;
    enum lf_tile_status status;

    *is_right = row->flags == LF_ROW_WINDOW &&
                lf_view_schema(check->form.view, row->version);
    if (!*is_right)
        return FEATURE_OK;
    state = &check->states[row->version - 1];
    LF_TRY(lf_form_plan(&check->form, row->version, &plan, error));
    if (!*state)
        *state = lf_state_make(plan);
    if (!*state)
        return lf_fail_memory(error);
    lf_state_use_beside(*state, check->beside);
    status = lf_state_check(*state, row->bytes + LF_ROW_HEADER_SIZE,
                            row->size - LF_ROW_HEADER_SIZE, row->timestamp);
    *is_right = status == LF_TILE_OK;
    return status == LF_TILE_MEMORY ||
                   (status && check->beside && check->beside->has_no_memory)
               ? lf_fail_memory(error)
               : FEATURE_OK;
}

static feature_status
check_event(struct lf_window_check *check, struct lf_row row, bool *is_right,
            struct feature_error *error)
{
    const struct lf_event *event = check->form.event;
    const struct lf_event_layout *layout;

    layout = lf_event_layouts_get(&check->layouts, row.version, is_right);
    if (!layout)
        return *is_right ? lf_fail_memory(error) : FEATURE_OK;
    *is_right = lf_event_cells(&row, layout, check->cells);
    for (uint32_t i = 0; *is_right && i < layout->count; i++)
        *is_right =
            !lf_event_cell_problem(event->columns[i].code, &check->cells[i]);
    if (!*is_right)
        return FEATURE_OK;
    if (!lf_event_encode(layout, check->cells, row.timestamp, check->slots,
                         &check->again))
        return lf_fail_memory(error);
    *is_right = check->again.size == row.size &&
                memcmp(check->again.data, row.bytes, row.size) == 0;
    return FEATURE_OK;
}

feature_status
lf_window_check_entry(struct lf_window_check *check,
                      const struct lf_history_entry *entry, bool *is_right,
                      struct feature_error *error)
{
    *is_right = entry->operation == FEATURE_DELETE &&
                lf_view_schema(check->form.view, entry->row.version);
    if (entry->operation != FEATURE_EVENT &&
        entry->operation != FEATURE_RETRACT)
        return FEATURE_OK;
    return check_event(check, entry->row, is_right, error);
}
