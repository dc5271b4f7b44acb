/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Definition texts: what parses, and where and why the rest does not.
 *
 * Owns one text for every mistake the grammar can name.
 * Keeps messages word for word: they are what people read.
 * Never needs what a store held before; that is evolve.c.
 */
#include "model.h"

#include "base/bytes.h"

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
an_empty_text_defines_nothing(void **state)
{
    static const char *const texts[] = {
        "", " \n\t", ";", ";;", "-- only this", "-- a\n;-- b\r\n"};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct lf_catalog *catalog = defined(texts[i]);

        assert_int_equal(catalog->version, 0);
        lf_catalog_release(catalog);
    }
}

static void
keywords_have_any_case_and_names_their_own(void **state)
{
    struct lf_catalog *catalog = defined(
        "create Entity Driver (Key int64); CREATE feature VIEW V (a Float32 "
        "not NULL default 1) with (TTL = '2 H') for Driver");

    (void)state;
    assert_non_null(lf_catalog_entity(catalog, "Driver"));
    assert_null(lf_catalog_entity(catalog, "driver"));
    expect_described(catalog, "V",
                     "CREATE FEATURE VIEW V (\n"
                     "    a FLOAT32 NOT NULL DEFAULT 1\n"
                     ") FOR Driver WITH (ttl = '2 hours');\n");
    lf_catalog_release(catalog);
}

static void
clauses_come_in_any_order(void **state)
{
    struct lf_catalog *catalog = defined(
        DRIVER "CREATE FEATURE VIEW v (a INT64 RENAMED FROM b NOT NULL DEFAULT "
               "1, c INT64 DEFAULT 2 NOT NULL) FOR driver WITH (history = "
               "'1d', ttl = '1h')");

    (void)state;
    expect_described(
        catalog, "v",
        "CREATE FEATURE VIEW v (\n"
        "    a INT64 NOT NULL DEFAULT 1,\n"
        "    c INT64 NOT NULL DEFAULT 2\n"
        ") FOR driver WITH (ttl = '1 hour', history = '1 day');\n");
    lf_catalog_release(catalog);
}

static void
words_of_the_language_may_be_names(void **state)
{
    struct lf_catalog *catalog = defined(
        "CREATE ENTITY entity (key INT64);"
        "CREATE FEATURE VIEW view (default INT64, not STRING, as BOOL) FOR "
        "entity; CREATE FEATURE SERVICE service AS view(as AS as, default)");

    (void)state;
    catalog = then(catalog, "DROP FEATURE view:not");
    assert_int_equal(lf_catalog_view(catalog, "view")->feature_count, 2);
    catalog =
        then(catalog, "DROP FEATURE SERVICE service; DROP FEATURE VIEW view");
    assert_int_equal(catalog->view_count, 0);
    lf_catalog_release(catalog);
}

static void
statements_are_a_set(void **state)
{
    struct lf_catalog *catalog =
        defined("CREATE FEATURE SERVICE s AS v(*);"
                "CREATE FEATURE VIEW v (a INT64) FOR driver;" DRIVER);

    (void)state;
    assert_int_equal(catalog->version, 1);
    assert_non_null(lf_catalog_service(catalog, "s"));
    lf_catalog_release(catalog);
}

static void
a_wrong_word_is_named_with_what_was_expected(void **state)
{
    static const struct mistake mistakes[] = {
        {"CRAETE", "1:1: expected CREATE, DROP or STORE, found \"CRAETE\"; did "
                   "you mean CREATE?"},
        {"SELECT 1", "1:1: expected CREATE, DROP or STORE, found \"SELECT\""},
        {"CREATE", "1:7: expected ENTITY, FEATURE VIEW or FEATURE SERVICE, "
                   "found the end of the text"},
        {"CREATE ENTTY",
         "1:8: expected ENTITY, FEATURE VIEW or FEATURE SERVICE, found "
         "\"ENTTY\"; did you mean ENTITY?"},
        {"CREATE FEATURE VEIW",
         "1:16: expected VIEW or SERVICE, found \"VEIW\"; did you mean VIEW?"},
        {"CREATE ENTITY (",
         "1:15: expected the name of an entity, found \"(\""},
        {"CREATE ENTITY e a", "1:17: expected \"(\", found \"a\""},
        {"CREATE ENTITY e (a INT64",
         "1:25: expected \",\" or \")\", found the end of the text"},
        {"CREATE ENTITY e (a INT64) x", "1:27: expected \";\", found \"x\""},
        {"CREATE ENTITY e ()",
         "1:18: expected the name of a join key, found \")\""},
        {"DROP VIEW v",
         "1:6: expected FEATURE, ENTITY or EVENT, found \"VIEW\""},
        {"DROP FEATURE v", "1:15: expected \":\" and the name of a feature, "
                           "found the end of the text"},
        {"DROP FEATURE v:", "1:16: expected the name of a feature, found the "
                            "end of the text"},
        {"STORE (", "1:7: expected WITH, found \"(\""},
        {"CREATE FEATURE SERVICE s (", "1:26: expected AS, found \"(\""},
    };

    (void)state;
    EXPECT_MISTAKES(mistakes);
}

static void
lines_and_columns_count_from_one_in_bytes(void **state)
{
    static const struct mistake mistakes[] = {
        {"\n\n  x", "3:3: expected CREATE, DROP or STORE, found \"x\""},
        {"-- \xc3\xa4\r\n\tx",
         "2:2: expected CREATE, DROP or STORE, found \"x\""},
        {"CREATE ENTITY e ( -- \xc3\xa4 \n'\xc3\xa4' x",
         "2:1: expected the name of a join key, found \"'\xc3\xa4'\""},
        {"STORE WITH (changes = 'a\nb' x)",
         "1:23: expected a duration such as '2 hours' or '90 days'"},
    };

    (void)state;
    EXPECT_MISTAKES(mistakes);
}

static void
what_is_no_token_is_refused_where_it_begins(void **state)
{
    static const struct mistake mistakes[] = {
        {"CREATE \"x\"", "1:8: unexpected \"\"\": names have no quotes, "
                         "strings have single ones"},
        {"/* x */", "1:1: unexpected \"/\": comments begin with --"},
        {" \x01", "1:2: unexpected \"\\x01\""},
        {"\xc3\xa4", "1:1: unexpected \"\xc3\xa4\""},
        {"- -", "1:1: unexpected \"-\""},
        {"ab\n\xff", "2:1: the byte \"\\xff\" is not UTF-8"},
        {"-- \xc3(", "1:4: the byte \"\\xc3\" is not UTF-8"},
        {"STORE WITH (changes = '3 days",
         "1:23: the string that begins here has no end"},
        {"STORE WITH (changes = '3 days''",
         "1:23: the string that begins here has no end"},
        {VIEW("a BYTES DEFAULT x'0"),
         "3:17: bytes are pairs of hexadecimal digits, as in x'00ff'"},
        {VIEW("a BYTES DEFAULT x'0g'"),
         "3:17: bytes are pairs of hexadecimal digits, as in x'00ff'"},
        {VIEW("a INT64 DEFAULT 12x"),
         "3:17: a number may not run into a \"x\""},
        {VIEW("a FLOAT64 DEFAULT 1.2.3"),
         "3:19: a number may not run into a \".\""},
    };

    (void)state;
    EXPECT_MISTAKES(mistakes);
}

static void
names_are_64_bytes_and_do_not_begin_with_an_underscore(void **state)
{
    struct lf_catalog *catalog;
    char text[128];

    (void)state;
    snprintf(
        text, sizeof text, "CREATE ENTITY %.64s (k INT64)",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    catalog = defined(text);
    assert_int_equal(strlen(catalog->entities[0].name), 64);
    lf_catalog_release(catalog);
    snprintf(
        text, sizeof text, "CREATE ENTITY a%.64s (k INT64)",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    expect_invalid(text, "1:15: a name has at most 64 bytes, this one 65");
    expect_invalid("CREATE ENTITY _e (k INT64)",
                   "1:15: names that begin with \"_\" are reserved");
    expect_invalid("CREATE ENTITY e (event_timestamp INT64)",
                   "1:18: the name event_timestamp is reserved");
    expect_invalid(VIEW("event_timestamp INT64"),
                   "3:1: the name event_timestamp is reserved");
}

static void
a_text_has_at_most_a_mebibyte(void **state)
{
    struct lf_catalog *catalog;
    char *text = malloc(LF_TEXT_MAX + 2);

    (void)state;
    assert_non_null(text);
    memset(text, ' ', LF_TEXT_MAX + 1);
    text[LF_TEXT_MAX] = '\0';
    catalog = defined(text);
    lf_catalog_release(catalog);
    text[LF_TEXT_MAX] = ' ';
    text[LF_TEXT_MAX + 1] = '\0';
    expect_invalid(text, "a text has at most 1048576 bytes");
    free(text);
}

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

static void
what_comes_later_is_said_to_be_unsupported(void **state)
{
    static const struct mistake mistakes[] = {
        {"CREATE EVENT payment (id INT64)",
         "1:8: CREATE EVENT is not supported yet"},
        {VIEW("a = SUM(x) OVER '1 day'"),
         "3:3: an aggregation of events is not supported yet"},
        {DRIVER "\nCREATE FEATURE VIEW v (a INT64) FOR driver FROM e",
         "2:44: a feature view FROM an event is not supported yet"},
        {DRIVER "\nCREATE FEATURE VIEW v (a INT64) FROM e FOR driver",
         "2:33: a feature view FROM an event is not supported yet"},
        {DRIVER "\nCREATE FEATURE VIEW v (a INT64) FOR driver (a = b)",
         "2:44: join keys taken from an event are not supported yet"},
        {VIEW("a INT8[4]"),
         "3:3: the type INT8 is reserved and not supported yet"},
        {VIEW("a float16"),
         "3:3: the type FLOAT16 is reserved and not supported yet"},
    };
    struct lf_catalog *empty = lf_catalog_empty();

    (void)state;
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++)
        expect_refused(empty, mistakes[i].text, FEATURE_UNSUPPORTED, "not-yet",
                       mistakes[i].message);
    lf_catalog_release(empty);
}

static void
a_feature_view_needs_features_and_an_entity(void **state)
{
    struct lf_catalog *empty = lf_catalog_empty();
    static const struct mistake mistakes[] = {
        {"CREATE FEATURE VIEW v () FOR e",
         "1:24: expected the name of a feature, found \")\""},
        {"CREATE FEATURE VIEW v (a INT64,) FOR e",
         "1:32: expected the name of a feature, found \")\""},
        {"CREATE FEATURE VIEW v (a INT64)",
         "1:32: expected FOR and an entity, found the end of the text"},
        {"CREATE FEATURE VIEW v (a INT64) FOR e FOR e",
         "1:39: FOR is here twice"},
        {"CREATE FEATURE VIEW v (a INT64 NOT NULL NOT NULL)",
         "1:41: NOT is here twice"},
        {"CREATE FEATURE VIEW v (a INT64 DEFUALT 1)",
         "1:32: expected NOT NULL, DEFAULT, RENAMED FROM, \",\" or \")\", "
         "found "
         "\"DEFUALT\"; did you mean DEFAULT?"},
        {"CREATE FEATURE VIEW v (a INT64 NULL)",
         "1:32: expected NOT NULL, DEFAULT, RENAMED FROM, \",\" or \")\", "
         "found "
         "\"NULL\""},
        {VIEW("a INT64, b BOOL, a STRING"),
         "3:18: the feature a is here twice"},
        {VIEW("driver_id INT64"), "3:1: driver_id is a join key of driver and "
                                  "cannot be a feature"},
        {VIEW("a INT64 RENAMED FROM a"),
         "3:22: a is the old name of a feature and a feature of this text too"},
        {VIEW("a INT64, b INT64 RENAMED FROM a"),
         "3:31: a is the old name of a feature and a feature of this text too"},
        {VIEW("a INT64 RENAMED FROM c, b INT64 RENAMED FROM c"),
         "3:46: two features are renamed from c"},
    };

    (void)state;
    EXPECT_MISTAKES(mistakes);
    expect_refused(empty, DRIVER "\nCREATE FEATURE VIEW v (a INT64) FOR drivr",
                   FEATURE_NOT_FOUND, "name",
                   "2:37: there is no entity drivr; did you mean driver?");
    lf_catalog_release(empty);
}

static void
options_have_their_place_and_their_units(void **state)
{
    static const struct mistake mistakes[] = {
        {VIEW("a INT64") " WITH (tll = '1 h')",
         "4:20: expected ttl, history or max_skew, found \"tll\"; did you mean "
         "ttl?"},
        {VIEW("a INT64") " WITH (changes = '1 h')",
         "4:20: expected ttl, history or max_skew, found \"changes\""},
        {VIEW("a INT64") " WITH (ttl = 7200)",
         "4:26: expected a duration such as '2 hours', found \"7200\""},
        {VIEW("a INT64") " WITH (ttl = '1 month')",
         "4:26: months and years differ in length: write days"},
        {VIEW("a INT64") " WITH (ttl = '1 h', ttl = '1 h')",
         "4:33: ttl is set twice"},
        {VIEW("a INT64") " WITH (ttl '1 h')", "4:24: expected \"=\", found "
                                              "\"'1 h'\""},
        {VIEW("a INT64") " WITH (ttl = '1 h'",
         "4:31: expected \",\" or \")\", found the end of the text"},
        {VIEW("a INT64") " WITH (ttl = '1 h') WITH (ttl = '1 h')",
         "4:33: WITH is here twice"},
        {"STORE WITH (max_size = '5 parsecs')",
         "1:24: expected a size such as '200 GB' or '64 MiB'"},
        {"STORE WITH (ttl = '1 h')",
         "1:13: expected changes or max_size, found \"ttl\""},
        {"STORE WITH (changes = '1 h'); STORE WITH (changes = '1 h')",
         "1:31: STORE WITH is here twice"},
    };

    (void)state;
    EXPECT_MISTAKES(mistakes);
}

static void
none_unsets_an_option(void **state)
{
    struct lf_catalog *catalog = defined(VIEW("a INT64"));
    const struct lf_view *view = &catalog->views[0];

    (void)state;
    assert_int_equal(view->ttl, 0);
    assert_int_equal(view->history, 0);
    assert_true(view->max_skew == LF_SKEW_VIEW);
    lf_catalog_release(catalog);
    catalog = defined(VIEW("a INT64") " WITH (ttl = 'none', history = 'NONE', "
                                      "max_skew = 'none')");
    view = &catalog->views[0];
    assert_int_equal(view->ttl, 0);
    assert_true(view->max_skew == LF_SKEW_NONE);
    catalog = then(catalog, "STORE WITH (changes = '1d', max_size = '1 GB')");
    assert_true(catalog->changes == LF_SKEW_VIEW);
    assert_int_equal(catalog->max_size, 1000000000);
    catalog = then(catalog, "STORE WITH (changes = 'none', max_size = 'none')");
    assert_int_equal(catalog->changes, 0);
    assert_int_equal(catalog->max_size, 0);
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
    struct lf_catalog *catalog =
        defined(VIEW("a INT64 DEFAULT NULL, b "
                     "STRING[] NOT NULL DEFAULT null"));

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

static void
a_name_stands_once_in_a_text(void **state)
{
    static const struct mistake mistakes[] = {
        {DRIVER "\n" DRIVER, "2:15: this text creates driver twice"},
        {DRIVER "\nDROP ENTITY driver",
         "2:13: this text creates driver and drops it"},
        {"DROP ENTITY driver;\n" DRIVER,
         "2:15: this text creates driver and drops it"},
        {DRIVER "\nCREATE FEATURE VIEW driver (a INT64) FOR driver",
         "2:21: this text creates driver twice"},
    };

    (void)state;
    EXPECT_MISTAKES(mistakes);
}

static void
every_prefix_of_a_text_parses_or_is_refused(void **state)
{
    const char *text = DRIVER VIEW("a FLOAT32[2] NOT NULL DEFAULT [1.5, 'NaN'] "
                                   "RENAMED FROM "
                                   "b, s STRING[] DEFAULT ['x''y'], t "
                                   "TIMESTAMP DEFAULT "
                                   "'2024-01-31T12:00:00Z', x BYTES DEFAULT "
                                   "x'00'") " WITH (ttl = '2 h'); CREATE "
                                            "FEATURE SERVICE s AS v(*, a AS c) "
                                            "AS d "
                                            "(driver_id AS e), v:a; STORE WITH "
                                            "(max_size = '1 GB'); DROP FEATURE "
                                            "VIEW w; DROP FEATURE v:q -- end";
    struct lf_catalog *empty = lf_catalog_empty();

    (void)state;
    for (size_t size = 0; size < strlen(text); size++) {
        char *prefix = strndup(text, size);
        struct lf_catalog *after = NULL;
        struct feature_error error = {0};

        assert_non_null(prefix);
        if (lf_define(empty, prefix, &after, NULL, &error))
            assert_true(error.status != FEATURE_CORRUPT && error.message[0]);
        lf_catalog_release(after);
        free(prefix);
    }
    lf_catalog_release(empty);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_text_defines_nothing),
        cmocka_unit_test(keywords_have_any_case_and_names_their_own),
        cmocka_unit_test(clauses_come_in_any_order),
        cmocka_unit_test(words_of_the_language_may_be_names),
        cmocka_unit_test(statements_are_a_set),
        cmocka_unit_test(a_wrong_word_is_named_with_what_was_expected),
        cmocka_unit_test(lines_and_columns_count_from_one_in_bytes),
        cmocka_unit_test(what_is_no_token_is_refused_where_it_begins),
        cmocka_unit_test(
            names_are_64_bytes_and_do_not_begin_with_an_underscore),
        cmocka_unit_test(a_text_has_at_most_a_mebibyte),
        cmocka_unit_test(join_keys_are_one_to_eight_of_three_types),
        cmocka_unit_test(a_foreign_type_gets_the_right_hint),
        cmocka_unit_test(vectors_and_lists_have_their_types),
        cmocka_unit_test(what_comes_later_is_said_to_be_unsupported),
        cmocka_unit_test(a_feature_view_needs_features_and_an_entity),
        cmocka_unit_test(options_have_their_place_and_their_units),
        cmocka_unit_test(none_unsets_an_option),
        cmocka_unit_test(defaults_are_stored_as_cells_are),
        cmocka_unit_test(null_is_no_default),
        cmocka_unit_test(a_default_fits_its_type_or_is_refused),
        cmocka_unit_test(a_name_stands_once_in_a_text),
        cmocka_unit_test(every_prefix_of_a_text_parses_or_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
