/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Versions of zstd and protobuf-c, at run time.
 *
 * Owns the oldest releases that may touch our bytes.
 * Keeps to what the process has: the headers of the build promise nothing.
 * Never names a newest one: both keep what they once promised.
 */
#include "format/libraries.h"

#include <protobuf-c/protobuf-c.h>
#include <stdint.h>
#include <zstd.h>

/* major x scale^2 + minor x scale + patch, as each library counts. */
struct library {
    const char *name;
    uint32_t scale;
    uint32_t oldest;
};

/* Before 1.3.8 zstd writes behind an output that is too small for what it packs
 * (CVE-2019-11922): a frame of ours gives it no more room than it needs. */
static const struct library zstd = {"zstd", 100, 10308};

/* Before 1.4.1 protobuf-c reads behind a message that was cut short
 * (CVE-2022-48468). */
static const struct library protobuf_c = {"protobuf-c", 1000, 1004001};

static feature_status
check(const struct library *library, uint32_t found,
      struct feature_error *error)
{
    uint32_t scale = library->scale, oldest = library->oldest;

    if (found >= oldest)
        return FEATURE_OK;
    return lf_fail(error, FEATURE_VERSION, "format",
                   "this process has %s %u.%u.%u, libfeature needs %u.%u.%u or "
                   "later",
                   library->name, found / scale / scale, found / scale % scale,
                   found % scale, oldest / scale / scale,
                   oldest / scale % scale, oldest % scale);
}

feature_status
lf_libraries_check(struct feature_error *error)
{
    LF_TRY(check(&zstd, ZSTD_versionNumber(), error));
    return check(&protobuf_c, protobuf_c_version_number(), error);
}
