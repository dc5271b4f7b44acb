/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Versions of rows as columns.
 *
 * Owns what a version tells besides its values: keys, times, commit, operation,
 * and which columns it wrote.
 * Keeps values as they were written: the clock of the read lies before every
 * ttl, and nothing is filled in.
 * Never looks at a row that was not checked.
 */
#include <string.h>

#include "store/versions.h"

feature_status
lf_versions_check_view(const struct lf_view *view, struct feature_error *error)
{
    if (!view->history)
        return lf_fail(error, FEATURE_NOT_FOUND, "history",
                       "%s keeps no history: give it the option history, as in "
                       "'90 days', to keep it from then on",
                       view->name);
    return FEATURE_OK;
}

static const struct lf_version *
found(const struct lf_versions *versions)
{
    return (const struct lf_version *)versions->found.data;
}

/* Room for a column of fixed values, all valid. */
static bool
reserve(struct lf_buffer *values, size_t size, uint32_t rows)
{
    return lf_buffer_reserve(values, size * rows);
}

bool
lf_versions_begin_bytes(struct lf_answer *answer, uint32_t rows)
{
    answer->values.size = 0;
    if (!lf_buffer_reserve(&answer->values, 1) ||
        !lf_buffer_reserve(&answer->offsets, 4 * ((size_t)rows + 1)))
        return false;
    lf_store_u32(answer->offsets.data, 0);
    return true;
}

void
lf_versions_end_bytes(struct lf_answer *answer, uint32_t row)
{
    lf_store_u32(answer->offsets.data + 4 * ((size_t)row + 1),
                 (uint32_t)answer->values.size);
}

static bool
decode_key(struct lf_answer *answer, const struct lf_input *input,
           const struct lf_version *version, uint32_t rows)
{
    bool is_number = input->type.code == FEATURE_TYPE_INT64;

    answer->values.size = 0;
    if (is_number ? !reserve(&answer->values, 8, rows)
                  : !lf_versions_begin_bytes(answer, rows))
        return false;
    for (uint32_t i = 0; i < rows; i++) {
        size_t size;
        const uint8_t *cell =
            lf_input_cell(input, input->rows == 1 ? 0 : version[i].key, &size);

        if (is_number) {
            memcpy(answer->values.data + 8 * (size_t)i, cell, 8);
            continue;
        }
        if (size && !lf_buffer_append(&answer->values, cell, size))
            return false;
        lf_versions_end_bytes(answer, i);
    }
    return true;
}

bool
lf_versions_decode_keys(struct lf_versions *versions, uint32_t rows)
{
    const struct lf_selection_view *view = &versions->query.selection->views[0];

    for (uint32_t i = 0; i < view->key_count; i++)
        if (!decode_key(&versions->keys[i],
                        &versions->request->keys[view->keys[i]],
                        found(versions), rows))
            return false;
    return true;
}

bool
lf_versions_decode_commits(struct lf_versions *versions, uint32_t rows)
{
    const struct lf_version *version = found(versions);
    struct lf_answer *sequences = &versions->sequences;

    if (!reserve(&versions->times, 8, rows) ||
        !reserve(&versions->commit_times, 8, rows) ||
        !reserve(&versions->operations, 4, rows) ||
        !reserve(&sequences->values, 8, rows) ||
        !reserve(&sequences->validity, 1, (uint32_t)lf_bits_size(rows)))
        return false;
    memset(sequences->validity.data, 0, lf_bits_size(rows));
    sequences->null_count = 0;
    for (uint32_t i = 0; i < rows; i++, version++) {
        size_t at = 8 * (size_t)i;

        lf_store_i64(versions->times.data + at, version->row.timestamp);
        lf_store_i64(versions->commit_times.data + at, version->commit_time);
        lf_store_u32(versions->operations.data + 4 * (size_t)i,
                     (uint32_t)version->operation);
        lf_store_u64(sequences->values.data + at,
                     version->is_base ? 0 : version->sequence);
        if (version->is_base)
            sequences->null_count++;
        else
            lf_bit_set(sequences->validity.data, i);
    }
    return true;
}

/* A delete writes null over all. */
static feature_status
mark_written(struct lf_versions *versions, struct lf_version *version,
             uint8_t *bits, struct feature_error *error)
{
    struct lf_plan *plan = versions->request->plan;
    struct lf_view_plan *view = &plan->views[0];
    bool is_delete = version->row.flags & LF_ROW_TOMBSTONE;
    struct lf_row_plan *rows = NULL;

    if (!is_delete)
        LF_TRY(lf_plan_rows(plan, view, version->row.version, &rows, error));
    for (uint32_t i = 0; i < view->column_count; i++) {
        uint32_t slot = is_delete ? LF_NO_SLOT : rows->cells[i].slot;

        if (is_delete || (slot != LF_NO_SLOT &&
                          lf_row_time(&version->row, slot) != LF_TIME_UNSET))
            lf_bit_set(bits, view->columns[i].column);
    }
    return FEATURE_OK;
}

static feature_status
decode_written(struct lf_versions *versions, uint32_t rows,
               struct feature_error *error)
{
    struct lf_version *version = (struct lf_version *)versions->found.data;
    size_t size = lf_bits_size(versions->query.selection->column_count);
    struct lf_answer *written = &versions->written;

    if (!lf_versions_begin_bytes(written, rows))
        return lf_fail_memory(error);
    for (uint32_t i = 0; i < rows; i++) {
        uint8_t *bits = lf_buffer_extend(&written->values, size);

        if (!bits)
            return lf_fail_memory(error);
        memset(bits, 0, size);
        LF_TRY(mark_written(versions, &version[i], bits, error));
        lf_versions_end_bytes(written, i);
    }
    return FEATURE_OK;
}

static feature_status
decode_values(struct lf_versions *versions, uint32_t rows,
              struct feature_error *error)
{
    feature_request *request = versions->request;
    const struct lf_version *version = found(versions);
    const struct lf_sink sink = {0};

    request->jobs.size = 0;
    for (uint32_t i = 0; i < rows; i++) {
        struct lf_job job = {.key = version[i].row.bytes,
                             .value = version[i].row.bytes,
                             .size = version[i].row.size};

        if (!lf_buffer_append(&request->jobs, &job, sizeof job))
            return lf_fail_memory(error);
    }
    request->rows = rows;
    request->now = INT64_MIN;
    request->ranges[0] = (struct lf_job_range){.count = rows};
    LF_TRY(lf_answer_begin(request, &sink, error));
    return lf_answer_view(request, 0, &sink, error);
}

feature_status
lf_versions_decode(struct lf_versions *versions, struct feature_error *error)
{
    uint32_t rows =
        (uint32_t)(versions->found.size / sizeof(struct lf_version));

    if (!lf_versions_decode_keys(versions, rows) ||
        !lf_versions_decode_commits(versions, rows))
        return lf_fail_memory(error);
    LF_TRY(decode_written(versions, rows, error));
    return decode_values(versions, rows, error);
}

/* What a list of a window takes, about. */
static size_t
list_size(const struct lf_feature *feature)
{
    const struct lf_aggregate *aggregate = feature->aggregate;
    size_t element = lf_type_element_size(feature->type.code);
    uint32_t most =
        aggregate->k > aggregate->by_cap ? aggregate->k : aggregate->by_cap;

    return feature->type.is_list ? most * (element ? element : 16) : 16;
}

size_t
lf_versions_row_bytes(const struct lf_view_plan *view)
{
    size_t size = sizeof(struct lf_job) + sizeof(struct lf_version) + 40;

    size += lf_bits_size(view->column_count);
    for (uint32_t i = 0; i < view->column_count; i++)
        size += lf_type_is_variable(view->columns[i].type)
                    ? sizeof(int32_t)
                    : lf_type_fixed_size(view->columns[i].type);
    for (uint32_t i = 0; view->event && i < view->column_count; i++)
        if (lf_type_is_variable(view->columns[i].type))
            size += list_size(view->features[i]);
    return size;
}
