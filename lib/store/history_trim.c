/* SPDX-License-Identifier: Apache-2.0 */
/*
 * History, shortened.
 *
 * Owns what leaves the history of a view, and what has to stay.
 * Keeps every answer at or after the horizon: a key's newest version at or
 * before it stays, and adds up to what it did before.
 * Never changes anything before all it will drop was opened and checked.
 */
#include "store/history_trim.h"

#include <string.h>

#include "base/alloc.h"
#include "store/history_cursor.h"

/* One key at work. */
struct trim {
    struct lf_rows *rows;
    size_t key_size;
    int64_t horizon;
    struct lf_history_cursor cursor;
    struct lf_buffer key;    /* join key and a place */
    struct lf_buffer places; /* of what goes */
    struct lf_hash128 hash;  /* of that */
    struct lf_buffer value, image;
    struct lf_history_entry kept; /* the newest at or before the horizon */
    struct lf_history_entry run[LF_HISTORY_RUN]; /* patches, newest first */
    uint32_t run_count;
    bool is_packed; /* the kept one lies in a block */
    bool has_ground;
    struct lf_history_entry ground; /* what they are written on */
};

static bool
put_key(struct trim *trim, const uint8_t *key,
        const struct lf_history_place *place)
{
    uint8_t bytes[LF_HISTORY_PLACE_SIZE];

    lf_history_put_place(bytes, place);
    trim->key.size = 0;
    return lf_buffer_append(&trim->key, key, trim->key_size) &&
           lf_buffer_append(&trim->key, bytes, sizeof bytes);
}

static void
free_trim(struct trim *trim)
{
    lf_history_free_cursor(&trim->cursor);
    lf_buffer_free(&trim->key);
    lf_buffer_free(&trim->places);
    lf_buffer_free(&trim->value);
    lf_buffer_free(&trim->image);
}

static feature_status
damaged(const struct trim *trim, const char *reason,
        struct feature_error *error)
{
    return lf_fail(error, FEATURE_CORRUPT, reason,
                   "an entry of the history of %s is damaged",
                   trim->rows->form->view->name);
}

static bool
is_of_key(const struct trim *trim, const uint8_t *key, size_t key_size)
{
    return key && key_size == trim->key_size + LF_HISTORY_PLACE_SIZE &&
           memcmp(key, trim->key.data, trim->key_size) == 0;
}

/* The first entry of the key from its place on, or the next; found = false past
 * its last. */
static feature_status
move(struct trim *trim, enum lf_step step, struct lf_history_entry *entry,
     struct lf_version_at *at, bool *found, struct feature_error *error)
{
    if (step == LF_STEP_SEEK)
        LF_TRY(lf_history_seek(&trim->cursor, trim->key.data, trim->key.size,
                               at, error));
    else
        LF_TRY(lf_history_next(&trim->cursor, at, error));
    *found = is_of_key(trim, at->key, at->key_size);
    return *found ? lf_history_read(&trim->cursor, trim->rows->form, at, entry,
                                    error)
                  : FEATURE_OK;
}

static bool
is_patch(const struct lf_history_entry *entry)
{
    return entry->operation == FEATURE_PATCH && !entry->has_image;
}

/* Whether reads at or after the horizon do without an entry below the kept one:
 * before the newest cell of a base nobody knows what the cell was. A base that is
 * newer than the kept one shows through it and all that is written between them:
 * that is known as long as the base is there. */
static bool
may_go(const struct trim *trim, const struct lf_history_entry *entry)
{
    return entry->operation != LF_HISTORY_BASE ||
           entry->row.timestamp <= trim->kept.place.time;
}

/* An entry goes into what the kept one adds up to, until that is known. */
static feature_status
gather(struct trim *trim, const struct lf_history_entry *entry,
       struct feature_error *error)
{
    if (trim->has_ground)
        return FEATURE_OK;
    if (!is_patch(entry)) {
        trim->ground = *entry;
        trim->has_ground = true;
        return FEATURE_OK;
    }
    if (trim->run_count == LF_HISTORY_RUN)
        return damaged(trim, "structure", error);
    trim->run[trim->run_count++] = *entry;
    return FEATURE_OK;
}

static feature_status
let_go(struct trim *trim, const struct lf_version_at *at,
       const struct lf_history_entry *entry, struct feature_error *error)
{
    lf_hash128_add(&trim->hash, lf_history_hash(trim->rows->form->view->id,
                                                at->key, at->key_size, entry));
    if (!lf_buffer_append(&trim->places, at->key + trim->key_size,
                          LF_HISTORY_PLACE_SIZE))
        return lf_fail_memory(error);
    return FEATURE_OK;
}

static size_t
count_places(const struct trim *trim)
{
    return trim->places.size / LF_HISTORY_PLACE_SIZE;
}

/* Finds what goes, and what the kept one adds up to. */
static feature_status
look(struct trim *trim, bool *more, struct feature_error *error)
{
    struct lf_history_entry entry;
    struct lf_version_at at;
    bool found;

    LF_TRY(move(trim, LF_STEP_SEEK, &trim->kept, &at, &found, error));
    if (!found)
        return FEATURE_OK;
    trim->is_packed = trim->cursor.block;
    memcpy(trim->key.data, at.key, at.key_size);
    LF_TRY(gather(trim, &trim->kept, error));
    for (;;) {
        LF_TRY(move(trim, LF_STEP_NEXT, &entry, &at, &found, error));
        if (!found)
            return FEATURE_OK;
        LF_TRY(gather(trim, &entry, error));
        if (count_places(trim) == LF_TRIM_MOST) {
            *more = may_go(trim, &entry);
            if (*more && trim->has_ground)
                return FEATURE_OK;
        } else if (may_go(trim, &entry)) {
            LF_TRY(let_go(trim, &at, &entry, error));
        }
    }
}

/* Breaks up the block that the place lies in. */
static feature_status
break_up(struct trim *trim, struct feature_error *error)
{
    struct lf_version_at at;

    LF_TRY(lf_history_seek(&trim->cursor, trim->key.data, trim->key.size, &at,
                           error));
    return lf_history_break(&trim->cursor, error);
}

/* Where the kept one lies in a block, what it goes on with leaves that first:
 * what was found lies elsewhere then. */
static feature_status
leave_block(struct trim *trim, bool *more, struct feature_error *error)
{
    if (!trim->is_packed)
        return FEATURE_OK;
    LF_TRY(break_up(trim, error));
    trim->places.size = 0;
    trim->hash = (struct lf_hash128){0};
    trim->run_count = 0;
    trim->has_ground = false;
    *more = false;
    return look(trim, more, error);
}

static feature_status
merge(struct trim *trim, struct lf_merge *merge, const struct lf_row *row,
      struct feature_error *error)
{
    const struct lf_migration *migration;
    bool changed;

    LF_TRY(
        lf_form_migration(trim->rows->form, row->version, &migration, error));
    if (!lf_merge_row(merge, row, migration, &changed))
        return lf_fail_memory(error);
    return FEATURE_OK;
}

/* What the kept patch and all below it add up to. */
static feature_status
make_image(struct trim *trim, struct lf_merge *made,
           struct feature_error *error)
{
    struct lf_history_entry *ground = &trim->ground;
    int64_t newest = trim->kept.commit_time;

    if (trim->has_ground) {
        int64_t time =
            ground->has_image ? ground->image_time : ground->commit_time;

        newest = time > newest ? time : newest;
        LF_TRY(merge(trim, made,
                     ground->has_image ? &ground->image : &ground->row, error));
    }
    for (uint32_t i = trim->run_count; i-- > 0;) {
        if (trim->run[i].commit_time > newest)
            newest = trim->run[i].commit_time;
        LF_TRY(merge(trim, made, &trim->run[i].row, error));
    }
    trim->kept.image_time = newest;
    if (!made->is_tombstone &&
        lf_row_size(made->layout, made->cells) > LF_ROW_SIZE_LIMIT)
        return lf_fail(error, FEATURE_FULL, "row-size",
                       "its cells as of that time would be over the limit of a "
                       "row");
    return lf_merge_encode(made, &trim->image) ? FEATURE_OK
                                               : lf_fail_memory(error);
}

/* The kept version, if it is a patch, has to stand by itself from now on. */
static feature_status
give_image(struct trim *trim, struct feature_error *error)
{
    const struct lf_layout *layout = &trim->rows->form->layout;
    struct lf_cell *cells = lf_alloc_array(layout->count + 1, sizeof *cells);
    struct lf_merge made;
    feature_status status;

    if (!cells)
        return lf_fail_memory(error);
    lf_merge_init(&made, layout, cells);
    status = make_image(trim, &made, error);
    lf_merge_free(&made);
    lf_free(cells);
    if (status)
        return status;
    if (!lf_history_encode(&trim->kept,
                           lf_history_seed(trim->rows->form->view->id),
                           trim->key.data, trim->key.size, trim->kept.row.bytes,
                           trim->kept.row.size, &trim->image, &trim->value))
        return lf_fail_memory(error);
    return lf_tree_put(trim->rows->history, trim->key.data, trim->key.size,
                       trim->value.data, trim->value.size, false, error);
}

static void
raise_horizon(struct lf_meta_view *meta, int64_t horizon)
{
    if (horizon > meta->history_horizon)
        meta->history_horizon = horizon;
}

static void
take_place(struct trim *trim, size_t index)
{
    memcpy(trim->key.data + trim->key_size,
           trim->places.data + index * LF_HISTORY_PLACE_SIZE,
           LF_HISTORY_PLACE_SIZE);
}

/* Removes the entry at a place; or, where a block of what goes begins there, all
 * of that. A block that stays in part is none any more. */
static feature_status
drop_next(struct trim *trim, size_t *index, struct feature_error *error)
{
    struct lf_tree_entry at;
    uint32_t count = 1;

    take_place(trim, *index);
    LF_TRY(lf_tree_move(trim->rows->history, LF_STEP_SEEK, trim->key.data,
                        trim->key.size, &at, error));
    if (is_of_key(trim, at.key, at.key_size) && lf_is_block(at.value, at.size))
        count = at.value[5];
    if (count > count_places(trim) - *index) {
        LF_TRY(break_up(trim, error));
        count = 1;
    }
    *index += count;
    take_place(trim, *index - 1);
    return lf_tree_delete(trim->rows->history, trim->key.data, trim->key.size,
                          error);
}

/* Removes what was let go. */
static feature_status
drop(struct trim *trim, struct feature_error *error)
{
    struct lf_meta_view *meta = &trim->rows->meta;
    size_t count = count_places(trim);

    for (size_t i = 0; i < count;)
        LF_TRY(drop_next(trim, &i, error));
    meta->history_entries -= count;
    lf_hash128_subtract(&meta->history, trim->hash);
    raise_horizon(meta, trim->horizon);
    return FEATURE_OK;
}

static feature_status
trim_key(struct trim *trim, const uint8_t *key, bool *more,
         struct feature_error *error)
{
    struct lf_history_place place = {trim->horizon, UINT64_MAX, UINT32_MAX};

    if (!put_key(trim, key, &place))
        return lf_fail_memory(error);
    lf_history_open_write(&trim->cursor, trim->rows);
    LF_TRY(look(trim, more, error));
    if (!trim->places.size)
        return FEATURE_OK;
    LF_TRY(leave_block(trim, more, error));
    if (is_patch(&trim->kept))
        LF_TRY(give_image(trim, error));
    LF_TRY(drop(trim, error));
    return lf_journal_trim(trim->rows, key, trim->key_size, trim->horizon,
                           error);
}

feature_status
lf_history_trim(struct lf_rows *rows, const uint8_t *key, size_t key_size,
                int64_t horizon, uint64_t *dropped, bool *more,
                struct feature_error *error)
{
    struct trim *trim = lf_alloc(sizeof *trim); /* some kilobytes */
    feature_status status;

    if (!trim)
        return lf_fail_memory(error);
    trim->rows = rows;
    trim->key_size = key_size;
    trim->horizon = horizon;
    *more = false;
    status = trim_key(trim, key, more, error);
    *dropped = count_places(trim);
    free_trim(trim);
    lf_free(trim);
    return status;
}

/* --- the end of a row -------------------------------------------------------- */

static bool
is_base(const uint8_t *place)
{
    return lf_history_get_place(place).time == LF_TIME_UNSET;
}

feature_status
lf_history_is_short(struct lf_rows *rows, const uint8_t *key, size_t key_size,
                    bool *is_short, struct feature_error *error)
{
    struct trim trim = {.rows = rows, .key_size = key_size};
    struct lf_history_place first = {INT64_MAX, UINT64_MAX, UINT32_MAX};
    struct lf_tree_entry at;
    feature_status status;

    *is_short = true;
    if (!put_key(&trim, key, &first))
        return lf_fail_memory(error);
    status = lf_tree_move(rows->history, LF_STEP_SEEK, trim.key.data,
                          trim.key.size, &at, error);
    if (!status && is_of_key(&trim, at.key, at.key_size)) {
        *is_short = !lf_is_block(at.value, at.size);
        status = lf_tree_move(rows->history, LF_STEP_NEXT, NULL, 0, &at, error);
        if (!status && is_of_key(&trim, at.key, at.key_size))
            *is_short &= is_base(at.key + key_size);
    }
    free_trim(&trim);
    return status;
}

/* All of a key, which its tombstone holds back no more than its rows. */
static feature_status
forget(struct trim *trim, const uint8_t *key, struct feature_error *error)
{
    struct lf_history_place first = {INT64_MAX, UINT64_MAX, UINT32_MAX};
    enum lf_step step = LF_STEP_SEEK;
    struct lf_history_entry entry;
    struct lf_version_at at;
    bool found;

    if (!put_key(trim, key, &first))
        return lf_fail_memory(error);
    lf_history_open_write(&trim->cursor, trim->rows);
    for (;; step = LF_STEP_NEXT) {
        LF_TRY(move(trim, step, &entry, &at, &found, error));
        if (!found)
            return drop(trim, error);
        LF_TRY(let_go(trim, &at, &entry, error));
    }
}

/* A key that has entries needs no base. */
static feature_status
keep_base(struct trim *trim, const uint8_t *key, const struct lf_row *row,
          struct feature_error *error)
{
    struct lf_history_place first = {INT64_MAX, UINT64_MAX, UINT32_MAX};
    struct lf_history_place last = {LF_TIME_UNSET, 0, 0};
    struct lf_meta_view *meta = &trim->rows->meta;
    uint32_t view = trim->rows->form->view->id;
    struct lf_history_entry entry = {.operation = LF_HISTORY_BASE,
                                     .commit_time = meta->history_since,
                                     .row = *row};
    struct lf_tree_entry at;

    if (!meta->history_bases)
        return FEATURE_OK;
    if (!put_key(trim, key, &first))
        return lf_fail_memory(error);
    LF_TRY(lf_tree_move(trim->rows->history, LF_STEP_SEEK, trim->key.data,
                        trim->key.size, &at, error));
    if (is_of_key(trim, at.key, at.key_size))
        return FEATURE_OK;
    if (!put_key(trim, key, &last) ||
        !lf_history_encode(&entry, lf_history_seed(view), trim->key.data,
                           trim->key.size, row->bytes, row->size, NULL,
                           &trim->value))
        return lf_fail_memory(error);
    meta->history_entries++;
    lf_hash128_add(&meta->history, lf_history_hash(view, trim->key.data,
                                                   trim->key.size, &entry));
    return lf_tree_put(trim->rows->history, trim->key.data, trim->key.size,
                       trim->value.data, trim->value.size, false, error);
}

feature_status
lf_history_expire(struct lf_rows *rows, const uint8_t *key, size_t key_size,
                  const struct lf_stored *stored, struct feature_error *error)
{
    struct trim trim = {
        .rows = rows, .key_size = key_size, .horizon = stored->row.timestamp};
    feature_status status = stored->row.flags & LF_ROW_TOMBSTONE
                                ? forget(&trim, key, error)
                                : keep_base(&trim, key, &stored->row, error);

    free_trim(&trim);
    return status;
}

feature_status
lf_history_is_long(struct lf_rows *rows, const uint8_t *key, size_t key_size,
                   int64_t horizon, bool *found, struct feature_error *error)
{
    struct lf_history_place place = {horizon, UINT64_MAX, UINT32_MAX};
    uint8_t from[LF_HISTORY_KEY_MAX];
    size_t size = key_size + LF_HISTORY_PLACE_SIZE;
    enum lf_step step = LF_STEP_SEEK;
    struct lf_tree_entry at;

    memcpy(from, key, key_size);
    lf_history_put_place(from + key_size, &place);
    *found = true;
    for (int i = rows->form->event ? 1 : 0; i < 2 && *found;
         i++, step = LF_STEP_NEXT) {
        LF_TRY(lf_tree_move(rows->history, step, from, size, &at, error));
        *found =
            at.key && at.key_size == size && !memcmp(at.key, key, key_size);
        if (*found && lf_is_block(at.value, at.size))
            break;
    }
    return FEATURE_OK;
}
