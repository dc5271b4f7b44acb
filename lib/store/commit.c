/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One commit.
 *
 * Owns the store's record in a write transaction: sequence, time and token.
 * Keeps sequence numbers dense and commit times strictly increasing.
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
    if (status) {
        lf_commit_abort(commit);
        return status;
    }
    commit->now = lf_store_now(store);
    return FEATURE_OK;
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
    meta->tokens[meta->sequence % LF_COMMITS_KEPT] = (struct lf_commit_token){
        .sequence = meta->sequence, .token = commit->store->token};
}

feature_status
lf_commit_finish(struct lf_commit *commit, struct feature_error *error)
{
    uint8_t bytes[LF_META_STORE_SIZE];
    struct lf_writer *writer = commit->writer;
    feature_status status;

    lf_meta_store_encode(&commit->meta, bytes);
    status =
        lf_tree_put(commit->tree, LF_META_STORE_KEY, strlen(LF_META_STORE_KEY),
                    bytes, sizeof bytes, false, error);
    if (status) {
        lf_commit_abort(commit);
        return status;
    }
    commit->writer = NULL;
    return lf_writer_commit(writer, error);
}

void
lf_commit_abort(struct lf_commit *commit)
{
    lf_writer_abort(commit->writer);
    commit->writer = NULL;
}
