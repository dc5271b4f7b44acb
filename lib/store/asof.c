/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order of a request's rows in a history.
 *
 * Owns which rows are sorted, and for which views.
 * Keeps every row in it once; those without a key, which need no look-up, come
 * last.
 * Never sorts the rows of one entity twice in a read.
 */
#include "store/asof.h"

#define FEW 32 /* rows whose order does not matter */

void
lf_asof_begin(feature_request *request)
{
    request->label_count = 0;
}

static int64_t
time_of(const feature_request *request, uint32_t row)
{
    if (!request->as_of_rows)
        return INT64_MAX;
    return lf_load_i64(request->as_of.data +
                       (request->as_of_rows == 1 ? 0 : 8 * (size_t)row));
}

static uint32_t
gather(feature_request *request, const struct lf_job *jobs,
       struct lf_label *labels)
{
    uint32_t rows = request->rows, first = 0, last = rows;

    for (uint32_t row = 0; row < rows; row++) {
        struct lf_label label = {.time = time_of(request, row),
                                 .row = row,
                                 .job = row - jobs[row].twin};

        labels[jobs[label.job].key_size ? first++ : --last] = label;
    }
    return first;
}

feature_status
lf_asof_order(feature_request *request, uint32_t view,
              const struct lf_label **labels, uint32_t *count,
              struct feature_error *error)
{
    const struct lf_job_range *range = &request->ranges[view];
    const struct lf_job *jobs = lf_request_jobs(request) + range->first;
    uint32_t keys = request->plan->views[view].same_keys, rows = request->rows;
    struct lf_label *made;

    *count = 0;
    if (rows <= FEW || range->count == 1)
        return FEATURE_OK;
    if (!lf_buffer_reserve(&request->labels, rows * sizeof *made))
        return lf_fail_memory(error);
    made = (struct lf_label *)(void *)request->labels.data;
    if (!request->label_count || request->label_view != keys) {
        if (!lf_labels_order(made, gather(request, jobs, made), jobs,
                             &request->label_room))
            return lf_fail_memory(error);
        request->label_view = keys;
        request->label_count = rows;
    }
    *labels = made;
    *count = rows;
    return FEATURE_OK;
}
