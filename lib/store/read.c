/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads.
 *
 * Owns the way from keys to verified rows: one snapshot, one look-up for the
 * jobs of all views.
 * Keeps wrong bytes out: no row is decoded before its checksum and its bounds
 * were checked.
 * Never leaves a read transaction open behind a call.
 */
#include "store/request.h"

static feature_status
count_scored(const feature_request *request, uint32_t *most, const char *who,
             struct feature_error *error)
{
    uint32_t rows = request->scored.rows;

    if (rows <= 1)
        return FEATURE_OK;
    if (*most > 1 && rows != *most)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "the events have %u rows and %s %u: one row or the "
                       "same number is needed",
                       rows, who, *most);
    *most = rows;
    return FEATURE_OK;
}

/* One row, or as many as the request; any column without rows empties it. */
feature_status
lf_request_count_rows(const feature_request *request, uint32_t *rows,
                      struct feature_error *error)
{
    const struct lf_selection *selection = request->query->selection;
    uint32_t most = request->as_of_rows > 1 ? request->as_of_rows : 1;
    const char *who = "the as-of times";
    bool empty = false;

    for (uint32_t i = 0; i < selection->key_count; i++) {
        const struct lf_input *key = &request->keys[i];

        if (!key->is_set)
            return lf_fail(error, FEATURE_INVALID, "argument",
                           "key \"%s\" was not set", selection->keys[i].name);
        empty |= key->rows == 0;
        if (key->rows <= 1)
            continue;
        if (most > 1 && key->rows != most)
            return lf_fail(error, FEATURE_INVALID, "argument",
                           "key \"%s\" has %u rows and %s %u: one row or the "
                           "same number is needed",
                           selection->keys[i].name, key->rows, who, most);
        if (most == 1)
            who = selection->keys[i].name;
        most = key->rows;
    }
    LF_TRY(count_scored(request, &most, who, error));
    *rows = empty ? 0 : most;
    return FEATURE_OK;
}

feature_status
lf_request_follow(feature_request *request, struct lf_reader *reader,
                  struct feature_error *error)
{
    uint64_t transaction = lf_reader_transaction(reader);
    struct lf_catalog *catalog = NULL;
    struct lf_plan *plan = NULL;
    struct lf_meta_store meta;
    feature_status status = FEATURE_OK;

    if (request->plan && request->transaction == transaction)
        return FEATURE_OK;
    LF_TRY(lf_store_read_meta(reader, &meta, error));
    if (!request->plan ||
        request->plan->catalog->version != meta.catalog_version) {
        LF_TRY(lf_store_read_catalog(request->store, reader, &meta, &catalog,
                                     error));
        status = lf_plan_create(request->query, catalog, &plan, error);
        lf_catalog_release(catalog);
        if (status)
            return status;
        lf_plan_free(request->plan);
        request->plan = plan;
    }
    request->transaction = transaction;
    request->sequence = meta.sequence;
    request->commit_time = meta.commit_time;
    return FEATURE_OK;
}

static feature_status
fail_row(const feature_request *request, uint32_t view, uint32_t row,
         const char *reason, const char *what, struct feature_error *error)
{
    lf_fail(error, FEATURE_CORRUPT, reason, "row %u of %s: %s", row,
            request->plan->views[view].definition->name, what);
    lf_error_place(error, 0, row, 0);
    return FEATURE_CORRUPT;
}

/* rows: the decoding of the row before, which is usually this one's too. */
static feature_status
verify_job(feature_request *request, uint32_t view, uint32_t index,
           const struct lf_job *job, struct lf_row_plan **rows,
           struct feature_error *error)
{
    struct lf_view_plan *plan = &request->plan->views[view];
    struct lf_row row;

    if (job->size < LF_ROW_HEADER_SIZE ||
        lf_load_u32(job->value) != lf_row_checksum(plan->seed, job->key,
                                                   job->key_size, job->value,
                                                   job->size))
        return fail_row(request, view, index, "checksum",
                        "the stored row does not match its checksum", error);
    if (!lf_row_open(&row, job->value, job->size) || !lf_plan_fits(plan, &row))
        return fail_row(request, view, index, "structure",
                        "the stored row has an unknown form", error);
    if (!*rows || (*rows)->layout.version != row.version)
        LF_TRY(lf_plan_rows(request->plan, plan, row.version, rows, error));
    if (!*rows || (!plan->event && !lf_row_check(&row, &(*rows)->layout)))
        return fail_row(request, view, index, "structure",
                        "the stored row does not fit its schema version",
                        error);
    return FEATURE_OK;
}

/* A repeated key's row is verified where it was looked up. */
feature_status
lf_request_verify(feature_request *request, uint32_t view,
                  struct feature_error *error)
{
    const struct lf_job_range *range = &request->ranges[view];
    const struct lf_job *jobs = lf_request_jobs(request) + range->first;
    struct lf_row_plan *rows = NULL;

    for (uint32_t i = 0; i < range->count; i++)
        if (jobs[i].value && !jobs[i].twin)
            LF_TRY(verify_job(request, view, i, &jobs[i], &rows, error));
    return FEATURE_OK;
}

static feature_status
find_stored(feature_request *request, struct lf_reader *reader, size_t count,
            struct feature_error *error)
{
    uint32_t views = request->query->selection->view_count;

    LF_TRY(lf_reader_lookup(reader, request->plan->trees, views,
                            lf_request_jobs(request), count, error));
    lf_jobs_repeat(request);
    for (uint32_t i = 0; i < views; i++)
        LF_TRY(lf_request_verify(request, i, error));
    return FEATURE_OK;
}

/* Everything that can fail goes before the first cell is written. */
static feature_status
read_snapshot(feature_request *request, struct lf_reader *reader,
              const struct lf_sink *sink, struct feature_error *error)
{
    uint32_t views = request->query->selection->view_count;
    size_t count;

    LF_TRY(lf_request_follow(request, reader, error));
    LF_TRY(lf_answer_begin(request, sink, error));
    if (!request->rows)
        return FEATURE_OK;
    LF_TRY(lf_pasts_suffice(request, reader, error));
    LF_TRY(lf_jobs_make(request, &count, error));
    if (!request->is_past_alone)
        LF_TRY(find_stored(request, reader, count, error));
    if (request->as_of_rows || request->query->known_by)
        LF_TRY(lf_pasts_find(request, reader, error));
    LF_TRY(lf_windows_find(request, reader, error));
    for (uint32_t i = 0; i < views; i++)
        LF_TRY(lf_answer_view(request, i, sink, error));
    return FEATURE_OK;
}

static feature_status
read_rows(feature_request *request, const struct lf_sink *sink,
          struct feature_error *error)
{
    struct lf_reader *reader;
    feature_status status;

    LF_TRY(lf_request_count_rows(request, &request->rows, error));
    request->now = lf_store_now(request->store);
    do {
        LF_TRY(lf_reader_begin(request->store->environment, &reader, error));
        status = read_snapshot(request, reader, sink, error);
        lf_reader_end(reader);
    } while (status == LF_AGAIN);
    if (status)
        return status;
    request->has_answer = true;
    request->has_columns = !sink->matrix;
    lf_counts_note(&request->counts, request->rows, request->states.data,
                   (size_t)request->rows *
                       request->query->selection->view_count);
    return FEATURE_OK;
}

static feature_status
read_into(feature_request *request, const struct lf_sink *sink,
          struct feature_error *error)
{
    feature_status status;

    LF_TRY(lf_store_enter(request->store, error));
    request->has_answer = false;
    request->has_columns = false;
    request->has_past = false;
    status = read_rows(request, sink, error);
    lf_store_leave(request->store);
    return status;
}

feature_status
feature_request_read(feature_request *request, struct feature_error *error)
{
    struct lf_sink sink = {0};

    if (!request)
        return lf_fail(error, FEATURE_INVALID, "argument", "request is needed");
    return read_into(request, &sink, error);
}

feature_status
feature_request_read_matrix(feature_request *request, float *matrix,
                            size_t stride, struct feature_error *error)
{
    struct lf_sink sink = {.matrix = matrix, .stride = stride};

    if (!request || !matrix)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "request and matrix are needed");
    if (!request->query->is_matrix)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "the query was not made with FEATURE_QUERY_MATRIX");
    if (stride < request->query->matrix_width)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "a stride of %zu floats is less than the %u of a row",
                       stride, request->query->matrix_width);
    return read_into(request, &sink, error);
}
