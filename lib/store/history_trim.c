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

/* One key at work. */
struct trim {
    struct lf_rows *rows;
    size_t key_size;
    int64_t horizon;
    struct lf_buffer key;    /* join key and a place */
    struct lf_buffer places; /* of what goes */
    struct lf_hash128 hash;  /* of that */
    struct lf_buffer value, image;
    struct lf_history_entry kept; /* the newest at or before the horizon */
    struct lf_history_entry run[LF_HISTORY_RUN]; /* patches, newest first */
    uint32_t run_count;
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
is_of_key(const struct trim *trim, const struct lf_tree_entry *at)
{
    return at->key && at->key_size == trim->key_size + LF_HISTORY_PLACE_SIZE &&
           memcmp(at->key, trim->key.data, trim->key_size) == 0;
}

/* The next entry of the key; found = false past its last. */
static feature_status
move(struct trim *trim, enum lf_step step, struct lf_history_entry *entry,
     struct lf_tree_entry *at, bool *found, struct feature_error *error)
{
    const struct lf_migration *migration;
    const char *problem;

    LF_TRY(lf_tree_move(trim->rows->history, step, trim->key.data,
                        trim->key.size, at, error));
    *found = is_of_key(trim, at);
    if (!*found)
        return FEATURE_OK;
    problem =
        lf_history_open(entry, lf_history_seed(trim->rows->form->view->id),
                        at->key, at->key_size, at->value, at->size);
    if (problem)
        return damaged(trim, problem, error);
    LF_TRY(lf_form_migration(trim->rows->form, entry->row.version, &migration,
                             error));
    if (!lf_row_check(&entry->row, &migration->from))
        return damaged(trim, "structure", error);
    if (!entry->has_image)
        return FEATURE_OK;
    LF_TRY(lf_form_migration(trim->rows->form, entry->image.version, &migration,
                             error));
    return lf_row_check(&entry->image, &migration->from)
               ? FEATURE_OK
               : damaged(trim, "structure", error);
}

static bool
is_patch(const struct lf_history_entry *entry)
{
    return entry->operation == FEATURE_PATCH && !entry->has_image;
}

/* Whether reads at or after the horizon do without an entry below the kept one:
 * before the newest cell of a base nobody knows what the cell was. */
static bool
may_go(const struct trim *trim, const struct lf_history_entry *entry)
{
    return entry->operation != LF_HISTORY_BASE ||
           entry->row.timestamp <= trim->horizon;
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
let_go(struct trim *trim, const struct lf_tree_entry *at,
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
    struct lf_tree_entry at;
    bool found;

    LF_TRY(move(trim, LF_STEP_SEEK, &trim->kept, &at, &found, error));
    if (!found)
        return FEATURE_OK;
    trim->key.size = 0;
    if (!lf_buffer_append(&trim->key, at.key, at.key_size))
        return lf_fail_memory(error);
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

/* Removes what was let go. */
static feature_status
drop(struct trim *trim, struct feature_error *error)
{
    struct lf_meta_view *meta = &trim->rows->meta;
    size_t count = count_places(trim);

    for (size_t i = 0; i < count; i++) {
        memcpy(trim->key.data + trim->key_size,
               trim->places.data + i * LF_HISTORY_PLACE_SIZE,
               LF_HISTORY_PLACE_SIZE);
        LF_TRY(lf_tree_delete(trim->rows->history, trim->key.data,
                              trim->key.size, error));
    }
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
    LF_TRY(look(trim, more, error));
    if (!trim->places.size)
        return FEATURE_OK;
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
    if (!status && is_of_key(&trim, &at)) {
        status = lf_tree_move(rows->history, LF_STEP_NEXT, NULL, 0, &at, error);
        *is_short = !is_of_key(&trim, &at);
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
    struct lf_tree_entry at;
    bool found;

    if (!put_key(trim, key, &first))
        return lf_fail_memory(error);
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
    if (is_of_key(trim, &at))
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
