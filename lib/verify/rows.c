/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of all views.
 *
 * Owns what a row has to be: sealed, of a schema version of its view, in the
 * one form its cells are encoded in.
 * Keeps the sums that a view's record is compared with.
 * Never asks for less of a row where the definitions are lost than can be known
 * without them: its checksum.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/utf8.h"
#include "store/store.h"
#include "store/window_check.h"
#include "verify/sides.h"

#define ROWS_PREFIX    "rows/"
#define HISTORY_PREFIX "history/"
#define TILES_PREFIX   "tiles/"

/* The rows of one tree. */
struct rows {
    uint32_t id; /* of the view */
    uint32_t version;
    uint32_t seed;
    struct lf_view of;              /* as the version of the tree */
    const struct lf_view *view;     /* that; NULL: not known */
    const struct lf_entity *entity; /* of the view */
    struct lf_layout *layouts;      /* by version - 1; no slots: not made yet */
    struct lf_cell *cells;          /* as many as the widest version has */
    struct lf_arena arena;
    struct lf_buffer again;         /* a row, encoded once more */
    struct lf_window_check windows; /* of a view FROM an event */
    struct lf_verify_sides sides;   /* and the states beside */
    uint64_t entries, tombstones;
    int64_t newest;
    struct lf_hash128 content;
};

static void
bad_row(struct lf_verify *verify, const struct lf_entry *entry,
        const char *what)
{
    lf_found(verify, LF_FOUND_ROW, &entry->place, "%s", what);
}

static bool
strings_are_utf8(const uint8_t *bytes)
{
    uint32_t count = lf_load_u32(bytes), begin = 0;
    const uint8_t *ends = bytes + 4, *text = ends + 4 * (size_t)count;

    for (uint32_t i = 0; i < count; i++) {
        uint32_t end = lf_load_u32(ends + 4 * (size_t)i);

        if (!lf_utf8_valid(text + begin, end - begin))
            return false;
        begin = end;
    }
    return true;
}

/* Whether the bytes of a cell can be a value of the slot's type. */
static bool
is_value(const struct lf_slot *slot, const struct lf_cell *cell)
{
    if (cell->is_null)
        return true;
    if (slot->type.code == FEATURE_TYPE_STRING)
        return slot->type.is_list ? strings_are_utf8(cell->bytes)
                                  : lf_utf8_valid(cell->bytes, cell->size);
    if (slot->type.code == FEATURE_TYPE_BOOL)
        for (uint32_t i = 0; i < cell->size; i++)
            if (cell->bytes[i] > 1)
                return false;
    return true;
}

/* The layout of a schema version; NULL in *layout: there is none. */
static feature_status
find_layout(struct rows *rows, uint16_t version, struct lf_layout **layout,
            struct feature_error *error)
{
    const struct lf_schema *schema = lf_view_schema(rows->view, version);

    *layout = NULL;
    if (!schema)
        return FEATURE_OK;
    *layout = &rows->layouts[schema - rows->view->schemas];
    if (!(*layout)->slots && !lf_layout_init(*layout, schema, &rows->arena))
        return lf_fail_memory(error);
    return FEATURE_OK;
}

/* The same cells give the same bytes: what differs was not written by the
 * library. The checksum was compared already. */
static feature_status
check_form(struct lf_verify *verify, struct rows *rows,
           const struct lf_row *row, const struct lf_layout *layout,
           const struct lf_entry *entry, struct feature_error *error)
{
    for (uint32_t i = 0; i < layout->count; i++) {
        rows->cells[i] = lf_row_cell(row, layout, i);
        if (!is_value(&layout->slots[i], &rows->cells[i])) {
            bad_row(verify, entry,
                    "the row holds a value that its type cannot");
            return FEATURE_OK;
        }
    }
    if (!lf_row_encode(layout, rows->cells, &rows->again))
        return lf_fail_memory(error);
    if (rows->again.size != row->size ||
        memcmp(rows->again.data + 4, row->bytes + 4, row->size - 4) != 0)
        bad_row(verify, entry, "the row is not what its cells encode to");
    return FEATURE_OK;
}

static feature_status
check_window(struct lf_verify *verify, struct rows *rows,
             const struct lf_row *row, const struct lf_entry *entry,
             struct feature_error *error)
{
    bool is_right;

    lf_verify_sides_row(&rows->sides, &entry->place);
    LF_TRY(lf_window_check_row(&rows->windows, row, &is_right, error));
    if (!is_right && !rows->sides.has_found)
        bad_row(verify, entry, "the state of the row is damaged");
    return FEATURE_OK;
}

static feature_status
check_layout(struct lf_verify *verify, struct rows *rows, struct lf_row *row,
             const struct lf_entry *entry, struct feature_error *error)
{
    struct lf_layout *layout;
    const char *problem =
        lf_verify_key(rows->entity, entry->place.key, entry->place.key_size);

    if (problem)
        bad_row(verify, entry, problem);
    LF_TRY(find_layout(rows, row->version, &layout, error));
    if (!layout) {
        lf_found(verify, LF_FOUND_ROW, &entry->place,
                 "the row has schema version %u, which its view has not",
                 row->version);
        return FEATURE_OK;
    }
    if (row->timestamp == LF_TIME_UNSET)
        bad_row(verify, entry, "the row has no event timestamp");
    if (row->flags & LF_ROW_TOMBSTONE)
        return FEATURE_OK;
    if (rows->view->event)
        return check_window(verify, rows, row, entry, error);
    if (!lf_row_check(row, layout)) {
        bad_row(verify, entry, "the row does not fit its schema version");
        return FEATURE_OK;
    }
    return check_form(verify, rows, row, layout, entry, error);
}

static void
count_row(struct rows *rows, const struct lf_row *row,
          const struct lf_entry *entry)
{
    rows->tombstones += row->flags & LF_ROW_TOMBSTONE ? 1 : 0;
    if (row->timestamp > rows->newest)
        rows->newest = row->timestamp;
    lf_hash128_add(&rows->content,
                   lf_row_hash(rows->id, entry->place.key,
                               entry->place.key_size, row->bytes, row->size));
}

static feature_status
visit_row(struct lf_verify *verify, void *context, const struct lf_entry *entry,
          struct feature_error *error)
{
    struct rows *rows = context;
    const uint8_t *bytes;
    struct lf_row row;

    rows->entries++;
    LF_TRY(lf_verify_value(verify, entry, &bytes, error));
    if (!bytes)
        return FEATURE_OK;
    if (entry->size < LF_ROW_HEADER_SIZE) {
        bad_row(verify, entry, "the row is too short");
        return FEATURE_OK;
    }
    if (lf_load_u32(bytes) != lf_row_checksum(rows->seed, entry->place.key,
                                              entry->place.key_size, bytes,
                                              entry->size)) {
        bad_row(verify, entry, "the row's checksum is wrong");
        return FEATURE_OK;
    }
    if (!lf_row_open(&row, bytes, entry->size)) {
        bad_row(verify, entry, "the row's header is impossible");
        return FEATURE_OK;
    }
    count_row(rows, &row, entry);
    return rows->view ? check_layout(verify, rows, &row, entry, error)
                      : FEATURE_OK;
}

/* What a view's record says against what there is. */
static void
compare_view(struct lf_verify *verify, const struct lf_place *place,
             const char *what, uint64_t stated, uint64_t counted)
{
    if (stated != counted)
        lf_found(verify, LF_FOUND_VIEW, place,
                 "the view's record says %llu %s, there are %llu",
                 (unsigned long long)stated, what, (unsigned long long)counted);
}

/* The newest timestamp is of a row that is there, unless cells left with a
 * feature that was dropped, or rows were purged. */
static bool
is_newest(const struct rows *rows, const struct lf_meta_view *meta)
{
    if (rows->newest > meta->newest)
        return false;
    return rows->newest == meta->newest || !rows->view ||
           rows->view->schema_count > 1 || meta->purge_time;
}

static void
check_view(struct lf_verify *verify, const struct lf_place *place,
           const struct rows *rows, const struct lf_meta_view *meta)
{
    compare_view(verify, place, "rows", meta->row_entries, rows->entries);
    compare_view(verify, place, "tombstones", meta->tombstones,
                 rows->tombstones);
    if (meta->content.low != rows->content.low ||
        meta->content.high != rows->content.high)
        lf_found(verify, LF_FOUND_VIEW, place,
                 "the view's content hash is not that of its rows");
    if (!is_newest(rows, meta))
        lf_found(verify, LF_FOUND_VIEW, place,
                 "the view's record says its newest event timestamp is %lld, "
                 "its rows say %lld",
                 (long long)meta->newest, (long long)rows->newest);
    if (verify->has_store &&
        ((!meta->commit && rows->of.standing == LF_SERVES) ||
         meta->commit > verify->store.sequence))
        lf_found(verify, LF_FOUND_VIEW, place,
                 "the view's last commit is %llu, the store's is %llu",
                 (unsigned long long)meta->commit,
                 (unsigned long long)verify->store.sequence);
    if (meta->applied < meta->row_entries)
        lf_found(verify, LF_FOUND_VIEW, place,
                 "the view's record has fewer rows applied than there are");
}

/* Memory for the view's layouts; the widest version sets the room for cells. */
static feature_status
prepare(struct lf_verify *verify, struct rows *rows,
        struct feature_error *error)
{
    uint32_t most = 0;

    rows->view = rows->of.id ? &rows->of : NULL;
    if (!rows->view)
        return FEATURE_OK;
    rows->entity = lf_catalog_entity_by_id(verify->catalog, rows->view->entity);
    if (rows->view->event) {
        LF_TRY(lf_window_check_begin(&rows->windows, verify->catalog,
                                     rows->view, error));
        lf_verify_sides_begin(verify, &rows->sides, rows->view);
        rows->windows.beside = &rows->sides.beside;
    }
    for (uint32_t i = 0; i < rows->view->schema_count; i++)
        if (rows->view->schemas[i].count > most)
            most = rows->view->schemas[i].count;
    rows->layouts = lf_arena_array(&rows->arena, rows->view->schema_count,
                                   sizeof *rows->layouts);
    rows->cells = lf_arena_array(&rows->arena, most, sizeof *rows->cells);
    return rows->layouts && rows->cells ? FEATURE_OK : lf_fail_memory(error);
}

/* Walks rows/<view>/<version>. */
static feature_status
walk_rows(struct lf_verify *verify, const struct lf_verify_name *tree,
          struct rows *rows, struct feature_error *error)
{
    struct lf_verify_view *known =
        lf_verify_version_of(verify, rows->id, rows->version, &rows->of);
    struct lf_place place = {.tree = tree->name, .page = LF_NO_PAGE};

    LF_TRY(prepare(verify, rows, error));
    if (rows->view)
        place.view = rows->view->name;
    if (verify->catalog && !rows->view)
        lf_found(verify, LF_FOUND_STORE, &place,
                 "the catalog has no such feature view");
    LF_TRY(lf_verify_tree(verify, tree->name, place.view, tree->record,
                          visit_row, rows, error));
    if (rows->of.standing == LF_SERVES) {
        verify->rows += rows->entries - rows->tombstones;
        verify->tombstones += rows->tombstones;
    }
    if (known) {
        known->has_tree = true;
        check_view(verify, &place, rows, &known->meta);
    } else if (rows->entries) {
        lf_found(verify, LF_FOUND_VIEW, &place,
                 "there is no record of the view, which has rows");
    }
    return FEATURE_OK;
}

/* The view's id in a name "<prefix><16 hex digits>/<16 hex digits>", or 0. */
static uint32_t
read_name(const char *prefix, const char *name, uint32_t *number)
{
    char again[LF_TREE_NAME_SIZE];
    unsigned long long id, version;
    char *end;

    if (strncmp(name, prefix, strlen(prefix)) != 0)
        return 0;
    id = strtoull(name + strlen(prefix), &end, 16);
    if (*end != '/' || id > UINT32_MAX)
        return 0;
    version = strtoull(end + 1, NULL, 16);
    if (version > UINT32_MAX)
        return 0;
    *number = (uint32_t)version;
    snprintf(again, sizeof again, "%s%016llx/%016llx", prefix, id, version);
    return strcmp(again, name) ? 0 : (uint32_t)id;
}

static feature_status
ignore(struct lf_verify *verify, void *context, const struct lf_entry *entry,
       struct feature_error *error)
{
    (void)verify;
    (void)context;
    (void)entry;
    (void)error;
    return FEATURE_OK;
}

/* A tree of another name may belong to a compatible feature of a later format;
 * its pages are looked at all the same. */
static feature_status
walk_other(struct lf_verify *verify, const struct lf_verify_name *tree,
           struct feature_error *error)
{
    struct lf_place place = {.tree = tree->name, .page = LF_NO_PAGE};

    if (!verify->has_store || !verify->store.compatible)
        lf_found(verify, LF_FOUND_STORE, &place,
                 "the format has no tree of this name");
    return lf_verify_tree(verify, tree->name, NULL, tree->record, ignore, NULL,
                          error);
}

static feature_status
walk_tree(struct lf_verify *verify, const struct lf_verify_name *tree,
          struct feature_error *error)
{
    struct rows rows = {.newest = INT64_MIN};
    uint32_t version = 0;
    uint32_t kept = read_name(HISTORY_PREFIX, tree->name, &version);
    uint32_t tiles_version = 0;
    uint32_t beside = read_name(TILES_PREFIX, tree->name, &tiles_version);
    feature_status status;
    bool is_taken;

    if (kept)
        return lf_verify_history(verify, tree, kept, version, error);
    if (beside)
        return lf_verify_tiles(verify, tree, beside, tiles_version, error);
    rows.id = read_name(ROWS_PREFIX, tree->name, &rows.version);
    LF_TRY(lf_verify_loads_tree(verify, tree, &is_taken, error));
    if (!is_taken)
        LF_TRY(lf_verify_feed_tree(verify, tree, &is_taken, error));
    if (!is_taken)
        LF_TRY(lf_verify_events_tree(verify, tree, &is_taken, error));
    if (is_taken)
        return FEATURE_OK;
    if (!rows.id)
        return walk_other(verify, tree, error);
    rows.seed = lf_row_seed(rows.id);
    status = walk_rows(verify, tree, &rows, error);
    lf_arena_free(&rows.arena);
    lf_window_check_free(&rows.windows);
    lf_beside_free(&rows.sides.beside);
    lf_buffer_free(&rows.again);
    return status;
}

/* A view's record without a view, or without the rows it counts. */
static void
check_lone_views(struct lf_verify *verify)
{
    size_t count = verify->views.size / sizeof(struct lf_verify_view);
    const void *data = verify->views.data;
    const struct lf_verify_view *views = data;
    struct lf_place place = {.tree = LF_META_TREE, .page = LF_NO_PAGE};

    for (size_t i = 0; i < count; i++) {
        if (verify->catalog &&
            !lf_catalog_view_by_id(verify->catalog, views[i].id))
            lf_found(verify, LF_FOUND_VIEW, &place,
                     "a record of feature view %u, which the catalog has not",
                     views[i].id);
        if (!views[i].has_tree && views[i].meta.row_entries)
            lf_found(verify, LF_FOUND_VIEW, &place,
                     "the record of feature view %u says %llu rows, there is "
                     "no tree of them",
                     views[i].id,
                     (unsigned long long)views[i].meta.row_entries);
        if (!views[i].has_history && views[i].meta.history_entries)
            lf_found(verify, LF_FOUND_VIEW, &place,
                     "the record of feature view %u says %llu entries of "
                     "history, there is no tree of them",
                     views[i].id,
                     (unsigned long long)views[i].meta.history_entries);
        if (!views[i].has_tiles && views[i].meta.tile_entries)
            lf_found(verify, LF_FOUND_VIEW, &place,
                     "the record of feature view %u says %llu states beside "
                     "its rows, there is no tree of them",
                     views[i].id,
                     (unsigned long long)views[i].meta.tile_entries);
    }
}

feature_status
lf_verify_rows(struct lf_verify *verify, struct feature_error *error)
{
    size_t count = verify->trees.size / sizeof(struct lf_verify_name);
    const void *data = verify->trees.data;
    const struct lf_verify_name *trees = data;

    for (size_t i = 0; i < count; i++)
        if (strcmp(trees[i].name, LF_META_TREE) != 0 &&
            strcmp(trees[i].name, "catalog") != 0)
            LF_TRY(walk_tree(verify, &trees[i], error));
    check_lone_views(verify);
    lf_verify_dictionaries(verify);
    lf_verify_feed_end(verify);
    return FEATURE_OK;
}
