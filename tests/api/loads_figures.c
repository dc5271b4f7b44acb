/* SPDX-License-Identifier: Apache-2.0 */
/* Loads among the metrics. */
#include "loads.h"

#define WITH_TWO                                                             \
    "CREATE FEATURE VIEW v (a INT64, b STRING) FOR e WITH (keep_versions = " \
    "2);"

static void
a_store_without_loads_has_none(void **state)
{
    struct fixture *f = *state;
    char *text = NULL;

    define(f, E PLAIN);
    upsert(f, "v", "k, a, b", "1 1 one");
    must(feature_store_metrics(f->store, &text, &problem));
    assert_null(strstr(text, "feature_load"));
    assert_null(strstr(text, "versions_kept"));
    feature_free(text);
}

static void
loads_are_counted_by_state(void **state)
{
    struct fixture *f = *state;
    feature_load *load;

    define(f, E PLAIN "CREATE FEATURE VIEW w (a INT64) FOR e;");
    load_rows(f, "1 1 one");
    load_rows(f, "1 1 one\n2 2 two\n3 3 three");
    load = begin_load(f, (struct feature_load_options){.check = "rows > 5"});
    append(f, load, "k, a, b", "1 1 one");
    must_fail(feature_load_commit(load, NULL, &problem), FEATURE_CONFLICT,
              "gate");
    feature_load_free(load);
    load = begin_load(f, (struct feature_load_options){0});
    must(feature_load_abort(load, &problem));
    feature_load_free(load);
    load = begin_load(f, (struct feature_load_options){0});
    assert_true(has_metric(f, "loads{view=\"v\",state=\"building\"} 1"));
    assert_true(has_metric(f, "loads{view=\"v\",state=\"interrupted\"} 0"));
    assert_true(has_metric(f, "loads{view=\"v\",state=\"committed\"} 2"));
    assert_true(has_metric(f, "loads{view=\"v\",state=\"failed\"} 1"));
    assert_true(has_metric(f, "loads{view=\"v\",state=\"aborted\"} 1"));
    assert_false(has_metric(f, "loads{view=\"w\",state=\"committed\"} 0"));
    feature_load_free(load);
    assert_true(has_metric(f, "loads{view=\"v\",state=\"building\"} 0"));
    assert_true(has_metric(f, "loads{view=\"v\",state=\"aborted\"} 2"));
}

static void
the_newest_load_has_figures(void **state)
{
    struct fixture *f = *state;
    struct feature_load_report report;
    char line[80];

    define(f, E PLAIN);
    load_rows(f, "1 1 one");
    report = load_rows(f, "1 1 one\n2 2 two\n3 3 three");
    roll_back(f, 0);
    assert_true(has_metric(f, "load_rows{view=\"v\"} 3"));
    assert_true(has_metric(f, "load_duration_seconds{view=\"v\"} 0.000000"));
    snprintf(line, sizeof line, "load_time_seconds{view=\"v\"} %lld.%06lld",
             (long long)(report.time / SECOND),
             (long long)(report.time % SECOND));
    assert_true(has_metric(f, line));
    assert_true(has_metric(f, "load_leftovers{view=\"v\"} 0"));
}

static void
versions_that_are_kept_have_figures(void **state)
{
    struct fixture *f = *state;
    struct feature_load_report first, second;
    char line[80];

    define(f, E WITH_TWO);
    upsert(f, "v", "k, a, b", "1 1 one\n2 2 two");
    first = load_rows(f, "1 1 one\n2 2 two\n3 3 three");
    assert_true(has_metric(f, "view_versions_kept{view=\"v\"} 1"));
    assert_true(has_metric(f, "view_versions_kept_rows{view=\"v\"} 2"));
    assert_false(has_metric(f, "view_versions_kept_bytes{view=\"v\"} 0"));
    second = load_rows(f, "4 4 four");
    assert_true(has_metric(f, "view_versions_kept{view=\"v\"} 2"));
    assert_true(has_metric(f, "view_versions_kept_rows{view=\"v\"} 5"));
    load_rows(f, "5 5 five");
    assert_true(has_metric(f, "view_versions_kept_rows{view=\"v\"} 4"));
    snprintf(line, sizeof line, "view_versions_kept_bytes{view=\"v\"} %llu",
             (unsigned long long)(first.bytes + second.bytes));
    assert_true(has_metric(f, line));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_store_without_loads_has_none),
        TEST(loads_are_counted_by_state),
        TEST(the_newest_load_has_figures),
        TEST(versions_that_are_kept_have_figures),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
