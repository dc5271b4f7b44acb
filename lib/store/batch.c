/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Batches: their life and the setting of their columns.
 *
 * Owns the values that a caller brings, until they are written or cleared.
 * Keeps its own copy of every name and value, so that it outlives a change of
 * the catalog and the close of its store.
 * Never writes: that is feature_store_write()'s.
 */
#include "store/batch.h"

#include "base/alloc.h"

static feature_status
check_operation(int32_t operation, struct feature_error *error)
{
    if (operation < FEATURE_UPSERT || operation > FEATURE_RETRACT)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "%d is not an operation", operation);
    return FEATURE_OK;
}

static feature_status
create(feature_store *store, const struct lf_batch_wanted *wanted,
       feature_batch **batch, struct feature_error *error)
{
    struct lf_catalog *catalog = NULL;
    feature_batch *made = NULL;
    feature_status status;

    LF_TRY(check_operation(wanted->operation, error));
    LF_TRY(lf_store_enter(store, error));
    made = lf_alloc(sizeof *made);
    if (!made) {
        status = lf_fail_memory(error);
        goto out;
    }
    made->operation = wanted->operation;
    status = lf_store_hold(store, &made->store, error);
    if (!status)
        status = lf_store_catalog(store, &catalog, error);
    if (!status)
        status = lf_batch_build(made, catalog, wanted, error);
    if (status)
        goto out;
    *batch = made;
    made = NULL;
out:
    lf_catalog_release(catalog);
    lf_store_leave(store);
    feature_batch_free(made);
    return status;
}

feature_status
lf_batch_create(feature_store *store, const char *view,
                const struct lf_column_list *columns, int32_t operation,
                feature_batch **batch, struct feature_error *error)
{
    struct lf_batch_wanted wanted = {
        .name = view, .list = columns, .operation = operation};

    return create(store, &wanted, batch, error);
}

feature_status
feature_batch_create(feature_store *store, const char *view,
                     const char *columns, int32_t operation,
                     feature_batch **batch, struct feature_error *error)
{
    struct lf_batch_wanted wanted = {
        .name = view, .text = columns, .operation = operation};

    if (!store || !view || !batch)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "store, view and batch are needed");
    return create(store, &wanted, batch, error);
}

static feature_status
set_column(feature_batch *batch, uint32_t column,
           const struct lf_arrays *arrays, struct feature_error *error)
{
    if (!batch)
        return lf_fail(error, FEATURE_INVALID, "argument", "batch is needed");
    if (atomic_load(&batch->store->closed))
        return lf_fail(error, FEATURE_INVALID, "closed",
                       "the store was closed");
    if (column >= batch->column_count)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "the batch has %u columns, there is no column %u",
                       batch->column_count, column);
    LF_TRY(lf_input_set(&batch->columns[column].input,
                        batch->columns[column].name, arrays, error));
    batch->is_written = false;
    return FEATURE_OK;
}

feature_status
feature_batch_set(feature_batch *batch, uint32_t column, int32_t type,
                  const void *values, const int32_t *offsets,
                  const uint8_t *validity, uint32_t rows,
                  struct feature_error *error)
{
    struct lf_arrays arrays = {.type = type,
                               .values = values,
                               .offsets = offsets,
                               .validity = validity,
                               .rows = rows};

    return set_column(batch, column, &arrays, error);
}

feature_status
feature_batch_set_list(feature_batch *batch, uint32_t column, int32_t type,
                       const void *values, const int32_t *offsets,
                       const int32_t *child_offsets, const uint8_t *validity,
                       uint32_t rows, struct feature_error *error)
{
    struct lf_arrays arrays = {.type = type,
                               .values = values,
                               .offsets = offsets,
                               .child_offsets = child_offsets,
                               .validity = validity,
                               .rows = rows,
                               .is_list = true};

    return set_column(batch, column, &arrays, error);
}

feature_status
feature_batch_column(const feature_batch *batch, uint32_t column,
                     struct feature_field *field, struct feature_error *error)
{
    const struct lf_batch_column *at;

    if (!batch || !field)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "batch and field are needed");
    if (column >= batch->column_count)
        return lf_fail(error, FEATURE_NOT_FOUND, "name",
                       "the batch has %u columns, there is no column %u",
                       batch->column_count, column);
    at = &batch->columns[column];
    *field = (struct feature_field){
        .name = at->name,
        .type = at->input.type.code,
        .width = at->input.type.width,
        .role = at->role,
        .flags = (at->input.type.is_list ? FEATURE_FIELD_LIST : 0u) |
                 (at->not_null ? FEATURE_FIELD_NOT_NULL : 0u)};
    return FEATURE_OK;
}

const uint8_t *
feature_batch_outcomes(const feature_batch *batch)
{
    return batch && batch->is_written ? batch->outcomes.data : NULL;
}

void
feature_batch_clear(feature_batch *batch)
{
    if (!batch)
        return;
    for (uint32_t i = 0; i < batch->column_count; i++)
        lf_input_clear(&batch->columns[i].input);
    batch->refused.size = 0;
    batch->is_written = false;
}

void
feature_batch_free(feature_batch *batch)
{
    if (!batch)
        return;
    for (uint32_t i = 0; i < batch->column_count; i++)
        lf_input_free(&batch->columns[i].input);
    lf_batch_free_event(batch);
    lf_buffer_free(&batch->outcomes);
    lf_buffer_free(&batch->refused);
    lf_arena_free(&batch->arena);
    lf_store_release(batch->store);
    lf_free(batch);
}
