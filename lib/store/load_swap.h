/* SPDX-License-Identifier: Apache-2.0 */
/* Putting a version of a view in the place of the one that serves. */
#ifndef LF_STORE_LOAD_SWAP_H
#define LF_STORE_LOAD_SWAP_H

#include "store/load_catch.h"
#include "store/loads.h"

struct lf_swap {
    feature_store *store;
    uint32_t wait_ms;
    struct lf_definition *definition;
    struct lf_catch state; /* of the version that comes */
    const char *since;     /* "the view was written to since": for messages */
    struct lf_load_record *record; /* as it will be; number 0: by the swap */
    const struct feature_source *sources;
    uint32_t source_count;
    bool is_exact;   /* before says how much was ever written by the cut */
    uint64_t before; /* rows applied and late */
    uint64_t applied, late; /* rows, or events, that the load brings */
    bool as_it_was;         /* nothing is caught up with */
    struct feature_load_report *report;
};

/* Catches up and swaps, in commits of which the last one does it. */
feature_status lf_swap_run(struct lf_swap *swap, struct feature_error *error);
void lf_swap_free(struct lf_swap *swap);

#endif
