/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Batches of rows, for a load.
 *
 * Owns the checks of a batch, and the time of its rows.
 * Keeps a batch that is refused out as a whole: all rows are looked at before the
 * first is taken.
 * Never asks the store for anything.
 */
#include "store/load_rows.h"

#define BLOCK 64 /* rows that are encoded together */

#include <stdio.h>
#include <string.h>

feature_status
lf_load_check_batch(const struct feature_load *load, const feature_batch *batch,
                    struct feature_error *error)
{
    if (batch->store != load->store)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "the batch was not made from the load's store");
    if (load->is_event) {
        if (batch->is_event && batch->view == load->event &&
            batch->operation == FEATURE_EVENT)
            return FEATURE_OK;
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "the load of %s takes EVENT batches of %s, this one is "
                       "for %s",
                       load->name, load->event_name, batch->view_name);
    }
    if (batch->is_event || batch->view != load->record.view ||
        batch->operation != FEATURE_UPSERT)
        return lf_fail(
            error, FEATURE_INVALID, "argument",
            "the load takes UPSERT batches of %s, this one is for %s",
            load->name, batch->view_name);
    return FEATURE_OK;
}

static feature_status
refuse_future(const struct lf_target *target, uint32_t row,
              struct feature_error *error)
{
    lf_fail(error, FEATURE_INVALID, "future",
            "row %u: the event timestamp is ahead of the clock by more than "
            "max_skew",
            row);
    lf_error_place(error, 0, row, target->batch->timestamp);
    return lf_target_name(target, FEATURE_INVALID, error);
}

static feature_status
check_times(const struct feature_load *load, const struct lf_target *target,
            struct feature_error *error)
{
    const struct lf_view *view = load->view;
    int64_t edge;

    if (target->batch->timestamp == UINT32_MAX ||
        view->max_skew == LF_SKEW_NONE ||
        __builtin_add_overflow(lf_store_now(load->store), view->max_skew,
                               &edge))
        return FEATURE_OK;
    for (uint32_t i = 0; i < target->rows; i++)
        if (lf_batch_time(target->batch, i, 0) > edge)
            return refuse_future(target, i, error);
    return FEATURE_OK;
}

/* Rows of fixed size are all of one. */
static feature_status
check_sizes(struct lf_target *target, bool is_fixed,
            struct feature_error *error)
{
    uint32_t rows = is_fixed && target->rows ? 1 : target->rows;

    for (uint32_t i = 0; i < rows; i++)
        if (!lf_target_fits(target, is_fixed, i))
            return lf_target_name(
                target, lf_batch_fail_row_size(target->batch, i, error), error);
    return FEATURE_OK;
}

void
lf_load_name_row(uint32_t first, struct feature_error *error)
{
    char begin[48], rest[sizeof error->message];

    snprintf(begin, sizeof begin, "batch %u, row %lld", error->batch,
             (long long)error->row);
    if (error->row < 0 || !first ||
        strncmp(error->message, begin, strlen(begin)) != 0)
        return;
    error->row += first;
    memcpy(rest, error->message, sizeof rest);
    snprintf(error->message, sizeof error->message, "%s", rest + strlen(begin));
    lf_error_prefix(error, "batch %u, row %lld", error->batch,
                    (long long)error->row);
}

/* Rows [begin, begin + count) of a target whose rows are all of one size. */
static feature_status
take_block(struct feature_load *load, struct lf_target *target, uint32_t begin,
           uint32_t count, uint32_t first, struct feature_error *error)
{
    const struct lf_layout *layout = &target->form.layout;
    struct lf_buffer *rows = &load->build.row;
    int64_t times[BLOCK];

    for (uint32_t i = 0; i < count; i++)
        times[i] =
            lf_batch_time(target->batch, begin + i, load->record.cut_time);
    if (!lf_row_encode_block(layout, target->sources, begin, count, times,
                             rows))
        return lf_fail_memory(error);
    for (uint32_t i = 0; i < count; i++) {
        struct lf_buffer row = {.data = rows->data + rows->size / count * i,
                                .size = rows->size / count};
        const uint8_t *key;
        size_t size;

        key = lf_target_key(target, begin + i, &size);
        LF_TRY(lf_build_add(load, key, size, &row, target->index,
                            first + begin + i, error));
    }
    return FEATURE_OK;
}

static feature_status
take_blocks(struct feature_load *load, struct lf_target *target, uint32_t first,
            struct feature_error *error)
{
    for (uint32_t begin = 0; begin < target->rows; begin += BLOCK) {
        uint32_t left = target->rows - begin;

        LF_TRY(take_block(load, target, begin, left < BLOCK ? left : BLOCK,
                          first, error));
    }
    return FEATURE_OK;
}

static feature_status
take_rows(struct feature_load *load, struct lf_target *target, uint32_t first,
          struct feature_error *error)
{
    struct lf_buffer *row = &load->build.row;

    for (uint32_t i = 0; i < target->rows; i++) {
        int64_t time = lf_batch_time(target->batch, i, load->record.cut_time);
        const uint8_t *key;
        size_t size;

        lf_target_take_cells(target, i);
        if (!lf_target_encode(target, false, i, time, row))
            return lf_fail_memory(error);
        key = lf_target_key(target, i, &size);
        LF_TRY(lf_build_add(load, key, size, row, target->index, first + i,
                            error));
    }
    return FEATURE_OK;
}

/* All that can be wrong with the rows themselves. */
static feature_status
check_rows(struct feature_load *load, struct lf_target *target, bool *is_fixed,
           struct feature_error *error)
{
    LF_TRY(lf_target_resolve(target, load->catalog, error));
    LF_TRY(lf_target_check(target, false, error));
    *is_fixed = lf_target_find_sources(target);
    LF_TRY(check_times(load, target, error));
    return check_sizes(target, *is_fixed, error);
}

feature_status
lf_load_rows(struct feature_load *load, feature_batch *batch, uint32_t number,
             uint32_t first, struct feature_error *error)
{
    struct lf_target target = {
        .batch = batch, .index = number, .keeps_order = true};
    bool is_fixed = false;
    feature_status status;

    LF_TRY(lf_load_check_batch(load, batch, error));
    if (load->is_event)
        return lf_load_events(load, batch, number, first, error);
    status = check_rows(load, &target, &is_fixed, error);
    if (status)
        lf_load_name_row(first, error);
    else
        status = is_fixed ? take_blocks(load, &target, first, error)
                          : take_rows(load, &target, first, error);
    lf_target_free(&target);
    return status;
}
