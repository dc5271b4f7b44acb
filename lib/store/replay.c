/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a change record says, done again.
 *
 * Owns the way from a change to the rows and definitions of a follower.
 * Keeps to the merge that made the leader's rows, with neither clock nor
 * limits: what was accepted there is accepted here.
 * Never takes a key or a row from a record without checking its form.
 */
#include "store/replay.h"

#include <string.h>

#include "format/key.h"
#include "format/record.h"
#include "store/batch.h"
#include "store/event_history.h"
#include "store/history_trim.h"
#include "store/window_merge.h"

#define CATALOG_TREE "catalog"

static feature_status
damaged(struct feature_error *error, const char *problem)
{
    return lf_fail(error, FEATURE_CORRUPT, "structure",
                   "the change record is damaged: %s", problem);
}

static feature_status
end_view(struct lf_replay *replay, struct feature_error *error)
{
    if (!replay->has_view)
        return FEATURE_OK;
    replay->has_view = false;
    lf_merge_free(&replay->merge);
    return lf_rows_end(&replay->rows, error);
}

static struct lf_cell *
asked_cells(const struct lf_replay *replay)
{
    return (struct lf_cell *)replay->slots.data + replay->form.layout.count;
}

static bool *
own_slots(const struct lf_replay *replay)
{
    return (bool *)(asked_cells(replay) + replay->form.layout.count);
}

static feature_status
use_view(struct lf_replay *replay, uint32_t id, struct feature_error *error)
{
    const struct lf_view *view;
    size_t count;

    if (replay->has_view && replay->form.view->id == id)
        return FEATURE_OK;
    LF_TRY(end_view(replay, error));
    LF_TRY(lf_event_replay_flush(&replay->events, replay->commit,
                                 replay->report, error));
    view = lf_catalog_view_by_id(replay->before, id);
    if (!view)
        return damaged(error, "it names a view that is not there");
    LF_TRY(lf_form_bind(&replay->form, replay->before, view, error));
    LF_TRY(lf_rows_begin(&replay->rows, &replay->form, replay->commit, error));
    count = replay->form.layout.count;
    replay->slots.size = 0;
    if (!lf_buffer_extend(&replay->slots,
                          count * (2 * sizeof(struct lf_cell) + sizeof(bool))))
        return lf_fail_memory(error);
    lf_merge_init(&replay->merge, &replay->form.layout,
                  (struct lf_cell *)replay->slots.data);
    replay->has_view = true;
    return FEATURE_OK;
}

/* The parts of the view's entity, and no byte more. */
static bool
is_key(const struct lf_replay *replay, struct lf_slice key)
{
    const struct lf_entity *entity =
        lf_catalog_entity_by_id(replay->before, replay->form.view->entity);
    const uint8_t *at = key.bytes, *end = at + key.size;
    uint8_t text[LF_KEY_MAX];
    size_t size;
    int64_t number;

    if (!key.size || key.size > LF_KEY_MAX)
        return false;
    for (uint32_t i = 0; i < entity->key_count; i++)
        if (entity->keys[i].code == FEATURE_TYPE_INT64
                ? !lf_key_get_int64(&at, end, &number)
                : !lf_key_get_bytes(&at, end, text, &size))
            return false;
    return at == end;
}

/* A write has one time: every cell that it names is of it, and only a PATCH leaves
 * cells out. Another one would be in the history, and not in the row. */
static bool
is_of_one_time(const struct lf_change *change, const struct lf_row *row,
               const struct lf_layout *layout)
{
    for (uint32_t i = 0; i < layout->count; i++) {
        int64_t time = lf_row_time(row, i);

        if (time != change->time &&
            (change->operation != FEATURE_PATCH || time != LF_TIME_UNSET))
            return false;
    }
    return true;
}

/* The row that was asked for, with a place for its checksum. */
static feature_status
open_asked(struct lf_replay *replay, const struct lf_change *change,
           struct lf_row *row, struct feature_error *error)
{
    const struct lf_layout *layout = &replay->form.layout;
    bool is_delete = change->operation == FEATURE_DELETE;
    uint32_t zero = 0;

    replay->asked.size = 0;
    if (!lf_buffer_append(&replay->asked, &zero, sizeof zero) ||
        !lf_buffer_append(&replay->asked, change->after.bytes,
                          change->after.size))
        return lf_fail_memory(error);
    if (!lf_row_open(row, replay->asked.data, replay->asked.size) ||
        row->version != layout->version ||
        is_delete != (row->flags == LF_ROW_TOMBSTONE) ||
        (!is_delete && !lf_row_check(row, layout)) ||
        row->timestamp != change->time || change->time == LF_TIME_UNSET ||
        (!is_delete && !is_of_one_time(change, row, layout)))
        return damaged(error, "a row is no row of its view");
    return FEATURE_OK;
}

static void
take_cells(const struct lf_replay *replay, const struct lf_row *row)
{
    const struct lf_layout *layout = &replay->form.layout;
    struct lf_cell *cells = asked_cells(replay);
    bool *own = own_slots(replay);

    for (uint32_t i = 0; i < layout->count; i++) {
        cells[i] = lf_row_cell(row, layout, i);
        own[i] = cells[i].time != LF_TIME_UNSET;
    }
}

/* Also where nobody keeps it: it counts, and the ordinals in the histories are
 * those of the leader. */
static feature_status
tell(struct lf_replay *replay, const struct lf_change *change,
     const struct lf_stored *stored, struct feature_error *error)
{
    struct lf_written written = {.operation = change->operation,
                                 .time = change->time,
                                 .key = change->key.bytes,
                                 .key_size = change->key.size,
                                 .row = &replay->asked,
                                 .before = stored};

    return lf_journal_add(&replay->rows, &written, error);
}

static feature_status
write_row(struct lf_replay *replay, const struct lf_change *change,
          const struct lf_stored *stored, struct feature_error *error)
{
    struct lf_meta_view *meta = &replay->rows.meta;

    meta->applied++;
    replay->report->applied++;
    if (change->time > meta->newest)
        meta->newest = change->time;
    if (!lf_merge_encode(&replay->merge, &replay->row))
        return lf_fail_memory(error);
    return lf_rows_put(&replay->rows, change->key.bytes, change->key.size,
                       stored, &replay->row, error);
}

/* Of a view FROM an event, which takes nothing but DELETE. */
static feature_status
replay_delete(struct lf_replay *replay, const struct lf_change *change,
              struct feature_error *error)
{
    struct lf_meta_view *meta = &replay->rows.meta;
    struct lf_stored stored;
    struct lf_row row;
    bool is_applied;

    if (change->operation != FEATURE_DELETE)
        return damaged(error, "it writes a row to a view FROM an event");
    LF_TRY(open_asked(replay, change, &row, error));
    LF_TRY(lf_rows_find(&replay->rows, change->key.bytes, change->key.size,
                        &stored, error));
    LF_TRY(lf_window_delete(&replay->rows, &replay->room, change->key.bytes,
                            change->key.size, &stored, change->time,
                            &is_applied, error));
    meta->applied += is_applied;
    meta->late += !is_applied;
    replay->report->applied += is_applied;
    replay->report->late += !is_applied;
    return FEATURE_OK;
}

static feature_status
replay_row(struct lf_replay *replay, const struct lf_change *change,
           struct feature_error *error)
{
    bool is_patch = change->operation == FEATURE_PATCH;
    struct lf_stored stored;
    struct lf_row row;

    if (replay->form.event)
        return replay_delete(replay, change, error);
    LF_TRY(open_asked(replay, change, &row, error));
    LF_TRY(lf_rows_find(&replay->rows, change->key.bytes, change->key.size,
                        &stored, error));
    if (!stored.found)
        lf_merge_clear(&replay->merge);
    else if (!lf_merge_load(&replay->merge, &stored.row, stored.migration))
        return lf_fail_memory(error);
    if (change->operation != FEATURE_DELETE)
        take_cells(replay, &row);
    LF_TRY(tell(replay, change, &stored, error));
    if (lf_merge_write(&replay->merge, change->operation, change->time,
                       asked_cells(replay),
                       is_patch ? own_slots(replay) : NULL))
        return write_row(replay, change, &stored, error);
    replay->rows.meta.late++;
    replay->report->late++;
    return FEATURE_OK;
}

static feature_status
replay_expire(struct lf_replay *replay, const struct lf_change *change,
              struct feature_error *error)
{
    struct lf_stored stored;

    LF_TRY(lf_rows_find(&replay->rows, change->key.bytes, change->key.size,
                        &stored, error));
    if (!stored.found)
        return damaged(error, "it removes a row that is not there");
    return lf_rows_expire(&replay->rows, change->key.bytes, change->key.size,
                          &stored, error);
}

static feature_status
replay_trim(struct lf_replay *replay, const struct lf_change *change,
            struct feature_error *error)
{
    uint64_t dropped;
    bool more;

    if (!replay->rows.history)
        return damaged(error, "it cuts a history that is not kept");
    if (replay->form.event)
        LF_TRY(lf_event_history_trim(&replay->rows, change->key.bytes,
                                     change->key.size, change->time, &dropped,
                                     &more, error));
    else
        LF_TRY(lf_history_trim(&replay->rows, change->key.bytes,
                               change->key.size, change->time, &dropped, &more,
                               error));
    return dropped ? FEATURE_OK
                   : damaged(error, "it cuts a history that is short");
}

/* The state of another store; its version may be older than the row's. */
static feature_status
replay_merge(struct lf_replay *replay, const struct lf_change *change,
             struct feature_error *error)
{
    struct lf_form *form = &replay->form;
    bool is_sound = false, has_marks;
    feature_status status;
    uint32_t zero = 0;
    struct lf_row row;

    replay->asked.size = 0;
    if (!lf_buffer_append(&replay->asked, &zero, sizeof zero) ||
        !lf_buffer_append(&replay->asked, change->after.bytes,
                          change->after.size))
        return lf_fail_memory(error);
    if (form->event && !replay->rows.history &&
        lf_row_open(&row, replay->asked.data, replay->asked.size) &&
        row.timestamp == change->time && change->time != LF_TIME_UNSET &&
        lf_view_schema(form->view, row.version))
        LF_TRY(lf_window_check(form, &row, &is_sound, &has_marks, error));
    if (!is_sound)
        return damaged(error, "it merges what is no state of its view");
    status = lf_window_merge(&replay->rows, &replay->row, change->key.bytes,
                             change->key.size, &row, LF_ROW_SIZE_LIMIT, error);
    if (status == FEATURE_CONFLICT)
        lf_error_prefix(error, "feature view %s: ", form->view->name);
    LF_TRY(status);
    replay->report->applied++;
    return FEATURE_OK;
}

/* The record is checked with all others, at the end. */
static feature_status
replay_define(struct lf_replay *replay, const struct lf_change *change,
              struct feature_error *error)
{
    struct lf_tree *tree;

    if (change->key.size != LF_RECORD_KEY_SIZE)
        return damaged(error, "a definition has a key of another size");
    replay->has_defined = true;
    LF_TRY(lf_writer_tree(replay->commit->writer, CATALOG_TREE, true, &tree,
                          error));
    if (!change->after.size)
        return lf_tree_delete(tree, change->key.bytes, change->key.size, error);
    return lf_tree_put(tree, change->key.bytes, change->key.size,
                       change->after.bytes, change->after.size, false, error);
}

feature_status
lf_replay_change(struct lf_replay *replay, const struct lf_change *change,
                 struct feature_error *error)
{
    switch (change->operation) {
    case LF_CHANGE_DEFINE:
        LF_TRY(lf_event_replay_flush(&replay->events, replay->commit,
                                     replay->report, error));
        return replay_define(replay, change, error);
    case LF_CHANGE_VERSION:
        return lf_fail(error, FEATURE_GAP, "load",
                       "the change record is of a load or a rollback of a "
                       "whole feature view, whose rows it does not hold: take "
                       "a new snapshot");
    case LF_CHANGE_EXPIRE:
    case LF_CHANGE_TRIM:
    case LF_CHANGE_MERGE:
    case FEATURE_UPSERT:
    case FEATURE_PATCH:
    case FEATURE_DELETE:
    case FEATURE_EVENT:
    case FEATURE_RETRACT:
        break;
    default:
        return lf_fail(error, FEATURE_UNSUPPORTED, "not-yet",
                       "the change record holds an operation %d, which this "
                       "library cannot follow",
                       change->operation);
    }
    if (change->is_erased)
        return lf_fail(error, FEATURE_UNSUPPORTED, "not-yet",
                       "the change record was erased in part and cannot be "
                       "followed: take a new snapshot");
    if (replay->has_defined)
        return damaged(error, "rows come after definitions");
    if (lf_operation_is_event(change->operation)) {
        LF_TRY(end_view(replay, error));
        return lf_event_replay_add(&replay->events, replay->commit,
                                   replay->before, change, replay->report,
                                   error);
    }
    LF_TRY(use_view(replay, change->view, error));
    if (!is_key(replay, change->key))
        return damaged(error, "a key is no key of its view");
    if (change->operation == LF_CHANGE_EXPIRE)
        return replay_expire(replay, change, error);
    if (change->operation == LF_CHANGE_TRIM)
        return replay_trim(replay, change, error);
    if (change->operation == LF_CHANGE_MERGE)
        return replay_merge(replay, change, error);
    return replay_row(replay, change, error);
}

feature_status
lf_replay_end(struct lf_replay *replay, uint64_t catalog_version,
              struct feature_error *error)
{
    struct lf_commit *commit = replay->commit;

    LF_TRY(end_view(replay, error));
    LF_TRY(
        lf_event_replay_flush(&replay->events, commit, replay->report, error));
    if (!replay->has_defined) {
        if (catalog_version != commit->meta.catalog_version)
            return damaged(error, "its definitions are of another version");
        replay->after = lf_catalog_hold(replay->before);
        return FEATURE_OK;
    }
    commit->meta.catalog_version = catalog_version;
    LF_TRY(lf_commit_catalog(commit, &replay->after, error));
    LF_TRY(lf_commit_drop_views(commit, replay->before, replay->after, error));
    return lf_history_follow(commit, replay->before, replay->after, error);
}

void
lf_replay_free(struct lf_replay *replay)
{
    if (replay->has_view)
        lf_merge_free(&replay->merge);
    lf_form_free(&replay->form);
    lf_window_delete_free(&replay->room);
    lf_event_replay_free(&replay->events);
    lf_buffer_free(&replay->slots);
    lf_buffer_free(&replay->asked);
    lf_buffer_free(&replay->row);
    lf_catalog_release(replay->before);
    lf_catalog_release(replay->after);
}
