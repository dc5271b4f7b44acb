/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feature_query_history().
 *
 * Owns which columns a history has, and their names.
 * Keeps the report and the batches to one commit.
 * Never lets a batch borrow from the history: see stream_out.c.
 */
#include <string.h>

#include "base/alloc.h"
#include "exchange/stream.h"
#include "store/batch.h"
#include "store/versions.h"

#define OWN_COLUMNS 5 /* behind the keys */

struct stream {
    struct lf_stream base;
    struct lf_versions *versions;
    struct lf_out_field *fields; /* names are of the query */
    struct lf_out_column *columns;
};

static feature_status
read_chunk(struct lf_stream *base, struct feature_error *error)
{
    return lf_versions_next(((struct stream *)base)->versions, error);
}

static feature_status
take_chunk(struct lf_stream *base, struct feature_error *error)
{
    struct stream *stream = (struct stream *)base;
    const struct lf_versions *versions = stream->versions;
    const struct lf_selection *selection = versions->query.selection;
    struct lf_out_column *column = lf_stream_answers(
        stream->columns, versions->keys, selection->views[0].key_count);

    (void)error;
    *column++ = (struct lf_out_column){.values = versions->times.data};
    column = lf_stream_answers(column, &versions->sequences, 1);
    *column++ = (struct lf_out_column){.values = versions->commit_times.data};
    *column++ = (struct lf_out_column){.values = versions->operations.data};
    column = lf_stream_answers(column, &versions->written, 1);
    lf_stream_answers(column, versions->request->answers,
                      selection->column_count);
    return FEATURE_OK;
}

static void
free_stream(struct lf_stream *base)
{
    struct stream *stream = (struct stream *)base;

    lf_versions_free(stream->versions);
    lf_free(stream->fields);
    lf_free(stream->columns);
    lf_free(stream);
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
make_stream(struct stream *stream, struct feature_error *error)
{
    const struct lf_versions *versions = stream->versions;
    const struct lf_selection *selection = versions->query.selection;
    uint32_t count =
        selection->views[0].key_count + OWN_COLUMNS + selection->column_count;
    struct lf_out_field *field;

    stream->fields = lf_alloc_array(count, sizeof *stream->fields);
    stream->columns = lf_alloc_array(count, sizeof *stream->columns);
    if (!stream->fields || !stream->columns)
        return lf_fail_memory(error);
    field = lf_stream_keys(stream->fields, selection);
    memcpy(field, own_columns, sizeof own_columns);
    lf_stream_features(field + OWN_COLUMNS, selection);
    stream->base =
        (struct lf_stream){.fields = stream->fields,
                           .columns = stream->columns,
                           .count = count,
                           .fingerprint = versions->asked->fingerprint,
                           .rows = &versions->request->rows,
                           .read = read_chunk,
                           .take = take_chunk,
                           .free = free_stream};
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
        status = make_stream(made, error);
    if (status) {
        free_stream(&made->base);
        return status;
    }
    write_report(made->versions, report);
    lf_stream_give(&made->base, stream);
    return FEATURE_OK;
}
