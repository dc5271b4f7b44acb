/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The catalog: every definition a store holds, as an immutable value.
 *
 * A catalog is made by lf_catalog_empty, by decoding stored records or by
 * applying a text to another catalog; from then on it never changes and any
 * thread may read it. All its memory lies in its own arena.
 */
#ifndef LF_MODEL_CATALOG_H
#define LF_MODEL_CATALOG_H

#include <stdatomic.h>

#include "base/buffer.h"
#include "model/rule.h"
#include "model/type.h"
#include "model/window.h"

#define LF_NAME_MAX     64          /* bytes of a name */
#define LF_KEYS_MAX     8           /* join keys of an entity */
#define LF_VIEWS_MAX    256         /* views of a store */
#define LF_FEATURES_MAX 4096        /* features of a view */
#define LF_TEXT_MAX     (1u << 20)  /* bytes of a definition text */
#define LF_WIDTH_MAX    65536       /* n of T[n] */
#define LF_SCHEMAS_MAX  65535       /* schema versions of a view */
#define LF_SKEW_NONE    INT64_MAX   /* max_skew = 'none' */
#define LF_SKEW_VIEW    86400000000 /* default max_skew: '1 day' */
#define LF_KEEP_MAX     8           /* keep_versions of a view */
#define LF_KEEP_DEFAULT 1

struct lf_join_key {
    const char *name;
    int32_t code; /* INT64, STRING or BYTES */
};

struct lf_entity {
    uint32_t id;
    const char *name;
    uint32_t key_count;
    struct lf_join_key *keys;
};

/* A literal as the row format stores the cell: little-endian elements for fixed
 * types, the bytes of the variable area (format/row.h) for others. */
struct lf_literal {
    bool is_set;
    uint32_t size;
    const uint8_t *bytes;
};

struct lf_feature {
    uint32_t id; /* stable within its view, never used again */
    const char *name;
    struct lf_type type;
    bool not_null;
    struct lf_literal fallback;     /* DEFAULT */
    struct lf_aggregate *aggregate; /* of a view FROM an event; NULL: none */
};

/* What a row written under one schema version holds: (feature id, type), in
 * order of feature id. Versions count from 1; the last one is current. */
struct lf_schema_field {
    uint32_t feature;
    struct lf_type type;
};

struct lf_schema {
    uint16_t version;
    uint32_t count;
    struct lf_schema_field *fields;
};

/* What a version of a view is to the store; the catalog knows those that serve. */
enum lf_standing {
    LF_SERVES,
    LF_STAGED, /* a load builds it, or has left it */
    LF_KEPT    /* it served */
};

struct lf_view {
    uint32_t id; /* unique in the store, never used again */
    const char *name;
    uint32_t entity;       /* id */
    uint32_t version;      /* store version: names rows/<view>/<version> */
    uint32_t next_feature; /* id of the next new feature */
    int64_t ttl;           /* microseconds; 0: none */
    int64_t history;       /* microseconds; 0: none */
    int64_t max_skew;      /* microseconds, or LF_SKEW_NONE */
    int64_t changes;       /* 1: change records hold the row before, too */
    int64_t keep_versions; /* earlier versions that a load leaves */
    uint32_t rule_count;
    struct lf_rule *rules; /* in order of definition */
    uint32_t feature_count;
    struct lf_feature *features; /* in order of definition */
    uint32_t schema_count;
    struct lf_schema *schemas;
    /* Of a view FROM an event alone. */
    uint32_t event;        /* id; 0: a view of rows */
    uint32_t *key_columns; /* of the event, one a join key */
    int64_t slack;
    int64_t zone; /* east of UTC */
    uint32_t retired_count;
    struct lf_feature *retired; /* dropped ones that schemas still name */
    enum lf_standing standing;  /* not stored */
};

/* One column a service or a query asks for. */
struct lf_selected {
    uint32_t feature; /* id */
    const char *as;   /* name of the column, before any alias */
};

struct lf_renamed_key {
    const char *key; /* join key of the view's entity */
    const char *as;
};

/* view(a, b AS c) AS alias (key AS other), with `*` expanded. */
struct lf_service_item {
    uint32_t view;     /* id */
    const char *alias; /* or NULL */
    uint32_t selected_count;
    struct lf_selected *selected;
    uint32_t renamed_count;
    struct lf_renamed_key *renamed;
};

struct lf_service {
    uint32_t id;
    const char *name;
    const char *written; /* canonical text of the list as written, with `*` */
    uint32_t item_count;
    struct lf_service_item *items;
};

struct lf_catalog {
    atomic_uint references;
    struct lf_arena arena;
    uint64_t version;      /* counts changes; 0: nothing was ever defined */
    uint32_t next_id;      /* of the next entity, event, view or service */
    int64_t changes;       /* STORE WITH (changes): microseconds; 0: not set */
    uint64_t changes_size; /* STORE WITH (changes_size): bytes; 0: not set */
    uint64_t max_size;     /* STORE WITH (max_size): bytes; 0: not set */
    uint32_t entity_count;
    struct lf_entity *entities; /* in order of id */
    uint32_t view_count;
    struct lf_view *views; /* in order of id */
    uint32_t service_count;
    struct lf_service *services; /* in order of id */
    uint32_t event_count;
    struct lf_event *events; /* in order of id */
};

/* One reference, version 0, next_id 1; NULL: no memory. */
struct lf_catalog *lf_catalog_empty(void);

/* A deep copy with one reference, that its maker may still change. */
struct lf_catalog *lf_catalog_copy(const struct lf_catalog *catalog);

struct lf_catalog *lf_catalog_hold(struct lf_catalog *catalog);
void lf_catalog_release(struct lf_catalog *catalog); /* NULL is fine */

/* Look-ups by name (ASCII, case matters) or id; NULL: not there. */
const struct lf_entity *lf_catalog_entity(const struct lf_catalog *catalog,
                                          const char *name);
const struct lf_view *lf_catalog_view(const struct lf_catalog *catalog,
                                      const char *name);
const struct lf_service *lf_catalog_service(const struct lf_catalog *catalog,
                                            const char *name);
const struct lf_event *lf_catalog_event(const struct lf_catalog *catalog,
                                        const char *name);
const struct lf_event *lf_catalog_event_by_id(const struct lf_catalog *catalog,
                                              uint32_t id);
const struct lf_entity *lf_catalog_entity_by_id(
    const struct lf_catalog *catalog, uint32_t id);
const struct lf_view *lf_catalog_view_by_id(const struct lf_catalog *catalog,
                                            uint32_t id);
const struct lf_feature *lf_view_feature(const struct lf_view *view,
                                         const char *name);
const struct lf_feature *lf_view_feature_by_id(const struct lf_view *view,
                                               uint32_t id);
const struct lf_schema *lf_view_schema(const struct lf_view *view,
                                       uint16_t version);
/* The schema that new rows are written under. */
const struct lf_schema *lf_view_current_schema(const struct lf_view *view);

/* The same feature, or a dropped one of a view FROM an event that an older
 * schema still names. */
const struct lf_feature *lf_view_definition(const struct lf_view *view,
                                            uint32_t id);

/* The first schema version that holds a feature; 0: none does. */
uint16_t lf_feature_since(const struct lf_view *view, uint32_t id);

/* The place of a column: LF_TIME_COLUMN for event_timestamp, LF_NO_COLUMN where
 * there is none of the name. */
uint32_t lf_event_column(const struct lf_event *event, const char *name);

/* Name and type of a column by its place; event_timestamp too. */
const char *lf_event_column_name(const struct lf_event *event, uint32_t column);
int32_t lf_event_column_code(const struct lf_event *event, uint32_t column);

#endif
