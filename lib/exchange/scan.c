/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feature_store_scan_arrow().
 *
 * Owns which columns a scan has, and their order.
 * Keeps the schema independent of the data: every feature may be null.
 * Never lets a batch borrow from the scan: see stream_out.c.
 */
#include "base/alloc.h"
#include "exchange/stream.h"
#include "store/batch.h"
#include "store/scan.h"

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

/* The chunk that was just read: join keys, event timestamp, features. */
static feature_status
take_chunk(struct lf_stream *base, struct feature_error *error)
{
    struct stream *stream = (struct stream *)base;
    const struct lf_scan *scan = stream->scan;
    const struct lf_selection *selection = scan->query->selection;
    struct lf_out_column *column = lf_stream_answers(
        stream->columns, scan->keys, selection->views[0].key_count);

    (void)error;
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
    uint32_t count =
        selection->views[0].key_count + 1 + selection->column_count;
    struct lf_out_field *field;

    stream->fields = lf_alloc_array(count, sizeof *stream->fields);
    stream->columns = lf_alloc_array(count, sizeof *stream->columns);
    if (!stream->fields || !stream->columns)
        return lf_fail_memory(error);
    field = lf_stream_keys(stream->fields, selection);
    *field++ = (struct lf_out_field){
        .name = LF_EVENT_TIMESTAMP,
        .type = {.code = FEATURE_TYPE_TIMESTAMP, .width = 1}};
    lf_stream_features(field, selection);
    stream->base = (struct lf_stream){.fields = stream->fields,
                                      .columns = stream->columns,
                                      .count = count,
                                      .fingerprint = scan->query->fingerprint,
                                      .rows = &scan->request->rows,
                                      .read = read_chunk,
                                      .take = take_chunk,
                                      .free = free_stream};
    return FEATURE_OK;
}

feature_status
feature_store_scan_arrow(feature_store *store, const char *features,
                         const struct feature_scan_options *options,
                         struct ArrowArrayStream *stream,
                         struct feature_error *error)
{
    struct feature_scan_options asked;
    struct stream *made;
    feature_status status;

    if (!store || !features || !stream)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "store, features and stream are needed");
    LF_TRY(lf_options_read(&asked, sizeof asked, options,
                           "feature_scan_options", error));
    made = lf_alloc(sizeof *made);
    if (!made)
        return lf_fail_memory(error);
    status = lf_scan_create(store, features, &asked, &made->scan, error);
    if (!status)
        status = make_stream(made, error);
    if (status) {
        free_stream(&made->base);
        return status;
    }
    lf_stream_give(&made->base, stream);
    return FEATURE_OK;
}
