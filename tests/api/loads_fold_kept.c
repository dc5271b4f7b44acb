/* SPDX-License-Identifier: Apache-2.0 */
/* Loads of views FROM an event that keep history: what they hold, what is known of
 * it, and what retention and upkeep make of it. */
#include "snapshot.h"
#include "wide.h"

#define PAYMENT                                                           \
    "STORE WITH (changes = '300 days');"                                  \
    "CREATE ENTITY card (card_id INT64);"                                 \
    "CREATE EVENT payment (id STRING, card_id INT64, amount INT64) WITH " \
    "(dedupe = id, max_skew = '1 minute');"
#define SPEND(options)                                                       \
    "CREATE FEATURE VIEW spend (n = COUNT(*) OVER '1 hour', "                \
    "least = MIN(amount) OVER '7 days', last = LAST(amount) OVER '7 days', " \
    "ever = COUNT(*)) FOR card FROM payment WITH (" options ");"
#define KEPT    PAYMENT SPEND("history = '30 days'")
#define COLUMNS "id, card_id, event_timestamp, amount"

static void
write_events(struct fixture *f, const char *rows, const char *outcomes)
{
    expect_events(f, FEATURE_EVENT, "payment", COLUMNS, rows, outcomes);
}

static feature_load *
begin_spend(struct fixture *f, uint32_t flags, uint64_t memory)
{
    struct feature_load_options options = {
        .struct_size = sizeof options, .flags = flags, .memory = memory};
    feature_load *load = NULL;

    must(feature_load_begin(f->store, "spend", &options, &load, &problem));
    return load;
}

static void
append_events(struct fixture *f, feature_load *load, const char *rows)
{
    feature_batch *batch =
        make_events(f, FEATURE_EVENT, "payment", COLUMNS, rows);

    must(feature_load_append(load, batch, &problem));
    feature_batch_free(batch);
}

static struct feature_load_report
commit_spend(feature_load *load)
{
    struct feature_load_report report = {.struct_size = sizeof report};

    must(feature_load_commit(load, &report, &problem));
    feature_load_free(load);
    return report;
}

static struct feature_load_report
load_events(struct fixture *f, const char *rows)
{
    feature_load *load = begin_spend(f, 0, 0);

    if (rows)
        append_events(f, load, rows);
    return commit_spend(load);
}

/* As of a time, unless that is 0, and as known by a commit, unless that is 0. */
static void
expect_past(struct fixture *f, const char *features, const char *keys,
            int64_t t, int64_t known_by, const char *expected)
{
    struct feature_query_options options = {.struct_size = sizeof options,
                                            .known_by = known_by};
    struct reader reader = {0};

    must(feature_query_create(f->store, features, &options, &reader.query,
                              &problem));
    must(feature_request_create(reader.query, &reader.request, &problem));
    set_keys(&reader, keys);
    if (t)
        must(feature_request_set_as_of(reader.request, &t, 1, &problem));
    must(feature_request_read(reader.request, &problem));
    expect_answer(reader.request, expected);
    close_reader(&reader);
}

/* --- what is known ---------------------------------------------------------------- */

#define KEYS_4  "1\n2\n3\n4"
#define UNKNOWN "no_history null"

static void
expect_known_from(struct fixture *f, int64_t cut)
{
    expect_past(f, "spend(last)", KEYS_4, 0, cut - 1,
                UNKNOWN "\n" UNKNOWN "\n" UNKNOWN "\n" UNKNOWN);
    expect_past(f, "spend(last)", KEYS_4, NOON, cut - 1,
                UNKNOWN "\n" UNKNOWN "\n" UNKNOWN "\n" UNKNOWN);
    for (int64_t by = cut; by < cut + 2; by++)
        expect_past(f, "spend(last)", KEYS_4, 0, by,
                    "present 50\nnot_found null\npresent 9\nnot_found null");
}

static void
before_the_cut_nothing_is_known(void **state)
{
    struct fixture *f = *state, copy;
    feature_load *load;
    int64_t cut;

    define(f, KEPT);
    write_events(f, "a 1 @-100 5\nb 2 @-90 7", "AA");
    cut = stats_of(f).commit_time;
    load = begin_spend(f, 0, 0);
    append_events(f, load, "x 1 @-100 50\ny 3 @-50 9");
    commit_spend(load);
    write_events(f, "c 1 @-10 1", "A");
    expect_known_from(f, cut);
    expect_rows(f, "spend(last, ever)", KEYS_4,
                "present 1 2\nnot_found null 0\npresent 9 1\nnot_found null 0");
    take_snapshot(f, "file", NULL);
    copy = restore_copy(f, "file", "copy");
    expect_known_from(&copy, cut);
    expect_good(&copy);
    close_store(&copy);
    expect_good(f);
}

/* Without history nothing is known by a commit of before, of no key. */
static void
a_key_that_a_load_lacks_is_not_known_by_before(void **state)
{
    struct fixture *f = *state;
    int64_t before;

    define(f, PAYMENT SPEND("slack = '10 minutes'"));
    write_events(f, "a 1 @-100 5\nb 2 @-90 7", "AA");
    before = stats_of(f).commit_time;
    expect_past(f, "spend(last)", "1\n3", 0, before - 1,
                UNKNOWN "\nnot_found null");
    load_events(f, "a 1 @-100 5");
    expect_past(f, "spend(last)", "1\n2\n3", 0, before,
                UNKNOWN "\n" UNKNOWN "\n" UNKNOWN);
    must(feature_store_rollback(f->store, "spend", NULL, NULL, &problem));
    write_events(f, "c 1 @-80 5", "A");
    expect_past(f, "spend(last)", "2\n3", 0, before,
                UNKNOWN "\nnot_found null");
    expect_good(f);
}

static void
a_load_of_nothing_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    int64_t cut;

    define(f, KEPT);
    write_events(f, "a 1 @-100 5\nb 2 @-90 7", "AA");
    cut = stats_of(f).commit_time;
    assert_int_equal(load_events(f, NULL).rows, 0);
    assert_int_equal(held_of(f, "spend").history, 0);
    expect_past(f, "spend(ever)", "1\n2", NOON - 95 * SECOND, 0,
                "not_found 0\nnot_found 0");
    expect_past(f, "spend(ever)", "1\n2", 0, cut, "not_found 0\nnot_found 0");
    expect_past(f, "spend(ever)", "1\n2", 0, cut - 1, UNKNOWN "\n" UNKNOWN);
    write_events(f, "c 1 @-10 1", "A");
    expect_past(f, "spend(ever)", "1\n2", NOON - 9 * SECOND, 0,
                "present 1\nnot_found 0");
    expect_good(f);
}

/* --- what is kept ------------------------------------------------------------------ */

static void
old_events_are_folded_and_not_kept(void **state)
{
    struct fixture *f = *state;

    define(f, KEPT);
    load_events(f, "b 1 @-2000000 1"); /* 23 days */
    assert_int_equal(held_of(f, "spend").history, 1);
    expect_past(f, "spend(ever)", "1", NOON - 40 * DAY, 0, "not_found 0");
    load_events(f, "a 1 @-2678400 1\nb 1 @-2505600 2\nc 1 @-10 3\n"
                   "d 2 @-2592000 4"); /* 31, 29 and 30 days */
    assert_int_equal(held_of(f, "spend").history, 2);
    expect_rows(f, "spend(ever)", "1\n2", "present 3\npresent 1");
    expect_past(f, "spend(n)", "1", NOON - 29 * DAY + SECOND, 0, "present 1");
    expect_past(f, "spend(n)", "1", NOON - 31 * DAY + SECOND, 0, UNKNOWN);
    expect_past(f, "spend(ever)", "1", NOON - 29 * DAY + SECOND, 0, UNKNOWN);
    move_clock(f, NOON + 2 * DAY);
    must(feature_store_maintain(f->store, NULL, NULL, &problem));
    assert_int_equal(held_of(f, "spend").history, 1);
    expect_past(f, "spend(n)", "1", NOON - 29 * DAY + SECOND, 0, UNKNOWN);
    expect_good(f);
}

static void
ids_that_come_twice_count_twice(void **state)
{
    struct fixture *f = *state;

    define(f, KEPT);
    load_events(f, "a 1 @-100 5\na 1 @-100 5\nb 1 @-100 6");
    assert_int_equal(held_of(f, "spend").history, 3);
    expect_rows(f, "spend(ever, last)", "1", "present 3 6");
    write_events(f, "a 1 @-100 5\na 1 @-100 5", "AD");
    expect_past(f, "spend(ever, last)", "1", NOON - 99 * SECOND, 0,
                "present 4 5");
    expect_events(f, FEATURE_RETRACT, "payment", COLUMNS, "a 1 @-100 5", "A");
    expect_past(f, "spend(ever, last)", "1", NOON - 99 * SECOND, 0,
                "present 3 6");
    expect_good(f);
}

static void
a_loaded_event_is_taken_back(void **state)
{
    struct feature_commit commit = {.struct_size = sizeof commit};
    struct fixture *f = *state;
    feature_batch *batch;
    int64_t cut;

    define(f, KEPT);
    cut = stats_of(f).commit_time;
    load_events(f, "a 1 @-100 5\nb 1 @-90 2\nc 1 @-80 7\nd 1 @-80 8");
    expect_events(f, FEATURE_RETRACT, "payment", COLUMNS,
                  "b 1 @-90 2\nd 1 @-80 8\nb 1 @-90 2", "AAD");
    expect_rows(f, "spend(n, least, last)", "1", "present 2 5 7");
    expect_past(f, "spend(n, least, last)", "1", NOON, cut, "present 4 2 8");
    batch = make_events(f, FEATURE_RETRACT, "payment", COLUMNS, "q 1 @-80 9");
    must_fail(feature_store_write(f->store, &batch, 1, NULL, &commit, &problem),
              FEATURE_INVALID, "argument");
    feature_batch_free(batch);
    expect_good(f);
}

/* What the load left out was taken back after its cut: there is nothing to do. */
static void
what_was_taken_back_since_may_be_left_out(void **state)
{
    static const char *const with[] = {"", "\nb 1 @-90 2"};
    (void)state;

    for (int i = 0; i < 2; i++) {
        struct fixture *f = begin_store(KEPT);
        feature_load *load;
        char rows[100];

        write_events(f, "a 1 @-100 5\nb 1 @-90 2\nc 2 @-90 3", "AAA");
        load = begin_spend(f, 0, 0);
        expect_events(f, FEATURE_RETRACT, "payment", COLUMNS,
                      "b 1 @-90 2\nc 2 @-90 3", "AA");
        snprintf(rows, sizeof rows, "a 1 @-100 5%s", with[i]);
        append_events(f, load, rows);
        assert_int_equal(commit_spend(load).caught_up, 2);
        expect_rows(f, "spend(n, least)", "1\n2",
                    "present 1 5\nnot_found 0 null");
        expect_past(f, "spend(n, least)", "1\n2", NOON - 10 * SECOND, 0,
                    "present 1 5\nnot_found 0 null");
        expect_good(f);
        end_store(f);
    }
}

/* --- the same bytes ------------------------------------------------------------------ */

static void
append_payments(struct fixture *f, feature_load *load,
                const struct payments *list)
{
    feature_batch *batch;

    must(feature_batch_create(f->store, "payment",
                              "card_id, u, price, event_timestamp",
                              FEATURE_EVENT, &batch, &problem));
    for (uint32_t i = 0; i < list->count; i += 777) {
        feature_batch_clear(batch);
        set_payments(batch, list->list + i,
                     list->count - i < 777 ? list->count - i : 777);
        must(feature_load_append(load, batch, &problem));
    }
    feature_batch_free(batch);
}

static int
compare_cards(const void *a, const void *b)
{
    const struct payment *x = a, *y = b;

    return (x->card > y->card) - (x->card < y->card);
}

/* In any order, sorted or not, in memory and in runs; states lie beside rows. */
static void
expect_one_form(struct payments *list, int has_order)
{
    static const uint64_t memories[] = {0, 1, 300000};
    struct fixture *written = begin_store(WIDE_VIEW(", history = '30 days'"));
    struct held whole, first = {0};

    pay_all(written, list, 4000);
    whole = held_of(written, "spend");
    for (int i = 0; i < 3; i++) {
        struct fixture *f = begin_store(WIDE_VIEW(", history = '30 days'"));
        feature_load *load =
            begin_spend(f, has_order ? FEATURE_LOAD_SORTED : 0, memories[i]);
        struct held held;

        append_payments(f, load, list);
        assert_int_equal(commit_spend(load).rows, whole.rows);
        held = held_of(f, "spend");
        expect_equal_rows(held, whole);
        assert_int_equal(held.history, list->count);
        if (!i)
            first = held;
        assert_string_equal(held.kept, first.kept);
        expect_payments(f, list, NOON);
        expect_good(f);
        end_store(f);
        shuffle_payments(list);
        if (has_order)
            qsort(list->list, list->count, sizeof *list->list, compare_cards);
    }
    end_store(written);
}

static void
the_order_does_not_show(void **state)
{
    static struct payments list;

    (void)state;
    draw_payments(&list);
    expect_one_form(&list, 0);
    for (uint32_t i = 0; i < list.count; i++)
        list.list[i].card = (int64_t)draw_below(900) - 450;
    expect_one_form(&list, 0);
    qsort(list.list, list.count, sizeof *list.list, compare_cards);
    expect_one_form(&list, 1);
}

static void
equal_times_are_in_order_of_arrival(void **state)
{
    static char rows[9000];
    struct fixture *f = *state;
    feature_load *load;
    size_t size = 0;

    for (int i = 0; i < 400; i++) /* more than are folded at a time */
        size += (size_t)snprintf(rows + size, sizeof rows - size,
                                 "%sx 1 @-9 %d", i ? "\n" : "", i);
    define(f, KEPT);
    load = begin_spend(f, 0, 1);
    append_events(f, load, "a 1 @-8 1000");
    append_events(f, load, rows);
    append_events(f, load, "b 1 @-9 500\nc 1 @-10 2000");
    commit_spend(load);
    expect_past(f, "spend(ever, last)", "1", NOON - 8 * SECOND, 0,
                "present 402 500");
    expect_events(f, FEATURE_RETRACT, "payment", COLUMNS, "b 1 @-9 500", "A");
    expect_past(f, "spend(ever, last)", "1", NOON - 8 * SECOND, 0,
                "present 401 399");
    expect_rows(f, "spend(ever, last)", "1", "present 402 1000");
    expect_good(f);
}

/* --- what comes after ------------------------------------------------------------------ */

static void
features_and_columns_come_later(void **state)
{
    struct fixture *f = *state;

    define(f, KEPT);
    load_events(f, "a 1 @-5000 5\nb 1 @-90 2");
    define(f, "CREATE EVENT payment (id STRING, card_id INT64, amount INT64, "
              "kind STRING) WITH (dedupe = id, max_skew = '1 minute');"
              "CREATE FEATURE VIEW spend (most = MAX(amount) OVER '1 day', "
              "kinds = COUNT(DISTINCT kind)) FOR card FROM payment;");
    expect_rows(f, "spend(most, kinds)", "1", "present 5 0");
    expect_events(f, FEATURE_EVENT, "payment", COLUMNS ", kind", "c 1 @-80 1 x",
                  "A");
    expect_rows(f, "spend(most, kinds, n)", "1", "present 5 1 2");
    expect_events(f, FEATURE_RETRACT, "payment", COLUMNS, "a 1 @-5000 5", "A");
    expect_rows(f, "spend(most, kinds, n)", "1", "present 2 1 2");
    expect_good(f);
}

static void
history_is_switched_off_and_on(void **state)
{
    struct fixture *f = *state;

    define(f, KEPT);
    load_events(f, "a 1 @-5000 5\nz 1 @-5002 5\nb 1 @-90 2");
    expect_past(f, "spend(n)", "1", NOON - 5001 * SECOND, 0, "present 1");
    define(f, SPEND("history = 'none'"));
    assert_int_equal(held_of(f, "spend").history, 0);
    expect_good(f);
    define(f, SPEND("history = '30 days'"));
    expect_past(f, "spend(n)", "1", NOON - 5001 * SECOND, 0, UNKNOWN);
    load_events(f, "a 1 @-5000 5\nz 1 @-5002 5\nb 1 @-90 2");
    expect_past(f, "spend(n)", "1", NOON - 5001 * SECOND, 0, "present 1");
    expect_good(f);
}

/* --- what is not taken ------------------------------------------------------------------ */

static void
tiles_are_refused_and_the_load_goes_on(void **state)
{
    struct fixture *f = *state,
                   *from = begin_store(PAYMENT SPEND("slack = '10 minutes'"));
    struct ArrowArrayStream stream;
    feature_batch *batch;
    feature_load *load;

    define(f, KEPT);
    write_events(from, "a 1 @-100 5", "A");
    load = begin_spend(f, 0, 0);
    stream = tiles_of(from, "spend");
    must_fail(feature_load_append_arrow(load, &stream, NULL, &problem),
              FEATURE_UNSUPPORTED, "history");
    append_events(f, load, "b 1 @-90 7");
    batch = make_events(f, FEATURE_RETRACT, "payment", COLUMNS, "b 1 @-90 7");
    must_fail(feature_load_append(load, batch, &problem), FEATURE_INVALID,
              "argument");
    feature_batch_free(batch);
    commit_spend(load);
    expect_rows(f, "spend(last)", "1", "present 7");
    expect_good(f);
    end_store(from);
}

static void
a_load_that_fails_leaves_the_history(void **state)
{
    struct fixture *f = *state;
    struct held held;
    feature_load *load;

    define(f, PAYMENT SPEND("history = '30 days', check = 'rows >= 2'"));
    write_events(f, "a 1 @-100 5\nb 2 @-90 7", "AA");
    held = held_of(f, "spend");
    load = begin_spend(f, 0, 0);
    append_events(f, load, "c 1 @-100 5\nd 1 @-90 5\ne 1 @-80 5");
    must_fail(feature_load_commit(load, NULL, &problem), FEATURE_CONFLICT,
              "gate");
    feature_load_free(load);
    load = begin_spend(f, 0, 0);
    append_events(f, load, "c 1 @-100 5\nd 2 @-90 5");
    expect_good(f);
    feature_load_free(load);
    assert_string_equal(held_of(f, "spend").kept, held.kept);
    expect_equal_rows(held_of(f, "spend"), held);
    expect_past(f, "spend(last)", "1\n2", NOON, NOON + 1,
                "present 5\npresent 7");
    expect_good(f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(before_the_cut_nothing_is_known),
        TEST(a_key_that_a_load_lacks_is_not_known_by_before),
        TEST(a_load_of_nothing_leaves_nothing),
        TEST(old_events_are_folded_and_not_kept),
        TEST(ids_that_come_twice_count_twice),
        TEST(a_loaded_event_is_taken_back),
        TEST(what_was_taken_back_since_may_be_left_out),
        DRAWN(the_order_does_not_show),
        TEST(equal_times_are_in_order_of_arrival),
        TEST(features_and_columns_come_later),
        TEST(history_is_switched_off_and_on),
        TEST(tiles_are_refused_and_the_load_goes_on),
        TEST(a_load_that_fails_leaves_the_history),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
