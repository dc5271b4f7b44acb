/* SPDX-License-Identifier: Apache-2.0 */
/* Schema evolution: rows of every version, through queries of every version,
 * in this process and in another. */
#include "peer.h"

#define ENTITY         "CREATE ENTITY e (k INT64);"
#define VIEW(features) "CREATE FEATURE VIEW v (" features ") FOR e;"

/* One version after the other: definitions, a row, a query. */
struct step {
    const char *definitions;
    const char *columns;
    const char *row;
    const char *query;
};

static const struct step steps[] = {
    {ENTITY VIEW("n INT32, x FLOAT32, vec INT32[2], list FLOAT32[],"
                 "s STRING NOT NULL DEFAULT 'd'"),
     "k, event_timestamp, n, x, vec, list, s", "1 100 11 0.5 [1,2] [0.5] one",
     "v(n, x, vec, list)"},
    {VIEW("n INT64, m INT32 DEFAULT 5"),
     "k, event_timestamp, n, x, vec, list, m", "2 100 12 1.5 [3,4] [] 6",
     "v(n, x, vec, list), v:m"},
    {VIEW("x FLOAT64, vec INT64[2], list FLOAT64[], s STRING DEFAULT 'd',"
          "count INT64 RENAMED FROM n, m INT64 DEFAULT 5"),
     "k, event_timestamp, count, x, vec, list", "3 100 13 2.5 [5,6] [1.5,2.5]",
     "v(count, x, vec, list, m)"},
    {"DROP FEATURE v:s;", "k, event_timestamp, count, x, vec, list, m",
     "4 100 null 3.5 null [4] 8", "v(count AS n, x, vec, list, m)"},
    {VIEW("s INT64"), "k, event_timestamp, s, x", "5 100 99 null",
     "v(count, x, vec, list, m)"},
};

#define STEPS (sizeof steps / sizeof *steps)

/* n, x, vec, list, m of each row: the same whoever asks. */
static const char *const answers[STEPS][2] = {
    {"present 11 0.5 [1,2] [0.5]", " 5*"},
    {"present 12 1.5 [3,4] []", " 6"},
    {"present 13 2.5 [5,6] [1.5,2.5]", " 5*"},
    {"present null 3.5 null [4]", " 8"},
    {"null null null null null", " 5*"},
};

static const char *const keys[STEPS] = {"1", "1\n2", "1\n2\n3", "1\n2\n3\n4",
                                        "1\n2\n3\n4\n5"};

/* Every query there is reads every row there is. */
static void
read_with_all(struct reader *readers, size_t now)
{
    char expected[512];

    for (size_t i = 0; i <= now; i++) {
        expected[0] = '\0';
        for (size_t row = 0; row <= now; row++) {
            strcat(expected, row ? "\n" : "");
            strcat(expected, answers[row][0]);
            /* Only s of row 5 has a value. */
            strcat(expected, i ? answers[row][1] : "");
        }
        set_keys(&readers[i], keys[now]);
        expect_read(&readers[i], expected);
    }
}

static void
close_readers(struct reader *readers)
{
    for (size_t i = 0; i < STEPS; i++)
        close_reader(&readers[i]);
}

static void
read_as_another_process(struct fixture *f, struct peer *peer)
{
    struct reader readers[STEPS] = {{0}};

    open_store(f);
    for (size_t now = 0; now < STEPS; now++) {
        take_turn(peer);
        if (now)
            read_with_all(readers, now - 1);
        readers[now] = open_reader(f, steps[now].query, 0, NULL);
        read_with_all(readers, now);
        give_turn(peer);
    }
    close_readers(readers);
    close_store(f);
}

static void
rows_of_every_version_read_right_through_queries_of_every_version(void **state)
{
    struct fixture *f = *state;
    struct reader readers[STEPS] = {{0}};
    struct peer peer;

    close_store(f);
    peer = start_peer(f, read_as_another_process);
    open_store(f);
    for (size_t now = 0; now < STEPS; now++) {
        define(f, steps[now].definitions);
        upsert(f, "v", steps[now].columns, steps[now].row);
        readers[now] = open_reader(f, steps[now].query, 0, NULL);
        read_with_all(readers, now);
        pass_turn(&peer);
    }
    end_peer(&peer);
    close_readers(readers);
}

static void
a_query_of_a_dropped_feature_or_view_is_told_so(void **state)
{
    struct fixture *f = *state;
    struct reader both, one;
    struct feature_column column;

    define(f, ENTITY VIEW("a INT64, b INT64"));
    upsert(f, "v", NULL, "1 100 5 6");
    both = open_reader(f, "v(*)", 0, "1");
    one = open_reader(f, "v:a", 0, "1");
    expect_read(&both, "present 5 6");
    define(f, "DROP FEATURE v:b");
    must_fail(feature_request_read(both.request, &problem), FEATURE_CONFLICT,
              "schema-changed");
    must_fail(feature_request_column(both.request, 0, &column, &problem),
              FEATURE_INVALID, "argument");
    expect_read(&one, "present 5");
    define(f, VIEW("b INT64"));
    must_fail(feature_request_read(both.request, &problem), FEATURE_CONFLICT,
              "schema-changed");
    define(f, "DROP FEATURE VIEW v");
    must_fail(feature_request_read(one.request, &problem), FEATURE_CONFLICT,
              "schema-changed");
    define(f, VIEW("a INT64"));
    must_fail(feature_request_read(one.request, &problem), FEATURE_CONFLICT,
              "schema-changed");
    close_reader(&both);
    close_reader(&one);
}

static void
a_wildcard_is_fixed_when_the_query_is_made(void **state)
{
    struct fixture *f = *state;
    struct reader old;

    define(f, ENTITY VIEW("a INT64"));
    upsert(f, "v", NULL, "1 100 5");
    old = open_reader(f, "v(*)", 0, "1");
    define(f, VIEW("b INT64 DEFAULT 9"));
    expect_read(&old, "present 5");
    expect_rows(f, "v(*)", "1", "present 5 9*");
    close_reader(&old);
}

static void
a_new_default_is_served_at_once_and_never_stored(void **state)
{
    struct fixture *f = *state;
    struct reader old;

    define(f, ENTITY VIEW("a INT64 DEFAULT 1, b INT64"));
    upsert(f, "v", "k, event_timestamp, b", "1 100 5");
    old = open_reader(f, "v(a, b)", 0, "1\n2");
    expect_read(&old, "present 1* 5\nnot_found 1* null");
    define(f, VIEW("a INT64 DEFAULT 2"));
    expect_read(&old, "present 2* 5\nnot_found 2* null");
    patch(f, "v", "k, event_timestamp, b", "1 101 6");
    define(f, VIEW("a INT64"));
    expect_read(&old, "present null 6\nnot_found null null");
    close_reader(&old);
}

static void
a_new_ttl_holds_from_the_next_read_on(void **state)
{
    struct fixture *f = *state;
    struct reader old;

    define(f, ENTITY VIEW("a INT64"));
    upsert(f, "v", NULL, "1 @-60 5");
    old = open_reader(f, "v(a)", 0, "1");
    expect_read(&old, "present 5");
    define(f, "CREATE FEATURE VIEW v (a INT64) FOR e WITH (ttl = '59s')");
    expect_read(&old, "outside null");
    define(f, VIEW("a INT64"));
    expect_read(&old, "outside null");
    define(f, "CREATE FEATURE VIEW v (a INT64) FOR e WITH (ttl = '60s')");
    expect_read(&old, "present 5");
    define(f, "CREATE FEATURE VIEW v (a INT64) FOR e WITH (ttl = 'none')");
    expect_read(&old, "present 5");
    close_reader(&old);
}

static void
not_null_can_be_relaxed(void **state)
{
    struct fixture *f = *state;
    feature_batch *batch;

    define(f, ENTITY VIEW("a INT64 NOT NULL, b INT64"));
    batch = make_batch(f, FEATURE_UPSERT, "v", NULL, "1 100 null 6");
    must_fail(feature_store_write(f->store, &batch, 1, NULL, NULL, &problem),
              FEATURE_INVALID, "argument");
    define(f, VIEW("a INT64"));
    write_batch(f, batch);
    feature_batch_free(batch);
    expect_rows(f, "v(*)", "1", "present null 6");
}

static const char *const refused[] = {
    VIEW("n INT32"),
    VIEW("n FLOAT64"),
    VIEW("n STRING"),
    VIEW("n TIMESTAMP"),
    VIEW("f FLOAT32"),
    VIEW("f INT64"),
    VIEW("s BYTES"),
    VIEW("vec INT32[3]"),
    VIEW("vec INT32[]"),
    VIEW("vec INT32"),
    VIEW("vec FLOAT32[2]"),
    VIEW("list INT32"),
    VIEW("list STRING[]"),
    VIEW("n INT64 NOT NULL"),
    VIEW("new INT64 NOT NULL"),
    VIEW("r INT32 NOT NULL"),
    "CREATE FEATURE VIEW v (n INT64) FOR other",
    "CREATE ENTITY e (k STRING)",
    "CREATE ENTITY e (k INT64, l INT64)",
    "DROP FEATURE single:one",
};

static void
any_other_change_is_refused_and_names_both_sides(void **state)
{
    struct fixture *f = *state;
    char *before = NULL, *after = NULL;

    define(f, ENTITY
           "CREATE ENTITY other (k INT64);"
           "CREATE FEATURE VIEW single (one INT64) FOR e;" VIEW(
               "n INT64, f FLOAT64, s STRING, vec INT32[2], list INT32[],"
               "r INT32 NOT NULL DEFAULT 1"));
    must(feature_store_describe(f->store, NULL, &before, &problem));
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        must_fail(
            feature_store_apply(f->store, refused[i], NULL, NULL, &problem),
            FEATURE_CONFLICT, "definition");
        assert_int_equal(problem.line, 1);
    }
    must_fail(feature_store_apply(f->store, refused[0], NULL, NULL, &problem),
              FEATURE_CONFLICT, "definition");
    assert_non_null(strstr(problem.message, "INT64"));
    assert_non_null(strstr(problem.message, "INT32"));
    must(feature_store_describe(f->store, NULL, &after, &problem));
    assert_string_equal(after, before);
    assert_int_equal(stats_of(f).sequence, 1);
    feature_free(before);
    feature_free(after);
}

#define ROUNDS   100
#define OLD_TEXT ENTITY VIEW("a INT64 DEFAULT 1, b INT64")
#define NEW_TEXT                                                               \
    ENTITY VIEW("a INT64 DEFAULT 2, c FLOAT64") "CREATE FEATURE VIEW w (d "    \
                                                "STRING[]) FOR e;"             \
                                                "CREATE FEATURE SERVICE s AS " \
                                                "v(a, c), w(*);"

static void
run_the_new_text(struct fixture *f, struct peer *peer)
{
    char row[64];

    open_store(f);
    for (int i = 0; i < ROUNDS; i++) {
        take_turn(peer);
        define(f, NEW_TEXT);
        snprintf(row, sizeof row, "%d 100 %d.5", i, i);
        patch(f, "v", "k, event_timestamp, c", row);
        snprintf(row, sizeof row, "%d 100 [d,%d]", i, i);
        upsert(f, "w", NULL, row);
        give_turn(peer);
    }
    close_store(f);
}

static void
an_old_and_a_new_text_applied_in_turn_lose_no_value(void **state)
{
    struct fixture *f = *state;
    struct peer peer;
    char row[64], expected[ANSWER_SIZE] = "", all[1024] = "";

    close_store(f);
    peer = start_peer(f, run_the_new_text);
    open_store(f);
    for (int i = 0; i < ROUNDS; i++) {
        define(f, OLD_TEXT);
        snprintf(row, sizeof row, "%d 100 %d %d", i, i, i + 1000);
        patch(f, "v", "k, event_timestamp, a, b", row);
        pass_turn(&peer);
        snprintf(row, sizeof row, "%s%d", i ? "\n" : "", i);
        strcat(all, row);
        snprintf(row, sizeof row, "%spresent,present %d %d %d.5 [d,%d]",
                 i ? "\n" : "", i, i + 1000, i, i);
        strcat(expected, row);
    }
    end_peer(&peer);
    expect_rows(f, "v(a, b, c), w:d", all, expected);
    assert_int_equal(stats_of(f).sequence, 5 * ROUNDS);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(rows_of_every_version_read_right_through_queries_of_every_version),
        TEST(a_query_of_a_dropped_feature_or_view_is_told_so),
        TEST(a_wildcard_is_fixed_when_the_query_is_made),
        TEST(a_new_default_is_served_at_once_and_never_stored),
        TEST(a_new_ttl_holds_from_the_next_read_on),
        TEST(not_null_can_be_relaxed),
        TEST(any_other_change_is_refused_and_names_both_sides),
        TEST(an_old_and_a_new_text_applied_in_turn_lose_no_value),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
