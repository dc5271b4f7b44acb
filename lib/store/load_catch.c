/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Catching up with a view.
 *
 * Owns which changes of the feed are the view's, and the commits that they were
 * of: a version is written to as if it had served then.
 * Keeps the reading apart from the writing: who gathers need not hold the writer
 * gate.
 * Never gets into a change of the view's definition or version unasked: a load
 * ends there, a rollback goes on behind it.
 */
#include "store/load_catch.h"

#include <string.h>

#include "format/record.h"
#include "store/batch.h"
#include "store/history.h"
#include "store/load_schema.h"
#include "store/replay.h"

#define LOOKED_MOST \
    (16u << 20) /* bytes of the feed, with nothing of the view */

/* One change, as it is gathered. */
struct gathered {
    struct lf_change change; /* key and after: sizes alone */
    uint64_t sequence;
    int64_t commit_time;
    uint32_t ordinal;
    uint32_t schema;  /* versions that the view had; 0: as many as now */
    uint32_t columns; /* that its event had; 0: as many as now */
};

/* Rows and events are counted within their commit; upkeep is not. */
static bool
has_ordinal(int32_t operation)
{
    return (operation >= FEATURE_UPSERT && operation <= FEATURE_DELETE) ||
           lf_operation_is_event(operation) || operation == LF_CHANGE_MERGE;
}

static feature_status
check_definition(const struct lf_catch *state, const struct lf_change *change,
                 struct feature_error *error)
{
    const struct lf_view *view = state->view;
    uint32_t id;

    if (change->key.size != LF_RECORD_KEY_SIZE)
        return FEATURE_OK;
    id = lf_load_big_u32(change->key.bytes + 1);
    if ((change->key.bytes[0] == LF_RECORD_VIEW && id == view->id) ||
        (change->key.bytes[0] == LF_RECORD_EVENT && view->event &&
         id == view->event))
        return lf_fail(error, FEATURE_CONFLICT, "schema-changed",
                       "feature view %s was changed by commit %llu, which is "
                       "to be caught up with",
                       view->name, (unsigned long long)state->next);
    return FEATURE_OK;
}

/* Whether a change is written to the version; one that cannot be is an error. */
static feature_status
judge(struct lf_catch *state, const struct lf_change *change, bool *is_ours,
      struct feature_error *error)
{
    const struct lf_view *view = state->view;
    int32_t operation = change->operation;

    *is_ours = false;
    if (operation == LF_CHANGE_DEFINE)
        return state->schema ? lf_schema_follow(state, change, error)
                             : check_definition(state, change, error);
    if (lf_operation_is_event(operation)) {
        *is_ours = view->event && change->view == view->event;
    } else if (change->view == view->id) {
        if (operation == LF_CHANGE_VERSION && !state->schema)
            return lf_fail(error, FEATURE_CONFLICT, "load-cut",
                           "feature view %s was loaded or rolled back by "
                           "commit %llu, after the cut",
                           view->name, (unsigned long long)state->next);
        *is_ours = operation != LF_CHANGE_EXPIRE &&
                   operation != LF_CHANGE_TRIM &&
                   operation != LF_CHANGE_VERSION;
    }
    if (*is_ours && change->is_erased)
        return lf_fail(error, FEATURE_GAP, "feed-truncated",
                       "commit %llu was erased from the change feed in part",
                       (unsigned long long)state->next);
    return FEATURE_OK;
}

static feature_status
keep(struct lf_catch *state, const struct lf_change *change,
     struct feature_error *error)
{
    bool is_event = lf_operation_is_event(change->operation);
    struct gathered made = {.change = *change,
                            .sequence = state->next,
                            .commit_time = state->time,
                            .ordinal = state->ordinal,
                            .schema = state->schema};

    if (state->schema)
        made.columns = lf_schema_columns(change);
    if (is_event) /* its key is its id */
        made.change.key.size = 0;
    state->gathered++;
    if (!lf_buffer_append(&state->changes, &made, sizeof made) ||
        !lf_buffer_append(&state->changes, change->key.bytes,
                          made.change.key.size) ||
        !lf_buffer_append(&state->changes, change->after.bytes,
                          change->after.size))
        return lf_fail_memory(error);
    return FEATURE_OK;
}

static feature_status
take_changes(struct lf_catch *state, const struct lf_part *part,
             struct feature_error *error)
{
    for (uint32_t i = 0; i < part->change_count; i++) {
        struct lf_change change;
        bool is_ours;

        LF_TRY(lf_part_change(part, i, &state->scratch, &change, error));
        LF_TRY(judge(state, &change, &is_ours, error));
        if (is_ours)
            LF_TRY(keep(state, &change, error));
        state->ordinal += has_ordinal(change.operation);
    }
    return FEATURE_OK;
}

struct gathering {
    struct lf_catch *state;
    uint64_t last; /* sequence that is there */
    size_t most;
    size_t looked;
};

static bool
is_full(const struct gathering *gathering)
{
    const struct lf_catch *state = gathering->state;

    if (!gathering->most || (state->is_whole && state->part))
        return false;
    return state->changes.size >= gathering->most ||
           gathering->looked >= LOOKED_MOST;
}

static feature_status
take_part(void *context, const uint8_t *key, size_t key_size,
          const uint8_t *value, size_t size, struct feature_error *error)
{
    struct gathering *gathering = context;
    struct lf_catch *state = gathering->state;
    struct lf_part part;
    feature_status status;
    bool more;

    if (state->next > gathering->last || is_full(gathering))
        return LF_ENOUGH;
    if (key_size != LF_CHANGE_KEY_SIZE || lf_load_big_u64(key) != state->next ||
        lf_load_big_u32(key + 8) != state->part)
        return lf_fail(error, FEATURE_CORRUPT, "structure",
                       "the change feed lacks part %u of record %llu",
                       state->part, (unsigned long long)state->next);
    LF_TRY(lf_part_open(&part, value, size, error));
    if (!state->part) {
        state->time = part.head.commit_time;
        state->ordinal = 0;
    }
    more = part.has_more;
    status = take_changes(state, &part, error);
    lf_part_free(&part);
    LF_TRY(status);
    gathering->looked += size;
    state->part++;
    if (!more) {
        state->part = 0;
        state->next++;
    }
    return FEATURE_OK;
}

feature_status
lf_catch_gather(struct lf_catch *state, const struct lf_feed_view *feed,
                size_t most, bool *is_end, struct feature_error *error)
{
    struct gathering gathering = {
        .state = state, .last = feed->meta.head, .most = most};

    state->changes.size = 0;
    state->gathered = 0;
    for (;;) {
        uint64_t next = state->next;
        uint32_t part = state->part;

        *is_end = next > gathering.last;
        if (*is_end || is_full(&gathering))
            return FEATURE_OK;
        LF_TRY(lf_feed_view_check(feed, next, "the view was written to since",
                                  error));
        LF_TRY(
            lf_feed_view_scan(feed, next, part, take_part, &gathering, error));
        if (state->next == next && state->part == part)
            return lf_fail(error, FEATURE_CORRUPT, "structure",
                           "the change feed lacks record %llu",
                           (unsigned long long)next);
    }
}

/* The commit that a change was of, as it was, in the present transaction. */
static void
go_back_to(struct lf_commit *then, const struct lf_commit *now,
           const struct gathered *each)
{
    then->meta.sequence = each->sequence;
    then->meta.commit_time = each->commit_time;
    then->meta.epoch = now->meta.epoch;
    then->written = each->ordinal;
}

/* Events are written some at a time, which history cares about: they are of one
 * commit, with ordinals that follow each other. */
static feature_status
begin_change(struct lf_catch *state, struct lf_replay *replay,
             const struct lf_commit *now, struct lf_commit *then,
             const struct gathered *each, uint32_t *next,
             struct feature_error *error)
{
    bool follows =
        then->meta.sequence == each->sequence && *next == each->ordinal;

    *next = each->ordinal + 1;
    if (follows && state->view->event && state->view->history)
        return FEATURE_OK;
    if (state->view->history)
        LF_TRY(lf_event_replay_flush(&replay->events, then, replay->report,
                                     error));
    go_back_to(then, now, each);
    return FEATURE_OK;
}

/* States of another store were merged in while the view kept no events. */
static bool
is_merge(const struct gathered *each)
{
    return each->change.operation == LF_CHANGE_MERGE;
}

static bool
is_under_same(const struct gathered *each, const struct gathered *last)
{
    return each->schema == last->schema && each->columns == last->columns &&
           (!each->schema || is_merge(each) == is_merge(last));
}

/* Goes on under the definitions that a change was written under. */
static feature_status
use_definitions(const struct lf_catch *state, struct lf_replay *replay,
                const struct gathered *each, struct gathered *last,
                struct feature_error *error)
{
    struct lf_catalog *made = NULL;

    if (is_under_same(each, last))
        return FEATURE_OK;
    LF_TRY(lf_schema_narrow(state->catalog, each->schema, each->columns, &made,
                            error));
    if (is_merge(each))
        made->views[0].history = 0;
    *last = *each;
    if (replay->before) {
        feature_status status =
            lf_replay_end(replay, replay->commit->meta.catalog_version, error);

        if (status) {
            lf_catalog_release(made);
            return status;
        }
    }
    lf_replay_free(replay);
    *replay = (struct lf_replay){
        .commit = replay->commit, .report = replay->report, .before = made};
    return is_merge(each)
               ? lf_history_restart(replay->commit, state->view, error)
               : FEATURE_OK;
}

static feature_status
replay_all(struct lf_catch *state, struct lf_replay *replay,
           const struct lf_commit *now, struct lf_commit *then,
           struct feature_error *error)
{
    struct gathered last = {0};
    const uint8_t *at = state->changes.data, *end = at + state->changes.size;
    uint32_t next = 0;

    then->meta.sequence = 0; /* of no change */
    while (at < end) {
        struct gathered each;

        memcpy(&each, at, sizeof each);
        each.change.key.bytes = at + sizeof each;
        each.change.after.bytes = each.change.key.bytes + each.change.key.size;
        at = each.change.after.bytes + each.change.after.size;
        LF_TRY(use_definitions(state, replay, &each, &last, error));
        LF_TRY(begin_change(state, replay, now, then, &each, &next, error));
        LF_TRY(lf_replay_change(replay, &each.change, error));
        state->written++;
    }
    return lf_replay_end(replay, now->meta.catalog_version, error);
}

/* What the version's record says of how far it has come. */
static feature_status
note_place(const struct lf_catch *state, struct lf_commit *then,
           struct feature_error *error)
{
    struct lf_meta_view meta;
    bool found;

    LF_TRY(lf_rows_read_meta(then, state->view, &meta, &found, error));
    then->meta.sequence = state->next - 1;
    meta.schema = state->schema;
    return lf_rows_write_meta(then, state->view, &meta, error);
}

feature_status
lf_catch_write(struct lf_catch *state, struct lf_commit *commit,
               struct feature_error *error)
{
    struct feature_commit report = {0};
    struct lf_commit then = *commit;
    struct lf_replay replay = {.commit = &then,
                               .report = &report,
                               .before = lf_catalog_hold(state->catalog)};
    feature_status status;

    then.feed = (struct lf_feed){.meta = commit->feed.meta};
    status = replay_all(state, &replay, commit, &then, error);
    if (!status)
        status = note_place(state, &then, error);
    lf_replay_free(&replay);
    lf_feed_free(&then.feed);
    return status;
}

struct lf_catch_place
lf_catch_where(const struct lf_catch *state)
{
    return (struct lf_catch_place){.next = state->next,
                                   .schema = state->schema,
                                   .part = state->part,
                                   .ordinal = state->ordinal,
                                   .time = state->time,
                                   .written = state->written};
}

void
lf_catch_return(struct lf_catch *state, const struct lf_catch_place *place)
{
    state->next = place->next;
    state->schema = place->schema;
    state->part = place->part;
    state->ordinal = place->ordinal;
    state->time = place->time;
    state->written = place->written;
}

void
lf_catch_free(struct lf_catch *state)
{
    lf_buffer_free(&state->changes);
    lf_buffer_free(&state->scratch);
    lf_catalog_release(state->renewed);
    state->renewed = NULL;
}
