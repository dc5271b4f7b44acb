/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Types and DEFAULT values in definition texts.
 *
 * Owns one text for every type, every value and every hint.
 * Keeps messages word for word: they are what people read.
 * Never needs what a store held before.
 */
#include "model.h"

/* The features are line 3, the end is line 4. */
#define VIEW(features) \
    DRIVER "\nCREATE FEATURE VIEW v (\n" features "\n) FOR driver"

/* The refusal of a text, from an empty catalog. */
struct mistake {
    const char *text;
    const char *message;
};

static void
expect_mistakes(const struct mistake *mistakes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        expect_invalid(mistakes[i].text, mistakes[i].message);
}

#define EXPECT_MISTAKES(mistakes) \
    expect_mistakes(mistakes, sizeof(mistakes) / sizeof *(mistakes))

static void
join_keys_are_one_to_eight_of_three_types(void **state)
{
    struct lf_catalog *catalog =
        defined("CREATE ENTITY e (a INT64, b STRING, c BYTES, d INT64, "
                "e INT64, f INT64, g INT64, h INT64)");
    static const struct mistake mistakes[] = {
        {"CREATE ENTITY e (a INT64, b INT64, c INT64, d INT64, e INT64, "
         "f INT64, g INT64, h INT64, i INT64)",
         "1:90: an entity has at most 8 join keys"},
        {"CREATE ENTITY e (a INT32)",
         "1:20: a join key cannot be INT32; write INT64, INT32 values widen to "
         "it"},
        {"CREATE ENTITY e (a FLOAT64)",
         "1:20: a join key is INT64, STRING or BYTES, not FLOAT64"},
        {"CREATE ENTITY e (a INT64[2])",
         "1:20: a join key is INT64, STRING or BYTES, not INT64[2]"},
        {"CREATE ENTITY e (a STRING[])",
         "1:20: a join key is INT64, STRING or BYTES, not STRING[]"},
        {"CREATE ENTITY e (a INT64, a INT64)",
         "1:27: the join key a is here twice"},
    };

    (void)state;
    assert_int_equal(catalog->entities[0].key_count, 8);
    EXPECT_MISTAKES(mistakes);
    lf_catalog_release(catalog);
}

static void
a_foreign_type_gets_the_right_hint(void **state)
{
    static const char *const hints[][2] = {
        {"FLOAT", "FLOAT32 or FLOAT64"},
        {"float", "FLOAT32 or FLOAT64"},
        {"TEXT", "STRING"},
        {"VARCHAR(20)", "STRING"},
        {"INTEGER", "INT32 or INT64"},
        {"BIGINT", "INT64"},
        {"DOUBLE PRECISION", "FLOAT64"},
        {"REAL", "FLOAT32"},
        {"BOOLEAN", "BOOL"},
        {"BLOB", "BYTES"},
        {"DATETIME", "TIMESTAMP"},
        {"STRNIG", "STRING"},
    };
    char text[128], word[16], message[200];

    (void)state;
    for (size_t i = 0; i < sizeof hints / sizeof *hints; i++) {
        snprintf(text, sizeof text, "CREATE ENTITY e (a %s)", hints[i][0]);
        snprintf(word, sizeof word, "%.*s", (int)strcspn(hints[i][0], " ("),
                 hints[i][0]);
        snprintf(message, sizeof message,
                 "1:20: unknown type \"%s\"; did you mean %s?", word,
                 hints[i][1]);
        expect_invalid(text, message);
    }
    expect_invalid("CREATE ENTITY e (a GEOGRAPHY)",
                   "1:20: unknown type \"GEOGRAPHY\"; the types are BOOL, "
                   "INT32, INT64, FLOAT32, FLOAT64, STRING, BYTES, TIMESTAMP");
    expect_invalid("CREATE ENTITY e (a)", "1:19: expected a type, found \")\"");
}

static void
vectors_and_lists_have_their_types(void **state)
{
    struct lf_catalog *catalog =
        defined(VIEW("a INT32[2], b INT64[65536], c FLOAT32[], d FLOAT64[3], "
                     "e STRING[], f INT64[]"));
    static const struct mistake mistakes[] = {
        {VIEW("a BOOL[]"), "3:3: there is no type BOOL[]; lists are of INT32, "
                           "INT64, FLOAT32, FLOAT64 or STRING"},
        {VIEW("a BYTES[]"), "3:3: there is no type BYTES[]; lists are of "
                            "INT32, INT64, FLOAT32, FLOAT64 or STRING"},
        {VIEW("a STRING[3]"), "3:3: there is no type STRING[n]; vectors are "
                              "of INT32, INT64, FLOAT32 or FLOAT64"},
        {VIEW("a TIMESTAMP[3]"), "3:3: there is no type TIMESTAMP[n]; vectors "
                                 "are of INT32, INT64, FLOAT32 or FLOAT64"},
        {VIEW("a INT32[1]"), "3:9: the width of a vector is 2 to 65536"},
        {VIEW("a INT32[65537]"), "3:9: the width of a vector is 2 to 65536"},
        {VIEW("a INT32[99999999999999999999]"),
         "3:9: the width of a vector is 2 to 65536"},
        {VIEW("a INT32[-2]"), "3:9: the width of a vector is 2 to 65536"},
        {VIEW("a INT32[2.0]"), "3:9: expected a width or \"]\", found \"2.0\""},
        {VIEW("a INT32[2"), "4:1: expected \"]\", found \")\""},
    };

    (void)state;
    assert_int_equal(catalog->views[0].features[1].type.width, 65536);
    assert_true(catalog->views[0].features[4].type.is_list);
    EXPECT_MISTAKES(mistakes);
    lf_catalog_release(catalog);
}

/* A view of one feature v:a, whose DEFAULT has to be these bytes. */
static void
expect_default(const char *type, const char *value, const void *bytes,
               size_t size)
{
    struct lf_catalog *catalog;
    const struct lf_literal *made;
    char text[256];

    snprintf(text, sizeof text,
             DRIVER "CREATE FEATURE VIEW v (a %s DEFAULT %s) FOR driver", type,
             value);
    catalog = defined(text);
    made = &catalog->views[0].features[0].fallback;
    assert_true(made->is_set);
    assert_int_equal(made->size, size);
    assert_memory_equal(made->bytes, bytes, size);
    lf_catalog_release(catalog);
}

static void
defaults_are_stored_as_cells_are(void **state)
{
    static const uint8_t strings[] = {3, 0, 0, 0, 1, 0, 0,   0,    1,   0,
                                      0, 0, 4, 0, 0, 0, 'a', '\'', 'b', 'c'};
    static const uint8_t no_strings[4] = {0};

    (void)state;
    expect_default("BOOL", "TRUE", "\1", 1);
    expect_default("BOOL", "false", "\0", 1);
    expect_default("INT32", "-2", "\xfe\xff\xff\xff", 4);
    expect_default("INT64", "+258", "\2\1\0\0\0\0\0\0", 8);
    expect_default("FLOAT32", "1.5", "\0\0\xc0\x3f", 4);
    expect_default("FLOAT64", "1e0", "\0\0\0\0\0\0\xf0\x3f", 8);
    expect_default("FLOAT32", "'-infinity'", "\0\0\x80\xff", 4);
    expect_default("FLOAT32", "'NaN'", "\0\0\xc0\x7f", 4);
    expect_default("STRING", "'it''s'", "it's", 4);
    expect_default("STRING", "''", "", 0);
    expect_default("BYTES", "x'00fFa0'", "\x00\xff\xa0", 3);
    expect_default("BYTES", "X''", "", 0);
    expect_default("TIMESTAMP", "'1970-01-01T00:00:00.000258Z'",
                   "\2\1\0\0\0\0\0\0", 8);
    expect_default("TIMESTAMP", "-1", "\xff\xff\xff\xff\xff\xff\xff\xff", 8);
    expect_default("INT32[2]", "[1, 2]", "\1\0\0\0\2\0\0\0", 8);
    expect_default("INT32[]", "[7]", "\7\0\0\0", 4);
    expect_default("FLOAT64[]", "[]", "", 0);
    expect_default("STRING[]", "['a', '', '''bc']", strings, sizeof strings);
    expect_default("STRING[]", "[]", no_strings, sizeof no_strings);
}

static void
null_is_no_default(void **state)
{
    struct lf_catalog *catalog = defined(VIEW("a INT64 DEFAULT NULL, b "
                                              "STRING[] DEFAULT null"));

    (void)state;
    assert_false(catalog->views[0].features[0].fallback.is_set);
    assert_false(catalog->views[0].features[1].fallback.is_set);
    lf_catalog_release(catalog);
}

static void
a_default_fits_its_type_or_is_refused(void **state)
{
    static const struct mistake mistakes[] = {
        {VIEW("a BOOL DEFAULT 1"), "3:16: expected TRUE or FALSE, found \"1\""},
        {VIEW("a INT32 DEFAULT 2147483648"),
         "3:17: 2147483648 does not fit INT32"},
        {VIEW("a INT32 DEFAULT -2147483649"),
         "3:17: -2147483649 does not fit INT32"},
        {VIEW("a INT64 DEFAULT 9223372036854775808"),
         "3:17: 9223372036854775808 does not fit INT64"},
        {VIEW("a INT64 DEFAULT 1.0"),
         "3:17: expected a whole number, found \"1.0\""},
        {VIEW("a INT64 DEFAULT '1'"),
         "3:17: expected a whole number, found \"'1'\""},
        {VIEW("a FLOAT32 DEFAULT 1e39"), "3:19: 1e39 does not fit FLOAT32"},
        {VIEW("a FLOAT64 DEFAULT -1e309"), "3:19: -1e309 does not fit FLOAT64"},
        {VIEW("a FLOAT64 DEFAULT 'inf'"),
         "3:19: expected a number, 'NaN', 'Infinity' or '-Infinity', found "
         "\"'inf'\""},
        {VIEW("a STRING DEFAULT 5"),
         "3:18: expected a string such as 'text', found \"5\""},
        {VIEW("a BYTES DEFAULT 'ff'"),
         "3:17: expected bytes such as x'00ff', found \"'ff'\""},
        {VIEW("a TIMESTAMP DEFAULT '2024-01-31T12:00:00'"),
         "3:21: the timestamp has no time zone: end it with Z for UTC"},
        {VIEW("a TIMESTAMP DEFAULT 'noon'"),
         "3:21: expected a timestamp such as '2024-01-31T12:00:00Z'"},
        {VIEW("a INT32[2] DEFAULT [1]"),
         "3:20: INT32[2] needs 2 values, not 1"},
        {VIEW("a INT32[2] DEFAULT [1, 2, 3]"),
         "3:20: INT32[2] needs 2 values, not 3"},
        {VIEW("a INT32[2] DEFAULT 1"), "3:20: expected \"[\", found \"1\""},
        {VIEW("a INT32[] DEFAULT [1 2]"),
         "3:22: expected \",\" or \"]\", found \"2\""},
        {VIEW("a INT32[] DEFAULT [1, NULL]"),
         "3:23: expected a whole number, found \"NULL\""},
        {VIEW("a INT32[] DEFAULT [[1]]"),
         "3:20: expected a whole number, found \"[\""},
    };

    (void)state;
    EXPECT_MISTAKES(mistakes);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(join_keys_are_one_to_eight_of_three_types),
        cmocka_unit_test(a_foreign_type_gets_the_right_hint),
        cmocka_unit_test(vectors_and_lists_have_their_types),
        cmocka_unit_test(defaults_are_stored_as_cells_are),
        cmocka_unit_test(null_is_no_default),
        cmocka_unit_test(a_default_fits_its_type_or_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
