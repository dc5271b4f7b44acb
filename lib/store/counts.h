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
    bool is_joined;
    struct lf_counts *next; /* of the store's, under its lock */
    struct lf_counts **link;
};

struct lf_count_sums {
    uint64_t reads;
    uint64_t rows;
    uint64_t states[LF_STATES];
};

/* Counts one read. states: a state for each row and view. */
void lf_counts_note(struct lf_counts *counts, uint32_t rows,
                    const uint8_t *states, size_t state_count);

/* A request comes and goes; what it counted stays. */
void lf_counts_join(feature_store *store, struct lf_counts *counts);
void lf_counts_leave(feature_store *store, struct lf_counts *counts);

void lf_counts_sum(feature_store *store, struct lf_count_sums *sums);

#endif
