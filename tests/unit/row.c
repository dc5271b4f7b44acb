/* SPDX-License-Identifier: Apache-2.0 */
/* Rows to bytes and back. Cell times: row_times.c. Damage: row_damage.c. */
#include "sample.h"

#include "base/crc32c.h"

/* One field of each type and shape. */
static void
sample_of_every_type(struct sample *sample)
{
    static const struct lf_type types[] = {
        {FEATURE_TYPE_BOOL, 1, false},    {FEATURE_TYPE_INT32, 1, false},
        {FEATURE_TYPE_INT64, 1, false},   {FEATURE_TYPE_FLOAT32, 1, false},
        {FEATURE_TYPE_FLOAT64, 1, false}, {FEATURE_TYPE_STRING, 1, false},
        {FEATURE_TYPE_BYTES, 1, false},   {FEATURE_TYPE_TIMESTAMP, 1, false},
        {FEATURE_TYPE_FLOAT32, 3, false}, {FEATURE_TYPE_INT64, 2, false},
        {FEATURE_TYPE_INT32, 1, true},    {FEATURE_TYPE_STRING, 1, true}};

    sample_begin(sample, 3, sizeof types / sizeof *types);
    for (uint32_t i = 0; i < sample->schema.count; i++)
        sample->schema.fields[i].type = types[i];
    sample_lay_out(sample);
}

static void
slots_are_in_the_order_of_the_format(void **state)
{
    (void)state;
    for (int i = 0; i < 2000; i++) {
        struct sample sample;
        uint32_t order[64];

        sample_begin(&sample, 1, 1 + draw_below(64));
        slow_order(&sample.schema, order);
        for (uint32_t j = 0; j < sample.layout.count; j++)
            assert_int_equal(sample.layout.slots[j].feature,
                             sample.schema.fields[order[j]].feature);
        sample_end(&sample);
    }
}

static void
a_feature_that_a_version_lacks_has_no_slot(void **state)
{
    struct sample sample;

    (void)state;
    sample_begin(&sample, 1, 40);
    for (uint32_t feature = 0; feature < 2000; feature++) {
        uint32_t slot = lf_layout_slot(&sample.layout, feature);
        bool is_there = false;

        for (uint32_t i = 0; i < sample.schema.count; i++)
            is_there |= sample.schema.fields[i].feature == feature;
        assert_int_equal(slot != LF_NO_SLOT, is_there);
        if (is_there)
            assert_int_equal(sample.layout.slots[slot].feature, feature);
    }
    sample_end(&sample);
}

/* By hand, so that the second encoder is not alone in saying what is right. */
static void
a_row_is_the_bytes_of_the_format(void **state)
{
    static const uint8_t bytes[] =
        "\x00\x00\x00\x00\x07\x00\x08\x00\x2a\x00\x00\x00\x00\x00\x00\x00"
        "\x0a\x00\x00\x00\x00\x00\x00\x00"         /* 1 and 3 null */
        "\xf1\xf2\xf3\xf4\xf5\xf6\xf7\xf8"         /* 0: INT64 */
        "\x00\x00\x00\x00"                         /* 1: INT32 */
        "\x01"                                     /* 2: BOOL */
        "\x00\x00\x00\x00\x00\x00\x00\x00"         /* 3: FLOAT32[2] */
        "\x02\x00\x00\x00\x02\x00\x00\x00"         /* ends of 4, 5 */
        "hi"                                       /* 4: STRING */
        "\x02\x00\x2a\x00\x00\x00\x00\x00\x00\x00" /* two times */
        "\x00\x00\x00\x00\x00\x00\x00\x80"         /* never */
        "\x00\x01\x00\x00\x00\x00";                /* ranks */
    struct lf_schema_field fields[] = {{2, {FEATURE_TYPE_STRING, 1, false}},
                                       {3, {FEATURE_TYPE_FLOAT32, 2, false}},
                                       {5, {FEATURE_TYPE_BOOL, 1, false}},
                                       {6, {FEATURE_TYPE_INT32, 1, true}},
                                       {8, {FEATURE_TYPE_INT32, 1, false}},
                                       {9, {FEATURE_TYPE_INT64, 1, false}}};
    struct lf_schema schema = {.version = 7, .count = 6, .fields = fields};
    struct lf_cell cells[] = {
        {(const uint8_t *)"\xf1\xf2\xf3\xf4\xf5\xf6\xf7\xf8", 8, false, 42},
        {NULL, 0, true, LF_TIME_UNSET},
        {(const uint8_t *)"\x01", 1, false, 42},
        {NULL, 0, true, 42},
        {(const uint8_t *)"hi", 2, false, 42},
        {NULL, 0, false, 42}};
    struct lf_arena arena = {0};
    struct lf_buffer row = {0};
    struct lf_layout layout;

    (void)state;
    assert_true(lf_layout_init(&layout, &schema, &arena));
    assert_true(lf_row_encode(&layout, cells, &row));
    assert_int_equal(row.size, sizeof bytes - 1);
    assert_memory_equal(row.data, bytes, row.size);
    lf_buffer_free(&row);
    lf_arena_free(&arena);
}

static void
every_pattern_of_nulls_comes_back(void **state)
{
    struct lf_buffer row = {0};
    struct sample sample;

    (void)state;
    sample_of_every_type(&sample);
    for (uint32_t nulls = 0; nulls < 1u << sample.schema.count; nulls++) {
        sample_draw(&sample, 0, 1 + draw_below(3));
        for (uint32_t i = 0; i < sample.schema.count; i++)
            sample.fields[i].is_null = nulls >> i & 1;
        sample_arrange(&sample);
        expect_round_trip(&sample, &row);
    }
    sample_end(&sample);
    lf_buffer_free(&row);
}

static void
rows_of_any_schema_come_back(void **state)
{
    struct lf_buffer row = {0};

    (void)state;
    for (int i = 0; i < 1500; i++) {
        uint32_t nulls = draw_below(5), times = 1 + draw_below(5);
        struct sample sample;

        sample_begin(&sample, (uint16_t)draw(),
                     1 + draw_below(draw_one_in(10) ? 200 : 20));
        for (int j = 0; j < 3; j++) {
            sample_draw(&sample, nulls, times);
            expect_round_trip(&sample, &row);
        }
        sample_end(&sample);
    }
    lf_buffer_free(&row);
}

static void
a_row_of_4096_features_comes_back(void **state)
{
    struct lf_buffer row = {0};
    struct sample sample;

    (void)state;
    sample_begin(&sample, UINT16_MAX, LF_FEATURES_MAX);
    sample_draw(&sample, 3, 1);
    expect_round_trip(&sample, &row);
    sample_draw(&sample, 0, 3);
    expect_round_trip(&sample, &row);
    sample_end(&sample);
    lf_buffer_free(&row);
}

static void
bytes_under_a_null_are_zero(void **state)
{
    struct lf_buffer row = {0};
    struct sample sample;

    (void)state;
    sample_of_every_type(&sample);
    sample_draw(&sample, 1, 1);
    assert_true(lf_row_encode(&sample.layout, sample.slots, &row));
    assert_int_equal(row.size, sample.layout.data_offset);
    for (size_t i = LF_ROW_HEADER_SIZE + 8; i < row.size; i++)
        assert_int_equal(row.data[i], 0);
    sample_end(&sample);
    lf_buffer_free(&row);
}

/* A row straight from columns has the bytes of the same row from cells; the cell
 * lies behind others in its column. */
static void
a_row_from_columns_equals_one_from_cells(void **state)
{
    struct lf_buffer cells = {0}, columns = {0};
    const size_t index = 3;
    uint32_t compared = 0;
    uint8_t validity;

    (void)state;
    for (int i = 0; i < 3000; i++) {
        struct lf_fixed_column from[8] = {{0}};
        uint8_t *values[8] = {0};
        struct sample sample;

        sample_begin(&sample, 1, 1 + draw_below(8));
        sample_draw(&sample, 3, 1);
        validity = (uint8_t) ~(1u << index);
        for (uint32_t s = 0; s < sample.layout.count; s++) {
            const struct lf_slot *slot = &sample.layout.slots[s];

            if (!slot->size)
                continue;
            values[s] = calloc(index + 1, slot->size);
            if (!sample.slots[s].is_null)
                memcpy(values[s] + index * slot->size, sample.slots[s].bytes,
                       slot->size);
            else if (draw_one_in(2))
                from[s].validity = &validity;
            from[s].values =
                sample.slots[s].is_null && !from[s].validity ? NULL : values[s];
        }
        if (!sample.layout.variable_count) {
            assert_true(
                lf_row_encode_at(&sample.layout, sample.slots, NOON, &cells));
            assert_true(lf_row_encode_columns(&sample.layout, from, index, NOON,
                                              &columns));
            assert_int_equal(columns.size, cells.size);
            assert_memory_equal(columns.data, cells.data, cells.size);
            compared++;
        }
        for (int s = 0; s < 8; s++)
            free(values[s]);
        sample_end(&sample);
    }
    assert_true(compared > 100);
    lf_buffer_free(&cells);
    lf_buffer_free(&columns);
}

#define BLOCK 20

static void
expect_block(const struct lf_layout *layout, const struct lf_fixed_column *from)
{
    struct lf_buffer block = {0}, row = {0};
    int64_t times[BLOCK];
    size_t first = draw_below(5), count = 1 + draw_below(BLOCK - 5);

    for (size_t i = 0; i < count; i++)
        times[i] = (int64_t)draw();
    assert_true(lf_row_encode_block(layout, from, first, count, times, &block));
    assert_int_equal(block.size, count * layout->data_offset);
    for (size_t i = 0; i < count; i++) {
        assert_true(
            lf_row_encode_columns(layout, from, first + i, times[i], &row));
        assert_memory_equal(block.data + i * row.size, row.data, row.size);
    }
    lf_buffer_free(&block);
    lf_buffer_free(&row);
}

static void
a_block_of_rows_equals_its_rows(void **state)
{
    uint8_t validity[(BLOCK + 7) / 8];
    uint32_t compared = 0;

    (void)state;
    for (int i = 0; i < 3000; i++) {
        struct lf_fixed_column from[8] = {{0}};
        uint8_t *values[8] = {0};
        struct sample sample;

        sample_begin(&sample, (uint16_t)draw(), 1 + draw_below(8));
        draw_bytes(validity, sizeof validity);
        for (uint32_t s = 0; s < sample.layout.count; s++) {
            size_t size = BLOCK * sample.layout.slots[s].size;

            values[s] = calloc(size + 1, 1);
            draw_bytes(values[s], size);
            from[s].values = draw_one_in(6) ? NULL : values[s];
            from[s].validity = draw_one_in(3) ? validity : NULL;
        }
        if (!sample.layout.variable_count) {
            expect_block(&sample.layout, from);
            compared++;
        }
        for (int s = 0; s < 8; s++)
            free(values[s]);
        sample_end(&sample);
    }
    assert_true(compared > 100);
}

static void
a_row_knows_its_schema_version(void **state)
{
    struct lf_buffer row = {0};

    (void)state;
    for (int i = 0; i < 2000; i++) {
        struct sample sample;
        struct lf_row opened;
        uint16_t version = (uint16_t)draw();

        sample_begin(&sample, version, 1 + draw_below(4));
        sample_draw(&sample, 2, 2);
        assert_true(lf_row_encode(&sample.layout, sample.slots, &row));
        assert_true(lf_row_open(&opened, row.data, row.size));
        assert_int_equal(opened.version, version);
        sample_end(&sample);
    }
    lf_buffer_free(&row);
}

static void
a_row_past_the_limit_of_the_format_has_no_size(void **state)
{
    struct lf_schema_field fields[] = {{1, {FEATURE_TYPE_BYTES, 1, false}},
                                       {2, {FEATURE_TYPE_BYTES, 1, false}}};
    struct lf_schema schema = {.version = 1, .count = 2, .fields = fields};
    struct lf_cell cells[2] = {{.size = 0, .time = 1}, {.size = 9, .time = 1}};
    struct lf_arena arena = {0};
    struct lf_layout layout;
    struct lf_row row;
    uint8_t header[LF_ROW_HEADER_SIZE] = {0};

    (void)state;
    assert_true(lf_layout_init(&layout, &schema, &arena));
    cells[0].size = LF_ROW_SIZE_LIMIT - layout.data_offset - 9;
    assert_int_equal(lf_row_size(&layout, cells), LF_ROW_SIZE_LIMIT);
    cells[0].size++;
    assert_int_equal(lf_row_size(&layout, cells), SIZE_MAX);
    cells[0].size = cells[1].size = UINT32_MAX;
    assert_int_equal(lf_row_size(&layout, cells), SIZE_MAX);
    cells[0].is_null = cells[1].is_null = true;
    assert_int_equal(lf_row_size(&layout, cells), layout.data_offset);
    assert_false(lf_row_open(&row, header, LF_ROW_SIZE_LIMIT + 1));
    lf_arena_free(&arena);
}

static void
a_tombstone_is_a_header_with_the_time_of_the_delete(void **state)
{
    struct lf_buffer bytes = {0};
    struct sample sample;
    struct lf_row row;

    (void)state;
    sample_of_every_type(&sample);
    assert_true(lf_row_encode_tombstone(9, NOON, &bytes));
    assert_int_equal(bytes.size, LF_ROW_HEADER_SIZE);
    assert_memory_equal(bytes.data, "\0\0\0\0\x09\0\x01\0", 8);
    assert_true(lf_row_open(&row, bytes.data, bytes.size));
    assert_int_equal(row.version, 9);
    assert_int_equal(row.flags, LF_ROW_TOMBSTONE);
    assert_true(row.timestamp == NOON);
    assert_true(lf_row_check(&row, &sample.layout));
    assert_true(lf_row_time(&row, 3) == NOON);
    sample_end(&sample);
    lf_buffer_free(&bytes);
}

static void
the_checksum_covers_kind_view_key_and_all_that_follows_it(void **state)
{
    struct lf_buffer row = {0}, whole = {0};
    struct sample sample;

    (void)state;
    sample_of_every_type(&sample);
    sample_draw(&sample, 3, 2);
    assert_true(lf_row_encode(&sample.layout, sample.slots, &row));
    lf_row_seal(lf_row_seed(0x01020304), "key", 3, &row);
    assert_true(lf_buffer_append(&whole, "r\x04\x03\x02\x01\0\0\0\0key", 12));
    assert_true(lf_buffer_append(&whole, row.data + 4, row.size - 4));
    assert_int_equal(lf_load_u32(row.data),
                     lf_crc32c(0, whole.data, whole.size));
    assert_int_equal(
        lf_row_checksum(lf_row_seed(0x01020304), "key", 3, row.data, row.size),
        lf_load_u32(row.data));
    sample_end(&sample);
    lf_buffer_free(&row);
    lf_buffer_free(&whole);
}

static void
the_hash_of_a_row_is_of_view_key_and_all_but_the_checksum(void **state)
{
    struct lf_hash128 hash, other, seed = lf_hash128(7, "key", 3);
    struct lf_buffer row = {0};
    struct sample sample;

    (void)state;
    sample_of_every_type(&sample);
    sample_draw(&sample, 3, 2);
    assert_true(lf_row_encode(&sample.layout, sample.slots, &row));
    hash = lf_row_hash(7, "key", 3, row.data, row.size);
    other = lf_hash128(seed.low, row.data + 4, row.size - 4);
    assert_memory_equal(&hash, &other, sizeof hash);
    lf_row_seal(lf_row_seed(7), "key", 3, &row);
    other = lf_row_hash(7, "key", 3, row.data, row.size);
    assert_memory_equal(&hash, &other, sizeof hash);
    other = lf_row_hash(8, "key", 3, row.data, row.size);
    assert_memory_not_equal(&hash, &other, sizeof hash);
    other = lf_row_hash(7, "kez", 3, row.data, row.size);
    assert_memory_not_equal(&hash, &other, sizeof hash);
    row.data[row.size - 1] ^= 1;
    other = lf_row_hash(7, "key", 3, row.data, row.size);
    assert_memory_not_equal(&hash, &other, sizeof hash);
    sample_end(&sample);
    lf_buffer_free(&row);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        DRAWN(slots_are_in_the_order_of_the_format),
        DRAWN(a_feature_that_a_version_lacks_has_no_slot),
        cmocka_unit_test(a_row_is_the_bytes_of_the_format),
        DRAWN(every_pattern_of_nulls_comes_back),
        DRAWN(rows_of_any_schema_come_back),
        DRAWN(a_row_of_4096_features_comes_back),
        DRAWN(bytes_under_a_null_are_zero),
        DRAWN(a_row_from_columns_equals_one_from_cells),
        DRAWN(a_block_of_rows_equals_its_rows),
        DRAWN(a_row_knows_its_schema_version),
        cmocka_unit_test(a_row_past_the_limit_of_the_format_has_no_size),
        DRAWN(a_tombstone_is_a_header_with_the_time_of_the_delete),
        DRAWN(the_checksum_covers_kind_view_key_and_all_that_follows_it),
        DRAWN(the_hash_of_a_row_is_of_view_key_and_all_but_the_checksum),
    };

    draw_begin();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
