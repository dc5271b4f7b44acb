/* SPDX-License-Identifier: Apache-2.0 */
/* CSV, as RFC 4180 defines it, read record by record in bounded memory. */
#ifndef TOOL_CSV_H
#define TOOL_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scan.h"
#include "text.h"

#define CSV_RECORD_MAX (16u << 20) /* bytes of a record */
#define CSV_CELLS_MAX  65536       /* cells of a record */
#define CSV_BLOCK      (1u << 20)  /* bytes to read at a time */

/* One cell without its quotes, {borrowed} until the next record. */
struct csv_cell {
    const char *text;
    uint32_t size;
    uint32_t at; /* where it begins in the record, at its quote if it has one */
};

enum csv_result {
    CSV_RECORD,
    CSV_END,
    CSV_BAD,   /* malformed; the next call goes on at the line after it */
    CSV_FAILED /* cannot go on */
};

struct csv_problem {
    uint64_t line;   /* from 1; 0: not about a place in the file */
    uint64_t column; /* byte in the line, from 1 */
    char message[120];
};

struct csv_reader {
    /* The record, after CSV_RECORD; with CSV_BAD its bytes and lines only. */
    struct csv_cell *cells;
    uint32_t count;
    const char *record; /* as in the file, without the end of line */
    size_t record_size;
    uint64_t first_line;
    uint64_t last_line;
    struct csv_problem problem; /* after CSV_BAD and CSV_FAILED */

    size_t block; /* bytes to read at a time; set before the first record */

    /* May be set any time: lines without a byte are no records. */
    bool skips_blank;

    /* Private. */
    int fd;
    bool has_begun;
    bool has_ended;  /* the buffer holds the rest of the file */
    bool has_quotes; /* seen in the record to come */
    char *buffer;
    size_t capacity;
    size_t begin;      /* of the record to come */
    uint64_t offset;   /* of the buffer in the file */
    uint64_t line;     /* of the record to come */
    size_t open_quote; /* of a quoted cell that has not ended, or SIZE_MAX */
    uint32_t cell_capacity;
    struct scan scan;     /* knows the buffer and its end, too */
    struct text unquoted; /* cells with doubled quotes */
};

/* Reads from a descriptor that stays the caller's. */
void csv_open(struct csv_reader *reader, int fd, char delimiter);

void csv_close(struct csv_reader *reader);

/* The first call gives the header, past a byte order mark. */
enum csv_result csv_next(struct csv_reader *reader);

/* Whether a cell was in quotes: then "" is empty text and not a null. */
bool csv_is_quoted(const struct csv_reader *reader, uint32_t cell);

/* Line and column of a byte of the record. */
void csv_place(const struct csv_reader *reader, size_t at, uint64_t *line,
               uint64_t *column);

/* Bytes of the file up to the end of the record. */
uint64_t csv_consumed(const struct csv_reader *reader);

#endif
