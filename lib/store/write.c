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
#include "base/alloc.h"
#include "store/offsets.h"
#include "store/write.h"

static feature_status
check_options(const struct feature_write_options *options,
              struct feature_error *error)
{
    if (options->flags & ~(uint32_t)FEATURE_WRITE_SKIP_INVALID)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "unknown bits 0x%x in the write options' flags",
                       options->flags & ~(uint32_t)FEATURE_WRITE_SKIP_INVALID);
    return lf_sources_check(options->sources, options->source_count, error);
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
prepare(struct lf_write *write, feature_batch *const *batches,
        struct feature_error *error)
{
    LF_TRY(lf_store_catalog(write->store, &write->catalog, error));
    LF_TRY(lf_store_apply_limit(write->store, write->catalog, error));
    for (size_t i = 0; i < write->count; i++) {
        struct lf_target *target = &write->targets[i];

        target->batch = batches[i];
        target->index = (uint32_t)i;
        LF_TRY(lf_target_resolve(target, write->catalog, error));
        LF_TRY(lf_target_check(target, write->skip_invalid, error));
        if (target->batch->of_event &&
            !lf_event_counts_reserve(write->store, target->batch->view))
            return lf_fail_memory(error);
        write->rows += target->rows;
    }
    return FEATURE_OK;
}

static void
publish_outcomes(struct lf_write *write)
{
    for (size_t i = 0; i < write->count; i++) {
        feature_batch *batch = write->targets[i].batch;
        struct lf_buffer old = batch->outcomes;

        batch->outcomes = write->targets[i].outcomes;
        write->targets[i].outcomes = old;
        batch->is_written = true;
        if (batch->of_event)
            lf_event_counts_note(write->store, batch->view,
                                 batch->outcomes.data, write->targets[i].rows);
    }
}

/* A call without rows or sources takes no number and no transaction. */
static feature_status
report_newest(struct lf_write *write, struct feature_error *error)
{
    struct lf_meta_store meta;
    struct lf_reader *reader;
    feature_status status;

    LF_TRY(lf_reader_begin(write->store->environment, &reader, error));
    status = lf_store_read_meta(reader, &meta, error);
    lf_reader_end(reader);
    if (status)
        return status;
    write->report.sequence = meta.sequence;
    write->report.time = meta.commit_time;
    return FEATURE_OK;
}

static feature_status
commit_write(struct lf_write *write, struct feature_error *error)
{
    feature_status status = lf_write_commit(write);

    if (status && error)
        *error = write->error;
    return status;
}

static feature_status
run_write(struct lf_write *write, feature_batch *const *batches,
          struct feature_error *error)
{
    LF_TRY(prepare(write, batches, error));
    LF_TRY(write->rows || write->source_count ? commit_write(write, error)
                                              : report_newest(write, error));
    publish_outcomes(write);
    return FEATURE_OK;
}

static feature_status
write_batches(struct lf_write *write, feature_batch *const *batches,
              struct feature_error *error)
{
    feature_status status;

    if (write->store->read_only)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "the store is open read-only");
    LF_TRY(check_batches(write->store, batches, write->count, error));
    write->targets = lf_alloc_array(write->count, sizeof *write->targets);
    if (!write->targets)
        return lf_fail_memory(error);
    status = run_write(write, batches, error);
    for (size_t i = 0; i < write->count; i++)
        lf_target_free(&write->targets[i]);
    lf_catalog_release(write->catalog);
    lf_free(write->targets);
    return status;
}

feature_status
feature_store_write(feature_store *store, feature_batch *const *batches,
                    size_t count, const struct feature_write_options *options,
                    struct feature_commit *commit, struct feature_error *error)
{
    struct feature_write_options asked;
    struct lf_write write = {.store = store, .count = count};
    feature_status status;

    if (!store || (count && !batches) || count > UINT32_MAX)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "store and batches are needed");
    LF_TRY(lf_options_read(&asked, sizeof asked, options,
                           "feature_write_options", error));
    LF_TRY(check_options(&asked, error));
    if (commit)
        LF_TRY(lf_report_check(commit, "feature_commit", error));
    write.skip_invalid = asked.flags & FEATURE_WRITE_SKIP_INVALID;
    write.wait_ms = asked.wait_ms;
    write.sources = asked.sources;
    write.source_count = asked.source_count;
    LF_TRY(lf_store_enter(store, error));
    status = write_batches(&write, batches, error);
    lf_store_leave(store);
    if (!status && commit)
        lf_report_write(commit, &write.report, sizeof write.report);
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
    else if (lf_environment_is_doubtful(store->environment))
        status = lf_commit_repair(store, error);
    else
        status = lf_environment_sync(store->environment, error);
    lf_store_leave(store);
    return status;
}
