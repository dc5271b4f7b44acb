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
        {"CREATE",
         "1:7: expected ENTITY, EVENT, FEATURE VIEW or FEATURE SERVICE, "
         "found the end of the text"},
        {"CREATE ENTTY",
         "1:8: expected ENTITY, EVENT, FEATURE VIEW or FEATURE SERVICE, found "
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
what_comes_later_is_said_to_be_unsupported(void **state)
{
    static const struct mistake mistakes[] = {
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
        {"CREATE FEATURE VIEW v (a INT64, b STRING NOT NULL DEFAULT NULL)",
         "1:51: b is NOT NULL: DEFAULT NULL is no default for it"},
        {"CREATE FEATURE VIEW v (a INT64 DEFAULT null NOT NULL)",
         "1:32: a is NOT NULL: DEFAULT NULL is no default for it"},
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
         "4:20: expected ttl, history, max_skew, changes, keep_versions, "
         "check, "
         "slack or zone, found \"tll\"; did you mean ttl?"},
        {VIEW("a INT64") " WITH (keep_versions = '2')",
         "4:36: expected a number of versions, 0 to 8, found \"'2'\""},
        {VIEW("a INT64") " WITH (keep_versions = 1.5)",
         "4:36: expected a number of versions, 0 to 8, found \"1.5\""},
        {VIEW("a INT64") " WITH (keep_versions = 9)",
         "4:36: a feature view keeps 0 to 8 versions"},
        {VIEW("a INT64") " WITH (keep_versions = -1)",
         "4:36: a feature view keeps 0 to 8 versions"},
        {VIEW("a INT64") " WITH (keep_versions = 99999999999999999999)",
         "4:36: a feature view keeps 0 to 8 versions"},
        {VIEW("a INT64") " WITH (changes = '1 h')",
         "4:30: expected 'before_after' or 'none'"},
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
         "1:13: expected changes, changes_size or max_size, found \"ttl\""},
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
        cmocka_unit_test(what_comes_later_is_said_to_be_unsupported),
        cmocka_unit_test(a_feature_view_needs_features_and_an_entity),
        cmocka_unit_test(options_have_their_place_and_their_units),
        cmocka_unit_test(none_unsets_an_option),
        cmocka_unit_test(a_name_stands_once_in_a_text),
        cmocka_unit_test(every_prefix_of_a_text_parses_or_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
