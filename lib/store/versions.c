/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Versions of rows, listed.
 *
 * Owns which entries of a history make a chunk: those of the keys asked for, of
 * the times, of the commits that count, no more of a key than asked for.
 * Keeps to one snapshot, and every chunk within a bound in rows and bytes.
 * Never believes a byte before its checksum and its layout were checked.
 */
#include "store/versions.h"

#include <string.h>

#include "base/alloc.h"
#include "store/scan.h"

/* What a chunk is made of, until its snapshot is parked again. */
struct walk {
    struct lf_versions *versions;
    struct lf_reader *reader;
    struct lf_history_cursor *cursor;
    struct lf_view_plan *view;
    uint32_t rows_most;
    size_t row_bytes; /* of a version without its stored bytes */
    size_t bytes;
    uint32_t rows;
    bool is_full;
    struct lf_versions_at at;
    const struct lf_job *key;
    struct lf_version_at entry;
    uint8_t sought[LF_HISTORY_KEY_MAX];
    uint8_t last[LF_HISTORY_PLACE_SIZE]; /* of the key's entry before */
    bool has_last;
};

static feature_status
fail_damaged(const struct walk *walk, const char *reason, const char *what,
             struct feature_error *error)
{
    return lf_fail(error, FEATURE_CORRUPT, reason, "%s of %s is damaged", what,
                   walk->view->definition->name);
}

/* --- one version ------------------------------------------------------------- */

static feature_status
check_row(const struct walk *walk, struct lf_row *row, const char *what,
          struct feature_error *error)
{
    struct lf_row_plan *plan;

    LF_TRY(lf_plan_rows(walk->versions->request->plan, walk->view, row->version,
                        &plan, error));
    if (!plan || !lf_row_check(row, &plan->layout))
        return fail_damaged(walk, "structure", what, error);
    return FEATURE_OK;
}

static bool
is_asked(const struct walk *walk, int64_t time, int64_t commit_time)
{
    const struct lf_versions *versions = walk->versions;
    const struct feature_history_options *options = &versions->options;

    return (!options->since || time >= options->since) &&
           (!options->until || time <= options->until) &&
           (!versions->is_restricted ||
            commit_time <= versions->query.known_by);
}

static bool
has_enough(const struct walk *walk)
{
    uint32_t last = walk->versions->options.last;

    return last && walk->at.listed >= last;
}

/* A chunk ends before the version that does not fit, with one at least. */
static feature_status
add(struct walk *walk, const struct lf_version *version,
    struct feature_error *error)
{
    size_t bytes = walk->row_bytes + walk->key->key_size + version->row.size;

    walk->is_full = walk->rows && (walk->rows == walk->rows_most ||
                                   walk->bytes + bytes > LF_SCAN_BYTES);
    if (walk->is_full)
        return FEATURE_OK;
    if (!lf_buffer_append(&walk->versions->found, version, sizeof *version))
        return lf_fail_memory(error);
    walk->bytes += bytes;
    walk->rows++;
    walk->at.listed++;
    return FEATURE_OK;
}

/* --- one key ----------------------------------------------------------------- */

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
    size_t size = walk->key->key_size;

    memcpy(walk->sought, walk->key->key, size);
    lf_history_put_place(walk->sought + size, place);
    return lf_history_seek(walk->cursor, walk->sought,
                           size + LF_HISTORY_PLACE_SIZE, &walk->entry, error);
}

/* A chunk outlives the blocks its versions lie in. */
static feature_status
copy_row(struct walk *walk, struct lf_row *row, struct feature_error *error)
{
    const char *made =
        lf_arena_copy(&walk->versions->packed, row->bytes, row->size);

    if (!made)
        return lf_fail_memory(error);
    lf_row_open(row, (const uint8_t *)made, row->size);
    return FEATURE_OK;
}

/* Adds the entry at hand, if it is asked for. */
static feature_status
take_entry(struct walk *walk, const struct lf_history_place *place,
           struct feature_error *error)
{
    struct lf_history_entry entry;
    struct lf_version version = {.key = walk->at.key};
    const char *problem = lf_history_take(walk->cursor, &walk->entry, &entry);

    if (problem)
        return fail_damaged(walk, problem, "an entry of the history", error);
    version.is_base = entry.operation == LF_HISTORY_BASE;
    if (!is_asked(walk, version.is_base ? entry.row.timestamp : place->time,
                  entry.commit_time))
        return FEATURE_OK;
    if (walk->entry.unpacked)
        LF_TRY(copy_row(walk, &entry.row, error));
    LF_TRY(check_row(walk, &entry.row, "an entry of the history", error));
    version.row = entry.row;
    version.operation = entry.operation;
    if (version.is_base && entry.row.flags & LF_ROW_TOMBSTONE)
        version.operation = FEATURE_DELETE;
    version.sequence = place->sequence;
    version.commit_time = entry.commit_time;
    return add(walk, &version, error);
}

/* Places rise, so that a key ends whatever the pages say. */
static feature_status
get_place(struct walk *walk, struct lf_history_place *place,
          struct feature_error *error)
{
    const uint8_t *bytes = walk->entry.key + walk->key->key_size;

    if (walk->has_last && memcmp(bytes, walk->last, sizeof walk->last) <= 0)
        return fail_damaged(walk, "structure", "the order of the history",
                            error);
    memcpy(walk->last, bytes, sizeof walk->last);
    walk->has_last = true;
    *place = lf_history_get_place(bytes);
    return FEATURE_OK;
}

/* The entries of the key, from the one at hand on. Those that are too old are
 * skipped at once, but for the base, which lies behind them all. */
static feature_status
take_entries(struct walk *walk, struct feature_error *error)
{
    static const struct lf_history_place base = {.time = LF_TIME_UNSET};
    int64_t since = walk->versions->options.since;

    walk->has_last = false;
    while (is_of_key(walk) && !has_enough(walk)) {
        struct lf_history_place place;

        LF_TRY(get_place(walk, &place, error));
        if (since && place.time < since && place.time != LF_TIME_UNSET) {
            LF_TRY(seek(walk, &base, error));
            continue;
        }
        LF_TRY(take_entry(walk, &place, error));
        if (walk->is_full) {
            walk->at.is_within = true;
            walk->at.place = place;
            return FEATURE_OK;
        }
        lf_history_let_go(walk->cursor); /* rows of blocks were copied */
        LF_TRY(lf_history_next(walk->cursor, &walk->entry, error));
    }
    return FEATURE_OK;
}

/* A row that was there before history began, and that nothing has changed since,
 * has no entry: it is its own base. */
static feature_status
take_stored(struct walk *walk, struct feature_error *error)
{
    const struct lf_job *key = walk->key;
    struct lf_version version = {.is_base = true,
                                 .key = walk->at.key,
                                 .commit_time =
                                     walk->versions->meta.history_since};
    const uint8_t *value;
    size_t size;
    bool found;

    if (!walk->versions->meta.history_bases)
        return FEATURE_OK;
    LF_TRY(lf_reader_get(walk->reader, walk->view->tree, key->key,
                         key->key_size, &found, &value, &size, error));
    if (!found)
        return FEATURE_OK;
    if (!lf_row_open(&version.row, value, size))
        return fail_damaged(walk, "structure", "a stored row", error);
    if (lf_load_u32(value) !=
        lf_row_checksum(walk->view->seed, key->key, key->key_size, value, size))
        return fail_damaged(walk, "checksum", "a stored row", error);
    if (!is_asked(walk, version.row.timestamp, version.commit_time))
        return FEATURE_OK;
    LF_TRY(check_row(walk, &version.row, "a stored row", error));
    if (version.row.flags & LF_ROW_TOMBSTONE)
        version.operation = FEATURE_DELETE;
    return add(walk, &version, error);
}

static feature_status
take_key(struct walk *walk, struct feature_error *error)
{
    struct lf_history_place place = {INT64_MAX, UINT64_MAX, UINT32_MAX};
    int64_t until = walk->versions->options.until;

    if (walk->at.is_within) {
        LF_TRY(seek(walk, &walk->at.place, error));
        return take_entries(walk, error);
    }
    LF_TRY(seek(walk, &place, error));
    if (!is_of_key(walk))
        return take_stored(walk, error);
    place.time = until;
    if (until)
        LF_TRY(seek(walk, &place, error));
    return take_entries(walk, error);
}

/* --- one chunk --------------------------------------------------------------- */

const struct lf_job *
lf_versions_key(const struct lf_versions *versions, uint32_t index)
{
    const struct lf_job *job = (const struct lf_job *)versions->key_jobs.data +
                               (versions->is_one_key ? 0 : index);

    return job - job->twin;
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

static feature_status
read_chunk(struct lf_versions *versions, struct lf_reader *reader,
           struct feature_error *error)
{
    struct walk walk = {.versions = versions,
                        .reader = reader,
                        .cursor = &versions->cursor,
                        .view = &versions->request->plan->views[0],
                        .rows_most = versions->options.chunk_rows,
                        .at = versions->at};
    feature_status status;

    if (walk.view->event)
        return lf_versions_read_kept(versions, reader, error);
    walk.row_bytes = lf_versions_row_bytes(walk.view);
    versions->found.size = 0;
    lf_arena_free(&versions->packed);
    LF_TRY(lf_history_open_read(walk.cursor, reader, walk.view->definition,
                                error));
    status = take_keys(&walk, error);
    lf_history_close(walk.cursor);
    if (!status && walk.rows)
        status = lf_versions_decode(versions, error);
    if (status)
        return status;
    versions->at = walk.at;
    versions->is_done = !walk.is_full;
    return FEATURE_OK;
}

/* Runs one step in the snapshot that is held. */
typedef feature_status (*step)(struct lf_versions *versions,
                               struct lf_reader *reader,
                               struct feature_error *error);

static feature_status
run(struct lf_versions *versions, step run_step, struct feature_error *error)
{
    feature_store *store = versions->request->store;
    struct lf_reader *reader;
    feature_status status;

    LF_TRY(lf_hold_use(store, &versions->hold, &reader, error));
    status = run_step(versions, reader, error);
    lf_hold_unuse(store, &versions->hold);
    return status;
}

feature_status
lf_versions_next(struct lf_versions *versions, struct feature_error *error)
{
    feature_store *store = versions->request->store;
    feature_status status;

    versions->request->rows = 0;
    if (versions->is_done)
        return FEATURE_OK;
    LF_TRY(lf_store_enter(store, error));
    status = run(versions, read_chunk, error);
    if (status)
        versions->request->rows = 0;
    if (versions->is_done)
        lf_hold_end(store, &versions->hold);
    lf_store_leave(store);
    return status;
}

/* --- making ------------------------------------------------------------------ */

/* What is known once the snapshot is. The keys leave the request, whose jobs are
 * the rows of a chunk from now on. */
static feature_status
prepare(struct lf_versions *versions, struct lf_reader *reader,
        struct feature_error *error)
{
    feature_request *request = versions->request;
    const struct lf_view *view;
    size_t count;

    LF_TRY(lf_request_follow(request, reader, error));
    view = request->plan->views[0].definition;
    LF_TRY(lf_versions_check_view(view, error));
    LF_TRY(lf_store_read_view(reader, view->id, &versions->meta, error));
    LF_TRY(lf_jobs_make(request, &count, error));
    versions->is_one_key = request->ranges[0].count == 1;
    versions->is_restricted = versions->query.known_by &&
                              versions->query.known_by < request->commit_time;
    versions->key_jobs = request->jobs;
    versions->key_bytes = request->key_bytes;
    request->jobs = request->key_bytes = (struct lf_buffer){0};
    return FEATURE_OK;
}

static feature_status
hold_snapshot(struct lf_versions *versions, struct feature_error *error)
{
    feature_store *store = versions->request->store;
    feature_status status;

    LF_TRY(lf_store_enter(store, error));
    status = lf_hold_begin(store, &versions->hold, versions->options.max_age_ms,
                           error);
    if (!status)
        status = run(versions, prepare, error);
    lf_store_leave(store);
    return status;
}

static feature_status
set_keys(struct lf_versions *versions, const struct feature_column *keys,
         struct feature_error *error)
{
    feature_request *request = versions->request;

    for (uint32_t i = 0; i < versions->query.selection->key_count; i++)
        LF_TRY(feature_request_set_key(request, i, keys[i].type, keys[i].values,
                                       keys[i].offsets, keys[i].validity,
                                       keys[i].rows, error));
    LF_TRY(lf_request_count_rows(request, &request->rows, error));
    versions->key_count = request->rows;
    return FEATURE_OK;
}

static feature_status
make(struct lf_versions *versions, const feature_query *query,
     const struct feature_column *keys, struct feature_error *error)
{
    versions->asked = lf_query_hold(query);
    versions->query.store = query->store;
    versions->query.selection = query->selection;
    versions->query.fill = FEATURE_FILL_NULLS;
    versions->query.known_by = query->known_by;
    LF_TRY(feature_request_create(&versions->query, &versions->request, error));
    LF_TRY(set_keys(versions, keys, error));
    return hold_snapshot(versions, error);
}

static feature_status
check_options(const struct feature_history_options *options,
              struct feature_error *error)
{
    if (options->flags || options->reserved)
        return lf_fail(
            error, FEATURE_INVALID, "argument",
            "flags and reserved of the history options have to be 0");
    if (options->since == INT64_MIN || options->until == INT64_MIN)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "a time of the history options is INT64_MIN");
    return FEATURE_OK;
}

feature_status
lf_versions_create(const feature_query *query,
                   const struct feature_column *keys, uint32_t key_count,
                   const struct feature_history_options *options,
                   struct lf_versions **versions, struct feature_error *error)
{
    struct lf_versions *made;
    feature_status status;

    LF_TRY(check_options(options, error));
    LF_TRY(lf_scan_check_selection(query->selection, "a history", error));
    if (key_count != query->selection->key_count)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "the query has %u keys, not %u",
                       query->selection->key_count, key_count);
    made = lf_alloc(sizeof *made);
    if (!made)
        return lf_fail_memory(error);
    made->options = *options;
    if (!options->chunk_rows)
        made->options.chunk_rows = LF_SCAN_ROWS;
    if (!options->max_age_ms)
        made->options.max_age_ms = LF_SCAN_AGE_MS;
    status = make(made, query, keys, error);
    if (status) {
        lf_versions_free(made);
        return status;
    }
    *versions = made;
    return FEATURE_OK;
}

static void
free_answer(struct lf_answer *answer)
{
    lf_buffer_free(&answer->values);
    lf_buffer_free(&answer->offsets);
    lf_buffer_free(&answer->validity);
}

void
lf_versions_free(struct lf_versions *versions)
{
    if (!versions)
        return;
    if (versions->request)
        lf_hold_end(versions->request->store, &versions->hold);
    for (uint32_t i = 0; i < LF_KEYS_MAX; i++)
        free_answer(&versions->keys[i]);
    free_answer(&versions->sequences);
    free_answer(&versions->written);
    lf_buffer_free(&versions->times);
    lf_buffer_free(&versions->commit_times);
    lf_buffer_free(&versions->operations);
    lf_buffer_free(&versions->key_jobs);
    lf_buffer_free(&versions->key_bytes);
    lf_buffer_free(&versions->found);
    lf_arena_free(&versions->packed);
    lf_history_free_cursor(&versions->cursor);
    lf_buffer_free(&versions->sought);
    feature_request_free(versions->request);
    feature_query_free(versions->asked);
    lf_free(versions);
}
