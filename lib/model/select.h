/* SPDX-License-Identifier: Apache-2.0 */
/* Selections: what the text of a query means in a catalog. */
#ifndef LF_MODEL_SELECT_H
#define LF_MODEL_SELECT_H

#include "model/catalog.h"

/* One join key a request has to bring. */
struct lf_selection_key {
    const char *name; /* after renaming */
    int32_t code;
};

/* One lookup per row: a view, in one role. Items of the same view, alias and
 * renamed keys share one. */
struct lf_selection_view {
    uint32_t view;    /* id */
    const char *name; /* the alias, or the view's name */
    uint32_t key_count;
    uint32_t *keys; /* for each join key of the entity, in order: index into
                       the selection's keys */
};

/* One answered column. */
struct lf_selection_column {
    const char *name; /* feature, given name, or alias__ before either */
    uint32_t view;    /* index into the selection's views */
    uint32_t feature; /* id */
    struct lf_type type;
    bool not_null;
    uint32_t floats; /* in a row of a matrix; 0: a matrix cannot hold it */
};

struct lf_selection {
    struct lf_arena arena;
    uint32_t key_count;
    struct lf_selection_key *keys; /* in order of first use */
    uint32_t view_count;
    struct lf_selection_view *views;
    uint32_t column_count;
    struct lf_selection_column *columns;
};

/*
 * Resolves the text of a query: `view:feature` (also `view:feature AS name` and
 * `view:*`), `view(...) AS alias (key AS other)` with `*`, and services by
 * name, separated by commas. The result is owned by the caller and holds no
 * pointer into the catalog. Errors carry line and column.
 */
feature_status lf_select(const struct lf_catalog *catalog, const char *text,
                         struct lf_selection **selection,
                         struct feature_error *error);

void lf_selection_free(struct lf_selection *selection); /* NULL is fine */

/* A catalog in which an event, and nothing else, is a view without keys, of the
 * event's id, whose features are its columns; NULL: no memory. Feature ids are
 * places of columns, schema versions how many there were, as in payloads. */
struct lf_catalog *lf_event_catalog(const struct lf_event *event);

/* The event that the text of a query begins with the name of; NULL: none. */
const struct lf_event *lf_event_of_text(const struct lf_catalog *catalog,
                                        const char *text);

/* The names of a list such as `driver_id, event_timestamp, conv_rate`, in
 * arena; positions are the byte columns, from 1. At least one name. */
feature_status lf_name_list(struct lf_arena *arena, const char *text,
                            const char ***names, uint32_t **positions,
                            uint32_t *count, struct feature_error *error);

/* The candidate nearest to a misspelt name, or NULL where none is near. */
const char *lf_suggest(const char *name, const char *const *candidates,
                       size_t count);

#endif
