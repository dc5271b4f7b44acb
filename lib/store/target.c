/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Batches made ready for a commit.
 *
 * Owns everything that can be done before the write transaction: checks, keys,
 * order, and the binding to a catalog.
 * Keeps rows of one key in the order they were given: the sort is stable.
 * Never changes the batch, save for widening a column to its feature's type.
 */
#include "store/target.h"

#include <string.h>

#include "store/event_target.h"
#include "format/key.h"
#include "store/key_order.h"

#define SORT_FROM 256 /* rows; below, a page rarely holds two of them */

feature_status
lf_target_name(const struct lf_target *target, feature_status status,
               struct feature_error *error)
{
    lf_error_prefix(error, "batch %u, ", target->index);
    if (error)
        error->batch = target->index;
    return status;
}

/* Whether the only thing that a row could be refused for is the time, and none is:
 * a look at a column instead of one at each row. */
static bool
is_sound(const struct lf_target *target, const struct lf_checks *checks)
{
    const feature_batch *batch = target->batch;
    const struct lf_input *times;

    if (batch->is_event || batch->refused.size || checks->all ||
        checks->count > 1 || !lf_batch_has_number_key(batch))
        return false;
    if (!checks->count)
        return true;
    times = &batch->columns[checks->columns[0]].input;
    if (checks->columns[0] != batch->timestamp || times->has_nulls ||
        times->values.size < 8 * (size_t)target->rows)
        return false;
    for (uint32_t i = 0; i < target->rows; i++)
        if (lf_load_i64(times->values.data + 8 * (size_t)i) == LF_TIME_UNSET)
            return false;
    return true;
}

feature_status
lf_target_check_rows(struct lf_target *target, bool skip_invalid,
                     struct feature_error *error)
{
    struct lf_checks checks;
    bool any = false;

    target->checked.size = 0;
    lf_batch_find_checks(target->batch, &checks);
    if (is_sound(target, &checks)) {
        if (target->rows)
            memset(target->outcomes.data, FEATURE_OUTCOME_NONE, target->rows);
        return FEATURE_OK;
    }
    for (uint32_t i = 0; i < target->rows; i++) {
        struct feature_error *report = skip_invalid ? NULL : error;
        feature_status status =
            lf_batch_check_row(target->batch, i, &checks, report);

        if (status && !skip_invalid)
            return lf_target_name(target, status, error);
        any |= status != FEATURE_OK;
        target->outcomes.data[i] =
            status ? FEATURE_OUTCOME_REJECTED : FEATURE_OUTCOME_NONE;
    }
    if (any && !lf_buffer_append(&target->checked, target->outcomes.data,
                                 target->rows))
        return lf_fail_memory(error);
    return FEATURE_OK;
}

void
lf_target_reset(struct lf_target *target)
{
    if (target->checked.size)
        memcpy(target->outcomes.data, target->checked.data, target->rows);
    else if (target->rows)
        memset(target->outcomes.data, FEATURE_OUTCOME_NONE, target->rows);
}

/* Keys of 8 bytes, of rows that all have one. */
static feature_status
encode_numbers(struct lf_target *target, uint8_t *ends,
               struct feature_error *error)
{
    const feature_batch *batch = target->batch;
    const uint8_t *from = batch->columns[batch->keys[0]].input.values.data;
    uint8_t *to = lf_buffer_extend(
        &target->keys, LF_KEY_INT64_SIZE * (size_t)target->rows + 1);

    if (!to)
        return lf_fail_memory(error);
    lf_store_u64(ends, 0);
    for (size_t i = 0; i < target->rows; i++) {
        lf_key_put_int64(to + LF_KEY_INT64_SIZE * i, lf_load_i64(from + 8 * i));
        lf_store_u64(ends + 8 * i + 8, LF_KEY_INT64_SIZE * (i + 1));
    }
    return FEATURE_OK;
}

/* A rejected row gets an empty key; it is never looked at. */
static feature_status
encode_keys(struct lf_target *target, struct feature_error *error)
{
    uint8_t *ends =
        lf_buffer_extend(&target->key_ends, 8 * ((size_t)target->rows + 1));
    size_t total = 0;
    uint8_t *at;

    if (!ends)
        return lf_fail_memory(error);
    if (lf_batch_has_number_key(target->batch) && !target->checked.size)
        return encode_numbers(target, ends, error);
    lf_store_u64(ends, 0);
    for (uint32_t i = 0; i < target->rows; i++) {
        if (target->outcomes.data[i] == FEATURE_OUTCOME_NONE)
            total += lf_batch_key_size(target->batch, i);
        lf_store_u64(ends + 8 * (size_t)i + 8, total);
    }
    at = lf_buffer_extend(&target->keys, total ? total : 1);
    if (!at)
        return lf_fail_memory(error);
    for (uint32_t i = 0; i < target->rows; i++)
        if (target->outcomes.data[i] == FEATURE_OUTCOME_NONE)
            at = lf_batch_put_key(target->batch, i, at);
    return FEATURE_OK;
}

static bool
rows_rise(const struct lf_target *target)
{
    const uint8_t *last, *key;
    size_t last_size, size;

    if (!target->rows)
        return true;
    last = lf_target_key(target, 0, &last_size);
    for (uint32_t i = 1; i < target->rows; i++) {
        key = lf_target_key(target, i, &size);
        if (lf_key_compare(last, last_size, key, size) > 0)
            return false;
        last = key;
        last_size = size;
    }
    return true;
}

static feature_status
sort_rows(struct lf_target *target, struct feature_error *error)
{
    struct lf_row_keys keys = {target->keys.data, target->key_ends.data};
    uint8_t *order = lf_buffer_extend(&target->order, 4 * (size_t)target->rows);

    if (!order)
        return lf_fail_memory(error);
    for (uint32_t i = 0; i < target->rows; i++)
        lf_store_u32(order + 4 * (size_t)i, i);
    if (!lf_row_keys_sort(&keys, order, target->rows))
        return lf_fail_memory(error);
    target->is_sorted = true;
    return FEATURE_OK;
}

feature_status
lf_target_check(struct lf_target *target, bool skip_invalid,
                struct feature_error *error)
{
    LF_TRY(lf_batch_rows(target->batch, &target->rows, error));
    if (!lf_buffer_extend(&target->outcomes, target->rows))
        return lf_fail_memory(error);
    if (target->batch->is_event)
        lf_event_target_normalize(target);
    LF_TRY(lf_target_check_rows(target, skip_invalid, error));
    if (target->batch->is_event)
        return lf_event_target_order(target, error);
    LF_TRY(encode_keys(target, error));
    target->is_sorted = !target->keeps_order && rows_rise(target);
    if (!target->is_sorted && !target->keeps_order && target->rows >= SORT_FROM)
        return sort_rows(target, error);
    return FEATURE_OK;
}

static feature_status
fail_changed(const struct lf_target *target, const char *name,
             struct feature_error *error)
{
    lf_fail(error, FEATURE_CONFLICT, "schema-changed",
            "feature view %s%s%s was dropped after the batch was made",
            target->batch->view_name, name ? ":" : "", name ? name : "");
    return lf_target_name(target, FEATURE_CONFLICT, error);
}

/* Points the slots at the batch's columns, by feature id. */
static feature_status
bind_columns(struct lf_target *target, struct feature_error *error)
{
    feature_batch *batch = target->batch;

    for (uint32_t i = 0; i < target->form.layout.count; i++)
        target->columns[i] = UINT32_MAX;
    for (uint32_t i = 0; i < batch->column_count; i++) {
        struct lf_batch_column *column = &batch->columns[i];
        const struct lf_feature *feature;
        uint32_t slot;

        if (column->role != FEATURE_ROLE_FEATURE)
            continue;
        feature = lf_view_feature_by_id(target->form.view, column->feature);
        slot = lf_layout_slot(&target->form.layout, column->feature);
        if (!feature || slot == LF_NO_SLOT)
            return fail_changed(target, column->name, error);
        LF_TRY(lf_input_widen(&column->input, feature->type, error));
        column->not_null = feature->not_null;
        target->columns[slot] = i;
        target->own[slot] = true;
    }
    return FEATURE_OK;
}

feature_status
lf_target_resolve(struct lf_target *target, const struct lf_catalog *catalog,
                  struct feature_error *error)
{
    const struct lf_view *view =
        lf_catalog_view_by_id(catalog, target->batch->view);
    struct lf_arena *arena = &target->form.arena;
    size_t count;

    if (target->batch->is_event)
        return lf_event_target_resolve(target, catalog, error);
    if (!view)
        return fail_changed(target, NULL, error);
    LF_TRY(lf_form_bind(&target->form, catalog, view, error));
    count = target->form.layout.count;
    target->columns = lf_arena_array(arena, count, sizeof *target->columns);
    target->own = lf_arena_array(arena, count, sizeof *target->own);
    target->sources = lf_arena_array(arena, count, sizeof *target->sources);
    target->incoming =
        lf_arena_array(arena, 3 * count, sizeof *target->incoming);
    if (!target->columns || !target->own || !target->sources ||
        !target->incoming)
        return lf_fail_memory(error);
    target->cells = target->incoming + count;
    target->backup = target->cells + count;
    return bind_columns(target, error);
}

bool
lf_target_find_sources(struct lf_target *target)
{
    if (target->form.layout.variable_count)
        return false;
    for (uint32_t i = 0; i < target->form.layout.count; i++) {
        struct lf_fixed_column *source = &target->sources[i];
        const struct lf_input *input;

        *source = (struct lf_fixed_column){0};
        if (target->columns[i] == UINT32_MAX)
            continue;
        input = &target->batch->columns[target->columns[i]].input;
        source->values = input->values.data;
        source->validity = input->has_nulls ? input->validity.data : NULL;
    }
    return true;
}

void
lf_target_free(struct lf_target *target)
{
    lf_buffer_free(&target->outcomes);
    lf_buffer_free(&target->checked);
    lf_buffer_free(&target->keys);
    lf_buffer_free(&target->key_ends);
    lf_buffer_free(&target->order);
    lf_form_free(&target->form);
    lf_event_rows_free(&target->events);
}
