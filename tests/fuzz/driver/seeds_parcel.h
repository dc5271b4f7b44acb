/* SPDX-License-Identifier: Apache-2.0 */
/* Seeds of the target of parcels; a part of seeds.c. */
#ifndef TESTS_FUZZ_SEEDS_PARCEL_H
#define TESTS_FUZZ_SEEDS_PARCEL_H

/* Cells as other stores give them, with what says how they are taken. */
static uint32_t
give_cells(feature_store *store, uint32_t number)
{
    struct feature_error error;
    struct ArrowArrayStream stream;
    struct ArrowArray batch;

    must(feature_store_tiles_arrow(store, "spend", NULL, &stream, &error),
         &error);
    while (!stream.get_next(&stream, &batch) && batch.release) {
        const int32_t *ends = batch.children[2]->buffers[1];
        const uint8_t *cells = batch.children[2]->buffers[2];

        for (int64_t i = 0; i < batch.length; i++, number++) {
            struct lf_buffer made = {0};
            char name[24];

            put_u8(&made, number == 1 ? 0 : 1);
            put(&made, cells + ends[i], (size_t)(ends[i + 1] - ends[i]));
            snprintf(name, sizeof name, "cell-%02u", number);
            give("parcel", name, &made);
            lf_buffer_free(&made);
        }
        batch.release(&batch);
    }
    stream.release(&stream);
    return number;
}

static void
write_payments(feature_store *store, int32_t operation, uint32_t rows)
{
    static int64_t keys[64], times[64], amounts[64];
    static double prices[64];
    static int32_t ends[65];
    struct feature_error error;
    feature_batch *batch;

    for (uint32_t i = 0; i < rows; i++) {
        keys[i] = PARCEL_KEY + (i + rows) % 4;
        times[i] = PARCEL_NOW - (int64_t)i * i * 30000000;
        amounts[i] = (int64_t)i * i * i - 9;
        prices[i] = i / 4.0;
        ends[i + 1] = ends[i] + (int32_t)(i % 3);
    }
    must(feature_batch_create(
             store, operation == FEATURE_EVENT ? "payment" : "spend",
             operation == FEATURE_EVENT ? NULL : "card_id, event_timestamp",
             operation, &batch, &error),
         &error);
    must(feature_batch_set(batch, 0, FEATURE_TYPE_INT64, keys, NULL, NULL, rows,
                           &error),
         &error);
    if (operation == FEATURE_EVENT) {
        must(feature_batch_set(batch, 1, FEATURE_TYPE_INT64, amounts, NULL,
                               NULL, rows, &error),
             &error);
        must(feature_batch_set(batch, 2, FEATURE_TYPE_FLOAT64, prices, NULL,
                               NULL, rows, &error),
             &error);
        must(feature_batch_set(batch, 3, FEATURE_TYPE_STRING,
                               "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrst"
                               "uvwxyzabcdefghijklm",
                               ends, NULL, rows, &error),
             &error);
    }
    must(feature_batch_set(batch, operation == FEATURE_EVENT ? 4 : 1,
                           FEATURE_TYPE_TIMESTAMP, times, NULL, NULL, rows,
                           &error),
         &error);
    must(feature_store_write(store, &batch, 1, NULL, NULL, &error), &error);
    feature_batch_free(batch);
}

/* Of both schema versions, and a tombstone. */
static void
give_parcels(void)
{
    struct feature_options options = {.struct_size = sizeof options,
                                      .flags = FEATURE_OPEN_CREATE,
                                      .fixed_now = PARCEL_NOW};
    char directory[RIG_PATH_SIZE], path[RIG_PATH_SIZE + 16];
    struct feature_error error;
    feature_store *store;
    uint32_t number;

    rig_directory(directory);
    snprintf(path, sizeof path, "%s/store", directory);
    must(feature_store_open(path, &options, &store, &error), &error);
    must(feature_store_apply(store, PARCEL_FIRST, NULL, NULL, &error), &error);
    write_payments(store, FEATURE_EVENT, 3);
    number = give_cells(store, 1);
    write_payments(store, FEATURE_EVENT, 45);
    number = give_cells(store, number);
    must(feature_store_apply(store, PARCEL_THEN, NULL, NULL, &error), &error);
    write_payments(store, FEATURE_EVENT, 64);
    write_payments(store, FEATURE_DELETE, 1);
    give_cells(store, number);
    feature_store_close(store);
    rig_remove(directory);
}

#endif
