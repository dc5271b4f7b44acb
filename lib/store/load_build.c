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
#include "store/load_rows.h"
#include "store/rows.h"

#define HEAD          LF_SLICE_HEAD
#define PLACE         LF_SORT_PLACE
#define MEMORY        (64ull << 20)
#define PAUSE_MOST_US 200000
#define HELD_MOST_US  20000
#define SLICE_LEAST   (512u << 10)
#define COUNT_FROM    (16u << 10) /* bytes of rows that are counted together */

/* --- commits ------------------------------------------------------------------ */

static feature_status
try_slice(struct feature_load *load, lf_load_work work, void *context,
          struct feature_error *error)
{
    struct lf_commit commit;
    feature_status status;
    int64_t begun;

    LF_TRY(lf_commit_begin_after(&commit, load->store, load->wait_ms, error));
    begun = lf_clock_steady_us();
    status = lf_definition_check(&load->definition, &commit, load->record.view,
                                 load->view->name, error);
    if (!status)
        status = work(load, &commit, context, error);
    if (status) {
        lf_commit_abort(&commit);
        return status;
    }
    status = lf_commit_finish(&commit, error);
    load->build.held_us = lf_clock_steady_us() - begun;
    return status;
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
    return lf_rows_put_meta(commit, load->view, meta, error);
}

/* --- slices ------------------------------------------------------------------- */

/* A row of the slice, as it is stored. */
static feature_status
put_row(struct feature_load *load, struct lf_commit *commit,
        struct lf_tree *tree, const uint8_t *key, size_t key_size,
        struct lf_slice row, struct feature_error *error)
{
    uint64_t count = 0;

    if (load->is_event)
        LF_TRY(lf_build_slim(load, key, key_size, &row, &count, error));
    if (count)
        LF_TRY(lf_build_put_sides(load, commit, error));
    return lf_tree_put(tree, key, key_size, row.bytes, row.size, true, error);
}

/* One commit: the slice up to a place, all of which is counted. */
static feature_status
put_rows(struct feature_load *load, struct lf_commit *commit, void *context,
         struct feature_error *error)
{
    const uint8_t *at = load->build.slice.data;
    const uint8_t *end = at + *(const size_t *)context;
    char name[LF_TREE_NAME_SIZE];
    struct lf_tree *tree;

    LF_TRY(lf_load_put_kept(load, commit, error));
    lf_rows_tree(load->view, name);
    LF_TRY(lf_writer_tree(commit->writer, name, true, &tree, error));
    while (at < end) {
        size_t key_size = lf_load_u32(at), size = lf_load_u32(at + 4);

        LF_TRY(put_row(load, commit, tree, at + HEAD, key_size,
                       (struct lf_slice){at + HEAD + key_size, size}, error));
        at += HEAD + key_size + size;
    }
    return lf_load_put_meta(load, commit, &load->build.meta, error);
}

/* Others wait for one slice at most: on a slow disk it is a small one. */
static void
fit_slice(struct lf_build *build)
{
    if (build->held_us > HELD_MOST_US && build->target > SLICE_LEAST)
        build->target /= 2;
    else if (build->held_us < HELD_MOST_US / 2 && build->target < LF_LOAD_SLICE)
        build->target *= 2;
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
        bytes = (double)(build->bytes + build->kept_bytes) /
                (double)load->bytes_per_second;
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

static feature_status
count_row(struct feature_load *load, const uint8_t *key, size_t key_size,
          struct lf_slice row, struct feature_error *error)
{
    struct lf_meta_view *meta = &load->build.meta;
    int64_t time = lf_load_i64(row.bytes + 8);
    uint64_t sides = 0;

    if (load->is_event)
        LF_TRY(lf_build_slim(load, key, key_size, &row, &sides, error));
    lf_hash128_add(&meta->content, lf_row_hash(load->record.view, key, key_size,
                                               row.bytes, row.size));
    if (time > meta->newest)
        meta->newest = time;
    meta->tombstones += (lf_load_u16(row.bytes + 6) & LF_ROW_TOMBSTONE) != 0;
    meta->row_entries++;
    meta->tile_entries += sides;
    meta->applied = meta->row_entries;
    load->build.bytes += key_size + row.size;
    return FEATURE_OK;
}

/* Seals and counts the rows of the slice up to a place. Several in a row: the
 * processor works at more than one of them at a time. */
static feature_status
count_rows(struct feature_load *load, size_t end, struct feature_error *error)
{
    struct lf_build *build = &load->build;

    while (build->counted < end) {
        uint8_t *at = build->slice.data + build->counted, *row;
        size_t key_size = lf_load_u32(at), size = lf_load_u32(at + 4);

        row = at + HEAD + key_size;
        lf_store_u32(
            row, lf_row_checksum(build->seed, at + HEAD, key_size, row, size));
        LF_TRY(count_row(load, at + HEAD, key_size,
                         (struct lf_slice){row, size}, error));
        build->counted += HEAD + key_size + size;
        build->uncounted--;
    }
    return FEATURE_OK;
}

/* Puts the slice. Where a row can take the place of the last one, that waits for
 * the next slice, unless this is the end. */
feature_status
lf_build_flush(struct feature_load *load, bool is_end,
               struct feature_error *error)
{
    struct lf_build *build = &load->build;
    bool waits = !is_end && load->flags & FEATURE_LOAD_LAST_WINS;
    size_t end = waits ? build->last : build->slice.size;

    LF_TRY(count_rows(load, end, error));
    if (!end && !build->kept.size)
        return FEATURE_OK;
    LF_TRY(lf_load_commit_slice(load, put_rows, &end, error));
    build->kept.size = 0;
    if (build->slice.size > end)
        memmove(build->slice.data, build->slice.data + end,
                build->slice.size - end);
    build->slice.size -= end;
    build->last = build->counted = 0;
    build->has_put |= end > 0;
    fit_slice(build);
    keep_pace(load);
    return FEATURE_OK;
}

static bool
note_key(struct lf_buffer *last, const uint8_t *key, size_t size)
{
    last->size = 0;
    return lf_buffer_append(last, key, size);
}

static feature_status
put_in_slice(struct feature_load *load, const uint8_t *key, size_t key_size,
             const uint8_t *row, size_t size, struct feature_error *error)
{
    struct lf_build *build = &load->build;
    uint8_t *to = lf_buffer_extend(&build->slice, HEAD + key_size + size);

    if (!to || !note_key(&build->key, key, key_size))
        return lf_fail_memory(error);
    build->last = (size_t)(to - build->slice.data);
    build->uncounted++;
    lf_store_u32(to, (uint32_t)key_size);
    lf_store_u32(to + 4, (uint32_t)size);
    memcpy(to + HEAD, key, key_size);
    memcpy(to + HEAD + key_size, row, size);
    return build->last - build->counted < COUNT_FROM
               ? FEATURE_OK
               : count_rows(load, build->last, error);
}

/* The last row of the slice goes: another one takes its place. */
static void
take_back(struct lf_build *build)
{
    build->slice.size = build->last;
    build->uncounted--;
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

feature_status
lf_build_take(struct feature_load *load, const uint8_t *key, size_t key_size,
              const uint8_t *row, size_t size, int order, uint32_t batch,
              uint32_t index, struct feature_error *error)
{
    struct lf_build *build = &load->build;

    if (!order && !(load->flags & FEATURE_LOAD_LAST_WINS))
        return fail_row(load, FEATURE_CONFLICT, "duplicate-key",
                        "a second row of one key", batch, index, error);
    if (!order)
        take_back(build);
    else if (build->slice.size >= build->target)
        LF_TRY(lf_build_flush(load, false, error));
    return put_in_slice(load, key, key_size, row, size, error);
}

int
lf_build_order(const struct lf_build *build, const uint8_t *key,
               size_t key_size)
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
    uint8_t place[PLACE];
    const struct lf_sorter_part parts[] = {{place, PLACE}, {row, size}};

    lf_store_u32(place, batch);
    lf_store_u32(place + 4, index);
    return lf_sorter_add_parts(load->build.sorter, key, key_size, parts, 2,
                               error);
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

feature_status
lf_build_fail_order(const struct feature_load *load, uint32_t batch,
                    uint32_t row, struct feature_error *error)
{
    return fail_row(load, FEATURE_INVALID, "order",
                    "a key that is below the one before", batch, row, error);
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
lf_build_sort(struct feature_load *load, const uint8_t *key, size_t key_size,
              const struct lf_buffer *row, uint32_t batch, uint32_t index,
              struct feature_error *error)
{
    if (!load->build.sorter)
        LF_TRY(begin_sorting(load, error));
    load->build.sorted_rows++;
    return sort_row(load, key, key_size, row->data, row->size, batch, index,
                    error);
}

feature_status
lf_build_add(struct feature_load *load, const uint8_t *key, size_t key_size,
             const struct lf_buffer *row, uint32_t batch, uint32_t index,
             struct feature_error *error)
{
    struct lf_build *build = &load->build;
    int order;

    if (!build->sorter) {
        order = lf_build_order(build, key, key_size);
        if (order >= 0)
            return lf_build_take(load, key, key_size, row->data, row->size,
                                 order, batch, index, error);
        if (load->flags & FEATURE_LOAD_SORTED)
            return lf_build_fail_order(load, batch, index, error);
    }
    return lf_build_sort(load, key, key_size, row, batch, index, error);
}

/* --- the end ------------------------------------------------------------------------ */

void
lf_build_clear(struct feature_load *load)
{
    struct lf_build *build = &load->build;

    build->slice.size = build->key.size = build->last = build->counted = 0;
    build->uncounted = 0;
    build->has_put = false;
    build->bytes = 0;
    build->meta = lf_meta_view_empty();
    build->meta.commit = load->record.cut;
    lf_load_begin_kept(load);
}

void
lf_build_free(struct lf_build *build)
{
    lf_buffer_free(&build->slice);
    lf_buffer_free(&build->key);
    lf_buffer_free(&build->row);
    lf_buffer_free(&build->kept);
    lf_buffer_free(&build->entry);
    lf_sides_free(&build->sides);
    lf_form_free(&build->form);
    lf_buffer_free(&build->stored);
    lf_sorter_free(build->sorter);
    build->sorter = NULL;
}

feature_status
lf_build_end(struct feature_load *load, struct feature_error *error)
{
    feature_status status;

    if (!load->build.sorter)
        return lf_build_flush(load, true, error);
    status = load->content == LF_LOAD_EVENTS ? lf_load_fold(load, error)
                                             : lf_build_sort_in(load, error);
    lf_sorter_free(load->build.sorter);
    load->build.sorter = NULL;
    return status;
}
