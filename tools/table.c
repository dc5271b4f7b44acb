/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Aligned tables.
 *
 * Owns the widths of columns, the space between them, and the turn from one wide
 * row to a list.
 * Keeps a cell on one line: control characters are shown as \xNN.
 * Never cuts a cell.
 */
#include "table.h"

#include <stdlib.h>
#include <string.h>

#include "utf8.h"

#define WIDTH_MAX 120

bool
table_begin(struct table *table, uint32_t columns)
{
    memset(table, 0, sizeof *table);
    table->columns = columns;
    table->widths = calloc((size_t)columns + 1, sizeof *table->widths);
    table->is_right = calloc((size_t)columns + 1, sizeof *table->is_right);
    return table->widths && table->is_right;
}

void
table_free(struct table *table)
{
    free(table->widths);
    free(table->is_right);
    free(table->ends);
    text_free(&table->text);
}

void
table_align_right(struct table *table, uint32_t column)
{
    table->is_right[column] = true;
}

static bool
grow(struct table *table)
{
    size_t capacity = table->capacity ? table->capacity * 2 : 256;
    size_t *ends = realloc(table->ends, capacity * sizeof *ends);

    if (!ends)
        return false;
    table->ends = ends;
    table->capacity = capacity;
    return true;
}

void
table_add(struct table *table, const char *text, size_t size)
{
    uint32_t column = (uint32_t)(table->count % table->columns);
    size_t first = table->text.size;
    size_t width;

    if (table->count == table->capacity && !grow(table)) {
        table->failed = true;
        return;
    }
    text_add_visible(&table->text, text, size, SIZE_MAX);
    if (table->text.failed) {
        table->failed = true;
        return;
    }
    width = utf8_width(table->text.data + first, table->text.size - first);
    if (width > table->widths[column])
        table->widths[column] = (uint32_t)width;
    table->ends[table->count++] = table->text.size;
}

static size_t
cell_width(const struct table *table, size_t cell)
{
    size_t first = cell ? table->ends[cell - 1] : 0;

    return utf8_width(table->text.data + first, table->ends[cell] - first);
}

static void
print_cell(const struct table *table, FILE *to, size_t cell)
{
    uint32_t column = (uint32_t)(cell % table->columns);
    size_t first = cell ? table->ends[cell - 1] : 0;
    int gap = (int)(table->widths[column] - cell_width(table, cell));
    bool is_last = column + 1 == table->columns;

    if (table->is_right[column])
        fprintf(to, "%*s", gap, "");
    fwrite(table->text.data + first, 1, table->ends[cell] - first, to);
    if (!table->is_right[column] && !is_last)
        fprintf(to, "%*s", gap, "");
    if (!is_last)
        fputs("  ", to);
}

static void
print_rule(const struct table *table, FILE *to)
{
    for (uint32_t i = 0; i < table->columns; i++) {
        for (uint32_t c = 0; c < table->widths[i]; c++)
            fputc('-', to);
        fputs(i + 1 < table->columns ? "  " : "\n", to);
    }
}

/* A single row that no screen holds: one line a column. */
static bool
is_tall(const struct table *table)
{
    size_t width = 0;

    for (uint32_t i = 0; i < table->columns; i++)
        width += table->widths[i] + 2;
    return table->count == 2 * (size_t)table->columns && width > WIDTH_MAX + 2;
}

static void
print_tall(const struct table *table, FILE *to)
{
    size_t widest = 0;

    for (uint32_t i = 0; i < table->columns; i++)
        if (cell_width(table, i) > widest)
            widest = cell_width(table, i);
    for (uint32_t i = 0; i < table->columns; i++) {
        size_t first = i ? table->ends[i - 1] : 0;
        size_t value = table->ends[table->columns + i - 1];

        fwrite(table->text.data + first, 1, table->ends[i] - first, to);
        fprintf(to, "%*s", (int)(widest - cell_width(table, i)) + 2, "");
        fwrite(table->text.data + value, 1,
               table->ends[table->columns + i] - value, to);
        fputc('\n', to);
    }
}

bool
table_print(const struct table *table, FILE *to, bool has_colours)
{
    if (table->failed)
        return false;
    if (is_tall(table)) {
        print_tall(table, to);
        return true;
    }
    for (size_t row = 0; row < table->count / table->columns; row++) {
        if (!row && has_colours)
            fputs("\033[1m", to);
        for (uint32_t i = 0; i < table->columns; i++)
            print_cell(table, to, row * table->columns + i);
        if (!row && has_colours)
            fputs("\033[0m", to);
        fputc('\n', to);
        if (!row && !has_colours)
            print_rule(table, to);
    }
    return true;
}
