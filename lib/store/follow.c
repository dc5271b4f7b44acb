/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Followers.
 *
 * Owns the question whether a record is the next one of this store.
 * Keeps a follower equal to its leader at each sequence number, in one
 * transaction a record, with the leader's number, time and chain.
 * Never applies a record of another history: store, epoch and the chain of all
 * records before have to agree.
 */
#include <string.h>

#include "store/changes.h"
#include "store/offsets.h"
#include "store/replay.h"

struct follow {
    feature_store *store;
    const uint8_t *record;
    size_t size;
    struct lf_change_head head;
    struct lf_chain chain;
    struct lf_buffer scratch;
    struct feature_commit report;
};

static feature_status
fail_history(struct feature_error *error, const char *what)
{
    return lf_fail(error, FEATURE_CONFLICT, "epoch",
                   "the change record is not of this store's history: %s",
                   what);
}

/* The head of the first part; the rest is checked as it is applied. */
static feature_status
read_head(struct follow *follow, struct feature_error *error)
{
    size_t size = lf_frame_size(follow->record, follow->size);
    struct lf_part part;

    if (!size)
        return lf_fail(error, FEATURE_CORRUPT, "structure",
                       "the change record is damaged: it is cut short");
    LF_TRY(lf_part_open(&part, follow->record, size, error));
    follow->head = part.head;
    if (part.number) {
        lf_part_free(&part);
        return lf_fail(error, FEATURE_CORRUPT, "structure",
                       "the change record is damaged: it lacks its first part");
    }
    lf_part_free(&part);
    return FEATURE_OK;
}

static feature_status
check_history(const struct follow *follow, const struct lf_meta_store *meta,
              struct feature_error *error)
{
    const struct lf_change_head *head = &follow->head;

    if (!meta->sequence && !meta->catalog_version)
        return FEATURE_OK; /* it has none yet */
    if (memcmp(head->store, meta->uuid, sizeof head->store) != 0)
        return fail_history(error, "it is of another store");
    if (head->epoch < meta->epoch && head->sequence > meta->sequence)
        return fail_history(error, "its epoch has ended");
    return FEATURE_OK;
}

/* A record that was applied: where the feed still has it, it is the same. */
static feature_status
check_known(const struct follow *follow, struct lf_reader *reader,
            struct feature_error *error)
{
    uint8_t key[LF_CHANGE_KEY_SIZE];
    char tree[LF_TREE_NAME_SIZE];
    struct lf_meta_feed feed;
    struct lf_part part;
    const uint8_t *value;
    size_t size;
    bool found, is_same;

    LF_TRY(lf_reader_get(reader, LF_META_TREE, LF_FEED_KEY, strlen(LF_FEED_KEY),
                         &found, &value, &size, error));
    if (!found || !lf_meta_feed_decode(&feed, value, size) ||
        !(feed.flags & LF_FEED_ON) || follow->head.sequence < feed.first ||
        follow->head.sequence > feed.head)
        return FEATURE_OK;
    LF_TRY(lf_changes_tree(reader, &feed, follow->head.sequence, tree, error));
    lf_change_key(follow->head.sequence, 0, key);
    LF_TRY(lf_reader_get(reader, tree, key, sizeof key, &found, &value, &size,
                         error));
    if (!found)
        return FEATURE_OK;
    LF_TRY(lf_part_open(&part, value, size, error));
    is_same =
        part.head.epoch == follow->head.epoch &&
        part.head.commit_time == follow->head.commit_time &&
        memcmp(part.head.previous, follow->head.previous, LF_CHAIN_SIZE) == 0;
    lf_part_free(&part);
    return is_same ? FEATURE_OK
                   : fail_history(error, "this store has another one there");
}

/* Whether the record was applied; without a transaction to write. */
static feature_status
is_applied(struct follow *follow, bool *applied, struct feature_error *error)
{
    struct lf_meta_store meta;
    struct lf_reader *reader;
    feature_status status;

    LF_TRY(lf_reader_begin(follow->store->environment, &reader, error));
    status = lf_store_read_meta(reader, &meta, error);
    if (!status)
        status = check_history(follow, &meta, error);
    *applied = !status && follow->head.sequence <= meta.sequence;
    if (*applied) {
        status = check_known(follow, reader, error);
        follow->report.sequence = meta.sequence;
        follow->report.time = meta.commit_time;
    }
    lf_reader_end(reader);
    return status;
}

/* In the transaction, where nobody moves it any more. */
static feature_status
check_next(const struct follow *follow, const struct lf_commit *commit,
           struct feature_error *error)
{
    const struct lf_meta_store *meta = &commit->meta;
    const struct lf_change_head *head = &follow->head;

    LF_TRY(check_history(follow, meta, error));
    if (head->sequence > meta->sequence + 1)
        return lf_fail(error, FEATURE_GAP, "gap",
                       "the store is at sequence %llu; record %llu comes too "
                       "early",
                       (unsigned long long)meta->sequence,
                       (unsigned long long)head->sequence);
    if (memcmp(head->previous, commit->feed.meta.chain, LF_CHAIN_SIZE) != 0)
        return fail_history(error, "what came before it differs");
    if (meta->sequence && head->commit_time <= meta->commit_time)
        return lf_fail(error, FEATURE_CORRUPT, "structure",
                       "the change record is damaged: its time is not past "
                       "that of the record before");
    return FEATURE_OK;
}

static void
take_number(struct lf_commit *commit, const struct lf_change_head *head)
{
    memcpy(commit->meta.uuid, head->store, sizeof commit->meta.uuid);
    commit->meta.epoch = head->epoch;
    lf_commit_number(commit);
    commit->meta.commit_time = head->commit_time;
    commit->feed.meta.flags |= LF_FEED_FOLLOWER;
}

static feature_status
apply_changes(struct follow *follow, struct lf_replay *replay,
              const struct lf_part *part, struct feature_error *error)
{
    for (uint32_t i = 0; i < part->change_count; i++) {
        struct lf_change change;

        LF_TRY(lf_part_change(part, i, &follow->scratch, &change, error));
        lf_chain_add(&follow->chain, change.hash);
        LF_TRY(lf_replay_change(replay, &change, error));
    }
    return FEATURE_OK;
}

static feature_status
apply_part(struct follow *follow, struct lf_replay *replay,
           const struct lf_part *part, struct feature_error *error)
{
    if (!part->number) {
        lf_chain_begin(&follow->chain, &follow->head, part->sources,
                       part->source_count);
        LF_TRY(lf_sources_put(replay->commit, part->sources, part->source_count,
                              error));
    }
    return apply_changes(follow, replay, part, error);
}

static feature_status
apply_parts(struct follow *follow, struct lf_replay *replay,
            struct feature_error *error)
{
    const uint8_t *at = follow->record, *end = at + follow->size;
    bool more = true;

    for (uint32_t number = 0; more; number++) {
        size_t size = lf_frame_size(at, (size_t)(end - at));
        struct lf_part part;
        feature_status status;

        LF_TRY(lf_part_open(&part, at, size, error));
        more = part.has_more;
        status =
            part.number != number || part.head.sequence != follow->head.sequence
                ? lf_fail(error, FEATURE_CORRUPT, "structure",
                          "the change record is damaged: its parts are "
                          "out of order")
                : apply_part(follow, replay, &part, error);
        lf_part_free(&part);
        LF_TRY(status);
        at += size;
    }
    if (at != end)
        return lf_fail(error, FEATURE_CORRUPT, "structure",
                       "the change record is damaged: bytes follow its end");
    return FEATURE_OK;
}

static feature_status
apply_record(struct follow *follow, struct lf_commit *commit,
             struct lf_catalog **after, struct feature_error *error)
{
    struct lf_replay replay = {.commit = commit, .report = &follow->report};
    uint8_t chain[LF_CHAIN_SIZE];
    feature_status status = lf_commit_catalog(commit, &replay.before, error);

    follow->report = (struct feature_commit){.sequence = follow->head.sequence,
                                             .time = follow->head.commit_time};
    if (!status) {
        take_number(commit, &follow->head);
        status = apply_parts(follow, &replay, error);
    }
    if (!status)
        status = lf_replay_end(&replay, follow->head.catalog_version, error);
    if (!status) {
        lf_chain_end(&follow->chain, chain);
        status = lf_feed_copy(commit, replay.after, follow->record,
                              follow->size, chain, error);
    }
    if (!status)
        *after = lf_catalog_hold(replay.after);
    lf_replay_free(&replay);
    return status;
}

static feature_status
try_follow(struct follow *follow, struct lf_catalog **after,
           struct feature_error *error)
{
    struct lf_commit commit;
    feature_status status;

    LF_TRY(lf_commit_begin(&commit, follow->store, 0, error));
    if (commit.meta.sequence >= follow->head.sequence) {
        lf_commit_abort(&commit); /* somebody else was faster */
        return LF_AGAIN;
    }
    status = check_next(follow, &commit, error);
    if (!status)
        status = apply_record(follow, &commit, after, error);
    if (status) {
        lf_commit_abort(&commit);
        return status;
    }
    return lf_commit_finish(&commit, error);
}

static feature_status
follow_record(struct follow *follow, struct feature_error *error)
{
    struct feature_error problem = {0};
    struct lf_catalog *after = NULL;
    feature_status status;
    bool applied;

    for (;;) {
        status = is_applied(follow, &applied, &problem);
        if (status || applied)
            break;
        lf_catalog_release(after);
        after = NULL;
        status = try_follow(follow, &after, &problem);
        if (status != LF_AGAIN &&
            (!status || !lf_commit_grow(follow->store, &status, &problem)))
            break;
    }
    if (status && error)
        *error = problem;
    if (!status && after) {
        lf_store_publish(follow->store, after);
        (void)lf_store_apply_limit(follow->store, after, NULL);
    }
    lf_catalog_release(after);
    return status;
}

feature_status
feature_store_follow(feature_store *store, const void *record, size_t size,
                     struct feature_commit *commit, struct feature_error *error)
{
    struct follow follow = {.store = store, .record = record, .size = size};
    feature_status status;

    if (!store || !record)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "store and record are needed");
    if (commit)
        LF_TRY(lf_report_check(commit, "feature_commit", error));
    LF_TRY(read_head(&follow, error));
    LF_TRY(lf_store_enter(store, error));
    if (store->read_only)
        status = lf_fail(error, FEATURE_INVALID, "argument",
                         "the store is open read-only");
    else
        status = follow_record(&follow, error);
    lf_store_leave(store);
    lf_buffer_free(&follow.scratch);
    if (!status && commit)
        lf_report_write(commit, &follow.report, sizeof follow.report);
    return status;
}

static feature_status
promote(feature_store *store, uint64_t *epoch, struct feature_error *error)
{
    struct lf_commit commit;
    feature_status status = FEATURE_OK;

    LF_TRY(lf_commit_begin(&commit, store, 0, error));
    if (commit.feed.meta.flags & LF_FEED_FOLLOWER) {
        commit.feed.meta.flags &= ~(uint64_t)LF_FEED_FOLLOWER;
        commit.feed.is_changed = true;
        commit.meta.epoch++;
        *epoch = commit.meta.epoch;
        status = lf_commit_finish(&commit, error);
    } else {
        *epoch = commit.meta.epoch;
        lf_commit_abort(&commit);
    }
    return status;
}

feature_status
feature_store_promote(feature_store *store, uint64_t *epoch,
                      struct feature_error *error)
{
    struct feature_error problem = {0};
    feature_status status;
    uint64_t made = 0;

    if (!store)
        return lf_fail(error, FEATURE_INVALID, "argument", "store is needed");
    LF_TRY(lf_store_enter(store, error));
    do
        status = promote(store, &made, &problem);
    while (status && lf_commit_grow(store, &status, &problem));
    lf_store_leave(store);
    if (status && error)
        *error = problem;
    if (!status && epoch)
        *epoch = made;
    return status;
}
