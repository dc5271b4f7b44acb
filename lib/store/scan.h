/* SPDX-License-Identifier: Apache-2.0 */
/* All rows of one view in key order, a chunk at a time. */
#ifndef LF_STORE_SCAN_H
#define LF_STORE_SCAN_H

#include "store/hold.h"
#include "store/request.h"

#define LF_SCAN_ROWS   16384              /* of a chunk, unless asked */
#define LF_SCAN_BYTES  ((size_t)16 << 20) /* of a chunk: then it ends early */
#define LF_SCAN_AGE_MS 60000 /* of a snapshot that is held, unless asked */

struct lf_tiles_out;

struct lf_scan {
    feature_query *query;
    feature_request *request; /* the answer for the rows of the chunk */
    struct lf_answer keys[LF_KEYS_MAX]; /* of those rows, without validity */
    struct lf_buffer from;              /* no key below it is left to serve */
    struct lf_buffer to;                /* no key from it on is */
    bool has_to;
    bool is_done;
    bool is_one; /* of one snapshot */
    struct lf_hold hold;
    int64_t now; /* of one snapshot: the clock of all its rows */
    uint32_t chunk_rows;
    uint32_t pass_rows;         /* looked at in one snapshot, tombstones too */
    uint64_t served;            /* rows of the chunks before */
    struct lf_tiles_out *tiles; /* states instead of features; NULL: no */
};

/* Options are whole: of our struct_size. */
feature_status lf_scan_create(feature_store *store, const char *features,
                              const struct feature_scan_options *options,
                              struct lf_scan **scan,
                              struct feature_error *error);

/* Reads the next chunk into keys and request; request->rows is 0 at the end.
 * A failure leaves the scan where it was. */
feature_status lf_scan_next(struct lf_scan *scan, struct feature_error *error);

void lf_scan_free(struct lf_scan *scan); /* NULL is fine */

/* INVALID where a query is of several views, or its keys and columns have names
 * in common; what is "a scan" in messages. */
feature_status lf_scan_check_selection(const struct lf_selection *selection,
                                       const char *what,
                                       struct feature_error *error);

/* The bytes that keys of a view begin with where their first parts are the
 * literals of a text; option is what messages call it (scan_bound.c). */
feature_status lf_scan_bound(const struct lf_selection *selection,
                             const char *option, const char *text,
                             struct lf_buffer *bytes,
                             struct feature_error *error);

#endif
