/* SPDX-License-Identifier: Apache-2.0 */
/* Selections: what a query asks for. */
#ifndef MODEL_SELECT_H
#define MODEL_SELECT_H

#include "catalog.h"

struct role {
    uint32_t view;     /* id */
    const char *alias; /* or NULL */
    const char *name;  /* the alias, or the view's name */
    uint32_t key_count;
    uint32_t keys[KEYS_MAX]; /* indices into the selection's */
};

struct column {
    const char *name;
    uint32_t role;
    uint32_t feature; /* id */
    struct type type; /* when the query was made */
    bool not_null;
};

struct selection {
    uint32_t key_count;
    struct key_clause keys[ROLES_MAX * KEYS_MAX];
    uint32_t role_count;
    struct role roles[ROLES_MAX];
    uint32_t column_count;
    struct column columns[COLUMNS_MAX];
};

outcomes resolve_item(struct arena *arena, struct catalog *catalog,
                      const struct item_clause *clause,
                      struct resolved_item *resolved);

/* Adds the lookup and the columns of one item. */
outcomes selection_add(struct arena *arena, struct catalog *catalog,
                       const struct resolved_item *item,
                       struct selection *selection);

/* What a query of these items is: OUTCOME_OK, or what may be wrong. */
outcomes select_items(struct arena *arena, struct catalog *catalog,
                      const struct item_clause *items, uint32_t count,
                      bool is_matrix, struct selection *selection);

#endif
