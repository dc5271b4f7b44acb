/* SPDX-License-Identifier: Apache-2.0 */
/* Moments: int64 microseconds since 1970-01-01 UTC, from text and back. */
#ifndef TOOL_MOMENT_H
#define TOOL_MOMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum moment_kind {
    MOMENT_ISO,     /* RFC 3339, also with a space, also without a zone */
    MOMENT_SECONDS, /* numbers since 1970-01-01 UTC ... */
    MOMENT_MILLISECONDS,
    MOMENT_MICROSECONDS,
    MOMENT_NANOSECONDS,
    MOMENT_PATTERN /* %Y %m %d %H %M %S %f %z %% and other characters */
};

/* How a column writes its times. Zero is ISO without a time zone of its own. */
struct moment_format {
    enum moment_kind kind;
    const char *pattern;
    bool has_zone; /* what a time without a zone means */
    int32_t zone;  /* seconds east of UTC */
};

/* Reads a format as in "iso", "ms" or "%d/%m/%Y %H:%M". NULL, or why it is
 * none: a sentence that follows the word in quotes. */
const char *moment_format_read(struct moment_format *format, const char *word);

/* Reads "UTC", "Z" or an offset such as +08:00. NULL, or why it is none. */
const char *moment_zone_read(const char *word, int32_t *zone);

/* Whether a pattern says the offset itself. */
bool moment_has_offset(const struct moment_format *format);

/* Reads one time; what is finer than a microsecond is cut off. NULL, or why it
 * is none: a predicate such as "is not a time". */
const char *moment_read(const struct moment_format *format, const char *text,
                        size_t size, int64_t *value);

/* Whether a cell is a time as of MOMENT_ISO; *has_zone: with one of its own. */
bool moment_is_iso(const char *text, size_t size, bool *has_zone);

/* Whether a moment lies from 1990 to 2099, as times of events do. */
bool moment_is_likely(int64_t value);

/* The unit in which a number is a likely moment; false where it is in none.
 * Ranges of the units do not meet, so there is one at most. */
bool moment_likely_unit(const char *text, size_t size, enum moment_kind *kind);

/* "s", "ms", "us", "ns", "iso" or "FORMAT" */
const char *moment_kind_name(enum moment_kind kind);

/* Prints "2020-04-01T00:44:02.5Z"; years past 9999 get more digits. */
#define MOMENT_SIZE 40
size_t moment_print(char buffer[MOMENT_SIZE], int64_t value);

#endif
