/* SPDX-License-Identifier: Apache-2.0 */
/* The records of the tree `meta`, against the tables of docs/format.md. */
#include "draw.h"

#include "base/bytes.h"
#include "base/crc32c.h"
#include "format/meta.h"

#define VIEW 0x01abcdefu

/* A number of a record: where it lies, and what it is. */
struct number {
    size_t offset;
    size_t size;
    uint64_t value;
};

static void
draw_store(struct lf_meta_store *meta)
{
    memset(meta, 0, sizeof *meta); /* padding too: they are compared whole */
    meta->format = (uint32_t)draw();
    meta->shard_index = (uint32_t)draw();
    meta->shard_count = (uint32_t)draw();
    meta->compatible = draw();
    meta->write_incompatible = draw();
    meta->incompatible = draw();
    draw_bytes(meta->uuid, sizeof meta->uuid);
    meta->epoch = draw();
    meta->incarnation = draw();
    meta->sequence = draw();
    meta->commit_time = (int64_t)draw();
    meta->catalog_version = draw();
    for (int i = 0; i < LF_COMMITS_KEPT; i++) {
        meta->tokens[i].sequence = draw();
        meta->tokens[i].token = draw();
    }
}

static void
draw_view(struct lf_meta_view *meta)
{
    *meta = (struct lf_meta_view){.row_entries = draw(),
                                  .history_entries = draw(),
                                  .tile_entries = draw(),
                                  .tombstones = draw(),
                                  .content = {draw(), draw()},
                                  .newest = (int64_t)draw(),
                                  .commit = draw(),
                                  .purge_horizon = (int64_t)draw(),
                                  .history_horizon = (int64_t)draw(),
                                  .applied = draw(),
                                  .late = draw(),
                                  .history_since = (int64_t)draw(),
                                  .history_bases = draw(),
                                  .history = {draw(), draw()}};
}

static void
expect_numbers(const uint8_t *bytes, const struct number *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const uint8_t *at = bytes + numbers[i].offset;

        assert_int_equal(numbers[i].size == 4 ? lf_load_u32(at)
                                              : lf_load_u64(at),
                         numbers[i].value);
    }
}

static void
a_store_record_lies_as_the_format_says(void **state)
{
    struct lf_meta_store meta;
    uint8_t bytes[LF_META_STORE_SIZE];

    (void)state;
    draw_store(&meta);
    lf_meta_store_encode(&meta, bytes);
    assert_int_equal(LF_META_STORE_SIZE, 1120);
    {
        const struct number numbers[] = {
            {4, 4, meta.format},
            {8, 4, meta.shard_index},
            {12, 4, meta.shard_count},
            {16, 8, meta.compatible},
            {24, 8, meta.write_incompatible},
            {32, 8, meta.incompatible},
            {56, 8, meta.epoch},
            {64, 8, meta.incarnation},
            {72, 8, meta.sequence},
            {80, 8, (uint64_t)meta.commit_time},
            {88, 8, meta.catalog_version},
            {96, 8, meta.tokens[0].sequence},
            {104, 8, meta.tokens[0].token},
            {96 + 16 * 63, 8, meta.tokens[63].sequence},
            {104 + 16 * 63, 8, meta.tokens[63].token},
        };

        expect_numbers(bytes, numbers, sizeof numbers / sizeof *numbers);
    }
    assert_memory_equal(bytes + 40, meta.uuid, 16);
    assert_int_equal(
        lf_load_u32(bytes),
        lf_crc32c(lf_crc32c(0, "store", 5), bytes + 4, LF_META_STORE_SIZE - 4));
}

static void
a_view_record_lies_as_the_format_says(void **state)
{
    struct lf_meta_view meta;
    uint8_t bytes[LF_META_VIEW_SIZE];
    uint32_t sum = lf_crc32c(0, "view/0000000001abcdef", 21);

    (void)state;
    draw_view(&meta);
    lf_meta_view_encode(&meta, VIEW, bytes);
    assert_int_equal(LF_META_VIEW_SIZE, 140);
    {
        const struct number numbers[] = {
            {4, 8, meta.row_entries},
            {12, 8, meta.history_entries},
            {20, 8, meta.tile_entries},
            {28, 8, meta.tombstones},
            {36, 8, meta.content.low},
            {44, 8, meta.content.high},
            {52, 8, (uint64_t)meta.newest},
            {60, 8, meta.commit},
            {68, 8, (uint64_t)meta.purge_horizon},
            {76, 8, (uint64_t)meta.history_horizon},
            {84, 8, meta.applied},
            {92, 8, meta.late},
            {100, 8, (uint64_t)meta.history_since},
            {108, 8, meta.history_bases},
            {116, 8, meta.history.low},
            {124, 8, meta.history.high},
            {132, 8, 0},
        };

        expect_numbers(bytes, numbers, sizeof numbers / sizeof *numbers);
    }
    assert_int_equal(lf_load_u32(bytes),
                     lf_crc32c(sum, bytes + 4, LF_META_VIEW_SIZE - 4));
}

static void
a_record_decodes_to_what_was_encoded(void **state)
{
    (void)state;
    for (int i = 0; i < 1000; i++) {
        struct lf_meta_store store, store_again;
        struct lf_meta_view view, view_again;
        uint8_t bytes[LF_META_STORE_SIZE];

        draw_store(&store);
        lf_meta_store_encode(&store, bytes);
        memset(&store_again, 0, sizeof store_again);
        assert_true(
            lf_meta_store_decode(&store_again, bytes, LF_META_STORE_SIZE));
        assert_memory_equal(&store, &store_again, sizeof store);
        draw_view(&view);
        lf_meta_view_encode(&view, VIEW, bytes);
        assert_true(
            lf_meta_view_decode(&view_again, VIEW, bytes, LF_META_VIEW_SIZE));
        assert_memory_equal(&view, &view_again, sizeof view);
    }
}

static void
a_store_record_with_a_flipped_bit_is_refused(void **state)
{
    struct lf_meta_store meta, out, before;
    uint8_t bytes[LF_META_STORE_SIZE];

    (void)state;
    draw_store(&meta);
    draw_store(&out);
    before = out;
    lf_meta_store_encode(&meta, bytes);
    for (size_t bit = 0; bit < 8 * sizeof bytes; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(lf_meta_store_decode(&out, bytes, sizeof bytes));
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_memory_equal(&out, &before, sizeof out);
}

static void
a_view_record_with_any_changed_byte_is_refused(void **state)
{
    struct lf_meta_view meta, out, before;
    uint8_t bytes[LF_META_VIEW_SIZE];

    (void)state;
    draw_view(&meta);
    draw_view(&out);
    before = out;
    lf_meta_view_encode(&meta, VIEW, bytes);
    for (size_t i = 0; i < sizeof bytes; i++)
        for (uint32_t change = 1; change < 256; change++) {
            bytes[i] ^= (uint8_t)change;
            assert_false(lf_meta_view_decode(&out, VIEW, bytes, sizeof bytes));
            bytes[i] ^= (uint8_t)change;
        }
    assert_memory_equal(&out, &before, sizeof out);
}

static void
a_record_of_another_size_is_refused(void **state)
{
    struct lf_meta_store store;
    struct lf_meta_view view;
    uint8_t bytes[LF_META_STORE_SIZE + 1] = {0};

    (void)state;
    draw_store(&store);
    lf_meta_store_encode(&store, bytes);
    for (size_t size = 0; size <= LF_META_STORE_SIZE + 1; size++) {
        uint8_t *exact = malloc(size);

        memcpy(exact, bytes, size);
        assert_int_equal(lf_meta_store_decode(&store, exact, size),
                         size == LF_META_STORE_SIZE);
        free(exact);
    }
    draw_view(&view);
    lf_meta_view_encode(&view, VIEW, bytes);
    for (size_t size = 0; size <= LF_META_VIEW_SIZE + 1; size++) {
        uint8_t *exact = malloc(size);

        memcpy(exact, bytes, size);
        assert_int_equal(lf_meta_view_decode(&view, VIEW, exact, size),
                         size == LF_META_VIEW_SIZE);
        free(exact);
    }
}

static void
a_record_under_another_key_is_refused(void **state)
{
    struct lf_meta_view meta;
    uint8_t bytes[LF_META_VIEW_SIZE];

    (void)state;
    draw_view(&meta);
    lf_meta_view_encode(&meta, VIEW, bytes);
    for (int bit = 0; bit < 32; bit++)
        assert_false(
            lf_meta_view_decode(&meta, VIEW ^ 1u << bit, bytes, sizeof bytes));
    assert_true(lf_meta_view_decode(&meta, VIEW, bytes, sizeof bytes));
}

static void
the_key_of_a_view_is_sixteen_digits_of_its_id(void **state)
{
    char key[LF_META_KEY_SIZE];

    (void)state;
    lf_meta_view_key(0, key);
    assert_string_equal(key, "view/0000000000000000");
    lf_meta_view_key(UINT32_MAX, key);
    assert_string_equal(key, "view/00000000ffffffff");
}

static void
a_view_that_nothing_was_written_to_is_empty(void **state)
{
    struct lf_meta_view meta = lf_meta_view_empty();

    (void)state;
    assert_int_equal(meta.row_entries | meta.history_entries |
                         meta.tile_entries | meta.tombstones |
                         meta.content.low | meta.content.high | meta.commit |
                         meta.applied | meta.late | meta.history_bases |
                         meta.history.low | meta.history.high,
                     0);
    assert_true(meta.history_since == INT64_MIN);
    assert_true(meta.newest == INT64_MIN);
    assert_true(meta.purge_horizon == INT64_MIN);
    assert_true(meta.history_horizon == INT64_MIN);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        DRAWN(a_store_record_lies_as_the_format_says),
        DRAWN(a_view_record_lies_as_the_format_says),
        DRAWN(a_record_decodes_to_what_was_encoded),
        DRAWN(a_store_record_with_a_flipped_bit_is_refused),
        DRAWN(a_view_record_with_any_changed_byte_is_refused),
        DRAWN(a_record_of_another_size_is_refused),
        DRAWN(a_record_under_another_key_is_refused),
        cmocka_unit_test(the_key_of_a_view_is_sixteen_digits_of_its_id),
        cmocka_unit_test(a_view_that_nothing_was_written_to_is_empty),
    };

    draw_begin();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
