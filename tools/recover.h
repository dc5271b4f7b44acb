/* SPDX-License-Identifier: Apache-2.0 */
/* A snapshot and archived change records become a store. */
#ifndef TOOL_RECOVER_H
#define TOOL_RECOVER_H

#include <stdbool.h>
#include <stdint.h>

#include "libfeature.h"

/* How far to go; without an end, as far as the records go. */
struct recovery {
    const char *changes; /* a file of records, or a directory of such files */
    const char *until;   /* as it was asked for; NULL: no end */
    uint64_t sequence;   /* the last to apply; 0: that is not the end */
    int64_t time;        /* else no commit after it */
    uint64_t applied;    /* records that were */
};

/* Reads a sequence or a time; 0, or TOOL_USAGE after explaining. */
int recover_until(const char *command, const char *text,
                  struct recovery *recovery);

/* Makes a store of a snapshot and records. It gets its name when it is complete
 * and verified. An exit code; what fails is explained. */
int recover(const char *snapshot, const char *store,
            const struct feature_restore_options *options,
            struct feature_progress *progress, struct recovery *recovery,
            struct feature_snapshot_report *report);

#endif
