/* SPDX-License-Identifier: Apache-2.0 */
/* Counts of reads: one set a request, summed when somebody asks. */
#ifndef LF_STORE_COUNTS_H
#define LF_STORE_COUNTS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libfeature.h"

#define LF_STATES 8 /* 0 is none */

/* Written by one thread at a time, read by any. */
struct lf_counts {
    _Atomic(uint64_t) reads;
    _Atomic(uint64_t) rows;
    _Atomic(uint64_t) states[LF_STATES];
    _Atomic(uint64_t) overflows;
    bool is_joined;
    struct lf_counts *next; /* of the store's, under its lock */
    struct lf_counts **link;
};

struct lf_count_sums {
    uint64_t reads;
    uint64_t rows;
    uint64_t states[LF_STATES];
    uint64_t overflows;
};

/* Counts one read. states: a state for each row and view. */
void lf_counts_note(struct lf_counts *counts, uint32_t rows,
                    const uint8_t *states, size_t state_count);

/* Values that did not fit their type. */
void lf_counts_overflow(struct lf_counts *counts, uint64_t count);

/* A request comes and goes; what it counted stays. */
void lf_counts_join(feature_store *store, struct lf_counts *counts);
void lf_counts_leave(feature_store *store, struct lf_counts *counts);

void lf_counts_sum(feature_store *store, struct lf_count_sums *sums);

/* --- events ---------------------------------------------------------------- */

#define LF_OUTCOMES 6 /* 0 is none */

/* Rows of batches of an event that a handle wrote. */
struct lf_event_counts {
    uint32_t event; /* id */
    uint64_t outcomes[LF_OUTCOMES];
};

/* Room for an event, before its rows are written. False: no memory. */
bool lf_event_counts_reserve(feature_store *store, uint32_t event);
void lf_event_counts_note(feature_store *store, uint32_t event,
                          const uint8_t *outcomes, uint32_t rows);
/* What was counted of an event. */
void lf_event_counts_read(feature_store *store, uint32_t event,
                          struct lf_event_counts *counts);

#endif
