/* SPDX-License-Identifier: Apache-2.0 */
/* What leaves the history of a view within a write transaction. */
#ifndef LF_STORE_HISTORY_TRIM_H
#define LF_STORE_HISTORY_TRIM_H

#include "store/history.h"

#define LF_TRIM_MOST 4096 /* versions; a part of the feed's meaning */

/*
 * Drops the versions of a key that are older than its newest one at or before
 * the horizon, LF_TRIM_MOST at most, and tells the journal where there were
 * some; more: there are others. What lies there decides, so a follower drops the
 * same. CORRUPT: an entry is damaged, and nothing was dropped.
 */
feature_status lf_history_trim(struct lf_rows *rows, const uint8_t *key,
                               size_t key_size, int64_t horizon,
                               uint64_t *dropped, bool *more,
                               struct feature_error *error);

/* Whether a key's history is no more than its newest version, and maybe a base. */
feature_status lf_history_is_short(struct lf_rows *rows, const uint8_t *key,
                                   size_t key_size, bool *is_short,
                                   struct feature_error *error);

/* Before a row leaves its view: one that was there before history began is kept
 * as a base; a tombstone takes the history of its key along. */
feature_status lf_history_expire(struct lf_rows *rows, const uint8_t *key,
                                 size_t key_size,
                                 const struct lf_stored *stored,
                                 struct feature_error *error);

/* Whether the key has two versions at or before the horizon, as far as a block
 * tells; of events, one. */
feature_status lf_history_is_long(struct lf_rows *rows, const uint8_t *key,
                                  size_t key_size, int64_t horizon, bool *found,
                                  struct feature_error *error);

#endif
