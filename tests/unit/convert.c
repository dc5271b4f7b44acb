/* SPDX-License-Identifier: Apache-2.0 */
/* Conversions of elements, against slow ones that look at bits. */
#include "draw.h"

#include <math.h>

#include "base/bytes.h"
#include "format/convert.h"
#include "libfeature.h"

#define TYPES 8 /* codes are 1 to TYPES */

static const size_t sizes[TYPES + 1] = {0, 1, 4, 8, 4, 8, 0, 0, 8};

/* --- the slow way ------------------------------------------------------------ */

static bool
is_pair(int32_t from, int32_t to, int32_t narrow, int32_t wide)
{
    return (from == narrow && to == wide) || (from == wide && to == narrow);
}

static bool
is_exact_pair(int32_t from, int32_t to)
{
    if (from == to)
        return from != FEATURE_TYPE_STRING && from != FEATURE_TYPE_BYTES;
    return is_pair(from, to, FEATURE_TYPE_INT32, FEATURE_TYPE_INT64) ||
           is_pair(from, to, FEATURE_TYPE_INT32, FEATURE_TYPE_FLOAT64) ||
           is_pair(from, to, FEATURE_TYPE_FLOAT32, FEATURE_TYPE_FLOAT64);
}

/* Whether a double is a float: by its fields, without a conversion. */
static bool
is_float32(double value)
{
    uint64_t bits, fraction;
    int exponent, spare = 29;

    memcpy(&bits, &value, 8);
    fraction = bits & 0xfffffffffffff;
    exponent = (int)(bits >> 52 & 0x7ff) - 1023;
    if (exponent == 1024)
        return true; /* infinities, and NaN, which stays NaN */
    if (exponent == -1023)
        return fraction == 0;
    if (exponent > 127 || exponent < -149)
        return false;
    if (exponent < -126)
        spare += -126 - exponent;
    return (fraction & ((UINT64_C(1) << spare) - 1)) == 0;
}

static bool
is_int32(double value)
{
    return isfinite(value) && fabs(value) < 4e9 && value == floor(value) &&
           value >= -2147483648.0 && value <= 2147483647.0 &&
           !(value == 0 && signbit(value));
}

/* Whether a value comes back the same from another type. */
static bool
fits(int32_t from, int32_t to, const uint8_t *value)
{
    if (from == FEATURE_TYPE_INT64 && to == FEATURE_TYPE_INT32)
        return lf_load_i64(value) == lf_load_i32(value);
    if (from == FEATURE_TYPE_FLOAT64 && to == FEATURE_TYPE_INT32)
        return is_int32(lf_load_f64(value));
    if (from == FEATURE_TYPE_FLOAT64 && to == FEATURE_TYPE_FLOAT32)
        return is_float32(lf_load_f64(value));
    return true;
}

/* Whether an element of a type holds the number of one of another type. Equal
 * types have equal bytes. */
static bool
is_same(int32_t from, const uint8_t *a, int32_t to, const uint8_t *b)
{
    double x, y;

    if (from == to)
        return memcmp(a, b, sizes[from]) == 0;
    if (from == FEATURE_TYPE_INT64 || to == FEATURE_TYPE_INT64)
        return (from == FEATURE_TYPE_INT64 ? lf_load_i64(a) : lf_load_i32(a)) ==
               (to == FEATURE_TYPE_INT64 ? lf_load_i64(b) : lf_load_i32(b));
    x = from == FEATURE_TYPE_INT32     ? lf_load_i32(a)
        : from == FEATURE_TYPE_FLOAT32 ? (double)lf_load_f32(a)
                                       : lf_load_f64(a);
    y = to == FEATURE_TYPE_INT32     ? lf_load_i32(b)
        : to == FEATURE_TYPE_FLOAT32 ? (double)lf_load_f32(b)
                                     : lf_load_f64(b);
    return isnan(x) ? isnan(y) : memcmp(&x, &y, sizeof x) == 0;
}

/* --- values ------------------------------------------------------------------ */

static double
draw_double(void)
{
    static const double edges[] = {0.0,
                                   -0.0,
                                   1.0,
                                   -1.0,
                                   0.5,
                                   2147483647.0,
                                   2147483647.5,
                                   2147483648.0,
                                   -2147483648.0,
                                   -2147483648.5,
                                   -2147483649.,
                                   16777216.0,
                                   16777217.0,
                                   3.402823466385288598e38,
                                   3.5e38,
                                   1e-45,
                                   1.401298464324817e-45,
                                   1e-46,
                                   1.17549435e-38,
                                   1e300,
                                   5e-324,
                                   1e19,
                                   INFINITY,
                                   -INFINITY,
                                   NAN};
    uint64_t bits = draw();
    double value;

    switch (draw_below(5)) {
    case 0:
        return edges[draw_below(sizeof edges / sizeof *edges)];
    case 1:
        return (double)(int32_t)draw() / (draw_one_in(2) ? 1 : 4);
    case 2:
        /* The neighbourhood of floats, subnormal ones too. */
        value = ldexp((double)draw_below(1u << 25), (int)draw_below(300) - 175);
        return draw_one_in(2) ? value : -value;
    case 3:
        bits &= ~(uint64_t)0 << draw_below(52);
        break;
    default:
        break;
    }
    memcpy(&value, &bits, sizeof value);
    return value;
}

static int64_t
draw_int64(void)
{
    static const int64_t edges[] = {0,
                                    1,
                                    -1,
                                    INT32_MAX,
                                    INT32_MIN,
                                    INT64_C(1) + INT32_MAX,
                                    INT64_C(-1) + INT32_MIN,
                                    INT64_MAX,
                                    INT64_MIN,
                                    INT64_C(1) << 32,
                                    (INT64_C(1) << 53) + 1};

    return draw_one_in(2) ? edges[draw_below(11)]
                          : (int64_t)draw() >> draw_below(64);
}

static void
draw_value(int32_t type, uint8_t *to)
{
    switch (type) {
    case FEATURE_TYPE_BOOL:
        *to = (uint8_t)draw_below(2);
        break;
    case FEATURE_TYPE_INT32:
        lf_store_i32(to, (int32_t)draw_int64());
        break;
    case FEATURE_TYPE_FLOAT32:
        if (draw_one_in(2))
            draw_bytes(to, 4);
        else
            lf_store_f32(to, (float)draw_double());
        break;
    case FEATURE_TYPE_FLOAT64:
        lf_store_f64(to, draw_double());
        break;
    default:
        lf_store_i64(to, draw_int64());
    }
}

/* --- tests ------------------------------------------------------------------- */

static void
types_convert_exactly_where_one_widens_to_the_other(void **state)
{
    (void)state;
    for (int32_t from = -1; from <= TYPES + 1; from++)
        for (int32_t to = -1; to <= TYPES + 1; to++)
            assert_int_equal(lf_convert_exact(from, to) != NULL,
                             from >= 1 && from <= TYPES &&
                                 is_exact_pair(from, to));
}

static void
a_value_converts_exactly_or_does_not_fit(void **state)
{
    uint32_t counts[TYPES + 1][TYPES + 1][2] = {{{0}}};

    (void)state;
    for (int32_t from = 1; from <= TYPES; from++)
        for (int32_t to = 1; to <= TYPES; to++) {
            lf_convert convert = lf_convert_exact(from, to);

            for (int i = 0; convert && i < 200000; i++) {
                uint8_t value[8], out[8];
                const uint8_t *at = value;
                bool fit;

                draw_value(from, value);
                fit = convert(&at, 1, 0, 1, out, 8);
                counts[from][to][fit]++;
                if (fit != fits(from, to, value) ||
                    (fit && !is_same(from, value, to, out)))
                    fail_msg("%d to %d, %016llx: %d", from, to,
                             (unsigned long long)lf_load_u64(value), fit);
            }
        }
    assert_true(counts[FEATURE_TYPE_INT64][FEATURE_TYPE_INT32][0] > 1000);
    assert_true(counts[FEATURE_TYPE_INT64][FEATURE_TYPE_INT32][1] > 1000);
    assert_true(counts[FEATURE_TYPE_FLOAT64][FEATURE_TYPE_INT32][0] > 1000);
    assert_true(counts[FEATURE_TYPE_FLOAT64][FEATURE_TYPE_INT32][1] > 1000);
    assert_true(counts[FEATURE_TYPE_FLOAT64][FEATURE_TYPE_FLOAT32][0] > 1000);
    assert_true(counts[FEATURE_TYPE_FLOAT64][FEATURE_TYPE_FLOAT32][1] > 1000);
}

static bool
narrows(int32_t to, double value)
{
    const uint8_t *at = (const uint8_t *)&value;
    uint8_t out[4];

    return lf_convert_exact(FEATURE_TYPE_FLOAT64, to)(&at, 1, 0, 1, out, 4);
}

static void
the_limits_of_narrowing_are_where_they_should_be(void **state)
{
    (void)state;
    assert_true(narrows(FEATURE_TYPE_INT32, 2147483647.0));
    assert_false(narrows(FEATURE_TYPE_INT32, 2147483648.0));
    assert_true(narrows(FEATURE_TYPE_INT32, -2147483648.0));
    assert_false(narrows(FEATURE_TYPE_INT32, -2147483649.0));
    assert_true(narrows(FEATURE_TYPE_INT32, 0.0));
    assert_false(narrows(FEATURE_TYPE_INT32, -0.0));
    assert_false(narrows(FEATURE_TYPE_INT32, 0.5));
    assert_false(narrows(FEATURE_TYPE_INT32, NAN));
    assert_false(narrows(FEATURE_TYPE_INT32, INFINITY));
    assert_true(narrows(FEATURE_TYPE_FLOAT32, -0.0));
    assert_true(narrows(FEATURE_TYPE_FLOAT32, NAN));
    assert_true(narrows(FEATURE_TYPE_FLOAT32, -INFINITY));
    assert_true(narrows(FEATURE_TYPE_FLOAT32, 16777216.0));
    assert_false(narrows(FEATURE_TYPE_FLOAT32, 16777217.0));
    assert_false(narrows(FEATURE_TYPE_FLOAT32, 1e300));
    assert_false(narrows(FEATURE_TYPE_FLOAT32, 1e-300));
    assert_false(narrows(FEATURE_TYPE_FLOAT32, 0.1));
}

static float
slow_float(int32_t type, const uint8_t *value)
{
    switch (type) {
    case FEATURE_TYPE_BOOL:
        return value[0] ? 1 : 0;
    case FEATURE_TYPE_INT32:
        return (float)lf_load_i32(value);
    case FEATURE_TYPE_INT64:
        return (float)lf_load_i64(value);
    case FEATURE_TYPE_FLOAT32:
        return lf_load_f32(value);
    default:
        return (float)lf_load_f64(value);
    }
}

static void
numbers_and_bools_cast_to_float_and_nothing_else_does(void **state)
{
    (void)state;
    for (int32_t type = -1; type <= TYPES + 1; type++) {
        lf_convert cast = lf_convert_float(type);

        assert_int_equal(cast != NULL, type >= FEATURE_TYPE_BOOL &&
                                           type <= FEATURE_TYPE_FLOAT64);
        for (int i = 0; cast && i < 20000; i++) {
            uint8_t value[8], out[4];
            const uint8_t *at = value;
            float wanted, got;

            draw_value(type, value);
            assert_true(cast(&at, 1, 0, 1, out, 4));
            wanted = slow_float(type, value);
            got = lf_load_f32(out);
            assert_true(isnan(wanted) ? isnan(got)
                                      : memcmp(&got, &wanted, 4) == 0);
        }
    }
}

/* Converts count vectors, each in exactly its own memory behind offset bytes,
 * to places stride apart with a mark between them. */
static void
expect_block(int32_t from, int32_t to, uint32_t count, uint32_t width)
{
    lf_convert convert = lf_convert_exact(from, to);
    uint32_t offset = draw_below(20);
    size_t stride = sizes[to] * width + draw_below(9);
    uint8_t *values[16], *out = malloc(count * stride);
    bool all_fit = true, fit;

    memset(out, 0xa5, count * stride);
    for (uint32_t i = 0; i < count; i++) {
        values[i] = malloc(offset + sizes[from] * width);
        for (uint32_t j = 0; j < width; j++) {
            draw_value(from, values[i] + offset + sizes[from] * j);
            all_fit &= fits(from, to, values[i] + offset + sizes[from] * j);
        }
    }
    fit = convert((const uint8_t *const *)values, count, offset, width, out,
                  stride);
    assert_int_equal(fit, all_fit);
    for (uint32_t i = 0; fit && i < count; i++) {
        for (uint32_t j = 0; j < width; j++)
            assert_true(is_same(from, values[i] + offset + sizes[from] * j, to,
                                out + i * stride + sizes[to] * j));
        for (size_t j = sizes[to] * width; j < stride; j++)
            assert_int_equal(out[i * stride + j], 0xa5);
    }
    for (uint32_t i = 0; i < count; i++)
        free(values[i]);
    free(out);
}

static void
blocks_convert_element_by_element_at_any_offset_and_stride(void **state)
{
    (void)state;
    for (int i = 0; i < 400; i++)
        for (int32_t from = 1; from <= TYPES; from++)
            for (int32_t to = 1; to <= TYPES; to++)
                if (is_exact_pair(from, to))
                    expect_block(from, to, draw_below(17), 1 + draw_below(5));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_convert_exactly_where_one_widens_to_the_other),
        DRAWN(a_value_converts_exactly_or_does_not_fit),
        cmocka_unit_test(the_limits_of_narrowing_are_where_they_should_be),
        DRAWN(numbers_and_bools_cast_to_float_and_nothing_else_does),
        DRAWN(blocks_convert_element_by_element_at_any_offset_and_stride),
    };

    draw_begin();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
