/* SPDX-License-Identifier: Apache-2.0 */
/* What the keys of a view with history were at the cut of a load. */
#ifndef LF_STORE_LOAD_PAST_H
#define LF_STORE_LOAD_PAST_H

#include "store/history_mend.h"
#include "store/load.h"

/* What a key was at the cut. */
struct lf_load_past {
    bool has_versions; /* up to the cut */
    bool has_base;
    bool is_base_dead;
    bool has_later; /* versions that were written after it */
    bool is_deleted;
    int64_t newest; /* of the versions */
    int64_t base;   /* newest time of the base */
};

/* The way through all keys, in order: of the version that serves, its history,
 * and the load. */
struct lf_load_pass {
    struct feature_load *load;
    struct lf_view serving;
    struct lf_form form; /* of the version that comes */
    struct lf_history_cursor cursor;
    struct lf_versions_block *block;
    struct lf_mend mend;
    struct lf_buffer row, places;
    bool is_over;
    struct lf_buffer done; /* the last key that is committed; none: empty */
    struct lf_buffer from; /* the last key that is done */
    /* Of the transaction at hand: */
    struct lf_rows rows;
    struct lf_meta_view meta; /* of the version that serves */
    struct lf_tree *old_rows, *old_history;
    uint64_t bytes;
    size_t key_size;
    uint8_t key[LF_HISTORY_KEY_MAX];
};

/* CONFLICT `load-cut`. */
feature_status lf_load_fail_cut(const struct lf_load_pass *pass,
                                const char *why, struct feature_error *error);

/* Copies the history of the key at hand up to the cut, and tells what it was
 * then. */
feature_status lf_load_copy_versions(struct lf_load_pass *pass,
                                     struct lf_load_past *past,
                                     struct feature_error *error);

#endif
