/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Arrow streams that we make.
 *
 * Owns the stream's callbacks, and the errno value of each status.
 * Keeps every batch apart from the stream: copies, which outlive it and the
 * store; one that memory was short for comes with the next call.
 * Never frees the struct of the stream, and touches nothing after its release.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "exchange/stream.h"

int
lf_stream_errno(feature_status status)
{
    switch ((enum feature_status_code)status) {
    case FEATURE_OK:
        return 0;
    case FEATURE_NO_MEMORY:
        return ENOMEM;
    case FEATURE_BUSY:
        return EBUSY;
    case FEATURE_FULL:
        return ENOSPC;
    case FEATURE_UNSUPPORTED:
        return ENOTSUP;
    case FEATURE_IO:
    case FEATURE_CORRUPT:
        return EIO;
    case FEATURE_INVALID:
    case FEATURE_NOT_FOUND:
    case FEATURE_CONFLICT:
    case FEATURE_GAP:
    case FEATURE_VERSION:
        break;
    }
    return EINVAL;
}

/* --- the callbacks ------------------------------------------------------------ */

/* Ends a call: keeps what get_last_error has to say until the next. */
static int
finish(struct lf_stream *stream, feature_status status,
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
    struct lf_stream *stream = self->private_data;
    struct feature_error error;
    feature_status status = FEATURE_OK;

    if (!lf_schema_export(stream->fields, stream->count, stream->fingerprint,
                          out))
        status = lf_fail_memory(&error);
    return finish(stream, status, &error);
}

static feature_status
next_batch(struct lf_stream *stream, struct ArrowArray *out,
           struct feature_error *error)
{
    if (!stream->has_chunk)
        LF_TRY(stream->read(stream, error));
    if (!*stream->rows) {
        memset(out, 0, sizeof *out); /* released: the end */
        return FEATURE_OK;
    }
    stream->has_chunk = true;
    LF_TRY(stream->take(stream, error));
    if (!lf_array_export(stream->fields, stream->columns, stream->count,
                         *stream->rows, out))
        return lf_fail_memory(error);
    stream->has_chunk = false;
    return FEATURE_OK;
}

static int
get_next(struct ArrowArrayStream *self, struct ArrowArray *out)
{
    struct lf_stream *stream = self->private_data;
    struct feature_error error;

    return finish(stream, next_batch(stream, out, &error), &error);
}

static const char *
get_last_error(struct ArrowArrayStream *self)
{
    const struct lf_stream *stream = self->private_data;

    return stream->has_failed ? stream->problem : NULL;
}

static void
release(struct ArrowArrayStream *self)
{
    struct lf_stream *stream = self->private_data;

    stream->free(stream);
    self->private_data = NULL;
    self->release = NULL;
}

void
lf_stream_give(struct lf_stream *made, struct ArrowArrayStream *stream)
{
    *stream = (struct ArrowArrayStream){.get_schema = get_schema,
                                        .get_next = get_next,
                                        .get_last_error = get_last_error,
                                        .release = release,
                                        .private_data = made};
}

/* --- what they are of --------------------------------------------------------- */

struct lf_out_field *
lf_stream_keys(struct lf_out_field *to, const struct lf_selection *selection)
{
    const struct lf_selection_view *view = &selection->views[0];

    for (uint32_t i = 0; i < view->key_count; i++)
        *to++ = (struct lf_out_field){
            .name = selection->keys[view->keys[i]].name,
            .type = {.code = selection->keys[view->keys[i]].code, .width = 1}};
    return to;
}

struct lf_out_field *
lf_stream_features(struct lf_out_field *to,
                   const struct lf_selection *selection)
{
    for (uint32_t i = 0; i < selection->column_count; i++)
        *to++ = (struct lf_out_field){.name = selection->columns[i].name,
                                      .type = selection->columns[i].type,
                                      .is_nullable = true};
    return to;
}

struct lf_out_column *
lf_stream_answers(struct lf_out_column *to, const struct lf_answer *answers,
                  uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        *to++ = (struct lf_out_column){.values = answers[i].values.data,
                                       .offsets = answers[i].offsets.data,
                                       .child_offsets =
                                           answers[i].child_offsets.data,
                                       .validity = answers[i].validity.data,
                                       .null_count = answers[i].null_count};
    return to;
}
