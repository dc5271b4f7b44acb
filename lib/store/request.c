/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests.
 *
 * Owns the keys of a read and the buffers of its answer, and gives the answer
 * out.
 * Keeps every buffer for the next read: after the first of a size, reads
 * allocate nothing.
 * Never keeps a pointer into the store's file.
 */
#include "store/request.h"

#include <string.h>

#include "base/alloc.h"
#include "base/utf8.h"

static feature_status
make_arrays(feature_request *request, struct feature_error *error)
{
    const struct lf_selection *selection = request->query->selection;

    request->keys = lf_alloc_array(selection->key_count, sizeof *request->keys);
    request->answers =
        lf_alloc_array(selection->column_count, sizeof *request->answers);
    request->ranges =
        lf_alloc_array(selection->view_count, sizeof *request->ranges);
    if (!request->keys || !request->answers || !request->ranges)
        return lf_fail_memory(error);
    for (uint32_t i = 0; i < selection->key_count; i++)
        request->keys[i].type =
            (struct lf_type){.code = selection->keys[i].code, .width = 1};
    return FEATURE_OK;
}

feature_status
feature_request_create(const feature_query *query, feature_request **request,
                       struct feature_error *error)
{
    feature_request *made = NULL;
    feature_status status;

    if (!query || !request)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "query and request are needed");
    made = lf_alloc(sizeof *made);
    if (!made)
        return lf_fail_memory(error);
    made->query = query;
    status = lf_store_hold(query->store, &made->store, error);
    if (status)
        goto out;
    status = make_arrays(made, error);
    if (status)
        goto out;
    lf_counts_join(made->store, &made->counts);
    *request = made;
    made = NULL;
out:
    feature_request_free(made);
    return status;
}

/* What set calls share: the request lives and its store is open. */
static feature_status
check_open(const feature_request *request, struct feature_error *error)
{
    if (!request)
        return lf_fail(error, FEATURE_INVALID, "argument", "request is needed");
    if (atomic_load(&request->store->closed))
        return lf_fail(error, FEATURE_INVALID, "closed",
                       "the store was closed");
    return FEATURE_OK;
}

/* Text keys are checked here: a request has no outcome per row to say it. */
static feature_status
check_texts(const struct lf_arrays *arrays, const char *name,
            struct feature_error *error)
{
    for (uint32_t i = 0; i < arrays->rows; i++) {
        size_t size = (size_t)(arrays->offsets[i + 1] - arrays->offsets[i]);
        const uint8_t *text = arrays->values;

        if (!size || (arrays->validity && !lf_bit_get(arrays->validity, i)) ||
            lf_utf8_valid(text + arrays->offsets[i], size))
            continue;
        lf_fail(error, FEATURE_INVALID, "argument",
                "row %u, key \"%s\": the text is not UTF-8", i, name);
        lf_error_place(error, 0, i, 0);
        return FEATURE_INVALID;
    }
    return FEATURE_OK;
}

feature_status
feature_request_set_key(feature_request *request, uint32_t key, int32_t type,
                        const void *values, const int32_t *offsets,
                        const uint8_t *validity, uint32_t rows,
                        struct feature_error *error)
{
    struct lf_arrays arrays = {.type = type,
                               .values = values,
                               .offsets = offsets,
                               .validity = validity,
                               .rows = rows};
    const struct lf_selection_key *asked;

    LF_TRY(check_open(request, error));
    if (key >= request->query->selection->key_count)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "the query has %u keys, there is no key %u",
                       request->query->selection->key_count, key);
    asked = &request->query->selection->keys[key];
    LF_TRY(lf_input_check(&request->keys[key], asked->name, &arrays, error));
    if (asked->code == FEATURE_TYPE_STRING)
        LF_TRY(check_texts(&arrays, asked->name, error));
    return lf_input_set(&request->keys[key], asked->name, &arrays, error);
}

feature_status
feature_request_set_as_of(feature_request *request, const int64_t *timestamps,
                          uint32_t rows, struct feature_error *error)
{
    LF_TRY(check_open(request, error));
    if (rows && !timestamps)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "timestamps are needed");
    for (uint32_t i = 0; i < rows; i++)
        if (timestamps[i] == LF_TIME_UNSET) {
            lf_fail(error, FEATURE_INVALID, "argument",
                    "row %u: the as-of time is INT64_MIN", i);
            lf_error_place(error, 0, i, 0);
            return FEATURE_INVALID;
        }
    if (!lf_buffer_reserve(&request->as_of, 8 * (size_t)rows + 1))
        return lf_fail_memory(error);
    if (rows)
        memcpy(request->as_of.data, timestamps, 8 * (size_t)rows);
    request->as_of_rows = rows;
    return FEATURE_OK;
}

static void
fill_column(const feature_request *request, uint32_t index,
            struct feature_column *column)
{
    const struct lf_answer *answer = &request->answers[index];
    struct lf_type type = request->query->selection->columns[index].type;
    bool strings =
        type.code == FEATURE_TYPE_STRING || type.code == FEATURE_TYPE_BYTES;

    *column = (struct feature_column){
        .values = answer->values.data,
        .offsets = lf_type_is_variable(type)
                       ? (const int32_t *)answer->offsets.data
                       : NULL,
        .child_offsets = type.is_list && strings
                             ? (const int32_t *)answer->child_offsets.data
                             : NULL,
        .validity = answer->validity.data,
        .defaulted = answer->defaulted_count ? answer->defaulted.data : NULL,
        .rows = request->rows,
        .type = type.code,
        .width = type.width,
        .null_count = answer->null_count};
}

static feature_status
check_columns(const feature_request *request, const void *out,
              struct feature_error *error)
{
    if (!request || !out)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "request and column are needed");
    if (!request->has_columns)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "the request holds no columns: call "
                       "feature_request_read first");
    return FEATURE_OK;
}

feature_status
feature_request_column(const feature_request *request, uint32_t index,
                       struct feature_column *column,
                       struct feature_error *error)
{
    uint32_t count;

    LF_TRY(check_columns(request, column, error));
    count = request->query->selection->column_count;
    if (index >= count)
        return lf_fail(error, FEATURE_NOT_FOUND, "name",
                       "the query has %u columns, there is no column %u", count,
                       index);
    fill_column(request, index, column);
    return FEATURE_OK;
}

feature_status
feature_request_columns(const feature_request *request,
                        struct feature_column *columns, uint32_t count,
                        struct feature_error *error)
{
    LF_TRY(check_columns(request, columns, error));
    if (count != request->query->selection->column_count)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "the query has %u columns, not %u",
                       request->query->selection->column_count, count);
    for (uint32_t i = 0; i < count; i++)
        fill_column(request, i, &columns[i]);
    return FEATURE_OK;
}

uint32_t
feature_request_row_count(const feature_request *request)
{
    return request && request->has_answer ? request->rows : 0;
}

const uint8_t *
feature_request_states(const feature_request *request, uint32_t view)
{
    if (!request || !request->has_answer ||
        view >= request->query->selection->view_count)
        return NULL;
    return request->states.data + (size_t)view * request->rows;
}

const int64_t *
feature_request_timestamps(const feature_request *request, uint32_t view)
{
    if (!request || !request->has_answer ||
        view >= request->query->selection->view_count)
        return NULL;
    return (const int64_t *)request->timestamps.data +
           (size_t)view * request->rows;
}

uint64_t
feature_request_commit(const feature_request *request)
{
    return request && request->has_answer ? request->sequence : 0;
}

int64_t
feature_request_now(const feature_request *request)
{
    return request && request->has_answer ? request->now : 0;
}

void
feature_request_clear(feature_request *request)
{
    if (!request)
        return;
    for (uint32_t i = 0; i < request->query->selection->key_count; i++)
        lf_input_clear(&request->keys[i]);
    request->as_of_rows = 0;
    request->scored.rows = 0;
    request->has_answer = false;
    request->has_columns = false;
}

static void
free_answer(struct lf_answer *answer)
{
    lf_buffer_free(&answer->values);
    lf_buffer_free(&answer->offsets);
    lf_buffer_free(&answer->child_offsets);
    lf_buffer_free(&answer->validity);
    lf_buffer_free(&answer->defaulted);
}

void
feature_request_free(feature_request *request)
{
    const struct lf_selection *selection;

    if (!request)
        return;
    selection = request->query->selection;
    for (uint32_t i = 0; request->keys && i < selection->key_count; i++)
        lf_input_free(&request->keys[i]);
    for (uint32_t i = 0; request->answers && i < selection->column_count; i++)
        free_answer(&request->answers[i]);
    lf_free(request->keys);
    lf_free(request->answers);
    lf_free(request->ranges);
    lf_buffer_free(&request->as_of);
    lf_buffer_free(&request->states);
    lf_buffer_free(&request->timestamps);
    lf_buffer_free(&request->jobs);
    lf_buffer_free(&request->key_bytes);
    lf_buffer_free(&request->slots);
    lf_pasts_free(request);
    lf_windows_free(request);
    lf_scored_free(&request->scored);
    lf_plan_free(request->plan);
    if (request->store)
        lf_counts_leave(request->store, &request->counts);
    lf_store_release(request->store);
    lf_free(request);
}
