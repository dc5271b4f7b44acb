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

#include "store/history.h"

/* --- a view ------------------------------------------------------------------- */

static void
forget(struct lf_kept *kept)
{
    if (kept->catalog)
        lf_catalog_release(kept->catalog);
    lf_arena_free(&kept->arena);
    kept->catalog = NULL;
    kept->view = NULL;
    kept->layouts = NULL;
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
    kept->layouts =
        lf_arena_array(&kept->arena, (size_t)kept->event->column_count + 1,
                       sizeof *kept->layouts);
    if (!kept->layouts)
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
    lf_buffer_free(&kept->retracts);
    lf_buffer_free(&kept->barriers);
}

/* An event of before the history began is at most max_skew after that. */
bool
lf_kept_covers(const struct lf_kept *kept, int64_t from)
{
    const struct lf_meta_view *meta = &kept->meta;
    int64_t begin;

    if (meta->history_since == INT64_MIN)
        return false;
    if (meta->history_horizon > INT64_MIN && from <= meta->history_horizon)
        return false;
    if (!meta->history_bases)
        return true;
    return !__builtin_add_overflow(meta->history_since, kept->event->max_skew,
                                   &begin) &&
           from > begin;
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
    const struct lf_layout *layout; /* of an event */
};

static feature_status
find_layout(struct walk *walk, struct feature_error *error)
{
    struct lf_kept *kept = walk->kept;
    struct lf_row *row = &walk->entry.row;
    struct lf_layout **layout;

    if (!row->version || row->version > kept->event->column_count)
        return fail_damaged(kept, "structure", error);
    layout = &kept->layouts[row->version];
    if (!*layout) {
        struct lf_layout *made = lf_arena_alloc(&kept->arena, sizeof *made);

        if (!made || !lf_event_layout(made, kept->event, row->version,
                                      &kept->arena))
            return lf_fail_memory(error);
        *layout = made;
    }
    walk->layout = *layout;
    return lf_row_check(row, *layout) ? FEATURE_OK
                                      : fail_damaged(kept, "structure", error);
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
    return find_layout(walk, error);
}

/* From the newest entry with ts < to on, as long as from <= ts. */
static feature_status
begin_walk(struct walk *walk, const uint8_t *key, int64_t to,
           struct feature_error *error)
{
    struct lf_kept *kept = walk->kept;
    struct lf_history_place place = {to - 1, UINT64_MAX, UINT32_MAX};
    size_t size = walk->key_size + LF_HISTORY_PLACE_SIZE;

    kept->retracts.size = 0;
    if (!lf_buffer_reserve(&kept->key, size))
        return lf_fail_memory(error);
    memcpy(kept->key.data, key, walk->key_size);
    lf_history_put_place(kept->key.data + walk->key_size, &place);
    return lf_cursor_seek(kept->cursor, kept->key.data, size, &walk->at, error);
}

/* --- retracted ones ----------------------------------------------------------- */

struct retract {
    struct lf_row row;
    const struct lf_layout *layout;
};

/* A column that one of them lacks is null. */
static bool
same_event(const struct retract *a, const struct walk *b)
{
    uint32_t count = a->layout->count > b->layout->count ? a->layout->count
                                                         : b->layout->count;

    for (uint32_t i = 0; i < count; i++) {
        struct lf_cell x = {.is_null = true}, y = {.is_null = true};

        if (i < a->layout->count)
            x = lf_row_cell(&a->row, a->layout, lf_layout_slot(a->layout, i));
        if (i < b->layout->count)
            y = lf_row_cell(&b->entry.row, b->layout,
                            lf_layout_slot(b->layout, i));
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
    struct lf_buffer *buffer = &walk->kept->retracts;
    struct retract *retracts = (struct retract *)(void *)buffer->data;
    size_t count = buffer->size / sizeof *retracts;

    for (size_t i = 0; i < count; i++)
        if (same_event(&retracts[i], walk)) {
            retracts[i] = retracts[count - 1];
            buffer->size -= sizeof *retracts;
            return true;
        }
    return false;
}

static bool
add_retract(const struct walk *walk)
{
    struct retract retract = {walk->entry.row, walk->layout};

    return lf_buffer_append(&walk->kept->retracts, &retract, sizeof retract);
}

/* Looks at an entry; is_event: it is an event that counts. */
static feature_status
sift(struct walk *walk, int64_t *ts, bool *is_event,
     struct feature_error *error)
{
    struct lf_kept *kept = walk->kept;
    const struct lf_history_entry *entry = &walk->entry;

    *is_event = false;
    if (kept->is_restricted && entry->commit_time > kept->known_by)
        return FEATURE_OK;
    if (entry->place.time != *ts)
        kept->retracts.size = 0;
    *ts = entry->place.time;
    if (entry->operation == FEATURE_RETRACT)
        return add_retract(walk) ? FEATURE_OK : lf_fail_memory(error);
    *is_event = entry->operation == FEATURE_EVENT && !take_retract(walk);
    return FEATURE_OK;
}

/* --- events ------------------------------------------------------------------- */

static bool
add_event(const struct walk *walk)
{
    struct lf_kept *kept = walk->kept;
    const struct lf_layout *layout = walk->layout;
    struct lf_tile_event event = {.ts = walk->entry.place.time,
                                  .cell_count = layout->count};
    struct lf_cell *cells = (struct lf_cell *)(void *)lf_buffer_extend(
        &kept->cells, layout->count * sizeof *cells);

    if (!cells || !lf_buffer_append(&kept->events, &event, sizeof event))
        return false;
    for (uint32_t i = 0; i < layout->count; i++)
        cells[layout->slots[i].feature] =
            lf_row_cell(&walk->entry.row, layout, i);
    return true;
}

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
    const struct lf_cell *cells = (const struct lf_cell *)(void *)
                                      kept->cells.data;

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

feature_status
lf_kept_gather(struct lf_kept *kept, const uint8_t *key, size_t key_size,
               int64_t from, int64_t to, struct feature_error *error)
{
    struct walk walk = {.kept = kept, .key_size = key_size, .from = from};
    int64_t ts = INT64_MIN;
    bool is_over, is_event;

    kept->events.size = kept->cells.size = kept->barriers.size = 0;
    LF_TRY(begin_walk(&walk, key, to, error));
    for (;;) {
        LF_TRY(open_entry(&walk, &is_over, error));
        if (is_over)
            break;
        LF_TRY(sift(&walk, &ts, &is_event, error));
        if (is_event && !add_event(&walk))
            return lf_fail_memory(error);
        if (walk.entry.operation == FEATURE_DELETE && ts == walk.entry.place.time &&
            !lf_buffer_append(&kept->barriers, &ts, sizeof ts))
            return lf_fail_memory(error);
        LF_TRY(lf_cursor_next(kept->cursor, &walk.at, error));
    }
    turn_round(kept);
    return FEATURE_OK;
}

feature_status
lf_kept_any(struct lf_kept *kept, const uint8_t *key, size_t key_size,
            int64_t from, int64_t to, bool *any, struct feature_error *error)
{
    struct walk walk = {.kept = kept, .key_size = key_size, .from = from};
    int64_t ts = INT64_MIN;
    bool is_over = false;

    *any = false;
    LF_TRY(begin_walk(&walk, key, to, error));
    for (;;) {
        LF_TRY(open_entry(&walk, &is_over, error));
        if (is_over)
            break;
        LF_TRY(sift(&walk, &ts, any, error));
        if (*any || (walk.entry.operation == FEATURE_DELETE &&
                     ts == walk.entry.place.time))
            break;
        LF_TRY(lf_cursor_next(kept->cursor, &walk.at, error));
    }
    return FEATURE_OK;
}

int64_t
lf_kept_floor(const struct lf_kept *kept, int64_t t)
{
    for (size_t i = 0; i < kept->barriers.size; i += sizeof(int64_t)) {
        int64_t at = lf_load_i64(kept->barriers.data + i);

        if (at < t)
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
