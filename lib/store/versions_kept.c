/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the features of windows came to be what they are.
 *
 * Owns which times make a chunk: those at which an event of a key is kept, each
 * once, and what was committed last of it.
 * Keeps the answers of a read as of just after that time: by the same code.
 * Never says that a value was known where nobody knows it any more.
 */
#include <string.h>

#include "store/history.h"
#include "store/scan.h"
#include "store/versions.h"

/* What a chunk is made of, until its snapshot is parked again. */
struct walk {
    struct lf_versions *versions;
    struct lf_cursor *cursor;
    struct lf_view_plan *view;
    uint32_t seed;
    size_t row_bytes;
    size_t bytes;
    uint32_t rows;
    bool is_full;
    struct lf_versions_at at;
    const struct lf_job *key;
    struct lf_cursor_entry entry;
    struct lf_history_place last; /* of the key's entry before */
    bool has_last;
    bool has_time; /* the time of that is listed */
};

static feature_status
fail_damaged(const struct walk *walk, const char *reason,
             struct feature_error *error)
{
    return lf_fail(error, FEATURE_CORRUPT, reason,
                   "an entry of the history of %s is damaged",
                   walk->view->definition->name);
}

/* --- one key ------------------------------------------------------------------ */

static bool
is_of_key(const struct walk *walk)
{
    return walk->entry.key &&
           walk->entry.key_size ==
               walk->key->key_size + LF_HISTORY_PLACE_SIZE &&
           memcmp(walk->entry.key, walk->key->key, walk->key->key_size) == 0;
}

static feature_status
seek(struct walk *walk, const struct lf_history_place *place,
     struct feature_error *error)
{
    struct lf_buffer *sought = &walk->versions->sought;
    size_t size = walk->key->key_size;

    if (!lf_buffer_reserve(sought, size + LF_HISTORY_PLACE_SIZE))
        return lf_fail_memory(error);
    memcpy(sought->data, walk->key->key, size);
    lf_history_put_place(sought->data + size, place);
    return lf_cursor_seek(walk->cursor, sought->data,
                          size + LF_HISTORY_PLACE_SIZE, &walk->entry, error);
}

static bool
is_after(const struct lf_history_place *a, const struct lf_history_place *b)
{
    if (a->time != b->time)
        return a->time < b->time;
    if (a->sequence != b->sequence)
        return a->sequence < b->sequence;
    return a->ordinal < b->ordinal;
}

/* Places rise, so that a key ends whatever the pages say. */
static feature_status
open_entry(struct walk *walk, struct lf_history_entry *entry,
           struct feature_error *error)
{
    const struct lf_cursor_entry *at = &walk->entry;
    const char *found = lf_history_open(entry, walk->seed, at->key,
                                        at->key_size, at->value, at->size);

    if (found)
        return fail_damaged(walk, found, error);
    if (walk->has_last && !is_after(&entry->place, &walk->last))
        return fail_damaged(walk, "structure", error);
    if (!walk->has_last || entry->place.time != walk->last.time)
        walk->has_time = false;
    walk->last = entry->place;
    walk->has_last = true;
    return FEATURE_OK;
}

/* A chunk ends before the version that does not fit, with one at least. */
static feature_status
add(struct walk *walk, const struct lf_history_entry *entry,
    struct feature_error *error)
{
    struct lf_versions *versions = walk->versions;
    struct lf_version version = {.row.timestamp = entry->place.time,
                                 .key = walk->at.key,
                                 .operation = entry->operation,
                                 .sequence = entry->place.sequence,
                                 .commit_time = entry->commit_time};
    size_t bytes = walk->row_bytes + walk->key->key_size;

    walk->is_full = walk->rows && (walk->rows == versions->options.chunk_rows ||
                                   walk->bytes + bytes > LF_SCAN_BYTES);
    if (walk->is_full)
        return FEATURE_OK;
    if (!lf_buffer_append(&versions->found, &version, sizeof version))
        return lf_fail_memory(error);
    walk->has_time = true;
    walk->bytes += bytes;
    walk->rows++;
    walk->at.listed++;
    return FEATURE_OK;
}

static bool
is_asked(const struct walk *walk, const struct lf_history_entry *entry)
{
    const struct lf_versions *versions = walk->versions;

    return !walk->has_time && (!versions->is_restricted ||
                               entry->commit_time <= versions->query.known_by);
}

static bool
is_over(const struct walk *walk)
{
    const struct feature_history_options *options = &walk->versions->options;

    return (options->last && walk->at.listed >= options->last &&
            !walk->has_time) ||
           (options->since && walk->last.time < options->since);
}

/* Of a time that is listed the entries behind the first are passed over. */
static feature_status
take_entries(struct walk *walk, struct feature_error *error)
{
    walk->has_last = walk->has_time = false;
    while (is_of_key(walk)) {
        struct lf_history_entry entry;

        LF_TRY(open_entry(walk, &entry, error));
        if (is_over(walk))
            return FEATURE_OK;
        if (is_asked(walk, &entry))
            LF_TRY(add(walk, &entry, error));
        if (walk->is_full) {
            walk->at.is_within = true;
            walk->at.place = entry.place;
            return FEATURE_OK;
        }
        LF_TRY(lf_cursor_next(walk->cursor, &walk->entry, error));
    }
    return FEATURE_OK;
}

static feature_status
take_key(struct walk *walk, struct feature_error *error)
{
    struct lf_history_place place = {INT64_MAX, UINT64_MAX, UINT32_MAX};

    if (walk->versions->options.until)
        place.time = walk->versions->options.until;
    LF_TRY(seek(walk, walk->at.is_within ? &walk->at.place : &place, error));
    return take_entries(walk, error);
}

static feature_status
take_keys(struct walk *walk, struct feature_error *error)
{
    while (walk->at.key < walk->versions->key_count) {
        walk->key = lf_versions_key(walk->versions, walk->at.key);
        if (walk->key->key_size)
            LF_TRY(take_key(walk, error));
        if (walk->is_full)
            return FEATURE_OK;
        walk->at = (struct lf_versions_at){.key = walk->at.key + 1};
    }
    return FEATURE_OK;
}

/* --- features ------------------------------------------------------------------ */

static const struct lf_version *
found(const struct lf_versions *versions)
{
    return (const struct lf_version *)(void *)versions->found.data;
}

/* A row of the request for each version, just after its event. */
static feature_status
set_rows(struct lf_versions *versions, uint32_t rows,
         struct feature_error *error)
{
    feature_request *request = versions->request;
    const struct lf_version *version = found(versions);
    struct lf_job *jobs;

    request->rows = request->as_of_rows = rows;
    request->now = INT64_MIN;
    request->ranges[0] = (struct lf_job_range){.count = rows};
    if (!lf_buffer_reserve(&request->as_of, 8 * (size_t)rows) ||
        !lf_buffer_reserve(&request->jobs, rows * sizeof *jobs))
        return lf_fail_memory(error);
    jobs = lf_request_jobs(request);
    for (uint32_t i = 0; i < rows; i++) {
        int64_t time = version[i].row.timestamp;

        lf_store_i64(request->as_of.data + 8 * (size_t)i,
                     time + (time < INT64_MAX));
        jobs[i] = *lf_versions_key(versions, version[i].key);
        jobs[i].twin = 0;
        if (i && jobs[i].key == jobs[i - 1].key) {
            jobs[i].key_size = 0;
            jobs[i].twin = jobs[i - 1].twin + 1;
        }
    }
    return FEATURE_OK;
}

static feature_status
find_rows(struct lf_versions *versions, struct lf_reader *reader,
          struct feature_error *error)
{
    feature_request *request = versions->request;
    struct lf_job *jobs = lf_request_jobs(request);

    for (uint32_t i = 0; i < request->rows; i++) {
        bool is_stored = false;
        size_t size = 0;

        if (jobs[i].twin)
            continue;
        LF_TRY(lf_reader_get(reader, request->plan->views[0].tree, jobs[i].key,
                             jobs[i].key_size, &is_stored, &jobs[i].value,
                             &size, error));
        if (!is_stored)
            jobs[i].value = NULL;
        jobs[i].size = (uint32_t)size;
    }
    lf_jobs_repeat(request);
    return lf_request_verify(request, 0, error);
}

/* The features whose value is known. */
static feature_status
mark_known(struct lf_versions *versions, uint32_t rows,
           struct feature_error *error)
{
    const struct lf_windows *windows = &versions->request->windows[0];
    const struct lf_view_plan *view = &versions->request->plan->views[0];
    size_t size = lf_bits_size(versions->query.selection->column_count);

    if (!lf_versions_begin_bytes(&versions->written, rows))
        return lf_fail_memory(error);
    for (uint32_t row = 0; row < rows; row++) {
        const struct lf_window_cell *cells =
            lf_windows_cells(windows, view->column_count, row);
        uint8_t *bits = lf_buffer_extend(&versions->written.values, size);

        if (!bits)
            return lf_fail_memory(error);
        memset(bits, 0, size);
        for (uint32_t i = 0; i < view->column_count; i++)
            if (cells[i].kind < LF_WINDOW_PAST)
                lf_bit_set(bits, view->columns[i].column);
        lf_versions_end_bytes(&versions->written, row);
    }
    return FEATURE_OK;
}

static feature_status
decode(struct lf_versions *versions, struct lf_reader *reader, uint32_t rows,
       struct feature_error *error)
{
    const struct lf_sink sink = {0};

    if (!lf_versions_decode_keys(versions, rows) ||
        !lf_versions_decode_commits(versions, rows))
        return lf_fail_memory(error);
    LF_TRY(set_rows(versions, rows, error));
    LF_TRY(lf_answer_begin(versions->request, &sink, error));
    LF_TRY(find_rows(versions, reader, error));
    LF_TRY(lf_windows_find(versions->request, reader, error));
    LF_TRY(mark_known(versions, rows, error));
    return lf_answer_view(versions->request, 0, &sink, error);
}

feature_status
lf_versions_read_kept(struct lf_versions *versions, struct lf_reader *reader,
                      struct feature_error *error)
{
    struct walk walk = {.versions = versions,
                        .view = &versions->request->plan->views[0],
                        .at = versions->at};
    char tree[LF_TREE_NAME_SIZE];
    feature_status status;

    walk.row_bytes = lf_versions_row_bytes(walk.view);
    walk.seed = lf_history_seed(walk.view->definition->id);
    versions->found.size = 0;
    lf_history_tree(walk.view->definition, tree);
    LF_TRY(lf_cursor_open(reader, tree, &walk.cursor, error));
    status = take_keys(&walk, error);
    lf_cursor_close(walk.cursor);
    if (!status && walk.rows)
        status = decode(versions, reader, walk.rows, error);
    if (status)
        return status;
    versions->at = walk.at;
    versions->is_done = !walk.is_full;
    return FEATURE_OK;
}
