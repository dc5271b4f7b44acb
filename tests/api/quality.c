/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Quality rules of what a view holds: feature_store_check().
 *
 * Owns one case for each figure, one row before its bound and one past it.
 * Keeps the lines word for word.
 * Never compares with a version before: that is what loads do.
 */
#include "common.h"

#define KEYS "CREATE ENTITY e (k INT64); CREATE ENTITY p (k INT64, m STRING);"

static uint64_t
check(struct fixture *f, const char *view, char **text)
{
    struct feature_check_report report = {.struct_size = sizeof report};

    must(feature_store_check(f->store, view, &report, text, &problem));
    return report.rules * 1000 + report.failed;
}

/* The lines of v without what all of them begin with. */
static void
expect_lines(struct fixture *f, const char *expected)
{
    static const char start[] = "{\"view\":\"v\",\"rule\":\"";
    char *text = NULL, made[4096] = "";
    uint64_t rules = check(f, "v", &text), lines = 0, failed = 0;

    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        assert_memory_equal(line, start, strlen(start));
        strcat(strcat(made, line + strlen(start)), "\n");
        failed += strstr(line, "\"holds\":false") != NULL;
        lines++;
    }
    assert_string_equal(made, expected);
    assert_int_equal(rules, lines * 1000 + failed);
    feature_free(text);
}

/* A view of one rule, and whether it holds. */
static void
expect_rule(struct fixture *f, const char *rule, const char *figure, int holds)
{
    char text[600], line[400];

    snprintf(text, sizeof text,
             "CREATE FEATURE VIEW v (a INT64, d FLOAT64, s STRING, l INT32[], "
             "t TIMESTAMP, x FLOAT32[2]) FOR p WITH (check = '%s')",
             rule);
    define(f, text);
    snprintf(line, sizeof line, "%s\",\"figure\":%s,\"holds\":%s}\n", rule,
             figure, holds ? "true" : "false");
    expect_lines(f, line);
}

static void
each_figure_holds_and_fails_by_one_row(void **state)
{
    struct fixture *f = *state;

    define(f, KEYS "CREATE FEATURE VIEW v (a INT64, d FLOAT64, s STRING, l "
                   "INT32[], t TIMESTAMP, x FLOAT32[2]) FOR p");
    upsert(f, "v", NULL,
           "1 m @-60 5 0.5 u [1,2] 100 [1,2]\n"
           "1 n @-30 7 nan v [] 300 null\n"
           "2 m @-90 null -2.5 u null null [1,2]\n"
           "3 m @-91 -9223372036854775808 null null [1,2] 200 [2,1]");
    expect_rule(f, "rows >= 4", "4", 1);
    expect_rule(f, "rows >= 5", "4", 0);
    expect_rule(f, "rows BETWEEN 1 AND 3", "4", 0);
    expect_rule(f, "age <= 30 seconds", "30", 1);
    expect_rule(f, "age < 30 seconds", "30", 0);
    expect_rule(f, "nulls(a) <= 0.25", "0.25", 1);
    expect_rule(f, "nulls(a) < 0.25", "0.25", 0);
    expect_rule(f, "nulls(d) = 0.5", "0.5", 1);
    expect_rule(f, "nulls(s) = 0.25", "0.25", 1);
    expect_rule(f, "nulls(l) = 0.25", "0.25", 1);
    expect_rule(f, "nulls(x) = 0.25", "0.25", 1);
    expect_rule(f, "min(a) > -9223372036854775808", "-9223372036854775808", 0);
    expect_rule(f, "max(a) <= 7", "7", 1);
    expect_rule(f, "max(a) < 7", "7", 0);
    expect_rule(f, "min(d) >= -2.5", "-2.5", 1);
    expect_rule(f, "max(d) > 0.5", "0.5", 0);
    expect_rule(f, "min(t) >= 100", "100", 1);
    expect_rule(f, "max(t) < 300", "300", 0);
    expect_rule(f, "distinct(a) = 3", "3", 1);
    expect_rule(f, "distinct(d) = 2", "2", 1);
    expect_rule(f, "distinct(s) > 2", "2", 0);
    expect_rule(f, "distinct(l) = 2", "2", 1);
    expect_rule(f, "distinct(x) = 2", "2", 1);
    expect_rule(f, "distinct(k) >= 3", "3", 1);
    expect_rule(f, "distinct(m) <= 1", "2", 0);

    upsert(f, "v", NULL, "9 z @-10 8 0.25 w [3] 301 [0,0]");
    expect_rule(f, "rows >= 5", "5", 1);
    expect_rule(f, "age < 30 seconds", "10", 1);
    expect_rule(f, "nulls(a) < 0.25", "0.2", 1);
    expect_rule(f, "max(a) < 8", "8", 0);
    expect_rule(f, "distinct(s) > 2", "3", 1);
    erase(f, "v", "k, m, event_timestamp", "9 z @-9");
    expect_rule(f, "rows >= 5", "4", 0);
    expect_rule(f, "max(a) < 8", "7", 1);
}

static void
without_a_value_a_rule_does_not_hold(void **state)
{
    struct fixture *f = *state;

    define(f, KEYS "CREATE FEATURE VIEW v (a INT64) FOR e WITH (check = 'rows "
                   ">= 0; age < 1 d; nulls(a) >= 0; min(a) > 0; distinct(a) = "
                   "0; distinct(k) = 0; psi(a) < 0.1; row_ratio > 0.5')");
    expect_lines(
        f,
        "rows >= 0\",\"figure\":0,\"holds\":true}\n"
        "age < 1 day\",\"figure\":null,\"why\":\"no value\",\"holds\":false}"
        "\n"
        "nulls(a) >= 0\",\"figure\":null,\"why\":\"no value\",\"holds\":"
        "false}\n"
        "min(a) > 0\",\"figure\":null,\"why\":\"no value\",\"holds\":false}\n"
        "distinct(a) = 0\",\"figure\":0,\"holds\":true}\n"
        "distinct(k) = 0\",\"figure\":0,\"holds\":true}\n"
        "psi(a) < 0.1\",\"figure\":null,\"why\":\"no version before\","
        "\"holds\":true}\n"
        "row_ratio > 0.5\",\"figure\":null,\"why\":\"no version before\","
        "\"holds\":true}\n");
    upsert(f, "v", NULL, "1 @-1 null");
    define(f, "CREATE FEATURE VIEW v (a INT64) FOR e WITH (check = 'min(a) < "
              "0; nulls(a) = 1')");
    expect_lines(f, "min(a) < 0\",\"figure\":null,\"why\":\"no value\","
                    "\"holds\":false}\n"
                    "nulls(a) = 1\",\"figure\":1,\"holds\":true}\n");
}

/* Rows of three schemas: a is wider now, b came later, and c has gone. */
static void
rows_of_older_schemas_count_as_what_they_are(void **state)
{
    struct fixture *f = *state;

    define(f, KEYS "CREATE FEATURE VIEW v (a INT32, c INT64) FOR e");
    upsert(f, "v", NULL, "1 @-1 -3 9\n2 @-1 4 9");
    define(f, "CREATE FEATURE VIEW v (b STRING DEFAULT 'x') FOR e");
    upsert(f, "v", "k, event_timestamp, a, c, b", "3 @-1 4 1 y");
    define(f, "CREATE FEATURE VIEW v (a FLOAT64) FOR e WITH (check = 'min(a) "
              "> -3.5; max(a) < 4.25; distinct(a) = 3; nulls(b) <= 0.5'); "
              "DROP FEATURE v:c");
    upsert(f, "v", "k, event_timestamp, a, b", "4 @-1 4.25 z");
    expect_lines(f, "min(a) > -3.5\",\"figure\":-3,\"holds\":true}\n"
                    "max(a) < 4.25\",\"figure\":4.25,\"holds\":false}\n"
                    "distinct(a) = 3\",\"figure\":3,\"holds\":true}\n"
                    "nulls(b) <= 0.5\",\"figure\":0.5,\"holds\":true}\n");
}

static void
infinite_values_have_no_number_in_json(void **state)
{
    struct fixture *f = *state;

    define(f, KEYS "CREATE FEATURE VIEW v (a FLOAT32, b FLOAT64) FOR e WITH "
                   "(check = 'max(a) < 1e30; min(a) >= 5; max(b) <= -1')");
    upsert(f, "v", NULL, "1 @-1 inf -2.5\n2 @-1 5 -1.5");
    expect_lines(f,
                 "max(a) < 1e+30\",\"figure\":\"Infinity\",\"holds\":false}\n"
                 "min(a) >= 5\",\"figure\":5,\"holds\":true}\n"
                 "max(b) <= -1\",\"figure\":-1.5,\"holds\":true}\n");
}

/* HyperLogLog: 0.8 % of standard error, so three of them. */
static void
many_distinct_values_are_about_as_many(void **state)
{
    struct fixture *f = *state;
    char *rows = malloc(2000000), *at = rows, *text = NULL;
    unsigned long figure;

    assert_non_null(rows);
    define(f, KEYS "CREATE FEATURE VIEW v (a INT64) FOR p WITH (check = "
                   "'distinct(k) > 1; distinct(a) > 1; rows > 1')");
    for (int i = 0; i < 30000; i++)
        at += sprintf(at, "%s%d x%d @-1 %d", i ? "\n" : "", i % 20000, i,
                      i % 10000);
    upsert(f, "v", NULL, rows);
    free(rows);
    check(f, "v", &text);
    figure = strtoul(strstr(text, "\"figure\":") + 9, NULL, 10);
    assert_in_range(figure, 19500, 20500);
    figure = strtoul(strstr(strstr(text, "distinct(a)"), "\"figure\":") + 9,
                     NULL, 10);
    assert_in_range(figure, 9750, 10250);
    assert_non_null(strstr(text, "\"rows > 1\",\"figure\":30000,"));
    feature_free(text);
}

static void
views_of_events_have_figures_of_their_rows(void **state)
{
    struct fixture *f = *state;

    define(f, KEYS "CREATE EVENT b (k INT64, m STRING, x FLOAT64);"
                   "CREATE FEATURE VIEW v (n = COUNT(*)) FOR p FROM b WITH "
                   "(check = 'rows = 3; age <= 5 s; distinct(k) = 2; "
                   "distinct(m) < 2')");
    write_rows(f, FEATURE_EVENT, "b", NULL,
               "1 x 1 @-9\n1 y 1 @-5\n2 x 1 @-7\n2 x 1 @-7");
    expect_lines(f, "rows = 3\",\"figure\":3,\"holds\":true}\n"
                    "age <= 5 seconds\",\"figure\":5,\"holds\":true}\n"
                    "distinct(k) = 2\",\"figure\":2,\"holds\":true}\n"
                    "distinct(m) < 2\",\"figure\":2,\"holds\":false}\n");
}

static void
views_without_rules_have_no_lines(void **state)
{
    struct fixture *f = *state;
    struct feature_check_report report = {.struct_size = sizeof report};
    char *text = NULL;

    define(f, KEYS "CREATE FEATURE VIEW u (a INT64) FOR e;"
                   "CREATE FEATURE VIEW v (a INT64) FOR e WITH (check = 'rows "
                   "> 0');"
                   "CREATE FEATURE VIEW w (a INT64) FOR e WITH (check = 'rows "
                   "= 0; rows = 1')");
    assert_int_equal(check(f, "u", &text), 0);
    assert_string_equal(text, "");
    feature_free(text);
    assert_int_equal(check(f, NULL, &text), 3002);
    assert_string_equal(
        text, "{\"view\":\"v\",\"rule\":\"rows > 0\",\"figure\":0,\"holds\":"
              "false}\n"
              "{\"view\":\"w\",\"rule\":\"rows = 0\",\"figure\":0,\"holds\":"
              "true}\n"
              "{\"view\":\"w\",\"rule\":\"rows = 1\",\"figure\":0,\"holds\":"
              "false}\n");
    feature_free(text);
    assert_int_equal(check(f, NULL, NULL), 3002);
    text = (char *)&report;
    must_fail(feature_store_check(f->store, "x", &report, &text, &problem),
              FEATURE_NOT_FOUND, "name");
    assert_ptr_equal(text, &report);
    must_fail(feature_store_check(f->store, NULL, NULL, &text, &problem),
              FEATURE_INVALID, "argument");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_figure_holds_and_fails_by_one_row),
        TEST(without_a_value_a_rule_does_not_hold),
        TEST(rows_of_older_schemas_count_as_what_they_are),
        TEST(infinite_values_have_no_number_in_json),
        TEST(many_distinct_values_are_about_as_many),
        TEST(views_of_events_have_figures_of_their_rows),
        TEST(views_without_rules_have_no_lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
