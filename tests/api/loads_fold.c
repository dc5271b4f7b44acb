/* SPDX-License-Identifier: Apache-2.0 */
/* Loads of views FROM an event that take events: the same bytes as a store to which
 * they were written. */
#include "arrow_producer.h"
#include "wide.h"

#define EVENT(options)                                                   \
    "STORE WITH (changes = '3 days');"                                   \
    "CREATE ENTITY card (card_id INT64); CREATE ENTITY shop (s STRING);" \
    "CREATE EVENT payment (id STRING, card_id INT64, s STRING, "         \
    "amount INT64) WITH (dedupe = id, max_skew = '1 minute');"           \
    "CREATE FEATURE VIEW other (n = COUNT(*)) FOR shop FROM payment;"    \
    "CREATE FEATURE VIEW spend (n = COUNT(*) OVER '1 hour', "            \
    "spent = SUM(amount) OVER '7 days', "                                \
    "last = LAST(amount) OVER '7 days') FOR card FROM payment " options ";"
#define COLUMNS "id, card_id, event_timestamp, amount"

static feature_load *
begin_spend(struct fixture *f, uint32_t flags, uint64_t memory)
{
    struct feature_load_options options = {
        .struct_size = sizeof options, .flags = flags, .memory = memory};
    feature_load *load = NULL;

    must(feature_load_begin(f->store, "spend", &options, &load, &problem));
    return load;
}

static struct feature_load_report
commit_spend(feature_load *load)
{
    struct feature_load_report report = {.struct_size = sizeof report};

    must(feature_load_commit(load, &report, &problem));
    feature_load_free(load);
    return report;
}

static void
append_events(struct fixture *f, feature_load *load, const char *rows)
{
    feature_batch *batch =
        make_events(f, FEATURE_EVENT, "payment", COLUMNS, rows);

    must(feature_load_append(load, batch, &problem));
    feature_batch_free(batch);
}

static void
append_payments(struct fixture *f, feature_load *load,
                const struct payments *list, uint32_t rows)
{
    feature_batch *batch;

    must(feature_batch_create(f->store, "payment",
                              "card_id, u, price, event_timestamp",
                              FEATURE_EVENT, &batch, &problem));
    for (uint32_t i = 0; i < list->count; i += rows) {
        feature_batch_clear(batch);
        set_payments(batch, list->list + i,
                     list->count - i < rows ? list->count - i : rows);
        must(feature_load_append(load, batch, &problem));
    }
    feature_batch_free(batch);
}

/* --- the same bytes ------------------------------------------------------------ */

/* In several orders, in memory and in runs, with wide states and without. */
static void
expect_folded(struct payments *list, uint32_t flags)
{
    static const uint64_t memories[] = {0, 1, 300000};
    struct fixture *written = begin_store(WIDE_VIEW(""));
    struct held whole;

    pay_all(written, list, 4000);
    whole = held_of(written, "spend");
    for (size_t i = 0; i < sizeof memories / sizeof *memories; i++) {
        struct fixture *f = begin_store(WIDE_VIEW(""));
        feature_load *load = begin_spend(f, flags, memories[i]);
        struct feature_load_report report;

        append_payments(f, load, list, 777);
        report = commit_spend(load);
        assert_int_equal(report.rows, whole.rows);
        expect_equal_rows(held_of(f, "spend"), whole);
        expect_good(f);
        end_store(f);
        shuffle_payments(list);
    }
    end_store(written);
}

static void
events_of_wide_states_are_folded(void **state)
{
    static struct payments list;

    (void)state;
    draw_payments(&list);
    shuffle_payments(&list);
    expect_folded(&list, 0);
    expect_folded(&list, FEATURE_LOAD_LAST_WINS);
}

static void
events_of_many_keys_are_folded(void **state)
{
    static struct payments list;

    (void)state;
    draw_payments(&list);
    for (uint32_t i = 0; i < list.count; i++)
        list.list[i].card = (int64_t)draw_below(2000) - 1000;
    expect_folded(&list, 0);
}

static void
states_beside_rows_are_loaded(void **state)
{
    static const uint32_t flags[] = {
        0, FEATURE_LOAD_SORTED, FEATURE_LOAD_LAST_WINS,
        FEATURE_LOAD_LAST_WINS | FEATURE_LOAD_SORTED};
    struct fixture *from = begin_store(WIDE_VIEW(""));
    static struct payments list;

    (void)state;
    draw_payments(&list);
    pay_all(from, &list, 4000);
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        struct fixture *f = begin_store(WIDE_VIEW(""));
        feature_load *load = begin_spend(f, flags[i], 1);

        for (int j = 0; j < (flags[i] == FEATURE_LOAD_LAST_WINS ? 2 : 1); j++) {
            struct ArrowArrayStream stream = tiles_of(from, "spend");

            must(feature_load_append_arrow(load, &stream, NULL, &problem));
        }
        commit_spend(load);
        expect_equal_rows(held_of(f, "spend"), held_of(from, "spend"));
        expect_good(f);
        pay(f, FEATURE_EVENT, list.list, 100); /* over what was loaded */
        expect_good(f);
        end_store(f);
    }
    end_store(from);
}

/* All of them, and half of them, in versions that take each other's place. */
static void
wide_versions_are_kept_and_copied(void **state)
{
    struct fixture *f = begin_store(WIDE_VIEW(""));
    static struct payments all, half;
    struct held whole;
    feature_load *load;

    (void)state;
    draw_payments(&all);
    shuffle_payments(&all);
    half = all;
    half.count = all.count / 2;
    pay_all(f, &all, 4000);
    whole = held_of(f, "spend");
    for (int i = 0; i < 3; i++) {
        load = begin_spend(f, 0, 1);
        append_payments(f, load, i == 1 ? &all : &half, 5000);
        commit_spend(load);
        expect_good(f);
        expect_payments(f, i == 1 ? &all : &half, NOON);
    }
    must(feature_store_rollback(f->store, "spend", NULL, NULL, &problem));
    expect_equal_rows(held_of(f, "spend"), whole);
    expect_good(f);
    close_store(f);
    must(feature_store_compact(f->path, NULL, NULL, NULL, &problem));
    open_store(f);
    expect_equal_rows(held_of(f, "spend"), whole);
    expect_payments(f, &all, NOON);
    expect_good(f);
    end_store(f);
}

static void
equal_times_are_in_order_of_arrival(void **state)
{
    struct fixture *f = *state;
    feature_load *load;

    define(f, EVENT(""));
    load = begin_spend(f, 0, 0);
    append_events(f, load, "a 2 @-9 1\nb 1 @-9 2\nc 1 @-9 3");
    append_events(f, load, "d 1 @-9 4\ne 2 @-9 5\nf 2 @-10 6");
    commit_spend(load);
    expect_rows(f, "spend(n, spent, last)", "1\n2",
                "present 3 9 4\npresent 3 12 5");
    expect_good(f);
}

/* --- events meanwhile ------------------------------------------------------------ */

static void
what_comes_meanwhile_is_counted_once(void **state)
{
    struct fixture *f = *state;
    struct held whole, other;
    feature_load *load;

    define(f, EVENT(""));
    expect_events(f, FEATURE_EVENT, "payment", COLUMNS,
                  "a 1 @-100 5\nb 2 @-90 7\nc 1 @-80 9\nx 4 @-80 9", "AAAA");
    load = begin_spend(f, 0, 1);
    expect_events(f, FEATURE_EVENT, "payment", COLUMNS,
                  "d 1 @-70 1\ne 3 @-60 2\na 1 @-100 5", "AAD");
    append_events(f, load, "x 4 @-80 9\nc 1 @-80 9\nb 2 @-90 7\na 1 @-100 5");
    expect_events(f, FEATURE_RETRACT, "payment", COLUMNS, "b 2 @-90 7", "A");
    erase(f, "spend", "card_id, event_timestamp", "4 @-40");
    expect_events(f, FEATURE_EVENT, "payment", COLUMNS, "g 1 @-50 4", "A");
    whole = held_of(f, "spend");
    other = held_of(f, "other");
    assert_int_equal(commit_spend(load).caught_up, 5);
    expect_equal_rows(held_of(f, "spend"), whole);
    expect_equal_rows(held_of(f, "other"), other);
    expect_good(f);
    expect_events(f, FEATURE_EVENT, "payment", COLUMNS,
                  "a 1 @-100 5\nh 1 @-10 3", "DA");
    expect_rows(f, "spend(spent)", "1\n3\n4",
                "present 22\npresent 2\nnot_found null");
}

static void
a_rollback_has_what_came_since(void **state)
{
    struct fixture *f = *state;
    feature_load *load;
    struct held whole;

    define(f, EVENT(""));
    expect_events(f, FEATURE_EVENT, "payment", COLUMNS, "a 1 @-100 5", "A");
    load = begin_spend(f, 0, 0);
    append_events(f, load, "z 9 @-100 50");
    commit_spend(load);
    expect_rows(f, "spend(spent)", "1\n9", "not_found null\npresent 50");
    expect_events(f, FEATURE_EVENT, "payment", COLUMNS, "b 1 @-90 6", "A");
    must(feature_store_rollback(f->store, "spend", NULL, NULL, &problem));
    expect_rows(f, "spend(spent)", "1\n9", "present 11\nnot_found null");
    whole = held_of(f, "spend");
    must(feature_store_rollback(f->store, "spend", NULL, NULL, &problem));
    expect_rows(f, "spend(spent)", "1\n9", "present 6\npresent 50");
    must(feature_store_rollback(f->store, "spend", NULL, NULL, &problem));
    expect_equal_rows(held_of(f, "spend"), whole);
    expect_good(f);
}

/* A feature that came later knows all events by then. */
static void
a_feature_is_filled_by_a_load(void **state)
{
    struct fixture *f = *state;
    struct feature_load_options how = {.struct_size = sizeof how};
    feature_load *load;

    define(f, EVENT(""));
    expect_events(f, FEATURE_EVENT, "payment", COLUMNS,
                  "a 1 @-100 5\nb 2 @-90 7", "AA");
    define(f, "CREATE FEATURE VIEW spend (most = MAX(amount) OVER '1 day') "
              "FOR card FROM payment;");
    how.cut = stats_of(f).sequence;
    expect_events(f, FEATURE_EVENT, "payment", COLUMNS, "c 1 @-80 4", "A");
    expect_rows(f, "spend(most)", "1\n2", "partial null\npartial null");
    must(feature_load_begin(f->store, "spend", &how, &load, &problem));
    append_events(f, load, "b 2 @-90 7\na 1 @-100 5");
    assert_int_equal(commit_spend(load).caught_up, 1);
    expect_rows(f, "spend(most, n)", "1\n2", "present 5 2\npresent 7 1");
    expect_good(f);
}

/* --- rows that are not taken ------------------------------------------------------ */

static void
late_events_and_null_keys_are_left_out(void **state)
{
    struct fixture *f = *state;
    feature_load *load;

    define(f, EVENT(""));
    load = begin_spend(f, 0, 0);
    append_events(
        f, load, "c 1 @-80 9\nb null @-90 7\na 1 @-9000000 5\nd 2 @-9000000 1");
    assert_int_equal(commit_spend(load).rows, 2);
    assert_true(stats_of(f).late == 1 && stats_of(f).applied == 2);
    expect_rows(f, "spend(spent)", "1\n2", "present 9\nnot_found null");
    expect_events(f, FEATURE_EVENT, "payment", COLUMNS, "a 1 @-9000000 5", "L");
    expect_good(f);
}

static void
expect_not_taken(struct fixture *f, feature_load *load, const char *event,
                 const char *columns, int32_t operation, const char *rows,
                 const char *reason)
{
    feature_batch *batch = make_events(f, operation, event, columns, rows);

    must_fail(feature_load_append(load, batch, &problem), FEATURE_INVALID,
              reason);
    feature_batch_free(batch);
}

static void
bad_batches_leave_the_load(void **state)
{
    struct fixture *f = *state, *from;
    struct ArrowArrayStream stream;
    feature_load *load;

    define(f, EVENT("") "CREATE EVENT click (card_id INT64);");
    from = begin_store(EVENT(""));
    load = begin_spend(f, 0, 0);
    append_events(f, load, "a 1 @-9 5");
    expect_not_taken(f, load, "payment", COLUMNS, FEATURE_EVENT,
                     "b 1 @-9 1\nc 1 @+61 1", "future");
    assert_int_equal(problem.row, 1);
    assert_non_null(strstr(problem.message, "batch 1, row 1"));
    expect_not_taken(f, load, "payment", COLUMNS, FEATURE_RETRACT, "a 1 @-9 5",
                     "argument");
    expect_not_taken(f, load, "click", "card_id", FEATURE_EVENT, "1",
                     "argument");
    expect_not_taken(f, load, "other", "s", FEATURE_DELETE, "x", "argument");
    stream = tiles_of(from, "spend");
    must(feature_load_append_arrow(load, &stream, NULL, &problem)); /* empty */
    expect_events(from, FEATURE_EVENT, "payment", COLUMNS, "a 1 @-9 5", "A");
    stream = tiles_of(from, "spend");
    must_fail(feature_load_append_arrow(load, &stream, NULL, &problem),
              FEATURE_INVALID, "argument");
    commit_spend(load);
    expect_rows(f, "spend(spent)", "1", "present 5");
    load = begin_spend(f, 0, 0);
    stream = tiles_of(from, "spend");
    must(feature_load_append_arrow(load, &stream, NULL, &problem));
    expect_not_taken(f, load, "payment", COLUMNS, FEATURE_EVENT, "b 1 @-9 1",
                     "argument");
    feature_load_free(load);
    expect_good(f);
    end_store(from);
}

static void
a_promised_order_is_held(void **state)
{
    struct fixture *f = *state;
    feature_load *load;

    define(f, EVENT(""));
    load = begin_spend(f, FEATURE_LOAD_SORTED, 0);
    append_events(f, load, "a 1 @-9 5\nb 1 @-10 5\nc 3 @-9 5");
    append_events(f, load, "a 3 @-9 5\nc 4 @-9 5");
    expect_not_taken(f, load, "payment", COLUMNS, FEATURE_EVENT,
                     "b 4 @-9 1\nb 2 @-9 1", "order");
    must_fail(feature_load_commit(load, NULL, &problem), FEATURE_INVALID,
              "order");
    feature_load_free(load);
    expect_good(f);
}

/* The other view's key is too long, which the load of this one does not mind. */
static void
a_batch_can_be_written_afterwards(void **state)
{
    struct fixture *f = *state;
    struct feature_commit commit = {.struct_size = sizeof commit};
    feature_load *load;
    feature_batch *batch;
    char row[700];

    define(f, EVENT(""));
    snprintf(row, sizeof row, "a 1 @-9 5 %0600d", 7);
    batch = make_events(f, FEATURE_EVENT, "payment", COLUMNS ", s", row);
    load = begin_spend(f, 0, 0);
    must(feature_load_append(load, batch, &problem));
    must_fail(feature_store_write(f->store, &batch, 1, NULL, &commit, &problem),
              FEATURE_INVALID, "key-size");
    commit_spend(load);
    load = begin_spend(f, 0, 0);
    must(feature_load_append(load, batch, &problem));
    assert_int_equal(commit_spend(load).rows, 1);
    feature_batch_free(batch);
    expect_good(f);
}

static void
a_definition_that_changes_ends_the_load(void **state)
{
    struct fixture *f = *state;
    feature_batch *batch;
    feature_load *load;

    define(f, EVENT(""));
    load = begin_spend(f, 0, 0);
    define(f, "CREATE EVENT payment (id STRING, card_id INT64, s STRING, "
              "amount INT64, more INT64) WITH (dedupe = id, max_skew = "
              "'1 minute');");
    batch = make_events(f, FEATURE_EVENT, "payment", COLUMNS ", more",
                        "a 1 @-9 5 6");
    must_fail(feature_load_append(load, batch, &problem), FEATURE_CONFLICT,
              "schema-changed");
    feature_batch_free(batch);
    feature_load_free(load);
    expect_good(f);
}

/* --- gates ------------------------------------------------------------------------- */

static void
gates_judge_what_was_folded(void **state)
{
    struct fixture *f = *state;
    feature_load *load;

    define(f, EVENT("WITH (check = 'rows >= 2; age <= 1 hour; "
                    "distinct(card_id) >= 2')"));
    load = begin_spend(f, 0, 0);
    append_events(f, load, "a 1 @-100 5\nb 2 @-90 7");
    commit_spend(load);
    load = begin_spend(f, 0, 0);
    append_events(f, load, "a 1 @-100 5\nb 1 @-90 7");
    must_fail(feature_load_commit(load, NULL, &problem), FEATURE_CONFLICT,
              "gate");
    feature_load_free(load);
    load = begin_spend(f, 0, 0);
    append_events(f, load, "a 1 @-7200 5\nb 2 @-9000 7");
    must_fail(feature_load_commit(load, NULL, &problem), FEATURE_CONFLICT,
              "gate");
    feature_load_free(load);
    expect_rows(f, "spend(spent)", "1\n2", "present 5\npresent 7");
    load = begin_spend(f, FEATURE_LOAD_FORCE, 0);
    append_events(f, load, "c 1 @-100 6");
    assert_int_equal(commit_spend(load).flags, FEATURE_LOADED_FORCED);
    expect_rows(f, "spend(spent)", "1\n2", "present 6\nnot_found null");
    expect_good(f);
}

/* --- streams ----------------------------------------------------------------------- */

#define INTS(name, rows, ...)                                      \
    &(const struct column)                                         \
    {                                                              \
        name, "l", rows, PIECES({0}, VALUES(int64_t, __VA_ARGS__)) \
    }

static void
streams_of_events_are_folded(void **state)
{
    struct producer p = {
        .batches = {RECORD(2, INTS("card_id", 2, 2, 1), INTS("v", 2, 10, 20)),
                    RECORD(2, INTS("card_id", 2, 1, 2), INTS("v", 2, 40, 30))}};
    struct feature_arrow_options options = {.struct_size = sizeof options,
                                            .columns = "card_id, amount = v"};
    struct ArrowArrayStream stream;
    struct fixture *f = *state;
    struct feature_load_options how = {
        .struct_size = sizeof how, .id = "x", .time = NOON - 1};
    feature_load *load;

    define(f, EVENT(""));
    for (int i = 0; i < 2; i++) { /* the second is known */
        must(feature_load_begin(f->store, "spend", &how, &load, &problem));
        produce(&p, &stream);
        must(feature_load_append_arrow(load, &stream, &options, &problem));
        expect_released(&p, &stream);
        assert_int_equal(commit_spend(load).flags,
                         i ? FEATURE_LOADED_DUPLICATE : 0);
    }
    expect_rows(f, "spend(n, spent)", "1\n2", "present 2 60\npresent 2 40");
    expect_good(f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        DRAWN(events_of_wide_states_are_folded),
        DRAWN(events_of_many_keys_are_folded),
        DRAWN(states_beside_rows_are_loaded),
        DRAWN(wide_versions_are_kept_and_copied),
        TEST(equal_times_are_in_order_of_arrival),
        TEST(what_comes_meanwhile_is_counted_once),
        TEST(a_rollback_has_what_came_since),
        TEST(a_feature_is_filled_by_a_load),
        TEST(late_events_and_null_keys_are_left_out),
        TEST(bad_batches_leave_the_load),
        TEST(a_promised_order_is_held),
        TEST(a_batch_can_be_written_afterwards),
        TEST(a_definition_that_changes_ends_the_load),
        TEST(gates_judge_what_was_folded),
        TEST(streams_of_events_are_folded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
