/* SPDX-License-Identifier: Apache-2.0 */
/* data.mdb and lock.mdb before LMDB sees them. */
#ifndef LF_ENGINE_FILES_H
#define LF_ENGINE_FILES_H

#include "engine/directory.h"

/* Makes an empty data.mdb: after a cut at any moment there is all of it or
 * none. */
feature_status lf_files_create(const struct lf_directory *directory,
                               struct feature_error *error);

/* Makes a new store's names durable. */
feature_status lf_files_sync(const struct lf_directory *directory,
                             struct feature_error *error);

/* Gives lock.mdb its disk blocks. Only while this process has no environment
 * on it. */
feature_status lf_files_reserve_lock(const struct lf_directory *directory,
                                     uint32_t max_readers, bool is_alone,
                                     struct feature_error *error);

/* Refuses a data.mdb that is not LMDB 0.9's. */
feature_status lf_files_check_data(const struct lf_directory *directory,
                                   struct stat *data,
                                   struct feature_error *error);

#endif
