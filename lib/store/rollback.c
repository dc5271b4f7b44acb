/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feature_store_rollback().
 *
 * Owns the choice of the version to go back to.
 * Keeps that version whole while it is caught up: each commit on the way writes
 * whole commits of the feed, and says how far it has come; one that was
 * interrupted goes on from there.
 * Never changes a definition: it is the rows that go back.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "store/load.h"
#include "store/load_swap.h"

#define KEPT_ROOM 100 /* of a message: for the versions that are kept */

struct rollback {
    feature_store *store;
    struct feature_rollback_options options;
    uint32_t view; /* id */
    struct lf_claim claim;
    struct lf_load_record record;
    struct lf_catalog *catalog; /* a copy in which the view is the kept one */
    struct lf_view *kept;
    struct lf_meta_view meta; /* of the kept version */
    bool is_newest;           /* of those that are kept */
    struct feature_load_report report;
};

/* --- the version ------------------------------------------------------------------- */

struct choice {
    const char *name; /* of the view */
    uint32_t serving;
    struct lf_buffer versions;
    struct lf_load_list loads;
    uint32_t wanted; /* 0: the newest */
    const struct lf_version *newest;
    const struct lf_version *chosen;
};

/* The kept one that was replaced last, before a sequence. One that is on its way
 * out is kept no more. */
static const struct lf_version *
newest_before(const struct choice *choice, uint64_t sequence)
{
    const struct lf_version *each = (const void *)choice->versions.data;
    const struct lf_version *found = NULL;

    for (size_t i = 0; i < choice->versions.size / sizeof *each; i++)
        if (each[i].standing == LF_KEPT && each[i].meta.left &&
            each[i].meta.left < sequence &&
            (!found || each[i].meta.left > found->meta.left))
            found = &each[i];
    return found;
}

/* The load that made a version; NULL: none is on record. */
static const struct lf_load_record *
load_of(const struct choice *choice, uint32_t version)
{
    for (size_t i = lf_load_count(&choice->loads); i-- > 0;) {
        const struct lf_load_record *each = lf_load_at(&choice->loads, i);

        if (each->state == LF_LOAD_COMMITTED && !each->is_rollback &&
            each->version == version)
            return each;
    }
    return NULL;
}

/* "3 (nightly/1), 1", as many as there is room for, the newest first. */
static void
list_kept(const struct choice *choice, char text[KEPT_ROOM])
{
    const struct lf_version *at = choice->newest;
    size_t size = 0;

    text[0] = '\0';
    for (; at; at = newest_before(choice, at->meta.left)) {
        const struct lf_load_record *load = load_of(choice, at->version);
        bool has_id = load && load->id.size;
        int added = snprintf(
            text + size, KEPT_ROOM - size, "%s%u%s%.*s%s", size ? ", " : "",
            at->version, has_id ? " (" : "", has_id ? (int)load->id.size : 0,
            has_id ? (const char *)load->id.bytes : "", has_id ? ")" : "");

        if (added < 0 || (size_t)added >= KEPT_ROOM - size - 4) {
            memcpy(text + size, "...", 4);
            return;
        }
        size += (size_t)added;
    }
}

static feature_status
fail_choice(const struct choice *choice, const char *id,
            struct feature_error *error)
{
    char kept[KEPT_ROOM], quoted[32];

    if (!choice->newest)
        return lf_fail(error, FEATURE_NOT_FOUND, "no-version",
                       "no version of %s is kept", choice->name);
    list_kept(choice, kept);
    if (id)
        lf_quote_into(quoted, sizeof quoted, id, strlen(id));
    if (!choice->wanted)
        return lf_fail(error, FEATURE_NOT_FOUND, "no-version",
                       "%s has no load %s on record; kept: %s", choice->name,
                       quoted, kept);
    return lf_fail(error, FEATURE_NOT_FOUND, "no-version",
                   "version %u%s%s %s; kept of %s: %s", choice->wanted,
                   id ? " of load " : "", id ? quoted : "",
                   choice->wanted == choice->serving ? "serves already"
                                                     : "is not kept",
                   choice->name, kept);
}

static void
find_wanted(struct choice *choice, const struct feature_rollback_options *how)
{
    size_t size = how->id ? strlen(how->id) : 0;

    choice->wanted = how->version;
    for (size_t i = lf_load_count(&choice->loads); how->id && i-- > 0;) {
        const struct lf_load_record *each = lf_load_at(&choice->loads, i);

        if (each->state == LF_LOAD_COMMITTED && each->id.size == size &&
            !memcmp(each->id.bytes, how->id, size))
            choice->wanted = each->version;
    }
}

static void
pick(struct choice *choice, const struct feature_rollback_options *how)
{
    const struct lf_version *at;

    choice->newest = newest_before(choice, UINT64_MAX);
    find_wanted(choice, how);
    if (!choice->wanted && !how->id)
        choice->chosen = choice->newest;
    for (at = choice->newest; at; at = newest_before(choice, at->meta.left))
        if (at->version == choice->wanted)
            choice->chosen = at;
}

static feature_status
choose(struct rollback *rollback, struct lf_commit *commit,
       const struct lf_view *view, struct feature_error *error)
{
    struct choice choice = {.name = view->name, .serving = view->version};
    feature_status status =
        lf_versions_read_within(commit, view->id, &choice.versions, error);

    if (!status)
        status = lf_loads_read_within(commit, view->id, &choice.loads, error);
    if (!status)
        pick(&choice, &rollback->options);
    if (!status && !choice.chosen)
        status = fail_choice(&choice, rollback->options.id, error);
    if (!status) {
        rollback->record.version = choice.chosen->version;
        rollback->meta = choice.chosen->meta;
        rollback->is_newest = choice.chosen == choice.newest;
    }
    lf_buffer_free(&choice.versions);
    lf_loads_free(&choice.loads);
    return status;
}

/* --- the way there ------------------------------------------------------------------ */

/* Its number is given by the swap. */
static void
begin_record(struct rollback *rollback, const struct lf_commit *commit)
{
    struct lf_load_record *record = &rollback->record;

    record->view = rollback->view;
    record->cut = rollback->meta.commit;
    record->cut_time = commit->now;
    record->began = commit->now;
    record->is_rollback = true;
    record->token = commit->store->token;
    record->pid = getpid();
    record->content = rollback->meta.content;
    record->rows = rollback->meta.row_entries - rollback->meta.tombstones;
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
    if (!status && view->id != rollback->view)
        status = lf_fail(error, FEATURE_NOT_FOUND, "name",
                         "the feature view was dropped a moment ago");
    if (!status)
        status = choose(rollback, commit, view, error);
    if (!status)
        begin_record(rollback, commit);
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
    struct lf_swap swap = {
        .store = rollback->store,
        .wait_ms = rollback->options.wait_ms,
        .state = {.store = rollback->store,
                  .catalog = rollback->catalog,
                  .view = rollback->kept,
                  .is_whole = true,
                  .schema = (uint32_t)rollback->meta.schema,
                  .next = rollback->meta.commit + 1},
        .since = rollback->is_newest ? "the view was written to since"
                                     : "the view was loaded or rolled back "
                                       "since",
        .record = &rollback->record,
        .as_it_was = rollback->options.flags & FEATURE_ROLLBACK_AS_IT_WAS,
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
    lf_catalog_release(rollback->catalog);
    return status;
}

static feature_status
check_options(const struct feature_rollback_options *options,
              struct feature_error *error)
{
    if (options->flags & ~(uint32_t)FEATURE_ROLLBACK_AS_IT_WAS)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "unknown bits 0x%x in the rollback options' flags",
                       options->flags);
    if (options->id && options->version)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "a rollback goes to a version or to that of a load's "
                       "id, and both are given");
    return options->id ? lf_load_check_id(options->id, error) : FEATURE_OK;
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
    LF_TRY(check_options(&rollback.options, error));
    if (report)
        LF_TRY(lf_report_check(report, "feature_load_report", error));
    LF_TRY(lf_store_enter(store, error));
    status = roll_back(&rollback, view, error);
    lf_store_leave(store);
    if (!status && report)
        lf_report_write(report, &rollback.report, sizeof rollback.report);
    return status;
}
