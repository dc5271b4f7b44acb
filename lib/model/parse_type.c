/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Types in definition texts.
 *
 * Owns the hints for types that other databases have.
 * Keeps to the types of the language: whatever parses can be stored.
 * Never decides whether a type may be a join key.
 */
#include "model/parse.h"

#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "model/number.h"
#include "model/select.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const char *const names[] = {"BOOL",    "INT32",  "INT64", "FLOAT32",
                                    "FLOAT64", "STRING", "BYTES", "TIMESTAMP"};

static const char *const reserved[] = {"INT8", "FLOAT16"};

static const struct {
    const char *name;
    const char *hint;
} foreign[] = {
    {"FLOAT", "FLOAT32 or FLOAT64"},
    {"INTEGER", "INT32 or INT64"},
    {"INT", "INT32 or INT64"},
    {"BIGINT", "INT64"},
    {"LONG", "INT64"},
    {"UINT32", "INT64"},
    {"UINT64", "INT64"},
    {"INT16", "INT32"},
    {"SMALLINT", "INT32"},
    {"TINYINT", "INT32"},
    {"DOUBLE", "FLOAT64"},
    {"NUMERIC", "FLOAT64"},
    {"DECIMAL", "FLOAT64"},
    {"REAL", "FLOAT32"},
    {"BOOLEAN", "BOOL"},
    {"TEXT", "STRING"},
    {"VARCHAR", "STRING"},
    {"CHAR", "STRING"},
    {"JSON", "STRING"},
    {"UUID", "STRING or BYTES"},
    {"BLOB", "BYTES"},
    {"BYTEA", "BYTES"},
    {"BINARY", "BYTES"},
    {"VARBINARY", "BYTES"},
    {"DATE", "TIMESTAMP"},
    {"DATETIME", "TIMESTAMP"},
    {"TIMESTAMPTZ", "TIMESTAMP"},
};

/* The word's text, or "" where it is too long to be a type. */
static void
copy_word(const struct lf_token *token, char word[LF_NAME_MAX + 1])
{
    size_t size = token->size <= LF_NAME_MAX ? token->size : 0;

    memcpy(word, token->text, size);
    word[size] = '\0';
}

static feature_status
refuse_name(const struct lf_lexer *lexer)
{
    char word[LF_NAME_MAX + 1], quoted[LF_QUOTE_SIZE];
    const char *hint = NULL;

    if (lexer->token.kind != LF_TOKEN_WORD)
        return lf_lexer_expected(lexer, "a type");
    copy_word(&lexer->token, word);
    for (size_t i = 0; i < COUNT(reserved); i++)
        if (!strcasecmp(word, reserved[i]))
            return lf_fail_at(lexer->error, FEATURE_UNSUPPORTED, "not-yet",
                              lexer->token.at.line, lexer->token.at.column,
                              "the type %s is reserved and not supported yet",
                              reserved[i]);
    for (size_t i = 0; i < COUNT(foreign); i++)
        if (!strcasecmp(word, foreign[i].name))
            hint = foreign[i].hint;
    if (!hint)
        hint = lf_suggest(word, names, COUNT(names));
    lf_quote(quoted, lexer->token.text, lexer->token.size);
    if (hint)
        return lf_lexer_fail(lexer, "unknown type \"%s\"; did you mean %s?",
                             quoted, hint);
    return lf_lexer_fail(lexer,
                         "unknown type \"%s\"; the types are BOOL, INT32, "
                         "INT64, FLOAT32, FLOAT64, STRING, BYTES, TIMESTAMP",
                         quoted);
}

static bool
is_numeric(int32_t code)
{
    return code >= FEATURE_TYPE_INT32 && code <= FEATURE_TYPE_FLOAT64;
}

static feature_status
parse_list(const struct lf_lexer *name, struct lf_type *type)
{
    if (!is_numeric(type->code) && type->code != FEATURE_TYPE_STRING)
        return lf_lexer_fail(name,
                             "there is no type %s[]; lists are of INT32, "
                             "INT64, FLOAT32, FLOAT64 or STRING",
                             lf_type_code_name(type->code));
    type->is_list = true;
    return FEATURE_OK;
}

static feature_status
parse_vector(const struct lf_lexer *name, struct lf_lexer *lexer,
             struct lf_type *type)
{
    const struct lf_token *token = &lexer->token;
    int64_t width = 0;

    if (token->kind != LF_TOKEN_NUMBER ||
        !lf_number_is_whole(token->text, token->size))
        return lf_lexer_expected(lexer, "a width or \"]\"");
    if (!is_numeric(type->code))
        return lf_lexer_fail(name,
                             "there is no type %s[n]; vectors are of INT32, "
                             "INT64, FLOAT32 or FLOAT64",
                             lf_type_code_name(type->code));
    if (!lf_number_parse_int64(token->text, token->size, &width) || width < 2 ||
        width > LF_WIDTH_MAX)
        return lf_lexer_fail(lexer, "the width of a vector is 2 to %d",
                             LF_WIDTH_MAX);
    type->width = (uint32_t)width;
    return lf_lexer_next(lexer);
}

feature_status
lf_parse_type(struct lf_lexer *lexer, struct lf_type *type)
{
    struct lf_lexer name = *lexer;
    bool is_shaped;

    *type = (struct lf_type){.width = 1};
    for (int32_t code = FEATURE_TYPE_BOOL; code <= FEATURE_TYPE_TIMESTAMP;
         code++)
        if (lf_lexer_is_word(lexer, lf_type_code_name(code)))
            type->code = code;
    if (!type->code)
        return refuse_name(lexer);
    LF_TRY(lf_lexer_next(lexer));
    LF_TRY(lf_lexer_skip_mark(lexer, '[', &is_shaped));
    if (!is_shaped)
        return FEATURE_OK;
    if (lf_lexer_is_mark(lexer, ']'))
        LF_TRY(parse_list(&name, type));
    else
        LF_TRY(parse_vector(&name, lexer, type));
    return lf_lexer_take_mark(lexer, ']');
}
