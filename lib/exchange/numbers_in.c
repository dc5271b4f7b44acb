/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers of other systems, as elements of features.
 *
 * Owns the loops, one for each pair of types, so that no value is asked for its
 * type.
 * Keeps integers exact and floats as near as the feature can hold them: only
 * float64 into FLOAT32 rounds, and never to infinity.
 * Never needs alignment: producers promise it, and some do not keep it.
 */
#include "exchange/import.h"

#include "base/bytes.h"

#define TWO_63 9223372036854775808.0
#define TWO_64 18446744073709551616.0

/* fits judges in, and makes out. */
#define CONVERT(name, in_type, out_type, fits)                         \
    static size_t name(const uint8_t *from, size_t count, uint8_t *to) \
    {                                                                  \
        for (size_t i = 0; i < count; i++) {                           \
            in_type in;                                                \
            out_type out;                                              \
            memcpy(&in, from + i * sizeof in, sizeof in);              \
            if (!(fits))                                               \
                return i;                                              \
            memcpy(to + i * sizeof out, &out, sizeof out);             \
        }                                                              \
        return count;                                                  \
    }

/* The range comes first: a cast out of range is undefined. */
static bool
same_signed(double out, int64_t in)
{
    return out >= -TWO_63 && out < TWO_63 && (int64_t)out == in;
}

static bool
same_unsigned(double out, uint64_t in)
{
    return out >= 0 && out < TWO_64 && (uint64_t)out == in;
}

static bool
is_whole(double in, int64_t *out)
{
    if (!(in >= -TWO_63 && in < TWO_63))
        return false;
    *out = (int64_t)in;
    return (double)*out == in;
}

static bool
is_int32(double in, int32_t *out)
{
    int64_t whole;

    return is_whole(in, &whole) && !__builtin_add_overflow(whole, 0, out);
}

/* Half a step above the largest float, where rounding begins to give infinity.
 * NaN and the infinities have their own. */
static bool
to_float(double in, float *out)
{
    double size = in < 0 ? -in : in;

    if (size >= 0x1.ffffffp127 && size <= 0x1.fffffffffffffp1023)
        return false;
    *out = (float)in;
    return true;
}

#define FROM_INTEGER(type, in_type, wide, same)             \
    CONVERT(type##_i32, in_type, int32_t,                   \
            !__builtin_add_overflow(in, 0, &out))           \
    CONVERT(type##_i64, in_type, int64_t,                   \
            !__builtin_add_overflow(in, 0, &out))           \
    CONVERT(type##_f32, in_type, float,                     \
            (out = (float)in, same((double)out, (wide)in))) \
    CONVERT(type##_f64, in_type, double,                    \
            (out = (double)in, same(out, (wide)in)))

FROM_INTEGER(i8, int8_t, int64_t, same_signed)
FROM_INTEGER(u8, uint8_t, uint64_t, same_unsigned)
FROM_INTEGER(i16, int16_t, int64_t, same_signed)
FROM_INTEGER(u16, uint16_t, uint64_t, same_unsigned)
FROM_INTEGER(i32, int32_t, int64_t, same_signed)
FROM_INTEGER(u32, uint32_t, uint64_t, same_unsigned)
FROM_INTEGER(i64, int64_t, int64_t, same_signed)
FROM_INTEGER(u64, uint64_t, uint64_t, same_unsigned)

CONVERT(f32_i32, float, int32_t, is_int32((double)in, &out))
CONVERT(f32_i64, float, int64_t, is_whole((double)in, &out))
CONVERT(f32_f64, float, double, (out = (double)in, true))
CONVERT(f64_i32, double, int32_t, is_int32(in, &out))
CONVERT(f64_i64, double, int64_t, is_whole(in, &out))
CONVERT(f64_f32, double, float, to_float(in, &out))

static size_t
copy_4(const uint8_t *from, size_t count, uint8_t *to)
{
    if (count)
        memcpy(to, from, 4 * count);
    return count;
}

static size_t
copy_8(const uint8_t *from, size_t count, uint8_t *to)
{
    if (count)
        memcpy(to, from, 8 * count);
    return count;
}

static const struct {
    size_t size;
    lf_number_convert i32, i64, f32, f64;
} numbers[LF_NUMBERS] = {
    [LF_NUMBER_I8] = {1, i8_i32, i8_i64, i8_f32, i8_f64},
    [LF_NUMBER_U8] = {1, u8_i32, u8_i64, u8_f32, u8_f64},
    [LF_NUMBER_I16] = {2, i16_i32, i16_i64, i16_f32, i16_f64},
    [LF_NUMBER_U16] = {2, u16_i32, u16_i64, u16_f32, u16_f64},
    [LF_NUMBER_I32] = {4, i32_i32, i32_i64, i32_f32, i32_f64},
    [LF_NUMBER_U32] = {4, u32_i32, u32_i64, u32_f32, u32_f64},
    [LF_NUMBER_I64] = {8, i64_i32, i64_i64, i64_f32, i64_f64},
    [LF_NUMBER_U64] = {8, u64_i32, u64_i64, u64_f32, u64_f64},
    [LF_NUMBER_F32] = {4, f32_i32, f32_i64, copy_4, f32_f64},
    [LF_NUMBER_F64] = {8, f64_i32, f64_i64, f64_f32, copy_8},
};

lf_number_convert
lf_number_conversion(enum lf_number from, int32_t code)
{
    switch ((enum feature_type)code) {
    case FEATURE_TYPE_INT32:
        return numbers[from].i32;
    case FEATURE_TYPE_INT64:
        return numbers[from].i64;
    case FEATURE_TYPE_FLOAT32:
        return numbers[from].f32;
    case FEATURE_TYPE_FLOAT64:
        return numbers[from].f64;
    case FEATURE_TYPE_TIMESTAMP:
        return from == LF_NUMBER_I64 ? i64_i64 : NULL;
    case FEATURE_TYPE_BOOL:
    case FEATURE_TYPE_STRING:
    case FEATURE_TYPE_BYTES:
        break;
    }
    return NULL;
}

bool
lf_to_microseconds(int64_t value, int64_t unit, int64_t *out)
{
    if (unit >= 0)
        return !__builtin_mul_overflow(value, unit, out);
    *out = value / -unit - (value % -unit < 0);
    return true;
}

size_t
lf_number_size(enum lf_number number)
{
    return numbers[number].size;
}

int64_t
lf_number_index(enum lf_number number, const void *values, size_t at)
{
    const uint8_t *from = (const uint8_t *)values + numbers[number].size * at;
    uint8_t wide[8];

    if (!numbers[number].i64(from, 1, wide))
        return -1;
    return lf_load_i64(wide);
}
