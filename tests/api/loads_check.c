/* SPDX-License-Identifier: Apache-2.0 */
/* Rules that a load has besides those of its view. */
#include "loads.h"

#define RULED                                                                \
    "CREATE FEATURE VIEW v (a INT64, b STRING) FOR e WITH (check = 'rows > " \
    "0');"

static feature_status
try_load(struct fixture *f, struct feature_load_options options,
         const char *rows, struct feature_load_report *report)
{
    feature_load *load = begin_load(f, options);
    feature_status status;

    append(f, load, "k, a, b", rows);
    status = feature_load_commit(load, report, &problem);
    feature_load_free(load);
    return status;
}

static void
they_are_judged_with_those_of_the_view(void **state)
{
    struct fixture *f = *state;
    struct feature_load_options options = {.check = "max(a) < 10; rows >= 2;"};
    struct feature_load_report report = {.struct_size = sizeof report};

    define(f, E RULED);
    must(try_load(f, options, "1 1 one\n2 9 two", &report));
    assert_int_equal(report.gates, 3);
    assert_int_equal(report.gates_failed, 0);
    must_fail(try_load(f, options, "1 1 one\n2 10 two", NULL), FEATURE_CONFLICT,
              "gate");
    assert_string_equal(problem.message,
                        "v does not hold max(a) < 10: it is 10");
    expect_rows(f, "v(*)", "2", "present 9 two");
    must_fail(try_load(f, options, "3 3 three", NULL), FEATURE_CONFLICT,
              "gate");
    assert_string_equal(problem.message, "v does not hold rows >= 2: it is 1");
    assert_true(has_load(f, "\"state\":\"failed\""));
    assert_true(has_load(f, "{\"rule\":\"rows >= 2\",\"figure\":1,"
                            "\"holds\":false}"));
    options.flags = FEATURE_LOAD_FORCE;
    must(try_load(f, options, "3 3 three", &report));
    assert_int_equal(report.flags, FEATURE_LOADED_FORCED);
    assert_int_equal(report.gates_failed, 1);
    expect_good(f);
}

/* The next load has its own, or none; the view's definition is as it was. */
static void
they_are_of_one_load(void **state)
{
    struct fixture *f = *state;
    struct feature_load_report report = {.struct_size = sizeof report};
    char *before = NULL, *after = NULL;

    define(f, E PLAIN);
    must(feature_store_describe(f->store, "v", &before, &problem));
    must_fail(try_load(f, (struct feature_load_options){.check = "rows > 9"},
                       "1 1 one", NULL),
              FEATURE_CONFLICT, "gate");
    must(try_load(f, (struct feature_load_options){0}, "1 1 one", &report));
    assert_int_equal(report.gates, 0);
    must(try_load(f, (struct feature_load_options){.check = "row_ratio > 1"},
                  "1 1 one\n2 2 two", &report));
    assert_int_equal(report.gates, 1);
    must(feature_store_describe(f->store, "v", &after, &problem));
    assert_string_equal(before, after);
    feature_free(before);
    feature_free(after);
    expect_good(f);
}

static void
expect_mistake(struct fixture *f, const char *check, feature_status status,
               const char *reason, uint32_t line, uint32_t column,
               const char *words)
{
    struct feature_load_options options = {.struct_size = sizeof options,
                                           .check = check};
    feature_load *load = NULL;

    must_fail(feature_load_begin(f->store, "v", &options, &load, &problem),
              status, reason);
    assert_null(load);
    assert_int_equal(problem.line, line);
    assert_int_equal(problem.column, column);
    if (!strstr(problem.message, words))
        fail_msg("%s, without %s", problem.message, words);
    assert_false(has_load(f, "number"));
}

static void
mistakes_have_a_place(void **state)
{
    struct fixture *f = *state;
    char many[257 * 10] = "";

    define(f, E RULED);
    expect_mistake(f, "", FEATURE_INVALID, NULL, 1, 1, "expected rows");
    expect_mistake(f, "rows >= 2; row > 1", FEATURE_INVALID, NULL, 1, 12,
                   "expected rows");
    expect_mistake(f, "rows >= 2;\n max(a < 1", FEATURE_INVALID, NULL, 2, 8,
                   "");
    expect_mistake(f, "rows >= 2; nulls(aa) = 0", FEATURE_NOT_FOUND, "name", 1,
                   18, "v has no feature aa");
    expect_mistake(f, "max(b) < 1", FEATURE_INVALID, NULL, 1, 1, "");
    expect_mistake(f, "'rows > 1'", FEATURE_INVALID, NULL, 1, 1, "expected");
    for (int i = 0; i < 256; i++)
        strcat(many, "rows > 0;");
    expect_mistake(f, many, FEATURE_INVALID, "argument", 0, 0, "256 at most");
    expect_good(f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(they_are_judged_with_those_of_the_view),
        TEST(they_are_of_one_load),
        TEST(mistakes_have_a_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
