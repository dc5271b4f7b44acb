/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows as of a time.
 *
 * Owns the way from a key and a time to what was known then: cell by cell the
 * newest version at or before the time, of the commits that count.
 * Keeps to what is known: where history does not reach, the stored row answers
 * for the cells that are old enough, and nothing for the others.
 * Never serves bytes before their checksum and their layout were checked.
 */
#include "store/past.h"

#include <string.h>

/* One search. */
struct search {
    struct lf_past *past;
    const uint8_t *key;
    size_t key_size;
    struct lf_version_at at;
    bool has_entries; /* the key has some, at or before the time */
    bool is_cut;      /* one of them is no newer than the horizon */
    bool is_past_cut; /* what lies below may have been taken by retention */
    bool has_row;     /* the key has a row now */
    bool is_unknown;
    bool has_ground;
    bool is_packed; /* its rows leave with the block they lie in */
    struct lf_history_entry ground;
};

feature_status
lf_past_begin(struct lf_past *past, struct lf_reader *reader,
              struct lf_catalog *catalog, const struct lf_view *view,
              int64_t newest_commit, int64_t known_by,
              struct feature_error *error)
{
    past->rows.size = 0;
    past->key_of = NULL;
    past->is_restricted = known_by && known_by < newest_commit;
    past->known_by = known_by;
    LF_TRY(lf_store_read_view(reader, view->id, &past->meta, error));
    if (past->catalog != catalog || past->form.view != view) {
        lf_past_free(past);
        LF_TRY(lf_form_bind(&past->form, catalog, view, error));
        past->cells = lf_arena_array(&past->form.arena, past->form.layout.count,
                                     sizeof *past->cells);
        if (!past->cells)
            return lf_fail_memory(error);
        lf_merge_init(&past->merge, &past->form.layout, past->cells);
        past->catalog = lf_catalog_hold(catalog);
    }
    return lf_history_open_read(&past->cursor, reader, view, error);
}

void
lf_past_end(struct lf_past *past)
{
    lf_history_close(&past->cursor);
}

void
lf_past_free(struct lf_past *past)
{
    lf_past_end(past);
    lf_history_free_cursor(&past->cursor);
    lf_merge_free(&past->merge);
    lf_form_free(&past->form);
    lf_buffer_free(&past->key);
    lf_buffer_free(&past->run);
    lf_buffer_free(&past->image);
    lf_buffer_free(&past->rows);
    if (past->catalog)
        lf_catalog_release(past->catalog);
    past->catalog = NULL;
    past->form.view = NULL;
}

static feature_status
fail_damaged(const struct lf_past *past, const char *reason,
             struct feature_error *error)
{
    return lf_fail(error, FEATURE_CORRUPT, reason,
                   "an entry of the history of %s is damaged",
                   past->form.view->name);
}

static bool
is_of_key(const struct search *search)
{
    return search->at.key &&
           search->at.key_size == search->key_size + LF_HISTORY_PLACE_SIZE &&
           memcmp(search->at.key, search->key, search->key_size) == 0;
}

static feature_status
seek(struct search *search, const struct lf_history_place *place,
     struct feature_error *error)
{
    struct lf_past *past = search->past;
    size_t size = search->key_size + LF_HISTORY_PLACE_SIZE;

    if (past->key_of != search->key) {
        if (!lf_buffer_reserve(&past->key, size))
            return lf_fail_memory(error);
        memcpy(past->key.data, search->key, search->key_size);
        past->key_of = search->key;
    }
    lf_history_put_place(past->key.data + search->key_size, place);
    return lf_history_seek(&past->cursor, past->key.data, size, &search->at,
                           error);
}

/* How the rows of a schema version become cells of the current one; the row is
 * checked against it. */
static feature_status
check_row(struct lf_past *past, struct lf_row *row,
          const struct lf_migration **migration, struct feature_error *error)
{
    LF_TRY(lf_form_migration(&past->form, row->version, migration, error));
    return lf_row_check(row, &(*migration)->from)
               ? FEATURE_OK
               : fail_damaged(past, "structure", error);
}

/* Whether an entry adds up to something by itself, as far as commits count. */
static bool
is_ground(const struct lf_past *past, const struct lf_history_entry *entry)
{
    if (entry->has_image)
        return !past->is_restricted || entry->image_time <= past->known_by;
    return entry->operation != FEATURE_PATCH;
}

/* Whether it may be the one that retention kept of all that was no newer: an
 * image, an upsert or a delete. Where commits do not count it, nothing stands for
 * what is gone, though older versions may have come since. */
static bool
may_be_kept(const struct lf_past *past, const struct lf_history_entry *entry)
{
    return past->meta.history_horizon != INT64_MIN &&
           entry->place.time <= past->meta.history_horizon &&
           (entry->has_image || entry->operation != FEATURE_PATCH);
}

static feature_status
take_entry(struct search *search, bool *is_done, struct feature_error *error)
{
    struct lf_past *past = search->past;
    struct lf_history_entry entry;
    const char *problem = lf_history_take(&past->cursor, &search->at, &entry);

    if (problem)
        return fail_damaged(past, problem, error);
    search->has_entries = true;
    search->is_cut |= entry.place.time <= past->meta.history_horizon;
    if (past->is_restricted && entry.commit_time > past->known_by) {
        search->is_unknown = entry.operation == LF_HISTORY_BASE;
        search->is_past_cut |= may_be_kept(past, &entry);
        if (!past->run.size)
            lf_history_let_go(&past->cursor);
        return FEATURE_OK;
    }
    *is_done = is_ground(past, &entry);
    if (*is_done) {
        search->has_ground = true;
        search->is_packed = search->at.unpacked;
        search->ground = entry;
        return FEATURE_OK;
    }
    search->is_past_cut |= may_be_kept(past, &entry);
    if (!past->is_restricted && past->run.size == LF_HISTORY_RUN * sizeof entry)
        return fail_damaged(past, "structure", error);
    if (!lf_buffer_append(&past->run, &entry, sizeof entry))
        return lf_fail_memory(error);
    return FEATURE_OK;
}

/* Gathers the entries that count, from the time to the first that adds up to
 * something by itself. */
static feature_status
gather(struct search *search, int64_t time, struct feature_error *error)
{
    struct lf_history_place place = {time, UINT64_MAX, UINT32_MAX};
    bool is_done = false;

    search->past->run.size = 0;
    LF_TRY(seek(search, &place, error));
    while (is_of_key(search)) {
        LF_TRY(take_entry(search, &is_done, error));
        if (is_done)
            break;
        LF_TRY(lf_history_next(&search->past->cursor, &search->at, error));
    }
    return FEATURE_OK;
}

static feature_status
merge_row(struct lf_past *past, struct lf_row *row, struct feature_error *error)
{
    const struct lf_migration *migration;
    bool changed;

    LF_TRY(check_row(past, row, &migration, error));
    if (!lf_merge_row(&past->merge, row, migration, &changed))
        return lf_fail_memory(error);
    return FEATURE_OK;
}

/* Puts a row together. */
static feature_status
fold(struct search *search, struct lf_row *ground, struct lf_past_row *found,
     struct feature_error *error)
{
    struct lf_past *past = search->past;
    struct lf_history_entry *run = (struct lf_history_entry *)past->run.data;

    lf_merge_clear(&past->merge);
    if (ground)
        LF_TRY(merge_row(past, ground, error));
    for (size_t i = past->run.size / sizeof *run; i-- > 0;)
        LF_TRY(merge_row(past, &run[i].row, error));
    if (!lf_merge_encode(&past->merge, &past->image))
        return lf_fail_memory(error);
    *found = (struct lf_past_row){.kind = LF_PAST_ROW,
                                  .size = (uint32_t)past->image.size,
                                  .at = past->rows.size};
    if (!lf_buffer_append(&past->rows, past->image.data, past->image.size))
        return lf_fail_memory(error);
    return FEATURE_OK;
}

/* Whether rows have cells of features that were dropped: their times are not
 * part of the answer. */
static bool
has_dropped(const struct lf_form *form, const struct lf_migration *migration)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < form->layout.count; i++)
        kept += migration->slots[i] != LF_NO_SLOT;
    return kept < migration->from.count;
}

/* A block's rows are gone with the next search. */
static feature_status
copy_row(struct lf_past *past, struct lf_past_row *found,
         struct feature_error *error)
{
    found->at = past->rows.size;
    if (!lf_buffer_append(&past->rows, found->bytes, found->size))
        return lf_fail_memory(error);
    found->bytes = NULL;
    return FEATURE_OK;
}

static feature_status
answer(struct search *search, struct lf_past_row *found,
       struct feature_error *error)
{
    struct lf_row *ground = NULL;
    const struct lf_migration *migration;

    if (search->has_ground)
        ground = search->ground.has_image ? &search->ground.image
                                          : &search->ground.row;
    if (!ground && !search->past->run.size) {
        *found = (struct lf_past_row){.kind = LF_PAST_NONE};
        return FEATURE_OK;
    }
    if (!ground || search->past->run.size)
        return fold(search, ground, found, error);
    LF_TRY(check_row(search->past, ground, &migration, error));
    if (!(ground->flags & LF_ROW_TOMBSTONE) &&
        has_dropped(&search->past->form, migration))
        return fold(search, ground, found, error);
    *found = (struct lf_past_row){
        .kind = LF_PAST_ROW, .size = ground->size, .bytes = ground->bytes};
    return search->is_packed ? copy_row(search->past, found, error)
                             : FEATURE_OK;
}

/* Whether a stored row has all that its key had at a time. One that expired may
 * have come back since, by a write that was older than it. */
static bool
is_whole(const struct lf_past *past, const struct lf_row *stored, int64_t time)
{
    const struct lf_meta_view *meta = &past->meta;

    if (!meta->purge_time || time >= meta->purge_time ||
        meta->purge_horizon == INT64_MIN)
        return true;
    return !(stored->flags & LF_ROW_CELL_TIMES) &&
           stored->timestamp >= meta->purge_horizon;
}

/* Whether a key without a row may have had one at a time. */
static bool
may_have_gone(const struct lf_past *past, int64_t time)
{
    const struct lf_meta_view *meta = &past->meta;

    if (past->is_restricted && meta->purge_time &&
        past->known_by < meta->purge_time)
        return true;
    return time < meta->history_horizon ||
           (meta->purge_time && time < meta->purge_time &&
            (meta->history_since == INT64_MIN ||
             (meta->history_bases && time < meta->history_since)));
}

/* Where history says nothing of a row, the row itself does. */
static struct lf_past_row
answer_stored(const struct lf_past *past, const struct lf_row *stored,
              int64_t time, bool is_known)
{
    struct lf_past_row found = {.kind = LF_PAST_UNKNOWN};

    if (stored && is_known && is_whole(past, stored, time))
        found.kind = LF_PAST_STORED;
    else if (!stored && !may_have_gone(past, time))
        found.kind = LF_PAST_NONE;
    return found;
}

/* Whether the key has entries at all. Where no row was there before history
 * began, each row has. */
static feature_status
has_entries(struct search *search, bool *has, struct feature_error *error)
{
    struct lf_history_place first = {INT64_MAX, UINT64_MAX, UINT32_MAX};

    *has = search->has_entries || !search->past->meta.history_bases;
    if (*has)
        return FEATURE_OK;
    LF_TRY(seek(search, &first, error));
    *has = is_of_key(search);
    return FEATURE_OK;
}

/* Whether upkeep may have taken what would answer: versions below those that
 * count, or all of the key. */
static bool
is_lost(const struct search *search, int64_t time)
{
    const struct lf_past *past = search->past;

    if (search->is_unknown || search->is_past_cut)
        return true;
    if (search->has_ground)
        return false;
    if (past->is_restricted && search->is_cut)
        return past->meta.history_horizon != INT64_MIN;
    return !past->run.size && (past->is_restricted || !search->has_row) &&
           may_have_gone(past, time);
}

feature_status
lf_past_find(struct lf_past *past, const uint8_t *key, size_t key_size,
             int64_t time, const struct lf_row *stored,
             struct lf_past_row *found, struct feature_error *error)
{
    struct search search = {
        .past = past, .key = key, .key_size = key_size, .has_row = stored};
    int64_t since = past->meta.history_since;
    bool has;

    if ((!past->is_restricted && stored && stored->timestamp <= time &&
         is_whole(past, stored, time)) ||
        since == INT64_MIN || time < past->meta.history_horizon) {
        *found = answer_stored(past, stored, time, !past->is_restricted);
        return FEATURE_OK;
    }
    LF_TRY(gather(&search, time, error));
    if (is_lost(&search, time)) {
        *found = (struct lf_past_row){.kind = LF_PAST_UNKNOWN};
        return FEATURE_OK;
    }
    if (stored && !search.has_ground && !past->run.size) {
        LF_TRY(has_entries(&search, &has, error));
        if (!has) {
            *found =
                answer_stored(past, stored, time,
                              !past->is_restricted || since <= past->known_by);
            return FEATURE_OK;
        }
    }
    return answer(&search, found, error);
}
