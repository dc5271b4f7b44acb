/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Look-up jobs.
 *
 * Owns the way from the keys of a request to one job per view and row.
 * Keeps a key that several rows ask for to one look-up: its other jobs are its
 * twins, and take the answer afterwards.
 * Never looks up a null key, or one that no row can have.
 */
#include <string.h>

#include "base/crc32c.h"
#include "format/key.h"
#include "store/request.h"

#define PROBES 8 /* for a twin; giving up costs a look-up, no more */

static uint32_t
broadcast(const struct lf_input *input, uint32_t row)
{
    return input->rows == 1 ? 0 : row;
}

/* The keys of one view for one row: their size, or 0 where one is null. */
static size_t
key_size(const feature_request *request, const struct lf_selection_view *view,
         uint32_t row)
{
    size_t total = 0;

    for (uint32_t i = 0; i < view->key_count; i++) {
        const struct lf_input *input = &request->keys[view->keys[i]];
        uint32_t at = broadcast(input, row);
        const uint8_t *cell;
        size_t size;

        if (lf_input_is_null(input, at))
            return 0;
        if (input->type.code == FEATURE_TYPE_INT64) {
            total += LF_KEY_INT64_SIZE;
            continue;
        }
        cell = lf_input_cell(input, at, &size);
        total += lf_key_bytes_size(cell, size);
    }
    return total;
}

static uint8_t *
put_key(const feature_request *request, const struct lf_selection_view *view,
        uint32_t row, uint8_t *to)
{
    for (uint32_t i = 0; i < view->key_count; i++) {
        const struct lf_input *input = &request->keys[view->keys[i]];
        size_t size;
        const uint8_t *cell =
            lf_input_cell(input, broadcast(input, row), &size);

        if (input->type.code == FEATURE_TYPE_INT64) {
            lf_key_put_int64(to, lf_load_i64(cell));
            to += LF_KEY_INT64_SIZE;
        } else {
            to = lf_key_put_bytes(to, cell, size);
        }
    }
    return to;
}

/* A key over the limit finds nothing, as no row can have it; a null key has no
 * key pointer. Neither is looked up: their size is 0. */
static void
size_jobs(feature_request *request, uint32_t view, size_t *total)
{
    const struct lf_selection_view *asked =
        &request->query->selection->views[view];
    const struct lf_job_range *range = &request->ranges[view];
    struct lf_job *jobs = lf_request_jobs(request) + range->first;
    static const uint8_t beyond[1];

    for (uint32_t i = 0; i < range->count; i++) {
        size_t size = key_size(request, asked, i);

        jobs[i] = (struct lf_job){.tree = view};
        if (size > LF_KEY_MAX)
            jobs[i].key = beyond;
        else
            jobs[i].key_size = (uint32_t)size;
        *total += jobs[i].key_size;
    }
}

static uint8_t *
encode_jobs(feature_request *request, uint32_t view, uint8_t *at)
{
    const struct lf_selection_view *asked =
        &request->query->selection->views[view];
    const struct lf_job_range *range = &request->ranges[view];
    struct lf_job *jobs = lf_request_jobs(request) + range->first;

    for (uint32_t i = 0; i < range->count; i++) {
        if (!jobs[i].key_size)
            continue;
        jobs[i].key = at;
        at = put_key(request, asked, i, at);
    }
    return at;
}

static void
share_jobs(feature_request *request, uint32_t view, uint32_t with)
{
    const struct lf_job_range *range = &request->ranges[view];
    struct lf_job *jobs = lf_request_jobs(request);

    for (uint32_t i = 0; i < range->count; i++) {
        jobs[range->first + i] = jobs[request->ranges[with].first + i];
        jobs[range->first + i].tree = view;
    }
}

static void
place_ranges(feature_request *request, size_t *count)
{
    const struct lf_selection *selection = request->query->selection;

    *count = 0;
    for (uint32_t i = 0; i < selection->view_count; i++) {
        uint32_t rows = 1;

        for (uint32_t j = 0; j < selection->views[i].key_count; j++)
            if (request->keys[selection->views[i].keys[j]].rows > 1)
                rows = request->rows;
        request->ranges[i].first = *count;
        request->ranges[i].count = rows;
        *count += rows;
    }
}

/* The usual key, one INT64 a row: one pass instead of two. */
static bool
is_simple(const feature_request *request, uint32_t view)
{
    const struct lf_selection_view *asked =
        &request->query->selection->views[view];
    const struct lf_input *input;

    if (asked->key_count != 1)
        return false;
    input = &request->keys[asked->keys[0]];
    return !input->has_nulls && input->type.code == FEATURE_TYPE_INT64;
}

static uint8_t *
encode_simple(feature_request *request, uint32_t view, uint8_t *at)
{
    const struct lf_selection_view *asked =
        &request->query->selection->views[view];
    const uint8_t *values = request->keys[asked->keys[0]].values.data;
    const struct lf_job_range *range = &request->ranges[view];
    struct lf_job *jobs = lf_request_jobs(request) + range->first;

    for (uint32_t i = 0; i < range->count; i++, at += LF_KEY_INT64_SIZE) {
        lf_key_put_int64(at, lf_load_i64(values + 8 * (size_t)i));
        jobs[i] = (struct lf_job){
            .key = at, .key_size = LF_KEY_INT64_SIZE, .tree = view};
    }
    return at;
}

static uint32_t
hash_key(const struct lf_job *job)
{
    uint64_t number;

    if (job->key_size != 8)
        return lf_crc32c(0, job->key, job->key_size);
    number = lf_load_big_u64(job->key);
    return (uint32_t)((number ^ number >> 32) * 0x9e3779b97f4a7c15u >> 32);
}

static bool
is_same_key(const struct lf_job *a, const struct lf_job *b)
{
    return a->key_size == b->key_size &&
           memcmp(a->key, b->key, a->key_size) == 0;
}

/* The first job with the same key, or the job itself, which then stands for
 * it. Slots hold index + 1. */
static uint32_t
find_first(const struct lf_job *jobs, uint32_t index, uint32_t *slots,
           uint32_t mask)
{
    uint32_t at = hash_key(&jobs[index]) & mask;

    for (int i = 0; i < PROBES; i++, at = (at + 1) & mask) {
        if (!slots[at]) {
            slots[at] = index + 1;
            return index;
        }
        if (is_same_key(&jobs[slots[at] - 1], &jobs[index]))
            return slots[at] - 1;
    }
    return index;
}

/* Costs 3 ns a key, a look-up 100 and more. */
static feature_status
find_twins(feature_request *request, uint32_t view, struct feature_error *error)
{
    const struct lf_job_range *range = &request->ranges[view];
    struct lf_job *jobs = lf_request_jobs(request) + range->first;
    size_t size = 4;

    if (range->count < 2)
        return FEATURE_OK;
    while (size < 2 * (size_t)range->count)
        size *= 2;
    if (!lf_buffer_reserve(&request->slots, size * sizeof(uint32_t)))
        return lf_fail_memory(error);
    memset(request->slots.data, 0, size * sizeof(uint32_t));
    for (uint32_t i = 0; i < range->count; i++) {
        uint32_t first;

        if (!jobs[i].key_size)
            continue;
        first = find_first(jobs, i, (uint32_t *)request->slots.data,
                           (uint32_t)(size - 1));
        if (first == i)
            continue;
        jobs[i].twin = i - first;
        jobs[i].key_size = 0;
    }
    return FEATURE_OK;
}

static size_t
size_keys(feature_request *request, uint32_t view)
{
    size_t total = 0;

    if (is_simple(request, view))
        return LF_KEY_INT64_SIZE * (size_t)request->ranges[view].count;
    size_jobs(request, view, &total);
    return total;
}

feature_status
lf_jobs_make(feature_request *request, size_t *count,
             struct feature_error *error)
{
    uint32_t views = request->query->selection->view_count;
    const struct lf_view_plan *plans = request->plan->views;
    size_t total = 1;
    uint8_t *at;

    place_ranges(request, count);
    if (!lf_buffer_reserve(&request->jobs, *count * sizeof(struct lf_job)))
        return lf_fail_memory(error);
    for (uint32_t i = 0; i < views; i++)
        if (plans[i].same_keys == i)
            total += size_keys(request, i);
    if (!lf_buffer_reserve(&request->key_bytes, total))
        return lf_fail_memory(error);
    at = request->key_bytes.data;
    for (uint32_t i = 0; i < views; i++) {
        if (plans[i].same_keys != i) {
            share_jobs(request, i, plans[i].same_keys);
            continue;
        }
        at = is_simple(request, i) ? encode_simple(request, i, at)
                                   : encode_jobs(request, i, at);
        LF_TRY(find_twins(request, i, error));
    }
    return FEATURE_OK;
}

void
lf_jobs_repeat(feature_request *request)
{
    uint32_t views = request->query->selection->view_count;

    for (uint32_t i = 0; i < views; i++) {
        const struct lf_job_range *range = &request->ranges[i];
        struct lf_job *jobs = lf_request_jobs(request) + range->first;

        for (uint32_t j = 0; j < range->count; j++)
            if (jobs[j].twin) {
                jobs[j].value = jobs[j - jobs[j].twin].value;
                jobs[j].size = jobs[j - jobs[j].twin].size;
            }
    }
}
