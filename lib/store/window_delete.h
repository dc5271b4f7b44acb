/* SPDX-License-Identifier: Apache-2.0 */
/* DELETE of rows of a view FROM an event. */
#ifndef LF_STORE_WINDOW_DELETE_H
#define LF_STORE_WINDOW_DELETE_H

#include "store/journal.h"

/* Room that is used for key after key; zeroed, to be freed. */
struct lf_window_delete {
    struct lf_buffer row;   /* as it will be */
    struct lf_buffer asked; /* a tombstone at the time asked for */
    struct lf_buffer kept;  /* an entry of the history */
};

/*
 * Deletes all events of a key so far: a barrier at the time or at the newest
 * event, whichever is later, that no earlier event passes any more. Tells the
 * journal. is_applied = false: a later delete was there already, and nothing
 * since.
 */
feature_status lf_window_delete(struct lf_rows *rows,
                                struct lf_window_delete *room,
                                const uint8_t *key, size_t key_size,
                                const struct lf_stored *stored, int64_t time,
                                bool *is_applied, struct feature_error *error);
void lf_window_delete_free(struct lf_window_delete *room);

#endif
