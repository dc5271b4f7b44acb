/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows, under a layout that the input begins with.
 *
 * Property: of a row that is accepted, every cell and every string of a list
 * lies within the row and has a size of its type; the cells encode to a row of
 * the predicted size that is accepted and has the same cells.
 */
#include "target.h"

#include "format/row.h"

#define FIELDS 40

static struct lf_type
draw_type(struct input *input)
{
    uint8_t byte = take_u8(input);
    struct lf_type type = {.code = 1 + byte % 8, .width = 1};
    bool is_numeric =
        type.code >= FEATURE_TYPE_INT32 && type.code <= FEATURE_TYPE_FLOAT64;

    type.is_list =
        byte & 0x40 && (is_numeric || type.code == FEATURE_TYPE_STRING);
    if (!type.is_list && byte & 0x80 && is_numeric)
        type.width = 2 + take_u8(input) % 4;
    return type;
}

static bool
draw_layout(struct input *input, struct lf_arena *arena,
            struct lf_layout *layout)
{
    struct lf_schema schema = {.version = 1};

    schema.count = 1 + take_u8(input) % FIELDS;
    schema.fields = lf_arena_array(arena, schema.count, sizeof *schema.fields);
    if (!schema.fields)
        return false;
    for (uint32_t i = 0; i < schema.count; i++) {
        schema.fields[i].feature = i + 1;
        schema.fields[i].type = draw_type(input);
    }
    return lf_layout_init(layout, &schema, arena);
}

static void
touch(const struct lf_row *row, const uint8_t *at, size_t size)
{
    static volatile uint8_t sink;
    uint8_t sum = sink;

    expect(at >= row->bytes + LF_ROW_HEADER_SIZE &&
               at <= row->bytes + row->size &&
               size <= (size_t)(row->bytes + row->size - at),
           "a cell lies within its row");
    while (size--)
        sum ^= *at++;
    sink = sum;
}

static void
touch_strings(const struct lf_row *row, const struct lf_cell *cell)
{
    uint32_t count = lf_load_u32(cell->bytes), begin = 0;
    const uint8_t *ends = cell->bytes + 4, *bytes = ends + 4 * (size_t)count;

    for (uint32_t i = 0; i < count; i++) {
        uint32_t end = lf_load_u32(ends + 4 * (size_t)i);

        expect(begin <= end && end <= cell->size, "ends of strings rise");
        touch(row, bytes + begin, end - begin);
        begin = end;
    }
    expect(bytes + begin == cell->bytes + cell->size, "strings fill a list");
}

static void
touch_cell(const struct lf_row *row, struct lf_type type,
           const struct lf_cell *cell)
{
    expect(cell->time <= row->timestamp, "a cell is as old as its row");
    if (cell->is_null)
        return;
    touch(row, cell->bytes, cell->size);
    if (!lf_type_is_variable(type))
        expect(cell->size == lf_type_fixed_size(type), "the size of a value");
    else if (type.is_list && type.code == FEATURE_TYPE_STRING)
        touch_strings(row, cell);
    else if (type.is_list)
        expect(cell->size % lf_type_element_size(type.code) == 0,
               "a list of whole elements");
}

static bool
same_cell(const struct lf_cell *a, const struct lf_cell *b)
{
    if (a->is_null || b->is_null)
        return a->is_null == b->is_null && a->time == b->time;
    return a->time == b->time && a->size == b->size &&
           !memcmp(a->bytes, b->bytes, a->size);
}

static void
check_again(const struct lf_layout *layout, const struct lf_cell *cells)
{
    struct lf_buffer made = {0};
    uint8_t *exact;
    struct lf_row row;

    expect(lf_row_encode(layout, cells, &made), "cells encode");
    expect(made.size == lf_row_size(layout, cells), "the size of a row");
    exact = exact_copy(made.data, made.size);
    expect(lf_row_open(&row, exact, made.size) && lf_row_check(&row, layout),
           "an encoded row is accepted");
    for (uint32_t i = 0; i < layout->count; i++) {
        struct lf_cell cell = lf_row_cell(&row, layout, i);

        expect(same_cell(&cell, &cells[i]), "a cell comes back");
    }
    free(exact);
    lf_buffer_free(&made);
}

static void
check_row(const struct lf_row *row, const struct lf_layout *layout)
{
    struct lf_cell cells[FIELDS];
    struct lf_row again = *row;

    again.times = again.ranks = NULL;
    lf_row_find_times(&again, layout);
    expect(again.times == row->times && again.ranks == row->ranks,
           "times are found again");
    for (uint32_t i = 0; i < layout->count; i++) {
        cells[i] = lf_row_cell(row, layout, i);
        expect(cells[i].time == lf_row_time(row, i), "the time of a cell");
        touch_cell(row, layout->slots[i].type, &cells[i]);
    }
    check_again(layout, cells);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct input input = {bytes, bytes + size};
    struct lf_arena arena = {0};
    struct lf_layout layout;
    struct lf_row row;
    uint8_t *exact;

    expect(draw_layout(&input, &arena, &layout), "a layout");
    size = left_of(&input);
    exact = take_copy(&input, &size);
    if (lf_row_open(&row, exact, size) && lf_row_check(&row, &layout) &&
        !(row.flags & LF_ROW_TOMBSTONE))
        check_row(&row, &layout);
    free(exact);
    lf_arena_free(&arena);
    return 0;
}
