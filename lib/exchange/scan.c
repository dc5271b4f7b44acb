/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feature_store_scan_arrow() and feature_store_tiles_arrow().
 *
 * Owns the stream's callbacks.
 * Keeps every batch apart from the scan: copies, which outlive the stream and
 * the store.
 * Never frees the struct of the stream, and touches nothing after its release.
 */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "exchange/out.h"
#include "store/batch.h"
#include "store/tiles_out.h"

struct stream {
    struct lf_scan *scan;
    struct lf_out_field *fields; /* names are of the scan's query */
    struct lf_out_column *columns;
    uint32_t count;
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
    const struct lf_scan *scan = stream->scan;
    uint64_t fingerprint = scan->tiles ? lf_tiles_fingerprint(scan->tiles)
                                       : scan->query->fingerprint;
    struct feature_error error;
    feature_status status = FEATURE_OK;

    if (!lf_schema_export(stream->fields, stream->count, fingerprint, out))
        status = lf_fail_memory(&error);
    return finish(stream, status, &error);
}

static void
take_answer(struct lf_out_column *column, const struct lf_answer *answer)
{
    *column =
        (struct lf_out_column){.values = answer->values.data,
                               .offsets = answer->offsets.data,
                               .child_offsets = answer->child_offsets.data,
                               .validity = answer->validity.data,
                               .null_count = answer->null_count};
}

/* The chunk that was just read: join keys, event timestamp, features or states. */
static void
take_chunk(struct stream *stream)
{
    const struct lf_scan *scan = stream->scan;
    const struct lf_selection *selection = scan->query->selection;
    struct lf_out_column *column = stream->columns;

    for (uint32_t i = 0; i < selection->views[0].key_count; i++)
        take_answer(column++, &scan->keys[i]);
    if (scan->tiles) {
        *column++ = (struct lf_out_column){.values = scan->tiles->times.data};
        take_answer(column, &scan->tiles->states);
        return;
    }
    *column++ =
        (struct lf_out_column){.values = scan->request->timestamps.data};
    for (uint32_t i = 0; i < selection->column_count; i++)
        take_answer(column++, &scan->request->answers[i]);
}

static feature_status
next_batch(struct stream *stream, struct ArrowArray *out,
           struct feature_error *error)
{
    uint32_t rows;

    if (!stream->has_chunk)
        LF_TRY(lf_scan_next(stream->scan, error));
    rows = stream->scan->request->rows;
    if (!rows) {
        memset(out, 0, sizeof *out); /* released: the end */
        return FEATURE_OK;
    }
    take_chunk(stream);
    stream->has_chunk = !lf_array_export(stream->fields, stream->columns,
                                         stream->count, rows, out);
    return stream->has_chunk ? lf_fail_memory(error) : FEATURE_OK;
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
    if (!stream)
        return;
    lf_scan_free(stream->scan);
    lf_free(stream->fields);
    lf_free(stream->columns);
    lf_free(stream);
}

static void
release(struct ArrowArrayStream *self)
{
    free_stream(self->private_data);
    self->private_data = NULL;
    self->release = NULL;
}

/* A feature may be null in a row that has none of it, is past the ttl, or
 * whatever becomes of its DEFAULT; a key or a timestamp never is. */
static feature_status
make_fields(struct stream *stream, struct feature_error *error)
{
    const struct lf_selection *selection = stream->scan->query->selection;
    const struct lf_selection_view *view = &selection->views[0];
    uint32_t columns = stream->scan->tiles ? 1 : selection->column_count;
    struct lf_out_field *field;

    stream->count = view->key_count + 1 + columns;
    stream->fields = lf_alloc_array(stream->count, sizeof *stream->fields);
    stream->columns = lf_alloc_array(stream->count, sizeof *stream->columns);
    if (!stream->fields || !stream->columns)
        return lf_fail_memory(error);
    field = stream->fields;
    for (uint32_t i = 0; i < view->key_count; i++, field++) {
        field->name = selection->keys[view->keys[i]].name;
        field->type.code = selection->keys[view->keys[i]].code;
        field->type.width = 1;
    }
    field->name = LF_EVENT_TIMESTAMP;
    field++->type =
        (struct lf_type){.code = FEATURE_TYPE_TIMESTAMP, .width = 1};
    if (stream->scan->tiles) {
        field->name = LF_TILES_COLUMN;
        field->type = (struct lf_type){.code = FEATURE_TYPE_BYTES, .width = 1};
        return FEATURE_OK;
    }
    for (uint32_t i = 0; i < selection->column_count; i++)
        *field++ = (struct lf_out_field){.name = selection->columns[i].name,
                                         .type = selection->columns[i].type,
                                         .is_nullable = true};
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
        status = make_fields(made, error);
    if (status) {
        free_stream(made);
        return status;
    }
    *stream = (struct ArrowArrayStream){.get_schema = get_schema,
                                        .get_next = get_next,
                                        .get_last_error = get_last_error,
                                        .release = release,
                                        .private_data = made};
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
