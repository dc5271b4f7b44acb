/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The steps read and matrix.
 *
 * Owns a query and its request for one step.
 * Keeps to what the block says, in its order: keys, views, columns, rows.
 * Never compares an answer with itself: expected values come from words.
 */
#include "steps.h"

#include <stdlib.h>
#include <string.h>

struct reading {
    const struct block *block;
    feature_query *query;
    feature_request *request;
    const struct line *views;
    const struct line *columns;
    const struct line *rows; /* the first of count lines */
    size_t count;
    bool is_matrix;
};

static const char *const fills[] = {"defaults", "nulls", "stale", NULL};
static const char *const states[] = {
    "",           "present", "null",    "not_found", "outside_max_age",
    "no_history", "no_key",  "partial", NULL};

static feature_status
make_query(struct fixture *f, struct reader *reader, struct reading *reading)
{
    const struct line *features = need_line(reader, "features", 2);
    const struct line *fill = take_line(reader, "fill");
    const struct line *known_by = take_line(reader, "known_by");
    struct feature_query_options options = {.struct_size = sizeof options};

    if (fill)
        options.fill = word_index(fill, fill->words[1], fills);
    if (known_by)
        options.known_by = cell_time(known_by, known_by->words[1]);
    options.flags = reading->is_matrix ? FEATURE_QUERY_MATRIX : 0;
    return feature_query_create(f->store, features->rest, &options,
                                &reading->query, &step_error);
}

static feature_status
set_key(const struct reading *reading, const struct line *line, uint32_t index)
{
    struct feature_field field;
    struct feature_column column;
    struct cell_type type;
    struct cells cells;
    feature_status status;
    const char *name;

    if (line->count < 2)
        fail_at(line, "key NAME:TYPE VALUES");
    name = cell_column(line, line->words[1], &type);
    must(feature_query_key(reading->query, index, &field, &problem));
    if (strcmp(field.name, name))
        fail_at(line, "key %u is %s", index, field.name);
    cells_begin(&cells, type, line->count, strlen(line->rest));
    for (size_t i = 2; i < line->count; i++)
        cells_add(&cells, line, line->words[i]);
    column = cells_view(&cells);
    status = feature_request_set_key(reading->request, index, type.code,
                                     column.values, column.offsets,
                                     column.validity, column.rows, &step_error);
    cells_free(&cells);
    return status;
}

static feature_status
set_as_of(const struct reading *reading, const struct line *line)
{
    int64_t *times = vectors_claim(line->count * sizeof *times);

    for (size_t i = 1; i < line->count; i++)
        times[i - 1] = cell_time(line, line->words[i]);
    return feature_request_set_as_of(reading->request, times,
                                     (uint32_t)line->count - 1, &step_error);
}

static feature_status
set_request(struct reader *reader, struct reading *reading)
{
    feature_status status = FEATURE_OK;
    const struct line *line;
    uint32_t keys = 0;

    must(feature_request_create(reading->query, &reading->request, &problem));
    while (!status && (line = take_line(reader, "key")))
        status = set_key(reading, line, keys++);
    if (status)
        return status;
    expect_number(reading->block->lines, "the number of keys",
                  feature_query_key_count(reading->query), keys);
    line = take_line(reader, "as_of");
    return line ? set_as_of(reading, line) : FEATURE_OK;
}

/* --- what came back --------------------------------------------------------*/

static void
expect_views(const struct reading *reading)
{
    const struct line *line = reading->views;
    struct feature_field field;

    expect_number(line, "the number of views",
                  feature_query_view_count(reading->query),
                  (int64_t)line->count - 1);
    for (uint32_t i = 0; i + 1 < line->count; i++) {
        must(feature_query_view(reading->query, i, &field, &problem));
        if (strcmp(field.name, line->words[i + 1]))
            fail_at(line, "view %u is %s", i, field.name);
    }
}

static void
expect_columns(const struct reading *reading)
{
    const struct line *line = reading->columns;
    struct feature_field field;
    struct cell_type type;

    expect_number(line, "the number of columns",
                  feature_query_column_count(reading->query),
                  (int64_t)line->count - 1);
    for (uint32_t i = 0; i + 1 < line->count; i++) {
        const char *name = cell_column(line, line->words[i + 1], &type);

        must(feature_query_column(reading->query, i, &field, &problem));
        if (strcmp(field.name, name) || field.type != type.code ||
            field.width != type.width ||
            !(field.flags & FEATURE_FIELD_LIST) != !type.is_list)
            fail_at(line, "column %u is %s of type %d, width %u, flags %u", i,
                    field.name, field.type, field.width, field.flags);
    }
}

/* States and timestamps; `=` follows. */
static void
expect_states(const struct reading *reading, uint32_t row)
{
    const struct line *line = &reading->rows[row];
    size_t views = reading->views->count - 1;

    if (line->count < 2 * views + 2 || strcmp(line->words[2 * views + 1], "="))
        fail_at(line, "a row has a state and a time per view, then =");
    for (uint32_t i = 0; i < views; i++) {
        char *const *words = line->words + 1 + 2 * (size_t)i;
        uint8_t state = feature_request_states(reading->request, i)[row];
        int64_t time = feature_request_timestamps(reading->request, i)[row];

        if (state != word_index(line, words[0], states))
            fail_at(line, "view %u is %s", i, states[state < 8 ? state : 0]);
        expect_number(line, "event timestamp", time,
                      strcmp(words[1], "-") ? cell_time(line, words[1])
                                            : INT64_MIN);
    }
}

static void
expect_column(const struct reading *reading, uint32_t index)
{
    size_t word = 2 * reading->views->count + index;
    struct feature_column got, expected;
    struct cell_type type;
    struct cells cells;
    size_t size = 0;
    uint32_t nulls = 0;

    cell_column(reading->columns, reading->columns->words[index + 1], &type);
    for (size_t i = 0; i < reading->count; i++)
        size += strlen(reading->rows[i].rest);
    cells_begin(&cells, type, reading->count, size);
    for (size_t i = 0; i < reading->count; i++) {
        if (word >= reading->rows[i].count)
            fail_at(&reading->rows[i], "a value is missing");
        cells_add(&cells, &reading->rows[i], reading->rows[i].words[word]);
    }
    expected = cells_view(&cells);
    must(feature_request_column(reading->request, index, &got, &problem));
    assert_int_equal(got.type, type.code);
    assert_int_equal(got.width, type.width);
    assert_int_equal(got.rows, reading->count);
    assert_int_equal(!got.defaulted, !expected.defaulted);
    for (uint32_t i = 0; i < reading->count; i++) {
        if (!cells_equal(&got, &expected, i))
            fail_at(&reading->rows[i], "column %u (%s) differs from %s", index,
                    reading->columns->words[index + 1],
                    reading->rows[i].words[word]);
        nulls += !(expected.validity[i / 8] >> (i & 7) & 1);
    }
    assert_int_equal(got.null_count, nulls);
    cells_free(&cells);
}

static void
expect_matrix(const struct reading *reading, const float *matrix)
{
    uint32_t width = feature_query_matrix_width(reading->query);
    size_t first = 2 * reading->views->count;
    struct cells cells;

    for (uint32_t row = 0; row < reading->count; row++) {
        const struct line *line = &reading->rows[row];
        struct feature_column got, expected;

        if (line->count != first + width)
            fail_at(line, "the matrix has %u columns", width);
        cells_begin(&cells, (struct cell_type){FEATURE_TYPE_FLOAT32, 1, false},
                    width, strlen(line->rest));
        for (size_t i = first; i < line->count; i++)
            cells_add(&cells, line, line->words[i]);
        got = expected = cells_view(&cells);
        got.values = matrix + (size_t)row * width;
        for (uint32_t i = 0; i < width; i++)
            if (!cells_equal(&got, &expected, i))
                fail_at(line, "float %u is %a, expected %s", i,
                        (double)matrix[(size_t)row * width + i],
                        line->words[first + i]);
        cells_free(&cells);
    }
}

static void
expect_answer(const struct reading *reading, const struct line *line,
              const float *matrix)
{
    if (!reading->views || !reading->columns)
        fail_at(line, "views and columns are missing");
    expect_views(reading);
    expect_columns(reading);
    expect_number(line, "rows", feature_request_row_count(reading->request),
                  (int64_t)reading->count);
    for (uint32_t i = 0; i < reading->count; i++)
        expect_states(reading, i);
    if (reading->is_matrix)
        expect_matrix(reading, matrix);
    else
        for (uint32_t i = 0; i + 1 < reading->columns->count; i++)
            expect_column(reading, i);
    if (line->count != 3)
        fail_at(line, "ok COMMIT NOW");
    expect_number(line, "commit",
                  (int64_t)feature_request_commit(reading->request),
                  word_number(line, 1));
    expect_number(line, "now", feature_request_now(reading->request),
                  cell_time(line, line->words[2]));
}

void
step_read(struct fixture *f, struct reader *reader)
{
    struct reading reading = {.block = reader->block};
    feature_status status;
    const struct line *line;
    float *matrix = NULL;

    reading.is_matrix = !strcmp(reader->block->lines->words[0], "matrix");
    status = make_query(f, reader, &reading);
    if (!status)
        status = set_request(reader, &reading);
    reading.views = take_line(reader, "views");
    reading.columns = take_line(reader, "columns");
    reading.rows = reader->block->lines + reader->next;
    while (take_line(reader, "row"))
        reading.count++;
    if (!status && reading.is_matrix) {
        uint32_t width = feature_query_matrix_width(reading.query);

        matrix = vectors_claim((reading.count + 1) * (width + 1) * 4);
        status = feature_request_read_matrix(reading.request, matrix, width,
                                             &step_error);
    } else if (!status) {
        status = feature_request_read(reading.request, &step_error);
    }
    line = expect_status(reader, status);
    if (line)
        expect_answer(&reading, line, matrix);
    feature_request_free(reading.request);
    feature_query_free(reading.query);
}
