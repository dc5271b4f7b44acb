/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Views, bound for writing.
 *
 * Owns the layout of a view's current schema and the ways to it from older ones;
 * of a view FROM an event, the plans of its state.
 * Keeps each migration and plan that was asked for: making one is not cheap,
 * and its memory is given back with the form alone.
 * Never outlives the catalog it was bound to, save to be freed.
 */
#include "store/form.h"

#include "format/state.h"
#include "base/alloc.h"
#include "store/history.h"
#include "store/sides.h"

void
lf_form_free(struct lf_form *form)
{
    lf_history_free(form->history);
    form->history = NULL;
    lf_state_free(form->state);
    lf_state_free(form->later);
    form->state = form->later = NULL;
    if (form->sides)
        lf_sides_free(form->sides);
    lf_free(form->sides);
    form->sides = NULL;
    for (uint32_t i = 0; i < form->plan_count; i++)
        lf_tile_plan_free(form->plans[i]);
    form->plans = NULL;
    form->plan_count = 0;
    lf_arena_free(&form->arena);
}

static feature_status
bind_event(struct lf_form *form, const struct lf_catalog *catalog,
           struct feature_error *error)
{
    const struct lf_view *view = form->view;
    const struct lf_entity *entity;

    form->event = NULL;
    if (!view->event)
        return FEATURE_OK;
    form->event = lf_catalog_event_by_id(catalog, view->event);
    entity = lf_catalog_entity_by_id(catalog, view->entity);
    if (!form->event || !entity)
        return lf_fail(error, FEATURE_CORRUPT, "structure",
                       "feature view %s has no event", view->name);
    form->key_count = entity->key_count;
    form->plans =
        lf_arena_array(&form->arena, view->schema_count, sizeof *form->plans);
    if (!form->plans)
        return lf_fail_memory(error);
    form->plan_count = view->schema_count;
    form->sides = lf_alloc(sizeof *form->sides);
    if (!form->sides)
        return lf_fail_memory(error);
    lf_sides_init(form->sides, view);
    return FEATURE_OK;
}

feature_status
lf_form_bind(struct lf_form *form, const struct lf_catalog *catalog,
             const struct lf_view *view, struct feature_error *error)
{
    lf_form_free(form);
    form->migration_count = 0;
    form->view = view;
    lf_rows_tree(view, form->tree);
    LF_TRY(bind_event(form, catalog, error));
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

feature_status
lf_form_fail(const struct lf_form *form, enum lf_tile_status status,
             struct feature_error *error)
{
    if (status == LF_TILE_OK)
        return FEATURE_OK;
    if (status == LF_TILE_MEMORY)
        return lf_fail_memory(error);
    if (form->sides)
        LF_TRY(lf_sides_failure(form->sides, error));
    if (status == LF_TILE_CORRUPT)
        return lf_fail(error, FEATURE_CORRUPT, "structure",
                       "its stored state is damaged in %s", form->view->name);
    return lf_fail(error, FEATURE_CORRUPT, "structure",
                   "the definitions of %s and its event do not fit each other",
                   form->view->name);
}

feature_status
lf_form_plan(struct lf_form *form, uint16_t version,
             const struct lf_tile_plan **plan, struct feature_error *error)
{
    const struct lf_view *view = form->view;
    struct lf_tile_plan **made;

    if (!lf_view_schema(view, version))
        return lf_fail(error, FEATURE_CORRUPT, "structure",
                       "a row of %s has schema version %u, which the catalog "
                       "does not know",
                       view->name, version);
    made = &form->plans[version - 1];
    if (!*made)
        LF_TRY(lf_form_fail(
            form, lf_tile_plan_make(made, form->event, view, version), error));
    *plan = *made;
    return FEATURE_OK;
}

static feature_status
use_state(struct lf_form *form, struct lf_state **slot, struct lf_state **state,
          struct feature_error *error)
{
    const struct lf_tile_plan *plan;

    if (!*slot) {
        LF_TRY(lf_form_plan(form, form->layout.version, &plan, error));
        *slot = lf_state_make(plan);
        if (!*slot)
            return lf_fail_memory(error);
    }
    lf_state_use_beside(*slot, &form->sides->beside);
    *state = *slot;
    return FEATURE_OK;
}

feature_status
lf_form_state(struct lf_form *form, struct lf_state **state,
              struct feature_error *error)
{
    return use_state(form, &form->state, state, error);
}

feature_status
lf_form_later(struct lf_form *form, struct lf_state **state,
              struct feature_error *error)
{
    return use_state(form, &form->later, state, error);
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
