/* SPDX-License-Identifier: Apache-2.0 */
/* Features of windows in requests, one promise at a time. */
#include "arrow_stream.h"
#include "windows.h"

#define CARDS                                                               \
    "CREATE ENTITY card (card_id INT64);"                                   \
    "CREATE ENTITY shop (name STRING);"                                     \
    "CREATE EVENT payment (card_id INT64, amount INT64, price FLOAT64,"     \
    " shop STRING, status STRING);"                                         \
    "CREATE FEATURE VIEW limits (day INT64 DEFAULT 100) FOR card;"          \
    "CREATE FEATURE VIEW spend (n = COUNT(*) OVER '1 hour' HOP '1 minute'," \
    " total = SUM(amount) OVER '1 hour' HOP '1 minute' DEFAULT 0,"          \
    " biggest = MAX(amount) OVER '1 hour' HOP '1 minute',"                  \
    " last = LAST(amount, 3) OVER '1 hour' HOP '1 minute',"                 \
    " shops = LAST(shop, 2) OVER '1 hour' HOP '1 minute')"                  \
    " FOR card FROM payment;"                                               \
    "CREATE FEATURE VIEW traffic (paid = SUM(amount) OVER '1 hour' HOP"     \
    " '1 minute') FOR shop (name = shop) FROM payment;"
#define COLUMNS "card_id, event_timestamp, amount, shop"
#define KEPT    " WITH (history = '30 days')"

static int
begin(void **state)
{
    if (fixture_begin(state))
        return -1;
    define(*state, CARDS);
    return 0;
}

#define CARD(name) cmocka_unit_test_setup_teardown(name, begin, fixture_end)

static void
pay(struct fixture *f, const char *rows)
{
    feature_batch *batch =
        make_batch(f, FEATURE_EVENT, "payment", COLUMNS, rows);

    write_batch(f, batch);
    feature_batch_free(batch);
}

static void
ask_at(const struct reader *reader, int64_t time)
{
    must(feature_request_set_as_of(reader->request, &time, 1, &problem));
}

/* --- states and cells --------------------------------------------------------- */

static void
a_request_mixes_rows_and_windows(void **state)
{
    struct fixture *f = *state;

    upsert(f, "limits", NULL, "1 @0 500");
    pay(f, "1 @-60 10 oslo\n1 @-30 5 rome\n2 @-7200 7 oslo");
    expect_rows(f, "limits(*), spend(*), traffic(*) AS t (name AS town)",
                "1 oslo\n2 rome\nnull paris\n3 null",
                "present,present,present 500 2 15 10 [5,10] [rome,oslo] 10\n"
                "not_found,not_found,present 100* 0 0* null [] [] 5\n"
                "no_key,no_key,not_found 100* null 0* null null null null\n"
                "not_found,not_found,no_key 100* 0 0* null [] [] null");
}

static void
fill_policies_hold_for_what_is_null(void **state)
{
    struct fixture *f = *state;
    struct reader reader;

    pay(f, "1 @-60 null oslo");
    reader = open_reader(f, "spend(n, total)", FEATURE_FILL_NULLS, "1\n2");
    expect_read(&reader, "present 1 null\nnot_found 0 null");
    close_reader(&reader);
    reader = open_reader(f, "spend(total, biggest)", 0, "1");
    expect_read(&reader, "null 0* null");
    close_reader(&reader);
}

static void
an_event_is_visible_after_its_own_instant(void **state)
{
    struct fixture *f = *state;
    struct reader reader;

    pay(f, "1 @-1 10 oslo");
    reader = open_reader(f, "spend(n)", 0, "1");
    ask_at(&reader, NOON - SECOND);
    expect_read(&reader, "not_found 0");
    ask_at(&reader, NOON - SECOND + 1);
    expect_read(&reader, "present 1");
    ask_at(&reader, NOON + HOUR - MINUTE);
    expect_read(&reader, "present 1");
    ask_at(&reader, NOON + HOUR);
    expect_read(&reader, "not_found 0");
    close_reader(&reader);
}

static void
timestamps_are_those_of_the_newest_event(void **state)
{
    struct fixture *f = *state;
    struct reader reader;

    pay(f, "1 @-60 10 oslo\n1 @-90 10 oslo");
    reader = open_reader(f, "spend(n)", 0, "1\n2");
    must(feature_request_read(reader.request, &problem));
    assert_int_equal(feature_request_timestamps(reader.request, 0)[0],
                     NOON - MINUTE);
    assert_int_equal(feature_request_timestamps(reader.request, 0)[1],
                     INT64_MIN);
    close_reader(&reader);
}

/* --- past times --------------------------------------------------------------- */

static void
what_is_not_kept_is_not_known(void **state)
{
    struct fixture *f = *state;
    struct reader reader;

    pay(f, "1 @-7200 10 oslo\n1 @-60 10 oslo");
    reader = open_reader(f, "spend(n, total)", FEATURE_FILL_DEFAULTS, "1");
    ask_at(&reader, NOON - 2 * HOUR + 1);
    expect_read(&reader, "no_history null null");
    close_reader(&reader);
}

static void
history_from_later_on_answers_from_then_on(void **state)
{
    struct fixture *f = *state;
    struct reader reader;

    pay(f, "1 @-18000 10 oslo");
    define(f, "CREATE FEATURE VIEW spend (n = COUNT(*) OVER '1 hour' HOP '1 "
              "minute') FOR card FROM payment" KEPT ";");
    move_clock(f, NOON + 6 * HOUR);
    pay(f, "1 @7200 10 oslo\n1 @18000 10 oslo");
    reader = open_reader(f, "spend(n)", 0, "1");
    ask_at(&reader, NOON + 2 * HOUR + 1); /* the window began after history */
    expect_read(&reader, "present 1");
    ask_at(&reader, NOON + 10 * MINUTE); /* it may lack events of before */
    expect_read(&reader, "no_history null");
    close_reader(&reader);
}

static void
a_new_feature_is_partial_until_it_is_whole(void **state)
{
    struct fixture *f = *state;
    struct reader reader;

    pay(f, "1 @-60 10 oslo");
    define(f, "CREATE FEATURE VIEW spend (least = MIN(amount) OVER '1 hour' "
              "HOP '1 minute') FOR card FROM payment;");
    reader = open_reader(f, "spend(n, least)", 0, "1\n2");
    expect_read(&reader, "partial 1 null\nnot_found 0 null");
    pay(f, "1 @-30 4 oslo");
    expect_read(&reader, "partial 2 null\nnot_found 0 null");
    ask_at(&reader, NOON + HOUR - MINUTE); /* the first event is still in it */
    expect_read(&reader, "partial 2 null\nnot_found 0 null");
    pay(f, "1 @3 6 oslo");
    ask_at(&reader, NOON + HOUR);
    expect_read(&reader, "present 1 6\nnot_found 0 null");
    close_reader(&reader);
}

static void
sweep(struct fixture *f)
{
    struct feature_maintain_options options = {.struct_size = sizeof options,
                                               .flags = FEATURE_MAINTAIN_ALL};

    must(feature_store_maintain(f->store, &options, NULL, &problem));
}

/* That the row of card 2 left takes nothing from card 1; that of card 3 is not
 * the one that held its earlier event. */
static void
what_left_with_other_rows_is_known_of_those_that_stay(void **state)
{
    struct fixture *f = *state;
    struct reader reader;

    move_clock(f, NOON - 63 * MINUTE);
    pay(f, "1 @-4200 1 oslo\n2 @-3780 2 oslo\n3 @-3780 3 oslo");
    move_clock(f, NOON - 30 * MINUTE);
    pay(f, "1 @-1860 4 oslo");
    move_clock(f, NOON - MINUTE);
    sweep(f);
    pay(f, "1 @-1200 5 oslo\n3 @-1200 6 oslo");
    move_clock(f, NOON);
    reader = open_reader(f, "spend(n)", 0, "1\n2\n3");
    ask_at(&reader, NOON - 5 * MINUTE);
    expect_read(&reader, "present 2\nno_history null\nno_history null");
    ask_at(&reader, NOON - 2 * MINUTE);
    expect_read(&reader, "present 2\nnot_found 0\npresent 1");
    close_reader(&reader);
}

static void
a_swept_entity_is_not_found_and_its_past_not_known(void **state)
{
    struct feature_maintain_report report = {.struct_size = sizeof report};
    struct fixture *f = *state;
    struct reader reader;

    pay(f, "1 @-7200 10 oslo\n2 @-60 7 oslo");
    expect_rows(f, "spend(n)", "1\n2", "not_found 0\npresent 1");
    must(feature_store_maintain(f->store, NULL, &report, &problem));
    assert_int_equal(report.rows_expired, 1);
    reader = open_reader(f, "spend(n)", 0, "1\n2");
    expect_read(&reader, "not_found 0\npresent 1");
    ask_at(&reader, NOON);
    expect_read(&reader, "not_found 0\npresent 1");
    ask_at(&reader, NOON - 2 * HOUR + 1);
    expect_read(&reader, "no_history null\nno_history null");
    close_reader(&reader);
}

/* --- request mode ------------------------------------------------------------- */

static void
an_event_counts_without_being_stored(void **state)
{
    struct fixture *f = *state;
    struct reader reader;
    feature_batch *batch;

    pay(f, "1 @-60 10 oslo");
    batch = make_batch(f, FEATURE_EVENT, "payment", COLUMNS,
                       "1 @0 5 rome\n2 @0 7 rome\n1 @0 9 rome\nnull @0 9 rome");
    reader = open_reader(f, "spend(n, total, last, shops)", 0, "1\n2\n3\n1");
    must(feature_request_set_events(reader.request, batch, &problem));
    expect_read(&reader, "present 2 15 [5,10] [rome,oslo]\n"
                         "present 1 7 [7] [rome]\n"
                         "not_found 0 0* [] []\n"
                         "present 1 10 [10] [oslo]");
    must(feature_request_set_events(reader.request, NULL, &problem));
    expect_read(&reader, "present 1 10 [10] [oslo]\n"
                         "not_found 0 0* [] []\n"
                         "not_found 0 0* [] []\n"
                         "present 1 10 [10] [oslo]");
    feature_batch_free(batch);
    close_reader(&reader);
}

static void
expect_scored(struct fixture *f, int64_t known_by, const char *rows,
              const char *expected)
{
    struct feature_query_options options = {.struct_size = sizeof options,
                                            .known_by = known_by};
    feature_batch *batch = make_batch(f, FEATURE_EVENT, "sale",
                                      "id, card_id, event_timestamp, x", rows);
    struct reader reader;

    must(feature_query_create(f->store, "sold(*)", &options, &reader.query,
                              &problem));
    must(feature_request_create(reader.query, &reader.request, &problem));
    set_keys(&reader, "1\n1\n1");
    must(feature_request_set_events(reader.request, batch, &problem));
    expect_read(&reader, expected);
    close_reader(&reader);
    feature_batch_free(batch);
}

static void
expect_scored_once(struct fixture *f, const char *row, const char *expected)
{
    struct reader reader = open_reader(f, "sold(*)", 0, "1");
    feature_batch *batch = make_batch(f, FEATURE_EVENT, "sale", NULL, row);

    must(feature_request_set_events(reader.request, batch, &problem));
    expect_read(&reader, expected);
    close_reader(&reader);
    feature_batch_free(batch);
}

static void
expect_upkeep(struct fixture *f)
{
    struct feature_maintain_options options = {.struct_size = sizeof options,
                                               .flags = FEATURE_MAINTAIN_ALL};

    must(feature_store_maintain(f->store, &options, NULL, &problem));
}

/* Score, write, and score again after a retry: the id is known, as a write would
 * find. It was not before that commit, and is not `dedupe_for` after it. */
static void
an_event_that_is_stored_counts_once(void **state)
{
    static const char rows[] = "b 1 @-10 5\nnull 1 @-10 7\nc 1 @-10 9";
    static const char before[] = "present 2 6\npresent 2 8\npresent 2 10";
    struct fixture *f = *state;
    struct feature_commit commit;

    define(f, "CREATE EVENT sale (id STRING, card_id INT64, x INT64) WITH "
              "(dedupe = id, dedupe_for = '10 minutes');"
              "CREATE FEATURE VIEW sold (n = COUNT(*) OVER '1 hour', s = SUM(x)"
              " OVER '1 hour') FOR card FROM sale WITH (history = '1 day');");
    write_rows(f, FEATURE_EVENT, "sale", NULL, "a 1 1 @-60");
    expect_scored(f, 0, rows, before);
    commit = write_rows(f, FEATURE_EVENT, "sale", NULL, "b 1 5 @-10");
    expect_scored(f, 0, rows, "present 2 6\npresent 3 13\npresent 3 15");
    expect_scored(f, commit.time - 1, rows, before);
    move_clock(f, NOON + 11 * MINUTE);
    expect_scored(f, 0, rows, "present 3 11\npresent 3 13\npresent 3 15");
}

/* Commits may be ahead of the clock, and ids are forgotten by their times: upkeep
 * neither takes one too early, nor does a read know one too long. */
static void
upkeep_does_not_change_which_ids_are_known(void **state)
{
    static const char row[] = "b 1 5 @60";
    struct fixture *f = *state;
    struct feature_commit first, last;

    define(f, "CREATE EVENT sale (id STRING, card_id INT64, x INT64) WITH "
              "(dedupe = id, dedupe_for = '10 minutes');"
              "CREATE FEATURE VIEW sold (n = COUNT(*) OVER '1 hour', s = SUM(x)"
              " OVER '1 hour') FOR card FROM sale;");
    first = write_rows(f, FEATURE_EVENT, "sale", NULL, "b 1 1 @-60");
    move_clock(f, first.time + 10 * MINUTE - 1);
    last = write_rows(f, FEATURE_EVENT, "sale", NULL, "c 2 1 @-60");
    assert_int_equal(last.time, first.time + 10 * MINUTE - 1);
    expect_upkeep(f);
    expect_scored_once(f, row, "present 1 1");
    last = write_rows(f, FEATURE_EVENT, "sale", NULL, "d 2 1 @-60");
    assert_int_equal(last.time, first.time + 10 * MINUTE);
    expect_scored_once(f, row, "present 2 6");
    expect_upkeep(f);
    expect_scored_once(f, row, "present 2 6");
}

static void
one_event_stands_for_all_rows(void **state)
{
    struct fixture *f = *state;
    struct reader reader;
    feature_batch *batch =
        make_batch(f, FEATURE_EVENT, "payment", COLUMNS, "1 @-60 5 rome");

    reader = open_reader(f, "spend(n) AS s, traffic(paid) AS t", 0,
                         "1 rome\n2 rome\n1 oslo");
    must(feature_request_set_events(reader.request, batch, &problem));
    expect_read(&reader, "present,present 1 5\n"
                         "not_found,present 0 5\n"
                         "present,not_found 1 null");
    feature_batch_free(batch);
    close_reader(&reader);
}

static void
events_that_could_not_be_written_are_refused(void **state)
{
    struct fixture *f = *state;
    struct reader reader = open_reader(f, "spend(n)", 0, "1\n2");
    feature_batch *batch =
        make_batch(f, FEATURE_UPSERT, "limits", NULL, "1 1 1");

    must_fail(feature_request_set_events(reader.request, batch, &problem),
              FEATURE_INVALID, "argument");
    feature_batch_free(batch);
    batch = make_batch(f, FEATURE_EVENT, "payment",
                       "card_id, event_timestamp, price", "1 @0 1\n1 @0 nan");
    must_fail(feature_request_set_events(reader.request, batch, &problem),
              FEATURE_INVALID, NULL);
    assert_int_equal(problem.row, 1);
    feature_batch_free(batch);
    batch = make_batch(f, FEATURE_EVENT, "payment", COLUMNS,
                       "1 @0 1 a\n1 @0 1 a\n1 @0 1 a");
    must(feature_request_set_events(reader.request, batch, &problem));
    must_fail(feature_request_read(reader.request, &problem), FEATURE_INVALID,
              "argument");
    feature_batch_free(batch);
    close_reader(&reader);
}

/* --- bounds ------------------------------------------------------------------- */

static void
the_true_bounds_are_told(void **state)
{
    struct fixture *f = *state;
    struct reader reader = open_reader(f, "spend(n), limits(day)", 0, "1");
    int64_t from = 1, to = 2;

    must_fail(
        feature_request_window(reader.request, 0, 0, &from, &to, &problem),
        FEATURE_INVALID, "argument"); /* nothing was read yet */
    ask_at(&reader, NOON + 30 * SECOND);
    must(feature_request_read(reader.request, &problem));
    must_fail(
        feature_request_window(reader.request, 1, 0, &from, &to, &problem),
        FEATURE_INVALID, "argument"); /* a column of rows */
    must_fail(
        feature_request_window(reader.request, 2, 0, &from, &to, &problem),
        FEATURE_NOT_FOUND, "name");
    must_fail(
        feature_request_window(reader.request, 0, 1, &from, &to, &problem),
        FEATURE_INVALID, "argument");
    assert_int_equal(from, 1);
    assert_int_equal(to, 2);
    must(feature_request_window(reader.request, 0, 0, &from, &to, &problem));
    assert_int_equal(from, NOON - HOUR);
    assert_int_equal(to, NOON + 30 * SECOND);
    close_reader(&reader);
}

/* --- matrix, scan ------------------------------------------------------------- */

static void
a_list_of_k_has_k_places_in_a_matrix(void **state)
{
    struct fixture *f = *state;
    struct feature_query_options options = {.struct_size = sizeof options,
                                            .flags = FEATURE_QUERY_MATRIX};
    int64_t keys[] = {1, 2};
    float matrix[2][8];
    struct reader reader;

    pay(f, "1 @-60 10 oslo\n1 @-30 5 rome");
    must_fail(feature_query_create(f->store, "spend(shops)", &options,
                                   &reader.query, &problem),
              FEATURE_INVALID, "argument");
    must(feature_query_create(f->store, "spend(n, last, total), limits(day)",
                              &options, &reader.query, &problem));
    assert_int_equal(feature_query_matrix_width(reader.query), 6);
    must(feature_request_create(reader.query, &reader.request, &problem));
    must(feature_request_set_key(reader.request, 0, FEATURE_TYPE_INT64, keys,
                                 NULL, NULL, 2, &problem));
    must(feature_request_read_matrix(reader.request, matrix[0], 8, &problem));
    assert_true(matrix[0][0] == 2 && matrix[0][1] == 5 && matrix[0][2] == 10);
    assert_true(isnan(matrix[0][3]) && matrix[0][4] == 15);
    assert_true(matrix[1][0] == 0 && isnan(matrix[1][1]) && matrix[1][4] == 0);
    assert_true(matrix[0][5] == 100 && matrix[1][5] == 100);
    close_reader(&reader);
}

static void
a_scan_lists_what_is_visible_now(void **state)
{
    struct fixture *f = *state;

    pay(f, "1 @-60 10 oslo\n2 @-7200 7 oslo\n3 @-50 7 rome");
    expect_scan(f, "spend(n, total)", NULL,
                "1 1767268740000000 1 10\n3 1767268750000000 1 7");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CARD(a_request_mixes_rows_and_windows),
        CARD(fill_policies_hold_for_what_is_null),
        CARD(an_event_is_visible_after_its_own_instant),
        CARD(timestamps_are_those_of_the_newest_event),
        CARD(what_is_not_kept_is_not_known),
        CARD(history_from_later_on_answers_from_then_on),
        CARD(a_new_feature_is_partial_until_it_is_whole),
        CARD(a_swept_entity_is_not_found_and_its_past_not_known),
        CARD(what_left_with_other_rows_is_known_of_those_that_stay),
        CARD(an_event_counts_without_being_stored),
        CARD(an_event_that_is_stored_counts_once),
        CARD(upkeep_does_not_change_which_ids_are_known),
        CARD(one_event_stands_for_all_rows),
        CARD(events_that_could_not_be_written_are_refused),
        CARD(the_true_bounds_are_told),
        CARD(a_list_of_k_has_k_places_in_a_matrix),
        CARD(a_scan_lists_what_is_visible_now),
    };

    return cmocka_run_group_tests_name("windows_reads", tests, NULL, NULL);
}
