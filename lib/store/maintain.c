/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feature_store_maintain().
 *
 * Owns the order of upkeep: which pass goes on, and when the call ends.
 * Keeps each step one short commit, so that other writers come in between, and
 * takes a number only for a step that changes rows or history.
 * Never depends on the steps before: each finds its place in the store.
 */
#include <string.h>

#include "store/dedupe.h"
#include "store/loads.h"
#include "store/upkeep.h"

#define STEP_SEEN     16384
#define STEP_CHANGES  1024
#define STEP_SEGMENTS 8
#define STEP_LOOKS    65536
#define STEP_IDS      4096
#define TRAININGS     8 /* of dictionaries in one call; each takes a while */

struct maintain {
    feature_store *store;
    struct feature_maintain_options options;
    struct feature_maintain_report report;
    struct lf_upkeep_work work;
    struct lf_buffer finished; /* u64: passes that this call ended */
    bool is_over;              /* nothing is left */
};

/* One step under way: what becomes of it is known once it is committed. */
struct step {
    struct maintain *maintain;
    struct lf_commit commit;
    struct lf_catalog *catalog;
    struct lf_upkeep_work work;
    uint32_t segments;
    uint64_t ids; /* of events, forgotten */
    bool has_pass, is_ended, is_numbered;
    uint64_t pass; /* view and kind */
    uint64_t left;
};

static uint64_t
pass_of(const struct lf_view *view, int kind)
{
    return (uint64_t)view->id * LF_PASSES + (uint64_t)kind;
}

static bool
is_finished(const struct maintain *maintain, uint64_t pass)
{
    const struct lf_buffer *list = &maintain->finished;

    for (size_t i = 0; i < list->size; i += sizeof pass)
        if (memcmp(list->data + i, &pass, sizeof pass) == 0)
            return true;
    return false;
}

static bool
is_wanted(const struct step *step, const struct lf_view *view,
          const struct lf_upkeep *upkeep, int kind)
{
    const struct maintain *maintain = step->maintain;
    enum lf_pass_kind pass = (enum lf_pass_kind)kind;

    if (maintain->options.flags & FEATURE_MAINTAIN_ALL)
        return lf_upkeep_applies(view, pass) &&
               !is_finished(maintain, pass_of(view, kind));
    return lf_upkeep_is_due(view, upkeep, pass, step->commit.now);
}

/* The pass under way, or that which ended longest ago. Counts those that there
 * are. */
static feature_status
choose(struct step *step, const struct lf_view **chosen, int *kind,
       struct feature_error *error)
{
    struct lf_upkeep upkeep;
    int64_t oldest = INT64_MAX;

    *chosen = NULL;
    step->left = 0;
    for (uint32_t i = 0; i < step->catalog->view_count; i++) {
        const struct lf_view *view = &step->catalog->views[i];

        LF_TRY(lf_upkeep_read(&step->commit, view->id, &upkeep, error));
        for (int j = LF_PASSES; j-- > 0;) { /* history goes first */
            const struct lf_pass *pass = &upkeep.passes[j];
            int64_t age = pass->begun != INT64_MIN ? INT64_MIN : pass->done;

            if (!is_wanted(step, view, &upkeep, j))
                continue;
            step->left++;
            if (*chosen && age >= oldest)
                continue;
            oldest = age;
            *chosen = view;
            *kind = j;
        }
    }
    return FEATURE_OK;
}

static struct lf_upkeep_bounds
bounds_of(const struct maintain *maintain)
{
    struct lf_upkeep_bounds most = {STEP_SEEN, STEP_CHANGES, STEP_LOOKS,
                                    maintain->work.trainings < TRAININGS};
    uint64_t limit = maintain->options.max_rows;

    if (limit && limit - maintain->work.seen < most.seen)
        most.seen = limit - maintain->work.seen;
    return most;
}

/* Goes on with one pass, under a number that it gives back where nothing went. */
static feature_status
run_pass(struct step *step, const struct lf_view *view, int kind,
         struct feature_error *error)
{
    struct lf_upkeep_bounds most = bounds_of(step->maintain);
    struct lf_commit *commit = &step->commit;
    struct lf_meta_store before = commit->meta;
    struct lf_upkeep upkeep;

    LF_TRY(lf_upkeep_read(commit, view->id, &upkeep, error));
    lf_commit_number(commit);
    LF_TRY(lf_feed_begin(commit, step->catalog, NULL, 0, error));
    LF_TRY(lf_upkeep_step(commit, step->catalog, view, &upkeep,
                          (enum lf_pass_kind)kind, &most, &step->work,
                          &step->is_numbered, error));
    LF_TRY(lf_upkeep_write(commit, view->id, &upkeep, error));
    step->has_pass = true;
    step->pass = pass_of(view, kind);
    step->is_ended = upkeep.passes[kind].begun == INT64_MIN;
    if (step->is_numbered)
        return lf_feed_end(commit, error);
    lf_feed_cancel(commit);
    commit->meta = before;
    return FEATURE_OK;
}

static feature_status
run_step(struct step *step, struct feature_error *error)
{
    const struct lf_view *view;
    int kind = 0;

    LF_TRY(lf_commit_catalog(&step->commit, &step->catalog, error));
    LF_TRY(lf_feed_upkeep(&step->commit, step->catalog, STEP_SEGMENTS,
                          &step->segments, error));
    LF_TRY(lf_dedupe_upkeep(&step->commit, step->catalog, STEP_IDS, &step->ids,
                            error));
    if (lf_feed_check_leader(&step->commit, NULL))
        return FEATURE_OK;
    LF_TRY(choose(step, &view, &kind, error));
    return view ? run_pass(step, view, kind, error) : FEATURE_OK;
}

/* What the step did, now that it is done. */
static feature_status
take_step(struct maintain *maintain, const struct step *step,
          struct feature_error *error)
{
    struct feature_maintain_report *report = &maintain->report;

    maintain->work.rows_expired += step->work.rows_expired;
    maintain->work.tombstones_removed += step->work.tombstones_removed;
    maintain->work.versions_dropped += step->work.versions_dropped;
    maintain->work.versions_packed += step->work.versions_packed;
    maintain->work.trainings += step->work.trainings;
    maintain->work.seen += step->work.seen;
    report->segments_dropped += step->segments;
    report->commits += step->is_numbered;
    report->sequence = step->commit.meta.sequence;
    report->passes_left = step->left - (step->has_pass && step->is_ended);
    maintain->is_over = !step->has_pass && !step->segments && !step->ids;
    if (step->has_pass && step->is_ended &&
        !lf_buffer_append(&maintain->finished, &step->pass, sizeof step->pass))
        return lf_fail_memory(error);
    return FEATURE_OK;
}

static feature_status
try_step(struct maintain *maintain, struct feature_error *error)
{
    struct step step = {.maintain = maintain};
    feature_status status;

    /* Room for what the step is to say of itself, once it is made. */
    if (!lf_buffer_reserve(&maintain->finished,
                           maintain->finished.size + sizeof step.pass))
        return lf_fail_memory(error);
    LF_TRY(lf_commit_begin_after(&step.commit, maintain->store,
                                 maintain->options.wait_ms, error));
    status = run_step(&step, error);
    if (status || (!step.has_pass && !step.segments && !step.ids))
        lf_commit_abort(&step.commit);
    else
        status = lf_commit_finish(&step.commit, error);
    lf_catalog_release(step.catalog);
    return status ? status : take_step(maintain, &step, error);
}

static bool
has_time(const struct maintain *maintain, int64_t begun)
{
    const struct feature_maintain_options *options = &maintain->options;
    int64_t now = lf_store_now(maintain->store);

    if (options->max_rows && maintain->work.seen >= options->max_rows)
        return false;
    return !options->budget_us || now < begun ||
           (uint64_t)(now - begun) < options->budget_us;
}

static feature_status
run_steps(struct maintain *maintain, struct feature_error *error)
{
    int64_t begun = lf_store_now(maintain->store);
    struct feature_error problem = {0};
    feature_status status = FEATURE_OK;

    do {
        status = try_step(maintain, &problem);
        if (status && !lf_commit_grow(maintain->store, &status, &problem)) {
            if (error)
                *error = problem;
            return status;
        }
    } while (!maintain->is_over && has_time(maintain, begun));
    maintain->report.rows_expired = maintain->work.rows_expired;
    maintain->report.tombstones_removed = maintain->work.tombstones_removed;
    maintain->report.versions_dropped = maintain->work.versions_dropped;
    maintain->report.versions_packed = maintain->work.versions_packed;
    maintain->report.rows_seen = maintain->work.seen;
    return FEATURE_OK;
}

feature_status
feature_store_maintain(feature_store *store,
                       const struct feature_maintain_options *options,
                       struct feature_maintain_report *report,
                       struct feature_error *error)
{
    struct maintain maintain = {.store = store};
    feature_status status;

    if (!store)
        return lf_fail(error, FEATURE_INVALID, "argument", "store is needed");
    LF_TRY(lf_options_read(&maintain.options, sizeof maintain.options, options,
                           "feature_maintain_options", error));
    if (maintain.options.flags & ~(uint32_t)FEATURE_MAINTAIN_ALL)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "unknown bits 0x%x in the maintain options' flags",
                       maintain.options.flags);
    if (maintain.options.reserved)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "reserved is not 0 in the maintain options");
    if (report)
        LF_TRY(lf_report_check(report, "feature_maintain_report", error));
    LF_TRY(lf_store_enter(store, error));
    status = store->read_only
                 ? FEATURE_OK /* the first step says so */
                 : lf_versions_upkeep(store, maintain.options.wait_ms, error);
    if (!status)
        status = run_steps(&maintain, error);
    lf_store_leave(store);
    lf_buffer_free(&maintain.finished);
    if (!status && report)
        lf_report_write(report, &maintain.report, sizeof maintain.report);
    return status;
}
