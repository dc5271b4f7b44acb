/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Columns as callers bring them.
 *
 * Owns the copy from Arrow's layout into cells: widening, unpacking of bits,
 * offsets made relative, lists made whole.
 * Keeps a column as it was when its new values are refused.
 * Never judges values: that a text is UTF-8 is the write's business.
 */
#include "store/input.h"

#include <string.h>

#include "base/error.h"
#include "format/merge.h"

static bool
accepts(struct lf_type column, int32_t given)
{
    if (given == column.code)
        return true;
    if (column.code == FEATURE_TYPE_TIMESTAMP)
        return given == FEATURE_TYPE_INT64;
    return lf_type_widens((struct lf_type){.code = given, .width = 1},
                          (struct lf_type){.code = column.code, .width = 1});
}

static feature_status
check_shape(const struct lf_input *input, const char *name,
            const struct lf_arrays *arrays, struct feature_error *error)
{
    char wanted[LF_TYPE_NAME_SIZE];

    if (arrays->is_list != input->type.is_list)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "column \"%s\" is %s: set it with feature_batch_set%s",
                       name, lf_type_name(wanted, input->type),
                       input->type.is_list ? "_list" : "");
    if (!accepts(input->type, arrays->type))
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "column \"%s\" is %s and cannot take %s values", name,
                       lf_type_name(wanted, input->type),
                       lf_type_code_name(arrays->type));
    return FEATURE_OK;
}

static feature_status
fail_decrease(const char *name, uint32_t row, const char *what, int32_t from,
              int32_t to, struct feature_error *error)
{
    lf_fail(error, FEATURE_INVALID, "argument",
            "column \"%s\", row %u: %s decrease from %d to %d", name, row, what,
            from, to);
    lf_error_place(error, 0, row, 0);
    return FEATURE_INVALID;
}

static feature_status
check_begin(const char *name, const int32_t *offsets, const char *what,
            struct feature_error *error)
{
    if (!offsets)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "column \"%s\" needs %s", name, what);
    if (offsets[0] < 0)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "column \"%s\": %s begin at %d", name, what, offsets[0]);
    return FEATURE_OK;
}

/* Offsets may begin anywhere but may not decrease: the copy trusts them. */
static feature_status
check_offsets(const char *name, const int32_t *offsets, uint32_t rows,
              struct feature_error *error)
{
    LF_TRY(check_begin(name, offsets, "offsets", error));
    for (uint32_t i = 0; i < rows; i++)
        if (offsets[i + 1] < offsets[i])
            return fail_decrease(name, i, "offsets", offsets[i], offsets[i + 1],
                                 error);
    return FEATURE_OK;
}

/* The same for the strings of a list, of which there are some. */
static feature_status
check_child_offsets(const char *name, const struct lf_arrays *arrays,
                    struct feature_error *error)
{
    const int32_t *offsets = arrays->offsets, *child = arrays->child_offsets;

    LF_TRY(check_begin(name, child ? child + offsets[0] : NULL, "child offsets",
                       error));
    for (uint32_t row = 0; row < arrays->rows; row++)
        for (int32_t i = offsets[row]; i < offsets[row + 1]; i++)
            if (child[i + 1] < child[i])
                return fail_decrease(name, row, "child offsets", child[i],
                                     child[i + 1], error);
    return FEATURE_OK;
}

static bool
is_text(int32_t code)
{
    return code == FEATURE_TYPE_STRING || code == FEATURE_TYPE_BYTES;
}

static feature_status
check_arrays(const char *name, const struct lf_arrays *arrays,
             struct feature_error *error)
{
    const int32_t *offsets = arrays->offsets, *child = arrays->child_offsets;
    uint32_t rows = arrays->rows;
    bool text = is_text(arrays->type), needed = rows != 0;

    if (needed && (arrays->is_list || text)) {
        LF_TRY(check_offsets(name, offsets, rows, error));
        needed = offsets[rows] > offsets[0];
    }
    if (needed && arrays->is_list && text) {
        LF_TRY(check_child_offsets(name, arrays, error));
        needed = child[offsets[rows]] > child[offsets[0]];
    }
    if (needed && !arrays->values)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "column \"%s\" has no values", name);
    return FEATURE_OK;
}

/* Copies count elements of a fixed type, widened to the column's. Where there
 * are none, values may be NULL. */
static void
copy_elements(int32_t to, int32_t from, const void *values, size_t first,
              size_t count, uint8_t *out)
{
    size_t size = lf_type_element_size(from);
    const uint8_t *in;

    if (!count)
        return;
    in = (const uint8_t *)values + size * first;
    if (from == FEATURE_TYPE_BOOL) {
        for (size_t i = 0; i < count; i++)
            out[i] = lf_bit_get(values, first + i);
    } else if (size == lf_type_element_size(to)) {
        memcpy(out, in, size * count);
    } else if (from == FEATURE_TYPE_FLOAT32) {
        for (size_t i = 0; i < count; i++)
            lf_store_f64(out + 8 * i, (double)lf_load_f32(in + 4 * i));
    } else if (to == FEATURE_TYPE_FLOAT64) {
        for (size_t i = 0; i < count; i++)
            lf_store_f64(out + 8 * i, (double)lf_load_i32(in + 4 * i));
    } else {
        for (size_t i = 0; i < count; i++)
            lf_store_i64(out + 8 * i, (int64_t)lf_load_i32(in + 4 * i));
    }
}

static size_t
bytes_needed(const struct lf_input *input, const struct lf_arrays *arrays)
{
    size_t rows = arrays->rows, size, strings;

    if (!rows)
        return 0;
    if (!lf_type_is_variable(input->type))
        return rows * lf_type_fixed_size(input->type);
    size = (size_t)(arrays->offsets[rows] - arrays->offsets[0]);
    if (!arrays->is_list)
        return size;
    if (!is_text(arrays->type))
        return size * lf_type_element_size(input->type.code);
    strings = size;
    if (strings)
        size = (size_t)(arrays->child_offsets[arrays->offsets[rows]] -
                        arrays->child_offsets[arrays->offsets[0]]);
    return size + 4 * strings + 4 * rows;
}

/* One STRING[] cell: count, ends, bytes. Returns its end. */
static uint8_t *
copy_strings(const struct lf_arrays *arrays, uint32_t row, uint8_t *out)
{
    uint32_t first = (uint32_t)arrays->offsets[row];
    uint32_t count = (uint32_t)arrays->offsets[row + 1] - first;
    const int32_t *ends;
    size_t size;

    lf_store_u32(out, count);
    out += 4;
    if (!count)
        return out;
    ends = arrays->child_offsets + first;
    size = (size_t)(ends[count] - ends[0]);
    for (uint32_t i = 0; i < count; i++, out += 4)
        lf_store_u32(out, (uint32_t)(ends[i + 1] - ends[0]));
    if (size)
        memcpy(out, (const uint8_t *)arrays->values + ends[0], size);
    return out + size;
}

/* A null cell keeps no bytes, whatever its offsets say. */
static uint8_t *
copy_variable(const struct lf_input *input, const struct lf_arrays *arrays,
              uint32_t row, uint8_t *out)
{
    size_t first = (size_t)arrays->offsets[row];
    size_t count = (size_t)arrays->offsets[row + 1] - first;
    size_t element;

    if (arrays->validity && !lf_bit_get(arrays->validity, row))
        return out;
    if (arrays->is_list && is_text(arrays->type))
        return copy_strings(arrays, row, out);
    if (is_text(arrays->type)) {
        if (count)
            memcpy(out, (const uint8_t *)arrays->values + first, count);
        return out + count;
    }
    element = lf_type_element_size(input->type.code);
    copy_elements(input->type.code, arrays->type, arrays->values, first, count,
                  out);
    return out + element * count;
}

static void
copy_values(struct lf_input *input, const struct lf_arrays *arrays)
{
    uint8_t *begin = input->values.data, *at = begin;

    if (!lf_type_is_variable(input->type)) {
        copy_elements(input->type.code, arrays->type, arrays->values, 0,
                      (size_t)arrays->rows * input->type.width, begin);
        return;
    }
    lf_store_u64(input->ends.data, 0);
    for (uint32_t i = 0; i < arrays->rows; i++) {
        at = copy_variable(input, arrays, i, at);
        lf_store_u64(input->ends.data + 8 * (size_t)i + 8,
                     (uint64_t)(at - begin));
    }
}

static bool
any_null(const uint8_t *validity, uint32_t rows)
{
    uint32_t whole = rows / 8;

    for (uint32_t i = 0; i < whole; i++)
        if (validity[i] != 0xff)
            return true;
    for (uint32_t i = whole * 8; i < rows; i++)
        if (!lf_bit_get(validity, i))
            return true;
    return false;
}

feature_status
lf_input_check(const struct lf_input *input, const char *name,
               const struct lf_arrays *arrays, struct feature_error *error)
{
    LF_TRY(check_shape(input, name, arrays, error));
    return check_arrays(name, arrays, error);
}

feature_status
lf_input_set(struct lf_input *input, const char *name,
             const struct lf_arrays *arrays, struct feature_error *error)
{
    bool variable = lf_type_is_variable(input->type);
    size_t size, bits = lf_bits_size(arrays->rows);

    LF_TRY(lf_input_check(input, name, arrays, error));
    size = bytes_needed(input, arrays);
    if (!lf_buffer_reserve(&input->values, size ? size : 1) ||
        (variable &&
         !lf_buffer_reserve(&input->ends, 8 * ((size_t)arrays->rows + 1))) ||
        (arrays->validity &&
         !lf_buffer_reserve(&input->validity, bits ? bits : 1)))
        return lf_fail_memory(error);
    copy_values(input, arrays);
    input->rows = arrays->rows;
    input->is_set = true;
    input->has_nulls =
        arrays->validity && any_null(arrays->validity, arrays->rows);
    if (input->has_nulls)
        memcpy(input->validity.data, arrays->validity, bits);
    return FEATURE_OK;
}

/* Every widening doubles the size of an element, of lists too. */
feature_status
lf_input_widen(struct lf_input *input, struct lf_type type,
               struct feature_error *error)
{
    struct lf_buffer wide = {0};
    size_t size = 0;

    if (lf_type_equal(input->type, type))
        return FEATURE_OK;
    if (input->is_set && lf_type_is_variable(type))
        size = (size_t)lf_load_u64(input->ends.data + 8 * (size_t)input->rows);
    else if (input->is_set)
        size = lf_type_fixed_size(input->type) * input->rows;
    if (!lf_widen(input->type, type, input->values.data, size, &wide)) {
        lf_buffer_free(&wide);
        return lf_fail_memory(error);
    }
    if (input->is_set && lf_type_is_variable(type))
        for (size_t i = 0; i <= input->rows; i++)
            lf_store_u64(input->ends.data + 8 * i,
                         2 * lf_load_u64(input->ends.data + 8 * i));
    lf_buffer_free(&input->values);
    input->values = wide;
    input->type = type;
    return FEATURE_OK;
}

void
lf_input_clear(struct lf_input *input)
{
    input->is_set = false;
    input->has_nulls = false;
    input->rows = 0;
}

void
lf_input_free(struct lf_input *input)
{
    lf_buffer_free(&input->values);
    lf_buffer_free(&input->ends);
    lf_buffer_free(&input->validity);
}
