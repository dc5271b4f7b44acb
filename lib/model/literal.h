/* SPDX-License-Identifier: Apache-2.0 */
/* DEFAULT values, between text and the bytes of a cell. */
#ifndef LF_MODEL_LITERAL_H
#define LF_MODEL_LITERAL_H

#include "model/catalog.h"
#include "model/lexer.h"

/* Takes a value of the type into arena; NULL gives one that is not set. */
feature_status lf_literal_parse(struct lf_lexer *lexer, struct lf_type type,
                                struct lf_arena *arena,
                                struct lf_literal *literal);

/* Prints a value that is set, so that it parses to the same bytes. */
void lf_literal_print(struct lf_text *text, struct lf_type type,
                      const struct lf_literal *literal);

/* Prints bytes as a string of the language, quotes doubled. */
void lf_string_print(struct lf_text *text, const void *bytes, size_t size);

bool lf_literal_equal(const struct lf_literal *a, const struct lf_literal *b);

/* Whether the bytes are a value of the type that a text could have given. */
bool lf_literal_is_valid(const struct lf_literal *literal, struct lf_type type);

#endif
