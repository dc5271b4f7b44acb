/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Consumers of the change feed.
 *
 * Owns their records: what each one has acknowledged, and until when he is
 * waited for.
 * Keeps an acknowledgement from going back.
 * Never takes a sequence number: a claim is no change of the store.
 */
#include <string.h>

#include "base/alloc.h"
#include "store/changes.h"

#define CLAIM_MS   (UINT64_C(7) * 86400 * 1000)
#define CLAIM_MOST (UINT64_C(100) * 366 * 86400 * 1000)

static feature_status
fail_damaged(struct feature_error *error)
{
    return lf_fail(error, FEATURE_CORRUPT, "checksum",
                   "the record of a consumer is damaged");
}

static feature_status
put_claim(struct lf_commit *commit, const feature_changes *changes,
          uint64_t sequence, struct feature_error *error)
{
    size_t key_size = strlen(changes->consumer), size;
    struct lf_consumer consumer = {0};
    uint8_t bytes[LF_CONSUMER_SIZE];
    const uint8_t *value;
    bool found;

    LF_TRY(lf_tree_get(commit->tree, changes->consumer, key_size, &found,
                       &value, &size, error));
    if (found &&
        !lf_consumer_decode(&consumer, (const uint8_t *)changes->consumer,
                            key_size, value, size))
        return fail_damaged(error);
    if (sequence > consumer.acknowledged)
        consumer.acknowledged = sequence;
    if (__builtin_add_overflow(commit->now, (int64_t)changes->claim_ms * 1000,
                               &consumer.expires))
        consumer.expires = INT64_MAX;
    lf_consumer_encode(&consumer, changes->consumer, bytes);
    return lf_tree_put(commit->tree, changes->consumer, key_size, bytes,
                       sizeof bytes, false, error);
}

/* A transaction of its own. */
static feature_status
claim(const feature_changes *changes, uint64_t sequence,
      struct feature_error *error)
{
    struct feature_error problem = {0};
    struct lf_commit commit;
    feature_status status;

    do {
        status = lf_commit_begin(&commit, changes->store, 0, &problem);
        if (status)
            break;
        status = put_claim(&commit, changes, sequence, &problem);
        if (status)
            lf_commit_abort(&commit);
        else
            status = lf_commit_finish(&commit, &problem);
    } while (status && lf_commit_grow(changes->store, &status, &problem));
    if (status && error)
        *error = problem;
    return status;
}

feature_status
feature_changes_acknowledge(feature_changes *changes, uint64_t sequence,
                            struct feature_error *error)
{
    feature_status status;

    if (!changes || !*changes->consumer)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "a reader with a consumer is needed");
    if (sequence >= changes->next)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "sequence %llu was not read yet",
                       (unsigned long long)sequence);
    LF_TRY(lf_store_enter(changes->store, error));
    status = claim(changes, sequence, error);
    lf_store_leave(changes->store);
    return status;
}

static feature_status
find_acknowledged(feature_changes *changes, struct feature_error *error)
{
    size_t key_size = strlen(changes->consumer), size;
    struct lf_consumer consumer = {0};
    struct lf_reader *reader;
    const uint8_t *value;
    feature_status status;
    bool found;

    LF_TRY(lf_reader_begin(changes->store->environment, &reader, error));
    status = lf_reader_get(reader, LF_META_TREE, changes->consumer, key_size,
                           &found, &value, &size, error);
    if (!status && !found)
        status = lf_fail(error, FEATURE_NOT_FOUND, "name",
                         "there is no consumer %s to resume",
                         changes->consumer + strlen(LF_CONSUMER_PREFIX));
    else if (!status &&
             !lf_consumer_decode(&consumer, (const uint8_t *)changes->consumer,
                                 key_size, value, size))
        status = fail_damaged(error);
    if (!status)
        changes->next = consumer.acknowledged + 1;
    lf_reader_end(reader);
    return status;
}

static feature_status
take_options(feature_changes *changes,
             const struct feature_changes_options *options,
             struct feature_error *error)
{
    if (options->flags & ~(uint32_t)FEATURE_CHANGES_RESUME)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "unknown bits 0x%x in the changes options' flags",
                       options->flags & ~(uint32_t)FEATURE_CHANGES_RESUME);
    if (options->consumer &&
        !lf_consumer_key(options->consumer, changes->consumer))
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "a consumer's name has 1 to %d of A-Z a-z 0-9 _ - .",
                       LF_CONSUMER_MAX);
    if (options->claim_ms > CLAIM_MOST ||
        (options->claim_ms && !options->consumer))
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "claim_ms is a consumer's, and 100 years at most");
    if ((options->flags & FEATURE_CHANGES_RESUME) &&
        (!options->consumer || options->since))
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "FEATURE_CHANGES_RESUME takes a consumer and no since");
    if (options->since == UINT64_MAX)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "no sequence comes after since");
    changes->next = options->since + 1;
    changes->claim_ms = options->claim_ms ? options->claim_ms : CLAIM_MS;
    return FEATURE_OK;
}

static feature_status
begin(feature_changes *changes, const struct feature_changes_options *options,
      struct feature_error *error)
{
    if (options->flags & FEATURE_CHANGES_RESUME)
        LF_TRY(find_acknowledged(changes, error));
    LF_TRY(lf_changes_check(changes, error));
    return *changes->consumer ? claim(changes, changes->next - 1, error)
                              : FEATURE_OK;
}

feature_status
feature_changes_open(feature_store *store,
                     const struct feature_changes_options *options,
                     feature_changes **changes, struct feature_error *error)
{
    struct feature_changes_options asked;
    struct feature_changes *made;
    feature_status status;

    if (!store || !changes)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "store and changes are needed");
    LF_TRY(lf_options_read(&asked, sizeof asked, options,
                           "feature_changes_options", error));
    made = lf_alloc(sizeof *made);
    if (!made)
        return lf_fail_memory(error);
    status = take_options(made, &asked, error);
    if (!status)
        status = lf_store_hold(store, &made->store, error);
    if (!status) {
        status = lf_store_enter(store, error);
        if (!status) {
            status = begin(made, &asked, error);
            lf_store_leave(store);
        }
    }
    if (status) {
        feature_changes_free(made);
        return status;
    }
    *changes = made;
    return FEATURE_OK;
}
