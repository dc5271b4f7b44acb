/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ids of events that were seen.
 *
 * Owns the tree of an event's ids: one entry by id, one by commit time, by which
 * the oldest are found.
 * Keeps both in step, and an id as long as `dedupe_for` says, no matter when
 * upkeep comes by.
 * Never counts in a content hash: what is forgotten early or late changes no row.
 */
#include "store/dedupe.h"

#include <stdio.h>
#include <string.h>

#include "base/crc32c.h"
#include "format/key.h"

#define KIND_DEDUPE 'd'
#define BY_ID       1
#define BY_TIME     2
#define ID_HEAD     2  /* kind, operation */
#define TIME_HEAD   10 /* kind, commit time, operation */
#define ID_VALUE    24 /* crc32c, zero, commit time, event timestamp */
#define TIME_VALUE  4
#define KEY_ROOM    LF_DEDUPE_KEY_MAX

void
lf_dedupe_tree(const struct lf_event *event, char name[LF_TREE_NAME_SIZE])
{
    snprintf(name, LF_TREE_NAME_SIZE, LF_DEDUPE_PREFIX "%016llx",
             (unsigned long long)event->id);
}

static uint32_t
checksum(uint32_t event, const uint8_t *key, size_t key_size,
         const uint8_t *value, size_t size)
{
    uint8_t head[9] = {KIND_DEDUPE};

    lf_store_u64(head + 1, event);
    return lf_crc32c(lf_crc32c(lf_crc32c(0, head, sizeof head), key, key_size),
                     value + 4, size - 4);
}

static size_t
put_id_key(uint8_t *to, int32_t operation, const uint8_t *id, size_t size)
{
    to[0] = BY_ID;
    to[1] = (uint8_t)operation;
    memcpy(to + ID_HEAD, id, size);
    return ID_HEAD + size;
}

static size_t
put_time_key(uint8_t *to, int64_t time, int32_t operation, const uint8_t *id,
             size_t size)
{
    to[0] = BY_TIME;
    lf_store_big_u64(to + 1, (uint64_t)time ^ LF_KEY_SIGN);
    to[9] = (uint8_t)operation;
    memcpy(to + TIME_HEAD, id, size);
    return TIME_HEAD + size;
}

static bool
is_operation(int32_t operation)
{
    return operation == FEATURE_EVENT || operation == FEATURE_RETRACT;
}

const char *
lf_dedupe_open(struct lf_dedupe_entry *entry, uint32_t event,
               const uint8_t *key, size_t key_size, const uint8_t *value,
               size_t size)
{
    size_t head;

    entry->is_time = key_size && key[0] == BY_TIME;
    head = entry->is_time ? TIME_HEAD : ID_HEAD;
    if (!key_size || (key[0] != BY_ID && key[0] != BY_TIME) ||
        key_size < head || key_size - head > LF_KEY_MAX ||
        size != (entry->is_time ? TIME_VALUE : ID_VALUE))
        return "structure";
    if (lf_load_u32(value) != checksum(event, key, key_size, value, size))
        return "checksum";
    entry->operation = key[head - 1];
    entry->id = key + head;
    entry->id_size = key_size - head;
    entry->commit_time = entry->is_time
                             ? (int64_t)(lf_load_big_u64(key + 1) ^ LF_KEY_SIGN)
                             : lf_load_i64(value + 8);
    entry->time = entry->is_time ? LF_TIME_UNSET : lf_load_i64(value + 16);
    return is_operation(entry->operation) &&
                   (entry->is_time || !lf_load_u32(value + 4))
               ? NULL
               : "structure";
}

/* Upkeep that makes no commit of its own is never ahead of those who read: what it
 * forgets is over for them, too. */
static int64_t
time_of(const struct lf_commit *commit)
{
    return commit->has_number || commit->now < commit->meta.commit_time
               ? commit->meta.commit_time
               : commit->now;
}

feature_status
lf_dedupe_begin(struct lf_dedupe *dedupe, struct lf_commit *commit,
                const struct lf_event *event, struct feature_error *error)
{
    char name[LF_TREE_NAME_SIZE];

    *dedupe = (struct lf_dedupe){
        .event = event, .commit = commit, .now = time_of(commit)};
    if (!lf_dedupe_applies(event))
        return FEATURE_OK;
    lf_dedupe_tree(event, name);
    return lf_writer_tree(commit->writer, name, false, &dedupe->tree, error);
}

static feature_status
damaged(const struct lf_event *event, const char *reason,
        struct feature_error *error)
{
    return lf_fail(error, FEATURE_CORRUPT, reason,
                   "an id that was seen of event %s is damaged", event->name);
}

/* dedupe_for after its commit an id is forgotten, whether it is there or not. */
static bool
is_over(const struct lf_event *event, int64_t now, int64_t commit_time)
{
    int64_t age;

    return !__builtin_sub_overflow(now, commit_time, &age) &&
           age >= event->dedupe_for;
}

static feature_status
put_entry(struct lf_dedupe *dedupe, const uint8_t *key, size_t key_size,
          uint8_t *value, size_t size, struct feature_error *error)
{
    lf_store_u32(value,
                 checksum(dedupe->event->id, key, key_size, value, size));
    return lf_tree_put(dedupe->tree, key, key_size, value, size, false, error);
}

static feature_status
put_id(struct lf_dedupe *dedupe, int32_t operation, const struct lf_cell *id,
       int64_t time, struct feature_error *error)
{
    uint8_t key[KEY_ROOM], value[ID_VALUE] = {0}, mark[TIME_VALUE] = {0};
    char name[LF_TREE_NAME_SIZE];
    size_t size = put_id_key(key, operation, id->bytes, id->size);

    if (!dedupe->tree) {
        lf_dedupe_tree(dedupe->event, name);
        LF_TRY(lf_writer_tree(dedupe->commit->writer, name, true, &dedupe->tree,
                              error));
    }
    lf_store_i64(value + 8, dedupe->now);
    lf_store_i64(value + 16, time);
    LF_TRY(put_entry(dedupe, key, size, value, sizeof value, error));
    size = put_time_key(key, dedupe->now, operation, id->bytes, id->size);
    dedupe->seen++;
    return put_entry(dedupe, key, size, mark, sizeof mark, error);
}

feature_status
lf_dedupe_see(struct lf_dedupe *dedupe, int32_t operation,
              const struct lf_cell *id, int64_t time, bool is_certain,
              bool *is_known, struct feature_error *error)
{
    struct lf_dedupe_entry entry;
    uint8_t key[KEY_ROOM];
    const uint8_t *value;
    bool found = false;
    size_t key_size, size;
    const char *problem;

    *is_known = false;
    if (!lf_dedupe_applies(dedupe->event) || id->is_null)
        return FEATURE_OK;
    key_size = put_id_key(key, operation, id->bytes, id->size);
    if (dedupe->tree)
        LF_TRY(lf_tree_get(dedupe->tree, key, key_size, &found, &value, &size,
                           error));
    if (found) {
        problem = lf_dedupe_open(&entry, dedupe->event->id, key, key_size,
                                 value, size);
        if (problem)
            return damaged(dedupe->event, problem, error);
        *is_known = !is_certain &&
                    !is_over(dedupe->event, dedupe->now, entry.commit_time);
        if (*is_known)
            return FEATURE_OK;
        key_size = put_time_key(key, entry.commit_time, operation, id->bytes,
                                id->size);
        LF_TRY(lf_tree_delete(dedupe->tree, key, key_size, error));
    }
    return put_id(dedupe, operation, id, time, error);
}

feature_status
lf_dedupe_find(const struct lf_event *event, struct lf_cursor *cursor,
               const struct lf_cell *id, int64_t now, bool *is_known,
               int64_t *since, struct feature_error *error)
{
    struct lf_dedupe_entry entry;
    struct lf_cursor_entry at;
    uint8_t key[KEY_ROOM];
    const char *problem;
    size_t size;

    *is_known = false;
    if (id->is_null)
        return FEATURE_OK;
    size = put_id_key(key, FEATURE_EVENT, id->bytes, id->size);
    LF_TRY(lf_cursor_seek(cursor, key, size, &at, error));
    if (!at.key || at.key_size != size || memcmp(at.key, key, size) != 0)
        return FEATURE_OK;
    problem = lf_dedupe_open(&entry, event->id, at.key, at.key_size, at.value,
                             at.size);
    if (problem)
        return damaged(event, problem, error);
    *is_known = !is_over(event, now, entry.commit_time);
    *since = entry.commit_time;
    return FEATURE_OK;
}

/* The id of the oldest commit, if it is over. The entry by id is another commit's
 * where the id came again since; then there is none by time. */
static feature_status
forget_oldest(struct lf_dedupe *dedupe, bool *is_gone,
              struct feature_error *error)
{
    static const uint8_t first[1] = {BY_TIME};
    struct lf_dedupe_entry entry;
    uint8_t key[KEY_ROOM], id_key[KEY_ROOM];
    struct lf_tree_entry at;
    const char *problem;
    size_t size, id_size;

    *is_gone = false;
    LF_TRY(lf_tree_move(dedupe->tree, LF_STEP_SEEK, first, sizeof first, &at,
                        error));
    if (!at.key)
        return FEATURE_OK;
    problem = lf_dedupe_open(&entry, dedupe->event->id, at.key, at.key_size,
                             at.value, at.size);
    if (problem)
        return damaged(dedupe->event, problem, error);
    if (!is_over(dedupe->event, dedupe->now, entry.commit_time))
        return FEATURE_OK;
    size = at.key_size;
    memcpy(key, at.key, size);
    id_size = put_id_key(id_key, entry.operation, entry.id, entry.id_size);
    LF_TRY(lf_tree_delete(dedupe->tree, key, size, error));
    *is_gone = true;
    return lf_tree_delete(dedupe->tree, id_key, id_size, error);
}

feature_status
lf_dedupe_forget(struct lf_dedupe *dedupe, uint64_t most, uint64_t *forgotten,
                 struct feature_error *error)
{
    bool is_gone = dedupe->tree != NULL;

    *forgotten = 0;
    while (is_gone && *forgotten < most) {
        LF_TRY(forget_oldest(dedupe, &is_gone, error));
        *forgotten += is_gone;
    }
    return FEATURE_OK;
}

feature_status
lf_dedupe_upkeep(struct lf_commit *commit, const struct lf_catalog *catalog,
                 uint64_t most, uint64_t *forgotten,
                 struct feature_error *error)
{
    struct lf_dedupe dedupe;
    uint64_t some;

    *forgotten = 0;
    for (uint32_t i = 0; i < catalog->event_count; i++) {
        LF_TRY(lf_dedupe_begin(&dedupe, commit, &catalog->events[i], error));
        LF_TRY(lf_dedupe_forget(&dedupe, most - *forgotten, &some, error));
        *forgotten += some;
    }
    return FEATURE_OK;
}

feature_status
lf_dedupe_ride(struct lf_commit *commit, const struct lf_catalog *catalog,
               uint64_t most, struct feature_error *error)
{
    struct lf_dedupe dedupe;
    uint64_t forgotten;
    uint32_t at;

    if (!catalog->event_count)
        return FEATURE_OK;
    at = (uint32_t)(commit->meta.sequence % catalog->event_count);
    LF_TRY(lf_dedupe_begin(&dedupe, commit, &catalog->events[at], error));
    return lf_dedupe_forget(&dedupe, most, &forgotten, error);
}
