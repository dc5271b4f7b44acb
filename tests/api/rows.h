/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows as text, so that a test shows its data:
 *
 *     upsert(f, "trips", "trip_id, event_timestamp, fare, tags",
 *            "7 100 2.5 [a,b]\n"
 *            "8 @-60 null []");
 *
 * One row a line, one word a cell. @s is s seconds after NOON; '' is an empty
 * text, x00ff are bytes, [1,2] is a vector or a list.
 */
#ifndef TESTS_API_ROWS_H
#define TESTS_API_ROWS_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

/* One column on its way into the library. */
struct cells {
    int32_t type;
    uint32_t width;
    int is_list;
    uint32_t rows;
    size_t elements; /* so far: numbers, bits, or bytes of text */
    uint8_t *values;
    int32_t *offsets;
    int32_t *child_offsets;
    size_t children;
    uint8_t *validity;
};

static inline void *
claim(size_t size)
{
    void *memory = calloc(1, size ? size : 1);

    assert_non_null(memory);
    return memory;
}

static inline int
is_text(int32_t type)
{
    return type == FEATURE_TYPE_STRING || type == FEATURE_TYPE_BYTES;
}

static inline size_t
element_size(int32_t type)
{
    if (type == FEATURE_TYPE_INT32 || type == FEATURE_TYPE_FLOAT32)
        return 4;
    return is_text(type) || type == FEATURE_TYPE_BOOL ? 1 : 8;
}

static inline void
put_number(struct cells *cells, const char *word, char **end)
{
    uint8_t *to = cells->values + element_size(cells->type) * cells->elements;
    int32_t narrow;
    int64_t wide;
    float single;
    double twice;

    switch ((enum feature_type)cells->type) {
    case FEATURE_TYPE_INT32:
        narrow = (int32_t)strtol(word, end, 10);
        memcpy(to, &narrow, sizeof narrow);
        break;
    case FEATURE_TYPE_FLOAT32:
        single = strtof(word, end);
        memcpy(to, &single, sizeof single);
        break;
    case FEATURE_TYPE_FLOAT64:
        twice = strtod(word, end);
        memcpy(to, &twice, sizeof twice);
        break;
    case FEATURE_TYPE_INT64:
    case FEATURE_TYPE_TIMESTAMP:
        wide = *word == '@' ? NOON + SECOND * strtoll(word + 1, end, 10)
                            : strtoll(word, end, 10);
        memcpy(to, &wide, sizeof wide);
        break;
    case FEATURE_TYPE_BOOL:
    case FEATURE_TYPE_STRING:
    case FEATURE_TYPE_BYTES:
        fail_msg("not a number: %s", word);
    }
    cells->elements++;
}

static inline void
put_bool(struct cells *cells, const char *word, char **end)
{
    int is_true = !strncmp(word, "true", 4);

    if (is_true)
        cells->values[cells->elements / 8] |=
            (uint8_t)(1u << (cells->elements & 7));
    cells->elements++;
    *end = (char *)(uintptr_t)(word + (is_true ? 4 : 5));
}

static inline void
put_text(struct cells *cells, const char *word, size_t size, char **end)
{
    *end = (char *)(uintptr_t)(word + size);
    if (size == 2 && !memcmp(word, "''", 2))
        return;
    if (cells->type == FEATURE_TYPE_STRING) {
        memcpy(cells->values + cells->elements, word, size);
        cells->elements += size;
        return;
    }
    for (size_t i = 1; i + 1 < size; i += 2) {
        unsigned byte;

        assert_int_equal(sscanf(word + i, "%2x", &byte), 1);
        cells->values[cells->elements++] = (uint8_t)byte;
    }
}

static inline void
put_element(struct cells *cells, const char *word, char **end)
{
    if (is_text(cells->type))
        put_text(cells, word, strcspn(word, cells->is_list ? ",]" : " \n"),
                 end);
    else if (cells->type == FEATURE_TYPE_BOOL)
        put_bool(cells, word, end);
    else
        put_number(cells, word, end);
    if (cells->is_list && is_text(cells->type))
        cells->child_offsets[++cells->children] = (int32_t)cells->elements;
}

static inline void
end_cell(struct cells *cells)
{
    size_t end = cells->is_list && is_text(cells->type) ? cells->children
                                                        : cells->elements;

    cells->offsets[++cells->rows] = (int32_t)end;
}

/* Adds one cell: the word at the beginning of word. */
static inline void
put_cell(struct cells *cells, const char *word)
{
    uint32_t row = cells->rows;
    char *end;

    if (!strncmp(word, "null", 4) && strchr(" \n", word[4])) {
        if (!cells->is_list && !is_text(cells->type))
            cells->elements += cells->width;
        end_cell(cells);
        return;
    }
    cells->validity[row / 8] |= (uint8_t)(1u << (row & 7));
    if (*word == '[' && (cells->is_list || cells->width > 1)) {
        for (end = (char *)(uintptr_t)word; *end != ']' && end[1] != ']';)
            put_element(cells, end + 1, &end);
    } else {
        put_element(cells, word, &end);
        if (*end && !strchr(" \n", *end))
            fail_msg("cannot read \"%s\" as type %d", word, cells->type);
    }
    end_cell(cells);
}

/* The start of a line's word; NULL: there are fewer. */
static inline const char *
word_at(const char *line, uint32_t index)
{
    line += strspn(line, " ");
    while (index--) {
        line += strcspn(line, " \n");
        line += strspn(line, " ");
    }
    return *line && *line != '\n' ? line : NULL;
}

/* The cells of one column in a text of lines. */
static inline struct cells
read_cells(const struct feature_field *field, const char *text, uint32_t column)
{
    struct cells cells = {.type = field->type,
                          .width = field->width,
                          .is_list = field->flags & FEATURE_FIELD_LIST};
    size_t size = strlen(text) + 1;
    const char *word;

    cells.values = claim(8 * size * (field->width + 1));
    cells.offsets = claim(4 * (size + 1));
    cells.child_offsets = claim(4 * (size + 1));
    cells.validity = claim(size);
    while (*text) {
        word = word_at(text, column);
        if (!word)
            fail_msg("no word %u in \"%s\"", column, text);
        put_cell(&cells, word);
        text += strcspn(text, "\n");
        text += *text == '\n';
    }
    return cells;
}

static inline void
free_cells(struct cells *cells)
{
    free(cells->values);
    free(cells->offsets);
    free(cells->child_offsets);
    free(cells->validity);
}

/* Sets every column of a batch. */
static inline void
fill_batch(feature_batch *batch, const char *rows)
{
    struct feature_field field;

    for (uint32_t i = 0; !feature_batch_column(batch, i, &field, NULL); i++) {
        struct cells cells = read_cells(&field, rows, i);

        if (cells.is_list)
            must(feature_batch_set_list(batch, i, cells.type, cells.values,
                                        cells.offsets, cells.child_offsets,
                                        cells.validity, cells.rows, &problem));
        else
            must(feature_batch_set(batch, i, cells.type, cells.values,
                                   is_text(cells.type) ? cells.offsets : NULL,
                                   cells.validity, cells.rows, &problem));
        free_cells(&cells);
    }
}

/* A filled batch; columns may be NULL: all. */
static inline feature_batch *
make_batch(struct fixture *f, int32_t operation, const char *view,
           const char *columns, const char *rows)
{
    feature_batch *batch = NULL;

    must(feature_batch_create(f->store, view, columns, operation, &batch,
                              &problem));
    if (rows)
        fill_batch(batch, rows);
    return batch;
}

static inline struct feature_commit
write_batch(struct fixture *f, feature_batch *batch)
{
    struct feature_commit commit = {.struct_size = sizeof commit};

    must(feature_store_write(f->store, &batch, 1, NULL, &commit, &problem));
    return commit;
}

static inline struct feature_commit
write_rows(struct fixture *f, int32_t operation, const char *view,
           const char *columns, const char *rows)
{
    feature_batch *batch = make_batch(f, operation, view, columns, rows);
    struct feature_commit commit = write_batch(f, batch);

    feature_batch_free(batch);
    return commit;
}

static inline struct feature_commit
upsert(struct fixture *f, const char *view, const char *columns,
       const char *rows)
{
    return write_rows(f, FEATURE_UPSERT, view, columns, rows);
}

static inline struct feature_commit
patch(struct fixture *f, const char *view, const char *columns,
      const char *rows)
{
    return write_rows(f, FEATURE_PATCH, view, columns, rows);
}

static inline struct feature_commit
erase(struct fixture *f, const char *view, const char *columns,
      const char *rows)
{
    return write_rows(f, FEATURE_DELETE, view, columns, rows);
}

/* The outcomes of the last write as letters: "AALF". */
static inline void
expect_outcomes(const feature_batch *batch, const char *expected)
{
    const uint8_t *outcomes = feature_batch_outcomes(batch);
    char text[256] = "";
    size_t rows = strlen(expected);

    assert_non_null(outcomes);
    assert_true(rows < sizeof text);
    for (size_t i = 0; i < rows; i++)
        text[i] = "-ALDFR??"[outcomes[i] & 7];
    assert_string_equal(text, expected);
}

#endif
