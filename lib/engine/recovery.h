/* SPDX-License-Identifier: Apache-2.0 */
/* Opening LMDB's environment again, under the handles that use it. */
#ifndef LF_ENGINE_RECOVERY_H
#define LF_ENGINE_RECOVERY_H

#include "engine/environment.h"

/* lf_environment_recover() for a caller within the registry. */
feature_status lf_environment_recover_within(struct lf_environment *environment,
                                             uint32_t wait_ms,
                                             struct feature_error *error);

#endif
