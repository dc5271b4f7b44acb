/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What needs no store: version, names of statuses, the release of texts.
 *
 * Owns the spelling of statuses.
 * Keeps answering for numbers it does not know: a newer program may ask.
 * Never allocates.
 */
#include "base/alloc.h"
#include "libfeature.h"

uint32_t
feature_version(void)
{
    return FEATURE_VERSION_MAJOR * 10000u + FEATURE_VERSION_MINOR * 100u +
           FEATURE_VERSION_PATCH;
}

const char *
feature_status_name(feature_status status)
{
    switch ((enum feature_status_code)status) {
    case FEATURE_OK:
        return "OK";
    case FEATURE_INVALID:
        return "INVALID";
    case FEATURE_NOT_FOUND:
        return "NOT_FOUND";
    case FEATURE_CONFLICT:
        return "CONFLICT";
    case FEATURE_BUSY:
        return "BUSY";
    case FEATURE_GAP:
        return "GAP";
    case FEATURE_NO_MEMORY:
        return "NO_MEMORY";
    case FEATURE_FULL:
        return "FULL";
    case FEATURE_IO:
        return "IO";
    case FEATURE_CORRUPT:
        return "CORRUPT";
    case FEATURE_VERSION:
        return "VERSION";
    case FEATURE_UNSUPPORTED:
        return "UNSUPPORTED";
    }
    return "UNKNOWN";
}

void
feature_free(void *memory)
{
    lf_free(memory);
}
