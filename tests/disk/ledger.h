/* SPDX-License-Identifier: Apache-2.0 */
/* Commits whose rows follow from their number, and what a store has to answer
 * after any set of them. */
#ifndef TESTS_DISK_LEDGER_H
#define TESTS_DISK_LEDGER_H

#include <stdbool.h>

#include "libfeature.h"

#define LEDGER_MAX 900 /* numbers run from 1 to here */

/* What became of a commit, as its caller knows. */
enum ledger_fate {
    LEDGER_OUT, /* never made, or failed: none of it may be there */
    LEDGER_IN,  /* acknowledged: all of it has to be there */
    LEDGER_OPEN /* unknown: all or none */
};

struct ledger {
    uint8_t fate[LEDGER_MAX + 1];
    uint32_t last; /* the highest number that was tried */
};

extern const char ledger_definitions[];

/* Options of every store here: the clock stands still. */
struct feature_options ledger_options(uint32_t flags, int32_t sync);

feature_status ledger_write(feature_store *store, uint32_t number,
                            struct feature_commit *commit,
                            struct feature_error *error);

/* Whether the store's rows are those of the commits: every row is read. Writes
 * to why[200] what is not; *lost says that a commit is missing as a whole, and
 * open fates become known. */
bool ledger_check(feature_store *store, struct ledger *ledger, bool *lost,
                  char why[200]);

#endif
