/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gates of loads: quality rules between what serves and what was loaded.
 *
 * Owns one case a figure, held and failed by one row, and what is left of it.
 * Keeps what serves as it was, whenever a gate fails.
 * Never loads a view without rules: that is what tests/api/loads.c does.
 */
#include "loads.h"

static void
rule(struct fixture *f, const char *rules)
{
    char text[400];

    snprintf(text, sizeof text,
             E "CREATE FEATURE VIEW v (a INT64, b STRING) FOR e WITH "
               "(keep_versions = 1, check = '%s')",
             rules);
    define(f, text);
}

static feature_status
try_load(struct fixture *f, uint32_t flags, const char *id, const char *rows,
         struct feature_load_report *report)
{
    feature_load *load =
        begin_load(f, (struct feature_load_options){.flags = flags, .id = id});
    feature_status status;

    append(f, load, "k, event_timestamp, a, b", rows);
    status = feature_load_commit(load, report, &problem);
    feature_load_free(load);
    return status;
}

/* Refused, for this reason; first what the view then still has. */
static void
expect_gate(struct fixture *f, const char *rows, const char *message)
{
    must_fail(try_load(f, 0, NULL, rows, NULL), FEATURE_CONFLICT, "gate");
    assert_string_equal(problem.message, message);
    expect_rows(f, "v(*)", "1\n2\n9",
                "present 5 x\npresent 6 y\nnot_found "
                "null null");
}

static void
expect_pass(struct fixture *f, const char *rows)
{
    must(try_load(f, 0, NULL, rows, NULL));
    must(try_load(f, FEATURE_LOAD_FORCE, NULL, "1 @-1 5 x\n2 @-1 6 y", NULL));
}

static void
each_rule_stops_a_load_by_one_row(void **state)
{
    struct fixture *f = *state;

    rule(f, "none");
    upsert(f, "v", NULL, "1 @-1 5 x\n2 @-1 6 y");
    rule(f, "rows >= 3");
    expect_gate(f, "1 @-1 5 x\n9 @-1 6 y",
                "v does not hold rows >= 3: it is 2");
    expect_pass(f, "1 @-1 5 x\n9 @-1 6 y\n3 @-1 6 y");
    rule(f, "row_ratio BETWEEN 0.5 AND 1.5");
    expect_gate(f, "9 @-1 1 a\n8 @-1 1 a\n7 @-1 1 a\n6 @-1 1 a",
                "v does not hold row_ratio BETWEEN 0.5 AND 1.5: it is 2");
    expect_pass(f, "9 @-1 1 a");
    rule(f, "age <= 1 minute");
    expect_gate(f, "9 @-61 1 a",
                "v does not hold age <= 1 minute: it is 61 "
                "seconds");
    expect_pass(f, "8 @-61 1 a\n9 @-60 1 a");
    rule(f, "nulls(b) < 0.5");
    expect_gate(f, "9 @-1 1 null\n1 @-1 1 b",
                "v does not hold nulls(b) < 0.5: it is 0.5");
    expect_pass(f, "9 @-1 1 null\n1 @-1 1 b\n2 @-1 1 b");
    rule(f, "min(a) >= 0; max(a) < 100");
    expect_gate(f, "9 @-1 -1 null\n1 @-1 99 b",
                "v does not hold min(a) >= 0: it is -1");
    expect_gate(f, "9 @-1 0 null\n1 @-1 100 b",
                "v does not hold max(a) < 100: it is 100");
    expect_gate(f, "9 @-1 -1 null\n1 @-1 100 b",
                "v does not hold min(a) >= 0: it is -1, nor others");
    expect_pass(f, "9 @-1 0 null\n1 @-1 99 b");
    rule(f, "distinct(b) >= 2");
    expect_gate(f, "9 @-1 0 null\n1 @-1 99 b",
                "v does not hold distinct(b) >= 2: it is 1");
    expect_pass(f, "9 @-1 0 a\n1 @-1 99 b");
    expect_good(f);
}

/* Half of the values move from one bin to the other: 0.5 ln 2 - 0.25 ln 0.5... */
static void
a_shift_is_measured_against_what_serves(void **state)
{
    struct fixture *f = *state;

    rule(f, "psi(a) <= 0.2");
    upsert(f, "v", NULL, "1 @-1 5 x\n2 @-1 6 y");
    /* bins 5 and 6: 0.5, 0.5 to 0.25, 0.75: 0.25 ln 2 + 0.25 ln 1.5 */
    expect_gate(f, "1 @-1 5 x\n3 @-1 6 y\n4 @-1 6 y\n9 @-1 6 y",
                "v does not hold psi(a) <= 0.2: it is 0.2746530721670274");
    /* 0.4, 0.6: 0.1 ln 1.25 + 0.1 ln 1.2 */
    expect_pass(f, "1 @-1 5 x\n3 @-1 5 y\n4 @-1 6 y\n5 @-1 6 y\n6 @-1 6 y");
    /* one null of two: its share is 0.5 against none */
    must_fail(try_load(f, 0, NULL, "1 @-1 5 x\n2 @-1 null x", NULL),
              FEATURE_CONFLICT, "gate");
}

static void
an_empty_load_drops_to_zero(void **state)
{
    struct fixture *f = *state;
    feature_load *load;

    rule(f, "row_ratio > 0");
    upsert(f, "v", NULL, "1 @-1 5 x\n2 @-1 6 y");
    load = begin_load(f, (struct feature_load_options){0});
    must_fail(feature_load_commit(load, NULL, &problem), FEATURE_CONFLICT,
              "gate");
    assert_string_equal(problem.message,
                        "v does not hold row_ratio > 0: it is 0");
    feature_load_free(load);
    expect_rows(f, "v(*)", "1", "present 5 x");
}

static void
the_first_load_has_no_version_before(void **state)
{
    struct feature_load_report report = {.struct_size = sizeof report};
    struct fixture *f = *state;

    rule(f, "row_ratio > 0.9; psi(a) < 0.1; rows = 1");
    must(try_load(f, 0, "first", "1 @-1 5 x", &report));
    assert_int_equal(report.gates, 3);
    assert_int_equal(report.gates_failed, 0);
    assert_true(has_load(f, "\"figures\":[{\"rule\":\"row_ratio > 0.9\","
                            "\"figure\":null,\"why\":\"no version before\","
                            "\"holds\":true},{\"rule\":\"psi(a) < 0.1\","
                            "\"figure\":null,\"why\":\"no version before\","
                            "\"holds\":true},{\"rule\":\"rows = 1\","
                            "\"figure\":1,\"holds\":true}]"));
    must_fail(try_load(f, 0, "second", "1 @-1 5 x\n2 @-1 5 x", NULL),
              FEATURE_CONFLICT, "gate");
}

static void
a_failed_gate_is_on_record_and_force_passes_it(void **state)
{
    struct feature_load_report report = {.struct_size = sizeof report};
    struct fixture *f = *state;

    rule(f, "rows > 1; nulls(a) = 0");
    upsert(f, "v", NULL, "1 @-1 5 x\n2 @-1 6 y");
    must_fail(try_load(f, 0, "night", "1 @-1 7 x", NULL), FEATURE_CONFLICT,
              "gate");
    assert_true(has_load(f, "\"id\":\"night\",\"state\":\"failed\""));
    assert_true(has_load(f, "\"gates\":2,\"gates_failed\":1,\"forced\":false,"
                            "\"figures\":[{\"rule\":\"rows > 1\",\"figure\":1,"
                            "\"holds\":false},{\"rule\":\"nulls(a) = 0\","
                            "\"figure\":0,\"holds\":true}]"));
    assert_true(
        has_load(f, "\"problem\":\"v does not hold rows > 1: it is 1\""));
    must(try_load(f, FEATURE_LOAD_FORCE, "night", "1 @-1 7 x", &report));
    assert_int_equal(report.flags, FEATURE_LOADED_FORCED);
    assert_int_equal(report.gates, 2);
    assert_int_equal(report.gates_failed, 1);
    assert_true(has_load(f, "\"gates_failed\":1,\"forced\":true"));
    expect_rows(f, "v(*)", "1\n2", "present 7 x\nnot_found null null");
    must(try_load(f, FEATURE_LOAD_FORCE, "good", "1 @-1 7 x\n2 @-1 7 x",
                  &report));
    assert_int_equal(report.flags, 0);
    expect_good(f);
}

/* What came after the cut is not the batch's to answer for. */
static void
rules_are_of_the_load_before_it_catches_up(void **state)
{
    struct fixture *f = *state;
    feature_load *load;

    define(f, FED);
    rule(f, "rows <= 2; max(a) < 100");
    upsert(f, "v", NULL, "1 @-1 5 x\n2 @-1 6 y");
    load = begin_load(f, (struct feature_load_options){0});
    upsert(f, "v", NULL, "3 @-1 500 x");
    append(f, load, "k, event_timestamp, a, b", "1 @-1 50 x\n2 @-1 60 y");
    (void)commit_load(load);
    expect_rows(f, "v(*)", "1\n3", "present 50 x\npresent 500 x");
}

static void
rules_of_the_moment_a_load_began_decide(void **state)
{
    struct fixture *f = *state;
    feature_load *load;

    rule(f, "rows > 0");
    load = begin_load(f, (struct feature_load_options){0});
    rule(f, "rows > 5");
    append(f, load, "k, a, b", "1 50 x");
    must_fail(feature_load_commit(load, NULL, &problem), FEATURE_CONFLICT,
              "schema-changed");
    feature_load_free(load);
}

/* More rows than one snapshot takes, on both sides: each is met once. */
static void
many_rows_are_met_once_each(void **state)
{
    struct feature_load_report report = {.struct_size = sizeof report};
    struct fixture *f = *state;
    feature_load *load;
    char *rows = malloc(4000000), *at = rows;

    assert_non_null(rows);
    rule(f, "nulls(a) = 0.0007142857142857143; distinct(k) = 140000; max(a) = "
            "139999; psi(a) < 1e-12");
    for (int i = 0; i < 140000; i++)
        at += i < 100 ? sprintf(at, "%s%d null x", i ? "\n" : "", i + 100)
                      : sprintf(at, "\n%d %d x", i + 100, i);
    for (int i = 0; i < 2; i++) {
        load = begin_load(f, (struct feature_load_options){0});
        append(f, load, "k, a, b", rows);
        report = commit_load(load);
        assert_int_equal(report.gates, 4);
        assert_int_equal(report.gates_failed, 0);
    }
    assert_true(has_load(f, "\"psi(a) < 1e-12\",\"figure\":0,"));
    free(rows);
}

/* The live view is compared with the version that it replaced. */
static void
a_check_sees_the_version_that_is_kept(void **state)
{
    struct feature_check_report report = {.struct_size = sizeof report};
    struct fixture *f = *state;
    char *text = NULL;

    rule(f, "row_ratio = 0.5; psi(a) > 0.2");
    upsert(f, "v", NULL, "1 @-1 5 x\n2 @-1 6 y");
    must(try_load(f, FEATURE_LOAD_FORCE, NULL, "1 @-1 6 x", NULL));
    must(feature_store_check(f->store, "v", &report, &text, &problem));
    assert_int_equal(report.rules, 2);
    assert_int_equal(report.failed, 0);
    assert_non_null(strstr(text, "\"row_ratio = 0.5\",\"figure\":0.5,"));
    feature_free(text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_rule_stops_a_load_by_one_row),
        TEST(a_shift_is_measured_against_what_serves),
        TEST(an_empty_load_drops_to_zero),
        TEST(the_first_load_has_no_version_before),
        TEST(a_failed_gate_is_on_record_and_force_passes_it),
        TEST(rules_are_of_the_load_before_it_catches_up),
        TEST(rules_of_the_moment_a_load_began_decide),
        TEST(many_rows_are_met_once_each),
        TEST(a_check_sees_the_version_that_is_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
