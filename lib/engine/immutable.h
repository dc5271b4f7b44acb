/* SPDX-License-Identifier: Apache-2.0 */
/* Stores that nobody writes to. */
#ifndef LF_ENGINE_IMMUTABLE_H
#define LF_ENGINE_IMMUTABLE_H

#include "engine/directory.h"

/* Refuses a store that some process has open the usual way, as far as this
 * machine can tell. */
feature_status lf_immutable_check(const struct lf_directory *directory,
                                  struct feature_error *error);

#endif
