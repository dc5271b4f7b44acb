/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of a view: last-writer-wins cells.
 *
 * Owns what UPSERT, PATCH and DELETE do to the cells of a row.
 * Keeps every row it was given: a write makes a new one, so that a failed call
 * can go back.
 * Never looks at a clock or a batch.
 */
#include "rows.h"

#include <string.h>

struct rows *
rows_create(struct arena *arena)
{
    return arena_alloc(arena, sizeof(struct rows));
}

void
key_add(struct text *key, struct value part)
{
    text_add_bytes(key, &part.size, sizeof part.size);
    text_add_bytes(key, part.bytes, part.size);
}

static uint32_t
bucket_of(const uint8_t *key, uint32_t size)
{
    uint32_t hash = 2166136261u;

    for (uint32_t i = 0; i < size; i++)
        hash = (hash ^ key[i]) * 16777619u;
    return (hash ^ hash >> 16) % BUCKETS;
}

struct rows_entry *
rows_find(const struct rows *rows, const uint8_t *key, uint32_t size)
{
    struct rows_entry *at = rows->buckets[bucket_of(key, size)];

    while (at && (at->key_size != size || memcmp(at->key, key, size) != 0))
        at = at->next;
    return at;
}

struct rows_entry *
rows_entry(struct arena *arena, struct rows *rows, const uint8_t *key,
           uint32_t size)
{
    struct rows_entry *at = rows_find(rows, key, size);
    struct rows_entry **bucket = &rows->buckets[bucket_of(key, size)];

    if (at)
        return at;
    at = arena_alloc(arena, sizeof *at);
    at->next = *bucket;
    at->key_size = size;
    at->key = arena_copy(arena, key, size);
    *bucket = at;
    return at;
}

struct cell
row_cell(const struct row *row, uint32_t feature)
{
    struct cell unset = {
        .feature = feature, .time = TIME_UNSET, .value = null_value};

    if (row && row->is_tombstone)
        unset.time = row->deleted;
    for (uint32_t i = 0; row && i < row->count; i++)
        if (row->cells[i].feature == feature && !row->cells[i].is_ghost)
            return row->cells[i];
    return unset;
}

static bool
passes(const struct row_write *write, const struct cell *cell)
{
    if (write->plant == PLANT_LATE_WINS)
        return true;
    if (write->plant == PLANT_TIE_EARLIER)
        return write->time > cell->time;
    return write->time >= cell->time;
}

static bool
is_meant(const struct row_write *write, uint32_t i)
{
    if (write->operation == FEATURE_PATCH || write->plant == PLANT_UPSERT_KEEPS)
        return write->operation == FEATURE_DELETE || write->has[i];
    return true;
}

const struct row *
row_write(struct arena *arena, const struct row *old,
          const struct row_write *write)
{
    bool is_delete = write->operation == FEATURE_DELETE;
    struct row *made = arena_alloc(arena, sizeof *made);
    bool written = false, whole = true;

    made->count = write->view->feature_count;
    made->cells = arena_array(arena, made->count, sizeof *made->cells);
    for (uint32_t i = 0; i < made->count; i++) {
        struct cell *cell = &made->cells[i];

        *cell = row_cell(old, write->view->features[i].id);
        if (!is_meant(write, i) || !passes(write, cell)) {
            whole = false;
            continue;
        }
        cell->time = write->time;
        cell->value =
            is_delete || !write->has[i] ? null_value : write->values[i];
        written = true;
    }
    if (!written)
        return NULL;
    if (is_delete && whole) {
        made->is_tombstone = true;
        made->deleted =
            write->plant == PLANT_DELETE_FORGETS ? TIME_UNSET : write->time;
        made->count = 0;
    }
    return made;
}

int64_t
row_newest_until(const struct row *row, int64_t time)
{
    int64_t newest = TIME_UNSET;

    if (row->is_tombstone && row->deleted <= time)
        return row->deleted;
    for (uint32_t i = 0; i < row->count; i++)
        if (row->cells[i].time <= time && row->cells[i].time > newest)
            newest = row->cells[i].time;
    return newest;
}

int64_t
row_newest(const struct row *row)
{
    return row_newest_until(row, INT64_MAX);
}

void
rows_count(const struct rows *rows, uint64_t *live, uint64_t *tombstones)
{
    *live = *tombstones = 0;
    for (uint32_t i = 0; i < BUCKETS; i++)
        for (const struct rows_entry *at = rows->buckets[i]; at; at = at->next)
            if (at->row)
                ++*(at->row->is_tombstone ? tombstones : live);
}

static const struct row *
follow_row(struct arena *arena, const struct row *row, struct view *before,
           struct view *after, enum plant plant)
{
    struct row *made = arena_copy(arena, row, sizeof *row);

    made->cells =
        arena_copy(arena, row->cells, row->count * sizeof *row->cells);
    for (uint32_t i = 0; i < made->count; i++) {
        struct cell *cell = &made->cells[i];
        const struct feature *from = find_feature_id(before, cell->feature);
        const struct feature *to = find_feature_id(after, cell->feature);

        if (!to)
            cell->is_ghost = plant != PLANT_DROPPED_STAYS;
        else if (from && !cell->is_ghost)
            cell->value = value_widen(arena, from->type, to->type, cell->value);
    }
    return made;
}

static const struct version *
past_follow(struct arena *arena, const struct version *past,
            struct view *before, struct view *after, enum plant plant)
{
    const struct version *first = NULL;
    const struct version **end = &first;

    for (; past; past = past->before) {
        struct version *made = arena_copy(arena, past, sizeof *past);

        made->row = follow_row(arena, past->row, before, after, plant);
        *end = made;
        end = &made->before;
    }
    return first;
}

void
rows_follow(struct arena *arena, struct view *before, struct view *after,
            enum plant plant)
{
    for (uint32_t i = 0; i < BUCKETS; i++)
        for (struct rows_entry *at = after->rows->buckets[i]; at;
             at = at->next) {
            if (at->row)
                at->row = follow_row(arena, at->row, before, after, plant);
            at->past = after->history
                           ? past_follow(arena, at->past, before, after, plant)
                           : NULL;
        }
}
