/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Windows of SQLite: a range of a clustered index for each entity.
 *
 * Owns a database file with all events, WITHOUT ROWID, by entity and time.
 * Keeps it fair: mapped, a cache for everything, one transaction a batch, one
 * pass over the longest window.
 * Never writes once it is loaded.
 */
#include "windows_read.h"

#ifdef BENCH_SQLITE
#include <sqlite3.h>
#include <stdio.h>

struct sqlite {
    sqlite3 *db;
    sqlite3_stmt *select, *begin, *commit;
};

#define CELLS(from)                                                           \
    "sum(v) FILTER (WHERE t >= " from "), count(*) FILTER (WHERE t >= " from  \
    "), min(v) FILTER (WHERE t >= " from "), max(v) FILTER (WHERE t >= " from \
    ")"

static void
must(struct sqlite *at, int code)
{
    if (code != SQLITE_OK && code != SQLITE_DONE && code != SQLITE_ROW)
        times_die("SQLite: %s", sqlite3_errmsg(at->db));
}

static void
run(struct sqlite *at, sqlite3_stmt *statement)
{
    must(at, sqlite3_step(statement));
    must(at, sqlite3_reset(statement));
}

static void
read_rows(void *state, const int64_t *keys, int64_t *cells)
{
    struct sqlite *at = state;

    run(at, at->begin);
    for (int row = 0; row < WINDOWS_ROWS; row++) {
        must(at, sqlite3_bind_int64(at->select, 1, keys[row]));
        must(at, sqlite3_step(at->select));
        for (int i = 0; cells && i < WINDOWS_CELLS; i++)
            cells[row * WINDOWS_CELLS + i] =
                sqlite3_column_type(at->select, i) == SQLITE_NULL
                    ? WINDOWS_NULL
                    : sqlite3_column_int64(at->select, i);
        must(at, sqlite3_reset(at->select));
    }
    run(at, at->commit);
}

static void
close_reader(void *state)
{
    struct sqlite *at = state;

    sqlite3_finalize(at->select);
    sqlite3_finalize(at->begin);
    sqlite3_finalize(at->commit);
    sqlite3_close(at->db);
    free(at);
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
load(struct sqlite *at, const struct windows_task *task)
{
    struct windows_events events =
        windows_events(task->entities, task->rate, 0, task->rate);
    sqlite3_stmt *insert = prepare(at, "INSERT INTO raw VALUES (?, ?, ?, ?)");

    run(at, at->begin);
    for (size_t i = 0; i < events.count; i++) {
        must(at, sqlite3_bind_int64(insert, 1, events.keys[i]));
        must(at, sqlite3_bind_int64(insert, 2, events.times[i]));
        must(at, sqlite3_bind_int64(insert, 3, (int64_t)i));
        must(at, sqlite3_bind_int64(insert, 4, events.amounts[i]));
        run(at, insert);
    }
    run(at, at->commit);
    sqlite3_finalize(insert);
    must(at, sqlite3_exec(at->db,
                          "INSERT INTO events SELECT * FROM raw ORDER BY k, t,"
                          " n; DROP TABLE raw; VACUUM;",
                          NULL, NULL, NULL));
    windows_events_free(&events);
}

struct windows_reader
windows_sqlite(const struct windows_task *task)
{
    struct sqlite *at = times_room(sizeof *at);
    char text[1024];

    must(at, sqlite3_open(task->place, &at->db));
    must(at, sqlite3_exec(at->db,
                          "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
                          "PRAGMA mmap_size = 2147418112;"
                          "PRAGMA cache_size = -1048576;"
                          "CREATE TABLE raw (k INT, t INT, n INT, v INT);"
                          "CREATE TABLE events (k INT, t INT, n INT, v INT,"
                          " PRIMARY KEY (k, t, n)) WITHOUT ROWID;",
                          NULL, NULL, NULL));
    at->begin = prepare(at, "BEGIN");
    at->commit = prepare(at, "COMMIT");
    load(at, task);
    snprintf(text, sizeof text,
             "SELECT " CELLS("?2") ", " CELLS("?3") ", " CELLS(
                 "?4") " FROM events WHERE k = ?1 AND t >= ?4 AND t < ?5");
    at->select = prepare(at, text);
    for (int i = 0; i < WINDOWS_COUNT; i++)
        must(at, sqlite3_bind_int64(at->select, 2 + i, task->from[i]));
    must(at, sqlite3_bind_int64(at->select, 5, WINDOWS_NOW));
    return (struct windows_reader){at, read_rows, close_reader};
}
#else
struct windows_reader
windows_sqlite(const struct windows_task *task)
{
    (void)task;
    return (struct windows_reader){0};
}
#endif
