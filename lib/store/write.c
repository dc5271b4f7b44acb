/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feature_store_write() and feature_store_sync().
 *
 * Owns the order of a write call: checks first, then one transaction, then
 * outcomes.
 * Keeps a failed call without any effect, on the store and on the batches'
 * outcomes.
 * Never holds the write transaction while it checks or sorts rows.
 */
#include <string.h>

#include "base/alloc.h"
#include "store/target.h"

struct call {
    feature_store *store;
    size_t count;
    struct lf_target *targets;
    struct lf_catalog *catalog;
    bool skip_invalid;
    uint32_t wait_ms;
    struct feature_commit report;
};

static feature_status
check_options(const struct feature_write_options *options,
              struct feature_error *error)
{
    if (options->flags & ~(uint32_t)FEATURE_WRITE_SKIP_INVALID)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "unknown bits 0x%x in the write options' flags",
                       options->flags & ~(uint32_t)FEATURE_WRITE_SKIP_INVALID);
    if (options->source_count)
        return lf_fail(error, FEATURE_UNSUPPORTED, "not-yet",
                       "source offsets are not supported yet");
    return FEATURE_OK;
}

static feature_status
check_batches(feature_store *store, feature_batch *const *batches, size_t count,
              struct feature_error *error)
{
    for (size_t i = 0; i < count; i++) {
        if (!batches[i] || batches[i]->store != store) {
            lf_fail(error, FEATURE_INVALID, "argument",
                    "batch %zu was not made from this store", i);
            lf_error_place(error, (uint32_t)i, -1, 0);
            return FEATURE_INVALID;
        }
        for (size_t j = 0; j < i; j++)
            if (batches[i] == batches[j]) {
                lf_fail(error, FEATURE_INVALID, "argument",
                        "batch %zu is batch %zu again", i, j);
                lf_error_place(error, (uint32_t)i, -1, 0);
                return FEATURE_INVALID;
            }
    }
    return FEATURE_OK;
}

static feature_status
prepare(struct call *call, feature_batch *const *batches,
        struct feature_error *error)
{
    LF_TRY(lf_store_catalog(call->store, &call->catalog, error));
    LF_TRY(lf_store_apply_limit(call->store, call->catalog, error));
    for (size_t i = 0; i < call->count; i++) {
        struct lf_target *target = &call->targets[i];

        target->batch = batches[i];
        target->index = (uint32_t)i;
        LF_TRY(lf_target_resolve(target, call->catalog, error));
        LF_TRY(lf_target_check(target, call->skip_invalid, error));
    }
    return FEATURE_OK;
}

/* Definitions may have changed since the rows were checked. */
static feature_status
follow_catalog(struct call *call, struct lf_commit *commit,
               struct feature_error *error)
{
    struct lf_catalog *catalog;

    if (commit->meta.catalog_version == call->catalog->version)
        return FEATURE_OK;
    LF_TRY(lf_commit_catalog(commit, &catalog, error));
    lf_catalog_release(call->catalog);
    call->catalog = catalog;
    for (size_t i = 0; i < call->count; i++)
        LF_TRY(lf_target_resolve(&call->targets[i], catalog, error));
    return FEATURE_OK;
}

static feature_status
apply_targets(struct call *call, struct lf_commit *commit, bool *touched,
              struct feature_error *error)
{
    LF_TRY(follow_catalog(call, commit, error));
    lf_commit_number(commit);
    for (size_t i = 0; i < call->count; i++)
        if (call->targets[i].rows)
            LF_TRY(lf_target_apply(&call->targets[i], commit,
                                   call->skip_invalid, &call->report, touched,
                                   error));
    return FEATURE_OK;
}

/* One transaction for the whole call. Where no row was applied or late there is
 * nothing to commit, and the newest commit is reported. */
static feature_status
commit_call(struct call *call, struct feature_error *error)
{
    struct lf_commit commit;
    struct lf_meta_store newest;
    bool touched = false;
    feature_status status;

    LF_TRY(lf_commit_begin(&commit, call->store, call->wait_ms, error));
    newest = commit.meta;
    status = apply_targets(call, &commit, &touched, error);
    if (status || !touched) {
        lf_commit_abort(&commit);
    } else {
        status = lf_commit_finish(&commit, error);
        newest = commit.meta;
    }
    call->report.sequence = newest.sequence;
    call->report.time = newest.commit_time;
    return status;
}

static void
publish_outcomes(struct call *call)
{
    for (size_t i = 0; i < call->count; i++) {
        feature_batch *batch = call->targets[i].batch;
        struct lf_buffer old = batch->outcomes;

        batch->outcomes = call->targets[i].outcomes;
        call->targets[i].outcomes = old;
        batch->is_written = true;
    }
}

static feature_status
report_newest(struct call *call, struct feature_error *error)
{
    struct lf_meta_store meta;
    struct lf_reader *reader;
    feature_status status;

    LF_TRY(lf_reader_begin(call->store->environment, &reader, error));
    status = lf_store_read_meta(reader, &meta, error);
    lf_reader_end(reader);
    call->report.sequence = meta.sequence;
    call->report.time = meta.commit_time;
    return status;
}

static feature_status
write_call(struct call *call, feature_batch *const *batches,
           struct feature_error *error)
{
    uint64_t rows = 0;

    LF_TRY(prepare(call, batches, error));
    for (size_t i = 0; i < call->count; i++)
        rows += call->targets[i].rows;
    LF_TRY(rows ? commit_call(call, error) : report_newest(call, error));
    publish_outcomes(call);
    return FEATURE_OK;
}

static feature_status
run_call(struct call *call, feature_batch *const *batches,
         struct feature_error *error)
{
    feature_status status;

    if (call->store->read_only)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "the store is open read-only");
    LF_TRY(check_batches(call->store, batches, call->count, error));
    call->targets = lf_alloc_array(call->count, sizeof *call->targets);
    if (!call->targets)
        return lf_fail_memory(error);
    status = write_call(call, batches, error);
    for (size_t i = 0; i < call->count; i++)
        lf_target_free(&call->targets[i]);
    lf_catalog_release(call->catalog);
    lf_free(call->targets);
    return status;
}

feature_status
feature_store_write(feature_store *store, feature_batch *const *batches,
                    size_t count, const struct feature_write_options *options,
                    struct feature_commit *commit, struct feature_error *error)
{
    struct feature_write_options asked;
    struct call call = {.store = store, .count = count};
    feature_status status;

    if (!store || (count && !batches) || count > UINT32_MAX)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "store and batches are needed");
    LF_TRY(lf_options_read(&asked, sizeof asked, options,
                           "feature_write_options", error));
    LF_TRY(check_options(&asked, error));
    if (commit)
        LF_TRY(lf_report_check(commit, "feature_commit", error));
    call.skip_invalid = asked.flags & FEATURE_WRITE_SKIP_INVALID;
    call.wait_ms = asked.wait_ms;
    LF_TRY(lf_store_enter(store, error));
    status = run_call(&call, batches, error);
    lf_store_leave(store);
    if (!status && commit)
        lf_report_write(commit, &call.report, sizeof call.report);
    return status;
}

feature_status
feature_store_sync(feature_store *store, struct feature_error *error)
{
    feature_status status;

    if (!store)
        return lf_fail(error, FEATURE_INVALID, "argument", "store is needed");
    LF_TRY(lf_store_enter(store, error));
    if (store->read_only)
        status = lf_fail(error, FEATURE_INVALID, "argument",
                         "the store is open read-only");
    else
        status = lf_environment_sync(store->environment, error);
    lf_store_leave(store);
    return status;
}
