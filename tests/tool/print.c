/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the command prints: quoting, tables, ages, progress.
 *
 * Owns nothing but texts in memory.
 * Keeps what people see written out in the test.
 * Never depends on a terminal.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "answer.h"
#include "progress.h"
#include "table.h"
#include "text.h"
#include "utf8.h"
#include "value.h"

static void
expect_text(struct text *text, const char *wanted)
{
    assert_non_null(text_end(text));
    assert_string_equal(text->data, wanted);
    text_clear(text);
}

static void
json_strings_are_escaped(void **state)
{
    struct text text = {0};

    (void)state;
    text_add_json(&text, "a\"b\\c\n\x01\xc3\xa9\xff", 10);
    expect_text(&text, "\"a\\\"b\\\\c\\n\\u0001\xc3\xa9\xef\xbf\xbd\"");
    text_add_json(&text, "", 0);
    expect_text(&text, "\"\"");
    text_free(&text);
}

static void
csv_cells_are_quoted_where_needed(void **state)
{
    struct text text = {0};

    (void)state;
    text_add_csv(&text, "plain", 5);
    expect_text(&text, "plain");
    text_add_csv(&text, "a,b", 3);
    expect_text(&text, "\"a,b\"");
    text_add_csv(&text, "say \"x\"", 7);
    expect_text(&text, "\"say \"\"x\"\"\"");
    text_add_csv(&text, "", 0);
    expect_text(&text, "\"\"");
    text_add_csv(&text, " a", 2);
    expect_text(&text, "\" a\"");
    text_free(&text);
}

static void
foreign_bytes_are_made_visible(void **state)
{
    struct text text = {0};

    (void)state;
    text_add_visible(&text, "a\x1b[31m\xff\x7f\xc3\xa9", 10, 100);
    expect_text(&text, "a\\x1b[31m\\xff\\x7f\xc3\xa9");
    text_add_visible(&text, "abcdefgh", 8, 4);
    expect_text(&text, "abcd...");
    text_free(&text);
}

static void
counts_have_commas(void **state)
{
    struct text text = {0};

    (void)state;
    text_add_count(&text, 0);
    expect_text(&text, "0");
    text_add_count(&text, 999);
    expect_text(&text, "999");
    text_add_count(&text, 1234567);
    expect_text(&text, "1,234,567");
    text_free(&text);
}

static void
wide_characters_take_two_cells(void **state)
{
    (void)state;
    assert_int_equal(utf8_width("abc", 3), 3);
    assert_int_equal(utf8_width("\xc3\xa9", 2), 1);
    assert_int_equal(utf8_width("e\xcc\x81", 3), 1);
    assert_int_equal(utf8_width("\xe6\x97\xa5\xe6\x9c\xac", 6), 4);
    assert_int_equal(utf8_width("\xf0\x9f\x98\x80", 4), 2);
}

static void
tables_are_aligned(void **state)
{
    static const char *const cells[] = {"id",           "name", "1",
                                        "\xe6\x97\xa5", "22",   "a\x1b"};
    struct table table;
    char *printed = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&printed, &size);

    (void)state;
    assert_true(table_begin(&table, 2));
    table_align_right(&table, 0);
    for (size_t i = 0; i < sizeof cells / sizeof *cells; i++)
        table_add(&table, cells[i], strlen(cells[i]));
    assert_true(table_print(&table, to, false));
    fclose(to);
    assert_string_equal(printed, "id  name\n"
                                 "--  -----\n"
                                 " 1  \xe6\x97\xa5\n"
                                 "22  a\\x1b\n");
    free(printed);
    table_free(&table);
}

static void
one_wide_row_is_printed_as_a_list(void **state)
{
    char long_name[121];
    struct table table;
    char *printed = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&printed, &size);

    (void)state;
    memset(long_name, 'x', sizeof long_name);
    assert_true(table_begin(&table, 2));
    table_add(&table, "id", 2);
    table_add(&table, "name", 4);
    table_add(&table, "1", 1);
    table_add(&table, long_name, sizeof long_name);
    assert_true(table_print(&table, to, true));
    fclose(to);
    assert_memory_equal(printed, "id    1\nname  xxx", 17);
    assert_int_equal(size, 8 + 6 + sizeof long_name + 1);
    free(printed);
    table_free(&table);
}

static void
ages_have_two_units_at_most(void **state)
{
    struct text text = {0};

    (void)state;
    answer_add_age(&text, 0);
    expect_text(&text, "0s");
    answer_add_age(&text, 59999999);
    expect_text(&text, "59s");
    answer_add_age(&text, 61000000);
    expect_text(&text, "1m 1s");
    answer_add_age(&text, 3600000000);
    expect_text(&text, "1h");
    answer_add_age(&text, 90061000000);
    expect_text(&text, "1d 1h");
    answer_add_age(&text, -5000000);
    expect_text(&text, "-5s");
    text_free(&text);
}

static void
progress_tells_share_rate_and_rest(void **state)
{
    char line[PROGRESS_SIZE];

    (void)state;
    progress_print(line, 1000, 50000, 500, 10000000);
    assert_string_equal(line, "[############............]  50 %  50,000 rows  "
                              "5,000 rows/s  0:10 left");
    progress_print(line, 0, 50000, 500, 10000000);
    assert_string_equal(line, "50,000 rows  5,000 rows/s");
    progress_print(line, 1000, 7, 1000, 0);
    assert_string_equal(line,
                        "[########################] 100 %  7 rows  7,000,000 "
                        "rows/s");
}

static void
states_have_names(void **state)
{
    (void)state;
    assert_string_equal(value_state_name(FEATURE_STATE_PRESENT), "PRESENT");
    assert_string_equal(value_state_name(FEATURE_STATE_PARTIAL), "PARTIAL");
    assert_string_equal(value_state_name(0), "UNKNOWN");
    assert_string_equal(value_state_name(200), "UNKNOWN");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_strings_are_escaped),
        cmocka_unit_test(csv_cells_are_quoted_where_needed),
        cmocka_unit_test(foreign_bytes_are_made_visible),
        cmocka_unit_test(counts_have_commas),
        cmocka_unit_test(wide_characters_take_two_cells),
        cmocka_unit_test(tables_are_aligned),
        cmocka_unit_test(one_wide_row_is_printed_as_a_list),
        cmocka_unit_test(ages_have_two_units_at_most),
        cmocka_unit_test(progress_tells_share_rate_and_rest),
        cmocka_unit_test(states_have_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
