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
    return rows->history || lf_feed_wants(rows->commit);
}

feature_status
lf_journal_add(struct lf_rows *rows, const struct lf_written *written,
               struct feature_error *error)
{
    if (rows->history)
        LF_TRY(lf_history_add(rows, written, error));
    if (lf_feed_wants(rows->commit))
        LF_TRY(lf_feed_add(rows, written, error));
    rows->commit->written++;
    return FEATURE_OK;
}

feature_status
lf_journal_expire(struct lf_rows *rows, const uint8_t *key, size_t key_size,
                  struct feature_error *error)
{
    struct lf_change change = {.view = rows->form->view->id,
                               .operation = LF_CHANGE_EXPIRE,
                               .key = {key, key_size}};

    return lf_feed_wants(rows->commit)
               ? lf_feed_change(rows->commit, &change, error)
               : FEATURE_OK;
}
