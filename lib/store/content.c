/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feature_store_content(): what each view holds, in a few numbers.
 *
 * Owns the lines of it, which the public header describes.
 * Keeps all lines to one commit.
 * Never reads a row: the views' records have the hashes.
 */
#include <inttypes.h>

#include "store/figures.h"

static void
add_store(struct lf_text *text, const struct lf_meta_store *meta)
{
    lf_text_add(text, "store\t");
    for (size_t i = 0; i < sizeof meta->uuid; i++)
        lf_text_add(text, "%02x", meta->uuid[i]);
    lf_text_add(text, "\t%" PRIu64 "\t%" PRIu64 "\t%" PRId64 "\n", meta->epoch,
                meta->sequence, meta->commit_time);
}

static void
add_view(struct lf_text *text, const char *name,
         const struct lf_meta_view *view)
{
    lf_text_add(text,
                "view\t%s\t%" PRIu64 "\t%" PRIu64 "\t%016" PRIx64 "%016" PRIx64
                "\t%" PRIu64 "\t%016" PRIx64 "%016" PRIx64 "\t%" PRIu64 "\n",
                name, view->row_entries - view->tombstones, view->tombstones,
                view->content.high, view->content.low, view->history_entries,
                view->history.high, view->history.low, view->commit);
}

feature_status
feature_store_content(feature_store *store, char **text,
                      struct feature_error *error)
{
    struct lf_figures figures = {0};
    struct lf_text made = {0};
    feature_status status;
    char *taken;

    if (!store || !text)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "store and text are needed");
    LF_TRY(lf_store_enter(store, error));
    status = lf_figures_take(store, &figures, error);
    if (!status) {
        add_store(&made, &figures.meta);
        for (uint32_t i = 0; i < figures.catalog->view_count; i++)
            add_view(&made, figures.catalog->views[i].name, &figures.views[i]);
    }
    lf_store_leave(store);
    lf_figures_free(&figures);
    if (status)
        return status;
    taken = lf_text_take(&made);
    if (!taken)
        return lf_fail_memory(error);
    *text = taken;
    return FEATURE_OK;
}
