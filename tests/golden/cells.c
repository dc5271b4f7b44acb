/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values: from words to Arrow's layout, and compared there.
 *
 * Owns how a value is written in a vector.
 * Keeps every bit: a float is parsed to its own width, -0 is not 0.
 * Never calls the library.
 */
#include "cells.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

static const struct {
    const char *name;
    size_t size; /* of an element */
} types[] = {{"", 0},       {"bool", 0},    {"int32", 4},
             {"int64", 8},  {"float32", 4}, {"float64", 8},
             {"string", 1}, {"bytes", 1},   {"timestamp", 8}};

static bool
is_text(int32_t code)
{
    return code == FEATURE_TYPE_STRING || code == FEATURE_TYPE_BYTES;
}

/* A list of texts. */
static bool
is_nested(const struct cells *cells)
{
    return cells->type.is_list && is_text(cells->type.code);
}

static int
bit_at(const uint8_t *bits, size_t i)
{
    return bits[i / 8] >> (i & 7) & 1;
}

static void
set_bit(uint8_t *bits, size_t i)
{
    bits[i / 8] |= (uint8_t)(1u << (i & 7));
}

const char *
cell_column(const struct line *line, const char *word, struct cell_type *type)
{
    size_t size = strcspn(word, ":");
    char *name = vectors_claim(size + 1);
    const char *at = word + size + 1, *bracket;
    int end = 0;

    memcpy(name, word, size);
    if (!word[size])
        fail_at(line, "%s is not NAME:TYPE", word);
    *type = (struct cell_type){.width = 1};
    bracket = at + strcspn(at, "[");
    for (int32_t i = 1; i <= FEATURE_TYPE_TIMESTAMP; i++)
        if (strlen(types[i].name) == (size_t)(bracket - at) &&
            !memcmp(types[i].name, at, (size_t)(bracket - at)))
            type->code = i;
    type->is_list = !strcmp(bracket, "[]");
    if (*bracket && !type->is_list &&
        (sscanf(bracket, "[%" SCNu32 "]%n", &type->width, &end) != 1 ||
         bracket[end]))
        type->width = 0;
    if (!type->code || !type->width)
        fail_at(line, "%s has no type", word);
    return name;
}

static int64_t
parse_integer(const struct line *line, const char *word)
{
    char *end;
    long long value = strtoll(word, &end, 10);

    if (end == word || *end)
        fail_at(line, "%s is not a number", word);
    return value;
}

int64_t
cell_time(const struct line *line, const char *word)
{
    if (*word == '@')
        return NOON + SECOND * parse_integer(line, word + 1);
    return parse_integer(line, word);
}

void
cells_begin(struct cells *cells, struct cell_type type, size_t rows,
            size_t size)
{
    size_t room = 8 * (size + rows * type.width + 1);

    *cells = (struct cells){.type = type,
                            .values = calloc(1, room),
                            .offsets = calloc(rows + 1, sizeof(int32_t)),
                            .child_offsets = calloc(size + 1, sizeof(int32_t)),
                            .validity = calloc(1, rows / 8 + 1),
                            .defaulted = calloc(1, rows / 8 + 1)};
    assert_non_null(cells->values);
    assert_non_null(cells->offsets);
    assert_non_null(cells->child_offsets);
    assert_non_null(cells->validity);
    assert_non_null(cells->defaulted);
}

void
cells_free(struct cells *cells)
{
    free(cells->values);
    free(cells->offsets);
    free(cells->child_offsets);
    free(cells->validity);
    free(cells->defaulted);
    *cells = (struct cells){0};
}

static uint8_t
parse_hex(const struct line *line, const char *digits)
{
    char two[3] = {digits[0], digits[0] ? digits[1] : '\0', '\0'};

    if (!isxdigit((unsigned char)two[0]) || !isxdigit((unsigned char)two[1]))
        fail_at(line, "two hex digits are missing");
    return (uint8_t)strtoul(two, NULL, 16);
}

static void
add_string(struct cells *cells, const struct line *line, const char *word)
{
    size_t size = strlen(word);

    if (size < 2 || word[0] != '"' || word[size - 1] != '"')
        fail_at(line, "%s is not in quotes", word);
    for (const char *at = word + 1; at < word + size - 1; at++) {
        cells->values[cells->elements++] =
            *at == '%' ? parse_hex(line, at + 1) : (uint8_t)*at;
        at += *at == '%' ? 2 : 0;
    }
}

static void
add_bytes(struct cells *cells, const struct line *line, const char *word)
{
    if (*word != 'x')
        fail_at(line, "%s is not x and hex digits", word);
    for (word++; *word; word += 2)
        cells->values[cells->elements++] = parse_hex(line, word);
}

static void
add_bool(struct cells *cells, const struct line *line, const char *word)
{
    if (!strcmp(word, "true"))
        set_bit(cells->values, cells->elements);
    else if (strcmp(word, "false"))
        fail_at(line, "%s is not true or false", word);
    cells->elements++;
}

static void
add_number(struct cells *cells, const struct line *line, const char *word)
{
    size_t size = types[cells->type.code].size;
    uint8_t *to = cells->values + size * cells->elements++;
    char *end = NULL;

    if (cells->type.code == FEATURE_TYPE_FLOAT32) {
        float value = strtof(word, &end);

        memcpy(to, &value, sizeof value);
    } else if (cells->type.code == FEATURE_TYPE_FLOAT64) {
        double value = strtod(word, &end);

        memcpy(to, &value, sizeof value);
    } else if (cells->type.code == FEATURE_TYPE_INT32) {
        int32_t value = (int32_t)parse_integer(line, word);

        memcpy(to, &value, sizeof value);
    } else {
        int64_t value = cells->type.code == FEATURE_TYPE_TIMESTAMP
                            ? cell_time(line, word)
                            : parse_integer(line, word);

        memcpy(to, &value, sizeof value);
    }
    if (end && (end == word || *end))
        fail_at(line, "%s is not a number", word);
}

static void
add_element(struct cells *cells, const struct line *line, const char *word)
{
    if (cells->type.code == FEATURE_TYPE_STRING)
        add_string(cells, line, word);
    else if (cells->type.code == FEATURE_TYPE_BYTES)
        add_bytes(cells, line, word);
    else if (cells->type.code == FEATURE_TYPE_BOOL)
        add_bool(cells, line, word);
    else
        add_number(cells, line, word);
    if (is_nested(cells))
        cells->child_offsets[++cells->children] = (int32_t)cells->elements;
}

/* [a,b,c] */
static void
add_elements(struct cells *cells, const struct line *line, char *word)
{
    size_t size = strlen(word), count = 0;

    if (size < 2 || word[0] != '[' || word[size - 1] != ']')
        fail_at(line, "%s is not in brackets", word);
    word[size - 1] = '\0';
    for (char *at = word + 1; *at || count; count++) {
        char *comma = strchr(at, ',');

        if (comma)
            *comma = '\0';
        add_element(cells, line, at);
        if (!comma)
            break;
        at = comma + 1;
    }
    if (!cells->type.is_list && count + 1 != cells->type.width)
        fail_at(line, "a vector of another width");
}

void
cells_add(struct cells *cells, const struct line *line, const char *word)
{
    char *text = strdup(word);
    size_t size = strlen(word);

    assert_non_null(text);
    if (size && word[size - 1] == '*') {
        set_bit(cells->defaulted, cells->rows);
        cells->has_defaulted = true;
        text[size - 1] = '\0';
    }
    if (!strcmp(text, "null")) {
        if (!is_text(cells->type.code) && !cells->type.is_list)
            cells->elements += cells->type.width;
    } else {
        set_bit(cells->validity, cells->rows);
        if (cells->type.is_list || cells->type.width > 1)
            add_elements(cells, line, text);
        else
            add_element(cells, line, text);
    }
    cells->offsets[++cells->rows] =
        (int32_t)(is_nested(cells) ? cells->children : cells->elements);
    free(text);
}

struct feature_column
cells_view(const struct cells *cells)
{
    bool has_offsets = cells->type.is_list || is_text(cells->type.code);

    return (struct feature_column){
        .values = cells->values,
        .offsets = has_offsets ? cells->offsets : NULL,
        .child_offsets = is_nested(cells) ? cells->child_offsets : NULL,
        .validity = cells->validity,
        .defaulted = cells->has_defaulted ? cells->defaulted : NULL,
        .rows = cells->rows,
        .type = cells->type.code,
        .width = cells->type.width};
}

/* --- comparing -------------------------------------------------------------*/

static bool
is_nan_at(int32_t code, const uint8_t *at)
{
    float single;
    double twice;

    if (code == FEATURE_TYPE_FLOAT32) {
        memcpy(&single, at, sizeof single);
        return isnan(single);
    }
    if (code != FEATURE_TYPE_FLOAT64)
        return false;
    memcpy(&twice, at, sizeof twice);
    return isnan(twice);
}

static bool
equal_elements(const struct feature_column *a, size_t i,
               const struct feature_column *b, size_t j)
{
    size_t size = types[a->type].size;
    const uint8_t *at = (const uint8_t *)a->values + size * i;
    const uint8_t *to = (const uint8_t *)b->values + size * j;

    if (a->type == FEATURE_TYPE_BOOL)
        return bit_at(a->values, i) == bit_at(b->values, j);
    return !memcmp(at, to, size) ||
           (is_nan_at(a->type, at) && is_nan_at(b->type, to));
}

/* Texts of the same number of bytes, elements of the same width. */
static bool
equal_ranges(const struct feature_column *a, int32_t begin, int32_t end,
             const struct feature_column *b, int32_t from, int32_t to)
{
    if (end - begin != to - from)
        return false;
    for (int32_t i = 0; i < end - begin; i++)
        if (!equal_elements(a, (size_t)(begin + i), b, (size_t)(from + i)))
            return false;
    return true;
}

static bool
equal_nested(const struct feature_column *a, const struct feature_column *b,
             uint32_t row)
{
    int32_t i = a->offsets[row], j = b->offsets[row];

    if (a->offsets[row + 1] - i != b->offsets[row + 1] - j)
        return false;
    for (; i < a->offsets[row + 1]; i++, j++)
        if (!equal_ranges(a, a->child_offsets[i], a->child_offsets[i + 1], b,
                          b->child_offsets[j], b->child_offsets[j + 1]))
            return false;
    return true;
}

bool
cells_equal(const struct feature_column *a, const struct feature_column *b,
            uint32_t row)
{
    int32_t begin = (int32_t)(row * a->width);
    int32_t end = (int32_t)((row + 1) * a->width);

    if (bit_at(a->validity, row) != bit_at(b->validity, row))
        return false;
    if ((a->defaulted && bit_at(a->defaulted, row)) !=
        (b->defaulted && bit_at(b->defaulted, row)))
        return false;
    if (!bit_at(a->validity, row))
        return true;
    if (a->child_offsets)
        return equal_nested(a, b, row);
    if (a->offsets)
        return equal_ranges(a, a->offsets[row], a->offsets[row + 1], b,
                            b->offsets[row], b->offsets[row + 1]);
    return equal_ranges(a, begin, end, b, begin, end);
}
