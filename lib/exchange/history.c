/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feature_query_history().
 *
 * Owns the stream's callbacks, and the names of its columns.
 * Keeps every batch apart from the stream: copies, which outlive it and the
 * store.
 * Never frees the struct of the stream, and touches nothing after its release.
 */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "exchange/out.h"
#include "store/batch.h"
#include "store/versions.h"

#define OWN_COLUMNS 5 /* behind the keys */

struct stream {
    struct lf_versions *versions;
    struct lf_out_field *fields; /* names are of the query */
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
    struct feature_error error;
    feature_status status = FEATURE_OK;

    if (!lf_schema_export(stream->fields, stream->count,
                          stream->versions->asked->fingerprint, out))
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

static void
take_chunk(struct stream *stream)
{
    const struct lf_versions *versions = stream->versions;
    const struct lf_selection *selection = versions->query.selection;
    struct lf_out_column *column = stream->columns;

    for (uint32_t i = 0; i < selection->views[0].key_count; i++)
        take_answer(column++, &versions->keys[i]);
    *column++ = (struct lf_out_column){.values = versions->times.data};
    take_answer(column++, &versions->sequences);
    *column++ = (struct lf_out_column){.values = versions->commit_times.data};
    *column++ = (struct lf_out_column){.values = versions->operations.data};
    take_answer(column++, &versions->written);
    for (uint32_t i = 0; i < selection->column_count; i++)
        take_answer(column++, &versions->request->answers[i]);
}

static feature_status
next_batch(struct stream *stream, struct ArrowArray *out,
           struct feature_error *error)
{
    uint32_t rows;

    if (!stream->has_chunk)
        LF_TRY(lf_versions_next(stream->versions, error));
    rows = stream->versions->request->rows;
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
    lf_versions_free(stream->versions);
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

/* Names with a leading _ are nobody else's. */
static const struct lf_out_field own_columns[OWN_COLUMNS] = {
    {.name = LF_EVENT_TIMESTAMP,
     .type = {.code = FEATURE_TYPE_TIMESTAMP, .width = 1}},
    {.name = "_sequence",
     .type = {.code = FEATURE_TYPE_INT64, .width = 1},
     .is_nullable = true},
    {.name = "_commit_time",
     .type = {.code = FEATURE_TYPE_TIMESTAMP, .width = 1}},
    {.name = "_operation", .type = {.code = FEATURE_TYPE_INT32, .width = 1}},
    {.name = "_written", .type = {.code = FEATURE_TYPE_BYTES, .width = 1}},
};

static feature_status
make_fields(struct stream *stream, struct feature_error *error)
{
    const struct lf_selection *selection = stream->versions->query.selection;
    const struct lf_selection_view *view = &selection->views[0];
    struct lf_out_field *field;

    stream->count = view->key_count + OWN_COLUMNS + selection->column_count;
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
    memcpy(field, own_columns, sizeof own_columns);
    field += OWN_COLUMNS;
    for (uint32_t i = 0; i < selection->column_count; i++)
        *field++ = (struct lf_out_field){.name = selection->columns[i].name,
                                         .type = selection->columns[i].type,
                                         .is_nullable = true};
    return FEATURE_OK;
}

static feature_status
read_options(const feature_query *query,
             const struct feature_history_options *options,
             struct feature_history_options *asked,
             const struct feature_history_report *report,
             struct feature_error *error)
{
    LF_TRY(lf_options_read(asked, sizeof *asked, options,
                           "feature_history_options", error));
    LF_TRY(lf_store_enter(query->store, error));
    lf_store_leave(query->store);
    return report ? lf_report_check(report, "feature_history_report", error)
                  : FEATURE_OK;
}

static void
write_report(const struct lf_versions *versions,
             struct feature_history_report *report)
{
    struct feature_history_report ours = {
        .struct_size = sizeof ours,
        .sequence = versions->request->sequence,
        .since = versions->meta.history_since,
        .horizon = versions->meta.history_horizon};

    if (report)
        lf_report_write(report, &ours, sizeof ours);
}

feature_status
feature_query_history(const feature_query *query,
                      const struct feature_column *keys, uint32_t key_count,
                      const struct feature_history_options *options,
                      struct feature_history_report *report,
                      struct ArrowArrayStream *stream,
                      struct feature_error *error)
{
    struct feature_history_options asked;
    struct stream *made;
    feature_status status;

    if (!query || !keys || !stream)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "query, keys and stream are needed");
    LF_TRY(read_options(query, options, &asked, report, error));
    made = lf_alloc(sizeof *made);
    if (!made)
        return lf_fail_memory(error);
    status = lf_versions_create(query, keys, key_count, &asked, &made->versions,
                                error);
    if (!status)
        status = make_fields(made, error);
    if (status) {
        free_stream(made);
        return status;
    }
    write_report(made->versions, report);
    *stream = (struct ArrowArrayStream){.get_schema = get_schema,
                                        .get_next = get_next,
                                        .get_last_error = get_last_error,
                                        .release = release,
                                        .private_data = made};
    return FEATURE_OK;
}
