/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feature_store_rollback().
 *
 * Owns the choice of the version to go back to.
 * Keeps that version whole while it is caught up: each commit on the way writes
 * whole commits of the feed, and says how far it has come; one that was
 * interrupted goes on from there.
 * Never goes back over a change of the view's definition.
 */
#include <string.h>
#include <unistd.h>

#include "store/load.h"
#include "store/load_swap.h"

struct rollback {
    feature_store *store;
    struct feature_rollback_options options;
    uint32_t view; /* id */
    struct lf_claim claim;
    struct lf_load_record record;
    struct lf_definition definition;
    struct lf_catalog *catalog; /* a copy in which the view is the kept one */
    struct lf_view *kept;
    struct lf_meta_view meta; /* of the kept version */
    struct feature_load_report report;
};

/* The one that was replaced last. */
static feature_status
choose(struct rollback *rollback, struct lf_commit *commit, const char *name,
       struct feature_error *error)
{
    struct lf_buffer versions = {0};
    const struct lf_version *each, *chosen = NULL;
    feature_status status =
        lf_versions_read_within(commit, rollback->view, &versions, error);

    each = (const void *)versions.data;
    for (size_t i = 0; !status && i < versions.size / sizeof *each; i++)
        if (each[i].standing == LF_KEPT &&
            (!chosen || each[i].meta.commit > chosen->meta.commit))
            chosen = &each[i];
    if (!status && !chosen)
        status = lf_fail(error, FEATURE_NOT_FOUND, "no-version",
                         "no version of %s is kept", name);
    if (!status) {
        rollback->record.version = chosen->version;
        rollback->meta = chosen->meta;
    }
    lf_buffer_free(&versions);
    return status;
}

static feature_status
begin_record(struct rollback *rollback, struct lf_commit *commit,
             const struct lf_view *view, struct feature_error *error)
{
    struct lf_load_record *record = &rollback->record;
    struct lf_load_list list = {0};
    uint32_t version;
    feature_status status =
        lf_loads_read_within(commit, view->id, &list, error);

    if (!status)
        status = lf_loads_next(commit, view, &list, &record->number, &version,
                               error);
    lf_loads_free(&list);
    record->view = view->id;
    record->cut = rollback->meta.commit;
    record->cut_time = commit->now;
    record->began = commit->now;
    record->is_rollback = true;
    record->token = commit->store->token;
    record->pid = getpid();
    record->content = rollback->meta.content;
    record->rows = rollback->meta.row_entries - rollback->meta.tombstones;
    return status;
}

/* A version is what the view is now: it has a history, or none. */
static feature_status
check_history(const struct rollback *rollback, const struct lf_view *view,
              struct feature_error *error)
{
    if (!view->history == (rollback->meta.history_since == INT64_MIN))
        return FEATURE_OK;
    return lf_fail(error, FEATURE_CONFLICT, "schema-changed",
                   "the history of feature view %s was switched on or off "
                   "since the version that is kept served",
                   view->name);
}

static feature_status
plan_within(struct rollback *rollback, struct lf_commit *commit,
            const char *name, struct feature_error *error)
{
    struct lf_catalog *catalog = NULL;
    const struct lf_view *view = NULL;
    feature_status status;

    LF_TRY(lf_feed_check_leader(commit, error));
    LF_TRY(lf_commit_catalog(commit, &catalog, error));
    status = lf_load_find_view(catalog, name, &view, error);
    if (!status)
        status = choose(rollback, commit, name, error);
    if (!status)
        status = check_history(rollback, view, error);
    if (!status)
        status = begin_record(rollback, commit, view, error);
    if (!status)
        status =
            lf_definition_take(&rollback->definition, catalog, view, error);
    if (!status)
        status = lf_load_stand_in(catalog, view->id, rollback->record.version,
                                  LF_KEPT, &rollback->catalog, &rollback->kept,
                                  error);
    lf_catalog_release(catalog);
    return status;
}

/* What is there is looked at within a transaction, which then is given up: the
 * claim keeps it so. */
static feature_status
plan(struct rollback *rollback, const char *name, struct feature_error *error)
{
    struct lf_commit commit;
    feature_status status;

    LF_TRY(lf_commit_begin(&commit, rollback->store, rollback->options.wait_ms,
                           error));
    status = plan_within(rollback, &commit, name, error);
    lf_commit_abort(&commit);
    return status;
}

static feature_status
run(struct rollback *rollback, struct feature_error *error)
{
    struct lf_swap swap = {.store = rollback->store,
                           .wait_ms = rollback->options.wait_ms,
                           .definition = &rollback->definition,
                           .state = {.store = rollback->store,
                                     .catalog = rollback->catalog,
                                     .view = rollback->kept,
                                     .is_whole = true,
                                     .next = rollback->meta.commit + 1},
                           .record = &rollback->record,
                           .as_it_was = rollback->options.flags &
                                        FEATURE_ROLLBACK_AS_IT_WAS,
                           .report = &rollback->report};
    feature_status status = lf_swap_run(&swap, error);

    lf_swap_free(&swap);
    return status;
}

static feature_status
find_id(struct rollback *rollback, const char *name,
        struct feature_error *error)
{
    struct lf_catalog *catalog = NULL;
    const struct lf_view *view = NULL;
    feature_status status = lf_store_catalog(rollback->store, &catalog, error);

    if (!status)
        status = lf_load_find_view(catalog, name, &view, error);
    if (!status)
        rollback->view = view->id;
    lf_catalog_release(catalog);
    return status;
}

static feature_status
roll_back(struct rollback *rollback, const char *view,
          struct feature_error *error)
{
    feature_status status;

    if (rollback->store->read_only)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "the store is open read-only");
    LF_TRY(find_id(rollback, view, error));
    LF_TRY(lf_load_claim(rollback->store, rollback->view, view,
                         &rollback->claim, error));
    status = plan(rollback, view, error);
    if (!status)
        status = run(rollback, error);
    lf_claim_drop(&rollback->claim);
    lf_buffer_free(&rollback->definition.bytes);
    lf_catalog_release(rollback->catalog);
    return status;
}

feature_status
feature_store_rollback(feature_store *store, const char *view,
                       const struct feature_rollback_options *options,
                       struct feature_load_report *report,
                       struct feature_error *error)
{
    struct rollback rollback = {.store = store, .claim = {.file = -1}};
    feature_status status;

    if (!store || !view)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "store and view are needed");
    LF_TRY(lf_options_read(&rollback.options, sizeof rollback.options, options,
                           "feature_rollback_options", error));
    if (rollback.options.flags & ~(uint32_t)FEATURE_ROLLBACK_AS_IT_WAS ||
        rollback.options.reserved)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "unknown bits 0x%x in the rollback options' flags, or "
                       "reserved is not 0",
                       rollback.options.flags);
    if (report)
        LF_TRY(lf_report_check(report, "feature_load_report", error));
    LF_TRY(lf_store_enter(store, error));
    status = roll_back(&rollback, view, error);
    lf_store_leave(store);
    if (!status && report)
        lf_report_write(report, &rollback.report, sizeof rollback.report);
    return status;
}
