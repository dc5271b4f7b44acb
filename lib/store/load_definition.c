/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Definitions that a load depends on.
 *
 * Owns the question whether a view is still the one that a load was begun for.
 * Keeps it cheap: the catalog is looked at where its version has changed, and not
 * before.
 * Never compares more than the view, its entity and its event.
 */
#include <string.h>

#include "base/bytes.h"
#include "format/record.h"
#include "store/loads.h"

static bool
is_wanted(const struct lf_record *record, const struct lf_view *view)
{
    uint32_t id = lf_load_big_u32(record->key + 1);

    switch (record->key[0]) {
    case LF_RECORD_VIEW:
        return id == view->id;
    case LF_RECORD_ENTITY:
        return id == view->entity;
    case LF_RECORD_EVENT:
        return view->event && id == view->event;
    default:
        return false;
    }
}

feature_status
lf_definition_take(struct lf_definition *definition,
                   const struct lf_catalog *catalog, const struct lf_view *view,
                   struct feature_error *error)
{
    struct lf_arena arena = {0};
    struct lf_record *records;
    feature_status status;
    size_t count;

    definition->bytes.size = 0;
    definition->catalog_version = catalog->version;
    status = lf_records_encode(catalog, &arena, &records, &count, error);
    for (size_t i = 0; !status && i < count; i++)
        if (is_wanted(&records[i], view) &&
            !lf_buffer_append(&definition->bytes, records[i].bytes,
                              records[i].size))
            status = lf_fail_memory(error);
    lf_arena_free(&arena);
    return status;
}

static feature_status
compare(const struct lf_definition *definition,
        const struct lf_catalog *catalog, uint32_t id, const char *name,
        struct feature_error *error)
{
    const struct lf_view *view = lf_catalog_view_by_id(catalog, id);
    struct lf_definition now = {0};
    feature_status status = FEATURE_OK;
    bool is_same = false;

    if (view) {
        status = lf_definition_take(&now, catalog, view, error);
        is_same =
            now.bytes.size == definition->bytes.size &&
            !memcmp(now.bytes.data, definition->bytes.data, now.bytes.size);
    }
    lf_buffer_free(&now.bytes);
    if (status || is_same)
        return status;
    return lf_fail(error, FEATURE_CONFLICT, "schema-changed",
                   "feature view %s was %s since the load began", name,
                   view ? "changed" : "dropped");
}

feature_status
lf_definition_check(struct lf_definition *definition, struct lf_commit *commit,
                    uint32_t view, const char *name,
                    struct feature_error *error)
{
    struct lf_catalog *catalog;
    feature_status status;

    if (commit->meta.catalog_version == definition->catalog_version)
        return FEATURE_OK;
    LF_TRY(lf_commit_catalog(commit, &catalog, error));
    status = compare(definition, catalog, view, name, error);
    if (!status)
        definition->catalog_version = catalog->version;
    lf_catalog_release(catalog);
    return status;
}
