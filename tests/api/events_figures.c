/* SPDX-License-Identifier: Apache-2.0 */
/* What a store says of its events and of what their windows could not hold. */
#include "arrow_stream.h"

#define EVENTS                                                              \
    "CREATE ENTITY card (card_id INT64);"                                   \
    "CREATE EVENT payment (id STRING, card_id INT64, amount INT64)"         \
    " WITH (dedupe = id, dedupe_for = '1 hour');"                           \
    "CREATE EVENT login (card_id INT64);"                                   \
    "CREATE FEATURE VIEW spend (n = COUNT(*) OVER '1 hour' HOP '1 minute'," \
    " total = SUM(amount) OVER '1 hour' HOP '1 minute' DEFAULT 7,"          \
    " mean = AVG(amount) OVER '1 hour' HOP '1 minute')"                     \
    " FOR card FROM payment WITH (history = '1 day');"
#define COLUMNS "id, card_id, amount, event_timestamp"
#define MOST    "9223372036854775807"

static void
send(struct fixture *f, int32_t operation, const char *rows)
{
    struct feature_write_options options = {
        .struct_size = sizeof options, .flags = FEATURE_WRITE_SKIP_INVALID};
    feature_batch *batch = make_batch(f, operation, "payment", COLUMNS, rows);

    must(feature_store_write(f->store, &batch, 1, &options, NULL, &problem));
    feature_batch_free(batch);
}

static void
expect_sample_at(struct fixture *f, const char *sample, const char *file,
                 int line)
{
    char *text = NULL, wanted[128];

    must(feature_store_metrics(f->store, &text, &problem));
    snprintf(wanted, sizeof wanted, "\nfeature_%s\n", sample);
    if (!strstr(text, wanted)) {
        print_error("%s\nlacks %s\n", text, sample);
        _fail(file, line);
    }
    feature_free(text);
}

#define expect_sample(f, sample) \
    expect_sample_at((f), (sample), __FILE__, __LINE__)
#define OUTCOME(outcome, count) \
    "event_rows_total{event=\"payment\",outcome=\"" outcome "\"} " count

static void
rows_of_events_are_counted_by_outcome(void **state)
{
    struct fixture *f = *state;

    define(f, EVENTS);
    expect_sample(f, OUTCOME("applied", "0"));
    expect_sample(f, "event_ids{event=\"payment\"} 0");
    send(f, FEATURE_EVENT,
         "a 1 5 @-1\na 1 5 @-1\nb 1 5 @-90000\nc 1 5 @3600\nd 1 5 "
         "-9223372036854775808\ne 2 5 @-2");
    send(f, FEATURE_RETRACT, "e 2 5 @-2");
    expect_sample(f, OUTCOME("applied", "3"));
    expect_sample(f, OUTCOME("duplicate", "1"));
    expect_sample(f, OUTCOME("late", "1"));
    expect_sample(f, OUTCOME("future", "1"));
    expect_sample(f, OUTCOME("rejected", "1"));
    expect_sample(f, "event_ids{event=\"payment\"} 4");
    expect_sample(f, "event_ids{event=\"login\"} 0");
    expect_sample(f, "event_rows_total{event=\"login\",outcome=\"applied\"} 0");
    close_store(f);
    open_store(f);
    expect_sample(f, OUTCOME("applied", "0"));
}

static void
a_write_that_fails_counts_nothing(void **state)
{
    struct fixture *f = *state;
    feature_batch *batch;

    define(f, EVENTS);
    batch = make_batch(f, FEATURE_EVENT, "payment", COLUMNS,
                       "a 1 5 @-1\nd 1 5 -9223372036854775808");
    must_fail(feature_store_write(f->store, &batch, 1, NULL, NULL, &problem),
              FEATURE_INVALID, NULL);
    feature_batch_free(batch);
    expect_sample(f, OUTCOME("applied", "0"));
    expect_sample(f, OUTCOME("rejected", "0"));
}

/* --- sums over INT64 ------------------------------------------------------------ */

static void
a_sum_over_int64_is_null_and_counted(void **state)
{
    struct fixture *f = *state;
    int64_t t = NOON - 2 * HOUR + SECOND;
    struct reader reader;

    define(f, EVENTS);
    send(f, FEATURE_EVENT,
         "a 1 " MOST " @-61\nb 1 " MOST " @-60\nc 2 5 @-60\nd 1 " MOST
         " @-7201\ne 1 1 @-7200");
    expect_rows(f, "spend(n, total)", "1\n2\nnull",
                "present 2 7*\npresent 1 5\nno_key null 7*");
    assert_int_equal(stats_of(f).read_overflows, 1);
    expect_rows(f, "spend(n, mean)", "1", "present 2 9.2233720368547758e+18");
    assert_int_equal(stats_of(f).read_overflows, 1);
    reader = open_reader(f, "spend(total)", FEATURE_FILL_NULLS, "1");
    must(feature_request_set_as_of(reader.request, &t, 1, &problem));
    expect_read(&reader, "null null"); /* from kept events */
    assert_int_equal(stats_of(f).read_overflows, 2);
    expect_read(&reader, "null null");
    close_reader(&reader);
    assert_int_equal(stats_of(f).read_overflows, 3);
    expect_sample(f, "read_overflows_total 3");
    expect_scan(f, "spend(total)", NULL,
                "1 1767268740000000 7\n2 1767268740000000 5");
    assert_int_equal(stats_of(f).read_overflows, 4);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(rows_of_events_are_counted_by_outcome),
        TEST(a_write_that_fails_counts_nothing),
        TEST(a_sum_over_int64_is_null_and_counted),
    };

    return cmocka_run_group_tests_name("events_figures", tests, NULL, NULL);
}
