/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The answers of views FROM an event, into columns or a matrix.
 *
 * Owns the state of a row: worst of what its cells are.
 * Keeps an unknown cell null, whatever the fill policy: nothing stands for what
 * nobody knows.
 * Never reads a stored byte: all answers are there.
 */
#include <string.h>

#include "store/answer.h"

/* What is not known is not nothing. */
static bool
has_nothing(const struct lf_window_row *row, const struct lf_window_cell *cells,
            uint32_t columns)
{
    bool is_known = true;

    for (uint32_t i = 0; i < columns; i++)
        is_known &= cells[i].kind < LF_WINDOW_PAST;
    return is_known && row->found == LF_FOUND_NOTHING;
}

void
lf_windows_drop(feature_request *request, uint32_t view)
{
    struct lf_job *jobs = lf_request_jobs(request);
    const struct lf_windows *windows = &request->windows[view];
    uint32_t columns = request->plan->views[view].column_count, kept = 0;

    for (uint32_t row = 0; row < request->rows; row++) {
        if (has_nothing(lf_windows_row(windows, row),
                        lf_windows_cells(windows, columns, row), columns))
            continue;
        if (kept < row) {
            jobs[kept] = jobs[row];
            *lf_windows_row(windows, kept) = *lf_windows_row(windows, row);
            memcpy(lf_windows_cells(windows, columns, kept),
                   lf_windows_cells(windows, columns, row),
                   columns * sizeof(struct lf_window_cell));
        }
        kept++;
    }
    request->rows = kept;
    request->ranges[view].count = kept;
}

static const uint8_t *
bytes_of(const struct lf_windows *windows, const struct lf_window_cell *cell)
{
    if (cell->size <= sizeof cell->value)
        return (const uint8_t *)&cell->value;
    return windows->bytes.data + cell->value;
}

static uint8_t
state_of(const struct lf_window_row *row, const struct lf_window_cell *cells,
         uint32_t columns)
{
    bool has_value = false;
    uint8_t worst = 0;

    if (!row->has_key)
        return FEATURE_STATE_NO_KEY;
    for (uint32_t i = 0; i < columns; i++) {
        has_value |= cells[i].kind == LF_WINDOW_VALUE;
        if (cells[i].kind == LF_WINDOW_PAST)
            worst = LF_WINDOW_PAST;
        else if (cells[i].kind == LF_WINDOW_PARTIAL && !worst)
            worst = LF_WINDOW_PARTIAL;
    }
    if (worst)
        return worst == LF_WINDOW_PAST ? FEATURE_STATE_NO_HISTORY
                                       : FEATURE_STATE_PARTIAL;
    if (row->found == LF_FOUND_NOTHING)
        return FEATURE_STATE_NOT_FOUND;
    return has_value ? FEATURE_STATE_PRESENT : FEATURE_STATE_NULL;
}

static void
put_states(const struct decoder *decoder, const struct lf_windows *windows)
{
    const feature_request *request = decoder->request;
    uint32_t columns = decoder->view->column_count;
    size_t base = (size_t)decoder->index * request->rows + decoder->first;

    for (uint32_t i = 0; i < decoder->count; i++) {
        uint32_t at = decoder->first + i;
        const struct lf_window_row *row = lf_windows_row(windows, at);
        uint8_t state =
            state_of(row, lf_windows_cells(windows, columns, at), columns);
        int64_t newest = row->newest;

        if (state == FEATURE_STATE_NOT_FOUND)
            newest = LF_TIME_UNSET;
        request->states.data[base + i] = state;
        lf_store_i64(request->timestamps.data + 8 * (base + i), newest);
    }
}

static feature_status
put_cell(struct decoder *decoder, const struct lf_windows *windows,
         uint32_t index, uint32_t i, const struct lf_window_cell *cell,
         struct feature_error *error)
{
    switch ((enum lf_window_verdict)cell->kind) {
    case LF_WINDOW_VALUE:
        return lf_decoder_put_value(decoder, index, bytes_of(windows, cell),
                                    cell->size, i, error);
    case LF_WINDOW_NULL:
        return lf_decoder_put_missing(decoder, index, i, error);
    case LF_WINDOW_PAST:
    case LF_WINDOW_PARTIAL:
        break;
    }
    lf_decoder_put_unknown(decoder, index, i);
    return FEATURE_OK;
}

/* Fixed values are one run, with zeros for those that are none, which are then
 * looked at one by one. */
static feature_status
put_fixed(struct decoder *decoder, uint32_t index,
          const struct lf_window_cell *cell, bool *is_whole,
          struct feature_error *error)
{
    static const uint64_t zero;
    uint32_t columns = decoder->view->column_count;
    const uint8_t *from[BLOCK_ROWS];

    *is_whole = true;
    for (uint32_t i = 0; i < decoder->count; i++) {
        const struct lf_window_cell *at = cell + (size_t)i * columns;
        bool has_value = at->kind == LF_WINDOW_VALUE;

        *is_whole &= has_value;
        from[i] = (const uint8_t *)(has_value ? &at->value : &zero);
    }
    return lf_decoder_put_values(decoder, index, from, error);
}

static feature_status
put_column(struct decoder *decoder, const struct lf_windows *windows,
           uint32_t index, struct feature_error *error)
{
    uint32_t columns = decoder->view->column_count;
    const struct lf_window_cell *cell =
        lf_windows_cells(windows, columns, decoder->first) + index;
    bool is_fixed = !lf_type_is_variable(decoder->view->columns[index].type);
    bool is_whole = false;

    if (is_fixed)
        LF_TRY(put_fixed(decoder, index, cell, &is_whole, error));
    for (uint32_t i = 0; i < decoder->count && !is_whole; i++) {
        const struct lf_window_cell *at = cell + (size_t)i * columns;

        if (!is_fixed || at->kind != LF_WINDOW_VALUE)
            LF_TRY(put_cell(decoder, windows, index, i, at, error));
    }
    return FEATURE_OK;
}

static uint64_t
count_overflows(const feature_request *request,
                const struct lf_windows *windows, uint32_t columns)
{
    const struct lf_window_cell *cells = lf_windows_cells(windows, columns, 0);
    size_t count = (size_t)request->rows * columns;
    uint64_t overflows = 0;

    for (size_t i = 0; i < count; i++)
        overflows += cells[i].kind == LF_WINDOW_NULL && cells[i].is_overflow;
    return overflows;
}

feature_status
lf_windows_put(feature_request *request, uint32_t view,
               const struct lf_sink *sink, struct feature_error *error)
{
    const struct lf_windows *windows = &request->windows[view];
    struct decoder decoder; /* a block sets what it uses */

    decoder.request = request;
    decoder.sink = sink;
    decoder.view = &request->plan->views[view];
    decoder.index = view;
    for (decoder.first = 0; decoder.first < request->rows;
         decoder.first += decoder.count) {
        decoder.count = request->rows - decoder.first;
        if (decoder.count > BLOCK_ROWS)
            decoder.count = BLOCK_ROWS;
        for (uint32_t i = 0; i < decoder.count; i++) {
            decoder.block[i].at = lf_windows_row(windows, decoder.first + i)->t;
            decoder.block[i].missing = 0;
        }
        for (uint32_t i = 0; i < decoder.view->column_count; i++)
            LF_TRY(put_column(&decoder, windows, i, error));
        put_states(&decoder, windows);
    }
    lf_counts_overflow(
        &request->counts,
        count_overflows(request, windows, decoder.view->column_count));
    return FEATURE_OK;
}
