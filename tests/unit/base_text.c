/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8, quoted bytes and the messages of errors. */
#include "draw.h"

#include <errno.h>

#include "base/error.h"
#include "base/utf8.h"

/* --- UTF-8 ------------------------------------------------------------------- */

/*
 * The bytes of the sequence at text, or 0: the slow way. A sequence is well
 * formed if it is what its code point encodes to, so this decodes without a
 * care and encodes again. Only the shortest form comes back the same.
 */
static size_t
slow_step(const uint8_t *text, size_t size)
{
    uint32_t point = text[0];
    size_t length = 1;
    uint8_t again[4];

    if (point >= 0x80) {
        length = point >= 0xf0 ? 4 : point >= 0xe0 ? 3 : 2;
        point &= 0xffu >> (length + 1);
    }
    if (length > size)
        return 0;
    for (size_t i = 1; i < length; i++)
        point = point << 6 | (text[i] & 0x3f);
    if (point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
        return 0;
    if (point < 0x80) {
        again[0] = (uint8_t)point;
        return length == 1 && again[0] == text[0] ? 1 : 0;
    }
    if (length != (point < 0x800 ? 2u : point < 0x10000 ? 3u : 4u))
        return 0;
    for (size_t i = length; i-- > 1; point >>= 6)
        again[i] = (uint8_t)(0x80 | (point & 0x3f));
    again[0] = (uint8_t)(0xf00 >> length | point);
    return memcmp(again, text, length) == 0 ? length : 0;
}

static void
expect_step(const uint8_t *text, size_t size)
{
    size_t step = lf_utf8_step(text, size);

    if (step != slow_step(text, size))
        fail_msg("%02x %02x %02x %02x, %zu bytes: %zu", text[0],
                 size > 1 ? text[1] : 0, size > 2 ? text[2] : 0,
                 size > 3 ? text[3] : 0, size, step);
    if (lf_utf8_valid(text, size) !=
        (step == size ||
         (step && size > step && lf_utf8_valid(text + step, size - step))))
        fail_msg("%02x...: whole and parts disagree", text[0]);
}

static void
every_sequence_of_one_to_three_bytes_is_judged_as_rfc_3629_does(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 1u << 24; i++) {
        uint8_t text[3] = {(uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i};

        if (lf_utf8_step(text, 3) != slow_step(text, 3))
            expect_step(text, 3);
        if (!text[2])
            expect_step(text, 2);
        if (!text[1] && !text[2])
            expect_step(text, 1);
    }
}

static void
sequences_of_four_bytes_are_judged_as_rfc_3629_does(void **state)
{
    /* Where the rules change, at each place. */
    static const uint8_t edges[] = {
        0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf,
        0xe0, 0xed, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xf7, 0xf8, 0xff};
    enum { EDGES = sizeof edges };
    uint8_t text[4];

    (void)state;
    for (uint32_t i = 0; i < EDGES * EDGES * EDGES * EDGES; i++) {
        text[0] = edges[i % EDGES];
        text[1] = edges[i / EDGES % EDGES];
        text[2] = edges[i / EDGES / EDGES % EDGES];
        text[3] = edges[i / EDGES / EDGES / EDGES];
        if (lf_utf8_step(text, 4) != slow_step(text, 4))
            expect_step(text, 4);
    }
    for (int i = 0; i < 500000; i++) {
        draw_bytes(text, sizeof text);
        text[0] |= 0xf0;
        expect_step(text, 4);
        for (int j = 1; j < 4; j++)
            text[j] = (uint8_t)(0x80 | (text[j] & 0x3f));
        expect_step(text, 4);
    }
}

static bool
slow_valid(const uint8_t *text, size_t size)
{
    while (size) {
        size_t step = slow_step(text, size);

        if (!step)
            return false;
        text += step;
        size -= step;
    }
    return true;
}

/* ASCII runs, sequences and a rare wrong byte, in exactly their own memory. */
static uint8_t *
draw_text(size_t *size)
{
    static const char *const parts[] = {
        "a",       "stats:rate", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x9a\x95",
        "01234567"};
    uint8_t text[128];
    uint8_t *copy;

    *size = 0;
    for (uint32_t i = draw_below(9); i > 0; i--) {
        const char *part = parts[draw_below(6)];

        memcpy(text + *size, part, strlen(part));
        *size += strlen(part);
    }
    if (*size && draw_one_in(2))
        text[draw_below(*size)] = (uint8_t)draw();
    *size = *size && draw_one_in(3) ? *size - 1 : *size;
    copy = malloc(*size);
    if (*size)
        memcpy(copy, text, *size);
    return copy;
}

static void
a_text_is_valid_if_all_its_sequences_are(void **state)
{
    uint32_t valid = 0, count = 200000;

    (void)state;
    for (uint32_t i = 0; i < count; i++) {
        size_t size;
        uint8_t *text = draw_text(&size);
        bool is_valid = lf_utf8_valid(text, size);

        assert_int_equal(is_valid, slow_valid(text, size));
        valid += is_valid;
        free(text);
    }
    assert_in_range(valid, count / 10, count - count / 10);
}

/* --- quoting ----------------------------------------------------------------- */

static void
expect_quote(const char *bytes, size_t size, const char *quoted)
{
    char buffer[LF_QUOTE_SIZE];

    assert_string_equal(lf_quote(buffer, bytes, size), quoted);
}

static void
plain_text_is_quoted_as_it_is(void **state)
{
    (void)state;
    expect_quote("", 0, "");
    expect_quote(NULL, 0, "");
    expect_quote("driver stats: 7 ~", 17, "driver stats: 7 ~");
    expect_quote("caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x9a\x95", 14,
                 "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x9a\x95");
}

static void
bytes_that_a_terminal_would_obey_are_escaped(void **state)
{
    (void)state;
    expect_quote("a\0b", 3, "a\\x00b");
    expect_quote("\n\r\t\x1b[2J\x7f", 8, "\\x0a\\x0d\\x09\\x1b[2J\\x7f");
    expect_quote("\xff\xc3(", 3, "\\xff\\xc3(");
    expect_quote("\xe2\x82", 2, "\\xe2\\x82");
    expect_quote("\xed\xa0\x80", 3, "\\xed\\xa0\\x80");
    /* C1 controls, as U+009B, and the two line breaks past ASCII. */
    expect_quote("\xc2\x80\xc2\x9b\xc2\x9f\xc2\xa0", 8,
                 "\\xc2\\x80\\xc2\\x9b\\xc2\\x9f\xc2\xa0");
    expect_quote("\xe2\x80\xa7\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa", 12,
                 "\xe2\x80\xa7\\xe2\\x80\\xa8\\xe2\\x80\\xa9\xe2\x80\xaa");
}

static void
a_name_of_full_length_is_quoted_whole(void **state)
{
    char name[65] = "";

    (void)state;
    memset(name, 'n', 64);
    expect_quote(name, 64, name);
}

static void
any_bytes_are_quoted_on_one_line_within_the_buffer(void **state)
{
    (void)state;
    for (int i = 0; i < 200000; i++) {
        size_t size = draw_below(90), used;
        uint8_t *bytes = malloc(size);
        char *buffer = malloc(LF_QUOTE_SIZE);

        draw_bytes(bytes, size);
        for (size_t j = 0; j < size; j++)
            if (draw_one_in(2))
                bytes[j] = 'a';
        assert_ptr_equal(lf_quote(buffer, bytes, size), buffer);
        used = strnlen(buffer, LF_QUOTE_SIZE);
        assert_true(used < LF_QUOTE_SIZE);
        assert_true(lf_utf8_valid(buffer, used));
        for (size_t j = 0; j < used; j++)
            assert_true((uint8_t)buffer[j] >= 0x20 && buffer[j] != 0x7f);
        assert_true(used >= size || strcmp(buffer + used - 3, "...") == 0);
        free(bytes);
        free(buffer);
    }
}

/* --- errors ------------------------------------------------------------------ */

static void
a_failure_fills_status_reason_message_and_no_place(void **state)
{
    struct feature_error error;

    (void)state;
    memset(&error, 0x5a, sizeof error);
    assert_int_equal(lf_fail(&error, FEATURE_CONFLICT, "schema-changed",
                             "column %s was dropped", "rate"),
                     FEATURE_CONFLICT);
    assert_int_equal(error.status, FEATURE_CONFLICT);
    assert_string_equal(error.reason, "schema-changed");
    assert_string_equal(error.message, "column rate was dropped");
    assert_int_equal(error.row, -1);
    assert_int_equal(error.os_error, 0);
    assert_int_equal(error.batch | error.line | error.column | error.reserved,
                     0);
    lf_error_place(&error, 2, 17, 3);
    assert_int_equal(error.batch, 2);
    assert_int_equal(error.row, 17);
    assert_int_equal(error.column, 3);
    assert_string_equal(error.message, "column rate was dropped");
}

static void
an_error_may_be_null(void **state)
{
    (void)state;
    assert_int_equal(lf_fail(NULL, FEATURE_IO, "io", "no"), FEATURE_IO);
    assert_int_equal(lf_fail_os(NULL, FEATURE_IO, "io", EIO, "no"), FEATURE_IO);
    assert_int_equal(lf_fail_at(NULL, FEATURE_INVALID, "syntax", 1, 2, "no"),
                     FEATURE_INVALID);
    assert_int_equal(lf_fail_memory(NULL), FEATURE_NO_MEMORY);
    lf_error_place(NULL, 1, 2, 3);
}

static void
a_failure_in_a_text_names_line_and_column(void **state)
{
    struct feature_error error;

    (void)state;
    lf_fail_at(&error, FEATURE_INVALID, "syntax", 3, 14, "unknown type %s",
               "FLOAT");
    assert_string_equal(error.message, "3:14: unknown type FLOAT");
    assert_int_equal(error.line, 3);
    assert_int_equal(error.column, 14);
    lf_fail_at(&error, FEATURE_INVALID, "syntax", UINT32_MAX, UINT32_MAX,
               "far");
    assert_string_equal(error.message, "4294967295:4294967295: far");
}

static void
a_failure_of_the_system_keeps_errno_and_its_text(void **state)
{
    struct feature_error error;

    (void)state;
    lf_fail_os(&error, FEATURE_IO, "io", ENOSPC, "cannot write %s", "data.mdb");
    assert_int_equal(error.os_error, ENOSPC);
    assert_string_equal(error.message,
                        "cannot write data.mdb: No space left on device");
    lf_fail_os(&error, FEATURE_IO, "io", 99999, "odd");
    assert_memory_equal(error.message, "odd: ", 5);
}

/* Fails in one of three ways with the text as the end of the message. */
static void
fail_with(struct feature_error *error, int way, const char *text)
{
    memset(error, 0x5a, sizeof *error);
    if (way == 0)
        lf_fail(error, FEATURE_INVALID, "argument", "%s", text);
    else if (way == 1)
        lf_fail_at(error, FEATURE_INVALID, "argument", 1, 1, "%s", text);
    else
        lf_fail_os(error, FEATURE_INVALID, "argument", EIO, "%s", text);
}

static void
a_long_message_is_cut_between_characters(void **state)
{
    static const char *const marks[] = {"\xc3\xa9", "\xe2\x82\xac",
                                        "\xf0\x9f\x9a\x95", "x"};
    struct feature_error error;
    char text[420];

    (void)state;
    for (int way = 0; way < 3; way++)
        for (size_t lead = 0; lead < 250; lead++)
            for (int mark = 0; mark < 4; mark++) {
                size_t size;

                memset(text, 'a', lead);
                for (size = lead; size < 400; size += strlen(marks[mark]))
                    strcpy(text + size, marks[mark]);
                fail_with(&error, way, text);
                size = strnlen(error.message, sizeof error.message);
                assert_in_range(size, sizeof error.message - 4,
                                sizeof error.message - 1);
                assert_true(lf_utf8_valid(error.message, size));
            }
}

static void
a_wrong_byte_in_a_long_message_does_not_cost_the_rest(void **state)
{
    struct feature_error error;
    char text[300];

    (void)state;
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    text[10] = '\xff';
    fail_with(&error, 0, text);
    assert_int_equal(strlen(error.message), sizeof error.message - 1);
}

static void
a_long_reason_is_cut(void **state)
{
    struct feature_error error;

    (void)state;
    lf_fail(&error, FEATURE_INVALID, "a-word-of-more-than-23-bytes", "no");
    assert_string_equal(error.reason, "a-word-of-more-than-23-");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            every_sequence_of_one_to_three_bytes_is_judged_as_rfc_3629_does),
        DRAWN(sequences_of_four_bytes_are_judged_as_rfc_3629_does),
        DRAWN(a_text_is_valid_if_all_its_sequences_are),
        cmocka_unit_test(plain_text_is_quoted_as_it_is),
        cmocka_unit_test(bytes_that_a_terminal_would_obey_are_escaped),
        cmocka_unit_test(a_name_of_full_length_is_quoted_whole),
        DRAWN(any_bytes_are_quoted_on_one_line_within_the_buffer),
        cmocka_unit_test(a_failure_fills_status_reason_message_and_no_place),
        cmocka_unit_test(an_error_may_be_null),
        cmocka_unit_test(a_failure_in_a_text_names_line_and_column),
        cmocka_unit_test(a_failure_of_the_system_keeps_errno_and_its_text),
        cmocka_unit_test(a_long_message_is_cut_between_characters),
        cmocka_unit_test(a_wrong_byte_in_a_long_message_does_not_cost_the_rest),
        cmocka_unit_test(a_long_reason_is_cut),
    };

    draw_begin();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
