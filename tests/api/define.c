/* SPDX-License-Identifier: Apache-2.0 */
/* Definitions through the API: apply, plan, describe. */
#include "common.h"

#define DRIVER "CREATE ENTITY driver (driver_id INT64);"
#define STATS                                                         \
    "CREATE FEATURE VIEW stats (trips INT64 DEFAULT 7, rate FLOAT32)" \
    " FOR driver WITH (ttl = '2 hours');"
#define SCORING "CREATE FEATURE SERVICE scoring AS stats(*);"

/* Everything the language can say, in a lazy hand. */
static const char *const everything =
    "-- a comment; with a semicolon\n"
    "create feature service s2 as v2(a, b as c) as payer (id as payer_id, "
    "name as payer_name), v1:i64;\n"
    "create feature service s1 as v1(*);\n"
    "create feature view v1 (\n"
    "  b BOOL default true, i32 INT32 DEFAULT -5, i64 int64 not null,\n"
    "  f32 FLOAT32 DEFAULT 0.1, f64 FLOAT64 NOT NULL DEFAULT 'NaN',\n"
    "  s STRING DEFAULT 'it''s', by BYTES DEFAULT x'00ff',\n"
    "  t TIMESTAMP DEFAULT '2026-01-01T00:00:00Z',\n"
    "  vec FLOAT32[3] DEFAULT [1, 2.5, -3], list INT64[] DEFAULT [],\n"
    "  tags STRING[] DEFAULT ['a', '', 'b,c']\n"
    ") FOR e1 WITH (ttl = '90 minutes', history = '30 days',\n"
    "               max_skew = 'none');\n"
    "CREATE FEATURE VIEW v2 (a FLOAT64[], b INT32[4]) FOR e2;\n"
    "CREATE ENTITY e2 (id INT64, name STRING, raw BYTES);\n"
    "CREATE ENTITY e1 (id INT64);\n"
    "STORE WITH (changes = '3 days', max_size = '8 GB');\n";

static char *
describe(struct fixture *f, const char *name)
{
    char *text = NULL;

    must(feature_store_describe(f->store, name, &text, &problem));
    return text;
}

static void
expect_plan(struct fixture *f, const char *definitions, const char *expected)
{
    char *changes = NULL;

    must(feature_store_plan(f->store, definitions, &changes, &problem));
    assert_string_equal(changes, expected);
    feature_free(changes);
}

static struct feature_commit
apply(struct fixture *f, const char *definitions)
{
    struct feature_commit commit = {.struct_size = sizeof commit};

    must(feature_store_apply(f->store, definitions, NULL, &commit, &problem));
    return commit;
}

static void
what_describe_prints_changes_nothing_when_applied(void **state)
{
    struct fixture *f = *state;
    struct feature_commit first = apply(f, everything), second;
    char *text = describe(f, NULL), *again;

    expect_plan(f, text, "");
    second = apply(f, text);
    assert_int_equal(second.sequence, first.sequence);
    open_again(f);
    expect_plan(f, text, "");
    again = describe(f, NULL);
    assert_string_equal(again, text);
    feature_free(again);
    assert_int_equal(stats_of(f).catalog_version, 1);
    start_again(f);
    apply(f, text);
    again = describe(f, NULL);
    assert_string_equal(again, text);
    feature_free(again);
    feature_free(text);
}

static void
describe_prints_one_thing_by_its_name(void **state)
{
    struct fixture *f = *state;
    char *text = NULL;

    define(f, DRIVER STATS SCORING);
    text = describe(f, "driver");
    assert_string_equal(text, "CREATE ENTITY driver (driver_id INT64);\n");
    feature_free(text);
    text = describe(f, "stats");
    assert_string_equal(text, "CREATE FEATURE VIEW stats (\n"
                              "    trips INT64 DEFAULT 7,\n"
                              "    rate  FLOAT32\n"
                              ") FOR driver WITH (ttl = '2 hours');\n");
    feature_free(text);
    text = describe(f, "scoring");
    assert_string_equal(text, "CREATE FEATURE SERVICE scoring AS\n"
                              "    stats(trips, rate);\n");
    feature_free(text);
    text = NULL;
    must_fail(feature_store_describe(f->store, "stat", &text, &problem),
              FEATURE_NOT_FOUND, "name");
    assert_null(text);
    assert_non_null(strstr(problem.message, "did you mean stats"));
}

static void
an_empty_store_describes_itself_as_nothing(void **state)
{
    struct fixture *f = *state;
    char *text = describe(f, NULL);

    assert_string_equal(text, "");
    feature_free(text);
    assert_int_equal(apply(f, "-- nothing\n;;").sequence, 0);
    assert_int_equal(stats_of(f).catalog_version, 0);
}

static void
an_apply_is_one_commit_and_repeating_it_is_none(void **state)
{
    struct fixture *f = *state;
    struct feature_commit first = apply(f, DRIVER STATS SCORING);
    struct feature_commit again = apply(f, SCORING STATS DRIVER);
    struct feature_commit next =
        apply(f, "CREATE ENTITY place (place_id STRING)");

    assert_int_equal(first.sequence, 1);
    assert_int_equal(first.time, NOON);
    assert_int_equal(first.applied, 0);
    assert_int_equal(again.sequence, 1);
    assert_int_equal(again.time, first.time);
    assert_int_equal(next.sequence, 2);
    assert_true(next.time > first.time);
    assert_int_equal(stats_of(f).catalog_version, 2);
    assert_int_equal(stats_of(f).sequence, 2);
}

static void
plan_lists_each_change_and_changes_nothing(void **state)
{
    struct fixture *f = *state;
    struct feature_stats before;

    expect_plan(f, DRIVER STATS,
                "create entity driver (driver_id INT64)\n"
                "create feature view stats (2 features) for driver\n");
    assert_int_equal(stats_of(f).entities, 0);
    define(f, DRIVER STATS SCORING);
    before = stats_of(f);
    expect_plan(f,
                DRIVER "CREATE FEATURE VIEW stats ("
                       "  count INT64 DEFAULT 8 RENAMED FROM trips,"
                       "  rate FLOAT64, age INT32[2] DEFAULT [1, 2]"
                       ") FOR driver WITH (ttl = 'none');"
                       "DROP FEATURE SERVICE scoring;",
                "drop feature service scoring\n"
                "rename feature stats:trips to count\n"
                "change DEFAULT of stats:count from 7 to 8\n"
                "widen feature stats:rate from FLOAT32 to FLOAT64\n"
                "add feature stats:age INT32[2] DEFAULT [1, 2]\n"
                "change ttl of stats from '2 hours' to 'none'\n");
    assert_int_equal(stats_of(f).services, 1);
    assert_int_equal(stats_of(f).sequence, before.sequence);
}

static void
what_a_text_leaves_out_stays(void **state)
{
    struct fixture *f = *state;
    struct feature_stats stats;

    define(f, DRIVER STATS SCORING);
    upsert(f, "stats", NULL, "1 @-60 5 0.5");
    expect_plan(f,
                "CREATE FEATURE VIEW stats (rate FLOAT32, age INT32) FOR "
                "driver",
                "add feature stats:age INT32\n"
                "kept, not in this text: entity driver\n"
                "kept, not in this text: feature stats:trips\n"
                "kept, not in this text: feature service scoring\n");
    define(f, "CREATE FEATURE VIEW stats (rate FLOAT32, age INT32) FOR driver");
    define(f, DRIVER);
    stats = stats_of(f);
    assert_int_equal(stats.entities, 1);
    assert_int_equal(stats.views, 1);
    assert_int_equal(stats.services, 1);
    expect_rows(f, "stats(*)", "1", "present 5 0.5 null");
}

static void
a_text_with_one_mistake_does_nothing_at_all(void **state)
{
    struct fixture *f = *state;
    struct feature_commit commit = {.struct_size = sizeof commit, .time = -1};

    must_fail(feature_store_apply(f->store,
                                  DRIVER STATS
                                  "CREATE FEATURE VIEW v (a INT64) FOR nobody",
                                  NULL, &commit, &problem),
              FEATURE_NOT_FOUND, "name");
    assert_int_equal(commit.time, -1);
    assert_int_equal(commit.sequence, 0);
    assert_int_equal(stats_of(f).entities, 0);
    assert_int_equal(stats_of(f).sequence, 0);
    apply(f, DRIVER STATS);
    assert_int_equal(stats_of(f).sequence, 1);
}

static feature_status
apply_at(struct fixture *f, const char *definitions, uint64_t version)
{
    struct feature_apply_options options = {.struct_size = sizeof options,
                                            .expect = version};

    return feature_store_apply(f->store, definitions, &options, NULL, &problem);
}

static void
apply_can_insist_on_a_catalog_version(void **state)
{
    struct fixture *f = *state;

    must_fail(apply_at(f, DRIVER, 1), FEATURE_CONFLICT, "catalog-version");
    assert_int_equal(stats_of(f).entities, 0);
    define(f, DRIVER);
    must(apply_at(f, STATS, 1));
    must_fail(apply_at(f, SCORING, 1), FEATURE_CONFLICT, "catalog-version");
    assert_int_equal(stats_of(f).services, 0);
    must(apply_at(f, SCORING, 2));
    assert_int_equal(stats_of(f).services, 1);
}

struct mistake {
    const char *text;
    feature_status status;
    const char *reason;
    uint32_t line;
    uint32_t column;
    const char *says;
};

static const struct mistake mistakes[] = {
    {"CREATE ENTITI x (a INT64)", 1, "argument", 1, 8, "ENTITY"},
    {"CREATE ENTITY x (a INT32)", 1, "argument", 1, 20, "INT64"},
    {"CREATE ENTITY x (a INT64)\nCREATE", 1, "argument", 2, 1, ";"},
    {"\n\n  CREATE FEATURE VIEW v (a FLOAT) FOR driver", 1, "argument", 3, 28,
     "FLOAT32"},
    {"CREATE FEATURE VIEW v (a INT64) FOR drive", 2, "name", 1, 37, "driver"},
    {"CREATE FEATURE VIEW v (a INT64, a INT64) FOR driver", 1, "argument", 1,
     33, "twice"},
    {"CREATE FEATURE VIEW v (driver_id INT64) FOR driver", 1, "argument", 1, 24,
     "join key"},
    {"CREATE FEATURE VIEW v (event_timestamp INT64) FOR driver", 1, "argument",
     1, 24, "reserved"},
    {"CREATE FEATURE VIEW v (_a INT64) FOR driver", 1, "argument", 1, 24,
     "begin with"},
    {"CREATE FEATURE VIEW v (a INT32 DEFAULT 3000000000) FOR driver", 1,
     "argument", 1, 40, "INT32"},
    {"CREATE FEATURE VIEW v (a FLOAT32[1]) FOR driver", 1, "argument", 1, 34,
     "2 to"},
    {"CREATE FEATURE VIEW v (a INT64) FOR driver WITH (ttl = '1 month')", 1,
     "argument", 1, 56, "month"},
    {"CREATE FEATURE SERVICE s AS stats(trip)", 2, "name", 1, 35, "trips"},
    {"CREATE FEATURE SERVICE s AS stat(*)", 2, "name", 1, 29, "stats"},
    {"CREATE FEATURE VIEW driver (a INT64) FOR driver", 3, "definition", 1, 21,
     "entity"},
    {"CREATE ENTITY driver (driver_id STRING)", 3, "definition", 1, 23,
     "INT64"},
    {"CREATE EVENT payment (id INT64[])", 1, "argument", 1, 26, "one value"},
    {"CREATE FEATURE VIEW v (a = SUM(b)) FOR driver", 1, "argument", 1, 24,
     "FROM"},
    {"CREATE FEATURE VIEW v (a INT64) FOR driver FROM payment", 1, "argument",
     1, 24, "SUM(amount)"},
    {"CREATE FEATURE VIEW v (a = COUNT(*)) FOR driver FROM payment", 2, "name",
     1, 54, "no event payment"},
    {"DROP ENTITY driver", 3, "in-use", 1, 13, "stats"},
    {"DROP FEATURE stats:trips", 3, "in-use", 1, 20, "scoring"},
    {"DROP FEATURE VIEW stats", 3, "in-use", 1, 19, "scoring"},
    {"CREATE ENTITY \xff", 1, "argument", 1, 15, "\\xff"},
};

static void
each_mistake_has_its_place_and_says_what_is_wrong(void **state)
{
    struct fixture *f = *state;
    char place[24];

    define(f, DRIVER STATS SCORING);
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        const struct mistake *at = &mistakes[i];

        must_fail(feature_store_apply(f->store, at->text, NULL, NULL, &problem),
                  at->status, at->reason);
        if (problem.line != at->line || problem.column != at->column ||
            !strstr(problem.message, at->says))
            fail_msg("%s\n    gives %u:%u %s", at->text, problem.line,
                     problem.column, problem.message);
        snprintf(place, sizeof place, "%u:%u: ", at->line, at->column);
        assert_ptr_equal(strstr(problem.message, place), problem.message);
        assert_int_equal(problem.row, -1);
    }
    assert_int_equal(stats_of(f).sequence, 1);
}

static void
drop_takes_the_rows_along(void **state)
{
    struct fixture *f = *state;

    define(f, DRIVER STATS);
    upsert(f, "stats", NULL, "1 @-60 5 0.5\n2 @-60 6 0.5");
    assert_int_equal(stats_of(f).rows, 2);
    define(f, "DROP FEATURE VIEW stats; DROP ENTITY driver;");
    for (int i = 0; i < 2; i++) {
        assert_int_equal(stats_of(f).rows, 0);
        assert_int_equal(stats_of(f).views, 0);
        assert_int_equal(stats_of(f).entities, 0);
        open_again(f);
    }
    define(f, DRIVER STATS);
    expect_rows(f, "stats(*)", "1\n2", "not_found 7* null\nnot_found 7* null");
    upsert(f, "stats", NULL, "2 @-90 8 0.25");
    expect_rows(f, "stats(*)", "1\n2", "not_found 7* null\npresent 8 0.25");
}

static void
a_name_that_comes_back_brings_no_value_back(void **state)
{
    struct fixture *f = *state;

    define(f, DRIVER STATS);
    upsert(f, "stats", NULL, "1 @-60 5 0.5");
    define(f, "DROP FEATURE stats:trips");
    expect_rows(f, "stats(*)", "1", "present 0.5");
    define(f, "CREATE FEATURE VIEW stats (trips INT64) FOR driver");
    expect_rows(f, "stats(rate, trips)", "1", "present 0.5 null");
    patch(f, "stats", "driver_id, event_timestamp, trips", "1 @-90 9");
    expect_rows(f, "stats(rate, trips)", "1", "present 0.5 9");
    define(f, "DROP FEATURE stats:trips");
    define(f, "CREATE FEATURE VIEW stats (trips STRING DEFAULT 'none') FOR "
              "driver");
    expect_rows(f, "stats(rate, trips)", "1", "present 0.5 none*");
    open_again(f);
    expect_rows(f, "stats(rate, trips)", "1", "present 0.5 none*");
}

static void
dropping_what_is_not_there_is_no_change(void **state)
{
    struct fixture *f = *state;
    struct feature_commit commit;

    define(f, DRIVER STATS);
    open_again(f);
    commit = apply(f, "DROP FEATURE stats:gone; DROP FEATURE VIEW gone;"
                      "DROP FEATURE gone:gone; DROP FEATURE SERVICE gone;"
                      "DROP ENTITY gone");
    assert_int_equal(commit.sequence, 1);
}

static void
a_service_is_a_contract(void **state)
{
    struct fixture *f = *state;

    define(f, DRIVER STATS SCORING);
    upsert(f, "stats", NULL, "1 @-60 5 0.5");
    define(f, "CREATE FEATURE VIEW stats (age INT32 DEFAULT 3) FOR driver");
    expect_rows(f, "scoring", "1", "present 5 0.5");
    must_fail(feature_store_apply(
                  f->store, "CREATE FEATURE SERVICE scoring AS stats(trips)",
                  NULL, NULL, &problem),
              FEATURE_CONFLICT, "definition");
    assert_non_null(strstr(problem.message, "create scoring_v2"));
    expect_rows(f, "scoring", "1", "present 5 0.5");
    define(f, "CREATE FEATURE SERVICE scoring_v2 AS stats(*)");
    expect_rows(f, "scoring_v2", "1", "present 5 0.5 3*");
}

static void
a_commit_struct_may_be_older_or_newer_than_the_library(void **state)
{
    struct fixture *f = *state;
    struct {
        struct feature_commit known;
        uint64_t later;
    } newer = {.known.struct_size = sizeof newer, .later = 9};
    struct feature_commit older = {.struct_size = 16, .time = 5};

    must(feature_store_apply(f->store, DRIVER, NULL, &newer.known, &problem));
    assert_int_equal(newer.known.sequence, 1);
    assert_int_equal(newer.known.struct_size, sizeof newer);
    assert_int_equal(newer.later, 0);
    must(feature_store_apply(f->store, STATS, NULL, &older, &problem));
    assert_int_equal(older.sequence, 2);
    assert_int_equal(older.time, 5);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_describe_prints_changes_nothing_when_applied),
        TEST(describe_prints_one_thing_by_its_name),
        TEST(an_empty_store_describes_itself_as_nothing),
        TEST(an_apply_is_one_commit_and_repeating_it_is_none),
        TEST(plan_lists_each_change_and_changes_nothing),
        TEST(what_a_text_leaves_out_stays),
        TEST(a_text_with_one_mistake_does_nothing_at_all),
        TEST(apply_can_insist_on_a_catalog_version),
        TEST(each_mistake_has_its_place_and_says_what_is_wrong),
        TEST(drop_takes_the_rows_along),
        TEST(a_name_that_comes_back_brings_no_value_back),
        TEST(dropping_what_is_not_there_is_no_change),
        TEST(a_service_is_a_contract),
        TEST(a_commit_struct_may_be_older_or_newer_than_the_library),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
