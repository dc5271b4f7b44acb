/* SPDX-License-Identifier: Apache-2.0 */
/* The way into a store's directory, and out of it again without a trace. */
#ifndef LF_ENGINE_ENTRY_H
#define LF_ENGINE_ENTRY_H

#include "engine/directory.h"

/* Takes the open lock, which is made where there is none, and marks the store
 * as open in this process. */
feature_status lf_entry_lock(struct lf_environment *environment,
                             const struct lf_directory *directory,
                             struct feature_error *error);

/* Removes the files that this open made and nobody else uses. LMDB's
 * environment is closed, the open lock still held. */
void lf_entry_undo(const struct lf_environment *environment);

#endif
