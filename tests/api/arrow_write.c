/* SPDX-License-Identifier: Apache-2.0 */
/* What a written stream promises: which columns, how many commits, what is kept
 * and where an error is. */
#include "arrow_producer.h"

#define DEFINITIONS                                               \
    "CREATE ENTITY e (k INT64);"                                  \
    "CREATE FEATURE VIEW v (a INT32, s STRING) FOR e;"            \
    "CREATE FEATURE VIEW n (a INT64 NOT NULL, d INT64 DEFAULT 4)" \
    " FOR e;"                                                     \
    "CREATE ENTITY p (x STRING, y BYTES);"                        \
    "CREATE FEATURE VIEW pair (a INT64) FOR p;"

static int
begin(void **state)
{
    if (fixture_begin(state))
        return -1;
    define(*state, DEFINITIONS);
    return 0;
}

#define ARROW(name) cmocka_unit_test_setup_teardown(name, begin, fixture_end)

#define KEYS(rows, ...)                                           \
    &(const struct column)                                        \
    {                                                             \
        "k", "l", rows, PIECES({0}, VALUES(int64_t, __VA_ARGS__)) \
    }
#define INTS(label, rows, ...)                                      \
    &(const struct column)                                          \
    {                                                               \
        label, "i", rows, PIECES({0}, VALUES(int32_t, __VA_ARGS__)) \
    }
#define TIMES(rows, ...)                              \
    &(const struct column)                            \
    {                                                 \
        "event_timestamp", "tsu:UTC", rows,           \
            PIECES({0}, VALUES(int64_t, __VA_ARGS__)) \
    }

static feature_status
import_as(struct fixture *f, struct producer *producer, const char *columns,
          uint32_t flags, uint64_t commit_rows, struct feature_commit *commit)
{
    struct feature_arrow_options options = {.struct_size = sizeof options,
                                            .flags = flags,
                                            .columns = columns,
                                            .commit_rows = commit_rows};

    return import(f, "v", FEATURE_UPSERT, producer, &options, commit);
}

static feature_status
import_columns(struct fixture *f, struct producer *producer,
               const char *columns)
{
    return import_as(f, producer, columns, 0, 0, NULL);
}

/* --- columns ---------------------------------------------------------------- */

static void
columns_are_found_by_name_in_any_order(void **state)
{
    const struct column s = {
        "s", "u", 2, PIECES({0}, VALUES(int32_t, 0, 1, 3), TEXT("xyz"))};
    struct producer p = {
        .batches = {RECORD(2, INTS("a", 2, 5, 6), &s, TIMES(2, NOON, NOON - 1),
                           KEYS(2, 1, 2))}};
    struct fixture *f = *state;
    struct feature_commit commit =
        must_import(f, "v", FEATURE_UPSERT, &p, NULL);

    assert_int_equal(commit.sequence, 2);
    assert_int_equal(commit.time, NOON + 1);
    assert_int_equal(commit.applied, 2);
    expect_rows(f, "v(*)", "1\n2", "present 5 x\npresent 6 yz");
}

static void
columns_may_have_other_names_in_the_stream(void **state)
{
    const struct column odd = {"it's \"s\"", "i", 1,
                               PIECES({0}, VALUES(int32_t, 9))};
    struct column id = *KEYS(1, 7);
    struct fixture *f = *state;

    id.name = "_id";
    must_import(f, "v", FEATURE_UPSERT,
                &(struct producer){.batches = {RECORD(1, &odd, &id)}},
                " a = 'it''s \"s\"' ,\nk = _id ");
    expect_rows(f, "v(*)", "7", "present 9 null");
    /* One column may go into two. */
    must_import(f, "v", FEATURE_PATCH,
                &(struct producer){.batches = {RECORD(1, &id)}},
                "k = _id, a = _id");
    expect_rows(f, "v(*)", "7", "present 7 null");
}

static void
keys_of_several_columns_and_types(void **state)
{
    const struct column x = {"x", "U", 2,
                             PIECES({0}, VALUES(int64_t, 0, 1, 2), TEXT("ab"))};
    const struct column y = {
        "y", "z", 2, PIECES({0}, VALUES(int32_t, 0, 2, 2), TEXT("\0\1"))};
    struct fixture *f = *state;

    must_import(
        f, "pair", FEATURE_UPSERT,
        &(struct producer){.batches = {RECORD(2, &x, &y, INTS("a", 2, 1, 2))}},
        NULL);
    expect_rows(f, "pair(*)", "a x0001\nb ''", "present 1\npresent 2");
}

static void
wrong_columns_are_refused_by_name(void **state)
{
    struct producer extra = {.batches = {RECORD(1, KEYS(1, 1), INTS("a", 1, 1),
                                                INTS("ba;d", 1, 1))}};
    struct producer twice = {
        .batches = {RECORD(1, KEYS(1, 1), INTS("a", 1, 1), INTS("a", 1, 1))}};
    struct producer plain = {
        .batches = {RECORD(1, KEYS(1, 1), INTS("a", 1, 1))}};
    struct producer no_key = {.batches = {RECORD(1, INTS("a", 1, 1))}};
    struct producer none = {.batches = {RECORD(0, NULL)}};
    static const struct {
        int which, status;
        const char *columns;
        uint32_t column;
        const char *part;
    } cases[] = {
        {0, FEATURE_NOT_FOUND, NULL, 0, "view v has no column \"ba;d\""},
        {0, FEATURE_NOT_FOUND, "k, aa", 4,
         "the stream has no column \"aa\", "
         "did you mean \"a\"?"},
        {0, FEATURE_NOT_FOUND, "k, b = a", 4, "view v has no column \"b\""},
        {0, FEATURE_NOT_FOUND, "k, a = b", 8, "no column \"b\""},
        {0, FEATURE_INVALID, "k, a, a = k", 7, "\"a\" stands twice"},
        {0, FEATURE_INVALID, "k,", 3, "expected the name of a column"},
        {0, FEATURE_INVALID, "", 1, "expected the name of a column"},
        {0, FEATURE_INVALID, "k a", 3, "expected \",\", \"=\" or the end"},
        {0, FEATURE_INVALID, "k = ,", 5, "the name of a column of the stream"},
        {0, FEATURE_INVALID, "k, a = 'b", 8, "string"},
        {0, FEATURE_INVALID, "a", 0, "the columns lack the join key \"k\""},
        {1, FEATURE_INVALID, NULL, 0, "the stream has two columns \"a\""},
        {1, FEATURE_INVALID, "k, a", 4, "the stream has two columns \"a\""},
        {2, FEATURE_INVALID, NULL, 0, "lack the join key \"k\""},
        {3, FEATURE_INVALID, NULL, 0, "the stream has 0 columns"},
    };
    struct producer *which[] = {&extra, &twice, &no_key, &none};
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        must_fail(import_columns(f, which[cases[i].which], cases[i].columns),
                  cases[i].status, NULL);
        expect_problem(0, -1, cases[i].part);
        assert_int_equal(problem.column, cases[i].column);
    }
    must(import_columns(f, &plain, NULL));
    must(import_columns(f, &twice, "k"));
}

static void
operations_are_those_of_a_batch(void **state)
{
    struct producer p = {
        .batches = {RECORD(2, KEYS(2, 1, 2), INTS("a", 2, 5, 6))}};
    struct producer keys = {.batches = {RECORD(1, KEYS(1, 1))}};
    struct fixture *f = *state;

    upsert(f, "v", NULL, "1 @-60 1 x\n2 @-60 2 y");
    assert_int_equal(must_import(f, "v", FEATURE_PATCH, &p, NULL).applied, 2);
    expect_rows(f, "v(*)", "1\n2", "present 5 x\npresent 6 y");
    must_import(f, "v", FEATURE_UPSERT, &p, NULL);
    expect_rows(f, "v(*)", "1\n2", "present 5 null\npresent 6 null");
    must_fail(import(f, "v", FEATURE_DELETE, &p, NULL, NULL), FEATURE_INVALID,
              "argument");
    assert_int_equal(must_import(f, "v", FEATURE_DELETE, &p, "k").applied, 2);
    expect_rows(f, "v(*)", "1\n2", "not_found null null\nnot_found null null");
    must_fail(import(f, "v", FEATURE_PATCH, &keys, NULL, NULL), FEATURE_INVALID,
              "argument");
    must_fail(import(f, "n", FEATURE_UPSERT, &keys, NULL, NULL),
              FEATURE_INVALID, "argument");
    must_fail(import(f, "v", FEATURE_EVENT, &p, NULL, NULL), FEATURE_INVALID,
              "argument");
    must_fail(import(f, "v", 17, &p, NULL, NULL), FEATURE_INVALID, "argument");
}

static void
rows_are_late_or_future_by_their_timestamps(void **state)
{
    struct producer p = {
        .batches = {RECORD(3, KEYS(3, 1, 2, 3), INTS("a", 3, 7, 8, 9),
                           TIMES(3, NOON - 1, NOON, NOON + 3 * DAY))}};
    struct fixture *f = *state;
    struct feature_commit commit;

    upsert(f, "v", NULL, "1 @0 1 x");
    commit = must_import(f, "v", FEATURE_UPSERT, &p, NULL);
    assert_int_equal(commit.applied, 1);
    assert_int_equal(commit.late, 1);
    assert_int_equal(commit.future, 1);
    expect_rows(f, "v(*)", "1\n2\n3",
                "present 1 x\npresent 8 null\nnot_found null null");
}

/* --- commits ---------------------------------------------------------------- */

/* Five rows in batches of 2, 0, 3. */
static struct producer
five_rows(void)
{
    static const struct column k1 = {"k", "l", 2,
                                     PIECES({0}, {"\1\0\0\0\0\0\0\0"
                                                  "\2\0\0\0\0\0\0",
                                                  16})};
    static const struct column k2 = {"k", "l", 0, PIECES({0}, {0})};
    static const struct column k3 = {"k", "l", 3,
                                     PIECES({0}, {"\3\0\0\0\0\0\0\0"
                                                  "\4\0\0\0\0\0\0\0"
                                                  "\5\0\0\0\0\0\0",
                                                  24})};
    static const struct column a1 = {"a", "i", 2,
                                     PIECES({0}, {"\1\0\0\0\2\0\0", 8})};
    static const struct column a2 = {"a", "i", 0, PIECES({0}, {0})};
    static const struct column a3 = {
        "a", "i", 3, PIECES({0}, {"\3\0\0\0\4\0\0\0\5\0\0", 12})};
    static const struct column r1 = {"", "+s", 2, .children = {&k1, &a1}},
                               r2 = {"", "+s", 0, .children = {&k2, &a2}},
                               r3 = {"", "+s", 3, .children = {&k3, &a3}};

    return (struct producer){.batches = {&r1, &r2, &r3}};
}

static void
a_stream_is_one_commit(void **state)
{
    struct producer p = five_rows();
    struct fixture *f = *state;
    struct feature_commit commit =
        must_import(f, "v", FEATURE_UPSERT, &p, NULL);

    assert_int_equal(commit.sequence, 2);
    assert_int_equal(commit.applied, 5);
    assert_int_equal(p.nexts, 4); /* not again after the end */
    assert_int_equal(p.schemas, 1);
    expect_rows(f, "v(*)", "1\n5", "present 1 null\npresent 5 null");
}

static void
commit_rows_cuts_the_stream_wherever_its_batches_end(void **state)
{
    static const uint64_t commits[] = {0, 5, 3, 2, 2, 1, 1};
    struct fixture *f = *state;
    uint64_t sequence = 1;

    for (uint64_t rows = 1; rows <= 6; rows++) {
        struct feature_commit commit = {.struct_size = sizeof commit};
        struct producer p = five_rows();

        must(import_as(f, &p, NULL, 0, rows, &commit));
        sequence += commits[rows];
        assert_int_equal(commit.sequence, sequence);
        assert_int_equal(commit.applied, 5);
        assert_int_equal(stats_of(f).sequence, sequence);
        expect_rows(f, "v(*)", "1\n2\n3\n4\n5",
                    "present 1 null\npresent 2 null\npresent 3 null\n"
                    "present 4 null\npresent 5 null");
    }
}

static void
a_stream_without_rows_reports_the_newest_commit(void **state)
{
    struct producer p = {.batches = {RECORD(0, KEYS(0, 0), INTS("a", 0, 0))}};
    struct producer none = {.schema = p.batches[0]};
    struct fixture *f = *state;
    struct feature_commit commit =
        must_import(f, "v", FEATURE_UPSERT, &p, NULL);

    assert_int_equal(commit.sequence, 1);
    assert_int_equal(commit.applied, 0);
    commit = must_import(f, "v", FEATURE_UPSERT, &none, NULL);
    assert_int_equal(commit.sequence, 1);
    assert_int_equal(commit.time, NOON);
}

static void
a_failure_tells_what_was_kept(void **state)
{
    struct feature_commit commit = {
        .struct_size = sizeof commit, .sequence = 9, .applied = 9};
    struct producer p = five_rows();
    struct fixture *f = *state;

    p.fail_at = 4;
    p.reason = "the disk is\ngone";
    must_fail(import_as(f, &p, NULL, 0, 2, &commit), FEATURE_IO, "stream");
    expect_problem(3, -1, "batch 3, the producer failed: the disk is\\x0agone");
    assert_int_equal(problem.os_error, EIO);
    assert_int_equal(commit.sequence, 3);
    assert_int_equal(commit.time, NOON + 2);
    assert_int_equal(commit.applied, 4);
    assert_int_equal(stats_of(f).sequence, 3);
    must_fail(import_as(f, &p, NULL, 0, 0, &commit), FEATURE_IO, "stream");
    assert_int_equal(commit.sequence, 0);
    assert_int_equal(commit.applied, 0);
    assert_int_equal(stats_of(f).sequence, 3);
    expect_rows(f, "v(*)", "4\n5", "present 4 null\nnot_found null null");
}

/* --- invalid rows ----------------------------------------------------------- */

static void
an_invalid_row_is_named_by_its_place_in_the_stream(void **state)
{
    const struct column s = {
        "s", "u", 3,
        PIECES({0}, VALUES(int32_t, 0, 1, 2, 4), TEXT("xy\xff\xfe"))};
    struct column k = *KEYS(3, 3, 4, 5),
                  a = {"a", "l", 3, PIECES({0}, VALUES(int64_t, 1, 2, 3))};
    const struct column fine = {"a", "l", 2,
                                PIECES({0}, VALUES(int64_t, 1, 2))};
    struct producer p = {.batches = {RECORD(2, KEYS(2, 1, 2), &fine, &s),
                                     RECORD(0, &k, &a, &s),
                                     RECORD(3, &k, &a, &s)}};
    struct fixture *f = *state;

    for (uint64_t rows = 0; rows <= 6; rows++) {
        must_fail(import_as(f, &p, NULL, 0, rows, NULL), FEATURE_INVALID,
                  "argument");
        expect_problem(2, 2, "batch 2, row 2, column \"s\": the text is not");
        assert_int_equal(problem.column, 2);
    }
    a.pieces[1] = (struct piece)VALUES(int64_t, 1, INT64_MAX, INT64_MIN);
    for (uint64_t rows = 0; rows <= 6; rows++) {
        must_fail(import_as(f, &p, NULL, 0, rows, NULL), FEATURE_INVALID,
                  "argument");
        expect_problem(2, 1, "batch 2, row 1, column \"a\": a value does not");
    }
    k.pieces[0] = (struct piece)BITS(6);
    k.nulls = 1;
    a.pieces[1] = (struct piece)VALUES(int64_t, 1, 2, 3);
    must_fail(import_columns(f, &p, NULL), FEATURE_INVALID, "argument");
    expect_problem(2, 0, "batch 2, row 0, column \"k\": a join key is null");
}

static void
skipped_rows_are_counted_and_the_rest_is_written(void **state)
{
    const struct column s = {"s", "u", 6,
                             PIECES({0}, VALUES(int32_t, 0, 1, 2, 4, 5, 6, 7),
                                    TEXT("xy\xff\xfezuv"))};
    const struct column k = {
        "k", "l", 6, PIECES(BITS(0x3e), VALUES(int64_t, 0, 1, 2, 3, 4, 5)),
        .nulls = 1};
    const struct column a = {
        "a", "l", 6,
        PIECES({0}, VALUES(int64_t, 0, 1, 2, 1 + (INT64_C(1) << 40), 4, 5))};
    struct column record = {"",
                            "+s",
                            6,
                            PIECES(BITS(0x2f)),
                            .nulls = HIDDEN,
                            .children = {&k, &a, &s}};
    struct producer p = {.batches = {&record}};
    struct fixture *f = *state;

    for (uint64_t rows = 0; rows <= 6; rows++) {
        struct feature_commit commit = {.struct_size = sizeof commit};

        must(import_as(f, &p, NULL, FEATURE_WRITE_SKIP_INVALID, rows, &commit));
        assert_int_equal(commit.rejected, 4);
        assert_int_equal(commit.applied, 2);
        expect_rows(f, "v(*)", "1\n2\n3\n4\n5",
                    "present 1 y\nnot_found null null\nnot_found null null\n"
                    "not_found null null\npresent 5 v");
    }
    must_fail(import_columns(f, &p, "a, k"), FEATURE_INVALID, "argument");
    expect_problem(0, 3, "batch 0, row 3, column \"a\"");
    must_fail(import_columns(f, &p, "k, s"), FEATURE_INVALID, "argument");
    expect_problem(0, 4, "batch 0, row 4: the row itself is null");
}

static void
the_first_invalid_row_and_column_are_named(void **state)
{
    const struct column s = {
        "s", "u", 3, PIECES({0}, VALUES(int32_t, 0, 1, 2, 3), TEXT("xyz"))};
    const struct column late = {"x", "g", 3,
                                PIECES({0}, VALUES(double, 1, 2, 0.5))};
    const struct column early = {"y", "g", 3,
                                 PIECES({0}, VALUES(double, 1, 0.5, 0.5))};
    struct producer p = {
        .batches = {RECORD(3, KEYS(3, 1, 2, 3), &s, &late, &early)}};
    struct fixture *f = *state;

    define(f, "CREATE FEATURE VIEW two (a INT64, b INT64) FOR e");
    must_fail(import(f, "two", FEATURE_UPSERT, &p,
                     &(struct feature_arrow_options){
                         .struct_size = sizeof(struct feature_arrow_options),
                         .columns = "k, a = x, b = y"},
                     NULL),
              FEATURE_INVALID, "argument");
    expect_problem(0, 1, "row 1, column \"b\"");
    must_fail(import(f, "two", FEATURE_UPSERT, &p,
                     &(struct feature_arrow_options){
                         .struct_size = sizeof(struct feature_arrow_options),
                         .columns = "k, b = y, a = y"},
                     NULL),
              FEATURE_INVALID, "argument");
    expect_problem(0, 1, "row 1, column \"b\"");
}

static void
rows_are_skipped_in_every_batch_of_a_commit(void **state)
{
    const struct column a = {"a", "l", 2,
                             PIECES({0}, VALUES(int64_t, 7, INT64_MAX))};
    struct producer p = {.batches = {RECORD(2, KEYS(2, 1, 2), &a),
                                     RECORD(2, KEYS(2, 3, 4), &a),
                                     RECORD(2, KEYS(2, 5, 6), &a)}};
    struct feature_commit commit = {.struct_size = sizeof commit};
    struct fixture *f = *state;

    must(import_as(f, &p, NULL, FEATURE_WRITE_SKIP_INVALID, 0, &commit));
    assert_int_equal(commit.sequence, 2);
    assert_int_equal(commit.rejected, 3);
    expect_rows(f, "v(a)", "1\n2\n3\n4\n5\n6",
                "present 7\nnot_found null\npresent 7\nnot_found null\n"
                "present 7\nnot_found null");
}

static void
a_text_larger_than_any_row_is_refused_unread(void **state)
{
    /* Its bytes are not there. */
    const struct column s = {
        "s", "U", 2,
        PIECES({0}, VALUES(int64_t, 0, INT64_C(1) << 62, INT64_C(1) << 62),
               TEXT("x"))};
    struct producer p = {.batches = {RECORD(2, KEYS(2, 1, 2), &s)}};
    struct feature_commit commit = {.struct_size = sizeof commit};
    struct fixture *f = *state;

    must_fail(import_columns(f, &p, NULL), FEATURE_INVALID, "row-size");
    expect_problem(0, 0,
                   "batch 0, row 0, column \"s\": a text larger than any");
    must(import_as(f, &p, NULL, FEATURE_WRITE_SKIP_INVALID, 0, &commit));
    assert_int_equal(commit.rejected, 1);
    assert_int_equal(commit.applied, 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ARROW(columns_are_found_by_name_in_any_order),
        ARROW(columns_may_have_other_names_in_the_stream),
        ARROW(keys_of_several_columns_and_types),
        ARROW(wrong_columns_are_refused_by_name),
        ARROW(operations_are_those_of_a_batch),
        ARROW(rows_are_late_or_future_by_their_timestamps),
        ARROW(a_stream_is_one_commit),
        ARROW(commit_rows_cuts_the_stream_wherever_its_batches_end),
        ARROW(a_stream_without_rows_reports_the_newest_commit),
        ARROW(a_failure_tells_what_was_kept),
        ARROW(an_invalid_row_is_named_by_its_place_in_the_stream),
        ARROW(skipped_rows_are_counted_and_the_rest_is_written),
        ARROW(the_first_invalid_row_and_column_are_named),
        ARROW(rows_are_skipped_in_every_batch_of_a_commit),
        ARROW(a_text_larger_than_any_row_is_refused_unread),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
