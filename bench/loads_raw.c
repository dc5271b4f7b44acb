/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LMDB alone, appending.
 *
 * Owns a copy of the rows in memory, keys and bytes as the library stored them,
 * and a new environment with the library's flags.
 * Keeps reading them out of its time.
 * Never does more for a row than mdb_cursor_put() with MDB_APPEND.
 */
#include <lmdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "loads.h"

#define MAP  ((size_t)64 << 30)
#define HEAD 6 /* key size u16, row size u32 */

struct rows {
    uint8_t *bytes;
    size_t size, count;
};

static void
must_lmdb(int code)
{
    if (code)
        times_die("loads: %s", mdb_strerror(code));
}

static MDB_env *
open_at(const char *path, unsigned flags)
{
    MDB_env *environment;

    must_lmdb(mdb_env_create(&environment));
    must_lmdb(mdb_env_set_maxdbs(environment, 64));
    must_lmdb(mdb_env_set_mapsize(environment, MAP));
    must_lmdb(mdb_env_open(environment, path, flags | MDB_NOTLS, 0600));
    return environment;
}

/* The largest tree of rows: the version that serves. */
static MDB_dbi
find_rows(MDB_txn *txn)
{
    MDB_cursor *cursor;
    MDB_val key, value;
    MDB_dbi names, tree, found = 0;
    MDB_stat stat;
    size_t most = 0;
    char name[64];

    must_lmdb(mdb_dbi_open(txn, NULL, 0, &names));
    must_lmdb(mdb_cursor_open(txn, names, &cursor));
    while (!mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
        if (key.mv_size >= sizeof name || memcmp(key.mv_data, "rows/", 5))
            continue;
        memcpy(name, key.mv_data, key.mv_size);
        name[key.mv_size] = 0;
        must_lmdb(mdb_dbi_open(txn, name, 0, &tree));
        must_lmdb(mdb_stat(txn, tree, &stat));
        if (stat.ms_entries < most)
            continue;
        most = stat.ms_entries;
        found = tree;
    }
    mdb_cursor_close(cursor);
    return found;
}

static void
keep_row(struct rows *rows, const MDB_val *key, const MDB_val *row)
{
    uint8_t *to = rows->bytes + rows->size;
    uint16_t key_size = (uint16_t)key->mv_size;
    uint32_t size = (uint32_t)row->mv_size;

    memcpy(to, &key_size, 2);
    memcpy(to + 2, &size, 4);
    memcpy(to + HEAD, key->mv_data, key_size);
    memcpy(to + HEAD + key_size, row->mv_data, size);
    rows->size += HEAD + key_size + size;
    rows->count++;
}

static struct rows
read_rows(const char *store)
{
    MDB_env *environment = open_at(store, MDB_RDONLY);
    struct rows rows = {0};
    MDB_cursor *cursor;
    MDB_val key, row;
    MDB_txn *txn;

    rows.bytes = mmap(NULL, MAP, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (rows.bytes == MAP_FAILED)
        times_die("loads: no memory");
    must_lmdb(mdb_txn_begin(environment, NULL, MDB_RDONLY, &txn));
    must_lmdb(mdb_cursor_open(txn, find_rows(txn), &cursor));
    while (!mdb_cursor_get(cursor, &key, &row, MDB_NEXT))
        keep_row(&rows, &key, &row);
    mdb_cursor_close(cursor);
    mdb_txn_abort(txn);
    mdb_env_close(environment);
    return rows;
}

/* One commit; returns where the next one begins. */
static const uint8_t *
append_some(MDB_env *environment, const uint8_t *at, const uint8_t *end,
            size_t commit)
{
    const uint8_t *stop = (size_t)(end - at) < commit ? end : at + commit;
    MDB_cursor *cursor;
    MDB_txn *txn;
    MDB_dbi tree;

    must_lmdb(mdb_txn_begin(environment, NULL, 0, &txn));
    must_lmdb(mdb_dbi_open(txn, "rows", MDB_CREATE, &tree));
    must_lmdb(mdb_cursor_open(txn, tree, &cursor));
    while (at < stop) {
        MDB_val key, row;
        uint16_t key_size;
        uint32_t size;

        memcpy(&key_size, at, 2);
        memcpy(&size, at + 2, 4);
        key = (MDB_val){key_size, (void *)(uintptr_t)(at + HEAD)};
        row = (MDB_val){size, (void *)(uintptr_t)(at + HEAD + key_size)};
        must_lmdb(mdb_cursor_put(cursor, &key, &row, MDB_APPEND));
        at += HEAD + key_size + size;
    }
    mdb_cursor_close(cursor);
    must_lmdb(mdb_txn_commit(txn));
    return at;
}

/* Seconds, of a new environment. */
static double
append_all(const struct rows *rows, const char *to, size_t commit)
{
    const uint8_t *at = rows->bytes, *end = at + rows->size;
    MDB_env *environment;
    double begun;

    if (mkdir(to, 0700))
        times_die("loads: cannot make %s", to);
    environment = open_at(to, 0);
    begun = times_now();
    while (at < end)
        at = append_some(environment, at, end, commit);
    begun = times_now() - begun;
    mdb_env_close(environment);
    return begun;
}

void
loads_append(const char *store, const char *to, size_t commit)
{
    struct rows rows = read_rows(store);
    char line[64];

    puts("ready");
    fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        printf("%.6f\n", append_all(&rows, to, commit));
        fflush(stdout);
    }
}
