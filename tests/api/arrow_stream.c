/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a scan's stream: consumers of every kind, closed and forked
 * stores, and what commits between two batches do. */
#include "arrow_stream.h"

#include <fcntl.h>
#include <pthread.h>

#include "peer.h"

#define SIMPLE                   \
    "CREATE ENTITY e (k INT64);" \
    "CREATE FEATURE VIEW v (a INT64 DEFAULT 0, s STRING) FOR e;"

static struct feature_scan_options
chunks_of(uint32_t rows, uint32_t flags)
{
    return (struct feature_scan_options){
        .struct_size = sizeof(struct feature_scan_options),
        .flags = flags,
        .chunk_rows = rows};
}

static void
define_six(struct fixture *f)
{
    define(f, SIMPLE);
    upsert(f, "v", NULL,
           "1 1 1 a\n2 1 2 b\n3 1 3 c\n4 1 4 d\n5 1 5 e\n6 1 6 f");
}

/* --- consumers --------------------------------------------------------------- */

static void
the_end_is_the_end_for_good(void **state)
{
    struct fixture *f = *state;
    struct feature_scan_options options = chunks_of(3, 0);
    struct scan scan;

    define_six(f);
    scan = open_scan(f, "v(a)", &options);
    expect_rest(&scan, "1 1 1\n2 1 2\n3 1 3\n--\n4 1 4\n5 1 5\n6 1 6\n--");
    upsert(f, "v", NULL, "7 1 7 g");
    for (int i = 0; i < 3; i++)
        assert_null(next_batch(&scan).release);
    close_store(f);
    assert_null(next_batch(&scan).release);
    close_scan(&scan);
}

static void
the_schema_comes_any_number_of_times(void **state)
{
    struct fixture *f = *state;
    struct ArrowSchema schemas[3];
    struct scan scan;

    define_six(f);
    scan = open_scan(f, "v(*)", NULL);
    for (int i = 0; i < 3; i++)
        assert_int_equal(scan.stream.get_schema(&scan.stream, &schemas[i]), 0);
    close_store(f);
    close_scan(&scan);
    for (int i = 3; i-- > 0;) {
        check_schema(&schemas[i]);
        assert_string_equal(schemas[i].children[3]->name, "s");
        schemas[i].release(&schemas[i]);
    }
}

static void
a_stream_may_be_dropped_at_any_point(void **state)
{
    struct fixture *f = *state;

    define_six(f);
    for (uint32_t flags = 0; flags < 2; flags++)
        for (int pulls = 0; pulls < 4; pulls++) {
            struct feature_scan_options options = chunks_of(2, flags);
            struct ArrowArray batches[4];
            struct ArrowArrayStream stream;

            must(feature_store_scan_arrow(f->store, "v(*)", &options, &stream,
                                          &problem));
            for (int i = 0; i < pulls; i++)
                assert_int_equal(stream.get_next(&stream, &batches[i]), 0);
            stream.release(&stream);
            assert_null(stream.release);
            for (int i = 0; i < pulls && i < 3; i++)
                batches[i].release(&batches[i]);
        }
}

static void
a_stream_that_was_moved_works_from_there(void **state)
{
    struct fixture *f = *state;
    struct feature_scan_options options = chunks_of(4, 0);
    struct scan first, second;
    struct ArrowArray batch;

    define_six(f);
    first = open_scan(f, "v(a)", &options);
    batch = next_batch(&first);
    second = first;
    memset(&first, 0xee, sizeof first);
    expect_rest(&second, "5 1 5\n6 1 6\n--");
    batch.release(&batch);
    close_scan(&second);
}

static void
batches_outlive_stream_and_store(void **state)
{
    struct fixture *f = *state;
    struct feature_scan_options options = chunks_of(3, 0);
    struct ArrowArray first, second, moved;
    static char text[1000];
    struct scan scan;

    define_six(f);
    scan = open_scan(f, "v(*)", &options);
    first = next_batch(&scan);
    second = next_batch(&scan);
    moved = *second.children[3];
    second.children[3]->release = NULL;
    second.children[0]->release(second.children[0]);
    scan.stream.release(&scan.stream);
    close_store(f);
    second.release(&second);
    print_rows(&scan.schema, &first, text, sizeof text);
    assert_string_equal(text, "1 1 1 a\n2 1 2 b\n3 1 3 c");
    text[0] = '\0';
    print_item(scan.schema.children[3], &moved, 2, text, sizeof text);
    assert_string_equal(text, "f");
    moved.release(&moved);
    first.release(&first);
    close_scan(&scan);
}

static void *
finish_elsewhere(void *context)
{
    struct scan *scan = context;
    struct ArrowArray batch = next_batch(scan);

    batch.release(&batch);
    close_scan(scan);
    return NULL;
}

static void
a_stream_changes_threads(void **state)
{
    struct fixture *f = *state;

    define_six(f);
    for (uint32_t flags = 0; flags < 2; flags++) {
        struct feature_scan_options options = chunks_of(2, flags);
        struct scan scan = open_scan(f, "v(*)", &options);
        struct ArrowArray batch = next_batch(&scan);
        pthread_t thread;

        assert_int_equal(pthread_create(&thread, NULL, finish_elsewhere, &scan),
                         0);
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_null(scan.stream.release);
        batch.release(&batch);
    }
}

/* --- closed, forked ---------------------------------------------------------- */

static void
a_closed_store_ends_the_stream_by_name(void **state)
{
    struct fixture *f = *state;

    define_six(f);
    for (uint32_t flags = 0; flags < 2; flags++) {
        struct feature_scan_options options = chunks_of(2, flags);
        struct scan scan;
        struct ArrowArray batch;

        open_store(f);
        scan = open_scan(f, "v(*)", &options);
        batch = next_batch(&scan);
        close_store(f);
        for (int i = 0; i < 2; i++)
            expect_error(&scan, EINVAL, "closed");
        open_store(f);
        expect_error(&scan, EINVAL, "closed");
        check_array(&scan.schema, &batch);
        close_scan(&scan);
        close_store(f);
        batch.release(&batch);
    }
}

static struct scan inherited[3];

static void
use_what_was_inherited(struct fixture *f, struct peer *peer)
{
    (void)peer;
    expect_error(&inherited[0], EINVAL, "forked");
    expect_error(&inherited[1], EINVAL, "forked");
    close_scan(&inherited[0]);
    feature_store_close(f->store);
    expect_error(&inherited[1], EINVAL, "closed");
    close_scan(&inherited[1]);
    close_scan(&inherited[2]);
}

static void
a_forked_child_gets_a_name_and_frees_memory_only(void **state)
{
    struct fixture *f = *state;
    struct feature_scan_options options =
        chunks_of(2, FEATURE_SCAN_ONE_SNAPSHOT);

    define_six(f);
    for (int i = 0; i < 3; i++) {
        struct ArrowArray batch;

        inherited[i] = open_scan(f, "v(a)", i == 2 ? NULL : &options);
        batch = next_batch(&inherited[i]);
        batch.release(&batch);
    }
    run_peer(f, use_what_was_inherited);
    upsert(f, "v", NULL, "4 2 44 x\n7 2 77 x");
    for (int i = 0; i < 2; i++) {
        expect_rest(&inherited[i], "3 1 3\n4 1 4\n--\n5 1 5\n6 1 6\n--");
        close_scan(&inherited[i]);
    }
    close_scan(&inherited[2]);
}

/* --- commits between batches ------------------------------------------------- */

static void
each_batch_is_of_the_newest_commit(void **state)
{
    struct fixture *f = *state;
    struct feature_scan_options options = chunks_of(2, 0);
    struct scan scan;
    struct ArrowArray batch;

    define_six(f);
    scan = open_scan(f, "v(a)", &options);
    batch = next_batch(&scan);
    batch.release(&batch);
    upsert(f, "v", "k, event_timestamp, a", "1 2 11\n2 2 22\n3 2 33\n9 2 99");
    erase(f, "v", NULL, "5 2");
    expect_rest(&scan, "3 2 33\n4 1 4\n--\n6 1 6\n9 2 99\n--");
    close_scan(&scan);
}

static void
one_snapshot_is_of_the_commit_it_began_with(void **state)
{
    struct fixture *f = *state;
    struct feature_scan_options options =
        chunks_of(2, FEATURE_SCAN_ONE_SNAPSHOT);
    struct scan early, late;

    define_six(f);
    early = open_scan(f, "v(a)", &options);
    upsert(f, "v", "k, event_timestamp, a", "1 2 11\n3 2 33\n9 2 99");
    late = open_scan(f, "v(a)", &options);
    for (int i = 0; i < 20; i++) /* pages of the old commits would be reused */
        upsert(f, "v", NULL, "1 3 0 z\n2 3 0 z\n3 3 0 z\n4 3 0 z\n5 3 0 z");
    erase(f, "v", NULL, "5 4\n6 4");
    expect_rest(&early, "1 1 1\n2 1 2\n--\n3 1 3\n4 1 4\n--\n5 1 5\n6 1 6\n--");
    expect_rest(&late, "1 2 11\n2 1 2\n--\n3 2 33\n4 1 4\n--\n"
                       "5 1 5\n6 1 6\n--\n9 2 99\n--");
    close_scan(&early);
    close_scan(&late);
    expect_scan(f, "v(a)", NULL, "1 3 0\n2 3 0\n3 3 0\n4 3 0\n9 2 99");
}

static void
scans_and_reads_do_not_disturb_each_other(void **state)
{
    struct fixture *f = *state;
    struct feature_scan_options options = chunks_of(1, 0);
    struct scan scans[3];
    struct ArrowArray batch;

    define_six(f);
    for (int i = 0; i < 3; i++) {
        options.flags = (uint32_t)i & 1;
        scans[i] = open_scan(f, "v(a)", &options);
    }
    for (int64_t k = 1; k <= 6; k++)
        for (int i = 0; i < 3; i++) {
            batch = next_batch(&scans[i]);
            assert_int_equal(*(const int64_t *)batch.children[0]->buffers[1],
                             k);
            batch.release(&batch);
            expect_rows(f, "v(a)", "3", "present 3");
        }
    for (int i = 0; i < 3; i++) {
        assert_null(next_batch(&scans[i]).release);
        close_scan(&scans[i]);
    }
}

static void
a_scan_keeps_its_columns(void **state)
{
    struct fixture *f = *state;
    struct feature_scan_options options = chunks_of(2, 0);
    struct scan scan;
    struct ArrowArray batch;

    define(f, "CREATE ENTITY e (k INT64);"
              "CREATE FEATURE VIEW v (a INT32, b INT64) FOR e;");
    upsert(f, "v", NULL, "1 1 1 1\n2 1 2 2\n3 1 3 3\n4 1 4 4");
    scan = open_scan(f, "v(*)", &options);
    batch = next_batch(&scan);
    batch.release(&batch);
    define(f, "CREATE FEATURE VIEW v (a INT64, c STRING DEFAULT 'c',"
              " d INT64 RENAMED FROM b) FOR e;");
    upsert(f, "v", "k, event_timestamp, a, d", "4 1 40 44\n5 1 50 55");
    expect_rest(&scan, "3 1 3 3\n4 1 40 44\n--\n5 1 50 55\n--");
    close_scan(&scan);

    scan = open_scan(f, "v(a)", &options);
    batch = next_batch(&scan);
    batch.release(&batch);
    define(f, "DROP FEATURE v:a;");
    expect_error(&scan, EINVAL, "schema-changed");
    close_scan(&scan);

    options.flags = FEATURE_SCAN_ONE_SNAPSHOT;
    scan = open_scan(f, "v(d)", &options);
    define(f, "DROP FEATURE VIEW v;");
    expect_rest(&scan, "1 1 1\n2 1 2\n--\n3 1 3\n4 1 44\n--\n5 1 55\n--");
    close_scan(&scan);
}

static void
a_value_that_no_longer_fits_fails_and_loses_nothing(void **state)
{
    struct fixture *f = *state;
    struct feature_scan_options options = chunks_of(1, 0);
    struct scan scan;
    struct ArrowArray batch;

    define(f, "CREATE ENTITY e (k INT64);"
              "CREATE FEATURE VIEW v (a INT32) FOR e;");
    upsert(f, "v", NULL, "1 1 1\n2 1 2");
    scan = open_scan(f, "v(*)", &options);
    batch = next_batch(&scan);
    batch.release(&batch);
    define(f, "CREATE FEATURE VIEW v (a INT64) FOR e;");
    upsert(f, "v", NULL, "2 1 5000000000");
    expect_error(&scan, EINVAL, "schema-changed");
    assert_non_null(scan.stream.get_last_error(&scan.stream));
    upsert(f, "v", NULL, "2 1 5");
    expect_rest(&scan, "2 1 5\n--");
    close_scan(&scan);
}

/* --- damage, memory ---------------------------------------------------------- */

/* Overwrites a text that is once in the store's file. */
static void
damage(struct fixture *f, const char *text)
{
    char path[TEST_PATH_SIZE + 16];
    char *bytes, *at;
    int file, found = 0;
    off_t size;

    snprintf(path, sizeof path, "%s/data.mdb", f->path);
    file = open(path, O_RDWR);
    size = lseek(file, 0, SEEK_END);
    bytes = claim((size_t)size);
    assert_int_equal(pread(file, bytes, (size_t)size, 0), size);
    for (at = bytes;
         (at = memmem(at, (size_t)(bytes + size - at), text, strlen(text)));
         at++, found++)
        assert_int_equal(pwrite(file, "?", 1, at - bytes), 1);
    assert_true(found > 0);
    close(file);
    free(bytes);
}

static void
a_damaged_row_is_reported_and_never_served(void **state)
{
    struct fixture *f = *state;
    struct feature_scan_options options = chunks_of(2, 0);
    struct scan scan;
    struct ArrowArray batch;

    define_six(f);
    upsert(f, "v", NULL, "4 2 4 damaged-here");
    close_store(f);
    damage(f, "damaged-here");
    open_store(f);
    scan = open_scan(f, "v(a)", &options);
    batch = next_batch(&scan);
    batch.release(&batch);
    for (int i = 0; i < 2; i++) {
        expect_error(&scan, EIO, "checksum");
        assert_non_null(
            strstr(scan.stream.get_last_error(&scan.stream), "row 3 "));
    }
    close_scan(&scan);
    options.from = "5"; /* the rest of it can be had */
    expect_scan(f, "v(a)", &options, "5 1 5\n6 1 6");
}

static int
scan_failing_at(struct fixture *f, int64_t n, uint32_t flags, int *failures)
{
    struct feature_scan_options options = chunks_of(2, flags);
    struct ArrowArrayStream stream = {0};
    uint64_t before = allocation_count();
    struct ArrowArray batch = {0};
    struct ArrowSchema schema;
    feature_status status;
    int64_t next = 1;
    int code;

    allocation_fail(n);
    status =
        feature_store_scan_arrow(f->store, "v(*)", &options, &stream, &problem);
    if (status) {
        assert_int_equal(status, FEATURE_NO_MEMORY);
        assert_null(stream.release);
        ++*failures;
        allocation_fail(-1);
        return 0;
    }
    code = stream.get_schema(&stream, &schema);
    if (code)
        assert_int_equal(code, ENOMEM);
    else
        schema.release(&schema);
    *failures += code != 0;
    do {
        code = stream.get_next(&stream, &batch);
        if (code) { /* and again: nothing was lost */
            assert_int_equal(code, ENOMEM);
            assert_memory_equal(stream.get_last_error(&stream), "memory:", 7);
            ++*failures;
            continue;
        }
        if (!batch.release)
            break;
        for (int64_t i = 0; i < batch.length; i++)
            assert_int_equal(
                ((const int64_t *)batch.children[0]->buffers[1])[i], next++);
        batch.release(&batch);
    } while (1);
    assert_int_equal(next, 7);
    allocation_fail(-1);
    stream.release(&stream);
    return allocation_count() - before <= (uint64_t)n;
}

static void
out_of_memory_loses_no_row(void **state)
{
    struct fixture *f = *state;

    define_six(f);
    if (!allocation_fail(-1))
        skip();
    for (uint32_t flags = 0; flags < 2; flags++) {
        int failures = 0;
        int64_t n = 0;

        while (!scan_failing_at(f, n, flags, &failures))
            assert_true(n++ < 1000);
        assert_int_equal(failures, n);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_end_is_the_end_for_good),
        TEST(the_schema_comes_any_number_of_times),
        TEST(a_stream_may_be_dropped_at_any_point),
        TEST(a_stream_that_was_moved_works_from_there),
        TEST(batches_outlive_stream_and_store),
        TEST(a_stream_changes_threads),
        TEST(a_closed_store_ends_the_stream_by_name),
        TEST(a_forked_child_gets_a_name_and_frees_memory_only),
        TEST(each_batch_is_of_the_newest_commit),
        TEST(one_snapshot_is_of_the_commit_it_began_with),
        TEST(scans_and_reads_do_not_disturb_each_other),
        TEST(a_scan_keeps_its_columns),
        TEST(a_value_that_no_longer_fits_fails_and_loses_nothing),
        TEST(a_damaged_row_is_reported_and_never_served),
        TEST(out_of_memory_loses_no_row),
    };

    return cmocka_run_group_tests_name("arrow_stream", tests, NULL, NULL);
}
