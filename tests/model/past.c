/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a row was.
 *
 * Owns the list of what was asked of a row since its view keeps history.
 * Keeps all of it: the row as of a time is made of all that is not newer.
 * Never looks at the row as it is.
 */
#include "rows.h"

static const struct version *
add(struct arena *arena, const struct version *before, bool is_base,
    int64_t time, const struct row *row)
{
    struct version *made = arena_alloc(arena, sizeof *made);

    *made = (struct version){
        .before = before, .is_base = is_base, .time = time, .row = row};
    return made;
}

const struct version *
past_add(struct arena *arena, const struct rows_entry *entry,
         const struct row_write *write)
{
    const struct version *past = entry->past;
    struct row_write alone = *write;

    if (!past && entry->row)
        past = add(arena, NULL, true, TIME_UNSET, entry->row);
    alone.plant = PLANT_NONE;
    return add(arena, past, false, write->time, row_write(arena, NULL, &alone));
}

/* The next version in the order of times, ties in the order of calls (or, with a
 * plant, against it): the first one after another. */
static const struct version *
next_version(const struct version *past, const struct version *after,
             int64_t until, enum plant plant)
{
    const struct version *next = NULL;
    bool is_before = after == NULL; /* calls before that of after */

    for (const struct version *at = past; at; at = at->before) {
        bool is_later = !after || at->time > after->time;

        if (after && at->time == after->time)
            is_later = at != after && (plant == PLANT_PAST_TIE) == is_before;
        is_before |= at == after;
        if (!is_later || at->time > until || at->is_base)
            continue;
        if (plant == PLANT_PAST_EDGE && at->time == until)
            continue;
        if (!next || at->time < next->time ||
            (at->time == next->time && plant != PLANT_PAST_TIE))
            next = at;
    }
    return next;
}

/* A row is what a version leaves of it. */
static const struct row *
overlay(struct arena *arena, const struct row *row,
        const struct version *version, const struct view *view)
{
    struct row *made = arena_alloc(arena, sizeof *made);
    bool is_whole = true, is_written = false;

    made->count = view->feature_count;
    made->cells = arena_array(arena, made->count, sizeof *made->cells);
    for (uint32_t i = 0; i < made->count; i++) {
        struct cell cell = row_cell(version->row, view->features[i].id);

        made->cells[i] = row_cell(row, view->features[i].id);
        if (cell.time == TIME_UNSET || cell.time < made->cells[i].time) {
            is_whole = false;
            continue;
        }
        made->cells[i] = cell;
        is_written = true;
    }
    if (!is_written && row)
        return row;
    if (version->row->is_tombstone && is_whole) {
        made->is_tombstone = true;
        made->deleted = version->time;
        made->count = 0;
    }
    return made;
}

const struct row *
past_row(struct arena *arena, const struct version *past, int64_t time,
         const struct view *view, enum plant plant)
{
    const struct row *row = NULL;
    const struct version *at = NULL;

    for (const struct version *each = past; each; each = each->before)
        if (each->is_base)
            row = each->row;
    while ((at = next_version(past, at, time, plant)))
        row = overlay(arena, row, at, view);
    return row;
}
