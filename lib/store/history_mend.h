/* SPDX-License-Identifier: Apache-2.0 */
/* Images of a history that are to be made again. */
#ifndef LF_STORE_HISTORY_MEND_H
#define LF_STORE_HISTORY_MEND_H

#include "store/history_cursor.h"

struct lf_mend {
    struct lf_rows *rows;
    struct lf_history_cursor cursor; /* of the history at hand */
    struct lf_merge merge;
    struct lf_cell *cells;
    struct lf_buffer key, image, value;
};

/* Zeroed before. */
feature_status lf_mend_begin(struct lf_mend *mend, struct lf_rows *rows,
                             struct feature_error *error);

/* Gives the version at a place of a key, which is in no block, the image that it
 * and those below it add up to. */
feature_status lf_mend_version(struct lf_mend *mend, const uint8_t *key,
                               size_t key_size, const uint8_t *place,
                               struct feature_error *error);

void lf_mend_free(struct lf_mend *mend);

#endif
