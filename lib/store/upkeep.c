/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Upkeep of rows and history.
 *
 * Owns which rows have expired and which histories are too long, and the place
 * up to which a view was looked through.
 * Keeps to what is certain: a row that is damaged stays for whoever reads it.
 * Never removes what a read could still serve as current.
 */
#include "store/upkeep.h"

#include <string.h>

#include "store/dedupe.h"
#include "store/event_history.h"
#include "store/history_pack.h"
#include "store/history_trim.h"

#define SECOND         ((int64_t)1000000)
#define DAY            (86400 * SECOND)
#define TOMBSTONE_AGE  (30 * DAY)
#define PASSES_IN_TIME 16 /* of a ttl or a retention */
#define RIDE_SEEN      128
#define RIDE_CHANGES   32
#define RIDE_LOOKS     1024
#define RUN_CHANGES    16 /* what a run packed costs, in versions dropped */

/* --- the record -------------------------------------------------------------- */

feature_status
lf_upkeep_read(struct lf_commit *commit, uint32_t view,
               struct lf_upkeep *upkeep, struct feature_error *error)
{
    char key[LF_UPKEEP_KEY_SIZE];
    const uint8_t *value;
    size_t size;
    bool found;

    lf_upkeep_key(view, key);
    LF_TRY(lf_tree_get(commit->tree, key, strlen(key), &found, &value, &size,
                       error));
    if (!found || !lf_upkeep_decode(upkeep, view, value, size))
        lf_upkeep_clear(upkeep);
    return FEATURE_OK;
}

feature_status
lf_upkeep_write(struct lf_commit *commit, uint32_t view,
                const struct lf_upkeep *upkeep, struct feature_error *error)
{
    uint8_t bytes[LF_UPKEEP_SIZE_MAX];
    char key[LF_UPKEEP_KEY_SIZE];
    size_t size = lf_upkeep_encode(upkeep, view, bytes);

    lf_upkeep_key(view, key);
    return lf_tree_put(commit->tree, key, strlen(key), bytes, size, false,
                       error);
}

feature_status
lf_upkeep_forget(struct lf_commit *commit, uint32_t view,
                 struct feature_error *error)
{
    char key[LF_UPKEEP_KEY_SIZE];

    lf_upkeep_key(view, key);
    return lf_tree_delete(commit->tree, key, strlen(key), error);
}

/* --- what is due ------------------------------------------------------------- */

bool
lf_upkeep_applies(const struct lf_view *view, enum lf_pass_kind kind)
{
    return kind == LF_PASS_ROWS || view->history;
}

/* The age limit of a view FROM an event. */
static int64_t
longest_window(const struct lf_view *view)
{
    int64_t longest = 0;

    for (uint32_t i = 0; i < view->feature_count; i++)
        if (view->features[i].aggregate &&
            view->features[i].aggregate->window.size > longest)
            longest = view->features[i].aggregate->window.size;
    return longest;
}

static int64_t
interval(const struct lf_view *view, enum lf_pass_kind kind)
{
    int64_t time = kind == LF_PASS_HISTORY ? view->history
                   : view->event           ? longest_window(view)
                                           : view->ttl;

    if (!time || time / PASSES_IN_TIME > DAY)
        return DAY;
    return time / PASSES_IN_TIME < SECOND ? SECOND : time / PASSES_IN_TIME;
}

bool
lf_upkeep_is_due(const struct lf_view *view, const struct lf_upkeep *upkeep,
                 enum lf_pass_kind kind, int64_t now)
{
    const struct lf_pass *pass = &upkeep->passes[kind];
    int64_t age;

    if (!lf_upkeep_applies(view, kind))
        return false;
    return pass->begun != INT64_MIN || pass->done == INT64_MIN ||
           __builtin_sub_overflow(now, pass->done, &age) ||
           age >= interval(view, kind);
}

static bool
is_older(int64_t time, int64_t now, int64_t age)
{
    int64_t edge;

    return !__builtin_sub_overflow(now, age, &edge) && time < edge;
}

/* --- rows -------------------------------------------------------------------- */

/* One step through a tree. */
struct walk {
    const struct lf_catalog *catalog;
    const struct lf_view *view;
    const struct lf_tile_plan *plan; /* of a view FROM an event, or NULL */
    int64_t now;
    struct lf_pass *pass;
    const struct lf_upkeep_bounds *most;
    struct lf_upkeep_work *work;
    uint64_t seen, changes;
    struct lf_buffer keys; /* of what is due: u16 size, bytes */
    bool is_full;
    struct lf_packing packing;
};

/* A cell at now - ttl is within its max age still. */
static bool
has_expired(const struct walk *walk, int64_t time, uint16_t flags)
{
    const struct lf_view *view = walk->view;
    int64_t age =
        walk->plan ? walk->plan->longest + walk->plan->slack : view->ttl;

    if (flags & LF_ROW_TOMBSTONE) {
        age = age > TOMBSTONE_AGE ? age : TOMBSTONE_AGE;
        age = age > view->history ? age : view->history;
        if (walk->plan && !walk->plan->has_lifetime &&
            !lf_tile_is_over(walk->plan, time, walk->now))
            return false; /* a hop may reach behind the longest window */
    } else if (walk->plan) {
        return lf_tile_is_over(walk->plan, time, walk->now);
    }
    return age && is_older(time, walk->now, age);
}

static void
take_place(struct lf_pass *pass, const uint8_t *key, size_t key_size)
{
    memcpy(pass->place, key, key_size);
    pass->size = (uint32_t)key_size;
}

static bool
is_place(const struct lf_pass *pass, const uint8_t *key, size_t key_size)
{
    return key_size == pass->size && memcmp(key, pass->place, key_size) == 0;
}

static feature_status
visit_row(void *context, const uint8_t *key, size_t key_size,
          const uint8_t *value, size_t size, struct feature_error *error)
{
    struct walk *walk = context;
    uint16_t length = (uint16_t)key_size;

    if (is_place(walk->pass, key, key_size))
        return FEATURE_OK;
    if (walk->seen == walk->most->seen ||
        walk->changes == walk->most->changes) {
        walk->is_full = true;
        return LF_ENOUGH;
    }
    walk->seen++;
    take_place(walk->pass, key, key_size);
    if (size < LF_ROW_HEADER_SIZE ||
        !has_expired(walk, lf_load_i64(value + 8), lf_load_u16(value + 6)))
        return FEATURE_OK;
    walk->changes++;
    if (!lf_buffer_append(&walk->keys, &length, sizeof length) ||
        !lf_buffer_append(&walk->keys, key, key_size))
        return lf_fail_memory(error);
    return FEATURE_OK;
}

/* A tombstone leaves with its history, once that is short. */
static feature_status
expire_row(struct walk *walk, struct lf_rows *rows, const uint8_t *key,
           size_t key_size, struct feature_error *error)
{
    struct feature_error problem;
    struct lf_stored stored;
    bool is_tombstone, is_short = true;
    feature_status status =
        lf_rows_find(rows, key, key_size, &stored, &problem);

    if (status == FEATURE_CORRUPT || (!status && !stored.found))
        return FEATURE_OK;
    if (status && error)
        *error = problem;
    LF_TRY(status);
    is_tombstone = stored.row.flags & LF_ROW_TOMBSTONE;
    if (is_tombstone && rows->history)
        LF_TRY((walk->plan ? lf_event_history_is_short : lf_history_is_short)(
            rows, key, key_size, &is_short, error));
    if (!is_short)
        return FEATURE_OK;
    status = lf_rows_expire(rows, key, key_size, &stored, &problem);
    if (status == FEATURE_CORRUPT) /* its history, which is as it was */
        return FEATURE_OK;
    if (status && error)
        *error = problem;
    LF_TRY(status);
    walk->work->tombstones_removed += is_tombstone;
    walk->work->rows_expired += !is_tombstone;
    return FEATURE_OK;
}

static feature_status
expire_rows(struct walk *walk, struct lf_rows *rows,
            struct feature_error *error)
{
    const uint8_t *at = walk->keys.data, *end = at + walk->keys.size;
    uint16_t size;

    for (; at < end; at += size) {
        memcpy(&size, at, sizeof size);
        at += sizeof size;
        LF_TRY(expire_row(walk, rows, at, size, error));
    }
    return FEATURE_OK;
}

static feature_status
step_rows(struct walk *walk, struct lf_rows *rows, struct feature_error *error)
{
    static const uint8_t first[1] = {0};
    const struct lf_pass *pass = walk->pass;
    struct lf_pass from = *pass; /* the walk moves the place */

    if ((walk->plan ? walk->plan->has_lifetime : !walk->view->ttl) &&
        !rows->meta.tombstones)
        return FEATURE_OK;
    LF_TRY(lf_tree_scan_from(rows->tree, from.size ? from.place : first,
                             from.size ? from.size : 1, visit_row, walk,
                             error));
    return expire_rows(walk, rows, error);
}

/* --- history ----------------------------------------------------------------- */

/* The join key of the next history, behind the place; its size 0: none. */
static feature_status
next_history(struct walk *walk, struct lf_rows *rows, uint8_t *key,
             size_t *key_size, struct feature_error *error)
{
    const struct lf_pass *pass = walk->pass;
    uint8_t from[LF_HISTORY_KEY_MAX] = {0};
    size_t size = 1;
    struct lf_tree_entry at;

    *key_size = 0;
    if (pass->size) {
        memcpy(from, pass->place, pass->size);
        memset(from + pass->size, 0xff, LF_HISTORY_PLACE_SIZE);
        size = pass->size + LF_HISTORY_PLACE_SIZE;
    }
    LF_TRY(lf_tree_move(rows->history, LF_STEP_SEEK, from, size, &at, error));
    if (at.key && at.key_size == size && memcmp(at.key, from, size) == 0)
        LF_TRY(lf_tree_move(rows->history, LF_STEP_NEXT, NULL, 0, &at, error));
    if (!at.key || at.key_size <= LF_HISTORY_PLACE_SIZE ||
        at.key_size > LF_HISTORY_KEY_MAX)
        return FEATURE_OK;
    *key_size = at.key_size - LF_HISTORY_PLACE_SIZE;
    memcpy(key, at.key, *key_size);
    return FEATURE_OK;
}

/* A history that is damaged, or would need an image that is too large, stays as
 * it is. more: the key has another part to drop. */
static feature_status
trim_history(struct walk *walk, struct lf_rows *rows, const uint8_t *key,
             size_t key_size, bool *more, struct feature_error *error)
{
    int64_t horizon = walk->now - walk->view->history;
    struct feature_error problem;
    feature_status status;
    uint64_t dropped = 0;
    bool found;

    *more = false;
    LF_TRY(lf_history_is_long(rows, key, key_size, horizon, &found, error));
    if (!found)
        return FEATURE_OK;
    status = (walk->plan ? lf_event_history_trim : lf_history_trim)(
        rows, key, key_size, horizon, &dropped, more, &problem);
    if (status == FEATURE_CORRUPT ||
        (status == FEATURE_FULL && !strcmp(problem.reason, "row-size"))) {
        *more = false;
        return FEATURE_OK;
    }
    if (status && error)
        *error = problem;
    LF_TRY(status);
    walk->work->versions_dropped += dropped;
    walk->changes += dropped;
    return FEATURE_OK;
}

/* What is old of the key and stays goes into blocks. more: there is another part
 * to pack. */
static feature_status
pack_history(struct walk *walk, const uint8_t *key, size_t key_size, bool *more,
             struct feature_error *error)
{
    uint64_t before = walk->packing.versions, runs = 1;

    if (walk->changes + RUN_CHANGES < walk->most->changes)
        runs = (walk->most->changes - walk->changes) / RUN_CHANGES;
    LF_TRY(lf_history_pack(&walk->packing, key, key_size, walk->most->looks,
                           runs, more, error));
    walk->work->versions_packed += walk->packing.versions - before;
    walk->changes +=
        (walk->packing.versions - before) / LF_BLOCK_VERSIONS * RUN_CHANGES;
    return FEATURE_OK;
}

static feature_status
step_histories(struct walk *walk, struct lf_rows *rows,
               struct feature_error *error)
{
    uint8_t key[LF_HISTORY_KEY_MAX];
    size_t key_size;
    int64_t horizon;
    bool more;

    if (__builtin_sub_overflow(walk->now, walk->view->history, &horizon))
        return FEATURE_OK;
    for (;;) {
        LF_TRY(next_history(walk, rows, key, &key_size, error));
        if (!key_size)
            return FEATURE_OK;
        walk->is_full = walk->seen == walk->most->seen ||
                        walk->changes >= walk->most->changes ||
                        walk->packing.looked >= walk->most->looks;
        if (walk->is_full)
            return FEATURE_OK;
        walk->seen++;
        LF_TRY(trim_history(walk, rows, key, key_size, &more, error));
        if (!more && !walk->plan)
            LF_TRY(pack_history(walk, key, key_size, &more, error));
        if (!more)
            take_place(walk->pass, key, key_size);
    }
}

static feature_status
step_history(struct walk *walk, struct lf_rows *rows,
             struct feature_error *error)
{
    feature_status status;

    walk->packing =
        (struct lf_packing){.rows = rows, .may_train = walk->most->may_train};
    status = step_histories(walk, rows, error);
    if (!status)
        status = lf_history_pack_end(&walk->packing, error);
    walk->work->trainings += walk->packing.has_trained;
    lf_history_pack_free(&walk->packing);
    return status;
}

/* --- steps ------------------------------------------------------------------- */

static feature_status
take_step(struct walk *walk, struct lf_form *form, struct lf_commit *commit,
          enum lf_pass_kind kind, bool *changed, struct feature_error *error)
{
    struct lf_upkeep_work before = *walk->work;
    struct lf_rows rows;
    bool found;

    LF_TRY(lf_rows_read_meta(commit, walk->view, &rows.meta, &found, error));
    if (!found)
        return FEATURE_OK;
    LF_TRY(lf_form_bind(form, walk->catalog, walk->view, error));
    if (form->event)
        LF_TRY(lf_form_plan(form, form->layout.version, &walk->plan, error));
    LF_TRY(lf_rows_begin(&rows, form, commit, error));
    LF_TRY(kind == LF_PASS_ROWS ? step_rows(walk, &rows, error)
                                : step_history(walk, &rows, error));
    walk->work->seen += walk->seen;
    if (walk->work->rows_expired == before.rows_expired &&
        walk->work->tombstones_removed == before.tombstones_removed &&
        walk->work->versions_dropped == before.versions_dropped)
        return FEATURE_OK;
    *changed = true;
    return lf_rows_end(&rows, error);
}

feature_status
lf_upkeep_step(struct lf_commit *commit, const struct lf_catalog *catalog,
               const struct lf_view *view, struct lf_upkeep *upkeep,
               enum lf_pass_kind kind, const struct lf_upkeep_bounds *most,
               struct lf_upkeep_work *work, bool *changed,
               struct feature_error *error)
{
    struct lf_pass *pass = &upkeep->passes[kind];
    struct walk walk = {.catalog = catalog,
                        .view = view,
                        .now = commit->now,
                        .pass = pass,
                        .most = most,
                        .work = work};
    struct lf_form form = {0};
    feature_status status;

    if (pass->begun == INT64_MIN) {
        pass->begun = commit->now;
        pass->size = 0;
    }
    status = take_step(&walk, &form, commit, kind, changed, error);
    lf_form_free(&form);
    lf_buffer_free(&walk.keys);
    if (status || walk.is_full)
        return status;
    pass->done = pass->begun;
    pass->begun = INT64_MIN;
    pass->size = 0;
    return FEATURE_OK;
}

/* A view that nobody has looked through yet is as young as this. */
static bool
begin_counting(struct lf_upkeep *upkeep, int64_t now)
{
    bool is_new = false;

    for (int i = 0; i < LF_PASSES; i++) {
        struct lf_pass *pass = &upkeep->passes[i];

        if (pass->done != INT64_MIN || pass->begun != INT64_MIN)
            continue;
        pass->done = now;
        is_new = true;
    }
    return is_new;
}

feature_status
lf_upkeep_ride(struct lf_commit *commit, const struct lf_catalog *catalog,
               struct feature_error *error)
{
    static const struct lf_upkeep_bounds most = {RIDE_SEEN, RIDE_CHANGES,
                                                 RIDE_LOOKS, false};
    struct lf_upkeep_work work = {0};
    const struct lf_view *view;
    struct lf_upkeep upkeep;
    bool is_moved, changed;

    if (commit->store->leaves_upkeep || commit->is_kept_up ||
        !catalog->view_count)
        return FEATURE_OK;
    commit->is_kept_up = true;
    LF_TRY(lf_dedupe_ride(commit, catalog, RIDE_CHANGES, error));
    view = &catalog->views[commit->meta.sequence % catalog->view_count];
    LF_TRY(lf_upkeep_read(commit, view->id, &upkeep, error));
    is_moved = begin_counting(&upkeep, commit->now);
    for (int kind = LF_PASSES; kind-- > 0;) {
        if (!lf_upkeep_is_due(view, &upkeep, (enum lf_pass_kind)kind,
                              commit->now))
            continue;
        LF_TRY(lf_upkeep_step(commit, catalog, view, &upkeep,
                              (enum lf_pass_kind)kind, &most, &work, &changed,
                              error));
        is_moved = true;
    }
    return is_moved ? lf_upkeep_write(commit, view->id, &upkeep, error)
                    : FEATURE_OK;
}
