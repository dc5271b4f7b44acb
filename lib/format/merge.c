/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a write does to a row.
 *
 * Owns the rule of last-writer-wins cells: a cell is written iff the write's
 * event timestamp is at or after the cell's.
 * Keeps the result independent of the order of writes with distinct
 * timestamps, byte for byte.
 * Never sees a database, a clock or a key.
 *
 * A DELETE writes null into every cell it is not older than; when that is all
 * of them the row is a tombstone, whose time holds for features added later
 * too. A cell that nobody wrote has the time LF_TIME_UNSET, before all others.
 */
#include "format/merge.h"

#include <string.h>

#include "base/bytes.h"

bool
lf_migration_init(struct lf_migration *migration,
                  const struct lf_schema *schema,
                  const struct lf_layout *current, struct lf_arena *arena)
{
    uint32_t *slots = lf_arena_array(arena, current->count, sizeof *slots);

    if (!slots || !lf_layout_init(&migration->from, schema, arena))
        return false;
    for (uint32_t i = 0; i < current->count; i++)
        slots[i] = lf_layout_slot(&migration->from, current->slots[i].feature);
    migration->slots = slots;
    return true;
}

static void
widen_element(int32_t from, int32_t to, const uint8_t *in, uint8_t *out)
{
    if (from == FEATURE_TYPE_FLOAT32)
        lf_store_f64(out, (double)lf_load_f32(in));
    else if (to == FEATURE_TYPE_FLOAT64)
        lf_store_f64(out, (double)lf_load_i32(in));
    else
        lf_store_i64(out, (int64_t)lf_load_i32(in));
}

bool
lf_widen(struct lf_type from, struct lf_type to, const uint8_t *bytes,
         size_t size, struct lf_buffer *out)
{
    uint8_t *at;

    out->size = 0;
    if (lf_type_equal(from, to))
        return lf_buffer_append(out, bytes, size);
    if (!lf_type_widens(from, to) || size > SIZE_MAX / 2)
        return false;
    /* Every widening is from four bytes to eight. */
    at = lf_buffer_extend(out, 2 * size);
    for (size_t i = 0; at && i < size / 4; i++)
        widen_element(from.code, to.code, bytes + 4 * i, at + 8 * i);
    return at != NULL;
}

void
lf_merge_init(struct lf_merge *merge, const struct lf_layout *layout,
              struct lf_cell *cells)
{
    *merge = (struct lf_merge){.layout = layout, .cells = cells};
    lf_merge_clear(merge);
}

void
lf_merge_clear(struct lf_merge *merge)
{
    lf_arena_free(&merge->scratch);
    merge->exists = false;
    merge->is_tombstone = false;
    for (uint32_t i = 0; i < merge->layout->count; i++)
        merge->cells[i] =
            (struct lf_cell){.is_null = true, .time = LF_TIME_UNSET};
}

void
lf_merge_free(struct lf_merge *merge)
{
    lf_arena_free(&merge->scratch);
}

static bool
widen_cell(struct lf_merge *merge, struct lf_type from, struct lf_type to,
           struct lf_cell *cell)
{
    struct lf_buffer wide = {0};
    bool done = lf_widen(from, to, cell->bytes, cell->size, &wide);

    if (done) {
        cell->bytes = (const uint8_t *)lf_arena_copy(&merge->scratch, wide.data,
                                                     wide.size);
        cell->size = (uint32_t)wide.size;
        done = cell->bytes != NULL;
    }
    lf_buffer_free(&wide);
    return done;
}

/* What a row that is no tombstone says of a current slot. False: no memory. */
static bool
take_cell(struct lf_merge *merge, const struct lf_row *row,
          const struct lf_migration *migration, uint32_t index,
          struct lf_cell *cell)
{
    struct lf_type to = merge->layout->slots[index].type, from;
    uint32_t slot = migration->slots[index];

    *cell = (struct lf_cell){.is_null = true, .time = LF_TIME_UNSET};
    if (slot == LF_NO_SLOT)
        return true;
    *cell = lf_row_cell(row, &migration->from, slot);
    from = migration->from.slots[slot].type;
    return cell->is_null || lf_type_equal(from, to) ||
           widen_cell(merge, from, to, cell);
}

bool
lf_merge_load(struct lf_merge *merge, const struct lf_row *row,
              const struct lf_migration *migration)
{
    lf_merge_clear(merge);
    merge->exists = true;
    merge->is_tombstone = row->flags & LF_ROW_TOMBSTONE;
    for (uint32_t i = 0; i < merge->layout->count; i++) {
        if (merge->is_tombstone)
            merge->cells[i].time = row->timestamp;
        else if (!take_cell(merge, row, migration, i, &merge->cells[i]))
            return false;
    }
    return true;
}

/* Whether nothing of the row is newer: then it goes as a whole. */
static bool
is_whole_at(const struct lf_merge *merge, int64_t time)
{
    for (uint32_t i = 0; i < merge->layout->count; i++)
        if (merge->cells[i].time > time)
            return false;
    return true;
}

/* Whether a delete at a time says anything of a slot: it leaves cells that are
 * newer, and, where the row stays, those that nobody wrote of features that came
 * after it. known: how rows of its schema version become cells; NULL: it is of
 * the current one. */
static bool
is_deleted(const struct lf_merge *merge, uint32_t slot, int64_t time,
           bool whole, const struct lf_migration *known)
{
    const struct lf_cell *cell = &merge->cells[slot];

    if (cell->time > time)
        return false;
    return whole || !known || known->slots[slot] != LF_NO_SLOT ||
           cell->time != LF_TIME_UNSET;
}

static bool
delete_cells(struct lf_merge *merge, int64_t time,
             const struct lf_migration *known)
{
    bool written = false, whole = is_whole_at(merge, time);

    for (uint32_t i = 0; i < merge->layout->count; i++) {
        if (!is_deleted(merge, i, time, whole, known))
            continue;
        merge->cells[i] = (struct lf_cell){.is_null = true, .time = time};
        written = true;
    }
    if (whole)
        merge->is_tombstone = true;
    return written;
}

bool
lf_merge_write(struct lf_merge *merge, int32_t operation, int64_t time,
               const struct lf_cell *cells, const bool *own)
{
    bool written = false;

    if (operation == FEATURE_DELETE) {
        written = delete_cells(merge, time, NULL);
        merge->exists |= written;
        return written;
    }
    for (uint32_t i = 0; i < merge->layout->count; i++) {
        if ((own && !own[i]) || time < merge->cells[i].time)
            continue;
        merge->cells[i] = cells[i];
        merge->cells[i].time = time;
        written = true;
    }
    if (written) {
        merge->exists = true;
        merge->is_tombstone = false;
    }
    return written;
}

static bool
delete_changes(const struct lf_merge *merge, int64_t time,
               const struct lf_migration *known)
{
    bool whole = is_whole_at(merge, time);

    for (uint32_t i = 0; i < merge->layout->count; i++)
        if (is_deleted(merge, i, time, whole, known))
            return true;
    return !merge->exists;
}

/* A row is there again after a write to it, also where the features that were
 * written are gone by now. */
static bool
outlives(const struct lf_merge *merge, const struct lf_row *row)
{
    return !merge->exists || (merge->is_tombstone && merge->layout->count &&
                              row->timestamp >= merge->cells[0].time);
}

bool
lf_merge_row(struct lf_merge *merge, const struct lf_row *row,
             const struct lf_migration *migration, bool *changed)
{
    bool written = outlives(merge, row);

    if (row->flags & LF_ROW_TOMBSTONE) {
        *changed = delete_changes(merge, row->timestamp, migration);
        merge->exists |= delete_cells(merge, row->timestamp, migration);
        return true;
    }
    for (uint32_t i = 0; i < merge->layout->count; i++) {
        struct lf_cell cell;

        if (!take_cell(merge, row, migration, i, &cell))
            return false;
        if (cell.time == LF_TIME_UNSET || cell.time < merge->cells[i].time)
            continue;
        merge->cells[i] = cell;
        written = true;
    }
    if (written) {
        merge->exists = true;
        merge->is_tombstone = false;
    }
    *changed = written;
    return true;
}

bool
lf_merge_encode(const struct lf_merge *merge, struct lf_buffer *row)
{
    if (merge->is_tombstone)
        return lf_row_encode_tombstone(merge->layout->version,
                                       merge->cells[0].time, row);
    return lf_row_encode(merge->layout, merge->cells, row);
}
