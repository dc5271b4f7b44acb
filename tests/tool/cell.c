/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cells into columns: every type, nulls, lists, and what is refused.
 *
 * Owns one column at a time.
 * Keeps to Arrow's layout when it looks at the result.
 * Never opens a store.
 */
#include "cell.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "list.h"
#include "value.h"

static void
begin(struct cell_column *column, int32_t type, uint32_t width, uint32_t flags)
{
    struct feature_field field = {
        .name = "x", .type = type, .width = width, .flags = flags};

    assert_true(cell_init(column, &field, 16));
}

static const char *
add(struct cell_column *column, uint32_t row, const char *text)
{
    return cell_add(column, row, text, strlen(text), false);
}

static bool
is_valid(const struct cell_column *column, uint32_t row)
{
    return value_bit(column->validity, row);
}

static void
numbers_land_in_their_rows(void **state)
{
    struct cell_column column;

    (void)state;
    begin(&column, FEATURE_TYPE_INT64, 1, 0);
    assert_null(add(&column, 0, "2.0"));
    assert_null(add(&column, 1, "-9223372036854775808"));
    assert_true(((int64_t *)column.values)[0] == 2);
    assert_true(((int64_t *)column.values)[1] == INT64_MIN);
    assert_string_equal(add(&column, 2, "2.5"), "is not a whole number");
    assert_string_equal(add(&column, 2, "9223372036854775808"),
                        "is out of range for INT64");
    cell_free(&column);
    begin(&column, FEATURE_TYPE_INT32, 1, 0);
    assert_string_equal(add(&column, 0, "2147483648"),
                        "is out of range for INT32");
    cell_free(&column);
    begin(&column, FEATURE_TYPE_FLOAT32, 1, 0);
    assert_null(add(&column, 3, "0.1"));
    assert_true(((float *)column.values)[3] == 0.1f);
    assert_string_equal(add(&column, 0, "1e39"), "is out of range for FLOAT32");
    assert_string_equal(add(&column, 0, "x"), "is not a number");
    cell_free(&column);
}

static void
an_empty_cell_is_null_and_zero(void **state)
{
    struct cell_column column;

    (void)state;
    begin(&column, FEATURE_TYPE_FLOAT64, 1, 0);
    assert_null(add(&column, 0, "1.5"));
    assert_null(add(&column, 1, ""));
    assert_null(cell_add(&column, 2, "", 0, true));
    assert_null(add(&column, 3, "  "));
    assert_true(is_valid(&column, 0));
    assert_false(is_valid(&column, 1) || is_valid(&column, 2));
    assert_false(is_valid(&column, 3));
    assert_true(((double *)column.values)[1] == 0);
    /* Taken back: a row that is written again forgets what it held. */
    assert_null(add(&column, 0, ""));
    assert_false(is_valid(&column, 0));
    assert_true(((double *)column.values)[0] == 0);
    cell_free(&column);
}

static void
a_quoted_empty_text_is_not_null(void **state)
{
    struct cell_column column;

    (void)state;
    begin(&column, FEATURE_TYPE_STRING, 1, 0);
    assert_null(cell_add(&column, 0, "", 0, true));
    assert_null(cell_add(&column, 1, "", 0, false));
    assert_null(add(&column, 2, " a "));
    assert_true(is_valid(&column, 0));
    assert_false(is_valid(&column, 1));
    assert_int_equal(column.offsets[3] - column.offsets[2], 3);
    cell_free(&column);
}

static void
a_required_cell_may_not_be_empty(void **state)
{
    struct cell_column column;

    (void)state;
    begin(&column, FEATURE_TYPE_INT64, 1, FEATURE_FIELD_NOT_NULL);
    assert_string_equal(add(&column, 0, ""), "is empty, and a value is needed");
    assert_string_equal(add(&column, 0, " "),
                        "is empty, and a value is needed");
    cell_free(&column);
}

static void
blanks_around_a_number_mean_nothing(void **state)
{
    struct cell_column column;

    (void)state;
    begin(&column, FEATURE_TYPE_INT64, 1, 0);
    assert_null(add(&column, 0, " 7\t"));
    assert_true(((int64_t *)column.values)[0] == 7);
    assert_non_null(add(&column, 0, "7 7"));
    cell_free(&column);
}

static void
truth_is_packed_into_bits(void **state)
{
    struct cell_column column;
    const uint8_t *bits;

    (void)state;
    begin(&column, FEATURE_TYPE_BOOL, 1, 0);
    for (uint32_t i = 0; i < 16; i++)
        assert_null(add(&column, i, i % 3 ? "no" : "TRUE"));
    bits = column.values;
    for (uint32_t i = 0; i < 16; i++)
        assert_int_equal(value_bit(bits, i), i % 3 == 0);
    assert_string_equal(add(&column, 0, "maybe"), "is neither true nor false");
    assert_null(add(&column, 0, ""));
    assert_false(value_bit(column.values, 0));
    cell_free(&column);
}

static void
texts_lie_one_after_the_other(void **state)
{
    struct cell_column column;

    (void)state;
    begin(&column, FEATURE_TYPE_STRING, 1, 0);
    assert_null(add(&column, 0, "one"));
    assert_null(add(&column, 1, "to be replaced"));
    assert_null(add(&column, 1, "two"));
    assert_null(add(&column, 2, "\xc3\xa9"));
    assert_memory_equal(column.values, "onetwo\xc3\xa9", 8);
    assert_int_equal(column.offsets[0], 0);
    assert_int_equal(column.offsets[1], 3);
    assert_int_equal(column.offsets[2], 6);
    assert_int_equal(column.offsets[3], 8);
    cell_free(&column);
}

static void
bytes_are_text_or_hexadecimal(void **state)
{
    struct cell_column column;

    (void)state;
    begin(&column, FEATURE_TYPE_BYTES, 1, 0);
    assert_null(add(&column, 0, "\\x00fFa0"));
    assert_null(add(&column, 1, "0x12"));
    assert_null(add(&column, 2, "\\x"));
    assert_memory_equal(column.values,
                        "\x00\xff\xa0"
                        "0x12",
                        7);
    assert_int_equal(column.offsets[3], 7);
    assert_true(is_valid(&column, 2));
    assert_string_equal(add(&column, 3, "\\x123"),
                        "has an odd number of hexadecimal digits");
    assert_string_equal(add(&column, 3, "\\x1g"),
                        "is not hexadecimal after \\x");
    cell_free(&column);
}

static void
times_follow_the_format_of_the_column(void **state)
{
    struct cell_column column;

    (void)state;
    begin(&column, FEATURE_TYPE_TIMESTAMP, 1, 0);
    assert_non_null(
        strstr(add(&column, 0, "2020-04-01 00:44:02"), "--time-zone"));
    column.moment.kind = MOMENT_MILLISECONDS;
    assert_null(add(&column, 0, "1585701842123"));
    assert_true(((int64_t *)column.values)[0] == 1585701842123000);
    cell_free(&column);
}

static void
a_vector_has_its_width(void **state)
{
    struct cell_column column;
    const float *values;

    (void)state;
    begin(&column, FEATURE_TYPE_FLOAT32, 3, 0);
    assert_null(add(&column, 0, "[1, 2.5, -3e0]"));
    assert_null(add(&column, 1, ""));
    assert_null(add(&column, 2, " [ 4,5 ,6 ] "));
    values = column.values;
    assert_true(values[0] == 1 && values[1] == 2.5f && values[2] == -3);
    assert_true(values[3] == 0 && values[5] == 0);
    assert_true(values[6] == 4 && values[7] == 5 && values[8] == 6);
    assert_string_equal(add(&column, 3, "[1, 2]"), "has 2 elements, not 3");
    assert_string_equal(add(&column, 3, "[1, 2, 3, 4]"),
                        "has 4 elements, not 3");
    assert_string_equal(add(&column, 3, "[1, x, 3]"),
                        "has an element 2 that is not a number");
    cell_free(&column);
}

static void
lists_of_numbers_have_any_length(void **state)
{
    static const char *const bad[] = {"1",     "[1",   "[1,]", "[,1]",
                                      "[1 2]", "[1]]", "[]x",  "[null]"};
    struct cell_column column;
    const int64_t *values;

    (void)state;
    begin(&column, FEATURE_TYPE_INT64, 1, FEATURE_FIELD_LIST);
    assert_null(add(&column, 0, "[1, 2.0, 3]"));
    assert_null(add(&column, 1, "[]"));
    assert_null(add(&column, 2, ""));
    assert_null(add(&column, 3, "[4]"));
    values = column.values;
    assert_true(values[0] == 1 && values[2] == 3 && values[3] == 4);
    assert_int_equal(column.offsets[1], 3);
    assert_int_equal(column.offsets[2], 3);
    assert_int_equal(column.offsets[4], 4);
    assert_true(is_valid(&column, 1));
    assert_false(is_valid(&column, 2));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_non_null(add(&column, 4, bad[i]));
    cell_free(&column);
}

static void
a_long_list_grows_the_column(void **state)
{
    struct cell_column column;
    char text[60000] = "[0";

    (void)state;
    for (int i = 1; i < 10000; i++)
        strcpy(text + 2 * i, ",7");
    strcat(text, "]");
    begin(&column, FEATURE_TYPE_FLOAT64, 1, FEATURE_FIELD_LIST);
    for (uint32_t row = 0; row < 16; row++)
        assert_null(add(&column, row, text));
    assert_int_equal(column.offsets[16], 160000);
    assert_true(((double *)column.values)[159999] == 7);
    cell_free(&column);
}

static void
lists_of_texts_are_json(void **state)
{
    static const char *const bad[] = {"[a]",           "[\"a]",
                                      "[\"a\" \"b\"]", "[\"a\",]",
                                      "[\"\\x\"]",     "[\"\\u12\"]",
                                      "[\"\\ud800\"]", "[\"\\udc00\"]",
                                      "[\"\\u0000\"]", "[\"a\"] x",
                                      "[null]",        "\"a\"",
                                      "[\"a\nb\"]",    "[\"\\ud83d\\u0041\"]"};
    struct cell_column column;

    (void)state;
    begin(&column, FEATURE_TYPE_STRING, 1, FEATURE_FIELD_LIST);
    assert_null(add(&column, 0, "[\"a\", \"\", \"b\\\"c\\n\"]"));
    assert_null(add(&column, 1, "[]"));
    assert_null(add(&column, 2, "[\"\\u00e9\\ud83d\\ude00\\/\"]"));
    assert_memory_equal(column.values, "ab\"c\n\xc3\xa9\xf0\x9f\x98\x80/", 12);
    assert_int_equal(column.offsets[1], 3);
    assert_int_equal(column.offsets[2], 3);
    assert_int_equal(column.offsets[3], 4);
    assert_int_equal(column.child_offsets[1], 1);
    assert_int_equal(column.child_offsets[2], 1);
    assert_int_equal(column.child_offsets[3], 5);
    assert_int_equal(column.child_offsets[4], 12);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (!add(&column, 3, bad[i]))
            fail_msg("%s was taken", bad[i]);
    assert_int_equal(column.offsets[3], 4);
    cell_free(&column);
}

static void
growing_keeps_what_is_there(void **state)
{
    struct cell_column column;

    (void)state;
    begin(&column, FEATURE_TYPE_STRING, 1, 0);
    assert_null(add(&column, 0, "a"));
    assert_true(cell_grow(&column, 1000));
    for (uint32_t i = 1; i < 1000; i++)
        assert_null(add(&column, i, "b"));
    assert_int_equal(column.offsets[1000], 1000);
    assert_memory_equal(column.values, "abb", 3);
    cell_free(&column);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_land_in_their_rows),
        cmocka_unit_test(an_empty_cell_is_null_and_zero),
        cmocka_unit_test(a_quoted_empty_text_is_not_null),
        cmocka_unit_test(a_required_cell_may_not_be_empty),
        cmocka_unit_test(blanks_around_a_number_mean_nothing),
        cmocka_unit_test(truth_is_packed_into_bits),
        cmocka_unit_test(texts_lie_one_after_the_other),
        cmocka_unit_test(bytes_are_text_or_hexadecimal),
        cmocka_unit_test(times_follow_the_format_of_the_column),
        cmocka_unit_test(a_vector_has_its_width),
        cmocka_unit_test(lists_of_numbers_have_any_length),
        cmocka_unit_test(a_long_list_grows_the_column),
        cmocka_unit_test(lists_of_texts_are_json),
        cmocka_unit_test(growing_keeps_what_is_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
