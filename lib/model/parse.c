/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Statements of the definition language.
 *
 * Owns the grammar: every rule is one function, and no rule contains itself,
 * so that nesting ends with the grammar, two parentheses deep.
 * Keeps what was written, in the order it was written, with its place.
 * Never knows what a store holds.
 */
#include "model/parse.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "model/literal.h"
#include "model/names.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static feature_status
check_not_reserved(const struct lf_lexer *start, const struct lf_name *name)
{
    if (strcmp(name->text, "event_timestamp") != 0)
        return FEATURE_OK;
    return lf_lexer_fail(start, "the name event_timestamp is reserved");
}

static feature_status
parse_key(struct lf_lexer *lexer, struct lf_arena *arena,
          struct lf_key_clause *key)
{
    struct lf_lexer start = *lexer;
    char name[LF_TYPE_NAME_SIZE];
    struct lf_type type;

    LF_TRY(
        lf_lexer_take_name(lexer, arena, "the name of a join key", &key->name));
    LF_TRY(check_not_reserved(&start, &key->name));
    start = *lexer;
    LF_TRY(lf_parse_type(lexer, &type));
    key->code = type.code;
    if (type.code == FEATURE_TYPE_INT32 && type.width == 1 && !type.is_list)
        return lf_lexer_fail(&start, "a join key cannot be INT32; write INT64, "
                                     "INT32 values widen to it");
    if (type.width > 1 || type.is_list ||
        (type.code != FEATURE_TYPE_INT64 && type.code != FEATURE_TYPE_STRING &&
         type.code != FEATURE_TYPE_BYTES))
        return lf_lexer_fail(&start,
                             "a join key is INT64, STRING or BYTES, not %s",
                             lf_type_name(name, type));
    return FEATURE_OK;
}

/* key TYPE, ... */
static feature_status
parse_keys(struct lf_lexer *lexer, struct lf_arena *arena,
           struct lf_statement *statement)
{
    bool more = true;

    statement->keys =
        lf_arena_array(arena, LF_KEYS_MAX, sizeof *statement->keys);
    if (!statement->keys)
        return lf_fail_memory(lexer->error);
    while (more) {
        struct lf_key_clause *key = &statement->keys[statement->count];
        struct lf_lexer start = *lexer;

        if (statement->count == LF_KEYS_MAX)
            return lf_lexer_fail(lexer, "an entity has at most %d join keys",
                                 LF_KEYS_MAX);
        LF_TRY(parse_key(lexer, arena, key));
        for (uint32_t i = 0; i < statement->count; i++)
            if (!strcmp(statement->keys[i].name.text, key->name.text))
                return lf_lexer_fail(&start, "the join key %s is here twice",
                                     key->name.text);
        statement->count++;
        LF_TRY(lf_lexer_skip_mark(lexer, ',', &more));
    }
    return FEATURE_OK;
}

static feature_status
parse_create_entity(struct lf_lexer *lexer, struct lf_arena *arena,
                    struct lf_statement *statement)
{
    statement->kind = LF_CREATE_ENTITY;
    LF_TRY(lf_lexer_take_name(lexer, arena, "the name of an entity",
                              &statement->name));
    LF_TRY(lf_lexer_take_mark(lexer, '('));
    LF_TRY(parse_keys(lexer, arena, statement));
    if (!lf_lexer_is_mark(lexer, ')'))
        return lf_lexer_expected(lexer, "\",\" or \")\"");
    return lf_lexer_next(lexer);
}

#define SEEN_DEFAULT 2u

/* One of NOT NULL, DEFAULT and RENAMED FROM; seen has a bit for each. */
static feature_status
parse_feature_clause(struct lf_lexer *lexer, struct lf_arena *arena,
                     struct lf_feature_clause *feature, unsigned *seen)
{
    static const char *const words[] = {"NOT", "DEFAULT", "RENAMED"};
    unsigned clause = 0;

    while (clause < COUNT(words) && !lf_lexer_is_word(lexer, words[clause]))
        clause++;
    if (clause == COUNT(words))
        return lf_lexer_expected_word(
            lexer, "NOT NULL, DEFAULT, RENAMED FROM, \",\" or \")\"", words,
            COUNT(words));
    if (*seen & 1u << clause)
        return lf_lexer_fail(lexer, "%s is here twice", words[clause]);
    *seen |= 1u << clause;
    LF_TRY(lf_lexer_next(lexer));
    if (clause == 0) {
        feature->not_null = true;
        return lf_lexer_take_word(lexer, "NULL");
    }
    if (clause == 1)
        return lf_literal_parse(lexer, feature->type, arena,
                                &feature->fallback);
    LF_TRY(lf_lexer_take_word(lexer, "FROM"));
    return lf_lexer_take_name(lexer, arena, "the name it had",
                              &feature->renamed_from);
}

static feature_status
parse_feature(struct lf_lexer *lexer, struct lf_arena *arena,
              struct lf_feature_clause *feature)
{
    struct lf_lexer start = *lexer, fallback = *lexer;
    unsigned seen = 0;

    LF_TRY(lf_lexer_take_name(lexer, arena, "the name of a feature",
                              &feature->name));
    LF_TRY(check_not_reserved(&start, &feature->name));
    if (lf_lexer_is_mark(lexer, '=')) {
        LF_TRY(lf_lexer_next(lexer));
        return lf_parse_aggregate(lexer, arena, feature);
    }
    LF_TRY(lf_parse_type(lexer, &feature->type));
    while (!lf_lexer_is_mark(lexer, ',') && !lf_lexer_is_mark(lexer, ')')) {
        if (lf_lexer_is_word(lexer, "DEFAULT"))
            fallback = *lexer;
        LF_TRY(parse_feature_clause(lexer, arena, feature, &seen));
    }
    if (feature->not_null && seen & SEEN_DEFAULT && !feature->fallback.is_set)
        return lf_lexer_fail(&fallback,
                             "%s is NOT NULL: DEFAULT NULL is no "
                             "default for it",
                             feature->name.text);
    return FEATURE_OK;
}

static feature_status
suffix_keys(struct lf_lexer *lexer, struct lf_arena *arena,
            struct lf_name *name)
{
    char made[LF_NAME_MAX + sizeof LF_KEYS_SUFFIX];
    int size = snprintf(made, sizeof made, "%s" LF_KEYS_SUFFIX, name->text);

    if (size > LF_NAME_MAX)
        return lf_fail_at(lexer->error, FEATURE_INVALID, "argument",
                          name->at.line, name->at.column,
                          "the column of keys would be %s: names have at most "
                          "%d bytes",
                          made, LF_NAME_MAX);
    name->text = lf_arena_copy(arena, made, (size_t)size);
    return name->text ? FEATURE_OK : lf_fail_memory(lexer->error);
}

/* The feature of keys beside one with BY: its neighbour in all things. */
static feature_status
make_keys(struct lf_lexer *lexer, struct lf_arena *arena,
          const struct lf_feature_clause *values,
          struct lf_feature_clause *keys)
{
    struct lf_aggregate_clause *written =
        lf_arena_alloc(arena, sizeof *written);

    if (!written)
        return lf_fail_memory(lexer->error);
    *written = *values->written;
    written->made.is_keys = true;
    written->has_fallback = false;
    *keys = *values;
    keys->written = written;
    if (keys->renamed_from.text)
        LF_TRY(suffix_keys(lexer, arena, &keys->renamed_from));
    return suffix_keys(lexer, arena, &keys->name);
}

static feature_status
add_feature(struct lf_lexer *lexer, struct lf_arena *arena,
            struct lf_statement *statement, struct lf_feature_clause **made)
{
    statement->features =
        lf_list_room(arena, statement->features, statement->count,
                     sizeof *statement->features);
    if (!statement->features)
        return lf_fail_memory(lexer->error);
    *made = &statement->features[statement->count++];
    return FEATURE_OK;
}

/* (feature TYPE ..., feature = AGGREGATE(...) ...) */
static feature_status
parse_features(struct lf_lexer *lexer, struct lf_arena *arena,
               struct lf_statement *statement)
{
    struct lf_feature_clause *feature = NULL;
    bool more = true;

    LF_TRY(lf_lexer_take_mark(lexer, '('));
    while (more) {
        LF_TRY(add_feature(lexer, arena, statement, &feature));
        LF_TRY(parse_feature(lexer, arena, feature));
        if (feature->written && feature->written->by.text) {
            LF_TRY(add_feature(lexer, arena, statement, &feature));
            LF_TRY(make_keys(lexer, arena,
                             &statement->features[statement->count - 2],
                             feature));
        }
        LF_TRY(lf_lexer_skip_mark(lexer, ',', &more));
    }
    return lf_lexer_take_mark(lexer, ')');
}

static feature_status
parse_for(struct lf_lexer *lexer, struct lf_arena *arena,
          struct lf_statement *statement)
{
    if (statement->entity.text)
        return lf_lexer_fail(lexer, "FOR is here twice");
    LF_TRY(lf_lexer_next(lexer));
    LF_TRY(lf_lexer_take_name(lexer, arena, "the name of an entity",
                              &statement->entity));
    return lf_lexer_is_mark(lexer, '(')
               ? lf_parse_sources(lexer, arena, statement)
               : FEATURE_OK;
}

static feature_status
parse_from(struct lf_lexer *lexer, struct lf_arena *arena,
           struct lf_statement *statement)
{
    if (statement->event.text)
        return lf_lexer_fail(lexer, "FROM is here twice");
    LF_TRY(lf_lexer_next(lexer));
    return lf_lexer_take_name(lexer, arena, "the name of an event",
                              &statement->event);
}

static feature_status
parse_create_view(struct lf_lexer *lexer, struct lf_arena *arena,
                  struct lf_statement *statement)
{
    bool has_options = false;

    statement->kind = LF_CREATE_VIEW;
    LF_TRY(lf_lexer_take_name(lexer, arena, "the name of a feature view",
                              &statement->name));
    LF_TRY(parse_features(lexer, arena, statement));
    for (;;) {
        if (lf_lexer_is_word(lexer, "FROM")) {
            LF_TRY(parse_from(lexer, arena, statement));
        } else if (lf_lexer_is_word(lexer, "FOR")) {
            LF_TRY(parse_for(lexer, arena, statement));
        } else if (lf_lexer_is_word(lexer, "WITH")) {
            if (has_options)
                return lf_lexer_fail(lexer, "WITH is here twice");
            has_options = true;
            LF_TRY(lf_lexer_next(lexer));
            LF_TRY(
                lf_parse_options(lexer, arena, LF_OF_VIEW, statement->options));
        } else if (!statement->entity.text) {
            return lf_lexer_expected(lexer, "FOR and an entity");
        } else {
            return lf_check_view(lexer, statement);
        }
    }
}

static feature_status
parse_create_service(struct lf_lexer *lexer, struct lf_arena *arena,
                     struct lf_statement *statement)
{
    statement->kind = LF_CREATE_SERVICE;
    LF_TRY(lf_lexer_take_name(lexer, arena, "the name of a feature service",
                              &statement->name));
    LF_TRY(lf_lexer_take_word(lexer, "AS"));
    return lf_parse_items(lexer, arena, &statement->items, &statement->count);
}

static feature_status
parse_create(struct lf_lexer *lexer, struct lf_arena *arena,
             struct lf_statement *statement)
{
    static const char *const kinds[] = {"ENTITY", "FEATURE", "EVENT"};
    static const char *const features[] = {"VIEW", "SERVICE"};

    if (lf_lexer_is_word(lexer, "EVENT")) {
        LF_TRY(lf_lexer_next(lexer));
        return lf_parse_event(lexer, arena, statement);
    }
    if (lf_lexer_is_word(lexer, "ENTITY")) {
        LF_TRY(lf_lexer_next(lexer));
        return parse_create_entity(lexer, arena, statement);
    }
    if (!lf_lexer_is_word(lexer, "FEATURE"))
        return lf_lexer_expected_word(lexer,
                                      "ENTITY, EVENT, FEATURE VIEW or FEATURE "
                                      "SERVICE",
                                      kinds, COUNT(kinds));
    LF_TRY(lf_lexer_next(lexer));
    if (lf_lexer_is_word(lexer, "VIEW")) {
        LF_TRY(lf_lexer_next(lexer));
        return parse_create_view(lexer, arena, statement);
    }
    if (lf_lexer_is_word(lexer, "SERVICE")) {
        LF_TRY(lf_lexer_next(lexer));
        return parse_create_service(lexer, arena, statement);
    }
    return lf_lexer_expected_word(lexer, "VIEW or SERVICE", features,
                                  COUNT(features));
}

/* DROP FEATURE VIEW name, SERVICE name or view:feature, past FEATURE. A view
 * may be called view: then a colon tells. */
static feature_status
parse_drop_feature(struct lf_lexer *lexer, struct lf_arena *arena,
                   struct lf_statement *statement)
{
    struct lf_lexer start = *lexer;
    bool is_reference;

    statement->kind = LF_DROP_FEATURE;
    LF_TRY(lf_lexer_take_name(lexer, arena,
                              "VIEW, SERVICE or a feature as view:feature",
                              &statement->name));
    LF_TRY(lf_lexer_skip_mark(lexer, ':', &is_reference));
    if (is_reference)
        return lf_lexer_take_name(lexer, arena, "the name of a feature",
                                  &statement->feature);
    if (lf_lexer_is_word(&start, "VIEW"))
        statement->kind = LF_DROP_VIEW;
    else if (lf_lexer_is_word(&start, "SERVICE"))
        statement->kind = LF_DROP_SERVICE;
    else
        return lf_lexer_expected(lexer, "\":\" and the name of a feature");
    return lf_lexer_take_name(lexer, arena,
                              statement->kind == LF_DROP_VIEW
                                  ? "the name of a feature view"
                                  : "the name of a feature service",
                              &statement->name);
}

static feature_status
parse_drop(struct lf_lexer *lexer, struct lf_arena *arena,
           struct lf_statement *statement)
{
    static const char *const kinds[] = {"ENTITY", "FEATURE", "EVENT"};

    if (lf_lexer_is_word(lexer, "FEATURE")) {
        LF_TRY(lf_lexer_next(lexer));
        return parse_drop_feature(lexer, arena, statement);
    }
    if (lf_lexer_is_word(lexer, "ENTITY"))
        statement->kind = LF_DROP_ENTITY;
    else if (lf_lexer_is_word(lexer, "EVENT"))
        statement->kind = LF_DROP_EVENT;
    else
        return lf_lexer_expected_word(lexer, "FEATURE, ENTITY or EVENT", kinds,
                                      COUNT(kinds));
    LF_TRY(lf_lexer_next(lexer));
    return lf_lexer_take_name(lexer, arena, "a name", &statement->name);
}

static feature_status
parse_statement(struct lf_lexer *lexer, struct lf_arena *arena,
                struct lf_statement *statement)
{
    static const char *const verbs[] = {"CREATE", "DROP", "STORE"};

    statement->at = lexer->token.at;
    if (lf_lexer_is_word(lexer, "CREATE")) {
        LF_TRY(lf_lexer_next(lexer));
        return parse_create(lexer, arena, statement);
    }
    if (lf_lexer_is_word(lexer, "DROP")) {
        LF_TRY(lf_lexer_next(lexer));
        return parse_drop(lexer, arena, statement);
    }
    if (!lf_lexer_is_word(lexer, "STORE"))
        return lf_lexer_expected_word(lexer, "CREATE, DROP or STORE", verbs,
                                      COUNT(verbs));
    LF_TRY(lf_lexer_next(lexer));
    statement->kind = LF_STORE_WITH;
    LF_TRY(lf_lexer_take_word(lexer, "WITH"));
    return lf_parse_options(lexer, arena, LF_OF_STORE, statement->options);
}

/* Goes past any `;` and says whether a statement follows. */
static feature_status
find_statement(struct lf_lexer *lexer, bool *found)
{
    bool is_empty = true;

    while (is_empty)
        LF_TRY(lf_lexer_skip_mark(lexer, ';', &is_empty));
    *found = lexer->token.kind != LF_TOKEN_END;
    return FEATURE_OK;
}

feature_status
lf_parse_definitions(const char *text, struct lf_arena *arena,
                     struct lf_definitions *definitions,
                     struct feature_error *error)
{
    struct lf_statement *made = NULL;
    struct lf_lexer lexer;
    uint32_t count = 0;
    bool more;

    LF_TRY(lf_lexer_begin(&lexer, text, error));
    LF_TRY(find_statement(&lexer, &more));
    while (more) {
        made = lf_list_room(arena, made, count, sizeof *made);
        if (!made)
            return lf_fail_memory(error);
        LF_TRY(parse_statement(&lexer, arena, &made[count++]));
        if (lexer.token.kind != LF_TOKEN_END && !lf_lexer_is_mark(&lexer, ';'))
            return lf_lexer_expected(&lexer, "\";\"");
        LF_TRY(find_statement(&lexer, &more));
    }
    definitions->statements = made;
    definitions->count = count;
    return FEATURE_OK;
}
