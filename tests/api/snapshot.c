/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshots: what comes back is what was there, and what is not whole is
 * refused. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "snapshot.h"

#define TYPES                                                                 \
    "CREATE ENTITY e (k INT64, p STRING);"                                    \
    "CREATE FEATURE VIEW v (b BOOL, i INT32, l INT64, f FLOAT32, g FLOAT64,"  \
    " s STRING, y BYTES, t TIMESTAMP, w FLOAT32[3], li INT64[], ls STRING[])" \
    " FOR e WITH (ttl = '400 days');"

static const char all_keys[] = "1 a\n2 a\n2 b\n-7 z\n9 none";

/* Rows of two schema versions, tombstones, and cells of different times. */
static void
fill(struct fixture *f)
{
    define(f, TYPES);
    upsert(f, "v", NULL,
           "1 a 100 true 1 2 3.5 4.5 text x00ff 77 [1,2,3] [1,2] [a,b]\n"
           "2 a 200 null null null null null null null null null null null\n"
           "2 b 300 false -1 -2 -3.5 nan '' '' 0 [0,0,0] [] []");
    define(f, "CREATE FEATURE VIEW v (i INT64, n INT64 DEFAULT 5) FOR e;"
              "DROP FEATURE v:g;");
    write_rows(f, FEATURE_PATCH, "v", "k, p, event_timestamp, n, s",
               "1 a 500 9 newer\n-7 z 50 1 first");
    write_rows(f, FEATURE_DELETE, "v", "k, p, event_timestamp", "2 a 900");
    upsert(f, "v", "k, p, event_timestamp, l", "2 a 400 1"); /* late */
    define(f, "CREATE ENTITY other (id BYTES);"
              "CREATE FEATURE VIEW empty (a INT64) FOR other;"
              "CREATE FEATURE VIEW gone (a INT64) FOR other;"
              "CREATE FEATURE SERVICE s1 AS v(*) AS m (k AS kk);");
    upsert(f, "gone", NULL, "abc 100 1");
    define(f, "DROP FEATURE VIEW gone");
}

/* Reads, definitions and numbers of two stores are the same. */
static void
expect_same(struct fixture *a, struct fixture *b)
{
    static char first[ANSWER_SIZE], second[ANSWER_SIZE];
    struct feature_stats x = stats_of(a), y = stats_of(b);

    expect_same_text(a, b, feature_store_describe);
    assert_int_equal(x.sequence, y.sequence);
    assert_int_equal(x.commit_time, y.commit_time);
    assert_int_equal(x.catalog_version, y.catalog_version);
    assert_int_equal(x.rows, y.rows);
    assert_int_equal(x.tombstones, y.tombstones);
    assert_int_equal(x.applied, y.applied);
    assert_int_equal(x.late, y.late);
    answer_of(a, "v(*)", all_keys, first);
    answer_of(b, "v(*)", all_keys, second);
    assert_string_equal(first, second);
}

static void
all_that_a_store_holds_comes_back(void **state)
{
    struct fixture *f = *state;
    struct fixture copy;
    struct feature_snapshot_report report;

    fill(f);
    report = take_snapshot(f, "a.snap", NULL);
    assert_int_equal(report.sequence, stats_of(f).sequence);
    assert_int_equal(report.rows, 4);
    assert_int_equal(report.views, 2);
    copy = restore_copy(f, "a.snap", "copy");
    expect_same(f, &copy);
    /* The sequence goes on, and the same writes make the same rows. */
    write_rows(f, FEATURE_PATCH, "v", "k, p, event_timestamp, l", "2 a 950 3");
    write_rows(&copy, FEATURE_PATCH, "v", "k, p, event_timestamp, l",
               "2 a 950 3");
    expect_same(f, &copy);
    close_store(&copy);
}

static void
a_snapshot_of_a_restored_store_is_the_same(void **state)
{
    struct fixture *f = *state;
    struct feature_snapshot_report first, second;
    struct fixture copy;

    fill(f);
    first = take_snapshot(f, "a.snap", NULL);
    copy = restore_copy(f, "a.snap", "copy");
    second = take_snapshot(&copy, "b.snap", NULL);
    close_store(&copy);
    assert_int_equal(first.sequence, second.sequence);
    assert_int_equal(first.rows, second.rows);
    assert_int_equal(first.bytes, second.bytes);
}

static void
an_empty_store_has_a_snapshot_too(void **state)
{
    struct fixture *f = *state;
    struct fixture copy;

    take_snapshot(f, "a.snap", NULL);
    copy = restore_copy(f, "a.snap", "copy");
    assert_int_equal(stats_of(&copy).sequence, 0);
    define(&copy, TYPES);
    assert_int_equal(stats_of(&copy).sequence, 1);
    close_store(&copy);
}

static void
many_views_and_many_rows_come_back(void **state)
{
    struct feature_snapshot_options options = {.struct_size = sizeof options};
    struct fixture *f = *state;
    struct fixture copy;

    define(f, "CREATE ENTITY n (k INT64);");
    for (int i = 0; i < 40; i++)
        define_numbered(f, i);
    for (int i = 0; i < 40; i += 3)
        fill_numbered(f, i, 0, 200 * (uint32_t)i, i);
    for (uint32_t workers = 1; workers <= 5; workers += 2) {
        options.workers = workers;
        options.level = (int32_t)workers;
        take_snapshot(f, "a.snap", &options);
        copy = restore_copy(f, "a.snap", "copy");
        for (int i = 0; i < 40; i++)
            expect_numbered(&copy, i, i % 3 ? 0 : 200 * (uint32_t)i, i);
        close_store(&copy);
        remove_directory(copy.path);
    }
}

/* A row spans blocks, and a block ends anywhere in one. */
static void
large_rows_come_back(void **state)
{
    struct fixture *f = *state;
    struct fixture copy;
    struct reader reader;
    struct feature_column column;

    close_store(f);
    f->options.max_row_size = 20u << 20;
    open_store(f);
    define(f, "CREATE ENTITY n (k INT64);"
              "CREATE FEATURE VIEW large (y BYTES) FOR n;");
    for (uint32_t i = 0; i < 4; i++)
        write_large(f, i, (i * 3u << 20) + 1048500 + 17 * i);
    take_snapshot(f, "a.snap", NULL);
    copy = restore_copy(f, "a.snap", "copy");
    reader = open_reader(&copy, "large(y)", 0, "0\n1\n2\n3");
    must(feature_request_read(reader.request, &problem));
    must(feature_request_column(reader.request, 0, &column, &problem));
    for (uint32_t i = 0; i < 4; i++) {
        size_t size = (size_t)(column.offsets[i + 1] - column.offsets[i]);

        assert_int_equal(size, (i * 3u << 20) + 1048500 + 17 * i);
        for (size_t at = 0; at < size; at += 4093)
            assert_int_equal(
                ((const uint8_t *)column.values + column.offsets[i])[at],
                (uint8_t)(at * 31 + i));
    }
    close_reader(&reader);
    close_store(&copy);
}

/* --- files that are not whole ----------------------------------------------- */

static void
expect_refused(struct fixture *f, const uint8_t *bytes, size_t size,
               const char *what, size_t at)
{
    struct feature_restore_options options = {
        .struct_size = sizeof options, .flags = FEATURE_RESTORE_VERIFY_ONLY};
    char path[PATH_SIZE];
    feature_status status;

    path_of(f, "bad.snap", path);
    write_file(path, bytes, size);
    problem = (struct feature_error){0};
    status = feature_store_restore(path, NULL, &options, NULL, NULL, &problem);
    if ((status != FEATURE_CORRUPT && status != FEATURE_VERSION) ||
        (!strstr(problem.message, "byte ")))
        fail_msg("%s at %zu: status %d, %s: %s", what, at, status,
                 problem.reason, problem.message);
}

static void
every_flipped_byte_is_refused(void **state)
{
    struct fixture *f = *state;
    size_t size;
    uint8_t *bytes;

    fill(f);
    take_snapshot(f, "a.snap", NULL);
    bytes = read_whole(f, "a.snap", &size);
    assert_true(size > 500 && size < 10000);
    for (size_t i = 0; i < size; i++) {
        for (uint8_t bit = 1; bit; bit = (uint8_t)(bit << 1)) {
            bytes[i] ^= bit;
            expect_refused(f, bytes, size, "flip", i);
            bytes[i] ^= bit;
        }
    }
    free(bytes);
}

static void
every_missing_or_added_byte_is_refused(void **state)
{
    struct fixture *f = *state;
    char bad[PATH_SIZE], path[PATH_SIZE];
    uint8_t *bytes;
    size_t size;

    fill(f);
    take_snapshot(f, "a.snap", NULL);
    bytes = read_whole(f, "a.snap", &size);
    for (size_t i = 0; i < size; i++)
        expect_refused(f, bytes, i, "cut", i);
    bytes = realloc(bytes, size + 600);
    assert_non_null(bytes);
    memset(bytes + size, 0, 600);
    for (size_t i = 1; i < 600; i += 7)
        expect_refused(f, bytes, size + i, "longer", i);
    memcpy(bytes + size, bytes, 500);
    expect_refused(f, bytes, size + 500, "twice", 0);
    for (size_t i = 0; i + 1 < size; i += 5) {
        memmove(bytes + i, bytes + i + 1, size - i - 1); /* one byte out */
        expect_refused(f, bytes, size - 1, "out", i);
    }
    free(bytes);
    /* Nothing is left of a restore that failed. */
    path_of(f, "bad.snap", bad);
    path_of(f, "copy", path);
    must_fail(feature_store_restore(bad, path, NULL, NULL, NULL, &problem),
              FEATURE_CORRUPT, NULL);
    assert_int_equal(count_names(f, "copy"), 0);
}

/* --- refusals ---------------------------------------------------------------- */

static void
wrong_calls_are_refused(void **state)
{
    struct fixture *f = *state;
    struct feature_snapshot_options how = {.struct_size = sizeof how};
    struct feature_restore_options restore = {.struct_size = sizeof restore};
    struct feature_snapshot_report report = {0};
    char file[PATH_SIZE], path[PATH_SIZE];

    path_of(f, "a.snap", file);
    path_of(f, "copy", path);
#define SNAPSHOT(at) \
    feature_store_snapshot(f->store, at, &how, NULL, NULL, &problem)
#define RESTORE(from, to) \
    feature_store_restore(from, to, &restore, NULL, NULL, &problem)
    must_fail(SNAPSHOT(NULL), FEATURE_INVALID, "argument");
    must_fail(SNAPSHOT(""), FEATURE_INVALID, "argument");
    must_fail(SNAPSHOT("/"), FEATURE_INVALID, "argument");
    must_fail(SNAPSHOT(".."), FEATURE_INVALID, "argument");
    must_fail(SNAPSHOT("/no/such/place/a.snap"), FEATURE_NOT_FOUND, "no-file");
    must_fail(SNAPSHOT(f->path), FEATURE_INVALID, "argument");
    how.level = 20;
    must_fail(SNAPSHOT(file), FEATURE_INVALID, "argument");
    how.level = -1;
    must_fail(SNAPSHOT(file), FEATURE_INVALID, "argument");
    how.level = 0;
    how.workers = 17;
    must_fail(SNAPSHOT(file), FEATURE_INVALID, "argument");
    how.workers = 0;
    how.flags = 1;
    must_fail(SNAPSHOT(file), FEATURE_INVALID, "argument");
    how.flags = 0;
    must_fail(
        feature_store_snapshot(f->store, file, &how, NULL, &report, &problem),
        FEATURE_VERSION, "struct-size");
    assert_int_equal(count_names(f, "a.snap"), 0);
    must_fail(RESTORE(file, path), FEATURE_NOT_FOUND, "no-file");
    must_fail(RESTORE(f->directory, path), FEATURE_INVALID, "argument");
    must(SNAPSHOT(file));
    must_fail(RESTORE(file, f->path), FEATURE_CONFLICT, "in-use");
    must_fail(RESTORE(file, file), FEATURE_CONFLICT, "in-use");
    must_fail(RESTORE(file, NULL), FEATURE_INVALID, "argument");
    must_fail(RESTORE(file, "/no/such/place/s"), FEATURE_NOT_FOUND, "no-file");
    restore.flags = FEATURE_RESTORE_VERIFY_ONLY;
    must_fail(RESTORE(file, path), FEATURE_INVALID, "argument");
    must(RESTORE(file, NULL));
    restore.flags = 64;
    must_fail(RESTORE(file, NULL), FEATURE_INVALID, "argument");
    close_store(f);
    assert_int_equal(count_names(f, ".tmp-"), 0);
}

static void
a_file_is_replaced_whole_and_has_its_mode(void **state)
{
    struct fixture *f = *state;
    struct feature_snapshot_options how = {.struct_size = sizeof how,
                                           .mode = 0640};
    char file[PATH_SIZE];
    struct stat at;

    path_of(f, "a.snap", file);
    write_file(file, "precious", 8);
    fill(f);
    take_snapshot(f, "a.snap", &how);
    assert_int_equal(stat(file, &at), 0);
    assert_int_equal(at.st_mode & 0777, 0640);
    close_store(
        &(struct fixture){.store = restore_copy(f, "a.snap", "c").store});
}

static void
a_cancelled_call_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    struct feature_progress progress = {.cancel = 1};
    struct feature_progress told = {0};
    char file[PATH_SIZE], path[PATH_SIZE];

    fill(f);
    path_of(f, "a.snap", file);
    path_of(f, "copy", path);
    must_fail(
        feature_store_snapshot(f->store, file, NULL, &progress, NULL, &problem),
        FEATURE_BUSY, "cancelled");
    assert_int_equal(count_names(f, "a.snap"), 0);
    must(feature_store_snapshot(f->store, file, NULL, &told, NULL, &problem));
    assert_int_equal(told.rows, 4);
    assert_int_equal(told.total_rows, 4);
    assert_true(told.bytes > 0);
    must_fail(
        feature_store_restore(file, path, NULL, &progress, NULL, &problem),
        FEATURE_BUSY, "cancelled");
    assert_int_equal(count_names(f, "copy"), 0);
    close_store(f);
    must_fail(feature_store_compact(f->path, NULL, &progress, NULL, &problem),
              FEATURE_BUSY, "cancelled");
    open_store(f);
    answer_of(f, "v(*)", all_keys, (char[ANSWER_SIZE]){0});
}

static void
expect_sound(const char *path)
{
    struct feature_verify_report report = {.struct_size = sizeof report};
    char *findings = NULL;

    must(feature_store_verify(path, NULL, &report, &findings, &problem));
    assert_string_equal(findings, "");
    assert_int_equal(report.findings, 0);
    feature_free(findings);
}

/* The record of commits begins anew there. */
static void
what_was_restored_or_compacted_is_sound(void **state)
{
    struct fixture *f = *state;
    char file[PATH_SIZE], copy[PATH_SIZE];

    define(f, "CREATE ENTITY n (k INT64);");
    define_numbered(f, 0);
    fill_numbered(f, 0, 0, 10, 5);
    path_of(f, "a.snap", file);
    path_of(f, "copy", copy);
    must(feature_store_snapshot(f->store, file, NULL, NULL, NULL, &problem));
    must(feature_store_restore(file, copy, NULL, NULL, NULL, &problem));
    expect_sound(copy);
    close_store(f);
    must(feature_store_compact(f->path, NULL, NULL, NULL, &problem));
    expect_sound(f->path);
    open_store(f);
    for (uint32_t i = 0; i < 70; i++) { /* more than the record has places */
        fill_numbered(f, 0, i, i + 1, 6);
        expect_sound(f->path);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(all_that_a_store_holds_comes_back),
        TEST(a_snapshot_of_a_restored_store_is_the_same),
        TEST(an_empty_store_has_a_snapshot_too),
        TEST(many_views_and_many_rows_come_back),
        TEST(large_rows_come_back),
        TEST(every_flipped_byte_is_refused),
        TEST(every_missing_or_added_byte_is_refused),
        TEST(wrong_calls_are_refused),
        TEST(a_file_is_replaced_whole_and_has_its_mode),
        TEST(a_cancelled_call_leaves_nothing),
        TEST(what_was_restored_or_compacted_is_sound),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
