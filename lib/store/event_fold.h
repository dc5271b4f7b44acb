/* SPDX-License-Identifier: Apache-2.0 */
/* What rows of an event do to one view FROM it. */
#ifndef LF_STORE_EVENT_FOLD_H
#define LF_STORE_EVENT_FOLD_H

#include "format/state.h"
#include "store/event_rows.h"
#include "store/rows.h"

#define LF_FOLD_ROWS 256 /* events decoded at a time */

/* A row of a view FROM an event, taken up into the form's state: a stored row of
 * any schema version, a tombstone, or none. */
feature_status lf_window_load(struct lf_rows *rows,
                              const struct lf_stored *stored,
                              struct lf_state **state,
                              struct feature_error *error);

/* The same, into a state of the current plan. */
feature_status lf_window_take(struct lf_rows *rows,
                              const struct lf_stored *stored,
                              struct lf_state *state,
                              struct feature_error *error);

/* Encodes what has become of it: a tombstone where nothing came after a delete.
 * fits = false: it is larger than the limit. */
feature_status lf_window_encode(const struct lf_rows *rows, uint64_t limit,
                                struct lf_state *state, struct lf_buffer *row,
                                bool *fits, struct feature_error *error);

/* The rows of one join key: places [first, end) of the view's order. */
struct lf_event_run {
    uint32_t first;
    uint32_t end;
    const uint8_t *key;
    size_t key_size;
};

/* Rows of an event at work in one view. */
struct lf_fold {
    struct lf_event_rows *events;
    struct lf_event_view *view;
    struct lf_rows rows;
    bool is_begun;
    bool skip_invalid;
    uint64_t limit;   /* of a row's size */
    bool has_refused; /* rows became REJECTED: all has to be done again */
    struct lf_state *state;
    uint32_t room;               /* events decoded at a time */
    struct lf_tile_event *batch; /* room for them */
    struct lf_cell *cells;       /* and their cells */
    uint8_t outcomes[LF_FOLD_ROWS];
    uint64_t seen, applied; /* rows of the run */
    struct lf_buffer row;
    struct lf_buffer kept; /* of a history: an entry, or several */
};

/* What all folds of a call share. */
struct lf_fold_options {
    bool skip_invalid;
    uint64_t limit; /* of a row's size */
};

/* Folds the rows that are still NONE into the view, and marks them. */
feature_status lf_fold_view(struct lf_event_rows *events,
                            struct lf_event_view *view,
                            struct lf_commit *commit,
                            const struct lf_fold_options *options,
                            bool *has_refused, struct feature_error *error);

static inline uint32_t
lf_fold_row(const struct lf_fold *fold, uint32_t place)
{
    return lf_load_u32(fold->view->order.data + 4 * (size_t)place);
}

/* The cells of a row as an event, at a place of the room. */
void lf_fold_take(struct lf_fold *fold, uint32_t row, uint32_t at);

static inline void
lf_fold_mark(struct lf_fold *fold, uint32_t row, int32_t outcome)
{
    fold->events->marks.data[row] |= outcome == FEATURE_OUTCOME_APPLIED
                                         ? LF_EVENT_HAS_KEY | LF_EVENT_IS_PLACED
                                         : LF_EVENT_HAS_KEY;
}

static inline bool
lf_fold_is_pending(const struct lf_fold *fold, uint32_t row)
{
    return fold->events->outcomes[row] == FEATURE_OUTCOME_NONE;
}

/* Keeps a row of the run in the view's history, if it has one. */
feature_status lf_fold_keep(struct lf_fold *fold,
                            const struct lf_event_run *run, uint32_t row,
                            struct feature_error *error);

/* Takes the rows of a run back, one by one, and keeps them; the state is
 * loaded. */
feature_status lf_fold_retract(struct lf_fold *fold,
                               const struct lf_event_run *run, bool is_known,
                               struct feature_error *error);

/* Which rows of a run make its row too large: they become REJECTED, or the first
 * of them is named. */
feature_status lf_fold_overflow(struct lf_fold *fold,
                                const struct lf_event_run *run,
                                const struct lf_stored *stored,
                                struct feature_error *error);

/* A row that cannot be applied: REJECTED, or the failure as it was filled in. */
feature_status lf_fold_refuse(struct lf_fold *fold, uint32_t row,
                              const struct feature_error *problem,
                              struct feature_error *error);

#endif
