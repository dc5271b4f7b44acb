/* SPDX-License-Identifier: Apache-2.0 */
/* States of another store, merged into rows of a view FROM an event. */
#ifndef LF_STORE_WINDOW_MERGE_H
#define LF_STORE_WINDOW_MERGE_H

#include "store/event_fold.h"

/* Whether a row of a schema version that the view has is a tombstone, or a state
 * to the byte; has_marks: see lf_state_has_marks. */
feature_status lf_window_check(struct lf_form *form, const struct lf_row *row,
                               bool *is_sound, bool *has_marks,
                               struct feature_error *error);

/*
 * Merges a row of the view's form (its checksum is not looked at, what is behind
 * it was checked) into the stored one, as the earlier side, and tells the feed.
 * INVALID `row-size`: the result is over the limit. CONFLICT `deleted`: a delete
 * of the stored side forbids events that it cannot tell from others.
 */
feature_status lf_window_merge(struct lf_rows *rows, struct lf_buffer *room,
                               const uint8_t *key, size_t key_size,
                               const struct lf_row *earlier, uint64_t limit,
                               struct feature_error *error);

#endif
