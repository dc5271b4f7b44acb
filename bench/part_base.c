/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The base point: every method, batches of 1, 10, 100 and 1,000.
 *
 * Owns the peers while they run.
 * Keeps all of them on the same rows, the same keys a round and one decoder.
 * Never compares figures of two runs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "speed.h"

#define PEERS_MAX 9

struct peers {
    struct reader *readers[PEERS_MAX];
    unsigned count;
    struct redis *redis;
};

static void
take(struct peers *peers, struct reader *reader)
{
    if (reader)
        peers->readers[peers->count++] = reader;
}

static void
start_peers(struct peers *peers, struct bed *base)
{
    unsigned first;

    take(peers, reader_raw(base->raw, 1, false));
    take(peers, reader_raw(base->raw, 1, true));
    take(peers, reader_libfeature(&base->data, base->store, 1));
    first = peers->count;
    printf("\npeers:\n");
    take(peers, reader_rocksdb(&base->data));
    take(peers, reader_leveldb(&base->data));
    take(peers, reader_sqlite(&base->data, false));
    take(peers, reader_sqlite(&base->data, true));
    peers->redis = redis_start(&base->data);
    take(peers, reader_redis(peers->redis, true));
    take(peers, reader_redis(peers->redis, false));
    for (; first < peers->count; first++)
        reader_check(peers->readers[first], &base->data, 1);
}

static void
stop_peers(struct peers *peers)
{
    static const char *const names[] = {"rocksdb", "leveldb", "sqlite",
                                        "sqlite-rowid"};
    char path[PATH_SIZE];

    for (unsigned i = 0; i < peers->count; i++)
        reader_close(peers->readers[i]);
    redis_stop(peers->redis);
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        store_path(path, settings.reads, names[i], "");
        store_remove(path);
    }
}

static void
run_batch(struct peers *peers, struct bed *base, size_t batch)
{
    struct contest contest = {.unit = "ns/row",
                              .place = report_place(settings.reads)};
    struct timed timed[PEERS_MAX];
    struct workload workload;

    snprintf(contest.name, sizeof contest.name, "base point, batch %zu", batch);
    workload_init(&workload, &base->data, UNIFORM, batch, SAMPLE, 100 + batch);
    for (unsigned i = 0; i < peers->count; i++) {
        struct reader *reader = peers->readers[i];
        bool is_slow = batch < 100 && !strncmp(reader->name, "Redis", 5);

        timed[i] = (struct timed){.reader = reader,
                                  .workload = &workload,
                                  .count = is_slow ? SAMPLE_SLOW : 0};
        contest_add(&contest, reader->name, timed_run, &timed[i]);
    }
    contest_run(&contest);
    workload_free(&workload);
    if (batch == 1)
        report_ratio("batch1_vs_mdb_get",
                     contest_ratio(&contest, "libfeature", "raw mdb_get"));
    if (batch != 100)
        return;
    report_ratio("batch100_vs_mdb_get",
                 contest_ratio(&contest, "libfeature", "raw mdb_get"));
    if (contest_find(&contest, "RocksDB MultiGet"))
        report_ratio("batch100_vs_rocksdb",
                     contest_ratio(&contest, "libfeature", "RocksDB MultiGet"));
    if (contest_find(&contest, "SQLite, WITHOUT ROWID"))
        report_ratio(
            "batch100_vs_sqlite",
            contest_ratio(&contest, "libfeature", "SQLite, WITHOUT ROWID"));
    if (contest_find(&contest, "Redis MGET packed"))
        report_ratio("batch100_vs_redis", contest_ratio(&contest, "libfeature",
                                                        "Redis MGET packed"));
}

void
part_base(struct bed *base)
{
    static const size_t batches[] = {100, 1, 10, 1000};
    struct peers peers = {0};

    report_fact("libfeature: bytes on disk per row of 253 bytes",
                (double)store_file_size(base->store_path) /
                    (double)base->data.rows,
                "B/row");
    start_peers(&peers, base);
    for (unsigned i = 0; i < sizeof batches / sizeof *batches; i++)
        run_batch(&peers, base, batches[i]);
    stop_peers(&peers);
}
