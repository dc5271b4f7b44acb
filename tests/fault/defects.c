/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Defects on purpose, for the tools that have to find them:
 *
 *     defects race | overflow | uninitialised
 *
 * All of them reach the library: a request that two threads use, offsets that
 * end one too early, offsets that nobody set.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libfeature.h"

static feature_request *request;

static void *
clear(void *context)
{
    for (int i = 0; i < 1000; i++)
        feature_request_clear(request);
    return context;
}

static int
race(feature_store *store)
{
    feature_query *query = NULL;
    pthread_t other;
    int failed = feature_query_create(store, "v(*)", NULL, &query, NULL) ||
                 feature_request_create(query, &request, NULL) ||
                 pthread_create(&other, NULL, clear, NULL);

    if (failed)
        return 2;
    clear(NULL);
    pthread_join(other, NULL);
    feature_request_free(request);
    feature_query_free(query);
    return 0;
}

/* Keys of two rows, told by as many offsets as memory holds. */
static int
set_keys(feature_store *store, int offsets_set, size_t offsets_held)
{
    int32_t *offsets = malloc(offsets_held * sizeof *offsets);
    feature_batch *batch = NULL;

    if (!offsets ||
        feature_batch_create(store, "v", NULL, FEATURE_UPSERT, &batch, NULL))
        return 2;
    for (int i = 0; i < offsets_set; i++)
        offsets[i] = i;
    (void)feature_batch_set(batch, 0, FEATURE_TYPE_STRING, "ab", offsets, NULL,
                            2, NULL);
    feature_batch_free(batch);
    free(offsets);
    return 0;
}

int
main(int count, char **words)
{
    struct feature_options options = {.struct_size = sizeof options,
                                      .flags = FEATURE_OPEN_CREATE};
    const char *base = getenv("TMPDIR"), *what = count > 1 ? words[1] : "";
    feature_store *store = NULL;
    char path[200];
    int status = 2;

    snprintf(path, sizeof path, "%s/defects", base && *base ? base : "/tmp");
    if (feature_store_open(path, &options, &store, NULL) ||
        feature_store_apply(store,
                            "CREATE ENTITY e (k STRING); CREATE FEATURE VIEW v "
                            "(a INT64) FOR e",
                            NULL, NULL, NULL))
        return 2;
    if (!strcmp(what, "none"))
        status = set_keys(store, 3, 3);
    if (!strcmp(what, "race"))
        status = race(store);
    if (!strcmp(what, "overflow"))
        status = set_keys(store, 2, 2);
    if (!strcmp(what, "uninitialised"))
        status = set_keys(store, 2, 3);
    feature_store_close(store);
    return status;
}
