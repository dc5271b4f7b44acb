/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The swap.
 *
 * Owns the one commit by which another version of a view begins to serve, and
 * the catching up before it.
 * Keeps that commit short: it writes what was written in the last moments alone,
 * and a catalog record; what goes away goes later.
 * Never swaps in a version that lacks a write of which the store knows.
 */
#include "store/load_swap.h"

#include <string.h>

#include "base/clock.h"
#include "store/history.h"
#include "store/load_schema.h"
#include "store/offsets.h"
#include "store/rows.h"

#define ROUNDS_MOST 64 /* after which the last one is as long as it is */
#define REST        (64u << 10) /* bytes of changes that the swap itself writes */

/* --- catching up ------------------------------------------------------------------ */

/* Whether anything was written to the view that the version does not know of.
 * Upkeep leaves its mark too, and removes nothing that a read could answer. */
static bool
is_behind(const struct lf_swap *swap, const struct lf_meta_view *serving)
{
    if (swap->as_it_was || serving->commit < swap->state.next)
        return false;
    return !swap->is_exact || serving->applied + serving->late != swap->before;
}

static feature_status
gather_from(struct lf_swap *swap, struct lf_feed_view *feed, size_t most,
            const struct lf_meta_view *serving, bool *is_end,
            struct feature_error *error)
{
    struct lf_catch *state = &swap->state;

    state->changes.size = 0;
    state->gathered = 0;
    *is_end = true;
    LF_TRY(lf_feed_view_open(feed, error));
    if (!is_behind(swap, serving))
        return FEATURE_OK;
    LF_TRY(lf_feed_view_check(feed, state->next, swap->since, error));
    return lf_catch_gather(state, feed, most, is_end, error);
}

static feature_status
gather_from_snapshot(struct lf_swap *swap, bool *is_end,
                     struct feature_error *error)
{
    struct lf_feed_view feed = {0};
    struct lf_meta_view serving;
    feature_status status;

    LF_TRY(lf_reader_begin(swap->store->environment, &feed.reader, error));
    status =
        lf_store_read_view(feed.reader, swap->record->view, &serving, error);
    if (!status)
        status =
            gather_from(swap, &feed, LF_CATCH_BYTES, &serving, is_end, error);
    lf_reader_end(feed.reader);
    return status;
}

/* A load ends with a change of its view's definition, a rollback goes on. */
static feature_status
check_definition(struct lf_swap *swap, struct lf_commit *commit,
                 struct feature_error *error)
{
    if (swap->record->is_rollback)
        return lf_schema_renew(&swap->state, commit, error);
    return lf_definition_check(swap->definition, commit, swap->record->view,
                               swap->state.view->name, error);
}

static feature_status
try_write(struct lf_swap *swap, struct feature_error *error)
{
    struct lf_commit commit;
    feature_status status;

    LF_TRY(lf_commit_begin_after(&commit, swap->store, swap->wait_ms, error));
    status = check_definition(swap, &commit, error);
    if (!status)
        status = lf_catch_write(&swap->state, &commit, error);
    if (status) {
        lf_commit_abort(&commit);
        return status;
    }
    return lf_commit_finish(&commit, error);
}

/* One short commit of what was gathered. */
static feature_status
write_gathered(struct lf_swap *swap, struct feature_error *error)
{
    struct feature_error problem = {0};
    uint64_t written = swap->state.written;
    feature_status status;

    do {
        swap->state.written = written;
        status = try_write(swap, &problem);
    } while (status && lf_commit_grow(swap->store, &status, &problem));
    if (status && error)
        *error = problem;
    return status;
}

/* Also past what is of others alone, however long: the swap looks at it under the
 * gate. */
static feature_status
catch_up(struct lf_swap *swap, struct feature_error *error)
{
    bool is_end = false;

    for (int i = 0; i < ROUNDS_MOST || !is_end; i++) {
        LF_TRY(gather_from_snapshot(swap, &is_end, error));
        if (swap->state.gathered)
            LF_TRY(write_gathered(swap, error));
        if (is_end && swap->state.changes.size < REST)
            return FEATURE_OK;
    }
    return FEATURE_OK;
}

/* --- the commit -------------------------------------------------------------------- */

/* Whether the version that comes knows its past: it has a history, or never had a
 * row. */
static bool
knows_past(const struct lf_meta_view *meta, const struct lf_view *view)
{
    if (!view->history)
        return false;
    return meta->history_since != INT64_MIN ||
           (!meta->row_entries && !meta->purge_time);
}

/* What is gone with the version before is gone for reads of the past, too: below
 * its newest cell nothing is known of a key that is not there. With history, none
 * is gone. */
static void
note_purge(struct lf_meta_view *meta, const struct lf_meta_view *old,
           const struct lf_view *view, const struct lf_commit *commit)
{
    if (view->event) /* the states that come hold all that there was */
        return;
    if (old->purge_horizon > meta->purge_horizon)
        meta->purge_horizon = old->purge_horizon;
    meta->purge_time = old->purge_time;
    if (knows_past(meta, view) || !old->row_entries)
        return;
    meta->purge_time = commit->meta.commit_time;
    if (old->newest != INT64_MAX && old->newest >= meta->purge_horizon)
        meta->purge_horizon = old->newest + 1;
}

/* The records of the version that goes and of the one that comes change places. */
static feature_status
swap_records(struct lf_swap *swap, struct lf_commit *commit,
             const struct lf_view *serving, struct feature_error *error)
{
    const struct lf_view *next = swap->state.view;
    struct lf_view old_view = *serving, new_view = *next;
    struct lf_meta_view old, meta;
    char key[LF_META_KEY_SIZE];
    bool found;

    LF_TRY(lf_rows_read_meta(commit, serving, &old, &found, error));
    LF_TRY(lf_rows_read_meta(commit, next, &meta, &found, error));
    lf_rows_record_key(next, key);
    LF_TRY(lf_tree_delete(commit->tree, key, strlen(key), error));
    note_purge(&meta, &old, serving, commit);
    meta.applied = old.applied + swap->applied;
    meta.late = old.late + swap->late;
    if (meta.applied < meta.row_entries)
        meta.applied = meta.row_entries;
    if (serving->history && (meta.row_entries || meta.purge_time))
        lf_history_begin(&meta, commit); /* switched on since it served */
    old.left = commit->meta.sequence;
    old.schema = serving->schema_count;
    old_view.standing = LF_KEPT;
    new_view.standing = LF_SERVES;
    LF_TRY(lf_rows_write_meta(commit, &old_view, &old, error));
    return lf_rows_write_meta(commit, &new_view, &meta, error);
}

static feature_status
tell_feed(struct lf_commit *commit, const struct lf_load_record *record,
          struct feature_error *error)
{
    struct lf_buffer message = {0};
    struct lf_change change = {.view = record->view,
                               .operation = LF_CHANGE_VERSION,
                               .time = record->time,
                               .key = record->id};
    feature_status status;

    if (!lf_feed_wants(commit))
        return FEATURE_OK;
    status = lf_load_encode_message(record, &message, error);
    change.after = (struct lf_slice){message.data, message.size};
    if (!status)
        status = lf_feed_change(commit, &change, error);
    lf_buffer_free(&message);
    return status;
}

/* Where the artefact is ahead of the store, the stream goes on behind it. */
static feature_status
choose_sources(const struct lf_swap *swap, struct lf_commit *commit,
               struct feature_source *chosen, uint32_t *count,
               struct feature_error *error)
{
    *count = 0;
    for (uint32_t i = 0; i < swap->source_count; i++) {
        const struct feature_source *source = &swap->sources[i];
        uint64_t stored;

        LF_TRY(lf_source_stored(commit, source, &stored, error));
        if (source->next_offset <= stored)
            continue;
        chosen[*count] = *source;
        chosen[(*count)++].first_offset = stored;
    }
    return FEATURE_OK;
}

static struct lf_catalog *
make_after(const struct lf_catalog *before, const struct lf_load_record *record)
{
    struct lf_catalog *after = lf_catalog_copy(before);

    if (!after)
        return NULL;
    after->version++;
    for (uint32_t i = 0; i < after->view_count; i++)
        if (after->views[i].id == record->view)
            after->views[i].version = record->version;
    return after;
}

/* In the commit that has its number and its place in the feed. */
static feature_status
swap_in(struct lf_swap *swap, struct lf_commit *commit,
        const struct lf_catalog *before, const struct lf_catalog *after,
        struct feature_error *error)
{
    struct lf_load_record *record = swap->record;
    const struct lf_view *serving = lf_catalog_view_by_id(before, record->view);

    if (!record->number)
        LF_TRY(lf_loads_number(commit, &record->number, error));
    record->state = LF_LOAD_COMMITTED;
    record->previous = serving->version;
    record->sequence = commit->meta.sequence;
    record->time = commit->meta.commit_time;
    record->ended = commit->now;
    record->caught_up = swap->state.written;
    LF_TRY(tell_feed(commit, record, error));
    LF_TRY(lf_commit_write_catalog(commit, before, after, error));
    LF_TRY(swap_records(swap, commit, serving, error));
    if (record->is_rollback)
        LF_TRY(lf_loads_prune(commit, swap->state.view, error));
    return lf_loads_put(commit, record, error);
}

static feature_status
swap_numbered(struct lf_swap *swap, struct lf_commit *commit,
              const struct lf_catalog *before, const struct lf_catalog *after,
              struct feature_source *sources, struct feature_error *error)
{
    uint32_t count;

    LF_TRY(choose_sources(swap, commit, sources, &count, error));
    lf_commit_number(commit);
    commit->meta.catalog_version = after->version;
    LF_TRY(lf_feed_begin(commit, after, sources, count, error));
    LF_TRY(swap_in(swap, commit, before, after, error));
    LF_TRY(lf_sources_put(commit, sources, count, error));
    return lf_feed_end(commit, error);
}

/* Catches up with the rest, and swaps. LF_AGAIN: the rest was too long, and the
 * commit is one more of those before. */
static feature_status
swap_within(struct lf_swap *swap, struct lf_commit *commit, bool is_last,
            struct lf_catalog *before, struct lf_catalog **after,
            struct feature_error *error)
{
    struct lf_feed_view feed = {.commit = commit};
    struct lf_arena arena = {0};
    struct feature_source *sources;
    struct lf_meta_view serving;
    feature_status status;
    bool is_end, found;

    LF_TRY(lf_rows_read_meta(commit,
                             lf_catalog_view_by_id(before, swap->record->view),
                             &serving, &found, error));
    LF_TRY(
        gather_from(swap, &feed, is_last ? 0 : REST, &serving, &is_end, error));
    if (swap->state.gathered)
        LF_TRY(lf_catch_write(&swap->state, commit, error));
    if (!is_end)
        return LF_AGAIN;
    *after = make_after(before, swap->record);
    if (!*after)
        return lf_fail_memory(error);
    sources = lf_arena_array(&arena, swap->source_count, sizeof *sources);
    status = sources
                 ? swap_numbered(swap, commit, before, *after, sources, error)
                 : lf_fail_memory(error);
    lf_arena_free(&arena);
    return status;
}

static feature_status
work_within(struct lf_swap *swap, struct lf_commit *commit, bool is_last,
            struct lf_catalog **after, struct feature_error *error)
{
    struct lf_catalog *before = NULL;
    feature_status status;

    LF_TRY(lf_feed_check_leader(commit, error));
    LF_TRY(check_definition(swap, commit, error));
    LF_TRY(lf_commit_catalog(commit, &before, error));
    status = swap_within(swap, commit, is_last, before, after, error);
    lf_catalog_release(before);
    return status;
}

static feature_status
try_swap(struct lf_swap *swap, bool is_last, struct lf_catalog **after,
         struct feature_error *error)
{
    struct lf_commit commit;
    feature_status status, finished;
    int64_t begun;

    LF_TRY(lf_commit_begin_after(&commit, swap->store, swap->wait_ms, error));
    begun = lf_clock_steady_us();
    status = work_within(swap, &commit, is_last, after, error);
    if (status && status != LF_AGAIN) {
        lf_commit_abort(&commit);
        return status;
    }
    finished = lf_commit_finish(&commit, error);
    swap->record->swap_us = (uint64_t)(lf_clock_steady_us() - begun);
    return finished ? finished : status;
}

/* A map that is too small makes it begin anew, from where it was. */
static feature_status
swap_once(struct lf_swap *swap, bool is_last, struct lf_catalog **after,
          struct feature_error *error)
{
    struct lf_catch_place place = lf_catch_where(&swap->state);
    struct lf_load_record record = *swap->record;
    feature_status status;

    for (;;) {
        status = try_swap(swap, is_last, after, error);
        if (!status || status == LF_AGAIN)
            return status;
        lf_catalog_release(*after);
        *after = NULL;
        *swap->record = record;
        lf_catch_return(&swap->state, &place);
        if (!lf_commit_grow(swap->store, &status, error))
            return status;
    }
}

static void
fill_report(struct lf_swap *swap)
{
    const struct lf_load_record *record = swap->record;

    *swap->report = (struct feature_load_report){
        .flags = record->is_forced ? FEATURE_LOADED_FORCED : 0,
        .number = record->number,
        .rows = record->rows,
        .bytes = record->bytes,
        .sequence = record->sequence,
        .time = record->time,
        .cut = record->cut,
        .caught_up = record->caught_up,
        .swap_us = record->swap_us,
        .gates = record->gates,
        .gates_failed = record->gates_failed};
}

feature_status
lf_swap_run(struct lf_swap *swap, struct feature_error *error)
{
    struct feature_error problem = {0};
    struct lf_catalog *after = NULL;
    feature_status status = catch_up(swap, &problem);

    for (int i = 0; !status; i++) {
        status = swap_once(swap, i >= ROUNDS_MOST, &after, &problem);
        if (status != LF_AGAIN)
            break;
        status = FEATURE_OK;
    }
    if (status) {
        if (error)
            *error = problem;
        return status;
    }
    lf_store_publish(swap->store, after);
    lf_catalog_release(after);
    fill_report(swap);
    /* The versions are swapped: what is left to do can be done later, too. */
    (void)lf_loads_note(swap->store, swap->wait_ms, swap->record, NULL);
    (void)lf_kept_trim(swap->store, swap->wait_ms, swap->record->view, NULL);
    return FEATURE_OK;
}

void
lf_swap_free(struct lf_swap *swap)
{
    lf_catch_free(&swap->state);
}
