/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Versions of views that do not serve.
 *
 * Owns which of them there are: those that a load builds or has left, and those
 * that served before.
 * Keeps the removal of each to a commit of its own: a large tree has many pages to
 * give back.
 * Never removes a version that serves, nor one whose load is under way.
 */
#include <stdio.h>
#include <string.h>

#include "engine/claim.h"
#include "store/history.h"
#include "store/loads.h"

struct collection {
    struct lf_buffer *versions;
    uint32_t view;
};

static feature_status
collect(void *context, const uint8_t *key, size_t key_size,
        const uint8_t *value, size_t size, struct feature_error *error)
{
    struct collection *to = context;
    char text[LF_META_KEY_SIZE];
    struct lf_version made;

    if (!lf_meta_version_read_key(key, key_size, &made.standing, &made.view,
                                  &made.version) ||
        (to->view && made.view != to->view))
        return FEATURE_OK;
    lf_meta_version_key(made.standing, made.view, made.version, text);
    if (!lf_meta_version_decode(&made.meta, text, value, size))
        return lf_fail(error, FEATURE_CORRUPT, "checksum",
                       "the record of a version of a feature view is damaged");
    if (!lf_buffer_append(to->versions, &made, sizeof made))
        return lf_fail_memory(error);
    return FEATURE_OK;
}

feature_status
lf_versions_read(struct lf_reader *reader, uint32_t view,
                 struct lf_buffer *versions, struct feature_error *error)
{
    struct collection to = {.versions = versions, .view = view};

    return lf_reader_scan(reader, LF_META_TREE, collect, &to, error);
}

feature_status
lf_versions_read_within(struct lf_commit *commit, uint32_t view,
                        struct lf_buffer *versions, struct feature_error *error)
{
    struct collection to = {.versions = versions, .view = view};

    return lf_tree_scan(commit->tree, collect, &to, error);
}

feature_status
lf_version_drop(struct lf_commit *commit, uint32_t view, uint32_t version,
                enum lf_standing standing, struct feature_error *error)
{
    const struct lf_view dropped = {.id = view, .version = version};
    char tree[LF_TREE_NAME_SIZE], key[LF_META_KEY_SIZE];

    lf_rows_tree(&dropped, tree);
    LF_TRY(lf_writer_drop(commit->writer, tree, error));
    lf_history_tree(&dropped, tree);
    LF_TRY(lf_writer_drop(commit->writer, tree, error));
    lf_tiles_tree(&dropped, tree);
    LF_TRY(lf_writer_drop(commit->writer, tree, error));
    lf_meta_version_key(standing, view, version, key);
    return lf_tree_delete(commit->tree, key, strlen(key), error);
}

/* One commit of upkeep: it takes no number. done: there was nothing to do. */
struct step {
    uint32_t view;
    int32_t state;
    const char *problem;
    struct lf_version dropped; /* by the last try; view 0: none was */
    feature_status (*work)(struct step *step, struct lf_commit *commit,
                           bool *done, struct feature_error *error);
};

static feature_status
try_step(struct step *step, feature_store *store, uint32_t wait_ms, bool *done,
         struct feature_error *error)
{
    struct lf_commit commit;
    feature_status status;

    *done = false;
    step->dropped.view = 0;
    LF_TRY(lf_commit_begin_after(&commit, store, wait_ms, error));
    status = step->work(step, &commit, done, error);
    if (status || *done) {
        lf_commit_abort(&commit);
        return status;
    }
    return lf_commit_finish(&commit, error);
}

/* Whether a step that failed may be tried again. */
static bool
has_relief(struct step *step, feature_store *store, uint32_t wait_ms,
           feature_status *status, struct feature_error *problem)
{
    if (lf_commit_grow(store, status, problem))
        return true;
    return *status == FEATURE_FULL && step->dropped.view &&
           lf_version_halve(store, wait_ms, &step->dropped);
}

static feature_status
run_steps(struct step *step, feature_store *store, uint32_t wait_ms,
          struct feature_error *error)
{
    struct feature_error problem = {0};
    feature_status status;
    bool done = false;

    do
        status = try_step(step, store, wait_ms, &done, &problem);
    while (status ? has_relief(step, store, wait_ms, &status, &problem)
                  : !done);
    if (status && error)
        *error = problem;
    return status;
}

static feature_status
end_records(struct step *step, struct lf_commit *commit, bool *any,
            struct feature_error *error)
{
    struct lf_load_list list = {0};
    feature_status status =
        lf_loads_read_within(commit, step->view, &list, error);

    for (size_t i = 0; !status && i < lf_load_count(&list); i++) {
        struct lf_load_record *record = lf_load_at(&list, i);

        if (record->state != LF_LOAD_BUILDING)
            continue;
        *any = true;
        record->state = step->state;
        record->ended = commit->now;
        record->problem.bytes = (const uint8_t *)step->problem;
        record->problem.size = strlen(step->problem);
        status = lf_loads_put(commit, record, error);
    }
    lf_loads_free(&list);
    return status;
}

static feature_status
discard_step(struct step *step, struct lf_commit *commit, bool *done,
             struct feature_error *error)
{
    struct lf_buffer versions = {0};
    const struct lf_version *each;
    bool any = false;
    feature_status status =
        lf_versions_read_within(commit, step->view, &versions, error);

    each = (const void *)versions.data;
    for (size_t i = 0; !status && !any && i < versions.size / sizeof *each;
         i++) {
        if (each[i].standing != LF_STAGED)
            continue;
        any = true;
        step->dropped = each[i];
        status = lf_version_drop(commit, step->view, each[i].version, LF_STAGED,
                                 error);
    }
    lf_buffer_free(&versions);
    if (!status && !any)
        status = end_records(step, commit, &any, error);
    *done = !any;
    return status;
}

feature_status
lf_staged_discard(feature_store *store, uint32_t wait_ms, uint32_t view,
                  int32_t state, const char *problem,
                  struct feature_error *error)
{
    struct step step = {
        .view = view, .state = state, .problem = problem, .work = discard_step};

    return run_steps(&step, store, wait_ms, error);
}

/* The oldest of those that are kept, where they are too many. */
static const struct lf_version *
choose_surplus(const struct lf_buffer *versions, int64_t most)
{
    const struct lf_version *each = (const void *)versions->data;
    const struct lf_version *oldest = NULL;
    int64_t count = 0;

    for (size_t i = 0; i < versions->size / sizeof *each; i++) {
        if (each[i].standing != LF_KEPT)
            continue;
        count++;
        if (!oldest || each[i].meta.left < oldest->meta.left)
            oldest = &each[i];
    }
    return count > most ? oldest : NULL;
}

static feature_status
trim_step(struct step *step, struct lf_commit *commit, bool *done,
          struct feature_error *error)
{
    struct lf_catalog *catalog = NULL;
    struct lf_buffer versions = {0};
    const struct lf_version *surplus = NULL;
    const struct lf_view *view;
    feature_status status = lf_commit_catalog(commit, &catalog, error);

    if (!status)
        status = lf_versions_read_within(commit, step->view, &versions, error);
    if (!status) {
        view = lf_catalog_view_by_id(catalog, step->view);
        if (view)
            surplus = choose_surplus(&versions, view->keep_versions);
    }
    *done = !surplus;
    if (surplus)
        step->dropped = *surplus;
    if (surplus)
        status = lf_version_drop(commit, step->view, surplus->version, LF_KEPT,
                                 error);
    lf_buffer_free(&versions);
    lf_catalog_release(catalog);
    return status;
}

feature_status
lf_kept_trim(feature_store *store, uint32_t wait_ms, uint32_t view,
             struct feature_error *error)
{
    struct step step = {.view = view, .work = trim_step};

    return run_steps(&step, store, wait_ms, error);
}

/* Nobody has the view claimed: whoever staged its versions has ended. */
static feature_status
discard_unclaimed(feature_store *store, uint32_t wait_ms, uint32_t view,
                  struct feature_error *error)
{
    struct lf_claim claim = {.file = -1};
    feature_status status =
        lf_claim_take(store->environment, view, &claim, error);

    if (status == LF_AGAIN)
        return FEATURE_OK;
    LF_TRY(status);
    status = lf_staged_discard(store, wait_ms, view, LF_LOAD_ABORTED,
                               "interrupted", error);
    lf_claim_drop(&claim);
    return status;
}

/* A load may have ended between the removal of its version and the end of its
 * record. */
static feature_status
end_orphans(feature_store *store, uint32_t wait_ms, struct feature_error *error)
{
    struct lf_load_list list = {0};
    struct lf_reader *reader;
    feature_status status = lf_reader_begin(store->environment, &reader, error);

    if (!status) {
        status = lf_loads_read(reader, 0, &list, error);
        lf_reader_end(reader);
    }
    for (size_t i = 0; !status && i < lf_load_count(&list); i++)
        if (lf_load_at(&list, i)->state == LF_LOAD_BUILDING)
            status = discard_unclaimed(store, wait_ms,
                                       lf_load_at(&list, i)->view, error);
    lf_loads_free(&list);
    return status;
}

feature_status
lf_versions_upkeep(feature_store *store, uint32_t wait_ms,
                   struct feature_error *error)
{
    struct lf_buffer versions = {0};
    const struct lf_version *each;
    struct lf_reader *reader;
    feature_status status;

    LF_TRY(lf_reader_begin(store->environment, &reader, error));
    status = lf_versions_read(reader, 0, &versions, error);
    lf_reader_end(reader);
    each = (const void *)versions.data;
    for (size_t i = 0; !status && i < versions.size / sizeof *each; i++)
        status = each[i].standing == LF_STAGED
                     ? discard_unclaimed(store, wait_ms, each[i].view, error)
                     : lf_kept_trim(store, wait_ms, each[i].view, error);
    lf_buffer_free(&versions);
    return status ? status : end_orphans(store, wait_ms, error);
}
