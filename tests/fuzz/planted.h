/* SPDX-License-Identifier: Apache-2.0 */
/* The library's descent, compiled once more with a fault. */
#ifndef TESTS_FUZZ_PLANTED_H
#define TESTS_FUZZ_PLANTED_H

#include "engine/page.h"

typedef feature_status(descend_function)(struct lf_pages *pages,
                                         const struct lf_root *roots,
                                         size_t first, size_t tree_count,
                                         struct lf_job *jobs, size_t count,
                                         struct feature_error *error);

descend_function descend_by_twelve_bytes, descend_unchecked;

#endif
