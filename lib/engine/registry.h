/* SPDX-License-Identifier: Apache-2.0 */
/* The environments of this process, and what a fork does to them. */
#ifndef LF_ENGINE_REGISTRY_H
#define LF_ENGINE_REGISTRY_H

#include "engine/environment.h"

/* One thread at a time opens or closes environments. */
feature_status lf_registry_enter(struct feature_error *error);
void lf_registry_leave(void);

/* The environment of a file, by device and inode of data.mdb, or NULL. */
struct lf_environment *lf_registry_find(dev_t device, ino_t inode);

void lf_registry_add(struct lf_environment *environment);
void lf_registry_remove(struct lf_environment *environment);

/* Opens open.lock into environment->lock_file, so that a child made by fork at
 * any moment closes its copy, and notes whether it was made. Returns 0 or an
 * errno value. */
int lf_registry_open_lock(struct lf_environment *environment, mode_t mode);
void lf_registry_close_lock(struct lf_environment *environment);

/* Opens open.lock once more, for a claim, in the same way; closes it. */
struct lf_claim;
int lf_registry_open_claim(struct lf_environment *environment,
                           struct lf_claim *claim);
void lf_registry_close_claim(struct lf_claim *claim);

/* Counts forks: another number means another process. */
uint32_t lf_registry_generation(void);

#endif
