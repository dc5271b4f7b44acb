/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feature_load_append_arrow().
 *
 * Owns the pieces in which record batches go into a load: small enough for their
 * columns to stay near the processor until they are rows.
 * Keeps the place of an error in the stream.
 * Never calls the producer within a transaction, and releases its stream on every
 * way out.
 */
#include <string.h>

#include "exchange/import.h"
#include "format/parcel.h"
#include "store/load_rows.h"

#define PIECE 4096 /* rows */

static feature_status
check_arguments(const feature_load *load,
                const struct feature_arrow_options *options,
                struct feature_error *error)
{
    if (!load)
        return lf_fail(error, FEATURE_INVALID, "argument", "load is needed");
    if (options->flags || options->commit_rows || options->source_count ||
        options->wait_ms)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "of the Arrow options a load takes columns alone");
    return FEATURE_OK;
}

static feature_status
take_record(struct lf_import *import, feature_load *load,
            const struct ArrowArray *array, struct feature_error *error)
{
    struct lf_intake *intake = &import->intake;
    size_t rows, count;

    LF_TRY(lf_import_check(import, array, error));
    rows = (size_t)array->length;
    for (size_t first = 0; first < rows; first += count) {
        count = rows - first < PIECE ? rows - first : PIECE;
        LF_TRY(lf_intake_begin(intake, error));
        LF_TRY(lf_import_slice(import, array, first, (uint32_t)count, error));
        LF_TRY(lf_load_append(load, intake->batch, intake->record_batch,
                              (uint32_t)first, error));
    }
    return FEATURE_OK;
}

static feature_status
take_records(struct lf_import *import, feature_load *load,
             struct feature_error *error)
{
    struct ArrowArray array;
    feature_status status;

    for (;; import->intake.record_batch++) {
        LF_TRY(lf_stream_next(import->stream, import->intake.record_batch,
                              &array, error));
        if (!array.release)
            return FEATURE_OK;
        status = take_record(import, load, &array, error);
        array.release(&array);
        if (status)
            return status;
    }
}

static feature_status
take_states(void *context, struct lf_tiles_in *in, uint32_t record_batch,
            struct feature_error *error)
{
    return lf_load_append_states(context, in, record_batch, error);
}

static bool
has_tiles(const struct ArrowSchema *schema)
{
    for (int64_t i = 0; i < schema->n_children; i++) {
        const char *name = schema->children[i]->name;

        if (name && strcmp(name, LF_TILES_COLUMN) == 0)
            return true;
    }
    return false;
}

/* Rows of the view, or of its event. */
static feature_status
append_rows(feature_load *load, struct ArrowArrayStream *stream,
            const struct ArrowSchema *schema, const char *columns,
            struct feature_error *error)
{
    struct lf_import import = {
        .store = load->store, .stream = stream, .schema = schema};
    const char *name = load->is_event ? load->event_name : load->name;
    int32_t operation = load->is_event ? FEATURE_EVENT : FEATURE_UPSERT;
    feature_status status =
        lf_import_open(&import, name, operation, columns, error);

    if (!status)
        status = take_records(&import, load, error);
    lf_import_free(&import);
    return status;
}

static feature_status
append_stream(feature_load *load, struct ArrowArrayStream *stream,
              const struct feature_arrow_options *options,
              struct feature_error *error)
{
    struct ArrowSchema schema;
    feature_status status;

    LF_TRY(check_arguments(load, options, error));
    LF_TRY(lf_load_check(load, error));
    LF_TRY(lf_stream_schema(stream, &schema, error));
    status = load->is_event && has_tiles(&schema)
                 ? lf_tiles_read(load->store, load->name, stream, &schema,
                                 take_states, load, error)
                 : append_rows(load, stream, &schema, options->columns, error);
    schema.release(&schema);
    return status;
}

feature_status
feature_load_append_arrow(feature_load *load, struct ArrowArrayStream *stream,
                          const struct feature_arrow_options *options,
                          struct feature_error *error)
{
    struct feature_arrow_options asked;
    feature_status status;

    if (!stream || !stream->release)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "a stream is needed that is not released yet");
    status = lf_options_read(&asked, sizeof asked, options,
                             "feature_arrow_options", error);
    if (!status)
        status = append_stream(load, stream, &asked, error);
    lf_stream_release(stream);
    return status;
}
