/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Columns of strings and bytes, and of lists of them.
 *
 * Owns the copy of texts into cells, whatever layout they come in.
 * Keeps a text that no row could hold out of memory: it is refused by its size.
 * Never judges encoding: the write does, row by row.
 */
#include "exchange/import.h"

#include "base/bytes.h"
#include "format/row.h"

static const char too_large[] = "a text larger than any row";
static const char broken[] = "a view or dictionary index out of range";

static feature_status
append_text(struct lf_intake *intake, uint32_t column, size_t row,
            struct feature_error *error)
{
    struct lf_input *input = &intake->batch->columns[column].input;
    struct lf_text_span span;

    switch (lf_source_text(&intake->sources[column], row, &span)) {
    case LF_TEXT_NULL:
        lf_column_set_null(intake, column, row);
        return FEATURE_OK;
    case LF_TEXT_BROKEN:
        return lf_intake_broken(intake, column, row, broken, error);
    case LF_TEXT_THERE:
        break;
    }
    if (span.size > LF_ROW_SIZE_LIMIT) {
        lf_intake_refuse(intake, column, row, "row-size", too_large);
        return FEATURE_OK;
    }
    if (!lf_buffer_append(&input->values, span.bytes, span.size))
        return lf_fail_memory(error);
    return FEATURE_OK;
}

/* Bytes of a list's texts, or why it cannot be taken. */
static enum lf_text_state
measure(const struct lf_source *texts, size_t first, size_t count,
        uint64_t *size)
{
    struct lf_text_span span;

    *size = 4 + 4 * (uint64_t)count;
    for (size_t i = 0; i < count && *size <= LF_ROW_SIZE_LIMIT; i++) {
        enum lf_text_state state = lf_source_text(texts, first + i, &span);

        if (state != LF_TEXT_THERE)
            return state;
        *size += span.size;
    }
    return LF_TEXT_THERE;
}

/* A STRING[] cell: count, ends, bytes. */
static void
put_texts(const struct lf_source *texts, size_t first, size_t count,
          uint8_t *to)
{
    uint8_t *bytes = to + 4 + 4 * count, *at = bytes;
    struct lf_text_span span = {0};

    lf_store_u32(to, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        lf_source_text(texts, first + i, &span);
        if (span.size)
            memcpy(at, span.bytes, span.size);
        at += span.size;
        lf_store_u32(to + 4 + 4 * i, (uint32_t)(at - bytes));
    }
}

static feature_status
append_texts(struct lf_intake *intake, uint32_t column, size_t row,
             struct feature_error *error)
{
    const struct lf_source *source = &intake->sources[column];
    struct lf_input *input = &intake->batch->columns[column].input;
    enum lf_text_state state;
    size_t first, count;
    uint64_t size;
    uint8_t *to;

    if (lf_source_is_null(source, row))
        return FEATURE_OK;
    count = lf_source_elements(source, row, &first);
    state = measure(source->child, first, count, &size);
    if (state == LF_TEXT_BROKEN)
        return lf_intake_broken(intake, column, row, broken, error);
    if (state == LF_TEXT_NULL || size > LF_ROW_SIZE_LIMIT) {
        lf_intake_refuse(intake, column, row, state ? "argument" : "row-size",
                         state ? "a null within a list" : too_large);
        return FEATURE_OK;
    }
    to = lf_buffer_extend(&input->values, (size_t)size);
    if (!to)
        return lf_fail_memory(error);
    put_texts(source->child, first, count, to);
    return FEATURE_OK;
}

feature_status
lf_text_append(struct lf_intake *intake, uint32_t column,
               struct feature_error *error)
{
    struct lf_input *input = &intake->batch->columns[column].input;
    size_t rows = intake->sources[column].count;
    uint8_t *ends = lf_buffer_extend(&input->ends, 8 * rows);

    if (!ends)
        return lf_fail_memory(error);
    for (size_t row = 0; row < rows; row++) {
        LF_TRY(input->type.is_list ? append_texts(intake, column, row, error)
                                   : append_text(intake, column, row, error));
        lf_store_u64(ends + 8 * row, input->values.size);
    }
    return FEATURE_OK;
}
