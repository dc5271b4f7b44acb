/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Durations, sizes and timestamps as people write them.
 *
 * Owns the units and the calendar.
 * Keeps parse(print(x)) equal to x, and every overflow an error.
 * Never knows what time it is, or of a time zone that is not written down.
 */
#include "model/quantity.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define SECOND INT64_C(1000000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

#define BAD_DURATION  "expected a duration such as '2 hours' or '90 days'"
#define BAD_SIZE      "expected a size such as '200 GB' or '64 MiB'"
#define BAD_TIMESTAMP "expected a timestamp such as '2024-01-31T12:00:00Z'"

struct unit {
    const char *name;
    int64_t factor;
};

static const struct unit durations[] = {
    {"microsecond", 1},
    {"microseconds", 1},
    {"us", 1},
    {"millisecond", 1000},
    {"milliseconds", 1000},
    {"ms", 1000},
    {"second", SECOND},
    {"seconds", SECOND},
    {"sec", SECOND},
    {"s", SECOND},
    {"minute", MINUTE},
    {"minutes", MINUTE},
    {"min", MINUTE},
    {"m", MINUTE},
    {"hour", HOUR},
    {"hours", HOUR},
    {"h", HOUR},
    {"day", DAY},
    {"days", DAY},
    {"d", DAY},
    {"week", 7 * DAY},
    {"weeks", 7 * DAY},
    {"w", 7 * DAY},
};

static const struct unit sizes[] = {
    {"B", 1},
    {"KB", 1000},
    {"MB", 1000000},
    {"GB", 1000000000},
    {"TB", 1000000000000},
    {"KiB", INT64_C(1) << 10},
    {"MiB", INT64_C(1) << 20},
    {"GiB", INT64_C(1) << 30},
    {"TiB", INT64_C(1) << 40},
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct unit *
find_unit(const struct unit *units, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (!strcasecmp(units[i].name, name))
            return &units[i];
    return NULL;
}

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Digits, then spaces: false where there are none, or too many. */
static bool
take_count(const char **text, int64_t *count, bool *overflows)
{
    const char *at = *text;

    *count = 0;
    *overflows = false;
    if (!is_digit(*at))
        return false;
    for (; is_digit(*at); at++)
        if (__builtin_mul_overflow(*count, 10, count) ||
            __builtin_add_overflow(*count, *at - '0', count))
            *overflows = true;
    while (*at == ' ')
        at++;
    *text = at;
    return true;
}

static bool
is_calendar_unit(const char *name)
{
    static const char *const units[] = {"month", "months", "mon",
                                        "year",  "years",  "y"};

    for (size_t i = 0; i < COUNT(units); i++)
        if (!strcasecmp(units[i], name))
            return true;
    return false;
}

const char *
lf_duration_parse(const char *text, int64_t *duration)
{
    const struct unit *unit;
    int64_t count;
    bool overflows;

    if (!take_count(&text, &count, &overflows))
        return BAD_DURATION;
    if (is_calendar_unit(text))
        return "months and years differ in length: write days";
    unit = find_unit(durations, COUNT(durations), text);
    if (!unit)
        return BAD_DURATION;
    if (overflows || __builtin_mul_overflow(count, unit->factor, &count) ||
        count == INT64_MAX)
        return "the duration is too long";
    if (count == 0)
        return "a duration is longer than nothing; 'none' means none";
    *duration = count;
    return NULL;
}

const char *
lf_duration_print(char buffer[LF_QUANTITY_SIZE], int64_t duration)
{
    static const struct unit units[] = {
        {"day", DAY},       {"hour", HOUR},        {"minute", MINUTE},
        {"second", SECOND}, {"millisecond", 1000}, {"microsecond", 1},
    };
    const struct unit *unit = units;
    int64_t count;

    while (duration % unit->factor)
        unit++;
    count = duration / unit->factor;
    snprintf(buffer, LF_QUANTITY_SIZE, "%" PRId64 " %s%s", count, unit->name,
             count == 1 ? "" : "s");
    return buffer;
}

const char *
lf_size_parse(const char *text, uint64_t *size)
{
    const struct unit *unit;
    int64_t count;
    bool overflows;

    if (!take_count(&text, &count, &overflows))
        return BAD_SIZE;
    unit = find_unit(sizes, COUNT(sizes), text);
    if (!unit)
        return BAD_SIZE;
    if (overflows || __builtin_mul_overflow(count, unit->factor, &count))
        return "the size is too large";
    if (count == 0)
        return "a size is more than nothing; 'none' means no limit";
    *size = (uint64_t)count;
    return NULL;
}

const char *
lf_size_print(char buffer[LF_QUANTITY_SIZE], uint64_t size)
{
    const struct unit *best = sizes;

    for (size_t i = 1; i < COUNT(sizes); i++)
        if (size % (uint64_t)sizes[i].factor == 0 &&
            sizes[i].factor > best->factor)
            best = &sizes[i];
    snprintf(buffer, LF_QUANTITY_SIZE, "%" PRIu64 " %s",
             size / (uint64_t)best->factor, best->name);
    return buffer;
}

/* Days since 1970-01-01 of a date in the Gregorian calendar. Source: Howard
 * Hinnant, "chrono-compatible low-level date algorithms". */
static int64_t
days_from_date(int64_t year, int64_t month, int64_t day)
{
    int64_t shifted = year - (month <= 2), era, year_of_era, day_of_year;

    era = (shifted >= 0 ? shifted : shifted - 399) / 400;
    year_of_era = shifted - era * 400;
    day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 -
           year_of_era / 100 + day_of_year - 719468;
}

static void
date_from_days(int64_t days, int64_t *year, int64_t *month, int64_t *day)
{
    int64_t era, day_of_era, year_of_era, day_of_year, part;

    days += 719468;
    era = (days >= 0 ? days : days - 146096) / 146097;
    day_of_era = days - era * 146097;
    year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 -
                   day_of_era / 146096) /
                  365;
    day_of_year =
        day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    part = (5 * day_of_year + 2) / 153;
    *day = day_of_year - (153 * part + 2) / 5 + 1;
    *month = part + (part < 10 ? 3 : -9);
    *year = year_of_era + era * 400 + (*month <= 2);
}

static int64_t
days_in_month(int64_t year, int64_t month)
{
    return month == 12 ? 31
                       : days_from_date(year, month + 1, 1) -
                             days_from_date(year, month, 1);
}

/* Exactly count digits, then the character after (NUL: any). */
static bool
take_digits(const char **text, int count, char after, int64_t *value)
{
    const char *at = *text;

    *value = 0;
    for (int i = 0; i < count; i++, at++) {
        if (!is_digit(*at))
            return false;
        *value = *value * 10 + (*at - '0');
    }
    if (after && *at++ != after)
        return false;
    *text = at;
    return true;
}

static bool
take_date(const char **text, int64_t *days)
{
    int64_t year, month, day;

    if (!take_digits(text, 4, '-', &year) ||
        !take_digits(text, 2, '-', &month) || !take_digits(text, 2, 0, &day))
        return false;
    if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, month))
        return false;
    *days = days_from_date(year, month, day);
    return true;
}

static bool
take_fraction(const char **text, int64_t *micros)
{
    int digits = 0;

    *micros = 0;
    if (**text != '.')
        return true;
    ++*text;
    for (; is_digit(**text) && digits < 6; ++*text, digits++)
        *micros = *micros * 10 + (**text - '0');
    if (digits == 0 || is_digit(**text))
        return false;
    for (; digits < 6; digits++)
        *micros *= 10;
    return true;
}

static bool
take_time(const char **text, int64_t *time)
{
    int64_t hour, minute, second, micros;

    if (!take_digits(text, 2, ':', &hour) ||
        !take_digits(text, 2, ':', &minute) ||
        !take_digits(text, 2, 0, &second) || !take_fraction(text, &micros))
        return false;
    *time = hour * HOUR + minute * MINUTE + second * SECOND + micros;
    return hour < 24 && minute < 60 && second < 60;
}

static bool
take_offset(const char **text, int64_t *offset)
{
    char sign = **text;
    int64_t hours, minutes;

    *offset = 0;
    ++*text;
    if (sign == 'Z' || sign == 'z')
        return true;
    if ((sign != '+' && sign != '-') || !take_digits(text, 2, ':', &hours) ||
        !take_digits(text, 2, 0, &minutes) || hours > 23 || minutes > 59)
        return false;
    *offset = hours * HOUR + minutes * MINUTE;
    if (sign == '-')
        *offset = -*offset;
    return true;
}

const char *
lf_timestamp_parse(const char *text, int64_t *timestamp)
{
    int64_t days, time = 0, offset;

    if (!take_date(&text, &days) || (*text != 'T' && *text != ' '))
        return BAD_TIMESTAMP;
    text++;
    if (!take_time(&text, &time))
        return BAD_TIMESTAMP;
    if (*text == '\0')
        return "the timestamp has no time zone: end it with Z for UTC";
    if (!take_offset(&text, &offset) || *text)
        return BAD_TIMESTAMP;
    *timestamp = days * DAY + time - offset;
    return NULL;
}

const char *
lf_timestamp_print(char buffer[LF_QUANTITY_SIZE], int64_t timestamp)
{
    int64_t time = timestamp % DAY, days = timestamp / DAY, year, month, day;
    int size;

    if (time < 0) {
        time += DAY;
        days--;
    }
    date_from_days(days, &year, &month, &day);
    if (year < 0 || year > 9999)
        return NULL;
    size = snprintf(buffer, LF_QUANTITY_SIZE, "%04d-%02d-%02dT%02d:%02d:%02d",
                    (int)year, (int)month, (int)day, (int)(time / HOUR),
                    (int)(time / MINUTE % 60), (int)(time / SECOND % 60));
    if (time % SECOND) {
        size += snprintf(buffer + size, LF_QUANTITY_SIZE - (size_t)size,
                         ".%06d", (int)(time % SECOND));
        while (buffer[size - 1] == '0')
            size--;
    }
    snprintf(buffer + size, LF_QUANTITY_SIZE - (size_t)size, "Z");
    return buffer;
}

static bool
take_two_digits(const char *text, int64_t *value)
{
    if (!is_digit(text[0]) || !is_digit(text[1]))
        return false;
    *value = (text[0] - '0') * 10 + (text[1] - '0');
    return true;
}

const char *
lf_zone_parse(const char *text, int64_t *zone)
{
    int64_t hours, minutes;

    *zone = 0;
    if (!strcasecmp(text, "UTC"))
        return NULL;
    if ((*text != '+' && *text != '-') || !take_two_digits(text + 1, &hours) ||
        text[3] != ':' || !take_two_digits(text + 4, &minutes) || text[6])
        return "expected an offset such as '+08:00', or 'UTC': a zone with "
               "daylight saving has days of several lengths";
    if (minutes > 59 || hours * HOUR + minutes * MINUTE > 14 * HOUR)
        return "an offset is at most 14 hours";
    *zone = (hours * HOUR + minutes * MINUTE) * (*text == '-' ? -1 : 1);
    return NULL;
}

const char *
lf_zone_print(char buffer[LF_QUANTITY_SIZE], int64_t zone)
{
    int64_t minutes = (zone < 0 ? -zone : zone) / MINUTE;

    if (!zone)
        snprintf(buffer, LF_QUANTITY_SIZE, "UTC");
    else
        snprintf(buffer, LF_QUANTITY_SIZE, "%c%02" PRId64 ":%02" PRId64,
                 zone < 0 ? '-' : '+', minutes / 60, minutes % 60);
    return buffer;
}
