/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an event costs a store with windows, beside LMDB alone.
 *
 *     windows_write warm STORE ENTITIES RATE
 *     windows_write events STORE ENTITIES RATE COUNT PACE
 *     windows_write sizes STORE FILE ENTITIES
 *     windows_write raw|keys STORE ENTITIES RATE COUNT PACE FILE
 *     windows_write bytes STORE EVENTS_A_DAY ENTITIES
 *     windows_write dump FILE ENTITIES RATE
 *
 * Owns the writers of bench/windows.py. `warm` writes the events of eight days;
 * `events`, `raw` and `keys` go on from a copy of that, with PACE events a second of
 * their own time (0: as before). `raw` gets, copies and
 * puts a row for each event; `keys` does so once for each key of a batch, which
 * is what the library does. Rows are put with the sizes that they have after
 * `events`, from the file that `sizes` makes. `dump` writes what `warm` does:
 * keys, times and amounts.
 * Keeps the making of events out of every time.
 * Never lets LMDB alone do anything with a row but copy it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "windows.h"

#define ROW_MOST (1 << 20)

static size_t
number(const char *text)
{
    return (size_t)strtoull(text, NULL, 10);
}

static void
warm(const char *path, int64_t entities, size_t rate)
{
    struct windows_events events = windows_events(entities, rate, 0, rate);
    feature_store *store = windows_store(path, WINDOWS_NOW);

    windows_write(store, &events, 10 * WINDOWS_BATCH);
    feature_store_close(store);
    windows_events_free(&events);
}

static void
dump(const char *file, int64_t entities, size_t rate)
{
    struct windows_events events = windows_events(entities, rate, 0, rate);
    FILE *out = fopen(file, "wb");

    if (!out || fwrite(events.keys, 8, rate, out) != rate ||
        fwrite(events.times, 8, rate, out) != rate ||
        fwrite(events.amounts, 8, rate, out) != rate || fclose(out))
        times_die("windows_write: cannot write %s", file);
    windows_events_free(&events);
}

/* The events after those, late by as much as before. */
static struct windows_events
later_events(int64_t entities, size_t rate, size_t count, size_t pace)
{
    struct windows_events events = windows_events(entities, rate, rate, count);
    int64_t step = WINDOWS_SPAN / (int64_t)rate;
    int64_t first = WINDOWS_FIRST + (int64_t)rate * step;

    for (size_t i = 0; pace && i < count; i++) {
        int64_t late = first + (int64_t)i * step - events.times[i];

        events.times[i] = first + (int64_t)(i * 1000000 / pace) - late;
    }
    return events;
}

/* --- the library ------------------------------------------------------------------ */

/* Prints seconds. */
static void
measure_events(const char *path, int64_t entities, size_t rate, size_t count,
               size_t pace)
{
    struct windows_events events = later_events(entities, rate, count, pace);
    feature_store *store =
        windows_store(path, events.times[count - 1] + INT64_C(600000000));
    double begun = times_now();

    windows_write(store, &events, WINDOWS_BATCH);
    printf("%.6f\n", times_now() - begun);
    feature_store_close(store);
    windows_events_free(&events);
}

/* --- LMDB alone ------------------------------------------------------------------- */

static size_t
size_of(const struct windows_tree *tree, MDB_txn *txn, int64_t key)
{
    uint8_t bytes[8];
    MDB_val name = {8, bytes}, row;
    int code;

    windows_key(key, bytes);
    code = mdb_get(txn, tree->rows, &name, &row);
    if (code != MDB_NOTFOUND)
        windows_must(code);
    return code ? 0 : row.mv_size;
}

static void
write_sizes(const char *path, const char *file, int64_t entities)
{
    struct windows_tree tree = windows_tree_open(path, 1);
    uint32_t *sizes = times_room((size_t)entities * sizeof *sizes);
    FILE *out = fopen(file, "wb");
    MDB_txn *txn;

    windows_must(mdb_txn_begin(tree.environment, NULL, MDB_RDONLY, &txn));
    for (int64_t i = 0; i < entities; i++)
        sizes[i] = (uint32_t)size_of(&tree, txn, i);
    mdb_txn_abort(txn);
    if (!out ||
        fwrite(sizes, sizeof *sizes, (size_t)entities, out) != (size_t)entities)
        times_die("windows_write: cannot write %s", file);
    fclose(out);
    free(sizes);
    windows_tree_close(&tree);
}

static uint32_t *
read_sizes(const char *file, int64_t entities)
{
    uint32_t *sizes = times_room((size_t)entities * sizeof *sizes);
    FILE *in = fopen(file, "rb");

    if (!in ||
        fread(sizes, sizeof *sizes, (size_t)entities, in) != (size_t)entities)
        times_die("windows_write: cannot read %s", file);
    fclose(in);
    return sizes;
}

/* One commit. With seen, a key is written once: batch is its number, from 1. */
static void
put_batch(const struct windows_tree *tree, const struct windows_events *events,
          size_t first, size_t count, const uint32_t *sizes, uint32_t *seen,
          uint32_t batch)
{
    static uint8_t copy[ROW_MOST];
    MDB_txn *txn;

    windows_must(mdb_txn_begin(tree->environment, NULL, 0, &txn));
    for (size_t i = first; i < first + count; i++) {
        int64_t key = events->keys[i];
        uint8_t bytes[8];
        MDB_val name = {8, bytes}, row;
        int code;

        if (seen && seen[key] == batch)
            continue;
        if (seen)
            seen[key] = batch;
        windows_key(key, bytes);
        code = mdb_get(txn, tree->rows, &name, &row);
        if (!code)
            memcpy(copy, row.mv_data, row.mv_size);
        else if (code != MDB_NOTFOUND)
            windows_must(code);
        memcpy(copy + 8, &events->times[i], 8);
        row = (MDB_val){sizes[key], copy};
        windows_must(mdb_put(txn, tree->rows, &name, &row, 0));
    }
    windows_must(mdb_txn_commit(txn));
}

/* Prints seconds. */
static void
measure_raw(char **arguments, int is_by_key)
{
    int64_t entities = (int64_t)number(arguments[1]);
    size_t rate = number(arguments[2]), count = number(arguments[3]);
    struct windows_events events =
        later_events(entities, rate, count, number(arguments[4]));
    struct windows_tree tree = windows_tree_open(arguments[0], 0);
    uint32_t *sizes = read_sizes(arguments[5], entities);
    uint32_t *seen = times_room((size_t)entities * sizeof *seen);
    double begun = times_now();
    uint32_t batch = 0;

    for (size_t at = 0; at < count; at += WINDOWS_BATCH) {
        size_t left = count - at;

        put_batch(&tree, &events, at,
                  left < WINDOWS_BATCH ? left : WINDOWS_BATCH, sizes,
                  is_by_key ? seen : NULL, ++batch);
    }
    printf("%.6f\n", times_now() - begun);
    windows_tree_close(&tree);
    windows_events_free(&events);
    free(sizes);
    free(seen);
}

/* --- sizes ------------------------------------------------------------------------ */

/* Events of eight days, so many a day of each entity. */
static struct windows_events
even_events(size_t a_day, int64_t entities)
{
    size_t each = a_day * 8, count = each * (size_t)entities, at = 0;
    struct windows_events events = {.count = count};
    int64_t step = WINDOWS_SPAN / (int64_t)each;

    events.keys = times_room(8 * count);
    events.times = times_room(8 * count);
    events.amounts = times_room(8 * count);
    for (size_t i = 0; i < each; i++)
        for (int64_t key = 0; key < entities; key++, at++) {
            uint64_t drawn = times_mix(at);

            events.keys[at] = key;
            events.times[at] = WINDOWS_FIRST + (int64_t)i * step +
                               (int64_t)(drawn % (uint64_t)step);
            events.amounts[at] = (int64_t)(times_mix(drawn) % 10000);
        }
    return events;
}

/* Prints bytes an entity. */
static void
measure_bytes(const char *path, size_t a_day, int64_t entities)
{
    struct windows_events events = even_events(a_day, entities);
    feature_store *store = windows_store(path, WINDOWS_NOW);
    struct windows_tree tree;
    size_t bytes = 0;
    MDB_txn *txn;

    windows_write(store, &events, 10 * WINDOWS_BATCH);
    feature_store_close(store);
    tree = windows_tree_open(path, 1);
    windows_must(mdb_txn_begin(tree.environment, NULL, MDB_RDONLY, &txn));
    for (int64_t i = 0; i < entities; i++)
        bytes += size_of(&tree, txn, i);
    mdb_txn_abort(txn);
    windows_tree_close(&tree);
    printf("%.1f\n", (double)bytes / (double)entities);
    windows_events_free(&events);
}

int
main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";

    if (!strcmp(what, "warm") && argc == 5)
        warm(argv[2], (int64_t)number(argv[3]), number(argv[4]));
    else if (!strcmp(what, "events") && argc == 7)
        measure_events(argv[2], (int64_t)number(argv[3]), number(argv[4]),
                       number(argv[5]), number(argv[6]));
    else if (!strcmp(what, "sizes") && argc == 5)
        write_sizes(argv[2], argv[3], (int64_t)number(argv[4]));
    else if ((!strcmp(what, "raw") || !strcmp(what, "keys")) && argc == 8)
        measure_raw(argv + 2, !strcmp(what, "keys"));
    else if (!strcmp(what, "dump") && argc == 5)
        dump(argv[2], (int64_t)number(argv[3]), number(argv[4]));
    else if (!strcmp(what, "bytes") && argc == 5)
        measure_bytes(argv[2], number(argv[3]), (int64_t)number(argv[4]));
    else
        times_die("usage: see the top of bench/windows_write.c");
    return 0;
}
