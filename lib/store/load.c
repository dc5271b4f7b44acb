/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A load in the hands of its caller: append, status, commit, abort, free.
 *
 * Owns the handle, and what a failure makes of it.
 * Keeps a load that is over silent and harmless: every call says again why.
 * Never leaves a version behind that its own handle could have removed.
 */
#include "store/load.h"

#include <string.h>

#include "base/alloc.h"
#include "store/load_rows.h"

/* Whether the load can go on: rows that were refused are not in it. */
static bool
is_harmless(feature_status status, const struct feature_error *error)
{
    return status == FEATURE_INVALID && strcmp(error->reason, "order") != 0;
}

static feature_status
say(const struct feature_load *load, struct feature_error *error)
{
    if (error)
        *error = load->problem;
    return load->status;
}

/* Removes what was built. The record says how it ended. */
static feature_status
discard(struct feature_load *load, int32_t state, struct feature_error *error)
{
    feature_status status;

    if (!load->has_record || !load->claim.is_held)
        return FEATURE_OK;
    status = lf_staged_discard(load->store, load->wait_ms, load->record.view,
                               state, load->problem.message, error);
    if (!status)
        load->has_record = false;
    return status;
}

/* The load is over, for this reason. What it has built goes at once, if it can. */
static feature_status
end(struct feature_load *load, feature_status status,
    const struct feature_error *problem, struct feature_error *error)
{
    load->stage = LF_LOAD_OVER;
    load->status = status;
    load->problem = *problem;
    (void)discard(load, LF_LOAD_FAILED, NULL);
    lf_claim_drop(&load->claim);
    return say(load, error);
}

feature_status
lf_load_check(feature_load *load, struct feature_error *error)
{
    LF_TRY(lf_store_enter(load->store, error));
    lf_store_leave(load->store);
    return load->stage == LF_LOAD_OVER ? say(load, error) : FEATURE_OK;
}

/* What is appended: a batch or states. */
struct piece {
    feature_batch *batch; /* NULL: states */
    const struct lf_tiles_in *states;
    uint32_t number, first;
};

static feature_status
take_piece(feature_load *load, const struct piece *piece,
           struct feature_error *error)
{
    struct feature_error problem = {0};
    feature_status status;

    if (load->stage == LF_LOAD_KNOWN &&
        !(load->report.flags & FEATURE_LOADED_DUPLICATE))
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "the load was committed: its rows are all there");
    if (load->stage == LF_LOAD_KNOWN)
        return piece->batch ? lf_load_check_batch(load, piece->batch, error)
                            : FEATURE_OK;
    status = piece->batch
                 ? lf_load_rows(load, piece->batch, piece->number, piece->first,
                                &problem)
                 : lf_load_states(load, piece->states, piece->number, &problem);
    if (status && !is_harmless(status, &problem))
        return end(load, status, &problem, error);
    if (status && error)
        *error = problem;
    return status;
}

static feature_status
append(feature_load *load, const struct piece *piece,
       struct feature_error *error)
{
    feature_status status;

    LF_TRY(lf_store_enter(load->store, error));
    status = load->stage == LF_LOAD_OVER ? say(load, error)
                                         : take_piece(load, piece, error);
    lf_store_leave(load->store);
    return status;
}

feature_status
lf_load_append(feature_load *load, feature_batch *batch, uint32_t number,
               uint32_t first, struct feature_error *error)
{
    return append(
        load, &(struct piece){.batch = batch, .number = number, .first = first},
        error);
}

feature_status
lf_load_append_states(feature_load *load, const struct lf_tiles_in *in,
                      uint32_t number, struct feature_error *error)
{
    return append(load, &(struct piece){.states = in, .number = number}, error);
}

feature_status
feature_load_append(feature_load *load, feature_batch *batch,
                    struct feature_error *error)
{
    if (!load || !batch)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "load and batch are needed");
    LF_TRY(lf_load_append(load, batch, load->batches, 0, error));
    load->batches++;
    return FEATURE_OK;
}

feature_status
feature_load_status(feature_load *load, struct feature_load_report *report,
                    struct feature_error *error)
{
    if (!load || !report)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "load and report are needed");
    LF_TRY(lf_report_check(report, "feature_load_report", error));
    if (load->stage == LF_LOAD_OPEN) {
        load->report.rows = load->build.meta.row_entries +
                            load->build.uncounted + load->build.sorted_rows;
        load->report.bytes = load->build.bytes;
    }
    lf_report_write(report, &load->report, sizeof load->report);
    return FEATURE_OK;
}

static feature_status
commit(feature_load *load, struct feature_error *error)
{
    struct feature_error problem = {0};
    feature_status status;

    LF_TRY(lf_store_enter(load->store, error));
    if (load->stage == LF_LOAD_OVER) {
        status = say(load, error);
    } else if (load->stage == LF_LOAD_OPEN) {
        status = lf_load_finish(load, &problem);
        if (status) {
            status = end(load, status, &problem, error);
        } else {
            load->stage = LF_LOAD_KNOWN;
            lf_claim_drop(&load->claim);
        }
    } else {
        status = FEATURE_OK;
    }
    lf_store_leave(load->store);
    return status;
}

feature_status
feature_load_commit(feature_load *load, struct feature_load_report *report,
                    struct feature_error *error)
{
    if (!load)
        return lf_fail(error, FEATURE_INVALID, "argument", "load is needed");
    if (report)
        LF_TRY(lf_report_check(report, "feature_load_report", error));
    LF_TRY(commit(load, error));
    if (report)
        lf_report_write(report, &load->report, sizeof load->report);
    return FEATURE_OK;
}

feature_status
feature_load_abort(feature_load *load, struct feature_error *error)
{
    feature_status status;

    if (!load)
        return lf_fail(error, FEATURE_INVALID, "argument", "load is needed");
    if (!load->claim.is_held)
        return FEATURE_OK;
    LF_TRY(lf_store_enter(load->store, error));
    if (load->stage == LF_LOAD_OPEN) {
        load->stage = LF_LOAD_OVER;
        load->status = lf_fail(&load->problem, FEATURE_INVALID, "argument",
                               "the load was aborted");
    }
    status = discard(load, LF_LOAD_ABORTED, error);
    lf_claim_drop(&load->claim);
    lf_store_leave(load->store);
    return status;
}

void
feature_load_free(feature_load *load)
{
    if (!load)
        return;
    (void)feature_load_abort(load, NULL);
    lf_claim_drop(&load->claim);
    lf_build_free(&load->build);
    lf_buffer_free(&load->definition.bytes);
    lf_catalog_release(load->catalog);
    lf_arena_free(&load->arena);
    lf_store_release(load->store);
    lf_free(load);
}
