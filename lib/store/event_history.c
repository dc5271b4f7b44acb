/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The events that a view keeps.
 *
 * Owns the entries of events in the history of a view FROM one.
 * Keeps the view's record true: entries and history hash change with each.
 * Never needs an image or a base: an event stands by itself.
 */
#include "store/event_history.h"

#include <string.h>

#include "store/history_trim.h"

static bool
put_key(uint8_t *to, const uint8_t *key, size_t key_size,
        const struct lf_history_place *place)
{
    if (key_size > LF_KEY_MAX)
        return false;
    memcpy(to, key, key_size);
    lf_history_put_place(to + key_size, place);
    return true;
}

feature_status
lf_event_history_add(struct lf_rows *rows, int32_t operation,
                     const uint8_t *key, size_t key_size, int64_t time,
                     uint32_t ordinal, const struct lf_buffer *payload,
                     struct lf_buffer *scratch, struct feature_error *error)
{
    const struct lf_commit *commit = rows->commit;
    uint32_t view = rows->form->view->id;
    struct lf_history_entry entry = {
        .place = {time, commit->meta.sequence, ordinal},
        .operation = operation,
        .commit_time = commit->meta.commit_time,
        .row = {.bytes = payload->data, .size = (uint32_t)payload->size}};
    uint8_t place[LF_HISTORY_KEY_MAX];
    size_t size = key_size + LF_HISTORY_PLACE_SIZE;

    if (!put_key(place, key, key_size, &entry.place) ||
        !lf_history_encode(&entry, lf_history_seed(view), place, size,
                           payload->data, payload->size, NULL, scratch))
        return lf_fail_memory(error);
    rows->meta.history_entries++;
    lf_hash128_add(&rows->meta.history,
                   lf_history_hash(view, place, size, &entry));
    return lf_tree_put(rows->history, place, size, scratch->data, scratch->size,
                       false, error);
}

static feature_status
damaged(const struct lf_rows *rows, const char *reason,
        struct feature_error *error)
{
    return lf_fail(error, FEATURE_CORRUPT, reason,
                   "an event in the history of %s is damaged",
                   rows->form->view->name);
}

static bool
is_of_key(const struct lf_tree_entry *at, const uint8_t *key, size_t key_size)
{
    return at->key && at->key_size == key_size + LF_HISTORY_PLACE_SIZE &&
           memcmp(at->key, key, key_size) == 0;
}

feature_status
lf_event_history_move(struct lf_rows *rows, enum lf_step step,
                      const uint8_t *key, size_t key_size,
                      const struct lf_history_place *place,
                      struct lf_history_entry *entry, bool *found,
                      struct feature_error *error)
{
    uint8_t from[LF_HISTORY_KEY_MAX];
    struct lf_tree_entry at;
    const char *problem;

    *found = false;
    if (step == LF_STEP_SEEK && !put_key(from, key, key_size, place))
        return FEATURE_OK;
    LF_TRY(lf_tree_move(rows->history, step, from,
                        key_size + LF_HISTORY_PLACE_SIZE, &at, error));
    if (!is_of_key(&at, key, key_size))
        return FEATURE_OK;
    problem = lf_history_open(entry, lf_history_seed(rows->form->view->id),
                              at.key, at.key_size, at.value, at.size);
    if (problem)
        return damaged(rows, problem, error);
    *found = true;
    return FEATURE_OK;
}

bool
lf_event_history_knew(const struct lf_meta_view *meta, int64_t known_by)
{
    return meta->history_bases != LF_HISTORY_LOADED ||
           known_by >= meta->history_since;
}

/* An event of before the history began is at most max_skew after that. */
bool
lf_event_history_covers(const struct lf_meta_view *meta,
                        const struct lf_event *event, int64_t from)
{
    int64_t unknown;

    if (meta->history_since == INT64_MIN ||
        (meta->history_horizon > INT64_MIN && from <= meta->history_horizon))
        return false;
    if (!meta->history_bases || meta->history_bases == LF_HISTORY_LOADED)
        return true;
    return event->max_skew != LF_SKEW_NONE &&
           !__builtin_add_overflow(meta->history_since, event->max_skew,
                                   &unknown) &&
           from > unknown;
}

/* --- what leaves -------------------------------------------------------------- */

struct leaving {
    struct lf_rows *rows;
    const uint8_t *key;
    size_t key_size;
    struct lf_buffer places;
    struct lf_hash128 hash;
};

static feature_status
let_go(struct leaving *leaving, const struct lf_history_entry *entry,
       struct feature_error *error)
{
    uint8_t key[LF_HISTORY_KEY_MAX];
    size_t size = leaving->key_size + LF_HISTORY_PLACE_SIZE;

    put_key(key, leaving->key, leaving->key_size, &entry->place);
    lf_hash128_add(
        &leaving->hash,
        lf_history_hash(leaving->rows->form->view->id, key, size, entry));
    return lf_buffer_append(&leaving->places, key + leaving->key_size,
                            LF_HISTORY_PLACE_SIZE)
               ? FEATURE_OK
               : lf_fail_memory(error);
}

/* Finds what lies at or before the horizon. */
static feature_status
look(struct leaving *leaving, int64_t horizon, uint64_t most, bool *more,
     struct feature_error *error)
{
    struct lf_history_place place = {horizon, UINT64_MAX, UINT32_MAX};
    enum lf_step step = LF_STEP_SEEK;
    struct lf_history_entry entry;
    bool found;

    for (;; step = LF_STEP_NEXT) {
        LF_TRY(lf_event_history_move(leaving->rows, step, leaving->key,
                                     leaving->key_size, &place, &entry, &found,
                                     error));
        if (!found)
            return FEATURE_OK;
        *more = leaving->places.size / LF_HISTORY_PLACE_SIZE == most;
        if (*more)
            return FEATURE_OK;
        LF_TRY(let_go(leaving, &entry, error));
    }
}

static feature_status
drop(struct leaving *leaving, struct feature_error *error)
{
    struct lf_rows *rows = leaving->rows;
    size_t count = leaving->places.size / LF_HISTORY_PLACE_SIZE;
    uint8_t key[LF_HISTORY_KEY_MAX];

    memcpy(key, leaving->key, leaving->key_size);
    for (size_t i = 0; i < count; i++) {
        memcpy(key + leaving->key_size,
               leaving->places.data + i * LF_HISTORY_PLACE_SIZE,
               LF_HISTORY_PLACE_SIZE);
        LF_TRY(lf_tree_delete(rows->history, key,
                              leaving->key_size + LF_HISTORY_PLACE_SIZE,
                              error));
    }
    rows->meta.history_entries -= count;
    lf_hash128_subtract(&rows->meta.history, leaving->hash);
    return FEATURE_OK;
}

feature_status
lf_event_history_trim(struct lf_rows *rows, const uint8_t *key, size_t key_size,
                      int64_t horizon, uint64_t *dropped, bool *more,
                      struct feature_error *error)
{
    struct leaving leaving = {.rows = rows, .key = key, .key_size = key_size};
    feature_status status;

    *more = false;
    *dropped = 0;
    status = look(&leaving, horizon, LF_TRIM_MOST, more, error);
    if (!status && leaving.places.size) {
        status = drop(&leaving, error);
        if (!status && horizon > rows->meta.history_horizon)
            rows->meta.history_horizon = horizon;
        if (!status)
            status = lf_journal_trim(rows, key, key_size, horizon, error);
        *dropped = leaving.places.size / LF_HISTORY_PLACE_SIZE;
    }
    lf_buffer_free(&leaving.places);
    return status;
}

feature_status
lf_event_history_is_short(struct lf_rows *rows, const uint8_t *key,
                          size_t key_size, bool *is_short,
                          struct feature_error *error)
{
    static const struct lf_history_place first = {INT64_MAX, UINT64_MAX,
                                                  UINT32_MAX};
    struct lf_history_entry entry;
    bool found;

    LF_TRY(lf_event_history_move(rows, LF_STEP_SEEK, key, key_size, &first,
                                 &entry, &found, error));
    *is_short = !found || entry.operation == FEATURE_DELETE;
    if (!found || !*is_short)
        return FEATURE_OK;
    LF_TRY(lf_event_history_move(rows, LF_STEP_NEXT, key, key_size, NULL,
                                 &entry, &found, error));
    *is_short = !found;
    return FEATURE_OK;
}

feature_status
lf_event_history_forget(struct lf_rows *rows, const uint8_t *key,
                        size_t key_size, int64_t barrier,
                        struct feature_error *error)
{
    struct leaving leaving = {.rows = rows, .key = key, .key_size = key_size};
    feature_status status;
    bool more;

    status = look(&leaving, INT64_MAX, UINT64_MAX, &more, error);
    if (!status && leaving.places.size) {
        status = drop(&leaving, error);
        if (barrier > rows->meta.history_horizon)
            rows->meta.history_horizon = barrier;
    }
    lf_buffer_free(&leaving.places);
    return status;
}
