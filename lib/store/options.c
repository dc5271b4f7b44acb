/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sized structs across the ABI.
 *
 * Owns the rule of struct_size: a shorter struct means defaults, a longer one
 * is accepted as long as what we do not know in it is zero.
 * Keeps older and newer callers working on one library.
 * Never reads or writes past the size the caller stated.
 */
#include <string.h>

#include "store/store.h"

/* More than any struct of ours will ever be: a size that was never set. */
#define SIZE_POSSIBLE 4096

static bool
is_zero(const uint8_t *bytes, size_t size)
{
    while (size--)
        if (*bytes++)
            return false;
    return true;
}

feature_status
lf_options_read(void *ours, size_t size, const void *theirs, const char *name,
                struct feature_error *error)
{
    uint32_t stated;

    memset(ours, 0, size);
    if (!theirs)
        return FEATURE_OK;
    memcpy(&stated, theirs, sizeof stated);
    if (stated < 2 * sizeof stated || stated > SIZE_POSSIBLE)
        return lf_fail(error, FEATURE_VERSION, "struct-size",
                       "struct_size of %s is %u: set it to sizeof the struct",
                       name, stated);
    if (stated > size &&
        !is_zero((const uint8_t *)theirs + size, stated - size))
        return lf_fail(error, FEATURE_VERSION, "struct-size",
                       "%s sets an option that this libfeature %d.%d.%d does "
                       "not know",
                       name, FEATURE_VERSION_MAJOR, FEATURE_VERSION_MINOR,
                       FEATURE_VERSION_PATCH);
    memcpy(ours, theirs, stated < size ? stated : size);
    return FEATURE_OK;
}

feature_status
lf_report_check(const void *theirs, const char *name,
                struct feature_error *error)
{
    uint32_t stated;

    memcpy(&stated, theirs, sizeof stated);
    if (stated < 2 * sizeof stated || stated > SIZE_POSSIBLE)
        return lf_fail(error, FEATURE_VERSION, "struct-size",
                       "struct_size of %s is %u: set it to sizeof the struct",
                       name, stated);
    return FEATURE_OK;
}

void
lf_report_write(void *theirs, const void *ours, size_t size)
{
    uint32_t stated;

    memcpy(&stated, theirs, sizeof stated);
    memset((uint8_t *)theirs + sizeof stated, 0, stated - sizeof stated);
    memcpy((uint8_t *)theirs + sizeof stated,
           (const uint8_t *)ours + sizeof stated,
           (stated < size ? stated : size) - sizeof stated);
}
