/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing: batches of two views in one commit, late rows, and invalid ones.
 *
 *     cc ingest.c -o ingest $(pkg-config --cflags --libs libfeature)
 *     ./ingest my.store
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <libfeature.h>

#define NOON (INT64_C(1767268800) * 1000000) /* 2026-01-01T12:00:00Z */
#define HOUR (INT64_C(3600) * 1000000)

static const char definitions[] =
    "CREATE ENTITY driver (driver_id INT64);"
    "CREATE ENTITY zone (zone STRING);"
    "CREATE FEATURE VIEW driver_stats (trips INT64 DEFAULT 0, city STRING)"
    "    FOR driver;"
    "CREATE FEATURE VIEW zone_demand (waiting INT32 DEFAULT 0) FOR zone;";

static struct feature_error error;

/* An example may end where a program would handle the error. */
static void
check(feature_status status)
{
    if (!status)
        return;
    fprintf(stderr, "%s: batch %u, row %" PRId64 ": %s (%s)\n",
            feature_status_name(status), error.batch, error.row, error.message,
            error.reason);
    exit(1);
}

static void
print_commit(const char *what, const struct feature_commit *commit)
{
    printf("%-24s commit %" PRIu64 ": %" PRIu64 " applied, %" PRIu64
           " late, %" PRIu64 " rejected\n",
           what, commit->sequence, commit->applied, commit->late,
           commit->rejected);
}

/* Columns are flat arrays, texts are bytes and offsets: Arrow's layout. */
static feature_batch *
driver_batch(feature_store *store)
{
    static const int64_t ids[] = {7, 8, 9};
    static const int64_t times[] = {NOON - HOUR, NOON - HOUR, NOON};
    static const int64_t trips[] = {12, 3, 40};
    static const int32_t city_ends[] = {0, 4, 4, 9}; /* Oslo, none, Turin */
    static const uint8_t city_known[] = {1 << 0 | 1 << 2};
    feature_batch *batch;

    check(feature_batch_create(store, "driver_stats",
                               "driver_id, event_timestamp, trips, city",
                               FEATURE_UPSERT, &batch, &error));
    check(feature_batch_set(batch, 0, FEATURE_TYPE_INT64, ids, NULL, NULL, 3,
                            &error));
    check(feature_batch_set(batch, 1, FEATURE_TYPE_TIMESTAMP, times, NULL, NULL,
                            3, &error));
    check(feature_batch_set(batch, 2, FEATURE_TYPE_INT64, trips, NULL, NULL, 3,
                            &error));
    check(feature_batch_set(batch, 3, FEATURE_TYPE_STRING, "OsloTurin",
                            city_ends, city_known, 3, &error));
    return batch;
}

/* Without the column event_timestamp, rows take the time of their commit. */
static feature_batch *
zone_batch(feature_store *store)
{
    static const int32_t zone_ends[] = {0, 6, 11};
    static const int32_t waiting[] = {4, 0};
    feature_batch *batch;

    check(feature_batch_create(store, "zone_demand", "zone, waiting",
                               FEATURE_UPSERT, &batch, &error));
    check(feature_batch_set(batch, 0, FEATURE_TYPE_STRING, "harbornorth",
                            zone_ends, NULL, 2, &error));
    check(feature_batch_set(batch, 1, FEATURE_TYPE_INT32, waiting, NULL, NULL,
                            2, &error));
    return batch;
}

/* A PATCH writes its own features only. Here: a row that is older than what the
 * store has, a new one, and one without a key. */
static feature_batch *
patch_batch(feature_store *store)
{
    static const int64_t ids[] = {7, 8, 0};
    static const uint8_t known[] = {1 << 0 | 1 << 1};
    static const int64_t times[] = {NOON - 2 * HOUR, NOON, NOON};
    static const int64_t trips[] = {99, 4, 1};
    feature_batch *batch;

    check(feature_batch_create(store, "driver_stats",
                               "driver_id, event_timestamp, trips",
                               FEATURE_PATCH, &batch, &error));
    check(feature_batch_set(batch, 0, FEATURE_TYPE_INT64, ids, NULL, known, 3,
                            &error));
    check(feature_batch_set(batch, 1, FEATURE_TYPE_TIMESTAMP, times, NULL, NULL,
                            3, &error));
    check(feature_batch_set(batch, 2, FEATURE_TYPE_INT64, trips, NULL, NULL, 3,
                            &error));
    return batch;
}

/* Every row of a write has an outcome. */
static void
print_outcomes(const feature_batch *batch, uint32_t rows)
{
    static const char *const names[] = {"none",      "applied", "late",
                                        "duplicate", "future",  "rejected"};
    const uint8_t *outcomes = feature_batch_outcomes(batch);

    for (uint32_t i = 0; i < rows; i++) {
        printf("    row %u: %s", i, names[outcomes[i]]);
        if (feature_batch_problem(batch, i, &error))
            printf(" (%s)", error.message);
        printf("\n");
    }
}

int
main(int argc, char **argv)
{
    const char *path = argc > 1 ? argv[1] : "ingest.store";
    struct feature_options options = {.struct_size = sizeof options,
                                      .flags = FEATURE_OPEN_CREATE,
                                      .fixed_now = NOON};
    struct feature_write_options skip = {.struct_size = sizeof skip,
                                         .flags = FEATURE_WRITE_SKIP_INVALID};
    struct feature_commit commit = {.struct_size = sizeof commit};
    feature_store *store;
    feature_batch *batches[2], *patch;

    check(feature_store_open(path, &options, &store, &error));
    check(feature_store_apply(store, definitions, NULL, NULL, &error));

    /* One call is one commit: a reader sees both views change, or neither. */
    batches[0] = driver_batch(store);
    batches[1] = zone_batch(store);
    check(feature_store_write(store, batches, 2, NULL, &commit, &error));
    print_commit("two views, one commit:", &commit);

    /* An invalid row fails the call, and nothing is written ... */
    patch = patch_batch(store);
    if (feature_store_write(store, &patch, 1, NULL, NULL, &error))
        printf("%-24s row %" PRId64 ": %s\n", "refused:", error.row,
               error.message);

    /* ... unless such rows are to be left out, each with its reason. */
    check(feature_store_write(store, &patch, 1, &skip, &commit, &error));
    print_commit("invalid rows left out:", &commit);
    print_outcomes(patch, 3);

    feature_batch_free(batches[0]);
    feature_batch_free(batches[1]);
    feature_batch_free(patch);
    feature_store_close(store);
    return 0;
}
