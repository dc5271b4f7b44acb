/* SPDX-License-Identifier: Apache-2.0 */
/* The words of a definition text, one after the other. */
#ifndef LF_MODEL_LEXER_H
#define LF_MODEL_LEXER_H

#include "base/buffer.h"
#include "libfeature.h"

/* Where a thing stands in a text: a line and a byte in it, from 1. */
struct lf_place {
    uint32_t line;
    uint32_t column;
};

enum lf_token_kind {
    LF_TOKEN_END,
    LF_TOKEN_WORD,
    LF_TOKEN_NUMBER,
    LF_TOKEN_STRING, /* 'text', '' for one quote */
    LF_TOKEN_HEX,    /* x'00ff', digits checked */
    LF_TOKEN_MARK    /* ( ) [ ] , ; = : * < > <= >= <> */
};

struct lf_token {
    enum lf_token_kind kind;
    struct lf_place at;
    const char *text; /* as written, in the text */
    uint32_t size;
};

/* A reader at its current token. A copy is a place to come back to. */
struct lf_lexer {
    struct lf_token token;
    const char *at; /* behind the token */
    const char *end;
    const char *line_begin;
    uint32_t line;
    struct feature_error *error;
};

/* A name in a text; text is NULL where it was left out. */
struct lf_name {
    const char *text;
    struct lf_place at;
};

/* Checks size and encoding and reads the first token. The text has to outlive
 * the lexer. */
feature_status lf_lexer_begin(struct lf_lexer *lexer, const char *text,
                              struct feature_error *error);
feature_status lf_lexer_next(struct lf_lexer *lexer);

/* Whether the token is this keyword, in capitals here, in any case there. */
bool lf_lexer_is_word(const struct lf_lexer *lexer, const char *word);
bool lf_lexer_is_mark(const struct lf_lexer *lexer, char mark);
bool lf_lexer_is_marks(const struct lf_lexer *lexer, const char *marks);

/* Goes past an optional token and says whether it was there. */
feature_status lf_lexer_skip_word(struct lf_lexer *lexer, const char *word,
                                  bool *skipped);
feature_status lf_lexer_skip_mark(struct lf_lexer *lexer, char mark,
                                  bool *skipped);

/* Goes past a token that has to be there. */
feature_status lf_lexer_take_word(struct lf_lexer *lexer, const char *word);
feature_status lf_lexer_take_mark(struct lf_lexer *lexer, char mark);

/* Takes a name into arena; what describes it: "the name of an entity". */
feature_status lf_lexer_take_name(struct lf_lexer *lexer,
                                  struct lf_arena *arena, const char *what,
                                  struct lf_name *name);

/* Takes a string into arena, its quotes undone. */
feature_status lf_lexer_take_string(struct lf_lexer *lexer,
                                    struct lf_arena *arena, const char *what,
                                    const char **text, uint32_t *size);

/* Fails at the token: what was expected, what was found. */
feature_status lf_lexer_expected(const struct lf_lexer *lexer,
                                 const char *what);

/* The same, with the keyword that a misspelt word may have meant. */
feature_status lf_lexer_expected_word(const struct lf_lexer *lexer,
                                      const char *what,
                                      const char *const *words, size_t count);

/* Fails at the token as FEATURE_INVALID `argument`. */
feature_status lf_lexer_fail(const struct lf_lexer *lexer, const char *format,
                             ...) __attribute__((format(printf, 2, 3)));

/* Whether text is a name: [A-Za-z][A-Za-z0-9_]{0,63}. */
bool lf_name_is_valid(const char *text, size_t size);

#endif
