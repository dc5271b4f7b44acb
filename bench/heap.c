/* SPDX-License-Identifier: Apache-2.0 */
/*
 * heap DIRECTORY: bytes of heap of a process that reads features.
 *
 * Owns a fresh store of 100 views with 10 features each, 1,000 rows in each.
 * Keeps one request of 1,000 keys x 100 features live, one from each view.
 * Never counts the file's pages: they are mapped, not allocated.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libfeature.h"

#define VIEWS    100
#define FEATURES 10
#define ROWS     1000

static struct feature_error problem;

static void
must(feature_status status)
{
    if (!status)
        return;
    fprintf(stderr, "heap: %s\n", problem.message);
    exit(1);
}

static void
define(feature_store *store)
{
    static char text[VIEWS * (FEATURES * 24 + 64) + 64];
    size_t used = 0;

    used += (size_t)sprintf(text, "CREATE ENTITY item (item_id INT64);\n");
    for (int view = 0; view < VIEWS; view++) {
        used += (size_t)sprintf(text + used, "CREATE FEATURE VIEW v%d (", view);
        for (int i = 0; i < FEATURES; i++)
            used += (size_t)sprintf(text + used, "%sv%d_f%d FLOAT64",
                                    i ? ", " : "", view, i);
        used += (size_t)sprintf(text + used, ") FOR item;\n");
    }
    must(feature_store_apply(store, text, NULL, NULL, &problem));
}

static void
write_rows(feature_store *store, int view)
{
    static int64_t keys[ROWS], times[ROWS];
    static double values[ROWS];
    feature_batch *batch = NULL;
    char name[16];

    for (int i = 0; i < ROWS; i++) {
        keys[i] = i;
        times[i] = 1577836800000000 + i;
        values[i] = i + view / 128.0;
    }
    snprintf(name, sizeof name, "v%d", view);
    must(feature_batch_create(store, name, NULL, FEATURE_UPSERT, &batch,
                              &problem));
    must(feature_batch_set(batch, 0, FEATURE_TYPE_INT64, keys, NULL, NULL, ROWS,
                           &problem));
    must(feature_batch_set(batch, 1, FEATURE_TYPE_TIMESTAMP, times, NULL, NULL,
                           ROWS, &problem));
    for (uint32_t i = 0; i < FEATURES; i++)
        must(feature_batch_set(batch, 2 + i, FEATURE_TYPE_FLOAT64, values, NULL,
                               NULL, ROWS, &problem));
    must(feature_store_write(store, &batch, 1, NULL, NULL, &problem));
    feature_batch_free(batch);
}

/* One feature of each view. */
static feature_query *
prepare(feature_store *store)
{
    char text[VIEWS * 24] = "";
    feature_query *query = NULL;

    for (int view = 0; view < VIEWS; view++)
        sprintf(text + strlen(text), "%sv%d:v%d_f%d", view ? "," : "", view,
                view, view % FEATURES);
    must(feature_query_create(store, text, NULL, &query, &problem));
    return query;
}

static feature_request *
read_rows(const feature_query *query)
{
    static int64_t keys[ROWS];
    struct feature_column column;
    feature_request *request = NULL;

    for (int i = 0; i < ROWS; i++)
        keys[i] = i;
    must(feature_request_create(query, &request, &problem));
    must(feature_request_set_key(request, 0, FEATURE_TYPE_INT64, keys, NULL,
                                 NULL, ROWS, &problem));
    must(feature_request_read(request, &problem));
    for (uint32_t i = 0; i < VIEWS; i++) {
        must(feature_request_column(request, i, &column, &problem));
        if (column.null_count || column.rows != ROWS ||
            ((const double *)column.values)[ROWS - 1] != ROWS - 1 + i / 128.0) {
            fprintf(stderr, "heap: column %u is not what was written\n", i);
            exit(1);
        }
    }
    return request;
}

int
main(int argc, char **argv)
{
    struct feature_options options = {.struct_size = sizeof options,
                                      .flags = FEATURE_OPEN_CREATE};
    feature_store *store = NULL;
    feature_request *request;
    feature_query *query;
    struct mallinfo2 heap;

    if (argc != 2) {
        fprintf(stderr, "Usage: heap DIRECTORY\n");
        return 2;
    }
    must(feature_store_open(argv[1], &options, &store, &problem));
    define(store);
    for (int view = 0; view < VIEWS; view++)
        write_rows(store, view);
    feature_store_close(store);
    options.flags = 0;
    must(feature_store_open(argv[1], &options, &store, &problem));
    query = prepare(store);
    request = read_rows(query);
    heap = mallinfo2();
    printf("%.3f\n", (double)(heap.uordblks + heap.hblkhd) / 1048576);
    feature_request_free(request);
    feature_query_free(query);
    feature_store_close(store);
    return 0;
}
