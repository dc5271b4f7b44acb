/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Quality rules in definitions: what is read, refused, printed and planned.
 *
 * Owns each figure's limits and each mistake's place, word for word.
 * Keeps comparisons exact where a double would not be.
 * Never looks at rows: those are of tests/unit/quality.c.
 */
#include <math.h>

#include "evolution.h"

#define RULED(features, rules)                               \
    DRIVER "\nCREATE FEATURE VIEW v (\n" features "\n) FOR " \
           "driver WITH (\ncheck = '" rules "');"

static void
expect_mistake(const char *text, const char *message)
{
    expect_invalid(text, message);
}

static void
mistakes_have_their_place_within_the_quotes(void **state)
{
    (void)state;
    expect_mistake(RULED("a INT64", "row >= 1"),
                   "5:10: expected rows, row_ratio, age, nulls, min, max, "
                   "distinct or psi, found \"row\"; did you mean rows?");
    expect_mistake(RULED("a INT64", "rows >= 1;\n  nulls a"),
                   "6:9: expected \"(\", found \"a\"");
    expect_mistake(RULED("a INT64", "rows > 1; max(a, 1) > 1;\n rows > 1"),
                   "5:25: expected \")\", found \",\"");
    expect_mistake(RULED("a INT64", "rows >= 1 AND rows < 3"),
                   "5:20: expected \";\" between rules, found \"AND\"");
    expect_mistake(RULED("a INT64", ""),
                   "5:10: expected rows, row_ratio, age, nulls, min, max, "
                   "distinct or psi, found the end of the text");
    expect_mistake(RULED("a INT64", "rows 1"),
                   "5:15: expected =, <>, <, <=, >, >= or BETWEEN, found "
                   "\"1\"");
    expect_mistake(RULED("a INT64", "rows >= x"),
                   "5:18: expected a number, found \"x\"");
    expect_mistake(RULED("a INT64", "rows BETWEEN 1 OR 2"),
                   "5:25: expected AND, found \"OR\"");
    expect_mistake(RULED("a INT64", "max(a) < 1e999"),
                   "5:19: the number is out of range");
    expect_mistake(DRIVER "CREATE FEATURE VIEW v (a INT64) FOR driver WITH "
                          "(check = rows)",
                   "1:97: expected rules such as 'rows >= 1000', found "
                   "\"rows\"");
}

static void
an_age_is_a_duration_without_quotes(void **state)
{
    (void)state;
    expect_mistake(RULED("a INT64", "age <= ''2 days''"),
                   "5:17: expected a duration such as 2 days, found \"''\"");
    expect_mistake(RULED("a INT64", "age <= 2"),
                   "5:18: expected a unit, as in 2 days, found the end of the "
                   "text");
    expect_mistake(RULED("a INT64", "age <= 2 months"),
                   "5:17: months and years differ in length: write days");
    expect_mistake(
        RULED("a INT64", "age <= 1111111111111111111111111111111111111 days"),
        "5:17: expected a duration such as 2 days");
}

static void
figures_fit_the_type_of_their_feature(void **state)
{
    static const char *const refused[] = {
        "min(s) > 0", "max(l) > 0", "min(v2) > 0", "max(o) > 0",
        "psi(s) < 1", "psi(l) < 1", "psi(t) < 1",  "psi(b) < 1"};
    static const char *const accepted[] = {
        "nulls(s) < 1", "distinct(l) > 1", "nulls(v2) < 1", "distinct(o) > 1",
        "psi(o) < 1",   "psi(i) < 1",      "min(t) > 0",    "max(f) < 1",
        "nulls(b) < 1", "distinct(v2) > 0"};
    const char *features = "s STRING, l INT32[], v2 FLOAT32[2], o BOOL, t "
                           "TIMESTAMP, b BYTES, i INT32, f FLOAT64";
    char text[400], message[200];

    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        snprintf(text, sizeof text,
                 DRIVER "CREATE FEATURE VIEW v (%s) FOR driver WITH (check = "
                        "'%s')",
                 features, refused[i]);
        snprintf(message, sizeof message, "1:%d: %s",
                 (int)(strstr(text, refused[i]) - text) + 1,
                 refused[i][0] == 'p'
                     ? "psi is of features that are one number or BOOL"
                     : "min and max are of features that are one number or "
                       "TIMESTAMP");
        expect_mistake(text, message);
    }
    for (size_t i = 0; i < sizeof accepted / sizeof *accepted; i++) {
        snprintf(text, sizeof text,
                 DRIVER "CREATE FEATURE VIEW v (%s) FOR driver WITH (check = "
                        "'%s')",
                 features, accepted[i]);
        lf_catalog_release(defined(text));
    }
}

static void
bounds_make_sense(void **state)
{
    (void)state;
    expect_mistake(RULED("a INT64", "rows > 1; nulls(a) <= 5"),
                   "5:20: nulls is a share of the rows, 0 to 1");
    expect_mistake(RULED("a INT64", "nulls(a) >= -0.1"),
                   "5:10: nulls is a share of the rows, 0 to 1");
    expect_mistake(RULED("a INT64", "max(a) BETWEEN 2 AND 1"),
                   "5:10: the first bound is above the second");
    expect_mistake(RULED("a INT64", "nulls(driver_id) = 0"),
                   "5:10: of a join key there is distinct alone");
}

static void
an_unknown_feature_is_named_and_maybe_meant(void **state)
{
    struct lf_catalog *empty = lf_catalog_empty();

    (void)state;
    expect_refused(empty, RULED("amount INT64", "min(amuont) > 0"),
                   FEATURE_NOT_FOUND, "name",
                   "5:14: v has no feature amuont; did you mean amount?");
    expect_refused(empty, RULED("amount INT64", "distinct(driverid) > 0"),
                   FEATURE_NOT_FOUND, "name",
                   "5:19: v has no feature driverid; did you mean driver_id?");
    lf_catalog_release(empty);
}

#define EVENT                                             \
    DRIVER "CREATE EVENT p (driver_id INT64, x FLOAT64);" \
           "CREATE FEATURE VIEW w (n = COUNT(*)) FOR driver FROM p"

static void
a_view_from_an_event_has_rules_of_its_rows(void **state)
{
    struct lf_catalog *catalog =
        defined(EVENT " WITH (check = 'rows > 0; row_ratio >= 0.5; age < 1 h; "
                      "distinct(driver_id) > 1', keep_versions = 2)");

    (void)state;
    expect_plan(catalog, EVENT " WITH (check = 'none')",
                "change check of w from 'rows > 0; row_ratio >= 0.5; age < 1 "
                "hour; distinct(driver_id) > 1' to 'none'\n");
    lf_catalog_release(catalog);
    expect_invalid(EVENT " WITH (check = 'nulls(n) < 1')",
                   "1:154: a feature view FROM an event has rules of rows, "
                   "row_ratio, age and distinct of a join key: its features "
                   "have a value at each time");
}

static void
rules_change_at_any_time_and_stay_where_a_text_has_none(void **state)
{
    const char *view = VIEW("a INT64, b INT64");
    struct lf_catalog *catalog = defined(view);

    (void)state;
    catalog = then(catalog, RULED("a INT64, b INT64", "max(a) < 1e6;"));
    expect_plan(catalog, view, "");
    expect_plan(catalog, RULED("a INT64", "max(a) < 1000000"),
                "kept, not in this text: feature v:b\n");
    expect_plan(catalog, RULED("a INT64, b INT64", "max(a) < 1000001"),
                "change check of v from 'max(a) < 1000000' to 'max(a) < "
                "1000001'\n");
    expect_plan(catalog, RULED("a INT64, b INT64", "max(b) < 1000000"),
                "change check of v from 'max(a) < 1000000' to 'max(b) < "
                "1000000'\n");
    expect_plan(catalog, RULED("a INT64, b INT64", "none"),
                "change check of v from 'max(a) < 1000000' to 'none'\n");
    assert_int_equal(schemas(catalog), 1);
    lf_catalog_release(catalog);
}

static void
a_feature_that_a_rule_names_stays(void **state)
{
    struct lf_catalog *catalog =
        defined(RULED("a INT64, b INT64", "rows > 1; max(a) < 5"));

    (void)state;
    expect_refused(catalog, "DROP FEATURE v:a", FEATURE_CONFLICT, "in-use",
                   "1:16: the rule max(a) < 5 of v still uses a");
    catalog = then(catalog, "DROP FEATURE v:b");
    catalog = then(catalog, VIEW("c INT64 RENAMED FROM a"));
    expect_described(catalog, "v",
                     "CREATE FEATURE VIEW v (\n    c INT64\n) FOR driver WITH "
                     "(check = 'rows > 1; max(c) < 5');\n");
    catalog = then(catalog, RULED("d INT64", "rows > 1") "DROP FEATURE v:c");
    lf_catalog_release(catalog);
}

static void
amounts_are_compared_without_rounding(void **state)
{
    static const struct {
        int64_t whole;
        double real;
        int order;
    } cases[] = {{INT64_MAX, 9223372036854775808.0, -1},
                 {INT64_MIN, -9223372036854775808.0, 0},
                 {INT64_MIN, -1e300, 1},
                 {9007199254740993, 9007199254740992.0, 1},
                 {9007199254740991, 9007199254740992.0, -1},
                 {0, 0.5, -1},
                 {0, -0.5, 1},
                 {-1, -0.5, -1},
                 {0, -0.0, 0},
                 {INT64_MAX, INFINITY, -1},
                 {INT64_MIN, -INFINITY, 1}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct lf_amount a = lf_amount_whole(cases[i].whole);
        struct lf_amount b = lf_amount_real(cases[i].real);

        assert_int_equal(lf_amount_compare(a, b), cases[i].order);
        assert_int_equal(lf_amount_compare(b, a), -cases[i].order);
    }
    assert_false(lf_amount_real(-0.0).is_real);
    assert_true(lf_amount_real(9223372036854775808.0).is_real);
    assert_int_equal(
        lf_amount_compare(lf_amount_real(0.25), lf_amount_real(0.5)), -1);
}

static void
each_operator_holds_where_it_should(void **state)
{
    static const char holds[][4] = {
        /* of 1, 2, 3 against 2; BETWEEN 2 AND 3 */
        [LF_RULE_EQUAL] = "010",   [LF_RULE_NOT_EQUAL] = "101",
        [LF_RULE_LESS] = "100",    [LF_RULE_LESS_EQUAL] = "110",
        [LF_RULE_GREATER] = "001", [LF_RULE_GREATER_EQUAL] = "011",
        [LF_RULE_BETWEEN] = "011"};

    (void)state;
    for (int op = LF_RULE_EQUAL; op <= LF_RULE_BETWEEN; op++)
        for (int i = 0; i < 3; i++) {
            struct lf_rule rule = {.figure = LF_ROWS,
                                   .op = (enum lf_rule_op)op,
                                   .low = lf_amount_whole(2),
                                   .high = lf_amount_whole(3)};

            assert_int_equal(lf_rule_holds(&rule, lf_amount_whole(i + 1)),
                             holds[op][i] == '1');
        }
}

static void
a_view_has_at_most_256_rules(void **state)
{
    struct lf_text text = {0};
    char *taken;

    (void)state;
    lf_text_add(&text, DRIVER "CREATE FEATURE VIEW v (a INT64) FOR driver WITH "
                              "(check = '");
    for (int i = 0; i < LF_RULES_MAX; i++)
        lf_text_add(&text, "rows>%d;", i);
    lf_text_add(&text, "')");
    taken = lf_text_take(&text);
    lf_catalog_release(defined(taken));
    memcpy(strstr(taken, "')"), "  ", 2);
    lf_text_add(&text, "%s rows>1')", taken);
    free(taken);
    taken = lf_text_take(&text);
    expect_invalid(taken, "1:2295: a feature view has at most 256 rules");
    free(taken);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mistakes_have_their_place_within_the_quotes),
        cmocka_unit_test(an_age_is_a_duration_without_quotes),
        cmocka_unit_test(figures_fit_the_type_of_their_feature),
        cmocka_unit_test(bounds_make_sense),
        cmocka_unit_test(an_unknown_feature_is_named_and_maybe_meant),
        cmocka_unit_test(a_view_from_an_event_has_rules_of_its_rows),
        cmocka_unit_test(
            rules_change_at_any_time_and_stay_where_a_text_has_none),
        cmocka_unit_test(a_feature_that_a_rule_names_stays),
        cmocka_unit_test(amounts_are_compared_without_rounding),
        cmocka_unit_test(each_operator_holds_where_it_should),
        cmocka_unit_test(a_view_has_at_most_256_rules),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
