/* SPDX-License-Identifier: Apache-2.0 */
/* What the model's store holds: definitions and, below its views, rows. */
#ifndef MODEL_CATALOG_H
#define MODEL_CATALOG_H

#include "definition.h"
#include "plant.h"

#define ENTITIES_MAX 6
#define VIEWS_MAX    8
#define SERVICES_MAX 6
#define FEATURES_MAX 80
#define COLUMNS_MAX  240 /* of a query */
#define ROLES_MAX    16

struct rows;

struct entity {
    uint32_t id;
    const char *name;
    uint32_t key_count;
    struct key_clause *keys;
};

struct feature {
    uint32_t id;
    const char *name;
    struct type type;
    bool not_null;
    struct value fallback; /* null: no DEFAULT */
};

struct view {
    uint32_t id;
    const char *name;
    uint32_t entity;
    int64_t ttl;           /* 0: none */
    int64_t history;       /* 0: none */
    int64_t history_since; /* commit time of the option; 0: it always was */
    int64_t max_skew;      /* OPTION_NONE: none */
    uint32_t next_feature;
    uint32_t feature_count;
    struct feature features[FEATURES_MAX];
    struct feature dropped; /* the last one, for a plant */
    struct rows *rows;
};

/* One item with its names looked up and `*` expanded. */
struct resolved_item {
    uint32_t view;              /* id */
    const char *alias;          /* or NULL */
    const char *keys[KEYS_MAX]; /* names after renaming */
    uint32_t count;
    uint32_t *features; /* ids */
    const char **names; /* of the columns, without the alias */
};

struct service {
    uint32_t id;
    const char *name;
    const char *written; /* canonical text of the list */
    uint32_t item_count;
    struct resolved_item *items;
};

/* A value: a copy is another catalog, save for the views' rows. */
struct catalog {
    uint64_t version;
    uint32_t next_id;
    int64_t changes;
    uint32_t entity_count;
    struct entity entities[ENTITIES_MAX];
    uint32_t view_count;
    struct view views[VIEWS_MAX];
    uint32_t service_count;
    struct service services[SERVICES_MAX];
};

/* A set of statuses that a call may answer: bit s for status s. Where a text
 * has several faults, any of them may be the one that is named. */
typedef uint32_t outcomes;
#define OUTCOME(status) (1u << (status))
#define OUTCOME_OK      OUTCOME(FEATURE_OK)
#define OUTCOME_BEYOND  (1u << 31) /* past the model's limits: skip the call */

const struct entity *find_entity(const struct catalog *catalog,
                                 const char *name);
const struct entity *find_entity_id(const struct catalog *catalog, uint32_t id);
struct view *find_view(struct catalog *catalog, const char *name);
struct view *find_view_id(struct catalog *catalog, uint32_t id);
const struct service *find_service(const struct catalog *catalog,
                                   const char *name);
struct feature *find_feature(struct view *view, const char *name);
struct feature *find_feature_id(struct view *view, uint32_t id);

/*
 * What the statements make of a catalog: OUTCOME_OK and *changed, or what may
 * be wrong with them; then *after means nothing. Rows are left alone: see
 * rows_follow().
 */
outcomes catalog_apply(struct arena *arena, const struct catalog *before,
                       const struct statement *statements, uint32_t count,
                       enum plant plant, struct catalog *after, bool *changed);

#endif
