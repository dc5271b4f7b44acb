/* SPDX-License-Identifier: Apache-2.0 */
/* Scans from inside: a clock that the test moves, long runs of tombstones, keys
 * that no writer would write. */
#include "support.h"

#include <stdlib.h>
#include <string.h>

#include "format/key.h"
#include "store/commit.h"
#include "store/scan.h"

#define SIMPLE                   \
    "CREATE ENTITY e (k INT64);" \
    "CREATE FEATURE VIEW v (a INT64) FOR e;"

static void
write_keys(struct fixture *f, int32_t operation, int64_t first, int64_t last)
{
    uint32_t rows = (uint32_t)(last - first + 1);
    int64_t *keys = calloc(rows, sizeof *keys);
    feature_batch *batch;

    assert_non_null(keys);
    for (uint32_t i = 0; i < rows; i++)
        keys[i] = first + i;
    must(feature_batch_create(f->store, "v",
                              operation == FEATURE_DELETE ? "k" : "k, a",
                              operation, &batch, &problem));
    for (uint32_t i = 0; i < (operation == FEATURE_DELETE ? 1 : 2); i++)
        must(feature_batch_set(batch, i, FEATURE_TYPE_INT64, keys, NULL, NULL,
                               rows, &problem));
    must(feature_store_write(f->store, &batch, 1, NULL, NULL, &problem));
    feature_batch_free(batch);
    free(keys);
}

static struct lf_scan *
make_scan(struct fixture *f, struct feature_scan_options options)
{
    struct lf_scan *scan = NULL;

    must(lf_scan_create(f->store, "v(*)", &options, &scan, &problem));
    return scan;
}

static int64_t
key_at(const struct lf_scan *scan, uint32_t row)
{
    return ((const int64_t *)scan->keys[0].values.data)[row];
}

static void
age_is_of_the_fixed_clock_where_there_is_one(void **state)
{
    struct fixture *f = *state;
    struct feature_scan_options options = {.flags = FEATURE_SCAN_ONE_SNAPSHOT,
                                           .chunk_rows = 1};
    struct lf_scan *scan;

    define(f, SIMPLE);
    write_keys(f, FEATURE_UPSERT, 1, 5);
    scan = make_scan(f, options);
    f->store->fixed_now += MINUTE;
    must(lf_scan_next(scan, &problem));
    assert_int_equal(scan->request->now, NOON); /* one clock for all rows */
    f->store->fixed_now += 1000;
    must_fail(lf_scan_next(scan, &problem), FEATURE_BUSY, "scan-age");
    assert_null(scan->hold.reader);
    lf_scan_free(scan);
    options.max_age_ms = 100;
    scan = make_scan(f, options);
    f->store->fixed_now += 100000;
    must(lf_scan_next(scan, &problem));
    f->store->fixed_now += 1000;
    lf_holds_sweep(f->store);
    assert_null(scan->hold.reader);
    assert_int_equal(f->store->hold_count, 0);
    must_fail(lf_scan_next(scan, &problem), FEATURE_BUSY, "scan-age");
    lf_scan_free(scan);
}

static void
a_sweep_leaves_a_snapshot_in_use_alone(void **state)
{
    struct fixture *f = *state;
    struct lf_hold hold = {0};
    struct lf_reader *reader;

    must(lf_hold_begin(f->store, &hold, 1, &problem));
    must(lf_hold_use(f->store, &hold, &reader, &problem));
    f->store->fixed_now += SECOND;
    lf_holds_sweep(f->store);
    assert_ptr_equal(hold.reader, reader);
    lf_hold_unuse(f->store, &hold);
    lf_holds_sweep(f->store);
    assert_null(hold.reader);
    lf_hold_end(f->store, &hold);
    lf_hold_end(f->store, &(struct lf_hold){0});
}

/* --- whatever the handle does ends what was left lying --------------------- */

static void
ask_stats(feature_store *store)
{
    struct feature_stats stats = {.struct_size = sizeof stats};

    must(feature_store_stats(store, &stats, &problem));
    assert_int_equal(stats.held_snapshots, 0);
}

static void
ask_metrics(feature_store *store)
{
    char *text;

    must(feature_store_metrics(store, &text, &problem));
    assert_non_null(strstr(text, "\nfeature_scan_snapshots 0\n"));
    feature_free(text);
}

static void
ask_query(feature_store *store)
{
    feature_query *query;

    must(feature_query_create(store, "v(a)", NULL, &query, &problem));
    feature_query_free(query);
}

static void
ask_description(feature_store *store)
{
    char *text;

    must(feature_store_describe(store, NULL, &text, &problem));
    feature_free(text);
}

static struct lf_scan *
leave_lying(feature_store *store, uint32_t max_age_ms)
{
    struct feature_scan_options options = {.flags = FEATURE_SCAN_ONE_SNAPSHOT,
                                           .max_age_ms = max_age_ms};
    struct lf_scan *scan;

    must(lf_scan_create(store, "v(*)", &options, &scan, &problem));
    return scan;
}

static void
any_call_ends_what_is_too_old(void **state)
{
    static void (*const ask[])(feature_store *) = {ask_stats, ask_metrics,
                                                   ask_query, ask_description};
    struct fixture *f = *state;
    feature_store *reader;

    define(f, SIMPLE);
    write_keys(f, FEATURE_UPSERT, 1, 5);
    f->options.flags = FEATURE_OPEN_READ_ONLY;
    must(feature_store_open(f->path, &f->options, &reader, &problem));
    for (size_t i = 0; i < sizeof ask / sizeof *ask; i++) {
        struct lf_scan *scan = leave_lying(reader, 100);

        reader->fixed_now += 101000;
        ask[i](reader);
        assert_null(scan->hold.reader);
        assert_int_equal(reader->hold_count, 0);
        assert_int_equal(reader->hold_due, LF_HOLDS_NONE);
        lf_scan_free(scan);
    }
    feature_store_close(reader);
}

static void
reads_end_what_is_too_old_and_nothing_else(void **state)
{
    static const int64_t key = 1;
    struct fixture *f = *state;
    struct lf_scan *old, *young;
    feature_request *request;
    feature_query *query;

    define(f, SIMPLE);
    write_keys(f, FEATURE_UPSERT, 1, 5);
    must(feature_query_create(f->store, "v(a)", NULL, &query, &problem));
    must(feature_request_create(query, &request, &problem));
    must(feature_request_set_key(request, 0, FEATURE_TYPE_INT64, &key, NULL,
                                 NULL, 1, &problem));
    young = leave_lying(f->store, 300);
    old = leave_lying(f->store, 100);
    f->store->fixed_now += 100000;
    must(feature_request_read(request, &problem));
    assert_non_null(old->hold.reader);
    f->store->fixed_now += 1000;
    must(feature_request_read(request, &problem));
    assert_null(old->hold.reader);
    assert_non_null(young->hold.reader);
    must(lf_scan_next(young, &problem)); /* was in use, is left once more */
    f->store->fixed_now += 200000;
    must(feature_request_read(request, &problem));
    assert_int_equal(f->store->hold_count, 0);
    lf_scan_free(old);
    lf_scan_free(young);
    feature_request_free(request);
    feature_query_free(query);
}

static void
tombstones_are_passed_in_more_than_one_snapshot(void **state)
{
    struct fixture *f = *state;

    define(f, SIMPLE);
    write_keys(f, FEATURE_UPSERT, 0, 99);
    write_keys(f, FEATURE_DELETE, 10, 60);
    write_keys(f, FEATURE_DELETE, 90, 99);
    for (uint32_t pass = 1; pass < 120; pass += pass < 30 ? 1 : 29)
        for (uint32_t flags = 0; flags < 2; flags++) {
            struct lf_scan *scan =
                make_scan(f, (struct feature_scan_options){.flags = flags,
                                                           .chunk_rows = 7});
            int64_t next = 0;

            scan->pass_rows = pass;
            do {
                must(lf_scan_next(scan, &problem));
                assert_true(scan->request->rows <= 7);
                for (uint32_t i = 0; i < scan->request->rows; i++) {
                    assert_int_equal(key_at(scan, i), next++);
                    if (next == 10)
                        next = 61;
                }
            } while (scan->request->rows);
            assert_int_equal(next, 90);
            assert_true(scan->is_done);
            lf_scan_free(scan);
        }
}

/* Stores a row of another key's bytes, sealed for this one. */
static void
put_row(struct fixture *f, const void *key, size_t key_size)
{
    const struct lf_view *view;
    struct lf_catalog *catalog;
    struct lf_layout layout;
    struct lf_arena arena = {0};
    struct lf_buffer row = {0};
    struct lf_cell cell = {.is_null = true, .time = 1};
    char name[LF_TREE_NAME_SIZE];
    struct lf_commit commit;
    struct lf_tree *tree;

    must(lf_store_catalog(f->store, &catalog, &problem));
    view = lf_catalog_view(catalog, "v");
    lf_rows_tree(view, name);
    assert_true(lf_layout_init(&layout, lf_view_current_schema(view), &arena));
    assert_true(lf_row_encode(&layout, &cell, &row));
    lf_row_seal(lf_row_seed(view->id), key, key_size, &row);
    must(lf_commit_begin(&commit, f->store, 0, &problem));
    must(lf_writer_tree(commit.writer, name, true, &tree, &problem));
    must(lf_tree_put(tree, key, key_size, row.data, row.size, false, &problem));
    must(lf_commit_finish(&commit, &problem));
    lf_buffer_free(&row);
    lf_arena_free(&arena);
    lf_catalog_release(catalog);
}

static void
expect_damage(struct fixture *f, uint32_t good)
{
    struct lf_scan *scan =
        make_scan(f, (struct feature_scan_options){.chunk_rows = 1});

    while (good--) {
        must(lf_scan_next(scan, &problem));
        assert_int_equal(scan->request->rows, 1);
    }
    must_fail(lf_scan_next(scan, &problem), FEATURE_CORRUPT, "structure");
    lf_scan_free(scan);
}

static void
a_key_of_another_shape_is_damage(void **state)
{
    static const uint8_t bytes[9] = {0xff, 0xff};
    struct fixture *f = *state;

    define(f, SIMPLE);
    write_keys(f, FEATURE_UPSERT, 1, 2);
    put_row(f, bytes, 7);
    expect_damage(f, 2);
    put_row(f, bytes, 9);
    expect_damage(f, 2);
}

static void
a_text_key_of_another_shape_is_damage(void **state)
{
    static const uint8_t keys[][3] = {
        {'x', 'y', 'z'}, {'x', 0, 7}, {'x', 0, 0}};
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        define(f, "CREATE ENTITY e (k STRING);"
                  "CREATE FEATURE VIEW v (a INT64) FOR e;");
        put_row(f, keys[i], sizeof keys[i]);
        expect_damage(f, 0);
        define(f, "DROP FEATURE VIEW v;");
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(age_is_of_the_fixed_clock_where_there_is_one),
        TEST(a_sweep_leaves_a_snapshot_in_use_alone),
        TEST(any_call_ends_what_is_too_old),
        TEST(reads_end_what_is_too_old_and_nothing_else),
        TEST(tombstones_are_passed_in_more_than_one_snapshot),
        TEST(a_key_of_another_shape_is_damage),
        TEST(a_text_key_of_another_shape_is_damage),
    };

    return cmocka_run_group_tests_name("scan", tests, NULL, NULL);
}
