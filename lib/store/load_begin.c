/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feature_load_begin().
 *
 * Owns the claim of the view, and the first commit of a load.
 * Keeps an id to one committed load of a view.
 * Never waits for another load: that may take hours.
 */
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "store/load.h"
#include "store/load_cut.h"
#include "store/load_gates.h"
#include "store/rows.h"

/* --- an id that is known ---------------------------------------------------------- */

static bool
is_same(struct lf_slice a, struct lf_slice b)
{
    return a.size == b.size && !memcmp(a.bytes, b.bytes, a.size);
}

static void
report_known(struct feature_load *load, const struct lf_load_record *record)
{
    load->stage = LF_LOAD_KNOWN;
    load->report = (struct feature_load_report){
        .flags = FEATURE_LOADED_DUPLICATE |
                 (record->is_forced ? FEATURE_LOADED_FORCED : 0u),
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

/* Looks for a committed load of the same id. */
static feature_status
find_known(struct feature_load *load, const struct lf_load_list *list,
           struct feature_error *error)
{
    const struct lf_load_record *wanted = &load->record;

    if (!wanted->id.size)
        return FEATURE_OK;
    for (size_t i = lf_load_count(list); i-- > 0;) {
        const struct lf_load_record *each = lf_load_at(list, i);

        if (each->state != LF_LOAD_COMMITTED || !is_same(each->id, wanted->id))
            continue;
        if (!is_same(each->fingerprint, wanted->fingerprint))
            return lf_fail(error, FEATURE_CONFLICT, "load-id",
                           "load %.*s was committed with another fingerprint",
                           (int)wanted->id.size,
                           (const char *)wanted->id.bytes);
        report_known(load, each);
        return FEATURE_OK;
    }
    return FEATURE_OK;
}

static feature_status
note_event(struct feature_load *load, const struct lf_catalog *catalog,
           struct feature_error *error)
{
    const struct lf_event *event;

    if (!load->event)
        return FEATURE_OK;
    event = lf_catalog_event_by_id(catalog, load->event);
    if (!event)
        return lf_fail(error, FEATURE_CORRUPT, "structure",
                       "feature view %s has no event", load->name);
    load->event_name =
        lf_arena_copy(&load->arena, event->name, strlen(event->name));
    return load->event_name ? FEATURE_OK : lf_fail_memory(error);
}

/* The view of the newest snapshot, and whether its load is known there. */
static feature_status
look_up(struct feature_load *load, const char *name,
        struct feature_error *error)
{
    struct lf_load_list list = {0};
    struct lf_catalog *catalog = NULL;
    const struct lf_view *view = NULL;
    struct lf_meta_store meta;
    struct lf_reader *reader;
    feature_status status;

    LF_TRY(lf_reader_begin(load->store->environment, &reader, error));
    status = lf_store_read_meta(reader, &meta, error);
    if (!status)
        status =
            lf_store_read_catalog(load->store, reader, &meta, &catalog, error);
    if (!status)
        status = lf_load_find_view(catalog, name, &view, error);
    if (!status) {
        load->record.view = view->id;
        load->is_event = view->event;
        load->event = view->event;
        status = note_event(load, catalog, error);
    }
    if (!status) {
        status = lf_loads_read(reader, view->id, &list, error);
    }
    if (!status)
        status = find_known(load, &list, error);
    lf_loads_free(&list);
    lf_catalog_release(catalog);
    lf_reader_end(reader);
    return status;
}

feature_status
lf_load_find_view(const struct lf_catalog *catalog, const char *name,
                  const struct lf_view **view, struct feature_error *error)
{
    char quoted[LF_QUOTE_SIZE];

    *view = lf_catalog_view(catalog, name);
    if (*view)
        return FEATURE_OK;
    return lf_fail(error, FEATURE_NOT_FOUND, "name",
                   "there is no feature view %s",
                   lf_quote(quoted, name, strlen(name)));
}

/* --- the claim ---------------------------------------------------------------------- */

static feature_status
fail_claimed(feature_store *store, uint32_t view, const char *name,
             struct feature_error *error)
{
    struct lf_load_list list = {0};
    struct lf_slice id = {0};
    struct lf_reader *reader;
    int64_t pid = 0;

    if (!lf_reader_begin(store->environment, &reader, NULL)) {
        if (!lf_loads_read(reader, view, &list, NULL))
            for (size_t i = 0; i < lf_load_count(&list); i++)
                if (lf_load_at(&list, i)->state == LF_LOAD_BUILDING) {
                    id = lf_load_at(&list, i)->id;
                    pid = lf_load_at(&list, i)->pid;
                }
        lf_reader_end(reader);
    }
    lf_fail(error, FEATURE_BUSY, "load",
            "another load of %s is under way: \"%.*s\", of process %lld", name,
            (int)id.size, id.bytes ? (const char *)id.bytes : "",
            (long long)pid);
    lf_loads_free(&list);
    return FEATURE_BUSY;
}

feature_status
lf_load_claim(feature_store *store, uint32_t view, const char *name,
              struct lf_claim *claim, struct feature_error *error)
{
    feature_status status =
        lf_claim_take(store->environment, view, claim, error);

    return status == LF_AGAIN ? fail_claimed(store, view, name, error) : status;
}

/* --- the first commit ---------------------------------------------------------------- */

/* The view as its rows are to be written: the next version of it. */
feature_status
lf_load_stand_in(const struct lf_catalog *catalog, uint32_t view,
                 uint32_t version, enum lf_standing standing,
                 struct lf_catalog **made, struct lf_view **staged,
                 struct feature_error *error)
{
    lf_catalog_release(*made);
    *made = lf_catalog_copy(catalog);
    if (!*made)
        return lf_fail_memory(error);
    for (uint32_t i = 0; i < (*made)->view_count; i++)
        if ((*made)->views[i].id == view)
            *staged = &(*made)->views[i];
    (*made)->views = *staged;
    (*made)->view_count = 1;
    /* An event that is caught up with is known by its id already. */
    for (uint32_t i = 0; i < (*made)->event_count; i++)
        (*made)->events[i].dedupe = LF_NO_COLUMN;
    (*staged)->version = version;
    (*staged)->standing = standing;
    return FEATURE_OK;
}

struct beginning {
    struct feature_load *load;
    const struct feature_load_options *options;
    const struct lf_catalog *catalog;
    const struct lf_view *view;
};

static feature_status
fill_record(struct beginning *beginning, struct lf_commit *commit,
            struct feature_error *error)
{
    const struct feature_load_options *options = beginning->options;
    struct lf_load_record *record = &beginning->load->record;
    struct lf_cut cut;

    LF_TRY(lf_cut_find(commit, options->cut, options->time, options->sources,
                       options->source_count, &cut, error));
    record->cut = cut.sequence;
    record->cut_time = cut.time;
    if (beginning->view->history && options->time)
        LF_TRY(lf_cut_find(commit, cut.sequence, 0, NULL, 0, &cut, error));
    beginning->load->cut_committed = cut.time;
    record->state = LF_LOAD_BUILDING;
    record->began = commit->now;
    record->token = commit->store->token;
    record->pid = getpid();
    return FEATURE_OK;
}

/* How much was ever written to the view, where the cut is now. */
static feature_status
note_before(struct beginning *beginning, struct lf_commit *commit,
            struct feature_error *error)
{
    struct feature_load *load = beginning->load;
    struct lf_meta_view meta;
    bool found;

    LF_TRY(lf_rows_read_meta(commit, beginning->view, &meta, &found, error));
    load->is_exact = load->record.cut == commit->meta.sequence;
    load->before = meta.applied + meta.late;
    load->serving = beginning->view->version;
    return FEATURE_OK;
}

static feature_status
put_staged(struct feature_load *load, struct lf_commit *commit,
           struct feature_error *error)
{
    char name[LF_TREE_NAME_SIZE];
    struct lf_tree *tree;

    lf_build_clear(load);
    load->build.seed = lf_row_seed(load->record.view);
    lf_rows_tree(load->view, name);
    LF_TRY(lf_writer_tree(commit->writer, name, true, &tree, error));
    LF_TRY(lf_load_put_kept(load, commit, error));
    LF_TRY(lf_load_put_meta(load, commit, &load->build.meta, error));
    return lf_loads_put(commit, &load->record, error);
}

static feature_status
begin_view(struct beginning *beginning, struct lf_commit *commit,
           struct feature_error *error)
{
    struct feature_load *load = beginning->load;
    const struct lf_view *view = beginning->view;
    struct lf_load_list list = {0};
    feature_status status =
        lf_loads_read_within(commit, view->id, &list, error);

    if (!status)
        status = find_known(load, &list, error);
    if (!status && load->stage == LF_LOAD_OPEN)
        status = lf_loads_next(commit, view, &list, &load->record.number,
                               &load->record.version, error);
    lf_loads_free(&list);
    if (status || load->stage != LF_LOAD_OPEN)
        return status;
    LF_TRY(fill_record(beginning, commit, error));
    LF_TRY(note_before(beginning, commit, error));
    LF_TRY(
        lf_definition_take(&load->definition, beginning->catalog, view, error));
    LF_TRY(lf_load_stand_in(beginning->catalog, view->id, load->record.version,
                            LF_STAGED, &load->catalog, &load->view, error));
    LF_TRY(lf_load_add_rules(load, beginning->options->check, error));
    return put_staged(load, commit, error);
}

static feature_status
begin_within(struct beginning *beginning, struct lf_commit *commit,
             struct feature_error *error)
{
    struct feature_load *load = beginning->load;
    struct lf_catalog *catalog;
    feature_status status;

    LF_TRY(lf_feed_check_leader(commit, error));
    LF_TRY(lf_commit_catalog(commit, &catalog, error));
    beginning->catalog = catalog;
    beginning->view = lf_catalog_view_by_id(catalog, load->record.view);
    if (!beginning->view)
        status = lf_fail(error, FEATURE_NOT_FOUND, "name",
                         "the feature view was dropped a moment ago");
    else
        status = begin_view(beginning, commit, error);
    lf_catalog_release(catalog);
    return status;
}

static feature_status
try_begin(struct beginning *beginning, struct feature_error *error)
{
    struct feature_load *load = beginning->load;
    struct lf_commit commit;
    feature_status status;

    LF_TRY(lf_commit_begin_after(&commit, load->store, load->wait_ms, error));
    status = begin_within(beginning, &commit, error);
    if (status || load->stage != LF_LOAD_OPEN) {
        lf_commit_abort(&commit);
        return status;
    }
    status = lf_commit_finish(&commit, error);
    load->has_record = !status;
    return status;
}

static feature_status
begin_claimed(struct feature_load *load,
              const struct feature_load_options *options,
              struct feature_error *error)
{
    struct beginning beginning = {.load = load, .options = options};
    struct feature_error problem = {0};
    feature_status status;

    /* The claim is ours: whatever was staged is of a load that has ended. */
    LF_TRY(lf_staged_discard(load->store, load->wait_ms, load->record.view,
                             LF_LOAD_ABORTED, "interrupted", error));
    do
        status = try_begin(&beginning, &problem);
    while (status && lf_commit_grow(load->store, &status, &problem));
    if (status && error)
        *error = problem;
    load->build.begun_us = lf_clock_steady_us();
    load->build.target = LF_LOAD_SLICE;
    load->report.number = load->record.number;
    load->report.cut = load->record.cut;
    return status;
}

static feature_status
begin(struct feature_load *load, const char *view,
      const struct feature_load_options *options, struct feature_error *error)
{
    if (load->store->read_only)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "the store is open read-only");
    LF_TRY(lf_load_copy_options(load, options, error));
    load->name = lf_arena_copy(&load->arena, view, strlen(view));
    if (!load->name)
        return lf_fail_memory(error);
    LF_TRY(look_up(load, view, error));
    if (load->stage == LF_LOAD_KNOWN)
        return FEATURE_OK;
    LF_TRY(lf_load_claim(load->store, load->record.view, view, &load->claim,
                         error));
    LF_TRY(begin_claimed(load, options, error));
    if (load->stage == LF_LOAD_KNOWN)
        lf_claim_drop(&load->claim);
    return FEATURE_OK;
}

feature_status
feature_load_begin(feature_store *store, const char *view,
                   const struct feature_load_options *options,
                   feature_load **load, struct feature_error *error)
{
    struct feature_load_options asked;
    struct feature_load *made;
    feature_status status;

    if (!store || !view || !load)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "store, view and load are needed");
    LF_TRY(lf_options_read(&asked, sizeof asked, options,
                           "feature_load_options", error));
    LF_TRY(lf_load_check_options(&asked, error));
    LF_TRY(lf_store_enter(store, error));
    made = lf_alloc(sizeof *made);
    if (!made) {
        lf_store_leave(store);
        return lf_fail_memory(error);
    }
    made->claim.file = -1;
    status = lf_store_hold(store, &made->store, error);
    if (!status)
        status = begin(made, view, &asked, error);
    lf_store_leave(store);
    if (status)
        feature_load_free(made);
    else
        *load = made;
    return status;
}
