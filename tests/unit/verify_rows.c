/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows and records that whole pages and right checksums hide, planted through
 * the engine and sealed again: each is found, and named.
 */
#include "damaged.h"

#include "base/crc32c.h"
#include "engine/engine.h"
#include "format/meta.h"
#include "format/record.h"
#include "format/row.h"

#define ROWS_TREE "rows/0000000000000002/0000000000000001"
#define VIEW      2

/* One value, changed in place; a size of 0 removes it. */
struct change {
    uint8_t key[64];
    size_t key_size;
    uint8_t bytes[4096];
    size_t size;
};

struct plant {
    const char *tree;
    const char *key; /* text, or NULL: row k */
    void (*damage)(struct change *change);
    const char *expected;
};

static void
make_store(struct fixture *f)
{
    define(f, "CREATE ENTITY e (id INT64);"
              "CREATE FEATURE VIEW v (a BOOL, n INT64, s STRING, m STRING[])"
              " FOR e;");
    upsert(f, "v", "id, event_timestamp, a, n, s, m",
           "1 @1 true 7 text [a,bc]\n"
           "2 @2 false null other []\n"
           "3 @3 true 9 third [x]");
    patch(f, "v", "id, event_timestamp, n", "3 @5 10");
    erase(f, "v", "id, event_timestamp", "2 @4");
    upsert(f, "v", "id, event_timestamp, a, n, s, m", "4 @2 false null y null");
    close_store(f);
    expect_nothing(f);
}

/* --- rows: 1 whole, 2 a tombstone, 3 with cell times, 4 with nulls ---------- */

static void
set_version(struct change *row)
{
    lf_store_u16(row->bytes + 4, 99);
}

static void
set_flag(struct change *row)
{
    row->bytes[6] |= 0x20;
}

static void
unset_time(struct change *row)
{
    lf_store_i64(row->bytes + 8, INT64_MIN);
}

/* The fixed area begins behind the header and 8 bytes of null bits: n, then a.
 */
static void
set_bool(struct change *row)
{
    row->bytes[LF_ROW_HEADER_SIZE + 16] = 2;
}

static void
spoil_text(struct change *row)
{
    uint8_t *at = memmem(row->bytes, row->size, "text", 4);

    assert_non_null(at);
    *at = 0xff;
}

static void
spoil_list(struct change *row)
{
    uint8_t *at = memmem(row->bytes, row->size, "abc", 3);

    assert_non_null(at);
    *at = 0xc0;
}

static void
fill_null(struct change *row)
{
    row->key[7] = 4;
    row->bytes[LF_ROW_HEADER_SIZE + 8] = 1;
}

static void
set_spare_null(struct change *row)
{
    row->bytes[LF_ROW_HEADER_SIZE + 7] |= 0x80;
}

static void
cut_row(struct change *row)
{
    row->size -= 3;
}

static void
cut_header(struct change *row)
{
    row->size = 10;
}

static void
age(struct change *row)
{
    lf_store_i64(row->bytes + 8, lf_load_i64(row->bytes + 8) - 1);
}

static void
remove_value(struct change *change)
{
    change->size = 0;
}

static void
shorten_key(struct change *row)
{
    row->key_size = 7;
}

static void
lengthen_key(struct change *row)
{
    row->key_size = 9;
}

static void
renew(struct change *row)
{
    lf_store_i64(row->bytes + 8, NOON + DAY);
}

static const struct plant row_plants[] = {
    {ROWS_TREE, NULL, set_version, "schema version 99, which its view has not"},
    {ROWS_TREE, NULL, set_flag, "the row's header is impossible"},
    {ROWS_TREE, NULL, unset_time, "the row has no event timestamp"},
    {ROWS_TREE, NULL, set_bool, "holds a value that its type cannot"},
    {ROWS_TREE, NULL, spoil_text, "holds a value that its type cannot"},
    {ROWS_TREE, NULL, spoil_list, "holds a value that its type cannot"},
    {ROWS_TREE, NULL, set_spare_null, "is not what its cells encode to"},
    {ROWS_TREE, NULL, cut_row, "does not fit its schema version"},
    {ROWS_TREE, NULL, cut_header, "the row is too short"},
    {ROWS_TREE, NULL, age, "the view's content hash is not that of its rows"},
    {ROWS_TREE, NULL, remove_value, "says 4 rows, there are 3"},
    {ROWS_TREE, NULL, shorten_key, "the key ends within an INT64"},
    {ROWS_TREE, NULL, lengthen_key, "the key goes on after its last part"},
    {ROWS_TREE, NULL, renew, "its newest event timestamp is"},
};

/* --- records ----------------------------------------------------------------- */

static void
spoil_record(struct change *change)
{
    change->bytes[12] ^= 1;
}

static void
with_view(struct change *change, void (*edit)(struct lf_meta_view *meta))
{
    struct lf_meta_view meta;

    assert_true(lf_meta_view_decode(&meta, VIEW, change->bytes, change->size));
    edit(&meta);
    lf_meta_view_encode(&meta, VIEW, change->bytes);
}

static void
more_tombstones(struct lf_meta_view *meta)
{
    meta->tombstones++;
}

static void
more_history(struct lf_meta_view *meta)
{
    meta->history_entries++;
}

static void
other_hash(struct lf_meta_view *meta)
{
    meta->content.high ^= 1;
}

static void
older(struct lf_meta_view *meta)
{
    meta->newest -= SECOND;
}

static void
later(struct lf_meta_view *meta)
{
    meta->commit += 1000;
}

static void
fewer(struct lf_meta_view *meta)
{
    meta->applied = 1;
}

static void
add_tombstone(struct change *change)
{
    with_view(change, more_tombstones);
}

static void
add_history(struct change *change)
{
    with_view(change, more_history);
}

static void
change_hash(struct change *change)
{
    with_view(change, other_hash);
}

static void
age_view(struct change *change)
{
    with_view(change, older);
}

static void
advance(struct change *change)
{
    with_view(change, later);
}

static void
forget_applied(struct change *change)
{
    with_view(change, fewer);
}

static void
with_store(struct change *change, void (*edit)(struct lf_meta_store *meta))
{
    struct lf_meta_store meta;

    assert_true(lf_meta_store_decode(&meta, change->bytes, change->size));
    edit(&meta);
    lf_meta_store_encode(&meta, change->bytes);
}

static void
skip_commit(struct lf_meta_store *meta)
{
    meta->sequence++;
}

static void
lose_commit(struct lf_meta_store *meta)
{
    meta->tokens[2].sequence = 0;
}

static void
stray_commit(struct lf_meta_store *meta)
{
    meta->tokens[40].sequence = 40;
}

static void
other_catalog(struct lf_meta_store *meta)
{
    meta->catalog_version++;
}

static void
break_chain(struct change *change)
{
    with_store(change, skip_commit);
}

static void
break_middle(struct change *change)
{
    with_store(change, lose_commit);
}

static void
break_future(struct change *change)
{
    with_store(change, stray_commit);
}

static void
change_catalog(struct change *change)
{
    with_store(change, other_catalog);
}

/* Other bytes of a message, with the right checksum. */
static void
reseal_definition(struct change *change)
{
    change->bytes[change->size - 1] ^= 0xff;
    lf_store_u32(change->bytes,
                 lf_crc32c(lf_crc32c(0, change->key, change->key_size),
                           change->bytes + 4, change->size - 4));
}

#define STORE_KEY "store"
#define VIEW_KEY  "view/0000000000000002"

static const struct plant record_plants[] = {
    {"meta", STORE_KEY, spoil_record, "the store's record is damaged"},
    {"meta", STORE_KEY, remove_value, "the store's record is missing"},
    {"meta", STORE_KEY, break_chain, "the store's record has no commit 6"},
    {"meta", STORE_KEY, break_middle, "the store's record has no commit 2"},
    {"meta", STORE_KEY, break_future, "in a place that was not reached"},
    {"meta", STORE_KEY, change_catalog,
     "the catalog has version 1, the store's record says 2"},
    {"meta", VIEW_KEY, spoil_record, "the record of feature view 2 is damaged"},
    {"meta", VIEW_KEY, remove_value, "there is no record of the view"},
    {"meta", VIEW_KEY, add_tombstone, "says 2 tombstones, there are 1"},
    {"meta", VIEW_KEY, add_history, "entries of history, there are 0"},
    {"meta", VIEW_KEY, change_hash, "the view's content hash is not"},
    {"meta", VIEW_KEY, age_view, "its newest event timestamp is"},
    {"meta", VIEW_KEY, advance, "the view's last commit is 1005"},
    {"meta", VIEW_KEY, forget_applied, "fewer rows applied than there are"},
    {"meta", "view/0000000000000009", spoil_record,
     "the record of feature view 9 is damaged"},
    {"meta", "junk", spoil_record, "an unknown record"},
    {"catalog", "v\0\0\0\2", spoil_record, "the catalog's record is damaged"},
    {"catalog", "v\0\0\0\2", reseal_definition, "the catalog record 2 of a"},
    {"catalog", "e\0\0\0\1", remove_value, "catalog"},
    {"catalog", "c\0\0\0\0", remove_value,
     "the catalog record of the store is not there"},
    {"catalog", "x\0\0\0\7", spoil_record, "the catalog's record is damaged"},
    {"catalog", "odd", spoil_record, "the catalog's record is damaged"},
    {"nonsense", "key", spoil_record, "the format has no tree of this name"},
    {"rows/0000000000000007/0000000000000001", "key", spoil_record,
     "the catalog has no such feature view"},
    {"rows/0000000000000002/0000000000000005", "key", spoil_record,
     "the catalog has no such feature view"},
};

/* --- planting ----------------------------------------------------------------- */

static size_t
key_size_of(const struct plant *plant)
{
    return strcmp(plant->tree, "catalog") == 0 && strcmp(plant->key, "odd") != 0
               ? LF_RECORD_KEY_SIZE
               : strlen(plant->key);
}

static struct lf_writer *
begin_write(struct fixture *f, struct lf_environment **environment)
{
    struct lf_environment_options options = {.wait_ms = 5000};
    struct lf_writer *writer;
    bool created;

    must(lf_environment_open(f->path, &options, environment, &created,
                             &problem));
    must(lf_writer_begin(*environment, 5000, &writer, &problem));
    return writer;
}

/* Changes one value in a commit of the engine's own; rows are sealed again. */
static void
change_value(struct fixture *f, const struct plant *plant, uint8_t row)
{
    struct change change = {.key = {0x80, [7] = row}, .key_size = 8};
    struct lf_environment *environment;
    struct lf_writer *writer;
    struct lf_tree *tree;
    const uint8_t *value;
    bool found;

    if (plant->key) {
        change.key_size = key_size_of(plant);
        memcpy(change.key, plant->key, change.key_size);
    }
    writer = begin_write(f, &environment);
    must(lf_writer_tree(writer, plant->tree, true, &tree, &problem));
    must(lf_tree_get(tree, change.key, change.key_size, &found, &value,
                     &change.size, &problem));
    if (found)
        memcpy(change.bytes, value, change.size);
    else
        change.size = 20;
    plant->damage(&change);
    if (!plant->key && change.size > 4)
        lf_store_u32(change.bytes, lf_row_checksum(lf_row_seed(VIEW),
                                                   change.key, change.key_size,
                                                   change.bytes, change.size));
    if (change.size)
        must(lf_tree_put(tree, change.key, change.key_size, change.bytes,
                         change.size, false, &problem));
    else
        must(lf_tree_delete(tree, change.key, change.key_size, &problem));
    must(lf_writer_commit(writer, &problem));
    lf_environment_close(environment);
}

static void
plant_and_find(struct fixture *f, const struct image *good,
               const struct plant *plant, uint8_t row, const char *expected)
{
    change_value(f, plant, row);
    expect_found(f, expected);
    write_image(f, good);
}

static void
planted_rows_are_named(void **state)
{
    static const struct plant null_plant = {ROWS_TREE, NULL, fill_null, NULL};
    static const struct plant time_plant = {ROWS_TREE, NULL, age, NULL};
    struct fixture *f = *state;
    struct image good;

    make_store(f);
    good = read_image(f);
    for (size_t i = 0; i < sizeof row_plants / sizeof *row_plants; i++)
        plant_and_find(f, &good, &row_plants[i], 1, row_plants[i].expected);
    plant_and_find(f, &good, &null_plant, 4, "is not what its cells encode to");
    plant_and_find(f, &good, &time_plant, 3, "does not fit its schema version");
    expect_nothing(f);
    free(good.bytes);
}

static void
planted_records_are_named(void **state)
{
    struct fixture *f = *state;
    struct image good;

    make_store(f);
    good = read_image(f);
    for (size_t i = 0; i < sizeof record_plants / sizeof *record_plants; i++)
        plant_and_find(f, &good, &record_plants[i], 0,
                       record_plants[i].expected);
    expect_nothing(f);
    free(good.bytes);
}

/* An older, valid version of a row passes every check but the hash. */
static void
a_stale_row_is_found(void **state)
{
    struct fixture *f = *state;
    struct lf_environment *environment;
    uint8_t key[8] = {0x80, [7] = 1}, old[256];
    struct lf_writer *writer;
    struct lf_tree *tree;
    const uint8_t *value;
    bool found;
    size_t size;

    make_store(f);
    writer = begin_write(f, &environment);
    must(lf_writer_tree(writer, ROWS_TREE, false, &tree, &problem));
    must(lf_tree_get(tree, key, 8, &found, &value, &size, &problem));
    memcpy(old, value, size);
    lf_writer_abort(writer);
    lf_environment_close(environment);
    open_store(f);
    upsert(f, "v", "id, event_timestamp, n, a, s, m", "1 @1 8 true text [a]");
    close_store(f);
    expect_nothing(f);
    writer = begin_write(f, &environment);
    must(lf_writer_tree(writer, ROWS_TREE, false, &tree, &problem));
    must(lf_tree_put(tree, key, 8, old, size, false, &problem));
    must(lf_writer_commit(writer, &problem));
    lf_environment_close(environment);
    expect_found(f, "the view's content hash is not that of its rows");
}

/* The rows of a view are gone, and its record still counts them. */
static void
a_lost_tree_is_found(void **state)
{
    struct fixture *f = *state;
    struct lf_environment *environment;
    struct lf_writer *writer;

    make_store(f);
    writer = begin_write(f, &environment);
    must(lf_writer_drop(writer, ROWS_TREE, &problem));
    must(lf_writer_commit(writer, &problem));
    lf_environment_close(environment);
    expect_found(f, "says 4 rows, there is no tree of them");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(planted_rows_are_named),
        TEST(planted_records_are_named),
        TEST(a_stale_row_is_found),
        TEST(a_lost_tree_is_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
