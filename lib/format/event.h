/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events, to bytes and back: what change records and the histories of views FROM
 * an event hold of one. The layout is that of rows (format/row.h): the id of a
 * field is the column's place in the event, the schema version is the number of
 * columns that the event had, since columns are only added. See docs/format.md.
 */
#ifndef LF_FORMAT_EVENT_H
#define LF_FORMAT_EVENT_H

#include "format/row.h"

/* The layout of events with the first `count` columns. */
struct lf_event_layout {
    struct lf_layout row;
    uint32_t count;
    uint32_t *columns; /* per slot */
};

/* False: no memory. Everything lies in arena. */
bool lf_event_layout_init(struct lf_event_layout *layout,
                          const struct lf_event *event, uint32_t count,
                          struct lf_arena *arena);

/* The layouts of an event, each made when it is first asked for. */
struct lf_event_layouts {
    const struct lf_event *event;
    struct lf_arena arena;
    struct lf_event_layout **made; /* per number of columns, less 1 */
};

/* event has to outlive layouts. False: no memory. */
bool lf_event_layouts_init(struct lf_event_layouts *layouts,
                           const struct lf_event *event);
void lf_event_layouts_free(struct lf_event_layouts *layouts);

/* NULL: no memory, or the event never had as many columns (is_known false). */
const struct lf_event_layout *lf_event_layouts_get(
    struct lf_event_layouts *layouts, uint32_t count, bool *is_known);

/* Bytes that lf_event_encode would write; SIZE_MAX: over the format's limit.
 * cells: one a column. */
size_t lf_event_size(const struct lf_event_layout *layout,
                     const struct lf_cell *cells);

/* Encodes an event, with zeros for a checksum. slots is room for layout->count
 * cells. False: no memory. */
bool lf_event_encode(const struct lf_event_layout *layout,
                     const struct lf_cell *cells, int64_t time,
                     struct lf_cell *slots, struct lf_buffer *to);

/* The cells of an event, one a column, pointing into row's bytes. row is opened
 * and its version is layout->count. False: it is no such event. */
bool lf_event_cells(struct lf_row *row, const struct lf_event_layout *layout,
                    struct lf_cell *cells);

/* What a cell of a column must not hold: NULL, or what is wrong. */
const char *lf_event_cell_problem(int32_t code, const struct lf_cell *cell);

#endif
