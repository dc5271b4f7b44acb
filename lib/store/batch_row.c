/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One row of a batch: its key, its time, and what is wrong with it.
 *
 * Owns the checks that a row must pass by itself, before any transaction.
 * Keeps the answer the same whenever it is asked: feature_batch_problem() runs
 * the checks again instead of remembering sentences.
 * Never looks at the store.
 */
#include <string.h>

#include "base/utf8.h"
#include "format/key.h"
#include "format/row.h"
#include "format/tiles.h"
#include "store/batch.h"

feature_status
lf_batch_rows(const feature_batch *batch, uint32_t *rows,
              struct feature_error *error)
{
    const struct lf_batch_column *columns = batch->columns;

    for (uint32_t i = 0; i < batch->column_count; i++) {
        if (!columns[i].input.is_set)
            return lf_fail(error, FEATURE_INVALID, "argument",
                           "column \"%s\" of the batch for %s was not set",
                           columns[i].name, batch->view_name);
        if (columns[i].input.rows != columns[0].input.rows)
            return lf_fail(error, FEATURE_INVALID, "argument",
                           "the batch for %s has %u rows in column \"%s\" and "
                           "%u in column \"%s\"",
                           batch->view_name, columns[0].input.rows,
                           columns[0].name, columns[i].input.rows,
                           columns[i].name);
    }
    *rows = columns[0].input.rows;
    return FEATURE_OK;
}

static feature_status
fail_cell(const feature_batch *batch, uint32_t row, uint32_t column,
          const char *reason, const char *what, struct feature_error *error)
{
    lf_fail(error, FEATURE_INVALID, reason, "row %u, column \"%s\": %s", row,
            batch->columns[column].name, what);
    lf_error_place(error, 0, row, column);
    return FEATURE_INVALID;
}

static feature_status
check_null(const feature_batch *batch, uint32_t row, uint32_t column,
           struct feature_error *error)
{
    const char *what = "null in a feature that is NOT NULL";

    if (batch->columns[column].role == FEATURE_ROLE_JOIN_KEY)
        what = "a join key is null";
    else if (batch->columns[column].role == FEATURE_ROLE_EVENT_TIMESTAMP)
        what = "the event timestamp is null";
    return fail_cell(batch, row, column, "argument", what, error);
}

/* A STRING[] cell: the strings' bytes follow count and ends. A valid whole is
 * not enough, since a cut may fall inside a sequence. */
static bool
strings_valid(const uint8_t *cell)
{
    uint32_t count = lf_load_u32(cell), begin = 0;
    const uint8_t *bytes = cell + 4 + 4 * (size_t)count;

    for (uint32_t i = 0; i < count; i++) {
        uint32_t end = lf_load_u32(cell + 4 + 4 * (size_t)i);

        if (!lf_utf8_valid(bytes + begin, end - begin))
            return false;
        begin = end;
    }
    return true;
}

/* Either would make a minimum or a sum depend on the order of events. */
static feature_status
check_finite(const feature_batch *batch, uint32_t row, uint32_t column,
             struct feature_error *error)
{
    const struct lf_input *input = &batch->columns[column].input;
    struct lf_cell cell = {0};
    size_t size;

    cell.bytes = lf_input_cell(input, row, &size);
    cell.size = (uint32_t)size;
    return lf_tile_cell_is_valid(input->type.code, &cell)
               ? FEATURE_OK
               : fail_cell(batch, row, column, "argument",
                           "an event takes no NaN and no infinity", error);
}

static feature_status
check_cell(const feature_batch *batch, uint32_t row, uint32_t column,
           struct feature_error *error)
{
    const struct lf_batch_column *at = &batch->columns[column];
    const uint8_t *cell;
    size_t size;

    if (lf_input_is_null(&at->input, row))
        return at->not_null ? check_null(batch, row, column, error)
                            : FEATURE_OK;
    if (at->input.type.code == FEATURE_TYPE_STRING) {
        cell = lf_input_cell(&at->input, row, &size);
        if (at->input.type.is_list ? !strings_valid(cell)
                                   : !lf_utf8_valid(cell, size))
            return fail_cell(batch, row, column, "argument",
                             "the text is not UTF-8", error);
    }
    if (at->role == FEATURE_ROLE_EVENT_COLUMN &&
        (at->input.type.code == FEATURE_TYPE_FLOAT32 ||
         at->input.type.code == FEATURE_TYPE_FLOAT64))
        return check_finite(batch, row, column, error);
    if (at->role == FEATURE_ROLE_EVENT_TIMESTAMP) {
        cell = lf_input_cell(&at->input, row, &size);
        if (lf_load_i64(cell) == LF_TIME_UNSET)
            return fail_cell(batch, row, column, "argument",
                             "the event timestamp is INT64_MIN", error);
    }
    return FEATURE_OK;
}

/* Whether a column can hold anything that check_cell would refuse. */
static bool
needs_check(const struct lf_batch_column *column)
{
    return (column->not_null && column->input.has_nulls) ||
           column->input.type.code == FEATURE_TYPE_STRING ||
           (column->role == FEATURE_ROLE_EVENT_COLUMN &&
            (column->input.type.code == FEATURE_TYPE_FLOAT32 ||
             column->input.type.code == FEATURE_TYPE_FLOAT64)) ||
           column->role == FEATURE_ROLE_EVENT_TIMESTAMP;
}

void
lf_batch_find_checks(const feature_batch *batch, struct lf_checks *checks)
{
    checks->count = 0;
    checks->all = false;
    for (uint32_t i = 0; i < batch->column_count; i++) {
        if (!needs_check(&batch->columns[i]))
            continue;
        checks->all = checks->count == LF_CHECKS_MOST;
        if (checks->all)
            return;
        checks->columns[checks->count++] = i;
    }
}

feature_status
lf_batch_check_row(const feature_batch *batch, uint32_t row,
                   const struct lf_checks *checks, struct feature_error *error)
{
    if (row / 8 < batch->refused.size && lf_bit_get(batch->refused.data, row))
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "row %u holds what no column can", row);
    for (uint32_t i = 0; !checks->all && i < checks->count; i++)
        LF_TRY(check_cell(batch, row, checks->columns[i], error));
    for (uint32_t i = 0; checks->all && i < batch->column_count; i++)
        LF_TRY(check_cell(batch, row, i, error));
    if (batch->is_event)
        return lf_batch_check_event(batch, row, error);
    if (lf_batch_key_size(batch, row) > LF_KEY_MAX) {
        lf_fail(error, FEATURE_INVALID, "key-size",
                "row %u, column \"%s\": the encoded key has %zu bytes, the "
                "limit is %d",
                row, batch->columns[batch->keys[0]].name,
                lf_batch_key_size(batch, row), LF_KEY_MAX);
        lf_error_place(error, 0, row, batch->keys[0]);
        return FEATURE_INVALID;
    }
    return FEATURE_OK;
}

int64_t
lf_batch_time(const feature_batch *batch, uint32_t row, int64_t commit_time)
{
    size_t size;

    if (batch->timestamp == UINT32_MAX)
        return commit_time;
    return lf_load_i64(
        lf_input_cell(&batch->columns[batch->timestamp].input, row, &size));
}

bool
lf_batch_has_number_key(const feature_batch *batch)
{
    const struct lf_input *input;

    if (batch->key_count != 1)
        return false;
    input = &batch->columns[batch->keys[0]].input;
    return input->type.code == FEATURE_TYPE_INT64 && !input->has_nulls;
}

size_t
lf_batch_key_size(const feature_batch *batch, uint32_t row)
{
    size_t total = 0;

    for (uint32_t i = 0; i < batch->key_count; i++) {
        const struct lf_input *input = &batch->columns[batch->keys[i]].input;
        const uint8_t *cell;
        size_t size;

        if (input->type.code == FEATURE_TYPE_INT64) {
            total += LF_KEY_INT64_SIZE;
            continue;
        }
        cell = lf_input_cell(input, row, &size);
        total += lf_key_bytes_size(cell, size);
    }
    return total;
}

uint8_t *
lf_batch_put_key(const feature_batch *batch, uint32_t row, uint8_t *to)
{
    for (uint32_t i = 0; i < batch->key_count; i++) {
        const struct lf_input *input = &batch->columns[batch->keys[i]].input;
        size_t size;
        const uint8_t *cell = lf_input_cell(input, row, &size);

        if (input->type.code == FEATURE_TYPE_INT64) {
            lf_key_put_int64(to, lf_load_i64(cell));
            to += LF_KEY_INT64_SIZE;
        } else {
            to = lf_key_put_bytes(to, cell, size);
        }
    }
    return to;
}

feature_status
lf_batch_fail_row_size(const feature_batch *batch, uint32_t row,
                       struct feature_error *error)
{
    lf_fail(error, FEATURE_INVALID, "row-size",
            "row %u: the row of %s would be larger than max_row_size, %llu "
            "bytes",
            row, batch->view_name,
            (unsigned long long)batch->store->max_row_size);
    lf_error_place(error, 0, row, 0);
    return FEATURE_INVALID;
}

feature_status
feature_batch_problem(const feature_batch *batch, uint32_t row,
                      struct feature_error *error)
{
    struct lf_checks checks;

    if (!batch || !batch->is_written || row >= batch->outcomes.size ||
        batch->outcomes.data[row] != FEATURE_OUTCOME_REJECTED)
        return FEATURE_OK;
    lf_batch_find_checks(batch, &checks);
    LF_TRY(lf_batch_check_row(batch, row, &checks, error));
    if (batch->operation == FEATURE_RETRACT)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "row %u: a view FROM %s cannot take it back", row,
                       batch->view_name);
    return lf_batch_fail_row_size(batch, row, error);
}
