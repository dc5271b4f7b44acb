/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Batches of events, for a load.
 *
 * Owns the checks of a batch, and the way of its rows into the sorter: the key that
 * each has in the view, and the event as change records have it.
 * Keeps a batch that is refused out as a whole, and rows without a key.
 * Never asks which ids were seen: a load is the truth at its cut.
 */
#include <string.h>

#include "format/key.h"
#include "store/event_apply.h"
#include "store/event_target.h"
#include "store/load_rows.h"

/* A column that the event had not, when the load began, has no place. */
static feature_status
check_columns(const struct feature_load *load, const feature_batch *batch,
              struct feature_error *error)
{
    const struct lf_event *event =
        lf_catalog_event_by_id(load->catalog, load->event);

    for (uint32_t i = 0; i < batch->column_count; i++) {
        const struct lf_batch_column *column = &batch->columns[i];

        if (column->role == FEATURE_ROLE_EVENT_COLUMN &&
            column->feature >= event->column_count)
            return lf_fail(error, FEATURE_CONFLICT, "schema-changed",
                           "event %s was changed since the load began",
                           load->event_name);
    }
    return FEATURE_OK;
}

static feature_status
check_times(const struct feature_load *load, const struct lf_target *target,
            struct feature_error *error)
{
    const struct lf_event *event = target->events.event;
    int64_t now = lf_store_now(load->store);

    if (target->batch->timestamp == UINT32_MAX)
        return FEATURE_OK;
    for (uint32_t i = 0; i < target->rows; i++) {
        int64_t time = lf_batch_time(target->batch, i, load->record.cut_time);

        if (!lf_event_is_future(event, now, time))
            continue;
        lf_fail(error, FEATURE_INVALID, "future",
                "row %u: the event is ahead of the clock by more than max_skew",
                i);
        lf_error_place(error, 0, i, target->batch->timestamp);
        return lf_target_name(target, FEATURE_INVALID, error);
    }
    return FEATURE_OK;
}

static feature_status
check_events(const struct feature_load *load, struct lf_target *target,
             struct feature_error *error)
{
    LF_TRY(lf_target_resolve(target, load->catalog, error));
    LF_TRY(lf_target_check(target, false, error));
    return check_times(load, target, error);
}

/* By its key; where it is kept, then the newest first. */
static feature_status
sort_event(struct feature_load *load, const uint8_t *key, size_t size,
           int64_t time, const struct lf_buffer *payload, uint32_t batch,
           uint32_t index, struct feature_error *error)
{
    uint8_t sorted[LF_KEY_MAX + LF_SORT_TIME];

    if (!lf_load_keeps(load))
        return lf_build_sort(load, key, size, payload, batch, index, error);
    memcpy(sorted, key, size);
    lf_store_big_u64(sorted + size, ~((uint64_t)time ^ LF_KEY_SIGN));
    return lf_build_sort(load, sorted, size + LF_SORT_TIME, payload, batch,
                         index, error);
}

static feature_status
take_event(struct feature_load *load, struct lf_target *target, uint32_t row,
           uint32_t index, struct feature_error *error)
{
    struct lf_event_rows *events = &target->events;
    const struct lf_event_view *view = &events->views[0];
    struct lf_row_keys keys = {view->keys.data, view->ends.data};
    int64_t time = lf_batch_time(target->batch, row, load->record.cut_time);
    struct lf_buffer *last = &load->build.key;
    size_t size;
    const uint8_t *key = lf_row_key(&keys, row, &size);

    if (!size)
        return FEATURE_OK;
    if (load->flags & FEATURE_LOAD_SORTED &&
        lf_build_order(&load->build, key, size) < 0)
        return lf_build_fail_order(load, target->index, index, error);
    events->take(events->from, row, events->cells);
    LF_TRY(lf_event_payload(events, events->cells, time, error));
    LF_TRY(sort_event(load, key, size, time, &events->payload, target->index,
                      index, error));
    last->size = 0;
    return lf_buffer_append(last, key, size) ? FEATURE_OK
                                             : lf_fail_memory(error);
}

/* The view is the only one of the load's catalog. */
static feature_status
take_events(struct feature_load *load, struct lf_target *target, uint32_t first,
            struct feature_error *error)
{
    load->content = LF_LOAD_EVENTS;
    for (uint32_t i = 0; i < target->rows; i++)
        LF_TRY(take_event(load, target, i, first + i, error));
    return FEATURE_OK;
}

feature_status
lf_load_events(struct feature_load *load, feature_batch *batch, uint32_t number,
               uint32_t first, struct feature_error *error)
{
    struct lf_target target = {.batch = batch, .index = number};
    struct lf_batch_event *bound = batch->of_event;
    feature_status status;

    LF_TRY(lf_load_check_content(load, LF_LOAD_EVENTS, error));
    LF_TRY(check_columns(load, batch, error));
    batch->of_event = NULL; /* that of a write knows of all views */
    status = check_events(load, &target, error);
    if (status)
        lf_load_name_row(first, error);
    else
        status = take_events(load, &target, first, error);
    lf_target_free(&target);
    lf_batch_free_event(batch);
    batch->of_event = bound;
    return status;
}
