/* SPDX-License-Identifier: Apache-2.0 */
/* Definition texts and queries before they are texts. */
#ifndef MODEL_DEFINITION_H
#define MODEL_DEFINITION_H

#include "value.h"

#define KEYS_MAX 3 /* join keys of an entity */

struct key_clause {
    const char *name;
    int32_t code;
};

struct feature_clause {
    const char *name;
    struct type type;
    bool not_null;
    struct value fallback;    /* DEFAULT; null: none */
    const char *renamed_from; /* or NULL */
};

struct selected_clause {
    const char *feature; /* NULL: `*` */
    const char *as;      /* or NULL */
};

struct renamed_clause {
    const char *key;
    const char *as;
};

/* view(a, b AS c) AS alias (key AS other), view:feature, or a bare name. */
struct item_clause {
    const char *name;
    bool is_bare;
    bool is_reference;
    const char *alias; /* or NULL */
    uint32_t selected_count;
    struct selected_clause *selected;
    uint32_t renamed_count;
    struct renamed_clause *renamed;
};

enum option { OPTION_TTL, OPTION_HISTORY, OPTION_MAX_SKEW, OPTION_CHANGES };
#define OPTIONS     4
#define OPTION_NONE INT64_C(-1) /* 'none' */

/* Microseconds, or OPTION_NONE; 0: left out. */
struct option_values {
    int64_t of[OPTIONS];
};

enum statement_kind {
    CREATE_ENTITY,
    CREATE_VIEW,
    CREATE_SERVICE,
    STORE_WITH,
    DROP_ENTITY,
    DROP_VIEW,
    DROP_SERVICE,
    DROP_FEATURE,
    NONSENSE /* bad syntax */
};

struct statement {
    enum statement_kind kind;
    const char *name;
    const char *entity;  /* CREATE_VIEW */
    const char *feature; /* DROP_FEATURE */
    uint32_t count;      /* of whichever of the following there are */
    struct key_clause *keys;
    struct feature_clause *features;
    struct item_clause *items;
    struct option_values options;
};

/* The style picks among ways to write the same: capitals, comments, units. */
void statements_print(struct text *text, const struct statement *statements,
                      uint32_t count, uint32_t style);
void items_print(struct text *text, const struct item_clause *items,
                 uint32_t count);

#endif
