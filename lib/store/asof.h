/* SPDX-License-Identifier: Apache-2.0 */
/* The order in which the rows of a request are looked up in a history. */
#ifndef LF_STORE_ASOF_H
#define LF_STORE_ASOF_H

#include "store/asof_order.h"
#include "store/request.h"

/* Forgets the order of an earlier read. */
void lf_asof_begin(feature_request *request);

/* All rows of a view by key and from newer to older times, those without a key
 * last. Views of the same keys share it. count is 0 where rows are so few that
 * their own order will do. */
feature_status lf_asof_order(feature_request *request, uint32_t view,
                             const struct lf_label **labels, uint32_t *count,
                             struct feature_error *error);

#endif
