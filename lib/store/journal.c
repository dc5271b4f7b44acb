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

static feature_status
tell_feed(struct lf_rows *rows, int32_t operation, int64_t time,
          const uint8_t *key, size_t key_size, struct feature_error *error)
{
    struct lf_change change = {.view = rows->form->view->id,
                               .operation = operation,
                               .time = time,
                               .key = {key, key_size}};

    return lf_feed_wants(rows->commit)
               ? lf_feed_change(rows->commit, &change, error)
               : FEATURE_OK;
}

feature_status
lf_journal_expire(struct lf_rows *rows, const uint8_t *key, size_t key_size,
                  struct feature_error *error)
{
    return tell_feed(rows, LF_CHANGE_EXPIRE, 0, key, key_size, error);
}

feature_status
lf_journal_trim(struct lf_rows *rows, const uint8_t *key, size_t key_size,
                int64_t horizon, struct feature_error *error)
{
    return tell_feed(rows, LF_CHANGE_TRIM, horizon, key, key_size, error);
}
