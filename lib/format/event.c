/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events, to bytes and back.
 *
 * Owns the way between the columns of an event and the slots of a row.
 * Keeps equal events equal bytes: the layout follows from the number of columns
 * alone.
 * Never takes an event for one whose cells would not lie within its bytes.
 */
#include "format/event.h"

#include "base/utf8.h"
#include "format/tiles.h"

bool
lf_event_layout_init(struct lf_event_layout *layout,
                     const struct lf_event *event, uint32_t count,
                     struct lf_arena *arena)
{
    struct lf_schema schema = {.version = (uint16_t)count, .count = count};

    schema.fields = lf_arena_array(arena, count, sizeof *schema.fields);
    layout->columns = lf_arena_array(arena, count, sizeof *layout->columns);
    if (!schema.fields || !layout->columns)
        return false;
    for (uint32_t i = 0; i < count; i++)
        schema.fields[i] = (struct lf_schema_field){
            .feature = i, .type = {.code = event->columns[i].code, .width = 1}};
    if (!lf_layout_init(&layout->row, &schema, arena))
        return false;
    layout->count = count;
    for (uint32_t i = 0; i < count; i++)
        layout->columns[i] = layout->row.slots[i].feature;
    return true;
}

bool
lf_event_layouts_init(struct lf_event_layouts *layouts,
                      const struct lf_event *event)
{
    *layouts = (struct lf_event_layouts){.event = event};
    layouts->made = lf_arena_array(&layouts->arena, event->column_count,
                                   sizeof(struct lf_event_layout *));
    return layouts->made != NULL;
}

void
lf_event_layouts_free(struct lf_event_layouts *layouts)
{
    lf_arena_free(&layouts->arena);
    layouts->made = NULL;
}

const struct lf_event_layout *
lf_event_layouts_get(struct lf_event_layouts *layouts, uint32_t count,
                     bool *is_known)
{
    struct lf_event_layout **made;

    *is_known = count >= 1 && count <= layouts->event->column_count;
    if (!*is_known)
        return NULL;
    made = &layouts->made[count - 1];
    if (!*made) {
        struct lf_event_layout *layout =
            lf_arena_alloc(&layouts->arena, sizeof *layout);

        if (!layout || !lf_event_layout_init(layout, layouts->event, count,
                                             &layouts->arena))
            return NULL;
        *made = layout;
    }
    return *made;
}

size_t
lf_event_size(const struct lf_event_layout *layout, const struct lf_cell *cells)
{
    uint64_t size = layout->row.data_offset;

    for (uint32_t i = 0; i < layout->count; i++) {
        const struct lf_cell *cell = &cells[layout->columns[i]];

        if (!layout->row.slots[i].size && !cell->is_null)
            size += cell->size;
    }
    return size > LF_ROW_SIZE_LIMIT ? SIZE_MAX : (size_t)size;
}

bool
lf_event_encode(const struct lf_event_layout *layout,
                const struct lf_cell *cells, int64_t time,
                struct lf_cell *slots, struct lf_buffer *to)
{
    for (uint32_t i = 0; i < layout->count; i++)
        slots[i] = cells[layout->columns[i]];
    return lf_row_encode_at(&layout->row, slots, time, to);
}

bool
lf_event_cells(struct lf_row *row, const struct lf_event_layout *layout,
               struct lf_cell *cells)
{
    if (row->flags || row->version != layout->count ||
        !lf_row_check(row, &layout->row))
        return false;
    for (uint32_t i = 0; i < layout->count; i++)
        cells[layout->columns[i]] = lf_row_cell(row, &layout->row, i);
    return true;
}

const char *
lf_event_cell_problem(int32_t code, const struct lf_cell *cell)
{
    if (cell->is_null)
        return NULL;
    if (code == FEATURE_TYPE_STRING)
        return lf_utf8_valid(cell->bytes, cell->size) ? NULL
                                                      : "the text is not UTF-8";
    if (lf_tile_cell_is_valid(code, cell))
        return NULL;
    return code == FEATURE_TYPE_FLOAT32 || code == FEATURE_TYPE_FLOAT64
               ? "an event takes no NaN and no infinity"
               : "the value is none of its type";
}
