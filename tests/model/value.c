/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Types and values, as the model sees them.
 *
 * Owns what widening and its way back do to a value.
 * Keeps values as plain bytes, so that equal means equal bits.
 * Never uses a function of the library.
 */
#include "value.h"

#include <math.h>
#include <string.h>

const struct value null_value = {.is_null = true};

bool
type_is_text(int32_t code)
{
    return code == FEATURE_TYPE_STRING || code == FEATURE_TYPE_BYTES;
}

bool
type_is_variable(struct type type)
{
    return type.is_list || type_is_text(type.code);
}

bool
type_equal(struct type a, struct type b)
{
    return a.code == b.code && a.width == b.width && a.is_list == b.is_list;
}

uint32_t
element_size(int32_t code)
{
    static const uint32_t sizes[] = {
        [FEATURE_TYPE_BOOL] = 1,    [FEATURE_TYPE_INT32] = 4,
        [FEATURE_TYPE_INT64] = 8,   [FEATURE_TYPE_FLOAT32] = 4,
        [FEATURE_TYPE_FLOAT64] = 8, [FEATURE_TYPE_STRING] = 0,
        [FEATURE_TYPE_BYTES] = 0,   [FEATURE_TYPE_TIMESTAMP] = 8};

    return sizes[code];
}

static bool
code_widens(int32_t from, int32_t to)
{
    if (from == FEATURE_TYPE_INT32)
        return to == FEATURE_TYPE_INT64 || to == FEATURE_TYPE_FLOAT64;
    return from == FEATURE_TYPE_FLOAT32 && to == FEATURE_TYPE_FLOAT64;
}

bool
type_widens(struct type from, struct type to)
{
    return code_widens(from.code, to.code) && from.width == to.width &&
           from.is_list == to.is_list;
}

bool
type_accepts(int32_t column, int32_t buffer)
{
    return column == buffer || code_widens(buffer, column) ||
           (column == FEATURE_TYPE_TIMESTAMP && buffer == FEATURE_TYPE_INT64);
}

bool
value_equal(const struct value *a, const struct value *b)
{
    if (a->is_null || b->is_null)
        return a->is_null == b->is_null;
    return a->size == b->size &&
           (a->size == 0 || memcmp(a->bytes, b->bytes, a->size) == 0);
}

static void
widen_element(int32_t from, int32_t to, const uint8_t *in, uint8_t *out)
{
    int32_t whole;
    int64_t wide;
    float number;
    double real;

    memcpy(&whole, in, sizeof whole);
    memcpy(&number, in, sizeof number);
    wide = whole;
    real = from == FEATURE_TYPE_INT32 ? (double)whole : (double)number;
    if (to == FEATURE_TYPE_INT64)
        memcpy(out, &wide, sizeof wide);
    else
        memcpy(out, &real, sizeof real);
}

struct value
value_widen(struct arena *arena, struct type from, struct type to,
            struct value value)
{
    uint32_t count = value.size / 4;
    uint8_t *bytes;

    if (value.is_null || !code_widens(from.code, to.code))
        return value;
    bytes = arena_alloc(arena, 2 * (size_t)value.size);
    for (uint32_t i = 0; i < count; i++)
        widen_element(from.code, to.code, value.bytes + 4 * i, bytes + 8 * i);
    return (struct value){.size = 2 * value.size, .bytes = bytes};
}

static bool
narrow_real(double in, int32_t to, uint8_t *out)
{
    int32_t whole = 0;
    float number;

    if (to == FEATURE_TYPE_INT32) {
        if (in >= INT32_MIN && in <= INT32_MAX)
            whole = (int32_t)in;
        memcpy(out, &whole, sizeof whole);
        return (double)whole == in && (whole != 0 || !signbit(in));
    }
    number = (float)in;
    memcpy(out, &number, sizeof number);
    return isnan(in) || (double)number == in;
}

static bool
narrow_element(int32_t from, int32_t to, const uint8_t *in, uint8_t *out)
{
    int32_t whole;
    int64_t wide;
    double real;

    memcpy(&wide, in, sizeof wide);
    memcpy(&real, in, sizeof real);
    if (from == FEATURE_TYPE_FLOAT64)
        return narrow_real(real, to, out);
    whole = (int32_t)wide;
    memcpy(out, &whole, sizeof whole);
    return whole == wide;
}

bool
value_narrow(struct arena *arena, struct type from, struct type to,
             struct value value, struct value *narrow)
{
    uint32_t count = value.size / 8;
    uint8_t *bytes;

    *narrow = value;
    if (value.is_null || !code_widens(to.code, from.code))
        return true;
    bytes = arena_alloc(arena, value.size / 2);
    for (uint32_t i = 0; i < count; i++)
        if (!narrow_element(from.code, to.code, value.bytes + 8 * i,
                            bytes + 4 * i))
            return false;
    *narrow = (struct value){.size = value.size / 2, .bytes = bytes};
    return true;
}

static float
age_seconds(int64_t at, int64_t timestamp)
{
    int64_t age;

    if (__builtin_sub_overflow(at, timestamp, &age))
        return (float)(((double)at - (double)timestamp) / 1e6);
    return (float)((double)age / 1e6);
}

static float
element_float(int32_t code, const uint8_t *bytes, int64_t at)
{
    int32_t whole;
    int64_t wide = 0;
    float number;
    double real = 0;

    if (code == FEATURE_TYPE_BOOL)
        return *bytes ? 1.0f : 0.0f;
    memcpy(&whole, bytes, sizeof whole);
    memcpy(&number, bytes, sizeof number);
    if (element_size(code) == 8) {
        memcpy(&wide, bytes, sizeof wide);
        memcpy(&real, bytes, sizeof real);
    }
    switch (code) {
    case FEATURE_TYPE_INT32:
        return (float)whole;
    case FEATURE_TYPE_INT64:
        return (float)wide;
    case FEATURE_TYPE_FLOAT32:
        return number;
    case FEATURE_TYPE_FLOAT64:
        return (float)real;
    default:
        return age_seconds(at, wide);
    }
}

void
value_floats(struct type type, struct value value, int64_t at, float *floats)
{
    uint32_t size = element_size(type.code);

    for (uint32_t i = 0; i < type.width; i++)
        floats[i] = value.is_null
                        ? NAN
                        : element_float(type.code, value.bytes + size * i, at);
}

/* A code point from its first byte on, by decoding and encoding again: 0 where
 * that does not give the same bytes. */
static uint32_t
point_size(const uint8_t *at, size_t left)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    uint32_t size, point;

    if (*at < 0x80)
        return 1;
    size = *at >= 0xf0 ? 4 : *at >= 0xe0 ? 3 : *at >= 0xc0 ? 2 : 0;
    if (!size || size > left || *at >= 0xf8)
        return 0;
    point = *at & (0x7fu >> size);
    for (uint32_t i = 1; i < size; i++) {
        if (at[i] >> 6 != 2)
            return 0;
        point = point << 6 | (at[i] & 0x3fu);
    }
    if (point < least[size] || point > 0x10ffff ||
        (point >= 0xd800 && point <= 0xdfff))
        return 0;
    return size;
}

static bool
is_utf8(const uint8_t *bytes, size_t size)
{
    while (size) {
        uint32_t step = point_size(bytes, size);

        if (!step)
            return false;
        bytes += step;
        size -= step;
    }
    return true;
}

bool
value_is_text(struct type type, struct value value)
{
    uint32_t at = 0, size;

    if (value.is_null || type.code != FEATURE_TYPE_STRING)
        return true;
    if (!type.is_list)
        return is_utf8(value.bytes, value.size);
    for (; at < value.size; at += 4 + size) {
        memcpy(&size, value.bytes + at, sizeof size);
        if (!is_utf8(value.bytes + at + 4, size))
            return false;
    }
    return true;
}

uint32_t
value_count(struct type type, struct value value)
{
    uint32_t count = 0, at = 0, size;

    if (value.is_null)
        return 0;
    if (!type_is_text(type.code))
        return value.size / element_size(type.code);
    for (; at < value.size; at += 4 + size, count++)
        memcpy(&size, value.bytes + at, sizeof size);
    return count;
}
