/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers: verified rows into columns or a matrix.
 *
 * Owns what a cell of an answer is: the stored value, or what the fill policy
 * serves for it, and the state that tells why.
 * Keeps missing, null, stale, unknown and defaulted cells apart, always.
 * Never reads a row that was not verified, and allocates only to grow.
 *
 * Columns are decoded in blocks of rows, so that one conversion loop runs over a
 * whole block. A plain block (every row present, of one schema version, every
 * cell current) needs no decision per cell; only nulls are then looked at one by
 * one, and only in columns that have some. A matrix is decoded row by row: plain
 * rows by matrix.c.
 */
#include <math.h>
#include <string.h>

#include "store/answer.h"

static bool
is_age(const struct decoder *decoder, const struct lf_column_plan *column)
{
    return decoder->sink->matrix && column->type.code == FEATURE_TYPE_TIMESTAMP;
}

static float *
matrix_cell(const struct decoder *decoder, const struct lf_column_plan *column,
            uint32_t row)
{
    const struct feature_query *query = decoder->request->query;

    return decoder->sink->matrix + (size_t)row * decoder->sink->stride +
           query->matrix_offsets[column->column];
}

static feature_status
fail_fit(const struct decoder *decoder, const struct lf_column_plan *column,
         uint32_t row, struct feature_error *error)
{
    const struct lf_selection *selection = decoder->request->query->selection;
    char stored[LF_TYPE_NAME_SIZE], asked[LF_TYPE_NAME_SIZE];

    lf_fail(error, FEATURE_CONFLICT, "schema-changed",
            "row %u, column %s: a value does not fit %s, the feature is %s "
            "now; make the query again",
            row, selection->columns[column->column].name,
            lf_type_name(asked, column->type),
            lf_type_name(stored, column->stored));
    lf_error_place(error, 0, row, 0);
    return FEATURE_CONFLICT;
}

/* Fixed values of count rows, from[i] + offset each, to rows from row on. */
static feature_status
put_fixed(const struct decoder *decoder, const struct lf_column_plan *column,
          lf_convert exact, lf_convert cast, const uint8_t *const *from,
          uint32_t offset, uint32_t row, uint32_t count,
          struct feature_error *error)
{
    struct lf_answer *answer = &decoder->request->answers[column->column];
    size_t size = lf_type_fixed_size(column->type);
    uint8_t bits[BLOCK_ROWS];

    if (is_age(decoder, column)) {
        for (uint32_t i = 0; i < count; i++)
            *matrix_cell(decoder, column, row + i) =
                lf_matrix_age(lf_decoder_time(decoder, row + i),
                              lf_load_i64(from[i] + offset));
        return FEATURE_OK;
    }
    if (decoder->sink->matrix) {
        cast(from, count, offset, column->type.width,
             (uint8_t *)matrix_cell(decoder, column, row),
             decoder->sink->stride * sizeof(float));
        return FEATURE_OK;
    }
    if (column->type.code == FEATURE_TYPE_BOOL) {
        exact(from, count, offset, 1, bits, 1);
        for (uint32_t i = 0; i < count; i++)
            lf_bit_put(answer->values.data, row + i, bits[i]);
        return FEATURE_OK;
    }
    if (!exact(from, count, offset, column->type.width,
               answer->values.data + size * row, size))
        return fail_fit(decoder, column, row, error);
    return FEATURE_OK;
}

/* A null: zeros in a column, NaN in a matrix. */
static void
put_null(const struct decoder *decoder, const struct lf_column_plan *column,
         uint32_t row)
{
    struct lf_answer *answer = &decoder->request->answers[column->column];
    size_t size = lf_type_fixed_size(column->type);

    if (decoder->sink->matrix) {
        float *cell = matrix_cell(decoder, column, row);

        for (uint32_t i = 0; i < column->floats; i++)
            cell[i] = NAN;
        return;
    }
    lf_bit_clear(answer->validity.data, row);
    answer->null_count++;
    if (lf_type_is_variable(column->type))
        lf_answer_end(answer, row);
    else if (column->type.code == FEATURE_TYPE_BOOL)
        lf_bit_clear(answer->values.data, row);
    else
        memset(answer->values.data + size * row, 0, size);
}

static void
mark_defaulted(const struct decoder *decoder,
               const struct lf_column_plan *column, uint32_t row)
{
    struct lf_answer *answer = &decoder->request->answers[column->column];

    if (decoder->sink->matrix)
        return;
    if (!answer->defaulted_count++)
        memset(answer->defaulted.data, 0,
               lf_bits_size(decoder->request->rows) + 1);
    lf_bit_set(answer->defaulted.data, row);
}

/* The values of a list into as many floats as it may have, NaN behind them. */
static void
put_floats(const struct decoder *decoder, const struct lf_column_plan *column,
           lf_convert cast, struct lf_type stored, const uint8_t *bytes,
           size_t size, uint32_t row)
{
    size_t element = lf_type_element_size(stored.code), count = size / element;
    float *cell = matrix_cell(decoder, column, row);
    uint32_t used = count < column->floats ? (uint32_t)count : column->floats;

    if (!is_age(decoder, column))
        cast(&bytes, 1, 0, used, (uint8_t *)cell, 0);
    else
        for (uint32_t i = 0; i < used; i++)
            cell[i] = lf_matrix_age(lf_decoder_time(decoder, row),
                                    lf_load_i64(bytes + element * i));
    for (uint32_t i = used; i < column->floats; i++)
        cell[i] = NAN;
}

/* One value of any shape, stored as type stored. */
static feature_status
put_value(const struct decoder *decoder, const struct lf_column_plan *column,
          lf_convert exact, lf_convert cast, struct lf_type stored,
          const uint8_t *bytes, size_t size, uint32_t row,
          struct feature_error *error)
{
    if (!lf_type_is_variable(column->type))
        return put_fixed(decoder, column, exact, cast, &bytes, 0, row, 1,
                         error);
    if (decoder->sink->matrix) {
        put_floats(decoder, column, cast, stored, bytes, size, row);
        return FEATURE_OK;
    }
    switch (lf_answer_append(&decoder->request->answers[column->column],
                             column->type, stored, exact, bytes, size, row)) {
    case LF_APPEND_OK:
        return FEATURE_OK;
    case LF_APPEND_NO_MEMORY:
        return lf_fail_memory(error);
    case LF_APPEND_TOO_LARGE:
        return lf_fail(
            error, FEATURE_FULL, "output-size",
            "column %s would pass 2^31 - 1 bytes: read fewer rows",
            decoder->request->query->selection->columns[column->column].name);
    case LF_APPEND_NO_FIT:
        break;
    }
    return fail_fit(decoder, column, row, error);
}

/* What the fill policy serves where there is no current value. */
static feature_status
put_fill(const struct decoder *decoder, const struct lf_column_plan *column,
         uint32_t row, struct feature_error *error)
{
    const struct lf_literal *fallback = &column->fallback;

    if (decoder->request->query->fill == FEATURE_FILL_NULLS ||
        !fallback->is_set) {
        put_null(decoder, column, row);
        return FEATURE_OK;
    }
    mark_defaulted(decoder, column, row);
    return put_value(decoder, column, column->exact, column->cast,
                     column->stored, fallback->bytes, fallback->size, row,
                     error);
}

feature_status
lf_decoder_put_value(const struct decoder *decoder, uint32_t index,
                     const uint8_t *bytes, size_t size, uint32_t i,
                     struct feature_error *error)
{
    const struct lf_column_plan *column = &decoder->view->columns[index];

    return put_value(decoder, column, column->exact, column->cast,
                     column->stored, bytes, size, decoder->first + i, error);
}

feature_status
lf_decoder_put_values(const struct decoder *decoder, uint32_t index,
                      const uint8_t *const *from, struct feature_error *error)
{
    const struct lf_column_plan *column = &decoder->view->columns[index];

    return put_fixed(decoder, column, column->exact, column->cast, from, 0,
                     decoder->first, decoder->count, error);
}

void
lf_decoder_put_unknown(const struct decoder *decoder, uint32_t index,
                       uint32_t i)
{
    put_null(decoder, &decoder->view->columns[index], decoder->first + i);
}

enum verdict { CURRENT, MISSING, STALE, UNKNOWN };

/* What one cell of a row that is not plain has to say. Of a row that is newer
 * than its time as a whole (it has no plan then) nothing is known, not even
 * that a cell was unset. */
static enum verdict
judge(const struct decoder *decoder, uint32_t i, const struct lf_cell_plan *at)
{
    const struct block_row *row = &decoder->block[i];
    int64_t time;

    if (!row->plan)
        return row->state == FEATURE_STATE_NO_HISTORY ? UNKNOWN : MISSING;
    if (at->slot == LF_NO_SLOT)
        return MISSING;
    time = lf_row_time(&row->row, at->slot);
    if (decoder->exact && time > row->at)
        return UNKNOWN;
    if (lf_row_is_null(&row->row, at->slot))
        return MISSING;
    return time < row->oldest ? STALE : CURRENT;
}

static feature_status
put_stored(const struct decoder *decoder, const struct lf_column_plan *column,
           uint32_t i, const struct lf_cell_plan *at,
           struct feature_error *error)
{
    const struct block_row *row = &decoder->block[i];
    struct lf_cell cell = lf_row_cell(&row->row, &row->plan->layout, at->slot);

    return put_value(decoder, column, at->exact, at->cast, at->type, cell.bytes,
                     cell.size, decoder->first + i, error);
}

feature_status
lf_decoder_put_cell(struct decoder *decoder, uint32_t index, uint32_t i,
                    struct feature_error *error)
{
    static const struct lf_cell_plan none = {.slot = LF_NO_SLOT};
    const struct lf_column_plan *column = &decoder->view->columns[index];
    struct block_row *row = &decoder->block[i];
    const struct lf_cell_plan *at =
        row->plan ? &row->plan->cells[index] : &none;

    switch (judge(decoder, i, at)) {
    case CURRENT:
        return put_stored(decoder, column, i, at, error);
    case STALE:
        if (decoder->request->query->fill != FEATURE_FILL_STALE)
            return put_fill(decoder, column, decoder->first + i, error);
        mark_defaulted(decoder, column, decoder->first + i);
        return put_stored(decoder, column, i, at, error);
    case UNKNOWN:
        row->unknown++;
        row->missing++;
        put_null(decoder, column, decoder->first + i);
        return FEATURE_OK;
    case MISSING:
        break;
    }
    row->missing++;
    return put_fill(decoder, column, decoder->first + i, error);
}

feature_status
lf_decoder_put_missing(struct decoder *decoder, uint32_t index, uint32_t i,
                       struct feature_error *error)
{
    decoder->block[i].missing++;
    return put_fill(decoder, &decoder->view->columns[index], decoder->first + i,
                    error);
}

/* A column of fixed values over a plain block: one loop, then its nulls. */
static feature_status
put_plain(struct decoder *decoder, uint32_t index,
          const struct lf_cell_plan *at, struct feature_error *error)
{
    const struct lf_column_plan *column = &decoder->view->columns[index];

    LF_TRY(put_fixed(decoder, column, at->exact, at->cast, decoder->from,
                     at->offset, decoder->first, decoder->count, error));
    if (!(decoder->nulls[at->slot / 64] >> (at->slot & 63) & 1))
        return FEATURE_OK;
    for (uint32_t i = 0; i < decoder->count; i++)
        if (lf_row_is_null(&decoder->block[i].row, at->slot))
            LF_TRY(lf_decoder_put_missing(decoder, index, i, error));
    return FEATURE_OK;
}

static feature_status
put_column(struct decoder *decoder, uint32_t index, struct feature_error *error)
{
    if (decoder->is_plain) {
        const struct lf_cell_plan *at = &decoder->block[0].plan->cells[index];

        if (at->slot != LF_NO_SLOT && !lf_type_is_variable(at->type))
            return put_plain(decoder, index, at, error);
    }
    for (uint32_t i = 0; i < decoder->count; i++)
        LF_TRY(lf_decoder_put_cell(decoder, index, i, error));
    return FEATURE_OK;
}

feature_status
lf_decoder_put_block(struct decoder *decoder, struct feature_error *error)
{
    if (decoder->sink->matrix)
        return lf_matrix_put_block(decoder, error);
    for (uint32_t i = 0; i < decoder->view->column_count; i++)
        LF_TRY(put_column(decoder, i, error));
    return FEATURE_OK;
}
