/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers as text, so that a test shows what it expects:
 *
 *     expect_rows(f, "trips(*)", "7\n8", "present 2.5 [a,b]\n"
 *                                        "not_found 0* null");
 *
 * One row a line: the state of each view, then the cells. A * marks a cell
 * that the fill policy chose. Every key of the query is one word of a line.
 */
#ifndef TESTS_API_COMMON_H
#define TESTS_API_COMMON_H

#include "rows.h"

#define ANSWER_SIZE 8192

struct reader {
    feature_query *query;
    feature_request *request;
};

struct printer {
    char *text;
    size_t size;
};

__attribute__((format(printf, 2, 3))) static inline void
print_to(struct printer *printer, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    printer->size +=
        (size_t)vsnprintf(printer->text + printer->size,
                          ANSWER_SIZE - printer->size, format, arguments);
    va_end(arguments);
    assert_true(printer->size < ANSWER_SIZE);
}

static inline int
bit_at(const uint8_t *bits, uint32_t i)
{
    return bits[i / 8] >> (i & 7) & 1;
}

static inline void
print_text(struct printer *printer, int32_t type, const uint8_t *bytes,
           int32_t begin, int32_t end)
{
    if (begin == end)
        print_to(printer, "''");
    else if (type == FEATURE_TYPE_STRING)
        print_to(printer, "%.*s", (int)(end - begin),
                 (const char *)bytes + begin);
    else
        for (int32_t i = begin; i < end; i++)
            print_to(printer, "%s%02x", i == begin ? "x" : "", bytes[i]);
}

/* Element i of a column that is not of text. */
static inline void
print_element(struct printer *printer, const struct feature_column *column,
              size_t i)
{
    const uint8_t *at =
        (const uint8_t *)column->values + element_size(column->type) * i;
    int32_t narrow;
    int64_t wide;
    float single;
    double twice;

    switch ((enum feature_type)column->type) {
    case FEATURE_TYPE_BOOL:
        print_to(printer, "%s",
                 bit_at(column->values, (uint32_t)i) ? "true" : "false");
        return;
    case FEATURE_TYPE_INT32:
        memcpy(&narrow, at, sizeof narrow);
        print_to(printer, "%" PRId32, narrow);
        return;
    case FEATURE_TYPE_FLOAT32:
        memcpy(&single, at, sizeof single);
        print_to(printer, "%.9g", (double)single);
        return;
    case FEATURE_TYPE_FLOAT64:
        memcpy(&twice, at, sizeof twice);
        print_to(printer, "%.17g", twice);
        return;
    case FEATURE_TYPE_INT64:
    case FEATURE_TYPE_TIMESTAMP:
        memcpy(&wide, at, sizeof wide);
        print_to(printer, "%" PRId64, wide);
        return;
    case FEATURE_TYPE_STRING:
    case FEATURE_TYPE_BYTES:
        break;
    }
    fail_msg("a number of type %d", column->type);
}

static inline void
print_elements(struct printer *printer, const struct feature_column *column,
               size_t begin, size_t end)
{
    print_to(printer, "[");
    for (size_t i = begin; i < end; i++) {
        print_to(printer, "%s", i > begin ? "," : "");
        if (column->child_offsets)
            print_text(printer, column->type, column->values,
                       column->child_offsets[i], column->child_offsets[i + 1]);
        else
            print_element(printer, column, i);
    }
    print_to(printer, "]");
}

static inline void
print_cell(struct printer *printer, const struct feature_column *column,
           uint32_t row)
{
    if (!bit_at(column->validity, row))
        print_to(printer, "null");
    else if (column->offsets && is_text(column->type) && !column->child_offsets)
        print_text(printer, column->type, column->values, column->offsets[row],
                   column->offsets[row + 1]);
    else if (column->offsets)
        print_elements(printer, column, (size_t)column->offsets[row],
                       (size_t)column->offsets[row + 1]);
    else if (column->width > 1)
        print_elements(printer, column, (size_t)row * column->width,
                       ((size_t)row + 1) * column->width);
    else
        print_element(printer, column, row);
    if (column->defaulted && bit_at(column->defaulted, row))
        print_to(printer, "*");
}

static inline void
print_states(struct printer *printer, const feature_request *request,
             uint32_t row)
{
    static const char *const names[] = {"?",         "present", "null",
                                        "not_found", "outside", "no_history",
                                        "no_key",    "partial"};
    const uint8_t *states;

    for (uint32_t i = 0; (states = feature_request_states(request, i)); i++) {
        assert_in_range(states[row], 1, 7);
        print_to(printer, "%s%s", i ? "," : "", names[states[row]]);
    }
}

/* The last answer as text. */
static inline void
print_answer(const feature_request *request, char text[ANSWER_SIZE])
{
    struct printer printer = {.text = text};
    struct feature_column column;

    text[0] = '\0';
    for (uint32_t row = 0; row < feature_request_row_count(request); row++) {
        print_to(&printer, "%s", row ? "\n" : "");
        print_states(&printer, request, row);
        for (uint32_t i = 0; !feature_request_column(request, i, &column, NULL);
             i++) {
            print_to(&printer, " ");
            print_cell(&printer, &column, row);
        }
    }
}

static inline void
expect_answer_at(const feature_request *request, const char *expected,
                 const char *file, int line)
{
    static char text[ANSWER_SIZE];

    print_answer(request, text);
    if (!strcmp(text, expected))
        return;
    print_error("answered:\n%s\nexpected:\n%s\n", text, expected);
    _fail(file, line);
}

#define expect_answer(request, expected) \
    expect_answer_at((request), (expected), __FILE__, __LINE__)

/* Sets every key of a request: a row a line, a key a word. */
static inline void
set_keys(const struct reader *reader, const char *keys)
{
    struct feature_field field;

    for (uint32_t i = 0; i < feature_query_key_count(reader->query); i++) {
        struct cells cells;

        must(feature_query_key(reader->query, i, &field, &problem));
        cells = read_cells(&field, keys, i);
        must(feature_request_set_key(reader->request, i, cells.type,
                                     cells.values,
                                     is_text(cells.type) ? cells.offsets : NULL,
                                     cells.validity, cells.rows, &problem));
        free_cells(&cells);
    }
}

static inline struct reader
open_reader(struct fixture *f, const char *features, int32_t fill,
            const char *keys)
{
    struct feature_query_options options = {.struct_size = sizeof options,
                                            .fill = fill};
    struct reader reader = {0};

    must(feature_query_create(f->store, features, &options, &reader.query,
                              &problem));
    must(feature_request_create(reader.query, &reader.request, &problem));
    if (keys)
        set_keys(&reader, keys);
    return reader;
}

static inline void
close_reader(struct reader *reader)
{
    feature_request_free(reader->request);
    feature_query_free(reader->query);
    *reader = (struct reader){0};
}

/* Reads with what is set, and compares. */
static inline void
expect_read_at(const struct reader *reader, const char *expected,
               const char *file, int line)
{
    must_at(feature_request_read(reader->request, &problem),
            "feature_request_read", file, line);
    expect_answer_at(reader->request, expected, file, line);
}

#define expect_read(reader, expected) \
    expect_read_at((reader), (expected), __FILE__, __LINE__)

/* A query, its keys and its answer, for once. */
static inline void
expect_rows_at(struct fixture *f, const char *features, const char *keys,
               const char *expected, const char *file, int line)
{
    struct reader reader = open_reader(f, features, 0, keys);

    expect_read_at(&reader, expected, file, line);
    close_reader(&reader);
}

#define expect_rows(f, features, keys, expected) \
    expect_rows_at((f), (features), (keys), (expected), __FILE__, __LINE__)

static inline struct feature_stats
stats_of(struct fixture *f)
{
    struct feature_stats stats = {.struct_size = sizeof stats};

    must(feature_store_stats(f->store, &stats, &problem));
    return stats;
}

/* Removes the store and opens a fresh one. */
static inline void
start_again(struct fixture *f)
{
    close_store(f);
    remove_directory(f->path);
    open_store(f);
}

/* Closes and opens: what was cached has to be read again. */
static inline void
open_again(struct fixture *f)
{
    close_store(f);
    open_store(f);
}

/* Opens the store under another clock. */
static inline void
move_clock(struct fixture *f, int64_t now)
{
    close_store(f);
    f->options.fixed_now = now;
    open_store(f);
}

#endif
