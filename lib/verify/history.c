/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The histories of all views.
 *
 * Owns the walk over them, and what is said of a bad entry.
 * Keeps to what is known of a view: without its definition nothing can be said
 * but of its pages.
 * Never judges an entry itself: store/history_check.c does.
 */
#include <string.h>

#include "base/error.h"
#include "store/history.h"
#include "store/history_check.h"
#include "verify/verify.h"

struct walk {
    struct lf_history_check check;
    const struct lf_entity *entity;
};

static feature_status
visit(struct lf_verify *verify, void *context, const struct lf_entry *entry,
      struct feature_error *error)
{
    struct walk *walk = context;
    struct lf_history_problem problem;
    size_t key_size = entry->place.key_size;
    const uint8_t *bytes;

    LF_TRY(lf_verify_value(verify, entry, &bytes, error));
    if (!bytes) {
        walk->check.entries++;
        return FEATURE_OK;
    }
    LF_TRY(lf_history_check_entry(&walk->check, entry->place.key, key_size,
                                  bytes, entry->size, &problem, error));
    if (!problem.reason)
        problem.what = lf_verify_key(walk->entity, entry->place.key,
                                     key_size - LF_HISTORY_PLACE_SIZE);
    if (problem.what)
        lf_found(verify, LF_FOUND_ROW, &entry->place, "an entry of history: %s",
                 problem.what);
    return FEATURE_OK;
}

static feature_status
ignore(struct lf_verify *verify, void *context, const struct lf_entry *entry,
       struct feature_error *error)
{
    (void)verify;
    (void)context;
    (void)entry;
    (void)error;
    return FEATURE_OK;
}

static const struct lf_verify_dictionary *
find_dictionary(const struct lf_verify *verify, uint32_t view)
{
    size_t count =
        verify->dictionaries.size / sizeof(struct lf_verify_dictionary);
    const void *data = verify->dictionaries.data;
    const struct lf_verify_dictionary *all = data;

    for (size_t i = 0; i < count; i++)
        if (all[i].view == view)
            return &all[i];
    return NULL;
}

static feature_status
walk_tree(struct lf_verify *verify, const struct lf_verify_name *tree,
          const struct lf_view *view, const struct lf_meta_view *meta,
          struct walk *walk, struct feature_error *error)
{
    struct lf_place place = {
        .tree = tree->name, .view = view->name, .page = LF_NO_PAGE};
    const struct lf_verify_dictionary *dictionary =
        find_dictionary(verify, view->id);
    struct lf_history_problem problem;

    walk->entity = lf_catalog_entity_by_id(verify->catalog, view->entity);
    LF_TRY(lf_history_check_begin(&walk->check, verify->catalog, view, meta,
                                  &verify->store, error));
    LF_TRY(lf_history_check_blocks(&walk->check,
                                   dictionary ? dictionary->record : NULL,
                                   dictionary ? dictionary->size : 0, error));
    LF_TRY(lf_verify_tree(verify, tree->name, view->name, tree->record, visit,
                          walk, error));
    LF_TRY(lf_history_check_end(&walk->check, &problem, error));
    if (problem.what)
        lf_found(verify, LF_FOUND_VIEW, &place, "of history: %s", problem.what);
    return FEATURE_OK;
}

feature_status
lf_verify_history(struct lf_verify *verify, const struct lf_verify_name *tree,
                  uint32_t id, uint32_t version, struct feature_error *error)
{
    struct lf_place place = {.tree = tree->name, .page = LF_NO_PAGE};
    struct lf_view of;
    struct lf_verify_view *known =
        lf_verify_version_of(verify, id, version, &of);
    const struct lf_view *view = of.history ? &of : NULL;
    struct walk walk = {0};
    feature_status status;

    if (known)
        known->has_history = true;
    if (verify->catalog && !view)
        lf_found(verify, LF_FOUND_STORE, &place,
                 "the catalog has no feature view with this history");
    else if (verify->catalog && !known &&
             lf_load_u64(tree->record + LF_RECORD_ENTRIES))
        lf_found(verify, LF_FOUND_VIEW, &place,
                 "there is no record of the view, which has history");
    if (!view || !known || !verify->has_store)
        return lf_verify_tree(verify, tree->name, NULL, tree->record, ignore,
                              NULL, error);
    status = walk_tree(verify, tree, view, &known->meta, &walk, error);
    lf_history_check_free(&walk.check);
    return status;
}

void
lf_verify_dictionaries(struct lf_verify *verify)
{
    size_t count =
        verify->dictionaries.size / sizeof(struct lf_verify_dictionary);
    const void *data = verify->dictionaries.data;
    const struct lf_verify_dictionary *all = data;
    struct lf_place place = {.tree = LF_META_TREE, .page = LF_NO_PAGE};

    for (size_t i = 0; verify->catalog && i < count; i++) {
        const struct lf_view *view =
            lf_catalog_view_by_id(verify->catalog, all[i].view);

        if (!view || !view->history)
            lf_found(verify, LF_FOUND_VIEW, &place,
                     "a dictionary of feature view %u, which keeps no history",
                     all[i].view);
    }
}
