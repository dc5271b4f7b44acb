/* SPDX-License-Identifier: Apache-2.0 */
/* What a store says of its readers, its writers and its file while they are at
 * work: feature_store_stats() and feature_store_metrics(). */
#include <fcntl.h>

#include "arrow_stream.h"
#include "peer.h"

#define DEFINITIONS                                                      \
    "CREATE ENTITY e (k INT64);"                                         \
    "CREATE FEATURE VIEW v (a INT64, s STRING) FOR e WITH (ttl = '1h');" \
    "CREATE FEATURE VIEW w (b INT64) FOR e;"

#define GATE (1 << 30) /* byte of open.lock that writers lock */

static int
begin(void **state)
{
    if (fixture_begin(state))
        return -1;
    define(*state, DEFINITIONS);
    return 0;
}

#define FIGURES(name) cmocka_unit_test_setup_teardown(name, begin, fixture_end)

/* The number after a sample's name, which has to be there. */
static double
sample(struct fixture *f, const char *name)
{
    char *text = NULL, line[128];
    const char *at;
    double number;

    must(feature_store_metrics(f->store, &text, &problem));
    snprintf(line, sizeof line, "\nfeature_%s ", name);
    at = strstr(text, line);
    if (!at)
        fail_msg("there is no sample %s", name);
    number = strtod(at + strlen(line), NULL);
    feature_free(text);
    return number;
}

/* --- readers -------------------------------------------------------------- */

static void
hold_a_snapshot(struct fixture *f, struct peer *peer)
{
    struct feature_scan_options options = {.struct_size = sizeof options,
                                           .flags = FEATURE_SCAN_ONE_SNAPSHOT,
                                           .chunk_rows = 1};
    struct ArrowArray batch;
    struct scan scan;

    open_store(f);
    scan = open_scan(f, "v(*)", &options);
    batch = next_batch(&scan);
    batch.release(&batch);
    pass_turn(peer);
    close_scan(&scan);
    pass_turn(peer);
    close_store(f);
}

static void
a_snapshot_that_another_process_holds_is_shown(void **state)
{
    struct fixture *f = *state;
    struct feature_scan_options options = {.struct_size = sizeof options,
                                           .flags = FEATURE_SCAN_ONE_SNAPSHOT};
    struct feature_stats stats;
    struct peer peer;
    struct scan newer;

    upsert(f, "v", NULL, "1 100 5 a\n2 100 6 b");
    close_store(f);
    peer = start_peer(f, hold_a_snapshot);
    open_store(f);
    take_turn(&peer);
    for (int i = 0; i < 5; i++)
        upsert(f, "w", NULL, "1 100 5");
    newer = open_scan(f, "v(*)", &options);
    stats = stats_of(f);
    assert_int_equal(stats.active_readers, 2);
    assert_int_equal(stats.oldest_reader_lag, 5);
    assert_int_equal(stats.oldest_reader_pid, peer.pid);
    assert_int_equal(stats.held_snapshots, 1);
    close_scan(&newer);
    assert_true(stats.readers >= 2);
    assert_true(sample(f, "oldest_reader_lag") == 5);
    pass_turn(&peer);
    stats = stats_of(f);
    assert_int_equal(stats.active_readers, 0);
    assert_int_equal(stats.oldest_reader_lag, 0);
    assert_int_equal(stats.oldest_reader_pid, 0);
    give_turn(&peer);
    end_peer(&peer);
    assert_true(stats_of(f).readers < stats.readers);
}

static void
take_slots_and_wait(struct fixture *f, struct peer *peer)
{
    struct reader reader;

    open_store(f);
    reader = open_reader(f, "w(*)", 0, "1");
    expect_read(&reader, "not_found null");
    close_reader(&reader);
    give_turn(peer);
    for (;;)
        pause();
}

static void
the_slots_of_a_killed_process_are_freed(void **state)
{
    struct fixture *f = *state;
    struct feature_stats stats;
    struct peer peer;
    int status;

    close_store(f);
    peer = start_peer(f, take_slots_and_wait);
    take_turn(&peer);
    assert_int_equal(kill(peer.pid, SIGKILL), 0);
    assert_int_equal(waitpid(peer.pid, &status, 0), peer.pid);
    close(peer.to);
    close(peer.from);
    open_store(f);
    expect_rows(f, "w(*)", "1", "not_found null");
    stats = stats_of(f);
    assert_in_range(stats.readers, 1, 2);
    assert_int_equal(stats.active_readers, 0);
}

/* --- reads ---------------------------------------------------------------- */

static void
reads_are_counted_by_state(void **state)
{
    struct fixture *f = *state;
    struct reader reader;

    upsert(f, "v", NULL,
           "1 @0 5 a\n2 @0 5 a\n3 @-7200 5 a\n4 @0 null null\n5 @0 5 a\n"
           "6 @0 5 a\n7 @0 5 a\n8 @0 5 a\n9 @0 5 a\n10 @0 5 a\n"
           "21 @0 5 a\n22 @0 5 a\n23 @0 5 a\n24 @0 5 a\n25 @0 5 a\n"
           "26 @0 5 a\n27 @0 5 a\n28 @0 5 a");
    reader = open_reader(f, "v(*), w(*)", 0,
                         "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n21\n22\n23\n24\n"
                         "25\n26\n27\n28\n11\nnull");
    must(feature_request_read(reader.request, &problem));
    must(feature_request_read(reader.request, &problem));
    for (int i = 0; i < 2; i++) {
        assert_true(sample(f, "reads_total") == 2);
        assert_true(sample(f, "rows_read_total") == 40);
        assert_true(sample(f, "read_states_total{state=\"present\"}") == 32);
        assert_true(sample(f, "read_states_total{state=\"null\"}") == 2);
        assert_true(sample(f, "read_states_total{state=\"outside_max_age\"}") ==
                    2);
        assert_true(sample(f, "read_states_total{state=\"not_found\"}") == 40);
        assert_true(sample(f, "read_states_total{state=\"no_key\"}") == 4);
        close_reader(&reader); /* what it counted stays */
    }
    assert_int_equal(stats_of(f).reads, 2);
    assert_int_equal(stats_of(f).read_rows, 40);
}

#define SINCE "view_history_since_seconds{view=\"v\"}"

/* The view had rows before, and its history ends and begins anew. */
static void
the_beginning_of_a_history_is_told(void **state)
{
    struct fixture *f = *state;
    char *text = NULL;

    must(feature_store_metrics(f->store, &text, &problem));
    assert_null(strstr(text, "\nfeature_view_history_since_seconds{"));
    feature_free(text);
    upsert(f, "v", NULL, "1 0 4 x");
    move_clock(f, NOON + 10 * SECOND);
    define(f, "CREATE FEATURE VIEW v (a INT64, s STRING) FOR e"
              " WITH (ttl = '1h', history = '9 days');");
    assert_int_equal((int64_t)sample(f, SINCE), NOON / SECOND + 10);
    move_clock(f, NOON + 20 * SECOND);
    upsert(f, "v", NULL, "1 0 5 x");
    assert_int_equal((int64_t)sample(f, SINCE), NOON / SECOND + 10);
    define(f, "CREATE FEATURE VIEW v (a INT64, s STRING) FOR e"
              " WITH (ttl = '1h', history = 'none');");
    define(f, "CREATE FEATURE VIEW v (a INT64, s STRING) FOR e"
              " WITH (ttl = '1h', history = '9 days');");
    assert_int_equal((int64_t)sample(f, SINCE), NOON / SECOND + 20);
}

static void
freshness_is_the_age_of_the_newest_event(void **state)
{
    struct fixture *f = *state;

    upsert(f, "v", NULL, "1 @-90 5 a\n2 @-100 5 a");
    assert_true(sample(f, "view_freshness_seconds{view=\"v\"}") == 90);
    move_clock(f, NOON + MINUTE);
    assert_true(sample(f, "view_freshness_seconds{view=\"v\"}") == 150);
    assert_true(sample(f, "view_rows_late_total{view=\"v\"}") == 0);
    upsert(f, "v", NULL, "1 @-200 5 a");
    assert_true(sample(f, "view_rows_late_total{view=\"v\"}") == 1);
}

/* --- writers -------------------------------------------------------------- */

static void
waits_for_other_writers_are_counted(void **state)
{
    struct fixture *f = *state;
    struct flock lock = {
        .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = GATE, .l_len = 1};
    feature_batch *batch = make_batch(f, FEATURE_UPSERT, "w", NULL, "1 100 5");
    struct feature_write_options options = {.struct_size = sizeof options,
                                            .wait_ms = 30};
    char path[TEST_PATH_SIZE + 16];
    struct feature_stats stats;
    int file;

    write_batch(f, batch);
    assert_int_equal(stats_of(f).write_waits, 0);
    snprintf(path, sizeof path, "%s/open.lock", f->path);
    file = open(path, O_RDWR | O_CLOEXEC);
    assert_true(file >= 0);
    assert_int_equal(fcntl(file, F_OFD_SETLK, &lock), 0);
    must_fail(
        feature_store_write(f->store, &batch, 1, &options, NULL, &problem),
        FEATURE_BUSY, "writer-gate");
    close(file);
    write_batch(f, batch);
    stats = stats_of(f);
    assert_int_equal(stats.write_waits, 1);
    assert_int_equal(stats.write_timeouts, 1);
    assert_in_range(stats.write_wait_us, 25000, 20000000);
    assert_true(sample(f, "write_waits_total") == 1);
    assert_true(sample(f, "write_timeouts_total") == 1);
    assert_true(sample(f, "write_wait_seconds_total") >= 0.025);
    assert_true(sample(f, "write_transactions_total") >= 3);
    feature_batch_free(batch);
}

/* --- the file ------------------------------------------------------------- */

static void
pages_of_a_dropped_view_are_free(void **state)
{
    struct fixture *f = *state;
    static char text[200100];
    struct feature_stats before, after;

    snprintf(text, sizeof text, "1 100 5 ");
    memset(text + strlen(text), 'x', 200000);
    upsert(f, "v", NULL, text);
    before = stats_of(f);
    assert_in_range(before.page_size, 4096, 65536);
    assert_true(before.free_pages < 20);
    define(f, "DROP FEATURE VIEW v");
    upsert(f, "w", NULL, "1 100 5");
    after = stats_of(f);
    assert_true(after.free_pages * after.page_size >= 200000);
    assert_true(after.free_pages * after.page_size < after.used_size);
    assert_true(sample(f, "free_bytes") ==
                (double)(after.free_pages * after.page_size));
    define(f, "STORE WITH (max_size = '64 MiB')");
    assert_int_equal(stats_of(f).max_size, 64 << 20);
}

static void
an_immutable_store_is_read_without_a_trace(void **state)
{
    struct fixture *f = *state;
    char path[TEST_PATH_SIZE + 16];
    struct feature_stats stats;

    upsert(f, "w", NULL, "1 100 5");
    close_store(f);
    snprintf(path, sizeof path, "%s/lock.mdb", f->path);
    assert_int_equal(unlink(path), 0);
    f->options.flags = FEATURE_OPEN_IMMUTABLE;
    open_store(f);
    expect_rows(f, "w(*)", "1\n2", "present 5\nnot_found null");
    must_fail(feature_store_apply(f->store, "CREATE ENTITY x (k INT64)", NULL,
                                  NULL, &problem),
              FEATURE_INVALID, "argument");
    stats = stats_of(f);
    assert_int_equal(stats.flags & FEATURE_STATS_IMMUTABLE,
                     FEATURE_STATS_IMMUTABLE);
    assert_int_equal(stats.readers, 0);
    assert_int_equal(access(path, F_OK), -1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        FIGURES(a_snapshot_that_another_process_holds_is_shown),
        FIGURES(the_slots_of_a_killed_process_are_freed),
        FIGURES(reads_are_counted_by_state),
        FIGURES(the_beginning_of_a_history_is_told),
        FIGURES(freshness_is_the_age_of_the_newest_event),
        FIGURES(waits_for_other_writers_are_counted),
        FIGURES(pages_of_a_dropped_view_are_free),
        FIGURES(an_immutable_store_is_read_without_a_trace),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
