/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Definitions in the store: apply, plan, describe, and the cached catalog.
 *
 * Owns the tree `catalog`: one record a definition, written by apply alone.
 * Keeps the catalog of a snapshot and its version number together, so that a
 * cached catalog is used exactly for the snapshots it belongs to.
 * Never changes a record that says the same.
 */
#include "store/dedupe.h"
#include "store/history.h"
#include "store/history_pack.h"
#include "store/loads.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "format/record.h"
#include "model/define.h"
#include "store/upkeep.h"

#define CATALOG_TREE "catalog"

void
lf_rows_tree(const struct lf_view *view, char name[LF_TREE_NAME_SIZE])
{
    snprintf(name, LF_TREE_NAME_SIZE, "rows/%016llx/%016llx",
             (unsigned long long)view->id, (unsigned long long)view->version);
}

void
lf_tiles_tree(const struct lf_view *view, char name[LF_TREE_NAME_SIZE])
{
    snprintf(name, LF_TREE_NAME_SIZE, "tiles/%016llx/%016llx",
             (unsigned long long)view->id, (unsigned long long)view->version);
}

static feature_status
collect_record(void *context, const uint8_t *key, size_t key_size,
               const uint8_t *value, size_t size, struct feature_error *error)
{
    struct lf_buffer *records = context;
    struct lf_record record = {.bytes = value, .size = size};

    if (key_size != LF_RECORD_KEY_SIZE)
        return lf_fail(error, FEATURE_CORRUPT, "structure",
                       "the catalog has a key of %zu bytes", key_size);
    memcpy(record.key, key, key_size);
    if (!lf_buffer_append(records, &record, sizeof record))
        return lf_fail_memory(error);
    return FEATURE_OK;
}

/* Decodes what was collected and checks that it is the version meta names. */
static feature_status
decode_catalog(const struct lf_buffer *records,
               const struct lf_meta_store *meta, struct lf_catalog **catalog,
               struct feature_error *error)
{
    struct lf_catalog *made = NULL;

    if (!records->size) {
        made = lf_catalog_empty();
        if (!made)
            return lf_fail_memory(error);
    } else {
        LF_TRY(lf_records_decode((const struct lf_record *)records->data,
                                 records->size / sizeof(struct lf_record),
                                 &made, error));
    }
    if (made->version != meta->catalog_version) {
        unsigned long long version = made->version;

        lf_catalog_release(made);
        return lf_fail(error, FEATURE_CORRUPT, "structure",
                       "the catalog has version %llu, the store's record says "
                       "%llu",
                       version, (unsigned long long)meta->catalog_version);
    }
    *catalog = made;
    return FEATURE_OK;
}

static struct lf_catalog *
cached_catalog(feature_store *store, uint64_t version)
{
    struct lf_catalog *catalog = NULL;

    pthread_mutex_lock(&store->lock);
    if (store->catalog && store->catalog->version == version)
        catalog = lf_catalog_hold(store->catalog);
    pthread_mutex_unlock(&store->lock);
    return catalog;
}

void
lf_store_publish(feature_store *store, struct lf_catalog *catalog)
{
    struct lf_catalog *old = NULL;

    pthread_mutex_lock(&store->lock);
    if (!store->catalog || store->catalog->version < catalog->version) {
        old = store->catalog;
        store->catalog = lf_catalog_hold(catalog);
    }
    pthread_mutex_unlock(&store->lock);
    lf_catalog_release(old);
}

feature_status
lf_store_read_catalog(feature_store *store, struct lf_reader *reader,
                      const struct lf_meta_store *meta,
                      struct lf_catalog **catalog, struct feature_error *error)
{
    struct lf_catalog *made = cached_catalog(store, meta->catalog_version);
    struct lf_buffer records = {0};
    feature_status status;

    if (made) {
        *catalog = made;
        return FEATURE_OK;
    }
    status =
        lf_reader_scan(reader, CATALOG_TREE, collect_record, &records, error);
    if (!status)
        status = decode_catalog(&records, meta, &made, error);
    lf_buffer_free(&records);
    if (status)
        return status;
    lf_store_publish(store, made);
    *catalog = made;
    return FEATURE_OK;
}

feature_status
lf_store_catalog(feature_store *store, struct lf_catalog **catalog,
                 struct feature_error *error)
{
    struct lf_meta_store meta;
    struct lf_reader *reader;
    feature_status status;

    LF_TRY(lf_reader_begin(store->environment, &reader, error));
    status = lf_store_read_meta(reader, &meta, error);
    if (!status)
        status = lf_store_read_catalog(store, reader, &meta, catalog, error);
    lf_reader_end(reader);
    return status;
}

feature_status
lf_commit_catalog(struct lf_commit *commit, struct lf_catalog **catalog,
                  struct feature_error *error)
{
    struct lf_catalog *made =
        cached_catalog(commit->store, commit->meta.catalog_version);
    struct lf_buffer records = {0};
    struct lf_tree *tree = NULL;
    feature_status status;

    if (made) {
        *catalog = made;
        return FEATURE_OK;
    }
    status = lf_writer_tree(commit->writer, CATALOG_TREE, false, &tree, error);
    if (!status && tree)
        status = lf_tree_scan(tree, collect_record, &records, error);
    if (!status)
        status = decode_catalog(&records, &commit->meta, &made, error);
    lf_buffer_free(&records);
    if (status)
        return status;
    *catalog = made;
    return FEATURE_OK;
}

feature_status
lf_store_apply_limit(feature_store *store, const struct lf_catalog *catalog,
                     struct feature_error *error)
{
    bool news;

    pthread_mutex_lock(&store->lock);
    news = store->limit != catalog->max_size;
    store->limit = catalog->max_size;
    pthread_mutex_unlock(&store->lock);
    if (!news)
        return FEATURE_OK;
    return lf_environment_limit(store->environment, catalog->max_size, error);
}

/* Puts what is new or different. */
static feature_status
put_records(struct lf_commit *commit, struct lf_tree *tree,
            const struct lf_record *records, size_t count,
            struct feature_error *error)
{
    for (size_t i = 0; i < count; i++) {
        const struct lf_record *record = &records[i];
        const uint8_t *value;
        size_t size;
        bool found;

        LF_TRY(lf_tree_get(tree, record->key, sizeof record->key, &found,
                           &value, &size, error));
        if (found && size == record->size &&
            memcmp(value, record->bytes, size) == 0)
            continue;
        LF_TRY(lf_tree_put(tree, record->key, sizeof record->key, record->bytes,
                           record->size, false, error));
        LF_TRY(lf_feed_define(commit, record->key, sizeof record->key,
                              record->bytes, record->size, error));
    }
    return FEATURE_OK;
}

static bool
has_key(const struct lf_record *records, size_t count, const uint8_t *key)
{
    for (size_t i = 0; i < count; i++)
        if (memcmp(records[i].key, key, LF_RECORD_KEY_SIZE) == 0)
            return true;
    return false;
}

/* Removes the records of definitions that are gone. */
static feature_status
delete_records(struct lf_commit *commit, struct lf_tree *tree,
               const struct lf_record *before, size_t before_count,
               const struct lf_record *after, size_t after_count,
               struct feature_error *error)
{
    for (size_t i = 0; i < before_count; i++) {
        const uint8_t *key = before[i].key;

        if (has_key(after, after_count, key))
            continue;
        LF_TRY(lf_tree_delete(tree, key, LF_RECORD_KEY_SIZE, error));
        LF_TRY(lf_feed_define(commit, key, LF_RECORD_KEY_SIZE, NULL, 0, error));
    }
    return FEATURE_OK;
}

feature_status
lf_commit_write_catalog(struct lf_commit *commit,
                        const struct lf_catalog *before,
                        const struct lf_catalog *after,
                        struct feature_error *error)
{
    struct lf_arena arena = {0};
    struct lf_record *old = NULL, *new = NULL;
    size_t old_count = 0, new_count = 0;
    struct lf_tree *tree;
    feature_status status;

    status = lf_writer_tree(commit->writer, CATALOG_TREE, true, &tree, error);
    if (!status)
        status = lf_records_encode(before, &arena, &old, &old_count, error);
    if (!status)
        status = lf_records_encode(after, &arena, &new, &new_count, error);
    if (!status)
        status = put_records(commit, tree, new, new_count, error);
    if (!status)
        status =
            delete_records(commit, tree, old, old_count, new, new_count, error);
    lf_arena_free(&arena);
    return status;
}

feature_status
lf_commit_drop_views(struct lf_commit *commit, const struct lf_catalog *before,
                     const struct lf_catalog *after,
                     struct feature_error *error)
{
    for (uint32_t i = 0; i < before->event_count; i++) {
        char tree[LF_TREE_NAME_SIZE];

        if (lf_catalog_event_by_id(after, before->events[i].id))
            continue;
        lf_dedupe_tree(&before->events[i], tree);
        LF_TRY(lf_writer_drop(commit->writer, tree, error));
    }
    for (uint32_t i = 0; i < before->view_count; i++) {
        const struct lf_view *view = &before->views[i];
        char tree[LF_TREE_NAME_SIZE], key[LF_META_KEY_SIZE];

        if (lf_catalog_view_by_id(after, view->id))
            continue;
        lf_rows_tree(view, tree);
        lf_meta_view_key(view->id, key);
        LF_TRY(lf_writer_drop(commit->writer, tree, error));
        lf_history_tree(view, tree);
        LF_TRY(lf_writer_drop(commit->writer, tree, error));
        lf_tiles_tree(view, tree);
        LF_TRY(lf_writer_drop(commit->writer, tree, error));
        LF_TRY(lf_tree_delete(commit->tree, key, strlen(key), error));
        LF_TRY(lf_dictionary_forget(commit, view->id, error));
        LF_TRY(lf_upkeep_forget(commit, view->id, error));
        LF_TRY(lf_loads_forget(commit, view, error));
    }
    return FEATURE_OK;
}

static feature_status
apply_within(struct lf_commit *commit, const char *text, uint64_t expect,
             struct lf_catalog **after, struct feature_error *error)
{
    struct lf_catalog *before = NULL;
    feature_status status;

    if (expect && commit->meta.catalog_version != expect)
        return lf_fail(error, FEATURE_CONFLICT, "catalog-version",
                       "the catalog has version %llu, expected was %llu",
                       (unsigned long long)commit->meta.catalog_version,
                       (unsigned long long)expect);
    LF_TRY(lf_feed_check_leader(commit, error));
    LF_TRY(lf_commit_catalog(commit, &before, error));
    status = lf_define(before, text, after, NULL, error);
    if (!status && *after) {
        lf_commit_number(commit);
        commit->meta.catalog_version = (*after)->version;
        status = lf_feed_begin(commit, *after, NULL, 0, error);
        if (!status)
            status = lf_commit_write_catalog(commit, before, *after, error);
        if (!status)
            status = lf_commit_drop_views(commit, before, *after, error);
        if (!status)
            status = lf_history_follow(commit, before, *after, error);
        if (!status)
            status = lf_feed_end(commit, error);
    }
    lf_catalog_release(before);
    return status;
}

static void
report_commit(struct feature_commit *report, const struct lf_meta_store *meta)
{
    struct feature_commit ours = {.sequence = meta->sequence,
                                  .time = meta->commit_time};

    if (report)
        lf_report_write(report, &ours, sizeof ours);
}

/* One transaction. after: the catalog it made, NULL for no change. */
static feature_status
try_apply(feature_store *store, const char *text, uint64_t expect,
          struct lf_commit *commit, struct lf_catalog **after,
          struct feature_error *error)
{
    feature_status status;

    LF_TRY(lf_commit_begin(commit, store, 0, error));
    status = apply_within(commit, text, expect, after, error);
    if (status || !*after)
        lf_commit_abort(commit);
    else
        status = lf_commit_finish(commit, error);
    return status;
}

static feature_status
apply_text(feature_store *store, const char *text, uint64_t expect,
           struct feature_commit *report, struct feature_error *error)
{
    struct feature_error problem = {0};
    struct lf_catalog *after = NULL;
    struct lf_commit commit;
    feature_status status;

    for (;;) {
        status = try_apply(store, text, expect, &commit, &after, &problem);
        if (!status || !lf_commit_grow(store, &status, &problem))
            break;
        lf_catalog_release(after);
        after = NULL;
    }
    if (status && error)
        *error = problem;
    if (!status && after) {
        lf_store_publish(store, after);
        /* The definitions are in: a map that cannot shrink now will at the
         * next write. */
        (void)lf_store_apply_limit(store, after, NULL);
    }
    if (!status)
        report_commit(report, &commit.meta);
    lf_catalog_release(after);
    return status;
}

feature_status
feature_store_apply(feature_store *store, const char *definitions,
                    const struct feature_apply_options *options,
                    struct feature_commit *commit, struct feature_error *error)
{
    struct feature_apply_options asked;
    feature_status status;

    if (!store || !definitions)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "store and definitions are needed");
    LF_TRY(lf_options_read(&asked, sizeof asked, options,
                           "feature_apply_options", error));
    if (asked.flags)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "unknown bits 0x%x in the apply options' flags",
                       asked.flags);
    if (commit)
        LF_TRY(lf_report_check(commit, "feature_commit", error));
    LF_TRY(lf_store_enter(store, error));
    status = apply_text(store, definitions, asked.expect, commit, error);
    lf_store_leave(store);
    return status;
}

/* What plan and describe share: a text made from the newest catalog. */
static feature_status
print_from_catalog(feature_store *store,
                   feature_status (*print)(const struct lf_catalog *,
                                           const char *, struct lf_text *,
                                           struct feature_error *),
                   const char *argument, char **printed,
                   struct feature_error *error)
{
    struct lf_catalog *catalog = NULL;
    struct lf_text text = {0};
    feature_status status;
    char *taken;

    LF_TRY(lf_store_enter(store, error));
    status = lf_store_catalog(store, &catalog, error);
    if (!status)
        status = print(catalog, argument, &text, error);
    lf_catalog_release(catalog);
    lf_store_leave(store);
    if (status) {
        lf_text_free(&text);
        return status;
    }
    taken = lf_text_take(&text);
    if (!taken)
        return lf_fail_memory(error);
    *printed = taken;
    return FEATURE_OK;
}

static feature_status
print_plan(const struct lf_catalog *catalog, const char *text,
           struct lf_text *lines, struct feature_error *error)
{
    struct lf_catalog *after = NULL;
    feature_status status = lf_define(catalog, text, &after, lines, error);

    lf_catalog_release(after);
    return status;
}

feature_status
feature_store_plan(feature_store *store, const char *definitions,
                   char **changes, struct feature_error *error)
{
    if (!store || !definitions || !changes)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "store, definitions and changes are needed");
    return print_from_catalog(store, print_plan, definitions, changes, error);
}

feature_status
feature_store_describe(feature_store *store, const char *name,
                       char **definitions, struct feature_error *error)
{
    if (!store || !definitions)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "store and definitions are needed");
    return print_from_catalog(store, lf_describe, name, definitions, error);
}
