/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The raw engine: a loop of mdb_get, the yardstick of the bench.
 *
 * Owns an environment on a copy of a store's file: the same tree, page for
 * page, with the same rows in it.
 * Keeps it fair: the transaction is renewed for each batch and the row decoded
 * in place, by code written for exactly this schema.
 * Never opens a file that the library has open.
 */
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>

#include "reader.h"
#include "store.h"

struct raw {
    const struct dataset *data;
    MDB_env *env;
    MDB_dbi trees[VIEWS_MAX];
    uint32_t ids[VIEWS_MAX]; /* of the views, in the catalog */
    uint32_t seeds[VIEWS_MAX];
};

struct raw_reader {
    struct reader reader;
    struct raw *raw;
    MDB_txn *txn;
    uint32_t views;
    bool verify;
};

static void
must(int code)
{
    if (code)
        bench_fail("LMDB: %s", mdb_strerror(code));
}

/* One view's answer for one key. */
static inline void
read_row(const struct raw_reader *at, uint32_t view, MDB_val *key, float *cells)
{
    const struct shape *shape = &at->raw->data->shape;
    MDB_val row;
    int code = mdb_get(at->txn, at->raw->trees[view], key, &row);

    if (code == MDB_NOTFOUND) {
        rows_absent(rows_width(shape), cells);
        return;
    }
    must(code);
    if (at->verify && !rows_verify(at->raw->seeds[view], key->mv_data,
                                   key->mv_size, row.mv_data, row.mv_size))
        bench_fail("a row of the copy does not match its checksum");
    rows_decode(shape, row.mv_data, cells);
}

static void
read_keys(struct reader *reader, const struct keys *keys, size_t first,
          size_t count, float *matrix)
{
    struct raw_reader *at = (struct raw_reader *)reader;
    uint32_t width = rows_width(&at->raw->data->shape);
    uint8_t encoded[KEY_MAX];

    must(mdb_txn_renew(at->txn));
    for (size_t i = 0; i < count; i++) {
        MDB_val key = {.mv_data = encoded};

        key.mv_size = dataset_encode(keys, first + i, encoded);
        for (uint32_t v = 0; v < at->views; v++)
            read_row(at, v, &key, matrix + i * reader->width + v * width);
    }
    mdb_txn_reset(at->txn);
}

static void
close_reader(struct reader *reader)
{
    struct raw_reader *at = (struct raw_reader *)reader;

    mdb_txn_abort(at->txn);
    free(at);
}

struct reader *
reader_raw(struct raw *raw, uint32_t views, bool verify)
{
    struct raw_reader *made = bench_alloc(1, sizeof *made);

    made->raw = raw;
    made->views = views;
    made->verify = verify;
    must(mdb_txn_begin(raw->env, NULL, MDB_RDONLY, &made->txn));
    mdb_txn_reset(made->txn);
    made->reader = (struct reader){
        .name = verify ? "raw mdb_get, verifying" : "raw mdb_get",
        .width = views * rows_width(&raw->data->shape),
        .read = read_keys,
        .close = close_reader};
    return &made->reader;
}

/* The trees of rows, in the order of their names, which is that of the views'
 * definition. */
static void
open_trees(struct raw *raw, MDB_txn *txn)
{
    uint32_t count = 0;
    MDB_val key, value;
    MDB_cursor *cursor;
    MDB_dbi main;

    must(mdb_dbi_open(txn, NULL, 0, &main));
    must(mdb_cursor_open(txn, main, &cursor));
    while (!mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
        char name[64];

        if (key.mv_size >= sizeof name ||
            memcmp(key.mv_data, "rows/", 5) != 0 || count == VIEWS_MAX)
            continue;
        memcpy(name, key.mv_data, key.mv_size);
        name[key.mv_size] = 0;
        raw->ids[count] = (uint32_t)strtoul(name + 5, NULL, 16);
        raw->seeds[count] = rows_seed(raw->ids[count]);
        must(mdb_dbi_open(txn, name, 0, &raw->trees[count++]));
    }
    mdb_cursor_close(cursor);
    if (count < raw->data->views)
        bench_fail("the copy has %u of %u views", count, raw->data->views);
}

/* The bench's encoder writes what the library wrote. */
static void
check_encoder(const struct raw *raw, MDB_txn *txn)
{
    uint8_t encoded[KEY_MAX], row[ROW_MAX];
    const struct shape *shape = &raw->data->shape;

    for (uint32_t view = 0; view < raw->data->views; view++) {
        MDB_val key = {.mv_data = encoded}, stored;

        key.mv_size = dataset_encode_id(raw->data, view, encoded);
        must(mdb_get(txn, raw->trees[view], &key, &stored));
        rows_encode(shape, view, raw->ids[view], view, FIRST_TIME, encoded,
                    key.mv_size, row);
        if (stored.mv_size != rows_size(shape) ||
            memcmp(stored.mv_data, row, stored.mv_size) != 0)
            bench_fail("the library's rows are not those of the bench");
    }
}

struct raw *
raw_open(const struct dataset *data, const char *path)
{
    struct raw *made = bench_alloc(1, sizeof *made);
    MDB_txn *txn;

    made->data = data;
    must(mdb_env_create(&made->env));
    must(mdb_env_set_maxdbs(made->env, 16));
    must(mdb_env_set_mapsize(made->env, store_file_size(path) + (1 << 30)));
    must(mdb_env_open(made->env, path, MDB_RDONLY | MDB_NOTLS, 0600));
    must(mdb_txn_begin(made->env, NULL, MDB_RDONLY, &txn));
    open_trees(made, txn);
    check_encoder(made, txn);
    must(mdb_txn_commit(txn));
    return made;
}

uint32_t
raw_view_id(const struct raw *raw, uint32_t view)
{
    return raw->ids[view];
}

void
raw_close(struct raw *raw)
{
    if (!raw)
        return;
    mdb_env_close(raw->env);
    free(raw);
}
