/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Types from cells.
 *
 * Owns the rules by which a column of text is proposed as a type.
 * Keeps every whole number exact: no proposed type loses a digit of one.
 * Never looks at a title, and never remembers a cell.
 */
#include "sniff.h"

#include <string.h>

#include "list.h"
#include "number.h"

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "007" and "-01", which as numbers would come back as 7 and -1. */
static bool
has_leading_zero(const char *text, size_t size)
{
    size_t at = text[0] == '-' || text[0] == '+';

    return at + 1 < size && text[at] == '0' && is_digit(text[at + 1]);
}

static void
add_whole(struct sniff *sniff, const char *text, size_t size, int64_t value)
{
    enum moment_kind kind;

    if (has_leading_zero(text, size)) {
        sniff->zeros_lead++;
        return;
    }
    if (!sniff->wholes++)
        sniff->least = sniff->most = value;
    sniff->least = value < sniff->least ? value : sniff->least;
    sniff->most = value > sniff->most ? value : sniff->most;
    sniff->pointed += memchr(text, '.', size) != NULL;
    if (moment_likely_unit(text, size, &kind))
        sniff->has_unit[kind] = true;
    else
        sniff->unit_misses++;
}

static bool
add_number(struct sniff *sniff, const char *text, size_t size)
{
    int64_t whole;
    double value;

    switch (number_int64(text, size, &whole)) {
    case NUMBER_FINE:
        add_whole(sniff, text, size, whole);
        return true;
    case NUMBER_RANGE:
        sniff->huge++;
        return true;
    case NUMBER_SYNTAX:
        break;
    }
    if (number_float64(text, size, &value))
        return false;
    if (has_leading_zero(text, size))
        sniff->zeros_lead++;
    else
        sniff->floats++;
    return true;
}

static bool
add_list(struct sniff *sniff, const char *text, size_t size)
{
    uint32_t count;

    switch (list_look(text, size, &count)) {
    case LIST_NONE:
        return false;
    case LIST_WHOLE:
        sniff->lists++;
        break;
    case LIST_NUMBERS:
        break;
    case LIST_STRINGS:
        sniff->texts++;
        return true;
    }
    if (!sniff->vectors++)
        sniff->width = count;
    sniff->widths_differ |= count != sniff->width;
    return true;
}

static void
add_other(struct sniff *sniff, const char *text, size_t size)
{
    bool has_zone;

    if (moment_is_iso(text, size, &has_zone)) {
        sniff->times++;
        sniff->zoned += has_zone;
    } else {
        add_list(sniff, text, size);
    }
}

void
sniff_add(struct sniff *sniff, const char *text, size_t size, uint64_t line)
{
    uint64_t wholes = sniff->wholes;
    bool truth;

    sniff->rows++;
    if (!size) {
        sniff->nulls++;
        return;
    }
    sniff->longest = size > sniff->longest ? size : sniff->longest;
    if (!number_bool(text, size, &truth)) {
        sniff->truths++;
        sniff->bits += is_digit(text[0]);
    }
    if (!add_number(sniff, text, size))
        add_other(sniff, text, size);
    if (sniff->wholes == wholes && !sniff->odd_line)
        sniff->odd_line = line;
}

/* Past 2^53, and past INT64 all the more, it would round identifiers. */
static bool
fits_float64(const struct sniff *sniff)
{
    const int64_t limit = (int64_t)1 << 53;

    return sniff->least >= -limit && sniff->most <= limit;
}

enum sniff_type
sniff_type(const struct sniff *sniff)
{
    uint64_t values = sniff->rows - sniff->nulls;

    if (!values || sniff->zeros_lead)
        return SNIFF_STRING;
    if (sniff->truths == values && sniff->bits < values)
        return SNIFF_BOOL;
    if (sniff->wholes == values)
        return SNIFF_INT64;
    if (sniff->wholes + sniff->floats == values && fits_float64(sniff))
        return SNIFF_FLOAT64;
    if (sniff->times == values)
        return SNIFF_TIMESTAMP;
    if (sniff->lists == values)
        return SNIFF_INT64_LIST;
    if (sniff->vectors == values)
        return SNIFF_FLOAT64_LIST;
    if (sniff->texts + sniff->lists == values && sniff->texts &&
        !sniff->width && !sniff->widths_differ)
        return SNIFF_STRING_LIST;
    return SNIFF_STRING;
}

void
sniff_add_type(const struct sniff *sniff, struct text *text)
{
    static const char *const names[] = {
        [SNIFF_STRING] = "STRING",        [SNIFF_BOOL] = "BOOL",
        [SNIFF_INT64] = "INT64",          [SNIFF_FLOAT64] = "FLOAT64",
        [SNIFF_TIMESTAMP] = "TIMESTAMP",  [SNIFF_INT64_LIST] = "INT64",
        [SNIFF_FLOAT64_LIST] = "FLOAT64", [SNIFF_STRING_LIST] = "STRING"};
    enum sniff_type type = sniff_type(sniff);

    text_add(text, "%s", names[type]);
    if (type < SNIFF_INT64_LIST)
        return;
    if (type != SNIFF_STRING_LIST && !sniff->widths_differ && sniff->width > 1)
        text_add(text, "[%u]", sniff->width);
    else
        text_add(text, "[]");
}

static void
add_string_reason(const struct sniff *sniff, struct text *text)
{
    if (sniff->zeros_lead) {
        text_add_count(text, sniff->zeros_lead);
        text_add(text, " numbers with leading zeros, which a number would "
                       "lose");
    } else if (sniff->huge + sniff->wholes + sniff->floats ==
               sniff->rows - sniff->nulls) {
        text_add(text, "numbers with more digits than %s holds",
                 sniff->floats ? "FLOAT64" : "INT64");
    } else {
        text_add(text, "text of up to ");
        text_add_count(text, sniff->longest);
        text_add(text, sniff->longest == 1 ? " byte" : " bytes");
    }
}

static void
add_whole_reason(const struct sniff *sniff, struct text *text)
{
    text_add_count(text, sniff->wholes);
    if (sniff->least < 0)
        text_add(text, " whole numbers from %lld to %lld",
                 (long long)sniff->least, (long long)sniff->most);
    else
        text_add(text, " whole numbers up to %lld", (long long)sniff->most);
    if (sniff->pointed)
        text_add(text, sniff->pointed == sniff->wholes ? ", written 2.0"
                                                       : ", some written 2.0");
}

static void
add_nulls(const struct sniff *sniff, struct text *text)
{
    double share = 100.0 * (double)sniff->nulls / (double)sniff->rows;

    if (!sniff->nulls)
        return;
    text_add(text, "; ");
    text_add_count(text, sniff->nulls);
    text_add(text, share >= 0.1 ? " empty (%.1f %%)" : " empty", share);
}

void
sniff_add_reason(const struct sniff *sniff, struct text *text)
{
    uint64_t values = sniff->rows - sniff->nulls;

    if (!values) {
        text_add(text, sniff->rows ? "empty throughout" : "no rows");
        return;
    }
    switch (sniff_type(sniff)) {
    case SNIFF_STRING:
        add_string_reason(sniff, text);
        break;
    case SNIFF_BOOL:
        text_add_count(text, values);
        text_add(text, " truth values");
        break;
    case SNIFF_INT64:
        add_whole_reason(sniff, text);
        break;
    case SNIFF_FLOAT64:
        text_add_count(text, values);
        text_add(text, " numbers, the first fraction in line %llu",
                 (unsigned long long)sniff->odd_line);
        break;
    case SNIFF_TIMESTAMP:
        text_add_count(text, values);
        text_add(text, sniff->zoned == values ? " times"
                       : sniff->zoned ? " times, some without a time zone"
                                      : " times without a time zone");
        break;
    case SNIFF_INT64_LIST:
    case SNIFF_FLOAT64_LIST:
    case SNIFF_STRING_LIST:
        text_add_count(text, values);
        text_add(text, " lists");
        break;
    }
    add_nulls(sniff, text);
}

bool
sniff_moment(const struct sniff *sniff, enum moment_kind *kind)
{
    enum sniff_type type = sniff_type(sniff);
    unsigned units = 0;

    if (type == SNIFF_TIMESTAMP) {
        *kind = MOMENT_ISO;
        return true;
    }
    if (type != SNIFF_INT64 || sniff->unit_misses)
        return false;
    for (enum moment_kind k = MOMENT_SECONDS; k <= MOMENT_NANOSECONDS; k++) {
        if (sniff->has_unit[k])
            *kind = k;
        units += sniff->has_unit[k];
    }
    return units == 1;
}
