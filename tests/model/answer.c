/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the model answers to a read.
 *
 * Owns states, timestamps and what the fill policies serve.
 * Keeps to one cell at a time, in the order of the rules.
 * Never looks at what the library answered.
 */
#include "answer.h"

#include <string.h>

/* One lookup: a row of the request in one role. */
struct lookup {
    const struct read *read;
    struct view *view;
    const struct row *row; /* NULL: none */
    bool has_key;
    bool is_loose;
    bool is_exact; /* as of a time */
    bool is_known; /* something is known at that time */
    int64_t at;
    int64_t newest;
    int64_t oldest; /* times before it are outside the max age */
};

enum verdict { CURRENT, MISSING, STALE, UNKNOWN };

static bool
take_key(const struct read *read, const struct role *role, uint32_t row,
         struct text *key)
{
    for (uint32_t i = 0; i < role->key_count; i++) {
        const struct key_values *values = &read->keys[role->keys[i]];
        struct value part = values->values[values->rows == 1 ? 0 : row];

        if (part.is_null)
            return false;
        key_add(key, part);
    }
    return true;
}

static int64_t
oldest_current(const struct lookup *lookup)
{
    int64_t oldest;

    if (!lookup->view->ttl ||
        __builtin_sub_overflow(lookup->at, lookup->view->ttl, &oldest))
        return TIME_UNSET;
    if (lookup->read->plant == PLANT_TTL_EDGE)
        oldest++;
    return oldest;
}

/* The row by what had been committed; where that is not kept, nothing is known. */
static void
look_back(struct arena *arena, struct lookup *lookup,
          const struct rows_entry *entry)
{
    const struct read *read = lookup->read;
    const struct view *view = lookup->view;

    lookup->is_loose = past_has_ghosts(entry->past);
    if (!view->history ||
        (past_has_base(entry) && view->history_since > read->known_by)) {
        lookup->is_known = false;
        lookup->newest = TIME_UNSET;
        return;
    }
    if (!entry->past)
        return;
    lookup->row =
        past_row(arena, entry->past, lookup->is_exact ? lookup->at : INT64_MAX,
                 read->known_by, view, read->plant);
    lookup->newest = lookup->row ? row_newest(lookup->row) : TIME_UNSET;
}

static struct lookup
look_up(struct arena *arena, const struct read *read, const struct role *role,
        uint32_t row)
{
    struct lookup lookup = {.read = read,
                            .view = find_view_id(read->catalog, role->view),
                            .is_exact = read->times != NULL,
                            .is_known = true,
                            .at = read->now,
                            .newest = TIME_UNSET};
    const struct rows_entry *entry = NULL;
    struct text key = {0};

    if (lookup.is_exact)
        lookup.at = read->times[read->time_rows == 1 ? 0 : row];
    lookup.has_key = take_key(read, role, row, &key);
    if (lookup.has_key) {
        entry = rows_find(lookup.view->rows, (const uint8_t *)key.data,
                          (uint32_t)key.size);
        lookup.row = entry ? entry->row : NULL;
    }
    text_free(&key);
    lookup.oldest = oldest_current(&lookup);
    if (lookup.is_exact && read->plant == PLANT_AS_OF_EDGE)
        lookup.at--;
    if (!lookup.row)
        return lookup;
    lookup.newest = row_newest(lookup.row);
    if (read->known_by) {
        look_back(arena, &lookup, entry);
    } else if (lookup.is_exact && lookup.newest > lookup.at && entry->past) {
        lookup.is_loose = past_has_ghosts(entry->past);
        lookup.row = past_row(arena, entry->past, lookup.at, 0, lookup.view,
                              read->plant);
        if (!lookup.row)
            lookup.newest = TIME_UNSET;
        else
            lookup.newest = row_newest(lookup.row);
    }
    if (lookup.is_exact && lookup.newest > lookup.at) {
        lookup.newest = row_newest_until(lookup.row, lookup.at);
        lookup.is_known = lookup.newest != TIME_UNSET;
    }
    return lookup;
}

static enum verdict
judge(const struct lookup *lookup, const struct cell *cell)
{
    if (!lookup->row)
        return MISSING;
    if (!lookup->is_known || (lookup->is_exact && cell->time > lookup->at))
        return UNKNOWN;
    if (cell->value.is_null)
        return MISSING;
    return cell->time < lookup->oldest ? STALE : CURRENT;
}

static void
fill(const struct lookup *lookup, const struct feature *feature,
     struct answer_cell *cell)
{
    cell->value = null_value;
    if (lookup->read->fill == FEATURE_FILL_NULLS || feature->fallback.is_null)
        return;
    cell->value = feature->fallback;
    cell->is_defaulted = true;
}

static enum verdict
answer_cell(const struct lookup *lookup, uint32_t feature_id,
            struct answer_cell *made)
{
    const struct feature *feature = find_feature_id(lookup->view, feature_id);
    struct cell cell = row_cell(lookup->row, feature_id);
    enum verdict verdict = judge(lookup, &cell);

    *made = (struct answer_cell){.stored = feature->type, .value = cell.value};
    switch (verdict) {
    case CURRENT:
        return verdict;
    case UNKNOWN:
        made->value = null_value;
        return verdict;
    case STALE:
        if (lookup->read->fill == FEATURE_FILL_STALE)
            made->is_defaulted = true;
        else
            fill(lookup, feature, made);
        return verdict;
    case MISSING:
        fill(lookup, feature, made);
        return verdict;
    }
    return verdict;
}

/* unknown and missing count the cells of the row in this role; missing ones
 * are those without a stored value. */
static uint8_t
state_of(const struct lookup *lookup, uint32_t unknown, bool all_missing)
{
    if (!lookup->has_key)
        return FEATURE_STATE_NO_KEY;
    if (!lookup->row)
        return FEATURE_STATE_NOT_FOUND;
    if (!lookup->is_known || unknown)
        return FEATURE_STATE_NO_HISTORY;
    if (lookup->row->is_tombstone)
        return FEATURE_STATE_NOT_FOUND;
    if (lookup->newest < lookup->oldest)
        return FEATURE_STATE_OUTSIDE_MAX_AGE;
    return all_missing ? FEATURE_STATE_NULL : FEATURE_STATE_PRESENT;
}

static void
answer_row(struct arena *arena, const struct read *read, uint32_t role,
           uint32_t row, struct answer *answer)
{
    const struct selection *selection = read->selection;
    struct lookup lookup = look_up(arena, read, &selection->roles[role], row);
    size_t at = (size_t)role * read->rows + row;
    bool all_missing = true;
    uint32_t unknown = 0;

    for (uint32_t i = 0; i < selection->column_count; i++) {
        enum verdict verdict;

        if (selection->columns[i].role != role)
            continue;
        verdict = answer_cell(&lookup, selection->columns[i].feature,
                              &answer->cells[(size_t)i * read->rows + row]);
        unknown += verdict == UNKNOWN;
        all_missing &= verdict == MISSING || verdict == UNKNOWN;
    }
    answer->is_loose |= lookup.is_loose;
    answer->states[at] = state_of(&lookup, unknown, all_missing);
    answer->timestamps[at] = lookup.newest;
    if (!lookup.row || lookup.row->is_tombstone)
        answer->timestamps[at] = TIME_UNSET;
}

outcomes
read_answer(struct arena *arena, const struct read *read, struct answer *answer)
{
    const struct selection *selection = read->selection;

    for (uint32_t i = 0; i < selection->column_count; i++) {
        const struct column *column = &selection->columns[i];
        struct view *view =
            find_view_id(read->catalog, selection->roles[column->role].view);

        if (!view || !find_feature_id(view, column->feature))
            return OUTCOME(FEATURE_CONFLICT);
    }
    answer->is_loose = false;
    answer->states = arena_alloc(arena, selection->role_count * read->rows);
    answer->timestamps =
        arena_array(arena, (size_t)selection->role_count * read->rows,
                    sizeof *answer->timestamps);
    answer->cells =
        arena_array(arena, (size_t)selection->column_count * read->rows,
                    sizeof *answer->cells);
    for (uint32_t role = 0; role < selection->role_count; role++)
        for (uint32_t row = 0; row < read->rows; row++)
            answer_row(arena, read, role, row, answer);
    return OUTCOME_OK;
}

bool
answer_fits(struct arena *arena, const struct answer_cell *cell,
            struct type type, struct value *value)
{
    return value_narrow(arena, cell->stored, type, cell->value, value);
}
