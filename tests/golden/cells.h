/* SPDX-License-Identifier: Apache-2.0 */
/* Words of a vector as columns in Arrow's layout, and columns compared. */
#ifndef TESTS_GOLDEN_CELLS_H
#define TESTS_GOLDEN_CELLS_H

#include <stdbool.h>
#include <stdint.h>

#include "libfeature.h"
#include "vectors.h"

struct cell_type {
    int32_t code;
    uint32_t width;
    bool is_list;
};

/* A column that is being filled; frozen into a feature_column by cells_view().
 */
struct cells {
    struct cell_type type;
    uint32_t rows;
    uint8_t *values;
    size_t elements; /* numbers, bits, or bytes of text */
    int32_t *offsets;
    int32_t *child_offsets;
    size_t children;
    uint8_t *validity;
    uint8_t *defaulted;
    bool has_defaulted;
};

/* Fails the test at a line of a vector file. */
__attribute__((format(printf, 2, 3), noreturn)) void fail_at(
    const struct line *line, const char *format, ...);

/* NAME:TYPE; returns the name. */
const char *cell_column(const struct line *line, const char *word,
                        struct cell_type *type);

/* A timestamp: microseconds, or @ and seconds. */
int64_t cell_time(const struct line *line, const char *word);

/* An empty column with room for rows and for size bytes of words. */
void cells_begin(struct cells *cells, struct cell_type type, size_t rows,
                 size_t size);

/* Adds a value; a * at its end marks it as chosen by the fill policy. */
void cells_add(struct cells *cells, const struct line *line, const char *word);

void cells_free(struct cells *cells);

/* The same in the struct that the library answers with. */
struct feature_column cells_view(const struct cells *cells);

/* Whether two columns of one type have the same value in a row. */
bool cells_equal(const struct feature_column *a, const struct feature_column *b,
                 uint32_t row);

#endif
