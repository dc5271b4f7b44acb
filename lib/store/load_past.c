/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The history of a key, up to the cut of a load.
 *
 * Owns which versions a load knows of, and their way into the version that it
 * builds.
 * Keeps them as they were at the cut: their images, too.
 * Never guesses what retention took, or folded into what it left.
 */
#include "store/load_past.h"

#include <string.h>

#include "store/history.h"

feature_status
lf_load_fail_cut(const struct lf_load_pass *pass, const char *why,
                 struct feature_error *error)
{
    return lf_fail(error, FEATURE_CONFLICT, "load-cut",
                   "%s in %s: take a later cut", why, pass->serving.name);
}

/* Whether a version is of the load's past; one that retention may have folded
 * something of later into is an error. */
static feature_status
judge(const struct lf_load_pass *pass, const struct lf_history_entry *entry,
      bool *is_past, bool *has_later_image, struct feature_error *error)
{
    const struct feature_load *load = pass->load;

    *is_past = entry->place.sequence <= load->record.cut;
    *has_later_image =
        *is_past && entry->has_image && entry->image_time > load->cut_committed;
    if ((*is_past && !*has_later_image) ||
        entry->place.time > pass->meta.history_horizon)
        return FEATURE_OK;
    return lf_load_fail_cut(
        pass,
        "rows that are older than what retention keeps were "
        "written since the cut",
        error);
}

/* Versions come newest first, the base last. */
static void
note(struct lf_load_past *past, const struct lf_history_entry *entry)
{
    if (entry->operation == LF_HISTORY_BASE) {
        past->has_base = true;
        past->is_base_dead = entry->row.flags & LF_ROW_TOMBSTONE;
        past->base = entry->row.timestamp;
        return;
    }
    if (past->has_versions)
        return;
    past->has_versions = true;
    past->newest = entry->place.time;
    past->is_deleted = entry->operation == FEATURE_DELETE;
}

static feature_status
put(struct lf_load_pass *pass, const uint8_t *key, size_t key_size,
    const uint8_t *value, size_t size, struct feature_error *error)
{
    pass->bytes += key_size + size;
    return lf_tree_put(pass->rows.history, key, key_size, value, size, true,
                       error);
}

/* Counts a version of the past, which is at pass->key. */
static feature_status
take(struct lf_load_pass *pass, struct lf_load_past *past,
     const struct lf_history_entry *entry, bool has_later_image,
     struct feature_error *error)
{
    struct lf_meta_view *meta = &pass->rows.meta;
    const uint8_t *place = pass->key + pass->key_size;

    note(past, entry);
    meta->history_entries++;
    lf_hash128_add(&meta->history,
                   lf_history_hash(pass->serving.id, pass->key,
                                   pass->key_size + LF_HISTORY_PLACE_SIZE,
                                   entry));
    if (has_later_image &&
        !lf_buffer_append(&pass->places, place, LF_HISTORY_PLACE_SIZE))
        return lf_fail_memory(error);
    return FEATURE_OK;
}

static feature_status
take_single(struct lf_load_pass *pass, struct lf_load_past *past,
            const struct lf_tree_entry *at, struct feature_error *error)
{
    uint32_t seed = lf_history_seed(pass->serving.id);
    struct lf_history_entry entry;
    bool is_past, has_later_image;
    const char *problem = lf_history_open(&entry, seed, at->key, at->key_size,
                                          at->value, at->size);

    if (problem)
        return lf_fail(error, FEATURE_CORRUPT, problem,
                       "an entry of the history of %s is damaged",
                       pass->serving.name);
    LF_TRY(judge(pass, &entry, &is_past, &has_later_image, error));
    past->has_later |= !is_past;
    if (!is_past)
        return FEATURE_OK;
    memcpy(pass->key, at->key, at->key_size);
    LF_TRY(take(pass, past, &entry, has_later_image, error));
    return put(pass, at->key, at->key_size, at->value, at->size, error);
}

static feature_status
put_unpacked(struct lf_load_pass *pass, const struct lf_history_entry *entry,
             struct feature_error *error)
{
    struct lf_buffer image = {.data = (uint8_t *)(uintptr_t)entry->image.bytes,
                              .size = entry->image.size};
    size_t size = pass->key_size + LF_HISTORY_PLACE_SIZE;

    if (!lf_history_encode(entry, lf_history_seed(pass->serving.id), pass->key,
                           size, entry->row.bytes, entry->row.size,
                           entry->has_image ? &image : NULL, &pass->row))
        return lf_fail_memory(error);
    return put(pass, pass->key, size, pass->row.data, pass->row.size, error);
}

/* Whether all versions of the block at hand are as they were at the cut. */
static feature_status
judge_block(struct lf_load_pass *pass, bool *is_whole,
            struct feature_error *error)
{
    *is_whole = true;
    for (uint32_t i = 0; i < pass->block->count; i++) {
        bool is_past, has_later_image;

        LF_TRY(judge(pass, &pass->block->entries[i], &is_past, &has_later_image,
                     error));
        *is_whole &= is_past && !has_later_image;
    }
    return FEATURE_OK;
}

/* A block goes as it is, or in pieces. */
static feature_status
take_block(struct lf_load_pass *pass, struct lf_load_past *past,
           const struct lf_tree_entry *at, struct feature_error *error)
{
    const struct lf_version_at raw = {.key = at->key,
                                      .key_size = at->key_size,
                                      .value = at->value,
                                      .size = at->size};
    bool is_whole;

    LF_TRY(lf_history_unpack(&pass->cursor, &raw, pass->block, error));
    LF_TRY(judge_block(pass, &is_whole, error));
    for (uint32_t i = 0; i < pass->block->count; i++) {
        const struct lf_history_entry *entry = &pass->block->entries[i];
        bool is_past, has_later_image;

        LF_TRY(judge(pass, entry, &is_past, &has_later_image, error));
        past->has_later |= !is_past;
        if (!is_past)
            continue;
        lf_history_put_place(pass->key + pass->key_size, &entry->place);
        LF_TRY(take(pass, past, entry, has_later_image, error));
        if (!is_whole)
            LF_TRY(put_unpacked(pass, entry, error));
    }
    return is_whole
               ? put(pass, at->key, at->key_size, at->value, at->size, error)
               : FEATURE_OK;
}

static feature_status
move_old(struct lf_load_pass *pass, enum lf_step step, struct lf_tree_entry *at,
         bool *is_ours, struct feature_error *error)
{
    LF_TRY(lf_tree_move(pass->old_history, step, pass->key, pass->key_size, at,
                        error));
    *is_ours = at->key &&
               at->key_size == pass->key_size + LF_HISTORY_PLACE_SIZE &&
               !memcmp(at->key, pass->key, pass->key_size);
    return FEATURE_OK;
}

/* Those whose image has something of later, the oldest first: the next ones are
 * made of it. */
static feature_status
mend(struct lf_load_pass *pass, struct feature_error *error)
{
    size_t count = pass->places.size / LF_HISTORY_PLACE_SIZE;

    if (!count)
        return FEATURE_OK;
    LF_TRY(lf_mend_begin(&pass->mend, &pass->rows, error));
    while (count--)
        LF_TRY(lf_mend_version(
            &pass->mend, pass->key, pass->key_size,
            pass->places.data + count * LF_HISTORY_PLACE_SIZE, error));
    return FEATURE_OK;
}

feature_status
lf_load_copy_versions(struct lf_load_pass *pass, struct lf_load_past *past,
                      struct feature_error *error)
{
    enum lf_step step = LF_STEP_SEEK;
    struct lf_tree_entry at;
    bool is_ours;

    *past = (struct lf_load_past){.newest = INT64_MIN, .base = INT64_MIN};
    pass->places.size = 0;
    if (!pass->old_history)
        return FEATURE_OK;
    for (;; step = LF_STEP_NEXT) {
        LF_TRY(move_old(pass, step, &at, &is_ours, error));
        if (!is_ours)
            return mend(pass, error);
        if (lf_is_block(at.value, at.size))
            LF_TRY(take_block(pass, past, &at, error));
        else
            LF_TRY(take_single(pass, past, &at, error));
    }
}
