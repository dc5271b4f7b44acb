/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Types and values in the definition language.
 *
 * Owns how a DEFAULT is written, and how a trace shows a value.
 * Keeps every number exact.
 * Never writes a string that a reader of the text could not tell from another.
 */
#include "value.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

void
type_print(struct text *text, struct type type)
{
    static const char *const names[] = {"?",      "BOOL",    "INT32",
                                        "INT64",  "FLOAT32", "FLOAT64",
                                        "STRING", "BYTES",   "TIMESTAMP"};

    text_add(text, "%s", names[type.code]);
    if (type.is_list)
        text_add(text, "[]");
    else if (type.width > 1)
        text_add(text, "[%u]", type.width);
}

static void
print_float(struct text *text, double value, int digits)
{
    if (isnan(value))
        text_add(text, "'NaN'");
    else if (isinf(value))
        text_add(text, value < 0 ? "'-Infinity'" : "'Infinity'");
    else
        text_add(text, "%.*g", digits, value);
}

static void
print_element(struct text *text, int32_t code, const uint8_t *bytes)
{
    int32_t whole;
    int64_t wide;
    float number;
    double real;

    switch (code) {
    case FEATURE_TYPE_BOOL:
        text_add(text, *bytes ? "TRUE" : "FALSE");
        return;
    case FEATURE_TYPE_INT32:
        memcpy(&whole, bytes, sizeof whole);
        text_add(text, "%" PRId32, whole);
        return;
    case FEATURE_TYPE_FLOAT32:
        memcpy(&number, bytes, sizeof number);
        print_float(text, (double)number, 9);
        return;
    case FEATURE_TYPE_FLOAT64:
        memcpy(&real, bytes, sizeof real);
        print_float(text, real, 17);
        return;
    default:
        memcpy(&wide, bytes, sizeof wide);
        text_add(text, "%" PRId64, wide);
        return;
    }
}

static void
print_string(struct text *text, const uint8_t *bytes, uint32_t size)
{
    text_add(text, "'");
    for (uint32_t i = 0; i < size; i++) {
        if (bytes[i] == '\'')
            text_add(text, "'");
        text_add_bytes(text, bytes + i, 1);
    }
    text_add(text, "'");
}

static void
print_bytes(struct text *text, const uint8_t *bytes, uint32_t size)
{
    text_add(text, "x'");
    for (uint32_t i = 0; i < size; i++)
        text_add(text, "%02x", bytes[i]);
    text_add(text, "'");
}

static void
print_strings(struct text *text, struct value value)
{
    for (uint32_t at = 0, size; at < value.size; at += 4 + size) {
        memcpy(&size, value.bytes + at, sizeof size);
        text_add(text, at ? ", " : "");
        print_string(text, value.bytes + at + 4, size);
    }
}

void
value_print(struct text *text, struct type type, struct value value)
{
    uint32_t size = element_size(type.code);
    bool is_one = !type.is_list && type.width == 1;

    if (value.is_null) {
        text_add(text, "NULL");
    } else if (is_one && type.code == FEATURE_TYPE_STRING) {
        print_string(text, value.bytes, value.size);
    } else if (is_one && type.code == FEATURE_TYPE_BYTES) {
        print_bytes(text, value.bytes, value.size);
    } else if (is_one) {
        print_element(text, type.code, value.bytes);
    } else if (type.code == FEATURE_TYPE_STRING) {
        text_add(text, "[");
        print_strings(text, value);
        text_add(text, "]");
    } else {
        text_add(text, "[");
        for (uint32_t at = 0; at < value.size; at += size) {
            text_add(text, at ? ", " : "");
            print_element(text, type.code, value.bytes + at);
        }
        text_add(text, "]");
    }
}
