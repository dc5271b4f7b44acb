/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows on the way of a copy.
 *
 * Owns what a row has to be true to, and the two forms of one beside which states
 * lie: in full on the way, slim in a store.
 * Keeps the content hash to the slim form, wherever the row came from.
 * Never looks at a byte of a row before its checksum.
 */
#include <stdlib.h>
#include <string.h>

#include "format/key.h"
#include "store/copy.h"

bool
lf_copy_is_after(const struct lf_copy *copy, const uint8_t *key, size_t size)
{
    size_t common = size < copy->last_size ? size : copy->last_size;
    int order = memcmp(key, copy->last, common);

    return order > 0 || (order == 0 && size > copy->last_size);
}

bool
lf_copy_is_key(const struct lf_copy *copy, const uint8_t *key, size_t size)
{
    const uint8_t *at = key, *end = key + size;
    uint8_t text[LF_KEY_MAX];
    int64_t number;

    for (uint32_t i = 0; i < copy->entity->key_count; i++) {
        bool is_number = copy->entity->keys[i].code == FEATURE_TYPE_INT64;
        size_t text_size;

        if (is_number ? !lf_key_get_int64(&at, end, &number)
                      : !lf_key_get_bytes(&at, end, text, &text_size))
            return false;
    }
    return at == end;
}

static feature_status
fail_row(const struct lf_copy *copy, const char *reason, const char *what,
         struct feature_error *error)
{
    return lf_fail(error, FEATURE_CORRUPT, reason, "row %llu of view %s: %s",
                   (unsigned long long)copy->view_rows, copy->definition->name,
                   what);
}

static feature_status
check_window(struct lf_copy *copy, const struct lf_row *row,
             struct feature_error *error)
{
    bool is_right;

    LF_TRY(lf_window_check_row(&copy->windows, row, &is_right, error));
    return is_right
               ? FEATURE_OK
               : fail_row(copy, "structure", "its state is damaged", error);
}

static feature_status
check_form(struct lf_copy *copy, struct lf_row *row,
           struct feature_error *error)
{
    const struct lf_schema *schema =
        lf_view_schema(copy->definition, row->version);
    struct lf_layout *layout;

    if (!schema)
        return fail_row(copy, "structure", "it has an unknown schema version",
                        error);
    if (row->flags & LF_ROW_TOMBSTONE)
        return FEATURE_OK;
    if (copy->definition->event)
        return check_window(copy, row, error);
    layout = &copy->layouts[schema - copy->definition->schemas];
    if (!layout->version &&
        !lf_layout_init(layout, schema, &copy->layout_arena))
        return lf_fail_memory(error);
    if (!lf_row_check(row, layout))
        return fail_row(copy, "structure", "it does not fit its schema version",
                        error);
    return FEATURE_OK;
}

static feature_status
check_row(struct lf_copy *copy, const uint8_t *key, size_t key_size,
          const uint8_t *bytes, size_t size, struct lf_row *row,
          struct feature_error *error)
{
    if (!key_size || key_size > LF_KEY_MAX)
        return fail_row(copy, "structure", "its key has a wrong size", error);
    if (copy->view_rows && !lf_copy_is_after(copy, key, key_size))
        return fail_row(copy, "structure", "its key is out of order", error);
    if (size < LF_ROW_HEADER_SIZE ||
        lf_load_u32(bytes) !=
            lf_row_checksum(copy->seed, key, key_size, bytes, size))
        return fail_row(copy, "checksum", "it does not match its checksum",
                        error);
    if (!lf_copy_is_key(copy, key, key_size))
        return fail_row(copy, "structure", "its key is not one of the entity's",
                        error);
    if (!lf_row_open(row, bytes, size))
        return fail_row(copy, "structure", "it has an unknown form", error);
    LF_TRY(check_form(copy, row, error));
    if (row->flags & LF_ROW_TOMBSTONE)
        copy->view_tombstones++;
    return FEATURE_OK;
}

feature_status
lf_copy_fill(struct lf_copy *copy, const uint8_t *key, size_t key_size,
             const uint8_t **bytes, size_t *size, struct feature_error *error)
{
    struct lf_row row;

    if (!copy->definition->event || key_size > LF_KEY_MAX ||
        *size < LF_ROW_HEADER_SIZE ||
        lf_load_u32(*bytes) !=
            lf_row_checksum(copy->seed, key, key_size, *bytes, *size) ||
        !lf_row_open(&row, *bytes, *size) || !lf_sides_has(&row))
        return FEATURE_OK;
    lf_sides_begin(&copy->sides, key, key_size);
    LF_TRY(lf_sides_inflate(&copy->sides, &copy->windows.form, &row,
                            &copy->full, error));
    lf_row_seal(copy->seed, key, key_size, &copy->full);
    *bytes = copy->full.data;
    *size = copy->full.size;
    return FEATURE_OK;
}

static int
compare_items(const void *a, const void *b)
{
    const struct lf_beside_item *x = a, *y = b;

    return memcmp(x->ref.hash, y->ref.hash, sizeof x->ref.hash);
}

/* What lies beside a row, in order of key. */
static feature_status
put_sides(struct lf_copy *copy, struct feature_error *error)
{
    struct lf_sides *sides = &copy->sides;
    size_t count;
    struct lf_beside_item *items =
        lf_beside_set_items(&sides->beside.made, &count);

    copy->view_tiles += count;
    if (!copy->sink || !copy->sink->side || !count)
        return FEATURE_OK;
    qsort(items, count, sizeof *items, compare_items);
    for (size_t i = 0; i < count; i++) {
        size_t size = lf_side_key(sides->key, sides->key_size, &items[i].ref);

        if (!lf_side_encode(sides->seed, sides->key, size, items[i].bytes,
                            items[i].ref.size, &sides->value))
            return lf_fail_memory(error);
        LF_TRY(copy->sink->side(copy->to, sides->key, size, sides->value.data,
                                sides->value.size, error));
    }
    return FEATURE_OK;
}

/* A checked row as it is stored: what is wide goes beside it. */
static feature_status
make_slim(struct lf_copy *copy, const uint8_t *key, size_t key_size,
          struct lf_row *row, struct feature_error *error)
{
    if (!(row->flags & LF_ROW_WINDOW) || row->size < LF_BESIDE_FROM)
        return FEATURE_OK;
    lf_sides_begin(&copy->sides, key, key_size);
    LF_TRY(lf_sides_deflate(&copy->sides, &copy->windows.form, row, &copy->slim,
                            error));
    if (!copy->sides.beside.is_used)
        return FEATURE_OK;
    if (row->size > LF_FULL_SIZE_LIMIT)
        return fail_row(copy, "structure", "it is too large in full", error);
    lf_row_seal(copy->seed, key, key_size, &copy->slim);
    row->bytes = copy->slim.data;
    row->size = (uint32_t)copy->slim.size;
    return put_sides(copy, error);
}

feature_status
lf_copy_row(struct lf_copy *copy, const uint8_t *key, size_t key_size,
            const uint8_t *bytes, size_t size, struct feature_error *error)
{
    const struct lf_sink *sink = copy->sink;
    struct lf_row row;

    LF_TRY(check_row(copy, key, key_size, bytes, size, &row, error));
    LF_TRY(make_slim(copy, key, key_size, &row, error));
    lf_hash128_add(&copy->content, lf_row_hash(copy->definition->id, key,
                                               key_size, row.bytes, row.size));
    memcpy(copy->last, key, key_size);
    copy->last_size = key_size;
    copy->view_rows++;
    copy->rows++;
    copy->bytes += key_size + size;
    if (!sink)
        return FEATURE_OK;
    return sink->side
               ? sink->put(copy->to, key, key_size, row.bytes, row.size, error)
               : sink->put(copy->to, key, key_size, bytes, size, error);
}

feature_status
lf_copy_rows_end(struct lf_copy *copy, struct feature_error *error)
{
    const struct lf_meta_view *meta = &copy->manifest.views[copy->view].meta;
    const char *name = copy->definition->name;

    if (copy->view_rows != meta->row_entries ||
        copy->view_tombstones != meta->tombstones)
        return lf_fail(error, FEATURE_CORRUPT, "structure",
                       "view %s has %llu rows and %llu tombstones, its record "
                       "says %llu and %llu",
                       name, (unsigned long long)copy->view_rows,
                       (unsigned long long)copy->view_tombstones,
                       (unsigned long long)meta->row_entries,
                       (unsigned long long)meta->tombstones);
    if (copy->view_tiles != meta->tile_entries)
        return lf_fail(error, FEATURE_CORRUPT, "structure",
                       "view %s has %llu states beside its rows, its record "
                       "says %llu",
                       name, (unsigned long long)copy->view_tiles,
                       (unsigned long long)meta->tile_entries);
    if (copy->content.low != meta->content.low ||
        copy->content.high != meta->content.high)
        return lf_fail(error, FEATURE_CORRUPT, "checksum",
                       "the rows of view %s do not match its content hash",
                       name);
    return FEATURE_OK;
}
