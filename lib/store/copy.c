/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The checks on the way of a copy.
 *
 * Owns what a snapshot has to be true to, besides rows: the records of its views,
 * the catalog, histories, ids.
 * Keeps damage from being carried on: a store that does not check gives no
 * snapshot, and a snapshot that does not check gives no store.
 * Never lets a tree end before it has what its view's record says.
 */
#include "store/copy.h"

#include <string.h>

#include "base/alloc.h"

static feature_status
damaged(struct feature_error *error, const char *what)
{
    return lf_fail(error, FEATURE_CORRUPT, "structure", "%s", what);
}

static feature_status
check_store(const struct lf_meta_store *meta, struct feature_error *error)
{
    uint64_t unknown =
        (meta->incompatible & ~(uint64_t)LF_KNOWN_INCOMPATIBLE) |
        (meta->write_incompatible & ~(uint64_t)LF_KNOWN_WRITE_INCOMPATIBLE);

    if (meta->format != LF_FORMAT_VERSION)
        return lf_fail(error, FEATURE_VERSION, "format",
                       "it is of a store of format %u, this library serves %d",
                       meta->format, LF_FORMAT_VERSION);
    if (unknown)
        return lf_fail(error, FEATURE_VERSION, "feature-bits",
                       "it is of a store with features of a newer libfeature "
                       "(bits 0x%llx)",
                       (unsigned long long)unknown);
    return FEATURE_OK;
}

feature_status
lf_copy_begin(struct lf_copy *copy, struct feature_error *error)
{
    const struct lf_manifest *manifest = &copy->manifest;
    uint64_t rows = 0;

    LF_TRY(check_store(&manifest->meta, error));
    for (uint32_t i = 0; i < manifest->view_count; i++) {
        const struct lf_meta_view *meta = &manifest->views[i].meta;

        if (!meta->commit || meta->commit > manifest->meta.sequence ||
            meta->applied < meta->row_entries ||
            __builtin_add_overflow(rows, meta->row_entries, &rows))
            return damaged(error, "the record of a view cannot be true");
    }
    if (copy->progress)
        __atomic_store_n(&copy->progress->total_rows, rows, __ATOMIC_RELAXED);
    if (copy->sink) {
        LF_TRY(copy->sink->begin(copy->to, manifest, error));
        LF_TRY(copy->sink->tree(copy->to, NULL, false, error));
    }
    return FEATURE_OK;
}

feature_status
lf_copy_record(struct lf_copy *copy, const uint8_t *key, size_t key_size,
               const uint8_t *value, size_t size, struct feature_error *error)
{
    struct lf_record record = {.size = size};
    uint8_t *bytes;

    if (key_size != LF_RECORD_KEY_SIZE)
        return damaged(error, "a catalog record has a key of another size");
    bytes = lf_arena_alloc(&copy->arena, size);
    if (!bytes)
        return lf_fail_memory(error);
    memcpy(bytes, value, size);
    memcpy(record.key, key, key_size);
    record.bytes = bytes;
    if (!lf_buffer_append(&copy->records, &record, sizeof record))
        return lf_fail_memory(error);
    return copy->sink
               ? copy->sink->put(copy->to, key, key_size, value, size, error)
               : FEATURE_OK;
}

feature_status
lf_copy_catalog(struct lf_copy *copy, struct feature_error *error)
{
    size_t count = copy->records.size / sizeof(struct lf_record);
    const struct lf_record *records =
        (const struct lf_record *)copy->records.data;

    for (size_t i = 1; i < count; i++)
        if (memcmp(records[i - 1].key, records[i].key, LF_RECORD_KEY_SIZE) >= 0)
            return damaged(error, "the catalog's records are not in order");
    LF_TRY(lf_records_decode(records, count, &copy->catalog, error));
    if (copy->catalog->version != copy->manifest.meta.catalog_version)
        return damaged(error, "the catalog has another version than the store");
    for (uint32_t i = 0; i < copy->manifest.view_count; i++)
        if (!lf_catalog_view_by_id(copy->catalog, copy->manifest.views[i].id))
            return damaged(error, "a view is not in the catalog");
    return FEATURE_OK;
}

feature_status
lf_copy_view(struct lf_copy *copy, struct feature_error *error)
{
    const struct lf_manifest_view *next = &copy->manifest.views[copy->view];
    const struct lf_view *view = lf_catalog_view_by_id(copy->catalog, next->id);

    lf_arena_free(&copy->layout_arena);
    copy->layouts = lf_arena_array(&copy->layout_arena, view->schema_count,
                                   sizeof *copy->layouts);
    if (!copy->layouts)
        return lf_fail_memory(error);
    if (view->event)
        LF_TRY(
            lf_window_check_begin(&copy->windows, copy->catalog, view, error));
    if (view->event)
        lf_sides_init(&copy->sides, view);
    copy->definition = view;
    copy->entity = lf_catalog_entity_by_id(copy->catalog, view->entity);
    copy->seed = lf_row_seed(view->id);
    copy->content = (struct lf_hash128){0};
    copy->view_rows = copy->view_tombstones = copy->view_tiles = 0;
    copy->last_size = 0;
    copy->is_history = false;
    return copy->sink ? copy->sink->tree(copy->to, view, false, error)
                      : FEATURE_OK;
}

static feature_status
fail_entry(const struct lf_copy *copy, const struct lf_history_problem *problem,
           struct feature_error *error)
{
    return lf_fail(error, FEATURE_CORRUPT, problem->reason,
                   "entry %llu of the history of view %s: %s",
                   (unsigned long long)copy->check.entries,
                   copy->definition->name, problem->what);
}

feature_status
lf_copy_history(struct lf_copy *copy, struct feature_error *error)
{
    const struct lf_meta_view *meta = &copy->manifest.views[copy->view].meta;

    LF_TRY(lf_copy_rows_end(copy, error));
    if (!copy->definition->history)
        return damaged(error, "a view has history and should keep none");
    lf_history_check_free(&copy->check);
    LF_TRY(lf_history_check_begin(&copy->check, copy->catalog, copy->definition,
                                  meta, &copy->manifest.meta, error));
    copy->is_history = true;
    return copy->sink
               ? copy->sink->tree(copy->to, copy->definition, true, error)
               : FEATURE_OK;
}

feature_status
lf_copy_blocks(struct lf_copy *copy, struct feature_error *error)
{
    const uint8_t *record = NULL;
    size_t size = 0;
    char key[LF_DICTIONARY_KEY_SIZE];

    lf_dictionary_key(copy->definition->id, key);
    for (uint32_t i = 0; i < copy->dictionary_count; i++) {
        const struct lf_dictionary_copy *each = &copy->dictionaries[i];

        if (strcmp(each->key, key) != 0)
            continue;
        record = each->record;
        size = each->size;
    }
    return lf_history_check_blocks(&copy->check, record, size, error);
}

static feature_status
put_version(struct lf_copy *copy, const uint8_t *key, size_t key_size,
            const uint8_t *value, size_t size, struct feature_error *error)
{
    copy->bytes += key_size + size;
    return copy->sink
               ? copy->sink->put(copy->to, key, key_size, value, size, error)
               : FEATURE_OK;
}

/* The versions of the block that was checked last, as entries. */
static feature_status
put_versions(struct lf_copy *copy, const uint8_t *block_key, size_t key_size,
             struct feature_error *error)
{
    const struct lf_versions_block *block = &copy->check.block;
    uint8_t key[LF_HISTORY_KEY_MAX];

    memcpy(key, block_key, key_size);
    for (uint32_t i = 0; i < block->count; i++) {
        const struct lf_history_entry *entry = &block->entries[i];
        struct lf_buffer image = {.data =
                                      (uint8_t *)(uintptr_t)entry->image.bytes,
                                  .size = entry->image.size};

        lf_history_put_place(key + key_size - LF_HISTORY_PLACE_SIZE,
                             &entry->place);
        if (!lf_history_encode(entry, copy->check.seed, key, key_size,
                               entry->row.bytes, entry->row.size,
                               entry->has_image ? &image : NULL, &copy->entry))
            return lf_fail_memory(error);
        LF_TRY(put_version(copy, key, key_size, copy->entry.data,
                           copy->entry.size, error));
    }
    return FEATURE_OK;
}

feature_status
lf_copy_version(struct lf_copy *copy, const uint8_t *key, size_t key_size,
                const uint8_t *value, size_t size, struct feature_error *error)
{
    struct lf_history_problem problem;

    LF_TRY(lf_history_check_entry(&copy->check, key, key_size, value, size,
                                  &problem, error));
    if (!problem.reason &&
        !lf_copy_is_key(copy, key, key_size - LF_HISTORY_PLACE_SIZE))
        problem = (struct lf_history_problem){
            "structure", "its key is not one of the entity's"};
    if (problem.reason)
        return fail_entry(copy, &problem, error);
    return lf_is_block(value, size) && !copy->keeps_blocks
               ? put_versions(copy, key, key_size, error)
               : put_version(copy, key, key_size, value, size, error);
}

static feature_status
end_history(struct lf_copy *copy, struct feature_error *error)
{
    struct lf_history_problem problem;

    LF_TRY(lf_history_check_end(&copy->check, &problem, error));
    return problem.reason ? fail_entry(copy, &problem, error) : FEATURE_OK;
}

feature_status
lf_copy_view_end(struct lf_copy *copy, struct feature_error *error)
{
    const struct lf_meta_view *meta = &copy->manifest.views[copy->view].meta;

    if (copy->is_history)
        LF_TRY(end_history(copy, error));
    else
        LF_TRY(lf_copy_rows_end(copy, error));
    if (!copy->is_history && meta->history_entries)
        return damaged(error, "the history of a view is missing");
    copy->definition = NULL;
    copy->view++;
    return FEATURE_OK;
}

feature_status
lf_copy_ids(struct lf_copy *copy, uint32_t id, struct feature_error *error)
{
    const struct lf_event *event = lf_catalog_event_by_id(copy->catalog, id);

    if (!event || !lf_dedupe_applies(event) ||
        (copy->event && copy->event->id >= id))
        return damaged(error, "the ids of an event are out of place");
    copy->event = event;
    copy->last_size = 0;
    return copy->sink ? copy->sink->ids(copy->to, event, error) : FEATURE_OK;
}

feature_status
lf_copy_id(struct lf_copy *copy, const uint8_t *key, size_t key_size,
           const uint8_t *value, size_t size, struct feature_error *error)
{
    struct lf_dedupe_entry entry;
    const char *problem =
        lf_dedupe_open(&entry, copy->event->id, key, key_size, value, size);

    if (!problem && (!lf_copy_is_after(copy, key, key_size) ||
                     entry.commit_time > copy->manifest.meta.commit_time))
        problem = "structure";
    if (problem)
        return lf_fail(error, FEATURE_CORRUPT, problem,
                       "an id of event %s is damaged", copy->event->name);
    memcpy(copy->last, key, key_size);
    copy->last_size = key_size;
    copy->bytes += key_size + size;
    return copy->sink
               ? copy->sink->put(copy->to, key, key_size, value, size, error)
               : FEATURE_OK;
}

feature_status
lf_copy_tell(const struct lf_copy *copy, struct feature_error *error)
{
    struct feature_progress *progress = copy->progress;

    if (!progress)
        return FEATURE_OK;
    __atomic_store_n(&progress->rows, copy->rows, __ATOMIC_RELAXED);
    __atomic_store_n(&progress->bytes, copy->bytes, __ATOMIC_RELAXED);
    if (__atomic_load_n(&progress->cancel, __ATOMIC_RELAXED))
        return lf_fail(error, FEATURE_BUSY, "cancelled",
                       "the caller cancelled it");
    return FEATURE_OK;
}

void
lf_copy_free(struct lf_copy *copy)
{
    lf_catalog_release(copy->catalog);
    lf_buffer_free(&copy->records);
    lf_buffer_free(&copy->entry);
    lf_history_check_free(&copy->check);
    lf_window_check_free(&copy->windows);
    lf_sides_free(&copy->sides);
    lf_buffer_free(&copy->full);
    lf_buffer_free(&copy->slim);
    lf_arena_free(&copy->layout_arena);
    lf_arena_free(&copy->arena);
}

void
lf_copy_report(const struct lf_copy *copy,
               struct feature_snapshot_report *report)
{
    report->views = copy->catalog ? copy->catalog->view_count : 0;
    report->sequence = copy->manifest.meta.sequence;
    report->time = copy->manifest.meta.commit_time;
    report->catalog_version = copy->manifest.meta.catalog_version;
    report->rows = copy->rows;
    report->bytes = copy->bytes;
}
