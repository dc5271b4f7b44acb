/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The prints of a view's schema versions.
 *
 * Owns which version of ours a state of another store is of.
 * Keeps to the newest one that fits: a state of it lacks least.
 * Never asks for a number of another store: what it counts is its own.
 */
#include "store/tile_prints.h"

#include <string.h>

#include "model/suggest.h"

feature_status
lf_tile_prints_make(struct lf_tile_prints *prints, struct lf_form *form,
                    const struct lf_catalog *catalog,
                    struct feature_error *error)
{
    const struct lf_view *view = form->view;
    const struct lf_entity *entity =
        lf_catalog_entity_by_id(catalog, view->entity);
    const struct lf_tile_print *before = NULL;

    prints->count = view->schema_count;
    prints->all =
        lf_arena_array(&form->arena, prints->count, sizeof *prints->all);
    if (!prints->all)
        return lf_fail_memory(error);
    for (uint32_t i = 0; i < prints->count; i++) {
        const struct lf_tile_plan *plan;

        LF_TRY(lf_form_plan(form, (uint16_t)(i + 1), &plan, error));
        if (!lf_tile_print_make(&prints->all[i], before, plan, entity))
            return lf_fail_memory(error);
        before = &prints->all[i];
    }
    return FEATURE_OK;
}

uint16_t
lf_tile_prints_find(const struct lf_tile_prints *prints,
                    const struct lf_tile_print *print)
{
    for (uint32_t i = prints->count; i > 0; i--)
        if (prints->all[i - 1].states == print->states)
            return (uint16_t)i;
    return 0;
}

feature_status
lf_tiles_view(const struct lf_catalog *catalog, const char *name,
              const struct lf_view **view, struct feature_error *error)
{
    char quoted[LF_QUOTE_SIZE];
    struct lf_suggestion near;

    *view = lf_catalog_view(catalog, name);
    if (*view && (*view)->event)
        return FEATURE_OK;
    if (*view)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "feature view %s is of rows: only one FROM an event has "
                       "tiles",
                       (*view)->name);
    lf_suggestion_begin(&near, name);
    lf_suggestion_offer_views(&near, catalog);
    return lf_fail(error, FEATURE_NOT_FOUND, "name",
                   "no feature view \"%s\"%s%s%s",
                   lf_quote(quoted, name, strlen(name)),
                   near.found ? ", did you mean \"" : "",
                   near.found ? near.found : "", near.found ? "\"?" : "");
}
