/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deletes of windowed rows.
 *
 * Owns the barrier that a delete leaves.
 * Keeps it at or past every event before it, so that no tile straddles it.
 * Never forgets a barrier: only upkeep does, once it is old.
 */
#include "store/window_delete.h"

#include "store/event_fold.h"
#include "store/event_history.h"

void
lf_window_delete_free(struct lf_window_delete *room)
{
    lf_buffer_free(&room->row);
    lf_buffer_free(&room->asked);
    lf_buffer_free(&room->kept);
}

/* The feed is told what was asked, the history where the barrier is. */
static feature_status
tell(struct lf_rows *rows, struct lf_window_delete *room, const uint8_t *key,
     size_t key_size, int64_t time, int64_t barrier,
     struct feature_error *error)
{
    uint16_t version = rows->form->layout.version;
    struct lf_written written = {.operation = FEATURE_DELETE,
                                 .time = time,
                                 .key = key,
                                 .key_size = key_size,
                                 .row = &room->asked};
    uint32_t ordinal = rows->commit->written++;

    if (!lf_row_encode_tombstone(version, time, &room->asked))
        return lf_fail_memory(error);
    LF_TRY(lf_feed_add(rows, &written, error));
    if (!rows->history)
        return FEATURE_OK;
    if (!lf_row_encode_tombstone(version, barrier, &room->row))
        return lf_fail_memory(error);
    return lf_event_history_add(rows, FEATURE_DELETE, key, key_size, barrier,
                                ordinal, &room->row, &room->kept, error);
}

feature_status
lf_window_delete(struct lf_rows *rows, struct lf_window_delete *room,
                 const uint8_t *key, size_t key_size,
                 const struct lf_stored *stored, int64_t time, bool *is_applied,
                 struct feature_error *error)
{
    struct lf_meta_view *meta = &rows->meta;
    struct lf_state *state;
    int64_t barrier;
    bool fits;

    *is_applied = !stored->found || !(stored->row.flags & LF_ROW_TOMBSTONE) ||
                  time >= stored->row.timestamp;
    LF_TRY(lf_window_load(rows, stored, &state, error));
    lf_state_bury(state, time);
    barrier = lf_state_barrier(state);
    if (*is_applied) {
        LF_TRY(lf_window_encode(rows, LF_ROW_SIZE_LIMIT, state, &room->row,
                                &fits, error));
        LF_TRY(lf_rows_put(rows, key, key_size, stored, &room->row, error));
        if (barrier > meta->newest)
            meta->newest = barrier;
    }
    return tell(rows, room, key, key_size, time, barrier, error);
}
