/* SPDX-License-Identifier: Apache-2.0 */
/* The change feed within a write transaction. */
#ifndef LF_STORE_FEED_H
#define LF_STORE_FEED_H

#include "engine/engine.h"
#include "format/feed.h"
#include "model/catalog.h"

struct lf_commit;
struct lf_rows;
struct lf_written;

struct lf_feed {
    struct lf_meta_feed meta;       /* as it will be */
    bool is_known;                  /* there is a record of it */
    bool is_changed;                /* and this transaction changes it */
    bool is_logging;                /* the commit at hand */
    bool is_begun;                  /* it has a part under way */
    bool has_change;                /* and that a change */
    const struct lf_catalog *after; /* the commit leaves it */
    uint64_t durable;               /* head before this transaction */
    struct lf_change_head head;
    const struct feature_source *sources;
    uint32_t source_count;
    uint32_t number; /* of the part */
    struct lf_tree *tree;
    struct lf_chain chain;
    struct lf_buffer part;
    struct lf_buffer last;   /* view and key of the batch's change before */
    struct lf_buffer stored; /* the row at hand, as it was */
};

/* changes/<first sequence> */
void lf_segment_tree(uint64_t first, char name[LF_TREE_NAME_SIZE]);

/* Reads the feed's record; part of lf_commit_begin. */
feature_status lf_feed_read(struct lf_commit *commit,
                            struct feature_error *error);

/* Writes it, where it changed, and frees; lf_feed_free: without. */
feature_status lf_feed_write(struct lf_commit *commit,
                             struct feature_error *error);
void lf_feed_free(struct lf_feed *feed);

/* CONFLICT `follower` where only a leader's records may be written. */
feature_status lf_feed_check_leader(const struct lf_commit *commit,
                                    struct feature_error *error);

/* The commit that just took its number. after: the catalog it leaves. */
feature_status lf_feed_begin(struct lf_commit *commit,
                             const struct lf_catalog *after,
                             const struct feature_source *sources,
                             uint32_t source_count,
                             struct feature_error *error);
bool lf_feed_wants(const struct lf_commit *commit);
feature_status lf_feed_change(struct lf_commit *commit,
                              const struct lf_change *change,
                              struct feature_error *error);
/* Changes that follow are of another batch: each has its own row before. */
void lf_feed_begin_batch(struct lf_commit *commit);
/* A row that was written; a part of the journal. */
feature_status lf_feed_add(struct lf_rows *rows,
                           const struct lf_written *written,
                           struct feature_error *error);
/* A record of the catalog; bytes NULL: it is gone. */
feature_status lf_feed_define(struct lf_commit *commit, const uint8_t *key,
                              size_t key_size, const uint8_t *bytes,
                              size_t size, struct feature_error *error);
/* Ends the record, and drops a segment that is due. */
feature_status lf_feed_end(struct lf_commit *commit,
                           struct feature_error *error);
/* The commit changed nothing: its number goes back. */
void lf_feed_cancel(struct lf_commit *commit);

/* The record that a leader made, as it is. */
feature_status lf_feed_copy(struct lf_commit *commit,
                            const struct lf_catalog *after,
                            const uint8_t *record, size_t size,
                            const uint8_t chain[LF_CHAIN_SIZE],
                            struct feature_error *error);

/* Drops all segments. */
feature_status lf_feed_drop(struct lf_commit *commit,
                            struct feature_error *error);

/* Drops whole segments that nobody is owed any more, `most` at most. */
feature_status lf_feed_upkeep(struct lf_commit *commit,
                              const struct lf_catalog *catalog, uint32_t most,
                              uint32_t *dropped, struct feature_error *error);

#endif
