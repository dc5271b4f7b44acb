/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the benches of windows share.
 *
 * Owns the stream of events, the store that takes them, and the way past the
 * library to the rows that it made of them.
 * Keeps to numbers that are drawn from the same seeds on every machine.
 * Never measures anything itself.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "windows.h"

#define LATE_MOST INT64_C(600000000) /* ten minutes */
#define SHUFFLE   UINT64_C(1000003)  /* a prime: frequent keys lie anywhere */

static const struct {
    int64_t size, hop;
} windows[WINDOWS_COUNT] = {{INT64_C(3600000000), INT64_C(60000000)},
                            {INT64_C(86400000000), INT64_C(1200000000)},
                            {INT64_C(604800000000), INT64_C(10800000000)}};

#define FEATURES(name, window)                                        \
    "sum_" name " = SUM(amount) OVER '" window "', count_" name       \
    " = COUNT(*) OVER '" window "', min_" name " = MIN(amount) OVER " \
    "'" window "', max_" name " = MAX(amount) OVER '" window "'"

static const char definitions[] =
    "CREATE ENTITY card (card_id INT64);"
    "CREATE EVENT payment (card_id INT64, amount INT64);"
    "CREATE FEATURE VIEW spend (" FEATURES("1h", "1 hour") ", " FEATURES(
        "1d", "1 day") ", " FEATURES("7d", "7 days") ") FOR card FROM payment;";

const char windows_features[] =
    "spend(sum_1h, count_1h, min_1h, max_1h, sum_1d, count_1d, min_1d, max_1d,"
    " sum_7d, count_7d, min_7d, max_7d)";

/* --- events -------------------------------------------------------------------- */

/* Sums of 1 / rank. */
static double *
harmonic(int64_t entities)
{
    double *sums = times_room((size_t)entities * sizeof *sums), sum = 0;

    for (int64_t i = 0; i < entities; i++)
        sums[i] = sum += 1.0 / (double)(i + 1);
    return sums;
}

static int64_t
draw_key(const double *sums, int64_t entities, uint64_t drawn)
{
    double wanted = (double)(drawn >> 11) / 9007199254740992.0;
    int64_t low = 0, high = entities - 1;

    wanted *= sums[entities - 1];
    while (low < high) {
        int64_t middle = (low + high) / 2;

        if (sums[middle] < wanted)
            low = middle + 1;
        else
            high = middle;
    }
    return (int64_t)((uint64_t)low * SHUFFLE % (uint64_t)entities);
}

struct windows_events
windows_events(int64_t entities, size_t rate, size_t first, size_t count)
{
    struct windows_events events = {.count = count};
    double *sums = harmonic(entities);
    int64_t step = WINDOWS_SPAN / (int64_t)rate;

    events.keys = times_room(8 * count);
    events.times = times_room(8 * count);
    events.amounts = times_room(8 * count);
    for (size_t i = 0; i < count; i++) {
        uint64_t drawn = times_mix(first + i);
        int64_t late = (int64_t)(times_mix(drawn + 1) % LATE_MOST);

        events.keys[i] = draw_key(sums, entities, drawn);
        events.times[i] = WINDOWS_FIRST + (int64_t)(first + i) * step;
        if (times_mix(drawn + 2) % 100 == 0)
            events.times[i] -= late;
        events.amounts[i] = (int64_t)(times_mix(drawn + 3) % 10000);
    }
    free(sums);
    return events;
}

void
windows_events_free(struct windows_events *events)
{
    free(events->keys);
    free(events->times);
    free(events->amounts);
}

void
windows_begin(int64_t from[WINDOWS_COUNT])
{
    for (int i = 0; i < WINDOWS_COUNT; i++) {
        int64_t at = WINDOWS_NOW - windows[i].size;

        from[i] = at - at % windows[i].hop;
    }
}

/* --- stores -------------------------------------------------------------------- */

feature_store *
windows_store(const char *path, int64_t now)
{
    struct feature_options options = {.struct_size = sizeof options,
                                      .flags = FEATURE_OPEN_CREATE,
                                      .fixed_now = now};
    feature_store *store;

    times_must(feature_store_open(path, &options, &store, &times_error));
    times_must(
        feature_store_apply(store, definitions, NULL, NULL, &times_error));
    return store;
}

static void
set_column(feature_batch *batch, uint32_t column, int32_t type,
           const int64_t *values, size_t count)
{
    times_must(feature_batch_set(batch, column, type, values, NULL, NULL,
                                 (uint32_t)count, &times_error));
}

void
windows_write(feature_store *store, const struct windows_events *events,
              size_t chunk)
{
    feature_batch *batch;

    times_must(feature_batch_create(store, "payment",
                                    "card_id, event_timestamp, amount",
                                    FEATURE_EVENT, &batch, &times_error));
    for (size_t at = 0; at < events->count; at += chunk) {
        size_t left = events->count - at;
        size_t count = left < chunk ? left : chunk;

        set_column(batch, 0, FEATURE_TYPE_INT64, events->keys + at, count);
        set_column(batch, 1, FEATURE_TYPE_TIMESTAMP, events->times + at, count);
        set_column(batch, 2, FEATURE_TYPE_INT64, events->amounts + at, count);
        times_must(
            feature_store_write(store, &batch, 1, NULL, NULL, &times_error));
    }
    feature_batch_free(batch);
}

/* --- LMDB alone ------------------------------------------------------------------ */

void
windows_must(int code)
{
    if (code)
        times_die("windows: LMDB: %s", mdb_strerror(code));
}

/* The store has one tree of rows. */
static MDB_dbi
find_rows(MDB_txn *txn)
{
    MDB_cursor *cursor;
    MDB_val key, value;
    MDB_dbi handle;
    char name[64] = "";

    windows_must(mdb_dbi_open(txn, NULL, 0, &handle));
    windows_must(mdb_cursor_open(txn, handle, &cursor));
    while (!mdb_cursor_get(cursor, &key, &value, MDB_NEXT))
        if (key.mv_size < sizeof name && !memcmp(key.mv_data, "rows/", 5)) {
            memcpy(name, key.mv_data, key.mv_size);
            name[key.mv_size] = 0;
        }
    mdb_cursor_close(cursor);
    windows_must(mdb_dbi_open(txn, name, 0, &handle));
    return handle;
}

struct windows_tree
windows_tree_open(const char *path, int is_read_only)
{
    unsigned flags = MDB_NOTLS | (is_read_only ? MDB_RDONLY : 0);
    struct windows_tree tree;
    MDB_txn *txn;

    windows_must(mdb_env_create(&tree.environment));
    windows_must(mdb_env_set_maxdbs(tree.environment, 16));
    windows_must(mdb_env_set_mapsize(tree.environment, (size_t)16 << 30));
    windows_must(mdb_env_open(tree.environment, path, flags, 0600));
    windows_must(
        mdb_txn_begin(tree.environment, NULL, flags & MDB_RDONLY, &txn));
    tree.rows = find_rows(txn);
    windows_must(mdb_txn_commit(txn));
    return tree;
}

void
windows_tree_close(struct windows_tree *tree)
{
    mdb_env_close(tree->environment);
}

void
windows_key(int64_t key, uint8_t bytes[8])
{
    uint64_t flipped = (uint64_t)key ^ UINT64_C(1) << 63;

    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(flipped >> (56 - 8 * i));
}
