/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random Arrow streams of a table that is known.
 *
 * A cell is null or a few small numbers; what a number means in a column, its
 * type says. So every layout holds every column, and what comes back can be
 * told from the table.
 */
#ifndef TESTS_FUZZ_ARROW_MAKE_H
#define TESTS_FUZZ_ARROW_MAKE_H

#include "exchange/arrow.h"
#include "libfeature.h"
#include "rig.h"

#define ROWS_MAX     40 /* of a stream */
#define ELEMENTS_MAX 5
#define RECORDS_MAX  6
#define TEXT_MAX     24
#define FEATURES     11

struct cell {
    bool is_null;
    uint8_t count;
    uint8_t values[ELEMENTS_MAX]; /* below 100 */
};

struct feature {
    const char *name;
    int32_t type;
    uint8_t width; /* elements of a vector, 1, or 0: a list */
};

extern const struct feature features[FEATURES];

/* What is in the stream. */
struct table {
    uint32_t rows;
    uint32_t columns; /* without the key */
    uint8_t order[FEATURES];
    int64_t units[FEATURES]; /* microseconds of a time's number */
    struct cell cells[FEATURES][ROWS_MAX];
};

/* Bytes that stand for a number in a column of texts. */
uint32_t text_of(uint8_t value, char text[TEXT_MAX]);

struct made {
    struct ArrowSchema *schema;
    uint32_t record_count;
    struct ArrowArray records[RECORDS_MAX];
    /* All there are, for who spoils some. */
    uint32_t schema_count, array_count;
    struct ArrowSchema *schemas[64];
    struct ArrowArray *arrays[512];
};

/* Draws a table, and a stream of it into made, whose buffers end where a page
 * does that nobody may touch. Its memory is the module's, until the next. */
void make_table(struct table *table, struct dice *dice);
void make_stream(struct table *table, struct made *made, struct dice *dice);

#endif
