/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Group commit.
 *
 * Owns the queue of write calls of one handle. The first to find nobody at
 * work leads: it takes what is queued, applies it call by call in one
 * transaction, syncs once, and tells the others.
 * Keeps calls apart: each has its own sequence number and outcomes, and one
 * that fails is taken out and the rest applied again, as if it had never come.
 * Never lets a call wait for another's deadline: who cannot get in leads alone
 * into its own BUSY.
 */
#include <string.h>

#include "store/write.h"

#define GROUP_ROWS 65536 /* a group past it takes in no further call */

static feature_status
follow_catalog(struct lf_write *write, struct lf_commit *commit,
               struct feature_error *error)
{
    struct lf_catalog *catalog;

    if (commit->meta.catalog_version == write->catalog->version)
        return FEATURE_OK;
    LF_TRY(lf_commit_catalog(commit, &catalog, error));
    lf_catalog_release(write->catalog);
    write->catalog = catalog;
    for (size_t i = 0; i < write->count; i++)
        LF_TRY(lf_target_resolve(&write->targets[i], catalog, error));
    return FEATURE_OK;
}

/* Applies one call. Where no row was applied or late there is nothing to
 * commit, and it takes no number. */
static feature_status
apply_write(struct lf_write *write, struct lf_commit *commit, bool *touched)
{
    struct lf_meta_store before = commit->meta;
    struct feature_error *error = &write->error;
    bool own = false;

    memset(&write->report, 0, sizeof write->report);
    LF_TRY(follow_catalog(write, commit, error));
    lf_commit_number(commit);
    for (size_t i = 0; i < write->count; i++) {
        lf_target_reset(&write->targets[i]);
        if (write->targets[i].rows)
            LF_TRY(lf_target_apply(&write->targets[i], commit,
                                   write->skip_invalid, &write->report, &own,
                                   error));
    }
    if (!own)
        commit->meta = before;
    *touched |= own;
    write->report.sequence = commit->meta.sequence;
    write->report.time = commit->meta.commit_time;
    return FEATURE_OK;
}

/* Ends a write with a failure that its error already tells. */
static void
end_failed(struct lf_write *write, feature_status status)
{
    write->status = status;
    write->is_done = true;
}

static bool
apply_group(struct lf_write *group, struct lf_commit *commit, bool *touched)
{
    for (struct lf_write *write = group; write; write = write->next) {
        feature_status status;

        if (write->is_done)
            continue;
        status = apply_write(write, commit, touched);
        if (status) {
            end_failed(write, status);
            return false;
        }
    }
    return true;
}

/* The outcome of the commit is the outcome of all that are in it. */
static void
end_group(struct lf_write *group, feature_status status,
          const struct feature_error *error)
{
    for (struct lf_write *write = group; write; write = write->next) {
        if (write->is_done)
            continue;
        if (status)
            write->error = *error;
        end_failed(write, status);
    }
}

/* One transaction. A call that fails ends it: the others are tried again
 * without it. False: begin again. */
static bool
try_group(struct lf_write *group, struct lf_commit *commit)
{
    struct feature_error error = {0};
    feature_status status = FEATURE_OK;
    bool touched = false;

    if (!apply_group(group, commit, &touched)) {
        lf_commit_abort(commit);
        return false;
    }
    if (touched)
        status = lf_commit_finish(commit, &error);
    else
        lf_commit_abort(commit);
    end_group(group, status, &error);
    return true;
}

static bool
all_done(const struct lf_write *group)
{
    for (; group; group = group->next)
        if (!group->is_done)
            return false;
    return true;
}

/* Leads a group. Only the leader pays for a transaction that did not begin. */
static void
lead(struct lf_write *leader, struct lf_write *group)
{
    while (!all_done(group)) {
        struct lf_commit commit;
        struct feature_error error;
        feature_status status =
            lf_commit_begin(&commit, leader->store, leader->wait_ms, &error);

        if (status && !leader->is_done) {
            leader->error = error;
            end_failed(leader, status);
        }
        if (status)
            return;
        (void)try_group(group, &commit);
    }
}

/* Takes the first calls of the queue, the leader's among them or not. */
static struct lf_write *
take_group(feature_store *store)
{
    struct lf_write *group = store->queue, *last = group;
    uint64_t rows = group->rows;

    while (last->next && rows + last->next->rows <= GROUP_ROWS) {
        last = last->next;
        rows += last->rows;
    }
    store->queue = last->next;
    last->next = NULL;
    return group;
}

/* What the leader could not begin goes back, in order. */
static void
give_back(feature_store *store, struct lf_write *group)
{
    struct lf_write **end = &group;

    while (*end) {
        if ((*end)->is_done)
            *end = (*end)->next;
        else
            end = &(*end)->next;
    }
    *end = store->queue;
    store->queue = group;
}

static void
enqueue(feature_store *store, struct lf_write *write)
{
    struct lf_write **end = &store->queue;

    while (*end)
        end = &(*end)->next;
    write->next = NULL;
    *end = write;
}

/* A leader's own call must be in its group, or its deadline would be spent on
 * others: it goes first. */
static void
move_to_front(feature_store *store, struct lf_write *write)
{
    struct lf_write **at = &store->queue;

    while (*at != write)
        at = &(*at)->next;
    *at = write->next;
    write->next = store->queue;
    store->queue = write;
}

feature_status
lf_write_commit(struct lf_write *write)
{
    feature_store *store = write->store;

    pthread_mutex_lock(&store->write_lock);
    enqueue(store, write);
    while (!write->is_done && store->is_writing)
        pthread_cond_wait(&store->written, &store->write_lock);
    if (!write->is_done) {
        struct lf_write *group;

        store->is_writing = true;
        move_to_front(store, write);
        group = take_group(store);
        pthread_mutex_unlock(&store->write_lock);
        lead(write, group);
        pthread_mutex_lock(&store->write_lock);
        give_back(store, group);
        store->is_writing = false;
        pthread_cond_broadcast(&store->written);
    }
    pthread_mutex_unlock(&store->write_lock);
    return write->status;
}
