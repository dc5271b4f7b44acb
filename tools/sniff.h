/* SPDX-License-Identifier: Apache-2.0 */
/* What the cells of one column have in common, and the type that follows. */
#ifndef TOOL_SNIFF_H
#define TOOL_SNIFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "moment.h"
#include "text.h"

/* Counts, so that memory does not grow with the file. Zero is a column without
 * cells. */
struct sniff {
    uint64_t rows;
    uint64_t nulls;
    uint64_t wholes;     /* that fit INT64, without leading zeros */
    uint64_t pointed;    /* of them, written "2.0" */
    uint64_t huge;       /* whole, past INT64 */
    uint64_t zeros_lead; /* "007" */
    uint64_t floats;     /* other numbers */
    uint64_t truths;     /* true, f, yes, ...; 0 and 1 too */
    uint64_t bits;       /* of them, 0 and 1 */
    uint64_t times;
    uint64_t zoned;   /* of them, with a time zone */
    uint64_t lists;   /* of whole numbers */
    uint64_t vectors; /* of any numbers */
    uint64_t texts;   /* lists of strings */
    int64_t least;    /* of wholes */
    int64_t most;
    uint32_t width;       /* of the first list */
    bool widths_differ;   /* of lists */
    size_t longest;       /* bytes of a cell */
    uint64_t odd_line;    /* first cell that is no whole number */
    bool has_unit[5];     /* by moment_kind: wholes that are likely moments */
    uint64_t unit_misses; /* wholes that are none in any unit */
};

/* Takes one cell in; a cell of no bytes is null. */
void sniff_add(struct sniff *sniff, const char *text, size_t size,
               uint64_t line);

/* Types a column can be given. */
enum sniff_type {
    SNIFF_STRING,
    SNIFF_BOOL,
    SNIFF_INT64,
    SNIFF_FLOAT64,
    SNIFF_TIMESTAMP,
    SNIFF_INT64_LIST,
    SNIFF_FLOAT64_LIST,
    SNIFF_STRING_LIST
};

enum sniff_type sniff_type(const struct sniff *sniff);

/* Appends the name of the type, as in "FLOAT64[16]". */
void sniff_add_type(const struct sniff *sniff, struct text *text);

/* Appends the reason, as in "35,612 whole numbers up to 265, written 2.0". */
void sniff_add_reason(const struct sniff *sniff, struct text *text);

/* How the column writes times: false where no single way is seen. */
bool sniff_moment(const struct sniff *sniff, enum moment_kind *kind);

#endif
