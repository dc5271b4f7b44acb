/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The CSV reader, against single cases and against a slow reader of one byte
 * at a time.
 *
 * Owns no file: every text goes through a pipe or an anonymous file.
 * Keeps each case independent of the block size by running all of them.
 * Never asserts a time.
 */
#include "csv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

static const size_t blocks[] = {1, 2, 3, 7, 64, 65, 1000, 5000};

#define BLOCK_COUNT (sizeof blocks / sizeof *blocks)

static int
file_of(const char *bytes, size_t size)
{
    int fd = memfd_create("csv", MFD_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, size), size);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

/* Writes what the reader says, one line for each record or problem. */
static char *
read_all(const char *bytes, size_t size, size_t block, bool is_scalar,
         char delimiter)
{
    struct csv_reader reader;
    struct text out = {0};
    int fd = file_of(bytes, size);
    enum csv_result result;

    csv_open(&reader, fd, delimiter);
    reader.block = block;
    reader.scan.is_scalar = is_scalar;
    while ((result = csv_next(&reader)) != CSV_END) {
        if (result != CSV_RECORD) {
            text_add(&out, "%s %llu:%llu %s\n",
                     result == CSV_BAD ? "bad" : "failed",
                     (unsigned long long)reader.problem.line,
                     (unsigned long long)reader.problem.column,
                     reader.problem.message);
            if (result == CSV_FAILED)
                break;
            continue;
        }
        text_add(&out, "%llu", (unsigned long long)reader.first_line);
        for (uint32_t i = 0; i < reader.count; i++) {
            text_add(&out, csv_is_quoted(&reader, i) ? " q<" : " <");
            text_add_bytes(&out, reader.cells[i].text, reader.cells[i].size);
            text_add(&out, ">");
        }
        text_add(&out, "\n");
    }
    csv_close(&reader);
    close(fd);
    assert_non_null(text_end(&out));
    return out.data;
}

static void
expect_with(char delimiter, const char *bytes, size_t size, const char *wanted)
{
    for (size_t i = 0; i < BLOCK_COUNT; i++) {
        for (int is_scalar = 0; is_scalar < 2; is_scalar++) {
            char *got = read_all(bytes, size, blocks[i], is_scalar, delimiter);

            assert_string_equal(got, wanted);
            free(got);
        }
    }
}

static void
expect(const char *text, const char *wanted)
{
    expect_with(',', text, strlen(text), wanted);
}

static void
plain_records_are_split_at_commas(void **state)
{
    (void)state;
    expect("a,b,c\n1,22,333\n", "1 <a> <b> <c>\n2 <1> <22> <333>\n");
    expect("a\n1\n", "1 <a>\n2 <1>\n");
    expect(",,\n", "1 <> <> <>\n");
}

static void
the_last_record_needs_no_line_feed(void **state)
{
    (void)state;
    expect("a,b\n1,2", "1 <a> <b>\n2 <1> <2>\n");
    expect("a,", "1 <a> <>\n");
    expect("\"a\"", "1 q<a>\n");
    expect("", "");
}

static void
lines_may_end_in_crlf(void **state)
{
    (void)state;
    expect("a,b\r\n1,2\r\n", "1 <a> <b>\n2 <1> <2>\n");
    expect("a,\"b\"\r\n1,\r\n", "1 <a> q<b>\n2 <1> <>\n");
}

static void
quotes_hold_commas_line_feeds_and_quotes(void **state)
{
    (void)state;
    expect("\"a,b\",c\n", "1 q<a,b> <c>\n");
    expect("\"a\nb\",c\nd,e\n", "1 q<a\nb> <c>\n3 <d> <e>\n");
    expect("\"a\r\nb\",c\n", "1 q<a\r\nb> <c>\n");
    expect("\"a\"\"b\",\"\"\"\",\"\"\n", "1 q<a\"b> q<\"> q<>\n");
    expect("\"\"\"a\"\"\",\"b\"\"\"\n", "1 q<\"a\"> q<b\">\n");
}

/* Copies of one record must not move while it is read. */
static void
many_cells_with_doubled_quotes_stay_in_place(void **state)
{
    struct text text = {0}, wanted = {0};

    (void)state;
    text_add(&wanted, "1");
    for (int i = 0; i < 900; i++) {
        text_add(&text, "%s\"cell \"\"%d\"\"\"", i ? "," : "", i);
        text_add(&wanted, " q<cell \"%d\">", i);
    }
    text_add(&text, "\n");
    text_add(&wanted, "\n");
    assert_true(text_end(&text) && text_end(&wanted));
    expect(text.data, wanted.data);
    text_free(&text);
    text_free(&wanted);
}

static void
a_byte_order_mark_is_no_part_of_the_header(void **state)
{
    (void)state;
    expect("\xef\xbb\xbf"
           "a,b\n",
           "1 <a> <b>\n");
    expect("\xef\xbb\xbf", "");
    expect_with(',',
                "\xff\xfe"
                "a\0",
                4, "failed 1:1 the file is UTF-16: write it as UTF-8\n");
}

static void
another_delimiter_leaves_commas_alone(void **state)
{
    const char *text = "a;b,c;\"d;e\"\n";

    (void)state;
    expect_with(';', text, strlen(text), "1 <a> <b,c> q<d;e>\n");
    text = "a\tb\n";
    expect_with('\t', text, strlen(text), "1 <a> <b>\n");
}

static void
a_quote_that_never_closes_names_where_it_opened(void **state)
{
    (void)state;
    expect("a,b\n1,\"2\n3,4\n",
           "1 <a> <b>\nfailed 2:3 a quote opens here and never closes\n");
}

static void
a_misplaced_quote_spoils_its_line_only(void **state)
{
    (void)state;
    expect("a,b\nx\"y,2\n3,4\n",
           "1 <a> <b>\nbad 2:2 a quote within a cell that has none at its "
           "beginning\n3 <3> <4>\n");
    expect("\"a\"b,c\n1,2\n",
           "bad 1:4 text after a closing quote\n2 <1> <2>\n");
    expect("\"a\nb\"c\n1\n", "bad 2:3 text after a closing quote\n3 <1>\n");
}

static void
a_lone_carriage_return_is_refused_outside_quotes(void **state)
{
    (void)state;
    expect("a\rb\nc\n", "bad 1:2 a carriage return without a line feed\n"
                        "2 <c>\n");
    expect("a\r", "bad 1:2 a carriage return without a line feed\n");
}

static void
nul_and_bad_utf8_are_refused_where_they_lie(void **state)
{
    static const char nul[] = "a,b\n1,x\0y\n3,4\n";

    (void)state;
    expect_with(',', nul, sizeof nul - 1,
                "1 <a> <b>\nbad 2:4 a NUL byte\n3 <3> <4>\n");
    expect("a\nxy\x80z\nb\n",
           "1 <a>\nbad 2:3 a byte that is not UTF-8\n3 <b>\n");
    expect("a\n\"x\ny\xc3\"\nb\n",
           "1 <a>\nbad 3:2 a byte that is not UTF-8\n4 <b>\n");
    expect("\xc3\xa9,\xe6\x97\xa5\n", "1 <\xc3\xa9> <\xe6\x97\xa5>\n");
}

static void
blank_lines_are_skipped_when_asked(void **state)
{
    static const char text[] = "a,b\n\n1,2\n\r\n\n3,4\n\n";
    struct csv_reader reader;
    int fd = file_of(text, sizeof text - 1);

    (void)state;
    csv_open(&reader, fd, ',');
    reader.skips_blank = true;
    assert_int_equal(csv_next(&reader), CSV_RECORD);
    assert_int_equal(csv_next(&reader), CSV_RECORD);
    assert_int_equal(reader.first_line, 3);
    assert_int_equal(csv_next(&reader), CSV_RECORD);
    assert_int_equal(reader.first_line, 6);
    assert_int_equal(reader.count, 2);
    assert_int_equal(csv_next(&reader), CSV_END);
    csv_close(&reader);
    close(fd);
}

static void
the_record_keeps_its_bytes_and_lines(void **state)
{
    static const char text[] = "a,b\n\"x\"\"\ny\",2\r\nz,3\n";
    struct csv_reader reader;
    int fd = file_of(text, sizeof text - 1);

    (void)state;
    csv_open(&reader, fd, ',');
    csv_next(&reader);
    assert_int_equal(csv_next(&reader), CSV_RECORD);
    assert_int_equal(reader.record_size, 9);
    assert_memory_equal(reader.record, "\"x\"\"\ny\",2", 9);
    assert_int_equal(reader.first_line, 2);
    assert_int_equal(reader.last_line, 3);
    assert_int_equal(csv_consumed(&reader), 15);
    csv_close(&reader);
    close(fd);
}

/* One cell that makes the record exactly size bytes. */
static enum csv_result
read_long_record(size_t size, struct csv_problem *problem)
{
    struct csv_reader reader;
    enum csv_result result;
    char *text = malloc(size + 4);
    int fd;

    assert_non_null(text);
    memset(text, 'x', size);
    memcpy(text, "h\n", 2);
    memcpy(text + 2 + (size - 2), "xx\n", 3);
    fd = file_of(text, size + 3);
    csv_open(&reader, fd, ',');
    assert_int_equal(csv_next(&reader), CSV_RECORD);
    result = csv_next(&reader);
    if (result == CSV_RECORD)
        assert_int_equal(reader.cells[0].size, size);
    *problem = reader.problem;
    csv_close(&reader);
    close(fd);
    free(text);
    return result;
}

static void
a_record_may_have_16_mib_and_no_more(void **state)
{
    struct csv_problem problem;

    (void)state;
    assert_int_equal(read_long_record(CSV_RECORD_MAX, &problem), CSV_RECORD);
    assert_int_equal(read_long_record(CSV_RECORD_MAX + 1, &problem),
                     CSV_FAILED);
    assert_string_equal(problem.message, "a record of more than 16 MiB");
    assert_int_equal(problem.line, 2);
    assert_int_equal(read_long_record(3 * CSV_RECORD_MAX, &problem),
                     CSV_FAILED);
}

static void
an_open_quote_stops_at_16_mib(void **state)
{
    size_t size = 40u << 20;
    char *text = malloc(size), *got;

    (void)state;
    assert_non_null(text);
    memset(text, '\n', size);
    memcpy(text, "a,\"b", 4);
    got = read_all(text, size, CSV_BLOCK, false, ',');
    assert_string_equal(got, "failed 1:3 a quote opens here and does not close "
                             "within 16 MiB\n");
    free(got);
    free(text);
}

static void
a_record_may_not_have_endless_cells(void **state)
{
    char *text = malloc(CSV_CELLS_MAX + 1), *got;

    (void)state;
    assert_non_null(text);
    memset(text, ',', CSV_CELLS_MAX);
    text[CSV_CELLS_MAX] = '\n';
    got = read_all(text, CSV_CELLS_MAX + 1, CSV_BLOCK, false, ',');
    assert_string_equal(got, "failed 1:1 has more than 65,536 cells\n");
    free(got);
    free(text);
}

static void
a_pipe_in_small_pieces_reads_as_a_file(void **state)
{
    static const char text[] = "a,b\n\"1\n2\",3\n";
    struct csv_reader reader;
    int ends[2];

    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], text, 7), 7);
    csv_open(&reader, ends[0], ',');
    assert_int_equal(csv_next(&reader), CSV_RECORD);
    assert_int_equal(write(ends[1], text + 7, sizeof text - 8),
                     sizeof text - 8);
    close(ends[1]);
    assert_int_equal(csv_next(&reader), CSV_RECORD);
    assert_int_equal(reader.cells[0].size, 3);
    assert_int_equal(csv_next(&reader), CSV_END);
    csv_close(&reader);
    close(ends[0]);
}

/* RFC 4180 again, one byte at a time, for texts without malformed records.
 * False: the text is malformed. */
static bool
slow_read(const char *bytes, size_t size, struct text *out)
{
    size_t at = 0, line = 1, start = 1;

    while (at < size) {
        text_add(out, "%zu", start);
        for (;;) {
            bool is_quoted = at < size && bytes[at] == '"';

            text_add(out, is_quoted ? " q<" : " <");
            if (is_quoted) {
                for (at++;; at++) {
                    if (at == size)
                        return false;
                    if (bytes[at] == '"' && ++at < size && bytes[at] != '"')
                        break;
                    if (at == size)
                        break;
                    line += bytes[at] == '\n';
                    text_add_bytes(out, bytes + at, 1);
                }
            } else {
                for (; at < size && !strchr(",\r\n", bytes[at]); at++) {
                    if (bytes[at] == '"')
                        return false;
                    text_add_bytes(out, bytes + at, 1);
                }
            }
            text_add(out, ">");
            if (at < size && bytes[at] == ',') {
                at++;
                continue;
            }
            break;
        }
        if (at < size && bytes[at] == '\r' && ++at == size)
            return false;
        if (at < size && bytes[at++] != '\n')
            return false;
        text_add(out, "\n");
        start = ++line;
    }
    return true;
}

static void
random_texts_read_as_by_the_slow_reader(void **state)
{
    static const char alphabet[] = "ab1,,,\"\"\n\n\r";
    unsigned seed = 20260401, compared = 0;

    (void)state;
    for (int round = 0; round < 60000; round++) {
        char bytes[96];
        struct text wanted = {0};
        size_t size;

        seed = seed * 1103515245 + 12345;
        size = (seed >> 16) % sizeof bytes;
        if (round % 3)
            size %= 12;
        for (size_t i = 0; i < size; i++) {
            seed = seed * 1103515245 + 12345;
            bytes[i] = alphabet[(seed >> 16) % (sizeof alphabet - 1)];
        }
        if (slow_read(bytes, size, &wanted)) {
            size_t block = blocks[(size_t)round % BLOCK_COUNT];
            char *got = read_all(bytes, size, block, round % 2, ',');

            assert_non_null(text_end(&wanted));
            assert_string_equal(got, wanted.data);
            free(got);
            compared++;
        }
        text_free(&wanted);
    }
    assert_true(compared > 5000);
}

/* Malformed or not, the block size and SIMD change nothing. */
static void
random_bytes_read_the_same_in_any_block(void **state)
{
    static const char alphabet[] = "ab,,\"\"\n\r\0\x80\xc3\xa9";
    unsigned seed = 7;

    (void)state;
    for (int round = 0; round < 5000; round++) {
        char bytes[200], *first, *other;
        size_t size;

        seed = seed * 1103515245 + 12345;
        size = (seed >> 16) % sizeof bytes;
        for (size_t i = 0; i < size; i++) {
            seed = seed * 1103515245 + 12345;
            bytes[i] = alphabet[(seed >> 16) % (sizeof alphabet - 1)];
        }
        first = read_all(bytes, size, 5000, false, ',');
        other = read_all(bytes, size, blocks[(size_t)round % BLOCK_COUNT], true,
                         ',');
        assert_string_equal(first, other);
        free(first);
        free(other);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_records_are_split_at_commas),
        cmocka_unit_test(the_last_record_needs_no_line_feed),
        cmocka_unit_test(lines_may_end_in_crlf),
        cmocka_unit_test(quotes_hold_commas_line_feeds_and_quotes),
        cmocka_unit_test(many_cells_with_doubled_quotes_stay_in_place),
        cmocka_unit_test(a_byte_order_mark_is_no_part_of_the_header),
        cmocka_unit_test(another_delimiter_leaves_commas_alone),
        cmocka_unit_test(a_quote_that_never_closes_names_where_it_opened),
        cmocka_unit_test(a_misplaced_quote_spoils_its_line_only),
        cmocka_unit_test(a_lone_carriage_return_is_refused_outside_quotes),
        cmocka_unit_test(nul_and_bad_utf8_are_refused_where_they_lie),
        cmocka_unit_test(blank_lines_are_skipped_when_asked),
        cmocka_unit_test(the_record_keeps_its_bytes_and_lines),
        cmocka_unit_test(a_record_may_have_16_mib_and_no_more),
        cmocka_unit_test(an_open_quote_stops_at_16_mib),
        cmocka_unit_test(a_record_may_not_have_endless_cells),
        cmocka_unit_test(a_pipe_in_small_pieces_reads_as_a_file),
        cmocka_unit_test(random_texts_read_as_by_the_slow_reader),
        cmocka_unit_test(random_bytes_read_the_same_in_any_block),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
