/* SPDX-License-Identifier: Apache-2.0 */
/* Prepared reads: what was asked, and how to decode it under a catalog. */
#ifndef LF_STORE_QUERY_H
#define LF_STORE_QUERY_H

#include "format/convert.h"
#include "format/state.h"
#include "model/select.h"
#include "store/matrix.h"
#include "store/sides.h"
#include "store/store.h"

/* Immutable after creation, but for its holders. */
struct feature_query {
    atomic_uint holders; /* its maker, and each stream that reads it */
    feature_store *store;
    struct lf_selection *selection;
    int32_t fill;
    bool is_matrix;
    int64_t known_by; /* 0: all commits count */
    uint32_t matrix_width;
    uint32_t *matrix_offsets; /* per column, in floats; in selection->arena */
    uint64_t fingerprint;
};

/* A query of an event's columns, as if it were a view: text names it first, of
 * its values nothing is stored as rows. Within lf_store_enter. */
feature_status lf_query_of_event(feature_store *store,
                                 const struct lf_event *event, const char *text,
                                 feature_query **query,
                                 struct feature_error *error);

/* The same query, to be freed once more: by feature_query_free(). */
feature_query *lf_query_hold(const feature_query *query);

/* How one column comes out of the rows of one schema version. */
struct lf_cell_plan {
    uint32_t slot; /* LF_NO_SLOT: the version lacks the feature */
    uint32_t offset;
    struct lf_type type; /* as stored */
    lf_convert exact;    /* to the column's element type; NULL: as bytes */
    lf_convert cast;     /* to float; NULL: no number */
};

/* One schema version of one view. */
struct lf_row_plan {
    struct lf_row_plan *next;
    struct lf_layout layout;
    struct lf_tile_plan *tiles; /* of a view FROM an event, and nothing below */
    struct lf_reading *reading;
    struct lf_cell_plan *cells;   /* per column of the view */
    struct lf_matrix_plan matrix; /* of a MATRIX query */
};

/* One column under the present catalog. */
struct lf_column_plan {
    uint32_t column;            /* index in the selection */
    uint32_t feature;           /* id */
    struct lf_type type;        /* as answered */
    uint32_t floats;            /* in a row of a matrix */
    struct lf_literal fallback; /* DEFAULT, in the feature's present type */
    lf_convert exact, cast;     /* of the DEFAULT */
    struct lf_type stored;      /* present type of the feature */
};

struct lf_view_plan {
    const struct lf_view *definition;
    char tree[LF_TREE_NAME_SIZE];
    uint32_t seed; /* of row checksums */
    uint32_t column_count;
    struct lf_column_plan *columns;
    struct lf_row_plan *rows;           /* versions met so far */
    const struct lf_event *event;       /* NULL: a view of rows */
    const struct lf_feature **features; /* of the columns, if FROM an event */
    struct lf_sides *sides;             /* NULL: a view of rows */
    uint32_t same_keys; /* the first view with the same keys: encoded once */
};

/* Everything that depends on the catalog. Owned by one request. */
struct lf_plan {
    struct lf_arena arena;
    struct lf_catalog *catalog;
    const struct feature_query *query;
    struct lf_view_plan *views;
    const char **trees;
};

/* Plans a query under a catalog, of which the plan takes a reference. CONFLICT
 * `schema-changed` where a feature is gone. */
feature_status lf_plan_create(const struct feature_query *query,
                              struct lf_catalog *catalog, struct lf_plan **plan,
                              struct feature_error *error);
void lf_plan_free(struct lf_plan *plan); /* NULL is fine */

/* Whether a row is of the kind of its view: a window's state, or cells. */
static inline bool
lf_plan_fits(const struct lf_view_plan *view, const struct lf_row *row)
{
    return (row->flags & LF_ROW_TOMBSTONE) ||
           !view->event == !(row->flags & LF_ROW_WINDOW);
}

/* The decoding of a schema version; NULL in *rows: the catalog has none. */
feature_status lf_plan_rows(struct lf_plan *plan, struct lf_view_plan *view,
                            uint16_t version, struct lf_row_plan **rows,
                            struct feature_error *error);

#endif
