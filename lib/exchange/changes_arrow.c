/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feature_store_changes_arrow().
 *
 * Owns the stream's callbacks.
 * Keeps every batch apart from the feed: copies, which outlive the stream and
 * the store.
 * Never frees the struct of the stream, and touches nothing after its release.
 */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "exchange/change_columns.h"

struct stream {
    struct lf_change_rows *rows;
    struct lf_change_columns columns;
    bool has_chunk;  /* read and not given out: memory was short */
    bool has_failed; /* the last call */
    char problem[sizeof((struct feature_error *)0)->reason +
                 sizeof((struct feature_error *)0)->message + 2];
};

/* Ends a call: keeps what get_last_error has to say until the next. */
static int
finish(struct stream *stream, feature_status status,
       const struct feature_error *error)
{
    stream->has_failed = status != FEATURE_OK;
    if (status)
        snprintf(stream->problem, sizeof stream->problem, "%s: %s",
                 error->reason, error->message);
    return lf_stream_errno(status);
}

static int
get_schema(struct ArrowArrayStream *self, struct ArrowSchema *out)
{
    struct stream *stream = self->private_data;
    struct feature_error error;
    feature_status status = FEATURE_OK;

    if (!lf_schema_export(stream->columns.fields, stream->columns.count,
                          stream->rows->query->fingerprint, out))
        status = lf_fail_memory(&error);
    return finish(stream, status, &error);
}

static feature_status
next_batch(struct stream *stream, struct ArrowArray *out,
           struct feature_error *error)
{
    if (!stream->has_chunk)
        LF_TRY(lf_change_rows_next(stream->rows, error));
    if (!stream->rows->rows) {
        memset(out, 0, sizeof *out); /* released: the end */
        return FEATURE_OK;
    }
    stream->has_chunk = true;
    LF_TRY(lf_change_columns_take(&stream->columns, error));
    if (!lf_array_export(stream->columns.fields, stream->columns.columns,
                         stream->columns.count, stream->rows->rows, out))
        return lf_fail_memory(error);
    stream->has_chunk = false;
    return FEATURE_OK;
}

static int
get_next(struct ArrowArrayStream *self, struct ArrowArray *out)
{
    struct stream *stream = self->private_data;
    struct feature_error error;

    return finish(stream, next_batch(stream, out, &error), &error);
}

static const char *
get_last_error(struct ArrowArrayStream *self)
{
    const struct stream *stream = self->private_data;

    return stream->has_failed ? stream->problem : NULL;
}

static void
free_stream(struct stream *stream)
{
    lf_change_columns_end(&stream->columns);
    lf_change_rows_free(stream->rows);
    lf_free(stream);
}

static void
release(struct ArrowArrayStream *self)
{
    free_stream(self->private_data);
    self->private_data = NULL;
    self->release = NULL;
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
        status = lf_change_columns_begin(&made->columns, made->rows, error);
    if (status) {
        free_stream(made);
        return status;
    }
    if (until)
        *until = made->rows->until;
    *stream = (struct ArrowArrayStream){.get_schema = get_schema,
                                        .get_next = get_next,
                                        .get_last_error = get_last_error,
                                        .release = release,
                                        .private_data = made};
    return FEATURE_OK;
}
