/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Record batches, slice by slice, into one batch.
 *
 * Owns the rule of refused rows: the first of a slice fails the write, or all
 * of them are marked, for the write to reject.
 * Keeps all columns of the batch at the same number of rows.
 * Never keeps a pointer into a record batch.
 */
#include "exchange/import.h"

#include "base/bytes.h"

feature_status
lf_intake_begin(struct lf_intake *intake, struct feature_error *error)
{
    feature_batch *batch = intake->batch;

    feature_batch_clear(batch);
    intake->rows = 0;
    for (uint32_t i = 0; i < batch->column_count; i++) {
        struct lf_input *input = &batch->columns[i].input;

        input->values.size = input->ends.size = input->validity.size = 0;
        if (lf_type_is_variable(input->type)) {
            uint8_t *ends = lf_buffer_extend(&input->ends, 8);

            if (!ends)
                return lf_fail_memory(error);
            lf_store_u64(ends, 0);
        }
        input->is_set = true;
    }
    return FEATURE_OK;
}

feature_status
lf_intake_fail(const struct lf_intake *intake, uint32_t column, size_t row,
               const char *reason, const char *what,
               struct feature_error *error)
{
    int64_t at = (int64_t)(intake->record_row + row);

    if (column == LF_NO_COLUMN)
        lf_fail(error, FEATURE_INVALID, reason, "batch %u, row %lld: %s",
                intake->record_batch, (long long)at, what);
    else
        lf_fail(error, FEATURE_INVALID, reason,
                "batch %u, row %lld, column \"%s\": %s", intake->record_batch,
                (long long)at, intake->batch->columns[column].name, what);
    lf_error_place(error, intake->record_batch, at,
                   column == LF_NO_COLUMN ? 0 : column);
    return FEATURE_INVALID;
}

feature_status
lf_intake_broken(const struct lf_intake *intake, uint32_t column, size_t row,
                 const char *what, struct feature_error *error)
{
    return lf_intake_fail(intake, column, row, "arrow", what, error);
}

void
lf_intake_refuse(struct lf_intake *intake, uint32_t column, size_t row,
                 const char *reason, const char *what)
{
    if (intake->skip_invalid) {
        lf_bit_set(intake->batch->refused.data, intake->rows + row);
    } else if (row < intake->refused_row) {
        intake->refused_row = (uint32_t)row;
        lf_intake_fail(intake, column, row, reason, what, &intake->refused);
    }
}

static void
refuse_null_rows(struct lf_intake *intake, uint32_t count)
{
    for (uint32_t i = 0; intake->record_valid && i < count; i++)
        if (!lf_bit_get(intake->record_valid, intake->record_first + i))
            lf_intake_refuse(intake, LF_NO_COLUMN, i, "argument",
                             "the row itself is null");
}

static feature_status
make_room(struct lf_intake *intake, uint32_t count, struct feature_error *error)
{
    struct lf_buffer *refused = &intake->batch->refused;
    size_t more = lf_bits_size((size_t)intake->rows + count) - refused->size;
    uint8_t *bits = lf_buffer_extend(refused, more);

    if (!bits)
        return lf_fail_memory(error);
    memset(bits, 0, more);
    return FEATURE_OK;
}

feature_status
lf_intake_append(struct lf_intake *intake, uint32_t count,
                 struct feature_error *error)
{
    intake->refused_row = UINT32_MAX;
    if (intake->skip_invalid)
        LF_TRY(make_room(intake, count, error));
    refuse_null_rows(intake, count);
    for (uint32_t i = 0; i < intake->batch->column_count; i++)
        LF_TRY(lf_column_append(intake, i, error));
    intake->rows += count;
    if (intake->refused_row == UINT32_MAX)
        return FEATURE_OK;
    if (error)
        *error = intake->refused;
    return FEATURE_INVALID;
}
