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
    int64_t time, int64_t commit_time, uint32_t next_feature,
    const struct row *row)
{
    struct version *made = arena_alloc(arena, sizeof *made);

    *made = (struct version){.before = before,
                             .is_base = is_base,
                             .time = time,
                             .commit_time = commit_time,
                             .next_feature = next_feature,
                             .row = row};
    return made;
}

const struct version *
past_add(struct arena *arena, const struct rows_entry *entry,
         const struct row_write *write, int64_t commit_time)
{
    const struct version *past = entry->past;
    struct row_write alone = *write;

    if (!past && entry->row)
        past = add(arena, NULL, true, TIME_UNSET, 0, 0, entry->row);
    alone.plant = PLANT_NONE;
    return add(arena, past, false, write->time, commit_time,
               write->view->next_feature, row_write(arena, NULL, &alone));
}

bool
past_has_ghosts(const struct version *past)
{
    for (; past; past = past->before)
        for (uint32_t i = 0; i < past->row->count; i++)
            if (past->row->cells[i].is_ghost)
                return true;
    return false;
}

/* Whether the row was there before history began. */
bool
past_has_base(const struct rows_entry *entry)
{
    const struct version *past = entry->past;

    while (past && past->before)
        past = past->before;
    return past ? past->is_base : entry->row != NULL;
}

/* Whether a version had been committed by then; 0: whenever. */
static bool
is_known(const struct version *version, int64_t known_by, enum plant plant)
{
    return !known_by || version->commit_time < known_by ||
           (version->commit_time == known_by && plant != PLANT_KNOWN_EDGE);
}

/* The next version in the order of times, ties in the order of calls (or, with a
 * plant, against it): the first one after another. */
static const struct version *
next_version(const struct version *past, const struct version *after,
             int64_t until, int64_t known_by, enum plant plant)
{
    const struct version *next = NULL;
    bool is_before = after == NULL; /* calls before that of after */

    for (const struct version *at = past; at; at = at->before) {
        bool is_later = !after || at->time > after->time;

        if (after && at->time == after->time)
            is_later = at != after && (plant == PLANT_PAST_TIE) == is_before;
        is_before |= at == after;
        if (!is_later || at->time > until || at->is_base ||
            !is_known(at, known_by, plant))
            continue;
        if (plant == PLANT_PAST_EDGE && at->time == until)
            continue;
        if (!next || at->time < next->time ||
            (at->time == next->time && plant != PLANT_PAST_TIE))
            next = at;
    }
    return next;
}

/* Nobody wrote the cell of a feature that came later: a delete of a part of the
 * row leaves it so. */
static bool
is_nobodys(const struct version *version, const struct cell *cell)
{
    return version->row->is_tombstone && cell->time == TIME_UNSET &&
           cell->feature >= version->next_feature;
}

/* A write to features that are gone by now brings a row back all the same. */
static bool
revives(const struct row *row, const struct version *version)
{
    return row->is_tombstone && !version->row->is_tombstone &&
           row_newest(version->row) >= row->deleted;
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
        if (is_nobodys(version, &made->cells[i]))
            continue;
        if (cell.time == TIME_UNSET || cell.time < made->cells[i].time) {
            is_whole = false;
            continue;
        }
        made->cells[i] = cell;
        is_written = true;
    }
    if (!is_written && row && !revives(row, version))
        return row;
    if (version->row->is_tombstone && is_whole) {
        made->is_tombstone = true;
        made->deleted = version->time;
        made->count = 0;
    }
    return made;
}

/* A row without what is left of dropped features. */
static const struct row *
strip(struct arena *arena, const struct row *row, const struct view *view)
{
    struct row *made = arena_alloc(arena, sizeof *made);

    if (row->is_tombstone)
        return row;
    made->count = view->feature_count;
    made->cells = arena_array(arena, made->count, sizeof *made->cells);
    for (uint32_t i = 0; i < made->count; i++)
        made->cells[i] = row_cell(row, view->features[i].id);
    return made;
}

const struct row *
past_row(struct arena *arena, const struct version *past, int64_t time,
         int64_t known_by, const struct view *view, enum plant plant)
{
    const struct row *row = NULL;
    const struct version *at = NULL;

    for (const struct version *each = past; each; each = each->before)
        if (each->is_base)
            row = strip(arena, each->row, view);
    while ((at = next_version(past, at, time, known_by, plant)))
        row = overlay(arena, row, at, view);
    return row;
}
