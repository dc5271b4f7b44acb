/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The option `history`, switched on and off.
 *
 * Owns the name of a view's history, and the moment from which on it is kept.
 * Keeps the view's record true: what is dropped is not counted any more.
 * Never touches rows.
 */
#include <stdio.h>

#include "store/history.h"
#include "store/history_pack.h"
#include "store/loads.h"

void
lf_history_tree(const struct lf_view *view, char name[LF_TREE_NAME_SIZE])
{
    snprintf(name, LF_TREE_NAME_SIZE, "history/%016llx/%016llx",
             (unsigned long long)view->id, (unsigned long long)view->version);
}

void
lf_history_begin(struct lf_meta_view *meta, const struct lf_commit *commit)
{
    if (meta->history_since != INT64_MIN)
        return;
    meta->history_since = commit->meta.commit_time;
    meta->history_bases = meta->row_entries;
    if (meta->purge_time)
        meta->history_bases++; /* what had gone by then has no version either */
}

static void
forget(struct lf_meta_view *meta)
{
    meta->history_entries = 0;
    meta->history_horizon = INT64_MIN;
    meta->history_since = INT64_MIN;
    meta->history_bases = 0;
    meta->history = (struct lf_hash128){0};
}

static feature_status
drop_tree(struct lf_commit *commit, const struct lf_view *view,
          struct feature_error *error)
{
    char tree[LF_TREE_NAME_SIZE];

    lf_history_tree(view, tree);
    return lf_writer_drop(commit->writer, tree, error);
}

feature_status
lf_history_restart(struct lf_commit *commit, const struct lf_view *view,
                   struct feature_error *error)
{
    struct lf_meta_view meta;
    bool found;

    LF_TRY(lf_rows_read_meta(commit, view, &meta, &found, error));
    if (!found || meta.history_since == INT64_MIN)
        return FEATURE_OK;
    forget(&meta);
    LF_TRY(drop_tree(commit, view, error));
    return lf_rows_put_meta(commit, view, &meta, error);
}

/* The versions that are kept can do without history no less: the dictionary of
 * their blocks goes. */
static feature_status
forget_kept(struct lf_commit *commit, const struct lf_view *view,
            struct feature_error *error)
{
    struct lf_buffer versions = {0};
    feature_status status =
        lf_versions_read_within(commit, view->id, &versions, error);
    struct lf_version *each = (void *)versions.data;
    size_t count = versions.size / sizeof *each;

    for (size_t i = 0; !status && i < count; i++) {
        struct lf_view version = *view;

        version.version = each[i].version;
        version.standing = each[i].standing;
        forget(&each[i].meta);
        status = drop_tree(commit, &version, error);
        if (!status)
            status = lf_rows_put_meta(commit, &version, &each[i].meta, error);
    }
    lf_buffer_free(&versions);
    return status;
}

/* A view that nothing was written to has no record, and begins with its first
 * row. */
static feature_status
switch_view(struct lf_commit *commit, const struct lf_view *view,
            struct feature_error *error)
{
    struct lf_meta_view meta;
    bool found;

    if (!view->history)
        LF_TRY(forget_kept(commit, view, error));
    LF_TRY(lf_rows_read_meta(commit, view, &meta, &found, error));
    if (!found)
        return FEATURE_OK;
    if (view->history) {
        lf_history_begin(&meta, commit);
    } else {
        forget(&meta);
        LF_TRY(drop_tree(commit, view, error));
        LF_TRY(lf_dictionary_forget(commit, view->id, error));
    }
    return lf_rows_write_meta(commit, view, &meta, error);
}

feature_status
lf_history_follow(struct lf_commit *commit, const struct lf_catalog *before,
                  const struct lf_catalog *after, struct feature_error *error)
{
    for (uint32_t i = 0; i < after->view_count; i++) {
        const struct lf_view *view = &after->views[i];
        const struct lf_view *old = lf_catalog_view_by_id(before, view->id);

        if (old && !old->history != !view->history)
            LF_TRY(switch_view(commit, view, error));
    }
    return FEATURE_OK;
}
