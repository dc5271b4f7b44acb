/* SPDX-License-Identifier: Apache-2.0 */
/* The versions of given keys of one view, a chunk at a time. */
#ifndef LF_STORE_VERSIONS_H
#define LF_STORE_VERSIONS_H

#include "store/history_cursor.h"
#include "store/hold.h"
#include "store/request.h"

/* Where a listing has come to: the versions before it are served. */
struct lf_versions_at {
    uint32_t key;    /* index of the key under way */
    uint32_t listed; /* versions of it so far */
    bool is_within;  /* it goes on at the place, not with its newest version */
    struct lf_history_place place;
};

struct lf_versions {
    feature_query *asked;
    feature_query query; /* the same, without fill and matrix */
    feature_request *request;
    struct feature_history_options options;
    struct lf_hold hold;
    bool is_ready; /* the snapshot is held and known */
    bool is_done;
    bool is_restricted; /* to commits that were known by then */
    struct lf_meta_view meta;
    struct lf_buffer key_jobs; /* struct lf_job: the keys, encoded */
    struct lf_buffer key_bytes;
    bool is_one_key; /* it stands for all rows */
    uint32_t key_count;
    struct lf_versions_at at;
    struct lf_buffer found; /* the versions of the chunk */
    struct lf_arena packed; /* rows of those that lie in blocks */
    struct lf_history_cursor cursor;
    struct lf_buffer sought; /* a key and a place (versions_kept.c) */
    /* Of the chunk, beside the answers of the request: */
    struct lf_answer keys[LF_KEYS_MAX];
    struct lf_answer sequences; /* null: of the row before history */
    struct lf_answer written;   /* bits by column */
    struct lf_buffer times, commit_times, operations;
};

/* Options are whole: of our struct_size. Holds a snapshot until the end. */
feature_status lf_versions_create(const feature_query *query,
                                  const struct feature_column *keys,
                                  uint32_t key_count,
                                  const struct feature_history_options *options,
                                  struct lf_versions **versions,
                                  struct feature_error *error);

/* Reads the next chunk; request->rows is 0 at the end. A failure leaves the
 * listing where it was. */
feature_status lf_versions_next(struct lf_versions *versions,
                                struct feature_error *error);

void lf_versions_free(struct lf_versions *versions); /* NULL is fine */

/* Whether a view has versions to list. */
feature_status lf_versions_check_view(const struct lf_view *view,
                                      struct feature_error *error);

/* A key that was asked for. */
const struct lf_job *lf_versions_key(const struct lf_versions *versions,
                                     uint32_t index);

/* The next chunk of a view FROM an event: a version is a time at which an event
 * of the key is kept, with the features just after it (versions_kept.c). */
feature_status lf_versions_read_kept(struct lf_versions *versions,
                                     struct lf_reader *reader,
                                     struct feature_error *error);

/* The columns of a chunk whose versions were found (versions_out.c). */
struct lf_version {
    struct lf_row row;
    uint32_t key; /* index of its key */
    int32_t operation;
    bool is_base;
    uint64_t sequence;
    int64_t commit_time;
};
/* What a version takes in a chunk, at most, besides what is stored of it. */
size_t lf_versions_row_bytes(const struct lf_view_plan *view);
bool lf_versions_decode_keys(struct lf_versions *versions, uint32_t rows);
bool lf_versions_decode_commits(struct lf_versions *versions, uint32_t rows);
bool lf_versions_begin_bytes(struct lf_answer *answer, uint32_t rows);
void lf_versions_end_bytes(struct lf_answer *answer, uint32_t row);
feature_status lf_versions_decode(struct lf_versions *versions,
                                  struct feature_error *error);

#endif
