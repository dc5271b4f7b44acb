/* SPDX-License-Identifier: Apache-2.0 */
/* A read call whose rows lie in a tree that only mdb_get can look up. */
#include "engine_fixture.h"

#include <lmdb.h>

/* The rows of the one view: a tree's name begins so. */
static bool
find_rows(MDB_txn *txn, char name[LF_TREE_NAME_SIZE])
{
    MDB_val key = {5, "rows/"}, data;
    MDB_cursor *cursor;
    MDB_dbi main;
    bool found;

    if (mdb_dbi_open(txn, NULL, 0, &main) ||
        mdb_cursor_open(txn, main, &cursor))
        return false;
    found = !mdb_cursor_get(cursor, &key, &data, MDB_SET_RANGE) &&
            key.mv_size < LF_TREE_NAME_SIZE;
    if (found)
        snprintf(name, LF_TREE_NAME_SIZE, "%.*s", (int)key.mv_size,
                 (const char *)key.mv_data);
    mdb_cursor_close(cursor);
    return found;
}

/* Keeps the only row, in a tree of another order. */
static int
turn_rows(struct fixture *f)
{
    char name[LF_TREE_NAME_SIZE];
    uint8_t row[512];
    MDB_val key, data;
    MDB_env *lmdb;
    MDB_txn *txn;
    MDB_dbi handle;
    MDB_cursor *cursor;

    if (mdb_env_create(&lmdb) || mdb_env_set_maxdbs(lmdb, 8) ||
        mdb_env_set_mapsize(lmdb, 1 << 30) ||
        mdb_env_open(lmdb, f->path, 0, 0600) ||
        mdb_txn_begin(lmdb, NULL, 0, &txn) || !find_rows(txn, name) ||
        mdb_dbi_open(txn, name, 0, &handle) ||
        mdb_cursor_open(txn, handle, &cursor) ||
        mdb_cursor_get(cursor, &key, &data, MDB_FIRST))
        return 1;
    memcpy(row, key.mv_data, key.mv_size);
    memcpy(row + key.mv_size, data.mv_data, data.mv_size);
    key.mv_data = row;
    data.mv_data = row + key.mv_size;
    if (mdb_drop(txn, handle, 1) || mdb_txn_commit(txn) ||
        mdb_txn_begin(lmdb, NULL, 0, &txn) ||
        mdb_dbi_open(txn, name, MDB_CREATE | MDB_REVERSEKEY, &handle) ||
        mdb_put(txn, handle, &key, &data, 0) || mdb_txn_commit(txn))
        return 2;
    mdb_env_close(lmdb);
    return 0;
}

static void
write_row(struct fixture *f, feature_store *store, int64_t number)
{
    feature_batch *batch;

    must(f, feature_batch_create(store, "v", "k, x", FEATURE_UPSERT, &batch,
                                 &f->error));
    must(f, feature_batch_set(batch, 0, FEATURE_TYPE_INT64, &number, NULL, NULL,
                              1, &f->error));
    must(f, feature_batch_set(batch, 1, FEATURE_TYPE_INT64, &number, NULL, NULL,
                              1, &f->error));
    must(f, feature_store_write(store, &batch, 1, NULL, NULL, &f->error));
    feature_batch_free(batch);
}

static int64_t
read_row(struct fixture *f, feature_store *store, int64_t number)
{
    struct feature_column column;
    feature_request *request;
    feature_query *query;
    int64_t read;

    must(f, feature_query_create(store, "v(x)", NULL, &query, &f->error));
    must(f, feature_request_create(query, &request, &f->error));
    must(f, feature_request_set_key(request, 0, FEATURE_TYPE_INT64, &number,
                                    NULL, NULL, 1, &f->error));
    must(f, feature_request_read(request, &f->error));
    must(f, feature_request_columns(request, &column, 1, &f->error));
    read = column.null_count ? -1 : *(const int64_t *)column.values;
    feature_request_free(request);
    feature_query_free(query);
    return read;
}

static void
a_read_goes_on_where_its_rows_need_mdb_get(void **state)
{
    struct fixture *f = *state;
    struct feature_options options = {.struct_size = sizeof options,
                                      .flags = FEATURE_OPEN_CREATE};
    struct feature_stats stats = {.struct_size = sizeof stats};
    feature_store *store;
    char *text;

    must(f, feature_store_open(f->path, &options, &store, &f->error));
    must(f, feature_store_apply(store,
                                "CREATE ENTITY e (k INT64);"
                                "CREATE FEATURE VIEW v (x INT64) FOR e;",
                                NULL, NULL, &f->error));
    write_row(f, store, 258);
    feature_store_close(store);
    assert_int_equal(wait_child(fork_child(turn_rows, f)), 0);
    must(f, feature_store_open(f->path, &options, &store, &f->error));
    assert_int_equal(read_row(f, store, 258), 258);
    assert_int_equal(read_row(f, store, 259), -1);
    must(f, feature_store_stats(store, &stats, &f->error));
    assert_int_equal(stats.fallback_reads, 2);
    must(f, feature_store_metrics(store, &text, &f->error));
    assert_non_null(strstr(text, "\nfeature_fallback_reads_total 2\n"));
    feature_free(text);
    feature_store_close(store);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_read_goes_on_where_its_rows_need_mdb_get),
    };

    return cmocka_run_group_tests_name("read_fallback", tests, NULL, NULL);
}
