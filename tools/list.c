/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists in cells, a part of JSON.
 *
 * Owns the syntax of "[1, 2.5, 3]" and of arrays of strings with escapes.
 * Keeps a refused list from leaving elements behind: offsets move at the end.
 * Never nests, and never reads past the cell.
 */
#include "list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "number.h"
#include "utf8.h"

static const char not_a_list[] = "is not a list such as [1, 2, 3]";
static const char not_strings[] = "is not a list such as [\"a\", \"b\"]";

struct cursor {
    const char *at;
    const char *end;
};

static void
skip_blanks(struct cursor *in)
{
    while (in->at < in->end && strchr(" \t\r\n", *in->at) && *in->at)
        in->at++;
}

static bool
take(struct cursor *in, char c)
{
    skip_blanks(in);
    if (in->at == in->end || *in->at != c)
        return false;
    in->at++;
    return true;
}

/* The text of one number: up to a comma, a bracket or a blank. */
static size_t
number_size(const struct cursor *in)
{
    size_t size = 0, left = (size_t)(in->end - in->at);

    while (size < left && !strchr(",] \t\r\n", in->at[size]))
        size++;
    return size;
}

/* Reads the numbers between brackets to values from byte first on. With a
 * limit, more elements than that are counted and not kept. */
static const char *
read_numbers(struct cell_column *column, size_t first, uint32_t limit,
             struct cursor in, uint32_t *count)
{
    size_t element = cell_element_size(column->type);
    uint32_t read = 0;

    if (!take(&in, '['))
        return not_a_list;
    for (bool is_end = take(&in, ']'); !is_end; is_end = take(&in, ']')) {
        uint64_t spare;
        size_t place = first + read * element, size;
        void *to = &spare;
        const char *why;

        if (read && !take(&in, ','))
            return not_a_list;
        skip_blanks(&in);
        size = number_size(&in);
        if (read < limit) {
            if (!cell_reserve(column, place + element))
                return cell_no_memory;
            to = (char *)column->values + place;
        }
        why = cell_read_element(column->type, to, in.at, size);
        if (why) {
            snprintf(column->why, sizeof column->why,
                     "has an element %u that %s", read + 1, why);
            return column->why;
        }
        in.at += size;
        read++;
    }
    skip_blanks(&in);
    *count = read;
    return in.at == in.end ? NULL : not_a_list;
}

const char *
list_read_vector(struct cell_column *column, uint32_t row, const char *text,
                 size_t size)
{
    struct cursor in = {text, text + size};
    uint32_t count = 0;
    const char *why;

    why = read_numbers(column, row * column->size, column->width, in, &count);
    if (why)
        return why;
    if (count == column->width)
        return NULL;
    snprintf(column->why, sizeof column->why, "has %u elements, not %u", count,
             column->width);
    return column->why;
}

const char *
list_read_numbers(struct cell_column *column, uint32_t row, const char *text,
                  size_t size)
{
    struct cursor in = {text, text + size};
    size_t first = (size_t)column->offsets[row];
    uint32_t count = 0;
    const char *why;

    why = read_numbers(column, first * cell_element_size(column->type),
                       UINT32_MAX, in, &count);
    if (why)
        return why;
    if (first + count > INT32_MAX)
        return cell_no_memory;
    column->offsets[row + 1] = (int32_t)(first + count);
    return NULL;
}

static bool
take_hex(struct cursor *in, uint32_t *unit)
{
    *unit = 0;
    if (in->end - in->at < 4)
        return false;
    for (int i = 0; i < 4; i++) {
        char c = *in->at++, low = (char)(c | 32);

        if (c >= '0' && c <= '9')
            *unit = *unit * 16 + (uint32_t)(c - '0');
        else if (low >= 'a' && low <= 'f')
            *unit = *unit * 16 + (uint32_t)(low - 'a' + 10);
        else
            return false;
    }
    return true;
}

/* After "\u": one code point, from two surrogates if it takes them. */
static bool
take_point(struct cursor *in, uint32_t *point)
{
    uint32_t low;

    if (!take_hex(in, point) || !*point ||
        (*point >= 0xdc00 && *point < 0xe000))
        return false;
    if (*point < 0xd800 || *point >= 0xe000)
        return true;
    if (in->end - in->at < 2 || in->at[0] != '\\' || in->at[1] != 'u')
        return false;
    in->at += 2;
    if (!take_hex(in, &low) || low < 0xdc00 || low >= 0xe000)
        return false;
    *point = 0x10000 + ((*point - 0xd800) << 10) + (low - 0xdc00);
    return true;
}

/* After a backslash; writes one to four bytes. */
static bool
take_escape(struct cursor *in, char to[4], size_t *size)
{
    static const char codes[] = "\"\"\\\\//b\bf\fn\nr\rt\t";
    uint32_t point;
    char c;

    if (in->at == in->end)
        return false;
    c = *in->at++;
    if (c == 'u') {
        if (!take_point(in, &point))
            return false;
        *size = utf8_put(to, point);
        return true;
    }
    for (size_t i = 0; i + 1 < sizeof codes; i += 2) {
        if (c == codes[i]) {
            to[0] = codes[i + 1];
            *size = 1;
            return true;
        }
    }
    return false;
}

/* A string after its opening quote, to the values; there is room, because no
 * string is longer than its text. */
static bool
take_string(struct cursor *in, char *values, size_t *used)
{
    while (in->at < in->end && *in->at != '"') {
        size_t size = 1;

        if ((unsigned char)*in->at < 0x20)
            return false;
        if (*in->at == '\\') {
            in->at++;
            if (!take_escape(in, values + *used, &size))
                return false;
        } else {
            values[*used] = *in->at++;
        }
        *used += size;
    }
    return in->at < in->end && *in->at++ == '"';
}

static bool
reserve_children(struct cell_column *column, size_t count)
{
    size_t capacity = column->child_capacity ? column->child_capacity : 256;
    int32_t *offsets;

    if (count <= column->child_capacity)
        return true;
    while (capacity < count)
        capacity *= 2;
    offsets = realloc(column->child_offsets, capacity * sizeof *offsets);
    if (!offsets)
        return false;
    offsets[0] = 0;
    column->child_offsets = offsets;
    column->child_capacity = capacity;
    return true;
}

const char *
list_read_strings(struct cell_column *column, uint32_t row, const char *text,
                  size_t size)
{
    struct cursor in = {text, text + size};
    size_t child = (size_t)column->offsets[row], used;
    bool is_first = true;

    if (!reserve_children(column, child + size / 2 + 2))
        return cell_no_memory;
    used = (size_t)column->child_offsets[child];
    if (used + size > INT32_MAX || !cell_reserve(column, used + size + 4))
        return cell_no_memory;
    if (!take(&in, '['))
        return not_strings;
    for (bool is_end = take(&in, ']'); !is_end; is_end = take(&in, ']')) {
        if ((!is_first && !take(&in, ',')) || !take(&in, '"') ||
            !take_string(&in, column->values, &used))
            return not_strings;
        column->child_offsets[++child] = (int32_t)used;
        is_first = false;
    }
    skip_blanks(&in);
    if (in.at != in.end)
        return not_strings;
    column->offsets[row + 1] = (int32_t)child;
    return NULL;
}

static bool
look_at_strings(struct cursor in, uint32_t *count)
{
    char to[4];
    size_t used;

    *count = 0;
    if (!take(&in, '['))
        return false;
    for (bool is_end = take(&in, ']'); !is_end; is_end = take(&in, ']')) {
        if ((*count && !take(&in, ',')) || !take(&in, '"'))
            return false;
        while (in.at < in.end && *in.at != '"') {
            if (*in.at++ == '\\' && !take_escape(&in, to, &used))
                return false;
        }
        if (in.at == in.end)
            return false;
        in.at++;
        ++*count;
    }
    skip_blanks(&in);
    return in.at == in.end;
}

enum list_kind
list_look(const char *text, size_t size, uint32_t *count)
{
    struct cursor in = {text, text + size};
    uint64_t spare;
    struct cell_column column = {.type = FEATURE_TYPE_INT64, .values = &spare};

    if (!size || text[0] != '[')
        return LIST_NONE;
    if (!read_numbers(&column, 0, 0, in, count))
        return LIST_WHOLE;
    column.type = FEATURE_TYPE_FLOAT64;
    if (!read_numbers(&column, 0, 0, in, count))
        return LIST_NUMBERS;
    return look_at_strings(in, count) ? LIST_STRINGS : LIST_NONE;
}
