/* SPDX-License-Identifier: Apache-2.0 */
/* Seeds of history: entries one by one, and blocks of them. */
#ifndef LF_TESTS_SEEDS_HISTORY_H
#define LF_TESTS_SEEDS_HISTORY_H

#include "format/block.h"

static void
fill_history(struct lf_cell cells[4], int64_t time, bool is_patch)
{
    static const uint8_t bytes[12] = "ab",
                         list[] = {1, 0, 0, 0, 2, 0, 0, 0, 'h', 'i'};

    cells[0] = (struct lf_cell){bytes, 8, false, time};
    cells[1] = (struct lf_cell){bytes, 2, false, time};
    cells[2] = (struct lf_cell){bytes, 12, true, time};
    cells[3] = (struct lf_cell){list, sizeof list, false, time};
    for (int i = 1; is_patch && i < 4; i++)
        cells[i] = (struct lf_cell){.is_null = true, .time = LF_TIME_UNSET};
}

static void
put_entry(struct lf_buffer *to, struct lf_history_entry *entry,
          const struct lf_buffer *row, const struct lf_buffer *image)
{
    struct lf_buffer value = {0};
    uint8_t time[8];

    lf_store_i64(time, entry->place.time);
    put_u8(to, 0);
    put(to, time, sizeof time);
    put_u8(to, (uint8_t)entry->place.sequence);
    put_u8(to, (uint8_t)entry->place.ordinal);
    lf_history_encode(entry, 0, time, sizeof time, row->data, row->size, image,
                      &value);
    put_u16(to, value.size);
    put(to, value.data, value.size);
    lf_buffer_free(&value);
}

/* A delete, a patch, a patch with an image, an upsert, a base. */
static void
give_history(void)
{
    static struct lf_schema_field fields[] = {
        {.feature = 1, .type = {FEATURE_TYPE_INT64, 1, false}},
        {.feature = 2, .type = {FEATURE_TYPE_STRING, 1, false}},
        {.feature = 3, .type = {FEATURE_TYPE_FLOAT32, 3, false}},
        {.feature = 4, .type = {FEATURE_TYPE_STRING, 1, true}}};
    static const int32_t operations[] = {3, 2, 2, 1, LF_HISTORY_BASE};
    const struct lf_schema schema = {
        .version = 1, .count = 4, .fields = fields};
    static const char *const names[] = {"delete", "patch", "image", "upsert",
                                        "base"};
    struct lf_buffer made = {0}, all = {0}, row = {0}, image = {0};
    struct lf_arena arena = {0};
    struct lf_layout layout;

    lf_layout_init(&layout, &schema, &arena);
    for (uint32_t i = 0; i < 5; i++) {
        int64_t time = 500 - 100 * i;
        struct lf_history_entry entry = {.operation = operations[i],
                                         .place = {time, 9 - i, i},
                                         .commit_time = 1000,
                                         .image_time = 2000};
        struct lf_cell cells[4];

        if (operations[i] == LF_HISTORY_BASE)
            entry.place = (struct lf_history_place){.time = LF_TIME_UNSET};
        fill_history(cells, time - 1, false);
        lf_row_encode(&layout, cells, &image);
        fill_history(cells, time, operations[i] == FEATURE_PATCH);
        if (operations[i] == FEATURE_DELETE)
            lf_row_encode_tombstone(1, time, &row);
        else
            lf_row_encode(&layout, cells, &row);
        made.size = 0;
        put_entry(&made, &entry, &row, i == 2 ? &image : NULL);
        put(&all, made.data, made.size);
        give("history", names[i], &made);
    }
    give("history", "all", &all);
    lf_buffer_free(&all);
    lf_buffer_free(&made);
    lf_buffer_free(&row);
    lf_buffer_free(&image);
    lf_arena_free(&arena);
}

/* The input's head: which kind, how many, the place of the oldest. */
static void
put_block(struct lf_buffer *to, bool is_value, uint32_t count,
          const struct lf_history_place *oldest)
{
    uint8_t time[8];

    lf_store_i64(time, oldest->time);
    to->size = 0;
    put_u8(to, is_value ? 0x80 : 0);
    put_u8(to, (uint8_t)count);
    put(to, time, sizeof time);
    put_u8(to, (uint8_t)oldest->sequence);
    put_u8(to, (uint8_t)oldest->ordinal);
}

static void
give_block(const struct lf_history_entry *entries, uint32_t count,
           const char *columns_name, const char *value_name)
{
    const struct lf_history_place *oldest = &entries[count - 1].place;
    struct lf_buffer columns = {0}, value = {0}, made = {0};
    struct lf_press *press = lf_press_create();
    const uint8_t key[1] = {0};

    lf_columns_put(entries, count, &columns);
    lf_block_seal(press, &columns, count, 0, key, sizeof key, &value);
    put_block(&made, false, count, oldest);
    put(&made, columns.data, columns.size);
    give("block", columns_name, &made);
    put_block(&made, true, count, oldest);
    put(&made, value.data, value.size);
    give("block", value_name, &made);
    lf_press_free(press);
    lf_buffer_free(&columns);
    lf_buffer_free(&value);
    lf_buffer_free(&made);
}

#define BLOCK 20 /* versions */

/* Patches, upserts and deletes; every fifth has an image. */
static void
give_blocks(void)
{
    static struct lf_schema_field fields[] = {
        {.feature = 1, .type = {FEATURE_TYPE_INT64, 1, false}},
        {.feature = 2, .type = {FEATURE_TYPE_STRING, 1, false}},
        {.feature = 3, .type = {FEATURE_TYPE_FLOAT32, 3, false}},
        {.feature = 4, .type = {FEATURE_TYPE_STRING, 1, true}}};
    const struct lf_schema schema = {
        .version = 1, .count = 4, .fields = fields};
    struct lf_history_entry entries[BLOCK] = {0};
    struct lf_buffer rows[BLOCK] = {0}, images[BLOCK] = {0};
    struct lf_arena arena = {0};
    struct lf_layout layout;
    struct lf_cell cells[4];

    lf_layout_init(&layout, &schema, &arena);
    for (uint32_t i = 0; i < BLOCK; i++) {
        int64_t time = 5000 - 100 * (int64_t)i;

        entries[i].operation = 1 + (int32_t)(i * 5 % 3);
        entries[i].place = (struct lf_history_place){time, 60 - i, i % 3};
        entries[i].commit_time = 9000 - i;
        entries[i].image_time = 9999;
        entries[i].has_image = i % 5 == 2;
        fill_history(cells, time, entries[i].operation == FEATURE_PATCH);
        if (entries[i].operation == FEATURE_DELETE)
            lf_row_encode_tombstone(1, time, &rows[i]);
        else
            lf_row_encode(&layout, cells, &rows[i]);
        fill_history(cells, time - 7, false);
        lf_row_encode(&layout, cells, &images[i]);
        lf_row_open(&entries[i].row, rows[i].data, rows[i].size);
        lf_row_open(&entries[i].image, images[i].data, images[i].size);
    }
    give_block(entries, BLOCK, "columns", "value");
    give_block(entries, 1, "one-columns", "one-value");
    for (uint32_t i = 0; i < BLOCK; i++) {
        lf_buffer_free(&rows[i]);
        lf_buffer_free(&images[i]);
    }
    lf_arena_free(&arena);
}

#endif
