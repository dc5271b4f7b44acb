/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last check of a store that a restore or a compaction made.
 *
 * Owns the decision that it may have its name.
 * Keeps to the file: what wrote it is not asked.
 * Never repairs.
 */
#include "verify/made.h"

#include <inttypes.h>
#include <string.h>

static feature_status
judge(const struct feature_verify_report *report, const char *findings,
      struct feature_error *error)
{
    if (!report->findings)
        return FEATURE_OK;
    return lf_fail(error, FEATURE_CORRUPT, "structure",
                   "the new store was not written as it should have been, with "
                   "%" PRIu64 " findings: %.*s",
                   report->findings, (int)strcspn(findings, "\n"), findings);
}

feature_status
lf_verify_made(const char *path, struct feature_error *error)
{
    struct feature_verify_options options = {.struct_size = sizeof options,
                                             .max_lines = 1};
    struct feature_verify_report report = {.struct_size = sizeof report};
    feature_status status;
    char *findings;

    LF_TRY(feature_store_verify(path, &options, &report, &findings, error));
    status = judge(&report, findings, error);
    feature_free(findings);
    return status;
}
