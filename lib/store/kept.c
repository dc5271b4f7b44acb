/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kept events.
 *
 * Owns the way from a key and a span of time to the events that its windows
 * have in it, in commit order where their times are equal.
 * Keeps to what was written: an event that was retracted is not among them, and
 * a DELETE takes all up to its time away from every later t.
 * Never serves bytes before their checksum and their layout were checked.
 */
#include "store/kept.h"

#include <string.h>

#include "store/event_history.h"
#include "store/history.h"

/* --- a view ------------------------------------------------------------------- */

static void
forget(struct lf_kept *kept)
{
    if (kept->catalog)
        lf_catalog_release(kept->catalog);
    lf_event_layouts_free(&kept->layouts);
    kept->catalog = NULL;
    kept->view = NULL;
}

static feature_status
bind(struct lf_kept *kept, struct lf_catalog *catalog,
     const struct lf_view *view, struct feature_error *error)
{
    if (kept->catalog == catalog && kept->view == view)
        return FEATURE_OK;
    forget(kept);
    kept->event = lf_catalog_event_by_id(catalog, view->event);
    if (!kept->event)
        return lf_fail(error, FEATURE_CORRUPT, "structure",
                       "feature view %s has no event", view->name);
    if (!lf_event_layouts_init(&kept->layouts, kept->event))
        return lf_fail_memory(error);
    kept->seed = lf_history_seed(view->id);
    kept->catalog = lf_catalog_hold(catalog);
    kept->view = view;
    return FEATURE_OK;
}

feature_status
lf_kept_begin(struct lf_kept *kept, struct lf_reader *reader,
              struct lf_catalog *catalog, const struct lf_view *view,
              const struct lf_meta_view *meta, int64_t known_by,
              struct feature_error *error)
{
    char tree[LF_TREE_NAME_SIZE];

    kept->meta = *meta;
    kept->is_restricted = known_by != 0;
    kept->known_by = known_by;
    LF_TRY(bind(kept, catalog, view, error));
    lf_history_tree(view, tree);
    return lf_cursor_open(reader, tree, &kept->cursor, error);
}

void
lf_kept_end(struct lf_kept *kept)
{
    lf_cursor_close(kept->cursor);
    kept->cursor = NULL;
}

void
lf_kept_free(struct lf_kept *kept)
{
    lf_kept_end(kept);
    forget(kept);
    lf_buffer_free(&kept->key);
    lf_buffer_free(&kept->events);
    lf_buffer_free(&kept->cells);
    lf_buffer_free(&kept->other);
    lf_buffer_free(&kept->retracts);
    lf_buffer_free(&kept->retracted);
    lf_buffer_free(&kept->barriers);
}

bool
lf_kept_covers(const struct lf_kept *kept, int64_t from)
{
    return (!kept->is_restricted ||
            lf_event_history_knew(&kept->meta, kept->known_by)) &&
           lf_event_history_covers(&kept->meta, kept->event, from);
}

/* --- entries ------------------------------------------------------------------ */

static feature_status
fail_damaged(const struct lf_kept *kept, const char *reason,
             struct feature_error *error)
{
    return lf_fail(error, FEATURE_CORRUPT, reason,
                   "an entry of the history of %s is damaged",
                   kept->view->name);
}

struct walk {
    struct lf_kept *kept;
    size_t key_size;
    int64_t from;
    struct lf_cursor_entry at;
    struct lf_history_entry entry;
    struct lf_buffer *room; /* for the cells of events */
    uint32_t count;         /* of columns of the event */
    struct lf_cell *cells;  /* of them: the last in room */
    int64_t ts;             /* of the entry before, as far as it counts */
    bool is_event;          /* what the entry is, if it counts */
    bool is_delete;
};

/* The cells of an event are added to those of the walk. */
static feature_status
take_cells(struct walk *walk, struct feature_error *error)
{
    struct lf_kept *kept = walk->kept;
    struct lf_row *row = &walk->entry.row;
    const struct lf_event_layout *layout;
    bool is_known;

    layout = lf_event_layouts_get(&kept->layouts, row->version, &is_known);
    if (!layout)
        return is_known ? lf_fail_memory(error)
                        : fail_damaged(kept, "structure", error);
    walk->count = layout->count;
    walk->cells = (struct lf_cell *)(void *)lf_buffer_extend(
        walk->room, layout->count * sizeof *walk->cells);
    if (!walk->cells)
        return lf_fail_memory(error);
    return lf_event_cells(row, layout, walk->cells)
               ? FEATURE_OK
               : fail_damaged(kept, "structure", error);
}

static void
drop_cells(const struct walk *walk)
{
    walk->room->size -= walk->count * sizeof(struct lf_cell);
}

/* Opens the entry the cursor is at, if it is one of the walk. */
static feature_status
open_entry(struct walk *walk, bool *is_over, struct feature_error *error)
{
    struct lf_kept *kept = walk->kept;
    const struct lf_cursor_entry *at = &walk->at;
    const char *found;

    *is_over = true;
    if (!at->key || at->key_size != walk->key_size + LF_HISTORY_PLACE_SIZE ||
        memcmp(at->key, kept->key.data, walk->key_size) != 0 ||
        lf_history_get_place(at->key + walk->key_size).time < walk->from)
        return FEATURE_OK;
    *is_over = false;
    found = lf_history_open(&walk->entry, kept->seed, at->key, at->key_size,
                            at->value, at->size);
    if (found)
        return fail_damaged(kept, found, error);
    if (walk->entry.operation == FEATURE_DELETE)
        return FEATURE_OK;
    if (walk->entry.operation != FEATURE_EVENT &&
        walk->entry.operation != FEATURE_RETRACT)
        return fail_damaged(kept, "structure", error);
    return take_cells(walk, error);
}

/* From the newest entry with ts < to on, as long as from <= ts. */
static feature_status
begin_walk(struct walk *walk, const uint8_t *key, int64_t to,
           struct feature_error *error)
{
    struct lf_kept *kept = walk->kept;
    struct lf_history_place place = {to - 1, UINT64_MAX, UINT32_MAX};
    size_t size = walk->key_size + LF_HISTORY_PLACE_SIZE;

    kept->retracts.size = kept->retracted.size = 0;
    if (!lf_buffer_reserve(&kept->key, size))
        return lf_fail_memory(error);
    memcpy(kept->key.data, key, walk->key_size);
    lf_history_put_place(kept->key.data + walk->key_size, &place);
    return lf_cursor_seek(kept->cursor, kept->key.data, size, &walk->at, error);
}

/* --- retracted ones ----------------------------------------------------------- */

struct retract {
    uint32_t count;
    uint32_t first; /* of its cells, in kept->retracted */
};

static struct lf_cell
cell_of(const struct lf_cell *cells, uint32_t count, uint32_t column)
{
    return column < count ? cells[column] : (struct lf_cell){.is_null = true};
}

/* A column that one of them lacks is null. */
static bool
same_event(const struct lf_cell *a, uint32_t a_count, const struct lf_cell *b,
           uint32_t b_count)
{
    for (uint32_t i = 0; i < a_count || i < b_count; i++) {
        struct lf_cell x = cell_of(a, a_count, i), y = cell_of(b, b_count, i);

        if (x.is_null != y.is_null)
            return false;
        if (!x.is_null && (x.size != y.size ||
                           (x.size && memcmp(x.bytes, y.bytes, x.size) != 0)))
            return false;
    }
    return true;
}

/* Whether a retraction that was met takes this event back: each takes the one
 * that was committed last before it. */
static bool
take_retract(const struct walk *walk)
{
    struct lf_kept *kept = walk->kept;
    struct retract *retracts = (struct retract *)(void *)kept->retracts.data;
    const struct lf_cell *cells =
        (const struct lf_cell *)(void *)kept->retracted.data;
    size_t count = kept->retracts.size / sizeof *retracts;

    for (size_t i = 0; i < count; i++)
        if (same_event(cells + retracts[i].first, retracts[i].count,
                       walk->cells, walk->count)) {
            retracts[i] = retracts[count - 1];
            kept->retracts.size -= sizeof *retracts;
            return true;
        }
    return false;
}

static bool
add_retract(const struct walk *walk)
{
    struct lf_kept *kept = walk->kept;
    size_t size = sizeof(struct lf_cell);
    struct retract retract = {walk->count,
                              (uint32_t)(kept->retracted.size / size)};

    return lf_buffer_append(&kept->retracted, walk->cells,
                            walk->count * size) &&
           lf_buffer_append(&kept->retracts, &retract, sizeof retract);
}

/* Judges an entry that was opened. */
static feature_status
sift(struct walk *walk, struct feature_error *error)
{
    struct lf_kept *kept = walk->kept;
    const struct lf_history_entry *entry = &walk->entry;

    walk->is_event = walk->is_delete = false;
    if (kept->is_restricted && entry->commit_time > kept->known_by)
        return FEATURE_OK;
    if (entry->place.time != walk->ts)
        kept->retracts.size = kept->retracted.size = 0;
    walk->ts = entry->place.time;
    walk->is_delete = entry->operation == FEATURE_DELETE;
    if (entry->operation == FEATURE_RETRACT)
        return add_retract(walk) ? FEATURE_OK : lf_fail_memory(error);
    walk->is_event = !walk->is_delete && !take_retract(walk);
    return FEATURE_OK;
}

/* The next entry of a walk, if it has one. */
static feature_status
step(struct walk *walk, bool *is_over, struct feature_error *error)
{
    walk->count = 0;
    LF_TRY(open_entry(walk, is_over, error));
    if (*is_over)
        return FEATURE_OK;
    LF_TRY(sift(walk, error));
    if (!walk->is_event)
        drop_cells(walk);
    return lf_cursor_next(walk->kept->cursor, &walk->at, error);
}

/* --- events ------------------------------------------------------------------- */

static struct lf_tile_event *
events_of(const struct lf_kept *kept, size_t *count)
{
    *count = kept->events.size / sizeof(struct lf_tile_event);
    return (struct lf_tile_event *)(void *)kept->events.data;
}

/* They came newest first, with their cells side by side. */
static void
turn_round(struct lf_kept *kept)
{
    size_t count;
    struct lf_tile_event *events = events_of(kept, &count);
    const struct lf_cell *cells =
        (const struct lf_cell *)(void *)kept->cells.data;

    for (size_t i = 0; i < count; i++) {
        events[i].cells = cells;
        cells += events[i].cell_count;
    }
    for (size_t i = 0; i < count / 2; i++) {
        struct lf_tile_event other = events[i];

        events[i] = events[count - 1 - i];
        events[count - 1 - i] = other;
    }
}

/* Adds what the walk is at to what was gathered. */
static bool
add_entry(const struct walk *walk)
{
    struct lf_kept *kept = walk->kept;
    struct lf_tile_event event = {.ts = walk->ts, .cell_count = walk->count};

    if (walk->is_delete)
        return lf_buffer_append(&kept->barriers, &walk->ts, sizeof walk->ts);
    return !walk->is_event ||
           lf_buffer_append(&kept->events, &event, sizeof event);
}

feature_status
lf_kept_gather(struct lf_kept *kept, const uint8_t *key, size_t key_size,
               int64_t from, int64_t to, struct feature_error *error)
{
    struct walk walk = {.kept = kept,
                        .key_size = key_size,
                        .from = from,
                        .room = &kept->cells,
                        .ts = INT64_MIN};
    bool is_over;

    kept->events.size = kept->cells.size = kept->barriers.size = 0;
    LF_TRY(begin_walk(&walk, key, kept->is_now ? INT64_MAX : to, error));
    for (;;) {
        LF_TRY(step(&walk, &is_over, error));
        if (is_over)
            break;
        if (!add_entry(&walk))
            return lf_fail_memory(error);
    }
    turn_round(kept);
    return FEATURE_OK;
}

feature_status
lf_kept_any(struct lf_kept *kept, const uint8_t *key, size_t key_size,
            int64_t from, int64_t to, bool *any, struct feature_error *error)
{
    struct walk walk = {.kept = kept,
                        .key_size = key_size,
                        .from = from,
                        .room = &kept->other,
                        .ts = INT64_MIN};
    bool is_over = false, found = false;
    int64_t newest = INT64_MIN;

    LF_TRY(begin_walk(&walk, key, to, error));
    while (!is_over && (!found || walk.ts == newest)) {
        LF_TRY(step(&walk, &is_over, error));
        if (is_over || walk.is_delete)
            break;
        if (!walk.is_event)
            continue;
        drop_cells(&walk);
        newest = found ? newest : walk.ts;
        found = true;
    }
    *any = found && !(walk.is_delete && walk.ts == newest);
    return FEATURE_OK;
}

int64_t
lf_kept_floor(const struct lf_kept *kept, int64_t t)
{
    for (size_t i = 0; i < kept->barriers.size; i += sizeof(int64_t)) {
        int64_t at = lf_load_i64(kept->barriers.data + i);

        if (at < t || kept->is_now)
            return at + 1;
    }
    return INT64_MIN;
}

/* The first event at or after a time. */
static size_t
find(const struct lf_tile_event *events, size_t count, int64_t time)
{
    size_t low = 0, high = count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (events[middle].ts < time)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct lf_tile_event *
lf_kept_events(const struct lf_kept *kept, int64_t t, size_t *count)
{
    size_t all;
    const struct lf_tile_event *events = events_of(kept, &all);
    size_t first = find(events, all, lf_kept_floor(kept, t));
    size_t last = find(events, all, t);

    *count = last > first ? last - first : 0;
    return events ? events + first : events;
}
