/* SPDX-License-Identifier: Apache-2.0 */
/* What the catalog says of a view that is written to. */
#ifndef LF_STORE_FORM_H
#define LF_STORE_FORM_H

#include "base/error.h"
#include "engine/engine.h"
#include "format/merge.h"

struct lf_history;

struct lf_form {
    const struct lf_view *view;
    char tree[LF_TREE_NAME_SIZE]; /* of its rows */
    struct lf_arena arena;
    struct lf_layout layout; /* of its current schema */
    uint32_t migration_count;
    struct lf_migration *migrations; /* room for all versions */
    struct lf_history *history;      /* history.c's; NULL so far */
};

/* Binds a form, zeroed or bound before, to a view whose catalog has to outlive
 * the binding. */
feature_status lf_form_bind(struct lf_form *form, const struct lf_view *view,
                            struct feature_error *error);
void lf_form_free(struct lf_form *form);

/* How rows of a schema version become cells of the current one; valid as long as
 * the form is bound. */
feature_status lf_form_migration(struct lf_form *form, uint16_t version,
                                 const struct lf_migration **migration,
                                 struct feature_error *error);

/* Whether rows of an older schema may have cells of features that are gone. */
bool lf_form_has_drops(const struct lf_form *form);

#endif
