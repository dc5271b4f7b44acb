/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of an event within a commit.
 *
 * Owns the outcome of each: ahead of the clock, seen before, placed in a view,
 * or too late for all of them.
 * Keeps the order of the rows in the change record, and gives each that is taken
 * one ordinal, under which every view keeps it.
 * Never asks the clock or the list of ids for rows that another store has taken.
 */
#include "store/event_apply.h"

#include <string.h>

#define FORGET_MORE 16 /* ids, beside two for each that is new */

bool
lf_event_is_future(const struct lf_event *event, int64_t now, int64_t time)
{
    int64_t edge;

    return event->max_skew != LF_SKEW_NONE &&
           !__builtin_add_overflow(now, event->max_skew, &edge) && time > edge;
}

static feature_status
log_row(struct lf_event_rows *rows, struct lf_commit *commit, uint32_t row,
        struct feature_error *error)
{
    const struct lf_event *event = rows->event;
    int64_t time = lf_event_time(rows, row);
    struct lf_change change = {
        .view = event->id, .operation = rows->operation, .time = time};

    lf_store_u32(rows->ordinals.data + 4 * (size_t)row, commit->written++);
    if (!lf_feed_wants(commit))
        return FEATURE_OK;
    LF_TRY(lf_event_payload(rows, rows->cells, time, error));
    change.after =
        (struct lf_slice){rows->payload.data + 4, rows->payload.size - 4};
    if (lf_dedupe_applies(event) && !rows->cells[event->dedupe].is_null)
        change.key = (struct lf_slice){rows->cells[event->dedupe].bytes,
                                       rows->cells[event->dedupe].size};
    return lf_feed_change(commit, &change, error);
}

static feature_status
take_row(struct lf_event_rows *rows, struct lf_dedupe *dedupe, uint32_t row,
         bool is_certain, struct feature_error *error)
{
    const struct lf_event *event = rows->event;
    struct lf_commit *commit = dedupe->commit;
    int64_t time = lf_event_time(rows, row);
    bool is_known = false;

    if (!is_certain && lf_event_is_future(event, commit->now, time)) {
        rows->outcomes[row] = FEATURE_OUTCOME_FUTURE;
        return FEATURE_OK;
    }
    if (!lf_dedupe_applies(event) && !lf_feed_wants(commit)) {
        lf_store_u32(rows->ordinals.data + 4 * (size_t)row, commit->written++);
        return FEATURE_OK;
    }
    rows->take(rows->from, row, rows->cells);
    if (lf_dedupe_applies(event))
        LF_TRY(lf_dedupe_see(dedupe, rows->operation,
                             &rows->cells[event->dedupe], time, is_certain,
                             &is_known, error));
    if (!is_known)
        return log_row(rows, commit, row, error);
    rows->outcomes[row] = FEATURE_OUTCOME_DUPLICATE;
    return FEATURE_OK;
}

/* Decides what does not depend on any view. */
static feature_status
take_rows(struct lf_event_rows *rows, struct lf_commit *commit, bool is_certain,
          struct feature_error *error)
{
    struct lf_dedupe dedupe;
    uint64_t forgotten;

    rows->ordinals.size = rows->marks.size = 0;
    if (!lf_buffer_extend(&rows->ordinals, 4 * (size_t)rows->count) ||
        !lf_buffer_extend(&rows->marks, rows->count))
        return lf_fail_memory(error);
    memset(rows->marks.data, 0, rows->count);
    LF_TRY(lf_dedupe_begin(&dedupe, commit, rows->event, error));
    for (uint32_t i = 0; i < rows->count; i++)
        if (rows->outcomes[i] == FEATURE_OUTCOME_NONE)
            LF_TRY(take_row(rows, &dedupe, i, is_certain, error));
    return lf_dedupe_forget(&dedupe, 2 * dedupe.seen + FORGET_MORE, &forgotten,
                            error);
}

/* An event that no view has a key for is applied: it is in the feed. */
static void
settle(struct lf_event_rows *rows)
{
    for (uint32_t i = 0; i < rows->count; i++)
        if (rows->outcomes[i] == FEATURE_OUTCOME_NONE)
            rows->outcomes[i] = rows->marks.data[i] == LF_EVENT_HAS_KEY
                                    ? FEATURE_OUTCOME_LATE
                                    : FEATURE_OUTCOME_APPLIED;
}

static void
count_outcomes(const struct lf_event_rows *rows, struct feature_commit *report,
               bool *touched)
{
    uint64_t counts[FEATURE_OUTCOME_REJECTED + 1] = {0};

    for (uint32_t i = 0; i < rows->count; i++)
        counts[rows->outcomes[i]]++;
    report->applied += counts[FEATURE_OUTCOME_APPLIED];
    report->late += counts[FEATURE_OUTCOME_LATE];
    report->duplicate += counts[FEATURE_OUTCOME_DUPLICATE];
    report->future += counts[FEATURE_OUTCOME_FUTURE];
    report->rejected += counts[FEATURE_OUTCOME_REJECTED];
    *touched |=
        counts[FEATURE_OUTCOME_APPLIED] + counts[FEATURE_OUTCOME_LATE] > 0;
}

feature_status
lf_events_apply(struct lf_event_rows *rows, struct lf_commit *commit,
                const struct lf_fold_options *options, bool is_certain,
                struct feature_commit *report, bool *touched, bool *has_refused,
                struct feature_error *error)
{
    *has_refused = false;
    LF_TRY(take_rows(rows, commit, is_certain, error));
    for (uint32_t i = 0; !*has_refused && i < rows->view_count; i++)
        LF_TRY(lf_fold_view(rows, &rows->views[i], commit, options, has_refused,
                            error));
    settle(rows);
    count_outcomes(rows, report, touched);
    return FEATURE_OK;
}
