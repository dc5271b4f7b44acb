/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening again after a failure.
 *
 * Owns the way from an environment that LMDB gave up (a meta page that could
 * not be written, a map that could not be made) to a new one on the same file.
 * Keeps the open lock around it, transactions out of it, and the process's
 * mark in open.lock where it is, so that for others nothing happens.
 * Never says what became of a commit: that stands in the store's own record.
 */
#include "engine/recovery.h"

#include "base/error.h"
#include "engine/gate.h"
#include "engine/index.h"
#include "engine/locks.h"
#include "engine/opening.h"
#include "engine/reader.h"
#include "engine/registry.h"
#include "engine/selfcheck.h"

/* With the gate closed: no transaction runs, and the parked ones, which LMDB is
 * about to forget, lose their snapshots. */
static feature_status
begin_again(struct lf_environment *environment, struct feature_error *error)
{
    feature_status status;

    lf_readers_lose(environment);
    lf_environment_end(environment);
    lf_indexes_free(environment);
    lf_selfcheck_forget(environment);
    atomic_store(&environment->base, NULL);
    environment->highest = 0;
    atomic_fetch_add(&environment->remaps, 1);
    status = lf_environment_begin_again(environment, error);
    if (status)
        lf_environment_end(environment);
    return status;
}

static feature_status
recover(struct lf_environment *environment, uint32_t wait_ms,
        struct feature_error *error)
{
    feature_status status;

    LF_TRY(lf_gate_close(&environment->gate, error));
    status = environment->is_immutable
                 ? FEATURE_OK
                 : lf_open_lock(environment->lock_file, wait_ms, error);
    if (!status) {
        status = begin_again(environment, error);
        if (!atomic_load(&environment->is_fresh))
            lf_open_unlock(environment->lock_file);
    }
    if (!status)
        atomic_store(&environment->failure, LF_FAILURE_NONE);
    lf_gate_open(&environment->gate);
    return status;
}

feature_status
lf_environment_recover_within(struct lf_environment *environment,
                              uint32_t wait_ms, struct feature_error *error)
{
    if (environment->generation != lf_registry_generation())
        return lf_environment_check(environment, error);
    if (atomic_load(&environment->failure) == LF_FAILURE_NONE)
        return FEATURE_OK;
    return recover(environment, wait_ms, error);
}

feature_status
lf_environment_recover(struct lf_environment *environment, uint32_t wait_ms,
                       struct feature_error *error)
{
    feature_status status;

    LF_TRY(lf_registry_enter(error));
    status = lf_environment_recover_within(environment, wait_ms, error);
    lf_registry_leave();
    return status;
}
