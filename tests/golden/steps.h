/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of a case, each of which runs and checks itself. */
#ifndef TESTS_GOLDEN_STEPS_H
#define TESTS_GOLDEN_STEPS_H

#include "cells.h"
#include "support.h"

/* Reads the lines of a block in order. */
struct reader {
    const struct block *block;
    size_t next;
};

/* Passes as the error of every call of a step. */
extern struct feature_error step_error;

/* The next line if its first word is this one, else NULL. */
const struct line *take_line(struct reader *reader, const char *word);

/* Fails unless there is such a line with that many words at least. */
const struct line *need_line(struct reader *reader, const char *word,
                             size_t count);

/* The lines that begin with this word, each with a newline; to be freed. */
char *take_text(struct reader *reader, const char *word);

/* The last line of a step: whether it is `ok`. Where it is `error`, checks that
 * the step failed so. Fails where the step failed and should not have. */
const struct line *expect_status(struct reader *reader, feature_status status);

void expect_number(const struct line *line, const char *what, int64_t got,
                   int64_t expected);

int64_t word_number(const struct line *line, size_t word);

/* Index of a word in a list that ends in NULL. */
int word_index(const struct line *line, const char *word,
               const char *const *names);

/* The words of feature_status_name(). */
feature_status word_status(const struct line *line, const char *word);

void step_apply(struct fixture *f, struct reader *reader);
void step_plan(struct fixture *f, struct reader *reader);
void step_describe(struct fixture *f, struct reader *reader);
void step_stats(struct fixture *f, struct reader *reader);
void step_write(struct fixture *f, struct reader *reader);
void step_read(struct fixture *f, struct reader *reader);

#endif
