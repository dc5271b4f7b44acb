/* SPDX-License-Identifier: Apache-2.0 */
/* The events that a view FROM an event keeps: its history. */
#ifndef LF_STORE_EVENT_HISTORY_H
#define LF_STORE_EVENT_HISTORY_H

#include "format/event.h"
#include "store/history.h"

/*
 * Keeps one: an EVENT or RETRACT with its payload, or a DELETE with a tombstone,
 * at its time and with the ordinal it was logged under. Of a DELETE that is the
 * time of the barrier: of what was committed before it, nothing is later, and
 * what is committed after it counts only where it is later.
 */
feature_status lf_event_history_add(struct lf_rows *rows, int32_t operation,
                                    const uint8_t *key, size_t key_size,
                                    int64_t time, uint32_t ordinal,
                                    const struct lf_buffer *payload,
                                    struct lf_buffer *scratch,
                                    struct feature_error *error);

/*
 * Drops what a key keeps at or before the horizon, LF_TRIM_MOST at most, and
 * tells the journal where there was some; more: there is other. CORRUPT: an
 * entry is damaged, and nothing was dropped.
 */
feature_status lf_event_history_trim(struct lf_rows *rows, const uint8_t *key,
                                     size_t key_size, int64_t horizon,
                                     uint64_t *dropped, bool *more,
                                     struct feature_error *error);

/* Whether a key keeps nothing but one DELETE at most. */
feature_status lf_event_history_is_short(struct lf_rows *rows,
                                         const uint8_t *key, size_t key_size,
                                         bool *is_short,
                                         struct feature_error *error);

/* Drops all that a key keeps, without a word to the journal: its tombstone
 * leaves. */
feature_status lf_event_history_forget(struct lf_rows *rows, const uint8_t *key,
                                       size_t key_size, int64_t barrier,
                                       struct feature_error *error);

/* The next entry of a key at or after a place (LF_STEP_SEEK), or after the one
 * before (LF_STEP_NEXT), newest first; found = false: no other. Its bytes stay
 * until the next change. */
feature_status lf_event_history_move(struct lf_rows *rows, enum lf_step step,
                                     const uint8_t *key, size_t key_size,
                                     const struct lf_history_place *place,
                                     struct lf_history_entry *entry,
                                     bool *found, struct feature_error *error);

/* Whether it is known what was there at a commit time: before the cut of a load
 * it is not. */
bool lf_event_history_knew(const struct lf_meta_view *meta, int64_t known_by);

/* Whether every event with from <= ts is among those kept. */
bool lf_event_history_covers(const struct lf_meta_view *meta,
                             const struct lf_event *event, int64_t from);

#endif
