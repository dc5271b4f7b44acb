/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Readers that keep a snapshot between two API calls.
 *
 * Owns the way out of the gate and back into it of a transaction that goes on.
 * Keeps the reader's roots, which are its snapshot's; where the map lies is
 * found out anew each time.
 * Never makes a change of the map wait: a parked transaction is a number in
 * LMDB's reader table and copies of its roots, with no pointer into the map,
 * which is all that LMDB's rule about transactions and a new map size is for.
 */
#include "base/alloc.h"
#include "base/error.h"
#include "engine/gate.h"
#include "engine/map.h"
#include "engine/registry.h"
#include "engine/known.h"
#include "engine/witness.h"

static void
add(struct lf_parked *parked, struct lf_reader *reader)
{
    pthread_mutex_lock(&parked->mutex);
    reader->next = parked->first;
    reader->link = &parked->first;
    if (reader->next)
        reader->next->link = &reader->next;
    parked->first = reader;
    pthread_mutex_unlock(&parked->mutex);
}

static void
take(struct lf_parked *parked, struct lf_reader *reader)
{
    pthread_mutex_lock(&parked->mutex);
    if (reader->link) {
        *reader->link = reader->next;
        if (reader->next)
            reader->next->link = reader->link;
    }
    reader->link = NULL;
    pthread_mutex_unlock(&parked->mutex);
}

void
lf_readers_lose(struct lf_environment *environment)
{
    struct lf_parked *parked = &environment->parked;

    pthread_mutex_lock(&parked->mutex);
    while (parked->first) {
        struct lf_reader *reader = parked->first;

        parked->first = reader->next;
        reader->link = NULL;
        mdb_txn_abort(reader->txn);
        reader->txn = NULL;
    }
    pthread_mutex_unlock(&parked->mutex);
}

void
lf_reader_park(struct lf_reader *reader)
{
    if (reader->witness)
        lf_witness_end(reader, false);
    lf_known_forget(reader);
    reader->pages.base = NULL;
    add(&reader->environment->parked, reader);
    lf_gate_leave(&reader->environment->gate, reader->slot);
}

/* An empty store has no page, and so no use for the map. */
static feature_status
find_map(struct lf_reader *reader, struct feature_error *error)
{
    struct lf_environment *environment = reader->environment;

    LF_TRY(lf_environment_check(environment, error));
    if (!reader->txn)
        return lf_fail(error, FEATURE_IO, "io",
                       "the snapshot was lost when the store had to be opened "
                       "again after a failure; scan again");
    if (!reader->main.depth)
        return FEATURE_OK;
    if (!atomic_load(&environment->base))
        LF_TRY(lf_map_locate(environment, reader->txn, error));
    reader->pages.base = atomic_load(&environment->base);
    return FEATURE_OK;
}

feature_status
lf_reader_resume(struct lf_reader *reader, struct feature_error *error)
{
    feature_status status;

    LF_TRY(lf_environment_check(reader->environment, error));
    reader->slot = lf_gate_enter(&reader->environment->gate);
    status = find_map(reader, error);
    if (status)
        lf_gate_leave(&reader->environment->gate, reader->slot);
    else
        take(&reader->environment->parked, reader);
    return status;
}

void
lf_reader_drop(struct lf_reader *reader)
{
    if (!reader)
        return;
    reader->slot = lf_gate_enter(&reader->environment->gate);
    take(&reader->environment->parked, reader);
    if (reader->txn) {
        lf_reader_end(reader);
        return;
    }
    lf_gate_leave(&reader->environment->gate, reader->slot);
    lf_reader_free(reader);
}

void
lf_reader_abandon(struct lf_reader *reader)
{
    if (!reader)
        return;
    lf_known_forget(reader);
    lf_free(reader);
}

uint32_t
lf_process_generation(void)
{
    return lf_registry_generation();
}
