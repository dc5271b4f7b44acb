/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The records of the store: names of trees, `meta`, `catalog`.
 *
 * Owns what is known of the store when its rows are looked at.
 * Keeps a damaged record out of the way: rows are checked without what it said.
 * Never trusts a record whose checksum is wrong.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/error.h"
#include "format/load.h"
#include "format/record.h"
#include "format/upkeep.h"
#include "verify/verify.h"

#define CATALOG_TREE "catalog"
#define VIEW_KEY     "view/"

/* Where a record lies that is judged after its tree was walked. */
static const struct lf_place in_meta = {.tree = LF_META_TREE,
                                        .page = LF_NO_PAGE};
static const struct lf_place in_catalog = {.tree = CATALOG_TREE,
                                           .page = LF_NO_PAGE};

static feature_status
visit_name(struct lf_verify *verify, void *context,
           const struct lf_entry *entry, struct feature_error *error)
{
    struct lf_verify_name made = {.name = ""};
    const struct lf_place *place = &entry->place;

    (void)context;
    if (entry->size != LF_RECORD_SIZE || place->key_size >= sizeof made.name ||
        !place->key_size || memchr(place->key, 0, place->key_size)) {
        lf_found(verify, LF_FOUND_STORE, place,
                 "this names no tree of a store");
        return FEATURE_OK;
    }
    for (size_t i = 0; i < place->key_size; i++)
        if (place->key[i] < ' ' || place->key[i] > '~') {
            lf_found(verify, LF_FOUND_STORE, place,
                     "this names no tree of a store");
            return FEATURE_OK;
        }
    memcpy(made.name, place->key, place->key_size);
    memcpy(made.record, entry->bytes, LF_RECORD_SIZE);
    if (!lf_buffer_append(&verify->trees, &made, sizeof made))
        return lf_fail_memory(error);
    return FEATURE_OK;
}

static void
take_store(struct lf_verify *verify, const struct lf_place *place,
           const uint8_t *bytes, size_t size)
{
    verify->has_store = lf_meta_store_decode(&verify->store, bytes, size);
    if (!verify->has_store)
        lf_found(verify, LF_FOUND_STORE, place,
                 "the store's record is damaged");
}

/* The id in a key that ends in one, or 0. */
static uint32_t
read_view_key(const struct lf_place *place, const char *prefix)
{
    char text[LF_META_KEY_SIZE] = "", again[LF_META_KEY_SIZE];
    size_t head = strlen(prefix);
    unsigned long long id;

    if (place->key_size != head + 16 || memcmp(place->key, prefix, head) != 0)
        return 0;
    memcpy(text, place->key + head, 16);
    id = strtoull(text, NULL, 16);
    if (id > UINT32_MAX)
        return 0;
    snprintf(again, sizeof again, "%016llx", id);
    return memcmp(again, text, 16) ? 0 : (uint32_t)id;
}

/* How far the upkeep of a view has come: worth nothing, and still no place for
 * damage. */
static bool
is_upkeep(struct lf_verify *verify, const struct lf_place *place,
          const uint8_t *bytes, size_t size)
{
    uint32_t id = read_view_key(place, LF_UPKEEP_PREFIX);
    struct lf_upkeep upkeep;

    if (id && !lf_upkeep_decode(&upkeep, id, bytes, size))
        lf_found(verify, LF_FOUND_VIEW, place,
                 "the record of the upkeep of feature view %u is damaged", id);
    return id;
}

/* The number of the last load. */
static bool
is_number(struct lf_verify *verify, const struct lf_place *place,
          const uint8_t *bytes, size_t size)
{
    uint64_t number;

    if (!lf_loads_number_is_key(place->key, place->key_size))
        return false;
    if (!lf_loads_number_decode(&number, bytes, size))
        lf_found(verify, LF_FOUND_STORE, place,
                 "the record of the number of the last load is damaged");
    return true;
}

/* The dictionary of a view's history. */
static feature_status
take_dictionary(struct lf_verify *verify, const struct lf_place *place,
                const uint8_t *bytes, size_t size, bool *is_taken,
                struct feature_error *error)
{
    struct lf_verify_dictionary made = {
        .view = read_view_key(place, LF_DICTIONARY_PREFIX), .size = size};

    *is_taken = made.view;
    if (!made.view)
        return FEATURE_OK;
    if (!lf_dictionary_is_sound(made.view, bytes, size)) {
        lf_found(verify, LF_FOUND_VIEW, place,
                 "the dictionary of feature view %u is damaged", made.view);
        return FEATURE_OK;
    }
    made.record = (const uint8_t *)lf_arena_copy(&verify->arena, bytes, size);
    if (!made.record ||
        !lf_buffer_append(&verify->dictionaries, &made, sizeof made))
        return lf_fail_memory(error);
    return FEATURE_OK;
}

static feature_status
take_view(struct lf_verify *verify, const struct lf_place *place,
          const uint8_t *bytes, size_t size, struct feature_error *error)
{
    struct lf_verify_view view = {.id = read_view_key(place, VIEW_KEY)};
    char key[LF_META_KEY_SIZE];

    lf_meta_view_key(view.id, key);
    if (!view.id &&
        lf_meta_version_read_key(place->key, place->key_size, &view.standing,
                                 &view.id, &view.version))
        lf_meta_version_key(view.standing, view.id, view.version, key);
    if (!view.id) {
        lf_found(verify, LF_FOUND_STORE, place, "an unknown record");
        return FEATURE_OK;
    }
    if (!lf_meta_version_decode(&view.meta, key, bytes, size)) {
        lf_found(verify, LF_FOUND_VIEW, place,
                 "the record of feature view %u is damaged", view.id);
        return FEATURE_OK;
    }
    if (!lf_buffer_append(&verify->views, &view, sizeof view))
        return lf_fail_memory(error);
    return FEATURE_OK;
}

static feature_status
visit_meta(struct lf_verify *verify, void *context,
           const struct lf_entry *entry, struct feature_error *error)
{
    const struct lf_place *place = &entry->place;
    const uint8_t *bytes;
    bool is_taken;

    (void)context;
    LF_TRY(lf_verify_value(verify, entry, &bytes, error));
    if (!bytes)
        return FEATURE_OK;
    if (place->key_size == strlen(LF_META_STORE_KEY) &&
        memcmp(place->key, LF_META_STORE_KEY, place->key_size) == 0) {
        take_store(verify, place, bytes, entry->size);
        return FEATURE_OK;
    }
    if (lf_verify_is_feed(place))
        return lf_verify_feed_record(verify, place, bytes, entry->size, error);
    if (is_upkeep(verify, place, bytes, entry->size) ||
        is_number(verify, place, bytes, entry->size))
        return FEATURE_OK;
    LF_TRY(
        take_dictionary(verify, place, bytes, entry->size, &is_taken, error));
    if (is_taken)
        return FEATURE_OK;
    return take_view(verify, place, bytes, entry->size, error);
}

static feature_status
visit_catalog(struct lf_verify *verify, void *context,
              const struct lf_entry *entry, struct feature_error *error)
{
    const struct lf_place *place = &entry->place;
    struct lf_record record = {.size = entry->size};
    bool *is_damaged = context;
    const uint8_t *bytes;

    LF_TRY(lf_verify_value(verify, entry, &bytes, error));
    *is_damaged |= !bytes;
    if (!bytes)
        return FEATURE_OK;
    if (place->key_size != LF_RECORD_KEY_SIZE || entry->size < 4 ||
        lf_load_u32(bytes) !=
            lf_crc32c(lf_crc32c(0, place->key, place->key_size), bytes + 4,
                      entry->size - 4)) {
        lf_found(verify, LF_FOUND_CATALOG, place,
                 "the catalog's record is damaged");
        *is_damaged = true;
        return FEATURE_OK;
    }
    memcpy(record.key, place->key, LF_RECORD_KEY_SIZE);
    record.bytes =
        (const uint8_t *)lf_arena_copy(&verify->arena, bytes, entry->size);
    if (!record.bytes ||
        !lf_buffer_append(&verify->records, &record, sizeof record))
        return lf_fail_memory(error);
    return FEATURE_OK;
}

/* The definitions, if all of their records can be read. */
static feature_status
decode_catalog(struct lf_verify *verify, struct feature_error *error)
{
    size_t count = verify->records.size / sizeof(struct lf_record);
    struct feature_error problem;
    feature_status status;

    if (!count) {
        verify->catalog = lf_catalog_empty();
        return verify->catalog ? FEATURE_OK : lf_fail_memory(error);
    }
    status = lf_records_decode((const struct lf_record *)verify->records.data,
                               count, &verify->catalog, &problem);
    if (status == FEATURE_NO_MEMORY)
        return lf_fail_memory(error);
    if (status)
        lf_found(verify, LF_FOUND_CATALOG, &in_catalog, "%s", problem.message);
    return FEATURE_OK;
}

static bool
is_empty(const struct lf_commit_token *token)
{
    return !token->sequence && !token->token;
}

/* Sequence numbers are dense: of the last 64 commits each is there, save for
 * those before the store was restored or compacted. */
static void
check_chain(struct lf_verify *verify)
{
    const struct lf_meta_store *store = &verify->store;
    uint64_t first = store->sequence < LF_COMMITS_KEPT
                         ? 1
                         : store->sequence - LF_COMMITS_KEPT + 1;

    while (first <= store->sequence &&
           is_empty(&store->tokens[first % LF_COMMITS_KEPT]))
        first++;
    for (uint64_t i = first; i <= store->sequence; i++)
        if (store->tokens[i % LF_COMMITS_KEPT].sequence != i)
            lf_found(verify, LF_FOUND_STORE, &in_meta,
                     "the store's record has no commit %llu, its newest is "
                     "%llu",
                     (unsigned long long)i,
                     (unsigned long long)store->sequence);
    for (uint64_t i = store->sequence + 1; i < LF_COMMITS_KEPT; i++)
        if (store->tokens[i].sequence)
            lf_found(verify, LF_FOUND_STORE, &in_meta,
                     "the store's record has a commit in a place that was not "
                     "reached");
}

static feature_status
check_store(struct lf_verify *verify, struct feature_error *error)
{
    const struct lf_meta_store *store = &verify->store;

    if (store->format != LF_FORMAT_VERSION)
        return lf_fail(error, FEATURE_VERSION, "format",
                       "the store has format %u, this library serves %d",
                       store->format, LF_FORMAT_VERSION);
    if (store->incompatible & ~(uint64_t)LF_KNOWN_INCOMPATIBLE)
        return lf_fail(error, FEATURE_VERSION, "feature-bits",
                       "the store uses features of a newer libfeature "
                       "(incompatible bits 0x%llx)",
                       (unsigned long long)store->incompatible);
    check_chain(verify);
    if (verify->catalog && verify->catalog->version != store->catalog_version)
        lf_found(verify, LF_FOUND_CATALOG, &in_catalog,
                 "the catalog has version %llu, the store's record says %llu",
                 (unsigned long long)verify->catalog->version,
                 (unsigned long long)store->catalog_version);
    if (store->sequence < store->catalog_version)
        lf_found(verify, LF_FOUND_STORE, &in_meta,
                 "the store's record has more applies than commits");
    return FEATURE_OK;
}

const struct lf_verify_name *
lf_verify_tree_of(const struct lf_verify *verify, const char *name)
{
    size_t count = verify->trees.size / sizeof(struct lf_verify_name);
    const void *data = verify->trees.data;
    const struct lf_verify_name *trees = data;

    for (size_t i = 0; i < count; i++)
        if (!strcmp(trees[i].name, name))
            return &trees[i];
    return NULL;
}

struct lf_verify_view *
lf_verify_version_of(struct lf_verify *verify, uint32_t id, uint32_t version,
                     struct lf_view *view)
{
    size_t count = verify->views.size / sizeof(struct lf_verify_view);
    const struct lf_view *defined =
        verify->catalog ? lf_catalog_view_by_id(verify->catalog, id) : NULL;
    bool serves = !defined || defined->version == version;
    void *data = verify->views.data;
    struct lf_verify_view *views = data, *found = NULL;

    for (size_t i = 0; i < count; i++)
        if (views[i].id == id &&
            (views[i].standing == LF_SERVES ? serves
                                            : views[i].version == version))
            found = &views[i];
    *view = (struct lf_view){0};
    if (defined && (serves || found)) {
        *view = *defined;
        view->version = version;
        view->standing = found ? found->standing : LF_SERVES;
    }
    return found;
}

feature_status
lf_verify_records(struct lf_verify *verify, struct feature_error *error)
{
    const struct lf_verify_name *tree;
    bool is_damaged = false;

    LF_TRY(lf_verify_tree(verify, "main", NULL,
                          verify->meta->bytes + LF_META_MAIN, visit_name, NULL,
                          error));
    tree = lf_verify_tree_of(verify, LF_META_TREE);
    if (tree)
        LF_TRY(lf_verify_tree(verify, tree->name, NULL, tree->record,
                              visit_meta, NULL, error));
    if (!verify->has_store && !verify->found[LF_FOUND_STORE])
        lf_found(verify, LF_FOUND_STORE, &in_meta,
                 "the store's record is missing");
    tree = lf_verify_tree_of(verify, CATALOG_TREE);
    if (tree)
        LF_TRY(lf_verify_tree(verify, tree->name, NULL, tree->record,
                              visit_catalog, &is_damaged, error));
    if (!is_damaged)
        LF_TRY(decode_catalog(verify, error));
    return verify->has_store ? check_store(verify, error) : FEATURE_OK;
}
