/* SPDX-License-Identifier: Apache-2.0 */
/* What upkeep removes, what it leaves, and what reads say before and after. */
#include "common.h"

#define MONTH (30 * DAY)
#define E     "CREATE ENTITY e (k INT64);"
#define AGED  E "CREATE FEATURE VIEW v (a INT64) FOR e WITH (ttl = '1 hour');"
#define PLAIN E "CREATE FEATURE VIEW v (a INT64) FOR e;"
#define KEPT                                     \
    E "CREATE FEATURE VIEW v (a INT64, b INT64)" \
      " FOR e WITH (history = '10 days');"

static struct feature_maintain_report
maintain_with(struct fixture *f, uint64_t max_rows)
{
    struct feature_maintain_options options = {.struct_size = sizeof options,
                                               .flags = FEATURE_MAINTAIN_ALL,
                                               .max_rows = max_rows};
    struct feature_maintain_report report = {.struct_size = sizeof report};

    must(feature_store_maintain(f->store, &options, &report, &problem));
    return report;
}

static struct feature_maintain_report
maintain(struct fixture *f)
{
    return maintain_with(f, 0);
}

static void
put_at(struct fixture *f, int64_t key, int64_t time, int64_t value)
{
    char row[80];

    snprintf(row, sizeof row, "%" PRId64 " %" PRId64 " %" PRId64, key, time,
             value);
    upsert(f, "v", "k, event_timestamp, a", row);
}

static void
erase_at(struct fixture *f, int64_t key, int64_t time)
{
    char row[80];

    snprintf(row, sizeof row, "%" PRId64 " %" PRId64, key, time);
    erase(f, "v", "k, event_timestamp", row);
}

static void
expect_as_of(struct fixture *f, const char *features, int64_t time,
             const char *expected)
{
    struct reader reader = open_reader(f, features, 0, "1");

    must(feature_request_set_as_of(reader.request, &time, 1, &problem));
    expect_read(&reader, expected);
    close_reader(&reader);
}

static void
expect_good(struct fixture *f)
{
    struct feature_verify_report report = {.struct_size = sizeof report};
    char *findings = NULL;

    must(feature_store_verify(f->path, NULL, &report, &findings, &problem));
    if (report.findings)
        fail_msg("%s", findings);
    feature_free(findings);
}

static void
a_row_expires_when_its_newest_cell_is_past_the_ttl(void **state)
{
    struct fixture *f = *state;
    struct feature_maintain_report report;
    uint64_t before;

    define(f, AGED);
    put_at(f, 1, NOON - HOUR - 1, 1);
    put_at(f, 2, NOON - HOUR, 2);
    put_at(f, 3, NOON, 3);
    expect_rows(f, "v(*)", "1\n2\n3", "outside null\npresent 2\npresent 3");
    before = stats_of(f).sequence;
    report = maintain(f);
    assert_int_equal(report.rows_expired, 1);
    assert_int_equal(report.commits, 1);
    assert_int_equal(report.passes_left, 0);
    assert_int_equal(report.sequence, before + 1);
    expect_rows(f, "v(*)", "1\n2\n3", "not_found null\npresent 2\npresent 3");
    assert_int_equal(stats_of(f).rows, 2);
    report = maintain(f);
    assert_int_equal(report.rows_expired + report.commits, 0);
    assert_int_equal(stats_of(f).sequence, before + 1);
    expect_good(f);
}

static void
a_view_without_a_ttl_keeps_its_rows(void **state)
{
    struct fixture *f = *state;

    define(f, PLAIN);
    put_at(f, 1, 1, 1);
    assert_int_equal(maintain(f).rows_expired, 0);
    expect_rows(f, "v(*)", "1", "present 1");
}

static void
a_tombstone_bars_older_writes_for_thirty_days(void **state)
{
    struct fixture *f = *state;

    define(f, PLAIN);
    erase_at(f, 1, NOON);
    move_clock(f, NOON + MONTH);
    assert_int_equal(maintain(f).tombstones_removed, 0);
    put_at(f, 1, NOON - 1, 7);
    expect_rows(f, "v(*)", "1", "not_found null");
    move_clock(f, NOON + MONTH + 1);
    assert_int_equal(maintain(f).tombstones_removed, 1);
    assert_int_equal(stats_of(f).tombstones, 0);
    expect_as_of(f, "v(*)", NOON - 1, "no_history null");
    put_at(f, 1, NOON - 1, 8);
    expect_rows(f, "v(*)", "1", "present 8");
    expect_good(f);
}

static void
a_tombstone_outlives_a_ttl_that_is_longer(void **state)
{
    struct fixture *f = *state;

    define(f, E "CREATE FEATURE VIEW v (a INT64) FOR e"
                " WITH (ttl = '40 days');");
    erase_at(f, 1, NOON);
    move_clock(f, NOON + 40 * DAY);
    assert_int_equal(maintain(f).tombstones_removed, 0);
    move_clock(f, NOON + 40 * DAY + 1);
    assert_int_equal(maintain(f).tombstones_removed, 1);
}

/* What came back is older than what expired: it must not speak for it. */
static void
a_row_that_came_back_does_not_speak_for_one_that_expired(void **state)
{
    struct fixture *f = *state;

    define(f, AGED);
    put_at(f, 1, NOON - HOUR - 1, 5);
    expect_as_of(f, "v(*)", NOON - HOUR, "present 5");
    assert_int_equal(maintain(f).rows_expired, 1);
    expect_as_of(f, "v(*)", NOON - HOUR, "no_history null");
    put_at(f, 1, NOON - HOUR - 9, 4);
    expect_as_of(f, "v(*)", NOON - HOUR, "no_history null");
    expect_rows(f, "v(*)", "1", "outside null");
    put_at(f, 1, NOON - 5, 6);
    expect_as_of(f, "v(*)", NOON - 5, "present 6");
    expect_good(f);
}

static void
history_answers_for_rows_that_expired(void **state)
{
    struct fixture *f = *state;

    define(f, E "CREATE FEATURE VIEW v (a INT64) FOR e WITH (ttl = '1 hour',"
                " history = '10 days');");
    put_at(f, 1, NOON - DAY, 5);
    assert_int_equal(maintain(f).rows_expired, 1);
    expect_as_of(f, "v(*)", NOON - DAY - 1, "not_found null");
    expect_as_of(f, "v(*)", NOON - DAY, "present 5");
    expect_as_of(f, "v(*)", NOON, "outside null");
    put_at(f, 1, NOON - 2 * DAY, 4);
    expect_as_of(f, "v(*)", NOON - 2 * DAY, "present 4");
    expect_as_of(f, "v(*)", NOON - DAY, "present 5");
    expect_good(f);
}

/* A row from before history has no entry until it changes: now it does. */
static void
rows_older_than_history_leave_it_a_base(void **state)
{
    struct fixture *f = *state;

    define(f, AGED);
    put_at(f, 1, NOON - 100, 5);
    define(f, E "CREATE FEATURE VIEW v (a INT64) FOR e WITH (ttl = '1 hour',"
                " history = '10 days');");
    move_clock(f, NOON + 2 * HOUR);
    assert_int_equal(maintain(f).rows_expired, 1);
    expect_as_of(f, "v(*)", NOON - 101, "no_history null");
    expect_as_of(f, "v(*)", NOON - 100, "present 5");
    expect_good(f);
}

static void
the_newest_version_at_the_horizon_stays(void **state)
{
    struct fixture *f = *state;
    int64_t horizon = NOON - 10 * DAY;
    struct feature_maintain_report report;

    define(f, KEPT);
    upsert(f, "v", NULL, "1 100 1 1");
    patch(f, "v", "k, event_timestamp, a", "1 200 2");
    put_at(f, 1, horizon - 1, 3);
    patch(f, "v", "k, event_timestamp, b", "1 1766404800000000 4");
    assert_int_equal(horizon, INT64_C(1766404800000000));
    put_at(f, 1, horizon + 1, 5);
    report = maintain(f);
    assert_int_equal(report.versions_dropped, 3);
    expect_as_of(f, "v(*)", horizon - 1, "no_history null null");
    expect_as_of(f, "v(*)", horizon, "present 3 4");
    expect_as_of(f, "v(*)", horizon + 1, "present 5 null");
    expect_good(f);
    /* A late one below the horizon shows through where it would have. */
    patch(f, "v", "k, event_timestamp, b", "1 150 9");
    expect_as_of(f, "v(*)", horizon, "present 3 4");
    expect_as_of(f, "v(*)", 150, "no_history null null");
    expect_good(f);
    assert_int_equal(maintain(f).versions_dropped, 1);
    expect_as_of(f, "v(*)", horizon, "present 3 4");
    expect_good(f);
}

static void
a_key_with_one_version_before_the_horizon_keeps_it(void **state)
{
    struct fixture *f = *state;

    define(f, KEPT);
    upsert(f, "v", NULL, "1 100 1 1");
    put_at(f, 1, NOON - 1, 2);
    assert_int_equal(maintain(f).versions_dropped, 0);
    expect_as_of(f, "v(*)", 100, "present 1 1");
    expect_as_of(f, "v(*)", 99, "not_found null null");
}

static void
a_tombstone_takes_the_history_of_its_key_along(void **state)
{
    struct fixture *f = *state;

    define(f, KEPT);
    put_at(f, 1, NOON - 10, 1);
    erase_at(f, 1, NOON);
    put_at(f, 2, NOON, 1);
    move_clock(f, NOON + MONTH + 1);
    assert_int_equal(maintain(f).tombstones_removed, 1);
    expect_as_of(f, "v(*)", NOON + 20 * DAY + 1, "not_found null null");
    expect_as_of(f, "v(*)", NOON + 20 * DAY, "no_history null null");
    expect_good(f);
    put_at(f, 1, NOON - 5, 6);
    expect_rows(f, "v(*)", "1", "present 6 null");
    expect_as_of(f, "v(*)", NOON + 5, "present 6 null");
    expect_good(f);
}

/* --- what history began with -------------------------------------------------- */

#define UNKEPT E "CREATE FEATURE VIEW v (a INT64, b INT64) FOR e;"
#define AB     "k, event_timestamp, a, b"

static struct feature_commit
write_at(struct fixture *f, int32_t operation, const char *columns,
         int64_t time, const char *cells)
{
    char row[80];

    snprintf(row, sizeof row, "1 %" PRId64 " %s", time, cells);
    return write_rows(f, operation, "v", columns, row);
}

/* The version that stays is older than the row that history began with: so is
 * one that comes between them. */
static void
a_base_stays_below_a_version_that_is_older(void **state)
{
    struct fixture *f = *state;

    define(f, UNKEPT);
    write_at(f, FEATURE_UPSERT, AB, NOON + 11, "5 6");
    define(f, KEPT);
    put_at(f, 1, NOON + 6, 1);
    put_at(f, 1, NOON + 7, 2);
    move_clock(f, NOON + 12 + 10 * DAY);
    assert_int_equal(maintain(f).versions_dropped, 1);
    put_at(f, 1, NOON + 10, 3);
    put_at(f, 1, NOON + 20, 4);
    expect_as_of(f, "v(*)", NOON + 12, "present 5 6");
    expect_good(f);
    move_clock(f, NOON + 20 + 10 * DAY);
    assert_int_equal(maintain(f).versions_dropped, 3);
    expect_good(f);
}

static void
a_tombstone_that_history_began_with_takes_it_along(void **state)
{
    struct fixture *f = *state;

    define(f, UNKEPT);
    erase_at(f, 1, NOON + 7);
    define(f, KEPT);
    put_at(f, 1, NOON + 1, 1);
    put_at(f, 1, NOON + 2, 1);
    move_clock(f, NOON + 8 + MONTH);
    assert_int_equal(maintain(f).tombstones_removed, 1);
    assert_int_equal(stats_of(f).rows, 0);
    expect_good(f);
}

/* --- what was known when ------------------------------------------------------ */

static void
expect_known(struct fixture *f, int64_t known_by, int64_t time,
             const char *expected)
{
    struct feature_query_options options = {.struct_size = sizeof options,
                                            .known_by = known_by};
    struct reader reader = {0};

    must(feature_query_create(f->store, "v(*)", &options, &reader.query,
                              &problem));
    must(feature_request_create(reader.query, &reader.request, &problem));
    set_keys(&reader, "1");
    must(feature_request_set_as_of(reader.request, &time, 1, &problem));
    expect_read(&reader, expected);
    close_reader(&reader);
}

/* The version that stayed adds up to what was not known yet, and what it was
 * before is gone: an upsert below it that came later does not stand for that. */
static void
what_was_known_then_may_be_gone(void **state)
{
    struct fixture *f = *state;
    struct feature_commit late, later;

    define(f, KEPT);
    write_at(f, FEATURE_UPSERT, AB, NOON + 1, "1 2");
    write_at(f, FEATURE_PATCH, "k, event_timestamp, b", NOON + 12, "6");
    write_at(f, FEATURE_PATCH, "k, event_timestamp, a", NOON + 13, "5");
    move_clock(f, NOON + 13 + 10 * DAY);
    assert_int_equal(maintain(f).versions_dropped, 2);
    late = write_at(f, FEATURE_UPSERT, AB, NOON + 8, "3 4");
    expect_known(f, late.time, NOON + 13, "present 5 6");
    later = write_at(f, FEATURE_PATCH, "k, event_timestamp, b", NOON + 12, "7");
    expect_known(f, later.time, NOON + 13, "present 5 7");
    expect_known(f, late.time, NOON + 13, "no_history null null");
    expect_good(f);
}

static void
a_call_that_ended_early_is_gone_on_with(void **state)
{
    struct fixture *f = *state;
    struct feature_maintain_report report;
    uint64_t expired = 0, calls = 0;

    define(f, AGED);
    for (int i = 0; i < 100; i++)
        put_at(f, i, i % 2 ? NOON : 1, i);
    do {
        report = maintain_with(f, 7);
        assert_in_range(report.rows_seen, 0, 7);
        expired += report.rows_expired;
        calls++;
        open_again(f);
    } while (report.passes_left);
    assert_int_equal(expired, 50);
    assert_int_equal(calls, 15);
    assert_int_equal(stats_of(f).rows, 50);
    expect_good(f);
}

static void
write_calls_do_upkeep_that_is_due(void **state)
{
    struct fixture *f = *state;
    char *text;

    define(f, AGED);
    for (int i = 0; i < 50; i++)
        put_at(f, i, NOON, i);
    move_clock(f, NOON + 2 * HOUR);
    must(feature_store_metrics(f->store, &text, &problem));
    assert_non_null(strstr(text, "\nfeature_upkeep_passes_due 1\n"));
    feature_free(text);
    put_at(f, 99, NOON + 2 * HOUR, 1);
    assert_int_equal(stats_of(f).rows, 51 - 32);
    put_at(f, 99, NOON + 2 * HOUR, 2);
    assert_int_equal(stats_of(f).rows, 1);
    assert_int_equal(stats_of(f).sequence, 53);
    must(feature_store_metrics(f->store, &text, &problem));
    assert_non_null(strstr(text, "\nfeature_upkeep_passes_due 0\n"));
    feature_free(text);
    expect_good(f);
}

static void
wrong_options_are_refused(void **state)
{
    struct fixture *f = *state;
    struct feature_maintain_options options = {.struct_size = sizeof options,
                                               .flags = 2};

    must_fail(feature_store_maintain(NULL, NULL, NULL, &problem),
              FEATURE_INVALID, "argument");
    must_fail(feature_store_maintain(f->store, &options, NULL, &problem),
              FEATURE_INVALID, "argument");
    options = (struct feature_maintain_options){.struct_size = sizeof options,
                                                .reserved = 1};
    must_fail(feature_store_maintain(f->store, &options, NULL, &problem),
              FEATURE_INVALID, "argument");
    must(feature_store_maintain(f->store, NULL, NULL, &problem));
    close_store(f);
    f->options.flags = FEATURE_OPEN_READ_ONLY;
    open_store(f);
    must_fail(feature_store_maintain(f->store, NULL, NULL, &problem),
              FEATURE_INVALID, "argument");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_row_expires_when_its_newest_cell_is_past_the_ttl),
        TEST(a_view_without_a_ttl_keeps_its_rows),
        TEST(a_tombstone_bars_older_writes_for_thirty_days),
        TEST(a_tombstone_outlives_a_ttl_that_is_longer),
        TEST(a_row_that_came_back_does_not_speak_for_one_that_expired),
        TEST(history_answers_for_rows_that_expired),
        TEST(rows_older_than_history_leave_it_a_base),
        TEST(the_newest_version_at_the_horizon_stays),
        TEST(a_key_with_one_version_before_the_horizon_keeps_it),
        TEST(a_tombstone_takes_the_history_of_its_key_along),
        TEST(a_base_stays_below_a_version_that_is_older),
        TEST(a_tombstone_that_history_began_with_takes_it_along),
        TEST(what_was_known_then_may_be_gone),
        TEST(a_call_that_ended_early_is_gone_on_with),
        TEST(write_calls_do_upkeep_that_is_due),
        TEST(wrong_options_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
