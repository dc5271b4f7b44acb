/* SPDX-License-Identifier: Apache-2.0 */
/* The libraries that this process found for zstd and protobuf-c. */
#ifndef LF_FORMAT_LIBRARIES_H
#define LF_FORMAT_LIBRARIES_H

#include "base/error.h"

/* VERSION where one of them is too old to be trusted with stored bytes. */
feature_status lf_libraries_check(struct feature_error *error);

#endif
