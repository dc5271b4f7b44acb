/* SPDX-License-Identifier: Apache-2.0 */
/* Cells of text, into columns of values as a batch or a request takes them. */
#ifndef TOOL_CELL_H
#define TOOL_CELL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "csv.h"
#include "libfeature.h"
#include "moment.h"

struct cell_column;

/* Reads a cell that is not null into a row. NULL, or why it is refused: a
 * predicate such as "is not a number". */
typedef const char *cell_reader(struct cell_column *column, uint32_t row,
                                const char *text, size_t size);

/*
 * One column under construction, in Arrow's layout. Rows are written in order;
 * writing a row again takes back what it and later rows held.
 */
struct cell_column {
    const char *name; /* {borrowed} */
    int32_t type;
    uint32_t width;
    bool is_list;
    bool is_required;            /* no null allowed */
    struct moment_format moment; /* how TIMESTAMP is written */
    uint32_t source;             /* index of its cell in a record */
    cell_reader *read;
    uint32_t capacity; /* rows */
    size_t size;       /* bytes of a row's values; 0: variable */
    void *values;
    size_t value_capacity; /* bytes of values */
    int32_t *offsets;
    int32_t *child_offsets;
    size_t child_capacity; /* strings of a STRING[] */
    uint8_t *validity;
    char why[80]; /* of the last cell that was refused, where it has numbers */
};

extern const char cell_no_memory[]; /* a reason no row is to blame for */

/* Makes a column for a field, empty, with room for rows. False: no memory. */
bool cell_init(struct cell_column *column, const struct feature_field *field,
               uint32_t rows);

/* Makes room for more rows; what is there stays. False: no memory. */
bool cell_grow(struct cell_column *column, uint32_t rows);

void cell_free(struct cell_column *column);

/* Bytes of memory that one row takes at least. */
size_t cell_row_size(const struct feature_field *field);

/* Writes one row. An empty cell is null, save a quoted one of STRING or BYTES.
 * NULL, or why it is refused. */
const char *cell_add(struct cell_column *column, uint32_t row, const char *text,
                     size_t size, bool is_quoted);

/* Writes one row of all columns from a record; returns the first column whose
 * cell is refused, with *why, or NULL. */
struct cell_column *cell_add_record(struct cell_column *columns, uint32_t count,
                                    uint32_t row,
                                    const struct csv_reader *reader,
                                    const char **why);

/* Sets column index of a batch, or a key of a request, to the first rows. */
feature_status cell_set_batch(const struct cell_column *column,
                              feature_batch *batch, uint32_t index,
                              uint32_t rows, struct feature_error *error);
feature_status cell_set_key(const struct cell_column *column,
                            feature_request *request, uint32_t index,
                            uint32_t rows, struct feature_error *error);

/* For list.c: room for size bytes of values. False: no memory. */
bool cell_reserve(struct cell_column *column, size_t size);

/* Reads one number of a type to its place. NULL, or why it is refused. */
const char *cell_read_element(int32_t type, void *to, const char *text,
                              size_t size);

/* Bytes of one value; 0 for BOOL, STRING and BYTES. */
size_t cell_element_size(int32_t type);

#endif
