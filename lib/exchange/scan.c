/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feature_store_scan_arrow() and feature_store_tiles_arrow().
 *
 * Owns which columns a scan has, and their order.
 * Keeps the schema independent of the data: every feature may be null.
 * Never lets a batch borrow from the scan: see stream_out.c.
 */
#include "base/alloc.h"
#include "exchange/stream.h"
#include "store/batch.h"
#include "store/tiles_out.h"

struct stream {
    struct lf_stream base;
    struct lf_scan *scan;
    struct lf_out_field *fields; /* names are of the scan's query */
    struct lf_out_column *columns;
};

static feature_status
read_chunk(struct lf_stream *base, struct feature_error *error)
{
    return lf_scan_next(((struct stream *)base)->scan, error);
}

/* The chunk that was just read: join keys, event timestamp, features or
 * states. */
static feature_status
take_chunk(struct lf_stream *base, struct feature_error *error)
{
    struct stream *stream = (struct stream *)base;
    const struct lf_scan *scan = stream->scan;
    const struct lf_selection *selection = scan->query->selection;
    struct lf_out_column *column = lf_stream_answers(
        stream->columns, scan->keys, selection->views[0].key_count);

    (void)error;
    if (scan->tiles) {
        *column++ = (struct lf_out_column){.values = scan->tiles->times.data};
        lf_stream_answers(column, &scan->tiles->states, 1);
        return FEATURE_OK;
    }
    *column++ =
        (struct lf_out_column){.values = scan->request->timestamps.data};
    lf_stream_answers(column, scan->request->answers, selection->column_count);
    return FEATURE_OK;
}

static void
free_stream(struct lf_stream *base)
{
    struct stream *stream = (struct stream *)base;

    lf_scan_free(stream->scan);
    lf_free(stream->fields);
    lf_free(stream->columns);
    lf_free(stream);
}

/* A feature may be null in a row that has none of it, is past the ttl, or
 * whatever becomes of its DEFAULT; a key or a timestamp never is. */
static feature_status
make_stream(struct stream *stream, struct feature_error *error)
{
    const struct lf_scan *scan = stream->scan;
    const struct lf_selection *selection = scan->query->selection;
    uint32_t columns = scan->tiles ? 1 : selection->column_count;
    uint32_t count = selection->views[0].key_count + 1 + columns;
    uint64_t fingerprint = scan->tiles ? lf_tiles_fingerprint(scan->tiles)
                                       : scan->query->fingerprint;
    struct lf_out_field *field;

    stream->fields = lf_alloc_array(count, sizeof *stream->fields);
    stream->columns = lf_alloc_array(count, sizeof *stream->columns);
    if (!stream->fields || !stream->columns)
        return lf_fail_memory(error);
    field = lf_stream_keys(stream->fields, selection);
    *field++ = (struct lf_out_field){
        .name = LF_EVENT_TIMESTAMP,
        .type = {.code = FEATURE_TYPE_TIMESTAMP, .width = 1}};
    if (scan->tiles)
        *field = (struct lf_out_field){
            .name = LF_TILES_COLUMN,
            .type = {.code = FEATURE_TYPE_BYTES, .width = 1}};
    else
        lf_stream_features(field, selection);
    stream->base = (struct lf_stream){.fields = stream->fields,
                                      .columns = stream->columns,
                                      .count = count,
                                      .fingerprint = fingerprint,
                                      .rows = &scan->request->rows,
                                      .read = read_chunk,
                                      .take = take_chunk,
                                      .free = free_stream};
    return FEATURE_OK;
}

typedef feature_status (*create_scan)(feature_store *, const char *,
                                      const struct feature_scan_options *,
                                      struct lf_scan **,
                                      struct feature_error *);

static feature_status
open_stream(feature_store *store, const char *what,
            const struct feature_scan_options *options, create_scan create,
            struct ArrowArrayStream *stream, struct feature_error *error)
{
    struct feature_scan_options asked;
    struct stream *made;
    feature_status status;

    LF_TRY(lf_options_read(&asked, sizeof asked, options,
                           "feature_scan_options", error));
    made = lf_alloc(sizeof *made);
    if (!made)
        return lf_fail_memory(error);
    status = create(store, what, &asked, &made->scan, error);
    if (!status)
        status = make_stream(made, error);
    if (status) {
        free_stream(&made->base);
        return status;
    }
    lf_stream_give(&made->base, stream);
    return FEATURE_OK;
}

feature_status
feature_store_scan_arrow(feature_store *store, const char *features,
                         const struct feature_scan_options *options,
                         struct ArrowArrayStream *stream,
                         struct feature_error *error)
{
    if (!store || !features || !stream)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "store, features and stream are needed");
    return open_stream(store, features, options, lf_scan_create, stream, error);
}

feature_status
feature_store_tiles_arrow(feature_store *store, const char *view,
                          const struct feature_scan_options *options,
                          struct ArrowArrayStream *stream,
                          struct feature_error *error)
{
    if (!store || !view || !stream)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "store, view and stream are needed");
    return open_stream(store, view, options, lf_tiles_scan_create, stream,
                       error);
}
