/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One commit.
 *
 * Owns the store's record in a write transaction: sequence, time and token.
 * Keeps sequence numbers dense and commit times strictly increasing, and finds
 * out what became of a commit during which the disk failed.
 * Never outlives the API call that began it.
 */
#include <string.h>

#include "store/commit.h"
#include "store/hold.h"

static feature_status
read_record(struct lf_commit *commit, struct feature_error *error)
{
    const uint8_t *value;
    bool found = false;
    size_t size;

    LF_TRY(lf_writer_tree(commit->writer, LF_META_TREE, false, &commit->tree,
                          error));
    if (commit->tree)
        LF_TRY(lf_tree_get(commit->tree, LF_META_STORE_KEY,
                           strlen(LF_META_STORE_KEY), &found, &value, &size,
                           error));
    if (!found)
        return lf_fail(error, FEATURE_VERSION, "format",
                       "this LMDB file is not a libfeature store");
    if (!lf_meta_store_decode(&commit->meta, value, size))
        return lf_fail(error, FEATURE_CORRUPT, "checksum",
                       "the store's record is damaged");
    return FEATURE_OK;
}

static feature_status
check_record(const struct lf_meta_store *meta, struct feature_error *error)
{
    uint64_t unknown =
        (meta->incompatible & ~(uint64_t)LF_KNOWN_INCOMPATIBLE) |
        (meta->write_incompatible & ~(uint64_t)LF_KNOWN_WRITE_INCOMPATIBLE);

    if (meta->format != LF_FORMAT_VERSION)
        return lf_fail(error, FEATURE_VERSION, "format",
                       "the store has format %u, this library serves %d",
                       meta->format, LF_FORMAT_VERSION);
    if (unknown)
        return lf_fail(error, FEATURE_VERSION, "feature-bits",
                       "the store uses features of a newer libfeature (bits "
                       "0x%llx) and is read-only for this one",
                       (unsigned long long)unknown);
    return FEATURE_OK;
}

feature_status
lf_commit_begin(struct lf_commit *commit, feature_store *store,
                uint32_t wait_ms, struct feature_error *error)
{
    feature_status status;

    *commit = (struct lf_commit){.store = store};
    if (store->read_only)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "the store is open read-only");
    lf_holds_sweep(store); /* their pages can be used again from here on */
    LF_TRY(lf_writer_begin(store->environment,
                           wait_ms ? wait_ms : store->write_wait_ms,
                           &commit->writer, error));
    status = read_record(commit, error);
    if (!status)
        status = check_record(&commit->meta, error);
    if (!status)
        status = lf_feed_read(commit, error);
    if (status) {
        lf_commit_abort(commit);
        return status;
    }
    commit->now = lf_store_now(store);
    return FEATURE_OK;
}

feature_status
lf_commit_begin_after(struct lf_commit *commit, feature_store *store,
                      uint32_t wait_ms, struct feature_error *error)
{
    if (!store->read_only)
        lf_writer_yield(store->environment);
    return lf_commit_begin(commit, store, wait_ms, error);
}

int64_t
lf_commit_time(const struct lf_commit *commit)
{
    if (commit->meta.sequence && commit->now <= commit->meta.commit_time)
        return commit->meta.commit_time + 1;
    return commit->now;
}

void
lf_commit_number(struct lf_commit *commit)
{
    struct lf_meta_store *meta = &commit->meta;

    meta->commit_time = lf_commit_time(commit);
    meta->sequence++;
    commit->has_number = true;
    commit->written = 0;
    meta->tokens[meta->sequence % LF_COMMITS_KEPT] = (struct lf_commit_token){
        .sequence = meta->sequence, .token = commit->store->token};
}

/* Writes the record and commits. is_tried: LMDB was asked to commit. */
static feature_status
write_record(struct lf_commit *commit, bool *is_tried,
             struct feature_error *error)
{
    uint8_t bytes[LF_META_STORE_SIZE];
    struct lf_writer *writer = commit->writer;
    feature_status status;

    lf_meta_store_encode(&commit->meta, bytes);
    status = lf_feed_write(commit, error);
    if (!status)
        status = lf_tree_put(commit->tree, LF_META_STORE_KEY,
                             strlen(LF_META_STORE_KEY), bytes, sizeof bytes,
                             false, error);
    *is_tried = !status;
    if (status) {
        lf_commit_abort(commit);
        return status;
    }
    commit->writer = NULL;
    return lf_writer_commit(writer, error);
}

/* Commits the record as it is, on top of whatever is there: once that is synced,
 * so is all that came before, and no meta page of a failed commit is left. */
static feature_status
repair(feature_store *store, struct lf_meta_store *found,
       struct feature_error *error)
{
    struct lf_commit commit;
    bool is_tried;

    LF_TRY(lf_environment_recover(store->environment, store->write_wait_ms,
                                  error));
    LF_TRY(lf_commit_begin(&commit, store, 0, error));
    *found = commit.meta;
    return write_record(&commit, &is_tried, error);
}

feature_status
lf_commit_repair(feature_store *store, struct feature_error *error)
{
    struct lf_meta_store found;

    return repair(store, &found, error);
}

bool
lf_commit_grow(feature_store *store, feature_status *status,
               struct feature_error *error)
{
    struct feature_error problem;
    uint64_t max_size;
    feature_status grown;

    if (*status != FEATURE_FULL || strcmp(error->reason, "map-full"))
        return false;
    pthread_mutex_lock(&store->lock);
    max_size = store->limit;
    pthread_mutex_unlock(&store->lock);
    grown = lf_environment_grow(store->environment, max_size, &problem);
    if (grown == FEATURE_BUSY) { /* a running read keeps the map in place */
        *error = problem;
        *status = grown;
    }
    return !grown;
}

static feature_status
fail_unknown(struct feature_error *error, const char *why)
{
    return lf_fail(error, FEATURE_IO, "outcome-unknown",
                   "the system failed during the commit, and whether it was "
                   "made cannot be told: %s",
                   why);
}

/* After a commit that may or may not have been made. The numbers of one handle
 * carry its token; where another one has the number, ours never was. A commit
 * without a number (a claim, a promotion) left no trace to look for. */
static feature_status
settle(const struct lf_commit *commit, int32_t os_error,
       struct feature_error *error)
{
    uint64_t sequence = commit->meta.sequence;
    struct lf_commit_token *token;
    struct lf_meta_store found;

    if (repair(commit->store, &found, NULL))
        return fail_unknown(error, "the store cannot be written now; open it "
                                   "again and look");
    if (!commit->has_number)
        return fail_unknown(error, "the store goes on; ask for it again");
    token = &found.tokens[sequence % LF_COMMITS_KEPT];
    if (token->sequence > sequence)
        return fail_unknown(error, "others have made too many commits since");
    if (token->sequence == sequence && token->token == commit->store->token)
        return FEATURE_OK;
    return lf_fail_os(error, FEATURE_IO, "io", os_error,
                      "the commit failed, and nothing has changed");
}

feature_status
lf_commit_finish(struct lf_commit *commit, struct feature_error *error)
{
    struct feature_error problem = {0};
    bool is_tried;
    feature_status status = write_record(commit, &is_tried, &problem);

    if (status == FEATURE_IO && is_tried &&
        !strcmp(problem.reason, "outcome-unknown"))
        return settle(commit, problem.os_error, error);
    if (status && error)
        *error = problem;
    return status;
}

void
lf_commit_abort(struct lf_commit *commit)
{
    lf_writer_abort(commit->writer);
    lf_feed_free(&commit->feed);
    commit->writer = NULL;
}
