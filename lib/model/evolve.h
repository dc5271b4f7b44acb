/* SPDX-License-Identifier: Apache-2.0 */
/* A text on its way into a catalog. */
#ifndef LF_MODEL_EVOLVE_H
#define LF_MODEL_EVOLVE_H

#include "model/names.h"
#include "model/parse.h"

#define LF_ENTITIES_MAX      4096
#define LF_SERVICES_MAX      4096
#define LF_EVENTS_MAX        4096
#define LF_SCHEMA_FIELDS_MAX (1u << 22) /* of all schema versions of a view */

/* What the text says about one view. */
struct lf_view_change {
    const struct lf_statement *statement; /* CREATE; NULL: not in the text */
    struct lf_names declared;             /* features of the statement */
    bool is_new;
    bool layout_changed;
    struct lf_place changed_at; /* if it did */
};

struct lf_change {
    struct lf_catalog *after;     /* a copy that changes */
    struct lf_arena *scratch;     /* lives as long as the change */
    struct lf_view_change *views; /* for each view of after */
    struct lf_text lines;
    uint32_t count; /* changes so far */
    struct feature_error *error;
};

/* Counts a change and adds its line. */
void lf_change_add(struct lf_change *change, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Fails at a name as FEATURE_CONFLICT. */
feature_status lf_change_conflict(const struct lf_change *change,
                                  struct lf_place at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Fails at a name as FEATURE_INVALID. */
feature_status lf_change_invalid(const struct lf_change *change,
                                 struct lf_place at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Fails as FEATURE_CONFLICT: an option that never changes would. */
feature_status lf_change_fixed(const struct lf_change *change,
                               const struct lf_option_clause *clause,
                               enum lf_option option, const char *name,
                               int64_t old);

/* The next id of an entity, an event, a view or a service. */
feature_status lf_change_take_id(struct lf_change *change, uint32_t *id);

/* Creates an entity, or finds that it is there already. */
feature_status lf_evolve_entity(struct lf_change *change,
                                const struct lf_statement *statement);

/* Creates an event, or adds columns to it. */
feature_status lf_evolve_event(struct lf_change *change,
                               const struct lf_statement *statement);

/* What a view is FROM. */
struct lf_origin {
    const struct lf_event *event; /* NULL: a view of rows */
    uint32_t *key_columns;        /* one a join key of the entity */
};

/* Looks up what a statement of a view FROM an event names: its event, the
 * columns of join keys, and of each feature the aggregate, the type and the
 * DEFAULT. They are in a copy of the statement. */
feature_status lf_resolve_origin(struct lf_change *change,
                                 const struct lf_entity *entity,
                                 const struct lf_statement **statement,
                                 struct lf_origin *origin);

/* Checks that an existing view is FROM the same. */
feature_status lf_check_origin(const struct lf_change *change,
                               const struct lf_statement *statement,
                               const struct lf_view *view,
                               const struct lf_origin *origin);

/* Checks that the hops of a view form one chain. */
feature_status lf_check_hops(const struct lf_change *change,
                             const struct lf_view *view,
                             const struct lf_view_change *of_view);

/* Whether the aggregates are the same, or FEATURE_CONFLICT. */
feature_status lf_check_aggregate(const struct lf_change *change,
                                  const struct lf_view *view,
                                  const struct lf_feature *feature,
                                  const struct lf_feature_clause *clause);

/* Adds the line of a new feature with an aggregate. */
void lf_report_window(struct lf_change *change, const struct lf_view *view,
                      const struct lf_feature *feature);

/* Makes a view what a CREATE statement says. */
feature_status lf_evolve_view(struct lf_change *change,
                              const struct lf_statement *statement);

/* Makes the quality rules of a view, whose features are done, what its
 * statement says. */
feature_status lf_evolve_rules(struct lf_change *change, struct lf_view *view,
                               const struct lf_view_change *of_view,
                               const struct lf_entity *entity);

/* DROP, in the order of their effect: what is absent is no change. */
feature_status lf_drop_service(struct lf_change *change,
                               const struct lf_statement *statement);
feature_status lf_drop_view(struct lf_change *change,
                            const struct lf_statement *statement);
feature_status lf_drop_event(struct lf_change *change,
                             const struct lf_statement *statement);
feature_status lf_drop_entity(struct lf_change *change,
                              const struct lf_statement *statement);
feature_status lf_drop_feature(struct lf_change *change,
                               const struct lf_statement *statement);

/* Adds a schema version to each view whose layout changed. */
feature_status lf_evolve_schemas(struct lf_change *change);

/* The feature of keys beside one with BY, or the feature beside its keys. NULL:
 * it has none. */
const struct lf_feature *lf_feature_pair(const struct lf_view *view,
                                         const struct lf_feature *feature);

/* Creates a service, or finds that it is there already. */
feature_status lf_evolve_service(struct lf_change *change,
                                 const struct lf_statement *statement);

/* The service that uses a view (feature 0) or one of its features, or NULL. */
const struct lf_service *lf_service_using(const struct lf_catalog *catalog,
                                          uint32_t view, uint32_t feature);

/* Prints an item as a service holds it. */
void lf_service_item_print(struct lf_text *text,
                           const struct lf_catalog *catalog,
                           const struct lf_service_item *item);

#endif
