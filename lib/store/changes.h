/* SPDX-License-Identifier: Apache-2.0 */
/* A reader of the change feed. */
#ifndef LF_STORE_CHANGES_H
#define LF_STORE_CHANGES_H

#include "store/commit.h"

struct lf_place_of_record {
    size_t end; /* in the reader's copies */
    uint64_t sequence;
    int64_t time;
};

struct feature_changes {
    feature_store *store;
    uint64_t next;   /* sequence of the record to answer */
    uint64_t filled; /* and of the one to copy */
    uint32_t part;   /* of it */
    int64_t time;    /* of it */
    struct lf_buffer records;
    struct lf_buffer places; /* lf_place_of_record */
    size_t answered;         /* of them */
    uint64_t claim_ms;
    char consumer[LF_FEED_KEY_SIZE]; /* key of its record; empty: none */
};

/* The copies hold a whole record more. */
feature_status lf_changes_end_record(feature_changes *changes,
                                     struct feature_error *error);

/* The tree of a record that the feed has. */
feature_status lf_changes_tree(struct lf_reader *reader,
                               const struct lf_meta_feed *feed,
                               uint64_t sequence, char tree[LF_TREE_NAME_SIZE],
                               struct feature_error *error);

/* Whether the feed has what the reader is about to ask for. */
feature_status lf_changes_check(feature_changes *changes,
                                struct feature_error *error);

/* The last record that a reader may be given now. */
feature_status lf_changes_served(feature_changes *changes, uint64_t *sequence,
                                 struct feature_error *error);

/* Makes the record of a sequence that was read before the next one again. */
void lf_changes_rewind(feature_changes *changes, uint64_t sequence);

#endif
