/* SPDX-License-Identifier: Apache-2.0 */
/* From names to ids: items against a catalog, and the columns they give. */
#ifndef LF_MODEL_RESOLVE_H
#define LF_MODEL_RESOLVE_H

#include "model/names.h"
#include "model/parse.h"
#include "model/select.h"

/* An item with its names looked up, `*` expanded and every column named. */
struct lf_resolved_item {
    struct lf_service_item item; /* in arena */
    struct lf_place at;
    struct lf_place *places; /* of each selected feature */
};

/* NOT_FOUND says what the name is of, if it is not a view's. */
feature_status lf_find_view(const struct lf_catalog *catalog,
                            const struct lf_name *name,
                            const struct lf_view **view,
                            struct feature_error *error);

feature_status lf_resolve_item(const struct lf_catalog *catalog,
                               const struct lf_item_clause *clause,
                               struct lf_arena *arena,
                               struct lf_resolved_item *resolved,
                               struct feature_error *error);

/* A selection under construction. */
struct lf_selector {
    const struct lf_catalog *catalog;
    struct lf_selection *selection; /* owns all memory */
    const char **aliases;           /* of its views; NULL: none */
    struct lf_names keys;
    struct lf_names columns;
    struct feature_error *error;
};

/* Adds the lookup and the columns of one item. Without places, all of it is at
 * one place. */
feature_status lf_selector_add(struct lf_selector *selector,
                               const struct lf_service_item *item,
                               struct lf_place at,
                               const struct lf_place *places);

#endif
