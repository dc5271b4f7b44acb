/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks of a history, opened and broken up.
 *
 * Owns which dictionary a block is unpacked by, and the way from a block back to
 * entries.
 * Keeps the versions, and so the counts and the hash of the history: a block is
 * no more than another form of them.
 * Never touches the tree before a block was unpacked and checked.
 */
#include <string.h>

#include "format/frame.h"
#include "store/history_cursor.h"

feature_status
lf_dictionary_load(struct lf_press *press, uint32_t view, const uint8_t *record,
                   size_t size, struct feature_error *error)
{
    uint32_t sum = lf_dictionary_stated(record, size);

    if (sum && sum == lf_press_sum(press))
        return FEATURE_OK; /* it was checked, and is a copy */
    if (!lf_dictionary_is_sound(view, record, size))
        sum = 0; /* no block that needs it will find it */
    if (!lf_press_use(press, sum, sum ? record + 4 : NULL, sum ? size - 4 : 0))
        return lf_fail_memory(error);
    return FEATURE_OK;
}

static feature_status
find_dictionary(struct lf_history_cursor *cursor, struct feature_error *error)
{
    char key[LF_DICTIONARY_KEY_SIZE];
    const uint8_t *record;
    size_t size;
    bool found;

    lf_dictionary_key(cursor->view, key);
    if (cursor->reader)
        LF_TRY(lf_reader_get(cursor->reader, LF_META_TREE, key, strlen(key),
                             &found, &record, &size, error));
    else
        LF_TRY(lf_tree_get(cursor->commit->tree, key, strlen(key), &found,
                           &record, &size, error));
    LF_TRY(lf_dictionary_load(cursor->press, cursor->view, record,
                              found ? size : 0, error));
    cursor->is_dictionary_known = true;
    return FEATURE_OK;
}

static feature_status
damaged(const char *reason, struct feature_error *error)
{
    if (reason == LF_FRAME_NO_MEMORY)
        return lf_fail_memory(error);
    if (!strcmp(reason, "dictionary"))
        return lf_fail(error, FEATURE_CORRUPT, "structure",
                       "the dictionary of a block of history is missing");
    return lf_fail(error, FEATURE_CORRUPT, reason,
                   "a block of history is damaged");
}

feature_status
lf_history_unpack(struct lf_history_cursor *cursor,
                  const struct lf_version_at *at,
                  struct lf_versions_block *block, struct feature_error *error)
{
    uint32_t sum;
    const char *problem = lf_block_check(cursor->seed, at->key, at->key_size,
                                         at->value, at->size, &sum);

    if (problem)
        return damaged(problem, error);
    if (!cursor->press)
        cursor->press = lf_press_create();
    if (!cursor->press)
        return lf_fail_memory(error);
    if (sum && !cursor->is_dictionary_known)
        LF_TRY(find_dictionary(cursor, error));
    problem = lf_block_unpack(cursor->press, block, at->key, at->key_size,
                              at->value, at->size);
    return problem ? damaged(problem, error) : FEATURE_OK;
}

static feature_status
check_row(struct lf_form *form, struct lf_row *row, struct feature_error *error)
{
    const struct lf_migration *migration;

    LF_TRY(lf_form_migration(form, row->version, &migration, error));
    return lf_row_check(row, &migration->from)
               ? FEATURE_OK
               : lf_fail(error, FEATURE_CORRUPT, "structure",
                         "an entry of the history of %s is damaged",
                         form->view->name);
}

feature_status
lf_history_read(const struct lf_history_cursor *cursor, struct lf_form *form,
                const struct lf_version_at *at, struct lf_history_entry *entry,
                struct feature_error *error)
{
    const char *problem = lf_history_take(cursor, at, entry);

    if (problem)
        return lf_fail(error, FEATURE_CORRUPT, problem,
                       "an entry of the history of %s is damaged",
                       form->view->name);
    LF_TRY(check_row(form, &entry->row, error));
    return entry->has_image ? check_row(form, &entry->image, error)
                            : FEATURE_OK;
}

static feature_status
put_entry(struct lf_history_cursor *cursor,
          const struct lf_history_entry *entry, struct feature_error *error)
{
    struct lf_buffer image = {.data = (uint8_t *)(uintptr_t)entry->image.bytes,
                              .size = entry->image.size};
    size_t size = cursor->key_size + LF_HISTORY_PLACE_SIZE;
    uint8_t key[LF_HISTORY_KEY_MAX];

    memcpy(key, cursor->key, cursor->key_size);
    lf_history_put_place(key + cursor->key_size, &entry->place);
    if (!lf_history_encode(entry, cursor->seed, key, size, entry->row.bytes,
                           entry->row.size, entry->has_image ? &image : NULL,
                           &cursor->value))
        return lf_fail_memory(error);
    return lf_tree_put(cursor->tree, key, size, cursor->value.data,
                       cursor->value.size, false, error);
}

/* The oldest version takes the block's own place. */
feature_status
lf_history_break(struct lf_history_cursor *cursor, struct feature_error *error)
{
    const struct lf_versions_block *block = cursor->block;

    if (!block)
        return FEATURE_OK;
    cursor->block = NULL;
    for (uint32_t i = block->count; i-- > 0;)
        LF_TRY(put_entry(cursor, &block->entries[i], error));
    return FEATURE_OK;
}
