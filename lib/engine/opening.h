/* SPDX-License-Identifier: Apache-2.0 */
/* Opening an environment that this process does not have open yet. */
#ifndef LF_ENGINE_OPENING_H
#define LF_ENGINE_OPENING_H

#include "engine/directory.h"

/* Runs every guard and opens. The caller is within the registry. */
feature_status lf_environment_make(const struct lf_directory *directory,
                                   struct lf_environment **environment,
                                   bool *created, struct feature_error *error);

/* Decides what an environment without trees means to this opener, who holds
 * the open lock and keeps it where created. */
feature_status lf_environment_settle(struct lf_environment *environment,
                                     const struct lf_directory *directory,
                                     bool *created,
                                     struct feature_error *error);

/* Ends what is left of LMDB's environment, and opens it again. The caller is
 * within the registry, holds the open lock, and has closed the gate. After a
 * failure there is none. */
void lf_environment_end(struct lf_environment *environment);
feature_status lf_environment_begin_again(struct lf_environment *environment,
                                          struct feature_error *error);

/* Closes and frees; the open lock is held, or never was taken. */
void lf_environment_shut(struct lf_environment *environment);

#endif
