/* SPDX-License-Identifier: Apache-2.0 */
/* The batched look-up. */
#ifndef LF_ENGINE_DESCENT_H
#define LF_ENGINE_DESCENT_H

#include "engine/page.h"

/* Finds the values of the jobs of trees [first, first + tree_count), whose roots
 * are given. A job without a key (size 0) finds nothing. */
feature_status lf_descend(struct lf_pages *pages, const struct lf_root *roots,
                          size_t first, size_t tree_count, struct lf_job *jobs,
                          size_t count, struct feature_error *error);

#endif
