/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshots that are held between two API calls. */
#ifndef LF_STORE_HOLD_H
#define LF_STORE_HOLD_H

#include "store/store.h"

#define LF_HOLDS_MAX  64        /* of one handle */
#define LF_HOLDS_NONE INT64_MAX /* as hold_due: none is there to be ended */

/* A snapshot that is its maker's to use, and the store's to end: by age, or
 * because the store is closed. Zero holds nothing. */
struct lf_hold {
    struct lf_hold *next; /* of the store's */
    struct lf_hold **link;
    struct lf_reader *reader; /* NULL: it was ended */
    bool is_used;             /* by a call right now */
    uint32_t generation;      /* of the process that took it */
    uint32_t max_age_ms;
    int64_t since_ms;
};

/* Takes the newest snapshot. BUSY `scan-limit` where LF_HOLDS_MAX are held.
 * This, use and the sweep are made within lf_store_enter. */
feature_status lf_hold_begin(feature_store *store, struct lf_hold *hold,
                             uint32_t max_age_ms, struct feature_error *error);

/* The snapshot, for one call. BUSY `scan-age` once it is too old. */
feature_status lf_hold_use(feature_store *store, struct lf_hold *hold,
                           struct lf_reader **reader,
                           struct feature_error *error);
void lf_hold_unuse(feature_store *store, struct lf_hold *hold);

/* Gives the snapshot up; after that of zero, too, and in any process. */
void lf_hold_end(feature_store *store, struct lf_hold *hold);

/* Ends those that are too old, whoever left them. Every call does on its way
 * in, which costs it a load where none is held, and a look at the clock where
 * one is. */
void lf_holds_end_old(feature_store *store);

static inline void
lf_holds_sweep(feature_store *store)
{
    if (atomic_load_explicit(&store->hold_due, memory_order_relaxed) !=
        LF_HOLDS_NONE)
        lf_holds_end_old(store);
}

/* Ends all of a store that is being closed and that nobody uses any more. */
void lf_holds_close(feature_store *store);

#endif
