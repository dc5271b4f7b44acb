/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wide states beside their rows.
 *
 * Owns the tree they lie in, and what a row that changes does to it.
 * Keeps it to what rows refer to: a value comes and goes with the reference, in
 * the transaction of the row.
 * Never gives a state bytes that fail their checksum.
 */
#include "store/sides.h"

#include <string.h>

#include "store/store.h"

void
lf_sides_free(struct lf_sides *sides)
{
    lf_sides_leave(sides);
    lf_beside_free(&sides->beside);
    lf_buffer_free(&sides->old.items);
    lf_buffer_free(&sides->value);
}

void
lf_sides_leave(struct lf_sides *sides)
{
    lf_cursor_close(sides->cursor);
    sides->cursor = NULL;
    sides->in_writer = NULL;
    sides->reader = NULL;
    sides->writer = NULL;
}

void
lf_sides_in_writer(struct lf_sides *sides, struct lf_writer *writer)
{
    lf_sides_leave(sides);
    sides->writer = writer;
}

void
lf_sides_in_reader(struct lf_sides *sides, struct lf_reader *reader)
{
    lf_sides_leave(sides);
    sides->reader = reader;
}

void
lf_sides_begin(struct lf_sides *sides, const uint8_t *key, size_t key_size)
{
    lf_beside_begin(&sides->beside);
    sides->status = FEATURE_OK;
    sides->key_size = key_size < LF_KEY_MAX ? key_size : LF_KEY_MAX;
    memcpy(sides->key, key, sides->key_size);
}

/* --- fetching ----------------------------------------------------------------- */

static feature_status
get_from_reader(struct lf_sides *sides, size_t size, const uint8_t **value,
                size_t *value_size, struct feature_error *error)
{
    struct lf_cursor_entry entry;

    if (!sides->cursor)
        LF_TRY(
            lf_cursor_open(sides->reader, sides->tree, &sides->cursor, error));
    LF_TRY(lf_cursor_seek(sides->cursor, sides->key, size, &entry, error));
    *value = NULL;
    if (!entry.key || entry.key_size != size ||
        memcmp(entry.key, sides->key, size) != 0)
        return FEATURE_OK;
    *value = entry.value;
    *value_size = entry.size;
    return FEATURE_OK;
}

static feature_status
use_tree(struct lf_sides *sides, bool create, struct feature_error *error)
{
    if (sides->in_writer)
        return FEATURE_OK;
    return lf_writer_tree(sides->writer, sides->tree, create, &sides->in_writer,
                          error);
}

static feature_status
get_from_writer(struct lf_sides *sides, size_t size, const uint8_t **value,
                size_t *value_size, struct feature_error *error)
{
    bool found = false;

    *value = NULL;
    LF_TRY(use_tree(sides, false, error));
    if (!sides->in_writer)
        return FEATURE_OK;
    LF_TRY(lf_tree_get(sides->in_writer, sides->key, size, &found, value,
                       value_size, error));
    if (!found)
        *value = NULL;
    return FEATURE_OK;
}

static feature_status
get(struct lf_sides *sides, const struct lf_beside_ref *ref,
    const uint8_t **bytes, struct feature_error *error)
{
    size_t size = lf_side_key(sides->key, sides->key_size, ref), value_size = 0;
    const uint8_t *value = NULL;
    const char *reason;

    if (sides->reader)
        LF_TRY(get_from_reader(sides, size, &value, &value_size, error));
    else if (sides->writer)
        LF_TRY(get_from_writer(sides, size, &value, &value_size, error));
    if (!value)
        return lf_fail(error, FEATURE_CORRUPT, "structure",
                       "a state that lies beside its row is missing in %s",
                       sides->view);
    reason =
        lf_side_open(sides->seed, sides->key, size, value, value_size, bytes);
    if (!reason && value_size - LF_SIDE_HEAD_SIZE != ref->size)
        reason = "structure";
    return reason ? lf_fail(error, FEATURE_CORRUPT, reason,
                            "a state that lies beside its row is damaged in %s",
                            sides->view)
                  : FEATURE_OK;
}

static enum lf_tile_status
fetch(void *context, const struct lf_beside_ref *ref, const uint8_t **bytes)
{
    struct lf_sides *sides = context;

    sides->status = get(sides, ref, bytes, &sides->problem);
    return sides->status ? LF_TILE_CORRUPT : LF_TILE_OK;
}

void
lf_sides_init(struct lf_sides *sides, const struct lf_view *view)
{
    lf_tiles_tree(view, sides->tree);
    sides->view = view->name;
    sides->seed = lf_side_seed(view->id);
    sides->beside.fetch = fetch;
    sides->beside.context = sides;
}

feature_status
lf_sides_failure(struct lf_sides *sides, struct feature_error *error)
{
    feature_status status = sides->status;

    if (status && status != LF_AGAIN && error)
        *error = sides->problem;
    sides->status = FEATURE_OK;
    return status;
}

/* --- rows --------------------------------------------------------------------- */

static feature_status
fail_tiles(struct lf_sides *sides, enum lf_tile_status status,
           struct feature_error *error)
{
    LF_TRY(lf_sides_failure(sides, error));
    if (status == LF_TILE_MEMORY)
        return lf_fail_memory(error);
    return status ? lf_fail(error, FEATURE_CORRUPT, "structure",
                            "its stored state is damaged in %s", sides->view)
                  : FEATURE_OK;
}

feature_status
lf_sides_inflate(struct lf_sides *sides, struct lf_form *form,
                 const struct lf_row *row, struct lf_buffer *to,
                 struct feature_error *error)
{
    const struct lf_tile_plan *plan;

    to->size = 0;
    LF_TRY(lf_form_plan(form, row->version, &plan, error));
    if (!lf_buffer_append(to, row->bytes, LF_ROW_HEADER_SIZE))
        return lf_fail_memory(error);
    return fail_tiles(
        sides,
        lf_beside_inflate(plan, &sides->beside, row->bytes + LF_ROW_HEADER_SIZE,
                          row->size - LF_ROW_HEADER_SIZE, row->timestamp, to),
        error);
}

feature_status
lf_sides_deflate(struct lf_sides *sides, struct lf_form *form,
                 const struct lf_row *row, struct lf_buffer *to,
                 struct feature_error *error)
{
    const struct lf_tile_plan *plan;

    to->size = 0;
    LF_TRY(lf_form_plan(form, row->version, &plan, error));
    if (!lf_buffer_append(to, row->bytes, LF_ROW_HEADER_SIZE))
        return lf_fail_memory(error);
    return fail_tiles(
        sides,
        lf_beside_deflate(plan, &sides->beside, row->bytes + LF_ROW_HEADER_SIZE,
                          row->size - LF_ROW_HEADER_SIZE, row->timestamp, to),
        error);
}

/* What a row refers to, into sides->old. */
static feature_status
list_old(struct lf_sides *sides, struct lf_form *form, const struct lf_row *row,
         uint64_t *full_size, struct feature_error *error)
{
    const struct lf_tile_plan *plan;

    lf_beside_set_clear(&sides->old);
    if (!row || !lf_sides_has(row))
        return FEATURE_OK;
    LF_TRY(lf_form_plan(form, row->version, &plan, error));
    return fail_tiles(sides,
                      lf_beside_list(plan, row->bytes + LF_ROW_HEADER_SIZE,
                                     row->size - LF_ROW_HEADER_SIZE,
                                     row->timestamp, &sides->old, full_size),
                      error);
}

feature_status
lf_sides_measure(struct lf_sides *sides, struct lf_form *form,
                 const struct lf_row *row, uint64_t *size,
                 struct feature_error *error)
{
    return list_old(sides, form, row, size, error);
}

/* The value of a state that was made, under sides->key. */
static feature_status
encode_value(struct lf_sides *sides, const struct lf_beside_ref *ref,
             size_t *size, struct feature_error *error)
{
    const struct lf_beside_item *made =
        lf_beside_set_find(&sides->beside.made, ref);

    *size = lf_side_key(sides->key, sides->key_size, ref);
    if (!made)
        return lf_fail(error, FEATURE_CORRUPT, "structure",
                       "a row of %s refers to a state that nobody made",
                       sides->view);
    return lf_side_encode(sides->seed, sides->key, *size, made->bytes,
                          ref->size, &sides->value)
               ? FEATURE_OK
               : lf_fail_memory(error);
}

static feature_status
put_value(struct lf_sides *sides, const struct lf_beside_ref *ref,
          struct feature_error *error)
{
    size_t size;

    LF_TRY(encode_value(sides, ref, &size, error));
    LF_TRY(use_tree(sides, true, error));
    return lf_tree_put(sides->in_writer, sides->key, size, sides->value.data,
                       sides->value.size, false, error);
}

static feature_status
put_new(struct lf_sides *sides, uint64_t *entries, struct feature_error *error)
{
    size_t count;
    const struct lf_beside_item *items =
        lf_beside_set_items(&sides->beside.refs, &count);

    for (size_t i = 0; i < count; i++) {
        struct lf_beside_item *old =
            lf_beside_set_find(&sides->old, &items[i].ref);

        if (old) {
            old->is_marked = true;
            continue;
        }
        LF_TRY(put_value(sides, &items[i].ref, error));
        ++*entries;
    }
    return FEATURE_OK;
}

static feature_status
remove_old(struct lf_sides *sides, uint64_t *entries,
           struct feature_error *error)
{
    size_t count;
    const struct lf_beside_item *items =
        lf_beside_set_items(&sides->old, &count);

    for (size_t i = 0; i < count; i++) {
        if (items[i].is_marked)
            continue;
        LF_TRY(use_tree(sides, true, error));
        LF_TRY(lf_tree_delete(
            sides->in_writer, sides->key,
            lf_side_key(sides->key, sides->key_size, &items[i].ref), error));
        --*entries;
    }
    return FEATURE_OK;
}

feature_status
lf_sides_put(struct lf_sides *sides, struct lf_form *form,
             const struct lf_row *row, const struct lf_row *next,
             uint64_t *entries, struct feature_error *error)
{
    uint64_t full_size;

    LF_TRY(list_old(sides, form, row, &full_size, error));
    if (next && lf_sides_has(next))
        LF_TRY(put_new(sides, entries, error));
    return remove_old(sides, entries, error);
}

feature_status
lf_sides_collect(struct lf_sides *sides, struct lf_form *form,
                 const struct lf_row *row, struct lf_buffer *to,
                 uint64_t *count, struct feature_error *error)
{
    const struct lf_beside_item *items;
    uint64_t full_size;
    size_t found;

    LF_TRY(list_old(sides, form, row, &full_size, error));
    items = lf_beside_set_items(&sides->old, &found);
    for (size_t i = 0; i < found; i++) {
        const struct lf_buffer *value = &sides->value;
        uint32_t sizes[2];
        size_t size;

        LF_TRY(encode_value(sides, &items[i].ref, &size, error));
        sizes[0] = (uint32_t)size;
        sizes[1] = (uint32_t)value->size;
        if (!lf_buffer_append(to, sizes, sizeof sizes) ||
            !lf_buffer_append(to, sides->key, size) ||
            !lf_buffer_append(to, value->data, value->size))
            return lf_fail_memory(error);
    }
    *count = found;
    return FEATURE_OK;
}
