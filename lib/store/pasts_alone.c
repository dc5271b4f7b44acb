/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests that history answers alone.
 *
 * Owns the decision to do without the rows as they are now.
 * Keeps to views whose history holds every version there ever was: its newest
 * entry is the stored row.
 * Never changes an answer, only how it is found: a join of 1,000,000 labels with
 * 100,000 entities takes a twentieth less.
 */
#include "store/request.h"

#define MANY    1024 /* rows; below, nothing is won */
#define SAMPLES 64   /* of the times */
#define NEWEST  8    /* of them: above, stored rows answer sooner */

/* Whether a view's history is whole, from the oldest of the times on. */
static bool
is_whole(const struct lf_view *view, const struct lf_meta_view *meta,
         int64_t oldest)
{
    return view->history && meta->history_since != INT64_MIN &&
           !meta->history_bases && !meta->purge_time &&
           oldest >= meta->history_horizon;
}

static int64_t
time_of(const feature_request *request, uint32_t row)
{
    return lf_load_i64(request->as_of.data + 8 * (size_t)row);
}

static int64_t
oldest_time(const feature_request *request)
{
    int64_t oldest = INT64_MAX;

    for (uint32_t i = 0; i < request->rows; i++) {
        int64_t time = time_of(request, i);

        oldest = time < oldest ? time : oldest;
    }
    return oldest;
}

/* Where times are past all that a view has, its stored rows are the answer. */
static bool
is_mostly_new(const feature_request *request, int64_t newest)
{
    uint32_t step = request->rows / SAMPLES, count = 0;

    for (uint32_t i = 0; i < SAMPLES; i++)
        count += time_of(request, i * step) >= newest;
    return count > NEWEST;
}

feature_status
lf_pasts_suffice(feature_request *request, struct lf_reader *reader,
                 struct feature_error *error)
{
    uint32_t views = request->query->selection->view_count;
    int64_t oldest;

    request->is_past_alone = false;
    if (request->rows < MANY || request->as_of_rows != request->rows)
        return FEATURE_OK;
    oldest = oldest_time(request);
    for (uint32_t i = 0; i < views; i++) {
        const struct lf_view *view = request->plan->views[i].definition;
        struct lf_meta_view meta;

        if (!view->history || view->event)
            return FEATURE_OK;
        LF_TRY(lf_store_read_view(reader, view->id, &meta, error));
        if (!is_whole(view, &meta, oldest) ||
            is_mostly_new(request, meta.newest))
            return FEATURE_OK;
    }
    request->is_past_alone = true;
    return FEATURE_OK;
}
