/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decoding: the rows of one view, block by block.
 *
 * Owns the state of a row: present, null, gone, too old, not kept, without key.
 * Keeps states, timestamps and cells of one row consistent: all three come from
 * the same look at it.
 * Never decides about a single cell: that is answer.c's.
 */
#include <string.h>

#include "store/answer.h"

#define FETCH_ROWS (4 * BLOCK_ROWS) /* before they are decoded */

/* The newest cell time at or before a time; LF_TIME_UNSET: there is none. */
static int64_t
newest_until(const struct lf_row *row, int64_t at)
{
    if (row->timestamp <= at)
        return row->timestamp;
    for (uint32_t i = 1; i < row->time_count; i++) {
        int64_t time = lf_load_i64(row->times + 8 * (size_t)i);

        if (time <= at)
            return time;
    }
    return LF_TIME_UNSET;
}

static int64_t
oldest_current(const struct lf_view_plan *view, int64_t at)
{
    int64_t oldest;

    if (!view->definition->ttl ||
        __builtin_sub_overflow(at, view->definition->ttl, &oldest))
        return LF_TIME_UNSET;
    return oldest;
}

/* The state of a row as far as its times tell. */
static uint8_t
first_state(const struct decoder *decoder, const struct block_row *at)
{
    bool is_newer = decoder->exact && at->row.timestamp > at->at;

    if (is_newer)
        return FEATURE_STATE_NO_HISTORY;
    if (at->row.flags & LF_ROW_TOMBSTONE)
        return FEATURE_STATE_NOT_FOUND;
    if (at->row.timestamp < at->oldest)
        return FEATURE_STATE_OUTSIDE_MAX_AGE;
    return FEATURE_STATE_PRESENT;
}

/* Rows of the past lie anywhere: those of a few blocks on are under way while
 * this one is decoded. */
static void
fetch_ahead(const struct decoder *decoder)
{
    uint32_t first = decoder->first + FETCH_ROWS, rows = decoder->request->rows;

    for (uint32_t row = first; row < first + BLOCK_ROWS && row < rows; row++) {
        const struct lf_past_row *past = &decoder->past[row];
        const uint8_t *bytes;

        if (past->kind != LF_PAST_ROW)
            continue;
        bytes = lf_past_bytes(&decoder->request->pasts[decoder->index], past);
        __builtin_prefetch(bytes);
        if (past->size > 64) /* a shorter one lies in one line */
            __builtin_prefetch(bytes + past->size - 1);
    }
}

/* The bytes of a row, as it is or was; false: nobody knows what it was. */
static bool
find_bytes(const struct decoder *decoder, uint32_t row,
           const struct lf_job *job, const uint8_t **bytes, size_t *size)
{
    const struct lf_past_row *past = decoder->past ? &decoder->past[row] : NULL;

    *bytes = job->value;
    *size = job->size;
    if (!past || past->kind == LF_PAST_STORED)
        return true;
    *bytes = NULL;
    if (past->kind == LF_PAST_ROW) {
        *bytes = lf_past_bytes(&decoder->request->pasts[decoder->index], past);
        *size = past->size;
    }
    return past->kind != LF_PAST_UNKNOWN;
}

static feature_status
open_row(struct decoder *decoder, uint32_t i, struct feature_error *error)
{
    const feature_request *request = decoder->request;
    const struct lf_job_range *range = &request->ranges[decoder->index];
    uint32_t row = decoder->first + i;
    const struct lf_job *job =
        lf_request_jobs(request) + range->first + (range->count == 1 ? 0 : row);
    struct block_row *at = &decoder->block[i];
    const uint8_t *bytes;
    size_t size;
    bool is_known = find_bytes(decoder, row, job, &bytes, &size);

    at->at = request->now;
    if (decoder->exact)
        at->at = lf_load_i64(request->as_of.data +
                             (request->as_of_rows == 1 ? 0 : 8 * (size_t)row));
    at->plan = NULL;
    at->is_plain = false;
    at->missing = 0;
    at->unknown = 0;
    at->newest = LF_TIME_UNSET;
    if (!bytes) {
        at->state = job->key ? FEATURE_STATE_NOT_FOUND : FEATURE_STATE_NO_KEY;
        if (!is_known)
            at->state = FEATURE_STATE_NO_HISTORY;
        return FEATURE_OK;
    }
    lf_row_open(&at->row, bytes, size);
    at->oldest = decoder->exact ? oldest_current(decoder->view, at->at)
                                : decoder->oldest;
    at->state = first_state(decoder, at);
    if (at->row.flags & LF_ROW_TOMBSTONE)
        return FEATURE_OK;
    if (!decoder->plan || decoder->plan->layout.version != at->row.version)
        LF_TRY(lf_plan_rows(request->plan, decoder->view, at->row.version,
                            &decoder->plan, error));
    at->plan = decoder->plan;
    if (at->row.flags & LF_ROW_CELL_TIMES)
        lf_row_find_times(&at->row, &at->plan->layout);
    at->newest =
        decoder->exact ? newest_until(&at->row, at->at) : at->row.timestamp;
    if (at->newest == LF_TIME_UNSET)
        at->plan = NULL; /* nothing of it was there yet: all is unknown */
    at->is_plain = at->plan && at->state == FEATURE_STATE_PRESENT &&
                   (!at->row.times || !decoder->view->definition->ttl);
    return FEATURE_OK;
}

static void
gather_nulls(struct decoder *decoder)
{
    uint32_t words = (decoder->block[0].plan->layout.count + 63) / 64;

    memset(decoder->nulls, 0, words * sizeof *decoder->nulls);
    for (uint32_t i = 0; i < decoder->count; i++) {
        const uint8_t *bitmap =
            decoder->block[i].row.bytes + LF_ROW_HEADER_SIZE;

        decoder->from[i] = decoder->block[i].row.bytes;
        for (uint32_t w = 0; w < words; w++)
            decoder->nulls[w] |= lf_load_u64(bitmap + 8 * (size_t)w);
    }
}

static feature_status
open_block(struct decoder *decoder, struct feature_error *error)
{
    decoder->is_plain = true;
    for (uint32_t i = 0; i < decoder->count; i++) {
        LF_TRY(open_row(decoder, i, error));
        decoder->is_plain &= decoder->block[i].is_plain &&
                             decoder->block[i].plan == decoder->block[0].plan;
    }
    if (decoder->is_plain && !decoder->sink->matrix)
        gather_nulls(decoder);
    return FEATURE_OK;
}

/* The state once all cells were judged. A row newer than its as-of time still
 * answers where every asked cell is old enough to be known. */
static uint8_t
last_state(const struct decoder *decoder, const struct block_row *at)
{
    bool is_empty = at->missing == decoder->view->column_count;

    if (at->state == FEATURE_STATE_NO_HISTORY && !at->unknown && at->plan) {
        if (at->newest < at->oldest)
            return FEATURE_STATE_OUTSIDE_MAX_AGE;
        return is_empty ? FEATURE_STATE_NULL : FEATURE_STATE_PRESENT;
    }
    if (at->state == FEATURE_STATE_PRESENT && is_empty)
        return FEATURE_STATE_NULL;
    return at->state;
}

static void
close_block(struct decoder *decoder)
{
    feature_request *request = decoder->request;
    size_t base = (size_t)decoder->index * request->rows + decoder->first;
    uint8_t *states = request->states.data + base;
    uint8_t *timestamps = request->timestamps.data + 8 * base;

    for (uint32_t i = 0; i < decoder->count; i++) {
        const struct block_row *at = &decoder->block[i];

        states[i] = last_state(decoder, at);
        lf_store_i64(timestamps + 8 * (size_t)i, at->newest);
    }
}

feature_status
lf_answer_view(feature_request *request, uint32_t view,
               const struct lf_sink *sink, struct feature_error *error)
{
    struct decoder decoder; /* two kilobytes: a block sets what it uses */

    if (request->plan->views[view].event)
        return lf_windows_put(request, view, sink, error);
    decoder.request = request;
    decoder.sink = sink;
    decoder.view = &request->plan->views[view];
    decoder.index = view;
    decoder.exact = request->as_of_rows != 0;
    decoder.past = lf_pasts_rows(request, view);
    decoder.oldest = oldest_current(decoder.view, request->now);
    decoder.plan = NULL;
    for (decoder.first = 0; decoder.first < request->rows;
         decoder.first += decoder.count) {
        if (sink->matrix && !decoder.exact && !decoder.past)
            decoder.first += lf_matrix_put_plain(&decoder);
        if (decoder.first == request->rows)
            break;
        decoder.count = request->rows - decoder.first;
        if (decoder.count > BLOCK_ROWS)
            decoder.count = BLOCK_ROWS;
        if (sink->matrix && !decoder.exact && !decoder.past && !decoder.plan)
            decoder.count = 1; /* it tells the plan of those behind it */
        if (decoder.past)
            fetch_ahead(&decoder);
        LF_TRY(open_block(&decoder, error));
        LF_TRY(lf_decoder_put_block(&decoder, error));
        close_block(&decoder);
    }
    return FEATURE_OK;
}
