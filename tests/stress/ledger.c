/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Accounts whose sum never changes.
 *
 * Owns the batches of a writer, the requests of a reader, the stream of a scan.
 * Keeps what it saw last, so that nothing may go back.
 * Never takes two answers for one snapshot, unless it was told to.
 */
#include "ledger.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/arrow_abi.h"

#define OPENING 1000 /* of each account */

#define DEFINITIONS                                               \
    "CREATE ENTITY e (k INT64);"                                  \
    "CREATE FEATURE VIEW account (balance INT64, n INT64) FOR e;" \
    "CREATE FEATURE VIEW stamp (m INT64) FOR e;"                  \
    "CREATE FEATURE VIEW ballast (t STRING) FOR e;"

feature_store *
ledger_open(const char *path, uint32_t flags)
{
    struct feature_options options = {
        .struct_size = sizeof options, .flags = flags, .map_size = LEDGER_MAP};
    feature_store *store;

    well(feature_store_open(path, &options, &store, E));
    return store;
}

/* --- writing --------------------------------------------------------------------- */

static void
set(feature_batch *batch, uint32_t column, int32_t type, const int64_t *values,
    uint32_t rows)
{
    well(feature_batch_set(batch, column, type, values, NULL, NULL, rows, E));
}

static void
set_accounts(struct ledger_writer *writer, const uint32_t *own, uint32_t count)
{
    int64_t keys[LEDGER_HALF], times[LEDGER_HALF], balances[LEDGER_HALF];

    for (uint32_t i = 0; i < count; i++) {
        keys[i] = (int64_t)(writer->half * LEDGER_HALF + own[i]);
        times[i] = writer->number;
        balances[i] = writer->balances[own[i]];
    }
    set(writer->accounts, 0, FEATURE_TYPE_INT64, keys, count);
    set(writer->accounts, 1, FEATURE_TYPE_TIMESTAMP, times, count);
    set(writer->accounts, 2, FEATURE_TYPE_INT64, balances, count);
    set(writer->accounts, 3, FEATURE_TYPE_INT64, times, count);
}

static void
set_stamps(struct ledger_writer *writer)
{
    int64_t keys[LEDGER_HALF], numbers[LEDGER_HALF];

    for (uint32_t i = 0; i < LEDGER_HALF; i++) {
        keys[i] = (int64_t)(writer->half * LEDGER_HALF + i);
        numbers[i] = writer->number;
    }
    set(writer->stamps, 0, FEATURE_TYPE_INT64, keys, LEDGER_HALF);
    set(writer->stamps, 1, FEATURE_TYPE_TIMESTAMP, numbers, LEDGER_HALF);
    set(writer->stamps, 2, FEATURE_TYPE_INT64, numbers, LEDGER_HALF);
}

static void
commit(struct ledger_writer *writer, const uint32_t *own, uint32_t count)
{
    struct feature_commit made = {.struct_size = sizeof made};
    feature_batch *batches[] = {writer->accounts, writer->stamps};

    writer->number++;
    set_accounts(writer, own, count);
    set_stamps(writer);
    well(feature_store_write(writer->store, batches, 2, NULL, &made, E));
    if (made.sequence <= writer->sequence ||
        made.applied != count + LEDGER_HALF) {
        fprintf(stderr,
                "commit %" PRIu64 " after %" PRIu64 ", %" PRIu64 " rows\n",
                made.sequence, writer->sequence, made.applied);
        _Exit(RIG_VIOLATED);
    }
    writer->sequence = made.sequence;
}

void
ledger_writer_open(struct ledger_writer *writer, feature_store *store,
                   uint32_t half)
{
    *writer = (struct ledger_writer){.store = store, .half = half};
    for (uint32_t i = 0; i < LEDGER_HALF; i++)
        writer->balances[i] = OPENING;
    well(feature_batch_create(store, "account",
                              "k, event_timestamp, balance, n", FEATURE_UPSERT,
                              &writer->accounts, E));
    well(feature_batch_create(store, "stamp", NULL, FEATURE_UPSERT,
                              &writer->stamps, E));
}

void
ledger_writer_close(struct ledger_writer *writer)
{
    feature_batch_free(writer->accounts);
    feature_batch_free(writer->stamps);
}

/* Both halves as they begin: number 1. */
void
ledger_create(const char *path)
{
    feature_store *store = ledger_open(path, FEATURE_OPEN_CREATE);
    static const uint32_t all[] = {0, 1, 2, 3, 4, 5, 6, 7};

    _Static_assert(sizeof all / sizeof *all == LEDGER_HALF, "all keys");
    well(feature_store_apply(store, DEFINITIONS, NULL, NULL, E));
    for (uint32_t half = 0; half < LEDGER_WRITERS; half++) {
        struct ledger_writer writer;

        ledger_writer_open(&writer, store, half);
        commit(&writer, all, LEDGER_HALF);
        ledger_writer_close(&writer);
    }
    feature_store_close(store);
}

void
ledger_transfer(struct ledger_writer *writer, uint64_t *dice)
{
    uint32_t from = roll_below(dice, LEDGER_HALF);
    uint32_t own[] = {from, (from + 1 + roll_below(dice, LEDGER_HALF - 1)) %
                                LEDGER_HALF};
    int64_t amount = (int64_t)roll_below(dice, 100);

    if (!writer->number) /* what ledger_create() left */
        writer->number = 1;
    writer->balances[own[0]] -= amount;
    writer->balances[own[1]] += amount;
    commit(writer, own, 2);
}

/* --- reading --------------------------------------------------------------------- */

static void
prepare(struct ledger_reader *reader, uint32_t index, const char *features)
{
    int64_t keys[LEDGER_KEYS];

    for (int64_t i = 0; i < LEDGER_KEYS; i++)
        keys[i] = i;
    well(feature_query_create(reader->store, features, NULL,
                              &reader->queries[index], E));
    well(feature_request_create(reader->queries[index],
                                &reader->requests[index], E));
    well(feature_request_set_key(reader->requests[index], 0, FEATURE_TYPE_INT64,
                                 keys, NULL, NULL, LEDGER_KEYS, E));
}

void
ledger_reader_open(struct ledger_reader *reader, feature_store *store,
                   bool is_split)
{
    *reader = (struct ledger_reader){.store = store, .is_split = is_split};
    if (is_split) {
        prepare(reader, 0, "account(balance, n)");
        prepare(reader, 1, "stamp(m)");
    } else {
        prepare(reader, 0, "account(balance, n), stamp(m)");
    }
}

void
ledger_reader_close(struct ledger_reader *reader)
{
    for (uint32_t i = 0; i < 2; i++) {
        feature_request_free(reader->requests[i]);
        feature_query_free(reader->queries[i]);
    }
}

/* Whether one half adds up and is of one number. */
static bool
check_half(const int64_t *balances, const int64_t *numbers,
           const int64_t *stamps, uint32_t half, int64_t *last)
{
    int64_t sum = 0, newest = 0, stamp = stamps[half * LEDGER_HALF];
    bool is_one = true;

    for (uint32_t i = half * LEDGER_HALF; i < (half + 1) * LEDGER_HALF; i++) {
        sum += balances[i];
        newest = numbers[i] > newest ? numbers[i] : newest;
        is_one = is_one && stamps[i] == stamp;
    }
    if (sum == OPENING * LEDGER_HALF && is_one && newest == stamp &&
        stamp >= *last) {
        *last = stamp;
        return true;
    }
    fprintf(stderr,
            "half %u: sum %" PRId64 ", newest account %" PRId64
            ", stamp %" PRId64 "%s, before %" PRId64 "\n",
            half, sum, newest, stamp, is_one ? "" : " and others", *last);
    return false;
}

static bool
check_commit(struct ledger_reader *reader)
{
    uint64_t seen = feature_request_commit(reader->requests[0]);
    uint64_t before = reader->commit;

    reader->commit = seen;
    if (seen >= before)
        return true;
    fprintf(stderr, "commit %" PRIu64 " after %" PRIu64 "\n", seen, before);
    return false;
}

bool
ledger_read(struct ledger_reader *reader)
{
    struct feature_column columns[3];
    uint32_t first = reader->is_split ? 2 : 3;
    bool is_good;

    for (uint32_t i = 0; i < 2 && reader->requests[i]; i++)
        well(feature_request_read(reader->requests[i], E));
    well(feature_request_columns(reader->requests[0], columns, first, E));
    if (reader->is_split)
        well(feature_request_columns(reader->requests[1], columns + 2, 1, E));
    is_good = check_commit(reader);
    for (uint32_t half = 0; half < LEDGER_WRITERS; half++)
        is_good = check_half(columns[0].values, columns[1].values,
                             columns[2].values, half, &reader->numbers[half]) &&
                  is_good;
    return is_good;
}

/* --- scans ----------------------------------------------------------------------- */

struct ledger_scan {
    struct ArrowArrayStream stream;
    int64_t sum;
    int64_t rows;
};

/* Adds up a batch of k, event_timestamp, balance. False at the end. */
static bool
take_batch(struct ledger_scan *scan)
{
    struct ArrowArray batch = {0};
    const int64_t *balances;

    if (scan->stream.get_next(&scan->stream, &batch)) {
        fprintf(stderr, "a scan: %s\n",
                scan->stream.get_last_error(&scan->stream));
        _Exit(RIG_VIOLATED);
    }
    if (!batch.release)
        return false;
    balances = batch.children[2]->buffers[1];
    for (int64_t i = 0; i < batch.length; i++)
        scan->sum += balances[batch.children[2]->offset + i];
    scan->rows += batch.length;
    batch.release(&batch);
    return true;
}

struct ledger_scan *
ledger_scan_begin(feature_store *store)
{
    struct feature_scan_options options = {.struct_size = sizeof options,
                                           .flags = FEATURE_SCAN_ONE_SNAPSHOT,
                                           .chunk_rows = 4};
    struct ledger_scan *scan = calloc(1, sizeof *scan);

    if (!scan)
        give_up("calloc", "no memory");
    well(feature_store_scan_arrow(store, "account(balance)", &options,
                                  &scan->stream, E));
    (void)take_batch(scan);
    return scan;
}

bool
ledger_scan_end(struct ledger_scan *scan)
{
    bool is_good;

    while (take_batch(scan))
        ;
    is_good = scan->rows == LEDGER_KEYS && scan->sum == OPENING * LEDGER_KEYS;
    if (!is_good)
        fprintf(stderr, "a scan of %" PRId64 " rows adds up to %" PRId64 "\n",
                scan->rows, scan->sum);
    scan->stream.release(&scan->stream);
    free(scan);
    return is_good;
}
