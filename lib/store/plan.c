/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decode plans.
 *
 * Owns the translation of a query's fixed columns into slots of each schema
 * version, once per version and catalog, so that decoding looks up nothing.
 * Keeps a query's columns as they were created, whatever the catalog became.
 * Never reads a row.
 */
#include <string.h>

#include "base/alloc.h"
#include "store/query.h"

static feature_status
fail_gone(const struct lf_selection_view *view, const char *column,
          struct feature_error *error)
{
    return lf_fail(error, FEATURE_CONFLICT, "schema-changed",
                   "%s%s%s was dropped after the query was made", view->name,
                   column ? ": column " : "", column ? column : "");
}

static uint32_t
count_columns(const struct lf_selection *selection, uint32_t view)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < selection->column_count; i++)
        count += selection->columns[i].view == view;
    return count;
}

static feature_status
plan_column(const struct lf_plan *plan, uint32_t view, uint32_t index,
            struct lf_column_plan *column, struct feature_error *error)
{
    const struct lf_selection *selection = plan->query->selection;
    const struct lf_selection_column *asked = &selection->columns[index];
    const struct lf_feature *feature =
        lf_view_feature_by_id(plan->views[view].definition, asked->feature);

    if (!feature)
        return fail_gone(&selection->views[view], asked->name, error);
    *column = (struct lf_column_plan){
        .column = index,
        .feature = asked->feature,
        .type = asked->type,
        .floats = asked->floats,
        .fallback = feature->fallback,
        .stored = feature->type,
        .exact = lf_convert_exact(feature->type.code, asked->type.code),
        .cast = lf_convert_float(feature->type.code)};
    return FEATURE_OK;
}

/* What the columns of a view FROM an event are computed by. */
static feature_status
plan_event(struct lf_plan *plan, struct lf_view_plan *view,
           struct feature_error *error)
{
    if (!view->definition->event)
        return FEATURE_OK;
    view->event =
        lf_catalog_event_by_id(plan->catalog, view->definition->event);
    if (!view->event)
        return lf_fail(error, FEATURE_CORRUPT, "structure",
                       "feature view %s has no event", view->definition->name);
    view->features = lf_arena_array(&plan->arena, view->column_count,
                                    sizeof *view->features);
    view->sides = lf_arena_alloc(&plan->arena, sizeof *view->sides);
    if (!view->features || !view->sides)
        return lf_fail_memory(error);
    lf_sides_init(view->sides, view->definition);
    for (uint32_t i = 0; i < view->column_count; i++)
        view->features[i] =
            lf_view_feature_by_id(view->definition, view->columns[i].feature);
    return FEATURE_OK;
}

static feature_status
plan_view(struct lf_plan *plan, uint32_t index, struct feature_error *error)
{
    const struct lf_selection *selection = plan->query->selection;
    struct lf_view_plan *view = &plan->views[index];
    uint32_t next = 0;

    view->definition =
        lf_catalog_view_by_id(plan->catalog, selection->views[index].view);
    if (!view->definition)
        return fail_gone(&selection->views[index], NULL, error);
    lf_rows_tree(view->definition, view->tree);
    plan->trees[index] = view->tree;
    view->seed = lf_row_seed(view->definition->id);
    view->column_count = count_columns(selection, index);
    view->columns =
        lf_arena_array(&plan->arena, view->column_count, sizeof *view->columns);
    if (!view->columns)
        return lf_fail_memory(error);
    for (uint32_t i = 0; i < selection->column_count; i++)
        if (selection->columns[i].view == index)
            LF_TRY(plan_column(plan, index, i, &view->columns[next++], error));
    return plan_event(plan, view, error);
}

/* Views of one entity, asked by the same keys, share their encoded keys. */
static void
find_same_keys(struct lf_plan *plan, uint32_t index)
{
    const struct lf_selection_view *views = plan->query->selection->views;
    const struct lf_selection_view *view = &views[index];

    for (uint32_t i = 0; i <= index; i++)
        if (views[i].key_count == view->key_count &&
            memcmp(views[i].keys, view->keys,
                   view->key_count * sizeof *view->keys) == 0) {
            plan->views[index].same_keys = i;
            return;
        }
}

feature_status
lf_plan_create(const struct feature_query *query, struct lf_catalog *catalog,
               struct lf_plan **plan, struct feature_error *error)
{
    uint32_t count = query->selection->view_count;
    struct lf_plan *made = lf_alloc(sizeof *made);
    feature_status status = FEATURE_OK;

    if (!made)
        return lf_fail_memory(error);
    made->query = query;
    made->catalog = lf_catalog_hold(catalog);
    made->views = lf_arena_array(&made->arena, count, sizeof *made->views);
    made->trees = lf_arena_array(&made->arena, count, sizeof *made->trees);
    if (!made->views || !made->trees)
        status = lf_fail_memory(error);
    for (uint32_t i = 0; !status && i < count; i++) {
        status = plan_view(made, i, error);
        find_same_keys(made, i);
    }
    if (status) {
        lf_plan_free(made);
        return status;
    }
    *plan = made;
    return FEATURE_OK;
}

void
lf_plan_free(struct lf_plan *plan)
{
    uint32_t views;

    if (!plan)
        return;
    views = plan->query->selection->view_count;
    for (uint32_t i = 0; plan->views && i < views; i++) {
        for (struct lf_row_plan *rows = plan->views[i].rows; rows;
             rows = rows->next) {
            lf_reading_free(rows->reading);
            lf_tile_plan_free(rows->tiles);
        }
        if (plan->views[i].sides)
            lf_sides_free(plan->views[i].sides);
    }
    lf_catalog_release(plan->catalog);
    lf_arena_free(&plan->arena);
    lf_free(plan);
}

static void
plan_cell(const struct lf_layout *layout, const struct lf_column_plan *column,
          struct lf_cell_plan *cell)
{
    const struct lf_slot *slot;

    cell->slot = lf_layout_slot(layout, column->feature);
    if (cell->slot == LF_NO_SLOT)
        return;
    slot = &layout->slots[cell->slot];
    cell->offset = slot->offset;
    cell->type = slot->type;
    cell->exact = lf_convert_exact(slot->type.code, column->type.code);
    cell->cast = lf_convert_float(slot->type.code);
}

/* How the states of a schema version are read. What was made of it so far goes
 * with the plan. */
static feature_status
plan_tiles(const struct lf_view_plan *view, struct lf_row_plan *rows,
           struct feature_error *error)
{
    switch (lf_tile_plan_make(&rows->tiles, view->event, view->definition,
                              rows->layout.version)) {
    case LF_TILE_OK:
        break;
    case LF_TILE_MEMORY:
        return lf_fail_memory(error);
    case LF_TILE_CORRUPT:
    case LF_TILE_REFUSED:
    case LF_TILE_INVALID:
        return lf_fail(error, FEATURE_CORRUPT, "structure",
                       "feature view %s does not fit its event",
                       view->definition->name);
    }
    rows->reading =
        lf_reading_make(rows->tiles, view->features, view->column_count);
    if (!rows->reading)
        return lf_fail_memory(error);
    lf_reading_use_beside(rows->reading, &view->sides->beside);
    return FEATURE_OK;
}

static feature_status
plan_cells(struct lf_plan *plan, const struct lf_view_plan *view,
           const struct lf_schema *schema, struct lf_row_plan *rows,
           struct feature_error *error)
{
    rows->cells =
        lf_arena_array(&plan->arena, view->column_count, sizeof *rows->cells);
    if (!rows->cells || !lf_layout_init(&rows->layout, schema, &plan->arena))
        return lf_fail_memory(error);
    for (uint32_t i = 0; i < view->column_count; i++)
        plan_cell(&rows->layout, &view->columns[i], &rows->cells[i]);
    if (plan->query->is_matrix)
        LF_TRY(lf_matrix_plan(plan, view, rows, error));
    return FEATURE_OK;
}

/* A version that could not be planned is not one of the view's. */
static feature_status
plan_version(struct lf_plan *plan, const struct lf_view_plan *view,
             const struct lf_schema *schema, struct lf_row_plan *rows,
             struct feature_error *error)
{
    feature_status status;

    if (!view->event)
        return plan_cells(plan, view, schema, rows, error);
    rows->layout.version = schema->version;
    status = plan_tiles(view, rows, error);
    if (status) {
        lf_reading_free(rows->reading);
        lf_tile_plan_free(rows->tiles);
    }
    return status;
}

feature_status
lf_plan_rows(struct lf_plan *plan, struct lf_view_plan *view, uint16_t version,
             struct lf_row_plan **rows, struct feature_error *error)
{
    const struct lf_schema *schema;
    struct lf_row_plan *made;

    for (made = view->rows; made; made = made->next)
        if (made->layout.version == version)
            break;
    *rows = made;
    schema = made ? NULL : lf_view_schema(view->definition, version);
    if (!schema)
        return FEATURE_OK;
    made = lf_arena_alloc(&plan->arena, sizeof *made);
    if (!made)
        return lf_fail_memory(error);
    LF_TRY(plan_version(plan, view, schema, made, error));
    made->next = view->rows;
    view->rows = made;
    *rows = made;
    return FEATURE_OK;
}
