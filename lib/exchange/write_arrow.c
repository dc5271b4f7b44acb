/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feature_store_write_arrow().
 *
 * Owns the order of the call: schema, columns, then record batches gathered
 * into one batch for each commit.
 * Keeps the place of an error in the stream, whatever it became in the batch.
 * Never calls the producer within a write transaction, and releases its stream
 * on every way out.
 */
#include <stdio.h>
#include <string.h>

#include "exchange/import.h"

/* Where rows of the batch came from. */
struct origin {
    uint32_t first; /* row of the batch */
    uint32_t record_batch;
    size_t record_row;
};

struct import {
    struct lf_import from;
    struct feature_arrow_options options;
    uint32_t limit; /* rows of a commit */
    struct lf_buffer origins;
    struct feature_commit kept; /* by the commits so far */
};

static feature_status
check_arguments(feature_store *store, const char *view,
                const struct feature_arrow_options *options,
                struct feature_error *error)
{
    uint32_t unknown = options->flags & ~(uint32_t)FEATURE_WRITE_SKIP_INVALID;

    if (!store || !view)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "store and view are needed");
    if (unknown)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "unknown bits 0x%x in the Arrow options' flags",
                       unknown);
    if (options->source_count && options->commit_rows)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "sources are those of one commit: leave commit_rows 0");
    LF_TRY(lf_store_enter(store, error));
    lf_store_leave(store);
    if (store->read_only)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "the store is open read-only");
    return FEATURE_OK;
}

/* A row of the batch, as a row of the stream. */
static const struct origin *
find_origin(const struct import *import, int64_t row)
{
    const struct origin *origins = (const struct origin *)import->origins.data;
    size_t low = 0, high = import->origins.size / sizeof *origins;

    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;

        if (origins[middle].first <= row)
            low = middle;
        else
            high = middle;
    }
    return &origins[low];
}

/* The write names the row of its only batch, `batch 0, row 7`, or the batch
 * alone: the sentence keeps what comes after. */
static void
name_place(const struct import *import, struct feature_error *error)
{
    char begin[48], rest[sizeof error->message];
    const struct origin *origin;
    long long row;

    if (error->row < 0 || !import->origins.size) {
        snprintf(begin, sizeof begin, "batch 0, ");
        if (strncmp(error->message, begin, strlen(begin)) == 0)
            memmove(error->message, error->message + strlen(begin),
                    strlen(error->message + strlen(begin)) + 1);
        return;
    }
    snprintf(begin, sizeof begin, "batch 0, row %lld", (long long)error->row);
    if (strncmp(error->message, begin, strlen(begin)) != 0)
        return;
    origin = find_origin(import, error->row);
    row = (long long)origin->record_row + error->row - origin->first;
    memcpy(rest, error->message, sizeof rest);
    snprintf(error->message, sizeof error->message, "%s", rest + strlen(begin));
    lf_error_prefix(error, "batch %u, row %lld", origin->record_batch, row);
    lf_error_place(error, origin->record_batch, row, error->column);
}

static void
add_counts(struct feature_commit *kept, const struct feature_commit *made)
{
    kept->applied += made->applied;
    kept->late += made->late;
    kept->duplicate += made->duplicate;
    kept->future += made->future;
    kept->rejected += made->rejected;
}

/* Writes what was gathered. newest is what the store is at by then, should this
 * call have changed nothing. */
static feature_status
commit_rows(struct import *import, struct feature_commit *newest,
            struct feature_error *error)
{
    struct lf_intake *intake = &import->from.intake;
    struct feature_write_options options = {.struct_size = sizeof options,
                                            .flags = import->options.flags,
                                            .sources = import->options.sources,
                                            .source_count =
                                                import->options.source_count,
                                            .wait_ms = import->options.wait_ms};
    feature_status status;

    newest->struct_size = sizeof *newest;
    status = feature_store_write(import->from.store, &intake->batch, 1,
                                 &options, newest, error);
    if (status) {
        if (error)
            name_place(import, error);
        return status;
    }
    add_counts(&import->kept, newest);
    if (newest->applied || newest->late) {
        import->kept.sequence = newest->sequence;
        import->kept.time = newest->time;
    }
    import->origins.size = 0;
    return lf_intake_begin(intake, error);
}

/* Gathers rows [first, first + count) of a record batch. */
static feature_status
take_slice(struct import *import, const struct ArrowArray *array, size_t first,
           uint32_t count, struct feature_error *error)
{
    struct origin origin = {.first = import->from.intake.rows,
                            .record_batch = import->from.intake.record_batch,
                            .record_row = first};

    if (!lf_buffer_append(&import->origins, &origin, sizeof origin))
        return lf_fail_memory(error);
    return lf_import_slice(&import->from, array, first, count, error);
}

static feature_status
take_record(struct import *import, const struct ArrowArray *array,
            struct feature_error *error)
{
    struct feature_commit newest;
    size_t rows;

    LF_TRY(lf_import_check(&import->from, array, error));
    rows = (size_t)array->length;
    for (size_t first = 0; first < rows;) {
        size_t room = import->limit - import->from.intake.rows;
        size_t count = rows - first < room ? rows - first : room;

        if (!count)
            return lf_fail(error, FEATURE_INVALID, "argument",
                           "one commit has at most %u rows: set commit_rows",
                           import->limit);
        LF_TRY(take_slice(import, array, first, (uint32_t)count, error));
        if (import->from.intake.rows == import->options.commit_rows)
            LF_TRY(commit_rows(import, &newest, error));
        first += count;
    }
    return FEATURE_OK;
}

static feature_status
take_records(struct import *import, struct feature_error *error)
{
    struct feature_commit newest;
    struct ArrowArray array;
    feature_status status;

    for (;; import->from.intake.record_batch++) {
        LF_TRY(lf_stream_next(import->from.stream,
                              import->from.intake.record_batch, &array, error));
        if (!array.release)
            break;
        status = take_record(import, &array, error);
        array.release(&array);
        if (status)
            return status;
    }
    /* Also where there are no rows: then it says which commit is newest. */
    if (import->from.intake.rows || !import->kept.sequence) {
        LF_TRY(commit_rows(import, &newest, error));
        if (!import->kept.sequence) {
            import->kept.sequence = newest.sequence;
            import->kept.time = newest.time;
        }
    }
    return FEATURE_OK;
}

static feature_status
run_import(struct import *import, const char *view, int32_t operation,
           struct feature_error *error)
{
    feature_status status =
        check_arguments(import->from.store, view, &import->options, error);

    if (!status)
        status = lf_import_open(&import->from, view, operation,
                                import->options.columns, error);
    if (!status)
        status = take_records(import, error);
    lf_import_free(&import->from);
    lf_buffer_free(&import->origins);
    return status;
}

feature_status
feature_store_write_arrow(feature_store *store, const char *view,
                          int32_t operation, struct ArrowArrayStream *stream,
                          const struct feature_arrow_options *options,
                          struct feature_commit *commit,
                          struct feature_error *error)
{
    struct import import = {.from = {.store = store, .stream = stream}};
    feature_status status;

    if (!stream || !stream->release)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "a stream is needed that is not released yet");
    status = lf_options_read(&import.options, sizeof import.options, options,
                             "feature_arrow_options", error);
    if (!status && commit)
        status = lf_report_check(commit, "feature_commit", error);
    if (!status) {
        import.from.intake.skip_invalid =
            import.options.flags & FEATURE_WRITE_SKIP_INVALID;
        import.limit = UINT32_MAX;
        if (import.options.commit_rows &&
            import.options.commit_rows < UINT32_MAX)
            import.limit = (uint32_t)import.options.commit_rows;
        status = run_import(&import, view, operation, error);
        if (commit)
            lf_report_write(commit, &import.kept, sizeof import.kept);
    }
    lf_stream_release(stream);
    return status;
}
