/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feature_store_loads() and feature_store_discard_load().
 *
 * Owns the words for what became of a load.
 * Keeps all lines to one commit, save for whether an owner is alive.
 * Never takes a load away from an owner that is.
 */
#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "store/json.h"
#include "store/load.h"

struct listing {
    feature_store *store;
    const struct lf_catalog *catalog;
    struct lf_load_list list;
    struct lf_buffer versions; /* lf_version */
    struct lf_text text;
};

static const char *
state_of(const struct listing *listing, const struct lf_load_record *record)
{
    switch (record->state) {
    case LF_LOAD_BUILDING:
        return lf_claim_is_taken(listing->store->environment, record->view)
                   ? "building"
                   : "interrupted";
    case LF_LOAD_COMMITTED:
        return "committed";
    case LF_LOAD_FAILED:
        return "failed";
    default:
        return "aborted";
    }
}

static bool
is_kept(const struct listing *listing, const struct lf_load_record *record)
{
    const struct lf_version *each = (const void *)listing->versions.data;
    size_t count = listing->versions.size / sizeof *each;

    for (size_t i = 0; i < count; i++)
        if (each[i].view == record->view &&
            each[i].version == record->version && each[i].standing == LF_KEPT)
            return true;
    return false;
}

static void
add_slice(struct lf_text *text, const char *name, struct lf_slice value)
{
    lf_text_add(text, ",\"%s\":", name);
    lf_json_text(text, value.bytes, value.size);
}

static void
add_number(struct lf_text *text, const char *name, uint64_t value)
{
    lf_text_add(text, ",\"%s\":%" PRIu64, name, value);
}

static void
add_time(struct lf_text *text, const char *name, int64_t value)
{
    lf_text_add(text, ",\"%s\":%" PRId64, name, value);
}

static void
add_flag(struct lf_text *text, const char *name, bool value)
{
    lf_text_add(text, ",\"%s\":%s", name, value ? "true" : "false");
}

static void
add_sources(struct lf_text *text, const struct lf_load_record *record)
{
    lf_text_add(text, ",\"sources\":[");
    for (uint32_t i = 0; i < record->source_count; i++) {
        const struct lf_load_source *source = &record->sources[i];

        lf_text_add(text, "%s{\"name\":", i ? "," : "");
        lf_json_text(text, source->name, strlen(source->name));
        lf_text_add(text,
                    ",\"partition\":%" PRIu32 ",\"next_offset\":%" PRIu64 "}",
                    source->partition, source->next_offset);
    }
    lf_text_add(text, "]");
}

static void
add_figures(struct lf_text *text, const struct lf_load_record *record)
{
    add_number(text, "gates", record->gates);
    add_number(text, "gates_failed", record->gates_failed);
    add_flag(text, "forced", record->is_forced);
    lf_text_add(text, ",\"figures\":");
    if (record->figures.size)
        lf_text_add_bytes(text, record->figures.bytes, record->figures.size);
    else
        lf_text_add(text, "[]");
}

static void
add_record(struct listing *listing, const struct lf_load_record *record)
{
    const struct lf_view *view =
        lf_catalog_view_by_id(listing->catalog, record->view);
    const char *name = view ? view->name : "";
    struct lf_text *text = &listing->text;

    lf_text_add(text, "{\"number\":%" PRIu64 ",\"view\":", record->number);
    lf_json_text(text, name, strlen(name));
    add_slice(text, "id", record->id);
    lf_text_add(text, ",\"state\":\"%s\"", state_of(listing, record));
    add_number(text, "version", record->version);
    add_number(text, "previous", record->previous);
    add_flag(text, "serving",
             view && view->version == record->version &&
                 record->state == LF_LOAD_COMMITTED);
    add_flag(text, "kept", is_kept(listing, record));
    add_flag(text, "rolled_back", record->is_rollback);
    add_slice(text, "fingerprint", record->fingerprint);
    add_number(text, "cut", record->cut);
    add_time(text, "cut_time", record->cut_time);
    add_sources(text, record);
    add_time(text, "began", record->began);
    add_time(text, "ended", record->ended);
    add_number(text, "sequence", record->sequence);
    add_time(text, "time", record->time);
    add_number(text, "rows", record->rows);
    add_number(text, "bytes", record->bytes);
    lf_text_add(text, ",\"content\":\"%016" PRIx64 "%016" PRIx64 "\"",
                record->content.high, record->content.low);
    add_number(text, "caught_up", record->caught_up);
    add_number(text, "swap_us", record->swap_us);
    add_figures(text, record);
    add_time(text, "pid", record->pid);
    add_slice(text, "problem", record->problem);
    lf_text_add(text, "}\n");
}

static feature_status
read_listing(struct listing *listing, const char *name,
             struct lf_catalog **catalog, struct feature_error *error)
{
    const struct lf_view *view = NULL;
    struct lf_meta_store meta;
    struct lf_reader *reader;
    feature_status status;

    LF_TRY(lf_reader_begin(listing->store->environment, &reader, error));
    status = lf_store_read_meta(reader, &meta, error);
    if (!status)
        status = lf_store_read_catalog(listing->store, reader, &meta, catalog,
                                       error);
    if (!status && name)
        status = lf_load_find_view(*catalog, name, &view, error);
    if (!status)
        status =
            lf_loads_read(reader, view ? view->id : 0, &listing->list, error);
    if (!status)
        status = lf_versions_read(reader, view ? view->id : 0,
                                  &listing->versions, error);
    lf_reader_end(reader);
    return status;
}

feature_status
feature_store_loads(feature_store *store, const char *view, char **text,
                    struct feature_error *error)
{
    struct listing listing = {.store = store};
    struct lf_catalog *catalog = NULL;
    feature_status status;
    char *taken = NULL;

    if (!store || !text)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "store and text are needed");
    LF_TRY(lf_store_enter(store, error));
    status = read_listing(&listing, view, &catalog, error);
    listing.catalog = catalog;
    for (size_t i = lf_load_count(&listing.list); !status && i-- > 0;)
        add_record(&listing, lf_load_at(&listing.list, i));
    lf_store_leave(store);
    lf_catalog_release(catalog);
    lf_loads_free(&listing.list);
    lf_buffer_free(&listing.versions);
    if (!status) {
        taken = lf_text_take(&listing.text);
        status = taken ? FEATURE_OK : lf_fail_memory(error);
    }
    lf_text_free(&listing.text);
    if (!status)
        *text = taken;
    return status;
}

/* --- leftovers ---------------------------------------------------------------- */

/* Whether a load of the id, or of any where it is NULL, has left something. */
static bool
has_left(const struct listing *listing, const char *id)
{
    for (size_t i = 0; i < lf_load_count(&listing->list); i++) {
        const struct lf_load_record *each = lf_load_at(&listing->list, i);

        if (each->state == LF_LOAD_BUILDING &&
            (!id || (each->id.size == strlen(id) &&
                     !memcmp(each->id.bytes, id, each->id.size))))
            return true;
    }
    return false;
}

static feature_status
find_left(feature_store *store, const char *name, const char *id,
          uint32_t *view, struct feature_error *error)
{
    struct listing listing = {.store = store};
    struct lf_catalog *catalog = NULL;
    feature_status status = read_listing(&listing, name, &catalog, error);
    char quoted[LF_QUOTE_SIZE];

    if (!status && !has_left(&listing, id))
        status = lf_fail(error, FEATURE_NOT_FOUND, "load",
                         "no load %s%sof %s has left anything",
                         id ? lf_quote(quoted, id, strlen(id)) : "",
                         id ? " " : "", name);
    if (!status)
        *view = lf_catalog_view(catalog, name)->id;
    lf_catalog_release(catalog);
    lf_loads_free(&listing.list);
    lf_buffer_free(&listing.versions);
    return status;
}

static feature_status
discard(feature_store *store, const char *view, const char *id,
        struct feature_error *error)
{
    struct lf_claim claim = {.file = -1};
    feature_status status;
    uint32_t number;

    if (store->read_only)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "the store is open read-only");
    LF_TRY(find_left(store, view, id, &number, error));
    LF_TRY(lf_load_claim(store, number, view, &claim, error));
    status = lf_staged_discard(store, 0, number, LF_LOAD_ABORTED, "interrupted",
                               error);
    lf_claim_drop(&claim);
    return status;
}

feature_status
feature_store_discard_load(feature_store *store, const char *view,
                           const char *id, struct feature_error *error)
{
    feature_status status;

    if (!store || !view)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "store and view are needed");
    if (id)
        LF_TRY(lf_load_check_id(id, error));
    LF_TRY(lf_store_enter(store, error));
    status = discard(store, view, id, error);
    lf_store_leave(store);
    return status;
}
