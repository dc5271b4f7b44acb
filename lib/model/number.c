/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers in definition texts.
 *
 * Owns the way between digits and values.
 * Keeps parse(print(x)) equal to x, bit for bit, and the point a '.'.
 * Never changes or relies on the locale of the program it lives in.
 */
#include "model/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool
lf_number_is_whole(const char *text, size_t size)
{
    size_t at = size && (text[0] == '-' || text[0] == '+');

    if (at == size)
        return false;
    while (at < size && text[at] >= '0' && text[at] <= '9')
        at++;
    return at == size;
}

bool
lf_number_parse_int64(const char *text, size_t size, int64_t *value)
{
    bool is_negative = text[0] == '-';
    int64_t made = 0;

    for (size_t i = is_negative || text[0] == '+'; i < size; i++) {
        int digit = is_negative ? '0' - text[i] : text[i] - '0';

        if (__builtin_mul_overflow(made, 10, &made) ||
            __builtin_add_overflow(made, digit, &made))
            return false;
    }
    *value = made;
    return true;
}

/* What this thread's locale writes for a point, by asking printf: unlike
 * localeconv, that is safe beside other threads. */
static size_t
find_point(char point[LF_NUMBER_SIZE])
{
    int size = snprintf(point, LF_NUMBER_SIZE, "%.1f", 0.5);

    if (size < 3)
        return 0;
    memmove(point, point + 1, (size_t)size - 2);
    return (size_t)size - 2;
}

#define LOCAL_SIZE (LF_NUMBER_MAX + LF_NUMBER_SIZE)

static bool
localize(char local[LOCAL_SIZE], const char *text, size_t size)
{
    const char *dot = memchr(text, '.', size);
    size_t before = dot ? (size_t)(dot - text) : size, used = before;
    char point[LF_NUMBER_SIZE];

    if (size > LF_NUMBER_MAX)
        return false;
    memcpy(local, text, before);
    if (dot) {
        size_t point_size = find_point(point);

        memcpy(local + used, point, point_size);
        used += point_size;
        memcpy(local + used, dot + 1, size - before - 1);
        used += size - before - 1;
    }
    local[used] = '\0';
    return true;
}

bool
lf_number_parse_float32(const char *text, size_t size, float *value)
{
    char local[LOCAL_SIZE];
    float made;

    if (!localize(local, text, size))
        return false;
    made = strtof(local, NULL);
    if (isinf(made))
        return false;
    *value = made;
    return true;
}

bool
lf_number_parse_float64(const char *text, size_t size, double *value)
{
    char local[LOCAL_SIZE];
    double made;

    if (!localize(local, text, size))
        return false;
    made = strtod(local, NULL);
    if (isinf(made))
        return false;
    *value = made;
    return true;
}

/* Whatever printf wrote that is no part of a number in C is the point. */
static void
delocalize(char buffer[LF_NUMBER_SIZE])
{
    size_t begin = strspn(buffer, "+-0123456789e."), end = begin;

    if (!buffer[begin])
        return;
    while (buffer[end] && !strchr("+-0123456789e", buffer[end]))
        end++;
    buffer[begin] = '.';
    memmove(buffer + begin + 1, buffer + end, strlen(buffer + end) + 1);
}

const char *
lf_number_print_float32(char buffer[LF_NUMBER_SIZE], float value)
{
    for (int digits = 1; digits <= 9; digits++) {
        snprintf(buffer, LF_NUMBER_SIZE, "%.*g", digits, (double)value);
        if (strtof(buffer, NULL) == value)
            break;
    }
    delocalize(buffer);
    return buffer;
}

const char *
lf_number_print_float64(char buffer[LF_NUMBER_SIZE], double value)
{
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(buffer, LF_NUMBER_SIZE, "%.*g", digits, value);
        if (strtod(buffer, NULL) == value)
            break;
    }
    delocalize(buffer);
    return buffer;
}
