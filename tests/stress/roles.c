/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writers, readers, openers, a grower, a definer, a judge.
 *
 * Owns one open store a process.
 * Keeps counts on the shared stage, as they are made: who is killed has counted.
 * Never waits for another process, save when it holds a snapshot.
 */
#include "roles.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define ROW_BYTES  3000
#define GROW_ROWS  16
#define GROW_BYTES (40u << 20) /* no more ballast than that */

static bool
goes_on(const struct actor *actor)
{
    return !atomic_load(&actor->stage->must_stop);
}

static void
count(const struct actor *actor, bool is_good)
{
    atomic_fetch_add(&actor->stage->snapshots, 1);
    if (is_good)
        return;
    atomic_fetch_add(&actor->stage->violations, 1);
    atomic_store(&actor->stage->must_stop, 1);
}

static uint64_t
map_of(feature_store *store)
{
    struct feature_stats stats = {.struct_size = sizeof stats};

    well(feature_store_stats(store, &stats, E));
    return stats.map_size;
}

void
play_writer(void *context)
{
    struct actor *actor = context;
    feature_store *store = ledger_open(actor->path, 0);
    struct ledger_writer writer;

    ledger_writer_open(&writer, store, actor->half);
    while (goes_on(actor)) {
        ledger_transfer(&writer, &actor->dice);
        atomic_fetch_add(&actor->stage->commits[actor->half], 1);
    }
    ledger_writer_close(&writer);
    feature_store_close(store);
}

/* From the first batch of a scan until it is told to go on; then the rest, which
 * is of the same commit. */
static void
hold(struct actor *actor, feature_store *store, uint32_t scene)
{
    struct ledger_scan *scan = ledger_scan_begin(store);

    atomic_fetch_add(&actor->stage->holding, 1);
    while (atomic_load(&actor->stage->let_go) < scene && goes_on(actor))
        sleep_us(100);
    count(actor, ledger_scan_end(scan));
    atomic_fetch_add(&actor->stage->scans, 1);
}

void
play_reader(void *context)
{
    struct actor *actor = context;
    feature_store *store = ledger_open(actor->path, FEATURE_OPEN_READ_ONLY);
    uint64_t map = map_of(store), now;
    struct ledger_reader reader;
    uint32_t held = 0;

    ledger_reader_open(&reader, store, actor->is_split);
    while (goes_on(actor)) {
        uint32_t scene = atomic_load(&actor->stage->hold);

        if (scene != held)
            hold(actor, store, held = scene);
        for (int i = 0; i < 64 && goes_on(actor); i++)
            count(actor, ledger_read(&reader));
        now = map_of(store);
        if (now != map)
            atomic_fetch_add(&actor->stage->adopted, 1);
        map = now;
    }
    ledger_reader_close(&reader);
    feature_store_close(store);
}

void
play_victim(void *context)
{
    struct actor *actor = context;
    feature_store *store = ledger_open(actor->path, 0);
    struct ledger_reader reader;

    ledger_reader_open(&reader, store, actor->is_split);
    while (goes_on(actor)) {
        struct ledger_scan *scan = ledger_scan_begin(store);

        count(actor, ledger_scan_end(scan));
        atomic_fetch_add(&actor->stage->scans, 1);
        for (int i = 0; i < 16 && goes_on(actor); i++)
            count(actor, ledger_read(&reader));
    }
    ledger_reader_close(&reader);
    feature_store_close(store);
}

void
play_opener(void *context)
{
    struct actor *actor = context;

    while (goes_on(actor)) {
        feature_store *store = ledger_open(
            actor->path,
            roll_below(&actor->dice, 2) ? FEATURE_OPEN_READ_ONLY : 0);
        struct ledger_reader reader;

        ledger_reader_open(&reader, store, actor->is_split);
        for (uint32_t i = roll_below(&actor->dice, 8); i--;)
            count(actor, ledger_read(&reader));
        ledger_reader_close(&reader);
        feature_store_close(store);
        atomic_fetch_add(&actor->stage->opens, 1);
        sleep_us(roll_below(&actor->dice, 1000));
    }
}

static void
grow(feature_batch *batch, feature_store *store, int64_t first)
{
    static char text[GROW_ROWS * ROW_BYTES];
    int64_t keys[GROW_ROWS], times[GROW_ROWS];
    int32_t offsets[GROW_ROWS + 1] = {0};

    memset(text, 'g', sizeof text);
    for (int i = 0; i < GROW_ROWS; i++) {
        keys[i] = first + i;
        times[i] = 1;
        offsets[i + 1] = (i + 1) * ROW_BYTES;
    }
    well(feature_batch_set(batch, 0, FEATURE_TYPE_INT64, keys, NULL, NULL,
                           GROW_ROWS, E));
    well(feature_batch_set(batch, 1, FEATURE_TYPE_TIMESTAMP, times, NULL, NULL,
                           GROW_ROWS, E));
    well(feature_batch_set(batch, 2, FEATURE_TYPE_STRING, text, offsets, NULL,
                           GROW_ROWS, E));
    well(feature_store_write(store, &batch, 1, NULL, NULL, E));
}

void
play_grower(void *context)
{
    struct actor *actor = context;
    feature_store *store = ledger_open(actor->path, 0);
    feature_batch *batch;

    well(feature_batch_create(store, "ballast", NULL, FEATURE_UPSERT, &batch,
                              E));
    for (int64_t row = 0; goes_on(actor); row += GROW_ROWS) {
        grow(batch, store, row * ROW_BYTES > GROW_BYTES ? 0 : row);
        sleep_us(1000 + roll_below(&actor->dice, 4000));
    }
    feature_batch_free(batch);
    feature_store_close(store);
}

void
play_definer(void *context)
{
    static const char *const texts[] = {
        "CREATE FEATURE VIEW account (extra INT64 DEFAULT 3) FOR e",
        "CREATE FEATURE VIEW guest (a INT64) FOR e; DROP FEATURE account:extra",
        "DROP FEATURE VIEW guest",
    };
    struct actor *actor = context;
    feature_store *store = ledger_open(actor->path, 0);

    for (uint32_t i = 0; goes_on(actor); i = (i + 1) % 3) {
        well(feature_store_apply(store, texts[i], NULL, NULL, E));
        atomic_fetch_add(&actor->stage->applies, 1);
        sleep_us(2000 + roll_below(&actor->dice, 10000));
    }
    feature_store_close(store);
}

void
play_judge(void *context)
{
    struct feature_verify_report report = {.struct_size = sizeof report};
    struct actor *actor = context;
    feature_store *store = ledger_open(actor->path, 0);
    struct ledger_reader reader;
    char *findings;

    ledger_reader_open(&reader, store, false);
    count(actor, ledger_read(&reader));
    for (uint64_t map = map_of(store); map > LEDGER_MAP; map /= 2)
        atomic_fetch_add(&actor->stage->doubled, 1);
    ledger_reader_close(&reader);
    feature_store_close(store);
    well(feature_store_verify(actor->path, NULL, &report, &findings, E));
    if (report.findings)
        fprintf(stderr, "%s", findings);
    atomic_fetch_add(&actor->stage->violations, report.findings);
    feature_free(findings);
}
