/* SPDX-License-Identifier: Apache-2.0 */
/* Old runs of a history, packed into blocks by upkeep. */
#ifndef LF_STORE_HISTORY_PACK_H
#define LF_STORE_HISTORY_PACK_H

#include "format/block.h"
#include "store/rows.h"

/* One step of upkeep over a view. */
struct lf_packing {
    struct lf_rows *rows;
    bool may_train;
    bool has_trained; /* it was tried */
    bool is_ready;    /* the press has the view's dictionary, if there is one */
    struct lf_press *press;
    struct lf_buffer columns, values[3];
    struct lf_buffer samples, sizes; /* to train by: columns, size_t */
    uint64_t looked;                 /* entries, of all keys */
    uint64_t versions;               /* packed */
};

/*
 * Packs what is old of a key: runs of LF_BLOCK_VERSIONS entries beyond its newest
 * few, runs runs at most, none beyond the first looks entries. more: there
 * may be others. What is damaged stays as it is.
 */
feature_status lf_history_pack(struct lf_packing *packing, const uint8_t *key,
                               size_t key_size, uint64_t looks, uint64_t runs,
                               bool *more, struct feature_error *error);

/* After the last key: where there is no dictionary yet and what was packed is
 * enough to train one, does. */
feature_status lf_history_pack_end(struct lf_packing *packing,
                                   struct feature_error *error);
void lf_history_pack_free(struct lf_packing *packing);

/* The view, or its history, is gone. */
feature_status lf_dictionary_forget(struct lf_commit *commit, uint32_t view,
                                    struct feature_error *error);

#endif
