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

/* column op literals; a literal is read once its column's type is known. */
struct lf_term_clause {
    struct lf_name column;
    struct lf_place op_at;
    enum lf_operator op;
    uint32_t count;
    struct lf_lexer *literals;
};

/* An aggregate whose columns are names yet. */
struct lf_aggregate_clause {
    struct lf_aggregate made; /* all that needs no event */
    struct lf_name column;    /* text NULL: COUNT(*) */
    struct lf_name by;
    uint32_t term_count;
    struct lf_term_clause *terms;
    struct lf_place window_at; /* or of the aggregate, where there is no OVER */
    bool has_fallback;
    struct lf_lexer fallback;
};

struct lf_feature_clause {
    struct lf_name name;
    struct lf_type type;
    bool not_null;
    struct lf_literal fallback;
    struct lf_name renamed_from;
    struct lf_aggregate_clause *written; /* name = AGGREGATE(...); or NULL */
    struct lf_aggregate *aggregate;      /* the same, once columns are known */
};

struct lf_column_clause {
    struct lf_name name;
    int32_t code;
};

/* key = column, of a view FROM an event. */
struct lf_source_clause {
    struct lf_name key;
    struct lf_name column;
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
    LF_OPTION_KEEP_VERSIONS,
    LF_OPTION_CHECK,
    LF_OPTION_SLACK,
    LF_OPTION_ZONE,
    LF_OPTION_EVENT_SKEW,
    LF_OPTION_DEDUPE,
    LF_OPTION_DEDUPE_FOR,
    LF_OPTION_CHANGES,
    LF_OPTION_CHANGES_SIZE,
    LF_OPTION_MAX_SIZE,
    LF_OPTION_COUNT
};

/* Whose WITH an option stands in. */
enum lf_option_owner { LF_OF_STORE, LF_OF_VIEW, LF_OF_EVENT };

/* A rule whose feature or join key is a name yet. */
struct lf_rule_clause {
    struct lf_place at;
    struct lf_name name; /* text NULL: none */
    struct lf_rule made; /* all that needs no view */
};

/* As the catalog keeps it, 'none' too. */
struct lf_option_clause {
    bool is_set;
    int64_t value;
    struct lf_place at;
    struct lf_name name; /* of a column, in place of a value */
    uint32_t rule_count; /* in place of a value */
    struct lf_rule_clause *rules;
};

enum lf_statement_kind {
    LF_CREATE_ENTITY,
    LF_CREATE_EVENT,
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
    struct lf_name event;   /* LF_CREATE_VIEW: FROM; text NULL: none */
    struct lf_name feature; /* LF_DROP_FEATURE */
    uint32_t source_count;  /* LF_CREATE_VIEW: FOR entity (key = column) */
    struct lf_source_clause *sources;
    uint32_t count; /* of whichever of the following there are */
    struct lf_key_clause *keys;
    struct lf_column_clause *columns;
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

/* Parses (name = '...', ...). */
feature_status lf_parse_options(struct lf_lexer *lexer, struct lf_arena *arena,
                                enum lf_option_owner owner,
                                struct lf_option_clause *options);

/* Parses the value of check, which is a string of rules. */
feature_status lf_parse_rules(struct lf_lexer *lexer, struct lf_arena *arena,
                              struct lf_option_clause *option);

/* Parses the rest of CREATE EVENT. */
feature_status lf_parse_event(struct lf_lexer *lexer, struct lf_arena *arena,
                              struct lf_statement *statement);

/* Parses (key = column, ...) of a view FROM an event. */
feature_status lf_parse_sources(struct lf_lexer *lexer, struct lf_arena *arena,
                                struct lf_statement *statement);

/* Checks a view's clauses against whether it is FROM an event. */
feature_status lf_check_view(const struct lf_lexer *lexer,
                             const struct lf_statement *statement);

/* Parses what follows `name =`. */
feature_status lf_parse_aggregate(struct lf_lexer *lexer,
                                  struct lf_arena *arena,
                                  struct lf_feature_clause *feature);

/* Parses what follows WHERE. */
feature_status lf_parse_condition(struct lf_lexer *lexer,
                                  struct lf_arena *arena,
                                  struct lf_aggregate_clause *clause);

/* Parses what follows OVER. */
feature_status lf_parse_window(struct lf_lexer *lexer, struct lf_arena *arena,
                               struct lf_aggregate_clause *clause);

/* Goes past a value of any type, which it keeps the place of. */
feature_status lf_parse_value_place(struct lf_lexer *lexer,
                                    struct lf_lexer *place);

/* "ttl", and its value as a text of the language: '2 hours'. */
const char *lf_option_name(enum lf_option option);
void lf_option_print(struct lf_text *text, enum lf_option option,
                     int64_t value);

#endif
