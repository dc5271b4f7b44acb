/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Raw LMDB, writing.
 *
 * Owns an environment of its own and ready-made rows.
 * Keeps the work to what the engine itself has to do: no encoding, no
 * validation, no records beside the rows.
 * Never writes where the library writes.
 */
#include <lmdb.h>
#include <stdlib.h>

#include "raw.h"

#define NEW_TREE "rows/0000000000000002/0000000000000001"

struct raw_writer {
    MDB_env *env;
    MDB_dbi tree;
};

static void
must(int code)
{
    if (code)
        bench_fail("LMDB: %s", mdb_strerror(code));
}

struct encoded *
encoded_make(const struct dataset *data, size_t room)
{
    struct encoded *made = bench_alloc(1, sizeof *made);
    uint8_t key[KEY_MAX];

    made->key_size = dataset_encode_id(data, 0, key);
    made->row_size = rows_size(&data->shape);
    made->keys = bench_alloc(room, made->key_size);
    made->bytes = bench_alloc(room, made->row_size);
    return made;
}

void
encoded_fill(struct encoded *encoded, const struct dataset *data,
             uint32_t view_id, const uint64_t *ids, size_t rows, int64_t time)
{
    encoded->rows = rows;
    for (size_t i = 0; i < rows; i++) {
        uint8_t key[KEY_MAX];

        dataset_encode_id(data, ids[i], key);
        memcpy(encoded->keys + i * encoded->key_size, key, encoded->key_size);
        rows_encode(&data->shape, 0, view_id, ids[i], time, key,
                    encoded->key_size, encoded->bytes + i * encoded->row_size);
    }
}

void
encoded_free(struct encoded *encoded)
{
    free(encoded->keys);
    free(encoded->bytes);
    free(encoded);
}

/* The first tree of rows there is, or a new one. */
static void
open_tree(struct raw_writer *writer, MDB_txn *txn)
{
    char name[64] = NEW_TREE;
    MDB_cursor *cursor;
    MDB_val key, value;
    MDB_dbi main;

    must(mdb_dbi_open(txn, NULL, 0, &main));
    must(mdb_cursor_open(txn, main, &cursor));
    while (!mdb_cursor_get(cursor, &key, &value, MDB_NEXT))
        if (key.mv_size < sizeof name && !memcmp(key.mv_data, "rows/", 5)) {
            memcpy(name, key.mv_data, key.mv_size);
            name[key.mv_size] = 0;
            break;
        }
    mdb_cursor_close(cursor);
    must(mdb_dbi_open(txn, name, MDB_CREATE, &writer->tree));
}

struct raw_writer *
raw_writer_open(const char *path, uint64_t map_size)
{
    struct raw_writer *made = bench_alloc(1, sizeof *made);
    MDB_txn *txn;

    must(mdb_env_create(&made->env));
    must(mdb_env_set_maxdbs(made->env, 16));
    must(mdb_env_set_mapsize(made->env, map_size));
    must(mdb_env_open(made->env, path, MDB_NOTLS, 0600));
    must(mdb_txn_begin(made->env, NULL, 0, &txn));
    open_tree(made, txn);
    must(mdb_txn_commit(txn));
    return made;
}

void
raw_writer_close(struct raw_writer *writer)
{
    mdb_env_close(writer->env);
    free(writer);
}

static MDB_val
key_of(const struct encoded *encoded, size_t i)
{
    return (MDB_val){.mv_size = encoded->key_size,
                     .mv_data = encoded->keys + i * encoded->key_size};
}

static MDB_val
row_of(const struct encoded *encoded, size_t i)
{
    return (MDB_val){.mv_size = encoded->row_size,
                     .mv_data = encoded->bytes + i * encoded->row_size};
}

void
raw_writer_append(struct raw_writer *writer, const struct encoded *encoded)
{
    MDB_txn *txn;

    must(mdb_txn_begin(writer->env, NULL, 0, &txn));
    for (size_t i = 0; i < encoded->rows; i++) {
        MDB_val key = key_of(encoded, i), row = row_of(encoded, i);

        must(mdb_put(txn, writer->tree, &key, &row, MDB_APPEND));
    }
    must(mdb_txn_commit(txn));
}

void
raw_writer_upsert(struct raw_writer *writer, const struct encoded *encoded)
{
    MDB_txn *txn;

    must(mdb_txn_begin(writer->env, NULL, 0, &txn));
    for (size_t i = 0; i < encoded->rows; i++) {
        MDB_val key = key_of(encoded, i), row = row_of(encoded, i), old;
        int64_t before, now;
        int code = mdb_get(txn, writer->tree, &key, &old);

        if (code && code != MDB_NOTFOUND)
            must(code);
        if (!code) {
            memcpy(&before, (uint8_t *)old.mv_data + 8, 8);
            memcpy(&now, (uint8_t *)row.mv_data + 8, 8);
            if (before > now)
                continue;
        }
        must(mdb_put(txn, writer->tree, &key, &row, 0));
    }
    must(mdb_txn_commit(txn));
}
