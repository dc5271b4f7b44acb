/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words of a definition text.
 *
 * Owns what a name, a number, a string and a comment look like.
 * Keeps the place of every token, so that every error can point.
 * Never reads past the text, and never knows what a word means.
 */
#include "model/lexer.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/utf8.h"
#include "model/catalog.h"
#include "model/number.h"
#include "model/select.h"

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool
is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool
is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

bool
lf_name_is_valid(const char *text, size_t size)
{
    if (size == 0 || size > LF_NAME_MAX || !is_letter(*text) || *text == '_')
        return false;
    for (size_t i = 1; i < size; i++)
        if (!is_letter(text[i]) && !is_digit(text[i]))
            return false;
    return true;
}

feature_status
lf_lexer_fail(const struct lf_lexer *lexer, const char *format, ...)
{
    char message[200];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    return lf_fail_at(lexer->error, FEATURE_INVALID, "argument",
                      lexer->token.at.line, lexer->token.at.column, "%s",
                      message);
}

/* The byte behind the last one read, or NUL at the end. */
static char
peek(const struct lf_lexer *lexer, size_t ahead)
{
    if ((size_t)(lexer->end - lexer->at) <= ahead)
        return '\0';
    return lexer->at[ahead];
}

static void
step(struct lf_lexer *lexer)
{
    if (*lexer->at++ == '\n') {
        lexer->line++;
        lexer->line_begin = lexer->at;
    }
}

static void
skip_space(struct lf_lexer *lexer)
{
    for (;;) {
        char c = peek(lexer, 0);

        if (c == ' ' || c == '\t' || c == '\n' || c == '\r')
            step(lexer);
        else if (c == '-' && peek(lexer, 1) == '-')
            while (lexer->at < lexer->end && *lexer->at != '\n')
                lexer->at++;
        else
            return;
    }
}

static bool
begins_number(const struct lf_lexer *lexer)
{
    size_t at = peek(lexer, 0) == '-' || peek(lexer, 0) == '+';

    if (peek(lexer, at) == '.')
        at++;
    return is_digit(peek(lexer, at));
}

static void
read_digits(struct lf_lexer *lexer)
{
    while (is_digit(peek(lexer, 0)))
        lexer->at++;
}

static feature_status
read_number(struct lf_lexer *lexer)
{
    const char *begin = lexer->at;

    if (!is_digit(*lexer->at) && *lexer->at != '.')
        lexer->at++;
    read_digits(lexer);
    if (peek(lexer, 0) == '.')
        lexer->at++;
    read_digits(lexer);
    if (peek(lexer, 0) == 'e' || peek(lexer, 0) == 'E') {
        size_t sign = peek(lexer, 1) == '-' || peek(lexer, 1) == '+';

        if (is_digit(peek(lexer, 1 + sign)))
            lexer->at += 1 + sign;
        read_digits(lexer);
    }
    if (is_letter(peek(lexer, 0)) || peek(lexer, 0) == '.')
        return lf_lexer_fail(lexer, "a number may not run into a \"%c\"",
                             *lexer->at);
    if (lexer->at - begin > LF_NUMBER_MAX)
        return lf_lexer_fail(lexer, "a number has at most %d digits",
                             LF_NUMBER_MAX);
    return FEATURE_OK;
}

static feature_status
read_string(struct lf_lexer *lexer)
{
    lexer->at++;
    while (lexer->at < lexer->end) {
        bool is_quote = *lexer->at == '\'';

        step(lexer);
        if (is_quote && peek(lexer, 0) != '\'')
            return FEATURE_OK;
        if (is_quote)
            step(lexer);
    }
    return lf_lexer_fail(lexer, "the string that begins here has no end");
}

static feature_status
read_hex(struct lf_lexer *lexer)
{
    const char *begin = lexer->at + 2;

    lexer->at = begin;
    while (is_hex(peek(lexer, 0)))
        lexer->at++;
    if (peek(lexer, 0) != '\'' || (lexer->at - begin) % 2)
        return lf_lexer_fail(lexer, "bytes are pairs of hexadecimal digits, "
                                    "as in x'00ff'");
    lexer->at++;
    return FEATURE_OK;
}

static feature_status
refuse_character(const struct lf_lexer *lexer)
{
    size_t left = (size_t)(lexer->end - lexer->at);
    size_t size = lf_utf8_step(lexer->at, left);
    char quoted[LF_QUOTE_SIZE];

    if (*lexer->at == '"')
        return lf_lexer_fail(lexer, "unexpected \"\"\": names have no quotes, "
                                    "strings have single ones");
    if (*lexer->at == '/')
        return lf_lexer_fail(lexer, "unexpected \"/\": comments begin with --");
    if (*lexer->at == '!')
        return lf_lexer_fail(lexer, "unexpected \"!\": not equal is <>");
    return lf_lexer_fail(lexer, "unexpected \"%s\"",
                         lf_quote(quoted, lexer->at, size));
}

static feature_status
read_token(struct lf_lexer *lexer)
{
    char c = peek(lexer, 0);

    if (begins_number(lexer)) {
        lexer->token.kind = LF_TOKEN_NUMBER;
        return read_number(lexer);
    }
    if ((c == 'x' || c == 'X') && peek(lexer, 1) == '\'') {
        lexer->token.kind = LF_TOKEN_HEX;
        return read_hex(lexer);
    }
    if (c == '\'') {
        lexer->token.kind = LF_TOKEN_STRING;
        return read_string(lexer);
    }
    if (is_letter(c)) {
        lexer->token.kind = LF_TOKEN_WORD;
        while (is_letter(peek(lexer, 0)) || is_digit(peek(lexer, 0)))
            lexer->at++;
        return FEATURE_OK;
    }
    if (!strchr("()[],;=:*<>", c))
        return refuse_character(lexer);
    lexer->token.kind = LF_TOKEN_MARK;
    lexer->at++;
    if ((c == '<' && (peek(lexer, 0) == '=' || peek(lexer, 0) == '>')) ||
        (c == '>' && peek(lexer, 0) == '='))
        lexer->at++;
    return FEATURE_OK;
}

feature_status
lf_lexer_next(struct lf_lexer *lexer)
{
    struct lf_token *token = &lexer->token;

    skip_space(lexer);
    token->at.line = lexer->line;
    token->at.column = (uint32_t)(lexer->at - lexer->line_begin) + 1;
    token->text = lexer->at;
    token->kind = LF_TOKEN_END;
    if (lexer->at < lexer->end)
        LF_TRY(read_token(lexer));
    token->size = (uint32_t)(lexer->at - token->text);
    return FEATURE_OK;
}

/* Goes to the first byte that is no UTF-8 and complains there. */
static feature_status
check_encoding(struct lf_lexer *lexer)
{
    char quoted[LF_QUOTE_SIZE];

    while (lexer->at < lexer->end) {
        size_t size = lf_utf8_step(lexer->at, (size_t)(lexer->end - lexer->at));

        if (size == 0) {
            lexer->token.at.line = lexer->line;
            lexer->token.at.column =
                (uint32_t)(lexer->at - lexer->line_begin) + 1;
            return lf_lexer_fail(lexer, "the byte \"%s\" is not UTF-8",
                                 lf_quote(quoted, lexer->at, 1));
        }
        if (size == 1)
            step(lexer);
        else
            lexer->at += size;
    }
    return FEATURE_OK;
}

feature_status
lf_lexer_begin(struct lf_lexer *lexer, const char *text,
               struct feature_error *error)
{
    size_t size = strnlen(text, LF_TEXT_MAX + 1);

    if (size > LF_TEXT_MAX)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "a text has at most %u bytes", LF_TEXT_MAX);
    memset(lexer, 0, sizeof *lexer);
    lexer->error = error;
    lexer->end = text + size;
    lexer->at = lexer->line_begin = text;
    lexer->line = 1;
    LF_TRY(check_encoding(lexer));
    lexer->at = lexer->line_begin = text;
    lexer->line = 1;
    return lf_lexer_next(lexer);
}

bool
lf_lexer_is_word(const struct lf_lexer *lexer, const char *word)
{
    return lexer->token.kind == LF_TOKEN_WORD &&
           strlen(word) == lexer->token.size &&
           !strncasecmp(lexer->token.text, word, lexer->token.size);
}

bool
lf_lexer_is_mark(const struct lf_lexer *lexer, char mark)
{
    return lexer->token.kind == LF_TOKEN_MARK && lexer->token.size == 1 &&
           *lexer->token.text == mark;
}

bool
lf_lexer_is_marks(const struct lf_lexer *lexer, const char *marks)
{
    return lexer->token.kind == LF_TOKEN_MARK &&
           lexer->token.size == strlen(marks) &&
           memcmp(lexer->token.text, marks, lexer->token.size) == 0;
}

feature_status
lf_lexer_skip_word(struct lf_lexer *lexer, const char *word, bool *skipped)
{
    *skipped = lf_lexer_is_word(lexer, word);
    return *skipped ? lf_lexer_next(lexer) : FEATURE_OK;
}

feature_status
lf_lexer_skip_mark(struct lf_lexer *lexer, char mark, bool *skipped)
{
    *skipped = lf_lexer_is_mark(lexer, mark);
    return *skipped ? lf_lexer_next(lexer) : FEATURE_OK;
}

feature_status
lf_lexer_take_word(struct lf_lexer *lexer, const char *word)
{
    if (!lf_lexer_is_word(lexer, word))
        return lf_lexer_expected_word(lexer, word, &word, 1);
    return lf_lexer_next(lexer);
}

feature_status
lf_lexer_take_mark(struct lf_lexer *lexer, char mark)
{
    char what[] = "\"?\"";

    what[1] = mark;
    if (!lf_lexer_is_mark(lexer, mark))
        return lf_lexer_expected(lexer, what);
    return lf_lexer_next(lexer);
}

feature_status
lf_lexer_take_name(struct lf_lexer *lexer, struct lf_arena *arena,
                   const char *what, struct lf_name *name)
{
    const struct lf_token *token = &lexer->token;
    const char *text;

    if (token->kind != LF_TOKEN_WORD)
        return lf_lexer_expected(lexer, what);
    if (*token->text == '_')
        return lf_lexer_fail(lexer, "names that begin with \"_\" are reserved");
    if (token->size > LF_NAME_MAX)
        return lf_lexer_fail(lexer, "a name has at most %d bytes, this one %u",
                             LF_NAME_MAX, token->size);
    text = lf_arena_copy(arena, token->text, token->size);
    if (!text)
        return lf_fail_memory(lexer->error);
    name->text = text;
    name->at = token->at;
    return lf_lexer_next(lexer);
}

feature_status
lf_lexer_take_string(struct lf_lexer *lexer, struct lf_arena *arena,
                     const char *what, const char **text, uint32_t *size)
{
    const struct lf_token *token = &lexer->token;
    uint32_t used = 0;
    char *made;

    if (token->kind != LF_TOKEN_STRING)
        return lf_lexer_expected(lexer, what);
    made = lf_arena_alloc(arena, token->size);
    if (!made)
        return lf_fail_memory(lexer->error);
    for (uint32_t i = 1; i + 1 < token->size; i++) {
        made[used++] = token->text[i];
        if (token->text[i] == '\'')
            i++;
    }
    *text = made;
    *size = used;
    return lf_lexer_next(lexer);
}

feature_status
lf_lexer_expected(const struct lf_lexer *lexer, const char *what)
{
    char quoted[LF_QUOTE_SIZE];

    if (lexer->token.kind == LF_TOKEN_END)
        return lf_lexer_fail(lexer, "expected %s, found the end of the text",
                             what);
    lf_quote(quoted, lexer->token.text, lexer->token.size);
    return lf_lexer_fail(lexer, "expected %s, found \"%s\"", what, quoted);
}

feature_status
lf_lexer_expected_word(const struct lf_lexer *lexer, const char *what,
                       const char *const *words, size_t count)
{
    char quoted[LF_QUOTE_SIZE], found[LF_NAME_MAX + 1];
    const char *near;

    if (lexer->token.kind != LF_TOKEN_WORD || lexer->token.size > LF_NAME_MAX)
        return lf_lexer_expected(lexer, what);
    memcpy(found, lexer->token.text, lexer->token.size);
    found[lexer->token.size] = '\0';
    near = count > 1 ? lf_suggest(found, words, count) : NULL;
    if (!near)
        return lf_lexer_expected(lexer, what);
    return lf_lexer_fail(lexer, "expected %s, found \"%s\"; did you mean %s?",
                         what, lf_quote(quoted, found, lexer->token.size),
                         near);
}
