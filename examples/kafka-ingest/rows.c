/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records of JSON text, strictly read, as the columns of a batch.
 *
 * Owns the batch and the memory of its columns.
 * Keeps whole rows only: a record that is refused leaves nothing.
 * Never guesses: no name is ignored, no missing one is null, no text a number.
 */
#include "rows.h"

#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "value.h"

static bool refuse(char reason[REASON_SIZE], const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool
refuse(char reason[REASON_SIZE], const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(reason, REASON_SIZE, format, arguments);
    va_end(arguments);
    return false;
}

/* Bytes of one value, 0: a text; bits are kept as bytes until they are set. */
static size_t
width_of(int32_t type)
{
    switch (type) {
    case FEATURE_TYPE_BOOL:
        return 1;
    case FEATURE_TYPE_INT32:
    case FEATURE_TYPE_FLOAT32:
        return 4;
    case FEATURE_TYPE_STRING:
        return 0;
    default:
        return 8;
    }
}

/* No fault of the record's. */
static bool
run_short(struct rows *rows, char reason[REASON_SIZE])
{
    rows->is_short = true;
    return refuse(reason, "no memory");
}

static bool
begin_column(struct row_column *column, uint32_t most, char reason[REASON_SIZE])
{
    const struct feature_field *field = &column->field;
    size_t width = width_of(field->type);

    if (field->width != 1 || field->flags & FEATURE_FIELD_LIST ||
        field->type == FEATURE_TYPE_BYTES)
        return refuse(reason,
                      "column %s: vectors, lists and BYTES are not read from "
                      "records here; name the others with --columns",
                      field->name);
    column->room = width ? most * width : 4096;
    column->values = malloc(column->room);
    column->ends = calloc(most + 1, sizeof *column->ends);
    column->validity = calloc(most / 8 + 1, 1);
    if (!column->values || !column->ends || !column->validity)
        return refuse(reason, "no memory");
    return true;
}

bool
rows_begin(struct rows *rows, feature_batch *batch, uint32_t most,
           char reason[REASON_SIZE])
{
    struct feature_field field;

    *rows = (struct rows){.batch = batch, .most = most};
    while (!feature_batch_column(batch, rows->column_count, &field, NULL))
        rows->column_count++;
    rows->columns = calloc(rows->column_count, sizeof *rows->columns);
    if (!rows->columns)
        return refuse(reason, "no memory");
    for (uint32_t i = 0; i < rows->column_count; i++) {
        (void)feature_batch_column(batch, i, &rows->columns[i].field, NULL);
        if (!begin_column(&rows->columns[i], most, reason))
            return false;
    }
    return true;
}

void
rows_end(struct rows *rows)
{
    for (uint32_t i = 0; rows->columns && i < rows->column_count; i++) {
        free(rows->columns[i].values);
        free(rows->columns[i].ends);
        free(rows->columns[i].validity);
    }
    free(rows->columns);
    free(rows->text);
    feature_batch_free(rows->batch);
    *rows = (struct rows){0};
}

void
rows_clear(struct rows *rows)
{
    rows->count = 0;
    for (uint32_t i = 0; i < rows->column_count; i++) {
        rows->columns[i].used = 0;
        memset(rows->columns[i].validity, 0, rows->most / 8 + 1);
    }
}

static bool
add_bytes(struct rows *rows, struct row_column *column, const void *bytes,
          size_t size, char reason[REASON_SIZE])
{
    size_t needed = column->used + size;

    if (needed > INT32_MAX)
        return run_short(rows, reason);
    if (needed > column->room) {
        char *grown = realloc(column->values, needed * 2);

        if (!grown)
            return run_short(rows, reason);
        column->values = grown;
        column->room = needed * 2;
    }
    memcpy(column->values + column->used, bytes, size);
    column->used = needed;
    return true;
}

/* A number, or a bool, as the column has it. */
static bool
add_word(struct rows *rows, struct row_column *column, const char *word,
         size_t size, char reason[REASON_SIZE])
{
    int32_t type = column->field.type;
    bool is_int32 = type == FEATURE_TYPE_INT32, fits;
    int64_t integer = 0;
    double real = 0;
    float narrow;

    switch (type) {
    case FEATURE_TYPE_BOOL:
        fits = *word == 't' || *word == 'f';
        integer = *word == 't';
        return fits ? add_bytes(rows, column, &(uint8_t){(uint8_t)integer}, 1,
                                reason)
                    : refuse(reason, "%s is not true, false or null",
                             column->field.name);
    case FEATURE_TYPE_FLOAT32:
    case FEATURE_TYPE_FLOAT64:
        fits = read_real(word, size, &real);
        narrow = (float)real;
        if (type == FEATURE_TYPE_FLOAT64 && fits)
            return add_bytes(rows, column, &real, sizeof real, reason);
        if (fits && isfinite(narrow))
            return add_bytes(rows, column, &narrow, sizeof narrow, reason);
        break;
    case FEATURE_TYPE_INT32:
    case FEATURE_TYPE_INT64:
    case FEATURE_TYPE_TIMESTAMP:
        if (read_integer(word, size, is_int32 ? INT32_MIN : INT64_MIN,
                         is_int32 ? INT32_MAX : INT64_MAX, &integer))
            return is_int32 ? add_bytes(rows, column,
                                        &(int32_t){(int32_t)integer}, 4, reason)
                            : add_bytes(rows, column, &integer, 8, reason);
        break;
    default:
        return refuse(reason, "%s is not a text", column->field.name);
    }
    return refuse(reason, "%s is not a number that fits its type",
                  column->field.name);
}

static bool
add_text(struct rows *rows, struct row_column *column, size_t size,
         char reason[REASON_SIZE])
{
    int64_t time;

    if (column->field.type == FEATURE_TYPE_STRING)
        return add_bytes(rows, column, rows->text, size, reason);
    if (column->field.type != FEATURE_TYPE_TIMESTAMP)
        return refuse(reason, "%s is a text, not a value of its type",
                      column->field.name);
    if (!read_time(rows->text, size, &time))
        return refuse(reason, "%s is not a time like 2013-07-01T21:03:00Z",
                      column->field.name);
    return add_bytes(rows, column, &time, sizeof time, reason);
}

static bool
add_value(struct rows *rows, struct json *json, struct row_column *column,
          char reason[REASON_SIZE])
{
    static const uint64_t zero;
    const char *word;
    size_t size;
    long length;

    column->is_set = true;
    if (json_take(json, '"')) {
        json->at--;
        length = json_string(json, rows->text);
        if (length < 0)
            return refuse(reason, "%s is not a JSON text", column->field.name);
        column->validity[rows->count / 8] |= (uint8_t)(1 << rows->count % 8);
        return add_text(rows, column, (size_t)length, reason);
    }
    if (!json_word(json, &word, &size))
        return refuse(reason, "%s is not a text, a number, true, false or null",
                      column->field.name);
    if (*word == 'n')
        return add_bytes(rows, column, &zero, width_of(column->field.type),
                         reason);
    column->validity[rows->count / 8] |= (uint8_t)(1 << rows->count % 8);
    return add_word(rows, column, word, size, reason);
}

static struct row_column *
find_column(struct rows *rows, const char *name, size_t size)
{
    for (uint32_t i = 0; i < rows->column_count; i++) {
        struct row_column *column = &rows->columns[i];

        if (strlen(column->field.name) == size &&
            !memcmp(column->field.name, name, size))
            return column;
    }
    return NULL;
}

static bool
add_member(struct rows *rows, struct json *json, char reason[REASON_SIZE])
{
    long size = json_string(json, rows->text);
    struct row_column *column;

    if (size < 0)
        return refuse(reason, "not JSON: a name is expected");
    column = find_column(rows, rows->text, (size_t)size);
    if (!column)
        return refuse(reason, "no column is named \"%.*s\"",
                      (int)(size < 64 ? size : 64), rows->text);
    if (column->is_set)
        return refuse(reason, "%s is there twice", column->field.name);
    if (!json_take(json, ':'))
        return refuse(reason, "not JSON: a colon is expected");
    return add_value(rows, json, column, reason);
}

static bool
add_object(struct rows *rows, struct json *json, char reason[REASON_SIZE])
{
    if (!json_take(json, '{'))
        return refuse(reason, "not a JSON object");
    if (!json_take(json, '}')) {
        do {
            if (!add_member(rows, json, reason))
                return false;
        } while (json_take(json, ','));
        if (!json_take(json, '}'))
            return refuse(reason, "not JSON: a comma or } is expected");
    }
    (void)json_take(json, ' '); /* white space alone may follow */
    if (json->at != json->end)
        return refuse(reason, "there is more after the JSON object");
    for (uint32_t i = 0; i < rows->column_count; i++)
        if (!rows->columns[i].is_set)
            return refuse(reason, "%s is missing", rows->columns[i].field.name);
    return true;
}

/* Takes back what the record has added. */
static void
drop_row(struct rows *rows)
{
    for (uint32_t i = 0; i < rows->column_count; i++) {
        struct row_column *column = &rows->columns[i];
        size_t width = width_of(column->field.type);

        column->used =
            width ? rows->count * width : (size_t)column->ends[rows->count];
        column->validity[rows->count / 8] &= (uint8_t) ~(1 << rows->count % 8);
    }
}

bool
rows_add(struct rows *rows, const char *record, size_t size,
         char reason[REASON_SIZE])
{
    struct json json = {.at = record};

    if (!record)
        return refuse(reason, "the record has no value");
    json.end = record + size;
    if (rows->count == rows->most)
        return refuse(reason, "the batch is full");
    if (size + 1 > rows->text_room) {
        char *grown = realloc(rows->text, size * 2 + 1);

        if (!grown)
            return run_short(rows, reason);
        rows->text = grown;
        rows->text_room = size * 2 + 1;
    }
    for (uint32_t i = 0; i < rows->column_count; i++)
        rows->columns[i].is_set = false;
    if (!add_object(rows, &json, reason)) {
        drop_row(rows);
        return false;
    }
    rows->count++;
    for (uint32_t i = 0; i < rows->column_count; i++)
        rows->columns[i].ends[rows->count] = (int32_t)rows->columns[i].used;
    return true;
}

/* Bytes of 0 and 1 become bits. */
static void
pack(char *values, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        char bit = values[i];

        if (i % 8 == 0)
            values[i / 8] = 0;
        values[i / 8] = (char)(values[i / 8] | bit << i % 8);
    }
}

feature_status
rows_set(struct rows *rows, struct feature_error *error)
{
    feature_status status = FEATURE_OK;

    feature_batch_clear(rows->batch);
    for (uint32_t i = 0; i < rows->column_count && !status; i++) {
        struct row_column *column = &rows->columns[i];
        int32_t type = column->field.type;

        if (type == FEATURE_TYPE_BOOL)
            pack(column->values, rows->count);
        status =
            feature_batch_set(rows->batch, i, type, column->values,
                              type == FEATURE_TYPE_STRING ? column->ends : NULL,
                              column->validity, rows->count, error);
    }
    return status;
}
