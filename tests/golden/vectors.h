/* SPDX-License-Identifier: Apache-2.0 */
/* The files of tests/golden/vectors as cases, blocks, lines and words: the form
 * that README.md describes, and nothing of what it means. */
#ifndef TESTS_GOLDEN_VECTORS_H
#define TESTS_GOLDEN_VECTORS_H

#include <stddef.h>

struct line {
    const char *file;
    int number;
    const char *rest; /* what stands after the first word and a space */
    char **words;
    size_t count; /* of words, at least 1 */
};

struct block {
    const struct line *lines;
    size_t count; /* at least 1 */
};

struct golden_case {
    const char *name;
    const struct block *blocks; /* its steps */
    size_t count;
};

struct vectors {
    struct golden_case *cases;
    size_t count;
};

/* Adds the cases of one file. Returns 0, or -1 after a message. */
int vectors_load(struct vectors *vectors, const char *path);

/* Memory that lives as long as the program. */
void *vectors_claim(size_t size);

#endif
