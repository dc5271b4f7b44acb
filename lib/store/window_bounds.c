/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feature_request_window().
 *
 * Owns the question which events a feature of the last read was computed of.
 * Keeps to the t that the read used, and to the rule that all readers ask.
 * Never looks at an event.
 */
#include "store/request.h"

/* The view of a column, and where the column is among those of the view. */
static uint32_t
find_column(const feature_request *request, uint32_t column, uint32_t *view)
{
    const struct lf_selection *selection = request->query->selection;
    uint32_t at = 0;

    *view = selection->columns[column].view;
    for (uint32_t i = 0; i < column; i++)
        at += selection->columns[i].view == *view;
    return at;
}

static feature_status
check_call(const feature_request *request, uint32_t column, uint32_t row,
           const int64_t *from, const int64_t *to, struct feature_error *error)
{
    uint32_t count;

    if (!request || !from || !to)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "request, from and to are needed");
    if (!request->has_answer)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "the request holds no answer: read it first");
    count = request->query->selection->column_count;
    if (column >= count)
        return lf_fail(error, FEATURE_NOT_FOUND, "name",
                       "the query has %u columns, there is no column %u", count,
                       column);
    if (row >= request->rows)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "the answer has %u rows, there is no row %u",
                       request->rows, row);
    return FEATURE_OK;
}

feature_status
feature_request_window(const feature_request *request, uint32_t column,
                       uint32_t row, int64_t *from, int64_t *to,
                       struct feature_error *error)
{
    const struct lf_view_plan *plan;
    uint32_t view, at;

    LF_TRY(check_call(request, column, row, from, to, error));
    at = find_column(request, column, &view);
    plan = &request->plan->views[view];
    if (!plan->event)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "column %s is not computed FROM an event: it has no "
                       "window",
                       request->query->selection->columns[column].name);
    lf_window_bounds(&plan->features[at]->aggregate->window,
                     plan->definition->zone,
                     lf_windows_row(&request->windows[view], row)->t, from, to);
    return FEATURE_OK;
}
