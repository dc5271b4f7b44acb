/* SPDX-License-Identifier: Apache-2.0 */
/* The verification of a store that was just made. */
#ifndef LF_VERIFY_MADE_H
#define LF_VERIFY_MADE_H

#include "base/error.h"

/* CORRUPT with the first finding, if there is one. Nobody else may know the
 * directory, and its file is complete. */
feature_status lf_verify_made(const char *path, struct feature_error *error);

#endif
