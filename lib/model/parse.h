/* SPDX-License-Identifier: Apache-2.0 */
/* Definition texts as statements: what was written, not yet what it means. */
#ifndef LF_MODEL_PARSE_H
#define LF_MODEL_PARSE_H

#include "model/catalog.h"
#include "model/lexer.h"

#define LF_COLUMNS_MAX 65536 /* columns of a query or a service */
#define LF_ITEMS_MAX   4096  /* items of a query or a service */

struct lf_key_clause {
    struct lf_name name;
    int32_t code;
};

struct lf_feature_clause {
    struct lf_name name;
    struct lf_type type;
    bool not_null;
    struct lf_literal fallback;
    struct lf_name renamed_from;
};

/* feature AS name; feature.text is NULL for `*`. */
struct lf_selected_clause {
    struct lf_name feature;
    struct lf_name as;
};

struct lf_renamed_clause {
    struct lf_name key;
    struct lf_name as;
};

/* view(a, b AS c) AS alias (key AS other), or a bare name. */
struct lf_item_clause {
    struct lf_name view;
    bool is_bare;
    struct lf_name alias;
    uint32_t selected_count;
    struct lf_selected_clause *selected;
    uint32_t renamed_count;
    struct lf_renamed_clause *renamed;
};

enum lf_option {
    LF_OPTION_TTL,
    LF_OPTION_HISTORY,
    LF_OPTION_MAX_SKEW,
    LF_OPTION_VIEW_CHANGES,
    LF_OPTION_CHANGES,
    LF_OPTION_CHANGES_SIZE,
    LF_OPTION_MAX_SIZE,
    LF_OPTION_COUNT
};

/* As the catalog keeps it, 'none' too. */
struct lf_option_clause {
    bool is_set;
    int64_t value;
};

enum lf_statement_kind {
    LF_CREATE_ENTITY,
    LF_CREATE_VIEW,
    LF_CREATE_SERVICE,
    LF_STORE_WITH,
    LF_DROP_ENTITY,
    LF_DROP_EVENT,
    LF_DROP_VIEW,
    LF_DROP_SERVICE,
    LF_DROP_FEATURE
};

struct lf_statement {
    enum lf_statement_kind kind;
    struct lf_place at;     /* of its first word */
    struct lf_name name;    /* of what it creates or drops; of the view */
    struct lf_name entity;  /* LF_CREATE_VIEW: FOR */
    struct lf_name feature; /* LF_DROP_FEATURE */
    uint32_t count;         /* of whichever of the following there are */
    struct lf_key_clause *keys;
    struct lf_feature_clause *features;
    struct lf_item_clause *items;
    struct lf_option_clause options[LF_OPTION_COUNT];
};

struct lf_definitions {
    uint32_t count;
    struct lf_statement *statements;
};

/* Parses a whole text into arena. */
feature_status lf_parse_definitions(const char *text, struct lf_arena *arena,
                                    struct lf_definitions *definitions,
                                    struct feature_error *error);

/* Parses `item, item...` as far as it goes. */
feature_status lf_parse_items(struct lf_lexer *lexer, struct lf_arena *arena,
                              struct lf_item_clause **items, uint32_t *count);

/* Prints items in canonical form, with `*` as written. */
void lf_items_print(struct lf_text *text, const struct lf_item_clause *items,
                    uint32_t count);

feature_status lf_parse_type(struct lf_lexer *lexer, struct lf_type *type);

/* Parses (name = '...', ...) of a view, or of the store. */
feature_status lf_parse_options(struct lf_lexer *lexer, struct lf_arena *arena,
                                bool of_store,
                                struct lf_option_clause *options);

/* "ttl", and its value as a text of the language: '2 hours'. */
const char *lf_option_name(enum lf_option option);
void lf_option_print(struct lf_text *text, enum lf_option option,
                     int64_t value);

#endif
