/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values of answered columns.
 *
 * Owns how each type is shown.
 * Keeps what it prints readable by feature load, bit for bit.
 * Never shows a null: that is for whoever asks.
 */
#include "value.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "moment.h"
#include "number.h"

bool
value_bit(const uint8_t *bits, uint32_t i)
{
    return bits && bits[i >> 3] >> (i & 7) & 1;
}

static void
add_float(struct text *text, double value, const char *digits, size_t size,
          bool is_json)
{
    const char *quote = is_json && !isfinite(value) ? "\"" : "";

    text_add(text, "%s%.*s%s", quote, (int)size, digits, quote);
}

static void
add_timestamp(struct text *text, int64_t value, bool is_json)
{
    char printed[MOMENT_SIZE];

    moment_print(printed, value);
    text_add(text, is_json ? "\"%s\"" : "%s", printed);
}

/* Element i of a column of a fixed-size type. */
static void
add_element(struct text *text, const struct feature_column *column, size_t i,
            bool is_json)
{
    char digits[NUMBER_SIZE];
    size_t size;

    switch ((enum feature_type)column->type) {
    case FEATURE_TYPE_BOOL:
        text_add(text,
                 value_bit(column->values, (uint32_t)i) ? "true" : "false");
        break;
    case FEATURE_TYPE_INT32:
        text_add(text, "%" PRId32, ((const int32_t *)column->values)[i]);
        break;
    case FEATURE_TYPE_INT64:
        text_add(text, "%" PRId64, ((const int64_t *)column->values)[i]);
        break;
    case FEATURE_TYPE_FLOAT32:
        size = number_print_float32(digits, ((const float *)column->values)[i]);
        add_float(text, (double)((const float *)column->values)[i], digits,
                  size, is_json);
        break;
    case FEATURE_TYPE_FLOAT64:
        size =
            number_print_float64(digits, ((const double *)column->values)[i]);
        add_float(text, ((const double *)column->values)[i], digits, size,
                  is_json);
        break;
    case FEATURE_TYPE_TIMESTAMP:
        add_timestamp(text, ((const int64_t *)column->values)[i], is_json);
        break;
    case FEATURE_TYPE_STRING:
    case FEATURE_TYPE_BYTES:
        break;
    }
}

static void
add_hex(struct text *text, const char *bytes, size_t size)
{
    text_add(text, "\\x");
    for (size_t i = 0; i < size; i++)
        text_add(text, "%02x", (unsigned)(unsigned char)bytes[i]);
}

static bool
is_text(const struct feature_column *column)
{
    return column->type == FEATURE_TYPE_STRING ||
           column->type == FEATURE_TYPE_BYTES;
}

static void
add_list(struct text *text, const struct feature_column *column, size_t first,
         size_t end, bool is_json)
{
    const char *bytes = column->values;

    text_add_bytes(text, "[", 1);
    for (size_t i = first; i < end; i++) {
        if (i > first)
            text_add(text, is_json ? "," : ", ");
        if (column->child_offsets)
            text_add_json(text, bytes + column->child_offsets[i],
                          (size_t)(column->child_offsets[i + 1] -
                                   column->child_offsets[i]));
        else
            add_element(text, column, i, is_json);
    }
    text_add_bytes(text, "]", 1);
}

static void
add_value(struct text *text, const struct feature_column *column, uint32_t row,
          bool is_json)
{
    const int32_t *offsets = column->offsets;
    const char *bytes = column->values;
    size_t size;

    if (!offsets) {
        if (column->width > 1)
            add_list(text, column, (size_t)row * column->width,
                     ((size_t)row + 1) * column->width, is_json);
        else
            add_element(text, column, row, is_json);
        return;
    }
    if (!is_text(column) || column->child_offsets) {
        add_list(text, column, (size_t)offsets[row], (size_t)offsets[row + 1],
                 is_json);
        return;
    }
    size = (size_t)(offsets[row + 1] - offsets[row]);
    if (column->type == FEATURE_TYPE_BYTES) {
        text_add(text, is_json ? "\"\\" : "");
        add_hex(text, bytes + offsets[row], size);
        text_add(text, is_json ? "\"" : "");
    } else if (is_json) {
        text_add_json(text, bytes + offsets[row], size);
    } else {
        text_add_bytes(text, bytes + offsets[row], size);
    }
}

void
value_add(struct text *text, const struct feature_column *column, uint32_t row)
{
    add_value(text, column, row, false);
}

void
value_add_json(struct text *text, const struct feature_column *column,
               uint32_t row)
{
    if (value_bit(column->validity, row))
        add_value(text, column, row, true);
    else
        text_add(text, "null");
}

const char *
value_state_name(uint8_t state)
{
    static const char *const names[] = {
        [FEATURE_STATE_PRESENT] = "PRESENT",
        [FEATURE_STATE_NULL] = "NULL",
        [FEATURE_STATE_NOT_FOUND] = "NOT_FOUND",
        [FEATURE_STATE_OUTSIDE_MAX_AGE] = "OUTSIDE_MAX_AGE",
        [FEATURE_STATE_NO_HISTORY] = "NO_HISTORY",
        [FEATURE_STATE_NO_KEY] = "NO_KEY",
        [FEATURE_STATE_PARTIAL] = "PARTIAL"};

    if (state >= sizeof names / sizeof *names || !names[state])
        return "UNKNOWN";
    return names[state];
}
