/* SPDX-License-Identifier: Apache-2.0 */
/* Scans of one snapshot: counted, bounded in age, and in nobody's way. */
#include "arrow_stream.h"

#include <pthread.h>
#include <time.h>

#define SIMPLE                   \
    "CREATE ENTITY e (k INT64);" \
    "CREATE FEATURE VIEW v (a INT64) FOR e;"

#define MOST 64 /* of one handle */

static struct feature_scan_options
one_snapshot(uint32_t rows)
{
    return (struct feature_scan_options){
        .struct_size = sizeof(struct feature_scan_options),
        .flags = FEATURE_SCAN_ONE_SNAPSHOT,
        .chunk_rows = rows};
}

static void
define_four(struct fixture *f)
{
    define(f, SIMPLE);
    upsert(f, "v", NULL, "1 1 1\n2 1 2\n3 1 3\n4 1 4");
}

static uint64_t
held(struct fixture *f)
{
    char *text = NULL, *at;
    uint64_t number;

    must(feature_store_metrics(f->store, &text, &problem));
    at = strstr(text, "\nfeature_scan_snapshots ");
    assert_non_null(at);
    number = strtoull(at + strlen("\nfeature_scan_snapshots "), NULL, 10);
    feature_free(text);
    return number;
}

static void
snapshots_are_counted_until_the_end_or_the_release(void **state)
{
    struct fixture *f = *state;
    struct feature_scan_options options = one_snapshot(4);
    struct scan first, second;
    struct ArrowArray batch;

    define_four(f);
    first = open_scan(f, "v(*)", NULL);
    assert_int_equal(held(f), 0);
    close_scan(&first);
    first = open_scan(f, "v(*)", &options);
    second = open_scan(f, "v(*)", &options);
    assert_int_equal(held(f), 2);
    close_scan(&first);
    assert_int_equal(held(f), 1);
    batch = next_batch(&second);
    batch.release(&batch);
    assert_int_equal(held(f), 1);
    assert_null(next_batch(&second).release);
    assert_int_equal(held(f), 0);
    close_scan(&second);
    assert_int_equal(held(f), 0);
}

static void
too_many_snapshots_are_refused(void **state)
{
    struct fixture *f = *state;
    struct feature_scan_options options = one_snapshot(1);
    struct ArrowArrayStream refused = {0};
    struct scan scans[MOST];

    define_four(f);
    for (int i = 0; i < MOST; i++)
        scans[i] = open_scan(f, "v(*)", &options);
    must_fail(feature_store_scan_arrow(f->store, "v(*)", &options, &refused,
                                       &problem),
              FEATURE_BUSY, "scan-limit");
    assert_null(refused.release);
    expect_scan(f, "v(*)", NULL, "1 1 1\n2 1 2\n3 1 3\n4 1 4");
    close_scan(&scans[17]);
    scans[17] = open_scan(f, "v(*)", &options);
    for (int i = 0; i < MOST; i++) {
        expect_rest(&scans[i], "1 1 1\n--\n2 1 2\n--\n3 1 3\n--\n4 1 4\n--");
        close_scan(&scans[i]);
    }
    assert_int_equal(held(f), 0);
}

/* With the steady clock, which passes by itself; longer than asked does no
 * harm here. */
static void
let_pass(int milliseconds)
{
    struct timespec pause = {.tv_nsec = milliseconds * 1000000};

    assert_int_equal(nanosleep(&pause, NULL), 0);
}

static void
a_snapshot_that_is_too_old_fails_by_name(void **state)
{
    struct fixture *f = *state;
    struct feature_scan_options options = one_snapshot(1);
    struct scan young, old, later;
    struct ArrowArray batch;

    move_clock(f, 0);
    define_four(f);
    young = open_scan(f, "v(*)", &options);
    options.max_age_ms = 1;
    old = open_scan(f, "v(*)", &options);
    let_pass(4);
    for (int i = 0; i < 2; i++)
        expect_error(&old, EBUSY, "scan-age");
    assert_int_equal(held(f), 1);
    batch = next_batch(&young);
    batch.release(&batch);
    close_scan(&young);
    options.flags = 0; /* an age without a snapshot says nothing */
    later = open_scan(f, "v(*)", &options);
    let_pass(4);
    expect_rest(&later, "1 1 1\n--\n2 1 2\n--\n3 1 3\n--\n4 1 4\n--");
    close_scan(&later);
    close_scan(&old);
}

/* The snapshots there are, as a handle sees them that has none. */
static uint32_t
seen_by(feature_store *other)
{
    struct feature_stats stats = {.struct_size = sizeof stats};

    must(feature_store_stats(other, &stats, &problem));
    assert_int_equal(stats.held_snapshots, 0);
    return stats.active_readers;
}

static void
whatever_the_handle_does_ends_what_was_left_lying(void **state)
{
    struct fixture *f = *state;
    struct feature_scan_options options = one_snapshot(1);
    struct scan left, scans[2];
    feature_store *other;
    uint32_t none;

    move_clock(f, 0);
    define_four(f);
    must(feature_store_open(f->path, &f->options, &other, &problem));
    none = seen_by(other);
    options.max_age_ms = 1;
    left = open_scan(f, "v(*)", &options);
    let_pass(4);
    assert_int_equal(seen_by(other), none + 1); /* it does nothing */
    upsert(f, "v", NULL, "1 2 1");
    assert_int_equal(seen_by(other), none);
    scans[0] = open_scan(f, "v(*)", &options);
    let_pass(4);
    scans[1] = open_scan(f, "v(*)", &options);
    assert_int_equal(seen_by(other), none + 1);
    expect_error(&scans[0], EBUSY, "scan-age");
    let_pass(4);
    expect_rows(f, "v(a)", "1", "present 1");
    assert_int_equal(seen_by(other), none);
    close_scan(&scans[0]);
    close_scan(&scans[1]);
    expect_error(&left, EBUSY, "scan-age");
    close_scan(&left);
    feature_store_close(other);
}

static void
a_clock_that_stands_still_ages_nothing(void **state)
{
    struct fixture *f = *state;
    struct feature_scan_options options = one_snapshot(2);
    struct scan scan;

    define_four(f);
    options.max_age_ms = 1;
    scan = open_scan(f, "v(*)", &options);
    let_pass(4);
    upsert(f, "v", NULL, "1 2 9");
    expect_rest(&scan, "1 1 1\n2 1 2\n--\n3 1 3\n4 1 4\n--");
    close_scan(&scan);
}

/* A running reader would make each of these wait for 2 s, and then fail. */
static void
a_change_of_the_map_takes_no_notice_of_a_scan(void **state)
{
    struct fixture *f = *state;
    struct feature_scan_options options = one_snapshot(1);
    struct scan scan;

    define_four(f);
    scan = open_scan(f, "v(*)", &options);
    define(f, "STORE WITH (max_size = '64 MB');");
    assert_int_equal(stats_of(f).map_size, 64000000 / 65536 * 65536 + 65536);
    upsert(f, "v", NULL, "1 2 9\n2 2 9\n3 2 9");
    for (int64_t k = 1; k <= 4; k++) {
        char text[64];
        struct ArrowArray batch = next_batch(&scan);

        assert_int_equal(*(const int64_t *)batch.children[2]->buffers[1], k);
        batch.release(&batch);
        sprintf(text, "STORE WITH (max_size = '%d MB');", (int)(80 + 10 * k));
        define(f, text);
        upsert(f, "v", NULL, "1 3 8");
    }
    assert_null(next_batch(&scan).release);
    close_scan(&scan);
    expect_scan(f, "v(*)", NULL, "1 3 8\n2 2 9\n3 2 9\n4 1 4");
}

/* --- beside writers ---------------------------------------------------------- */

enum { KEYS = 400 };

struct writing {
    struct fixture *f;
    _Atomic(int) stop;
    _Atomic(int) commits;
};

/* Every commit gives all keys one number, and moves the map now and then. */
static void *
write_numbers(void *context)
{
    struct writing *writing = context;
    char *rows = claim(KEYS * 40);

    for (int n = 1; !writing->stop; n++) {
        feature_batch *batch =
            make_batch(writing->f, FEATURE_UPSERT, "v", NULL, NULL);

        for (int k = 0, at = 0; k < KEYS; k++)
            at += sprintf(rows + at, "%d %d %d\n", k, n, n);
        fill_batch(batch, rows);
        must(feature_store_write(writing->f->store, &batch, 1, NULL, NULL,
                                 &problem));
        feature_batch_free(batch);
        if (n % 16 == 0) {
            sprintf(rows, "STORE WITH (max_size = '%d MB');", 64 + n % 128);
            define(writing->f, rows);
        }
        writing->commits = n;
    }
    free(rows);
    return NULL;
}

static void
scan_numbers(struct fixture *f, uint32_t flags)
{
    struct feature_scan_options options = one_snapshot(37);
    struct scan scan;
    struct ArrowArray batch;
    int64_t next = 0, first = -1;

    options.flags = flags;
    scan = open_scan(f, "v(*)", &options);
    while ((batch = next_batch(&scan)).release) {
        const int64_t *keys = batch.children[0]->buffers[1];
        const int64_t *values = batch.children[2]->buffers[1];

        if (!flags || first < 0) {
            assert_true(values[0] >= first); /* commits never go back */
            first = values[0];
        }
        for (int64_t i = 0; i < batch.length; i++) {
            assert_int_equal(keys[i], next++);
            assert_int_equal(values[i], first);
        }
        batch.release(&batch);
    }
    assert_int_equal(next, KEYS);
    close_scan(&scan);
}

static void *
scan_beside(void *context)
{
    struct writing *writing = context;

    for (uint32_t i = 0; i < 60 || writing->commits < 50; i++)
        scan_numbers(writing->f, i & 1);
    return NULL;
}

static void
no_batch_mixes_two_commits(void **state)
{
    struct fixture *f = *state;
    struct writing writing = {.f = f};
    pthread_t writer, other;
    char rows[KEYS * 20];

    define(f, SIMPLE);
    for (int k = 0, at = 0; k < KEYS; k++)
        at += sprintf(rows + at, "%d 0 0\n", k);
    upsert(f, "v", NULL, rows);
    assert_int_equal(pthread_create(&writer, NULL, write_numbers, &writing), 0);
    assert_int_equal(pthread_create(&other, NULL, scan_beside, &writing), 0);
    scan_beside(&writing);
    assert_int_equal(pthread_join(other, NULL), 0);
    writing.stop = 1;
    assert_int_equal(pthread_join(writer, NULL), 0);
    assert_int_equal(held(f), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(snapshots_are_counted_until_the_end_or_the_release),
        TEST(too_many_snapshots_are_refused),
        TEST(a_snapshot_that_is_too_old_fails_by_name),
        TEST(whatever_the_handle_does_ends_what_was_left_lying),
        TEST(a_clock_that_stands_still_ages_nothing),
        TEST(a_change_of_the_map_takes_no_notice_of_a_scan),
        TEST(no_batch_mixes_two_commits),
    };

    return cmocka_run_group_tests_name("arrow_snapshot", tests, NULL, NULL);
}
