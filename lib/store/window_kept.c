/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Windows at past times.
 *
 * Owns the rows that a state does not answer: from kept events, by the same
 * fold, in the order of keys and from newer to older t.
 * Keeps to what history covers: any other cell stays as it was, unknown.
 * Never walks over the events of a key twice for windows that overlap.
 */
#include <string.h>

#include "store/asof_order.h"
#include "store/request.h"

/* The rows of one key whose windows overlap: what was gathered for them. */
struct cluster {
    uint32_t next; /* the first label behind it */
    int64_t from;
    bool is_kept; /* by the reading */
};

#define FEW_LABELS 4
#define FEW_EVENTS 64

static struct lf_label *
labels_of(const struct lf_windows *windows)
{
    return (struct lf_label *)(void *)windows->open.data;
}

static const struct lf_job *
jobs_of(const struct lf_window_pass *pass)
{
    const feature_request *request = pass->request;

    return lf_request_jobs(request) + request->ranges[pass->index].first;
}

/* --- how far back ------------------------------------------------------------- */

static int64_t
tail_of(const struct lf_window_pass *pass, const struct lf_feature *feature,
        int64_t t)
{
    int64_t from, to;

    lf_window_bounds(&feature->aggregate->window, pass->view->definition->zone,
                     t, &from, &to);
    return from;
}

/* Where the windows of the view begin, those that were not asked for too. */
static int64_t
tail_of_view(const struct lf_window_pass *pass, int64_t t)
{
    const struct lf_tile_plan *plan = pass->current->tiles;
    int64_t from = t;

    for (uint32_t i = 0; i < plan->feature_count; i++) {
        int64_t tail = tail_of(pass, plan->features[i].feature, t);

        if (tail < from)
            from = tail;
    }
    return from;
}

/* Where the cells begin that a row lacks. */
static int64_t
tail_of_cells(const struct lf_window_pass *pass, uint32_t row)
{
    const struct lf_window_row *at = lf_windows_row(pass->windows, row);
    uint32_t columns = pass->view->column_count;
    const struct lf_window_cell *cells =
        lf_windows_cells(pass->windows, columns, row);
    int64_t from = at->t;

    if (at->found == LF_FOUND_UNKNOWN && !pass->current->tiles->has_lifetime)
        return tail_of_view(pass, at->t);
    for (uint32_t i = 0; i < columns; i++) {
        int64_t tail;

        if (cells[i].kind < LF_WINDOW_PAST)
            continue;
        tail = tail_of(pass, pass->view->features[i], at->t);
        if (tail < from)
            from = tail;
    }
    return from;
}

/* The same, and not behind the event that is not stored: a DELETE that takes it
 * away has to be met. */
static int64_t
tail_of_row(const struct lf_window_pass *pass, uint32_t row,
            const struct lf_job *job)
{
    int64_t t, from = tail_of_cells(pass, row);
    struct lf_tile_event event;
    const struct lf_tile_event *extra =
        lf_scored_event(pass->request, pass->index, row, job, &event, &t);

    return extra && extra->ts < from ? extra->ts : from;
}

/* Many labels share the work of many events. */
static feature_status
keep(struct lf_window_pass *pass, struct cluster *cluster, uint32_t first,
     struct feature_error *error)
{
    size_t count;
    const struct lf_tile_event *events =
        lf_kept_all(&pass->windows->kept, &count);

    cluster->is_kept =
        cluster->next - first >= FEW_LABELS && count >= FEW_EVENTS;
    if (!cluster->is_kept)
        return FEATURE_OK;
    return lf_reading_keep(pass->current->reading, events, count)
               ? lf_fail_memory(error)
               : FEATURE_OK;
}

static feature_status
gather(struct lf_window_pass *pass, uint32_t first, uint32_t count,
       struct cluster *cluster, struct feature_error *error)
{
    const struct lf_label *labels = labels_of(pass->windows);
    const struct lf_job *job = &jobs_of(pass)[labels[first].job];
    uint32_t i = first;

    cluster->from = labels[first].time;
    do {
        int64_t from = tail_of_row(pass, labels[i].row, job);

        if (from < cluster->from)
            cluster->from = from;
        i++;
    } while (i < count && labels[i].job == labels[first].job &&
             labels[i].time > cluster->from);
    cluster->next = i;
    LF_TRY(lf_kept_gather(&pass->windows->kept, job->key, job->key_size,
                          cluster->from, labels[first].time, error));
    return keep(pass, cluster, first, error);
}

/* --- one row ------------------------------------------------------------------ */

/* The events of a row, and behind those of its time the one that is not
 * stored. */
static feature_status
find_events(struct lf_window_pass *pass, uint32_t row, const struct lf_job *job,
            const struct lf_tile_event **events, size_t *count,
            struct feature_error *error)
{
    struct lf_windows *windows = pass->windows;
    const struct lf_window_row *at = lf_windows_row(windows, row);
    struct lf_tile_event event, *all;
    const struct lf_tile_event *extra;
    size_t i;
    int64_t t;

    *events = lf_kept_events(&windows->kept, at->t, count);
    extra = lf_scored_event(pass->request, pass->index, row, job, &event, &t);
    if (!extra || extra->ts < lf_kept_floor(&windows->kept, at->t))
        return FEATURE_OK;
    if (!lf_buffer_reserve(&windows->scored, (*count + 1) * sizeof event))
        return lf_fail_memory(error);
    all = (struct lf_tile_event *)(void *)windows->scored.data;
    for (i = *count; i > 0 && (*events)[i - 1].ts > extra->ts; i--)
        all[i] = (*events)[i - 1];
    all[i] = *extra;
    if (i)
        memcpy(all, *events, i * sizeof *all);
    *events = all;
    ++*count;
    return FEATURE_OK;
}

/* Whether the key had anything at t, where its asked windows have not. Those of
 * the view were gathered, save for all time, which any event is in. */
static feature_status
find_any(struct lf_window_pass *pass, uint32_t row, const struct lf_job *job,
         struct feature_error *error)
{
    struct lf_window_row *at = lf_windows_row(pass->windows, row);
    struct lf_kept *kept = &pass->windows->kept;
    int64_t from = tail_of_view(pass, at->t);
    int64_t floor = lf_kept_floor(kept, at->t);
    bool any = false;

    if (!lf_kept_covers(kept, floor > from ? floor : from))
        return FEATURE_OK;
    if (pass->current->tiles->has_lifetime && floor < at->t)
        LF_TRY(lf_kept_any(kept, job->key, job->key_size, from, at->t, &any,
                           error));
    at->found = any ? LF_FOUND_SOMETHING : LF_FOUND_NOTHING;
    return FEATURE_OK;
}

static feature_status
take_cells(struct lf_window_pass *pass, uint32_t row,
           struct feature_error *error)
{
    struct lf_windows *windows = pass->windows;
    uint32_t columns = pass->view->column_count;
    struct lf_window_cell *cells = lf_windows_cells(windows, columns, row);
    int64_t t = lf_windows_row(windows, row)->t;
    int64_t floor = lf_kept_floor(&windows->kept, t);

    for (uint32_t i = 0; i < columns; i++) {
        int64_t from;

        if (cells[i].kind < LF_WINDOW_PAST)
            continue;
        from = tail_of(pass, pass->view->features[i], t);
        if (!lf_kept_covers(&windows->kept, floor > from ? floor : from))
            continue;
        if (!lf_windows_take(windows, &pass->current->reading->answers[i],
                             &cells[i]))
            return lf_fail_memory(error);
    }
    return FEATURE_OK;
}

/* Events of a row, which are some of those that were gathered, or not. */
static enum lf_tile_status
fold(const struct lf_window_pass *pass, const struct cluster *cluster,
     const struct lf_tile_event *events, size_t count, int64_t t)
{
    struct lf_reading *reading = pass->current->reading;
    const struct lf_windows *windows = pass->windows;
    size_t all;
    const struct lf_tile_event *first = lf_kept_all(&windows->kept, &all);

    if (!cluster->is_kept || count < FEW_EVENTS ||
        events == (const void *)windows->scored.data)
        return lf_reading_events(reading, events, count, t);
    return lf_reading_part(reading, (size_t)(events - first), count, t);
}

static feature_status
answer_row(struct lf_window_pass *pass, const struct cluster *cluster,
           const struct lf_label *label, struct feature_error *error)
{
    struct lf_window_row *at = lf_windows_row(pass->windows, label->row);
    const struct lf_job *job = &jobs_of(pass)[label->job];
    struct lf_reading *reading = pass->current->reading;
    const struct lf_tile_event *events;
    enum lf_tile_status status;
    size_t count;

    LF_TRY(find_events(pass, label->row, job, &events, &count, error));
    status = fold(pass, cluster, events, count, at->t);
    if (status)
        return lf_fail_memory(error); /* their cells were checked */
    if (at->newest == LF_TIME_UNSET && count)
        at->newest = events[count - 1].ts;
    if (at->found == LF_FOUND_UNKNOWN && reading->is_visible)
        at->found = LF_FOUND_SOMETHING;
    LF_TRY(take_cells(pass, label->row, error));
    return at->found == LF_FOUND_UNKNOWN
               ? find_any(pass, label->row, job, error)
               : FEATURE_OK;
}

/* --- all ---------------------------------------------------------------------- */

static feature_status
order(struct lf_window_pass *pass, uint32_t *count, struct feature_error *error)
{
    const feature_request *request = pass->request;
    struct lf_windows *windows = pass->windows;
    bool is_one = request->ranges[pass->index].count == 1;
    const struct lf_job *jobs = jobs_of(pass);
    struct lf_label *labels;

    *count = 0;
    if (!lf_buffer_reserve(&windows->open, request->rows * sizeof *labels))
        return lf_fail_memory(error);
    labels = labels_of(windows);
    for (uint32_t row = 0; row < request->rows; row++) {
        const struct lf_window_row *at = lf_windows_row(windows, row);
        uint32_t job = is_one ? 0 : row - jobs[row].twin;

        if (at->is_open && jobs[job].key_size)
            labels[(*count)++] =
                (struct lf_label){.time = at->t, .row = row, .job = job};
    }
    return lf_labels_order(labels, *count, jobs, &windows->room)
               ? FEATURE_OK
               : lf_fail_memory(error);
}

static feature_status
answer_all(struct lf_window_pass *pass, uint32_t *failed,
           struct feature_error *error)
{
    const struct lf_label *labels;
    struct cluster cluster = {0};
    uint32_t count;

    LF_TRY(order(pass, &count, error));
    labels = labels_of(pass->windows);
    for (uint32_t i = 0; i < count; i++) {
        *failed = labels[i].row;
        if (i == cluster.next)
            LF_TRY(gather(pass, i, count, &cluster, error));
        LF_TRY(answer_row(pass, &cluster, &labels[i], error));
    }
    return FEATURE_OK;
}

feature_status
lf_windows_reopen(struct lf_window_pass *pass, struct feature_error *error)
{
    struct lf_windows *windows = pass->windows;
    const struct lf_view *view = pass->view->definition;
    feature_status status;
    uint32_t row = 0;

    if (!pass->exact && !pass->is_restricted)
        LF_TRY(
            lf_store_read_view(pass->reader, view->id, &windows->meta, error));
    if (windows->meta.history_since == INT64_MIN)
        return FEATURE_OK;
    windows->kept.is_now = !pass->exact;
    status = lf_kept_begin(
        &windows->kept, pass->reader, pass->request->plan->catalog, view,
        &windows->meta,
        pass->is_restricted ? pass->request->query->known_by : 0, error);
    if (!status)
        status = answer_all(pass, &row, error);
    lf_kept_end(&windows->kept);
    if (status == FEATURE_CORRUPT) {
        lf_error_prefix(error, "row %u: ", row);
        lf_error_place(error, 0, row, 0);
    }
    return status;
}
