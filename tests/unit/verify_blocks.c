/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Damage to blocks of history and to their dictionary, under right checksums
 * where that is worse: verification names each, and no read serves it.
 */
#include "replanted.h"

#include "format/block.h"
#include "format/meta.h"

#define HISTORY_TREE "history/0000000000000002/0000000000000001"
#define DICTIONARY   "dictionary/0000000000000002"
#define KEYS         64
#define VERSIONS     160

/* One block as it is stored, and what its versions are. */
struct stored {
    bool has_dictionary, is_found;
    uint8_t key[64];
    size_t key_size;
    uint8_t value[8192];
    size_t size;
    struct lf_tree *tree, *meta;
    struct lf_press *press;
    struct lf_versions_block block;
};

/* Two blocks of each key, half of them with a dictionary. */
static void
make_blocks(struct fixture *f)
{
    static char text[KEYS * 80];
    struct feature_maintain_options options = {.struct_size = sizeof options,
                                               .flags = FEATURE_MAINTAIN_ALL};
    struct feature_maintain_report report = {.struct_size = sizeof report};

    define(f, "CREATE ENTITY e (id INT64);"
              "CREATE FEATURE VIEW v (n INT64, d FLOAT64, s STRING) FOR e"
              " WITH (history = '30 days');");
    for (int i = 0; i < VERSIONS; i++) {
        size_t size = 0;

        for (int key = 0; key < KEYS; key++)
            size += (size_t)snprintf(text + size, sizeof text - size,
                                     "%d @%d %d %d.25 word-%d-of-some\n", key,
                                     i * 60 - 20000, i + key, i, (i * key) % 7);
        upsert(f, "v", NULL, text);
    }
    must(feature_store_maintain(f->store, &options, &report, &problem));
    assert_int_equal(report.versions_packed, KEYS * 128);
    close_store(f);
    expect_nothing(f);
}

/* --- damage ------------------------------------------------------------------ */

static void
seal(struct stored *stored)
{
    lf_store_u32(stored->value, lf_row_checksum(lf_history_seed(VIEW),
                                                stored->key, stored->key_size,
                                                stored->value, stored->size));
}

static void
flip_byte(struct stored *stored)
{
    stored->value[stored->size - 9] ^= 4;
}

static void
flip_sealed_byte(struct stored *stored)
{
    stored->value[LF_BLOCK_HEADER_SIZE + 1] ^= 0x80;
    seal(stored);
}

static void
unknown_flag(struct stored *stored)
{
    stored->value[7] = 1;
    seal(stored);
}

static void
huge_size(struct stored *stored)
{
    lf_store_u32(stored->value + 12, UINT32_MAX);
    seal(stored);
}

static void
more_versions(struct stored *stored)
{
    stored->value[5]++;
    seal(stored);
}

static void
another_dictionary(struct stored *stored)
{
    lf_store_u32(stored->value + 8, 4711);
    seal(stored);
}

/* The block's versions anew, count of them from the oldest on. */
static void
repack(struct stored *stored, uint32_t count)
{
    struct lf_buffer columns = {0}, value = {0};
    const struct lf_versions_block *block = &stored->block;

    assert_true(
        lf_columns_put(block->entries + block->count - count, count, &columns));
    assert_true(lf_block_seal(stored->press, &columns, count,
                              lf_history_seed(VIEW), stored->key,
                              stored->key_size, &value));
    assert_true(value.size <= sizeof stored->value);
    memcpy(stored->value, value.data, value.size);
    stored->size = value.size;
    lf_buffer_free(&columns);
    lf_buffer_free(&value);
}

static void
lose_version(struct stored *stored)
{
    repack(stored, stored->block.count - 1);
}

static uint8_t *
row_of(struct stored *stored, uint32_t index)
{
    return (uint8_t *)(uintptr_t)stored->block.entries[index].row.bytes;
}

static void
change_value_of_one(struct stored *stored)
{
    row_of(stored, 3)[LF_ROW_HEADER_SIZE + 8] ^= 1;
    repack(stored, stored->block.count);
}

static void
unknown_version(struct stored *stored)
{
    stored->block.entries[5].row.version = 77;
    repack(stored, stored->block.count);
}

static void
write_tomorrow(struct stored *stored)
{
    stored->block.entries[5].commit_time = INT64_MAX;
    repack(stored, stored->block.count);
}

/* A row that is newer than the oldest of the block, and lies in front of it. */
static void
put_row_within(struct stored *stored)
{
    struct lf_history_entry entry = stored->block.entries[7];
    struct lf_buffer value = {0};
    uint8_t key[64];

    memcpy(key, stored->key, stored->key_size);
    lf_history_put_place(key + stored->key_size - LF_HISTORY_PLACE_SIZE,
                         &entry.place);
    assert_true(lf_history_encode(&entry, lf_history_seed(VIEW), key,
                                  stored->key_size, entry.row.bytes,
                                  entry.row.size, NULL, &value));
    must(lf_tree_put(stored->tree, key, stored->key_size, value.data,
                     value.size, false, &problem));
    lf_buffer_free(&value);
}

static void
lose_dictionary(struct stored *stored)
{
    must(
        lf_tree_delete(stored->meta, DICTIONARY, strlen(DICTIONARY), &problem));
}

static void
damage_dictionary(struct stored *stored)
{
    uint8_t copy[4 + LF_DICTIONARY_MAX];
    const uint8_t *record;
    size_t size;
    bool found;

    must(lf_tree_get(stored->meta, DICTIONARY, strlen(DICTIONARY), &found,
                     &record, &size, &problem));
    assert_true(found && size <= sizeof copy);
    memcpy(copy, record, size);
    copy[size / 2] ^= 1;
    must(lf_tree_put(stored->meta, DICTIONARY, strlen(DICTIONARY), copy, size,
                     false, &problem));
}

/* A dictionary of zstd by its first bytes alone, and a block that names it. */
static void
hostile_dictionary(struct stored *stored)
{
    uint8_t record[300] = {[4] = 0x37, 0xa4, 0x30, 0xec, 1, 0xff, 0xff};
    uint32_t sum = lf_dictionary_sum(VIEW, record + 4, sizeof record - 4);

    lf_store_u32(record, sum);
    must(lf_tree_put(stored->meta, DICTIONARY, strlen(DICTIONARY), record,
                     sizeof record, false, &problem));
    lf_store_u32(stored->value + 8, sum);
    seal(stored);
}

static void
lone_dictionary(struct stored *stored)
{
    uint8_t record[12] = {0};

    lf_store_u32(record, lf_dictionary_sum(9, record + 4, 8));
    must(lf_tree_put(stored->meta, "dictionary/0000000000000009", 27, record,
                     sizeof record, false, &problem));
}

static const struct {
    void (*damage)(struct stored *stored);
    bool has_dictionary; /* of the block it is done to */
    bool is_served;      /* reads of that block go on */
    const char *expected;
} plants[] = {
    {flip_byte, false, false, "its checksum is wrong"},
    {flip_byte, true, false, "its checksum is wrong"},
    {flip_sealed_byte, false, false, "its block has an unknown form"},
    {unknown_flag, false, false, "its block has an unknown form"},
    {huge_size, false, false, "its block has an unknown form"},
    {more_versions, true, false, "its block has an unknown form"},
    {another_dictionary, false, false,
     "the dictionary of its block is missing"},
    {lose_version, true, true, "says another number of entries"},
    {change_value_of_one, false, true, "do not match the view's history hash"},
    {unknown_version, false, true, "it has an unknown schema version"},
    {write_tomorrow, false, true, "it is of a commit that cannot be"},
    {put_row_within, true, true, "its key is out of order"},
    {lose_dictionary, true, false, "the dictionary of its block is missing"},
    {damage_dictionary, true, false, "dictionary of feature view 2 is damaged"},
    {hostile_dictionary, true, false, "its block has an unknown form"},
    {lone_dictionary, true, true, "a dictionary of feature view 9"},
};

/* --- the store --------------------------------------------------------------- */

static feature_status
find_block(void *context, const uint8_t *key, size_t key_size,
           const uint8_t *value, size_t size, struct feature_error *error)
{
    struct stored *to = context;

    (void)error;
    if (!lf_is_block(value, size) ||
        (lf_load_u32(value + 8) != 0) != to->has_dictionary)
        return FEATURE_OK;
    assert_true(size <= sizeof to->value && key_size <= sizeof to->key);
    memcpy(to->key, key, key_size);
    memcpy(to->value, value, size);
    to->key_size = key_size;
    to->size = size;
    to->is_found = true;
    return LF_ENOUGH;
}

/* Unpacks the block, by the dictionary of the store. */
static void
open_block(struct stored *stored)
{
    const uint8_t *record;
    size_t size;
    bool found;

    stored->press = lf_press_create();
    must(lf_tree_get(stored->meta, DICTIONARY, strlen(DICTIONARY), &found,
                     &record, &size, &problem));
    assert_true(found && lf_dictionary_is_sound(VIEW, record, size));
    assert_true(lf_press_use(stored->press, lf_dictionary_stated(record, size),
                             record + 4, size - 4));
    assert_null(lf_block_unpack(stored->press, &stored->block, stored->key,
                                stored->key_size, stored->value, stored->size));
}

static void
damage_store(struct fixture *f, size_t plant, struct stored *stored)
{
    struct lf_environment *environment;
    struct lf_writer *writer = begin_write(f, &environment);

    *stored = (struct stored){.has_dictionary = plants[plant].has_dictionary};
    must(lf_writer_tree(writer, HISTORY_TREE, false, &stored->tree, &problem));
    must(lf_writer_tree(writer, LF_META_TREE, false, &stored->meta, &problem));
    must(lf_tree_scan_from(stored->tree, "", 0 + 1, find_block, stored,
                           &problem));
    assert_true(stored->is_found);
    open_block(stored);
    plants[plant].damage(stored);
    must(lf_tree_put(stored->tree, stored->key, stored->key_size, stored->value,
                     stored->size, false, &problem));
    must(lf_writer_commit(writer, &problem));
    lf_environment_close(environment);
    lf_press_free(stored->press);
}

/* A read as of the time of the block's oldest version. */
static feature_status
read_block(struct fixture *f, const struct stored *stored)
{
    int64_t key = stored->key[7];
    int64_t time = stored->block.entries[stored->block.count - 1].place.time;
    feature_query *query;
    feature_request *request;
    feature_status status;

    open_store(f);
    must(feature_query_create(f->store, "v(*)", NULL, &query, &problem));
    must(feature_request_create(query, &request, &problem));
    must(feature_request_set_key(request, 0, FEATURE_TYPE_INT64, &key, NULL,
                                 NULL, 1, &problem));
    must(feature_request_set_as_of(request, &time, 1, &problem));
    status = feature_request_read(request, &problem);
    feature_request_free(request);
    feature_query_free(query);
    close_store(f);
    return status;
}

static void
planted_damage_is_found(void **state)
{
    static struct stored stored;
    struct fixture *f = *state;
    struct image good;

    make_blocks(f);
    good = read_image(f);
    for (size_t i = 0; i < sizeof plants / sizeof *plants; i++) {
        damage_store(f, i, &stored);
        expect_found(f, plants[i].expected);
        assert_int_equal(read_block(f, &stored),
                         plants[i].is_served ? FEATURE_OK : FEATURE_CORRUPT);
        lf_versions_block_free(&stored.block);
        write_image(f, &good);
    }
    expect_nothing(f);
    free(good.bytes);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(planted_damage_is_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
