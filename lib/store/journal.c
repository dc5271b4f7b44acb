/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal of a write call.
 *
 * Owns who is told of each row.
 * Keeps the write path ignorant of them.
 * Never keeps anything itself.
 */
#include "store/journal.h"

#include "store/history.h"

bool
lf_journal_wants(const struct lf_rows *rows)
{
    return rows->history != NULL;
}

feature_status
lf_journal_add(struct lf_rows *rows, const struct lf_written *written,
               struct feature_error *error)
{
    if (rows->history)
        LF_TRY(lf_history_add(rows, written, error));
    rows->commit->written++;
    return FEATURE_OK;
}
