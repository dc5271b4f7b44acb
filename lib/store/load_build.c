/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of a load, on their way into a tree.
 *
 * Owns the order of rows, what becomes of several of one key, and the commits by
 * which they get into the store.
 * Keeps each commit short, with the sorting, sealing and counting done before it,
 * and keeps to the pace that was asked for in between.
 * Never puts a row anywhere but at the end of its tree.
 */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "store/key_order.h"
#include "store/load.h"
#include "store/rows.h"

#define HEAD          8 /* of a row in a slice: two sizes */
#define PLACE         8 /* of a row in the sorter: where it came from */
#define MEMORY        (64ull << 20)
#define CHUNK         (1u << 20)
#define PAUSE_MOST_US 200000

/* --- commits ------------------------------------------------------------------ */

static feature_status
try_slice(struct feature_load *load, lf_load_work work, void *context,
          struct feature_error *error)
{
    struct lf_commit commit;
    feature_status status;

    LF_TRY(lf_commit_begin(&commit, load->store, load->wait_ms, error));
    status = lf_definition_check(&load->definition, &commit, load->record.view,
                                 load->view->name, error);
    if (!status)
        status = work(load, &commit, context, error);
    if (status) {
        lf_commit_abort(&commit);
        return status;
    }
    return lf_commit_finish(&commit, error);
}

feature_status
lf_load_commit_slice(struct feature_load *load, lf_load_work work,
                     void *context, struct feature_error *error)
{
    struct feature_error problem = {0};
    feature_status status;

    do
        status = try_slice(load, work, context, &problem);
    while (status && lf_commit_grow(load->store, &status, &problem));
    if (status && error)
        *error = problem;
    return status;
}

feature_status
lf_load_put_meta(const struct feature_load *load, struct lf_commit *commit,
                 const struct lf_meta_view *meta, struct feature_error *error)
{
    uint8_t bytes[LF_META_VIEW_SIZE];
    char key[LF_META_KEY_SIZE];

    lf_rows_record_key(load->view, key);
    lf_meta_version_encode(meta, key, bytes);
    return lf_tree_put(commit->tree, key, strlen(key), bytes, sizeof bytes,
                       false, error);
}

/* --- slices ------------------------------------------------------------------- */

/* What one commit puts: the slice up to a place of it. */
struct put {
    size_t end;
    struct lf_meta_view meta; /* of the version, then */
};

static feature_status
put_rows(struct feature_load *load, struct lf_commit *commit, void *context,
         struct feature_error *error)
{
    const struct put *put = context;
    const uint8_t *at = load->build.slice.data, *end = at + put->end;
    char name[LF_TREE_NAME_SIZE];
    struct lf_tree *tree;

    lf_rows_tree(load->view, name);
    LF_TRY(lf_writer_tree(commit->writer, name, true, &tree, error));
    while (at < end) {
        size_t key_size = lf_load_u32(at), size = lf_load_u32(at + 4);

        LF_TRY(lf_tree_put(tree, at + HEAD, key_size, at + HEAD + key_size,
                           size, true, error));
        at += HEAD + key_size + size;
    }
    return lf_load_put_meta(load, commit, &put->meta, error);
}

/* What the pace allows for so far, in microseconds since the load began. */
static uint64_t
due(const struct feature_load *load)
{
    const struct lf_build *build = &load->build;
    double rows = 0, bytes = 0;

    if (load->rows_per_second)
        rows = (double)build->meta.row_entries / (double)load->rows_per_second;
    if (load->bytes_per_second)
        bytes = (double)build->bytes / (double)load->bytes_per_second;
    return (uint64_t)(1e6 * (rows > bytes ? rows : bytes));
}

/* Nobody waits for it: there is no transaction. */
static void
keep_pace(const struct feature_load *load)
{
    uint64_t target = due(load);

    for (;;) {
        int64_t past = lf_clock_steady_us() - load->build.begun_us;
        uint64_t left =
            past < 0 || (uint64_t)past >= target ? 0 : target - (uint64_t)past;
        struct timespec pause = {0};

        if (!left)
            return;
        if (left > PAUSE_MOST_US)
            left = PAUSE_MOST_US;
        pause.tv_nsec = (long)left * 1000;
        nanosleep(&pause, NULL);
    }
}

/* --- rows in order -------------------------------------------------------------- */

static void
count_row(struct feature_load *load, const uint8_t *key, size_t key_size,
          const uint8_t *row, size_t size, bool is_there)
{
    struct lf_meta_view *meta = &load->build.meta;
    struct lf_hash128 hash =
        lf_row_hash(load->record.view, key, key_size, row, size);

    if (is_there) {
        lf_hash128_add(&meta->content, hash);
        meta->row_entries++;
        load->build.bytes += key_size + size;
    } else {
        lf_hash128_subtract(&meta->content, hash);
        meta->row_entries--;
        load->build.bytes -= key_size + size;
    }
    meta->applied = meta->row_entries;
}

/* Counts the last row of the slice, or no more. */
static void
count_last(struct feature_load *load, bool is_there)
{
    const uint8_t *at = load->build.slice.data + load->build.last;
    size_t key_size = lf_load_u32(at), size = lf_load_u32(at + 4);

    count_row(load, at + HEAD, key_size, at + HEAD + key_size, size, is_there);
}

/* The last row of the slice goes: another one takes its place. */
static void
take_back(struct feature_load *load)
{
    struct lf_build *build = &load->build;

    count_last(load, false);
    build->meta.newest = build->newest;
    build->slice.size = build->last;
}

/* Puts the slice. Where a row can take the place of the last one, that waits for
 * the next slice, unless this is the end. */
static feature_status
flush(struct feature_load *load, bool is_end, struct feature_error *error)
{
    struct lf_build *build = &load->build;
    struct put put = {.end = build->slice.size, .meta = build->meta};

    if (!is_end && load->flags & FEATURE_LOAD_LAST_WINS) {
        put.end = build->last;
        count_last(load, false);
        put.meta = build->meta;
        put.meta.newest = build->newest;
        count_last(load, true);
    }
    if (!put.end)
        return FEATURE_OK;
    LF_TRY(lf_load_commit_slice(load, put_rows, &put, error));
    memmove(build->slice.data, build->slice.data + put.end,
            build->slice.size - put.end);
    build->slice.size -= put.end;
    build->last = 0;
    build->has_put = true;
    keep_pace(load);
    return FEATURE_OK;
}

static feature_status
put_in_slice(struct feature_load *load, const uint8_t *key, size_t key_size,
             const uint8_t *row, size_t size, struct feature_error *error)
{
    struct lf_build *build = &load->build;
    uint8_t *to = lf_buffer_extend(&build->slice, HEAD + key_size + size);
    int64_t time = lf_load_i64(row + 8);

    if (!to)
        return lf_fail_memory(error);
    build->last = (size_t)(to - build->slice.data);
    build->newest = build->meta.newest;
    if (time > build->meta.newest)
        build->meta.newest = time;
    lf_store_u32(to, (uint32_t)key_size);
    lf_store_u32(to + 4, (uint32_t)size);
    memcpy(to + HEAD, key, key_size);
    memcpy(to + HEAD + key_size, row, size);
    lf_store_u32(to + HEAD + key_size,
                 lf_row_checksum(build->seed, key, key_size, row, size));
    count_row(load, key, key_size, to + HEAD + key_size, size, true);
    build->key.size = 0;
    return lf_buffer_append(&build->key, key, key_size) ? FEATURE_OK
                                                        : lf_fail_memory(error);
}

static feature_status
fail_row(const struct feature_load *load, feature_status status,
         const char *reason, const char *what, uint32_t batch, uint32_t row,
         struct feature_error *error)
{
    lf_fail(error, status, reason,
            "batch %" PRIu32 ", row %" PRIu32 ": %s in the load of %s", batch,
            row, what, load->view->name);
    lf_error_place(error, batch, row, 0);
    return status;
}

/* A row whose key is not below the last one. */
static feature_status
take(struct feature_load *load, const uint8_t *key, size_t key_size,
     const uint8_t *row, size_t size, int order, uint32_t batch, uint32_t index,
     struct feature_error *error)
{
    struct lf_build *build = &load->build;

    if (!order && !(load->flags & FEATURE_LOAD_LAST_WINS))
        return fail_row(load, FEATURE_CONFLICT, "duplicate-key",
                        "a second row of one key", batch, index, error);
    if (!order)
        take_back(load);
    else if (build->slice.size >= LF_LOAD_SLICE)
        LF_TRY(flush(load, false, error));
    return put_in_slice(load, key, key_size, row, size, error);
}

static int
compare(const struct lf_build *build, const uint8_t *key, size_t key_size)
{
    return build->key.size
               ? lf_key_compare(key, key_size, build->key.data, build->key.size)
               : 1;
}

/* --- rows out of order ------------------------------------------------------------ */

static feature_status
sort_row(struct feature_load *load, const uint8_t *key, size_t key_size,
         const uint8_t *row, size_t size, uint32_t batch, uint32_t index,
         struct feature_error *error)
{
    struct lf_buffer *record = &load->build.record;
    uint8_t *to;

    record->size = 0;
    to = lf_buffer_extend(record, PLACE + size);
    if (!to)
        return lf_fail_memory(error);
    lf_store_u32(to, batch);
    lf_store_u32(to + 4, index);
    memcpy(to + PLACE, row, size);
    return lf_sorter_add(load->build.sorter, key, key_size, record->data,
                         record->size, error);
}

/* What waits in the slice is sorted with the rest, unless a part of the tree is
 * there already. */
static feature_status
sort_slice(struct feature_load *load, struct feature_error *error)
{
    struct lf_build *build = &load->build;
    const uint8_t *at = build->slice.data, *end = at + build->slice.size;

    if (build->has_put)
        return FEATURE_OK;
    while (at < end) {
        size_t key_size = lf_load_u32(at), size = lf_load_u32(at + 4);

        LF_TRY(sort_row(load, at + HEAD, key_size, at + HEAD + key_size, size,
                        0, 0, error));
        at += HEAD + key_size + size;
    }
    lf_build_clear(load);
    return FEATURE_OK;
}

static feature_status
begin_sorting(struct feature_load *load, struct feature_error *error)
{
    char here[LF_HERE_SIZE];

    lf_environment_here(load->store->environment, here);
    LF_TRY(lf_sorter_make(load->directory ? load->directory : here,
                          load->memory ? load->memory : MEMORY,
                          &load->build.sorter, error));
    return sort_slice(load, error);
}

feature_status
lf_build_add(struct feature_load *load, const uint8_t *key, size_t key_size,
             const struct lf_buffer *row, uint32_t batch, uint32_t index,
             struct feature_error *error)
{
    struct lf_build *build = &load->build;
    int order;

    if (!build->sorter) {
        order = compare(build, key, key_size);
        if (order >= 0)
            return take(load, key, key_size, row->data, row->size, order, batch,
                        index, error);
        if (load->flags & FEATURE_LOAD_SORTED)
            return fail_row(load, FEATURE_INVALID, "order",
                            "a key that is below the one before", batch, index,
                            error);
        LF_TRY(begin_sorting(load, error));
    }
    build->sorted_rows++;
    return sort_row(load, key, key_size, row->data, row->size, batch, index,
                    error);
}

/* --- the end ------------------------------------------------------------------------ */

void
lf_build_clear(struct feature_load *load)
{
    struct lf_build *build = &load->build;
    uint64_t cut = build->meta.commit;

    build->slice.size = build->key.size = build->last = 0;
    build->has_put = false;
    build->bytes = 0;
    build->meta = lf_meta_view_empty();
    build->meta.commit = cut;
    build->newest = INT64_MIN;
}

void
lf_build_free(struct lf_build *build)
{
    lf_buffer_free(&build->slice);
    lf_buffer_free(&build->key);
    lf_buffer_free(&build->record);
    lf_sorter_free(build->sorter);
    build->sorter = NULL;
}

/* The part of the tree that is there, a chunk at a time: it is one more sorted
 * input of the merge. */
struct part {
    char tree[LF_TREE_NAME_SIZE];
    struct lf_buffer chunk; /* as a slice */
    size_t at;
    uint8_t from[LF_KEY_MAX + 1];
    size_t from_size;
    bool is_over;
};

static feature_status
gather(void *context, const uint8_t *key, size_t key_size, const uint8_t *value,
       size_t size, struct feature_error *error)
{
    struct part *part = context;
    uint8_t *to;

    if (key_size > LF_KEY_MAX)
        return lf_fail(error, FEATURE_CORRUPT, "structure",
                       "a key of a row has %zu bytes", key_size);
    to = lf_buffer_extend(&part->chunk, HEAD + key_size + size);
    if (!to)
        return lf_fail_memory(error);
    lf_store_u32(to, (uint32_t)key_size);
    lf_store_u32(to + 4, (uint32_t)size);
    memcpy(to + HEAD, key, key_size);
    memcpy(to + HEAD + key_size, value, size);
    memcpy(part->from, key, key_size);
    part->from[key_size] = 0;
    part->from_size = key_size + 1;
    return part->chunk.size < CHUNK ? FEATURE_OK : LF_ENOUGH;
}

static feature_status
read_chunk(const struct feature_load *load, struct part *part,
           struct feature_error *error)
{
    struct lf_reader *reader;
    feature_status status;

    if (part->at < part->chunk.size || part->is_over)
        return FEATURE_OK;
    part->chunk.size = part->at = 0;
    LF_TRY(lf_reader_begin(load->store->environment, &reader, error));
    status = lf_reader_scan_from(reader, part->tree, part->from,
                                 part->from_size, gather, part, error);
    lf_reader_end(reader);
    part->is_over = !part->chunk.size;
    return status;
}

/* Takes from the part all that is not above a key; NULL: all. */
static feature_status
take_part(struct feature_load *load, struct part *part, const uint8_t *key,
          size_t key_size, struct feature_error *error)
{
    for (;;) {
        const uint8_t *at;
        size_t size, row_size;

        LF_TRY(read_chunk(load, part, error));
        if (part->is_over)
            return FEATURE_OK;
        at = part->chunk.data + part->at;
        size = lf_load_u32(at);
        row_size = lf_load_u32(at + 4);
        if (key && lf_key_compare(at + HEAD, size, key, key_size) > 0)
            return FEATURE_OK;
        LF_TRY(take(load, at + HEAD, size, at + HEAD + size, row_size,
                    compare(&load->build, at + HEAD, size), 0, 0, error));
        part->at += HEAD + size + row_size;
    }
}

static feature_status
merge(struct feature_load *load, struct part *part, struct feature_error *error)
{
    struct lf_sorter *sorter = load->build.sorter;
    struct lf_sorted each;

    LF_TRY(lf_sorter_end(sorter, error));
    for (;;) {
        LF_TRY(lf_sorter_next(sorter, &each, error));
        LF_TRY(take_part(load, part, each.key, each.key_size, error));
        if (!each.key)
            return FEATURE_OK;
        LF_TRY(take(
            load, each.key, each.key_size, each.bytes + PLACE,
            each.size - PLACE, compare(&load->build, each.key, each.key_size),
            lf_load_u32(each.bytes), lf_load_u32(each.bytes + 4), error));
    }
}

/* The next version takes all rows; the one so far is a part of them. */
static feature_status
begin_again(struct feature_load *load, struct lf_commit *commit, void *context,
            struct feature_error *error)
{
    char name[LF_TREE_NAME_SIZE];
    struct lf_tree *tree;

    (void)context;
    lf_rows_tree(load->view, name);
    LF_TRY(lf_writer_tree(commit->writer, name, true, &tree, error));
    LF_TRY(lf_load_put_meta(load, commit, &load->build.meta, error));
    return lf_loads_put(commit, &load->record, error);
}

static feature_status
drop_part(struct feature_load *load, struct lf_commit *commit, void *context,
          struct feature_error *error)
{
    return lf_version_drop(commit, load->record.view, *(uint32_t *)context,
                           LF_STAGED, error);
}

static feature_status
sort_in(struct feature_load *load, struct feature_error *error)
{
    struct part part = {.is_over = true};
    uint32_t first = load->record.version;
    bool is_part = load->build.has_put;
    feature_status status = FEATURE_OK;

    if (is_part) {
        LF_TRY(flush(load, true, error));
        lf_rows_tree(load->view, part.tree);
        part.is_over = false;
        part.from_size = 1;
        lf_build_clear(load);
        load->view->version = load->record.version = first + 1;
        LF_TRY(lf_load_commit_slice(load, begin_again, NULL, error));
    }
    status = merge(load, &part, error);
    lf_buffer_free(&part.chunk);
    if (!status)
        status = flush(load, true, error);
    if (!status && is_part)
        status = lf_load_commit_slice(load, drop_part, &first, error);
    return status;
}

feature_status
lf_build_end(struct feature_load *load, struct feature_error *error)
{
    feature_status status;

    if (!load->build.sorter)
        return flush(load, true, error);
    status = sort_in(load, error);
    lf_sorter_free(load->build.sorter);
    load->build.sorter = NULL;
    return status;
}
