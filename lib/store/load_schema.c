/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Catching up over changes of definitions.
 *
 * Owns the view and its event as they were when a change was written.
 * Keeps a replay to the byte: what a schema version holds never changes, so a view
 * that is cut off behind it is the view of then.
 * Never looks at anything else of a definition: options and defaults say nothing
 * of what a write does to a row.
 */
#include "store/load_schema.h"

#include <string.h>

#include "format/record.h"
#include "store/load.h"
#include "store/rows.h"

feature_status
lf_schema_follow(struct lf_catch *state, const struct lf_change *change,
                 struct feature_error *error)
{
    struct lf_record record = {.bytes = change->after.bytes,
                               .size = change->after.size};
    uint32_t count;

    if (change->key.size != LF_RECORD_KEY_SIZE ||
        change->key.bytes[0] != LF_RECORD_VIEW ||
        lf_load_big_u32(change->key.bytes + 1) != state->view->id ||
        !record.size)
        return FEATURE_OK;
    memcpy(record.key, change->key.bytes, sizeof record.key);
    LF_TRY(lf_record_schema_count(&record, &count, error));
    state->schema = count;
    return FEATURE_OK;
}

uint32_t
lf_schema_columns(const struct lf_change *change)
{
    if (!lf_operation_is_event(change->operation) || change->after.size < 2)
        return 0;
    return lf_load_u16(change->after.bytes);
}

static feature_status
damaged(const struct lf_view *view, struct feature_error *error)
{
    return lf_fail(error, FEATURE_CORRUPT, "structure",
                   "a change of feature view %s was written under a definition "
                   "that the catalog does not know",
                   view->name);
}

/* Features that have gone since are in the schema versions, and those of windows
 * among the retired ones. */
feature_status
lf_schema_narrow(struct lf_catalog *catalog, uint32_t schema, uint32_t columns,
                 struct lf_catalog **made, struct feature_error *error)
{
    struct lf_catalog *narrow = lf_catalog_copy(catalog);
    struct lf_view *view;
    bool is_known;

    if (!narrow)
        return lf_fail_memory(error);
    view = &narrow->views[0];
    is_known = schema <= view->schema_count;
    view->schema_count = schema;
    for (uint32_t i = 0; columns && i < narrow->event_count; i++)
        if (narrow->events[i].id == view->event) {
            is_known &= columns <= narrow->events[i].column_count;
            narrow->events[i].column_count = columns;
        }
    if (is_known) {
        *made = narrow;
        return FEATURE_OK;
    }
    lf_catalog_release(narrow);
    return damaged(&catalog->views[0], error);
}

static feature_status
fail_gone(const struct lf_view *view, struct feature_error *error)
{
    return lf_fail(error, FEATURE_NOT_FOUND, "no-version",
                   "version %u of %s was removed a moment ago: keep_versions "
                   "was lowered",
                   view->version, view->name);
}

static feature_status
renew(struct lf_catch *state, const struct lf_catalog *catalog,
      struct feature_error *error)
{
    struct lf_catalog *made = NULL;
    struct lf_view *view = NULL;

    if (!lf_catalog_view_by_id(catalog, state->view->id))
        return lf_fail(error, FEATURE_CONFLICT, "schema-changed",
                       "feature view %s was dropped a moment ago",
                       state->view->name);
    LF_TRY(lf_load_stand_in(catalog, state->view->id, state->view->version,
                            state->view->standing, &made, &view, error));
    lf_catalog_release(state->renewed);
    state->renewed = state->catalog = made;
    state->view = view;
    return FEATURE_OK;
}

/* A store that is too full to drop a version takes its rows away first. */
feature_status
lf_schema_renew(struct lf_catch *state, struct lf_commit *commit,
                struct feature_error *error)
{
    struct lf_catalog *catalog;
    struct lf_meta_view meta;
    feature_status status;
    bool found;

    if (commit->meta.catalog_version != state->catalog->version) {
        LF_TRY(lf_commit_catalog(commit, &catalog, error));
        status = renew(state, catalog, error);
        lf_catalog_release(catalog);
        LF_TRY(status);
    }
    LF_TRY(lf_rows_read_meta(commit, state->view, &meta, &found, error));
    return found && meta.left ? FEATURE_OK : fail_gone(state->view, error);
}
