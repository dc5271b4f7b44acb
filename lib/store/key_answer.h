/* SPDX-License-Identifier: Apache-2.0 */
/* Stored keys as columns of an answer. */
#ifndef LF_STORE_KEY_ANSWER_H
#define LF_STORE_KEY_ANSWER_H

#include "store/request.h"

/* Room for the parts of the keys of a selection's first view, of all rows, but
 * for text. keys has LF_KEYS_MAX columns, without validity. False: no memory. */
bool lf_keys_reserve(struct lf_answer *keys,
                     const struct lf_selection *selection, uint32_t rows);

/* Takes a key apart, as row. is_key: it is one of the entity's; if not, the row
 * is not there. */
feature_status lf_keys_take(struct lf_answer *keys,
                            const struct lf_selection *selection, uint32_t row,
                            const uint8_t *key, size_t size, bool *is_key,
                            struct feature_error *error);

void lf_keys_free(struct lf_answer *keys);

#endif
