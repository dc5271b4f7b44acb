/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Views, bound for writing.
 *
 * Owns the layout of a view's current schema and the ways to it from older ones.
 * Keeps each migration that was asked for: making one is not cheap, and its
 * memory is given back with the form alone.
 * Never outlives the catalog it was bound to.
 */
#include "store/form.h"

#include "store/history.h"

void
lf_form_free(struct lf_form *form)
{
    lf_history_free(form->history);
    form->history = NULL;
    lf_arena_free(&form->arena);
}

feature_status
lf_form_bind(struct lf_form *form, const struct lf_view *view,
             struct feature_error *error)
{
    lf_form_free(form);
    form->migration_count = 0;
    form->view = view;
    lf_rows_tree(view, form->tree);
    if (!lf_layout_init(&form->layout, lf_view_current_schema(view),
                        &form->arena))
        return lf_fail_memory(error);
    form->migrations = lf_arena_array(&form->arena, view->schema_count,
                                      sizeof *form->migrations);
    return form->migrations ? FEATURE_OK : lf_fail_memory(error);
}

feature_status
lf_form_migration(struct lf_form *form, uint16_t version,
                  const struct lf_migration **migration,
                  struct feature_error *error)
{
    const struct lf_schema *schema;
    struct lf_migration *made;

    for (uint32_t i = 0; i < form->migration_count; i++)
        if (form->migrations[i].from.version == version) {
            *migration = &form->migrations[i];
            return FEATURE_OK;
        }
    schema = lf_view_schema(form->view, version);
    if (!schema)
        return lf_fail(error, FEATURE_CORRUPT, "structure",
                       "a row of %s has schema version %u, which the catalog "
                       "does not know",
                       form->view->name, version);
    made = &form->migrations[form->migration_count];
    if (!lf_migration_init(made, schema, &form->layout, &form->arena))
        return lf_fail_memory(error);
    form->migration_count++;
    *migration = made;
    return FEATURE_OK;
}

bool
lf_form_has_drops(const struct lf_form *form)
{
    const struct lf_view *view = form->view;

    for (uint32_t i = 0; i < view->schema_count; i++)
        for (uint32_t j = 0; j < view->schemas[i].count; j++)
            if (lf_layout_slot(&form->layout,
                               view->schemas[i].fields[j].feature) ==
                LF_NO_SLOT)
                return true;
    return false;
}
