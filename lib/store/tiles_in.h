/* SPDX-License-Identifier: Apache-2.0 */
/* States of another store on their way into a view: one call of
 * feature_store_merge_tiles(). */
#ifndef LF_STORE_TILES_IN_H
#define LF_STORE_TILES_IN_H

#include "store/commit.h"
#include "store/tile_prints.h"

struct lf_tiles_in {
    feature_store *store;
    struct lf_catalog *catalog; /* the form is bound to */
    uint32_t view;              /* id; 0: not known yet */
    struct lf_form form;
    struct lf_tile_prints prints;
    uint32_t count;
    struct lf_buffer keys;  /* encoded, one after the other */
    struct lf_buffer ends;  /* count + 1 u64 */
    struct lf_buffer rows;  /* states, as rows of versions of ours */
    struct lf_buffer until; /* count + 1 u64: where they end */
    struct lf_buffer order; /* u32 rows by key */
    struct lf_buffer room;
    const struct feature_source *sources; /* the caller's */
    uint32_t source_count;
    uint32_t wait_ms;
    struct feature_commit report;
};

/* Looks up the view; in is zeroed but for what the caller asks. */
feature_status lf_tiles_in_begin(struct lf_tiles_in *in, feature_store *store,
                                 const char *view, struct feature_error *error);

/* Takes a copy of one cell of `_tiles` with its key and time, checked by
 * itself. */
feature_status lf_tiles_in_add(struct lf_tiles_in *in, const uint8_t *key,
                               size_t key_size, int64_t time,
                               const uint8_t *bytes, size_t size,
                               struct feature_error *error);

/* Forgets what was added. */
void lf_tiles_in_clear(struct lf_tiles_in *in);

/* Merges all that was added in one commit, and fills the report. Where a row is
 * to blame, error names it. */
feature_status lf_tiles_in_commit(struct lf_tiles_in *in,
                                  struct feature_error *error);

void lf_tiles_in_free(struct lf_tiles_in *in);

#endif
