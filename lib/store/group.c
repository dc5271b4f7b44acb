/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Group commit.
 *
 * Owns the queue of write calls of one handle. The first to find nobody at
 * work leads: once it is past the writer gate it takes what is queued by then,
 * applies it call by call in one transaction, syncs once, and tells the others.
 * Where the last group had several calls, the leader first waits for as many to
 * come again, a fraction of what a commit takes at most: those that were told
 * last are on their way, and would each miss this commit and wait for the next.
 * Keeps calls apart: each has its own sequence number, outcomes and deadline,
 * and one that fails is taken out and the rest applied again, as if it had
 * never come.
 * Never touches a call once it is done: its memory is its caller's stack.
 */
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "store/offsets.h"
#include "store/upkeep.h"
#include "store/write.h"

#define GROUP_ROWS  65536 /* a group past it takes in no further call */
#define GATHER_PART 4     /* of the last commit's time: longest wait for more */
#define GATHER_MOST 1000  /* microseconds */

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

/* All of it was written before. */
static void
skip_write(struct lf_write *write, const struct lf_commit *commit)
{
    feature_store *store = write->store;

    for (size_t i = 0; i < write->count; i++) {
        struct lf_target *target = &write->targets[i];

        lf_target_reset(target);
        if (target->rows)
            memset(target->outcomes.data, FEATURE_OUTCOME_DUPLICATE,
                   target->rows);
        write->report.duplicate += target->rows;
    }
    atomic_fetch_add(&store->replays, 1);
    write->report.sequence = commit->meta.sequence;
    write->report.time = commit->meta.commit_time;
}

/* Rows and offsets of a call that has its number. */
static feature_status
apply_numbered(struct lf_write *write, struct lf_commit *commit, bool *own)
{
    struct feature_error *error = &write->error;

    LF_TRY(lf_feed_begin(commit, write->catalog, write->sources,
                         write->source_count, error));
    for (size_t i = 0; i < write->count; i++) {
        lf_target_reset(&write->targets[i]);
        if (write->targets[i].rows)
            LF_TRY(lf_target_apply(&write->targets[i], commit,
                                   write->skip_invalid, &write->report, own,
                                   error));
    }
    *own |= write->source_count > 0;
    LF_TRY(lf_sources_put(commit, write->sources, write->source_count, error));
    if (*own) {
        LF_TRY(lf_upkeep_ride(commit, write->catalog, error));
        return lf_feed_end(commit, error);
    }
    lf_feed_cancel(commit);
    return FEATURE_OK;
}

/* Applies one call. Where no row was applied or late there is nothing to
 * commit, and it takes no number. */
static feature_status
apply_write(struct lf_write *write, struct lf_commit *commit, bool *touched)
{
    struct lf_meta_store before = commit->meta;
    struct feature_error *error = &write->error;
    bool own = false, is_replay;

    memset(&write->report, 0, sizeof write->report);
    LF_TRY(follow_catalog(write, commit, error));
    LF_TRY(lf_feed_check_leader(commit, error));
    LF_TRY(lf_sources_replayed(commit, write->sources, write->source_count,
                               &is_replay, error));
    if (is_replay) {
        skip_write(write, commit);
        return FEATURE_OK;
    }
    lf_commit_number(commit);
    LF_TRY(apply_numbered(write, commit, &own));
    if (!own)
        commit->meta = before;
    *touched |= own;
    write->report.sequence = commit->meta.sequence;
    write->report.time = commit->meta.commit_time;
    return FEATURE_OK;
}

/* The leader's verdict, which the call learns when its group is released. */
static void
settle(struct lf_write *write, feature_status status)
{
    write->status = status;
    write->is_settled = true;
}

/* The call that fails, or NULL. */
static struct lf_write *
apply_group(struct lf_write *group, struct lf_commit *commit, bool *touched)
{
    for (struct lf_write *write = group; write; write = write->next) {
        write->status = apply_write(write, commit, touched);
        if (write->status)
            return write;
    }
    return NULL;
}

/* The outcome of the commit is the outcome of all that are in it. */
static void
settle_group(struct lf_write *group, feature_status status,
             const struct feature_error *error)
{
    for (struct lf_write *write = group; write; write = write->next) {
        if (status)
            write->error = *error;
        settle(write, status);
    }
}

/* One transaction. A call that fails ends it: the others go back unsettled, and
 * all of them where another try will have a larger map, or rows that were found
 * to be invalid (LF_AGAIN) left out. */
static void
run_group(struct lf_write *group, struct lf_commit *commit)
{
    struct feature_error error = {0};
    feature_status status = FEATURE_OK;
    bool touched = false;
    struct lf_write *failed = apply_group(group, commit, &touched);

    if (failed) {
        lf_commit_abort(commit);
        if (failed->status != LF_AGAIN &&
            !lf_commit_grow(failed->store, &failed->status, &failed->error))
            failed->is_settled = true;
        return;
    }
    if (touched)
        status = lf_commit_finish(commit, &error);
    else
        lf_commit_abort(commit);
    if (!status || !lf_commit_grow(group->store, &status, &error))
        settle_group(group, status, &error);
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

static void
dequeue(feature_store *store, struct lf_write *write)
{
    struct lf_write **at = &store->queue;

    while (*at != write)
        at = &(*at)->next;
    *at = write->next;
    write->next = NULL;
}

static uint32_t
count_queue(const feature_store *store)
{
    uint32_t count = 0;

    for (const struct lf_write *write = store->queue; write;
         write = write->next)
        count++;
    return count;
}

/* Lets as many calls come as the last group had. */
static void
gather(feature_store *store)
{
    int64_t longest = store->group_us / GATHER_PART, end;

    if (store->group_calls < 2 || count_queue(store) >= store->group_calls)
        return;
    end =
        lf_clock_steady_us() + (longest < GATHER_MOST ? longest : GATHER_MOST);
    do {
        pthread_mutex_unlock(&store->write_lock);
        sched_yield();
        pthread_mutex_lock(&store->write_lock);
    } while (count_queue(store) < store->group_calls &&
             lf_clock_steady_us() < end);
}

/* The leader's own call and the first of the queue. */
static struct lf_write *
take_group(struct lf_write *leader)
{
    feature_store *store = leader->store;
    struct lf_write *last = leader;
    uint64_t rows = leader->rows;

    dequeue(store, leader);
    leader->is_taken = true;
    store->group_calls = 1;
    while (store->queue && rows + store->queue->rows <= GROUP_ROWS) {
        last->next = store->queue;
        last = last->next;
        last->is_taken = true;
        store->group_calls++;
        rows += last->rows;
        store->queue = last->next;
    }
    last->next = NULL;
    return leader;
}

/* What is settled is done; the rest goes back to the front, in order. */
static void
release_group(feature_store *store, struct lf_write *group)
{
    struct lf_write **end = &group;

    while (*end) {
        struct lf_write *write = *end;

        write->is_taken = false;
        if (write->is_settled) {
            *end = write->next;
            write->is_done = true;
        } else {
            end = &write->next;
        }
    }
    *end = store->queue;
    store->queue = group;
}

static uint32_t
milliseconds_left(const struct lf_write *write)
{
    int64_t left = write->deadline_ms - lf_clock_steady_ms();

    return left > 0 ? (uint32_t)left : 1;
}

/* Begins and ends with the lock held, and with the leader's call done. The
 * group is taken within the transaction, so that whoever waits before it can
 * still give up. */
static void
lead(struct lf_write *leader)
{
    feature_store *store = leader->store;

    while (!leader->is_done) {
        struct lf_write *group;
        struct lf_commit commit;
        feature_status status;
        int64_t begun;

        gather(store);
        pthread_mutex_unlock(&store->write_lock);
        status = lf_commit_begin(&commit, store, milliseconds_left(leader),
                                 &leader->error);
        pthread_mutex_lock(&store->write_lock);
        if (status) {
            dequeue(store, leader);
            leader->status = status;
            leader->is_done = true;
            return;
        }
        group = take_group(leader);
        pthread_mutex_unlock(&store->write_lock);
        begun = lf_clock_steady_us();
        run_group(group, &commit);
        pthread_mutex_lock(&store->write_lock);
        store->group_us = lf_clock_steady_us() - begun;
        release_group(store, group);
        pthread_cond_broadcast(&store->written);
    }
}

/* Waits for the present leader, and gives up at the deadline: not within its
 * group, where the commit is under way. */
static void
wait_for_leader(struct lf_write *write)
{
    feature_store *store = write->store;
    struct timespec deadline = {.tv_sec = write->deadline_ms / 1000,
                                .tv_nsec = write->deadline_ms % 1000 * 1000000};
    int code = 0;

    if (write->is_taken)
        pthread_cond_wait(&store->written, &store->write_lock);
    else
        code = pthread_cond_timedwait(&store->written, &store->write_lock,
                                      &deadline);
    if (code != ETIMEDOUT || write->is_taken || write->is_done ||
        !store->is_writing)
        return;
    dequeue(store, write);
    write->status = lf_fail(&write->error, FEATURE_BUSY, "writer-gate",
                            "another writer was not done in time");
    write->is_done = true;
}

feature_status
lf_write_commit(struct lf_write *write)
{
    feature_store *store = write->store;
    int cancel_state;

    write->deadline_ms =
        lf_clock_steady_ms() +
        (write->wait_ms ? write->wait_ms : store->write_wait_ms);
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
    pthread_mutex_lock(&store->write_lock);
    enqueue(store, write);
    while (!write->is_done) {
        if (store->is_writing) {
            wait_for_leader(write);
            continue;
        }
        store->is_writing = true;
        lead(write);
        store->is_writing = false;
        pthread_cond_broadcast(&store->written);
    }
    pthread_mutex_unlock(&store->write_lock);
    pthread_setcancelstate(cancel_state, NULL);
    return write->status;
}
