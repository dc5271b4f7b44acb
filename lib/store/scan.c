/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scans.
 *
 * Owns the place a scan has come to, and which rows make a chunk.
 * Keeps a scan moving: keys rise from row to row, so that it ends whatever the
 * pages say, and a chunk has a bound in rows, bytes and rows passed over.
 * Never decodes a cell: the rows go through the same code as those of a read.
 */
#include "store/scan.h"

#include <string.h>

#include "base/alloc.h"
#include "store/key_answer.h"
#include "store/tiles_out.h"

#define PASS_ROWS (1u << 20)

/* What a chunk is made of, until its snapshot is given back. */
struct walk {
    struct lf_scan *scan;
    struct lf_view_plan *view;
    size_t row_bytes; /* of an answered row without its stored bytes */
    size_t bytes;
    uint32_t rows;
    uint32_t visited;
    const uint8_t *key; /* the last one visited */
    size_t key_size;
    bool is_full;
};

/* As LMDB orders keys. */
static int
compare(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size)
{
    int order = memcmp(a, b, a_size < b_size ? a_size : b_size);

    return order ? order : (a_size > b_size) - (a_size < b_size);
}

static feature_status
fail_row(const struct walk *walk, const char *reason, const char *what,
         struct feature_error *error)
{
    uint64_t row = walk->scan->served + walk->rows;

    lf_fail(error, FEATURE_CORRUPT, reason, "row %llu of a scan of %s: %s",
            (unsigned long long)row, walk->view->definition->name, what);
    lf_error_place(error, 0, (int64_t)row, 0);
    return FEATURE_CORRUPT;
}

/* Checks a row before anything in it is believed. */
static feature_status
open_row(const struct walk *walk, const struct lf_job *job, struct lf_row *row,
         struct feature_error *error)
{
    struct lf_row_plan *rows;

    if (job->key_size > LF_KEY_MAX)
        return fail_row(walk, "structure", "its key is too long", error);
    if (walk->key &&
        compare(job->key, job->key_size, walk->key, walk->key_size) <= 0)
        return fail_row(walk, "structure", "its key is out of order", error);
    if (job->size < LF_ROW_HEADER_SIZE ||
        lf_load_u32(job->value) != lf_row_checksum(walk->view->seed, job->key,
                                                   job->key_size, job->value,
                                                   job->size))
        return fail_row(walk, "checksum",
                        "the stored row does not match its checksum", error);
    if (!lf_row_open(row, job->value, job->size) ||
        !lf_plan_fits(walk->view, row))
        return fail_row(walk, "structure", "the stored row has an unknown form",
                        error);
    LF_TRY(lf_plan_rows(walk->scan->request->plan, walk->view, row->version,
                        &rows, error));
    if (!rows || (!walk->view->event && !lf_row_check(row, &rows->layout)))
        return fail_row(walk, "structure",
                        "the stored row does not fit its schema version",
                        error);
    return FEATURE_OK;
}

static feature_status
visit_row(void *context, const uint8_t *key, size_t key_size,
          const uint8_t *value, size_t size, struct feature_error *error)
{
    struct walk *walk = context;
    struct lf_scan *scan = walk->scan;
    struct lf_job job = {.key = key,
                         .key_size = (uint32_t)key_size,
                         .size = (uint32_t)size,
                         .value = value};
    uint64_t full_size = size;
    struct lf_row row;

    if (scan->has_to &&
        compare(key, key_size, scan->to.data, scan->to.size) >= 0)
        return LF_ENOUGH;
    LF_TRY(open_row(walk, &job, &row, error));
    if (scan->tiles)
        LF_TRY(lf_tiles_measure(scan->tiles, &row, &full_size, error));
    if (scan->tiles || !(row.flags & LF_ROW_TOMBSTONE)) {
        if (!lf_buffer_append(&scan->request->jobs, &job, sizeof job))
            return lf_fail_memory(error);
        walk->rows++;
        walk->bytes += walk->row_bytes + key_size + full_size;
    }
    walk->visited++;
    walk->key = key;
    walk->key_size = key_size;
    walk->is_full = walk->rows == scan->chunk_rows ||
                    walk->bytes >= LF_SCAN_BYTES ||
                    walk->visited == scan->pass_rows;
    return walk->is_full ? LF_ENOUGH : FEATURE_OK;
}

/* What a row takes in a chunk, at most, besides what is stored of it. */
static size_t
measure_row(const struct lf_view_plan *view)
{
    size_t size = sizeof(struct lf_job) + sizeof(int64_t);

    for (uint32_t i = 0; i < view->column_count; i++) {
        const struct lf_column_plan *column = &view->columns[i];

        size += lf_type_is_variable(column->type)
                    ? sizeof(int32_t) + column->fallback.size
                    : lf_type_fixed_size(column->type);
    }
    return size;
}

static feature_status
decode_key(struct walk *walk, uint32_t row, struct feature_error *error)
{
    const struct lf_job *job = &lf_request_jobs(walk->scan->request)[row];
    bool is_key;

    LF_TRY(lf_keys_take(walk->scan->keys, walk->scan->query->selection, row,
                        job->key, job->key_size, &is_key, error));
    if (is_key)
        return FEATURE_OK;
    walk->rows = row;
    return fail_row(walk, "structure", "its key is not one of the entity's",
                    error);
}

/* A key of which nothing is visible has no row, whether it was swept or not. */
static feature_status
find_windows(struct walk *walk, struct lf_reader *reader,
             struct feature_error *error)
{
    feature_request *request = walk->scan->request;

    request->rows = walk->rows;
    request->ranges[0] = (struct lf_job_range){.count = walk->rows};
    LF_TRY(lf_windows_find(request, reader, error));
    lf_windows_drop(request, 0);
    walk->rows = request->rows;
    return FEATURE_OK;
}

static feature_status
decode_keys(struct walk *walk, struct feature_error *error)
{
    if (!lf_keys_reserve(walk->scan->keys, walk->scan->query->selection,
                         walk->rows))
        return lf_fail_memory(error);
    for (uint32_t i = 0; i < walk->rows; i++)
        LF_TRY(decode_key(walk, i, error));
    return FEATURE_OK;
}

/* The rows that were walked over, as keys and states. */
static feature_status
take_tiles(struct walk *walk, struct lf_reader *reader,
           struct feature_error *error)
{
    feature_request *request = walk->scan->request;

    LF_TRY(decode_keys(walk, error));
    LF_TRY(lf_tiles_take(walk->scan->tiles, reader, lf_request_jobs(request),
                         walk->rows, error));
    request->rows = walk->rows;
    return FEATURE_OK;
}

/* As keys and columns. */
static feature_status
decode(struct walk *walk, struct feature_error *error)
{
    feature_request *request = walk->scan->request;
    const struct lf_sink sink = {0};

    LF_TRY(decode_keys(walk, error));
    request->rows = walk->rows;
    request->ranges[0] = (struct lf_job_range){.count = walk->rows};
    LF_TRY(lf_answer_begin(request, &sink, error));
    return lf_answer_view(request, 0, &sink, error);
}

/* The next chunk begins at the least key that is above the last one: that key
 * with a zero byte behind it. */
static void
advance(struct walk *walk)
{
    struct lf_scan *scan = walk->scan;

    scan->served += walk->rows;
    scan->is_done = !walk->is_full;
    if (scan->is_done)
        return;
    memcpy(scan->from.data, walk->key, walk->key_size);
    scan->from.data[walk->key_size] = 0;
    scan->from.size = walk->key_size + 1;
}

static feature_status
read_snapshot(struct lf_scan *scan, struct lf_reader *reader,
              struct feature_error *error)
{
    feature_request *request = scan->request;
    struct walk walk = {.scan = scan};

    LF_TRY(lf_request_follow(request, reader, error));
    request->now = scan->is_one ? scan->now : lf_store_now(request->store);
    request->jobs.size = 0;
    walk.view = &request->plan->views[0];
    walk.row_bytes = measure_row(walk.view);
    LF_TRY(lf_reader_scan_from(reader, walk.view->tree, scan->from.data,
                               scan->from.size, visit_row, &walk, error));
    if (walk.rows && walk.view->event && !scan->tiles)
        LF_TRY(find_windows(&walk, reader, error));
    if (walk.rows)
        LF_TRY(scan->tiles ? take_tiles(&walk, reader, error)
                           : decode(&walk, error));
    advance(&walk);
    return FEATURE_OK;
}

static feature_status
read_one(struct lf_scan *scan, struct feature_error *error)
{
    feature_store *store = scan->request->store;
    struct lf_reader *reader;
    feature_status status;

    LF_TRY(lf_hold_use(store, &scan->hold, &reader, error));
    status = read_snapshot(scan, reader, error);
    lf_hold_unuse(store, &scan->hold);
    return status;
}

static feature_status
read_newest(struct lf_scan *scan, struct feature_error *error)
{
    struct lf_reader *reader;
    feature_status status;

    LF_TRY(lf_reader_begin(scan->request->store->environment, &reader, error));
    status = read_snapshot(scan, reader, error);
    lf_reader_end(reader);
    return status;
}

feature_status
lf_scan_next(struct lf_scan *scan, struct feature_error *error)
{
    feature_store *store = scan->request->store;
    feature_status status = FEATURE_OK;

    scan->request->rows = 0;
    if (scan->is_done)
        return FEATURE_OK;
    LF_TRY(lf_store_enter(store, error));
    while (!status && !scan->is_done && !scan->request->rows)
        status =
            scan->is_one ? read_one(scan, error) : read_newest(scan, error);
    if (scan->is_done)
        lf_hold_end(store, &scan->hold);
    lf_store_leave(store);
    return status;
}

static feature_status
check_options(const struct feature_scan_options *options,
              struct feature_error *error)
{
    if (options->flags & ~(uint32_t)FEATURE_SCAN_ONE_SNAPSHOT)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "unknown bits 0x%x in the scan options' flags",
                       options->flags & ~(uint32_t)FEATURE_SCAN_ONE_SNAPSHOT);
    if (options->reserved)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "reserved is %u in the scan options, it has to be 0",
                       options->reserved);
    return FEATURE_OK;
}

/* Keys and columns are apart in a query, and side by side in a scan. */
feature_status
lf_scan_check_selection(const struct lf_selection *selection, const char *what,
                        struct feature_error *error)
{
    if (selection->view_count != 1)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "%s is of one feature view in one role, not of %u", what,
                       selection->view_count);
    for (uint32_t i = 0; i < selection->column_count; i++)
        for (uint32_t j = 0; j < selection->key_count; j++)
            if (!strcmp(selection->columns[i].name, selection->keys[j].name))
                return lf_fail(error, FEATURE_INVALID, "argument",
                               "a join key and a feature would both be the "
                               "column %s: give one another name by AS",
                               selection->keys[j].name);
    return FEATURE_OK;
}

static feature_status
prepare(struct lf_scan *scan, const struct feature_scan_options *options,
        struct feature_error *error)
{
    const struct lf_selection *selection = scan->query->selection;

    LF_TRY(lf_scan_check_selection(selection, "a scan", error));
    if (options->from)
        LF_TRY(lf_scan_bound(selection, "from", options->from, &scan->from,
                             error));
    scan->has_to = options->to != NULL;
    if (scan->has_to)
        LF_TRY(lf_scan_bound(selection, "to", options->to, &scan->to, error));
    if (!lf_buffer_reserve(&scan->from, LF_KEY_MAX + 1))
        return lf_fail_memory(error);
    return feature_request_create(scan->query, &scan->request, error);
}

static feature_status
hold_snapshot(struct lf_scan *scan, const struct feature_scan_options *options,
              struct feature_error *error)
{
    feature_store *store = scan->request->store;
    feature_status status;

    LF_TRY(lf_store_enter(store, error));
    scan->now = lf_store_now(store);
    status = lf_hold_begin(
        store, &scan->hold,
        options->max_age_ms ? options->max_age_ms : LF_SCAN_AGE_MS, error);
    lf_store_leave(store);
    return status;
}

feature_status
lf_scan_create(feature_store *store, const char *features,
               const struct feature_scan_options *options,
               struct lf_scan **scan, struct feature_error *error)
{
    struct feature_query_options query = {.struct_size = sizeof query,
                                          .fill = options->fill};
    struct lf_scan *made;
    feature_status status;

    LF_TRY(check_options(options, error));
    made = lf_alloc(sizeof *made);
    if (!made)
        return lf_fail_memory(error);
    made->chunk_rows = options->chunk_rows ? options->chunk_rows : LF_SCAN_ROWS;
    made->pass_rows = PASS_ROWS;
    made->is_one = options->flags & FEATURE_SCAN_ONE_SNAPSHOT;
    status = feature_query_create(store, features, &query, &made->query, error);
    if (!status)
        status = prepare(made, options, error);
    if (!status && made->is_one)
        status = hold_snapshot(made, options, error);
    if (status) {
        lf_scan_free(made);
        return status;
    }
    *scan = made;
    return FEATURE_OK;
}

void
lf_scan_free(struct lf_scan *scan)
{
    if (!scan)
        return;
    if (scan->request)
        lf_hold_end(scan->request->store, &scan->hold);
    lf_tiles_out_free(scan->tiles);
    lf_keys_free(scan->keys);
    lf_buffer_free(&scan->from);
    lf_buffer_free(&scan->to);
    feature_request_free(scan->request);
    feature_query_free(scan->query);
    lf_free(scan);
}
