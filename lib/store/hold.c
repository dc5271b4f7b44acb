/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Held snapshots.
 *
 * Owns the list of a store's, and with it the answer to who ends one: its
 * maker, the sweep of a later call, or the closing of the store, and no two of
 * them.
 * Keeps their number bounded, and their age: any call of the handle ends what is
 * too old, also where the stream was left lying about and never asks again.
 * Never holds the list's lock while a snapshot is read.
 */
#include "store/hold.h"

#include "base/clock.h"

/* A test's clock stands still, and so does the age. */
static int64_t
clock_ms(const feature_store *store)
{
    return store->fixed_now ? store->fixed_now / 1000 : lf_clock_steady_ms();
}

/* The last millisecond of its life. */
static int64_t
due_of(const struct lf_hold *hold)
{
    return hold->since_ms + hold->max_age_ms;
}

static bool
is_old(const feature_store *store, const struct lf_hold *hold)
{
    return clock_ms(store) > due_of(hold);
}

/* With the lock held, as the three below. One that is in use is not expected:
 * the calls beside it would all look for what they cannot end. */
static void
expect(feature_store *store, const struct lf_hold *hold)
{
    if (due_of(hold) < atomic_load(&store->hold_due))
        atomic_store(&store->hold_due, due_of(hold));
}

static void
add(feature_store *store, struct lf_hold *hold)
{
    hold->next = store->holds;
    hold->link = &store->holds;
    if (hold->next)
        hold->next->link = &hold->next;
    store->holds = hold;
    expect(store, hold);
    atomic_fetch_add(&store->hold_count, 1);
}

static void
drop(feature_store *store, struct lf_hold *hold)
{
    if (!hold->reader)
        return;
    *hold->link = hold->next;
    if (hold->next)
        hold->next->link = hold->link;
    if (!store->holds)
        atomic_store(&store->hold_due, LF_HOLDS_NONE);
    atomic_fetch_sub(&store->hold_count, 1);
    lf_reader_drop(hold->reader);
    hold->reader = NULL;
}

feature_status
lf_hold_begin(feature_store *store, struct lf_hold *hold, uint32_t max_age_ms,
              struct feature_error *error)
{
    struct lf_reader *reader = NULL;
    feature_status status = FEATURE_OK;

    LF_TRY(lf_reader_begin(store->environment, &reader, error));
    lf_reader_park(reader);
    pthread_mutex_lock(&store->hold_lock);
    if (atomic_load(&store->hold_count) >= LF_HOLDS_MAX) {
        status = lf_fail(error, FEATURE_BUSY, "scan-limit",
                         "%d scans of this handle hold a snapshot already",
                         LF_HOLDS_MAX);
    } else {
        *hold = (struct lf_hold){.reader = reader,
                                 .generation = lf_process_generation(),
                                 .max_age_ms = max_age_ms,
                                 .since_ms = clock_ms(store)};
        add(store, hold);
    }
    pthread_mutex_unlock(&store->hold_lock);
    if (status)
        lf_reader_drop(reader);
    return status;
}

static void
stop_using(feature_store *store, struct lf_hold *hold)
{
    pthread_mutex_lock(&store->hold_lock);
    hold->is_used = false;
    expect(store, hold);
    pthread_mutex_unlock(&store->hold_lock);
}

feature_status
lf_hold_use(feature_store *store, struct lf_hold *hold,
            struct lf_reader **reader, struct feature_error *error)
{
    feature_status status;

    pthread_mutex_lock(&store->hold_lock);
    if (is_old(store, hold))
        drop(store, hold);
    hold->is_used = hold->reader != NULL;
    pthread_mutex_unlock(&store->hold_lock);
    if (!hold->is_used)
        return lf_fail(error, FEATURE_BUSY, "scan-age",
                       "the stream held its snapshot for more than %u ms: read "
                       "faster, or allow more",
                       hold->max_age_ms);
    status = lf_reader_resume(hold->reader, error);
    if (!status) {
        *reader = hold->reader;
        return FEATURE_OK;
    }
    stop_using(store, hold);
    return status;
}

void
lf_hold_unuse(feature_store *store, struct lf_hold *hold)
{
    lf_reader_park(hold->reader);
    stop_using(store, hold);
}

void
lf_hold_end(feature_store *store, struct lf_hold *hold)
{
    if (!hold->link)
        return;
    /* A forked child has neither the snapshot nor, maybe, the lock's owner. */
    if (hold->generation != lf_process_generation()) {
        lf_reader_abandon(hold->reader);
        hold->reader = NULL;
        return;
    }
    pthread_mutex_lock(&store->hold_lock);
    drop(store, hold);
    pthread_mutex_unlock(&store->hold_lock);
}

void
lf_holds_end_old(feature_store *store)
{
    struct lf_hold *hold, *next;

    if (clock_ms(store) <= atomic_load(&store->hold_due))
        return;
    pthread_mutex_lock(&store->hold_lock);
    atomic_store(&store->hold_due, LF_HOLDS_NONE);
    for (hold = store->holds; hold; hold = next) {
        next = hold->next;
        if (hold->is_used)
            continue;
        if (is_old(store, hold))
            drop(store, hold);
        else
            expect(store, hold);
    }
    pthread_mutex_unlock(&store->hold_lock);
}

void
lf_holds_close(feature_store *store)
{
    pthread_mutex_lock(&store->hold_lock);
    while (store->holds)
        drop(store, store->holds);
    pthread_mutex_unlock(&store->hold_lock);
}
