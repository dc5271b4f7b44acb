/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Versions, one after the other.
 *
 * Owns the way through a history: where a block lies, its versions come one by
 * one in its place.
 * Keeps the blocks of a search until the next one, and the last two from search
 * to search: what is asked in order is unpacked once.
 * Never unpacks a block of another key than was sought.
 */
#include "store/history_cursor.h"

#include <string.h>

#include "base/alloc.h"
#include "store/history.h"

#define KEPT 2

/* An unpacked block and, in a snapshot, where it lies. */
struct room {
    const uint8_t *value;
    struct lf_versions_block *block;
};

static void
begin(struct lf_history_cursor *cursor, uint32_t view)
{
    cursor->view = view;
    cursor->seed = lf_history_seed(view);
    cursor->is_dictionary_known = false;
    cursor->block = NULL;
    cursor->used = 0;
    cursor->key_size = 0;
}

feature_status
lf_history_open_read(struct lf_history_cursor *cursor, struct lf_reader *reader,
                     const struct lf_view *view, struct feature_error *error)
{
    char tree[LF_TREE_NAME_SIZE];

    begin(cursor, view->id);
    cursor->reader = reader;
    cursor->tree = NULL;
    lf_history_tree(view, tree);
    return lf_cursor_open(reader, tree, &cursor->cursor, error);
}

void
lf_history_open_write(struct lf_history_cursor *cursor,
                      const struct lf_rows *rows)
{
    begin(cursor, rows->form->view->id);
    cursor->reader = NULL;
    cursor->commit = rows->commit;
    cursor->tree = rows->history;
}

void
lf_history_close(struct lf_history_cursor *cursor)
{
    lf_cursor_close(cursor->cursor);
    cursor->cursor = NULL;
    cursor->reader = NULL;
    cursor->block = NULL;
    cursor->used = 0;
}

void
lf_history_free_cursor(struct lf_history_cursor *cursor)
{
    lf_history_close(cursor);
    for (uint32_t i = 0; i < cursor->room_count; i++) {
        lf_versions_block_free(cursor->rooms[i].block);
        lf_free(cursor->rooms[i].block);
    }
    lf_free(cursor->rooms);
    lf_press_free(cursor->press);
    lf_buffer_free(&cursor->value);
    *cursor = (struct lf_history_cursor){0};
}

/* --- rooms ------------------------------------------------------------------- */

/* The block at hand is among those that stay. */
static void
put_last(struct lf_history_cursor *cursor)
{
    for (uint32_t i = 0; i + 1 < cursor->used; i++) {
        struct room room = cursor->rooms[i];

        if (room.block != cursor->block)
            continue;
        cursor->rooms[i] = cursor->rooms[cursor->used - 1];
        cursor->rooms[cursor->used - 1] = room;
    }
}

/* The last ones stay, and the memory of most others goes. In a write
 * transaction a value's place says nothing. */
static void
forget_rooms(struct lf_history_cursor *cursor)
{
    if (cursor->used > KEPT)
        put_last(cursor);
    while (cursor->used > KEPT) {
        struct room first = cursor->rooms[0];

        memmove(cursor->rooms, cursor->rooms + 1,
                (cursor->room_count - 1) * sizeof first);
        cursor->rooms[cursor->room_count - 1] = first;
        cursor->used--;
    }
    if (cursor->tree)
        cursor->used = 0;
    while (cursor->room_count > 2 * KEPT && cursor->room_count > cursor->used) {
        struct room *last = &cursor->rooms[--cursor->room_count];

        lf_versions_block_free(last->block);
        lf_free(last->block);
    }
}

void
lf_history_let_go(struct lf_history_cursor *cursor)
{
    if (!cursor->tree)
        forget_rooms(cursor);
}

static feature_status
add_room(struct lf_history_cursor *cursor, struct feature_error *error)
{
    struct room *rooms = lf_realloc_array(
        cursor->rooms, (size_t)cursor->room_count + 1, sizeof *rooms);

    if (!rooms)
        return lf_fail_memory(error);
    cursor->rooms = rooms;
    rooms[cursor->room_count].value = NULL;
    rooms[cursor->room_count].block =
        lf_alloc(sizeof(struct lf_versions_block));
    if (!rooms[cursor->room_count].block)
        return lf_fail_memory(error);
    cursor->room_count++;
    return FEATURE_OK;
}

/* The versions of the block at hand. */
static feature_status
enter(struct lf_history_cursor *cursor, struct feature_error *error)
{
    struct room *room;

    for (uint32_t i = 0; i < cursor->used; i++) {
        room = &cursor->rooms[i];
        if (cursor->tree || room->value != cursor->raw.value)
            continue;
        cursor->block = room->block;
        return FEATURE_OK;
    }
    if (cursor->used == cursor->room_count)
        LF_TRY(add_room(cursor, error));
    room = &cursor->rooms[cursor->used];
    LF_TRY(lf_history_unpack(cursor, &cursor->raw, room->block, error));
    room->value = cursor->raw.value;
    cursor->used++;
    cursor->block = room->block;
    return FEATURE_OK;
}

/* --- moves ------------------------------------------------------------------- */

/* The block, whose key is that of its oldest version, is of the key sought. */
static bool
is_ours(const struct lf_history_cursor *cursor)
{
    const struct lf_version_at *raw = &cursor->raw;

    return raw->key &&
           raw->key_size == cursor->key_size + LF_HISTORY_PLACE_SIZE &&
           lf_is_block(raw->value, raw->size) &&
           memcmp(raw->key, cursor->key, cursor->key_size) == 0;
}

static feature_status
move_tree(struct lf_history_cursor *cursor, enum lf_step step, const void *key,
          size_t key_size, struct feature_error *error)
{
    struct lf_tree_entry entry;

    LF_TRY(lf_tree_move(cursor->tree, step, key, key_size, &entry, error));
    cursor->raw =
        (struct lf_version_at){.key = entry.key,
                               .key_size = entry.key ? entry.key_size : 0,
                               .value = entry.value,
                               .size = entry.key ? entry.size : 0};
    return FEATURE_OK;
}

static feature_status
move_cursor(struct lf_history_cursor *cursor, enum lf_step step,
            const void *key, size_t key_size, struct feature_error *error)
{
    struct lf_cursor_entry entry;

    if (step == LF_STEP_SEEK)
        LF_TRY(lf_cursor_seek(cursor->cursor, key, key_size, &entry, error));
    else
        LF_TRY(lf_cursor_next(cursor->cursor, &entry, error));
    cursor->raw =
        (struct lf_version_at){.key = entry.key,
                               .key_size = entry.key ? entry.key_size : 0,
                               .value = entry.value,
                               .size = entry.key ? entry.size : 0};
    return FEATURE_OK;
}

static feature_status
move(struct lf_history_cursor *cursor, enum lf_step step, const void *key,
     size_t key_size, struct feature_error *error)
{
    cursor->block = NULL;
    return cursor->reader ? move_cursor(cursor, step, key, key_size, error)
                          : move_tree(cursor, step, key, key_size, error);
}

static void
tell(struct lf_history_cursor *cursor, struct lf_version_at *at)
{
    const struct lf_history_entry *entry;

    *at = cursor->raw;
    if (!cursor->block)
        return;
    entry = &cursor->block->entries[cursor->index];
    lf_history_put_place(cursor->key + cursor->key_size, &entry->place);
    at->key = cursor->key;
    at->unpacked = entry;
}

/* In a snapshot, whether the key sought lies among the versions at hand. */
static bool
is_here(const struct lf_history_cursor *cursor, const uint8_t *key,
        size_t join_size, const struct lf_history_place *place)
{
    uint32_t index;

    if (!cursor->block || cursor->tree || cursor->key_size != join_size ||
        memcmp(cursor->key, key, join_size) != 0)
        return false;
    index = lf_block_find(cursor->block, place);
    return index && index < cursor->block->count;
}

feature_status
lf_history_seek(struct lf_history_cursor *cursor, const void *key,
                size_t key_size, struct lf_version_at *at,
                struct feature_error *error)
{
    size_t join_size = key_size - LF_HISTORY_PLACE_SIZE;
    struct lf_history_place place =
        lf_history_get_place((const uint8_t *)key + join_size);

    forget_rooms(cursor);
    if (!is_here(cursor, key, join_size, &place)) {
        LF_TRY(move(cursor, LF_STEP_SEEK, key, key_size, error));
        cursor->key_size = join_size;
        memcpy(cursor->key, key, join_size);
        if (is_ours(cursor))
            LF_TRY(enter(cursor, error));
    }
    if (cursor->block)
        cursor->index = lf_block_find(cursor->block, &place);
    if (cursor->block && cursor->index == cursor->block->count)
        cursor->index--; /* the block would not be found here */
    tell(cursor, at);
    return FEATURE_OK;
}

feature_status
lf_history_next(struct lf_history_cursor *cursor, struct lf_version_at *at,
                struct feature_error *error)
{
    if (cursor->block && cursor->index + 1 < cursor->block->count) {
        cursor->index++;
    } else {
        LF_TRY(move(cursor, LF_STEP_NEXT, NULL, 0, error));
        if (is_ours(cursor)) {
            LF_TRY(enter(cursor, error));
            cursor->index = 0;
        }
    }
    tell(cursor, at);
    return FEATURE_OK;
}

feature_status
lf_history_back(struct lf_history_cursor *cursor, struct lf_version_at *at,
                struct feature_error *error)
{
    if (cursor->block && cursor->index) {
        cursor->index--;
    } else {
        LF_TRY(move(cursor, LF_STEP_BACK, NULL, 0, error));
        if (is_ours(cursor)) {
            LF_TRY(enter(cursor, error));
            cursor->index = cursor->block->count - 1;
        }
    }
    tell(cursor, at);
    return FEATURE_OK;
}
