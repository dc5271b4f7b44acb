/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Schema versions: what the rows of a view held, layout by layout.
 *
 * Owns the rule that one apply adds at most one version to a view.
 * Keeps the fields of a version in order of feature id.
 * Never touches an earlier version: rows are never rewritten.
 */
#include "model/evolve.h"

#include <stdlib.h>

#include "base/error.h"

static int
compare_fields(const void *left, const void *right)
{
    const struct lf_schema_field *a = left, *b = right;

    return (a->feature > b->feature) - (a->feature < b->feature);
}

static bool
has_room(const struct lf_view *view)
{
    uint64_t fields = view->feature_count;

    for (uint32_t i = 0; i < view->schema_count; i++)
        fields += view->schemas[i].count;
    return view->schema_count < LF_SCHEMAS_MAX &&
           fields <= LF_SCHEMA_FIELDS_MAX;
}

static feature_status
add_schema(struct lf_change *change, struct lf_view *view)
{
    struct lf_arena *arena = &change->after->arena;
    struct lf_schema made = {.version = (uint16_t)(view->schema_count + 1),
                             .count = view->feature_count};

    made.fields = lf_arena_array(arena, made.count, sizeof *made.fields);
    view->schemas = lf_list_extend(arena, view->schemas, view->schema_count, 1,
                                   sizeof *view->schemas);
    if (!made.fields || !view->schemas)
        return lf_fail_memory(change->error);
    for (uint32_t i = 0; i < made.count; i++) {
        made.fields[i].feature = view->features[i].id;
        made.fields[i].type = view->features[i].type;
    }
    qsort(made.fields, made.count, sizeof *made.fields, compare_fields);
    view->schemas[view->schema_count++] = made;
    return FEATURE_OK;
}

feature_status
lf_evolve_schemas(struct lf_change *change)
{
    for (uint32_t i = 0; i < change->after->view_count; i++) {
        const struct lf_view_change *of_view = &change->views[i];
        struct lf_view *view = &change->after->views[i];

        if (!of_view->layout_changed)
            continue;
        if (view->event)
            LF_TRY(lf_check_hops(change, view, of_view));
        if (view->feature_count > LF_FEATURES_MAX)
            return lf_change_conflict(change, of_view->statement->name.at,
                                      "%s would have %u features; %d is the "
                                      "most",
                                      view->name, view->feature_count,
                                      LF_FEATURES_MAX);
        if (!has_room(view))
            return lf_change_conflict(change, of_view->changed_at,
                                      "the schema versions of %s are used up: "
                                      "create a new feature view",
                                      view->name);
        LF_TRY(add_schema(change, view));
    }
    return FEATURE_OK;
}
