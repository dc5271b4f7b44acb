/* SPDX-License-Identifier: Apache-2.0 */
/* One column of a stream into one feature: what it becomes, or why not. */
#ifndef TESTS_API_ARROW_COLUMN_H
#define TESTS_API_ARROW_COLUMN_H

#include "arrow_producer.h"

#define DEFINITIONS                                                     \
    "CREATE ENTITY e (k INT64);"                                        \
    "CREATE FEATURE VIEW t (b BOOL, i INT32, l INT64, f FLOAT32,"       \
    " g FLOAT64, s STRING, y BYTES, t TIMESTAMP, v FLOAT32[3],"         \
    " w INT64[2], li INT64[], lf FLOAT32[], ls STRING[], lg FLOAT64[])" \
    " FOR e;"

#define NINE VALUES(int64_t, 0, 1, 2, 3, 4, 5, 6, 7, 8)

static const struct column key = {"k", "l", 9, PIECES({0}, NINE)};

static inline int
begin(void **state)
{
    if (fixture_begin(state))
        return -1;
    define(*state, DEFINITIONS);
    return 0;
}

#define TYPES(name) cmocka_unit_test_setup_teardown(name, begin, fixture_end)

/* Imports a column as a feature of a fresh store's keys 0, 1, 2 ... */
static inline feature_status
patch_column(struct fixture *f, const char *feature,
             const struct column *column)
{
    struct producer producer = {
        .batches = {RECORD(column->length, &key, column)}};
    struct feature_arrow_options options = {.struct_size = sizeof options};
    char columns[64];

    snprintf(columns, sizeof columns, "k, %s = c", feature);
    options.columns = columns;
    return import(f, "t", FEATURE_PATCH, &producer, &options, NULL);
}

/* The cells of the first rows, separated by spaces. */
static inline void
cells_of(struct fixture *f, const char *feature, uint32_t rows,
         char text[ANSWER_SIZE])
{
    struct printer printer = {.text = text};
    struct feature_column column;
    struct reader reader;
    char features[64];

    snprintf(features, sizeof features, "t:%s", feature);
    reader = open_reader(f, features, 0, "0\n1\n2\n3\n4\n5\n6\n7\n8");
    must(feature_request_read(reader.request, &problem));
    must(feature_request_column(reader.request, 0, &column, &problem));
    text[0] = '\0';
    for (uint32_t row = 0; row < rows; row++) {
        print_to(&printer, "%s", row ? " " : "");
        print_cell(&printer, &column, row);
    }
    close_reader(&reader);
}

static inline void
becomes_at(struct fixture *f, const struct column *column, const char *feature,
           const char *expected, int line)
{
    static char text[ANSWER_SIZE];

    must_at(patch_column(f, feature, column), feature, __FILE__, line);
    cells_of(f, feature, (uint32_t)column->length, text);
    if (strcmp(text, expected) != 0) {
        print_error("%s into %s: %s\nexpected: %s\n", column->format, feature,
                    text, expected);
        _fail(__FILE__, line);
    }
}

#define becomes(f, column, feature, expected) \
    becomes_at((f), (column), (feature), (expected), __LINE__)

/* Refused for its type alone. */
static inline void
refuses_type_at(struct fixture *f, const struct column *column,
                const char *feature, feature_status status, const char *part,
                int line)
{
    must_fail_at(patch_column(f, feature, column), status, NULL, feature,
                 __FILE__, line);
    if (!strstr(problem.message, part) || problem.row != -1) {
        print_error("%s\nexpected: %s\n", problem.message, part);
        _fail(__FILE__, line);
    }
}

#define refuses_type(f, column, feature, part) \
    refuses_type_at((f), (column), (feature), FEATURE_INVALID, (part), __LINE__)
#define not_taken(f, column, feature, part)                                \
    refuses_type_at((f), (column), (feature), FEATURE_UNSUPPORTED, (part), \
                    __LINE__)

static inline void
refuses_row_at(struct fixture *f, const struct column *column,
               const char *feature, int64_t row, const char *part, int line)
{
    char begin[64];

    must_fail_at(patch_column(f, feature, column), FEATURE_INVALID, NULL,
                 feature, __FILE__, line);
    snprintf(begin, sizeof begin, "batch 0, row %d, column \"%s\": ", (int)row,
             feature);
    if (strncmp(problem.message, begin, strlen(begin)) != 0 ||
        !strstr(problem.message, part) || problem.row != row) {
        print_error("row %d: %s\nexpected: %s%s\n", (int)problem.row,
                    problem.message, begin, part);
        _fail(__FILE__, line);
    }
}

#define refuses_row(f, column, feature, row, part) \
    refuses_row_at((f), (column), (feature), (row), (part), __LINE__)

#define FIT "does not fit"

/* A column of one format, of values that are not null. */
#define NUMBERS(type, code, rows, ...)                          \
    &(const struct column)                                      \
    {                                                           \
        "c", code, rows, PIECES({0}, VALUES(type, __VA_ARGS__)) \
    }

#endif
