/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Columns of record batches, appended to columns of a batch.
 *
 * Owns the copy of nulls, numbers, vectors and lists of numbers into cells.
 * Keeps every column at the same number of rows: a row that cannot be taken
 * leaves an empty cell.
 * Never trusts a value under a null: it may be anything.
 */
#include "exchange/import.h"

#include "base/bytes.h"
#include "format/row.h"

static size_t
convert_bools(const struct lf_source *source, size_t first, size_t count,
              uint8_t *to)
{
    for (size_t i = 0; i < count; i++)
        to[i] = lf_bit_get(source->values, source->first + first + i);
    return count;
}

static size_t
convert_times(const struct lf_source *source, size_t first, size_t count,
              uint8_t *to)
{
    size_t size = lf_number_size(source->number);
    const uint8_t *from =
        (const uint8_t *)source->values + size * (source->first + first);
    int64_t time;

    for (size_t i = 0; i < count; i++) {
        int64_t value =
            size == 4 ? lf_load_i32(from + 4 * i) : lf_load_i64(from + 8 * i);

        if (!lf_to_microseconds(value, source->unit, &time))
            return i;
        lf_store_i64(to + 8 * i, time);
    }
    return count;
}

/* Stops before the first element that does not fit. */
static size_t
convert(const struct lf_source *source, size_t first, size_t count,
        int32_t code, uint8_t *to)
{
    size_t size;

    if (!count)
        return 0;
    if (source->kind == LF_SOURCE_BOOL)
        return convert_bools(source, first, count, to);
    if (source->kind == LF_SOURCE_TIME)
        return convert_times(source, first, count, to);
    size = lf_number_size(source->number);
    return lf_number_conversion(source->number, code)(
        (const uint8_t *)source->values + size * (source->first + first), count,
        to);
}

static bool
any_null(const struct lf_source *source, size_t first, size_t count)
{
    if (source->kind == LF_SOURCE_NULL)
        return count > 0;
    if (!source->validity)
        return false;
    for (size_t i = 0; i < count; i++)
        if (lf_source_is_null(source, first + i))
            return true;
    return false;
}

static feature_status
append_validity(struct lf_input *input, const struct lf_source *source,
                struct feature_error *error)
{
    size_t rows = input->rows, end = rows + source->count;
    size_t more = lf_bits_size(end) - input->validity.size;
    uint8_t *bits = lf_buffer_extend(&input->validity, more);

    if (!bits)
        return lf_fail_memory(error);
    memset(bits, 0xff, more);
    bits = input->validity.data; /* whole bytes of ones: the rest is new */
    if (source->kind != LF_SOURCE_NULL && !source->validity)
        return FEATURE_OK;
    for (size_t i = 0; i < source->count; i++)
        if (lf_source_is_null(source, i)) {
            lf_bit_clear(bits, rows + i);
            input->has_nulls = true;
        }
    return FEATURE_OK;
}

void
lf_column_set_null(struct lf_intake *intake, uint32_t column, size_t row)
{
    struct lf_input *input = &intake->batch->columns[column].input;

    lf_bit_clear(input->validity.data, input->rows + row);
    input->has_nulls = true;
}

static const char unfit[] = "a value does not fit the feature's type";

/* One element a row, or a vector's: all rows lie side by side. */
static feature_status
append_fixed(struct lf_intake *intake, uint32_t column,
             struct feature_error *error)
{
    const struct lf_source *source = &intake->sources[column];
    struct lf_input *input = &intake->batch->columns[column].input;
    const struct lf_source *elements =
        source->kind == LF_SOURCE_VECTOR ? source->child : source;
    size_t width = input->type.width, total = source->count * width;
    size_t cell = lf_type_fixed_size(input->type), done = 0, row;
    uint8_t *to = lf_buffer_extend(&input->values, source->count * cell);

    if (!to)
        return lf_fail_memory(error);
    if (elements->kind == LF_SOURCE_NULL) {
        memset(to, 0, source->count * cell);
        done = total;
    }
    while (done < total) {
        done += convert(elements, done, total - done, input->type.code,
                        to + done * (cell / width));
        if (done == total)
            break;
        row = done / width;
        memset(to + row * cell, 0, cell);
        if (!lf_source_is_null(source, row))
            lf_intake_refuse(intake, column, row, "argument", unfit);
        done = (row + 1) * width;
    }
    for (row = 0; elements != source && row < source->count; row++)
        if (!lf_source_is_null(source, row) &&
            any_null(elements, row * width, width))
            lf_intake_refuse(intake, column, row, "argument",
                             "a null within a vector");
    return FEATURE_OK;
}

/* What is wrong with the elements of a row before they are converted. */
static const char *
judge_elements(const struct lf_input *input, const struct lf_source *elements,
               size_t first, size_t count)
{
    if (!input->type.is_list && count != input->type.width)
        return "a list of another length than the vector";
    if (count > LF_ROW_SIZE_LIMIT / lf_type_element_size(input->type.code))
        return "a list larger than any row";
    if (any_null(elements, first, count))
        return "a null within a list";
    return NULL;
}

/* The elements of one row, or none where they are refused. */
static feature_status
append_elements(struct lf_intake *intake, uint32_t column, size_t row,
                struct feature_error *error)
{
    const struct lf_source *source = &intake->sources[column];
    struct lf_input *input = &intake->batch->columns[column].input;
    size_t element = lf_type_element_size(input->type.code), first, count;
    const char *wrong;
    uint8_t *to;

    if (lf_source_is_null(source, row))
        return FEATURE_OK;
    count = lf_source_elements(source, row, &first);
    wrong = judge_elements(input, source->child, first, count);
    if (wrong) {
        lf_intake_refuse(intake, column, row, "argument", wrong);
        return FEATURE_OK;
    }
    to = lf_buffer_extend(&input->values, count * element);
    if (!to)
        return lf_fail_memory(error);
    if (convert(source->child, first, count, input->type.code, to) != count) {
        input->values.size -= count * element;
        lf_intake_refuse(intake, column, row, "argument", unfit);
    }
    return FEATURE_OK;
}

/* Lists into vectors: an empty place where a row has none. */
static feature_status
append_vectors(struct lf_intake *intake, uint32_t column,
               struct feature_error *error)
{
    struct lf_input *input = &intake->batch->columns[column].input;
    size_t cell = lf_type_fixed_size(input->type), end;

    for (size_t row = 0; row < intake->sources[column].count; row++) {
        end = input->values.size + cell;
        LF_TRY(append_elements(intake, column, row, error));
        if (input->values.size == end)
            continue;
        if (!lf_buffer_extend(&input->values, cell))
            return lf_fail_memory(error);
        memset(input->values.data + end - cell, 0, cell);
    }
    return FEATURE_OK;
}

static feature_status
append_lists(struct lf_intake *intake, uint32_t column,
             struct feature_error *error)
{
    struct lf_input *input = &intake->batch->columns[column].input;
    size_t rows = intake->sources[column].count;
    uint8_t *ends = lf_buffer_extend(&input->ends, 8 * rows);

    if (!ends)
        return lf_fail_memory(error);
    for (size_t row = 0; row < rows; row++) {
        LF_TRY(append_elements(intake, column, row, error));
        lf_store_u64(ends + 8 * row, input->values.size);
    }
    return FEATURE_OK;
}

static feature_status
append_values(struct lf_intake *intake, uint32_t column,
              struct feature_error *error)
{
    const struct lf_source *source = &intake->sources[column];
    struct lf_type type = intake->batch->columns[column].input.type;

    if (type.code == FEATURE_TYPE_STRING || type.code == FEATURE_TYPE_BYTES)
        return lf_text_append(intake, column, error);
    if (type.is_list)
        return append_lists(intake, column, error);
    if (source->kind == LF_SOURCE_LIST32 || source->kind == LF_SOURCE_LIST64)
        return append_vectors(intake, column, error);
    return append_fixed(intake, column, error);
}

feature_status
lf_column_append(struct lf_intake *intake, uint32_t column,
                 struct feature_error *error)
{
    struct lf_input *input = &intake->batch->columns[column].input;

    LF_TRY(append_validity(input, &intake->sources[column], error));
    LF_TRY(append_values(intake, column, error));
    input->rows += (uint32_t)intake->sources[column].count;
    return FEATURE_OK;
}
