/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random rows, and a second encoder for them, written from docs/format.md and
 * not from the library: slow, and without a thought for memory.
 */
#ifndef LF_TESTS_SAMPLE_H
#define LF_TESTS_SAMPLE_H

#include "draw.h"

#include "base/bytes.h"
#include "format/row.h"

#define NOON INT64_C(1767268800000000)

/* A schema version and one row of it. Values lie in memory of exactly their
 * size, and a null has some too, which nobody may look at. */
struct sample {
    struct lf_arena arena;
    struct lf_schema schema;
    struct lf_layout layout;
    struct lf_cell *fields; /* as the schema orders them */
    struct lf_cell *slots;  /* as the layout does */
};

/* --- schemas ----------------------------------------------------------------- */

static inline struct lf_type
draw_type(void)
{
    static const int32_t numbers[] = {FEATURE_TYPE_INT32, FEATURE_TYPE_INT64,
                                      FEATURE_TYPE_FLOAT32,
                                      FEATURE_TYPE_FLOAT64};
    struct lf_type type = {.code = (int32_t)draw_below(8) + 1, .width = 1};

    switch (draw_below(5)) {
    case 0:
        type.code = numbers[draw_below(4)];
        type.width = 2 + draw_below(4);
        break;
    case 1:
        type.is_list = true;
        type.code =
            draw_one_in(3) ? FEATURE_TYPE_STRING : numbers[draw_below(4)];
        break;
    default:
        break;
    }
    return type;
}

/* Lays out a schema whose fields are set. */
static inline void
sample_lay_out(struct sample *sample)
{
    uint32_t count = sample->schema.count;

    assert_true(
        lf_layout_init(&sample->layout, &sample->schema, &sample->arena));
    sample->fields =
        lf_arena_array(&sample->arena, count, sizeof *sample->fields);
    sample->slots =
        lf_arena_array(&sample->arena, count, sizeof *sample->slots);
}

/* Makes room for a schema of count fields; ids rise with gaps, as features are
 * dropped. */
static inline void
sample_begin(struct sample *sample, uint16_t version, uint32_t count)
{
    uint32_t feature = 0;

    *sample = (struct sample){.schema = {.version = version, .count = count}};
    sample->schema.fields =
        lf_arena_array(&sample->arena, count, sizeof *sample->schema.fields);
    for (uint32_t i = 0; i < count; i++) {
        feature += draw_one_in(3) ? 1 + draw_below(300) : 1;
        sample->schema.fields[i].feature = feature;
        sample->schema.fields[i].type = draw_type();
    }
    sample_lay_out(sample);
}

static inline void
sample_drop_cells(struct sample *sample)
{
    for (uint32_t i = 0; i < sample->schema.count; i++)
        free((void *)sample->fields[i].bytes);
    memset(sample->fields, 0, sample->schema.count * sizeof *sample->fields);
}

static inline void
sample_end(struct sample *sample)
{
    sample_drop_cells(sample);
    lf_arena_free(&sample->arena);
}

/* --- cells ------------------------------------------------------------------- */

/* u32 count, ends, bytes: in a buffer to spare. */
static inline uint32_t
draw_string_list(uint8_t *to)
{
    uint32_t count = draw_below(4), end = 0;

    lf_store_u32(to, count);
    for (uint32_t i = 0; i < count; i++) {
        end += draw_below(6);
        lf_store_u32(to + 4 + 4 * i, end);
    }
    draw_bytes(to + 4 + 4 * count, end);
    return 4 + 4 * count + end;
}

static inline void
draw_cell(struct lf_type type, struct lf_cell *cell)
{
    uint8_t bytes[256];
    size_t element = lf_type_element_size(type.code);
    uint32_t size = draw_below(12);

    draw_bytes(bytes, sizeof bytes);
    if (type.is_list && type.code == FEATURE_TYPE_STRING)
        size = draw_string_list(bytes);
    else if (type.is_list)
        size = (uint32_t)element * draw_below(4);
    else if (element)
        size = (uint32_t)element * type.width;
    if (type.code == FEATURE_TYPE_BOOL)
        bytes[0] &= 1;
    cell->bytes = malloc(size);
    if (size)
        memcpy((void *)cell->bytes, bytes, size);
    cell->size = size;
}

/* Puts the cells into the order of the layout. */
static inline void
sample_arrange(struct sample *sample)
{
    for (uint32_t i = 0; i < sample->schema.count; i++) {
        uint32_t slot =
            lf_layout_slot(&sample->layout, sample->schema.fields[i].feature);

        assert_true(slot < sample->layout.count);
        sample->slots[slot] = sample->fields[i];
    }
}

/* A row: one in so many cells is null (0: none), and there are up to so many
 * different times. */
static inline void
sample_draw(struct sample *sample, uint32_t nulls, uint32_t times)
{
    int64_t first = NOON + draw_below(1000), step = 1 + draw_below(1000000);

    sample_drop_cells(sample);
    for (uint32_t i = 0; i < sample->schema.count; i++) {
        struct lf_cell *cell = &sample->fields[i];

        draw_cell(sample->schema.fields[i].type, cell);
        cell->is_null = nulls && draw_one_in(nulls);
        cell->time = first - step * draw_below(times);
        if (times > 2 && draw_one_in(10)) {
            cell->is_null = true;
            cell->time = LF_TIME_UNSET;
        }
    }
    sample_arrange(sample);
}

/* --- the second encoder ------------------------------------------------------ */

static inline int
slow_area(struct lf_type type)
{
    if (type.is_list || type.code == FEATURE_TYPE_STRING ||
        type.code == FEATURE_TYPE_BYTES)
        return 2;
    return type.width > 1;
}

/* Which field each slot holds: by area, size, type and feature id. */
static inline uint32_t
slow_order(const struct lf_schema *schema, uint32_t *order)
{
    static const size_t sizes[] = {8, 4, 1, 0};
    uint32_t count = 0;

    for (int area = 0; area < 3; area++)
        for (int size = 0; size < 4; size++)
            for (int32_t code = 1; code <= 8; code++)
                for (uint32_t i = 0; i < schema->count; i++) {
                    struct lf_type type = schema->fields[i].type;
                    bool is_next = type.code == code &&
                                   lf_type_element_size(code) == sizes[size];

                    if (area == 2)
                        is_next = size == 0 && code == 1;
                    if (is_next && slow_area(type) == area)
                        order[count++] = i;
                }
    return count;
}

static inline void
slow_put(struct lf_buffer *row, uint64_t value, size_t size)
{
    assert_true(lf_buffer_append(row, &value, size));
}

static inline int
newer_first(const void *left, const void *right)
{
    int64_t a, b;

    memcpy(&a, left, sizeof a);
    memcpy(&b, right, sizeof b);
    return (a < b) - (a > b);
}

/* The different times of a row, newest first. */
static inline uint32_t
slow_times(const struct sample *sample, int64_t *times)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < sample->schema.count; i++)
        times[i] = sample->fields[i].time;
    qsort(times, sample->schema.count, sizeof *times, newer_first);
    for (uint32_t i = 0; i < sample->schema.count; i++)
        if (!count || times[i] != times[count - 1])
            times[count++] = times[i];
    return count;
}

static inline void
slow_put_fixed(const struct sample *sample, const uint32_t *order,
               struct lf_buffer *row)
{
    for (uint32_t i = 0; i < sample->schema.count; i++) {
        struct lf_type type = sample->schema.fields[order[i]].type;
        const struct lf_cell *cell = &sample->fields[order[i]];

        if (slow_area(type) == 2)
            continue;
        for (uint32_t j = 0; j < lf_type_fixed_size(type); j++)
            slow_put(row, cell->is_null ? 0 : cell->bytes[j], 1);
    }
}

static inline void
slow_put_variable(const struct sample *sample, const uint32_t *order,
                  struct lf_buffer *row)
{
    struct lf_buffer bytes = {0};

    for (uint32_t i = 0; i < sample->schema.count; i++) {
        struct lf_type type = sample->schema.fields[order[i]].type;
        const struct lf_cell *cell = &sample->fields[order[i]];

        if (slow_area(type) != 2)
            continue;
        if (!cell->is_null)
            assert_true(lf_buffer_append(&bytes, cell->bytes, cell->size));
        slow_put(row, bytes.size, 4);
    }
    assert_true(lf_buffer_append(row, bytes.data, bytes.size));
    lf_buffer_free(&bytes);
}

static inline void
slow_put_times(const struct sample *sample, const uint32_t *order,
               const int64_t *times, uint32_t count, struct lf_buffer *row)
{
    slow_put(row, count, 2);
    for (uint32_t i = 0; i < count; i++)
        slow_put(row, (uint64_t)times[i], 8);
    for (uint32_t i = 0; i < sample->schema.count; i++) {
        uint32_t rank = 0;

        while (times[rank] != sample->fields[order[i]].time)
            rank++;
        slow_put(row, rank, count > 256 ? 2 : 1);
    }
}

/* The row without its checksum. */
static inline void
slow_encode(const struct sample *sample, struct lf_buffer *row)
{
    uint32_t count = sample->schema.count;
    uint32_t *order = calloc(count, sizeof *order);
    int64_t *times = calloc(count, sizeof *times);
    uint32_t time_count = slow_times(sample, times);
    size_t bitmap = LF_ROW_HEADER_SIZE;

    assert_int_equal(slow_order(&sample->schema, order), count);
    row->size = 0;
    slow_put(row, 0, 4);
    slow_put(row, sample->schema.version, 2);
    slow_put(row, time_count > 1 ? 8 : 0, 2);
    slow_put(row, (uint64_t)times[0], 8);
    for (uint32_t i = 0; i < count; i += 64)
        slow_put(row, 0, 8);
    for (uint32_t i = 0; i < count; i++)
        if (sample->fields[order[i]].is_null)
            row->data[bitmap + i / 8] |= (uint8_t)(1 << i % 8);
    slow_put_fixed(sample, order, row);
    slow_put_variable(sample, order, row);
    if (time_count > 1)
        slow_put_times(sample, order, times, time_count, row);
    free(order);
    free(times);
}

/* --- what a row has to be ---------------------------------------------------- */

static inline void
expect_cell(const struct lf_cell *cell, const struct lf_cell *wanted)
{
    assert_int_equal(cell->is_null, wanted->is_null);
    assert_int_equal(cell->time, wanted->time);
    if (wanted->is_null) {
        assert_null(cell->bytes);
        return;
    }
    assert_int_equal(cell->size, wanted->size);
    if (wanted->size)
        assert_memory_equal(cell->bytes, wanted->bytes, wanted->size);
}

/* Decodes a row from exactly its bytes into the sample's cells. */
static inline void
expect_decodes(const struct sample *sample, const uint8_t *bytes, size_t size)
{
    uint8_t *exact = malloc(size);
    struct lf_row row, again;

    memcpy(exact, bytes, size);
    assert_true(lf_row_open(&row, exact, size));
    assert_int_equal(row.version, sample->schema.version);
    assert_true(lf_row_check(&row, &sample->layout));
    assert_true(lf_row_open(&again, exact, size));
    lf_row_find_times(&again, &sample->layout);
    assert_ptr_equal(again.times, row.times);
    assert_ptr_equal(again.ranks, row.ranks);
    assert_int_equal(again.time_count, row.time_count);
    for (uint32_t i = 0; i < sample->layout.count; i++) {
        struct lf_cell cell = lf_row_cell(&row, &sample->layout, i);

        expect_cell(&cell, &sample->slots[i]);
        assert_int_equal(lf_row_time(&row, i), sample->slots[i].time);
        assert_int_equal(lf_row_is_null(&row, i), sample->slots[i].is_null);
    }
    free(exact);
}

/* Encodes the sample's row, which has to be the bytes of the format, of the
 * size that was predicted, and to decode to what it was made of. */
static inline void
expect_round_trip(const struct sample *sample, struct lf_buffer *row)
{
    struct lf_buffer slow = {0};

    assert_true(lf_row_encode(&sample->layout, sample->slots, row));
    slow_encode(sample, &slow);
    assert_int_equal(row->size, slow.size);
    assert_memory_equal(row->data, slow.data, slow.size);
    assert_int_equal(lf_row_size(&sample->layout, sample->slots), row->size);
    expect_decodes(sample, row->data, row->size);
    lf_buffer_free(&slow);
}

#endif
