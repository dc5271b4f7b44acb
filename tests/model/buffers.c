/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Columns in Arrow's layout, made from values.
 *
 * Owns the liberties that the layout allows: offsets that begin late, rubbish
 * under nulls, a validity bitmap where nothing is null.
 * Keeps the values as they are.
 * Never makes offsets that decrease.
 */
#include "world.h"

#include <string.h>

#define SHIFTED      1u /* bits of a style */
#define FULL_BITMAP  2u
#define LOUD_NULLS   4u
#define SHIFT        3 /* elements before the first, where offsets are shifted */
#define RUBBISH_SIZE 2 /* elements under a null */

/* Offsets and what they point at, under way. */
struct builder {
    struct arena *arena;
    uint32_t style;
    int32_t *offsets;
    struct text elements; /* bytes */
    int32_t count;        /* elements so far */
    struct text children; /* int32_t ends of strings */
};

static const uint8_t *
make_validity(struct arena *arena, const struct column_data *data,
              uint32_t style)
{
    uint8_t *bits = arena_alloc(arena, data->rows / 8 + 1);
    bool has_null = false;

    for (uint32_t i = 0; i < data->rows; i++) {
        has_null |= data->values[i].is_null;
        if (!data->values[i].is_null)
            bits[i / 8] |= (uint8_t)(1u << i % 8);
    }
    return has_null || style & FULL_BITMAP ? bits : NULL;
}

static const void *
make_fixed(struct arena *arena, const struct column_data *data, uint32_t style)
{
    bool is_bool = data->type.code == FEATURE_TYPE_BOOL;
    uint32_t size = element_size(data->type.code) * data->type.width;
    uint8_t *bytes = arena_alloc(arena, (size_t)data->rows * size + 1);

    if (style & LOUD_NULLS)
        memset(bytes, 0xaa, (size_t)data->rows * size + 1);
    for (uint32_t i = 0; i < data->rows; i++) {
        const struct value *value = &data->values[i];
        uint8_t bit = (uint8_t)(1u << i % 8);

        if (value->is_null)
            continue;
        if (!is_bool)
            memcpy(bytes + (size_t)i * size, value->bytes, size);
        else if (*value->bytes)
            bytes[i / 8] |= bit;
        else
            bytes[i / 8] &= (uint8_t)~bit;
    }
    return bytes;
}

static void
add_end(struct builder *builder)
{
    int32_t end = (int32_t)builder->elements.size;

    text_add_bytes(&builder->children, &end, sizeof end);
}

/* Elements that mean nothing: under a null, or before the first offset. */
static void
add_rubbish(struct builder *builder, const struct column_data *data,
            int32_t count)
{
    static const uint8_t rubbish[8 * SHIFT];
    bool is_string_list = data->type.is_list && type_is_text(data->type.code);
    uint32_t size = element_size(data->type.code);

    for (int32_t i = 0; i < count; i++) {
        text_add_bytes(&builder->elements, rubbish, size ? size : 1);
        if (is_string_list)
            add_end(builder);
    }
    builder->count += count;
}

static void
add_strings(struct builder *builder, const struct value *value)
{
    for (uint32_t at = 0, size; at < value->size; at += 4 + size) {
        memcpy(&size, value->bytes + at, sizeof size);
        text_add_bytes(&builder->elements, value->bytes + at + 4, size);
        add_end(builder);
        builder->count++;
    }
}

static void
add_value(struct builder *builder, const struct column_data *data,
          const struct value *value)
{
    if (value->is_null) {
        if (builder->style & LOUD_NULLS)
            add_rubbish(builder, data, RUBBISH_SIZE);
    } else if (data->type.is_list && type_is_text(data->type.code)) {
        add_strings(builder, value);
    } else {
        text_add_bytes(&builder->elements, value->bytes, value->size);
        builder->count +=
            (int32_t)(data->type.is_list ? value_count(data->type, *value)
                                         : value->size);
    }
}

static void
make_variable(struct arena *arena, const struct column_data *data,
              uint32_t style, struct buffers *buffers)
{
    bool is_string_list = data->type.is_list && type_is_text(data->type.code);
    struct builder builder = {.arena = arena, .style = style};

    builder.offsets =
        arena_array(arena, data->rows + 1, sizeof *builder.offsets);
    if (is_string_list)
        add_end(&builder);
    if (style & SHIFTED)
        add_rubbish(&builder, data, SHIFT);
    builder.offsets[0] = builder.count;
    for (uint32_t i = 0; i < data->rows; i++) {
        add_value(&builder, data, &data->values[i]);
        builder.offsets[i + 1] = builder.count;
    }
    buffers->values =
        arena_copy(arena, builder.elements.data, builder.elements.size);
    buffers->offsets = builder.offsets;
    if (is_string_list)
        buffers->child_offsets =
            arena_copy(arena, builder.children.data, builder.children.size);
    text_free(&builder.elements);
    text_free(&builder.children);
}

struct buffers
buffers_make(struct arena *arena, const struct column_data *data,
             uint32_t style)
{
    struct buffers buffers = {.validity = make_validity(arena, data, style)};

    if (type_is_variable(data->type))
        make_variable(arena, data, style, &buffers);
    else
        buffers.values = make_fixed(arena, data, style);
    return buffers;
}
