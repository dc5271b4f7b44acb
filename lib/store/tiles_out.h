/* SPDX-License-Identifier: Apache-2.0 */
/* The states of a view on their way out, beside a scan. */
#ifndef LF_STORE_TILES_OUT_H
#define LF_STORE_TILES_OUT_H

#include "store/scan.h"
#include "store/sides.h"
#include "store/tile_prints.h"

struct lf_tiles_out {
    struct lf_catalog *catalog; /* the form is bound to */
    struct lf_form form;
    struct lf_tile_prints prints;
    struct lf_sides sides;
    struct lf_buffer full;   /* a row with the states beside it */
    struct lf_buffer times;  /* i64 a row of the chunk */
    struct lf_answer states; /* BYTES, one a row */
};

/* A scan of the states of a view, tombstones too, of one snapshot. Options are
 * whole. */
feature_status lf_tiles_scan_create(feature_store *store, const char *view,
                                    const struct feature_scan_options *options,
                                    struct lf_scan **scan,
                                    struct feature_error *error);

/* The print of the view's present definition. */
uint64_t lf_tiles_fingerprint(const struct lf_tiles_out *tiles);

/* What a stored row takes with the states that lie beside it. */
feature_status lf_tiles_measure(struct lf_tiles_out *tiles,
                                const struct lf_row *row, uint64_t *size,
                                struct feature_error *error);

/* Takes the rows that a scan has walked over in a snapshot. */
feature_status lf_tiles_take(struct lf_tiles_out *tiles,
                             struct lf_reader *reader,
                             const struct lf_job *jobs, uint32_t count,
                             struct feature_error *error);

void lf_tiles_out_free(struct lf_tiles_out *tiles); /* NULL is fine */

#endif
