/* SPDX-License-Identifier: Apache-2.0 */
/* What the catalog says of a view that is written to. */
#ifndef LF_STORE_FORM_H
#define LF_STORE_FORM_H

#include "base/error.h"
#include "engine/engine.h"
#include "format/merge.h"
#include "format/tiles.h"

struct lf_history;
struct lf_sides;
struct lf_state;

struct lf_form {
    const struct lf_view *view;
    char tree[LF_TREE_NAME_SIZE]; /* of its rows */
    struct lf_arena arena;
    struct lf_layout layout; /* of its current schema */
    uint32_t migration_count;
    struct lf_migration *migrations; /* room for all versions */
    struct lf_history *history;      /* history.c's; NULL so far */
    /* Of a view FROM an event alone. */
    const struct lf_event *event; /* NULL: a view of rows */
    uint32_t key_count;           /* of view->key_columns */
    uint32_t plan_count;          /* schema versions */
    struct lf_tile_plan **plans;  /* of them; NULL so far */
    struct lf_state *state;       /* of the current one; NULL so far */
    struct lf_state *later;       /* another, to merge with; NULL so far */
    struct lf_sides *sides;       /* their wide states */
};

/* Binds a form, zeroed or bound before, to a view of a catalog that has to
 * outlive the binding. */
feature_status lf_form_bind(struct lf_form *form,
                            const struct lf_catalog *catalog,
                            const struct lf_view *view,
                            struct feature_error *error);
void lf_form_free(struct lf_form *form);

/* The plan of a schema version of a view FROM an event; valid as long as the
 * form is bound. */
feature_status lf_form_plan(struct lf_form *form, uint16_t version,
                            const struct lf_tile_plan **plan,
                            struct feature_error *error);

/* A state of the current version's plan, used for key after key. */
feature_status lf_form_state(struct lf_form *form, struct lf_state **state,
                             struct feature_error *error);

/* Another one beside it. */
feature_status lf_form_later(struct lf_form *form, struct lf_state **state,
                             struct feature_error *error);

/* What a kernel's status is for a key of the view; OK is OK. */
feature_status lf_form_fail(const struct lf_form *form,
                            enum lf_tile_status status,
                            struct feature_error *error);

/* How rows of a schema version become cells of the current one; valid as long as
 * the form is bound. */
feature_status lf_form_migration(struct lf_form *form, uint16_t version,
                                 const struct lf_migration **migration,
                                 struct feature_error *error);

/* Whether rows of an older schema may have cells of features that are gone. */
bool lf_form_has_drops(const struct lf_form *form);

#endif
