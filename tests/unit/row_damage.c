/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Damaged rows. A checksum finds nearly all damage; most of these tests look
 * past it, so that the structure alone stands between wrong bytes and the
 * decoder. Rows lie in exactly their own memory, for AddressSanitizer.
 */
#include "sample.h"

#define VIEW 12
#define KEY  "a key"

static uint32_t
checksum(const uint8_t *row, size_t size)
{
    return lf_row_checksum(lf_row_seed(VIEW), KEY, sizeof KEY, row, size);
}

static bool
checksum_fits(const uint8_t *row, size_t size)
{
    return size >= LF_ROW_HEADER_SIZE &&
           lf_load_u32(row) == checksum(row, size);
}

static void
draw_sealed(struct sample *sample, struct lf_buffer *row)
{
    sample_draw(sample, draw_below(4), 1 + draw_below(4));
    assert_true(lf_row_encode(&sample->layout, sample->slots, row));
    lf_row_seal(lf_row_seed(VIEW), KEY, sizeof KEY, row);
}

static void
touch(const struct lf_row *row, const void *bytes, size_t size)
{
    const uint8_t *at = bytes, *end = row->bytes + row->size;
    static volatile uint8_t sink;

    assert_true(at >= row->bytes + LF_ROW_HEADER_SIZE && at <= end);
    assert_true(size <= (size_t)(end - at));
    while (size--)
        sink ^= *at++;
}

/* What whoever trusts a STRING[] reads. */
static void
touch_strings(const struct lf_row *row, const struct lf_cell *cell)
{
    uint32_t count = lf_load_u32(cell->bytes), begin = 0;
    const uint8_t *ends = cell->bytes + 4, *bytes = ends + 4 * (size_t)count;

    for (uint32_t i = 0; i < count; i++) {
        uint32_t end = lf_load_u32(ends + 4 * (size_t)i);

        assert_true(begin <= end && bytes + end <= cell->bytes + cell->size);
        touch(row, bytes + begin, end - begin);
        begin = end;
    }
}

/* Every cell of a row lies within it and has a size its type can have. */
static void
touch_cells(const struct lf_row *row, const struct lf_layout *layout)
{
    for (uint32_t i = 0; i < layout->count; i++) {
        struct lf_cell cell = lf_row_cell(row, layout, i);
        struct lf_type type = layout->slots[i].type;

        assert_true(cell.time == lf_row_time(row, i));
        assert_true(cell.time <= row->timestamp);
        if (cell.is_null)
            continue;
        touch(row, cell.bytes, cell.size);
        if (!lf_type_is_variable(type))
            assert_int_equal(cell.size, lf_type_fixed_size(type));
        else if (type.is_list && type.code == FEATURE_TYPE_STRING)
            touch_strings(row, &cell);
        else if (type.is_list)
            assert_int_equal(cell.size % lf_type_element_size(type.code), 0);
    }
}

/* Opens, checks and decodes a copy in exactly its own memory, whatever its
 * checksum. False: refused. */
static bool
decodes(const struct lf_layout *layout, const uint8_t *bytes, size_t size)
{
    uint8_t *exact = malloc(size);
    struct lf_row row;
    bool accepted;

    if (size)
        memcpy(exact, bytes, size);
    accepted = lf_row_open(&row, exact, size) && lf_row_check(&row, layout);
    if (accepted && !(row.flags & LF_ROW_TOMBSTONE))
        touch_cells(&row, layout);
    free(exact);
    return accepted;
}

static void
every_flipped_bit_fails_the_checksum(void **state)
{
    struct lf_buffer row = {0};

    (void)state;
    for (int i = 0; i < 300; i++) {
        struct sample sample;

        sample_begin(&sample, 1, 1 + draw_below(12));
        draw_sealed(&sample, &row);
        assert_true(checksum_fits(row.data, row.size));
        for (size_t bit = 0; bit < 8 * row.size; bit++) {
            row.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_false(checksum_fits(row.data, row.size));
            row.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        sample_end(&sample);
    }
    lf_buffer_free(&row);
}

static void
every_forged_bit_is_refused_or_decodes_within_bounds(void **state)
{
    struct lf_buffer row = {0};
    uint32_t refused = 0, decoded = 0;

    (void)state;
    for (int i = 0; i < 150; i++) {
        struct sample sample;

        sample_begin(&sample, 1, 1 + draw_below(12));
        draw_sealed(&sample, &row);
        for (size_t bit = 32; bit < 8 * row.size; bit++) {
            row.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
            lf_row_seal(lf_row_seed(VIEW), KEY, sizeof KEY, &row);
            assert_true(checksum_fits(row.data, row.size));
            if (decodes(&sample.layout, row.data, row.size))
                decoded++;
            else
                refused++;
            row.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        sample_end(&sample);
    }
    assert_true(refused > 10000 && decoded > 10000);
    lf_buffer_free(&row);
}

/* Writes numbers that a decoder might trust over random places. */
static void
damage(uint8_t *row, size_t size)
{
    static const uint32_t numbers[] = {
        0,   1,      2,          4,          8,          255,
        256, 0xffff, 0x7fffffff, 0x80000000, 0xfffffffc, 0xffffffff};

    for (uint32_t i = 1 + draw_below(3); i > 0; i--) {
        size_t width = (size_t)1 << draw_below(3);
        size_t at = 6 + draw_below(size - 6);
        uint32_t number =
            draw_one_in(4) ? draw_below(size) : numbers[draw_below(12)];

        if (at + width <= size)
            memcpy(row + at, &number, width);
    }
}

static void
forged_numbers_are_refused_or_decode_within_bounds(void **state)
{
    struct lf_buffer row = {0};
    uint32_t refused = 0, decoded = 0;

    (void)state;
    for (int i = 0; i < 300; i++) {
        struct sample sample;

        sample_begin(&sample, 1, 1 + draw_below(draw_one_in(9) ? 300 : 12));
        draw_sealed(&sample, &row);
        for (int j = 0; j < 300; j++) {
            assert_true(lf_row_encode(&sample.layout, sample.slots, &row));
            damage(row.data, row.size);
            if (decodes(&sample.layout, row.data, row.size))
                decoded++;
            else
                refused++;
        }
        sample_end(&sample);
    }
    assert_true(refused > 10000 && decoded > 10000);
    lf_buffer_free(&row);
}

static void
every_row_cut_short_is_refused_whatever_its_checksum(void **state)
{
    struct lf_buffer row = {0};

    (void)state;
    for (int i = 0; i < 400; i++) {
        struct sample sample;

        sample_begin(&sample, 1, 1 + draw_below(12));
        draw_sealed(&sample, &row);
        for (size_t size = 0; size < row.size; size++) {
            assert_false(checksum_fits(row.data, size));
            assert_false(decodes(&sample.layout, row.data, size));
        }
        sample_end(&sample);
    }
    lf_buffer_free(&row);
}

static void
a_row_with_bytes_after_it_is_refused(void **state)
{
    struct lf_buffer row = {0};

    (void)state;
    for (int i = 0; i < 1000; i++) {
        struct sample sample;
        size_t more = 1 + draw_below(20);

        sample_begin(&sample, 1, 1 + draw_below(12));
        draw_sealed(&sample, &row);
        memset(lf_buffer_extend(&row, more), draw_one_in(2) ? 0 : 0xff, more);
        assert_false(decodes(&sample.layout, row.data, row.size));
        sample_end(&sample);
    }
    lf_buffer_free(&row);
}

static void
a_row_read_by_another_schema_is_refused_or_decodes_within_bounds(void **state)
{
    struct lf_buffer row = {0};

    (void)state;
    for (int i = 0; i < 3000; i++) {
        struct sample sample, other;

        sample_begin(&sample, 1, 1 + draw_below(12));
        sample_begin(&other, 1, 1 + draw_below(12));
        draw_sealed(&sample, &row);
        decodes(&other.layout, row.data, row.size);
        sample_end(&sample);
        sample_end(&other);
    }
    lf_buffer_free(&row);
}

static void
any_bytes_are_refused_or_decode_within_bounds(void **state)
{
    (void)state;
    for (int i = 0; i < 2000; i++) {
        struct sample sample;

        sample_begin(&sample, 1, 1 + draw_below(6));
        for (int j = 0; j < 20; j++) {
            size_t size = draw_below(120);
            uint8_t bytes[120];

            draw_bytes(bytes, size);
            for (size_t at = 4; at < size; at++)
                if (!draw_one_in(4))
                    bytes[at] = 0;
            decodes(&sample.layout, bytes, size);
        }
        sample_end(&sample);
    }
}

static void
flags_the_format_does_not_know_are_refused(void **state)
{
    struct lf_buffer row = {0};
    struct sample sample;
    struct lf_row opened;

    (void)state;
    sample_begin(&sample, 1, 3);
    draw_sealed(&sample, &row);
    for (uint32_t flags = 0; flags <= UINT16_MAX; flags++) {
        lf_store_u16(row.data + 6, (uint16_t)flags);
        assert_int_equal(lf_row_open(&opened, row.data, row.size),
                         flags == 0 || flags == LF_ROW_CELL_TIMES ||
                             flags == LF_ROW_WINDOW);
        assert_int_equal(lf_row_open(&opened, row.data, LF_ROW_HEADER_SIZE),
                         flags == 0 || flags == LF_ROW_CELL_TIMES ||
                             flags == LF_ROW_WINDOW ||
                             flags == LF_ROW_TOMBSTONE);
    }
    sample_end(&sample);
    lf_buffer_free(&row);
}

/* Encodes a row of one cell of a type, whatever its bytes. */
static bool
is_accepted(int32_t code, const void *bytes, uint32_t size)
{
    struct lf_schema_field field = {1, {.code = code, .width = 1}};
    struct lf_schema schema = {.version = 1, .count = 1, .fields = &field};
    struct lf_cell cell = {.bytes = bytes, .size = size};
    struct lf_arena arena = {0};
    struct lf_buffer row = {0};
    struct lf_layout layout;
    bool accepted;

    field.type.is_list = true;
    assert_true(lf_layout_init(&layout, &schema, &arena));
    assert_true(lf_row_encode(&layout, &cell, &row));
    accepted = decodes(&layout, row.data, row.size);
    lf_buffer_free(&row);
    lf_arena_free(&arena);
    return accepted;
}

static void
a_list_that_does_not_fill_its_cell_is_refused(void **state)
{
    const int32_t strings = FEATURE_TYPE_STRING;

    (void)state;
    assert_true(is_accepted(FEATURE_TYPE_INT32, "12345678", 8));
    assert_false(is_accepted(FEATURE_TYPE_INT32, "12345678", 7));
    assert_false(is_accepted(FEATURE_TYPE_INT64, "123456789abc", 12));
    assert_true(is_accepted(strings, "\0\0\0\0", 4));
    assert_false(is_accepted(strings, "\0\0\0", 3));
    assert_false(is_accepted(strings, "\0\0\0\0x", 5));
    assert_false(is_accepted(strings, "\1\0\0\0", 4));
    assert_false(is_accepted(strings, "\1\0\0\0\1\0\0", 7));
    assert_true(is_accepted(strings, "\1\0\0\0\2\0\0\0xy", 10));
    assert_false(is_accepted(strings, "\1\0\0\0\1\0\0\0xy", 10));
    assert_false(is_accepted(strings, "\1\0\0\0\3\0\0\0xy", 10));
    assert_false(is_accepted(strings, "\xff\xff\xff\xff\2\0\0\0xy", 10));
    assert_true(is_accepted(strings, "\2\0\0\0\1\0\0\0\1\0\0\0x", 13));
    assert_false(is_accepted(strings, "\2\0\0\0\2\0\0\0\1\0\0\0x", 13));
}

/* A row of an INT32 and a STRING, whose times begin at 16 + 8 + 4 + 4 + 2. */
static void
encode_two(struct lf_arena *arena, struct lf_layout *layout,
           struct lf_buffer *row)
{
    struct lf_schema_field fields[] = {{1, {FEATURE_TYPE_INT32, 1, false}},
                                       {2, {FEATURE_TYPE_STRING, 1, false}}};
    struct lf_schema schema = {.version = 1, .count = 2, .fields = fields};
    struct lf_cell cells[] = {{(const uint8_t *)"1234", 4, false, 20},
                              {(const uint8_t *)"xy", 2, false, 10}};

    assert_true(lf_layout_init(layout, &schema, arena));
    assert_true(lf_row_encode(layout, cells, row));
    assert_int_equal(row->size, 34 + 2 + 16 + 2);
    assert_true(decodes(layout, row->data, row->size));
}

static void
a_null_with_bytes_is_refused(void **state)
{
    struct lf_arena arena = {0};
    struct lf_buffer row = {0};
    struct lf_layout layout;

    (void)state;
    encode_two(&arena, &layout, &row);
    row.data[LF_ROW_HEADER_SIZE] |= 2;
    assert_false(decodes(&layout, row.data, row.size));
    lf_buffer_free(&row);
    lf_arena_free(&arena);
}

/* Encodes two cells and puts other times behind them. */
static bool
times_fit(uint32_t count, const int64_t *times, uint32_t first, uint32_t second)
{
    struct lf_arena arena = {0};
    struct lf_buffer row = {0};
    struct lf_layout layout;
    bool fit;

    encode_two(&arena, &layout, &row);
    row.size = 34;
    slow_put(&row, count, 2);
    for (uint32_t i = 0; i < count; i++)
        slow_put(&row, (uint64_t)times[i], 8);
    slow_put(&row, first, 1);
    slow_put(&row, second, 1);
    fit = decodes(&layout, row.data, row.size);
    lf_buffer_free(&row);
    lf_arena_free(&arena);
    return fit;
}

static void
times_that_no_two_cells_can_have_are_refused(void **state)
{
    (void)state;
    assert_true(times_fit(2, (int64_t[]){20, 10}, 0, 1));
    assert_true(times_fit(2, (int64_t[]){20, INT64_MIN}, 1, 0));
    assert_false(times_fit(0, NULL, 0, 0));
    assert_false(times_fit(1, (int64_t[]){20}, 0, 0));
    assert_false(times_fit(3, (int64_t[]){20, 10, 5}, 0, 1));
    assert_false(times_fit(2, (int64_t[]){20, 20}, 0, 1));
    assert_false(times_fit(2, (int64_t[]){20, 21}, 0, 1));
    assert_false(times_fit(2, (int64_t[]){21, 10}, 0, 1));
    assert_false(times_fit(2, (int64_t[]){19, 10}, 0, 1));
    assert_false(times_fit(2, (int64_t[]){20, 10}, 0, 2));
    assert_false(times_fit(2, (int64_t[]){20, 10}, 255, 0));
}

static void
a_row_under_another_key_or_view_fails_the_checksum(void **state)
{
    struct lf_buffer row = {0};
    struct sample sample;

    (void)state;
    sample_begin(&sample, 1, 3);
    draw_sealed(&sample, &row);
    for (uint32_t bit = 0; bit < 8 * sizeof KEY; bit++) {
        uint8_t key[sizeof KEY] = KEY;

        key[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_not_equal(lf_row_checksum(lf_row_seed(VIEW), key, sizeof key,
                                             row.data, row.size),
                             lf_load_u32(row.data));
    }
    for (uint32_t bit = 0; bit < 32; bit++)
        assert_int_not_equal(lf_row_checksum(lf_row_seed(VIEW ^ 1u << bit), KEY,
                                             sizeof KEY, row.data, row.size),
                             lf_load_u32(row.data));
    sample_end(&sample);
    lf_buffer_free(&row);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        DRAWN(every_flipped_bit_fails_the_checksum),
        DRAWN(every_forged_bit_is_refused_or_decodes_within_bounds),
        DRAWN(forged_numbers_are_refused_or_decode_within_bounds),
        DRAWN(every_row_cut_short_is_refused_whatever_its_checksum),
        DRAWN(a_row_with_bytes_after_it_is_refused),
        DRAWN(a_row_read_by_another_schema_is_refused_or_decodes_within_bounds),
        DRAWN(any_bytes_are_refused_or_decode_within_bounds),
        DRAWN(flags_the_format_does_not_know_are_refused),
        cmocka_unit_test(a_list_that_does_not_fill_its_cell_is_refused),
        cmocka_unit_test(a_null_with_bytes_is_refused),
        cmocka_unit_test(times_that_no_two_cells_can_have_are_refused),
        DRAWN(a_row_under_another_key_or_view_fails_the_checksum),
    };

    draw_begin();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
