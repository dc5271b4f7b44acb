/* SPDX-License-Identifier: Apache-2.0 */
/* The records of the change feed, as a snapshot or a transaction has them. */
#ifndef LF_STORE_FEED_VIEW_H
#define LF_STORE_FEED_VIEW_H

#include "store/commit.h"

/* One of reader and commit is set. */
struct lf_feed_view {
    struct lf_reader *reader;
    struct lf_commit *commit;
    struct lf_meta_feed meta;
    bool is_on;
};

/* Reads what there is of the feed. */
feature_status lf_feed_view_open(struct lf_feed_view *view,
                                 struct feature_error *error);

/* CONFLICT `no-feed`, or GAP `feed-truncated`, unless the feed has all records
 * from a sequence on. what is done without them is for the message. */
feature_status lf_feed_view_check(const struct lf_feed_view *view,
                                  uint64_t from, const char *what,
                                  struct feature_error *error);

/* Calls visit for the parts of the record of a sequence, which is there, from one
 * on, and of those behind it in the same segment; until it answers LF_ENOUGH. */
feature_status lf_feed_view_scan(const struct lf_feed_view *view,
                                 uint64_t sequence, uint32_t part,
                                 lf_visit visit, void *context,
                                 struct feature_error *error);

#endif
