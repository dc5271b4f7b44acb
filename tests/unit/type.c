/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Types: names, sizes, widening; and the numbers and quantities of texts.
 *
 * Owns examples and round trips of every small parser.
 * Keeps a promise a test.
 * Never needs a catalog.
 */
#include <locale.h>
#include <math.h>

#include "model/number.h"
#include "model/quantity.h"
#include "model/type.h"
#include "model.h"

#define TYPE(code_) ((struct lf_type){.code = FEATURE_TYPE_##code_, .width = 1})

static void
types_are_named_as_in_texts(void **state)
{
    struct lf_type vector = TYPE(FLOAT32), list = TYPE(STRING);
    char buffer[LF_TYPE_NAME_SIZE];

    (void)state;
    vector.width = 65536;
    list.is_list = true;
    assert_string_equal(lf_type_name(buffer, TYPE(TIMESTAMP)), "TIMESTAMP");
    assert_string_equal(lf_type_name(buffer, vector), "FLOAT32[65536]");
    assert_string_equal(lf_type_name(buffer, list), "STRING[]");
    assert_string_equal(lf_type_code_name(99), "UNKNOWN");
}

static void
only_values_of_one_size_are_fixed(void **state)
{
    struct lf_type vector = TYPE(FLOAT64), list = TYPE(INT32);

    (void)state;
    vector.width = 3;
    list.is_list = true;
    assert_int_equal(lf_type_fixed_size(TYPE(BOOL)), 1);
    assert_int_equal(lf_type_fixed_size(TYPE(FLOAT32)), 4);
    assert_int_equal(lf_type_fixed_size(vector), 24);
    assert_int_equal(lf_type_fixed_size(list), 0);
    assert_true(lf_type_is_variable(list));
    assert_true(lf_type_is_variable(TYPE(BYTES)));
    assert_false(lf_type_is_variable(vector));
}

static void
three_types_widen_and_no_other(void **state)
{
    static const int32_t allowed[][2] = {
        {FEATURE_TYPE_INT32, FEATURE_TYPE_INT64},
        {FEATURE_TYPE_INT32, FEATURE_TYPE_FLOAT64},
        {FEATURE_TYPE_FLOAT32, FEATURE_TYPE_FLOAT64}};
    int found = 0;

    (void)state;
    for (int32_t from = 1; from <= 8; from++)
        for (int32_t to = 1; to <= 8; to++) {
            struct lf_type a = {from, 1, false}, b = {to, 1, false};

            found += lf_type_widens(a, b);
        }
    assert_int_equal(found, 3);
    for (size_t i = 0; i < 3; i++) {
        struct lf_type a = {allowed[i][0], 4, false};
        struct lf_type b = {allowed[i][1], 4, false};

        assert_true(lf_type_widens(a, b));
        b.width = 5;
        assert_false(lf_type_widens(a, b));
        b.width = 4;
        b.is_list = true;
        assert_false(lf_type_widens(a, b));
    }
}

static void
expect_float64(double value)
{
    char buffer[LF_NUMBER_SIZE];
    double back;

    lf_number_print_float64(buffer, value);
    assert_true(lf_number_parse_float64(buffer, strlen(buffer), &back));
    assert_memory_equal(&back, &value, sizeof value);
}

static void
expect_float32(float value)
{
    char buffer[LF_NUMBER_SIZE];
    float back;

    lf_number_print_float32(buffer, value);
    assert_true(lf_number_parse_float32(buffer, strlen(buffer), &back));
    assert_memory_equal(&back, &value, sizeof value);
}

static void
floats_print_with_the_shortest_digits_that_come_back(void **state)
{
    char buffer[LF_NUMBER_SIZE];

    (void)state;
    assert_string_equal(lf_number_print_float32(buffer, 0.1f), "0.1");
    assert_string_equal(lf_number_print_float64(buffer, 0.1), "0.1");
    assert_string_equal(lf_number_print_float64(buffer, (double)0.1f),
                        "0.10000000149011612");
    assert_string_equal(lf_number_print_float64(buffer, -0.0), "-0");
    for (int i = 0; i < 100000; i++) {
        uint64_t bits = draw();
        uint32_t half = (uint32_t)bits;
        double value;
        float narrow;

        memcpy(&value, &bits, sizeof value);
        memcpy(&narrow, &half, sizeof narrow);
        if (isfinite(value))
            expect_float64(value);
        if (isfinite(narrow))
            expect_float32(narrow);
    }
}

static void
the_locale_of_the_program_does_not_matter(void **state)
{
    char buffer[LF_NUMBER_SIZE];
    double value;

    (void)state;
    if (!setlocale(LC_NUMERIC, "de_DE.UTF-8") &&
        !setlocale(LC_NUMERIC, "de_DE") &&
        !setlocale(LC_NUMERIC, "fr_FR.UTF-8"))
        skip();
    assert_true(lf_number_parse_float64("2.5", 3, &value));
    assert_true(value > 2.4 && value < 2.6);
    assert_string_equal(lf_number_print_float64(buffer, value), "2.5");
    setlocale(LC_NUMERIC, "C");
}

static void
whole_numbers_reach_both_ends_and_no_further(void **state)
{
    const char *most = "9223372036854775807", *more = "9223372036854775808";
    const char *least = "-9223372036854775808";
    int64_t value;

    (void)state;
    assert_true(lf_number_parse_int64(most, strlen(most), &value));
    assert_true(value == INT64_MAX);
    assert_true(lf_number_parse_int64(least, strlen(least), &value));
    assert_true(value == INT64_MIN);
    assert_false(lf_number_parse_int64(more, strlen(more), &value));
    assert_true(lf_number_is_whole("+5", 2));
    assert_false(lf_number_is_whole("5.", 2));
    assert_false(lf_number_is_whole("-", 1));
    assert_false(lf_number_is_whole("", 0));
}

static void
durations_have_units_up_to_weeks(void **state)
{
    static const struct {
        const char *text;
        int64_t value;
    } good[] = {{"1us", 1},
                {"3 ms", 3000},
                {"90 seconds", 90000000},
                {"2h", INT64_C(7200000000)},
                {"5 min", 300000000},
                {"30 days", INT64_C(2592000000000)},
                {"1 WEEK", INT64_C(604800000000)},
                {"9223372036854775806 microseconds", INT64_MAX - 1}};

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        int64_t value = 0;

        assert_null(lf_duration_parse(good[i].text, &value));
        assert_true(value == good[i].value);
    }
}

static void
a_bad_duration_says_what_is_wrong(void **state)
{
    int64_t value;

    (void)state;
    assert_non_null(strstr(lf_duration_parse("1 month", &value), "days"));
    assert_non_null(strstr(lf_duration_parse("2years", &value), "days"));
    assert_non_null(strstr(lf_duration_parse("0 days", &value), "'none'"));
    assert_non_null(
        strstr(lf_duration_parse("99999999 weeks", &value), "too long"));
    assert_non_null(strstr(lf_duration_parse("99999999999999999999 us", &value),
                           "too long"));
    assert_non_null(
        strstr(lf_duration_parse("9223372036854775807us", &value), "too long"));
    assert_non_null(strstr(lf_duration_parse("", &value), "'2 hours'"));
    assert_non_null(strstr(lf_duration_parse("2", &value), "'2 hours'"));
    assert_non_null(strstr(lf_duration_parse("-2 h", &value), "'2 hours'"));
    assert_non_null(strstr(lf_duration_parse("2 h ", &value), "'2 hours'"));
    assert_non_null(strstr(lf_duration_parse("1.5 h", &value), "'2 hours'"));
}

static void
durations_come_back_as_they_were_printed(void **state)
{
    char buffer[LF_QUANTITY_SIZE];

    (void)state;
    assert_string_equal(lf_duration_print(buffer, INT64_C(86400000000)),
                        "1 day");
    assert_string_equal(lf_duration_print(buffer, 90000000), "90 seconds");
    for (int i = 0; i < 10000; i++) {
        int64_t value = (int64_t)draw_below(UINT32_MAX) + 1, back;

        value *= i % 3 ? 1000 : INT64_C(2000000);
        assert_null(lf_duration_parse(lf_duration_print(buffer, value), &back));
        assert_true(back == value);
    }
}

static void
sizes_are_decimal_or_binary(void **state)
{
    char buffer[LF_QUANTITY_SIZE];
    uint64_t value;

    (void)state;
    assert_null(lf_size_parse("200 GB", &value));
    assert_true(value == UINT64_C(200000000000));
    assert_string_equal(lf_size_print(buffer, value), "200 GB");
    assert_null(lf_size_parse("64MiB", &value));
    assert_int_equal(value, 67108864);
    assert_string_equal(lf_size_print(buffer, value), "64 MiB");
    assert_null(lf_size_parse("7 b", &value));
    assert_string_equal(lf_size_print(buffer, value), "7 B");
    assert_non_null(lf_size_parse("9223373 TB", &value));
    assert_non_null(lf_size_parse("0 GB", &value));
    assert_non_null(lf_size_parse("5", &value));
    assert_non_null(lf_size_parse("5 XB", &value));
}

static void
timestamps_are_utc_or_say_their_offset(void **state)
{
    int64_t value;

    (void)state;
    assert_null(lf_timestamp_parse("1970-01-01T00:00:00Z", &value));
    assert_int_equal(value, 0);
    assert_null(lf_timestamp_parse("2024-01-31 12:00:00.5Z", &value));
    assert_true(value == INT64_C(1706702400500000));
    assert_null(lf_timestamp_parse("2024-02-29T01:30:00+01:30", &value));
    assert_true(value == INT64_C(1709164800000000));
    assert_non_null(
        strstr(lf_timestamp_parse("2024-01-31T12:00:00", &value), "time zone"));
    assert_non_null(lf_timestamp_parse("2023-02-29T00:00:00Z", &value));
    assert_non_null(lf_timestamp_parse("2024-13-01T00:00:00Z", &value));
    assert_non_null(lf_timestamp_parse("2024-01-31T24:00:00Z", &value));
    assert_non_null(lf_timestamp_parse("2024-01-31T12:00:00.1234567Z", &value));
    assert_non_null(lf_timestamp_parse("2024-01-31T12:00:00.Z", &value));
    assert_non_null(lf_timestamp_parse("2024-01-31", &value));
    assert_non_null(lf_timestamp_parse("2024-01-31T12:00:00Zx", &value));
}

static void
timestamps_come_back_as_they_were_printed(void **state)
{
    char buffer[LF_QUANTITY_SIZE];
    int64_t back;

    (void)state;
    assert_string_equal(lf_timestamp_print(buffer, -1),
                        "1969-12-31T23:59:59.999999Z");
    assert_string_equal(lf_timestamp_print(buffer, 500000),
                        "1970-01-01T00:00:00.5Z");
    assert_null(lf_timestamp_print(buffer, INT64_MIN));
    assert_null(lf_timestamp_print(buffer, INT64_MAX));
    for (int i = 0; i < 10000; i++) {
        int64_t value = (int64_t)draw_below(UINT32_MAX) * 72999997;

        value -= INT64_C(62167219200000000);
        assert_null(
            lf_timestamp_parse(lf_timestamp_print(buffer, value), &back));
        assert_true(back == value);
    }
}

static void
a_suggestion_is_near_or_is_not_made(void **state)
{
    static const char *const names[] = {"driver", "driver_stats", "rider"};

    (void)state;
    assert_string_equal(lf_suggest("drvier", names, 3), "driver");
    assert_string_equal(lf_suggest("DRIVER", names, 3), "driver");
    assert_string_equal(lf_suggest("driver_stat", names, 3), "driver_stats");
    assert_null(lf_suggest("merchant", names, 3));
    assert_null(lf_suggest("x", names, 3));
    assert_null(lf_suggest("", names, 3));
    assert_null(lf_suggest("driver", names, 0));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_are_named_as_in_texts),
        cmocka_unit_test(only_values_of_one_size_are_fixed),
        cmocka_unit_test(three_types_widen_and_no_other),
        DRAWN(floats_print_with_the_shortest_digits_that_come_back),
        cmocka_unit_test(the_locale_of_the_program_does_not_matter),
        cmocka_unit_test(whole_numbers_reach_both_ends_and_no_further),
        cmocka_unit_test(durations_have_units_up_to_weeks),
        cmocka_unit_test(a_bad_duration_says_what_is_wrong),
        DRAWN(durations_come_back_as_they_were_printed),
        cmocka_unit_test(sizes_are_decimal_or_binary),
        cmocka_unit_test(timestamps_are_utc_or_say_their_offset),
        DRAWN(timestamps_come_back_as_they_were_printed),
        cmocka_unit_test(a_suggestion_is_near_or_is_not_made),
    };

    draw_begin();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
