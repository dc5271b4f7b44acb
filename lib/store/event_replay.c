/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events of change records, done again.
 *
 * Owns the checks between a record and an event, and gathers events that follow
 * each other, so that a key is looked up once for many of them.
 * Keeps to the folds that made the leader's rows: events of one key are applied
 * in the order of the record, in whatever pieces.
 * Never takes an event whose bytes are not those that its cells encode to.
 */
#include "store/event_replay.h"

#include <string.h>

#define GATHER_MOST 4096

static feature_status
damaged(struct feature_error *error, const char *problem)
{
    return lf_fail(error, FEATURE_CORRUPT, "structure",
                   "the change record is damaged: %s", problem);
}

static bool
open_payload(const struct lf_event_replay *replay, uint32_t row,
             struct lf_row *opened)
{
    const uint8_t *ends = replay->ends.data;
    uint64_t begin = row ? lf_load_u64(ends + 8 * (size_t)row - 8) : 0;
    uint64_t end = lf_load_u64(ends + 8 * (size_t)row);

    return lf_row_open(opened, replay->payloads.data + begin,
                       (size_t)(end - begin));
}

/* The bytes were checked when they were gathered. */
static void
take_cells(const void *from, uint32_t row, struct lf_cell *cells)
{
    const struct lf_event_replay *replay = from;
    struct lf_row opened;

    if (open_payload(replay, row, &opened))
        lf_event_cells(&opened, &replay->rows.layout, cells);
}

static feature_status
check_cells(const struct lf_event_rows *rows, struct feature_error *error)
{
    const struct lf_event *event = rows->event;

    for (uint32_t i = 0; i < event->column_count; i++)
        if (lf_event_cell_problem(event->columns[i].code, &rows->cells[i]))
            return damaged(error, "an event holds what its column cannot");
    for (uint32_t i = 0; i < rows->view_count; i++) {
        const struct lf_form *form = &rows->views[i].form;

        if (lf_event_key_size(form->view->key_columns, form->key_count, event,
                              rows->cells) > LF_KEY_MAX)
            return damaged(error, "a key is too long");
    }
    return FEATURE_OK;
}

/* The key of the change is the event's id. */
static feature_status
check_id(const struct lf_event_rows *rows, const struct lf_change *change,
         struct feature_error *error)
{
    const struct lf_event *event = rows->event;
    const struct lf_cell *id =
        lf_dedupe_applies(event) ? &rows->cells[event->dedupe] : NULL;
    size_t size = id && !id->is_null ? id->size : 0;

    if (size > LF_KEY_MAX || size != change->key.size ||
        (size && memcmp(id->bytes, change->key.bytes, size) != 0))
        return damaged(error, "the id of an event is not in it");
    return FEATURE_OK;
}

/* The newest of what is gathered. */
static feature_status
check(struct lf_event_replay *replay, const struct lf_change *change,
      struct feature_error *error)
{
    struct lf_event_rows *rows = &replay->rows;
    struct lf_row row;

    if (!open_payload(replay, rows->count, &row) ||
        !lf_event_cells(&row, &rows->layout, rows->cells) ||
        row.timestamp != change->time || change->time == LF_TIME_UNSET)
        return damaged(error, "an event is none");
    LF_TRY(check_cells(rows, error));
    LF_TRY(check_id(rows, change, error));
    LF_TRY(lf_event_payload(rows, rows->cells, change->time, error));
    return rows->payload.size == row.size &&
                   memcmp(rows->payload.data, row.bytes, row.size) == 0
               ? FEATURE_OK
               : damaged(error, "an event has an unknown form");
}

static feature_status
bind(struct lf_event_replay *replay, const struct lf_catalog *catalog,
     const struct lf_change *change, struct feature_error *error)
{
    const struct lf_event *event =
        lf_catalog_event_by_id(catalog, change->view);

    if (!event)
        return damaged(error, "it names an event that is not there");
    LF_TRY(lf_event_rows_bind(&replay->rows, catalog, event, error));
    replay->rows.operation = change->operation;
    replay->rows.take = take_cells;
    replay->rows.from = replay;
    replay->rows.count = 0;
    replay->is_bound = true;
    return FEATURE_OK;
}

static bool
append(struct lf_event_replay *replay, const struct lf_change *change)
{
    const uint8_t none = FEATURE_OUTCOME_NONE;
    uint32_t zero = 0;
    uint64_t end;

    if (!lf_buffer_append(&replay->payloads, &zero, sizeof zero) ||
        !lf_buffer_append(&replay->payloads, change->after.bytes,
                          change->after.size))
        return false;
    end = replay->payloads.size;
    return lf_buffer_append(&replay->ends, &end, sizeof end) &&
           lf_buffer_append(&replay->outcomes, &none, 1) &&
           lf_buffer_append(&replay->rows.times, &change->time, 8);
}

feature_status
lf_event_replay_add(struct lf_event_replay *replay, struct lf_commit *commit,
                    const struct lf_catalog *catalog,
                    const struct lf_change *change,
                    struct feature_commit *report, struct feature_error *error)
{
    struct lf_event_rows *rows = &replay->rows;

    if (replay->is_bound &&
        (rows->event->id != change->view ||
         rows->operation != change->operation || rows->count == GATHER_MOST))
        LF_TRY(lf_event_replay_flush(replay, commit, report, error));
    if (!replay->is_bound)
        LF_TRY(bind(replay, catalog, change, error));
    if (!append(replay, change))
        return lf_fail_memory(error);
    LF_TRY(check(replay, change, error));
    rows->count++;
    return FEATURE_OK;
}

feature_status
lf_event_replay_flush(struct lf_event_replay *replay, struct lf_commit *commit,
                      struct feature_commit *report,
                      struct feature_error *error)
{
    const struct lf_fold_options options = {.limit = LF_ROW_SIZE_LIMIT};
    struct lf_event_rows *rows = &replay->rows;
    bool touched = false, has_refused;

    if (!replay->is_bound)
        return FEATURE_OK;
    replay->is_bound = false;
    rows->outcomes = replay->outcomes.data;
    LF_TRY(lf_event_rows_order(rows, error));
    LF_TRY(lf_events_apply(rows, commit, &options, true, report, &touched,
                           &has_refused, error));
    replay->payloads.size = replay->ends.size = replay->outcomes.size = 0;
    rows->times.size = 0;
    return FEATURE_OK;
}

void
lf_event_replay_free(struct lf_event_replay *replay)
{
    lf_event_rows_free(&replay->rows);
    lf_buffer_free(&replay->payloads);
    lf_buffer_free(&replay->ends);
    lf_buffer_free(&replay->outcomes);
}
