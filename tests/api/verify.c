/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feature_store_verify(): good stores of every shape are good, closed, open and
 * being written to; arguments; files that are no store.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common.h"

#define VIEWS 40

static struct feature_verify_report
verify(struct fixture *f, char **text)
{
    struct feature_verify_report report = {.struct_size = sizeof report};

    must(feature_store_verify(f->path, NULL, &report, text, &problem));
    return report;
}

static struct feature_verify_report
expect_good_at(struct fixture *f, const char *file, int line)
{
    char *text = NULL;
    struct feature_verify_report report = verify(f, &text);

    if (report.findings || *text || !(report.flags & FEATURE_VERIFIED_HELD)) {
        print_error("%s", text);
        _fail(file, line);
    }
    feature_free(text);
    return report;
}

#define expect_good(f) expect_good_at((f), __FILE__, __LINE__)

/* Rows of a view (id INT64, event_timestamp, a INT64, s STRING). */
static void
write_many(struct fixture *f, const char *view, int64_t first, uint32_t rows,
           uint32_t width)
{
    int64_t *ids = claim(rows * sizeof *ids), *a = claim(rows * sizeof *a);
    int32_t *ends = claim((rows + 1) * sizeof *ends);
    char *text = claim((size_t)rows * width + 1);
    feature_batch *batch;

    memset(text, 'x', (size_t)rows * width);
    for (uint32_t i = 0; i < rows; i++) {
        ids[i] = first + (int64_t)(i * UINT64_C(7919) % rows);
        a[i] = ids[i] * 3;
        ends[i + 1] = (int32_t)((i + 1) * width);
    }
    must(feature_batch_create(f->store, view, "id, a, s", FEATURE_UPSERT,
                              &batch, &problem));
    must(feature_batch_set(batch, 0, FEATURE_TYPE_INT64, ids, NULL, NULL, rows,
                           &problem));
    must(feature_batch_set(batch, 1, FEATURE_TYPE_INT64, a, NULL, NULL, rows,
                           &problem));
    must(feature_batch_set(batch, 2, FEATURE_TYPE_STRING, text, ends, NULL,
                           rows, &problem));
    write_batch(f, batch);
    feature_batch_free(batch);
    free(ids);
    free(a);
    free(ends);
    free(text);
}

static void
define_wide(struct fixture *f)
{
    define(f, "CREATE ENTITY e (id INT64);"
              "CREATE FEATURE VIEW w (a INT64, s STRING) FOR e;");
}

static void
an_empty_store_is_good(void **state)
{
    struct feature_verify_report report = expect_good(*state);

    assert_int_equal(report.rows, 0);
    assert_int_equal(report.trees, 1);
    define_wide(*state);
    report = expect_good(*state);
    assert_int_equal(report.sequence, 1);
    close_store(*state);
    expect_good(*state);
}

static void
rows_of_every_kind_are_good(void **state)
{
    struct fixture *f = *state;
    struct feature_verify_report report;

    define(f, "CREATE ENTITY e (k STRING, n INT64, b BYTES);"
              "CREATE FEATURE VIEW v (a BOOL, c INT32, d FLOAT64, t TIMESTAMP,"
              " s STRING, y BYTES, x FLOAT32[3], l INT64[], m STRING[])"
              " FOR e;");
    upsert(f, "v", "k, n, b, event_timestamp, a, c, d, t, s, y, x, l, m",
           "a 1 x00ff @1 true 7 2.5 @9 text x01 [1,2,3] [4,5] [a,bc]\n"
           "'' -2 '' @2 false null null null '' '' null [] []");
    report = expect_good(f);
    assert_int_equal(report.rows, 2);
    patch(f, "v", "k, n, b, event_timestamp, c", "a 1 x00ff @5 8");
    patch(f, "v", "k, n, b, event_timestamp, s", "a 1 x00ff @6 other");
    expect_good(f);
    erase(f, "v", "k, n, b, event_timestamp", "'' -2 '' @7");
    report = expect_good(f);
    assert_int_equal(report.rows, 1);
    assert_int_equal(report.tombstones, 1);
    assert_int_equal(report.lost_pages, 0);
}

static void
many_views_are_good(void **state)
{
    struct fixture *f = *state;
    char text[200];

    define(f, "CREATE ENTITY e (id INT64);");
    for (int i = 0; i < VIEWS; i++) {
        snprintf(text, sizeof text,
                 "CREATE FEATURE VIEW v%d (a INT64, s STRING) FOR e;", i);
        define(f, text);
        snprintf(text, sizeof text, "v%d", i);
        if (i % 3)
            write_many(f, text, i, (uint32_t)(1 + i * 7), 20);
    }
    assert_int_equal(expect_good(f).trees, 2 + VIEWS - (VIEWS + 2) / 3);
    for (int i = 0; i < VIEWS; i += 2) {
        snprintf(text, sizeof text, "DROP FEATURE VIEW v%d;", i);
        define(f, text);
        expect_good(f);
    }
    open_again(f);
    expect_good(f);
}

/* Rows that span pages, in runs that are given back and taken again. */
static void
long_rows_are_good(void **state)
{
    struct fixture *f = *state;

    define_wide(f);
    write_many(f, "w", 0, 200, 9000);
    expect_good(f);
    f->options.fixed_now += SECOND;
    open_again(f);
    write_many(f, "w", 50, 100, 30000);
    write_many(f, "w", 100, 100, 3);
    expect_good(f);
}

static void
evolved_schemas_are_good(void **state)
{
    struct fixture *f = *state;

    define(f, "CREATE ENTITY e (id INT64);"
              "CREATE FEATURE VIEW v (a INT32, b FLOAT32, c STRING) FOR e;");
    upsert(f, "v", "id, event_timestamp, a, b, c", "1 @1 1 1.5 x\n2 @1 2 2 y");
    define(f, "CREATE FEATURE VIEW v (a INT64, b FLOAT64, d INT64 DEFAULT 5)"
              " FOR e;");
    upsert(f, "v", "id, event_timestamp, a, b, c, d", "3 @2 1 1.5 x 4");
    patch(f, "v", "id, event_timestamp, c", "1 @9 late");
    define(f, "DROP FEATURE v:c;");
    expect_good(f);
    patch(f, "v", "id, event_timestamp, a", "1 @3 4"); /* loses the newest */
    expect_good(f);
    define(f, "CREATE FEATURE VIEW v (e INT64 RENAMED FROM a) FOR e;");
    erase(f, "v", "id, event_timestamp", "2 @8");
    expect_good(f);
}

/* Good at once, and after each commit that it makes of its own. */
static void
expect_good_from_here(struct fixture *f)
{
    expect_good(f);
    for (int64_t i = 0; i < 70; i++) {
        write_many(f, "w", i, 1, 5);
        expect_good(f);
    }
}

static void
restored_and_compacted_stores_are_good(void **state)
{
    struct fixture *f = *state, copy = *f;
    char file[TEST_PATH_SIZE + 8];

    define_wide(f);
    for (int64_t i = 0; i < 3; i++)
        write_many(f, "w", i, 1, 5);
    snprintf(file, sizeof file, "%s/snap", f->directory);
    must(feature_store_snapshot(f->store, file, NULL, NULL, NULL, &problem));
    snprintf(copy.path, sizeof copy.path, "%.200s/copy", f->directory);
    must(feature_store_restore(file, copy.path, NULL, NULL, NULL, &problem));
    copy.store = NULL;
    open_store(&copy);
    expect_good_from_here(&copy);
    close_store(&copy);
    must(feature_store_compact(copy.path, NULL, NULL, NULL, &problem));
    open_store(&copy);
    expect_good_from_here(&copy);
    close_store(&copy);
}

/* A dropped view leaves a free list that spans pages itself. */
static void
a_long_free_list_is_good(void **state)
{
    struct fixture *f = *state;
    struct feature_verify_report report;

    define_wide(f);
    write_many(f, "w", 0, 20000, 1000);
    report = expect_good(f);
    assert_true(report.used_pages > 5000);
    define(f, "DROP FEATURE VIEW w;");
    report = expect_good(f);
    assert_true(report.free_pages > 5000);
    define(f, "CREATE FEATURE VIEW w (a INT64, s STRING) FOR e;");
    write_many(f, "w", 0, 3000, 100);
    report = expect_good(f);
    assert_true(report.free_pages > 4000);
    assert_int_equal(report.lost_pages, 0);
}

struct writing {
    struct fixture *f;
    atomic_bool stop;
    uint32_t commits;
};

static void *
write_on(void *context)
{
    struct writing *writing = context;

    while (!atomic_load(&writing->stop)) {
        write_many(writing->f, "w", writing->commits % 7 * 300, 500,
                   writing->commits % 5 * 800);
        writing->commits++;
    }
    return NULL;
}

/* Each verification sees one snapshot, whatever is written meanwhile. */
static void
a_store_is_verified_while_it_is_written(void **state)
{
    struct fixture *f = *state;
    struct writing writing = {.f = f};
    uint64_t sequence = 0;
    pthread_t thread;

    define_wide(f);
    assert_int_equal(pthread_create(&thread, NULL, write_on, &writing), 0);
    for (int i = 0; i < 60 || sequence < 60; i++) {
        struct feature_verify_report report = expect_good(f);

        assert_true(report.sequence >= sequence);
        sequence = report.sequence;
    }
    atomic_store(&writing.stop, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(expect_good(f).sequence, writing.commits + 1);
}

/* Files whose owner or mode the library refuses are verified all the same. */
static void
a_store_that_cannot_be_opened_is_read(void **state)
{
    struct fixture *f = *state;
    struct feature_verify_report report;
    char name[TEST_PATH_SIZE + 16];
    char *text;

    define_wide(f);
    write_many(f, "w", 0, 500, 10);
    close_store(f);
    snprintf(name, sizeof name, "%s/data.mdb", f->path);
    assert_int_equal(chmod(name, 0666), 0);
    must_fail(feature_store_open(f->path, NULL, &f->store, &problem),
              FEATURE_UNSUPPORTED, "mode");
    report = verify(f, &text);
    assert_int_equal(report.findings, 0);
    assert_int_equal(report.rows, 500);
    assert_int_equal(report.flags, 0);
    feature_free(text);
}

static void
put_file(const struct fixture *f, const void *bytes, size_t size)
{
    char name[TEST_PATH_SIZE + 16];
    int file;

    snprintf(name, sizeof name, "%s/data.mdb", f->path);
    file = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(file >= 0);
    assert_int_equal(write(file, bytes, size), (ssize_t)size);
    close(file);
}

static void
what_is_no_store_is_told(void **state)
{
    struct fixture *f = *state;
    struct feature_verify_report report = {.struct_size = sizeof report};
    uint8_t newer[4096] = {[24] = 0xde, 0xc0, 0xef, 0xbe};
    char text[9000];
    char *findings;

    close_store(f);
    must_fail(feature_store_verify(f->directory, NULL, &report, NULL, &problem),
              FEATURE_NOT_FOUND, "no-store");
    must_fail(
        feature_store_verify("/nowhere/at/all", NULL, &report, NULL, &problem),
        FEATURE_NOT_FOUND, "no-store");
    put_file(f, "", 0);
    must_fail(feature_store_verify(f->path, NULL, &report, NULL, &problem),
              FEATURE_NOT_FOUND, "no-store");
    put_file(f, newer, sizeof newer);
    must_fail(feature_store_verify(f->path, NULL, &report, NULL, &problem),
              FEATURE_VERSION, "lmdb-version");
    memset(text, 'x', sizeof text);
    put_file(f, text, sizeof text);
    report = verify(f, &findings);
    assert_int_equal(report.file_findings, 1);
    assert_non_null(strstr(findings, "neither of the first two pages"));
    feature_free(findings);
}

static void
arguments_are_checked(void **state)
{
    struct fixture *f = *state;
    struct feature_verify_report report = {.struct_size = sizeof report};
    struct feature_verify_options options = {.struct_size = sizeof options};
    struct feature_verify_report none = {0};

    must_fail(feature_store_verify(NULL, NULL, &report, NULL, &problem),
              FEATURE_INVALID, "argument");
    must_fail(feature_store_verify("", NULL, &report, NULL, &problem),
              FEATURE_INVALID, "argument");
    must_fail(feature_store_verify(f->path, NULL, NULL, NULL, &problem),
              FEATURE_INVALID, "argument");
    must_fail(feature_store_verify(f->path, NULL, &none, NULL, &problem),
              FEATURE_VERSION, "struct-size");
    options.flags = 2;
    must_fail(feature_store_verify(f->path, &options, &report, NULL, &problem),
              FEATURE_INVALID, "argument");
    options.struct_size = 0;
    must_fail(feature_store_verify(f->path, &options, &report, NULL, &problem),
              FEATURE_VERSION, "struct-size");
    must(feature_store_verify(f->path, NULL, &report, NULL, &problem));
    assert_int_equal(report.findings, 0);
}

/* Every allocation fails once: NO_MEMORY, or, where the store could not be opened
 * for want of memory, an answer without a reader on it. */
static void
it_runs_out_of_memory(void **state)
{
    struct fixture *f = *state;
    uint32_t failures = 0;

    define_wide(f);
    write_many(f, "w", 0, 100, 3000);
    close_store(f);
    for (int64_t n = 0;; n++) {
        struct feature_verify_report report = {.struct_size = sizeof report};
        uint64_t before = allocation_count();
        char *text = NULL;
        feature_status status;

        if (!allocation_fail(n))
            skip();
        status = feature_store_verify(f->path, NULL, &report, &text, &problem);
        allocation_fail(-1);
        assert_true(status == FEATURE_OK || status == FEATURE_NO_MEMORY);
        assert_int_equal(text != NULL, !status);
        assert_int_equal(report.findings, 0);
        failures += status != FEATURE_OK;
        feature_free(text);
        if (allocation_count() - before <= (uint64_t)n)
            break;
    }
    assert_true(failures > 5);
    expect_good(f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_empty_store_is_good),
        TEST(rows_of_every_kind_are_good),
        TEST(many_views_are_good),
        TEST(long_rows_are_good),
        TEST(evolved_schemas_are_good),
        TEST(restored_and_compacted_stores_are_good),
        TEST(a_long_free_list_is_good),
        TEST(a_store_is_verified_while_it_is_written),
        TEST(a_store_that_cannot_be_opened_is_read),
        TEST(what_is_no_store_is_told),
        TEST(it_runs_out_of_memory),
        TEST(arguments_are_checked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
