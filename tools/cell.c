/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cells into columns.
 *
 * Owns how each type is written in a cell, and what an empty one means.
 * Keeps a column ready for feature_batch_set() after every row.
 * Never allocates for a cell that fits in what earlier chunks needed.
 */
#include "cell.h"

#include <stdlib.h>
#include <string.h>

#include "list.h"
#include "number.h"

const char cell_no_memory[] = "does not fit in memory";

static const char not_whole[] = "is not a whole number";
static const char not_number[] = "is not a number";
static const char past_int32[] = "is out of range for INT32";
static const char past_int64[] = "is out of range for INT64";
static const char past_float32[] = "is out of range for FLOAT32";
static const char past_float64[] = "is out of range for FLOAT64";

static void
put_bit(uint8_t *bits, uint32_t i, bool value)
{
    uint8_t bit = (uint8_t)(1u << (i & 7));

    bits[i >> 3] = (uint8_t)(value ? bits[i >> 3] | bit : bits[i >> 3] & ~bit);
}

static const char *
why_not(enum number_result result, const char *syntax, const char *range)
{
    return result == NUMBER_FINE     ? NULL
           : result == NUMBER_SYNTAX ? syntax
                                     : range;
}

static const char *
read_int64(struct cell_column *column, uint32_t row, const char *text,
           size_t size)
{
    return why_not(number_int64(text, size, (int64_t *)column->values + row),
                   not_whole, past_int64);
}

static const char *
read_int32(struct cell_column *column, uint32_t row, const char *text,
           size_t size)
{
    return why_not(number_int32(text, size, (int32_t *)column->values + row),
                   not_whole, past_int32);
}

static const char *
read_float64(struct cell_column *column, uint32_t row, const char *text,
             size_t size)
{
    return why_not(number_float64(text, size, (double *)column->values + row),
                   not_number, past_float64);
}

static const char *
read_float32(struct cell_column *column, uint32_t row, const char *text,
             size_t size)
{
    return why_not(number_float32(text, size, (float *)column->values + row),
                   not_number, past_float32);
}

static const char *
read_bool(struct cell_column *column, uint32_t row, const char *text,
          size_t size)
{
    bool value;

    if (number_bool(text, size, &value))
        return "is neither true nor false";
    put_bit(column->values, row, value);
    return NULL;
}

static const char *
read_timestamp(struct cell_column *column, uint32_t row, const char *text,
               size_t size)
{
    return moment_read(&column->moment, text, size,
                       (int64_t *)column->values + row);
}

bool
cell_reserve(struct cell_column *column, size_t size)
{
    size_t capacity = column->value_capacity ? column->value_capacity : 4096;
    void *values;

    if (size <= column->value_capacity)
        return true;
    while (capacity < size)
        if (__builtin_mul_overflow(capacity, (size_t)2, &capacity))
            return false;
    values = realloc(column->values, capacity);
    if (!values)
        return false;
    column->values = values;
    column->value_capacity = capacity;
    return true;
}

static const char *
read_string(struct cell_column *column, uint32_t row, const char *text,
            size_t size)
{
    size_t first = (size_t)column->offsets[row];

    if (first + size > INT32_MAX || !cell_reserve(column, first + size))
        return cell_no_memory;
    memcpy((char *)column->values + first, text, size);
    column->offsets[row + 1] = (int32_t)(first + size);
    return NULL;
}

static int
hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 32;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Text stands for its own bytes; "\x" and hexadecimal digits for any. */
static const char *
read_bytes(struct cell_column *column, uint32_t row, const char *text,
           size_t size)
{
    size_t first = (size_t)column->offsets[row], count = (size - 2) / 2;
    char *to;

    if (size < 2 || text[0] != '\\' || text[1] != 'x')
        return read_string(column, row, text, size);
    if (size % 2)
        return "has an odd number of hexadecimal digits";
    if (first + count > INT32_MAX || !cell_reserve(column, first + count))
        return cell_no_memory;
    to = (char *)column->values + first;
    for (size_t i = 0; i < count; i++) {
        int high = hex_digit(text[2 + 2 * i]);
        int low = hex_digit(text[3 + 2 * i]);

        if (high < 0 || low < 0)
            return "is not hexadecimal after \\x";
        to[i] = (char)(high * 16 + low);
    }
    column->offsets[row + 1] = (int32_t)(first + count);
    return NULL;
}

size_t
cell_element_size(int32_t type)
{
    switch ((enum feature_type)type) {
    case FEATURE_TYPE_INT32:
    case FEATURE_TYPE_FLOAT32:
        return 4;
    case FEATURE_TYPE_INT64:
    case FEATURE_TYPE_FLOAT64:
    case FEATURE_TYPE_TIMESTAMP:
        return 8;
    case FEATURE_TYPE_BOOL:
    case FEATURE_TYPE_STRING:
    case FEATURE_TYPE_BYTES:
        break;
    }
    return 0;
}

const char *
cell_read_element(int32_t type, void *to, const char *text, size_t size)
{
    switch ((enum feature_type)type) {
    case FEATURE_TYPE_INT32:
        return why_not(number_int32(text, size, to), not_whole, past_int32);
    case FEATURE_TYPE_INT64:
        return why_not(number_int64(text, size, to), not_whole, past_int64);
    case FEATURE_TYPE_FLOAT32:
        return why_not(number_float32(text, size, to), not_number,
                       past_float32);
    case FEATURE_TYPE_FLOAT64:
        return why_not(number_float64(text, size, to), not_number,
                       past_float64);
    case FEATURE_TYPE_BOOL:
    case FEATURE_TYPE_STRING:
    case FEATURE_TYPE_BYTES:
    case FEATURE_TYPE_TIMESTAMP:
        break;
    }
    return "cannot be read as a list of this type";
}

static cell_reader *
reader_of(const struct feature_field *field)
{
    if (field->flags & FEATURE_FIELD_LIST)
        return field->type == FEATURE_TYPE_STRING ? list_read_strings
                                                  : list_read_numbers;
    if (field->width > 1)
        return list_read_vector;
    switch ((enum feature_type)field->type) {
    case FEATURE_TYPE_BOOL:
        return read_bool;
    case FEATURE_TYPE_INT32:
        return read_int32;
    case FEATURE_TYPE_INT64:
        return read_int64;
    case FEATURE_TYPE_FLOAT32:
        return read_float32;
    case FEATURE_TYPE_FLOAT64:
        return read_float64;
    case FEATURE_TYPE_STRING:
        return read_string;
    case FEATURE_TYPE_BYTES:
        return read_bytes;
    case FEATURE_TYPE_TIMESTAMP:
        return read_timestamp;
    }
    return NULL;
}

static bool
is_variable(const struct feature_field *field)
{
    return field->flags & FEATURE_FIELD_LIST ||
           field->type == FEATURE_TYPE_STRING ||
           field->type == FEATURE_TYPE_BYTES;
}

size_t
cell_row_size(const struct feature_field *field)
{
    size_t size = cell_element_size(field->type);

    if (is_variable(field))
        return sizeof(int32_t);
    return size ? size * field->width : 1;
}

bool
cell_init(struct cell_column *column, const struct feature_field *field,
          uint32_t rows)
{
    size_t size = is_variable(field) ? 0 : cell_row_size(field);

    memset(column, 0, sizeof *column);
    column->name = field->name;
    column->type = field->type;
    column->width = field->width;
    column->is_list = field->flags & FEATURE_FIELD_LIST;
    column->is_required = field->flags & FEATURE_FIELD_NOT_NULL;
    column->read = reader_of(field);
    column->size = size;
    return column->read && cell_grow(column, rows ? rows : 1);
}

bool
cell_grow(struct cell_column *column, uint32_t rows)
{
    uint8_t *validity = realloc(column->validity, (size_t)rows / 8 + 1);
    int32_t *offsets;

    if (!validity)
        return false;
    column->validity = validity;
    if (!column->size) {
        offsets = realloc(column->offsets,
                          ((size_t)rows + 1) * sizeof *column->offsets);
        if (!offsets)
            return false;
        offsets[0] = 0;
        column->offsets = offsets;
    }
    if (!cell_reserve(column, column->size * rows + 1))
        return false;
    column->capacity = rows;
    return true;
}

void
cell_free(struct cell_column *column)
{
    free(column->values);
    free(column->offsets);
    free(column->child_offsets);
    free(column->validity);
    memset(column, 0, sizeof *column);
}

static const char *
add_null(struct cell_column *column, uint32_t row)
{
    if (column->is_required)
        return "is empty, and a value is needed";
    put_bit(column->validity, row, false);
    if (column->offsets)
        column->offsets[row + 1] = column->offsets[row];
    else if (column->type == FEATURE_TYPE_BOOL)
        put_bit(column->values, row, false);
    else
        memset((char *)column->values + row * column->size, 0, column->size);
    return NULL;
}

static bool
is_text(const struct cell_column *column)
{
    return !column->is_list && (column->type == FEATURE_TYPE_STRING ||
                                column->type == FEATURE_TYPE_BYTES);
}

/* Blanks around a number mean nothing; few files have any. */
static const char *
add_trimmed(struct cell_column *column, uint32_t row, const char *text,
            size_t size)
{
    const char *why;

    while (size && (*text == ' ' || *text == '\t')) {
        text++;
        size--;
    }
    while (size && (text[size - 1] == ' ' || text[size - 1] == '\t'))
        size--;
    if (!size)
        return add_null(column, row);
    why = column->read(column, row, text, size);
    if (!why)
        put_bit(column->validity, row, true);
    return why;
}

const char *
cell_add(struct cell_column *column, uint32_t row, const char *text,
         size_t size, bool is_quoted)
{
    const char *why;

    if (!size && !(is_quoted && is_text(column)))
        return add_null(column, row);
    why = column->read(column, row, text, size);
    if (why && why != cell_no_memory && !is_text(column) &&
        (text[0] <= ' ' || text[size - 1] <= ' '))
        return add_trimmed(column, row, text, size);
    if (!why)
        put_bit(column->validity, row, true);
    return why;
}

struct cell_column *
cell_add_record(struct cell_column *columns, uint32_t count, uint32_t row,
                const struct csv_reader *reader, const char **why)
{
    for (struct cell_column *column = columns; column < columns + count;
         column++) {
        const struct csv_cell *cell = &reader->cells[column->source];

        *why = cell_add(column, row, cell->text, cell->size,
                        !cell->size && csv_is_quoted(reader, column->source));
        if (*why)
            return column;
    }
    return NULL;
}

feature_status
cell_set_batch(const struct cell_column *column, feature_batch *batch,
               uint32_t index, uint32_t rows, struct feature_error *error)
{
    if (column->is_list)
        return feature_batch_set_list(
            batch, index, column->type, column->values, column->offsets,
            column->child_offsets, column->validity, rows, error);
    return feature_batch_set(batch, index, column->type, column->values,
                             column->offsets, column->validity, rows, error);
}

feature_status
cell_set_key(const struct cell_column *column, feature_request *request,
             uint32_t index, uint32_t rows, struct feature_error *error)
{
    return feature_request_set_key(request, index, column->type, column->values,
                                   column->offsets, column->validity, rows,
                                   error);
}
