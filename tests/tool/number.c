/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers, against strtod, strtof and the limits of the types.
 *
 * Owns a fixed random sequence; a failure prints the text.
 * Keeps the C library as the judge of every float.
 * Never lets a tolerance in: results are compared as bits.
 */
#include "number.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static uint64_t random_state = 88172645463325252u;

static uint64_t
next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static void
expect_float64(const char *text)
{
    double wanted = strtod(text, NULL), got = 4711;
    enum number_result result = number_float64(text, strlen(text), &got);

    if (isinf(wanted)
            ? result != NUMBER_RANGE
            : result != NUMBER_FINE || memcmp(&got, &wanted, sizeof got) != 0)
        fail_msg("%s: %d %.17g, not %.17g", text, (int)result, got, wanted);
}

static void
expect_float32(const char *text)
{
    float wanted = strtof(text, NULL), got = 4711;
    enum number_result result = number_float32(text, strlen(text), &got);

    if (isinf(wanted)
            ? result != NUMBER_RANGE
            : result != NUMBER_FINE || memcmp(&got, &wanted, sizeof got) != 0)
        fail_msg("%s: %d %.9g, not %.9g", text, (int)result, (double)got,
                 (double)wanted);
}

static void
expect_floats(const char *text)
{
    expect_float64(text);
    expect_float32(text);
}

static enum number_result
int64(const char *text, int64_t *value)
{
    return number_int64(text, strlen(text), value);
}

static void
whole_numbers_reach_the_limits_of_int64(void **state)
{
    int64_t value = 0;

    (void)state;
    assert_int_equal(int64("9223372036854775807", &value), NUMBER_FINE);
    assert_true(value == INT64_MAX);
    assert_int_equal(int64("-9223372036854775808", &value), NUMBER_FINE);
    assert_true(value == INT64_MIN);
    assert_int_equal(int64("9223372036854775808", &value), NUMBER_RANGE);
    assert_int_equal(int64("-9223372036854775809", &value), NUMBER_RANGE);
    assert_int_equal(int64("18446744073709551616", &value), NUMBER_RANGE);
    assert_int_equal(int64("99999999999999999999999", &value), NUMBER_RANGE);
    assert_int_equal(int64("000000000000000000000000012", &value), NUMBER_FINE);
    assert_true(value == 12);
}

static void
whole_numbers_may_end_in_point_zero(void **state)
{
    int64_t value = 0;

    (void)state;
    assert_int_equal(int64("2.0", &value), NUMBER_FINE);
    assert_true(value == 2);
    assert_int_equal(int64("-17.000", &value), NUMBER_FINE);
    assert_true(value == -17);
    assert_int_equal(int64("+5.", &value), NUMBER_FINE);
    assert_int_equal(int64("9223372036854775807.0", &value), NUMBER_FINE);
    assert_int_equal(int64("2.5", &value), NUMBER_SYNTAX);
    assert_int_equal(int64("2.0.0", &value), NUMBER_SYNTAX);
}

static void
what_is_no_whole_number_is_refused(void **state)
{
    static const char *const texts[] = {"",   "-",   "+",  "1e3", "0x10", " 1",
                                        "1 ", "1,2", ".0", "--1", "abc",  "1-"};
    int64_t value = 42;

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_int_equal(int64(texts[i], &value), NUMBER_SYNTAX);
    assert_true(value == 42);
}

static void
int32_has_its_own_limits(void **state)
{
    int32_t value = 0;

    (void)state;
    assert_int_equal(number_int32("2147483647", 10, &value), NUMBER_FINE);
    assert_int_equal(value, INT32_MAX);
    assert_int_equal(number_int32("-2147483648", 11, &value), NUMBER_FINE);
    assert_int_equal(number_int32("2147483648", 10, &value), NUMBER_RANGE);
    assert_int_equal(number_int32("-2147483649", 11, &value), NUMBER_RANGE);
    assert_int_equal(number_int32("99999999999999999999", 20, &value),
                     NUMBER_RANGE);
}

/* Ties, limits, and decimals that broke other parsers. */
static const char *const hard_decimals[] = {
    "0",
    "-0",
    "0.0",
    "-0.0e5",
    "1",
    "1.",
    ".5",
    "+1.5",
    "1e22",
    "1e23",
    "9007199254740992",
    "9007199254740993",
    "9007199254740993.0",
    "9007199254740992.999",
    "123456789012345678901234567890",
    "0.1",
    "0.30000000000000004",
    "2.2250738585072011e-308",
    "2.2250738585072012e-308",
    "2.2250738585072014e-308",
    "4.9e-324",
    "2.4703282292062327e-324",
    "2.4703282292062328e-324",
    "1e-400",
    "1.7976931348623157e308",
    "1.7976931348623158e308",
    "1.7976931348623159e308",
    "1e309",
    "1e400",
    "-1e400",
    "179769313486231580793728971405303415079934132710037826936173778980444"
    "968292764750946649017977587207096330286416692887910946555547851940402"
    "630657488671505820681908902000708383676273854845817711531764475730270"
    "069855571366959622842914819860834936475292719074168444365510704342711"
    "559699508093042880",
    "16777217",
    "16777217.0000000001",
    "16777219",
    "3.4028234663852886e38",
    "3.4028235677973366e38",
    "3.4028235677973365e38",
    "3.5e38",
    "1.17549435e-38",
    "1.17549429e-38",
    "7.0064923216240853e-46",
    "7.0064923216240854e-46",
    "1.4e-45",
    "1e-46",
    "1.00000005960464477539062500000000000000000000000000001",
    "1.000000059604644775390625",
    "1.0000000596046447753906249999999999999",
    "8.5899345919999995e9",
    "0.000000000000000000000000000000000000001",
    "1e0000000000000000000000000000000000000000000000000001",
    "1e999999999999999999999",
    "1e-999999999999999999999",
    "0e999999999999999999999",
    "100000000000000000000000e-23"};

static void
hard_decimals_read_as_by_strtod(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof hard_decimals / sizeof *hard_decimals; i++)
        expect_floats(hard_decimals[i]);
}

/* A decimal half way between two values, and then a digit far behind. */
static void
expect_ties(const char *tie)
{
    static const char *const ends[] = {"", "1", "1e-30", "1e30"};
    char text[2048];
    size_t size = strlen(tie);

    strcpy(text, tie);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        for (size_t zeros = 700; zeros < 1200; zeros += 37) {
            memset(text + size, '0', zeros);
            strcpy(text + size + zeros, ends[i]);
            expect_floats(text);
        }
    }
}

static void
very_long_decimals_break_ties_exactly(void **state)
{
    char text[4096];

    (void)state;
    expect_ties("9007199254740993.");
    expect_ties("9007199254740995.");
    expect_ties("16777217.");
    expect_ties("0.00000");
    snprintf(text, sizeof text, "%.1074f", 4.9406564584124654e-324);
    expect_floats(text);
    snprintf(text, sizeof text, "%.1074f", 3 * 4.9406564584124654e-324);
    expect_floats(text);
    memset(text, '9', 2000);
    strcpy(text + 2000, "e-2000");
    expect_floats(text);
    strcpy(text + 2000, "e-1990");
    expect_floats(text);
}

static void
random_decimals_read_as_by_strtod(void **state)
{
    char text[80];

    (void)state;
    for (int i = 0; i < 400000; i++) {
        uint64_t bits = next_random();
        double wide;
        float narrow;

        memcpy(&wide, &bits, sizeof wide);
        memcpy(&narrow, &bits, sizeof narrow);
        if (isfinite(wide)) {
            snprintf(text, sizeof text, "%.*g", (int)(bits % 20) + 1, wide);
            expect_floats(text);
        }
        if (isfinite(narrow)) {
            snprintf(text, sizeof text, "%.*g", (int)(bits % 12) + 1,
                     (double)narrow);
            expect_floats(text);
        }
        snprintf(text, sizeof text, "%lld.%02u",
                 (long long)(int64_t)(bits >> 40), (unsigned)(bits % 100));
        expect_floats(text);
        snprintf(text, sizeof text, "%llu.%lluE%d", (unsigned long long)bits,
                 (unsigned long long)next_random(), (int)(bits % 700) - 350);
        expect_floats(text);
    }
}

/* A decimal just off the middle of two floats: rounding to a double first would
 * lose the difference. */
static void
floats_are_never_rounded_twice(void **state)
{
    char text[120];

    (void)state;
    for (int i = 0; i < 100000; i++) {
        uint32_t bits = (uint32_t)next_random();
        float low, high;
        size_t size;

        memcpy(&low, &bits, sizeof low);
        if (!isfinite(low) || fabsf(low) < 1e-20f || fabsf(low) > 1e20f)
            continue;
        high = nextafterf(low, INFINITY);
        size = (size_t)snprintf(text, sizeof text, "%.90f",
                                ((double)low + (double)high) / 2);
        expect_float32(text);
        text[size - 1] = '1';
        expect_float32(text);
    }
}

static void
nan_and_infinity_have_names(void **state)
{
    double value = 0;
    float narrow = 0;

    (void)state;
    assert_int_equal(number_float64("NaN", 3, &value), NUMBER_FINE);
    assert_true(isnan(value));
    assert_int_equal(number_float64("-Infinity", 9, &value), NUMBER_FINE);
    assert_true(isinf(value) && value < 0);
    assert_int_equal(number_float32("+INF", 4, &narrow), NUMBER_FINE);
    assert_true(isinf(narrow) && narrow > 0);
    assert_int_equal(number_float64("infinit", 7, &value), NUMBER_SYNTAX);
    assert_int_equal(number_float64("nano", 4, &value), NUMBER_SYNTAX);
}

static void
what_is_no_decimal_is_refused(void **state)
{
    static const char *const texts[] = {
        "",    ".",  "-",  "e5",  "1e",  "1e+", "1e5x", "0x10", "1.2.3",
        "1 2", " 1", "1 ", "1,5", "--1", "+-1", "1f",   "in",   "1e5.0"};
    double value = 42;
    float narrow = 42;

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        size_t size = strlen(texts[i]);

        assert_int_equal(number_float64(texts[i], size, &value), NUMBER_SYNTAX);
        assert_int_equal(number_float32(texts[i], size, &narrow),
                         NUMBER_SYNTAX);
    }
    assert_true(value == 42 && narrow == 42);
}

static void
truth_has_eight_words(void **state)
{
    static const char *const yes[] = {"true", "TRUE", "t", "Yes", "1", "T"};
    static const char *const no[] = {"false", "False", "f", "NO", "0", "F"};
    static const char *const neither[] = {"",    "2",     "y",   "n",
                                          "tru", "truee", "1.0", "on"};
    bool value = false;

    (void)state;
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++) {
        assert_int_equal(number_bool(yes[i], strlen(yes[i]), &value),
                         NUMBER_FINE);
        assert_true(value);
        assert_int_equal(number_bool(no[i], strlen(no[i]), &value),
                         NUMBER_FINE);
        assert_false(value);
    }
    for (size_t i = 0; i < sizeof neither / sizeof *neither; i++)
        assert_int_equal(number_bool(neither[i], strlen(neither[i]), &value),
                         NUMBER_SYNTAX);
}

static void
printed_floats_read_back_as_themselves(void **state)
{
    char buffer[NUMBER_SIZE];

    (void)state;
    for (int i = 0; i < 100000; i++) {
        uint64_t bits = next_random();
        double wide, wide_back;
        float narrow, narrow_back;

        memcpy(&wide, &bits, sizeof wide);
        memcpy(&narrow, &bits, sizeof narrow);
        if (isfinite(wide)) {
            size_t size = number_print_float64(buffer, wide);

            assert_int_equal(number_float64(buffer, size, &wide_back),
                             NUMBER_FINE);
            assert_memory_equal(&wide, &wide_back, sizeof wide);
        }
        if (isfinite(narrow)) {
            size_t size = number_print_float32(buffer, narrow);

            assert_int_equal(number_float32(buffer, size, &narrow_back),
                             NUMBER_FINE);
            assert_memory_equal(&narrow, &narrow_back, sizeof narrow);
        }
    }
    number_print_float64(buffer, 0.1);
    assert_string_equal(buffer, "0.1");
    number_print_float32(buffer, 0.1f);
    assert_string_equal(buffer, "0.1");
    number_print_float64(buffer, -(double)INFINITY);
    assert_string_equal(buffer, "-Infinity");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_numbers_reach_the_limits_of_int64),
        cmocka_unit_test(whole_numbers_may_end_in_point_zero),
        cmocka_unit_test(what_is_no_whole_number_is_refused),
        cmocka_unit_test(int32_has_its_own_limits),
        cmocka_unit_test(hard_decimals_read_as_by_strtod),
        cmocka_unit_test(very_long_decimals_break_ties_exactly),
        cmocka_unit_test(random_decimals_read_as_by_strtod),
        cmocka_unit_test(floats_are_never_rounded_twice),
        cmocka_unit_test(nan_and_infinity_have_names),
        cmocka_unit_test(what_is_no_decimal_is_refused),
        cmocka_unit_test(truth_has_eight_words),
        cmocka_unit_test(printed_floats_read_back_as_themselves),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
