/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events of a view that keeps them, which follow from the number of a load or of a
 * write, and what the view has to hold of them.
 *
 * A load has some events of most keys, each with the load's number as its version; a
 * write has one event with its own number.
 */
#ifndef TESTS_CRASH_KILL_KEPT_H
#define TESTS_CRASH_KILL_KEPT_H

#include "children.h"

#define KEPT_KEYS     120 /* that a load may have */
#define KEPT_STREAMED 16  /* the first of them are written besides */
#define KEPT_PIECE    24  /* keys of one append */

#define KEPT_DEFINITIONS                                                      \
    "STORE WITH (changes = '90 days'); CREATE ENTITY e (k INT64);"            \
    "CREATE EVENT p (k INT64, version INT64, number INT64);"                  \
    "CREATE FEATURE VIEW v (loaded = COUNT(*) WHERE version > 0, "            \
    "versions = SUM(version), streamed = COUNT(*) WHERE number > 0, "         \
    "numbers = SUM(number), least = MIN(number) OVER '1 hour') FOR e FROM p " \
    "WITH (keep_versions = 1, history = '9000 days');"

/* What a key has, or should have. */
struct kept_sums {
    int64_t loaded, versions, streamed, numbers;
};

struct kept_view {
    uint8_t states[KEPT_KEYS];
    struct kept_sums keys[KEPT_KEYS];
};

/* Events of a key in a load: each load lacks an eighth of the keys. */
uint32_t kept_events(uint64_t load, uint64_t key);

/* A batch of events, and what is in it: keys [from, from + KEPT_PIECE) of a load in
 * no order, or one write. */
feature_batch *kept_batch(feature_store *store);
void kept_fill_piece(feature_batch *batch, uint64_t load, uint64_t from);
void kept_fill_write(feature_batch *batch, uint64_t number);

/* known_by 0: as it is now. */
void kept_read(feature_store *store, int64_t known_by, struct kept_view *view);

/* The load that all loaded events are of; 0: none is there. UINT64_MAX: they are of
 * two. */
uint64_t kept_load_of(const struct kept_view *view);

/* The sequence that a load says it is the truth at, and when that was. */
uint64_t kept_cut(feature_store *store, uint64_t load, int64_t *time);

/* What the feed says was written after a sequence; the newest number of it, and the
 * last sequence. */
uint64_t kept_feed(feature_store *store, uint64_t since,
                   struct kept_sums sums[KEPT_STREAMED], uint64_t *last);

#endif
