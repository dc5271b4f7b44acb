/* SPDX-License-Identifier: Apache-2.0 */
/* An aligned table on a screen. */
#ifndef TOOL_TABLE_H
#define TOOL_TABLE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "text.h"

struct table {
    uint32_t columns;
    uint32_t *widths; /* in terminal cells */
    bool *is_right;   /* numbers are aligned to the right */
    struct text text; /* all cells, one after the other */
    size_t *ends;     /* of each cell in text */
    size_t count;     /* of cells */
    size_t capacity;
    bool failed;
};

/* False: no memory. */
bool table_begin(struct table *table, uint32_t columns);

void table_free(struct table *table);

void table_align_right(struct table *table, uint32_t column);

/* Adds the next cell, row by row; the first row is the head. */
void table_add(struct table *table, const char *text, size_t size);

/* Prints all rows, the head underlined or, with colours, bold; a single row that
 * is too wide for a screen one column a line. False: an allocation failed and
 * nothing was printed. */
bool table_print(const struct table *table, FILE *to, bool has_colours);

#endif
