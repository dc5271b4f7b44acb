/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The check of a store that is being opened.
 *
 * Owns the comparison of the views' records with their trees.
 * Keeps its cost to a look-up or two for each view.
 * Never looks at a row: that is what feature_store_verify() is for.
 */
#include <inttypes.h>
#include <string.h>

#include "store/store.h"

feature_status
lf_store_read_view(struct lf_reader *reader, uint32_t view,
                   struct lf_meta_view *meta, struct feature_error *error)
{
    char key[LF_META_KEY_SIZE];
    const uint8_t *value;
    bool found;
    size_t size;

    lf_meta_view_key(view, key);
    LF_TRY(lf_reader_get(reader, LF_META_TREE, key, strlen(key), &found, &value,
                         &size, error));
    *meta = lf_meta_view_empty();
    if (found && !lf_meta_view_decode(meta, view, value, size))
        return lf_fail(error, FEATURE_CORRUPT, "checksum",
                       "the record of a feature view is damaged");
    return FEATURE_OK;
}

static feature_status
fail_count(const struct lf_view *view, const char *what, uint64_t counted,
           uint64_t stated, struct feature_error *error)
{
    return lf_fail(error, FEATURE_CORRUPT, "structure",
                   "view %s has %" PRIu64 " %s, and its record counts %" PRIu64
                   ": the file is damaged; restore it from a snapshot",
                   view->name, counted, what, stated);
}

static feature_status
check_view(struct lf_reader *reader, const struct lf_view *view,
           struct feature_error *error)
{
    char tree[LF_TREE_NAME_SIZE];
    struct lf_meta_view meta;
    uint64_t entries;

    LF_TRY(lf_store_read_view(reader, view->id, &meta, error));
    lf_rows_tree(view, tree);
    LF_TRY(lf_reader_entries(reader, tree, &entries, error));
    if (entries != meta.row_entries)
        return fail_count(view, "rows", entries, meta.row_entries, error);
    lf_tiles_tree(view, tree);
    if (view->event)
        LF_TRY(lf_reader_entries(reader, tree, &entries, error));
    else
        entries = 0;
    if (entries != meta.tile_entries)
        return fail_count(view, "states beside its rows", entries,
                          meta.tile_entries, error);
    return FEATURE_OK;
}

static feature_status
check_views(struct lf_reader *reader, const struct lf_catalog *catalog,
            struct feature_error *error)
{
    for (uint32_t i = 0; i < catalog->view_count; i++)
        LF_TRY(check_view(reader, &catalog->views[i], error));
    return FEATURE_OK;
}

feature_status
lf_store_check(feature_store *store, struct feature_error *error)
{
    struct lf_catalog *catalog = NULL;
    struct lf_meta_store meta;
    struct lf_reader *reader;
    feature_status status;

    LF_TRY(lf_reader_begin(store->environment, &reader, error));
    status = lf_store_read_meta(reader, &meta, error);
    if (!status)
        status = lf_store_read_catalog(store, reader, &meta, &catalog, error);
    if (!status)
        status = check_views(reader, catalog, error);
    lf_catalog_release(catalog);
    lf_reader_end(reader);
    return status;
}
