/* SPDX-License-Identifier: Apache-2.0 */
/* The entries of one view's history, checked one after the other. */
#ifndef LF_STORE_HISTORY_CHECK_H
#define LF_STORE_HISTORY_CHECK_H

#include "format/history.h"
#include "format/meta.h"
#include "store/window_check.h"

/* Rows that wait for what lies below them: of the newest entry that adds up to
 * something its own and its sum, then the patches below it. */
#define LF_HISTORY_WAITING (LF_HISTORY_RUN + 2)

struct lf_history_check {
    struct lf_form form;
    uint32_t seed;
    struct lf_meta_view meta;
    int64_t commit_time; /* of the store's newest commit */
    uint64_t sequence;
    struct lf_cell *cells[2];
    struct lf_merge stated, made;
    struct lf_buffer again;
    struct lf_buffer last; /* whole key of the entry before */
    struct lf_buffer bytes;
    uint32_t waiting;
    size_t ends[LF_HISTORY_WAITING];
    bool has_drops;   /* features are gone: what they held back is not known */
    bool is_base;     /* the first that waits is one */
    int64_t time;     /* its event timestamp */
    uint32_t patches; /* since the last entry that is none */
    uint64_t entries; /* so far */
    struct lf_hash128 content;
    struct lf_window_check windows; /* of a view FROM an event */
};

/* What is wrong with an entry; a reason of NULL: nothing. */
struct lf_history_problem {
    const char *reason, *what;
};

feature_status lf_history_check_begin(struct lf_history_check *check,
                                      const struct lf_catalog *catalog,
                                      const struct lf_view *view,
                                      const struct lf_meta_view *meta,
                                      const struct lf_meta_store *store,
                                      struct feature_error *error);

/* The next entry in the order of keys. The form of the join key is the caller's
 * to check, who goes on or not after a problem. */
feature_status lf_history_check_entry(struct lf_history_check *check,
                                      const uint8_t *key, size_t key_size,
                                      const uint8_t *value, size_t size,
                                      struct lf_history_problem *problem,
                                      struct feature_error *error);

/* After the last one. */
feature_status lf_history_check_end(struct lf_history_check *check,
                                    struct lf_history_problem *problem,
                                    struct feature_error *error);

void lf_history_check_free(struct lf_history_check *check);

#endif
