/* SPDX-License-Identifier: Apache-2.0 */
/* What was written to a view since a commit, for a version that does not know of
 * it: taken from the change feed, and written by the usual rules. */
#ifndef LF_STORE_LOAD_CATCH_H
#define LF_STORE_LOAD_CATCH_H

#include "store/feed_view.h"

#define LF_CATCH_BYTES (1u << 20) /* of changes that are gathered at a time */

struct lf_catch {
    feature_store *store;
    struct lf_catalog *catalog; /* a copy in which the view is the version */
    const struct lf_view *view; /* in it */
    struct lf_catalog *renewed; /* ours: the catalog, where it was renewed */
    bool is_whole;              /* never a part of a commit alone */
    /* Schema versions that the view had at `next`: changes of its definition and
     * other versions are gone past. 0: they end it. */
    uint32_t schema;
    uint64_t next;            /* sequence of the record to read */
    uint32_t part;            /* of it */
    uint32_t ordinal;         /* of its next change */
    int64_t time;             /* of its commit */
    struct lf_buffer changes; /* gathered, to be written */
    struct lf_buffer scratch;
    uint64_t bytes; /* of the feed that was looked at */
    uint64_t gathered, written;
};

/* Where a catch-up is; to go back to. */
struct lf_catch_place {
    uint64_t next;
    uint32_t schema;
    uint32_t part;
    uint32_t ordinal;
    int64_t time;
    uint64_t written;
};

/* Gathers what follows; most: bytes of changes, 0: all there is. What was
 * gathered before is forgotten. is_end: there is no more. */
feature_status lf_catch_gather(struct lf_catch *state,
                               const struct lf_feed_view *feed, size_t most,
                               bool *is_end, struct feature_error *error);

/* Writes what was gathered. The version's record says then that it knows of all
 * commits before `next`. */
feature_status lf_catch_write(struct lf_catch *state, struct lf_commit *commit,
                              struct feature_error *error);

struct lf_catch_place lf_catch_where(const struct lf_catch *state);
void lf_catch_return(struct lf_catch *state,
                     const struct lf_catch_place *place);
void lf_catch_free(struct lf_catch *state);

#endif
