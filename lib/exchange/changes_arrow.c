/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feature_store_changes_arrow().
 *
 * Owns what an Arrow stream of changes is made of.
 * Keeps the sequence that it ends with from its beginning on.
 * Never lets a batch borrow from the feed: see stream_out.c.
 */
#include "base/alloc.h"
#include "exchange/change_columns.h"
#include "exchange/stream.h"

struct stream {
    struct lf_stream base;
    struct lf_change_rows *rows;
    struct lf_change_columns columns;
};

static feature_status
read_chunk(struct lf_stream *base, struct feature_error *error)
{
    return lf_change_rows_next(((struct stream *)base)->rows, error);
}

static feature_status
take_chunk(struct lf_stream *base, struct feature_error *error)
{
    return lf_change_columns_take(&((struct stream *)base)->columns, error);
}

static void
free_stream(struct lf_stream *base)
{
    struct stream *stream = (struct stream *)base;

    lf_change_columns_end(&stream->columns);
    lf_change_rows_free(stream->rows);
    lf_free(stream);
}

static feature_status
make_stream(struct stream *stream, struct feature_error *error)
{
    LF_TRY(lf_change_columns_begin(&stream->columns, stream->rows, error));
    stream->base =
        (struct lf_stream){.fields = stream->columns.fields,
                           .columns = stream->columns.columns,
                           .count = stream->columns.count,
                           .fingerprint = stream->rows->query->fingerprint,
                           .rows = &stream->rows->rows,
                           .read = read_chunk,
                           .take = take_chunk,
                           .free = free_stream};
    return FEATURE_OK;
}

feature_status
feature_store_changes_arrow(feature_store *store, const char *features,
                            const struct feature_changes_arrow_options *options,
                            uint64_t *until, struct ArrowArrayStream *stream,
                            struct feature_error *error)
{
    struct feature_changes_arrow_options asked;
    struct stream *made;
    feature_status status;

    if (!store || !features || !stream)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "store, features and stream are needed");
    LF_TRY(lf_options_read(&asked, sizeof asked, options,
                           "feature_changes_arrow_options", error));
    made = lf_alloc(sizeof *made);
    if (!made)
        return lf_fail_memory(error);
    status = lf_change_rows_create(store, features, &asked, &made->rows, error);
    if (!status)
        status = make_stream(made, error);
    if (status) {
        free_stream(&made->base);
        return status;
    }
    if (until)
        *until = made->rows->until;
    lf_stream_give(&made->base, stream);
    return FEATURE_OK;
}
