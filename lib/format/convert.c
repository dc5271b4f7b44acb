/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conversions of stored elements.
 *
 * Owns the loops that turn rows into columns and matrices, one for each pair
 * of types, so that no cell is asked for its type.
 * Keeps narrowing honest: a value fits if it converts back to itself, -0.0 to
 * -0.0 and NaN to a NaN.
 * Never looks past width elements at an offset its caller has checked.
 */
#include "format/convert.h"

#include <string.h>

#include "base/bytes.h"
#include "libfeature.h"

/* out is computed from in; fits judges both. */
#define CONVERT(name, in_type, load, in_size, out_type, store, out_size, expr, \
                fits)                                                          \
    static bool name(const uint8_t *const *from, uint32_t count,               \
                     uint32_t offset, uint32_t width, uint8_t *to,             \
                     size_t stride)                                            \
    {                                                                          \
        for (uint32_t i = 0; i < count; i++) {                                 \
            const uint8_t *at = from[i] + offset;                              \
            for (uint32_t j = 0; j < width; j++) {                             \
                in_type in = load(at + (in_size) * (size_t)j);                 \
                out_type out;                                                  \
                if (!(fits))                                                   \
                    return false;                                              \
                out = (expr);                                                  \
                store(to + i * stride + (out_size) * (size_t)j, out);          \
            }                                                                  \
        }                                                                      \
        return true;                                                           \
    }

static uint8_t
load_u8(const void *from)
{
    return *(const uint8_t *)from;
}

static void
store_u8(void *to, uint8_t value)
{
    *(uint8_t *)to = value;
}

static bool
same_bytes(double a, double b)
{
    return memcmp(&a, &b, sizeof a) == 0;
}

#define NUMBER(in, low, high) ((in) >= (low) && (in) <= (high))

CONVERT(copy_1, uint8_t, load_u8, 1, uint8_t, store_u8, 1, in, true)
CONVERT(copy_4, uint32_t, lf_load_u32, 4, uint32_t, lf_store_u32, 4, in, true)
CONVERT(copy_8, uint64_t, lf_load_u64, 8, uint64_t, lf_store_u64, 8, in, true)

CONVERT(i32_i64, int32_t, lf_load_i32, 4, int64_t, lf_store_i64, 8, in, true)
CONVERT(i32_f64, int32_t, lf_load_i32, 4, double, lf_store_f64, 8, (double)in,
        true)
CONVERT(f32_f64, float, lf_load_f32, 4, double, lf_store_f64, 8, (double)in,
        true)

CONVERT(i64_i32, int64_t, lf_load_i64, 8, int32_t, lf_store_i32, 4, (int32_t)in,
        NUMBER(in, INT32_MIN, INT32_MAX))
/* The range first: a cast out of range is undefined. As bytes: -0.0 == 0. */
CONVERT(f64_i32, double, lf_load_f64, 8, int32_t, lf_store_i32, 4, (int32_t)in,
        NUMBER(in, (double)INT32_MIN, (double)INT32_MAX) &&
            same_bytes((double)(int32_t)in, in))
CONVERT(f64_f32, double, lf_load_f64, 8, float, lf_store_f32, 4, (float)in,
        in != in || (double)(float)in == in)

CONVERT(bool_float, uint8_t, load_u8, 1, float, lf_store_f32, 4,
        in ? 1.0f : 0.0f, true)
CONVERT(i32_float, int32_t, lf_load_i32, 4, float, lf_store_f32, 4, (float)in,
        true)
CONVERT(i64_float, int64_t, lf_load_i64, 8, float, lf_store_f32, 4, (float)in,
        true)
CONVERT(f64_float, double, lf_load_f64, 8, float, lf_store_f32, 4, (float)in,
        true)

static lf_convert
copy_of(int32_t type)
{
    switch ((enum feature_type)type) {
    case FEATURE_TYPE_BOOL:
        return copy_1;
    case FEATURE_TYPE_INT32:
    case FEATURE_TYPE_FLOAT32:
        return copy_4;
    case FEATURE_TYPE_INT64:
    case FEATURE_TYPE_FLOAT64:
    case FEATURE_TYPE_TIMESTAMP:
        return copy_8;
    case FEATURE_TYPE_STRING:
    case FEATURE_TYPE_BYTES:
        break;
    }
    return NULL;
}

lf_convert
lf_convert_exact(int32_t from, int32_t to)
{
    static const struct {
        int32_t from, to;
        lf_convert convert;
    } pairs[] = {
        {FEATURE_TYPE_INT32, FEATURE_TYPE_INT64, i32_i64},
        {FEATURE_TYPE_INT32, FEATURE_TYPE_FLOAT64, i32_f64},
        {FEATURE_TYPE_FLOAT32, FEATURE_TYPE_FLOAT64, f32_f64},
        {FEATURE_TYPE_INT64, FEATURE_TYPE_INT32, i64_i32},
        {FEATURE_TYPE_FLOAT64, FEATURE_TYPE_INT32, f64_i32},
        {FEATURE_TYPE_FLOAT64, FEATURE_TYPE_FLOAT32, f64_f32},
    };

    if (from == to)
        return copy_of(from);
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if (pairs[i].from == from && pairs[i].to == to)
            return pairs[i].convert;
    return NULL;
}

lf_convert
lf_convert_float(int32_t from)
{
    switch ((enum feature_type)from) {
    case FEATURE_TYPE_BOOL:
        return bool_float;
    case FEATURE_TYPE_INT32:
        return i32_float;
    case FEATURE_TYPE_INT64:
        return i64_float;
    case FEATURE_TYPE_FLOAT32:
        return copy_4;
    case FEATURE_TYPE_FLOAT64:
        return f64_float;
    case FEATURE_TYPE_TIMESTAMP: /* an age, which needs a clock */
    case FEATURE_TYPE_STRING:
    case FEATURE_TYPE_BYTES:
        break;
    }
    return NULL;
}
