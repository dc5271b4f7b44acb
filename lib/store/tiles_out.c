/* SPDX-License-Identifier: Apache-2.0 */
/*
 * States of a view on their way to another store.
 *
 * Owns what is said of each: its form, its schema version, its key's checksum.
 * Keeps the stored states as they are, those that lie beside their row in their
 * places: whoever merges them decides what they become.
 * Never decodes a state.
 */
#include "store/tiles_out.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

uint64_t
lf_tiles_fingerprint(const struct lf_tiles_out *tiles)
{
    return lf_tile_print_of(&tiles->prints, tiles->form.layout.version)->states;
}

feature_status
lf_tiles_measure(struct lf_tiles_out *tiles, const struct lf_row *row,
                 uint64_t *size, struct feature_error *error)
{
    *size = row->size;
    return lf_sides_has(row)
               ? lf_sides_measure(&tiles->sides, &tiles->form, row, size, error)
               : FEATURE_OK;
}

/* Puts the states that lie beside a row into their places. */
static feature_status
fill_row(struct lf_tiles_out *tiles, const struct lf_job *job,
         struct lf_row *row, struct feature_error *error)
{
    if (!lf_sides_has(row))
        return FEATURE_OK;
    lf_sides_begin(&tiles->sides, job->key, job->key_size);
    LF_TRY(lf_sides_inflate(&tiles->sides, &tiles->form, row, &tiles->full,
                            error));
    lf_row_open(row, tiles->full.data, tiles->full.size);
    return FEATURE_OK;
}

static feature_status
take_row(struct lf_tiles_out *tiles, uint32_t row, const struct lf_job *job,
         struct feature_error *error)
{
    struct lf_parcel parcel = {0};
    struct lf_row opened;

    if (!lf_row_open(&opened, job->value, job->size))
        return lf_fail(error, FEATURE_CORRUPT, "structure",
                       "a stored row of %s has an unknown form",
                       tiles->form.view->name);
    LF_TRY(fill_row(tiles, job, &opened, error));
    parcel.version = opened.version;
    parcel.flags = opened.flags;
    parcel.print = *lf_tile_print_of(&tiles->prints, opened.version);
    parcel.time = opened.timestamp;
    parcel.body = opened.bytes + LF_ROW_HEADER_SIZE;
    parcel.size = opened.size - LF_ROW_HEADER_SIZE;
    if (!lf_parcel_put(&parcel, job->key, job->key_size, &tiles->states.values))
        return lf_fail_memory(error);
    lf_store_i64(tiles->times.data + 8 * (size_t)row, opened.timestamp);
    lf_store_u32(tiles->states.offsets.data + 4 * ((size_t)row + 1),
                 (uint32_t)tiles->states.values.size);
    return FEATURE_OK;
}

feature_status
lf_tiles_take(struct lf_tiles_out *tiles, struct lf_reader *reader,
              const struct lf_job *jobs, uint32_t count,
              struct feature_error *error)
{
    feature_status status = FEATURE_OK;

    tiles->states.values.size = 0;
    if (!lf_buffer_reserve(&tiles->states.values, 1) ||
        !lf_buffer_reserve(&tiles->states.offsets, 4 * ((size_t)count + 1)) ||
        !lf_buffer_reserve(&tiles->times, 8 * (size_t)count))
        return lf_fail_memory(error);
    lf_store_u32(tiles->states.offsets.data, 0);
    lf_sides_in_reader(&tiles->sides, reader);
    for (uint32_t i = 0; !status && i < count; i++)
        status = take_row(tiles, i, &jobs[i], error);
    lf_sides_leave(&tiles->sides);
    return status;
}

void
lf_tiles_out_free(struct lf_tiles_out *tiles)
{
    if (!tiles)
        return;
    lf_sides_free(&tiles->sides);
    lf_buffer_free(&tiles->full);
    lf_form_free(&tiles->form);
    lf_catalog_release(tiles->catalog);
    lf_buffer_free(&tiles->times);
    lf_buffer_free(&tiles->states.values);
    lf_buffer_free(&tiles->states.offsets);
    lf_free(tiles);
}

/* --- the scan beside it ------------------------------------------------------- */

/* The definitions as of the snapshot. */
static feature_status
bind(struct lf_scan *scan, struct lf_reader *reader,
     struct feature_error *error)
{
    struct lf_tiles_out *tiles = scan->tiles;
    const struct lf_plan *plan;

    LF_TRY(lf_request_follow(scan->request, reader, error));
    plan = scan->request->plan;
    tiles->catalog = lf_catalog_hold(plan->catalog);
    LF_TRY(lf_form_bind(&tiles->form, tiles->catalog, plan->views[0].definition,
                        error));
    lf_sides_init(&tiles->sides, tiles->form.view);
    return lf_tile_prints_make(&tiles->prints, &tiles->form, tiles->catalog,
                               error);
}

static feature_status
bind_tiles(struct lf_scan *scan, struct feature_error *error)
{
    feature_store *store = scan->request->store;
    struct lf_reader *reader;
    feature_status status;

    scan->tiles = lf_alloc(sizeof *scan->tiles);
    if (!scan->tiles)
        return lf_fail_memory(error);
    LF_TRY(lf_store_enter(store, error));
    status = lf_hold_use(store, &scan->hold, &reader, error);
    if (!status) {
        status = bind(scan, reader, error);
        lf_hold_unuse(store, &scan->hold);
    }
    lf_store_leave(store);
    return status;
}

static feature_status
check_view(feature_store *store, const char *name, struct feature_error *error)
{
    struct lf_catalog *catalog = NULL;
    const struct lf_view *view;
    feature_status status;

    LF_TRY(lf_store_enter(store, error));
    status = lf_store_catalog(store, &catalog, error);
    if (!status)
        status = lf_tiles_view(catalog, name, &view, error);
    lf_catalog_release(catalog);
    lf_store_leave(store);
    return status;
}

feature_status
lf_tiles_scan_create(feature_store *store, const char *view,
                     const struct feature_scan_options *options,
                     struct lf_scan **scan, struct feature_error *error)
{
    struct feature_scan_options asked = *options;
    char features[LF_NAME_MAX + 8];
    struct lf_scan *made;
    feature_status status;

    LF_TRY(check_view(store, view, error));
    asked.flags |= FEATURE_SCAN_ONE_SNAPSHOT;
    snprintf(features, sizeof features, "%s(*)", view);
    LF_TRY(lf_scan_create(store, features, &asked, &made, error));
    status = bind_tiles(made, error);
    if (status) {
        lf_scan_free(made);
        return status;
    }
    *scan = made;
    return FEATURE_OK;
}
