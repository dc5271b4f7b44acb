/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Large versions in a store that is full.
 *
 * Owns the way out: to drop a tree takes a list of its pages, for which a full
 * store may have no room; rows that go a few at a time give room for it.
 * Keeps the record of the version true to the rows that are left.
 * Never touches a version that serves.
 */
#include <string.h>

#include "store/loads.h"
#include "store/rows.h"

#define ROWS_MOST  4096 /* of one commit */
#define ROWS_LEAST 16

struct shrink {
    feature_store *store;
    uint32_t wait_ms;
    struct lf_version version;
    uint32_t rows; /* of the next commit */
};

static feature_status
find(struct shrink *shrink, struct lf_commit *commit, bool *found,
     struct feature_error *error)
{
    struct lf_buffer versions = {0};
    const struct lf_version *each;
    feature_status status =
        lf_versions_read_within(commit, shrink->version.view, &versions, error);

    *found = false;
    each = (const void *)versions.data;
    for (size_t i = 0; !status && i < versions.size / sizeof *each; i++)
        if (each[i].version == shrink->version.version &&
            each[i].standing == shrink->version.standing) {
            shrink->version = each[i];
            *found = true;
        }
    lf_buffer_free(&versions);
    return status;
}

static feature_status
damaged(struct feature_error *error)
{
    return lf_fail(error, FEATURE_CORRUPT, "structure",
                   "a row of a version that does not serve is damaged");
}

/* The last row goes; false: there is none. */
static feature_status
remove_last(struct lf_version *version, struct lf_tree *tree, bool *found,
            struct feature_error *error)
{
    struct lf_meta_view *meta = &version->meta;
    const uint8_t *key, *row;
    uint8_t copy[LF_KEY_MAX];
    size_t key_size, size;

    LF_TRY(lf_tree_last(tree, found, &key, &key_size, error));
    if (!*found)
        return FEATURE_OK;
    if (key_size > sizeof copy)
        return damaged(error);
    memcpy(copy, key, key_size);
    LF_TRY(lf_tree_get(tree, copy, key_size, found, &row, &size, error));
    if (!*found || size < LF_ROW_HEADER_SIZE)
        return damaged(error);
    lf_hash128_subtract(&meta->content,
                        lf_row_hash(version->view, copy, key_size, row, size));
    meta->tombstones -= (lf_load_u16(row + 6) & LF_ROW_TOMBSTONE) != 0;
    meta->row_entries--;
    return lf_tree_delete(tree, copy, key_size, error);
}

static feature_status
remove_rows(struct shrink *shrink, struct lf_commit *commit, bool *found,
            struct feature_error *error)
{
    struct lf_version *version = &shrink->version;
    struct lf_view view = {.id = version->view, .version = version->version};
    char name[LF_TREE_NAME_SIZE], key[LF_META_KEY_SIZE];
    uint8_t bytes[LF_META_VERSION_SIZE];
    struct lf_tree *tree = NULL;
    size_t size;

    LF_TRY(find(shrink, commit, found, error));
    if (*found) {
        lf_rows_tree(&view, name);
        LF_TRY(lf_writer_tree(commit->writer, name, false, &tree, error));
    }
    *found = tree && !version->meta.tile_entries &&
             !version->meta.history_entries && version->meta.row_entries;
    for (uint32_t i = 0; *found && i < shrink->rows; i++)
        LF_TRY(remove_last(version, tree, found, error));
    version->meta.purge_time = commit->now; /* newest may be gone */
    version->meta.left = 0;                 /* no way leads back to it */
    lf_meta_version_key(version->standing, version->view, version->version,
                        key);
    size = lf_meta_version_encode(&version->meta, key, bytes);
    return tree ? lf_tree_put(commit->tree, key, strlen(key), bytes, size,
                              false, error)
                : FEATURE_OK;
}

static feature_status
try_shrink(struct shrink *shrink, bool *found, struct feature_error *error)
{
    struct lf_commit commit;
    feature_status status;

    LF_TRY(
        lf_commit_begin_after(&commit, shrink->store, shrink->wait_ms, error));
    status = remove_rows(shrink, &commit, found, error);
    if (status) {
        lf_commit_abort(&commit);
        return status;
    }
    return lf_commit_finish(&commit, error);
}

bool
lf_version_halve(feature_store *store, uint32_t wait_ms,
                 const struct lf_version *version)
{
    struct shrink shrink = {.store = store,
                            .wait_ms = wait_ms,
                            .version = *version,
                            .rows = ROWS_MOST};
    uint64_t enough = version->meta.row_entries / 2;
    bool found = true, any = false;

    while (found && shrink.version.meta.row_entries > enough) {
        feature_status status = try_shrink(&shrink, &found, NULL);

        any = any || (!status && found);
        if (status == FEATURE_FULL && shrink.rows > ROWS_LEAST)
            shrink.rows /= 4;
        else if (status)
            return false;
    }
    return any;
}
