/* SPDX-License-Identifier: Apache-2.0 */
/*
 * States of another store into a view.
 *
 * Owns what is gathered of a call, and the order of its commit.
 * Keeps a call whole: one transaction, with the offsets that say what the states
 * hold; a failure leaves no trace.
 * Never believes a state before it was checked to the byte.
 */
#include "store/tiles_in.h"

#include <inttypes.h>

#include "store/event_apply.h"
#include "store/key_order.h"
#include "store/offsets.h"
#include "store/upkeep.h"
#include "store/window_merge.h"

void
lf_tiles_in_free(struct lf_tiles_in *in)
{
    lf_form_free(&in->form);
    lf_catalog_release(in->catalog);
    lf_buffer_free(&in->keys);
    lf_buffer_free(&in->ends);
    lf_buffer_free(&in->rows);
    lf_buffer_free(&in->until);
    lf_buffer_free(&in->order);
    lf_buffer_free(&in->room);
}

void
lf_tiles_in_clear(struct lf_tiles_in *in)
{
    in->count = 0;
    in->keys.size = in->rows.size = 0;
    in->ends.size = in->until.size = 8; /* their zeros stay */
}

/* --- the view ----------------------------------------------------------------- */

static feature_status
check_view(const struct lf_view *view, struct feature_error *error)
{
    if (!view)
        return lf_fail(error, FEATURE_CONFLICT, "schema-changed",
                       "the feature view was dropped meanwhile");
    if (view->history)
        return lf_fail(error, FEATURE_UNSUPPORTED, "history",
                       "feature view %s keeps events (history), and would lack "
                       "those that tiles are made of",
                       view->name);
    return FEATURE_OK;
}

/* Binds the form to a catalog, whose reference is taken over. */
static feature_status
bind(struct lf_tiles_in *in, struct lf_catalog *catalog,
     struct feature_error *error)
{
    const struct lf_view *view = lf_catalog_view_by_id(catalog, in->view);
    struct lf_catalog *old = in->catalog;
    feature_status status = check_view(view, error);

    if (!status)
        status = lf_form_bind(&in->form, catalog, view, error);
    else
        lf_form_free(&in->form);
    in->catalog = catalog;
    lf_catalog_release(old);
    return status;
}

static feature_status
find_view(struct lf_tiles_in *in, const char *name, struct feature_error *error)
{
    struct lf_catalog *catalog = NULL;
    const struct lf_view *view;
    feature_status status;

    LF_TRY(lf_store_catalog(in->store, &catalog, error));
    status = lf_tiles_view(catalog, name, &view, error);
    if (status) {
        lf_catalog_release(catalog);
        return status;
    }
    in->view = view->id;
    LF_TRY(bind(in, catalog, error));
    LF_TRY(lf_store_apply_limit(in->store, in->catalog, error));
    return lf_tile_prints_make(&in->prints, &in->form, in->catalog, error);
}

feature_status
lf_tiles_in_begin(struct lf_tiles_in *in, feature_store *store,
                  const char *view, struct feature_error *error)
{
    feature_status status;
    uint8_t *end, *until;

    in->store = store;
    LF_TRY(lf_store_enter(store, error));
    if (store->read_only)
        status = lf_fail(error, FEATURE_INVALID, "argument",
                         "the store is open read-only");
    else
        status = find_view(in, view, error);
    lf_store_leave(store);
    if (status)
        return status;
    end = lf_buffer_extend(&in->ends, 8);
    until = lf_buffer_extend(&in->until, 8);
    if (!end || !until)
        return lf_fail_memory(error);
    lf_store_u64(end, 0);
    lf_store_u64(until, 0);
    return FEATURE_OK;
}

/* --- one state ---------------------------------------------------------------- */

static feature_status
fail_definition(const struct lf_tiles_in *in, const struct lf_parcel *parcel,
                struct feature_error *error)
{
    const struct lf_form *form = &in->form;

    return lf_fail(
        error, FEATURE_CONFLICT, "definition",
        "its tiles are of the definition %016" PRIx64
        ", feature view %s FROM %s is %016" PRIx64
        ": names, columns, aggregates in their order, windows, slack, zone and "
        "max_skew have to be the same",
        parcel->print.states, form->view->name, form->event->name,
        lf_tile_print_of(&in->prints, form->layout.version)->states);
}

static feature_status
fail_lineage(const struct lf_tiles_in *in, struct feature_error *error)
{
    return lf_fail(error, FEATURE_CONFLICT, "definition",
                   "its tiles lack events of some features, and the store they "
                   "are from had other schema versions than feature view %s: "
                   "build them in a store that is given the definition at once",
                   in->form.view->name);
}

/* As a row of the view. */
static bool
put_row(struct lf_tiles_in *in, uint16_t version,
        const struct lf_parcel *parcel, struct lf_row *row)
{
    uint8_t *to =
        lf_buffer_extend(&in->rows, LF_ROW_HEADER_SIZE + parcel->size);

    if (!to)
        return false;
    lf_store_u32(to, 0);
    lf_store_u16(to + 4, version);
    lf_store_u16(to + 6, parcel->flags);
    lf_store_i64(to + 8, parcel->time);
    if (parcel->size)
        memcpy(to + LF_ROW_HEADER_SIZE, parcel->body, parcel->size);
    *row =
        (struct lf_row){.bytes = to,
                        .size = (uint32_t)(LF_ROW_HEADER_SIZE + parcel->size),
                        .version = version,
                        .flags = parcel->flags,
                        .timestamp = parcel->time};
    return true;
}

static feature_status
add_row(struct lf_tiles_in *in, const struct lf_parcel *parcel,
        struct feature_error *error)
{
    uint16_t version = lf_tile_prints_find(&in->prints, &parcel->print);
    bool is_sound, has_marks;
    struct lf_row row;

    if (!version)
        return fail_definition(in, parcel, error);
    if (!put_row(in, version, parcel, &row))
        return lf_fail_memory(error);
    LF_TRY(lf_window_check(&in->form, &row, &is_sound, &has_marks, error));
    if (is_sound && !has_marks)
        return FEATURE_OK;
    /* Marks name versions, which are a store's own. */
    if (parcel->version != version ||
        parcel->print.lineage !=
            lf_tile_print_of(&in->prints, version)->lineage)
        return fail_lineage(in, error);
    return is_sound ? FEATURE_OK
                    : lf_fail(error, FEATURE_INVALID, "tiles",
                              "its state is none that feature view %s could "
                              "have",
                              in->form.view->name);
}

feature_status
lf_tiles_in_add(struct lf_tiles_in *in, const uint8_t *key, size_t key_size,
                int64_t time, const uint8_t *bytes, size_t size,
                struct feature_error *error)
{
    struct lf_parcel parcel;
    const char *problem = lf_parcel_open(&parcel, key, key_size, bytes, size);
    uint64_t end;

    if (problem)
        return lf_fail(error, FEATURE_INVALID, "tiles", "its state %s",
                       problem);
    if (parcel.time != time)
        return lf_fail(error, FEATURE_INVALID, "tiles",
                       "its event_timestamp is not that of its state");
    if (in->count == UINT32_MAX)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "one commit has at most %u rows", UINT32_MAX);
    LF_TRY(add_row(in, &parcel, error));
    end = in->keys.size + key_size;
    if (!lf_buffer_append(&in->keys, key, key_size) ||
        !lf_buffer_append(&in->ends, &end, sizeof end))
        return lf_fail_memory(error);
    end = in->rows.size;
    if (!lf_buffer_append(&in->until, &end, sizeof end))
        return lf_fail_memory(error);
    in->count++;
    return FEATURE_OK;
}

/* --- the commit --------------------------------------------------------------- */

static feature_status
order_rows(struct lf_tiles_in *in, struct feature_error *error)
{
    struct lf_row_keys keys = {in->keys.data, in->ends.data};

    in->order.size = 0;
    for (uint32_t i = 0; i < in->count; i++)
        if (!lf_buffer_append(&in->order, &i, sizeof i))
            return lf_fail_memory(error);
    return in->count < 2 || lf_row_keys_sort(&keys, in->order.data, in->count)
               ? FEATURE_OK
               : lf_fail_memory(error);
}

static feature_status
merge_row(struct lf_tiles_in *in, struct lf_rows *rows, uint32_t number,
          struct feature_error *error)
{
    struct lf_row_keys keys = {in->keys.data, in->ends.data};
    const uint8_t *until = in->until.data + 8 * (size_t)number;
    uint64_t begin = lf_load_u64(until), end = lf_load_u64(until + 8);
    struct lf_row row;
    size_t key_size;
    const uint8_t *key = lf_row_key(&keys, number, &key_size);

    if (!lf_row_open(&row, in->rows.data + begin, (size_t)(end - begin)))
        return lf_fail(error, FEATURE_INVALID, "tiles", "its state is none");
    if (lf_event_is_future(in->form.event, rows->commit->now, row.timestamp))
        return lf_fail(error, FEATURE_INVALID, "future",
                       "its newest event is more than max_skew ahead of the "
                       "clock");
    return lf_window_merge(rows, &in->room, key, key_size, &row,
                           in->store->max_row_size, error);
}

/* Places [first, end) of the order have one key. Of states of one key the first
 * in the stream is the earliest: it goes last, before all others. */
static feature_status
merge_key(struct lf_tiles_in *in, struct lf_rows *rows, uint32_t first,
          uint32_t end, struct feature_error *error)
{
    while (end-- > first) {
        uint32_t number = lf_load_u32(in->order.data + 4 * (size_t)end);
        feature_status status = merge_row(in, rows, number, error);

        if (status == FEATURE_INVALID || status == FEATURE_CONFLICT ||
            status == FEATURE_CORRUPT)
            lf_error_place(error, 0, number, 0);
        if (status)
            return status;
    }
    return FEATURE_OK;
}

static bool
is_same_key(const struct lf_tiles_in *in, uint32_t a, uint32_t b)
{
    struct lf_row_keys keys = {in->keys.data, in->ends.data};
    const uint8_t *order = in->order.data;
    size_t x_size, y_size;
    const uint8_t *x =
        lf_row_key(&keys, lf_load_u32(order + 4 * (size_t)a), &x_size);
    const uint8_t *y =
        lf_row_key(&keys, lf_load_u32(order + 4 * (size_t)b), &y_size);

    return lf_key_compare(x, x_size, y, y_size) == 0;
}

static feature_status
merge_rows(struct lf_tiles_in *in, struct lf_commit *commit,
           struct feature_error *error)
{
    struct lf_rows rows;
    uint32_t end;

    if (!in->count)
        return FEATURE_OK;
    LF_TRY(lf_rows_begin(&rows, &in->form, commit, error));
    for (uint32_t first = 0; first < in->count; first = end) {
        for (end = first + 1; end < in->count && is_same_key(in, first, end);)
            end++;
        LF_TRY(merge_key(in, &rows, first, end, error));
    }
    return lf_rows_end(&rows, error);
}

static feature_status
follow_catalog(struct lf_tiles_in *in, struct lf_commit *commit,
               struct feature_error *error)
{
    struct lf_catalog *catalog;

    if (commit->meta.catalog_version == in->catalog->version)
        return FEATURE_OK;
    LF_TRY(lf_commit_catalog(commit, &catalog, error));
    return bind(in, catalog, error);
}

/* Of a commit that has its number. */
static feature_status
merge_numbered(struct lf_tiles_in *in, struct lf_commit *commit,
               struct feature_error *error)
{
    LF_TRY(lf_feed_begin(commit, in->catalog, in->sources, in->source_count,
                         error));
    LF_TRY(merge_rows(in, commit, error));
    LF_TRY(lf_sources_put(commit, in->sources, in->source_count, error));
    LF_TRY(lf_upkeep_ride(commit, in->catalog, error));
    return lf_feed_end(commit, error);
}

static feature_status
merge_within(struct lf_tiles_in *in, struct lf_commit *commit, bool *touched,
             struct feature_error *error)
{
    bool is_replay = false;

    in->report = (struct feature_commit){0};
    LF_TRY(follow_catalog(in, commit, error));
    LF_TRY(lf_feed_check_leader(commit, error));
    LF_TRY(lf_sources_replayed(commit, in->sources, in->source_count,
                               &is_replay, error));
    *touched = !is_replay && (in->count || in->source_count);
    if (is_replay) {
        atomic_fetch_add(&in->store->replays, 1);
        in->report.duplicate = in->count;
    } else if (*touched) {
        lf_commit_number(commit);
        LF_TRY(merge_numbered(in, commit, error));
        in->report.applied = in->count;
    }
    in->report.sequence = commit->meta.sequence;
    in->report.time = commit->meta.commit_time;
    return FEATURE_OK;
}

/* One transaction. */
static feature_status
try_commit(struct lf_tiles_in *in, struct feature_error *error)
{
    struct lf_commit commit;
    feature_status status;
    bool touched = false;

    LF_TRY(lf_commit_begin(&commit, in->store, in->wait_ms, error));
    status = merge_within(in, &commit, &touched, error);
    if (!status && touched)
        return lf_commit_finish(&commit, error);
    lf_commit_abort(&commit);
    return status;
}

feature_status
lf_tiles_in_commit(struct lf_tiles_in *in, struct feature_error *error)
{
    struct feature_error problem = {.row = -1};
    feature_status status;

    LF_TRY(order_rows(in, error));
    LF_TRY(lf_store_enter(in->store, error));
    do
        status = try_commit(in, &problem);
    while (status && lf_commit_grow(in->store, &status, &problem));
    lf_store_leave(in->store);
    if (status && error)
        *error = problem;
    return status;
}
