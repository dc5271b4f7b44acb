/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The checks on the way of a copy.
 *
 * Owns what a snapshot has to be true to: order of keys, checksums, the form of
 * each key and row, counts and content hashes of each view, the catalog.
 * Keeps damage from being carried on: a store that does not check gives no
 * snapshot, and a snapshot that does not check gives no store.
 * Never looks at a byte of a row before its checksum.
 */
#include "store/copy.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "format/key.h"

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

/* As LMDB orders keys. */
static bool
is_after(const struct lf_copy *copy, const uint8_t *key, size_t size)
{
    size_t common = size < copy->last_size ? size : copy->last_size;
    int order = memcmp(key, copy->last, common);

    return order > 0 || (order == 0 && size > copy->last_size);
}

/* A key is the parts of its entity, and no byte more. */
static bool
is_key(const struct lf_copy *copy, const uint8_t *key, size_t size)
{
    const uint8_t *at = key, *end = key + size;
    uint8_t text[LF_KEY_MAX];
    int64_t number;

    for (uint32_t i = 0; i < copy->entity->key_count; i++) {
        bool is_number = copy->entity->keys[i].code == FEATURE_TYPE_INT64;
        size_t text_size;

        if (is_number ? !lf_key_get_int64(&at, end, &number)
                      : !lf_key_get_bytes(&at, end, text, &text_size))
            return false;
    }
    return at == end;
}

static feature_status
fail_row(const struct lf_copy *copy, const char *reason, const char *what,
         struct feature_error *error)
{
    return lf_fail(error, FEATURE_CORRUPT, reason, "row %llu of view %s: %s",
                   (unsigned long long)copy->view_rows, copy->definition->name,
                   what);
}

static feature_status
check_window(struct lf_copy *copy, const struct lf_row *row,
             struct feature_error *error)
{
    bool is_right;

    LF_TRY(lf_window_check_row(&copy->windows, row, &is_right, error));
    return is_right
               ? FEATURE_OK
               : fail_row(copy, "structure", "its state is damaged", error);
}

static feature_status
check_form(struct lf_copy *copy, struct lf_row *row,
           struct feature_error *error)
{
    const struct lf_schema *schema =
        lf_view_schema(copy->definition, row->version);
    struct lf_layout *layout;

    if (!schema)
        return fail_row(copy, "structure", "it has an unknown schema version",
                        error);
    if (row->flags & LF_ROW_TOMBSTONE)
        return FEATURE_OK;
    if (copy->definition->event)
        return check_window(copy, row, error);
    layout = &copy->layouts[schema - copy->definition->schemas];
    if (!layout->version &&
        !lf_layout_init(layout, schema, &copy->layout_arena))
        return lf_fail_memory(error);
    if (!lf_row_check(row, layout))
        return fail_row(copy, "structure", "it does not fit its schema version",
                        error);
    return FEATURE_OK;
}

static feature_status
check_row(struct lf_copy *copy, const uint8_t *key, size_t key_size,
          const uint8_t *bytes, size_t size, struct lf_row *row,
          struct feature_error *error)
{
    if (!key_size || key_size > LF_KEY_MAX)
        return fail_row(copy, "structure", "its key has a wrong size", error);
    if (copy->view_rows && !is_after(copy, key, key_size))
        return fail_row(copy, "structure", "its key is out of order", error);
    if (size < LF_ROW_HEADER_SIZE ||
        lf_load_u32(bytes) !=
            lf_row_checksum(copy->seed, key, key_size, bytes, size))
        return fail_row(copy, "checksum", "it does not match its checksum",
                        error);
    if (!is_key(copy, key, key_size))
        return fail_row(copy, "structure", "its key is not one of the entity's",
                        error);
    if (!lf_row_open(row, bytes, size))
        return fail_row(copy, "structure", "it has an unknown form", error);
    LF_TRY(check_form(copy, row, error));
    if (row->flags & LF_ROW_TOMBSTONE)
        copy->view_tombstones++;
    return FEATURE_OK;
}

feature_status
lf_copy_fill(struct lf_copy *copy, const uint8_t *key, size_t key_size,
             const uint8_t **bytes, size_t *size, struct feature_error *error)
{
    struct lf_row row;

    if (!copy->definition->event || key_size > LF_KEY_MAX ||
        *size < LF_ROW_HEADER_SIZE ||
        lf_load_u32(*bytes) !=
            lf_row_checksum(copy->seed, key, key_size, *bytes, *size) ||
        !lf_row_open(&row, *bytes, *size) || !lf_sides_has(&row))
        return FEATURE_OK;
    lf_sides_begin(&copy->sides, key, key_size);
    LF_TRY(lf_sides_inflate(&copy->sides, &copy->windows.form, &row,
                            &copy->full, error));
    lf_row_seal(copy->seed, key, key_size, &copy->full);
    *bytes = copy->full.data;
    *size = copy->full.size;
    return FEATURE_OK;
}

static int
compare_items(const void *a, const void *b)
{
    const struct lf_beside_item *x = a, *y = b;

    return memcmp(x->ref.hash, y->ref.hash, sizeof x->ref.hash);
}

/* What lies beside a row, in order of key. */
static feature_status
put_sides(struct lf_copy *copy, struct feature_error *error)
{
    struct lf_sides *sides = &copy->sides;
    size_t count;
    struct lf_beside_item *items =
        lf_beside_set_items(&sides->beside.made, &count);

    copy->view_tiles += count;
    if (!copy->sink || !copy->sink->side || !count)
        return FEATURE_OK;
    qsort(items, count, sizeof *items, compare_items);
    for (size_t i = 0; i < count; i++) {
        size_t size =
            lf_side_key(sides->key, sides->key_size, &items[i].ref);

        if (!lf_side_encode(sides->seed, sides->key, size, items[i].bytes,
                            items[i].ref.size, &sides->value))
            return lf_fail_memory(error);
        LF_TRY(copy->sink->side(copy->to, sides->key, size, sides->value.data,
                                sides->value.size, error));
    }
    return FEATURE_OK;
}

/* A checked row as it is stored: what is wide goes beside it. */
static feature_status
make_slim(struct lf_copy *copy, const uint8_t *key, size_t key_size,
          struct lf_row *row, struct feature_error *error)
{
    if (!(row->flags & LF_ROW_WINDOW) || row->size < LF_BESIDE_FROM)
        return FEATURE_OK;
    lf_sides_begin(&copy->sides, key, key_size);
    LF_TRY(lf_sides_deflate(&copy->sides, &copy->windows.form, row, &copy->slim,
                            error));
    if (!copy->sides.beside.is_used)
        return FEATURE_OK;
    lf_row_seal(copy->seed, key, key_size, &copy->slim);
    row->bytes = copy->slim.data;
    row->size = (uint32_t)copy->slim.size;
    return put_sides(copy, error);
}

feature_status
lf_copy_row(struct lf_copy *copy, const uint8_t *key, size_t key_size,
            const uint8_t *bytes, size_t size, struct feature_error *error)
{
    const struct lf_sink *sink = copy->sink;
    struct lf_row row;

    LF_TRY(check_row(copy, key, key_size, bytes, size, &row, error));
    LF_TRY(make_slim(copy, key, key_size, &row, error));
    lf_hash128_add(&copy->content, lf_row_hash(copy->definition->id, key,
                                               key_size, row.bytes, row.size));
    memcpy(copy->last, key, key_size);
    copy->last_size = key_size;
    copy->view_rows++;
    copy->rows++;
    copy->bytes += key_size + size;
    if (!sink)
        return FEATURE_OK;
    return sink->side ? sink->put(copy->to, key, key_size, row.bytes, row.size,
                                  error)
                      : sink->put(copy->to, key, key_size, bytes, size, error);
}

/* The rows of a view are all there. */
static feature_status
end_rows(struct lf_copy *copy, struct feature_error *error)
{
    const struct lf_meta_view *meta = &copy->manifest.views[copy->view].meta;
    const char *name = copy->definition->name;

    if (copy->view_rows != meta->row_entries ||
        copy->view_tombstones != meta->tombstones)
        return lf_fail(error, FEATURE_CORRUPT, "structure",
                       "view %s has %llu rows and %llu tombstones, its record "
                       "says %llu and %llu",
                       name, (unsigned long long)copy->view_rows,
                       (unsigned long long)copy->view_tombstones,
                       (unsigned long long)meta->row_entries,
                       (unsigned long long)meta->tombstones);
    if (copy->view_tiles != meta->tile_entries)
        return lf_fail(error, FEATURE_CORRUPT, "structure",
                       "view %s has %llu states beside its rows, its record "
                       "says %llu",
                       name, (unsigned long long)copy->view_tiles,
                       (unsigned long long)meta->tile_entries);
    if (copy->content.low != meta->content.low ||
        copy->content.high != meta->content.high)
        return lf_fail(error, FEATURE_CORRUPT, "checksum",
                       "the rows of view %s do not match its content hash",
                       name);
    return FEATURE_OK;
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

    LF_TRY(end_rows(copy, error));
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
    if (!problem.reason && !is_key(copy, key, key_size - LF_HISTORY_PLACE_SIZE))
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
        LF_TRY(end_rows(copy, error));
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

    if (!problem && (!is_after(copy, key, key_size) ||
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
