/* SPDX-License-Identifier: Apache-2.0 */
/* A text on its way into a catalog. */
#ifndef LF_MODEL_EVOLVE_H
#define LF_MODEL_EVOLVE_H

#include "model/names.h"
#include "model/parse.h"

#define LF_ENTITIES_MAX      4096
#define LF_SERVICES_MAX      4096
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

/* The next id of an entity, a view or a service. */
feature_status lf_change_take_id(struct lf_change *change, uint32_t *id);

/* Creates an entity, or finds that it is there already. */
feature_status lf_evolve_entity(struct lf_change *change,
                                const struct lf_statement *statement);

/* Makes a view what a CREATE statement says. */
feature_status lf_evolve_view(struct lf_change *change,
                              const struct lf_statement *statement);

/* DROP, in the order of their effect: what is absent is no change. */
feature_status lf_drop_service(struct lf_change *change,
                               const struct lf_statement *statement);
feature_status lf_drop_view(struct lf_change *change,
                            const struct lf_statement *statement);
feature_status lf_drop_entity(struct lf_change *change,
                              const struct lf_statement *statement);
feature_status lf_drop_feature(struct lf_change *change,
                               const struct lf_statement *statement);

/* Adds a schema version to each view whose layout changed. */
feature_status lf_evolve_schemas(struct lf_change *change);

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
