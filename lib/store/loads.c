/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The records of loads.
 *
 * Owns the tree `loads`, how many records a view has in it, and `loads` in `meta`:
 * the last number.
 * Keeps the record of each version that there is, and the newest ones.
 * Never gives a number or a version twice.
 */
#include "store/loads.h"

#include <string.h>

#include "base/bytes.h"

struct collection {
    struct lf_load_list *list;
    uint32_t view;
};

static feature_status
collect(void *context, const uint8_t *key, size_t key_size,
        const uint8_t *value, size_t size, struct feature_error *error)
{
    struct collection *to = context;
    struct lf_load_record record;

    LF_TRY(lf_load_decode(&record, &to->list->arena, key, key_size, value, size,
                          error));
    if ((!to->view || record.view == to->view) &&
        !lf_buffer_append(&to->list->records, &record, sizeof record))
        return lf_fail_memory(error);
    return FEATURE_OK;
}

feature_status
lf_loads_read(struct lf_reader *reader, uint32_t view,
              struct lf_load_list *list, struct feature_error *error)
{
    struct collection to = {.list = list, .view = view};

    return lf_reader_scan(reader, LF_LOADS_TREE, collect, &to, error);
}

feature_status
lf_loads_read_within(struct lf_commit *commit, uint32_t view,
                     struct lf_load_list *list, struct feature_error *error)
{
    struct collection to = {.list = list, .view = view};
    struct lf_tree *tree;

    LF_TRY(lf_writer_tree(commit->writer, LF_LOADS_TREE, false, &tree, error));
    return tree ? lf_tree_scan(tree, collect, &to, error) : FEATURE_OK;
}

void
lf_loads_free(struct lf_load_list *list)
{
    lf_buffer_free(&list->records);
    lf_arena_free(&list->arena);
}

feature_status
lf_loads_put(struct lf_commit *commit, const struct lf_load_record *record,
             struct feature_error *error)
{
    struct lf_buffer bytes = {0};
    uint8_t key[LF_LOAD_KEY_SIZE];
    struct lf_tree *tree;
    feature_status status;

    lf_load_key(record->number, key);
    LF_TRY(lf_writer_tree(commit->writer, LF_LOADS_TREE, true, &tree, error));
    status = lf_load_encode(record, &bytes, error);
    if (!status)
        status = lf_tree_put(tree, key, sizeof key, bytes.data, bytes.size,
                             false, error);
    lf_buffer_free(&bytes);
    return status;
}

static feature_status
is_there(struct lf_commit *commit, uint64_t number, bool *found,
         struct feature_error *error)
{
    uint8_t key[LF_LOAD_KEY_SIZE];
    const uint8_t *value;
    struct lf_tree *tree;
    size_t size;

    *found = false;
    lf_load_key(number, key);
    LF_TRY(lf_writer_tree(commit->writer, LF_LOADS_TREE, false, &tree, error));
    return tree
               ? lf_tree_get(tree, key, sizeof key, found, &value, &size, error)
               : FEATURE_OK;
}

feature_status
lf_loads_note(feature_store *store, uint32_t wait_ms,
              const struct lf_load_record *record, struct feature_error *error)
{
    struct lf_commit commit;
    feature_status status;
    bool found;

    LF_TRY(lf_commit_begin_after(&commit, store, wait_ms, error));
    status = is_there(&commit, record->number, &found, error);
    if (!status && found)
        status = lf_loads_put(&commit, record, error);
    if (status || !found) {
        lf_commit_abort(&commit);
        return status;
    }
    return lf_commit_finish(&commit, error);
}

static bool
has_version(const struct lf_buffer *versions, uint32_t version)
{
    const struct lf_version *each = (const void *)versions->data;
    size_t count = versions->size / sizeof *each;

    for (size_t i = 0; i < count; i++)
        if (each[i].version == version)
            return true;
    return false;
}

/* A version has one load, and any number of ways back to it. */
static bool
is_needed(const struct lf_load_record *record, const struct lf_view *view,
          const struct lf_buffer *versions)
{
    return !record->is_rollback && (record->version == view->version ||
                                    has_version(versions, record->version));
}

/* The oldest ones go, save for the loads of versions that are there. */
static feature_status
prune(struct lf_commit *commit, const struct lf_view *view,
      const struct lf_load_list *list, struct lf_tree *tree,
      struct feature_error *error)
{
    struct lf_buffer versions = {0};
    size_t count = lf_load_count(list), left = count;
    uint8_t key[LF_LOAD_KEY_SIZE];
    feature_status status = FEATURE_OK;

    if (count < LF_LOADS_KEPT)
        return FEATURE_OK;
    status = lf_versions_read_within(commit, view->id, &versions, error);
    for (size_t i = 0; !status && i + 1 < count && left >= LF_LOADS_KEPT; i++) {
        const struct lf_load_record *record = lf_load_at(list, i);

        if (is_needed(record, view, &versions))
            continue;
        lf_load_key(record->number, key);
        status = lf_tree_delete(tree, key, sizeof key, error);
        left--;
    }
    lf_buffer_free(&versions);
    return status;
}

/* Never below that of a record that is there. */
static feature_status
read_number(struct lf_commit *commit, uint64_t *number,
            struct feature_error *error)
{
    struct lf_tree *tree;
    const uint8_t *bytes;
    uint64_t last;
    size_t size;
    bool found;

    *number = 0;
    LF_TRY(lf_tree_get(commit->tree, LF_LOADS_KEY, strlen(LF_LOADS_KEY), &found,
                       &bytes, &size, error));
    if (found && !lf_loads_number_decode(number, bytes, size))
        return lf_fail(error, FEATURE_CORRUPT, "checksum",
                       "the record of the number of the last load is damaged");
    LF_TRY(lf_writer_tree(commit->writer, LF_LOADS_TREE, true, &tree, error));
    LF_TRY(lf_tree_last(tree, &found, &bytes, &size, error));
    last = found && size == LF_LOAD_KEY_SIZE ? lf_load_big_u64(bytes) : 0;
    if (last > *number)
        *number = last;
    return FEATURE_OK;
}

feature_status
lf_loads_number(struct lf_commit *commit, uint64_t *number,
                struct feature_error *error)
{
    uint8_t bytes[LF_LOADS_NUMBER_SIZE];

    LF_TRY(read_number(commit, number, error));
    ++*number;
    lf_loads_number_encode(*number, bytes);
    return lf_tree_put(commit->tree, LF_LOADS_KEY, strlen(LF_LOADS_KEY), bytes,
                       sizeof bytes, false, error);
}

feature_status
lf_loads_next(struct lf_commit *commit, const struct lf_view *view,
              const struct lf_load_list *list, uint64_t *number,
              uint32_t *version, struct feature_error *error)
{
    struct lf_tree *tree;

    LF_TRY(lf_writer_tree(commit->writer, LF_LOADS_TREE, true, &tree, error));
    LF_TRY(lf_loads_number(commit, number, error));
    *version = view->version;
    for (size_t i = 0; i < lf_load_count(list); i++)
        if (lf_load_at(list, i)->version > *version)
            *version = lf_load_at(list, i)->version;
    ++*version;
    return prune(commit, view, list, tree, error);
}

feature_status
lf_loads_prune(struct lf_commit *commit, const struct lf_view *view,
               struct feature_error *error)
{
    struct lf_load_list list = {0};
    struct lf_tree *tree;
    feature_status status =
        lf_writer_tree(commit->writer, LF_LOADS_TREE, true, &tree, error);

    if (!status)
        status = lf_loads_read_within(commit, view->id, &list, error);
    if (!status)
        status = prune(commit, view, &list, tree, error);
    lf_loads_free(&list);
    return status;
}

feature_status
lf_loads_forget(struct lf_commit *commit, const struct lf_view *view,
                struct feature_error *error)
{
    struct lf_buffer versions = {0};
    struct lf_load_list list = {0};
    const struct lf_version *each;
    uint8_t key[LF_LOAD_KEY_SIZE];
    feature_status status;
    struct lf_tree *tree;

    LF_TRY(lf_writer_tree(commit->writer, LF_LOADS_TREE, false, &tree, error));
    if (!tree)
        return FEATURE_OK;
    status = lf_loads_read_within(commit, view->id, &list, error);
    if (!status)
        status = lf_versions_read_within(commit, view->id, &versions, error);
    each = (const void *)versions.data;
    for (size_t i = 0; !status && i < versions.size / sizeof *each; i++)
        status = lf_version_drop(commit, view->id, each[i].version,
                                 each[i].standing, error);
    for (size_t i = 0; !status && i < lf_load_count(&list); i++) {
        lf_load_key(lf_load_at(&list, i)->number, key);
        status = lf_tree_delete(tree, key, sizeof key, error);
    }
    lf_buffer_free(&versions);
    lf_loads_free(&list);
    return status;
}
