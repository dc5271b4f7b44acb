/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The buffers of answered columns.
 *
 * Owns their sizes and the growth of variable values, offsets by offsets.
 * Keeps every offset below 2^31, as Arrow's 32-bit layout demands.
 * Never frees between reads.
 */
#include <string.h>

#include "store/answer.h"

static bool
reserve_column(struct lf_answer *answer, struct lf_type type, uint32_t rows)
{
    size_t bits = lf_bits_size(rows) + 1;
    size_t values = lf_type_fixed_size(type) * rows + 1;

    if (type.code == FEATURE_TYPE_BOOL)
        values = bits;
    return lf_buffer_reserve(&answer->validity, bits) &&
           lf_buffer_reserve(&answer->defaulted, bits) &&
           lf_buffer_reserve(&answer->values, values) &&
           (!lf_type_is_variable(type) ||
            (lf_buffer_reserve(&answer->offsets, 4 * ((size_t)rows + 1)) &&
             lf_buffer_reserve(&answer->child_offsets, 4)));
}

/* All rows valid, nothing defaulted, no variable bytes. */
static void
reset_column(struct lf_answer *answer, struct lf_type type, uint32_t rows)
{
    memset(answer->validity.data, 0xff, rows / 8);
    answer->validity.data[rows / 8] = (uint8_t)((1u << (rows & 7)) - 1);
    answer->null_count = 0;
    answer->defaulted_count = 0;
    answer->elements = 0;
    answer->values.size = 0;
    if (type.code == FEATURE_TYPE_BOOL)
        memset(answer->values.data, 0, lf_bits_size(rows) + 1);
    if (!lf_type_is_variable(type))
        return;
    lf_store_u32(answer->offsets.data, 0);
    lf_store_u32(answer->child_offsets.data, 0);
}

feature_status
lf_answer_begin(feature_request *request, const struct lf_sink *sink,
                struct feature_error *error)
{
    const struct lf_selection *selection = request->query->selection;
    size_t cells = (size_t)selection->view_count * request->rows;

    if (!lf_buffer_reserve(&request->states, cells + 1) ||
        !lf_buffer_reserve(&request->timestamps, 8 * cells + 8))
        return lf_fail_memory(error);
    if (sink->matrix)
        return FEATURE_OK;
    for (uint32_t i = 0; i < selection->column_count; i++) {
        struct lf_type type = selection->columns[i].type;

        if (!reserve_column(&request->answers[i], type, request->rows))
            return lf_fail_memory(error);
        reset_column(&request->answers[i], type, request->rows);
    }
    return FEATURE_OK;
}

void
lf_answer_end(struct lf_answer *answer, uint32_t row)
{
    uint8_t *offset = answer->offsets.data + 4 * (size_t)row;

    memcpy(offset + 4, offset, 4);
}

/* Room for size more bytes of values, all below 2^31. */
static enum lf_append
extend(struct lf_answer *answer, uint64_t size, uint8_t **to)
{
    if (size > INT32_MAX || answer->values.size + size > INT32_MAX)
        return LF_APPEND_TOO_LARGE;
    *to = lf_buffer_extend(&answer->values, (size_t)size);
    return *to ? LF_APPEND_OK : LF_APPEND_NO_MEMORY;
}

static void
end_at(struct lf_answer *answer, uint32_t row, size_t end)
{
    lf_store_u32(answer->offsets.data + 4 * ((size_t)row + 1), (uint32_t)end);
}

static enum lf_append
append_bytes(struct lf_answer *answer, const uint8_t *bytes, size_t size,
             uint32_t row)
{
    uint8_t *to;
    enum lf_append result = extend(answer, size, &to);

    if (result != LF_APPEND_OK)
        return result;
    if (size)
        memcpy(to, bytes, size);
    end_at(answer, row, answer->values.size);
    return LF_APPEND_OK;
}

static enum lf_append
append_numbers(struct lf_answer *answer, struct lf_type type,
               struct lf_type stored, lf_convert convert, const uint8_t *bytes,
               size_t size, uint32_t row)
{
    size_t count = size / lf_type_element_size(stored.code);
    uint8_t *to;
    enum lf_append result =
        extend(answer, (uint64_t)count * lf_type_element_size(type.code), &to);

    if (result != LF_APPEND_OK)
        return result;
    if (!convert(&bytes, 1, 0, (uint32_t)count, to, 0))
        return LF_APPEND_NO_FIT;
    answer->elements += (uint32_t)count;
    end_at(answer, row, answer->elements);
    return LF_APPEND_OK;
}

/* A STRING[] cell: u32 count, ends, bytes. */
static enum lf_append
append_strings(struct lf_answer *answer, const uint8_t *bytes, uint32_t row)
{
    uint32_t count = lf_load_u32(bytes);
    const uint8_t *ends = bytes + 4;
    size_t begin = answer->values.size;
    size_t size = count ? lf_load_u32(ends + 4 * (size_t)(count - 1)) : 0;
    size_t all = (size_t)answer->elements + count;
    enum lf_append result;
    uint8_t *to;

    if (all >= INT32_MAX)
        return LF_APPEND_TOO_LARGE;
    result = extend(answer, size, &to);
    if (result != LF_APPEND_OK)
        return result;
    if (!lf_buffer_reserve(&answer->child_offsets, 4 * (all + 1)))
        return LF_APPEND_NO_MEMORY;
    if (size)
        memcpy(to, ends + 4 * (size_t)count, size);
    for (size_t i = 0; i < count; i++)
        lf_store_u32(answer->child_offsets.data +
                         4 * (answer->elements + i + 1),
                     (uint32_t)(begin + lf_load_u32(ends + 4 * i)));
    answer->elements = (uint32_t)all;
    end_at(answer, row, all);
    return LF_APPEND_OK;
}

enum lf_append
lf_answer_append(struct lf_answer *answer, struct lf_type type,
                 struct lf_type stored, lf_convert convert,
                 const uint8_t *bytes, size_t size, uint32_t row)
{
    if (!type.is_list)
        return append_bytes(answer, bytes, size, row);
    if (type.code == FEATURE_TYPE_STRING)
        return append_strings(answer, bytes, row);
    return append_numbers(answer, type, stored, convert, bytes, size, row);
}
