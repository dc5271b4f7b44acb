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
#include "engine/witness.h"

void
lf_reader_park(struct lf_reader *reader)
{
    if (reader->witness)
        lf_witness_end(reader, false);
    lf_reader_forget(reader);
    reader->pages.base = NULL;
    lf_gate_leave(&reader->environment->gate, reader->slot);
}

/* An empty store has no page, and so no use for the map. */
static feature_status
find_map(struct lf_reader *reader, struct feature_error *error)
{
    struct lf_environment *environment = reader->environment;

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
    return status;
}

void
lf_reader_drop(struct lf_reader *reader)
{
    if (!reader)
        return;
    reader->slot = lf_gate_enter(&reader->environment->gate);
    lf_reader_end(reader);
}

void
lf_reader_abandon(struct lf_reader *reader)
{
    if (!reader)
        return;
    lf_reader_forget(reader);
    lf_free(reader);
}

uint32_t
lf_process_generation(void)
{
    return lf_registry_generation();
}
