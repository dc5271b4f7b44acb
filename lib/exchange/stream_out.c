/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Failures of the streams that we make.
 *
 * Owns the errno value of each status.
 * Keeps it the same in every stream.
 * Never gives a success for a failure.
 */
#include <errno.h>

#include "exchange/out.h"

int
lf_stream_errno(feature_status status)
{
    switch ((enum feature_status_code)status) {
    case FEATURE_OK:
        return 0;
    case FEATURE_NO_MEMORY:
        return ENOMEM;
    case FEATURE_BUSY:
        return EBUSY;
    case FEATURE_FULL:
        return ENOSPC;
    case FEATURE_UNSUPPORTED:
        return ENOTSUP;
    case FEATURE_IO:
    case FEATURE_CORRUPT:
        return EIO;
    case FEATURE_INVALID:
    case FEATURE_NOT_FOUND:
    case FEATURE_CONFLICT:
    case FEATURE_GAP:
    case FEATURE_VERSION:
        break;
    }
    return EINVAL;
}
