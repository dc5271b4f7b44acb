/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Types proposed from cells, and names from titles.
 *
 * Owns short columns, written as one text with bars between the cells.
 * Keeps each rule of proposal in a test of its own.
 * Never reads a file.
 */
#include "sniff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "header.h"

static struct sniff
sniff_all(const char *cells)
{
    struct sniff sniff = {0};
    uint64_t line = 2;

    for (;;) {
        size_t size = strcspn(cells, "|");

        sniff_add(&sniff, cells, size, line++);
        if (!cells[size])
            return sniff;
        cells += size + 1;
    }
}

static void
expect(const char *cells, const char *type, const char *reason)
{
    struct sniff sniff = sniff_all(cells);
    struct text text = {0};

    sniff_add_type(&sniff, &text);
    text_add(&text, ": ");
    sniff_add_reason(&sniff, &text);
    assert_non_null(text_end(&text));
    if (strncmp(text.data, type, strlen(type)) != 0 ||
        strcmp(text.data + strlen(type) + 2, reason) != 0)
        fail_msg("%s is %s, not %s: %s", cells, text.data, type, reason);
    text_free(&text);
}

static void
whole_numbers_are_int64(void **state)
{
    (void)state;
    expect("1|2|265", "INT64", "3 whole numbers up to 265");
    expect("1.0|2.0", "INT64", "2 whole numbers up to 2, written 2.0");
    expect("1|2.0", "INT64", "2 whole numbers up to 2, some written 2.0");
    expect("-5|0|7", "INT64", "3 whole numbers from -5 to 7");
    expect("0|1|1", "INT64", "3 whole numbers up to 1");
    expect("9223372036854775807", "INT64",
           "1 whole numbers up to 9223372036854775807");
}

static void
fractions_make_float64(void **state)
{
    (void)state;
    expect("1|2.5|3", "FLOAT64", "3 numbers, the first fraction in line 3");
    expect("1e3|nan", "FLOAT64", "2 numbers, the first fraction in line 2");
}

static void
digits_are_never_lost(void **state)
{
    (void)state;
    expect("1|9223372036854775808", "STRING",
           "numbers with more digits than INT64 holds");
    expect("0.5|9007199254740993", "STRING",
           "numbers with more digits than FLOAT64 holds");
    expect("0.5|9007199254740992", "FLOAT64",
           "2 numbers, the first fraction in line 2");
    expect("007|12", "STRING",
           "1 numbers with leading zeros, which a number would lose");
    expect("0|0.5|-0.25", "FLOAT64", "3 numbers, the first fraction in line 3");
}

static void
words_of_truth_are_bool(void **state)
{
    (void)state;
    expect("true|False|yes", "BOOL", "3 truth values");
    expect("t|0|1", "BOOL", "3 truth values");
    expect("Y|N", "STRING", "text of up to 1 byte");
    expect("true|2", "STRING", "text of up to 4 bytes");
}

static void
times_are_timestamp(void **state)
{
    (void)state;
    expect("2020-04-01 00:44:02|2020-04-01", "TIMESTAMP",
           "2 times without a time zone");
    expect("2020-04-01T00:44:02Z", "TIMESTAMP", "1 times");
    expect("2020-04-01T00:44:02Z|2020-04-01", "TIMESTAMP",
           "2 times, some without a time zone");
    expect("2020-04-01|soon", "STRING", "text of up to 10 bytes");
    expect("2020-04-31", "STRING", "text of up to 10 bytes");
}

static void
lists_keep_their_width(void **state)
{
    (void)state;
    expect("[1,2]|[3,4]", "INT64[2]", "2 lists");
    expect("[1,2]|[3.5,4]", "FLOAT64[2]", "2 lists");
    expect("[1,2]|[3]", "INT64[]", "2 lists");
    expect("[1]|[3]", "INT64[]", "2 lists");
    expect("[\"a\"]|[]", "STRING[]", "2 lists");
    expect("[\"a\"]|[1]", "STRING", "text of up to 5 bytes");
    expect("[1]|1", "STRING", "text of up to 3 bytes");
}

static void
empty_cells_are_counted(void **state)
{
    (void)state;
    expect("||", "STRING", "empty throughout");
    expect("1||2", "INT64", "2 whole numbers up to 2; 1 empty (33.3 %)");
    expect("", "STRING", "empty throughout");
}

static void
a_column_of_times_tells_its_unit(void **state)
{
    struct sniff sniff = sniff_all("1585701842|1585701843");
    enum moment_kind kind;

    (void)state;
    assert_true(sniff_moment(&sniff, &kind));
    assert_int_equal(kind, MOMENT_SECONDS);
    sniff = sniff_all("1585701842123");
    assert_true(sniff_moment(&sniff, &kind));
    assert_int_equal(kind, MOMENT_MILLISECONDS);
    sniff = sniff_all("2020-04-01");
    assert_true(sniff_moment(&sniff, &kind));
    assert_int_equal(kind, MOMENT_ISO);
    sniff = sniff_all("1585701842|1585701842123");
    assert_false(sniff_moment(&sniff, &kind));
    sniff = sniff_all("1585701842|5");
    assert_false(sniff_moment(&sniff, &kind));
    sniff = sniff_all("yesterday");
    assert_false(sniff_moment(&sniff, &kind));
}

static void
expect_name(const char *title, const char *wanted)
{
    char name[HEADER_NAME_SIZE];

    header_make_name(name, title);
    assert_string_equal(name, wanted);
}

static void
titles_become_names(void **state)
{
    char title[200];

    (void)state;
    expect_name("VendorID", "VendorID");
    expect_name("store_and_fwd_flag", "store_and_fwd_flag");
    expect_name("a__b_", "a__b_");
    expect_name("Trip Distance (mi)", "Trip_Distance_mi");
    expect_name("  -  ", "column");
    expect_name("", "column");
    expect_name("2020 sales", "n2020_sales");
    expect_name("_hidden", "hidden");
    expect_name("caf\xc3\xa9 au lait", "caf_au_lait");
    expect_name("event_timestamp", "event_timestamp_value");
    memset(title, 'x', sizeof title - 1);
    title[sizeof title - 1] = '\0';
    header_make_name(title + 100, title);
    assert_int_equal(strlen(title + 100), 63);
}

/* Reads a header through the reader; returns what went wrong, or NULL. */
static const char *
read_header(struct header *header, const char *text,
            struct csv_problem *problem)
{
    struct csv_reader reader;
    int fd = memfd_create("header", MFD_CLOEXEC);
    bool is_fine;

    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    lseek(fd, 0, SEEK_SET);
    csv_open(&reader, fd, ',');
    is_fine = header_read(header, &reader, problem);
    csv_close(&reader);
    close(fd);
    return is_fine ? NULL : problem->message;
}

static void
names_are_all_different(void **state)
{
    struct csv_problem problem;
    struct header header;

    (void)state;
    assert_null(read_header(&header, "a b,a-b, a_b ,c\n", &problem));
    assert_string_equal(header.names[0], "a_b");
    assert_string_equal(header.names[1], "a_b_2");
    assert_string_equal(header.names[2], "a_b_3");
    assert_string_equal(header.titles[2], "a_b");
    /* A title that is the name wins over one that only became it. */
    assert_int_equal(header_find(&header, "a_b"), 2);
    assert_int_equal(header_find(&header, "a_b_2"), 1);
    assert_int_equal(header_find(&header, "d"), HEADER_NONE);
    header_free(&header);
}

static void
two_equal_titles_are_refused(void **state)
{
    struct csv_problem problem;
    struct header header;

    (void)state;
    assert_string_equal(read_header(&header, "a,b,\"a\"\n", &problem),
                        "two columns are called \"a\"");
    assert_int_equal(problem.line, 1);
    assert_int_equal(problem.column, 5);
    header_free(&header);
    assert_string_equal(read_header(&header, "", &problem),
                        "an empty file: a header is needed");
    header_free(&header);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_numbers_are_int64),
        cmocka_unit_test(fractions_make_float64),
        cmocka_unit_test(digits_are_never_lost),
        cmocka_unit_test(words_of_truth_are_bool),
        cmocka_unit_test(times_are_timestamp),
        cmocka_unit_test(lists_keep_their_width),
        cmocka_unit_test(empty_cells_are_counted),
        cmocka_unit_test(a_column_of_times_tells_its_unit),
        cmocka_unit_test(titles_become_names),
        cmocka_unit_test(names_are_all_different),
        cmocka_unit_test(two_equal_titles_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
