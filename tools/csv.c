/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CSV files, record by record.
 *
 * Owns the read buffer; cells point into it, save those with doubled quotes.
 * Keeps the result independent of the block size and of SIMD.
 * Never guesses: bytes that are not RFC 4180, UTF-8 or free of NUL are refused.
 *
 * A record is the walk from special byte to special byte. One that the buffer
 * cuts off is moved to the front and walked again.
 */
#include "csv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "utf8.h"

enum split {
    SPLIT_RECORD,
    SPLIT_END,
    SPLIT_MORE, /* the buffer ends within the record */
    SPLIT_BAD,
    SPLIT_FAILED
};

void
csv_open(struct csv_reader *reader, int fd, char delimiter)
{
    memset(reader, 0, sizeof *reader);
    reader->fd = fd;
    reader->scan.delimiter = delimiter;
    reader->block = CSV_BLOCK;
    reader->line = 1;
    reader->open_quote = SIZE_MAX;
}

void
csv_close(struct csv_reader *reader)
{
    free(reader->buffer);
    free(reader->cells);
    text_free(&reader->unquoted);
    reader->buffer = NULL;
    reader->cells = NULL;
}

void
csv_place(const struct csv_reader *reader, size_t at, uint64_t *line,
          uint64_t *column)
{
    const char *from = reader->record, *end = from + at, *next;

    *line = reader->first_line;
    while ((next = memchr(from, '\n', (size_t)(end - from)))) {
        ++*line;
        from = next + 1;
    }
    *column = (uint64_t)(end - from) + 1;
}

bool
csv_is_quoted(const struct csv_reader *reader, uint32_t cell)
{
    size_t at = reader->cells[cell].at;

    return at < reader->record_size && reader->record[at] == '"';
}

uint64_t
csv_consumed(const struct csv_reader *reader)
{
    return reader->offset + reader->begin;
}

static void
explain(struct csv_reader *reader, size_t at, const char *message)
{
    struct csv_problem *problem = &reader->problem;

    reader->record = reader->buffer + reader->begin;
    reader->first_line = reader->line;
    csv_place(reader, at - reader->begin, &problem->line, &problem->column);
    snprintf(problem->message, sizeof problem->message, "%s", message);
}

static enum split
fail(struct csv_reader *reader, const char *message)
{
    reader->problem.line = 0;
    reader->problem.column = 0;
    snprintf(reader->problem.message, sizeof reader->problem.message, "%s",
             message);
    return SPLIT_FAILED;
}

/* Ends the record before stop; the next one begins at next. */
static void
end_record(struct csv_reader *reader, size_t stop, size_t next)
{
    const char *from = reader->buffer + reader->begin, *line;
    const char *end = reader->buffer + stop;

    reader->record = from;
    reader->record_size = stop - reader->begin;
    reader->first_line = reader->line;
    /* Only quotes hold line feeds within a record. */
    if (reader->has_quotes)
        while ((line = memchr(from, '\n', (size_t)(end - from)))) {
            reader->line++;
            from = line + 1;
        }
    reader->last_line = reader->line++;
    reader->begin = next;
    reader->has_quotes = false;
}

/* A malformed record goes up to the end of the line in which it went wrong. */
static enum split
end_badly(struct csv_reader *reader, size_t at, const char *message)
{
    const char *feed;
    size_t stop;

    feed = memchr(reader->buffer + at, '\n', reader->scan.end - at);
    if (!feed && !reader->has_ended)
        return SPLIT_MORE;
    stop = feed ? (size_t)(feed - reader->buffer) : reader->scan.end;
    explain(reader, at, message);
    reader->has_quotes = true;
    end_record(reader, stop, feed ? stop + 1 : stop);
    scan_begin(&reader->scan, reader->begin);
    return SPLIT_BAD;
}

static bool
grow_cells(struct csv_reader *reader)
{
    uint32_t capacity = reader->cell_capacity ? reader->cell_capacity * 2 : 64;
    struct csv_cell *cells;

    if (capacity > CSV_CELLS_MAX) {
        explain(reader, reader->begin, "has more than 65,536 cells");
        return false;
    }
    cells = realloc(reader->cells, capacity * sizeof *cells);
    if (!cells) {
        fail(reader, "out of memory");
        return false;
    }
    reader->cells = cells;
    reader->cell_capacity = capacity;
    return true;
}

static inline bool
add_cell(struct csv_reader *reader, size_t start, const char *text, size_t size)
{
    struct csv_cell *cell;

    if (reader->count == reader->cell_capacity && !grow_cells(reader))
        return false;
    cell = &reader->cells[reader->count++];
    cell->text = text;
    cell->size = (uint32_t)size;
    cell->at = (uint32_t)(start - reader->begin);
    return true;
}

/* Adds the cell between two quotes; doubled ones become one. The copies of one
 * record fit in the capacity of the buffer, so that none ever moves. */
static bool
add_quoted(struct csv_reader *reader, size_t start, size_t quote,
           bool has_doubled)
{
    const char *from = reader->buffer + start + 1, *next;
    const char *end = reader->buffer + quote;
    struct text *copy = &reader->unquoted;
    size_t first = copy->size;

    if (!has_doubled)
        return add_cell(reader, start, from, (size_t)(end - from));
    if (copy->capacity < reader->capacity &&
        !text_reserve(copy, reader->capacity - copy->size)) {
        fail(reader, "out of memory");
        return false;
    }
    while ((next = memchr(from, '"', (size_t)(end - from)))) {
        text_add_bytes(copy, from, (size_t)(next + 1 - from));
        from = next + 2;
    }
    text_add_bytes(copy, from, (size_t)(end - from));
    return add_cell(reader, start, copy->data + first, copy->size - first);
}

/* From an opening quote, already taken, to the closing one. */
static enum split
skip_quoted(struct csv_reader *reader, size_t start, size_t *quote,
            bool *has_doubled)
{
    reader->open_quote = start;
    reader->has_quotes = true;
    for (;;) {
        size_t at = scan_next(&reader->scan);

        if (at == reader->scan.end) {
            if (!reader->has_ended)
                return SPLIT_MORE;
            explain(reader, start, "a quote opens here and never closes");
            return SPLIT_FAILED;
        }
        if (reader->buffer[at] != '"')
            continue;
        /* At the end of the buffer it closes, too: split_end() looks again. */
        if (at + 1 == reader->scan.end || reader->buffer[at + 1] != '"') {
            *quote = at;
            reader->open_quote = SIZE_MAX;
            return SPLIT_RECORD;
        }
        scan_next(&reader->scan);
        *has_doubled = true;
    }
}

/* The whole of a quoted cell; *at becomes the special byte after it. */
static enum split
split_quoted(struct csv_reader *reader, size_t start, size_t *at)
{
    bool has_doubled = false;
    enum split split;
    size_t quote = 0;

    if (*at != start)
        return end_badly(reader, *at,
                         "a quote within a cell that has none at "
                         "its beginning");
    split = skip_quoted(reader, start, &quote, &has_doubled);
    if (split != SPLIT_RECORD)
        return split;
    *at = scan_next(&reader->scan);
    if (*at != quote + 1)
        return end_badly(reader, quote + 1, "text after a closing quote");
    if (!add_quoted(reader, start, quote, has_doubled))
        return SPLIT_FAILED;
    return SPLIT_RECORD;
}

/* At a carriage return, or at the end of the buffer: ends the record, if the
 * file allows it. */
static enum split
split_end(struct csv_reader *reader, size_t at)
{
    bool is_end = at == reader->scan.end;

    if (is_end && !reader->has_ended)
        return SPLIT_MORE;
    if (is_end) {
        end_record(reader, at, at);
        return SPLIT_RECORD;
    }
    /* Where the buffer ends, end_badly() asks for more of it first. */
    if (at + 1 == reader->scan.end || reader->buffer[at + 1] != '\n')
        return end_badly(reader, at, "a carriage return without a line feed");
    scan_next(&reader->scan);
    end_record(reader, at, at + 2);
    return SPLIT_RECORD;
}

static enum split
split_record(struct csv_reader *reader)
{
    size_t start = reader->begin;
    enum split split;

    reader->count = 0;
    text_clear(&reader->unquoted);
    if (start == reader->scan.end)
        return reader->has_ended ? SPLIT_END : SPLIT_MORE;
    for (;;) {
        size_t at = scan_next(&reader->scan);
        const char *buffer = reader->buffer;

        if (at < reader->scan.end && buffer[at] == '"') {
            split = split_quoted(reader, start, &at);
            if (split != SPLIT_RECORD)
                return split;
        } else if (!add_cell(reader, start, buffer + start, at - start)) {
            return SPLIT_FAILED;
        }
        if (at == reader->scan.end || buffer[at] == '\r')
            return split_end(reader, at);
        if (buffer[at] == '\n') {
            end_record(reader, at, at + 1);
            return SPLIT_RECORD;
        }
        start = at + 1;
    }
}

static bool
grow_buffer(struct csv_reader *reader, size_t size)
{
    size_t capacity = reader->capacity ? reader->capacity : reader->block;
    char *buffer;

    while (capacity < size)
        capacity *= 2;
    if (capacity == reader->capacity)
        return true;
    buffer = realloc(reader->buffer, capacity + SCAN_PADDING);
    if (!buffer) {
        fail(reader, "out of memory");
        return false;
    }
    reader->buffer = buffer;
    reader->capacity = capacity;
    reader->scan.buffer = buffer;
    return true;
}

/* Reads until the buffer holds target bytes, or the rest of the file. */
static bool
fill(struct csv_reader *reader, size_t target)
{
    while (reader->scan.end < target) {
        ssize_t got = read(reader->fd, reader->buffer + reader->scan.end,
                           reader->capacity - reader->scan.end < reader->block
                               ? reader->capacity - reader->scan.end
                               : reader->block);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            fail(reader, strerror(errno));
            return false;
        }
        if (got == 0) {
            reader->has_ended = true;
            break;
        }
        reader->scan.end += (size_t)got;
    }
    memset(reader->buffer + reader->scan.end, 0, SCAN_PADDING);
    return true;
}

/* Moves the record that was cut off to the front and reads at least as many
 * bytes again, so that no byte is walked over more than a few times. */
static bool
refill(struct csv_reader *reader)
{
    size_t rest = reader->scan.end - reader->begin;

    if (rest > CSV_RECORD_MAX) {
        if (reader->open_quote == SIZE_MAX)
            explain(reader, reader->begin, "a record of more than 16 MiB");
        else
            explain(reader, reader->open_quote,
                    "a quote opens here and does not close within 16 MiB");
        return false;
    }
    if (rest && reader->begin)
        memmove(reader->buffer, reader->buffer + reader->begin, rest);
    reader->offset += reader->begin;
    reader->begin = 0;
    reader->scan.end = rest;
    reader->open_quote = SIZE_MAX;
    reader->has_quotes = false;
    scan_begin(&reader->scan, reader->begin);
    if (!grow_buffer(reader,
                     rest + (rest > reader->block ? rest : reader->block)))
        return false;
    return fill(reader, rest ? 2 * rest : 1);
}

/* The first bytes: a byte order mark is skipped, or tells UTF-16. */
static bool
begin(struct csv_reader *reader)
{
    const char *buffer;

    reader->has_begun = true;
    if (!grow_buffer(reader, 4) || !fill(reader, 3))
        return false;
    buffer = reader->buffer;
    if (reader->scan.end >= 2 &&
        (!memcmp(buffer, "\xff\xfe", 2) || !memcmp(buffer, "\xfe\xff", 2))) {
        explain(reader, 0, "the file is UTF-16: write it as UTF-8");
        return false;
    }
    if (reader->scan.end >= 3 && !memcmp(buffer, "\xef\xbb\xbf", 3))
        reader->begin = 3;
    scan_begin(&reader->scan, reader->begin);
    return true;
}

/* A record that may hold a NUL or bytes past ASCII. */
static enum csv_result
check_bytes(struct csv_reader *reader)
{
    const char *nul = memchr(reader->record, '\0', reader->record_size);
    size_t at = utf8_check(reader->record, reader->record_size);
    const char *message = "a byte that is not UTF-8";
    struct csv_problem *problem = &reader->problem;

    if (!nul && at == reader->record_size)
        return CSV_RECORD;
    if (nul && (size_t)(nul - reader->record) < at) {
        at = (size_t)(nul - reader->record);
        message = "a NUL byte";
    }
    csv_place(reader, at, &problem->line, &problem->column);
    snprintf(problem->message, sizeof problem->message, "%s", message);
    return CSV_BAD;
}

enum csv_result
csv_next(struct csv_reader *reader)
{
    size_t suspect_end;

    if (!reader->has_begun && !begin(reader))
        return CSV_FAILED;
    for (;;) {
        size_t first = reader->begin;

        switch (split_record(reader)) {
        case SPLIT_END:
            return CSV_END;
        case SPLIT_BAD:
            return CSV_BAD;
        case SPLIT_FAILED:
            return CSV_FAILED;
        case SPLIT_MORE:
            if (!refill(reader))
                return CSV_FAILED;
            continue;
        case SPLIT_RECORD:
            break;
        }
        suspect_end = reader->scan.suspect_end;
        if (reader->record_size > CSV_RECORD_MAX) {
            csv_place(reader, 0, &reader->problem.line,
                      &reader->problem.column);
            snprintf(reader->problem.message, sizeof reader->problem.message,
                     "a record of more than 16 MiB");
            return CSV_FAILED;
        }
        if (!reader->record_size && reader->skips_blank)
            continue;
        return first < suspect_end ? check_bytes(reader) : CSV_RECORD;
    }
}
