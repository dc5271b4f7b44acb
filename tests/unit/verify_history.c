/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Damage to a history that keeps to its pages: a flipped byte, an entry that is
 * missing, of another view, out of place or of a commit that cannot be, images
 * and counts that are wrong. Each is found, and named.
 */
#include "replanted.h"

#include "format/history.h"
#include "format/meta.h"

#define HISTORY_TREE "history/0000000000000002/0000000000000001"
#define VIEW_KEY     "view/0000000000000002"

/* One entry as it is stored. */
struct stored {
    uint8_t key[64];
    size_t key_size;
    uint8_t value[1024];
    size_t size;
};

#define MOST 64

struct history {
    struct stored entries[MOST];
    uint32_t count;
};

/* Key 1: an upsert, twenty patches (with an image), one late. Key 2: a delete. */
static void
make_history(struct fixture *f)
{
    char row[64];

    define(f, "CREATE ENTITY e (id INT64);"
              "CREATE FEATURE VIEW v (n INT64, s STRING) FOR e"
              " WITH (history = '30 days');");
    upsert(f, "v", "id, event_timestamp, n, s", "1 @1 7 text\n2 @1 8 other");
    for (int i = 0; i < 20; i++) {
        snprintf(row, sizeof row, "1 @%d %d", 10 + i, i);
        patch(f, "v", "id, event_timestamp, n", row);
    }
    upsert(f, "v", "id, event_timestamp, n, s", "1 @5 1 late");
    erase(f, "v", "id, event_timestamp", "2 @9");
    close_store(f);
    expect_nothing(f);
}

static feature_status
keep(void *context, const uint8_t *key, size_t key_size, const uint8_t *value,
     size_t size, struct feature_error *error)
{
    struct history *history = context;
    struct stored *to = &history->entries[history->count++];

    (void)error;
    assert_true(history->count <= MOST && size <= sizeof to->value);
    memcpy(to->key, key, key_size);
    memcpy(to->value, value, size);
    to->key_size = key_size;
    to->size = size;
    return FEATURE_OK;
}

/* Seals an entry for the view. */
static void
seal(struct stored *entry, uint32_t view)
{
    lf_store_u32(entry->value,
                 lf_row_checksum(lf_history_seed(view), entry->key,
                                 entry->key_size, entry->value, entry->size));
}

static bool
has_image(const struct stored *entry)
{
    return entry->value[6] & LF_HISTORY_HAS_IMAGE;
}

/* The first entry with an image, or the first without. */
static struct stored *
find(struct history *history, bool with_image)
{
    for (uint32_t i = 0; i < history->count; i++)
        if (has_image(&history->entries[i]) == with_image)
            return &history->entries[i];
    fail_msg("no such entry");
    return NULL;
}

static void
flip_byte(struct history *history)
{
    history->entries[0].value[20] ^= 4;
}

static void
lose_entry(struct history *history)
{
    find(history, false)->size = 0;
}

static void
change_image(struct history *history)
{
    struct stored *entry = find(history, true);
    size_t row_size = lf_load_u32(entry->value + 16);

    /* The first value of the image: n. */
    entry->value[32 + row_size + LF_ROW_HEADER_SIZE + 8] ^= 1;
    seal(entry, VIEW);
}

static void
change_row(struct history *history)
{
    struct stored *entry = &history->entries[3];

    entry->value[LF_HISTORY_HEADER_SIZE + LF_ROW_HEADER_SIZE + 8] ^= 1;
    seal(entry, VIEW);
}

static void
seal_for_another(struct history *history)
{
    seal(&history->entries[2], VIEW + 1);
}

static void
move_key(struct history *history)
{
    struct stored *entry = &history->entries[1];

    entry->key[7] = 3; /* the checksum is of the old place */
}

static void
write_tomorrow(struct history *history)
{
    struct stored *entry = &history->entries[0];

    lf_store_i64(entry->value + 8, INT64_MAX);
    seal(entry, VIEW);
}

static void
unknown_version(struct history *history)
{
    struct stored *entry = &history->entries[0];

    lf_store_u16(entry->value + LF_HISTORY_HEADER_SIZE + 4, 77);
    seal(entry, VIEW);
}

/* All patches of key 1 lose their images: too many in a row. */
static void
drop_images(struct history *history)
{
    for (uint32_t i = 0; i < history->count; i++) {
        struct stored *entry = &history->entries[i];
        size_t row_size = lf_load_u32(entry->value + 16);

        if (!has_image(entry))
            continue;
        entry->value[6] = 0;
        memmove(entry->value + 16, entry->value + 32, row_size);
        entry->size = 16 + row_size;
        seal(entry, VIEW);
    }
}

static const struct {
    void (*damage)(struct history *history);
    const char *expected;
} plants[] = {
    {flip_byte, "an entry of history: its checksum is wrong"},
    {lose_entry, "of history: the view's record says another number"},
    {change_image, "is not what it and older ones add up to"},
    {change_row, "the entries do not match the view's history hash"},
    {seal_for_another, "an entry of history: its checksum is wrong"},
    {move_key, "an entry of history: its checksum is wrong"},
    {write_tomorrow, "it is of a commit that cannot be"},
    {unknown_version, "it has an unknown schema version"},
    {drop_images, "too many patches without image"},
};

/* Puts the whole history anew, in a commit of the engine's own. */
static void
write_history(struct fixture *f, void (*damage)(struct history *history))
{
    static struct history history;
    struct lf_environment *environment;
    struct lf_writer *writer = begin_write(f, &environment);
    struct lf_tree *tree;

    history.count = 0;
    must(lf_writer_tree(writer, HISTORY_TREE, false, &tree, &problem));
    must(lf_tree_scan(tree, keep, &history, &problem));
    for (uint32_t i = 0; i < history.count; i++)
        must(lf_tree_delete(tree, history.entries[i].key,
                            history.entries[i].key_size, &problem));
    damage(&history);
    for (uint32_t i = 0; i < history.count; i++)
        if (history.entries[i].size)
            must(lf_tree_put(tree, history.entries[i].key,
                             history.entries[i].key_size,
                             history.entries[i].value, history.entries[i].size,
                             false, &problem));
    must(lf_writer_commit(writer, &problem));
    lf_environment_close(environment);
}

static void
nothing(struct history *history)
{
    (void)history;
}

static void
planted_damage_is_found(void **state)
{
    struct fixture *f = *state;
    struct image good;

    make_history(f);
    good = read_image(f);
    write_history(f, nothing);
    expect_nothing(f);
    write_image(f, &good);
    for (size_t i = 0; i < sizeof plants / sizeof *plants; i++) {
        write_history(f, plants[i].damage);
        expect_found(f, plants[i].expected);
        write_image(f, &good);
    }
    expect_nothing(f);
    free(good.bytes);
}

static void
fewer_entries(struct change *change)
{
    struct lf_meta_view meta;

    assert_true(lf_meta_view_decode(&meta, VIEW, change->bytes, change->size));
    meta.history_entries--;
    lf_meta_view_encode(&meta, VIEW, change->bytes);
}

static void
other_hash(struct change *change)
{
    struct lf_meta_view meta;

    assert_true(lf_meta_view_decode(&meta, VIEW, change->bytes, change->size));
    meta.history.low ^= 1;
    lf_meta_view_encode(&meta, VIEW, change->bytes);
}

/* Twenty bytes in a tree that no view has. */
static void
anything(struct change *change)
{
    change->bytes[0] = 1;
}

static void
wrong_records_are_found(void **state)
{
    static const struct plant records[] = {
        {"meta", VIEW_KEY, fewer_entries, "says another number of entries"},
        {"meta", VIEW_KEY, other_hash, "the view's history hash"},
        {"history/0000000000000007/0000000000000001", "key", anything,
         "the catalog has no feature view with this history"}};
    struct fixture *f = *state;
    struct image good;

    make_history(f);
    good = read_image(f);
    for (size_t i = 0; i < 3; i++)
        plant_and_find(f, &good, &records[i], 0, records[i].expected);
    expect_nothing(f);
    free(good.bytes);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(planted_damage_is_found),
        TEST(wrong_records_are_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
