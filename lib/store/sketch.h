/* SPDX-License-Identifier: Apache-2.0 */
/* A sketch as callers hold it. */
#ifndef LF_STORE_SKETCH_H
#define LF_STORE_SKETCH_H

#include "format/ddsketch.h"
#include "format/hll.h"
#include "libfeature.h"

struct feature_sketch {
    int32_t kind;           /* feature_sketch_kind */
    struct lf_hll hll;      /* DISTINCT: has room for all it can become */
    struct lf_dd dd;        /* QUANTILES */
    struct lf_buffer bytes; /* the last ones given out */
};

/* A sketch of hll or of dd, which it takes over; both are empty otherwise. */
feature_status lf_sketch_give(int32_t kind, struct lf_hll *hll,
                              struct lf_dd *dd, feature_sketch **sketch,
                              struct feature_error *error);

#endif
