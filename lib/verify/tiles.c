/* SPDX-License-Identifier: Apache-2.0 */
/*
 * States that lie beside their rows.
 *
 * Owns the walk over them, and the look from a row to its states and back.
 * Keeps both directions: what a row refers to has to be there, and what is there
 * a row has to refer to.
 * Never judges the form of a state: the row that refers to it is checked with
 * its bytes.
 */
#include <string.h>

#include "base/error.h"
#include "store/store.h"
#include "verify/sides.h"

/* --- from a row ------------------------------------------------------------ */

static void
bad_side(struct lf_verify_sides *sides, const char *what)
{
    lf_found(sides->verify, LF_FOUND_ROW, sides->place,
             "a state that lies beside the row %s", what);
    sides->has_found = true;
}

static feature_status
get(struct lf_verify_sides *sides, const struct lf_beside_ref *ref,
    const uint8_t **bytes)
{
    struct lf_verify *verify = sides->verify;
    uint8_t key[LF_SIDE_KEY_MAX];
    const uint8_t *value = NULL;
    size_t size = 0, key_size = sides->place->key_size;

    *bytes = NULL;
    if (key_size > LF_KEY_MAX)
        return FEATURE_OK;
    memcpy(key, sides->place->key, key_size);
    key_size = lf_side_key(key, key_size, ref);
    if (sides->tree)
        LF_TRY(lf_verify_find(verify, sides->tree->record, key, key_size,
                              &value, &size, &sides->problem));
    if (!value)
        bad_side(sides, "is not there");
    else if (lf_side_open(sides->seed, key, key_size, value, size, bytes) ||
             size - LF_SIDE_HEAD_SIZE != ref->size)
        bad_side(sides, "is damaged");
    if (sides->has_found)
        *bytes = NULL;
    return FEATURE_OK;
}

/* The bytes stay until the next row. */
static enum lf_tile_status
fetch(void *context, const struct lf_beside_ref *ref, const uint8_t **bytes)
{
    struct lf_verify_sides *sides = context;

    if (get(sides, ref, bytes))
        return LF_TILE_MEMORY;
    if (!*bytes)
        return LF_TILE_CORRUPT;
    *bytes =
        (const uint8_t *)lf_arena_copy(&sides->beside.arena, *bytes, ref->size);
    return *bytes ? LF_TILE_OK : LF_TILE_MEMORY;
}

void
lf_verify_sides_begin(struct lf_verify *verify, struct lf_verify_sides *sides,
                      const struct lf_view *view)
{
    char name[LF_TREE_NAME_SIZE];

    lf_tiles_tree(view, name);
    sides->verify = verify;
    sides->tree = lf_verify_tree_of(verify, name);
    sides->seed = lf_side_seed(view->id);
    sides->beside.fetch = fetch;
    sides->beside.context = sides;
}

void
lf_verify_sides_row(struct lf_verify_sides *sides, const struct lf_place *place)
{
    lf_beside_begin(&sides->beside);
    sides->place = place;
    sides->has_found = false;
}

/* --- from a value ---------------------------------------------------------- */

/* The values of one tree. */
struct walk {
    const struct lf_view *view;
    const struct lf_entity *entity;
    const struct lf_verify_name *rows; /* their tree, or NULL */
    uint32_t seed;
    struct lf_form form;
    uint64_t entries;
    uint8_t key[LF_KEY_MAX]; /* of the row that was looked at last */
    size_t key_size;
    struct lf_beside_set refs; /* its */
};

static void
bad_value(struct lf_verify *verify, const struct lf_entry *entry,
          const char *what)
{
    lf_found(verify, LF_FOUND_ROW, &entry->place,
             "a state that lies beside a row: %s", what);
}

/* Lists what a row refers to; nothing, where it is damaged or not there. */
static feature_status
list_row(struct lf_verify *verify, struct walk *walk, const uint8_t *key,
         size_t key_size, struct feature_error *error)
{
    const struct lf_tile_plan *plan;
    const uint8_t *bytes = NULL;
    struct lf_row row;
    uint64_t full_size;
    size_t size = 0;

    lf_beside_set_clear(&walk->refs);
    memcpy(walk->key, key, key_size);
    walk->key_size = key_size;
    if (walk->rows)
        LF_TRY(lf_verify_find(verify, walk->rows->record, key, key_size, &bytes,
                              &size, error));
    if (!bytes || !lf_row_open(&row, bytes, size) ||
        !(row.flags & LF_ROW_WINDOW) ||
        !lf_view_schema(walk->view, row.version))
        return FEATURE_OK;
    LF_TRY(lf_form_plan(&walk->form, row.version, &plan, error));
    if (lf_beside_is_slim(row.bytes + LF_ROW_HEADER_SIZE,
                          row.size - LF_ROW_HEADER_SIZE) &&
        lf_beside_list(plan, row.bytes + LF_ROW_HEADER_SIZE,
                       row.size - LF_ROW_HEADER_SIZE, row.timestamp,
                       &walk->refs, &full_size) == LF_TILE_MEMORY)
        return lf_fail_memory(error);
    return FEATURE_OK;
}

static feature_status
check_value(struct lf_verify *verify, struct walk *walk,
            const struct lf_entry *entry, const struct lf_beside_ref *ref,
            struct feature_error *error)
{
    size_t key_size = entry->place.key_size - LF_BESIDE_HASH_SIZE;
    const uint8_t *key = entry->place.key;
    const char *problem = lf_verify_key(walk->entity, key, key_size);

    if (memcmp(ref->hash, key + key_size, LF_BESIDE_HASH_SIZE) != 0)
        bad_value(verify, entry, "its key has not the hash of its bytes");
    if (problem || key_size > LF_KEY_MAX) {
        bad_value(verify, entry, problem ? problem : "its key is too long");
        return FEATURE_OK;
    }
    if (!walk->key_size || walk->key_size != key_size ||
        memcmp(walk->key, key, key_size) != 0)
        LF_TRY(list_row(verify, walk, key, key_size, error));
    if (!lf_beside_set_find(&walk->refs, ref))
        bad_value(verify, entry, "no row refers to it");
    return FEATURE_OK;
}

static feature_status
visit(struct lf_verify *verify, void *context, const struct lf_entry *entry,
      struct feature_error *error)
{
    struct walk *walk = context;
    const struct lf_place *place = &entry->place;
    struct lf_beside_ref ref;
    const uint8_t *value, *bytes;

    walk->entries++;
    LF_TRY(lf_verify_value(verify, entry, &value, error));
    if (!value || !walk->view)
        return FEATURE_OK;
    if (place->key_size <= LF_BESIDE_HASH_SIZE ||
        entry->size < LF_SIDE_HEAD_SIZE + LF_BESIDE_FROM) {
        bad_value(verify, entry, "it is too short");
        return FEATURE_OK;
    }
    if (lf_side_open(walk->seed, place->key, place->key_size, value,
                     entry->size, &bytes)) {
        bad_value(verify, entry, "its checksum is wrong");
        return FEATURE_OK;
    }
    ref = lf_beside_ref_of(bytes, entry->size - LF_SIDE_HEAD_SIZE);
    return check_value(verify, walk, entry, &ref, error);
}

static feature_status
prepare(struct lf_verify *verify, struct walk *walk, struct lf_place *place,
        const struct lf_view *view, struct feature_error *error)
{
    char name[LF_TREE_NAME_SIZE] = "";

    if (view->id && view->event)
        lf_tiles_tree(view, name);
    if (verify->catalog && strcmp(name, place->tree) != 0)
        lf_found(verify, LF_FOUND_STORE, place,
                 "the catalog has no such feature view");
    if (!view->id || !view->event)
        return FEATURE_OK;
    LF_TRY(lf_form_bind(&walk->form, verify->catalog, view, error));
    lf_rows_tree(view, name);
    walk->view = view;
    walk->entity = lf_catalog_entity_by_id(verify->catalog, view->entity);
    walk->rows = lf_verify_tree_of(verify, name);
    walk->seed = lf_side_seed(view->id);
    place->view = view->name;
    return FEATURE_OK;
}

feature_status
lf_verify_tiles(struct lf_verify *verify, const struct lf_verify_name *tree,
                uint32_t id, uint32_t version, struct feature_error *error)
{
    struct lf_view view;
    struct lf_verify_view *known =
        lf_verify_version_of(verify, id, version, &view);
    struct lf_place place = {.tree = tree->name, .page = LF_NO_PAGE};
    struct walk walk = {.view = NULL};
    feature_status status = prepare(verify, &walk, &place, &view, error);

    if (!status)
        status = lf_verify_tree(verify, tree->name, place.view, tree->record,
                                visit, &walk, error);
    lf_form_free(&walk.form);
    lf_buffer_free(&walk.refs.items);
    if (status)
        return status;
    if (known)
        known->has_tiles = true;
    if (!known ? walk.entries : known->meta.tile_entries != walk.entries)
        lf_found(verify, LF_FOUND_VIEW, &place,
                 "the view's record says %llu states beside its rows, there "
                 "are %llu",
                 known ? (unsigned long long)known->meta.tile_entries : 0,
                 (unsigned long long)walk.entries);
    return FEATURE_OK;
}
