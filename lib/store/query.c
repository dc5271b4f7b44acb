/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Queries.
 *
 * Owns what was asked: keys, views and columns, fixed when the query is made.
 * Keeps its own copy of every name and type, so that any number of threads
 * share it without a lock.
 * Never reads a row.
 */
#include "store/query.h"

#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"

static feature_status
check_options(const struct feature_query_options *options,
              struct feature_error *error)
{
    if (options->fill < FEATURE_FILL_DEFAULTS ||
        options->fill > FEATURE_FILL_STALE)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "%d is not a fill policy", options->fill);
    if (options->flags & ~(uint32_t)FEATURE_QUERY_MATRIX)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "unknown bits 0x%x in the query options' flags",
                       options->flags & ~(uint32_t)FEATURE_QUERY_MATRIX);
    if (options->reserved)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "reserved is %u in the query options, it has to be 0",
                       options->reserved);
    return FEATURE_OK;
}

/* Lays the columns out in a matrix row. */
static feature_status
lay_out_matrix(feature_query *query, struct feature_error *error)
{
    struct lf_selection *selection = query->selection;
    char name[LF_TYPE_NAME_SIZE];

    query->matrix_offsets =
        lf_arena_array(&selection->arena, selection->column_count,
                       sizeof *query->matrix_offsets);
    if (!query->matrix_offsets)
        return lf_fail_memory(error);
    for (uint32_t i = 0; i < selection->column_count; i++) {
        const struct lf_selection_column *column = &selection->columns[i];

        if (!column->floats)
            return lf_fail(error, FEATURE_INVALID, "argument",
                           "column %s is %s: a matrix holds numbers",
                           column->name, lf_type_name(name, column->type));
        query->matrix_offsets[i] = query->matrix_width;
        query->matrix_width += column->floats;
    }
    return FEATURE_OK;
}

static bool
add_name(struct lf_buffer *bytes, const char *name, struct lf_type type)
{
    uint32_t shape[3] = {(uint32_t)type.code, type.width, type.is_list};

    return lf_buffer_append(bytes, name, strlen(name) + 1) &&
           lf_buffer_append(bytes, shape, sizeof shape);
}

/* Keys, then columns: names with their NUL, then code, width and list as u32,
 * and the number of keys in front. */
static feature_status
take_fingerprint(feature_query *query, struct feature_error *error)
{
    const struct lf_selection *selection = query->selection;
    struct lf_buffer bytes = {0};
    bool done = lf_buffer_append(&bytes, &selection->key_count,
                                 sizeof selection->key_count);

    for (uint32_t i = 0; done && i < selection->key_count; i++)
        done = add_name(
            &bytes, selection->keys[i].name,
            (struct lf_type){.code = selection->keys[i].code, .width = 1});
    for (uint32_t i = 0; done && i < selection->column_count; i++)
        done = add_name(&bytes, selection->columns[i].name,
                        selection->columns[i].type);
    if (done)
        query->fingerprint = lf_hash128(0, bytes.data, bytes.size).low;
    lf_buffer_free(&bytes);
    return done ? FEATURE_OK : lf_fail_memory(error);
}

static feature_status
build(feature_query *query, const struct lf_catalog *catalog,
      const char *features, struct feature_error *error)
{
    LF_TRY(lf_select(catalog, features, &query->selection, error));
    if (query->is_matrix)
        LF_TRY(lay_out_matrix(query, error));
    return take_fingerprint(query, error);
}

static feature_status
make_query(feature_store *store, const struct lf_catalog *catalog,
           const char *features, const struct feature_query_options *asked,
           feature_query **query, struct feature_error *error)
{
    feature_query *made = lf_alloc(sizeof *made);
    feature_status status;

    if (!made)
        return lf_fail_memory(error);
    atomic_init(&made->holders, 1);
    made->fill = asked->fill;
    made->known_by = asked->known_by;
    made->is_matrix = asked->flags & FEATURE_QUERY_MATRIX;
    status = lf_store_hold(store, &made->store, error);
    if (!status)
        status = build(made, catalog, features, error);
    if (status) {
        feature_query_free(made);
        return status;
    }
    *query = made;
    return FEATURE_OK;
}

feature_status
feature_query_create(feature_store *store, const char *features,
                     const struct feature_query_options *options,
                     feature_query **query, struct feature_error *error)
{
    struct lf_catalog *catalog = NULL;
    struct feature_query_options asked;
    feature_status status;

    if (!store || !features || !query)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "store, features and query are needed");
    LF_TRY(lf_options_read(&asked, sizeof asked, options,
                           "feature_query_options", error));
    LF_TRY(check_options(&asked, error));
    LF_TRY(lf_store_enter(store, error));
    status = lf_store_catalog(store, &catalog, error);
    if (!status)
        status = make_query(store, catalog, features, &asked, query, error);
    lf_catalog_release(catalog);
    lf_store_leave(store);
    return status;
}

feature_status
lf_query_of_event(feature_store *store, const struct lf_event *event,
                  const char *text, feature_query **query,
                  struct feature_error *error)
{
    const struct feature_query_options asked = {.fill = FEATURE_FILL_NULLS};
    struct lf_catalog *catalog = lf_event_catalog(event);
    feature_status status;

    if (!catalog)
        return lf_fail_memory(error);
    status = make_query(store, catalog, text, &asked, query, error);
    lf_catalog_release(catalog);
    return status;
}

uint32_t
feature_query_key_count(const feature_query *query)
{
    return query ? query->selection->key_count : 0;
}

uint32_t
feature_query_column_count(const feature_query *query)
{
    return query ? query->selection->column_count : 0;
}

uint32_t
feature_query_view_count(const feature_query *query)
{
    return query ? query->selection->view_count : 0;
}

uint32_t
feature_query_matrix_width(const feature_query *query)
{
    return query ? query->matrix_width : 0;
}

uint64_t
feature_query_fingerprint(const feature_query *query)
{
    return query ? query->fingerprint : 0;
}

static feature_status
check_index(const feature_query *query, const struct feature_field *field,
            uint32_t index, uint32_t count, const char *what,
            struct feature_error *error)
{
    if (!query || !field)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "query and field are needed");
    if (index >= count)
        return lf_fail(error, FEATURE_NOT_FOUND, "name",
                       "the query has %u %ss, there is no %s %u", count, what,
                       what, index);
    return FEATURE_OK;
}

feature_status
feature_query_key(const feature_query *query, uint32_t index,
                  struct feature_field *field, struct feature_error *error)
{
    LF_TRY(check_index(query, field, index, feature_query_key_count(query),
                       "key", error));
    *field = (struct feature_field){.name = query->selection->keys[index].name,
                                    .type = query->selection->keys[index].code,
                                    .width = 1,
                                    .role = FEATURE_ROLE_JOIN_KEY,
                                    .flags = FEATURE_FIELD_NOT_NULL};
    return FEATURE_OK;
}

feature_status
feature_query_column(const feature_query *query, uint32_t index,
                     struct feature_field *field, struct feature_error *error)
{
    const struct lf_selection_column *column;

    LF_TRY(check_index(query, field, index, feature_query_column_count(query),
                       "column", error));
    column = &query->selection->columns[index];
    *field = (struct feature_field){
        .name = column->name,
        .type = column->type.code,
        .width = column->type.width,
        .role = FEATURE_ROLE_FEATURE,
        .view = column->view,
        .flags = (column->type.is_list ? FEATURE_FIELD_LIST : 0u) |
                 (column->not_null ? FEATURE_FIELD_NOT_NULL : 0u)};
    return FEATURE_OK;
}

feature_status
feature_query_view(const feature_query *query, uint32_t index,
                   struct feature_field *field, struct feature_error *error)
{
    LF_TRY(check_index(query, field, index, feature_query_view_count(query),
                       "view", error));
    *field = (struct feature_field){.name = query->selection->views[index].name,
                                    .role = FEATURE_ROLE_VIEW,
                                    .view = index};
    return FEATURE_OK;
}

feature_query *
lf_query_hold(const feature_query *query)
{
    feature_query *held = (feature_query *)(uintptr_t)query;

    atomic_fetch_add_explicit(&held->holders, 1, memory_order_relaxed);
    return held;
}

void
feature_query_free(feature_query *query)
{
    if (!query || atomic_fetch_sub(&query->holders, 1) != 1)
        return;
    lf_selection_free(query->selection);
    lf_store_release(query->store);
    lf_free(query);
}
