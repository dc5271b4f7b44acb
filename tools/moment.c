/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Moments, from text and back.
 *
 * Owns the units and the forms in which files write times.
 * Keeps a time without a zone from being read as one: it is UTC only if asked.
 * Never reads a clock, a locale, or the machine's own time zone.
 */
#include "moment.h"

#include <stdio.h>
#include <string.h>

#include "calendar.h"
#include "number.h"

#define SECOND      1000000ll
#define DAY_SECONDS 86400

static const char not_a_time[] = "is not a time";
static const char no_such_time[] = "names a day or time that does not exist";
static const char no_zone[] = "has no time zone: add --time-zone UTC, or an "
                              "offset such as --time-zone +08:00";
static const char out_of_range[] = "is out of the range of times";

/* A time as written, before the zone is taken off. */
struct civil {
    int year, month, day;
    int hour, minute, second;
    int microsecond;
    bool has_zone;
    int32_t zone;
};

struct cursor {
    const char *at;
    const char *end;
};

static const struct {
    const char *name;
    enum moment_kind kind;
} kinds[] = {
    {"iso", MOMENT_ISO},         {"s", MOMENT_SECONDS},
    {"ms", MOMENT_MILLISECONDS}, {"us", MOMENT_MICROSECONDS},
    {"ns", MOMENT_NANOSECONDS},
};

static const char *
moment_of(const struct civil *c, const struct moment_format *format,
          int64_t *value)
{
    int64_t seconds;

    if (c->month < 1 || c->month > 12 || c->day < 1 ||
        c->day > calendar_month_days(c->year, c->month) || c->hour > 23 ||
        c->minute > 59 || c->second > 59)
        return no_such_time;
    if (!c->has_zone && !format->has_zone)
        return no_zone;
    seconds = calendar_days(c->year, c->month, c->day) * DAY_SECONDS +
              c->hour * 3600 + c->minute * 60 + c->second;
    seconds -= c->has_zone ? c->zone : format->zone;
    *value = seconds * SECOND + c->microsecond;
    return NULL;
}

static bool
take(struct cursor *in, char c)
{
    if (in->at == in->end || *in->at != c)
        return false;
    in->at++;
    return true;
}

/* From least to most digits. */
static bool
take_digits(struct cursor *in, int least, int most, int *value)
{
    int sum = 0, count = 0;

    while (count < most && in->at < in->end && (unsigned)(*in->at - '0') <= 9) {
        sum = sum * 10 + (*in->at++ - '0');
        count++;
    }
    *value = sum;
    return count >= least;
}

/* Digits after the point, to microseconds; finer ones are cut off. */
static bool
take_fraction(struct cursor *in, int *microsecond)
{
    int sum = 0, count = 0;

    for (; in->at < in->end && (unsigned)(*in->at - '0') <= 9; in->at++) {
        if (count < 6)
            sum = sum * 10 + (*in->at - '0');
        count++;
    }
    for (int i = count; i < 6; i++)
        sum *= 10;
    *microsecond = sum;
    return count > 0;
}

/* Z, UTC, +08:00, +0800 or +08 */
static bool
take_zone(struct cursor *in, struct civil *c)
{
    size_t left = (size_t)(in->end - in->at);
    int hours, minutes = 0;
    bool is_west;

    c->has_zone = true;
    c->zone = 0;
    if (left >= 3 && number_is_word(in->at, 3, "utc")) {
        in->at += 3;
        return true;
    }
    if (take(in, 'Z') || take(in, 'z'))
        return true;
    is_west = left && *in->at == '-';
    if (!take(in, '+') && !take(in, '-'))
        return false;
    if (!take_digits(in, 2, 2, &hours))
        return false;
    if ((take(in, ':') ||
         (in->at < in->end && (unsigned)(*in->at - '0') <= 9)) &&
        !take_digits(in, 2, 2, &minutes))
        return false;
    c->zone = (hours * 60 + minutes) * 60;
    if (is_west)
        c->zone = -c->zone;
    return hours < 24 && minutes < 60;
}

static bool
take_clock(struct cursor *in, struct civil *c)
{
    if (!take_digits(in, 2, 2, &c->hour) || !take(in, ':') ||
        !take_digits(in, 2, 2, &c->minute))
        return false;
    if (!take(in, ':'))
        return true;
    if (!take_digits(in, 2, 2, &c->second))
        return false;
    if (take(in, '.') || take(in, ','))
        return take_fraction(in, &c->microsecond);
    return true;
}

static bool
take_iso(struct cursor *in, struct civil *c)
{
    if (!take_digits(in, 4, 4, &c->year) || !take(in, '-') ||
        !take_digits(in, 2, 2, &c->month) || !take(in, '-') ||
        !take_digits(in, 2, 2, &c->day))
        return false;
    if (in->at == in->end)
        return true;
    if (!take(in, 'T') && !take(in, 't') && !take(in, ' '))
        return false;
    if (!take_clock(in, c))
        return false;
    if (in->at == in->end)
        return true;
    take(in, ' ');
    return take_zone(in, c) && in->at == in->end;
}

static bool
take_field(struct cursor *in, char directive, struct civil *c)
{
    switch (directive) {
    case 'Y':
        return take_digits(in, 4, 4, &c->year);
    case 'm':
        return take_digits(in, 1, 2, &c->month);
    case 'd':
        return take_digits(in, 1, 2, &c->day);
    case 'H':
        return take_digits(in, 1, 2, &c->hour);
    case 'M':
        return take_digits(in, 1, 2, &c->minute);
    case 'S':
        return take_digits(in, 1, 2, &c->second);
    case 'f':
        return take_fraction(in, &c->microsecond);
    case 'z':
        return take_zone(in, c);
    case '%':
        return take(in, '%');
    default:
        return false;
    }
}

static bool
take_pattern(struct cursor *in, const char *pattern, struct civil *c)
{
    for (; *pattern; pattern++) {
        if (*pattern != '%') {
            if (!take(in, *pattern))
                return false;
        } else if (!take_field(in, *++pattern, c)) {
            return false;
        }
    }
    return in->at == in->end;
}

static int64_t
unit_scale(enum moment_kind kind)
{
    return kind == MOMENT_SECONDS        ? SECOND
           : kind == MOMENT_MILLISECONDS ? 1000
                                         : 1;
}

/* "1587000000.25": the digits after the point, to microseconds, downwards. */
static const char *
read_fraction(const char *text, size_t size, int64_t scale, int64_t *value)
{
    bool is_negative = text[0] == '-', is_cut = false;
    const char *point = memchr(text, '.', size);
    int64_t whole, part = 0, unit = scale;
    enum number_result result;

    if (!point || point == text)
        return not_a_time;
    result = number_int64(text, (size_t)(point - text), &whole);
    if (result)
        return result == NUMBER_RANGE ? out_of_range : not_a_time;
    for (const char *at = point + 1; at < text + size; at++) {
        if (*at < '0' || *at > '9')
            return not_a_time;
        unit /= 10;
        part += unit * (*at - '0');
        is_cut |= !unit && *at != '0';
    }
    if (is_negative)
        part = -part - is_cut;
    if (__builtin_mul_overflow(whole, scale, value) ||
        __builtin_add_overflow(*value, part, value))
        return out_of_range;
    return NULL;
}

static const char *
read_number(enum moment_kind kind, const char *text, size_t size,
            int64_t *value)
{
    int64_t scale = unit_scale(kind), number;

    switch (number_int64(text, size, &number)) {
    case NUMBER_RANGE:
        return out_of_range;
    case NUMBER_SYNTAX:
        if (kind == MOMENT_NANOSECONDS)
            return not_a_time;
        return read_fraction(text, size, scale, value);
    case NUMBER_FINE:
        break;
    }
    if (kind == MOMENT_NANOSECONDS)
        *value = number / 1000 - (number % 1000 < 0);
    else if (__builtin_mul_overflow(number, scale, value))
        return out_of_range;
    return NULL;
}

/* What most cells look like: "2020-04-01 00:44:02". */
static bool
read_common(const char *t, struct civil *c)
{
    unsigned bad = 0;
    int n[7];
    static const unsigned char at[] = {0, 2, 5, 8, 11, 14, 17};

    for (int i = 0; i < 7; i++) {
        unsigned tens = (unsigned)(t[at[i]] - '0');
        unsigned ones = (unsigned)(t[at[i] + 1] - '0');

        bad |= (tens > 9) | (ones > 9);
        n[i] = (int)(tens * 10 + ones);
    }
    bad |= (t[4] != '-') | (t[7] != '-') | (t[13] != ':') | (t[16] != ':') |
           (t[10] != ' ' && t[10] != 'T');
    c->year = n[0] * 100 + n[1];
    c->month = n[2];
    c->day = n[3];
    c->hour = n[4];
    c->minute = n[5];
    c->second = n[6];
    return !bad;
}

const char *
moment_read(const struct moment_format *format, const char *text, size_t size,
            int64_t *value)
{
    struct cursor in = {text, text + size};
    struct civil c = {0};

    switch (format->kind) {
    case MOMENT_ISO:
        if (size == 19 && read_common(text, &c))
            return moment_of(&c, format, value);
        memset(&c, 0, sizeof c);
        if (!take_iso(&in, &c))
            return not_a_time;
        return moment_of(&c, format, value);
    case MOMENT_PATTERN:
        if (!take_pattern(&in, format->pattern, &c))
            return "does not follow the time format";
        return moment_of(&c, format, value);
    case MOMENT_SECONDS:
    case MOMENT_MILLISECONDS:
    case MOMENT_MICROSECONDS:
    case MOMENT_NANOSECONDS:
        break;
    }
    return read_number(format->kind, text, size, value);
}

bool
moment_is_iso(const char *text, size_t size, bool *has_zone)
{
    struct moment_format format = {.has_zone = true};
    struct cursor in = {text, text + size};
    struct civil c = {0};
    int64_t value;

    if (!take_iso(&in, &c) || moment_of(&c, &format, &value))
        return false;
    *has_zone = c.has_zone;
    return true;
}

bool
moment_is_likely(int64_t value)
{
    return value >= 631152000 * SECOND && value < 4102444800 * SECOND;
}

bool
moment_likely_unit(const char *text, size_t size, enum moment_kind *kind)
{
    static const enum moment_kind units[] = {
        MOMENT_SECONDS, MOMENT_MILLISECONDS, MOMENT_MICROSECONDS,
        MOMENT_NANOSECONDS};
    int64_t value;

    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (!read_number(units[i], text, size, &value) &&
            moment_is_likely(value)) {
            *kind = units[i];
            return true;
        }
    }
    return false;
}

const char *
moment_kind_name(enum moment_kind kind)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i].kind == kind)
            return kinds[i].name;
    return "FORMAT";
}

static const char *
check_pattern(const char *pattern)
{
    bool has_year = false, has_month = false, has_day = false;

    for (; *pattern; pattern++) {
        if (*pattern != '%')
            continue;
        pattern++;
        if (!*pattern || !strchr("YmdHMSfz%", *pattern))
            return "may use only %Y %m %d %H %M %S %f %z and %%";
        has_year |= *pattern == 'Y';
        has_month |= *pattern == 'm';
        has_day |= *pattern == 'd';
    }
    if (!has_year || !has_month || !has_day)
        return "needs %Y, %m and %d";
    return NULL;
}

const char *
moment_format_read(struct moment_format *format, const char *word)
{
    const char *why;

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (!strcmp(word, kinds[i].name)) {
            format->kind = kinds[i].kind;
            return NULL;
        }
    }
    if (!strchr(word, '%'))
        return "is no time format: write s, ms, us, ns, iso, or a pattern such "
               "as %d/%m/%Y";
    why = check_pattern(word);
    if (why)
        return why;
    format->kind = MOMENT_PATTERN;
    format->pattern = word;
    return NULL;
}

const char *
moment_zone_read(const char *word, int32_t *zone)
{
    struct cursor in = {word, word + strlen(word)};
    struct civil c = {0};

    if (!take_zone(&in, &c) || in.at != in.end)
        return "is no fixed offset: write UTC or one such as +08:00; the "
               "offset of a named zone changes in the year, and some of its "
               "times happen twice";
    *zone = c.zone;
    return NULL;
}

bool
moment_has_offset(const struct moment_format *format)
{
    const char *at = format->kind == MOMENT_PATTERN ? format->pattern : "";

    for (; *at; at++)
        if (*at == '%' && *++at == 'z')
            return true;
    return false;
}

size_t
moment_print(char buffer[MOMENT_SIZE], int64_t value)
{
    int64_t seconds = value / SECOND - (value % SECOND < 0);
    int64_t days = seconds / DAY_SECONDS - (seconds % DAY_SECONDS < 0);
    int part = (int)(value % SECOND + (value % SECOND < 0) * SECOND);
    int rest = (int)(seconds - days * DAY_SECONDS);
    int64_t year;
    int month, day, size;

    calendar_date(days, &year, &month, &day);
    size = snprintf(buffer, MOMENT_SIZE, "%04lld-%02d-%02dT%02d:%02d:%02d",
                    (long long)year, month, day, rest / 3600, rest / 60 % 60,
                    rest % 60);
    if (part) {
        size +=
            snprintf(buffer + size, MOMENT_SIZE - (size_t)size, ".%06d", part);
        while (buffer[size - 1] == '0')
            size--;
    }
    size += snprintf(buffer + size, MOMENT_SIZE - (size_t)size, "Z");
    return (size_t)size;
}
