/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The history of a load.
 *
 * Owns what a load is to a view with history: one commit at the cut, which upserts
 * each row that was loaded and deletes each key that was not.
 * Keeps each transaction to some keys, each of them whole.
 * Never looks at what was written after the cut: that follows from the feed.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "store/history.h"
#include "store/key_order.h"
#include "store/load_past.h"

#define SLICE_MOST_US 15000

/* --- the row of a key ------------------------------------------------------------ */

/* Of the version that serves, as it is now. */
static feature_status
find_old(struct lf_load_pass *pass, struct lf_stored *stored,
         struct feature_error *error)
{
    const uint8_t *value;
    size_t size;

    *stored = (struct lf_stored){0};
    if (!pass->old_rows)
        return FEATURE_OK;
    LF_TRY(lf_tree_get(pass->old_rows, pass->key, pass->key_size,
                       &stored->found, &value, &size, error));
    if (!stored->found)
        return FEATURE_OK;
    if (!lf_row_open(&stored->row, value, size) ||
        lf_load_u32(value) != lf_row_checksum(pass->rows.seed, pass->key,
                                              pass->key_size, value, size))
        return lf_fail(error, FEATURE_CORRUPT, "checksum",
                       "a stored row is damaged in %s", pass->serving.name);
    return FEATURE_OK;
}

/* A row that history does not know yet is its own past. */
static void
settle(struct lf_load_past *past, const struct lf_stored *old)
{
    bool is_known = past->has_versions || past->has_base;

    if (!is_known && !past->has_later && old->found) {
        past->newest = old->row.timestamp;
        past->is_deleted = old->row.flags & LF_ROW_TOMBSTONE;
    } else if (past->has_base &&
               (!past->has_versions || past->base > past->newest)) {
        past->newest = past->base;
        past->is_deleted = past->is_base_dead;
    }
}

static void
note_newest(struct lf_load_pass *pass, int64_t time)
{
    if (time > pass->rows.meta.newest)
        pass->rows.meta.newest = time;
}

static feature_status
add_version(struct lf_load_pass *pass, int32_t operation, int64_t time,
            const struct lf_load_past *past, const struct lf_stored *old,
            struct feature_error *error)
{
    struct lf_stored before = *old;
    struct lf_written written = {.operation = operation,
                                 .time = time,
                                 .key = pass->key,
                                 .key_size = pass->key_size,
                                 .row = &pass->row,
                                 .before = &before};

    before.found = old->found && !past->has_later;
    written.is_newest = before.found;
    pass->bytes += pass->key_size + pass->row.size;
    return lf_history_add(&pass->rows, &written, error);
}

/* The row that was loaded, at a time that nothing older outlives. */
static feature_status
upsert(struct lf_load_pass *pass, const struct lf_load_past *past,
       const struct lf_stored *old, const struct lf_stored *loaded,
       struct feature_error *error)
{
    int64_t own = loaded->row.timestamp;
    int64_t time = past->newest > own ? past->newest : own;
    struct lf_buffer *row = &pass->row;

    row->size = 0;
    if (!lf_buffer_append(row, loaded->row.bytes, loaded->row.size))
        return lf_fail_memory(error);
    lf_store_u32(row->data, 0);
    lf_store_i64(row->data + 8, time);
    note_newest(pass, time);
    LF_TRY(add_version(pass, FEATURE_UPSERT, time, past, old, error));
    return time == own ? FEATURE_OK
                       : lf_rows_put(&pass->rows, pass->key, pass->key_size,
                                     loaded, row, error);
}

/* pass->row, where the load has none. */
static feature_status
put_tombstone(struct lf_load_pass *pass, int64_t time,
              struct feature_error *error)
{
    const struct lf_stored none = {0};

    note_newest(pass, time);
    pass->rows.meta.applied++;
    return lf_rows_put(&pass->rows, pass->key, pass->key_size, &none,
                       &pass->row, error);
}

static feature_status
keep_tombstone(struct lf_load_pass *pass, const struct lf_row *row,
               struct feature_error *error)
{
    pass->row.size = 0;
    if (!lf_buffer_append(&pass->row, row->bytes, row->size))
        return lf_fail_memory(error);
    return put_tombstone(pass, row->timestamp, error);
}

/* A key that the load lacks. One that was deleted by then stays so. */
static feature_status
remove_key(struct lf_load_pass *pass, const struct lf_load_past *past,
           const struct lf_stored *old, struct feature_error *error)
{
    int64_t time = pass->load->record.cut_time;

    if (past->newest == INT64_MIN || (!old->found && !past->has_later))
        return FEATURE_OK;
    if (past->is_deleted && !past->has_later)
        return keep_tombstone(pass, &old->row, error);
    if (past->is_deleted || past->newest > time)
        time = past->newest;
    if (!lf_row_encode_tombstone(pass->form.layout.version, time, &pass->row))
        return lf_fail_memory(error);
    if (!past->is_deleted)
        LF_TRY(add_version(pass, FEATURE_DELETE, time, past, old, error));
    return put_tombstone(pass, time, error);
}

static feature_status
take_key(struct lf_load_pass *pass, struct feature_error *error)
{
    struct lf_stored old, loaded;
    struct lf_load_past past;

    LF_TRY(lf_load_copy_versions(pass, &past, error));
    LF_TRY(find_old(pass, &old, error));
    settle(&past, &old);
    LF_TRY(
        lf_rows_find(&pass->rows, pass->key, pass->key_size, &loaded, error));
    return loaded.found ? upsert(pass, &past, &old, &loaded, error)
                        : remove_key(pass, &past, &old, error);
}

/* --- all keys -------------------------------------------------------------------- */

/* The first key of a tree behind those that are done, where it is below the one
 * at hand. */
static feature_status
look(struct lf_load_pass *pass, struct lf_tree *tree, bool is_history,
     struct feature_error *error)
{
    size_t tail = is_history ? LF_HISTORY_PLACE_SIZE : 0;
    uint8_t from[LF_HISTORY_KEY_MAX + 1] = {0};
    size_t size = pass->from.size;
    struct lf_tree_entry at;

    if (!tree)
        return FEATURE_OK;
    if (size) {
        memcpy(from, pass->from.data, size);
        memset(from + size, 0xff, tail);
        size += tail;
    }
    LF_TRY(lf_tree_move(tree, LF_STEP_SEEK, from, size + 1, &at, error));
    if (!at.key)
        return FEATURE_OK;
    if (at.key_size <= tail || at.key_size - tail > LF_KEY_MAX)
        return lf_fail(error, FEATURE_CORRUPT, "structure",
                       "a key of %s has %zu bytes", pass->serving.name,
                       at.key_size);
    size = at.key_size - tail;
    if (pass->key_size &&
        lf_key_compare(at.key, size, pass->key, pass->key_size) >= 0)
        return FEATURE_OK;
    memcpy(pass->key, at.key, size);
    pass->key_size = size;
    return FEATURE_OK;
}

/* key_size 0: there is no other. */
static feature_status
next_key(struct lf_load_pass *pass, struct feature_error *error)
{
    pass->key_size = 0;
    LF_TRY(look(pass, pass->old_rows, false, error));
    LF_TRY(look(pass, pass->old_history, true, error));
    return look(pass, pass->rows.tree, false, error);
}

static bool
set_key(struct lf_buffer *to, const uint8_t *key, size_t size)
{
    to->size = 0;
    return lf_buffer_append(to, key, size);
}

static feature_status
take_keys(struct lf_load_pass *pass, struct feature_error *error)
{
    int64_t begun = lf_clock_steady_us();

    do {
        LF_TRY(next_key(pass, error));
        pass->is_over = !pass->key_size;
        if (pass->is_over)
            return FEATURE_OK;
        LF_TRY(take_key(pass, error));
        if (!set_key(&pass->from, pass->key, pass->key_size))
            return lf_fail_memory(error);
    } while (pass->bytes < LF_LOAD_SLICE &&
             lf_clock_steady_us() - begun < SLICE_MOST_US);
    return FEATURE_OK;
}

/* History that began after the cut does not tell what was then, unless nothing
 * was. */
static feature_status
take_over(struct lf_load_pass *pass, struct feature_error *error)
{
    const struct lf_meta_view *old = &pass->meta;
    struct lf_meta_view *meta = &pass->rows.meta;
    int64_t cut = pass->load->cut_committed;

    meta->history_since = cut;
    meta->history_bases = old->history_bases;
    meta->history_horizon = old->history_horizon;
    if (old->history_since == INT64_MIN || old->history_since <= cut) {
        if (old->history_since != INT64_MIN)
            meta->history_since = old->history_since;
        return FEATURE_OK;
    }
    return old->history_bases
               ? lf_load_fail_cut(pass, "history began after the cut", error)
               : FEATURE_OK;
}

static feature_status
open_trees(struct lf_load_pass *pass, struct lf_commit *commit,
           struct feature_error *error)
{
    char name[LF_TREE_NAME_SIZE];
    struct lf_rows serving;
    bool found;

    LF_TRY(
        lf_rows_read_meta(commit, &pass->serving, &pass->meta, &found, error));
    lf_rows_tree(&pass->serving, name);
    LF_TRY(lf_writer_tree(commit->writer, name, false, &pass->old_rows, error));
    lf_history_tree(&pass->serving, name);
    LF_TRY(
        lf_writer_tree(commit->writer, name, false, &pass->old_history, error));
    serving = (struct lf_rows){
        .form = &pass->form, .commit = commit, .history = pass->old_history};
    lf_history_open_write(&pass->cursor, &serving);
    return take_over(pass, error);
}

static feature_status
work_then(struct lf_load_pass *pass, struct lf_commit *now,
          struct lf_commit *then, struct feature_error *error)
{
    then->feed = (struct lf_feed){.meta = now->feed.meta};
    then->meta.sequence = pass->load->record.cut;
    then->meta.commit_time = pass->load->cut_committed;
    then->written = UINT32_MAX;
    LF_TRY(lf_rows_begin(&pass->rows, &pass->form, then, error));
    LF_TRY(open_trees(pass, now, error));
    LF_TRY(take_keys(pass, error));
    return lf_rows_end(&pass->rows, error);
}

/* One slice, from what is committed on. */
static feature_status
work(struct feature_load *load, struct lf_commit *commit, void *context,
     struct feature_error *error)
{
    struct lf_load_pass *pass = context;
    struct lf_commit then = *commit;
    feature_status status;

    (void)load;
    if (!set_key(&pass->from, pass->done.data, pass->done.size))
        return lf_fail_memory(error);
    pass->bytes = 0;
    status = work_then(pass, commit, &then, error);
    lf_feed_free(&then.feed);
    return status;
}

static void
free_pass(struct lf_load_pass *pass)
{
    lf_history_free_cursor(&pass->cursor);
    if (pass->block)
        lf_versions_block_free(pass->block);
    lf_free(pass->block);
    lf_mend_free(&pass->mend);
    lf_form_free(&pass->form);
    lf_buffer_free(&pass->row);
    lf_buffer_free(&pass->places);
    lf_buffer_free(&pass->done);
    lf_buffer_free(&pass->from);
}

static feature_status
run(struct lf_load_pass *pass, struct feature_error *error)
{
    struct feature_load *load = pass->load;

    pass->serving = *load->view;
    pass->serving.version = load->serving;
    pass->serving.standing = LF_SERVES;
    pass->block = lf_alloc(sizeof *pass->block);
    if (!pass->block)
        return lf_fail_memory(error);
    LF_TRY(lf_form_bind(&pass->form, load->catalog, load->view, error));
    while (!pass->is_over) {
        LF_TRY(lf_load_commit_slice(load, work, pass, error));
        if (!set_key(&pass->done, pass->from.data, pass->from.size))
            return lf_fail_memory(error);
    }
    return FEATURE_OK;
}

feature_status
lf_load_write_history(struct feature_load *load, struct feature_error *error)
{
    struct lf_load_pass pass = {.load = load};
    feature_status status;

    if (!load->view->history || load->is_event)
        return FEATURE_OK;
    status = run(&pass, error);
    free_pass(&pass);
    return status;
}
