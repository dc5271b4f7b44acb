/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests as of a time.
 *
 * Owns which views of a request are asked for their past, and the rows found.
 * Keeps one row of past_rows for each row of such a view.
 * Never comes into play for a request without times and known_by.
 */
#include "base/alloc.h"
#include "store/asof.h"

#define AHEAD      12  /* rows; what a job costs to fetch */
#define LINE       64  /* bytes that memory comes in */
#define COPIED_MAX 256 /* bytes; a longer row has lines enough of its own */

static struct lf_past_row *
rows_of(const feature_request *request, uint32_t view)
{
    return (struct lf_past_row *)request->past_rows.data +
           (size_t)view * request->rows;
}

static int64_t
time_of(const feature_request *request, uint32_t row)
{
    if (!request->as_of_rows)
        return INT64_MAX;
    return lf_load_i64(request->as_of.data +
                       (request->as_of_rows == 1 ? 0 : 8 * (size_t)row));
}

/* A key that no row can have, or a null one, has no past either. job is that
 * of the row, or the first with its key. */
static feature_status
find_row(struct lf_past *past, const struct lf_job *job, int64_t time,
         struct lf_past_row *found, struct feature_error *error)
{
    struct lf_row stored;

    *found = (struct lf_past_row){.kind = LF_PAST_NONE};
    if (!job->key_size)
        return FEATURE_OK;
    if (job->value)
        lf_row_open(&stored, job->value, job->size);
    return lf_past_find(past, job->key, job->key_size, time,
                        job->value ? &stored : NULL, found, error);
}

/* Whether a row would lie in more lines than it needs. Where the rows move to
 * when they grow only costs time. */
static size_t
pad_before(const struct lf_past *past, uint32_t size)
{
    size_t at = (uintptr_t)(past->rows.data + past->rows.size) % LINE;

    return at && size <= LINE && at + size > LINE ? LINE - at : 0;
}

/* Rows lie anywhere in the file, and the answer wants them in the order of the
 * labels: copies of short ones, each in one line, are sooner found again. */
static feature_status
keep_row(struct lf_past *past, struct lf_past_row *found,
         struct feature_error *error)
{
    static const uint8_t zeros[LINE];

    if (!found->bytes || found->size > COPIED_MAX)
        return FEATURE_OK;
    if (!lf_buffer_append(&past->rows, zeros, pad_before(past, found->size)))
        return lf_fail_memory(error);
    found->at = past->rows.size;
    if (!lf_buffer_append(&past->rows, found->bytes, found->size))
        return lf_fail_memory(error);
    found->bytes = NULL;
    return FEATURE_OK;
}

/* All rows, in the order that costs least. failed is the row at fault. */
static feature_status
find_rows(feature_request *request, uint32_t view, uint32_t *failed,
          struct feature_error *error)
{
    const struct lf_job_range *range = &request->ranges[view];
    const struct lf_job *jobs = lf_request_jobs(request) + range->first;
    struct lf_past_row *rows = rows_of(request, view);
    struct lf_past *past = &request->pasts[view];
    const struct lf_label *labels;
    uint32_t count;

    LF_TRY(lf_asof_order(request, view, &labels, &count, error));
    for (uint32_t i = 0; i < count; i++) {
        if (i + AHEAD < count) {
            __builtin_prefetch(&jobs[labels[i + AHEAD].job]);
            __builtin_prefetch(&rows[labels[i + AHEAD].row], 1);
        }
        *failed = labels[i].row;
        LF_TRY(find_row(past, &jobs[labels[i].job], labels[i].time,
                        &rows[labels[i].row], error));
        LF_TRY(keep_row(past, &rows[labels[i].row], error));
    }
    for (uint32_t row = 0; !count && row < request->rows; row++) {
        const struct lf_job *job = jobs + (range->count == 1 ? 0 : row);

        *failed = row;
        LF_TRY(find_row(past, job - job->twin, time_of(request, row),
                        &rows[row], error));
    }
    return FEATURE_OK;
}

static feature_status
find_view(feature_request *request, struct lf_reader *reader, uint32_t view,
          struct feature_error *error)
{
    const struct lf_view *definition = request->plan->views[view].definition;
    struct lf_past *past = &request->pasts[view];
    feature_status status;
    uint32_t row = 0;

    past->is_used = false;
    if (definition->event)
        return FEATURE_OK;
    LF_TRY(lf_store_read_view(reader, definition->id, &past->meta, error));
    past->is_used = request->query->known_by || definition->history ||
                    past->meta.purge_time;
    if (!past->is_used)
        return FEATURE_OK;
    status =
        lf_past_begin(past, reader, request->plan->catalog, definition,
                      request->commit_time, request->query->known_by, error);
    if (!status)
        status = find_rows(request, view, &row, error);
    lf_past_end(past);
    if (status == FEATURE_CORRUPT) {
        lf_error_prefix(error, "row %u: ", row);
        lf_error_place(error, 0, row, 0);
    }
    return status;
}

feature_status
lf_pasts_find(feature_request *request, struct lf_reader *reader,
              struct feature_error *error)
{
    uint32_t views = request->query->selection->view_count;

    if (!request->pasts)
        request->pasts = lf_alloc_array(views, sizeof *request->pasts);
    if (!request->pasts ||
        !lf_buffer_reserve(&request->past_rows, (size_t)views * request->rows *
                                                    sizeof(struct lf_past_row)))
        return lf_fail_memory(error);
    lf_asof_begin(request);
    for (uint32_t i = 0; i < views; i++)
        LF_TRY(find_view(request, reader, i, error));
    request->has_past = true;
    return FEATURE_OK;
}

const struct lf_past_row *
lf_pasts_rows(const feature_request *request, uint32_t view)
{
    return request->has_past && request->pasts[view].is_used
               ? rows_of(request, view)
               : NULL;
}

void
lf_pasts_free(feature_request *request)
{
    for (uint32_t i = 0;
         request->pasts && i < request->query->selection->view_count; i++)
        lf_past_free(&request->pasts[i]);
    lf_free(request->pasts);
    lf_buffer_free(&request->past_rows);
    lf_buffer_free(&request->labels);
    lf_buffer_free(&request->label_room);
}
