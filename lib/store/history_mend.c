/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images of a history, made again.
 *
 * Owns what an image is once a write below it was left out.
 * Keeps to what a write that comes in order gives its image: the sum of the run
 * below, oldest first, and of the version.
 * Never touches a version's row.
 */
#include "store/history_mend.h"

#include <string.h>

#include "base/alloc.h"
#include "store/history.h"

/* A version, and what it is written on. */
struct run {
    uint32_t count;
    struct lf_history_entry entries[LF_HISTORY_RUN + 1]; /* newest first */
    bool has_ground;
    struct lf_history_entry ground;
};

feature_status
lf_mend_begin(struct lf_mend *mend, struct lf_rows *rows,
              struct feature_error *error)
{
    const struct lf_layout *layout = &rows->form->layout;

    mend->rows = rows;
    if (!mend->cells) {
        mend->cells = lf_alloc_array(layout->count + 1, sizeof *mend->cells);
        if (!mend->cells)
            return lf_fail_memory(error);
        lf_merge_init(&mend->merge, layout, mend->cells);
    }
    lf_history_open_write(&mend->cursor, rows);
    return FEATURE_OK;
}

void
lf_mend_free(struct lf_mend *mend)
{
    if (mend->cells)
        lf_merge_free(&mend->merge);
    lf_free(mend->cells);
    mend->cells = NULL;
    lf_history_free_cursor(&mend->cursor);
    lf_buffer_free(&mend->key);
    lf_buffer_free(&mend->image);
    lf_buffer_free(&mend->value);
}

static bool
is_of_key(const struct lf_mend *mend, const struct lf_version_at *at)
{
    size_t size = mend->key.size;

    return at->key && at->key_size == size &&
           !memcmp(at->key, mend->key.data, size - LF_HISTORY_PLACE_SIZE);
}

static feature_status
damaged(const struct lf_mend *mend, struct feature_error *error)
{
    return lf_fail(error, FEATURE_CORRUPT, "structure",
                   "its history is damaged in %s",
                   mend->rows->form->view->name);
}

/* The version at hand, and what lies below it down to the first that is no patch
 * or has an image. */
static feature_status
read_run(struct lf_mend *mend, struct run *run, struct feature_error *error)
{
    struct lf_version_at at;

    run->count = 0;
    run->has_ground = false;
    LF_TRY(lf_history_seek(&mend->cursor, mend->key.data, mend->key.size, &at,
                           error));
    if (!is_of_key(mend, &at))
        return damaged(mend, error);
    while (is_of_key(mend, &at)) {
        struct lf_history_entry entry;

        LF_TRY(lf_history_read(&mend->cursor, mend->rows->form, &at, &entry,
                               error));
        if (run->count &&
            (entry.operation != FEATURE_PATCH || entry.has_image)) {
            run->has_ground = true;
            run->ground = entry;
            return FEATURE_OK;
        }
        if (run->count == LF_HISTORY_RUN + 1)
            return damaged(mend, error);
        run->entries[run->count++] = entry;
        LF_TRY(lf_history_next(&mend->cursor, &at, error));
    }
    return FEATURE_OK;
}

static feature_status
add_row(struct lf_mend *mend, const struct lf_row *row,
        struct feature_error *error)
{
    const struct lf_migration *migration;
    bool changed;

    LF_TRY(
        lf_form_migration(mend->rows->form, row->version, &migration, error));
    if (!lf_merge_row(&mend->merge, row, migration, &changed))
        return lf_fail_memory(error);
    return FEATURE_OK;
}

static feature_status
add_up(struct lf_mend *mend, const struct run *run, int64_t *newest,
       struct feature_error *error)
{
    const struct lf_history_entry *ground = &run->ground;

    lf_merge_clear(&mend->merge);
    *newest = INT64_MIN;
    if (run->has_ground) {
        *newest = ground->has_image ? ground->image_time : ground->commit_time;
        LF_TRY(add_row(mend, ground->has_image ? &ground->image : &ground->row,
                       error));
    }
    for (uint32_t i = run->count; i-- > 0;) {
        if (run->entries[i].commit_time > *newest)
            *newest = run->entries[i].commit_time;
        LF_TRY(add_row(mend, &run->entries[i].row, error));
    }
    if (!mend->merge.is_tombstone &&
        lf_row_size(mend->merge.layout, mend->cells) > LF_ROW_SIZE_LIMIT)
        return lf_fail(error, FEATURE_FULL, "row-size",
                       "its cells as of that time would be over the limit of "
                       "a row");
    return lf_merge_encode(&mend->merge, &mend->image) ? FEATURE_OK
                                                       : lf_fail_memory(error);
}

feature_status
lf_mend_version(struct lf_mend *mend, const uint8_t *key, size_t key_size,
                const uint8_t *place, struct feature_error *error)
{
    struct lf_history_entry *entry;
    struct run run; /* some kilobytes */
    int64_t newest;

    mend->key.size = 0;
    if (!lf_buffer_append(&mend->key, key, key_size) ||
        !lf_buffer_append(&mend->key, place, LF_HISTORY_PLACE_SIZE))
        return lf_fail_memory(error);
    LF_TRY(read_run(mend, &run, error));
    LF_TRY(add_up(mend, &run, &newest, error));
    entry = &run.entries[0];
    entry->image_time = newest;
    if (!lf_history_encode(entry, lf_history_seed(mend->rows->form->view->id),
                           mend->key.data, mend->key.size, entry->row.bytes,
                           entry->row.size, &mend->image, &mend->value))
        return lf_fail_memory(error);
    return lf_tree_put(mend->rows->history, mend->key.data, mend->key.size,
                       mend->value.data, mend->value.size, false, error);
}
