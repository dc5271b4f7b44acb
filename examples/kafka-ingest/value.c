/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON text, token by token, and what its tokens are worth.
 *
 * Owns nothing: the record and the room for a string are the caller's.
 * Keeps to RFC 8259: what that does not allow is not read.
 * Never reads past the end of the record.
 */
#include "value.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void
pass_space(struct json *json)
{
    while (json->at < json->end && memchr(" \t\r\n", *json->at, 4))
        json->at++;
}

bool
json_take(struct json *json, char wanted)
{
    pass_space(json);
    if (json->at == json->end || *json->at != wanted)
        return false;
    json->at++;
    return true;
}

/* The four digits of \uXXXX, or -1. */
static long
hexadecimal(struct json *json)
{
    long value = 0;

    if (json->end - json->at < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        static const char digits[] = "0123456789abcdef";
        char c = *json->at++;
        const char *digit;

        if (c >= 'A' && c <= 'F')
            c = (char)(c - 'A' + 'a');
        digit = c ? strchr(digits, c) : NULL;
        if (!digit)
            return -1;
        value = value * 16 + (digit - digits);
    }
    return value;
}

/* Both halves where it needs two. */
static long
code_point(struct json *json)
{
    long high = hexadecimal(json), low;

    if (high < 0xd800 || high > 0xdfff)
        return high;
    if (high > 0xdbff || json->end - json->at < 2 ||
        memcmp(json->at, "\\u", 2) != 0)
        return -1;
    json->at += 2;
    low = hexadecimal(json);
    if (low < 0xdc00 || low > 0xdfff)
        return -1;
    return 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
}

static char *
put_utf8(char *to, long point)
{
    static const unsigned char first[] = {0, 0, 0xc0, 0xe0, 0xf0};
    int size = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;

    if (size == 1) {
        *to = (char)point;
        return to + 1;
    }
    for (int i = size - 1; i > 0; i--, point >>= 6)
        to[i] = (char)(0x80 | (point & 0x3f));
    to[0] = (char)(first[size] | point);
    return to + size;
}

static char *
put_escape(struct json *json, char *to)
{
    static const char names[] = "\"\\/bfnrt", means[] = "\"\\/\b\f\n\r\t";
    const char *name;
    char c;

    if (json->at == json->end)
        return NULL;
    c = *json->at++;
    if (c == 'u') {
        long point = code_point(json);

        return point < 0 ? NULL : put_utf8(to, point);
    }
    name = c ? strchr(names, c) : NULL;
    if (!name)
        return NULL;
    *to = means[name - names];
    return to + 1;
}

long
json_string(struct json *json, char *text)
{
    char *to = text;

    if (!json_take(json, '"'))
        return -1;
    while (json->at < json->end) {
        char c = *json->at++;

        if (c == '"')
            return to - text;
        if ((unsigned char)c < 0x20)
            return -1;
        if (c != '\\') {
            *to++ = c;
            continue;
        }
        to = put_escape(json, to);
        if (!to)
            return -1;
    }
    return -1;
}

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Digits from here on, and whether there was one. */
static bool
pass_digits(const char **at, const char *end)
{
    const char *begin = *at;

    while (*at < end && is_digit(**at))
        ++*at;
    return *at > begin;
}

static bool
is_number(const char *at, size_t size)
{
    const char *end = at + size;

    if (at < end && *at == '-')
        at++;
    if (at + 1 < end && *at == '0' && is_digit(at[1]))
        return false;
    if (!pass_digits(&at, end))
        return false;
    if (at < end && *at == '.') {
        at++;
        if (!pass_digits(&at, end))
            return false;
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        at++;
        if (at < end && (*at == '+' || *at == '-'))
            at++;
        if (!pass_digits(&at, end))
            return false;
    }
    return at == end;
}

bool
json_word(struct json *json, const char **word, size_t *size)
{
    static const char *const words[] = {"null", "true", "false"};

    pass_space(json);
    *word = json->at;
    while (json->at < json->end && !memchr(" \t\r\n,}]{[:\"", *json->at, 11))
        json->at++;
    *size = (size_t)(json->at - *word);
    for (int i = 0; i < 3; i++)
        if (*size == strlen(words[i]) && !memcmp(*word, words[i], *size))
            return true;
    return is_number(*word, *size);
}

#define NUMBER_SIZE 400

/* A copy that ends in NUL; NULL where it is no number, or too long for one. */
static const char *
number(const char *text, size_t size, char copy[NUMBER_SIZE])
{
    if (size >= NUMBER_SIZE || !is_number(text, size))
        return NULL;
    memcpy(copy, text, size);
    copy[size] = '\0';
    return copy;
}

bool
read_integer(const char *text, size_t size, int64_t least, int64_t most,
             int64_t *value)
{
    char copy[NUMBER_SIZE];
    const char *digits = number(text, size, copy);
    long long found;

    if (!digits || strpbrk(digits, ".eE"))
        return false;
    errno = 0;
    found = strtoll(digits, NULL, 10);
    if (errno || found < least || found > most)
        return false;
    *value = found;
    return true;
}

bool
read_real(const char *text, size_t size, double *value)
{
    char copy[NUMBER_SIZE];
    const char *digits = number(text, size, copy);

    if (!digits)
        return false;
    *value = strtod(digits, NULL);
    return isfinite(*value);
}

/* As many digits, and no more than the most. */
static bool
field(const char *text, int size, int least, int most, int *value)
{
    *value = 0;
    for (int i = 0; i < size; i++) {
        if (!is_digit(text[i]))
            return false;
        *value = *value * 10 + (text[i] - '0');
    }
    return *value >= least && *value <= most;
}

/* Days since 1970-01-01, by years that begin in March. */
static int64_t
days_of(int year, int month, int day)
{
    int64_t years = month > 2 ? year : year - 1;
    int64_t months = month > 2 ? month - 3 : month + 9;

    return years * 365 + years / 4 - years / 100 + years / 400 +
           (months * 153 + 2) / 5 + day - 719469;
}

static bool
read_fraction(const char *text, size_t size, int64_t *value)
{
    int64_t unit = 1000000;

    *value = 0;
    if (size < 1 || size > 6)
        return false;
    for (size_t i = 0; i < size; i++) {
        if (!is_digit(text[i]))
            return false;
        unit /= 10;
        *value += (text[i] - '0') * unit;
    }
    return true;
}

bool
read_time(const char *text, size_t size, int64_t *value)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30,
                                  31, 31, 30, 31, 30, 31};
    int year, month, day, hour, minute, second;
    int64_t fraction = 0;
    bool leap;

    if (size < 20 || text[size - 1] != 'Z' || text[4] != '-' ||
        text[7] != '-' || text[10] != 'T' || text[13] != ':' ||
        text[16] != ':' || !field(text, 4, 1, 9999, &year) ||
        !field(text + 5, 2, 1, 12, &month) ||
        !field(text + 8, 2, 1, 31, &day) ||
        !field(text + 11, 2, 0, 23, &hour) ||
        !field(text + 14, 2, 0, 59, &minute) ||
        !field(text + 17, 2, 0, 59, &second))
        return false;
    leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if (day > lengths[month - 1] + (month == 2 && leap))
        return false;
    if (size > 20 &&
        (text[19] != '.' || !read_fraction(text + 20, size - 21, &fraction)))
        return false;
    *value = (((days_of(year, month, day) * 24 + hour) * 60 + minute) * 60 +
              second) *
                 1000000 +
             fraction;
    return true;
}
