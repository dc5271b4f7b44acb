/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libfeature as a reader: what an application writes.
 *
 * Owns one query and one request.
 * Keeps to the public API: set the keys, read into the dense matrix.
 * Never reuses an answer: each call reads anew, checksums on.
 */
#include <stdlib.h>

#include "reader.h"

struct libfeature {
    struct reader reader;
    feature_query *query;
    feature_request *request;
};

static void
read_keys(struct reader *reader, const struct keys *keys, size_t first,
          size_t count, float *matrix)
{
    struct libfeature *at = (struct libfeature *)reader;
    struct feature_error error;
    feature_status status;

    if (keys->is_text)
        status = feature_request_set_key(at->request, 0, FEATURE_TYPE_STRING,
                                         keys->text, keys->offsets + first,
                                         NULL, (uint32_t)count, &error);
    else
        status = feature_request_set_key(at->request, 0, FEATURE_TYPE_INT64,
                                         keys->numbers + first, NULL, NULL,
                                         (uint32_t)count, &error);
    bench_must(status, &error);
    bench_must(
        feature_request_read_matrix(at->request, matrix, reader->width, &error),
        &error);
}

static void
close_reader(struct reader *reader)
{
    struct libfeature *at = (struct libfeature *)reader;

    feature_request_free(at->request);
    feature_query_free(at->query);
    free(at);
}

struct reader *
reader_libfeature(const struct dataset *data, feature_store *store,
                  uint32_t views)
{
    struct feature_query_options options = {.struct_size = sizeof options,
                                            .flags = FEATURE_QUERY_MATRIX};
    struct libfeature *made = bench_alloc(1, sizeof *made);
    char *features = dataset_query(data, views);
    struct feature_error error;

    bench_must(
        feature_query_create(store, features, &options, &made->query, &error),
        &error);
    bench_must(feature_request_create(made->query, &made->request, &error),
               &error);
    free(features);
    made->reader =
        (struct reader){.name = "libfeature",
                        .width = feature_query_matrix_width(made->query),
                        .read = read_keys,
                        .close = close_reader};
    return &made->reader;
}
