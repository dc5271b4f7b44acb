/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads of windows: a contestant that answers when it is told to.
 *
 *     windows_read library|raw|sqlite|pipeline|lua STORE PLACE ENTITIES RATE
 *         BATCHES
 *
 * Owns the library's contestant and that of LMDB alone, which gets and copies the
 * rows and makes no answer of them. Says `ready`, or `missing` where it is built
 * without a peer; then `go` has it answer all batches, and print microseconds a
 * batch; `answers FILE` has it write what it answers.
 * Keeps to one order of keys for all: distinct ones in a batch, anywhere.
 * Never writes to the store.
 */
#include <stdio.h>
#include <string.h>

#include "windows_read.h"

#define ROW_MOST (1 << 20)
#define STRIDE   UINT64_C(7919) /* a prime */

/* --- the library ------------------------------------------------------------------ */

struct library {
    feature_store *store;
    feature_query *query;
    feature_request *request;
};

static int64_t
cell_of(const struct feature_column *column, int row)
{
    if (!(column->validity[row / 8] >> row % 8 & 1))
        return WINDOWS_NULL;
    return ((const int64_t *)column->values)[row];
}

static void
library_read(void *state, const int64_t *keys, int64_t *cells)
{
    struct library *at = state;
    struct feature_column columns[WINDOWS_CELLS];

    times_must(feature_request_set_key(at->request, 0, FEATURE_TYPE_INT64, keys,
                                       NULL, NULL, WINDOWS_ROWS, &times_error));
    times_must(feature_request_read(at->request, &times_error));
    times_must(feature_request_columns(at->request, columns, WINDOWS_CELLS,
                                       &times_error));
    for (int row = 0; cells && row < WINDOWS_ROWS; row++)
        for (int i = 0; i < WINDOWS_CELLS; i++) {
            int64_t cell = cell_of(&columns[i], row);

            /* No row at all reads as null. */
            if (i % 4 == 1 && cell == WINDOWS_NULL)
                cell = 0;
            cells[row * WINDOWS_CELLS + i] = cell;
        }
}

static void
library_close(void *state)
{
    struct library *at = state;

    feature_request_free(at->request);
    feature_query_free(at->query);
    feature_store_close(at->store);
    free(at);
}

static struct windows_reader
library(const struct windows_task *task)
{
    struct feature_options options = {.struct_size = sizeof options,
                                      .flags = FEATURE_OPEN_READ_ONLY,
                                      .fixed_now = WINDOWS_NOW};
    struct library *at = times_room(sizeof *at);

    times_must(
        feature_store_open(task->store, &options, &at->store, &times_error));
    times_must(feature_query_create(at->store, windows_features, NULL,
                                    &at->query, &times_error));
    times_must(feature_request_create(at->query, &at->request, &times_error));
    return (struct windows_reader){at, library_read, library_close};
}

/* --- LMDB alone ------------------------------------------------------------------- */

struct raw {
    struct windows_tree tree;
    MDB_txn *txn;
    uint8_t *rows;
};

static void
raw_read(void *state, const int64_t *keys, int64_t *cells)
{
    struct raw *at = state;
    size_t used = 0;

    (void)cells;
    windows_must(mdb_txn_renew(at->txn));
    for (int i = 0; i < WINDOWS_ROWS; i++) {
        uint8_t bytes[8];
        MDB_val key = {8, bytes}, row;
        int code;

        windows_key(keys[i], bytes);
        code = mdb_get(at->txn, at->tree.rows, &key, &row);
        if (code == MDB_NOTFOUND)
            continue;
        windows_must(code);
        if (used + row.mv_size > ROW_MOST)
            used = 0;
        memcpy(at->rows + used, row.mv_data, row.mv_size);
        used += row.mv_size;
    }
    mdb_txn_reset(at->txn);
}

static void
raw_close(void *state)
{
    struct raw *at = state;

    mdb_txn_abort(at->txn);
    windows_tree_close(&at->tree);
    free(at->rows);
    free(at);
}

static struct windows_reader
raw(const struct windows_task *task)
{
    struct raw *at = times_room(sizeof *at);

    at->tree = windows_tree_open(task->store, 1);
    at->rows = times_room(ROW_MOST);
    windows_must(
        mdb_txn_begin(at->tree.environment, NULL, MDB_RDONLY, &at->txn));
    mdb_txn_reset(at->txn);
    return (struct windows_reader){at, raw_read, raw_close};
}

/* --- all of them ------------------------------------------------------------------ */

static void
answer(const struct windows_reader *reader, const int64_t *keys, size_t batches,
       const char *file)
{
    int64_t cells[WINDOWS_ROWS * WINDOWS_CELLS];
    FILE *out = fopen(file, "wb");

    if (!out)
        times_die("windows_read: cannot write %s", file);
    for (size_t i = 0; i < batches; i++) {
        reader->read(reader->state, keys + i * WINDOWS_ROWS, cells);
        if (fwrite(cells, sizeof cells, 1, out) != 1)
            times_die("windows_read: cannot write %s", file);
    }
    if (fclose(out))
        times_die("windows_read: cannot write %s", file);
}

static void
serve(const struct windows_reader *reader, const int64_t *keys, size_t batches)
{
    char line[512];

    while (fgets(line, sizeof line, stdin)) {
        double begun = times_now();

        line[strcspn(line, "\n")] = '\0';
        if (!strncmp(line, "answers ", 8)) {
            answer(reader, keys, batches, line + 8);
            begun = times_now();
        } else {
            for (size_t i = 0; i < batches; i++)
                reader->read(reader->state, keys + i * WINDOWS_ROWS, NULL);
        }
        printf("%.3f\n", 1e6 * (times_now() - begun) / (double)batches);
        fflush(stdout);
    }
}

static int64_t *
draw_keys(int64_t entities, size_t batches)
{
    size_t count = batches * WINDOWS_ROWS;
    int64_t *keys = times_room(count * sizeof *keys);

    for (size_t i = 0; i < count; i++)
        keys[i] = (int64_t)(i * STRIDE % (uint64_t)entities);
    return keys;
}

static struct windows_reader
choose(const char *name, const struct windows_task *task)
{
    if (!strcmp(name, "library"))
        return library(task);
    if (!strcmp(name, "raw"))
        return raw(task);
    if (!strcmp(name, "sqlite"))
        return windows_sqlite(task);
    if (!strcmp(name, "pipeline") || !strcmp(name, "lua"))
        return windows_redis(task, !strcmp(name, "lua"));
    times_die("windows_read: who is %s?", name);
}

int
main(int argc, char **argv)
{
    struct windows_task task;
    struct windows_reader reader;
    size_t batches;
    int64_t *keys;

    if (argc != 7)
        times_die("usage: see the top of bench/windows_read.c");
    task = (struct windows_task){.store = argv[2],
                                 .place = argv[3],
                                 .entities = atoll(argv[4]),
                                 .rate = strtoull(argv[5], NULL, 10)};
    batches = strtoull(argv[6], NULL, 10);
    windows_begin(task.from);
    keys = draw_keys(task.entities, batches);
    reader = choose(argv[1], &task);
    puts(reader.read ? "ready" : "missing");
    fflush(stdout);
    if (reader.read) {
        serve(&reader, keys, batches);
        reader.close(reader.state);
    }
    free(keys);
    return 0;
}
