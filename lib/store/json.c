/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys and rows as JSON.
 *
 * Owns how a value looks there: docs/format.md.
 * Keeps every text valid JSON, whatever the bytes: what is not UTF-8 becomes
 * hexadecimal digits, what is not finite a text.
 * Never reads a row that was not checked against its layout.
 */
#include "store/json.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/utf8.h"
#include "engine/engine.h"
#include "format/event.h"
#include "format/key.h"
#include "model/number.h"

void
lf_json_hex(struct lf_text *text, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;

    lf_text_add(text, "\"");
    for (size_t i = 0; i < size; i++)
        lf_text_add(text, "%02x", at[i]);
    lf_text_add(text, "\"");
}

void
lf_json_text(struct lf_text *text, const void *bytes, size_t size)
{
    const char *at = bytes;
    size_t begin = 0;

    if (!lf_utf8_valid(bytes, size)) {
        lf_json_hex(text, bytes, size);
        return;
    }
    lf_text_add(text, "\"");
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)at[i];

        if (byte >= 0x20 && byte != '"' && byte != '\\')
            continue;
        lf_text_add_bytes(text, at + begin, i - begin);
        lf_text_add(text, byte < 0x20 ? "\\u%04x" : "\\%c", byte);
        begin = i + 1;
    }
    lf_text_add_bytes(text, at + begin, size - begin);
    lf_text_add(text, "\"");
}

static void
add_float(struct lf_text *text, double value, const char *digits)
{
    if (isfinite(value))
        lf_text_add(text, "%s", digits);
    else
        lf_text_add(text, "\"%s\"",
                    isnan(value) ? "NaN"
                    : value > 0  ? "Infinity"
                                 : "-Infinity");
}

static void
add_number(struct lf_text *text, int32_t code, const uint8_t *at)
{
    char digits[LF_NUMBER_SIZE];

    switch (code) {
    case FEATURE_TYPE_BOOL:
        lf_text_add(text, *at ? "true" : "false");
        return;
    case FEATURE_TYPE_INT32:
        lf_text_add(text, "%" PRId32, lf_load_i32(at));
        return;
    case FEATURE_TYPE_FLOAT32:
        add_float(text, (double)lf_load_f32(at),
                  isfinite(lf_load_f32(at))
                      ? lf_number_print_float32(digits, lf_load_f32(at))
                      : "");
        return;
    case FEATURE_TYPE_FLOAT64:
        add_float(text, lf_load_f64(at),
                  isfinite(lf_load_f64(at))
                      ? lf_number_print_float64(digits, lf_load_f64(at))
                      : "");
        return;
    default:
        lf_text_add(text, "%" PRId64, lf_load_i64(at));
    }
}

static void
add_texts(struct lf_text *text, const uint8_t *bytes)
{
    uint32_t count = lf_load_u32(bytes), begin = 0;
    const uint8_t *ends = bytes + 4, *at = ends + 4 * (size_t)count;

    for (uint32_t i = 0; i < count; i++) {
        uint32_t end = lf_load_u32(ends + 4 * (size_t)i);

        lf_text_add(text, i ? "," : "");
        lf_json_text(text, at + begin, end - begin);
        begin = end;
    }
}

static void
add_cell(struct lf_text *text, struct lf_type type, const struct lf_cell *cell)
{
    size_t each = lf_type_element_size(type.code);

    if (cell->is_null) {
        lf_text_add(text, "null");
    } else if (!type.is_list && type.width == 1 && each) {
        add_number(text, type.code, cell->bytes);
    } else if (!type.is_list && !each) {
        (type.code == FEATURE_TYPE_STRING ? lf_json_text : lf_json_hex)(
            text, cell->bytes, cell->size);
    } else {
        lf_text_add(text, "[");
        for (size_t at = 0; each && at < cell->size; at += each) {
            lf_text_add(text, at ? "," : "");
            add_number(text, type.code, cell->bytes + at);
        }
        if (!each && lf_type_is_string_list(cell->bytes, cell->size))
            add_texts(text, cell->bytes);
        lf_text_add(text, "]");
    }
}

static bool
add_part(struct lf_text *text, int32_t code, const uint8_t **at,
         const uint8_t *end)
{
    uint8_t bytes[LF_KEY_MAX];
    int64_t number;
    size_t size;

    if (code == FEATURE_TYPE_INT64) {
        if (!lf_key_get_int64(at, end, &number))
            return false;
        lf_text_add(text, "%" PRId64, number);
        return true;
    }
    if (!lf_key_get_bytes(at, end, bytes, &size))
        return false;
    (code == FEATURE_TYPE_STRING ? lf_json_text : lf_json_hex)(text, bytes,
                                                               size);
    return true;
}

bool
lf_json_key(struct lf_text *text, const struct lf_entity *entity,
            const uint8_t *key, size_t size)
{
    const uint8_t *at = key, *end = key + size;
    size_t begin = text->bytes.size;
    bool is_key = size <= LF_KEY_MAX;

    lf_text_add(text, "{");
    for (uint32_t i = 0; is_key && i < entity->key_count; i++) {
        lf_text_add(text, "%s\"%s\":", i ? "," : "", entity->keys[i].name);
        is_key = add_part(text, entity->keys[i].code, &at, end);
    }
    lf_text_add(text, "}");
    if (!is_key || at != end)
        text->bytes.size = begin;
    return is_key && at == end;
}

static void
add_cells(struct lf_text *text, const struct lf_view *view,
          const struct lf_layout *layout, const struct lf_row *row)
{
    const char *between = "";

    lf_text_add(text, "{");
    for (uint32_t i = 0; i < layout->count; i++) {
        const struct lf_slot *slot = &layout->slots[i];
        const struct lf_feature *feature =
            lf_view_feature_by_id(view, slot->feature);
        struct lf_cell cell = lf_row_cell(row, layout, i);

        if (!feature || cell.time == LF_TIME_UNSET)
            continue;
        lf_text_add(text, "%s\"%s\":", between, feature->name);
        add_cell(text, slot->type, &cell);
        between = ",";
    }
    lf_text_add(text, "}");
}

bool
lf_json_row(struct lf_text *text, const struct lf_view *view,
            const uint8_t *bytes, size_t size)
{
    const struct lf_schema *schema;
    struct lf_arena arena = {0};
    struct lf_buffer row = {0};
    struct lf_layout layout;
    struct lf_row opened;
    uint32_t zero = 0;
    bool done = false;

    if (!lf_buffer_append(&row, &zero, sizeof zero) ||
        !lf_buffer_append(&row, bytes, size)) {
        text->failed = true;
    } else if (lf_row_open(&opened, row.data, row.size) &&
               !(opened.flags & LF_ROW_TOMBSTONE) &&
               (schema = lf_view_schema(view, opened.version))) {
        if (!lf_layout_init(&layout, schema, &arena)) {
            text->failed = true;
        } else if (lf_row_check(&opened, &layout)) {
            add_cells(text, view, &layout, &opened);
            done = true;
        }
    }
    lf_arena_free(&arena);
    lf_buffer_free(&row);
    return done;
}

static void
add_columns(struct lf_text *text, const struct lf_event *event, uint32_t count,
            const struct lf_cell *cells)
{
    lf_text_add(text, "{");
    for (uint32_t i = 0; i < count; i++) {
        struct lf_type type = {.code = event->columns[i].code, .width = 1};

        lf_text_add(text, "%s\"%s\":", i ? "," : "", event->columns[i].name);
        add_cell(text, type, &cells[i]);
    }
    lf_text_add(text, "}");
}

bool
lf_json_event(struct lf_text *text, const struct lf_event *event,
              const uint8_t *payload, size_t size)
{
    struct lf_event_layout layout;
    struct lf_arena arena = {0};
    struct lf_buffer row = {0};
    struct lf_cell *cells;
    struct lf_row opened;
    uint32_t zero = 0;
    bool done = false;

    cells = lf_arena_array(&arena, event->column_count, sizeof *cells);
    if (!cells || !lf_buffer_append(&row, &zero, sizeof zero) ||
        !lf_buffer_append(&row, payload, size)) {
        text->failed = true;
    } else if (lf_row_open(&opened, row.data, row.size) && opened.version &&
               opened.version <= event->column_count) {
        if (!lf_event_layout_init(&layout, event, opened.version, &arena)) {
            text->failed = true;
        } else if (lf_event_cells(&opened, &layout, cells)) {
            add_columns(text, event, opened.version, cells);
            done = true;
        }
    }
    lf_arena_free(&arena);
    lf_buffer_free(&row);
    return done;
}
