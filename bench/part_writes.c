/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes without the cost of a sync: bulk loads and upserts, on tmpfs.
 *
 * Owns the directories it writes to, fresh for every load.
 * Keeps both sides on the same bytes in the same order, one commit each.
 * Never times the making of rows: columns for the library, encoded rows for
 * raw LMDB.
 */
#include <stdio.h>
#include <stdlib.h>

#include "raw.h"
#include "speed.h"

#define MAP    ((uint64_t)16 << 30)
#define COMMIT 10000 /* rows of an upsert */
#define REPEAT 5     /* commits of a sample */

struct bulk {
    const struct dataset *data;
    uint64_t *order;
    struct columns *columns;
    struct encoded *encoded;
    double writing; /* of the last run: the write call alone */
};

static double
per_row(uint64_t begun, uint64_t rows)
{
    return (double)(bench_clock() - begun) / (double)rows;
}

static double
append_ours(void *context)
{
    struct bulk *bulk = context;
    char path[PATH_SIZE], *definitions = dataset_definitions(bulk->data);
    struct feature_error error;
    feature_store *store;
    feature_batch *batch;
    uint64_t begun, set;
    double value;

    store_path(path, settings.tmpfs, "bulk", "");
    store_remove(path);
    store = store_open(path, FEATURE_OPEN_CREATE);
    bench_must(feature_store_apply(store, definitions, NULL, NULL, &error),
               &error);
    free(definitions);
    batch = store_batch(store, 0);
    begun = bench_clock();
    columns_set(bulk->columns, batch);
    set = bench_clock();
    store_write(store, batch);
    bulk->writing = per_row(set, bulk->data->rows);
    value = per_row(begun, bulk->data->rows);
    feature_batch_free(batch);
    feature_store_close(store);
    store_remove(path);
    return value;
}

static double
append_raw(void *context)
{
    struct bulk *bulk = context;
    struct raw_writer *writer;
    char path[PATH_SIZE];
    uint64_t begun;
    double value;

    store_path(path, settings.tmpfs, "bulk", "-raw");
    store_directory(path);
    writer = raw_writer_open(path, MAP);
    begun = bench_clock();
    raw_writer_append(writer, bulk->encoded);
    value = per_row(begun, bulk->data->rows);
    raw_writer_close(writer);
    store_remove(path);
    return value;
}

static double
read_writing(void *context)
{
    return ((struct bulk *)context)->writing;
}

static void
run_bulk(const struct dataset *data)
{
    struct contest contest = {.name = "sorted batch into an empty view",
                              .unit = "ns/row",
                              .place = report_place(settings.tmpfs),
                              .rounds = 5};
    struct bulk bulk = {.data = data};

    bulk.order = dataset_order(data);
    bulk.columns = columns_make(data, (uint32_t)data->rows);
    bulk.encoded = encoded_make(data, data->rows);
    columns_fill(bulk.columns, 0, bulk.order, (uint32_t)data->rows, FIRST_TIME);
    encoded_fill(bulk.encoded, data, 2, bulk.order, data->rows, FIRST_TIME);
    contest_add(&contest, "raw MDB_APPEND", append_raw, &bulk);
    contest_add(&contest, "libfeature, set and write", append_ours, &bulk);
    contest_add(&contest, "of it, feature_store_write", read_writing, &bulk)
        ->is_derived = true;
    contest_run(&contest);
    report_ratio(
        "bulk_vs_append",
        contest_ratio(&contest, "libfeature, set and write", "raw MDB_APPEND"));
    columns_free(bulk.columns);
    encoded_free(bulk.encoded);
    free(bulk.order);
}

struct upsert {
    const struct bed *base;
    feature_store *store;
    feature_batch *batch;
    struct raw_writer *writer;
    struct columns *columns;
    struct encoded *encoded;
    struct random random;
    int64_t time; /* ever later */
    uint64_t ids[COMMIT];
    double writing;
};

static void
draw(struct upsert *upsert)
{
    for (unsigned i = 0; i < COMMIT; i++)
        upsert->ids[i] = random_below(&upsert->random, upsert->base->data.rows);
    upsert->time++;
}

static double
upsert_ours(void *context)
{
    struct upsert *upsert = context;
    uint64_t total = 0, writing = 0;

    for (unsigned i = 0; i < REPEAT; i++) {
        uint64_t begun, set;

        draw(upsert);
        columns_fill(upsert->columns, 0, upsert->ids, COMMIT, upsert->time);
        begun = bench_clock();
        columns_set(upsert->columns, upsert->batch);
        set = bench_clock();
        store_write(upsert->store, upsert->batch);
        writing += bench_clock() - set;
        total += bench_clock() - begun;
    }
    upsert->writing = (double)writing / REPEAT / COMMIT;
    return (double)total / REPEAT / COMMIT;
}

static double
upsert_raw(void *context)
{
    struct upsert *upsert = context;
    uint64_t total = 0;

    for (unsigned i = 0; i < REPEAT; i++) {
        uint64_t begun;

        draw(upsert);
        encoded_fill(upsert->encoded, &upsert->base->data,
                     raw_view_id(upsert->base->raw, 0), upsert->ids, COMMIT,
                     upsert->time);
        begun = bench_clock();
        raw_writer_upsert(upsert->writer, upsert->encoded);
        total += bench_clock() - begun;
    }
    return (double)total / REPEAT / COMMIT;
}

static double
read_upsert_writing(void *context)
{
    return ((struct upsert *)context)->writing;
}

static void
run_upsert(const struct bed *base)
{
    struct contest contest = {.name = "upserts, 10,000 rows a commit",
                              .unit = "ns/row",
                              .place = report_place(settings.tmpfs)};
    struct upsert *upsert = bench_alloc(1, sizeof *upsert);
    char ours[PATH_SIZE], raw[PATH_SIZE];

    store_path(ours, settings.tmpfs, "upsert", "");
    store_path(raw, settings.tmpfs, "upsert", "-raw");
    store_copy(base->raw_path, ours);
    store_copy(base->raw_path, raw);
    upsert->base = base;
    upsert->random.state = 900;
    upsert->time = FIRST_TIME;
    upsert->store = store_open(ours, 0);
    upsert->batch = store_batch(upsert->store, 0);
    upsert->writer = raw_writer_open(raw, MAP);
    upsert->columns = columns_make(&base->data, COMMIT);
    upsert->encoded = encoded_make(&base->data, COMMIT);
    contest_add(&contest, "raw LMDB, get and put", upsert_raw, upsert);
    contest_add(&contest, "libfeature, set and write", upsert_ours, upsert);
    contest_add(&contest, "of it, feature_store_write", read_upsert_writing,
                upsert)
        ->is_derived = true;
    contest_run(&contest);
    report_ratio("upsert_vs_raw",
                 contest_ratio(&contest, "libfeature, set and write",
                               "raw LMDB, get and put"));
    feature_batch_free(upsert->batch);
    feature_store_close(upsert->store);
    raw_writer_close(upsert->writer);
    columns_free(upsert->columns);
    encoded_free(upsert->encoded);
    store_remove(ours);
    store_remove(raw);
    free(upsert);
}

void
part_writes(struct bed *base)
{
    struct dataset data = base_data("bulk", base->data.rows);

    run_bulk(&data);
    run_upsert(base);
}
