/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of one view within a write transaction.
 *
 * Owns what a write does to the tree of a view and to the view's record.
 * Keeps the record true: entries, tombstones and content hash change with
 * every row put, in the same transaction.
 * Never puts a row whose predecessor failed its checksum.
 */
#include "store/journal.h"

#include <string.h>

#include "store/event_history.h"
#include "store/history_trim.h"

void
lf_rows_record_key(const struct lf_view *view, char key[LF_META_KEY_SIZE])
{
    if (view->standing == LF_SERVES)
        lf_meta_view_key(view->id, key);
    else
        lf_meta_version_key(view->standing, view->id, view->version, key);
}

feature_status
lf_rows_read_meta(struct lf_commit *commit, const struct lf_view *view,
                  struct lf_meta_view *meta, bool *found,
                  struct feature_error *error)
{
    char key[LF_META_KEY_SIZE];
    const uint8_t *value;
    size_t size;

    lf_rows_record_key(view, key);
    LF_TRY(lf_tree_get(commit->tree, key, strlen(key), found, &value, &size,
                       error));
    *meta = lf_meta_view_empty();
    if (*found && !lf_meta_version_decode(meta, key, value, size))
        return lf_fail(error, FEATURE_CORRUPT, "checksum",
                       "the record of feature view %s is damaged", view->name);
    return FEATURE_OK;
}

feature_status
lf_rows_write_meta(struct lf_commit *commit, const struct lf_view *view,
                   struct lf_meta_view *meta, struct feature_error *error)
{
    meta->commit = commit->meta.sequence;
    return lf_rows_put_meta(commit, view, meta, error);
}

feature_status
lf_rows_put_meta(struct lf_commit *commit, const struct lf_view *view,
                 const struct lf_meta_view *meta, struct feature_error *error)
{
    char key[LF_META_KEY_SIZE];
    uint8_t bytes[LF_META_VERSION_SIZE];
    size_t size;

    lf_rows_record_key(view, key);
    size = lf_meta_version_encode(meta, key, bytes);
    return lf_tree_put(commit->tree, key, strlen(key), bytes, size, false,
                       error);
}

static feature_status
begin_history(struct lf_rows *rows, struct feature_error *error)
{
    char tree[LF_TREE_NAME_SIZE];

    lf_history_begin(&rows->meta, rows->commit);
    lf_history_tree(rows->form->view, tree);
    return lf_writer_tree(rows->commit->writer, tree, true, &rows->history,
                          error);
}

feature_status
lf_rows_begin(struct lf_rows *rows, struct lf_form *form,
              struct lf_commit *commit, struct feature_error *error)
{
    bool found;

    *rows = (struct lf_rows){.form = form,
                             .commit = commit,
                             .sides = form->event ? form->sides : NULL,
                             .seed = lf_row_seed(form->view->id)};
    if (rows->sides)
        lf_sides_in_writer(rows->sides, commit->writer);
    LF_TRY(lf_rows_read_meta(commit, form->view, &rows->meta, &found, error));
    if (form->view->history)
        LF_TRY(begin_history(rows, error));
    return lf_writer_tree(commit->writer, form->tree, true, &rows->tree, error);
}

static feature_status
fail_stored(const struct lf_rows *rows, const char *reason,
            struct feature_error *error)
{
    return lf_fail(error, FEATURE_CORRUPT, reason,
                   "its stored row is damaged in %s", rows->form->view->name);
}

/* What is put for the journal must not end the bytes of a stored row. */
static feature_status
keep_bytes(struct lf_rows *rows, const uint8_t **value, size_t size,
           struct feature_error *error)
{
    struct lf_buffer *stored = &rows->commit->feed.stored;

    stored->size = 0;
    if (!lf_buffer_append(stored, *value, size))
        return lf_fail_memory(error);
    *value = stored->data;
    return FEATURE_OK;
}

/* Its state is checked where it is loaded. */
static feature_status
check_window(const struct lf_rows *rows, struct lf_stored *stored,
             struct feature_error *error)
{
    const struct lf_row *row = &stored->row;

    stored->migration = NULL;
    if (!lf_view_schema(rows->form->view, row->version) ||
        !(row->flags & (LF_ROW_WINDOW | LF_ROW_TOMBSTONE)))
        return fail_stored(rows, "structure", error);
    return FEATURE_OK;
}

feature_status
lf_rows_find(struct lf_rows *rows, const uint8_t *key, size_t key_size,
             struct lf_stored *stored, struct feature_error *error)
{
    const uint8_t *value;
    size_t size;

    stored->found = false;
    if (rows->sides)
        lf_sides_begin(rows->sides, key, key_size);
    if (rows->append)
        return FEATURE_OK;
    LF_TRY(lf_tree_get(rows->tree, key, key_size, &stored->found, &value, &size,
                       error));
    if (!stored->found)
        return FEATURE_OK;
    if (lf_journal_wants(rows))
        LF_TRY(keep_bytes(rows, &value, size, error));
    if (!lf_row_open(&stored->row, value, size))
        return fail_stored(rows, "structure", error);
    if (lf_load_u32(value) !=
        lf_row_checksum(rows->seed, key, key_size, value, size))
        return fail_stored(rows, "checksum", error);
    if (rows->form->event)
        return check_window(rows, stored, error);
    LF_TRY(lf_form_migration(rows->form, stored->row.version,
                             &stored->migration, error));
    if (!lf_row_check(&stored->row, &stored->migration->from))
        return fail_stored(rows, "structure", error);
    return FEATURE_OK;
}

/* What lies beside a row, before it is replaced; the row that was encoded last
 * takes its place, or none. */
static feature_status
put_sides(struct lf_rows *rows, const struct lf_stored *stored,
          const struct lf_buffer *row, struct feature_error *error)
{
    const struct lf_row *old = stored->found ? &stored->row : NULL;
    struct lf_row next;

    if (!rows->sides)
        return FEATURE_OK;
    if (row && !lf_row_open(&next, row->data, row->size))
        return fail_stored(rows, "structure", error);
    return lf_sides_put(rows->sides, rows->form, old, row ? &next : NULL,
                        &rows->meta.tile_entries, error);
}

feature_status
lf_rows_put(struct lf_rows *rows, const uint8_t *key, size_t key_size,
            const struct lf_stored *stored, struct lf_buffer *row,
            struct feature_error *error)
{
    const struct lf_row *old = &stored->row;
    struct lf_meta_view *meta = &rows->meta;
    uint32_t view = rows->form->view->id;
    uint16_t flags = lf_load_u16(row->data + 6);

    lf_row_seal(rows->seed, key, key_size, row);
    if (stored->found) {
        lf_hash128_subtract(&meta->content, lf_row_hash(view, key, key_size,
                                                        old->bytes, old->size));
        meta->tombstones -= (old->flags & LF_ROW_TOMBSTONE) != 0;
    } else {
        meta->row_entries++;
    }
    meta->tombstones += (flags & LF_ROW_TOMBSTONE) != 0;
    lf_hash128_add(&meta->content,
                   lf_row_hash(view, key, key_size, row->data, row->size));
    LF_TRY(put_sides(rows, stored, row, error));
    return lf_tree_put(rows->tree, key, key_size, row->data, row->size,
                       rows->append, error);
}

static void
note_purge(struct lf_meta_view *meta, const struct lf_commit *commit,
           const struct lf_row *row)
{
    meta->purge_time = commit->meta.commit_time;
    if (!(row->flags & LF_ROW_TOMBSTONE) &&
        row->timestamp >= meta->purge_horizon)
        meta->purge_horizon =
            row->timestamp + (row->timestamp < INT64_MAX ? 1 : 0);
}

feature_status
lf_rows_expire(struct lf_rows *rows, const uint8_t *key, size_t key_size,
               const struct lf_stored *stored, struct feature_error *error)
{
    const struct lf_row *old = &stored->row;
    struct lf_meta_view *meta = &rows->meta;

    if (rows->history && !rows->form->event)
        LF_TRY(lf_history_expire(rows, key, key_size, stored, error));
    if (rows->history && rows->form->event && old->flags & LF_ROW_TOMBSTONE)
        LF_TRY(lf_event_history_forget(rows, key, key_size, old->timestamp,
                                       error));
    note_purge(meta, rows->commit, old);
    lf_hash128_subtract(&meta->content,
                        lf_row_hash(rows->form->view->id, key, key_size,
                                    old->bytes, old->size));
    meta->tombstones -= (old->flags & LF_ROW_TOMBSTONE) != 0;
    meta->row_entries--;
    LF_TRY(put_sides(rows, stored, NULL, error));
    LF_TRY(lf_journal_expire(rows, key, key_size, error));
    return lf_tree_delete(rows->tree, key, key_size, error);
}

feature_status
lf_rows_end(struct lf_rows *rows, struct feature_error *error)
{
    return lf_rows_write_meta(rows->commit, rows->form->view, &rows->meta,
                              error);
}
