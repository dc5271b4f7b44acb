/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SQLite: a prepared SELECT a key.
 *
 * Owns a database file with one table of key and row, WITHOUT ROWID or with.
 * Keeps it fair: WAL, mapped, a cache for everything, one transaction a batch,
 * rows decoded in place.
 * Never writes once it is loaded.
 */
#include "peers.h"

#ifdef BENCH_SQLITE
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "store.h"

struct sqlite {
    struct reader reader;
    const struct dataset *data;
    sqlite3 *db;
    sqlite3_stmt *select, *begin, *commit;
};

static void
must(struct sqlite *at, int code)
{
    if (code != SQLITE_OK && code != SQLITE_DONE && code != SQLITE_ROW)
        bench_fail("SQLite: %s", sqlite3_errmsg(at->db));
}

static void
run(struct sqlite *at, sqlite3_stmt *statement)
{
    must(at, sqlite3_step(statement));
    must(at, sqlite3_reset(statement));
}

static void
read_keys(struct reader *reader, const struct keys *keys, size_t first,
          size_t count, float *matrix)
{
    struct sqlite *at = (struct sqlite *)reader;

    if (count > 1)
        run(at, at->begin);
    for (size_t i = 0; i < count; i++) {
        float *cells = matrix + i * reader->width;
        int code;

        sqlite3_bind_int64(at->select, 1, keys->numbers[first + i]);
        code = sqlite3_step(at->select);
        if (code == SQLITE_ROW)
            rows_decode(&at->data->shape, sqlite3_column_blob(at->select, 0),
                        cells);
        else
            rows_absent(reader->width, cells);
        must(at, code);
        sqlite3_reset(at->select);
    }
    if (count > 1)
        run(at, at->commit);
}

static sqlite3_stmt *
prepare(struct sqlite *at, const char *text)
{
    sqlite3_stmt *statement;

    must(at, sqlite3_prepare_v3(at->db, text, -1, SQLITE_PREPARE_PERSISTENT,
                                &statement, NULL));
    return statement;
}

static void
load(struct sqlite *at)
{
    sqlite3_stmt *insert = prepare(at, "INSERT INTO rows VALUES (?, ?)");
    struct feed feed = feed_begin(at->data);

    run(at, at->begin);
    while (feed_next(&feed)) {
        sqlite3_bind_int64(insert, 1, dataset_number(feed.id));
        sqlite3_bind_blob(insert, 2, feed.row, (int)feed.row_size,
                          SQLITE_STATIC);
        run(at, insert);
    }
    run(at, at->commit);
    feed_end(&feed);
    sqlite3_finalize(insert);
    must(at, sqlite3_wal_checkpoint_v2(at->db, NULL, SQLITE_CHECKPOINT_TRUNCATE,
                                       NULL, NULL));
}

static void
close_reader(struct reader *reader)
{
    struct sqlite *at = (struct sqlite *)reader;

    sqlite3_finalize(at->select);
    sqlite3_finalize(at->begin);
    sqlite3_finalize(at->commit);
    sqlite3_close(at->db);
    free(at);
}

struct reader *
reader_sqlite(const struct dataset *data, bool rowid)
{
    struct sqlite *made = bench_alloc(1, sizeof *made);
    char path[PATH_SIZE], table[200];

    store_path(path, settings.reads, "sqlite", rowid ? "-rowid" : "");
    store_directory(path);
    bench_append(path, sizeof path, "/db");
    made->data = data;
    must(made, sqlite3_open(path, &made->db));
    must(made, sqlite3_exec(made->db,
                            "PRAGMA journal_mode = WAL;"
                            "PRAGMA mmap_size = 2147418112;"
                            "PRAGMA cache_size = -1048576;"
                            "PRAGMA synchronous = NORMAL;",
                            NULL, NULL, NULL));
    snprintf(table, sizeof table,
             "CREATE TABLE rows (k INTEGER PRIMARY KEY, v BLOB)%s",
             rowid ? "" : " WITHOUT ROWID");
    must(made, sqlite3_exec(made->db, table, NULL, NULL, NULL));
    made->begin = prepare(made, "BEGIN");
    made->commit = prepare(made, "COMMIT");
    load(made);
    made->select = prepare(made, "SELECT v FROM rows WHERE k = ?");
    made->reader = (struct reader){.name = rowid ? "SQLite, rowid table"
                                                 : "SQLite, WITHOUT ROWID",
                                   .width = rows_width(&data->shape),
                                   .read = read_keys,
                                   .close = close_reader};
    if (!rowid)
        report_text("SQLite", "%s", sqlite3_libversion());
    return &made->reader;
}
#else
struct reader *
reader_sqlite(const struct dataset *data, bool rowid)
{
    (void)data;
    if (!rowid)
        report_text("SQLite", PEER_SKIPPED);
    return NULL;
}
#endif
