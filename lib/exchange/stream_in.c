/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The calls of an Arrow stream that somebody else made.
 *
 * Owns what a stream's answers mean: an errno, the end, an error's text.
 * Keeps to the protocol: the schema once, nothing after a failure or the end,
 * release once, in place, since a producer may know its stream by its address.
 * Never releases what a failed call left behind.
 */
#include "exchange/import.h"

#include <string.h>

#define TEXT_SIZE 160

/* The producer's own words, on one line. */
static void
quote_reason(struct ArrowArrayStream *stream, char text[TEXT_SIZE])
{
    const char *reason =
        stream->get_last_error ? stream->get_last_error(stream) : NULL;

    if (reason)
        lf_quote_into(text, TEXT_SIZE, reason, strnlen(reason, TEXT_SIZE));
    else
        strcpy(text, "it gives no reason");
}

static feature_status
fail_producer(struct feature_error *error, int code, const char *text)
{
    lf_fail(error, FEATURE_IO, "stream", "the producer failed: %s", text);
    if (error)
        error->os_error = code;
    return FEATURE_IO;
}

static feature_status
check_schema(const struct ArrowSchema *schema, struct feature_error *error)
{
    bool whole = schema->n_children >= 0 && schema->n_children <= INT32_MAX &&
                 (schema->n_children == 0 || schema->children);

    if (!schema->format || strcmp(schema->format, "+s") != 0 ||
        schema->dictionary)
        return lf_fail(error, FEATURE_INVALID, "arrow",
                       "the stream is not one of record batches");
    for (int64_t i = 0; whole && i < schema->n_children; i++)
        whole = schema->children[i] != NULL;
    if (!whole)
        return lf_fail(error, FEATURE_INVALID, "arrow",
                       "the stream's schema lacks some of its columns");
    return FEATURE_OK;
}

feature_status
lf_stream_schema(struct ArrowArrayStream *stream, struct ArrowSchema *schema,
                 struct feature_error *error)
{
    char text[TEXT_SIZE];
    feature_status status;
    int code;

    memset(schema, 0, sizeof *schema);
    if (!stream->get_schema || !stream->get_next)
        return lf_fail(error, FEATURE_INVALID, "arrow",
                       "the stream lacks some of its functions");
    code = stream->get_schema(stream, schema);
    if (code) {
        quote_reason(stream, text);
        schema->release = NULL;
        return fail_producer(error, code, text);
    }
    if (!schema->release)
        return lf_fail(error, FEATURE_INVALID, "arrow",
                       "the stream gives a released schema");
    status = check_schema(schema, error);
    if (status)
        schema->release(schema);
    return status;
}

feature_status
lf_stream_next(struct ArrowArrayStream *stream, uint32_t index,
               struct ArrowArray *array, struct feature_error *error)
{
    char text[TEXT_SIZE];
    int code;

    memset(array, 0, sizeof *array);
    code = stream->get_next(stream, array);
    if (!code)
        return FEATURE_OK;
    quote_reason(stream, text);
    array->release = NULL;
    fail_producer(error, code, text);
    lf_error_prefix(error, "batch %u, ", index);
    lf_error_place(error, index, -1, 0);
    return FEATURE_IO;
}

void
lf_stream_release(struct ArrowArrayStream *stream)
{
    if (stream->release)
        stream->release(stream);
    stream->release = NULL;
}
