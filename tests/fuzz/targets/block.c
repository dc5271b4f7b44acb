/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A block of one key's history: the place of its oldest version, how many there
 * are, and either its columns or its whole value, under a right checksum.
 *
 * Property: a refusal is "structure"; the versions that come out lie one behind
 * the other, newest first, within the room that was made for them, the last at
 * the place of the block; and their columns are just these bytes again.
 */
#include "target.h"

#include "format/block.h"

#define VIEW 7

static const uint8_t join_key[8] = {0x80, 0, 0, 0, 0, 0, 0, 5};

static void
check_row(const struct lf_versions_block *block, const struct lf_row *row,
          uint64_t *sum)
{
    expect(row->bytes >= block->bytes.data &&
               row->bytes + row->size <=
                   block->bytes.data + block->bytes.capacity,
           "a row lies in its block");
    for (uint32_t i = 0; i < row->size; i++)
        *sum += row->bytes[i];
}

static void
check_versions(const struct lf_versions_block *block,
               const struct lf_history_place *oldest)
{
    uint8_t last[LF_HISTORY_PLACE_SIZE], place[LF_HISTORY_PLACE_SIZE];
    uint64_t sum = 0;

    for (uint32_t i = 0; i < block->count; i++) {
        const struct lf_history_entry *entry = &block->entries[i];

        lf_history_put_place(place, &entry->place);
        expect(!i || memcmp(last, place, sizeof last) < 0, "places rise");
        memcpy(last, place, sizeof last);
        expect(lf_history_is_consistent(entry), "an entry is consistent");
        expect(lf_block_find(block, &entry->place) == i, "a version is found");
        check_row(block, &entry->row, &sum);
        if (entry->has_image)
            check_row(block, &entry->image, &sum);
    }
    lf_history_put_place(last, oldest);
    expect(!memcmp(last, place, sizeof last), "the last is the oldest");
}

static void
try_columns(const uint8_t *bytes, size_t size, uint32_t count,
            const struct lf_history_place *oldest)
{
    struct lf_versions_block block = {0};
    struct lf_buffer made = {0};
    const char *problem = lf_columns_get(&block, oldest, count, bytes, size);

    expect(!problem || !strcmp(problem, "structure"), "a refusal");
    if (!problem) {
        expect(block.count == count, "all versions come out");
        check_versions(&block, oldest);
        expect(lf_columns_put(block.entries, count, &made) &&
                   made.size == size && !memcmp(made.data, bytes, size),
               "columns come back");
    }
    lf_buffer_free(&made);
    lf_versions_block_free(&block);
}

/* The same versions packed anew are the same versions. */
static void
pack_again(struct lf_press *press, const struct lf_versions_block *block,
           const uint8_t *key, size_t key_size)
{
    uint32_t seed = lf_history_seed(VIEW), sum;
    struct lf_buffer columns = {0}, value = {0};
    struct lf_versions_block again = {0};

    expect(lf_columns_put(block->entries, block->count, &columns) &&
               lf_block_seal(press, &columns, block->count, seed, key, key_size,
                             &value),
           "versions pack");
    expect(!lf_block_check(seed, key, key_size, value.data, value.size, &sum) &&
               !lf_block_unpack(press, &again, key, key_size, value.data,
                                value.size) &&
               again.count == block->count,
           "a block comes back");
    lf_buffer_free(&columns);
    lf_buffer_free(&value);
    lf_versions_block_free(&again);
}

static void
try_value(uint8_t *value, size_t size, const struct lf_history_place *oldest)
{
    uint8_t key[sizeof join_key + LF_HISTORY_PLACE_SIZE];
    struct lf_versions_block block = {0};
    struct lf_press *press = lf_press_create();
    uint32_t seed = lf_history_seed(VIEW), sum;
    const char *problem;

    memcpy(key, join_key, sizeof join_key);
    lf_history_put_place(key + sizeof join_key, oldest);
    if (size >= 4)
        lf_store_u32(value,
                     lf_row_checksum(seed, key, sizeof key, value, size));
    problem = lf_block_check(seed, key, sizeof key, value, size, &sum);
    if (!problem)
        problem = lf_block_unpack(press, &block, key, sizeof key, value, size);
    expect(!problem || !strcmp(problem, "structure") ||
               (sum && !strcmp(problem, "dictionary")),
           "a refusal has a reason");
    if (!problem) {
        check_versions(&block, oldest);
        pack_again(press, &block, key, sizeof key);
    }
    lf_versions_block_free(&block);
    lf_press_free(press);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct input input = {bytes, bytes + size};
    bool is_value = take_u8(&input) & 0x80;
    uint32_t count = take_u8(&input);
    struct lf_history_place oldest = {.time = (int64_t)take_u64(&input)};
    size_t rest;
    uint8_t *copy;

    oldest.sequence = take_u8(&input);
    oldest.ordinal = take_u8(&input);
    rest = left_of(&input);
    copy = take_copy(&input, &rest);
    if (is_value)
        try_value(copy, rest, &oldest);
    else
        try_columns(copy, rest, count, &oldest);
    free(copy);
    return 0;
}
