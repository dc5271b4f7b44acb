/* SPDX-License-Identifier: Apache-2.0 */
/* A row is a set of last-writer-wins cells: UPSERT, PATCH and DELETE in any
 * order. */
#include "common.h"

#define DEFINITIONS                                      \
    "CREATE ENTITY e (k INT64);"                         \
    "CREATE FEATURE VIEW v (a INT64 DEFAULT 1, b INT64)" \
    " FOR e WITH (max_skew = 'none');"

#define A "k, event_timestamp, a"
#define B "k, event_timestamp, b"

static int
begin(void **state)
{
    if (fixture_begin(state))
        return -1;
    define(*state, DEFINITIONS);
    return 0;
}

#define CELLS(name) cmocka_unit_test_setup_teardown(name, begin, fixture_end)

/* One write; how many rows of it were applied. */
static uint64_t
applied(struct feature_commit commit)
{
    return commit.applied;
}

static void
an_upsert_writes_all_features(void **state)
{
    struct fixture *f = *state;

    upsert(f, "v", NULL, "7 100 5 6\n8 100 null 6");
    expect_rows(f, "v(*)", "7\n8\n9",
                "present 5 6\npresent 1* 6\nnot_found 1* null");
    upsert(f, "v", B, "7 101 7");
    expect_rows(f, "v(*)", "7", "present 1* 7");
}

static void
a_patch_writes_its_own_features(void **state)
{
    struct fixture *f = *state;

    upsert(f, "v", NULL, "7 100 5 6");
    patch(f, "v", B, "7 101 7\n8 101 8");
    expect_rows(f, "v(*)", "7\n8", "present 5 7\npresent 1* 8");
    patch(f, "v", A, "7 102 null");
    expect_rows(f, "v(*)", "7", "present 1* 7");
}

static void
an_older_upsert_is_late_and_leaves_the_row_alone(void **state)
{
    struct fixture *f = *state;
    struct feature_commit commit;

    upsert(f, "v", NULL, "7 100 5 6");
    commit = upsert(f, "v", NULL, "7 99 8 9");
    assert_int_equal(commit.applied, 0);
    assert_int_equal(commit.late, 1);
    assert_int_equal(commit.sequence, 3);
    expect_rows(f, "v(*)", "7", "present 5 6");
    assert_int_equal(stats_of(f).late, 1);
}

static void
a_write_is_judged_cell_by_cell(void **state)
{
    struct fixture *f = *state;

    patch(f, "v", A, "7 100 5");
    patch(f, "v", B, "7 200 6");
    assert_int_equal(applied(upsert(f, "v", NULL, "7 150 8 9")), 1);
    expect_rows(f, "v(*)", "7", "present 8 6");
    assert_int_equal(applied(upsert(f, "v", NULL, "7 149 1 2")), 0);
    assert_int_equal(applied(patch(f, "v", A, "7 149 1")), 0);
    assert_int_equal(applied(patch(f, "v", B, "7 199 1")), 0);
    expect_rows(f, "v(*)", "7", "present 8 6");
}

static void
of_equal_timestamps_the_later_write_wins(void **state)
{
    struct fixture *f = *state;

    upsert(f, "v", NULL, "7 100 5 6");
    assert_int_equal(applied(upsert(f, "v", NULL, "7 100 8 9")), 1);
    expect_rows(f, "v(*)", "7", "present 8 9");
    assert_int_equal(
        applied(upsert(f, "v", NULL, "7 100 1 1\n7 100 2 2\n7 100 3 3")), 3);
    expect_rows(f, "v(*)", "7", "present 3 3");
    assert_int_equal(applied(patch(f, "v", A, "7 100 4")), 1);
    expect_rows(f, "v(*)", "7", "present 4 3");
}

static void
repeated_keys_of_a_batch_are_written_in_order(void **state)
{
    struct fixture *f = *state;
    feature_batch *batch =
        make_batch(f, FEATURE_UPSERT, "v", NULL,
                   "7 100 1 1\n8 100 2 2\n7 300 3 3\n8 50 4 4\n7 200 5 5\n"
                   "8 100 6 6");

    write_batch(f, batch);
    expect_outcomes(batch, "AAALLA");
    expect_rows(f, "v(*)", "7\n8", "present 3 3\npresent 6 6");
    feature_batch_free(batch);
}

static void
older_writes_cannot_pass_a_delete(void **state)
{
    struct fixture *f = *state;

    upsert(f, "v", NULL, "7 100 5 6");
    assert_int_equal(applied(erase(f, "v", NULL, "7 200")), 1);
    expect_rows(f, "v(*)", "7", "not_found 1* null");
    assert_int_equal(upsert(f, "v", NULL, "7 199 8 9").late, 1);
    assert_int_equal(patch(f, "v", A, "7 199 8").late, 1);
    assert_int_equal(erase(f, "v", NULL, "7 199").late, 1);
    expect_rows(f, "v(*)", "7", "not_found 1* null");
    assert_int_equal(applied(patch(f, "v", B, "7 200 9")), 1);
    expect_rows(f, "v(*)", "7", "present 1* 9");
    assert_int_equal(patch(f, "v", A, "7 199 8").late, 1);
    assert_int_equal(applied(patch(f, "v", A, "7 201 8")), 1);
    expect_rows(f, "v(*)", "7", "present 8 9");
}

static void
a_delete_of_nothing_is_remembered_too(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(applied(erase(f, "v", NULL, "7 200")), 1);
    assert_int_equal(stats_of(f).tombstones, 1);
    assert_int_equal(stats_of(f).rows, 0);
    assert_int_equal(upsert(f, "v", NULL, "7 199 8 9").late, 1);
    expect_rows(f, "v(*)", "7", "not_found 1* null");
    upsert(f, "v", NULL, "7 201 8 9");
    assert_int_equal(stats_of(f).tombstones, 0);
    assert_int_equal(stats_of(f).rows, 1);
}

static void
a_delete_takes_only_cells_it_is_not_older_than(void **state)
{
    struct fixture *f = *state;

    patch(f, "v", A, "7 100 5");
    patch(f, "v", B, "7 300 6");
    assert_int_equal(applied(erase(f, "v", NULL, "7 200")), 1);
    expect_rows(f, "v(*)", "7", "present 1* 6");
    assert_int_equal(stats_of(f).tombstones, 0);
    assert_int_equal(patch(f, "v", A, "7 199 8").late, 1);
    assert_int_equal(erase(f, "v", NULL, "7 50").late, 1);
    assert_int_equal(applied(erase(f, "v", NULL, "7 300")), 1);
    expect_rows(f, "v(*)", "7", "not_found 1* null");
    assert_int_equal(stats_of(f).tombstones, 1);
}

static void
a_tombstone_holds_for_features_added_later(void **state)
{
    struct fixture *f = *state;

    erase(f, "v", NULL, "7 200");
    define(f, "CREATE FEATURE VIEW v (c INT64) FOR e");
    assert_int_equal(patch(f, "v", "k, event_timestamp, c", "7 199 1").late, 1);
    expect_rows(f, "v(*)", "7", "not_found 1* null null");
    patch(f, "v", "k, event_timestamp, c", "7 200 1");
    expect_rows(f, "v(*)", "7", "present 1* null 1");
}

static void
a_new_feature_is_backfilled_with_old_timestamps(void **state)
{
    struct fixture *f = *state;

    upsert(f, "v", NULL, "7 100 5 6");
    define(f, "CREATE FEATURE VIEW v (c INT64) FOR e");
    assert_int_equal(applied(patch(f, "v", "k, event_timestamp, c", "7 10 1")),
                     1);
    expect_rows(f, "v(*)", "7", "present 5 6 1");
    assert_int_equal(patch(f, "v", "k, event_timestamp, c", "7 9 2").late, 1);
    assert_int_equal(patch(f, "v", B, "7 99 2").late, 1);
    expect_rows(f, "v(*)", "7", "present 5 6 1");
}

/* Writes with distinct timestamps, in all their orders. */
struct order_step {
    int32_t operation;
    const char *columns;
    const char *cells;
};

static const struct order_step order_steps[] = {
    {FEATURE_UPSERT, NULL, "100 1 2"}, {FEATURE_PATCH, A, "400 3"},
    {FEATURE_DELETE, NULL, "200"},     {FEATURE_PATCH, B, "300 null"},
    {FEATURE_PATCH, B, "50 5"},
};

#define ORDER_STEPS (sizeof order_steps / sizeof *order_steps)

static void
write_in_order(struct fixture *f, int key, const size_t *order, size_t count)
{
    char row[64];

    for (size_t i = 0; i < count; i++) {
        const struct order_step *step = &order_steps[order[i]];

        snprintf(row, sizeof row, "%d %s", key, step->cells);
        write_rows(f, step->operation, "v", step->columns, row);
    }
}

/* Steps to the next permutation; 0 after the last. */
static int
next_order(size_t *order, size_t count)
{
    size_t i = count - 1, j = count - 1, kept;

    while (i && order[i - 1] > order[i])
        i--;
    if (!i)
        return 0;
    while (order[j] < order[i - 1])
        j--;
    kept = order[j];
    order[j] = order[i - 1];
    order[i - 1] = kept;
    for (j = count - 1; i < j; i++, j--) {
        kept = order[i];
        order[i] = order[j];
        order[j] = kept;
    }
    return 1;
}

/* The first count steps in every order: the answer is one, at every time. */
static void
check_orders(struct fixture *f, size_t count, const char *expected)
{
    static const int64_t times[] = {49, 50, 99, 150, 200, 300, 350, 400, 500};
    size_t order[ORDER_STEPS] = {0, 1, 2, 3, 4};
    static char first[ANSWER_SIZE], text[ANSWER_SIZE];
    struct reader reader;
    char key[16];
    int made = 0;

    do {
        write_in_order(f, made, order, count);
        snprintf(key, sizeof key, "%d", made);
        reader = open_reader(f, "v(*)", 0, key);
        expect_read(&reader, expected);
        must(feature_request_set_as_of(reader.request, times, 9, &problem));
        must(feature_request_read(reader.request, &problem));
        print_answer(reader.request, made ? text : first);
        if (made)
            assert_string_equal(text, first);
        close_reader(&reader);
        made++;
    } while (next_order(order, count));
}

static void
any_order_of_distinct_timestamps_gives_the_same_row(void **state)
{
    struct fixture *f = *state;

    check_orders(f, 5, "present 3 null");
    assert_int_equal(stats_of(f).rows, 120);
    start_again(f);
    define(f, DEFINITIONS);
    check_orders(f, 3, "present 3 null");
    start_again(f);
    define(f, DEFINITIONS);
    check_orders(f, 2, "present 3 2");
}

static void
timestamps_tell_the_newest_cell_of_each_row(void **state)
{
    struct fixture *f = *state;
    struct reader reader;
    const int64_t *times;

    patch(f, "v", A, "7 100 5\n8 500 1");
    patch(f, "v", B, "7 300 6");
    erase(f, "v", NULL, "9 200");
    reader = open_reader(f, "v(*)", 0, "7\n8\n9\n10");
    must(feature_request_read(reader.request, &problem));
    times = feature_request_timestamps(reader.request, 0);
    assert_int_equal(times[0], 300);
    assert_int_equal(times[1], 500);
    assert_true(times[2] == INT64_MIN);
    assert_true(times[3] == INT64_MIN);
    close_reader(&reader);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CELLS(an_upsert_writes_all_features),
        CELLS(a_patch_writes_its_own_features),
        CELLS(an_older_upsert_is_late_and_leaves_the_row_alone),
        CELLS(a_write_is_judged_cell_by_cell),
        CELLS(of_equal_timestamps_the_later_write_wins),
        CELLS(repeated_keys_of_a_batch_are_written_in_order),
        CELLS(older_writes_cannot_pass_a_delete),
        CELLS(a_delete_of_nothing_is_remembered_too),
        CELLS(a_delete_takes_only_cells_it_is_not_older_than),
        CELLS(a_tombstone_holds_for_features_added_later),
        CELLS(a_new_feature_is_backfilled_with_old_timestamps),
        CELLS(any_order_of_distinct_timestamps_gives_the_same_row),
        CELLS(timestamps_tell_the_newest_cell_of_each_row),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
