/* SPDX-License-Identifier: Apache-2.0 */
/* feature_query_history() of views FROM an event: how their features developed. */
#include "arrow_stream.h"

#include "../unit/draw.h"

#define CARDS                                                               \
    "CREATE ENTITY card (card_id INT64);"                                   \
    "CREATE EVENT payment (card_id INT64, amount INT64, shop STRING);"      \
    "CREATE FEATURE VIEW spend (n = COUNT(*) OVER '1 hour' HOP '1 minute'," \
    " total = SUM(amount) OVER '1 hour' HOP '1 minute' DEFAULT 0,"          \
    " last = LAST(amount, 2), most = MAX(amount) OVER '2 minutes' EXACT,"   \
    " before = COUNT(*) OVER TUMBLE '1 minute')"                            \
    " FOR card FROM payment"
#define KEPT    " WITH (history = '30 days');"
#define COLUMNS "card_id, event_timestamp, amount"

static int64_t clock_now;

static void
tick(struct fixture *f)
{
    clock_now += SECOND;
    move_clock(f, clock_now);
}

static int
begin(void **state)
{
    if (fixture_begin(state))
        return -1;
    clock_now = NOON;
    define(*state, CARDS KEPT);
    return 0;
}

#define CARD(name) cmocka_unit_test_setup_teardown(name, begin, fixture_end)

static void
write_events(struct fixture *f, int32_t operation, const char *rows)
{
    feature_batch *batch = make_batch(f, operation, "payment", COLUMNS, rows);

    write_batch(f, batch);
    feature_batch_free(batch);
}

struct asked {
    const char *features;
    struct feature_history_options options;
    int64_t known_by;
    const char *keys; /* as a batch has them */
};

static feature_status
try_history(struct fixture *f, const struct asked *asked,
            struct ArrowArrayStream *stream)
{
    struct feature_history_options options = asked->options;
    struct feature_query_options with = {.struct_size = sizeof with,
                                         .known_by = asked->known_by};
    int64_t keys[8];
    struct feature_column column = {.values = keys, .type = FEATURE_TYPE_INT64};
    const char *features = asked->features ? asked->features : "spend(*)";
    char *at = (char *)(uintptr_t)(asked->keys ? asked->keys : "1 2");
    feature_query *query;
    feature_status status;

    options.struct_size = sizeof options;
    while (*at)
        keys[column.rows++] = strtoll(at, &at, 10);
    must(feature_query_create(f->store, features, &with, &query, &problem));
    status = feature_query_history(query, &column, 1, &options, NULL, stream,
                                   &problem);
    feature_query_free(query);
    return status;
}

static struct scan
open_history(struct fixture *f, const struct asked *asked)
{
    struct scan scan = {0};

    must(try_history(f, asked, &scan.stream));
    assert_int_equal(scan.stream.get_schema(&scan.stream, &scan.schema), 0);
    check_schema(&scan.schema);
    return scan;
}

static void
expect_at(struct fixture *f, struct asked asked, const char *expected,
          const char *file, int line)
{
    struct scan scan = open_history(f, &asked);

    expect_rest_at(&scan, expected, file, line);
    close_scan(&scan);
}

#define expect_history(f, expected, ...) \
    expect_at((f), (struct asked){__VA_ARGS__}, (expected), __FILE__, __LINE__)
#define ALL .known_by = 0

/* --- which rows ------------------------------------------------------------- */

/* Two at one time, one late, another key. */
static void
write_some(struct fixture *f)
{
    write_events(f, FEATURE_EVENT, "1 @-3600 10\n1 @-60 5\n1 @-60 7\n2 @-30 1");
    tick(f);
    write_events(f, FEATURE_EVENT, "1 @-120 2");
}

#define AT_60   "1 1767268740000000 2 1767268800000001 4 x1f 4 24 [7,5] 7 1"
#define AT_120  "1 1767268680000000 3 1767268801000000 4 x1f 2 12 [2,10] 2 0"
#define AT_3600 "1 1767265200000000 2 1767268800000001 4 x1f 1 10 [10] 10 0"
#define AT_30   "2 1767268770000000 2 1767268800000001 4 x1f 1 1 [1] 1 0"

static void
a_row_is_a_time_at_which_an_event_is_kept(void **state)
{
    struct fixture *f = *state;
    struct asked asked = {.features = "spend(n, last)"};
    struct scan scan;
    char text[256];

    write_some(f);
    expect_history(f, AT_60 "\n" AT_120 "\n" AT_3600 "\n" AT_30, ALL);
    expect_history(f,
                   AT_30 "\n" AT_60 "\n" AT_120 "\n" AT_3600 "\n" AT_60
                         "\n" AT_120 "\n" AT_3600,
                   .keys = "2 1 3 1");
    scan = open_history(f, &asked);
    print_schema(&scan.schema, text, sizeof text);
    assert_string_equal(text, "card_id l, event_timestamp tsu:UTC, "
                              "_sequence l?, _commit_time tsu:UTC, "
                              "_operation i, _written z, n l?, last +l?(l)");
    close_scan(&scan);
}

static void
chunks_and_options_cut_it(void **state)
{
    struct fixture *f = *state;

    write_some(f);
    for (uint32_t rows = 1; rows < 5; rows++)
        expect_history(f, AT_60 "\n" AT_120 "\n" AT_3600 "\n" AT_30,
                       .options.chunk_rows = rows == 4 ? 100 : rows + 4);
    expect_history(f,
                   AT_60 "\n--\n" AT_120 "\n--\n" AT_3600 "\n--\n" AT_30 "\n--",
                   .options.chunk_rows = 1);
    expect_history(f, AT_60 "\n" AT_30, .options.last = 1);
    expect_history(f, AT_60 "\n" AT_120 "\n" AT_30, .options.last = 2);
    expect_history(f, AT_120 "\n" AT_3600, .options.until = NOON - 61 * SECOND);
    expect_history(f, AT_60 "\n" AT_120 "\n" AT_30,
                   .options.since = NOON - 2 * MINUTE);
    expect_history(
        f, AT_120,
        .options = {.since = NOON - 2 * MINUTE, .until = NOON - 2 * MINUTE});
}

/* The event of 12 o'clock less two minutes came later. */
static void
commits_that_were_not_known_do_not_count(void **state)
{
    struct fixture *f = *state;

    write_some(f);
    expect_history(f,
                   "1 1767268740000000 2 1767268800000001 4 x1f 3 22 [7,5] 7 "
                   "0\n" AT_3600 "\n" AT_30,
                   .known_by = NOON + 1);
}

static void
what_was_taken_back_leaves_its_time(void **state)
{
    struct fixture *f = *state;

    write_events(f, FEATURE_EVENT, "1 @-90 10\n1 @-60 5");
    tick(f);
    write_events(f, FEATURE_RETRACT, "1 @-90 10");
    expect_history(f,
                   "1 1767268740000000 2 1767268800000001 4 x1f 1 5 [5] 5 0\n"
                   "1 1767268710000000 3 1767268801000000 5 x1f 0 null [] "
                   "null 0",
                   ALL);
}

static void
a_delete_is_listed_and_takes_all_before(void **state)
{
    struct fixture *f = *state;

    write_events(f, FEATURE_EVENT, "1 @-90 10\n1 @-60 5");
    tick(f);
    erase(f, "spend", "card_id, event_timestamp", "1 @-50");
    tick(f);
    write_events(f, FEATURE_EVENT, "1 @-40 3");
    expect_history(f,
                   "1 1767268760000000 4 1767268802000000 4 x1f 1 3 [3] 3 0\n"
                   "1 1767268750000000 3 1767268801000000 3 x1f 0 null [] "
                   "null 0\n"
                   "1 1767268740000000 2 1767268800000001 4 x1f 2 15 [5,10] "
                   "10 1\n"
                   "1 1767268710000000 2 1767268800000001 4 x1f 1 10 [10] 10 "
                   "0",
                   ALL);
}

/* --- what is known ----------------------------------------------------------- */

/* Of a window that reaches what retention dropped nobody knows the value, save
 * where the state still tells. */
static void
below_the_horizon_nothing_is_known(void **state)
{
    struct fixture *f = *state;
    struct feature_maintain_report report = {.struct_size = sizeof report};
    int64_t t = NOON - 10 * HOUR + 1;
    struct reader reader;

    define(f, "CREATE FEATURE VIEW day (n = COUNT(*) OVER '10 minutes',"
              " all_of = COUNT(*)) FOR card FROM payment"
              " WITH (history = '1 day');");
    write_events(f, FEATURE_EVENT, "1 @-82800 1\n1 @-36000 2\n1 @-32400 3");
    expect_history(f,
                   "1 1767236400000000 3 1767268800000002 4 x03 1 3\n"
                   "1 1767232800000000 3 1767268800000002 4 x03 1 2\n"
                   "1 1767186000000000 3 1767268800000002 4 x03 1 1",
                   .features = "day(*)");
    move_clock(f, NOON + 2 * HOUR);
    must(feature_store_maintain(f->store, NULL, &report, &problem));
    assert_int_equal(report.versions_dropped, 1);
    expect_history(f,
                   "1 1767236400000000 3 1767268800000002 4 x03 1 3\n"
                   "1 1767232800000000 3 1767268800000002 4 x01 1 null",
                   .features = "day(*)");
    reader = open_reader(f, "day(n)", 0, "1");
    must(feature_request_set_as_of(reader.request, &t, 1, &problem));
    expect_read(&reader, "present 1");
    t = NOON - 23 * HOUR + 1;
    must(feature_request_set_as_of(reader.request, &t, 1, &problem));
    expect_read(&reader, "no_history null");
    close_reader(&reader);
}

static void
a_view_without_history_has_none(void **state)
{
    struct fixture *f = *state;
    struct asked asked = {.features = "bare(n)"};
    struct ArrowArrayStream stream;

    define(f, "CREATE FEATURE VIEW bare (n = COUNT(*)) FOR card FROM payment;");
    assert_int_equal(try_history(f, &asked, &stream), FEATURE_NOT_FOUND);
    assert_string_equal(problem.reason, "history");
    expect_history(f, "", ALL);
}

/* --- as reads ------------------------------------------------------------------ */

#define EVENTS     400
#define CARDS_MOST 3

/* What a read as of a time answers, in the words of a listing. */
static void
print_read(struct fixture *f, int64_t key, int64_t t, char text[ANSWER_SIZE])
{
    struct reader reader = open_reader(f, "spend(*)", FEATURE_FILL_NULLS, NULL);

    must(feature_request_set_key(reader.request, 0, FEATURE_TYPE_INT64, &key,
                                 NULL, NULL, 1, &problem));
    must(feature_request_set_as_of(reader.request, &t, 1, &problem));
    must(feature_request_read(reader.request, &problem));
    print_answer(reader.request, text);
    close_reader(&reader);
}

static void
expect_as_read(struct fixture *f, char *line, int64_t *last)
{
    char expected[ANSWER_SIZE], *values = line;
    int64_t key = strtoll(line, &values, 10), ts = strtoll(values, &values, 10);
    const char *cells;

    for (int i = 0; i < 4; i++)
        values = strchr(values + 1, ' ');
    print_read(f, key, ts + 1, expected);
    cells = strchr(expected, ' ');
    if (strcmp(values, cells) != 0)
        fail_msg("%" PRId64 " at %" PRId64 ":%s, but read%s", key, ts, values,
                 cells);
    assert_true(ts != last[key]);
    last[key] = ts;
}

static void
each_row_is_a_read_as_of_just_after(void **state)
{
    static char rows[64 * EVENTS];
    struct fixture *f = *state;
    struct asked asked = {.options.chunk_rows = 7, .keys = "0 1 2"};
    int64_t last[CARDS_MOST] = {0};
    uint32_t listed = 0;
    struct scan scan;
    size_t size = 0;
    char *line, *rest;

    for (uint32_t i = 0; i < EVENTS; i++)
        size += (size_t)snprintf(
            rows + size, sizeof rows - size, "%s%u @-%u %u", i ? "\n" : "",
            draw_below(CARDS_MOST), draw_below(9000), draw_below(100));
    write_events(f, FEATURE_EVENT, rows);
    scan = open_history(f, &asked);
    line = strdup(rest_of(&scan, 0));
    assert_non_null(line);
    for (char *at = strtok_r(line, "\n", &rest); at;
         at = strtok_r(NULL, "\n", &rest), listed++)
        expect_as_read(f, at, last);
    free(line);
    close_scan(&scan);
    assert_in_range(listed, EVENTS * 9 / 10, EVENTS);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CARD(a_row_is_a_time_at_which_an_event_is_kept),
        CARD(chunks_and_options_cut_it),
        CARD(commits_that_were_not_known_do_not_count),
        CARD(what_was_taken_back_leaves_its_time),
        CARD(a_delete_is_listed_and_takes_all_before),
        CARD(below_the_horizon_nothing_is_known),
        CARD(a_view_without_history_has_none),
        CARD(each_row_is_a_read_as_of_just_after),
    };

    draw_begin();
    return cmocka_run_group_tests_name("windows_history", tests, NULL, NULL);
}
